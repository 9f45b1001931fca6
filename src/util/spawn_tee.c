/* SPDX-License-Identifier: Apache-2.0 */
/* A program run for the user, who sees it as if we were not there. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "util/spawn_int.h"

#define CHUNK 16384
/* Our streams may block, and are not ours alone to change: one that is ready
 * takes as much as this without a wait. */
#define WRITE_MAX ((size_t)PIPE_BUF)

/* One of its streams on its way to ours. */
typedef struct stream {
	int from; /* -1: ended */
	int to;	  /* our own */
	bool tty;
	hl_buf todo; /* read, and from `done` on not written yet */
	size_t done;
} stream;

/* What is waited for. */
typedef enum phase {
	P_RUNS,	  /* the program, until the deadline */
	P_TERMED, /* that it ends when asked to */
	P_KILLED, /* that it ends, without a limit */
	P_ENDED,  /* those who still have its streams */
	P_WRITES  /* that what was read is taken from us */
} phase;

typedef struct passing {
	hl_child child;
	stream s[2];
	int signals; /* signalfd */
	hl_buf *copy;
	size_t before; /* bytes in *copy that are none of ours */
	size_t max;
	phase phase;
	hl_deadline until; /* of the phase; 0: none */
	bool hurry; /* somebody wants an end, whoever does not read yet */
	bool late;
} passing;

/* ---- its streams -------------------------------------------------------- */

/*
 * A terminal of its own that passes every byte on as it is: the user's terminal
 * does to it what it does.
 */
static bool
open_terminal(int ours, int fd[2])
{
	struct winsize size;
	struct termios t;
	char name[64];

	fd[1] = -1;
	fd[0] = hl_fd_high(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
	if (fd[0] < 0 || grantpt(fd[0]) != 0 || unlockpt(fd[0]) != 0 ||
	    ptsname_r(fd[0], name, sizeof(name)) != 0)
		return false;
	fd[1] = hl_fd_high(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
	if (fd[1] < 0 || tcgetattr(ours, &t) != 0)
		return false;
	t.c_oflag &= ~(tcflag_t)OPOST;
	t.c_lflag &= ~(tcflag_t)ECHO;
	if (ioctl(ours, TIOCGWINSZ, &size) == 0)
		(void)ioctl(fd[0], TIOCSWINSZ, &size);
	return tcsetattr(fd[1], TCSANOW, &t) == 0 &&
	    fcntl(fd[0], F_SETFL, O_NONBLOCK) == 0;
}

/* *its: the program's end of it. */
static bool
open_stream(stream *s, int ours, int *its)
{
	int fd[2] = { -1, -1 };

	s->to = ours; /* closed: what is written there is lost */
	s->tty = isatty(ours) == 1 && open_terminal(ours, fd);
	if (!s->tty) { /* or where terminals are not to be had */
		hl_fd_close(&fd[0]);
		hl_fd_close(&fd[1]);
		if (!hl_pipe(fd))
			return false;
	}
	s->from = fd[0];
	*its = fd[1];
	return true;
}

/* Both go to the same place: then in one stream, which keeps their order. */
static bool
same_stream(void)
{
	struct stat out, err;

	return fstat(STDOUT_FILENO, &out) == 0 &&
	    fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev &&
	    out.st_ino == err.st_ino;
}

static hl_rc
start(passing *t, const char *const *argv, hl_err *err)
{
	hl_start how = { argv, -1, -1, -1, false, true };
	const bool one = same_stream();
	hl_rc rc;

	if (!open_stream(&t->s[0], STDOUT_FILENO, &how.out) ||
	    (!one && !open_stream(&t->s[1], STDERR_FILENO, &how.err))) {
		rc = hl_spawn_fail(err, argv[0], errno);
	} else {
		if (one)
			how.err = how.out;
		rc = hl_child_start(&t->child, &how, err);
	}
	if (how.err != how.out)
		hl_fd_close(&how.err);
	hl_fd_close(&how.out);
	return rc;
}

/* ---- passing on --------------------------------------------------------- */

static void
keep_last(passing *t, size_t max)
{
	hl_buf *b = t->copy;
	const size_t n = b->n - t->before;
	uint8_t *first;

	if (b->failed || n <= max)
		return;
	first = b->p + t->before;
	memmove(first, first + (n - t->max), t->max);
	b->n = t->before + t->max;
}

/* False: there is nothing (more) to read now. */
static bool
take_in(passing *t, stream *s)
{
	uint8_t chunk[CHUNK];
	const ssize_t n = read(s->from, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) { /* EIO: the last one has closed the terminal */
		hl_fd_close(&s->from);
		return false;
	}
	hl_buf_put(t->copy, chunk, (size_t)n);
	keep_last(t, 2 * t->max); /* not to move them each time */
	hl_buf_put(&s->todo, chunk, (size_t)n);
	return true;
}

static bool
is_waiting(const stream *s)
{
	return s->done < s->todo.n;
}

static void
forget(stream *s)
{
	hl_buf_reset(&s->todo);
	s->done = 0;
}

static void
hand_on(stream *s)
{
	const size_t left = s->todo.n - s->done;
	const ssize_t n = write(
	    s->to, s->todo.p + s->done, left < WRITE_MAX ? left : WRITE_MAX);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n >= 0) {
		s->done += (size_t)n;
		if (!is_waiting(s))
			forget(s);
		return;
	}
	/* Nobody reads it: the program is to notice, too. It must not end for
	 * anything else that our stream has, such as a full disk. */
	if (errno == EPIPE || errno == ECONNRESET || (errno == EIO && s->tty))
		hl_fd_close(&s->from);
	forget(s);
}

/* What is in the streams now, but nothing of one who goes on filling them. */
static void
take_rest(passing *t)
{
	for (size_t i = 0; i < 2; i++) {
		stream *s = &t->s[i];

		for (size_t n = 0; s->from >= 0 && n < HL_DRAIN_MAX; n += CHUNK)
			if (!take_in(t, s))
				break;
		hl_fd_close(&s->from);
	}
}

/* ---- signals ------------------------------------------------------------ */

static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };

typedef struct held {
	hl_chld chld;
	struct sigaction pipe;
	sigset_t mask;
} held;

static bool
watch_signals(passing *t, held *was)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	hl_chld_hold(&was->chld);
	(void)sigaction(SIGPIPE, &ignore, &was->pipe);
	(void)sigemptyset(&set);
	for (size_t i = 0; i < HL_COUNT(watched); i++)
		(void)sigaddset(&set, watched[i]);
	(void)pthread_sigmask(SIG_BLOCK, &set, &was->mask);
	t->signals = hl_fd_high(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
	return t->signals >= 0;
}

static void
release_signals(passing *t, const held *was)
{
	hl_fd_close(&t->signals);
	(void)pthread_sigmask(SIG_SETMASK, &was->mask, NULL);
	(void)sigaction(SIGPIPE, &was->pipe, NULL);
	hl_chld_release(&was->chld);
}

static void
resize(const passing *t)
{
	struct winsize size;

	for (size_t i = 0; i < 2; i++)
		if (t->s[i].tty && t->s[i].from >= 0 &&
		    ioctl(t->s[i].to, TIOCGWINSZ, &size) == 0)
			(void)ioctl(t->s[i].from, TIOCSWINSZ, &size);
	/* Its terminal is not its controlling one: nobody tells it. */
	(void)kill(t->child.pid, SIGWINCH);
}

/*
 * What the terminal sends reaches the program by itself; what was sent to us
 * alone is meant for it. What it sends to its group it has itself.
 */
static void
take_signal(passing *t)
{
	struct signalfd_siginfo info;

	if (read(t->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH) {
		resize(t);
		return;
	}
	if (info.ssi_code <= 0 && info.ssi_pid != (uint32_t)t->child.pid)
		(void)kill(t->child.pid, (int)info.ssi_signo);
	t->hurry = true;
	if (t->phase == P_WRITES)
		t->until = hl_deadline_in(HL_READ_GRACE_MS);
}

/* ---- watching ----------------------------------------------------------- */

static void
enter(passing *t, phase p, uint32_t ms)
{
	t->phase = p;
	t->until = ms == 0 ? 0 : hl_deadline_in(ms);
}

/* The time of this phase is over. False: nothing more is waited for. */
static bool
step(passing *t)
{
	switch (t->phase) {
	case P_RUNS:
		t->late = t->hurry = true;
		(void)kill(t->child.pid, SIGTERM);
		enter(t, P_TERMED, HL_TERM_GRACE_MS);
		return true;
	case P_TERMED:
		(void)kill(t->child.pid, SIGKILL);
		enter(t, P_KILLED, 0);
		return true;
	case P_ENDED:
		take_rest(t);
		enter(t, P_WRITES, t->hurry ? HL_READ_GRACE_MS : 0);
		return true;
	case P_KILLED:
	case P_WRITES:
	default:
		return false;
	}
}

static int
time_left(const passing *t)
{
	return t->until == 0 ? -1 : hl_deadline_left(t->until);
}

/* What was read is written before more is read. */
static struct pollfd
next_of(const stream *s)
{
	return is_waiting(s) ? (struct pollfd){ s->to, POLLOUT, 0 }
			     : (struct pollfd){ s->from, POLLIN, 0 };
}

static void
look(passing *t)
{
	const bool ended = t->phase >= P_ENDED;
	struct pollfd p[4] = {
		next_of(&t->s[0]),
		next_of(&t->s[1]),
		{ ended ? -1 : t->child.fd, POLLIN, 0 },
		{ t->signals, POLLIN, 0 },
	};

	if (poll(p, HL_COUNT(p), time_left(t)) < 0)
		return;
	for (size_t i = 0; i < 2; i++) {
		if (p[i].revents == 0)
			continue;
		if (is_waiting(&t->s[i]))
			hand_on(&t->s[i]);
		else
			(void)take_in(t, &t->s[i]);
	}
	if (p[2].revents != 0)
		enter(t, P_ENDED, HL_READ_GRACE_MS);
	if (p[3].revents != 0)
		take_signal(t);
}

static bool
is_over(const passing *t)
{
	return t->phase >= P_ENDED && t->s[0].from < 0 && t->s[1].from < 0 &&
	    !is_waiting(&t->s[0]) && !is_waiting(&t->s[1]);
}

static void
watch_it(passing *t)
{
	while (!is_over(t)) {
		look(t);
		if (time_left(t) == 0 && !step(t))
			break;
	}
}

hl_rc
hl_spawn_tee(const char *const *argv, size_t max, hl_buf *copy, hl_ended *end,
    hl_deadline until, hl_err *err)
{
	passing t = { .child = { -1, -1 },
		.s = { { -1, -1, false, HL_BUF_INIT, 0 },
		    { -1, -1, false, HL_BUF_INIT, 0 } },
		.signals = -1,
		.copy = copy,
		.before = copy->n,
		.max = max,
		.until = until };
	held was;
	hl_rc rc;

	if (time_left(&t) == 0)
		return hl_spawn_too_late(err, argv[0]);
	rc = watch_signals(&t, &was) ? start(&t, argv, err)
				     : hl_spawn_fail(err, argv[0], errno);
	if (rc == HL_OK) {
		watch_it(&t);
		hl_child_reap(&t.child, end);
		end->late = t.late;
		keep_last(&t, max);
	}
	for (size_t i = 0; i < 2; i++) {
		hl_fd_close(&t.s[i].from);
		hl_buf_free(&t.s[i].todo);
	}
	release_signals(&t, &was);
	return rc;
}
