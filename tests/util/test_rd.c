/* SPDX-License-Identifier: Apache-2.0 */
#include "util/rd.h"

#include "util/rows.h"

enum read_as { U8, U16, U32, TAKE, COPY };

static const struct {
	const char *why, *hex;
	enum read_as as;
	size_t want; /* bytes that TAKE and COPY ask for */
	bool ok;
	uint32_t value; /* of the number, or of the first byte */
	size_t left;
} rows[] = {
	{ "one byte", "7f", U8, 0, true, 0x7f, 0 },
	{ "no byte", "", U8, 0, false, 0, 0 },
	{ "big-endian, the rest is the caller's", "012345", U16, 0, true, 0x123,
	    1 },
	{ "top bit of 16", "ffff", U16, 0, true, 0xffff, 0 },
	{ "one byte short of 16", "ff", U16, 0, false, 0, 1 },
	{ "top bit of 32", "80000001", U32, 0, true, 0x80000001, 0 },
	{ "one byte short of 32", "800000", U32, 0, false, 0, 3 },
	{ "all there is", "0a0b", TAKE, 2, true, 0x0a, 0 },
	{ "nothing from something", "0a0b", TAKE, 0, true, 0x0a, 2 },
	{ "nothing from nothing", "", TAKE, 0, true, 0, 0 },
	{ "one too many", "0a0b", TAKE, 3, false, 0, 2 },
	{ "a size that overflows any sum", "0a0b", TAKE, SIZE_MAX, false, 0,
	    2 },
	{ "copy in part", "0a0b0c", COPY, 2, true, 0x0a, 1 },
	{ "copy of nothing", "", COPY, 0, true, 0, 0 },
	{ "copy one too many", "0a", COPY, 2, false, 0, 1 },
};

#define MARK 0xa5

/* Reads as the row says; *value is what was read, or untouched. */
static bool
read_row(size_t i, hl_rd *r, uint32_t *value)
{
	uint8_t u8 = MARK, dst[4] = { MARK, MARK, MARK, MARK };
	hl_rd out = { NULL, 77 };
	uint16_t u16 = MARK;
	bool ok;

	if (rows[i].as == U8) {
		ok = hl_rd_u8(r, &u8);
		*value = u8;
	} else if (rows[i].as == U16) {
		ok = hl_rd_u16(r, &u16);
		*value = u16;
	} else if (rows[i].as == U32) {
		ok = hl_rd_u32(r, value);
	} else if (rows[i].as == TAKE) {
		ok = hl_rd_take(r, rows[i].want, &out);
		CHECK(out.n == (ok ? rows[i].want : 77), rows[i].why);
		*value = ok && out.n > 0 ? out.p[0] : rows[i].value;
	} else {
		ok = hl_rd_copy(r, dst, rows[i].want);
		CHECK(ok || dst[0] == MARK, rows[i].why);
		*value = ok && rows[i].want > 0 ? dst[0] : rows[i].value;
	}
	return ok;
}

static void
reads_or_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const char *why = rows[i].why;
		uint32_t value = MARK;
		size_t n;
		uint8_t *p = exact_hex(rows[i].hex, &n);
		hl_rd r = { p, n };

		CHECK(read_row(i, &r, &value) == rows[i].ok, why);
		CHECK(r.n == rows[i].left, why);
		CHECK(r.p == p + (n - r.n), why);
		if (rows[i].ok)
			CHECK(value == rows[i].value, why);
		else if (rows[i].as <= U32)
			CHECK(value == MARK, why);
		free(p);
	}
}

static void
empty_reader_has_no_pointer(void **state)
{
	hl_rd r = { NULL, 0 }, out = { NULL, 77 };
	uint8_t v = MARK;

	(void)state;
	assert_true(hl_rd_take(&r, 0, &out));
	assert_int_equal(out.n, 0);
	assert_true(hl_rd_copy(&r, &v, 0));
	assert_false(hl_rd_u8(&r, &v));
	assert_int_equal(v, MARK);
	assert_null(r.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_or_changes_nothing),
		cmocka_unit_test(empty_reader_has_no_pointer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
