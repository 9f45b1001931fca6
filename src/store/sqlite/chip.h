/* SPDX-License-Identifier: Apache-2.0 */
/* Chips, inside a transaction of another call. */
#ifndef HL_STORE_SQLITE_CHIP_H
#define HL_STORE_SQLITE_CHIP_H

#include "store/sqlite/row.h"

/* HL_ENOTFOUND. */
HL_CHECK hl_rc hl_chip_need(
    hl_store *s, const hl_uuid *id, hl_chip *out, hl_err *err);
/* As hl_store_chip_put(), with facts for its event. uid->n 0: not given. */
HL_CHECK hl_rc hl_chip_put_row(hl_store *s, const hl_cert *cert,
    const hl_uid *uid, const hl_actor *actor, const hl_event_fact *facts,
    size_t n, hl_chip *out, hl_err *err);

#endif
