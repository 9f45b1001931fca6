/* SPDX-License-Identifier: Apache-2.0 */
/* Which card: the one that was named, or the only one that fits. */
#ifndef HL_BROKER_CHOOSE_H
#define HL_BROKER_CHOOSE_H

#include "broker/internal.h"

/* A card that was chosen, open. */
typedef struct hl_chosen {
	hl_card *card; /* hl_card_close() it, also after an error */
	hl_card_info info;
	hl_card_row row;
	bool known; /* row is set */
	const char
	    *typed; /* how it was named, or NULL; borrowed from the request */
	hl_firmware firmware;
} hl_chosen;

/*
 * By req->card and req->firmware; req->until does not count, for the time that
 * a person takes to answer is added to it. HL_ENODEV: none is there; HL_EUSAGE:
 * two fit; HL_ENOLICENSE: none that is there will do. A card that was named is
 * chosen even when it cannot issue: it may name the firmware of a license that
 * is kept.
 */
HL_CHECK hl_rc hl_choose_card(hl_broker *b, const hl_get_request *req,
    const hl_cert *cert, hl_deadline until, hl_chosen *c, hl_err *err);

/* The card's firmware; a card never seen before becomes known here. */
HL_CHECK hl_rc hl_chosen_identify(
    hl_broker *b, const hl_actor *actor, hl_chosen *c, hl_err *err);

#endif
