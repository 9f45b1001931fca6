/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures: Ed25519 (RFC 8032), and ECDSA on P-256 with SHA-256 (FIPS 186-4).
 * A private key is in a file, or on a token that never gives it out.
 */
#ifndef HL_CRYPTO_SIGN_H
#define HL_CRYPTO_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

#define HL_ED25519_LEN 32
#define HL_P256_PUBLIC 65 /* 04, X, Y */

typedef enum hl_key_type { HL_KEY_ED25519, HL_KEY_P256 } hl_key_type;

typedef struct hl_public_key {
	hl_key_type type;
	uint8_t raw[HL_P256_PUBLIC]; /* Ed25519: 32 bytes as RFC 8032 5.1.2 */
	size_t raw_n;		     /* 32, or 65 */
} hl_public_key;

/* "Ed25519", "P-256". */
const char *hl_key_type_name(hl_key_type type);
bool hl_public_equal(const hl_public_key *a, const hl_public_key *b);

/*
 * Ed25519: 64 bytes. P-256: the DER of ECDSA-Sig-Value (RFC 3279, 2.2.3) over
 * the SHA-256 of the message, and no other spelling of it. False as well when
 * memory ran out.
 */
HL_CHECK bool hl_public_verify(const hl_public_key *k, const void *msg,
    size_t n, const uint8_t *sig, size_t sig_n);

/*
 * HL_EINPUT: no public key. The points of Ed25519 must be of the curve, in
 * shortest form, and not among the eight of small order, under which one
 * signature fits many messages. *out is untouched on failure.
 */
HL_CHECK hl_rc hl_public_from_raw(hl_key_type type, const uint8_t *p, size_t n,
    hl_public_key *out, hl_err *err);
/* Appends the DER of a SubjectPublicKeyInfo (RFC 8410; RFC 5480, uncompressed
 * point): 44 or 91 bytes. */
HL_CHECK hl_rc hl_public_spki(const hl_public_key *k, hl_buf *der, hl_err *err);
/* The same as PEM ("PUBLIC KEY", RFC 7468). */
HL_CHECK hl_rc hl_public_pem(const hl_public_key *k, hl_buf *pem, hl_err *err);
/* One "PUBLIC KEY" of at most 64 KiB; text before it is passed over, behind it
 * may be blanks. HL_EINPUT: none, two, a private one, or of another kind. */
HL_CHECK hl_rc hl_public_read_pem(
    const char *text, size_t n, hl_public_key *out, hl_err *err);

/* ---- private keys ------------------------------------------------------- */

#define HL_PIN_SIZE                                                            \
	256 /* of the buffer for a PIN or passphrase, NUL included */

/*
 * Where PINs and passphrases come from. The crypto layer wipes what it got, and
 * never asks again because one was wrong.
 */
typedef struct hl_pin_source {
	/* Puts it into `buf`, with a NUL. `what` is for a prompt: `PIN of token
	 * "lab"`. `last_try`: one more wrong PIN locks the token. */
	hl_rc (*ask)(void *arg, const char *what, bool last_try, char *buf,
	    size_t size, hl_err *err);
	void *arg;
	bool last_try_ok; /* the last try before the lock may be spent */
} hl_pin_source;

typedef struct hl_signer hl_signer;

/*
 * `key`: the path of a PEM file, or a PKCS #11 URI (crypto/p11_uri.h).
 *
 * A file holds one PKCS #8 key (RFC 5958), encrypted or not, and belongs to its
 * owner alone: with any access for others it is HL_EACCESS.
 *
 * A token is reached through `module`, else what the URI says (module-path,
 * module-name), else OpenSC's opensc-pkcs11.so. A module is a path, or a name
 * without '/' that is looked for in the usual folders. It runs in this process.
 * Key: CKK_EC on P-256, or CKK_EC_EDWARDS on Ed25519. The session stays open,
 * logged in, until hl_signer_close().
 *
 * `pin` may be NULL when none is needed; a pin-source in the URI goes before
 * it. It is copied, and what its `arg` points to has to live as long as the
 * signer: some keys want the PIN for each signature.
 *
 * HL_EUSAGE: a PIN is needed and there is no source, or it is in the URI
 * itself. HL_EACCESS: wrong, locked, or its last try not to be spent; the mode
 * of a file. HL_ENODEV: no module, no such token. HL_ENOTFOUND: no such key or
 * file. HL_ECONFLICT: more than one token or key fits. HL_EINPUT: not such a
 * URI, file or key. HL_ECARD: the token does not do what PKCS #11 says.
 */
HL_CHECK hl_rc hl_signer_open(hl_signer **out, const char *key,
    const char *module, const hl_pin_source *pin, hl_err *err);
/* Will hl_signer_open() want a PIN or passphrase? An encrypted file does, and
 * so does a token, as far as can be told before it is asked, whose URI has no
 * pin-source. */
bool hl_signer_needs_pin(const char *key);
const hl_public_key *hl_signer_public(const hl_signer *s);
bool hl_signer_on_token(const hl_signer *s);
/*
 * Appends the signature, as hl_public_verify() takes it. It has been verified
 * with the public key before it is given out: HL_ECARD (token) or HL_EINTEGRITY
 * (file) when it does not fit. HL_ENODEV: the token is gone.
 */
HL_CHECK hl_rc hl_signer_sign(
    hl_signer *s, const void *msg, size_t n, hl_buf *sig, hl_err *err);
/* Accepts NULL in *s; wipes the key, logs out. */
void hl_signer_close(hl_signer **s);

/*
 * A new key in a new PKCS #8 PEM file, mode 0600; HL_EEXIST when the name is
 * taken. With a passphrase (asked for twice, which must agree) it is encrypted
 * by PBES2: AES-256-CBC, PBKDF2 with HMAC-SHA-256 and 600,000 rounds.
 */
HL_CHECK hl_rc hl_signer_generate(const char *path, hl_key_type type,
    const hl_pin_source *passphrase, hl_err *err);

#endif
