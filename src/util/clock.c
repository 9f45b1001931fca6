/* SPDX-License-Identifier: Apache-2.0 */
#include "util/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* 0000-01-01T00:00:00.000Z */
#define TEXT_FIRST INT64_C(-62167219200000)

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts = { 0, 0 };

	clock_gettime(id, &ts); /* cannot fail for these two clocks */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
hl_now_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
hl_mono_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void
hl_time_text(int64_t ms, char out[HL_TIME_TEXT])
{
	struct tm tm = { 0 };
	char text[80]; /* as much as any six int could take */
	int64_t frac;
	time_t s;

	if (ms < TEXT_FIRST)
		ms = TEXT_FIRST;
	if (ms > HL_TIME_LAST)
		ms = HL_TIME_LAST;
	frac = ms % 1000;
	if (frac < 0)
		frac += 1000;
	s = (time_t)((ms - frac) / 1000);
	gmtime_r(&s, &tm);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, (int)frac);
	memcpy(out, text, HL_TIME_TEXT - 1);
	out[HL_TIME_TEXT - 1] = '\0';
}

static int
digits(const char *s, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return 0; /* the comparison afterwards refuses it */
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

bool
hl_time_parse(const char *s, int64_t *ms)
{
	char again[HL_TIME_TEXT];
	struct tm tm = { 0 };
	int64_t t;

	if (strnlen(s, HL_TIME_TEXT) != HL_TIME_TEXT - 1)
		return false;
	tm.tm_year = digits(s, 4) - 1900;
	tm.tm_mon = digits(s + 5, 2) - 1;
	tm.tm_mday = digits(s + 8, 2);
	tm.tm_hour = digits(s + 11, 2);
	tm.tm_min = digits(s + 14, 2);
	tm.tm_sec = digits(s + 17, 2);
	t = (int64_t)timegm(&tm) * 1000 + digits(s + 20, 3);
	/* timegm() makes 1 March of 29 February: only what reads back counts */
	hl_time_text(t, again);
	if (strcmp(again, s) != 0)
		return false;
	*ms = t;
	return true;
}

hl_deadline
hl_deadline_in(uint32_t ms)
{
	return hl_mono_ms() + ms;
}

int
hl_deadline_left(hl_deadline d)
{
	const int64_t now = hl_mono_ms();

	if (d <= now)
		return 0;
	/* now is never negative, so this cannot overflow */
	return d - now > INT_MAX ? INT_MAX : (int)(d - now);
}

void
hl_sleep_ms(uint32_t ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		;
}
