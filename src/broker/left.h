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

#endif
