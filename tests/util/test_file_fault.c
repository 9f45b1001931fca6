/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call of a write fails once, each in its own run, until a run
 * gets through without meeting its fault. Linked with --wrap.
 */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>

#include "util/scratch.h"

typedef enum fault {
	F_NONE,
	F_FAIL,	 /* this call and those after it of its kind: errno */
	F_EINTR, /* once */
	F_SHORT	 /* every write takes one byte */
} fault;

static struct {
	fault kind;
	int countdown; /* calls until the fault */
	int with;      /* errno */
	bool hit;
} plan;

static bool
strikes(void)
{
	if (plan.kind != F_FAIL && plan.kind != F_EINTR)
		return false;
	if (plan.countdown-- != 0)
		return false;
	plan.hit = true;
	errno = plan.kind == F_EINTR ? EINTR : plan.with;
	return true;
}

int __real_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, mode_t mode);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to);
int __real_renameat2(
    int a, const char *from, int b, const char *to, unsigned flags);
int __wrap_renameat2(
    int a, const char *from, int b, const char *to, unsigned flags);

int
__wrap_openat(int dir, const char *path, int flags, mode_t mode)
{
	return strikes() ? -1 : __real_openat(dir, path, flags, mode);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	if (strikes())
		return -1;
	return __real_write(fd, p, plan.kind == F_SHORT && n > 1 ? 1 : n);
}

int
__wrap_fsync(int fd)
{
	return strikes() ? -1 : __real_fsync(fd);
}

int
__wrap_renameat(int a, const char *from, int b, const char *to)
{
	return strikes() ? -1 : __real_renameat(a, from, b, to);
}

int
__wrap_renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
	return strikes() ? -1 : __real_renameat2(a, from, b, to, flags);
}

static char *
content(const char *path)
{
	hl_buf b = HL_BUF_INIT;
	char *copy = NULL;

	if (hl_file_read(path, 99, &b, NULL) == HL_OK)
		copy = strdup(hl_buf_str(&b));
	hl_buf_free(&b);
	return copy;
}

/* Sets the fault, runs one write, and takes the fault away. */
static hl_rc
write_under(fault kind, int n, int with, const scratch *s, bool fresh)
{
	hl_rc rc;

	plan.kind = kind;
	plan.countdown = n;
	plan.with = with;
	plan.hit = false;
	rc = fresh ? hl_file_put(s->path, "new", 3, 0600, false, NULL)
		   : hl_file_write(s->path, "new", 3, 0600, NULL);
	plan.kind = F_NONE;
	return rc;
}

/* One run: the file is the old or the new one, and stands alone. */
static void
check_run(const scratch *s, hl_rc rc, bool fresh)
{
	char *got = content(s->path);

	if (rc == HL_OK)
		assert_string_equal(got, "new");
	else if (fresh)
		assert_true(got == NULL || strcmp(got, "new") == 0);
	else
		assert_true(strcmp(got, "old") == 0 || strcmp(got, "new") == 0);
	assert_int_equal(scratch_count(s), got == NULL ? 0 : 1);
	free(got);
}

static int
fail_each_call(const scratch *s, int with, bool fresh, hl_rc want)
{
	hl_rc rc;
	int n = 0;

	do {
		if (fresh)
			(void)unlink(s->path);
		else
			assert_int_equal(
			    hl_file_write(s->path, "old", 3, 0600, NULL),
			    HL_OK);
		rc = write_under(F_FAIL, n++, with, s, fresh);
		assert_int_equal(rc, plan.hit ? want : HL_OK);
		check_run(s, rc, fresh);
		assert_in_range(n, 1, 50);
	} while (plan.hit);
	return n - 1;
}

static void
each_failing_call_leaves_old_or_new(void **state)
{
	const scratch *s = *state;

	/* openat, write, fsync, renameat, fsync of the directory */
	assert_int_equal(fail_each_call(s, EIO, false, HL_EIO), 5);
	assert_int_equal(fail_each_call(s, ENOSPC, false, HL_EFULL), 5);
	assert_int_equal(fail_each_call(s, EDQUOT, true, HL_EFULL), 5);
	assert_int_equal(fail_each_call(s, EIO, true, HL_EIO), 5);
}

static void
a_signal_in_between_changes_nothing(void **state)
{
	const scratch *s = *state;
	hl_rc rc;

	for (int n = 0; n < 3; n++) { /* openat, write, fsync */
		assert_int_equal(
		    hl_file_write(s->path, "old", 3, 0600, NULL), HL_OK);
		rc = write_under(F_EINTR, n, 0, s, false);
		assert_true(plan.hit);
		assert_int_equal(rc, HL_OK);
		check_run(s, rc, false);
	}
}

static void
short_writes_go_on(void **state)
{
	const scratch *s = *state;

	assert_int_equal(write_under(F_SHORT, 0, 0, s, false), HL_OK);
	check_run(s, HL_OK, false);
}

/* Some file systems know no RENAME_NOREPLACE: a hard link does it there. */
static void
without_noreplace_a_link_makes_the_name(void **state)
{
	const scratch *s = *state;

	/* the fourth call is renameat2 */
	assert_int_equal(write_under(F_FAIL, 3, EINVAL, s, true), HL_OK);
	assert_true(plan.hit);
	check_run(s, HL_OK, true);
}

/* fsync(2): EINVAL where a directory cannot be synced at all. */
static void
a_directory_that_cannot_be_synced_is_no_failure(void **state)
{
	const scratch *s = *state;

	assert_int_equal(write_under(F_FAIL, 4, EINVAL, s, false), HL_OK);
	assert_true(plan.hit);
	assert_int_equal(write_under(F_FAIL, 2, EINVAL, s, false), HL_EIO);
	assert_true(plan.hit); /* but a file that cannot is one */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(each_failing_call_leaves_old_or_new),
		SCRATCH_TEST(a_signal_in_between_changes_nothing),
		SCRATCH_TEST(short_writes_go_on),
		SCRATCH_TEST(without_noreplace_a_link_makes_the_name),
		SCRATCH_TEST(a_directory_that_cannot_be_synced_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
