/* SPDX-License-Identifier: Apache-2.0 */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/hex.h"
#include "util/text.h"

#define TEMP_NAME 32
#define TRIES 100

/* A path taken apart: its directory is held open while the file changes. */
typedef struct place {
	const char *path; /* as given, for messages */
	const char *name; /* last component; points into path */
	int dir;	  /* open directory, or -1 */
} place;

static hl_rc
fail_text(hl_err *err, hl_rc rc, const char *verb, const char *path,
    const char *hint, const char *why)
{
	hl_fail(err, rc, "", hint, "%s", why);
	hl_err_what(err, "%s \"%s\"", verb, path);
	return rc;
}

/* Says what errno `e` means for the file, and what to do about it. */
static hl_rc
fail_errno(hl_err *err, const char *verb, const char *path, int e)
{
	const char *hint = "";
	hl_rc rc = HL_EIO;

	if (e == ENOSPC || e == EDQUOT || e == EFBIG) {
		rc = HL_EFULL;
		hint = "make room on that file system, then repeat";
	} else if (e == ENOENT || e == ENOTDIR) {
		hint = "check the path; is its directory there?";
	} else if (e == EACCES || e == EPERM) {
		hint = "check owner and mode of the file and its directories";
	} else if (e == EROFS) {
		hint = "the file system is mounted read-only: choose another";
	}
	return fail_text(err, rc, verb, path, hint, strerror(e));
}

hl_rc
hl_path(char *out, size_t size, hl_err *err, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, size, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < size)
		return HL_OK;
	return hl_fail(err, HL_EINPUT, "put a path together",
	    "use shorter names, or directories less deep",
	    "it would be longer than %zu bytes", size == 0 ? 0 : size - 1);
}

static int
sync_fd(int fd)
{
	int r;

	do {
		r = fsync(fd);
	} while (r != 0 && errno == EINTR);
	return r;
}

static int
sync_dir(int fd)
{
	if (sync_fd(fd) == 0)
		return 0;
	/* fsync(2): this file system has no such thing for directories */
	return errno == EINVAL ? 0 : -1;
}

/* Opens the directory of `path`. errno says why not. */
static bool
place_open(place *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	size_t n;

	*p = (place){ path, slash == NULL ? path : slash + 1, -1 };
	if (slash != NULL) {
		n = slash == path ? 1 : (size_t)(slash - path);
		if (n >= sizeof(dir)) {
			errno = ENAMETOOLONG;
			return false;
		}
		memcpy(dir, path, n);
		dir[n] = '\0';
	}
	p->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->dir >= 0;
}

static void
place_close(place *p)
{
	if (p->dir >= 0)
		close(p->dir);
	p->dir = -1;
}

static int
read_all(int fd, size_t max, hl_buf *out, bool *too_long)
{
	uint8_t chunk[8192];
	size_t total = 0;
	int r = 0;

	*too_long = false;
	for (;;) {
		const ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = (int)n;
			break;
		}
		if ((size_t)n > max - total) {
			*too_long = true;
			break;
		}
		total += (size_t)n;
		hl_buf_put(out, chunk, (size_t)n);
	}
	explicit_bzero(chunk, sizeof(chunk));
	return r;
}

static hl_rc
read_checked(const char *path, int fd, size_t max, hl_buf *out, hl_err *err)
{
	struct stat st;
	bool too_long;
	hl_rc rc;

	if (fstat(fd, &st) != 0)
		return fail_errno(err, "read", path, errno);
	if (!S_ISREG(st.st_mode)) {
		return fail_text(err, HL_EINPUT, "read", path,
		    "name a regular file",
		    S_ISDIR(st.st_mode) ? "it is a directory"
					: "it is not a regular file");
	}
	if (read_all(fd, max, out, &too_long) != 0)
		return fail_errno(err, "read", path, errno);
	if (too_long) {
		rc = hl_fail(err, HL_EINPUT, "", "is it the right file?",
		    "it is longer than %zu bytes", max);
		hl_err_what(err, "read \"%s\"", path);
		return rc;
	}
	return out->failed ? hl_nomem(err) : HL_OK;
}

hl_rc
hl_file_read(const char *path, size_t max, hl_buf *out, hl_err *err)
{
	const size_t before = out->n;
	hl_rc rc;
	int fd;

	/* O_NONBLOCK: opening a FIFO must not wait for its writer */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		const int e = errno;

		fail_errno(err, "read", path, e);
		if (e != ENOENT && e != ENOTDIR)
			return HL_EIO;
		if (err != NULL)
			err->rc = HL_ENOTFOUND;
		return HL_ENOTFOUND;
	}
	rc = read_checked(path, fd, max, out, err);
	close(fd);
	if (rc != HL_OK && out->n > before) {
		explicit_bzero(out->p + before, out->n - before);
		out->n = before;
	}
	return rc;
}

static int
write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		const ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Makes a file of its own in the directory. Its descriptor, or -1. */
static int
temp_make(int dir, mode_t mode, char name[TEMP_NAME])
{
	char digits[17];
	uint8_t r[8];
	int fd = -1;

	for (int i = 0; i < TRIES; i++) {
		if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
			return -1; /* so few bytes come whole or not at all */
		hl_hex_lower(digits, r, sizeof(r));
		snprintf(name, TEMP_NAME, ".hsmlic-%s.tmp", digits);
		fd = openat(dir, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd >= 0 || (errno != EEXIST && errno != EINTR))
			break;
	}
	return fd;
}

/* Writes and syncs a temporary file; on failure none is left. */
static int
temp_write(int dir, const void *p, size_t n, mode_t mode, char name[TEMP_NAME])
{
	const int fd = temp_make(dir, mode, name);
	int e = 0;

	if (fd < 0)
		return -1;
	if (write_all(fd, p, n) != 0 || sync_fd(fd) != 0)
		e = errno;
	if (close(fd) != 0 && errno != EINTR && e == 0)
		e = errno;
	if (e == 0)
		return 0;
	unlinkat(dir, name, 0);
	errno = e;
	return -1;
}

/* rename() that never replaces: EEXIST when the name is taken. */
static int
rename_new(int dir, const char *from, const char *to)
{
	if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* a file system that cannot: a hard link does not replace either */
	if (linkat(dir, from, dir, to, 0) != 0)
		return -1;
	unlinkat(dir, from, 0);
	return 0;
}

/*
 * A rename would put a regular file in the place of a link or a device
 * (/dev/null, /dev/stdout), which is never what was meant.
 */
static hl_rc
check_replaceable(const place *at, hl_err *err)
{
	const char *why = "it is not a regular file";
	struct stat st;

	if (fstatat(at->dir, at->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT && at->name[0] != '\0')
			return HL_OK;
		return fail_errno(err, "write", at->path, errno);
	}
	if (S_ISREG(st.st_mode))
		return HL_OK;
	if (S_ISLNK(st.st_mode))
		why = "it is a symbolic link";
	if (S_ISDIR(st.st_mode))
		why = "it is a directory";
	return fail_text(err, HL_EINPUT, "write", at->path,
	    "name the regular file itself, or a new one", why);
}

/* `replace` false: HL_EEXIST, and nothing changed, when the name is taken. */
static hl_rc
write_at(const place *at, const void *p, size_t n, mode_t mode, bool replace,
    hl_err *err)
{
	char temp[TEMP_NAME];
	int r, e;

	if (temp_write(at->dir, p, n, mode, temp) != 0)
		return fail_errno(err, "write", at->path, errno);
	r = replace ? renameat(at->dir, temp, at->dir, at->name)
		    : rename_new(at->dir, temp, at->name);
	if (r != 0) {
		e = errno;
		unlinkat(at->dir, temp, 0);
		if (e == EEXIST && !replace)
			return HL_EEXIST;
		return fail_errno(err, "write", at->path, e);
	}
	if (sync_dir(at->dir) != 0)
		return fail_errno(err, "write", at->path, errno);
	return HL_OK;
}

static hl_rc
write_file(const char *path, const void *p, size_t n, mode_t mode, bool replace,
    hl_err *err)
{
	place at;
	hl_rc rc;

	if (!place_open(&at, path))
		return fail_errno(err, "write", path, errno);
	rc = check_replaceable(&at, err);
	if (rc == HL_OK)
		rc = write_at(&at, p, n, mode, replace, err);
	place_close(&at);
	return rc;
}

hl_rc
hl_file_write(
    const char *path, const void *p, size_t n, mode_t mode, hl_err *err)
{
	return write_file(path, p, n, mode, true, err);
}

/* HL_OK: same bytes. HL_EEXIST: others. HL_ENOTFOUND: none. */
static hl_rc
compare(const char *path, const void *p, size_t n, hl_err *err)
{
	hl_buf old = HL_BUF_INIT;
	struct stat st;
	bool same;
	hl_rc rc;

	rc = hl_file_read(path, n, &old, err);
	same =
	    rc == HL_OK && old.n == n && (n == 0 || memcmp(old.p, p, n) == 0);
	hl_buf_free(&old);
	if (same || (rc != HL_OK && rc != HL_EINPUT))
		return rc;
	if (rc == HL_EINPUT && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return rc;
	return HL_EEXIST; /* other bytes, or more of them */
}

hl_rc
hl_file_put(const char *path, const void *p, size_t n, mode_t mode, bool force,
    hl_err *err)
{
	hl_err why = { 0 };
	hl_rc rc = HL_EEXIST;

	/* made by another process in between: look again what it is */
	for (int i = 0; i < TRIES; i++) {
		rc = compare(path, p, n, &why);
		if (rc == HL_OK)
			return HL_OK;
		if (force)
			return write_file(path, p, n, mode, true, err);
		if (rc != HL_ENOTFOUND)
			break;
		rc = write_file(path, p, n, mode, false, err);
		if (rc != HL_EEXIST)
			return rc;
	}
	if (rc == HL_EEXIST) {
		return fail_text(err, HL_EEXIST, "write", path,
		    "choose another name, or add --force to replace it",
		    "the file is there already, with other content");
	}
	if (err != NULL)
		*err = why;
	return rc;
}

/* One directory; its parent is synced so that the name survives a crash. */
static hl_rc
make_one(const char *path, hl_err *err)
{
	const char *verb = "make directory";
	struct stat st;

	if (stat(path, &st) != 0) {
		if (errno != ENOENT)
			return fail_errno(err, verb, path, errno);
		if (mkdir(path, 0700) == 0)
			return hl_dir_sync_parent(path, err);
		/* another process may have been faster */
		if (errno != EEXIST || stat(path, &st) != 0)
			return fail_errno(err, verb, path, errno);
	}
	if (S_ISDIR(st.st_mode))
		return HL_OK;
	return fail_text(err, HL_EINPUT, verb, path, "choose another name",
	    "it is there, and is not a directory");
}

hl_rc
hl_dir_make(const char *path, hl_err *err)
{
	char part[PATH_MAX];
	hl_rc rc = HL_OK;
	size_t n;

	if (!hl_text_copy(part, sizeof(part), path))
		return fail_errno(err, "make directory", path, ENAMETOOLONG);
	n = strlen(part);
	while (n > 1 && part[n - 1] == '/')
		part[--n] = '\0';
	for (size_t i = 1; i < n && rc == HL_OK; i++) {
		if (part[i] != '/' || part[i - 1] == '/')
			continue;
		part[i] = '\0';
		rc = make_one(part, err);
		part[i] = '/';
	}
	return rc == HL_OK ? make_one(part, err) : rc;
}

hl_rc
hl_dir_sync_parent(const char *path, hl_err *err)
{
	hl_rc rc = HL_OK;
	place at;

	if (!place_open(&at, path))
		return fail_errno(err, "sync the directory of", path, errno);
	if (sync_dir(at.dir) != 0)
		rc = fail_errno(err, "sync the directory of", path, errno);
	place_close(&at);
	return rc;
}

hl_rc
hl_file_remove(const char *path, hl_err *err)
{
	hl_rc rc = HL_OK;
	place at;

	if (!place_open(&at, path)) {
		if (errno == ENOENT)
			return HL_OK;
		return fail_errno(err, "remove", path, errno);
	}
	/* synced even if it was gone: who removed it may have died before */
	if ((unlinkat(at.dir, at.name, 0) != 0 && errno != ENOENT) ||
	    sync_dir(at.dir) != 0)
		rc = fail_errno(err, "remove", path, errno);
	place_close(&at);
	return rc;
}

hl_rc
hl_file_free_space(const char *path, uint64_t *bytes, hl_err *err)
{
	struct statvfs v;
	uint64_t sum;
	place at;
	int r;

	r = statvfs(path, &v);
	if (r != 0 && errno == ENOENT && place_open(&at, path)) {
		r = fstatvfs(at.dir, &v); /* the file is yet to be made */
		place_close(&at);
	}
	if (r != 0)
		return fail_errno(
		    err, "ask for the free space at", path, errno);
	if (__builtin_mul_overflow(
		(uint64_t)v.f_bavail, (uint64_t)v.f_frsize, &sum))
		sum = UINT64_MAX;
	*bytes = sum;
	return HL_OK;
}
