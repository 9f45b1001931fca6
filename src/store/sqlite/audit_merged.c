/* SPDX-License-Identifier: Apache-2.0 */
/* Ledgers of other stores: each one's tree, worked out anew. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/sqlite/audit.h"

typedef struct merged {
	hl_audit *a;
	int64_t n; /* of its row */
	hl_uuid id;
	char id_text[HL_UUID_TEXT];
	hl_text origin;
	hl_frontier tree;
	uint64_t next; /* event that must come */
	bool done;
} merged;

/* The place of an event among those of all ledgers follows from when it was
 * merged. */
static hl_rc
check_place(merged *m, const char *place, uint64_t seq, int64_t n, hl_err *err)
{
	hl_span s;
	bool found;
	hl_rc rc;

	rc = hl_index_span(m->a->index, m->id_text, seq, &s, &found, err);
	if (rc != HL_OK)
		return rc;
	if (!found || seq >= s.end)
		hl_audit_found(m->a,
		    "%s: no event of ours tells that it was merged", place);
	else if (n < 1 || (uint64_t)n != s.before + (seq - s.first) + 1)
		hl_audit_found(m->a,
		    "%s: it is merged_events row %" PRId64 ", not %" PRIu64,
		    place, n, s.before + (seq - s.first) + 1);
	return HL_OK;
}

static void
check_number(merged *m, uint64_t seq)
{
	if (seq != m->next)
		hl_audit_found(m->a,
		    "ledger %s: events %" PRIu64 " to %" PRIu64
		    " of it are missing",
		    m->origin, m->next, seq - 1);
	m->next = seq + 1;
}

static hl_rc
take_event(merged *m, int64_t n, const hl_event_row *row, hl_err *err)
{
	char place[HL_TEXT_MAX + 64];
	hl_event e = { .body = NULL };
	hl_hash leaf;
	bool parsed;
	hl_rc rc;

	snprintf(place, sizeof(place), "ledger %s, event %" PRIu64, m->origin,
	    row->seq);
	check_number(m, row->seq);
	rc = hl_audit_bytes(m->a, place, row, &leaf, &e, &parsed, err);
	hl_event_free(&e);
	if (rc == HL_OK)
		rc = hl_frontier_add(&m->tree, &leaf, err);
	if (rc == HL_OK)
		rc = check_place(m, place, row->seq, n, err);
	m->a->r.rows++;
	hl_audit_step(m->a);
	return rc;
}

/* What its row says that all of it makes. */
static hl_rc
check_root(merged *m, hl_err *err)
{
	hl_hash root, is = { .b = { 0 } };
	int64_t size = -1;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(
	    m->a->s, "SELECT size, root FROM merged_ledgers WHERE id = ?");
	hl_q_uuid(&q, &m->id);
	if (hl_q_row(&q)) {
		size = hl_q_get_int(&q);
		hl_q_get_blob(&q, is.b, sizeof(is.b), sizeof(is.b));
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK ||
	    (rc = hl_frontier_root(&m->tree, &root, err)) != HL_OK)
		return rc;
	if (size < 0 || m->tree.size != (uint64_t)size)
		hl_audit_found(m->a,
		    "ledger %s: %" PRIu64
		    " events of it are there, but %" PRId64 " were merged",
		    m->origin, m->tree.size, size);
	else if (!hl_hash_equal(&root, &is))
		hl_audit_found(m->a,
		    "ledger %s: its events do not make the root that it had "
		    "when it was merged",
		    m->origin);
	return HL_OK;
}

static hl_rc
take_some(merged *m, hl_err *err)
{
	hl_rc rc = HL_OK, rc2;
	int rows = 0;
	hl_q q;

	q = hl_q_new(m->a->s,
	    "SELECT seq, bytes, leaf, n FROM merged_events "
	    "WHERE ledger = ? AND seq >= ? ORDER BY seq LIMIT 64");
	hl_q_uuid(&q, &m->id);
	hl_q_int(&q, (int64_t)m->next);
	for (; rc == HL_OK && hl_q_row(&q); rows++) {
		hl_event_row row;

		if (hl_log_row_event(&q, &row))
			rc = take_event(
			    m, sqlite3_column_int64(q.st, 3), &row, err);
	}
	rc2 = hl_q_end(&q, rc == HL_OK ? err : NULL);
	if (rc == HL_OK)
		rc = rc2;
	m->done = rows < HL_AUDIT_CHUNK;
	return rc == HL_OK && m->done ? check_root(m, err) : rc;
}

/* The next ledger behind m->n. */
static hl_rc
next_ledger(merged *m, bool *found, hl_err *err)
{
	hl_q q = hl_q_new(m->a->s,
	    "SELECT n, id, origin FROM merged_ledgers WHERE n > ? "
	    "ORDER BY n LIMIT 1");

	hl_q_int(&q, m->n);
	if ((*found = hl_q_row(&q))) {
		m->n = hl_q_get_int(&q);
		hl_q_get_uuid(&q, &m->id);
		hl_q_get_text(&q, m->origin, sizeof(m->origin));
		hl_uuid_text(&m->id, m->id_text);
	}
	return hl_q_end(&q, err);
}

/* None may be there beside those of the ledgers that were merged. */
static hl_rc
count_all(hl_audit *a, hl_err *err)
{
	int64_t n = 0;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(a->s, "SELECT count(*) FROM merged_events");
	if (hl_q_row(&q))
		n = hl_q_get_int(&q);
	rc = hl_q_end(&q, err);
	if (rc == HL_OK && (uint64_t)n != a->merged_rows)
		hl_audit_found(a,
		    "merged_events: it has %" PRId64
		    " rows, our events tell of %" PRIu64,
		    n, a->merged_rows);
	return rc;
}

hl_rc
hl_audit_merged(hl_audit *a, hl_err *err)
{
	merged m = { .a = a, .n = INT64_MIN };
	bool found = true;
	hl_rc rc;

	while ((rc = next_ledger(&m, &found, err)) == HL_OK && found) {
		m.tree = (hl_frontier){ .size = 0 };
		m.next = 0;
		for (m.done = false; rc == HL_OK && !m.done;) {
			if ((rc = hl_audit_freeze(a, err)) != HL_OK)
				break;
			rc = hl_audit_thaw(a, take_some(&m, err), err);
		}
		if (rc != HL_OK)
			return rc;
	}
	if (rc != HL_OK || (rc = hl_audit_freeze(a, err)) != HL_OK)
		return rc;
	return hl_audit_thaw(a, count_all(a, err), err);
}
