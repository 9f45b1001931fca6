/* SPDX-License-Identifier: Apache-2.0 */
#include "chip/license.h"

#include "chip/an5054_fig36.h"
#include "crypto/hash.h"
#include "crypto/hexvec.h"

/* Computed by license_vector.py beside this file. */
#define LICENSE_HEAD                                                           \
	"000000000100000000000000"                                             \
	"0000000000000000"
#define LICENSE_MIDDLE                                                         \
	"4a04d14c841e2225c481435cfc62a2f2c1e9ef9741c05a30a29ddef6fd64a5e6"     \
	"b96eaf30793abd3167e82157af26719b3b9e46ee022ce6ab28edb62148e0f77e"     \
	"70d7f978939012127181e324d328e3ebfe4558a31c887c6eee6d2cf28fb0a887"
#define LICENSE_SSP                                                            \
	"5353502e" LICENSE_HEAD LICENSE_MIDDLE                                 \
	"45c4efde6c1127fa60d503e6b0f72dc6"
#define LICENSE_SFI                                                            \
	"5346492e" LICENSE_HEAD LICENSE_MIDDLE                                 \
	"7c256d2d461692f21efdcceb71e0905f"

#define EPHEMERAL_AT 24
#define SECRET_AT 88

static const hl_firmware_key fw_key = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa,
	    0xab },
};

static uint8_t priv[HL_P256_SCALAR], pub[HL_P256_POINT];
static uint8_t eph_seed[32];

static int
setup(void **state)
{
	uint8_t chip_seed[32];

	(void)state;
	memset(chip_seed, 1, sizeof(chip_seed));
	memset(eph_seed, 2, sizeof(eph_seed));
	return hl_p256_generate(chip_seed, priv, pub, NULL) == HL_OK ? 0 : -1;
}

static void
vectors(void **state)
{
	static const char *const rows[][2] = {
		{ "SSP", LICENSE_SSP },
		{ "SFI", LICENSE_SFI },
		{ "SFIA", LICENSE_SFI },
		{ "SMU", LICENSE_SFI },
		{ "SSPX", LICENSE_SFI },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		vec want = vec_of(rows[i][1]);
		uint8_t lic[HL_LICENSE_OLC] = { 0 };
		hl_firmware_key key = { 0 };

		assert_int_equal(want.n, HL_LICENSE_OLC);
		assert_int_equal(hl_license_make(&fw_key, pub, rows[i][0],
				     eph_seed, lic, NULL),
		    HL_OK);
		assert_memory_equal(lic, want.p, sizeof(lic));
		assert_int_equal(
		    hl_license_open(want.p, want.n, priv, &key, NULL), HL_OK);
		assert_memory_equal(&key, &fw_key, sizeof(key));
		vec_free(&want);
	}
}

static void
layout(void **state)
{
	static const uint8_t zeros[16];
	uint8_t lic[HL_LICENSE_OLC];

	(void)state;
	assert_int_equal(
	    hl_license_make(&fw_key, pub, "SSP", NULL, lic, NULL), HL_OK);
	assert_memory_equal(lic, "SSP.", 4); /* 0x2E505353, little-endian */
	assert_memory_equal(lic + 4, zeros, 4);
	assert_memory_equal(lic + 8, "\1\0\0\0", 4);
	assert_memory_equal(lic + 12, zeros, 12);
	assert_true(hl_p256_on_curve(lic + EPHEMERAL_AT));
	assert_int_equal(
	    hl_license_make(&fw_key, pub, "SFI", NULL, lic, NULL), HL_OK);
	assert_memory_equal(lic, "SFI.", 4); /* 0x2E494653, little-endian */
}

static void
ephemeral_key_is_new_each_time(void **state)
{
	uint8_t a[HL_LICENSE_OLC], b[HL_LICENSE_OLC];
	hl_firmware_key key;

	(void)state;
	assert_int_equal(
	    hl_license_make(&fw_key, pub, "SFI", NULL, a, NULL), HL_OK);
	assert_int_equal(
	    hl_license_make(&fw_key, pub, "SFI", NULL, b, NULL), HL_OK);
	assert_memory_not_equal(a + EPHEMERAL_AT, b + EPHEMERAL_AT, 64);
	assert_memory_not_equal(a + SECRET_AT, b + SECRET_AT, 32);
	assert_int_equal(
	    hl_license_open(a, sizeof(a), priv, &key, NULL), HL_OK);
	assert_memory_equal(&key, &fw_key, sizeof(key));
	assert_int_equal(
	    hl_license_open(b, sizeof(b), priv, &key, NULL), HL_OK);
	assert_memory_equal(&key, &fw_key, sizeof(key));
}

static void
another_chip_cannot_open_it(void **state)
{
	uint8_t other[HL_P256_SCALAR], other_pub[HL_P256_POINT];
	vec lic = vec_of(LICENSE_SFI);
	hl_firmware_key key;
	hl_err err = { 0 };

	(void)state;
	memset(&key, 0x5a, sizeof(key));
	for (int i = 0; i < 8; i++) {
		assert_int_equal(
		    hl_p256_generate(NULL, other, other_pub, NULL), HL_OK);
		assert_int_equal(
		    hl_license_open(lic.p, lic.n, other, &key, &err),
		    HL_EINTEGRITY);
		assert_int_equal(err.rc, HL_EINTEGRITY);
		assert_non_null(strstr(err.why, "another chip"));
		assert_true(
		    all_bytes((const uint8_t *)&key, sizeof(key), 0x5a));
	}
	vec_free(&lic);
}

/* The head has no room for another value, the ephemeral key leaves the curve:
 * not such a license. The rest is under the tag. */
static void
every_flipped_bit_is_refused(void **state)
{
	vec lic = vec_of(LICENSE_SFI);
	hl_firmware_key key;

	(void)state;
	memset(&key, 0x5a, sizeof(key));
	for (size_t bit = 0; bit < 8 * lic.n; bit++) {
		hl_err err = { 0 };

		lic.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(
		    hl_license_open(lic.p, lic.n, priv, &key, &err),
		    bit < 8 * SECRET_AT ? HL_EINPUT : HL_EINTEGRITY);
		assert_string_equal(err.what, "open a license");
		assert_true(err.why[0] != '\0' && err.hint[0] != '\0');
		assert_true(
		    all_bytes((const uint8_t *)&key, sizeof(key), 0x5a));
		lic.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(
	    hl_license_open(lic.p, lic.n, priv, &key, NULL), HL_OK);
	vec_free(&lic);
}

static void
every_byte_of_another_value_is_refused(void **state)
{
	vec lic = vec_of(LICENSE_SSP);
	hl_firmware_key key;

	(void)state;
	for (size_t at = 0; at < lic.n; at++) {
		lic.p[at] = (uint8_t)~lic.p[at];
		assert_int_not_equal(
		    hl_license_open(lic.p, lic.n, priv, &key, NULL), HL_OK);
		lic.p[at] = (uint8_t)~lic.p[at];
	}
	vec_free(&lic);
}

static void
type_word_is_under_the_tag(void **state)
{
	vec lic = vec_of(LICENSE_SFI);
	hl_firmware_key key;

	(void)state;
	memcpy(lic.p, "SSP.", 4);
	assert_int_equal(
	    hl_license_open(lic.p, lic.n, priv, &key, NULL), HL_EINTEGRITY);
	vec_free(&lic);
}

static void
ephemeral_key_is_under_the_tag(void **state)
{
	vec lic = vec_of(LICENSE_SFI);
	uint8_t d[HL_P256_SCALAR];
	hl_firmware_key key;

	(void)state;
	assert_int_equal(
	    hl_p256_generate(NULL, d, lic.p + EPHEMERAL_AT, NULL), HL_OK);
	assert_int_equal(
	    hl_license_open(lic.p, lic.n, priv, &key, NULL), HL_EINTEGRITY);
	vec_free(&lic);
}

static void
other_lengths_are_no_license(void **state)
{
	vec lic = vec_of(LICENSE_SFI);
	uint8_t b[200] = { 0 };
	hl_firmware_key key;

	(void)state;
	memcpy(b, lic.p, lic.n);
	for (size_t n = 0; n <= sizeof(b); n++) {
		vec part = vec_copy(b, n);

		if (n != HL_LICENSE_OLC)
			assert_int_equal(
			    hl_license_open(part.p, n, priv, &key, NULL),
			    HL_EINPUT);
		vec_free(&part);
	}
	vec_free(&lic);
}

static void
encrypted_iv_must_end_in_zeros(void **state)
{
	/* A card's own mistake: everything verifies, but the four bytes behind
	 * the nonce are not zero. Made the long way, from the parts. */
	static const uint8_t iv[HL_GCM_IV];
	uint8_t z[32], k[48], aad[120], secret[32] = { 0 };
	vec lic = vec_of(LICENSE_SFI);
	hl_firmware_key key;

	(void)state;
	assert_int_equal(
	    hl_p256_ecdh(priv, lic.p + EPHEMERAL_AT, z, NULL), HL_OK);
	assert_int_equal(
	    hl_x963_kdf(z, 32, lic.p + EPHEMERAL_AT, 64, k, 48, NULL), HL_OK);
	memcpy(aad, lic.p, SECRET_AT);
	memcpy(aad + SECRET_AT, k + 16, 32);
	for (size_t at = 12; at < 17; at++) {
		memset(secret, 0, sizeof(secret));
		secret[at] = 1;
		assert_int_equal(hl_gcm_encrypt(k, iv, aad, sizeof(aad), secret,
				     32, lic.p + SECRET_AT, lic.p + 120, NULL),
		    HL_OK);
		/* 16 is the first byte of the key: any value will do */
		assert_int_equal(
		    hl_license_open(lic.p, lic.n, priv, &key, NULL),
		    at < 16 ? HL_EINPUT : HL_OK);
	}
	vec_free(&lic);
}

static void
bad_keys(void **state)
{
	uint8_t out[HL_LICENSE_OLC], zero[HL_P256_POINT] = { 0 };
	vec lic = vec_of(LICENSE_SFI);
	hl_firmware_key key;
	hl_err err = { 0 };

	(void)state;
	memset(out, 0x5a, sizeof(out));
	assert_int_equal(
	    hl_license_make(&fw_key, zero, "SFI", NULL, out, &err), HL_EINPUT);
	assert_non_null(strstr(err.why, "not a point"));
	assert_true(all_bytes(out, sizeof(out), 0x5a));
	assert_int_equal(
	    hl_license_open(lic.p, lic.n, zero, &key, &err), HL_EINPUT);
	assert_non_null(strstr(err.why, "private key"));
	vec_free(&lic);
}

static void
for_the_chip_of_a_real_certificate(void **state)
{
	vec c = vec_of(AN5054_FIG36);
	uint8_t lic[HL_LICENSE_OLC];
	hl_firmware_key key;

	(void)state;
	assert_int_equal(
	    hl_license_make(&fw_key, c.p + 8, "SFI", NULL, lic, NULL), HL_OK);
	assert_int_equal(
	    hl_license_open(lic, sizeof(lic), priv, &key, NULL), HL_EINTEGRITY);
	vec_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(layout),
		cmocka_unit_test(ephemeral_key_is_new_each_time),
		cmocka_unit_test(another_chip_cannot_open_it),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(every_byte_of_another_value_is_refused),
		cmocka_unit_test(type_word_is_under_the_tag),
		cmocka_unit_test(ephemeral_key_is_under_the_tag),
		cmocka_unit_test(other_lengths_are_no_license),
		cmocka_unit_test(encrypted_iv_must_end_in_zeros),
		cmocka_unit_test(bad_keys),
		cmocka_unit_test(for_the_chip_of_a_real_certificate),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
