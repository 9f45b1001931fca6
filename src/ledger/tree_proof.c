/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/tree_proof.h"

#include "util/hex.h"

#define LEAVES_MAX ((uint64_t)1 << 63)
#define HEX_LEN (2 * HL_SHA256_LEN + 1)

typedef unsigned long long ull; /* what %llu prints */

static const char proving_inclusion[] = "prove that an event is in the ledger";
static const char proving_consistency[] =
    "prove that the ledger continues an earlier one";
static const char checking_inclusion[] = "check that an event is in the ledger";
static const char checking_consistency[] =
    "check that the ledger continues an earlier one";
static const char inclusion_hint[] =
    "event, proof and checkpoint do not belong together, or one of them was "
    "altered";
static const char consistency_hint[] =
    "proof and checkpoints do not belong together, or the ledger was rewritten "
    "between them";

/*
 * The way up from a node: node `at` of `last` + 1 nodes of a level, the leaves
 * being level 0. The last node of a level may stand for a subtree that is not
 * full.
 */
typedef struct way {
	uint64_t at, last;
	unsigned level;
} way;

/* What a hash of a proof stands for: the root of leaves [from, to), which lie
 * left or right of everything that the way has met before. */
typedef struct part {
	uint64_t from, to;
	bool left;
} part;

typedef struct parts {
	size_t n;
	part p[HL_PROOF_MAX];
} parts;

static void
way_up(way *w)
{
	w->at >>= 1;
	w->last >>= 1;
	w->level++;
}

/*
 * One step to the root, which must not be reached yet (`last` is above 0): the
 * sibling to be joined with. A last node that has none is its own parent.
 */
static part
way_step(way *w, uint64_t size)
{
	part sibling = { 0, 0, true };

	while (w->at == w->last && (w->at & 1) == 0)
		way_up(w);
	if ((w->at & 1) != 0) {
		sibling.from = (w->at - 1) << w->level;
		sibling.to = w->at << w->level;
	} else {
		sibling.left = false;
		sibling.from = (w->at + 1) << w->level;
		sibling.to =
		    w->at + 1 == w->last ? size : (w->at + 2) << w->level;
	}
	way_up(w);
	return sibling;
}

static size_t
way_length(way w)
{
	size_t n = 0;

	for (; w.last > 0; n++)
		(void)way_step(&w, 0);
	return n;
}

static way
way_from_leaf(uint64_t index, uint64_t size)
{
	return (way){ index, size - 1, 0 };
}

/*
 * A consistency proof begins at the largest full subtree that ends with the
 * smaller tree; where that is the whole of it (`at` is 0), its root is known.
 */
static way
way_from_old(uint64_t old, uint64_t size)
{
	way w = way_from_leaf(old - 1, size);

	while ((w.at & 1) != 0)
		way_up(&w);
	return w;
}

/* Makes the root of a part while its leaves pass by. */
typedef struct maker {
	hl_frontier f;
	uint64_t wanted;
	hl_rc rc;
	hl_err *err;
} maker;

static bool
maker_take(void *arg, const hl_hash *leaf)
{
	maker *m = arg;

	if (m->f.size < m->wanted)
		m->rc = hl_frontier_add(&m->f, leaf, m->err);
	return m->rc == HL_OK && m->f.size < m->wanted;
}

static hl_rc
part_root(const hl_leaves *l, const part *p, hl_hash *out, hl_err *err)
{
	maker m = { .wanted = p->to - p->from, .rc = HL_OK, .err = err };
	hl_rc rc = l->read(l->arg, p->from, m.wanted, maker_take, &m, err);

	if (rc != HL_OK)
		return rc;
	if (m.rc != HL_OK)
		return m.rc;
	if (m.f.size != m.wanted)
		return hl_fail(err, HL_EINTEGRITY, "read the ledger's events",
		    "hsmlic audit verify looks at all of them",
		    "there is no event %llu", (ull)(p->from + m.f.size));
	return hl_frontier_root(&m.f, out, err);
}

/* Parts that lie left come in a proof from right to left, behind them those
 * that lie right: read this way the log is passed once. */
static hl_rc
parts_prove(const parts *a, const hl_leaves *l, hl_proof *out, hl_err *err)
{
	hl_proof made = { .n = a->n };
	hl_rc rc = HL_OK;

	for (size_t i = a->n; i-- > 0 && rc == HL_OK;)
		if (a->p[i].left)
			rc = part_root(l, &a->p[i], &made.h[i], err);
	for (size_t i = 0; i < a->n && rc == HL_OK; i++)
		if (!a->p[i].left)
			rc = part_root(l, &a->p[i], &made.h[i], err);
	if (rc == HL_OK)
		*out = made;
	return rc;
}

static void
parts_add_way(parts *a, way w, uint64_t size)
{
	while (w.last > 0)
		a->p[a->n++] = way_step(&w, size);
}

static hl_rc
size_check(uint64_t size, const char *what, hl_err *err)
{
	if (size <= LEAVES_MAX)
		return HL_OK;
	return hl_fail(err, HL_EINPUT, what, "",
	    "no ledger has %llu events: the most is 2^63", (ull)size);
}

hl_rc
hl_prove_inclusion(const hl_leaves *l, uint64_t index, uint64_t size,
    hl_proof *out, hl_err *err)
{
	parts a = { 0 };
	hl_rc rc = size_check(size, proving_inclusion, err);

	if (rc != HL_OK)
		return rc;
	if (index >= size)
		return hl_fail(err, HL_EINPUT, proving_inclusion,
		    "events are counted from 0",
		    "of %llu events none has number %llu", (ull)size,
		    (ull)index);
	parts_add_way(&a, way_from_leaf(index, size), size);
	return parts_prove(&a, l, out, err);
}

hl_rc
hl_prove_consistency(
    const hl_leaves *l, uint64_t old, uint64_t size, hl_proof *out, hl_err *err)
{
	parts a = { 0 };
	way w;
	hl_rc rc = size_check(size, proving_consistency, err);

	if (rc != HL_OK)
		return rc;
	if (old == 0)
		return hl_fail(err, HL_EINPUT, proving_consistency, "",
		    "every ledger continues the one without events, and there "
		    "is no proof of it");
	if (old > size)
		return hl_fail(err, HL_EINPUT, proving_consistency, "",
		    "%llu events cannot continue %llu", (ull)size, (ull)old);
	if (old == size) {
		out->n = 0;
		return HL_OK;
	}
	w = way_from_old(old, size);
	if (w.at > 0) /* the rightmost of what lies left */
		a.p[a.n++] = (part){ w.at << w.level, old, true };
	parts_add_way(&a, w, size);
	return parts_prove(&a, l, out, err);
}

static hl_rc
length_check(const hl_proof *p, size_t needed, const char *what,
    const char *hint, hl_err *err)
{
	if (p->n == needed && p->n <= HL_PROOF_MAX)
		return HL_OK;
	return hl_fail(err, HL_EINTEGRITY, what, hint,
	    "the proof has %zu %s, and %zu %s needed", p->n,
	    p->n == 1 ? "hash" : "hashes", needed, needed == 1 ? "is" : "are");
}

static hl_rc
root_check(const hl_hash *made, const hl_hash *root, const char *whose,
    const char *what, const char *hint, hl_err *err)
{
	char has[HEX_LEN], is[HEX_LEN];

	if (hl_hash_equal(made, root))
		return HL_OK;
	hl_hex_lower(has, made->b, sizeof(made->b));
	hl_hex_lower(is, root->b, sizeof(root->b));
	return hl_fail(err, HL_EINTEGRITY, what, hint,
	    "the proof leads to %s, and the root of %s is %s", has, whose, is);
}

static hl_rc
join(hl_hash *node, const hl_hash *sibling, bool left, hl_err *err)
{
	return left ? hl_node_hash(sibling, node, node, err)
		    : hl_node_hash(node, sibling, node, err);
}

hl_rc
hl_check_inclusion(const hl_hash *leaf, uint64_t index, uint64_t size,
    const hl_proof *p, const hl_hash *root, hl_err *err)
{
	hl_hash node = *leaf;
	hl_rc rc;
	way w;

	if (index >= size)
		return hl_fail(err, HL_EINTEGRITY, checking_inclusion,
		    inclusion_hint, "of %llu events none has number %llu",
		    (ull)size, (ull)index);
	w = way_from_leaf(index, size);
	rc = length_check(
	    p, way_length(w), checking_inclusion, inclusion_hint, err);
	for (size_t i = 0; rc == HL_OK && i < p->n; i++)
		rc = join(&node, &p->h[i], way_step(&w, size).left, err);
	if (rc != HL_OK)
		return rc;
	return root_check(
	    &node, root, "the tree", checking_inclusion, inclusion_hint, err);
}

/* Trees of one size need no proof, and must not come with one. */
static hl_rc
same_size_check(uint64_t size, const hl_hash *a, const hl_hash *b,
    const hl_proof *p, hl_err *err)
{
	hl_rc rc =
	    length_check(p, 0, checking_consistency, consistency_hint, err);

	if (rc != HL_OK || hl_hash_equal(a, b))
		return rc;
	return hl_fail(err, HL_EINTEGRITY, checking_consistency,
	    "somebody was shown another ledger than somebody else: keep both "
	    "checkpoints",
	    "there are two different trees of %llu events", (ull)size);
}

/*
 * Works out the roots of both trees from one proof. What lies right of the way
 * belongs to the larger one alone.
 */
static hl_rc
both_roots(way w, const hl_proof *p, hl_hash *old, hl_hash *now, hl_err *err)
{
	size_t i = 0;
	hl_rc rc = HL_OK;

	if (w.at > 0)
		*old = p->h[i++];
	*now = *old;
	for (; rc == HL_OK && i < p->n; i++) {
		const bool left = way_step(&w, 0).left;

		if (left)
			rc = join(old, &p->h[i], true, err);
		if (rc == HL_OK)
			rc = join(now, &p->h[i], left, err);
	}
	return rc;
}

hl_rc
hl_check_consistency(uint64_t old, const hl_hash *old_root, uint64_t size,
    const hl_hash *root, const hl_proof *p, hl_err *err)
{
	hl_hash was = *old_root, now;
	hl_rc rc;
	way w;

	if (old == 0 || old > size)
		return hl_fail(err, HL_EINTEGRITY, checking_consistency,
		    consistency_hint,
		    "no proof shows that %llu events continue %llu", (ull)size,
		    (ull)old);
	if (old == size)
		return same_size_check(size, old_root, root, p, err);
	w = way_from_old(old, size);
	rc = length_check(p, way_length(w) + (w.at > 0), checking_consistency,
	    consistency_hint, err);
	if (rc != HL_OK || (rc = both_roots(w, p, &was, &now, err)) != HL_OK)
		return rc;
	rc = root_check(&was, old_root, "the earlier tree",
	    checking_consistency, consistency_hint, err);
	if (rc != HL_OK)
		return rc;
	return root_check(&now, root, "the later tree", checking_consistency,
	    consistency_hint, err);
}
