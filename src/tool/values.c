/* SPDX-License-Identifier: Apache-2.0 */
/* Single values out of an output: memory words, "key : value". */
#include <string.h>

#include "tool/match.h"
#include "tool/output.h"
#include "util/hex.h"
#include "util/text.h"

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

typedef struct value_wanted {
	char key[HL_TOOL_KEY_MAX];
	char *value;
	size_t size;
	bool found;
} value_wanted;

static bool
value_line(void *arg, const char *line)
{
	value_wanted *w = arg;
	char key[HL_TOOL_KEY_MAX];
	const char *value;

	if (!hl_tool_pair(line, key, &value) || strcmp(key, w->key) != 0)
		return true;
	if (hl_text_copy(w->value, w->size, value))
		w->found = true;
	else
		w->value[0] = '\0';
	return false;
}

bool
hl_tool_value(
    const void *text, size_t n, const char *key, char *value, size_t size)
{
	value_wanted w = { "", value, size, false };
	char line[HL_TOOL_KEY_MAX + 1];
	const char *none;

	if (size == 0)
		return false;
	value[0] = '\0';
	/* the key in the form that hl_tool_pair() gives */
	if (!hl_text_format(line, sizeof(line), "%s:", key) ||
	    !hl_tool_pair(line, w.key, &none))
		return false;
	hl_tool_lines(text, n, value_line, &w);
	return w.found;
}
