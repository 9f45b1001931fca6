/* SPDX-License-Identifier: Apache-2.0 */
/* Any text: what is found is in it, each once, and less room finds the same. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "flow/explain.h"
#include "fuzz/must.h"

#define MAX 64

/* Are the letters of the pattern in the text, in their order? Colors and blanks
 * may stand between them. */
static int
is_in(const char *pattern, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size && *pattern != '\0'; i++) {
		while (*pattern == ' ')
			pattern++;
		if (tolower(data[i]) == tolower((unsigned char)*pattern))
			pattern++;
	}
	return *pattern == '\0';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const hl_explanation *found[MAX], *less[MAX];
	const size_t n = hl_explain(data, size, found, MAX);

	MUST(n < MAX);
	for (size_t i = 0; i < n; i++) {
		MUST(is_in(found[i]->pattern, data, size));
		for (size_t k = 0; k < i; k++)
			MUST(found[k] != found[i]);
		MUST(hl_explain(data, size, less, i) == i);
		MUST(i == 0 || memcmp(less, found, i * sizeof(*less)) == 0);
	}
	return 0;
}
