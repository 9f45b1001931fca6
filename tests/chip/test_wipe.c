/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of a license do not stay in memory, whichever step fails. The calls
 * into the crypto layer and explicit_bzero() are wrapped: each secret that
 * passes is noted by its place, and must have been wiped at the end.
 */
#include <stdbool.h>

#include "chip/license.h"
#include "crypto/hash.h"
#include "crypto/hexvec.h"

#define PLACES 16

struct place {
	const uint8_t *p;
	size_t n;
	bool wiped;
};

static struct place secrets[PLACES];
static size_t n_secrets;
static int fail_at; /* this call into the crypto layer fails; 0: none */
static int calls;
static bool watching;

static void
note(const void *p, size_t n)
{
	if (!watching)
		return;
	assert_true(n_secrets < PLACES);
	secrets[n_secrets++] = (struct place){ p, n, false };
}

static bool
fails(void)
{
	return watching && ++calls == fail_at;
}

static void
note_wipe(const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n_secrets; i++)
		if (secrets[i].p >= b && secrets[i].p + secrets[i].n <= b + n)
			secrets[i].wiped = true;
}

void __real_explicit_bzero(void *p, size_t n);
void __wrap_explicit_bzero(void *p, size_t n);
void __wrap___explicit_bzero_chk(void *p, size_t n, size_t size);
hl_rc __real_hl_p256_generate(
    const uint8_t *seed, uint8_t *d, uint8_t *q, hl_err *err);
hl_rc __wrap_hl_p256_generate(
    const uint8_t *seed, uint8_t *d, uint8_t *q, hl_err *err);
hl_rc __real_hl_p256_ecdh(
    const uint8_t *d, const uint8_t *q, uint8_t *z, hl_err *err);
hl_rc __wrap_hl_p256_ecdh(
    const uint8_t *d, const uint8_t *q, uint8_t *z, hl_err *err);
hl_rc __real_hl_x963_kdf(const uint8_t *z, size_t z_n, const uint8_t *info,
    size_t info_n, uint8_t *out, size_t n, hl_err *err);
hl_rc __wrap_hl_x963_kdf(const uint8_t *z, size_t z_n, const uint8_t *info,
    size_t info_n, uint8_t *out, size_t n, hl_err *err);
hl_rc __real_hl_gcm_encrypt(const uint8_t *key, const uint8_t *iv,
    const uint8_t *aad, size_t aad_n, const uint8_t *in, size_t n, uint8_t *out,
    uint8_t *tag, hl_err *err);
hl_rc __wrap_hl_gcm_encrypt(const uint8_t *key, const uint8_t *iv,
    const uint8_t *aad, size_t aad_n, const uint8_t *in, size_t n, uint8_t *out,
    uint8_t *tag, hl_err *err);
hl_rc __real_hl_gcm_decrypt(const uint8_t *key, const uint8_t *iv,
    const uint8_t *aad, size_t aad_n, const uint8_t *in, size_t n, uint8_t *out,
    const uint8_t *tag, hl_err *err);
hl_rc __wrap_hl_gcm_decrypt(const uint8_t *key, const uint8_t *iv,
    const uint8_t *aad, size_t aad_n, const uint8_t *in, size_t n, uint8_t *out,
    const uint8_t *tag, hl_err *err);

void
__wrap_explicit_bzero(void *p, size_t n)
{
	note_wipe(p, n);
	__real_explicit_bzero(p, n);
}

/* What a fortified build calls instead. */
void
__wrap___explicit_bzero_chk(void *p, size_t n, size_t size)
{
	assert_true(n <= size);
	note_wipe(p, n);
	__real_explicit_bzero(p, n);
}

hl_rc
__wrap_hl_p256_generate(
    const uint8_t *seed, uint8_t *d, uint8_t *q, hl_err *err)
{
	note(d, HL_P256_SCALAR);
	return fails() ? HL_EIO : __real_hl_p256_generate(seed, d, q, err);
}

hl_rc
__wrap_hl_p256_ecdh(const uint8_t *d, const uint8_t *q, uint8_t *z, hl_err *err)
{
	note(z, 32);
	return fails() ? HL_ENOMEM : __real_hl_p256_ecdh(d, q, z, err);
}

hl_rc
__wrap_hl_x963_kdf(const uint8_t *z, size_t z_n, const uint8_t *info,
    size_t info_n, uint8_t *out, size_t n, hl_err *err)
{
	note(out, n);
	if (fails())
		return HL_ENOMEM;
	return __real_hl_x963_kdf(z, z_n, info, info_n, out, n, err);
}

hl_rc
__wrap_hl_gcm_encrypt(const uint8_t *key, const uint8_t *iv, const uint8_t *aad,
    size_t aad_n, const uint8_t *in, size_t n, uint8_t *out, uint8_t *tag,
    hl_err *err)
{
	note(key, HL_GCM_KEY);
	note(aad + 88, aad_n - 88); /* the rest of the derived key */
	note(in, n);
	if (fails())
		return HL_ENOMEM;
	return __real_hl_gcm_encrypt(key, iv, aad, aad_n, in, n, out, tag, err);
}

hl_rc
__wrap_hl_gcm_decrypt(const uint8_t *key, const uint8_t *iv, const uint8_t *aad,
    size_t aad_n, const uint8_t *in, size_t n, uint8_t *out, const uint8_t *tag,
    hl_err *err)
{
	note(key, HL_GCM_KEY);
	note(aad + 88, aad_n - 88);
	note(out, n);
	if (fails())
		return HL_ENOMEM;
	return __real_hl_gcm_decrypt(key, iv, aad, aad_n, in, n, out, tag, err);
}

static void
watch(int fail)
{
	n_secrets = 0;
	calls = 0;
	fail_at = fail;
	watching = true;
}

static void
expect_wiped(size_t at_least)
{
	watching = false;
	assert_true(n_secrets >= at_least);
	for (size_t i = 0; i < n_secrets; i++)
		if (!secrets[i].wiped)
			fail_msg("secret %zu of %zu was left, failure at %d", i,
			    n_secrets, fail_at);
}

static uint8_t priv[HL_P256_SCALAR], pub[HL_P256_POINT];
static const hl_firmware_key fw_key = { { 1 }, { 2 } };

static void
make_wipes_whichever_step_fails(void **state)
{
	/* generate, ecdh, kdf, encrypt; 0: all succeed */
	static const hl_rc want[] = { HL_OK, HL_EIO, HL_ENOMEM, HL_ENOMEM,
		HL_ENOMEM };
	uint8_t lic[HL_LICENSE_OLC];

	(void)state;
	for (int fail = 0; fail <= 4; fail++) {
		memset(lic, 0x5a, sizeof(lic));
		watch(fail);
		assert_int_equal(
		    hl_license_make(&fw_key, pub, "SFI", NULL, lic, NULL),
		    want[fail]);
		expect_wiped(fail == 0 ? 6 : (size_t)fail);
		assert_int_equal(all_bytes(lic, sizeof(lic), 0x5a), fail != 0);
		assert_int_equal(calls, fail == 0 ? 4 : fail);
	}
}

static void
open_wipes_whichever_step_fails(void **state)
{
	uint8_t lic[HL_LICENSE_OLC];
	hl_firmware_key key;

	(void)state;
	assert_int_equal(
	    hl_license_make(&fw_key, pub, "SFI", NULL, lic, NULL), HL_OK);
	/* ecdh, kdf, decrypt; 0: all succeed */
	for (int fail = 0; fail <= 3; fail++) {
		memset(&key, 0x5a, sizeof(key));
		watch(fail);
		assert_int_equal(
		    hl_license_open(lic, sizeof(lic), priv, &key, NULL),
		    fail == 0 ? HL_OK : HL_ENOMEM);
		expect_wiped(fail == 0 ? 5 : (size_t)fail);
		assert_int_equal(
		    all_bytes((const uint8_t *)&key, sizeof(key), 0x5a),
		    fail != 0);
	}
}

static void
open_wipes_when_the_tag_is_wrong(void **state)
{
	uint8_t lic[HL_LICENSE_OLC];
	hl_firmware_key key;

	(void)state;
	assert_int_equal(
	    hl_license_make(&fw_key, pub, "SFI", NULL, lic, NULL), HL_OK);
	lic[135] ^= 1;
	watch(0);
	assert_int_equal(
	    hl_license_open(lic, sizeof(lic), priv, &key, NULL), HL_EINTEGRITY);
	expect_wiped(5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(make_wipes_whichever_step_fails),
		cmocka_unit_test(open_wipes_whichever_step_fails),
		cmocka_unit_test(open_wipes_when_the_tag_is_wrong),
	};

	if (hl_p256_generate(NULL, priv, pub, NULL) != HL_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
