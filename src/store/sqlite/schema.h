/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_STORE_SQLITE_SCHEMA_H
#define HL_STORE_SQLITE_SCHEMA_H

#include "store/sqlite/db.h"

#define HL_APPLICATION_ID 0x484C4943 /* "HLIC", seen by file(1) */

/*
 * Of a row of sqlite_schema: is it a table of statistics that somebody's
 * ANALYZE made? They do no harm. Anything else of such a name, a trigger above
 * all, is none of SQLite's. IS, as a comparison with NULL would leave the row
 * out.
 */
#define HL_SCHEMA_STATISTICS                                                   \
	"(type IS 'table' AND ((name IS 'sqlite_stat1' AND sql IS "            \
	"'CREATE TABLE sqlite_stat1(tbl,idx,stat)') OR "                       \
	"(name IS 'sqlite_stat4' AND sql IS "                                  \
	"'CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)')))"

/*
 * Tells whether the file is a store of this or an older schema; HL_ESTORE with
 * advice when it is anything else. *version is 0 for an empty file.
 */
HL_CHECK hl_rc hl_schema_identify(hl_store *s, int *version, hl_err *err);
/* Brings it to HL_SCHEMA_VERSION, in one transaction. */
HL_CHECK hl_rc hl_schema_migrate(hl_store *s, hl_err *err);
/* HL_ESTORE when the schema is not what our migrations make. */
HL_CHECK hl_rc hl_schema_check(hl_store *s, hl_err *err);
/* Tells each difference as "trigger \"x\" is missing", "... is not ours", "...
 * is not as we made it". */
HL_CHECK hl_rc hl_schema_differences(hl_store *s,
    void (*found)(void *arg, const char *text), void *arg, hl_err *err);
/* SHA-256 of the schema's text, as hl_schema_check() knows it. */
HL_CHECK hl_rc hl_schema_hash(
    hl_store *s, uint8_t sha256[HL_SHA256_LEN], hl_err *err);
extern const uint8_t hl_schema_sha256[HL_SHA256_LEN];

#endif
