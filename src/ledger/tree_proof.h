/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs about the ledger's tree: that an event is in it, and that a larger
 * tree continues a smaller one. Made as RFC 6962, 2.1.1 and 2.1.2 define them,
 * checked as RFC 9162, 2.1.3.2 and 2.1.4.2 do; both RFCs have the same proofs.
 *
 * Trees have up to 2^63 leaves. A checker takes any numbers and hashes.
 */
#ifndef HL_LEDGER_TREE_PROOF_H
#define HL_LEDGER_TREE_PROOF_H

#include "ledger/tree.h"

/* Hashes that a proof in a tree of 2^63 leaves can have: 63 levels, and one for
 * where a consistency proof begins. */
#define HL_PROOF_MAX 64

typedef struct hl_proof {
	size_t n;
	hl_hash h[HL_PROOF_MAX]; /* the deepest first */
} hl_proof;

/*
 * Where a proof is made from: the leaf hashes of a log.
 *
 * read() hands leaves from, from + 1, ..., from + n - 1 to each() in this order
 * and ends with HL_OK where each() says false, or where there are no more. It
 * is called for ranges that lie one behind the other, so a log is read once and
 * nothing is kept of it; what a proof does not need is passed over.
 */
typedef struct hl_leaves {
	hl_rc (*read)(void *arg, uint64_t from, uint64_t n,
	    bool (*each)(void *each_arg, const hl_hash *leaf), void *each_arg,
	    hl_err *err);
	void *arg;
} hl_leaves;

/*
 * The way from leaf `index` to the root of the first `size` leaves. *out is
 * untouched unless HL_OK. HL_EINPUT: there is no such leaf in such a tree;
 * HL_EINTEGRITY: the log is shorter than `size`; HL_ENOMEM; what read() fails
 * with.
 *
 * The proof is worth what the leaves are: hl_check_inclusion() with a root from
 * elsewhere tells whether they are still those of that root.
 */
HL_CHECK hl_rc hl_prove_inclusion(const hl_leaves *l, uint64_t index,
    uint64_t size, hl_proof *out, hl_err *err);

/*
 * That the first `size` leaves begin with the first `old` ones. Empty where
 * they are as many. Errors as above. A tree without leaves is HL_EINPUT: it is
 * the beginning of every tree, and RFC 6962 defines no proof of that.
 */
HL_CHECK hl_rc hl_prove_consistency(const hl_leaves *l, uint64_t old,
    uint64_t size, hl_proof *out, hl_err *err);

/*
 * HL_EINTEGRITY: the proof does not show that the event with this leaf hash is
 * event `index` of the tree of that size and root; `why` says what differs.
 * HL_ENOMEM. Size and root have to come from one checkpoint: a root alone does
 * not tell the size of its tree, and a few proofs fit more than one size.
 */
HL_CHECK hl_rc hl_check_inclusion(const hl_hash *leaf, uint64_t index,
    uint64_t size, const hl_proof *p, const hl_hash *root, hl_err *err);

/*
 * HL_EINTEGRITY: the proof does not show that the tree of `size` leaves begins
 * with the one of `old` leaves; also where `old` is 0 (see above). HL_ENOMEM.
 */
HL_CHECK hl_rc hl_check_consistency(uint64_t old, const hl_hash *old_root,
    uint64_t size, const hl_hash *root, const hl_proof *p, hl_err *err);

#endif
