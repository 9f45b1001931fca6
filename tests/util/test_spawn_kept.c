/* SPDX-License-Identifier: Apache-2.0 */
/* hl_spawn_kept(): a program whose work outlives the process that began it. */
#include <sys/resource.h>

#include "util/file.h"
#include "util/lock.h"
#include "util/spawn_help.h"

typedef struct name {
	char text[PATH_MAX + 16];
} name;

static name
beside(const scratch *s, const char *suffix)
{
	name n;

	snprintf(n.text, sizeof(n.text), "%s.%s", s->path, suffix);
	return n;
}

static void
assert_holds(const scratch *s, const char *suffix, const char *expected)
{
	const name n = beside(s, suffix);
	hl_buf b = HL_BUF_INIT;
	struct stat st;

	assert_int_equal(hl_file_read(n.text, PLENTY, &b, NULL), HL_OK);
	assert_int_equal(b.n, strlen(expected));
	assert_string_equal(hl_buf_str(&b), expected);
	assert_int_equal(stat(n.text, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	hl_buf_free(&b);
}

static bool
is_there(const scratch *s, const char *suffix)
{
	return access(beside(s, suffix).text, F_OK) == 0;
}

static void
make(const scratch *s, const char *suffix, const char *text)
{
	make_file(beside(s, suffix).text, text, 0600);
}

/* What the script, whose $1 is BASE, came to. */
static hl_rc
keep(const scratch *s, const char *text, hl_buf *out, hl_ended *end,
    uint32_t ms, hl_err *err)
{
	const script p = sh_with(text, s->path);

	return hl_spawn_kept(
	    p.argv, s->path, NULL, PLENTY, out, end, hl_deadline_in(ms), err);
}

static hl_ended
keep_ok(const scratch *s, const char *text, hl_buf *out, uint32_t ms)
{
	hl_err err = { 0 };
	hl_ended end;

	if (keep(s, text, out, &end, ms, &err) != HL_OK)
		fail_msg("%s: %s", err.what, err.why);
	assert_false(out->failed);
	return end;
}

static hl_rc
left(const scratch *s, hl_buf *out, hl_ended *end)
{
	memset(end, 0xff, sizeof(*end));
	return hl_spawn_kept_end(s->path, PLENTY, out, end, NULL);
}

static bool
same_end(const hl_ended *a, const hl_ended *b)
{
	return a->exited == b->exited && a->status == b->status &&
	    a->signal == b->signal && a->late == b->late;
}

/* ---- ends --------------------------------------------------------------- */

static void
how_it_ended_is_told_and_written(void **state)
{
	static const struct {
		const char *text, *file;
		hl_ended end;
	} rows[] = {
		{ "exit 0", "exit 0\n", { true, 0, 0, false } },
		{ "exit 3", "exit 3\n", { true, 3, 0, false } },
		{ "exit 255", "exit 255\n", { true, 255, 0, false } },
		{ "kill -TERM $$", "signal 15\n", { false, 0, 15, false } },
		{ "kill -KILL $$", "signal 9\n", { false, 0, 9, false } },
	};
	const scratch *s = *state;

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_buf out = HL_BUF_INIT;
		hl_ended e = keep_ok(s, rows[i].text, &out, LONG_MS);

		CHECK(same_end(&e, &rows[i].end), rows[i].text);
		assert_holds(s, "end", rows[i].file);
		assert_holds(s, "log", "");
		CHECK(left(s, &out, &e) == HL_OK, rows[i].text);
		CHECK(same_end(&e, &rows[i].end), rows[i].text);
		CHECK(out.n == 0, rows[i].text);
		hl_buf_free(&out);
	}
	assert_int_equal(scratch_count(s), 2);
}

static void
its_output_is_told_and_written(void **state)
{
	const scratch *s = *state;
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	hl_buf_put(&out, ">", 1);
	(void)keep_ok(s, "echo o; echo e >&2; echo p; cat", &out, LONG_MS);
	assert_string_equal(hl_buf_str(&out), ">o\ne\np\n");
	assert_holds(s, "log", "o\ne\np\n");
	assert_int_equal(left(s, &out, &end), HL_OK);
	assert_string_equal(hl_buf_str(&out), ">o\ne\np\no\ne\np\n");
	hl_buf_reset(&out);
	(void)keep_ok(s, "echo new", &out, LONG_MS);
	assert_string_equal(hl_buf_str(&out), "new\n");
	assert_holds(s, "log", "new\n");
	hl_buf_free(&out);
}

static void
no_more_than_max_is_written(void **state)
{
	const script p = sh("head -c 200000 /dev/zero | tr '\\0' x; exit 2");
	const script q = sh("printf xxxxx; exit 2");
	const scratch *s = *state;
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	assert_int_equal(hl_spawn_kept(p.argv, s->path, NULL, 5, &out, &end,
			     hl_deadline_in(LONG_MS), NULL),
	    HL_OK);
	/* it may have told of a failure behind that */
	assert_false(end.exited);
	assert_true(buf_is(&out, "xxxxx"));
	assert_holds(s, "log", "xxxxx");
	assert_false(is_there(s, "end"));
	hl_buf_reset(&out);
	assert_int_equal(hl_spawn_kept(q.argv, s->path, NULL, 5, &out, &end,
			     hl_deadline_in(LONG_MS), NULL),
	    HL_OK);
	assert_int_equal(end.status, 2);
	hl_buf_reset(&out);
	/* somebody else allows less */
	assert_int_equal(
	    hl_spawn_kept_end(s->path, 3, &out, &end, NULL), HL_OK);
	assert_int_equal(end.status, 2);
	assert_true(buf_is(&out, "xxx"));
	hl_buf_free(&out);
}

static void
one_that_is_late_is_ended(void **state)
{
	const scratch *s = *state;
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	end = keep_ok(s, "exec sleep 1000", &out, 200);
	assert_true(end.late);
	assert_false(end.exited);
	assert_holds(s, "end", "late\n");
	assert_int_equal(left(s, &out, &end), HL_OK);
	assert_true(end.late);
	assert_false(end.exited);
	assert_int_equal(out.n, 0);
}

/* One that ignores TERM. */
static void
one_that_is_late_is_killed(void **state)
{
	const scratch *s = *state;
	hl_buf out = HL_BUF_INIT;
	uint32_t ms = 200;
	hl_ended end;

	do {
		end = keep_ok(
		    s, "trap '' TERM; : > \"$1.ready\"; sleep 1000", &out, ms);
		ms *= 2;
	} while (!is_there(s, "ready") && ms < LONG_MS);
	assert_true(end.late);
	assert_int_equal(end.signal, SIGKILL);
	assert_holds(s, "end", "late\n");
}

static void
after_the_deadline_nothing_is_started(void **state)
{
	const scratch *s = *state;
	const script p = sh_with(": > \"$1\"", s->path);
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	assert_int_equal(hl_spawn_kept(p.argv, s->path, NULL, PLENTY, &out,
			     &end, hl_mono_ms() - 1, NULL),
	    HL_ETIMEOUT);
	assert_int_equal(scratch_count(s), 0);
}

/* ---- when we are not there any more ------------------------------------- */

/* Says where it is, waits to be let go, and ends in a way of its own. */
#define WAITING                                                                \
	"echo begun; echo $$ $PPID > \"$1.new\" && mv \"$1.new\" \"$1.pid\";"  \
	"until test -e \"$1.go\"; do sleep 0.02; done; echo done; exit 4"

typedef struct running {
	pid_t us, program, keeper;
	int out; /* the caller's stdout, to be read */
} running;

static hl_lock *
take_lock(const scratch *s)
{
	hl_lock *l;

	NEED(1, hl_lock_take(&l, beside(s, "lock").text, 0, NULL) == HL_OK);
	return l;
}

/* Its exit status is that of the program, or tells what is wrong. */
static void
keep_waiting(const scratch *s)
{
	hl_lock *l = take_lock(s);
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	NEED(2, keep(s, WAITING, &out, &end, LONG_MS, NULL) == HL_OK);
	/* the keeper is reaped whatever became of it */
	NEED(3, waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	hl_lock_free(&l, false);
	_exit(end.exited ? end.status : 100 + end.signal);
}

/* The keeper may come later than the program. */
static void
wait_log(const scratch *s, off_t n)
{
	const hl_deadline until = hl_deadline_in(LONG_MS);
	const name log = beside(s, "log");
	struct stat st;

	do {
		hl_sleep_ms(2);
		assert_int_equal(stat(log.text, &st), 0);
	} while (st.st_size < n && hl_deadline_left(until) > 0);
	assert_int_equal(st.st_size, n);
}

/* With a process group of its own, for what comes from a keyboard. */
static running
start_waiting(const scratch *s, caller *run)
{
	const name pid = beside(s, "pid");
	running r = { 0 };
	int fd[2], program, keeper;
	FILE *f;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	r.us = fork();
	assert_true(r.us >= 0);
	if (r.us == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		NEED(1, setpgid(0, 0) == 0 && dup2(fd[1], STDOUT_FILENO) == 1);
		close(fd[1]); /* of ours, the keeper frees stdio only */
		run(s);
	}
	close(fd[1]);
	r.out = fd[0];
	assert_true(wait_file(pid.text));
	f = fopen(pid.text, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d %d", &program, &keeper), 2);
	fclose(f);
	r.program = program;
	r.keeper = keeper;
	assert_int_not_equal(keeper, r.us);
	wait_log(s, 6); /* "begun\n" */
	return r;
}

static void
assert_at_work(const scratch *s, const running *r)
{
	const name lock = beside(s, "lock");
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	assert_false(is_gone(r->program));
	assert_false(is_gone(r->keeper));
	assert_true(hl_lock_held(lock.text));
	assert_int_equal(left(s, &out, &end), HL_ENOTFOUND);
	assert_false(end.exited || end.late);
	assert_int_equal(end.signal, 0);
	assert_true(buf_is(&out, "begun\n"));
	hl_buf_free(&out);
}

/* Lets it go; it leaves the same whether we are there (us > 0) or not. */
static void
assert_ends(const scratch *s, const running *r)
{
	const name end = beside(s, "end"), lock = beside(s, "lock");

	make(s, "go", "");
	assert_true(wait_file(end.text));
	assert_holds(s, "end", "exit 4\n");
	assert_holds(s, "log", "begun\ndone\n");
	assert_true(wait_gone(r->keeper));
	assert_true(is_gone(r->program));
	if (r->us > 0) /* it holds the lock, too */
		assert_int_equal(child_result(r->us), 4);
	assert_false(hl_lock_held(lock.text));
	close(r->out);
}

/* Nobody who reads what we write is kept waiting for the keeper. */
static void
assert_nobody_writes(int fd)
{
	char c;

	assert_int_equal(read(fd, &c, 1), 0);
}

static void
end_us(running *r, pid_t whom, int signal)
{
	assert_int_equal(kill(whom, signal), 0);
	assert_int_equal(child_result(r->us), -signal);
	r->us = 0;
}

static void
it_outlives_us(void **state)
{
	const scratch *s = *state;
	running r = start_waiting(s, keep_waiting);

	assert_at_work(s, &r);
	end_us(&r, r.us, SIGKILL);
	assert_nobody_writes(r.out);
	assert_at_work(s, &r);
	assert_ends(s, &r);
}

static void
it_outlives_the_whole_group(void **state)
{
	const scratch *s = *state;
	running r = start_waiting(s, keep_waiting);

	end_us(&r, -r.us, SIGKILL);
	assert_at_work(s, &r);
	assert_ends(s, &r);
}

/* Ctrl-C, and what else is sent to end a program: we end, it goes on. */
static void
signals_for_us_do_not_end_it(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
		SIGUSR1, SIGALRM };
	const scratch *s = *state;
	running r = start_waiting(s, keep_waiting);

	for (size_t i = 0; i < HL_COUNT(signals); i++)
		assert_int_equal(kill(r.keeper, signals[i]), 0);
	end_us(&r, -r.us, SIGINT);
	assert_at_work(s, &r);
	assert_ends(s, &r);
}

static void
keep_waiting_held(const scratch *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	keep_waiting(s);
}

static void
with_signals_held_back_we_see_the_end(void **state)
{
	const scratch *s = *state;
	const running r = start_waiting(s, keep_waiting_held);

	assert_int_equal(kill(-r.us, SIGINT), 0);
	assert_at_work(s, &r);
	assert_ends(s, &r);
}

/* Then nobody knows how far the program came: it is not left running. */
static void
a_killed_keeper_takes_it_along(void **state)
{
	const scratch *s = *state;
	const name lock = beside(s, "lock");
	const running r = start_waiting(s, keep_waiting);

	assert_int_equal(kill(r.keeper, SIGKILL), 0);
	assert_int_equal(child_result(r.us), 100);
	assert_true(wait_gone(r.program));
	assert_false(is_there(s, "end"));
	assert_holds(s, "log", "begun\n");
	assert_false(hl_lock_held(lock.text));
	close(r.out);
}

static uint32_t sleeping_ms;

static void
keep_sleeping(const scratch *s)
{
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	NEED(2,
	    keep(s, "echo $$ > $1.new && mv $1.new $1.pid; exec sleep 1000",
		&out, &end, sleeping_ms, NULL) == HL_OK);
}

/* We are killed as soon as it runs: before its deadline, unless the machine is
 * too busy for it to start by then. */
static bool
killed_in_time(const scratch *s)
{
	const hl_deadline until = hl_deadline_in(LONG_MS);
	const pid_t us = start_caller(keep_sleeping, s);
	bool in_time;

	while (!is_there(s, "pid") && !is_there(s, "end") &&
	    hl_deadline_left(until) > 0)
		hl_sleep_ms(5);
	in_time = is_there(s, "pid") && !is_there(s, "end");
	assert_int_equal(kill(us, SIGKILL), 0);
	return child_result(us) == -SIGKILL && in_time;
}

static void
it_has_its_deadline_without_us(void **state)
{
	const scratch *s = *state;
	const name end = beside(s, "end"), pid = beside(s, "pid");

	for (sleeping_ms = 300; !killed_in_time(s); sleeping_ms *= 2) {
		assert_true(sleeping_ms < LONG_MS);
		assert_true(wait_file(end.text));
		(void)unlink(pid.text);
	}
	assert_true(wait_file(end.text));
	assert_holds(s, "end", "late\n");
	assert_true(is_gone(read_pid(pid.text)));
}

/* ---- what is there before ----------------------------------------------- */

static void
an_older_end_is_not_taken_for_its_own(void **state)
{
	const scratch *s = *state;
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	make(s, "end", "exit 0\n");
	make(s, "log", "old\n");
	end = keep_ok(s,
	    "test -e \"$1.end\" && exit 9; kill -KILL $PPID; exec sleep 9",
	    &out, LONG_MS);
	assert_false(end.exited || end.late);
	assert_int_equal(end.signal, 0);
	assert_false(is_there(s, "end"));
	assert_int_equal(out.n, 0);
}

static void
what_cannot_be_run_leaves_no_end(void **state)
{
	const scratch *s = *state;
	const int before = open_descriptors();
	hl_buf out = HL_BUF_INIT;
	unrunnable u[UNRUNNABLE];

	make_unrunnable(s, u);
	for (size_t i = 0; i < UNRUNNABLE; i++) {
		const char *const argv[] = { u[i].path, NULL };
		hl_err err = { 0 };
		hl_ended end;

		make(s, "end", "exit 0\n");
		CHECK(hl_spawn_kept(argv, s->path, NULL, PLENTY, &out, &end,
			  hl_deadline_in(LONG_MS), &err) == HL_ENODEV,
		    u[i].why);
		CHECK(err.rc == HL_ENODEV, u[i].why);
		CHECK(strstr(err.what, u[i].path) != NULL, u[i].why);
		CHECK(err.why[0] != '\0' && err.hint[0] != '\0', u[i].why);
		CHECK(!is_there(s, "end"), u[i].why);
		CHECK(left(s, &out, &end) == HL_ENOTFOUND, u[i].why);
		CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD,
		    u[i].why);
	}
	assert_int_equal(open_descriptors(), before);
}

static void
without_its_files_nothing_is_started(void **state)
{
	static const char text[] = ": > \"${1%/*}/started\"";
	const scratch *s = *state;
	const script p = sh_with(text, s->path);
	hl_buf out = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_ended end;
	name n = beside(s, "none/base");

	assert_int_equal(hl_spawn_kept(p.argv, n.text, NULL, PLENTY, &out, &end,
			     hl_deadline_in(LONG_MS), &err),
	    HL_EIO);
	assert_non_null(strstr(err.what, n.text));
	n = beside(s, "log");
	assert_int_equal(symlink("elsewhere", n.text), 0);
	assert_int_equal(keep(s, text, &out, &end, LONG_MS, &err), HL_EIO);
	assert_int_equal(unlink(n.text), 0);
	n = beside(s, "end");
	assert_int_equal(mkdir(n.text, 0700), 0);
	assert_int_not_equal(keep(s, text, &out, &end, LONG_MS, &err), HL_OK);
	assert_int_equal(scratch_count(s), 1);
}

/* We are there to hear it, though it could not be written down. */
static void
an_end_that_cannot_be_written_is_told(void **state)
{
	const scratch *s = *state;
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	end = keep_ok(s, "mkdir \"$1.end\"; echo hi; exit 6", &out, LONG_MS);
	assert_true(end.exited);
	assert_int_equal(end.status, 6);
	assert_true(buf_is(&out, "hi\n"));
	assert_int_equal(left(s, &out, &end), HL_EINPUT);
	hl_buf_free(&out);
}

/* Words of failure that found no place may have been among them. */
static void
output_that_cannot_be_written_leaves_no_end(void **state)
{
	const scratch *s = *state;
	hl_buf out = HL_BUF_INIT;
	struct rlimit was, small;
	hl_ended end;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 1000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	end = keep_ok(s, "head -c 999 /dev/zero", &out, LONG_MS);
	assert_true(end.exited);
	assert_int_equal(out.n, 999);
	hl_buf_reset(&out);
	end = keep_ok(s, "head -c 1001 /dev/zero", &out, LONG_MS);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_false(end.exited);
	assert_int_equal(end.signal, 0);
	assert_int_equal(out.n, 1000);
	assert_false(is_there(s, "end"));
	hl_buf_free(&out);
}

/* ---- what is there afterwards ------------------------------------------- */

static void
only_what_was_written_is_an_end(void **state)
{
	static const char *const rows[] = { "", "\n", "exit", "exit \n",
		"exit 0", "exit 0\n\n", "exit 0\nexit 0\n", " exit 0\n",
		"exit  0\n", "exit -1\n", "exit 256\n", "exit 00\n",
		"exit +1\n", "exit 0x1\n", "exit 4294967296\n", "Exit 0\n",
		"exit 0\r\n", "signal 0\n", "signal -9\n", "signal 65\n",
		"signal KILL\n", "late", "late\nlate\n", "later\n",
		"exit 1111111111111111111111111111111111111111111111111111\n" };
	const scratch *s = *state;
	const name n = beside(s, "end");
	hl_buf out = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_ended end;

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		make(s, "end", rows[i]);
		CHECK(left(s, &out, &end) == HL_ENOTFOUND, rows[i]);
		CHECK(!end.exited && !end.late && end.signal == 0, rows[i]);
		assert_int_equal(unlink(n.text), 0);
	}
	assert_int_equal(
	    hl_file_write(n.text, "late\n\0", 6, 0600, NULL), HL_OK);
	assert_int_equal(
	    hl_spawn_kept_end(s->path, PLENTY, &out, &end, &err), HL_ENOTFOUND);
	assert_int_equal(err.rc, HL_ENOTFOUND);
	assert_non_null(strstr(err.why, n.text));
	assert_int_equal(out.n, 0);
}

static void
every_end_reads_back(void **state)
{
	const scratch *s = *state;
	const name n = beside(s, "end");
	hl_buf out = HL_BUF_INIT;
	char text[32];
	hl_ended end;

	for (int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "exit %d\n", i);
		make(s, "end", text);
		CHECK(left(s, &out, &end) == HL_OK, text);
		CHECK(end.exited && end.status == i && !end.late, text);
		snprintf(text, sizeof(text), "signal %d\n", i);
		assert_int_equal(unlink(n.text), 0);
		make(s, "end", text);
		CHECK(
		    (left(s, &out, &end) == HL_OK) == (i > 0 && i < 65), text);
		CHECK(!end.exited && end.signal == (i < 65 ? i : 0), text);
		assert_int_equal(unlink(n.text), 0);
	}
	make(s, "end", "late\n");
	assert_int_equal(left(s, &out, &end), HL_OK);
	assert_true(end.late && !end.exited && end.signal == 0);
}

static void
without_an_end_nobody_knows(void **state)
{
	const scratch *s = *state;
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	assert_int_equal(left(s, &out, &end), HL_ENOTFOUND);
	assert_false(end.exited || end.late);
	assert_int_equal(end.signal, 0);
	assert_int_equal(out.n, 0);
	make(s, "log", "so far");
	assert_int_equal(left(s, &out, &end), HL_ENOTFOUND);
	assert_true(buf_is(&out, "so far"));
	hl_buf_free(&out);
}

/* ---- callers ------------------------------------------------------------ */

static int
status_of(const scratch *s, const char *text)
{
	hl_buf out = HL_BUF_INIT;
	hl_ended end;

	if (keep(s, text, &out, &end, LONG_MS, NULL) != HL_OK)
		return 200;
	if (out.n > 0 || out.failed)
		return 201;
	return end.exited ? end.status : 202;
}

static void
with_signals_held_back(const scratch *s)
{
	sigset_t set, now;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	NEED(1,
	    status_of(s,
		"grep -E '^Sig(Blk|Ign):.*[^0[:space:]]' "
		"/proc/self/status || exit 5") == 5);
	sigprocmask(SIG_BLOCK, NULL, &now);
	NEED(2, sigismember(&now, SIGUSR1) == 1);
}

static void
with_no_stdio(const scratch *s)
{
	for (int mask = 1; mask < 8; mask++) {
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			if ((mask & 1 << fd) != 0)
				close(fd);
		/* we hear the end, it is not only read from the file */
		NEED(10 + mask, status_of(s, "mkdir $1.end; exit 5") == 5);
		NEED(4, rmdir(beside(s, "end").text) == 0);
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			NEED(3,
			    (mask & 1 << fd) == 0 ||
				open("/dev/null", O_RDWR) == fd);
	}
}

static void
with_children_ignored(const scratch *s)
{
	signal(SIGCHLD, SIG_IGN);
	NEED(1, status_of(s, "exit 5") == 5);
}

static void
with_open_files(const scratch *s)
{
	int before;

	NEED(1, dup2(open("/dev/null", O_RDONLY), 77) == 77);
	before = open_descriptors();
	NEED(2,
	    status_of(s,
		"for f in /proc/$$/fd/*; do n=${f##*/};"
		"test $n -le 2 || ! test -e $f || exit 9; "
		"done; test -e /proc/$PPID/fd/77 || exit 8;"
		"exit 6") == 6);
	NEED(3, open_descriptors() == before);
}

static void
no_caller_makes_a_difference(void **state)
{
	run_caller(with_signals_held_back, *state);
	run_caller(with_no_stdio, *state);
	run_caller(with_children_ignored, *state);
	run_caller(with_open_files, *state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(how_it_ended_is_told_and_written),
		SCRATCH_TEST(its_output_is_told_and_written),
		SCRATCH_TEST(no_more_than_max_is_written),
		SCRATCH_TEST(one_that_is_late_is_ended),
		SCRATCH_TEST(one_that_is_late_is_killed),
		SCRATCH_TEST(after_the_deadline_nothing_is_started),
		SCRATCH_TEST(it_outlives_us),
		SCRATCH_TEST(it_outlives_the_whole_group),
		SCRATCH_TEST(signals_for_us_do_not_end_it),
		SCRATCH_TEST(with_signals_held_back_we_see_the_end),
		SCRATCH_TEST(a_killed_keeper_takes_it_along),
		SCRATCH_TEST(it_has_its_deadline_without_us),
		SCRATCH_TEST(an_older_end_is_not_taken_for_its_own),
		SCRATCH_TEST(what_cannot_be_run_leaves_no_end),
		SCRATCH_TEST(without_its_files_nothing_is_started),
		SCRATCH_TEST(an_end_that_cannot_be_written_is_told),
		SCRATCH_TEST(output_that_cannot_be_written_leaves_no_end),
		SCRATCH_TEST(only_what_was_written_is_an_end),
		SCRATCH_TEST(every_end_reads_back),
		SCRATCH_TEST(without_an_end_nobody_knows),
		SCRATCH_TEST(no_caller_makes_a_difference),
	};

	as_in_the_foreground();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
