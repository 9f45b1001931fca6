/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/verdict.h"
#include "util/err.h"

static void
the_table(void **state)
{
	static const struct {
		const char *why;
		hl_evidence e;
		hl_verdict verdict;
	} rows[] = {
		{ "the counter did not move", { 10, 10, false, false, true },
		    HL_VERDICT_NOT_SPENT },
		{ "replay changes nothing about that",
		    { 10, 10, false, true, true }, HL_VERDICT_NOT_SPENT },
		{ "a card that did not count, but the license is there",
		    { 10, 10, true, false, true }, HL_VERDICT_SPOOLED },
		{ "one gone, the card replays", { 10, 9, false, true, false },
		    HL_VERDICT_ASK_AGAIN },
		{ "the spool is nearer than the card",
		    { 10, 9, true, true, false }, HL_VERDICT_SPOOLED },
		{ "one gone, held all the time", { 10, 9, false, false, true },
		    HL_VERDICT_LOST },
		{ "one gone, others may have had the card",
		    { 10, 9, false, false, false },
		    HL_VERDICT_LOST_OR_OUTSIDE },
		{ "two gone: the last license need not be ours",
		    { 10, 8, false, true, false }, HL_VERDICT_LOST_OR_OUTSIDE },
		{ "two gone, held all the time", { 10, 8, false, false, true },
		    HL_VERDICT_LOST_OR_OUTSIDE },
		{ "two gone, the license is there",
		    { 10, 8, true, true, false }, HL_VERDICT_SPOOLED },
		{ "above, whatever else", { 10, 11, false, true, true },
		    HL_VERDICT_ABOVE },
		{ "above, even with a license", { 10, 11, true, true, true },
		    HL_VERDICT_ABOVE },
		{ "the last unit", { 1, 0, false, true, false },
		    HL_VERDICT_ASK_AGAIN },
		{ "the whole range", { UINT32_MAX, 0, false, true, false },
		    HL_VERDICT_LOST_OR_OUTSIDE },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		if (hl_judge(&rows[i].e) != rows[i].verdict)
			fail_msg("%s", rows[i].why);
}

/* Whatever the evidence: no verdict asks a card again that may have issued
 * something else since, and none forgets a license that is there. */
static void
every_small_case(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 8; bits++) {
		for (uint32_t before = 0; before < 5; before++) {
			for (uint32_t now = 0; now < 6; now++) {
				const hl_evidence e = { before, now,
					(bits & 1) != 0, (bits & 2) != 0,
					(bits & 4) != 0 };
				const hl_verdict v = hl_judge(&e);

				assert_true(
				    (v == HL_VERDICT_ABOVE) == (now > before));
				if (now <= before)
					assert_true((v == HL_VERDICT_SPOOLED) ==
					    e.spooled);
				if (v == HL_VERDICT_ASK_AGAIN)
					assert_true(
					    e.replay && before - now == 1);
				if (v == HL_VERDICT_NOT_SPENT)
					assert_int_equal(before, now);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table),
		cmocka_unit_test(every_small_case),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
