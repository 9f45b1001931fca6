/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/conform.h"
#include "store/raw.h"

int
main(void)
{
	return conform_run(&sqlite_factory) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
