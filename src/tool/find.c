/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/tool_int.h"
#include "util/file.h"
#include "util/text.h"

#define SELF "/proc/self/exe"
#define COMPARE_BYTES 16384

static const char what[] = "find " HL_TOOL_NAME;

/*
 * Where installers of STM32CubeProgrammer, STM32CubeCLT and STM32CubeIDE for
 * Linux put it, as found in build files of public repositories; "~" is HOME.
 */
static const char *const usual[] = {
	"~/STMicroelectronics/STM32Cube/STM32CubeProgrammer/bin",
	"/usr/local/STMicroelectronics/STM32Cube/STM32CubeProgrammer/bin",
	"/opt/STMicroelectronics/STM32Cube/STM32CubeProgrammer/bin",
	"/opt/st/stm32cubeprogrammer*/bin",
	"/opt/st/STM32CubeProgrammer*/bin",
	"/opt/st/stm32cubeclt*/STM32CubeProgrammer/bin",
	"/opt/st/stm32cubeide*/plugins/*.cubeprogrammer.*/tools/bin",
};

typedef enum look {
	LOOK_FOUND,
	LOOK_ABSENT,
	LOOK_OURSELVES,
} look;

static bool
same_bytes(const char *a, const char *b)
{
	char x[COMPARE_BYTES], y[COMPARE_BYTES];
	FILE *f = fopen(a, "re"), *g = fopen(b, "re");
	bool same = f != NULL && g != NULL;
	size_t n = 1;

	while (same && n > 0) {
		n = fread(x, 1, sizeof(x), f);
		same = fread(y, 1, sizeof(y), g) == n && memcmp(x, y, n) == 0;
	}
	same = same && ferror(f) == 0 && ferror(g) == 0;
	if (f != NULL)
		(void)fclose(f);
	if (g != NULL)
		(void)fclose(g);
	return same;
}

bool
hl_tool_is_ourselves(const char *path)
{
	struct stat st, own;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
	    stat(SELF, &own) != 0)
		return false;
	return (own.st_dev == st.st_dev && own.st_ino == st.st_ino) ||
	    (own.st_size == st.st_size && same_bytes(path, SELF));
}

/* A program that can be run, and not the one that is running. */
static look
look_at(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
	    access(path, X_OK) != 0)
		return LOOK_ABSENT;
	return hl_tool_is_ourselves(path) ? LOOK_OURSELVES : LOOK_FOUND;
}

static look
look_in(hl_tool *out, const char *folder, const char *name)
{
	hl_tool t;
	look seen;

	if (hl_path(t.path, sizeof(t.path), NULL, "%s/%s", folder, name) !=
	    HL_OK)
		return LOOK_ABSENT;
	seen = look_at(t.path);
	if (seen == LOOK_FOUND)
		*out = t;
	return seen;
}

/* The folder of relative names in PATH depends on where one stands; a program
 * that spends money should not. */
bool
hl_tool_in_path(hl_tool *out, const char *name)
{
	const char *p = getenv("PATH");
	char folder[PATH_MAX];
	size_t n;

	for (; p != NULL && *p != '\0'; p += n + (p[n] == ':')) {
		n = strcspn(p, ":");
		if (*p != '/' || n >= sizeof(folder))
			continue;
		memcpy(folder, p, n);
		folder[n] = '\0';
		if (look_in(out, folder, name) == LOOK_FOUND)
			return true;
	}
	return false;
}

bool
hl_tool_newest(hl_tool *out, const char *pattern)
{
	glob_t g = { .gl_pathc = 0 };
	const char *best = NULL;
	hl_tool t;

	if (glob(pattern, GLOB_NOSORT, NULL, &g) == 0) {
		for (size_t i = 0; i < g.gl_pathc; i++) {
			if (best != NULL && strverscmp(g.gl_pathv[i], best) < 0)
				continue;
			if (look_in(&t, g.gl_pathv[i], HL_TOOL_NAME) ==
			    LOOK_FOUND) {
				best = g.gl_pathv[i];
				*out = t;
			}
		}
	}
	globfree(&g);
	return best != NULL;
}

static bool
find_in_usual(hl_tool *out)
{
	const char *home = getenv("HOME");
	hl_tool t;

	for (size_t i = 0; i < HL_COUNT(usual); i++) {
		if (usual[i][0] != '~') {
			if (hl_tool_newest(out, usual[i]))
				return true;
		} else if (home != NULL && home[0] == '/' &&
		    hl_path(t.path, sizeof(t.path), NULL, "%s%s", home,
			usual[i] + 1) == HL_OK &&
		    look_in(out, t.path, HL_TOOL_NAME) == LOOK_FOUND)
			return true;
	}
	return false;
}

static hl_rc
find_configured(hl_tool *out, const char *configured, hl_err *err)
{
	hl_tool t;
	look seen;

	if (strchr(configured, '/') == NULL) {
		if (hl_tool_in_path(out, configured))
			return HL_OK;
		return hl_fail(err, HL_ENODEV, what,
		    "configure the whole path of the program",
		    "\"%s\" is not in PATH", configured);
	}
	if (hl_path(t.path, sizeof(t.path), err, "%s", configured) != HL_OK)
		return HL_EINPUT;
	seen = look_at(t.path);
	if (seen == LOOK_OURSELVES)
		return hl_fail(err, HL_ENODEV, what,
		    "configure ST's own program, of STM32CubeProgrammer",
		    "\"%s\" is this program itself", configured);
	if (seen == LOOK_ABSENT)
		return hl_fail(err, HL_ENODEV, what,
		    "correct the configured path", "there is no program \"%s\"",
		    configured);
	*out = t;
	return HL_OK;
}

/*
 * HL_ENOTFOUND: the variables are not set, or lead back to ourselves, as they
 * do where scripts of others are to use us for ST's tool.
 */
static hl_rc
find_by_variables(hl_tool *out, hl_err *err)
{
	const char *cli = getenv("STM32CUBEPRG_CLI");
	const char *dir = getenv("STM32_CUBE_PROGRAMMER_DIR");
	look seen;

	if (cli != NULL && cli[0] != '\0') {
		seen = look_at(cli);
		if (seen == LOOK_FOUND)
			return hl_path(
			    out->path, sizeof(out->path), err, "%s", cli);
		if (seen == LOOK_ABSENT)
			return hl_fail(err, HL_ENODEV, what,
			    "correct STM32CUBEPRG_CLI, or unset it",
			    "STM32CUBEPRG_CLI names \"%s\", which is no "
			    "program",
			    cli);
	}
	if (dir == NULL || dir[0] == '\0')
		return HL_ENOTFOUND;
	seen = look_in(out, dir, HL_TOOL_NAME);
	if (seen == LOOK_ABSENT)
		seen = look_in(out, dir, "bin/" HL_TOOL_NAME);
	if (seen == LOOK_ABSENT)
		return hl_fail(err, HL_ENODEV, what,
		    "correct STM32_CUBE_PROGRAMMER_DIR, or unset it",
		    "STM32_CUBE_PROGRAMMER_DIR names \"%s\", and it is neither "
		    "there nor in bin in there",
		    dir);
	return seen == LOOK_FOUND ? HL_OK : HL_ENOTFOUND;
}

hl_rc
hl_tool_find(hl_tool *out, const char *configured, hl_err *err)
{
	hl_rc rc;

	if (configured != NULL && configured[0] != '\0')
		return find_configured(out, configured, err);
	if ((rc = find_by_variables(out, err)) != HL_ENOTFOUND)
		return rc;
	if (hl_tool_in_path(out, HL_TOOL_NAME) || find_in_usual(out))
		return HL_OK;
	return hl_fail(err, HL_ENODEV, what,
	    "install STM32CubeProgrammer, or name the program in "
	    "STM32CUBEPRG_CLI; it was looked for in PATH, "
	    "~/STMicroelectronics, /usr/local/STMicroelectronics, "
	    "/opt/STMicroelectronics and /opt/st",
	    HL_TOOL_NAME " is in none of the usual places");
}
