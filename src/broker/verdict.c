/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/verdict.h"

hl_verdict
hl_judge(const hl_evidence *e)
{
	uint32_t gone;

	if (e->now > e->before)
		return HL_VERDICT_ABOVE;
	if (e->spooled)
		return HL_VERDICT_SPOOLED;
	gone = e->before - e->now;
	if (gone == 0)
		return HL_VERDICT_NOT_SPENT;
	/* With more than one gone, the card's last license need not be ours,
	 * and asking again could spend another unit. */
	if (gone == 1 && e->replay)
		return HL_VERDICT_ASK_AGAIN;
	if (gone == 1 && e->exclusive)
		return HL_VERDICT_LOST;
	return HL_VERDICT_LOST_OR_OUTSIDE;
}
