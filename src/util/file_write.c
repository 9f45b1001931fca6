/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/file_int.h"
#include "util/hex.h"

#define TEMP_NAME 32
#define TRIES 100

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
	if (write_all(fd, p, n) != 0 || hl_fd_sync(fd) != 0)
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
check_replaceable(const hl_place *at, hl_err *err)
{
	const char *why = "it is not a regular file";
	struct stat st;

	if (fstatat(at->dir, at->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT && at->name[0] != '\0')
			return HL_OK;
		return hl_file_fail_errno(err, "write", at->path, errno);
	}
	if (S_ISREG(st.st_mode))
		return HL_OK;
	if (S_ISLNK(st.st_mode))
		why = "it is a symbolic link";
	if (S_ISDIR(st.st_mode))
		why = "it is a directory";
	return hl_file_fail(err, HL_EINPUT, "write", at->path,
	    "name the regular file itself, or a new one", why);
}

/* `replace` false: HL_EEXIST, and nothing changed, when the name is taken. */
static hl_rc
write_at(const hl_place *at, const void *p, size_t n, mode_t mode, bool replace,
    hl_err *err)
{
	char temp[TEMP_NAME];
	int r, e;

	if (temp_write(at->dir, p, n, mode, temp) != 0)
		return hl_file_fail_errno(err, "write", at->path, errno);
	r = replace ? renameat(at->dir, temp, at->dir, at->name)
		    : rename_new(at->dir, temp, at->name);
	if (r != 0) {
		e = errno;
		unlinkat(at->dir, temp, 0);
		if (e == EEXIST && !replace)
			return HL_EEXIST;
		return hl_file_fail_errno(err, "write", at->path, e);
	}
	if (hl_dir_sync(at->dir) != 0)
		return hl_file_fail_errno(err, "write", at->path, errno);
	return HL_OK;
}

static hl_rc
write_file(const char *path, const void *p, size_t n, mode_t mode, bool replace,
    hl_err *err)
{
	hl_place at;
	hl_rc rc;

	if (!hl_place_open(&at, path))
		return hl_file_fail_errno(err, "write", path, errno);
	rc = check_replaceable(&at, err);
	if (rc == HL_OK)
		rc = write_at(&at, p, n, mode, replace, err);
	hl_place_close(&at);
	return rc;
}

hl_rc
hl_file_write(
    const char *path, const void *p, size_t n, mode_t mode, hl_err *err)
{
	return write_file(path, p, n, mode, true, err);
}

static hl_rc
taken(const char *path, hl_err *err)
{
	return hl_file_fail(err, HL_EEXIST, "write", path,
	    "choose another name", "the file is there already");
}

hl_rc
hl_file_create(
    const char *path, const void *p, size_t n, mode_t mode, hl_err *err)
{
	const hl_rc rc = write_file(path, p, n, mode, false, err);

	return rc == HL_EEXIST ? taken(path, err) : rc;
}

/* Fills, syncs and closes the temporary file. */
static hl_rc
fill_temp(const char *path, int fd,
    hl_rc (*fill)(void *arg, int fd, hl_err *err), void *arg, hl_err *err)
{
	hl_rc rc = fill(arg, fd, err);

	if (rc == HL_OK && hl_fd_sync(fd) != 0)
		rc = hl_file_fail_errno(err, "write", path, errno);
	if (close(fd) != 0 && errno != EINTR && rc == HL_OK)
		rc = hl_file_fail_errno(err, "write", path, errno);
	return rc;
}

static hl_rc
create_at(const hl_place *at, mode_t mode,
    hl_rc (*fill)(void *arg, int fd, hl_err *err), void *arg, hl_err *err)
{
	char temp[TEMP_NAME];
	struct stat st;
	hl_rc rc;
	int fd;

	if (fstatat(at->dir, at->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return taken(at->path, err); /* before all the work */
	if ((fd = temp_make(at->dir, mode, temp)) < 0)
		return hl_file_fail_errno(err, "write", at->path, errno);
	rc = fill_temp(at->path, fd, fill, arg, err);
	if (rc == HL_OK && rename_new(at->dir, temp, at->name) != 0)
		rc = errno == EEXIST
		    ? taken(at->path, err)
		    : hl_file_fail_errno(err, "write", at->path, errno);
	if (rc != HL_OK)
		unlinkat(at->dir, temp, 0);
	else if (hl_dir_sync(at->dir) != 0)
		rc = hl_file_fail_errno(err, "write", at->path, errno);
	return rc;
}

hl_rc
hl_file_create_by(const char *path, mode_t mode,
    hl_rc (*fill)(void *arg, int fd, hl_err *err), void *arg, hl_err *err)
{
	hl_place at;
	hl_rc rc;

	if (!hl_place_open(&at, path))
		return hl_file_fail_errno(err, "write", path, errno);
	rc = create_at(&at, mode, fill, arg, err);
	hl_place_close(&at);
	return rc;
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
		return hl_file_fail(err, HL_EEXIST, "write", path,
		    "choose another name, or add --force to replace it",
		    "the file is there already, with other content");
	}
	if (err != NULL)
		*err = why;
	return rc;
}

hl_rc
hl_file_can_write(const char *path, hl_err *err)
{
	struct stat st;
	hl_rc rc = HL_OK;
	hl_place at;

	if (!hl_place_open(&at, path))
		return hl_file_fail_errno(err, "write", path, errno);
	if (at.name[0] == '\0')
		rc = hl_file_fail(err, HL_EINPUT, "write", path, "name a file",
		    "it names no file");
	else if (fstatat(at.dir, at.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode))
		rc = hl_file_fail(err, HL_EINPUT, "write", path,
		    "name another file", "what is there is no regular file");
	else if (faccessat(at.dir, ".", W_OK, AT_EACCESS) != 0)
		rc = hl_file_fail_errno(err, "write", path, errno);
	hl_place_close(&at);
	return rc;
}
