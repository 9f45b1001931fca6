/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_view.h"

#include <string.h>

#define WIDTH 79U
#define LABEL 10U /* "  source: " */

/* Words behind a label; what does not fit goes below, an address in one piece.
 */
static void
print_wrapped(const char *label, const char *text, FILE *f)
{
	size_t column = LABEL;

	(void)fprintf(f, "  %-*s", (int)LABEL - 2, label);
	for (size_t n; *text != '\0'; text += n) {
		text += strspn(text, " ");
		n = strcspn(text, " ");
		if (column > LABEL && column + 1 + n > WIDTH) {
			(void)fprintf(f, "\n%*s", (int)LABEL, "");
			column = LABEL;
		}
		column += n + (column > LABEL);
		(void)fprintf(
		    f, "%s%.*s", column > LABEL + n ? " " : "", (int)n, text);
	}
	(void)fputc('\n', f);
}

static void
print_all(const char *label, const char *const *texts, FILE *f)
{
	for (; *texts != NULL; texts++)
		print_wrapped(label, *texts, f);
}

static bool
is_in(const char *const *texts, const char *text)
{
	for (; *texts != NULL; texts++)
		if (strcmp(*texts, text) == 0)
			return true;
	return false;
}

static bool
doubts(const hl_explanation *const *found, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (found[i]->doubts_license)
			return true;
	return false;
}

static void
print_causes(const hl_explanation *const *found, size_t i, FILE *f)
{
	for (const char *const *t = found[i]->causes; *t != NULL; t++) {
		bool said = false;

		for (size_t k = 0; k < i && !said; k++)
			said = is_in(found[k]->causes, *t);
		if (!said)
			print_wrapped("cause:", *t, f);
	}
	if (found[i]->causes[0] == NULL)
		print_wrapped("cause:", "none is known", f);
}

static void
print_next(const hl_explanation *const *found, size_t n, size_t i, FILE *f)
{
	const bool again = !doubts(found, n);

	for (const char *const *t = found[i]->next; *t != NULL; t++) {
		bool said = !again && strcmp(*t, hl_explain_retry) == 0;

		for (size_t k = 0; k < i && !said; k++)
			said = is_in(found[k]->next, *t);
		if (!said)
			print_wrapped("next:", *t, f);
	}
}

void
hl_explanation_print(
    const hl_explanation *const *found, size_t n, size_t i, FILE *f)
{
	const hl_explanation *e = found[i];

	(void)fprintf(f, "\"%s\"  [%s]\n", e->pattern, e->id);
	print_wrapped("means:", e->means, f);
	print_causes(found, i, f);
	print_next(found, n, i, f);
	print_all("source:", e->sources, f);
}

static json_t *
texts_json(const char *const *texts)
{
	json_t *a = json_array();

	for (; a != NULL && *texts != NULL; texts++)
		(void)json_array_append_new(a, json_string(*texts));
	return a;
}

json_t *
hl_json_explanation(const hl_explanation *e)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:b}", "id", e->id,
	    "pattern", e->pattern, "means", e->means, "causes",
	    texts_json(e->causes), "next", texts_json(e->next), "sources",
	    texts_json(e->sources), "doubts_license", e->doubts_license);
}
