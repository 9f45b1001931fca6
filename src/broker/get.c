/* SPDX-License-Identifier: Apache-2.0 */
/* hl_broker_get(): which chip, is there a license; then choose.c and spend.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/choose.h"
#include "broker/internal.h"
#include "broker/seen.h"
#include "broker/spend.h"
#include "util/hex.h"

#define WAIT_POLL_MS 25

struct get {
	hl_broker *b;
	const hl_get_request *req;
	hl_get_result *out;
	hl_cert *cert; /* of the chip; n 0 until it is needed */
	bool chip_known;
	bool chip_incomplete; /* the store does not know all that was given */
	bool allowed;	      /* may_spend has said yes */
	hl_deadline until;
};

/* ---- the chip ------------------------------------------------------------ */

static hl_rc
unknown_uid(const hl_uid *uid, hl_err *err)
{
	char text[HL_UID_TEXT];

	hl_uid_text(uid, text);
	return hl_fail(err, HL_ENOTFOUND, "find the chip",
	    "give its certificate once: --cert FILE --uid HEX",
	    "no chip with UID %s is known to this store", text);
}

/* Known already, with nothing to add? Then nothing has to be written. */
static bool
find_known_chip(struct get *g)
{
	const hl_get_request *r = g->req;
	hl_chip *chip = &g->out->chip;

	if (hl_store_chip_by_cert(g->b->store, r->cert->sha256, chip, NULL) !=
	    HL_OK)
		return false;
	return r->uid == NULL || hl_uid_equal(&chip->uid, r->uid);
}

static hl_rc
other_chip(const hl_chip *known, hl_err *err)
{
	char cert[2 * HL_SHA256_LEN + 1], uid[HL_UID_TEXT];

	hl_hex_lower(cert, known->cert_sha256, HL_SHA256_LEN);
	hl_uid_text(&known->uid, uid);
	return hl_fail(err, HL_ECONFLICT, "find the chip",
	    "check that certificate and UID were read from the same chip",
	    "the chip with UID %s is known with certificate %s: not both of "
	    "what was given",
	    uid, cert);
}

/* As hl_store_chip_put() would find it, but nothing is completed. */
static hl_rc
find_without_writing(struct get *g, hl_err *err)
{
	const hl_get_request *r = g->req;
	hl_store *store = g->b->store;
	hl_chip *chip = &g->out->chip, other;
	hl_err e = { 0 };
	hl_rc rc, by_uid = HL_ENOTFOUND;

	rc = hl_store_chip_by_cert(store, r->cert->sha256, chip, &e);
	if (rc == HL_OK && chip->uid.n > 0)
		return other_chip(chip, err); /* find_known_chip() said no */
	if (r->uid != NULL && (rc == HL_OK || rc == HL_ENOTFOUND))
		by_uid = hl_store_chip_by_uid(store, r->uid, &other, &e);
	if (by_uid == HL_OK && other.has_cert)
		return other_chip(&other, err);
	if (rc == HL_ENOTFOUND && (rc = by_uid) == HL_OK)
		*chip = other;
	g->chip_known = rc == HL_OK;
	if (rc == HL_OK || rc == HL_ENOTFOUND)
		return HL_OK;
	if (err != NULL)
		*err = e;
	return rc;
}

/* For showing: a chip that is not recorded yet. */
static void
describe_chip(struct get *g)
{
	const hl_get_request *r = g->req;
	hl_chip *chip = &g->out->chip;

	chip->has_cert = true;
	memcpy(chip->cert_sha256, r->cert->sha256, sizeof(chip->cert_sha256));
	(void)hl_text_copy(
	    chip->product_id, sizeof(chip->product_id), r->cert->product_id);
	if (r->uid != NULL)
		chip->uid = *r->uid;
}

static hl_rc
find_chip(struct get *g, hl_err *err)
{
	const hl_get_request *r = g->req;
	hl_chip *chip = &g->out->chip;
	hl_rc rc;

	g->chip_known = true;
	if (r->chip != NULL)
		return hl_store_chip_by_id(g->b->store, r->chip, chip, err);
	if (r->cert == NULL) {
		rc = hl_store_chip_by_uid(g->b->store, r->uid, chip, err);
		return rc == HL_ENOTFOUND ? unknown_uid(r->uid, err) : rc;
	}
	if (find_known_chip(g))
		return HL_OK;
	g->chip_incomplete = true;
	if ((rc = find_without_writing(g, err)) == HL_OK)
		describe_chip(g);
	return rc;
}

/*
 * What was given of the chip is recorded when there is something to record it
 * for: a get that is refused must not tie a UID to a certificate.
 */
static hl_rc
record_chip(struct get *g, hl_err *err)
{
	const hl_get_request *r = g->req;
	hl_rc rc;

	if (!g->chip_incomplete)
		return HL_OK;
	rc = hl_store_chip_put(
	    g->b->store, r->cert, r->uid, r->actor, &g->out->chip, err);
	if (rc == HL_OK) {
		g->chip_known = true;
		g->chip_incomplete = false;
	}
	return rc;
}

static hl_rc
load_cert(struct get *g, hl_err *err)
{
	hl_rc rc;

	if (g->cert->n > 0)
		return HL_OK;
	if (g->req->cert != NULL) {
		*g->cert = *g->req->cert;
		return HL_OK;
	}
	rc = hl_store_chip_cert(g->b->store, &g->out->chip.id, g->cert, err);
	if (rc == HL_ENOTFOUND)
		return hl_fail(err, HL_ENOTFOUND, "get a license",
		    "give it once: --cert FILE",
		    "the chip's certificate is not known");
	return rc;
}

/* ---- handing over -------------------------------------------------------- */

/* It costs nothing, so a store that cannot write is no reason to fail. */
static void
record_use(struct get *g)
{
	hl_err e = { 0 };
	hl_rc rc = record_chip(g, &e);

	if (rc == HL_OK)
		rc = hl_store_license_use(g->b->store, &g->out->license.id,
		    "store", g->req->actor, &e);
	if (rc != HL_OK)
		hl_broker_note(
		    g->b, "this use could not be recorded: %s", e.why);
}

static hl_rc
hand_over(struct get *g, const hl_license *l, hl_source source, int units,
    hl_err *err)
{
	hl_store *store = g->b->store;
	hl_get_result *out = g->out;
	hl_rc rc;

	out->license = *l;
	out->source = source;
	out->units_spent = units;
	rc = hl_store_license_bytes(store, &l->id, out->bytes, &out->n, err);
	if (rc != HL_OK)
		return rc;
	rc = hl_store_firmware_by_id(store, &l->firmware, &out->firmware, err);
	if (rc != HL_OK)
		return rc;
	out->has_issue =
	    hl_store_issue_by_id(store, &l->issue, &out->issue, NULL) == HL_OK;
	out->has_card = out->has_issue &&
	    hl_store_card_by_id(store, &out->issue.card, &out->card, NULL) ==
		HL_OK;
	if (g->req->dry_run)
		return HL_OK;
	if (g->req->deliver != NULL &&
	    (rc = g->req->deliver(g->req->arg, out, err)) != HL_OK)
		return rc;
	if (source == HL_SOURCE_STORE)
		record_use(g);
	return HL_OK;
}

/* HL_ENOTFOUND: none, or the firmware is not known. */
static hl_rc
find_license(struct get *g, const hl_uuid *firmware, hl_license *l, hl_err *err)
{
	if (!g->chip_known)
		return HL_ENOTFOUND;
	return hl_store_license_find(
	    g->b->store, &g->out->chip.id, firmware, l, err);
}

struct only_license {
	hl_license found;
	unsigned n;
	hl_text names;
};

static bool
count_license(void *arg, const hl_license *l)
{
	struct only_license *o = arg;
	const size_t used = strlen(o->names);

	o->found = *l;
	o->n++;
	(void)snprintf(o->names + used, sizeof(o->names) - used, "%s\"%s\"",
	    used == 0 ? "" : ", ", l->firmware_name);
	return true;
}

/* The chip's only license, when nothing else says which firmware is meant. */
static hl_rc
find_only_license(struct get *g, hl_license *l, hl_err *err)
{
	const hl_license_filter filter = { &g->out->chip.id, NULL, false };
	struct only_license only = { .n = 0 };
	hl_rc rc;

	if (!g->chip_known)
		return HL_ENOTFOUND;
	rc = hl_store_license_list(
	    g->b->store, &filter, count_license, &only, err);
	if (rc != HL_OK)
		return rc;
	if (only.n == 0)
		return HL_ENOTFOUND;
	if (only.n > 1)
		return hl_fail(err, HL_EUSAGE, "get a license",
		    "say which: --firmware NAME",
		    "this chip has licenses of several firmwares: %s",
		    only.names);
	*l = only.found;
	return HL_OK;
}

/*
 * The firmware that options name without asking a card: by --firmware, or by a
 * --card that the store knows. HL_ENOTFOUND: the card has to tell.
 */
static hl_rc
firmware_from_store(struct get *g, hl_uuid *firmware, hl_err *err)
{
	const hl_get_request *r = g->req;
	char serial[HL_SERIAL_TEXT];
	hl_firmware f;
	hl_card_row c;
	hl_rc rc = HL_ENOTFOUND;

	if (r->firmware != NULL) {
		rc = hl_store_firmware_by_name(
		    g->b->store, r->firmware, &f, err);
		if (rc == HL_OK)
			*firmware = f.id;
		return rc;
	}
	if (r->card == NULL)
		return rc;
	rc = hl_store_card_by_label(g->b->store, r->card, &c, NULL);
	if (rc != HL_OK && hl_serial_canonical(r->card, serial))
		rc = hl_store_card_by_serial(g->b->store, serial, &c, NULL);
	if (rc == HL_OK)
		*firmware = c.firmware;
	/* Else the card itself would be asked what it is. */
	else if (r->cached)
		return hl_seen_firmware(g->b, r->card, firmware, err);
	return rc == HL_OK ? HL_OK : HL_ENOTFOUND;
}

/* The first look-up, without any card. HL_ENOTFOUND: a card is needed. */
static hl_rc
look_up(struct get *g, hl_err *err)
{
	hl_uuid firmware;
	hl_license l;
	hl_rc rc;

	rc = firmware_from_store(g, &firmware, err);
	if (rc == HL_OK)
		rc = find_license(g, &firmware, &l, err);
	else if (rc == HL_ENOTFOUND && g->req->cached &&
	    g->req->firmware == NULL && g->req->card == NULL)
		rc = find_only_license(g, &l, err);
	return rc == HL_OK ? hand_over(g, &l, HL_SOURCE_STORE, 0, err) : rc;
}

/* ---- why there is none -----------------------------------------------------
 */

struct unresolved {
	const hl_uuid *firmware; /* NULL: any */
	hl_issue open;
	bool found;
};

static bool
keep_unresolved(void *arg, const hl_issue *i)
{
	struct unresolved *u = arg;

	if (i->state != HL_ISSUE_OPEN ||
	    (u->firmware != NULL && !hl_uuid_equal(&i->firmware, u->firmware)))
		return true;
	u->open = *i;
	u->found = true;
	return false;
}

/* An open issue of this chip, for the firmware that is meant where that can be
 * told. */
static bool
find_unresolved(struct get *g, hl_issue *open)
{
	struct unresolved u = { NULL, { .state = HL_ISSUE_OPEN }, false };
	hl_uuid firmware;

	if (!g->chip_known)
		return false;
	if (firmware_from_store(g, &firmware, NULL) == HL_OK)
		u.firmware = &firmware;
	if (hl_store_issue_list_chip(g->b->store, &g->out->chip.id,
		keep_unresolved, &u, NULL) != HL_OK)
		return false;
	*open = u.open;
	return u.found;
}

static bool
keep_inactive(void *arg, const hl_license *l)
{
	hl_license *last = arg;

	if (l->state != HL_LICENSE_ACTIVE)
		*last = *l;
	return true;
}

/* What the store has for this chip is not handed out any more. */
static void
add_inactive(struct get *g, hl_err *err)
{
	hl_license last = { .size = 0 };
	hl_license_filter filter = { &g->out->chip.id, NULL, true };
	char at[HL_TIME_TEXT] = "";
	hl_uuid firmware;

	if (firmware_from_store(g, &firmware, NULL) == HL_OK)
		filter.firmware = &firmware;
	if (!g->chip_known ||
	    hl_store_license_list(
		g->b->store, &filter, keep_inactive, &last, NULL) != HL_OK ||
	    last.size == 0)
		return;
	if (last.retired_at != 0)
		hl_time_text(last.retired_at, at);
	hl_err_add(err, "it has one that is %s%s%s: %s",
	    hl_license_state_name(last.state), at[0] == '\0' ? "" : " since ",
	    at, last.reason);
	hl_err_hint(err,
	    "leave out --cached to get another one from a card: that costs one "
	    "unit more");
}

/* Why the store alone cannot serve, and no card is to be asked. */
static hl_rc
no_cached_license(struct get *g, hl_err *err)
{
	const char *wanted = g->req->firmware;
	hl_uuid firmware;
	hl_issue open;
	hl_firmware f;

	if (wanted != NULL &&
	    hl_store_firmware_by_name(g->b->store, wanted, &f, NULL) ==
		HL_ENOTFOUND)
		return hl_fail(err, HL_ENOLICENSE, "get a license",
		    "see: hsmlic license list, hsmlic card list",
		    "no firmware \"%s\" is known to this store", wanted);
	if (find_unresolved(g, &open))
		return hl_spend_unresolved(g->b, &open, err);
	if (g->req->card != NULL &&
	    firmware_from_store(g, &firmware, NULL) == HL_ENOTFOUND)
		return hl_fail(err, HL_ENOLICENSE, "get a license",
		    "say --firmware NAME instead; see: hsmlic card list",
		    "the store knows no card \"%s\", or several of different "
		    "firmwares",
		    g->req->card);
	(void)hl_fail(err, HL_ENOLICENSE, "get a license",
	    "leave out --cached to get one from a card",
	    "the store has no active license for this chip and firmware");
	add_inactive(g, err);
	return HL_ENOLICENSE;
}

/*
 * The card could not be asked. That is "try again" only while no request for
 * this very chip waits to be settled.
 */
static hl_rc
or_in_doubt(struct get *g, hl_rc rc, hl_err *err)
{
	hl_err doubt = { 0 };
	hl_issue open;

	if (rc != HL_EBUSY && rc != HL_ETIMEOUT && rc != HL_ENODEV &&
	    rc != HL_ECARD && rc != HL_EACCESS)
		return rc;
	if (err == NULL || !find_unresolved(g, &open) ||
	    hl_owner_alive(g->b->side, &open.owner) ||
	    hl_spend_unresolved(g->b, &open, &doubt) != HL_EDOUBT)
		return rc;
	hl_err_add(&doubt, "%s", err->why);
	*err = doubt;
	return HL_EDOUBT;
}

/* ---- with a card in hand ---------------------------------------------------
 */

struct units {
	const hl_uuid *firmware;
	uint32_t n;
};

static bool
count_units(void *arg, const hl_issue *i)
{
	struct units *u = arg;

	if (hl_uuid_equal(&i->firmware, u->firmware))
		u->n += i->units;
	return true;
}

/* What this chip has cost already. */
static hl_rc
look_back(struct get *g, const hl_firmware *f, hl_spend_plan *plan, hl_err *err)
{
	struct units u = { &f->id, 0 };
	hl_rc rc = HL_OK;

	if (g->chip_known)
		rc = hl_store_issue_losses(
		    g->b->store, &g->out->chip.id, &f->id, &plan->losses, err);
	if (rc == HL_OK && g->chip_known)
		rc = hl_store_issue_list_chip(
		    g->b->store, &g->out->chip.id, count_units, &u, err);
	plan->spent = u.n;
	return rc;
}

static hl_rc
ask_permission(struct get *g, const hl_chosen *c, hl_err *err)
{
	hl_spend_plan plan = { &g->out->chip, &c->info, c->row.label,
		c->firmware.name, 0, 0 };
	const int64_t asked = hl_mono_ms();
	hl_rc rc;

	if (g->allowed)
		return HL_OK;
	rc = look_back(g, &c->firmware, &plan, err);
	if (rc == HL_OK)
		rc = g->req->may_spend(g->req->arg, &plan, err);
	/* A late answer must not leave the card too little time: a request
	 * that is cut short is in doubt. */
	g->until += hl_mono_ms() - asked;
	g->allowed = rc == HL_OK;
	return rc;
}

/* Somebody else's request is under way: its outcome decides what comes next. */
static hl_rc
wait_for(struct get *g, const hl_issue *other, hl_err *err)
{
	hl_issue now;
	hl_rc rc;

	while (hl_deadline_left(g->until) > 0) {
		rc = hl_store_issue_by_id(g->b->store, &other->id, &now, err);
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
spend(struct get *g, hl_chosen *c, bool *again, hl_err *err)
{
	hl_spend s = { .card = c->card,
		.info = c->info,
		.row = &c->row,
		.firmware = &c->firmware,
		.chip = &g->out->chip,
		.cert = g->cert,
		.actor = g->req->actor,
		.until = g->until };
	hl_rc rc = record_chip(g, err);

	if (rc == HL_OK)
		rc = hl_spend_unit(g->b, &s, err);

	/* Others may have the card now; the store needs no card. */
	hl_card_close(&c->card);
	if (rc != HL_OK)
		return rc;
	if (s.wait) {
		*again = true;
		return wait_for(g, &s.other, err);
	}
	rc = hand_over(g, &s.license, s.source, s.units_spent, err);
	if (rc != HL_OK && err != NULL)
		err->units_spent = s.units_spent;
	return rc;
}

static hl_rc
dry_run(struct get *g, const hl_chosen *c, hl_err *err)
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
	return HL_OK;
}

/* With a card in hand. *again: look at everything anew. */
static hl_rc
from_card(struct get *g, hl_chosen *c, bool *again, hl_err *err)
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
		rc = find_license(g, &c->row.firmware, &l, err);
		if (rc == HL_OK)
			return hand_over(g, &l, HL_SOURCE_STORE, 0, err);
		if (rc != HL_ENOTFOUND)
			return rc;
	}
	if (g->req->dry_run)
		return dry_run(g, c, err);
	if ((rc = hl_spend_possible(&c->info, &c->row, g->cert, err)) !=
		HL_OK ||
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
without_card(struct get *g, hl_rc card_rc, hl_err *err)
{
	const char *place = g->req->card;
	hl_uuid firmware;
	hl_license l;
	hl_err e = { 0 };
	hl_rc rc;

	if ((card_rc != HL_ENODEV && card_rc != HL_EACCESS) ||
	    g->req->firmware != NULL)
		return card_rc;
	if (place == NULL)
		rc = find_only_license(g, &l, &e);
	else if ((rc = hl_seen_firmware(g->b, place, &firmware, &e)) == HL_OK)
		rc = find_license(g, &firmware, &l, &e);
	if (rc == HL_OK)
		return hand_over(g, &l, HL_SOURCE_STORE, 0, err);
	if (rc != HL_ENOTFOUND && err != NULL)
		*err = e;
	return rc == HL_ENOTFOUND ? card_rc : rc;
}

static hl_rc
get_from_cards(struct get *g, hl_err *err)
{
	hl_chosen *c = calloc(1, sizeof(*c));
	bool again;
	hl_rc rc;

	if (c == NULL)
		return hl_nomem(err);
	do {
		again = false;
		rc = hl_choose_card(g->b, g->req, g->cert, g->until, c, err);
		if (rc != HL_OK)
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
	struct get g = { .b = b, .req = req, .out = out, .until = req->until };
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	if ((g.cert = calloc(1, sizeof(*g.cert))) == NULL)
		return hl_nomem(err);
	if ((rc = find_chip(&g, err)) != HL_OK)
		goto out;
	rc = look_up(&g, err);
	if (rc != HL_ENOTFOUND)
		goto out;
	if (req->cached) {
		rc = no_cached_license(&g, err);
		goto out;
	}
	if ((rc = load_cert(&g, err)) == HL_OK)
		rc = or_in_doubt(&g, get_from_cards(&g, err), err);
out:
	free(g.cert);
	return rc;
}
