/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

void
scratch_make(char *dir, size_t size)
{
	const char *tmp = getenv("TMPDIR");
	int n;

	n = snprintf(dir, size, "%s/hsmlic-store-XXXXXX",
	    tmp == NULL || *tmp == '\0' ? "/tmp" : tmp);
	if (n < 0 || (size_t)n >= size || mkdtemp(dir) == NULL)
		abort();
}

static int
drop_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
scratch_drop(const char *dir)
{
	nftw(dir, drop_one, 16, FTW_DEPTH | FTW_PHYS);
}
