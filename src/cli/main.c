/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "card/apdu.h"
#include "cli/cli.h"
#include "tool/tool.h"
#include "util/file.h"

#define TIMEOUT_S 60
#define TIMEOUT_MAX_S 86400

/* A program started without standard streams must not take the store's file
 * for one of them. Writing there still fails: a license would be gone. */
static void
secure_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

/* For errors of the command line itself, before anything else is known. */
static bool
wants_json(int argc, char **argv)
{
	const char *text = getenv("HSMLIC_JSON");
	bool on = false;

	if (text != NULL && hl_flag_value(text, &on) && on)
		return true;
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

static void
choose_colors(hl_cli *cli)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	const bool may = !cli->plain && (no == NULL || no[0] == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;

	cli->color_out = may && isatty(STDOUT_FILENO);
	cli->color_err = may && isatty(STDERR_FILENO);
}

static hl_rc
field(const hl_cli *cli, const char *option, const char *dflt, char *out,
    hl_err *err)
{
	const char *text = hl_opt(cli, option);
	hl_rc rc;

	if (text == NULL)
		text = dflt;
	if ((rc = hl_text_check(option, text, true, err)) != HL_OK) {
		hl_opt_blame(cli, option, err);
		return rc;
	}
	(void)hl_text_copy(out, HL_TEXT_MAX + 1, text);
	return HL_OK;
}

static hl_rc
set_actor(hl_cli *cli, hl_err *err)
{
	const struct passwd *pw = getpwuid(getuid());
	char host[HL_TEXT_MAX + 1] = "";
	hl_actor *a = &cli->actor;
	hl_rc rc;

	(void)gethostname(host, sizeof(host) - 1);
	if ((rc = field(cli, "operator", pw == NULL ? "" : pw->pw_name,
		 a->operator_, err)) != HL_OK ||
	    (rc = field(cli, "station", host, a->station, err)) != HL_OK ||
	    (rc = field(cli, "lot", "", a->lot, err)) != HL_OK ||
	    (rc = field(cli, "note", "", a->note, err)) != HL_OK ||
	    (rc = field(cli, "class", "production", a->use_class, err)) !=
		HL_OK)
		return rc;
	if (strcmp(a->use_class, "production") == 0 ||
	    strcmp(a->use_class, "test") == 0)
		return HL_OK;
	rc = hl_fail(err, HL_EUSAGE, "read the options",
	    "use --class test or --class production",
	    "there is no class \"%s\"", a->use_class);
	hl_opt_blame(cli, "class", err);
	return rc;
}

static hl_rc
check_spend_setting(const hl_cli *cli, hl_err *err)
{
	const char *spend = hl_opt(cli, "spend");
	hl_rc rc;

	if (spend == NULL || strcmp(spend, "ask") == 0 ||
	    strcmp(spend, "allow") == 0)
		return HL_OK;
	rc = hl_fail(err, HL_EINPUT, "read the configuration",
	    "write ask or allow", "spend is \"%s\"", spend);
	hl_opt_blame(cli, "spend", err);
	return rc;
}

static bool
lends_stdout(const hl_cli *cli)
{
	return (cli->command->needs & HL_STDOUT_LENT) != 0;
}

static hl_rc
set_globals(hl_cli *cli, hl_err *err)
{
	uint64_t seconds;
	hl_rc rc;

	cli->json = lends_stdout(cli) ? hl_opt_on_line(cli, "json")
				      : hl_opt_set(cli, "json");
	cli->plain = hl_opt_set(cli, "plain");
	cli->quiet = hl_opt_set(cli, "quiet");
	cli->yes = hl_opt_set(cli, "yes");
	cli->dry_run = hl_opt_set(cli, "dry-run");
	cli->verbose = hl_opt_count(cli, "verbose");
	choose_colors(cli);
	hl_apdu_trace(cli->verbose >= 2);
	if ((rc = check_spend_setting(cli, err)) != HL_OK ||
	    (rc = hl_opt_number(cli, "timeout", TIMEOUT_MAX_S, TIMEOUT_S,
		 &seconds, err)) != HL_OK)
		return rc;
	cli->timeout_ms = (uint32_t)(seconds * 1000);
	cli->until = hl_deadline_in(cli->timeout_ms);
	return set_actor(cli, err);
}

/* With -v: what the command goes by. */
static void
tell_settings(const hl_cli *cli)
{
	const char *from = "the default";

	for (size_t i = 0; i < cli->n_files; i++)
		hl_detail(cli, "configuration: %s", cli->files[i]);
	if (cli->n_files == 0)
		hl_detail(cli, "configuration: no file");
	for (size_t i = 0; i < cli->n_values; i++) {
		const hl_value *v = &cli->values[i];

		if (strcmp(v->option->name, "store") == 0)
			from = v->where != NULL ? v->where : "--store";
		else if (v->where != NULL)
			hl_detail(cli, "%s is \"%s\", from %s", v->option->name,
			    v->text, v->where);
	}
	hl_detail(cli, "store: %s, from %s", cli->url, from);
}

static hl_rc
prepare(hl_cli *cli, hl_err *err)
{
	const unsigned needs = cli->command->needs;
	hl_rc rc;

	if ((rc = hl_cli_set_url(cli, err)) != HL_OK)
		return rc;
	tell_settings(cli);
	if ((needs & (HL_NEED_STORE | HL_NEED_LOOK | HL_NEED_READ)) == 0)
		return HL_OK;
	if ((needs & HL_NEED_READ) != 0)
		rc = hl_cli_read_store(cli, err);
	else if ((needs & HL_NEED_LOOK) != 0)
		rc = hl_cli_look_store(cli, err);
	else
		rc = hl_cli_open_store(cli, hl_cli_may_make_store(cli), err);
	if (rc != HL_OK || (needs & HL_NEED_BROKER) == 0)
		return rc;
	return hl_cli_open_broker(cli, err);
}

/* ---- one command -------------------------------------------------------- */

static bool
only_help(const hl_cli *cli, const hl_args *a)
{
	if (a->version)
		(void)printf("hsmlic %s\n", HSMLIC_VERSION);
	else if (a->group != NULL)
		hl_help_group(a->group, stdout);
	else if (a->help)
		hl_help(cli, cli->command, stdout);
	else
		return false;
	return true;
}

static hl_rc
run(hl_cli *cli, int argc, char **argv, hl_err *err)
{
	hl_args args;
	hl_rc rc;

	if ((rc = hl_args_parse(cli, argc, argv, &args, err)) != HL_OK)
		return rc;
	if (only_help(cli, &args))
		return HL_OK;
	if (lends_stdout(cli)) /* also while the configuration is read */
		cli->json = hl_opt_on_line(cli, "json");
	if ((rc = hl_config_load(cli, err)) != HL_OK ||
	    (rc = set_globals(cli, err)) != HL_OK ||
	    (rc = prepare(cli, err)) != HL_OK)
		return rc;
	return cli->command->run(cli, args.operands, err);
}

static void
finish(hl_cli *cli)
{
	hl_broker_free(&cli->broker);
	hl_store_close(&cli->store);
	hl_cli_remove_scratch(cli);
	hl_config_free(cli);
	json_decref(cli->findings);
}

/*
 * Nobody reads on, as with `| head -1`: that is no error worth words, unless
 * a unit was spent.
 */
static int
check_stdout(hl_cli *cli)
{
	const int e = hl_out_errno();
	hl_err err = { 0 };

	if (e == 0)
		return 0;
	(void)hl_fail(&err, HL_EIO, "write the result",
	    cli->units_spent > 0
		? "the store keeps the license: the same command again costs "
		  "nothing"
		: "check where the output goes, and ask again; what was done "
		  "is recorded",
	    "standard output failed: %s", strerror(e));
	err.units_spent = cli->units_spent;
	cli->json = false; /* it could not be read either */
	if (e != EPIPE || cli->units_spent > 0)
		hl_print_error(cli, &err);
	return hl_rc_exit(HL_EIO);
}

/*
 * Installed earlier in PATH under the name of ST's program, this one takes its
 * command lines: what it would be as "hsmlic run -- NAME ARGS". *argv is
 * replaced and never freed.
 */
static bool
stand_in_for_tool(int *argc, char ***argv)
{
	static char self[] = "hsmlic", command[] = "run", end[] = "--",
		    name[] = HL_TOOL_NAME;
	static char **words; /* reachable to the end */

	if (strcmp(basename((*argv)[0]), HL_TOOL_NAME) != 0)
		return true;
	if ((words = calloc((size_t)*argc + 4, sizeof(*words))) == NULL)
		return false;
	words[0] = self;
	words[1] = command;
	words[2] = end;
	words[3] = name;
	for (int i = 1; i < *argc; i++)
		words[3 + i] = (*argv)[i];
	*argc += 3;
	*argv = words;
	return true;
}

int
main(int argc, char **argv)
{
	hl_cli *cli;
	hl_err err = { 0 };
	int code;
	hl_rc rc;

	secure_streams();
	if (argc < 1 || !stand_in_for_tool(&argc, &argv) ||
	    (cli = calloc(1, sizeof(*cli))) == NULL)
		return 5;
	cli->sigpipe = signal(SIGPIPE, SIG_IGN);
	/* EFBIG says the same, and is told */
	cli->sigxfsz = signal(SIGXFSZ, SIG_IGN);
	cli->mask = umask(077);
	cli->json = wants_json(argc, argv);
	choose_colors(cli);
	rc = run(cli, argc, argv, &err);
	if (rc != HL_OK)
		hl_print_error(cli, &err);
	code = rc == HL_OK ? cli->exit_code : hl_rc_exit(rc);
	(void)hl_out_errno(); /* before anything else fails */
	finish(cli);
	if (code == 0)
		code = check_stdout(cli);
	free(cli);
	return code;
}
