/* SPDX-License-Identifier: Apache-2.0 */
#include "store/vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static int broken_op, countdown;
static bool fired;

/* The methods of the system's files, and ours over them. */
static const sqlite3_io_methods *below;
static sqlite3_io_methods above;
static sqlite3_vfs *system_vfs, vfs;

void
vfs_break(int op, int n)
{
	broken_op = op;
	countdown = n;
	fired = false;
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
	return true;
}

static int
file_sync(sqlite3_file *f, int flags)
{
	return fails(VFS_SYNC) ? SQLITE_IOERR_FSYNC : below->xSync(f, flags);
}

static int
file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return fails(VFS_WRITE) ? SQLITE_IOERR_WRITE
				: below->xWrite(f, p, n, at);
}

static int
file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return fails(VFS_TRUNCATE) ? SQLITE_IOERR_TRUNCATE
				   : below->xTruncate(f, size);
}

static int
file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return fails(VFS_READ) ? SQLITE_IOERR_READ : below->xRead(f, p, n, at);
}

static int
open_file(
    sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
	const int code = system_vfs->xOpen(system_vfs, name, f, flags, out);

	(void)v;
	if (code != SQLITE_OK)
		return code;
	/* all files of this system share one table of methods */
	if (below == NULL) {
		below = f->pMethods;
		above = *below;
		above.xSync = file_sync;
		above.xWrite = file_write;
		above.xTruncate = file_truncate;
		above.xRead = file_read;
	}
	if (f->pMethods == below)
		f->pMethods = &above;
	return SQLITE_OK;
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
