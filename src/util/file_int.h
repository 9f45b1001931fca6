/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources behind file.h share. */
#ifndef HL_UTIL_FILE_INT_H
#define HL_UTIL_FILE_INT_H

#include <stdbool.h>

#include "util/err.h"

/* A path taken apart: its directory is held open while the file changes. */
typedef struct hl_place {
	const char *path; /* as given, for messages */
	const char *name; /* last component; points into path */
	int dir;	  /* open directory, or -1 */
} hl_place;

/* Opens the directory of `path`, which *p borrows. False: errno says why. */
bool hl_place_open(hl_place *p, const char *path);
void hl_place_close(hl_place *p);

/* fsync() that a signal does not end. */
int hl_fd_sync(int fd);
/* The same for a directory, where the file system has it. */
int hl_dir_sync(int fd);

/* hl_fail() about `verb "path"`. */
hl_rc hl_file_fail(hl_err *err, hl_rc rc, const char *verb, const char *path,
    const char *hint, const char *why);
/* The same for an errno: its code, its words, and what to do about it. */
hl_rc
hl_file_fail_errno(hl_err *err, const char *verb, const char *path, int e);

#endif
