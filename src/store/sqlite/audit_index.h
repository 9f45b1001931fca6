/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the events tell of each row: which event has it. There are as many rows
 * as there are events, so this lies in a temporary file, not in memory.
 */
#ifndef HL_STORE_SQLITE_AUDIT_INDEX_H
#define HL_STORE_SQLITE_AUDIT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

typedef struct hl_index hl_index;

typedef struct hl_told {
	int64_t n;	/* the row */
	uint64_t whole; /* number of the event that has all of it */
	uint64_t part;	/* of the newest one that has what may change */
	int64_t mark;	/* of that: what the next one is compared with */
} hl_told;

/* Errors of all: HL_EFULL, HL_ESTORE (of the temporary file), HL_ENOMEM. */
HL_CHECK hl_rc hl_index_open(hl_index **out, hl_err *err);
void hl_index_close(hl_index **x);

/* Tables are told apart by a number. *added false: the row is there already,
 * nothing is changed. */
HL_CHECK hl_rc hl_index_add(
    hl_index *x, size_t table, const hl_told *t, bool *added, hl_err *err);
/* Adds or replaces. */
HL_CHECK hl_rc hl_index_put(
    hl_index *x, size_t table, const hl_told *t, hl_err *err);
/* The first row from `from` on. */
HL_CHECK hl_rc hl_index_next(hl_index *x, size_t table, int64_t from,
    hl_told *out, bool *found, hl_err *err);
HL_CHECK hl_rc hl_index_drop(hl_index *x, size_t table, int64_t n, hl_err *err);

/* The counter at the newest reading of a card. */
HL_CHECK hl_rc hl_index_counter(
    hl_index *x, const char *card, int64_t *counter, bool *found, hl_err *err);
HL_CHECK hl_rc hl_index_set_counter(
    hl_index *x, const char *card, int64_t counter, hl_err *err);

/* Events of another ledger from `first` up to `end` were merged, behind
 * `before` rows of all ledgers. */
typedef struct hl_span {
	uint64_t first, end, before;
} hl_span;

HL_CHECK hl_rc hl_index_add_span(
    hl_index *x, const char *ledger, const hl_span *s, hl_err *err);
/* The one that has this event, or else the last one of that ledger. */
HL_CHECK hl_rc hl_index_span(hl_index *x, const char *ledger, uint64_t seq,
    hl_span *out, bool *found, hl_err *err);

#endif
