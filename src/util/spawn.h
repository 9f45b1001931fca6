/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other programs, run without a shell: argv[0] is a path (PATH is not looked
 * at), the last one is NULL, environment and directory are ours. The program
 * gets stdin, stdout and stderr and no other descriptor, and an empty signal
 * mask; signals that the caller holds back (util/signals.h) make no difference.
 *
 * An error says that the program was never started. Once it was, the result is
 * HL_OK, *end says how it ended, and a buffer that could not take what there
 * was has `failed` set.
 *
 * For processes with a single thread: a lock of another thread would stay
 * locked in the forked child, and a program that is to die with us would die
 * with the thread that started it. Children of the caller are left alone;
 * SIGCHLD is held back while a call runs.
 */
#ifndef HL_UTIL_SPAWN_H
#define HL_UTIL_SPAWN_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"

typedef struct hl_ended {
	bool exited; /* by itself, with `status` */
	int status;
	int signal; /* else: ended by this signal (0: not known) */
	bool late;  /* the deadline passed and it was ended for it */
} hl_ended;

/*
 * Runs a program and collects what it writes to stdout and stderr, in the order
 * of its writes (appended to *out, at most `max` bytes; the rest is read and
 * dropped). stdin is /dev/null. It has a session and process group of its own,
 * no terminal, ignores no signal, and is killed when we die.
 *
 * At the deadline its group gets TERM and, two seconds later, KILL. What it
 * leaves running in its group is killed half a second after it has ended, or
 * sooner when nobody can write any more.
 *
 * HL_ENODEV: not there, or cannot be executed. HL_ETIMEOUT: the deadline had
 * passed before the start. HL_EIO, HL_ENOMEM.
 */
HL_CHECK hl_rc hl_spawn_read(const char *const *argv, size_t max, hl_buf *out,
    hl_ended *end, hl_deadline until, hl_err *err);

/* The exit code that a shell would report: the status, or 128 + signal. */
int hl_ended_code(const hl_ended *end);

#endif
