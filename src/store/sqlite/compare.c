/* SPDX-License-Identifier: Apache-2.0 */
/* Two stores beside each other: which of them has more? */
#include <string.h>

#include "store/sqlite/log.h"

static hl_rc
read_ids(hl_store *a, hl_store *b, bool *same, hl_err *err)
{
	hl_store_info x, y;
	hl_rc rc;

	if ((rc = hl_store_info_get(a, &x, err)) != HL_OK ||
	    (rc = hl_store_info_get(b, &y, err)) != HL_OK)
		return rc;
	*same = hl_uuid_equal(&x.id, &y.id);
	return HL_OK;
}

static bool
get_leaf(hl_q *q, hl_hash *leaf)
{
	if (!hl_q_row(q))
		return false;
	hl_q_get_hash(q, leaf);
	return q->code == SQLITE_OK;
}

/* Events with which both begin. */
static hl_rc
count_common(hl_store *a, hl_store *b, uint64_t *n, hl_err *err)
{
	static const char sql[] = "SELECT leaf FROM events ORDER BY seq";
	hl_q qa = hl_q_new(a, sql), qb = hl_q_new(b, sql);
	uint64_t common = 0;
	hl_hash x, y;
	hl_rc rc, rc2;

	while (get_leaf(&qa, &x) && get_leaf(&qb, &y) && hl_hash_equal(&x, &y))
		common++;
	rc = hl_q_end(&qa, err);
	rc2 = hl_q_end(&qb, rc == HL_OK ? err : NULL);
	if (rc == HL_OK)
		rc = rc2;
	if (rc == HL_OK)
		*n = common;
	return rc;
}

static hl_kin
kin_of(uint64_t copy, uint64_t other, uint64_t common)
{
	if (common == copy)
		return common == other ? HL_KIN_SAME : HL_KIN_NEWER;
	return common == other ? HL_KIN_OLDER : HL_KIN_FORK;
}

hl_rc
hl_store_compare(hl_store *copy, hl_store *other, hl_likeness *out, hl_err *err)
{
	hl_likeness l = { .kin = HL_KIN_UNKNOWN };
	hl_frontier tree, ours;
	bool same = false;
	hl_rc rc;

	if ((rc = read_ids(copy, other, &same, err)) != HL_OK ||
	    (rc = hl_store_tree(copy, &ours, err)) != HL_OK ||
	    (rc = hl_store_tree(other, &tree, err)) != HL_OK ||
	    (rc = hl_frontier_root(&tree, &l.root, err)) != HL_OK)
		return rc;
	l.size = tree.size;
	l.last_at = other->log.last_at;
	copy->doing = other->doing = "compare the ledger";
	if (copy->schema_found < HL_SCHEMA_VERSION ||
	    other->schema_found < HL_SCHEMA_VERSION)
		l = (hl_likeness){ .kin = HL_KIN_UNKNOWN };
	else if (!same)
		l.kin = HL_KIN_STRANGER;
	else if ((rc = count_common(copy, other, &l.common, err)) == HL_OK)
		l.kin = kin_of(ours.size, tree.size, l.common);
	if (rc == HL_OK)
		*out = l;
	return rc;
}
