/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unique identifier of a chip: 8 to 16 bytes, 12 on STM32, in memory byte
 * order. One text form for people and scripts: upper-case hex.
 */
#ifndef HL_CHIP_UID_H
#define HL_CHIP_UID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define HL_UID_MIN 8
#define HL_UID_MAX 16
#define HL_UID_STM32 12
#define HL_UID_TEXT (2 * HL_UID_MAX + 1)

typedef struct hl_uid {
	uint8_t b[HL_UID_MAX];
	size_t n; /* 0: not known */
} hl_uid;

/*
 * Accepts 16 to 32 hex digits (even count) in memory byte order, or two to four
 * 32-bit words of 8 digits each as debuggers print them, separated by blanks,
 * commas, ':' or '_', each with or without 0x: the words are little-endian in
 * memory, so "0x0039002F" is the bytes 2F 00 39 00. A lone word is refused, as
 * are UIDs of nothing but 00 or nothing but FF (a read that failed). HL_EINPUT.
 */
HL_CHECK hl_rc hl_uid_parse(const char *s, hl_uid *out, hl_err *err);
/* From a text file of one line, such as hsmlic-sim makes. HL_ENOTFOUND. */
HL_CHECK hl_rc hl_uid_read(hl_uid *out, const char *path, hl_err *err);
void hl_uid_text(const hl_uid *u, char out[HL_UID_TEXT]);
bool hl_uid_equal(const hl_uid *a, const hl_uid *b);

#endif
