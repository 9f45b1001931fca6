/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "store/conform.h"
#include "store/scratch.h"

static void
make(char *url, size_t size)
{
	char dir[200];

	scratch_make(dir, sizeof(dir));
	snprintf(url, size, "sqlite:%s/store.db", dir);
}

static void
drop(const char *url)
{
	char dir[256];

	hl_text_copy(dir, sizeof(dir), url + strlen("sqlite:"));
	*strrchr(dir, '/') = '\0';
	scratch_drop(dir);
}

int
main(void)
{
	static const url_factory sqlite = { make, drop };

	return conform_run(&sqlite) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
