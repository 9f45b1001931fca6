/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder that was carried here: certificates, licenses and the JSON files
 * that tell who they are. What a file is says its content; its name may have
 * been changed on the way.
 */
#ifndef HL_CLI_CARRIED_H
#define HL_CLI_CARRIED_H

#include "cli/sidecar.h"

typedef enum hl_carried_kind {
	HL_CARRIED_OTHER,
	HL_CARRIED_CERT,    /* an STM32 chip's certificate */
	HL_CARRIED_LICENSE, /* JSON about a license and its chip */
	HL_CARRIED_CHIP	    /* JSON about a chip alone */
} hl_carried_kind;

typedef struct hl_carried_file {
	char *path;	  /* owned */
	const char *name; /* its last part */
	size_t folder;	  /* files of one folder have the same number */
	hl_carried_kind kind;
	bool read; /* false: larger than any file of ours, or `err` */
	size_t n;
	uint8_t sha256[HL_SHA256_LEN]; /* of what was read */
	hl_sidecar *side;	       /* owned; of JSON */
	hl_err *err;		       /* owned; NULL: readable */
} hl_carried_file;

struct hl_carried_entry;

typedef struct hl_carried {
	hl_carried_file *files; /* by name, folder after folder */
	size_t n, cap;
	struct hl_carried_entry *index; /* for hl_carried_find() */
	size_t n_index;
	size_t folders;
	size_t deeper; /* folders in subfolders: nobody looked there */
} hl_carried;

/*
 * Reads the regular files of a folder and of its subfolders; hidden ones are
 * passed over. HL_EUSAGE: the folder itself cannot be read. A subfolder or a
 * file that cannot be read has an `err`. Free with hl_carried_free(), also
 * after an error.
 */
HL_CHECK hl_rc hl_carried_read(
    hl_carried *out, const char *dir, const char *what, hl_err *err);
void hl_carried_free(hl_carried *c);

/* What a file is looked for by. */
typedef enum hl_carried_role {
	HL_CARRIED_IS,		  /* its own SHA-256 */
	HL_CARRIED_TELLS_LICENSE, /* JSON with this license_sha256 */
	HL_CARRIED_TELLS_CHIP	  /* JSON with this certificate_sha256 */
} hl_carried_role;

/* The nth (from 0) such file; NULL: there are not so many. */
const hl_carried_file *hl_carried_find(const hl_carried *c,
    hl_carried_role role, const uint8_t sha256[HL_SHA256_LEN], size_t nth);

#endif
