/* SPDX-License-Identifier: Apache-2.0 */
/* No row of any table changes without an event. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/everything.h"
#include "store/raw.h"
#include "store/sqlite/log.h"
#include "util/clock.h"

typedef struct tally {
	unsigned refused, impossible; /* by the commit; by a trigger, ... */
} tally;

static uint64_t
events(fixture *f)
{
	hl_frontier tree;

	OK(f, hl_store_tree(f->s, &tree, &f->err));
	return tree.size;
}

/* Changes that go past the calls of the store; no event follows. */
static void
change_in_silence(fixture *f, const char *sql, tally *t)
{
	const uint64_t before = events(f);
	sqlite3 *db = f->s->db;
	int64_t changed;
	hl_rc rc;
	int code;

	OK(f, hl_tx_begin(f->s, "change", &f->err));
	changed = sqlite3_total_changes64(db);
	code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	changed = sqlite3_total_changes64(db) - changed;
	rc = hl_tx_end(f->s, HL_OK, &f->err);
	if (code != SQLITE_OK) {
		if (code != SQLITE_CONSTRAINT_TRIGGER &&
		    code != SQLITE_CONSTRAINT_FOREIGNKEY &&
		    code != SQLITE_CONSTRAINT_CHECK &&
		    code != SQLITE_CONSTRAINT_PRIMARYKEY &&
		    code != SQLITE_CONSTRAINT_UNIQUE)
			fail_msg("%s: %d", sql, code);
		t->impossible++;
	} else {
		if (changed == 0)
			fail_msg("%s: changes nothing", sql);
		if (rc != HL_ESTORE)
			fail_msg("%s: recorded without an event", sql);
		t->refused++;
	}
	assert_int_equal(events(f), before);
}

/* The last column that is not unique: a change of it is not refused for other
 * reasons. */
static void
each_way(fixture *f, const char *table, const char *column, tally *t)
{
	static const char *const ways[] = {
		"UPDATE %1$s SET %2$s = %2$s",
		("UPDATE %1$s SET %2$s = %2$s WHERE rowid = "
		 "(SELECT max(rowid) FROM %1$s)"),
		"DELETE FROM %1$s WHERE rowid = (SELECT max(rowid) FROM %1$s)",
		"DELETE FROM %1$s WHERE rowid = (SELECT min(rowid) FROM %1$s)",
		"DELETE FROM %1$s",
		"INSERT OR REPLACE INTO %1$s SELECT * FROM %1$s LIMIT 1",
		"REPLACE INTO %1$s SELECT * FROM %1$s",
	};
	char sql[300];

	for (size_t i = 0; i < HL_COUNT(ways); i++) {
/* the format is one of the above */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(sql, sizeof(sql), ways[i], table, column);
#pragma GCC diagnostic pop
		change_in_silence(f, sql, t);
	}
}

static void
every_table(void **state)
{
	fixture *f = *state;
	tally t = { 0, 0 };
	char names[64][2][64];
	sqlite3_stmt *st;
	unsigned n = 0;

	everything_make(f);
	assert_int_equal(
	    sqlite3_prepare_v2(f->s->db,
		"SELECT s.name, (SELECT name FROM pragma_table_info(s.name) "
		"ORDER BY cid DESC LIMIT 1) FROM sqlite_schema AS s "
		"WHERE type = 'table'",
		-1, &st, NULL),
	    SQLITE_OK);
	for (; sqlite3_step(st) == SQLITE_ROW; n++) {
		assert_true(n < HL_COUNT(names));
		for (int i = 0; i < 2; i++)
			snprintf(names[n][i], sizeof(names[n][i]), "%s",
			    (const char *)sqlite3_column_text(st, i));
	}
	sqlite3_finalize(st);
	assert_true(n >= 16);
	for (unsigned i = 0; i < n; i++)
		each_way(f, names[i][0], names[i][1], &t);
	print_message("    %u tables: %u changes refused by the commit, %u by "
		      "triggers and constraints\n",
	    n, t.refused, t.impossible);
	assert_true(t.refused > n);
}

/* New rows, where all of them are as they must be. */
static void
new_rows(void **state)
{
	static const char *const rows[] = {
		"INSERT INTO firmwares VALUES (NULL, randomblob(16), 'new', "
		"'', '', '', 1, '', '', '', '', '')",
		"INSERT INTO slots VALUES (NULL, randomblob(16), 's', 'r', 9)",
		"INSERT INTO uses SELECT NULL, randomblob(16), license, at, "
		"how, station, operator, lot, note, use_class FROM uses",
		"INSERT INTO events SELECT (SELECT count(*) FROM events), "
		"bytes, leaf FROM events LIMIT 1",
		"UPDATE tree SET size = size + 1",
		"UPDATE tree SET last_at = last_at + 1",
		"UPDATE meta SET last_time = last_time + 1",
		"INSERT INTO merged_events SELECT NULL, ledger, seq + 100, "
		"bytes, leaf FROM merged_events",
		"INSERT INTO merged_ledgers VALUES (NULL, randomblob(16), 'o', "
		"0, zeroblob(32), 1)",
		"INSERT INTO firmwares VALUES (NULL, randomblob(16), 'new', "
		"'', '', '', 1, '', '', '', '', ''); UPDATE firmwares SET "
		"name = 'x' WHERE 0",
		/* a tamperer's tables */
		"CREATE TABLE aside (x INTEGER); INSERT INTO aside VALUES (1)",
		"CREATE TABLE aside (x INTEGER PRIMARY KEY) WITHOUT ROWID; "
		"INSERT INTO aside VALUES (1)",
		"CREATE TABLE aside (x INTEGER); INSERT INTO aside VALUES (1); "
		"DELETE FROM aside",
	};
	fixture *f = *state;
	tally t = { 0, 0 };

	everything_make(f);
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		change_in_silence(f, rows[i], &t);
	assert_int_equal(t.refused, HL_COUNT(rows));
	fx_check_clean(f);
}

/* A table that was there before, that nobody has told the ledger of. */
static void
strange_tables(void **state)
{
	static const char *const changes[] = {
		"INSERT INTO a VALUES (3)",
		"UPDATE a SET x = 4",
		"DELETE FROM a WHERE x = 1",
		"DELETE FROM a",
		"INSERT INTO b VALUES (3)",
		"UPDATE b SET x = 4 WHERE x = 1",
		"DELETE FROM b WHERE x = 1",
		"DELETE FROM b",
	};
	fixture *f = *state;
	tally t = { 0, 0 };
	sqlite3 *db = raw_open(raw_path(f));

	raw_exec(db,
	    "CREATE TABLE a (x INTEGER); CREATE TABLE b (x INTEGER PRIMARY "
	    "KEY) WITHOUT ROWID; INSERT INTO a VALUES (1), (2); "
	    "INSERT INTO b VALUES (1), (2)");
	sqlite3_close(db);
	for (size_t i = 0; i < HL_COUNT(changes); i++)
		change_in_silence(f, changes[i], &t);
	assert_int_equal(t.refused, HL_COUNT(changes));
}

/* An event tells what changed before it, not what changes after it. */
static void
change_behind_the_event(void **state)
{
	fixture *f = *state;
	const uint64_t before = events(f);

	OK(f, hl_tx_begin(f->s, "change", &f->err));
	OK(f,
	    hl_db_exec(f->s,
		"INSERT INTO slots VALUES (NULL, randomblob(16), 's', 'r', 9)",
		&f->err));
	OK(f,
	    hl_log_event(f->s, "config.changed", &f->actor, NULL, 0, &f->err));
	OK(f,
	    hl_db_exec(f->s,
		"INSERT INTO slots VALUES (NULL, randomblob(16), 's', 'q', 8)",
		&f->err));
	EXPECT(f, HL_ESTORE, hl_tx_end(f->s, HL_OK, &f->err));
	assert_non_null(strstr(f->err.why, "slots was changed without"));
	assert_int_equal(events(f), before);
}

/* With their events, the same changes are recorded and pass an audit. */
static void
with_its_event(void **state)
{
	fixture *f = *state;
	const uint64_t before = events(f);
	char text[1000];

	OK(f, hl_tx_begin(f->s, "change", &f->err));
	OK(f,
	    hl_db_exec(f->s,
		"INSERT INTO slots VALUES (NULL, randomblob(16), 's', 'r', 9)",
		&f->err));
	OK(f,
	    hl_tx_end(f->s,
		hl_log_event(
		    f->s, "config.changed", &f->actor, NULL, 0, &f->err),
		&f->err));
	assert_int_equal(events(f), before + 1);
	fx_audit(f, NULL, 0, text, sizeof(text), NULL);
	assert_string_equal(text, "");
}

static int64_t clock_says; /* 0: the true one */

int64_t __real_hl_now_ms(void);
int64_t __wrap_hl_now_ms(void);

int64_t
__wrap_hl_now_ms(void)
{
	return clock_says != 0 ? clock_says : __real_hl_now_ms();
}

/* What an event cannot write would be found for ever. */
static void
clock_beyond_all_text(void **state)
{
	static const int64_t beyond[] = { HL_TIME_LAST + 1, HL_TIME_LAST * 1000,
		INT64_MAX };
	fixture *f = *state;
	const uint64_t before = events(f);
	const hl_uid uid = fx_uid(1);
	char text[1000];
	hl_chip chip;

	for (size_t i = 0; i < HL_COUNT(beyond); i++) {
		clock_says = beyond[i];
		EXPECT(f, HL_ESTORE,
		    hl_store_chip_put(
			f->s, NULL, &uid, &f->actor, &chip, &f->err));
		assert_non_null(strstr(f->err.why, "the clock says year "));
		assert_int_equal(events(f), before);
	}
	clock_says = HL_TIME_LAST;
	OK(f, hl_store_chip_put(f->s, NULL, &uid, &f->actor, &chip, &f->err));
	fx_audit(f, NULL, 0, text, sizeof(text), NULL);
	assert_string_equal(text, "");
	clock_says = 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RAW_TEST(every_table),
		RAW_TEST(new_rows),
		RAW_TEST(strange_tables),
		RAW_TEST(change_behind_the_event),
		RAW_TEST(with_its_event),
		RAW_TEST(clock_beyond_all_text),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
