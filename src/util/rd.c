/* SPDX-License-Identifier: Apache-2.0 */
#include "util/rd.h"

#include <string.h>

bool
hl_rd_take(hl_rd *r, size_t n, hl_rd *out)
{
	const hl_rd got = { r->p, n };

	if (r->n < n)
		return false;
	if (n > 0) { /* the pointer of an empty reader may be NULL */
		r->p += n;
		r->n -= n;
	}
	*out = got;
	return true;
}

bool
hl_rd_copy(hl_rd *r, void *dst, size_t n)
{
	hl_rd got;

	if (!hl_rd_take(r, n, &got))
		return false;
	if (n > 0)
		memcpy(dst, got.p, n);
	return true;
}

bool
hl_rd_u8(hl_rd *r, uint8_t *v)
{
	return hl_rd_copy(r, v, 1);
}

bool
hl_rd_u16(hl_rd *r, uint16_t *v)
{
	hl_rd got;

	if (!hl_rd_take(r, 2, &got))
		return false;
	*v = (uint16_t)(got.p[0] << 8 | got.p[1]);
	return true;
}

bool
hl_rd_u32(hl_rd *r, uint32_t *v)
{
	hl_rd got;

	if (!hl_rd_take(r, 4, &got))
		return false;
	*v = (uint32_t)got.p[0] << 24 | (uint32_t)got.p[1] << 16 |
	    (uint32_t)got.p[2] << 8 | (uint32_t)got.p[3];
	return true;
}
