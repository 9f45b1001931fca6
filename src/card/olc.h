/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the olc driver only: docs/open-license-card.md. */
#ifndef HL_CARD_OLC_H
#define HL_CARD_OLC_H

#include "card/card.h"

#define HL_OLC_WHAT_READ "read the card"
#define HL_OLC_HINT                                                            \
	"this card does not keep to its protocol: use another one, tell its "  \
	"maker"

enum {
	TAG_FCI = 0x6F,
	TAG_AID = 0x84,
	TAG_PROPRIETARY = 0xA5,
	TAG_CAPS = 0xC0,
	TAG_VERSION = 0xC1,
	TAG_INFO = 0xE0,
	TAG_REQUEST = 0xE1,
	TAG_ANSWER = 0xE2,
	TAG_SERIAL = 0xC2,
	TAG_STATE = 0xC3,
	TAG_FIRMWARE = 0xC4,
	TAG_TYPE = 0xC5,
	TAG_COUNTER = 0xC6,
	TAG_CAPACITY = 0xC7,
	TAG_PRODUCT = 0xC8,
	TAG_CERT = 0xC9,
	TAG_REQUEST_ID = 0xCA,
	TAG_LICENSE = 0xCB,
};

/*
 * Takes the answer of GET INFO apart into *out. HL_ECARD names the field that
 * is missing or wrong.
 */
HL_CHECK hl_rc hl_olc_parse_info(
    const hl_buf *data, hl_card_info *out, hl_err *err);

#endif
