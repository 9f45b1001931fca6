/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/file.h"
#include "util/text.h"

static hl_rc
fail_errno(hl_store *s, int e, hl_err *err)
{
	if (e == ENOSPC || e == EDQUOT) {
		return hl_db_fail(s, HL_EFULL, err,
		    "free some space on that file system", "%s", strerror(e));
	}
	return hl_db_fail(s, HL_ESTORE, err,
	    "check the path, and owner and mode of its directories", "%s",
	    strerror(e));
}

const char *
hl_place_refused(uint64_t type)
{
	/* statfs(2), linux/magic.h; 9P and FUSE give what their server gives */
	static const struct {
		uint32_t type;
		const char *name;
	} refused[] = {
		{ 0x6969, "NFS" },
		{ 0xFF534D42, "CIFS" },
		{ 0xFE534D42, "SMB" },
		{ 0x517B, "SMB" },
		{ 0x65735546, "FUSE" },
		{ 0x01021997, "9P" },
		{ 0x5346414F, "AFS" },
		{ 0x6B414653, "AFS" },
		{ 0x73757245, "Coda" },
		{ 0x00C36400, "Ceph" },
		{ 0x0BD00BD0, "Lustre" },
		{ 0x7461636F, "OCFS2" },
		{ 0x01161970, "GFS2" },
		{ 0x47504653, "GPFS" },
		{ 0x20030528, "OrangeFS" },
		{ 0x786F4256, "VirtualBox" },
		{ 0xBACBACBC, "VMware" },
	};

	for (size_t i = 0; i < HL_COUNT(refused); i++) {
		if (refused[i].type == (type & UINT32_MAX))
			return refused[i].name;
	}
	return NULL;
}

/* ---- the file ----------------------------------------------------------- */

static hl_rc
check_file(hl_store *s, hl_err *err)
{
	struct stat st;

	if (lstat(s->path, &st) != 0)
		return fail_errno(s, errno, err);
	if (!S_ISREG(st.st_mode)) {
		return hl_db_fail(s, HL_ESTORE, err, "name the file of a store",
		    S_ISDIR(st.st_mode) ? "it is not a store: a directory"
					: "it is not a store: not a file");
	}
	if (st.st_nlink > 1) {
		return hl_db_fail(s, HL_ESTORE, err,
		    "remove the other names: each would have a journal of its "
		    "own",
		    "the file has %lu names (hard links)",
		    (unsigned long)st.st_nlink);
	}
	return HL_OK;
}

/* A new file has its place in a directory that is there now. */
static hl_rc
find_new(hl_store *s, const char *path, bool create, hl_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	char dir[PATH_MAX] = ".", real[PATH_MAX];
	struct stat st;
	hl_rc rc;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
		return hl_db_fail(s, HL_ESTORE, err, "name the file itself",
		    "it is a symbolic link that leads nowhere");
	}
	if (!create) {
		rc = hl_path(s->side, sizeof(s->side), err, "%s.d", s->path);
		if (rc != HL_OK ||
		    (!s->read_only &&
			(rc = hl_place_not_lost(s, err)) != HL_OK))
			return rc;
		return hl_db_fail(s, HL_ENOTFOUND, err,
		    "check the path, or make it with hsmlic store init",
		    "there is no such file");
	}
	if (*base == '\0') {
		return hl_db_fail(s, HL_ESTORE, err, "name a file in it",
		    "it is not a store: a directory");
	}
	if (slash != NULL) {
		const size_t n = slash == path ? 1 : (size_t)(slash - path);

		memcpy(dir, path, n); /* realpath() took no longer path */
		dir[n] = '\0';
	}
	if ((rc = hl_dir_make(dir, err)) != HL_OK) {
		if (rc != HL_EFULL && rc != HL_ENOMEM)
			rc = HL_ESTORE;
		if (err != NULL)
			err->rc = rc;
		return rc;
	}
	if (realpath(dir, real) == NULL)
		return fail_errno(s, errno, err);
	return hl_path(s->path, sizeof(s->path), err, "%s/%s",
	    strcmp(real, "/") == 0 ? "" : real, base);
}

/* ---- the directory ------------------------------------------------------ */

/* In a directory for everybody, files beside ours could be anybody's. */
static hl_rc
check_owners(hl_store *s, hl_err *err)
{
	static const char *const suffixes[] = { "", "-journal", "-wal", ".d" };
	char path[HL_SIDE_MAX + 8];
	struct stat st;
	hl_rc rc;

	for (size_t i = 0; i < HL_COUNT(suffixes); i++) {
		rc = hl_path(
		    path, sizeof(path), err, "%s%s", s->path, suffixes[i]);
		if (rc != HL_OK)
			return rc;
		if (lstat(path, &st) != 0 || st.st_uid == geteuid())
			continue;
		return hl_db_fail(s, HL_ESTORE, err,
		    "keep the store in a directory of your own",
		    "it is in a directory where everybody may write, and "
		    "\"%s\" belongs to somebody else",
		    path);
	}
	return HL_OK;
}

static hl_rc
check_directory(hl_store *s, hl_err *err)
{
	char dir[PATH_MAX];
	const char *fs;
	struct statfs sf;
	struct stat st;

	hl_text_copy(dir, sizeof(dir), s->path);
	*(strrchr(dir, '/') == dir ? dir + 1 : strrchr(dir, '/')) = '\0';
	if (stat(dir, &st) != 0 || statfs(dir, &sf) != 0)
		return fail_errno(s, errno, err);
	if ((fs = hl_place_refused((uint64_t)sf.f_type)) != NULL) {
		return hl_db_fail(s, HL_ESTORE, err,
		    "keep the store on a disk of this machine",
		    "it is on a network or foreign file system (%s), whose "
		    "locks and syncs cannot be relied on",
		    fs);
	}
	if ((st.st_mode & S_IWOTH) == 0)
		return HL_OK;
	if ((st.st_mode & S_ISVTX) == 0) {
		return hl_db_fail(s, HL_ESTORE, err,
		    "take that right away (chmod o-w), or keep the store "
		    "elsewhere",
		    "everybody may write in its directory \"%s\"", dir);
	}
	return check_owners(s, err);
}

hl_rc
hl_place_find(
    hl_store *s, const char *path, bool create, bool *there, hl_err *err)
{
	hl_rc rc;

	hl_text_copy(s->path, sizeof(s->path), path); /* for messages */
	*there = realpath(path, s->path) != NULL;
	if (*there) {
		rc = check_file(s, err);
	} else {
		const int e = errno;

		hl_text_copy(s->path, sizeof(s->path), path);
		rc = e == ENOENT ? find_new(s, path, create, err)
				 : fail_errno(s, e, err);
	}
	if (rc != HL_OK)
		return rc;
	rc = hl_path(s->side, sizeof(s->side), err, "%s.d", s->path);
	if (rc != HL_OK)
		return rc;
	return check_directory(s, err);
}

/* Is the file missing, or without a byte? */
static bool
is_nothing(const hl_store *s)
{
	struct stat st;

	return stat(s->path, &st) != 0 || st.st_size == 0;
}

/* What only a store that has spent units has beside it. */
static bool
has_spent(const hl_store *s)
{
	char path[HL_SIDE_MAX + sizeof("/ballast")];
	const struct dirent *e;
	bool found;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/ballast", s->side);
	if (access(path, F_OK) == 0)
		return true;
	(void)snprintf(path, sizeof(path), "%s/spool", s->side);
	if ((d = opendir(path)) == NULL)
		return false;
	do {
		e = readdir(d);
	} while (e != NULL && e->d_name[0] == '.');
	found = e != NULL;
	(void)closedir(d);
	return found;
}

hl_rc
hl_place_not_lost(hl_store *s, hl_err *err)
{
	/* Looked at again: another process may have made it between. */
	if (!is_nothing(s) || !has_spent(s) || !is_nothing(s))
		return HL_OK;
	return hl_db_fail(s, HL_ESTORE, err,
	    access(s->path, F_OK) == 0
		? "put a backup in its place (hsmlic store restore --force); "
		  "only for a fresh start, remove the file and run hsmlic "
		  "store init"
		: "put a backup in its place (hsmlic store restore); only for "
		  "a fresh start, hsmlic store init",
	    "it is gone or empty, but %s beside it shows that it has spent "
	    "units",
	    s->side);
}

hl_rc
hl_place_create(hl_store *s, hl_err *err)
{
	int fd, e;

	/* never the open() of a file that may be there: closing it would drop
	 * the locks that SQLite holds on it in this process */
	fd = open(
	    s->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		e = errno;
		if (e != EEXIST)
			return fail_errno(s, e, err);
		return hl_db_fail(s, HL_EEXIST, err,
		    "use it, or choose another path", "it is there already");
	}
	e = fchmod(fd, 0600) == 0 ? 0 : errno; /* whatever the umask */
	close(fd);
	if (e != 0)
		return fail_errno(s, e, err);
	return hl_dir_sync_parent(s->path, err);
}
