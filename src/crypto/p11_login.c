/* SPDX-License-Identifier: Apache-2.0 */
/* PINs: tokens lock after a few wrong ones, and some are lost then. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "crypto/p11.h"
#include "crypto/sign_int.h"
#include "util/text.h"

static hl_rc
refused(const hl_p11 *p, const char *why, const char *hint, hl_err *err)
{
	hl_fail(err, HL_EACCESS, "", hint, "%s", why);
	hl_err_what(err, "log in to token \"%s\"", p->name);
	return HL_EACCESS;
}

static hl_rc
refresh(hl_p11 *p, hl_err *err)
{
	const CK_RV rv = p->f->C_GetTokenInfo(p->slot, &p->info);

	return rv == CKR_OK ? HL_OK : hl_p11_fail(p, rv, "log in to", err);
}

/* A wrong PIN costs a try, and nothing here can know whether it is right. */
static hl_rc
check_tries(const hl_p11 *p, const hl_pin_source *pin, hl_err *err)
{
	if ((p->info.flags & CKF_USER_PIN_LOCKED) != 0)
		return refused(p, "the PIN is locked",
		    "unlock it by the token's own tools (PUK or security "
		    "officer)",
		    err);
	if ((p->info.flags & CKF_USER_PIN_FINAL_TRY) != 0 &&
	    (pin == NULL || !pin->last_try_ok))
		return refused(p,
		    "one more wrong PIN locks it, and that try is not spent "
		    "without being told to",
		    "the right PIN, entered once by the token's own tools, "
		    "brings the other tries back",
		    err);
	return HL_OK;
}

/* After a wrong one: what is left, as far as the token tells. */
static hl_rc
wrong(hl_p11 *p, hl_err *err)
{
	const char *left = "";

	if (p->f->C_GetTokenInfo(p->slot, &p->info) != CKR_OK)
		left = "";
	else if ((p->info.flags & CKF_USER_PIN_LOCKED) != 0)
		left = "; it is locked now";
	else if ((p->info.flags & CKF_USER_PIN_FINAL_TRY) != 0)
		left = "; one try is left before it is locked";
	else if ((p->info.flags & CKF_USER_PIN_COUNT_LOW) != 0)
		left = "; tries are left, but fewer";
	hl_fail(err, HL_EACCESS, "",
	    "it was tried once; each wrong one brings the token nearer to "
	    "being locked",
	    "the PIN is wrong%s", left);
	hl_err_what(err, "log in to token \"%s\"", p->name);
	return HL_EACCESS;
}

static hl_rc
judge(hl_p11 *p, CK_RV rv, hl_err *err)
{
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return HL_OK;
	if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID ||
	    rv == CKR_PIN_LEN_RANGE)
		return wrong(p, err);
	return hl_p11_fail(p, rv, "log in to", err);
}

/* A PIN that no token of these limits can have is not worth a try. */
static hl_rc
check_length(const hl_p11 *p, size_t n, hl_err *err)
{
	const CK_ULONG min = p->info.ulMinPinLen, max = p->info.ulMaxPinLen;

	if (min > max || max == 0 || max > HL_PIN_SIZE ||
	    (n >= min && n <= max))
		return HL_OK;
	hl_fail(err, HL_EINPUT, "", "",
	    "the PIN given cannot be right: the token takes %lu to %lu "
	    "characters; it was not tried",
	    min, max);
	hl_err_what(err, "log in to token \"%s\"", p->name);
	return HL_EINPUT;
}

static hl_rc
by_pin(hl_p11 *p, CK_USER_TYPE user, const hl_pin_source *pin, hl_err *err)
{
	const bool last = (p->info.flags & CKF_USER_PIN_FINAL_TRY) != 0;
	char secret[HL_PIN_SIZE], what[HL_TEXT_MAX];
	CK_RV rv = CKR_OK;
	hl_rc rc;

	(void)hl_text_format(
	    what, sizeof(what), "PIN of token \"%s\"", p->name);
	hl_text_clean(what);
	rc = hl_pin_ask(pin, what, last, secret, err);
	if (rc == HL_OK)
		rc = check_length(p, strlen(secret), err);
	if (rc == HL_OK)
		rv = p->f->C_Login(
		    p->session, user, (unsigned char *)secret, strlen(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	return rc == HL_OK ? judge(p, rv, err) : rc;
}

hl_rc
hl_p11_login(
    hl_p11 *p, CK_USER_TYPE user, const hl_pin_source *pin, hl_err *err)
{
	hl_rc rc;

	if ((rc = refresh(p, err)) != HL_OK ||
	    (rc = check_tries(p, pin, err)) != HL_OK)
		return rc;
	/* a reader with keys of its own: it asks, and no PIN passes by here */
	if ((p->info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0)
		return judge(p, p->f->C_Login(p->session, user, NULL, 0), err);
	return by_pin(p, user, pin, err);
}
