/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include "crypto/hexvec.h"

static void
sha256_of_published_messages(void **state)
{
	/* FIPS 180-4 examples (NIST CSRC, "SHA256.pdf") */
	static const struct {
		const char *msg, *md;
	} rows[] = {
		{ "",
		    "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855" },
		{ "abc",
		    "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		    "248d6a61d20638b8e5c026930c3e6039"
		    "a33ce45964ff2167f6ecedd419db06c1" },
	};
	uint8_t md[HL_SHA256_LEN];

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		vec want = vec_of(rows[i].md);

		assert_int_equal(
		    hl_sha256(rows[i].msg, strlen(rows[i].msg), md, NULL),
		    HL_OK);
		assert_memory_equal(md, want.p, sizeof(md));
		vec_free(&want);
	}
}

static void
sha256_of_a_million_a(void **state)
{
	vec want = vec_of("cdc76e5c9914fb9281a1c7e284d73e67"
			  "f1809a48a497200e046d39ccc7112cd0");
	uint8_t md[HL_SHA256_LEN];
	char *a = malloc(1000000);

	(void)state;
	assert_non_null(a);
	memset(a, 'a', 1000000);
	assert_int_equal(hl_sha256(a, 1000000, md, NULL), HL_OK);
	assert_memory_equal(md, want.p, sizeof(md));
	free(a);
	vec_free(&want);
}

static void
sha256_of_nothing_at_null(void **state)
{
	uint8_t md[HL_SHA256_LEN];

	(void)state;
	assert_int_equal(hl_sha256(NULL, 0, md, NULL), HL_OK);
	assert_int_equal(md[0], 0xe3);
}

static void
kdf_of_nist_vectors(void **state)
{
	/* NIST CAVP, ansx963_2001.rsp, [SHA-256], COUNT = 0 of two groups */
	static const struct {
		const char *z, *info, *key;
	} rows[] = {
		{ "96c05619d56c328ab95fe84b18264b08725b85e33fd34f08", "",
		    "443024c3dae66b95e6f5670601558f71" },
		{ "22518b10e70f2a3f243810ae3254139efbee04aa57c7af7d",
		    "75eef81aa3041e33b80971203d2c0c52",
		    "c498af77161cc59f2962b9a713e2b215152d139766ce34a776df1186"
		    "6a69bf2e52a13d9c7c6fc878c50c5ea0bc7b00e0da2447cfd874f6cf"
		    "92f30d0097111485500c90c3af8b487872d04685d14c8d1dc8d7fa08"
		    "beb0ce0ababc11f0bd496269142d43525a78e5bc79a17f59676a5706"
		    "dc54d54d4d1f0bd7e386128ec26afc21" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		vec z = vec_of(rows[i].z), info = vec_of(rows[i].info);
		vec want = vec_of(rows[i].key);

		/* Shorter keys are the beginning of longer ones. */
		for (size_t n = 1; n <= want.n; n++) {
			vec got = vec_copy(want.p, n);

			memset(got.p, 0, n);
			assert_int_equal(hl_x963_kdf(z.p, z.n, info.p, info.n,
					     got.p, n, NULL),
			    HL_OK);
			assert_memory_equal(got.p, want.p, n);
			vec_free(&got);
		}
		vec_free(&want);
		vec_free(&info);
		vec_free(&z);
	}
}

static void
kdf_lengths(void **state)
{
	static const uint8_t z[4] = { 1, 2, 3, 4 };
	static uint8_t out[8161];
	hl_err err = { 0 };

	(void)state;
	assert_int_equal(hl_x963_kdf(z, 4, NULL, 0, out, 8160, NULL), HL_OK);
	assert_false(all_bytes(out + 8128, 32, 0));
	memset(out, 0x5a, sizeof(out));
	assert_int_equal(
	    hl_x963_kdf(z, 4, NULL, 0, out, 8161, &err), HL_EINPUT);
	assert_int_equal(err.rc, HL_EINPUT);
	assert_int_equal(hl_x963_kdf(z, 4, NULL, 0, out, 0, NULL), HL_EINPUT);
	assert_int_equal(hl_x963_kdf(z, 0, NULL, 0, out, 1, NULL), HL_EINPUT);
	assert_true(all_bytes(out, sizeof(out), 0x5a));
}

static void
random_fills_every_byte(void **state)
{
	/* Each position differs from 0 in one of 64 fillings, but for a chance
	 * of 1000 in 2^512. 1000 is more than one call of getentropy() gives.
	 */
	uint8_t seen[1000] = { 0 }, b[1000];

	(void)state;
	for (int round = 0; round < 64; round++) {
		memset(b, 0, sizeof(b));
		assert_int_equal(hl_random(b, sizeof(b), NULL), HL_OK);
		for (size_t i = 0; i < sizeof(b); i++)
			seen[i] |= b[i];
	}
	for (size_t i = 0; i < sizeof(seen); i++)
		assert_int_not_equal(seen[i], 0);
	assert_int_equal(hl_random(b, 0, NULL), HL_OK);
}

static void
bytes_equal(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	assert_true(hl_bytes_equal(a, b, sizeof(a)));
	assert_true(hl_bytes_equal(NULL, NULL, 0));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] = 0x80;
		assert_false(hl_bytes_equal(a, b, sizeof(a)));
		assert_true(hl_bytes_equal(a, b, i));
		b[i] = 0;
	}
}

static void
base64_of_rfc_4648(void **state)
{
	/* RFC 4648, section 10 */
	static const char *const rows[][2] = { { "", "" }, { "f", "Zg==" },
		{ "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_buf text = HL_BUF_INIT, back = HL_BUF_INIT;

		hl_base64_put(&text, rows[i][0], strlen(rows[i][0]));
		assert_string_equal(hl_buf_str(&text), rows[i][1]);
		assert_true(
		    hl_base64_decode(rows[i][1], strlen(rows[i][1]), &back));
		assert_string_equal(hl_buf_str(&back), rows[i][0]);
		hl_buf_free(&text);
		hl_buf_free(&back);
	}
}

static void
base64_uses_every_character(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
				       "mnopqrstuvwxyz0123456789+/";
	hl_buf b = HL_BUF_INIT, text = HL_BUF_INIT;

	(void)state;
	assert_true(hl_base64_decode(alphabet, 64, &b));
	assert_int_equal(b.n, 48);
	assert_int_equal(b.p[0], 0x00);
	assert_int_equal(b.p[47], 0xbf);
	hl_base64_put(&text, b.p, b.n);
	assert_string_equal(hl_buf_str(&text), alphabet);
	hl_buf_free(&b);
	hl_buf_free(&text);
}

static void
base64_round_trip_of_every_length(void **state)
{
	uint8_t b[200];

	(void)state;
	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 151 + 7);
	for (size_t n = 0; n <= sizeof(b); n++) {
		hl_buf text = HL_BUF_INIT, back = HL_BUF_INIT;
		vec exact, in = vec_copy(b, n);

		hl_base64_put(&text, in.p, n);
		assert_int_equal(text.n, (n + 2) / 3 * 4);
		exact = vec_copy(text.p, text.n);
		assert_true(
		    hl_base64_decode((const char *)exact.p, exact.n, &back));
		assert_int_equal(back.n, n);
		if (n > 0)
			assert_memory_equal(back.p, b, n);
		vec_free(&exact);
		vec_free(&in);
		hl_buf_free(&text);
		hl_buf_free(&back);
	}
}

static void
base64_appends(void **state)
{
	hl_buf b = HL_BUF_INIT;

	(void)state;
	hl_buf_put(&b, "x ", 2);
	hl_base64_put(&b, "f", 1);
	assert_string_equal(hl_buf_str(&b), "x Zg==");
	assert_true(hl_base64_decode("Zm8=", 4, &b));
	assert_string_equal(hl_buf_str(&b), "x Zg==fo");
	hl_buf_free(&b);
}

static void
base64_refusals_change_nothing(void **state)
{
	static const struct {
		const char *why, *s;
	} rows[] = {
		{ "no padding", "Zg" },
		{ "half a padding", "Zg=" },
		{ "one character of four", "Z" },
		{ "one character, padded", "Z===" },
		{ "nothing but padding", "====" },
		{ "too much padding", "Zm9v====" },
		{ "padding in the middle", "Zg==Zg==" },
		{ "padding, then data", "Zg=v" },
		{ "padding first", "=m9v" },
		{ "second character is padding", "Z=9v" },
		{ "unused bits set, one byte", "Zh==" },
		{ "unused bits set, two bytes", "Zm9=" },
		{ "line feed at the end", "Zm9v\n" },
		{ "line break inside", "Zm9v\r\nZm" },
		{ "blank", "Zm 9vYg=" },
		{ "URL alphabet, minus", "Zm9-" },
		{ "URL alphabet, underscore", "Zm9_" },
		{ "above ASCII", "Zm9\xff" },
		{ "bad character after good quads", "Zm9vZm9vZm9*" },
	};
	hl_buf b = HL_BUF_INIT;

	(void)state;
	hl_buf_put(&b, "keep", 4);
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		CHECK(!hl_base64_decode(rows[i].s, strlen(rows[i].s), &b),
		    rows[i].why);
		CHECK(strcmp(hl_buf_str(&b), "keep") == 0, rows[i].why);
	}
	assert_false(hl_base64_decode("Zm\0v", 4, &b));
	/* The length rules, whatever lies behind it. */
	for (size_t n = 1; n < 8; n++)
		assert_int_equal(n == 4, hl_base64_decode("Zm9vZm9v", n, &b));
	assert_string_equal(hl_buf_str(&b), "keepfoo");
	hl_buf_reset(&b);
	hl_buf_put(&b, "keep", 4);
	assert_string_equal(hl_buf_str(&b), "keep");
	hl_buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_of_published_messages),
		cmocka_unit_test(sha256_of_a_million_a),
		cmocka_unit_test(sha256_of_nothing_at_null),
		cmocka_unit_test(kdf_of_nist_vectors),
		cmocka_unit_test(kdf_lengths),
		cmocka_unit_test(random_fills_every_byte),
		cmocka_unit_test(bytes_equal),
		cmocka_unit_test(base64_of_rfc_4648),
		cmocka_unit_test(base64_uses_every_character),
		cmocka_unit_test(base64_round_trip_of_every_length),
		cmocka_unit_test(base64_appends),
		cmocka_unit_test(base64_refusals_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
