/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the software card share: its memory and how it is kept. */
#ifndef HL_CARD_SOFTCARD_INT_H
#define HL_CARD_SOFTCARD_INT_H

#include "card/softcard.h"
#include "crypto/hash.h"
#include "util/lock.h"
#include "util/rd.h"

#define HL_SOFTCARD_SERIAL_MIN 8
#define HL_SOFTCARD_SERIAL_MAX 16

/* Data objects of docs/open-license-card.md. */
enum {
	HL_OLC_INFO = 0xE0,
	HL_OLC_REQUEST = 0xE1,
	HL_OLC_ANSWER = 0xE2,
	HL_OLC_PROFILE = 0xE3,
	HL_OLC_CAPABILITIES = 0xC0,
	HL_OLC_VERSION = 0xC1,
	HL_OLC_SERIAL = 0xC2,
	HL_OLC_STATE = 0xC3,
	HL_OLC_FIRMWARE = 0xC4,
	HL_OLC_TYPE = 0xC5,
	HL_OLC_COUNTER = 0xC6,
	HL_OLC_CAPACITY = 0xC7,
	HL_OLC_PRODUCT = 0xC8,
	HL_OLC_CERTIFICATE = 0xC9,
	HL_OLC_REQUEST_ID = 0xCA,
	HL_OLC_LICENSE = 0xCB,
	HL_OLC_KEY = 0xCC,
	HL_OLC_NONCE = 0xCD,
	HL_OLC_CERT_HASH = 0xCE /* in the file only */
};

/* Everything that survives power-off. Holds a key: wipe after use. */
typedef struct hl_softcard_mem {
	uint8_t serial[HL_SOFTCARD_SERIAL_MAX];
	size_t serial_n;
	hl_card_state state;
	hl_softcard_profile profile; /* firmware_id "": never personalised */
	uint32_t counter;
	bool has_last; /* the three below are those of the last license */
	uint8_t last_id[16];
	uint8_t last_cert[HL_SHA256_LEN];
	uint8_t last_license[HL_LICENSE_OLC];
} hl_softcard_mem;

struct hl_softcard {
	char
	    *path; /* owned; without symbolic links, so one card has one lock */
	hl_lock *lock;
	hl_softcard_mem mem; /* always what the file holds */
	bool dead; /* the file cannot be trusted any more: every answer 6F00 */
	bool selected;
	bool chaining;
	uint8_t chain_head[4]; /* CLA without the chaining bit, INS, P1, P2 */
	hl_buf chain;	       /* command data so far */
	hl_buf pending;	       /* answer data that GET RESPONSE may fetch */
	size_t pending_at;
	hl_softcard_fault fault;
};

/* Fields of a template: filled in by hl_softcard_fields(). */
typedef struct hl_softcard_field {
	uint32_t tag;
	size_t min, max; /* bytes of value */
	bool optional;
	bool seen;
	hl_rd val;
} hl_softcard_field;

/*
 * Takes the template `outer`, which has to be the whole of `in`, apart into the
 * fields asked for. False: not so, or a field is missing, repeated or
 * ill-sized. Objects with other tags are ignored.
 */
bool
hl_softcard_fields(hl_rd in, uint32_t outer, hl_softcard_field *f, size_t n);

/* Type, firmware identifier and product ID as the protocol allows them. */
bool hl_softcard_profile_ok(const hl_softcard_profile *p);
/* Takes PERSONALIZE's data apart. False: 6A80. */
bool hl_softcard_profile_parse(hl_rd in, hl_softcard_profile *out);

/* The file: HL_ENODEV, HL_EINPUT, HL_EINTEGRITY; HL_EFULL, HL_EIO. */
HL_CHECK hl_rc hl_softcard_load(
    const char *path, hl_softcard_mem *out, hl_err *err);
HL_CHECK hl_rc hl_softcard_store(
    const char *path, const hl_softcard_mem *mem, hl_err *err);

#endif
