/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <termios.h>
#include <utmp.h>

#include "util/clock.h"
#include "util/file.h"
#include "util/scratch.h"

#define PATIENCE_MS 20000

/* ---- words that are no terminal ----------------------------------------- */

static hl_rc
ask_in(hl_secret *s, char buf[HL_PIN_SIZE], hl_err *err)
{
	memset(buf, 0, HL_PIN_SIZE);
	return s->source.ask(
	    s->source.arg, "PIN of token \"t\"", false, buf, HL_PIN_SIZE, err);
}

static hl_rc
ask_word(const char *word, char buf[HL_PIN_SIZE], hl_err *err)
{
	hl_secret s;
	hl_rc rc = hl_secret_init(&s, word, false, err);

	if (rc == HL_OK)
		rc = ask_in(&s, buf, err);
	hl_secret_free(&s);
	return rc;
}

static void
words_that_say_no_place(void **state)
{
	static const char *const rows[] = { "", "1234",
		"env:", "file:", "fd:", "fd:x", "fd:-1", "fd:99999999999",
		"pass:S3CR3T", "S3CR3T", ":", "ENV:X", "env" };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_err err = { 0 };
		hl_secret s;

		CHECK(hl_secret_init(&s, rows[i], false, &err) == HL_EUSAGE,
		    rows[i]);
		/* somebody may have put the secret itself there */
		CHECK(strstr(err.why, "S3CR3T") == NULL, rows[i]);
		CHECK(strstr(err.what, "S3CR3T") == NULL, rows[i]);
		CHECK(strstr(err.hint, "env:NAME") != NULL, rows[i]);
	}
}

static void
last_try_is_passed_on(void **state)
{
	hl_secret s;

	(void)state;
	assert_int_equal(hl_secret_init(&s, "env:X", true, NULL), HL_OK);
	assert_true(s.source.last_try_ok);
	assert_int_equal(hl_secret_init(&s, "env:X", false, NULL), HL_OK);
	assert_false(s.source.last_try_ok);
}

static void
environment(void **state)
{
	char buf[HL_PIN_SIZE], longest[HL_PIN_SIZE + 1];
	hl_err err = { 0 };

	(void)state;
	(void)unsetenv("HL_TEST_PIN");
	assert_int_equal(ask_word("env:HL_TEST_PIN", buf, &err), HL_EUSAGE);
	assert_non_null(strstr(err.why, "HL_TEST_PIN"));
	assert_int_equal(setenv("HL_TEST_PIN", "", 1), 0);
	assert_int_equal(ask_word("env:HL_TEST_PIN", buf, &err), HL_EINPUT);
	assert_int_equal(setenv("HL_TEST_PIN", " 12 34 ", 1), 0);
	assert_int_equal(ask_word("env:HL_TEST_PIN", buf, NULL), HL_OK);
	assert_string_equal(buf, " 12 34 ");
	memset(longest, '7', sizeof(longest));
	longest[HL_PIN_SIZE] = '\0';
	assert_int_equal(setenv("HL_TEST_PIN", longest, 1), 0);
	assert_int_equal(ask_word("env:HL_TEST_PIN", buf, &err), HL_EINPUT);
	assert_null(strstr(err.why, "777"));
	longest[HL_PIN_SIZE - 1] = '\0';
	assert_int_equal(setenv("HL_TEST_PIN", longest, 1), 0);
	assert_int_equal(ask_word("env:HL_TEST_PIN", buf, NULL), HL_OK);
	assert_string_equal(buf, longest);
	(void)unsetenv("HL_TEST_PIN");
}

static void
file(void **state)
{
	const scratch *sc = *state;
	static const struct {
		const char *text;
		size_t n;
		hl_rc rc;
		const char *pin;
	} rows[] = {
		{ "1234", 4, HL_OK, "1234" },
		{ "1234\n", 5, HL_OK, "1234" },
		{ "1234\r\n", 6, HL_OK, "1234" },
		{ "1234\nnext line", 14, HL_OK, "1234" },
		{ " 1234 \n", 7, HL_OK, " 1234 " },
		{ "", 0, HL_EINPUT, "" },
		{ "\n1234", 5, HL_EINPUT, "" },
		{ "12\0 34", 6, HL_EINPUT, "" },
	};
	char word[PATH_MAX + 8], buf[HL_PIN_SIZE];
	hl_err err = { 0 };

	snprintf(word, sizeof(word), "file:%s", sc->path);
	assert_int_equal(ask_word(word, buf, &err), HL_ENOTFOUND);
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		assert_int_equal(hl_file_write(sc->path, rows[i].text,
				     rows[i].n, 0600, NULL),
		    HL_OK);
		CHECK(ask_word(word, buf, NULL) == rows[i].rc, rows[i].text);
		CHECK(strcmp(buf, rows[i].pin) == 0, rows[i].text);
	}
	assert_int_equal(hl_file_write(sc->path, "1234", 4, 0600, NULL), HL_OK);
	assert_int_equal(chmod(sc->path, 0640), 0);
	assert_int_equal(ask_word(word, buf, &err), HL_EACCESS);
	assert_non_null(strstr(err.hint, "chmod 600"));
}

static void
descriptor(void **state)
{
	char word[32], buf[HL_PIN_SIZE], rest[16] = "";
	hl_err err = { 0 };
	hl_secret s;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	snprintf(word, sizeof(word), "fd:%d", fd[0]);
	assert_int_equal(write(fd[1], "1234\r\nrest", 10), 10);
	assert_int_equal(hl_secret_init(&s, word, false, NULL), HL_OK);
	assert_int_equal(ask_in(&s, buf, NULL), HL_OK);
	assert_string_equal(buf, "1234");
	/* It comes once, and may be asked for twice. */
	assert_int_equal(ask_in(&s, buf, NULL), HL_OK);
	assert_string_equal(buf, "1234");
	hl_secret_free(&s);
	assert_false(s.has_line);
	assert_string_equal(s.line, "");
	assert_int_equal(read(fd[0], rest, sizeof(rest)), 4);
	assert_string_equal(rest, "rest");
	close(fd[1]);
	assert_int_equal(ask_word(word, buf, &err), HL_EINPUT);
	close(fd[0]);
	assert_int_equal(ask_word(word, buf, &err), HL_EIO);
	assert_non_null(strstr(err.why, strerror(EBADF)));
}

static void
descriptor_with_too_much(void **state)
{
	char word[32], buf[HL_PIN_SIZE], text[HL_PIN_SIZE];
	int fd[2];

	(void)state;
	memset(text, '7', sizeof(text));
	for (size_t n = HL_PIN_SIZE - 1; n <= HL_PIN_SIZE; n++) {
		assert_int_equal(pipe(fd), 0);
		snprintf(word, sizeof(word), "fd:%d", fd[0]);
		assert_int_equal(write(fd[1], text, n), n);
		close(fd[1]);
		assert_int_equal(ask_word(word, buf, NULL),
		    n < HL_PIN_SIZE ? HL_OK : HL_EINPUT);
		close(fd[0]);
	}
}

/* ---- the terminal ------------------------------------------------------- */

typedef struct term {
	int master, slave;
	int result; /* what the child says */
	pid_t child;
	char seen[4096]; /* on the terminal */
	size_t n;
} term;

/* What the child does, in a session of its own. */
static void
child_asks(int out, bool last_try)
{
	char buf[HL_PIN_SIZE] = "";
	hl_err err = { 0 };
	hl_rc rc;
	hl_buf b = HL_BUF_INIT;

	rc = hl_secret_prompt(
	    "PIN of \x1b[31mtoken", last_try, buf, sizeof(buf), &err);
	hl_buf_printf(&b, "%s|%s|%s", hl_rc_name(rc), buf, err.why);
	if (write(out, b.p, b.n) != (ssize_t)b.n)
		_exit(9);
	_exit(0);
}

static void
read_more(term *t, int ms)
{
	struct pollfd p = { t->master, POLLIN, 0 };
	ssize_t r;

	if (poll(&p, 1, ms) <= 0 || t->n >= sizeof(t->seen) - 1)
		return;
	r = read(t->master, t->seen + t->n, sizeof(t->seen) - 1 - t->n);
	if (r > 0)
		t->n += (size_t)r;
	t->seen[t->n] = '\0';
}

/* Until these words stand on the terminal `times` times. */
static void
wait_seen(term *t, const char *words, int times)
{
	const hl_deadline until = hl_deadline_in(PATIENCE_MS);

	for (;;) {
		int n = 0;

		for (const char *s = t->seen; (s = strstr(s, words)) != NULL;
		     s++)
			n++;
		if (n >= times)
			return;
		assert_true(hl_deadline_left(until) > 0);
		read_more(t, 50);
	}
}

static bool
echoes(const term *t)
{
	struct termios now;

	assert_int_equal(tcgetattr(t->slave, &now), 0);
	return (now.c_lflag & ECHO) != 0;
}

/* A terminal that stays when its session ends. */
static void
term_open(term *t)
{
	memset(t, 0, sizeof(*t));
	assert_int_equal(openpty(&t->master, &t->slave, NULL, NULL, NULL), 0);
	assert_true(echoes(t));
}

static void
term_start(term *t, void (*run)(int out, bool last_try), bool last_try)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	t->child = fork();
	assert_true(t->child >= 0);
	if (t->child == 0) {
		close(fd[0]);
		close(t->master);
		if (login_tty(t->slave) != 0)
			_exit(8);
		run(fd[1], last_try);
		_exit(7);
	}
	close(fd[1]);
	t->result = fd[0];
}

static void
term_type(const term *t, const char *s)
{
	assert_int_equal(write(t->master, s, strlen(s)), strlen(s));
}

/* What the child said at its end. */
static void
term_result(term *t, char *out, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while (n < size - 1 && (r = read(t->result, out + n, size - 1 - n)) > 0)
		n += (size_t)r;
	out[n] = '\0';
}

static void
term_close(term *t)
{
	close(t->result);
	close(t->master);
	close(t->slave);
}

static void
typed_unseen(void **state)
{
	char said[1024];
	term t;

	(void)state;
	for (int last = 0; last < 2; last++) {
		term_open(&t);
		/* flushed: not an answer; seen there before the question */
		term_type(&t, "before\n");
		wait_seen(&t, "before", 1);
		term_start(&t, child_asks, last == 1);
		wait_seen(&t, ": ", 1);
		/* the token's name does not reach the terminal as it is */
		assert_non_null(strstr(t.seen, "PIN of ?[31mtoken"));
		assert_true(
		    (strstr(t.seen, "LAST TRY") != NULL) == (last == 1));
		assert_false(echoes(&t));
		term_type(&t, "98765\177\n"); /* one rubbed out */
		term_result(&t, said, sizeof(said));
		assert_string_equal(said, "ok|9876|");
		assert_int_equal(child_result(t.child), 0);
		assert_true(echoes(&t));
		read_more(&t, 100);
		assert_null(strstr(t.seen, "9876"));
		term_close(&t);
	}
}

static void
nothing_or_too_much_typed(void **state)
{
	char said[1024], text[HL_PIN_SIZE + 2];
	term t;

	(void)state;
	for (size_t n = 0; n < 4; n++) {
		const size_t len[] = { 0, 0, HL_PIN_SIZE - 1, HL_PIN_SIZE };

		memset(text, '7', sizeof(text));
		text[len[n]] = n == 1 ? '\004' : '\n'; /* Ctrl-D */
		text[len[n] + 1] = '\0';
		term_open(&t);
		term_start(&t, child_asks, false);
		wait_seen(&t, ": ", 1);
		term_type(&t, text);
		term_result(&t, said, sizeof(said));
		if (n < 2)
			assert_non_null(strstr(said, "input||nothing was"));
		else if (n == 2)
			assert_int_equal(
			    strspn(said + 3, "7"), HL_PIN_SIZE - 1);
		else
			assert_non_null(strstr(said, "input||what was typed"));
		assert_int_equal(child_result(t.child), 0);
		assert_true(echoes(&t));
		term_close(&t);
	}
}

static void
signals_put_the_echo_back(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
		SIGALRM };
	term t;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(signals); i++) {
		term_open(&t);
		term_start(&t, child_asks, false);
		wait_seen(&t, ": ", 1);
		term_type(&t, "123"); /* half a PIN */
		assert_false(echoes(&t));
		assert_int_equal(kill(t.child, signals[i]), 0);
		assert_int_equal(child_result(t.child), -signals[i]);
		assert_true(echoes(&t));
		term_close(&t);
	}
}

static void
control_c(void **state)
{
	term t;

	(void)state;
	term_open(&t);
	term_start(&t, child_asks, false);
	wait_seen(&t, ": ", 1);
	term_type(&t, "12\003");
	assert_int_equal(child_result(t.child), -SIGINT);
	assert_true(echoes(&t));
	term_close(&t);
}

static void
ignore(int sig)
{
	(void)sig;
}

/* A handler that comes back: asking has failed, and the program goes on. */
static void
child_with_handler(int out, bool last_try)
{
	struct sigaction a = { .sa_handler = ignore };

	(void)sigaction(SIGTERM, &a, NULL);
	(void)signal(SIGHUP, SIG_IGN);
	child_asks(out, last_try);
}

static void
handlers_of_the_program(void **state)
{
	char said[1024];
	term t;

	(void)state;
	term_open(&t);
	term_start(&t, child_with_handler, false);
	wait_seen(&t, ": ", 1);
	assert_int_equal(kill(t.child, SIGHUP), 0); /* ignored: no end */
	hl_sleep_ms(100);
	assert_false(echoes(&t));
	assert_int_equal(kill(t.child, SIGTERM), 0);
	term_result(&t, said, sizeof(said));
	assert_string_equal(said, "denied||signal 15 came");
	assert_int_equal(child_result(t.child), 0);
	assert_true(echoes(&t));
	term_close(&t);
}

/* Stands for a shell with job control: Ctrl-Z, look, fg. */
static void
child_under_a_shell(int out, bool last_try)
{
	struct termios now;
	int status;
	pid_t job;

	(void)signal(SIGTTOU, SIG_IGN);
	job = fork();
	if (job == 0) {
		(void)setpgid(0, 0);
		(void)tcsetpgrp(0, getpid());
		(void)signal(SIGTTOU, SIG_DFL);
		child_asks(out, last_try);
	}
	if (job < 0 || waitpid(job, &status, WUNTRACED) != job ||
	    !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTSTP)
		_exit(1);
	(void)tcsetpgrp(0, getpid());
	if (tcgetattr(0, &now) != 0 || (now.c_lflag & ECHO) == 0)
		_exit(2);
	(void)tcsetpgrp(0, job);
	(void)kill(job, SIGCONT);
	if (waitpid(job, &status, 0) != job)
		_exit(3);
	_exit(status == 0 ? 0 : 4);
}

static void
stopped_and_asked_again(void **state)
{
	char said[1024];
	term t;

	(void)state;
	term_open(&t);
	term_start(&t, child_under_a_shell, false);
	wait_seen(&t, ": ", 1);
	term_type(&t, "half\032");
	wait_seen(&t, "token: ", 2);
	term_type(&t, "1234\n");
	term_result(&t, said, sizeof(said));
	assert_string_equal(said, "ok|1234|");
	assert_int_equal(child_result(t.child), 0);
	assert_true(echoes(&t));
	term_close(&t);
}

static void
no_terminal_to_ask_on(void **state)
{
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		char buf[HL_PIN_SIZE] = "";
		hl_err err = { 0 };

		(void)setsid(); /* no controlling terminal */
		_exit(ask_word(NULL, buf, &err) == HL_EUSAGE &&
			    strstr(err.hint, "--pin env:NAME") != NULL
			? 0
			: 1);
	}
	assert_int_equal(child_result(pid), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_that_say_no_place),
		cmocka_unit_test(last_try_is_passed_on),
		cmocka_unit_test(environment),
		SCRATCH_TEST(file),
		cmocka_unit_test(descriptor),
		cmocka_unit_test(descriptor_with_too_much),
		cmocka_unit_test(typed_unseen),
		cmocka_unit_test(nothing_or_too_much_typed),
		cmocka_unit_test(signals_put_the_echo_back),
		cmocka_unit_test(control_c),
		cmocka_unit_test(handlers_of_the_program),
		cmocka_unit_test(stopped_and_asked_again),
		cmocka_unit_test(no_terminal_to_ask_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
