/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources behind spawn.h share. */
#ifndef HL_UTIL_SPAWN_INT_H
#define HL_UTIL_SPAWN_INT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/spawn.h"

#define HL_TERM_GRACE_MS 2000 /* from TERM to KILL */
#define HL_READ_GRACE_MS 500  /* for output, once the program has ended */
/* A pipe holds no more (/proc/sys/fs/pipe-max-size): beyond this, what comes
 * after the program has ended was not written by it. */
#define HL_DRAIN_MAX ((size_t)1024 * 1024)

/* SIGCHLD of ours, so that nobody but us hears of how the child ended. */
typedef struct hl_chld {
	struct sigaction action;
	sigset_t mask;
} hl_chld;

void hl_chld_hold(hl_chld *was);
void hl_chld_release(const hl_chld *was);

/* How a program is started. Descriptors are above 2, or -1: ours stays. */
typedef struct hl_start {
	const char *const *argv;
	int in, out, err;
	bool session;	   /* in a session and process group of its own; then
			    * it is ours, and HL_SPAWN_RUNS tells it so */
	bool keep_ignored; /* what we ignore it ignores, but SIGPIPE */
} hl_start;

/* A program that runs or has ended, and is not reaped: `pid` stays its. */
typedef struct hl_child {
	pid_t pid;
	int fd; /* pidfd: readable when it has ended */
} hl_child;

/* Started, its exec done; it is killed when we die. Errors as in spawn.h. */
HL_CHECK hl_rc hl_child_start(
    hl_child *c, const hl_start *how, hl_err *err);
/* Waits for it, reaps it; *end but for `late`. */
void hl_child_reap(hl_child *c, hl_ended *end);

/*
 * Reads `fd` (not blocking) into sink() until the program, which has a group of
 * its own, has ended, as hl_spawn_read() says; reaps it. *end is complete.
 */
typedef void hl_sink(void *arg, const void *p, size_t n);
void hl_child_collect(hl_child *c, int fd, hl_sink *sink, void *arg,
    hl_deadline until, hl_ended *end);

/* fork(), but no signal reaches the child (before it allows it): no handler of
 * ours runs there, and what ends us does not end it. */
pid_t hl_fork_held(void);

/* Moves a descriptor above 2 (close-on-exec), away from places that belong to
 * stdio even when they are closed. -1 stays -1; on failure closed, -1. */
int hl_fd_high(int fd);
/* A pipe above 2, close-on-exec, fd[0] not blocking. False: errno. */
bool hl_pipe(int fd[2]);
void hl_fd_close(int *fd); /* fine when -1; sets it to -1 */
int hl_null_open(int flags);

/* hl_fail() about starting a program, for an errno. */
hl_rc hl_spawn_fail(hl_err *err, const char *program, int e);
/* HL_ETIMEOUT: not started. */
hl_rc hl_spawn_too_late(hl_err *err, const char *program);

#endif
