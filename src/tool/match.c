/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/match.h"

#include <string.h>

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool
hl_tool_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
hl_tool_is_alnum(char c)
{
	const char l = lower(c);

	return hl_tool_is_digit(c) || (l >= 'a' && l <= 'z');
}

const char *
hl_tool_skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

const char *
hl_tool_begins(const char *s, const char *words)
{
	for (; *words != '\0'; words++, s++) {
		s = hl_tool_skip_blanks(s);
		if (lower(*s) != *words)
			return NULL;
	}
	return s;
}

const char *
hl_tool_has(const char *s, const char *words)
{
	for (; *s != '\0'; s++) {
		if (*s != ' ' && hl_tool_begins(s, words) != NULL)
			return s;
	}
	return NULL;
}

bool
hl_tool_pair(const char *line, char key[HL_TOOL_KEY_MAX], const char **value)
{
	const char *colon = strchr(line, ':');
	size_t n = 0;

	if (colon == NULL)
		return false;
	for (const char *s = line; s < colon; s++) {
		if (*s == ' ')
			continue;
		if (n == HL_TOOL_KEY_MAX - 1)
			return false;
		key[n++] = lower(*s);
	}
	key[n] = '\0';
	*value = hl_tool_skip_blanks(colon + 1);
	return n > 0;
}
