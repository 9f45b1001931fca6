/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl_spawn_kept() and power cuts: an end vouches for the result, so the result
 * is durable before it. Linked with --wrap; the calls are those of the keeper,
 * which is another process.
 */
#include <sys/mman.h>

#include "util/file.h"
#include "util/spawn_help.h"

#define EVENTS 64

typedef struct event {
	char what;     /* 'f' fsync(), 's' syncfs(), 'r' renameat() */
	char name[64]; /* last component */
} event;

static pid_t us;

static struct shared {
	event seen[EVENTS];
	size_t n;
	/* What fails, by the call and the name that it is for. */
	event faults[2];
} * world;

static const char *
last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static bool
strikes(char what, const char *path)
{
	const char *name = last_of(path);

	if (getpid() == us)
		return false;
	if (world->n < EVENTS) {
		event *e = &world->seen[world->n++];

		e->what = what;
		snprintf(e->name, sizeof(e->name), "%.*s",
		    (int)sizeof(e->name) - 1, name);
	}
	for (size_t i = 0; i < HL_COUNT(world->faults); i++)
		if (world->faults[i].what == what &&
		    strcmp(world->faults[i].name, name) == 0)
			return true;
	return false;
}

static bool
strikes_fd(char what, int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	errno = EIO;
	return strikes(what, path);
}

int __real_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, mode_t mode);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_syncfs(int fd);
int __wrap_syncfs(int fd);
int __real_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to);

int
__wrap_openat(int dir, const char *path, int flags, mode_t mode)
{
	if (strikes('o', path)) {
		errno = EACCES;
		return -1;
	}
	return __real_openat(dir, path, flags, mode);
}

int
__wrap_fsync(int fd)
{
	return strikes_fd('f', fd) ? -1 : __real_fsync(fd);
}

int
__wrap_syncfs(int fd)
{
	return strikes_fd('s', fd) ? -1 : __real_syncfs(fd);
}

int
__wrap_renameat(int a, const char *from, int b, const char *to)
{
	return strikes('r', to) ? -1 : __real_renameat(a, from, b, to);
}

/* Which call of those it was; EVENTS: there was none. */
static size_t
when(char what, const char *path)
{
	for (size_t i = 0; i < world->n; i++)
		if (world->seen[i].what == what &&
		    strcmp(world->seen[i].name, last_of(path)) == 0)
			return i;
	return EVENTS;
}

static void
fail_at(size_t i, char what, const char *path)
{
	world->faults[i].what = what;
	snprintf(world->faults[i].name, sizeof(world->faults[i].name), "%s",
	    last_of(path));
}

static hl_ended
run(const scratch *s, const char *text)
{
	const script p = sh_with(text, s->path);
	hl_buf out = HL_BUF_INIT;
	char result[PATH_MAX + 16];
	hl_err err = { 0 };
	hl_ended end;

	snprintf(result, sizeof(result), "%s.result", s->path);
	if (hl_spawn_kept(p.argv, s->path, result, PLENTY, &out, &end,
		hl_deadline_in(LONG_MS), &err) != HL_OK)
		fail_msg("%s: %s", err.what, err.why);
	hl_buf_free(&out);
	return end;
}

static hl_rc
left(const scratch *s)
{
	hl_buf out = HL_BUF_INIT;
	hl_ended end;
	hl_rc rc = hl_spawn_kept_end(s->path, PLENTY, &out, &end, NULL);

	hl_buf_free(&out);
	return rc;
}

static void
assert_unknown(const scratch *s, const hl_ended *end)
{
	assert_false(end->exited);
	assert_false(end->late);
	assert_int_equal(end->signal, 0);
	assert_int_equal(left(s), HL_ENOTFOUND);
}

static const char writes[] = "echo license >\"$1.result\"";

/* ---- tests -------------------------------------------------------------- */

static void
the_result_is_durable_before_the_end(void **state)
{
	const scratch *s = *state;
	const hl_ended end = run(s, writes);
	size_t file, dir, written;

	assert_true(end.exited);
	file = when('f', "it.result");
	dir = when('f', s->dir);
	written = when('r', "it.end");
	assert_in_range(written, 1, EVENTS - 1);
	assert_in_range(file, 0, written - 1);
	assert_in_range(dir, file + 1, written - 1);
	assert_int_equal(left(s), HL_OK);
}

/* Whatever its exit status says. */
static void
a_result_that_is_not_durable_has_no_end(void **state)
{
	const scratch *s = *state;
	hl_ended end;

	fail_at(0, 'f', "it.result");
	end = run(s, writes);
	assert_unknown(s, &end);
	/* its name is as needed as its bytes are */
	world->n = 0;
	fail_at(0, 'f', s->dir);
	end = run(s, writes);
	assert_unknown(s, &end);
	assert_int_equal(when('r', "it.end"), EVENTS);
	/* and of no use is one that is no file */
	memset(world, 0, sizeof(*world));
	end = run(s, "rm \"$1.result\"; mkfifo \"$1.result\"");
	assert_unknown(s, &end);
}

static void
a_program_that_wrote_none_has_its_end(void **state)
{
	const scratch *s = *state;
	const hl_ended end = run(s, "exit 3");

	assert_true(end.exited);
	assert_int_equal(end.status, 3);
	assert_int_equal(left(s), HL_OK);
}

static void
one_that_we_may_not_read_is_synced_all_the_same(void **state)
{
	const scratch *s = *state;
	hl_ended end;

	fail_at(0, 'o', "it.result");
	end = run(s, writes);
	assert_true(end.exited);
	assert_in_range(when('s', s->dir), 0, when('r', "it.end") - 1);
	assert_int_equal(left(s), HL_OK);
	fail_at(1, 's', s->dir);
	end = run(s, writes);
	assert_unknown(s, &end);
}

static int
setup(void **state)
{
	memset(world, 0, sizeof(*world));
	return scratch_setup(state);
}

#define DURABLE_TEST(f)                                                        \
	cmocka_unit_test_setup_teardown(f, setup, scratch_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DURABLE_TEST(the_result_is_durable_before_the_end),
		DURABLE_TEST(a_result_that_is_not_durable_has_no_end),
		DURABLE_TEST(a_program_that_wrote_none_has_its_end),
		DURABLE_TEST(one_that_we_may_not_read_is_synced_all_the_same),
	};

	us = getpid();
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (world == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
