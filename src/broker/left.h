/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_BROKER_LEFT_H
#define HL_BROKER_LEFT_H

#include "broker/internal.h"

/*
 * What the card vendor's program left for a request whose process died becomes
 * a license in the spool, or a suspect one, as if that process had lived.
 * HL_ENOTFOUND: there is none. Other codes: there is, or may be, one that
 * cannot be read or cannot be kept, so nobody may close the request as lost;
 * the files are all there still.
 */
HL_CHECK hl_rc hl_left_adopt(hl_broker *b, const hl_uuid *issue,
    const uint8_t cert_sha256[HL_SHA256_LEN], hl_err *err);

/*
 * The request is closed, with these bytes in the store (n 0: none): what the
 * program left goes, but for a license that is not those, and for what it
 * printed where a unit may be gone for nothing. That is a detail to tell, too.
 */
void hl_left_settle(hl_broker *b, const hl_uuid *issue, hl_issue_state state,
    const uint8_t *license, size_t n);
/* Where that stayed. False: there is nothing. */
bool hl_left_log(hl_broker *b, const hl_uuid *issue, char *path, size_t size);

#endif
