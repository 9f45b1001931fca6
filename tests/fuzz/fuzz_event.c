/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event of the ledger. What is accepted is spelled again from its parts, by
 * a writer of the harness's own, and must come out byte for byte.
 */
#include <stdlib.h>
#include <string.h>

#include "ledger/event.h"
#include "ledger/jcs.h"
#include "util/clock.h"
#include "util/text.h"

#include "fuzz/must.h"

/* ---- a plain writer of canonical JSON ------------------------------------ */

static void
put_text(hl_buf *out, const char *s)
{
	hl_buf_u8(out, '"');
	for (; *s != '\0'; s++) {
		const uint8_t c = (uint8_t)*s;

		if (c == '"' || c == '\\')
			hl_buf_printf(out, "\\%c", c);
		else if (c == '\b')
			hl_buf_printf(out, "\\b");
		else if (c == '\t')
			hl_buf_printf(out, "\\t");
		else if (c == '\n')
			hl_buf_printf(out, "\\n");
		else if (c == '\f')
			hl_buf_printf(out, "\\f");
		else if (c == '\r')
			hl_buf_printf(out, "\\r");
		else if (c < 0x20)
			hl_buf_printf(out, "\\u%04x", c);
		else
			hl_buf_u8(out, c);
	}
	hl_buf_u8(out, '"');
}

/* A key as UTF-16, ended by 0. */
static uint16_t *
utf16(const char *s)
{
	uint16_t *u = calloc(strlen(s) + 1, sizeof(*u)), *p = u;
	uint32_t cp;
	size_t n;

	MUST(u != NULL);
	while ((n = hl_text_rune(s, strlen(s), &cp)) > 0) {
		s += n;
		if (cp >= 0x10000) {
			*p++ = (uint16_t)(0xd7c0 + (cp >> 10));
			cp = 0xdc00 | (cp & 0x3ff);
		}
		*p++ = (uint16_t)cp;
	}
	MUST(*s == '\0');
	return u;
}

static int
compare(const char *a, const char *b)
{
	uint16_t *x = utf16(a), *y = utf16(b);
	size_t i = 0;
	int r;

	while (x[i] == y[i] && x[i] != 0)
		i++;
	r = (int)x[i] - (int)y[i];
	free(x);
	free(y);
	return r;
}

/* The smallest key above `last`; NULL: none. */
static const char *
next_key(json_t *o, const char *last)
{
	const char *key, *best = NULL;
	json_t *v;

	json_object_foreach(o, key, v)
	{
		if ((last == NULL || compare(key, last) > 0) &&
		    (best == NULL || compare(key, best) < 0))
			best = key;
	}
	return best;
}

static void
put_body(hl_buf *out, json_t *body)
{
	const char *key = NULL;
	size_t n = 0;

	hl_buf_u8(out, '{');
	while ((key = next_key(body, key)) != NULL) {
		const json_t *v = json_object_get(body, key);

		if (n++ > 0)
			hl_buf_u8(out, ',');
		put_text(out, key);
		hl_buf_u8(out, ':');
		if (json_is_string(v))
			put_text(out, json_string_value(v));
		else if (json_is_integer(v)) {
			MUST(llabs(json_integer_value(v)) <= HL_JCS_INT_MAX);
			hl_buf_printf(out, "%" JSON_INTEGER_FORMAT,
			    json_integer_value(v));
		} else
			hl_buf_printf(out, "%s",
			    json_is_true(v)	   ? "true"
				: json_is_false(v) ? "false"
						   : "null");
	}
	hl_buf_u8(out, '}');
	MUST(n == json_object_size(body));
}

static void
check_again(const hl_event *e, const uint8_t *data, size_t size)
{
	char at[HL_TIME_TEXT];
	hl_buf b = HL_BUF_INIT;

	hl_time_text(e->at, at);
	hl_buf_printf(&b, "{\"at\":\"%s\",\"body\":", at);
	put_body(&b, e->body);
	hl_buf_printf(&b, ",\"kind\":\"%s\",\"operator\":", e->kind);
	put_text(&b, e->operator_);
	hl_buf_printf(
	    &b, ",\"seq\":%llu,\"station\":", (unsigned long long)e->seq);
	put_text(&b, e->station);
	hl_buf_printf(&b, ",\"v\":1}");
	MUST(!b.failed && b.n == size && memcmp(b.p, data, size) == 0);
	hl_buf_free(&b);
}

static void
check_accepted(hl_event *e, const uint8_t *data, size_t size)
{
	MUST(size <= HL_EVENT_MAX);
	MUST(hl_event_kind_known(e->kind));
	MUST(hl_text_valid(e->station, strlen(e->station)));
	MUST(hl_text_valid(e->operator_, strlen(e->operator_)));
	MUST(e->at >= 0 && json_is_object(e->body));
	check_again(e, data, size);
	hl_event_free(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hl_err err = { 0 }, no_err = { 0 };
	hl_event e, was;
	hl_rc rc;

	memset(&was, 0x5a, sizeof(was));
	e = was;
	rc = hl_event_parse(
	    size == 0 ? (const uint8_t *)"" : data, size, &e, &err);
	if (rc == HL_OK) {
		MUST(memcmp(&err, &no_err, sizeof(err)) == 0);
		check_accepted(&e, data, size);
	} else {
		MUST(rc == HL_EINPUT && err.rc == HL_EINPUT);
		MUST(memcmp(&e, &was, sizeof(e)) == 0);
		MUST(err.why[0] != '\0');
		MUST(hl_text_valid(err.why, strlen(err.why)));
	}
	return 0;
}
