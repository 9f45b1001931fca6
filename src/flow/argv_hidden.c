/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a word turns into when it is taken apart at its blanks, as by a script
 * in the place of the tool that hands its words on with an unquoted $*.
 */
#include <string.h>
#include <strings.h>

#include "flow/argv_int.h"

bool
hl_argv_is_gap(char c)
{
	return c > 0 && c <= 0x20;
}

const char *
hl_argv_skip_gaps(const char *s)
{
	while (hl_argv_is_gap(*s))
		s++;
	return s;
}

/* Would it ask a card as a word of its own? `next` is behind its last one. */
static bool
asks(const char *piece, const char *next)
{
	const char *name = hl_argv_name(piece), *end;
	bool dash = false;

	/* "a - hsm.sfi": that dash is another word */
	for (const char *p = piece; p < name; p++) {
		if (hl_argv_is_gap(*p))
			return false;
		dash = dash || (*p != '"' && *p != '\'');
	}
	if (dash && hl_argv_is_modules(name))
		return true;
	if (strncasecmp(name, "hsm", 3) != 0)
		return false;
	end = hl_argv_skip_gaps(name + 3);
	if (*end == '\0' && next != NULL)
		end = hl_argv_skip_gaps(next); /* "a hsm" =1 */
	return dash || *end == '=';
}

bool
hl_argv_hides(const char *word, const char *next)
{
	for (const char *p = word; *p != '\0'; p++)
		if (hl_argv_is_gap(*p) && !hl_argv_is_gap(p[1]) &&
		    asks(p + 1, next))
			return true;
	return false;
}
