/* SPDX-License-Identifier: Apache-2.0 */
#include "stranger.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>
#include <string.h>

/* Status words and instructions: docs/open-license-card.md. */
enum {
	SW_OK = 0x9000,
	SW_PRODUCT = 0x6984,
	SW_STATE = 0x6985,
	SW_DATA = 0x6a80,
	SW_NO_APP = 0x6a82,
	SW_EMPTY = 0x6a84,
	SW_P1P2 = 0x6a86,
	SW_INS = 0x6d00,
	SW_CLA = 0x6e00,
};

static const uint8_t aid[] = { 0xf0, 'H', 'S', 'M', 'L', 'I', 'C', 0x01 };

static void
add(struct card *c, struct blob *to, uint8_t tag, const void *v, size_t len)
{
	tlv_junk(c, to);
	tlv_put(c, to, tag, v, len);
}

static void
add_u32(struct card *c, struct blob *to, uint8_t tag, uint32_t value)
{
	uint8_t be[4];

	put_be32(be, value);
	add(c, to, tag, be, sizeof(be));
}

static void /* the template around what is in *body */
wrap(struct card *c, struct blob *to, uint8_t tag, struct blob *body)
{
	tlv_junk(c, body);
	tlv_junk(c, to);
	tlv_put(c, to, tag, body->b, body->n);
	tlv_junk(c, to);
}

static uint16_t
select_app(struct card *c, const uint8_t head[4], const uint8_t *data,
    size_t len, struct blob *out)
{
	struct blob fci = { .n = 0 }, own = { .n = 0 };
	const uint8_t version[2] = { 1, 0 };
	uint8_t abilities = 0;

	if (head[2] != 0x04 || head[3] != 0x00)
		return SW_P1P2;
	if (len != sizeof(aid) || memcmp(data, aid, len) != 0)
		return SW_NO_APP;
	c->selected = true;
	abilities |= c->habits.no_extended ? 0 : 0x01;
	abilities |= c->habits.no_replay ? 0 : 0x02;
	add(c, &own, 0xc0, &abilities, 1);
	add(c, &own, 0xc1, version, sizeof(version));
	add(c, &fci, 0x84, aid, sizeof(aid));
	wrap(c, &fci, 0xa5, &own);
	wrap(c, out, 0x6f, &fci);
	return SW_OK;
}

static uint16_t
get_info(struct card *c, struct blob *out)
{
	const struct memory *m = &c->mem;
	const uint8_t life = (uint8_t)m->life;
	struct blob info = { .n = 0 };

	add(c, &info, 0xc2, m->serial, m->serial_len);
	add(c, &info, 0xc3, &life, 1);
	if (m->life == OPERATIONAL) {
		add(c, &info, 0xc4, m->firmware, strlen(m->firmware));
		add(c, &info, 0xc5, m->type, strlen(m->type));
		add_u32(c, &info, 0xc6, m->counter);
		add_u32(c, &info, 0xc7, m->capacity);
	}
	if (m->life == OPERATIONAL && m->product[0] != '\0')
		add(c, &info, 0xc8, m->product, strlen(m->product));
	wrap(c, out, 0xe0, &info);
	return SW_OK;
}

/* The fields of a command's template, each once, of a size in bounds. */
struct field {
	uint8_t tag;
	bool optional;
	size_t min, max;
	const uint8_t *value;
	size_t len;
};

static bool
take_field(struct field *f, size_t n, uint8_t tag, const uint8_t *v, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (f[i].tag != tag)
			continue;
		if (f[i].value != NULL || len < f[i].min || len > f[i].max)
			return false;
		f[i].value = v;
		f[i].len = len;
	}
	return true;
}

static bool
take_fields(
    const uint8_t *data, size_t len, uint8_t outer, struct field *f, size_t n)
{
	const uint8_t *body, *v;
	size_t left, size;
	uint8_t tag;

	if (!tlv_next(&data, &len, &tag, &body, &left) || tag != outer ||
	    len != 0)
		return false;
	while (tlv_next(&body, &left, &tag, &v, &size)) {
		if (!take_field(f, n, tag, v, size))
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (f[i].value == NULL && !f[i].optional)
			return false;
	}
	return left == 0;
}

static bool
is_product_id(const uint8_t *id)
{
	for (int i = 0; i < 8; i++) {
		if (memchr("0123456789ABCDEF", id[i], 16) == NULL)
			return false;
	}
	return true;
}

static uint16_t
personalize(struct card *c, const uint8_t *data, size_t len)
{
	struct field f[] = {
		{ .tag = 0xc4, .min = 1, .max = 64 },
		{ .tag = 0xc5, .min = 3, .max = 8 },
		{ .tag = 0xc7, .min = 4, .max = 4 },
		{ .tag = 0xc8, .min = 8, .max = 8, .optional = true },
		{ .tag = 0xcc, .min = 16, .max = 16 },
		{ .tag = 0xcd, .min = 12, .max = 12 },
	};
	struct memory *m = &c->mem;

	if (m->life != BLANK)
		return SW_STATE;
	if (!take_fields(data, len, 0xe3, f, sizeof(f) / sizeof(f[0])) ||
	    (f[3].value != NULL && !is_product_id(f[3].value)))
		return SW_DATA;
	memset(m->firmware, 0, sizeof(m->firmware));
	memcpy(m->firmware, f[0].value, f[0].len);
	memset(m->type, 0, sizeof(m->type));
	memcpy(m->type, f[1].value, f[1].len);
	m->capacity = m->counter = get_be32(f[2].value);
	memset(m->product, 0, sizeof(m->product));
	if (f[3].value != NULL)
		memcpy(m->product, f[3].value, f[3].len);
	m->life = OPERATIONAL;
	state_save(c);
	return SW_OK;
}

static bool
on_curve(const uint8_t xy[64])
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
	uint8_t octets[65] = { 0x04 };
	bool ok;

	if (point == NULL)
		abort();
	memcpy(octets + 1, xy, 64);
	ok = EC_POINT_oct2point(group, point, octets, sizeof(octets), NULL);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return ok;
}

static void
sha256(const void *data, size_t len, uint8_t digest[HASH_SIZE])
{
	if (EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

/* No two issues give the same bytes, not even for one request ID. */
static void
make_license(struct card *c, const uint8_t *id)
{
	uint8_t seed[16 + ID_SIZE + 8], block[HASH_SIZE];
	struct memory *m = &c->mem;
	size_t at, part;

	m->license_len = c->habits.license_size;
	m->made++;
	memcpy(seed, m->serial, 16);
	memcpy(seed + 16, id, ID_SIZE);
	put_be32(seed + 16 + ID_SIZE, m->made);
	for (at = 0; at < m->license_len; at += part) {
		put_be32(seed + 16 + ID_SIZE + 4, (uint32_t)at);
		sha256(seed, sizeof(seed), block);
		part = m->license_len - at;
		part = part < HASH_SIZE ? part : HASH_SIZE;
		memcpy(m->license + at, block, part);
	}
}

static void
spend(struct card *c, const uint8_t *id, const uint8_t cert[HASH_SIZE])
{
	struct memory *m = &c->mem;
	uint32_t units = 1;

	if (c->habits.stuck == c->issues)
		units = 0;
	else if (c->habits.jump == c->issues)
		units = 2;
	make_license(c, id);
	m->counter -= units < m->counter ? units : m->counter;
	memcpy(m->last_id, id, ID_SIZE);
	memcpy(m->last_cert, cert, HASH_SIZE);
	m->has_last = true;
	state_save(c); /* before a byte of the answer leaves */
}

static void
answer_license(struct card *c, const uint8_t *id, struct blob *out)
{
	static const uint8_t ballast[6000];
	struct blob body = { .n = 0 };
	uint8_t shown[ID_SIZE];

	memcpy(shown, id, ID_SIZE);
	if (c->habits.wrong_id == c->issues)
		shown[ID_SIZE - 1] ^= 0x01;
	if (c->habits.too_long == c->issues)
		tlv_put(c, &body, 0xdb, ballast, sizeof(ballast));
	add(c, &body, 0xcb, c->mem.license, c->mem.license_len);
	add_u32(c, &body, 0xc6, c->mem.counter);
	add(c, &body, 0xca, shown, ID_SIZE);
	wrap(c, out, 0xe2, &body);
}

static uint16_t
issue(struct card *c, const uint8_t head[4], const uint8_t *data, size_t len,
    struct blob *out)
{
	struct field f[] = {
		{ .tag = 0xc9, .min = CERT_SIZE, .max = CERT_SIZE },
		{ .tag = 0xca, .min = ID_SIZE, .max = ID_SIZE },
	};
	struct memory *m = &c->mem;
	uint8_t hash[HASH_SIZE];
	bool replay;

	if (head[2] != 0 || head[3] != 0)
		return SW_P1P2;
	if (m->life != OPERATIONAL)
		return SW_STATE;
	if (!take_fields(data, len, 0xe1, f, 2) || !is_product_id(f[0].value) ||
	    !on_curve(f[0].value + 8))
		return SW_DATA;
	if (m->product[0] != '\0' && memcmp(m->product, f[0].value, 8) != 0)
		return SW_PRODUCT;
	sha256(f[0].value, CERT_SIZE, hash);
	replay = !c->habits.no_replay && m->has_last &&
	    memcmp(m->last_id, f[1].value, ID_SIZE) == 0;
	if (replay && memcmp(m->last_cert, hash, HASH_SIZE) != 0)
		return SW_DATA;
	if (!replay && m->counter == 0)
		return SW_EMPTY;
	c->issues++;
	if (!replay)
		spend(c, f[1].value, hash);
	answer_license(c, f[1].value, out);
	return SW_OK;
}

uint16_t
olc_run(struct card *c, const uint8_t head[4], const uint8_t *data, size_t len,
    struct blob *out)
{
	if (head[0] == 0x00 && head[1] == 0xa4)
		return select_app(c, head, data, len, out);
	if (head[0] == 0x00)
		return SW_INS;
	if (head[0] != 0x80 || !c->selected)
		return SW_CLA;
	switch (head[1]) {
	case 0xca:
		if (head[2] != 0 || head[3] != 0)
			return SW_P1P2;
		return get_info(c, out);
	case 0xda:
		if (head[2] != 0 || head[3] != 0)
			return SW_P1P2;
		return personalize(c, data, len);
	case 0x2a:
		return issue(c, head, data, len, out);
	default:
		return SW_INS;
	}
}
