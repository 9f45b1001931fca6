/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where options come from when the command line is silent: the environment,
 * then the user's file, then the system's. Files are INI, read by inih.
 */
#include <ctype.h>
#include <ini.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "util/file.h"

#define SYSTEM_FILE "/etc/hsmlic/config"
#define FILE_MAX ((size_t)64 * 1024)
#define LINE_MAX_CHARS 190 /* inih reads lines of up to 200 bytes */
#define KEYS_MAX 256

/* ---- which options there are -------------------------------------------- */

static const hl_option *
find_in(const hl_option *table, const char *name)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strcmp(table->name, name) == 0 &&
		    (table->flags & HL_OPT_LINE_ONLY) == 0)
			return table;
	return NULL;
}

/* An option of the running command, of all commands, or a setting. */
static const hl_option *
find_option(const hl_cli *cli, const char *name)
{
	const hl_option *o = find_in(hl_global_options, name);

	if (o == NULL)
		o = find_in(hl_settings, name);
	if (o == NULL && cli->command != NULL)
		o = find_in(cli->command->options, name);
	return o;
}

static bool
any_command_has(const char *name)
{
	for (const hl_command *c = hl_commands; c->name != NULL; c++)
		if (find_in(c->options, name) != NULL)
			return true;
	return find_in(hl_global_options, name) != NULL ||
	    find_in(hl_settings, name) != NULL;
}

static bool
chip_on_line(const hl_cli *cli)
{
	for (size_t i = 0; i < cli->n_values; i++)
		if ((cli->values[i].option->flags & HL_OPT_CHIP) != 0 &&
		    cli->values[i].on_line)
			return true;
	return false;
}

/* ---- setting one value
 * -------------------------------------------------------- */

bool
hl_flag_value(const char *text, bool *on)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };

	for (size_t i = 0; i < HL_COUNT(yes); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*on = strcmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

/* Copies a text that lives as long as the values. */
static hl_rc
keep(hl_cli *cli, const char *value, const char **out, hl_err *err)
{
	char **more;

	more = reallocarray(
	    cli->config_values, cli->n_config_values + 1, sizeof(*more));
	if (more == NULL)
		return hl_nomem(err);
	cli->config_values = more;
	more[cli->n_config_values] = strdup(value);
	if (more[cli->n_config_values] == NULL)
		return hl_nomem(err);
	*out = more[cli->n_config_values++];
	return HL_OK;
}

/* Sets an option that nothing of higher rank has set. `where`: a variable, or
 * file and line. */
static hl_rc
set(hl_cli *cli, const hl_option *o, const char *text, const char *where,
    bool from_file, hl_err *err)
{
	hl_value v = { .option = o, .count = 1, .from_file = from_file };
	hl_rc rc;
	uint64_t n;
	bool on;

	if (o == NULL || hl_opt(cli, o->name) != NULL ||
	    ((o->flags & HL_OPT_CHIP) != 0 && chip_on_line(cli)))
		return HL_OK;
	if ((o->flags & HL_OPT_REPEAT) != 0 && hl_text_u64(text, 9, &n)) {
		v.count = (unsigned)n;
	} else if (o->value == NULL) {
		if (!hl_flag_value(text, &on))
			return hl_fail(err, HL_EINPUT, "read the configuration",
			    "write true or false", "%s: %s is \"%s\"", where,
			    o->name, text);
		v.count = on ? 1 : 0;
	}
	if (cli->n_values == HL_VALUES_MAX)
		return hl_fail(err, HL_EINPUT, "read the configuration",
		    "take some of them away", "%s: too many options", where);
	if ((rc = keep(cli, text, &v.text, err)) != HL_OK ||
	    (rc = keep(cli, where, &v.where, err)) != HL_OK)
		return rc;
	cli->values[cli->n_values++] = v;
	return HL_OK;
}

/* ---- environment
 * --------------------------------------------------------------- */

static hl_rc
set_from_environment(hl_cli *cli, const hl_option *table, hl_err *err)
{
	char name[64];
	const char *text;
	size_t n;
	hl_rc rc;

	for (; table != NULL && table->name != NULL; table++) {
		if ((table->flags & HL_OPT_LINE_ONLY) != 0)
			continue;
		(void)snprintf(name, sizeof(name), "HSMLIC_%s", table->name);
		n = strlen(name);
		for (size_t i = 0; i < n; i++)
			name[i] = (char)(name[i] == '-'
				? '_'
				: toupper((unsigned char)name[i]));
		text = getenv(name);
		if (text == NULL || text[0] == '\0')
			continue;
		if ((rc = set(cli, table, text, name, false, err)) != HL_OK)
			return rc;
	}
	return HL_OK;
}

/* ---- files
 * --------------------------------------------------------------------- */

struct reading {
	hl_cli *cli;
	const char *path;
	const char *rest; /* of the text */
	unsigned line;
	hl_err *err;
	hl_rc rc;
	bool defaults; /* this pass takes the defaults, the other the section */
	char keys[KEYS_MAX][64]; /* "section/key" seen so far */
	size_t n_keys;
};

HL_PRINTF(3, 4)
static hl_rc
wrong(struct reading *r, const char *hint, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	(void)hl_text_vformat(why, sizeof(why), fmt, ap);
	va_end(ap);
	return hl_fail(r->err, HL_EINPUT, "read the configuration", hint,
	    "%s, line %u: %s", r->path, r->line, why);
}

static bool
is_defaults(const char *section)
{
	return section[0] == '\0' || strcmp(section, "defaults") == 0;
}

/* "get", "card add" */
static const hl_command *
command_of_section(const char *section)
{
	char name[64];

	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		(void)snprintf(name, sizeof(name), "%s%s%s",
		    c->group == NULL ? "" : c->group,
		    c->group == NULL ? "" : " ", c->name);
		if (strcmp(name, section) == 0)
			return c;
	}
	return NULL;
}

static hl_rc
remember_key(struct reading *r, const char *section, const char *key)
{
	char both[64];

	if ((size_t)snprintf(both, sizeof(both), "%s/%s",
		is_defaults(section) ? "" : section, key) >= sizeof(both) ||
	    r->n_keys == KEYS_MAX)
		return wrong(r, "take some of them away",
		    "too long, or too many keys: %s", key);
	for (size_t i = 0; i < r->n_keys; i++)
		if (strcmp(r->keys[i], both) == 0)
			return wrong(r, "keep one of the two lines",
			    "%s stands there twice", key);
	(void)hl_text_copy(r->keys[r->n_keys++], sizeof(r->keys[0]), both);
	return HL_OK;
}

static hl_rc
take_key(
    struct reading *r, const char *section, const char *key, const char *value)
{
	const hl_command *c = NULL;
	const hl_option *o;
	char where[PATH_MAX + 32];
	hl_rc rc;

	if ((rc = remember_key(r, section, key)) != HL_OK)
		return rc;
	if (is_defaults(section)) {
		if (!any_command_has(key))
			return wrong(r,
			    "keys are the long options without dashes",
			    "unknown key \"%s\"", key);
	} else {
		c = command_of_section(section);
		if (c == NULL)
			return wrong(r, "sections are [defaults] and commands",
			    "there is no section [%s]", section);
		if (find_in(hl_settings, key) != NULL)
			return wrong(r,
			    "write it before the first section, or into "
			    "[defaults]",
			    "\"%s\" goes for all commands, not for [%s] alone",
			    key, section);
		if (find_in(c->options, key) == NULL &&
		    find_in(hl_global_options, key) == NULL)
			return wrong(r, "see: hsmlic help",
			    "\"%s\" is no option of [%s]", key, section);
		if (c != r->cli->command)
			return HL_OK;
	}
	o = find_option(r->cli, key);
	if (o == NULL || is_defaults(section) != r->defaults)
		return HL_OK;
	(void)hl_text_format(
	    where, sizeof(where), "%s, line %u", r->path, r->line);
	return set(r->cli, o, value, where, true, r->err);
}

static int
on_key(void *user, const char *section, const char *key, const char *value)
{
	struct reading *r = user;

	/* inih goes on after an error; the first one counts. */
	if (r->rc == HL_OK)
		r->rc = take_key(r, section, key, value);
	return r->rc == HL_OK;
}

static hl_rc
check_lines(const char *path, const char *text, hl_err *err)
{
	unsigned line = 1;
	size_t run = 0;

	for (const char *p = text; *p != '\0'; p++) {
		run = *p == '\n' ? 0 : run + 1;
		if (run > LINE_MAX_CHARS)
			return hl_fail(err, HL_EINPUT, "read the configuration",
			    "make it shorter",
			    "%s: line %u is longer than %d characters", path,
			    line, LINE_MAX_CHARS);
		line += *p == '\n';
	}
	return HL_OK;
}

/* As fgets(), for inih, which tells nobody at which line it is. */
static char *
next_line(char *out, int size, void *stream)
{
	struct reading *r = stream;
	size_t n = strcspn(r->rest, "\n");

	if (r->rest[0] == '\0' || size < 2)
		return NULL;
	n += r->rest[n] == '\n';
	if (n > (size_t)size - 1)
		n = (size_t)size - 1;
	memcpy(out, r->rest, n);
	out[n] = '\0';
	r->rest += n;
	r->line++;
	return out;
}

static hl_rc
parse_pass(struct reading *r, const char *text, bool defaults)
{
	int line;

	r->defaults = defaults;
	r->n_keys = 0;
	r->rest = text;
	r->line = 0;
	line = ini_parse_stream(next_line, r, on_key, r);
	if (r->rc == HL_OK && line != 0)
		return hl_fail(r->err, HL_EINPUT, "read the configuration",
		    "lines are: key = value, [section], or ; comment",
		    "%s: line %d cannot be understood", r->path, line);
	return r->rc;
}

hl_rc
hl_config_parse(hl_cli *cli, const char *path, const char *text, hl_err *err)
{
	struct reading *r;
	hl_rc rc;

	if ((rc = check_lines(path, text, err)) != HL_OK)
		return rc;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return hl_nomem(err);
	r->cli = cli;
	r->path = path;
	r->err = err;
	/* A command's own section wins over the defaults, wherever it stands.
	 */
	rc = parse_pass(r, text, false);
	if (rc == HL_OK)
		rc = parse_pass(r, text, true);
	free(r);
	return rc;
}

static hl_rc
load_file(hl_cli *cli, const char *path, bool must, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_rc rc = hl_file_read(path, FILE_MAX, &text, err);

	if (rc == HL_ENOTFOUND && !must)
		rc = HL_OK;
	else if (rc == HL_OK && text.n > 0 &&
	    memchr(text.p, '\0', text.n) != NULL)
		rc = hl_fail(err, HL_EINPUT, "read the configuration",
		    "name a file of lines: key = value", "%s is no text file",
		    path);
	else if (rc == HL_OK &&
	    (rc = keep(cli, path, &cli->files[cli->n_files], err)) == HL_OK) {
		cli->n_files++;
		rc = hl_config_parse(cli, path, hl_buf_str(&text), err);
	}
	hl_buf_free(&text);
	return rc;
}

static hl_rc
load_user_file(hl_cli *cli, hl_err *err)
{
	const char *given = hl_opt(cli, "config");
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	hl_rc rc;

	if (given != NULL)
		return load_file(cli, given, true, err);
	if (xdg != NULL && xdg[0] == '/')
		rc = hl_path(path, sizeof(path), err, "%s/hsmlic/config", xdg);
	else if (home != NULL && home[0] == '/')
		rc = hl_path(
		    path, sizeof(path), err, "%s/.config/hsmlic/config", home);
	else
		return HL_OK;
	return rc == HL_OK ? load_file(cli, path, false, err) : rc;
}

hl_rc
hl_config_load(hl_cli *cli, hl_err *err)
{
	hl_rc rc;

	rc = set_from_environment(cli, hl_global_options, err);
	if (rc == HL_OK)
		rc = set_from_environment(cli, hl_settings, err);
	if (rc == HL_OK && cli->command != NULL)
		rc = set_from_environment(cli, cli->command->options, err);
	if (rc == HL_OK)
		rc = load_user_file(cli, err);
	if (rc == HL_OK)
		rc = load_file(cli, SYSTEM_FILE, false, err);
	return rc;
}

void
hl_config_free(hl_cli *cli)
{
	for (size_t i = 0; i < cli->n_config_values; i++)
		free(cli->config_values[i]);
	free(cli->config_values);
	cli->config_values = NULL;
	cli->n_config_values = 0;
}
