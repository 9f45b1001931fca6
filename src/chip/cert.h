/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chip certificate. STM32: 136 bytes, product ID (8 ASCII hex digits), P-256
 * public key (X, Y), signature (r, s). Sources: TF-A for STM32MP1,
 * plat/st/stm32mp1/stm32mp1_ssp.c; ST AN5054 figure 36.
 */
#ifndef HL_CHIP_CERT_H
#define HL_CHIP_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "util/err.h"

#define HL_CERT_STM32 136
#define HL_CERT_MAX 4096
#define HL_CERT_KEY_AT 8
#define HL_CERT_SIG_AT 72
#define HL_PRODUCT_ID_TEXT 9 /* 8 digits and NUL */

typedef struct hl_cert {
	uint8_t b[HL_CERT_MAX];
	size_t n;
	uint8_t sha256[HL_SHA256_LEN];	     /* the chip's identity */
	char product_id[HL_PRODUCT_ID_TEXT]; /* "" when not an STM32 one */
} hl_cert;

/*
 * Takes the bytes of a certificate. Unless `any`, they must be an STM32
 * certificate: 136 bytes, product ID of upper-case hex digits, key on the
 * curve. With `any`, 1 to 4,096 bytes of whatever kind; an STM32 one is still
 * recognised as such. The signature is not checked: ST's key is not public.
 * HL_EINPUT says which field is wrong and how.
 */
HL_CHECK hl_rc hl_cert_parse(
    hl_cert *out, const uint8_t *p, size_t n, bool any, hl_err *err);
HL_CHECK hl_rc hl_cert_read(
    hl_cert *out, const char *path, bool any, hl_err *err);

/* 8 upper-case hex digits. */
bool hl_product_id_valid(const char *s, size_t n);

#endif
