/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a get needs, tried one by one. */
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "util/file.h"

#define SYSTEM_FILE "/etc/hsmlic/config"
#define RESULT_WIDTH 9
#define DETAIL_MAX (2 * HL_ERR_WHY)

/* ---- lines -------------------------------------------------------------- */

static void
add_json(hl_doctor *d, const char *name, const char *result, const char *detail,
    const char *remedy)
{
	(void)json_array_append_new(d->checks,
	    json_pack("{s:s, s:s, s:o, s:o}", "name", name, "result", result,
		"detail", hl_json_any(detail), "remedy", hl_json_any(remedy)));
}

static const char *
color_of(const hl_cli *cli, const char *result)
{
	if (!cli->color_out)
		return "";
	if (strcmp(result, "ok") == 0)
		return "\033[32m";
	if (strcmp(result, "warning") == 0)
		return "\033[33m";
	return strcmp(result, "FAILED") == 0 ? "\033[31m" : "\033[2m";
}

static void
put(hl_doctor *d, const char *name, const char *result, char *detail,
    const char *remedy)
{
	if (d->checks != NULL) {
		add_json(d, name, result, detail, remedy);
		return;
	}
	hl_text_clean(detail);
	(void)printf("%s%-*s%s%s: %s\n", color_of(d->cli, result), RESULT_WIDTH,
	    result, d->cli->color_out ? "\033[0m" : "", name, detail);
	if (remedy[0] != '\0')
		(void)printf("%*sremedy: %s\n", RESULT_WIDTH, "", remedy);
	(void)fflush(stdout);
}

void
hl_doctor_ok(hl_doctor *d, const char *name, const char *fmt, ...)
{
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)hl_text_vformat(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	put(d, name, "ok", detail, "");
}

void
hl_doctor_skip(hl_doctor *d, const char *name, const char *fmt, ...)
{
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)hl_text_vformat(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	put(d, name, "skipped", detail, "");
}

void
hl_doctor_warn(
    hl_doctor *d, const char *name, const char *remedy, const char *fmt, ...)
{
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)hl_text_vformat(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	d->warned++;
	put(d, name, "warning", detail, remedy);
}

void
hl_doctor_fail(
    hl_doctor *d, const char *name, const char *remedy, const char *fmt, ...)
{
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)hl_text_vformat(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	d->failed++;
	put(d, name, "FAILED", detail, remedy);
}

void
hl_doctor_error(hl_doctor *d, const char *name, const hl_err *err)
{
	hl_doctor_fail(d, name, err->hint, "%s: %s", err->what, err->why);
}

/* ---- configuration ------------------------------------------------------ */

/* As the configuration is looked for; "" when there is no place for it. */
static void
user_file(const hl_cli *cli, char *out, size_t size)
{
	const char *given = hl_opt(cli, "config");
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	out[0] = '\0';
	if (given != NULL)
		(void)snprintf(out, size, "%s", given);
	else if (xdg != NULL && xdg[0] == '/')
		(void)snprintf(out, size, "%s/hsmlic/config", xdg);
	else if (home != NULL && home[0] == '/')
		(void)snprintf(out, size, "%s/.config/hsmlic/config", home);
}

static void
put_environment(hl_buf *out)
{
	static const char prefix[] = "HSMLIC_";

	for (char **e = environ; *e != NULL; e++)
		if (strncmp(*e, prefix, sizeof(prefix) - 1) == 0)
			hl_buf_printf(out, ", %.*s", (int)strcspn(*e, "="), *e);
}

/* It could be read, or no command would have come this far. */
static void
check_configuration(hl_doctor *d)
{
	char user[PATH_MAX];
	hl_buf found = HL_BUF_INIT;

	user_file(d->cli, user, sizeof(user));
	if (user[0] != '\0' && access(user, F_OK) == 0)
		hl_buf_printf(&found, ", %s", user);
	if (access(SYSTEM_FILE, F_OK) == 0)
		hl_buf_printf(&found, ", " SYSTEM_FILE);
	put_environment(&found);
	if (found.n == 0)
		hl_doctor_ok(d, "configuration", "none; looked for %s and %s",
		    user, SYSTEM_FILE);
	else
		hl_doctor_ok(
		    d, "configuration", "read: %s", hl_buf_str(&found) + 2);
	hl_buf_free(&found);
}

/* ---- rescue directory --------------------------------------------------- */

bool
hl_doctor_writable(const char *dir, char *at, size_t size)
{
	char here[PATH_MAX] = ".";
	char *slash;

	if (dir[0] != '/' && getcwd(here, sizeof(here)) == NULL)
		(void)snprintf(here, sizeof(here), ".");
	if (dir[0] == '/')
		(void)snprintf(at, size, "%s", dir);
	else if (strcmp(dir, ".") == 0)
		(void)snprintf(at, size, "%s", here);
	else
		(void)snprintf(at, size, "%s/%s", here, dir);
	while (access(at, F_OK) != 0) {
		slash = strrchr(at, '/');
		if (slash == NULL || slash == at) {
			(void)snprintf(at, size, "/");
			break;
		}
		*slash = '\0';
	}
	return access(at, W_OK | X_OK) == 0;
}

static void
check_rescue(hl_doctor *d)
{
	const char *given = hl_opt(d->cli, "rescue-dir");
	char dir[PATH_MAX], at[2 * PATH_MAX];

	if (given != NULL)
		(void)snprintf(dir, sizeof(dir), "%s", given);
	else
		(void)snprintf(dir, sizeof(dir), "/var/tmp/hsmlic-rescue-%lu",
		    (unsigned long)getuid());
	if (hl_doctor_writable(dir, at, sizeof(at)))
		hl_doctor_ok(d, "rescue directory", "%s", dir);
	else
		hl_doctor_fail(d, "rescue directory",
		    "let this user write there, or set rescue-dir in the "
		    "configuration",
		    "%s cannot be written", at);
}

/* ---- the command -------------------------------------------------------- */

hl_rc
hl_cmd_doctor(hl_cli *cli, char **operands, hl_err *err)
{
	hl_doctor d = { .cli = cli };

	(void)operands;
	if (cli->json && (d.checks = json_array()) == NULL)
		return hl_nomem(err);
	check_configuration(&d);
	hl_doctor_store(&d);
	check_rescue(&d);
	hl_doctor_tool(&d);
	hl_doctor_cards(&d);
	cli->exit_code = d.failed > 0 ? 1 : 0;
	if (cli->json)
		return hl_print_json(cli,
		    json_pack(
			"{s:o, s:b}", "checks", d.checks, "ok", d.failed == 0),
		    err);
	if (d.failed == 0 && d.warned == 0)
		(void)puts("everything that was tried is fine");
	else if (d.failed == 0)
		(void)printf("nothing failed; %u %s\n", d.warned,
		    hl_plural(d.warned, "warning", "warnings"));
	else
		(void)printf("%u %s\n", d.failed,
		    hl_plural(d.failed, "check failed", "checks failed"));
	return HL_OK;
}
