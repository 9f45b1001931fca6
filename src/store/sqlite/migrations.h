/* SPDX-License-Identifier: Apache-2.0 */
/* The files of db/sqlite, embedded at build time. */
#ifndef HL_STORE_SQLITE_MIGRATIONS_H
#define HL_STORE_SQLITE_MIGRATIONS_H

#include <stddef.h>

typedef struct hl_migration {
	int version; /* 1, 2, ...: the schema that it leaves behind */
	const char *name, *sql;
} hl_migration;

extern const hl_migration hl_migrations[];
extern const size_t hl_migrations_n;

#endif
