/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has the store open. Each handle that may write has a locked file of its
 * own in SIDE/open and removes it when it is closed; a file there that nobody
 * holds was left by a process that ended in the middle.
 */
#ifndef HL_STORE_SQLITE_MARK_H
#define HL_STORE_SQLITE_MARK_H

#include "store/sqlite/db.h"

/* Makes the side directory and marks this handle. */
HL_CHECK hl_rc hl_mark_set(hl_store *s, hl_err *err);
/* Marks left behind: with `remove` they are taken away. */
HL_CHECK hl_rc hl_mark_left(hl_store *s, bool remove, bool *any, hl_err *err);
/* Takes the mark away; `keep` leaves it for the next one to find. */
void hl_mark_clear(hl_store *s, bool keep);

#endif
