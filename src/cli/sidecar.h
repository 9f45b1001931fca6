/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON files that go with files which are carried from place to place: who
 * a chip or a license is, bound to certificate and license by their SHA-256 and
 * not by names. docs/FORMAT.license-file.
 */
#ifndef HL_CLI_SIDECAR_H
#define HL_CLI_SIDECAR_H

#include "cli/cli.h"

typedef struct hl_sidecar {
	bool there;
	hl_uid uid; /* n 0: not told */
	bool has_cert;
	uint8_t cert_sha256[HL_SHA256_LEN];
	char product_id[HL_PRODUCT_ID_TEXT]; /* "" not told */
	hl_text firmware, identifier, type;  /* "" not told */
	uint8_t license_sha256[HL_SHA256_LEN];
	uint64_t size;
} hl_sidecar;

/* As it is written. HL_ENOMEM. */
HL_CHECK hl_rc hl_sidecar_write(const hl_sidecar *s, hl_buf *out, hl_err *err);

/*
 * The one that belongs to a license file by its name: PATH.json, or NAME.json
 * for NAME.license.bin and NAME.bin. A JSON file of another schema is none.
 * HL_EINPUT: a file of that name cannot be understood.
 */
HL_CHECK hl_rc hl_sidecar_read(
    const char *license_path, hl_sidecar *out, hl_err *err);
/* The text of one. HL_EINPUT; out->there stays false for another schema. */
HL_CHECK hl_rc hl_sidecar_parse(
    const void *text, size_t n, hl_sidecar *out, hl_err *err);

/* The JSON file beside a certificate, schema hsmlic/chip-file/1: of *s only
 * what tells the chip. HL_ENOMEM. */
HL_CHECK hl_rc hl_chip_file_write(
    const hl_sidecar *s, hl_buf *out, hl_err *err);
/* What a text of either schema tells of a chip; the rest of *out is empty.
 * HL_EINPUT; out->there stays false for another schema. */
HL_CHECK hl_rc hl_chip_file_parse(
    const void *text, size_t n, hl_sidecar *out, hl_err *err);

#endif
