/* SPDX-License-Identifier: Apache-2.0 */
/* Taking in licenses that came from elsewhere, with all that speaks against. */
#ifndef HL_CLI_LICENSE_TAKE_H
#define HL_CLI_LICENSE_TAKE_H

#include "cli/license_kept.h"
#include "cli/parts.h"
#include "cli/sidecar.h"

typedef struct hl_take {
	hl_cli *cli;
	const char *firmware;	/* name, or NULL: as the sidecar says */
	bool firmware_on_line;	/* a sidecar must not say another one */
	bool new_firmware;	/* make it also when no sidecar tells of it */
	const char *type;	/* of a new firmware; NULL: SFI */
	const char *identifier; /* of a new firmware; NULL: its name */
	/* With many to take in: loaded once by the caller, who frees it. */
	hl_kept *kept;
	hl_text told_firmware; /* the last one that a dry run would make */
} hl_take;

/* One license to take in. */
typedef struct hl_taking {
	const char *path;  /* of the license */
	hl_chip_args chip; /* may be empty: the sidecar tells */
	/* The sidecar, found by the license's hash; NULL: looked for by name */
	const hl_sidecar *told;
	uint8_t bytes[HL_LICENSE_MAX];
	size_t n;
	uint8_t sha256[HL_SHA256_LEN];
	hl_sidecar side;
	hl_firmware firmware;
	bool make_firmware;
	hl_chip known; /* when chip_known */
	bool chip_known;
	bool already;	    /* it was there; else it is new */
	hl_license license; /* as it is kept; not in a dry run of a new one */
} hl_taking;

/*
 * Takes in t->path for the chip in t->chip. Everything is checked before
 * anything is recorded. HL_EINPUT: empty, too large, or a sidecar that cannot
 * be read; HL_ENOTFOUND: file, firmware or chip not known; HL_ECONFLICT: it
 * belongs to another chip or firmware, was retired, or another one is active.
 */
HL_CHECK hl_rc hl_license_take(hl_take *take, hl_taking *t, hl_err *err);

#endif
