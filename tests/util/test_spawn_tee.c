/* SPDX-License-Identifier: Apache-2.0 */
/* hl_spawn_tee(): a program that the user watches. */
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

static void
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

static void
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

static void
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

static pid_t
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

static ends
make_pipe(void)
{
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	return (ends){ fd[0], fd[1] };
}

#define ROWS 33
#define COLUMNS 99

static ends
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

static int
null_in(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Reads all there is from both (-1: none), whichever comes. */
static void
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
static hl_buf
all_of(int fd)
{
	const int both[2] = { fd, -1 };
	hl_buf out[2] = { HL_BUF_INIT, HL_BUF_INIT };

	collect(both, out);
	close(fd);
	return out[0];
}

static hl_buf
file_of(const scratch *s, const char *suffix)
{
	char path[PATH_MAX + 16];
	hl_buf b = HL_BUF_INIT;

	snprintf(path, sizeof(path), "%s.%s", s->path, suffix);
	if (hl_file_read(path, HL_BUF_MAX, &b, NULL) != HL_OK)
		fail_msg("%s cannot be read", path);
	return b;
}

static void
assert_same(hl_buf *a, hl_buf *b)
{
	assert_false(a->failed || b->failed);
	assert_int_equal(a->n, b->n);
	assert_int_equal(memcmp(a->p, b->p, a->n), 0);
	hl_buf_free(a);
	hl_buf_free(b);
}

static void
assert_text(hl_buf b, const char *expected)
{
	assert_string_equal(hl_buf_str(&b), expected);
	assert_int_equal(b.n, strlen(expected));
	hl_buf_free(&b);
}

/* Both of its streams in one pipe; what came. The rest of *c is given. */
static hl_buf
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

/* ---- what the user sees ------------------------------------------------- */

static void
every_byte_comes_on_its_own_stream(void **state)
{
	const scratch *s = *state;
	const ends out = make_pipe(), err = make_pipe();
	const int mine[2] = { out.mine, err.mine };
	const call c = { .s = s,
		.text = "head -c 300000 /dev/urandom | tee \"$1.o\" &&"
			"head -c 200000 /dev/urandom | tee \"$1.e\" >&2;"
			"head -c 70000 /dev/zero | tee -a \"$1.o\"; exit 9",
		.in = null_in(),
		.out = out.its,
		.err = err.its };
	hl_buf b[2] = { HL_BUF_INIT, HL_BUF_INIT }, o, e, copy;
	const pid_t pid = start(&c);

	close(out.its);
	close(err.its);
	collect(mine, b);
	assert_int_equal(child_result(pid), 9);
	o = file_of(s, "o");
	e = file_of(s, "e");
	copy = file_of(s, "copy");
	assert_int_equal(o.n, 370000);
	assert_int_equal(copy.n, 570000);
	assert_same(&b[0], &o);
	assert_same(&b[1], &e);
	hl_buf_free(&copy);
	close(out.mine);
	close(err.mine);
}

static void
how_it_ended_is_told(void **state)
{
	static const struct {
		const char *text;
		int code;
	} rows[] = {
		{ "exit 0", 0 },
		{ "exit 77", 77 },
		{ "kill -KILL $$", 137 },
		{ "kill -TERM $$", 143 },
		{ "kill -INT $$", 130 },
		{ "exec >&- 2>&-; exit 4", 4 },
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		call c = { .s = *state, .text = rows[i].text };

		assert_text(watch(&c, rows[i].code), "");
		assert_text(file_of(*state, "copy"), "");
	}
}

static void
both_streams_in_one_keep_their_order(void **state)
{
	call c = { .s = *state,
		.text = "for i in 1 2 3 4; do echo o$i; echo e$i >&2; done" };

	assert_text(watch(&c, 0), "o1\ne1\no2\ne2\no3\ne3\no4\ne4\n");
	assert_text(
	    file_of(*state, "copy"), "o1\ne1\no2\ne2\no3\ne3\no4\ne4\n");
}

static void
the_last_of_it_is_in_the_copy(void **state)
{
	static const size_t max[] = { 1, 1000, 16384, 20000, 300000 };

	for (size_t i = 0; i < HL_COUNT(max); i++) {
		call c = { .s = *state, .text = "seq 1 50000", .max = max[i] };
		hl_buf out = watch(&c, 0), copy = file_of(*state, "copy");
		const size_t n = out.n < max[i] ? out.n : max[i];

		assert_int_equal(out.n, 288894);
		assert_int_equal(copy.n, n);
		assert_memory_equal(copy.p, out.p + (out.n - n), n);
		hl_buf_free(&out);
		hl_buf_free(&copy);
	}
}

static void
its_stdin_is_ours(void **state)
{
	const ends in = make_pipe(), out = make_pipe();
	const call c = { .s = *state,
		.text = "read -r a; echo \"<$a>\"; cat; exit 3",
		.in = in.mine,
		.out = out.its,
		.err = null_in() };
	const pid_t pid = start(&c);

	close(in.mine);
	close(out.its);
	assert_int_equal(write(in.its, "one\ntwo\n", 8), 8);
	close(in.its);
	assert_text(all_of(out.mine), "<one>\ntwo\n");
	assert_int_equal(child_result(pid), 3);
}

/* ---- terminals ---------------------------------------------------------- */

/* Both of its streams on a terminal; what comes there. */
static hl_buf
watch_terminal(const scratch *s, const char *text, bool raw, int code)
{
	const ends t = make_terminal(raw);
	const call c = { .s = s,
		.text = text,
		.in = null_in(),
		.out = t.its,
		.err = t.its };
	const pid_t pid = start(&c);
	hl_buf out;

	close(t.its);
	out = all_of(t.mine);
	assert_int_equal(child_result(pid), code);
	return out;
}

static void
on_a_terminal_it_sees_one(void **state)
{
	static const char text[] = "test -t 1 && test -t 2 && stty size <&1 &&"
				   "stty size <&2 && ! test -t 0 && exit 3";

	assert_text(watch_terminal(*state, text, true, 3), "33 99\n33 99\n");
	assert_text(file_of(*state, "copy"), "33 99\n33 99\n");
}

static void
on_a_terminal_every_byte_comes(void **state)
{
	static const char text[] =
	    "head -c 200000 /dev/urandom | tee \"$1.o\"; exit 2";
	hl_buf out = watch_terminal(*state, text, true, 2);
	hl_buf o = file_of(*state, "o"), copy = file_of(*state, "copy");

	assert_int_equal(o.n, 200000);
	assert_int_equal(copy.n, o.n);
	assert_memory_equal(copy.p, o.p, o.n);
	assert_same(&out, &o);
	hl_buf_free(&copy);
}

/* What the user's terminal does to a line feed is done once. */
static void
on_a_terminal_lines_end_as_ever(void **state)
{
	assert_text(watch_terminal(*state,
			"echo o1; echo e1 >&2; echo o2; echo e2 >&2", false, 0),
	    "o1\r\ne1\r\no2\r\ne2\r\n");
	assert_text(file_of(*state, "copy"), "o1\ne1\no2\ne2\n");
}

static void
only_a_stream_on_a_terminal_is_on_one(void **state)
{
	const ends t = make_terminal(true), e = make_pipe();
	const int mine[2] = { t.mine, e.mine };
	const call c = { .s = *state,
		.text = "test -t 1 && echo o; test -t 2 || echo e >&2",
		.in = null_in(),
		.out = t.its,
		.err = e.its };
	hl_buf b[2] = { HL_BUF_INIT, HL_BUF_INIT };
	const pid_t pid = start(&c);

	close(t.its);
	close(e.its);
	collect(mine, b);
	assert_int_equal(child_result(pid), 0);
	assert_text(b[0], "o\n");
	assert_text(b[1], "e\n");
	close(t.mine);
	close(e.mine);
}

static void
wait_ready(const scratch *s)
{
	assert_true(wait_file(s->path));
}

/* A trap is set: for scripts that are sent a signal. */
#define READY ": > \"$1\"; "
#define FOREVER "while :; do sleep 0.02; done"

static void
a_new_size_reaches_it(void **state)
{
	const struct winsize size = { 44, 111, 0, 0 };
	const ends t = make_terminal(true);
	const call c = { .s = *state,
		.text = "trap 'stty size <&1; exit 0' WINCH; " READY FOREVER,
		.in = null_in(),
		.out = t.its,
		.err = t.its };
	const pid_t pid = start(&c);

	wait_ready(*state);
	assert_int_equal(ioctl(t.its, TIOCSWINSZ, &size), 0);
	close(t.its);
	assert_int_equal(kill(pid, SIGWINCH), 0);
	assert_text(all_of(t.mine), "44 111\n");
	assert_int_equal(child_result(pid), 0);
}

/* It has it from the terminal, and not from us a second time. */
static void
ctrl_c_comes_once(void **state)
{
	const scratch *s = *state;
	const ends t = make_terminal(true);
	const call c = { .s = s,
		.text = "trap 'echo int; : > \"$1.int\"' INT; " READY
			"until test -e \"$1.int\"; do sleep 0.02; done;"
			"sleep 0.1; exit 6",
		.in = null_in(),
		.out = t.its,
		.err = t.its,
		.terminal = true };
	const pid_t pid = start(&c);

	close(t.its);
	wait_ready(s);
	assert_int_equal(write(t.mine, "\003", 1), 1);
	assert_text(all_of(t.mine), "int\n");
	assert_int_equal(child_result(pid), 6);
}

/* ---- signals ------------------------------------------------------------ */

static void
what_is_sent_to_us_alone_reaches_it(void **state)
{
	static const struct {
		int signal;
		const char *text;
	} rows[] = {
		{ SIGTERM, "trap 'echo got; exit 7' TERM; " READY FOREVER },
		{ SIGINT, "trap 'echo got; exit 7' INT; " READY FOREVER },
		{ SIGHUP, "trap 'echo got; exit 7' HUP; " READY FOREVER },
		{ SIGQUIT, "trap 'echo got; exit 7' QUIT; " READY FOREVER },
	};
	const scratch *s = *state;

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const ends e = make_pipe();
		const call c = { .s = s,
			.text = rows[i].text,
			.in = null_in(),
			.out = e.its,
			.err = e.its };
		const pid_t pid = start(&c);

		close(e.its);
		wait_ready(s);
		assert_int_equal(kill(pid, rows[i].signal), 0);
		assert_text(all_of(e.mine), "got\n");
		assert_int_equal(child_result(pid), 7);
		assert_int_equal(unlink(s->path), 0);
	}
}

static void
one_that_does_not_mind_goes_on(void **state)
{
	const scratch *s = *state;
	const ends e = make_pipe();
	const call c = { .s = s,
		.text = "trap '' TERM; " READY
			"until test -e \"$1.go\"; do sleep 0.02; done;"
			"echo on; exit 5",
		.in = null_in(),
		.out = e.its,
		.err = e.its };
	const pid_t pid = start(&c);
	char go[PATH_MAX + 8];

	close(e.its);
	wait_ready(s);
	assert_int_equal(kill(pid, SIGTERM), 0);
	snprintf(go, sizeof(go), "%s.go", s->path);
	make_file(go, "", 0600);
	assert_text(all_of(e.mine), "on\n");
	assert_int_equal(child_result(pid), 5);
}

/* We are in its group, and must not give it back what it sends there. */
static void
what_it_sends_to_its_group_is_not_returned(void **state)
{
	call c = { .s = *state,
		.text = "trap 'echo t' TERM; kill -TERM 0; sleep 0.2; exit 5" };

	assert_text(watch(&c, 5), "t\n");
}

static void
one_that_is_late_is_ended(void **state)
{
	call c = { .s = *state, .text = "echo a; exec sleep 1000", .ms = 200 };

	hl_buf out = watch(&c, 250);
	hl_buf copy = file_of(*state, "copy");

	assert_same(&out, &copy);
}

static void
one_that_ignores_term_is_killed(void **state)
{
	const scratch *s = *state;
	call c = { .s = s,
		.text = "trap '' TERM; " READY "exec sleep 1000",
		.ms = 200 };

	do {
		hl_buf out = watch(&c, 250);

		hl_buf_free(&out);
		c.ms *= 2;
	} while (access(s->path, F_OK) != 0 && c.ms < LONG_MS);
}

static void
it_dies_with_us(void **state)
{
	const scratch *s = *state;
	const call c = { .s = s,
		.text = PUT_PID "exec sleep 1000",
		.in = null_in(),
		.out = null_in(),
		.err = null_in() };
	const pid_t us = start(&c), pid = read_pid(s->path);

	assert_false(is_gone(pid));
	assert_int_equal(kill(us, SIGKILL), 0);
	assert_int_equal(child_result(us), -SIGKILL);
	assert_true(wait_gone(pid));
}

/* ---- readers ------------------------------------------------------------ */

static void
it_notices_that_nobody_reads(void **state)
{
	const ends out = make_pipe(), err = make_pipe();
	const call c = { .s = *state,
		.text = "yes; echo $? >&2; exec yes",
		.in = null_in(),
		.out = out.its,
		.err = err.its };
	const pid_t pid = start(&c);
	char first[4];

	close(out.its);
	close(err.its);
	assert_int_equal(read(out.mine, first, 4), 4);
	assert_memory_equal(first, "y\ny\n", 4);
	close(out.mine);
	assert_text(all_of(err.mine), "141\n");
	assert_int_equal(child_result(pid), 128 + SIGPIPE);
}

/* It would not end for that without us. */
static void
a_full_disk_does_not_end_it(void **state)
{
	const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	const ends err = make_pipe();
	const call c = { .s = *state,
		.text = "echo a; sleep 0.2; echo b; echo c >&2; exit 5",
		.in = null_in(),
		.out = full,
		.err = err.its };
	pid_t pid;

	assert_true(full >= 0);
	pid = start(&c);
	close(full);
	close(err.its);
	assert_text(all_of(err.mine), "c\n");
	assert_int_equal(child_result(pid), 5);
	assert_text(file_of(*state, "copy"), "a\nb\nc\n");
}

static void
closed_streams_of_ours_do_not_end_it(void **state)
{
	for (int mask = 1; mask < 8; mask++) {
		const int null = null_in();
		const call c = { .s = *state,
			.text = "echo a; sleep 0.02; echo b && echo c >&2 &&"
				"! test -e /proc/$$/fd/9 && exit 5",
			.in = (mask & 1) != 0 ? -1 : null,
			.out = (mask & 2) != 0 ? -1 : null,
			.err = (mask & 4) != 0 ? -1 : null };
		hl_buf copy;

		assert_int_equal(child_result(start(&c)), 5);
		copy = file_of(*state, "copy");
		assert_int_equal(copy.n, 6);
		hl_buf_free(&copy);
	}
}

/* It waits for its reader, and so do we; somebody may want an end. */
static void
without_a_reader_it_can_be_ended(void **state)
{
	const scratch *s = *state;

	for (int late = 0; late < 2; late++) {
		const ends e = make_pipe();
		const call c = { .s = s,
			.text = "exec yes",
			.ms = late ? 300 : 0,
			.in = null_in(),
			.out = e.its,
			.err = e.its };
		const pid_t pid = start(&c);
		int n = 0;

		close(e.its);
		while (n < 60000 && !late) { /* until it is full */
			hl_sleep_ms(5);
			assert_int_equal(ioctl(e.mine, FIONREAD, &n), 0);
		}
		if (!late)
			assert_int_equal(kill(pid, SIGTERM), 0);
		assert_int_equal(child_result(pid), late ? 250 : 143);
		close(e.mine);
	}
}

static void
a_slow_reader_gets_all_of_it(void **state)
{
	const scratch *s = *state;
	const ends e = make_pipe();
	const call c = { .s = s,
		.text = "head -c 120000 /dev/zero; " READY "exit 4",
		.in = null_in(),
		.out = e.its,
		.err = e.its };
	const pid_t pid = start(&c);
	hl_buf out;

	close(e.its);
	wait_ready(s);
	hl_sleep_ms(800); /* longer than others are waited for */
	out = all_of(e.mine);
	assert_int_equal(out.n, 120000);
	assert_int_equal(child_result(pid), 4);
	hl_buf_free(&out);
}

/* ---- what it leaves behind ---------------------------------------------- */

static void
one_who_holds_its_stdout_is_not_waited_for(void **state)
{
	static const char *const texts[] = {
		"sleep 1000 & echo $!; exit 4",
		"trap '' PIPE HUP; (exec yes) & echo $! >&2; exit 4",
	};

	for (size_t i = 0; i < HL_COUNT(texts); i++) {
		for (int terminal = 0; terminal < 2; terminal++) {
			const ends out = terminal ? make_terminal(true)
						  : make_pipe(),
				   err = make_pipe();
			const int mine[2] = { out.mine, err.mine };
			const call c = { .s = *state,
				.text = texts[i],
				.max = 1000,
				.in = null_in(),
				.out = out.its,
				.err = i == 0 ? out.its : err.its };
			hl_buf b[2] = { HL_BUF_INIT, HL_BUF_INIT };
			const pid_t pid = start(&c);

			close(out.its);
			close(err.its);
			collect(mine, b);
			assert_int_equal(child_result(pid), 4);
			(void)kill((pid_t)strtol(hl_buf_str(&b[i]), NULL, 10),
			    SIGKILL);
			assert_true(b[i].n > 0);
			hl_buf_free(&b[0]);
			hl_buf_free(&b[1]);
			close(out.mine);
			close(err.mine);
		}
	}
}

/* ---- what is not started ------------------------------------------------ */

static void
what_cannot_be_run_is_not_there(void **state)
{
	const scratch *s = *state;
	unrunnable u[UNRUNNABLE];

	make_unrunnable(s, u);
	for (size_t i = 0; i < UNRUNNABLE; i++) {
		call c = { .s = s, .path = u[i].path };

		assert_text(watch(&c, NOT_STARTED - HL_ENODEV), "");
	}
}

static void
after_the_deadline_nothing_is_started(void **state)
{
	const scratch *s = *state;
	const script p = sh_with(": > \"$1\"", s->path);
	hl_buf copy = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_ended end;

	assert_int_equal(
	    hl_spawn_tee(p.argv, PLENTY, &copy, &end, hl_mono_ms() - 1, &err),
	    HL_ETIMEOUT);
	assert_non_null(strstr(err.what, "/bin/sh"));
	assert_int_equal(scratch_count(s), 0);
}

/* ---- callers ------------------------------------------------------------ */

static void
hold_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGHUP, SIG_IGN); /* nohup(1) */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
}

static void
no_caller_makes_a_difference(void **state)
{
	static const char text[] =
	    "grep -E '^Sig(Blk|Ign):' /proc/self/status;"
	    "for f in /proc/$$/fd/*; do n=${f##*/};"
	    "test $n -le 2 || ! test -e $f || exit 9; done; exit 6";
	call c = { .s = *state, .text = text, .before = hold_signals };

	assert_text(watch(&c, 6),
	    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000001\n");
}

static void
signals_are_as_they_were(void **state)
{
	const script p = sh("exit 5");
	sigset_t before, now;
	struct sigaction sa;
	hl_buf copy = HL_BUF_INIT;
	hl_ended end;

	(void)state;
	sigprocmask(SIG_BLOCK, NULL, &before);
	assert_int_equal(
	    hl_spawn_tee(p.argv, PLENTY, &copy, &end, 0, NULL), HL_OK);
	assert_int_equal(end.status, 5);
	sigprocmask(SIG_BLOCK, NULL, &now);
	for (int i = 1; i < 32; i++)
		assert_int_equal(sigismember(&before, i), sigismember(&now, i));
	assert_int_equal(sigaction(SIGPIPE, NULL, &sa), 0);
	assert_true(sa.sa_handler == SIG_DFL);
	assert_int_equal(sigaction(SIGCHLD, NULL, &sa), 0);
	assert_true(sa.sa_handler == SIG_DFL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(every_byte_comes_on_its_own_stream),
		SCRATCH_TEST(how_it_ended_is_told),
		SCRATCH_TEST(both_streams_in_one_keep_their_order),
		SCRATCH_TEST(the_last_of_it_is_in_the_copy),
		SCRATCH_TEST(its_stdin_is_ours),
		SCRATCH_TEST(on_a_terminal_it_sees_one),
		SCRATCH_TEST(on_a_terminal_every_byte_comes),
		SCRATCH_TEST(on_a_terminal_lines_end_as_ever),
		SCRATCH_TEST(only_a_stream_on_a_terminal_is_on_one),
		SCRATCH_TEST(a_new_size_reaches_it),
		SCRATCH_TEST(ctrl_c_comes_once),
		SCRATCH_TEST(what_is_sent_to_us_alone_reaches_it),
		SCRATCH_TEST(one_that_does_not_mind_goes_on),
		SCRATCH_TEST(what_it_sends_to_its_group_is_not_returned),
		SCRATCH_TEST(one_that_is_late_is_ended),
		SCRATCH_TEST(one_that_ignores_term_is_killed),
		SCRATCH_TEST(it_dies_with_us),
		SCRATCH_TEST(it_notices_that_nobody_reads),
		SCRATCH_TEST(a_full_disk_does_not_end_it),
		SCRATCH_TEST(closed_streams_of_ours_do_not_end_it),
		SCRATCH_TEST(without_a_reader_it_can_be_ended),
		SCRATCH_TEST(a_slow_reader_gets_all_of_it),
		SCRATCH_TEST(one_who_holds_its_stdout_is_not_waited_for),
		SCRATCH_TEST(what_cannot_be_run_is_not_there),
		SCRATCH_TEST(after_the_deadline_nothing_is_started),
		SCRATCH_TEST(no_caller_makes_a_difference),
		cmocka_unit_test(signals_are_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
