/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "ledger/note_int.h"
#include "util/hex.h"

#define WHAT_PARSE "read a verifier key"
#define ID_TEXT ((size_t)2 * HL_KEY_ID_LEN)
#define P256_RAW 65

/* White space of Unicode (the property White_Space). */
static bool
is_space(uint32_t cp)
{
	return cp == ' ' || (cp >= 0x09 && cp <= 0x0d) || cp == 0x85 ||
	    cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) ||
	    cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f ||
	    cp == 0x3000;
}

bool
hl_key_name_valid(const char *s, size_t n)
{
	size_t len;
	uint32_t cp;

	if (n == 0)
		return false;
	for (; n > 0; s += len, n -= len) {
		if ((len = hl_text_rune(s, n, &cp)) == 0)
			return false;
		if (cp < 0x20 || cp == '+' || is_space(cp))
			return false;
	}
	return true;
}

hl_rc
hl_key_name_check(const char *name, hl_err *err)
{
	const size_t n = name == NULL ? 0 : strnlen(name, HL_KEY_NAME_MAX + 1);

	if (n <= HL_KEY_NAME_MAX && hl_key_name_valid(name, n) &&
	    hl_text_valid(name, n))
		return HL_OK;
	return hl_fail(err, HL_EINPUT, "check a key's name",
	    "take a name such as example.com/ledger1: 1 to 256 bytes, without "
	    "blanks, '+' and control characters",
	    "\"%.80s\" is none", name == NULL ? "" : name);
}

static bool
goes_with(uint8_t algorithm, hl_key_type type)
{
	switch (algorithm) {
	case HL_NOTE_ED25519:
	case HL_NOTE_COSIGNATURE:
		return type == HL_KEY_ED25519;
	case HL_NOTE_ECDSA:
		return type == HL_KEY_P256;
	default:
		return false;
	}
}

/* Appends the bytes of the key as its text form has them. */
static hl_rc
key_bytes(const hl_public_key *key, hl_buf *out, hl_err *err)
{
	if (key->type == HL_KEY_P256)
		return hl_public_spki(key, out, err);
	hl_buf_put(out, key->raw, key->raw_n);
	return HL_OK;
}

static hl_rc
make_id(hl_vkey *k, hl_err *err)
{
	uint8_t hash[HL_SHA256_LEN];
	hl_buf in = HL_BUF_INIT;
	hl_rc rc;

	if (k->algorithm != HL_NOTE_ECDSA) {
		hl_buf_put(&in, k->name, strlen(k->name));
		hl_buf_u8(&in, '\n');
		hl_buf_u8(&in, k->algorithm);
	}
	rc = key_bytes(&k->key, &in, err);
	if (rc == HL_OK && in.failed)
		rc = hl_nomem(err);
	if (rc == HL_OK)
		rc = hl_sha256(in.p, in.n, hash, err);
	if (rc == HL_OK)
		memcpy(k->id, hash, sizeof(k->id));
	hl_buf_free(&in);
	return rc;
}

hl_rc
hl_vkey_make(hl_vkey *out, const char *name, uint8_t algorithm,
    const hl_public_key *key, hl_err *err)
{
	hl_vkey k = { .algorithm = algorithm, .key = *key };
	hl_rc rc;

	if ((rc = hl_key_name_check(name, err)) != HL_OK)
		return rc;
	if (!goes_with(algorithm, key->type))
		return hl_fail(err, HL_EINPUT, "make a verifier key",
		    "logs sign with Ed25519 or P-256, witnesses with Ed25519",
		    "signatures of type 0x%02x need another kind of key",
		    algorithm);
	hl_text_copy(k.name, sizeof(k.name), name);
	if ((rc = make_id(&k, err)) == HL_OK)
		*out = k;
	return rc;
}

hl_rc
hl_vkey_text(const hl_vkey *k, hl_buf *out, hl_err *err)
{
	char id[ID_TEXT + 1];
	hl_buf key = HL_BUF_INIT;
	hl_rc rc;

	hl_buf_u8(&key, k->algorithm);
	rc = key_bytes(&k->key, &key, err);
	if (rc == HL_OK && key.failed)
		rc = hl_nomem(err);
	if (rc == HL_OK) {
		hl_hex_lower(id, k->id, sizeof(k->id));
		hl_buf_printf(out, "%s+%s+", k->name, id);
		hl_base64_put(out, key.p, key.n);
		if (out->failed)
			rc = hl_nomem(err);
	}
	hl_buf_free(&key);
	return rc;
}

static hl_rc
refuse(hl_err *err, const char *why)
{
	return hl_fail(err, HL_EINPUT, WHAT_PARSE,
	    "it has the form NAME+KEYID+KEY, on one line, as the log or "
	    "witness published it",
	    "%s", why);
}

/* The key behind the algorithm's byte. Whether a P-256 key was in exactly the
 * form of SubjectPublicKeyInfo shows when it is written again. */
static hl_rc
key_of(const uint8_t *p, size_t n, hl_vkey *k, hl_err *err)
{
	const uint8_t algorithm = p[0];

	p++;
	n--;
	k->algorithm = algorithm;
	switch (algorithm) {
	case HL_NOTE_ED25519:
	case HL_NOTE_COSIGNATURE:
		return hl_public_from_raw(HL_KEY_ED25519, p, n, &k->key, err);
	case HL_NOTE_ECDSA:
		if (n < P256_RAW)
			return refuse(err, "the key is cut off");
		return hl_public_from_raw(HL_KEY_P256, p + n - P256_RAW,
		    P256_RAW, &k->key, err);
	default:
		return refuse(err,
		    "its signature type is not 0x01 (Ed25519), 0x02 (ECDSA) or "
		    "0x04 (witness)");
	}
}

static hl_rc
parse_key(const char *base64, hl_vkey *k, hl_err *err)
{
	hl_buf key = HL_BUF_INIT;
	hl_rc rc;

	if (!hl_base64_decode(base64, strlen(base64), &key) || key.n < 2)
		rc = refuse(err, "the key is not in canonical base64");
	else
		rc = key_of(key.p, key.n, k, err);
	hl_buf_free(&key);
	return rc;
}

/* The longest text: name, ID, base64 of algorithm and P-256 key. */
#define TEXT_MAX (HL_KEY_NAME_MAX + 1 + ID_TEXT + 1 + 124)

static hl_rc
parse(const char *text, hl_vkey *out, hl_err *err)
{
	const char *id = strchr(text, '+'), *key;
	char name[HL_KEY_NAME_MAX + 1];
	hl_vkey k = { 0 };
	hl_rc rc;

	if (id == NULL || (key = strchr(id + 1, '+')) == NULL)
		return refuse(err, "there are not three parts with '+' between");
	if ((size_t)(id - text) > HL_KEY_NAME_MAX)
		return refuse(err, "the name is longer than 256 bytes");
	memcpy(name, text, (size_t)(id - text));
	name[id - text] = '\0';
	if ((rc = parse_key(key + 1, &k, err)) != HL_OK)
		return rc;
	return hl_vkey_make(out, name, k.algorithm, &k.key, err);
}

hl_rc
hl_vkey_parse(const char *text, hl_vkey *out, hl_err *err)
{
	hl_buf again = HL_BUF_INIT;
	hl_vkey k;
	hl_rc rc;

	if (strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
		return refuse(err, "it is too long");
	rc = parse(text, &k, err);
	if (rc == HL_OK)
		rc = hl_vkey_text(&k, &again, err);
	if (rc == HL_OK && strcmp(hl_buf_str(&again), text) != 0)
		rc = refuse(err,
		    "the key ID (8 lower-case hex digits) is not that of the "
		    "name and the key, or the key is in another form");
	if (rc == HL_OK)
		*out = k;
	hl_buf_free(&again);
	if (rc == HL_EINPUT)
		hl_err_what(err, WHAT_PARSE);
	return rc;
}
