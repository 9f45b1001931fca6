/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/signing.h"

#include <inttypes.h>

#define WHAT "sign the ledger's tree"

static hl_rc
rolled_back(uint64_t size, uint64_t was, hl_err *err)
{
	return hl_fail(err, HL_EINTEGRITY, WHAT,
	    "find the newest copy of the store; nothing was signed",
	    "the ledger has %" PRIu64 " events, but this key signed %" PRIu64
	    " already: it was rolled back",
	    size, was);
}

/* The root is not the one that the remembered events and the new ones give. */
static hl_rc
rewritten(uint64_t size, uint64_t was, hl_err *err)
{
	static const char hint[] = "verify the store with the last checkpoint "
				   "that left it; nothing was signed";

	if (was == 0)
		return hl_fail(err, HL_EINTEGRITY, WHAT, hint,
		    "the root is not that of the ledger's %" PRIu64 " events",
		    size);
	return hl_fail(err, HL_EINTEGRITY, WHAT, hint,
	    "event history before event %" PRIu64
	    " was rewritten after this key signed it%s",
	    was,
	    size == was ? ""
			: ", or the events since then do not give the root");
}

/* Adds the new events to the tree that was signed last. */
static hl_rc
extend(hl_frontier *f, uint64_t size,
    hl_rc (*leaves)(void *, uint64_t, uint64_t, hl_frontier *, hl_err *),
    void *arg, hl_err *err)
{
	const uint64_t from = f->size;
	hl_rc rc;

	if (from == size)
		return HL_OK;
	if ((rc = leaves(arg, from, size, f, err)) != HL_OK)
		return rc;
	if (f->size == size)
		return HL_OK;
	return hl_fail(err, HL_EINTEGRITY, WHAT,
	    "verify the store; nothing was signed",
	    "%" PRIu64 " events were read instead of %" PRIu64
	    ": some are missing, or doubled",
	    f->size, size);
}

hl_rc
hl_sign_check(const hl_memory *m, const char *origin, uint64_t size,
    const hl_hash *root,
    hl_rc (*leaves)(void *arg, uint64_t from, uint64_t to, hl_frontier *add_to,
	hl_err *err),
    void *arg, hl_frontier *edge, hl_err *err)
{
	hl_frontier f;
	uint64_t was;
	hl_hash is;
	hl_rc rc;

	(void)hl_memory_find(m, origin, &f);
	was = f.size;
	if (size < was)
		return rolled_back(size, was, err);
	if ((rc = extend(&f, size, leaves, arg, err)) != HL_OK ||
	    (rc = hl_frontier_root(&f, &is, err)) != HL_OK)
		return rc;
	if (!hl_hash_equal(&is, root))
		return rewritten(size, was, err);
	if (edge != NULL)
		*edge = f;
	return HL_OK;
}

hl_rc
hl_sign_tree(hl_memory *m, const char *origin, uint64_t size,
    const hl_hash *root,
    hl_rc (*leaves)(void *arg, uint64_t from, uint64_t to, hl_frontier *add_to,
	hl_err *err),
    void *arg, hl_err *err)
{
	hl_frontier f;
	hl_rc rc;

	rc = hl_sign_check(m, origin, size, root, leaves, arg, &f, err);
	return rc == HL_OK ? hl_memory_put(m, origin, &f, err) : rc;
}
