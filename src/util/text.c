/* SPDX-License-Identifier: Apache-2.0 */
#include "util/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CP_MAX 0x10ffff

typedef struct range {
	uint32_t first, last;
} range;

/* Marks that sit on the character before them, and invisible ones. */
static const range zero_width[] = {
	{ 0x00300, 0x0036f },
	{ 0x00483, 0x00489 },
	{ 0x00591, 0x005bd },
	{ 0x005bf, 0x005bf },
	{ 0x005c1, 0x005c2 },
	{ 0x005c4, 0x005c5 },
	{ 0x005c7, 0x005c7 },
	{ 0x00610, 0x0061a },
	{ 0x0064b, 0x0065f },
	{ 0x00670, 0x00670 },
	{ 0x006d6, 0x006dc },
	{ 0x006df, 0x006e4 },
	{ 0x006e7, 0x006e8 },
	{ 0x006ea, 0x006ed },
	{ 0x00900, 0x00902 },
	{ 0x0093a, 0x0093a },
	{ 0x0093c, 0x0093c },
	{ 0x00941, 0x00948 },
	{ 0x0094d, 0x0094d },
	{ 0x00951, 0x00957 },
	{ 0x00e31, 0x00e31 },
	{ 0x00e34, 0x00e3a },
	{ 0x00e47, 0x00e4e },
	{ 0x01160, 0x011ff },
	{ 0x01ab0, 0x01aff },
	{ 0x01dc0, 0x01dff },
	{ 0x0200b, 0x0200f },
	{ 0x0202a, 0x0202e },
	{ 0x02060, 0x02064 },
	{ 0x020d0, 0x020f0 },
	{ 0x0302a, 0x0302d },
	{ 0x03099, 0x0309a },
	{ 0x0fe00, 0x0fe0f },
	{ 0x0fe20, 0x0fe2f },
	{ 0x0feff, 0x0feff },
	{ 0xe0100, 0xe01ef },
};

/* Unicode Standard Annex 11: wide and fullwidth. */
static const range two_wide[] = {
	{ 0x01100, 0x0115f },
	{ 0x0231a, 0x0231b },
	{ 0x02e80, 0x0303e },
	{ 0x03041, 0x033ff },
	{ 0x03400, 0x04dbf },
	{ 0x04e00, 0x0a4cf },
	{ 0x0a960, 0x0a97c },
	{ 0x0ac00, 0x0d7a3 },
	{ 0x0f900, 0x0faff },
	{ 0x0fe30, 0x0fe6f },
	{ 0x0ff01, 0x0ff60 },
	{ 0x0ffe0, 0x0ffe6 },
	{ 0x16fe0, 0x18aff },
	{ 0x1b000, 0x1b2ff },
	{ 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff },
	{ 0x1f900, 0x1f9ff },
	{ 0x20000, 0x3fffd },
};

/* They show nothing, break a line, or turn the order of what is around them. */
static const range hidden[] = {
	{ 0x000ad, 0x000ad },
	{ 0x0061c, 0x0061c },
	{ 0x0200b, 0x0200b },
	{ 0x0200e, 0x0200f },
	{ 0x02028, 0x0202e },
	{ 0x02060, 0x0206f },
	{ 0x0feff, 0x0feff },
	{ 0x0fff9, 0x0fffb },
	{ 0xe0000, 0xe007f },
};

static bool
in_ranges(const range *r, size_t n, uint32_t cp)
{
	for (size_t i = 0; i < n && r[i].first <= cp; i++) {
		if (cp <= r[i].last)
			return true;
	}
	return false;
}

size_t
hl_text_rune(const char *s, size_t n, uint32_t *cp)
{
	/* the smallest code point that needs this many bytes */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	size_t len = 1;
	uint32_t v;

	if (n == 0)
		return 0;
	v = u[0];
	if (v >= 0x80) {
		if (v < 0xc2 || v > 0xf4)
			return 0;
		len = v < 0xe0 ? 2 : v < 0xf0 ? 3 : 4;
		v &= 0x7fU >> len;
	}
	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (u[i] & 0x3f);
	}
	if (v < least[len] || v > CP_MAX || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*cp = v;
	return len;
}

bool
hl_text_valid(const char *s, size_t n)
{
	uint32_t cp;
	size_t len;

	for (; n > 0; s += len, n -= len) {
		if ((len = hl_text_rune(s, n, &cp)) == 0)
			return false;
		if (cp < 0x20 || (cp >= 0x7f && cp <= 0x9f))
			return false;
	}
	return true;
}

static hl_rc
bad_field(const char *name, hl_err *err, const char *hint, const char *why)
{
	const hl_rc rc = hl_fail(err, HL_EINPUT, "", hint, "%s", why);

	hl_err_what(err, "check the %s", name);
	return rc;
}

hl_rc
hl_text_check(const char *name, const char *s, bool empty_ok, hl_err *err)
{
	const size_t n = s == NULL ? 0 : strnlen(s, HL_TEXT_MAX + 1);

	if (n == 0) {
		if (empty_ok)
			return HL_OK;
		return bad_field(
		    name, err, "give at least one character", "it is empty");
	}
	if (n > HL_TEXT_MAX) {
		return bad_field(name, err, "give a shorter one",
		    "it is longer than 256 bytes");
	}
	if (!hl_text_valid(s, n)) {
		return bad_field(name, err,
		    "give text in UTF-8 without line breaks and tabs",
		    "it is not valid UTF-8, or has control characters");
	}
	return HL_OK;
}

bool
hl_text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
hl_text_ends(const char *s, const char *suffix)
{
	const size_t n = strlen(s), e = strlen(suffix);

	return n >= e && strcmp(s + n - e, suffix) == 0;
}

bool
hl_text_copy(char *dst, size_t size, const char *src)
{
	size_t n;

	if (size == 0)
		return false;
	n = strnlen(src, size);
	if (n < size) {
		memcpy(dst, src, n + 1);
		return true;
	}
	memcpy(dst, src, size - 1);
	dst[size - 1] = '\0';
	return false;
}

/* The bytes of a character whose end was cut off, behind the last whole one. */
static size_t
cut_tail(const char *s, size_t n)
{
	size_t back = 0;

	while (
	    back < 3 && back < n && ((uint8_t)s[n - 1 - back] & 0xC0) == 0x80)
		back++;
	if (back < n && ((uint8_t)s[n - 1 - back] & 0xC0) == 0xC0)
		back++;
	return back <= n && !hl_text_valid(s + n - back, back) ? back : 0;
}

bool
hl_text_vformat(char *dst, size_t size, const char *fmt, va_list ap)
{
	const int all = vsnprintf(dst, size, fmt, ap);
	size_t n;

	if (all >= 0 && (size_t)all < size)
		return true;
	if (all < 0)
		dst[0] = '\0';
	n = strlen(dst);
	dst[n - cut_tail(dst, n)] = '\0';
	return false;
}

bool
hl_text_format(char *dst, size_t size, const char *fmt, ...)
{
	va_list ap;
	bool all;

	va_start(ap, fmt);
	all = hl_text_vformat(dst, size, fmt, ap);
	va_end(ap);
	return all;
}

#define WORD_MAX ((size_t)31)

/* Levenshtein's; row[j] is the distance of a's first i bytes to b's first j. */
size_t
hl_text_distance(const char *a, const char *b)
{
	const size_t n = strlen(b);
	size_t row[WORD_MAX + 1], corner, above;

	if (n > WORD_MAX || strlen(a) > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			above = row[j];
			if (a[i - 1] != b[j - 1])
				corner++;
			if (above + 1 < corner)
				corner = above + 1;
			if (row[j - 1] + 1 < corner)
				corner = row[j - 1] + 1;
			row[j] = corner;
			corner = above;
		}
	}
	return row[n];
}

/* Would a shell leave it in one piece? */
static bool
is_plain_word(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:@%+,=-";

	return s[0] != '\0' && s[strspn(s, plain)] == '\0';
}

bool
hl_text_word(char *dst, size_t size, const char *src)
{
	size_t n = 0;

	if (is_plain_word(src))
		return hl_text_copy(dst, size, src);
	/* Room for an escaped character, the closing quote and the NUL. */
	for (dst[n++] = '"'; *src != '\0' && n + 4 <= size; src++) {
		if (strchr("\"$`\\", *src) != NULL)
			dst[n++] = '\\';
		dst[n++] = *src;
	}
	dst[n++] = '"';
	dst[n] = '\0';
	return *src == '\0';
}

void
hl_text_clean(char *s)
{
	size_t n = strlen(s), len;
	uint32_t cp;

	for (; n > 0; s += len, n -= len) {
		len = hl_text_rune(s, n, &cp);
		if (len == 0)
			len = 1;
		else if (cp >= 0x20 && (cp < 0x7f || cp > 0x9f) &&
		    !in_ranges(hidden, HL_COUNT(hidden), cp))
			continue;
		/* one '?' for each byte keeps the length */
		memset(s, '?', len);
	}
}

bool
hl_text_u64(const char *s, uint64_t max, uint64_t *v)
{
	uint64_t sum = 0;

	if (s == NULL || *s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		const unsigned digit = (unsigned)(*s - '0');

		if (*s < '0' || *s > '9' || sum > max / 10 ||
		    digit > max - sum * 10)
			return false;
		sum = sum * 10 + digit;
	}
	*v = sum;
	return true;
}

size_t
hl_text_width(const char *s)
{
	size_t n = strlen(s), width = 0, len;
	uint32_t cp;

	for (; n > 0; s += len, n -= len) {
		len = hl_text_rune(s, n, &cp);
		if (len == 0) { /* a terminal shows a broken byte as one */
			len = 1;
			width++;
		} else if (in_ranges(two_wide, HL_COUNT(two_wide), cp))
			width += 2;
		else if (!in_ranges(zero_width, HL_COUNT(zero_width), cp))
			width++;
	}
	return width;
}
