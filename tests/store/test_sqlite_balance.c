/* SPDX-License-Identifier: Apache-2.0 */
/* Records that do not add up: the balance names the first reading. */
#include "store/conform.h"
#include "store/raw.h"

/* Card 10 -> 5. Readings: 1 first 10; 2, 3 before 10 and after 9; 4 seen 8;
 * 5, 6 before 8 and after 7 (lost); 7, 8 before 7 and after 5 (a jump). */
static hl_card_row
fill(fixture *f)
{
	static const struct {
		hl_issue_state state;
		uint32_t before, after;
	} steps[] = {
		{ HL_ISSUE_ISSUED, 10, 9 },
		{ HL_ISSUE_LOST, 8, 7 },
		{ HL_ISSUE_ISSUED, 7, 5 },
	};
	const hl_card_row c = fx_card(f, 1, 10);
	uint32_t outside;

	for (unsigned i = 0; i < HL_COUNT(steps); i++) {
		const hl_chip chip = fx_chip(f, i);
		const hl_issue one = fx_open(f, &chip, &c, steps[i].before);
		const hl_outcome o =
		    fx_outcome(f, &one, steps[i].state, steps[i].after, i);

		OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
		if (i == 0)
			OK(f,
			    hl_store_card_seen(f->s, &c.id, 8, "", "",
				&f->actor, &outside, &f->err));
	}
	return c;
}

static const struct {
	const char *sql;
	int64_t reading, gap;
} tampered[] = {
	{ "SELECT 1", 0, 0 },
	{ "UPDATE cards SET first_counter = 12", 1, 2 },
	{ "UPDATE cards SET last_counter = 4", 8, 1 },
	{ "UPDATE cards SET last_counter = 6", 8, -1 },
	{ "UPDATE issues SET units = 0 WHERE n = 1", 3, 1 },
	/* the sum closes again at the next one */
	{ "UPDATE card_readings SET counter = 11 WHERE n = 1", 1, 0 },
	{ "UPDATE card_readings SET counter = 8 WHERE n = 3", 3, 0 },
	{ "DELETE FROM card_readings WHERE n = 4", 5, 1 },
	{ "DELETE FROM card_readings WHERE n = 5", 6, 0 },
	{ "UPDATE card_readings SET units_outside = 2 WHERE n = 4", 4, -1 },
	{ "UPDATE card_readings SET units_outside = 0 WHERE n = 8", 8, 1 },
	{ "UPDATE card_readings SET kind = 'seen' WHERE n = 5", 6, 0 },
	{ "DELETE FROM issues WHERE n = 2", 6, 1 },
	/* two lies that cancel each other out in the end */
	{ "UPDATE card_readings SET units_outside = 2 - units_outside "
	  "WHERE n IN (4, 8); UPDATE card_readings SET units_outside = 0 "
	  "WHERE n = 4; UPDATE card_readings SET units_outside = 2 "
	  "WHERE n = 8",
	    4, 0 },
	{ "UPDATE card_readings SET n = n + 100", 0, 0 },
};

static void
names_the_first_reading(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(tampered); i++) {
		void *st = NULL;
		fixture *f;
		hl_card_row c;
		hl_balance b;

		assert_int_equal(fx_setup(&st), 0);
		f = st;
		c = fill(f);
		raw_tamper(f, tampered[i].sql);
		OK(f, hl_store_balance(f->s, &c.id, NULL, &b, &f->err));
		if (b.wrong_reading != tampered[i].reading ||
		    b.gap != tampered[i].gap)
			fail_msg("%s: reading %d, gap %d", tampered[i].sql,
			    (int)b.wrong_reading, (int)b.gap);
		if (tampered[i].reading != 0)
			assert_false(hl_balance_closed(&b));
		assert_int_equal(fx_teardown(&st), 0);
	}
}

/* Whoever may only read gets the same, and can book nothing. */
static void
for_a_reader(void **state)
{
	const hl_store_options read = { .read_only = true };
	fixture *f = *state;
	const hl_card_row c = fill(f);
	hl_reconcile_row row = { .card = c.id };
	hl_sign_off so = { .card = c.id, .reason = "x", .actor = &f->actor };
	hl_balance a, b;
	hl_store *s;

	OK(f, hl_store_balance(f->s, &c.id, NULL, &a, &f->err));
	OK(f, hl_store_open(&s, f->url, &read, &f->err));
	OK(f, hl_store_balance(s, &c.id, NULL, &b, &f->err));
	assert_memory_equal(&a, &b, sizeof(a));
	so.units[HL_VARIANCE_OUTSIDE] = so.units[HL_VARIANCE_JUMP] = 1;
	EXPECT(f, HL_ESTORE, hl_store_sign_off(s, &so, &f->err));
	row.balance = b;
	EXPECT(
	    f, HL_ESTORE, hl_store_reconciled(s, &row, 1, &f->actor, &f->err));
	hl_store_close(&s);
	OK(f, hl_store_sign_off(f->s, &so, &f->err));
}

/* A restore is found however long the ledger is, by its index. */
static void
restores_have_an_index(void **state)
{
	fixture *f = *state;
	sqlite3 *db = raw_open(raw_path(f));
	const int64_t whole = raw_int(db,
	    "SELECT count(*) FROM events INDEXED BY "
	    "events_restored WHERE instr(bytes, CAST("
	    "'\"kind\":\"store.restored\"' AS BLOB)) > 0");

	assert_int_equal(whole, 0);
	OK(f,
	    hl_store_event_put(f->s, "store.restored",
		&(hl_event_fact){ "n", NULL, 1 }, 1, &f->actor, NULL, &f->err));
	/* the words alone, in a text, are no restore */
	OK(f,
	    hl_store_event_put(f->s, "store.merged",
		&(hl_event_fact){ "n", "\"kind\":\"store.restored\"", 0 }, 1,
		&f->actor, NULL, &f->err));
	assert_int_equal(raw_int(db,
			     "SELECT count(*) FROM events INDEXED BY "
			     "events_restored WHERE instr(bytes, CAST("
			     "'\"kind\":\"store.restored\"' AS BLOB)) > 0"),
	    1);
	sqlite3_close(db);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_first_reading),
		TEST(for_a_reader),
		TEST(restores_have_an_index),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
