/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HSMLIC_TEST_STRANGER_H
#define HSMLIC_TEST_STRANGER_H

/*
 * An Open License Card by somebody else: written from the protocol's text
 * alone, sharing no code with the product, so that the host is tested against
 * the text and not against its own software card.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LICENSE_MAX = 2048,
	CERT_SIZE = 136,
	ID_SIZE = 16,
	HASH_SIZE = 32,
	BLOB_MAX = 16384,
};

enum life { BLANK = 1, OPERATIONAL = 2, TERMINATED = 3 };

/* How the card behaves; the last five: at which ISSUE, from 1; 0 never. */
struct habits {
	bool t0, t1_only, no_replay, no_extended;
	bool always_61, always_6c, long_lengths, unknown_tags;
	size_t license_size;
	unsigned wrong_id, no_sw, too_long, stuck, jump;
};

/* What survives a power cut. */
struct memory {
	uint8_t serial[16];
	size_t serial_len;
	enum life life;
	char firmware[65], type[9], product[9]; /* product "": any */
	uint32_t counter, capacity, made;	/* made: licenses ever made */
	bool has_last;
	uint8_t last_id[ID_SIZE], last_cert[HASH_SIZE];
	uint8_t license[LICENSE_MAX];
	size_t license_len;
};

struct blob {
	size_t n;
	uint8_t b[BLOB_MAX];
};

struct card {
	struct habits habits;
	struct memory mem;
	const char *state_file; /* NULL: memory only */
	char history[16];	/* historical bytes of the ATR, 1 to 15 */
	bool selected, rerun;	/* rerun: the last answer was 6Cxx */
	unsigned issues;	/* ISSUE commands that were served */
	struct blob chained;	/* command data of an unfinished chain */
	uint8_t chain_head[4];	/* its CLA (without the bit), INS, P1, P2 */
	struct blob pending;	/* answer waiting for GET RESPONSE */
	size_t pending_at;
	unsigned lengths, junk; /* rotate the spellings */
};

/* --- stranger_tlv.c --- */

/* One TLV of a one-byte tag, in the card's manner of writing lengths. */
void tlv_put(struct card *card, struct blob *to, uint8_t tag, const void *value,
    size_t len);

/* With unknown_tags: something that a host has to step over. */
void tlv_junk(struct card *card, struct blob *to);

/* The next TLV of *p, *n (which advance); false: end or malformed. */
bool tlv_next(const uint8_t **p, size_t *n, uint8_t *tag, const uint8_t **value,
    size_t *len);

void put_be32(uint8_t *to, uint32_t value);
uint32_t get_be32(const uint8_t *from);

/* --- stranger_state.c --- */

/* Reads the state file. false: there is none, and *mem is untouched. */
bool state_load(const char *path, struct memory *mem);

/* Durable before it returns. Ends the program when that cannot be. */
void state_save(const struct card *card);

/* --- stranger_olc.c --- */

/* The application: data of the answer into *out, returns the status word. */
uint16_t olc_run(struct card *card, const uint8_t head[4], const uint8_t *data,
    size_t len, struct blob *out);

/* --- stranger_apdu.c --- */

/* One command APDU, one response APDU (without SW when misbehaving). */
void
apdu_serve(struct card *card, const uint8_t *in, size_t len, struct blob *out);

void apdu_reset(struct card *card);

/* --- stranger_wire.c --- */

/* Connects, waiting some seconds for the reader to be there; -1: it is not. */
int wire_tcp(const char *host_port);
int wire_unix(const char *path);

/* One message; false: the reader is gone. */
bool wire_read(int fd, struct blob *to);
bool wire_write(int fd, const struct blob *from);

#endif
