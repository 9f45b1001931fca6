/* SPDX-License-Identifier: Apache-2.0 */
/* hl_spawn_tee(): what the user and the program see of each other. */
#include "util/spawn_tee_help.h"

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
		.text = "i=0; while test $i -lt 500; do echo o$i;"
			"echo e$i >&2; i=$((i + 1)); done" };
	hl_buf expected = HL_BUF_INIT, copy;

	for (int i = 0; i < 500; i++)
		hl_buf_printf(&expected, "o%d\ne%d\n", i, i);
	assert_text(watch(&c, 0), hl_buf_str(&expected));
	copy = file_of(*state, "copy");
	assert_same(&copy, &expected);
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

/* It has it from the terminal, and not from us a second time, later. */
static void
ctrl_c_comes_once(void **state)
{
	const scratch *s = *state;
	const ends t = make_terminal(true);
	const call c = { .s = s,
		.text = "trap 'echo int; : > $1.int' INT; " READY
			"until test -e $1.go; do sleep 0.02; done;"
			"sleep 0.2; exit 6",
		.in = null_in(),
		.out = t.its,
		.err = t.its,
		.terminal = true };
	const pid_t pid = start(&c);
	char path[PATH_MAX + 8];

	close(t.its);
	wait_ready(s);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(write(t.mine, "\003", 1), 1);
	snprintf(path, sizeof(path), "%s.int", s->path);
	assert_true(wait_file(path));
	assert_int_equal(kill(pid, SIGCONT), 0);
	snprintf(path, sizeof(path), "%s.go", s->path);
	make_file(path, "", 0600);
	assert_text(all_of(t.mine), "int\n");
	assert_int_equal(child_result(pid), 6);
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
	};

	as_in_the_foreground();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
