/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores of two and three stations that come together. A card is played by its
 * counter alone: whoever has one issued takes one off.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ledger/event.h"
#include "store/conform.h"

static const hl_merge_options plain;

/* A store beside the one that a test begins with. */
static fixture *
station(const char *name)
{
	const hl_store_options opt = { .create = true };
	fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	factory->make(f->url, sizeof(f->url));
	fx_actor(&f->actor, name);
	OK(f, hl_store_open(&f->s, f->url, &opt, &f->err));
	return f;
}

/* No finding in its ledger, its rows and its sums. */
static void
expect_sound(fixture *f)
{
	hl_audit_result r;
	char text[2048];

	fx_audit(f, NULL, 0, text, sizeof(text), &r);
	assert_string_equal(text, "");
}

static void
close_station(fixture *f)
{
	expect_sound(f);
	hl_store_close(&f->s);
	factory->drop(f->url);
	free(f);
}

/* Nothing of a merge that fails is recorded. */
static hl_rc
merge_with(
    fixture *to, fixture *from, const hl_merge_options *opt, hl_merge_result *r)
{
	const hl_store_options look = { .read_only = true };
	hl_frontier before, after;
	hl_store *other = NULL;
	hl_rc rc;

	OK(to, hl_store_tree(to->s, &before, &to->err));
	OK(to, hl_store_open(&other, from->url, &look, &to->err));
	rc = hl_store_merge(to->s, other, opt, &to->actor, r, &to->err);
	hl_store_close(&other);
	OK(to, hl_store_tree(to->s, &after, NULL));
	if (rc != HL_OK || opt->dry_run)
		assert_true(hl_frontier_equal(&before, &after));
	fx_check_clean(to);
	return rc;
}

static hl_merge_result
merge(fixture *to, fixture *from)
{
	hl_merge_result r;

	OK(to, merge_with(to, from, &plain, &r));
	return r;
}

static void
expect_nothing(fixture *to, fixture *from)
{
	static const hl_merge_counts none;
	hl_frontier before, after;
	hl_merge_result r;

	OK(to, hl_store_tree(to->s, &before, &to->err));
	r = merge(to, from);
	OK(to, hl_store_tree(to->s, &after, &to->err));
	assert_true(hl_frontier_equal(&before, &after));
	assert_int_equal(r.known, r.size);
	assert_memory_equal(&r.n, &none, sizeof(none));
}

/* A chip that has no license yet gets one from the card, or fails to. */
static hl_issue
ask(fixture *f, unsigned chip, const hl_card_row *card, uint32_t *counter,
    hl_issue_state state)
{
	const hl_chip c = fx_chip(f, chip);
	const hl_issue one = fx_open(f, &c, card, *counter);
	hl_outcome o;

	if (state != HL_ISSUE_NOT_SPENT)
		--*counter;
	o = fx_outcome(f, &one, state, *counter,
	    chip + 1000u * (unsigned)f->actor.station[8]);
	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	return one;
}

static uint32_t
see(fixture *f, const hl_card_row *card, uint32_t counter)
{
	uint32_t outside = 0;

	OK(f,
	    hl_store_card_seen(f->s, &card->id, counter, "OPERATIONAL_STATE",
		"reader A", &f->actor, &outside, &f->err));
	return outside;
}

static hl_figures
figures(fixture *f)
{
	hl_figures n;

	OK(f, hl_store_figures(f->s, 0, INT64_MAX, &n, &f->err));
	return n;
}

static uint32_t
left(fixture *f, const hl_card_row *card)
{
	hl_card_row c;

	OK(f, hl_store_card_by_serial(f->s, card->serial, &c, &f->err));
	return c.last_counter;
}

static bool
count_card(void *arg, const hl_card_row *c)
{
	(void)c;
	++*(unsigned *)arg;
	return true;
}

static unsigned
cards(fixture *f)
{
	unsigned n = 0;

	OK(f, hl_store_card_list(f->s, count_card, &n, &f->err));
	return n;
}

/* ---- what comes -------------------------------------------------------- */

static void
everything_comes_once(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row card = fx_card(b, 1, 100);
	uint32_t counter = 100;
	const hl_issue one = ask(b, 1, &card, &counter, HL_ISSUE_ISSUED);
	hl_license there, here;
	hl_merge_result r;
	hl_install in;
	hl_issue is;
	hl_chip chip;
	unsigned slot;

	OK(b,
	    hl_store_license_find(
		b->s, &one.chip, &one.firmware, &there, &b->err));
	OK(b,
	    hl_store_license_use(b->s, &there.id, "store", &b->actor, &b->err));
	OK(b, hl_store_chip_by_id(b->s, &one.chip, &chip, &b->err));
	OK(b,
	    hl_store_chip_label(
		b->s, &chip.id, "the first", &b->actor, &b->err));
	in = fx_install(b, &chip, HL_INSTALL_DONE);
	in.license = there.id;
	in.firmware = one.firmware;
	OK(b, hl_store_install_add(b->s, &in, &b->err));
	OK(b,
	    hl_store_slot_put(
		b->s, "station-2", "reader A", 3, &b->actor, &b->err));
	r = merge(a, b);
	assert_int_equal(r.n.firmwares, 1);
	assert_int_equal(r.n.cards, 1);
	assert_int_equal(r.n.chips, 1);
	assert_int_equal(r.n.issues, 1);
	assert_int_equal(r.n.readings, 3);
	assert_int_equal(r.n.licenses, 1);
	assert_int_equal(r.n.uses, 1);
	assert_int_equal(r.n.installs, 1);
	assert_int_equal(r.n.slots, 1);
	assert_int_equal(r.n.overlaps + r.n.twice + r.n.changed, 0);
	OK(a, hl_store_issue_by_id(a->s, &one.id, &is, &a->err));
	assert_int_equal(is.state, HL_ISSUE_ISSUED);
	assert_string_equal(is.actor.station, one.actor.station);
	assert_int_equal(is.opened_at, one.opened_at);
	OK(a,
	    hl_store_license_find(
		a->s, &is.chip, &is.firmware, &here, &a->err));
	assert_memory_equal(&here.id, &there.id, sizeof(here.id));
	OK(a, hl_store_chip_by_label(a->s, "the first", &chip, &a->err));
	OK(a, hl_store_slot_of(a->s, "station-2", "reader A", &slot, &a->err));
	assert_int_equal(slot, 3);
	assert_int_equal(left(a, &card), 99);
	assert_int_equal(figures(a).reused, 1);
	assert_int_equal(figures(a).installs_done, 1);
	expect_nothing(a, b);
	close_station(b);
}

static void
what_is_new_comes_later(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row card = fx_card(b, 1, 100);
	uint32_t counter = 100;
	hl_merge_result r;
	hl_license l;
	hl_issue one, two;

	one = ask(b, 1, &card, &counter, HL_ISSUE_ISSUED);
	two = ask(b, 2, &card, &counter, HL_ISSUE_LOST_OR_OUTSIDE);
	merge(a, b);
	OK(b,
	    hl_store_license_find(b->s, &one.chip, &one.firmware, &l, &b->err));
	OK(b,
	    hl_store_license_retire(b->s, &l.id, "broken", &b->actor, &b->err));
	{
		size_t n;
		const uint8_t *bytes = fx_license_bytes(77, &n);

		OK(b,
		    hl_store_issue_rescue(
			b->s, &two.id, bytes, n, &b->actor, &b->err));
	}
	ask(b, 3, &card, &counter, HL_ISSUE_ISSUED);
	OK(b, hl_store_card_retire(b->s, &card.id, &b->actor, &b->err));
	r = merge(a, b);
	assert_int_equal(r.n.issues, 1);
	assert_int_equal(r.n.licenses, 2);
	assert_int_equal(r.n.changed, 3); /* rescued, retired twice */
	OK(a, hl_store_license_by_id(a->s, &l.id, &l, &a->err));
	assert_int_equal(l.state, HL_LICENSE_RETIRED);
	assert_string_equal(l.reason, "broken");
	OK(a, hl_store_issue_by_id(a->s, &two.id, &two, &a->err));
	assert_int_equal(two.state, HL_ISSUE_ISSUED);
	assert_int_equal(figures(a).lost, 0);
	assert_int_equal(figures(a).issued, 3);
	assert_int_equal(left(a, &card), 97);
	expect_nothing(a, b);
	close_station(b);
}

/* What a person decided here stays, until they decide otherwise there. */
static void
decisions_here_stay(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row card = fx_card(b, 1, 100);
	uint32_t counter = 100;
	const hl_issue one = ask(b, 1, &card, &counter, HL_ISSUE_ISSUED);
	hl_license l;

	merge(a, b);
	OK(b,
	    hl_store_license_find(b->s, &one.chip, &one.firmware, &l, &b->err));
	OK(a, hl_store_license_doubt(a->s, &l.id, "odd", &a->actor, &a->err));
	ask(b, 2, &card, &counter, HL_ISSUE_ISSUED);
	assert_int_equal(merge(a, b).n.changed, 0);
	OK(a, hl_store_license_by_id(a->s, &l.id, &l, &a->err));
	assert_int_equal(l.state, HL_LICENSE_SUSPECT);
	OK(b, hl_store_license_doubt(b->s, &l.id, "odd", &b->actor, &b->err));
	OK(b, hl_store_license_trust(b->s, &l.id, "fine", &b->actor, &b->err));
	assert_int_equal(merge(a, b).n.changed, 1);
	OK(a, hl_store_license_by_id(a->s, &l.id, &l, &a->err));
	assert_int_equal(l.state, HL_LICENSE_ACTIVE);
	close_station(b);
}

static void
a_dry_run_records_nothing(void **state)
{
	const hl_merge_options dry = { .dry_run = true };
	fixture *a = *state, *b = station("station-2");
	const hl_card_row card = fx_card(b, 1, 100);
	uint32_t counter = 100;
	hl_merge_result would, r;

	ask(b, 1, &card, &counter, HL_ISSUE_ISSUED);
	OK(a, merge_with(a, b, &dry, &would));
	assert_int_equal(cards(a), 0);
	r = merge(a, b);
	assert_memory_equal(&would.n, &r.n, sizeof(r.n));
	close_station(b);
}

/* ---- one card, several stations ---------------------------------------- */

static void
each_unit_counts_once(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row here = fx_card(a, 1, 100);
	uint32_t counter = 100;
	hl_card_row there;
	hl_merge_result r;

	ask(a, 1, &here, &counter, HL_ISSUE_ISSUED); /* 99 */
	there = fx_card(b, 1, counter);
	ask(b, 2, &there, &counter, HL_ISSUE_ISSUED); /* 98, outside for a */
	ask(a, 3, &here, &counter, HL_ISSUE_ISSUED);  /* 97, outside for b */
	counter -= 2; /* nobody's: outside for both */
	ask(b, 4, &there, &counter, HL_ISSUE_ISSUED); /* 94 */
	assert_int_equal(figures(a).outside, 1);
	assert_int_equal(figures(b).outside, 3);

	r = merge(a, b);
	assert_int_equal(r.n.cards, 0);
	assert_int_equal(r.n.firmwares, 0);
	assert_int_equal(cards(a), 1);
	assert_int_equal(figures(a).issued, 4);
	assert_int_equal(figures(a).outside, 2);
	assert_int_equal(left(a, &here), 94);
	/* and it goes on, on both sides */
	ask(a, 5, &here, &counter, HL_ISSUE_ISSUED);  /* 93 */
	ask(b, 6, &there, &counter, HL_ISSUE_ISSUED); /* 92 */
	merge(a, b);
	assert_int_equal(figures(a).issued, 6);
	assert_int_equal(figures(a).outside, 2);
	assert_int_equal(see(a, &here, counter), 0);
	expect_nothing(a, b);
	close_station(b);
}

static void
both_ways(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row here = fx_card(a, 1, 100);
	uint32_t counter = 100;
	hl_card_row there;

	ask(a, 1, &here, &counter, HL_ISSUE_ISSUED);
	there = fx_card(b, 1, counter);
	ask(b, 2, &there, &counter, HL_ISSUE_ISSUED);
	counter--;
	ask(a, 3, &here, &counter, HL_ISSUE_ISSUED);
	for (unsigned i = 0; i < 3; i++) {
		merge(a, b);
		merge(b, a);
		ask(i % 2 ? a : b, 10 + i, i % 2 ? &here : &there, &counter,
		    HL_ISSUE_ISSUED);
	}
	merge(a, b);
	merge(b, a);
	assert_int_equal(figures(a).issued, 6);
	assert_int_equal(figures(b).issued, 6);
	assert_int_equal(figures(a).outside, 1);
	assert_int_equal(figures(b).outside, 1);
	assert_int_equal(left(a, &here), counter);
	assert_int_equal(left(b, &here), counter);
	close_station(b);
}

/* Here nobody knows whose unit it was; there they do. */
static void
lost_here_was_issued_there(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row here = fx_card(a, 1, 100);
	const hl_card_row there = fx_card(b, 1, 100);
	const hl_chip chip = fx_chip(a, 1);
	const hl_issue one = fx_open(a, &chip, &here, 100);
	uint32_t counter = 100;
	hl_outcome o;

	ask(b, 2, &there, &counter, HL_ISSUE_ISSUED);
	o = fx_outcome(a, &one, HL_ISSUE_LOST_OR_OUTSIDE, counter, 0);
	OK(a, hl_store_intent_close(a->s, &o, NULL, &a->err));
	assert_int_equal(figures(a).lost, 1);
	assert_int_equal(merge(a, b).n.overlaps, 1);
	assert_int_equal(figures(a).lost, 0);
	assert_int_equal(figures(a).issued, 1);
	assert_int_equal(figures(a).outside, 0);
	merge(b, a);
	assert_int_equal(figures(b).lost, 0);
	assert_int_equal(figures(b).issued, 1);
	close_station(b);
}

/*
 * Theirs got its license while a request of ours was open, and ours was done
 * after that: by our records, ours had the value of theirs, and the next one
 * left outside.
 */
static void
both_within_one_request(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row here = fx_card(a, 1, 100);
	const hl_card_row there = fx_card(b, 1, 100);
	const hl_chip chip = fx_chip(a, 1);
	const hl_issue one = fx_open(a, &chip, &here, 100);
	uint32_t counter = 100;
	hl_outcome o;

	ask(b, 2, &there, &counter, HL_ISSUE_ISSUED);
	counter--;
	o = fx_outcome(a, &one, HL_ISSUE_ISSUED, counter, 1);
	OK(a, hl_store_intent_close(a->s, &o, NULL, &a->err));
	assert_int_equal(figures(a).outside, 1);
	merge(a, b);
	assert_int_equal(figures(a).issued, 2);
	assert_int_equal(figures(a).outside, 0);
	merge(b, a);
	assert_int_equal(figures(b).issued, 2);
	assert_int_equal(figures(b).outside, 0);
	close_station(b);
}

static void
one_unit_issued_twice(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row here = fx_card(a, 1, 100);
	const hl_card_row there = fx_card(b, 1, 100);
	uint32_t counter = 100, again = 100;
	hl_merge_result r;

	ask(a, 1, &here, &counter, HL_ISSUE_ISSUED);
	ask(b, 2, &there, &again, HL_ISSUE_ISSUED);
	EXPECT(a, HL_ECONFLICT, merge_with(a, b, &plain, &r));
	assert_non_null(strstr(a->err.why, "counter value 100"));
	close_station(b);
}

/* They had the card earlier than this store, and somebody had it in between. */
static void
out_of_sight_in_between(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row there = fx_card(b, 1, 100);
	uint32_t counter = 100;
	hl_card_row here;

	ask(b, 1, &there, &counter, HL_ISSUE_ISSUED);
	counter = 90;
	here = fx_card(a, 1, counter);
	ask(a, 2, &here, &counter, HL_ISSUE_ISSUED);
	merge(a, b);
	assert_int_equal(figures(a).issued, 2);
	assert_int_equal(figures(a).outside, 9);
	/* as it turns out, some of these were theirs */
	counter = 99;
	ask(b, 3, &there, &counter, HL_ISSUE_ISSUED);
	counter = 89;
	ask(b, 4, &there, &counter, HL_ISSUE_ISSUED);
	merge(a, b);
	assert_int_equal(figures(a).issued, 4);
	assert_int_equal(figures(a).outside, 8);
	assert_int_equal(left(a, &here), 88);
	close_station(b);
}

static void
open_issues_stop_it(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row here = fx_card(a, 1, 100);
	const hl_card_row there = fx_card(b, 1, 100);
	const hl_chip chip = fx_chip(b, 1);
	const hl_issue one = fx_open(b, &chip, &there, 100);
	hl_merge_result r;
	hl_outcome o;
	hl_issue two;

	EXPECT(a, HL_EBUSY, merge_with(a, b, &plain, &r));
	assert_non_null(strstr(a->err.hint, "hsmlic recover"));
	o = fx_outcome(b, &one, HL_ISSUE_ISSUED, 99, 1);
	OK(b, hl_store_intent_close(b->s, &o, NULL, &b->err));
	/* ours, on the card that they have asked */
	{
		const hl_chip other = fx_chip(a, 2);

		two = fx_open(a, &other, &here, 100);
	}
	EXPECT(a, HL_EBUSY, merge_with(a, b, &plain, &r));
	o = fx_outcome(a, &two, HL_ISSUE_NOT_SPENT, 99, 1);
	OK(a, hl_store_intent_close(a->s, &o, NULL, &a->err));
	merge(a, b);
	assert_int_equal(figures(a).outside, 0);
	close_station(b);
}

/* ---- things with two names, names of two things ------------------------ */

typedef struct twice {
	unsigned n;
	hl_license ours, theirs;
} twice;

static void
on_twice(void *arg, const hl_license *ours, const hl_license *theirs)
{
	twice *t = arg;

	t->n++;
	t->ours = *ours;
	t->theirs = *theirs;
}

static void
a_chip_licensed_twice(void **state)
{
	twice t = { .n = 0 };
	const hl_merge_options opt = { .twice = on_twice, .arg = &t };
	fixture *a = *state, *b = station("station-2");
	const hl_card_row here = fx_card(a, 1, 100);
	const hl_card_row there = fx_card(b, 1, 100);
	uint32_t counter = 100;
	const hl_issue one = ask(a, 1, &here, &counter, HL_ISSUE_ISSUED);
	const hl_issue two = ask(b, 1, &there, &counter, HL_ISSUE_ISSUED);
	hl_merge_result r;
	hl_license l;
	hl_issue is;

	OK(a, merge_with(a, b, &opt, &r));
	assert_int_equal(r.n.twice, 1);
	assert_int_equal(r.n.chips, 0);
	assert_int_equal(t.n, 1);
	assert_memory_equal(&t.ours.issue, &one.id, sizeof(one.id));
	assert_memory_equal(&t.theirs.issue, &two.id, sizeof(two.id));
	OK(a,
	    hl_store_license_find(a->s, &one.chip, &one.firmware, &l, &a->err));
	assert_memory_equal(&l.id, &t.ours.id, sizeof(l.id));
	OK(a, hl_store_license_by_id(a->s, &t.theirs.id, &l, &a->err));
	assert_int_equal(l.state, HL_LICENSE_RETIRED);
	assert_true(
	    hl_text_starts(l.reason, "also licensed at hsmlic.invalid"));
	OK(a, hl_store_issue_by_id(a->s, &two.id, &is, &a->err));
	assert_int_equal(is.attempt, 2);
	assert_memory_equal(&is.chip, &one.chip, sizeof(is.chip));
	assert_int_equal(figures(a).issued, 2);
	assert_int_equal(figures(a).licenses, 1);
	close_station(b);
}

/* A license that was carried over as a file is one unit, not two. */
static void
a_license_carried_over(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row card = fx_card(a, 1, 100);
	uint32_t counter = 100;
	const hl_issue one = ask(a, 1, &card, &counter, HL_ISSUE_ISSUED);
	uint8_t bytes[HL_LICENSE_MAX];
	hl_firmware fw;
	hl_uuid there;
	hl_merge_result r;
	hl_license l;
	hl_chip chip;
	size_t n;

	OK(a,
	    hl_store_license_find(a->s, &one.chip, &one.firmware, &l, &a->err));
	OK(a, hl_store_license_bytes(a->s, &l.id, bytes, &n, &a->err));
	OK(a, hl_store_firmware_by_id(a->s, &one.firmware, &fw, &a->err));
	fw.id = fx_uuid();
	OK(b, hl_store_firmware_add(b->s, &fw, &b->actor, &b->err));
	chip = fx_chip(b, 1);
	OK(b,
	    hl_store_license_import(
		b->s, &chip.id, &fw.id, bytes, n, &b->actor, &there, &b->err));
	OK(b, hl_store_license_use(b->s, &there, "store", &b->actor, &b->err));
	r = merge(a, b);
	assert_int_equal(r.n.twice, 0);
	assert_int_equal(r.n.licenses, 1);
	assert_int_equal(figures(a).issued, 1);
	assert_int_equal(figures(a).licenses, 1);
	assert_int_equal(figures(a).reused, 1);
	close_station(b);
}

static void
halves_of_a_chip(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_cert cert = fx_cert(1), other = fx_cert(2);
	const hl_uid uid = fx_uid(1);
	hl_merge_result r;
	hl_chip chip;

	OK(a, hl_store_chip_put(a->s, &cert, NULL, &a->actor, &chip, &a->err));
	OK(b, hl_store_chip_put(b->s, &cert, &uid, &b->actor, &chip, &b->err));
	r = merge(a, b);
	assert_int_equal(r.n.chips, 0);
	assert_int_equal(r.n.changed, 1);
	OK(a, hl_store_chip_by_uid(a->s, &uid, &chip, &a->err));
	assert_true(chip.has_cert);
	close_station(b);

	b = station("station-3");
	OK(b, hl_store_chip_put(b->s, &other, &uid, &b->actor, &chip, &b->err));
	EXPECT(a, HL_ECONFLICT, merge_with(a, b, &plain, &r));
	assert_non_null(strstr(a->err.why, "is known with certificate"));
	close_station(b);
}

static void
firmwares_by_name(void **state)
{
	static const char *const as[] = { "firmware 1=other key", NULL };
	static const char *const unknown[] = { "nothing=x", NULL };
	hl_merge_options opt = { .firmwares = as };
	fixture *a = *state, *b = station("station-2");
	hl_firmware fw;
	hl_merge_result r;

	memset(&fw, 0, sizeof(fw));
	fw.id = fx_uuid();
	strcpy(fw.name, "firmware 1");
	strcpy(fw.identifier, "OTHER");
	OK(a, hl_store_firmware_add(a->s, &fw, &a->actor, &a->err));
	fx_card(b, 1, 100);
	EXPECT(a, HL_ECONFLICT, merge_with(a, b, &plain, &r));
	assert_non_null(strstr(a->err.why, "\"OTHER\""));
	assert_non_null(strstr(a->err.hint, "--firmware \"firmware 1=NAME\""));
	OK(a, merge_with(a, b, &opt, &r));
	assert_int_equal(r.n.firmwares, 1);
	OK(a, hl_store_firmware_by_name(a->s, "other key", &fw, &a->err));
	assert_string_equal(fw.identifier, "BLINKY");
	fx_card(b, 2, 100);
	opt.firmwares = unknown;
	EXPECT(a, HL_EINPUT, merge_with(a, b, &opt, &r));
	opt.firmwares = NULL;
	OK(a, merge_with(a, b, &opt, &r)); /* that one is known by now */
	close_station(b);
}

static void
one_card_of_two_firmwares(void **state)
{
	static const char *const as[] = { "blinky=firmware 1", NULL };
	const hl_merge_options opt = { .firmwares = as };
	fixture *a = *state, *b = station("station-2");
	hl_card_row card = fx_card(a, 1, 100);
	hl_firmware fw;
	hl_merge_result r;

	OK(a, hl_store_firmware_by_id(a->s, &card.firmware, &fw, &a->err));
	fw.id = fx_uuid();
	strcpy(fw.name, "blinky");
	card.id = fx_uuid();
	card.firmware = fw.id;
	OK(b, hl_store_card_add(b->s, &card, &fw, &b->actor, &b->err));
	EXPECT(a, HL_ECONFLICT, merge_with(a, b, &plain, &r));
	assert_non_null(
	    strstr(a->err.hint, "--firmware \"blinky=firmware 1\""));
	OK(a, merge_with(a, b, &opt, &r));
	assert_int_equal(r.n.firmwares, 0);
	close_station(b);
}

static void
on_note(void *arg, const char *text)
{
	snprintf(arg, 256, "%s", text);
}

static void
labels_stay(void **state)
{
	char note[256] = "";
	const hl_merge_options opt = { .note = on_note, .arg = note };
	fixture *a = *state, *b = station("station-2");
	const hl_chip here = fx_chip(a, 1), there = fx_chip(b, 2);
	hl_merge_result r;
	hl_chip chip;

	OK(a, hl_store_chip_label(a->s, &here.id, "first", &a->actor, &a->err));
	OK(b,
	    hl_store_chip_label(b->s, &there.id, "first", &b->actor, &b->err));
	OK(a, merge_with(a, b, &opt, &r));
	assert_non_null(strstr(note, "\"first\""));
	OK(a, hl_store_chip_by_id(a->s, &there.id, &chip, &a->err));
	assert_string_equal(chip.label, "");
	OK(b,
	    hl_store_chip_label(b->s, &there.id, "second", &b->actor, &b->err));
	assert_int_equal(merge(a, b).n.changed, 1);
	OK(a, hl_store_chip_by_label(a->s, "second", &chip, &a->err));
	close_station(b);
}

/* A card without a serial number, as genuine ones are. */
static hl_card_row
weak_card(fixture *f, const char *label, uint32_t counter)
{
	hl_firmware fw;
	hl_card_row c;

	memset(&fw, 0, sizeof(fw));
	memset(&c, 0, sizeof(c));
	fw.id = fx_uuid();
	strcpy(fw.name, "weak");
	if (hl_store_firmware_by_name(f->s, "weak", &fw, NULL) != HL_OK)
		OK(f, hl_store_firmware_add(f->s, &fw, &f->actor, &f->err));
	c.id = fx_uuid();
	c.firmware = fw.id;
	strcpy(c.label, label);
	strcpy(c.driver, "stm32hsm");
	c.first_counter = counter;
	OK(f, hl_store_card_add(f->s, &c, NULL, &f->actor, &f->err));
	return fx_card_now(f, &c);
}

static void
cards_without_serial_number(void **state)
{
	static const char *const same[] = { "there=here", NULL };
	static const char *const fresh[] = { "there", NULL };
	static const char *const wrong[] = { "elsewhere", NULL };
	hl_merge_options opt = { .same_cards = same };
	fixture *a = *state, *b = station("station-2");
	const hl_card_row here = weak_card(a, "here", 100);
	uint32_t counter = 100;
	hl_card_row there, c;
	hl_merge_result r;

	ask(a, 1, &here, &counter, HL_ISSUE_ISSUED);
	there = weak_card(b, "there", counter);
	ask(b, 2, &there, &counter, HL_ISSUE_ISSUED);
	EXPECT(a, HL_ECONFLICT, merge_with(a, b, &plain, &r));
	assert_non_null(strstr(a->err.hint, "--same-card \"there=here\""));
	opt.new_cards = wrong;
	EXPECT(a, HL_EINPUT, merge_with(a, b, &opt, &r));
	opt.new_cards = NULL;
	OK(a, merge_with(a, b, &opt, &r));
	assert_int_equal(cards(a), 1);
	OK(a, hl_store_card_by_label(a->s, "here", &c, &a->err));
	assert_int_equal(c.last_counter, 98);
	ask(b, 3, &there, &counter, HL_ISSUE_ISSUED);
	merge(a, b); /* asked once */
	assert_int_equal(figures(a).issued, 3);
	assert_int_equal(figures(a).outside, 0);
	close_station(b);

	b = station("station-3");
	there = weak_card(b, "there", 100);
	EXPECT(a, HL_ECONFLICT, merge_with(a, b, &plain, &r));
	opt.same_cards = NULL;
	opt.new_cards = fresh;
	OK(a, merge_with(a, b, &opt, &r));
	assert_int_equal(cards(a), 2);
	close_station(b);

	/* that one has spent what a card here has spent, too */
	b = station("station-4");
	there = weak_card(b, "fourth", 100);
	counter = 100;
	ask(b, 4, &there, &counter, HL_ISSUE_ISSUED);
	EXPECT(a, HL_ECONFLICT, merge_with(a, b, &plain, &r));
	assert_non_null(strstr(a->err.why, "\"there\" here"));
	close_station(b);
}

/* ---- ledgers ----------------------------------------------------------- */

static hl_rc
merge_into_itself(fixture *f)
{
	const hl_store_options look = { .read_only = true };
	hl_store *other = NULL;
	hl_merge_result r;
	hl_rc rc;

	OK(f, hl_store_open(&other, f->url, &look, &f->err));
	rc = hl_store_merge(f->s, other, &plain, &f->actor, &r, &f->err);
	hl_store_close(&other);
	return rc;
}

static void
not_with_itself(void **state)
{
	fixture *f = *state;

	EXPECT(f, HL_EINPUT, merge_into_itself(f));
}

typedef struct seen {
	unsigned merged, store;
} seen;

static bool
look_at_event(void *arg, const hl_event_row *e)
{
	seen *s = arg;
	hl_event ev;
	int64_t v;

	assert_int_equal(hl_event_parse(e->bytes, e->n, &ev, NULL), HL_OK);
	if (hl_event_int(&ev, "merged", &v)) {
		s->merged++;
		assert_non_null(hl_event_text(&ev, "origin"));
		assert_string_equal(ev.station, "station-1");
	}
	s->store += strcmp(ev.kind, "store.merged") == 0;
	hl_event_free(&ev);
	return true;
}

static void
events_tell_where_from(void **state)
{
	fixture *a = *state, *b = station("station-2");
	const hl_card_row card = fx_card(b, 1, 100);
	uint32_t counter = 100;
	seen s = { 0 };

	ask(b, 1, &card, &counter, HL_ISSUE_ISSUED);
	merge(a, b);
	OK(a, hl_store_events(a->s, 0, UINT64_MAX, look_at_event, &s, &a->err));
	/* firmware, chip, card, issue, its second reading, license, merge */
	assert_int_equal(s.merged, 7);
	assert_int_equal(s.store, 1);
	close_station(b);
}

/* Two that were merged into a third one, and that one into the first. */
static void
by_way_of_a_third(void **state)
{
	fixture *a = *state, *b = station("station-2");
	fixture *c = station("station-3");
	const hl_card_row here = fx_card(a, 1, 100);
	uint32_t counter = 100;
	hl_card_row there, third;

	ask(a, 1, &here, &counter, HL_ISSUE_ISSUED);
	there = fx_card(b, 1, counter);
	ask(b, 2, &there, &counter, HL_ISSUE_ISSUED);
	third = fx_card(c, 1, counter);
	ask(c, 3, &third, &counter, HL_ISSUE_ISSUED);
	merge(c, a);
	merge(c, b);
	ask(b, 4, &there, &counter, HL_ISSUE_ISSUED);
	merge(a, c);
	assert_int_equal(figures(a).issued, 3);
	assert_int_equal(figures(a).outside, 0);
	assert_int_equal(left(a, &here), 97);
	/* what came by way of c does not come again */
	assert_int_equal(merge(a, b).n.issues, 1);
	assert_int_equal(figures(a).issued, 4);
	merge(b, a);
	merge(c, a);
	assert_int_equal(figures(b).issued, 4);
	assert_int_equal(figures(c).issued, 4);
	expect_nothing(b, a);
	close_station(b);
	close_station(c);
}

/* ---- at random --------------------------------------------------------- */

#define STATIONS 3
#define CARDS 2
#define STEPS 60

typedef struct world {
	fixture *f[STATIONS];
	hl_card_row card[CARDS][STATIONS];
	bool known[CARDS][STATIONS];
	uint32_t counter[CARDS], first[CARDS]; /* first: that any saw */
	uint64_t issued, lost, nobody;
	unsigned chip;
} world;

static void
first_sight(world *w, unsigned c, unsigned s)
{
	fixture *f = w->f[s];

	if (w->known[c][s])
		return;
	if (w->first[c] == 0)
		w->first[c] = w->counter[c];
	w->known[c][s] = true;
	if (hl_store_card_by_serial(f->s,
		c == 0 ? "894900000001" : "894900000002", &w->card[c][s],
		NULL) != HL_OK)
		w->card[c][s] = fx_card(f, c + 1, w->counter[c]);
}

/* Another station is served while this one's request is open. */
static void
in_between(world *w, unsigned c, unsigned s, bool lost)
{
	const unsigned t = (s + 1) % STATIONS;
	hl_chip chip;
	hl_issue one;
	hl_outcome o;

	first_sight(w, c, t);
	chip = fx_chip(w->f[s], w->chip++);
	one = fx_open(w->f[s], &chip, &w->card[c][s], w->counter[c]);
	ask(w->f[t], w->chip++, &w->card[c][t], &w->counter[c],
	    HL_ISSUE_ISSUED);
	w->issued++;
	if (!lost) {
		w->counter[c]--;
		w->issued++;
	}
	o = fx_outcome(w->f[s], &one,
	    lost ? HL_ISSUE_LOST_OR_OUTSIDE : HL_ISSUE_ISSUED, w->counter[c],
	    w->chip + 50000);
	OK(w->f[s], hl_store_intent_close(w->f[s]->s, &o, NULL, &w->f[s]->err));
}

static void
random_step(world *w)
{
	const unsigned c = (unsigned)rand() % CARDS;
	const unsigned s = (unsigned)rand() % STATIONS;
	const unsigned what = (unsigned)rand() % 10;

	if (what == 0) { /* somebody else */
		if (w->first[c] != 0)
			w->nobody++;
		w->counter[c]--;
		return;
	}
	if (what == 1) {
		merge(w->f[s], w->f[(s + 1 + (unsigned)rand() % 2) % STATIONS]);
		return;
	}
	first_sight(w, c, s);
	if (what == 2) {
		see(w->f[s], &w->card[c][s], w->counter[c]);
	} else if (what == 3) {
		ask(w->f[s], w->chip++, &w->card[c][s], &w->counter[c],
		    HL_ISSUE_LOST);
		w->lost++;
	} else if (what == 4) {
		in_between(w, c, s, rand() % 2);
	} else {
		ask(w->f[s], w->chip++, &w->card[c][s], &w->counter[c],
		    HL_ISSUE_ISSUED);
		w->issued++;
	}
}

static void
expect_card(world *w, fixture *f, unsigned c, hl_balance *sum)
{
	hl_card_row card;
	hl_balance b;

	OK(f,
	    hl_store_card_by_serial(
		f->s, w->card[c][0].serial, &card, &f->err));
	assert_int_equal(card.last_counter, w->counter[c]);
	OK(f, hl_store_balance(f->s, &card.id, NULL, &b, &f->err));
	assert_int_equal(b.provisioned, w->first[c]);
	assert_int_equal(b.left, w->counter[c]);
	assert_int_equal(b.gap, 0);
	assert_int_equal(b.wrong_reading, 0);
	sum->issued += b.issued;
	sum->lost += b.lost;
	sum->by[HL_VARIANCE_OUTSIDE].units += b.by[HL_VARIANCE_OUTSIDE].units;
}

static void
expect_world(world *w, fixture *f)
{
	const hl_figures n = figures(f);
	hl_balance sum = { 0 };
	uint64_t many, units;

	assert_int_equal(n.issued, w->issued);
	assert_int_equal(n.lost, w->lost);
	assert_int_equal(n.outside, w->nobody);
	assert_int_equal(n.licenses, w->issued);
	for (unsigned c = 0; c < CARDS; c++)
		expect_card(w, f, c, &sum);
	assert_int_equal(sum.issued, w->issued);
	assert_int_equal(sum.lost, w->lost);
	assert_int_equal(sum.by[HL_VARIANCE_OUTSIDE].units, w->nobody);
	OK(f, hl_store_unexplained(f->s, &many, &units, &f->err));
	assert_int_equal(units, w->nobody);
	expect_sound(f);
}

static void
random_world(unsigned seed, fixture *first)
{
	world w = { .f = { first, station("station-2"), station("station-3") },
		.counter = { 100000, 5000 } };

	srand(seed);
	for (unsigned i = 0; i < STEPS; i++)
		random_step(&w);
	/* everybody looks at every card, and hears of everybody else */
	for (unsigned c = 0; c < CARDS; c++) {
		for (unsigned s = 0; s < STATIONS; s++) {
			first_sight(&w, c, s);
			see(w.f[s], &w.card[c][s], w.counter[c]);
		}
	}
	for (unsigned i = 0; i < 2 * STATIONS; i++)
		merge(w.f[(i + 1) % STATIONS], w.f[i % STATIONS]);
	for (unsigned s = 0; s < STATIONS; s++)
		expect_world(&w, w.f[s]);
	close_station(w.f[1]);
	close_station(w.f[2]);
}

static void
at_random(void **state)
{
	const char *rounds = getenv("HSMLIC_TEST_ROUNDS");
	const unsigned n = rounds == NULL ? 6 : (unsigned)atoi(rounds);

	for (unsigned seed = 1; seed <= n; seed++) {
		fixture *first;

		(void)state;
		first = station("station-1");
		print_message("seed %u\n", seed);
		random_world(seed, first);
		close_station(first);
	}
}

int
conform_merges(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(everything_comes_once),
		TEST(what_is_new_comes_later),
		TEST(decisions_here_stay),
		TEST(a_dry_run_records_nothing),
		TEST(each_unit_counts_once),
		TEST(both_ways),
		TEST(lost_here_was_issued_there),
		TEST(both_within_one_request),
		TEST(one_unit_issued_twice),
		TEST(out_of_sight_in_between),
		TEST(open_issues_stop_it),
		TEST(a_chip_licensed_twice),
		TEST(a_license_carried_over),
		TEST(halves_of_a_chip),
		TEST(firmwares_by_name),
		TEST(one_card_of_two_firmwares),
		TEST(labels_stay),
		TEST(cards_without_serial_number),
		TEST(not_with_itself),
		TEST(events_tell_where_from),
		TEST(by_way_of_a_third),
		TEST(at_random),
	};

	return cmocka_run_group_tests_name("merges", tests, NULL, NULL);
}
