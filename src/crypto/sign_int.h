/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the crypto layer only: what the kinds of signers share. */
#ifndef HL_CRYPTO_SIGN_INT_H
#define HL_CRYPTO_SIGN_INT_H

#include <openssl/evp.h>

#include "crypto/sign.h"

struct hl_signer {
	hl_public_key key;
	bool on_token;
	/* Appends a signature that nobody has verified yet. */
	hl_rc (*sign)(
	    hl_signer *s, const void *msg, size_t n, hl_buf *sig, hl_err *err);
	void (*close)(hl_signer *s); /* frees the object, too */
};

/* Each fills *out when it succeeds. */
HL_CHECK hl_rc hl_signer_open_file(
    hl_signer **out, const char *path, const hl_pin_source *pin, hl_err *err);
/* Is the key in this file encrypted? False also when that cannot be told. */
bool hl_signer_file_sealed(const char *path);
HL_CHECK hl_rc hl_signer_open_token(hl_signer **out, const char *uri,
    const char *module, const hl_pin_source *pin, hl_err *err);

/*
 * Asks for a secret: not "", and of at most HL_PIN_SIZE - 1 bytes. HL_EUSAGE:
 * no source (NULL). `buf` is all zero on failure; the caller wipes it.
 */
HL_CHECK hl_rc hl_pin_ask(const hl_pin_source *pin, const char *what,
    bool last_try, char buf[HL_PIN_SIZE], hl_err *err);

/* hl_public_verify(): 1 or 0, and -1 when that cannot be told for want of
 * memory.
 */
int hl_public_judge(const hl_public_key *k, const void *msg, size_t n,
    const uint8_t *sig, size_t sig_n);
/* The public half of a key; HL_EINPUT: of another kind. `what` as in hl_fail().
 */
HL_CHECK hl_rc hl_public_of(
    EVP_PKEY *key, const char *what, hl_public_key *out, hl_err *err);

/* Is it a point of edwards25519 that a key may be? -1: no memory. */
int hl_ed25519_point(const uint8_t point[HL_ED25519_LEN]);

#endif
