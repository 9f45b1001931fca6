/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "card/reader.h"
#include "cli/doctor.h"
#include "util/text.h"

#define SIM "sim:"
#define READER "reader:"

/* What --card says about which cards are meant. */
typedef struct wanted {
	const char *reader;	     /* part of a name, or NULL */
	char serial[HL_SERIAL_TEXT]; /* or "" */
	bool none;		     /* a label that nobody knows */
} wanted;

static wanted
read_selector(const hl_doctor *d, const char *selector)
{
	wanted w = { .reader = NULL };
	hl_card_row row;

	if (selector == NULL)
		return w;
	if (hl_text_starts(selector, READER))
		w.reader = selector + strlen(READER);
	else if (d->cli->store != NULL &&
	    hl_store_card_by_label(d->cli->store, selector, &row, NULL) ==
		HL_OK)
		(void)hl_text_copy(w.serial, sizeof(w.serial), row.serial);
	else
		w.none = !hl_serial_canonical(selector, w.serial);
	return w;
}

/* ---- one card --------------------------------------------------------------
 */

static void
check_driver(hl_doctor *d, const hl_card_info *i)
{
	if (i->driver[0] == '\0')
		hl_doctor_fail(d, "driver", "insert an Open License Card",
		    "no driver knows the card in \"%s\"", i->reader);
	else if ((i->can & HL_CAN_ISSUE) == 0)
		hl_doctor_fail(d, "driver",
		    "get the license with the card vendor's own program, and "
		    "keep it with hsmlic license import",
		    "%s recognises this card, but cannot ask it for licenses",
		    i->driver);
	else
		hl_doctor_ok(d, "driver", "%s%s", i->driver,
		    (i->can & HL_CAN_REPLAY) != 0
			? ", a lost answer can be asked for again"
			: "");
}

static void
check_state(hl_doctor *d, const hl_card_info *i)
{
	const char *state = hl_card_state_name(i->state);

	if (i->state == HL_CARD_OPERATIONAL)
		hl_doctor_ok(d, "card state", "%s, firmware \"%s\", type %s",
		    state, i->firmware_id, i->type);
	else
		hl_doctor_fail(d, "card state",
		    i->state == HL_CARD_BLANK
			? "have it personalised by the owner of the firmware"
			: "use another card",
		    "%s", state);
	if (!i->has_counter)
		hl_doctor_skip(d, "counter", "it cannot be read");
	else if (i->counter == 0)
		hl_doctor_fail(
		    d, "counter", "use another card", "no license is left");
	else if (i->capacity == 0) /* it does not tell */
		hl_doctor_ok(d, "counter", "%u left", i->counter);
	else
		hl_doctor_ok(
		    d, "counter", "%u of %u left", i->counter, i->capacity);
}

struct same {
	const char *identifier;
	hl_text name;
};

static bool
find_identifier(void *arg, const hl_firmware *f)
{
	struct same *s = arg;

	if (strcmp(f->identifier, s->identifier) != 0)
		return true;
	(void)hl_text_copy(s->name, sizeof(s->name), f->name);
	return false;
}

static void
check_unknown(hl_doctor *d, const hl_card_info *i)
{
	const char *typed = hl_opt(d->cli, "card");
	struct same same = { i->firmware_id, "" };
	char remedy[HL_ERR_HINT], card[HL_TEXT_MAX], name[HL_TEXT_MAX];
	hl_err err = { 0 };

	if (hl_store_firmware_list(
		d->cli->store, find_identifier, &same, &err) != HL_OK) {
		hl_doctor_error(d, "card known", &err);
	} else if (same.name[0] == '\0') {
		hl_doctor_ok(
		    d, "card known", "not yet: the first get makes it known");
	} else {
		(void)hl_text_word(
		    card, sizeof(card), typed != NULL ? typed : i->serial);
		(void)hl_text_word(name, sizeof(name), same.name);
		(void)hl_text_format(remedy, sizeof(remedy),
		    "hsmlic card add %s --firmware %s if it holds the same "
		    "key, --new-firmware NAME if another",
		    card, name);
		hl_doctor_fail(d, "card known", remedy,
		    "not yet, and firmware \"%s\" bears its identifier, which "
		    "two keys can",
		    same.name);
	}
}

static void
check_expected(hl_doctor *d, const hl_card_info *i, const hl_card_row *row)
{
	static const char name[] = "expected counter";
	hl_issue open;

	if (!i->has_counter)
		hl_doctor_skip(d, name, "the counter cannot be read");
	else if (hl_store_issue_open_on_card(
		     d->cli->store, &row->id, &open, NULL) == HL_OK)
		hl_doctor_skip(d, name, "a request is open on this card");
	else if (i->counter > row->last_counter)
		hl_doctor_fail(d, name,
		    "find out whether this is an old copy of the store, or of "
		    "the card",
		    "%u is above the expected %u", i->counter,
		    row->last_counter);
	else if (i->counter < row->last_counter)
		hl_doctor_fail(d, name,
		    "find out who used the card; hsmlic status records it",
		    "%u, but %u is expected: %u left this card elsewhere",
		    i->counter, row->last_counter,
		    row->last_counter - i->counter);
	else
		hl_doctor_ok(d, name, "%u, as recorded", i->counter);
}

static void
check_known(hl_doctor *d, const hl_card_info *i)
{
	char name[HL_CARD_WORDS];
	hl_card_row row;
	hl_err err = { 0 };
	hl_rc rc;

	if (d->cli->store == NULL || i->serial[0] == '\0') {
		hl_doctor_skip(d, "card known",
		    d->cli->store == NULL ? "there is no store"
					  : "the card tells no serial number");
		return;
	}
	rc = hl_store_card_by_serial(d->cli->store, i->serial, &row, &err);
	if (rc == HL_ENOTFOUND) {
		check_unknown(d, i);
		return;
	}
	if (rc != HL_OK)
		hl_doctor_error(d, "card known", &err);
	else if (row.retired_at != 0)
		hl_doctor_fail(d, "card known", "use another card",
		    "it was taken out of use");
	else {
		hl_card_words(row.label, row.serial, name, sizeof(name));
		hl_doctor_ok(d, "card known", "%s, firmware \"%s\"", name,
		    row.firmware_name);
	}
	if (rc == HL_OK)
		check_expected(d, i, &row);
}

/* False: it is not the one that is wanted. */
static bool
check_card(hl_doctor *d, const char *reader, const wanted *w)
{
	const hl_card_options opt = { .until = d->cli->until };
	hl_card *card = NULL;
	hl_card_info info = { 0 };
	hl_err err = { 0 };
	hl_rc rc;

	rc = hl_card_open(&card, reader, &opt, &err);
	if (rc == HL_OK)
		rc = hl_card_read(card, &info, d->cli->until, &err);
	hl_card_close(&card);
	if (rc != HL_OK) {
		hl_doctor_refused(d, "card", &err);
		return true;
	}
	if (w->serial[0] != '\0' && strcmp(w->serial, info.serial) != 0)
		return false;
	hl_doctor_ok(d, "card", "%s in \"%s\"",
	    info.serial[0] == '\0' ? "one without a serial number"
				   : info.serial,
	    info.reader);
	check_driver(d, &info);
	if (info.driver[0] == '\0' || (info.can & HL_CAN_INFO) == 0)
		return true;
	check_state(d, &info);
	check_known(d, &info);
	return true;
}

/* ---- readers ---------------------------------------------------------------
 */

static bool
list_readers(hl_doctor *d, hl_reader **readers, size_t *n)
{
	hl_buf names = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_rc rc = hl_reader_list(readers, n, d->cli->until, &err);

	if (rc != HL_OK) {
		hl_doctor_refused(d, "PC/SC service", &err);
		hl_doctor_skip(d, "reader", "there is no PC/SC service");
		return false;
	}
	hl_doctor_ok(d, "PC/SC service", "it answers");
	for (size_t i = 0; i < *n; i++)
		hl_buf_printf(
		    &names, "%s%s", i == 0 ? "" : ", ", (*readers)[i].name);
	if (*n == 0)
		hl_doctor_fail(d, "reader",
		    "connect one; pcscd needs a driver for it, for most of "
		    "them libccid",
		    "there is none");
	else
		hl_doctor_ok(d, "reader", "%s", hl_buf_str(&names));
	hl_buf_free(&names);
	return *n > 0;
}

static void
check_readers(hl_doctor *d, const char *selector)
{
	const wanted w = read_selector(d, selector);
	hl_reader *readers = NULL;
	size_t n = 0, found = 0;

	if (!list_readers(d, &readers, &n)) {
		hl_doctor_skip(d, "card", "there is no reader");
		free(readers);
		return;
	}
	for (size_t i = 0; i < n && !w.none; i++) {
		const hl_reader *r = &readers[i];

		if (r->present &&
		    (w.reader == NULL || strstr(r->name, w.reader) != NULL))
			found += check_card(d, r->name, &w);
	}
	free(readers);
	if (found == 0)
		hl_doctor_fail(d, "card",
		    "put the card into a reader, chip first; hsmlic card list "
		    "shows what is there",
		    selector == NULL ? "there is none in any reader"
				     : "none that is present answers to \"%s\"",
		    selector);
}

void
hl_doctor_cards(hl_doctor *d)
{
	const char *selector = hl_opt(d->cli, "card");
	const wanted any = { .reader = NULL };

	if (selector == NULL || !hl_text_starts(selector, SIM)) {
		check_readers(d, selector);
		return;
	}
	hl_doctor_skip(d, "PC/SC service", "a software card needs none");
	hl_doctor_skip(d, "reader", "a software card needs none");
	(void)check_card(d, selector, &any);
}
