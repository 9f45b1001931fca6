/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the ledger no checkpoint vouches for. */
#include <string.h>

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

/* ---- the newest checkpoint that was made -------------------------------- */

struct judging {
	uint64_t seq; /* of the event that tells of a checkpoint */
	bool failed;
	hl_err *err;
	hl_rc rc;
};

/* Does it say that the checkpoint was not made after all? */
static bool
look_for_failure(void *arg, const hl_event_row *r)
{
	struct judging *j = arg;
	const char *change;
	int64_t seq = -1;
	hl_event e;

	if ((j->rc = hl_audit_read_event(r, &e, j->err)) != HL_OK)
		return false;
	change = hl_event_text(&e, "change");
	j->failed = strcmp(e.kind, "config.changed") == 0 && change != NULL &&
	    strcmp(change, "checkpoint.failed") == 0 &&
	    hl_event_int(&e, "seq", &seq) && (uint64_t)seq == j->seq;
	hl_event_free(&e);
	return !j->failed;
}

struct newest {
	hl_store *store;
	struct reading r;
};

/* Behind DUE_EVENTS more a checkpoint is due whatever became of this one. */
static bool
take_made(void *arg, const hl_event_row *row)
{
	struct newest *n = arg;
	struct judging j = { .seq = row->seq, .err = n->r.err };
	hl_rc rc;

	(void)take_first(&n->r, row);
	if (n->r.rc != HL_OK)
		return false;
	rc = hl_store_events(n->store, row->seq + 1, row->seq + 1 + DUE_EVENTS,
	    look_for_failure, &j, n->r.err);
	n->r.rc = rc != HL_OK ? rc : j.rc;
	n->r.found = n->r.rc == HL_OK && !j.failed;
	return n->r.rc == HL_OK && j.failed;
}

hl_rc
hl_ledger_state_get(
    hl_store *store, int64_t now, hl_ledger_state *out, hl_err *err)
{
	struct newest made = { store, { .err = err } };
	struct reading after = { .err = err };
	const struct reading *newest = &made.r;
	hl_ledger_state s = { .events = 0 };
	hl_frontier tree;
	hl_rc rc;

	if ((rc = hl_store_tree(store, &tree, err)) != HL_OK ||
	    (rc = hl_store_checkpoints(store, take_made, &made, err)) !=
		HL_OK ||
	    (rc = newest->rc) != HL_OK)
		return rc;
	s.events = tree.size;
	s.has_checkpoint = newest->found;
	if (newest->found) {
		s.at = newest->e.at;
		s.since = tree.size - newest->e.seq - 1;
		rc = hl_store_events(store, newest->e.seq + 1, tree.size,
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
