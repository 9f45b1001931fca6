/* SPDX-License-Identifier: Apache-2.0 */
/* Each event, the tree of all, and the points that it has to go through. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "store/sqlite/audit.h"
#include "util/clock.h"

hl_rc
hl_audit_bytes(hl_audit *a, const char *place, const hl_event_row *row,
    hl_hash *leaf, hl_event *e, bool *parsed, hl_err *err)
{
	hl_err why = { 0 };
	hl_rc rc;

	*parsed = false;
	if ((rc = hl_leaf_hash(row->bytes, row->n, leaf, err)) != HL_OK)
		return rc;
	if (!hl_hash_equal(leaf, &row->leaf))
		hl_audit_found(
		    a, "%s: its bytes do not match its leaf hash", place);
	rc = hl_event_parse(row->bytes, row->n, e, &why);
	if (rc == HL_ENOMEM)
		return hl_nomem(err);
	if (rc != HL_OK) {
		hl_audit_found(a, "%s: %s", place, why.why);
		return HL_OK;
	}
	*parsed = true;
	if (e->seq != row->seq)
		hl_audit_found(
		    a, "%s: it says that it is event %" PRIu64, place, e->seq);
	return HL_OK;
}

/* ---- the tree ------------------------------------------------------------ */

static void
found_root(hl_audit *a, const hl_audit_point *p, const hl_hash *root)
{
	hl_buf is = HL_BUF_INIT, says = HL_BUF_INIT;

	hl_base64_put(&is, root->b, sizeof(root->b));
	hl_base64_put(&says, p->root.b, sizeof(p->root.b));
	hl_audit_found(a,
	    "checkpoint %s: at %" PRIu64
	    " events the root is %s, the checkpoint says %s",
	    p->name, p->size, hl_buf_str(&is), hl_buf_str(&says));
	hl_buf_free(&is);
	hl_buf_free(&says);
}

hl_rc
hl_audit_points(hl_audit *a, hl_err *err)
{
	hl_hash root;
	hl_rc rc;

	for (; a->point < a->points_n; a->point++) {
		const hl_audit_point *p = &a->points[a->point];

		if (p->size != a->r.tree.size)
			break;
		if ((rc = hl_frontier_root(&a->r.tree, &root, err)) != HL_OK)
			return rc;
		if (!hl_hash_equal(&root, &p->root))
			found_root(a, p, &root);
	}
	return HL_OK;
}

/* ---- order and time ------------------------------------------------------ */

static void
check_number(hl_audit *a, uint64_t seq)
{
	if (seq == a->next + 1)
		hl_audit_found(a, "event %" PRIu64 ": it is missing", a->next);
	else if (seq > a->next)
		hl_audit_found(a,
		    "events %" PRIu64 " to %" PRIu64 ": they are missing",
		    a->next, seq - 1);
	else if (seq < a->next)
		hl_audit_found(a, "event %" PRIu64 ": it is there twice", seq);
	a->next = seq + 1;
}

/* An event before the last one in time says so first, with both times. */
static bool
tells_clock(const hl_audit *a, const hl_event *e)
{
	int64_t last = -1;

	return strcmp(e->kind, "clock.back") == 0 &&
	    hl_event_int(e, "last_at", &last) && last == a->at;
}

static void
check_time(hl_audit *a, const hl_event *e)
{
	char is[HL_TIME_TEXT], last[HL_TIME_TEXT];
	int64_t upgraded;

	if (a->timed && e->at < a->at && !tells_clock(a, e)) {
		hl_time_text(e->at, is);
		hl_time_text(a->at, last);
		hl_audit_found(a,
		    "event %" PRIu64
		    ": its time %s lies before the one of the event before "
		    "it, %s, and no clock.back says so",
		    e->seq, is, last);
	}
	a->timed = true;
	a->at = e->at;
	if (e->at > a->newest)
		a->newest = e->at;
	/* what the store knew before there were events */
	if (strcmp(e->kind, "store.upgraded") == 0 &&
	    hl_event_int(e, "last_time", &upgraded) && upgraded > a->newest)
		a->newest = upgraded;
}

/* ---- one after the other ------------------------------------------------- */

static hl_rc
take(hl_audit *a, const hl_event_row *row, hl_err *err)
{
	char place[32];
	hl_event e = { .body = NULL };
	bool parsed;
	hl_hash leaf;
	hl_rc rc;

	snprintf(place, sizeof(place), "event %" PRIu64, row->seq);
	check_number(a, row->seq);
	rc = hl_audit_bytes(a, place, row, &leaf, &e, &parsed, err);
	if (rc != HL_OK)
		return rc;
	if ((rc = hl_frontier_add(&a->r.tree, &leaf, err)) == HL_OK)
		rc = hl_audit_points(a, err);
	if (rc == HL_OK && parsed) {
		check_time(a, &e);
		rc = hl_audit_tell(a, &e, err);
	}
	if (!parsed)
		a->timed = false;
	hl_event_free(&e);
	a->r.events++;
	return rc;
}

bool
hl_audit_event(void *arg, const hl_event_row *row)
{
	hl_audit *a = arg;

	if ((a->rc = take(a, row, a->err)) != HL_OK)
		return false;
	hl_audit_step(a);
	return true;
}
