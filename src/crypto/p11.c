/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p11.h"

#include <dlfcn.h>
#include <string.h>

#include <openssl/crypto.h>

#include "util/text.h"

static const struct row {
	CK_RV rv;
	hl_rc rc;
	const char *words, *hint;
} rows[] = {
	{ CKR_DEVICE_REMOVED, HL_ENODEV, "the token was taken out",
	    "put it back, and do it again" },
	{ CKR_TOKEN_NOT_PRESENT, HL_ENODEV, "the token was taken out",
	    "put it back, and do it again" },
	{ CKR_SESSION_HANDLE_INVALID, HL_ENODEV,
	    "the token was taken out, or reset by another program",
	    "leave it in its reader, and do it again" },
	{ CKR_SESSION_CLOSED, HL_ENODEV,
	    "the token was taken out, or reset by another program",
	    "leave it in its reader, and do it again" },
	{ CKR_OBJECT_HANDLE_INVALID, HL_ENODEV,
	    "the token was taken out, or reset by another program",
	    "leave it in its reader, and do it again" },
	{ CKR_KEY_HANDLE_INVALID, HL_ENODEV,
	    "the token was taken out, or reset by another program",
	    "leave it in its reader, and do it again" },
	{ CKR_TOKEN_NOT_RECOGNIZED, HL_ENODEV,
	    "the module does not know this token",
	    "give the module of its vendor" },
	{ CKR_USER_NOT_LOGGED_IN, HL_ENODEV,
	    "the token has forgotten the login: it was reset, perhaps by "
	    "another program",
	    "do it again" },
	{ CKR_DEVICE_ERROR, HL_ECARD, "the token or its reader failed",
	    "take it out, put it back, and do it again" },
	{ CKR_DEVICE_MEMORY, HL_ECARD, "the token has no memory left", "" },
	{ CKR_HOST_MEMORY, HL_ENOMEM, "there is no memory left", "" },
	{ CKR_GENERAL_ERROR, HL_ECARD, "the module says no more than that",
	    "is the token still in its reader?" },
	{ CKR_FUNCTION_FAILED, HL_ECARD, "the module says no more than that",
	    "is the token still in its reader?" },
	{ CKR_FUNCTION_CANCELED, HL_EACCESS, "it was cancelled", "" },
	{ CKR_MECHANISM_INVALID, HL_ECARD,
	    "the token does not sign in this way", "use another token" },
	{ CKR_KEY_FUNCTION_NOT_PERMITTED, HL_ECARD,
	    "the key is not there to sign", "use another key" },
	{ CKR_PIN_LOCKED, HL_EACCESS, "the PIN is locked",
	    "unlock it by the token's own tools (PUK or security officer)" },
	{ CKR_PIN_EXPIRED, HL_EACCESS, "the PIN has expired",
	    "set a new one by the token's own tools" },
	{ CKR_USER_PIN_NOT_INITIALIZED, HL_EACCESS, "the token has no PIN yet",
	    "set one by the token's own tools" },
	{ CKR_SESSION_COUNT, HL_EBUSY, "the token has no session left",
	    "close other programs that use it" },
	{ CKR_USER_ANOTHER_ALREADY_LOGGED_IN, HL_EBUSY,
	    "somebody else is logged in", "close other programs that use it" },
};

hl_rc
hl_p11_fail(const hl_p11 *p, CK_RV rv, const char *doing, hl_err *err)
{
	char what[HL_ERR_WHAT];

	if (p->name[0] != '\0')
		(void)hl_text_format(
		    what, sizeof(what), "%s token \"%s\"", doing, p->name);
	else
		(void)hl_text_format(
		    what, sizeof(what), "%s a token of %s", doing, p->module);
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		if (rows[i].rv == rv)
			return hl_fail(err, rows[i].rc, what, rows[i].hint,
			    "%s (PKCS #11 code 0x%lx)", rows[i].words, rv);
	}
	return hl_fail(err, HL_ECARD, what, "",
	    "the module failed with PKCS #11 code 0x%lx", rv);
}

void
hl_p11_text(char *out, size_t size, const unsigned char *s, size_t n)
{
	/* some pad with NULs */
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\0'))
		n--;
	if (n >= size)
		n = size - 1;
	memcpy(out, s, n);
	out[n] = '\0';
}

static void
note(hl_p11 *p, CK_RV rv)
{
	if (p->broken == CKR_OK && rv != CKR_OK &&
	    rv != CKR_ATTRIBUTE_TYPE_INVALID && rv != CKR_ATTRIBUTE_SENSITIVE &&
	    rv != CKR_BUFFER_TOO_SMALL)
		p->broken = rv;
}

bool
hl_p11_attribute(hl_p11 *p, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
    void *buf, size_t max, size_t *n)
{
	CK_ATTRIBUTE a = { type, buf, max };
	CK_RV rv;

	if (p->broken != CKR_OK)
		return false;
	rv = p->f->C_GetAttributeValue(p->session, object, &a, 1);
	note(p, rv);
	if (rv != CKR_OK || a.ulValueLen > max)
		return false; /* also CK_UNAVAILABLE_INFORMATION: huge */
	*n = a.ulValueLen;
	return true;
}

size_t
hl_p11_objects(hl_p11 *p, CK_ATTRIBUTE *template, size_t n,
    CK_OBJECT_HANDLE *out, size_t max)
{
	CK_ULONG got = 0;
	size_t total = 0;
	CK_RV rv;

	if (p->broken != CKR_OK)
		return 0;
	if ((rv = p->f->C_FindObjectsInit(p->session, template, n)) != CKR_OK) {
		note(p, rv);
		return 0;
	}
	do {
		got = 0;
		rv = p->f->C_FindObjects(
		    p->session, out + total, max - total, &got);
		if (rv == CKR_OK && got <= max - total)
			total += got;
	} while (rv == CKR_OK && got > 0 && total < max);
	note(p, rv);
	(void)p->f->C_FindObjectsFinal(p->session);
	return total;
}

void
hl_p11_close(hl_p11 *p)
{
	if (p->has_session) {
		(void)p->f->C_Logout(p->session);
		(void)p->f->C_CloseSession(p->session);
	}
	if (p->finalize)
		(void)p->f->C_Finalize(NULL);
	if (p->lib != NULL)
		(void)dlclose(p->lib);
	OPENSSL_cleanse(p, sizeof(*p));
}
