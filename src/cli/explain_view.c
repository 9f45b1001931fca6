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

void
hl_explanation_print(const hl_explanation *e, FILE *f)
{
	(void)fprintf(f, "\"%s\"  [%s]\n", e->pattern, e->id);
	print_wrapped("means:", e->means, f);
	print_all("cause:", e->causes, f);
	if (e->causes[0] == NULL)
		print_wrapped("cause:", "none is known", f);
	print_all("next:", e->next, f);
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
