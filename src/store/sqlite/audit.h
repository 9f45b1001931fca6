/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl_store_audit() in its parts. First all events are read, without a lock, and
 * what they tell of each row goes into an index. Then rows and index are walked
 * side by side, some rows at a time: each time one moment of the store is held
 * fast, the events that came meanwhile are taken in, and so the rows that are
 * seen are those that the index speaks of.
 */
#ifndef HL_STORE_SQLITE_AUDIT_H
#define HL_STORE_SQLITE_AUDIT_H

#include "store/sqlite/audit_index.h"
#include "store/sqlite/log.h"

#define HL_AUDIT_CHUNK 64 /* rows while a moment is held */
#define HL_AUDIT_COLUMNS 40
#define HL_AUDIT_KEY 64

/* The columns of a table as keys of an event's body. */
typedef struct hl_audit_columns {
	size_t n;
	char key[HL_AUDIT_COLUMNS][HL_AUDIT_KEY];
	bool changes[HL_AUDIT_COLUMNS]; /* told again when the row changes */
	char removed[HL_AUDIT_KEY];
} hl_audit_columns;

typedef struct hl_audit {
	hl_store *s;
	void (*found)(void *arg, const char *text);
	void (*progress)(void *arg, uint64_t done, uint64_t of);
	void *arg;
	hl_audit_result r;
	hl_index *index;
	hl_q body;		   /* of an event, by its number */
	hl_audit_columns *columns; /* of each of hl_logged_tables */
	hl_audit_point *points;	   /* by size */
	size_t points_n, point;	   /* the next one */
	uint64_t next;		   /* number of the event that must come */
	bool timed;		   /* of the event before: */
	int64_t at;
	int64_t newest;	      /* time of all events */
	uint64_t told_rows;   /* rows that are in the index */
	uint64_t merged_rows; /* events of other ledgers that are told of */
	uint64_t steps;	      /* since the last word of progress */
	bool held;	      /* a moment is */
	bool tree_checked;
	/* The schema was altered: */
	bool altered;
	bool lacks; /* a table of ours is missing */
	bool no_tree;
	bool blind; /* events cannot be read: nothing is compared with them */
	uint64_t tree_size; /* when it was checked */
	hl_rc rc;	    /* why the work was stopped inside of a list */
	hl_err *err;
} hl_audit;

/* Counts a finding and tells it. */
void hl_audit_found(hl_audit *a, const char *fmt, ...) HL_PRINTF(2, 3);
void hl_audit_step(hl_audit *a);

/* Holds a moment fast, takes in the events up to it, and checks the tree. */
HL_CHECK hl_rc hl_audit_freeze(hl_audit *a, hl_err *err);
/* Lets go of it. Returns rc, or else why that failed. */
HL_CHECK hl_rc hl_audit_thaw(hl_audit *a, hl_rc rc, hl_err *err);

/* Is it a table, and no view in its place? */
HL_CHECK hl_rc hl_audit_has_table(
    hl_audit *a, const char *name, bool *has, hl_err *err);
/* Makes of a part that failed a finding where the schema was altered, so that
 * the others go on. Returns HL_OK then, or else rc. */
HL_CHECK hl_rc hl_audit_skip(
    hl_audit *a, const char *part, hl_rc rc, hl_err *err);

/* The body of an event that was read before; NULL: it cannot be read. */
HL_CHECK hl_rc hl_audit_body(
    hl_audit *a, uint64_t seq, json_t **body, hl_err *err);

/* ---- audit_events.c ------------------------------------------------------ */

/* For hl_store_events(): the next event. On failure a->rc and *a->err. */
bool hl_audit_event(void *arg, const hl_event_row *row);
/*
 * Bytes against leaf hash, form, and number. The hash of the bytes goes to
 * *leaf, what they say to *e when that can be read (*parsed).
 */
HL_CHECK hl_rc hl_audit_bytes(hl_audit *a, const char *place,
    const hl_event_row *row, hl_hash *leaf, hl_event *e, bool *parsed,
    hl_err *err);
HL_CHECK hl_rc hl_audit_points(hl_audit *a, hl_err *err);

/* ---- audit_told.c -------------------------------------------------------- */

HL_CHECK hl_rc hl_audit_columns_make(hl_audit *a, hl_err *err);
/* Puts the rows that an event tells of into the index. */
HL_CHECK hl_rc hl_audit_tell(hl_audit *a, const hl_event *e, hl_err *err);

/* ---- audit_rows.c, audit_merged.c ---------------------------------------- */

HL_CHECK hl_rc hl_audit_rows(hl_audit *a, hl_err *err);
HL_CHECK hl_rc hl_audit_merged(hl_audit *a, hl_err *err);

#endif
