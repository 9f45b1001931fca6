/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_UTIL_HEX_H
#define HL_UTIL_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2n digits and a NUL: `out` holds at least 2n + 1 bytes. */
void hl_hex_lower(char *out, const void *p, size_t n);
void hl_hex_upper(char *out, const void *p, size_t n);

/*
 * Decodes exactly `len` characters (both cases, nothing but digits, even
 * count) into at most `max` bytes. False: *n untouched.
 */
bool
hl_hex_decode(const char *s, size_t len, uint8_t *out, size_t max, size_t *n);
/* Value of one digit, or -1. Independent of the locale. */
int hl_hex_digit(char c);

#endif
