/* SPDX-License-Identifier: Apache-2.0 */
/* The file of an SQLite store, seen past our own code. */
#ifndef TEST_STORE_RAW_H
#define TEST_STORE_RAW_H

#include <sqlite3.h>
#include <stdbool.h>

#include "store/fixture.h"
#include "util/buf.h"

/* What it leaves behind may be anything. */
#define RAW_TEST(name)                                                         \
	cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

/* Makes fx_setup() use SQLite stores in directories of their own. */
extern const url_factory sqlite_factory;

const char *raw_path(const fixture *f); /* without "sqlite:" */
sqlite3 *raw_open(const char *path);
/* Without triggers, foreign keys and checks: what a tamperer would do. */
sqlite3 *raw_open_unguarded(const char *path);
void raw_exec(sqlite3 *db, const char *sql); /* must succeed */
int raw_try(sqlite3 *db, const char *sql);   /* extended code */
int64_t raw_int(sqlite3 *db, const char *sql);
/* Closes our handle, runs SQL unguarded, opens again. */
void raw_tamper(fixture *f, const char *sql);
/* Overwrites bytes of a file; negative `at` counts from its end. */
void raw_poke(const char *path, long at, const void *p, size_t n);
/* A whole file; appended, and put in its place. */
void raw_read(const char *path, hl_buf *out);
void raw_write(const char *path, const hl_buf *in);
void raw_reopen(fixture *f);
/* The page that table or index `name` begins in; 1, 2, ... */
long raw_root_page(const char *path, const char *name);

#endif
