/* SPDX-License-Identifier: Apache-2.0 */
/* Memory words out of an output. */
#include <string.h>

#include "tool/match.h"
#include "tool/output.h"
#include "util/hex.h"

#define WORD_DIGITS 8

typedef struct words_wanted {
	uint32_t address, *words;
	size_t count, got;
} words_wanted;

/* `least` to `most` hex digits; what is behind them, or NULL. */
static const char *
hex_read(const char *s, size_t least, size_t most, uint32_t *v)
{
	size_t n = 0;

	*v = 0;
	while (n < most && hl_hex_digit(s[n]) >= 0)
		*v = *v << 4 | (uint32_t)hl_hex_digit(s[n++]);
	return n < least ? NULL : s + n;
}

static bool
words_line(void *arg, const char *line)
{
	words_wanted *w = arg;
	const char *s = hl_tool_begins(line, "0x");
	uint32_t v;

	if (s == NULL || (s = hex_read(s, 1, WORD_DIGITS, &v)) == NULL ||
	    v != (uint64_t)w->address + 4 * (uint64_t)w->got ||
	    (s = hl_tool_begins(s, ":")) == NULL)
		return true;
	while (w->got < w->count) {
		s = hl_tool_skip_blanks(s);
		s = hex_read(s, WORD_DIGITS, WORD_DIGITS, &v);
		if (s == NULL || (*s != '\0' && *s != ' '))
			break;
		w->words[w->got++] = v;
	}
	return w->got < w->count;
}

bool
hl_tool_words(
    const void *text, size_t n, uint32_t address, uint32_t *words, size_t count)
{
	words_wanted w = { address, words, count, 0 };

	if (count == 0)
		return false;
	hl_tool_lines(text, n, words_line, &w);
	return w.got == count;
}
