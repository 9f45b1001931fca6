/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker's files share. */
#ifndef HL_BROKER_INTERNAL_H
#define HL_BROKER_INTERNAL_H

#include <limits.h>

#include "broker/broker.h"
#include "broker/owner.h"

struct hl_broker {
	hl_store *store;  /* borrowed; NULL: none, for looking only */
	const char *side; /* the store's */
	char lock_dir[PATH_MAX]; /* "": none */
	char rescue_dir[PATH_MAX];
	hl_owner owner;
	hl_broker_options opt;
};

/* Tells the user through hl_broker_options.note. */
void hl_broker_note(hl_broker *b, const char *fmt, ...) HL_PRINTF(2, 3);
/* The same through hl_broker_options.detail. */
void hl_broker_detail(hl_broker *b, const char *fmt, ...) HL_PRINTF(2, 3);

/* Opens the card in a reader for exclusive use and reads it. */
HL_CHECK hl_rc hl_broker_open_card(hl_broker *b, const char *reader,
    hl_deadline until, hl_card **card, hl_card_info *info, hl_err *err);

/* A reader (or sim: file) that holds a card. */
typedef struct hl_place_of_card {
	char reader[HL_READER_NAME_MAX];
	bool taken; /* another program holds the card for itself alone */
} hl_place_of_card;

/*
 * The places that a selector means: all of them for a label or a serial, which
 * only reading can tell. *out is the caller's (free()).
 */
HL_CHECK hl_rc hl_broker_places(hl_broker *b, const char *selector,
    hl_deadline until, hl_place_of_card **out, size_t *n, hl_err *err);
/*
 * How long to wait for one of n places. Programs that take a card for
 * themselves alone keep it for hours: where there are others to look at, such a
 * card must not use up the time.
 */
hl_deadline
hl_broker_patience(const hl_place_of_card *p, size_t n, hl_deadline until);
/* Does a card that was read answer to this selector? */
bool hl_broker_selects(const char *selector, const hl_present *p);

/* Reads one reader's card into *out, closed again; failures go into out->err.
 */
void hl_broker_look(hl_broker *b, const char *reader, const hl_actor *actor,
    hl_deadline until, hl_present *out);

#endif
