/* SPDX-License-Identifier: Apache-2.0 */
/* What an open issue became, judged by the card's counter. No I/O. */
#ifndef HL_BROKER_VERDICT_H
#define HL_BROKER_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum hl_verdict {
	HL_VERDICT_NOT_SPENT, /* the counter did not move */
	HL_VERDICT_SPOOLED,   /* the license is in the spool */
	HL_VERDICT_ASK_AGAIN, /* the card replays: same request, no unit */
	HL_VERDICT_LOST,
	HL_VERDICT_LOST_OR_OUTSIDE,
	HL_VERDICT_ABOVE /* another card or an old store: nobody may decide it
			    but a person */
} hl_verdict;

typedef struct hl_evidence {
	uint32_t before; /* B: counter in the intent */
	uint32_t now;	 /* C: counter read under the lock */
	bool spooled;	 /* its license is in the spool */
	bool replay;	 /* the card can answer the same request again */
	bool exclusive;	 /* the card was ours alone since the request */
} hl_evidence;

hl_verdict hl_judge(const hl_evidence *e);

#endif
