/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "crypto/ossl.h"
#include "util/rd.h"

#define KDF_MAX ((size_t)255 * HL_SHA256_LEN)
#define ENTROPY_MAX 256 /* getentropy() gives no more at once */

/*
 * The algorithm, looked for once. EVP_sha256() has OpenSSL look for it by name
 * at each use, which takes longer than to hash a node of a ledger's tree. NULL
 * where there is no memory; a later call tries again.
 */
static const EVP_MD *
sha256(void)
{
	static _Atomic(EVP_MD *) found;
	EVP_MD *md = atomic_load(&found), *other = NULL;

	if (md != NULL || (md = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL)
		return md;
	if (atomic_compare_exchange_strong(&found, &other, md))
		return md;
	EVP_MD_free(md); /* another thread was faster */
	return other;
}

hl_rc
hl_sha256(const void *p, size_t n, uint8_t out[HL_SHA256_LEN], hl_err *err)
{
	uint8_t md[HL_SHA256_LEN];

	if (EVP_Digest(p, n, md, NULL, sha256(), NULL) != 1)
		return hl_ossl_fail(err, "hash with SHA-256");
	memcpy(out, md, sizeof(md));
	OPENSSL_cleanse(md, sizeof(md));
	return HL_OK;
}

hl_rc
hl_sha256_prefixed(uint8_t first, const void *p, size_t n,
    uint8_t out[HL_SHA256_LEN], hl_err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const bool done = ctx != NULL &&
	    EVP_DigestInit_ex(ctx, sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, &first, 1) == 1 &&
	    EVP_DigestUpdate(ctx, p, n) == 1 &&
	    EVP_DigestFinal_ex(ctx, out, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return done ? HL_OK : hl_ossl_fail(err, "hash with SHA-256");
}

/* One block of the key: Hash(Z || counter || SharedInfo). */
static bool
kdf_block(EVP_MD_CTX *ctx, hl_rd z, hl_rd info, uint32_t counter,
    uint8_t block[HL_SHA256_LEN])
{
	const uint8_t be[4] = { (uint8_t)(counter >> 24),
		(uint8_t)(counter >> 16), (uint8_t)(counter >> 8),
		(uint8_t)counter };

	return EVP_DigestInit_ex(ctx, sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, z.p, z.n) == 1 &&
	    EVP_DigestUpdate(ctx, be, sizeof(be)) == 1 &&
	    (info.n == 0 || EVP_DigestUpdate(ctx, info.p, info.n) == 1) &&
	    EVP_DigestFinal_ex(ctx, block, NULL) == 1;
}

hl_rc
hl_x963_kdf(const uint8_t *z, size_t z_n, const uint8_t *info, size_t info_n,
    uint8_t *out, size_t n, hl_err *err)
{
	const hl_rd secret = { z, z_n }, shared = { info, info_n };
	uint8_t block[HL_SHA256_LEN];
	EVP_MD_CTX *ctx = NULL;
	size_t done, part;
	hl_rc rc = HL_OK;

	if (z_n == 0 || n == 0 || n > KDF_MAX)
		return hl_fail(err, HL_EINPUT, "derive a key", "",
		    "a secret of %zu bytes cannot give %zu bytes", z_n, n);
	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return hl_ossl_fail(err, "derive a key");
	for (done = 0; done < n; done += part) {
		part = n - done;
		if (part > sizeof(block))
			part = sizeof(block);
		if (!kdf_block(ctx, secret, shared,
			(uint32_t)(done / sizeof(block) + 1), block)) {
			OPENSSL_cleanse(out, n);
			rc = hl_ossl_fail(err, "derive a key");
			goto out;
		}
		memcpy(out + done, block, part);
	}
out:
	OPENSSL_cleanse(block, sizeof(block));
	EVP_MD_CTX_free(ctx);
	return rc;
}

hl_rc
hl_random(void *out, size_t n, hl_err *err)
{
	uint8_t *p = out;
	size_t part;

	for (; n > 0; p += part, n -= part) {
		part = n < ENTROPY_MAX ? n : ENTROPY_MAX;
		if (getentropy(p, part) != 0)
			return hl_fail(err, HL_EIO, "get random bytes",
			    "the kernel's random generator must be usable",
			    "getentropy: %s", strerror(errno));
	}
	return HL_OK;
}

bool
hl_bytes_equal(const void *a, const void *b, size_t n)
{
	return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}
