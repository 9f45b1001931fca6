/* SPDX-License-Identifier: Apache-2.0 */
/* Spending one unit of a card that is open and was read. */
#ifndef HL_BROKER_SPEND_H
#define HL_BROKER_SPEND_H

#include "broker/internal.h"

typedef struct hl_spend {
	hl_card *card;	   /* open; held to the end */
	hl_card_info info; /* as read under the lock: C1 */
	const hl_card_row *row;
	const hl_firmware *firmware;
	const hl_chip *chip;
	const hl_cert *cert;
	const hl_actor *actor;
	hl_deadline until;
	/* results */
	bool wait; /* somebody else is at it: `other` says who */
	hl_issue other;
	bool again; /* an earlier request of this chip was found to have cost a
		       unit: nothing was asked of the card */
	hl_license license;
	hl_issue issue;
	hl_source source;
	int units_spent;
} hl_spend;

/* What can be refused before anything is recorded: retired, state, counter,
 * product. `row` is NULL for a card that is not known. */
HL_CHECK hl_rc hl_spend_possible(const hl_card_info *info,
    const hl_card_row *row, const hl_cert *cert, hl_err *err);

/*
 * HL_OK: the license is in the store (s->license, s->source; s->units_spent is
 * 0 when somebody else was faster, or recovery brought it back), or s->wait is
 * set: nothing was spent, wait for s->other; or s->again: ask for permission
 * anew. Else as hl_broker_get().
 */
HL_CHECK hl_rc hl_spend_unit(hl_broker *b, hl_spend *s, hl_err *err);

/* HL_EDOUBT: says that this open issue stands in the way of its chip. */
HL_CHECK hl_rc hl_spend_unresolved(
    hl_broker *b, const hl_issue *open, hl_err *err);

/* Did a request that is closed cost a unit, or may it have, without a license
 * that serves? Then another unit is another decision. */
bool hl_spend_in_vain(const hl_issue *i);

/* Makes the folders that spending and recovery need beside the store. */
HL_CHECK hl_rc hl_spend_folders(hl_broker *b, hl_err *err);

#endif
