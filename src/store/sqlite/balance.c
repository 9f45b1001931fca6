/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The balance of a card: its readings are walked in order, and at each of them
 * the sum has to close. What somebody booked belongs to the readings at or
 * above the counter at which it was booked, so it is walked with them. A card
 * that several stores have asked has a row for each: they are walked one after
 * the other, and what two of them account for (overlaps) counts once.
 */
#include "store/sqlite/balance.h"

#include <stdlib.h>
#include <string.h>

#include "store/sqlite/card.h"

/* The first reading of any card after each restore of the store. */
typedef struct restores {
	bool loaded;
	int64_t *first; /* ascending; INT64_MAX: none yet */
	size_t n;
} restores;

typedef struct booking {
	bool there;
	hl_variance_class class;
	int64_t units;
	uint32_t counter;
} booking;

typedef struct reading {
	int64_t n, at;
	bool opens, closes; /* kind 'before', 'after' */
	uint32_t counter, outside;
	uint32_t overlap; /* of `outside`, what another store accounts for */
	bool given_up;	/* the issue that it opens was written off */
	uint32_t units; /* of that issue */
} reading;

typedef struct walk {
	hl_store *s;
	hl_balance *b;
	restores restored;
	int64_t all_found; /* units beside issues, of all rows of the card */
	/* of the row that is walked: */
	bool root; /* it is this store's own one */
	uint32_t first, left;
	hl_q bookings;
	booking next;
	reading last;  /* n 0: there was none */
	int64_t own;   /* units of issues up to the last reading */
	int64_t found; /* units beside them */
} walk;

/* ---- was the store restored? --------------------------------------------- */

static hl_rc
add_restore(restores *r, int64_t n, hl_err *err)
{
	int64_t *more = reallocarray(r->first, r->n + 1, sizeof(*more));

	if (more == NULL)
		return hl_nomem(err);
	r->first = more;
	r->first[r->n++] = n;
	return HL_OK;
}

static hl_rc
first_reading_after(hl_store *s, int64_t seq, int64_t *n, hl_err *err)
{
	hl_q q = hl_q_new(s,
	    "SELECT json_extract(CAST(bytes AS TEXT), '$.body.reading_n') "
	    "FROM events WHERE seq > ? "
	    "AND instr(bytes, CAST('\"reading_n\":' AS BLOB)) > 0 "
	    "ORDER BY seq LIMIT 1");

	*n = INT64_MAX;
	hl_q_int(&q, seq);
	if (hl_q_row(&q))
		*n = hl_q_get_int(&q);
	return hl_q_end(&q, err);
}

/* The index events_restored has the few events that matter. */
static hl_rc
load_restores(walk *w, hl_err *err)
{
	int64_t n;
	hl_rc rc = HL_OK;
	hl_q q;

	if (w->restored.loaded)
		return HL_OK;
	q = hl_q_new(w->s,
	    "SELECT seq FROM events WHERE "
	    "instr(bytes, CAST('\"kind\":\"store.restored\"' AS BLOB)) > 0 "
	    "ORDER BY seq");
	while (rc == HL_OK && hl_q_row(&q)) {
		rc = first_reading_after(w->s, hl_q_get_int(&q), &n, err);
		if (rc == HL_OK)
			rc = add_restore(&w->restored, n, err);
	}
	if (rc == HL_OK)
		rc = hl_q_end(&q, err);
	else
		(void)!hl_q_end(&q, NULL);
	w->restored.loaded = rc == HL_OK;
	return rc;
}

/* Between the last reading of this card and reading n? */
static bool
was_restored(const walk *w, int64_t n)
{
	for (size_t i = 0; i < w->restored.n; i++) {
		const int64_t first = w->restored.first[i];

		if (first > w->last.n && first <= n)
			return true;
	}
	return false;
}

/* ---- what was booked ---------------------------------------------------- */

static void
next_booking(walk *w)
{
	booking *k = &w->next;
	hl_text class;

	k->there = hl_q_row(&w->bookings);
	if (!k->there)
		return;
	hl_q_get_text(&w->bookings, class, sizeof(class));
	k->units = hl_q_get_int(&w->bookings);
	k->counter = hl_q_get_u32(&w->bookings);
	if (!hl_variance_class_parse(class, &k->class))
		hl_q_damaged(&w->bookings);
}

/* An imported license takes its unit from the class that it was found in. */
static void
link_imported(hl_balance *b, int64_t units)
{
	int64_t open[HL_VARIANCE_N];
	hl_variance_class from;

	b->by[HL_VARIANCE_IMPORTED].booked += units;
	for (; units > 0; units--) {
		for (int c = 0; c < HL_VARIANCE_N; c++)
			open[c] = hl_balance_open(b, (hl_variance_class)c);
		if (!hl_gap_bought(open, &from))
			return;
		b->by[from].units--;
		b->by[HL_VARIANCE_IMPORTED].units++;
	}
}

/* Those that were booked when the counter was above this one. */
static void
book_above(walk *w, int64_t counter)
{
	for (; w->next.there && w->next.counter > counter; next_booking(w)) {
		const booking *k = &w->next;

		if (k->class == HL_VARIANCE_IMPORTED)
			link_imported(w->b, k->units);
		else
			w->b->by[k->class].booked += k->units;
	}
}

/* ---- readings ----------------------------------------------------------- */

static void
get_reading(hl_q *q, reading *r)
{
	hl_text kind, state;

	r->n = hl_q_get_int(q);
	r->at = hl_q_get_int(q);
	hl_q_get_text(q, kind, sizeof(kind));
	r->opens = strcmp(kind, "before") == 0;
	r->closes = strcmp(kind, "after") == 0;
	r->counter = hl_q_get_u32(q);
	r->outside = hl_q_get_u32(q);
	hl_q_get_text(q, state, sizeof(state));
	r->given_up = r->opens && strcmp(state, "written_off") == 0;
	r->units = r->opens ? hl_q_get_u32(q) : 0;
	q->column = 7;
	r->overlap = hl_q_get_u32(q);
}

/* The sum as far as it goes: provisioned = left + ours + what was found. */
static void
check_sum(walk *w, uint32_t left, const reading *r)
{
	hl_balance *b = w->b;

	if ((int64_t)w->first - left == w->own + w->found ||
	    b->wrong_reading != 0)
		return;
	b->wrong_reading = r->n;
	b->wrong_at = r->at;
}

static hl_rc
step(walk *w, const reading *r, hl_err *err)
{
	hl_gap g = { .given_up = w->last.given_up, .within = r->closes };
	int64_t by[HL_VARIANCE_N] = { 0 };
	hl_rc rc;

	if (r->outside > 0) {
		if ((rc = load_restores(w, err)) != HL_OK)
			return rc;
		g.restored = w->root && was_restored(w, r->n);
	}
	book_above(w, r->counter);
	hl_gap_split(&g, (int64_t)r->outside - r->overlap, by);
	for (int c = 0; c < HL_VARIANCE_N; c++)
		w->b->by[c].units += by[c];
	w->own += w->last.units;
	w->found += r->outside;
	w->all_found += (int64_t)r->outside - r->overlap;
	check_sum(w, r->counter, r);
	w->last = *r;
	return HL_OK;
}

static hl_rc
walk_readings(walk *w, const hl_uuid *card, hl_err *err)
{
	hl_rc rc = HL_OK;
	reading r;
	hl_q q;

	q = hl_q_new(w->s,
	    "SELECT r.n, r.at, r.kind, r.counter, r.units_outside, i.state, "
	    "i.units, (SELECT coalesce(sum(units), 0) FROM overlaps WHERE "
	    "reading = r.id) FROM card_readings AS r LEFT JOIN issues AS i "
	    "ON i.id = r.issue WHERE r.card = ? ORDER BY r.n");
	hl_q_uuid(&q, card);
	while (rc == HL_OK && hl_q_row(&q)) {
		get_reading(&q, &r);
		rc = step(w, &r, err);
	}
	if (rc != HL_OK) {
		(void)!hl_q_end(&q, NULL);
		return rc;
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	book_above(w, -1);
	w->own += w->last.units;
	check_sum(w, w->left, &w->last);
	return HL_OK;
}

/* ---- a counter that is not recorded ------------------------------------- */

/* Booked is a counter that was too high, not each that ever will be. */
static hl_rc
find_replaced(
    walk *w, const hl_uuid *card, uint32_t counter, int64_t units, hl_err *err)
{
	hl_q q = hl_q_new(w->s,
	    "SELECT 1 FROM variances WHERE card = ? AND class = 'replaced' "
	    "AND counter = ? AND units = ?");

	hl_q_uuid(&q, card);
	hl_q_int(&q, counter);
	hl_q_int(&q, units);
	if (hl_q_row(&q))
		w->b->by[HL_VARIANCE_REPLACED].booked = units;
	return hl_q_end(&q, err);
}

static hl_rc
show_counter(walk *w, const hl_uuid *card, uint32_t counter, hl_err *err)
{
	static const hl_uuid none;
	const int64_t units = (int64_t)w->b->left - counter;
	hl_gap g = { .above = units < 0,
		.open = !hl_uuid_equal(&w->b->open, &none),
		.given_up = w->last.given_up };
	int64_t by[HL_VARIANCE_N] = { 0 };
	hl_rc rc;

	if (units > 0 && (rc = load_restores(w, err)) != HL_OK)
		return rc;
	g.restored = was_restored(w, INT64_MAX);
	hl_gap_split(&g, units, by);
	for (int c = 0; c < HL_VARIANCE_N; c++)
		w->b->by[c].unrecorded += by[c];
	return units < 0 ? find_replaced(w, card, counter, units, err) : HL_OK;
}

/* ---- the whole ---------------------------------------------------------- */

static void
take_outcome(hl_balance *b, const char *state, uint64_t units)
{
	hl_issue_state is;

	if (!hl_issue_state_parse(state, &is))
		return;
	if (is == HL_ISSUE_ISSUED)
		b->issued = units;
	else if (is == HL_ISSUE_BAD)
		b->bad = units;
	else if (is == HL_ISSUE_LOST)
		b->lost = units;
	else if (is == HL_ISSUE_LOST_OR_OUTSIDE)
		b->lost_or_outside = units;
}

static hl_rc
add_outcomes(walk *w, const hl_uuid *card, hl_err *err)
{
	hl_text state;
	uint64_t units;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(w->s,
	    "SELECT state, sum(units) FROM issues AS i WHERE card IN (SELECT "
	    "id FROM cards WHERE id = ?1 OR same_as = ?1) AND units = 1 "
	    "AND NOT EXISTS (SELECT 1 FROM overlaps WHERE issue = i.id) "
	    "GROUP BY state");
	hl_q_uuid(&q, card);
	while (hl_q_row(&q)) {
		hl_q_get_text(&q, state, sizeof(state));
		units = (uint64_t)hl_q_get_int(&q);
		take_outcome(w->b, state, units);
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	q = hl_q_new(
	    w->s, "SELECT id FROM issues WHERE card = ? AND state = 'open'");
	hl_q_uuid(&q, card);
	if (hl_q_row(&q))
		hl_q_get_uuid(&q, &w->b->open);
	return hl_q_end(&q, err);
}

static void
close_sum(walk *w)
{
	hl_balance *b = w->b;
	const uint64_t ours = b->issued + b->bad + b->lost + b->lost_or_outside;

	b->gap =
	    (int64_t)b->provisioned - b->left - (int64_t)ours - w->all_found;
}

static hl_rc
walk_row(walk *w, const hl_uuid *card, hl_err *err)
{
	hl_rc rc, ended;

	w->last = (reading){ .n = 0 };
	w->own = w->found = 0;
	w->bookings = hl_q_new(w->s,
	    "SELECT class, units, counter FROM variances WHERE card = ? "
	    "AND class <> 'replaced' ORDER BY counter DESC, n");
	hl_q_uuid(&w->bookings, card);
	next_booking(w);
	rc = walk_readings(w, card, err);
	ended = hl_q_end(&w->bookings, rc == HL_OK ? err : NULL);
	return rc != HL_OK ? rc : ended;
}

/* The rows of a card; its own one is the last. */
static hl_rc
walk_rows(walk *w, const hl_uuid *card, hl_err *err)
{
	hl_balance *b = w->b;
	hl_rc rc = HL_OK;
	int64_t seen;
	hl_uuid id;
	hl_q q;

	q = hl_q_new(w->s,
	    "SELECT id, first_counter, last_counter, seen_at FROM cards "
	    "WHERE id = ?1 OR same_as = ?1 ORDER BY id = ?1, n");
	hl_q_uuid(&q, card);
	while (rc == HL_OK && hl_q_row(&q)) {
		hl_q_get_uuid(&q, &id);
		w->first = hl_q_get_u32(&q);
		w->left = hl_q_get_u32(&q);
		seen = hl_q_get_int(&q);
		w->root = hl_uuid_equal(&id, card);
		if (w->first > b->provisioned)
			b->provisioned = w->first;
		if (w->left < b->left)
			b->left = w->left;
		if (seen > b->read_at)
			b->read_at = seen;
		rc = walk_row(w, &id, err);
	}
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

static hl_rc
fill(walk *w, const hl_uuid *card, const uint32_t *counter, hl_err *err)
{
	hl_rc rc;

	if ((rc = walk_rows(w, card, err)) != HL_OK ||
	    (rc = add_outcomes(w, card, err)) != HL_OK)
		return rc;
	close_sum(w);
	return counter == NULL ? HL_OK : show_counter(w, card, *counter, err);
}

hl_rc
hl_balance_take(hl_store *s, const hl_uuid *card, const uint32_t *counter,
    hl_balance *out, hl_err *err)
{
	hl_balance b = { 0 };
	walk w = { .s = s, .b = &b };
	hl_card_row c;
	hl_rc rc;

	if ((rc = hl_card_need(s, card, &c, err)) != HL_OK)
		return rc;
	b.provisioned = c.first_counter;
	b.left = c.last_counter;
	b.read_at = c.seen_at;
	rc = fill(&w, card, counter, err);
	free(w.restored.first);
	if (rc == HL_OK)
		*out = b;
	return rc;
}

hl_rc
hl_store_balance(hl_store *store, const hl_uuid *card, const uint32_t *counter,
    hl_balance *out, hl_err *err)
{
	hl_rc rc, ended;

	store->doing = "add up the units of a card";
	if ((rc = hl_db_exec(store, "BEGIN", err)) != HL_OK)
		return rc;
	rc = hl_balance_take(store, card, counter, out, err);
	/* nothing was written: it only lets go */
	ended = hl_db_exec(store, "COMMIT", rc == HL_OK ? err : NULL);
	return rc == HL_OK ? ended : rc;
}

hl_rc
hl_store_unexplained(
    hl_store *store, uint64_t *cards, uint64_t *units, hl_err *err)
{
	uint64_t n = 0, sum = 0;
	hl_rc rc;
	hl_q q;

	store->doing = "look for units that nobody has explained";
	q = hl_q_new(store,
	    "SELECT count(*), coalesce(sum(abs(d)), 0) FROM (SELECT sum(u) "
	    "AS d FROM (SELECT card, units_outside AS u FROM card_readings "
	    "WHERE units_outside > 0 UNION ALL SELECT card, -units "
	    "FROM variances WHERE class <> 'replaced' UNION ALL SELECT card, "
	    "-units FROM overlaps WHERE reading IS NOT NULL) AS v JOIN cards "
	    "AS c ON c.id = v.card GROUP BY coalesce(c.same_as, c.id) "
	    "HAVING d <> 0)");
	if (hl_q_row(&q)) {
		n = (uint64_t)hl_q_get_int(&q);
		sum = (uint64_t)hl_q_get_int(&q);
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	*cards = n;
	*units = sum;
	return HL_OK;
}
