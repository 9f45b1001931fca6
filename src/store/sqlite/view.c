/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/view.h"

static hl_rc
fail_view(hl_store *s, int code, hl_err *err)
{
	if ((code & 0xff) == SQLITE_NOMEM)
		return hl_nomem(err);
	return hl_db_fail(s,
	    (code & 0xff) == SQLITE_FULL ? HL_EFULL : HL_ESTORE, err,
	    "make room for temporary files (TMPDIR)",
	    "the temporary copy that is read in its place cannot be made: %s",
	    sqlite3_errstr(code));
}

static int
copy_pages(sqlite3 *to, sqlite3 *from)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int code, end;

	if (b == NULL)
		return sqlite3_extended_errcode(to);
	code = sqlite3_backup_step(b, -1);
	end = sqlite3_backup_finish(b);
	return code == SQLITE_DONE ? end : code;
}

hl_rc
hl_view_take(hl_store *s, hl_err *err)
{
	sqlite3 *view = NULL;
	int code;

	code = sqlite3_open_v2("", &view,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_EXRESCODE,
	    NULL);
	if (code == SQLITE_OK)
		code = copy_pages(view, s->db);
	if (code != SQLITE_OK) {
		sqlite3_close(view);
		return (code & 0xff) == SQLITE_BUSY
		    ? hl_db_error(s, code, 0, err)
		    : fail_view(s, code, err);
	}
	sqlite3_close(s->db);
	s->db = view;
	return HL_OK;
}
