/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "store/conform.h"

static hl_rc
try_open(fixture *f, const hl_issue *in, hl_intent_result *r)
{
	memset(r, 0x5a, sizeof(*r));
	return hl_store_intent_open(
	    f->s, in, "OPERATIONAL_STATE", "reader A", r, &f->err);
}

static void
none_recorded(fixture *f, const hl_issue *in)
{
	hl_issue i;

	EXPECT(
	    f, HL_ENOTFOUND, hl_store_issue_by_id(f->s, &in->id, &i, &f->err));
}

static void
opened(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue in = fx_issue(&chip, &card, 300);
	hl_intent_result r;
	hl_issue i, on;

	OK(f, try_open(f, &in, &r));
	assert_int_equal(r.verdict, HL_INTENT_OPENED);
	assert_int_equal(r.outside, 0);
	assert_int_equal(r.attempt, 1);
	OK(f, hl_store_issue_by_id(f->s, &in.id, &i, &f->err));
	assert_memory_equal(&i.chip, &chip.id, sizeof(i.chip));
	assert_memory_equal(&i.firmware, &card.firmware, sizeof(i.firmware));
	assert_memory_equal(&i.card, &card.id, sizeof(i.card));
	assert_memory_equal(&i.owner, &in.owner, sizeof(i.owner));
	assert_memory_equal(&i.actor, &in.actor, sizeof(i.actor));
	assert_int_equal(i.counter_before, 300);
	assert_int_equal(i.attempt, 1);
	assert_int_equal(i.state, HL_ISSUE_OPEN);
	assert_true(i.opened_at > 0);
	assert_int_equal(i.closed_at, 0);
	OK(f, hl_store_issue_open_on_card(f->s, &card.id, &on, &f->err));
	assert_memory_equal(&on, &i, sizeof(on));
	fx_check_clean(f);
}

static void
opened_after_units_left_outside(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue in = fx_issue(&chip, &card, 296);
	hl_intent_result r;

	OK(f, try_open(f, &in, &r));
	assert_int_equal(r.verdict, HL_INTENT_OPENED);
	assert_int_equal(r.outside, 4);
	assert_int_equal(fx_card_now(f, &card).last_counter, 296);
	fx_check_clean(f);
}

static void
counter_above(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue in = fx_issue(&chip, &card, 301);
	hl_intent_result r;

	OK(f, try_open(f, &in, &r));
	assert_int_equal(r.verdict, HL_INTENT_COUNTER_ABOVE);
	assert_int_equal(r.expected, 300);
	none_recorded(f, &in);
}

static void
busy_card_and_busy_chip(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1), other = fx_chip(f, 2);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_card_row twin = fx_card_of(f, &card.firmware, 2, 50);
	const hl_card_row apart = fx_card(f, 3, 10);
	const hl_issue first = fx_open(f, &chip, &card, 300);
	const hl_issue same_card = fx_issue(&other, &card, 300);
	const hl_issue same_chip = fx_issue(&chip, &twin, 49);
	const hl_issue neither = fx_issue(&other, &twin, 50);
	const hl_issue other_firmware = fx_issue(&chip, &apart, 10);
	hl_intent_result r;

	OK(f, try_open(f, &same_card, &r));
	assert_int_equal(r.verdict, HL_INTENT_BUSY);
	assert_memory_equal(&r.other, &first, sizeof(first));
	none_recorded(f, &same_card);
	OK(f, try_open(f, &same_chip, &r));
	assert_int_equal(r.verdict, HL_INTENT_BUSY);
	assert_memory_equal(&r.other, &first, sizeof(first));
	none_recorded(f, &same_chip);
	/* the reading of 49 was not recorded either */
	assert_int_equal(fx_card_now(f, &twin).last_counter, 50);
	OK(f, try_open(f, &neither, &r));
	assert_int_equal(r.verdict, HL_INTENT_OPENED);
	OK(f, try_open(f, &other_firmware, &r));
	assert_int_equal(r.verdict, HL_INTENT_OPENED);
	fx_check_clean(f);
}

static void
licensed(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue first = fx_open(f, &chip, &card, 300);
	const hl_outcome o = fx_outcome(f, &first, HL_ISSUE_ISSUED, 299, 1);
	const hl_issue again = fx_issue(&chip, &card, 299);
	hl_intent_result r;
	hl_license lic;

	OK(f, hl_store_intent_close(f->s, &o, &lic, &f->err));
	OK(f, try_open(f, &again, &r));
	assert_int_equal(r.verdict, HL_INTENT_LICENSED);
	assert_memory_equal(&r.license, &lic, sizeof(lic));
	none_recorded(f, &again);
	fx_check_clean(f);
}

/* A license goes before an open issue, and before the counter. */
static void
licensed_even_when_busy(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1), other = fx_chip(f, 2);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue in = fx_issue(&chip, &card, 999);
	hl_intent_result r;
	size_t len;
	const uint8_t *bytes = fx_license_bytes(1, &len);
	hl_uuid id;

	fx_open(f, &other, &card, 300);
	OK(f,
	    hl_store_license_import(f->s, &chip.id, &card.firmware, bytes, len,
		&f->actor, &id, &f->err));
	OK(f, try_open(f, &in, &r));
	assert_int_equal(r.verdict, HL_INTENT_LICENSED);
	assert_memory_equal(&r.license.id, &id, sizeof(id));
}

static void
attempts_count_up(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	uint32_t n = 99;

	for (uint32_t i = 1; i <= 3; i++) {
		const hl_issue one = fx_open(f, &chip, &card, 300);
		const hl_outcome o =
		    fx_outcome(f, &one, HL_ISSUE_NOT_SPENT, 300, 0);

		assert_int_equal(one.attempt, i);
		OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	}
	OK(f,
	    hl_store_issue_losses(f->s, &chip.id, &card.firmware, &n, &f->err));
	assert_int_equal(n, 0);
	fx_check_clean(f);
}

static void
what_is_not_known_is_refused(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300), other = fx_card(f, 2, 5);
	hl_issue in = fx_issue(&chip, &card, 300);
	hl_intent_result r;

	in.chip = fx_uuid();
	EXPECT(f, HL_ENOTFOUND, try_open(f, &in, &r));
	in = fx_issue(&chip, &card, 300);
	in.card = fx_uuid();
	EXPECT(f, HL_ENOTFOUND, try_open(f, &in, &r));
	in = fx_issue(&chip, &card, 300);
	in.firmware = other.firmware; /* not the one on this card */
	EXPECT(f, HL_ECONFLICT, try_open(f, &in, &r));
	none_recorded(f, &in);
}

static void
id_is_used_once(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1), other = fx_chip(f, 2);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue first = fx_open(f, &chip, &card, 300);
	const hl_outcome o = fx_outcome(f, &first, HL_ISSUE_NOT_SPENT, 300, 0);
	hl_issue in = fx_issue(&other, &card, 300);
	hl_intent_result r;

	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	in.id = first.id;
	EXPECT(f, HL_EEXIST, try_open(f, &in, &r));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_issue_open_on_card(f->s, &card.id, &in, &f->err));
}

static void
retired_card_spends_nothing(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue in = fx_issue(&chip, &card, 300);
	hl_intent_result r;

	OK(f, hl_store_card_retire(f->s, &card.id, &f->actor, &f->err));
	EXPECT(f, HL_ECONFLICT, try_open(f, &in, &r));
	none_recorded(f, &in);
}

static bool
next_attempt(void *arg, const hl_issue *i)
{
	uint32_t *n = arg;

	assert_int_equal(i->attempt, ++*n);
	return true;
}

static bool
next_open(void *arg, const hl_issue *i)
{
	unsigned *n = arg;

	assert_int_equal(i->state, HL_ISSUE_OPEN);
	assert_int_equal(i->counter_before, ++*n);
	return true;
}

static void
lists(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 200, 300);
	unsigned open = 0;
	uint32_t n = 0;

	for (unsigned i = 0; i < 70; i++) {
		const hl_issue one = fx_open(f, &chip, &card, 300);
		const hl_outcome o =
		    fx_outcome(f, &one, HL_ISSUE_NOT_SPENT, 300, 0);

		OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	}
	OK(f,
	    hl_store_issue_list_chip(
		f->s, &chip.id, next_attempt, &n, &f->err));
	assert_int_equal(n, 70);
	OK(f, hl_store_issue_list_open(f->s, next_open, &open, &f->err));
	assert_int_equal(open, 0);
	for (unsigned i = 1; i <= 66; i++) {
		const hl_chip other = fx_chip(f, i + 10);
		const hl_card_row one = fx_card(f, i, i);

		fx_open(f, &other, &one, i);
	}
	OK(f, hl_store_issue_list_open(f->s, next_open, &open, &f->err));
	assert_int_equal(open, 66);
}

int
conform_intents(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(opened),
		TEST(opened_after_units_left_outside),
		TEST(counter_above),
		TEST(busy_card_and_busy_chip),
		TEST(licensed),
		TEST(licensed_even_when_busy),
		TEST(attempts_count_up),
		TEST(what_is_not_known_is_refused),
		TEST(id_is_used_once),
		TEST(retired_card_spends_nothing),
		TEST(lists),
	};

	return cmocka_run_group_tests_name("intents", tests, NULL, NULL);
}
