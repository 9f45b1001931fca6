/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing byte buffer with a hard maximum and a sticky failure: append many
 * times, test `failed` once. Growing never leaves an unwiped copy behind.
 */
#ifndef HL_UTIL_BUF_H
#define HL_UTIL_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HL_BUF_MAX ((size_t)64 * 1024 * 1024)

typedef struct hl_buf {
	uint8_t *p; /* owned; NULL while empty */
	size_t n, cap;
	bool failed; /* out of memory or above HL_BUF_MAX: content incomplete */
} hl_buf;

#define HL_BUF_INIT                                                            \
	{                                                                      \
		NULL, 0, 0, false                                              \
	}

void hl_buf_put(hl_buf *b, const void *p, size_t n);
void hl_buf_u8(hl_buf *b, uint8_t v);
void hl_buf_u16(hl_buf *b, uint16_t v); /* big-endian */
void hl_buf_u32(hl_buf *b, uint32_t v); /* big-endian */
void hl_buf_printf(hl_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The content as a C string (a NUL is kept behind it, not counted). Owned by
 * the buffer; "" when empty or failed. */
const char *hl_buf_str(hl_buf *b);
/* Forgets the content, wiped, keeps the memory. */
void hl_buf_reset(hl_buf *b);
/* Wipes and frees; *b is then an empty buffer. */
void hl_buf_free(hl_buf *b);

#endif
