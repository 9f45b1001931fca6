/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up an open issue, and when that is refused. */
#include <unistd.h>

#include "broker/broker.h"
#include "broker/rescue.h"
#include "store/fixture.h"
#include "store/raw.h"
#include "util/file.h"

static hl_broker *
broker_of(fixture *f)
{
	const hl_broker_options opt = { .rescue_dir = NULL };
	hl_broker *b;
	char path[4200];

	OK(f, hl_broker_new(&b, f->s, &opt, &f->err));
	OK(f,
	    hl_path(path, sizeof(path), &f->err, "%s/spool",
		hl_store_side_dir(f->s)));
	OK(f, hl_dir_make(path, &f->err));
	return b;
}

static void
expect_state(fixture *f, const hl_uuid *issue, hl_issue_state state)
{
	hl_issue now;

	OK(f, hl_store_issue_by_id(f->s, issue, &now, &f->err));
	assert_int_equal(now.state, state);
}

static void
gives_up(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	const hl_issue i = fx_open(f, &chip, &card, 10);
	hl_broker *b = broker_of(f);

	EXPECT(f, HL_EINPUT,
	    hl_broker_write_off(b, &i.id, "", &f->actor, &f->err));
	expect_state(f, &i.id, HL_ISSUE_OPEN);
	OK(f, hl_broker_write_off(b, &i.id, "card lost", &f->actor, &f->err));
	expect_state(f, &i.id, HL_ISSUE_WRITTEN_OFF);
	EXPECT(f, HL_ECONFLICT,
	    hl_broker_write_off(b, &i.id, "again", &f->actor, &f->err));
	hl_broker_free(&b);
}

/* It could never be taken in again: a license that left a card is not dropped.
 */
static void
keeps_what_is_in_the_spool(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	const hl_issue i = fx_open(f, &chip, &card, 10);
	hl_rescue r = { .issue = i.id, .counter_after = 9, .n = 3 };
	hl_broker *b = broker_of(f);

	memcpy(r.cert_sha256, chip.cert_sha256, sizeof(r.cert_sha256));
	OK(f, hl_spool_put(hl_store_side_dir(f->s), &r, &f->err));
	EXPECT(f, HL_ECONFLICT,
	    hl_broker_write_off(b, &i.id, "card lost", &f->actor, &f->err));
	assert_non_null(strstr(f->err.hint, "hsmlic recover"));
	expect_state(f, &i.id, HL_ISSUE_OPEN);
	hl_spool_drop(hl_store_side_dir(f->s), &i.id);
	OK(f, hl_broker_write_off(b, &i.id, "card lost", &f->actor, &f->err));
	hl_broker_free(&b);
}

/* What cannot be read may be the license. A directory, because root reads every
 * file. */
static void
keeps_what_cannot_be_read(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	const hl_issue i = fx_open(f, &chip, &card, 10);
	hl_broker *b = broker_of(f);
	char id[HL_UUID_TEXT], path[4200];

	hl_uuid_text(&i.id, id);
	OK(f,
	    hl_path(path, sizeof(path), &f->err, "%s/spool/%s.license",
		hl_store_side_dir(f->s), id));
	OK(f, hl_dir_make(path, &f->err));
	EXPECT(f, HL_EINPUT,
	    hl_broker_write_off(b, &i.id, "card lost", &f->actor, &f->err));
	assert_non_null(strstr(f->err.what, path));
	expect_state(f, &i.id, HL_ISSUE_OPEN);
	assert_int_equal(rmdir(path), 0);
	OK(f, hl_broker_write_off(b, &i.id, "card lost", &f->actor, &f->err));
	hl_broker_free(&b);
}

/* Nor what the vendor's program wrote: see above. */
static void
keeps_what_was_left_and_cannot_be_read(void **state)
{
	static const char *const names[] = { "tool.license", "tool.end",
		"suspect" };
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	const hl_issue i = fx_open(f, &chip, &card, 10);
	hl_broker *b = broker_of(f);
	char id[HL_UUID_TEXT], path[4200];

	hl_uuid_text(&i.id, id);
	for (size_t k = 0; k < HL_COUNT(names); k++) {
		OK(f,
		    hl_path(path, sizeof(path), &f->err, "%s/spool/%s.%s",
			hl_store_side_dir(f->s), id, names[k]));
		OK(f, hl_dir_make(path, &f->err));
		if (hl_broker_write_off(
			b, &i.id, "card lost", &f->actor, &f->err) == HL_OK)
			fail_msg("%s was not looked at", names[k]);
		expect_state(f, &i.id, HL_ISSUE_OPEN);
		assert_int_equal(rmdir(path), 0);
	}
	OK(f, hl_broker_write_off(b, &i.id, "card lost", &f->actor, &f->err));
	hl_broker_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    gives_up, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(
		    keeps_what_is_in_the_spool, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(
		    keeps_what_cannot_be_read, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(
		    keeps_what_was_left_and_cannot_be_read, fx_setup,
		    fx_teardown),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
