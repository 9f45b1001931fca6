/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_UTIL_CLOCK_H
#define HL_UTIL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define HL_TIME_TEXT 25 /* "2026-11-23T06:00:00.000Z" and NUL */

/* 9999-12-31T23:59:59.999Z, the last time that RFC 3339 can write */
#define HL_TIME_LAST INT64_C(253402300799999)

int64_t hl_now_ms(void);  /* milliseconds since 1970, UTC: for records */
int64_t hl_mono_ms(void); /* monotonic: for waits */
/* RFC 3339, UTC, milliseconds, Z. */
void hl_time_text(int64_t ms, char out[HL_TIME_TEXT]);
bool hl_time_parse(const char *s, int64_t *ms);

/* A point on the monotonic clock until which something may take. */
typedef int64_t hl_deadline;
hl_deadline hl_deadline_in(uint32_t ms);
/* Milliseconds left, 0 when it has passed, at most INT_MAX. */
int hl_deadline_left(hl_deadline d);
void hl_sleep_ms(uint32_t ms);

#endif
