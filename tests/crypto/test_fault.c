/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens when the ground gives way: OpenSSL's memory runs out at the
 * n-th request, for every n; the kernel gives no random bytes; a hash that
 * makes a private key is no private key.
 */
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "crypto/gcm.h"
#include "crypto/hash.h"
#include "crypto/hexvec.h"
#include "crypto/p256.h"
#include "crypto/sign.h"

static long allow = -1; /* requests that still succeed; -1: all */
static bool refused;

static bool
memory_refuses(void)
{
	if (allow < 0)
		return false;
	if (allow > 0) {
		allow--;
		return false;
	}
	refused = true;
	return true;
}

static void *
counted_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return memory_refuses() ? NULL : malloc(n);
}

static void *
counted_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return n > 0 && memory_refuses() ? NULL : realloc(p, n);
}

static void
counted_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static bool no_random;
static int bad_hashes; /* hl_sha256() gives this many bad private keys first */

int __real_getentropy(void *p, size_t n);
int __wrap_getentropy(void *p, size_t n);
hl_rc __real_hl_sha256(const void *p, size_t n, uint8_t *out, hl_err *err);
hl_rc __wrap_hl_sha256(const void *p, size_t n, uint8_t *out, hl_err *err);

int
__wrap_getentropy(void *p, size_t n)
{
	if (no_random) {
		errno = ENOSYS;
		return -1;
	}
	return __real_getentropy(p, n);
}

hl_rc
__wrap_hl_sha256(const void *p, size_t n, uint8_t *out, hl_err *err)
{
	if (bad_hashes > 0) {
		memset(out, bad_hashes-- % 2 == 0 ? 0xff : 0x00, 32);
		return HL_OK;
	}
	return __real_hl_sha256(p, n, out, err);
}

static uint8_t priv[HL_P256_SCALAR], pub[HL_P256_POINT], sig[HL_P256_SIG];
static uint8_t out[64], tag[HL_GCM_TAG];
static const uint8_t seed[32] = { 7 };

static hl_rc
do_sha256(hl_err *err)
{
	return hl_sha256("abc", 3, out, err);
}

static hl_rc
do_kdf(hl_err *err)
{
	return hl_x963_kdf(seed, sizeof(seed), NULL, 0, out, 64, err);
}

static hl_rc
do_encrypt(hl_err *err)
{
	return hl_gcm_encrypt(seed, seed, seed, 32,
	    (const uint8_t *)"0123456789abcdef", 16, out, tag, err);
}

static hl_rc
do_generate(hl_err *err)
{
	uint8_t d[HL_P256_SCALAR], q[HL_P256_POINT];

	return hl_p256_generate(seed, d, q, err);
}

static hl_rc
do_ecdh(hl_err *err)
{
	return hl_p256_ecdh(priv, pub, out, err);
}

static hl_rc
do_sign(hl_err *err)
{
	return hl_p256_sign(priv, "m", 1, out, err);
}

static hl_rc
do_verify(hl_err *err)
{
	(void)err;
	return hl_p256_verify(pub, "m", 1, sig) ? HL_OK : HL_ENOMEM;
}

static hl_rc
do_on_curve(hl_err *err)
{
	(void)err;
	return hl_p256_on_curve(pub) ? HL_OK : HL_ENOMEM;
}

static hl_public_key keys[2];
static char pems[2][300];
static hl_signer *signers[2];

static hl_rc
do_from_raw(hl_err *err)
{
	hl_public_key k;
	hl_rc rc = HL_OK;

	for (int i = 0; rc == HL_OK && i < 2; i++)
		rc = hl_public_from_raw(
		    keys[i].type, keys[i].raw, keys[i].raw_n, &k, err);
	return rc;
}

static hl_rc
do_write_public(hl_err *err)
{
	hl_buf b = HL_BUF_INIT;
	hl_rc rc = HL_OK;

	for (int i = 0; rc == HL_OK && i < 2; i++) {
		rc = hl_public_spki(&keys[i], &b, err);
		if (rc == HL_OK)
			rc = hl_public_pem(&keys[i], &b, err);
	}
	hl_buf_free(&b);
	return rc;
}

/* Reading must never take a key for another one. That it is called damaged when
 * memory has run out is OpenSSL's: its decoders do not tell these apart. */
static void
no_memory_to_read_a_key(void **state)
{
	int failures = 0;
	hl_public_key k;
	hl_rc rc;

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (long n = 0;; n++) {
			refused = false;
			allow = n;
			rc = hl_public_read_pem(
			    pems[i], strlen(pems[i]), &k, NULL);
			allow = -1;
			if (!refused)
				break;
			failures += rc != HL_OK;
			assert_true(
			    rc != HL_OK || hl_public_equal(&k, &keys[i]));
		}
		assert_int_equal(rc, HL_OK);
	}
	assert_true(failures > 0);
}

/* A signature that comes is a good one; why none comes may be told wrongly,
 * since verifying fails in the same way for want of memory. */
static void
no_memory_to_sign(void **state)
{
	int failures = 0;
	hl_rc rc;

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (long n = 0;; n++) {
			hl_buf b = HL_BUF_INIT;
			hl_err err = { 0 };

			refused = false;
			allow = n;
			rc = hl_signer_sign(signers[i], "m", 1, &b, &err);
			allow = -1;
			assert_true(rc == HL_OK || (b.n == 0 && err.rc == rc));
			assert_true(rc != HL_OK ||
			    hl_public_verify(&keys[i], "m", 1, b.p, b.n));
			hl_buf_free(&b);
			failures += rc != HL_OK;
			if (!refused)
				break;
		}
		assert_int_equal(rc, HL_OK);
	}
	assert_true(failures > 0);
}

/* Keys of both kinds, in a file for as long as that takes. */
static bool
make_keys(void)
{
	char path[] = "/tmp/hsmlic-fault-XXXXXX";
	hl_buf pem = HL_BUF_INIT;
	bool ok = true;

	for (int i = 0; ok && i < 2; i++) {
		const hl_key_type type = i == 0 ? HL_KEY_ED25519 : HL_KEY_P256;
		const int fd = mkstemp(path);

		ok = fd >= 0 && close(fd) == 0 && unlink(path) == 0 &&
		    hl_signer_generate(path, type, NULL, NULL) == HL_OK &&
		    hl_signer_open(&signers[i], path, NULL, NULL, NULL) ==
			HL_OK;
		(void)unlink(path);
		memcpy(path + strlen(path) - 6, "XXXXXX", 6);
		if (!ok)
			break;
		keys[i] = *hl_signer_public(signers[i]);
		hl_buf_reset(&pem);
		ok = hl_public_pem(&keys[i], &pem, NULL) == HL_OK &&
		    pem.n < sizeof(pems[i]);
		if (ok)
			memcpy(pems[i], hl_buf_str(&pem), pem.n + 1);
	}
	hl_buf_free(&pem);
	return ok;
}

/* Fails the first request, then the second, ... until the call needs no more.
 * The call either works (OpenSSL could do without) or says HL_ENOMEM. */
static void
memory_runs_out(void **state)
{
	static const struct {
		const char *name;
		hl_rc (*call)(hl_err *err);
		bool tells; /* fills err */
	} rows[] = {
		{ "sha256", do_sha256, true },
		{ "kdf", do_kdf, true },
		{ "encrypt", do_encrypt, true },
		{ "generate", do_generate, true },
		{ "ecdh", do_ecdh, true },
		{ "sign", do_sign, true },
		{ "verify", do_verify, false },
		{ "on curve", do_on_curve, false },
		{ "from raw", do_from_raw, true },
		{ "write a public key", do_write_public, true },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		int failures = 0;

		assert_int_equal(rows[i].call(NULL), HL_OK);
		for (long n = 0;; n++) {
			hl_err err = { 0 };
			hl_rc rc;

			assert_true(n < 10000);
			refused = false;
			allow = n;
			rc = rows[i].call(&err);
			allow = -1;
			if (!refused)
				break;
			CHECK(rc == HL_OK || rc == HL_ENOMEM, rows[i].name);
			if (rc == HL_OK)
				continue;
			failures++;
			if (rows[i].tells)
				CHECK(err.rc == HL_ENOMEM && err.why[0] != '\0',
				    rows[i].name);
		}
		CHECK(failures > 0, rows[i].name);
		CHECK(rows[i].call(NULL) == HL_OK, rows[i].name);
	}
}

static void
no_memory_is_never_taken_for_a_bad_tag(void **state)
{
	uint8_t cipher[16], plain[16], t[HL_GCM_TAG];
	int failures = 0;
	hl_rc rc;

	(void)state;
	assert_int_equal(
	    hl_gcm_encrypt(seed, seed, NULL, 0, seed, 16, cipher, t, NULL),
	    HL_OK);
	for (long n = 0;; n++) {
		memset(plain, 0x5a, sizeof(plain));
		refused = false;
		allow = n;
		rc = hl_gcm_decrypt(
		    seed, seed, NULL, 0, cipher, 16, plain, t, NULL);
		allow = -1;
		if (!refused)
			break;
		assert_true(rc == HL_OK || rc == HL_ENOMEM);
		if (rc == HL_ENOMEM) {
			assert_true(all_bytes(plain, sizeof(plain), 0));
			failures++;
		}
	}
	assert_true(failures > 0);
	assert_int_equal(rc, HL_OK);
}

static void
no_random_bytes(void **state)
{
	uint8_t d[HL_P256_SCALAR], q[HL_P256_POINT], b[4];
	hl_err err = { 0 };

	(void)state;
	memset(d, 0x5a, sizeof(d));
	memset(q, 0x5a, sizeof(q));
	no_random = true;
	assert_int_equal(hl_random(b, sizeof(b), &err), HL_EIO);
	assert_non_null(strstr(err.why, strerror(ENOSYS)));
	assert_int_equal(hl_p256_generate(NULL, d, q, NULL), HL_EIO);
	assert_true(all_bytes(d, sizeof(d), 0x5a));
	assert_true(all_bytes(q, sizeof(q), 0x5a));
	assert_int_equal(hl_p256_generate(seed, d, q, NULL), HL_OK);
	no_random = false;
}

static void
hashes_that_are_no_private_key_are_passed_over(void **state)
{
	uint8_t in[36] = { 0 }, want[32], d[HL_P256_SCALAR], q[HL_P256_POINT];

	(void)state;
	memcpy(in, seed, sizeof(seed));
	in[35] = 4; /* 0 to 3 are refused */
	assert_int_equal(__real_hl_sha256(in, sizeof(in), want, NULL), HL_OK);
	bad_hashes = 4;
	assert_int_equal(hl_p256_generate(seed, d, q, NULL), HL_OK);
	assert_int_equal(bad_hashes, 0);
	assert_memory_equal(d, want, sizeof(d));
	assert_true(hl_p256_on_curve(q));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(no_memory_to_read_a_key),
		cmocka_unit_test(no_memory_to_sign),
		cmocka_unit_test(no_memory_is_never_taken_for_a_bad_tag),
		cmocka_unit_test(no_random_bytes),
		cmocka_unit_test(
		    hashes_that_are_no_private_key_are_passed_over),
	};

	int failed;

	/* OpenSSL takes these only before its first request. */
	if (CRYPTO_set_mem_functions(
		counted_malloc, counted_realloc, counted_free) != 1 ||
	    hl_p256_generate(seed, priv, pub, NULL) != HL_OK ||
	    hl_p256_sign(priv, "m", 1, sig, NULL) != HL_OK || !make_keys())
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (int i = 0; i < 2; i++)
		hl_signer_close(&signers[i]);
	return failed;
}
