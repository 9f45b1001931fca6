/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys: read, written, used. */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto/ossl.h"
#include "crypto/p256.h"
#include "crypto/sign_int.h"

#define PEM_MAX ((size_t)64 * 1024)
#define UNCOMPRESSED 0x04

static const char what_read[] = "read the public key";

const char *
hl_key_type_name(hl_key_type type)
{
	return type == HL_KEY_ED25519 ? "Ed25519" : "P-256";
}

bool
hl_public_equal(const hl_public_key *a, const hl_public_key *b)
{
	return a->type == b->type && a->raw_n == b->raw_n &&
	    memcmp(a->raw, b->raw, a->raw_n) == 0;
}

static hl_rc
no_key(hl_err *err, const char *what, const char *why)
{
	return hl_fail(err, HL_EINPUT, what,
	    "it is damaged, or a key of another kind", "%s", why);
}

static hl_rc
check_ed25519(const char *what, const uint8_t *p, size_t n, hl_err *err)
{
	int is;

	if (n != HL_ED25519_LEN)
		return no_key(
		    err, what, "a public key of Ed25519 has 32 bytes");
	if ((is = hl_ed25519_point(p)) < 0)
		return hl_ossl_fail(err, what);
	return is > 0
	    ? HL_OK
	    : no_key(err, what, "the bytes are no public key of Ed25519");
}

static hl_rc
check_p256(const char *what, const uint8_t *p, size_t n, hl_err *err)
{
	if (n != HL_P256_PUBLIC || p[0] != UNCOMPRESSED)
		return no_key(err, what,
		    "a public key on P-256 has 65 bytes, of which the first is "
		    "04");
	return hl_p256_check(what, p + 1, err);
}

static hl_rc
from_raw(const char *what, hl_key_type type, const uint8_t *p, size_t n,
    hl_public_key *out, hl_err *err)
{
	hl_rc rc = type == HL_KEY_ED25519 ? check_ed25519(what, p, n, err)
					  : check_p256(what, p, n, err);

	if (rc != HL_OK)
		return rc;
	*out = (hl_public_key){ .type = type, .raw_n = n };
	memcpy(out->raw, p, n);
	return HL_OK;
}

hl_rc
hl_public_from_raw(hl_key_type type, const uint8_t *p, size_t n,
    hl_public_key *out, hl_err *err)
{
	return from_raw(what_read, type, p, n, out, err);
}

/* NULL: no memory, or a key that was never checked. */
static EVP_PKEY *
to_ossl(const hl_public_key *k)
{
	char group[] = "P-256";
	uint8_t point[HL_P256_PUBLIC];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;

	if (k->type == HL_KEY_ED25519)
		return EVP_PKEY_new_raw_public_key(
		    EVP_PKEY_ED25519, NULL, k->raw, k->raw_n);
	memcpy(point, k->raw, sizeof(point));
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

int
hl_public_judge(const hl_public_key *k, const void *msg, size_t n,
    const uint8_t *sig, size_t sig_n)
{
	EVP_PKEY *key = to_ossl(k);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = k->type == HL_KEY_ED25519 ? NULL : EVP_sha256();
	int r = -1;

	if (key != NULL && ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1) {
		r = EVP_DigestVerify(ctx, sig, sig_n, msg, n) == 1;
		if (r == 0 &&
		    ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE)
			r = -1;
	}
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return r;
}

bool
hl_public_verify(const hl_public_key *k, const void *msg, size_t n,
    const uint8_t *sig, size_t sig_n)
{
	return hl_public_judge(k, msg, n, sig, sig_n) == 1;
}

hl_rc
hl_public_spki(const hl_public_key *k, hl_buf *der, hl_err *err)
{
	EVP_PKEY *key = to_ossl(k);
	uint8_t *p = NULL;
	const int n = key != NULL ? i2d_PUBKEY(key, &p) : -1;
	hl_rc rc = HL_OK;

	if (n <= 0)
		rc = hl_ossl_fail(err, "write a public key");
	else
		hl_buf_put(der, p, (size_t)n);
	if (rc == HL_OK && der->failed)
		rc = hl_nomem(err);
	OPENSSL_free(p);
	EVP_PKEY_free(key);
	return rc;
}

hl_rc
hl_public_pem(const hl_public_key *k, hl_buf *pem, hl_err *err)
{
	EVP_PKEY *key = to_ossl(k);
	BIO *bio = BIO_new(BIO_s_mem());
	hl_rc rc = HL_OK;
	char *p = NULL;
	long n = 0;

	if (key == NULL || bio == NULL || PEM_write_bio_PUBKEY(bio, key) != 1 ||
	    (n = BIO_get_mem_data(bio, &p)) <= 0)
		rc = hl_ossl_fail(err, "write a public key");
	else
		hl_buf_put(pem, p, (size_t)n);
	if (rc == HL_OK && pem->failed)
		rc = hl_nomem(err);
	BIO_free(bio);
	EVP_PKEY_free(key);
	return rc;
}

/* 04, X, Y of a key on P-256. */
static bool
p256_point(EVP_PKEY *key, uint8_t raw[HL_P256_PUBLIC])
{
	BIGNUM *x = NULL, *y = NULL;
	bool ok;

	raw[0] = UNCOMPRESSED;
	ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
	    BN_bn2binpad(x, raw + 1, 32) == 32 &&
	    BN_bn2binpad(y, raw + 33, 32) == 32;
	BN_free(y);
	BN_free(x);
	return ok;
}

static bool
is_p256(EVP_PKEY *key)
{
	char group[64];
	size_t n;

	return EVP_PKEY_is_a(key, "EC") == 1 &&
	    EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
	    (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

hl_rc
hl_public_of(EVP_PKEY *key, const char *what, hl_public_key *out, hl_err *err)
{
	uint8_t raw[HL_P256_PUBLIC];
	size_t n = sizeof(raw);

	if (EVP_PKEY_is_a(key, "ED25519") == 1) {
		if (EVP_PKEY_get_raw_public_key(key, raw, &n) != 1)
			return hl_ossl_fail(err, what);
		return from_raw(what, HL_KEY_ED25519, raw, n, out, err);
	}
	if (is_p256(key)) {
		if (!p256_point(key, raw))
			return hl_ossl_fail(err, what);
		return from_raw(what, HL_KEY_P256, raw, sizeof(raw), out, err);
	}
	return hl_fail(err, HL_EINPUT, what,
	    "use a key of Ed25519, or an EC key on P-256",
	    "keys of the kind %s%s are not for this",
	    EVP_PKEY_get0_type_name(key),
	    EVP_PKEY_is_a(key, "EC") == 1 ? ", on another curve," : "");
}

/* Content of the first PEM block, which must be a public key. */
static hl_rc
first_block(BIO *bio, hl_buf *der, hl_err *err)
{
	char *name = NULL, *header = NULL;
	uint8_t *p = NULL;
	hl_rc rc = HL_OK;
	long n = 0;

	if (PEM_read_bio(bio, &name, &header, &p, &n) != 1) {
		ERR_clear_error();
		return no_key(err, what_read,
		    "it has no whole block between lines of BEGIN and END");
	}
	if (strcmp(name, PEM_STRING_PUBLIC) == 0)
		hl_buf_put(der, p, (size_t)n);
	else if (strstr(name, "PRIVATE") != NULL)
		rc = hl_fail(err, HL_EINPUT, what_read,
		    "openssl pkey -in KEY -pubout writes the public half",
		    "it is a private key, which nobody else should have");
	else
		rc = hl_fail(err, HL_EINPUT, what_read,
		    "give a file that begins with -----BEGIN PUBLIC KEY-----",
		    "it is a block of the kind \"%s\"", name);
	OPENSSL_clear_free(p, (size_t)n);
	OPENSSL_free(header);
	OPENSSL_free(name);
	return rc == HL_OK && der->failed ? hl_nomem(err) : rc;
}

/* Two keys in one file: which is meant? */
static hl_rc
only_blanks_left(BIO *bio, hl_err *err)
{
	char c;

	while (BIO_read(bio, &c, 1) == 1) {
		if (strchr(" \t\r\n", c) == NULL || c == '\0')
			return no_key(err, what_read,
			    "there is something behind the end of the key");
	}
	return HL_OK;
}

static hl_rc
from_spki(const hl_buf *der, hl_public_key *out, hl_err *err)
{
	const uint8_t *p = der->p;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)der->n);
	hl_rc rc;

	if (key == NULL || p != der->p + der->n)
		rc = no_key(err, what_read,
		    "the block does not hold a public key that is known here");
	else
		rc = hl_public_of(key, what_read, out, err);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}

hl_rc
hl_public_read_pem(const char *text, size_t n, hl_public_key *out, hl_err *err)
{
	hl_buf der = HL_BUF_INIT;
	hl_public_key key;
	BIO *bio;
	hl_rc rc;

	if (n > PEM_MAX)
		return no_key(err, what_read, "it is longer than 64 KiB");
	/* OpenSSL would read a line to its first NUL */
	if (n > 0 && memchr(text, '\0', n) != NULL)
		return no_key(err, what_read, "it is not text");
	if ((bio = BIO_new_mem_buf(text, (int)n)) == NULL)
		return hl_ossl_fail(err, what_read);
	rc = first_block(bio, &der, err);
	if (rc == HL_OK)
		rc = from_spki(&der, &key, err);
	if (rc == HL_OK)
		rc = only_blanks_left(bio, err);
	if (rc == HL_OK)
		*out = key;
	BIO_free(bio);
	hl_buf_free(&der);
	return rc;
}
