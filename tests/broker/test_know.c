/* SPDX-License-Identifier: Apache-2.0 */
/* Which known card is a card that tells no serial number? */
#include <stdio.h>
#include <stdlib.h>

#include "broker/internal.h"
#include "store/fixture.h"
#include "store/raw.h"
#include "util/clock.h"

#define CHECK(cond, why)                                                       \
	do {                                                                   \
		if (!(cond))                                                   \
			fail_msg("%s (%s)", why, #cond);                       \
	} while (0)

static const uint8_t atr[] = { 0x3B, 0x81, 0x01, 0xAA, 0xBB };

/* The readers "R0" to "R3": those of this mask hold a card with that ATR. */
static unsigned present;

hl_rc __wrap_hl_reader_list(
    hl_reader **out, size_t *n, hl_deadline until, hl_err *err);

hl_rc
__wrap_hl_reader_list(
    hl_reader **out, size_t *n, hl_deadline until, hl_err *err)
{
	hl_reader *r = calloc(4, sizeof(*r));

	(void)until;
	(void)err;
	assert_non_null(r);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(r[i].name, sizeof(r[i].name), "R%u", i);
		r[i].present = (present >> i & 1) != 0;
		memcpy(r[i].atr, atr, sizeof(atr));
		r[i].atr_n = sizeof(atr);
	}
	*out = r;
	*n = 4;
	return HL_OK;
}

static hl_broker *
broker_of(fixture *f)
{
	const hl_broker_options opt = { .station = "here" };
	hl_broker *b;

	OK(f, hl_broker_new(&b, f->s, &opt, &f->err));
	return b;
}

static hl_firmware
firmware(const char *name, const char *identifier)
{
	hl_firmware fw;

	memset(&fw, 0, sizeof(fw));
	fw.id = fx_uuid();
	snprintf(fw.name, sizeof(fw.name), "%s", name);
	snprintf(fw.identifier, sizeof(fw.identifier), "%s", identifier);
	strcpy(fw.type, "SFI");
	return fw;
}

/* One of the known cards of a row below. */
typedef struct known {
	const char *label;    /* NULL: there are no more */
	const char *firmware; /* its name, before '/' its identifier */
	const char *reader;
	uint32_t counter;
	enum { USED, RETIRED, OPEN, STRONG } how;
} known;

static void
add(fixture *f, const known *k)
{
	hl_card_row c;
	hl_firmware fw;
	char identifier[32];
	bool made = false;

	memset(&c, 0, sizeof(c));
	c.id = fx_uuid();
	strcpy(c.label, k->label);
	strcpy(c.reader, k->reader);
	strcpy(c.driver, "stm32hsm");
	strcpy(c.state, "OPERATIONAL_STATE");
	if (k->how == STRONG)
		strcpy(c.serial, "0102030405060708");
	memcpy(c.atr, atr, sizeof(atr));
	c.atr_n = sizeof(atr);
	c.first_counter = c.last_counter = k->counter;
	snprintf(identifier, sizeof(identifier), "%.*s",
	    (int)strcspn(k->firmware, "/"), k->firmware);
	if (hl_store_firmware_by_name(f->s, k->firmware, &fw, NULL) != HL_OK) {
		fw = firmware(k->firmware, identifier);
		made = true;
	}
	c.firmware = fw.id;
	OK(f,
	    hl_store_card_add(f->s, &c, made ? &fw : NULL, &f->actor, &f->err));
	if (k->how == RETIRED)
		OK(f, hl_store_card_retire(f->s, &c.id, &f->actor, &f->err));
	if (k->how == OPEN) {
		const hl_chip chip = fx_chip(f, 1);
		const hl_issue i = fx_issue(&chip, &c, k->counter);
		hl_intent_result r;

		OK(f,
		    hl_store_intent_open(
			f->s, &i, c.state, k->reader, &r, &f->err));
	}
}

/* A card in R0, with the identifier FW. */
static hl_card_info
read_card(uint32_t counter)
{
	hl_card_info i = { .can = HL_BY_TOOL | HL_CAN_INFO | HL_CAN_ISSUE,
		.has_counter = true };

	i.counter = counter;
	strcpy(i.driver, "stm32hsm");
	strcpy(i.reader, "R0");
	strcpy(i.firmware_id, "FW");
	memcpy(i.atr, atr, sizeof(atr));
	i.atr_n = sizeof(atr);
	return i;
}

static const struct row {
	const char *why;
	known cards[4];
	const char *selector;
	uint32_t counter;
	unsigned present; /* readers besides R0 with such a card */
	hl_rc rc;
	const char *want; /* its label; or a part of the refusal */
} rows[] = {
	{ "none is known", { { 0 } }, NULL, 20, 0, HL_ENOTFOUND, NULL },
	{ "as recorded", { { "A", "FW", "R0", 20, USED } }, NULL, 20, 0, HL_OK,
	    "A" },
	{ "fewer: spent outside", { { "A", "FW", "R0", 20, USED } }, NULL, 3, 0,
	    HL_OK, "A" },
	{ "more: another one", { { "A", "FW", "R0", 20, USED } }, NULL, 21, 0,
	    HL_ENOTFOUND, NULL },
	{ "another identifier", { { "A", "FX", "R0", 20, USED } }, NULL, 20, 0,
	    HL_ENOTFOUND, NULL },
	{ "one with a serial number", { { "A", "FW", "R0", 20, STRONG } }, NULL,
	    20, 0, HL_ENOTFOUND, NULL },
	{ "by its counter",
	    { { "A", "FW", "R0", 20, USED }, { "B", "FW", "R0", 15, USED } },
	    NULL, 15, 0, HL_OK, "B" },
	{ "by its counter, before one that had more",
	    { { "A", "FW", "R0", 15, USED }, { "B", "FW", "R0", 20, USED } },
	    NULL, 15, 0, HL_OK, "A" },
	{ "only one had more",
	    { { "A", "FW", "R0", 15, USED }, { "B", "FW", "R0", 20, USED } },
	    NULL, 18, 0, HL_OK, "B" },
	{ "both had more",
	    { { "A", "FW", "R0", 15, USED }, { "B", "FW", "R0", 20, USED } },
	    NULL, 14, 0, HL_ECONFLICT, "\"A\" or \"B\"" },
	{ "both had more, and it is said",
	    { { "A", "FW", "R0", 15, USED }, { "B", "FW", "R0", 20, USED } },
	    "B", 14, 0, HL_OK, "B" },
	{ "the same counter",
	    { { "A", "FW", "R0", 20, USED }, { "B", "FW", "R0", 20, USED } },
	    NULL, 20, 0, HL_ECONFLICT, "\"A\" or \"B\"" },
	{ "of three",
	    { { "A", "FW", "R0", 20, USED }, { "B", "FW", "R0", 20, USED },
		{ "C", "FW", "R0", 20, USED } },
	    NULL, 20, 0, HL_ECONFLICT, "\"A\" or \"B\" or 1 more" },
	{ "the same counter, and a place",
	    { { "A", "FW", "R0", 20, USED }, { "B", "FW", "R0", 20, USED } },
	    "reader:R", 20, 0, HL_ECONFLICT, "\"A\" or \"B\"" },
	{ "the same counter, and a slot",
	    { { "A", "FW", "R0", 20, USED }, { "B", "FW", "R0", 20, USED } },
	    "slot:1", 20, 0, HL_ECONFLICT, "\"A\" or \"B\"" },
	{ "the same counter, and it is said",
	    { { "A", "FW", "R0", 20, USED }, { "B", "FW", "R0", 20, USED } },
	    "B", 20, 0, HL_OK, "B" },
	{ "the same counter, and neither is meant",
	    { { "A", "FW", "R0", 20, USED }, { "B", "FW", "R0", 20, USED } },
	    "C", 20, 0, HL_ENOTFOUND, NULL },
	{ "told by its reader",
	    { { "A", "FW", "R1", 20, USED }, { "B", "FW", "R0", 20, USED } },
	    NULL, 20, 2, HL_OK, "B" },
	{ "told by its reader, but the label says otherwise",
	    { { "A", "FW", "R1", 20, USED }, { "B", "FW", "R0", 20, USED } },
	    "A", 20, 2, HL_OK, "A" },
	{ "not told by its reader: two keys",
	    { { "A", "FW/1", "R1", 20, USED },
		{ "B", "FW/2", "R0", 20, USED } },
	    NULL, 20, 2, HL_ECONFLICT, "\"A\" or \"B\"" },
	{ "not told by its reader: a retired one could be it",
	    { { "A", "FW", "R1", 20, RETIRED }, { "B", "FW", "R0", 20, USED } },
	    NULL, 20, 2, HL_ECONFLICT, "\"A\" or \"B\"" },
	{ "not told by its reader: neither was there",
	    { { "A", "FW", "R1", 20, USED }, { "B", "FW", "R2", 20, USED } },
	    NULL, 20, 0, HL_ECONFLICT, "\"A\" or \"B\"" },
	{ "from another reader", { { "A", "FW", "R1", 20, USED } }, NULL, 20, 0,
	    HL_OK, "A" },
	{ "a card is in that reader still", { { "A", "FW", "R1", 20, USED } },
	    NULL, 20, 2, HL_ECONFLICT, "such a card is in \"R1\", too" },
	{ "so it is with fewer", { { "A", "FW", "R1", 20, USED } }, NULL, 7, 2,
	    HL_ECONFLICT, "such a card is in \"R1\", too" },
	{ "a card is in that reader, but it is said",
	    { { "A", "FW", "R1", 20, USED } }, "A", 20, 2, HL_OK, "A" },
	{ "a card is in that reader, and another is meant",
	    { { "A", "FW", "R1", 20, USED } }, "B", 20, 2, HL_ENOTFOUND, NULL },
	{ "another known card is in that reader by now",
	    { { "A", "FW", "R1", 20, USED }, { "B", "FW", "R1", 12, USED } },
	    NULL, 20, 2, HL_OK, "A" },
	{ "a label against more units", { { "A", "FW", "R0", 20, USED } }, "A",
	    21, 0, HL_ECONFLICT, "a counter never goes up" },
	{ "a label against the counter of another",
	    { { "A", "FW", "R0", 20, USED }, { "B", "FW", "R0", 15, USED } },
	    "A", 15, 0, HL_ECONFLICT, "it is \"B\", not \"A\" (20 expected)" },
	{ "a label of another identifier does not make it that card",
	    { { "A", "FX", "R0", 20, USED }, { "B", "FW", "R0", 20, USED } },
	    "A", 20, 0, HL_OK, "B" },
	{ "a retired one is known", { { "A", "FW", "R0", 20, RETIRED } }, NULL,
	    20, 0, HL_OK, "A" },
	{ "a retired one with fewer is not",
	    { { "A", "FW", "R0", 20, RETIRED } }, NULL, 19, 0, HL_ENOTFOUND,
	    NULL },
	{ "a request is open, and it did not count",
	    { { "A", "FW", "R0", 20, OPEN } }, NULL, 20, 0, HL_OK, "A" },
	{ "a request is open, and it counted",
	    { { "B", "FW", "R0", 30, USED }, { "A", "FW", "R0", 20, OPEN } },
	    NULL, 19, 0, HL_OK, "A" },
	{ "a request is open, and another one has one fewer",
	    { { "B", "FW", "R0", 19, USED }, { "A", "FW", "R0", 20, OPEN } },
	    NULL, 19, 0, HL_ECONFLICT, "\"B\" or \"A\"" },
	{ "a request is open: its label agrees with both counters",
	    { { "B", "FW", "R0", 19, USED }, { "A", "FW", "R0", 20, OPEN } },
	    "A", 19, 0, HL_OK, "A" },
};

static void
judge(const struct row *row)
{
	const hl_card_info info = read_card(row->counter);
	void *state = NULL;
	hl_card_row out;
	hl_broker *b;
	fixture *f;
	hl_rc rc;

	assert_int_equal(fx_setup(&state), 0);
	f = state;
	present = row->present | 1;
	for (size_t i = 0; i < 4 && row->cards[i].label != NULL; i++) {
		add(f, &row->cards[i]);
		hl_sleep_ms(2); /* seen one after the other */
	}
	b = broker_of(f);
	rc = hl_broker_know(b, &info, row->selector, &out, &f->err);
	if (rc != row->rc)
		fail_msg("%s: %d", row->why, (int)rc);
	if (rc == HL_OK)
		CHECK(strcmp(out.label, row->want) == 0, row->why);
	else if (row->want != NULL)
		CHECK(strstr(f->err.why, row->want) != NULL, f->err.why);
	hl_broker_free(&b);
	assert_int_equal(fx_teardown(&state), 0);
}

static void
cards_without_a_serial_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		judge(&rows[i]);
}

/* What is left to say of the card when it is not sure which one it is. */
static void
the_firmware_of_all_that_fit(void **state)
{
	static const known set[] = { { "A", "FW/1", "R1", 20, USED },
		{ "B", "FW/1", "R2", 20, RETIRED },
		{ "C", "FW/2", "R3", 20, USED } };
	static const hl_uuid none;
	const hl_card_info i = read_card(20);
	fixture *f = *state;
	hl_broker *b = broker_of(f);
	hl_firmware fw;
	hl_card_row out;

	present = 1;
	add(f, &set[0]);
	add(f, &set[1]);
	EXPECT(f, HL_ECONFLICT, hl_broker_know(b, &i, NULL, &out, &f->err));
	OK(f, hl_store_firmware_by_id(f->s, &out.firmware, &fw, &f->err));
	assert_string_equal(fw.name, "FW/1");
	/* Not when another one was meant, */
	EXPECT(f, HL_ENOTFOUND, hl_broker_know(b, &i, "X", &out, &f->err));
	assert_true(hl_uuid_equal(&out.firmware, &none));
	/* nor when it may be of either key. */
	add(f, &set[2]);
	EXPECT(f, HL_ECONFLICT, hl_broker_know(b, &i, NULL, &out, &f->err));
	assert_true(hl_uuid_equal(&out.firmware, &none));
	hl_broker_free(&b);
}

static void
an_atr_or_a_driver_of_another_kind(void **state)
{
	fixture *f = *state;
	const known a = { "A", "FW", "R0", 20, USED };
	hl_card_info i = read_card(20);
	hl_broker *b = broker_of(f);
	hl_card_row out;

	present = 1;
	add(f, &a);
	OK(f, hl_broker_know(b, &i, NULL, &out, &f->err));
	i.atr[i.atr_n - 1] ^= 1;
	EXPECT(f, HL_ENOTFOUND, hl_broker_know(b, &i, NULL, &out, &f->err));
	i = read_card(20);
	i.atr_n--;
	EXPECT(f, HL_ENOTFOUND, hl_broker_know(b, &i, "A", &out, &f->err));
	i = read_card(20);
	strcpy(i.driver, "olc");
	EXPECT(f, HL_ENOTFOUND, hl_broker_know(b, &i, NULL, &out, &f->err));
	i = read_card(20);
	i.can &= ~HL_BY_TOOL;
	EXPECT(f, HL_ENOTFOUND, hl_broker_know(b, &i, "A", &out, &f->err));
	hl_broker_free(&b);
}

static void
without_a_counter_only_a_label_tells(void **state)
{
	fixture *f = *state;
	const known a = { "A", "FW", "R0", 20, USED };
	const known x = { "X", "FX", "R0", 20, USED };
	hl_card_info i = read_card(20);
	hl_broker *b = broker_of(f);
	hl_card_row out;

	add(f, &a);
	add(f, &x);
	i.has_counter = false;
	EXPECT(f, HL_ENOTFOUND, hl_broker_know(b, &i, NULL, &out, &f->err));
	EXPECT(f, HL_ENOTFOUND, hl_broker_know(b, &i, "X", &out, &f->err));
	EXPECT(f, HL_ENOTFOUND, hl_broker_know(b, &i, "B", &out, &f->err));
	OK(f, hl_broker_know(b, &i, "A", &out, &f->err));
	assert_string_equal(out.label, "A");
	hl_broker_free(&b);
}

static void
a_new_card_gets_a_label_that_is_free(void **state)
{
	fixture *f = *state;
	hl_broker *b = broker_of(f);
	const hl_card_choice same = { .firmware = "FW", .another = true };
	const hl_card_choice first = { .label = NULL };
	hl_card_info i = read_card(20);
	hl_card_row out;

	present = 1;
	OK(f, hl_broker_card_add(b, &i, &first, &f->actor, &out, &f->err));
	assert_string_equal(out.label, "FW");
	assert_string_equal(out.firmware_name, "FW");
	EXPECT(f, HL_EEXIST,
	    hl_broker_card_add(b, &i, &first, &f->actor, &out, &f->err));
	OK(f, hl_broker_card_add(b, &i, &same, &f->actor, &out, &f->err));
	assert_string_equal(out.label, "FW-2");
	OK(f, hl_broker_card_add(b, &i, &same, &f->actor, &out, &f->err));
	assert_string_equal(out.label, "FW-3");
	i.counter = 25;
	EXPECT(f, HL_ECONFLICT,
	    hl_broker_card_add(b, &i, &first, &f->actor, &out, &f->err));
	assert_non_null(strstr(f->err.hint, "--firmware FW if the same"));
	i.has_counter = false;
	EXPECT(f, HL_ENOLICENSE,
	    hl_broker_card_add(b, &i, &same, &f->actor, &out, &f->err));
	hl_broker_free(&b);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cards_without_a_serial_number),
		T(the_firmware_of_all_that_fit),
		T(an_atr_or_a_driver_of_another_kind),
		T(without_a_counter_only_a_label_tells),
		T(a_new_card_gets_a_label_that_is_free),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
