/* SPDX-License-Identifier: Apache-2.0 */
#include "stranger.h"

#include <stdlib.h>
#include <string.h>

void
put_be32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

uint32_t
get_be32(const uint8_t *from)
{
	return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 |
	    (uint32_t)from[2] << 8 | from[3];
}

static void
put(struct blob *to, const void *bytes, size_t len)
{
	if (len > sizeof(to->b) - to->n)
		abort(); /* the options do not allow anything that long */
	memcpy(to->b + to->n, bytes, len);
	to->n += len;
}

/* Shortest form; or 82, 83, 84 in turn, with leading zeros. */
static void
put_length(struct card *card, struct blob *to, size_t len)
{
	uint8_t be[5] = { 0 };
	size_t bytes;

	put_be32(be + 1, (uint32_t)len);
	if (card->habits.long_lengths)
		bytes = 2 + card->lengths++ % 3;
	else
		bytes = len < 0x80 ? 0 : len < 0x100 ? 1 : 2;
	if (bytes == 0) {
		put(to, be + 4, 1);
		return;
	}
	be[4 - bytes] = (uint8_t)(0x80 | bytes);
	put(to, be + 4 - bytes, 1 + bytes);
}

void
tlv_put(struct card *card, struct blob *to, uint8_t tag, const void *value,
    size_t len)
{
	put(to, &tag, 1);
	put_length(card, to, len);
	put(to, value, len);
}

void
tlv_junk(struct card *card, struct blob *to)
{
	/* The third holds a counter and a serial number that are nobody's. */
	static const struct {
		size_t len;
		uint8_t b[20];
	} junk[] = {
		{ 6, { 0xdf, 0x7a, 0x03, 0x01, 0x02, 0x03 } },
		{ 2, { 0xd9, 0x00 } },
		{ 19,
		    { 0xff, 0x21, 0x10, 0xc6, 0x04, 0xff, 0xff, 0xff, 0xff,
			0xc2, 0x08, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55,
			0x55 } },
		{ 5, { 0x9f, 0x81, 0x01, 0x01, 0x00 } },
		{ 3, { 0xdb, 0x01, 0xc6 } },
	};
	size_t i;

	if (!card->habits.unknown_tags)
		return;
	i = card->junk++ % (sizeof(junk) / sizeof(junk[0]));
	put(to, junk[i].b, junk[i].len);
}

bool
tlv_next(const uint8_t **p, size_t *n, uint8_t *tag, const uint8_t **value,
    size_t *len)
{
	size_t at = 2, bytes, size;

	if (*n < 2 || ((*p)[0] & 0x1f) == 0x1f)
		return false;
	size = (*p)[1];
	if (size >= 0x80) {
		bytes = size & 0x7f;
		if (bytes == 0 || bytes > 4 || *n - at < bytes)
			return false;
		for (size = 0; bytes > 0; bytes--)
			size = size << 8 | (*p)[at++];
	}
	if (*n - at < size)
		return false;
	*tag = (*p)[0];
	*value = *p + at;
	*len = size;
	*p += at + size;
	*n -= at + size;
	return true;
}
