/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in which the card can be asked without a word in the vector. */
#include <string.h>
#include <strings.h>

#include "flow/argv.h"

/* Without the blanks around it. */
static const char *
trim(const char *p, size_t *n)
{
	while (*n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		(*n)--;
	}
	while (*n > 0 && (p[*n - 1] == ' ' || p[*n - 1] == '\t'))
		(*n)--;
	return p;
}

static bool
is_license(const char *p, size_t n)
{
	static const char end[] = ".bin";
	const size_t len = sizeof(end) - 1;

	p = trim(p, &n);
	return n > len && strncasecmp(p + n - len, end, len) == 0;
}

static bool
row_asks(const char *p, size_t n)
{
	const char *second, *third;

	p = trim(p, &n);
	if (n == 0 || *p == '#')
		return false;
	if (memchr(p, '"', n) != NULL || memchr(p, '\'', n) != NULL ||
	    memchr(p, '\0', n) != NULL || (second = memchr(p, ',', n)) == NULL)
		return true;
	second++;
	n -= (size_t)(second - p);
	third = memchr(second, ',', n);
	return !is_license(
	    second, third != NULL ? (size_t)(third - second) : n);
}

static bool
ends_row(char c)
{
	return c == '\n' || c == '\r';
}

bool
hl_argv_mcsv_asks(const void *text, size_t n)
{
	const char *p = text;
	size_t len;

	for (size_t at = 0; at < n; at += len + 1) {
		for (len = 0; at + len < n && !ends_row(p[at + len]); len++)
			;
		if (row_asks(p + at, len))
			return true;
	}
	return false;
}
