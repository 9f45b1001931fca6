/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of util/spawn.h share: scripts as programs, and callers that
 * are processes of their own. */
#ifndef HL_TEST_UTIL_SPAWN_HELP_H
#define HL_TEST_UTIL_SPAWN_HELP_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/scratch.h"
#include "util/spawn.h"

#define LONG_MS 30000 /* longer than any test may take to get there */
#define PLENTY ((size_t)1024 * 1024)

/* /bin/sh with a script, and one argument ("$1") for it. */
typedef struct script {
	const char *argv[6];
} script;

static inline script
sh_with(const char *text, const char *arg)
{
	return (script){ { "/bin/sh", "-c", text, "sh", arg, NULL } };
}

static inline script
sh(const char *text)
{
	return sh_with(text, NULL);
}

/* In a process without cmocka: what failed is told by the exit status. */
#define NEED(n, cond)                                                          \
	do {                                                                   \
		if (!(cond))                                                   \
			_exit(n);                                              \
	} while (0)

typedef void caller(const scratch *s);

/* A process that makes the calls, and dies with the test. */
static inline pid_t
start_caller(caller *run, const scratch *s)
{
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(s);
		_exit(0);
	}
	return pid;
}

static inline void
run_caller(caller *run, const scratch *s)
{
	assert_int_equal(child_result(start_caller(run, s)), 0);
}

/* Ended, though nobody may have reaped it. */
static inline bool
is_gone(pid_t pid)
{
	char path[64], state = 'Z';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return true;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(f);
	return state == 'Z' || state == 'X';
}

static inline bool
wait_gone(pid_t pid)
{
	const hl_deadline until = hl_deadline_in(LONG_MS);

	while (!is_gone(pid) && hl_deadline_left(until) > 0)
		hl_sleep_ms(5);
	return is_gone(pid);
}

static inline bool
wait_file(const char *path)
{
	const hl_deadline until = hl_deadline_in(LONG_MS);

	while (access(path, F_OK) != 0 && hl_deadline_left(until) > 0)
		hl_sleep_ms(5);
	return access(path, F_OK) == 0;
}

/* The number that a script has written there, whole when the file is there. */
static inline pid_t
read_pid(const char *path)
{
	int pid = 0;
	FILE *f;

	assert_true(wait_file(path));
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	assert_true(pid > 1);
	return pid;
}

/* For scripts: $1 is there only when all of it is. */
#define PUT_PID "echo $$ > \"$1.new\" && mv \"$1.new\" \"$1\"; "

static inline int
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = -3; /* ".", "..", and the directory itself */

	if (d == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static inline bool
buf_is(hl_buf *b, const char *text)
{
	return !b->failed && b->n == strlen(text) &&
	    strcmp(hl_buf_str(b), text) == 0;
}

/* Programs that cannot be executed, each with a word why. */
typedef struct unrunnable {
	char path[PATH_MAX + 16];
	const char *why;
} unrunnable;

static inline void
make_file(const char *path, const char *text, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

#define UNRUNNABLE 5

static inline void
make_unrunnable(const scratch *s, unrunnable u[UNRUNNABLE])
{
	static const char *const why[UNRUNNABLE] = { "not there",
		"not executable", "no format", "no interpreter",
		"a directory" };

	for (size_t i = 0; i < UNRUNNABLE; i++) {
		snprintf(u[i].path, sizeof(u[i].path), "%s.%zu", s->path, i);
		u[i].why = why[i];
	}
	make_file(u[1].path, "#!/bin/sh\n", 0600);
	make_file(u[2].path, "exit 0\n", 0700);
	make_file(u[3].path, "#!/nonexistent/interpreter\n", 0700);
	assert_int_equal(mkdir(u[4].path, 0700), 0);
}

/* A shell's background job ignores Ctrl-C, and so would all that is started. */
static inline void
as_in_the_foreground(void)
{
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGQUIT, SIG_DFL);
	(void)signal(SIGHUP, SIG_DFL);
}

#endif
