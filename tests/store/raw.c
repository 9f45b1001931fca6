/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raw.h"

#include <stdio.h>

#include "store/scratch.h"

static void
make(char *url, size_t size)
{
	char dir[200];

	scratch_make(dir, sizeof(dir));
	snprintf(url, size, "sqlite:%s/store.db", dir);
}

static void
drop(const char *url)
{
	char dir[256];

	hl_text_copy(dir, sizeof(dir), url + strlen("sqlite:"));
	*strrchr(dir, '/') = '\0';
	scratch_drop(dir);
}

const url_factory sqlite_factory = { make, drop };

const char *
raw_path(const fixture *f)
{
	return f->url + strlen("sqlite:");
}

sqlite3 *
raw_open(const char *path)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open_v2(path, &db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				 SQLITE_OPEN_EXRESCODE,
			     NULL),
	    SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	raw_exec(db, "PRAGMA foreign_keys = ON");
	return db;
}

sqlite3 *
raw_open_unguarded(const char *path)
{
	sqlite3 *db = raw_open(path);

	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	raw_exec(db, "PRAGMA foreign_keys = OFF");
	raw_exec(db, "PRAGMA ignore_check_constraints = ON");
	return db;
}

int
raw_try(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

void
raw_exec(sqlite3 *db, const char *sql)
{
	if (raw_try(db, sql) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

int64_t
raw_int(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t v;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

void
raw_reopen(fixture *f)
{
	hl_store_close(&f->s);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
}

void
raw_tamper(fixture *f, const char *sql)
{
	sqlite3 *db;

	hl_store_close(&f->s);
	db = raw_open_unguarded(raw_path(f));
	raw_exec(db, sql);
	sqlite3_close(db);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
}

void
raw_poke(const char *path, long at, const void *p, size_t n)
{
	FILE *file = fopen(path, "r+b");

	assert_non_null(file);
	assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
	assert_int_equal(fwrite(p, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

void
raw_read(const char *path, hl_buf *out)
{
	FILE *file = fopen(path, "rb");
	uint8_t part[4096];
	size_t n;

	assert_non_null(file);
	while ((n = fread(part, 1, sizeof(part), file)) > 0)
		hl_buf_put(out, part, n);
	assert_false(out->failed);
	assert_int_equal(fclose(file), 0);
}

void
raw_write(const char *path, const hl_buf *in)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(in->p, 1, in->n, file), in->n);
	assert_int_equal(fclose(file), 0);
}

long
raw_root_page(const char *path, const char *name)
{
	sqlite3 *db = raw_open(path);
	char sql[200];
	long page;

	snprintf(sql, sizeof(sql),
	    "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", name);
	page = (long)raw_int(db, sql);
	sqlite3_close(db);
	return page;
}
