/* SPDX-License-Identifier: Apache-2.0 */
/*
 * piv-card (--unix PATH | --vpcd HOST:PORT) [--tries FILE]
 *
 * A STAND-IN, for tests, for a PIV card (NIST SP 800-73-4) with real keys, made
 * anew at each start: as much of the applet as OpenSC's module needs to log in
 * and sign. Key 9A is on P-256 and wants the PIN once; 9C is on P-256 and wants
 * it for each signature. Their public halves are in certificates alone. PIN
 * 123456, three tries; what is left of them stands in FILE, which may say 1 at
 * the start.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "sim/serve.h"
#include "util/file.h"
#include "util/rd.h"
#include "util/tlv.h"

#define CONNECT_MS 10000
#define GET_ATR 4
#define CHUNK 256
#define TRIES 3

/* The AID among the historical bytes is how OpenSC knows a PIV card. */
static const uint8_t atr[] = { 0x3b, 0x8d, 0x80, 0x01, 0x80, 0xfb, 0xa0, 0x00,
	0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00, 0xcd };
static const uint8_t aid[] = { 0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10,
	0x00, 0x01, 0x00 };
static const uint8_t right_pin[8] = "123456\xff\xff";

struct key {
	uint8_t reference, slot[3]; /* its certificate's object */
	const char *name;
	EVP_PKEY *pair;
	hl_buf cert;
};

struct card {
	struct link link;
	const char *unix_path, *vpcd, *tries_file;
	struct key keys[2];
	int tries;
	bool verified;
	bool just_verified; /* by the command before this one */
	hl_buf chained;	    /* data of commands to be continued */
	hl_buf answer;	    /* not yet fetched */
	size_t fetched;
};

static _Noreturn void
fail(const char *what, const char *why)
{
	fprintf(stderr, "piv-card: %s: %s\n", what, why);
	exit(1);
}

/* ---- keys --------------------------------------------------------------- */

static void
make_cert(struct key *k)
{
	X509 *x = X509_new();
	X509_NAME *name = x != NULL ? X509_get_subject_name(x) : NULL;
	uint8_t *der = NULL;
	int n = -1;

	if (name != NULL && X509_set_version(x, 2) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), k->reference) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), 86400) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const uint8_t *)k->name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    X509_set_pubkey(x, k->pair) == 1 &&
	    X509_sign(x, k->pair, EVP_sha256()) > 0)
		n = i2d_X509(x, &der);
	if (n <= 0)
		fail("make a certificate", k->name);
	hl_buf_put(&k->cert, der, (size_t)n);
	OPENSSL_free(der);
	X509_free(x);
}

static void
make_keys(struct card *c)
{
	c->keys[0] = (struct key){ .reference = 0x9a,
		.slot = { 0x5f, 0xc1, 0x05 },
		.name = "standin auth" };
	c->keys[1] = (struct key){ .reference = 0x9c,
		.slot = { 0x5f, 0xc1, 0x0a },
		.name = "standin sign" };
	for (size_t i = 0; i < HL_COUNT(c->keys); i++) {
		if ((c->keys[i].pair = EVP_EC_gen("P-256")) == NULL)
			fail("make a key", c->keys[i].name);
		make_cert(&c->keys[i]);
	}
}

/* ---- tries -------------------------------------------------------------- */

static void
load_tries(struct card *c)
{
	hl_buf b = HL_BUF_INIT;

	c->tries = TRIES;
	if (c->tries_file != NULL &&
	    hl_file_read(c->tries_file, 16, &b, NULL) == HL_OK)
		c->tries = atoi(hl_buf_str(&b));
	hl_buf_free(&b);
}

static void
save_tries(const struct card *c)
{
	char text[16];
	const int n = snprintf(text, sizeof(text), "%d\n", c->tries);

	if (c->tries_file != NULL &&
	    hl_file_write(c->tries_file, text, (size_t)n, 0600, NULL) != HL_OK)
		fail("write", c->tries_file);
}

/* ---- commands ----------------------------------------------------------- */

/* What a command wants to say: the status word, and c->answer. */
static unsigned
select_applet(struct card *c, hl_rd data)
{
	static const uint8_t properties[] = { 0x61, 0x11, 0x4f, 0x06, 0x00,
		0x00, 0x10, 0x00, 0x01, 0x00, 0x79, 0x07, 0x4f, 0x05, 0xa0,
		0x00, 0x00, 0x03, 0x08 };

	if (data.n < 5 || data.n > sizeof(aid) ||
	    memcmp(data.p, aid, data.n) != 0)
		return 0x6a82;
	c->verified = false;
	hl_buf_put(&c->answer, properties, sizeof(properties));
	return 0x9000;
}

/* Card holder unique identifier: who this card is. */
static void
put_chuid(hl_buf *out)
{
	static const uint8_t fascn[25] = { 0xd4, 0xe7, 0x39, 0xda, 0x73, 0x9c,
		0xed, 0x39, 0xce, 0x73, 0x9d, 0x83, 0x68, 0x58, 0x21, 0x08,
		0x42, 0x10, 0x84, 0x21, 0xc8, 0x42, 0x10, 0xc3, 0xeb };
	static const uint8_t guid[16] = { 0x5a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
		11, 12, 13, 14, 15 };

	hl_tlv_put(out, 0x30, fascn, sizeof(fascn));
	hl_tlv_put(out, 0x34, guid, sizeof(guid));
	hl_tlv_put(out, 0x35, "20391231", 8);
	hl_tlv_put(out, 0x3e, NULL, 0);
	hl_tlv_put(out, 0xfe, NULL, 0);
}

static bool
put_object(const struct card *c, hl_rd tag, hl_buf *out)
{
	static const uint8_t chuid[3] = { 0x5f, 0xc1, 0x02 };

	if (tag.n == 3 && memcmp(tag.p, chuid, 3) == 0) {
		put_chuid(out);
		return true;
	}
	for (size_t i = 0; i < HL_COUNT(c->keys); i++) {
		const struct key *k = &c->keys[i];

		if (tag.n != 3 || memcmp(tag.p, k->slot, 3) != 0)
			continue;
		hl_tlv_put(out, 0x70, k->cert.p, k->cert.n);
		hl_tlv_put(out, 0x71, "\0", 1);
		hl_tlv_put(out, 0xfe, NULL, 0);
		return true;
	}
	return false;
}

static unsigned
get_data(struct card *c, hl_rd data)
{
	static const uint8_t discovery[] = { 0x7e, 0x12, 0x4f, 0x0b, 0xa0, 0x00,
		0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00, 0x5f,
		0x2f, 0x02, 0x40, 0x00 };
	hl_buf object = HL_BUF_INIT;
	unsigned sw = 0x6a82;
	hl_rd tag;
	uint8_t t;

	if (!hl_tlv_der(&data, &t, &tag) || t != 0x5c)
		return 0x6a80;
	if (tag.n == 1 && tag.p[0] == 0x7e) {
		hl_buf_put(&c->answer, discovery, sizeof(discovery));
		return 0x9000;
	}
	if (put_object(c, tag, &object)) {
		hl_tlv_put(&c->answer, 0x53, object.p, object.n);
		sw = 0x9000;
	}
	hl_buf_free(&object);
	return sw;
}

static unsigned
verify(struct card *c, uint8_t p2, hl_rd data)
{
	if (p2 != 0x80)
		return 0x6a88;
	if (data.n == 0)
		return c->verified ? 0x9000 : 0x63c0U | (unsigned)c->tries;
	c->verified = false;
	if (c->tries == 0)
		return 0x6983;
	if (data.n != sizeof(right_pin) ||
	    memcmp(data.p, right_pin, sizeof(right_pin)) != 0) {
		c->tries--;
		save_tries(c);
		return c->tries == 0 ? 0x6983 : 0x63c0U | (unsigned)c->tries;
	}
	c->tries = TRIES;
	save_tries(c);
	c->verified = c->just_verified = true;
	return 0x9000;
}

static bool
sign(struct card *c, const struct key *k, hl_rd hash)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pair, NULL);
	hl_buf response = HL_BUF_INIT;
	uint8_t sig[80];
	size_t n = sizeof(sig);
	const bool ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_sign(ctx, sig, &n, hash.p, hash.n) == 1;

	if (ok) {
		hl_tlv_put(&response, 0x82, sig, n);
		hl_tlv_put(&c->answer, 0x7c, response.p, response.n);
	}
	hl_buf_free(&response);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static unsigned
authenticate(struct card *c, uint8_t algorithm, uint8_t reference, bool fresh,
    hl_rd data)
{
	const struct key *k = NULL;
	hl_rd in, hash;
	uint8_t t;

	for (size_t i = 0; i < HL_COUNT(c->keys); i++) {
		if (c->keys[i].reference == reference)
			k = &c->keys[i];
	}
	if (k == NULL)
		return 0x6a88;
	if (algorithm != 0x11)
		return 0x6a86;
	/* SP 800-73-4, part 1, table 5: "PIN always" */
	if (!c->verified || (reference == 0x9c && !fresh))
		return 0x6982;
	if (!hl_tlv_der(&data, &t, &in) || t != 0x7c ||
	    !hl_tlv_find(in, 0x81, &hash) || hash.n != 32)
		return 0x6a80;
	return sign(c, k, hash) ? 0x9000 : 0x6f00;
}

static unsigned
run(struct card *c, const uint8_t head[4], hl_rd data)
{
	const bool fresh = c->just_verified;

	if (head[1] != 0xc0) {
		hl_buf_reset(&c->answer);
		c->fetched = 0;
		c->just_verified = false;
	}
	switch (head[1]) {
	case 0xa4:
		return head[2] == 4 ? select_applet(c, data) : 0x6a82;
	case 0xcb:
		return get_data(c, data);
	case 0x20:
		return verify(c, head[3], data);
	case 0x87:
		return authenticate(c, head[2], head[3], fresh, data);
	case 0xc0:
		return c->fetched < c->answer.n ? 0x9000 : 0x6985;
	default:
		return 0x6d00;
	}
}

/* The next part of the answer, and how much there is behind it. */
static void
put_part(struct card *c, size_t le, unsigned sw, hl_buf *out)
{
	size_t left = c->answer.n - c->fetched;
	const size_t n = left < le ? left : le;

	if (sw == 0x9000) {
		hl_buf_put(out, c->answer.p + c->fetched, n);
		c->fetched += n;
		left -= n;
		if (left > 0)
			sw = 0x6100U | (left > 255 ? 0 : (unsigned)left);
	}
	hl_buf_u16(out, (uint16_t)sw);
}

/* Short APDUs alone, with command chaining (ISO 7816-4, 5.1.1.1). */
static void
apdu(struct card *c, hl_rd in, hl_buf *out)
{
	uint8_t head[4], b = 0;
	hl_rd data = { NULL, 0 };
	size_t le = CHUNK;
	unsigned sw = 0x6700;

	if (!hl_rd_copy(&in, head, sizeof(head)))
		goto end;
	if (in.n > 1 && (!hl_rd_u8(&in, &b) || !hl_rd_take(&in, b, &data)))
		goto end;
	if (in.n == 1 && hl_rd_u8(&in, &b) && b != 0)
		le = b;
	if (in.n != 0)
		goto end;
	hl_buf_put(&c->chained, data.p, data.n);
	if (head[0] == 0x10) {
		hl_buf_u16(out, 0x9000);
		return;
	}
	sw = run(c, head, (hl_rd){ c->chained.p, c->chained.n });
	hl_buf_reset(&c->chained);
end:
	put_part(c, le, sw, out);
}

/* ---- the reader --------------------------------------------------------- */

static void
reset(struct card *c)
{
	c->verified = c->just_verified = false;
	hl_buf_reset(&c->chained);
	hl_buf_reset(&c->answer);
	c->fetched = 0;
}

static enum link_result
answer(struct card *c, const hl_buf *msg)
{
	hl_buf out = HL_BUF_INIT;
	enum link_result res;

	if (msg->n == 1 && msg->p[0] == GET_ATR)
		return link_send(&c->link, atr, sizeof(atr));
	if (msg->n <= 1) {
		reset(c);
		return LINK_OK;
	}
	apdu(c, (hl_rd){ msg->p, msg->n }, &out);
	res = link_send(&c->link, out.p, out.n);
	hl_buf_free(&out);
	return res;
}

static enum link_result
session(struct card *c)
{
	enum link_result res = LINK_OK;
	hl_buf msg = HL_BUF_INIT;

	reset(c);
	while (res == LINK_OK) {
		res = link_receive(&c->link, &msg);
		if (res == LINK_OK)
			res = answer(c, &msg);
	}
	hl_buf_free(&msg);
	link_disconnect(&c->link);
	return res;
}

static void
serve(struct card *c)
{
	hl_err err = { 0 };
	bool stop = false;

	if (link_init(&c->link, c->unix_path, c->vpcd, &err) != HL_OK)
		fail(err.what, err.why);
	do {
		if (link_connect(&c->link, CONNECT_MS, &stop, &err) != HL_OK)
			fail(err.what, err.why);
	} while (!stop && session(c) != LINK_STOP);
	link_free(&c->link);
}

static void
card_free(struct card *c)
{
	for (size_t i = 0; i < HL_COUNT(c->keys); i++) {
		EVP_PKEY_free(c->keys[i].pair);
		hl_buf_free(&c->keys[i].cert);
	}
	hl_buf_free(&c->chained);
	hl_buf_free(&c->answer);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "unix", required_argument, NULL, 'u' },
		{ "vpcd", required_argument, NULL, 'v' },
		{ "tries", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	static struct card c;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'u')
			c.unix_path = optarg;
		else if (o == 'v')
			c.vpcd = optarg;
		else if (o == 't')
			c.tries_file = optarg;
		else
			return 2;
	}
	if ((c.unix_path != NULL) == (c.vpcd != NULL) || optind != argc) {
		fputs("usage: piv-card (--unix PATH | --vpcd HOST:PORT) "
		      "[--tries FILE]\n",
		    stderr);
		return 2;
	}
	make_keys(&c);
	load_tries(&c);
	serve(&c);
	card_free(&c);
	return 0;
}
