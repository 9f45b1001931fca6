/* SPDX-License-Identifier: Apache-2.0 */
#include "util/buf.h"

#include "util/rows.h"
#include "util/text.h"

static void
numbers_are_big_endian(void **state)
{
	static const uint8_t want[] = { 1, 0xfe, 0xdc, 0x80, 0, 0, 7 };
	hl_buf b = HL_BUF_INIT;

	(void)state;
	hl_buf_u8(&b, 1);
	hl_buf_u16(&b, 0xfedc);
	hl_buf_u32(&b, 0x80000007);
	assert_int_equal(b.n, sizeof(want));
	assert_memory_equal(b.p, want, sizeof(want));
	hl_buf_free(&b);
	assert_null(b.p);
	assert_int_equal(b.n, 0);
}

static void
grows_byte_by_byte(void **state)
{
	hl_buf b = HL_BUF_INIT;

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		hl_buf_u8(&b, (uint8_t)(i * 7));
		/* the NUL must fit at every size */
		assert_int_equal(hl_buf_str(&b)[i + 1], '\0');
	}
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(b.p[i], (uint8_t)(i * 7));
	assert_int_equal(b.n, 5000);
	hl_buf_free(&b);
}

static void
prints_at_the_end(void **state)
{
	hl_buf b = HL_BUF_INIT;

	(void)state;
	assert_string_equal(hl_buf_str(&b), "");
	hl_buf_printf(&b, "%s", "");
	assert_int_equal(b.n, 0);
	hl_buf_printf(&b, "%d of %s", 7, "nine");
	hl_buf_printf(&b, "%0300d", 5);
	assert_int_equal(b.n, 9 + 300);
	assert_memory_equal(b.p, "7 of nine000", 12);
	assert_int_equal(strlen(hl_buf_str(&b)), b.n);
	hl_buf_free(&b);
}

static void
nothing_is_appended_above_the_maximum(void **state)
{
	uint8_t *chunk = calloc(1, 1024 * 1024);
	hl_buf b = HL_BUF_INIT;

	(void)state;
	assert_non_null(chunk);
	for (size_t i = 0; i < HL_BUF_MAX; i += 1024 * 1024)
		hl_buf_put(&b, chunk, 1024 * 1024);
	free(chunk);
	assert_false(b.failed);
	assert_int_equal(b.n, HL_BUF_MAX);
	hl_buf_u8(&b, 1);
	assert_true(b.failed);
	assert_int_equal(b.n, HL_BUF_MAX);
	assert_string_equal(hl_buf_str(&b), "");
	hl_buf_free(&b);
}

static void
failure_is_sticky_until_reset(void **state)
{
	hl_buf b = HL_BUF_INIT;

	(void)state;
	hl_buf_put(&b, "ab", 2);
	hl_buf_put(&b, "", SIZE_MAX);
	assert_true(b.failed);
	hl_buf_put(&b, "cd", 2);
	hl_buf_printf(&b, "ef");
	assert_int_equal(b.n, 2);
	hl_buf_reset(&b);
	assert_false(b.failed);
	assert_int_equal(b.n, 0);
	assert_int_equal(b.p[0], 0); /* wiped */
	hl_buf_put(&b, "gh", 2);
	assert_string_equal(hl_buf_str(&b), "gh");
	hl_buf_free(&b);
	hl_buf_free(&b); /* an empty buffer is fine */
}

static void
fail_fills_and_returns(void **state)
{
	hl_err err = { .units_spent = 1 };

	(void)state;
	assert_int_equal(
	    hl_fail(&err, HL_ECARD, "read card", "look", "%d of %s", 3, "four"),
	    HL_ECARD);
	assert_int_equal(err.rc, HL_ECARD);
	assert_int_equal(err.units_spent, 0);
	assert_string_equal(err.what, "read card");
	assert_string_equal(err.hint, "look");
	assert_string_equal(err.why, "3 of four");
	assert_int_equal(hl_fail(NULL, HL_EIO, "a", NULL, "%s", "b"), HL_EIO);
	hl_err_what(NULL, "x");
	hl_err_hint(NULL, "x");
	hl_err_add(NULL, "x");
	assert_int_equal(hl_nomem(&err), HL_ENOMEM);
	assert_int_equal(err.rc, HL_ENOMEM);
}

static void
texts_may_come_from_the_object_itself(void **state)
{
	hl_err err = { 0 };

	(void)state;
	hl_fail(&err, HL_EIO, "open", "hint", "%s", "first");
	hl_fail(&err, HL_EIO, err.what, err.hint, "then %s", err.why);
	assert_string_equal(err.what, "open");
	assert_string_equal(err.why, "then first");
	hl_err_what(&err, "%s card", err.what);
	assert_string_equal(err.what, "open card");
	hl_err_hint(&err, "no %s", err.hint);
	assert_string_equal(err.hint, "no hint");
	hl_err_add(&err, "%s again", err.why);
	assert_string_equal(err.why, "then first; then first again");
}

static void
add_needs_no_first_reason(void **state)
{
	hl_err err = { 0 };

	(void)state;
	hl_err_add(&err, "only %s", "this");
	assert_string_equal(err.why, "only this");
}

static const struct {
	const char *why, *in, *out;
} cleaned[] = {
	{ "plain", "reader 1", "reader 1" },
	{ "escape sequence", "\x1b[2Jx", "?[2Jx" },
	{ "line breaks", "a\r\nb", "a??b" },
	{ "DEL", "a\x7f", "a?" },
	{ "C1 in UTF-8",
	    "a\xc2\x9b"
	    "2J",
	    "a??2J" },
	{ "C1 as a bare byte",
	    "a\x9b"
	    "2J",
	    "a?2J" },
	{ "UTF-8 stays", "\xc3\xbc\xe5\x8a\xa0", "\xc3\xbc\xe5\x8a\xa0" },
	{ "broken UTF-8", "\xc3(", "?(" },
	{ "broken at the end", "ab\xe5\x8a", "ab??" },
};

static void
terminals_get_no_control_characters(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(cleaned); i++) {
		const char *in = cleaned[i].in, *out = cleaned[i].out;
		const char *row = cleaned[i].why;
		hl_err err = { 0 };

		hl_fail(&err, HL_EIO, in, in, "%s", in);
		CHECK(strcmp(err.what, out) == 0, row);
		CHECK(strcmp(err.hint, out) == 0, row);
		CHECK(strcmp(err.why, out) == 0, row);
		hl_err_what(&err, "<%s", in);
		CHECK(strcmp(err.what + 1, out) == 0, row);
		hl_err_hint(&err, "<%s", in);
		CHECK(strcmp(err.hint + 1, out) == 0, row);
		hl_err_add(&err, "%s", in);
		CHECK(strcmp(err.why + strlen(out) + 2, out) == 0, row);
	}
}

/* Too long in every field, at every offset of a three-byte character. */
static void
long_texts_are_cut_between_characters(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		hl_err *err = calloc(1, sizeof(*err));
		char text[3 * HL_ERR_WHY + 1];

		assert_non_null(err);
		for (size_t i = 0; i < HL_ERR_WHY; i++)
			memcpy(text + 3 * i, "\xe5\x8a\xa0", 3);
		if (shift > 0)
			memset(text, 'x', 3);
		text[3 * HL_ERR_WHY] = '\0';
		hl_fail(err, HL_EIO, text + (3 - shift) % 3,
		    text + (3 - shift) % 3, "%s", text + (3 - shift) % 3);
		for (int i = 0; i < 3; i++) {
			hl_err_add(err, "%s", text);
			assert_true(
			    hl_text_valid(err->what, strlen(err->what)));
			assert_true(
			    hl_text_valid(err->hint, strlen(err->hint)));
			assert_true(hl_text_valid(err->why, strlen(err->why)));
			assert_null(strchr(err->why, '?'));
		}
		assert_in_range(
		    strlen(err->why), HL_ERR_WHY - 3, HL_ERR_WHY - 1);
		free(err);
	}
}

static void
codes_have_names_of_their_own(void **state)
{
	static const hl_rc all[] = { HL_OK, HL_EUSAGE, HL_EINPUT, HL_EEXIST,
		HL_ENOTFOUND, HL_ECONFLICT, HL_ENODEV, HL_EACCESS, HL_ECARD,
		HL_EBUSY, HL_ETIMEOUT, HL_ENOLICENSE, HL_EDENIED, HL_EDOUBT,
		HL_ESTORE, HL_EFULL, HL_EIO, HL_ENOMEM, HL_EINTEGRITY,
		HL_EPROGRAMMER };

	(void)state;
	assert_string_equal(hl_rc_name(HL_ENOLICENSE), "no-license");
	assert_string_equal(hl_rc_name((hl_rc)-99), "unknown");
	for (size_t i = 0; i < HL_COUNT(all); i++) {
		assert_string_not_equal(hl_rc_name(all[i]), "unknown");
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(
			    hl_rc_name(all[i]), hl_rc_name(all[k]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_big_endian),
		cmocka_unit_test(grows_byte_by_byte),
		cmocka_unit_test(prints_at_the_end),
		cmocka_unit_test(nothing_is_appended_above_the_maximum),
		cmocka_unit_test(failure_is_sticky_until_reset),
		cmocka_unit_test(fail_fills_and_returns),
		cmocka_unit_test(texts_may_come_from_the_object_itself),
		cmocka_unit_test(add_needs_no_first_reason),
		cmocka_unit_test(terminals_get_no_control_characters),
		cmocka_unit_test(long_texts_are_cut_between_characters),
		cmocka_unit_test(codes_have_names_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
