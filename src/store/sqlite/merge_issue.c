/* SPDX-License-Identifier: Apache-2.0 */
/* Issues of another store. */
#include <stdio.h>
#include <string.h>

#include "store/sqlite/card.h"
#include "store/sqlite/issue.h"
#include "store/sqlite/merge.h"

/* All columns that closing an issue sets. */
static const char *const outcome[] = { "state", "closed_at", "counter_after",
	"counter_read", "units", "recovered", "detail", "closed_station",
	"closed_operator", "closed_note" };

static hl_q
theirs(hl_merging *m, const hl_uuid *id)
{
	hl_q q = hl_q_new(m->o, "SELECT * FROM issues WHERE id = ?");

	hl_q_uuid(&q, id);
	return q;
}

/* Closes our row of it as theirs is. */
static hl_rc
close_as(hl_merging *m, hl_q *q, const hl_uuid *id, hl_err *err)
{
	char sql[512] = "UPDATE issues SET ";
	hl_q to;

	for (size_t i = 0; i < HL_COUNT(outcome); i++) {
		const size_t n = strlen(sql);

		snprintf(sql + n, sizeof(sql) - n, "%s%s = ?%zu",
		    i == 0 ? "" : ", ", outcome[i], i + 1);
	}
	strncat(sql, " WHERE id = ?11", sizeof(sql) - strlen(sql) - 1);
	to = hl_q_new(m->s, sql);
	for (size_t i = 0; i < HL_COUNT(outcome); i++) {
		hl_merge_at(q, outcome[i]);
		if (to.code == SQLITE_OK && q->code == SQLITE_OK)
			to.code = sqlite3_bind_value(to.st, ++to.param,
			    sqlite3_column_value(q->st, q->column));
	}
	hl_q_uuid(&to, id);
	return hl_q_run(&to, err);
}

/* ---- new here ----------------------------------------------------------- */

/* An intent cannot be told while ours for the same chip is under way. */
static hl_rc
check_none_open(
    hl_merging *m, const hl_uuid *chip, const hl_uuid *firmware, hl_err *err)
{
	bool open;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(m->s,
	    "SELECT 1 FROM issues WHERE chip = ? AND firmware = ? "
	    "AND state = 'open'");
	hl_q_uuid(&q, chip);
	hl_q_uuid(&q, firmware);
	open = hl_q_row(&q);
	if ((rc = hl_q_end(&q, err)) != HL_OK || !open)
		return rc;
	return hl_db_fail(m->s, HL_EBUSY, err,
	    "wait for it, or run hsmlic recover; nothing was merged",
	    "a request is open for a chip for which they have one, too");
}

static hl_rc
next_attempt(hl_merging *m, const hl_uuid *chip, const hl_uuid *firmware,
    int64_t *attempt, hl_err *err)
{
	hl_q q = hl_q_new(m->s,
	    "SELECT coalesce(max(attempt), 0) + 1 FROM issues "
	    "WHERE chip = ? AND firmware = ?");

	hl_q_uuid(&q, chip);
	hl_q_uuid(&q, firmware);
	if (hl_q_row(&q))
		*attempt = hl_q_get_int(&q);
	return hl_q_end(&q, err);
}

/* An issue begins as an intent, also one that comes with its outcome. */
static hl_rc
insert_open(hl_merging *m, hl_q *q, const hl_uuid *card, hl_merge_came *out,
    hl_err *err)
{
	static const int64_t zero;
	hl_uuid chip, firmware;
	int64_t attempt = 0;
	const hl_merge_set set[] = { { .column = "chip", .uuid = &chip },
		{ .column = "firmware", .uuid = &firmware },
		{ .column = "card", .uuid = card },
		{ .column = "attempt", .number = &attempt },
		{ .column = "state", .text = "open" },
		{ .column = "recovered", .number = &zero },
		{ .column = "detail", .text = "" }, { .column = "closed_at" },
		{ .column = "counter_after" }, { .column = "counter_read" },
		{ .column = "units" }, { .column = "closed_station" },
		{ .column = "closed_operator" }, { .column = "closed_note" } };
	hl_uuid there;
	hl_rc rc;

	hl_q_get_uuid(hl_merge_at(q, "chip"), &there);
	if ((rc = hl_merge_map(m, &there, &chip, err)) != HL_OK)
		return rc;
	hl_q_get_uuid(hl_merge_at(q, "firmware"), &there);
	if ((rc = hl_merge_map(m, &there, &firmware, err)) != HL_OK ||
	    (rc = check_none_open(m, &chip, &firmware, err)) != HL_OK ||
	    (rc = next_attempt(m, &chip, &firmware, &attempt, err)) != HL_OK)
		return rc;
	out->attempt = hl_q_get_int(hl_merge_at(q, "attempt"));
	if (out->attempt == attempt)
		out->attempt = 0;
	return hl_merge_insert(m, "issues", q, set, HL_COUNT(set), err);
}

hl_rc
hl_merge_issue_new(hl_merging *m, const hl_uuid *id, const hl_uuid *card,
    hl_merge_came *out, hl_err *err)
{
	hl_q q = theirs(m, id);
	hl_rc rc = HL_OK;

	if (!hl_q_row(&q))
		hl_q_damaged(&q);
	else
		rc = insert_open(m, &q, card, out, err);
	if (rc == HL_OK && q.code == SQLITE_OK)
		rc = close_as(m, &q, id, err);
	out->unread = hl_q_get_int(hl_merge_at(&q, "counter_read")) == 0;
	out->after = hl_q_get_u32(hl_merge_at(&q, "counter_after"));
	m->r.n.issues++;
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

/* ---- here already ------------------------------------------------------- */

static bool
is_lost(const hl_issue *i)
{
	return i->state == HL_ISSUE_LOST ||
	    i->state == HL_ISSUE_LOST_OR_OUTSIDE;
}

/* Ours was open, and the card was not read when theirs was closed. */
static hl_rc
move_unread(hl_merging *m, const hl_issue *was, const hl_issue *is, hl_q *q,
    hl_err *err)
{
	if (hl_q_get_int(hl_merge_at(q, "counter_read")) != 0)
		return HL_OK;
	return hl_card_move(m->s, &was->card, was->counter_before,
	    is->counter_after, NULL, NULL, err);
}

static hl_rc
find_out(hl_merging *m, const hl_issue *was, const hl_issue *is, hl_q *q,
    hl_err *err)
{
	const hl_event_fact before = { "issue_state_before",
		hl_issue_state_name(was->state), 0 };
	hl_rc rc;
	hl_q to;

	if (was->state == HL_ISSUE_OPEN) {
		if ((rc = close_as(m, q, &was->id, err)) == HL_OK)
			rc = move_unread(m, was, is, q, err);
	} else {
		to = hl_q_new(m->s,
		    "UPDATE issues SET state = 'issued', recovered = 1 "
		    "WHERE id = ?");
		hl_q_uuid(&to, &was->id);
		rc = hl_q_run(&to, err);
	}
	m->r.n.changed++;
	return rc == HL_OK ? hl_merge_tell(m, "issue.outcome", &before, err)
			   : rc;
}

/*
 * What theirs became, ours becomes where a store does that by itself: an intent
 * is closed, a lost license turns up. What contradicts ours is left as it is,
 * and said; a license of theirs comes all the same.
 */
static hl_rc
compare(hl_merging *m, const hl_issue *was, const hl_issue *is, hl_q *q,
    hl_err *err)
{
	char id[HL_UUID_TEXT];

	if (was->state == HL_ISSUE_OPEN ||
	    (is_lost(was) && is->state == HL_ISSUE_ISSUED))
		return find_out(m, was, is, q, err);
	if (was->state == is->state ||
	    (was->state == HL_ISSUE_ISSUED && is_lost(is)) ||
	    (is_lost(was) && is_lost(is)))
		return HL_OK;
	hl_uuid_text(&was->id, id);
	hl_merge_note(m,
	    "request %s is on record as %s here, and as %s there; that of this "
	    "store stays",
	    id, hl_issue_state_name(was->state),
	    hl_issue_state_name(is->state));
	return HL_OK;
}

hl_rc
hl_merge_issue_again(hl_merging *m, const hl_uuid *id, hl_err *err)
{
	bool touched = false;
	hl_issue ours, is;
	hl_rc rc;
	hl_q q;

	rc = hl_merge_touched(m, id, &touched, err);
	if (rc != HL_OK || !touched)
		return rc;
	if ((rc = hl_issue_need(m->s, id, &ours, err)) != HL_OK ||
	    (rc = hl_issue_need(m->o, id, &is, err)) != HL_OK)
		return rc;
	q = theirs(m, id);
	if (!hl_q_row(&q))
		hl_q_damaged(&q);
	else
		rc = compare(m, &ours, &is, &q, err);
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}
