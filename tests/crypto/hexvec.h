/* SPDX-License-Identifier: Apache-2.0 */
/* Test vectors written as hex, and rows that say why they are there. */
#ifndef HL_TESTS_CRYPTO_HEXVEC_H
#define HL_TESTS_CRYPTO_HEXVEC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/hex.h"

#ifndef CHECK /* tests/util/rows.h has it as well */
#define CHECK(cond, why)                                                       \
	do {                                                                   \
		if (!(cond))                                                   \
			fail_msg("%s: not true: %s", (why), #cond);            \
	} while (0)
#endif

/* Bytes on the heap, just as many as there are: a sanitizer sees one more. */
typedef struct vec {
	uint8_t *p;
	size_t n;
} vec;

static inline vec
vec_of(const char *hex)
{
	size_t len = strlen(hex);
	vec v = { malloc(len / 2 + (len == 0)), 0 };

	assert_non_null(v.p);
	if (!hl_hex_decode(hex, len, v.p, len / 2, &v.n))
		fail_msg("bad hex in a test: %s", hex);
	return v;
}

static inline vec
vec_copy(const void *p, size_t n)
{
	vec v = { malloc(n + (n == 0)), n };

	assert_non_null(v.p);
	if (n > 0)
		memcpy(v.p, p, n);
	return v;
}

static inline void
vec_free(vec *v)
{
	free(v->p);
	*v = (vec){ NULL, 0 };
}

static inline int
all_bytes(const uint8_t *p, size_t n, uint8_t value)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != value)
			return 0;
	return 1;
}

#endif
