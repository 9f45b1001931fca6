/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/ballast.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"

static hl_rc
full(const char *side, const char *why, hl_err *err)
{
	return hl_fail(err, HL_EFULL, "prepare to spend a unit",
	    "free some space there first; nothing was spent", "%s: %s", side,
	    why);
}

static hl_rc
fill(int fd, const char *side, hl_err *err)
{
	/* Blocks, not a hole: a hole would free nothing when it goes. */
	int e = posix_fallocate(fd, 0, (off_t)HL_BALLAST_SIZE);

	if (e == ENOSPC || e == EDQUOT || e == EFBIG)
		return full(side, "no room for the 1 MiB safety reserve", err);
	if (e != 0)
		return hl_fail(err, HL_EIO, "prepare to spend a unit",
		    "check that file system; nothing was spent", "%s: %s", side,
		    strerror(e));
	return HL_OK;
}

static hl_rc
make(const char *path, const char *side, hl_err *err)
{
	struct stat st;
	int fd;
	hl_rc rc = HL_OK;

	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		if (errno == ENOSPC || errno == EDQUOT)
			return full(side, strerror(errno), err);
		return hl_fail(err, HL_EIO, "prepare to spend a unit",
		    "check owner and mode of that file; nothing was spent",
		    "%s: %s", path, strerror(errno));
	}
	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size < HL_BALLAST_SIZE)
		rc = fill(fd, side, err);
	(void)close(fd);
	if (rc != HL_OK)
		(void)unlink(path);
	return rc;
}

hl_rc
hl_ballast_load(const char *side, hl_err *err)
{
	char path[PATH_MAX];
	uint64_t space;
	hl_rc rc;

	if ((rc = hl_path(path, sizeof(path), err, "%s/ballast", side)) !=
		HL_OK ||
	    (rc = make(path, side, err)) != HL_OK ||
	    (rc = hl_file_free_space(side, &space, err)) != HL_OK)
		return rc;
	if (space < HL_BALLAST_SIZE)
		return full(side, "less than 1 MiB is free", err);
	return HL_OK;
}

void
hl_ballast_drop(const char *side)
{
	char path[PATH_MAX];

	if (hl_path(path, sizeof(path), NULL, "%s/ballast", side) == HL_OK)
		(void)unlink(path);
}
