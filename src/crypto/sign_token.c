/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys on PKCS #11 tokens. */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/p11.h"
#include "crypto/p256.h"
#include "crypto/sign_int.h"
#include "util/file.h"
#include "util/text.h"

typedef struct token_signer {
	hl_signer base; /* first: both have one address */
	hl_p11 p11;
	CK_OBJECT_HANDLE object;
	bool pin_each_time;
	char pin_file[PATH_MAX]; /* of the URI, or "" */
	hl_pin_source pin;
	bool has_pin;
} token_signer;

/* A PIN in a file: its first line. */
static hl_rc
ask_file(void *arg, const char *what, bool last_try, char *buf, size_t size,
    hl_err *err)
{
	const char *path = arg;
	hl_buf text = HL_BUF_INIT;
	size_t n;
	hl_rc rc;

	(void)what;
	(void)last_try;
	rc = hl_file_read_secret(path, size, &text, err);
	if (rc != HL_OK)
		return rc;
	n = strcspn(hl_buf_str(&text), "\r\n");
	if (n >= size || memchr(text.p, '\0', text.n) != NULL)
		rc = hl_fail(err, HL_EINPUT, "read the PIN", "",
		    "\"%s\" does not hold a line of text, short enough for a "
		    "PIN",
		    path);
	else
		memcpy(buf, text.p, n);
	hl_buf_free(&text);
	return rc;
}

static const hl_pin_source *
pin_of(const token_signer *t)
{
	return t->has_pin ? &t->pin : NULL;
}

static void
set_pin(token_signer *t, const hl_p11_uri *uri, const hl_pin_source *pin)
{
	t->has_pin = pin != NULL;
	if (pin != NULL)
		t->pin = *pin;
	if (uri->pin_file[0] == '\0')
		return;
	memcpy(t->pin_file, uri->pin_file, sizeof(t->pin_file));
	t->pin.ask = ask_file;
	t->pin.arg = t->pin_file;
	t->has_pin = true;
}

/*
 * Asks the token. ECDSA: over the hash, made here, since tokens that hash
 * themselves are rare; the answer is r and s. EdDSA: over the message (PKCS #11
 * v3.0, 2.3.14).
 */
static CK_RV
ask_token(token_signer *t, const void *in, size_t n, uint8_t out[64],
    CK_ULONG *out_n, hl_rc *login, hl_err *err)
{
	hl_p11 *p = &t->p11;
	CK_MECHANISM how = {
		t->base.key.type == HL_KEY_P256 ? CKM_ECDSA : CKM_EDDSA, NULL, 0
	};
	uint8_t *copy = malloc(n + 1); /* PKCS #11 knows no const */
	CK_RV rv;

	*login = HL_OK;
	if (copy == NULL)
		return CKR_HOST_MEMORY;
	if (n > 0)
		memcpy(copy, in, n);
	rv = p->f->C_SignInit(p->session, &how, t->object);
	if (rv == CKR_OK && t->pin_each_time)
		*login = hl_p11_login(p, CKU_CONTEXT_SPECIFIC, pin_of(t), err);
	if (rv == CKR_OK && *login == HL_OK)
		rv = p->f->C_Sign(p->session, copy, n, out, out_n);
	free(copy);
	return rv;
}

static hl_rc
sign(hl_signer *s, const void *msg, size_t n, hl_buf *sig, hl_err *err)
{
	token_signer *t = (token_signer *)(void *)s;
	uint8_t hash[HL_SHA256_LEN], out[64];
	CK_ULONG out_n = sizeof(out);
	const bool ecdsa = s->key.type == HL_KEY_P256;
	hl_rc rc, login;
	CK_RV rv;

	if (ecdsa && (rc = hl_sha256(msg, n, hash, err)) != HL_OK)
		return rc;
	rv = ask_token(t, ecdsa ? hash : msg, ecdsa ? sizeof(hash) : n, out,
	    &out_n, &login, err);
	if (login != HL_OK)
		return login;
	if (rv != CKR_OK)
		return hl_p11_fail(&t->p11, rv, "sign with", err);
	if (out_n != sizeof(out))
		return hl_fail(err, HL_ECARD, "sign with the token", "",
		    "its signature has %lu bytes instead of 64", out_n);
	if (ecdsa)
		return hl_p256_sig_der(out, sig, err);
	hl_buf_put(sig, out, sizeof(out));
	return HL_OK;
}

static void
close_signer(hl_signer *s)
{
	token_signer *t = (token_signer *)(void *)s;

	hl_p11_close(&t->p11);
	free(t);
}

static hl_rc
check_uri(const hl_p11_uri *uri, hl_err *err)
{
	if (uri->unknown[0] != '\0')
		return hl_fail(err, HL_EINPUT, "find the token",
		    "take it out, if it is not needed to find the key",
		    "the attribute \"%s\" of the URI is not known here; "
		    "without it another key could be meant",
		    uri->unknown);
	if (uri->type != HL_P11_ANY && uri->type != HL_P11_PRIVATE)
		return hl_fail(err, HL_EINPUT, "find the key",
		    "write type=private, or leave it out",
		    "the URI's type names something that cannot sign");
	return HL_OK;
}

static hl_rc
open_key(token_signer *t, const hl_p11_uri *uri, hl_err *err)
{
	hl_p11_key key;
	hl_rc rc = HL_OK;

	if ((t->p11.info.flags & CKF_LOGIN_REQUIRED) != 0)
		rc = hl_p11_login(&t->p11, CKU_USER, pin_of(t), err);
	if (rc == HL_OK)
		rc = hl_p11_find_key(&t->p11, uri, &key, err);
	if (rc != HL_OK)
		return rc;
	t->object = key.object;
	t->pin_each_time = key.pin_each_time;
	t->base.key = key.public;
	return HL_OK;
}

hl_rc
hl_signer_open_token(hl_signer **out, const char *text, const char *module,
    const hl_pin_source *pin, hl_err *err)
{
	token_signer *t;
	hl_p11_uri uri;
	hl_rc rc;

	if ((rc = hl_p11_uri_parse(text, &uri, err)) != HL_OK ||
	    (rc = check_uri(&uri, err)) != HL_OK)
		return rc;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return hl_nomem(err);
	t->base.on_token = true;
	t->base.sign = sign;
	t->base.close = close_signer;
	set_pin(t, &uri, pin);
	rc = hl_p11_load(&t->p11, module, &uri, err);
	if (rc == HL_OK)
		rc = hl_p11_find_token(&t->p11, &uri, err);
	if (rc == HL_OK)
		rc = open_key(t, &uri, err);
	if (rc == HL_OK)
		*out = &t->base;
	else
		close_signer(&t->base);
	return rc;
}
