/* SPDX-License-Identifier: Apache-2.0 */
/* Chips, inside a transaction of another call. */
#ifndef HL_STORE_SQLITE_CHIP_H
#define HL_STORE_SQLITE_CHIP_H

#include "store/sqlite/row.h"

/* HL_ENOTFOUND. */
HL_CHECK hl_rc hl_chip_need(
    hl_store *s, const hl_uuid *id, hl_chip *out, hl_err *err);

#endif
