/* SPDX-License-Identifier: Apache-2.0 */
/* A program run for the user, who sees it as if we were not there. */
#include <errno.h>
#include <fcntl.h>
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

/* One of its streams on its way to ours. */
typedef struct stream {
	int from; /* -1: ended */
	int to;	  /* our own */
	bool tty;
} stream;

typedef struct passing {
	hl_child child;
	stream s[2];
	int signals; /* signalfd */
	hl_buf *copy;
	size_t max;
	bool ended; /* the program; what is in the streams is still read */
	bool termed;
	hl_deadline until; /* of what is waited for now; 0: none */
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

/* Its end of the stream; -1: it has the same as stdout's. */
static bool
open_stream(stream *s, int ours, int *its)
{
	int fd[2] = { -1, -1 };

	s->to = ours;
	s->tty = isatty(ours) == 1;
	if (!(s->tty ? open_terminal(ours, fd) : hl_pipe(fd))) {
		hl_fd_close(&fd[0]);
		hl_fd_close(&fd[1]);
		return false;
	}
	s->from = fd[0];
	*its = fd[1];
	return true;
}

/* Both go to one terminal: then in one stream, which keeps their order. */
static bool
same_terminal(void)
{
	struct stat out, err;

	return isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1 &&
	    fstat(STDOUT_FILENO, &out) == 0 &&
	    fstat(STDERR_FILENO, &err) == 0 && out.st_rdev == err.st_rdev;
}

static hl_rc
start(passing *t, const char *const *argv, hl_err *err)
{
	hl_start how = { argv, -1, -1, -1, false, true };
	const bool one = same_terminal();
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
keep_last(passing *t, const uint8_t *p, size_t n)
{
	hl_buf *b = t->copy;

	hl_buf_put(b, p, n);
	if (b->failed || b->n <= 2 * t->max)
		return;
	memmove(b->p, b->p + (b->n - t->max), t->max);
	b->n = t->max;
}

/* False: nobody takes it any more. */
static bool
write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		struct pollfd w = { fd, POLLOUT, 0 };
		const ssize_t done = write(fd, p, n);

		if (done >= 0) {
			p += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN) {
			(void)poll(&w, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/* False: there is nothing more to read now. */
static bool
pass_on(passing *t, stream *s)
{
	uint8_t chunk[CHUNK];
	const ssize_t n = read(s->from, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) { /* EIO: the last one has closed the terminal */
		hl_fd_close(&s->from);
		return false;
	}
	keep_last(t, chunk, (size_t)n);
	/* The program is to notice it, too. */
	if (!write_all(s->to, chunk, (size_t)n))
		hl_fd_close(&s->from);
	return s->from >= 0;
}

static void
drain(passing *t)
{
	for (size_t i = 0; i < 2; i++)
		for (size_t n = 0; t->s[i].from >= 0 && n < HL_DRAIN_MAX;
		     n += CHUNK)
			if (!pass_on(t, &t->s[i]))
				break;
}

/* ---- signals ------------------------------------------------------------ */

static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };

static bool
watch_signals(passing *t, sigset_t *was)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < HL_COUNT(watched); i++)
		(void)sigaddset(&set, watched[i]);
	(void)pthread_sigmask(SIG_BLOCK, &set, was);
	t->signals = hl_fd_high(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
	return t->signals >= 0;
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

/* What the terminal sends reaches the program by itself; what was sent to us
 * alone is meant for it. */
static void
take_signal(const passing *t)
{
	struct signalfd_siginfo info;

	if (read(t->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH)
		resize(t);
	else if (info.ssi_code <= 0)
		(void)kill(t->child.pid, (int)info.ssi_signo);
}

/* ---- watching ----------------------------------------------------------- */

/* The time is over. False: nothing more is waited for. */
static bool
step(passing *t)
{
	if (t->ended)
		return false;
	(void)kill(t->child.pid, t->termed ? SIGKILL : SIGTERM);
	t->late = true;
	t->until = t->termed ? 0 : hl_deadline_in(HL_TERM_GRACE_MS);
	t->termed = true;
	return true;
}

static int
time_left(const passing *t)
{
	return t->until == 0 ? -1 : hl_deadline_left(t->until);
}

static void
look(passing *t)
{
	struct pollfd p[4] = {
		{ t->s[0].from, POLLIN, 0 },
		{ t->s[1].from, POLLIN, 0 },
		{ t->ended ? -1 : t->child.fd, POLLIN, 0 },
		{ t->signals, POLLIN, 0 },
	};

	if (poll(p, HL_COUNT(p), time_left(t)) < 0)
		return;
	for (size_t i = 0; i < 2; i++)
		if (p[i].revents != 0)
			(void)pass_on(t, &t->s[i]);
	if (p[3].revents != 0)
		take_signal(t);
	if (p[2].revents != 0) {
		t->ended = true;
		t->until = hl_deadline_in(HL_READ_GRACE_MS);
	}
}

static void
watch_it(passing *t)
{
	while (!t->ended || t->s[0].from >= 0 || t->s[1].from >= 0) {
		look(t);
		if (time_left(t) == 0 && !step(t))
			break;
	}
	drain(t);
}

hl_rc
hl_spawn_tee(const char *const *argv, size_t max, hl_buf *copy, hl_ended *end,
    hl_deadline until, hl_err *err)
{
	passing t = { .child = { -1, -1 },
		.s = { { -1, -1, false }, { -1, -1, false } },
		.signals = -1,
		.copy = copy,
		.max = max,
		.until = until };
	sigset_t was;
	hl_chld chld;
	hl_rc rc;

	hl_chld_hold(&chld);
	rc = watch_signals(&t, &was) ? start(&t, argv, err)
				     : hl_spawn_fail(err, argv[0], errno);
	if (rc == HL_OK) {
		watch_it(&t);
		hl_child_reap(&t.child, end);
		end->late = t.late;
	}
	hl_fd_close(&t.s[0].from);
	hl_fd_close(&t.s[1].from);
	hl_fd_close(&t.signals);
	(void)pthread_sigmask(SIG_SETMASK, &was, NULL);
	hl_chld_release(&chld);
	return rc;
}
