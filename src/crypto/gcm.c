/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/gcm.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/ossl.h"

/* OpenSSL counts in int. */
static hl_rc
sizes_check(const char *what, size_t aad_n, size_t n, hl_err *err)
{
	if (aad_n > INT_MAX || n > INT_MAX)
		return hl_fail(err, HL_EINPUT, what, "",
		    "%zu bytes are too long for one message",
		    n > aad_n ? n : aad_n);
	return HL_OK;
}

static bool
encrypt(EVP_CIPHER_CTX *ctx, const uint8_t *aad, size_t aad_n,
    const uint8_t *in, size_t n, uint8_t *out, uint8_t *tag)
{
	uint8_t rest[HL_GCM_TAG]; /* GCM is a stream: nothing is left over */
	int len;

	return (aad_n == 0 ||
		   EVP_EncryptUpdate(ctx, NULL, &len, aad, (int)aad_n) == 1) &&
	    (n == 0 || EVP_EncryptUpdate(ctx, out, &len, in, (int)n) == 1) &&
	    EVP_EncryptFinal_ex(ctx, rest, &len) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, HL_GCM_TAG, tag) ==
	    1;
}

hl_rc
hl_gcm_encrypt(const uint8_t key[HL_GCM_KEY], const uint8_t iv[HL_GCM_IV],
    const uint8_t *aad, size_t aad_n, const uint8_t *in, size_t n, uint8_t *out,
    uint8_t tag[HL_GCM_TAG], hl_err *err)
{
	static const char what[] = "encrypt with AES-GCM";
	EVP_CIPHER_CTX *ctx = NULL;
	hl_rc rc = sizes_check(what, aad_n, n, err);

	if (rc != HL_OK)
		return rc;
	ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL ||
	    EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, iv) != 1 ||
	    !encrypt(ctx, aad, aad_n, in, n, out, tag)) {
		if (n > 0)
			OPENSSL_cleanse(out, n);
		rc = hl_ossl_fail(err, what);
	}
	EVP_CIPHER_CTX_free(ctx);
	return rc;
}

static bool
decrypt(EVP_CIPHER_CTX *ctx, const uint8_t *aad, size_t aad_n,
    const uint8_t *in, size_t n, uint8_t *out, const uint8_t *tag)
{
	uint8_t copy[HL_GCM_TAG]; /* the call takes no const */
	int len;

	memcpy(copy, tag, sizeof(copy));
	return (aad_n == 0 ||
		   EVP_DecryptUpdate(ctx, NULL, &len, aad, (int)aad_n) == 1) &&
	    (n == 0 || EVP_DecryptUpdate(ctx, out, &len, in, (int)n) == 1) &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, HL_GCM_TAG, copy) ==
	    1;
}

hl_rc
hl_gcm_decrypt(const uint8_t key[HL_GCM_KEY], const uint8_t iv[HL_GCM_IV],
    const uint8_t *aad, size_t aad_n, const uint8_t *in, size_t n, uint8_t *out,
    const uint8_t tag[HL_GCM_TAG], hl_err *err)
{
	static const char what[] = "decrypt with AES-GCM";
	uint8_t rest[HL_GCM_TAG];
	EVP_CIPHER_CTX *ctx = NULL;
	hl_rc rc = sizes_check(what, aad_n, n, err);
	int len;

	if (rc != HL_OK)
		return rc;
	ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL ||
	    EVP_DecryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, iv) != 1 ||
	    !decrypt(ctx, aad, aad_n, in, n, out, tag)) {
		rc = hl_ossl_fail(err, what);
	} else if (EVP_DecryptFinal_ex(ctx, rest, &len) != 1) {
		ERR_clear_error();
		rc = hl_fail(err, HL_EINTEGRITY, what, "",
		    "the tag does not belong to these bytes and this key");
	}
	if (rc != HL_OK && n > 0)
		OPENSSL_cleanse(out, n);
	EVP_CIPHER_CTX_free(ctx);
	return rc;
}
