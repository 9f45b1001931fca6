/* SPDX-License-Identifier: Apache-2.0 */
#include "chip/license.h"

#include <string.h>

#include "crypto/hash.h"

/* Where things lie in a license (docs/open-license-card.md, section 7). */
#define TYPE_AT 0
#define VERSION_AT 8
#define EPHEMERAL_AT 24
#define SECRET_AT 88 /* the end of what is not encrypted, too */
#define TAG_AT 120

#define TYPE_WORD_SSP 0x2E505353u /* "SSP." */
#define TYPE_WORD_SFI 0x2E494653u /* "SFI." */
#define LAYOUT_VERSION 1

/* The encrypted part: 16 bytes IV (nonce, four zeros), then the key. */
#define SECRET_LEN (TAG_AT - SECRET_AT)
#define SECRET_KEY_AT 16

#define KDF_LEN 48

/* What both ends derive from ECDH. Wipe after use. */
struct session {
	uint8_t key[HL_GCM_KEY];
	uint8_t aad[SECRET_AT + KDF_LEN - HL_GCM_KEY];
};

/* A session key encrypts one license, so its IV may be constant. */
static const uint8_t session_iv[HL_GCM_IV];

static void
word_put(uint8_t *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* The 24 bytes before the ephemeral key. */
static void
head_put(uint8_t lic[EPHEMERAL_AT], uint32_t type_word)
{
	memset(lic, 0, EPHEMERAL_AT);
	word_put(lic + TYPE_AT, type_word);
	word_put(lic + VERSION_AT, LAYOUT_VERSION);
}

static hl_rc
session_derive(struct session *s, const uint8_t priv[HL_P256_SCALAR],
    const uint8_t peer[HL_P256_POINT], const uint8_t *lic, hl_err *err)
{
	uint8_t z[32], k[KDF_LEN];
	hl_rc rc;

	if ((rc = hl_p256_ecdh(priv, peer, z, err)) != HL_OK)
		goto out;
	rc = hl_x963_kdf(
	    z, sizeof(z), lic + EPHEMERAL_AT, HL_P256_POINT, k, sizeof(k), err);
	if (rc != HL_OK)
		goto out;
	memcpy(s->key, k, HL_GCM_KEY);
	memcpy(s->aad, lic, SECRET_AT);
	memcpy(s->aad + SECRET_AT, k + HL_GCM_KEY, sizeof(k) - HL_GCM_KEY);
out:
	explicit_bzero(z, sizeof(z));
	explicit_bzero(k, sizeof(k));
	return rc;
}

hl_rc
hl_license_make(const hl_firmware_key *key,
    const uint8_t chip_pub[HL_P256_POINT], const char *type,
    const uint8_t *seed, uint8_t out[HL_LICENSE_OLC], hl_err *err)
{
	uint8_t lic[HL_LICENSE_OLC], priv[HL_P256_SCALAR];
	uint8_t secret[SECRET_LEN] = { 0 };
	struct session s;
	hl_rc rc;

	memcpy(secret, key->nonce, HL_NONCE_LEN);
	memcpy(secret + SECRET_KEY_AT, key->key, HL_GCM_KEY);
	head_put(lic, strcmp(type, "SSP") == 0 ? TYPE_WORD_SSP : TYPE_WORD_SFI);
	rc = hl_p256_generate(seed, priv, lic + EPHEMERAL_AT, err);
	if (rc != HL_OK)
		goto out;
	if ((rc = session_derive(&s, priv, chip_pub, lic, err)) != HL_OK)
		goto out;
	rc = hl_gcm_encrypt(s.key, session_iv, s.aad, sizeof(s.aad), secret,
	    sizeof(secret), lic + SECRET_AT, lic + TAG_AT, err);
	if (rc != HL_OK)
		goto out;
	memcpy(out, lic, sizeof(lic));
out:
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(priv, sizeof(priv));
	explicit_bzero(&s, sizeof(s));
	return rc;
}

/* All that can be seen without a key. */
static hl_rc
form_check(const char *what, const uint8_t *lic, size_t n, hl_err *err)
{
	static const char hint[] = "give the license as the card made it";
	uint8_t ssp[EPHEMERAL_AT], sfi[EPHEMERAL_AT];

	if (n != HL_LICENSE_OLC)
		return hl_fail(err, HL_EINPUT, what, hint,
		    "%zu bytes, a license of the Open License Card has %d", n,
		    HL_LICENSE_OLC);
	head_put(ssp, TYPE_WORD_SSP);
	head_put(sfi, TYPE_WORD_SFI);
	if (memcmp(lic, ssp, sizeof(ssp)) != 0 &&
	    memcmp(lic, sfi, sizeof(sfi)) != 0)
		return hl_fail(err, HL_EINPUT, what, hint,
		    "its first 24 bytes are not those of an Open License Card "
		    "license");
	return HL_OK;
}

static hl_rc
secret_parse(const char *what, const uint8_t secret[SECRET_LEN],
    hl_firmware_key *key, hl_err *err)
{
	static const uint8_t zeros[SECRET_KEY_AT - HL_NONCE_LEN];

	if (!hl_bytes_equal(secret + HL_NONCE_LEN, zeros, sizeof(zeros)))
		return hl_fail(err, HL_EINPUT, what,
		    "the card does not follow the Open License Card protocol",
		    "the encrypted IV does not end in four zero bytes");
	memcpy(key->nonce, secret, HL_NONCE_LEN);
	memcpy(key->key, secret + SECRET_KEY_AT, HL_GCM_KEY);
	return HL_OK;
}

hl_rc
hl_license_open(const uint8_t *lic, size_t n,
    const uint8_t chip_priv[HL_P256_SCALAR], hl_firmware_key *key, hl_err *err)
{
	static const char what[] = "open a license";
	uint8_t secret[SECRET_LEN];
	struct session s;
	hl_rc rc = form_check(what, lic, n, err);

	if (rc != HL_OK)
		return rc;
	rc = session_derive(&s, chip_priv, lic + EPHEMERAL_AT, lic, err);
	if (rc != HL_OK) {
		hl_err_what(err, "%s", what);
		goto out;
	}
	rc = hl_gcm_decrypt(s.key, session_iv, s.aad, sizeof(s.aad),
	    lic + SECRET_AT, sizeof(secret), secret, lic + TAG_AT, err);
	if (rc == HL_EINTEGRITY)
		rc = hl_fail(err, rc, what,
		    "get the license that was made for this chip",
		    "made for another chip, or changed since it was made");
	if (rc == HL_OK)
		rc = secret_parse(what, secret, key, err);
out:
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(&s, sizeof(s));
	return rc;
}
