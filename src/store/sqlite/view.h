/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_STORE_SQLITE_VIEW_H
#define HL_STORE_SQLITE_VIEW_H

#include "store/sqlite/db.h"

/*
 * Puts a copy of what the handle has open, which may be changed, in its place:
 * a file without a name that goes when the handle is closed. The store itself
 * is left as it is.
 */
HL_CHECK hl_rc hl_view_take(hl_store *s, hl_err *err);

#endif
