/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p256.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/hash.h"
#include "crypto/ossl.h"

#define UNCOMPRESSED 0x04 /* SEC 1 v2.0, 2.3.3: first octet of a point */

/* SEC 2 v2.0, 2.4.2: the order n of the base point. */
static const uint8_t order[HL_P256_SCALAR] = { 0xff, 0xff, 0xff, 0xff, 0x00,
	0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
	0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc,
	0x63, 0x25, 0x51 };

/* 1 to n - 1. */
static bool
scalar_valid(const uint8_t d[HL_P256_SCALAR])
{
	static const uint8_t zero[HL_P256_SCALAR];

	return memcmp(d, order, HL_P256_SCALAR) < 0 &&
	    !hl_bytes_equal(d, zero, sizeof(zero));
}

static hl_rc
scalar_check(const char *what, const uint8_t d[HL_P256_SCALAR], hl_err *err)
{
	if (!scalar_valid(d))
		return hl_fail(err, HL_EINPUT, what,
		    "the key file is damaged, or not a P-256 private key",
		    "the private key is not between 1 and the curve's order");
	return HL_OK;
}

/*
 * y^2 = x^3 + ax + b over the field of p, both coordinates below p. 1: yes, 0:
 * no, -1: cannot be told. In plain numbers, because EC_POINT_oct2point() says
 * the same for "not on the curve" and "out of memory".
 */
static int
equation_holds(
    const EC_GROUP *group, const uint8_t point[HL_P256_POINT], BN_CTX *ctx)
{
	const int half = HL_P256_POINT / 2;
	BIGNUM *p = BN_CTX_get(ctx), *a = BN_CTX_get(ctx);
	BIGNUM *b = BN_CTX_get(ctx), *x = BN_CTX_get(ctx);
	BIGNUM *y = BN_CTX_get(ctx), *right = BN_CTX_get(ctx);

	/* After one failure all further BN_CTX_get() fail. */
	if (right == NULL || EC_GROUP_get_curve(group, p, a, b, ctx) != 1 ||
	    BN_bin2bn(point, half, x) == NULL ||
	    BN_bin2bn(point + half, half, y) == NULL)
		return -1;
	if (BN_cmp(x, p) >= 0 || BN_cmp(y, p) >= 0)
		return 0;
	/* right = (x^2 + a) x + b */
	if (BN_mod_sqr(right, x, p, ctx) != 1 ||
	    BN_mod_add(right, right, a, p, ctx) != 1 ||
	    BN_mod_mul(right, right, x, p, ctx) != 1 ||
	    BN_mod_add(right, right, b, p, ctx) != 1 ||
	    BN_mod_sqr(y, y, p, ctx) != 1)
		return -1;
	return BN_cmp(y, right) == 0;
}

hl_rc
hl_p256_check(const char *what, const uint8_t point[HL_P256_POINT], hl_err *err)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BN_CTX *ctx = BN_CTX_new();
	int on = -1;

	if (group != NULL && ctx != NULL) {
		BN_CTX_start(ctx);
		on = equation_holds(group, point, ctx);
		BN_CTX_end(ctx);
	}
	BN_CTX_free(ctx);
	EC_GROUP_free(group);
	if (on < 0)
		return hl_ossl_fail(err, what);
	if (on == 0)
		return hl_fail(err, HL_EINPUT, what,
		    "it is damaged, or a key of another kind",
		    "the public key is not a point of the curve P-256");
	return HL_OK;
}

bool
hl_p256_on_curve(const uint8_t point[HL_P256_POINT])
{
	return hl_p256_check("check a public key", point, NULL) == HL_OK;
}

/* The next candidate for a private key: random, or SHA-256(seed || i). */
static hl_rc
scalar_candidate(
    const uint8_t *seed, uint32_t i, uint8_t d[HL_P256_SCALAR], hl_err *err)
{
	uint8_t in[HL_P256_SCALAR + 4];
	hl_rc rc;

	if (seed == NULL)
		return hl_random(d, HL_P256_SCALAR, err);
	memcpy(in, seed, HL_P256_SCALAR);
	in[HL_P256_SCALAR] = (uint8_t)(i >> 24);
	in[HL_P256_SCALAR + 1] = (uint8_t)(i >> 16);
	in[HL_P256_SCALAR + 2] = (uint8_t)(i >> 8);
	in[HL_P256_SCALAR + 3] = (uint8_t)i;
	rc = hl_sha256(in, sizeof(in), d, err);
	OPENSSL_cleanse(in, sizeof(in));
	return rc;
}

/* pub = d * G */
static bool
public_of(const uint8_t d[HL_P256_SCALAR], uint8_t pub[HL_P256_POINT])
{
	uint8_t octets[1 + HL_P256_POINT];
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *pt = group != NULL ? EC_POINT_new(group) : NULL;
	BIGNUM *k = BN_bin2bn(d, HL_P256_SCALAR, NULL);
	BN_CTX *bn = BN_CTX_new();
	bool ok = false;

	if (pt == NULL || k == NULL || bn == NULL)
		goto out;
	BN_set_flags(k, BN_FLG_CONSTTIME);
	ok = EC_POINT_mul(group, pt, k, NULL, NULL, bn) == 1 &&
	    EC_POINT_point2oct(group, pt, POINT_CONVERSION_UNCOMPRESSED, octets,
		sizeof(octets), bn) == sizeof(octets);
	if (ok)
		memcpy(pub, octets + 1, HL_P256_POINT);
out:
	BN_CTX_free(bn);
	BN_clear_free(k);
	EC_POINT_free(pt);
	EC_GROUP_free(group);
	return ok;
}

hl_rc
hl_p256_generate(const uint8_t *seed, uint8_t priv[HL_P256_SCALAR],
    uint8_t pub[HL_P256_POINT], hl_err *err)
{
	uint8_t d[HL_P256_SCALAR] = { 0 };
	hl_rc rc = HL_OK;

	for (uint32_t i = 0; rc == HL_OK && !scalar_valid(d); i++)
		rc = scalar_candidate(seed, i, d, err);
	if (rc != HL_OK)
		goto out;
	if (!public_of(d, pub)) {
		rc = hl_ossl_fail(err, "make a P-256 key pair");
		goto out;
	}
	memcpy(priv, d, sizeof(d));
out:
	OPENSSL_cleanse(d, sizeof(d));
	return rc;
}

/* `selection` names the part that the parameters hold. NULL: failed. */
static EVP_PKEY *
key_from_params(int selection, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *
key_private(const uint8_t d[HL_P256_SCALAR])
{
	char group[] = "P-256";
	uint8_t native[HL_P256_SCALAR]; /* numbers go in host byte order */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_BN(
		    OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof(native)),
		OSSL_PARAM_construct_end(),
	};
	BIGNUM *k = BN_bin2bn(d, HL_P256_SCALAR, NULL);
	EVP_PKEY *key = NULL;

	if (k != NULL && BN_bn2nativepad(k, native, sizeof(native)) >= 0)
		key = key_from_params(EVP_PKEY_KEYPAIR, params);
	OPENSSL_cleanse(native, sizeof(native));
	BN_clear_free(k);
	return key;
}

static EVP_PKEY *
key_public(const uint8_t point[HL_P256_POINT])
{
	char group[] = "P-256";
	uint8_t octets[1 + HL_P256_POINT] = { UNCOMPRESSED };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets)),
		OSSL_PARAM_construct_end(),
	};

	memcpy(octets + 1, point, HL_P256_POINT);
	return key_from_params(EVP_PKEY_PUBLIC_KEY, params);
}

hl_rc
hl_p256_ecdh(const uint8_t priv[HL_P256_SCALAR],
    const uint8_t peer[HL_P256_POINT], uint8_t z[32], hl_err *err)
{
	static const char what[] = "agree on a key by ECDH";
	EVP_PKEY *own = NULL, *other = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	uint8_t x[32];
	size_t n = sizeof(x);
	hl_rc rc;

	if ((rc = scalar_check(what, priv, err)) != HL_OK ||
	    (rc = hl_p256_check(what, peer, err)) != HL_OK)
		goto out;
	own = key_private(priv);
	other = key_public(peer);
	if (own == NULL || other == NULL ||
	    (ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL)) == NULL ||
	    EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer(ctx, other) != 1 ||
	    EVP_PKEY_derive(ctx, x, &n) != 1 || n != sizeof(x)) {
		rc = hl_ossl_fail(err, what);
		goto out;
	}
	memcpy(z, x, sizeof(x));
out:
	OPENSSL_cleanse(x, sizeof(x));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(other);
	EVP_PKEY_free(own);
	return rc;
}

/* The two numbers out of the DER that OpenSSL writes. */
static bool
sig_from_der(const uint8_t *der, size_t n, uint8_t sig[HL_P256_SIG])
{
	const uint8_t *p = der;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)n);
	const int half = HL_P256_SIG / 2;
	uint8_t b[HL_P256_SIG];
	bool ok;

	ok = s != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(s), b, half) == half &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(s), b + half, half) == half;
	if (ok)
		memcpy(sig, b, sizeof(b));
	ECDSA_SIG_free(s);
	return ok;
}

hl_rc
hl_p256_sign(const uint8_t priv[HL_P256_SCALAR], const void *msg, size_t n,
    uint8_t sig[HL_P256_SIG], hl_err *err)
{
	static const char what[] = "sign with ECDSA";
	uint8_t der[HL_P256_SIG + 16]; /* 9 bytes of DER at most */
	size_t der_n = sizeof(der);
	EVP_MD_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;
	hl_rc rc;

	if ((rc = scalar_check(what, priv, err)) != HL_OK)
		return rc;
	if ((key = key_private(priv)) == NULL ||
	    (ctx = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, der, &der_n, msg, n) != 1 ||
	    !sig_from_der(der, der_n, sig))
		rc = hl_ossl_fail(err, what);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc;
}

/* DER of the two numbers, for OPENSSL_free(). NULL: failed. */
static uint8_t *
sig_to_der(const uint8_t sig[HL_P256_SIG], size_t *n)
{
	const int half = HL_P256_SIG / 2;
	ECDSA_SIG *s = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig, half, NULL);
	BIGNUM *t = BN_bin2bn(sig + half, half, NULL);
	uint8_t *der = NULL;
	int len = -1;

	if (s != NULL && r != NULL && t != NULL &&
	    ECDSA_SIG_set0(s, r, t) == 1) {
		r = t = NULL; /* s owns them now */
		len = i2d_ECDSA_SIG(s, &der);
	}
	BN_free(t);
	BN_free(r);
	ECDSA_SIG_free(s);
	if (len < 0)
		return NULL;
	*n = (size_t)len;
	return der;
}

hl_rc
hl_p256_sig_der(const uint8_t sig[HL_P256_SIG], hl_buf *der, hl_err *err)
{
	size_t n = 0;
	uint8_t *p = sig_to_der(sig, &n);

	if (p == NULL)
		return hl_ossl_fail(err, "write a signature");
	hl_buf_put(der, p, n);
	OPENSSL_free(p);
	return der->failed ? hl_nomem(err) : HL_OK;
}

bool
hl_p256_verify(const uint8_t pub[HL_P256_POINT], const void *msg, size_t n,
    const uint8_t sig[HL_P256_SIG])
{
	EVP_PKEY *key = key_public(pub);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t der_n = 0;
	uint8_t *der = sig_to_der(sig, &der_n);
	bool ok;

	ok = key != NULL && ctx != NULL && der != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, der, der_n, msg, n) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}
