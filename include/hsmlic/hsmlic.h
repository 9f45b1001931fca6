/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libhsmlic: get one chip's license from a program of your own. What it does is
 * what `hsmlic get` and `hsmlic recover` do, on the same store.
 *
 *	hl_client_options opt = { .size = sizeof(opt),
 *		.store = "/srv/hsmlic/store.db" };
 *	hl_client_request req = { .size = sizeof(req),
 *		.uid = "2F0039000B51373138353839" };
 *	hl_client_license *lic = NULL;
 *	hl_client *client = NULL;
 *	hl_err err = { 0 };
 *
 *	if (hl_client_open(&client, &opt, &err) == HL_OK &&
 *	    hl_client_get(client, &req, &lic, &err) == HL_OK)
 *		use(lic->bytes, lic->size);
 *	hl_client_license_free(&lic);
 *	hl_client_close(&client);
 *
 * Threads: one at a time for a client. A client is not used across fork(). Text
 * is UTF-8, NUL-terminated; strings that go in are borrowed for the call.
 */
#ifndef HSMLIC_HSMLIC_H
#define HSMLIC_HSMLIC_H

#include <stdbool.h>
#include <stdint.h>

#include "hsmlic/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HL_MUST_CHECK __attribute__((warn_unused_result))

/* A license of any card is at most this long, in bytes. */
#define HL_CLIENT_LICENSE_MAX 4096

typedef struct hl_client hl_client; /* opaque */

/* Zero or NULL means: not given. */
typedef struct hl_client_options {
	size_t size;	   /* sizeof(hl_client_options): tells its version */
	const char *store; /* "sqlite:PATH" or a path; needed */
	bool create;	   /* make the store when it is not there */
	const char *rescue_dir; /* where a license goes that the store cannot
				   take; a folder of the user's in /var/tmp */
	const char *operator_;	/* who acts; for the record */
	const char *station;	/* and where */
	/* What a person should know: one sentence. */
	void (*note)(void *arg, const char *text);
	/* Last resort: a line HSMLIC-RESCUE, to be kept at all costs. When NULL
	 * it is written to standard error. */
	void (*rescue)(void *arg, const char *line);
	void *arg;
} hl_client_options;

typedef struct hl_client_request {
	size_t size; /* sizeof(hl_client_request) */
	/* The chip: its certificate (136 bytes on STM32), or its UID when the
	 * store knows it, or both. */
	const uint8_t *certificate;
	size_t certificate_size;
	const char *uid;      /* hex, as hsmlic accepts it */
	const char *firmware; /* name; NULL: that of the card */
	const char *card;     /* label, serial, "reader:TEXT" or "sim:FILE" */
	bool cached;	      /* never touch a card */
	bool may_spend; /* without it a license that is not in the store is
			   HL_EDENIED: a unit can never be put back */
	const char *lot, *note; /* for the record */
	bool test;		/* its use is "test"; else "production" */
	uint32_t timeout_ms;	/* for everything; 0: 60,000 */
} hl_client_request;

typedef enum hl_client_source {
	HL_FROM_STORE = 0,
	HL_FROM_CARD = 1,
	HL_FROM_REPLAY = 2 /* a request that was cut short earlier, completed */
} hl_client_source;

/* Texts are "" where nothing is known. */
typedef struct hl_client_license {
	uint8_t bytes[HL_CLIENT_LICENSE_MAX];
	size_t size; /* 1 to HL_CLIENT_LICENSE_MAX */
	hl_client_source source;
	int units_spent; /* by this call: 0 or 1 */
	char uid[33];	 /* upper-case hex */
	char license_sha256[65], certificate_sha256[65]; /* lower-case hex */
	char firmware[257];
	char card_serial[33];	/* of the card that issued it */
	char issue_id[37];	/* UUID; "" for an imported license */
	uint32_t counter_after; /* of that card, then; 0 when imported */
} hl_client_license;

/*
 * Opens the store. On HL_OK *out is a new client, closed by hl_client_close();
 * else *out is NULL: HL_EUSAGE, HL_EINPUT (a text that cannot be recorded, a
 * path too long), HL_ENOTFOUND (no store there), HL_ESTORE, HL_EFULL,
 * HL_EINTEGRITY, HL_ENOMEM.
 */
HL_API HL_MUST_CHECK hl_rc hl_client_open(
    hl_client **out, const hl_client_options *options, hl_err *err);

/* NULL is fine; sets *client to NULL. */
HL_API void hl_client_close(hl_client **client);

/*
 * Gets the license of one chip. On HL_OK *out is the caller's, freed with
 * hl_client_license_free(), and the store keeps it. Else *out is NULL and
 * err->units_spent tells what is known; HL_EDOUBT: hl_client_recover() settles
 * it. Other codes are those of hsmlic/error.h.
 */
HL_API HL_MUST_CHECK hl_rc hl_client_get(hl_client *client,
    const hl_client_request *request, hl_client_license **out, hl_err *err);

/* Wipes and frees; NULL is fine; sets *license to NULL. */
HL_API void hl_client_license_free(hl_client_license **license);

/*
 * Settles requests that were cut short, with the cards that are present (or
 * `card`, which may be NULL). *open: how many stay open. HL_EDOUBT when any do.
 */
HL_API HL_MUST_CHECK hl_rc hl_client_recover(hl_client *client,
    const char *card, uint32_t timeout_ms, unsigned *open, hl_err *err);

/* "0.1.0"; static. */
HL_API const char *hl_client_version(void);

#ifdef __cplusplus
}
#endif
#endif
