/* SPDX-License-Identifier: Apache-2.0 */
/* An archive from elsewhere: what is found lies within it, and whatever is
 * refused has a reason. */
#include <string.h>

#include "util/tar.h"
#include "util/text.h"

#include "fuzz/must.h"

static void
look_for(FILE *f, const char *name, size_t size)
{
	hl_err err = { 0 };
	uint64_t n = 12345;
	hl_rc rc = hl_tar_find(f, name, &n, &err);

	if (rc == HL_OK) {
		const long at = ftell(f);

		MUST(at >= 512 && at % 512 == 0);
		MUST((uint64_t)at + n <= size);
		return;
	}
	MUST(n == 12345);
	MUST(rc == HL_EINPUT || rc == HL_ENOTFOUND);
	MUST(err.rc == rc && err.why[0] != '\0');
	MUST(hl_text_valid(err.why, strlen(err.why)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *f;

	if (size == 0)
		return 0;
	f = fmemopen((void *)(uintptr_t)data, size, "r");
	MUST(f != NULL);
	look_for(f, "log.jsonl", size);
	look_for(f, "checkpoint-1", size);
	fclose(f);
	return 0;
}
