/* SPDX-License-Identifier: Apache-2.0 */
/* Help, made from the tables. */
#include <string.h>

#include "cli/cli.h"

#define INDENT 2U
#define NEAR_MAX 2U    /* letters that a word is mistyped by */
#define COLUMN_MAX 36U /* where explanations start at the latest */

/* ---- words of the tables ------------------------------------------------ */

/* "card add" */
static void
put_name(const hl_command *c, hl_buf *out)
{
	hl_buf_printf(out, "%s%s%s", c->group == NULL ? "" : c->group,
	    c->group == NULL ? "" : " ", c->name);
}

void
hl_usage_line(const hl_command *c, hl_buf *out)
{
	hl_buf_printf(out, "hsmlic ");
	put_name(c, out);
	if (c->options != NULL)
		hl_buf_printf(out, " [OPTIONS]");
	if (c->operands[0] != '\0')
		hl_buf_printf(out, " %s", c->operands);
}

static void
put_command(const hl_command *c, hl_buf *out)
{
	put_name(c, out);
	if (c->operands[0] != '\0')
		hl_buf_printf(out, " %s", c->operands);
}

/* "-o, --output FILE"; long options stand below each other. */
static void
put_option(const hl_option *o, hl_buf *out)
{
	if (o->letter != 0)
		hl_buf_printf(out, "-%c, ", o->letter);
	else
		hl_buf_printf(out, "    ");
	hl_buf_printf(out, "--%s", o->name);
	if (o->value != NULL)
		hl_buf_printf(out, " %s", o->value);
}

bool
hl_command_in(const hl_command *c, const char *group)
{
	if (c->group == NULL || group == NULL)
		return c->group == group;
	return strcmp(c->group, group) == 0;
}

bool
hl_command_opens_group(const hl_command *c)
{
	if (c->group == NULL)
		return false;
	for (const hl_command *d = hl_commands; d < c; d++)
		if (hl_command_in(d, c->group))
			return false;
	return true;
}

/* ---- what to read, what was meant --------------------------------------- */

void
hl_hint_help(const hl_command *c, const char *group, hl_err *err)
{
	if (c != NULL)
		hl_err_hint(err, "see: hsmlic %s%s%s --help",
		    c->group == NULL ? "" : c->group,
		    c->group == NULL ? "" : " ", c->name);
	else if (group != NULL)
		hl_err_hint(err, "see: hsmlic %s --help", group);
	else
		hl_err_hint(err, "see: hsmlic help");
}

/* The word of a command line that is the nearest; NULL: none is near. */
static const char *
nearest(const char *group, const char *word)
{
	size_t least = NEAR_MAX + 1;
	const char *found = NULL;

	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		const char *name = c->name;
		size_t d;

		if (group == NULL && c->group != NULL)
			name = c->group;
		else if (!hl_command_in(c, group))
			continue;
		d = hl_text_distance(word, name);
		if (d < least && d < strlen(word)) {
			least = d;
			found = name;
		}
	}
	return found;
}

hl_rc
hl_no_command(const char *group, const char *word, hl_err *err)
{
	const char *meant = nearest(group, word);
	const char *in = group == NULL ? "" : group;
	const char *blank = group == NULL ? "" : " ";
	hl_rc rc;

	rc = hl_fail(err, HL_EUSAGE, "read the command line", "",
	    "there is no command \"%s%s%s\"", in, blank, word);
	if (meant != NULL)
		hl_err_hint(
		    err, "did you mean: hsmlic %s%s%s", in, blank, meant);
	else
		hl_hint_help(NULL, group, err);
	return rc;
}

/* ---- lists of two columns ----------------------------------------------- */

static void
print_row(FILE *f, hl_buf *left, size_t column, const char *help)
{
	const char *s = hl_buf_str(left);

	if (strlen(s) > column)
		(void)fprintf(f, "%*s%s\n%*s", (int)INDENT, "", s,
		    (int)(INDENT + column), "");
	else
		(void)fprintf(f, "%*s%-*s", (int)INDENT, "", (int)column, s);
	(void)fprintf(f, "  %s\n", help);
	hl_buf_reset(left);
}

static size_t
wider(size_t column, hl_buf *left)
{
	if (left->n > column && left->n <= COLUMN_MAX)
		column = left->n;
	hl_buf_reset(left);
	return column;
}

/* group NULL: the plain commands. */
static size_t
commands_column(const char *group, size_t column)
{
	hl_buf left = HL_BUF_INIT;

	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		if (!hl_command_in(c, group))
			continue;
		put_command(c, &left);
		column = wider(column, &left);
	}
	hl_buf_free(&left);
	return column;
}

static void
print_commands(const char *title, const char *group, size_t column, FILE *f)
{
	hl_buf left = HL_BUF_INIT;

	(void)fprintf(f, "\n%s:\n", title);
	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		if (!hl_command_in(c, group))
			continue;
		put_command(c, &left);
		print_row(f, &left, column, c->help);
	}
	hl_buf_free(&left);
}

static size_t
options_column(const hl_option *table, size_t column)
{
	hl_buf left = HL_BUF_INIT;

	for (; table != NULL && table->name != NULL; table++) {
		put_option(table, &left);
		column = wider(column, &left);
	}
	hl_buf_free(&left);
	return column;
}

static void
print_options(const char *title, const hl_option *table, size_t column, FILE *f)
{
	hl_buf left = HL_BUF_INIT;

	if (table == NULL)
		return;
	(void)fprintf(f, "\n%s:\n", title);
	for (; table->name != NULL; table++) {
		put_option(table, &left);
		print_row(f, &left, column, table->help);
	}
	hl_buf_free(&left);
}

/* ---- pages -------------------------------------------------------------- */

static void
print_overview(FILE *f)
{
	size_t column = commands_column(NULL, 0);

	for (const hl_command *c = hl_commands; c->name != NULL; c++)
		if (hl_command_opens_group(c))
			column = commands_column(c->group, column);
	(void)fprintf(f,
	    "Usage: hsmlic [OPTIONS] COMMAND [OPTIONS] [OPERANDS]\n\n"
	    "Fetches the counted license of a chip from a smart card once, "
	    "keeps it, and\nhands it out again for nothing.\n");
	print_commands("Commands", NULL, column, f);
	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		char title[64];

		if (!hl_command_opens_group(c))
			continue;
		(void)snprintf(title, sizeof(title), "Commands for %s %s",
		    strchr("aeiou", c->group[0]) != NULL ? "an" : "a",
		    c->group);
		print_commands(title, c->group, column, f);
	}
	print_options("Options of every command", hl_global_options,
	    options_column(hl_global_options, 0), f);
	(void)fprintf(f,
	    "\nhsmlic COMMAND --help tells the options of a command; hsmlic(1) "
	    "tells all.\n");
}

static void
print_command(const hl_command *c, FILE *f)
{
	size_t column = options_column(hl_global_options, 0);
	hl_buf usage = HL_BUF_INIT;

	column = options_column(c->options, column);
	hl_usage_line(c, &usage);
	(void)fprintf(f, "Usage: %s\n\n%s\n", hl_buf_str(&usage), c->help);
	hl_buf_free(&usage);
	print_options("Options", c->options, column, f);
	print_options("Options of every command", hl_global_options, column, f);
}

void
hl_help(const hl_cli *cli, const hl_command *command, FILE *f)
{
	(void)cli;
	if (command == NULL)
		print_overview(f);
	else
		print_command(command, f);
}

void
hl_help_group(const char *group, FILE *f)
{
	(void)fprintf(
	    f, "Usage: hsmlic %s SUBCOMMAND [OPTIONS] [OPERANDS]\n", group);
	print_commands("Subcommands", group, commands_column(group, 0), f);
	(void)fprintf(f,
	    "\nhsmlic %s SUBCOMMAND --help tells the options of a "
	    "subcommand.\n",
	    group);
}

/* ---- the tables as JSON ------------------------------------------------- */

static json_t *
json_options(const hl_option *table)
{
	json_t *list = json_array();

	for (; table != NULL && table->name != NULL; table++) {
		const char letter[2] = { table->letter, '\0' };

		(void)json_array_append_new(list,
		    json_pack("{s:s, s:o, s:o, s:b, s:s}", "name", table->name,
			"letter", hl_json_text(letter), "value",
			hl_json_text(table->value == NULL ? "" : table->value),
			"setting", (table->flags & HL_OPT_LINE_ONLY) == 0,
			"help", table->help));
	}
	return list;
}

static json_t *
json_command(const hl_command *c)
{
	return json_pack("{s:o, s:s, s:s, s:s, s:o}", "group",
	    hl_json_text(c->group == NULL ? "" : c->group), "name", c->name,
	    "operands", c->operands, "help", c->help, "options",
	    json_options(c->options));
}

static hl_rc
print_json(hl_cli *cli, const hl_command *only, const char *group, hl_err *err)
{
	json_t *list = json_array();

	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		if ((only != NULL && c != only) ||
		    (group != NULL && !hl_command_in(c, group)))
			continue;
		(void)json_array_append_new(list, json_command(c));
	}
	return hl_print_json(cli,
	    json_pack("{s:o, s:o}", "commands", list, "options",
		json_options(hl_global_options)),
	    err);
}

/* ---- the command -------------------------------------------------------- */

static const hl_command *
find(const char *group, const char *name)
{
	for (const hl_command *c = hl_commands; c->name != NULL; c++)
		if (hl_command_in(c, group) && strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static bool
is_group(const char *word)
{
	for (const hl_command *c = hl_commands; c->name != NULL; c++)
		if (c->group != NULL && strcmp(c->group, word) == 0)
			return true;
	return false;
}

hl_rc
hl_cmd_help(hl_cli *cli, char **operands, hl_err *err)
{
	const char *first = operands[0];
	const char *second = first == NULL ? NULL : operands[1];
	const bool group = first != NULL && is_group(first);
	const hl_command *c = NULL;

	if (first != NULL && !(group && second == NULL)) {
		c = second == NULL ? find(NULL, first) : find(first, second);
		if (c == NULL)
			return second != NULL &&
				(group || find(NULL, first) != NULL)
			    ? hl_no_command(first, second, err)
			    : hl_no_command(NULL, first, err);
	}
	if (cli->json)
		return print_json(cli, c, c == NULL ? first : NULL, err);
	if (group && c == NULL)
		hl_help_group(first, stdout);
	else
		hl_help(cli, c, stdout);
	return HL_OK;
}
