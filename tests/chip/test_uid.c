/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "chip/uid.h"

#include "crypto/hexvec.h"

/* The words 0x0039002F 0x3137510B 0x39383538 as they lie in memory */
#define EXAMPLE "2F0039000B51373138353839"

static void
both_spellings(void **state)
{
	static const struct {
		const char *why, *s, *text;
	} rows[] = {
		{ "24 digits", EXAMPLE, EXAMPLE },
		{ "24 digits, lower case", "2f0039000b51373138353839",
		    EXAMPLE },
		{ "words with 0x", "0x0039002F 0x3137510B 0x39383538",
		    EXAMPLE },
		{ "words without 0x", "0039002F 3137510B 39383538", EXAMPLE },
		{ "words in lower case", "0039002f 3137510b 39383538",
		    EXAMPLE },
		{ "0X", "0X0039002F 0X3137510B 0X39383538", EXAMPLE },
		{ "some words with 0x", "0x0039002F 3137510B 0x39383538",
		    EXAMPLE },
		{ "commas", "0x0039002F,0x3137510B,0x39383538", EXAMPLE },
		{ "commas and blanks", "0x0039002F, 0x3137510B, 0x39383538",
		    EXAMPLE },
		{ "colons", "0039002F:3137510B:39383538", EXAMPLE },
		{ "underscores", "0039002F_3137510B_39383538", EXAMPLE },
		{ "tabs", "0039002F\t3137510B\t39383538", EXAMPLE },
		{ "several blanks", "0039002F   3137510B \t 39383538",
		    EXAMPLE },
		{ "blank before the comma", "0039002F , 3137510B ,39383538",
		    EXAMPLE },
		{ "8 bytes", "0123456789abcdef", "0123456789ABCDEF" },
		{ "2 words", "01234567 89abcdef", "67452301EFCDAB89" },
		{ "16 bytes", "000102030405060708090a0b0c0d0e0f",
		    "000102030405060708090A0B0C0D0E0F" },
		{ "4 words", "03020100 07060504 0b0a0908 0f0e0d0c",
		    "000102030405060708090A0B0C0D0E0F" },
		{ "one byte other than 00", "000000000000000000000001",
		    "000000000000000000000001" },
		{ "one bit other than FF", "FFFFFFFFFFFFFFFFFFFFFFFE",
		    "FFFFFFFFFFFFFFFFFFFFFFFE" },
		{ "all the same, but neither 00 nor FF",
		    "111111111111111111111111", "111111111111111111111111" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		vec s = vec_copy(rows[i].s, strlen(rows[i].s) + 1);
		char text[HL_UID_TEXT];
		hl_err err = { 0 };
		hl_uid u, again;

		memset(&u, 0x5a, sizeof(u));
		CHECK(hl_uid_parse((const char *)s.p, &u, &err) == HL_OK,
		    rows[i].why);
		CHECK(err.rc == HL_OK && err.why[0] == '\0', rows[i].why);
		hl_uid_text(&u, text);
		CHECK(strcmp(text, rows[i].text) == 0, rows[i].why);
		CHECK(hl_uid_parse(text, &again, NULL) == HL_OK, rows[i].why);
		CHECK(hl_uid_equal(&u, &again), rows[i].why);
		vec_free(&s);
	}
}

static void
words_are_little_endian_in_memory(void **state)
{
	static const uint8_t want[HL_UID_STM32] = { 0x2f, 0x00, 0x39, 0x00,
		0x0b, 0x51, 0x37, 0x31, 0x38, 0x35, 0x38, 0x39 };
	hl_uid u;

	(void)state;
	assert_int_equal(
	    hl_uid_parse("0x0039002F 0x3137510B 0x39383538", &u, NULL), HL_OK);
	assert_int_equal(u.n, HL_UID_STM32);
	assert_memory_equal(u.b, want, sizeof(want));
}

static const struct {
	const char *why, *s, *says;
} refused[] = {
	{ "empty", "", "empty" },
	{ "a blank", " ", "word 1" },
	{ "blank before", " " EXAMPLE, "word 1" },
	{ "blank behind", EXAMPLE " ", "word 1" },
	{ "line feed behind", EXAMPLE "\n", "character 25" },
	{ "line feed behind words", "0039002F 3137510B 39383538\n",
	    "character 27" },
	{ "23 digits", "2F0039000B5137313835383", "23 hex digits" },
	{ "25 digits", EXAMPLE "0", "25 hex digits" },
	{ "7 bytes", "0123456789abcd", "14 hex digits" },
	{ "17 bytes", "000102030405060708090a0b0c0d0e0f10", "34 hex digits" },
	{ "1 byte", "2F", "2 hex digits" },
	{ "no hex digit", "2F0039000B5137313835383G", "character 24, 'G'" },
	{ "letter O", "2FOO39000B51373138353839", "character 3, 'O'" },
	{ "minus", "-F0039000B51373138353839", "character 1, '-'" },
	{ "plus", "+F0039000B51373138353839", "character 1, '+'" },
	{ "0x before 24 digits: which order?", "0x" EXAMPLE, "word 1" },
	{ "a lone word", "0x0039002F", "single word" },
	{ "a lone word without 0x", "0039002F", "single word" },
	{ "five words", "1 2 3 4 5", "word 1" },
	{ "five whole words", "00000001 00000002 00000003 00000004 00000005",
	    "more than 4" },
	{ "short word", "0039002F 3137510 39383538", "word 2" },
	{ "long word", "0039002F 3137510B0 39383538", "word 2" },
	{ "nothing but 0x", "0x", "word 1" },
	{ "0x twice", "0x0x0039002F 3137510B 39383538", "word 1" },
	{ "x behind", "0039002Fx 3137510B 39383538", "character 9, 'x'" },
	{ "x without 0", "x0039002F 3137510B 39383538", "word 1" },
	{ "two commas", "0039002F,,3137510B,39383538", "word 2" },
	{ "comma behind", "0039002F 3137510B 39383538,", "word 4" },
	{ "comma before", ",0039002F 3137510B 39383538", "word 1" },
	{ "minus between words", "0039002F-3137510B-39383538",
	    "character 9, '-'" },
	{ "point between words", "0039002F.3137510B.39383538",
	    "character 9, '.'" },
	{ "nothing between words", "0x0039002F0x3137510B0x39383538", "word 1" },
	{ "bytes with colons", "2F:00:39:00:0B:51:37:31:38:35:38:39",
	    "word 1" },
	{ "C suffix", "0x0039002FU 0x3137510BU 0x39383538U",
	    "character 11, 'U'" },
	{ "UTF-8",
	    "0039002F\xc2\xa0"
	    "3137510B 39383538",
	    "character 9" },
	{ "full-width digits", "\xef\xbc\x90", "character 1" },
	{ "escape sequence", "0039002F\033[31m", "character 9, '?'" },
	{ "all 00", "000000000000000000000000", "nothing but 00" },
	{ "all FF", "FFFFFFFFFFFFFFFFFFFFFFFF", "nothing but FF" },
	{ "all FF in words", "ffffffff ffffffff ffffffff", "nothing but FF" },
	{ "all 00, 8 bytes", "0000000000000000", "nothing but 00" },
	{ "all FF, 16 bytes", "ffffffffffffffffffffffffffffffff",
	    "nothing but FF" },
};

static void
refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(refused); i++) {
		vec s = vec_copy(refused[i].s, strlen(refused[i].s) + 1);
		hl_err err = { 0 };
		hl_uid u;

		memset(&u, 0x5a, sizeof(u));
		CHECK(hl_uid_parse((const char *)s.p, &u, &err) == HL_EINPUT,
		    refused[i].why);
		CHECK(all_bytes(u.b, sizeof(u.b), 0x5a), refused[i].why);
		CHECK(
		    err.rc == HL_EINPUT && err.hint[0] != '\0', refused[i].why);
		if (strstr(err.why, refused[i].says) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"",
			    refused[i].why, err.why, refused[i].says);
		vec_free(&s);
	}
}

static void
only_whole_bytes_from_8_to_16(void **state)
{
	char s[HL_UID_TEXT + 2];
	hl_uid u;

	(void)state;
	for (size_t len = 1; len < sizeof(s); len++) {
		bool good = len % 2 == 0 && len >= 16 && len <= 32;

		memset(s, '5', len);
		s[len] = '\0';
		assert_int_equal(hl_uid_parse(s, &u, NULL) == HL_OK, good);
		if (good)
			assert_int_equal(u.n, len / 2);
	}
}

static void
every_character_but_hex_digits_is_refused(void **state)
{
	char s[] = EXAMPLE;
	hl_uid u;

	(void)state;
	for (size_t at = 0; at < sizeof(s) - 1; at++) {
		for (int c = 1; c < 256; c++) {
			hl_rc want =
			    hl_hex_digit((char)c) >= 0 ? HL_OK : HL_EINPUT;

			s[at] = (char)c;
			assert_int_equal(hl_uid_parse(s, &u, NULL), want);
		}
		s[at] = EXAMPLE[at];
	}
}

static void
equal_needs_bytes_and_length(void **state)
{
	hl_uid a, b, unknown = { { 0 }, 0 };

	(void)state;
	assert_int_equal(hl_uid_parse(EXAMPLE, &a, NULL), HL_OK);
	for (size_t i = 0; i < HL_UID_STM32; i++) {
		b = a;
		assert_true(hl_uid_equal(&a, &b));
		b.b[i] ^= 1;
		assert_false(hl_uid_equal(&a, &b));
	}
	b = a;
	b.n = 8;
	assert_false(hl_uid_equal(&a, &b));
	b = a;
	b.b[HL_UID_STM32] = 1; /* not part of the UID */
	assert_true(hl_uid_equal(&a, &b));
	assert_true(hl_uid_equal(&unknown, &unknown));
	assert_false(hl_uid_equal(&a, &unknown));
}

static void
text_of_an_unknown_uid_is_empty(void **state)
{
	const hl_uid unknown = { { 1, 2, 3 }, 0 };
	char text[HL_UID_TEXT];

	(void)state;
	memset(text, 'x', sizeof(text));
	hl_uid_text(&unknown, text);
	assert_string_equal(text, "");
}

static hl_rc
read_file(const void *p, size_t n, hl_uid *out)
{
	char path[] = "/tmp/hsmlic-test-uid-XXXXXX";
	const int fd = mkstemp(path);
	hl_rc rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	(void)close(fd);
	rc = hl_uid_read(out, path, NULL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(hl_uid_read(out, path, NULL), HL_ENOTFOUND);
	return rc;
}

static void
from_a_file(void **state)
{
	static const char digits[] = "2F0039000B51373138353839";
	hl_uid want, is = { .n = 0 };

	(void)state;
	assert_int_equal(hl_uid_parse(digits, &want, NULL), HL_OK);
	assert_int_equal(read_file(digits, 24, &is), HL_OK);
	assert_true(hl_uid_equal(&is, &want));
	is.n = 0;
	assert_int_equal(
	    read_file("2F0039000B51373138353839\r\n", 26, &is), HL_OK);
	assert_true(hl_uid_equal(&is, &want));
	assert_int_equal(
	    read_file("2F0039000B51373138353839\0x", 26, &is), HL_EINPUT);
	assert_int_equal(read_file("\n\n", 2, &is), HL_EINPUT);
	assert_int_equal(read_file("", 0, &is), HL_EINPUT);
	assert_true(hl_uid_equal(&is, &want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_spellings),
		cmocka_unit_test(words_are_little_endian_in_memory),
		cmocka_unit_test(refusals),
		cmocka_unit_test(only_whole_bytes_from_8_to_16),
		cmocka_unit_test(every_character_but_hex_digits_is_refused),
		cmocka_unit_test(equal_needs_bytes_and_length),
		cmocka_unit_test(text_of_an_unknown_uid_is_empty),
		cmocka_unit_test(from_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
