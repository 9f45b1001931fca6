/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "card/reader.h"
#include "cli/doctor.h"
#include "util/text.h"

#define SIM "sim:"

/* ---- one card ----------------------------------------------------------- */

static void
check_driver(hl_doctor *d, const hl_card_info *i)
{
	if (i->driver[0] == '\0')
		hl_doctor_fail(d, "driver",
		    "insert an Open License Card, or say that it is an "
		    "STM32HSM: hsmlic card add --driver stm32hsm",
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
	const char *type = i->type[0] == '\0' ? "unknown" : i->type;

	if (i->state == HL_CARD_OPERATIONAL)
		hl_doctor_ok(d, "card state", "%s, firmware \"%s\", type %s",
		    state, i->firmware_id, type);
	else if (i->state == HL_CARD_UNKNOWN && (i->can & HL_BY_TOOL) != 0)
		hl_doctor_ok(d, "card state",
		    "not told, firmware \"%s\", type %s", i->firmware_id, type);
	else
		hl_doctor_fail(d, "card state",
		    i->state == HL_CARD_BLANK
			? "have it personalised by the owner of the firmware"
			: "use another card",
		    "%s", state);
}

static void
check_counter(hl_doctor *d, const hl_card_info *i)
{
	if (!i->has_counter && (i->can & HL_BY_TOOL) != 0)
		hl_doctor_fail(d, "counter",
		    "see what STM32_Programmer_CLI -hsmgetinfo and "
		    "-hsmgetcounter print, and report it with your version",
		    "not found in what STM32_Programmer_CLI prints: the card "
		    "cannot be accounted for");
	else if (!i->has_counter)
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
		    i->serial[0] == '\0' ? "--label LABEL" : card, name);
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
check_known(hl_doctor *d, const hl_present *p)
{
	const hl_card_row *row = &p->row;
	char name[HL_CARD_WORDS];

	if (d->cli->store == NULL)
		hl_doctor_skip(d, "card known", "there is no store");
	else if (p->unsure)
		hl_doctor_error(d, "card known", &p->err);
	else if (!p->known && p->info.serial[0] == '\0' && !p->info.has_counter)
		hl_doctor_skip(d, "card known",
		    "without serial number and counter, nobody can tell");
	else if (!p->known)
		check_unknown(d, &p->info);
	else if (row->retired_at != 0)
		hl_doctor_fail(d, "card known", "use another card",
		    "it was taken out of use");
	else {
		hl_card_words(row->label, row->serial, name, sizeof(name));
		hl_doctor_ok(d, "card known", "%s, firmware \"%s\"", name,
		    row->firmware_name);
	}
	if (p->known)
		check_expected(d, &p->info, row);
}

static void
check_card(hl_doctor *d, const hl_present *p)
{
	const hl_card_info *i = &p->info;

	if (p->rc != HL_OK) {
		hl_doctor_refused(d, "card", &p->err);
		return;
	}
	hl_doctor_ok(d, "card", "%s in \"%s\"",
	    i->serial[0] == '\0' ? "one without a serial number" : i->serial,
	    i->reader);
	check_driver(d, i);
	if (i->driver[0] == '\0' || (i->can & HL_CAN_INFO) == 0)
		return;
	check_state(d, i);
	check_counter(d, i);
	check_known(d, p);
}

/* As the broker reads them for a get, but nothing is recorded. */
static void
check_cards(hl_doctor *d, const char *selector)
{
	hl_present *cards = NULL;
	hl_err err = { 0 };
	size_t n = 0;
	hl_rc rc = hl_cli_open_broker(d->cli, &err);

	if (rc == HL_OK)
		rc = hl_broker_present(d->cli->broker, selector, NULL,
		    d->cli->until, &cards, &n, &err);
	for (size_t i = 0; i < n; i++)
		check_card(d, &cards[i]);
	free(cards);
	if (rc != HL_OK)
		hl_doctor_refused(d, "card", &err);
	else if (n == 0)
		hl_doctor_fail(d, "card",
		    "put the card into a reader, chip first; hsmlic card list "
		    "shows what is there",
		    selector == NULL ? "there is none in any reader"
				     : "none that is present answers to \"%s\"",
		    selector);
}

/* ---- readers ------------------------------------------------------------ */

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

void
hl_doctor_cards(hl_doctor *d)
{
	const char *selector = hl_opt(d->cli, "card");
	hl_reader *readers = NULL;
	size_t n = 0;

	if (selector != NULL && hl_text_starts(selector, SIM)) {
		hl_doctor_skip(
		    d, "PC/SC service", "a software card needs none");
		hl_doctor_skip(d, "reader", "a software card needs none");
		check_cards(d, selector);
	} else if (list_readers(d, &readers, &n)) {
		check_cards(d, selector);
	} else {
		hl_doctor_skip(d, "card", "there is no reader");
	}
	free(readers);
}
