/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of its own for each test, removed with all that is in it. */
#ifndef HL_TEST_UTIL_SCRATCH_H
#define HL_TEST_UTIL_SCRATCH_H

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/rows.h"

typedef struct scratch {
	char dir[64];
	char path[PATH_MAX]; /* dir/it, not made */
} scratch;

static inline int
scratch_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	scratch *s = calloc(1, sizeof(*s));
	int n;

	if (s == NULL)
		return -1;
	if (tmp == NULL || strlen(tmp) > 30)
		tmp = "/tmp";
	n = snprintf(s->dir, sizeof(s->dir), "%s/hsmlic-util-XXXXXX", tmp);
	if (n < 0 || mkdtemp(s->dir) == NULL) {
		free(s);
		return -1;
	}
	snprintf(s->path, sizeof(s->path), "%s/it", s->dir);
	*state = s;
	return 0;
}

static inline int
scratch_remove_one(
    const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int
scratch_teardown(void **state)
{
	scratch *s = *state;
	const int r = nftw(s->dir, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);

	free(s);
	return r;
}

/* Names in the directory, without "." and "..". */
static inline int
scratch_count(const scratch *s)
{
	DIR *d = opendir(s->dir);
	int n = -2;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Waits for the child; its exit status, or minus the signal. */
static inline int
child_result(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define SCRATCH_TEST(f)                                                        \
	cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

#endif
