/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/tree.h"

#include <string.h>

#define NODE_LEN (1 + 2 * HL_SHA256_LEN)
#define SIZE_MAX_LEAVES ((uint64_t)1 << 63)

bool
hl_hash_equal(const hl_hash *a, const hl_hash *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

hl_rc
hl_leaf_hash(const void *event, size_t n, hl_hash *out, hl_err *err)
{
	return hl_sha256_prefixed(0x00, event, n, out->b, err);
}

hl_rc
hl_node_hash(
    const hl_hash *left, const hl_hash *right, hl_hash *out, hl_err *err)
{
	uint8_t node[NODE_LEN] = { 0x01 };

	memcpy(node + 1, left->b, sizeof(left->b));
	memcpy(node + 1 + HL_SHA256_LEN, right->b, sizeof(right->b));
	return hl_sha256(node, sizeof(node), out->b, err);
}

static size_t
bits_set(uint64_t v)
{
	size_t n = 0;

	for (; v != 0; v &= v - 1)
		n++;
	return n;
}

bool
hl_frontier_valid(const hl_frontier *f)
{
	return f->size <= SIZE_MAX_LEAVES && f->n == bits_set(f->size);
}

bool
hl_frontier_equal(const hl_frontier *a, const hl_frontier *b)
{
	return a->size == b->size && a->n == b->n &&
	    memcmp(a->h, b->h, a->n * sizeof(a->h[0])) == 0;
}

/*
 * Each bit set at the low end of the size is a full subtree as large as the
 * one that has just become full beside it: the two are one.
 */
hl_rc
hl_frontier_add(hl_frontier *f, const hl_hash *leaf, hl_err *err)
{
	hl_hash node = *leaf;
	size_t n = f->n;
	hl_rc rc;

	if (!hl_frontier_valid(f) || f->size == SIZE_MAX_LEAVES) {
		return hl_fail(err, HL_EINPUT, "add to the ledger's tree", "",
		    "a tree of %llu events has no %zu subtrees",
		    (unsigned long long)f->size, f->n);
	}
	for (uint64_t bits = f->size; (bits & 1) != 0; bits >>= 1) {
		rc = hl_node_hash(&f->h[--n], &node, &node, err);
		if (rc != HL_OK)
			return rc;
	}
	f->h[n] = node;
	f->n = n + 1;
	f->size++;
	return HL_OK;
}

hl_rc
hl_frontier_root(const hl_frontier *f, hl_hash *root, hl_err *err)
{
	hl_hash node;
	hl_rc rc = HL_OK;

	if (!hl_frontier_valid(f)) {
		return hl_fail(err, HL_EINPUT, "work out the ledger's root", "",
		    "a tree of %llu events has no %zu subtrees",
		    (unsigned long long)f->size, f->n);
	}
	if (f->n == 0)
		return hl_sha256("", 0, root->b, err);
	node = f->h[f->n - 1];
	for (size_t i = f->n - 1; i-- > 0 && rc == HL_OK;)
		rc = hl_node_hash(&f->h[i], &node, &node, err);
	if (rc == HL_OK)
		*root = node;
	return rc;
}
