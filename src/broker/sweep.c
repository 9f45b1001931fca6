/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sweep.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/file.h"
#include "util/lock.h"
#include "util/text.h"

/* Nobody is still writing a file that is this old. */
#define OLD_S 3600

/* Only who holds a lock may remove its file: between a look and the removal,
 * somebody could take it, and would then pass for dead. */
static void
sweep_owner(const char *path, const char *name)
{
	hl_lock *lock;

	if (hl_text_ends(name, ".lock") && !hl_lock_held(path) &&
	    hl_lock_take(&lock, path, hl_deadline_in(0), NULL) == HL_OK)
		hl_lock_free(&lock, true);
}

static void
sweep_torn_file(const char *path, const char *name)
{
	struct stat st;

	if (strncmp(name, ".hsmlic-", strlen(".hsmlic-")) == 0 &&
	    hl_text_ends(name, ".tmp") && stat(path, &st) == 0 &&
	    time(NULL) - st.st_mtime > OLD_S)
		(void)unlink(path);
}

static void
sweep(const char *side, const char *folder,
    void (*sweep_file)(const char *path, const char *name))
{
	char dir[PATH_MAX], path[PATH_MAX];
	const struct dirent *e;
	DIR *d;

	if (hl_path(dir, sizeof(dir), NULL, "%s/%s", side, folder) != HL_OK ||
	    (d = opendir(dir)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (hl_path(path, sizeof(path), NULL, "%s/%s", dir,
			e->d_name) == HL_OK)
			sweep_file(path, e->d_name);
	}
	(void)closedir(d);
}

void
hl_sweep(const char *side)
{
	sweep(side, "owner", sweep_owner);
	sweep(side, "spool", sweep_torn_file);
}
