/* SPDX-License-Identifier: Apache-2.0 */
/* Getting a license: who is waited for, what is found, what is said. */
#include <stdio.h>
#include <stdlib.h>

#include "broker/model.h"
#include "broker/spend.h"
#include "card/reader.h"
#include "store/fixture.h"
#include "store/raw.h"

/* Two readers; the card in the first one is held by another program. */
static uint32_t asked_ms[2];

/* A card that is in each of them instead, while `in` is set. */
static struct {
	bool in;
	bool empty;
	bool changed; /* it is another one the second time */
	model m;
	hl_deadline until[2]; /* of the two times that it was opened */
	unsigned opened;
} lent;

hl_rc __wrap_hl_reader_list(
    hl_reader **out, size_t *n, hl_deadline until, hl_err *err);
hl_rc __wrap_hl_card_open(
    hl_card **out, const char *reader, const hl_card_options *opt, hl_err *err);

hl_rc
__wrap_hl_reader_list(
    hl_reader **out, size_t *n, hl_deadline until, hl_err *err)
{
	hl_reader *r = calloc(2, sizeof(*r));

	(void)until;
	(void)err;
	assert_non_null(r);
	for (size_t i = 0; i < 2; i++) {
		snprintf(r[i].name, sizeof(r[i].name), "reader %zu", i);
		r[i].present = true;
	}
	r[0].exclusive = true;
	*out = r;
	*n = 2;
	return HL_OK;
}

hl_rc
__wrap_hl_card_open(
    hl_card **out, const char *reader, const hl_card_options *opt, hl_err *err)
{
	*out = NULL;
	/* Whoever comes for a moment finds it held. */
	if (lent.in && hl_deadline_left(opt->until) > 10000) {
		assert_true(lent.opened < 2);
		lent.until[lent.opened++] = opt->until;
		*out = model_open(&lent.m, lent.empty ? 0 : 10, true, NULL, 0);
		lent.m.swapped = lent.changed && lent.opened == 2;
		return HL_OK;
	}
	asked_ms[reader[7] - '0'] = (uint32_t)hl_deadline_left(opt->until);
	return hl_fail(err, HL_EBUSY, "open", "", "held");
}

bool __real_hl_owner_alive(const char *side, const hl_uuid *id);
bool __wrap_hl_owner_alive(const char *side, const hl_uuid *id);

/* An owner that closes its issue just when somebody asks for it. */
static struct late_owner {
	fixture *f;
	hl_issue issue;
	bool armed;
	unsigned alive; /* looks that find it at work before */
	bool idle;	/* it comes to nothing */
} late;

bool
__wrap_hl_owner_alive(const char *side, const hl_uuid *id)
{
	fixture *f = late.f;
	hl_outcome o;

	if (late.armed && hl_uuid_equal(id, &late.issue.owner)) {
		if (late.alive > 0) {
			late.alive--;
			return true;
		}
		late.armed = false;
		o = late.idle
		    ? fx_outcome(f, &late.issue, HL_ISSUE_NOT_SPENT, 10, 0)
		    : fx_outcome(f, &late.issue, HL_ISSUE_ISSUED, 9, 1);
		OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
	}
	return __real_hl_owner_alive(side, id);
}

static hl_broker *
broker_of(fixture *f)
{
	const hl_broker_options opt = { .rescue_dir = NULL };
	hl_broker *b;

	OK(f, hl_broker_new(&b, f->s, &opt, &f->err));
	return b;
}

/* Another card's request for this chip is open, and closed a moment later. */
static void
an_owner_that_has_just_finished_left_no_doubt(void **state)
{
	fixture *f = *state;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row first = fx_card(f, 1, 10);
	hl_card_row second = fx_card_of(f, &first.firmware, 2, 10);
	hl_firmware fw;
	const hl_cert cert = fx_cert(1);
	hl_broker *b = broker_of(f);
	model m;
	hl_spend s = { .chip = &chip, .cert = &cert, .actor = &f->actor };

	OK(f, hl_store_firmware_by_id(f->s, &first.firmware, &fw, &f->err));
	s.firmware = &fw;
	s.row = &second;
	s.until = hl_deadline_in(50000);
	s.card = model_open(&m, 10, true, NULL, 0);
	OK(f, hl_card_read(s.card, &s.info, s.until, &f->err));
	late = (struct late_owner){ f, fx_open(f, &chip, &first, 10), true, 0,
		false };
	OK(f, hl_spend_unit(b, &s, &f->err));
	assert_false(late.armed);
	assert_false(s.wait);
	assert_int_equal(s.units_spent, 0);
	assert_int_equal(s.source, HL_SOURCE_STORE);
	assert_true(hl_uuid_equal(&s.license.issue, &late.issue.id));
	assert_int_equal(m.counter, 10);
	hl_card_close(&s.card);
	hl_broker_free(&b);
}

/* Says yes after a while, in which another card's request was opened. */
static hl_rc
late_yes(void *arg, const hl_spend_plan *plan, hl_err *err)
{
	fixture *f = arg;
	const hl_chip chip = fx_chip(f, 1);
	hl_card_row card;
	hl_firmware fw;

	OK(f, hl_store_firmware_by_name(f->s, plan->firmware, &fw, err));
	card = fx_card_of(f, &fw.id, 2, 10);
	late = (struct late_owner){ f, fx_open(f, &chip, &card, 10), true, 1,
		false };
	hl_sleep_ms(20);
	return HL_OK;
}

/* The time that the answer took is given back to the second look, too. */
static void
a_late_yes_leaves_time_to_look_again(void **state)
{
	static hl_get_result r;
	fixture *f = *state;
	const hl_cert cert = fx_cert(1);
	hl_broker *b = broker_of(f);
	const hl_get_request req = { .cert = &cert,
		.card = "reader:reader 1",
		.actor = &f->actor,
		.until = hl_deadline_in(50000),
		.may_spend = late_yes,
		.arg = f };

	memset(&lent, 0, sizeof(lent));
	lent.in = true;
	OK(f, hl_broker_get(b, &req, &r, &f->err));
	lent.in = false;
	assert_int_equal(r.source, HL_SOURCE_STORE);
	assert_int_equal(r.units_spent, 0);
	assert_int_equal(lent.m.counter, 10);
	assert_int_equal(lent.opened, 2);
	assert_true(lent.until[0] == req.until);
	assert_true(lent.until[1] >= req.until + 20);
	hl_broker_free(&b);
}

static unsigned asked;

/* Yes to the first card; while it is waited for, another takes its place. */
static hl_rc
yes_once(void *arg, const hl_spend_plan *plan, hl_err *err)
{
	fixture *f = arg;
	hl_card_row other;
	hl_firmware fw;

	if (asked++ > 0)
		return hl_fail(err, HL_EDENIED, "ask", "", "not this one");
	assert_string_equal(plan->card->serial, MODEL_SERIAL);
	OK(f, late_yes(f, plan, err));
	late.idle = true;
	OK(f, hl_store_firmware_by_name(f->s, plan->firmware, &fw, err));
	other = fx_card_of(f, &fw.id, 3, 10);
	other.id = fx_uuid();
	other.label[0] = '\0';
	strcpy(other.serial, "FE02030405060708");
	return hl_store_card_add(f->s, &other, NULL, &f->actor, err);
}

static void
a_yes_is_for_one_card(void **state)
{
	static hl_get_result r;
	fixture *f = *state;
	const hl_cert cert = fx_cert(1);
	hl_broker *b = broker_of(f);
	const hl_get_request req = { .cert = &cert,
		.card = "reader:reader 1",
		.actor = &f->actor,
		.until = hl_deadline_in(50000),
		.may_spend = yes_once,
		.arg = f };

	asked = 0;
	memset(&lent, 0, sizeof(lent));
	lent.in = lent.changed = true;
	EXPECT(f, HL_EDENIED, hl_broker_get(b, &req, &r, &f->err));
	assert_int_equal(lent.m.counter, 10);
	memset(&lent, 0, sizeof(lent));
	assert_int_equal(asked, 2);
	hl_broker_free(&b);
}

/* Its last unit may have been this chip's: it is no time for another card. */
static void
an_empty_card_leaves_an_open_request_in_doubt(void **state)
{
	static hl_get_result r;
	fixture *f = *state;
	const hl_cert cert = fx_cert(1);
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 1);
	hl_broker *b = broker_of(f);
	const hl_get_request req = { .cert = &cert,
		.card = "reader:reader 1",
		.actor = &f->actor,
		.until = hl_deadline_in(50000) };

	(void)fx_open(f, &chip, &card, 1);
	memset(&lent, 0, sizeof(lent));
	lent.in = lent.empty = true;
	EXPECT(f, HL_EDOUBT, hl_broker_get(b, &req, &r, &f->err));
	memset(&lent, 0, sizeof(lent));
	assert_int_equal(f->err.units_spent, HL_UNITS_UNKNOWN);
	assert_non_null(strstr(f->err.hint, "hsmlic recover"));
	assert_non_null(strstr(f->err.why, "counter is zero"));
	hl_broker_free(&b);
}

/* A license that counts for nothing is not said to have cost a unit. */
static void
a_card_that_does_not_count_is_reported_so(void **state)
{
	fixture *f = *state;
	const model_act stuck[] = { MODEL_STUCK };
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	const hl_cert cert = fx_cert(1);
	hl_broker *b = broker_of(f);
	hl_firmware fw;
	model m;
	hl_spend s = { .chip = &chip, .cert = &cert, .actor = &f->actor };

	OK(f, hl_store_firmware_by_id(f->s, &card.firmware, &fw, &f->err));
	s.firmware = &fw;
	s.row = &card;
	s.until = hl_deadline_in(50000);
	s.card = model_open(&m, 10, true, stuck, 1);
	OK(f, hl_card_read(s.card, &s.info, s.until, &f->err));
	EXPECT(f, HL_EDOUBT, hl_spend_unit(b, &s, &f->err));
	assert_int_equal(f->err.units_spent, 0);
	hl_card_close(&s.card);
	hl_broker_free(&b);
}

static hl_rc
cached(fixture *f, const hl_cert *cert, const hl_uid *uid, hl_get_result *out)
{
	hl_broker *b = broker_of(f);
	const hl_get_request req = { .cert = cert,
		.uid = uid,
		.cached = true,
		.actor = &f->actor,
		.until = hl_deadline_in(5000) };
	hl_rc rc;

	memset(&f->err, 0, sizeof(f->err));
	rc = hl_broker_get(b, &req, out, &f->err);
	hl_broker_free(&b);
	return rc;
}

static void
keep_license(fixture *f, const hl_chip *chip)
{
	const hl_card_row card = fx_card(f, 1, 10);
	const uint8_t *bytes;
	hl_uuid id;
	size_t n;

	bytes = fx_license_bytes(1, &n);
	OK(f,
	    hl_store_license_import(f->s, &chip->id, &card.firmware, bytes, n,
		&f->actor, &id, &f->err));
}

/* Without a card, and without completing the chip's record. */
static void
cached_finds_a_chip_by_either_half(void **state)
{
	static hl_get_result r;
	fixture *f = *state;
	const hl_cert cert = fx_cert(1), other = fx_cert(2);
	const hl_uid uid = fx_uid(1), strange = fx_uid(3);
	hl_chip chip;

	OK(f, hl_store_chip_put(f->s, &cert, NULL, &f->actor, &chip, &f->err));
	keep_license(f, &chip);
	OK(f, cached(f, &cert, NULL, &r));
	OK(f, cached(f, &cert, &uid, &r));
	assert_int_equal(r.source, HL_SOURCE_STORE);
	OK(f, hl_store_chip_put(f->s, &cert, &uid, &f->actor, &chip, &f->err));
	EXPECT(f, HL_ECONFLICT, cached(f, &cert, &strange, &r));
	EXPECT(f, HL_ECONFLICT, cached(f, &other, &uid, &r));
	EXPECT(f, HL_ENOLICENSE, cached(f, &other, &strange, &r));
}

static void
cached_finds_a_chip_that_has_only_a_uid(void **state)
{
	static hl_get_result r;
	fixture *f = *state;
	const hl_cert cert = fx_cert(1);
	const hl_uid uid = fx_uid(1);
	hl_chip chip;

	OK(f, hl_store_chip_put(f->s, NULL, &uid, &f->actor, &chip, &f->err));
	keep_license(f, &chip);
	OK(f, cached(f, &cert, &uid, &r));
	assert_int_equal(r.source, HL_SOURCE_STORE);
}

/* Met by its certificate alone, and by its UID, for which a license is kept:
 * that serves, and the two become one. */
static void
a_license_is_found_by_the_other_half(void **state)
{
	static hl_get_result r;
	fixture *f = *state;
	const hl_cert cert = fx_cert(1);
	const hl_uid uid = fx_uid(1);
	hl_chip chip;

	OK(f, hl_store_chip_put(f->s, &cert, NULL, &f->actor, &chip, &f->err));
	OK(f, hl_store_chip_put(f->s, NULL, &uid, &f->actor, &chip, &f->err));
	keep_license(f, &chip);
	OK(f, cached(f, &cert, &uid, &r));
	assert_int_equal(r.source, HL_SOURCE_STORE);
	OK(f, hl_store_chip_by_uid(f->s, &uid, &chip, &f->err));
	assert_true(chip.has_cert);
	fx_check_clean(f);
}

/* A program that keeps its card must not use up the time for the others. */
static void
a_card_that_is_kept_is_not_waited_for(void **state)
{
	fixture *f = *state;
	hl_broker *b = broker_of(f);
	hl_present *list = NULL;
	size_t n = 0;

	OK(f,
	    hl_broker_present(
		b, NULL, NULL, hl_deadline_in(50000), &list, &n, &f->err));
	assert_int_equal(n, 2);
	free(list);
	assert_in_range(asked_ms[0], 1, 5000);
	assert_in_range(asked_ms[1], 20000, 50000);
	/* Alone, it is what was asked for. */
	OK(f,
	    hl_broker_present(b, "reader:reader 0", NULL, hl_deadline_in(50000),
		&list, &n, &f->err));
	assert_int_equal(n, 1);
	free(list);
	assert_in_range(asked_ms[0], 20000, 50000);
	hl_broker_free(&b);
}

static void
a_store_that_cannot_be_read_says_why(void **state)
{
	static hl_get_result r;
	fixture *f = *state;
	const hl_store_options impatient = { .busy_ms = 50 };
	const hl_uid uid = fx_uid(1);
	sqlite3 *db;

	hl_store_close(&f->s);
	OK(f, hl_store_open(&f->s, f->url, &impatient, &f->err));
	db = raw_open(raw_path(f));
	raw_exec(db, "BEGIN EXCLUSIVE");
	EXPECT(f, HL_ESTORE, cached(f, NULL, &uid, &r));
	assert_non_null(strstr(f->err.why, "locked"));
	sqlite3_close(db);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(an_owner_that_has_just_finished_left_no_doubt),
		T(a_late_yes_leaves_time_to_look_again),
		T(a_yes_is_for_one_card),
		T(an_empty_card_leaves_an_open_request_in_doubt),
		T(a_card_that_does_not_count_is_reported_so),
		T(cached_finds_a_chip_by_either_half),
		T(cached_finds_a_chip_that_has_only_a_uid),
		T(a_license_is_found_by_the_other_half),
		T(a_card_that_is_kept_is_not_waited_for),
		T(a_store_that_cannot_be_read_says_why),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
