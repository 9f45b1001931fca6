/* SPDX-License-Identifier: Apache-2.0 */
/* Many processes, one store: what must happen once happens once. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/conform.h"

#define RACERS 16
#define ROUNDS 5

/* What a racer does with a handle of its own; its exit code, below 100. */
typedef int racer_fn(fixture *f, unsigned me, void *arg);

static int
run_racer(const fixture *f, unsigned me, int start, racer_fn *fn, void *arg)
{
	static fixture mine;
	char c;

	mine = *f;
	mine.s = NULL;
	if (read(start, &c, 1) != 0 ||
	    hl_store_open(&mine.s, f->url, NULL, &mine.err) != HL_OK) {
		fprintf(stderr, "racer: %s: %s\n", mine.err.what, mine.err.why);
		return 100;
	}
	const int r = fn(&mine, me, arg);

	hl_store_close(&mine.s);
	return r;
}

/* Starts them all at once; counts how often each exit code came. */
static void
race(fixture *f, racer_fn *fn, void *arg, unsigned count[128])
{
	pid_t pid[RACERS];
	int gate[2], status;

	memset(count, 0, 128 * sizeof(*count));
	/* a handle is not used across fork() */
	hl_store_close(&f->s);
	assert_int_equal(pipe(gate), 0);
	for (unsigned i = 0; i < RACERS; i++) {
		if ((pid[i] = fork()) == 0) {
			close(gate[1]);
			_exit(run_racer(f, i, gate[0], fn, arg));
		}
		assert_true(pid[i] > 0);
	}
	close(gate[0]);
	close(gate[1]);
	for (unsigned i = 0; i < RACERS; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status));
		count[WEXITSTATUS(status) & 127]++;
	}
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
}

typedef struct prize {
	const hl_chip *chip;
	const hl_card_row *card;
} prize;

static int
try_intent(fixture *f, const hl_issue *in, const char *state)
{
	hl_intent_result r;
	hl_rc rc;

	rc = hl_store_intent_open(f->s, in, state, "reader A", &r, &f->err);
	if (rc != HL_OK) {
		fprintf(stderr, "racer: %s: %s\n", f->err.what, f->err.why);
		return 101;
	}
	return (int)r.verdict;
}

static int
race_for_chip(fixture *f, unsigned me, void *arg)
{
	const prize *p = arg;
	const hl_issue in =
	    fx_issue(p->chip, &p->card[me], p->card[me].last_counter);

	return try_intent(f, &in, p->card[me].state);
}

/* One chip, sixteen cards of one firmware. */
static void
one_wins_the_chip(void **state)
{
	fixture *f = *state;
	hl_card_row cards[RACERS];
	unsigned count[128];

	cards[0] = fx_card(f, 0, 10);
	for (unsigned i = 1; i < RACERS; i++)
		cards[i] = fx_card_of(f, &cards[0].firmware, i, 10);
	for (unsigned round = 0; round < ROUNDS; round++) {
		const hl_chip chip = fx_chip(f, round);
		prize p = { &chip, cards };
		hl_figures fig;
		hl_issue open;

		race(f, race_for_chip, &p, count);
		assert_int_equal(count[HL_INTENT_OPENED], 1);
		assert_int_equal(count[HL_INTENT_BUSY], RACERS - 1);
		OK(f, hl_store_figures(f->s, 0, INT64_MAX, &fig, &f->err));
		assert_int_equal(fig.open, 1);
		for (unsigned i = 0; i < RACERS; i++) {
			hl_outcome o;

			if (hl_store_issue_open_on_card(
				f->s, &cards[i].id, &open, &f->err) != HL_OK)
				continue;
			o = fx_outcome(f, &open, HL_ISSUE_NOT_SPENT, 10, 0);
			OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
		}
		fx_check_clean(f);
	}
}

static int
race_for_card(fixture *f, unsigned me, void *arg)
{
	const prize *p = arg;
	const hl_issue in =
	    fx_issue(&p->chip[me], p->card, p->card->last_counter);

	return try_intent(f, &in, p->card->state);
}

/* Sixteen chips, one card. */
static void
one_wins_the_card(void **state)
{
	fixture *f = *state;
	hl_card_row card = fx_card(f, 0, 100);
	hl_chip chips[RACERS];
	prize p = { chips, &card };
	unsigned count[128];

	for (unsigned i = 0; i < RACERS; i++)
		chips[i] = fx_chip(f, i);
	for (unsigned round = 0; round < ROUNDS; round++) {
		hl_issue open;
		hl_outcome o;

		race(f, race_for_card, &p, count);
		assert_int_equal(
		    count[HL_INTENT_OPENED] + count[HL_INTENT_LICENSED],
		    1 + round);
		assert_true(count[HL_INTENT_OPENED] == 1);
		OK(f,
		    hl_store_issue_open_on_card(
			f->s, &card.id, &open, &f->err));
		o = fx_outcome(
		    f, &open, HL_ISSUE_ISSUED, card.last_counter - 1, round);
		OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
		card = fx_card_now(f, &card);
		fx_check_clean(f);
	}
	assert_int_equal(card.last_counter, 100 - ROUNDS);
}

static int
race_to_close(fixture *f, unsigned me, void *arg)
{
	const hl_issue *open = arg;
	const hl_outcome o = fx_outcome(
	    f, open, me % 2 == 0 ? HL_ISSUE_ISSUED : HL_ISSUE_LOST, 99, me);
	hl_rc rc;

	rc = hl_store_intent_close(f->s, &o, NULL, &f->err);
	return rc == HL_OK ? 0 : rc == HL_EEXIST ? 1 : 2;
}

/* The owner and recoverers elsewhere: one of them writes the outcome. */
static void
one_closes(void **state)
{
	fixture *f = *state;
	const hl_card_row card = fx_card(f, 0, 100);
	const hl_chip chip = fx_chip(f, 0);
	hl_issue open = fx_open(f, &chip, &card, 100);
	unsigned count[128];

	race(f, race_to_close, &open, count);
	assert_int_equal(count[0], 1);
	assert_int_equal(count[1], RACERS - 1);
	fx_check_clean(f);
}

static int
race_to_put(fixture *f, unsigned me, void *arg)
{
	const hl_cert cert = fx_cert(1);
	const hl_uid uid = fx_uid(1), none = { .n = 0 };
	hl_chip chip;

	(void)arg;
	return hl_store_chip_put(f->s, me % 3 == 0 ? NULL : &cert,
		   me % 3 == 1 ? &none : &uid, &f->actor, &chip,
		   &f->err) == HL_OK
	    ? 0
	    : 1;
}

static void
one_chip_is_made(void **state)
{
	fixture *f = *state;
	const hl_uid uid = fx_uid(1);
	unsigned count[128];
	hl_figures fig;
	hl_chip chip;

	race(f, race_to_put, NULL, count);
	assert_int_equal(count[0], RACERS);
	OK(f, hl_store_figures(f->s, 0, INT64_MAX, &fig, &f->err));
	assert_int_equal(fig.chips, 1);
	OK(f, hl_store_chip_by_uid(f->s, &uid, &chip, &f->err));
	assert_true(chip.has_cert);
}

int
conform_races(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(one_wins_the_chip),
		TEST(one_wins_the_card),
		TEST(one_closes),
		TEST(one_chip_is_made),
	};

	return cmocka_run_group_tests_name("races", tests, NULL, NULL);
}
