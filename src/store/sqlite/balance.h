/* SPDX-License-Identifier: Apache-2.0 */
/* A card's balance, inside a transaction of another call. */
#ifndef HL_STORE_SQLITE_BALANCE_H
#define HL_STORE_SQLITE_BALANCE_H

#include "store/sqlite/db.h"
#include "store/variance.h"

/* As hl_store_balance(). */
HL_CHECK hl_rc hl_balance_take(hl_store *s, const hl_uuid *card,
    const uint32_t *counter, hl_balance *out, hl_err *err);

#endif
