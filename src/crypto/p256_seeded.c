/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA with a nonce that is derived instead of drawn. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "crypto/hash.h"
#include "crypto/ossl.h"
#include "crypto/p256.h"

/* k and R = k G out of seed and digest. */
static hl_rc
nonce_point(const uint8_t *seed, const uint8_t digest[HL_SHA256_LEN],
    uint8_t k[HL_P256_SCALAR], uint8_t point[HL_P256_POINT], hl_err *err)
{
	uint8_t in[2 * HL_SHA256_LEN], mixed[HL_SHA256_LEN];
	hl_rc rc;

	memcpy(in, seed, HL_SHA256_LEN);
	memcpy(in + HL_SHA256_LEN, digest, HL_SHA256_LEN);
	rc = hl_sha256(in, sizeof(in), mixed, err);
	if (rc == HL_OK)
		rc = hl_p256_generate(mixed, k, point, err);
	OPENSSL_cleanse(in, sizeof(in));
	OPENSSL_cleanse(mixed, sizeof(mixed));
	return rc;
}

/* SEC 1 v2.0, 4.1.3: r = x mod n, s = (z + r d) / k mod n. False: failed, or
 * one of the two is zero. */
static bool
equation(const uint8_t *k_in, const uint8_t *x_in, const uint8_t *z_in,
    const uint8_t *d_in, uint8_t sig[HL_P256_SIG])
{
	const int len = HL_P256_SCALAR;
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	const BIGNUM *n = group != NULL ? EC_GROUP_get0_order(group) : NULL;
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *k = BN_bin2bn(k_in, len, NULL), *r = BN_bin2bn(x_in, len, NULL);
	BIGNUM *s = BN_bin2bn(d_in, len, NULL), *z = BN_bin2bn(z_in, len, NULL);
	bool ok;

	ok = n != NULL && ctx != NULL && k != NULL && r != NULL && s != NULL &&
	    z != NULL && BN_nnmod(r, r, n, ctx) == 1 &&
	    BN_mod_mul(s, s, r, n, ctx) == 1 &&
	    BN_mod_add(s, s, z, n, ctx) == 1 &&
	    BN_mod_inverse(k, k, n, ctx) != NULL &&
	    BN_mod_mul(s, s, k, n, ctx) == 1 && !BN_is_zero(r) &&
	    !BN_is_zero(s) && BN_bn2binpad(r, sig, len) == len &&
	    BN_bn2binpad(s, sig + len, len) == len;
	BN_clear_free(z);
	BN_clear_free(s);
	BN_clear_free(r);
	BN_clear_free(k);
	BN_CTX_free(ctx);
	EC_GROUP_free(group);
	return ok;
}

hl_rc
hl_p256_sign_seeded(const uint8_t priv[HL_P256_SCALAR],
    const uint8_t seed[HL_P256_SCALAR], const void *msg, size_t n,
    uint8_t sig[HL_P256_SIG], hl_err *err)
{
	uint8_t digest[HL_SHA256_LEN], k[HL_P256_SCALAR] = { 0 };
	uint8_t point[HL_P256_POINT];
	hl_rc rc;

	rc = hl_sha256(msg, n, digest, err);
	if (rc == HL_OK)
		rc = nonce_point(seed, digest, k, point, err);
	if (rc == HL_OK && !equation(k, point, digest, priv, sig))
		rc = hl_ossl_fail(err, "sign with ECDSA");
	OPENSSL_cleanse(k, sizeof(k));
	return rc;
}
