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

/* ---- which firmware ----------------------------------------------------- */

static hl_rc
two_firmwares(const char *a, const char *b, hl_err *err)
{
	return hl_fail(err, HL_EUSAGE, WHAT,
	    "say which: --firmware NAME, or --card CARD",
	    "the cards are for different firmwares: \"%s\" and \"%s\"", a, b);
}

static void
set_firmware(hl_prefetch *p, const char *name)
{
	hl_firmware f;

	(void)hl_text_copy(p->firmware, sizeof(p->firmware), name);
	p->sure =
	    hl_store_firmware_by_name(p->cli->store, name, &f, NULL) == HL_OK;
}

/* As far as the command line tells it, without any card. */
static hl_rc
firmware_by_words(hl_prefetch *p, hl_err *err)
{
	const char *name = hl_opt(p->cli, "firmware"), *card;
	char serial[HL_SERIAL_TEXT];
	hl_card_row row;
	bool known;

	if (name != NULL) {
		set_firmware(p, name);
		return HL_OK;
	}
	for (size_t i = 0; (card = hl_opt_nth(p->cli, "card", i)) != NULL;
	     i++) {
		known = hl_store_card_by_label(
			    p->cli->store, card, &row, NULL) == HL_OK ||
		    (hl_serial_canonical(card, serial) &&
			hl_store_card_by_serial(
			    p->cli->store, serial, &row, NULL) == HL_OK);
		if (!known)
			continue;
		if (p->firmware[0] != '\0' &&
		    strcmp(p->firmware, row.firmware_name) != 0)
			return two_firmwares(
			    p->firmware, row.firmware_name, err);
		set_firmware(p, row.firmware_name);
	}
	return HL_OK;
}

/* ---- the cards ---------------------------------------------------------- */

static const char *
firmware_of(const hl_prefetch_card *c)
{
	return c->now.known ? c->now.row.firmware_name
			    : c->now.info.firmware_id;
}

static bool
same_card(const hl_present *a, const hl_present *b)
{
	if (a->info.serial[0] == '\0' || b->info.serial[0] == '\0')
		return strcmp(a->info.reader, b->info.reader) == 0;
	return strcmp(a->info.serial, b->info.serial) == 0;
}

static bool
has_card(const hl_prefetch *p, const hl_present *now)
{
	for (size_t i = 0; i < p->n_cards; i++)
		if (same_card(&p->cards[i].now, now))
			return true;
	return false;
}

/* Can it be asked at all, whatever the chip, and however many it has left? */
static hl_rc
check_card(hl_prefetch *p, const hl_present *now, hl_err *err)
{
	hl_card_info info = now->info;

	if (now->rc != HL_OK) {
		*err = now->err;
		return now->rc;
	}
	info.counter += info.counter == 0;
	memset(p->cert, 0, sizeof(*p->cert));
	(void)hl_text_copy(
	    p->cert->product_id, sizeof(p->cert->product_id), info.product_id);
	return hl_spend_possible(
	    &info, now->known ? &now->row : NULL, p->cert, err);
}

static hl_rc
add_card(hl_prefetch *p, const char *typed, const hl_present *now, hl_err *err)
{
	hl_prefetch_card *grown, *c;

	grown = reallocarray(p->cards, p->n_cards + 1, sizeof(*p->cards));
	if (grown == NULL)
		return hl_nomem(err);
	p->cards = grown;
	c = &p->cards[p->n_cards++];
	memset(c, 0, sizeof(*c));
	c->now = *now;
	c->typed = typed;
	c->counter = now->info.counter;
	return HL_OK;
}

/* One that was named has to do; of the others, some may be of no use. */
static hl_rc
take_cards(hl_prefetch *p, const char *selector, const hl_present *list,
    size_t n, hl_err *err)
{
	hl_err e = { 0 };
	hl_rc rc = HL_OK;

	if (n == 0 && selector != NULL)
		return hl_fail(err, HL_ENODEV, "find the card",
		    "see what is there: hsmlic card list",
		    "no card that is present answers to \"%s\"", selector);
	for (size_t i = 0; i < n && rc == HL_OK; i++) {
		if (list[i].warning[0] != '\0')
			hl_message(p->cli, "the card in \"%s\": %s",
			    list[i].info.reader, list[i].warning);
		if (has_card(p, &list[i]))
			continue;
		if (check_card(p, &list[i], &e) == HL_OK) {
			rc = add_card(p, selector, &list[i], err);
		} else if (selector != NULL) {
			*err = e;
			rc = e.rc;
		} else {
			p->no_card = e;
			hl_message(p->cli, "passed over: %s", e.why);
		}
	}
	return rc;
}

static hl_rc
read_cards(hl_prefetch *p, const char *selector, hl_err *err)
{
	const hl_cli *cli = p->cli;
	const hl_actor *actor = cli->dry_run ? NULL : &cli->actor;
	hl_present *list = NULL;
	size_t n = 0;
	hl_rc rc;

	rc = hl_broker_present(cli->broker, selector, actor,
	    hl_deadline_in(cli->timeout_ms), &list, &n, err);
	if (rc == HL_OK)
		rc = take_cards(p, selector, list, n, err);
	free(list);
	return rc;
}

/* Those of the wanted firmware stay. */
static void
keep_firmware(hl_prefetch *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_cards; i++)
		if (strcmp(firmware_of(&p->cards[i]), p->firmware) == 0)
			p->cards[n++] = p->cards[i];
	p->n_cards = n;
}

/* The one that all cards hold; an empty card counts when there are no others.
 */
static hl_rc
firmware_by_cards(hl_prefetch *p, hl_err *err)
{
	const char *found = NULL;
	bool filled = false;

	for (size_t i = 0; i < p->n_cards; i++)
		filled = filled || p->cards[i].counter > 0;
	for (size_t i = 0; i < p->n_cards; i++) {
		const hl_prefetch_card *c = &p->cards[i];

		if (filled && c->counter == 0)
			continue;
		if (found != NULL && strcmp(found, firmware_of(c)) != 0)
			return two_firmwares(found, firmware_of(c), err);
		found = firmware_of(c);
	}
	if (found != NULL)
		set_firmware(p, found);
	return HL_OK;
}

/* A card that is new to the store, as get makes it known before it asks. */
static hl_rc
identify(hl_prefetch *p, hl_prefetch_card *c, hl_err *err)
{
	const hl_card_choice choice = { .typed = c->typed,
		.dry_run = p->cli->dry_run };
	hl_rc rc;

	if (c->now.known)
		return HL_OK;
	rc = hl_broker_card_add(p->cli->broker, &c->now.info, &choice,
	    &p->cli->actor, &c->now.row, err);
	if (rc != HL_OK && rc != HL_EEXIST)
		return rc;
	c->now.known = true;
	return HL_OK;
}

static hl_rc
identify_all(hl_prefetch *p, hl_err *err)
{
	hl_rc rc = HL_OK;
	hl_err e = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < p->n_cards && rc == HL_OK; i++) {
		hl_prefetch_card *c = &p->cards[i];

		if (identify(p, c, &e) == HL_OK) {
			p->cards[n++] = *c;
		} else if (c->typed != NULL || hl_is_general(e.rc)) {
			*err = e;
			rc = e.rc;
		} else {
			p->no_card = e;
			hl_message(p->cli, "passed over: %s", e.why);
		}
	}
	if (rc == HL_OK)
		p->n_cards = n;
	return rc;
}

/* Is the name of this reader a part of another's? */
static bool
is_ambiguous(const hl_prefetch *p, const hl_prefetch_card *c)
{
	for (size_t i = 0; i < p->n_cards; i++)
		if (&p->cards[i] != c &&
		    strstr(p->cards[i].now.info.reader, c->now.info.reader) !=
			NULL)
			return true;
	return false;
}

static int
compare_counters(const void *a, const void *b)
{
	const hl_prefetch_card *x = a, *y = b;

	return x->counter < y->counter ? -1 : x->counter > y->counter;
}

/* By its place, so that no process has to look at the cards of the others; one
 * that does not tell who it is as the user called it. */
static void
name_cards(hl_prefetch *p)
{
	for (size_t i = 0; i < p->n_cards; i++) {
		hl_prefetch_card *c = &p->cards[i];
		const hl_card_info *info = &c->now.info;
		char card[HL_CARD_WORDS];

		if (hl_text_starts(info->reader, "sim:"))
			(void)hl_text_copy(
			    c->selector, sizeof(c->selector), info->reader);
		else if (info->serial[0] == '\0' && c->typed != NULL)
			(void)hl_text_copy(
			    c->selector, sizeof(c->selector), c->typed);
		else if (info->serial[0] != '\0' && is_ambiguous(p, c))
			(void)hl_text_copy(
			    c->selector, sizeof(c->selector), info->serial);
		else
			(void)hl_text_format(c->selector, sizeof(c->selector),
			    "reader:%s", info->reader);
		hl_card_words(
		    c->now.row.label, info->serial, card, sizeof(card));
		(void)hl_text_format(c->words, sizeof(c->words),
		    "card %s%sin \"%s\"", card, card[0] == '\0' ? "" : " ",
		    info->reader);
	}
}

static hl_rc
no_card_left(const hl_prefetch *p, hl_err *err)
{
	if (p->no_card.rc != HL_OK) {
		*err = p->no_card;
		return err->rc;
	}
	if (p->firmware[0] != '\0')
		return hl_fail(err, HL_ENOLICENSE, "find a card",
		    "insert the card of this firmware, or see: hsmlic card "
		    "list",
		    "none of the cards present serves firmware \"%s\"",
		    p->firmware);
	return hl_fail(err, HL_ENODEV, "find a card",
	    "insert the card, or name one: --card CARD",
	    "there is no card in any reader");
}

/*
 * The cards that may be asked; none is no error yet, since the store may have
 * all that is wanted: p->no_card tells why.
 */
static hl_rc
find_cards(hl_prefetch *p, hl_err *err)
{
	const char *card = hl_opt(p->cli, "card");
	size_t seen;
	hl_rc rc = HL_OK;

	if (card == NULL)
		rc = read_cards(p, NULL, err);
	for (size_t i = 0;
	     rc == HL_OK && (card = hl_opt_nth(p->cli, "card", i)) != NULL; i++)
		rc = read_cards(p, card, err);
	if (rc != HL_OK)
		return rc;
	seen = p->n_cards;
	if (p->firmware[0] == '\0' && (rc = firmware_by_cards(p, err)) != HL_OK)
		return rc;
	if (p->firmware[0] != '\0')
		keep_firmware(p);
	if ((rc = identify_all(p, err)) != HL_OK)
		return rc;
	/* The order in which those of a group are asked: see is_better(). */
	if (p->n_cards > 1)
		qsort(
		    p->cards, p->n_cards, sizeof(*p->cards), compare_counters);
	name_cards(p);
	if (p->n_cards == 0 && (seen > 0 || p->no_card.rc == HL_OK)) {
		memset(&p->no_card, 0, sizeof(p->no_card));
		(void)no_card_left(p, &p->no_card);
	}
	return HL_OK;
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

	if ((rc = firmware_by_words(p, err)) != HL_OK)
		return rc;
	if (p->sure && ((rc = look_all(p, err)) != HL_OK || p->need == 0))
		return rc;
	rc = find_cards(p, &e);
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
		return no_card_left(p, err);
	if ((rc = divide(p, err)) == HL_OK)
		make_groups(p);
	return rc;
}

/* ---- asking ------------------------------------------------------------- */

static bool
add_units(void *arg, const hl_issue *i)
{
	*(uint32_t *)arg += i->units;
	return true;
}

/* Chips that have cost units before, for which another one would go now. */
static size_t
count_again(hl_prefetch *p)
{
	size_t n = 0;
	hl_chip chip;

	for (size_t i = 0; i < p->n; i++) {
		const hl_prefetch_item *it = &p->items[i];
		uint32_t units = 0;

		if (it->state != HL_PREFETCH_TO_DO ||
		    hl_store_chip_by_cert(
			p->cli->store, it->sha256, &chip, NULL) != HL_OK ||
		    hl_store_issue_list_chip(p->cli->store, &chip.id, add_units,
			&units, NULL) != HL_OK)
			continue;
		n += units > 0;
	}
	return n;
}

/* Not silenced by -q: it is about units. */
static void
tell_cards(const hl_prefetch *p)
{
	hl_buf line = HL_BUF_INIT;
	char text[2 * HL_ERR_WHY];

	for (size_t i = 0; i < p->n_cards; i++) {
		const hl_prefetch_card *c = &p->cards[i];

		if (c->quota == 0)
			continue;
		hl_buf_reset(&line);
		hl_buf_printf(&line,
		    "%s: %u of its %u licenses, %u left after that", c->words,
		    c->quota, c->counter, c->counter - c->quota);
		(void)hl_text_copy(text, sizeof(text), hl_buf_str(&line));
		hl_text_clean(text);
		(void)fprintf(stderr, "hsmlic: %s\n", text);
	}
	hl_buf_free(&line);
}

hl_rc
hl_prefetch_ask(hl_prefetch *p, hl_err *err)
{
	const size_t again = count_again(p);
	char text[HL_ERR_WHAT], before[100] = "";

	tell_cards(p);
	if (again > 0)
		(void)snprintf(before, sizeof(before),
		    "; %zu of these chips %s cost units before", again,
		    hl_plural(again, "has", "have"));
	(void)hl_text_format(text, sizeof(text),
	    "spend %zu %s for %zu of %zu %s, firmware \"%s\" (they can never "
	    "be put back%s)",
	    p->need, hl_plural(p->need, "unit", "units"), p->need, p->n,
	    hl_plural(p->n, "chip", "chips"), p->firmware, before);
	p->cli->until = hl_deadline_in(p->cli->timeout_ms);
	return hl_ask_units(p->cli, text, err);
}
