/* SPDX-License-Identifier: Apache-2.0 */
/* Which cards are reconciled, and what a reading of each counts for. */
#include <stdlib.h>

#include "broker/internal.h"
#include "store/fixture.h"
#include "store/raw.h"

/* What the cards in the readers are, as hl_broker_present() tells it. */
static struct {
	hl_present list[4];
	size_t n;
	hl_rc rc;
	unsigned calls;
	const hl_actor *actor;
	char selector[64];
} world;

static bool alive; /* the owners of open issues */

hl_rc __wrap_hl_broker_present(hl_broker *b, const char *selector,
    const hl_actor *actor, hl_deadline until, hl_present **out, size_t *n,
    hl_err *err);
bool __wrap_hl_owner_alive(const char *side, const hl_uuid *id);

hl_rc
__wrap_hl_broker_present(hl_broker *b, const char *selector,
    const hl_actor *actor, hl_deadline until, hl_present **out, size_t *n,
    hl_err *err)
{
	(void)b;
	(void)until;
	world.calls++;
	world.actor = actor;
	hl_text_copy(world.selector, sizeof(world.selector),
	    selector == NULL ? "" : selector);
	if (world.rc != HL_OK)
		return hl_fail(err, world.rc, "ask", "", "no readers");
	*out = malloc(sizeof(world.list));
	assert_non_null(*out);
	memcpy(*out, world.list, sizeof(world.list));
	*n = world.n;
	return HL_OK;
}

bool
__wrap_hl_owner_alive(const char *side, const hl_uuid *id)
{
	(void)side;
	(void)id;
	return alive;
}

static void
insert(const hl_card_row *c, uint32_t counter)
{
	hl_present *p = &world.list[world.n++];

	memset(p, 0, sizeof(*p));
	p->known = true;
	p->row = *c;
	p->info.has_counter = true;
	p->info.counter = counter;
}

static void
empty_readers(void)
{
	memset(&world, 0, sizeof(world));
	alive = false;
}

typedef struct result {
	hl_reconciled *p;
	size_t n;
} result;

static hl_rc
reconcile(fixture *f, const char *card, const hl_actor *actor, result *r)
{
	const hl_broker_options opt = { .station = "here" };
	const hl_reconcile_request req = { .card = card, .actor = actor };
	hl_broker *b;
	hl_rc rc;

	OK(f, hl_broker_new(&b, f->s, &opt, &f->err));
	rc = hl_broker_reconcile(b, &req, &r->p, &r->n, &f->err);
	hl_broker_free(&b);
	if (rc != HL_OK) {
		assert_null(r->p);
		assert_int_equal(r->n, 0);
	}
	return rc;
}

static void
drop(result *r)
{
	free(r->p);
	*r = (result){ NULL, 0 };
}

static uint64_t
events(fixture *f)
{
	hl_frontier tree;

	OK(f, hl_store_tree(f->s, &tree, &f->err));
	return tree.size;
}

static void
which_cards(void **state)
{
	fixture *f = *state;
	const hl_card_row a = fx_card(f, 1, 10), b = fx_card(f, 2, 20);
	result r = { NULL, 0 };

	empty_readers();
	OK(f, hl_store_card_retire(f->s, &b.id, &f->actor, &f->err));
	OK(f, reconcile(f, NULL, NULL, &r));
	assert_int_equal(r.n, 2); /* retired ones, too */
	assert_false(r.p[0].read);
	assert_string_equal(r.p[0].why, "it is not there");
	assert_int_equal(r.p[1].balance.provisioned, 20);
	drop(&r);
	OK(f, reconcile(f, b.label, NULL, &r));
	assert_int_equal(r.n, 1);
	assert_memory_equal(&r.p[0].card.id, &b.id, sizeof(b.id));
	drop(&r);
	hl_card_row c = a;

	c.id = fx_uuid();
	strcpy(c.serial, "01020304050607AB");
	strcpy(c.label, "third");
	OK(f, hl_store_card_add(f->s, &c, NULL, &f->actor, &f->err));
	OK(f, reconcile(f, "01020304050607ab", NULL, &r));
	assert_int_equal(r.n, 1);
	assert_memory_equal(&r.p[0].card.id, &c.id, sizeof(c.id));
	drop(&r);
	world.calls = 0;
	EXPECT(f, HL_ENOTFOUND, reconcile(f, "nobody", NULL, &r));
	assert_int_equal(world.calls, 0); /* no card is waited for */
}

static void
no_card_at_all(void **state)
{
	fixture *f = *state;
	result r = { NULL, 9 };
	uint64_t before = events(f);

	empty_readers();
	OK(f, reconcile(f, NULL, &f->actor, &r));
	assert_int_equal(r.n, 0);
	assert_int_equal(world.calls, 0);
	assert_int_equal(events(f), before);
}

static void
at_a_place(void **state)
{
	fixture *f = *state;
	const hl_card_row a = fx_card(f, 1, 10);
	result r = { NULL, 0 };

	(void)fx_card(f, 2, 20);
	empty_readers();
	EXPECT(f, HL_ENODEV, reconcile(f, "reader:X", NULL, &r));
	insert(&a, 10);
	OK(f, reconcile(f, "reader:X", NULL, &r));
	assert_int_equal(r.n, 1);
	assert_true(r.p[0].read);
	assert_int_equal(r.p[0].counter, 10);
	drop(&r);
	world.list[0].known = false;
	EXPECT(f, HL_ENOTFOUND, reconcile(f, "reader:X", NULL, &r));
	world.list[0].rc = HL_ETIMEOUT;
	hl_fail(&world.list[0].err, HL_ETIMEOUT, "read", "", "mute");
	EXPECT(f, HL_ETIMEOUT, reconcile(f, "reader:X", NULL, &r));
	assert_string_equal(f->err.why, "mute");
	world.rc = HL_ENODEV;
	EXPECT(f, HL_ENODEV, reconcile(f, "reader:X", NULL, &r));
}

/* Records can be added up without any reader; other failures are told. */
static void
without_readers(void **state)
{
	fixture *f = *state;
	const hl_card_row a = fx_card(f, 1, 10);
	result r = { NULL, 0 };

	empty_readers();
	world.rc = HL_ENODEV;
	OK(f, reconcile(f, a.label, &f->actor, &r));
	assert_false(r.p[0].read);
	assert_true(hl_balance_closed(&r.p[0].balance));
	assert_string_equal(r.p[0].why, "no reader can be asked: no readers");
	drop(&r);
	world.rc = HL_ESTORE;
	EXPECT(f, HL_ESTORE, reconcile(f, NULL, NULL, &r));
}

static void
a_card_that_cannot_be_read(void **state)
{
	fixture *f = *state;
	const hl_card_row a = fx_card(f, 1, 10), b = fx_card(f, 2, 10);
	result r = { NULL, 0 };

	empty_readers();
	insert(&a, 3);
	insert(&b, 3);
	world.list[0].rc = HL_EBUSY;
	hl_fail(&world.list[0].err, HL_EBUSY, "read", "", "held");
	world.list[1].info.has_counter = false;
	OK(f, reconcile(f, NULL, NULL, &r));
	for (size_t i = 0; i < 2; i++) {
		assert_false(r.p[i].read);
		assert_true(hl_balance_closed(&r.p[i].balance));
	}
	assert_string_equal(r.p[0].why, "held");
	assert_string_equal(r.p[1].why, "its counter cannot be read");
	drop(&r);
}

/* Nothing of the reading is on record: it shows all the same. */
static void
what_a_reading_shows(void **state)
{
	static const struct {
		uint32_t counter;
		int64_t difference;
		hl_variance_class class;
	} rows[] = {
		{ 10, 0, HL_VARIANCE_OUTSIDE },
		{ 7, 3, HL_VARIANCE_OUTSIDE },
		{ 0, 10, HL_VARIANCE_OUTSIDE },
		{ 11, -1, HL_VARIANCE_REPLACED },
		{ UINT32_MAX, 10 - (int64_t)UINT32_MAX, HL_VARIANCE_REPLACED },
	};
	fixture *f = *state;
	const hl_card_row a = fx_card(f, 1, 10);
	result r = { NULL, 0 };

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		empty_readers();
		insert(&a, rows[i].counter);
		OK(f, reconcile(f, NULL, NULL, &r));
		assert_true(r.p[0].read);
		assert_int_equal(r.p[0].counter, rows[i].counter);
		assert_true(hl_balance_open(&r.p[0].balance, rows[i].class) ==
		    rows[i].difference);
		assert_true(hl_balance_difference(&r.p[0].balance) -
			hl_balance_above(&r.p[0].balance) ==
		    rows[i].difference);
		assert_int_equal(hl_balance_closed(&r.p[0].balance),
		    rows[i].difference == 0);
		assert_int_equal(r.p[0].balance.left, 10);
		drop(&r);
	}
}

/* Between reading and adding up, another process spent from the card. */
static void
overtaken(void **state)
{
	fixture *f = *state;
	const hl_card_row then = fx_card(f, 1, 10);
	const hl_chip chip = fx_chip(f, 1);
	const hl_issue i = fx_open(f, &chip, &then, 10);
	const hl_outcome o = fx_outcome(f, &i, HL_ISSUE_ISSUED, 9, 1);
	result r = { NULL, 0 };

	empty_readers();
	insert(&then, 10);
	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	OK(f, reconcile(f, NULL, NULL, &r));
	assert_true(hl_balance_closed(&r.p[0].balance));
	assert_true(r.p[0].read);
	assert_int_equal(r.p[0].counter, 9);
	drop(&r);
	/* but one that was too high for the records of then stays so */
	world.list[0].info.counter = 11;
	OK(f, reconcile(f, NULL, NULL, &r));
	assert_int_equal(r.p[0].counter, 11);
	assert_int_equal(hl_balance_difference(&r.p[0].balance), 0);
	assert_int_equal(hl_balance_above(&r.p[0].balance), 2);
	drop(&r);
}

static void
open_requests(void **state)
{
	fixture *f = *state;
	const hl_card_row a = fx_card(f, 1, 10);
	const hl_chip chip = fx_chip(f, 1);
	const hl_issue i = fx_open(f, &chip, &a, 10);
	result r = { NULL, 0 };

	empty_readers();
	insert(&a, 9);
	alive = true;
	OK(f, reconcile(f, NULL, NULL, &r));
	assert_true(r.p[0].in_progress);
	assert_false(r.p[0].read);
	assert_true(hl_balance_closed(&r.p[0].balance));
	drop(&r);
	alive = false;
	OK(f, reconcile(f, NULL, NULL, &r));
	assert_false(r.p[0].in_progress);
	assert_memory_equal(&r.p[0].balance.open, &i.id, sizeof(i.id));
	assert_int_equal(
	    hl_balance_open(&r.p[0].balance, HL_VARIANCE_IN_DOUBT), 1);
	drop(&r);
}

static void
found_is_recorded(void **state)
{
	fixture *f = *state;
	const hl_card_row a = fx_card(f, 1, 10), b = fx_card(f, 2, 10);
	uint64_t before = events(f);
	result r = { NULL, 0 };

	empty_readers();
	insert(&a, 10);
	OK(f, reconcile(f, NULL, NULL, &r));
	assert_null(world.actor);
	assert_int_equal(events(f), before);
	drop(&r);
	OK(f, reconcile(f, NULL, &f->actor, &r));
	assert_ptr_equal(world.actor, &f->actor);
	assert_int_equal(events(f), before + 2);
	drop(&r);
	OK(f, reconcile(f, b.label, &f->actor, &r));
	assert_int_equal(events(f), before + 3);
	drop(&r);
}

/* A software card is asked for where it was seen last. */
static void
software_cards(void **state)
{
	fixture *f = *state;
	const hl_card_row a = fx_card(f, 1, 10), b = fx_card(f, 2, 20);
	uint32_t outside;
	result r = { NULL, 0 };

	OK(f,
	    hl_store_card_seen(f->s, &a.id, 10, "", "sim:/nowhere/card",
		&f->actor, &outside, &f->err));
	empty_readers();
	OK(f, reconcile(f, a.label, NULL, &r));
	assert_int_equal(world.calls, 2);
	assert_string_equal(world.selector, "sim:/nowhere/card");
	assert_false(r.p[0].read);
	drop(&r);
	insert(&b, 19); /* another card lies there now */
	OK(f, reconcile(f, a.label, NULL, &r));
	assert_false(r.p[0].read);
	assert_true(hl_balance_closed(&r.p[0].balance));
	drop(&r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(which_cards),
		TEST(no_card_at_all),
		TEST(at_a_place),
		TEST(without_readers),
		TEST(a_card_that_cannot_be_read),
		TEST(what_a_reading_shows),
		TEST(overtaken),
		TEST(open_requests),
		TEST(found_is_recorded),
		TEST(software_cards),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
