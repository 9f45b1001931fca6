/* SPDX-License-Identifier: Apache-2.0 */
#include "util/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "util/scratch.h"

static void
put_raw(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
assert_content(const char *path, const char *want)
{
	hl_buf b = HL_BUF_INIT;
	hl_err err = { 0 };

	if (hl_file_read(path, 1024 * 1024, &b, &err) != HL_OK)
		fail_msg("%s: %s", err.what, err.why);
	assert_string_equal(hl_buf_str(&b), want);
	assert_int_equal(b.n, strlen(want));
	hl_buf_free(&b);
}

static struct stat
look(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st;
}

static void
reading_stops_at_the_limit(void **state)
{
	static const struct {
		const char *why;
		size_t size, max;
		hl_rc rc;
	} rows[] = {
		{ "empty, none allowed", 0, 0, HL_OK },
		{ "as long as allowed", 8192, 8192, HL_OK },
		{ "one byte more", 8193, 8192, HL_EINPUT },
		{ "one byte, none allowed", 1, 0, HL_EINPUT },
		{ "several chunks", 100000, 100000, HL_OK },
		{ "too long in the last chunk", 100000, 99999, HL_EINPUT },
		{ "no limit of the caller", 10, SIZE_MAX, HL_OK },
	};
	const scratch *s = *state;

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		uint8_t *p = calloc(1, rows[i].size + 1);
		const size_t got = rows[i].rc == HL_OK ? rows[i].size : 0;
		hl_buf b = HL_BUF_INIT;

		hl_buf_put(&b, "ab", 2);
		put_raw(s->path, p, rows[i].size);
		CHECK(
		    hl_file_read(s->path, rows[i].max, &b, NULL) == rows[i].rc,
		    rows[i].why);
		CHECK(b.n == 2 + got, rows[i].why); /* appended, or nothing */
		CHECK(memcmp(b.p, "ab", 2) == 0, rows[i].why);
		hl_buf_free(&b);
		free(p);
	}
}

static void
only_regular_files_are_read(void **state)
{
	const scratch *s = *state;
	hl_buf b = HL_BUF_INIT;
	hl_err err = { 0 };
	char path[PATH_MAX + 8];

	assert_int_equal(hl_file_read(s->dir, 99, &b, &err), HL_EINPUT);
	assert_string_equal(err.why, "it is a directory");
	assert_int_equal(hl_file_read(s->path, 99, &b, &err), HL_ENOTFOUND);
	assert_int_equal(err.rc, HL_ENOTFOUND);
	assert_non_null(strstr(err.what, s->path));
	/* a FIFO without a writer must not make it wait */
	assert_int_equal(mkfifo(s->path, 0600), 0);
	assert_int_equal(hl_file_read(s->path, 99, &b, &err), HL_EINPUT);
	snprintf(path, sizeof(path), "%s/x", s->path);
	assert_int_equal(hl_file_read(path, 99, &b, &err), HL_ENOTFOUND);
	assert_int_equal(hl_file_read("", 99, &b, &err), HL_ENOTFOUND);
	assert_int_equal(hl_file_read("/dev/zero", 99, &b, &err), HL_EINPUT);
	assert_int_equal(b.n, 0);
	hl_buf_free(&b);
}

static void
reading_follows_a_link(void **state)
{
	const scratch *s = *state;
	char path[PATH_MAX + 8];

	put_raw(s->path, "abc", 3);
	snprintf(path, sizeof(path), "%s.link", s->path);
	assert_int_equal(symlink(s->path, path), 0);
	assert_content(path, "abc");
}

static void
writing_replaces_the_file_whole(void **state)
{
	const scratch *s = *state;
	struct stat st;
	char old[4] = { 0 };
	int fd;

	assert_int_equal(hl_file_write(s->path, "old", 3, 0600, NULL), HL_OK);
	st = look(s->path);
	assert_int_equal(st.st_mode & 07777, 0600);
	fd = open(s->path, O_RDONLY);
	assert_int_equal(hl_file_write(s->path, "newer", 5, 0640, NULL), HL_OK);
	assert_content(s->path, "newer");
	/* who has the old one open still reads all of it */
	assert_int_equal(read(fd, old, sizeof(old)), 3);
	assert_string_equal(old, "old");
	close(fd);
	assert_int_not_equal(look(s->path).st_ino, st.st_ino);
	assert_int_equal(look(s->path).st_mode & 07027, 0);
	assert_int_equal(hl_file_write(s->path, NULL, 0, 0600, NULL), HL_OK);
	assert_content(s->path, "");
	assert_int_equal(scratch_count(s), 1); /* nothing left beside it */
}

static void
the_longest_name_there_is_can_be_written(void **state)
{
	const scratch *s = *state;
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/", s->dir);

	memset(path + n, 'n', NAME_MAX);
	path[n + NAME_MAX] = '\0';
	assert_int_equal(hl_file_write(path, "x", 1, 0600, NULL), HL_OK);
	assert_content(path, "x");
	path[n + NAME_MAX] = 'n';
	path[n + NAME_MAX + 1] = '\0';
	assert_int_equal(hl_file_write(path, "x", 1, 0600, NULL), HL_EIO);
	assert_int_equal(scratch_count(s), 1);
}

static void
a_name_without_a_directory_is_in_the_current_one(void **state)
{
	const scratch *s = *state;
	const int was = open(".", O_RDONLY | O_DIRECTORY);

	assert_int_equal(chdir(s->dir), 0);
	assert_int_equal(hl_file_write("it", "x", 1, 0600, NULL), HL_OK);
	assert_content("it", "x");
	assert_int_equal(hl_file_remove("it", NULL), HL_OK);
	assert_int_equal(fchdir(was), 0);
	close(was);
	assert_int_equal(scratch_count(s), 0);
}

static void
what_is_not_a_regular_file_is_never_replaced(void **state)
{
	const scratch *s = *state;
	char path[PATH_MAX + 16], target[PATH_MAX + 16];
	hl_err err = { 0 };

	assert_int_equal(hl_file_write(s->dir, "x", 1, 0600, &err), HL_EINPUT);
	assert_string_equal(err.why, "it is a directory");
	assert_int_equal(mkfifo(s->path, 0600), 0);
	assert_int_equal(hl_file_write(s->path, "x", 1, 0600, NULL), HL_EINPUT);
	assert_int_equal(
	    hl_file_put(s->path, "x", 1, 0600, true, NULL), HL_EINPUT);
	assert_int_equal(
	    hl_file_put(s->path, "x", 1, 0600, false, NULL), HL_EINPUT);
	assert_true(S_ISFIFO(look(s->path).st_mode));

	snprintf(path, sizeof(path), "%s/link", s->dir);
	snprintf(target, sizeof(target), "%s/target", s->dir);
	assert_int_equal(symlink("target", path), 0);
	assert_int_equal(hl_file_write(path, "x", 1, 0600, &err), HL_EINPUT);
	assert_string_equal(err.why, "it is a symbolic link");
	assert_int_equal(
	    hl_file_put(path, "x", 1, 0600, false, NULL), HL_EINPUT);
	assert_int_equal(access(target, F_OK), -1);
	put_raw(target, "kept", 4);
	assert_int_equal(hl_file_write(path, "x", 1, 0600, NULL), HL_EINPUT);
	assert_content(target, "kept");
	assert_true(S_ISLNK(look(path).st_mode));
	assert_int_equal(scratch_count(s), 3);
}

static void
paths_that_name_no_file_are_refused(void **state)
{
	static const char *const tails[] = { "/", "/.", "/..", "/none/it",
		"/file/it" };
	const scratch *s = *state;
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/file", s->dir);
	put_raw(path, "f", 1);
	for (size_t i = 0; i < HL_COUNT(tails); i++) {
		hl_err err = { 0 };

		snprintf(path, sizeof(path), "%s%s", s->dir, tails[i]);
		CHECK(
		    hl_file_write(path, "x", 1, 0600, &err) != HL_OK, tails[i]);
		CHECK(err.rc != HL_OK && err.why[0] != '\0', tails[i]);
	}
	assert_int_not_equal(hl_file_write("", "x", 1, 0600, NULL), HL_OK);
	assert_int_equal(scratch_count(s), 1);
}

static void
put_writes_once(void **state)
{
	const scratch *s = *state;
	hl_err err = { 0 };
	struct stat st;

	assert_int_equal(
	    hl_file_put(s->path, "abc", 3, 0600, false, NULL), HL_OK);
	st = look(s->path);
	assert_int_equal(
	    hl_file_put(s->path, "abc", 3, 0600, false, NULL), HL_OK);
	assert_int_equal(
	    hl_file_put(s->path, "abc", 3, 0600, true, NULL), HL_OK);
	assert_int_equal(look(s->path).st_ino, st.st_ino);
	assert_int_equal(
	    hl_file_put(s->path, "abd", 3, 0600, false, &err), HL_EEXIST);
	assert_int_equal(err.rc, HL_EEXIST);
	assert_int_equal(
	    hl_file_put(s->path, "ab", 2, 0600, false, NULL), HL_EEXIST);
	assert_int_equal(
	    hl_file_put(s->path, "abcd", 4, 0600, false, NULL), HL_EEXIST);
	assert_int_equal(
	    hl_file_put(s->path, "", 0, 0600, false, NULL), HL_EEXIST);
	assert_int_equal(look(s->path).st_ino, st.st_ino);
	assert_content(s->path, "abc");
	assert_int_equal(
	    hl_file_put(s->path, "abd", 3, 0600, true, NULL), HL_OK);
	assert_content(s->path, "abd");
	assert_int_equal(scratch_count(s), 1);
}

#define RACERS 8

/* Children that all put at once; how many of them succeeded. */
static int
put_race(const char *path, bool same)
{
	pid_t pids[RACERS];
	int ok = 0, go[2];
	char c;

	assert_int_equal(pipe(go), 0);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			hl_rc rc;

			c = same ? 'x' : (char)('a' + i);
			close(go[1]);
			if (read(go[0], &(char){ 0 }, 1) != 0)
				_exit(99);
			rc = hl_file_put(path, &c, 1, 0600, false, NULL);
			_exit(-rc);
		}
	}
	close(go[0]);
	close(go[1]);
	for (int i = 0; i < RACERS; i++) {
		const int r = child_result(pids[i]);

		if (r == 0)
			ok++;
		else
			assert_int_equal(r, -HL_EEXIST);
	}
	return ok;
}

static void
racing_puts_never_replace_each_other(void **state)
{
	const scratch *s = *state;

	for (int i = 0; i < 20; i++) {
		assert_int_equal(put_race(s->path, false), 1);
		assert_int_equal(unlink(s->path), 0);
		assert_int_equal(put_race(s->path, true), RACERS);
		assert_int_equal(scratch_count(s), 1);
		assert_int_equal(unlink(s->path), 0);
	}
}

#define BIG 100000

static void
write_for_ever(const char *path)
{
	char *p = malloc(BIG);

	for (char c = 'a'; p != NULL; c = c == 'a' ? 'b' : 'a') {
		memset(p, c, BIG);
		if (hl_file_write(path, p, BIG, 0600, NULL) != HL_OK)
			break;
	}
	_exit(1);
}

/* A reader at any moment, and one after a kill, sees one write or another. */
static void
no_part_of_a_write_is_ever_seen(void **state)
{
	const scratch *s = *state;
	pid_t pid;

	assert_int_equal(hl_file_write(s->path, "", 0, 0600, NULL), HL_OK);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		write_for_ever(s->path);
	for (int i = 0; i < 300; i++) {
		hl_buf b = HL_BUF_INIT;

		if (i == 250)
			kill(pid, SIGKILL);
		assert_int_equal(hl_file_read(s->path, BIG, &b, NULL), HL_OK);
		assert_true(b.n == 0 || b.n == BIG);
		for (size_t k = 1; k < b.n; k++)
			assert_int_equal(b.p[k], b.p[0]);
		hl_buf_free(&b);
	}
	assert_int_equal(child_result(pid), -SIGKILL);
}

/* The limit makes the first write short and the second one fail. */
static void
a_full_disk_leaves_the_old_file(void **state)
{
	const scratch *s = *state;
	const struct rlimit limit = { 1000, 1000 };
	pid_t pid;

	assert_int_equal(hl_file_write(s->path, "old", 3, 0600, NULL), HL_OK);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static char big[1001];
		hl_rc rc;

		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
			_exit(99);
		rc = hl_file_write(s->path, big, sizeof(big), 0600, NULL);
		_exit(-rc);
	}
	assert_int_equal(child_result(pid), -HL_EFULL);
	assert_content(s->path, "old");
	assert_int_equal(scratch_count(s), 1);
}

static void
directories_are_made_with_their_parents(void **state)
{
	static const struct {
		const char *why, *tail;
		hl_rc rc;
	} rows[] = {
		{ "there already", "", HL_OK },
		{ "one", "/a", HL_OK },
		{ "again", "/a", HL_OK },
		{ "three levels", "/b/c/d", HL_OK },
		{ "slashes at the end", "/e///", HL_OK },
		{ "slashes inside", "/f//g", HL_OK },
		{ "through a link to a directory", "/link/h", HL_OK },
		{ "a file in the way", "/file", HL_EINPUT },
		{ "a file as parent", "/file/i", HL_EINPUT },
		{ "a link to nothing", "/dangling", HL_EIO },
	};
	const scratch *s = *state;
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/file", s->dir);
	put_raw(path, "f", 1);
	snprintf(path, sizeof(path), "%s/link", s->dir);
	assert_int_equal(symlink("a", path), 0);
	snprintf(path, sizeof(path), "%s/dangling", s->dir);
	assert_int_equal(symlink("nothing", path), 0);
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		struct stat st;

		snprintf(path, sizeof(path), "%s%s", s->dir, rows[i].tail);
		CHECK(hl_dir_make(path, NULL) == rows[i].rc, rows[i].why);
		if (rows[i].rc != HL_OK)
			continue;
		CHECK(stat(path, &st) == 0 && S_ISDIR(st.st_mode), rows[i].why);
		CHECK((st.st_mode & 0777) == 0700, rows[i].why);
	}
}

static void
removing_what_is_gone_is_fine(void **state)
{
	const scratch *s = *state;
	char path[PATH_MAX + 16];

	put_raw(s->path, "x", 1);
	assert_int_equal(hl_file_remove(s->path, NULL), HL_OK);
	assert_int_equal(access(s->path, F_OK), -1);
	assert_int_equal(hl_file_remove(s->path, NULL), HL_OK);
	snprintf(path, sizeof(path), "%s/none/it", s->dir);
	assert_int_equal(hl_file_remove(path, NULL), HL_OK);
	assert_int_equal(hl_file_remove(s->dir, NULL), HL_EIO);
	assert_int_equal(hl_dir_sync_parent(s->path, NULL), HL_OK);
	assert_int_equal(hl_dir_sync_parent(path, NULL), HL_EIO);
}

/* Links in the folders are followed, the last name is not looked at. */
static void
a_path_is_made_absolute(void **state)
{
	const scratch *s = *state;
	char folder[PATH_MAX + 8], path[2 * PATH_MAX], want[2 * PATH_MAX];
	char real[PATH_MAX], out[PATH_MAX];

	assert_non_null(realpath(s->dir, real));
	snprintf(folder, sizeof(folder), "%s/link", s->dir);
	assert_int_equal(symlink(".", folder), 0);
	snprintf(path, sizeof(path), "%s/../%s/nowhere", folder,
	    strrchr(s->dir, '/') + 1);
	snprintf(want, sizeof(want), "%s/nowhere", real);
	assert_int_equal(hl_path_absolute(path, out, sizeof(out), NULL), HL_OK);
	assert_string_equal(out, want);
	assert_int_equal(
	    hl_path_absolute("/etc", out, sizeof(out), NULL), HL_OK);
	assert_string_equal(out, "/etc");
	assert_non_null(getcwd(real, sizeof(real)));
	snprintf(want, sizeof(want), "%s/x", real);
	assert_int_equal(hl_path_absolute("x", out, sizeof(out), NULL), HL_OK);
	assert_string_equal(out, want);
	snprintf(path, sizeof(path), "%s/none/x", s->dir);
	assert_int_equal(
	    hl_path_absolute(path, out, sizeof(out), NULL), HL_ENOTFOUND);
	assert_int_equal(hl_path_absolute("/etc", out, 3, NULL), HL_EINPUT);
}

static void
free_space_is_told_for_a_file_to_come(void **state)
{
	const scratch *s = *state;
	char path[PATH_MAX + 16];
	uint64_t dir = 0, file = 0, none = 77;

	assert_int_equal(hl_file_free_space(s->dir, &dir, NULL), HL_OK);
	assert_int_equal(hl_file_free_space(s->path, &file, NULL), HL_OK);
	assert_true(dir > 0 && file > 0);
	snprintf(path, sizeof(path), "%s/none/it", s->dir);
	assert_int_equal(hl_file_free_space(path, &none, NULL), HL_EIO);
	assert_int_equal(none, 77);
}

static void
paths_fit_or_are_refused(void **state)
{
	hl_err err = { 0 };
	char *out = malloc(8);

	(void)state;
	assert_non_null(out);
	assert_int_equal(hl_path(out, 8, &err, "%s/%s", "abc", "def"), HL_OK);
	assert_string_equal(out, "abc/def");
	assert_int_equal(
	    hl_path(out, 8, &err, "%s/%s", "abc", "defg"), HL_EINPUT);
	assert_int_equal(err.rc, HL_EINPUT);
	free(out);
}

static void
temporary_folders_are_ours_alone(void **state)
{
	const scratch *s = *state;
	char one[PATH_MAX], two[PATH_MAX], link[PATH_MAX];
	hl_err err = { 0 };

	char *was = getenv("TMPDIR") == NULL ? NULL : strdup(getenv("TMPDIR"));

	assert_int_equal(setenv("TMPDIR", s->dir, 1), 0);
	assert_int_equal(hl_dir_temporary(one, sizeof(one), NULL), HL_OK);
	assert_int_equal(hl_dir_temporary(two, sizeof(two), NULL), HL_OK);
	assert_int_equal(strncmp(one, s->dir, strlen(s->dir)), 0);
	assert_int_equal(look(one).st_mode, S_IFDIR | 0700);
	assert_false(hl_file_same(one, two));
	snprintf(link, sizeof(link), "%s/link", s->dir);
	assert_int_equal(symlink(one, link), 0);
	assert_true(hl_file_same(one, link));
	assert_false(hl_file_same(one, "/nowhere"));
	assert_int_equal(unlink(link) | rmdir(one) | rmdir(two), 0);
	assert_int_equal(setenv("TMPDIR", "/nowhere", 1), 0);
	assert_int_equal(hl_dir_temporary(one, sizeof(one), &err), HL_EIO);
	assert_string_equal(one, "");
	assert_non_null(strstr(err.hint, "TMPDIR"));
	assert_int_equal(
	    was == NULL ? unsetenv("TMPDIR") : setenv("TMPDIR", was, 1), 0);
	free(was);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(reading_stops_at_the_limit),
		SCRATCH_TEST(only_regular_files_are_read),
		SCRATCH_TEST(reading_follows_a_link),
		SCRATCH_TEST(writing_replaces_the_file_whole),
		SCRATCH_TEST(the_longest_name_there_is_can_be_written),
		SCRATCH_TEST(a_name_without_a_directory_is_in_the_current_one),
		SCRATCH_TEST(what_is_not_a_regular_file_is_never_replaced),
		SCRATCH_TEST(paths_that_name_no_file_are_refused),
		SCRATCH_TEST(put_writes_once),
		SCRATCH_TEST(racing_puts_never_replace_each_other),
		SCRATCH_TEST(no_part_of_a_write_is_ever_seen),
		SCRATCH_TEST(a_full_disk_leaves_the_old_file),
		SCRATCH_TEST(directories_are_made_with_their_parents),
		SCRATCH_TEST(removing_what_is_gone_is_fine),
		SCRATCH_TEST(a_path_is_made_absolute),
		SCRATCH_TEST(free_space_is_told_for_a_file_to_come),
		SCRATCH_TEST(temporary_folders_are_ours_alone),
		cmocka_unit_test(paths_fit_or_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
