/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program whose work must not be lost with us: a keeper process stands
 * between it and us, and writes down how it ended whether we live or not.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/file.h"
#include "util/spawn_int.h"

#define END_MAX 64
/* What the keeper may take beyond the deadline: TERM, KILL, two files. */
#define KEEPER_MS 30000

typedef struct kept {
	const char *const *argv;
	const char *base;
	size_t max;
	hl_deadline until;
} kept;

/* What the keeper tells us: the program was not started, or it has ended. */
typedef struct report {
	hl_rc rc;
	hl_err err;
} report;

/* ---- the keeper ------------------------------------------------------------
 */

typedef struct log_file {
	int fd;
	size_t left;
} log_file;

static void
put_log(void *arg, const void *p, size_t n)
{
	log_file *l = arg;
	const char *at = p;
	ssize_t done;

	if (n > l->left)
		n = l->left;
	l->left -= n;
	while (n > 0) {
		done = write(l->fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* the end is what counts */
		at += done;
		n -= (size_t)done;
	}
}

static void
write_end(const kept *k, const hl_ended *end)
{
	char path[PATH_MAX], text[END_MAX];
	int n;

	if (end->late)
		n = snprintf(text, sizeof(text), "late\n");
	else if (end->exited)
		n = snprintf(text, sizeof(text), "exit %d\n", end->status);
	else
		n = snprintf(text, sizeof(text), "signal %d\n", end->signal);
	if (hl_path(path, sizeof(path), NULL, "%s.end", k->base) == HL_OK)
		(void)!hl_file_write(path, text, (size_t)n, 0600, NULL);
}

static hl_rc
open_log(const kept *k, int *fd, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc = hl_path(path, sizeof(path), err, "%s.log", k->base);

	if (rc != HL_OK)
		return rc;
	*fd = hl_fd_high(open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
	if (*fd >= 0)
		return HL_OK;
	rc = hl_fail(err, errno == ENOSPC ? HL_EFULL : HL_EIO, "",
	    "can files be made there?", "%s", strerror(errno));
	hl_err_what(err, "write \"%s\"", path);
	return rc;
}

/* Runs it to its end. Fails when it was not started. */
static hl_rc
keep(const kept *k, hl_err *err)
{
	hl_start how = { k->argv, -1, -1, -1, true, false };
	log_file log = { -1, k->max };
	int fd[2] = { -1, -1 };
	hl_ended end;
	hl_child c;
	hl_rc rc;

	if ((rc = open_log(k, &log.fd, err)) != HL_OK)
		return rc;
	how.in = hl_null_open(O_RDONLY);
	if (how.in < 0 || !hl_pipe(fd)) {
		rc = hl_spawn_fail(err, k->argv[0], errno);
	} else {
		how.out = how.err = fd[1];
		rc = hl_child_start(&c, &how, err);
	}
	hl_fd_close(&how.in);
	hl_fd_close(&fd[1]);
	if (rc == HL_OK) {
		hl_child_collect(&c, fd[0], put_log, &log, k->until, &end);
		write_end(k, &end);
	}
	hl_fd_close(&fd[0]);
	hl_fd_close(&log.fd);
	return rc;
}

/* Nobody's terminal, and not to be ended by what ends us. */
static void
leave_parent(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
		SIGPIPE };
	int null;

	(void)setsid();
	for (size_t i = 0; i < HL_COUNT(signals); i++)
		(void)signal(signals[i], SIG_IGN);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
}

static _Noreturn void
keeper_main(const kept *k, int link)
{
	report r = { HL_OK, { 0 } };

	leave_parent();
	r.rc = keep(k, &r.err);
	(void)!send(link, &r, sizeof(r), MSG_NOSIGNAL);
	_exit(0);
}

/* ---- us ---------------------------------------------------------------------
 */

/* False: the keeper died, or went on for longer than it can. */
static bool
hear(int link, hl_deadline until, report *r)
{
	struct pollfd p = { link, POLLIN, 0 };
	ssize_t n;

	do {
		n = poll(&p, 1, hl_deadline_left(until + KEEPER_MS));
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	do {
		n = recv(link, r, sizeof(*r), 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*r);
}

static void
reap(pid_t keeper)
{
	while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The keeper is there for as long as the program runs. */
static hl_rc
run_keeper(const kept *k, bool *heard, hl_err *err)
{
	int link[2];
	report r;
	pid_t pid;

	*heard = false;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) != 0)
		return hl_spawn_fail(err, k->argv[0], errno);
	(void)fflush(NULL);
	if ((pid = fork()) < 0) {
		const int e = errno;

		(void)close(link[0]);
		(void)close(link[1]);
		return hl_spawn_fail(err, k->argv[0], e);
	}
	if (pid == 0) {
		(void)close(link[0]);
		keeper_main(k, link[1]);
	}
	(void)close(link[1]);
	*heard = hear(link[0], k->until, &r);
	(void)close(link[0]);
	if (!*heard)
		return HL_OK; /* it may be at work still: left alone */
	reap(pid);
	if (r.rc != HL_OK && err != NULL)
		*err = r.err;
	return r.rc;
}

hl_rc
hl_spawn_kept(const char *const *argv, const char *base, size_t max,
    hl_buf *out, hl_ended *end, hl_deadline until, hl_err *err)
{
	const kept k = { argv, base, max, until };
	hl_chld was;
	bool heard;
	hl_rc rc;

	if (hl_deadline_left(until) == 0)
		return hl_spawn_too_late(err, argv[0]);
	*end = (hl_ended){ .exited = false };
	hl_chld_hold(&was);
	rc = run_keeper(&k, &heard, err);
	hl_chld_release(&was);
	/* That its end was not written down says that nobody knows it. */
	if (rc == HL_OK)
		(void)!hl_spawn_kept_end(base, max, out, end, NULL);
	return rc;
}

/* ---- what it left ----------------------------------------------------------
 */

static bool
parse_end(const char *text, hl_ended *end)
{
	char extra;
	int n;

	*end = (hl_ended){ .exited = false };
	if (strcmp(text, "late\n") == 0) {
		end->late = true;
		return true;
	}
	if (sscanf(text, "exit %d%c", &n, &extra) == 2 && extra == '\n') {
		end->exited = true;
		end->status = n;
		return true;
	}
	end->signal =
	    sscanf(text, "signal %d%c", &n, &extra) == 2 && extra == '\n' ? n
									  : 0;
	return end->signal != 0;
}

static void
read_log(const char *base, size_t max, hl_buf *out)
{
	char path[PATH_MAX];

	if (hl_path(path, sizeof(path), NULL, "%s.log", base) == HL_OK)
		(void)!hl_file_read(path, max, out, NULL);
}

hl_rc
hl_spawn_kept_end(
    const char *base, size_t max, hl_buf *out, hl_ended *end, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	char path[PATH_MAX];
	hl_rc rc;

	read_log(base, max, out);
	if ((rc = hl_path(path, sizeof(path), err, "%s.end", base)) != HL_OK)
		return rc;
	rc = hl_file_read(path, END_MAX, &text, err);
	if (rc == HL_OK && !parse_end(hl_buf_str(&text), end))
		rc = hl_fail(err, HL_ENOTFOUND, "see how the program ended", "",
		    "what is in %s is not what was written there", path);
	hl_buf_free(&text);
	return rc;
}
