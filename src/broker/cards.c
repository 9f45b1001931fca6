/* SPDX-License-Identifier: Apache-2.0 */
/* Which cards are there, and which one is meant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/internal.h"
#include "card/reader.h"
#include "util/file.h"
#include "util/text.h"

#define READER "reader:"
#define TAKEN_MS 1000
/* A wait that lasts longer is worth a word; a card is ready within less. */
#define SILENT_MS 3000

hl_rc
hl_broker_changed(const hl_card_info *info, hl_err *err)
{
	hl_fail(err, HL_ENODEV, "",
	    "leave the card in its reader, and try again",
	    "the card was taken out, or changed for another one, meanwhile");
	hl_err_what(err, "read the card in \"%s\"", info->reader);
	return HL_ENODEV;
}

/* But for what is known of a card that could not be read. */
static void
forget_reading(hl_card_info *info)
{
	info->can &= ~HL_CAN_INFO;
	info->state = HL_CARD_UNKNOWN;
	info->firmware_id[0] = info->type[0] = info->version[0] = '\0';
	info->has_counter = false;
	info->counter = 0;
}

static hl_rc
open_and_read(const char *reader, const hl_card_options *opt, hl_card **card,
    hl_card_info *info, hl_err *err)
{
	hl_rc rc = hl_card_open(card, reader, opt, err);

	if (rc != HL_OK)
		return rc;
	rc = hl_card_read(*card, info, opt->until, err);
	if (rc == HL_OK && !hl_card_stayed(*card, opt->until)) {
		rc = hl_broker_changed(info, err);
		forget_reading(info);
	}
	if (rc != HL_OK)
		hl_card_close(card);
	return rc;
}

hl_rc
hl_broker_open_card(hl_broker *b, const char *reader, hl_deadline until,
    hl_card **card, hl_card_info *info, hl_err *err)
{
	const hl_deadline soon = hl_deadline_in(SILENT_MS);
	const bool locks = b->lock_dir[0] != '\0';
	hl_card_options opt = { .until = soon < until ? soon : until,
		.lock_dir = locks ? b->lock_dir : NULL };
	hl_rc rc;

	*card = NULL;
	hl_broker_tool(b, &opt.tool);
	if (locks && (rc = hl_dir_make(b->lock_dir, err)) != HL_OK)
		return rc;
	rc = open_and_read(reader, &opt, card, info, err);
	if ((rc != HL_EBUSY && rc != HL_ETIMEOUT) ||
	    hl_deadline_left(until) == 0)
		return rc;
	hl_broker_note(b,
	    "the card in \"%s\" is held by another program, or does not "
	    "answer: waiting %d seconds at most",
	    reader, (hl_deadline_left(until) + 999) / 1000);
	opt.until = until;
	return open_and_read(reader, &opt, card, info, err);
}

/*
 * The name of a software card's file, from the root where that fits: the name
 * is recorded, and is to be found from another folder, too.
 */
static bool
sim_name(const char *selector, char out[HL_READER_NAME_MAX])
{
	char path[PATH_MAX];
	const int room = HL_READER_NAME_MAX;

	if (realpath(selector + strlen("sim:"), path) != NULL &&
	    snprintf(out, HL_READER_NAME_MAX, "sim:%s", path) < room)
		return true;
	return hl_text_copy(out, HL_READER_NAME_MAX, selector);
}

static hl_rc
single_place(
    const char *selector, hl_place_of_card **out, size_t *n, hl_err *err)
{
	hl_place_of_card *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return hl_nomem(err);
	if (!sim_name(selector, p->reader)) {
		free(p);
		return hl_fail(err, HL_EUSAGE, "find the card",
		    "use a shorter path", "the name of the card is too long");
	}
	*out = p;
	*n = 1;
	return HL_OK;
}

/*
 * A software card that the store knows by this label or serial number is no
 * reader's: it is where it was seen last. NULL: it is none, or gone from there.
 */
static const char *
known_sim(hl_broker *b, const char *selector, hl_card_row *row)
{
	char serial[HL_SERIAL_TEXT];

	if (b->store == NULL)
		return NULL;
	if (hl_store_card_by_label(b->store, selector, row, NULL) != HL_OK &&
	    (!hl_serial_canonical(selector, serial) ||
		hl_store_card_by_serial(b->store, serial, row, NULL) != HL_OK))
		return NULL;
	if (!hl_text_starts(row->reader, "sim:") ||
	    access(row->reader + strlen("sim:"), F_OK) != 0)
		return NULL;
	return row->reader;
}

/* Of all readers, those with a card that a selector means. */
static hl_rc
pick_readers(hl_broker *b, const char *selector, const hl_reader *readers,
    size_t count, hl_place_of_card **out, size_t *n, hl_err *err)
{
	const char *part = NULL, *whole = NULL;
	hl_place_of_card *list;
	size_t found = 0;
	unsigned slot;
	hl_rc rc;

	if (selector != NULL && hl_text_starts(selector, READER))
		part = selector + strlen(READER);
	else if (selector != NULL && hl_broker_slot_selector(selector, &slot) &&
	    (rc = hl_broker_slot_reader(
		 b, slot, readers, count, &whole, err)) != HL_OK)
		return rc;
	if ((list = calloc(count + 1, sizeof(*list))) == NULL)
		return hl_nomem(err);
	for (size_t i = 0; i < count; i++) {
		const hl_reader *r = &readers[i];

		if (!r->present ||
		    (part != NULL && strstr(r->name, part) == NULL) ||
		    (whole != NULL && strcmp(r->name, whole) != 0))
			continue;
		list[found].taken = r->exclusive;
		(void)hl_text_copy(
		    list[found].reader, sizeof(list[found].reader), r->name);
		found++;
	}
	*out = list;
	*n = found;
	return HL_OK;
}

hl_rc
hl_broker_places(hl_broker *b, const char *selector, hl_deadline until,
    hl_place_of_card **out, size_t *n, hl_err *err)
{
	hl_reader *readers = NULL;
	const char *sim = NULL;
	hl_card_row row;
	size_t count;
	hl_rc rc;

	*out = NULL;
	*n = 0;
	if (selector != NULL && hl_text_starts(selector, "sim:"))
		sim = selector;
	else if (selector != NULL && !hl_text_starts(selector, READER))
		sim = known_sim(b, selector, &row);
	if (sim != NULL)
		return single_place(sim, out, n, err);
	if ((rc = hl_reader_list(&readers, &count, until, err)) != HL_OK)
		return rc;
	rc = pick_readers(b, selector, readers, count, out, n, err);
	free(readers);
	return rc;
}

hl_deadline
hl_broker_patience(const hl_place_of_card *p, size_t n, hl_deadline until)
{
	const hl_deadline soon = hl_deadline_in(TAKEN_MS);

	return p->taken && n > 1 && soon < until ? soon : until;
}

bool
hl_broker_names_place(const char *selector)
{
	return selector != NULL &&
	    (hl_text_starts(selector, "sim:") ||
		hl_text_starts(selector, "reader:") ||
		hl_text_starts(selector, "slot:"));
}

bool
hl_broker_selects(const char *selector, const hl_present *p)
{
	char serial[HL_SERIAL_TEXT];

	if (selector == NULL || hl_broker_names_place(selector))
		return true;
	if (p->known && strcmp(selector, p->row.label) == 0)
		return true;
	return hl_serial_canonical(selector, serial) &&
	    strcmp(serial, p->info.serial) == 0;
}

static void
record_reading(hl_broker *b, const hl_actor *actor, hl_present *p)
{
	uint32_t outside = 0;
	hl_rc rc;

	rc = hl_store_card_seen(b->store, &p->row.id, p->info.counter,
	    hl_card_state_name(p->info.state), p->info.reader, actor, &outside,
	    NULL);
	if (rc == HL_OK && outside > 0)
		(void)snprintf(p->warning, sizeof(p->warning),
		    "%u unit%s left this card outside of this store (%u "
		    "expected, "
		    "%u there)",
		    outside, outside == 1 ? "" : "s", p->row.last_counter,
		    p->info.counter);
	else if (rc == HL_ECONFLICT)
		(void)snprintf(p->warning, sizeof(p->warning),
		    "the counter (%u) is above the expected %u: another card, "
		    "or "
		    "an old store",
		    p->info.counter, p->row.last_counter);
}

void
hl_broker_look(hl_broker *b, const char *selector, const char *reader,
    const hl_actor *actor, hl_deadline until, hl_present *out)
{
	hl_card *card = NULL;
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	(void)hl_text_copy(out->info.reader, sizeof(out->info.reader), reader);
	out->rc =
	    hl_broker_open_card(b, reader, until, &card, &out->info, &out->err);
	if (out->rc != HL_OK || b->store == NULL)
		goto out;
	/* While the card is held: no other process moves its counter. */
	rc = hl_broker_know(b, &out->info, selector, &out->row, &out->err);
	out->known = rc == HL_OK;
	out->unsure = rc == HL_ECONFLICT;
	if (out->unsure && selector != NULL && !hl_broker_names_place(selector))
		out->rc = rc;
	else if (out->unsure)
		(void)hl_text_format(
		    out->warning, sizeof(out->warning), "%s", out->err.why);
	if (out->known && actor != NULL && out->info.has_counter &&
	    out->info.serial[0] != '\0')
		record_reading(b, actor, out);
out:
	hl_card_close(&card);
}

/*
 * One known card cannot be in two readers. The one that is where it was seen
 * last is it, and the other one looks like it.
 */
static void
part_twins(hl_present *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		hl_present *p = &list[i];
		bool twin = false;

		if (!p->known || p->info.serial[0] != '\0' ||
		    strcmp(p->row.reader, p->info.reader) == 0)
			continue;
		for (size_t k = 0; k < n; k++)
			twin |= k != i && list[k].known &&
			    hl_uuid_equal(&list[k].row.id, &p->row.id);
		if (!twin)
			continue;
		p->unsure = true;
		p->known = false;
		(void)hl_broker_twin(&p->info, &p->row, &p->err);
		(void)hl_text_format(
		    p->warning, sizeof(p->warning), "%s", p->err.why);
	}
}

/* A label that a person gave is of one of two twins only. */
static size_t
drop_others(const char *selector, hl_present *list, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (list[i].rc == HL_OK &&
		    !hl_broker_selects(selector, &list[i]))
			continue;
		if (kept != i)
			list[kept] = list[i];
		kept++;
	}
	return kept;
}

/*
 * It has fewer units than this card had: they went elsewhere, or it is another
 * card of the same firmware identifier. A look does not decide that.
 */
static void
warn_of_fewer(hl_present *p)
{
	const uint32_t fewer = p->row.last_counter - p->info.counter;

	(void)hl_text_format(p->warning, sizeof(p->warning),
	    "%u unit%s fewer than expected (%u expected, %u there): they left "
	    "it elsewhere, or this is another card of its firmware identifier; "
	    "the next get from it records them, card add --label makes "
	    "another one known",
	    fewer, fewer == 1 ? "" : "s", p->row.last_counter, p->info.counter);
}

/* Those without a serial number, when all were looked at. `label`: what a
 * person called the card that is meant; NULL: nobody did. */
static void
record_weak(hl_broker *b, const hl_actor *actor, const char *label,
    hl_present *list, size_t n)
{
	hl_card_row now;

	for (size_t i = 0; i < n; i++) {
		hl_present *p = &list[i];

		if (!p->known || !p->info.has_counter ||
		    p->info.serial[0] != '\0')
			continue;
		if (p->info.counter < p->row.last_counter &&
		    (label == NULL || strcmp(label, p->row.label) != 0)) {
			warn_of_fewer(p);
			continue;
		}
		/* It is not held any more: others may have asked it since. */
		if (hl_store_card_by_id(b->store, &p->row.id, &now, NULL) ==
			HL_OK &&
		    now.last_counter == p->row.last_counter)
			record_reading(b, actor, p);
	}
}

hl_rc
hl_broker_present(hl_broker *b, const char *selector, const hl_actor *actor,
    hl_deadline until, hl_present **out, size_t *n, hl_err *err)
{
	hl_place_of_card *places;
	size_t count, found = 0;
	hl_present *list;
	hl_rc rc;

	*out = NULL;
	*n = 0;
	rc = hl_broker_places(b, selector, until, &places, &count, err);
	if (rc != HL_OK)
		return rc;
	list = calloc(count + 1, sizeof(*list));
	if (list == NULL) {
		free(places);
		return hl_nomem(err);
	}
	for (size_t i = 0; i < count; i++) {
		hl_broker_look(b, selector, places[i].reader, actor,
		    hl_broker_patience(&places[i], count, until), &list[found]);
		if (list[found].rc != HL_OK ||
		    hl_broker_selects(selector, &list[found]))
			found++;
	}
	free(places);
	part_twins(list, found);
	found = drop_others(selector, list, found);
	if (actor != NULL && b->store != NULL)
		record_weak(b, actor, selector, list, found);
	*out = list;
	*n = found;
	return HL_OK;
}
