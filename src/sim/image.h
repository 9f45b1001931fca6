/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of the stand-in programmer. Bytes: magic "HLIMG1", two zero bytes,
 * length of the plaintext (4, big-endian), its SHA-256 (32), AES-GCM tag (16),
 * ciphertext. AES-128-GCM under the firmware key and nonce of a card; the first
 * 44 bytes are the additional authenticated data.
 */
#ifndef HL_SIM_IMAGE_H
#define HL_SIM_IMAGE_H

#include "chip/license.h"
#include "crypto/hash.h"
#include "util/rd.h"

struct image {
	hl_rd head;   /* authenticated */
	hl_rd sealed; /* ciphertext */
	uint8_t sha256[HL_SHA256_LEN];
	uint8_t tag[HL_GCM_TAG];
};

/* Takes the bytes of an image apart, which stay where they are. HL_EINPUT. */
hl_rc image_parse(
    struct image *out, const char *path, const hl_buf *file, hl_err *err);
/* HL_EPROGRAMMER: under another key. HL_EINTEGRITY. Appends to *out. */
hl_rc image_open(const struct image *img, const hl_firmware_key *key,
    hl_buf *out, hl_err *err);

#endif
