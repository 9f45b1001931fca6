/* SPDX-License-Identifier: Apache-2.0 */
#include "card/atr.h"

#define TS_DIRECT 0x3B
#define TS_INVERSE 0x3F

bool
hl_atr_historical(const uint8_t *atr, size_t n, hl_rd *out)
{
	hl_rd r = { atr, n }, skipped;
	uint8_t ts, t0, y;

	if (!hl_rd_u8(&r, &ts) || !hl_rd_u8(&r, &t0) ||
	    (ts != TS_DIRECT && ts != TS_INVERSE))
		return false;
	/* Each TDi says in its upper half which of TA, TB, TC, TD follow. */
	for (y = t0; (y & 0xF0) != 0;) {
		size_t abc = (y >> 4 & 1U) + (y >> 5 & 1U) + (y >> 6 & 1U);
		bool more = (y & 0x80) != 0;

		if (!hl_rd_take(&r, abc, &skipped))
			return false;
		y = 0;
		if (more && !hl_rd_u8(&r, &y))
			return false;
	}
	return hl_rd_take(&r, t0 & 0x0FU, out);
}
