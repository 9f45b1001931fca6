/* SPDX-License-Identifier: Apache-2.0 */
/* hl_broker_get(): the store first, then a card (choose.c, spend.c). */
#include "broker/get.h"

#include <stdlib.h>
#include <string.h>

#include "broker/choose.h"
#include "broker/seen.h"
#include "broker/spend.h"

#define WAIT_POLL_MS 25

struct units {
	const hl_chosen *card; /* that would be asked next */
	const hl_uuid *firmware;
	uint32_t n;
};

/*
 * A request that is recorded without a unit may have cost one all the same: it
 * was given up, or another card was in the reader when bytes came. Only the
 * same card with the same counter says that it did not.
 */
static bool
may_have_cost(const hl_issue *i, const hl_chosen *card)
{
	if (i->state == HL_ISSUE_WRITTEN_OFF)
		return true;
	return i->state == HL_ISSUE_BAD &&
	    (!hl_uuid_equal(&i->card, &card->row.id) ||
		card->info.counter != i->counter_before);
}

static bool
count_units(void *arg, const hl_issue *i)
{
	struct units *u = arg;

	if (hl_uuid_equal(&i->firmware, u->firmware))
		u->n += i->units > 0 || may_have_cost(i, u->card);
	return true;
}

/* What this chip has cost already. */
static hl_rc
look_back(hl_get *g, const hl_chosen *c, hl_spend_plan *plan, hl_err *err)
{
	const hl_firmware *f = &c->firmware;
	struct units u = { c, &f->id, 0 };
	hl_rc rc = HL_OK;

	if (g->chip_known)
		rc = hl_store_issue_losses(
		    g->b->store, &g->out->chip.id, &f->id, &plan->losses, err);
	if (rc == HL_OK && g->chip_known)
		rc = hl_store_issue_list_chip(
		    g->b->store, &g->out->chip.id, count_units, &u, err);
	plan->spent = u.n;
	if (rc == HL_OK)
		rc = hl_get_look_else(g, f->name, &plan->kept, err);
	return rc;
}

static hl_rc
ask_permission(hl_get *g, const hl_chosen *c, hl_err *err)
{
	hl_spend_plan plan = { .chip = &g->out->chip,
		.card = &c->info,
		.card_label = c->row.label,
		.firmware = c->firmware.name };
	const int64_t asked = hl_mono_ms();
	hl_rc rc;

	/* A second look may find another card: that yes was for this one. */
	if (g->has_allowed && hl_card_same(&g->allowed, &c->info))
		return HL_OK;
	rc = look_back(g, c, &plan, err);
	if (rc == HL_OK)
		rc = g->req->may_spend(g->req->arg, &plan, err);
	/* A late answer must not leave the card too little time: a request
	 * that is cut short is in doubt. */
	g->until += hl_mono_ms() - asked;
	if (rc == HL_OK) {
		g->allowed = c->info;
		g->has_allowed = true;
	}
	return rc;
}

/* Somebody else's request is under way: its outcome decides what comes next. */
static hl_rc
wait_for(hl_get *g, const hl_issue *other, hl_err *err)
{
	hl_issue now;
	hl_rc rc;

	while (hl_deadline_left(g->until) > 0) {
		rc = hl_store_issue_by_id(g->b->store, &other->id, &now, err);
		/* A yes that did not know of this loss does not count. */
		if (rc == HL_OK && hl_spend_in_vain(&now))
			g->has_allowed = false;
		if (rc != HL_OK || now.state != HL_ISSUE_OPEN ||
		    !hl_owner_alive(g->b->side, &other->owner))
			return rc;
		hl_sleep_ms(WAIT_POLL_MS);
	}
	return hl_fail(err, HL_EBUSY, "get a license",
	    "try again later, or with a longer --timeout; nothing was spent",
	    "another process is still waiting for the same card or chip");
}

static hl_rc
spend(hl_get *g, hl_chosen *c, bool *again, hl_err *err)
{
	hl_spend s = { .card = c->card,
		.info = c->info,
		.row = &c->row,
		.firmware = &c->firmware,
		.chip = &g->out->chip,
		.cert = g->cert,
		.actor = g->req->actor,
		.until = g->until };
	hl_rc rc = hl_get_record_chip(g, err);

	if (rc == HL_OK)
		rc = hl_spend_unit(g->b, &s, err);

	/* Others may have the card now; the store needs no card. */
	hl_card_close(&c->card);
	if (rc != HL_OK)
		return rc;
	if (s.again) {
		g->has_allowed = false;
		*again = true;
		return HL_OK;
	}
	if (s.wait) {
		*again = true;
		return wait_for(g, &s.other, err);
	}
	rc = hl_get_hand_over(g, &s.license, s.source, s.units_spent, err);
	if (rc != HL_OK && err != NULL)
		err->units_spent = s.units_spent;
	return rc;
}

/*
 * A counter that is found in the words of ST's program is believed once more
 * before units are booked as spent elsewhere: nothing takes that back.
 */
static hl_rc
read_twice(hl_get *g, const hl_chosen *c, hl_err *err)
{
	hl_card_info again;
	hl_rc rc;

	if ((c->info.can & HL_BY_TOOL) == 0 ||
	    c->info.counter >= c->row.last_counter)
		return HL_OK;
	rc = hl_card_read(c->card, &again, g->until, err);
	if (rc != HL_OK ||
	    (again.has_counter && again.counter == c->info.counter))
		return rc;
	return hl_fail(err, HL_ECARD, "read the card", "try again",
	    "the counter of the card in \"%s\" was read as %u, and then not "
	    "again",
	    c->info.reader, c->info.counter);
}

static hl_rc
dry_run(hl_get *g, const hl_chosen *c, hl_err *err)
{
	hl_rc rc = hl_spend_possible(
	    &c->info, c->known ? &c->row : NULL, g->cert, err);

	if (rc != HL_OK)
		return rc;
	g->out->source = HL_SOURCE_NONE;
	g->out->has_card = true;
	g->out->card = c->row;
	(void)hl_text_copy(
	    g->out->card.serial, sizeof(g->out->card.serial), c->info.serial);
	(void)hl_text_copy(
	    g->out->card.reader, sizeof(g->out->card.reader), c->info.reader);
	g->out->card.last_counter = c->info.counter;
	(void)hl_text_copy(g->out->firmware.name, sizeof(g->out->firmware.name),
	    c->known ? c->row.firmware_name : c->info.firmware_id);
	(void)hl_text_copy(
	    g->out->firmware.type, sizeof(g->out->firmware.type), c->info.type);
	return hl_get_look_else(g, g->out->firmware.name, &g->out->kept, err);
}

/* With a card in hand. *again: look at everything anew. */
static hl_rc
from_card(hl_get *g, hl_chosen *c, bool *again, hl_err *err)
{
	hl_license l;
	hl_rc rc;

	/* A card that cannot issue must not be made known by mistake, but one
	 * that is empty can still name the firmware of a license kept. */
	if (!c->known && !g->req->dry_run &&
	    (rc = hl_spend_possible(&c->info, NULL, g->cert, err)) != HL_OK)
		return rc;
	if (!g->req->dry_run &&
	    (rc = hl_chosen_identify(g->b, g->req->actor, c, err)) != HL_OK)
		return rc;
	if (c->known) {
		rc = hl_get_find_license(g, &c->row.firmware, &l, err);
		if (rc == HL_OK)
			return hl_get_hand_over(g, &l, HL_SOURCE_STORE, 0, err);
		if (rc != HL_ENOTFOUND)
			return rc;
	}
	if (g->req->dry_run)
		return dry_run(g, c, err);
	if ((rc = hl_spend_possible(&c->info, &c->row, g->cert, err)) !=
		HL_OK ||
	    (rc = read_twice(g, c, err)) != HL_OK ||
	    (rc = ask_permission(g, c, err)) != HL_OK)
		return rc;
	return spend(g, c, again, err);
}

/*
 * No card can be asked which firmware is meant: that of the card which was seen
 * last where one was named; else the only license of the chip serves, if there
 * is exactly one.
 */
static hl_rc
without_card(hl_get *g, hl_rc card_rc, hl_err *err)
{
	const char *place = g->req->card;
	hl_uuid firmware;
	unsigned slot;
	hl_license l;
	hl_err e = { 0 };
	hl_rc rc;

	if ((card_rc != HL_ENODEV && card_rc != HL_EACCESS) ||
	    g->req->firmware != NULL)
		return card_rc;
	if (place == NULL)
		rc = hl_get_only_license(g, &l, &e);
	else if ((rc = hl_seen_firmware(g->b, place, &firmware, &e)) == HL_OK)
		rc = hl_get_find_license(g, &firmware, &l, &e);
	/* A command of the user's own names a slot also where no card ever was:
	 * the licenses were carried there. */
	else if (rc == HL_ENOTFOUND && hl_broker_slot_selector(place, &slot))
		rc = hl_get_only_license(g, &l, &e);
	if (rc == HL_OK)
		return hl_get_hand_over(g, &l, HL_SOURCE_STORE, 0, err);
	if (rc != HL_ENOTFOUND && err != NULL)
		*err = e;
	return rc == HL_ENOTFOUND ? card_rc : rc;
}

/*
 * Which one of several known cards it is need not be sure for a license that is
 * there: they are all of one firmware.
 */
static hl_rc
with_unsure(hl_get *g, const hl_chosen *c, hl_err *err)
{
	static const hl_uuid none;
	hl_license l;

	if (hl_uuid_equal(&c->row.firmware, &none) ||
	    g->req->firmware != NULL ||
	    hl_get_find_license(g, &c->row.firmware, &l, NULL) != HL_OK)
		return HL_ECONFLICT;
	return hl_get_hand_over(g, &l, HL_SOURCE_STORE, 0, err);
}

static hl_rc
get_from_cards(hl_get *g, hl_err *err)
{
	hl_chosen *c = calloc(1, sizeof(*c));
	bool again;
	hl_rc rc;

	if (c == NULL)
		return hl_nomem(err);
	do {
		again = false;
		rc = hl_choose_card(g->b, g->req, g->cert, g->until, c, err);
		if (rc == HL_ECONFLICT)
			rc = with_unsure(g, c, err);
		else if (rc != HL_OK)
			rc = without_card(g, rc, err);
		else
			rc = from_card(g, c, &again, err);
		hl_card_close(&c->card);
	} while (rc == HL_OK && again);
	free(c);
	return rc;
}

hl_rc
hl_broker_get(
    hl_broker *b, const hl_get_request *req, hl_get_result *out, hl_err *err)
{
	hl_get g = { .b = b, .req = req, .out = out, .until = req->until };
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	if ((g.cert = calloc(1, sizeof(*g.cert))) == NULL)
		return hl_nomem(err);
	if ((rc = hl_get_find_chip(&g, err)) != HL_OK)
		goto out;
	rc = hl_get_look_up(&g, err);
	if (rc != HL_ENOTFOUND)
		goto out;
	if (req->cached) {
		rc = hl_get_none_cached(&g, err);
		goto out;
	}
	if ((rc = hl_get_load_cert(&g, err)) == HL_OK)
		rc = hl_get_or_in_doubt(&g, get_from_cards(&g, err), err);
out:
	free(g.cert);
	return rc;
}
