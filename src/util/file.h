/* SPDX-License-Identifier: Apache-2.0 */
/* Files: read whole, replaced whole. */
#ifndef HL_UTIL_FILE_H
#define HL_UTIL_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/buf.h"
#include "util/err.h"

/*
 * Reads a whole regular file of at most `max` bytes into *out (appended; the
 * caller frees it). HL_ENOTFOUND, HL_EINPUT (too long, not a regular
 * file, not for this user),
 * HL_EIO, HL_ENOMEM.
 */
HL_CHECK hl_rc hl_file_read(
    const char *path, size_t max, hl_buf *out, hl_err *err);
/* The same for a secret: HL_EACCESS when the mode of the file gives others than
 * its owner any access. */
HL_CHECK hl_rc hl_file_read_secret(
    const char *path, size_t max, hl_buf *out, hl_err *err);

/*
 * Replaces `path` by the given bytes so that a crash leaves the old file or
 * the new one, never a part: written aside in the same directory, synced,
 * renamed, directory synced. Never through a symbolic link or into a device:
 * what is there and is not a regular file is HL_EINPUT. HL_EFULL, HL_EIO. A
 * crash can leave a file ".hsmlic-*.tmp" behind in that directory.
 */
HL_CHECK hl_rc hl_file_write(
    const char *path, const void *p, size_t n, mode_t mode, hl_err *err);

/*
 * Makes a new file of what `fill` writes to the descriptor, which it leaves
 * open; otherwise as hl_file_create(). When `fill` fails, no file is left.
 */
HL_CHECK hl_rc hl_file_create_by(const char *path, mode_t mode,
    hl_rc (*fill)(void *arg, int fd, hl_err *err), void *arg, hl_err *err);

/*
 * hl_file_write() for results: when the file is there with the same bytes
 * nothing is written; with other bytes HL_EEXIST unless `force`.
 */
HL_CHECK hl_rc hl_file_put(const char *path, const void *p, size_t n,
    mode_t mode, bool force, hl_err *err);

/* Writes a new file as hl_file_write() does: HL_EEXIST, and what is there stays
 * as it is, when the name is taken. */
HL_CHECK hl_rc hl_file_create(
    const char *path, const void *p, size_t n, mode_t mode, hl_err *err);

/*
 * Could a file be written at `path` now? Asked before something that cannot be
 * undone, which the file is to tell of. HL_EINPUT: no name, or something that
 * is no regular file is there; HL_EIO: its folder is not there, or not for this
 * user to write in.
 */
HL_CHECK hl_rc hl_file_can_write(const char *path, hl_err *err);

/* Makes the directory and its parents (mode 0700); fine if it is there.
 * HL_EINPUT when something else is. */
HL_CHECK hl_rc hl_dir_make(const char *path, hl_err *err);
/* A new folder for temporary files, mode 0700, in TMPDIR or /tmp; its path goes
 * to `out`, which is "" on failure. HL_EIO. */
HL_CHECK hl_rc hl_dir_temporary(char *out, size_t size, hl_err *err);
/* Do both paths lead to one file? */
bool hl_file_same(const char *a, const char *b);
/* Syncs the directory that holds `path`. */
HL_CHECK hl_rc hl_dir_sync_parent(const char *path, hl_err *err);
/* Removes a file and syncs its directory; fine if it is not there. */
HL_CHECK hl_rc hl_file_remove(const char *path, hl_err *err);
/*
 * Makes durable what another program wrote: the file and its name. Fine when
 * there is none. One that this user may not read is synced with all of its file
 * system. HL_EIO, HL_EFULL: it may be gone, or torn, after a power cut.
 */
HL_CHECK hl_rc hl_file_sync(const char *path, hl_err *err);
/* Bytes that this user can still write on the file system of `path`. */
HL_CHECK hl_rc hl_file_free_space(
    const char *path, uint64_t *bytes, hl_err *err);
/*
 * `path` from the root, links in its folders resolved; its last name is taken
 * as it is and need not be there. HL_ENOTFOUND: its folder is not there;
 * HL_EINPUT: too long.
 */
HL_CHECK hl_rc hl_path_absolute(
    const char *path, char *out, size_t size, hl_err *err);
/* snprintf for paths: HL_EINPUT when it does not fit. */
HL_CHECK hl_rc hl_path(
    char *out, size_t size, hl_err *err, const char *fmt, ...) HL_PRINTF(4, 5);

#endif
