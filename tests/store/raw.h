/* SPDX-License-Identifier: Apache-2.0 */
/* The file of an SQLite store, seen past our own code. */
#ifndef TEST_STORE_RAW_H
#define TEST_STORE_RAW_H

#include <sqlite3.h>
#include <stdbool.h>

#include "store/fixture.h"

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
void raw_reopen(fixture *f);
/* The page that table or index `name` begins in; 1, 2, ... */
long raw_root_page(const char *path, const char *name);

#endif
