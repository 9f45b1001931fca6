/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: the user's own command line of STM32_Programmer_CLI with the card taken
 * out of it. Also what this program does under the name STM32_Programmer_CLI.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/install.h"
#include "cli/parts.h"
#include "flow/argv.h"
#include "util/file.h"

#define WHAT "run the programmer"
#define NESTED "HSMLIC_NESTED"
#define NESTED_MAX 8

/* One place of the command line where a card would have been asked. */
struct use {
	const hl_argv_use *u;
	hl_get_result *got;
	char license[PATH_MAX];
};

struct run {
	hl_cli *cli;
	int argc;
	char **argv;
	char program[PATH_MAX];
	bool found; /* it was looked for by the name of ST's program */
	hl_argv line;
	struct use use[HL_ARGV_USES];
	hl_target_chip *chip; /* connected; n 0: not read yet */
	hl_handing handing;
	struct use *at; /* being got */
};

/* The user wants the license in a file. */
static bool
gets_file(const hl_argv_use *u)
{
	return u->kind == HL_ARGV_GET_LICENSE ||
	    u->kind == HL_ARGV_LICENSE_FROM_CERT;
}

static bool
asks_card(const hl_argv *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->use[i].hsm)
			return true;
	return false;
}

/* ---- which chip --------------------------------------------------------- */

static hl_rc
read_connected(struct run *r, const char *tfa, hl_err *err)
{
	hl_target_options opt;

	if (r->line.connect_at < 0)
		return hl_fail(err, HL_EUSAGE, WHAT,
		    "add the chip's connection, such as -c port=SWD "
		    "mode=HOTPLUG",
		    "the command asks the card for a license, but says no chip "
		    "to connect to (-c)");
	hl_target_settings(r->cli, &opt);
	opt.stm32prog = r->program;
	if (tfa != NULL)
		opt.tfa = tfa;
	return hl_target_read_connected(&r->line.connect, &opt, r->chip, err);
}

/* The very line lets the programmer write that certificate before: it is read
 * from the chip instead. */
static bool
is_made_by_line(const struct run *r, const hl_argv_use *u)
{
	if (u->kind != HL_ARGV_LICENSE_FROM_CERT || r->line.gc == NULL)
		return false;
	return strcmp(r->line.gc, u->certificate) == 0 ||
	    hl_file_same(r->line.gc, u->certificate);
}

/* The chip of a use: by its certificate file, by options, or connected. */
static hl_rc
find_chip(struct run *r, const hl_argv_use *u, hl_chip_args *out, hl_err *err)
{
	hl_rc rc;

	if (u->kind == HL_ARGV_LICENSE_FROM_CERT && !is_made_by_line(r, u)) {
		memset(out, 0, sizeof(*out));
		out->has_cert = true;
		return hl_cert_read(&out->cert, u->certificate,
		    hl_opt_set(r->cli, "any-certificate"), err);
	}
	rc = hl_chip_options(r->cli, out, err);
	if (rc != HL_OK || out->has_cert || out->has_uid)
		return rc;
	if (r->chip->cert.n == 0 &&
	    (rc = read_connected(r, u->tfa, err)) != HL_OK)
		return rc;
	out->has_cert = true;
	out->cert = r->chip->cert;
	out->has_uid = r->chip->uid.n > 0;
	out->uid = r->chip->uid;
	return HL_OK;
}

/* ---- its license -------------------------------------------------------- */

/* hsm=1 in the user's own command is the permission, once a chip. */
static hl_rc
may_spend(void *arg, const hl_spend_plan *plan, hl_err *err)
{
	struct run *r = arg;
	const bool was_yes = r->cli->yes;
	hl_rc rc = hl_refuse_doubted(r->cli, plan->chip, plan->firmware, err);

	if (rc != HL_OK)
		return rc;
	if (plan->spent > 0 && !was_yes)
		return hl_fail(err, HL_EDENIED, "get a license",
		    "see hsmlic license list --all and hsmlic chip show; "
		    "hsmlic license trust ID --reason TEXT hands out a suspect "
		    "one; to spend one more: hsmlic run --yes -- ..., or "
		    "HSMLIC_YES=1",
		    "this chip has cost %u unit%s of firmware \"%s\" already, "
		    "and there is no license of it that can be handed out",
		    plan->spent, plan->spent == 1 ? "" : "s", plan->firmware);
	r->cli->yes = true;
	rc = hl_ask_spend(r->cli, plan, err);
	r->cli->yes = was_yes;
	return rc;
}

/* Where the user's own command wanted it, or where the programmer gets it. */
static hl_rc
deliver(void *arg, const hl_get_result *got, hl_err *err)
{
	struct run *r = arg;
	struct use *use = r->at;

	if (gets_file(use->u))
		return hl_file_write(
		    use->u->file, got->bytes, got->n, 0600, err);
	return hl_handing_put(
	    &r->handing, got, use->license, sizeof(use->license), err);
}

/* Where the license is to go, looked at before it is paid for. */
static hl_rc
check_output(hl_cli *cli, const hl_argv_use *u, hl_err *err)
{
	struct stat st;

	if (u->certificate != NULL && hl_file_same(u->certificate, u->file))
		return hl_fail(err, HL_EUSAGE, WHAT, "name another file",
		    "the license would replace the certificate %s", u->file);
	if (lstat(u->file, &st) == 0 && !S_ISREG(st.st_mode))
		return hl_fail(err, HL_EINPUT, WHAT,
		    "name the regular file itself, or a new one",
		    "%s is no regular file", u->file);
	return hl_output_check(cli, u->file, err);
}

static hl_rc
get_one(struct run *r, struct use *use, const hl_chip_args *chip, hl_err *err)
{
	hl_cli *cli = r->cli;
	char slot[24];
	const hl_get_request req = {
		.cert = chip->has_cert ? &chip->cert : NULL,
		.uid = chip->has_uid ? &chip->uid : NULL,
		.firmware = hl_opt(cli, "firmware"),
		.card =
		    hl_opt(cli, "card") != NULL ? hl_opt(cli, "card") : slot,
		.cached = hl_opt_set(cli, "cached"),
		.dry_run = cli->dry_run,
		.actor = &cli->actor,
		.until = cli->until,
		.may_spend = may_spend,
		.deliver = deliver,
		.arg = r,
	};
	hl_rc rc;

	(void)hl_text_format(slot, sizeof(slot), "slot:%u", use->u->slot);
	(void)hl_text_copy(use->license, sizeof(use->license), "LICENSE");
	r->at = use;
	if (gets_file(use->u) && (rc = check_output(cli, use->u, err)) != HL_OK)
		return rc;
	if ((use->got = calloc(1, sizeof(*use->got))) == NULL)
		return hl_nomem(err);
	rc = hl_broker_get(cli->broker, &req, use->got, err);
	if (rc == HL_OK && use->got->source == HL_SOURCE_NONE)
		rc = hl_refuse_doubted(
		    cli, &use->got->chip, use->got->firmware.name, err);
	else if (rc == HL_OK)
		cli->units_spent += use->got->units_spent;
	return hl_got_none(cli, &use->got->chip, req.firmware, rc, err);
}

static void
tell_got(const struct run *r, const struct use *use)
{
	const bool file = gets_file(use->u);

	if (r->cli->dry_run)
		return;
	hl_message(r->cli, "license %s%s%s",
	    use->got->units_spent > 0 ? "from the card, one unit spent"
				      : "from the store, nothing spent",
	    file ? ": " : "", file ? use->u->file : "");
}

static hl_rc
get_all(struct run *r, hl_err *err)
{
	hl_chip_args *chip = calloc(1, sizeof(*chip));
	hl_rc rc = chip == NULL ? hl_nomem(err) : HL_OK;

	for (size_t i = 0; rc == HL_OK && i < r->line.n; i++) {
		struct use *use = &r->use[i];

		use->u = &r->line.use[i];
		if (!use->u->hsm)
			continue;
		if ((rc = find_chip(r, use->u, chip, err)) == HL_OK &&
		    (rc = get_one(r, use, chip, err)) == HL_OK)
			tell_got(r, use);
	}
	free(chip);
	return rc;
}

/* ---- the programmer ----------------------------------------------------- */

/*
 * The user's command is about to run. What we found as ST's program is to know
 * it; a program that the user named may use us as it likes.
 */
static hl_rc
tell_program(const struct run *r, hl_err *err)
{
	const int failed = r->found ? setenv(HL_SPAWN_RUNS, r->program, 1)
				    : unsetenv(HL_SPAWN_RUNS);

	return failed == 0 ? HL_OK : hl_nomem(err);
}

/* Nothing of it is ours: the program takes our place. */
static hl_rc
pass_through(struct run *r, hl_err *err)
{
	hl_rc rc = tell_program(r, err);

	if (rc != HL_OK)
		return rc;
	(void)umask(r->cli->mask);
	(void)signal(SIGPIPE, r->cli->sigpipe);
	(void)signal(SIGXFSZ, r->cli->sigxfsz);
	(void)execv(r->program, r->argv);
	return hl_fail(err, HL_ENODEV, WHAT, "name the right program",
	    "%s cannot be run: %s", r->program, strerror(errno));
}

/* The uses whose images are installed: their outcome goes on record. */
static size_t
installed_images(
    const struct run *r, hl_installed_image out[HL_ARGV_USES], bool *sfi)
{
	size_t n = 0;

	*sfi = false;
	for (size_t i = 0; i < r->line.n; i++) {
		const struct use *use = &r->use[i];

		if (use->got == NULL || gets_file(use->u))
			continue;
		*sfi = *sfi || use->u->kind == HL_ARGV_SFI;
		out[n++] = (hl_installed_image){ use->u->file, &use->got->chip,
			&use->got->license };
	}
	return n;
}

static hl_rc
install(struct run *r, const hl_installing *in, hl_err *err)
{
	char kept[HL_ERR_HINT];
	hl_installed out;
	hl_rc rc = hl_install_run(r->cli, in, &out, err);

	if (rc != HL_OK)
		return rc;
	r->cli->exit_code = hl_ended_code(&out.end);
	if (out.record.outcome == HL_INSTALL_DONE)
		return HL_OK;
	hl_install_explain(&out);
	hl_install_kept(&out, kept, sizeof(kept));
	hl_message(r->cli, "the programmer %s", out.record.detail);
	if (out.doubted > 0)
		hl_print_note(r->cli, kept); /* not silenced */
	else
		hl_message(r->cli, "%s", kept);
	return HL_OK;
}

static hl_rc
run_tool(struct run *r, const char *const *argv, hl_err *err)
{
	hl_installed_image images[HL_ARGV_USES];
	hl_installing in = { .argv = argv, .images = images };
	hl_buf copy = HL_BUF_INIT;
	hl_ended end;
	hl_rc rc;

	if (!hl_argv_needs_tool(&r->line))
		return HL_OK;
	if ((rc = tell_program(r, err)) != HL_OK)
		return rc;
	if ((in.n = installed_images(r, images, &in.sfi)) > 0)
		return install(r, &in, err);
	rc = hl_run_for_user(r->cli, argv, 0, &copy, &end, err);
	hl_buf_free(&copy);
	if (rc == HL_OK)
		r->cli->exit_code = hl_ended_code(&end);
	return rc;
}

static hl_rc
print_line(struct run *r, const char *const *argv)
{
	hl_buf text = HL_BUF_INIT;

	for (size_t i = 0; i < r->line.n; i++)
		if (r->use[i].got != NULL)
			hl_message(r->cli, "dry run: would spend %s for %s",
			    r->use[i].got->source == HL_SOURCE_NONE ? "1 unit"
								    : "nothing",
			    r->use[i].u->file);
	if (hl_argv_needs_tool(&r->line)) {
		hl_argv_quote(argv, &text);
		(void)printf("%s\n", hl_buf_str(&text));
	}
	hl_buf_free(&text);
	return HL_OK;
}

static hl_rc
run_rewritten(struct run *r, hl_err *err)
{
	const char *license[HL_ARGV_USES] = { NULL };
	const char **argv = NULL;
	hl_rc rc;

	for (size_t i = 0; i < r->line.n; i++)
		if (r->use[i].got != NULL)
			license[i] = r->use[i].license;
	rc = hl_argv_rewrite(&r->line, r->argc, r->argv, license, &argv, err);
	if (rc != HL_OK)
		return rc;
	rc = r->cli->dry_run ? print_line(r, argv) : run_tool(r, argv, err);
	free(argv);
	return rc;
}

/* ---- the command -------------------------------------------------------- */

/* The line has one chip, and that one TF-A. */
static const char *
tfa_of_line(const struct run *r)
{
	for (size_t i = 0; i < r->line.n; i++)
		if (r->line.use[i].tfa != NULL)
			return r->line.use[i].tfa;
	return hl_opt(r->cli, "tfa");
}

static hl_rc
with_licenses(struct run *r, hl_err *err)
{
	hl_rc rc;

	if ((r->chip = calloc(1, sizeof(*r->chip))) == NULL)
		return hl_nomem(err);
	if ((rc = hl_cli_open_store(
		 r->cli, hl_cli_may_make_store(r->cli), err)) == HL_OK &&
	    (rc = hl_cli_open_broker(r->cli, err)) == HL_OK &&
	    (rc = hl_handing_make(&r->handing, err)) == HL_OK) {
		/* Also where the chip is named otherwise: ST's program may be
		 * able to ask for the connected one alone. */
		if (r->line.connect_at >= 0)
			hl_broker_connect(
			    r->cli->broker, &r->line.connect, tfa_of_line(r));
		rc = get_all(r, err);
	}
	if (rc == HL_OK)
		rc = run_rewritten(r, err);
	hl_handing_clear(&r->handing);
	for (size_t i = 0; i < r->line.n; i++)
		free(r->use[i].got);
	free(r->chip);
	if (rc != HL_OK && err != NULL && err->units_spent == 0)
		err->units_spent = r->cli->units_spent;
	return rc;
}

static hl_rc
runs_itself(const char *why, hl_err *err)
{
	return hl_fail(err, HL_EUSAGE, WHAT,
	    "name ST's own program: HSMLIC_STM32PROG=PATH, or stm32prog = PATH "
	    "in the configuration; or take what stands before it out of PATH",
	    HL_TOOL_RUNS_US "%s", why);
}

/* A program may well be a script that runs us again, but not for ever. */
static hl_rc
count_nesting(hl_err *err)
{
	const char *text = getenv(NESTED);
	char next[24];
	uint64_t n = 0;

	if (text != NULL && !hl_text_u64(text, UINT32_MAX, &n))
		n = 0;
	(void)hl_text_format(next, sizeof(next), "%u", (unsigned)n + 1);
	if (n >= NESTED_MAX)
		return runs_itself(", again and again", err);
	return setenv(NESTED, next, 1) == 0 ? HL_OK : hl_nomem(err);
}

/* -hsmgetinfo and its sisters, too. */
static bool
names_card(const struct run *r)
{
	for (int i = 1; i < r->argc; i++)
		if (strncasecmp(r->argv[i], "-hsm", 4) == 0)
			return true;
	return asks_card(&r->line);
}

/*
 * We are what another one of us runs for ST's program, behind a script: what
 * asks a card would wait for the card that the other one has, and the same
 * script again would come back to here.
 */
static hl_rc
check_runner(const struct run *r, hl_err *err)
{
	const char *runs = getenv(HL_SPAWN_RUNS);
	char why[PATH_MAX + 40];

	if (runs == NULL || (!names_card(r) && !hl_file_same(runs, r->program)))
		return HL_OK;
	(void)hl_text_format(why, sizeof(why), ", by %s", runs);
	hl_text_clean(why);
	return runs_itself(why, err);
}

static hl_rc
find_program(struct run *r, const char *name, hl_err *err)
{
	const char *set = hl_opt(r->cli, "stm32prog");
	hl_tool tool;
	hl_rc rc;

	if (strcmp(name, HL_TOOL_NAME) != 0)
		return hl_program_find(
		    name, r->program, sizeof(r->program), err);
	/* By that name alone, it may be in ST's own folder. */
	r->found = true;
	if ((rc = hl_tool_find(&tool, set, err)) == HL_OK)
		(void)hl_text_copy(r->program, sizeof(r->program), tool.path);
	return rc;
}

hl_rc
hl_cmd_run(hl_cli *cli, char **operands, hl_err *err)
{
	struct run *r = calloc(1, sizeof(*r));
	hl_rc rc;

	if (r == NULL)
		return hl_nomem(err);
	r->cli = cli;
	r->argv = operands;
	while (operands[r->argc] != NULL)
		r->argc++;
	if (cli->json)
		rc = hl_fail(err, HL_EUSAGE, WHAT, "leave out --json",
		    "standard output is the programmer's own");
	else if ((rc = hl_argv_parse(&r->line, r->argc, r->argv, err)) ==
		HL_OK &&
	    (rc = count_nesting(err)) == HL_OK &&
	    (rc = find_program(r, operands[0], err)) == HL_OK &&
	    (rc = check_runner(r, err)) == HL_OK &&
	    (rc = hl_check_modules(cli, r->line.mcsv, cli->yes, err)) ==
		HL_OK) {
		r->argv[0] = r->program;
		if (asks_card(&r->line)) {
			rc = hl_argv_check_files(
			    &r->line, r->argc, r->argv, err);
			if (rc == HL_OK)
				rc = with_licenses(r, err);
		} else
			rc = cli->dry_run
			    ? print_line(r, (const char *const *)r->argv)
			    : pass_through(r, err);
	}
	free(r);
	return rc;
}
