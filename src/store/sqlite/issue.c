/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at issues. */
#include "store/sqlite/issue.h"

hl_rc
hl_issue_need(hl_store *s, const hl_uuid *id, hl_issue *out, hl_err *err)
{
	hl_q q = hl_q_new(s, HL_ISSUE_SELECT "WHERE id = ?");

	hl_q_uuid(&q, id);
	return hl_row_need(&q, hl_row_issue, out, sizeof(*out), "issue", err);
}

hl_rc
hl_store_issue_by_id(
    hl_store *store, const hl_uuid *id, hl_issue *out, hl_err *err)
{
	store->doing = "look up an issue";
	return hl_issue_need(store, id, out, err);
}

hl_rc
hl_store_issue_open_on_card(
    hl_store *store, const hl_uuid *card, hl_issue *out, hl_err *err)
{
	hl_q q;

	store->doing = "look for an open issue of a card";
	q = hl_q_new(
	    store, HL_ISSUE_SELECT "WHERE card = ? AND state = 'open'");
	hl_q_uuid(&q, card);
	return hl_row_need(
	    &q, hl_row_issue, out, sizeof(*out), "open issue", err);
}

typedef struct giver {
	bool (*row)(void *arg, const hl_issue *i);
	void *arg;
} giver;

static bool
give(void *arg, const void *row)
{
	const giver *g = arg;

	return g->row(g->arg, row);
}

hl_rc
hl_store_issue_list_open(hl_store *store,
    bool (*row)(void *arg, const hl_issue *i), void *arg, hl_err *err)
{
	giver g = { row, arg };
	const hl_list l = {
		/* the few open ones, not the whole table in its order */
		.sql = HL_ISSUE_SELECT "INDEXED BY issues_open_card "
				       "WHERE state = 'open' AND +n > ?1 "
				       "ORDER BY +n" HL_LIST_LIMIT,
		.read = hl_row_issue,
		.size = sizeof(hl_issue),
		.give = give,
		.arg = &g,
	};

	store->doing = "list open issues";
	return hl_list_run(store, &l, err);
}

hl_rc
hl_store_issue_list_chip(hl_store *store, const hl_uuid *chip,
    bool (*row)(void *arg, const hl_issue *i), void *arg, hl_err *err)
{
	giver g = { row, arg };
	const hl_list l = {
		.sql = HL_ISSUE_SELECT "WHERE chip = ?3 AND +n > ?1 "
				       "ORDER BY +n" HL_LIST_LIMIT,
		.read = hl_row_issue,
		.size = sizeof(hl_issue),
		.a = chip,
		.give = give,
		.arg = &g,
	};

	store->doing = "list the issues of a chip";
	return hl_list_run(store, &l, err);
}

hl_rc
hl_store_issue_losses(hl_store *store, const hl_uuid *chip,
    const hl_uuid *firmware, uint32_t *n, hl_err *err)
{
	uint32_t count = 0;
	hl_rc rc;
	hl_q q;

	store->doing = "count the losses of a chip";
	q = hl_q_new(store,
	    "SELECT count(*) FROM issues WHERE chip = ? AND firmware = ? "
	    "AND state IN ('lost', 'lost_or_outside', 'issued_bad')");
	hl_q_uuid(&q, chip);
	hl_q_uuid(&q, firmware);
	if (hl_q_row(&q))
		count = hl_q_get_u32(&q);
	if ((rc = hl_q_end(&q, err)) == HL_OK)
		*n = count;
	return rc;
}
