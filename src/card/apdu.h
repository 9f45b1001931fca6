/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command and answer over a channel (ISO/IEC 7816-4): command chaining or
 * extended length out, GET RESPONSE and Le correction in.
 */
#ifndef HL_CARD_APDU_H
#define HL_CARD_APDU_H

#include <stdbool.h>

#include "card/channel.h"

#define HL_APDU_ANSWER_MAX 4096 /* bytes of collected answer data */

typedef struct hl_apdu {
	uint8_t cla, ins, p1, p2;
	const uint8_t *data; /* borrowed; NULL when n is 0 */
	size_t n;	     /* at most 65,535 */
	bool extended;	     /* the card announced extended length */
	bool no_answer_data; /* Le is left out */
} hl_apdu;

/*
 * Sends the command and collects the whole answer into *data (replaced) and
 * *sw. HL_OK with any status word but 61xx and 6Cxx; after 61xx only with 9000.
 * *exec: HL_EXEC_YES with HL_OK, but HL_EXEC_NO when *sw refuses a block of a
 * chain before the last. On failure HL_EXEC_NO when the last (the executing)
 * block has not reached the card; HL_EXEC_UNKNOWN otherwise, which includes
 * every failure while GET RESPONSE collects an answer that the card has
 * announced with 61xx. A status word that is missing, an answer above
 * HL_APDU_ANSWER_MAX and a card that asks for Le correction without end are
 * HL_ECARD with HL_EXEC_UNKNOWN.
 */
HL_CHECK hl_rc hl_apdu_exchange(hl_channel *ch, const hl_apdu *cmd,
    hl_buf *data, uint16_t *sw, hl_exec *exec, hl_deadline until, hl_err *err);

/* Writes one line an APDU and answer to stderr; bodies of VERIFY, CHANGE and
 * RESET (INS 20, 24, 2C) and of PERSONALIZE (DA) are masked. Process-wide. */
void hl_apdu_trace(bool on);

#endif
