/* SPDX-License-Identifier: Apache-2.0 */
/* An installation by a programmer, for the user to watch and for the record. */
#ifndef HL_CLI_INSTALL_H
#define HL_CLI_INSTALL_H

#include "cli/cli.h"
#include "flow/explain.h"
#include "flow/programmer.h"

#define HL_EXPLAINED_MAX 8

/* One image, and the license that opens it on that chip. */
typedef struct hl_installed_image {
	const char *path;
	const hl_chip *chip;
	const hl_license *license;
} hl_installed_image;

typedef struct hl_installing {
	const char *const *argv; /* of the programmer */
	hl_programmer programmer;
	bool sfi; /* there is an SFI image: its line of success is known */
	const hl_installed_image *images;
	size_t n;    /* one at least */
	bool beside; /* all that it prints goes to stderr */
} hl_installing;

typedef struct hl_installed {
	hl_install record; /* as it is in the store, of the first image */
	hl_ended end;
	const hl_explanation *known[HL_EXPLAINED_MAX];
	size_t n_known;
	size_t doubted; /* licenses that are suspect now */
} hl_installed;

/*
 * Runs the programmer and records what came of it, once for each image. HL_OK
 * whenever it was started: out->record.outcome tells the rest. Licenses that
 * the programmer may have complained of become suspect; none is ever deleted.
 */
HL_CHECK hl_rc hl_install_run(
    hl_cli *cli, const hl_installing *in, hl_installed *out, hl_err *err);

/*
 * A license of this chip and firmware (NULL: any) that is doubted because of
 * how an installation went: it may be a good one, so no other is got by the
 * way, not even with --yes. HL_EDENIED until a person has decided on it. One
 * that came damaged from its card stands in no way.
 */
HL_CHECK hl_rc hl_refuse_doubted(
    const hl_cli *cli, const hl_chip *chip, const char *firmware, hl_err *err);

/* hl_broker_get() ended with `rc`: where no card could serve but a license is
 * doubted, that is what has to be said. */
HL_CHECK hl_rc hl_got_none(const hl_cli *cli, const hl_chip *chip,
    const char *firmware, hl_rc rc, hl_err *err);

/* hl_spawn_tee() as if the user had started it: with the user's umask. */
HL_CHECK hl_rc hl_run_for_user(const hl_cli *cli, const char *const *argv,
    size_t max, hl_buf *copy, hl_ended *end, hl_err *err);

/* On stderr: what is known of the error lines of a failure. */
void hl_install_explain(const hl_installed *r);
/* What became of the license, and what to do next. */
void hl_install_kept(const hl_installed *r, char *out, size_t size);

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
