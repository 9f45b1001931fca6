/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a store that come back to it, and stores that were tampered with.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger/event.h"
#include "store/conform.h"
#include "store/raw.h"

static const hl_merge_options plain;

static void
beside(const fixture *f, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s.%s", raw_path(f), name);
}

static hl_rc
merge_path(fixture *to, const char *path, const hl_merge_options *opt,
    hl_merge_result *r)
{
	const hl_store_options look = { .read_only = true };
	hl_frontier before, after;
	hl_store *other = NULL;
	hl_rc rc;

	OK(to, hl_store_tree(to->s, &before, &to->err));
	OK(to, hl_store_open(&other, path, &look, &to->err));
	rc = hl_store_merge(to->s, other, opt, &to->actor, r, &to->err);
	hl_store_close(&other);
	OK(to, hl_store_tree(to->s, &after, NULL));
	if (rc != HL_OK)
		assert_true(hl_frontier_equal(&before, &after));
	fx_check_clean(to);
	return rc;
}

static hl_issue
ask(fixture *f, unsigned chip, const hl_card_row *card, uint32_t *counter)
{
	const hl_chip c = fx_chip(f, chip);
	const hl_issue one = fx_open(f, &c, card, *counter);
	const hl_outcome o =
	    fx_outcome(f, &one, HL_ISSUE_ISSUED, *counter - 1, chip);

	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	--*counter;
	return one;
}

static void
backup(fixture *f, const char *name)
{
	char path[300];

	beside(f, name, path, sizeof(path));
	OK(f, hl_store_backup(f->s, path, NULL, &f->err));
}

/* The copy takes the store's place; *aside is where the store went. */
static void
restore(fixture *f, const char *name, char aside[400])
{
	const hl_store_options look = { .read_only = true };
	hl_store *copy = NULL;
	char path[300];

	beside(f, name, path, sizeof(path));
	hl_store_close(&f->s);
	OK(f, hl_store_open(&copy, path, &look, &f->err));
	OK(f,
	    hl_store_restore(
		copy, raw_path(f), false, &f->actor, aside, 400, &f->err));
	hl_store_close(&copy);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
}

static hl_figures
figures(fixture *f)
{
	hl_figures n;

	OK(f, hl_store_figures(f->s, 0, INT64_MAX, &n, &f->err));
	return n;
}

static hl_balance
balance(fixture *f, const hl_card_row *card)
{
	hl_balance b;

	OK(f, hl_store_balance(f->s, &card->id, NULL, &b, &f->err));
	assert_int_equal(b.gap, 0);
	assert_int_equal(b.wrong_reading, 0);
	return b;
}

/* ---- a store that was set back ------------------------------------------ */

static void
what_was_aside_comes_back(void **state)
{
	fixture *f = *state;
	const hl_card_row card = fx_card(f, 1, 100);
	uint32_t counter = 100;
	hl_merge_result r;
	char aside[400];
	hl_issue one;

	ask(f, 1, &card, &counter);
	backup(f, "copy");
	one = ask(f, 2, &card, &counter);
	ask(f, 3, &card, &counter);
	restore(f, "copy", aside);
	assert_int_equal(figures(f).issued, 1);
	OK(f, merge_path(f, aside, &plain, &r));
	assert_true(r.own);
	assert_int_equal(r.n.issues, 2);
	assert_int_equal(r.n.licenses, 2);
	assert_int_equal(r.n.overlaps, 0);
	assert_int_equal(figures(f).issued, 3);
	OK(f, hl_store_issue_by_id(f->s, &one.id, &one, &f->err));
	assert_memory_equal(&one.card, &card.id, sizeof(card.id));
	assert_int_equal(fx_card_now(f, &card).last_counter, 98 - 1);
	ask(f, 4, &card, &counter);
	assert_int_equal(figures(f).outside, 0);
	OK(f, merge_path(f, aside, &plain, &r));
	assert_int_equal(r.known, r.size);
}

/* Somebody has looked at the card, and asked it, before the merge. */
static void
both_went_on(void **state)
{
	fixture *f = *state;
	const hl_card_row card = fx_card(f, 1, 100);
	uint32_t counter = 100;
	hl_merge_result r;
	hl_balance b;
	char aside[400];

	ask(f, 1, &card, &counter);
	backup(f, "copy");
	ask(f, 2, &card, &counter);
	ask(f, 3, &card, &counter);
	restore(f, "copy", aside);
	ask(f, 4, &card, &counter);
	b = balance(f, &card);
	assert_int_equal(b.by[HL_VARIANCE_ROLLED_BACK].units, 2);
	assert_int_equal(figures(f).outside, 2);
	OK(f, merge_path(f, aside, &plain, &r));
	assert_int_equal(r.n.issues, 2);
	assert_int_equal(r.n.overlaps, 2);
	assert_int_equal(figures(f).issued, 4);
	assert_int_equal(figures(f).outside, 0);
	b = balance(f, &card);
	assert_int_equal(b.by[HL_VARIANCE_ROLLED_BACK].units, 0);
	assert_int_equal(b.issued, 4);
	assert_int_equal(b.provisioned, 100);
	assert_int_equal(b.left, 96);
	assert_true(hl_balance_closed(&b));
	/* the copy once more in its place: that is a second branch */
	backup(f, "second");
	ask(f, 5, &card, &counter);
	restore(f, "second", aside);
	ask(f, 6, &card, &counter);
	OK(f, merge_path(f, aside, &plain, &r));
	assert_int_equal(figures(f).issued, 6);
	assert_int_equal(figures(f).outside, 0);
}

/* A request that was open when the copy was made, and settled afterwards. */
static void
an_open_request_is_settled(void **state)
{
	fixture *f = *state;
	const hl_card_row card = fx_card(f, 1, 100);
	const hl_chip chip = fx_chip(f, 1);
	const hl_issue one = fx_open(f, &chip, &card, 100);
	hl_merge_result r;
	char aside[400];
	hl_outcome o;
	hl_issue is;

	backup(f, "copy");
	o = fx_outcome(f, &one, HL_ISSUE_ISSUED, 99, 1);
	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	restore(f, "copy", aside);
	OK(f, merge_path(f, aside, &plain, &r));
	OK(f, hl_store_issue_by_id(f->s, &one.id, &is, &f->err));
	assert_int_equal(is.state, HL_ISSUE_ISSUED);
	assert_int_equal(figures(f).issued, 1);
	assert_int_equal(fx_card_now(f, &card).last_counter, 99);

	/* the same, but given up here meanwhile: its license comes at least */
	restore(f, "copy", aside);
	o = fx_outcome(f, &one, HL_ISSUE_WRITTEN_OFF, 100, 1);
	o.counter_known = false;
	OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	OK(f, merge_path(f, aside, &plain, &r));
	OK(f, hl_store_issue_by_id(f->s, &one.id, &is, &f->err));
	assert_int_equal(is.state, HL_ISSUE_WRITTEN_OFF);
	assert_int_equal(figures(f).licenses, 1);
	assert_int_equal(fx_card_now(f, &card).last_counter, 99);
}

static void
an_older_copy_has_nothing(void **state)
{
	fixture *f = *state;
	const hl_card_row card = fx_card(f, 1, 100);
	uint32_t counter = 100;
	hl_merge_result r;
	char path[300];

	ask(f, 1, &card, &counter);
	backup(f, "copy");
	ask(f, 2, &card, &counter);
	beside(f, "copy", path, sizeof(path));
	OK(f, merge_path(f, path, &plain, &r));
	assert_true(r.own);
	assert_int_equal(r.known, r.size);
	assert_int_equal(r.n.events, 0);
}

/* ---- another store that was set back ------------------------------------ */

typedef struct notes {
	char text[1024];
} notes;

static void
on_note(void *arg, const char *text)
{
	notes *n = arg;

	snprintf(n->text, sizeof(n->text), "%s", text);
}

static void
theirs_was_set_back(void **state)
{
	const hl_merge_options accept = { .restored = true };
	notes n = { "" };
	const hl_merge_options noted = { .note = on_note, .arg = &n };
	fixture *f = *state, other = *f;
	const hl_store_options make = { .create = true };
	hl_card_row card;
	uint32_t counter = 100;
	hl_merge_result r;
	char aside[400];

	factory->make(other.url, sizeof(other.url));
	OK(&other, hl_store_open(&other.s, other.url, &make, &other.err));
	card = fx_card(&other, 1, 100);
	ask(&other, 1, &card, &counter);
	backup(&other, "copy");
	ask(&other, 2, &card, &counter);
	OK(f, merge_path(f, other.url, &plain, &r));
	restore(&other, "copy", aside);
	/* it does not go on from where it was: nobody has to believe that */
	EXPECT(f, HL_EINTEGRITY, merge_path(f, other.url, &plain, &r));
	assert_non_null(strstr(f->err.hint, "--restored"));
	ask(&other, 3, &card, &counter);
	OK(f, merge_path(f, other.url, &accept, &r));
	assert_int_equal(r.n.issues, 1);
	assert_int_equal(figures(f).issued, 3);
	assert_int_equal(figures(f).outside, 0);
	/* once said, it is known */
	ask(&other, 4, &card, &counter);
	OK(f, merge_path(f, other.url, &plain, &r));
	assert_int_equal(figures(f).issued, 4);
	/* an older copy of what was merged is none */
	OK(f, merge_path(f, aside, &plain, &r));
	assert_int_equal(r.known, r.size);
	/* and this store, when it is set back, hears of it from the other */
	OK(&other, merge_path(&other, f->url, &plain, &r));
	backup(f, "before");
	ask(f, 5, &card, &counter);
	OK(&other, merge_path(&other, f->url, &plain, &r));
	restore(f, "before", aside);
	OK(f, merge_path(f, other.url, &noted, &r));
	assert_non_null(strstr(n.text, "restored from an older copy"));
	assert_int_equal(figures(f).issued, 5);
	hl_store_close(&other.s);
	factory->drop(other.url);
}

/* ---- what does not verify ----------------------------------------------- */

static void
make_other(fixture *f, fixture *other)
{
	const hl_store_options make = { .create = true };
	uint32_t counter = 100;
	hl_card_row card;

	*other = *f;
	factory->make(other->url, sizeof(other->url));
	OK(other, hl_store_open(&other->s, other->url, &make, &other->err));
	card = fx_card(other, 1, 100);
	ask(other, 1, &card, &counter);
	ask(other, 2, &card, &counter);
}

static void
tampered_stores_are_refused(void **state)
{
	static const char *const acts[] = {
		"UPDATE events SET leaf = zeroblob(32) WHERE seq = 3",
		"UPDATE events SET bytes = CAST(replace(CAST(bytes AS TEXT), "
		"'\"station\"', '\"Station\"') AS BLOB) WHERE seq = 3",
		"UPDATE tree SET size = size - 1",
		"UPDATE issues SET operator = 'eve'",
		"UPDATE licenses SET bytes = zeroblob(136)",
		"UPDATE licenses SET added_at = added_at + 1",
		"UPDATE card_readings SET units_outside = 1, expected = "
		"expected + 1 WHERE kind = 'before'",
	};

	for (size_t i = 0; i < HL_COUNT(acts); i++) {
		fixture *f = *state, other;
		hl_merge_result r;
		sqlite3 *db;

		make_other(f, &other);
		hl_store_close(&other.s);
		db = raw_open_unguarded(raw_path(&other));
		(void)raw_try(db, "PRAGMA ignore_check_constraints = ON");
		raw_exec(db, acts[i]);
		sqlite3_close(db);
		EXPECT(f, HL_EINTEGRITY, merge_path(f, other.url, &plain, &r));
		factory->drop(other.url);
	}
}

/* Who rewrites all of it, but not what was merged, is found out. */
static void
a_ledger_rewritten(void **state)
{
	fixture *f = *state, other, again;
	hl_merge_result r;
	sqlite3 *db;
	char sql[700];

	make_other(f, &other);
	OK(f, merge_path(f, other.url, &plain, &r));
	make_other(f, &again);
	hl_store_close(&again.s);
	/* the other one's ID on a store with another history: its ledger says
	 * otherwise, so that is seen at once; here it is to be seen by ours */
	db = raw_open_unguarded(raw_path(&again));
	snprintf(sql, sizeof(sql),
	    "ATTACH '%s' AS o; UPDATE meta SET id = (SELECT id FROM o.meta), "
	    "origin = (SELECT origin FROM o.meta)",
	    raw_path(&other));
	raw_exec(db, sql);
	sqlite3_close(db);
	EXPECT(f, HL_EINTEGRITY, merge_path(f, again.url, &plain, &r));
	hl_store_close(&other.s);
	factory->drop(other.url);
	factory->drop(again.url);
}

static void
older_schemas_are_refused(void **state)
{
	fixture *f = *state;
	const hl_store_options look = { .read_only = true };
	char path[300], command[700];
	hl_store *other = NULL;
	hl_merge_result r;

	beside(f, "old", path, sizeof(path));
	snprintf(command, sizeof(command), "sqlite3 %s <%s", path, OLD_FILE);
	assert_int_equal(system(command), 0);
	OK(f, hl_store_open(&other, path, &look, &f->err));
	EXPECT(f, HL_EINPUT,
	    hl_store_merge(f->s, other, &plain, &f->actor, &r, &f->err));
	assert_non_null(strstr(f->err.hint, "store upgrade"));
	hl_store_close(&other);
}

/* ---- a full disk, a crash ----------------------------------------------- */

static int
merge_without_space(fixture *f, const char *other, rlim_t bytes)
{
	const hl_store_options look = { .read_only = true };
	hl_store *o = NULL;
	hl_merge_result r;
	struct rlimit l;
	hl_rc rc;

	if (hl_store_open(&f->s, f->url, NULL, &f->err) != HL_OK ||
	    hl_store_open(&o, other, &look, &f->err) != HL_OK)
		return 1;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &l);
	rc = hl_store_merge(f->s, o, &plain, &f->actor, &r, &f->err);
	if (rc == HL_OK)
		return 9;
	return rc == HL_EFULL ? 0 : 2;
}

static void
no_space_at_any_point(void **state)
{
	fixture *f = *state, other;
	unsigned full = 0, done = 0;
	rlim_t bytes;
	struct stat st;
	int status;
	pid_t pid;

	make_other(f, &other);
	hl_store_close(&f->s);
	assert_int_equal(stat(raw_path(f), &st), 0);
	for (bytes = 0; done == 0; bytes += 8192) {
		if ((pid = fork()) == 0)
			_exit(merge_without_space(f, other.url, bytes));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_true(
		    WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9);
		full += WEXITSTATUS(status) == 0;
		done += WEXITSTATUS(status) == 9;
		OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
		fx_check_clean(f);
		assert_int_equal(figures(f).issued, done == 0 ? 0 : 2);
		hl_store_close(&f->s);
	}
	assert_true(full > 3);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	hl_store_close(&other.s);
	factory->drop(other.url);
}

/* ---- the event of a restore --------------------------------------------- */

typedef struct told {
	char replaced[16];
	int64_t copy_size, common, size;
	unsigned n;
} told;

static bool
look(void *arg, const hl_event_row *row)
{
	told *t = arg;
	hl_event e;

	assert_int_equal(hl_event_parse(row->bytes, row->n, &e, NULL), HL_OK);
	if (strcmp(e.kind, "store.restored") == 0) {
		t->n++;
		t->common = t->size = -1;
		snprintf(t->replaced, sizeof(t->replaced), "%s",
		    hl_event_text(&e, "replaced"));
		(void)hl_event_int(&e, "copy_size", &t->copy_size);
		(void)hl_event_int(&e, "common", &t->common);
		(void)hl_event_int(&e, "replaced_size", &t->size);
	}
	hl_event_free(&e);
	return true;
}

static told
restored(fixture *f)
{
	told t = { .n = 0 };

	OK(f, hl_store_events(f->s, 0, UINT64_MAX, look, &t, &f->err));
	return t;
}

static void
a_restore_is_told(void **state)
{
	fixture *f = *state;
	const hl_card_row card = fx_card(f, 1, 100);
	uint32_t counter = 100;
	hl_frontier at, now;
	char aside[400];
	told t;

	backup(f, "copy");
	OK(f, hl_store_tree(f->s, &at, &f->err));
	restore(f, "copy", aside);
	t = restored(f);
	assert_string_equal(t.replaced, "same");
	assert_int_equal(t.copy_size, at.size);
	ask(f, 1, &card, &counter);
	OK(f, hl_store_tree(f->s, &now, &f->err));
	restore(f, "copy", aside);
	t = restored(f);
	assert_int_equal(t.n, 1); /* it is the copy's ledger that goes on */
	assert_string_equal(t.replaced, "newer");
	assert_int_equal(t.common, at.size);
	assert_int_equal(t.size, now.size);
	ask(f, 2, &card, &counter);
	restore(f, "copy", aside);
	assert_string_equal(restored(f).replaced, "newer");
	backup(f, "newer copy");
	ask(f, 3, &card, &counter);
	restore(f, "newer copy", aside);
	restore(f, "copy", aside);
	restore(f, "newer copy", aside);
	t = restored(f);
	assert_string_equal(t.replaced, "fork");
	assert_int_equal(t.n, 2);
	hl_store_close(&f->s);
	assert_int_equal(truncate(raw_path(f), 5000), 0);
	restore(f, "copy", aside);
	assert_string_equal(restored(f).replaced, "unknown");
	hl_store_close(&f->s);
	assert_int_equal(unlink(raw_path(f)), 0);
	restore(f, "copy", aside);
	assert_string_equal(restored(f).replaced, "none");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_was_aside_comes_back),
		TEST(both_went_on),
		TEST(an_open_request_is_settled),
		TEST(an_older_copy_has_nothing),
		TEST(theirs_was_set_back),
		TEST(tampered_stores_are_refused),
		TEST(a_ledger_rewritten),
		TEST(older_schemas_are_refused),
		TEST(no_space_at_any_point),
		TEST(a_restore_is_told),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
