/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Merkle tree of RFC 6962, section 2.1, with SHA-256. Its leaves are the
 * bytes of events, in order. What is kept of it is its right edge, the
 * frontier: enough to add a leaf and to tell the root.
 */
#ifndef HL_LEDGER_TREE_H
#define HL_LEDGER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"

#define HL_FRONTIER_MAX 64

typedef struct hl_hash {
	uint8_t b[HL_SHA256_LEN];
} hl_hash;

/*
 * The roots of the full subtrees that a tree of `size` leaves is made of, the
 * largest (leftmost) first. There are as many as `size` has bits set.
 */
typedef struct hl_frontier {
	uint64_t size;
	size_t n;
	hl_hash h[HL_FRONTIER_MAX];
} hl_frontier;

bool hl_hash_equal(const hl_hash *a, const hl_hash *b);

/* SHA-256(0x00 || event). HL_ENOMEM, as all of these when OpenSSL fails. */
HL_CHECK hl_rc hl_leaf_hash(
    const void *event, size_t n, hl_hash *out, hl_err *err);
/* SHA-256(0x01 || left || right); `out` may be one of them. */
HL_CHECK hl_rc hl_node_hash(
    const hl_hash *left, const hl_hash *right, hl_hash *out, hl_err *err);

/* Adds the next leaf. HL_EINPUT: *f is not valid, or full (2^63 leaves). */
HL_CHECK hl_rc hl_frontier_add(
    hl_frontier *f, const hl_hash *leaf, hl_err *err);
/* The root; that of no leaves at all is SHA-256(""). */
HL_CHECK hl_rc hl_frontier_root(
    const hl_frontier *f, hl_hash *root, hl_err *err);
bool hl_frontier_valid(const hl_frontier *f);
bool hl_frontier_equal(const hl_frontier *a, const hl_frontier *b);

#endif
