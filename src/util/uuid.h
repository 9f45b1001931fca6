/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_UTIL_UUID_H
#define HL_UTIL_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

#define HL_UUID_TEXT 37 /* 36 characters and NUL */

typedef struct hl_uuid {
	uint8_t b[16];
} hl_uuid;

/* RFC 9562 version 4, from the kernel's generator. HL_EIO if it fails. */
HL_CHECK hl_rc hl_uuid_new(hl_uuid *out, hl_err *err);
void hl_uuid_text(const hl_uuid *u, char out[HL_UUID_TEXT]); /* lower case */
bool hl_uuid_parse(const char *s, hl_uuid *out);
bool hl_uuid_equal(const hl_uuid *a, const hl_uuid *b);

#endif
