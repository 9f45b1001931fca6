/* SPDX-License-Identifier: Apache-2.0 */
/* How the rest of the store layer reaches the SQLite engine. */
#ifndef HL_STORE_SQLITE_ENGINE_H
#define HL_STORE_SQLITE_ENGINE_H

#include "store/store.h"

/* hl_store_open() for the file at `path`. */
HL_CHECK hl_rc hl_sqlite_open(
    hl_store **out, const char *path, const hl_store_options *opt, hl_err *err);

#endif
