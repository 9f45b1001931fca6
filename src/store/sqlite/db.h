/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite as the other files of this folder use it: a statement whose failures
 * stick until it is ended, and a transaction that is durable or never was.
 */
#ifndef HL_STORE_SQLITE_DB_H
#define HL_STORE_SQLITE_DB_H

#include <limits.h>
#include <sqlite3.h>

#include "ledger/tree.h"
#include "store/sqlite/engine.h"
#include "util/lock.h"

/* Of the side directory: room for the names of the files in it. */
#define HL_SIDE_MAX (PATH_MAX + 8)

/* A row that the transaction changed. */
typedef struct hl_change {
	const struct hl_logged *table;
	int64_t n;
	bool fresh, removed; /* new in this transaction; not there any more */
} hl_change;

/* What the transaction has to tell, and the tree that it tells it to: see
 * log.h. */
typedef struct hl_log {
	hl_change *changes;
	size_t n, cap;
	bool failed, unknown; /* not all could be noted; no table of ours */
	int64_t base;	      /* rows changed by then, as SQLite counts them */
	int64_t seen;	      /* and since, of all tables: */
	int64_t events, written; /* of events; of these, written here */
	bool edge;		 /* the tree was changed */
	bool merged, ledgers;	 /* merged_events; merged_ledgers */
	bool loaded;	      /* of the tree: */
	hl_frontier tree;
	uint64_t before; /* its size when the transaction began */
	int64_t last_at; /* time of the newest event */
} hl_log;

struct hl_store {
	sqlite3 *db;
	char path[PATH_MAX]; /* absolute, without links */
	char side[HL_SIDE_MAX];
	hl_lock *mark; /* says that this handle is open; NULL when reading */
	hl_uuid mark_id;
	uint32_t busy_ms;
	bool read_only;
	int schema_found; /* before it was brought up to date */
	/* A sync failed: what the system still keeps is not known, so nothing
	 * more is recorded, and the next open checks the file. */
	bool suspect;
	const char *doing; /* what this call tries; for messages */
	const char *origin; /* of one that is made now; NULL: of its ID */
	int64_t now;	   /* time of the transaction */
	int64_t changes;   /* rows changed before the transaction */
	hl_log log;
};

/* ---- failures ----------------------------------------------------------- */

/* Fills *err with `doing` on this store. */
hl_rc hl_db_fail(hl_store *s, hl_rc rc, hl_err *err, const char *hint,
    const char *why, ...) HL_PRINTF(5, 6);
/* What an (extended) SQLite code means; `os` is the errno behind it or 0. */
hl_rc hl_db_error(hl_store *s, int code, int os, hl_err *err);
/* Runs SQL without results. */
HL_CHECK hl_rc hl_db_exec(hl_store *s, const char *sql, hl_err *err);

/* ---- transactions ------------------------------------------------------- */

/* Takes the right to write, or fails. `doing` must stay valid. */
HL_CHECK hl_rc hl_tx_begin(hl_store *s, const char *doing, hl_err *err);
/*
 * Ends it: with rc HL_OK by a durable commit, else by a rollback. Returns rc,
 * or why the commit failed; then nothing was recorded. A row that changed and
 * is in no event (log.h) is such a reason.
 */
HL_CHECK hl_rc hl_tx_end(hl_store *s, hl_rc rc, hl_err *err);

/* ---- statements --------------------------------------------------------- */

/*
 * Parameters are bound in order, columns are read in order. The first failure
 * sticks; after it every call does nothing, and hl_q_end() reports it. What was
 * read counts only when hl_q_end() returned HL_OK.
 */
typedef struct hl_q {
	hl_store *s;
	sqlite3_stmt *st;
	int code, os; /* first failure: SQLite code, errno */
	int param, column;
	int64_t key; /* first column of the row functions: the rowid */
} hl_q;

hl_q hl_q_new(hl_store *s, const char *sql);
void hl_q_int(hl_q *q, int64_t v);
void hl_q_null(hl_q *q);
void hl_q_blob(hl_q *q, const void *p, size_t n); /* kept by the caller */
void hl_q_uuid(hl_q *q, const hl_uuid *u);	  /* NULL binds NULL; kept */
void hl_q_text(hl_q *q, const char *s);		  /* kept by the caller */
void hl_q_text_or_null(hl_q *q, const char *s);	  /* "" binds NULL */
void hl_q_actor(hl_q *q, const hl_actor *a);	  /* its five texts, in order */

/* The next row: true when there is one. */
bool hl_q_row(hl_q *q);

/* NULL reads as 0, "", all zero. A value that cannot be is a damaged store. */
int64_t hl_q_get_int(hl_q *q);
uint32_t hl_q_get_u32(hl_q *q);
bool hl_q_get_uuid(hl_q *q, hl_uuid *u); /* false: NULL */
void hl_q_get_text(hl_q *q, char *dst, size_t size);
/* Between min and max bytes, or NULL (0 bytes). Returns how many. */
size_t hl_q_get_blob(hl_q *q, void *dst, size_t min, size_t max);
void hl_q_get_actor(hl_q *q, hl_actor *a);
void hl_q_get_hash(hl_q *q, hl_hash *h); /* NULL is damage */
void hl_q_damaged(hl_q *q); /* what was read cannot be */

/* Frees the statement. */
HL_CHECK hl_rc hl_q_end(hl_q *q, hl_err *err);
/* Keeps it instead, to be bound anew. */
HL_CHECK hl_rc hl_q_again(hl_q *q, hl_err *err);
/* Runs a statement that returns no row, and ends it. */
HL_CHECK hl_rc hl_q_run(hl_q *q, hl_err *err);

/* ---- checks of what the caller gives ------------------------------------ */

/* HL_EINPUT unless every text fits and the class is known. */
HL_CHECK hl_rc hl_actor_check(const hl_actor *a, hl_err *err);
#endif
