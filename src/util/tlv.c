/* SPDX-License-Identifier: Apache-2.0 */
#include "util/tlv.h"

#define TAG_MORE 0x1f	     /* X.690 8.1.2.4: the number follows */
#define TAG_CONSTRUCTED 0x20 /* X.690 8.1.2.5 */
#define TAG_MAX 3
#define LEN_MAX 4

/* The length field in any definite form; the caller looks at its form. */
static bool
read_length(hl_rd *r, uint32_t *len)
{
	uint32_t v = 0;
	uint8_t first, b;

	if (!hl_rd_u8(r, &first))
		return false;
	if (first < 0x80) {
		*len = first;
		return true;
	}
	if (first == 0x80 || first > 0x80 + LEN_MAX)
		return false; /* indefinite, too long, or reserved (ff) */
	for (int i = 0x80; i < first; i++) {
		if (!hl_rd_u8(r, &b))
			return false;
		v = v << 8 | b;
	}
	*len = v;
	return true;
}

static size_t
der_length_size(uint32_t len)
{
	return len < 0x80 ? 1 : len < 0x100 ? 2 : 3;
}

bool
hl_tlv_der(hl_rd *r, uint8_t *tag, hl_rd *val)
{
	hl_rd c = *r, after;
	uint32_t len;
	uint8_t t;

	if (!hl_rd_u8(&c, &t) || (t & TAG_MORE) == TAG_MORE)
		return false;
	after = c;
	if (!read_length(&after, &len) || len > UINT16_MAX ||
	    c.n - after.n != der_length_size(len))
		return false;
	if (!hl_rd_take(&after, len, val))
		return false;
	*tag = t;
	*r = after;
	return true;
}

static bool
read_tag(hl_rd *r, uint32_t *tag)
{
	uint32_t v;
	uint8_t b;

	if (!hl_rd_u8(r, &b))
		return false;
	v = b;
	if ((b & TAG_MORE) == TAG_MORE) {
		for (int i = 1;; i++) {
			if (i == TAG_MAX || !hl_rd_u8(r, &b))
				return false;
			if (i == 1 && b == 0x80)
				return false; /* X.690 8.1.2.4.2 c) */
			v = v << 8 | b;
			if ((b & 0x80) == 0)
				break;
		}
	}
	*tag = v;
	return true;
}

bool
hl_tlv_ber(hl_rd *r, uint32_t *tag, hl_rd *val)
{
	hl_rd c = *r;
	uint32_t t, len;

	if (!read_tag(&c, &t) || !read_length(&c, &len) ||
	    !hl_rd_take(&c, len, val))
		return false;
	*tag = t;
	*r = c;
	return true;
}

bool
hl_tlv_find(hl_rd in, uint32_t tag, hl_rd *val)
{
	uint32_t t;
	hl_rd v;

	while (hl_tlv_ber(&in, &t, &v)) {
		if (t == tag) {
			*val = v;
			return true;
		}
	}
	return false;
}

static bool
wellformed(hl_rd in, int levels)
{
	uint32_t tag;
	hl_rd v;

	while (in.n > 0) {
		const bool nested = (in.p[0] & TAG_CONSTRUCTED) != 0;

		if (levels == 0 || !hl_tlv_ber(&in, &tag, &v))
			return false;
		if (nested && !wellformed(v, levels - 1))
			return false;
	}
	return true;
}

bool
hl_tlv_wellformed(hl_rd in)
{
	return wellformed(in, HL_TLV_DEPTH_MAX);
}

void
hl_tlv_put(hl_buf *b, uint8_t tag, const void *val, size_t n)
{
	if (n > UINT16_MAX) {
		b->failed = true;
		return;
	}
	hl_buf_u8(b, tag);
	if (n >= 0x100) {
		hl_buf_u8(b, 0x82);
		hl_buf_u16(b, (uint16_t)n);
	} else {
		if (n >= 0x80)
			hl_buf_u8(b, 0x81);
		hl_buf_u8(b, (uint8_t)n);
	}
	hl_buf_put(b, val, n);
}
