/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about a request after the exchange ended. */
#ifndef HL_CARD_EXEC_H
#define HL_CARD_EXEC_H

typedef enum hl_exec {
	HL_EXEC_NO,	/* the card did not get it, or refused it: not executed */
	HL_EXEC_YES,	/* executed, and the whole answer is here */
	HL_EXEC_UNKNOWN /* it may have been executed: ask the card, never retry */
} hl_exec;

#endif
