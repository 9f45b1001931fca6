/* SPDX-License-Identifier: Apache-2.0 */
/* An installation by a programmer, for the user to watch and for the record. */
#ifndef HL_CLI_INSTALL_H
#define HL_CLI_INSTALL_H

#include "cli/cli.h"
#include "flow/explain.h"
#include "flow/programmer.h"

#define HL_EXPLAINED_MAX 8

typedef struct hl_installing {
	const char *const *argv; /* of the programmer */
	hl_programmer programmer;
	bool sfi; /* an SFI image, by whose line of success is known */
	const char *image;
	const hl_chip *chip;
	const hl_license *license;
	bool silent; /* its output is kept, not shown */
} hl_installing;

typedef struct hl_installed {
	hl_install record; /* as it is in the store */
	hl_ended end;
	const hl_explanation *known[HL_EXPLAINED_MAX];
	size_t n_known;
	bool doubted; /* the license is suspect now */
} hl_installed;

/*
 * Runs the programmer and records what came of it. HL_OK whenever it was
 * started: out->record.outcome tells the rest. A license that the programmer
 * may have complained of becomes suspect; it is never deleted.
 */
HL_CHECK hl_rc hl_install_run(
    hl_cli *cli, const hl_installing *in, hl_installed *out, hl_err *err);

/* hl_spawn_tee() as if the user had started it: with the user's umask. */
HL_CHECK hl_rc hl_run_for_user(const hl_cli *cli, const char *const *argv,
    size_t max, hl_buf *copy, hl_ended *end, hl_err *err);

/* On stderr: what is known of a failure, and what became of the license. */
void hl_install_explain(const hl_cli *cli, const hl_installed *r);

/* A temporary folder of this process for licenses, wiped in the end. */
typedef struct hl_handing {
	char dir[PATH_MAX];
	unsigned n; /* files */
} hl_handing;

HL_CHECK hl_rc hl_handing_make(hl_handing *h, hl_err *err);
/* Writes a license there, mode 0600; its path goes to `path`. */
HL_CHECK hl_rc hl_handing_put(hl_handing *h, const hl_get_result *r, char *path,
    size_t size, hl_err *err);
void hl_handing_clear(hl_handing *h);

#endif
