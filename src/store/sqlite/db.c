/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/db.h"

#include <limits.h>
#include <string.h>
#include <time.h>

#include "store/sqlite/log.h"
#include "util/clock.h"

/*
 * The errno behind a failure. SQLite notes it at the connection, but not for a
 * COMMIT; then the file itself knows.
 */
static int
os_error(const hl_store *s, int code)
{
	int e;

	if ((code & 0xff) != SQLITE_IOERR && (code & 0xff) != SQLITE_CANTOPEN)
		return 0;
	if ((e = sqlite3_system_errno(s->db)) != 0)
		return e;
	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_LAST_ERRNO, &e) !=
	    SQLITE_OK)
		e = 0;
	return e;
}

/* The newest failure on the handle. */
static hl_rc
fail_now(hl_store *s, int code, hl_err *err)
{
	if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
		s->suspect = true;
	return hl_db_error(s, code, os_error(s, code), err);
}

hl_rc
hl_db_exec(hl_store *s, const char *sql, hl_err *err)
{
	const int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? HL_OK : fail_now(s, code, err);
}

/* ---- transactions ------------------------------------------------------- */

static void
roll_back(hl_store *s)
{
	/* a failure may have rolled back already */
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

/* An event cannot write such a time, and what is on record is for ever. */
static hl_rc
take_time(hl_store *s, hl_err *err)
{
	struct tm tm = { 0 };
	time_t t;

	s->now = hl_now_ms();
	if (s->now < 0)
		s->now = 0; /* a clock before 1970 */
	if (s->now <= HL_TIME_LAST)
		return HL_OK;
	t = (time_t)(s->now / 1000);
	if (gmtime_r(&t, &tm) == NULL)
		tm.tm_year = INT_MAX - 1900;
	return hl_db_fail(s, HL_ESTORE, err,
	    "set the clock of this computer right", "the clock says year %lld",
	    tm.tm_year + 1900LL);
}

hl_rc
hl_tx_begin(hl_store *s, const char *doing, hl_err *err)
{
	hl_rc rc;

	s->doing = doing;
	if (s->read_only) {
		return hl_db_fail(s, HL_ESTORE, err, "",
		    "this store was opened for reading only");
	}
	if (s->suspect) {
		return hl_db_fail(s, HL_ESTORE, err,
		    "check the disk and the system's log, then start again",
		    "the system failed to sync it before; nothing more is "
		    "recorded by this process");
	}
	if ((rc = hl_db_exec(s, "BEGIN IMMEDIATE", err)) != HL_OK)
		return rc;
	/* now that nobody else writes: times are in the order of commits */
	if ((rc = take_time(s, err)) != HL_OK) {
		roll_back(s);
		return rc;
	}
	s->changes = sqlite3_total_changes64(s->db);
	hl_log_start(s);
	return HL_OK;
}

static hl_rc
note_time(hl_store *s, hl_err *err)
{
	hl_q q;

	if (sqlite3_total_changes64(s->db) == s->changes)
		return HL_OK;
	q = hl_q_new(s, "UPDATE meta SET last_time = ?1 WHERE last_time < ?1");
	hl_q_int(&q, s->now);
	return hl_q_run(&q, err);
}

hl_rc
hl_tx_end(hl_store *s, hl_rc rc, hl_err *err)
{
	if (rc == HL_OK)
		rc = hl_log_close(s, err);
	if (rc == HL_OK)
		rc = note_time(s, err);
	hl_log_stop(s);
	if (rc == HL_OK && sqlite3_get_autocommit(s->db)) {
		rc = hl_db_fail(s, HL_ESTORE, err, "run hsmlic store check",
		    "the transaction had ended early");
	}
	if (rc == HL_OK)
		rc = hl_db_exec(s, "COMMIT", err);
	if (rc != HL_OK)
		roll_back(s);
	return rc;
}

/* ---- statements --------------------------------------------------------- */

static void
stick(hl_q *q, int code)
{
	if (q->code != SQLITE_OK || code == SQLITE_OK)
		return;
	q->code = code;
	q->os = os_error(q->s, code);
	if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
		q->s->suspect = true;
}

hl_q
hl_q_new(hl_store *s, const char *sql)
{
	hl_q q = { .s = s };

	stick(&q, sqlite3_prepare_v3(s->db, sql, -1, 0, &q.st, NULL));
	return q;
}

void
hl_q_int(hl_q *q, int64_t v)
{
	if (q->code == SQLITE_OK)
		stick(q, sqlite3_bind_int64(q->st, ++q->param, v));
}

void
hl_q_null(hl_q *q)
{
	if (q->code == SQLITE_OK)
		stick(q, sqlite3_bind_null(q->st, ++q->param));
}

void
hl_q_blob(hl_q *q, const void *p, size_t n)
{
	if (n == 0)
		p = ""; /* NULL would bind NULL */
	if (q->code == SQLITE_OK) {
		stick(q,
		    sqlite3_bind_blob64(
			q->st, ++q->param, p, n, SQLITE_STATIC));
	}
}

void
hl_q_uuid(hl_q *q, const hl_uuid *u)
{
	if (u == NULL)
		hl_q_null(q);
	else
		hl_q_blob(q, u->b, sizeof(u->b));
}

void
hl_q_text(hl_q *q, const char *s)
{
	if (q->code == SQLITE_OK) {
		stick(q,
		    sqlite3_bind_text(q->st, ++q->param, s, -1, SQLITE_STATIC));
	}
}

void
hl_q_text_or_null(hl_q *q, const char *s)
{
	if (*s == '\0')
		hl_q_null(q);
	else
		hl_q_text(q, s);
}

void
hl_q_actor(hl_q *q, const hl_actor *a)
{
	hl_q_text(q, a->station);
	hl_q_text(q, a->operator_);
	hl_q_text(q, a->lot);
	hl_q_text(q, a->note);
	hl_q_text(q, a->use_class);
}

bool
hl_q_row(hl_q *q)
{
	int code;

	if (q->code != SQLITE_OK)
		return false;
	q->column = 0;
	code = sqlite3_step(q->st);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		stick(q, code);
	return code == SQLITE_ROW;
}

void
hl_q_damaged(hl_q *q)
{
	stick(q, SQLITE_CORRUPT);
}

int64_t
hl_q_get_int(hl_q *q)
{
	return q->code != SQLITE_OK ? 0
				    : sqlite3_column_int64(q->st, q->column++);
}

uint32_t
hl_q_get_u32(hl_q *q)
{
	const int64_t v = hl_q_get_int(q);

	if (v < 0 || v > UINT32_MAX) {
		hl_q_damaged(q);
		return 0;
	}
	return (uint32_t)v;
}

size_t
hl_q_get_blob(hl_q *q, void *dst, size_t min, size_t max)
{
	const void *p;
	size_t n;

	if (q->code != SQLITE_OK)
		return 0;
	if (sqlite3_column_type(q->st, q->column) == SQLITE_NULL) {
		q->column++;
		return 0;
	}
	p = sqlite3_column_blob(q->st, q->column);
	n = (size_t)sqlite3_column_bytes(q->st, q->column);
	q->column++;
	if (p == NULL && n > 0) {
		stick(q, SQLITE_NOMEM);
		return 0;
	}
	if (n < min || n > max) {
		hl_q_damaged(q);
		return 0;
	}
	if (n > 0)
		memcpy(dst, p, n);
	return n;
}

bool
hl_q_get_uuid(hl_q *q, hl_uuid *u)
{
	memset(u, 0, sizeof(*u));
	return hl_q_get_blob(q, u->b, sizeof(u->b), sizeof(u->b)) > 0;
}

void
hl_q_get_text(hl_q *q, char *dst, size_t size)
{
	const size_t n = hl_q_get_blob(q, dst, 0, size - 1);

	dst[n] = '\0';
	if (strlen(dst) != n)
		hl_q_damaged(q);
}

void
hl_q_get_actor(hl_q *q, hl_actor *a)
{
	hl_q_get_text(q, a->station, sizeof(a->station));
	hl_q_get_text(q, a->operator_, sizeof(a->operator_));
	hl_q_get_text(q, a->lot, sizeof(a->lot));
	hl_q_get_text(q, a->note, sizeof(a->note));
	hl_q_get_text(q, a->use_class, sizeof(a->use_class));
}

void
hl_q_get_hash(hl_q *q, hl_hash *h)
{
	if (hl_q_get_blob(q, h->b, sizeof(h->b), sizeof(h->b)) == 0)
		hl_q_damaged(q);
}

hl_rc
hl_q_end(hl_q *q, hl_err *err)
{
	hl_rc rc = HL_OK;

	/* while sqlite3_errmsg() still speaks of it */
	if (q->code != SQLITE_OK)
		rc = hl_db_error(q->s, q->code, q->os, err);
	sqlite3_finalize(q->st);
	q->st = NULL;
	return rc;
}

hl_rc
hl_q_again(hl_q *q, hl_err *err)
{
	hl_rc rc = HL_OK;

	if (q->code != SQLITE_OK)
		rc = hl_db_error(q->s, q->code, q->os, err);
	sqlite3_reset(q->st);
	q->code = q->os = q->param = q->column = 0;
	return rc;
}

hl_rc
hl_q_run(hl_q *q, hl_err *err)
{
	hl_q_row(q);
	return hl_q_end(q, err);
}

/* ---- checks ------------------------------------------------------------- */

hl_rc
hl_actor_check(const hl_actor *a, hl_err *err)
{
	const struct {
		const char *name, *text;
	} fields[] = {
		{ "station", a->station },
		{ "operator", a->operator_ },
		{ "lot", a->lot },
		{ "note", a->note },
		{ "class", a->use_class },
	};
	hl_rc rc;

	for (size_t i = 0; i < HL_COUNT(fields); i++) {
		rc = hl_text_check(fields[i].name, fields[i].text, true, err);
		if (rc != HL_OK)
			return rc;
	}
	if (a->use_class[0] == '\0' ||
	    strcmp(a->use_class, "production") == 0 ||
	    strcmp(a->use_class, "test") == 0)
		return HL_OK;
	return hl_fail(err, HL_EINPUT, "check the class",
	    "say production or test", "\"%s\" is not a class of use",
	    a->use_class);
}
