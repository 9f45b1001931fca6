/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HSMLIC_ERROR_H
#define HSMLIC_ERROR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Result of every call that can fail: HL_OK, or one of these. They come in
 * blocks by what a person would have to look at.
 */
typedef enum hl_rc {
	HL_OK = 0,
	/* what the caller gave */
	HL_EUSAGE = -1,	   /* bad option or operand */
	HL_EINPUT = -2,	   /* malformed value or input file */
	HL_EEXIST = -3,	   /* it is there already, with other content */
	HL_ENOTFOUND = -4, /* no such chip, card, license, ... is known */
	HL_ECONFLICT =
	    -5, /* contradicts what is known, e.g. UID and certificate */
	/* devices */
	HL_ENODEV = -10,   /* reader, card, programmer or target not there */
	HL_EACCESS = -11,  /* the system denies access to the device */
	HL_ECARD = -12,	   /* the card answers against its protocol */
	HL_EBUSY = -13,	   /* somebody else holds it, and went on holding it */
	HL_ETIMEOUT = -14, /* no answer in time, and nothing was spent */
	/* licenses */
	HL_ENOLICENSE =
	    -20,	  /* counter zero, wrong state, no card serves this */
	HL_EDENIED = -21, /* spending was not allowed */
	HL_EDOUBT = -22,  /* a unit may have been spent; recovery decides */
	/* store and files */
	HL_ESTORE = -30, /* store cannot be used */
	HL_EFULL = -31,	 /* no space left */
	HL_EIO = -32,	 /* the system failed to read or write */
	HL_ENOMEM = -33,
	HL_EINTEGRITY = -34, /* bytes do not match their hash */
	/* programmer */
	HL_EPROGRAMMER = -40,
	HL_EFOUND = -41 /* preflight found what would make it fail */
} hl_rc;

/* Why a call failed, in words for a person. Sizes include the final NUL. */
#define HL_ERR_WHAT 320
#define HL_ERR_WHY 640
#define HL_ERR_HINT 480

/* hl_err.units_spent when nobody can know before the card is asked again. */
#define HL_UNITS_UNKNOWN (-1)

/*
 * Filled by the layer that knows the fact, printed once by the program. An
 * hl_err belongs to the caller, who sets it to zero before the first use:
 * `hl_err err = { 0 };`. Every function that takes an `hl_err *` accepts NULL
 * and leaves the object alone when it succeeds.
 */
typedef struct hl_err {
	hl_rc rc;
	int units_spent; /* 0, 1, or HL_UNITS_UNKNOWN */
	char what[HL_ERR_WHAT]; /* what was tried, on what */
	char why[HL_ERR_WHY];
	char hint[HL_ERR_HINT]; /* what to do about it; may be "" */
} hl_err;

#define HL_API __attribute__((visibility("default")))

/* Static, never NULL: short name of a code, such as "no-license". */
HL_API const char *hl_rc_name(hl_rc rc);

#ifdef __cplusplus
}
#endif
#endif
