/* SPDX-License-Identifier: Apache-2.0 */
/* Licenses that left a card and did not reach the store by the short way. */
#ifndef HL_BROKER_TAKEBACK_H
#define HL_BROKER_TAKEBACK_H

#include "broker/internal.h"
#include "broker/rescue.h"

/* Closes an open issue with its license; `where` it was goes on record. */
HL_CHECK hl_rc hl_take_back_open(hl_broker *b, const hl_rescue *r,
    const hl_actor *actor, const char *where, hl_err *err);

/* All that lies in the spool for issues that are closed. */
void hl_take_back_spool(hl_broker *b, const hl_actor *actor);

#endif
