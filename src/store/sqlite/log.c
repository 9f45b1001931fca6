/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/jcs.h"
#include "util/hex.h"

static const hl_actor nobody;

/* ---- what changes -------------------------------------------------------- */

static hl_change *
find_change(hl_log *log, const hl_logged *table, int64_t n)
{
	for (size_t i = 0; i < log->n; i++) {
		if (log->changes[i].table == table && log->changes[i].n == n)
			return &log->changes[i];
	}
	return NULL;
}

static hl_change *
add_change(hl_log *log)
{
	const size_t cap = log->cap == 0 ? 16 : 2 * log->cap;
	hl_change *p;

	if (log->n == log->cap) {
		if ((p = realloc(log->changes, cap * sizeof(*p))) == NULL)
			return NULL;
		log->changes = p;
		log->cap = cap;
	}
	return &log->changes[log->n++];
}

static void
note_root(hl_log *log, const char *table)
{
	if (strcmp(table, "events") == 0)
		log->events++;
	else if (strcmp(table, "tree") == 0)
		log->edge = true;
	else
		log->merged = true;
}

static void
on_change(void *arg, int op, char const *db, char const *table, sqlite3_int64 n)
{
	hl_store *s = arg;
	const hl_logged *t = hl_logged_find(table);
	hl_change *c;

	s->log.seen++;
	if (strcmp(db, "main") != 0)
		return;
	if (hl_logged_by_root(table)) {
		note_root(&s->log, table);
		return;
	}
	if (t == NULL) {
		s->log.unknown = true;
		return;
	}
	if (strcmp(table, "merged_ledgers") == 0)
		s->log.ledgers = true;
	if ((c = find_change(&s->log, t, n)) == NULL) {
		if ((c = add_change(&s->log)) == NULL) {
			s->log.failed = true;
			return;
		}
		*c = (hl_change){ t, n, op == SQLITE_INSERT, false };
	}
	c->removed = op == SQLITE_DELETE;
}

void
hl_log_start(hl_store *s)
{
	hl_log_forget(s);
	s->log.loaded = false;
	sqlite3_update_hook(s->db, on_change, s);
}

void
hl_log_forget(hl_store *s)
{
	hl_log *log = &s->log;

	log->n = 0;
	log->failed = log->unknown = log->edge = log->merged = false;
	log->ledgers = false;
	log->seen = log->events = log->written = 0;
	log->base = sqlite3_total_changes64(s->db);
}

void
hl_log_stop(hl_store *s)
{
	sqlite3_update_hook(s->db, NULL, NULL);
	free(s->log.changes);
	s->log.changes = NULL;
	s->log.n = s->log.cap = 0;
}

hl_rc
hl_log_note(hl_store *s, const hl_logged *table, int64_t n, hl_err *err)
{
	hl_change *c = add_change(&s->log);

	if (c == NULL)
		return hl_nomem(err);
	*c = (hl_change){ table, n, true, false };
	return HL_OK;
}

/* ---- the tree ------------------------------------------------------------ */

hl_rc
hl_log_load(hl_store *s, hl_err *err)
{
	hl_frontier *f = &s->log.tree;
	int64_t size = -1;
	size_t n = 0;
	hl_rc rc;
	hl_q q;

	if (s->log.loaded)
		return HL_OK;
	memset(f, 0, sizeof(*f));
	q = hl_q_new(s, "SELECT size, frontier, last_at FROM tree");
	if (hl_q_row(&q)) {
		size = hl_q_get_int(&q);
		n = hl_q_get_blob(&q, f->h, 0, sizeof(f->h));
		s->log.last_at = hl_q_get_int(&q);
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	f->size = (uint64_t)size;
	f->n = n / HL_SHA256_LEN;
	if (size < 0 || !hl_frontier_valid(f)) {
		return hl_db_fail(s, HL_ESTORE, err, "run hsmlic audit verify",
		    "the edge of the ledger's tree is damaged");
	}
	s->log.loaded = true;
	s->log.before = f->size;
	return HL_OK;
}

static hl_rc
save_tree(hl_store *s, hl_err *err)
{
	hl_q q = hl_q_new(s,
	    "UPDATE tree SET size = ?, frontier = ?, last_at = ? "
	    "WHERE size = ?");

	hl_q_int(&q, (int64_t)s->log.tree.size);
	hl_q_blob(&q, s->log.tree.h, s->log.tree.n * HL_SHA256_LEN);
	hl_q_int(&q, s->log.last_at);
	hl_q_int(&q, (int64_t)s->log.before);
	return hl_q_run(&q, err);
}

/* ---- writing an event ---------------------------------------------------- */

static hl_rc
append(hl_store *s, const hl_buf *bytes, hl_err *err)
{
	hl_hash leaf;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_leaf_hash(bytes->p, bytes->n, &leaf, err)) != HL_OK)
		return rc;
	q = hl_q_new(
	    s, "INSERT INTO events (seq, bytes, leaf) VALUES (?, ?, ?)");
	hl_q_int(&q, (int64_t)s->log.tree.size);
	hl_q_blob(&q, bytes->p, bytes->n);
	hl_q_blob(&q, leaf.b, sizeof(leaf.b));
	if ((rc = hl_q_run(&q, err)) == HL_ECONFLICT) {
		return hl_db_fail(s, HL_ESTORE, err, "run hsmlic audit verify",
		    "the edge of the ledger's tree does not fit its events");
	}
	if (rc != HL_OK)
		return rc;
	s->log.written++;
	s->log.last_at = s->now;
	return hl_frontier_add(&s->log.tree, &leaf, err);
}

static hl_rc
write_event(hl_store *s, const char *kind, const hl_actor *actor, json_t *body,
    hl_err *err)
{
	hl_event e = { .seq = s->log.tree.size, .at = s->now, .body = body };
	hl_buf bytes = HL_BUF_INIT;
	hl_rc rc;

	if (!hl_text_copy(e.kind, sizeof(e.kind), kind) ||
	    !hl_text_copy(e.station, sizeof(e.station), actor->station) ||
	    !hl_text_copy(e.operator_, sizeof(e.operator_), actor->operator_))
		return hl_fail(err, HL_EINPUT, "write an event", "",
		    "its kind, station or operator is too long");
	rc = hl_event_put(&bytes, &e, err);
	if (rc == HL_OK)
		rc = append(s, &bytes, err);
	hl_buf_free(&bytes);
	return rc;
}

/* Recorded once, when it went back, not again until it has caught up. */
static hl_rc
tell_clock(hl_store *s, hl_err *err)
{
	json_t *body;
	hl_rc rc;

	if (s->now >= s->log.last_at)
		return HL_OK;
	body = json_pack("{s:I, s:I}", "last_at", (json_int_t)s->log.last_at,
	    "now", (json_int_t)s->now);
	if (body == NULL)
		return hl_nomem(err);
	rc = write_event(s, "clock.back", &nobody, body, err);
	json_decref(body);
	return rc;
}

static bool
add_facts(json_t *body, const hl_event_fact *facts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const hl_event_fact *f = &facts[i];

		if (json_object_set_new(body, f->key,
			f->text != NULL ? json_string(f->text)
					: json_integer(f->number)) != 0)
			return false;
	}
	return true;
}

/* Is a row of that table, in that way, in the body already? */
static bool
is_told(const json_t *body, const hl_change *c)
{
	char key[64];

	snprintf(key, sizeof(key), "%s_%s", c->table->thing,
	    c->removed ? "removed" : "n");
	return json_object_get(body, key) != NULL;
}

static hl_rc
add_row(hl_store *s, const hl_change *c, json_t *body, hl_err *err)
{
	char key[64];
	bool found = true;
	hl_rc rc;

	if (c->removed) {
		snprintf(key, sizeof(key), "%s_removed", c->table->thing);
		return json_object_set_new(body, key, json_integer(c->n)) == 0
		    ? HL_OK
		    : hl_nomem(err);
	}
	rc = hl_log_row(s, c->table, c->n, c->fresh, body, &found, err);
	if (rc != HL_OK || found)
		return rc;
	return hl_db_fail(s, HL_ESTORE, err, "run hsmlic store check",
	    "row %lld of %s was changed and is not there", (long long)c->n,
	    c->table->table);
}

/* One event of the changes from *at on, as many as go into one. */
static hl_rc
tell_some(hl_store *s, const char *kind, const hl_actor *actor, json_t *body,
    size_t *at, hl_err *err)
{
	hl_rc rc = HL_OK;

	for (; *at < s->log.n && rc == HL_OK; ++*at) {
		const hl_change *c = &s->log.changes[*at];

		if (c->removed && c->fresh)
			continue; /* came and went: nobody saw it */
		if (is_told(body, c))
			break;
		rc = add_row(s, c, body, err);
	}
	return rc == HL_OK && json_object_size(body) > 0
	    ? write_event(s, kind, actor, body, err)
	    : rc;
}

static hl_rc
check_noted(hl_store *s, hl_err *err)
{
	if (s->log.failed)
		return hl_nomem(err);
	if (s->log.unknown) {
		return hl_db_fail(s, HL_ESTORE, err, "",
		    "a table was changed that no event speaks of");
	}
	return HL_OK;
}

/*
 * Changes that SQLite counts and does not tell of: all rows of a table deleted
 * at once, and tables without rowid. And ledgers that changed past this file.
 */
static hl_rc
check_all_seen(hl_store *s, hl_err *err)
{
	const hl_log *log = &s->log;

	if (sqlite3_total_changes64(s->db) - log->base != log->seen) {
		return hl_db_fail(s, HL_ESTORE, err, "",
		    "rows were changed in a way that no event can tell");
	}
	if (log->events != log->written || log->edge ||
	    (log->merged && !log->ledgers)) {
		return hl_db_fail(s, HL_ESTORE, err, "",
		    "a ledger was changed past the one place that may");
	}
	return HL_OK;
}

hl_rc
hl_log_event(hl_store *s, const char *kind, const hl_actor *actor,
    const hl_event_fact *facts, size_t n, hl_err *err)
{
	json_t *body;
	size_t at = 0;
	hl_rc rc;

	if ((rc = check_noted(s, err)) != HL_OK || (s->log.n == 0 && n == 0))
		return rc;
	if ((rc = hl_log_load(s, err)) != HL_OK ||
	    (rc = tell_clock(s, err)) != HL_OK)
		return rc;
	do {
		if ((body = json_object()) == NULL ||
		    (at == 0 && !add_facts(body, facts, n)))
			rc = hl_nomem(err);
		else
			rc = tell_some(s, kind, actor == NULL ? &nobody : actor,
			    body, &at, err);
		json_decref(body);
	} while (rc == HL_OK && at < s->log.n);
	s->log.n = 0;
	return rc;
}

hl_rc
hl_log_close(hl_store *s, hl_err *err)
{
	hl_rc rc;

	if ((rc = check_noted(s, err)) != HL_OK ||
	    (rc = check_all_seen(s, err)) != HL_OK)
		return rc;
	if (s->log.n > 0) {
		return hl_db_fail(s, HL_ESTORE, err, "",
		    "row %lld of %s was changed without an event",
		    (long long)s->log.changes[0].n,
		    s->log.changes[0].table->table);
	}
	if (!s->log.loaded || s->log.tree.size == s->log.before)
		return HL_OK;
	return save_tree(s, err);
}
