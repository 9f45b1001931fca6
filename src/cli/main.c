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
#include "util/file.h"

#define TIMEOUT_S 60
#define TIMEOUT_MAX_S 86400
#define LOCK_MIN_MS 1000 /* what a commit by others may take at any rate */

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
	const char *text = NULL;
	hl_rc rc;

	for (size_t i = 0; i < cli->n_values; i++)
		if (strcmp(cli->values[i].option->name, option) == 0)
			text = cli->values[i].text;
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

static hl_rc
set_globals(hl_cli *cli, hl_err *err)
{
	uint64_t seconds;
	hl_rc rc;

	cli->json = hl_opt_set(cli, "json");
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

/* ---- the store --------------------------------------------------------------
 */

static hl_rc
default_url(char *out, size_t size, hl_err *err)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (state != NULL && state[0] == '/')
		return hl_path(out, size, err, "%s/hsmlic/store.db", state);
	if (home != NULL && home[0] == '/')
		return hl_path(
		    out, size, err, "%s/.local/state/hsmlic/store.db", home);
	return hl_fail(err, HL_EUSAGE, "find the store", "give --store PATH",
	    "neither XDG_STATE_HOME nor HOME is set");
}

static hl_rc
set_url(hl_cli *cli, hl_err *err)
{
	const char *given = hl_opt(cli, "store");
	hl_rc rc;

	if (given == NULL)
		return default_url(cli->url, sizeof(cli->url), err);
	if (given[0] == '\0') {
		rc = hl_fail(err, HL_EUSAGE, "find the store",
		    "give --store PATH", "the store's name is empty");
		hl_opt_blame(cli, "store", err);
		return rc;
	}
	return hl_path(cli->url, sizeof(cli->url), err, "%s", given);
}

/* Tells when the store did not exist before; a mistyped path shows up so. */
static hl_rc
tell_new_store(hl_cli *cli, int64_t since, hl_err *err)
{
	hl_store_info info;
	hl_rc rc = hl_store_info_get(cli->store, &info, err);

	if (rc == HL_OK && info.created_at >= since)
		hl_message(cli, "made a new store: %s", cli->url);
	return rc;
}

static hl_rc
open_store(hl_cli *cli, bool create, hl_err *err)
{
	const hl_store_options opt = { .create = create,
		.busy_ms = cli->timeout_ms > LOCK_MIN_MS ? cli->timeout_ms
							 : LOCK_MIN_MS };

	return hl_store_open(&cli->store, cli->url, &opt, err);
}

static hl_rc
no_store(const hl_cli *cli, hl_err *err)
{
	return hl_fail(err, HL_ESTORE, "open the store",
	    "is its disk mounted, its name right? make a new one with hsmlic "
	    "store init",
	    "there is no store at %s", cli->url);
}

hl_rc
hl_cli_open_store(hl_cli *cli, bool create, hl_err *err)
{
	const int64_t now = hl_now_ms();
	hl_rc rc = open_store(cli, create, err);

	if (rc == HL_ENOTFOUND)
		return no_store(cli, err);
	return rc == HL_OK && create ? tell_new_store(cli, now, err) : rc;
}

static void
on_note(void *arg, const char *text)
{
	const hl_cli *cli = arg;

	/* Not silenced by -q: it is about units. */
	(void)fprintf(stderr, "hsmlic: %snote:%s %s\n",
	    cli->color_err ? "\033[33m" : "", cli->color_err ? "\033[0m" : "",
	    text);
}

static void
on_detail(void *arg, const char *text)
{
	hl_detail(arg, "%s", text);
}

static bool
on_rescue(void *arg, const char *line)
{
	(void)arg;
	return fprintf(stderr, "%s\n", line) > 0 && fflush(stderr) == 0;
}

hl_rc
hl_cli_open_broker(hl_cli *cli, hl_err *err)
{
	const hl_broker_options opt = { hl_opt(cli, "rescue-dir"), on_note,
		on_rescue, cli, on_detail };

	return hl_broker_new(&cli->broker, cli->store, &opt, err);
}

static bool
from_file(const hl_cli *cli, const char *option)
{
	for (size_t i = 0; i < cli->n_values; i++)
		if (strcmp(cli->values[i].option->name, option) == 0)
			return cli->values[i].from_file;
	return false;
}

static bool
folder_is_there(const char *url)
{
	char dir[HL_STORE_URL_MAX];
	char *slash;

	if (strncmp(url, "sqlite:", strlen("sqlite:")) == 0)
		url += strlen("sqlite:");
	(void)hl_text_copy(dir, sizeof(dir), url);
	slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir)
		return true;
	*slash = '\0';
	return access(dir, F_OK) == 0;
}

/*
 * The default store is made on its first use. One that is named may be missing
 * because a disk is not mounted or a name mistyped, and in an empty store every
 * unit would be spent again: it is made only where its folder is, and never
 * when the configuration of a station names it.
 */
static bool
may_make_store(const hl_cli *cli)
{
	if (hl_opt(cli, "store") == NULL)
		return true;
	return (cli->command->needs & HL_NEED_MAKE) != 0 &&
	    !from_file(cli, "store") && folder_is_there(cli->url);
}

/*
 * For commands that only look. A store that is lost must not pass for one that
 * is empty: that there is none is said, and where its folder is gone, too, it
 * is an error. One that left its side directory behind is an error already.
 */
hl_rc
hl_cli_look_store(hl_cli *cli, hl_err *err)
{
	hl_err e = { 0 };
	char text[HL_STORE_URL_MAX + 80];
	hl_rc rc = open_store(cli, false, &e);

	if (rc == HL_ENOTFOUND && hl_opt(cli, "store") != NULL &&
	    !folder_is_there(cli->url))
		return no_store(cli, err);
	if (rc == HL_ENOTFOUND) {
		(void)hl_text_format(text, sizeof(text),
		    "there is no store at %s yet: no card is known", cli->url);
		hl_text_clean(text);
		on_note(cli, text);
		return HL_OK;
	}
	if (rc != HL_OK && err != NULL)
		*err = e;
	return rc;
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

	if ((rc = set_url(cli, err)) != HL_OK)
		return rc;
	tell_settings(cli);
	if ((needs & (HL_NEED_STORE | HL_NEED_LOOK)) == 0)
		return HL_OK;
	if ((needs & HL_NEED_LOOK) != 0)
		rc = hl_cli_look_store(cli, err);
	else
		rc = hl_cli_open_store(cli, may_make_store(cli), err);
	if (rc != HL_OK || (needs & HL_NEED_BROKER) == 0)
		return rc;
	return hl_cli_open_broker(cli, err);
}

/* ---- one command ------------------------------------------------------------
 */

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
	hl_config_free(cli);
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

int
main(int argc, char **argv)
{
	hl_cli *cli;
	hl_err err = { 0 };
	int code;
	hl_rc rc;

	secure_streams();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* EFBIG says the same, and is told */
	(void)umask(077);
	if ((cli = calloc(1, sizeof(*cli))) == NULL)
		return 5;
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
