/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite's codes mean, in words for a person. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "store/sqlite/db.h"

static const char hint_damaged[] =
    "keep this file, and restore the newest backup (hsmlic store restore)";
static const char hint_full[] =
    "free some space on that file system; nothing was recorded";

hl_rc
hl_db_fail(
    hl_store *s, hl_rc rc, hl_err *err, const char *hint, const char *why, ...)
{
	char text[HL_ERR_WHY];
	va_list ap;

	va_start(ap, why);
	(void)hl_text_vformat(text, sizeof(text), why, ap);
	va_end(ap);
	hl_fail(err, rc, "", hint, "%s", text);
	if (s->doing == NULL)
		hl_err_what(err, "open store \"%s\"", s->path);
	else
		hl_err_what(err, "%s in store \"%s\"", s->doing, s->path);
	return rc;
}

static hl_rc
fail_io(hl_store *s, int code, int os, hl_err *err)
{
	const char *why = os != 0 ? strerror(os) : sqlite3_errstr(code);

	if (os == ENOSPC || os == EDQUOT || os == EFBIG)
		return hl_db_fail(s, HL_EFULL, err, hint_full, "%s", why);
	return hl_db_fail(s, HL_ESTORE, err,
	    "check the disk and the system's log before going on",
	    "the system could not read or write it: %s", why);
}

static hl_rc
fail_open(hl_store *s, int code, int os, hl_err *err)
{
	if (code == SQLITE_CANTOPEN_SYMLINK) {
		return hl_db_fail(s, HL_ESTORE, err, "name the file itself",
		    "there is a symbolic link in its path");
	}
	return hl_db_fail(s, HL_ESTORE, err,
	    "check owner and mode of the file and of its directory",
	    "it, or the journal beside it, cannot be opened: %s",
	    os != 0 ? strerror(os) : sqlite3_errstr(code));
}

static hl_rc
fail_read_only(hl_store *s, int code, hl_err *err)
{
	if (code == SQLITE_READONLY_ROLLBACK ||
	    code == SQLITE_READONLY_RECOVERY) {
		return hl_db_fail(s, HL_ESTORE, err,
		    "open it once where it can be written",
		    "it was left in the middle of a commit, and is read-only");
	}
	if (code == SQLITE_READONLY_DBMOVED) {
		return hl_db_fail(s, HL_ESTORE, err,
		    "start again: another store may be in its place by now",
		    "its file was moved or replaced while it was open");
	}
	return hl_db_fail(s, HL_ESTORE, err,
	    "check owner and mode of the file and of its directory, and that "
	    "the file system is not mounted read-only",
	    "it is read-only");
}

hl_rc
hl_db_error(hl_store *s, int code, int os, hl_err *err)
{
	switch (code & 0xff) {
	case SQLITE_OK:
		return HL_OK;
	case SQLITE_NOMEM:
		return hl_nomem(err);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return hl_db_fail(s, HL_ESTORE, err,
		    "let the other process end, then repeat; nothing was "
		    "recorded",
		    "it is locked by another process, for more than %u ms",
		    s->busy_ms);
	case SQLITE_FULL:
		return hl_db_fail(s, HL_EFULL, err, hint_full,
		    "no space is left on its file system");
	case SQLITE_READONLY:
		return fail_read_only(s, code, err);
	case SQLITE_NOTADB:
		return hl_db_fail(s, HL_ESTORE, err,
		    "check the path; if it was a store, restore a backup",
		    "it is not a store: not an SQLite file");
	case SQLITE_CORRUPT:
		return hl_db_fail(
		    s, HL_ESTORE, err, hint_damaged, "it is damaged");
	case SQLITE_IOERR:
		if (code == SQLITE_IOERR_NOMEM)
			return hl_nomem(err);
		return fail_io(s, code, os, err);
	case SQLITE_CANTOPEN:
		return fail_open(s, code, os, err);
	case SQLITE_CONSTRAINT:
		return hl_db_fail(s, HL_ECONFLICT, err,
		    "run hsmlic store check",
		    "it contradicts what is recorded: %s",
		    s->db == NULL ? "" : sqlite3_errmsg(s->db));
	default:
		return hl_db_fail(s, HL_ESTORE, err, "run hsmlic store check",
		    "SQLite refused: %s (%d)",
		    s->db != NULL && sqlite3_extended_errcode(s->db) == code
			? sqlite3_errmsg(s->db)
			: sqlite3_errstr(code),
		    code);
	}
}
