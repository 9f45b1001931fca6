/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words and "key : value" in the lines of a tool, whose blanks and letter case
 * differ between versions: both are left out of every comparison.
 */
#ifndef HL_TOOL_MATCH_H
#define HL_TOOL_MATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Keys that are longer are no keys: a sentence with a ':' somewhere. */
#define HL_TOOL_KEY_MAX 64

/* What follows `words` at the beginning of `s`; NULL when they are not there.
 * `words` are lower case without blanks. */
const char *hl_tool_begins(const char *s, const char *words);
/* Where `words` begin in `s`, anywhere; NULL. */
const char *hl_tool_has(const char *s, const char *words);
/*
 * Takes "key : value" apart at the first ':'. The key comes in lower case
 * without blanks; *value, without blanks around it, ends with the line. False:
 * no ':', no key, or too long a one.
 */
bool
hl_tool_pair(const char *line, char key[HL_TOOL_KEY_MAX], const char **value);

/* Independent of the locale. */
bool hl_tool_is_digit(char c);
bool hl_tool_is_alnum(char c);
const char *hl_tool_skip_blanks(const char *s);

#endif
