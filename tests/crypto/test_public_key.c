/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include <stdio.h>

#include "crypto/hexvec.h"

/* RFC 8032, 7.1: tests 1 to 3, and "SHA(abc)". */
static const struct ed25519_row {
	const char *secret, *public, *msg, *sig;
} rfc8032[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
	    "",
	    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555f"
	    "b8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
	    "72",
	    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da08"
	    "5ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
	    "af82",
	    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18"
	    "ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
};

/* RFC 6979, A.2.5: the key, and "sample" with SHA-256, its r and s as DER. Both
 * have their top bit set, so that each number begins with a zero byte. */
#define P256_KEY                                                               \
	"0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"   \
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define R "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
#define S "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
#define P256_DER "3046022100" R "022100" S

static hl_public_key
key_of(hl_key_type type, const char *hex)
{
	hl_public_key k;
	vec v = vec_of(hex);

	memset(&k, 0, sizeof(k));
	assert_int_equal(hl_public_from_raw(type, v.p, v.n, &k, NULL), HL_OK);
	vec_free(&v);
	return k;
}

static bool
verifies(const hl_public_key *k, const char *msg, const char *sig)
{
	vec m = vec_of(msg), s = vec_of(sig);
	const bool ok = hl_public_verify(k, m.p, m.n, s.p, s.n);

	vec_free(&s);
	vec_free(&m);
	return ok;
}

static void
ed25519_of_rfc8032(void **state)
{
	hl_public_key k, other = key_of(HL_KEY_ED25519, rfc8032[0].public);

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rfc8032); i++) {
		const struct ed25519_row *r = &rfc8032[i];

		k = key_of(HL_KEY_ED25519, r->public);
		assert_true(verifies(&k, r->msg, r->sig));
		assert_false(verifies(&k, "00", r->sig));
		assert_true(i == 0 || !verifies(&other, r->msg, r->sig));
		assert_true(i == 0 || !hl_public_equal(&k, &other));
	}
}

/* Every bit of a signature counts, and so does its length. */
static void
no_signature_but_the_one(void **state)
{
	static const struct {
		hl_key_type type;
		const char *key, *msg, *sig;
	} rows[] = {
		{ HL_KEY_ED25519,
		    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548"
		    "908025",
		    "af82",
		    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db"
		    "5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027"
		    "beceea1ec40a" },
		{ HL_KEY_P256, P256_KEY, "73616d706c65", P256_DER },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_public_key k = key_of(rows[i].type, rows[i].key);
		vec m = vec_of(rows[i].msg), s = vec_of(rows[i].sig);
		uint8_t more[128] = { 0 };

		assert_true(hl_public_verify(&k, m.p, m.n, s.p, s.n));
		for (size_t bit = 0; bit < 8 * s.n; bit++) {
			s.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_false(hl_public_verify(&k, m.p, m.n, s.p, s.n));
			s.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		memcpy(more, s.p, s.n);
		assert_false(hl_public_verify(&k, m.p, m.n, more, s.n + 1));
		for (size_t n = 0; n < s.n; n++)
			assert_false(hl_public_verify(&k, m.p, m.n, s.p, n));
		vec_free(&s);
		vec_free(&m);
	}
}

/* The same two numbers, written otherwise. */
static void
der_in_one_spelling_only(void **state)
{
	static const char *const rows[][2] = {
		{ "as r and s alone", R S },
		{ "length in long form", "308146022100" R "022100" S },
		{ "indefinite length", "3080022100" R "022100" S "0000" },
		{ "a zero too many", "304702220000" R "022100" S },
		{ "no zero: negative", "30450220" R "022100" S },
		{ "zeros in front of both",
		    "30480222"
		    "0000" R "02220000" S },
		{ "r alone", "3023022100" R },
		{ "r and s swapped", "3046022100" S "022100" R },
		{ "a third number", "3049022100" R "022100" S "020100" },
		{ "both zero", "3006020100020100" },
		{ "a set", "3146022100" R "022100" S },
		{ "nothing", "" },
	};
	hl_public_key k = key_of(HL_KEY_P256, P256_KEY);

	(void)state;
	assert_true(verifies(&k, "73616d706c65", P256_DER));
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		CHECK(!verifies(&k, "73616d706c65", rows[i][1]), rows[i][0]);
}

/* Ed25519: RFC 8032 5.1.3, and the torsion points (any list of them; these are
 * little-endian, computed from the equation of the curve). */
static void
bytes_that_are_no_key(void **state)
{
#define Z15 "000000000000000000000000000000"
#define F15 "ffffffffffffffffffffffffffffff"
	static const struct {
		const char *why;
		hl_key_type type;
		const char *hex;
	} rows[] = {
		{ "order 1", HL_KEY_ED25519, "01" Z15 Z15 "00" },
		{ "order 1, sign set", HL_KEY_ED25519, "01" Z15 Z15 "80" },
		{ "order 2", HL_KEY_ED25519, "ec" F15 F15 "7f" },
		{ "order 4", HL_KEY_ED25519, "00" Z15 Z15 "00" },
		{ "order 4, other", HL_KEY_ED25519, "00" Z15 Z15 "80" },
		{ "order 8", HL_KEY_ED25519,
		    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d"
		    "53fc05" },
		{ "order 8, sign set", HL_KEY_ED25519,
		    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d"
		    "53fc85" },
		{ "order 8, other", HL_KEY_ED25519,
		    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792"
		    "ac037a" },
		{ "y = p", HL_KEY_ED25519, "ed" F15 F15 "7f" },
		{ "y = p + 1", HL_KEY_ED25519, "ee" F15 F15 "7f" },
		{ "y = 2^255 - 1", HL_KEY_ED25519, "ff" F15 F15 "7f" },
		{ "y = p + 3, where y = 3 is one", HL_KEY_ED25519,
		    "f0" F15 F15 "7f" },
		{ "y = 2: no x", HL_KEY_ED25519, "02" Z15 Z15 "00" },
		{ "31 bytes", HL_KEY_ED25519, "03" Z15 Z15 },
		{ "33 bytes", HL_KEY_ED25519, "03" Z15 Z15 "0000" },
		{ "none", HL_KEY_ED25519, "" },
		{ "P-256 without 04", HL_KEY_P256,
		    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60"
		    "f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3"
		    "c294d4462299" },
		{ "P-256 compressed", HL_KEY_P256,
		    "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e"
		    "60f29fb6" },
		{ "P-256 hybrid", HL_KEY_P256,
		    "0760fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e"
		    "60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177"
		    "a3c294d4462299" },
		{ "P-256 off the curve", HL_KEY_P256,
		    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e"
		    "60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177"
		    "a3c294d4462298" },
		{ "infinity", HL_KEY_P256, "00" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		vec v = vec_of(rows[i].hex);
		hl_public_key k, was;
		hl_err err = { 0 };

		memset(&k, 0x5a, sizeof(k));
		was = k;
		CHECK(hl_public_from_raw(rows[i].type, v.p, v.n, &k, &err) ==
			HL_EINPUT,
		    rows[i].why);
		CHECK(memcmp(&k, &was, sizeof(k)) == 0, rows[i].why);
		CHECK(err.why[0] != '\0', rows[i].why);
		vec_free(&v);
	}
}

/* Of 64 random strings about half are points: neither all nor none. */
static void
some_bytes_are_points(void **state)
{
	size_t good = 0;

	(void)state;
	for (uint8_t y = 3; y < 67; y++) {
		uint8_t b[32] = { y };
		hl_public_key k;

		good += hl_public_from_raw(
			    HL_KEY_ED25519, b, sizeof(b), &k, NULL) == HL_OK;
	}
	assert_in_range(good, 20, 44);
}

static void
spki_and_pem_and_back(void **state)
{
	/* RFC 8410, 10.1, and the prefix of RFC 5480 */
	static const struct {
		hl_key_type type;
		const char *raw, *spki;
	} rows[] = {
		{ HL_KEY_ED25519,
		    "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad70"
		    "3166e1",
		    "302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c8"
		    "5086aa30b6b6cb0c5c38ad703166e1" },
		{ HL_KEY_P256, P256_KEY,
		    "3059301306072a8648ce3d020106082a8648ce3d03010703420"
		    "0" P256_KEY },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_public_key k = key_of(rows[i].type, rows[i].raw), back;
		hl_buf der = HL_BUF_INIT, pem = HL_BUF_INIT;
		vec want = vec_of(rows[i].spki);

		assert_int_equal(hl_public_spki(&k, &der, NULL), HL_OK);
		assert_int_equal(der.n, want.n);
		assert_memory_equal(der.p, want.p, want.n);
		assert_int_equal(hl_public_pem(&k, &pem, NULL), HL_OK);
		assert_int_equal(
		    hl_public_read_pem((const char *)pem.p, pem.n, &back, NULL),
		    HL_OK);
		assert_true(hl_public_equal(&k, &back));
		vec_free(&want);
		hl_buf_free(&pem);
		hl_buf_free(&der);
	}
}

/* RFC 8410, 10.1 */
#define ED_LINE "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
#define BEGIN(k) "-----BEGIN " k "-----\n"
#define END(k) "-----END " k "-----\n"
#define PUB "PUBLIC KEY"
#define ED_PEM BEGIN(PUB) ED_LINE "\n" END(PUB)

static void
pem_that_is_read(void **state)
{
	static const char *const rows[] = {
		ED_PEM,
		"a word in front\n" ED_PEM,
		ED_PEM "\n \t\r\n",
		BEGIN(PUB) ED_LINE "\r\n" END(PUB),
		/* P-256 with the point compressed */
		BEGIN(
		    PUB) "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADYP7UuiVanTHJYet0"
			 "xjVtaMBJuJI7Yfps\n5mliLmDyn7Y=\n" END(PUB),
	};
	hl_public_key ed = key_of(HL_KEY_ED25519,
	    "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
	hl_public_key p256 = key_of(HL_KEY_P256, P256_KEY), k;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		CHECK(hl_public_read_pem(rows[i], strlen(rows[i]), &k, NULL) ==
			HL_OK,
		    rows[i]);
		CHECK(hl_public_equal(&k, i < 4 ? &ed : &p256), rows[i]);
	}
}

static void
pem_that_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "no whole block" },
		{ ED_LINE, "no whole block" },
		{ BEGIN(PUB) ED_LINE "\n", "no whole block" },
		{ BEGIN(PUB) "MCow\n" END(PUB), "known here" },
		{ BEGIN(PUB) END(PUB), "no whole block" },
		{ ED_PEM ED_PEM, "behind the end" },
		{ ED_PEM "x", "behind the end" },
		{ BEGIN("PRIVATE KEY") "MCow\n" END("PRIVATE KEY"),
		    "private key" },
		{ BEGIN("EC PRIVATE KEY") "MCow\n" END("EC PRIVATE KEY"),
		    "private key" },
		{ BEGIN("CERTIFICATE") "MCow\n" END("CERTIFICATE"),
		    "\"CERTIFICATE\"" },
		/* X25519 */
		{ BEGIN(
		      PUB) "MCowBQYDK2VuAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDF"
			   "w4rXAxZuE=\n" END(PUB),
		    "X25519" },
		/* Ed25519, order 1 */
		{ BEGIN(
		      PUB) "MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			   "AAAAAAAAA=\n" END(PUB),
		    "no public key of Ed25519" },
		/* a byte behind the SubjectPublicKeyInfo */
		{ BEGIN(
		      PUB) "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDF"
			   "w4rXAxZuEA\n" END(PUB),
		    "known here" },
		/* secp256k1 */
		{ BEGIN(
		      PUB) "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEeb5mfvncu6xVoGKVzo"
			   "cLBwKb/NstzijZWfKB\nWxb4F5hIOtp3JqPEZV2k+/wOEQio/R"
			   "e0SKaFVBmcR9CP+xDUuA==\n" END(PUB),
		    "another curve" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_public_key k, was;
		hl_err err = { 0 };

		memset(&k, 0x5a, sizeof(k));
		was = k;
		CHECK(hl_public_read_pem(rows[i].text, strlen(rows[i].text), &k,
			  &err) == HL_EINPUT,
		    rows[i].text);
		CHECK(memcmp(&k, &was, sizeof(k)) == 0, rows[i].text);
		if (strstr(err.why, rows[i].why) == NULL)
			fail_msg("%s: said: %s", rows[i].text, err.why);
	}
}

static void
pem_with_a_nul(void **state)
{
	static const char text[] = BEGIN(PUB) ED_LINE "\n" END(PUB) "\n";
	char copy[sizeof(text)];
	hl_public_key k;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		memcpy(copy, text, sizeof(text));
		copy[i] = '\0';
		assert_int_equal(
		    hl_public_read_pem(copy, sizeof(text) - 1, &k, NULL),
		    HL_EINPUT);
	}
	assert_int_equal(
	    hl_public_read_pem(text, sizeof(text) - 1, &k, NULL), HL_OK);
}

static void
pem_too_long(void **state)
{
	const size_t n = 70000;
	char *text = malloc(n);
	hl_public_key k;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', n);
	memcpy(text, ED_PEM, strlen(ED_PEM));
	assert_int_equal(hl_public_read_pem(text, n, &k, NULL), HL_EINPUT);
	assert_int_equal(hl_public_read_pem(text, 65536, &k, NULL), HL_OK);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ed25519_of_rfc8032),
		cmocka_unit_test(no_signature_but_the_one),
		cmocka_unit_test(der_in_one_spelling_only),
		cmocka_unit_test(bytes_that_are_no_key),
		cmocka_unit_test(some_bytes_are_points),
		cmocka_unit_test(spki_and_pem_and_back),
		cmocka_unit_test(pem_that_is_read),
		cmocka_unit_test(pem_that_is_refused),
		cmocka_unit_test(pem_with_a_nul),
		cmocka_unit_test(pem_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
