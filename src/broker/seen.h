/* SPDX-License-Identifier: Apache-2.0 */
/* What the store remembers of a place for cards. */
#ifndef HL_BROKER_SEEN_H
#define HL_BROKER_SEEN_H

#include "broker/internal.h"

/*
 * The firmware of the card that was seen last at "reader:TEXT" or "sim:FILE".
 * HL_ENOTFOUND: none was, cards of several firmwares were, or the selector
 * names no place. No card is asked, so this is only for licenses kept.
 */
HL_CHECK hl_rc hl_seen_firmware(
    hl_broker *b, const char *selector, hl_uuid *firmware, hl_err *err);

#endif
