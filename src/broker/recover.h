/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_BROKER_RECOVER_H
#define HL_BROKER_RECOVER_H

#include "broker/internal.h"

/*
 * Settles one open issue of a dead owner with its card in hand; `info` is a
 * fresh reading and is brought up to date. HL_OK: it is closed. HL_EDOUBT or
 * HL_EINTEGRITY: it stays open, *err says why.
 */
HL_CHECK hl_rc hl_recover_one(hl_broker *b, hl_card *card, hl_card_info *info,
    const hl_issue *issue, const hl_actor *actor, hl_deadline until,
    hl_err *err);

#endif
