/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units of a card that several stores have asked. Each unit has a value of the
 * card's counter, which never comes again: the one that the card had before it
 * was spent. An issue that spent a unit has one of the values from
 * counter_before down to the one above counter_after; there is more than one
 * when units left within the request, and then nobody knows which. A reading
 * that shows units outside has those that its gap leaves.
 *
 * Each issue gets a value of its own. For those that get none, since others
 * with better knowledge have all that they could have, the unit is an overlap:
 * it was not theirs. What a reading showed outside is an overlap as far as
 * issues have it, or readings before this one. In the end
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
	uint32_t *spent; /* values that issues have, ascending */
	size_t n_spent;
	range *seen; /* values in the gaps of readings before this one */
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

/* ---- no value without a claim ------------------------------------------ */

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

/* ---- overlaps ---------------------------------------------------------- */

static hl_rc
overlap(group *g, const hl_uuid *card, const hl_uuid *reading,
    const hl_uuid *issue, int64_t units, hl_err *err)
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
	hl_q_int(&q, units);
	hl_q_int(&q, g->m->s->now);
	rc = hl_q_run(&q, err);
	return rc == HL_OK ? hl_merge_tell(g->m, "store.merged", NULL, err)
			   : rc;
}

/* ---- which value is whose ---------------------------------------------- */

typedef struct claim {
	hl_uuid issue, card;
	range values;	/* it may have one of these */
	uint32_t value; /* that it has; 0: none */
	int rank;	/* 0: with a license, and so on; less is better known */
	bool tried;	/* in the search at hand */
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
	    x, y, a->values.to);
}

static claim *
holder(claim *c, size_t n, uint32_t value)
{
	for (size_t i = 0; i < n; i++) {
		if (c[i].value == value)
			return &c[i];
	}
	return NULL;
}

/* An augmenting path: who holds a value may be able to have another one. */
static bool
place(claim *all, size_t n, claim *c)
{
	claim *other;

	c->tried = true;
	for (uint32_t v = c->values.to; v >= c->values.from && v > 0; v--) {
		other = holder(all, n, v);
		if (other == NULL || (!other->tried && place(all, n, other))) {
			c->value = v;
			return true;
		}
	}
	return false;
}

/* The best known first, and of those the ones that have the least choice. */
static int
by_rank(const void *a, const void *b)
{
	const claim *x = a, *y = b;
	const uint32_t wx = x->values.to - x->values.from;
	const uint32_t wy = y->values.to - y->values.from;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return wx < wy ? -1 : wx > wy;
}

/* Issues whose values touch one another. */
static hl_rc
match_some(group *g, claim *c, size_t n, hl_err *err)
{
	const claim *other;
	hl_rc rc = HL_OK;

	if (n > 1)
		qsort(c, n, sizeof(*c), by_rank);
	for (size_t i = 0; i < n && rc == HL_OK; i++) {
		for (size_t k = 0; k < n; k++)
			c[k].tried = false;
		if (place(c, n, &c[i]))
			continue;
		other = holder(c, n, c[i].values.to);
		if (c[i].rank == 0 && other != NULL)
			return fail_twice(g, &c[i], other, err);
		g->m->r.n.overlaps++;
		rc = overlap(g, &c[i].card, NULL, &c[i].issue, 1, err);
	}
	for (size_t i = 0; i < n; i++) {
		if (c[i].value != 0)
			g->spent[g->n_spent++] = c[i].value;
	}
	return rc;
}

/* Runs of claims, each apart from the next. They are ordered by `from`. */
static hl_rc
match_runs(group *g, claim *c, size_t n, hl_err *err)
{
	hl_rc rc = HL_OK;
	size_t from = 0;
	uint32_t to = 0;

	for (size_t i = 0; i < n && rc == HL_OK; i++) {
		if (i > from && c[i].values.from > to) {
			rc = match_some(g, c + from, i - from, err);
			from = i;
		}
		if (i == from || c[i].values.to > to)
			to = c[i].values.to;
	}
	return rc == HL_OK && n > from ? match_some(g, c + from, n - from, err)
				       : rc;
}

static hl_rc
count_claims(group *g, size_t *n, hl_err *err)
{
	hl_q q = hl_q_new(g->m->s,
	    "SELECT count(*) FROM issues WHERE units = 1 AND card IN " GROUP);

	hl_q_uuid(&q, &g->root);
	if (hl_q_row(&q))
		*n = (size_t)hl_q_get_int(&q);
	return hl_q_end(&q, err);
}

static hl_rc
load_claims(group *g, claim *c, size_t max, size_t *n, hl_err *err)
{
	hl_q q = hl_q_new(g->m->s,
	    "SELECT id, card, counter_after + 1, counter_before, (state <> "
	    "'issued') + (state IN ('lost', 'lost_or_outside')) + (state = "
	    "'lost_or_outside') FROM issues AS i WHERE units = 1 AND card "
	    "IN " GROUP " AND NOT EXISTS (SELECT 1 FROM overlaps WHERE issue "
	    "= i.id) ORDER BY counter_after, n");

	hl_q_uuid(&q, &g->root);
	for (*n = 0; *n < max && hl_q_row(&q); ++*n) {
		claim *k = &c[*n];

		hl_q_get_uuid(&q, &k->issue);
		hl_q_get_uuid(&q, &k->card);
		k->values.from = hl_q_get_u32(&q);
		k->values.to = hl_q_get_u32(&q);
		k->rank = (int)hl_q_get_int(&q);
	}
	return hl_q_end(&q, err);
}

static int
by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static hl_rc
match_issues(group *g, hl_err *err)
{
	size_t max = 0, n = 0;
	claim *c;
	hl_rc rc;

	if ((rc = count_claims(g, &max, err)) != HL_OK)
		return rc;
	c = calloc(max + 1, sizeof(*c));
	g->spent = calloc(max + 1, sizeof(*g->spent));
	if (c == NULL || g->spent == NULL) {
		free(c);
		return hl_nomem(err);
	}
	if ((rc = load_claims(g, c, max, &n, err)) == HL_OK)
		rc = match_runs(g, c, n, err);
	free(c);
	if (g->n_spent > 1)
		qsort(g->spent, g->n_spent, sizeof(*g->spent), by_value);
	return rc;
}

/* How many values below `v` issues have. */
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

/* Values of a reading's gap that neither issues have nor readings before it. */
static uint64_t
left_outside(const group *g, const range *r)
{
	uint64_t n = spent_in(g, r);

	for (size_t i = 0; i < g->n_seen; i++) {
		const range *s = &g->seen[i];
		const range both = { s->from > r->from ? s->from : r->from,
			s->to < r->to ? s->to : r->to };

		if (both.from <= both.to)
			n += both.to - both.from + 1 - spent_in(g, &both);
	}
	return (uint64_t)r->to - r->from + 1 - n;
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
	range values; /* of its gap; the unit of its issue is among them */
	int64_t outside;
	int64_t recorded;
	bool read; /* by a reader; not a gap that a merge has found */
} shown;

static hl_rc
match_reading(group *g, const shown *r, hl_err *err)
{
	const int64_t n = r->outside - (int64_t)left_outside(g, &r->values);
	hl_rc rc = HL_OK;

	if (r->read)
		g->m->r.n.overlaps += (uint64_t)(n - r->recorded);
	if (n != r->recorded)
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
	    "SELECT r.id, r.card, r.counter + 1, iif(r.kind = 'after', "
	    "i.counter_before, r.expected), r.units_outside, (SELECT "
	    "coalesce(sum(units), 0) FROM overlaps WHERE reading = r.id), "
	    "r.state <> '' FROM card_readings AS r LEFT JOIN issues AS i ON "
	    "i.id = r.issue WHERE "
	    "r.units_outside > 0 AND r.card IN " GROUP " ORDER BY r.n");
	hl_q_uuid(&q, &g->root);
	while (rc == HL_OK && hl_q_row(&q)) {
		hl_q_get_uuid(&q, &r.reading);
		hl_q_get_uuid(&q, &r.card);
		r.values.from = hl_q_get_u32(&q);
		r.values.to = hl_q_get_u32(&q);
		r.outside = hl_q_get_int(&q);
		r.recorded = hl_q_get_int(&q);
		r.read = hl_q_get_int(&q) != 0;
		rc = match_reading(g, &r, err);
	}
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

/* ---- the sums ---------------------------------------------------------- */

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
