/* SPDX-License-Identifier: Apache-2.0 */
/* What a kind of card needs to bring along. */
#ifndef HL_CARD_DRIVER_H
#define HL_CARD_DRIVER_H

#include "card/card.h"

/* How a driver reaches its card. */
typedef struct hl_card_link {
	hl_channel *ch;
	bool extended; /* the card takes extended length */
	hl_card_tool tool;
} hl_card_link;

typedef struct hl_card_driver {
	const char *name;
	/*
	 * Is this card one of ours? By its ATR, or by asking it. Sets *mine
	 * and, in *can, what this very card can do (HL_CAN_..., HL_BY_TOOL);
	 * link->extended. An error is a failure of the exchange, not a "no".
	 */
	hl_rc (*probe)(hl_card_link *link, bool *mine, unsigned *can,
	    hl_deadline until, hl_err *err);
	/* Fills in what the card tells. */
	hl_rc (*read)(hl_card_link *link, hl_card_info *out, hl_deadline until,
	    hl_err *err);
	/* As hl_card_issue(). */
	hl_rc (*issue)(hl_card_link *link, const uint8_t *cert, size_t n,
	    const hl_uuid *request_id, hl_card_answer *out, hl_exec *exec,
	    hl_deadline until, hl_err *err);
} hl_card_driver;

/*
 * A card over a channel that is connected already: finds its driver. Takes the
 * channel, also when it fails. `tool` may be NULL.
 */
HL_CHECK hl_rc hl_card_open_channel(hl_card **out, hl_channel *ch,
    const hl_card_tool *tool, hl_deadline until, hl_err *err);

extern const hl_card_driver hl_driver_olc;
extern const hl_card_driver hl_driver_stm32hsm;

#endif
