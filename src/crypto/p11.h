/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the crypto layer only: a PKCS #11 module in this process, one token of
 * it, one session on that. Names as in PKCS #11 v2.40.
 */
#ifndef HL_CRYPTO_P11_H
#define HL_CRYPTO_P11_H

#include <p11-kit/pkcs11.h>

#include "crypto/p11_uri.h"
#include "crypto/sign.h"

typedef struct hl_p11 {
	void *lib;
	CK_FUNCTION_LIST *f; /* NULL: not loaded */
	bool finalize;	     /* we have initialised it */
	char module[PATH_MAX];
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	char name[sizeof(((CK_TOKEN_INFO *)0)->label) + 1]; /* its label */
	bool has_session;
	CK_SESSION_HANDLE session;
	/* The first failure that says more than "no such attribute". */
	CK_RV broken;
} hl_p11;

typedef struct hl_p11_key {
	CK_OBJECT_HANDLE object;
	hl_public_key public;
	bool pin_each_time; /* CKA_ALWAYS_AUTHENTICATE */
} hl_p11_key;

/* p11_module.c: loads and initialises; `module` as for hl_signer_open(). */
HL_CHECK hl_rc hl_p11_load(
    hl_p11 *p, const char *module, const hl_p11_uri *uri, hl_err *err);
/* p11.c: ends session, module, all; what never began is fine. */
void hl_p11_close(hl_p11 *p);

/* p11_token.c: the one token that fits the URI, a session on it. */
HL_CHECK hl_rc hl_p11_find_token(hl_p11 *p, const hl_p11_uri *uri, hl_err *err);
/* Does the module itself fit the library attributes? */
HL_CHECK hl_rc hl_p11_check_library(
    const hl_p11 *p, const hl_p11_uri *uri, hl_err *err);

/* p11_login.c: by CKU_USER, or CKU_CONTEXT_SPECIFIC. One try. */
HL_CHECK hl_rc hl_p11_login(
    hl_p11 *p, CK_USER_TYPE user, const hl_pin_source *pin, hl_err *err);

/* p11_key.c: the one signing key that fits the URI. */
HL_CHECK hl_rc hl_p11_find_key(
    hl_p11 *p, const hl_p11_uri *uri, hl_p11_key *out, hl_err *err);

/* Fails with words for the code; `doing` completes "could not ...". */
hl_rc hl_p11_fail(const hl_p11 *p, CK_RV rv, const char *doing, hl_err *err);

/* A field that PKCS #11 pads with blanks, as a string. */
void hl_p11_text(char *out, size_t size, const unsigned char *s, size_t n);

/*
 * An attribute of at most `max` bytes. False: the object has none such. Other
 * failures are false as well, and noted in p->broken.
 */
bool hl_p11_attribute(hl_p11 *p, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, void *buf, size_t max, size_t *n);
/* Up to `max` objects that fit the template. */
size_t hl_p11_objects(hl_p11 *p, CK_ATTRIBUTE *template, size_t n,
    CK_OBJECT_HANDLE *out, size_t max);

#endif
