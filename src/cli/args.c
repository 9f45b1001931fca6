/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: global options, command, its options and operands. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define OPTIONS_MAX HL_VALUES_MAX
#define NO_HINT "" /* hl_args_parse() points to the help that fits */

/* What getopt_long() needs, made from our tables. */
struct getopt_tables {
	struct option longs[OPTIONS_MAX + 1];
	const hl_option *options[OPTIONS_MAX];
	char shorts[2 * OPTIONS_MAX + 4];
	size_t n;
};

static void
add_options(struct getopt_tables *t, const hl_option *table)
{
	size_t end = strlen(t->shorts);

	for (; table != NULL && table->name != NULL && t->n < OPTIONS_MAX;
	     table++) {
		const int arg =
		    table->value != NULL ? required_argument : no_argument;

		t->options[t->n] = table;
		t->longs[t->n] = (struct option){ table->name, arg, NULL,
			(int)(256 + t->n) };
		t->n++;
		if (table->letter != 0) {
			t->shorts[end++] = table->letter;
			if (table->value != NULL)
				t->shorts[end++] = ':';
		}
	}
	t->shorts[end] = '\0';
}

/* The value of an option, made when there is none; of one that may be given
 * several times always a new one. */
static hl_value *
find_value(hl_cli *cli, const hl_option *o)
{
	for (size_t i = 0; i < cli->n_values; i++)
		if (cli->values[i].option == o && (o->flags & HL_OPT_MANY) == 0)
			return &cli->values[i];
	if (cli->n_values == HL_VALUES_MAX)
		return NULL;
	cli->values[cli->n_values] = (hl_value){ .option = o };
	return &cli->values[cli->n_values++];
}

static hl_rc
take(hl_cli *cli, const hl_option *o, const char *text, hl_err *err)
{
	hl_value *v = find_value(cli, o);

	if (v == NULL)
		return hl_fail(err, HL_EUSAGE, "read the command line",
		    "give fewer at once, in several runs",
		    "too many options: more than %d, --%s among them",
		    HL_VALUES_MAX, o->name);
	if (v->on_line && o->value != NULL)
		return hl_fail(err, HL_EUSAGE, "read the command line",
		    "give it once", "--%s is given twice", o->name);
	v->text = o->value != NULL ? text : "true";
	v->count++;
	v->on_line = true;
	return HL_OK;
}

static const hl_option *
by_code(const struct getopt_tables *t, int code)
{
	for (size_t i = 0; i < t->n; i++)
		if (code == (int)(256 + i) ||
		    (t->options[i]->letter != 0 &&
			code == t->options[i]->letter))
			return t->options[i];
	return NULL;
}

static hl_rc
complain(int code, char **argv, hl_err *err)
{
	const char *word = optind > 0 ? argv[optind - 1] : "";

	if (code == ':')
		return hl_fail(err, HL_EUSAGE, "read the command line", NO_HINT,
		    "%s needs a value", word);
	if (optopt >= 256)
		return hl_fail(err, HL_EUSAGE, "read the command line", NO_HINT,
		    "%s takes no value", word);
	if (optopt != 0)
		return hl_fail(err, HL_EUSAGE, "read the command line", NO_HINT,
		    "there is no option -%c", optopt);
	return hl_fail(err, HL_EUSAGE, "read the command line", NO_HINT,
	    "there is no option %s here", word);
}

/* Parses argv[1..] with the given tables; optind is then at the operands. */
static hl_rc
run_getopt(hl_cli *cli, const struct getopt_tables *t, int argc, char **argv,
    hl_err *err)
{
	int code;
	hl_rc rc;

	opterr = 0;
	optind = 0; /* GNU: start anew */
	while (
	    (code = getopt_long(argc, argv, t->shorts, t->longs, NULL)) != -1) {
		const hl_option *o = by_code(t, code);

		if (code == '?' || code == ':' || o == NULL)
			return complain(code, argv, err);
		if ((rc = take(cli, o, optarg, err)) != HL_OK)
			return rc;
	}
	return HL_OK;
}

static bool
is_group(const char *word)
{
	for (const hl_command *c = hl_commands; c->name != NULL; c++)
		if (c->group != NULL && strcmp(c->group, word) == 0)
			return true;
	return false;
}

static const hl_command *
find_command(const char *group, const char *name)
{
	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		if ((c->group == NULL) != (group == NULL) ||
		    strcmp(c->name, name) != 0)
			continue;
		if (group == NULL || strcmp(c->group, group) == 0)
			return c;
	}
	return NULL;
}

/* The command word(s) at argv[*at]; *at is moved to the last of them. */
static hl_rc
choose_command(hl_cli *cli, char **argv, int *at, hl_args *out, hl_err *err)
{
	const char *word = argv[*at];
	const char *next;

	if (!is_group(word)) {
		cli->command = find_command(NULL, word);
		return cli->command != NULL ? HL_OK
					    : hl_no_command(NULL, word, err);
	}
	next = argv[*at + 1];
	if (next == NULL || strcmp(next, "--help") == 0 ||
	    strcmp(next, "-h") == 0) {
		out->group = word;
		if (next != NULL)
			return HL_OK;
		return hl_fail(err, HL_EUSAGE, "read the command line", NO_HINT,
		    "\"%s\" needs a subcommand", word);
	}
	cli->command = find_command(word, next);
	if (cli->command == NULL)
		return hl_no_command(word, next, err);
	(*at)++;
	return HL_OK;
}

static hl_rc
check_operands(const hl_cli *cli, const hl_args *a, hl_err *err)
{
	const hl_command *c = cli->command;
	hl_buf usage = HL_BUF_INIT;
	hl_rc rc;

	if (a->help || (a->n >= c->min && a->n <= c->max))
		return HL_OK;
	rc = hl_fail(err, HL_EUSAGE, "read the command line", "",
	    a->n < c->min ? "an operand is missing"
			  : "\"%s\" is one operand too many",
	    a->n < c->min ? "" : a->operands[c->max]);
	hl_usage_line(c, &usage);
	hl_err_hint(err, "usage: %s", hl_buf_str(&usage));
	hl_buf_free(&usage);
	return rc;
}

/* Its own options were taken for ours. */
static void
hint_dashes(const hl_command *c, int argc, char **argv, hl_err *err)
{
	hl_buf usage = HL_BUF_INIT;

	if (err == NULL || (c->needs & HL_TAKES_WORDS) == 0)
		return;
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--") == 0)
			return;
	hl_usage_line(c, &usage);
	hl_err_hint(err, "put -- before the programmer's words: %s",
	    hl_buf_str(&usage));
	hl_buf_free(&usage);
}

static hl_rc
parse_command(
    hl_cli *cli, int argc, char **argv, int at, hl_args *out, hl_err *err)
{
	struct getopt_tables t = { .shorts = ":" };
	hl_rc rc;

	add_options(&t, hl_global_options);
	add_options(&t, cli->command->options);
	rc = run_getopt(cli, &t, argc - at, argv + at, err);
	if (rc != HL_OK) {
		hint_dashes(cli->command, argc - at, argv + at, err);
		return rc;
	}
	out->operands = argv + at + optind;
	out->n = argc - at - optind;
	return HL_OK;
}

static hl_rc
parse(hl_cli *cli, int argc, char **argv, hl_args *out, hl_err *err)
{
	struct getopt_tables t = { .shorts = "+:" };
	int at;
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	add_options(&t, hl_global_options);
	if ((rc = run_getopt(cli, &t, argc, argv, err)) != HL_OK)
		return rc;
	at = optind;
	if (at < argc) {
		rc = choose_command(cli, argv, &at, out, err);
		if (rc != HL_OK || out->group != NULL)
			return rc;
		rc = parse_command(cli, argc, argv, at, out, err);
		if (rc != HL_OK)
			return rc;
	}
	out->help = hl_opt_set(cli, "help");
	out->version = hl_opt_set(cli, "version");
	if (cli->command != NULL)
		return check_operands(cli, out, err);
	if (!out->help && !out->version)
		return hl_fail(err, HL_EUSAGE, "read the command line", NO_HINT,
		    "a command is missing");
	return HL_OK;
}

hl_rc
hl_args_parse(hl_cli *cli, int argc, char **argv, hl_args *out, hl_err *err)
{
	hl_rc rc = parse(cli, argc, argv, out, err);

	if (rc != HL_OK && err != NULL && err->hint[0] == '\0')
		hl_hint_help(cli->command, out->group, err);
	return rc;
}

/* ---- reading values ----------------------------------------------------- */

static const hl_value *
value_of(const hl_cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->n_values; i++)
		if (strcmp(cli->values[i].option->name, name) == 0)
			return &cli->values[i];
	return NULL;
}

const char *
hl_opt(const hl_cli *cli, const char *name)
{
	const hl_value *v = value_of(cli, name);

	return v == NULL ? NULL : v->text;
}

const char *
hl_opt_nth(const hl_cli *cli, const char *name, size_t n)
{
	for (size_t i = 0; i < cli->n_values; i++)
		if (strcmp(cli->values[i].option->name, name) == 0 && n-- == 0)
			return cli->values[i].text;
	return NULL;
}

unsigned
hl_opt_count(const hl_cli *cli, const char *name)
{
	const hl_value *v = value_of(cli, name);

	return v == NULL ? 0 : v->count;
}

bool
hl_opt_set(const hl_cli *cli, const char *name)
{
	return hl_opt_count(cli, name) > 0;
}

bool
hl_opt_on_line(const hl_cli *cli, const char *name)
{
	const hl_value *v = value_of(cli, name);

	return v != NULL && v->on_line;
}

void
hl_opt_blame(const hl_cli *cli, const char *name, hl_err *err)
{
	const hl_value *v = value_of(cli, name);

	if (v != NULL && v->where != NULL)
		hl_err_add(err, "it comes from %s", v->where);
}

hl_rc
hl_opt_number(const hl_cli *cli, const char *name, uint64_t max, uint64_t dflt,
    uint64_t *out, hl_err *err)
{
	const char *text = hl_opt(cli, name);
	hl_rc rc;

	*out = dflt;
	if (text == NULL || hl_text_u64(text, max, out))
		return HL_OK;
	rc = hl_fail(err, HL_EUSAGE, "read the options",
	    "write it in digits alone, without a unit",
	    "--%s is a whole number from 0 to %llu, not \"%s\"", name,
	    (unsigned long long)max, text);
	hl_opt_blame(cli, name, err);
	return rc;
}
