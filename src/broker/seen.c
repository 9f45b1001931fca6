/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/seen.h"

#include <stdlib.h>
#include <string.h>

#include "util/file.h"
#include "util/text.h"

#define READER "reader:"
#define SIM "sim:"

struct search {
	const char *part;	/* of a reader's name; or */
	hl_text whole;		/* all of it; or */
	bool by_tool;		/* any reader, an STM32HSM; or */
	char sim[PATH_MAX + 8]; /* the whole name of a software card */
	hl_uuid firmware;
	unsigned firmwares;
};

/* As the card was recorded, also when its file is gone. */
static bool
name_sim(const char *file, char *out, size_t size)
{
	char real[PATH_MAX];

	if (realpath(file, real) == NULL &&
	    hl_path_absolute(file, real, sizeof(real), NULL) != HL_OK)
		return false;
	return hl_text_format(out, size, SIM "%s", real);
}

static bool
is_there(const struct search *s, const char *reader)
{
	if (s->whole[0] != '\0')
		return strcmp(reader, s->whole) == 0;
	if (s->part == NULL)
		return strcmp(reader, s->sim) == 0;
	return !hl_text_starts(reader, SIM) && strstr(reader, s->part) != NULL;
}

static bool
count_card(void *arg, const hl_card_row *c)
{
	struct search *s = arg;

	if (!(s->by_tool ? strcmp(c->driver, "stm32hsm") == 0
			 : is_there(s, c->reader)) ||
	    (s->firmwares > 0 && hl_uuid_equal(&s->firmware, &c->firmware)))
		return true;
	s->firmware = c->firmware;
	s->firmwares++;
	return true;
}

hl_rc
hl_seen_firmware(
    hl_broker *b, const char *selector, hl_uuid *firmware, hl_err *err)
{
	struct search s = { .part = NULL };
	unsigned slot;
	hl_rc rc;

	/* A slot that was never mapped: that of the only firmware there is. */
	if (hl_broker_slot_selector(selector, &slot))
		s.by_tool = hl_store_slot_reader(b->store, b->opt.station, slot,
				s.whole, NULL) != HL_OK;
	else if (hl_text_starts(selector, READER))
		s.part = selector + strlen(READER);
	else if (!hl_text_starts(selector, SIM) ||
	    !name_sim(selector + strlen(SIM), s.sim, sizeof(s.sim)))
		return HL_ENOTFOUND;
	rc = hl_store_card_list(b->store, count_card, &s, err);
	if (rc == HL_OK && s.firmwares != 1)
		rc = HL_ENOTFOUND;
	if (rc == HL_OK)
		*firmware = s.firmware;
	return rc;
}
