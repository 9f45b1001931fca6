/* SPDX-License-Identifier: Apache-2.0 */
/* Text fields: labels, names, notes. */
#ifndef HL_UTIL_TEXT_H
#define HL_UTIL_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define HL_TEXT_MAX 256 /* bytes without the NUL */

/*
 * Bytes of the UTF-8 character that `s` begins with, its code point in *cp; 0
 * when there is none: broken, cut off, not shortest form, or a surrogate.
 */
size_t hl_text_rune(const char *s, size_t n, uint32_t *cp);
/* Valid UTF-8 (no surrogates, shortest form) without C0, C1 and DEL. */
bool hl_text_valid(const char *s, size_t n);
/*
 * Checks a field that a person gave: 1 (or 0 when `empty_ok`) to HL_TEXT_MAX
 * bytes, hl_text_valid(). `name` is the field's name for the message. HL_EINPUT
 * otherwise.
 */
HL_CHECK hl_rc hl_text_check(
    const char *name, const char *s, bool empty_ok, hl_err *err);
bool hl_text_starts(const char *s, const char *prefix);
bool hl_text_ends(const char *s, const char *suffix);
/* Copies at most size - 1 bytes, always ends with NUL; true if all fitted. */
bool hl_text_copy(char *dst, size_t size, const char *src);
/* As snprintf() for words that may be cut short, at the end of a character;
 * true if all fitted. */
bool hl_text_format(
    char *dst, size_t size, const char *fmt, ...) HL_PRINTF(3, 4);
bool hl_text_vformat(
    char *dst, size_t size, const char *fmt, va_list ap) HL_PRINTF(3, 0);
/* How many bytes have to be put in, taken out or changed to make one of the
 * other. Words of more than 31 bytes are as far from all others as can be. */
size_t hl_text_distance(const char *a, const char *b);
/* As it would be typed to a shell: in quotes where that would take it apart.
 * True if all fitted; `size` is 4 at least. */
bool hl_text_word(char *dst, size_t size, const char *src);
/* Makes a text from cards and files fit for a terminal, in place: bytes that
 * are no UTF-8, control characters, and what shows nothing or turns the order
 * of writing, become '?'. */
void hl_text_clean(char *s);
/* Unsigned decimal, nothing else, at most `max`. False: *v untouched. */
bool hl_text_u64(const char *s, uint64_t max, uint64_t *v);
/* Columns that a terminal gives to the UTF-8 text (1 a code point, 0 for
 * combining marks, 2 for wide East Asian ranges). */
size_t hl_text_width(const char *s);

#endif
