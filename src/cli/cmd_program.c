/* SPDX-License-Identifier: Apache-2.0 */
/* program: get the license, look for what would go wrong, install, record. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/install.h"
#include "cli/parts.h"
#include "flow/argv.h"
#include "util/hex.h"

#define WHAT "install the image"

struct program {
	hl_cli *cli;
	const char *target;
	hl_job job;
	hl_target_chip *chip;
	hl_check *check; /* what preflight knows */
	hl_handing handing;
	char license[PATH_MAX];
	hl_get_result *got;
	hl_installed installed;
};

/* ---- before anything is spent -------------------------------------------- */

static hl_rc
check_image(const char *image, hl_err *err)
{
	struct stat st;

	if (access(image, R_OK) == 0 && stat(image, &st) == 0 &&
	    S_ISREG(st.st_mode))
		return HL_OK;
	return hl_fail(err, HL_EINPUT, WHAT, "name the encrypted image",
	    "%s cannot be read, or is no file", image);
}

static hl_rc
choose_programmer(struct program *p, hl_err *err)
{
	const char *name = hl_opt(p->cli, "programmer");

	p->job.programmer = hl_programmer_for(p->target);
	if (name != NULL && !hl_programmer_parse(name, &p->job.programmer))
		return hl_fail(err, HL_EUSAGE, WHAT,
		    "use stm32prog, segger or sim",
		    "there is no programmer \"%s\"", name);
	if (p->job.programmer == HL_PROGRAMMER_STM32PROG)
		p->job.program = hl_opt(p->cli, "stm32prog");
	else if (p->job.programmer == HL_PROGRAMMER_SEGGER)
		p->job.program = hl_opt(p->cli, "segger");
	return HL_OK;
}

/* What ST's program is to read has to be there. */
static hl_rc
check_files(const struct program *p, const hl_job_line *line, hl_err *err)
{
	char *const *argv = (char *const *)(uintptr_t)line->argv;
	hl_argv parsed;
	hl_rc rc;

	if (p->job.programmer != HL_PROGRAMMER_STM32PROG)
		return HL_OK;
	rc = hl_argv_parse(&parsed, (int)line->n, argv, err);
	if (rc != HL_OK)
		return rc;
	return hl_argv_check_files(&parsed, (int)line->n, argv, err);
}

/* The command line is made before a unit is spent: what is wrong with it must
 * not cost one. */
static hl_rc
try_line(struct program *p, hl_err *err)
{
	hl_job_line *line = calloc(1, sizeof(*line));
	hl_job job = p->job;
	hl_rc rc;

	if (line == NULL)
		return hl_nomem(err);
	job.license = "LICENSE";
	rc = hl_job_line_make(line, &job, err);
	if (rc == HL_OK && access(line->argv[0], X_OK) != 0)
		rc = hl_fail(err, HL_ENODEV, WHAT, "give the right path",
		    "%s cannot be run", line->argv[0]);
	if (rc == HL_OK)
		rc = check_files(p, line, err);
	if (rc == HL_OK)
		rc = hl_check_modules(p->cli, line->modules, false, err);
	free(line);
	return rc;
}

static hl_rc
read_chip(struct program *p, hl_err *err)
{
	hl_target_options opt;
	hl_rc rc;

	hl_target_settings(p->cli, &opt);
	rc = hl_target_read(p->target, &opt, p->chip, err);
	if (rc != HL_OK || !hl_target_is_stm32prog(p->target))
		return rc;
	rc = hl_target_connect_parse(&p->cli->connect, p->target, err);
	if (rc == HL_OK)
		hl_broker_connect(
		    p->cli->broker, &p->cli->connect.words, opt.tfa);
	return rc;
}

/* ---- the license -------------------------------------------------------- */

/* The card tells more than the chip: it is looked at again, before it pays. */
static hl_rc
may_spend(void *arg, const hl_spend_plan *plan, hl_err *err)
{
	struct program *p = arg;
	hl_firmware firmware = { .type = "" };
	hl_rc rc;

	/* A card that does not tell its type is of its firmware's. */
	if (plan->card->type[0] == '\0')
		(void)!hl_store_firmware_by_name(
		    p->cli->store, plan->firmware, &firmware, NULL);
	hl_check_card(p->check, plan->card, plan->firmware, firmware.type);
	if ((rc = hl_check_run(p->check, err)) != HL_OK ||
	    (rc = hl_refuse_doubted(p->cli, plan->chip, plan->firmware, err)) !=
		HL_OK)
		return rc;
	return hl_ask_spend(p->cli, plan, err);
}

static hl_rc
deliver(void *arg, const hl_get_result *r, hl_err *err)
{
	struct program *p = arg;
	hl_rc rc;

	hl_check_license(p->check, &r->firmware);
	if ((rc = hl_check_run(p->check, err)) != HL_OK)
		return rc;
	return hl_handing_put(
	    &p->handing, r, p->license, sizeof(p->license), err);
}

static hl_rc
get(struct program *p, hl_err *err)
{
	hl_cli *cli = p->cli;
	const hl_target_chip *chip = p->chip;
	const hl_get_request req = {
		.cert = chip->cert.n > 0 ? &chip->cert : NULL,
		.uid = chip->uid.n > 0 ? &chip->uid : NULL,
		.firmware = hl_opt(cli, "firmware"),
		.card = hl_opt(cli, "card"),
		.cached = hl_opt_set(cli, "cached"),
		.dry_run = cli->dry_run,
		.actor = &cli->actor,
		.until = cli->until,
		.may_spend = may_spend,
		.deliver = deliver,
		.arg = p,
	};
	hl_rc rc = hl_broker_get(cli->broker, &req, p->got, err);

	if (rc == HL_OK && p->got->source == HL_SOURCE_NONE)
		rc = hl_refuse_doubted(
		    cli, &p->got->chip, p->got->firmware.name, err);
	else if (rc == HL_OK)
		cli->units_spent = p->got->units_spent;
	return hl_got_none(cli, &p->got->chip, req.firmware, rc, err);
}

/* ---- installing ---------------------------------------------------------- */

static hl_rc
install(struct program *p, hl_err *err)
{
	hl_job_line *line = calloc(1, sizeof(*line));
	hl_rc rc;

	if (line == NULL)
		return hl_nomem(err);
	p->job.license = p->license;
	rc = hl_job_line_make(line, &p->job, err);
	if (rc == HL_OK) {
		const hl_installed_image image = { p->job.image, &p->got->chip,
			&p->got->license };
		const hl_installing in = { line->argv, p->job.programmer,
			hl_job_kind(p->job.image) == HL_ARGV_SFI, &image, 1,
			p->cli->json };

		rc = hl_install_run(p->cli, &in, &p->installed, err);
	}
	free(line);
	if (rc != HL_OK && err != NULL)
		err->units_spent = p->got->units_spent;
	return rc;
}

/* Nothing went wrong as far as can be seen, which is not far enough. */
static bool
is_open(const struct program *p)
{
	return p->installed.record.outcome == HL_INSTALL_UNKNOWN &&
	    p->installed.end.exited;
}

static hl_rc
judge(struct program *p, hl_err *err)
{
	const hl_install *r = &p->installed.record;
	char kept[HL_ERR_HINT], note[2 * HL_ERR_WHY];

	if (r->outcome == HL_INSTALL_DONE)
		return HL_OK;
	if (is_open(p)) {
		(void)hl_text_format(note, sizeof(note),
		    "%s %s whether %s is "
		    "installed; the license is kept",
		    hl_programmer_name(p->job.programmer), r->detail, r->image);
		hl_print_note(p->cli, note);
		return HL_OK;
	}
	hl_install_explain(&p->installed);
	hl_install_kept(&p->installed, kept, sizeof(kept));
	(void)hl_fail(err, HL_EPROGRAMMER, WHAT, "", "%s %s",
	    hl_programmer_name(p->job.programmer), r->detail);
	hl_err_hint(err, "%s", kept);
	if (err != NULL)
		err->units_spent = p->got->units_spent;
	return HL_EPROGRAMMER;
}

static hl_rc
print_result(struct program *p, hl_err *err)
{
	const hl_install *r = &p->installed.record;
	const hl_get_result *g = p->got;

	if (!p->cli->json) {
		(void)printf("%s %s in %.1f s; %s\n",
		    is_open(p) ? "perhaps installed" : "installed", r->image,
		    r->duration_ms / 1000.0,
		    g->units_spent == 0 ? "nothing was spent"
					: "one unit was spent");
		return HL_OK;
	}
	return hl_print_json(p->cli,
	    json_pack("{s:s,s:o,s:o,s:o,s:i,s:o,s:s,s:s,s:i,s:I}", "source",
		g->source == HL_SOURCE_STORE	  ? "store"
		    : g->source == HL_SOURCE_CARD ? "card"
						  : "replay",
		"uid", hl_json_uid(&g->chip.uid), "certificate_sha256",
		hl_json_hex(
		    g->chip.cert_sha256, g->chip.has_cert ? HL_SHA256_LEN : 0),
		"license_sha256", hl_json_hex(g->license.sha256, HL_SHA256_LEN),
		"units_spent", g->units_spent, "image_sha256",
		hl_json_hex(
		    r->image_sha256, r->has_image_sha256 ? HL_SHA256_LEN : 0),
		"programmer", r->programmer, "outcome",
		hl_install_outcome_name(r->outcome), "exit_status",
		r->exit_status, "duration_ms", (json_int_t)r->duration_ms),
	    err);
}

static hl_rc
tell_dry_run(struct program *p, hl_err *err)
{
	hl_job_line *line = calloc(1, sizeof(*line));
	hl_buf text = HL_BUF_INIT;
	hl_rc rc;

	if (line == NULL)
		return hl_nomem(err);
	p->job.license = "LICENSE";
	hl_check_license(p->check, &p->got->firmware);
	rc = hl_check_run(p->check, err);
	if (rc == HL_OK)
		rc = hl_job_line_make(line, &p->job, err);
	if (rc == HL_OK) {
		hl_argv_quote(line->argv, &text);
		rc = hl_print_would_run(p->cli, p->got, hl_buf_str(&text), err);
	}
	hl_buf_free(&text);
	free(line);
	return rc;
}

/* Everything up to the license, which the store then keeps. */
static hl_rc
prepare(struct program *p, hl_err *err)
{
	hl_rc rc;

	if ((rc = check_image(p->job.image, err)) != HL_OK ||
	    (rc = choose_programmer(p, err)) != HL_OK ||
	    (rc = try_line(p, err)) != HL_OK ||
	    (rc = read_chip(p, err)) != HL_OK ||
	    (rc = hl_check_begin(p->check, p->cli, &p->job, p->chip, err)) !=
		HL_OK ||
	    (rc = hl_check_run(p->check, err)) != HL_OK ||
	    (rc = hl_handing_make(&p->handing, err)) != HL_OK)
		return rc;
	return get(p, err);
}

hl_rc
hl_cmd_program(hl_cli *cli, char **operands, hl_err *err)
{
	struct program p = { .cli = cli, .target = hl_opt(cli, "target") };
	hl_rc rc = HL_OK;

	if (p.target == NULL)
		return hl_fail(err, HL_EUSAGE, WHAT,
		    "add --target stm32prog:port=SWD, segger: or sim:DIR",
		    "which chip it is for was not said");
	p.job = (hl_job){ .image = operands[0],
		.target = p.target,
		.tfa = hl_opt(cli, "tfa"),
		.extra = operands + 1 };
	p.chip = calloc(1, sizeof(*p.chip));
	p.got = calloc(1, sizeof(*p.got));
	p.check = calloc(1, sizeof(*p.check));
	if (p.chip == NULL || p.got == NULL || p.check == NULL)
		rc = hl_nomem(err);
	if (rc == HL_OK)
		rc = prepare(&p, err);
	if (rc == HL_OK && cli->dry_run)
		rc = tell_dry_run(&p, err);
	else if (rc == HL_OK && (rc = install(&p, err)) == HL_OK &&
	    (rc = judge(&p, err)) == HL_OK)
		rc = print_result(&p, err);
	hl_handing_clear(&p.handing);
	if (p.check != NULL)
		hl_check_end(p.check);
	free(p.check);
	free(p.got);
	free(p.chip);
	return rc;
}
