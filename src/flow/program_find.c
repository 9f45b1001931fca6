/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/programmer.h"
#include "tool/tool.h"
#include "util/file.h"

/* hsmlic can stand in PATH under the name of the program that it runs. */
static bool
can_run(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0 && !hl_tool_is_ourselves(path);
}

/* The folder that this program is in: its sister programs are there. */
static bool
beside_us(const char *name, char *out, size_t size)
{
	char self[PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return false;
	self[n] = '\0';
	if ((slash = strrchr(self, '/')) == NULL)
		return false;
	*slash = '\0';
	return hl_path(out, size, NULL, "%s/%s", self, name) == HL_OK &&
	    can_run(out);
}

hl_rc
hl_program_find(const char *name, char *out, size_t size, hl_err *err)
{
	hl_tool found;

	if (strchr(name, '/') != NULL) {
		if (hl_tool_is_ourselves(name))
			return hl_fail(err, HL_EUSAGE, "find the program",
			    "name the program itself",
			    "%s is hsmlic under another name", name);
		return hl_path(out, size, err, "%s", name);
	}
	if (strcmp(name, "hsmlic-sim") == 0 && beside_us(name, out, size))
		return HL_OK;
	if (hl_tool_in_path(&found, name))
		return hl_path(out, size, err, "%s", found.path);
	return hl_fail(err, HL_ENODEV, "find the program",
	    "give its path, or add its folder to PATH",
	    "there is no program \"%s\" in PATH", name);
}
