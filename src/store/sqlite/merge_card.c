/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards of another store, with what it read of them and asked them for. The
 * readings of a card follow on one another; so they go, in their order, behind
 * the one that they followed there, where that is still the last one here, and
 * else into a row of their own beside it.
 */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/card.h"
#include "store/sqlite/merge.h"

static const hl_uuid none;

/* A reading of theirs. */
typedef struct reading {
	hl_uuid id, card, issue; /* issue all zero: none */
	char kind[8];
	uint32_t expected, counter;
	int64_t at;
	hl_text state, reader;
} reading;

static void
get_reading(hl_q *q, reading *r)
{
	hl_q_get_uuid(hl_merge_at(q, "id"), &r->id);
	hl_q_get_uuid(hl_merge_at(q, "card"), &r->card);
	hl_q_get_uuid(hl_merge_at(q, "issue"), &r->issue);
	hl_q_get_text(hl_merge_at(q, "kind"), r->kind, sizeof(r->kind));
	r->expected = hl_q_get_u32(hl_merge_at(q, "expected"));
	r->counter = hl_q_get_u32(hl_merge_at(q, "counter"));
	r->at = hl_q_get_int(hl_merge_at(q, "at"));
	hl_q_get_text(hl_merge_at(q, "state"), r->state, sizeof(r->state));
	hl_q_get_text(hl_merge_at(q, "reader"), r->reader, sizeof(r->reader));
}

static bool
is_before(const reading *r)
{
	return strcmp(r->kind, "before") == 0;
}

/* ---- cards -------------------------------------------------------------- */

static hl_rc
root_of_row(hl_merging *m, const hl_uuid *card, hl_uuid *root, hl_err *err)
{
	hl_q q = hl_q_new(
	    m->s, "SELECT coalesce(same_as, id) FROM cards WHERE id = ?");

	hl_q_uuid(&q, card);
	if (hl_q_row(&q))
		hl_q_get_uuid(&q, root);
	return hl_q_end(&q, err);
}

static hl_rc
note_card(hl_merging *m, hl_q *q, hl_err *err)
{
	hl_merge_card *more;
	hl_merge_card c = { .placed = false };
	hl_rc rc;

	hl_q_get_uuid(hl_merge_at(q, "id"), &c.id);
	if ((rc = root_of_row(m, &c.id, &c.root, err)) != HL_OK)
		return rc;
	more = reallocarray(m->cards, m->n_cards + 1, sizeof(*more));
	if (more == NULL)
		return hl_nomem(err);
	m->cards = more;
	m->cards[m->n_cards++] = c;
	return HL_OK;
}

/* ---- readings ----------------------------------------------------------- */

/* Ours that is theirs, or tells the same of one issue. */
static hl_rc
find_reading(hl_merging *m, const reading *r, hl_uuid *row, hl_uuid *id,
    bool *found, hl_err *err)
{
	hl_q q = hl_q_new(m->s,
	    "SELECT card, id FROM card_readings WHERE id = ?1 UNION ALL "
	    "SELECT card, id FROM card_readings WHERE issue = ?2 AND kind = "
	    "?3 LIMIT 1");

	hl_q_uuid(&q, &r->id);
	hl_q_uuid(&q, hl_uuid_equal(&r->issue, &none) ? NULL : &r->issue);
	hl_q_text(&q, r->kind);
	if ((*found = hl_q_row(&q))) {
		hl_q_get_uuid(&q, row);
		hl_q_get_uuid(&q, id);
	}
	return hl_q_end(&q, err);
}

/*
 * May it follow on what our row has? What has been recorded there since speaks
 * against it, and a counter that is not the one it goes on from.
 */
static hl_rc
follows(hl_merging *m, const hl_merge_card *c, const reading *r, bool *yes,
    hl_err *err)
{
	hl_uuid last = none;
	uint32_t counter = 0, before = 0, left = 0;
	bool after = false;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(m->s,
	    "SELECT c.last_counter, (SELECT id FROM card_readings WHERE card = "
	    "c.id ORDER BY n DESC LIMIT 1) FROM cards AS c WHERE c.id = ?");
	hl_q_uuid(&q, &c->row);
	if (hl_q_row(&q)) {
		counter = hl_q_get_u32(&q);
		hl_q_get_uuid(&q, &last);
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	q = hl_q_new(m->s,
	    "SELECT counter_before, counter_before - units FROM issues "
	    "WHERE id = ? AND ? = 'after'");
	hl_q_uuid(&q, &r->issue);
	hl_q_text(&q, r->kind);
	if ((after = hl_q_row(&q))) {
		before = hl_q_get_u32(&q);
		left = hl_q_get_u32(&q);
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	*yes = hl_uuid_equal(&last, &c->last) &&
	    (after ? left == r->expected &&
			(counter == before || counter == left)
		   : counter == r->expected);
	return HL_OK;
}

/* The card is where this reading found it. */
static hl_rc
move_card(hl_merging *m, const hl_merge_card *c, const reading *r,
    uint32_t counter, hl_err *err)
{
	hl_q q = hl_q_new(m->s,
	    "UPDATE cards SET last_counter = ?, state = ?, reader = ?, "
	    "seen_at = max(seen_at, ?) WHERE id = ?");

	hl_q_int(&q, counter);
	hl_q_text(&q, r->state);
	hl_q_text(&q, r->reader);
	hl_q_int(&q, r->at);
	hl_q_uuid(&q, &c->row);
	return hl_q_run(&q, err);
}

static hl_rc
add_reading(
    hl_merging *m, hl_merge_card *c, hl_q *q, const reading *r, hl_err *err)
{
	const hl_merge_set set = { .column = "card", .uuid = &c->row };
	hl_event_fact there = { "attempt_there", NULL, 0 };
	hl_merge_came came = { .after = r->counter };
	hl_rc rc = HL_OK;

	if (is_before(r))
		rc = hl_merge_issue_new(m, &r->issue, &c->row, &came, err);
	if (rc == HL_OK)
		rc = hl_merge_insert(m, "card_readings", q, &set, 1, err);
	if (rc == HL_OK)
		rc = move_card(
		    m, c, r, came.unread ? came.after : r->counter, err);
	c->last = r->id;
	c->grown = true;
	m->r.n.readings++;
	there.number = came.attempt;
	return rc != HL_OK
	    ? rc
	    : hl_merge_tell(m, is_before(r) ? "issue.outcome" : "card.seen",
		  came.attempt != 0 ? &there : NULL, err);
}

static hl_rc
bring_reading(
    hl_merging *m, hl_merge_card *c, hl_q *q, const reading *r, hl_err *err)
{
	bool yes = false;
	hl_rc rc;

	if (strcmp(r->kind, "first") == 0) {
		c->grown = true;
		m->r.n.readings++;
		return hl_merge_place(m, c, q, err);
	}
	if (!c->placed) {
		hl_q_damaged(q);
		return HL_OK; /* reported when it is ended */
	}
	if ((rc = follows(m, c, r, &yes, err)) != HL_OK)
		return rc;
	if (!yes && (rc = hl_merge_branch(m, c, q, err)) != HL_OK)
		return rc;
	return add_reading(m, c, q, r, err);
}

static hl_rc
take_reading(hl_merging *m, hl_q *q, hl_err *err)
{
	hl_merge_card *c;
	bool known = false;
	reading r;
	hl_rc rc;

	get_reading(q, &r);
	if ((c = hl_merge_card_find(m, &r.card)) == NULL) {
		hl_q_damaged(q);
		return HL_OK;
	}
	rc = find_reading(m, &r, &c->row, &c->last, &known, err);
	if (rc != HL_OK)
		return rc;
	if (!known)
		return bring_reading(m, c, q, &r, err);
	c->placed = true;
	if (hl_uuid_equal(&c->root, &none) &&
	    (rc = root_of_row(m, &c->row, &c->root, err)) != HL_OK)
		return rc;
	return is_before(&r) ? hl_merge_issue_again(m, &r.issue, err) : HL_OK;
}

/* ---- what else became of a card ----------------------------------------- */

static hl_rc
check_same(
    hl_merging *m, const hl_merge_card *c, const hl_uuid *same_as, hl_err *err)
{
	const hl_merge_card *other = hl_merge_card_find(m, same_as);

	if (other == NULL || hl_uuid_equal(&other->root, &c->root))
		return HL_OK;
	return hl_db_fail(m->s, HL_ECONFLICT, err,
	    "one of the two was merged as another card before; nothing was "
	    "merged",
	    "two cards without serial number are one there, and two here");
}

/* In our row, while none of ours is under way with it. */
static hl_rc
retire(hl_merging *m, const hl_merge_card *c, int64_t at, hl_err *err)
{
	hl_rc rc;
	hl_q q;

	q = hl_q_new(m->s,
	    "UPDATE cards SET retired_at = ?1 WHERE id = ?2 AND retired_at "
	    "IS NULL AND NOT EXISTS (SELECT 1 FROM issues WHERE card = ?2 "
	    "AND state = 'open')");
	hl_q_int(&q, at);
	hl_q_uuid(&q, &c->row);
	if ((rc = hl_q_run(&q, err)) != HL_OK ||
	    sqlite3_changes64(m->s->db) == 0)
		return rc;
	m->r.n.changed++;
	return hl_merge_tell(m, "card.retired", NULL, err);
}

/* A name that it was given since, if ours has none. */
static hl_rc
take_label(
    hl_merging *m, const hl_merge_card *c, const char *label, hl_err *err)
{
	hl_rc rc;
	hl_q q;

	if (label[0] == '\0' || !hl_uuid_equal(&c->row, &c->id) ||
	    !hl_uuid_equal(&c->root, &c->id))
		return HL_OK;
	q = hl_q_new(m->s,
	    "UPDATE cards SET label = ?1 WHERE id = ?2 AND label IS NULL "
	    "AND NOT EXISTS (SELECT 1 FROM cards WHERE label = ?1) "
	    "AND EXISTS (SELECT 1 FROM temp.merge_touched WHERE id = ?2)");
	hl_q_text(&q, label);
	hl_q_uuid(&q, &c->row);
	if ((rc = hl_q_run(&q, err)) != HL_OK ||
	    sqlite3_changes64(m->s->db) == 0)
		return rc;
	m->r.n.changed++;
	return hl_merge_tell(m, "card.labelled", NULL, err);
}

static hl_rc
finish_card(hl_merging *m, hl_q *q, hl_err *err)
{
	hl_uuid id, same_as;
	hl_merge_card *c;
	int64_t retired;
	hl_text label;
	hl_rc rc;

	hl_q_get_uuid(hl_merge_at(q, "id"), &id);
	hl_q_get_uuid(hl_merge_at(q, "same_as"), &same_as);
	hl_q_get_text(hl_merge_at(q, "label"), label, sizeof(label));
	retired = hl_q_get_int(hl_merge_at(q, "retired_at"));
	if ((c = hl_merge_card_find(m, &id)) == NULL || !c->placed)
		return HL_OK;
	if ((rc = check_same(m, c, &same_as, err)) != HL_OK ||
	    (rc = take_label(m, c, label, err)) != HL_OK)
		return rc;
	if (retired != 0 && (rc = retire(m, c, retired, err)) != HL_OK)
		return rc;
	return hl_merge_put_map(m, &c->id, &c->row, err);
}

hl_rc
hl_merge_cards(hl_merging *m, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_merge_check_cards(m, err)) != HL_OK ||
	    (rc = hl_merge_each(
		 m, "SELECT * FROM cards ORDER BY n", note_card, err)) != HL_OK)
		return rc;
	rc = hl_merge_each(
	    m, "SELECT * FROM card_readings ORDER BY n", take_reading, err);
	if (rc != HL_OK)
		return rc;
	return hl_merge_each(
	    m, "SELECT * FROM cards ORDER BY n", finish_card, err);
}
