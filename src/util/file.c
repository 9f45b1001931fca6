/* SPDX-License-Identifier: Apache-2.0 */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/file_int.h"
#include "util/text.h"

hl_rc
hl_file_fail(hl_err *err, hl_rc rc, const char *verb, const char *path,
    const char *hint, const char *why)
{
	hl_fail(err, rc, "", hint, "%s", why);
	hl_err_what(err, "%s \"%s\"", verb, path);
	return rc;
}

hl_rc
hl_file_fail_errno(hl_err *err, const char *verb, const char *path, int e)
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
	return hl_file_fail(err, rc, verb, path, hint, strerror(e));
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

int
hl_fd_sync(int fd)
{
	int r;

	do {
		r = fsync(fd);
	} while (r != 0 && errno == EINTR);
	return r;
}

int
hl_dir_sync(int fd)
{
	if (hl_fd_sync(fd) == 0)
		return 0;
	/* fsync(2): this file system has no such thing for directories */
	return errno == EINVAL ? 0 : -1;
}

bool
hl_place_open(hl_place *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	size_t n;

	*p = (hl_place){ path, slash == NULL ? path : slash + 1, -1 };
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

void
hl_place_close(hl_place *p)
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

/* A secret is for its owner alone: ssh(1) is as strict. An access list shows in
 * the bits of the group. */
static hl_rc
check_private(const char *path, const struct stat *st, hl_err *err)
{
	hl_rc rc;

	if ((st->st_mode & 077) == 0)
		return HL_OK;
	rc = hl_fail(err, HL_EACCESS, "", "",
	    "its mode is %03o: others than its owner have access to the secret",
	    (unsigned)st->st_mode & 0777);
	hl_err_what(err, "read \"%s\"", path);
	hl_err_hint(err, "chmod 600 \"%s\"; who could read it knows it", path);
	return rc;
}

static hl_rc
read_checked(
    const char *path, int fd, size_t max, bool secret, hl_buf *out, hl_err *err)
{
	struct stat st;
	bool too_long;
	hl_rc rc;

	if (fstat(fd, &st) != 0)
		return hl_file_fail_errno(err, "read", path, errno);
	if (!S_ISREG(st.st_mode)) {
		return hl_file_fail(err, HL_EINPUT, "read", path,
		    "name a regular file",
		    S_ISDIR(st.st_mode) ? "it is a directory"
					: "it is not a regular file");
	}
	if (secret && (rc = check_private(path, &st, err)) != HL_OK)
		return rc;
	if (read_all(fd, max, out, &too_long) != 0)
		return hl_file_fail_errno(err, "read", path, errno);
	if (too_long) {
		rc = hl_fail(err, HL_EINPUT, "", "is it the right file?",
		    "it is longer than %zu bytes", max);
		hl_err_what(err, "read \"%s\"", path);
		return rc;
	}
	return out->failed ? hl_nomem(err) : HL_OK;
}

static hl_rc
read_file(const char *path, size_t max, bool secret, hl_buf *out, hl_err *err)
{
	const size_t before = out->n;
	hl_rc rc;
	int fd;

	/* O_NONBLOCK: opening a FIFO must not wait for its writer */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		const int e = errno;

		hl_file_fail_errno(err, "read", path, e);
		rc = e == ENOENT || e == ENOTDIR ? HL_ENOTFOUND
		    : e == EACCES || e == EPERM	 ? HL_EINPUT
						 : HL_EIO;
		if (err != NULL)
			err->rc = rc;
		return rc;
	}
	rc = read_checked(path, fd, max, secret, out, err);
	close(fd);
	if (rc != HL_OK && out->n > before) {
		explicit_bzero(out->p + before, out->n - before);
		out->n = before;
	}
	return rc;
}

hl_rc
hl_file_read(const char *path, size_t max, hl_buf *out, hl_err *err)
{
	return read_file(path, max, false, out, err);
}

hl_rc
hl_file_read_secret(const char *path, size_t max, hl_buf *out, hl_err *err)
{
	return read_file(path, max, true, out, err);
}

/* One directory; its parent is synced so that the name survives a crash. */
static hl_rc
make_one(const char *path, hl_err *err)
{
	const char *verb = "make directory";
	struct stat st;

	if (stat(path, &st) != 0) {
		if (errno != ENOENT)
			return hl_file_fail_errno(err, verb, path, errno);
		if (mkdir(path, 0700) == 0)
			return hl_dir_sync_parent(path, err);
		/* another process may have been faster */
		if (errno != EEXIST || stat(path, &st) != 0)
			return hl_file_fail_errno(err, verb, path, errno);
	}
	if (S_ISDIR(st.st_mode))
		return HL_OK;
	return hl_file_fail(err, HL_EINPUT, verb, path, "choose another name",
	    "it is there, and is not a directory");
}

hl_rc
hl_dir_make(const char *path, hl_err *err)
{
	char part[PATH_MAX];
	hl_rc rc = HL_OK;
	size_t n;

	if (!hl_text_copy(part, sizeof(part), path))
		return hl_file_fail_errno(
		    err, "make directory", path, ENAMETOOLONG);
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
	hl_place at;

	if (!hl_place_open(&at, path))
		return hl_file_fail_errno(
		    err, "sync the directory of", path, errno);
	if (hl_dir_sync(at.dir) != 0)
		rc = hl_file_fail_errno(
		    err, "sync the directory of", path, errno);
	hl_place_close(&at);
	return rc;
}

/* fsync() takes a descriptor, and that takes the right to read. */
static int
sync_at(const hl_place *at)
{
	int r, e, fd;

	do {
		fd = openat(at->dir, at->name,
		    O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return errno == EACCES || errno == EPERM ? syncfs(at->dir) : -1;
	r = hl_fd_sync(fd);
	e = errno;
	close(fd);
	errno = e;
	return r == 0 ? hl_dir_sync(at->dir) : r;
}

hl_rc
hl_file_sync(const char *path, hl_err *err)
{
	hl_rc rc = HL_OK;
	hl_place at;

	if (!hl_place_open(&at, path))
		return hl_file_fail_errno(err, "sync", path, errno);
	if (sync_at(&at) != 0)
		rc = hl_file_fail_errno(err, "sync", path, errno);
	hl_place_close(&at);
	return rc;
}

hl_rc
hl_file_remove(const char *path, hl_err *err)
{
	hl_rc rc = HL_OK;
	hl_place at;

	if (!hl_place_open(&at, path)) {
		if (errno == ENOENT)
			return HL_OK;
		return hl_file_fail_errno(err, "remove", path, errno);
	}
	/* synced even if it was gone: who removed it may have died before */
	if ((unlinkat(at.dir, at.name, 0) != 0 && errno != ENOENT) ||
	    hl_dir_sync(at.dir) != 0)
		rc = hl_file_fail_errno(err, "remove", path, errno);
	hl_place_close(&at);
	return rc;
}

hl_rc
hl_path_absolute(const char *path, char *out, size_t size, hl_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	char dir[PATH_MAX] = ".", real[PATH_MAX];
	hl_rc rc;

	if (slash != NULL &&
	    (rc = hl_path(dir, sizeof(dir), err, "%.*s",
		 (int)(slash - path + 1), path)) != HL_OK)
		return rc;
	if (realpath(dir, real) == NULL) {
		(void)hl_file_fail_errno(err, "find", dir, errno);
		return HL_ENOTFOUND;
	}
	return hl_path(
	    out, size, err, "%s/%s", strcmp(real, "/") == 0 ? "" : real, base);
}

hl_rc
hl_file_free_space(const char *path, uint64_t *bytes, hl_err *err)
{
	struct statvfs v;
	uint64_t sum;
	hl_place at;
	int r;

	r = statvfs(path, &v);
	if (r != 0 && errno == ENOENT && hl_place_open(&at, path)) {
		r = fstatvfs(at.dir, &v); /* the file is yet to be made */
		hl_place_close(&at);
	}
	if (r != 0)
		return hl_file_fail_errno(
		    err, "ask for the free space at", path, errno);
	if (__builtin_mul_overflow(
		(uint64_t)v.f_bavail, (uint64_t)v.f_frsize, &sum))
		sum = UINT64_MAX;
	*bytes = sum;
	return HL_OK;
}

hl_rc
hl_dir_temporary(char *out, size_t size, hl_err *err)
{
	const char *tmp = getenv("TMPDIR");
	hl_rc rc;

	rc = hl_path(out, size, err, "%s/hsmlic-XXXXXX",
	    tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (rc == HL_OK && mkdtemp(out) == NULL)
		rc = hl_file_fail(err, HL_EIO, "make the temporary folder", out,
		    "set TMPDIR to a folder that can be written",
		    strerror(errno));
	if (rc != HL_OK)
		out[0] = '\0';
	return rc;
}

bool
hl_file_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}
