/* SPDX-License-Identifier: Apache-2.0 */
/* Which key of the token a URI means, and its public half. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "crypto/p11.h"
#include "crypto/sign_int.h"
#include "util/rd.h"
#include "util/text.h"
#include "util/tlv.h"

#define OBJECTS_MAX 256
#define NAMED_MAX 6
#define TAG_OCTET_STRING 0x04
#define CERT_MAX 16384

/* DER of CKA_EC_PARAMS: the object identifiers of P-256 (SEC 2), and of Ed25519
 * (RFC 8410) or its name (PKCS #11 v3.0, 2.3.5). */
static const uint8_t oid_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x03, 0x01, 0x07 };
static const uint8_t oid_ed25519[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
static const uint8_t name_ed25519[] = { 0x13, 0x0c, 'e', 'd', 'w', 'a', 'r',
	'd', 's', '2', '5', '5', '1', '9' };

/* One private key as far as the token tells. */
typedef struct candidate {
	CK_OBJECT_HANDLE object;
	uint8_t id[HL_P11_VALUE_MAX];
	size_t id_n;
	char label[HL_P11_VALUE_MAX + 1];
	size_t label_n;
	CK_KEY_TYPE kind;
	bool other_curve, no_sign;
} candidate;

static bool
same(const uint8_t *a, size_t n, const uint8_t *b, size_t m)
{
	return n == m && memcmp(a, b, n) == 0;
}

static bool
known_curve(CK_KEY_TYPE kind, const uint8_t *p, size_t n)
{
	if (kind == CKK_EC)
		return same(p, n, oid_p256, sizeof(oid_p256));
	return same(p, n, oid_ed25519, sizeof(oid_ed25519)) ||
	    same(p, n, name_ed25519, sizeof(name_ed25519));
}

static bool
read_flag(hl_p11 *p, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool dflt)
{
	CK_BBOOL v = CK_FALSE;
	size_t n;

	if (!hl_p11_attribute(p, object, type, &v, sizeof(v), &n) ||
	    n != sizeof(v))
		return dflt;
	return v != CK_FALSE;
}

static void
read_candidate(hl_p11 *p, CK_OBJECT_HANDLE object, candidate *c)
{
	uint8_t curve[64];
	size_t n;

	*c = (candidate){ .object = object };
	if (!hl_p11_attribute(
		p, object, CKA_ID, c->id, sizeof(c->id), &c->id_n))
		c->id_n = 0;
	if (!hl_p11_attribute(p, object, CKA_LABEL, c->label,
		sizeof(c->label) - 1, &c->label_n))
		c->label_n = 0;
	c->label[c->label_n] = '\0';
	if (!hl_p11_attribute(
		p, object, CKA_KEY_TYPE, &c->kind, sizeof(c->kind), &n) ||
	    n != sizeof(c->kind))
		c->kind = CK_UNAVAILABLE_INFORMATION;
	/* where the token does not tell, the public key will */
	c->other_curve = hl_p11_attribute(p, object, CKA_EC_PARAMS, curve,
			     sizeof(curve), &n) &&
	    n > 0 && !known_curve(c->kind, curve, n);
	c->no_sign = !read_flag(p, object, CKA_SIGN, true);
}

static bool
usable(const candidate *c)
{
	return (c->kind == CKK_EC || c->kind == CKK_EC_EDWARDS) &&
	    !c->other_curve && !c->no_sign;
}

static bool
fits(const candidate *c, const hl_p11_uri *uri)
{
	return (!uri->object.given ||
		   same((const uint8_t *)c->label, c->label_n,
		       (const uint8_t *)uri->object.s, uri->object.n)) &&
	    (!uri->id.given ||
		same(c->id, c->id_n, (const uint8_t *)uri->id.s, uri->id.n));
}

static const char *
kind_words(const candidate *c)
{
	if (c->no_sign)
		return "not for signing";
	if (c->kind == CKK_RSA)
		return "RSA";
	if (c->kind == CKK_EC || c->kind == CKK_EC_EDWARDS)
		return c->other_curve ? "another curve" : "fit to sign";
	return "another kind";
}

static void
describe(const candidate *c, hl_buf *out)
{
	if (out->n > 0)
		hl_buf_put(out, " ", 1);
	hl_p11_uri_put(out, "object", c->label, c->label_n);
	hl_buf_u8(out, ';');
	hl_p11_uri_put(out, "id", c->id, c->id_n);
	hl_buf_printf(out, " (%s)", kind_words(c));
}

/* What a look at all private keys has found. */
typedef struct search {
	size_t there, fit;
	candidate found;
	hl_buf there_names, fit_names;
} search;

static void
look(hl_p11 *p, const hl_p11_uri *uri, CK_OBJECT_HANDLE object, search *s)
{
	candidate c;

	read_candidate(p, object, &c);
	if (s->there++ < NAMED_MAX)
		describe(&c, &s->there_names);
	if (!usable(&c) || !fits(&c, uri))
		return;
	if (s->fit++ < NAMED_MAX)
		describe(&c, &s->fit_names);
	s->found = c;
}

static hl_rc
judge(const hl_p11 *p, search *s, hl_err *err)
{
	char what[HL_ERR_WHAT];

	(void)hl_text_format(
	    what, sizeof(what), "find the key on token \"%s\"", p->name);
	if (s->fit == 1)
		return HL_OK;
	if (s->fit > 1)
		return hl_fail(err, HL_ECONFLICT, what,
		    "add id=... or object=... to the URI, so that it means one "
		    "of them",
		    "%zu keys fit the URI: %s", s->fit,
		    hl_buf_str(&s->fit_names));
	hl_fail(err, HL_ENOTFOUND, what,
	    "a signing key is an EC key on P-256; pkcs11-tool --keypairgen "
	    "--key-type EC:prime256v1 makes one",
	    s->there == 0 ? "it has no private key"
			  : "none of its keys fits the URI and can sign here");
	if (s->there > 0)
		hl_err_hint(
		    err, "these are there: %s", hl_buf_str(&s->there_names));
	return HL_ENOTFOUND;
}

/* Fills s->found. */
static hl_rc
find_private(hl_p11 *p, const hl_p11_uri *uri, search *s, hl_err *err)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE objects[OBJECTS_MAX];
	const size_t n =
	    hl_p11_objects(p, &template, 1, objects, HL_COUNT(objects));

	for (size_t i = 0; i < n; i++)
		look(p, uri, objects[i], s);
	if (p->broken != CKR_OK)
		return hl_p11_fail(p, p->broken, "find the key on", err);
	return judge(p, s, err);
}

/* ---- its public half ---------------------------------------------------- */

/* CKA_EC_POINT is the DER of an OCTET STRING; some give what is in it. */
static bool
point_key(hl_key_type type, const uint8_t *p, size_t n, hl_public_key *out)
{
	hl_rd r = { p, n }, in;
	uint8_t tag;

	if (hl_public_from_raw(type, p, n, out, NULL) == HL_OK)
		return true;
	return hl_tlv_der(&r, &tag, &in) && r.n == 0 &&
	    tag == TAG_OCTET_STRING &&
	    hl_public_from_raw(type, in.p, in.n, out, NULL) == HL_OK;
}

static bool
read_point(
    hl_p11 *p, CK_OBJECT_HANDLE object, CK_KEY_TYPE kind, hl_public_key *out)
{
	const hl_key_type type = kind == CKK_EC ? HL_KEY_P256 : HL_KEY_ED25519;
	uint8_t b[256];
	size_t n;

	return hl_p11_attribute(p, object, CKA_EC_POINT, b, sizeof(b), &n) &&
	    point_key(type, b, n, out);
}

static bool
read_certificate(hl_p11 *p, CK_OBJECT_HANDLE object, hl_public_key *out)
{
	uint8_t der[CERT_MAX];
	const uint8_t *at = der;
	X509 *cert = NULL;
	EVP_PKEY *key;
	size_t n;
	bool ok;

	if (!hl_p11_attribute(p, object, CKA_VALUE, der, sizeof(der), &n))
		return false;
	cert = d2i_X509(NULL, &at, (long)n);
	key = cert != NULL ? X509_get0_pubkey(cert) : NULL;
	ok = key != NULL &&
	    hl_public_of(key, "read the certificate", out, NULL) == HL_OK;
	X509_free(cert);
	ERR_clear_error();
	return ok;
}

/* Objects of a class that go with the key: by ID, else by label. */
static size_t
companions(hl_p11 *p, candidate *c, CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE *out, size_t max)
{
	CK_ATTRIBUTE template[2] = { { CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, c->id, c->id_n } };

	if (c->id_n == 0)
		template[1] = (CK_ATTRIBUTE){ CKA_LABEL, c->label, c->label_n };
	if (template[1].ulValueLen == 0)
		return 0;
	return hl_p11_objects(p, template, 2, out, max);
}

static bool
find_public(hl_p11 *p, candidate *c, hl_public_key *out)
{
	CK_OBJECT_HANDLE objects[16];
	size_t n;

	n = companions(p, c, CKO_PUBLIC_KEY, objects, HL_COUNT(objects));
	for (size_t i = 0; i < n; i++) {
		if (read_point(p, objects[i], c->kind, out))
			return true;
	}
	n = companions(p, c, CKO_CERTIFICATE, objects, HL_COUNT(objects));
	for (size_t i = 0; i < n; i++) {
		if (read_certificate(p, objects[i], out))
			return true;
	}
	return read_point(p, c->object, c->kind, out);
}

static hl_rc
complete(hl_p11 *p, candidate *c, hl_p11_key *out, hl_err *err)
{
	const hl_key_type type =
	    c->kind == CKK_EC ? HL_KEY_P256 : HL_KEY_ED25519;
	bool found = find_public(p, c, &out->public);

	if (p->broken != CKR_OK)
		return hl_p11_fail(p, p->broken, "find the key on", err);
	if (!found || out->public.type != type) {
		hl_fail(err, HL_ENOTFOUND, "",
		    "put its public key (on P-256) or its certificate on the "
		    "token, with the same ID",
		    "there is the private key \"%s\", but nothing that tells "
		    "its public key",
		    c->label);
		hl_err_what(err, "find the key on token \"%s\"", p->name);
		return HL_ENOTFOUND;
	}
	out->object = c->object;
	out->pin_each_time =
	    read_flag(p, c->object, CKA_ALWAYS_AUTHENTICATE, false);
	return HL_OK;
}

hl_rc
hl_p11_find_key(hl_p11 *p, const hl_p11_uri *uri, hl_p11_key *out, hl_err *err)
{
	search s = { .there = 0 };
	hl_rc rc;

	p->broken = CKR_OK;
	rc = find_private(p, uri, &s, err);
	if (rc == HL_OK)
		rc = complete(p, &s.found, out, err);
	hl_buf_free(&s.there_names);
	hl_buf_free(&s.fit_names);
	return rc;
}
