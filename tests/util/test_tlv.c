/* SPDX-License-Identifier: Apache-2.0 */
#include "util/tlv.h"

#include "util/rows.h"

#define NONE 77

/* `big` bytes 5a follow the hex, so that long values need no long rows. */
static const struct {
	const char *why, *hex;
	size_t big;
	bool der, ber;
	uint32_t tag;
	size_t len, left;
} rows[] = {
	{ "nothing", "", 0, false, false, 0, 0, 0 },
	{ "tag alone", "80", 0, false, false, 0, 0, 0 },
	{ "empty value", "8000", 0, true, true, 0x80, 0, 0 },
	{ "the rest is the caller's", "8001aabb", 0, true, true, 0x80, 1, 1 },
	{ "value one byte short", "8002aa", 0, false, false, 0, 0, 0 },
	{ "longest short form", "807f", 127, true, true, 0x80, 127, 0 },
	{ "shortest 81", "808180", 128, true, true, 0x80, 128, 0 },
	{ "81 where the short form does", "80817f", 127, false, true, 0x80, 127,
	    0 },
	{ "81 for nothing", "808100", 0, false, true, 0x80, 0, 0 },
	{ "81 without its byte", "8081", 0, false, false, 0, 0, 0 },
	{ "longest 81", "8081ff", 255, true, true, 0x80, 255, 0 },
	{ "shortest 82", "80820100", 256, true, true, 0x80, 256, 0 },
	{ "82 where 81 does", "808200ff", 255, false, true, 0x80, 255, 0 },
	{ "82 with half its bytes", "808201", 0, false, false, 0, 0, 0 },
	{ "longest 82", "8082ffff", 65535, true, true, 0x80, 65535, 0 },
	{ "82, value one byte short", "8082ffff", 65534, false, false, 0, 0,
	    0 },
	{ "83 above what DER takes", "8083010000", 65536, false, true, 0x80,
	    65536, 0 },
	{ "83 with leading zeros", "8083000001", 1, false, true, 0x80, 1, 0 },
	{ "84 with leading zeros", "808400000001aa", 0, false, true, 0x80, 1,
	    0 },
	{ "84, as long as it can say", "8084ffffffffaa", 0, false, false, 0, 0,
	    0 },
	{ "85: five length bytes", "80850000000001aa", 0, false, false, 0, 0,
	    0 },
	{ "88 that would overflow", "8088ffffffffffffffffaa", 0, false, false,
	    0, 0, 0 },
	{ "ff is reserved", "80ff", 127, false, false, 0, 0, 0 },
	{ "indefinite length", "a0808001aa0000", 0, false, false, 0, 0, 0 },
	{ "two-byte tag", "5f2d01aa", 0, false, true, 0x5f2d, 1, 0 },
	{ "two-byte tag, long form", "5f2d820001aa", 0, false, true, 0x5f2d, 1,
	    0 },
	{ "three-byte tag", "7f810201aa", 0, false, true, 0x7f8102, 1, 0 },
	{ "four-byte tag", "7f81810101aa", 0, false, false, 0, 0, 0 },
	{ "tag cut off", "5f", 0, false, false, 0, 0, 0 },
	{ "three-byte tag cut off", "5f81", 0, false, false, 0, 0, 0 },
	{ "tag number with leading zeros", "5f802d00", 0, false, false, 0, 0,
	    0 },
	{ "highest one-byte tag", "fe00", 0, true, true, 0xfe, 0, 0 },
};

static uint8_t *
row_bytes(size_t i, size_t *n)
{
	uint8_t *head = exact_hex(rows[i].hex, n), *all;

	all = malloc(*n + rows[i].big);
	assert_non_null(all);
	memcpy(all, head, *n);
	memset(all + *n, 0x5a, rows[i].big);
	*n += rows[i].big;
	free(head);
	return all;
}

static void
check_row(size_t i, bool strict)
{
	const bool want = strict ? rows[i].der : rows[i].ber;
	const char *why = rows[i].why;
	hl_rd val = { NULL, NONE };
	uint32_t tag = NONE;
	uint8_t small = NONE;
	size_t n;
	uint8_t *p = row_bytes(i, &n);
	hl_rd r = { p, n };
	bool ok;

	ok = strict ? hl_tlv_der(&r, &small, &val) : hl_tlv_ber(&r, &tag, &val);
	CHECK(ok == want, why);
	if (ok) {
		CHECK((strict ? small : tag) == rows[i].tag, why);
		CHECK(val.n == rows[i].len && r.n == rows[i].left, why);
		CHECK(val.p + val.n == r.p && r.p + r.n == p + n, why);
	} else {
		CHECK(r.p == p && r.n == n, why);
		CHECK(val.p == NULL && val.n == NONE, why);
		CHECK(tag == NONE && small == NONE, why);
	}
	free(p);
}

static void
strict_takes_der_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		check_row(i, true);
}

static void
lenient_takes_any_definite_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		check_row(i, false);
}

static const struct {
	const char *why, *hex;
	uint32_t tag;
	bool ok;
	size_t len;
} finds[] = {
	{ "first of one", "8001aa", 0x80, true, 1 },
	{ "behind unknown ones", "9f7f0102d300810200018002bbcc", 0x80, true,
	    2 },
	{ "the first of two", "80018180021122", 0x80, true, 1 },
	{ "one level only", "a1038001aa", 0x80, false, 0 },
	{ "garbage after it is not its business", "8001aa81", 0x80, true, 1 },
	{ "garbage before it is", "8105aa8001aa", 0x80, false, 0 },
	{ "a two-byte tag is no one-byte tag", "5f2d01aa", 0x2d, false, 0 },
	{ "two-byte tag", "80005f2d01aa", 0x5f2d, true, 1 },
	{ "not there", "8001aa", 0x81, false, 0 },
	{ "nothing at all", "", 0x80, false, 0 },
};

static void
find_looks_at_one_level(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(finds); i++) {
		hl_rd v = { NULL, NONE };
		size_t n;
		uint8_t *p = exact_hex(finds[i].hex, &n);

		CHECK(hl_tlv_find((hl_rd){ p, n }, finds[i].tag, &v) ==
			finds[i].ok,
		    finds[i].why);
		CHECK(v.n == (finds[i].ok ? finds[i].len : NONE), finds[i].why);
		free(p);
	}
}

static const struct {
	const char *why, *hex;
	bool ok;
} walks[] = {
	{ "nothing is well-formed", "", true },
	{ "two beside each other", "8001aa810100", true },
	{ "garbage behind", "8001aa81", false },
	{ "primitive content is not looked into", "8001ff", true },
	{ "constructed content is", "a001ff", false },
	{ "inner value sticks out of the outer", "a003800200", false },
	{ "level 4, the last", "a006a104a202a300", true },
	{ "level 4 is a value", "a006a104a2028000", true },
	{ "level 5", "a008a106a104a202a400", false },
	{ "level 5 is a value", "a008a106a104a3028000", false },
	{ "level 6", "a00aa108a106a104a302a500", false },
	{ "deep in the second", "8000a00aa108a106a104a302a500", false },
	{ "constructed with a long tag", "7f4903860100", true },
	{ "indefinite length inside", "a0048080aa00", false },
};

static void
nesting_is_bounded(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(walks); i++) {
		size_t n;
		uint8_t *p = exact_hex(walks[i].hex, &n);

		CHECK(hl_tlv_wellformed((hl_rd){ p, n }) == walks[i].ok,
		    walks[i].why);
		free(p);
	}
}

static void
nesting_bomb_ends_quickly(void **state)
{
	uint8_t *p = malloc(60000);
	size_t n = 60000;

	(void)state;
	assert_non_null(p);
	/* each object holds all that follows it: 15,000 levels */
	for (size_t i = 0; i + 4 <= n; i += 4) {
		p[i] = 0xa0;
		p[i + 1] = 0x82;
		p[i + 2] = (uint8_t)((n - i - 4) >> 8);
		p[i + 3] = (uint8_t)(n - i - 4);
	}
	assert_false(hl_tlv_wellformed((hl_rd){ p, n }));
	free(p);
}

static void
what_is_put_reads_back_strictly(void **state)
{
	static const size_t sizes[] = { 0, 1, 127, 128, 255, 256, 65535 };
	uint8_t *val = calloc(1, 65536);

	(void)state;
	assert_non_null(val);
	for (size_t i = 0; i < HL_COUNT(sizes); i++) {
		hl_buf b = HL_BUF_INIT;
		uint8_t tag = 0;
		hl_rd r, v;

		hl_tlv_put(&b, 0xc1, val, sizes[i]);
		assert_false(b.failed);
		r = (hl_rd){ b.p, b.n };
		assert_true(hl_tlv_der(&r, &tag, &v));
		assert_int_equal(tag, 0xc1);
		assert_int_equal(v.n, sizes[i]);
		assert_int_equal(r.n, 0);
		hl_buf_free(&b);
	}
	free(val);
}

static void
too_long_a_value_is_not_put(void **state)
{
	uint8_t *val = calloc(1, 65536);
	hl_buf b = HL_BUF_INIT;

	(void)state;
	assert_non_null(val);
	hl_tlv_put(&b, 0x80, val, 65536);
	assert_true(b.failed);
	assert_int_equal(b.n, 0);
	hl_buf_free(&b);
	free(val);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_takes_der_only),
		cmocka_unit_test(lenient_takes_any_definite_form),
		cmocka_unit_test(find_looks_at_one_level),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(nesting_bomb_ends_quickly),
		cmocka_unit_test(what_is_put_reads_back_strictly),
		cmocka_unit_test(too_long_a_value_is_not_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
