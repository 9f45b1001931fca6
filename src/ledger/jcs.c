/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/jcs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

#define DEPTH_MAX 64

static hl_rc put_value(hl_buf *out, const json_t *v, int depth, hl_err *err);

static hl_rc
fail_value(hl_err *err, const char *why)
{
	return hl_fail(
	    err, HL_EINPUT, "write JSON in its canonical form", "", "%s", why);
}

/* ---- strings (RFC 8785, 3.2.2.2) ----------------------------------------- */

static void
put_escaped(hl_buf *out, uint8_t c)
{
	static const char short_of[] = "\bb\tt\nn\ff\rr\"\"\\\\";

	for (size_t i = 0; i + 1 < sizeof(short_of); i += 2) {
		if (c == (uint8_t)short_of[i]) {
			hl_buf_printf(out, "\\%c", short_of[i + 1]);
			return;
		}
	}
	if (c < 0x20)
		hl_buf_printf(out, "\\u%04x", c);
	else
		hl_buf_u8(out, c);
}

static void
put_string(hl_buf *out, const char *s, size_t n)
{
	hl_buf_u8(out, '"');
	for (size_t i = 0; i < n; i++)
		put_escaped(out, (uint8_t)s[i]);
	hl_buf_u8(out, '"');
}

/* ---- objects, their keys in order of UTF-16 units (3.2.3) ---------------- */

/*
 * The next key to compare by: a code unit, or of a surrogate pair its first
 * and, behind it, its second one.
 */
static uint32_t
next_units(const char **s)
{
	uint32_t cp = 0;
	const size_t n = hl_text_rune(*s, strlen(*s), &cp);

	if (n == 0)
		return 0; /* the end */
	*s += n;
	if (cp < 0x10000)
		return cp << 16;
	cp -= 0x10000;
	return (0xD800 + (cp >> 10)) << 16 | (0xDC00 + (cp & 0x3ff));
}

static int
compare_keys(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	uint32_t u, v;

	do {
		u = next_units(&x);
		v = next_units(&y);
	} while (u == v && u != 0);
	return u < v ? -1 : u > v;
}

static hl_rc
put_members(hl_buf *out, const json_t *o, const char **keys, size_t n,
    int depth, hl_err *err)
{
	hl_rc rc = HL_OK;

	qsort(keys, n, sizeof(keys[0]), compare_keys);
	for (size_t i = 0; i < n && rc == HL_OK; i++) {
		if (i > 0)
			hl_buf_u8(out, ',');
		put_string(out, keys[i], strlen(keys[i]));
		hl_buf_u8(out, ':');
		rc = put_value(out, json_object_get(o, keys[i]), depth, err);
	}
	return rc;
}

static hl_rc
put_object(hl_buf *out, const json_t *v, int depth, hl_err *err)
{
	/* jansson's iterators take no const object, and change none */
	json_t *o = (json_t *)(uintptr_t)v;
	const size_t n = json_object_size(o);
	const char **keys;
	size_t i = 0;
	hl_rc rc;

	if ((keys = calloc(n + 1, sizeof(keys[0]))) == NULL)
		return hl_nomem(err);
	for (void *it = json_object_iter(o); it != NULL && i < n;
	     it = json_object_iter_next(o, it))
		keys[i++] = json_object_iter_key(it);
	hl_buf_u8(out, '{');
	rc = put_members(out, o, keys, i, depth, err);
	hl_buf_u8(out, '}');
	free(keys);
	return rc;
}

static hl_rc
put_array(hl_buf *out, const json_t *v, int depth, hl_err *err)
{
	hl_rc rc = HL_OK;

	hl_buf_u8(out, '[');
	for (size_t i = 0; i < json_array_size(v) && rc == HL_OK; i++) {
		if (i > 0)
			hl_buf_u8(out, ',');
		rc = put_value(out, json_array_get(v, i), depth, err);
	}
	hl_buf_u8(out, ']');
	return rc;
}

static hl_rc
put_value(hl_buf *out, const json_t *v, int depth, hl_err *err)
{
	if (depth >= DEPTH_MAX)
		return fail_value(err, "it is nested too deep");
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return put_object(out, v, depth + 1, err);
	case JSON_ARRAY:
		return put_array(out, v, depth + 1, err);
	case JSON_STRING:
		put_string(out, json_string_value(v), json_string_length(v));
		return HL_OK;
	case JSON_INTEGER:
		if (json_integer_value(v) > HL_JCS_INT_MAX ||
		    json_integer_value(v) < -HL_JCS_INT_MAX)
			return fail_value(err, "an integer is 2^53 or more");
		hl_buf_printf(
		    out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return HL_OK;
	case JSON_REAL:
		return fail_value(err, "a number is no integer");
	case JSON_TRUE:
		hl_buf_put(out, "true", 4);
		return HL_OK;
	case JSON_FALSE:
		hl_buf_put(out, "false", 5);
		return HL_OK;
	case JSON_NULL:
	default:
		hl_buf_put(out, "null", 4);
		return HL_OK;
	}
}

hl_rc
hl_jcs_put(hl_buf *out, const json_t *v, hl_err *err)
{
	hl_rc rc;

	if (v == NULL)
		return hl_nomem(err); /* a value that could not be made */
	rc = put_value(out, v, 0, err);
	return rc == HL_OK && out->failed ? hl_nomem(err) : rc;
}
