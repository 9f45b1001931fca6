/* SPDX-License-Identifier: Apache-2.0 */
/* Licenses on their way out into files. */
#ifndef HL_CLI_LICENSE_PUT_H
#define HL_CLI_LICENSE_PUT_H

#include "cli/cli.h"

typedef enum hl_put_result {
	HL_PUT_NOT_TRIED,
	HL_PUT_WRITTEN,
	HL_PUT_UNCHANGED,
	HL_PUT_WOULD_WRITE,
	HL_PUT_FAILED
} hl_put_result;

/* One license to write, and what became of it. */
typedef struct hl_put_item {
	hl_uuid id, chip, firmware;
	hl_uid uid;
	bool has_cert;
	uint8_t cert_sha256[HL_SHA256_LEN];
	uint8_t sha256[HL_SHA256_LEN];
	bool several; /* its chip has licenses of other firmwares, too */
	hl_put_result result;
	char *path;  /* owned; NULL: not known yet */
	hl_err *err; /* owned; of a failed one */
} hl_put_item;

typedef struct hl_put {
	hl_cli *cli;
	const char *dir;
	bool force;
	hl_firmware firmware; /* of the item before */
} hl_put;

/*
 * Writes CHIP.license.bin with .certificate.bin and .json into the folder (or
 * CHIP-FIRMWARE... for one of several), and records the hand-out. Sets path
 * and result, unless it fails: HL_EEXIST, other content is there;
 * HL_EINTEGRITY; and others.
 */
HL_CHECK hl_rc hl_put_into_dir(hl_put *put, hl_put_item *it, hl_err *err);
/* Writes the bytes of a license into one file, and records the hand-out. */
HL_CHECK hl_rc hl_put_file(hl_put *put, hl_put_item *it, const char *path,
    const uint8_t *bytes, size_t n, hl_err *err);

#endif
