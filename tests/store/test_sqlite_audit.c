/* SPDX-License-Identifier: Apache-2.0 */
/* What an audit passes, what it finds, and in which words. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/hash.h"
#include "ledger/event.h"
#include "store/everything.h"
#include "store/raw.h"
#include "store/sqlite/log.h"

#define TEXT 16384

static void
expect_clean(fixture *f, hl_audit_result *r)
{
	char text[TEXT];

	fx_audit(f, NULL, 0, text, sizeof(text), r);
	assert_string_equal(text, "");
}

static void
expect_says(fixture *f, const char *sql, const char *says)
{
	char text[TEXT];

	raw_tamper(f, sql);
	if (fx_audit(f, NULL, 0, text, sizeof(text), NULL) == 0 ||
	    strstr(text, says) == NULL)
		fail_msg("%s: not \"%s\" but:\n%s", sql, says, text);
}

/* ---- what it passes ------------------------------------------------------ */

static bool
note_kind(void *arg, const hl_event_row *row)
{
	unsigned *seen = arg;
	hl_event e;

	assert_int_equal(hl_event_parse(row->bytes, row->n, &e, NULL), HL_OK);
	for (size_t i = 0; everything_kinds[i] != NULL; i++) {
		if (strcmp(everything_kinds[i], e.kind) == 0)
			seen[i]++;
	}
	hl_event_free(&e);
	return true;
}

static void
passes_everything(void **state)
{
	fixture *f = *state;
	unsigned seen[64] = { 0 };
	hl_audit_result r;
	hl_frontier tree;

	everything_make(f);
	OK(f, hl_store_events(f->s, 0, INT64_MAX, note_kind, seen, &f->err));
	for (size_t i = 0; everything_kinds[i] != NULL; i++) {
		assert_true(hl_event_kind_known(everything_kinds[i]));
		if (seen[i] == 0)
			fail_msg("no event %s", everything_kinds[i]);
	}
	expect_clean(f, &r);
	OK(f, hl_store_tree(f->s, &tree, &f->err));
	assert_true(hl_frontier_equal(&tree, &r.tree));
	assert_int_equal(r.events, tree.size);
	assert_true(r.rows > 60);
	assert_int_equal(r.licenses, 6);
	assert_int_equal(r.findings, 0);
}

/* Every table has a row, or tampering with its rows would show nothing. */
static void
everything_is_everything(void **state)
{
	fixture *f = *state;
	char sql[200];
	sqlite3_stmt *st;
	sqlite3 *db;
	int n = 0;

	everything_make(f);
	db = raw_open(raw_path(f));
	assert_int_equal(
	    sqlite3_prepare_v2(db,
		"SELECT name FROM sqlite_schema WHERE type = 'table'", -1, &st,
		NULL),
	    SQLITE_OK);
	for (; sqlite3_step(st) == SQLITE_ROW; n++) {
		const char *name = (const char *)sqlite3_column_text(st, 0);

		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", name);
		if (raw_int(db, sql) == 0)
			fail_msg("%s is empty", name);
		if (hl_logged_find(name) == NULL && !hl_logged_by_root(name))
			fail_msg("nothing vouches for %s", name);
	}
	assert_true(n >= 16);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

/* A column that no event has would be a place to change. */
static void
every_column_is_told(void **state)
{
	fixture *f = *state;
	char names[64], list[600];
	sqlite3_stmt *st;
	sqlite3 *db = raw_open(raw_path(f));

	for (size_t i = 0; i < hl_logged_n; i++) {
		const hl_logged *t = &hl_logged_tables[i];

		assert_int_equal(
		    sqlite3_prepare_v2(db,
			"SELECT name FROM pragma_table_info(?)", -1, &st, NULL),
		    SQLITE_OK);
		sqlite3_bind_text(st, 1, t->table, -1, SQLITE_STATIC);
		snprintf(list, sizeof(list), " %s,", t->all);
		while (sqlite3_step(st) == SQLITE_ROW) {
			const char *c =
			    (const char *)sqlite3_column_text(st, 0);

			snprintf(names, sizeof(names), " %s,", c);
			if (strstr(list, names) != NULL ||
			    strcmp(c, "one") == 0)
				continue;
			/* compared with hash and size; with all times */
			if (strcmp(c, "bytes") != 0 &&
			    strcmp(c, "last_time") != 0)
				fail_msg("%s.%s is in no event", t->table, c);
		}
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
}

static void
reading_is_enough(void **state)
{
	const hl_store_options opt = { .read_only = true };
	fixture *f = *state;

	everything_make(f);
	hl_store_close(&f->s);
	assert_int_equal(chmod(raw_path(f), 0400), 0);
	OK(f, hl_store_open(&f->s, f->url, &opt, &f->err));
	expect_clean(f, NULL);
}

static bool
last_progress(uint64_t *done, uint64_t *of)
{
	return *done == *of && *done > 0;
}

static void
note_progress(void *arg, uint64_t done, uint64_t of)
{
	uint64_t *last = arg;

	assert_true(done <= of);
	assert_true(done >= last[0]);
	last[0] = done;
	last[1] = of;
}

static void
tells_progress(void **state)
{
	fixture *f = *state;
	uint64_t last[2] = { 0, 0 };
	hl_audit_result r;

	everything_make(f);
	OK(f,
	    hl_store_audit(
		f->s, NULL, 0, NULL, note_progress, last, &r, &f->err));
	assert_true(last_progress(&last[0], &last[1]));
	assert_int_equal(last[0], r.events + r.rows);
}

/* ---- words --------------------------------------------------------------- */

static void
names_the_place(void **state)
{
	static const struct {
		const char *sql, *says;
	} tampered[] = {
		{ "UPDATE issues SET detail = 'x' WHERE n = 4",
		    "issues row 4 (id " },
		{ "UPDATE issues SET detail = 'x' WHERE n = 4",
		    "): detail is x, event " },
		{ "UPDATE issues SET detail = 'x' || char(10) || 'event 9: y' "
		  "WHERE n = 4",
		    "detail is \"x?event 9: y\", event " },
		{ "UPDATE licenses SET reason = '' WHERE state = 'retired'",
		    "says gone\n" },
		{ "UPDATE chips SET label = NULL WHERE label = 'board 1'",
		    "label is not set, event " },
		{ "UPDATE slots SET slot = 77 WHERE slot = 4",
		    "slot is 77, event " },
		{ "UPDATE licenses SET bytes = CAST(bytes || x'00' AS BLOB) "
		  "WHERE n = 2",
		    "size is 137, event " },
		{ "DELETE FROM uses WHERE n = 2", "uses row 2 (id " },
		{ "DELETE FROM uses WHERE n = 4", "it is missing, event " },
		{ "DELETE FROM uses", "uses row 4 (id " },
		{ "INSERT INTO uses SELECT 99, zeroblob(16), license, at, how, "
		  "station, operator, lot, note, use_class FROM uses LIMIT 1",
		    "uses row 99: it is there, but no event tells of it" },
		{ "DELETE FROM events WHERE seq = 5",
		    "event 5: it is missing\n" },
		{ "DELETE FROM events WHERE seq BETWEEN 5 AND 7",
		    "events 5 to 7: they are missing\n" },
		{ "UPDATE events SET bytes = x'7b7d' WHERE seq = 5",
		    "event 5: its bytes do not match its leaf hash\n" },
		{ "UPDATE events SET bytes = x'7b7d' WHERE seq = 5",
		    "event 5: a field is missing" },
		{ "UPDATE events SET leaf = x'00' WHERE seq = 5",
		    "event 5: its bytes do not match its leaf hash\n" },
		{ "UPDATE events SET seq = 9000 WHERE seq = 5",
		    "event 9000: it says that it is event 5\n" },
		{ "UPDATE events SET seq = 9223372036854775807 "
		  "WHERE seq = (SELECT max(seq) FROM events)",
		    "event 9223372036854775807: it is there, behind the last" },
		{ "INSERT INTO events SELECT -3, bytes, leaf FROM events "
		  "WHERE seq = 3",
		    "event -3: it is there, before the first one\n" },
		{ "UPDATE tree SET size = size - 1", "tree: its size is " },
		{ "UPDATE tree SET frontier = zeroblob(length(frontier))",
		    "tree: its frontier is not the one of the events\n" },
		{ "UPDATE tree SET last_at = last_at + 1",
		    "tree: its time is " },
		{ "DELETE FROM tree",
		    "tree: it has 0 rows, not row 1 alone\n" },
		{ "UPDATE meta SET last_time = last_time + 1",
		    "meta: its newest time is " },
		{ "DELETE FROM merged_events WHERE n = 2",
		    "ledger station a: events 1 to 1 of it are missing\n" },
		{ "DELETE FROM merged_events WHERE n = 7",
		    "ledger station a: 4 events of it are there, but 5 were " },
		{ "UPDATE merged_events SET n = 99 WHERE n = 7",
		    "ledger station a, event 4: it is merged_events row 99" },
		{ "UPDATE merged_events SET leaf = zeroblob(32) WHERE n = 4",
		    "ledger station b, event 0: its bytes do not match" },
		{ "UPDATE merged_ledgers SET root = zeroblob(32) WHERE n = 2",
		    "ledger station b: its events do not make the root" },
		{ "INSERT INTO merged_events SELECT 8, zeroblob(16), seq, "
		  "bytes, leaf FROM merged_events WHERE n = 1",
		    "merged_events: it has 8 rows, our events tell of 7\n" },
	};
	fixture *f = *state;
	hl_buf good = HL_BUF_INIT;

	everything_make(f);
	hl_store_close(&f->s);
	raw_read(raw_path(f), &good);
	for (size_t i = 0; i < HL_COUNT(tampered); i++) {
		hl_store_close(&f->s);
		raw_write(raw_path(f), &good);
		expect_says(f, tampered[i].sql, tampered[i].says);
	}
	hl_buf_free(&good);
}

/* Not all of a million lines, but their number. */
static void
counts_what_it_does_not_tell(void **state)
{
	fixture *f = *state;
	char text[400000];
	uint64_t n, lines = 0;

	raw_tamper(f,
	    "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i "
	    "WHERE n < 1500) INSERT INTO firmwares SELECT n, randomblob(16), "
	    "'f' || n, '', '', '', 1, '', '', '', '', '' FROM i");
	n = fx_audit(f, NULL, 0, text, sizeof(text), NULL);
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(n, 1500);
	assert_int_equal(lines, HL_AUDIT_TOLD_MAX);
}

/* ---- points -------------------------------------------------------------- */

static hl_audit_point
point_now(fixture *f, const char *name)
{
	hl_audit_point p = { .name = name };
	hl_frontier tree;

	OK(f, hl_store_tree(f->s, &tree, &f->err));
	p.size = tree.size;
	OK(f, hl_frontier_root(&tree, &p.root, &f->err));
	return p;
}

static void
goes_through_points(void **state)
{
	fixture *f = *state;
	hl_audit_point p[4] = { { .name = "none" } };
	hl_frontier none = { .size = 0 };
	char text[TEXT];

	OK(f, hl_frontier_root(&none, &p[0].root, &f->err));
	p[3] = point_now(f, "first");
	fx_chip(f, 1);
	p[2] = point_now(f, "second");
	p[1] = p[2];
	fx_chip(f, 2);
	assert_int_equal(fx_audit(f, p, 4, text, sizeof(text), NULL), 0);
	p[2].root.b[31] ^= 1;
	p[0].root.b[0] ^= 1;
	assert_int_equal(fx_audit(f, p, 4, text, sizeof(text), NULL), 2);
	assert_non_null(
	    strstr(text, "checkpoint none: at 0 events the root is "));
	assert_non_null(strstr(text, "checkpoint second: at "));
	p[1].size = 1000;
	assert_int_equal(fx_audit(f, p, 2, text, sizeof(text), NULL), 2);
	assert_non_null(strstr(text, "checkpoint second says 1000: its end "));
}

/*
 * Somebody who knows all of this takes the last `drop` events away, rewrites
 * the station in the newest one that is left, and makes leaf hash, edge and
 * times fit.
 */
static void
rewrite(fixture *f, uint64_t drop, bool change)
{
	hl_frontier tree = { .size = 0 };
	sqlite3_stmt *read, *write;
	sqlite3 *db;
	int64_t n, last = 0;

	hl_store_close(&f->s);
	db = raw_open_unguarded(raw_path(f));
	n = raw_int(db, "SELECT count(*) FROM events") - (int64_t)drop;
	sqlite3_prepare_v2(
	    db, "SELECT bytes FROM events WHERE seq = ?", -1, &read, NULL);
	sqlite3_prepare_v2(db,
	    "UPDATE events SET bytes = ?2, leaf = ?3 WHERE seq = ?1", -1,
	    &write, NULL);
	for (int64_t i = 0; i < n; i++) {
		hl_buf bytes = HL_BUF_INIT;
		hl_event e;
		hl_hash leaf;

		sqlite3_bind_int64(read, 1, i);
		assert_int_equal(sqlite3_step(read), SQLITE_ROW);
		OK(f,
		    hl_event_parse(sqlite3_column_blob(read, 0),
			(size_t)sqlite3_column_bytes(read, 0), &e, &f->err));
		sqlite3_reset(read);
		if (change && i == n - 1)
			strcpy(e.operator_, "somebody else");
		OK(f, hl_event_put(&bytes, &e, &f->err));
		OK(f, hl_leaf_hash(bytes.p, bytes.n, &leaf, &f->err));
		OK(f, hl_frontier_add(&tree, &leaf, &f->err));
		sqlite3_bind_int64(write, 1, i);
		sqlite3_bind_blob64(
		    write, 2, bytes.p, bytes.n, SQLITE_TRANSIENT);
		sqlite3_bind_blob64(
		    write, 3, leaf.b, sizeof(leaf.b), SQLITE_TRANSIENT);
		assert_int_equal(sqlite3_step(write), SQLITE_DONE);
		sqlite3_reset(write);
		last = e.at;
		hl_event_free(&e);
		hl_buf_free(&bytes);
	}
	sqlite3_finalize(read);
	sqlite3_finalize(write);
	sqlite3_prepare_v2(db,
	    "UPDATE tree SET size = ?1, frontier = ?2, last_at = ?3", -1,
	    &write, NULL);
	sqlite3_bind_int64(write, 1, n);
	sqlite3_bind_blob64(
	    write, 2, tree.h, tree.n * sizeof(tree.h[0]), SQLITE_TRANSIENT);
	sqlite3_bind_int64(write, 3, last);
	assert_int_equal(sqlite3_step(write), SQLITE_DONE);
	sqlite3_finalize(write);
	sqlite3_prepare_v2(
	    db, "DELETE FROM events WHERE seq >= ?1", -1, &write, NULL);
	sqlite3_bind_int64(write, 1, n);
	assert_int_equal(sqlite3_step(write), SQLITE_DONE);
	sqlite3_finalize(write);
	sqlite3_prepare_v2(
	    db, "UPDATE meta SET last_time = ?1", -1, &write, NULL);
	sqlite3_bind_int64(write, 1, last);
	assert_int_equal(sqlite3_step(write), SQLITE_DONE);
	sqlite3_finalize(write);
	sqlite3_close(db);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
}

static void
label_only(fixture *f, const char *note)
{
	const hl_event_fact fact = { "note", note, 0 };

	OK(f,
	    hl_store_event_put(
		f->s, "config.changed", &fact, 1, &f->actor, NULL, &f->err));
}

static void
points_catch_who_rewrites_all(void **state)
{
	fixture *f = *state;
	hl_audit_point p;
	char text[TEXT];

	fx_chip(f, 1);
	label_only(f, "one");
	p = point_now(f, "p");
	rewrite(f, 0, false);
	assert_int_equal(fx_audit(f, &p, 1, text, sizeof(text), NULL), 0);
	rewrite(f, 0, true);
	/* without a checkpoint, nobody sees it; with one, everybody does */
	expect_clean(f, NULL);
	assert_int_equal(fx_audit(f, &p, 1, text, sizeof(text), NULL), 1);
	assert_non_null(strstr(text, "checkpoint p: at "));
}

static void
points_catch_who_cuts_the_end_off(void **state)
{
	fixture *f = *state;
	hl_audit_point p, before;
	char text[TEXT];

	fx_chip(f, 1);
	label_only(f, "one");
	before = point_now(f, "before");
	label_only(f, "two");
	p = point_now(f, "p");
	rewrite(f, 1, false);
	expect_clean(f, NULL);
	assert_int_equal(fx_audit(f, &before, 1, text, sizeof(text), NULL), 0);
	assert_int_equal(fx_audit(f, &p, 1, text, sizeof(text), NULL), 1);
	assert_non_null(strstr(text, "its end was cut off"));
}

/* ---- what only the ledger knows ------------------------------------------ */

/* A change that the program itself would not make, with its event. */
static void
change(fixture *f, const char *trigger, const char *sql, const char *kind)
{
	char drop[100];

	hl_store_close(&f->s);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	OK(f, hl_tx_begin(f->s, "change", &f->err));
	if (trigger != NULL) {
		snprintf(drop, sizeof(drop), "DROP TRIGGER %s", trigger);
		OK(f, hl_db_exec(f->s, drop, &f->err));
	}
	OK(f, hl_db_exec(f->s, sql, &f->err));
	OK(f,
	    hl_tx_end(f->s,
		hl_log_event(f->s, kind, &f->actor, NULL, 0, &f->err),
		&f->err));
}

static void
finds_events_that_contradict(void **state)
{
	static const struct {
		const char *trigger, *sql, *kind, *says;
	} changes[] = {
		{ "issues_closed_fixed",
		    "UPDATE issues SET detail = 'changed my mind' WHERE n = 1",
		    "issue.outcome",
		    ": issues row 1 becomes issued, but it was closed as "
		    "issued by event " },
		{ "cards_down",
		    "UPDATE cards SET last_counter = first_counter WHERE "
		    "last_counter < first_counter",
		    "card.seen",
		    ": the counter of cards row 1 goes up, from "
		    "48 in event " },
		{ "licenses_fixed",
		    "UPDATE licenses SET state = 'active', retired_at = NULL "
		    "WHERE state = 'retired'",
		    "license.trusted", ", but it was retired by event " },
		{ NULL,
		    "INSERT INTO card_readings SELECT NULL, zeroblob(16), "
		    "card, at, kind, issue, 49, 49, 0, state, reader, station, "
		    "operator, lot, note, use_class FROM card_readings "
		    "WHERE counter = 48 AND kind = 'seen'",
		    "card.seen", " goes up, from 48 to 49\n" },
	};
	(void)state;
	for (size_t i = 0; i < HL_COUNT(changes); i++) {
		void *each = NULL;
		char text[TEXT];

		assert_int_equal(fx_setup(&each), 0);
		everything_make(each);
		change(
		    each, changes[i].trigger, changes[i].sql, changes[i].kind);
		if (fx_audit(each, NULL, 0, text, sizeof(text), NULL) == 0 ||
		    strstr(text, changes[i].says) == NULL)
			fail_msg("%s: %s", changes[i].sql, text);
		fx_teardown(&each);
	}
}

static void
finds_a_clock_that_went_back_in_silence(void **state)
{
	fixture *f = *state;
	const hl_event_fact fact = { "why", "x", 0 };
	char text[TEXT];

	OK(f, hl_tx_begin(f->s, "change", &f->err));
	OK(f, hl_log_load(f->s, &f->err));
	f->s->log.last_at = 0; /* as if there had been none before */
	f->s->now = 1000;
	OK(f,
	    hl_tx_end(f->s,
		hl_log_event(
		    f->s, "config.changed", &f->actor, &fact, 1, &f->err),
		&f->err));
	assert_int_equal(fx_audit(f, NULL, 0, text, sizeof(text), NULL), 1);
	assert_non_null(
	    strstr(text, "its time 1970-01-01T00:00:01.000Z lies "));
}

static void
finds_a_strange_table(void **state)
{
	fixture *f = *state;
	char text[TEXT];
	sqlite3 *db = raw_open(raw_path(f));

	/* under an open handle: a new one refuses it */
	raw_exec(db, "CREATE TABLE aside (x INTEGER)");
	sqlite3_close(db);
	assert_int_equal(fx_audit(f, NULL, 0, text, sizeof(text), NULL), 1);
	assert_string_equal(text, "schema: table \"aside\" is not ours\n");
}

/* A schema that was altered is refused, but for who asks to see it. */
static void
finds_what_the_schema_lacks(void **state)
{
	hl_store_options opt = { .read_only = true };
	fixture *f = *state;
	char text[TEXT];
	sqlite3 *db;

	everything_make(f);
	hl_store_close(&f->s);
	db = raw_open(raw_path(f));
	raw_exec(db, "DROP TABLE uses; DROP TABLE slots");
	raw_exec(db,
	    "CREATE VIEW slots AS WITH RECURSIVE r(x) AS (SELECT 1 "
	    "UNION ALL SELECT x FROM r) SELECT x AS n FROM r");
	sqlite3_close(db);
	assert_int_equal(
	    hl_store_open(&f->s, f->url, &opt, &f->err), HL_ESTORE);
	opt = (hl_store_options){ .altered = true };
	assert_int_equal(
	    hl_store_open(&f->s, f->url, &opt, &f->err), HL_ESTORE);
	opt.read_only = true;
	OK(f, hl_store_open(&f->s, f->url, &opt, &f->err));
	assert_true(fx_audit(f, NULL, 0, text, sizeof(text), NULL) > 0);
	assert_non_null(strstr(text, "schema: table \"uses\" is missing\n"));
	assert_non_null(strstr(text, "schema: view \"slots\" is not ours\n"));
	assert_non_null(strstr(text, "uses: not compared"));
	assert_non_null(strstr(text, "slots: not compared"));
	assert_null(strstr(text, "row "));
}

/* ---- while others write -------------------------------------------------- */

typedef struct meanwhile {
	fixture *f;
	hl_store *other;
	unsigned n;
} meanwhile;

static void
write_meanwhile(void *arg, uint64_t done, uint64_t of)
{
	meanwhile *m = arg;
	const hl_cert cert = fx_cert(2000 + m->n);
	hl_chip chip;

	(void)of;
	(void)done;
	if (m->n++ > 10)
		return;
	if (hl_store_chip_put(m->other, &cert, NULL, &m->f->actor, &chip,
		&m->f->err) != HL_OK)
		m->n += 1000; /* while a moment is held: it must wait */
}

static void
add_firmware(fixture *f, unsigned i)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
	    "INSERT INTO firmwares SELECT NULL, randomblob(16), 'f%u', '', '', "
	    "'', 1, '', '', '', '', ''",
	    i);
	OK(f, hl_db_exec(f->s, sql, &f->err));
	OK(f,
	    hl_log_event(f->s, "firmware.added", &f->actor, NULL, 0, &f->err));
}

static void
lets_others_write(void **state)
{
	const hl_store_options opt = { .busy_ms = 1 };
	fixture *f = *state;
	meanwhile m = { .f = f };
	hl_audit_result r;

	OK(f, hl_tx_begin(f->s, "fill", &f->err));
	for (unsigned i = 0; i < 3000; i++)
		add_firmware(f, i);
	OK(f, hl_tx_end(f->s, HL_OK, &f->err));
	OK(f, hl_store_open(&m.other, f->url, &opt, &f->err));
	OK(f,
	    hl_store_audit(
		f->s, NULL, 0, NULL, write_meanwhile, &m, &r, &f->err));
	assert_int_equal(r.findings, 0);
	assert_true(m.n > 4 && m.n < 1000);
	assert_true(r.events > 3000 && r.rows > 3000);
	hl_store_close(&m.other);
}

/* ---- when it cannot go on ------------------------------------------------ */

static void
damaged_pages(void **state)
{
	static const char *const objects[] = { "events", "uses", "issues",
		"licenses", "merged_events", "tree", "meta", "uses_license",
		"sqlite_autoindex_issues_1" };
	fixture *f = *state;
	hl_buf good = HL_BUF_INIT;

	everything_make(f);
	hl_store_close(&f->s);
	raw_read(raw_path(f), &good);
	for (size_t i = 0; i < HL_COUNT(objects); i++) {
		hl_audit_result r = { .findings = 0 };
		long page;
		hl_rc rc;

		hl_store_close(&f->s);
		raw_write(raw_path(f), &good);
		page = raw_root_page(raw_path(f), objects[i]);
		raw_poke(raw_path(f), (page - 1) * 4096, "\xff\xff\xff\xff", 4);
		rc = hl_store_open(&f->s, f->url, NULL, &f->err);
		if (rc == HL_OK) {
			rc = hl_store_audit(
			    f->s, NULL, 0, NULL, NULL, NULL, &r, &f->err);
			if (rc == HL_OK && r.findings == 0)
				fail_msg("%s: not seen", objects[i]);
		}
		if (rc != HL_OK) {
			assert_int_equal(rc, HL_ESTORE);
			assert_non_null(strstr(f->err.why, "damaged"));
		}
	}
	hl_buf_free(&good);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RAW_TEST(passes_everything),
		RAW_TEST(everything_is_everything),
		RAW_TEST(every_column_is_told),
		RAW_TEST(reading_is_enough),
		RAW_TEST(tells_progress),
		RAW_TEST(names_the_place),
		RAW_TEST(counts_what_it_does_not_tell),
		RAW_TEST(goes_through_points),
		RAW_TEST(points_catch_who_rewrites_all),
		RAW_TEST(points_catch_who_cuts_the_end_off),
		RAW_TEST(finds_events_that_contradict),
		RAW_TEST(finds_a_clock_that_went_back_in_silence),
		RAW_TEST(finds_a_strange_table),
		RAW_TEST(finds_what_the_schema_lacks),
		RAW_TEST(lets_others_write),
		RAW_TEST(damaged_pages),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
