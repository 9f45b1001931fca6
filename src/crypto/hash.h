/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_CRYPTO_HASH_H
#define HL_CRYPTO_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

#define HL_SHA256_LEN 32

/* FIPS 180-4. HL_ENOMEM when the library fails. */
HL_CHECK hl_rc hl_sha256(
    const void *p, size_t n, uint8_t out[HL_SHA256_LEN], hl_err *err);

/* The same of one byte and what follows it. */
HL_CHECK hl_rc hl_sha256_prefixed(uint8_t first, const void *p, size_t n,
    uint8_t out[HL_SHA256_LEN], hl_err *err);

/*
 * ANSI X9.63 key derivation with SHA-256 (SEC 1 v2.0, 3.6.1): fills `out` with
 * n bytes (1 to 8,160) from the secret z and the shared info.
 */
HL_CHECK hl_rc hl_x963_kdf(const uint8_t *z, size_t z_n, const uint8_t *info,
    size_t info_n, uint8_t *out, size_t n, hl_err *err);

/* Bytes from the system's generator. HL_EIO. */
HL_CHECK hl_rc hl_random(void *out, size_t n, hl_err *err);

/* Constant time. */
bool hl_bytes_equal(const void *a, const void *b, size_t n);

/* RFC 4648 base64 with padding, no line breaks; appended to *out. */
void hl_base64_put(hl_buf *out, const void *p, size_t n);
/* Strict: padding needed, no other characters. False: *out untouched. */
bool hl_base64_decode(const char *s, size_t len, hl_buf *out);

#endif
