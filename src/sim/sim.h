/* SPDX-License-Identifier: Apache-2.0 */
/* hsmlic-sim: what its files share. */
#ifndef HL_SIM_SIM_H
#define HL_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include <jansson.h>

#include "util/buf.h"
#include "util/err.h"

#define SIM_NAME "hsmlic-sim"
#define SIM_FAULTS_MAX 16
#define SIM_IMAGE_MAX ((size_t)32 * 1024 * 1024)

/* Every option of every command; the commands say which they take. */
enum sim_opt {
	OPT_BLANK,
	OPT_CAPACITY,
	OPT_CARD,
	OPT_CHIP,
	OPT_FAULT,
	OPT_FIRMWARE,
	OPT_HELP,
	OPT_IN,
	OPT_JSON,
	OPT_KEY,
	OPT_NONCE,
	OPT_OUT,
	OPT_PRODUCT,
	OPT_SEED,
	OPT_SERIAL,
	OPT_STAY_AWAY,
	OPT_T0,
	OPT_TYPE,
	OPT_UNIX,
	OPT_VPCD,
	OPT_WAIT,
	OPT_COUNT
};

#define BIT(o) (1U << (o))

struct sim_command;

/* One run of the program. */
struct sim {
	const struct sim_command *cmd;
	const char *opt[OPT_COUNT]; /* NULL: not given; a flag is "" */
	const char *faults[SIM_FAULTS_MAX];
	size_t n_faults;
	char **operands; /* as many as the command takes */
};

struct sim_command {
	const char *group, *name; /* name NULL: the group is the command */
	const char *operands, *help;
	int n_operands;
	unsigned takes, needs; /* BIT(OPT_...) */
	hl_rc (*run)(const struct sim *sim, hl_err *err);
};

/* Reads options and operands of sim->cmd. HL_EUSAGE. */
hl_rc sim_options(struct sim *sim, int argc, char **argv, hl_err *err);
void sim_option_help(FILE *f, unsigned takes);

hl_rc sim_card_new(const struct sim *sim, hl_err *err);
hl_rc sim_card_show(const struct sim *sim, hl_err *err);
hl_rc sim_card_terminate(const struct sim *sim, hl_err *err);
hl_rc sim_card_serve(const struct sim *sim, hl_err *err);
hl_rc sim_chip_new(const struct sim *sim, hl_err *err);
hl_rc sim_image_new(const struct sim *sim, hl_err *err);
hl_rc sim_image_show(const struct sim *sim, hl_err *err);
hl_rc sim_install(const struct sim *sim, hl_err *err);

/*
 * Ends a command that went well: with --json prints `result` (which may be
 * NULL, out of memory) with the command's schema added. `result` is used up.
 */
hl_rc sim_done(const struct sim *sim, json_t *result, hl_err *err);
/* Prints the error, as JSON too when asked for; returns the exit code. */
int sim_report(const struct sim *sim, const hl_err *err);
/* hl_file_put(), which never replaces other content here. */
hl_rc sim_put(const char *path, const hl_buf *b, mode_t mode, hl_err *err);
/* Flushes stdout; HL_EIO when something could not be printed. */
hl_rc sim_flush(hl_err *err);

#endif
