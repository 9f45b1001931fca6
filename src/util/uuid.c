/* SPDX-License-Identifier: Apache-2.0 */
#include "util/uuid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "util/hex.h"

/* Bytes in each of the five groups of the text form. */
static const size_t groups[] = { 4, 2, 2, 2, 6 };

hl_rc
hl_uuid_new(hl_uuid *out, hl_err *err)
{
	hl_uuid u;
	ssize_t n;

	do {
		n = getrandom(u.b, sizeof(u.b), 0);
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(u.b)) {
		return hl_fail(err, HL_EIO, "make an identifier", "",
		    "the system gives no random bytes (%s)",
		    n < 0 ? strerror(errno) : "too few");
	}
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x40); /* RFC 9562 5.4 */
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
	*out = u;
	return HL_OK;
}

void
hl_uuid_text(const hl_uuid *u, char out[HL_UUID_TEXT])
{
	const uint8_t *p = u->b;

	for (size_t g = 0; g < HL_COUNT(groups); g++) {
		if (g > 0)
			*out++ = '-';
		hl_hex_lower(out, p, groups[g]);
		out += 2 * groups[g];
		p += groups[g];
	}
}

bool
hl_uuid_parse(const char *s, hl_uuid *out)
{
	hl_uuid u;
	uint8_t *p = u.b;
	size_t n;

	if (strnlen(s, HL_UUID_TEXT) != HL_UUID_TEXT - 1)
		return false;
	for (size_t g = 0; g < HL_COUNT(groups); g++) {
		if (g > 0 && *s++ != '-')
			return false;
		if (!hl_hex_decode(s, 2 * groups[g], p, groups[g], &n))
			return false;
		s += 2 * n;
		p += n;
	}
	*out = u;
	return true;
}

bool
hl_uuid_equal(const hl_uuid *a, const hl_uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}
