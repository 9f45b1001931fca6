/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "store/conform.h"
#include "util/clock.h"

static void
empty_store(void **state)
{
	fixture *f = *state;
	const hl_figures none = { 0 };
	hl_figures fig;
	int64_t at = 0;

	OK(f, hl_store_figures(f->s, 0, INT64_MAX, &fig, &f->err));
	assert_memory_equal(&fig, &none, sizeof(fig));
	OK(f, hl_store_last_time(f->s, &at, &f->err));
	assert_true(at > 0 && at <= hl_now_ms());
}

static void
by_period(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1), other = fx_chip(f, 2);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue one = fx_open(f, &chip, &card, 298);
	const hl_outcome o = fx_outcome(f, &one, HL_ISSUE_ISSUED, 297, 1);
	int64_t before, after;
	hl_figures fig;
	hl_license lic;
	hl_uuid id;

	OK(f, hl_store_intent_close(f->s, &o, &lic, &f->err));
	OK(f, hl_store_license_use(f->s, &lic.id, "store", &f->actor, &f->err));
	OK(f,
	    hl_store_license_import(f->s, &other.id, &card.firmware, o.license,
		5, &f->actor, &id, &f->err));
	before = one.opened_at;
	OK(f, hl_store_last_time(f->s, &after, &f->err));
	assert_true(after >= before);
	OK(f, hl_store_figures(f->s, before, after + 1, &fig, &f->err));
	assert_int_equal(fig.issued, 1);
	assert_int_equal(fig.outside, 2);
	assert_int_equal(fig.reused, 1);
	assert_int_equal(fig.imported, 1);
	assert_int_equal(fig.chips, 2);
	assert_int_equal(fig.licenses, 2);
	OK(f, hl_store_figures(f->s, 0, before, &fig, &f->err));
	assert_int_equal(
	    fig.issued + fig.outside + fig.reused + fig.imported, 0);
	assert_int_equal(fig.chips, 2); /* not by period */
	assert_int_equal(fig.suspect, 0);
	OK(f, hl_store_license_doubt(f->s, &id, "no", &f->actor, &f->err));
	OK(f, hl_store_figures(f->s, 0, before, &fig, &f->err));
	assert_int_equal(fig.suspect, 1);
	assert_int_equal(fig.licenses, 1);
	OK(f, hl_store_figures(f->s, after + 1, INT64_MAX, &fig, &f->err));
	assert_int_equal(
	    fig.issued + fig.outside + fig.reused + fig.imported, 0);
}

static void
newest_time_moves_on(void **state)
{
	fixture *f = *state;
	int64_t a, b;

	OK(f, hl_store_last_time(f->s, &a, &f->err));
	hl_sleep_ms(3);
	fx_chip(f, 1);
	OK(f, hl_store_last_time(f->s, &b, &f->err));
	assert_true(b > a);
}

static void
info(void **state)
{
	fixture *f = *state;
	hl_store_info i, again;
	hl_store *other;

	OK(f, hl_store_info_get(f->s, &i, &f->err));
	assert_int_equal(i.schema, HL_SCHEMA_VERSION);
	assert_true(i.created_at > 0 && i.size > 0);
	assert_string_not_equal(i.origin, "");
	OK(f, hl_store_open(&other, i.url, NULL, &f->err));
	OK(f, hl_store_info_get(other, &again, &f->err));
	assert_memory_equal(&again, &i, sizeof(i));
	assert_string_equal(hl_store_side_dir(other), hl_store_side_dir(f->s));
	hl_store_close(&other);
	assert_null(other);
	hl_store_close(&other);
}

static void
only_when_asked(void **state)
{
	const hl_store_options must = { .must_create = true };
	const hl_store_options read = { .create = true, .read_only = true };
	fixture *f = *state;
	hl_store *s = (hl_store *)f;
	const hl_uid uid = fx_uid(1);
	char url[256];
	hl_chip chip;

	factory->make(url, sizeof(url));
	EXPECT(f, HL_ENOTFOUND, hl_store_open(&s, url, NULL, &f->err));
	assert_null(s);
	EXPECT(f, HL_ENOTFOUND, hl_store_open(&s, url, &read, &f->err));
	OK(f, hl_store_open(&s, url, &must, &f->err));
	hl_store_close(&s);
	EXPECT(f, HL_EEXIST, hl_store_open(&s, url, &must, &f->err));
	OK(f, hl_store_open(&s, url, &read, &f->err));
	EXPECT(f, HL_ESTORE,
	    hl_store_chip_put(s, NULL, &uid, &f->actor, &chip, &f->err));
	EXPECT(f, HL_ENOTFOUND, hl_store_chip_by_uid(s, &uid, &chip, &f->err));
	hl_store_close(&s);
	factory->drop(url);
}

struct seen {
	uint64_t seq[200];
	size_t n, want;
};

static bool
see(void *arg, const hl_event_row *e)
{
	struct seen *s = arg;

	s->seq[s->n++] = e->seq;
	return s->n < s->want;
}

/* More than are read at once, among others that quote what they look like. */
static void
checkpoints_newest_first(void **state)
{
	static const hl_event_fact facts[] = { { "keys", "a key", 0 },
		{ "quote", "\"kind\":\"checkpoint.made\"", 0 } };
	struct seen s = { .want = 200 };
	fixture *f = *state;
	uint64_t last[2];

	OK(f, hl_store_checkpoints(f->s, see, &s, &f->err));
	assert_int_equal(s.n, 0);
	for (int i = 0; i < 100; i++) {
		OK(f,
		    hl_store_event_put(f->s, "checkpoint.made", facts, 1,
			&f->actor, &last[0], &f->err));
		OK(f,
		    hl_store_event_put(f->s, "config.changed", facts, 2,
			&f->actor, &last[1], &f->err));
	}
	assert_int_equal(last[1], last[0] + 1);
	OK(f, hl_store_checkpoints(f->s, see, &s, &f->err));
	assert_int_equal(s.n, 100);
	for (size_t i = 0; i < s.n; i++)
		assert_int_equal(s.seq[i], last[0] - 2 * i);
	s.n = 0;
	s.want = 1;
	OK(f, hl_store_checkpoints(f->s, see, &s, &f->err));
	assert_int_equal(s.n, 1);
	assert_int_equal(s.seq[0], last[0]);
}

int
conform_figures(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(empty_store),
		TEST(by_period),
		TEST(newest_time_moves_on),
		TEST(info),
		TEST(only_when_asked),
		TEST(checkpoints_newest_first),
	};

	return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
