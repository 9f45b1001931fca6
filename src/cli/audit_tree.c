/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's events as leaves of its tree. */
#include <inttypes.h>

#include "cli/audit.h"

static hl_rc
missing(uint64_t seq, hl_err *err)
{
	return hl_fail(err, HL_EINTEGRITY, "read the ledger", HL_AUDIT_HINT,
	    "event %" PRIu64 " is missing", seq);
}

struct adding {
	hl_frontier *f;
	hl_err *err;
	hl_rc rc;
};

static bool
add_leaf(void *arg, const hl_event_row *r)
{
	struct adding *a = arg;
	hl_hash leaf;

	if (r->seq != a->f->size)
		a->rc = missing(a->f->size, a->err);
	else if ((a->rc = hl_leaf_hash(r->bytes, r->n, &leaf, a->err)) == HL_OK)
		a->rc = hl_frontier_add(a->f, &leaf, a->err);
	return a->rc == HL_OK;
}

hl_rc
hl_audit_leaves(
    void *arg, uint64_t from, uint64_t to, hl_frontier *add_to, hl_err *err)
{
	struct adding a = { add_to, err, HL_OK };
	hl_rc rc = hl_store_events(arg, from, to, add_leaf, &a, err);

	if (rc == HL_OK)
		rc = a.rc;
	return rc == HL_OK && add_to->size != to ? missing(add_to->size, err)
						 : rc;
}

/* ---- for proofs --------------------------------------------------------- */

struct handing {
	uint64_t next;
	bool (*each)(void *each_arg, const hl_hash *leaf);
	void *each_arg;
	bool gap;
};

static bool
hand_leaf(void *arg, const hl_event_row *r)
{
	struct handing *h = arg;

	h->gap = r->seq != h->next++;
	return !h->gap && h->each(h->each_arg, &r->leaf);
}

static hl_rc
read_leaves(void *arg, uint64_t from, uint64_t n,
    bool (*each)(void *each_arg, const hl_hash *leaf), void *each_arg,
    hl_err *err)
{
	struct handing h = { from, each, each_arg, false };
	hl_rc rc = hl_store_events(arg, from, from + n, hand_leaf, &h, err);

	return rc == HL_OK && h.gap ? missing(h.next - 1, err) : rc;
}

hl_leaves
hl_audit_proof_leaves(hl_store *store)
{
	return (hl_leaves){ read_leaves, store };
}
