/* SPDX-License-Identifier: Apache-2.0 */
/* What stands before every signature of a log's key and of a witness's. */
#ifndef HL_LEDGER_SIGNING_H
#define HL_LEDGER_SIGNING_H

#include "ledger/memory.h"

/*
 * Whether the key may sign the tree of that size and root: it has to continue
 * the last tree of that origin which the key signed. On HL_OK the tree is in the
 * memory, durably, and may be signed. Otherwise nothing is remembered and
 * nothing must be signed. HL_EINTEGRITY: the ledger was rolled back or
 * rewritten; what `leaves` says, and hl_memory_put().
 *
 * `leaves` adds the leaf hashes of the events `from` to `to` - 1 to *add_to, in
 * order, each made of the event's bytes anew. It is called only when there are
 * any.
 *
 * The tree has to be on disk before: what the key remembers and a crash takes
 * from the store is a ledger that is never signed again. When signing fails
 * afterwards, the same tree, or one that continues it, may be signed later.
 */
HL_CHECK hl_rc hl_sign_tree(hl_memory *m, const char *origin, uint64_t size,
    const hl_hash *root,
    hl_rc (*leaves)(void *arg, uint64_t from, uint64_t to, hl_frontier *add_to,
	hl_err *err),
    void *arg, hl_err *err);
/* Whether it might, and nothing is remembered. With `edge` (may be NULL) also
 * what would be. */
HL_CHECK hl_rc hl_sign_check(const hl_memory *m, const char *origin,
    uint64_t size, const hl_hash *root,
    hl_rc (*leaves)(void *arg, uint64_t from, uint64_t to, hl_frontier *add_to,
	hl_err *err),
    void *arg, hl_frontier *edge, hl_err *err);

#endif
