/* SPDX-License-Identifier: Apache-2.0 */
#include "chip/uid.h"

#include <string.h>

#include "util/buf.h"
#include "util/file.h"
#include "util/hex.h"

#define WORD_DIGITS 8
#define WORD_BYTES 4
#define UID_FILE_MAX 256
#define KNOWN "0123456789abcdefABCDEFxX \t,:_"

static const char what[] = "read a chip UID";
static const char hint[] =
    "give 16 to 32 hex digits in memory byte order, or 2 to 4 words of 8 "
    "digits such as \"0x0039002F 0x3137510B 0x39383538\"";

static hl_rc
fail_character(const char *s, size_t at, hl_err *err)
{
	return hl_fail(err, HL_EINPUT, what, hint,
	    "character %zu, '%c', does not belong there", at + 1, s[at]);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t
digits_count(const char *s)
{
	size_t n = 0;

	while (hl_hex_digit(s[n]) >= 0)
		n++;
	return n;
}

/* Steps over blanks with at most one ',', ':' or '_' among them. Zero: there
 * is no separator here. */
static size_t
separator_len(const char *s)
{
	size_t n = 0;

	while (is_blank(s[n]))
		n++;
	if (s[n] == ',' || s[n] == ':' || s[n] == '_')
		n++;
	while (is_blank(s[n]))
		n++;
	return n;
}

/* One word, least significant byte first in memory. */
static bool
word_parse(const char **s, uint8_t out[WORD_BYTES])
{
	const char *p = *s;
	uint8_t be[WORD_BYTES];
	size_t n;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		p += 2;
	if (digits_count(p) != WORD_DIGITS ||
	    !hl_hex_decode(p, WORD_DIGITS, be, sizeof(be), &n))
		return false;
	for (size_t i = 0; i < WORD_BYTES; i++)
		out[i] = be[WORD_BYTES - 1 - i];
	*s = p + WORD_DIGITS;
	return true;
}

static hl_rc
words_parse(const char *s, hl_uid *u, hl_err *err)
{
	const char *p = s;
	size_t sep;

	for (;;) {
		if (u->n == HL_UID_MAX)
			return hl_fail(
			    err, HL_EINPUT, what, hint, "more than 4 words");
		if (!word_parse(&p, u->b + u->n))
			return hl_fail(err, HL_EINPUT, what, hint,
			    "word %zu is not 8 hex digits",
			    u->n / WORD_BYTES + 1);
		u->n += WORD_BYTES;
		if (*p == '\0')
			break;
		if ((sep = separator_len(p)) == 0)
			return fail_character(s, (size_t)(p - s), err);
		p += sep;
	}
	if (u->n < HL_UID_MIN)
		return hl_fail(err, HL_EINPUT, what, hint,
		    "a single word of 4 bytes is not a whole UID");
	return HL_OK;
}

static hl_rc
digits_parse(const char *s, size_t len, hl_uid *u, hl_err *err)
{
	if (len % 2 != 0)
		return hl_fail(err, HL_EINPUT, what, hint,
		    "%zu hex digits are not whole bytes", len);
	if (len / 2 < HL_UID_MIN || len / 2 > HL_UID_MAX)
		return hl_fail(err, HL_EINPUT, what, hint,
		    "%zu hex digits, not 16 to 32", len);
	if (!hl_hex_decode(s, len, u->b, sizeof(u->b), &u->n))
		return hl_fail(err, HL_EINPUT, what, hint, "not hex digits");
	return HL_OK;
}

/* Memory that cannot be read often shows as all 00 or all FF. */
static hl_rc
content_check(const hl_uid *u, hl_err *err)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->b[i] != u->b[0])
			return HL_OK;
	if (u->b[0] != 0x00 && u->b[0] != 0xff)
		return HL_OK;
	return hl_fail(err, HL_EINPUT, what, "read the UID from the chip again",
	    "nothing but %02X: a read that failed, not a UID", u->b[0]);
}

hl_rc
hl_uid_parse(const char *s, hl_uid *out, hl_err *err)
{
	hl_uid u = { { 0 }, 0 };
	size_t len = digits_count(s), known = strspn(s, KNOWN);
	hl_rc rc;

	if (s[0] == '\0')
		return hl_fail(err, HL_EINPUT, what, hint, "it is empty");
	if (s[known] != '\0')
		return fail_character(s, known, err);
	if (s[len] == '\0' && len != WORD_DIGITS)
		rc = digits_parse(s, len, &u, err);
	else
		rc = words_parse(s, &u, err);
	if (rc != HL_OK || (rc = content_check(&u, err)) != HL_OK)
		return rc;
	*out = u;
	return HL_OK;
}

hl_rc
hl_uid_read(hl_uid *out, const char *path, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_rc rc = hl_file_read(path, UID_FILE_MAX, &text, err);

	while (rc == HL_OK && text.n > 0 &&
	    (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	if (rc == HL_OK && text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
		rc = hl_fail(err, HL_EINPUT, what, hint, "it is no text");
	if (rc == HL_OK)
		rc = hl_uid_parse(hl_buf_str(&text), out, err);
	if (rc != HL_OK)
		hl_err_what(err, "read chip UID \"%s\"", path);
	hl_buf_free(&text);
	return rc;
}

void
hl_uid_text(const hl_uid *u, char out[HL_UID_TEXT])
{
	hl_hex_upper(out, u->b, u->n <= HL_UID_MAX ? u->n : HL_UID_MAX);
}

bool
hl_uid_equal(const hl_uid *a, const hl_uid *b)
{
	return a->n == b->n && a->n <= HL_UID_MAX &&
	    memcmp(a->b, b->b, a->n) == 0;
}
