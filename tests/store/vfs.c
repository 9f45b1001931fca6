/* SPDX-License-Identifier: Apache-2.0 */
#include "store/vfs.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"

static int broken_op, countdown;
static bool fired, deadly;

/*
 * The system's methods, and ours over them. There are several tables of them:
 * a journal, which nobody locks, has another one than the store.
 */
typedef struct methods {
	sqlite3_io_methods above; /* first: it leads back to the rest */
	const sqlite3_io_methods *below;
} methods;

static methods tables[4];
static sqlite3_vfs *system_vfs, vfs;

void
vfs_break(int op, int n)
{
	broken_op = op;
	countdown = n;
	fired = deadly = false;
}

void
vfs_kill(int op, int n)
{
	vfs_break(op, n);
	deadly = true;
}

bool
vfs_fired(void)
{
	return fired;
}

static bool
fails(int op)
{
	if (op != broken_op || countdown == 0 || --countdown > 0)
		return false;
	fired = true;
	if (deadly)
		(void)raise(SIGKILL);
	return true;
}

static const sqlite3_io_methods *
below(const sqlite3_file *f)
{
	return ((const methods *)f->pMethods)->below;
}

static int
file_sync(sqlite3_file *f, int flags)
{
	return fails(VFS_SYNC) ? SQLITE_IOERR_FSYNC : below(f)->xSync(f, flags);
}

static int
file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return fails(VFS_WRITE) ? SQLITE_IOERR_WRITE
				: below(f)->xWrite(f, p, n, at);
}

static int
file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return fails(VFS_TRUNCATE) ? SQLITE_IOERR_TRUNCATE
				   : below(f)->xTruncate(f, size);
}

static int
file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return fails(VFS_READ) ? SQLITE_IOERR_READ
			       : below(f)->xRead(f, p, n, at);
}

/* Ours over a table of the system's. */
static const sqlite3_io_methods *
put_above(const sqlite3_io_methods *m)
{
	size_t i = 0;

	while (i < HL_COUNT(tables) && tables[i].below != NULL &&
	    tables[i].below != m)
		i++;
	if (i == HL_COUNT(tables))
		abort();
	tables[i].below = m;
	tables[i].above = *m;
	tables[i].above.xSync = file_sync;
	tables[i].above.xWrite = file_write;
	tables[i].above.xTruncate = file_truncate;
	tables[i].above.xRead = file_read;
	return &tables[i].above;
}

static int
open_file(
    sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
	const int code = system_vfs->xOpen(system_vfs, name, f, flags, out);

	(void)v;
	if (code == SQLITE_OK)
		f->pMethods = put_above(f->pMethods);
	return code;
}

void
vfs_install(void)
{
	system_vfs = sqlite3_vfs_find(NULL);
	if (system_vfs == NULL)
		abort();
	vfs = *system_vfs;
	vfs.zName = "breaking";
	vfs.pNext = NULL;
	vfs.xOpen = open_file;
	if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
		abort();
}
