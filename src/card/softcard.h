/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The software card: an Open License Card (docs/open-license-card.md) whose
 * memory is a file. `sim:FILE` uses it in process, hsmlic-sim also puts it into
 * a virtual reader. The file is replaced atomically and synced, so a card
 * killed at any moment has counted and stored the license, or neither.
 */
#ifndef HL_CARD_SOFTCARD_H
#define HL_CARD_SOFTCARD_H

#include <stdbool.h>
#include <stdint.h>

#include "card/card.h"
#include "chip/license.h"
#include "util/buf.h"

typedef struct hl_softcard hl_softcard;

typedef struct hl_softcard_profile {
	char firmware_id[HL_FIRMWARE_ID_TEXT];
	char type[HL_TYPE_TEXT];
	char product_id[9]; /* "" any */
	uint32_t capacity;
	hl_firmware_key key;
} hl_softcard_profile;

/*
 * Makes the file of a blank card (OEM_STATE) with the given serial number (8 to
 * 16 bytes; NULL: random 8). HL_EEXIST when the file is there.
 */
HL_CHECK hl_rc hl_softcard_create(
    const char *path, const uint8_t *serial, size_t n, hl_err *err);

/*
 * Opens a card's file and holds its lock until closed, waiting for it until the
 * deadline. HL_ENODEV: no such file; HL_EBUSY; HL_EINPUT: not a card file;
 * HL_EINTEGRITY: a card file whose bytes do not match their hash.
 */
HL_CHECK hl_rc hl_softcard_open(
    hl_softcard **out, const char *path, hl_deadline until, hl_err *err);
void hl_softcard_close(hl_softcard **card);

/* Reads a card's file without its lock: for showing it. */
HL_CHECK hl_rc hl_softcard_peek(
    const char *path, hl_card_info *out, hl_err *err);

/* Firmware key of the card in this file, for making images. Wipe it. */
HL_CHECK hl_rc hl_softcard_key(
    const char *path, hl_firmware_key *out, hl_err *err);

/* Power-up or reset: nothing selected, chaining and pending answer forgotten.
 */
void hl_softcard_reset(hl_softcard *card);
/* The answer to reset. `t0`: a card that speaks T=0 only, else T=1. */
size_t hl_softcard_atr(bool t0, uint8_t out[HL_ATR_MAX]);

/*
 * One command APDU in, one answer APDU out (appended to *answer, always with a
 * status word). `t0` makes the card answer as T=0 cards do: 61xx for data
 * after a command with data, 6Cxx for a wrong Le, no extended length. When the
 * memory cannot be written the answer is 6F00 and nothing was counted.
 */
void hl_softcard_apdu(
    hl_softcard *card, bool t0, const uint8_t *apdu, size_t n, hl_buf *answer);

/* TERMINATED_STATE for ever: the firmware key is wiped from the file. */
HL_CHECK hl_rc hl_softcard_terminate(hl_softcard *card, hl_err *err);

/*
 * A card that breaks the protocol in its next ISSUE LICENSE, whatever comes of
 * it, and obeys again afterwards: for testing hosts.
 */
typedef enum hl_softcard_fault {
	HL_SOFTCARD_HONEST,
	HL_SOFTCARD_WRONG_ID, /* answers a request ID that nobody sent */
	HL_SOFTCARD_STUCK,    /* gives a license without counting it */
	HL_SOFTCARD_JUMP      /* counts three for one */
} hl_softcard_fault;

void hl_softcard_misbehave(hl_softcard *card, hl_softcard_fault fault);

/* The APDU data of PERSONALIZE for a profile (template E3). */
void hl_softcard_profile_tlv(const hl_softcard_profile *p, hl_buf *out);

/* An hl_channel on the file; close frees it. */
HL_CHECK hl_rc hl_softcard_channel(
    hl_channel **out, const char *path, hl_deadline until, hl_err *err);

#endif
