/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tag-length-value, ISO/IEC 7816-4 annex E and X.690. Two readers: strict for
 * what this project writes and signs, lenient for what cards answer.
 */
#ifndef HL_UTIL_TLV_H
#define HL_UTIL_TLV_H

#include "util/buf.h"
#include "util/rd.h"

#define HL_TLV_DEPTH_MAX 4

/*
 * One TLV in DER: 1-byte tag, definite length in its shortest form, at most
 * 65,535 bytes of value. False: nothing changed.
 */
bool hl_tlv_der(hl_rd *r, uint8_t *tag, hl_rd *val);

/*
 * One TLV in BER as cards may write it: tag of 1 to 3 bytes (returned as the
 * big-endian number it spells, e.g. 0x5F2D), length in any definite form of up
 * to 4 length bytes. Indefinite lengths (X.690 8.1.3.6) are refused, as ISO
 * 7816-4 does. False: nothing changed.
 */
bool hl_tlv_ber(hl_rd *r, uint32_t *tag, hl_rd *val);

/*
 * Finds the first `tag` among the data objects of `in` (one level, BER). False
 * when it is not there or anything before it is malformed.
 */
bool hl_tlv_find(hl_rd in, uint32_t tag, hl_rd *val);

/*
 * Walks constructed objects down to HL_TLV_DEPTH_MAX levels and says whether
 * the whole is well-formed BER. Deeper nesting is refused.
 */
bool hl_tlv_wellformed(hl_rd in);

/* Appends tag (1 byte), DER length and value. Value at most 65,535 bytes. */
void hl_tlv_put(hl_buf *b, uint8_t tag, const void *val, size_t n);

#endif
