/* SPDX-License-Identifier: Apache-2.0 */
/* A copy that takes the place of a store. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/log.h"
#include "util/file.h"
#include "util/hex.h"

typedef struct restoring {
	hl_store to; /* path and side, as far as messages go */
	bool there;  /* a file is at to.path */
	bool frozen; /* its lock of writers is ours */
	hl_store *copy;
	bool damaged; /* the copy, and that was said */
	const hl_actor *actor;
	hl_likeness replaced; /* what is there now, beside the copy */
	char part[PATH_MAX + 64];
	char aside[PATH_MAX + 64];
} restoring;

/* The journal belongs to the file beside it and to no other. */
static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };

static hl_rc
fail_errno(restoring *r, int e, hl_err *err)
{
	return hl_db_fail(&r->to,
	    e == ENOSPC || e == EDQUOT ? HL_EFULL : HL_EIO, err,
	    "check the path, and owner and mode of its directory", "%s",
	    strerror(e));
}

/* Where it goes, without links; its directory is made when it is not there. */
static hl_rc
find_place(restoring *r, const char *path, hl_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	char dir[PATH_MAX] = ".", real[PATH_MAX];
	hl_rc rc;

	r->there = realpath(path, r->to.path) != NULL;
	if (r->there)
		return HL_OK;
	if (errno != ENOENT)
		return fail_errno(r, errno, err);
	if (slash != NULL &&
	    (rc = hl_path(dir, sizeof(dir), err, "%.*s",
		 (int)(slash == path ? 1 : slash - path), path)) != HL_OK)
		return rc;
	if ((rc = hl_dir_make(dir, err)) != HL_OK)
		return rc;
	if (realpath(dir, real) == NULL)
		return fail_errno(r, errno, err);
	return hl_path(r->to.path, sizeof(r->to.path), err, "%s/%s",
	    strcmp(real, "/") == 0 ? "" : real, base);
}

static hl_rc
set_names(restoring *r, const char *path, hl_err *err)
{
	char now[HL_TIME_TEXT];
	hl_rc rc;

	(void)hl_text_copy(r->to.path, sizeof(r->to.path), path);
	hl_time_text(hl_now_ms(), now);
	if ((rc = find_place(r, path, err)) != HL_OK ||
	    (rc = hl_path(r->to.side, sizeof(r->to.side), err, "%s.d",
		 r->to.path)) != HL_OK ||
	    (rc = hl_path(r->part, sizeof(r->part), err, "%s.restored-%s",
		 r->to.path, now)) != HL_OK)
		return rc;
	return hl_path(r->aside, sizeof(r->aside), err, "%s.before-restore-%s",
	    r->to.path, now);
}

static hl_rc
fail_used(restoring *r, hl_err *err)
{
	return hl_db_fail(&r->to, HL_EBUSY, err,
	    "let them end, and start no new ones",
	    "other processes have the store open that is there now");
}

/* Everybody who may write holds a lock in SIDE/open. */
static hl_rc
refuse_users(restoring *r, hl_err *err)
{
	char path[HL_SIDE_MAX + 6 + 256];
	bool used = false;
	struct dirent *e;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/open", r->to.side);
	if ((d = opendir(path)) == NULL)
		return errno == ENOENT ? HL_OK : fail_errno(r, errno, err);
	while (!used && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(
		    path, sizeof(path), "%s/open/%s", r->to.side, e->d_name);
		used = hl_lock_held(path);
	}
	(void)closedir(d);
	return used ? fail_used(r, err) : HL_OK;
}

/* The open file below a connection; NULL: none. */
static sqlite3_file *
file_of(sqlite3 *db)
{
	sqlite3_file *f = NULL;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &f) !=
		SQLITE_OK ||
	    f == NULL || f->pMethods == NULL)
		return NULL;
	return f;
}

/*
 * Whoever opens the store that is there from now on cannot record an intent in
 * it: not while the lock of writers is held, and not in a file that has lost
 * its name, which SQLite refuses to write to. Only the file is locked; what
 * SQLite would read there, and play back from a journal, may be damaged. A file
 * that cannot be locked is none that others could write to.
 */
static hl_rc
freeze(restoring *r, hl_err *err)
{
	sqlite3_file *f;
	int code;

	if (!r->there ||
	    sqlite3_open_v2(r->to.path, &r->to.db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK ||
	    (f = file_of(r->to.db)) == NULL)
		return HL_OK;
	code = f->pMethods->xLock(f, SQLITE_LOCK_SHARED);
	r->frozen = code == SQLITE_OK;
	if (code == SQLITE_OK)
		code = f->pMethods->xLock(f, SQLITE_LOCK_RESERVED);
	return (code & 0xff) == SQLITE_BUSY ? fail_used(r, err) : HL_OK;
}

static void
thaw(restoring *r)
{
	sqlite3_file *f = r->frozen ? file_of(r->to.db) : NULL;

	if (f != NULL)
		(void)f->pMethods->xUnlock(f, SQLITE_LOCK_NONE);
	(void)sqlite3_close(r->to.db);
	r->to.db = NULL;
}

static int
move_part(const char *from, const char *to, const char *suffix)
{
	char a[PATH_MAX + 80], b[PATH_MAX + 80];

	(void)snprintf(a, sizeof(a), "%s%s", from, suffix);
	(void)snprintf(b, sizeof(b), "%s%s", to, suffix);
	if (rename(a, b) == 0 || (errno == ENOENT && *suffix != '\0'))
		return 0;
	return errno;
}

/*
 * The file goes first: it must not stand there without its journal. A journal
 * that stands there alone would be played back into the copy.
 */
static hl_rc
put_aside(restoring *r, hl_err *err)
{
	int e = 0;

	for (size_t i = r->there ? 0 : 1; i < HL_COUNT(suffixes) && e == 0; i++)
		e = move_part(r->to.path, r->aside, suffixes[i]);
	return e == 0 ? HL_OK : fail_errno(r, e, err);
}

static void
put_back(const restoring *r)
{
	for (size_t i = HL_COUNT(suffixes); i > 0; i--)
		(void)move_part(r->aside, r->to.path, suffixes[i - 1]);
}

/* A journal with something in it belongs to the file that is there. */
static bool
has_journal(const restoring *r)
{
	char path[PATH_MAX + 80];
	struct stat st;

	for (size_t i = 1; i < HL_COUNT(suffixes); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s%s", r->to.path, suffixes[i]);
		if (stat(path, &st) == 0 && st.st_size > 0)
			return true;
	}
	return false;
}

/*
 * With a second name for the store that was there, the copy takes its place in
 * one step: at no moment is there none, which a get would take for a new one.
 */
static bool
swap_at_once(const restoring *r)
{
	if (!r->there || has_journal(r) || link(r->to.path, r->aside) != 0)
		return false;
	if (rename(r->part, r->to.path) == 0)
		return true;
	(void)unlink(r->aside);
	return false;
}

static hl_rc
swap(restoring *r, hl_err *err)
{
	hl_rc rc;
	int e;

	if (swap_at_once(r))
		return HL_OK;
	rc = put_aside(r, err);
	if (rc == HL_OK && (e = move_part(r->part, r->to.path, "")) != 0)
		rc = fail_errno(r, e, err);
	if (rc != HL_OK)
		put_back(r);
	return rc;
}

/* ---- what it replaces --------------------------------------------------- */

/* What is there may be damaged: that is why one restores. */
static void
compare_present(restoring *r)
{
	const hl_store_options opt = { .read_only = true };
	hl_store *s = NULL;

	r->replaced.kin = r->there ? HL_KIN_UNKNOWN : HL_KIN_NONE;
	if (r->there && hl_sqlite_open(&s, r->to.path, &opt, NULL) == HL_OK &&
	    hl_store_compare(r->copy, s, &r->replaced, NULL) != HL_OK)
		r->replaced = (hl_likeness){ .kin = HL_KIN_UNKNOWN };
	hl_store_close(&s);
}

/* The last of all is there for a damaged copy alone; of the others the first
 * three are known whatever is there. */
static hl_rc
tell_restored(restoring *r, hl_store *part, hl_err *err)
{
	char copy_root[2 * HL_SHA256_LEN + 1], root[2 * HL_SHA256_LEN + 1];
	const hl_likeness *l = &r->replaced;
	size_t n = l->kin > HL_KIN_UNKNOWN ? 7 : 3;
	hl_event_fact facts[8] = { { "copy_size", NULL, 0 },
		{ "copy_root", copy_root, 0 },
		{ "replaced", hl_kin_name(l->kin), 0 },
		{ "common", NULL, (int64_t)l->common },
		{ "replaced_size", NULL, (int64_t)l->size },
		{ "replaced_root", root, 0 },
		{ "replaced_last_at", NULL, l->last_at } };
	hl_hash is;
	hl_rc rc;

	if ((rc = hl_log_load(part, err)) != HL_OK ||
	    (rc = hl_frontier_root(&part->log.tree, &is, err)) != HL_OK)
		return rc;
	facts[0].number = (int64_t)part->log.tree.size;
	hl_hex_lower(copy_root, is.b, sizeof(is.b));
	hl_hex_lower(root, l->root.b, sizeof(l->root.b));
	if (r->damaged)
		facts[n++] = (hl_event_fact){ "damaged", NULL, 1 };
	return hl_log_event(part, "store.restored", r->actor, facts, n, err);
}

/*
 * The event is in the part before that takes its place: whatever happens, there
 * is the old store, or the new one with its event. A part that a crash leaves
 * behind is of no use, so its journal need not outlive one.
 */
static hl_rc
write_event(restoring *r, hl_err *err)
{
	hl_store part = { .doing = "write the restored store" };
	int code;
	hl_rc rc;

	(void)hl_text_copy(part.path, sizeof(part.path), r->part);
	code = sqlite3_open_v2(r->part, &part.db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    NULL);
	rc = code == SQLITE_OK ? HL_OK : hl_db_error(&part, code, 0, err);
	if (rc == HL_OK)
		rc = hl_db_exec(&part,
		    "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = EXTRA",
		    err);
	if (rc == HL_OK)
		rc = hl_tx_begin(&part, part.doing, err);
	if (rc == HL_OK)
		rc = hl_tx_end(&part, tell_restored(r, &part, err), err);
	(void)sqlite3_close(part.db);
	return rc;
}

/* Making the copy may have taken long: who has come meanwhile? */
static hl_rc
swap_unused(restoring *r, hl_err *err)
{
	hl_rc rc;

	if ((rc = freeze(r, err)) == HL_OK &&
	    (rc = refuse_users(r, err)) == HL_OK) {
		compare_present(r);
		rc = write_event(r, err);
	}
	if (rc == HL_OK)
		rc = swap(r, err);
	thaw(r);
	if (rc != HL_OK)
		(void)unlink(r->part);
	return rc;
}

hl_rc
hl_store_restore(hl_store *copy, const char *path, bool damaged,
    const hl_actor *actor, char *aside, size_t size, hl_err *err)
{
	restoring *r = calloc(1, sizeof(*r));
	hl_rc rc;

	if (r == NULL)
		return hl_nomem(err);
	r->to.doing = "restore what was";
	r->copy = copy;
	r->damaged = damaged;
	r->actor = actor;
	if ((rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = set_names(r, path, err)) != HL_OK ||
	    (rc = refuse_users(r, err)) != HL_OK ||
	    (rc = hl_store_backup(copy, r->part, NULL, err)) != HL_OK)
		goto out;
	if ((rc = swap_unused(r, err)) != HL_OK)
		goto out;
	(void)hl_text_copy(aside, size, r->there ? r->aside : "");
	rc = hl_dir_sync_parent(r->to.path, err);
out:
	free(r);
	return rc;
}
