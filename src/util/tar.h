/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives of plain files: POSIX.1-2017, pax, "ustar Interchange Format". What
 * is written depends on names, modes and content alone: no owner, no time.
 */
#ifndef HL_UTIL_TAR_H
#define HL_UTIL_TAR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "util/buf.h"
#include "util/err.h"

#define HL_TAR_NAME_MAX 99			  /* bytes */
#define HL_TAR_SIZE_MAX ((UINT64_C(1) << 33) - 1) /* of one file: 8 GiB */

/* ---- writing ------------------------------------------------------------ */

typedef struct hl_tar {
	FILE *f;      /* of the caller; can be sought in */
	off_t header; /* where that of the open entry is; -1: none is open */
	char name[HL_TAR_NAME_MAX + 1];
	mode_t mode;
} hl_tar;

void hl_tar_start(hl_tar *t, FILE *f);
/* HL_EINPUT: the name is empty or too long; HL_EIO, HL_EFULL: of the file. */
HL_CHECK hl_rc hl_tar_begin(
    hl_tar *t, const char *name, mode_t mode, hl_err *err);
/* More of the open entry. */
HL_CHECK hl_rc hl_tar_put(hl_tar *t, const void *p, size_t n, hl_err *err);
/* HL_EFULL also when the entry is larger than HL_TAR_SIZE_MAX. */
HL_CHECK hl_rc hl_tar_end(hl_tar *t, hl_err *err);
/* All three. */
HL_CHECK hl_rc hl_tar_add(hl_tar *t, const char *name, mode_t mode,
    const void *p, size_t n, hl_err *err);
/* The end of the archive; flushed, the file is not closed. */
HL_CHECK hl_rc hl_tar_finish(hl_tar *t, hl_err *err);

/* ---- reading ------------------------------------------------------------ */

/*
 * Calls `entry` for each regular file, until it returns false; its name is
 * without the "./" that tar(1) may write. HL_EINPUT: this is no such archive,
 * or it is cut off; HL_EIO. A name of more than HL_TAR_NAME_MAX bytes is passed
 * over.
 */
HL_CHECK hl_rc hl_tar_each(FILE *f,
    bool (*entry)(void *arg, const char *name, uint64_t size), void *arg,
    hl_err *err);
/*
 * Looks for a regular file of that name and puts `f` at the first of its *size
 * bytes. The first counts. HL_ENOTFOUND: it is not in the archive; errors as
 * above.
 */
HL_CHECK hl_rc hl_tar_find(
    FILE *f, const char *name, uint64_t *size, hl_err *err);

#endif
