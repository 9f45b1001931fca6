/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/audit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/schema.h"
#include "util/clock.h"

#define FINDING_MAX 1024
#define STEPS 1024 /* between two words of progress */

static const char doing[] = "verify the ledger";

void
hl_audit_found(hl_audit *a, const char *fmt, ...)
{
	char text[FINDING_MAX];
	va_list ap;

	if (a->r.findings++ >= HL_AUDIT_TOLD_MAX || a->found == NULL)
		return;
	va_start(ap, fmt);
	(void)hl_text_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	hl_text_clean(text);
	a->found(a->arg, text);
}

static void
tell_progress(hl_audit *a)
{
	const uint64_t done = a->r.events + a->r.rows;
	const uint64_t of =
	    (a->r.events < a->tree_size ? a->tree_size : a->r.events) +
	    a->told_rows + a->merged_rows;

	if (a->progress != NULL)
		a->progress(a->arg, done, of < done ? done : of);
}

/* Whoever listens may take their time, but not while others wait. */
void
hl_audit_step(hl_audit *a)
{
	if (++a->steps < STEPS || a->held)
		return;
	a->steps = 0;
	tell_progress(a);
}

/* ---- a schema that was altered ------------------------------------------- */

hl_rc
hl_audit_skip(hl_audit *a, const char *part, hl_rc rc, hl_err *err)
{
	if (rc != HL_ESTORE || !a->altered)
		return rc;
	hl_audit_found(a, "%s: not compared: %s", part, err->why);
	return HL_OK;
}

hl_rc
hl_audit_has_table(hl_audit *a, const char *name, bool *has, hl_err *err)
{
	hl_q q;

	*has = true;
	if (!a->altered)
		return HL_OK;
	q = hl_q_new(a->s,
	    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' "
	    "AND name = ? AND sql NOT LIKE 'CREATE VIRTUAL%'");
	hl_q_text(&q, name);
	if (hl_q_row(&q))
		*has = hl_q_get_int(&q) != 0;
	return hl_q_end(&q, err);
}

/* One that is not there has been told of. */
static hl_rc
has_ours(hl_audit *a, const char *name, bool *has, hl_err *err)
{
	hl_rc rc = hl_audit_has_table(a, name, has, err);

	a->lacks = a->lacks || (rc == HL_OK && !*has);
	return rc;
}

static void
found_in_schema(void *arg, const char *text)
{
	hl_audit *a = arg;

	a->altered = true;
	hl_audit_found(a, "schema: %s", text);
}

static hl_rc
check_schema(hl_audit *a, hl_err *err)
{
	hl_rc rc = hl_schema_differences(a->s, found_in_schema, a, err);
	bool has;

	for (size_t i = 0; i < hl_logged_n && rc == HL_OK; i++)
		rc = has_ours(a, hl_logged_tables[i].table, &has, err);
	if (rc == HL_OK)
		rc = has_ours(a, "merged_events", &has, err);
	if (rc == HL_OK)
		rc = has_ours(a, "tree", &has, err);
	a->no_tree = rc == HL_OK && !has;
	if (rc == HL_OK)
		rc = has_ours(a, "events", &has, err);
	a->blind = rc == HL_OK && !has;
	return rc;
}

/* ---- the tree as it is recorded ------------------------------------------ */

typedef struct tree_row {
	int64_t size, last_at;
	int64_t one;
	int64_t first, last; /* numbers of events, of those that are there */
	hl_frontier f;
	size_t bytes; /* of the frontier */
	int rows;
} tree_row;

static hl_rc
read_tree(hl_audit *a, tree_row *t, hl_err *err)
{
	hl_q q = hl_q_new(a->s,
	    "SELECT size, frontier, last_at, "
	    "(SELECT coalesce(max(seq), -1) FROM events), "
	    "(SELECT coalesce(min(seq), 0) FROM events), one FROM tree");

	memset(t, 0, sizeof(*t));
	for (; hl_q_row(&q); t->rows++) {
		t->size = hl_q_get_int(&q);
		t->bytes = (size_t)sqlite3_column_bytes(q.st, 1);
		if (t->bytes <= sizeof(t->f.h))
			hl_q_get_blob(&q, t->f.h, 0, sizeof(t->f.h));
		t->last_at = sqlite3_column_int64(q.st, 2);
		t->last = sqlite3_column_int64(q.st, 3);
		t->first = sqlite3_column_int64(q.st, 4);
		t->one = sqlite3_column_int64(q.st, 5);
	}
	return hl_q_end(&q, err);
}

/* Behind the last event and before the first, none is looked for. */
static void
compare_ends(hl_audit *a, const tree_row *t)
{
	if (t->first < 0)
		hl_audit_found(a,
		    "event %" PRId64 ": it is there, before the first one",
		    t->first);
	if ((uint64_t)t->last + 1 != a->next)
		hl_audit_found(a,
		    "event %" PRId64 ": it is there, behind the last one",
		    t->last);
}

static void
compare_tree(hl_audit *a, const tree_row *t)
{
	const hl_frontier *f = &a->r.tree;
	char is[HL_TIME_TEXT], says[HL_TIME_TEXT];

	if (t->rows != 1 || t->one != 1) {
		hl_audit_found(
		    a, "tree: it has %d rows, not row 1 alone", t->rows);
		return;
	}
	compare_ends(a, t);
	if (t->size < 0 || (uint64_t)t->size != f->size)
		hl_audit_found(a,
		    "tree: its size is %" PRId64 ", but there are %" PRIu64
		    " events",
		    t->size, f->size);
	if (t->bytes != f->n * sizeof(f->h[0]) ||
	    memcmp(t->f.h, f->h, t->bytes) != 0)
		hl_audit_found(
		    a, "tree: its frontier is not the one of the events");
	if (a->timed && t->last_at != a->at) {
		hl_time_text(t->last_at, is);
		hl_time_text(a->at, says);
		hl_audit_found(a,
		    "tree: its time is %s, the newest event says %s", is, says);
	}
}

/* At each moment that has more events than the one before. */
static hl_rc
check_tree(hl_audit *a, hl_err *err)
{
	tree_row t;
	hl_rc rc;

	if (a->no_tree || a->blind ||
	    (a->tree_checked && a->tree_size == a->r.tree.size))
		return HL_OK;
	rc = read_tree(a, &t, err);
	if (rc == HL_OK) {
		a->tree_checked = true;
		a->tree_size = a->r.tree.size;
		compare_tree(a, &t);
		return HL_OK;
	}
	a->no_tree = true;
	return hl_audit_skip(a, "tree", rc, err);
}

/* ---- moments ------------------------------------------------------------- */

static hl_rc
take_events(hl_audit *a, hl_err *err)
{
	hl_rc rc;

	if (a->blind)
		return HL_OK;
	a->rc = HL_OK;
	a->err = err;
	rc = hl_store_events(a->s, a->next, INT64_MAX, hl_audit_event, a, err);
	a->s->doing = doing;
	if (a->rc != HL_OK)
		return a->rc;
	a->blind = rc == HL_ESTORE && a->altered;
	return hl_audit_skip(a, "events", rc, err);
}

hl_rc
hl_audit_thaw(hl_audit *a, hl_rc rc, hl_err *err)
{
	const hl_rc rc2 = hl_db_exec(a->s, "COMMIT", rc == HL_OK ? err : NULL);

	if (rc2 != HL_OK && !sqlite3_get_autocommit(a->s->db))
		sqlite3_exec(a->s->db, "ROLLBACK", NULL, NULL, NULL);
	a->held = false;
	if (a->steps >= STEPS)
		hl_audit_step(a);
	return rc != HL_OK ? rc : rc2;
}

hl_rc
hl_audit_freeze(hl_audit *a, hl_err *err)
{
	hl_rc rc;

	a->s->doing = doing;
	if ((rc = hl_db_exec(a->s, "BEGIN", err)) != HL_OK)
		return rc;
	a->held = true;
	rc = take_events(a, err);
	if (rc == HL_OK)
		rc = check_tree(a, err);
	return rc == HL_OK ? HL_OK : hl_audit_thaw(a, rc, err);
}

hl_rc
hl_audit_body(hl_audit *a, uint64_t seq, json_t **body, hl_err *err)
{
	json_t *e = NULL;

	if (a->body.st == NULL) {
		a->body =
		    hl_q_new(a->s, "SELECT bytes FROM events WHERE seq = ?");
	}
	hl_q_int(&a->body, (int64_t)seq);
	if (hl_q_row(&a->body)) {
		const void *p = sqlite3_column_blob(a->body.st, 0);

		if (p != NULL)
			e = json_loadb(p,
			    (size_t)sqlite3_column_bytes(a->body.st, 0), 0,
			    NULL);
	}
	*body = json_incref(json_object_get(e, "body"));
	json_decref(e);
	return hl_q_again(&a->body, err);
}

/* ---- the rest ------------------------------------------------------------ */

/* A table that nobody vouches for would be a place to change. One that is not
 * ours has been told of. */
static hl_rc
check_tables(hl_audit *a, hl_err *err)
{
	const char *name;
	hl_q q;

	if (a->altered)
		return HL_OK;
	q = hl_q_new(a->s,
	    "SELECT name FROM sqlite_schema WHERE type = 'table' "
	    "AND NOT " HL_SCHEMA_STATISTICS " ORDER BY name");
	while (hl_q_row(&q)) {
		name = (const char *)sqlite3_column_text(q.st, 0);
		if (name == NULL)
			name = "?";
		if (hl_logged_find(name) == NULL && !hl_logged_by_root(name))
			hl_audit_found(
			    a, "table %s: no event vouches for it", name);
	}
	return hl_q_end(&q, err);
}

static hl_rc
check_last_time(hl_audit *a, hl_err *err)
{
	char is[HL_TIME_TEXT], says[HL_TIME_TEXT];
	int64_t last = -1;
	hl_rc rc;
	hl_q q;

	if (a->blind || a->lacks)
		return HL_OK;
	q = hl_q_new(a->s, "SELECT last_time FROM meta");
	if (hl_q_row(&q))
		last = hl_q_get_int(&q);
	rc = hl_q_end(&q, err);
	if (rc != HL_OK || last == a->newest)
		return rc;
	hl_time_text(last, is);
	hl_time_text(a->newest, says);
	hl_audit_found(
	    a, "meta: its newest time is %s, the events say %s", is, says);
	return HL_OK;
}

static void
check_points_beyond(hl_audit *a)
{
	for (; a->point < a->points_n; a->point++) {
		const hl_audit_point *p = &a->points[a->point];

		hl_audit_found(a,
		    "the ledger has %" PRIu64 " events, checkpoint %s says "
		    "%" PRIu64 ": its end was cut off, or an older copy of the "
		    "store is in its place",
		    a->r.tree.size, p->name, p->size);
	}
}

static hl_rc
check_end(hl_audit *a, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_audit_freeze(a, err)) != HL_OK)
		return rc;
	check_points_beyond(a);
	if ((rc = check_last_time(a, err)) == HL_OK)
		rc = check_tables(a, err);
	return hl_audit_thaw(a, rc, err);
}

static void
found_by_check(void *arg, const char *text)
{
	hl_audit_found(arg, "%s", text);
}

/* A view in the place of a table may be anything, also without end. */
static hl_rc
check_sums(hl_audit *a, hl_err *err)
{
	static const char part[] = "structure and sums";
	uint64_t n = 0;

	if (!a->lacks)
		return hl_audit_skip(a, part,
		    hl_store_check(a->s, found_by_check, a, &n, err), err);
	hl_audit_found(a, "%s: not checked, as not all tables are there", part);
	return HL_OK;
}

static hl_rc
check_merged(hl_audit *a, hl_err *err)
{
	if (!a->lacks)
		return hl_audit_skip(
		    a, "merged ledgers", hl_audit_merged(a, err), err);
	hl_audit_found(
	    a, "merged ledgers: not compared, as not all tables are there");
	return HL_OK;
}

/* ---- all of it ----------------------------------------------------------- */

static int
by_size(const void *a, const void *b)
{
	const hl_audit_point *x = a, *y = b;

	return x->size < y->size ? -1 : x->size > y->size;
}

static hl_rc
prepare(hl_audit *a, const hl_audit_point *points, size_t n, hl_err *err)
{
	tree_row t;
	hl_rc rc;

	a->s->doing = doing;
	if (a->s->read_only && a->s->schema_found < HL_SCHEMA_VERSION) {
		return hl_db_fail(a->s, HL_ESTORE, err,
		    "bring it up to date with hsmlic store upgrade, which "
		    "begins the ledger",
		    "it has no ledger yet: an older hsmlic made it");
	}
	if ((a->points = calloc(n + 1, sizeof(*points))) == NULL)
		return hl_nomem(err);
	if (n > 0)
		memcpy(a->points, points, n * sizeof(*points));
	qsort(a->points, n, sizeof(*points), by_size);
	a->points_n = n;
	if ((rc = check_schema(a, err)) != HL_OK)
		return rc;
	rc = read_tree(a, &t, err);
	if (rc != HL_OK && !a->altered)
		return rc;
	if (rc == HL_OK && t.size > 0)
		a->tree_size = (uint64_t)t.size; /* for progress */
	if ((rc = hl_audit_columns_make(a, err)) != HL_OK ||
	    (rc = hl_index_open(&a->index, err)) != HL_OK)
		return rc;
	return hl_audit_points(a, err);
}

static hl_rc
run(hl_audit *a, hl_err *err)
{
	hl_rc rc;

	if ((rc = take_events(a, err)) != HL_OK)
		return rc;
	if (a->blind)
		hl_audit_found(
		    a, "events: they cannot be read, so no row was compared");
	else if ((rc = hl_audit_rows(a, err)) != HL_OK ||
	    (rc = check_merged(a, err)) != HL_OK)
		return rc;
	rc = hl_audit_skip(a, "end of the ledger", check_end(a, err), err);
	return rc == HL_OK ? check_sums(a, err) : rc;
}

hl_rc
hl_store_audit(hl_store *store, const hl_audit_point *points, size_t n,
    void (*found)(void *arg, const char *text),
    void (*progress)(void *arg, uint64_t done, uint64_t of), void *arg,
    hl_audit_result *out, hl_err *err)
{
	hl_audit a = {
		.s = store, .found = found, .progress = progress, .arg = arg
	};
	hl_err why = { 0 };
	hl_rc rc;

	rc = prepare(&a, points, n, &why);
	if (rc == HL_OK)
		rc = run(&a, &why);
	if (rc == HL_OK) {
		tell_progress(&a);
		*out = a.r;
	} else if (err != NULL) {
		*err = why;
	}
	sqlite3_finalize(a.body.st);
	hl_index_close(&a.index);
	free(a.columns);
	free(a.points);
	return rc;
}
