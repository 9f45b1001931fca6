/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A STAND-IN for PKCS #11 modules and their tokens, for tests: it does what
 *real ones do at their worst, which no card can be told to do. Only what
 *signing needs is there. Never installed.
 *
 * P11_STANDIN is a list of words with commas between:
 *	tokens=N	0 to 2 tokens with one label (1)
 *	tries=N		left of 3 (3); the flags follow
 *	pinpad		the reader asks for the PIN; one that is given is an
 *error no-login	nothing is behind a PIN keys=LETTERS	private keys,
 *IDs 01, 02, ... (p): p P-256, q another P-256, r RSA, k P-384, d P-256 not for
 *signing, e Ed25519 no-public	no public key objects raw-point	CKA_EC_POINT
 *without its OCTET STRING certificate	certificates of the keys private-point
 *CKA_EC_POINT in the private object wrong-public	public keys are those of
 *other keys no-curve	private objects do not tell CKA_EC_PARAMS always
 *CKA_ALWAYS_AUTHENTICATE bad-signature short-signature der-signature huge
 *attributes claim to be longer than they are asked for gone=CALL	that
 *call finds the token gone: login, find, attribute, sign cant-lock
 *C_Initialize() refuses locks version=N	of the function list
 * P11_STANDIN_LOG: a file to which each C_Login() writes a line.
 * The PIN is 123456.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>

#define KEYS_MAX 8
#define PIN "123456"

struct key {
	char kind;
	unsigned char id;
	EVP_PKEY *pair, *other;
	unsigned char point[140], cert[1024];
	size_t point_n, cert_n;
};

/* Handles: key number * 4 + class */
static struct key keys[KEYS_MAX];
static size_t keys_n;
static int tries, tokens;
static bool logged_in, context_login, signing;
static CK_OBJECT_HANDLE sign_with;
static CK_OBJECT_HANDLE found[4 * KEYS_MAX];
static size_t found_n, found_at;

/* Text behind "word" or "word=" in the list, or NULL. */
static const char *
word(const char *name)
{
	const char *s = getenv("P11_STANDIN");
	const size_t n = strlen(name);

	for (; s != NULL && *s != '\0'; s = strchr(s, ','), s += s != NULL) {
		if (strncmp(s, name, n) == 0 &&
		    (s[n] == '\0' || s[n] == ',' || s[n] == '='))
			return s + n + (s[n] == '=');
	}
	return NULL;
}

static int
number(const char *name, int dflt)
{
	const char *s = word(name);

	return s != NULL ? atoi(s) : dflt;
}

static bool
gone(const char *call)
{
	const char *s = word("gone");

	return s != NULL && strncmp(s, call, strlen(call)) == 0;
}

/* ---- keys --------------------------------------------------------------- */

static EVP_PKEY *
make_pair(char kind)
{
	switch (kind) {
	case 'r':
		return EVP_RSA_gen(2048);
	case 'k':
		return EVP_EC_gen("P-384");
	case 'e':
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	default:
		return EVP_EC_gen("P-256");
	}
}

static size_t
make_cert(EVP_PKEY *pair, unsigned char *out)
{
	X509 *x = X509_new();
	unsigned char *p = out;
	int n;

	(void)X509_set_version(x, 2);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	(void)X509_set_pubkey(x, pair);
	(void)X509_sign(
	    x, pair, EVP_PKEY_is_a(pair, "ED25519") == 1 ? NULL : EVP_sha256());
	n = i2d_X509(x, &p);
	X509_free(x);
	return n > 0 ? (size_t)n : 0;
}

/* DER of the OCTET STRING; what is inside it is shorter than 128 bytes. */
static void
make_point(struct key *k)
{
	unsigned char raw[130];
	size_t n = sizeof(raw);
	EVP_PKEY *of = word("wrong-public") != NULL ? k->other : k->pair;

	if (k->kind == 'r')
		return;
	if (k->kind == 'e')
		(void)EVP_PKEY_get_raw_public_key(of, raw, &n);
	else
		(void)EVP_PKEY_get_octet_string_param(
		    of, "pub", raw, sizeof(raw), &n);
	k->point_n = n;
	if (word("raw-point") == NULL) {
		k->point[0] = 0x04;
		k->point[1] = (unsigned char)n;
		memcpy(k->point + 2, raw, n);
		k->point_n += 2;
	} else {
		memcpy(k->point, raw, n);
	}
}

static void
make_keys(void)
{
	const char *s = word("keys");

	if (s == NULL)
		s = "p";
	for (keys_n = 0; *s != '\0' && *s != ',' && keys_n < KEYS_MAX; s++) {
		struct key *k = &keys[keys_n++];

		*k = (struct key){ *s, (unsigned char)keys_n, make_pair(*s),
			make_pair(*s), { 0 }, { 0 }, 0, 0 };
		make_point(k);
		k->cert_n = make_cert(k->pair, k->cert);
	}
}

/* ---- slots and tokens --------------------------------------------------- */

static CK_RV
initialize(void *args)
{
	const CK_C_INITIALIZE_ARGS *a = args;

	if (word("cant-lock") != NULL && a != NULL)
		return CKR_CANT_LOCK;
	tries = number("tries", 3);
	tokens = number("tokens", 1);
	logged_in = false;
	make_keys();
	return CKR_OK;
}

static CK_RV
finalize(void *reserved)
{
	(void)reserved;
	for (size_t i = 0; i < keys_n; i++) {
		EVP_PKEY_free(keys[i].pair);
		EVP_PKEY_free(keys[i].other);
	}
	keys_n = 0;
	return CKR_OK;
}

static void
pad(unsigned char *field, size_t n, const char *text)
{
	memset(field, ' ', n);
	memcpy(field, text, strlen(text));
}

static CK_RV
get_info(CK_INFO *info)
{
	memset(info, 0, sizeof(*info));
	pad(info->manufacturerID, 32, "stand-in maker");
	pad(info->libraryDescription, 32, "stand-in");
	info->libraryVersion.major = 1;
	info->libraryVersion.minor = 7;
	return CKR_OK;
}

/* One slot more than tokens: an empty token, which is to be passed over. */
static CK_RV
get_slot_list(unsigned char present, CK_SLOT_ID *list, CK_ULONG *n)
{
	const CK_ULONG all = (CK_ULONG)tokens + (tokens > 0);

	(void)present;
	if (list == NULL) {
		*n = all;
		return CKR_OK;
	}
	if (*n < all)
		return CKR_BUFFER_TOO_SMALL;
	for (*n = 0; *n < all; (*n)++)
		list[*n] = 7 + *n;
	return CKR_OK;
}

static CK_RV
get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	memset(info, 0, sizeof(*info));
	pad(info->slotDescription, 64, slot == 7 ? "left" : "right");
	pad(info->manufacturerID, 32, "slots inc");
	return CKR_OK;
}

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	char serial[16];

	memset(info, 0, sizeof(*info));
	if (slot >= 7 + (CK_SLOT_ID)tokens)
		return CKR_OK; /* not initialised */
	(void)snprintf(serial, sizeof(serial), "S%u", (unsigned)slot);
	pad(info->label, 32, "stand in");
	pad(info->manufacturerID, 32, "maker");
	pad(info->model, 16, "m1");
	pad(info->serialNumber, 16, serial);
	info->flags = CKF_TOKEN_INITIALIZED;
	if (word("no-login") == NULL)
		info->flags |= CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED;
	if (word("pinpad") != NULL)
		info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	if (tries <= 0)
		info->flags |= CKF_USER_PIN_LOCKED;
	else if (tries == 1)
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	else if (tries == 2)
		info->flags |= CKF_USER_PIN_COUNT_LOW;
	info->ulMinPinLen = 4;
	info->ulMaxPinLen = 8;
	return CKR_OK;
}

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify,
    CK_SESSION_HANDLE *out)
{
	(void)app;
	(void)notify;
	if ((flags & CKF_SERIAL_SESSION) == 0)
		return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
	*out = 100 + slot;
	return CKR_OK;
}

static CK_RV
close_session(CK_SESSION_HANDLE session)
{
	(void)session;
	return CKR_OK;
}

static void
log_login(CK_USER_TYPE user, const unsigned char *pin, CK_ULONG n)
{
	const char *path = getenv("P11_STANDIN_LOG");
	FILE *f = path != NULL ? fopen(path, "a") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%lu %.*s\n", user, pin != NULL ? (int)n : 3,
	    pin != NULL ? (const char *)pin : "pad");
	(void)fclose(f);
}

static CK_RV
login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin,
    CK_ULONG n)
{
	(void)session;
	log_login(user, pin, n);
	if (gone("login"))
		return CKR_DEVICE_REMOVED;
	if ((pin == NULL) != (word("pinpad") != NULL))
		return CKR_ARGUMENTS_BAD;
	if (user == CKU_CONTEXT_SPECIFIC && !signing)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (tries <= 0)
		return CKR_PIN_LOCKED;
	if (pin != NULL && (n != strlen(PIN) || memcmp(pin, PIN, n) != 0)) {
		tries--;
		return CKR_PIN_INCORRECT;
	}
	tries = 3;
	logged_in = true;
	context_login = user == CKU_CONTEXT_SPECIFIC;
	return CKR_OK;
}

static CK_RV
logout(CK_SESSION_HANDLE session)
{
	(void)session;
	logged_in = false;
	return CKR_OK;
}

/* ---- objects ------------------------------------------------------------ */

static CK_OBJECT_CLASS
class_of(CK_OBJECT_HANDLE h)
{
	return h % 4;
}

static const struct key *
key_of(CK_OBJECT_HANDLE h)
{
	return &keys[h / 4];
}

static bool
is_there(CK_OBJECT_HANDLE h)
{
	switch (class_of(h)) {
	case CKO_PRIVATE_KEY:
		return logged_in || word("no-login") != NULL;
	case CKO_PUBLIC_KEY:
		return word("no-public") == NULL;
	case CKO_CERTIFICATE:
		return word("certificate") != NULL;
	default:
		return false;
	}
}

struct value {
	unsigned char b[1024];
	size_t n;
};

static void
set(struct value *v, const void *p, size_t n)
{
	memcpy(v->b, p, n);
	v->n = n;
}

static void
set_number(struct value *v, CK_ULONG n)
{
	set(v, &n, sizeof(n));
}

static void
set_flag(struct value *v, bool on)
{
	v->b[0] = on;
	v->n = 1;
}

static bool
curve(const struct key *k, struct value *v)
{
	static const unsigned char p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48,
		0xce, 0x3d, 0x03, 0x01, 0x07 };
	static const unsigned char p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04,
		0x00, 0x22 };
	static const unsigned char ed[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };

	if (k->kind == 'k')
		set(v, p384, sizeof(p384));
	else if (k->kind == 'e')
		set(v, ed, sizeof(ed));
	else
		set(v, p256, sizeof(p256));
	return k->kind != 'r' && word("no-curve") == NULL;
}

static bool /* false: the object has none such */
attribute(CK_OBJECT_HANDLE h, CK_ATTRIBUTE_TYPE type, struct value *v)
{
	const struct key *k = key_of(h);
	char label[16];

	switch (type) {
	case CKA_CLASS:
		set_number(v, class_of(h));
		return true;
	case CKA_ID:
		set(v, &k->id, 1);
		return true;
	case CKA_LABEL:
		(void)snprintf(label, sizeof(label), "key %c", k->kind);
		set(v, label, strlen(label));
		return true;
	case CKA_KEY_TYPE:
		set_number(v,
		    k->kind == 'r'	 ? CKK_RSA
			: k->kind == 'e' ? CKK_EC_EDWARDS
					 : CKK_EC);
		return class_of(h) != CKO_CERTIFICATE;
	case CKA_EC_PARAMS:
		return class_of(h) != CKO_CERTIFICATE && curve(k, v);
	case CKA_EC_POINT:
		set(v, k->point, k->point_n);
		return k->point_n > 0 &&
		    (class_of(h) == CKO_PUBLIC_KEY ||
			(class_of(h) == CKO_PRIVATE_KEY &&
			    word("private-point") != NULL));
	case CKA_VALUE:
		set(v, k->cert, k->cert_n);
		return class_of(h) == CKO_CERTIFICATE;
	case CKA_SIGN:
		set_flag(v, k->kind != 'd');
		return class_of(h) == CKO_PRIVATE_KEY;
	case CKA_ALWAYS_AUTHENTICATE:
		set_flag(v, word("always") != NULL);
		return class_of(h) == CKO_PRIVATE_KEY;
	default:
		return false;
	}
}

static CK_RV
get_attribute(
    CK_SESSION_HANDLE session, CK_OBJECT_HANDLE h, CK_ATTRIBUTE *a, CK_ULONG n)
{
	struct value v = { { 0 }, 0 };

	(void)session;
	if (gone("attribute"))
		return CKR_DEVICE_REMOVED;
	if (n != 1 || !attribute(h, a->type, &v)) {
		a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return CKR_ATTRIBUTE_TYPE_INVALID;
	}
	if (word("huge") != NULL) {
		a->ulValueLen = 1UL << 40;
		return CKR_OK;
	}
	if (v.n > a->ulValueLen) {
		a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return CKR_BUFFER_TOO_SMALL;
	}
	memcpy(a->pValue, v.b, v.n);
	a->ulValueLen = v.n;
	return CKR_OK;
}

static bool
fits(CK_OBJECT_HANDLE h, const CK_ATTRIBUTE *template, CK_ULONG n)
{
	struct value v = { { 0 }, 0 };

	for (CK_ULONG i = 0; i < n; i++) {
		if (!attribute(h, template[i].type, &v) ||
		    v.n != template[i].ulValueLen ||
		    memcmp(v.b, template[i].pValue, v.n) != 0)
			return false;
	}
	return true;
}

static CK_RV
find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n)
{
	(void)session;
	if (gone("find"))
		return CKR_DEVICE_REMOVED;
	found_n = found_at = 0;
	for (CK_OBJECT_HANDLE h = 0; h < 4 * keys_n; h++) {
		if (is_there(h) && fits(h, template, n))
			found[found_n++] = h;
	}
	return CKR_OK;
}

/* One at a time, as some do. */
static CK_RV
find(
    CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *n)
{
	(void)session;
	*n = 0;
	if (max > 0 && found_at < found_n) {
		*out = found[found_at++];
		*n = 1;
	}
	return CKR_OK;
}

static CK_RV
find_final(CK_SESSION_HANDLE session)
{
	(void)session;
	return CKR_OK;
}

/* ---- signing ------------------------------------------------------------ */

static CK_RV
sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *how, CK_OBJECT_HANDLE h)
{
	(void)session;
	if (how->mechanism != (key_of(h)->kind == 'e' ? CKM_EDDSA : CKM_ECDSA))
		return CKR_MECHANISM_INVALID;
	sign_with = h;
	signing = true;
	context_login = false;
	return CKR_OK;
}

static size_t
ecdsa(EVP_PKEY *pair, const unsigned char *hash, size_t n, unsigned char *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pair, NULL);
	unsigned char der[128];
	const unsigned char *p = der;
	size_t der_n = sizeof(der);
	ECDSA_SIG *sig;

	if (EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, der, &der_n, hash, n) != 1)
		der_n = 0;
	EVP_PKEY_CTX_free(ctx);
	if (word("der-signature") != NULL) {
		memcpy(out, der, 64);
		return der_n;
	}
	sig = d2i_ECDSA_SIG(NULL, &p, (long)der_n);
	(void)BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32);
	(void)BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32);
	ECDSA_SIG_free(sig);
	return 64;
}

static size_t
eddsa(EVP_PKEY *pair, const unsigned char *msg, size_t n, unsigned char *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t out_n = 64;

	if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, pair) != 1 ||
	    EVP_DigestSign(ctx, out, &out_n, msg, n) != 1)
		out_n = 0;
	EVP_MD_CTX_free(ctx);
	return out_n;
}

static CK_RV
sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG n,
    unsigned char *out, CK_ULONG *out_n)
{
	const struct key *k = key_of(sign_with);

	(void)session;
	if (gone("sign"))
		return CKR_DEVICE_REMOVED;
	if (!signing || *out_n < 64)
		return CKR_OPERATION_NOT_INITIALIZED;
	signing = false;
	if (word("always") != NULL && !context_login)
		return CKR_USER_NOT_LOGGED_IN;
	*out_n = k->kind == 'e' ? eddsa(k->pair, data, n, out)
				: ecdsa(k->pair, data, n, out);
	if (word("bad-signature") != NULL)
		out[40] ^= 1;
	if (word("short-signature") != NULL)
		*out_n = 63;
	return CKR_OK;
}

static CK_FUNCTION_LIST list = {
	.version = { 2, 40 },
	.C_Initialize = initialize,
	.C_Finalize = finalize,
	.C_GetInfo = get_info,
	.C_GetSlotList = get_slot_list,
	.C_GetSlotInfo = get_slot_info,
	.C_GetTokenInfo = get_token_info,
	.C_OpenSession = open_session,
	.C_CloseSession = close_session,
	.C_Login = login,
	.C_Logout = logout,
	.C_FindObjectsInit = find_init,
	.C_FindObjects = find,
	.C_FindObjectsFinal = find_final,
	.C_GetAttributeValue = get_attribute,
	.C_SignInit = sign_init,
	.C_Sign = sign,
};

__attribute__((visibility("default"))) CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **out)
{
	list.version.major = (unsigned char)number("version", 2);
	*out = &list;
	return CKR_OK;
}
