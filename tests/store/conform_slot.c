/* SPDX-License-Identifier: Apache-2.0 */
/* Which reader a station means by a slot number. */
#include "store/conform.h"

static void
put(fixture *f, const char *station, const char *reader, unsigned slot)
{
	OK(f,
	    hl_store_slot_put(f->s, station, reader, slot, &f->actor, &f->err));
}

static void
is(fixture *f, const char *station, const char *reader, unsigned slot)
{
	unsigned found = 99;
	hl_text name = "?";

	OK(f, hl_store_slot_of(f->s, station, reader, &found, &f->err));
	assert_int_equal(found, slot);
	OK(f, hl_store_slot_reader(f->s, station, slot, name, &f->err));
	assert_string_equal(name, reader);
}

static void
no_slot(fixture *f, const char *station, const char *reader)
{
	unsigned found = 99;

	EXPECT(f, HL_ENOTFOUND,
	    hl_store_slot_of(f->s, station, reader, &found, &f->err));
	assert_int_equal(found, 99);
}

static void
no_reader(fixture *f, const char *station, unsigned slot)
{
	hl_text name = "?";

	EXPECT(f, HL_ENOTFOUND,
	    hl_store_slot_reader(f->s, station, slot, name, &f->err));
	assert_string_equal(name, "?");
}

static void
mapped_both_ways(void **state)
{
	fixture *f = *state;

	no_slot(f, "desk", "reader A");
	no_reader(f, "desk", 1);
	put(f, "desk", "reader A", 1);
	put(f, "desk", "reader B", 2);
	put(f, "bench", "reader A", 2);
	put(f, "", "reader A", 0);
	is(f, "desk", "reader A", 1);
	is(f, "desk", "reader B", 2);
	is(f, "bench", "reader A", 2);
	is(f, "", "reader A", 0);
	no_slot(f, "bench", "reader B");
	no_reader(f, "bench", 1);
	no_slot(
	    f, "desk", "reader a"); /* a name is what it is, to the letter */
	fx_check_clean(f);
}

static void
replaced(void **state)
{
	fixture *f = *state;

	put(f, "desk", "reader A", 1);
	put(f, "desk", "reader B", 2);
	put(f, "bench", "reader A", 1);
	put(f, "desk", "reader A", 3); /* the reader moves */
	is(f, "desk", "reader A", 3);
	no_reader(f, "desk", 1);
	put(f, "desk", "reader C", 3); /* the slot moves */
	is(f, "desk", "reader C", 3);
	no_slot(f, "desk", "reader A");
	put(f, "desk", "reader C", 2); /* both do */
	is(f, "desk", "reader C", 2);
	no_slot(f, "desk", "reader B");
	no_reader(f, "desk", 3);
	is(f, "bench", "reader A", 1);
	put(f, "desk", "reader C", UINT32_MAX);
	is(f, "desk", "reader C", UINT32_MAX);
	fx_check_clean(f);
}

static void
refused(void **state)
{
	static const char *const bad[] = { "", "a\nb", "\xff" };
	fixture *f = *state;
	hl_actor a = f->actor;

	for (size_t i = 0; i < HL_COUNT(bad); i++) {
		EXPECT(f, HL_EINPUT,
		    hl_store_slot_put(
			f->s, "desk", bad[i], 1, &f->actor, &f->err));
	}
	EXPECT(f, HL_EINPUT,
	    hl_store_slot_put(f->s, "a\tb", "r", 1, &f->actor, &f->err));
	strcpy(a.use_class, "holiday");
	EXPECT(
	    f, HL_EINPUT, hl_store_slot_put(f->s, "desk", "r", 1, &a, &f->err));
	no_reader(f, "desk", 1);
}

int
conform_slots(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(mapped_both_ways),
		TEST(replaced),
		TEST(refused),
	};

	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
