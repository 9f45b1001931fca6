/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card in the same process that counts, replays and goes wrong as it is
 * told: an Open License Card behind a channel, for tests of the broker.
 */
#ifndef HL_TEST_BROKER_MODEL_H
#define HL_TEST_BROKER_MODEL_H

#include <stdbool.h>

#include "card/card.h"

#define MODEL_SERIAL "0102030405060708"
#define MODEL_LICENSE "license"

/* What the card, or the way to it, does with one ISSUE LICENSE. */
typedef enum model_act {
	MODEL_HONEST,
	MODEL_ANSWER_LOST, /* issued; nobody hears of it */
	MODEL_RESET,	   /* others reset the card: it got nothing */
	MODEL_REFUSES,	   /* 6A84 */
	MODEL_COUNTS,	   /* issued and counted, but answered with 6985 */
	MODEL_SWAPPED,	   /* another card answers, and is there from now on */
	MODEL_STUCK,	   /* issued, but not counted */
	MODEL_GONE_AFTER,  /* issued and answered; then not to be reached */
	MODEL_STRAY_GONE   /* the same, but with another request's ID */
} model_act;

typedef struct model {
	hl_channel ch;
	uint32_t counter;
	bool replay;
	const model_act *acts; /* borrowed; beyond the last: honest */
	size_t n, at;
	bool broken; /* nothing gets through until reconnect() */
	bool gone;   /* nor then */
	bool swapped;
	uint8_t last[16];
	bool has_last;
	/* Before GET INFO, when not NULL. */
	void (*on_info)(void *arg);
	void *arg;
} model;

/* Starts the model and opens it. */
hl_card *model_open(
    model *m, uint32_t counter, bool replay, const model_act *acts, size_t n);

#endif
