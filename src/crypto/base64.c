/* SPDX-License-Identifier: Apache-2.0 */
/* Written out, because OpenSSL's decoder takes blanks and missing padding. */
#include "crypto/hash.h"

#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
hl_base64_put(hl_buf *out, const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t in[3], text[4];
	size_t part;

	for (; n > 0; b += part, n -= part) {
		part = n < sizeof(in) ? n : sizeof(in);
		memset(in, 0, sizeof(in));
		memcpy(in, b, part);
		text[0] = (uint8_t)alphabet[in[0] >> 2];
		text[1] = (uint8_t)alphabet[(in[0] & 3) << 4 | in[1] >> 4];
		text[2] = (uint8_t)alphabet[(in[1] & 15) << 2 | in[2] >> 6];
		text[3] = (uint8_t)alphabet[in[2] & 63];
		memset(text + 1 + part, '=', sizeof(in) - part);
		hl_buf_put(out, text, sizeof(text));
	}
}

/* Value of one character, or -1. */
static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Decodes four characters into 1 to 3 bytes; 0: malformed. Unused bits must be
 * zero (RFC 4648, 3.5), so that one content has one text. */
static size_t
quad_decode(const char s[4], bool last, uint8_t out[3])
{
	size_t n = 3;
	uint32_t v = 0;
	int d;

	if (last && s[3] == '=')
		n = s[2] == '=' ? 1 : 2;
	for (size_t i = 0; i < 4; i++) {
		d = i <= n ? sextet(s[i]) : 0;
		if (d < 0)
			return 0;
		v = v << 6 | (uint32_t)d;
	}
	if ((v & ((uint32_t)0xffffff >> (8 * n))) != 0)
		return 0;
	out[0] = (uint8_t)(v >> 16);
	out[1] = (uint8_t)(v >> 8);
	out[2] = (uint8_t)v;
	return n;
}

bool
hl_base64_decode(const char *s, size_t len, hl_buf *out)
{
	uint8_t b[3];

	if (len % 4 != 0)
		return false;
	/* First only look: a refused text must leave the buffer alone. */
	for (size_t i = 0; i < len; i += 4)
		if (quad_decode(s + i, i + 4 == len, b) == 0)
			return false;
	for (size_t i = 0; i < len; i += 4)
		hl_buf_put(out, b, quad_decode(s + i, i + 4 == len, b));
	return !out->failed;
}
