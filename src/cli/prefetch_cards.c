/* SPDX-License-Identifier: Apache-2.0 */
/* prefetch: which cards may be asked, and of which firmware they are. */
#include <stdlib.h>
#include <string.h>

#include "broker/spend.h"
#include "cli/parts.h"
#include "cli/prefetch.h"

#define WHAT "prefetch licenses"

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

hl_rc
hl_prefetch_firmware_by_words(hl_prefetch *p, hl_err *err)
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

hl_rc
hl_prefetch_no_card_left(const hl_prefetch *p, hl_err *err)
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

hl_rc
hl_prefetch_find_cards(hl_prefetch *p, hl_err *err)
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
		(void)hl_prefetch_no_card_left(p, &p->no_card);
	}
	return HL_OK;
}
