/* SPDX-License-Identifier: Apache-2.0 */
/* Preflight on the way to an installation: findings stop it. */
#ifndef HL_CLI_CHECK_H
#define HL_CLI_CHECK_H

#include "cli/cli.h"
#include "flow/preflight.h"
#include "flow/programmer.h"

/* What is known so far; more of it after each step. */
typedef struct hl_check {
	hl_cli *cli;
	hl_preflight in;
	hl_buf csv, displ;
	char card_product[HL_PRODUCT_ID_TEXT];
	hl_text type, firmware;
	hl_text ids;   /* findings of a run that stop it */
	bool told;     /* notes were said */
	bool ran_once; /* what is overridden was said */
} hl_check;

/*
 * From the job, its target and the options --csv, --device and --force. What a
 * connected chip says of its option bytes is asked for by -ob displ. HL_EUSAGE:
 * --force names no finding. End with hl_check_end().
 */
HL_CHECK hl_rc hl_check_begin(hl_check *c, hl_cli *cli, const hl_job *job,
    const hl_target_chip *chip, hl_err *err);
void hl_check_end(hl_check *c);

/* What the card says that would pay (`type` for one that does not tell its
 * own), and the license that is there. */
void hl_check_card(hl_check *c, const hl_card_info *card, const char *firmware,
    const char *type);
void hl_check_license(hl_check *c, const hl_firmware *firmware);

/* id, what, why, mend, source; NULL: no memory. */
json_t *hl_json_finding(const hl_finding *f);
/* Says what is found. HL_EFOUND: something that --force does not name; it is in
 * cli->findings, too. */
HL_CHECK hl_rc hl_check_run(hl_check *c, hl_err *err);

/*
 * What a connected chip says of its option bytes: the output of -ob displ of
 * `program` (NULL: it is looked for). Empty when it cannot be had: less is
 * found then.
 */
void hl_check_displ(
    const hl_cli *cli, const char *program, const hl_connect *c, hl_buf *out);

/*
 * The -mcsv file that a programmer is to get; NULL is fine. HL_EDENIED: a row
 * of it could make the programmer ask a card, past every account, and that is
 * not `allowed`; else it is noted. HL_EINPUT: it cannot be read.
 */
HL_CHECK hl_rc hl_check_modules(
    const hl_cli *cli, const char *path, bool allowed, hl_err *err);

/* The result of a dry run: the command line, and what it would cost. */
HL_CHECK hl_rc hl_print_would_run(
    hl_cli *cli, const hl_get_result *r, const char *line, hl_err *err);

#endif
