/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both TLV readers over the same bytes. What they accept is written again by
 * rules of this file's own and has to give the bytes that were read.
 */
#include <stdbool.h>
#include <string.h>

#include "fuzz/must.h"
#include "util/tlv.h"

/* Head of a DER object, from X.690 8.1.3 and 10.1. */
static size_t
der_head(uint8_t tag, size_t n, uint8_t head[4])
{
	head[0] = tag;
	if (n <= 127) {
		head[1] = (uint8_t)n;
		return 2;
	}
	if (n <= 255) {
		head[1] = 0x81;
		head[2] = (uint8_t)n;
		return 3;
	}
	head[1] = 0x82;
	head[2] = (uint8_t)(n / 256);
	head[3] = (uint8_t)(n % 256);
	return 4;
}

static void
check_der(const uint8_t *data, size_t size)
{
	hl_rd r = { data, size }, was = r, v, bv;
	uint32_t btag;
	uint8_t tag;

	for (; hl_tlv_der(&r, &tag, &v); was = r) {
		hl_rd b = was;
		hl_buf again = HL_BUF_INIT;
		uint8_t head[4];
		const size_t n = der_head(tag, v.n, head);

		MUST((tag & 0x1f) != 0x1f && v.n <= 65535);
		MUST(v.p == was.p + n && memcmp(was.p, head, n) == 0);
		MUST(v.p + v.n == r.p && r.p + r.n == data + size);
		/* whatever is DER is BER, and means the same */
		MUST(hl_tlv_ber(&b, &btag, &bv) && btag == tag);
		MUST(bv.p == v.p && bv.n == v.n && b.p == r.p);
		hl_tlv_put(&again, tag, v.p, v.n);
		MUST(!again.failed && again.n == n + v.n);
		MUST(memcmp(again.p, was.p, again.n) == 0);
		hl_buf_free(&again);
	}
	MUST(r.p == was.p && r.n == was.n); /* refused: nothing consumed */
}

/* The length as the bytes before the value spell it; -1 when they do not. */
static int64_t
spelled_length(const uint8_t *p, size_t n)
{
	int64_t v = 0;

	if (n == 1)
		return p[0] < 0x80 ? p[0] : -1;
	if (n < 2 || n > 5 || p[0] != 0x80 + (n - 1))
		return -1;
	for (size_t i = 1; i < n; i++)
		v = v * 256 + p[i];
	return v;
}

static size_t
tag_size(uint32_t tag)
{
	return tag > 0xffff ? 3 : tag > 0xff ? 2 : 1;
}

static void
check_ber(const uint8_t *data, size_t size)
{
	hl_rd r = { data, size }, was = r, v, found;
	uint32_t tag;

	for (; hl_tlv_ber(&r, &tag, &v); was = r) {
		const size_t t = tag_size(tag);
		uint32_t spelled = 0;

		MUST(v.p > was.p && v.p + v.n == r.p);
		MUST(r.p + r.n == data + size);
		for (size_t i = 0; i < t; i++)
			spelled = spelled * 256 + was.p[i];
		MUST(spelled == tag);
		MUST((t > 1) == ((was.p[0] & 0x1f) == 0x1f));
		MUST(t == 1 || (was.p[t - 1] & 0x80) == 0);
		MUST(t < 3 || (was.p[1] & 0x80) != 0);
		MUST(spelled_length(was.p + t, (size_t)(v.p - was.p) - t) ==
		    (int64_t)v.n);
		/* the first of its tag is found at or before this place */
		MUST(hl_tlv_find((hl_rd){ data, size }, tag, &found));
		MUST(found.p <= v.p);
	}
	MUST(r.p == was.p && r.n == was.n);
}

/* Levels of nesting, 0 for nothing; -1 when malformed or above 40. */
static int
depth_of(hl_rd in, int above)
{
	int deepest = above;
	uint32_t tag;
	hl_rd v;

	if (above > 40)
		return -1;
	while (in.n > 0) {
		const bool constructed = (in.p[0] & 0x20) != 0;
		int d = above + 1;

		if (!hl_tlv_ber(&in, &tag, &v))
			return -1;
		if (constructed && (d = depth_of(v, above + 1)) < 0)
			return -1;
		if (d > deepest)
			deepest = d;
	}
	return deepest;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int depth = depth_of((hl_rd){ data, size }, 0);

	check_der(data, size);
	check_ber(data, size);
	MUST(hl_tlv_wellformed((hl_rd){ data, size }) ==
	    (depth >= 0 && depth <= HL_TLV_DEPTH_MAX));
	return 0;
}
