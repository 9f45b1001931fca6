/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that PC/SC knows, and waiting for cards in them. */
#ifndef HL_CARD_READER_H
#define HL_CARD_READER_H

#include <stdbool.h>

#include "card/channel.h"

typedef struct hl_reader {
	char name[HL_READER_NAME_MAX];
	bool present;	/* a card is in it */
	bool mute;	/* ... that does not answer to reset */
	bool exclusive; /* ... that another program holds for itself */
	bool in_use;	/* ... that other programs are connected to */
	uint32_t events; /* insertions and removals so far, by pcscd's count */
	uint8_t atr[HL_ATR_MAX];
	size_t atr_n;
} hl_reader;

/*
 * All readers, in PC/SC's order. HL_OK with *n = 0 when there is none;
 * HL_ENODEV when no PC/SC service runs; HL_EACCESS. *out is the caller's, freed
 * with free(). NULL when *n is 0.
 */
HL_CHECK hl_rc hl_reader_list(
    hl_reader **out, size_t *n, hl_deadline until, hl_err *err);

/*
 * Blocks until readers or cards differ from `known` (a list from before), then
 * returns the new list; HL_ETIMEOUT at the deadline. Plug and play is included.
 */
HL_CHECK hl_rc hl_reader_wait(const hl_reader *known, size_t known_n,
    hl_reader **out, size_t *n, hl_deadline until, hl_err *err);

#endif
