/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store keeps, in the words of the domain. Every identity is a UUID
 * made by the client; times are milliseconds since 1970, UTC; text is valid
 * UTF-8 of at most HL_TEXT_MAX bytes, "" where there is none.
 */
#ifndef HL_STORE_MODEL_H
#define HL_STORE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "chip/cert.h"
#include "chip/license.h"
#include "chip/uid.h"
#include "util/text.h"
#include "util/uuid.h"

typedef char hl_text[HL_TEXT_MAX + 1];

/* Who acts, where, and for what; goes with every record. */
typedef struct hl_actor {
	hl_text station, operator_; /* host name, login name by default */
	hl_text lot, note;
	hl_text use_class; /* "production", "test" */
} hl_actor;

typedef struct hl_chip {
	hl_uuid id;
	hl_uid uid;   /* n = 0: not known yet */
	bool has_cert; /* cert_sha256 and product_id are set */
	uint8_t cert_sha256[HL_SHA256_LEN];
	char product_id[HL_PRODUCT_ID_TEXT];
	hl_text label;
	int64_t first_seen;
	uint32_t licenses; /* active ones; in lists */
} hl_chip;

/* One key, loaded on one or more cards. */
typedef struct hl_firmware {
	hl_uuid id;
	hl_text name;	    /* unique; what the user calls it */
	hl_text identifier; /* what its cards say; several may bear the same */
	hl_text type;	    /* "SFI", ... */
	char product_id[HL_PRODUCT_ID_TEXT]; /* "" any */
	int64_t added_at;
} hl_firmware;

typedef struct hl_card_row {
	hl_uuid id, firmware;
	hl_text firmware_name;
	hl_text label; /* unique or "" */
	hl_text serial; /* unique or "": weak identity */
	hl_text driver;
	hl_text reader; /* where it was seen last */
	uint8_t atr[33];
	size_t atr_n;
	uint32_t capacity; /* 0 unknown */
	uint32_t first_counter; /* at the first reading */
	uint32_t last_counter;	/* expected now */
	hl_text state;		/* "OPERATIONAL_STATE", ... */
	bool replay;
	int64_t added_at, seen_at, retired_at; /* 0: not */
	/* All zero, but in the row of a card as another store asked it, which
	 * came with a merge: the card of this store that it is. */
	hl_uuid same_as;
} hl_card_row;

/* One reading of a card's counter and what it says about the last one. */
typedef struct hl_reading {
	hl_uuid id, card;
	int64_t at;
	uint32_t counter;
	uint32_t expected;	/* last counter known before */
	uint32_t units_outside; /* units that left while none of ours was open */
	hl_text state;
	hl_uuid issue; /* the issue that it belongs to; all zero: none */
} hl_reading;

typedef enum hl_issue_state {
	HL_ISSUE_OPEN,	    /* intent recorded, outcome not known */
	HL_ISSUE_ISSUED,    /* license kept, unit spent */
	HL_ISSUE_BAD,	    /* bytes came that are not this request's license */
	HL_ISSUE_NOT_SPENT, /* the counter did not move */
	HL_ISSUE_LOST,	    /* unit spent, license gone */
	HL_ISSUE_LOST_OR_OUTSIDE, /* the same, or somebody else spent it */
	HL_ISSUE_WRITTEN_OFF	  /* given up by decision of a person */
} hl_issue_state;

/* An attempt to get one license: intent, later its outcome. */
typedef struct hl_issue {
	hl_uuid id; /* also the card's request ID */
	hl_uuid chip, firmware, card;
	uint32_t attempt; /* 1, 2, ... for this chip and firmware */
	uint32_t counter_before;
	int64_t opened_at;
	hl_uuid owner; /* names the lock file of the process that opened it */
	hl_actor actor;
	hl_issue_state state;
	int64_t closed_at; /* 0 while open */
	uint32_t counter_after;
	uint32_t units; /* 0 or 1 */
	bool recovered; /* closed by recovery */
	hl_text detail; /* what was seen, for people */
} hl_issue;

typedef enum hl_license_state {
	HL_LICENSE_ACTIVE,
	HL_LICENSE_SUSPECT, /* kept, not handed out */
	HL_LICENSE_RETIRED
} hl_license_state;

typedef struct hl_license {
	hl_uuid id, chip, firmware;
	hl_uuid issue; /* all zero: imported */
	hl_license_state state;
	uint8_t sha256[HL_SHA256_LEN];
	size_t size;
	int64_t added_at, retired_at;
	hl_actor actor; /* who imported it, or had it from a card */
	hl_text reason; /* why retired, suspect, or trusted again */
	uint32_t uses;	/* hand-outs recorded; in lists */
	/* for showing, filled in by queries */
	hl_text firmware_name;
	hl_uid uid;
	uint8_t cert_sha256[HL_SHA256_LEN];
	bool has_cert;
} hl_license;

typedef enum hl_install_outcome {
	HL_INSTALL_DONE,   /* the programmer said that it succeeded */
	HL_INSTALL_FAILED, /* it said so, or did not say that it succeeded */
	HL_INSTALL_UNKNOWN /* nobody saw how it ended, or can tell by that */
} hl_install_outcome;

#define HL_EXIT_UNKNOWN (-1)

/* One run of a programmer on a chip. */
typedef struct hl_install {
	hl_uuid id;
	hl_uuid license; /* all zero: it got none of ours */
	hl_uuid chip;
	hl_uuid firmware; /* all zero: not known */
	int64_t at;	  /* when it began */
	uint32_t duration_ms;
	hl_text programmer; /* "stm32prog", ... */
	hl_text image;	    /* name of the file; "": none */
	bool has_image_sha256;
	uint8_t image_sha256[HL_SHA256_LEN];
	hl_install_outcome outcome;
	int exit_status; /* 0 to 255 as a shell has it, or HL_EXIT_UNKNOWN */
	hl_text detail;	 /* what was seen, for people */
	hl_actor actor;
} hl_install;

/* Why units of a card are where no license of ours is: see variance.h. */
typedef enum hl_variance_class {
	HL_VARIANCE_LOST,     /* spent; the license never arrived */
	HL_VARIANCE_IN_DOUBT, /* of a request that is open, or was given up */
	HL_VARIANCE_OUTSIDE,  /* left while no request of ours was open */
	HL_VARIANCE_JUMP,     /* left within a request, beside its own unit */
	HL_VARIANCE_REPLACED, /* the counter is higher: units below zero */
	HL_VARIANCE_ROLLED_BACK, /* left before an old copy was restored */
	HL_VARIANCE_IMPORTED	 /* bought a license that was imported */
} hl_variance_class;
#define HL_VARIANCE_N 7

const char *hl_issue_state_name(hl_issue_state s); /* "open", "issued", ... */
bool hl_issue_state_parse(const char *s, hl_issue_state *out);
const char *hl_license_state_name(hl_license_state s);
const char *hl_install_outcome_name(hl_install_outcome o); /* "done", ... */
const char *hl_variance_class_name(hl_variance_class c);   /* "lost", ... */
bool hl_variance_class_parse(const char *s, hl_variance_class *out);
bool hl_install_outcome_parse(const char *s, hl_install_outcome *out);

#endif
