/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "store/conform.h"

static void
card_by_each_name(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 300);
	hl_firmware fw;
	hl_card_row by;

	OK(f, hl_store_card_by_serial(f->s, c.serial, &by, &f->err));
	assert_memory_equal(&by, &c, sizeof(by));
	OK(f, hl_store_card_by_label(f->s, "card 1", &by, &f->err));
	assert_memory_equal(&by, &c, sizeof(by));
	assert_string_equal(by.firmware_name, "firmware 1");
	assert_int_equal(by.first_counter, 300);
	assert_int_equal(by.last_counter, 300);
	assert_int_equal(by.atr_n, 2);
	assert_true(by.replay);
	assert_true(by.added_at > 0 && by.seen_at == by.added_at);
	assert_int_equal(by.retired_at, 0);
	OK(f, hl_store_firmware_by_name(f->s, "firmware 1", &fw, &f->err));
	assert_memory_equal(&fw.id, &c.firmware, sizeof(fw.id));
	OK(f, hl_store_firmware_by_id(f->s, &c.firmware, &fw, &f->err));
	assert_string_equal(fw.identifier, "BLINKY");
	assert_string_equal(fw.type, "SFI");
	assert_true(fw.added_at > 0);
	fx_check_clean(f);
}

static void
unknown_is_not_found(void **state)
{
	fixture *f = *state;
	const hl_uuid id = fx_uuid();
	uint32_t outside = 7;
	hl_firmware fw;
	hl_card_row c;

	EXPECT(f, HL_ENOTFOUND, hl_store_card_by_serial(f->s, "", &c, &f->err));
	EXPECT(f, HL_ENOTFOUND, hl_store_card_by_label(f->s, "", &c, &f->err));
	EXPECT(f, HL_ENOTFOUND, hl_store_card_by_id(f->s, &id, &c, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_firmware_by_name(f->s, "x", &fw, &f->err));
	EXPECT(
	    f, HL_ENOTFOUND, hl_store_firmware_by_id(f->s, &id, &fw, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_card_seen(
		f->s, &id, 1, "", "", &f->actor, &outside, &f->err));
	assert_int_equal(outside, 7);
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_card_label(f->s, &id, "x", &f->actor, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_card_retire(f->s, &id, &f->actor, &f->err));
}

static void
firmware_rules(void **state)
{
	fixture *f = *state;
	hl_firmware fw;

	memset(&fw, 0, sizeof(fw));
	fw.id = fx_uuid();
	EXPECT(
	    f, HL_EINPUT, hl_store_firmware_add(f->s, &fw, &f->actor, &f->err));
	strcpy(fw.name, "main");
	strcpy(fw.product_id, "4970100g");
	EXPECT(
	    f, HL_EINPUT, hl_store_firmware_add(f->s, &fw, &f->actor, &f->err));
	strcpy(fw.product_id, "4970100A");
	OK(f, hl_store_firmware_add(f->s, &fw, &f->actor, &f->err));
	fw.id = fx_uuid();
	EXPECT(f, HL_ECONFLICT,
	    hl_store_firmware_add(f->s, &fw, &f->actor, &f->err));
	strcpy(fw.name, "other");
	OK(f, hl_store_firmware_add(f->s, &fw, &f->actor, &f->err));
}

/* A card and its new firmware come in one commit or not at all. */
static void
add_conflicts(void **state)
{
	fixture *f = *state;
	const hl_card_row known = fx_card(f, 1, 300);
	hl_firmware fw, by;
	hl_card_row c = known;

	memset(&fw, 0, sizeof(fw));
	fw.id = fx_uuid();
	strcpy(fw.name, "firmware 2");
	c.id = fx_uuid();
	c.firmware = fw.id;
	EXPECT(f, HL_ECONFLICT,
	    hl_store_card_add(f->s, &c, &fw, &f->actor, &f->err));
	strcpy(c.serial, "another");
	EXPECT(f, HL_ECONFLICT,
	    hl_store_card_add(f->s, &c, &fw, &f->actor, &f->err));
	strcpy(c.label, "another");
	strcpy(fw.name, "firmware 1");
	EXPECT(f, HL_ECONFLICT,
	    hl_store_card_add(f->s, &c, &fw, &f->actor, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_card_add(f->s, &c, NULL, &f->actor, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_firmware_by_name(f->s, "firmware 2", &by, &f->err));
	strcpy(fw.name, "firmware 2");
	c.firmware = known.firmware;
	EXPECT(
	    f, HL_EINPUT, hl_store_card_add(f->s, &c, &fw, &f->actor, &f->err));
	c.firmware = fw.id;
	OK(f, hl_store_card_add(f->s, &c, &fw, &f->actor, &f->err));
	fx_check_clean(f);
}

static void
weak_cards_have_no_names(void **state)
{
	fixture *f = *state;
	const hl_card_row known = fx_card(f, 1, 300);

	for (int i = 0; i < 2; i++) {
		hl_card_row c = known;

		c.id = fx_uuid();
		c.serial[0] = '\0';
		c.label[0] = '\0';
		c.capacity = 0;
		c.atr_n = 0;
		OK(f, hl_store_card_add(f->s, &c, NULL, &f->actor, &f->err));
		c = fx_card_now(f, &c);
		assert_string_equal(c.serial, "");
		assert_string_equal(c.label, "");
		assert_int_equal(c.atr_n, 0);
	}
	fx_check_clean(f);
}

static void
labels_and_retiring(void **state)
{
	fixture *f = *state;
	const hl_card_row a = fx_card(f, 1, 300), b = fx_card(f, 2, 300);
	hl_card_row now;

	EXPECT(f, HL_ECONFLICT,
	    hl_store_card_label(f->s, &b.id, "card 1", &f->actor, &f->err));
	OK(f, hl_store_card_label(f->s, &a.id, "", &f->actor, &f->err));
	OK(f, hl_store_card_label(f->s, &b.id, "card 1", &f->actor, &f->err));
	OK(f, hl_store_card_label(f->s, &b.id, "card 1", &f->actor, &f->err));
	OK(f, hl_store_card_by_label(f->s, "card 1", &now, &f->err));
	assert_memory_equal(&now.id, &b.id, sizeof(now.id));
	OK(f, hl_store_card_retire(f->s, &b.id, &f->actor, &f->err));
	now = fx_card_now(f, &b);
	assert_true(now.retired_at > 0);
	EXPECT(f, HL_ECONFLICT,
	    hl_store_card_retire(f->s, &b.id, &f->actor, &f->err));
	fx_check_clean(f);
}

static void
retiring_waits_for_the_open_issue(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 300);
	const hl_chip chip = fx_chip(f, 1);

	fx_open(f, &chip, &c, 300);
	EXPECT(
	    f, HL_EBUSY, hl_store_card_retire(f->s, &c.id, &f->actor, &f->err));
}

static uint32_t
see(fixture *f, const hl_card_row *c, uint32_t counter, const char *card_state,
    const char *reader)
{
	uint32_t outside = 99;

	OK(f,
	    hl_store_card_seen(f->s, &c->id, counter, card_state, reader,
		&f->actor, &outside, &f->err));
	return outside;
}

static void
seen_counts_what_left(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 300);
	uint32_t outside = 99;
	hl_figures fig;
	hl_card_row now;

	assert_int_equal(see(f, &c, 300, c.state, c.reader), 0);
	now = fx_card_now(f, &c);
	assert_memory_equal(&now, &c, sizeof(now)); /* nothing written */
	assert_int_equal(see(f, &c, 300, c.state, "reader B"), 0);
	assert_int_equal(see(f, &c, 297, "TERMINATED_STATE", "reader B"), 3);
	now = fx_card_now(f, &c);
	assert_int_equal(now.last_counter, 297);
	assert_int_equal(now.first_counter, 300);
	assert_string_equal(now.reader, "reader B");
	assert_string_equal(now.state, "TERMINATED_STATE");
	EXPECT(f, HL_ECONFLICT,
	    hl_store_card_seen(f->s, &c.id, 298, "other", "reader C", &f->actor,
		&outside, &f->err));
	assert_int_equal(outside, 99);
	assert_int_equal(see(f, &c, 0, "TERMINATED_STATE", "reader B"), 297);
	now = fx_card_now(f, &c);
	assert_string_equal(now.reader, "reader B");
	OK(f, hl_store_figures(f->s, 0, INT64_MAX, &fig, &f->err));
	assert_int_equal(fig.outside, 300);
	fx_check_clean(f);
}

static void
seen_waits_for_the_open_issue(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 300);
	const hl_chip chip = fx_chip(f, 1);
	uint32_t outside = 99;

	fx_open(f, &chip, &c, 300);
	EXPECT(f, HL_EBUSY,
	    hl_store_card_seen(f->s, &c.id, 299, c.state, c.reader, &f->actor,
		&outside, &f->err));
	assert_int_equal(fx_card_now(f, &c).last_counter, 300);
}

static bool
count_card(void *arg, const hl_card_row *c)
{
	unsigned *n = arg;
	char label[32];

	snprintf(label, sizeof(label), "card %u", ++*n);
	assert_string_equal(c->label, label);
	return true;
}

static bool
count_firmware(void *arg, const hl_firmware *fw)
{
	unsigned *n = arg;
	char name[32];

	snprintf(name, sizeof(name), "firmware %u", ++*n);
	assert_string_equal(fw->name, name);
	return true;
}

static void
lists_in_order(void **state)
{
	fixture *f = *state;
	unsigned n = 0;

	for (unsigned i = 1; i <= 70; i++)
		fx_card(f, i, i);
	OK(f, hl_store_card_list(f->s, count_card, &n, &f->err));
	assert_int_equal(n, 70);
	n = 0;
	OK(f, hl_store_firmware_list(f->s, count_firmware, &n, &f->err));
	assert_int_equal(n, 70);
}

int
conform_cards(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(card_by_each_name),
		TEST(unknown_is_not_found),
		TEST(firmware_rules),
		TEST(add_conflicts),
		TEST(weak_cards_have_no_names),
		TEST(labels_and_retiring),
		TEST(retiring_waits_for_the_open_issue),
		TEST(seen_counts_what_left),
		TEST(seen_waits_for_the_open_issue),
		TEST(lists_in_order),
	};

	return cmocka_run_group_tests_name("cards", tests, NULL, NULL);
}
