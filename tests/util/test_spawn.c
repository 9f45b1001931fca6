/* SPDX-License-Identifier: Apache-2.0 */
/* hl_spawn_read(): a program whose output is read to its end. */
#include "util/spawn_help.h"

/* Runs it; its output is in *out, which the caller frees. */
static hl_ended
read_it(const char *const *argv, size_t max, hl_buf *out, uint32_t ms)
{
	hl_err err = { 0 };
	hl_ended end;

	if (hl_spawn_read(argv, max, out, &end, hl_deadline_in(ms), &err) !=
	    HL_OK)
		fail_msg("%s: %s", err.what, err.why);
	assert_false(out->failed);
	return end;
}

static void
assert_says(const char *text, const char *expected)
{
	hl_buf out = HL_BUF_INIT;
	const script p = sh(text);
	const hl_ended end = read_it(p.argv, PLENTY, &out, LONG_MS);

	assert_string_equal(hl_buf_str(&out), expected);
	assert_int_equal(hl_ended_code(&end), 0);
	hl_buf_free(&out);
}

static void
how_it_ended_is_told(void **state)
{
	static const struct {
		const char *text;
		hl_ended end;
		int code;
	} rows[] = {
		{ "exit 0", { true, 0, 0, false }, 0 },
		{ "exit 7", { true, 7, 0, false }, 7 },
		{ "exit 255", { true, 255, 0, false }, 255 },
		{ "kill -KILL $$", { false, 0, SIGKILL, false }, 137 },
		{ "kill -TERM $$", { false, 0, SIGTERM, false }, 143 },
		{ "exec >&- 2>&-; exit 4", { true, 4, 0, false }, 4 },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_buf out = HL_BUF_INIT;
		const script p = sh(rows[i].text);
		const hl_ended e = read_it(p.argv, PLENTY, &out, LONG_MS);

		CHECK(e.exited == rows[i].end.exited, rows[i].text);
		CHECK(e.status == rows[i].end.status, rows[i].text);
		CHECK(e.signal == rows[i].end.signal, rows[i].text);
		CHECK(!e.late, rows[i].text);
		CHECK(hl_ended_code(&e) == rows[i].code, rows[i].text);
		CHECK(out.n == 0, rows[i].text);
		hl_buf_free(&out);
	}
}

static void
both_streams_come_in_order(void **state)
{
	(void)state;
	assert_says("for i in 1 2 3 4; do echo o$i; echo e$i >&2; done",
	    "o1\ne1\no2\ne2\no3\ne3\no4\ne4\n");
}

static void
any_byte_comes(void **state)
{
	const script p = sh("printf 'a\\0b\\377\\n\\0'");
	hl_buf out = HL_BUF_INIT;

	(void)state;
	(void)read_it(p.argv, PLENTY, &out, LONG_MS);
	assert_int_equal(out.n, 6);
	assert_memory_equal(out.p, "a\0b\377\n\0", 6);
	hl_buf_free(&out);
}

/* More than fits is read all the same, so that the program can end. */
static void
no_more_than_max_is_kept(void **state)
{
	const script p = sh("head -c 300000 /dev/zero && exit 5");
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	(void)state;
	hl_buf_put(&out, "before", 6);
	end = read_it(p.argv, 1000, &out, LONG_MS);
	assert_true(end.exited);
	assert_int_equal(end.status, 5);
	assert_int_equal(out.n, 1006);
	assert_memory_equal(out.p, "before\0", 7);
	end = read_it(p.argv, 0, &out, LONG_MS);
	assert_int_equal(end.status, 5);
	assert_int_equal(out.n, 1006);
	hl_buf_free(&out);
}

/* More than a pipe holds, written at once before the end. */
static void
nothing_is_lost_at_the_end(void **state)
{
	const script p = sh("head -c 900000 /dev/zero; exit 1");
	hl_buf out = HL_BUF_INIT;

	(void)state;
	(void)read_it(p.argv, PLENTY, &out, LONG_MS);
	assert_int_equal(out.n, 900000);
	hl_buf_free(&out);
}

static void
arguments_are_passed_as_they_are(void **state)
{
	const char *const argv[] = { "/bin/sh", "-c",
		"printf '[%s]' \"$0\" \"$@\"", "", "a b", "$(echo no) `x` \"'",
		"", "\xff\n*", NULL };
	hl_buf out = HL_BUF_INIT;

	(void)state;
	(void)read_it(argv, PLENTY, &out, LONG_MS);
	assert_string_equal(
	    hl_buf_str(&out), "[][a b][$(echo no) `x` \"'][][\xff\n*]");
	hl_buf_free(&out);
}

static void
its_stdin_is_empty(void **state)
{
	(void)state;
	assert_says("cat && readlink /proc/self/fd/0", "/dev/null\n");
}

static void
its_session_is_its_own(void **state)
{
	(void)state;
	assert_says("read -r pid name state parent group session rest "
		    "< /proc/$$/stat; test $group = $$ && test $session = $$",
	    "");
}

/* ---- the deadline ------------------------------------------------------- */

/*
 * With a deadline that it lives to see: one that is not ready for it by then
 * (a busy machine) gets more time. The script makes $1 when it is ready.
 */
static hl_ended
read_late(const char *text, const scratch *s, hl_buf *out)
{
	const script p = sh_with(text, s->path);
	uint32_t ms = 300;
	hl_ended end;

	do {
		hl_buf_reset(out);
		end = read_it(p.argv, PLENTY, out, ms);
		ms *= 2;
	} while (access(s->path, F_OK) != 0 && ms < LONG_MS);
	assert_true(end.late);
	return end;
}

static void
one_that_ignores_term_is_killed(void **state)
{
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	end =
	    read_late("trap '' TERM; echo yes; : > \"$1\"; sleep 1000; echo no",
		*state, &out);
	assert_false(end.exited);
	assert_int_equal(end.signal, SIGKILL);
	assert_string_equal(hl_buf_str(&out), "yes\n");
	hl_buf_free(&out);
}

static void
one_that_takes_term_may_say_goodbye(void **state)
{
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	end = read_late("trap 'echo bye; exit 3' TERM; : > \"$1\";"
			"while :; do sleep 0.02 2>/dev/null; done",
	    *state, &out);
	assert_true(end.exited);
	assert_int_equal(end.status, 3);
	assert_non_null(strstr(hl_buf_str(&out), "bye\n"));
	hl_buf_free(&out);
}

static void
one_that_never_stops_writing_is_late(void **state)
{
	const script p = sh("exec yes");
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	(void)state;
	end = read_it(p.argv, 4, &out, 200);
	assert_true(end.late);
	assert_int_equal(end.signal, SIGTERM);
	assert_string_equal(hl_buf_str(&out), "y\ny\n");
	hl_buf_free(&out);
}

static void
after_the_deadline_nothing_is_started(void **state)
{
	const scratch *s = *state;
	const script p = sh_with(PUT_PID, s->path);
	hl_buf out = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_ended end;

	assert_int_equal(
	    hl_spawn_read(p.argv, PLENTY, &out, &end, hl_mono_ms() - 1, &err),
	    HL_ETIMEOUT);
	assert_non_null(strstr(err.what, "/bin/sh"));
	assert_int_equal(scratch_count(s), 0);
}

/* ---- what it leaves behind ---------------------------------------------- */

static void
what_it_leaves_in_its_group_is_killed(void **state)
{
	static const char *const texts[] = {
		"sleep 1000 & echo $!",
		"sleep 1000 >/dev/null 2>&1 & echo $!",
		"(until test -e $1; do :; done; exec yes) & echo $!; : > $1",
	};
	const scratch *s = *state;

	for (size_t i = 0; i < HL_COUNT(texts); i++) {
		const script p = sh_with(texts[i], s->path);
		hl_buf out = HL_BUF_INIT;
		const hl_ended end = read_it(p.argv, PLENTY, &out, LONG_MS);
		const char *pid = strpbrk(hl_buf_str(&out), "0123456789");

		CHECK(!end.late && end.exited && end.status == 0, texts[i]);
		CHECK(pid != NULL && wait_gone((pid_t)strtol(pid, NULL, 10)),
		    texts[i]);
		hl_buf_free(&out);
	}
}

/* It cannot be found any more, but it does not hold us up either. */
static void
a_daemon_with_its_stdout_is_not_waited_for(void **state)
{
	const scratch *s = *state;
	const script p =
	    sh_with("setsid sh -c '" PUT_PID "exec sleep 1000' sh \"$1\" &"
		    "while ! test -e \"$1\"; do sleep 0.02; done",
		s->path);
	hl_buf out = HL_BUF_INIT;
	const hl_ended end = read_it(p.argv, PLENTY, &out, LONG_MS);
	const pid_t pid = read_pid(s->path);

	assert_false(end.late);
	assert_false(is_gone(pid));
	assert_int_equal(kill(pid, SIGKILL), 0);
	hl_buf_free(&out);
}

static void
sleep_in_a_program(const scratch *s)
{
	const script p = sh_with(PUT_PID "exec sleep 1000", s->path);
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	(void)!hl_spawn_read(
	    p.argv, PLENTY, &out, &end, hl_deadline_in(LONG_MS), NULL);
}

static void
it_dies_with_its_caller(void **state)
{
	const scratch *s = *state;
	const pid_t us = start_caller(sleep_in_a_program, s);
	const pid_t pid = read_pid(s->path);

	assert_false(is_gone(pid));
	assert_int_equal(kill(us, SIGKILL), 0);
	assert_int_equal(child_result(us), -SIGKILL);
	assert_true(wait_gone(pid));
}

/* ---- what cannot be run ------------------------------------------------- */

static void
what_cannot_be_run_is_not_there(void **state)
{
	const scratch *s = *state;
	const int before = open_descriptors();
	unrunnable u[UNRUNNABLE];
	hl_buf out = HL_BUF_INIT;

	make_unrunnable(s, u);
	for (size_t i = 0; i < UNRUNNABLE; i++) {
		const char *const argv[] = { u[i].path, NULL };
		hl_err err = { 0 };
		hl_ended end;

		CHECK(hl_spawn_read(argv, PLENTY, &out, &end,
			  hl_deadline_in(LONG_MS), &err) == HL_ENODEV,
		    u[i].why);
		CHECK(err.rc == HL_ENODEV, u[i].why);
		CHECK(strstr(err.what, u[i].path) != NULL, u[i].why);
		CHECK(err.why[0] != '\0' && err.hint[0] != '\0', u[i].why);
		CHECK(out.n == 0, u[i].why);
		CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD,
		    u[i].why);
	}
	assert_int_equal(open_descriptors(), before);
}

/* ---- callers ------------------------------------------------------------ */

/* The exit status of the script, 0 also meaning that it said nothing. */
static int
quietly(const char *text)
{
	const script p = sh(text);
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	if (hl_spawn_read(p.argv, PLENTY, &out, &end, hl_deadline_in(LONG_MS),
		NULL) != HL_OK)
		return 200;
	if (out.n > 0 || out.failed)
		return 201;
	hl_buf_free(&out);
	return end.exited ? end.status : 202;
}

static void
no_descriptor_leaks(void **state)
{
	const int before = open_descriptors();
	int fd;

	(void)state;
	fd = open("/dev/null", O_RDONLY); /* not close-on-exec */
	assert_true(fd > STDERR_FILENO);
	assert_int_equal(dup2(fd, 77), 77);
	assert_int_equal(quietly("for f in /proc/$$/fd/*; do n=${f##*/};"
				 "test $n -le 2 || ! test -e $f || exit 9; "
				 "done; exit 6"),
	    6);
	close(fd);
	close(77);
	assert_int_equal(open_descriptors(), before);
}

/* A signal's bit in a line of /proc/self/status must be clear. */
#define MASK_CLEAR(name)                                                       \
	"! grep -E '^" name ":.*[^0[:space:]]' /proc/self/status"

static void
with_signals_held_back(const scratch *s)
{
	sigset_t set, now;

	(void)s;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	NEED(1, quietly(MASK_CLEAR("SigBlk")) == 0);
	NEED(2, quietly(MASK_CLEAR("SigIgn")) == 0);
	NEED(3, quietly("kill -TERM $$; exit 0") == 202);
	sigprocmask(SIG_BLOCK, NULL, &now);
	NEED(4, sigismember(&now, SIGINT) == 1);
	NEED(5, sigismember(&now, SIGTERM) == 1);
	NEED(6, sigismember(&now, SIGCHLD) == 0);
}

static void
with_no_stdio(const scratch *s)
{
	const int before = open_descriptors();

	(void)s;
	for (int mask = 1; mask < 8; mask++) {
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			if ((mask & 1 << fd) != 0)
				close(fd);
		NEED(1,
		    quietly("test \"$(readlink /proc/$$/fd/0)\" = /dev/null"
			    " && test -p /proc/$$/fd/1"
			    " && test -p /proc/$$/fd/2") == 0);
		NEED(2, quietly("exit 5") == 5);
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			NEED(3,
			    (mask & 1 << fd) == 0 || fcntl(fd, F_GETFD) == -1);
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			NEED(4,
			    (mask & 1 << fd) == 0 ||
				open("/dev/null", O_RDWR) == fd);
	}
	NEED(5, open_descriptors() == before);
}

static void
with_children_ignored(const scratch *s)
{
	struct sigaction now;

	(void)s;
	signal(SIGCHLD, SIG_IGN);
	NEED(1, quietly("exit 5") == 5);
	NEED(2, sigaction(SIGCHLD, NULL, &now) == 0);
	NEED(3, now.sa_handler == SIG_IGN);
}

/* Its own child has ended before the call; it must still be there to wait for.
 */
static void
with_another_child(const scratch *s)
{
	const pid_t pid = fork();
	siginfo_t info;

	(void)s;
	if (pid == 0)
		_exit(33);
	NEED(1, waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
	NEED(2, quietly("exit 5") == 5);
	NEED(3, child_result(pid) == 33);
}

static void
no_caller_makes_a_difference(void **state)
{
	run_caller(with_signals_held_back, *state);
	run_caller(with_no_stdio, *state);
	run_caller(with_children_ignored, *state);
	run_caller(with_another_child, *state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_it_ended_is_told),
		cmocka_unit_test(both_streams_come_in_order),
		cmocka_unit_test(any_byte_comes),
		cmocka_unit_test(no_more_than_max_is_kept),
		cmocka_unit_test(nothing_is_lost_at_the_end),
		cmocka_unit_test(arguments_are_passed_as_they_are),
		cmocka_unit_test(its_stdin_is_empty),
		cmocka_unit_test(its_session_is_its_own),
		SCRATCH_TEST(one_that_ignores_term_is_killed),
		SCRATCH_TEST(one_that_takes_term_may_say_goodbye),
		cmocka_unit_test(one_that_never_stops_writing_is_late),
		SCRATCH_TEST(after_the_deadline_nothing_is_started),
		SCRATCH_TEST(what_it_leaves_in_its_group_is_killed),
		SCRATCH_TEST(a_daemon_with_its_stdout_is_not_waited_for),
		SCRATCH_TEST(it_dies_with_its_caller),
		SCRATCH_TEST(what_cannot_be_run_is_not_there),
		cmocka_unit_test(no_descriptor_leaks),
		SCRATCH_TEST(no_caller_makes_a_difference),
	};

	as_in_the_foreground();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
