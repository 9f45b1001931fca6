/* SPDX-License-Identifier: Apache-2.0 */
/* Signers: which kind a key is, and what holds for all of them. */
#include <string.h>

#include <openssl/crypto.h>

#include "crypto/p11_uri.h"
#include "crypto/sign_int.h"

hl_rc
hl_pin_ask(const hl_pin_source *pin, const char *what, bool last_try,
    char buf[HL_PIN_SIZE], hl_err *err)
{
	hl_rc rc;

	memset(buf, 0, HL_PIN_SIZE);
	if (pin == NULL || pin->ask == NULL)
		return hl_fail(err, HL_EUSAGE, "use the signing key",
		    "say with --pin where it is to be had", "it needs the %s",
		    what);
	rc = pin->ask(pin->arg, what, last_try, buf, HL_PIN_SIZE, err);
	buf[HL_PIN_SIZE - 1] = '\0';
	/* An empty one is never right, and could cost a try. */
	if (rc == HL_OK && buf[0] == '\0')
		rc = hl_fail(err, HL_EINPUT, "use the signing key",
		    "give the right one; an empty one is never tried",
		    "the %s is empty", what);
	if (rc != HL_OK)
		OPENSSL_cleanse(buf, HL_PIN_SIZE);
	return rc;
}

hl_rc
hl_signer_open(hl_signer **out, const char *key, const char *module,
    const hl_pin_source *pin, hl_err *err)
{
	*out = NULL;
	return hl_p11_uri_is(key)
	    ? hl_signer_open_token(out, key, module, pin, err)
	    : hl_signer_open_file(out, key, pin, err);
}

bool
hl_signer_needs_pin(const char *key)
{
	hl_p11_uri uri;

	if (!hl_p11_uri_is(key))
		return hl_signer_file_sealed(key);
	return hl_p11_uri_parse(key, &uri, NULL) == HL_OK &&
	    uri.pin_file[0] == '\0';
}

const hl_public_key *
hl_signer_public(const hl_signer *s)
{
	return &s->key;
}

bool
hl_signer_on_token(const hl_signer *s)
{
	return s->on_token;
}

/* A faulty signature can be more than useless: it can give the key away. */
static hl_rc
check(const hl_signer *s, const void *msg, size_t n, const hl_buf *sig,
    hl_err *err)
{
	const int r = hl_public_judge(&s->key, msg, n, sig->p, sig->n);

	if (r == 1)
		return HL_OK;
	if (r < 0)
		return hl_nomem(err);
	if (s->on_token)
		return hl_fail(err, HL_ECARD, "sign with the token",
		    "if it happens again, its key and its public key or "
		    "certificate do not belong together",
		    "its signature does not verify with its public key");
	return hl_fail(err, HL_EINTEGRITY, "sign",
	    "restore the key file from a copy",
	    "the signature does not verify: the key file is damaged");
}

hl_rc
hl_signer_sign(
    hl_signer *s, const void *msg, size_t n, hl_buf *sig, hl_err *err)
{
	hl_buf made = HL_BUF_INIT;
	hl_rc rc;

	rc = s->sign(s, msg, n, &made, err);
	if (rc == HL_OK && made.failed)
		rc = hl_nomem(err);
	if (rc == HL_OK)
		rc = check(s, msg, n, &made, err);
	if (rc == HL_OK) {
		hl_buf_put(sig, made.p, made.n);
		if (sig->failed)
			rc = hl_nomem(err);
	}
	hl_buf_free(&made);
	return rc;
}

void
hl_signer_close(hl_signer **s)
{
	if (*s != NULL)
		(*s)->close(*s);
	*s = NULL;
}
