/* SPDX-License-Identifier: Apache-2.0 */
/* Which licenses the store keeps, found by their bytes. */
#ifndef HL_CLI_LICENSE_KEPT_H
#define HL_CLI_LICENSE_KEPT_H

#include "cli/cli.h"

typedef struct hl_kept hl_kept;

/* A license of the store, as far as it matters here. */
typedef struct hl_kept_row {
	uint8_t sha256[HL_SHA256_LEN];
	hl_uuid id, chip, firmware;
	hl_license_state state;
	bool from_card; /* else it was imported */
	size_t next;	/* with the same bytes: index + 1; 0: none */
} hl_kept_row;

/* Reads all licenses in any state, or those with the bytes `only` alone. */
HL_CHECK hl_rc hl_kept_load(
    hl_kept **out, hl_store *store, const uint8_t *only, hl_err *err);
/* NULL is fine; sets *kept to NULL. */
void hl_kept_free(hl_kept **kept);
HL_CHECK hl_rc hl_kept_add(hl_kept *kept, const hl_license *l, hl_err *err);
/* The first license with these bytes, and the next one; NULL: no more. */
const hl_kept_row *
hl_kept_find(const hl_kept *kept, const uint8_t sha256[HL_SHA256_LEN]);
const hl_kept_row *hl_kept_next(const hl_kept *kept, const hl_kept_row *row);

#endif
