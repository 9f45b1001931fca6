/* SPDX-License-Identifier: Apache-2.0 */
/* Each row of each table against the events that tell of it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/sqlite/audit.h"

#define VALUE_TEXT 100

/* One table as it is walked. */
typedef struct walk {
	hl_audit *a;
	size_t table;
	int64_t from; /* rows before are done */
	bool done;
} walk;

/* A value for people: a word as it is, other texts in quotes. */
static void
value_text(const json_t *v, char out[VALUE_TEXT])
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *s = json_string_value(v);

	if (v == NULL)
		(void)hl_text_format(out, VALUE_TEXT, "what cannot be");
	else if (json_is_integer(v))
		(void)hl_text_format(out, VALUE_TEXT, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(v));
	else if (s == NULL)
		(void)hl_text_format(out, VALUE_TEXT, "not set");
	else if (strlen(s) != json_string_length(v))
		(void)hl_text_format(out, VALUE_TEXT,
		    "\"%s\", a NUL and %zu more bytes", s,
		    json_string_length(v) - strlen(s) - 1);
	else if (*s != '\0' && strspn(s, word) == strlen(s))
		(void)hl_text_format(out, VALUE_TEXT, "%s", s);
	else
		(void)hl_text_format(out, VALUE_TEXT, "\"%s\"", s);
}

/* "issues row 7 (id ...)" */
static void
row_name(const hl_logged *t, const hl_told *told, const json_t *whole,
    char *out, size_t size)
{
	const char *id;
	char key[HL_AUDIT_KEY];

	snprintf(key, sizeof(key), "%s_id", t->thing);
	id = json_string_value(json_object_get(whole, key));
	(void)hl_text_format(out, size, "%s row %" PRId64 "%s%s%s", t->table,
	    told->n, id == NULL ? "" : " (id ", id == NULL ? "" : id,
	    id == NULL ? "" : ")");
}

static void
compare_column(walk *w, const hl_told *told, const json_t *whole,
    const json_t *part, const json_t *is, size_t column)
{
	const hl_audit_columns *c = &w->a->columns[w->table];
	const hl_logged *t = &hl_logged_tables[w->table];
	const bool newer = c->changes[column] && told->part != told->whole;
	const char *key = c->key[column];
	const json_t *said = json_object_get(newer ? part : whole, key);
	char now[VALUE_TEXT], then[VALUE_TEXT], row[128];

	if (is != NULL && json_equal(is, said))
		return;
	value_text(is, now);
	value_text(said, then);
	row_name(t, told, whole, row, sizeof(row));
	hl_audit_found(w->a, "%s: %s is %s, event %" PRIu64 " says %s", row,
	    key + strlen(t->thing) + 1, now, newer ? told->part : told->whole,
	    then);
}

static hl_rc
compare(walk *w, hl_q *q, const hl_told *told, hl_err *err)
{
	const hl_audit_columns *c = &w->a->columns[w->table];
	json_t *whole = NULL, *part = NULL;
	hl_rc rc;

	rc = hl_audit_body(w->a, told->whole, &whole, err);
	if (rc == HL_OK && told->part != told->whole)
		rc = hl_audit_body(w->a, told->part, &part, err);
	for (size_t i = 0; i < c->n && rc == HL_OK; i++) {
		json_t *is = hl_log_value(q->st, (int)i);

		compare_column(w, told, whole, part, is, i);
		json_decref(is);
	}
	json_decref(whole);
	json_decref(part);
	return rc;
}

static hl_rc
found_missing(walk *w, const hl_told *told, hl_err *err)
{
	json_t *whole = NULL;
	char row[128];
	hl_rc rc;

	rc = hl_audit_body(w->a, told->whole, &whole, err);
	row_name(&hl_logged_tables[w->table], told, whole, row, sizeof(row));
	hl_audit_found(w->a, "%s: it is missing, event %" PRIu64 " tells of it",
	    row, told->whole);
	json_decref(whole);
	return rc;
}

/* Rows that are told of from w->from on and lie before n; then the index
 * stands at *told (*found) or at its end. */
static hl_rc
skip_missing(walk *w, int64_t n, hl_told *told, bool *found, hl_err *err)
{
	hl_rc rc;

	for (;;) {
		rc = hl_index_next(
		    w->a->index, w->table, w->from, told, found, err);
		if (rc != HL_OK || !*found || told->n >= n)
			return rc;
		if ((rc = found_missing(w, told, err)) != HL_OK)
			return rc;
		w->from = told->n + 1;
	}
}

static hl_rc
take_row(walk *w, hl_q *q, hl_err *err)
{
	const hl_logged *t = &hl_logged_tables[w->table];
	const int64_t n = sqlite3_column_int64(q->st, 0);
	hl_told told;
	bool found;
	hl_rc rc;

	if ((rc = skip_missing(w, n, &told, &found, err)) != HL_OK)
		return rc;
	if (found && told.n == n)
		rc = compare(w, q, &told, err);
	else
		hl_audit_found(w->a,
		    "%s row %" PRId64 ": it is there, but no event tells of it",
		    t->table, n);
	w->a->r.rows++;
	if (strcmp(t->table, "licenses") == 0)
		w->a->r.licenses++;
	if (n == INT64_MAX)
		w->done = true;
	else
		w->from = n + 1;
	hl_audit_step(w->a);
	return rc;
}

/* The rows that are left in the index when the table ends. */
static hl_rc
take_rest(walk *w, hl_err *err)
{
	hl_told told;
	bool found;
	hl_rc rc;

	if (w->done)
		return HL_OK;
	w->done = true;
	rc = skip_missing(w, INT64_MAX, &told, &found, err);
	return rc == HL_OK && found ? found_missing(w, &told, err) : rc;
}

/* While a moment is held. */
static hl_rc
take_some(walk *w, hl_err *err)
{
	const hl_logged *t = &hl_logged_tables[w->table];
	hl_rc rc = HL_OK, rc2;
	char sql[512];
	int rows = 0;
	hl_q q;

	snprintf(sql, sizeof(sql),
	    "SELECT %s FROM %s WHERE rowid >= ? ORDER BY rowid LIMIT %d",
	    t->all, t->table, HL_AUDIT_CHUNK);
	q = hl_q_new(w->a->s, sql);
	hl_q_int(&q, w->from);
	for (; rc == HL_OK && !w->done && hl_q_row(&q); rows++)
		rc = take_row(w, &q, err);
	rc2 = hl_q_end(&q, rc == HL_OK ? err : NULL);
	if (rc == HL_OK)
		rc = rc2;
	return rc == HL_OK && rows < HL_AUDIT_CHUNK ? take_rest(w, err) : rc;
}

static hl_rc
take_table(walk *w, hl_err *err)
{
	const char *name = hl_logged_tables[w->table].table;
	bool has;
	hl_rc rc = hl_audit_has_table(w->a, name, &has, err);

	if (rc == HL_OK && !has) {
		hl_audit_found(
		    w->a, "%s: not compared: there is no such table", name);
		return HL_OK;
	}
	while (rc == HL_OK && !w->done) {
		if ((rc = hl_audit_freeze(w->a, err)) == HL_OK)
			rc = hl_audit_thaw(w->a, take_some(w, err), err);
	}
	return rc;
}

hl_rc
hl_audit_rows(hl_audit *a, hl_err *err)
{
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < hl_logged_n && rc == HL_OK; i++) {
		walk w = { .a = a, .table = i, .from = INT64_MIN };

		rc = hl_audit_skip(
		    a, hl_logged_tables[i].table, take_table(&w, err), err);
	}
	return rc;
}
