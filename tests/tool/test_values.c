/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/output.h"

#include "crypto/hexvec.h"
#include "tool/samples.h"
#include "tool/variants.h"
#include "util/err.h"
#include "util/text.h"

static bool
words_are(const char *text, size_t n, uint32_t address, const uint32_t *want,
    size_t count)
{
	vec v = vec_copy(text, n);
	uint32_t words[8];
	bool ok = hl_tool_words(v.p, v.n, address, words, count) &&
	    memcmp(words, want, count * sizeof(*want)) == 0;

	vec_free(&v);
	return ok;
}

static void
words_in_all_forms(void **state)
{
	static const struct {
		const char *text;
		uint32_t address, words[6];
		size_t count;
	} rows[] = {
		{ sample_r32_g474, 0x48000000,
		    { 0xabfd77ff, 0, 0x0c000000, 0x64000000, 0xc1a0, 0x1a0 },
		    6 },
		{ sample_r32_g474, 0x48000000, { 0xabfd77ff }, 1 },
		{ sample_r32_g474, 0x48000010, { 0xc1a0, 0x1a0 }, 2 },
		{ sample_r32_dfu, 0x20030030, { 0x00050300 }, 1 },
		{ sample_r32_ansi, 0x48000000, { 0x6abffbcf }, 1 },
		{ sample_mdw, 0x1fff7590,
		    { 0x0014008f, 0x32325014, 0x20383543 }, 3 },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		for (int v = 0; v < VARIANT_COUNT; v++) {
			hl_buf text = HL_BUF_INIT;

			variant_write(rows[i].text, (variant)v, &text);
			CHECK(
			    words_are((const char *)text.p, text.n,
				rows[i].address, rows[i].words, rows[i].count),
			    variant_name[v]);
			hl_buf_free(&text);
		}
	}
}

static void
words_that_are_not_all_there(void **state)
{
	static const struct {
		const char *why, *text;
		uint32_t address;
		size_t count;
	} rows[] = {
		{ "more than there are", sample_r32_g474, 0x48000000, 7 },
		{ "begins within a line", sample_r32_g474, 0x48000004, 1 },
		{ "another address", sample_r32_g474, 0x48000020, 1 },
		{ "a gap", sample_r32_ansi, 0x48000000, 2 },
		{ "none wanted", sample_r32_g474, 0x48000000, 0 },
		{ "7 digits", "0x10 : 0000000\n", 0x10, 1 },
		{ "9 digits", "0x10 : 000000000\n", 0x10, 1 },
		{ "no 0x", "10 : 00000000\n", 0x10, 1 },
		{ "no ':'", "0x10 00000000\n", 0x10, 1 },
		{ "joined", "0x10 : 00000000,00000001\n", 0x10, 1 },
		{ "not hex", "0x10 : 0000000G\n", 0x10, 1 },
		{ "address too long", "0x000000010 : 00000000\n", 0x10, 1 },
		{ "beyond the end", "0xFFFFFFFC : 00000000\n0x0 : 00000000\n",
		    0xfffffffc, 2 },
		{ "in a sentence", "at 0x10 : 00000000\n", 0x10, 1 },
		{ "nothing", "", 0, 1 },
	};
	uint32_t words[8];

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		CHECK(!hl_tool_words(rows[i].text, strlen(rows[i].text),
			  rows[i].address, words, rows[i].count),
		    rows[i].why);
	}
}

/* ST AN5054 and forum outputs do not show all of -ob displ; RDP in this form is
 * made up after its "NAME : value". */
typedef struct seen {
	char all[4096]; /* the lines, each with a '|' */
	size_t stop_after;
} seen;

static bool
see(void *arg, const char *line)
{
	seen *s = arg;

	assert_true(strlen(line) < HL_TOOL_LINE_MAX);
	assert_true(hl_text_valid(line, strlen(line)));
	strncat(s->all, line, sizeof(s->all) - strlen(s->all) - 1);
	strncat(s->all, "|", sizeof(s->all) - strlen(s->all) - 1);
	return --s->stop_after > 0;
}

static void
lines(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *want;
	} rows[] = {
#define TEXT(s) s, sizeof(s) - 1
		{ TEXT(""), "" },
		{ TEXT("a"), "a|" },
		{ TEXT("a\nb\n"), "a|b|" },
		{ TEXT("a\r\nb\r\n"), "a|b|" },
		{ TEXT("a\rb\r\n"), "a|b|" },
		{ TEXT("\n\n"), "||" },
		{ TEXT("  a b  \t\n"), "  a b|" },
		{ TEXT("a\tb"), "a b|" },
		{ TEXT("a\0b"), "a?b|" },
		{ TEXT("a\x01\x7f"
		       "b\xff\xc2\x9b"),
		    "a??b???|" },
		{ TEXT("\xc3\xa4"), "\xc3\xa4|" },
		{ TEXT("\x1b[39;49m\x1b[0mReading"), "Reading|" },
		{ TEXT("1\x1b[0m2"), "12|" },
		{ TEXT("1\x1b[3C2"), "1 2|" },
		{ TEXT("a\x1b[2Kb\x1b[1Jc"), "abc|" },
		{ TEXT("a\x1b]0;title\x07"
		       "b"),
		    "ab|" },
		{ TEXT("a\x1b]0;title\x1b\\b"), "ab|" },
		{ TEXT("a\x1b]0;title\nb"), "a|b|" },
		{ TEXT("a\x1b(Bb\x1b"
		       "c"),
		    "ab|" },
		{ TEXT("a\x1b"), "a|" },
		{ TEXT("a\x1b["), "a|" },
		{ TEXT("a\x1b[1;\nb"), "a|b|" },
		{ TEXT("17:13:15 : a : b"), "a : b|" },
		{ TEXT("17:13:15:a"), "a|" },
		{ TEXT("\x1b[32m 17:13:15  :  a"), "a|" },
		{ TEXT("17:13:15 : "), "|" },
		{ TEXT("17:13:15 a"), "17:13:15 a|" },
		{ TEXT("17:13:1 : a"), "17:13:1 : a|" },
		{ TEXT("2024-11-10 15:49:30,796 - root - DEBUG - a - b"),
		    "a - b|" },
		{ TEXT("2024-11-10 15:49:30,796 - root - DEBUG -"),
		    "2024-11-10 15:49:30,796 - root - DEBUG -|" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		vec v = vec_copy(rows[i].text, rows[i].n);
		seen s = { "", SIZE_MAX };

		hl_tool_lines(v.p, v.n, see, &s);
		CHECK(strcmp(s.all, rows[i].want) == 0, rows[i].text);
		vec_free(&v);
	}
}

static void
lines_stop_and_are_cut(void **state)
{
	char text[3000];
	seen s = { "", 2 };

	(void)state;
	hl_tool_lines("a\nb\nc", 5, see, &s);
	assert_string_equal(s.all, "a|b|");

	/* without a blank the line is as long as can be */
	memset(text, 'x', sizeof(text));
	text[2999] = '\n';
	s = (seen){ "", SIZE_MAX };
	hl_tool_lines(text, sizeof(text), see, &s);
	assert_int_equal(strlen(s.all), HL_TOOL_LINE_MAX);

	/* a number is not cut in two: HSM COUNTER : 12|34 */
	memset(text, ' ', sizeof(text));
	memcpy(text + HL_TOOL_LINE_MAX - 3, "1234", 4);
	memcpy(text, "HSM COUNTER :", 13);
	s = (seen){ "", SIZE_MAX };
	hl_tool_lines(text, sizeof(text), see, &s);
	assert_string_equal(s.all, "HSM COUNTER :|");
	hl_tool_lines(NULL, 0, see, &s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_in_all_forms),
		cmocka_unit_test(words_that_are_not_all_there),
		cmocka_unit_test(lines),
		cmocka_unit_test(lines_stop_and_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
