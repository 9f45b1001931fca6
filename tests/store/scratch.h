/* SPDX-License-Identifier: Apache-2.0 */
/* Directories that a test makes, and takes away whole. */
#ifndef TEST_STORE_SCRATCH_H
#define TEST_STORE_SCRATCH_H

#include <stddef.h>

/* A new directory, mode 0700, under TMPDIR or /tmp. */
void scratch_make(char *dir, size_t size);
void scratch_drop(const char *dir);

#endif
