/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another store comes into this one: what the parts of merge*.c share. All of
 * it runs inside one transaction of ours; theirs is a private copy that nobody
 * changes.
 */
#ifndef HL_STORE_SQLITE_MERGE_H
#define HL_STORE_SQLITE_MERGE_H

#include "store/sqlite/log.h"
#include "store/sqlite/row.h"

/* A card of theirs, and where its readings go here. */
typedef struct hl_merge_card {
	hl_uuid id;   /* theirs */
	hl_uuid root; /* our row that bears its serial number */
	hl_uuid row;  /* our row that the newest of its readings is in */
	hl_uuid last; /* that reading; theirs, or ours that tells the same */
	bool placed;  /* root, row and last are set */
	bool grown;   /* readings came */
} hl_merge_card;

typedef struct hl_merging {
	hl_store *s; /* ours */
	hl_store *o; /* theirs */
	const hl_merge_options *opt;
	const hl_actor *actor;
	hl_merge_result r;
	hl_uuid our_id;
	hl_uuid ledger; /* of theirs, in merged_ledgers */
	hl_text origin; /* as it is called there, and in our events */
	uint64_t kept;	/* events of that ledger that we keep already */
	hl_merge_card *cards;
	size_t n_cards;
} hl_merging;

/* ---- merge_row.c: rows -------------------------------------------------- */

/* Tables of this transaction: which of our rows is theirs where the IDs differ,
 * and which of theirs have changed. */
HL_CHECK hl_rc hl_merge_begin(hl_merging *m, hl_err *err);
HL_CHECK hl_rc hl_merge_end(hl_merging *m, hl_err *err);

HL_CHECK hl_rc hl_merge_put_map(
    hl_merging *m, const hl_uuid *theirs, const hl_uuid *ours, hl_err *err);
/* *ours is *theirs where nothing else was said. */
HL_CHECK hl_rc hl_merge_map(
    hl_merging *m, const hl_uuid *theirs, hl_uuid *ours, hl_err *err);
/* Is there a row of ours with this ID? */
HL_CHECK hl_rc hl_merge_known(hl_merging *m, const char *table,
    const hl_uuid *id, bool *yes, hl_err *err);
HL_CHECK hl_rc hl_merge_touch(hl_merging *m, const hl_uuid *id, hl_err *err);
/* Has that row of theirs changed since it was here last? */
HL_CHECK hl_rc hl_merge_touched(
    hl_merging *m, const hl_uuid *id, bool *yes, hl_err *err);

/* A UUID made of another: the same one wherever and whenever it is made. */
HL_CHECK hl_rc hl_merge_derive(
    const char *what, const void *p, size_t n, hl_uuid *out, hl_err *err);

/* Puts the next hl_q_get_...() of a row at the column of that name. */
hl_q *hl_merge_at(hl_q *q, const char *column);

/* A column that does not come as it is. All of uuid, text NULL and no number:
 * it becomes NULL. */
typedef struct hl_merge_set {
	const char *column;
	const hl_uuid *uuid;
	const char *text;
	const int64_t *number;
} hl_merge_set;

/* Inserts the row that `q` (SELECT *) is at into our table of the same name,
 * but for n, which is new. */
HL_CHECK hl_rc hl_merge_insert(hl_merging *m, const char *table, hl_q *q,
    const hl_merge_set *set, size_t n, hl_err *err);

/* Calls `row` for each row of the statement (SELECT *) on their store. */
HL_CHECK hl_rc hl_merge_each(hl_merging *m, const char *sql,
    hl_rc (*row)(hl_merging *m, hl_q *q, hl_err *err), hl_err *err);

/* Tells what changed, as merged from them; one more fact may be given. */
HL_CHECK hl_rc hl_merge_tell(
    hl_merging *m, const char *kind, const hl_event_fact *more, hl_err *err);
void hl_merge_note(hl_merging *m, const char *fmt, ...) HL_PRINTF(2, 3);

/* ---- the parts, in the order in which they run -------------------------- */

/* merge_ledger.c: verifies their ledger and finds what of it is known. */
HL_CHECK hl_rc hl_merge_look(hl_merging *m, hl_err *err);
/* Takes their events in, and notes what they tell of. */
HL_CHECK hl_rc hl_merge_events(hl_merging *m, hl_err *err);
/* Records how far their ledger came; then the ledgers that they had merged. */
HL_CHECK hl_rc hl_merge_ledgers(hl_merging *m, hl_err *err);

HL_CHECK hl_rc hl_merge_firmwares(hl_merging *m, hl_err *err);
HL_CHECK hl_rc hl_merge_chips(hl_merging *m, hl_err *err);
/* Cards, their readings, and the issues of these. */
HL_CHECK hl_rc hl_merge_cards(hl_merging *m, hl_err *err);
HL_CHECK hl_rc hl_merge_licenses(hl_merging *m, hl_err *err);
/* Uses, installs, slots, variances. */
HL_CHECK hl_rc hl_merge_others(hl_merging *m, hl_err *err);
/* merge_units.c: each unit of a card that several asked counts once. */
HL_CHECK hl_rc hl_merge_units(hl_merging *m, hl_err *err);

/* ---- merge_issue.c, for hl_merge_cards() -------------------------------- */

/* What came of an issue that is new here. */
typedef struct hl_merge_came {
	bool unread;	 /* the card was not read after it */
	uint32_t after;	 /* what must be left */
	int64_t attempt; /* its number there, where it has another one here */
} hl_merge_came;

/* Their issue `id`, of our row `card`. */
HL_CHECK hl_rc hl_merge_issue_new(hl_merging *m, const hl_uuid *id,
    const hl_uuid *card, hl_merge_came *out, hl_err *err);
/* It is here already: brings what became of it since. */
HL_CHECK hl_rc hl_merge_issue_again(
    hl_merging *m, const hl_uuid *id, hl_err *err);

/* ---- merge_place.c, for hl_merge_cards() -------------------------------- */

/* NULL: they have no such card. */
hl_merge_card *hl_merge_card_find(hl_merging *m, const hl_uuid *theirs);
/* Options that name no card are refused. */
HL_CHECK hl_rc hl_merge_check_cards(hl_merging *m, hl_err *err);
/* A card that is new here comes, as one of its own or beside the one of ours
 * that it is; `first` is at its first reading. */
HL_CHECK hl_rc hl_merge_place(
    hl_merging *m, hl_merge_card *c, hl_q *first, hl_err *err);
/* Its history goes on otherwise than here: a row for it from `next` on. */
HL_CHECK hl_rc hl_merge_branch(
    hl_merging *m, hl_merge_card *c, hl_q *next, hl_err *err);

#endif
