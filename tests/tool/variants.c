/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/variants.h"

#include <stdbool.h>
#include <string.h>

const char *const variant_name[VARIANT_COUNT] = { "plain", "CR LF", "CR",
	"colors", "clock", "log", "tight", "wide", "comma", "no end" };

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Is the ':' at s[i] one with text on both sides, not one of a time or path? */
static bool
is_separator(const char *s, size_t i)
{
	return s[i] == ':' && i > 0 && !is_digit(s[i - 1]) && s[i + 1] != '\\';
}

/* The '.' of "3.30V" or "00:00:07.059", not of a version. */
static bool
is_point(const char *s, size_t i)
{
	size_t n = i + 1;

	while (is_digit(s[n]))
		n++;
	return s[i] == '.' && n > i + 1 && i > 0 && is_digit(s[i - 1]) &&
	    (s[n] == 'V' || (i > 2 && s[i - 3] == ':'));
}

static void
write_char(const char *s, size_t i, variant v, hl_buf *out)
{
	if (v == VARIANT_COMMA && is_point(s, i))
		hl_buf_u8(out, ',');
	else if (v == VARIANT_WIDE && is_separator(s, i))
		hl_buf_printf(out, " \t:   ");
	else if (v == VARIANT_TIGHT && s[i] == ' ' &&
	    ((s[i + 1] == ':' && is_separator(s, i + 1)) ||
		(i > 0 && s[i - 1] == ':' && i > 1 && is_separator(s, i - 1))))
		return;
	else
		hl_buf_u8(out, (uint8_t)s[i]);
}

static void
write_line(const char *s, size_t n, variant v, bool last, hl_buf *out)
{
	if (v == VARIANT_COLORS)
		hl_buf_printf(out, "\x1b[39;49m\x1b[0m\x1b[32m");
	else if (v == VARIANT_CLOCK)
		hl_buf_printf(out, "07:08:09 : ");
	else if (v == VARIANT_LOG)
		hl_buf_printf(out, "2024-11-10 15:49:30,796 - root - DEBUG - ");
	for (size_t i = 0; i < n; i++)
		write_char(s, i, v, out);
	if (v == VARIANT_COLORS)
		hl_buf_printf(out, "\x1b[00m\x1b[K");
	if (v == VARIANT_CRLF || v == VARIANT_CR)
		hl_buf_u8(out, '\r');
	if (v != VARIANT_CR && !(v == VARIANT_NO_END && last))
		hl_buf_u8(out, '\n');
}

void
variant_write(const char *text, variant v, hl_buf *out)
{
	while (*text != '\0') {
		const size_t n = strcspn(text, "\n");

		write_line(text, n, v, text[n + 1] == '\0', out);
		text += n + 1;
	}
}
