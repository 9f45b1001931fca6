/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/mark.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"

#define MARK_MAX (HL_SIDE_MAX + 6 + 256) /* "/open/" and a name */

static hl_rc
fail_errno(hl_store *s, const char *path, int e, hl_err *err)
{
	const hl_rc rc = e == ENOSPC || e == EDQUOT ? HL_EFULL : HL_ESTORE;

	return hl_db_fail(s, rc, err,
	    "check owner and mode of that directory, and that the file system "
	    "is not read-only or full",
	    "its side directory \"%s\" cannot be used: %s", path, strerror(e));
}

static hl_rc
make_dirs(hl_store *s, hl_err *err)
{
	char path[MARK_MAX];
	hl_rc rc;

	if (mkdir(s->side, 0700) != 0 && errno != EEXIST)
		return fail_errno(s, s->side, errno, err);
	rc = hl_path(path, sizeof(path), err, "%s/open", s->side);
	if (rc == HL_OK && mkdir(path, 0700) != 0 && errno != EEXIST)
		return fail_errno(s, s->side, errno, err);
	return rc;
}

static hl_rc
mark_path(const hl_store *s, const char *dot, char out[MARK_MAX], hl_err *err)
{
	char id[HL_UUID_TEXT];

	hl_uuid_text(&s->mark_id, id);
	return hl_path(out, MARK_MAX, err, "%s/open/%s%s", s->side, dot, id);
}

/*
 * Under a name with a dot until the lock is held: a mark that is seen without a
 * lock is always one that was left.
 */
hl_rc
hl_mark_set(hl_store *s, hl_err *err)
{
	char dot[MARK_MAX], path[MARK_MAX];
	struct stat st;
	hl_rc rc;

	if ((rc = hl_uuid_new(&s->mark_id, err)) != HL_OK ||
	    (rc = mark_path(s, ".", dot, err)) != HL_OK ||
	    (rc = mark_path(s, "", path, err)) != HL_OK)
		return rc;
	snprintf(path, sizeof(path), "%s/open", s->side);
	if (lstat(path, &st) != 0 && (rc = make_dirs(s, err)) != HL_OK)
		return rc;
	rc = hl_lock_take(&s->mark, dot, hl_deadline_in(1000), err);
	if (rc != HL_OK) {
		/* hl_lock_take() has said why; to the caller it is the store.
		 */
		if (rc != HL_EFULL && rc != HL_ENOMEM)
			rc = HL_ESTORE;
		if (err != NULL)
			err->rc = rc;
		return rc;
	}
	if ((rc = mark_path(s, "", path, err)) != HL_OK)
		return rc;
	if (rename(dot, path) != 0)
		return fail_errno(s, s->side, errno, err);
	return HL_OK;
}

void
hl_mark_clear(hl_store *s, bool keep)
{
	char path[MARK_MAX];

	if (s->mark == NULL)
		return;
	if (!keep && mark_path(s, "", path, NULL) == HL_OK)
		unlink(path);
	hl_lock_free(&s->mark, true);
}

/* Whether the entry was left; removed when that is wanted. */
static bool
look_at(const char *path, bool visible, bool remove)
{
	hl_lock *lock;

	if (hl_lock_held(path))
		return false;
	if (access(path, F_OK) != 0)
		return false; /* closed in between */
	if (remove && hl_lock_take(&lock, path, 0, NULL) == HL_OK)
		hl_lock_free(&lock, true);
	return visible;
}

hl_rc
hl_mark_left(hl_store *s, bool remove, bool *any, hl_err *err)
{
	char path[MARK_MAX];
	struct dirent *e;
	hl_rc rc;
	DIR *d;

	*any = false;
	rc = hl_path(path, sizeof(path), err, "%s/open", s->side);
	if (rc != HL_OK)
		return rc;
	if ((d = opendir(path)) == NULL) {
		if (errno == ENOENT && s->mark == NULL)
			return HL_OK; /* a copy that nobody wrote to yet */
		if (errno == EACCES && s->mark == NULL) {
			*any = true; /* it cannot be told: better check */
			return HL_OK;
		}
		return fail_errno(s, s->side, errno, err);
	}
	while (rc == HL_OK && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		rc = hl_path(
		    path, sizeof(path), err, "%s/open/%s", s->side, e->d_name);
		if (rc == HL_OK && look_at(path, e->d_name[0] != '.', remove))
			*any = true;
	}
	closedir(d);
	return rc;
}
