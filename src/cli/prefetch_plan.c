/* SPDX-License-Identifier: Apache-2.0 */
/* What is missing in the store, and which card it would be spent on. */
#include <stdlib.h>
#include <string.h>

#include "broker/owner.h"
#include "broker/spend.h"
#include "cli/install.h"
#include "cli/parts.h"
#include "cli/prefetch.h"

#define WHAT "prefetch licenses"

/* ---- the store ---------------------------------------------------------- */

/* What an earlier look has found to be wrong. */
static void
forget(hl_prefetch_item *it)
{
	free(it->err);
	it->err = NULL;
	it->rc = HL_OK;
}

/* What a file tells of the UID is kept, also for a chip that costs nothing. */
static hl_rc
complete_chip(hl_prefetch *p, const hl_prefetch_item *it, hl_err *err)
{
	hl_cli *cli = p->cli;
	hl_chip chip;
	hl_rc rc;

	if (it->uid.n == 0 || cli->dry_run)
		return HL_OK;
	rc = hl_store_chip_by_cert(cli->store, it->sha256, &chip, err);
	if (rc != HL_OK || chip.uid.n > 0)
		return rc;
	return hl_store_chip_put(
	    cli->store, p->cert, &it->uid, &cli->actor, &chip, err);
}

/* A license that is there but doubted stands in the way of another one, as it
 * does for program and run: a person has to decide. */
static hl_rc
leave_doubted(hl_prefetch *p, hl_prefetch_item *it, hl_err *err)
{
	hl_err e = { 0 };
	hl_rc rc = hl_refuse_doubted(p->cli, &p->r->chip,
	    p->firmware[0] != '\0' ? p->firmware : NULL, &e);

	if (rc == HL_EDENIED) {
		hl_prefetch_fail(it, HL_PREFETCH_NOT_TRIED, &e);
		return HL_OK;
	}
	if (rc != HL_OK)
		*err = e;
	return rc;
}

hl_rc
hl_prefetch_look(hl_prefetch *p, hl_prefetch_item *it, bool *doubt, hl_err *err)
{
	/* A dry run: that a license is there is no use of it. */
	const hl_get_request req = { .cert = p->cert,
		.uid = it->uid.n > 0 ? &it->uid : NULL,
		.firmware = p->firmware[0] != '\0' ? p->firmware : NULL,
		.cached = true,
		.dry_run = true,
		.actor = &p->cli->actor,
		.until = hl_deadline_in(p->cli->timeout_ms) };
	hl_err e = { 0 };
	hl_rc rc;

	*doubt = false;
	forget(it);
	if ((rc = hl_prefetch_cert(p, it, err)) != HL_OK)
		return rc;
	rc = hl_broker_get(p->cli->broker, &req, p->r, &e);
	*doubt = rc == HL_EDOUBT;
	if (rc == HL_ENOLICENSE)
		return leave_doubted(p, it, err);
	if (rc == HL_EDOUBT) {
		hl_prefetch_fail(it, HL_PREFETCH_TO_DO, &e);
		return HL_OK;
	}
	if (rc == HL_OK)
		rc = complete_chip(p, it, &e);
	if (hl_is_general(rc)) {
		*err = e;
		return rc;
	}
	if (rc != HL_OK) {
		hl_prefetch_fail(it, HL_PREFETCH_FAILED, &e);
		return HL_OK;
	}
	it->state = HL_PREFETCH_KEPT;
	it->source = HL_SOURCE_STORE;
	it->has_license = true;
	memcpy(it->license_sha256, p->r->license.sha256, HL_SHA256_LEN);
	return HL_OK;
}

static hl_rc
look_all(hl_prefetch *p, hl_err *err)
{
	hl_rc rc = HL_OK;
	hl_progress show;
	bool doubt;

	p->need = 0;
	hl_progress_start(&show, p->cli, "looking up", p->n);
	for (size_t i = 0; i < p->n && rc == HL_OK; i++) {
		hl_prefetch_item *it = &p->items[i];

		if (it->state == HL_PREFETCH_TO_DO)
			rc = hl_prefetch_look(p, it, &doubt, err);
		p->need += it->state == HL_PREFETCH_TO_DO;
		hl_progress_step(&show, i + 1);
	}
	hl_progress_end(&show);
	return rc;
}

/* ---- what earlier runs left ---------------------------------------------- */

static void
tell_settled(void *arg, const hl_recovered *r)
{
	char chip[HL_CHIP_NAME];

	hl_chip_name(&r->chip.uid, r->chip.has_cert, r->chip.cert_sha256, chip);
	if (r->after.state != HL_ISSUE_OPEN)
		hl_message(arg,
		    "a request of before for chip %s is settled: %s", chip,
		    hl_issue_state_name(r->after.state));
}

/* Requests that are open on our cards, so that the plan is made on what is. */
static hl_rc
settle_open(hl_prefetch *p, hl_err *err)
{
	hl_cli *cli = p->cli;
	hl_err e = { 0 };
	hl_issue open;
	hl_rc rc;

	for (size_t i = 0; i < p->n_cards && !cli->dry_run; i++) {
		hl_prefetch_card *c = &p->cards[i];
		const hl_recover_request req = { .card = c->selector,
			.actor = &cli->actor,
			.until = hl_deadline_in(cli->timeout_ms),
			.row = tell_settled,
			.arg = cli };

		if (hl_store_issue_open_on_card(
			cli->store, &c->now.row.id, &open, NULL) != HL_OK)
			continue;
		/* What it cannot settle, the items' own errors tell. */
		rc = hl_broker_recover(cli->broker, &req, &e);
		if (hl_is_general(rc)) {
			*err = e;
			return rc;
		}
	}
	return HL_OK;
}

/* ---- dividing ----------------------------------------------------------- */

struct find_open {
	hl_issue open;
	bool found;
};

static bool
keep_open(void *arg, const hl_issue *i)
{
	struct find_open *f = arg;

	if (i->state != HL_ISSUE_OPEN)
		return true;
	f->open = *i;
	f->found = true;
	return false;
}

/* Only the card that was asked can tell what became of an open request. */
static size_t
card_of_open(hl_prefetch *p, const hl_prefetch_item *it, bool *alive)
{
	struct find_open f = { .found = false };
	hl_store *store = p->cli->store;
	hl_chip chip;

	*alive = false;
	if (hl_store_chip_by_cert(store, it->sha256, &chip, NULL) != HL_OK ||
	    hl_store_issue_list_chip(store, &chip.id, keep_open, &f, NULL) !=
		HL_OK ||
	    !f.found)
		return HL_PREFETCH_NO_CARD;
	*alive = hl_owner_alive(hl_store_side_dir(store), &f.open.owner);
	for (size_t i = 0; i < p->n_cards; i++)
		if (hl_uuid_equal(&p->cards[i].now.row.id, &f.open.card))
			return i;
	return HL_PREFETCH_NO_CARD;
}

static bool
can_serve(hl_prefetch *p, const hl_prefetch_card *c, const hl_prefetch_item *it,
    hl_err *err)
{
	hl_card_info info = c->now.info;

	if (c->quota > 0 && c->quota == c->counter)
		return hl_fail(err, HL_ENOLICENSE, WHAT,
			   "use another card of this firmware",
			   "what is left on %s goes to other chips",
			   c->words) == HL_OK;
	info.counter = c->counter;
	(void)hl_text_copy(
	    p->cert->product_id, sizeof(p->cert->product_id), it->product_id);
	return hl_spend_possible(&info, &c->now.row, p->cert, err) == HL_OK;
}

static bool
is_by_tool(const hl_prefetch_card *c)
{
	return (c->now.info.can & HL_BY_TOOL) != 0;
}

/*
 * Those for one product go first, then the one with the least to do. Cards that
 * tell no serial number are told apart by their counters: the lowest is used
 * up before the next, so that no two come to the same.
 */
static bool
is_better(const hl_prefetch_card *a, const hl_prefetch_card *b)
{
	const bool one = a->now.info.product_id[0] != '\0';

	if (one != (b->now.info.product_id[0] != '\0'))
		return one;
	if (is_by_tool(a) && is_by_tool(b))
		return a->counter < b->counter;
	return a->quota < b->quota;
}

/* The card that is to be asked for it; else why there is none. */
static size_t
choose_for(hl_prefetch *p, const hl_prefetch_item *it, hl_err *why)
{
	size_t best = HL_PREFETCH_NO_CARD;
	hl_err e = { 0 };

	for (size_t i = 0; i < p->n_cards; i++) {
		if (!can_serve(p, &p->cards[i], it, &e)) {
			if (why->rc == HL_OK)
				*why = e;
		} else if (best == HL_PREFETCH_NO_CARD ||
		    is_better(&p->cards[i], &p->cards[best])) {
			best = i;
		}
	}
	return best;
}

/* An item with an open request; false when it is as good as any other. */
static bool
divide_open(hl_prefetch *p, hl_prefetch_item *it)
{
	size_t card;
	bool alive;

	if (it->rc != HL_EDOUBT)
		return false;
	card = card_of_open(p, it, &alive);
	if (card == HL_PREFETCH_NO_CARD && !alive) {
		it->state = HL_PREFETCH_FAILED;
		it->units = HL_UNITS_UNKNOWN;
		return true;
	}
	forget(it);
	if (card == HL_PREFETCH_NO_CARD ||
	    p->cards[card].quota >= p->cards[card].counter)
		return false;
	it->card = card;
	p->cards[card].quota++;
	return true;
}

static hl_rc
refuse_short(
    const hl_prefetch *p, size_t short_of, const hl_err *why, hl_err *err)
{
	const size_t all = p->need + short_of;

	return hl_fail(err, HL_ENOLICENSE, WHAT,
	    "insert another card of this firmware, or add --partial to serve "
	    "as many as there are units for; nothing was spent",
	    "%zu %s a unit, and %s present can serve %zu: %s", all,
	    hl_plural(all, "chip needs", "chips need"),
	    hl_plural(p->n_cards, "the card", "the cards"), p->need, why->why);
}

static hl_rc
divide(hl_prefetch *p, hl_err *err)
{
	hl_err first = { 0 };
	size_t short_of = 0;

	p->need = 0;
	for (size_t i = 0; i < p->n; i++) {
		hl_prefetch_item *it = &p->items[i];
		hl_err why = { 0 };

		if (it->state != HL_PREFETCH_TO_DO)
			continue;
		if (!divide_open(p, it)) {
			it->card = choose_for(p, it, &why);
			if (it->card != HL_PREFETCH_NO_CARD)
				p->cards[it->card].quota++;
		}
		p->need += it->card != HL_PREFETCH_NO_CARD;
		if (why.rc == HL_OK || it->card != HL_PREFETCH_NO_CARD)
			continue;
		first = short_of++ == 0 ? why : first;
		hl_prefetch_fail(it, HL_PREFETCH_NOT_TRIED, &why);
	}
	if (short_of > 0 && !hl_opt_set(p->cli, "partial"))
		return refuse_short(p, short_of, &first, err);
	return HL_OK;
}

/*
 * Cards that are asked by their vendor's program share a group: whether that
 * can talk to several at once is not known.
 */
static void
make_groups(hl_prefetch *p)
{
	size_t by_tool = SIZE_MAX;

	p->groups = 0;
	for (size_t i = 0; i < p->n_cards; i++) {
		hl_prefetch_card *c = &p->cards[i];
		const bool tool = is_by_tool(c);

		if (c->quota == 0) {
			c->group = SIZE_MAX;
		} else if (tool && by_tool != SIZE_MAX) {
			c->group = by_tool;
		} else {
			c->group = p->groups++;
			by_tool = tool ? c->group : by_tool;
		}
	}
}

hl_rc
hl_prefetch_plan(hl_prefetch *p, hl_err *err)
{
	hl_err e = { 0 };
	hl_rc rc;

	if ((rc = hl_prefetch_firmware_by_words(p, err)) != HL_OK)
		return rc;
	if (p->sure && ((rc = look_all(p, err)) != HL_OK || p->need == 0))
		return rc;
	rc = hl_prefetch_find_cards(p, &e);
	if (rc != HL_OK && rc != HL_ENODEV && rc != HL_EACCESS) {
		*err = e;
		return rc;
	}
	if (rc != HL_OK)
		p->no_card = e;
	if ((rc = settle_open(p, err)) != HL_OK ||
	    (rc = look_all(p, err)) != HL_OK || p->need == 0)
		return rc;
	if (p->n_cards == 0)
		return hl_prefetch_no_card_left(p, err);
	if ((rc = divide(p, err)) == HL_OK)
		make_groups(p);
	return rc;
}
