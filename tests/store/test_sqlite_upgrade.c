/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from an older schema: schemaN.sql is a store of that time. Built once
 * for each of them, with OLD_SCHEMA (N) and OLD_FILE.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "ledger/event.h"
#include "store/conform.h"
#include "store/raw.h"
#include "store/sqlite/db.h"
#include "store/sqlite/schema.h"
#include "store/vfs.h"
#include "util/buf.h"

/* What stays as it is: tables, and their columns. */
static const struct {
	const char *name, *columns;
} tables[] = {
	{ "meta", "one, id, origin, created_at" },
	{ "certificates", "*" },
	{ "chips", "*" },
	{ "firmwares", "*" },
	{ "cards",
	    "n, id, firmware, serial, label, driver, atr, capacity, "
	    "first_counter, last_counter, state, reader, replay, added_at, "
	    "seen_at, retired_at, station, operator, lot, note, use_class" },
	{ "issues", "*" },
	{ "card_readings", "*" },
	{ "licenses", "*" },
	{ "uses", "*" },
#if OLD_SCHEMA >= 2
	{ "installs", "*" },
	{ "slots", "*" },
#endif
};

static void
read_file(const char *path, hl_buf *out)
{
	char chunk[4096];
	FILE *file = fopen(path, "r");
	size_t n;

	assert_non_null(file);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		hl_buf_put(out, chunk, n);
	assert_int_equal(ferror(file), 0);
	fclose(file);
	assert_false(out->failed);
}

static void
make_old(const char *path)
{
	hl_buf sql = HL_BUF_INIT;
	sqlite3 *db = raw_open(path);

	read_file(OLD_FILE, &sql);
	raw_exec(db, hl_buf_str(&sql));
	assert_int_equal(raw_int(db, "PRAGMA user_version"), OLD_SCHEMA);
	sqlite3_close(db);
	hl_buf_free(&sql);
}

/* Nothing is open yet: only the file is there. */
static int
setup(void **state)
{
	fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	factory->make(f->url, sizeof(f->url));
	fx_actor(&f->actor, "station-1");
	vfs_break(VFS_SYNC, 0);
	make_old(raw_path(f));
	*state = f;
	return 0;
}

#define OLD(name)                                                              \
	cmocka_unit_test_setup_teardown(name, setup, fx_teardown_audited)

/* Every value of every row, with its type. */
static void
dump_table(sqlite3 *db, const char *table, const char *columns, hl_buf *out)
{
	sqlite3_stmt *st = NULL;
	char sql[512];

	snprintf(sql, sizeof(sql), "SELECT %s FROM %s ORDER BY rowid", columns,
	    table);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		hl_buf_printf(out, "\n%s", table);
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			const int type = sqlite3_column_type(st, i);
			const void *p = sqlite3_column_blob(st, i);
			const int n = sqlite3_column_bytes(st, i);

			hl_buf_printf(out, "|%s %d %d ",
			    sqlite3_column_name(st, i), type, n);
			if (n > 0)
				hl_buf_put(out, p, (size_t)n);
		}
	}
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
}

static hl_buf
dump(sqlite3 *db)
{
	hl_buf out = HL_BUF_INIT;

	for (size_t i = 0; i < HL_COUNT(tables); i++)
		dump_table(db, tables[i].name, tables[i].columns, &out);
	assert_false(out.failed);
	return out;
}

static hl_buf
dump_path(const char *path)
{
	sqlite3 *db = raw_open(path);
	const hl_buf out = dump(db);

	sqlite3_close(db);
	return out;
}

static void
same(hl_buf *a, hl_buf *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->p, b->p, a->n);
	hl_buf_free(b);
}

/* The frozen store is worth something: nothing in it is without rows. */
static void
every_table_has_rows(void **state)
{
	fixture *f = *state;
	sqlite3 *db = raw_open(raw_path(f));
	char sql[128];

	for (size_t i = 0; i < HL_COUNT(tables); i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s",
		    tables[i].name);
		assert_true(raw_int(db, sql) > 0);
	}
	assert_int_equal(raw_int(db, "SELECT count(*) FROM issues"), 8);
	assert_int_equal(
	    raw_int(db, "SELECT count(DISTINCT state) FROM issues"), 7);
	assert_int_equal(raw_int(db, "SELECT count(DISTINCT kind) FROM acts"),
	    OLD_SCHEMA == 1 ? 7 : 10);
	assert_int_equal(
	    raw_int(db, "SELECT count(DISTINCT state) FROM licenses"), 3);
	assert_int_equal(
	    raw_int(db, "SELECT count(*) FROM cards WHERE serial IS NULL"), 2);
	assert_int_equal(raw_int(db,
			     "SELECT count(*) FROM sqlite_schema WHERE "
			     "name IN ('installs', 'slots')"),
	    OLD_SCHEMA == 1 ? 0 : 2);
	sqlite3_close(db);
}

static void
is_of_today(fixture *f)
{
	uint8_t sha256[HL_SHA256_LEN];

	OK(f, hl_schema_hash(f->s, sha256, &f->err));
	assert_memory_equal(sha256, hl_schema_sha256, sizeof(sha256));
	fx_check_clean(f);
}

static void
all_rows_stay(void **state)
{
	fixture *f = *state;
	hl_buf before = dump_path(raw_path(f)), after;
	hl_store_info info;

	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	is_of_today(f);
	OK(f, hl_store_info_get(f->s, &info, &f->err));
	assert_int_equal(info.schema, HL_SCHEMA_VERSION);
	assert_int_equal(info.schema_found, OLD_SCHEMA);
	hl_store_close(&f->s);
	after = dump_path(raw_path(f));
	same(&before, &after);
	/* and the next time it is nothing special */
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	OK(f, hl_store_info_get(f->s, &info, &f->err));
	assert_int_equal(info.schema_found, HL_SCHEMA_VERSION);
	hl_buf_free(&before);
}

/* Counts the events that tell of an act, and of any row. */
typedef struct told {
	unsigned acts, rows, upgraded;
	int64_t schema; /* that the store came from */
} told;

static bool
count_told(void *arg, const hl_event_row *row)
{
	told *t = arg;
	hl_event e;
	int64_t v;

	assert_int_equal(hl_event_parse(row->bytes, row->n, &e, NULL), HL_OK);
	t->acts += hl_event_text(&e, "act") != NULL;
	t->rows += hl_event_int(&e, "upgraded", &v) &&
	    hl_event_text(&e, "act") == NULL;
	if (strcmp(e.kind, "store.upgraded") == 0) {
		t->upgraded++;
		assert_true(hl_event_int(&e, "from_schema", &t->schema));
	}
	hl_event_free(&e);
	return true;
}

/* Who did what is told once more, as events; and so is every row. */
static void
all_is_told(void **state)
{
	fixture *f = *state;
	sqlite3 *db = raw_open(raw_path(f));
	const int64_t acts = raw_int(db, "SELECT count(*) FROM acts");
	told t = { .acts = 0 };
	int64_t rows = 0;
	char sql[128];

	for (size_t i = 0; i < HL_COUNT(tables); i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s",
		    tables[i].name);
		rows += raw_int(db, sql);
	}
	sqlite3_close(db);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	OK(f, hl_store_events(f->s, 0, UINT64_MAX, count_told, &t, &f->err));
	assert_int_equal(t.acts, acts);
	assert_int_equal(t.rows, rows);
	assert_int_equal(t.upgraded, 1);
	assert_int_equal(t.schema, OLD_SCHEMA);
}

/* The rows are not only there: the program goes on from them. */
static void
goes_on(void **state)
{
	fixture *f = *state;
	hl_issue open;
	hl_outcome o;
	hl_card_row card;
	hl_license lic;
	hl_install in;
	hl_chip chip;

	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	OK(f, hl_store_card_by_label(f->s, "the weak one", &card, &f->err));
	OK(f, hl_store_issue_open_on_card(f->s, &card.id, &open, &f->err));
	o = fx_outcome(f, &open, HL_ISSUE_ISSUED, 24, 9);
	OK(f, hl_store_intent_close(f->s, &o, &lic, &f->err));
	OK(f, hl_store_license_doubt(f->s, &lic.id, "x", &f->actor, &f->err));
	OK(f, hl_store_license_trust(f->s, &lic.id, "x", &f->actor, &f->err));
	OK(f, hl_store_chip_by_label(f->s, "a board", &chip, &f->err));
	in = fx_install(f, &chip, HL_INSTALL_DONE);
	OK(f, hl_store_install_add(f->s, &in, &f->err));
	OK(f, hl_store_slot_put(f->s, "desk", "reader", 1, &f->actor, &f->err));
	fx_check_clean(f);
}

/* ---- only to be read ---------------------------------------------------- */

static bool
count_chip(void *arg, const hl_chip *chip)
{
	(void)chip;
	++*(unsigned *)arg;
	return true;
}

static void
read_only_stays_as_it_is(void **state)
{
	const hl_store_options read = { .read_only = true };
	fixture *f = *state;
	hl_buf before = HL_BUF_INIT, after = HL_BUF_INIT;
	hl_store_info info;
	hl_figures fig;
	unsigned n = 0;
	hl_chip chip;

	read_file(raw_path(f), &before);
	OK(f, hl_store_open(&f->s, f->url, &read, &f->err));
	is_of_today(f);
	OK(f, hl_store_info_get(f->s, &info, &f->err));
	assert_int_equal(info.schema_found, OLD_SCHEMA);
	assert_int_equal(info.size, before.n);
	OK(f, hl_store_chip_list(f->s, count_chip, &n, &f->err));
	assert_int_equal(n, 8);
	OK(f, hl_store_figures(f->s, 0, INT64_MAX, &fig, &f->err));
	assert_int_equal(fig.issued, 2);
	assert_int_equal(fig.open, 1);
	EXPECT(f, HL_ESTORE,
	    hl_store_chip_put(
		f->s, NULL, &(hl_uid){ .n = 12 }, &f->actor, &chip, &f->err));
	hl_store_close(&f->s);
	read_file(raw_path(f), &after);
	same(&before, &after);
	hl_buf_free(&before);
}

/* A backup that was made before the program was exchanged. */
static void
old_backup_is_restored(void **state)
{
	const hl_store_options read = { .read_only = true };
	fixture *f = *state;
	hl_buf before = dump_path(raw_path(f)), after;
	char path[300], aside[400] = "?";

	snprintf(path, sizeof(path), "%s.new", raw_path(f));
	OK(f, hl_store_open(&f->s, f->url, &read, &f->err));
	OK(f,
	    hl_store_restore(
		f->s, path, false, &f->actor, aside, sizeof(aside), &f->err));
	assert_string_equal(aside, "");
	hl_store_close(&f->s);
	after = dump_path(path);
	same(&before, &after);
	hl_buf_free(&before);
	OK(f, hl_store_open(&f->s, path, NULL, &f->err));
	is_of_today(f);
}

/* ---- refused ------------------------------------------------------------ */

/* What somebody changed is found before our own changes cover it. */
static void
altered_is_refused(void **state)
{
	static const struct {
		const char *sql, *says;
	} altered[] = {
		{ "CREATE TRIGGER evil AFTER INSERT ON acts BEGIN "
		  "DELETE FROM chips; END",
		    "trigger \"evil\" is not ours" },
		{ "CREATE INDEX mine ON acts (at)", "\"mine\" is not ours" },
		{ "DROP TRIGGER licenses_fixed",
		    "trigger \"licenses_fixed\" is missing" },
#if OLD_SCHEMA == 1
		{ "CREATE TABLE installs (a)", "\"installs\" is not ours" },
#endif
		{ "CREATE TABLE events (a)", "\"events\" is not ours" },
		{ "CREATE TABLE acts_1 (a)", "\"acts_1\" is not ours" },
		{ "DROP TABLE acts", "\"acts\" is missing" },
	};
	const hl_store_options read = { .read_only = true };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(altered); i++) {
		void *each = NULL;
		sqlite3 *db;
		fixture *f;

		setup(&each);
		f = each;
		db = raw_open(raw_path(f));
		raw_exec(db, altered[i].sql);
		sqlite3_close(db);
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(hl_store_open(&f->s, f->url,
					     k == 0 ? NULL : &read, &f->err),
			    HL_ESTORE);
			assert_null(f->s);
			if (strstr(f->err.why, altered[i].says) == NULL)
				fail_msg("%s: %s", altered[i].sql, f->err.why);
		}
		db = raw_open(raw_path(f));
		assert_int_equal(raw_int(db, "PRAGMA user_version"), OLD_SCHEMA);
		sqlite3_close(db);
		fx_teardown(&each);
	}
}

/* ---- cut short ---------------------------------------------------------- */

static void
is_old_or_new(fixture *f, const hl_buf *rows)
{
	sqlite3 *db = raw_open(raw_path(f));
	const int64_t version = raw_int(db, "PRAGMA user_version");
	hl_buf before = *rows, now = dump(db);

	assert_true(version == OLD_SCHEMA || version == HL_SCHEMA_VERSION);
	assert_int_equal(raw_int(db,
			     "SELECT count(*) FROM sqlite_schema WHERE "
			     "name IN ('events', 'tree', 'acts', 'acts_1')"),
	    version == OLD_SCHEMA ? 1 : 2);
	sqlite3_close(db);
	same(&before, &now);
}

static void
each_failure_leaves_old_or_new(void **state)
{
	static const int kinds[] = { VFS_SYNC, VFS_WRITE, VFS_TRUNCATE,
		VFS_READ };
	unsigned n = 0, failed = 0;

	(void)state;
	for (size_t k = 0; k < HL_COUNT(kinds); k++) {
		bool fired = true;

		for (int at = 1; fired; at++) {
			void *each = NULL;
			hl_buf rows;
			fixture *f;
			hl_rc rc;

			setup(&each);
			f = each;
			rows = dump_path(raw_path(f));
			vfs_break(kinds[k], at);
			rc = hl_store_open(&f->s, f->url, NULL, &f->err);
			fired = vfs_fired();
			vfs_break(VFS_SYNC, 0);
			hl_store_close(&f->s);
			n++;
			failed += rc != HL_OK;
			assert_true(fired || rc == HL_OK);
			is_old_or_new(f, &rows);
			hl_buf_free(&rows);
			OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
			is_of_today(f);
			fx_teardown(&each);
			assert_true(at < 500);
		}
	}
	print_message("    %u times opened, %u failed\n", n, failed);
	assert_true(failed >= 30);
}

/* Killed at the at-th operation; false when it came to its end before. */
static bool
killed_at(fixture *f, int op, int at)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		vfs_kill(op, at);
		_exit(hl_store_open(&f->s, f->url, NULL, &f->err) == HL_OK ? 0
									   : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void
each_kill_leaves_old_or_new(void **state)
{
	static const int kinds[] = { VFS_SYNC, VFS_WRITE, VFS_TRUNCATE };
	unsigned kills = 0, old = 0;

	(void)state;
	for (size_t k = 0; k < HL_COUNT(kinds); k++) {
		bool killed = true;

		for (int at = 1; killed; at++) {
			void *each = NULL;
			hl_store_info info;
			hl_buf rows, now;
			fixture *f;

			setup(&each);
			f = each;
			rows = dump_path(raw_path(f));
			killed = killed_at(f, kinds[k], at);
			kills += killed;
			/* our own open plays the journal back */
			OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
			OK(f, hl_store_info_get(f->s, &info, &f->err));
			old += info.schema_found == OLD_SCHEMA;
			is_of_today(f);
			hl_store_close(&f->s);
			now = dump_path(raw_path(f));
			same(&rows, &now);
			hl_buf_free(&rows);
			fx_teardown(&each);
			assert_true(at < 500);
		}
	}
	print_message("    %u kills, %u left it as it was\n", kills, old);
	assert_true(old >= 20 && old < kills);
}

/* Many open it at once: one brings it up to date. */
static void
at_once(void **state)
{
	fixture *f = *state;
	hl_buf before = dump_path(raw_path(f)), after;
	pid_t pid[8];
	int status;

	for (size_t i = 0; i < HL_COUNT(pid); i++) {
		if ((pid[i] = fork()) == 0) {
			const hl_rc rc =
			    hl_store_open(&f->s, f->url, NULL, &f->err);

			if (rc != HL_OK)
				fprintf(stderr, "%s\n", f->err.why);
			hl_store_close(&f->s);
			_exit(rc == HL_OK ? 0 : 1);
		}
		assert_true(pid[i] > 0);
	}
	for (size_t i = 0; i < HL_COUNT(pid); i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	is_of_today(f);
	hl_store_close(&f->s);
	after = dump_path(raw_path(f));
	same(&before, &after);
	hl_buf_free(&before);
}

/* What is read of it is a copy, and the ledger of that one is of no use. */
static void
has_no_ledger_to_audit(void **state)
{
	const hl_store_options opt = { .read_only = true };
	fixture *f = *state;
	hl_audit_result r;

	OK(f, hl_store_open(&f->s, f->url, &opt, &f->err));
	EXPECT(f, HL_ESTORE,
	    hl_store_audit(f->s, NULL, 0, NULL, NULL, NULL, &r, &f->err));
	assert_non_null(strstr(f->err.why, "has no ledger yet"));
	assert_non_null(strstr(f->err.hint, "store upgrade"));
	hl_store_close(&f->s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		OLD(every_table_has_rows),
		OLD(all_rows_stay),
		OLD(all_is_told),
		OLD(goes_on),
		OLD(read_only_stays_as_it_is),
		OLD(old_backup_is_restored),
		cmocka_unit_test(altered_is_refused),
		cmocka_unit_test(each_failure_leaves_old_or_new),
		cmocka_unit_test(each_kill_leaves_old_or_new),
		OLD(at_once),
		OLD(has_no_ledger_to_audit),
	};

	vfs_install();
	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
