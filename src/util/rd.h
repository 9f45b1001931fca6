/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded reader: pointer and length never part. A read that is refused
 * changes nothing, neither the reader nor the result.
 */
#ifndef HL_UTIL_RD_H
#define HL_UTIL_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hl_rd {
	const uint8_t *p; /* next byte; borrowed */
	size_t n;	  /* bytes left */
} hl_rd;

bool hl_rd_u8(hl_rd *r, uint8_t *v);
bool hl_rd_u16(hl_rd *r, uint16_t *v); /* big-endian */
bool hl_rd_u32(hl_rd *r, uint32_t *v); /* big-endian */
bool hl_rd_take(hl_rd *r, size_t n, hl_rd *out);
bool hl_rd_copy(hl_rd *r, void *dst, size_t n);

#endif
