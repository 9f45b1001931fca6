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

#define END_MAX 64 /* of BASE.end; what is longer was not written here */
#define STATUS_MAX 255
#define CHUNK 16384
/* What the keeper may take beyond the deadline: TERM, KILL, two files. */
#define KEEPER_MS 30000

typedef struct kept {
	const char *const *argv;
	const char *base;
	const char *result; /* NULL: it writes no file that counts */
	size_t max;
	hl_deadline until;
} kept;

/* What the keeper tells us: the program was not started, or it has ended. */
typedef struct report {
	hl_rc rc;
	hl_ended end;
	hl_err err;
} report;

/* The whole content of BASE.end. */
static void
end_text(const hl_ended *end, char text[END_MAX])
{
	if (end->late)
		snprintf(text, END_MAX, "late\n");
	else if (end->exited)
		snprintf(text, END_MAX, "exit %d\n", end->status);
	else
		snprintf(text, END_MAX, "signal %d\n", end->signal);
}

/* ---- the keeper --------------------------------------------------------- */

typedef struct log_file {
	int fd;
	size_t left;
	bool torn; /* not all that was to be kept could be written */
} log_file;

static void
put_log(void *arg, const void *p, size_t n)
{
	log_file *l = arg;
	const char *at = p;
	ssize_t done;

	if (n > l->left) {
		n = l->left;
		l->torn = true;
	}
	l->left -= n;
	while (n > 0) {
		done = write(l->fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			l->torn = true;
			return;
		}
		at += done;
		n -= (size_t)done;
	}
}

static void
write_end(const kept *k, const hl_ended *end)
{
	char path[PATH_MAX], text[END_MAX];

	end_text(end, text);
	if (hl_path(path, sizeof(path), NULL, "%s.end", k->base) == HL_OK)
		(void)!hl_file_write(path, text, strlen(text), 0600, NULL);
}

/*
 * Who finds an end must find all that came before it: after a power cut, an
 * "exit 0" would vouch for a result that is empty or torn. So it would for a
 * program whose words of failure had no place on a full disk, or behind what
 * is kept.
 */
static bool
is_durable(const kept *k)
{
	return k->result == NULL || hl_file_sync(k->result, NULL) == HL_OK;
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
keep(const kept *k, hl_ended *end, hl_err *err)
{
	hl_start how = { k->argv, -1, -1, -1, true, false };
	log_file log = { -1, k->max, false };
	int fd[2] = { -1, -1 };
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
		hl_child_collect(&c, fd[0], put_log, &log, k->until, end);
		(void)fsync(log.fd);
		if (!log.torn && is_durable(k))
			write_end(k, end);
		else
			*end = (hl_ended){ .exited = false };
	}
	hl_fd_close(&fd[0]);
	hl_fd_close(&log.fd);
	return rc;
}

/* Nobody's terminal, and nobody waits for the end of its output. */
static void
leave_parent(void)
{
	int null;

	(void)setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
}

static _Noreturn void
keeper_main(const kept *k, int link)
{
	report r = { .rc = HL_OK };

	leave_parent();
	r.rc = keep(k, &r.end, &r.err);
	(void)!send(link, &r, sizeof(r), MSG_NOSIGNAL);
	_exit(0);
}

/* ---- its log ------------------------------------------------------------ */

/* What is there of it; the first `max` bytes when somebody allowed more. */
static void
read_log(const char *base, size_t max, hl_buf *out)
{
	uint8_t chunk[CHUNK];
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	if (hl_path(path, sizeof(path), NULL, "%s.log", base) != HL_OK ||
	    (fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) <
		0)
		return;
	while (max > 0 && !out->failed) {
		n = read(fd, chunk, max < CHUNK ? max : CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		hl_buf_put(out, chunk, (size_t)n);
		max -= (size_t)n;
	}
	(void)close(fd);
}

/* ---- us ----------------------------------------------------------------- */

typedef enum heard {
	H_REPORT, /* its last words */
	H_DIED,	  /* it was killed */
	H_NOTHING /* it goes on for longer than it should */
} heard;

static heard
hear(int link, hl_deadline until, report *r)
{
	struct pollfd p = { link, POLLIN, 0 };
	ssize_t n;

	do {
		n = poll(&p, 1, hl_deadline_left(until + KEEPER_MS));
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return H_NOTHING;
	do {
		n = recv(link, r, sizeof(*r), 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*r) ? H_REPORT : H_DIED;
}

/* One that was not heard is left at work. */
static void
reap(pid_t keeper, heard h)
{
	const int how = h == H_NOTHING ? WNOHANG : 0;

	while (waitpid(keeper, NULL, how) < 0 && errno == EINTR)
		;
}

/* The keeper is there for as long as the program runs. */
static hl_rc
run_keeper(const kept *k, heard *h, hl_ended *end, hl_err *err)
{
	int link[2];
	report r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) != 0)
		return hl_spawn_fail(err, k->argv[0], errno);
	if ((pid = hl_fork_held()) < 0) {
		const int e = errno;

		(void)close(link[0]);
		(void)close(link[1]);
		return hl_spawn_fail(err, k->argv[0], e);
	}
	if (pid == 0) {
		(void)close(link[0]);
		keeper_main(k, hl_fd_high(link[1]));
	}
	(void)close(link[1]);
	*h = hear(link[0], k->until, &r);
	(void)close(link[0]);
	reap(pid, *h);
	if (*h != H_REPORT)
		return HL_OK;
	if (r.rc == HL_OK)
		*end = r.end;
	else if (err != NULL)
		*err = r.err;
	return r.rc;
}

/* What an earlier program left must not be taken for this one's. */
static hl_rc
remove_end(const char *base, hl_err *err)
{
	char path[PATH_MAX];
	const hl_rc rc = hl_path(path, sizeof(path), err, "%s.end", base);

	return rc == HL_OK ? hl_file_remove(path, err) : rc;
}

hl_rc
hl_spawn_kept(const char *const *argv, const char *base, const char *result,
    size_t max, hl_buf *out, hl_ended *end, hl_deadline until, hl_err *err)
{
	const kept k = { argv, base, result, max, until };
	heard h = H_NOTHING;
	hl_chld was;
	hl_rc rc;

	if (hl_deadline_left(until) == 0)
		return hl_spawn_too_late(err, argv[0]);
	if ((rc = remove_end(base, err)) != HL_OK)
		return rc;
	hl_chld_hold(&was);
	rc = run_keeper(&k, &h, end, err);
	hl_chld_release(&was);
	if (rc != HL_OK)
		return rc;
	/* the keeper is not there to ask, but may have written it down */
	if (h == H_REPORT)
		read_log(base, max, out);
	else
		(void)!hl_spawn_kept_end(base, max, out, end, NULL);
	return HL_OK;
}

/* ---- what it left ------------------------------------------------------- */

/* Is that the text of this end, and nothing else? */
static bool
is_text_of(const hl_buf *text, const hl_ended *end)
{
	char whole[END_MAX];

	end_text(end, whole);
	return text->n == strlen(whole) && memcmp(text->p, whole, text->n) == 0;
}

static bool
parse_end(const hl_buf *text, hl_ended *end)
{
	for (int n = 0; n <= STATUS_MAX; n++) {
		const hl_ended e[] = { { .late = true },
			{ .exited = true, .status = n }, { .signal = n } };
		const size_t kinds = n > 0 && n < NSIG ? 3 : 2;

		for (size_t i = 0; i < kinds; i++) {
			if (!is_text_of(text, &e[i]))
				continue;
			*end = e[i];
			return true;
		}
	}
	return false;
}

hl_rc
hl_spawn_kept_end(
    const char *base, size_t max, hl_buf *out, hl_ended *end, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	char path[PATH_MAX];
	hl_rc rc;

	*end = (hl_ended){ .exited = false };
	read_log(base, max, out);
	if ((rc = hl_path(path, sizeof(path), err, "%s.end", base)) != HL_OK)
		return rc;
	rc = hl_file_read(path, END_MAX, &text, err);
	if (rc == HL_OK && !parse_end(&text, end))
		rc = hl_fail(err, HL_ENOTFOUND, "see how the program ended", "",
		    "what is in %s is not what was written there", path);
	hl_buf_free(&text);
	return rc;
}
