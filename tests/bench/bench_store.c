/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-store STORE FIRMWARE <UIDS
 *
 * What a hit is made of: the calls of the store layer one by one, in one
 * process, beside SQLite itself. Reading is compared with one prepared SELECT
 * of the same bytes; recording the use with one INSERT of the same row,
 * committed with the same settings. A line of samples_print() for each.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"
#include "store/store.h"

enum { UIDS_MAX = 1000000 };

enum {
	SELECT, /* SQLite itself; the others that read are compared with it */
	CHIP_BY_UID,
	LICENSE_FIND,
	LICENSE_BYTES,
	INSERT, /* SQLite itself */
	LICENSE_USE,
	OPEN,
	CLOSE,
	THINGS
};

static const char *const names[THINGS] = {
	[SELECT] = "SQLite: one prepared SELECT",
	[CHIP_BY_UID] = "hl_store_chip_by_uid",
	[LICENSE_FIND] = "hl_store_license_find",
	[LICENSE_BYTES] = "hl_store_license_bytes",
	[INSERT] = "SQLite: one durable INSERT",
	[LICENSE_USE] = "hl_store_license_use",
	[OPEN] = "hl_store_open",
	[CLOSE] = "hl_store_close",
};

struct raw {
	sqlite3 *db;
	sqlite3_stmt *select, *insert;
};

struct bench {
	const char *path;
	hl_store *store;
	hl_firmware firmware;
	hl_actor actor;
	struct raw raw;
	samples took[THINGS];
};

static void
need(hl_rc rc, const hl_err *err)
{
	if (rc == HL_OK)
		return;
	(void)fprintf(stderr, "bench-store: %s: %s\n", err->what, err->why);
	exit(1);
}

static void
need_sql(const struct bench *b, int is, int wanted)
{
	if (is == wanted)
		return;
	(void)fprintf(stderr, "bench-store: %s: %s\n", b->path,
	    sqlite3_errmsg(b->raw.db));
	exit(1);
}

/* ---- SQLite itself ------------------------------------------------------- */

static void
raw_open(struct bench *b)
{
	struct raw *r = &b->raw;

	need_sql(b,
	    sqlite3_open_v2(b->path, &r->db, SQLITE_OPEN_READWRITE, NULL),
	    SQLITE_OK);
	need_sql(b,
	    sqlite3_exec(r->db,
		"PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = EXTRA; "
		"PRAGMA foreign_keys = ON",
		NULL, NULL, NULL),
	    SQLITE_OK);
	need_sql(b,
	    sqlite3_prepare_v2(r->db,
		"SELECT l.bytes FROM licenses AS l JOIN chips AS c ON "
		"c.id = l.chip WHERE c.uid = ?1 AND l.firmware = ?2 "
		"AND l.state = 'active'",
		-1, &r->select, NULL),
	    SQLITE_OK);
	need_sql(b,
	    sqlite3_prepare_v2(r->db,
		"INSERT INTO uses (id, license, at, how, station, operator, "
		"lot, note, use_class) VALUES (randomblob(16), ?1, "
		"1000 * strftime('%s'), "
		"'export', 'bench', 'bench', '', '', '')",
		-1, &r->insert, NULL),
	    SQLITE_OK);
}

static void
raw_close(struct raw *r)
{
	(void)sqlite3_finalize(r->select);
	(void)sqlite3_finalize(r->insert);
	(void)sqlite3_close(r->db);
}

static size_t
raw_select(struct bench *b, const hl_uid *uid, uint8_t out[HL_LICENSE_MAX])
{
	sqlite3_stmt *st = b->raw.select;
	size_t n;

	(void)sqlite3_bind_blob64(st, 1, uid->b, uid->n, SQLITE_STATIC);
	(void)sqlite3_bind_blob64(
	    st, 2, b->firmware.id.b, sizeof(hl_uuid), SQLITE_STATIC);
	need_sql(b, sqlite3_step(st), SQLITE_ROW);
	n = (size_t)sqlite3_column_bytes(st, 0);
	memcpy(out, sqlite3_column_blob(st, 0), n);
	need_sql(b, sqlite3_reset(st), SQLITE_OK);
	return n;
}

static void
raw_insert(struct bench *b, const hl_uuid *license)
{
	sqlite3_stmt *st = b->raw.insert;

	(void)sqlite3_bind_blob64(
	    st, 1, license->b, sizeof(license->b), SQLITE_STATIC);
	need_sql(b, sqlite3_step(st), SQLITE_DONE);
	need_sql(b, sqlite3_reset(st), SQLITE_OK);
}

/* ---- rounds -------------------------------------------------------------- */

/* Adds the time since *before to a thing, and starts the next. */
static void
lap(struct bench *b, int thing, double *before)
{
	samples_add(&b->took[thing], samples_now() - *before);
	*before = samples_now();
}

static void
run_round(struct bench *b, const char *text)
{
	static uint8_t one[HL_LICENSE_MAX], other[HL_LICENSE_MAX];
	hl_err err = { 0 };
	hl_license l;
	hl_chip chip;
	hl_uid uid;
	size_t n, m;
	double t;

	need(hl_uid_parse(text, &uid, &err), &err);
	t = samples_now();
	n = raw_select(b, &uid, one);
	lap(b, SELECT, &t);
	need(hl_store_chip_by_uid(b->store, &uid, &chip, &err), &err);
	lap(b, CHIP_BY_UID, &t);
	need(hl_store_license_find(
		 b->store, &chip.id, &b->firmware.id, &l, &err),
	    &err);
	lap(b, LICENSE_FIND, &t);
	need(hl_store_license_bytes(b->store, &l.id, other, &m, &err), &err);
	lap(b, LICENSE_BYTES, &t);
	if (n != m || memcmp(one, other, n) != 0) {
		(void)fprintf(
		    stderr, "bench-store: %s: the bytes differ\n", text);
		exit(1);
	}
	t = samples_now();
	raw_insert(b, &l.id);
	lap(b, INSERT, &t);
	need(hl_store_license_use(b->store, &l.id, "store", &b->actor, &err),
	    &err);
	lap(b, LICENSE_USE, &t);
}

static void
run_open(struct bench *b, bool keep)
{
	hl_err err = { 0 };
	double t = samples_now();

	need(hl_store_open(&b->store, b->path, NULL, &err), &err);
	lap(b, OPEN, &t);
	if (keep)
		return;
	hl_store_close(&b->store);
	lap(b, CLOSE, &t);
}

static void
run_rounds(struct bench *b)
{
	char line[128];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		run_open(b, false);
		run_open(b, true);
		line[strcspn(line, "\n")] = '\0';
		run_round(b, line);
		hl_store_close(&b->store);
	}
}

static void
print_all(const struct bench *b)
{
	static const int base_of[THINGS] = { SELECT, SELECT, SELECT, SELECT,
		INSERT, INSERT, OPEN, OPEN };

	for (int i = 0; i < THINGS; i++)
		samples_print(&b->took[i], &b->took[base_of[i]]);
}

int
main(int argc, char **argv)
{
	static struct bench b = { .actor = { .station = "bench",
				      .operator_ = "bench" } };
	hl_err err = { 0 };

	if (argc != 3) {
		(void)fputs(
		    "usage: bench-store STORE FIRMWARE <UIDS\n", stderr);
		return 2;
	}
	b.path = argv[1];
	for (int i = 0; i < THINGS; i++)
		b.took[i] = samples_new(names[i], UIDS_MAX);
	need(hl_store_open(&b.store, b.path, NULL, &err), &err);
	need(hl_store_firmware_by_name(b.store, argv[2], &b.firmware, &err),
	    &err);
	hl_store_close(&b.store);
	raw_open(&b);
	run_rounds(&b);
	raw_close(&b.raw);
	print_all(&b);
	for (int i = 0; i < THINGS; i++)
		samples_free(&b.took[i]);
	return 0;
}
