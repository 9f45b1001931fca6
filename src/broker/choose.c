/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/choose.h"

#include <stdlib.h>
#include <string.h>

#include "broker/spend.h"

/* What a choice is made by. */
struct choice {
	hl_broker *b;
	const hl_get_request *req;
	const hl_cert *cert; /* of the chip */
	hl_deadline until;
};

static bool
serves(const struct choice *g, const hl_present *p)
{
	const char *wanted = g->req->firmware;

	if (wanted == NULL)
		return true;
	if (p->known)
		return strcmp(p->row.firmware_name, wanted) == 0;
	return strcmp(p->info.firmware_id, wanted) == 0;
}

/* `present` cards answer to the selector, and none of them will do. */
static hl_rc
no_card(const struct choice *g, size_t present, hl_err *err)
{
	const char *card = g->req->card;

	if (present > 0)
		return hl_fail(err, HL_ENOLICENSE, "find a card",
		    "insert the card of this firmware, or see: hsmlic card "
		    "list",
		    "%s serves firmware \"%s\"",
		    card != NULL ? "the card that was named does not hold the "
				   "key that"
				 : "none of the cards present",
		    g->req->firmware == NULL ? "" : g->req->firmware);
	if (card != NULL)
		return hl_fail(err, HL_ENODEV, "find the card",
		    "insert the card, or see what is there: hsmlic card "
		    "list",
		    "no card that is present answers to \"%s\"", card);
	return hl_fail(err, HL_ENODEV, "find a card",
	    "insert the card, or name one: --card CARD",
	    "there is no card in any reader");
}

static void
describe(const hl_present *p, char *out, size_t size)
{
	if (p->known && p->info.serial[0] == '\0')
		(void)hl_text_format(out, size, "\"%s\" in \"%s\"",
		    p->row.label, p->info.reader);
	else if (p->known && p->row.label[0] != '\0')
		(void)hl_text_format(
		    out, size, "\"%s\" (%s)", p->row.label, p->info.serial);
	else if (p->info.serial[0] == '\0')
		(void)hl_text_format(out, size, "in \"%s\"", p->info.reader);
	else
		(void)hl_text_format(
		    out, size, "%s in \"%s\"", p->info.serial, p->info.reader);
}

static hl_rc
two_fit(const hl_present *a, const hl_present *b, hl_err *err)
{
	char first[200], second[200];

	describe(a, first, sizeof(first));
	describe(b, second, sizeof(second));
	if (a->known && b->known && hl_uuid_equal(&a->row.id, &b->row.id))
		return hl_fail(err, HL_EUSAGE, "choose a card",
		    "leave only the one that is meant in a reader",
		    "two cards could be the one that is meant: %s and %s",
		    first, second);
	return hl_fail(err, HL_EUSAGE, "choose a card",
	    "say which: --card LABEL or --card SERIAL",
	    "two cards fit: %s and %s", first, second);
}

/*
 * Two cards without a serial number that could both be the one known card: it
 * is the one in the reader where that was seen last. NULL: not even so.
 */
static const hl_present *
by_place(const hl_present *a, const hl_present *b)
{
	const bool a_there = strcmp(a->info.reader, a->row.reader) == 0;
	const bool b_there = strcmp(b->info.reader, b->row.reader) == 0;

	if (!a->known || !b->known || a->info.serial[0] != '\0' ||
	    !hl_uuid_equal(&a->row.id, &b->row.id) || a_there == b_there)
		return NULL;
	return a_there ? a : b;
}

static void
pass_over(const struct choice *g, const hl_present *p, const char *why)
{
	char name[200];

	describe(p, name, sizeof(name));
	hl_broker_detail(g->b, "card %s is passed over: %s", name, why);
}

static void
take(const struct choice *g, const hl_present *p, const char *why)
{
	char name[200];

	describe(p, name, sizeof(name));
	hl_broker_detail(g->b, "card %s is taken: %s", name,
	    g->req->card != NULL ? "it was named" : why);
}

/*
 * Among cards that were read: the one that fits. `*which` is its place. When
 * none can issue but some were meant, the reason of the first.
 */
static hl_rc
pick(const struct choice *g, const hl_present *list, size_t n, size_t *which,
    hl_err *err)
{
	const hl_present *fit = NULL, *near = NULL, *other;
	hl_err why = { 0 }, e = { 0 };

	for (size_t i = 0; i < n; i++) {
		const hl_present *p = &list[i];
		hl_rc rc = p->rc;

		if (rc != HL_OK)
			e = p->err;
		else if (!serves(g, p)) {
			pass_over(g, p, "it holds another firmware's key");
			continue;
		} else
			rc = hl_spend_possible(
			    &p->info, p->known ? &p->row : NULL, g->cert, &e);
		if (rc == HL_OK && fit != NULL) {
			other = fit;
			if ((fit = by_place(other, p)) == NULL)
				return two_fit(other, p, err);
		} else if (rc == HL_OK)
			fit = p;
		else
			pass_over(g, p, e.why);
		if (rc != HL_OK && near == NULL) {
			near = p;
			why = e;
		}
	}
	if (fit == NULL && near == NULL)
		return no_card(g, n, err);
	if (fit == NULL && err != NULL)
		*err = why;
	if (fit == NULL)
		return why.rc;
	*which = (size_t)(fit - list);
	return HL_OK;
}

/* Opens the card in a reader and finds it in the store. */
static hl_rc
open_chosen(
    const struct choice *g, const char *reader, hl_chosen *c, hl_err *err)
{
	hl_rc rc;

	rc = hl_broker_open_card(
	    g->b, reader, g->until, &c->card, &c->info, err);
	if (rc != HL_OK)
		return rc;
	rc = hl_broker_know(g->b, &c->info, g->req->card, &c->row, err);
	c->known = rc == HL_OK;
	return rc == HL_ENOTFOUND ? HL_OK : rc;
}

static hl_rc
choose_among(const struct choice *g, const hl_place_of_card *places, size_t n,
    hl_chosen *c, hl_err *err)
{
	hl_present *list = calloc(n + 1, sizeof(*list));
	size_t found = 0, which = 0;
	hl_rc rc;

	if (list == NULL)
		return hl_nomem(err);
	for (size_t i = 0; i < n; i++) {
		hl_broker_look(g->b, g->req->card, places[i].reader, NULL,
		    hl_broker_patience(&places[i], n, g->until), &list[found]);
		if (list[found].rc != HL_OK ||
		    hl_broker_selects(g->req->card, &list[found]))
			found++;
	}
	rc = pick(g, list, found, &which, err);
	if (rc == HL_OK)
		rc = open_chosen(g, list[which].info.reader, c, err);
	if (rc == HL_OK)
		take(g, &list[which], "no other one fits");
	if (rc == HL_OK && !hl_card_same(&c->info, &list[which].info))
		rc = hl_fail(err, HL_EBUSY, "open the card", "try again",
		    "the card in \"%s\" was changed just now",
		    list[which].info.reader);
	free(list);
	return rc;
}

/* The only reader with a card: it is read once, and stays open. */
static hl_rc
choose_only(
    const struct choice *g, const char *reader, hl_chosen *c, hl_err *err)
{
	hl_present *p;
	hl_rc rc;

	if ((rc = open_chosen(g, reader, c, err)) != HL_OK)
		return rc;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return hl_nomem(err);
	p->info = c->info;
	p->known = c->known;
	p->row = c->row;
	if (!hl_broker_selects(g->req->card, p))
		rc = no_card(g, 0, err);
	else if (!serves(g, p))
		rc = no_card(g, 1, err);
	else
		take(g, p, "no other one is there");
	free(p);
	return rc;
}

hl_rc
hl_choose_card(hl_broker *b, const hl_get_request *req, const hl_cert *cert,
    hl_deadline until, hl_chosen *c, hl_err *err)
{
	const struct choice choice = { b, req, cert, until };
	const struct choice *g = &choice;
	hl_place_of_card *places;
	size_t n;
	hl_rc rc;

	memset(c, 0, sizeof(*c));
	c->typed = req->card;
	hl_broker_detail(b,
	    "the store has no license that is sure to be meant: a card is "
	    "needed");
	rc = hl_broker_places(g->b, g->req->card, g->until, &places, &n, err);
	if (rc != HL_OK)
		return rc;
	if (n == 0)
		rc = no_card(g, 0, err);
	else if (n == 1)
		rc = choose_only(g, places[0].reader, c, err);
	else
		rc = choose_among(g, places, n, c, err);
	free(places);
	return rc;
}

/* The card's firmware; a card never seen before becomes known here. */
hl_rc
hl_chosen_identify(
    hl_broker *b, const hl_actor *actor, hl_chosen *c, hl_err *err)
{
	const hl_card_choice no_choice = { .typed = c->typed };
	hl_rc rc;

	if (!c->known) {
		rc = hl_broker_card_add(
		    b, &c->info, &no_choice, actor, &c->row, err);
		if (rc != HL_OK && rc != HL_EEXIST)
			return rc;
		c->known = true;
	}
	rc = hl_store_firmware_by_id(
	    b->store, &c->row.firmware, &c->firmware, err);
	if (rc != HL_OK)
		return rc;
	if (strcmp(c->firmware.identifier, c->info.firmware_id) != 0 &&
	    c->info.state == HL_CARD_OPERATIONAL)
		return hl_fail(err, HL_EINTEGRITY, "use the card",
		    "a card is personalised once and for ever: this is another "
		    "card with the same serial number",
		    "card %s bears \"%s\", but was known with \"%s\"",
		    hl_broker_name(&c->row), c->info.firmware_id,
		    c->firmware.identifier);
	return HL_OK;
}
