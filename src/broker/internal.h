/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker's files share. */
#ifndef HL_BROKER_INTERNAL_H
#define HL_BROKER_INTERNAL_H

#include <limits.h>

#include "broker/broker.h"
#include "broker/owner.h"
#include "card/reader.h"

struct hl_broker {
	hl_store *store;  /* borrowed; NULL: none, for looking only */
	const char *side; /* the store's */
	char lock_dir[PATH_MAX]; /* "": none */
	char rescue_dir[PATH_MAX];
	char spool_dir[PATH_MAX]; /* "": none */
	hl_owner owner;
	hl_broker_options opt;
	const hl_connect *connect; /* borrowed; NULL: no chip is connected */
	const char *tfa;	   /* borrowed; for it, or NULL */
	unsigned slot_asked;	   /* by the selector slot:N; 0: none was */
};

/* Tells the user through hl_broker_options.note. */
void hl_broker_note(hl_broker *b, const char *fmt, ...) HL_PRINTF(2, 3);
/* The same through hl_broker_options.detail. */
void hl_broker_detail(hl_broker *b, const char *fmt, ...) HL_PRINTF(2, 3);

/* Opens the card in a reader for exclusive use and reads it. */
HL_CHECK hl_rc hl_broker_open_card(hl_broker *b, const char *reader,
    hl_deadline until, hl_card **card, hl_card_info *info, hl_err *err);

/* Fails: it did not stay, see hl_card_stayed(). */
hl_rc hl_broker_changed(const hl_card_info *info, hl_err *err);

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
/* Is it "sim:FILE", "reader:TEXT" or "slot:N"? */
bool hl_broker_names_place(const char *selector);
/* Does a card that was read answer to this selector? */
bool hl_broker_selects(const char *selector, const hl_present *p);

/* Reads one reader's card into *out, closed again; failures go into out->err.
 */
void hl_broker_look(hl_broker *b, const char *selector, const char *reader,
    const hl_actor *actor, hl_deadline until, hl_present *out);

/*
 * Which known card is it? By the serial number. A card that tells none is known
 * by its ATR, its firmware identifier and its counter, which only goes down:
 * the one expected to have that many units left (of several with one key, the
 * one seen last in this reader), else the only one that had more; `selector`
 * may be the label that a person says it bears. HL_ENOTFOUND: none, or none for
 * sure and surely not the one that `selector` names. HL_ECONFLICT: several fit,
 * or the counter speaks against the label; or a card like that one is where it
 * was seen last. When several fit that are all of one firmware, *row is one of
 * them, else it is zero. One whose counter cannot be read is known by a label
 * only.
 */
HL_CHECK hl_rc hl_broker_know(hl_broker *b, const hl_card_info *info,
    const char *selector, hl_card_row *row, hl_err *err);
/* Fails: it looks like a known card, but one that is elsewhere does, too. */
hl_rc
hl_broker_twin(const hl_card_info *info, const hl_card_row *row, hl_err *err);
/* Can the card that was read be this one of the store, whatever its counter? */
HL_CHECK hl_rc hl_broker_may_be(hl_broker *b, const hl_card_info *info,
    const hl_card_row *row, bool *yes, hl_err *err);
/* What to call a known card in messages: its serial number or its label. */
const char *hl_broker_name(const hl_card_row *row);
/* The same for one that was read, known or not. */
const char *
hl_broker_name_info(const hl_card_info *info, const hl_card_row *row);

/* slot.c: fills the part of the options that finds a reader's slot. */
void hl_broker_tool(hl_broker *b, hl_card_tool *out);
/* The reader that is slot N: its name, or "" when it has no card or is not
 * there. HL_EUSAGE: which one it is was never said. */
HL_CHECK hl_rc hl_broker_slot_reader(hl_broker *b, unsigned slot,
    const hl_reader *readers, size_t n, const char **name, hl_err *err);
/* From "slot:N"; false: it is none. */
bool hl_broker_slot_selector(const char *selector, unsigned *slot);

#endif
