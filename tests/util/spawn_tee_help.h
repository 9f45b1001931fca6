/* SPDX-License-Identifier: Apache-2.0 */
/* A process that calls hl_spawn_tee(), and who is at the other end of its
 * streams. */
#ifndef HL_TEST_UTIL_SPAWN_TEE_HELP_H
#define HL_TEST_UTIL_SPAWN_TEE_HELP_H

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "util/file.h"
#include "util/spawn_help.h"

/* What the process that calls came to, when it is not the program's code. */
#define NOT_STARTED 200 /* - hl_rc is added */

typedef struct call {
	const scratch *s;
	const char *text; /* $1: the scratch path */
	const char *path; /* instead of text: a program */
	size_t max;	  /* of the copy, which goes to PATH.copy; 0: PLENTY */
	uint32_t ms;	  /* 0: no deadline */
	int in, out, err; /* its stdio; -1: closed */
	bool terminal;	  /* `out` is its terminal: Ctrl-C comes from there */
	void (*before)(void);
} call;

static inline void
take_stdio(const call *c)
{
	const int fd[] = { c->in, c->out, c->err };

	for (int i = 0; i < 3; i++) {
		if (fd[i] < 0)
			close(i);
		else
			NEED(101, dup2(fd[i], i) == i);
	}
	NEED(102, close_range(3, ~0U, 0) == 0);
	if (c->terminal)
		NEED(103, setsid() > 0 && ioctl(1, TIOCSCTTY, 0) == 0);
	else
		NEED(104, setpgid(0, 0) == 0);
}

static inline void
leave(const call *c, hl_buf *copy, const hl_ended *end)
{
	char path[PATH_MAX + 8];

	NEED(105, !copy->failed && copy->n >= 1 && copy->p[0] == '>');
	snprintf(path, sizeof(path), "%s.copy", c->s->path);
	NEED(106,
	    hl_file_write(path, copy->p + 1, copy->n - 1, 0600, NULL) == HL_OK);
	hl_buf_free(copy);
	_exit(end->late ? 250 : hl_ended_code(end));
}

static inline void
make_call(const call *c)
{
	const script text = sh_with(c->text, c->s->path);
	const char *const program[] = { c->path, NULL };
	hl_buf copy = HL_BUF_INIT;
	hl_ended end;
	int before;
	hl_rc rc;

	take_stdio(c);
	if (c->before != NULL)
		c->before();
	before = open_descriptors();
	hl_buf_put(&copy, ">", 1);
	rc = hl_spawn_tee(c->path == NULL ? text.argv : program,
	    c->max == 0 ? PLENTY : c->max, &copy, &end,
	    c->ms == 0 ? 0 : hl_deadline_in(c->ms), NULL);
	NEED(107, open_descriptors() == before);
	NEED(108, waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	if (rc != HL_OK)
		_exit(NOT_STARTED - rc);
	leave(c, &copy, &end);
}

static inline pid_t
start(const call *c)
{
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		make_call(c);
	}
	return pid;
}

/* ---- its streams, and who is at their other end ------------------------- */

typedef struct ends {
	int mine, its;
} ends;

static inline ends
make_pipe(void)
{
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	return (ends){ fd[0], fd[1] };
}

#define ROWS 33
#define COLUMNS 99

static inline ends
make_terminal(bool raw)
{
	struct winsize size = { ROWS, COLUMNS, 0, 0 };
	struct termios t;
	char name[64];
	ends e;

	e.mine = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(e.mine >= 0);
	assert_int_equal(grantpt(e.mine), 0);
	assert_int_equal(unlockpt(e.mine), 0);
	assert_int_equal(ptsname_r(e.mine, name, sizeof(name)), 0);
	e.its = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(e.its >= 0);
	assert_int_equal(ioctl(e.mine, TIOCSWINSZ, &size), 0);
	assert_int_equal(tcgetattr(e.its, &t), 0);
	t.c_lflag &= ~(tcflag_t)ECHO;
	if (raw)
		t.c_oflag &= ~(tcflag_t)OPOST;
	assert_int_equal(tcsetattr(e.its, TCSANOW, &t), 0);
	return e;
}

static inline int
null_in(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Reads all there is from both (-1: none), whichever comes. */
static inline void
collect(const int fd[2], hl_buf out[2])
{
	struct pollfd p[2] = { { fd[0], POLLIN, 0 }, { fd[1], POLLIN, 0 } };
	uint8_t chunk[4096];
	ssize_t n;

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		assert_true(poll(p, 2, LONG_MS) > 0);
		for (int i = 0; i < 2; i++) {
			if (p[i].revents == 0)
				continue;
			n = read(p[i].fd, chunk, sizeof(chunk));
			if (n <= 0)
				p[i].fd = -1;
			else
				hl_buf_put(&out[i], chunk, (size_t)n);
		}
	}
}

/* All that comes from one. */
static inline hl_buf
all_of(int fd)
{
	const int both[2] = { fd, -1 };
	hl_buf out[2] = { HL_BUF_INIT, HL_BUF_INIT };

	collect(both, out);
	close(fd);
	return out[0];
}

static inline hl_buf
file_of(const scratch *s, const char *suffix)
{
	char path[PATH_MAX + 16];
	hl_buf b = HL_BUF_INIT;

	snprintf(path, sizeof(path), "%s.%s", s->path, suffix);
	if (hl_file_read(path, HL_BUF_MAX, &b, NULL) != HL_OK)
		fail_msg("%s cannot be read", path);
	return b;
}

static inline void
assert_same(hl_buf *a, hl_buf *b)
{
	assert_false(a->failed || b->failed);
	assert_int_equal(a->n, b->n);
	assert_int_equal(memcmp(a->p, b->p, a->n), 0);
	hl_buf_free(a);
	hl_buf_free(b);
}

static inline void
assert_text(hl_buf b, const char *expected)
{
	assert_string_equal(hl_buf_str(&b), expected);
	assert_int_equal(b.n, strlen(expected));
	hl_buf_free(&b);
}

/* Both of its streams in one pipe; what came. The rest of *c is given. */
static inline hl_buf
watch(call *c, int code)
{
	const ends e = make_pipe();
	hl_buf out;
	pid_t pid;

	c->in = null_in();
	c->out = c->err = e.its;
	pid = start(c);
	close(e.its);
	out = all_of(e.mine);
	assert_int_equal(child_result(pid), code);
	return out;
}

static inline void
wait_ready(const scratch *s)
{
	assert_true(wait_file(s->path));
}

/* A trap is set: for scripts that are sent a signal. */
#define READY ": > \"$1\"; "
#define FOREVER "while :; do sleep 0.02; done"

#endif
