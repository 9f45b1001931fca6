/* SPDX-License-Identifier: Apache-2.0 */
#include "util/hex.h"

static void
encode(char *out, const void *p, size_t n, const char digits[16])
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[b[i] >> 4];
		*out++ = digits[b[i] & 15];
	}
	*out = '\0';
}

void
hl_hex_lower(char *out, const void *p, size_t n)
{
	encode(out, p, n, "0123456789abcdef");
}

void
hl_hex_upper(char *out, const void *p, size_t n)
{
	encode(out, p, n, "0123456789ABCDEF");
}

int
hl_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hl_hex_decode(const char *s, size_t len, uint8_t *out, size_t max, size_t *n)
{
	if (len % 2 != 0 || len / 2 > max)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (hl_hex_digit(s[i]) < 0)
			return false;
	}
	for (size_t i = 0; i < len / 2; i++) {
		const unsigned hi = (unsigned)hl_hex_digit(s[2 * i]);
		const unsigned lo = (unsigned)hl_hex_digit(s[2 * i + 1]);

		out[i] = (uint8_t)(hi << 4 | lo);
	}
	*n = len / 2;
	return true;
}
