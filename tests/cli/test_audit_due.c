/* SPDX-License-Identifier: Apache-2.0 */
/* When a checkpoint is due: by events, by the age of the oldest one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/audit.h"
#include "util/clock.h"

#define MINUTE INT64_C(60000)

static char dir[] = "/tmp/hsmlic-due-XXXXXX";
static hl_store *store;

static int
setup(void **state)
{
	const hl_store_options opt = { .create = true };
	char path[64];

	(void)state;
	memcpy(dir, "/tmp/hsmlic-due-XXXXXX", sizeof(dir));
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/s.db", dir);
	return hl_store_open(&store, path, &opt, NULL) == HL_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	char cmd[64];

	(void)state;
	hl_store_close(&store);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

static void
put(const char *kind, unsigned n)
{
	static const hl_event_fact fact = { "fact", "a fact", 0 };
	const hl_actor actor = { .use_class = "production" };
	hl_err err = { 0 };

	while (n-- > 0) {
		if (hl_store_event_put(
			store, kind, &fact, 1, &actor, NULL, &err) != HL_OK)
			fail_msg("%s", err.why);
	}
}

static void
put_failed(int64_t seq)
{
	const hl_event_fact facts[] = { { "change", "checkpoint.failed", 0 },
		{ "seq", NULL, seq } };
	const hl_actor actor = { .use_class = "production" };

	assert_int_equal(hl_store_event_put(store, "config.changed", facts, 2,
			     &actor, NULL, NULL),
	    HL_OK);
}

static hl_ledger_state
state_in(int64_t ms)
{
	hl_ledger_state s;

	assert_int_equal(
	    hl_ledger_state_get(store, hl_now_ms() + ms, &s, NULL), HL_OK);
	return s;
}

static void
due(void **state)
{
	hl_ledger_state s;

	(void)state;
	put("config.changed", 150);
	s = state_in(60 * MINUTE);
	assert_false(s.has_checkpoint);
	assert_true(s.due); /* none was ever made */
	assert_int_equal(s.events, 151);

	put("checkpoint.made", 1);
	s = state_in(60 * MINUTE);
	assert_true(s.has_checkpoint);
	assert_int_equal(s.since, 0);
	assert_false(s.due); /* nothing happened since */

	put("config.changed", 1);
	s = state_in(14 * MINUTE);
	assert_int_equal(s.since, 1);
	assert_false(s.due);
	assert_true(state_in(16 * MINUTE).due);

	put("config.changed", 98);
	assert_false(state_in(0).due);
	put("config.changed", 1);
	s = state_in(0);
	assert_int_equal(s.since, 100);
	assert_true(s.due);
	put("checkpoint.made", 1);
	assert_false(state_in(0).due);
}

/* One that was told of, and then not made, vouches for nothing. */
static void
due_after_a_failure(void **state)
{
	hl_ledger_state s;
	uint64_t size;

	(void)state;
	put("checkpoint.made", 1);
	put("config.changed", 90);
	put("checkpoint.made", 1);
	assert_int_equal(state_in(0).since, 0);
	size = state_in(0).events;
	put_failed((int64_t)size - 2); /* of another event */
	assert_int_equal(state_in(0).since, 1);
	put_failed((int64_t)size - 1);
	s = state_in(0);
	assert_true(s.has_checkpoint);
	assert_int_equal(s.since, 93);
	assert_false(s.due);
	assert_true(state_in(16 * MINUTE).due);
	put("config.changed", 7);
	assert_true(state_in(0).due);
	put("checkpoint.made", 1);
	assert_false(state_in(0).due);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(due, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    due_after_a_failure, setup, teardown),
	};

	return cmocka_run_group_tests_name("due", tests, NULL, NULL);
}
