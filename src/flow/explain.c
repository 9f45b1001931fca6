/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/explain.h"

#include "tool/match.h"
#include "tool/output.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How far `pattern` reaches from `s` on; 0: it is not there. A number or word
 * at its end must end there too: 0x1 is not 0x10. */
static size_t
reach(const char *s, const char *pattern)
{
	const char *p = s;
	char last = '\0';

	for (; *pattern != '\0'; pattern++) {
		if (*pattern == ' ')
			continue;
		p = hl_tool_skip_blanks(p);
		if (lower(*p) != lower(*pattern))
			return 0;
		last = *p++;
	}
	if (hl_tool_is_alnum(last) && hl_tool_is_alnum(*p))
		return 0;
	return (size_t)(p - s);
}

struct search {
	const hl_explanation **out;
	size_t n, max;
};

/* Each once. False: there is no room for more. */
static bool
add(struct search *f, const hl_explanation *e)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->out[i] == e)
			return true;
	if (f->n == f->max)
		return false;
	f->out[f->n++] = e;
	return true;
}

/* The longest one that begins here: what is said of one value of an error is
 * better than what is said of all. */
static const hl_explanation *
find_at(const char *s, size_t *n)
{
	const hl_explanation *best = NULL;
	size_t r;

	*n = 0;
	for (const hl_explanation *e = hl_explanations; e->id != NULL; e++) {
		if ((r = reach(s, e->pattern)) > *n) {
			best = e;
			*n = r;
		}
	}
	return best;
}

static bool
on_line(void *arg, const char *line)
{
	const hl_explanation *e;
	size_t n;

	for (; *line != '\0'; line += n) {
		e = *line == ' ' ? NULL : find_at(line, &n);
		if (e == NULL)
			n = 1;
		else if (!add(arg, e))
			return false;
	}
	return true;
}

size_t
hl_explain(const void *text, size_t n, const hl_explanation **out, size_t max)
{
	struct search f = { out, 0, max };

	hl_tool_lines(text, n, on_line, &f);
	return f.n;
}
