/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the ledger no checkpoint vouches for. */
#include "cli/audit.h"

/* What is younger than the last head that left can be rewritten by whoever
 * holds the key; this much of it is too much. */
#define DUE_EVENTS 100
#define DUE_MS (15 * INT64_C(60) * 1000)

struct reading {
	hl_event e; /* the body is not kept */
	hl_err *err;
	hl_rc rc;
	bool found;
};

static bool
take_first(void *arg, const hl_event_row *r)
{
	struct reading *x = arg;

	if ((x->rc = hl_audit_read_event(r, &x->e, x->err)) == HL_OK)
		hl_event_free(&x->e);
	x->found = x->rc == HL_OK;
	return false;
}

hl_rc
hl_ledger_state_get(
    hl_store *store, int64_t now, hl_ledger_state *out, hl_err *err)
{
	struct reading newest = { .err = err }, after = { .err = err };
	hl_ledger_state s = { .events = 0 };
	hl_frontier tree;
	hl_rc rc;

	if ((rc = hl_store_tree(store, &tree, err)) != HL_OK ||
	    (rc = hl_store_checkpoints(store, take_first, &newest, err)) !=
		HL_OK ||
	    (rc = newest.rc) != HL_OK)
		return rc;
	s.events = tree.size;
	s.has_checkpoint = newest.found;
	if (newest.found) {
		s.at = newest.e.at;
		s.since = tree.size - newest.e.seq - 1;
		rc = hl_store_events(store, newest.e.seq + 1, tree.size,
		    take_first, &after, err);
		if (rc != HL_OK || (rc = after.rc) != HL_OK)
			return rc;
	}
	s.due = s.since >= DUE_EVENTS ||
	    (!s.has_checkpoint && s.events >= DUE_EVENTS) ||
	    (after.found && now - after.e.at >= DUE_MS);
	*out = s;
	return HL_OK;
}
