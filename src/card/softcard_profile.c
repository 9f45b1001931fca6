/* SPDX-License-Identifier: Apache-2.0 */
/* Templates that a card is given, and the profile that PERSONALIZE carries. */
#include <string.h>

#include "card/softcard_int.h"
#include "chip/cert.h"
#include "util/text.h"
#include "util/tlv.h"

static bool
field_take(hl_softcard_field *f, size_t n, uint32_t tag, hl_rd val)
{
	for (size_t i = 0; i < n; i++) {
		if (f[i].tag != tag)
			continue;
		if (f[i].seen || val.n < f[i].min || val.n > f[i].max)
			return false;
		f[i].seen = true;
		f[i].val = val;
	}
	return true;
}

bool
hl_softcard_fields(hl_rd in, uint32_t outer, hl_softcard_field *f, size_t n)
{
	uint32_t tag;
	hl_rd body, val;

	if (!hl_tlv_ber(&in, &tag, &body) || tag != outer || in.n != 0)
		return false;
	while (body.n != 0) {
		if (!hl_tlv_ber(&body, &tag, &val) ||
		    !field_take(f, n, tag, val))
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (!f[i].seen && !f[i].optional)
			return false;
	}
	return true;
}

static bool
type_ok(const char *s)
{
	const size_t n = strlen(s);

	if (n < 3 || n > HL_TYPE_TEXT - 1)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	}
	return true;
}

bool
hl_softcard_profile_ok(const hl_softcard_profile *p)
{
	const size_t n = strlen(p->firmware_id);

	return n >= 1 && n < HL_FIRMWARE_ID_TEXT &&
	    hl_text_valid(p->firmware_id, n) && type_ok(p->type) &&
	    (p->product_id[0] == '\0' ||
		hl_product_id_valid(p->product_id, strlen(p->product_id)));
}

/* A byte 0 inside would cut the text off unseen. */
static bool
text_copy(char *dst, hl_rd src)
{
	if (src.n != 0 && memchr(src.p, '\0', src.n) != NULL)
		return false;
	if (src.n != 0)
		memcpy(dst, src.p, src.n);
	dst[src.n] = '\0';
	return true;
}

/* Lower-case digits are hex digits too; certificates have upper-case ones. */
static void
upper_hex(char *s)
{
	for (; *s != '\0'; s++) {
		if (*s >= 'a' && *s <= 'f')
			*s = (char)(*s - 'a' + 'A');
	}
}

bool
hl_softcard_profile_parse(hl_rd in, hl_softcard_profile *out)
{
	hl_softcard_field f[] = {
		{ .tag = HL_OLC_FIRMWARE, .min = 1, .max = 64 },
		{ .tag = HL_OLC_TYPE, .min = 3, .max = 8 },
		{ .tag = HL_OLC_CAPACITY, .min = 4, .max = 4 },
		{ .tag = HL_OLC_PRODUCT, .min = 8, .max = 8, .optional = true },
		{ .tag = HL_OLC_KEY, .min = HL_GCM_KEY, .max = HL_GCM_KEY },
		{ .tag = HL_OLC_NONCE,
		    .min = HL_NONCE_LEN,
		    .max = HL_NONCE_LEN },
	};

	memset(out, 0, sizeof(*out));
	if (!hl_softcard_fields(in, HL_OLC_PROFILE, f, HL_COUNT(f)) ||
	    !text_copy(out->firmware_id, f[0].val) ||
	    !text_copy(out->type, f[1].val) ||
	    !hl_rd_u32(&f[2].val, &out->capacity) ||
	    (f[3].seen && !text_copy(out->product_id, f[3].val)))
		return false;
	upper_hex(out->product_id);
	memcpy(out->key.key, f[4].val.p, HL_GCM_KEY);
	memcpy(out->key.nonce, f[5].val.p, HL_NONCE_LEN);
	return hl_softcard_profile_ok(out);
}

void
hl_softcard_profile_tlv(const hl_softcard_profile *p, hl_buf *out)
{
	hl_buf b = HL_BUF_INIT;
	const uint8_t capacity[4] = { (uint8_t)(p->capacity >> 24),
		(uint8_t)(p->capacity >> 16), (uint8_t)(p->capacity >> 8),
		(uint8_t)p->capacity };

	hl_tlv_put(&b, HL_OLC_FIRMWARE, p->firmware_id, strlen(p->firmware_id));
	hl_tlv_put(&b, HL_OLC_TYPE, p->type, strlen(p->type));
	hl_tlv_put(&b, HL_OLC_CAPACITY, capacity, sizeof(capacity));
	if (p->product_id[0] != '\0')
		hl_tlv_put(
		    &b, HL_OLC_PRODUCT, p->product_id, strlen(p->product_id));
	hl_tlv_put(&b, HL_OLC_KEY, p->key.key, sizeof(p->key.key));
	hl_tlv_put(&b, HL_OLC_NONCE, p->key.nonce, sizeof(p->key.nonce));
	if (b.failed)
		out->failed = true;
	else
		hl_tlv_put(out, HL_OLC_PROFILE, b.p, b.n);
	hl_buf_free(&b);
}
