/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would make an installation fail, found before a unit is spent for it.
 * Only what a source says becomes a finding; what is not known is not guessed:
 * it is left out, or said in a note.
 *
 *   id                  what is compared
 *   device-mismatch     what the chip is said to be, with what it is
 *   product-mismatch    product ID of the chip, with that of the card
 *   type-mismatch       license type, with the kind of the image
 *   firmware-mismatch   firmware of the license, with the one wanted
 *   counter-low         licenses left on the card, with those needed
 *   rsse-missing        no RSSe file, on a series that needs one
 *   csv-duplicate       an option byte that stands in the CSV twice
 *   rdp-level-0         CSV: RDP level 0, where an SFI needs level 0.5
 *   tzen-0              CSV: TrustZone off, where an SFI needs it
 *   device-unknown      CSV: one of these two, for a chip of unknown series
 *   rdp-live            the connected chip is at RDP level 1 or 2
 *   wrp-active          ... has write-protected areas
 *   pcrop-active        ... has areas protected against reading (PCROP)
 *   tzen-live-l5        ... is an STM32L5 with TrustZone on
 *
 * Notes: image-not-known, device-not-known, csv-not-judged, csv-not-told,
 * csv-not-given, displ-not-told, rdp-live-0.5.
 */
#ifndef HL_FLOW_PREFLIGHT_H
#define HL_FLOW_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define HL_FINDING_TEXT 512

/* Texts are whole sentences without a full stop, fit for a terminal. */
typedef struct hl_finding {
	const char *id; /* stable: --force takes it */
	bool note;	/* worth knowing; stops nothing and is not counted */
	char what[HL_FINDING_TEXT];
	char why[HL_FINDING_TEXT];
	char mend[HL_FINDING_TEXT];
	const char *source;
} hl_finding;

typedef enum hl_image_kind {
	HL_IMAGE_UNKNOWN,
	HL_IMAGE_SFI, /* .sfi, .sfix */
	HL_IMAGE_SSP, /* .ssp */
	HL_IMAGE_SMU, /* .smu */
	HL_IMAGE_CSV, /* no image, but option bytes: .csv */
	HL_IMAGE_SIM, /* of hsmlic-sim (docs/FORMAT.image) */
} hl_image_kind;

/* By the first bytes of the file where they tell, else by its name. */
hl_image_kind hl_image_kind_of(const char *path);

/* What is known; NULL, "", 0 and false: not. Borrowed. */
typedef struct hl_preflight {
	const char *image; /* path; need not be there */
	const void *csv;   /* text of the option byte CSV */
	size_t csv_n;
	const char *device; /* series or part, as the user or the tool says */
	uint32_t device_id; /* as the tool says */
	const char *chip_product, *card_product; /* product IDs */
	const char *license_type; /* "SFI", "SSP", ... of card or license */
	const char *license_firmware, *wanted_firmware;
	bool rsse_given;
	bool rsse_none; /* there is none, also where no SFI image is named */
	bool has_counter;
	uint32_t counter;
	uint64_t need;	   /* licenses; 0: not said */
	const char *displ; /* output of -ob displ */
	size_t displ_n;
} hl_preflight;

/*
 * Calls found() for each finding and note, in the order of the list above; *f
 * is valid during the call. *n: findings, notes not counted. HL_EINPUT: the CSV
 * cannot be understood (the caller adds its name); HL_ENOMEM.
 */
HL_CHECK hl_rc hl_preflight_run(const hl_preflight *in,
    void (*found)(void *arg, const hl_finding *f), void *arg, unsigned *n,
    hl_err *err);

/* Is there a finding of this name? Of notes there is not. */
bool hl_finding_known(const char *id);

#endif
