/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p256.h"

#include "crypto/hexvec.h"

/* RFC 6979, A.2.5: key pair and SHA-256 signatures */
#define RFC6979_X                                                              \
	"c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define RFC6979_U                                                              \
	"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"     \
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define RFC6979_SAMPLE                                                         \
	"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"     \
	"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
#define RFC6979_TEST                                                           \
	"f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"     \
	"019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"

/* RFC 5903, 8.1: 256-bit random ECP group */
#define RFC5903_I                                                              \
	"c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"
#define RFC5903_GI                                                             \
	"dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"     \
	"5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"
#define RFC5903_R                                                              \
	"c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"
#define RFC5903_GR                                                             \
	"d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"     \
	"56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"
#define RFC5903_Z                                                              \
	"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"

/* SEC 2 v2.0, 2.4.2 */
#define BASE_X                                                                 \
	"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
#define BASE_Y                                                                 \
	"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define BASE BASE_X BASE_Y
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define ORDER_LESS_1                                                           \
	"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"
#define ONE "0000000000000000000000000000000000000000000000000000000000000001"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define FULL "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void
points_on_and_off_the_curve(void **state)
{
	static const struct {
		const char *why, *point;
		bool on;
	} rows[] = {
		{ "RFC 6979 public key", RFC6979_U, true },
		{ "RFC 5903 initiator", RFC5903_GI, true },
		{ "RFC 5903 responder", RFC5903_GR, true },
		{ "the base point", BASE, true },
		{ "the base point, negated",
		    BASE_X "b01cbd1c01e58065711814b583f061e9"
			   "d431cca994cea1313449bf97c840ae0a",
		    true },
		{ "X is zero, and on the curve",
		    ZERO "66485c780e2f83d72433bd5d84a06bb6"
			 "541c2af31dae871728bf856a174f93f4",
		    true },
		{ "X is 5, and on the curve",
		    "00000000000000000000000000000000"
		    "00000000000000000000000000000005"
		    "459243b9aa581806fe913bce99817ade"
		    "11ca503c64d9a3c533415c083248fbcc",
		    true },
		{ "X is 5 + p: not reduced",
		    "ffffffff000000010000000000000000"
		    "00000001000000000000000000000004"
		    "459243b9aa581806fe913bce99817ade"
		    "11ca503c64d9a3c533415c083248fbcc",
		    false },
		{ "Y is 5, and on the curve",
		    "d7325d7646cd60d80a92738ceb345f84"
		    "4cffaf35841022cab176f692de8de1d7"
		    "00000000000000000000000000000000"
		    "00000000000000000000000000000005",
		    true },
		{ "Y is 5 + p: not reduced",
		    "d7325d7646cd60d80a92738ceb345f84"
		    "4cffaf35841022cab176f692de8de1d7"
		    "ffffffff000000010000000000000000"
		    "00000001000000000000000000000004",
		    false },
		{ "all zero", ZERO ZERO, false },
		{ "all ones", FULL FULL, false },
		{ "Y and X swapped", BASE_Y BASE_X, false },
		{ "Y is zero", BASE_X ZERO, false },
		{ "X twice", BASE_X BASE_X, false },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		vec p = vec_of(rows[i].point);

		assert_int_equal(p.n, HL_P256_POINT);
		CHECK(hl_p256_on_curve(p.p) == rows[i].on, rows[i].why);
		vec_free(&p);
	}
}

static void
every_flipped_bit_leaves_the_curve(void **state)
{
	vec p = vec_of(RFC6979_U);

	(void)state;
	for (size_t bit = 0; bit < 8 * p.n; bit++) {
		p.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(hl_p256_on_curve(p.p));
		p.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	vec_free(&p);
}

static void
seed_decides_the_key(void **state)
{
	/* d = SHA-256(seed, four zero bytes), d * G: computed by a program of
	 * its own, in whole numbers, without OpenSSL. */
	static const char *const rows[][3] = {
		{ ZERO,
		    "6db65fd59fd356f6729140571b5bcd6b"
		    "b3b83492a16e1bf0a3884442fc3c8a0e",
		    "1ce163582018dbf97b856aec2340f592"
		    "021bca8f5647a47f66bf43dff11943f7"
		    "b4c8fa6eccb70d32a86da472ba302ecc"
		    "bbd4dd76bfaf11c7b0e9f97d41be77f6" },
		{ "000102030405060708090a0b0c0d0e0f"
		  "101112131415161718191a1b1c1d1e1f",
		    "70f4003d52b6eb03da852e93256b5986"
		    "b5d4883098bb7973bc5318cc66637a84",
		    "3611dc5bc26a3b0ca877bab4b60bcb50"
		    "8169ec5eb504675982b4b80b72866c57"
		    "d1ba153299d0253dac1994df35e24ae6"
		    "89bc8862f334bb55eaa877b78c28f535" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		vec seed = vec_of(rows[i][0]), d = vec_of(rows[i][1]);
		vec q = vec_of(rows[i][2]);
		uint8_t priv[HL_P256_SCALAR], pub[HL_P256_POINT];

		for (int again = 0; again < 2; again++) {
			memset(priv, 0, sizeof(priv));
			memset(pub, 0, sizeof(pub));
			assert_int_equal(
			    hl_p256_generate(seed.p, priv, pub, NULL), HL_OK);
			assert_memory_equal(priv, d.p, sizeof(priv));
			assert_memory_equal(pub, q.p, sizeof(pub));
		}
		vec_free(&q);
		vec_free(&d);
		vec_free(&seed);
	}
}

static void
new_keys_are_new_and_belong_together(void **state)
{
	uint8_t priv[8][HL_P256_SCALAR], pub[8][HL_P256_POINT];
	uint8_t sig[HL_P256_SIG];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(
		    hl_p256_generate(NULL, priv[i], pub[i], NULL), HL_OK);
		assert_true(hl_p256_on_curve(pub[i]));
		assert_int_equal(
		    hl_p256_sign(priv[i], "m", 1, sig, NULL), HL_OK);
		assert_true(hl_p256_verify(pub[i], "m", 1, sig));
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(
			    priv[i], priv[k], sizeof(priv[i]));
	}
}

static void
ecdh_of_rfc_5903(void **state)
{
	vec i = vec_of(RFC5903_I), gi = vec_of(RFC5903_GI);
	vec r = vec_of(RFC5903_R), gr = vec_of(RFC5903_GR);
	vec want = vec_of(RFC5903_Z);
	uint8_t z[32];

	(void)state;
	assert_int_equal(hl_p256_ecdh(i.p, gr.p, z, NULL), HL_OK);
	assert_memory_equal(z, want.p, sizeof(z));
	memset(z, 0, sizeof(z));
	assert_int_equal(hl_p256_ecdh(r.p, gi.p, z, NULL), HL_OK);
	assert_memory_equal(z, want.p, sizeof(z));
	vec_free(&want);
	vec_free(&gr);
	vec_free(&r);
	vec_free(&gi);
	vec_free(&i);
}

static void
ecdh_with_edge_keys(void **state)
{
	/* 1 * G and (n - 1) * G = -G have the X of G. */
	static const char *const keys[] = { ONE, ORDER_LESS_1 };
	vec g = vec_of(BASE);
	uint8_t z[32];

	(void)state;
	for (size_t i = 0; i < HL_COUNT(keys); i++) {
		vec d = vec_of(keys[i]);

		memset(z, 0, sizeof(z));
		assert_int_equal(hl_p256_ecdh(d.p, g.p, z, NULL), HL_OK);
		assert_memory_equal(z, g.p, sizeof(z));
		vec_free(&d);
	}
	vec_free(&g);
}

static void
ecdh_keeps_leading_zeros(void **state)
{
	/* 1 * (0, sqrt(b)): Z is 32 zero bytes, not an empty number */
	vec one = vec_of(ONE);
	vec p = vec_of(ZERO "66485c780e2f83d72433bd5d84a06bb6"
			    "541c2af31dae871728bf856a174f93f4");
	uint8_t z[32];

	(void)state;
	memset(z, 0x5a, sizeof(z));
	assert_int_equal(hl_p256_ecdh(one.p, p.p, z, NULL), HL_OK);
	assert_true(all_bytes(z, sizeof(z), 0));
	vec_free(&p);
	vec_free(&one);
}

static void
ecdh_refuses_what_is_no_point(void **state)
{
	static const char *const peers[] = { ZERO ZERO, FULL FULL,
		BASE_Y BASE_X };
	vec d = vec_of(RFC5903_I);
	uint8_t z[32];

	(void)state;
	for (size_t i = 0; i < HL_COUNT(peers); i++) {
		vec p = vec_of(peers[i]);
		hl_err err = { 0 };

		memset(z, 0x5a, sizeof(z));
		assert_int_equal(hl_p256_ecdh(d.p, p.p, z, &err), HL_EINPUT);
		assert_int_equal(err.rc, HL_EINPUT);
		assert_non_null(strstr(err.why, "not a point"));
		assert_true(all_bytes(z, sizeof(z), 0x5a));
		vec_free(&p);
	}
	vec_free(&d);
}

static void
private_keys_out_of_range_are_refused(void **state)
{
	static const char *const keys[] = { ZERO, ORDER, FULL };
	uint8_t z[32], sig[HL_P256_SIG];
	vec g = vec_of(BASE);

	(void)state;
	memset(z, 0x5a, sizeof(z));
	memset(sig, 0x5a, sizeof(sig));
	for (size_t i = 0; i < HL_COUNT(keys); i++) {
		vec d = vec_of(keys[i]);
		hl_err err = { 0 };

		assert_int_equal(hl_p256_ecdh(d.p, g.p, z, &err), HL_EINPUT);
		assert_non_null(strstr(err.why, "private key"));
		assert_int_equal(
		    hl_p256_sign(d.p, "m", 1, sig, NULL), HL_EINPUT);
		vec_free(&d);
	}
	assert_true(all_bytes(z, sizeof(z), 0x5a));
	assert_true(all_bytes(sig, sizeof(sig), 0x5a));
	vec_free(&g);
}

static void
verify_signatures_of_rfc_6979(void **state)
{
	vec u = vec_of(RFC6979_U), sample = vec_of(RFC6979_SAMPLE);
	vec test = vec_of(RFC6979_TEST);

	(void)state;
	assert_true(hl_p256_verify(u.p, "sample", 6, sample.p));
	assert_true(hl_p256_verify(u.p, "test", 4, test.p));
	assert_false(hl_p256_verify(u.p, "test", 4, sample.p));
	assert_false(hl_p256_verify(u.p, "sampl", 5, sample.p));
	vec_free(&test);
	vec_free(&sample);
	vec_free(&u);
}

static void
verify_refuses_every_flipped_bit(void **state)
{
	vec u = vec_of(RFC6979_U), sig = vec_of(RFC6979_SAMPLE);

	(void)state;
	for (size_t bit = 0; bit < 8 * sig.n; bit++) {
		sig.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(hl_p256_verify(u.p, "sample", 6, sig.p));
		sig.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(hl_p256_verify(u.p, "sample", 6, sig.p));
	vec_free(&sig);
	vec_free(&u);
}

static void
verify_refuses_numbers_out_of_range(void **state)
{
	static const char *const sigs[] = { ZERO ZERO, ZERO ONE, ONE ZERO,
		ORDER ONE, ONE ORDER, ORDER ORDER, FULL FULL };
	vec u = vec_of(RFC6979_U), off = vec_of(BASE_Y BASE_X);
	vec good = vec_of(RFC6979_SAMPLE);

	(void)state;
	for (size_t i = 0; i < HL_COUNT(sigs); i++) {
		vec sig = vec_of(sigs[i]);

		assert_false(hl_p256_verify(u.p, "sample", 6, sig.p));
		vec_free(&sig);
	}
	assert_false(hl_p256_verify(off.p, "sample", 6, good.p));
	vec_free(&good);
	vec_free(&off);
	vec_free(&u);
}

static void
sign_with_the_key_of_rfc_6979(void **state)
{
	vec x = vec_of(RFC6979_X), u = vec_of(RFC6979_U);
	vec g = vec_of(BASE);
	uint8_t sig[HL_P256_SIG];

	(void)state;
	/* Often enough to meet r or s with a leading zero byte. */
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(
		    hl_p256_sign(x.p, &i, sizeof(i), sig, NULL), HL_OK);
		assert_true(hl_p256_verify(u.p, &i, sizeof(i), sig));
	}
	assert_false(hl_p256_verify(g.p, "m", 1, sig));
	assert_int_equal(hl_p256_sign(x.p, NULL, 0, sig, NULL), HL_OK);
	assert_true(hl_p256_verify(u.p, NULL, 0, sig));
	vec_free(&g);
	vec_free(&u);
	vec_free(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_on_and_off_the_curve),
		cmocka_unit_test(every_flipped_bit_leaves_the_curve),
		cmocka_unit_test(seed_decides_the_key),
		cmocka_unit_test(new_keys_are_new_and_belong_together),
		cmocka_unit_test(ecdh_of_rfc_5903),
		cmocka_unit_test(ecdh_with_edge_keys),
		cmocka_unit_test(ecdh_keeps_leading_zeros),
		cmocka_unit_test(ecdh_refuses_what_is_no_point),
		cmocka_unit_test(private_keys_out_of_range_are_refused),
		cmocka_unit_test(verify_signatures_of_rfc_6979),
		cmocka_unit_test(verify_refuses_every_flipped_bit),
		cmocka_unit_test(verify_refuses_numbers_out_of_range),
		cmocka_unit_test(sign_with_the_key_of_rfc_6979),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
