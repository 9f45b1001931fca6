/* SPDX-License-Identifier: Apache-2.0 */
#include "util/lock.h"

#include <fcntl.h>
#include <signal.h>

#include "util/scratch.h"

#define LONG_MS 30000 /* longer than any test may take to get there */

static hl_lock *
take(const char *path, uint32_t ms)
{
	hl_err err = { 0 };
	hl_lock *l;

	if (hl_lock_take(&l, path, hl_deadline_in(ms), &err) != HL_OK)
		fail_msg("%s: %s", err.what, err.why);
	return l;
}

static hl_rc
try_once(const char *path)
{
	hl_lock *l = (hl_lock *)(uintptr_t)1;
	const hl_rc rc = hl_lock_take(&l, path, hl_mono_ms() - 1, NULL);

	if (rc == HL_OK)
		hl_lock_free(&l, false);
	assert_null(l);
	return rc;
}

/* A child that holds the lock until it is told to end, or killed. */
typedef struct holder {
	pid_t pid;
	int end; /* closing it lets the child free the lock and exit 0 */
} holder;

static void
hold_in_child(const char *path, int ready, int end)
{
	hl_lock *l;
	char c = 'r';

	if (hl_lock_take(&l, path, hl_deadline_in(LONG_MS), NULL) != HL_OK)
		_exit(9);
	if (write(ready, &c, 1) != 1 || read(end, &c, 1) != 0)
		_exit(8);
	hl_lock_free(&l, true);
	_exit(0);
}

static holder
start_holder(const char *path)
{
	int ready[2], end[2];
	holder h;
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	h.pid = fork();
	assert_true(h.pid >= 0);
	if (h.pid == 0) {
		close(end[1]);
		hold_in_child(path, ready[1], end[0]);
	}
	close(ready[1]);
	close(end[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	h.end = end[1];
	return h;
}

static void
one_holder_at_a_time(void **state)
{
	const scratch *s = *state;
	hl_err err = { 0 };
	hl_lock *a, *b;
	struct stat st;

	a = take(s->path, 0);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(hl_lock_held(s->path));
	assert_int_equal(
	    hl_lock_take(&b, s->path, hl_deadline_in(30), &err), HL_EBUSY);
	assert_null(b);
	assert_non_null(strstr(err.what, s->path));
	assert_int_equal(try_once(s->path), HL_EBUSY);
	hl_lock_free(&a, false);
	assert_null(a);
	assert_int_equal(access(s->path, F_OK), 0);
	assert_false(hl_lock_held(s->path));
	assert_int_equal(try_once(s->path), HL_OK);
	hl_lock_free(&a, false); /* NULL is fine */
}

static void
removal_takes_the_file_away(void **state)
{
	const scratch *s = *state;
	hl_lock *a = take(s->path, 0);

	hl_lock_free(&a, true);
	assert_int_equal(scratch_count(s), 0);
	assert_false(hl_lock_held(s->path));
	assert_int_equal(scratch_count(s), 0); /* looking makes no file */
}

static void
another_process_holds_it(void **state)
{
	const scratch *s = *state;
	holder h = start_holder(s->path);
	hl_lock *l;

	assert_true(hl_lock_held(s->path));
	assert_int_equal(try_once(s->path), HL_EBUSY);
	close(h.end);
	l = take(s->path, LONG_MS); /* waits until the child lets go */
	assert_int_equal(child_result(h.pid), 0);
	hl_lock_free(&l, true);
}

static void
a_killed_holder_frees_it(void **state)
{
	const scratch *s = *state;
	holder h = start_holder(s->path);

	assert_int_equal(try_once(s->path), HL_EBUSY);
	assert_int_equal(kill(h.pid, SIGKILL), 0);
	assert_int_equal(child_result(h.pid), -SIGKILL);
	assert_int_equal(access(s->path, F_OK), 0); /* the file is left */
	assert_false(hl_lock_held(s->path));
	assert_int_equal(try_once(s->path), HL_OK);
	close(h.end);
}

static void
a_stopped_holder_still_holds_it(void **state)
{
	const scratch *s = *state;
	holder h = start_holder(s->path);
	int status;

	assert_int_equal(kill(h.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(h.pid, &status, WUNTRACED), h.pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(try_once(s->path), HL_EBUSY);
	assert_int_equal(kill(h.pid, SIGKILL), 0);
	assert_int_equal(child_result(h.pid), -SIGKILL);
	close(h.end);
}

/* The file was moved away: its lock says nothing about the path any more. */
static void
a_lock_counts_only_under_its_name(void **state)
{
	const scratch *s = *state;
	char away[PATH_MAX + 8];
	hl_lock *old, *new;

	snprintf(away, sizeof(away), "%s.away", s->path);
	old = take(s->path, 0);
	assert_int_equal(rename(s->path, away), 0);
	assert_false(hl_lock_held(s->path));
	new = take(s->path, 0);
	assert_true(hl_lock_held(away));
	hl_lock_free(&old, true); /* must not remove the other's file */
	assert_int_equal(access(s->path, F_OK), 0);
	assert_true(hl_lock_held(s->path));
	assert_int_equal(try_once(s->path), HL_EBUSY);
	hl_lock_free(&new, true);
	assert_int_equal(access(s->path, F_OK), -1);
}

#define RACERS 8
#define ROUNDS 150

/* Exit 1: two were inside at once. Exit 2: never got in. */
static void
race(const char *path, const char *inside)
{
	for (int i = 0; i < ROUNDS; i++) {
		hl_lock *l;
		int fd;

		if (hl_lock_take(&l, path, hl_deadline_in(LONG_MS), NULL) !=
		    HL_OK)
			_exit(2);
		fd = open(inside, O_CREAT | O_EXCL | O_WRONLY, 0600);
		if (fd < 0 || close(fd) != 0 || unlink(inside) != 0)
			_exit(1);
		hl_lock_free(&l, i % 3 != 0);
	}
	_exit(0);
}

static void
removing_holders_never_let_two_in(void **state)
{
	const scratch *s = *state;
	char inside[PATH_MAX + 8];
	pid_t pids[RACERS];

	snprintf(inside, sizeof(inside), "%s.inside", s->path);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			race(s->path, inside);
	}
	for (int i = 0; i < RACERS; i++)
		assert_int_equal(child_result(pids[i]), 0);
}

static void
a_glance_is_no_holder(void **state)
{
	const scratch *s = *state;
	pid_t pid = fork();

	assert_true(pid >= 0);
	while (pid == 0)
		(void)hl_lock_held(s->path);
	for (int i = 0; i < 3000; i++) {
		const hl_rc rc = try_once(s->path);

		if (rc != HL_OK)
			kill(pid, SIGKILL);
		assert_int_equal(rc, HL_OK);
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(child_result(pid), -SIGKILL);
}

static void
a_child_does_not_free_what_its_parent_holds(void **state)
{
	const scratch *s = *state;
	hl_lock *l = take(s->path, 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		hl_lock_free(&l, true);
		_exit(l == NULL ? 0 : 1);
	}
	assert_int_equal(child_result(pid), 0);
	assert_int_equal(access(s->path, F_OK), 0);
	assert_int_equal(try_once(s->path), HL_EBUSY);
	hl_lock_free(&l, false);
}

static void
a_child_does_not_keep_what_its_parent_freed(void **state)
{
	const scratch *s = *state;
	hl_lock *l = take(s->path, 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (;;)
			pause();
	}
	hl_lock_free(&l, false);
	assert_int_equal(try_once(s->path), HL_OK);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(child_result(pid), -SIGKILL);
}

static void
what_is_no_lock_file_is_refused(void **state)
{
	const scratch *s = *state;
	char path[PATH_MAX + 16];

	assert_int_equal(try_once(s->dir), HL_EIO);
	snprintf(path, sizeof(path), "%s/none/lock", s->dir);
	assert_int_equal(try_once(path), HL_EIO);
	assert_int_equal(mkfifo(s->path, 0600), 0);
	assert_int_equal(try_once(s->path), HL_EIO);
	snprintf(path, sizeof(path), "%s/link", s->dir);
	assert_int_equal(symlink("target", path), 0);
	assert_int_equal(try_once(path), HL_EIO);
	assert_true(hl_lock_held(path));       /* cannot be told */
	assert_int_equal(scratch_count(s), 2); /* no target was made */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(one_holder_at_a_time),
		SCRATCH_TEST(removal_takes_the_file_away),
		SCRATCH_TEST(another_process_holds_it),
		SCRATCH_TEST(a_killed_holder_frees_it),
		SCRATCH_TEST(a_stopped_holder_still_holds_it),
		SCRATCH_TEST(a_lock_counts_only_under_its_name),
		SCRATCH_TEST(removing_holders_never_let_two_in),
		SCRATCH_TEST(a_glance_is_no_holder),
		SCRATCH_TEST(a_child_does_not_free_what_its_parent_holds),
		SCRATCH_TEST(a_child_does_not_keep_what_its_parent_freed),
		SCRATCH_TEST(what_is_no_lock_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
