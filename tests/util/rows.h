/* SPDX-License-Identifier: Apache-2.0 */
/* What the table-driven tests of this folder share. */
#ifndef HL_TEST_UTIL_ROWS_H
#define HL_TEST_UTIL_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/err.h"

/* A row that fails says which one it is, and what it stands for. */
#define CHECK(cond, why)                                                       \
	do {                                                                   \
		if (!(cond))                                                   \
			fail_msg("%s: not true: %s", why, #cond);              \
	} while (0)

/* A heap copy without a byte to spare, so that ASan sees a read too far. */
static inline uint8_t *
exact_copy(const void *p, size_t n)
{
	uint8_t *copy = malloc(n);

	assert_true(copy != NULL || n == 0);
	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

/* The same from hex digits; deliberately not by the code under test. */
static inline uint8_t *
exact_hex(const char *hex, size_t *n)
{
	uint8_t *copy;
	unsigned v;

	*n = strlen(hex) / 2;
	copy = malloc(*n);
	assert_true(copy != NULL || *n == 0);
	for (size_t i = 0; i < *n; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		copy[i] = (uint8_t)v;
	}
	return copy;
}

#endif
