/* SPDX-License-Identifier: Apache-2.0 */
/* Firmwares, cards and readings, inside a transaction of another call. */
#ifndef HL_STORE_SQLITE_CARD_H
#define HL_STORE_SQLITE_CARD_H

#include <string.h>

#include "store/sqlite/row.h"

HL_CHECK hl_rc hl_firmware_insert(
    hl_store *s, const hl_firmware *f, const hl_actor *actor, hl_err *err);
/* HL_ENOTFOUND. */
HL_CHECK hl_rc hl_firmware_need(
    hl_store *s, const hl_uuid *id, hl_firmware *out, hl_err *err);
HL_CHECK hl_rc hl_card_need(
    hl_store *s, const hl_uuid *id, hl_card_row *out, hl_err *err);

/* A reading to record: expected - counter units were spent outside. */
typedef struct hl_reading_row {
	const hl_uuid *card;
	const char *kind;     /* as in the schema */
	const hl_uuid *issue; /* NULL: none */
	uint32_t expected, counter;
	const char *state, *reader;
	const hl_actor *actor;
} hl_reading_row;

HL_CHECK hl_rc hl_reading_insert(
    hl_store *s, const hl_reading_row *r, hl_err *err);
/*
 * Moves the card's counter from `from` down to `to`, and what was seen with it;
 * NULL texts leave state, reader and time as they are.
 */
HL_CHECK hl_rc hl_card_move(hl_store *s, const hl_uuid *card, uint32_t from,
    uint32_t to, const char *state, const char *reader, hl_err *err);

#endif
