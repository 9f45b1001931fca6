/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a request, with a card that goes wrong on purpose. */
#include "broker/model.h"
#include "broker/rescue.h"
#include "broker/settle.h"
#include "store/fixture.h"
#include "store/raw.h"
#include "util/file.h"

typedef struct scene {
	fixture *f;
	hl_broker *b;
	hl_cert cert;
	hl_issue issue;
	model m;
	hl_settle_card c;
	hl_settled out;
	hl_err err;
	bool spooled; /* when the counter was read */
} scene;

#define ACTS(...)                                                              \
	(const model_act[]){ __VA_ARGS__ },                                    \
	    sizeof((const model_act[]){ __VA_ARGS__ }) / sizeof(model_act)

/* An intent at counter 10, and its card. */
static scene *
begin(fixture *f, bool replay, const model_act *acts, size_t n)
{
	static scene s;
	const hl_broker_options opt = { .rescue_dir = NULL };
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 10);
	char path[4200];

	s = (scene){ .f = f, .cert = fx_cert(1) };
	OK(f, hl_broker_new(&s.b, f->s, &opt, &f->err));
	OK(f,
	    hl_path(path, sizeof(path), &f->err, "%s/spool",
		hl_store_side_dir(f->s)));
	OK(f, hl_dir_make(path, &f->err));
	s.issue = fx_open(f, &chip, &card, 10);
	s.c = (hl_settle_card){ .card = model_open(&s.m, 10, replay, acts, n),
		.issue = &s.issue,
		.cert = &s.cert,
		.exclusive = true,
		.sends_left = 2,
		.until = hl_deadline_in(50000) };
	OK(f, hl_card_read(s.c.card, &s.c.info, s.c.until, &f->err));
	return &s;
}

static void
end(scene *s)
{
	hl_card_close(&s->c.card);
	hl_broker_free(&s->b);
}

static void
expect_issued(const scene *s, bool replayed)
{
	assert_false(s->out.open);
	assert_int_equal(s->out.state, HL_ISSUE_ISSUED);
	assert_int_equal(s->out.n, strlen(MODEL_LICENSE));
	assert_memory_equal(s->out.license, MODEL_LICENSE, s->out.n);
	assert_true(s->out.counter_known);
	assert_int_equal(s->out.counter_after, 9);
	assert_int_equal(s->out.replayed, replayed);
	assert_int_equal(s->m.counter, 9);
}

static void
an_honest_card_issues(void **state)
{
	scene *s = begin(*state, true, NULL, 0);

	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	expect_issued(s, false);
	end(s);
}

static void
a_lost_answer_is_asked_for_again(void **state)
{
	scene *s = begin(*state, true, ACTS(MODEL_ANSWER_LOST));

	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	expect_issued(s, true);
	end(s);
}

/* What never reached the card is no word of the card's. */
static void
a_reset_is_no_refusal_to_replay(void **state)
{
	scene *s = begin(*state, true, ACTS(MODEL_ANSWER_LOST, MODEL_RESET));

	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	expect_issued(s, true);
	end(s);
}

static void
a_refusal_to_replay_is_a_loss(void **state)
{
	scene *s = begin(*state, true, ACTS(MODEL_ANSWER_LOST, MODEL_REFUSES));

	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	assert_false(s->out.open);
	assert_int_equal(s->out.state, HL_ISSUE_LOST_OR_OUTSIDE);
	end(s);
}

/* "No" from a card that has counted is no proof that nothing was spent. */
static void
a_refusal_that_counted_is_a_loss(void **state)
{
	scene *s = begin(*state, false, ACTS(MODEL_COUNTS));

	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	assert_false(s->out.open);
	assert_int_equal(s->out.state, HL_ISSUE_LOST);
	assert_int_equal(s->out.counter_after, 9);
	assert_int_equal(s->m.at, 1); /* and is not asked again */
	end(s);
}

static void
a_refusal_that_counted_is_replayed(void **state)
{
	scene *s = begin(*state, true, ACTS(MODEL_COUNTS));

	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	expect_issued(s, true);
	end(s);
}

/* Two cards changed places under an open handle, and no error told of it. */
static void
an_answer_of_another_card_is_suspect(void **state)
{
	fixture *f = *state;
	scene *s = begin(f, true, ACTS(MODEL_SWAPPED));
	hl_license l;

	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	assert_false(s->out.open);
	assert_int_equal(s->out.state, HL_ISSUE_BAD);
	assert_int_equal(s->out.counter_after, 10); /* of the card asked */
	OK(f,
	    hl_settle_commit(s->b, &s->issue, &s->cert, &s->out, false,
		&f->actor, &l, &f->err));
	assert_int_equal(l.state, HL_LICENSE_SUSPECT);
	end(s);
}

/* The card went away behind an answer that is not ours: nothing can be settled
 * now, and whoever comes with the card still finds the bytes. */
static void
stray_bytes_of_a_request_that_stays_open_are_kept(void **state)
{
	fixture *f = *state;
	scene *s = begin(f, false, ACTS(MODEL_STRAY_GONE));
	hl_rescue r;
	hl_license l;

	s->c.until = hl_deadline_in(300);
	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	assert_true(s->out.open);
	assert_int_equal(s->out.n, 0);
	OK(f, hl_suspect_find(s->b->side, &s->issue.id, &r, &f->err));
	assert_int_equal(r.n, strlen(MODEL_LICENSE));
	assert_memory_equal(r.license, MODEL_LICENSE, r.n);
	s->m.broken = s->m.gone = false;
	s->c.until = hl_deadline_in(50000);
	OK(f, hl_card_read(s->c.card, &s->c.info, s->c.until, &f->err));
	hl_settle_recover(s->b, &s->c, &s->out, &s->err);
	assert_int_equal(s->out.state, HL_ISSUE_BAD);
	OK(f,
	    hl_settle_commit(s->b, &s->issue, &s->cert, &s->out, true,
		&f->actor, &l, &f->err));
	assert_int_equal(l.state, HL_LICENSE_SUSPECT);
	assert_int_equal(l.size, strlen(MODEL_LICENSE));
	end(s);
}

/* The store takes whole characters only, or nothing at all. */
static void
a_name_that_is_cut_is_still_recorded(void **state)
{
	fixture *f = *state;
	scene *s = begin(f, true, ACTS(MODEL_SWAPPED));

	memset(s->c.info.reader, 'a', 119);
	strcpy(s->c.info.reader + 119, "\xc3\xa9");
	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	assert_int_equal(s->out.state, HL_ISSUE_BAD);
	OK(f,
	    hl_settle_commit(s->b, &s->issue, &s->cert, &s->out, false,
		&f->actor, NULL, &f->err));
	end(s);
}

/* Recovery asks once; when others are in the way it stays open. */
static void
recovery_does_not_give_up_for_a_reset(void **state)
{
	scene *s = begin(*state, true, ACTS(MODEL_ANSWER_LOST, MODEL_RESET));
	hl_exec exec;
	hl_card_answer a;

	assert_int_not_equal(hl_card_issue(s->c.card, s->cert.b, s->cert.n,
				 &s->issue.id, &a, &exec, s->c.until, NULL),
	    HL_OK);
	OK(s->f, hl_card_reconnect(s->c.card, s->c.until, &s->f->err));
	OK(s->f, hl_card_read(s->c.card, &s->c.info, s->c.until, &s->f->err));
	s->c.sends_left = 1;
	hl_settle_recover(s->b, &s->c, &s->out, &s->err);
	assert_true(s->out.open);
	s->c.sends_left = 1;
	hl_settle_recover(s->b, &s->c, &s->out, &s->err);
	expect_issued(s, true);
	end(s);
}

static void
a_first_request_that_was_reset_is_sent_again(void **state)
{
	scene *s = begin(*state, false, ACTS(MODEL_RESET));

	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	expect_issued(s, false);
	end(s);
}

static void
look_into_spool(void *arg)
{
	scene *s = arg;
	hl_rescue r;

	if (hl_spool_find(s->b->side, &s->issue.id, &r, NULL) == HL_OK)
		s->spooled = true;
}

/* Reading the counter can take long, and a process can be killed meanwhile. */
static void
a_license_is_in_the_spool_before_the_counter_is_read(void **state)
{
	scene *s = begin(*state, false, NULL, 0);
	hl_license l;

	s->m.on_info = look_into_spool;
	s->m.arg = s;
	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	expect_issued(s, false);
	assert_true(s->spooled);
	OK(s->f,
	    hl_settle_commit(s->b, &s->issue, &s->cert, &s->out, false,
		&s->f->actor, &l, &s->f->err));
	s->spooled = false;
	look_into_spool(s);
	assert_false(s->spooled);
	end(s);
}

static void
pass_row(void *arg, const hl_recovered *r)
{
	(void)arg;
	(void)r;
}

/* Store and spool both failed: what was put aside then is not lost. */
static void
a_license_in_a_rescue_file_is_no_loss(void **state)
{
	fixture *f = *state;
	scene *s = begin(f, false, NULL, 0);
	hl_rescue r = { .issue = s->issue.id,
		.counter_after = 9,
		.license = MODEL_LICENSE,
		.n = strlen(MODEL_LICENSE) };
	const hl_recover_request req = { .actor = &f->actor,
		.until = hl_deadline_in(1000),
		.row = pass_row };
	char path[4200];

	OK(f,
	    hl_path(s->b->rescue_dir, sizeof(s->b->rescue_dir), &f->err,
		"%s/rescue", s->b->side));
	OK(f,
	    hl_rescue_file(s->b->rescue_dir, &r, path, sizeof(path), &f->err));
	s->m.counter = 9;
	OK(f, hl_card_read(s->c.card, &s->c.info, s->c.until, &f->err));
	/* Of no chip that is known here: it is not taken for this one's. */
	hl_settle_recover(s->b, &s->c, &s->out, &s->err);
	assert_true(s->out.open);
	EXPECT(f, HL_EDOUBT, hl_broker_recover(s->b, &req, &f->err));
	memcpy(r.cert_sha256, s->cert.sha256, sizeof(r.cert_sha256));
	OK(f,
	    hl_rescue_file(s->b->rescue_dir, &r, path, sizeof(path), &f->err));
	hl_settle_recover(s->b, &s->c, &s->out, &s->err);
	expect_issued(s, false);
	assert_int_equal(s->m.at, 0); /* the card was not asked */
	EXPECT(f, HL_ECONFLICT,
	    hl_broker_write_off(
		s->b, &s->issue.id, "card lost", &f->actor, &f->err));
	end(s);
}

static void
close_reading_only(fixture *f, scene *s)
{
	const hl_store_options opt = { .read_only = true };

	hl_store_close(&f->s);
	OK(f, hl_store_open(&f->s, f->url, &opt, &f->err));
	s->b->store = f->s;
	s->b->side = hl_store_side_dir(f->s);
}

static void
a_loss_that_cannot_be_recorded_is_told(void **state)
{
	fixture *f = *state;
	scene *s = begin(f, false, ACTS(MODEL_ANSWER_LOST));

	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	assert_int_equal(s->out.state, HL_ISSUE_LOST_OR_OUTSIDE);
	close_reading_only(f, s);
	EXPECT(f, HL_EDOUBT,
	    hl_settle_commit(s->b, &s->issue, &s->cert, &s->out, false,
		&f->actor, NULL, &f->err));
	assert_int_equal(f->err.units_spent, 1);
	assert_non_null(strstr(f->err.hint, "hsmlic recover"));
	end(s);
}

/* Nothing was spent, and that is what is said. */
static void
a_refusal_that_cannot_be_recorded_costs_nothing(void **state)
{
	fixture *f = *state;
	scene *s = begin(f, false, ACTS(MODEL_REFUSES));

	hl_settle_request(s->b, &s->c, &s->out, &s->err);
	assert_int_equal(s->out.state, HL_ISSUE_NOT_SPENT);
	close_reading_only(f, s);
	EXPECT(f, HL_ESTORE,
	    hl_settle_commit(s->b, &s->issue, &s->cert, &s->out, false,
		&f->actor, NULL, &f->err));
	assert_int_equal(f->err.units_spent, 0);
	end(s);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(an_honest_card_issues),
		T(a_lost_answer_is_asked_for_again),
		T(a_reset_is_no_refusal_to_replay),
		T(a_refusal_to_replay_is_a_loss),
		T(a_refusal_that_counted_is_a_loss),
		T(a_refusal_that_counted_is_replayed),
		T(an_answer_of_another_card_is_suspect),
		T(stray_bytes_of_a_request_that_stays_open_are_kept),
		T(a_name_that_is_cut_is_still_recorded),
		T(recovery_does_not_give_up_for_a_reset),
		T(a_first_request_that_was_reset_is_sent_again),
		T(a_license_is_in_the_spool_before_the_counter_is_read),
		T(a_license_in_a_rescue_file_is_no_loss),
		T(a_loss_that_cannot_be_recorded_is_told),
		T(a_refusal_that_cannot_be_recorded_costs_nothing),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
