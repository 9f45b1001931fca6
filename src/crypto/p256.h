/* SPDX-License-Identifier: Apache-2.0 */
/* NIST P-256 (SEC 2 secp256r1). Points are X then Y, 32 bytes each. */
#ifndef HL_CRYPTO_P256_H
#define HL_CRYPTO_P256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

#define HL_P256_POINT 64
#define HL_P256_SCALAR 32
#define HL_P256_SIG 64 /* r then s */

/* True when the bytes are a point of the curve other than infinity. */
bool hl_p256_on_curve(const uint8_t point[HL_P256_POINT]);
/* The same: HL_EINPUT when it is none, HL_ENOMEM when that cannot be told.
 * `what` as in hl_fail(). */
HL_CHECK hl_rc hl_p256_check(
    const char *what, const uint8_t point[HL_P256_POINT], hl_err *err);

/* A new key pair; or, with `seed` (32 bytes), always the same one for it. */
HL_CHECK hl_rc hl_p256_generate(const uint8_t *seed,
    uint8_t priv[HL_P256_SCALAR], uint8_t pub[HL_P256_POINT], hl_err *err);

/* Z: the X coordinate of priv * peer. HL_EINPUT when peer is no point. */
HL_CHECK hl_rc hl_p256_ecdh(const uint8_t priv[HL_P256_SCALAR],
    const uint8_t peer[HL_P256_POINT], uint8_t z[32], hl_err *err);

/* ECDSA with SHA-256 over the message. */
HL_CHECK hl_rc hl_p256_sign(const uint8_t priv[HL_P256_SCALAR], const void *msg,
    size_t n, uint8_t sig[HL_P256_SIG], hl_err *err);
/*
 * The same, always with the same result for the same key, `seed` (32 bytes, as
 * secret as the key) and message. Not in constant time: for the public keys of
 * simulations.
 */
HL_CHECK hl_rc hl_p256_sign_seeded(const uint8_t priv[HL_P256_SCALAR],
    const uint8_t seed[HL_P256_SCALAR], const void *msg, size_t n,
    uint8_t sig[HL_P256_SIG], hl_err *err);
/* Appends the DER of the two numbers (RFC 3279, 2.2.3): 8 to 72 bytes. */
HL_CHECK hl_rc hl_p256_sig_der(
    const uint8_t sig[HL_P256_SIG], hl_buf *der, hl_err *err);
bool hl_p256_verify(const uint8_t pub[HL_P256_POINT], const void *msg, size_t n,
    const uint8_t sig[HL_P256_SIG]);

#endif
