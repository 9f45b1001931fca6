/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of a request to a card that its vendor's program asks. */
#include "card/request_files.h"

#include "util/file.h"
#include "util/scratch.h"

static const hl_uuid id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    16 } };
#define BASE "01020304-0506-0708-090a-0b0c0d0e0f10.tool"

/* A file of the request; n is not that of a string where it is 0. */
static void
put(const scratch *s, const char *end, const void *p, size_t n)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" BASE "%s", s->dir, end);
	assert_int_equal(hl_file_write(path, p, n, 0600, NULL), HL_OK);
}

static bool
has(const scratch *s, const char *end)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" BASE "%s", s->dir, end);
	return access(path, F_OK) == 0;
}

static void
wipe(const scratch *s)
{
	static const char *const ends[] = { ".license", ".log", ".end" };
	char path[PATH_MAX];

	for (size_t i = 0; i < HL_COUNT(ends); i++) {
		snprintf(path, sizeof(path), "%s/" BASE "%s", s->dir, ends[i]);
		(void)unlink(path);
	}
}

static void
its_files_are_named_after_it(void **state)
{
	const scratch *s = *state;
	char want[PATH_MAX], dir[PATH_MAX];
	hl_request_files f;

	assert_int_equal(hl_request_files_name(&f, s->dir, &id, NULL), HL_OK);
	snprintf(want, sizeof(want), "%s/" BASE, s->dir);
	assert_string_equal(f.base, want);
	snprintf(want, sizeof(want), "%s/" BASE ".license", s->dir);
	assert_string_equal(f.license, want);
	memset(dir, 'd', sizeof(dir) - 20);
	dir[sizeof(dir) - 20] = '\0';
	assert_int_not_equal(hl_request_files_name(&f, dir, &id, NULL), HL_OK);
}

#define OUT_MAX HL_ISSUE_MAX

static const struct {
	const char *why;
	const char *end; /* NULL: no such file */
	const char *log; /* NULL: no such file */
	size_t license;	 /* bytes; 0: no such file */
	hl_rc rc;
	bool good;
} rows[] = {
	{ "all went well", "exit 0\n", "Succeed to get License\n", 136, HL_OK,
	    true },
	{ "nothing was printed", "exit 0\n", NULL, 136, HL_OK, true },
	{ "as long as can be", "exit 0\n", "", OUT_MAX, HL_OK, true },
	{ "longer: it is none", "exit 0\n", "", OUT_MAX + 1, HL_ENOTFOUND,
	    false },
	{ "one byte", "exit 0\n", "", 1, HL_OK, true },
	{ "no license", "exit 0\n", "Succeed to get License\n", 0, HL_ENOTFOUND,
	    false },
	{ "a failing status", "exit 1\n", "", 136, HL_OK, false },
	{ "an error in spite of its status", "exit 0\n",
	    "Error: something\nSucceed to get License\n", 136, HL_OK, false },
	{ "a signal", "signal 9\n", "", 136, HL_OK, false },
	{ "late", "late\n", "", 136, HL_OK, false },
	{ "nobody knows how it ended", NULL, "Succeed to get License\n", 136,
	    HL_OK, false },
	{ "its end cannot be understood", "exit 0 ", "", 136, HL_OK, false },
	{ "an end that is empty", "", "", 136, HL_OK, false },
	{ "nothing at all", NULL, NULL, 0, HL_ENOTFOUND, false },
};

static void
what_is_left_is_judged(void **state)
{
	const scratch *s = *state;
	uint8_t bytes[OUT_MAX + 1];
	hl_card_answer a;
	bool good;
	hl_rc rc;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const char *why = rows[i].why;

		wipe(s);
		if (rows[i].end != NULL)
			put(s, ".end", rows[i].end, strlen(rows[i].end));
		if (rows[i].log != NULL)
			put(s, ".log", rows[i].log, strlen(rows[i].log));
		if (rows[i].license > 0)
			put(s, ".license", bytes, rows[i].license);
		good = !rows[i].good;
		rc = hl_card_left_behind(s->dir, &id, &a, &good, NULL);
		CHECK(rc == rows[i].rc, why);
		CHECK(good == rows[i].good, why);
		CHECK(a.n == (rc == HL_OK ? rows[i].license : 0), why);
		CHECK(memcmp(a.license, bytes, a.n) == 0, why);
		/* Looking changes nothing. */
		CHECK(has(s, ".license") == (rows[i].license > 0), why);
		CHECK(has(s, ".end") == (rows[i].end != NULL), why);
	}
}

static void
an_empty_license_is_none(void **state)
{
	const scratch *s = *state;
	hl_card_answer a;
	bool good;

	put(s, ".license", "", 0);
	put(s, ".end", "exit 0\n", 7);
	assert_int_equal(
	    hl_card_left_behind(s->dir, &id, &a, &good, NULL), HL_ENOTFOUND);
	assert_false(good);
}

static void
another_requests_files_are_not_touched(void **state)
{
	const scratch *s = *state;
	hl_uuid other = id;
	hl_card_answer a;
	bool good;

	other.b[15]++;
	put(s, ".license", "license", 7);
	put(s, ".end", "exit 0\n", 7);
	assert_int_equal(
	    hl_card_left_behind(s->dir, &other, &a, &good, NULL), HL_ENOTFOUND);
	hl_card_forget(s->dir, &other, true, (const uint8_t *)"license", 7);
	assert_true(has(s, ".license"));
}

static void
what_is_forgotten(void **state)
{
	static const char *const ends[] = { ".cert", ".check", ".log", ".end" };
	static const struct {
		const char *why, *license, *safe;
		bool goes;
	} rest[] = {
		{ "it is kept elsewhere", "license", "license", true },
		{ "nothing is kept elsewhere", "license", "", false },
		{ "another one is", "license", "licensE", false },
		{ "one that is shorter", "license", "licens", false },
		{ "there is nothing in it", "", "", true },
	};
	const scratch *s = *state;
	char path[PATH_MAX];
	hl_buf text = HL_BUF_INIT;

	for (size_t i = 0; i < 2 * HL_COUNT(rest); i++) {
		const char *license = rest[i / 2].license;
		const char *safe = rest[i / 2].safe;
		const bool log = i % 2 == 0;

		for (size_t k = 0; k < HL_COUNT(ends); k++)
			put(s, ends[k], "x", 1);
		put(s, ".license", license, strlen(license));
		hl_card_forget(
		    s->dir, &id, log, (const uint8_t *)safe, strlen(safe));
		CHECK(has(s, ".license") != rest[i / 2].goes, rest[i / 2].why);
		for (size_t k = 0; k < HL_COUNT(ends); k++)
			CHECK(has(s, ends[k]) ==
				(!log && strcmp(ends[k], ".log") == 0),
			    ends[k]);
	}
	assert_int_equal(
	    hl_card_printed(s->dir, &id, path, sizeof(path), &text, NULL),
	    HL_OK);
	assert_string_equal(hl_buf_str(&text), "x");
	assert_non_null(strstr(path, BASE ".log"));
	hl_buf_reset(&text);
	hl_card_forget(s->dir, &id, true, NULL, 0);
	assert_int_equal(
	    hl_card_printed(s->dir, &id, path, sizeof(path), &text, NULL),
	    HL_ENOTFOUND);
	hl_buf_free(&text);
}

/* Not judged as "no license", since it may be one. */
static void
a_license_that_cannot_be_read(void **state)
{
	const scratch *s = *state;
	char path[PATH_MAX];
	hl_card_answer a;
	hl_err err = { 0 };
	bool good = true;

	snprintf(path, sizeof(path), "%s/" BASE ".license", s->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	put(s, ".end", "exit 0\n", 7);
	assert_int_equal(
	    hl_card_left_behind(s->dir, &id, &a, &good, &err), HL_EACCESS);
	assert_false(good);
	assert_non_null(strstr(err.why, "may be the license"));
	hl_card_forget(s->dir, &id, true, NULL, 0);
	assert_true(has(s, ".license"));
}

/* The judgement of a process that lives, which saw the end itself. */
static void
an_end_that_was_seen(void **state)
{
	static const struct {
		const char *why;
		hl_ended end;
		bool failure, good;
	} ends[] = {
		{ "well", { .exited = true }, false, true },
		{ "a status", { .exited = true, .status = 1 }, false, false },
		{ "a line that says so", { .exited = true }, true, false },
		{ "a signal", { .signal = 15 }, false, false },
		{ "late", { .signal = 15, .late = true }, false, false },
		{ "late, with 0", { .exited = true, .late = true }, false,
		    false },
	};
	const scratch *s = *state;
	hl_request_files f;
	hl_card_answer a;
	bool good;

	assert_int_equal(hl_request_files_name(&f, s->dir, &id, NULL), HL_OK);
	put(s, ".license", "license", 7);
	for (size_t i = 0; i < HL_COUNT(ends); i++) {
		hl_tool_report r = { .failure = ends[i].failure };

		a = (hl_card_answer){ .n = 0 };
		CHECK(hl_request_files_take(
			  &f, &ends[i].end, &r, &a, &good, NULL) == HL_OK,
		    ends[i].why);
		CHECK(good == ends[i].good, ends[i].why);
		CHECK(a.n == 7 && memcmp(a.license, "license", 7) == 0,
		    ends[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(its_files_are_named_after_it),
		SCRATCH_TEST(what_is_left_is_judged),
		SCRATCH_TEST(an_empty_license_is_none),
		SCRATCH_TEST(another_requests_files_are_not_touched),
		SCRATCH_TEST(what_is_forgotten),
		SCRATCH_TEST(a_license_that_cannot_be_read),
		SCRATCH_TEST(an_end_that_was_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
