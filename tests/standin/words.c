/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind an option. */
#include <string.h>
#include <strings.h>

#include "standin.h"
#include "util/text.h"

/* The operands that are KEY=VALUE; any other word with a '=' is a file. */
static const char *const keys[] = { "hsm", "slot", "protocol" };

static const char *
value_of(const char *word, const char *key)
{
	const size_t n = strlen(key);

	return strncasecmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1
								: NULL;
}

const char *
words_value(const struct words *w, const char *key)
{
	const char *v;

	for (size_t i = 0; i < w->n; i++)
		if ((v = value_of(w->w[i], key)) != NULL)
			return v;
	return NULL;
}

static bool
is_plain(const char *word)
{
	for (size_t i = 0; i < HL_COUNT(keys); i++)
		if (value_of(word, keys[i]) != NULL)
			return false;
	return true;
}

const char *
words_plain(const struct words *w, size_t i)
{
	for (size_t k = 0; k < w->n; k++)
		if (is_plain(w->w[k]) && i-- == 0)
			return w->w[k];
	return NULL;
}

unsigned
words_slot(const struct words *w)
{
	const char *v = words_value(w, "slot");
	uint64_t slot = 1;

	if (v != NULL && !hl_text_u64(v, 1000, &slot))
		return 0;
	return (unsigned)slot;
}

const char *
words_of(const struct tool *t, const char *option)
{
	for (int i = 1; i + 1 < t->argc; i++)
		if (strcmp(t->argv[i] +
			    (t->argv[i][0] == '-' && t->argv[i][1] == '-'),
			option) == 0 &&
		    t->argv[i + 1][0] != '-')
			return t->argv[i + 1];
	return NULL;
}
