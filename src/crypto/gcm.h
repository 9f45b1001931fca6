/* SPDX-License-Identifier: Apache-2.0 */
/* AES-128-GCM (NIST SP 800-38D) with a 12-byte IV and a 16-byte tag. */
#ifndef HL_CRYPTO_GCM_H
#define HL_CRYPTO_GCM_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define HL_GCM_KEY 16
#define HL_GCM_IV 12
#define HL_GCM_TAG 16

/* `out` holds n bytes and may be `in`. */
HL_CHECK hl_rc hl_gcm_encrypt(const uint8_t key[HL_GCM_KEY],
    const uint8_t iv[HL_GCM_IV], const uint8_t *aad, size_t aad_n,
    const uint8_t *in, size_t n, uint8_t *out, uint8_t tag[HL_GCM_TAG],
    hl_err *err);
/* HL_EINTEGRITY when the tag does not verify; `out` is then wiped. */
HL_CHECK hl_rc hl_gcm_decrypt(const uint8_t key[HL_GCM_KEY],
    const uint8_t iv[HL_GCM_IV], const uint8_t *aad, size_t aad_n,
    const uint8_t *in, size_t n, uint8_t *out, const uint8_t tag[HL_GCM_TAG],
    hl_err *err);

#endif
