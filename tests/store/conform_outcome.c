/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "store/conform.h"

/*
 * Each outcome with B = 300: what it must leave behind. `bytes` says whether a
 * license comes with it.
 */
static const struct row {
	const char *why;
	hl_issue_state state;
	bool known;
	uint32_t after; /* C, where known */
	hl_rc rc;
	uint32_t units, left; /* of the issue; on the card afterwards */
	uint64_t outside;
} rows[] = {
	{ "issued", HL_ISSUE_ISSUED, true, 299, HL_OK, 1, 299, 0 },
	{ "issued, counter did not move", HL_ISSUE_ISSUED, true, 300, HL_OK, 0,
	    300, 0 },
	{ "issued, two more left", HL_ISSUE_ISSUED, true, 297, HL_OK, 1, 297,
	    2 },
	{ "issued, counter not read", HL_ISSUE_ISSUED, false, 0, HL_OK, 1, 299,
	    0 },
	{ "issued, counter above", HL_ISSUE_ISSUED, true, 301, HL_ECONFLICT, 0,
	    300, 0 },
	{ "bad", HL_ISSUE_BAD, true, 299, HL_OK, 1, 299, 0 },
	{ "bad, counter did not move", HL_ISSUE_BAD, true, 300, HL_OK, 0, 300,
	    0 },
	{ "not spent", HL_ISSUE_NOT_SPENT, true, 300, HL_OK, 0, 300, 0 },
	{ "not spent, others spent", HL_ISSUE_NOT_SPENT, true, 298, HL_OK, 0,
	    298, 2 },
	{ "not spent, counter above", HL_ISSUE_NOT_SPENT, true, 301,
	    HL_ECONFLICT, 0, 300, 0 },
	{ "lost", HL_ISSUE_LOST, true, 299, HL_OK, 1, 299, 0 },
	{ "lost, counter did not move", HL_ISSUE_LOST, true, 300, HL_ECONFLICT,
	    0, 300, 0 },
	{ "lost or outside", HL_ISSUE_LOST_OR_OUTSIDE, true, 299, HL_OK, 1, 299,
	    0 },
	{ "lost or outside, three more", HL_ISSUE_LOST_OR_OUTSIDE, true, 296,
	    HL_OK, 1, 296, 3 },
	{ "written off, card gone", HL_ISSUE_WRITTEN_OFF, false, 0, HL_OK, 0,
	    300, 0 },
	{ "written off, counter lower", HL_ISSUE_WRITTEN_OFF, true, 299, HL_OK,
	    0, 299, 1 },
	{ "down to the last", HL_ISSUE_LOST, true, 0, HL_OK, 1, 0, 299 },
};

static void
compare_row(fixture *f, const struct row *w, const hl_issue *issue,
    const hl_card_row *card, const hl_license *lic)
{
	const bool bytes =
	    w->state == HL_ISSUE_ISSUED || w->state == HL_ISSUE_BAD;
	hl_figures fig;
	hl_issue i;

	OK(f, hl_store_issue_by_id(f->s, &issue->id, &i, &f->err));
	OK(f, hl_store_figures(f->s, 0, INT64_MAX, &fig, &f->err));
	assert_int_equal(fx_card_now(f, card).last_counter, w->left);
	assert_int_equal(fig.outside, w->outside);
	if (w->rc != HL_OK) {
		assert_memory_equal(&i, issue, sizeof(i));
		assert_int_equal(fig.open, 1);
		return;
	}
	assert_int_equal(i.state, w->state);
	assert_int_equal(i.units, w->units);
	assert_int_equal(i.counter_after, w->left);
	assert_true(i.closed_at > 0);
	assert_string_equal(i.detail, w->why);
	assert_int_equal(fig.open, 0);
	assert_int_equal(fig.issued + fig.bad + fig.lost, w->units);
	if (!bytes)
		return;
	assert_int_equal(lic->state,
	    w->state == HL_ISSUE_ISSUED ? HL_LICENSE_ACTIVE
					: HL_LICENSE_SUSPECT);
	assert_memory_equal(&lic->issue, &issue->id, sizeof(lic->issue));
	assert_int_equal(lic->size, 136);
}

static void
check_row(const struct row *w)
{
	void *state = NULL;
	hl_card_row card;
	hl_outcome o;
	hl_issue issue;
	hl_license lic;
	hl_chip chip;
	fixture *f;

	assert_int_equal(fx_setup(&state), 0);
	f = state;
	chip = fx_chip(f, 1);
	card = fx_card(f, 1, 300);
	issue = fx_open(f, &chip, &card, 300);
	o = fx_outcome(f, &issue, w->state, w->after, 1);
	o.counter_known = w->known;
	hl_text_copy(o.detail, sizeof(o.detail), w->why);
	print_message("    %s\n", w->why);
	EXPECT(f, w->rc, hl_store_intent_close(f->s, &o, &lic, &f->err));
	compare_row(f, w, &issue, &card, &lic);
	fx_check_clean(f);
	assert_int_equal(fx_teardown_audited(&state), 0);
}

static void
arithmetic(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		check_row(&rows[i]);
}

static void
closed_once(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue issue = fx_open(f, &chip, &card, 300);
	const hl_outcome lost = fx_outcome(f, &issue, HL_ISSUE_LOST, 299, 0);
	const hl_outcome late = fx_outcome(f, &issue, HL_ISSUE_ISSUED, 299, 1);
	hl_issue before, after;
	hl_license lic;

	OK(f, hl_store_intent_close(f->s, &lost, NULL, &f->err));
	OK(f, hl_store_issue_by_id(f->s, &issue.id, &before, &f->err));
	EXPECT(f, HL_EEXIST, hl_store_intent_close(f->s, &late, &lic, &f->err));
	OK(f, hl_store_issue_by_id(f->s, &issue.id, &after, &f->err));
	assert_memory_equal(&before, &after, sizeof(before));
	fx_check_clean(f);
}

static void
malformed_outcomes(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue issue = fx_open(f, &chip, &card, 300);
	static const uint8_t big[HL_LICENSE_MAX + 1];
	hl_outcome o = fx_outcome(f, &issue, HL_ISSUE_OPEN, 300, 0);

	EXPECT(f, HL_EINPUT, hl_store_intent_close(f->s, &o, NULL, &f->err));
	o = fx_outcome(f, &issue, HL_ISSUE_ISSUED, 299, 1);
	o.license_n = 0;
	EXPECT(f, HL_EINPUT, hl_store_intent_close(f->s, &o, NULL, &f->err));
	o.license = big;
	o.license_n = sizeof(big);
	EXPECT(f, HL_EINPUT, hl_store_intent_close(f->s, &o, NULL, &f->err));
	o.license_n = HL_LICENSE_MAX;
	o.issue = fx_uuid();
	EXPECT(f, HL_ENOTFOUND, hl_store_intent_close(f->s, &o, NULL, &f->err));
	o.issue = issue.id;
	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	fx_check_clean(f);
}

/* Given up, then the card is back and had counted: seen as spent outside. */
static void
written_off_then_seen(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue issue = fx_open(f, &chip, &card, 300);
	hl_outcome o = fx_outcome(f, &issue, HL_ISSUE_WRITTEN_OFF, 0, 0);
	uint32_t outside = 0;

	o.counter_known = false;
	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	OK(f,
	    hl_store_card_seen(f->s, &card.id, 299, card.state, card.reader,
		&f->actor, &outside, &f->err));
	assert_int_equal(outside, 1);
	fx_check_clean(f);
}

/* The answer came, the counter did not; the next reading goes on from there. */
static void
unread_counter_is_worked_out(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1), other = fx_chip(f, 2);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue issue = fx_open(f, &chip, &card, 300);
	hl_outcome o = fx_outcome(f, &issue, HL_ISSUE_ISSUED, 0, 1);
	hl_issue second;

	o.counter_known = false;
	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	second = fx_open(f, &other, &card, 299);
	o = fx_outcome(f, &second, HL_ISSUE_ISSUED, 298, 2);
	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	fx_check_clean(f);
}

/* One card through every outcome: the sum holds at each step. */
static void
long_history(void **state)
{
	static const struct {
		hl_issue_state state;
		uint32_t outside, down;
	} steps[] = {
		{ HL_ISSUE_ISSUED, 0, 1 },
		{ HL_ISSUE_NOT_SPENT, 2, 0 },
		{ HL_ISSUE_LOST, 0, 1 },
		{ HL_ISSUE_BAD, 1, 1 },
		{ HL_ISSUE_LOST_OR_OUTSIDE, 0, 3 },
		{ HL_ISSUE_NOT_SPENT, 0, 2 },
		{ HL_ISSUE_WRITTEN_OFF, 0, 0 },
		{ HL_ISSUE_ISSUED, 5, 1 },
	};
	fixture *f = *state;
	const hl_card_row card = fx_card(f, 1, 300);
	uint32_t c = 300;
	hl_figures fig;

	for (unsigned i = 0; i < HL_COUNT(steps); i++) {
		const hl_chip chip = fx_chip(f, i);
		hl_outcome o;
		hl_issue one;

		c -= steps[i].outside;
		one = fx_open(f, &chip, &card, c);
		c -= steps[i].down;
		o = fx_outcome(f, &one, steps[i].state, c, i);
		OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
		fx_check_clean(f);
	}
	OK(f, hl_store_figures(f->s, 0, INT64_MAX, &fig, &f->err));
	assert_int_equal(fig.issued, 2);
	assert_int_equal(fig.lost, 2);
	assert_int_equal(fig.bad, 1);
	assert_int_equal(fig.outside, 12);
	assert_int_equal(fig.issued + fig.lost + fig.bad + fig.outside,
	    300 - fx_card_now(f, &card).last_counter);
}

static void
losses_are_counted(void **state)
{
	static const hl_issue_state states[] = { HL_ISSUE_LOST,
		HL_ISSUE_NOT_SPENT, HL_ISSUE_LOST_OR_OUTSIDE, HL_ISSUE_BAD,
		HL_ISSUE_WRITTEN_OFF };
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1), other = fx_chip(f, 2);
	const hl_card_row card = fx_card(f, 1, 300);
	uint32_t c = 300, n = 99;

	for (unsigned i = 0; i < HL_COUNT(states); i++) {
		const hl_issue one = fx_open(f, &chip, &card, c);
		const bool spent = states[i] != HL_ISSUE_NOT_SPENT &&
		    states[i] != HL_ISSUE_WRITTEN_OFF;
		const hl_outcome o =
		    fx_outcome(f, &one, states[i], spent ? --c : c, i);

		OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	}
	OK(f,
	    hl_store_issue_losses(f->s, &chip.id, &card.firmware, &n, &f->err));
	assert_int_equal(n, 3);
	OK(f,
	    hl_store_issue_losses(
		f->s, &other.id, &card.firmware, &n, &f->err));
	assert_int_equal(n, 0);
}

/* ---- rescue ------------------------------------------------------------- */

static hl_issue
lose_one(fixture *f, const hl_chip *chip, const hl_card_row *card,
    hl_issue_state state)
{
	const hl_issue one = fx_open(f, chip, card, 300);
	const hl_outcome o = fx_outcome(
	    f, &one, state, state == HL_ISSUE_NOT_SPENT ? 300 : 299, 5);

	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	return one;
}

static void
rescued(void **state)
{
	static const hl_issue_state states[] = { HL_ISSUE_LOST,
		HL_ISSUE_LOST_OR_OUTSIDE };
	fixture *f = *state;
	hl_figures fig;
	size_t len;
	const uint8_t *bytes = fx_license_bytes(9, &len);

	for (unsigned i = 0; i < HL_COUNT(states); i++) {
		const hl_chip chip = fx_chip(f, i);
		const hl_card_row card = fx_card(f, i, 300);
		const hl_issue one = lose_one(f, &chip, &card, states[i]);
		hl_license lic;
		hl_issue now;

		OK(f,
		    hl_store_issue_rescue(
			f->s, &one.id, bytes, len, &f->actor, &f->err));
		OK(f, hl_store_issue_by_id(f->s, &one.id, &now, &f->err));
		assert_int_equal(now.state, HL_ISSUE_ISSUED);
		assert_true(now.recovered);
		assert_int_equal(now.units, 1);
		OK(f,
		    hl_store_license_find(
			f->s, &chip.id, &card.firmware, &lic, &f->err));
		assert_memory_equal(&lic.issue, &one.id, sizeof(one.id));
		EXPECT(f, HL_EEXIST,
		    hl_store_issue_rescue(
			f->s, &one.id, bytes, len, &f->actor, &f->err));
		EXPECT(f, HL_ECONFLICT,
		    hl_store_issue_rescue(
			f->s, &one.id, bytes, len - 1, &f->actor, &f->err));
	}
	OK(f, hl_store_figures(f->s, 0, INT64_MAX, &fig, &f->err));
	assert_int_equal(fig.issued, 2);
	assert_int_equal(fig.lost, 0);
	fx_check_clean(f);
}

static void
rescue_refused(void **state)
{
	static const hl_issue_state states[] = { HL_ISSUE_NOT_SPENT,
		HL_ISSUE_WRITTEN_OFF, HL_ISSUE_BAD };
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 90);
	const hl_card_row card = fx_card(f, 90, 300);
	size_t len;
	const uint8_t *bytes = fx_license_bytes(9, &len);
	const hl_uuid none = fx_uuid();
	hl_issue open;
	hl_uuid id;

	for (unsigned i = 0; i < HL_COUNT(states); i++) {
		const hl_chip c = fx_chip(f, i);
		const hl_card_row k = fx_card(f, i, 300);
		const hl_issue one = lose_one(f, &c, &k, states[i]);

		bytes = fx_license_bytes(9, &len);
		EXPECT(f, HL_ECONFLICT,
		    hl_store_issue_rescue(
			f->s, &one.id, bytes, len, &f->actor, &f->err));
	}
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_issue_rescue(f->s, &none, bytes, len, &f->actor, &f->err));
	EXPECT(f, HL_EINPUT,
	    hl_store_issue_rescue(f->s, &none, bytes, 0, &f->actor, &f->err));
	open = lose_one(f, &chip, &card, HL_ISSUE_LOST);
	OK(f,
	    hl_store_license_import(f->s, &chip.id, &card.firmware, bytes, 7,
		&f->actor, &id, &f->err));
	EXPECT(f, HL_ECONFLICT,
	    hl_store_issue_rescue(
		f->s, &open.id, bytes, len, &f->actor, &f->err));
	OK(f,
	    hl_store_license_retire(
		f->s, &id, "not this chip's", &f->actor, &f->err));
	OK(f,
	    hl_store_issue_rescue(
		f->s, &open.id, bytes, len, &f->actor, &f->err));
	fx_check_clean(f);
}

static void
rescue_waits_for_an_outcome(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue open = fx_open(f, &chip, &card, 300);
	size_t len;
	const uint8_t *bytes = fx_license_bytes(9, &len);

	EXPECT(f, HL_ECONFLICT,
	    hl_store_issue_rescue(
		f->s, &open.id, bytes, len, &f->actor, &f->err));
}

/* Imported while the card was working: what the card gave is kept as well. */
static void
second_license_is_kept(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue one = fx_open(f, &chip, &card, 300);
	const hl_outcome o = fx_outcome(f, &one, HL_ISSUE_ISSUED, 299, 1);
	static const uint8_t other[] = { 1, 2, 3 };
	uint8_t bytes[HL_LICENSE_MAX];
	hl_license lic, active;
	hl_uuid id;
	size_t n;

	OK(f,
	    hl_store_license_import(f->s, &chip.id, &card.firmware, other,
		sizeof(other), &f->actor, &id, &f->err));
	OK(f, hl_store_intent_close(f->s, &o, &lic, &f->err));
	assert_int_equal(lic.state, HL_LICENSE_RETIRED);
	assert_string_not_equal(lic.reason, "");
	OK(f, hl_store_license_bytes(f->s, &lic.id, bytes, &n, &f->err));
	assert_int_equal(n, o.license_n);
	assert_memory_equal(bytes, o.license, n);
	OK(f,
	    hl_store_license_find(
		f->s, &chip.id, &card.firmware, &active, &f->err));
	assert_memory_equal(&active.id, &id, sizeof(id));
	fx_check_clean(f);
}

int
conform_outcomes(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic),
		TEST(closed_once),
		TEST(malformed_outcomes),
		TEST(written_off_then_seen),
		TEST(unread_counter_is_worked_out),
		TEST(long_history),
		TEST(losses_are_counted),
		TEST(rescued),
		TEST(rescue_refused),
		TEST(rescue_waits_for_an_outcome),
		TEST(second_license_is_kept),
	};

	return cmocka_run_group_tests_name("outcomes", tests, NULL, NULL);
}
