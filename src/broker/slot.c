/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ST's program names readers by slot=N. How that number follows from the
 * readers of PC/SC is not documented, so the user's word counts, which the
 * store keeps for each station; alone where there is no choice it is not
 * needed.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/internal.h"
#include "util/text.h"

#define SLOT "slot:"
#define SLOT_MAX 255
/* What ST's program takes when it is not told. */
#define SLOT_DEFAULT 1
#define LIST_MS 5000

bool
hl_broker_slot_selector(const char *selector, unsigned *slot)
{
	uint64_t n;

	if (!hl_text_starts(selector, SLOT) ||
	    !hl_text_u64(selector + strlen(SLOT), SLOT_MAX, &n))
		return false;
	*slot = (unsigned)n;
	return true;
}

static bool
is_alone(const char *reader)
{
	hl_reader *readers = NULL;
	size_t n = 0;
	bool alone;

	if (hl_reader_list(&readers, &n, hl_deadline_in(LIST_MS), NULL) !=
	    HL_OK)
		return false;
	alone = n == 1 && strcmp(readers[0].name, reader) == 0;
	free(readers);
	return alone;
}

/* What is not in the store may yet be known otherwise: that it is not there is
 * no error until nothing else helps, and must not stay behind as one. */
static hl_rc
end_lookup(hl_rc rc, const hl_err *e, hl_err *err)
{
	if (rc != HL_OK && err != NULL)
		*err = *e;
	return rc;
}

static hl_rc
slot_of(void *arg, const char *reader, unsigned *slot, hl_err *err)
{
	hl_broker *b = arg;
	hl_rc rc = HL_ENOTFOUND;
	hl_err e = { 0 };

	*slot = b->slot_asked;
	if (b->slot_asked != 0)
		return HL_OK;
	if (b->store != NULL)
		rc = hl_store_slot_of(
		    b->store, b->opt.station, reader, slot, &e);
	if (rc != HL_ENOTFOUND)
		return end_lookup(rc, &e, err);
	*slot = SLOT_DEFAULT;
	if (is_alone(reader))
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, "ask the card",
	    "say it once: hsmlic card add --slot N; or let it be found: hsmlic "
	    "card slot",
	    "there are several readers, and which slot=N of "
	    "STM32_Programmer_CLI this one is was never said");
}

struct same_atr {
	const uint8_t *atr;
	size_t n;
	bool found;
};

static bool
compare_atr(void *arg, const hl_card_row *c)
{
	struct same_atr *s = arg;

	s->found = strcmp(c->driver, "stm32hsm") == 0 && c->atr_n == s->n &&
	    memcmp(c->atr, s->atr, s->n) == 0;
	return !s->found;
}

/* Cards of such an ATR were made known as STM32HSM, or are now. */
static bool
chosen(void *arg, const uint8_t *atr, size_t n)
{
	const hl_broker *b = arg;
	struct same_atr s = { atr, n, false };

	if (b->opt.stm32hsm)
		return true;
	return b->store != NULL &&
	    hl_store_card_list(b->store, compare_atr, &s, NULL) == HL_OK &&
	    s.found;
}

void
hl_broker_tool(hl_broker *b, hl_card_tool *out)
{
	*out = (hl_card_tool){ .program = b->opt.program,
		.slot = slot_of,
		.chosen = chosen,
		.arg = b,
		.connect = b->connect,
		.tfa = b->tfa,
		.dir = b->spool_dir[0] == '\0' ? NULL : b->spool_dir };
}

/* The only reader with a card, where one with an STM32HSM goes first. */
static hl_rc
only_reader(const hl_reader *readers, size_t n, const char **name, hl_err *err)
{
	const hl_reader *hsm = NULL, *any = NULL;
	size_t hsms = 0, cards = 0;

	for (size_t i = 0; i < n; i++) {
		if (!readers[i].present)
			continue;
		any = &readers[i];
		cards++;
		if (hl_card_is_stm32hsm(any->atr, any->atr_n)) {
			hsm = any;
			hsms++;
		}
	}
	*name = hsm != NULL ? hsm->name : any != NULL ? any->name : "";
	if (hsms == 1 || (hsms == 0 && cards <= 1))
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, "find the card",
	    "say it once: hsmlic card add --slot N; or let it be found: hsmlic "
	    "card slot",
	    "there are cards in several readers, and which of them is meant by "
	    "slot=N was never said");
}

hl_rc
hl_broker_slot_reader(hl_broker *b, unsigned slot, const hl_reader *readers,
    size_t n, const char **name, hl_err *err)
{
	hl_text known;
	hl_rc rc = HL_ENOTFOUND;
	hl_err e = { 0 };

	b->slot_asked = slot;
	if (b->store != NULL)
		rc = hl_store_slot_reader(
		    b->store, b->opt.station, slot, known, &e);
	if (rc == HL_ENOTFOUND)
		return only_reader(readers, n, name, err);
	*name = "";
	if (rc != HL_OK)
		return end_lookup(rc, &e, err);
	for (size_t i = 0; i < n; i++)
		if (strcmp(readers[i].name, known) == 0)
			*name = readers[i].name;
	return HL_OK;
}
