/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/schema.h"
#include "util/file.h"

typedef struct copy {
	hl_store *s;
	hl_store to; /* the copy, as far as statements and messages go */
	const char *path;
	char part[PATH_MAX]; /* written aside under this name */
	hl_frontier tree;    /* of its ledger */
} copy;

static hl_rc
fail_errno(copy *c, int e, hl_err *err)
{
	const bool full = e == ENOSPC || e == EDQUOT || e == EFBIG;
	hl_rc rc = HL_EIO;

	if (e == EEXIST)
		rc = HL_EEXIST;
	else if (full)
		rc = HL_EFULL;
	hl_fail(err, rc, "",
	    e == EEXIST ? "choose another name"
		: full	? "make room there, or choose another place"
			: "check the path, and owner and mode of its directory",
	    "%s", strerror(e));
	hl_err_what(err, "back up to \"%s\"", c->path);
	return rc;
}

/*
 * What another store of that name left in the middle of a commit: SQLite would
 * play it back into the copy when that is opened.
 */
static hl_rc
refuse_journal(copy *c, hl_err *err)
{
	static const char *const suffixes[] = { "-journal", "-wal" };
	char path[PATH_MAX];
	struct stat st;
	hl_rc rc;

	for (size_t i = 0; i < HL_COUNT(suffixes); i++) {
		rc = hl_path(
		    path, sizeof(path), err, "%s%s", c->path, suffixes[i]);
		if (rc != HL_OK)
			return rc;
		if (lstat(path, &st) != 0 || st.st_size == 0)
			continue;
		hl_fail(err, HL_EEXIST, "", "choose another name",
		    "%s is there, and would be played back into it", path);
		hl_err_what(err, "back up to \"%s\"", c->path);
		return HL_EEXIST;
	}
	return HL_OK;
}

static hl_rc
make_part(copy *c, hl_err *err)
{
	char id[HL_UUID_TEXT];
	struct stat st;
	hl_uuid u;
	hl_rc rc;
	int fd, e;

	if (lstat(c->path, &st) == 0)
		return fail_errno(c, EEXIST, err);
	if ((rc = refuse_journal(c, err)) != HL_OK ||
	    (rc = hl_uuid_new(&u, err)) != HL_OK)
		return rc;
	hl_uuid_text(&u, id);
	rc = hl_path(c->part, sizeof(c->part), err, "%s.%s.tmp", c->path, id);
	if (rc != HL_OK)
		return rc;
	fd = open(
	    c->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		e = errno;
		c->part[0] = '\0';
		return fail_errno(c, e, err);
	}
	e = fchmod(fd, 0600) == 0 ? 0 : errno;
	close(fd);
	return e == 0 ? HL_OK : fail_errno(c, e, err);
}

static hl_rc
open_part(copy *c, int how, hl_err *err)
{
	const int code = sqlite3_open_v2(c->part, &c->to.db,
	    how | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (code == SQLITE_OK)
		return HL_OK;
	return hl_db_error(&c->to, code,
	    c->to.db == NULL ? 0 : sqlite3_system_errno(c->to.db), err);
}

static void
close_part(copy *c)
{
	sqlite3_close(c->to.db);
	c->to.db = NULL;
}

/* Which of the two sides failed is told by the destination's own error. */
static hl_rc
copy_pages(copy *c, hl_err *err)
{
	sqlite3_backup *b;
	int code, dst;

	b = sqlite3_backup_init(c->to.db, "main", c->s->db, "main");
	if (b == NULL) {
		return hl_db_error(
		    &c->to, sqlite3_extended_errcode(c->to.db), 0, err);
	}
	do {
		code = sqlite3_backup_step(b, -1);
	} while (code == SQLITE_OK);
	dst = sqlite3_backup_finish(b);
	if (code == SQLITE_DONE && dst == SQLITE_OK)
		return HL_OK;
	if (dst == SQLITE_OK)
		dst = code;
	return hl_db_error(
	    (dst & 0xff) == SQLITE_BUSY || (dst & 0xff) == SQLITE_CORRUPT
		? c->s
		: &c->to,
	    dst, sqlite3_system_errno(c->to.db), err);
}

static hl_rc
write_part(copy *c, hl_err *err)
{
	hl_rc rc;

	if ((rc = open_part(c, SQLITE_OPEN_READWRITE, err)) != HL_OK)
		return rc;
	/* a part that a crash leaves behind is of no use with its journal */
	rc = hl_db_exec(&c->to, "PRAGMA journal_mode = OFF", err);
	if (rc == HL_OK)
		rc = hl_db_exec(&c->to, "PRAGMA synchronous = EXTRA", err);
	if (rc == HL_OK)
		rc = copy_pages(c, err);
	close_part(c);
	return rc;
}

static hl_rc
read_id(hl_store *s, hl_uuid *id, hl_err *err)
{
	hl_q q = hl_q_new(s, "SELECT id FROM meta");

	if (!hl_q_row(&q) || !hl_q_get_uuid(&q, id))
		hl_q_damaged(&q);
	return hl_q_end(&q, err);
}

static hl_rc
verify(copy *c, hl_err *err)
{
	char text[HL_ERR_WHY] = "no answer";
	hl_uuid is, ours;
	int version;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(&c->to, "PRAGMA quick_check(1)");
	if (hl_q_row(&q))
		hl_q_get_text(&q, text, sizeof(text));
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	if (strcmp(text, "ok") != 0) {
		return hl_db_fail(&c->to, HL_ESTORE, err,
		    "run hsmlic store check on the store itself",
		    "the copy is damaged: %s", text);
	}
	if ((rc = hl_schema_identify(&c->to, &version, err)) != HL_OK ||
	    (rc = hl_schema_check(&c->to, err)) != HL_OK ||
	    (rc = read_id(&c->to, &is, err)) != HL_OK ||
	    (rc = read_id(c->s, &ours, err)) != HL_OK)
		return rc;
	if (version == HL_SCHEMA_VERSION && hl_uuid_equal(&is, &ours))
		return hl_store_tree(&c->to, &c->tree, err);
	return hl_db_fail(&c->to, HL_ESTORE, err, "try again",
	    "the copy is not of this store");
}

static hl_rc
verify_part(copy *c, hl_err *err)
{
	hl_rc rc;

	if ((rc = open_part(c, SQLITE_OPEN_READONLY, err)) == HL_OK)
		rc = verify(c, err);
	close_part(c);
	return rc;
}

/* Never over something that has come there meanwhile. */
static hl_rc
give_name(copy *c, hl_err *err)
{
	struct stat st;
	int r;

	r = renameat2(AT_FDCWD, c->part, AT_FDCWD, c->path, RENAME_NOREPLACE);
	if (r != 0 && (errno == EINVAL || errno == ENOSYS)) {
		/* a file system that cannot (FAT before Linux 6.0) */
		if (lstat(c->path, &st) == 0)
			errno = EEXIST;
		else
			r = rename(c->part, c->path);
	}
	if (r != 0)
		return fail_errno(c, errno, err);
	c->part[0] = '\0';
	return hl_dir_sync_parent(c->path, err);
}

hl_rc
hl_store_backup(
    hl_store *store, const char *path, hl_frontier *tree, hl_err *err)
{
	copy c = { .s = store, .path = path };
	hl_rc rc;

	store->doing = "back up what is";
	c.to.doing = "write a backup";
	c.to.busy_ms = store->busy_ms;
	if (!hl_text_copy(c.to.path, sizeof(c.to.path), path))
		return fail_errno(&c, ENAMETOOLONG, err);
	if ((rc = make_part(&c, err)) == HL_OK)
		rc = write_part(&c, err);
	if (rc == HL_OK)
		rc = verify_part(&c, err);
	if (rc == HL_OK)
		rc = give_name(&c, err);
	if (c.part[0] != '\0')
		unlink(c.part);
	if (rc == HL_OK && tree != NULL)
		*tree = c.tree;
	return rc;
}
