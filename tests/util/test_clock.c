/* SPDX-License-Identifier: Apache-2.0 */
#include "util/clock.h"

#include <limits.h>

#include "util/rows.h"

static const struct {
	const char *why, *text;
	int64_t ms;
} times[] = {
	{ "the epoch", "1970-01-01T00:00:00.000Z", 0 },
	{ "one millisecond before it", "1969-12-31T23:59:59.999Z", -1 },
	{ "a day of this project", "2026-11-23T06:00:00.123Z",
	    INT64_C(1795413600123) },
	{ "leap day", "2024-02-29T12:34:56.789Z", INT64_C(1709210096789) },
	{ "leap day of a century", "2000-02-29T00:00:00.000Z",
	    INT64_C(951782400000) },
	{ "after 32 bits of seconds", "2038-01-19T03:14:08.000Z",
	    INT64_C(2147483648000) },
	{ "the first that has a text", "0000-01-01T00:00:00.000Z",
	    INT64_C(-62167219200000) },
	{ "the last that has a text", "9999-12-31T23:59:59.999Z",
	    INT64_C(253402300799999) },
};

static void
times_read_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(times); i++) {
		char *out = malloc(HL_TIME_TEXT);
		int64_t ms = 77;

		assert_non_null(out);
		hl_time_text(times[i].ms, out);
		CHECK(strcmp(out, times[i].text) == 0, times[i].why);
		CHECK(hl_time_parse(out, &ms), times[i].why);
		CHECK(ms == times[i].ms, times[i].why);
		free(out);
	}
}

static void
times_beyond_four_digits_of_year_stay_at_the_edge(void **state)
{
	char out[HL_TIME_TEXT];

	(void)state;
	hl_time_text(INT64_MAX, out);
	assert_string_equal(out, "9999-12-31T23:59:59.999Z");
	hl_time_text(INT64_MIN, out);
	assert_string_equal(out, "0000-01-01T00:00:00.000Z");
}

static const char *const refused[] = {
	"",
	"2026-11-23",
	"2026-11-23T06:00:00Z",	      /* no milliseconds */
	"2026-11-23T06:00:00.12Z",    /* too few */
	"2026-11-23T06:00:00.1234Z",  /* too many */
	"2026-11-23T06:00:00.123",    /* no zone */
	"2026-11-23T06:00:00.123z",   /* lower case */
	"2026-11-23t06:00:00.123Z",   /* lower case */
	"2026-11-23 06:00:00.123Z",   /* blank */
	"2026-11-23T06:00:00,123Z",   /* comma */
	"2026-11-23T06:00:00.1+01",   /* offset */
	"2026-11-23T06:00:00.123Z\n", /* line break */
	"2026-11-23T24:00:00.000Z",   /* hour 24 */
	"2026-11-23T06:60:00.000Z",   /* minute 60 */
	"2026-12-31T23:59:60.000Z",   /* leap second: has no number */
	"2026-02-29T00:00:00.000Z",   /* no leap year */
	"1900-02-29T00:00:00.000Z",   /* nor is this */
	"2026-04-31T00:00:00.000Z",
	"2026-00-10T00:00:00.000Z",
	"2026-13-10T00:00:00.000Z",
	"2026-01-00T00:00:00.000Z",
	"-026-01-01T00:00:00.000Z",
	"2026-11-2 T06:00:00.000Z",
	"2026-11-23T+6:00:00.000Z",
	"2026-11-23T06:00:00.-01Z",
	"                        ",
};

static void
other_spellings_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(refused); i++) {
		char *s =
		    (char *)exact_copy(refused[i], strlen(refused[i]) + 1);
		int64_t ms = 77;

		CHECK(!hl_time_parse(s, &ms), refused[i]);
		CHECK(ms == 77, refused[i]);
		free(s);
	}
}

static void
deadlines_know_what_is_left(void **state)
{
	(void)state;
	assert_int_equal(hl_deadline_left(hl_deadline_in(0)), 0);
	assert_int_equal(hl_deadline_left(hl_mono_ms() - 1), 0);
	assert_int_equal(hl_deadline_left(INT64_MIN), 0);
	assert_int_equal(hl_deadline_left(INT64_MAX), INT_MAX);
	assert_int_equal(hl_deadline_left(hl_deadline_in(UINT32_MAX)), INT_MAX);
	assert_in_range(hl_deadline_left(hl_deadline_in(3600000)), 1, 3600000);
}

static void
sleeping_takes_at_least_its_time(void **state)
{
	const int64_t before = hl_mono_ms();

	(void)state;
	hl_sleep_ms(0);
	hl_sleep_ms(12);
	/* the two readings are cut to whole milliseconds */
	assert_true(hl_mono_ms() - before >= 11);
}

static void
now_is_after_this_was_written(void **state)
{
	(void)state;
	assert_true(hl_now_ms() > INT64_C(1700000000000));
	assert_true(hl_mono_ms() >= 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_read_back),
		cmocka_unit_test(
		    times_beyond_four_digits_of_year_stay_at_the_edge),
		cmocka_unit_test(other_spellings_are_refused),
		cmocka_unit_test(deadlines_know_what_is_left),
		cmocka_unit_test(sleeping_takes_at_least_its_time),
		cmocka_unit_test(now_is_after_this_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
