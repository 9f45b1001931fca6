/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to ask no card still does not with rows of licenses around it,
 * and does with one row of a firmware. */
#include <stdlib.h>
#include <string.h>

#include "flow/argv.h"
#include "fuzz/must.h"

#define LICENSE "m.smu, l.bin, 0x1\n"
#define FIRMWARE "m.smu, FWID, 0x1\n"

static bool
asks_with(const char *row, const uint8_t *data, size_t size, int behind)
{
	const size_t n = strlen(row);
	char *text = malloc(n + size + 1);
	bool asks;

	MUST(text != NULL);
	memcpy(text + (behind ? size + 1 : 0), row, n);
	if (size > 0)
		memcpy(text + (behind ? 0 : n), data, size);
	if (behind)
		text[size] = '\n';
	asks = hl_argv_mcsv_asks(text, n + size + (behind ? 1 : 0));
	free(text);
	return asks;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const bool asks = hl_argv_mcsv_asks(data, size);

	for (int behind = 0; behind < 2; behind++) {
		MUST(asks_with(LICENSE, data, size, behind) == asks);
		MUST(asks_with(FIRMWARE, data, size, behind));
	}
	return 0;
}
