/* SPDX-License-Identifier: Apache-2.0 */
#include "util/text.h"

#include <strings.h>

#include "util/hex.h"
#include "util/rows.h"
#include "util/uuid.h"

static const struct {
	const char *why, *hex;
	bool ok;
} utf8[] = {
	{ "nothing", "", true },
	{ "ASCII", "5374617469", true },
	{ "first and last printable ASCII", "207e", true },
	{ "NUL inside", "610062", false },
	{ "escape, which drives terminals", "1b5b", false },
	{ "tab", "09", false },
	{ "line break", "0a", false },
	{ "DEL", "7f", false },
	{ "C1: U+0080", "c280", false },
	{ "C1: CSI, U+009B", "c29b", false },
	{ "C1: U+009F", "c29f", false },
	{ "first after C1, U+00A0", "c2a0", true },
	{ "last of two bytes, U+07FF", "dfbf", true },
	{ "two bytes, cut off", "c3", false },
	{ "continuation without a start", "80", false },
	{ "ASCII in two bytes: c0", "c0af", false },
	{ "ASCII in two bytes: c1", "c1bf", false },
	{ "first of three bytes, U+0800", "e0a080", true },
	{ "three bytes for U+07FF", "e09fbf", false },
	{ "slash in three bytes", "e080af", false },
	{ "three bytes, cut off", "e282", false },
	{ "second continuation is none", "e28228", false },
	{ "last before the surrogates", "ed9fbf", true },
	{ "first surrogate", "eda080", false },
	{ "last surrogate", "edbfbf", false },
	{ "first after the surrogates", "ee8080", true },
	{ "U+FFFF is a valid code point", "efbfbf", true },
	{ "first of four bytes, U+10000", "f0908080", true },
	{ "four bytes for U+FFFF", "f08fbfbf", false },
	{ "four bytes, cut off", "f09f98", false },
	{ "last of all, U+10FFFF", "f48fbfbf", true },
	{ "U+110000", "f4908080", false },
	{ "f5", "f5808080", false },
	{ "five bytes", "f888808080", false },
	{ "fe", "fe", false },
	{ "ff", "ff", false },
	{ "good, then broken", "616263e2", false },
};

static void
utf8_is_checked_to_the_letter(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(utf8); i++) {
		size_t n;
		uint8_t *p = exact_hex(utf8[i].hex, &n);

		CHECK(hl_text_valid((const char *)p, n) == utf8[i].ok,
		    utf8[i].why);
		free(p);
	}
}

/* Every code point, spelled by an encoder of the test's own. */
static void
every_code_point_reads_back(void **state)
{
	(void)state;
	for (uint32_t cp = 1; cp <= 0x10ffff; cp++) {
		const bool surrogate = cp >= 0xd800 && cp <= 0xdfff;
		uint32_t got = 0;
		size_t n = 0;
		char s[4];

		if (cp < 0x80) {
			s[n++] = (char)cp;
		} else if (cp < 0x800) {
			s[n++] = (char)(0xc0 | cp >> 6);
		} else if (cp < 0x10000) {
			s[n++] = (char)(0xe0 | cp >> 12);
			s[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
		} else {
			s[n++] = (char)(0xf0 | cp >> 18);
			s[n++] = (char)(0x80 | (cp >> 12 & 0x3f));
			s[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
		}
		if (cp >= 0x80)
			s[n++] = (char)(0x80 | (cp & 0x3f));
		assert_int_equal(hl_text_rune(s, n, &got), surrogate ? 0 : n);
		assert_int_equal(got, surrogate ? 0 : cp);
		assert_int_equal(hl_text_rune(s, n - 1, &got), 0);
	}
}

static void
fields_have_bounds(void **state)
{
	char most[HL_TEXT_MAX + 2];
	hl_err err = { 0 };

	(void)state;
	memset(most, 'x', sizeof(most));
	most[HL_TEXT_MAX + 1] = '\0';
	assert_int_equal(hl_text_check("label", most, false, &err), HL_EINPUT);
	assert_string_equal(err.what, "check the label");
	most[HL_TEXT_MAX] = '\0';
	assert_int_equal(hl_text_check("label", most, false, NULL), HL_OK);
	assert_int_equal(hl_text_check("label", "", false, &err), HL_EINPUT);
	assert_int_equal(hl_text_check("label", NULL, false, NULL), HL_EINPUT);
	assert_int_equal(hl_text_check("note", "", true, NULL), HL_OK);
	assert_int_equal(hl_text_check("note", NULL, true, NULL), HL_OK);
	assert_int_equal(hl_text_check("note", "a\nb", true, &err), HL_EINPUT);
	assert_string_equal(err.what, "check the note");
	assert_string_not_equal(err.hint, "");
}

static void
words_survive_a_shell(void **state)
{
	char out[16];

	(void)state;
	assert_true(hl_text_word(out, sizeof(out), "sim:../a/b_1"));
	assert_string_equal(out, "sim:../a/b_1");
	assert_true(hl_text_word(out, sizeof(out), "reader:A b"));
	assert_string_equal(out, "\"reader:A b\"");
	assert_true(hl_text_word(out, sizeof(out), "a\"$`\\'*"));
	assert_string_equal(out, "\"a\\\"\\$\\`\\\\'*\"");
	assert_true(hl_text_word(out, sizeof(out), ""));
	assert_string_equal(out, "\"\"");
	assert_true(hl_text_word(out, sizeof(out), "0123456 8901"));
	assert_false(hl_text_word(out, sizeof(out), "0123456 89012"));
	assert_string_equal(out, "\"0123456 8901\"");
	assert_false(hl_text_word(out, 4, "a b"));
	assert_string_equal(out, "\"\"");
}

static void
words_are_near_or_far(void **state)
{
	char longest[33] = "", *too_long = longest;

	(void)state;
	assert_int_equal(hl_text_distance("status", "status"), 0);
	assert_int_equal(hl_text_distance("status", "statsu"), 2);
	assert_int_equal(hl_text_distance("get", "gt"), 1);
	assert_int_equal(hl_text_distance("gt", "get"), 1);
	assert_int_equal(hl_text_distance("kitten", "sitting"), 3);
	assert_int_equal(hl_text_distance("", "abc"), 3);
	assert_int_equal(hl_text_distance("abc", ""), 3);
	memset(longest, 'x', 31);
	assert_int_equal(hl_text_distance(longest, ""), 31);
	longest[31] = 'x';
	assert_true(hl_text_distance(too_long, "") == SIZE_MAX);
	assert_true(hl_text_distance("", too_long) == SIZE_MAX);
}

static void
copies_end_with_nul(void **state)
{
	char *dst = malloc(4);

	(void)state;
	assert_non_null(dst);
	assert_true(hl_text_copy(dst, 4, "abc"));
	assert_string_equal(dst, "abc");
	assert_false(hl_text_copy(dst, 4, "wxyz"));
	assert_string_equal(dst, "wxy");
	assert_false(hl_text_copy(dst, 1, "a"));
	assert_string_equal(dst, "");
	assert_true(hl_text_copy(dst, 1, ""));
	dst[0] = 'k';
	assert_false(hl_text_copy(dst, 0, "a"));
	assert_int_equal(dst[0], 'k');
	free(dst);
}

static const struct {
	const char *why, *s;
	uint64_t max;
	bool ok;
	uint64_t v;
} numbers[] = {
	{ "zero", "0", 0, true, 0 },
	{ "one above", "1", 0, false, 0 },
	{ "leading zeros", "0007", 7, true, 7 },
	{ "the maximum", "300", 300, true, 300 },
	{ "one above the maximum", "301", 300, false, 0 },
	{ "ten times the maximum", "3000", 300, false, 0 },
	{ "largest there is", "18446744073709551615", UINT64_MAX, true,
	    UINT64_MAX },
	{ "one above it", "18446744073709551616", UINT64_MAX, false, 0 },
	{ "a digit more", "184467440737095516150", UINT64_MAX, false, 0 },
	{ "empty", "", 9, false, 0 },
	{ "blank before", " 1", 9, false, 0 },
	{ "blank after", "1 ", 9, false, 0 },
	{ "sign", "+1", 9, false, 0 },
	{ "minus", "-1", UINT64_MAX, false, 0 },
	{ "hex", "0x1", 9, false, 0 },
	{ "fraction", "1.0", 99, false, 0 },
	{ "no string", NULL, 9, false, 0 },
};

static void
numbers_are_nothing_but_digits(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(numbers); i++) {
		const char *s = numbers[i].s, *why = numbers[i].why;
		char *copy =
		    s == NULL ? NULL : (char *)exact_copy(s, strlen(s) + 1);
		uint64_t v = 77;

		CHECK(hl_text_u64(copy, numbers[i].max, &v) == numbers[i].ok,
		    why);
		CHECK(v == (numbers[i].ok ? numbers[i].v : 77), why);
		free(copy);
	}
}

static const struct {
	const char *why, *s;
	size_t width;
} widths[] = {
	{ "nothing", "", 0 },
	{ "ASCII", "card 7", 6 },
	{ "umlaut", "f\xc3\xbcr", 3 },
	{ "umlaut of two code points", "fu\xcc\x88r", 3 },
	{ "ideographs", "\xe5\x8a\xa0\xe5\xaf\x86", 4 },
	{ "Hangul", "\xed\x95\x9c", 2 },
	{ "fullwidth letter", "\xef\xbc\xa1", 2 },
	{ "emoji", "\xf0\x9f\x98\x80", 2 },
	{ "zero width space",
	    "a\xe2\x80\x8b"
	    "b",
	    2 },
	{ "broken bytes count one each", "a\xff\xe2\x82", 4 },
};

static void
widths_are_those_of_a_terminal(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(widths); i++)
		CHECK(hl_text_width(widths[i].s) == widths[i].width,
		    widths[i].why);
}

static const struct {
	const char *why, *s;
	size_t max;
	bool ok;
	size_t n;
} hexes[] = {
	{ "nothing", "", 0, true, 0 },
	{ "both cases", "aBCd", 2, true, 2 },
	{ "every digit", "0123456789abcdefABCDEF", 11, true, 11 },
	{ "odd count", "abc", 2, false, 0 },
	{ "one byte too many", "abcd", 1, false, 0 },
	{ "before 0", "0/", 1, false, 0 },
	{ "after 9", "0:", 1, false, 0 },
	{ "before A", "0@", 1, false, 0 },
	{ "after F", "0G", 1, false, 0 },
	{ "before a", "0`", 1, false, 0 },
	{ "after f", "0g", 1, false, 0 },
	{ "blank", "a b0", 2, false, 0 },
	{ "prefix", "0xab", 2, false, 0 },
	{ "broken in the last place", "00112z", 3, false, 0 },
	{ "top bit set", "\xff\xff", 1, false, 0 },
};

static void
hex_is_refused_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(hexes); i++) {
		const size_t len = strlen(hexes[i].s);
		char *s = (char *)exact_copy(hexes[i].s, len);
		uint8_t *want = exact_copy("\x77\x77\x77\x77\x77\x77\x77\x77"
					   "\x77\x77\x77",
		    hexes[i].max);
		uint8_t *out = exact_copy(want, hexes[i].max);
		size_t n = 77;
		char again[32];

		CHECK(
		    hl_hex_decode(s, len, out, hexes[i].max, &n) == hexes[i].ok,
		    hexes[i].why);
		CHECK(n == (hexes[i].ok ? hexes[i].n : 77), hexes[i].why);
		if (hexes[i].ok) {
			hl_hex_lower(again, out, n);
			CHECK(strcasecmp(again, hexes[i].s) == 0, hexes[i].why);
		} else if (hexes[i].max > 0) {
			CHECK(
			    memcmp(out, want, hexes[i].max) == 0, hexes[i].why);
		}
		free(out);
		free(want);
		free(s);
	}
}

static void
hex_is_written_to_the_byte(void **state)
{
	const uint8_t bytes[] = { 0x00, 0x0f, 0xa0, 0xff };
	char *out = malloc(9);

	(void)state;
	assert_non_null(out);
	hl_hex_lower(out, bytes, sizeof(bytes));
	assert_string_equal(out, "000fa0ff");
	hl_hex_upper(out, bytes, sizeof(bytes));
	assert_string_equal(out, "000FA0FF");
	hl_hex_lower(out, NULL, 0);
	assert_string_equal(out, "");
	free(out);
}

static const struct {
	const char *why, *s;
	bool ok;
} uuids[] = {
	{ "version 4", "8f3c1a52-7b0e-4d6a-9c11-0123456789ab", true },
	{ "upper case", "8F3C1A52-7B0E-4D6A-9C11-0123456789AB", true },
	{ "nil", "00000000-0000-0000-0000-000000000000", true },
	{ "empty", "", false },
	{ "without hyphens", "8f3c1a527b0e4d6a9c110123456789ab", false },
	{ "one digit short", "8f3c1a52-7b0e-4d6a-9c11-0123456789a", false },
	{ "one digit more", "8f3c1a52-7b0e-4d6a-9c11-0123456789abc", false },
	{ "hyphen in the wrong place", "8f3c1a527-b0e-4d6a-9c11-0123456789ab",
	    false },
	{ "not a digit", "8f3c1a52-7b0e-4d6a-9c11-0123456789ag", false },
	{ "braces", "{f3c1a52-7b0e-4d6a-9c11-0123456789a}", false },
	{ "hyphen for a digit", "8f3c1a52-7b0e-4d6a-9c11-0123456789-b", false },
};

static void
uuids_read_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(uuids); i++) {
		char *s =
		    (char *)exact_copy(uuids[i].s, strlen(uuids[i].s) + 1);
		hl_uuid u, was;
		char text[HL_UUID_TEXT];

		memset(&u, 0x77, sizeof(u));
		was = u;
		CHECK(hl_uuid_parse(s, &u) == uuids[i].ok, uuids[i].why);
		if (uuids[i].ok) {
			hl_uuid_text(&u, text);
			CHECK(strcasecmp(text, s) == 0, uuids[i].why);
		} else
			CHECK(hl_uuid_equal(&u, &was), uuids[i].why);
		free(s);
	}
}

static void
new_uuids_are_version_4_and_differ(void **state)
{
	hl_uuid u[64];

	(void)state;
	for (size_t i = 0; i < HL_COUNT(u); i++) {
		char text[HL_UUID_TEXT];

		assert_int_equal(hl_uuid_new(&u[i], NULL), HL_OK);
		hl_uuid_text(&u[i], text);
		assert_int_equal(text[14], '4');
		assert_non_null(strchr("89ab", text[19]));
		for (size_t k = 0; k < i; k++)
			assert_false(hl_uuid_equal(&u[i], &u[k]));
	}
}

static void
cut_at_a_characters_end(void **state)
{
	static const struct {
		const char *why, *in, *out;
		size_t size;
		bool all;
	} rows[] = {
		{ "fits", "abc", "abc", 4, true },
		{ "one byte short", "abc", "ab", 3, false },
		{ "room for the NUL only", "abc", "", 1, false },
		{ "two-byte character whole", "a\303\274", "a\303\274", 4,
		    true },
		{ "two-byte character cut", "a\303\274", "a", 3, false },
		{ "before a cut one, a whole one stays", "\303\274\303\274",
		    "\303\274", 4, false },
		{ "three-byte character cut to two", "a\342\202\254", "a", 4,
		    false },
		{ "three-byte character cut to one", "a\342\202\254", "a", 3,
		    false },
		{ "four-byte character cut to three", "\360\237\230\200", "", 4,
		    false },
	};
	char got[16];

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		memset(got, 'x', sizeof(got));
		CHECK(hl_text_format(got, rows[i].size, "%s", rows[i].in) ==
			rows[i].all,
		    rows[i].why);
		CHECK(strcmp(got, rows[i].out) == 0, rows[i].why);
		CHECK(got[rows[i].size] == 'x', rows[i].why);
	}
}

/* One '?' a byte; what joins and marks letters stays. */
static void
clean_hides_nothing(void **state)
{
	static const struct {
		const char *is, *becomes;
	} rows[] = {
		{ "a\u2028b", "a???b" }, /* line separator */
		{ "a\u00adb", "a??b" },	 /* soft hyphen */
		{ "\ufeff"
		  "a",
		    "???a" },		      /* byte order mark */
		{ "a\U000e0041b", "a????b" }, /* tag */
		{ "\u202e"
		  "a\u202c",
		    "???a???" },
		{ "\u2066"
		  "a\u2069",
		    "???a???" },
		{ "\u200f"
		  "a\u061c",
		    "???a??" },
		{ "\x1b[31m\xff", "?[31m?" },
		{ "e\u0301 \u200d \u4e2d", "e\u0301 \u200d \u4e2d" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		(void)hl_text_copy(text, sizeof(text), rows[i].is);
		hl_text_clean(text);
		assert_string_equal(text, rows[i].becomes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean_hides_nothing),
		cmocka_unit_test(cut_at_a_characters_end),
		cmocka_unit_test(utf8_is_checked_to_the_letter),
		cmocka_unit_test(every_code_point_reads_back),
		cmocka_unit_test(fields_have_bounds),
		cmocka_unit_test(copies_end_with_nul),
		cmocka_unit_test(words_survive_a_shell),
		cmocka_unit_test(words_are_near_or_far),
		cmocka_unit_test(numbers_are_nothing_but_digits),
		cmocka_unit_test(widths_are_those_of_a_terminal),
		cmocka_unit_test(hex_is_refused_whole),
		cmocka_unit_test(hex_is_written_to_the_byte),
		cmocka_unit_test(uuids_read_back),
		cmocka_unit_test(new_uuids_are_version_4_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
