/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of one store on their way into another. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/sqlite/merge.h"

/* ---- what is known of rows during a merge ------------------------------- */

hl_rc
hl_merge_begin(hl_merging *m, hl_err *err)
{
	return hl_db_exec(m->s,
	    /* with rowids: what changes is counted against what is noted */
	    "CREATE TEMP TABLE merge_map (theirs BLOB PRIMARY KEY, "
	    "ours BLOB NOT NULL); "
	    "CREATE TEMP TABLE merge_touched (id BLOB PRIMARY KEY)",
	    err);
}

hl_rc
hl_merge_end(hl_merging *m, hl_err *err)
{
	return hl_db_exec(m->s,
	    "DROP TABLE temp.merge_map; DROP TABLE temp.merge_touched", err);
}

hl_rc
hl_merge_put_map(
    hl_merging *m, const hl_uuid *theirs, const hl_uuid *ours, hl_err *err)
{
	hl_q q;

	if (hl_uuid_equal(theirs, ours))
		return HL_OK;
	q = hl_q_new(m->s,
	    "INSERT OR IGNORE INTO temp.merge_map (theirs, ours) "
	    "VALUES (?, ?)");
	hl_q_uuid(&q, theirs);
	hl_q_uuid(&q, ours);
	return hl_q_run(&q, err);
}

static hl_rc
look_up(hl_merging *m, const hl_uuid *theirs, hl_uuid *ours, bool *found,
    hl_err *err)
{
	hl_q q;

	q = hl_q_new(m->s, "SELECT ours FROM temp.merge_map WHERE theirs = ?");
	hl_q_uuid(&q, theirs);
	if ((*found = hl_q_row(&q)))
		hl_q_get_uuid(&q, ours);
	return hl_q_end(&q, err);
}

hl_rc
hl_merge_map(hl_merging *m, const hl_uuid *theirs, hl_uuid *ours, hl_err *err)
{
	bool found;
	hl_rc rc = look_up(m, theirs, ours, &found, err);

	if (rc == HL_OK && !found)
		*ours = *theirs;
	return rc;
}

hl_rc
hl_merge_known(
    hl_merging *m, const char *table, const hl_uuid *id, bool *yes, hl_err *err)
{
	char sql[80];
	hl_q q;

	snprintf(sql, sizeof(sql), "SELECT 1 FROM %s WHERE id = ?", table);
	q = hl_q_new(m->s, sql);
	hl_q_uuid(&q, id);
	*yes = hl_q_row(&q);
	return hl_q_end(&q, err);
}

hl_rc
hl_merge_touch(hl_merging *m, const hl_uuid *id, hl_err *err)
{
	hl_q q = hl_q_new(
	    m->s, "INSERT OR IGNORE INTO temp.merge_touched (id) VALUES (?)");

	hl_q_uuid(&q, id);
	return hl_q_run(&q, err);
}

hl_rc
hl_merge_touched(hl_merging *m, const hl_uuid *id, bool *yes, hl_err *err)
{
	hl_q q =
	    hl_q_new(m->s, "SELECT 1 FROM temp.merge_touched WHERE id = ?");

	hl_q_uuid(&q, id);
	*yes = hl_q_row(&q);
	return hl_q_end(&q, err);
}

/* RFC 9562, version 8: made of a hash. */
hl_rc
hl_merge_derive(
    const char *what, const void *p, size_t n, hl_uuid *out, hl_err *err)
{
	uint8_t sha256[HL_SHA256_LEN];
	hl_buf b = HL_BUF_INIT;
	hl_rc rc;

	hl_buf_put(&b, what, strlen(what) + 1);
	hl_buf_put(&b, p, n);
	rc = b.failed ? hl_nomem(err) : hl_sha256(b.p, b.n, sha256, err);
	hl_buf_free(&b);
	if (rc != HL_OK)
		return rc;
	memcpy(out->b, sha256, sizeof(out->b));
	out->b[6] = (uint8_t)(0x80 | (out->b[6] & 0x0f));
	out->b[8] = (uint8_t)(0x80 | (out->b[8] & 0x3f));
	return HL_OK;
}

/* ---- rows --------------------------------------------------------------- */

hl_q *
hl_merge_at(hl_q *q, const char *column)
{
	const int n = q->code == SQLITE_OK ? sqlite3_column_count(q->st) : 0;

	for (int i = 0; i < n; i++) {
		if (strcmp(sqlite3_column_name(q->st, i), column) == 0) {
			q->column = i;
			return q;
		}
	}
	hl_q_damaged(q);
	return q;
}

static void
bind_value(hl_q *q, sqlite3_value *v)
{
	if (q->code == SQLITE_OK)
		q->code = sqlite3_bind_value(q->st, ++q->param, v);
}

static const hl_merge_set *
find_set(const hl_merge_set *set, size_t n, const char *column)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(set[i].column, column) == 0)
			return &set[i];
	}
	return NULL;
}

static void
bind_set(hl_q *q, const hl_merge_set *set)
{
	if (set->text != NULL)
		hl_q_text(q, set->text);
	else if (set->number != NULL)
		hl_q_int(q, *set->number);
	else
		hl_q_uuid(q, set->uuid);
}

/* "INSERT INTO table (a, b) VALUES (?, ?)", without n. */
static void
put_sql(hl_buf *sql, const char *table, sqlite3_stmt *st)
{
	const int columns = sqlite3_column_count(st);
	const char *comma = "";

	hl_buf_printf(sql, "INSERT INTO %s (", table);
	for (int i = 0; i < columns; i++) {
		if (strcmp(sqlite3_column_name(st, i), "n") == 0)
			continue;
		hl_buf_printf(sql, "%s%s", comma, sqlite3_column_name(st, i));
		comma = ", ";
	}
	hl_buf_printf(sql, ") VALUES (");
	for (int i = 1; i < columns; i++)
		hl_buf_printf(sql, i == 1 ? "?" : ", ?");
	hl_buf_printf(sql, ")");
}

hl_rc
hl_merge_insert(hl_merging *m, const char *table, hl_q *q,
    const hl_merge_set *set, size_t n, hl_err *err)
{
	hl_buf sql = HL_BUF_INIT;
	hl_q to;

	put_sql(&sql, table, q->st);
	to = hl_q_new(m->s, hl_buf_str(&sql));
	hl_buf_free(&sql);
	for (int i = 0; i < sqlite3_column_count(q->st); i++) {
		const char *column = sqlite3_column_name(q->st, i);
		const hl_merge_set *is = find_set(set, n, column);

		if (is != NULL)
			bind_set(&to, is);
		else if (strcmp(column, "n") != 0)
			bind_value(&to, sqlite3_column_value(q->st, i));
	}
	return hl_q_run(&to, err);
}

hl_rc
hl_merge_each(hl_merging *m, const char *sql,
    hl_rc (*row)(hl_merging *m, hl_q *q, hl_err *err), hl_err *err)
{
	hl_q q = hl_q_new(m->o, sql);
	hl_rc rc = HL_OK;

	while (rc == HL_OK && hl_q_row(&q))
		rc = row(m, &q, err);
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

/* ---- telling ------------------------------------------------------------ */

hl_rc
hl_merge_tell(
    hl_merging *m, const char *kind, const hl_event_fact *more, hl_err *err)
{
	hl_event_fact facts[3] = { { "merged", NULL, 1 },
		{ "origin", m->origin, 0 } };

	if (m->s->log.n == 0)
		return HL_OK;
	if (more != NULL)
		facts[2] = *more;
	return hl_log_event(
	    m->s, kind, m->actor, facts, more == NULL ? 2 : 3, err);
}

void
hl_merge_note(hl_merging *m, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (m->opt->note == NULL)
		return;
	va_start(ap, fmt);
	(void)hl_text_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	hl_text_clean(text);
	m->opt->note(m->opt->arg, text);
}
