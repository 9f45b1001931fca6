/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tampering, mechanically: in a store with a row in every table and an event of
 * every kind, each value of each row altered, each row dropped,
 * doubled and swapped with another, bytes of events, leaf hashes and edge
 * flipped; one at a time. Each must be found. The tamperer has no triggers and
 * no foreign keys in the way; checks and unique indexes are, as in a store that
 * a person edits with a database shell; what checks refuse is tried again
 * without them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "store/everything.h"
#include "store/raw.h"

/*
 * Whether each column is altered in all ways, in the first row and in the first
 * that has a value there, or only in one way in each row; which
 * bytes of events are flipped, others in each event: all are under one hash,
 * so that one is found as the other. Sanitizers take ten times as long, and
 * look for something else than what is found: they see each kind of tampering,
 * not each byte.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED)
#define ALL_WAYS false
#define BYTES_STEP 27
#else
#define ALL_WAYS true
#define BYTES_STEP 4
#endif

typedef struct tally {
	unsigned found, refused_open, impossible;
} tally;

typedef struct column {
	char name[64], type[16];
	bool tried; /* in all ways, where it had a value */
} column;

typedef struct table {
	char name[64];
	column columns[40];
	unsigned n;
} table;

typedef struct tampering {
	fixture *f;
	hl_buf good;
	tally all, of_table;
} tampering;

/* ---- one tampering ------------------------------------------------------- */

static void
stop_at_first(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static void
must_be_found(tampering *t, const char *sql)
{
	const hl_store_options opt = { .read_only = true };
	hl_audit_result r = { .findings = 0 };
	fixture *f = t->f;
	hl_rc rc;

	rc = hl_store_open(&f->s, f->url, &opt, &f->err);
	if (rc != HL_OK) {
		assert_int_equal(rc, HL_ESTORE);
		t->of_table.refused_open++;
		return;
	}
	rc = hl_store_audit(
	    f->s, NULL, 0, stop_at_first, NULL, NULL, &r, &f->err);
	hl_store_close(&f->s);
	if (rc == HL_OK && r.findings == 0)
		fail_msg("not found: %s", sql);
	if (rc != HL_OK && rc != HL_ESTORE)
		fail_msg("%s: %s: %s", sql, f->err.what, f->err.why);
	t->of_table.found++;
}

/* SQLITE_OK when it could be done, and changed something. */
static int
try(tampering *t, const char *sql, bool checks)
{
	sqlite3 *db;
	int code;

	raw_write(raw_path(t->f), &t->good);
	db = raw_open_unguarded(raw_path(t->f));
	raw_exec(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY");
	raw_exec(db,
	    checks ? "PRAGMA ignore_check_constraints = OFF"
		   : "PRAGMA ignore_check_constraints = ON");
	code = raw_try(db, sql);
	if (code == SQLITE_OK && sqlite3_total_changes(db) == 0)
		fail_msg("changes nothing: %s", sql);
	sqlite3_close(db);
	return code;
}

/* False: the store's indexes or column types do not let it be. */
static bool
tamper(tampering *t, const char *sql)
{
	int code = try(t, sql, true);

	if (code == SQLITE_CONSTRAINT_CHECK)
		code = try(t, sql, false);
	if (code == SQLITE_OK) {
		must_be_found(t, sql);
		return true;
	}
	if ((code & 0xff) != SQLITE_CONSTRAINT && code != SQLITE_MISMATCH)
		fail_msg("%d: %s", code, sql);
	t->of_table.impossible++;
	return false;
}

/* ---- values -------------------------------------------------------------- */

/* Values as SQL has them; @ is the value that is there. */
static const char *const integer_ways[] = { "@ + 1", "@ - 1", "@ | 4096",
	"NULL", "coalesce(@, 0) + 1000" };
static const char *const text_ways[] = { "@ || 'x'", "'x' || @", "substr(@, 2)",
	"NULL", "coalesce(@, '') || 'y'", "''", "upper(@)",
	"char(unicode(@) + 1) || substr(@, 2)" };
/* the first, a middle and the last bit; shorter; longer */
static const char *const blob_ways[] = { "flip(@, 0)", "flip(@, 4 * length(@))",
	"flip(@, 8 * length(@) - 1)", "CAST(substr(@, 2) AS BLOB)",
	"CAST(@ || x'00' AS BLOB)", "NULL",
	"zeroblob(coalesce(nullif(length(@), 0), 16))" };

/* flip(BLOB, N): with bit N changed. */
static void
flip(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	const int64_t bit = sqlite3_value_int64(v[1]);
	const int len = sqlite3_value_bytes(v[0]);
	uint8_t copy[65536];

	(void)n;
	if (bit < 0 || bit >= 8 * (int64_t)len || len > (int)sizeof(copy)) {
		sqlite3_result_value(ctx, v[0]);
		return;
	}
	memcpy(copy, sqlite3_value_blob(v[0]), (size_t)len);
	copy[bit / 8] ^= (uint8_t)(0x80 >> (bit % 8));
	sqlite3_result_blob(ctx, copy, len, SQLITE_TRANSIENT);
}

static int
add_flip(sqlite3 *db, char **why, const struct sqlite3_api_routines *api)
{
	(void)why;
	(void)api;
	return sqlite3_create_function(
	    db, "flip", 2, SQLITE_UTF8, NULL, flip, NULL, NULL);
}

static void
put_way(char *out, size_t size, const char *way, const char *name)
{
	size_t n = 0;

	for (; *way != '\0'; way++)
		n += (size_t)snprintf(out + n, size - n,
		    *way == '@' ? "%s" : "%.1s", *way == '@' ? name : way);
}

static bool
would_change(sqlite3 *db, const char *tab, const char *name, const char *value,
    int64_t row)
{
	char sql[600];

	snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM %s WHERE rowid = %lld AND %s IS NOT (%s)",
	    tab, (long long)row, name, value);
	return raw_int(db, sql) > 0;
}

static bool
alter_value(tampering *t, sqlite3 *good, const table *tab, const column *c,
    const char *way, int64_t row)
{
	char value[300], sql[600];

	put_way(value, sizeof(value), way, c->name);
	if (!would_change(good, tab->name, c->name, value, row))
		return false;
	snprintf(sql, sizeof(sql), "UPDATE %s SET %s = %s WHERE rowid = %lld",
	    tab->name, c->name, value, (long long)row);
	return tamper(t, sql);
}

/* In all ways, or else in the first that can be from way `from` on. */
static void
alter_column(tampering *t, sqlite3 *good, const table *tab, const column *c,
    int64_t row, bool all, size_t from)
{
	const char *const *ways = integer_ways;
	size_t n = HL_COUNT(integer_ways);

	if (strcmp(c->type, "TEXT") == 0) {
		ways = text_ways;
		n = HL_COUNT(text_ways);
	} else if (strcmp(c->type, "BLOB") == 0) {
		ways = blob_ways;
		n = HL_COUNT(blob_ways);
	}
	for (size_t k = 0; k < n; k++) {
		if (alter_value(t, good, tab, c, ways[(from + k) % n], row) &&
		    !all)
			break;
	}
}

/* ---- rows ---------------------------------------------------------------- */

static void
drop_row(tampering *t, const table *tab, int64_t row)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE rowid = %lld",
	    tab->name, (long long)row);
	tamper(t, sql);
}

/* Once more with a rowid of its own, and, where a unique index minds, with
 * other bytes in each blob and text that may be unique. */
static void
double_row(tampering *t, const table *tab, int64_t row)
{
	char plain[1000], other[3000];
	size_t p = 0, o = 0;

	for (unsigned i = 1; i < tab->n; i++) {
		const column *c = &tab->columns[i];

		p += (size_t)snprintf(
		    plain + p, sizeof(plain) - p, ", %s", c->name);
		if (strcmp(c->type, "BLOB") == 0 && strcmp(c->name, "id") == 0)
			o += (size_t)snprintf(
			    other + o, sizeof(other) - o, ", randomblob(16)");
		else if (strcmp(c->name, "serial") == 0 ||
		    strcmp(c->name, "label") == 0 ||
		    strcmp(c->name, "uid") == 0 ||
		    strcmp(c->name, "issue") == 0)
			o += (size_t)snprintf(
			    other + o, sizeof(other) - o, ", NULL");
		else if (strcmp(c->name, "name") == 0 ||
		    strcmp(c->name, "origin") == 0 ||
		    strcmp(c->name, "reader") == 0)
			o += (size_t)snprintf(other + o, sizeof(other) - o,
			    ", %s || '2'", c->name);
		else if (strcmp(c->name, "attempt") == 0 ||
		    strcmp(c->name, "slot") == 0)
			o += (size_t)snprintf(
			    other + o, sizeof(other) - o, ", %s + 7", c->name);
		else
			o += (size_t)snprintf(
			    other + o, sizeof(other) - o, ", %s", c->name);
	}
	for (int i = 0; i < 2; i++) {
		char sql[5000];

		snprintf(sql, sizeof(sql),
		    "INSERT INTO %s SELECT (SELECT max(rowid) + 1 FROM %s)%s "
		    "FROM %s WHERE rowid = %lld",
		    tab->name, tab->name, i == 0 ? plain : other, tab->name,
		    (long long)row);
		tamper(t, sql);
	}
}

static void
swap_rows(tampering *t, const table *tab, int64_t a, int64_t b)
{
	const char *key = tab->columns[0].name;
	char sql[600];

	if (a == b)
		return;
	snprintf(sql, sizeof(sql),
	    "PRAGMA ignore_check_constraints = ON; "
	    "UPDATE %s SET %s = -7 WHERE rowid = %lld; "
	    "UPDATE %s SET %s = %lld WHERE rowid = %lld; "
	    "UPDATE %s SET %s = %lld WHERE rowid = -7",
	    tab->name, key, (long long)a, tab->name, key, (long long)a,
	    (long long)b, tab->name, key, (long long)b);
	tamper(t, sql);
}

/* ---- tables -------------------------------------------------------------- */

static unsigned
read_columns(sqlite3 *db, table *tab)
{
	sqlite3_stmt *st;

	assert_int_equal(
	    sqlite3_prepare_v2(db,
		"SELECT name, type FROM pragma_table_info(?)", -1, &st, NULL),
	    SQLITE_OK);
	sqlite3_bind_text(st, 1, tab->name, -1, SQLITE_STATIC);
	for (tab->n = 0; sqlite3_step(st) == SQLITE_ROW; tab->n++) {
		column *c = &tab->columns[tab->n];

		assert_true(tab->n < HL_COUNT(tab->columns));
		snprintf(c->name, sizeof(c->name), "%s",
		    (const char *)sqlite3_column_text(st, 0));
		c->tried = false;
		snprintf(c->type, sizeof(c->type), "%s",
		    (const char *)sqlite3_column_text(st, 1));
	}
	sqlite3_finalize(st);
	return tab->n;
}

static unsigned
read_rows(sqlite3 *db, const char *name, int64_t *rows, unsigned max)
{
	char sql[100];
	sqlite3_stmt *st;
	unsigned n = 0;

	snprintf(sql, sizeof(sql), "SELECT rowid FROM %s ORDER BY rowid", name);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	for (; sqlite3_step(st) == SQLITE_ROW; n++) {
		assert_true(n < max);
		rows[n] = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	return n;
}

static bool
in_all_ways(sqlite3 *good, const table *tab, column *c, int64_t row, bool first)
{
	char sql[200];
	bool has_value;

	if (!ALL_WAYS || c->tried)
		return false;
	snprintf(sql, sizeof(sql),
	    "SELECT %s IS NOT NULL FROM %s WHERE rowid = %lld", c->name,
	    tab->name, (long long)row);
	has_value = raw_int(good, sql) != 0;
	c->tried = has_value;
	return has_value || first;
}

static void
tamper_table(tampering *t, sqlite3 *good, table *tab)
{
	int64_t rows[400];
	unsigned n;

	memset(&t->of_table, 0, sizeof(t->of_table));
	read_columns(good, tab);
	n = read_rows(good, tab->name, rows, HL_COUNT(rows));
	assert_true(n > 0);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < tab->n; k++)
			alter_column(t, good, tab, &tab->columns[k], rows[i],
			    in_all_ways(
				good, tab, &tab->columns[k], rows[i], i == 0),
			    i + k);
		drop_row(t, tab, rows[i]);
		double_row(t, tab, rows[i]);
		if (i > 0)
			swap_rows(t, tab, rows[i - 1], rows[i]);
	}
	swap_rows(t, tab, rows[0], rows[n - 1]);
	print_message("    %-14s %3u rows: %5u tamperings, %u found, %u "
		      "refused by the open; %u impossible\n",
	    tab->name, n, t->of_table.found + t->of_table.refused_open,
	    t->of_table.found, t->of_table.refused_open,
	    t->of_table.impossible);
	assert_true(t->of_table.found >= n);
	t->all.found += t->of_table.found;
	t->all.refused_open += t->of_table.refused_open;
	t->all.impossible += t->of_table.impossible;
}

/* The untouched store, in memory. */
static sqlite3 *
copy_to_memory(fixture *f)
{
	sqlite3 *file = raw_open(raw_path(f)), *db;
	sqlite3_backup *b;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	b = sqlite3_backup_init(db, "main", file, "main");
	assert_non_null(b);
	assert_int_equal(sqlite3_backup_step(b, -1), SQLITE_DONE);
	sqlite3_backup_finish(b);
	sqlite3_close(file);
	return db;
}

static unsigned
read_tables(sqlite3 *db, table *tables, unsigned max)
{
	sqlite3_stmt *st;
	unsigned n = 0;

	assert_int_equal(
	    sqlite3_prepare_v2(db,
		"SELECT name FROM sqlite_schema WHERE type = 'table'", -1, &st,
		NULL),
	    SQLITE_OK);
	for (; sqlite3_step(st) == SQLITE_ROW; n++) {
		assert_true(n < max);
		snprintf(tables[n].name, sizeof(tables[n].name), "%s",
		    (const char *)sqlite3_column_text(st, 0));
	}
	sqlite3_finalize(st);
	return n;
}

static void
begin(tampering *t, fixture *f)
{
	memset(t, 0, sizeof(*t));
	t->f = f;
	hl_store_close(&f->s);
	raw_read(raw_path(f), &t->good);
}

static void
every_row_of_every_table(void **state)
{
	static table tables[64];
	fixture *f = *state;
	tampering t;
	sqlite3 *good;
	unsigned n;

	everything_make(f);
	begin(&t, f);
	good = copy_to_memory(f);
	n = read_tables(good, tables, HL_COUNT(tables));
	assert_true(n >= 16);
	for (unsigned i = 0; i < n; i++)
		tamper_table(&t, good, &tables[i]);
	print_message("    %u tamperings: %u found, %u refused by the open "
		      "(%u more were impossible)\n",
	    t.all.found + t.all.refused_open, t.all.found, t.all.refused_open,
	    t.all.impossible);
	sqlite3_close(good);
	hl_buf_free(&t.good);
}

/* ---- bytes --------------------------------------------------------------- */

/* One bit of each step-th byte, a different one each time. */
static void
flip_all(tampering *t, sqlite3 *good, const char *tab, const char *col,
    unsigned step)
{
	int64_t rows[400];
	const unsigned n = read_rows(good, tab, rows, HL_COUNT(rows));
	char sql[300];

	for (unsigned i = 0; i < n; i++) {
		int64_t len;

		snprintf(sql, sizeof(sql),
		    "SELECT length(%s) FROM %s WHERE rowid = %lld", col, tab,
		    (long long)rows[i]);
		len = raw_int(good, sql);
		for (int64_t k = i % step; k < len; k += step) {
			snprintf(sql, sizeof(sql),
			    "UPDATE %s SET %s = flip(%s, %lld) WHERE rowid = "
			    "%lld",
			    tab, col, col, (long long)(8 * k + k / step % 8),
			    (long long)rows[i]);
			tamper(t, sql);
		}
	}
}

static void
bytes_of_the_ledger(void **state)
{
	fixture *f = *state;
	const hl_uid uid = fx_uid(1);
	tampering t;
	sqlite3 *good;
	hl_chip chip;

	OK(f, hl_store_chip_put(f->s, NULL, &uid, &f->actor, &chip, &f->err));
	fx_card(f, 1, 300);
	begin(&t, f);
	good = copy_to_memory(f);
	flip_all(&t, good, "events", "bytes", BYTES_STEP);
	flip_all(&t, good, "events", "leaf", BYTES_STEP / 4);
	flip_all(&t, good, "tree", "frontier", 1);
	print_message("    %u bytes: %u found, %u refused by the open\n",
	    t.of_table.found + t.of_table.refused_open, t.of_table.found,
	    t.of_table.refused_open);
	assert_true(t.of_table.found > 1800 / BYTES_STEP);
	assert_int_equal(t.of_table.impossible, 0);
	sqlite3_close(good);
	hl_buf_free(&t.good);
}

/* ---- objects that nobody looks for ----------------------------------------
 */

#define HIDE "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES "

/* SQLite keeps these names for itself; what ANALYZE makes may bear them. */
static void
every_hidden_object(void **state)
{
	static const char *const ways[] = {
		HIDE "('trigger', 'sqlite_stat1', 'uses', 0, 'CREATE TRIGGER "
		     "sqlite_stat1 BEFORE INSERT ON uses BEGIN SELECT "
		     "RAISE(IGNORE); END')",
		HIDE "('trigger', 'sqlite_stat4', 'issues', 0, 'CREATE TRIGGER "
		     "sqlite_stat4 AFTER INSERT ON issues BEGIN UPDATE issues "
		     "SET operator = ''x''; END')",
		HIDE "('view', 'sqlite_stat7', 'sqlite_stat7', 0, 'CREATE VIEW "
		     "sqlite_stat7 AS SELECT 1')",
		"CREATE TABLE t (x); PRAGMA writable_schema = ON; UPDATE "
		"sqlite_schema SET name = 'sqlite_stat3', tbl_name = "
		"'sqlite_stat3', sql = 'CREATE TABLE sqlite_stat3 (x)' "
		"WHERE name = 't'",
		"CREATE TABLE t (x); PRAGMA writable_schema = ON; UPDATE "
		"sqlite_schema SET name = 'sqlite_stat4', tbl_name = "
		"'sqlite_stat4', sql = 'CREATE TABLE sqlite_stat4 (x)' "
		"WHERE name = 't'",
	};
	fixture *f = *state;
	tampering t;

	begin(&t, f);
	for (size_t i = 0; i < HL_COUNT(ways); i++)
		assert_true(tamper(&t, ways[i]));
	hl_buf_free(&t.good);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RAW_TEST(every_hidden_object),
		RAW_TEST(bytes_of_the_ledger),
		RAW_TEST(every_row_of_every_table),
	};

	factory = &sqlite_factory;
	sqlite3_auto_extension((void (*)(void))add_flip);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
