/* SPDX-License-Identifier: Apache-2.0 */
/* Where a store lies, and whether it may lie there. */
#ifndef HL_STORE_SQLITE_PLACE_H
#define HL_STORE_SQLITE_PLACE_H

#include "store/sqlite/db.h"

/*
 * Fills in s->path and s->side: absolute and without links, so that everybody
 * who opens one store means the same locks. *there: the file is there. Makes a
 * missing directory when `create`. Refuses what cannot be a store, and places
 * where a store is not safe.
 */
HL_CHECK hl_rc hl_place_find(
    hl_store *s, const char *path, bool create, bool *there, hl_err *err);

/* A store that was there and is lost must not be made anew in silence, for the
 * units it has spent would be spent again: HL_ESTORE. */
HL_CHECK hl_rc hl_place_not_lost(hl_store *s, hl_err *err);

/* Makes the empty file, mode 0600. HL_EEXIST: somebody was faster. */
HL_CHECK hl_rc hl_place_create(hl_store *s, hl_err *err);

/*
 * The name of a file system whose locks or syncs cannot be relied on, by the
 * f_type of statfs(2); NULL: it is none of those.
 */
const char *hl_place_refused(uint64_t type);

#endif
