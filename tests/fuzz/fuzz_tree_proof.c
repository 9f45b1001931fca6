/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of any form: they are taken just when the definition of RFC 6962,
 * written as recursion, takes them. Nobody finds hashes that lead to a given
 * root, so the harness asks the definition to which roots the hashes lead;
 * these must be accepted, and no others.
 *
 * Input, each part cut off or missing being zeros: what is checked (even:
 * inclusion), which byte is altered, the number of hashes, index or size of the
 * smaller tree (8 bytes, big-endian), size (8), leaf or root of the smaller
 * tree (32), root (32), the hashes of the proof.
 */
#include "fuzz/must.h"
#include "ledger/tree_model.h"

typedef struct input {
	const uint8_t *p;
	size_t n;
} input;

static void
take(input *in, void *out, size_t n)
{
	const size_t has = n < in->n ? n : in->n;

	memset(out, 0, n);
	if (has > 0)
		memcpy(out, in->p, has);
	in->p += has;
	in->n -= has;
}

static uint64_t
take_number(input *in)
{
	uint8_t b[8];
	uint64_t v = 0;

	take(in, b, sizeof(b));
	for (size_t i = 0; i < sizeof(b); i++)
		v = v << 8 | b[i];
	return v;
}

typedef struct claim {
	bool consistency;
	uint64_t at, size;
	hl_hash what, root;
	hl_proof p;
} claim;

static bool
model_accepts(const claim *c)
{
	return c->consistency ? model_accepts_consistency(
				    c->at, &c->what, c->size, &c->root, &c->p)
			      : model_accepts_inclusion(
				    &c->what, c->at, c->size, &c->p, &c->root);
}

static void
compare(const claim *c)
{
	const claim was = *c;
	hl_err err = { 0 }, no_err = { 0 };
	const hl_rc rc = c->consistency ? hl_check_consistency(c->at, &c->what,
					      c->size, &c->root, &c->p, &err)
					: hl_check_inclusion(&c->what, c->at,
					      c->size, &c->p, &c->root, &err);

	MUST((rc == HL_OK) == model_accepts(c));
	MUST(memcmp(&was, c, sizeof(was)) == 0);
	if (rc == HL_OK) {
		MUST(memcmp(&err, &no_err, sizeof(err)) == 0);
		return;
	}
	MUST(rc == HL_EINTEGRITY && err.rc == HL_EINTEGRITY);
	MUST(err.why[0] != '\0' && err.hint[0] != '\0');
}

/* Gives the claim the roots to which its hashes lead. False: they lead to none,
 * because it is no proof for these numbers. */
static bool
make_true(claim *c)
{
	const hl_hash *known = &c->what;

	if (c->p.n > HL_PROOF_MAX)
		return false;
	if (!c->consistency)
		return model_path_root(
		    &c->what, c->at, c->size, c->p.h, c->p.n, &c->root);
	return c->at > 0 && c->at <= c->size &&
	    model_subproof_roots(
		c->at, c->size, known, c->p.h, c->p.n, &c->what, &c->root);
}

/* Any one bit of leaf, roots and proof matters. */
static void
alter(const claim *c, uint8_t which)
{
	const size_t bytes = sizeof(hl_hash);
	claim bad = *c;
	hl_hash *h = &bad.root;

	if (which % 4 == 1)
		h = &bad.what;
	else if (which % 4 > 1 && c->p.n > 0)
		h = &bad.p.h[which / 4 % c->p.n];
	h->b[which % bytes] ^= (uint8_t)(1 << which % 8);
	MUST(!model_accepts(&bad));
	compare(&bad);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input in = { data, size };
	uint8_t head[3];
	claim *c = calloc(1, sizeof(*c));

	MUST(c != NULL);
	take(&in, head, sizeof(head));
	c->consistency = head[0] % 2 != 0;
	c->p.n = head[2];
	c->at = take_number(&in);
	c->size = take_number(&in);
	take(&in, &c->what, sizeof(c->what));
	take(&in, &c->root, sizeof(c->root));
	take(&in, c->p.h, sizeof(c->p.h));
	compare(c);
	if (make_true(c)) {
		MUST(model_accepts(c));
		compare(c);
		alter(c, head[1]);
	}
	free(c);
	return 0;
}
