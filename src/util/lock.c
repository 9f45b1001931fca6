/* SPDX-License-Identifier: Apache-2.0 */
#include "util/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLEEP_MAX_MS 20
/*
 * Attempts that somebody's removal or glance may cost whatever the deadline,
 * the first of them without a sleep: a looker may have lost the processor.
 */
#define AGAIN_MAX 500
#define AGAIN_QUICK 10

#define OPEN_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK)

struct hl_lock {
	int fd;
	pid_t owner; /* a forked child shares the lock but must not free it */
	char path[]; /* as given */
};

typedef enum verdict {
	V_TAKEN,
	V_HELD,	 /* by another open file */
	V_AGAIN, /* nobody holds it, but it was not to be had just now */
	V_ERROR	 /* errno */
} verdict;

static int
flock_now(int fd, int how)
{
	int r;

	do {
		r = flock(fd, how | LOCK_NB);
	} while (r != 0 && errno == EINTR);
	return r;
}

/* Whether `path` still names the file that is open as `fd`. */
static bool
names_it(const char *path, int fd)
{
	struct stat there, here;

	return fstat(fd, &here) == 0 && lstat(path, &there) == 0 &&
	    here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

static verdict
judge(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return V_ERROR;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return V_ERROR;
	}
	if (flock_now(fd, LOCK_EX) == 0)
		return names_it(path, fd) ? V_TAKEN : V_AGAIN;
	if (errno != EWOULDBLOCK)
		return V_ERROR;
	/* hl_lock_held() looks with a shared lock: that is no holder */
	return flock_now(fd, LOCK_SH) == 0 ? V_AGAIN : V_HELD;
}

/* One attempt; *fd is open only when the lock was taken. */
static verdict
attempt(const char *path, int *fd)
{
	verdict v;
	int e;

	*fd = open(path, O_RDWR | O_CREAT | OPEN_FLAGS, 0600);
	if (*fd < 0)
		return errno == EINTR ? V_AGAIN : V_ERROR;
	v = judge(path, *fd);
	if (v != V_TAKEN) {
		e = errno;
		close(*fd);
		*fd = -1;
		errno = e;
	}
	return v;
}

static hl_rc
fail(hl_err *err, const char *path, verdict v, int e)
{
	hl_rc rc = HL_EBUSY;

	if (v == V_ERROR) {
		rc = e == ENOSPC || e == EDQUOT ? HL_EFULL : HL_EIO;
		hl_fail(err, rc, "",
		    "the lock needs a regular file that this user may write",
		    "%s", strerror(e));
	} else {
		hl_fail(err, rc, "",
		    "let the other process finish, or wait longer",
		    "another process holds it");
	}
	hl_err_what(err, "lock \"%s\"", path);
	return rc;
}

/* Sleeps a little longer each time, but never beyond the deadline. */
static uint32_t
pause_ms(uint32_t ms, int left)
{
	const uint32_t most = (uint32_t)left;

	hl_sleep_ms(ms < most ? ms : most);
	return ms * 2 > SLEEP_MAX_MS ? SLEEP_MAX_MS : ms * 2;
}

static verdict
wait_for(const char *path, hl_deadline until, int *fd)
{
	uint32_t ms = 1;
	int again = 0, left;
	verdict v;

	for (;;) {
		v = attempt(path, fd);
		if (v == V_TAKEN || v == V_ERROR)
			return v;
		if (v == V_AGAIN && again++ < AGAIN_MAX) {
			if (again > AGAIN_QUICK)
				hl_sleep_ms(1);
			continue;
		}
		if ((left = hl_deadline_left(until)) == 0)
			return v;
		ms = pause_ms(ms, left);
	}
}

hl_rc
hl_lock_take(hl_lock **out, const char *path, hl_deadline until, hl_err *err)
{
	const size_t n = strlen(path) + 1;
	hl_lock *l;
	verdict v;

	*out = NULL;
	if ((l = malloc(sizeof(*l) + n)) == NULL)
		return hl_nomem(err);
	memcpy(l->path, path, n);
	l->owner = getpid();
	v = wait_for(path, until, &l->fd);
	if (v != V_TAKEN) {
		const int e = errno;

		free(l);
		return fail(err, path, v, e);
	}
	*out = l;
	return HL_OK;
}

void
hl_lock_free(hl_lock **lock, bool remove)
{
	hl_lock *l = *lock;

	if (l == NULL)
		return;
	if (l->owner == getpid()) {
		if (remove && names_it(l->path, l->fd))
			unlink(l->path);
		/* close() alone would leave it to a child that has a copy */
		flock_now(l->fd, LOCK_UN);
	}
	close(l->fd);
	free(l);
	*lock = NULL;
}

bool
hl_lock_held(const char *path)
{
	bool held;
	int fd;

	fd = open(path, O_RDONLY | OPEN_FLAGS);
	if (fd < 0)
		return errno != ENOENT;
	held = flock_now(fd, LOCK_SH) != 0;
	close(fd);
	return held;
}
