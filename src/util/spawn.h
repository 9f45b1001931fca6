/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other programs, run without a shell: argv[0] is a path (PATH is not looked
 * at), the last one is NULL, environment and directory are ours, with
 * HL_SPAWN_RUNS added where it is not the user's own program. The program
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

/* Environment variable: the path of the program that is run, for
 * hl_spawn_read() and hl_spawn_kept(). Where that program is this one again, by
 * another name or behind a script, it can tell, instead of waiting for itself.
 */
#define HL_SPAWN_RUNS "HSMLIC_RUNS"

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

/*
 * The same for a program whose work must not be lost when we die. A keeper
 * process, forked from us, runs it: it is in a session of its own and not ended
 * by what ends us, and it keeps our descriptors, so that locks of ours (flock)
 * stay held until the program has ended. Output goes to BASE.log as it comes
 * (`max` bytes); when the program has ended, both files are durable and
 * BASE.end tells how: "exit N", "signal N" or "late". One that was there before
 * is removed first. `result` is the file that the program writes, or NULL: it
 * is durable before BASE.end is there. An end that nobody knows, because the
 * keeper was killed, or that says nothing, because BASE.log could not be
 * written, or would be longer than `max`, or the result not be made durable
 * (there is no BASE.end then), is not `exited`, with signal 0.
 *
 * Errors as above; HL_EIO, HL_EFULL, HL_EINPUT also for files at BASE.
 */
HL_CHECK hl_rc hl_spawn_kept(const char *const *argv, const char *base,
    const char *result, size_t max, hl_buf *out, hl_ended *end,
    hl_deadline until, hl_err *err);

/*
 * What hl_spawn_kept() left, for whoever comes after a process that died.
 * HL_ENOTFOUND: there is no BASE.end, or there is something else in it: nobody
 * knows how the program ended, if it has. HL_EINPUT, HL_EIO: BASE.end cannot be
 * read. The first `max` bytes of BASE.log are appended to *out where it is
 * there, at any rate. Of an end that was late no more is known.
 */
HL_CHECK hl_rc hl_spawn_kept_end(const char *base, size_t max, hl_buf *out,
    hl_ended *end, hl_err *err);

/*
 * Runs a program for the user. Its stdin is ours; its stdout and stderr reach
 * ours byte for byte as they come, and the last `max` bytes of both are
 * appended to *copy, in the order in which they were read. A stream of ours
 * that is a terminal is one for the program, too, for output; what it writes
 * keeps its order where both of ours are the same. It is in our process group,
 * so that the terminal's Ctrl-C reaches it; INT, TERM, HUP and QUIT that are
 * sent to us alone are passed on. Where nobody reads our stdout any more, the
 * program notices it as it would without us; other failures to write to it do
 * not concern it. What nobody reads yet when it has ended is waited for, unless
 * a signal came or the program was late.
 *
 * `until` 0: no deadline. At the deadline the program (not its group, which is
 * ours) gets TERM and, two seconds later, KILL. Others who still hold its
 * stdout half a second after it has ended are not waited for. Errors as above.
 */
HL_CHECK hl_rc hl_spawn_tee(const char *const *argv, size_t max, hl_buf *copy,
    hl_ended *end, hl_deadline until, hl_err *err);

/* The exit code that a shell would report: the status, or 128 + signal. */
int hl_ended_code(const hl_ended *end);

#endif
