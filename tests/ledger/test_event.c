/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical JSON by the examples of RFC 8785, as far as they have only strings,
 * literals and integers: the rest of its numbers (3.2.2.3, appendix B) are
 * refused, since no event has them. And events: every field, every way in
 * which one can be wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/event.h"
#include "ledger/jcs.h"

/* ---- RFC 8785 ------------------------------------------------------------ */

static hl_rc
canonical(const char *text, hl_buf *out, hl_err *err)
{
	json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
	hl_rc rc;

	assert_non_null(v);
	rc = hl_jcs_put(out, v, err);
	json_decref(v);
	return rc;
}

static void
expect(const char *text, const char *want)
{
	hl_buf is = HL_BUF_INIT;

	assert_int_equal(canonical(text, &is, NULL), HL_OK);
	assert_string_equal(hl_buf_str(&is), want);
	hl_buf_free(&is);
}

/* The object of 3.2.2 without its numbers, and what 3.2.3 makes of it. */
static void
strings_and_literals(void **state)
{
	(void)state;
	expect("{\n"
	       "  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c"
	       "\\\\\\\"\\/\",\n"
	       "  \"literals\": [null, true, false]\n"
	       "}",
	    "{\"literals\":[null,true,false],"
	    "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

/* 3.2.3: by UTF-16 code units, so that an emoji (D83D DE00) comes before a
 * letter of the same plane (FB33). */
static void
sorting(void **state)
{
	(void)state;
	expect("{\n"
	       "  \"\\u20ac\": \"Euro Sign\",\n"
	       "  \"\\r\": \"Carriage Return\",\n"
	       "  \"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\",\n"
	       "  \"1\": \"One\",\n"
	       "  \"\\ud83d\\ude00\": \"Emoji: Grinning Face\",\n"
	       "  \"\\u0080\": \"Control\",\n"
	       "  \"\\u00f6\": \"Latin Small Letter O With Diaeresis\"\n"
	       "}",
	    "{\"\\r\":\"Carriage Return\",\"1\":\"One\","
	    "\"\xc2\x80\":\"Control\","
	    "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\","
	    "\"\xe2\x82\xac\":\"Euro Sign\","
	    "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
	    "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

/* 3.2.2.2: which characters have an escape, and which one. */
static void
escapes(void **state)
{
	static const char *const two[] = { "\\b", "\\t", "\\n", "\\f", "\\r",
		"\\\"", "\\\\" };
	static const char raw[] = "\b\t\n\f\r\"\\";
	char text[16], want[16];

	(void)state;
	for (size_t i = 0; i < HL_COUNT(two); i++) {
		snprintf(text, sizeof(text), "\"\\u%04x\"", raw[i]);
		snprintf(want, sizeof(want), "\"%s\"", two[i]);
		expect(text, want);
	}
	for (unsigned c = 1; c < 0x20; c++) {
		if (strchr(raw, (int)c) != NULL)
			continue;
		snprintf(text, sizeof(text), "\"\\u%04X\"", c);
		snprintf(want, sizeof(want), "\"\\u%04x\"", c);
		expect(text, want);
	}
	expect("\"\\u007f\\u2028\\/\"", "\"\x7f\xe2\x80\xa8/\"");
}

static void
nesting(void **state)
{
	char deep[200] = "";
	hl_buf b = HL_BUF_INIT;
	hl_err err = { 0 };

	(void)state;
	expect(" [ 56 , { \"d\" : true , \"10\" : null , \"1\" : [ ] } ] ",
	    "[56,{\"1\":[],\"10\":null,\"d\":true}]");
	for (int i = 0; i < 70; i++)
		strcat(deep, "[");
	for (int i = 0; i < 70; i++)
		strcat(deep, "]");
	assert_int_equal(canonical(deep, &b, &err), HL_EINPUT);
	assert_string_equal(err.why, "it is nested too deep");
	hl_buf_free(&b);
}

/* Integers of appendix B, up to where a double still has them all. */
static void
integers(void **state)
{
	static const char *const refused[] = { "9007199254740992",
		"-9007199254740992", "9223372036854775807", "1.0", "1e0",
		"4.50", "2e-3", "333333333.33333329", "1E30",
		"0.000000000000000000000000001" };

	(void)state;
	expect("0", "0");
	expect("-0", "0");
	expect("-1", "-1");
	expect("9007199254740991", "9007199254740991");
	expect("-9007199254740991", "-9007199254740991");
	for (size_t i = 0; i < HL_COUNT(refused); i++) {
		hl_buf b = HL_BUF_INIT;
		hl_err err = { 0 };

		if (canonical(refused[i], &b, &err) != HL_EINPUT)
			fail_msg("%s", refused[i]);
		assert_true(err.why[0] != '\0');
		hl_buf_free(&b);
	}
	assert_int_equal(
	    hl_jcs_put(&(hl_buf)HL_BUF_INIT, NULL, NULL), HL_ENOMEM);
}

/* ---- events -------------------------------------------------------------- */

#define GOOD                                                                   \
	"{\"at\":\"2026-11-23T06:00:00.000Z\",\"body\":{\"card_n\":1,"         \
	"\"gone\":null,\"why\":\"\xe2\x82\xac\",\"yes\":true},"                \
	"\"kind\":\"card.seen\",\"operator\":\"Zo\xc3\xab\",\"seq\":7,"        \
	"\"station\":\"desk 1\",\"v\":1}"

static void
there_and_back(void **state)
{
	hl_buf bytes = HL_BUF_INIT;
	hl_event e;
	int64_t v = 9;

	(void)state;
	assert_int_equal(hl_event_parse(GOOD, strlen(GOOD), &e, NULL), HL_OK);
	assert_int_equal(e.seq, 7);
	assert_int_equal(e.at, 1795413600000);
	assert_string_equal(e.kind, "card.seen");
	assert_string_equal(e.station, "desk 1");
	assert_string_equal(e.operator_, "Zo\xc3\xab");
	assert_true(hl_event_int(&e, "card_n", &v));
	assert_int_equal(v, 1);
	assert_string_equal(hl_event_text(&e, "why"), "\xe2\x82\xac");
	assert_null(hl_event_text(&e, "card_n"));
	assert_null(hl_event_text(&e, "none"));
	assert_false(hl_event_int(&e, "why", &v));
	assert_false(hl_event_int(&e, "gone", &v));
	assert_int_equal(v, 1);
	assert_int_equal(hl_event_put(&bytes, &e, NULL), HL_OK);
	assert_string_equal(hl_buf_str(&bytes), GOOD);
	hl_buf_free(&bytes);
	hl_event_free(&e);
	assert_null(e.body);
}

/* In GOOD, `is` gives way to `by`. */
static const struct {
	const char *is, *by, *why;
} wrong[] = {
	/* not JSON, or not in this form */
	{ "{\"at\"", "{\"at\":", "no JSON" },
	{ GOOD, "", "no JSON" },
	{ GOOD, "{}", "a field is missing" },
	{ GOOD, "[]", "a field is missing" },
	{ "\"v\":1}", "\"v\":1}\n", "canonical form" },
	{ "\"v\":1}", "\"v\":1} ", "canonical form" },
	{ "\"v\":1}", "\"v\":1}{}", "no JSON" },
	{ "{\"at\"", " {\"at\"", "canonical form" },
	{ "{\"at\"", "\xef\xbb\xbf{\"at\"", "no JSON" },
	{ "\"seq\":7", "\"seq\": 7", "canonical form" },
	{ "desk 1", "desk\\u00201", "canonical form" },
	{ "desk 1", "desk\\/1", "canonical form" },
	{ "\"card_n\":1,\"gone\":null", "\"gone\":null,\"card_n\":1",
	    "canonical form" },
	{ "\"seq\":7,\"station\":\"desk 1\"",
	    "\"station\":\"desk 1\",\"seq\":7", "canonical form" },
	{ "\"v\":1}", "\"v\":1,\"v\":1}", "no JSON" },
	{ "\"card_n\":1,", "\"card_n\":1,\"card_n\":1,", "no JSON" },
	/* a field too many, or too few */
	{ "\"v\":1}", "\"v\":1,\"w\":1}", "a field is missing" },
	{ "\"at\":\"2026-11-23T06:00:00.000Z\",", "", "a field is missing" },
	{ "\"kind\":\"card.seen\",", "", "a field is missing" },
	{ "\"operator\":\"Zo\xc3\xab\",", "", "a field is missing" },
	{ "\"seq\":7,", "", "a field is missing" },
	{ "\"station\":\"desk 1\",", "", "a field is missing" },
	{ ",\"v\":1}", "}", "a field is missing" },
	{ "\"kind\"", "\"kind \"", "a field is missing" },
	/* v */
	{ "\"v\":1", "\"v\":2", "a field is missing" },
	{ "\"v\":1", "\"v\":\"1\"", "a field is missing" },
	{ "\"v\":1", "\"v\":1.0", "a field is missing" },
	{ "\"v\":1", "\"v\":null", "a field is missing" },
	/* seq */
	{ "\"seq\":7", "\"seq\":-1", "a field is missing" },
	{ "\"seq\":7", "\"seq\":\"7\"", "a field is missing" },
	{ "\"seq\":7", "\"seq\":7.0", "a field is missing" },
	{ "\"seq\":7", "\"seq\":07", "no JSON" },
	{ "\"seq\":7", "\"seq\":-0", "canonical form" },
	{ "\"seq\":7", "\"seq\":9007199254740992", "2^53" },
	{ "\"seq\":7", "\"seq\":18446744073709551616", "no JSON" },
	/* at */
	{ "2026-11-23T06:00:00.000Z", "2026-11-23T06:00:00Z", "a field" },
	{ "2026-11-23T06:00:00.000Z", "2026-11-23T06:00:00.0000Z", "a field" },
	{ "2026-11-23T06:00:00.000Z", "2026-11-23t06:00:00.000z", "a field" },
	{ "2026-11-23T06:00:00.000Z", "2026-11-23T06:00:00.000+00:00",
	    "a field" },
	{ "2026-11-23T06:00:00.000Z", "2026-11-23 06:00:00.000Z", "a field" },
	{ "2026-11-23T06:00:00.000Z", "2026-02-30T06:00:00.000Z", "a field" },
	{ "2026-11-23T06:00:00.000Z", "2026-11-23T24:00:00.000Z", "a field" },
	{ "2026-11-23T06:00:00.000Z", "2026-11-23T06:00:60.000Z", "a field" },
	{ "2026-11-23T06:00:00.000Z", "", "a field" },
	{ "\"2026-11-23T06:00:00.000Z\"", "1795413600000", "a field" },
	{ "2026-11-23T06:00:00.000Z", "1969-12-31T23:59:59.999Z", "" },
	/* kind */
	{ "\"card.seen\"", "\"card.eaten\"", "its kind is not known" },
	{ "\"card.seen\"", "\"\"", "its kind is not known" },
	{ "\"card.seen\"", "\"Card.seen\"", "its kind is not known" },
	{ "\"card.seen\"", "\"card.seen\\u0000\"", "no JSON" },
	{ "\"card.seen\"", "null", "a field is missing" },
	{ "\"card.seen\"",
	    "\"card.seencard.seencard.seencard.seencard.seencard.seencard.seen"
	    "card.seen\"",
	    "a field is missing" },
	/* station, operator */
	{ "\"desk 1\"", "1", "a field is missing" },
	{ "\"desk 1\"", "null", "a field is missing" },
	{ "desk 1", "desk\\n1", "no text" },
	{ "desk 1", "desk\\u007f1", "no text" },
	{ "desk 1", "desk\xc2\x85", "no text" },
	{ "desk 1", "desk\xc0\x80", "no JSON" },
	{ "desk 1", "desk\xff", "no JSON" },
	{ "desk 1", "desk\\ud800", "no JSON" },
	{ "\"Zo\xc3\xab\"", "[]", "a field is missing" },
	{ "Zo\xc3\xab", "Zo\\te", "no text" },
	/* body */
	{ "\"card_n\":1", "\"card_n\":{}", "not flat" },
	{ "\"card_n\":1", "\"card_n\":[1]", "not flat" },
	{ "\"card_n\":1", "\"card_n\":1.5", "no integer" },
	{ "\"card_n\":1", "\"card_n\":1e3", "no integer" },
	{ "\"card_n\":1", "\"card_n\":9007199254740992", "2^53" },
	{ "\"card_n\":1", "\"card_n\":-9007199254740992", "2^53" },
	{ "\"card_n\":1", "\"card_n\":NaN", "no JSON" },
	{ "\"card_n\":1", "\"card_n\":+1", "no JSON" },
};

static void
replace(hl_buf *out, const char *is, const char *by)
{
	const char *at = strstr(GOOD, is);

	if (at == NULL)
		fail_msg("not there: %s", is);
	else
		hl_buf_printf(out, "%.*s%s%s", (int)(at - GOOD), GOOD, by,
		    at + strlen(is));
}

static void
each_field_wrong(void **state)
{
	hl_event was, e;

	(void)state;
	memset(&was, 0x5a, sizeof(was));
	for (size_t i = 0; i < HL_COUNT(wrong); i++) {
		hl_buf text = HL_BUF_INIT;
		hl_err err = { 0 };

		replace(&text, wrong[i].is, wrong[i].by);
		e = was;
		if (hl_event_parse(text.n == 0 ? (const uint8_t *)"" : text.p,
			text.n, &e, &err) != HL_EINPUT ||
		    strstr(err.why, wrong[i].why) == NULL)
			fail_msg("%s: %s", hl_buf_str(&text), err.why);
		assert_memory_equal(&e, &was, sizeof(e));
		hl_buf_free(&text);
	}
}

static void
body_of_another_type(void **state)
{
	static const char *const bodies[] = { "null", "[]", "\"x\"", "1",
		"true" };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(bodies); i++) {
		char text[300];
		hl_event e;

		snprintf(text, sizeof(text),
		    "{\"at\":\"2026-11-23T06:00:00.000Z\",\"body\":%s,"
		    "\"kind\":\"card.seen\",\"operator\":\"\",\"seq\":7,"
		    "\"station\":\"\",\"v\":1}",
		    bodies[i]);
		assert_int_equal(
		    hl_event_parse(text, strlen(text), &e, NULL), HL_EINPUT);
	}
}

/* With the NUL that a text could hide something behind. */
static void
zero_bytes(void **state)
{
	char text[sizeof(GOOD) + 1];
	hl_event e;

	(void)state;
	memcpy(text, GOOD, sizeof(GOOD)); /* with its NUL */
	assert_int_equal(
	    hl_event_parse(text, sizeof(GOOD), &e, NULL), HL_EINPUT);
	for (size_t n = 0; n < sizeof(GOOD) - 1; n++)
		assert_int_equal(hl_event_parse(text, n, &e, NULL), HL_EINPUT);
}

/* ---- limits -------------------------------------------------------------- */

static hl_event
event_of(size_t n)
{
	hl_event e = { .seq = 7, .kind = "card.seen" };
	char *text = calloc(1, n + 1);

	assert_non_null(text);
	memset(text, 'x', n);
	e.body = json_pack("{s:s}", "t", text);
	assert_non_null(e.body);
	free(text);
	return e;
}

static void
longest(void **state)
{
	hl_buf bytes = HL_BUF_INIT;
	hl_event e = event_of(0), back;
	size_t rest;
	hl_err err = { 0 };

	(void)state;
	assert_int_equal(hl_event_put(&bytes, &e, NULL), HL_OK);
	rest = HL_EVENT_MAX - bytes.n;
	hl_event_free(&e);
	hl_buf_free(&bytes);
	e = event_of(rest);
	assert_int_equal(hl_event_put(&bytes, &e, NULL), HL_OK);
	assert_int_equal(bytes.n, HL_EVENT_MAX);
	assert_int_equal(hl_event_parse(bytes.p, bytes.n, &back, NULL), HL_OK);
	hl_event_free(&back);
	hl_event_free(&e);
	/* one byte longer, written by somebody else */
	bytes.p[bytes.n - 1] = ' ';
	hl_buf_u8(&bytes, '}');
	assert_int_equal(
	    hl_event_parse(bytes.p, bytes.n, &back, &err), HL_EINPUT);
	assert_string_equal(err.why, "it is too long");
	hl_buf_free(&bytes);
	e = event_of(rest + 1);
	assert_int_equal(hl_event_put(&bytes, &e, &err), HL_EINPUT);
	assert_non_null(strstr(err.why, "65536"));
	hl_event_free(&e);
	hl_buf_free(&bytes);
}

static void
station_of_all_sizes(void **state)
{
	hl_event e = event_of(1), back;

	(void)state;
	for (size_t n = 0; n <= HL_TEXT_MAX; n++) {
		hl_buf bytes = HL_BUF_INIT;

		memset(e.station, 's', n);
		e.station[n] = '\0';
		assert_int_equal(hl_event_put(&bytes, &e, NULL), HL_OK);
		assert_int_equal(
		    hl_event_parse(bytes.p, bytes.n, &back, NULL), HL_OK);
		assert_string_equal(back.station, e.station);
		hl_event_free(&back);
		hl_buf_free(&bytes);
	}
	hl_event_free(&e);
	assert_int_equal(HL_TEXT_MAX, 256);
	{
		hl_buf text = HL_BUF_INIT;
		char by[HL_TEXT_MAX + 2];

		memset(by, 's', sizeof(by) - 1);
		by[sizeof(by) - 1] = '\0';
		replace(&text, "desk 1", by);
		assert_int_equal(
		    hl_event_parse(text.p, text.n, &back, NULL), HL_EINPUT);
		hl_buf_free(&text);
	}
}

static void
expect_refused(hl_event *e, const char *why)
{
	hl_buf bytes = HL_BUF_INIT;
	hl_err err = { 0 };

	assert_int_equal(hl_event_put(&bytes, e, &err), HL_EINPUT);
	if (strstr(err.why, why) == NULL)
		fail_msg("%s: %s", why, err.why);
	hl_buf_free(&bytes);
}

static void
not_written(void **state)
{
	const hl_event good = event_of(1);
	hl_event e = good;

	(void)state;
	strcpy(e.kind, "card.eaten");
	expect_refused(&e, "its kind is not known");
	e = good;
	e.at = -1;
	expect_refused(&e, "its time cannot be");
	e.at = HL_JCS_INT_MAX + 1;
	expect_refused(&e, "its time cannot be");
	e = good;
	e.seq = (uint64_t)1 << 53;
	expect_refused(&e, "2^53");
	e = good;
	strcpy(e.station, "a\nb");
	expect_refused(&e, "no text");
	e = good;
	strcpy(e.operator_, "\xff");
	expect_refused(&e, "no text");
	e = good;
	e.body = NULL;
	expect_refused(&e, "its body is no object");
	json_decref(good.body);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_and_literals),
		cmocka_unit_test(sorting),
		cmocka_unit_test(escapes),
		cmocka_unit_test(nesting),
		cmocka_unit_test(integers),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(each_field_wrong),
		cmocka_unit_test(body_of_another_type),
		cmocka_unit_test(zero_bytes),
		cmocka_unit_test(longest),
		cmocka_unit_test(station_of_all_sizes),
		cmocka_unit_test(not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
