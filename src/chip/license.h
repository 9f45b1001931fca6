/* SPDX-License-Identifier: Apache-2.0 */
/*
 * License of the Open License Card: the layout of the published SSP license
 * (TF-A for STM32MP1, boot_api.h), see docs/open-license-card.md section 7.
 * The software card makes one, a simulated chip opens it. The product itself
 * treats licenses as opaque bytes.
 */
#ifndef HL_CHIP_LICENSE_H
#define HL_CHIP_LICENSE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/gcm.h"
#include "crypto/p256.h"
#include "util/err.h"

#define HL_LICENSE_MAX 4096 /* bytes of any license that is kept */
#define HL_LICENSE_OLC 136
#define HL_NONCE_LEN 12

/* The firmware key that a card holds: AES-128 key and nonce. Wipe after use. */
typedef struct hl_firmware_key {
	uint8_t key[HL_GCM_KEY];
	uint8_t nonce[HL_NONCE_LEN];
} hl_firmware_key;

/* Makes a license for the chip whose public key is given. `type` is the license
 * type ("SSP" has a type word of its own). `seed` NULL: a random ephemeral key;
 * else 32 bytes that decide it (tests). */
HL_CHECK hl_rc hl_license_make(const hl_firmware_key *key,
    const uint8_t chip_pub[HL_P256_POINT], const char *type,
    const uint8_t *seed, uint8_t out[HL_LICENSE_OLC], hl_err *err);

/* What the chip does. HL_EINPUT: not such a license; HL_EINTEGRITY: not made
 * for this chip. */
HL_CHECK hl_rc hl_license_open(const uint8_t *lic, size_t n,
    const uint8_t chip_priv[HL_P256_SCALAR], hl_firmware_key *key, hl_err *err);

#endif
