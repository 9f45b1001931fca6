/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys in PKCS #8 PEM files. */
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "crypto/hash.h"
#include "crypto/ossl.h"
#include "crypto/sign_int.h"
#include "util/file.h"
#include "util/text.h"

#define FILE_MAX_SIZE ((size_t)64 * 1024)
#define SALT_LEN 16
#define ROUNDS 600000

typedef struct file_signer {
	hl_signer base; /* first: both have one address */
	EVP_PKEY *key;
} file_signer;

/* One PEM block. */
typedef struct block {
	char *name, *header;
	uint8_t *p;
	long n;
} block;

static void
block_free(block *b)
{
	OPENSSL_clear_free(b->p, b->n > 0 ? (size_t)b->n : 0);
	OPENSSL_free(b->header);
	OPENSSL_free(b->name);
}

static hl_rc
bad_file(hl_err *err, const char *why, const char *hint)
{
	return hl_fail(err, HL_EINPUT, "read the key", hint, "%s", why);
}

/* The first block of the text that is a private key, of whatever kind. */
static hl_rc
find_block(const hl_buf *text, block *out, hl_err *err)
{
	BIO *bio = BIO_new_mem_buf(text->p, (int)text->n);
	bool found = false;

	*out = (block){ 0 };
	if (bio == NULL)
		return hl_ossl_fail(err, "read the key");
	while (!found) {
		*out = (block){ 0 };
		if (PEM_read_bio(
			bio, &out->name, &out->header, &out->p, &out->n) != 1)
			break;
		found =
		    out->name != NULL && hl_text_ends(out->name, "PRIVATE KEY");
		if (!found)
			block_free(out);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (found)
		return HL_OK;
	*out = (block){ 0 };
	return bad_file(err, "it holds no private key in PEM form",
	    "a key file begins with -----BEGIN PRIVATE KEY-----; for a key on "
	    "a token give a URI, pkcs11:...");
}

/* The key of an encrypted block, or NULL. */
static PKCS8_PRIV_KEY_INFO *
decrypt(const block *b, const char *passphrase)
{
	const uint8_t *p = b->p;
	X509_SIG *sealed = d2i_X509_SIG(NULL, &p, b->n);
	PKCS8_PRIV_KEY_INFO *info = NULL;

	if (sealed != NULL)
		info =
		    PKCS8_decrypt(sealed, passphrase, (int)strlen(passphrase));
	X509_SIG_free(sealed);
	return info;
}

static bool
is_sealed(const block *b)
{
	return strcmp(b->name, PEM_STRING_PKCS8) == 0;
}

static hl_rc
open_sealed(
    const block *b, const char *secret, PKCS8_PRIV_KEY_INFO **info, hl_err *err)
{
	*info = decrypt(b, secret);
	ERR_clear_error();
	return *info != NULL
	    ? HL_OK
	    : hl_fail(err, HL_EACCESS, "read the key",
		  "try again with the right one: no tries are counted for a "
		  "file; --pin says where it is to be had",
		  "the passphrase is wrong, or the file is damaged");
}

static hl_rc
open_block(
    const block *b, const char *secret, PKCS8_PRIV_KEY_INFO **info, hl_err *err)
{
	const uint8_t *p = b->p;

	if (is_sealed(b))
		return open_sealed(b, secret, info, err);
	if (strcmp(b->name, PEM_STRING_PKCS8INF) != 0)
		return hl_fail(err, HL_EINPUT, "read the key",
		    "openssl pkcs8 -topk8 -in OLD -out NEW makes a key file "
		    "of the kind that is read here",
		    "it is a block of the kind \"%s\", not PKCS #8", b->name);
	*info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, b->n);
	ERR_clear_error();
	return *info != NULL ? HL_OK : bad_file(err, "it is damaged", "");
}

static hl_rc
read_block(const block *b, const char *secret, EVP_PKEY **key, hl_err *err)
{
	PKCS8_PRIV_KEY_INFO *info = NULL;
	hl_rc rc = open_block(b, secret, &info, err);

	if (rc == HL_OK && (*key = EVP_PKCS82PKEY(info)) == NULL)
		rc = bad_file(err, "it is damaged, or of a kind not known here",
		    "use a key of Ed25519, or an EC key on P-256");
	PKCS8_PRIV_KEY_INFO_free(info);
	ERR_clear_error();
	return rc;
}

/* What fails here is not the key file, and says itself what it is. */
static hl_rc
ask_secret(const block *b, const char *path, const hl_pin_source *pin,
    char secret[HL_PIN_SIZE], hl_err *err)
{
	char what[HL_TEXT_MAX];

	if (!is_sealed(b))
		return HL_OK;
	(void)hl_text_format(
	    what, sizeof(what), "passphrase of the key file \"%s\"", path);
	return hl_pin_ask(pin, what, false, secret, err);
}

static hl_rc
sign(hl_signer *s, const void *msg, size_t n, hl_buf *sig, hl_err *err)
{
	EVP_PKEY *key = ((file_signer *)(void *)s)->key;
	const EVP_MD *md = s->key.type == HL_KEY_ED25519 ? NULL : EVP_sha256();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t out[80]; /* ECDSA on P-256: 72 at most */
	size_t out_n = sizeof(out);
	hl_rc rc = HL_OK;

	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, md, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, out, &out_n, msg, n) != 1)
		rc = hl_ossl_fail(err, "sign");
	else
		hl_buf_put(sig, out, out_n);
	EVP_MD_CTX_free(ctx);
	return rc;
}

static void
close_signer(hl_signer *s)
{
	file_signer *f = (file_signer *)(void *)s;

	EVP_PKEY_free(f->key);
	free(f);
}

/* Takes the key over. */
static hl_rc
make_signer(hl_signer **out, EVP_PKEY *key, hl_err *err)
{
	file_signer *f = calloc(1, sizeof(*f));
	hl_rc rc;

	if (f == NULL)
		rc = hl_nomem(err);
	else
		rc = hl_public_of(key, "read the key", &f->base.key, err);
	if (rc != HL_OK) {
		free(f);
		EVP_PKEY_free(key);
		return rc;
	}
	f->base.sign = sign;
	f->base.close = close_signer;
	f->key = key;
	*out = &f->base;
	return HL_OK;
}

static hl_rc
open_key(hl_signer **out, const block *b, const char *secret, const char *path,
    hl_err *err)
{
	EVP_PKEY *key = NULL;
	hl_rc rc;

	if ((rc = read_block(b, secret, &key, err)) == HL_OK)
		rc = make_signer(out, key, err);
	if (rc != HL_OK)
		hl_err_what(err, "read the key in \"%s\"", path);
	return rc;
}

/* The block of the key in the file; the caller frees it. */
static hl_rc
read_key_file(const char *path, block *b, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_rc rc;

	*b = (block){ 0 };
	rc = hl_file_read_secret(path, FILE_MAX_SIZE, &text, err);
	if (rc != HL_OK)
		return rc;
	if ((rc = find_block(&text, b, err)) != HL_OK)
		hl_err_what(err, "read the key in \"%s\"", path);
	hl_buf_free(&text);
	return rc;
}

hl_rc
hl_signer_open_file(
    hl_signer **out, const char *path, const hl_pin_source *pin, hl_err *err)
{
	char secret[HL_PIN_SIZE] = "";
	block b;
	hl_rc rc;

	if ((rc = read_key_file(path, &b, err)) != HL_OK)
		return rc;
	if ((rc = ask_secret(&b, path, pin, secret, err)) == HL_OK)
		rc = open_key(out, &b, secret, path, err);
	OPENSSL_cleanse(secret, sizeof(secret));
	block_free(&b);
	return rc;
}

bool
hl_signer_file_sealed(const char *path)
{
	bool yes = false;
	block b;

	if (read_key_file(path, &b, NULL) == HL_OK) {
		yes = is_sealed(&b);
		block_free(&b);
	}
	return yes;
}

/* ---- new keys ----------------------------------------------------------- */

static EVP_PKEY *
generate(hl_key_type type)
{
	return type == HL_KEY_ED25519
	    ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
	    : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

/* Twice: what was mistyped once could never be typed again. */
static hl_rc
ask_new(const hl_pin_source *pin, const char *path, char secret[HL_PIN_SIZE],
    hl_err *err)
{
	char again[HL_PIN_SIZE], what[HL_TEXT_MAX];
	hl_rc rc;

	(void)hl_text_format(
	    what, sizeof(what), "new passphrase of the key file \"%s\"", path);
	rc = hl_pin_ask(pin, what, false, secret, err);
	if (rc != HL_OK)
		return rc;
	(void)hl_text_format(
	    what, sizeof(what), "same passphrase of \"%s\" again", path);
	rc = hl_pin_ask(pin, what, false, again, err);
	if (rc == HL_OK && strcmp(secret, again) != 0)
		rc = hl_fail(err, HL_EINPUT, "make a key", "do it again",
		    "the two passphrases are not the same");
	OPENSSL_cleanse(again, sizeof(again));
	if (rc != HL_OK)
		OPENSSL_cleanse(secret, HL_PIN_SIZE);
	return rc;
}

/* PBES2, RFC 8018. */
static bool
write_sealed(BIO *bio, PKCS8_PRIV_KEY_INFO *info, const char *secret)
{
	uint8_t salt[SALT_LEN];
	X509_SIG *sealed = NULL;
	bool ok;

	if (hl_random(salt, sizeof(salt), NULL) != HL_OK)
		return false;
	sealed = PKCS8_encrypt(-1, EVP_aes_256_cbc(), secret,
	    (int)strlen(secret), salt, sizeof(salt), ROUNDS, info);
	ok = sealed != NULL && PEM_write_bio_PKCS8(bio, sealed) == 1;
	X509_SIG_free(sealed);
	return ok;
}

/* `secret` NULL: not encrypted. */
static hl_rc
write_key(BIO *bio, EVP_PKEY *key, const char *secret, hl_err *err)
{
	PKCS8_PRIV_KEY_INFO *info = key != NULL ? EVP_PKEY2PKCS8(key) : NULL;
	bool ok;

	if (info == NULL)
		ok = false;
	else if (secret != NULL)
		ok = write_sealed(bio, info, secret);
	else
		ok = PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1;
	PKCS8_PRIV_KEY_INFO_free(info);
	return ok ? HL_OK : hl_ossl_fail(err, "make a key");
}

static hl_rc
write_file(const char *path, BIO *bio, hl_err *err)
{
	char *p = NULL;
	const long n = BIO_get_mem_data(bio, &p);

	return hl_file_create(path, p, (size_t)n, 0600, err);
}

hl_rc
hl_signer_generate(const char *path, hl_key_type type,
    const hl_pin_source *passphrase, hl_err *err)
{
	char secret[HL_PIN_SIZE] = "";
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	hl_rc rc = HL_OK;

	if (passphrase != NULL)
		rc = ask_new(passphrase, path, secret, err);
	if (rc != HL_OK)
		return rc;
	key = generate(type);
	bio = BIO_new(BIO_s_secmem());
	if (key == NULL || bio == NULL)
		rc = hl_ossl_fail(err, "make a key");
	else
		rc = write_key(
		    bio, key, passphrase != NULL ? secret : NULL, err);
	OPENSSL_cleanse(secret, sizeof(secret));
	if (rc == HL_OK)
		rc = write_file(path, bio, err);
	BIO_free(bio);
	EVP_PKEY_free(key);
	return rc;
}
