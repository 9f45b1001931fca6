/* SPDX-License-Identifier: Apache-2.0 */
/* Issues and licenses, inside a transaction of another call. */
#ifndef HL_STORE_SQLITE_ISSUE_H
#define HL_STORE_SQLITE_ISSUE_H

#include "store/sqlite/row.h"

/* HL_ENOTFOUND. */
HL_CHECK hl_rc hl_issue_need(
    hl_store *s, const hl_uuid *id, hl_issue *out, hl_err *err);

HL_CHECK hl_rc hl_license_active(hl_store *s, const hl_uuid *chip,
    const hl_uuid *firmware, hl_license *out, bool *found, hl_err *err);
HL_CHECK hl_rc hl_license_need(
    hl_store *s, const hl_uuid *id, hl_license *out, hl_err *err);

/* A license to record. */
typedef struct hl_license_row {
	const hl_uuid *chip, *firmware;
	const hl_uuid *issue; /* NULL: imported */
	hl_license_state state;
	const char *reason;
	const uint8_t *bytes;
	size_t n;
	const hl_actor *actor;
} hl_license_row;

/* HL_EINPUT unless it has 1 to HL_LICENSE_MAX bytes. */
HL_CHECK hl_rc hl_license_check(const uint8_t *bytes, size_t n, hl_err *err);
HL_CHECK hl_rc hl_license_insert(
    hl_store *s, const hl_license_row *l, hl_uuid *id, hl_err *err);

#endif
