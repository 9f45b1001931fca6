/* SPDX-License-Identifier: Apache-2.0 */
/* Which class are units that no request of ours explains? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/variance.h"

static void
the_rules(void **state)
{
	static const struct {
		const char *why;
		hl_gap g; /* above, open, given_up, restored, within */
		hl_variance_class class;
	} rows[] = {
		{ "nobody knows anything",
		    { false, false, false, false, false },
		    HL_VARIANCE_OUTSIDE },
		{ "between intent and outcome",
		    { false, false, false, false, true }, HL_VARIANCE_JUMP },
		{ "the store was restored since",
		    { false, false, false, true, false },
		    HL_VARIANCE_ROLLED_BACK },
		{ "a restored store's open issue was recovered",
		    { false, false, false, true, true },
		    HL_VARIANCE_ROLLED_BACK },
		{ "a request was given up",
		    { false, false, true, false, false },
		    HL_VARIANCE_IN_DOUBT },
		{ "given up, and restored", { false, false, true, true, false },
		    HL_VARIANCE_IN_DOUBT },
		{ "a request is open", { false, true, false, false, false },
		    HL_VARIANCE_IN_DOUBT },
		{ "open in a restored store",
		    { false, true, false, true, false }, HL_VARIANCE_IN_DOUBT },
		{ "a counter that went up",
		    { true, false, false, false, false },
		    HL_VARIANCE_REPLACED },
		{ "above, whatever else", { true, true, true, true, true },
		    HL_VARIANCE_REPLACED },
		{ "above in a restored store",
		    { true, false, false, true, false }, HL_VARIANCE_REPLACED },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		if (hl_gap_class(&rows[i].g) != rows[i].class)
			fail_msg("%s", rows[i].why);
}

static void
a_request_has_one_unit(void **state)
{
	static const struct {
		hl_gap g;
		int64_t units, in_doubt, rest;
		hl_variance_class rest_class;
	} rows[] = {
		{ { .given_up = true }, 1, 1, 0, HL_VARIANCE_OUTSIDE },
		{ { .given_up = true }, 4, 1, 3, HL_VARIANCE_OUTSIDE },
		{ { .given_up = true, .restored = true }, 4, 1, 3,
		    HL_VARIANCE_ROLLED_BACK },
		{ { .given_up = true, .within = true }, 2, 1, 1,
		    HL_VARIANCE_JUMP },
		{ { .given_up = true, .open = true }, 2, 2, 0,
		    HL_VARIANCE_OUTSIDE },
		{ { .open = true }, 3, 3, 0, HL_VARIANCE_OUTSIDE },
		{ { .given_up = true }, 0, 0, 0, HL_VARIANCE_OUTSIDE },
		{ { .above = true, .given_up = true }, -2, 0, -2,
		    HL_VARIANCE_REPLACED },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		int64_t by[HL_VARIANCE_N] = { 0 }, want[HL_VARIANCE_N] = { 0 };

		want[HL_VARIANCE_IN_DOUBT] = rows[i].in_doubt;
		want[rows[i].rest_class] += rows[i].rest;
		hl_gap_split(&rows[i].g, rows[i].units, by);
		if (memcmp(by, want, sizeof(by)) != 0)
			fail_msg("row %zu", i);
	}
}

/* Whatever is known: no unit is dropped or counted twice. */
static void
no_unit_goes_missing(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 32; bits++) {
		for (int64_t units = 0; units < 5; units++) {
			const hl_gap g = { (bits & 1) != 0, (bits & 2) != 0,
				(bits & 4) != 0, (bits & 8) != 0,
				(bits & 16) != 0 };
			int64_t by[HL_VARIANCE_N] = { 0 }, sum = 0;

			hl_gap_split(&g, g.above ? -units : units, by);
			for (int c = 0; c < HL_VARIANCE_N; c++)
				sum += by[c];
			assert_int_equal(sum, g.above ? -units : units);
			assert_int_equal(by[HL_VARIANCE_LOST], 0);
			assert_int_equal(by[HL_VARIANCE_IMPORTED], 0);
		}
	}
}

static void
what_a_license_bought(void **state)
{
	int64_t units[HL_VARIANCE_N] = { 0 };
	static const hl_variance_class order[] = { HL_VARIANCE_ROLLED_BACK,
		HL_VARIANCE_OUTSIDE, HL_VARIANCE_JUMP, HL_VARIANCE_IN_DOUBT };
	hl_variance_class is;

	(void)state;
	assert_false(hl_gap_bought(units, &is));
	units[HL_VARIANCE_LOST] = units[HL_VARIANCE_IMPORTED] = 1;
	units[HL_VARIANCE_REPLACED] = units[HL_VARIANCE_OUTSIDE] = -3;
	assert_false(hl_gap_bought(units, &is));
	for (size_t i = HL_COUNT(order); i > 0; i--) {
		units[order[i - 1]] = 1;
		assert_true(hl_gap_bought(units, &is));
		assert_int_equal(is, order[i - 1]);
	}
}

static void
names(void **state)
{
	hl_variance_class back;

	(void)state;
	for (int c = 0; c < HL_VARIANCE_N; c++) {
		const hl_variance_class class = (hl_variance_class)c;

		assert_true(hl_variance_class_parse(
		    hl_variance_class_name(class), &back));
		assert_int_equal(back, class);
	}
	assert_string_equal(
	    hl_variance_class_name((hl_variance_class)HL_VARIANCE_N), "?");
	assert_false(hl_variance_class_parse("?", &back));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rules),
		cmocka_unit_test(a_request_has_one_unit),
		cmocka_unit_test(no_unit_goes_missing),
		cmocka_unit_test(what_a_license_bought),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
