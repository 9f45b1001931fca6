/* SPDX-License-Identifier: Apache-2.0 */
/* Where the units of a card are, and what of them is explained. */
#include <stdio.h>

#include "ledger/event.h"
#include "store/conform.h"

/* ---- short ways ---------------------------------------------------------- */

static hl_balance
balance(fixture *f, const hl_card_row *c)
{
	hl_balance b;

	OK(f, hl_store_balance(f->s, &c->id, NULL, &b, &f->err));
	return b;
}

/* As if the card had been read, and nothing recorded of it. */
static hl_balance
shown(fixture *f, const hl_card_row *c, uint32_t counter)
{
	hl_balance b;

	OK(f, hl_store_balance(f->s, &c->id, &counter, &b, &f->err));
	return b;
}

static void
seen(fixture *f, const hl_card_row *c, uint32_t counter)
{
	uint32_t outside;

	OK(f,
	    hl_store_card_seen(f->s, &c->id, counter, "OPERATIONAL_STATE",
		"reader A", &f->actor, &outside, &f->err));
}

static void
restored(fixture *f)
{
	const hl_event_fact fact = { "size_before", NULL, 7 };

	OK(f,
	    hl_store_event_put(
		f->s, "store.restored", &fact, 1, &f->actor, NULL, &f->err));
}

static void
closed(fixture *f, const hl_issue *i, hl_issue_state state, uint32_t after,
    bool read)
{
	static unsigned n;
	hl_outcome o = fx_outcome(f, i, state, after, ++n);

	o.counter_known = read;
	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
}

static void
request(fixture *f, const hl_card_row *c, uint32_t before, hl_issue_state state,
    uint32_t after)
{
	static unsigned n = 100;
	const hl_chip chip = fx_chip(f, ++n);
	const hl_issue i = fx_open(f, &chip, c, before);

	closed(f, &i, state, after, true);
}

static hl_uuid
import(fixture *f, const hl_uuid *firmware, unsigned n)
{
	const hl_chip chip = fx_chip(f, n);
	size_t len;
	const uint8_t *bytes = fx_license_bytes(n, &len);
	hl_uuid id;

	OK(f,
	    hl_store_license_import(
		f->s, &chip.id, firmware, bytes, len, &f->actor, &id, &f->err));
	return id;
}

/* What is unexplained, by class; HL_VARIANCE_N ends the list. */
static void
expect_open(const hl_balance *b, const int64_t *want)
{
	static const int64_t none[HL_VARIANCE_N];

	if (want == NULL)
		want = none;
	for (int c = 0; c < HL_VARIANCE_N; c++) {
		const hl_variance_class class = (hl_variance_class)c;

		if (hl_balance_open(b, class) != want[c])
			fail_msg("%s: %lld, not %lld",
			    hl_variance_class_name(class),
			    (long long)hl_balance_open(b, class),
			    (long long)want[c]);
	}
	assert_int_equal(b->gap, 0);
	assert_int_equal(b->wrong_reading, 0);
	assert_int_equal(hl_balance_closed(b), want == none);
}

#define OPEN(b, ...)                                                           \
	expect_open((b), (const int64_t[HL_VARIANCE_N]){ __VA_ARGS__ })
#define NONE(b) expect_open((b), NULL)

/* The sum that the page for auditors gives. */
static void
expect_sum(const hl_balance *b, uint32_t left)
{
	uint64_t ours = b->issued + b->bad + b->lost + b->lost_or_outside;
	int64_t booked = 0;

	for (int c = 0; c < HL_VARIANCE_N; c++) {
		if (c != HL_VARIANCE_REPLACED)
			booked += b->by[c].booked;
	}
	assert_int_equal(b->provisioned,
	    (int64_t)left + (int64_t)ours + booked + hl_balance_difference(b));
}

static hl_sign_off
signing(fixture *f, const hl_card_row *c, const hl_balance *b)
{
	hl_sign_off so = {
		.card = c->id, .reason = "known", .actor = &f->actor
	};

	for (int i = 0; i < HL_VARIANCE_N; i++)
		so.units[i] = hl_balance_open(b, (hl_variance_class)i);
	return so;
}

/* ---- tests -------------------------------------------------------------- */

static void
by_outcome(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 300);
	hl_balance b = balance(f, &c);

	NONE(&b);
	assert_int_equal(b.provisioned, 300);
	assert_int_equal(b.left, 300);
	assert_true(b.read_at == c.seen_at);
	request(f, &c, 300, HL_ISSUE_ISSUED, 299);
	request(f, &c, 299, HL_ISSUE_BAD, 298);
	request(f, &c, 298, HL_ISSUE_LOST, 297);
	request(f, &c, 297, HL_ISSUE_LOST_OR_OUTSIDE, 296);
	request(f, &c, 296, HL_ISSUE_NOT_SPENT, 296);
	request(f, &c, 296, HL_ISSUE_LOST, 295);
	request(f, &c, 295, HL_ISSUE_ISSUED, 295); /* it did not count */
	b = balance(f, &c);
	NONE(&b);
	expect_sum(&b, 295);
	assert_int_equal(b.issued, 1);
	assert_int_equal(b.bad, 1);
	assert_int_equal(b.lost, 2);
	assert_int_equal(b.lost_or_outside, 1);
	b = shown(f, &c, 295);
	NONE(&b);
}

/* A counter that was not read follows from the outcome. */
static void
outcome_without_reading(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10);
	const hl_chip chip = fx_chip(f, 1), other = fx_chip(f, 2);
	hl_issue i = fx_open(f, &chip, &c, 10);
	hl_balance b;

	closed(f, &i, HL_ISSUE_LOST_OR_OUTSIDE, 0, false);
	b = balance(f, &c);
	NONE(&b);
	assert_int_equal(b.left, 9);
	seen(f, &c, 9);
	i = fx_open(f, &other, &c, 9);
	closed(f, &i, HL_ISSUE_ISSUED, 0, false);
	seen(f, &c, 6);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 2);
	expect_sum(&b, 6);
}

static void
a_lost_license_turns_up(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10);
	const hl_chip chip = fx_chip(f, 1);
	const hl_issue i = fx_open(f, &chip, &c, 10);
	size_t n;
	const uint8_t *bytes = fx_license_bytes(9, &n);
	hl_balance b;

	closed(f, &i, HL_ISSUE_LOST, 9, true);
	OK(f, hl_store_issue_rescue(f->s, &i.id, bytes, n, &f->actor, &f->err));
	b = balance(f, &c);
	NONE(&b);
	assert_int_equal(b.issued, 1);
	assert_int_equal(b.lost, 0);
}

static void
outside_is_signed_off(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10), other = fx_card(f, 2, 10);
	hl_balance b;
	hl_sign_off so;

	seen(f, &c, 8);
	request(f, &c, 7, HL_ISSUE_ISSUED, 6);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 3);
	expect_sum(&b, 6);
	so = signing(f, &c, &b);
	so.reason = "";
	EXPECT(f, HL_EINPUT, hl_store_sign_off(f->s, &so, &f->err));
	so.reason = "the other desk";
	so.units[HL_VARIANCE_OUTSIDE] = 2;
	EXPECT(f, HL_ECONFLICT, hl_store_sign_off(f->s, &so, &f->err));
	so.units[HL_VARIANCE_OUTSIDE] = 3;
	so.units[HL_VARIANCE_JUMP] = 1;
	EXPECT(f, HL_ECONFLICT, hl_store_sign_off(f->s, &so, &f->err));
	so.units[HL_VARIANCE_JUMP] = 0;
	OK(f, hl_store_sign_off(f->s, &so, &f->err));
	EXPECT(f, HL_ECONFLICT, hl_store_sign_off(f->s, &so, &f->err));
	b = balance(f, &c);
	NONE(&b);
	assert_int_equal(b.by[HL_VARIANCE_OUTSIDE].booked, 3);
	expect_sum(&b, 6);
	so = signing(f, &c, &b);
	EXPECT(f, HL_EINPUT, hl_store_sign_off(f->s, &so, &f->err));
	/* it is not signed off for ever */
	seen(f, &c, 5);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 1);
	b = balance(f, &other);
	NONE(&b);
	so.card = fx_uuid();
	so.units[HL_VARIANCE_OUTSIDE] = 1;
	EXPECT(f, HL_ENOTFOUND, hl_store_sign_off(f->s, &so, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_balance(f->s, &so.card, NULL, &b, &f->err));
	fx_check_clean(f);
}

static void
jumps(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10);
	hl_balance b;
	hl_sign_off so;

	request(f, &c, 10, HL_ISSUE_ISSUED, 8);
	request(f, &c, 8, HL_ISSUE_NOT_SPENT, 7);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_JUMP] = 2);
	seen(f, &c, 6);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_JUMP] = 2, [HL_VARIANCE_OUTSIDE] = 1);
	so = signing(f, &c, &b);
	OK(f, hl_store_sign_off(f->s, &so, &f->err));
	b = balance(f, &c);
	NONE(&b);
	assert_int_equal(b.by[HL_VARIANCE_JUMP].booked, 2);
	assert_int_equal(b.by[HL_VARIANCE_OUTSIDE].booked, 1);
	expect_sum(&b, 6);
}

static hl_card_row
given_up(fixture *f, unsigned n)
{
	const hl_card_row c = fx_card(f, n, 10);
	const hl_chip chip = fx_chip(f, n);
	const hl_issue i = fx_open(f, &chip, &c, 10);

	closed(f, &i, HL_ISSUE_WRITTEN_OFF, 0, false);
	return c;
}

/* The unit of a request that was given up shows at the next reading, or it was
 * never spent. */
static void
written_off(void **state)
{
	fixture *f = *state;
	hl_card_row c = given_up(f, 1);
	hl_balance b = balance(f, &c);

	NONE(&b);
	b = shown(f, &c, 9);
	OPEN(&b, [HL_VARIANCE_IN_DOUBT] = 1);
	assert_int_equal(b.by[HL_VARIANCE_IN_DOUBT].unrecorded, 1);
	assert_int_equal(b.left, 10);
	seen(f, &c, 7);
	seen(f, &c, 6);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_IN_DOUBT] = 1, [HL_VARIANCE_OUTSIDE] = 3);
	c = given_up(f, 2);
	request(f, &c, 10, HL_ISSUE_ISSUED, 9);
	seen(f, &c, 8);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 1);
	c = given_up(f, 3);
	request(f, &c, 9, HL_ISSUE_ISSUED, 8);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_IN_DOUBT] = 1);
}

static void
older_copy(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10), d = fx_card(f, 2, 10);
	const hl_card_row off = given_up(f, 3);
	const hl_chip chip = fx_chip(f, 50);
	const hl_issue i = fx_open(f, &chip, &d, 10);
	hl_card_row late;
	hl_balance b;

	seen(f, &c, 9);
	restored(f);
	b = shown(f, &c, 6);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 1, [HL_VARIANCE_ROLLED_BACK] = 3);
	late = fx_card(f, 4, 10);
	seen(f, &late, 9);
	b = balance(f, &late);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 1);
	/* the readings of others in between change nothing */
	seen(f, &c, 6);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 1, [HL_VARIANCE_ROLLED_BACK] = 3);
	seen(f, &c, 5);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 2, [HL_VARIANCE_ROLLED_BACK] = 3);
	b = shown(f, &c, 4);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 3, [HL_VARIANCE_ROLLED_BACK] = 3);
	/* what was open in the copy is settled first */
	closed(f, &i, HL_ISSUE_LOST_OR_OUTSIDE, 6, true);
	b = balance(f, &d);
	OPEN(&b, [HL_VARIANCE_ROLLED_BACK] = 3);
	seen(f, &off, 7);
	b = balance(f, &off);
	OPEN(&b, [HL_VARIANCE_IN_DOUBT] = 1, [HL_VARIANCE_ROLLED_BACK] = 2);
	restored(f);
	restored(f);
	seen(f, &c, 3);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 2, [HL_VARIANCE_ROLLED_BACK] = 5);
}

static void
open_request(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10);
	const hl_chip chip = fx_chip(f, 1);
	const hl_issue i = fx_open(f, &chip, &c, 9);
	hl_balance b = balance(f, &c);

	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 1);
	assert_memory_equal(&b.open, &i.id, sizeof(i.id));
	b = shown(f, &c, 8);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 1, [HL_VARIANCE_IN_DOUBT] = 1);
	expect_sum(&b, 8);
	b = shown(f, &c, 9);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 1);
}

/* That the counter was too high is signed off for this counter alone. */
static void
above(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10);
	hl_balance b;
	hl_sign_off so;

	seen(f, &c, 8);
	b = shown(f, &c, 12);
	OPEN(&b, [HL_VARIANCE_OUTSIDE] = 2, [HL_VARIANCE_REPLACED] = -4);
	expect_sum(&b, 8);
	assert_int_equal(hl_balance_above(&b), 4);
	so = signing(f, &c, &b);
	EXPECT(f, HL_ECONFLICT, hl_store_sign_off(f->s, &so, &f->err));
	so.counter = 12;
	OK(f, hl_store_sign_off(f->s, &so, &f->err));
	b = shown(f, &c, 12);
	NONE(&b);
	expect_sum(&b, 8);
	assert_int_equal(hl_balance_above(&b), 4);
	b = balance(f, &c);
	NONE(&b);
	assert_int_equal(hl_balance_above(&b), 0);
	b = shown(f, &c, 11);
	OPEN(&b, [HL_VARIANCE_REPLACED] = -3);
}

struct links {
	hl_uuid id[8];
	size_t n;
};

static bool
take_link(void *arg, const hl_license *l)
{
	struct links *k = arg;

	k->id[k->n++] = l->id;
	return k->n < HL_COUNT(k->id);
}

static void
expect_unlinked(fixture *f, const hl_card_row *c, const hl_uuid *ids, size_t n)
{
	struct links k = { .n = 0 };

	OK(f,
	    hl_store_license_unlinked(
		f->s, &c->firmware, take_link, &k, &f->err));
	assert_int_equal(k.n, n);
	if (n > 0)
		assert_memory_equal(k.id, ids, n * sizeof(*ids));
}

static void
imported_explains(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10), other = fx_card(f, 2, 10);
	const hl_uuid ids[] = { import(f, &c.firmware, 1),
		import(f, &c.firmware, 2) };
	const hl_uuid strange = import(f, &other.firmware, 3);
	const hl_uuid unknown = fx_uuid();
	hl_balance b;
	hl_sign_off so;

	expect_unlinked(f, &c, ids, 2);
	seen(f, &c, 9);
	b = balance(f, &c);
	so = signing(f, &c, &b);
	so.imported = ids;
	so.n_imported = 2; /* of one unit */
	EXPECT(f, HL_ECONFLICT, hl_store_sign_off(f->s, &so, &f->err));
	so.n_imported = 1;
	so.imported = &strange;
	EXPECT(f, HL_ECONFLICT, hl_store_sign_off(f->s, &so, &f->err));
	so.imported = &unknown;
	EXPECT(f, HL_ENOTFOUND, hl_store_sign_off(f->s, &so, &f->err));
	expect_unlinked(f, &c, ids, 2);
	seen(f, &c, 7);
	b = balance(f, &c);
	so = signing(f, &c, &b);
	so.imported = &ids[1];
	so.n_imported = 1;
	OK(f, hl_store_sign_off(f->s, &so, &f->err));
	expect_unlinked(f, &c, ids, 1);
	b = balance(f, &c);
	NONE(&b);
	assert_int_equal(b.by[HL_VARIANCE_IMPORTED].booked, 1);
	assert_int_equal(b.by[HL_VARIANCE_OUTSIDE].booked, 2);
	expect_sum(&b, 7);
	seen(f, &c, 6);
	b = balance(f, &c);
	so = signing(f, &c, &b);
	so.imported = &ids[1];
	so.n_imported = 1;
	EXPECT(f, HL_ECONFLICT, hl_store_sign_off(f->s, &so, &f->err));
	fx_check_clean(f);
}

static void
only_imported_is_linked(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10);
	const hl_chip chip = fx_chip(f, 1);
	const hl_issue i = fx_open(f, &chip, &c, 10);
	const hl_outcome o = fx_outcome(f, &i, HL_ISSUE_ISSUED, 9, 1);
	hl_license lic;
	hl_balance b;
	hl_sign_off so;

	OK(f, hl_store_intent_close(f->s, &o, &lic, &f->err));
	seen(f, &c, 8);
	b = balance(f, &c);
	so = signing(f, &c, &b);
	so.imported = &lic.id;
	so.n_imported = 1;
	EXPECT(f, HL_ECONFLICT, hl_store_sign_off(f->s, &so, &f->err));
}

/* A license that was linked before stays where it was when units of another
 * class come later. */
static void
links_stay_where_they_are(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10);
	const hl_uuid id = import(f, &c.firmware, 1);
	hl_balance b;
	hl_sign_off so;

	seen(f, &c, 7);
	b = balance(f, &c);
	so = signing(f, &c, &b);
	so.imported = &id;
	so.n_imported = 1;
	OK(f, hl_store_sign_off(f->s, &so, &f->err));
	restored(f);
	seen(f, &c, 5);
	b = balance(f, &c);
	OPEN(&b, [HL_VARIANCE_ROLLED_BACK] = 2);
	assert_int_equal(b.by[HL_VARIANCE_OUTSIDE].units, 2);
	assert_int_equal(b.by[HL_VARIANCE_OUTSIDE].booked, 2);
}

static void
counted_for_all(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10), d = fx_card(f, 2, 10);
	uint64_t cards = 9, units = 9;
	hl_balance b;
	hl_sign_off so;

	OK(f, hl_store_unexplained(f->s, &cards, &units, &f->err));
	assert_int_equal(cards + units, 0);
	seen(f, &c, 8);
	request(f, &d, 10, HL_ISSUE_ISSUED, 8);
	OK(f, hl_store_unexplained(f->s, &cards, &units, &f->err));
	assert_int_equal(cards, 2);
	assert_int_equal(units, 3);
	b = balance(f, &c);
	so = signing(f, &c, &b);
	OK(f, hl_store_sign_off(f->s, &so, &f->err));
	b = shown(f, &c, 9);
	so = signing(f, &c, &b);
	so.counter = 9;
	OK(f, hl_store_sign_off(f->s, &so, &f->err)); /* no unit of it */
	OK(f, hl_store_unexplained(f->s, &cards, &units, &f->err));
	assert_int_equal(cards, 1);
	assert_int_equal(units, 1);
}

/* ---- what the ledger says
 * ---------------------------------------------------- */

struct told {
	hl_event e[4]; /* of the kind that is looked for */
	size_t n;
	const char *kind;
};

static bool
take_event(void *arg, const hl_event_row *row)
{
	struct told *t = arg;
	hl_event e;

	assert_int_equal(hl_event_parse(row->bytes, row->n, &e, NULL), HL_OK);
	if (strcmp(e.kind, t->kind) == 0 && t->n < HL_COUNT(t->e))
		t->e[t->n++] = e;
	else
		hl_event_free(&e);
	return true;
}

static void
look_up(fixture *f, struct told *t, const char *kind)
{
	*t = (struct told){ .kind = kind };
	OK(f, hl_store_events(f->s, 0, UINT64_MAX, take_event, t, &f->err));
}

static void
forget(struct told *t)
{
	while (t->n > 0)
		hl_event_free(&t->e[--t->n]);
}

static int64_t
fact(const hl_event *e, const char *key)
{
	int64_t v;

	if (!hl_event_int(e, key, &v))
		fail_msg("no %s", key);
	return v;
}

/* The sum that FORMAT.ledger gives. */
static void
expect_event_sum(const hl_event *e)
{
	static const char *const parts[] = { "left", "issued", "issued_bad",
		"lost", "in_doubt", "outside", "jump", "rolled_back",
		"imported" };
	int64_t sum = 0;

	for (size_t i = 0; i < HL_COUNT(parts); i++)
		sum += fact(e, parts[i]);
	assert_int_equal(sum, fact(e, "provisioned"));
	assert_int_equal(fact(e, "difference"),
	    fact(e, "in_doubt") + fact(e, "outside") + fact(e, "jump") +
		fact(e, "rolled_back") - fact(e, "signed"));
}

/* A counter that is too high is no answer to where units went. */
static void
replaced_is_told_by_itself(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10);
	hl_reconcile_row row = { .card = c.id, .read = true, .counter = 12 };
	hl_sign_off so;
	struct told t;

	seen(f, &c, 8);
	row.balance = shown(f, &c, 12);
	OK(f, hl_store_reconciled(f->s, &row, 1, &f->actor, &f->err));
	so = signing(f, &c, &row.balance);
	so.counter = 12;
	OK(f, hl_store_sign_off(f->s, &so, &f->err));
	row.balance = shown(f, &c, 12);
	OK(f, hl_store_reconciled(f->s, &row, 1, &f->actor, &f->err));
	look_up(f, &t, "reconcile.result");
	assert_int_equal(t.n, 2);
	for (size_t i = 0; i < t.n; i++) {
		const hl_event *e = &t.e[i];

		expect_event_sum(e);
		assert_int_equal(fact(e, "left"), 8);
		assert_int_equal(fact(e, "outside"), 2);
		assert_int_equal(fact(e, "replaced"), 4);
		assert_int_equal(fact(e, "signed"), i == 0 ? 0 : 2);
		assert_int_equal(fact(e, "difference"), i == 0 ? 2 : 0);
		assert_int_equal(fact(e, "counter"), 12);
	}
	forget(&t);
}

static void
results_are_events(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10), d = fx_card(f, 2, 20);
	hl_reconcile_row rows[2];
	char id[HL_UUID_TEXT];
	struct told t;
	int64_t v;

	request(f, &c, 9, HL_ISSUE_LOST, 8);
	rows[0] = (hl_reconcile_row){ c.id, balance(f, &c), true, 8 };
	rows[1] = (hl_reconcile_row){ d.id, balance(f, &d), false, 0 };
	OK(f, hl_store_reconciled(f->s, rows, 2, &f->actor, &f->err));
	look_up(f, &t, "reconcile.result");
	assert_int_equal(t.n, 2);
	hl_uuid_text(&c.id, id);
	assert_string_equal(hl_event_text(&t.e[0], "card"), id);
	assert_int_equal(fact(&t.e[0], "provisioned"), 10);
	assert_int_equal(fact(&t.e[0], "left"), 8);
	assert_int_equal(fact(&t.e[0], "lost"), 1);
	expect_event_sum(&t.e[0]);
	expect_event_sum(&t.e[1]);
	assert_int_equal(fact(&t.e[0], "outside"), 1);
	assert_int_equal(fact(&t.e[0], "difference"), 1);
	assert_int_equal(fact(&t.e[0], "counter"), 8);
	assert_int_equal(fact(&t.e[1], "provisioned"), 20);
	assert_int_equal(fact(&t.e[1], "difference"), 0);
	assert_false(hl_event_int(&t.e[1], "counter", &v));
	assert_string_equal(t.e[0].station, "station-1");
	forget(&t);
}

static void
sign_offs_are_events(void **state)
{
	fixture *f = *state;
	const hl_card_row c = fx_card(f, 1, 10);
	const hl_uuid lic = import(f, &c.firmware, 1);
	char id[HL_UUID_TEXT];
	struct told t;
	hl_balance b;
	hl_sign_off so;

	seen(f, &c, 8);
	request(f, &c, 8, HL_ISSUE_ISSUED, 6);
	b = balance(f, &c);
	so = signing(f, &c, &b);
	so.imported = &lic;
	so.n_imported = 1;
	OK(f, hl_store_sign_off(f->s, &so, &f->err));
	look_up(f, &t, "variance.signed");
	assert_int_equal(t.n, 3); /* imported, outside, jump */
	hl_uuid_text(&lic, id);
	assert_string_equal(
	    hl_event_text(&t.e[0], "variance_class"), "imported");
	assert_string_equal(hl_event_text(&t.e[0], "variance_license"), id);
	assert_string_equal(
	    hl_event_text(&t.e[1], "variance_class"), "outside");
	assert_string_equal(hl_event_text(&t.e[2], "variance_class"), "jump");
	for (size_t i = 0; i < t.n; i++) {
		assert_int_equal(fact(&t.e[i], "variance_units"), 1);
		assert_int_equal(fact(&t.e[i], "variance_counter"), 6);
		assert_string_equal(
		    hl_event_text(&t.e[i], "variance_reason"), "known");
		assert_string_equal(t.e[i].operator_, f->actor.operator_);
	}
	forget(&t);
}

int
conform_balances(void)
{
	const struct CMUnitTest tests[] = {
		TEST(by_outcome),
		TEST(outcome_without_reading),
		TEST(a_lost_license_turns_up),
		TEST(outside_is_signed_off),
		TEST(jumps),
		TEST(written_off),
		TEST(older_copy),
		TEST(open_request),
		TEST(above),
		TEST(imported_explains),
		TEST(only_imported_is_linked),
		TEST(links_stay_where_they_are),
		TEST(counted_for_all),
		TEST(results_are_events),
		TEST(replaced_is_told_by_itself),
		TEST(sign_offs_are_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
