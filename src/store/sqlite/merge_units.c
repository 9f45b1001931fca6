/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units of a card that several stores have asked. Each unit has a value of the
 * card's counter, which never comes again: the one that the card had before it
 * was spent. An issue that spent a unit claims the value of counter_before; a
 * reading that shows units outside claims those from `expected` down to the one
 * above `counter`. Of all who claim a value one is right, the issue with the
 * best knowledge of it, or else the first reading; for the others it is an
 * overlap. In the end
 *
 *   highest first counter - lowest last counter =
 *       units of issues + units outside - overlaps
 *
 * and a merge where this does not come out is not committed.
 */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/card.h"
#include "store/sqlite/merge.h"

#define GROUP "(SELECT id FROM cards WHERE id = ?1 OR same_as = ?1)"

/* Values from `from` to `to`. */
typedef struct range {
	uint32_t from, to;
} range;

typedef struct card_row {
	hl_uuid id;
	uint32_t first, last;
	bool open; /* an issue is */
} card_row;

typedef struct group {
	hl_merging *m;
	hl_uuid root;
	card_row *rows; /* the highest first counter first */
	size_t n_rows;
	uint32_t *spent; /* values that issues claim, ascending */
	size_t n_spent;
	range *seen; /* values that readings before this one claim */
	size_t n_seen;
} group;

static void
free_group(group *g)
{
	free(g->rows);
	free(g->spent);
	free(g->seen);
}

static hl_rc
load_rows(group *g, hl_err *err)
{
	hl_rc rc = HL_OK;
	card_row *more;
	hl_q q;

	q = hl_q_new(g->m->s,
	    "SELECT id, first_counter, last_counter, EXISTS (SELECT 1 FROM "
	    "issues WHERE card = c.id AND state = 'open') FROM cards AS c "
	    "WHERE id = ?1 OR same_as = ?1 ORDER BY first_counter DESC, n");
	hl_q_uuid(&q, &g->root);
	while (rc == HL_OK && hl_q_row(&q)) {
		card_row r;

		hl_q_get_uuid(&q, &r.id);
		r.first = hl_q_get_u32(&q);
		r.last = hl_q_get_u32(&q);
		r.open = hl_q_get_int(&q) != 0;
		more = reallocarray(g->rows, g->n_rows + 1, sizeof(r));
		if (more == NULL) {
			rc = hl_nomem(err);
			break;
		}
		g->rows = more;
		g->rows[g->n_rows++] = r;
	}
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

/* ---- no value without a claim ------------------------------------------- */

/* That row was not looked at while the counter went down to `counter`. */
static hl_rc
lower(group *g, card_row *r, uint32_t counter, hl_err *err)
{
	const hl_reading_row seen = { &r->id, "seen", NULL, r->last, counter,
		"", "", g->m->actor };
	hl_rc rc;

	if (r->last <= counter)
		return HL_OK;
	if (r->open) {
		return hl_db_fail(g->m->s, HL_EBUSY, err,
		    "wait for it, or run hsmlic recover; nothing was merged",
		    "a request is open on a card that they have asked, too");
	}
	if ((rc = hl_reading_insert(g->m->s, &seen, err)) != HL_OK ||
	    (rc = hl_card_move(
		 g->m->s, &r->id, r->last, counter, NULL, NULL, err)) != HL_OK)
		return rc;
	r->last = counter;
	return hl_merge_tell(g->m, "card.seen", NULL, err);
}

/* What is expected of the card from now on is what the last of all saw; and
 * between two that met it at different times, it was out of sight. */
static hl_rc
cover(group *g, hl_err *err)
{
	card_row *low = &g->rows[0], *own = low;
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < g->n_rows && rc == HL_OK; i++) {
		card_row *r = &g->rows[i];

		if (hl_uuid_equal(&r->id, &g->root))
			own = r;
		rc = lower(g, low, r->first, err);
		if (r->last <= low->last)
			low = r;
	}
	return rc == HL_OK ? lower(g, own, low->last, err) : rc;
}

/* ---- one claim for each value ------------------------------------------- */

static hl_rc
overlap(group *g, const hl_uuid *card, const hl_uuid *reading,
    const hl_uuid *issue, uint64_t units, hl_err *err)
{
	hl_uuid id;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_uuid_new(&id, err)) != HL_OK)
		return rc;
	q = hl_q_new(g->m->s,
	    "INSERT INTO overlaps (id, card, reading, issue, units, at) "
	    "VALUES (?, ?, ?, ?, ?, ?)");
	hl_q_uuid(&q, &id);
	hl_q_uuid(&q, card);
	hl_q_uuid(&q, reading);
	hl_q_uuid(&q, issue);
	hl_q_int(&q, (int64_t)units);
	hl_q_int(&q, g->m->s->now);
	g->m->r.n.overlaps += units;
	rc = hl_q_run(&q, err);
	return rc == HL_OK ? hl_merge_tell(g->m, "store.merged", NULL, err)
			   : rc;
}

typedef struct claim {
	hl_uuid issue, card;
	uint32_t value;
	bool issued; /* with a license */
} claim;

static hl_rc
fail_twice(group *g, const claim *a, const claim *b, hl_err *err)
{
	char x[HL_UUID_TEXT], y[HL_UUID_TEXT];

	hl_uuid_text(&a->issue, x);
	hl_uuid_text(&b->issue, y);
	return hl_db_fail(g->m->s, HL_ECONFLICT, err,
	    "these are two cards, or one store is an old copy that was used: "
	    "take its licenses by license export and import; nothing was "
	    "merged",
	    "requests %s and %s of one card were both issued for its counter "
	    "value %u",
	    x, y, a->value);
}

static hl_rc
add_spent(group *g, uint32_t value, hl_err *err)
{
	uint32_t *more;

	if ((g->n_spent & (g->n_spent - 1)) == 0) {
		more = reallocarray(g->spent,
		    g->n_spent == 0 ? 1 : 2 * g->n_spent, sizeof(*more));
		if (more == NULL)
			return hl_nomem(err);
		g->spent = more;
	}
	g->spent[g->n_spent++] = value;
	return HL_OK;
}

/* They come with the best one of each value first. */
static hl_rc
take_claim(group *g, claim *best, const claim *c, hl_err *err)
{
	if (g->n_spent == 0 || best->value != c->value) {
		*best = *c;
		return add_spent(g, c->value, err);
	}
	if (best->issued && c->issued)
		return fail_twice(g, best, c, err);
	return overlap(g, &c->card, NULL, &c->issue, 1, err);
}

static hl_rc
match_issues(group *g, hl_err *err)
{
	claim c, best = { .value = 0 };
	hl_rc rc = HL_OK;
	hl_q q;

	q = hl_q_new(g->m->s,
	    "SELECT id, card, counter_before, state = 'issued' FROM issues AS "
	    "i WHERE units = 1 AND card IN " GROUP
	    " AND NOT EXISTS (SELECT 1 FROM overlaps WHERE issue = i.id) "
	    "ORDER BY counter_before, state <> 'issued', state <> "
	    "'issued_bad', state <> 'lost', n");
	hl_q_uuid(&q, &g->root);
	while (rc == HL_OK && hl_q_row(&q)) {
		hl_q_get_uuid(&q, &c.issue);
		hl_q_get_uuid(&q, &c.card);
		c.value = hl_q_get_u32(&q);
		c.issued = hl_q_get_int(&q) != 0;
		rc = take_claim(g, &best, &c, err);
	}
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

/* How many values below `v` issues claim. */
static size_t
spent_below(const group *g, uint64_t v)
{
	size_t from = 0, to = g->n_spent;

	while (from < to) {
		const size_t mid = from + (to - from) / 2;

		if (g->spent[mid] < v)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static uint64_t
spent_in(const group *g, const range *r)
{
	return spent_below(g, (uint64_t)r->to + 1) - spent_below(g, r->from);
}

/* Values of a reading that others claim: issues, and readings before it. */
static uint64_t
claimed(const group *g, const range *r)
{
	uint64_t n = spent_in(g, r);

	for (size_t i = 0; i < g->n_seen; i++) {
		const range *s = &g->seen[i];
		const range both = { s->from > r->from ? s->from : r->from,
			s->to < r->to ? s->to : r->to };

		if (both.from <= both.to)
			n += both.to - both.from + 1 - spent_in(g, &both);
	}
	return n;
}

/* The ranges in g->seen stay apart from one another. */
static hl_rc
add_seen(group *g, range r, hl_err *err)
{
	size_t kept = 0;
	range *more;

	more = reallocarray(g->seen, g->n_seen + 1, sizeof(*more));
	if (more == NULL)
		return hl_nomem(err);
	g->seen = more;
	for (size_t i = 0; i < g->n_seen; i++) {
		const range s = g->seen[i];

		if (s.to < r.from || s.from > r.to) {
			g->seen[kept++] = s;
			continue;
		}
		r.from = s.from < r.from ? s.from : r.from;
		r.to = s.to > r.to ? s.to : r.to;
	}
	g->seen[kept++] = r;
	g->n_seen = kept;
	return HL_OK;
}

/* What a reading showed, and what of that is an overlap on record. */
typedef struct shown {
	hl_uuid reading, card;
	range values;
	uint64_t recorded;
} shown;

static hl_rc
match_reading(group *g, const shown *r, hl_err *err)
{
	const uint64_t n = claimed(g, &r->values);
	hl_rc rc = HL_OK;

	if (n > r->recorded)
		rc = overlap(
		    g, &r->card, &r->reading, NULL, n - r->recorded, err);
	return rc == HL_OK ? add_seen(g, r->values, err) : rc;
}

static hl_rc
match_readings(group *g, hl_err *err)
{
	hl_rc rc = HL_OK;
	shown r;
	hl_q q;

	q = hl_q_new(g->m->s,
	    "SELECT id, card, counter + 1, expected, (SELECT "
	    "coalesce(sum(units), 0) FROM overlaps WHERE reading = r.id) FROM "
	    "card_readings AS r WHERE units_outside > 0 AND card IN " GROUP
	    " ORDER BY n");
	hl_q_uuid(&q, &g->root);
	while (rc == HL_OK && hl_q_row(&q)) {
		hl_q_get_uuid(&q, &r.reading);
		hl_q_get_uuid(&q, &r.card);
		r.values.from = hl_q_get_u32(&q);
		r.values.to = hl_q_get_u32(&q);
		r.recorded = (uint64_t)hl_q_get_int(&q);
		rc = match_reading(g, &r, err);
	}
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

/* ---- the sums ----------------------------------------------------------- */

static hl_rc
fail_sum(group *g, int64_t down, int64_t told, hl_err *err)
{
	char id[HL_UUID_TEXT];

	hl_uuid_text(&g->root, id);
	return hl_db_fail(g->m->s, HL_EINTEGRITY, err,
	    "run hsmlic store check on both; nothing was merged",
	    "card %s: its counter went down by %lld, but what both know of it "
	    "accounts for %lld",
	    id, (long long)down, (long long)told);
}

/* Each row by itself, and all of them together. */
static hl_rc
check_sums(group *g, hl_err *err)
{
	int64_t down = 0, told = 0, rows_down = 0, overlaps = 0;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(g->m->s,
	    "SELECT max(first_counter) - min(last_counter), "
	    "sum(first_counter - last_counter), (SELECT coalesce(sum(units), "
	    "0) FROM issues WHERE card IN " GROUP ") + (SELECT "
	    "coalesce(sum(units_outside), 0) FROM card_readings WHERE card "
	    "IN " GROUP "), (SELECT coalesce(sum(units), 0) FROM overlaps "
	    "WHERE card IN " GROUP ") FROM cards WHERE id IN " GROUP);
	hl_q_uuid(&q, &g->root);
	if (hl_q_row(&q)) {
		down = hl_q_get_int(&q);
		rows_down = hl_q_get_int(&q);
		told = hl_q_get_int(&q);
		overlaps = hl_q_get_int(&q);
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	if (rows_down != told)
		return fail_sum(g, rows_down, told, err);
	return down == told - overlaps
	    ? HL_OK
	    : fail_sum(g, down, told - overlaps, err);
}

static hl_rc
match_card(hl_merging *m, const hl_uuid *root, hl_err *err)
{
	group g = { .m = m, .root = *root };
	hl_rc rc = load_rows(&g, err);

	if (rc == HL_OK && g.n_rows > 1 && (rc = cover(&g, err)) == HL_OK &&
	    (rc = match_issues(&g, err)) == HL_OK)
		rc = match_readings(&g, err);
	if (rc == HL_OK)
		rc = check_sums(&g, err);
	free_group(&g);
	return rc;
}

hl_rc
hl_merge_units(hl_merging *m, hl_err *err)
{
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < m->n_cards && rc == HL_OK; i++) {
		bool done = !m->cards[i].grown;

		for (size_t k = 0; k < i && !done; k++)
			done = m->cards[k].grown &&
			    hl_uuid_equal(&m->cards[k].root, &m->cards[i].root);
		if (!done)
			rc = match_card(m, &m->cards[i].root, err);
	}
	return rc;
}
