/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that decides that a change has its event. SQLite tells which
 * rows a transaction changes; hl_log_event() tells them in an event; and
 * hl_tx_end() commits no transaction that changed a row and did not tell it.
 *
 * In an event's body a column is "<thing>_<column>": the whole row when it is
 * new, else those columns that may change, with n and id; of a row that went
 * away "<thing>_removed" is its n. There is at most one row of a table in an
 * event; a further one makes a further event of the same kind.
 */
#ifndef HL_STORE_SQLITE_LOG_H
#define HL_STORE_SQLITE_LOG_H

#include "ledger/event.h"
#include "store/sqlite/db.h"

/* A table whose rows have events. */
typedef struct hl_logged {
	const char *table, *thing; /* "issues", "issue" */
	const char *all;	   /* columns of a new row, n first */
	const char *changing;	   /* of one that changed; NULL: none ever do */
} hl_logged;

extern const hl_logged hl_logged_tables[];
extern const size_t hl_logged_n;
/* NULL: none of them. */
const hl_logged *hl_logged_find(const char *table);
/* Tables of ledgers have no events: their roots vouch for them. */
bool hl_logged_by_root(const char *table);

/* From now to hl_log_stop(), changes are noted. */
void hl_log_start(hl_store *s);
void hl_log_stop(hl_store *s);
/* Forgets what was noted: a migration tells of it in its own way. */
void hl_log_forget(hl_store *s);

/*
 * Tells of all rows that changed since the last event, inside a transaction.
 * Facts go into the body beside them; without rows and facts there is no event.
 * `actor` NULL: the store itself. HL_EINPUT: too long for an event.
 */
HL_CHECK hl_rc hl_log_event(hl_store *s, const char *kind,
    const hl_actor *actor, const hl_event_fact *facts, size_t n, hl_err *err);
/* Adds a row to a body under construction, as hl_log_event() does: a whole row
 * (`fresh`) or what may change of it. *found false: it is not there. */
HL_CHECK hl_rc hl_log_row(hl_store *s, const hl_logged *table, int64_t n,
    bool fresh, json_t *body, bool *found, hl_err *err);
/* Reads the edge of the tree to s->log, if that was not done yet. */
HL_CHECK hl_rc hl_log_load(hl_store *s, hl_err *err);
/* The last step before a commit: HL_ESTORE when a change was not told. */
HL_CHECK hl_rc hl_log_close(hl_store *s, hl_err *err);

/* Notes a row as if it had been added just now. */
HL_CHECK hl_rc hl_log_note(
    hl_store *s, const hl_logged *table, int64_t n, hl_err *err);
/* Column i as a value of an event's body; NULL: no memory, or too long. */
json_t *hl_log_value(sqlite3_stmt *st, int i);

/* An event from columns seq, bytes, leaf; its bytes are SQLite's, until the
 * next row. False: no memory. */
bool hl_log_row_event(hl_q *q, hl_event_row *r);

/* Tells of a whole store that was made before there were events. */
HL_CHECK hl_rc hl_log_upgrade(hl_store *s, int from, hl_err *err);

#endif
