/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/audit_index.h"

#include <sqlite3.h>
#include <stdlib.h>

enum { ADD, PUT, NEXT, DROP, COUNTER, SET_COUNTER, ADD_SPAN, SPAN, STATEMENTS };

static const char *const statements[STATEMENTS] = {
	[ADD] = "INSERT OR IGNORE INTO told (t, n, whole, part, mark) "
		"VALUES (?1, ?2, ?3, ?4, ?5)",
	[PUT] = "INSERT OR REPLACE INTO told (t, n, whole, part, mark) "
		"VALUES (?1, ?2, ?3, ?4, ?5)",
	[NEXT] = "SELECT n, whole, part, mark FROM told "
		 "WHERE t = ?1 AND n >= ?2 ORDER BY n LIMIT 1",
	[DROP] = "DELETE FROM told WHERE t = ?1 AND n = ?2",
	[COUNTER] = "SELECT counter FROM counters WHERE card = ?1",
	[SET_COUNTER] = "INSERT OR REPLACE INTO counters (card, counter) "
			"VALUES (?1, ?2)",
	[ADD_SPAN] = "INSERT OR REPLACE INTO spans (ledger, first, end, "
		     "before) VALUES (?1, ?2, ?3, ?4)",
	[SPAN] = "SELECT first, end, before FROM spans WHERE ledger = ?1 "
		 "AND first <= ?2 ORDER BY first DESC LIMIT 1",
};

/* Nothing of it outlives the process, so it needs neither journal nor sync;
 * the cache is all the memory that it takes. */
static const char setup[] =
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -8192; "
    "CREATE TABLE told (t INTEGER, n INTEGER, whole INTEGER, part INTEGER, "
    "mark INTEGER, PRIMARY KEY (t, n)) WITHOUT ROWID; "
    "CREATE TABLE counters (card TEXT PRIMARY KEY, counter INTEGER) "
    "WITHOUT ROWID; "
    "CREATE TABLE spans (ledger TEXT, first INTEGER, end INTEGER, "
    "before INTEGER, PRIMARY KEY (ledger, first)) WITHOUT ROWID; "
    "BEGIN";

struct hl_index {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
};

static hl_rc
fail_index(int code, hl_err *err)
{
	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return hl_nomem(err);
	case SQLITE_FULL:
		return hl_fail(err, HL_EFULL, "verify the ledger",
		    "make room for temporary files, or set TMPDIR to where "
		    "there is some",
		    "there is no room for a temporary file");
	default:
		return hl_fail(err, HL_ESTORE, "verify the ledger",
		    "check the disk of the temporary files (TMPDIR)",
		    "a temporary file cannot be used: %s",
		    sqlite3_errstr(code));
	}
}

hl_rc
hl_index_open(hl_index **out, hl_err *err)
{
	hl_index *x = calloc(1, sizeof(*x));
	int code;

	*out = NULL;
	if (x == NULL)
		return hl_nomem(err);
	code = sqlite3_open_v2("", &x->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_EXRESCODE,
	    NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(x->db, setup, NULL, NULL, NULL);
	for (int i = 0; i < STATEMENTS && code == SQLITE_OK; i++) {
		code = sqlite3_prepare_v3(x->db, statements[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &x->st[i], NULL);
	}
	if (code != SQLITE_OK) {
		hl_index_close(&x);
		return fail_index(code, err);
	}
	*out = x;
	return HL_OK;
}

void
hl_index_close(hl_index **x)
{
	if (*x == NULL)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize((*x)->st[i]);
	sqlite3_close((*x)->db);
	free(*x);
	*x = NULL;
}

/* Runs a statement that is bound; *row (may be NULL): it gave one. Columns
 * are read before end(). */
static hl_rc
step(sqlite3_stmt *st, bool *row, hl_err *err)
{
	const int code = sqlite3_step(st);

	if (row != NULL)
		*row = code == SQLITE_ROW;
	if (code == SQLITE_ROW || code == SQLITE_DONE)
		return HL_OK;
	sqlite3_reset(st);
	return fail_index(code, err);
}

static hl_rc
put_told(hl_index *x, int which, size_t table, const hl_told *t, hl_err *err)
{
	sqlite3_stmt *st = x->st[which];
	hl_rc rc;

	sqlite3_bind_int64(st, 1, (int64_t)table);
	sqlite3_bind_int64(st, 2, t->n);
	sqlite3_bind_int64(st, 3, (int64_t)t->whole);
	sqlite3_bind_int64(st, 4, (int64_t)t->part);
	sqlite3_bind_int64(st, 5, t->mark);
	rc = step(st, NULL, err);
	sqlite3_reset(st);
	return rc;
}

hl_rc
hl_index_add(
    hl_index *x, size_t table, const hl_told *t, bool *added, hl_err *err)
{
	const hl_rc rc = put_told(x, ADD, table, t, err);

	*added = rc == HL_OK && sqlite3_changes(x->db) > 0;
	return rc;
}

hl_rc
hl_index_put(hl_index *x, size_t table, const hl_told *t, hl_err *err)
{
	return put_told(x, PUT, table, t, err);
}

hl_rc
hl_index_next(hl_index *x, size_t table, int64_t from, hl_told *out,
    bool *found, hl_err *err)
{
	sqlite3_stmt *st = x->st[NEXT];
	hl_rc rc;

	sqlite3_bind_int64(st, 1, (int64_t)table);
	sqlite3_bind_int64(st, 2, from);
	rc = step(st, found, err);
	if (rc == HL_OK && *found) {
		out->n = sqlite3_column_int64(st, 0);
		out->whole = (uint64_t)sqlite3_column_int64(st, 1);
		out->part = (uint64_t)sqlite3_column_int64(st, 2);
		out->mark = sqlite3_column_int64(st, 3);
	}
	sqlite3_reset(st);
	return rc;
}

hl_rc
hl_index_drop(hl_index *x, size_t table, int64_t n, hl_err *err)
{
	sqlite3_stmt *st = x->st[DROP];
	hl_rc rc;

	sqlite3_bind_int64(st, 1, (int64_t)table);
	sqlite3_bind_int64(st, 2, n);
	rc = step(st, NULL, err);
	sqlite3_reset(st);
	return rc;
}

hl_rc
hl_index_counter(
    hl_index *x, const char *card, int64_t *counter, bool *found, hl_err *err)
{
	sqlite3_stmt *st = x->st[COUNTER];
	hl_rc rc;

	sqlite3_bind_text(st, 1, card, -1, SQLITE_STATIC);
	rc = step(st, found, err);
	if (rc == HL_OK && *found)
		*counter = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return rc;
}

hl_rc
hl_index_set_counter(
    hl_index *x, const char *card, int64_t counter, hl_err *err)
{
	sqlite3_stmt *st = x->st[SET_COUNTER];
	hl_rc rc;

	sqlite3_bind_text(st, 1, card, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, counter);
	rc = step(st, NULL, err);
	sqlite3_reset(st);
	return rc;
}

hl_rc
hl_index_add_span(
    hl_index *x, const char *ledger, const hl_span *s, hl_err *err)
{
	sqlite3_stmt *st = x->st[ADD_SPAN];
	hl_rc rc;

	sqlite3_bind_text(st, 1, ledger, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (int64_t)s->first);
	sqlite3_bind_int64(st, 3, (int64_t)s->end);
	sqlite3_bind_int64(st, 4, (int64_t)s->before);
	rc = step(st, NULL, err);
	sqlite3_reset(st);
	return rc;
}

hl_rc
hl_index_span(hl_index *x, const char *ledger, uint64_t seq, hl_span *out,
    bool *found, hl_err *err)
{
	sqlite3_stmt *st = x->st[SPAN];
	hl_rc rc;

	sqlite3_bind_text(st, 1, ledger, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (int64_t)seq);
	rc = step(st, found, err);
	if (rc == HL_OK && *found) {
		out->first = (uint64_t)sqlite3_column_int64(st, 0);
		out->end = (uint64_t)sqlite3_column_int64(st, 1);
		out->before = (uint64_t)sqlite3_column_int64(st, 2);
	}
	sqlite3_reset(st);
	return rc;
}
