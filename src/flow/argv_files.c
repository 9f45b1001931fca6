/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a vector makes the tool read: looked for before it runs. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/argv_int.h"

#define WHAT "look for the files of the command line"

static bool
installs(const hl_argv_use *u)
{
	return u->kind == HL_ARGV_SFI || u->kind == HL_ARGV_SSP ||
	    u->kind == HL_ARGV_MODULE;
}

static hl_rc
check_file(const char *option, const char *path, hl_err *err)
{
	static const char *const hint =
	    "check the name: the programmer would fail on it with the unit "
	    "spent";
	struct stat st;

	if (path == NULL)
		return HL_OK;
	if (stat(path, &st) != 0 || access(path, R_OK) != 0)
		return hl_fail(err, HL_EINPUT, WHAT, hint,
		    "the file behind %s cannot be read: %s: %s", option, path,
		    strerror(errno));
	if (S_ISDIR(st.st_mode))
		return hl_fail(err, HL_EINPUT, WHAT, hint,
		    "behind %s stands a folder: %s", option, path);
	return HL_OK;
}

/* They name a file that the install cannot do without. */
static bool
takes_file(const char *word)
{
	const char *name = hl_argv_name(word);

	return hl_argv_is_option(word) &&
	    (strcasecmp(name, "rsse") == 0 || strcasecmp(name, "el") == 0);
}

static hl_rc
check_option(int i, int argc, char *const *argv, hl_err *err)
{
	if (i + 1 >= argc || argv[i + 1][0] == '\0' ||
	    hl_argv_is_option(argv[i + 1]))
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "name the file behind it", "%s has no file behind it",
		    argv[i]);
	return check_file(argv[i], argv[i + 1], err);
}

hl_rc
hl_argv_check_files(const hl_argv *a, int argc, char *const *argv, hl_err *err)
{
	hl_rc rc = HL_OK;

	for (size_t i = 0; rc == HL_OK && i < a->n; i++) {
		const hl_argv_use *u = &a->use[i];

		if (installs(u))
			rc = check_file(argv[u->first], u->file, err);
		if (rc == HL_OK)
			rc = check_file(argv[u->first], u->tfa, err);
	}
	for (int i = 1; rc == HL_OK && i < argc; i++)
		if (takes_file(argv[i]))
			rc = check_option(i, argc, argv, err);
	return rc;
}
