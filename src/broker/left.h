/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_BROKER_LEFT_H
#define HL_BROKER_LEFT_H

#include "broker/internal.h"

/*
 * What the card vendor's program left for a request whose process died becomes
 * a license in the spool, or a suspect one, as if that process had lived. Where
 * nothing is there nothing is done.
 */
void hl_left_adopt(hl_broker *b, const hl_uuid *issue,
    const uint8_t cert_sha256[HL_SHA256_LEN]);

/*
 * The request is closed: what the program left goes, but for what it printed
 * where a unit may be gone for nothing. That is a detail to tell, too.
 */
void hl_left_settle(hl_broker *b, const hl_uuid *issue, hl_issue_state state);
/* Where that stayed. False: there is nothing. */
bool hl_left_log(hl_broker *b, const hl_uuid *issue, char *path, size_t size);

#endif
