/* SPDX-License-Identifier: Apache-2.0 */
/* hl_spawn_tee(): who and what ends a program, and what does not. */
#include "util/spawn_tee_help.h"

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
	hl_sleep_ms(1300); /* longer than others are waited for */
	out = all_of(e.mine);
	assert_int_equal(out.n, 120000);
	assert_int_equal(child_result(pid), 4);
	hl_buf_free(&out);
}

/* ---- what it leaves behind ---------------------------------------------- */

static void
one_who_holds_its_stdout_is_not_waited_for(void **state)
{
	static const struct {
		const char *text;
		bool terminal;
	} rows[] = {
		{ "sleep 1000 & echo $! >&2; exit 4", false },
		{ "sleep 1000 & echo $! >&2; exit 4", true },
		{ "trap '' PIPE HUP; yes & echo $! >&2; exit 4", false },
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const ends out = rows[i].terminal ? make_terminal(true)
						  : make_pipe(),
			   err = make_pipe();
		const int mine[2] = { out.mine, err.mine };
		const call c = { .s = *state,
			.text = rows[i].text,
			.max = 1000,
			.in = null_in(),
			.out = out.its,
			.err = err.its };
		hl_buf b[2] = { HL_BUF_INIT, HL_BUF_INIT };
		const pid_t pid = start(&c);

		close(out.its);
		close(err.its);
		collect(mine, b);
		CHECK(child_result(pid) == 4, rows[i].text);
		CHECK(b[1].n > 1, rows[i].text);
		(void)kill((pid_t)strtol(hl_buf_str(&b[1]), NULL, 10), SIGKILL);
		hl_buf_free(&b[0]);
		hl_buf_free(&b[1]);
		close(out.mine);
		close(err.mine);
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

	as_in_the_foreground();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
