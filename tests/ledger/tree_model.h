/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 6962, section 2.1, written down as it stands there: by recursion, with
 * all leaves in memory. What the product does in another way is compared with
 * this. It shares nothing with the product but SHA-256.
 */
#ifndef HL_TESTS_LEDGER_TREE_MODEL_H
#define HL_TESTS_LEDGER_TREE_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "ledger/tree_proof.h"

static inline hl_hash
model_hash(const void *p, size_t n)
{
	hl_hash h;

	if (hl_sha256(p, n, h.b, NULL) != HL_OK)
		abort();
	return h;
}

static inline hl_hash
model_node(const hl_hash *l, const hl_hash *r)
{
	uint8_t b[65] = { 0x01 };

	memcpy(b + 1, l->b, 32);
	memcpy(b + 33, r->b, 32);
	return model_hash(b, sizeof(b));
}

/* The largest power of two below n, which is above 1. */
static inline uint64_t
model_split(uint64_t n)
{
	uint64_t k = 1;

	while (k < n - k)
		k *= 2;
	return k;
}

/* A tree that remembers the roots of its full subtrees: full[v][i] is that of
 * leaves i * 2^v and the following 2^v. */
#define MODEL_LEVELS 24
typedef struct model {
	uint64_t size;
	hl_hash *full[MODEL_LEVELS];
} model;

/* Leaf i is SHA-256 of i as eight bytes: no two are the same. */
static inline hl_hash
model_leaf(uint64_t i)
{
	uint8_t b[8];

	for (size_t at = 0; at < sizeof(b); at++)
		b[at] = (uint8_t)(i >> (8 * at));
	return model_hash(b, sizeof(b));
}

static inline void
model_new(model *m, uint64_t size)
{
	m->size = size;
	for (unsigned v = 0; v < MODEL_LEVELS; v++) {
		const size_t n = (size_t)(size >> v);
		hl_hash *h = calloc(n + 1, sizeof(*h));

		if (h == NULL)
			abort();
		for (size_t i = 0; i < n; i++)
			h[i] = v == 0 ? model_leaf(i)
				      : model_node(&m->full[v - 1][2 * i],
					    &m->full[v - 1][2 * i + 1]);
		m->full[v] = h;
	}
}

static inline void
model_free(model *m)
{
	for (unsigned v = 0; v < MODEL_LEVELS; v++)
		free(m->full[v]);
}

/* MTH(D[at:at + n]), where `at` is a place at which such a subtree begins. */
static inline hl_hash
model_root(const model *m, uint64_t at, uint64_t n)
{
	hl_hash l, r;
	uint64_t k;

	if (n == 0)
		return model_hash("", 0);
	if ((n & (n - 1)) == 0)
		for (unsigned v = 0; v < MODEL_LEVELS; v++)
			if (n >> v == 1)
				return m->full[v][at >> v];
	k = model_split(n);
	l = model_root(m, at, k);
	r = model_root(m, at + k, n - k);
	return model_node(&l, &r);
}

/* PATH(index, D[at:at + n]), appended. */
static inline void
model_path(const model *m, uint64_t index, uint64_t at, uint64_t n, hl_proof *p)
{
	uint64_t k;

	if (n == 1)
		return;
	k = model_split(n);
	if (index < k) {
		model_path(m, index, at, k, p);
		p->h[p->n++] = model_root(m, at + k, n - k);
	} else {
		model_path(m, index - k, at + k, n - k, p);
		p->h[p->n++] = model_root(m, at, k);
	}
}

/* SUBPROOF(old, D[at:at + n], known), appended. */
static inline void
model_subproof(const model *m, uint64_t old, uint64_t at, uint64_t n,
    bool known, hl_proof *p)
{
	uint64_t k;

	if (old == n) {
		if (!known)
			p->h[p->n++] = model_root(m, at, n);
		return;
	}
	k = model_split(n);
	if (old <= k) {
		model_subproof(m, old, at, k, known, p);
		p->h[p->n++] = model_root(m, at + k, n - k);
	} else {
		model_subproof(m, old - k, at + k, n - k, false, p);
		p->h[p->n++] = model_root(m, at, k);
	}
}

/* The root to which the first n hashes of a path lead. False: it is not the
 * path of such a leaf, whatever its hashes are. */
static inline bool
model_path_root(const hl_hash *leaf, uint64_t index, uint64_t size,
    const hl_hash *p, size_t n, hl_hash *root)
{
	hl_hash inner;
	uint64_t k;

	if (index >= size || (size > 1) != (n > 0))
		return false;
	if (size == 1) {
		*root = *leaf;
		return true;
	}
	k = model_split(size);
	if (!model_path_root(leaf, index < k ? index : index - k,
		index < k ? k : size - k, p, n - 1, &inner))
		return false;
	*root = index < k ? model_node(&inner, &p[n - 1])
			  : model_node(&p[n - 1], &inner);
	return true;
}

/* The two roots to which a consistency proof leads; the smaller tree's is
 * known where the recursion meets it as a whole. Needs 0 < old <= size. */
static inline bool
model_subproof_roots(uint64_t old, uint64_t size, const hl_hash *known,
    const hl_hash *p, size_t n, hl_hash *was, hl_hash *now)
{
	hl_hash w, s;
	uint64_t k;

	if (old == size) {
		if (n != (known == NULL))
			return false;
		*was = *now = known != NULL ? *known : p[0];
		return true;
	}
	if (n == 0)
		return false;
	k = model_split(size);
	if (!model_subproof_roots(old <= k ? old : old - k,
		old <= k ? k : size - k, old <= k ? known : NULL, p, n - 1, &w,
		&s))
		return false;
	*was = old <= k ? w : model_node(&p[n - 1], &w);
	*now = old <= k ? model_node(&s, &p[n - 1]) : model_node(&p[n - 1], &s);
	return true;
}

static inline bool
model_accepts_inclusion(const hl_hash *leaf, uint64_t index, uint64_t size,
    const hl_proof *p, const hl_hash *root)
{
	hl_hash made;

	return p->n <= HL_PROOF_MAX &&
	    model_path_root(leaf, index, size, p->h, p->n, &made) &&
	    memcmp(&made, root, sizeof(made)) == 0;
}

static inline bool
model_accepts_consistency(uint64_t old, const hl_hash *old_root, uint64_t size,
    const hl_hash *root, const hl_proof *p)
{
	hl_hash was, now;

	return old > 0 && old <= size && p->n <= HL_PROOF_MAX &&
	    model_subproof_roots(old, size, old_root, p->h, p->n, &was, &now) &&
	    memcmp(&was, old_root, sizeof(was)) == 0 &&
	    memcmp(&now, root, sizeof(now)) == 0;
}

#endif
