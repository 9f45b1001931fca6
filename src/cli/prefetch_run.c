/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the cards, one chip after the other. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/install.h"
#include "cli/parts.h"
#include "cli/prefetch.h"

#define WHAT "prefetch licenses"
#define REFUSED_MAX 3

/* ---- an end that is asked for ------------------------------------------- */

static volatile sig_atomic_t stop_signal;

static void
on_signal(int number)
{
	if (stop_signal == 0)
		stop_signal = number;
}

int
hl_prefetch_stop_signal(void)
{
	return stop_signal;
}

void
hl_prefetch_catch_signals(bool once)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction old;

	for (size_t i = 0; i < HL_COUNT(numbers); i++) {
		struct sigaction a = { .sa_handler = on_signal };

		if (once)
			a.sa_flags = (int)SA_RESETHAND;
		/* What nohup, or a shell for its jobs, wants ignored stays so.
		 */
		if (sigaction(numbers[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &a, NULL);
	}
}

/* ---- one card ------------------------------------------------------------ */

struct asking {
	hl_prefetch *p;
	size_t card;
	uint32_t left; /* units that may still be spent on it */
	unsigned refused; /* chips in a row that it gave no license for */
	bool doubted; /* there is a license of this chip, and it is suspect */
};

static hl_rc
not_allowed(const char *why, hl_err *err)
{
	return hl_fail(err, HL_EDENIED, WHAT,
	    "run it again: what is in the store by now costs nothing", "%s",
	    why);
}

/* The permission was for this card, and for so many units. */
static hl_rc
may_spend(void *arg, const hl_spend_plan *plan, hl_err *err)
{
	struct asking *a = arg;
	const hl_card_info *then = &a->p->cards[a->card].now.info;
	hl_rc rc;

	if (hl_prefetch_stop_signal() != 0)
		return not_allowed("it was interrupted", err);
	if (!hl_card_same(then, plan->card))
		return not_allowed("the card was changed meanwhile", err);
	if (a->left == 0)
		return not_allowed(
		    "more units would go than were agreed to", err);
	/* The plan left such chips out: it became so since. */
	rc = hl_refuse_doubted(a->p->cli, plan->chip, plan->firmware, err);
	a->doubted = rc == HL_EDENIED;
	return rc;
}

static void
take_result(const hl_get_result *r, hl_prefetch_news *news)
{
	news->source = r->source;
	news->units = r->units_spent;
	memcpy(news->license_sha256, r->license.sha256, HL_SHA256_LEN);
	news->has_counter = r->source != HL_SOURCE_STORE && r->has_issue;
	news->counter = r->issue.counter_after;
}

static void
ask_once(struct asking *a, const hl_prefetch_item *it, hl_prefetch_news *news)
{
	hl_prefetch *p = a->p;
	const hl_cli *cli = p->cli;
	const hl_get_request req = { .cert = p->cert,
		.uid = it->uid.n > 0 ? &it->uid : NULL,
		.firmware = p->firmware,
		.card = p->cards[a->card].selector,
		.actor = &cli->actor,
		.until = hl_deadline_in(cli->timeout_ms),
		.may_spend = may_spend,
		.arg = a };

	memset(&news->err, 0, sizeof(news->err));
	news->units = 0;
	a->doubted = false;
	news->rc = hl_prefetch_cert(p, it, &news->err);
	if (news->rc == HL_OK)
		news->rc = hl_broker_get(cli->broker, &req, p->r, &news->err);
	if (news->rc == HL_OK)
		take_result(p->r, news);
	else
		news->units = news->err.units_spent;
	a->left -= a->left > 0 && news->units != 0;
}

/* Busy, and nothing was spent: that may be over in a moment. */
static bool
is_passing(const hl_prefetch_news *news)
{
	return (news->rc == HL_EBUSY || news->rc == HL_ETIMEOUT) &&
	    news->units == 0;
}

/*
 * Is it this one chip that is wrong, and not the card or the store? A card that
 * gives no license does so for this certificate, or for any.
 */
static bool
is_of_chip(struct asking *a, const hl_prefetch_news *news)
{
	const hl_rc rc = news->rc;

	if (rc == HL_ENOLICENSE && news->units == 0)
		return ++a->refused < REFUSED_MAX;
	a->refused = 0;
	return rc == HL_OK || a->doubted || rc == HL_ECONFLICT ||
	    rc == HL_EINPUT || rc == HL_ENOTFOUND || rc == HL_EEXIST;
}

/* A card that failed is not asked again in this run: the next units could go
 * the same way. */
static bool
serve_one(struct asking *a, size_t at,
    bool (*tell)(void *arg, const hl_prefetch_news *news), void *arg)
{
	hl_prefetch_news news = {
		.what = HL_PREFETCH_BEGINS, .card = a->card, .item = at
	};
	const hl_prefetch_item *it = &a->p->items[at];

	if (!tell(arg, &news))
		return false;
	ask_once(a, it, &news);
	if (is_passing(&news) && hl_prefetch_stop_signal() == 0)
		ask_once(a, it, &news);
	news.what = HL_PREFETCH_ENDS;
	if (!tell(arg, &news))
		return false;
	if (is_of_chip(a, &news))
		return true;
	news.what = HL_PREFETCH_STOPS;
	if (hl_prefetch_stop_signal() == 0)
		(void)tell(arg, &news);
	return false;
}

static void
serve_card(hl_prefetch *p, size_t card,
    bool (*tell)(void *arg, const hl_prefetch_news *news), void *arg)
{
	struct asking a = {
		.p = p, .card = card, .left = p->cards[card].quota
	};

	for (size_t i = 0; i < p->n; i++) {
		const hl_prefetch_item *it = &p->items[i];

		if (it->state != HL_PREFETCH_TO_DO || it->card != card)
			continue;
		if (hl_prefetch_stop_signal() != 0 ||
		    !serve_one(&a, i, tell, arg))
			return;
	}
}

void
hl_prefetch_serve(hl_prefetch *p, size_t group,
    bool (*tell)(void *arg, const hl_prefetch_news *news), void *arg)
{
	for (size_t i = 0; i < p->n_cards; i++)
		if (p->cards[i].group == group)
			serve_card(p, i, tell, arg);
}

/* ---- what is heard of it ------------------------------------------------ */

static void
end_item(hl_prefetch *p, const hl_prefetch_news *news)
{
	hl_prefetch_item *it = &p->items[news->item];
	hl_prefetch_card *c = &p->cards[news->card];

	it->units = news->units;
	if (news->units > 0)
		c->units += (uint32_t)news->units;
	if (news->rc == HL_OK) {
		it->state = news->source == HL_SOURCE_STORE ? HL_PREFETCH_KEPT
							    : HL_PREFETCH_GOT;
		it->source = news->source;
		it->has_license = true;
		memcpy(it->license_sha256, news->license_sha256, HL_SHA256_LEN);
		if (news->has_counter)
			c->counter = news->counter;
	} else {
		hl_prefetch_fail(it,
		    news->rc == HL_EDENIED ? HL_PREFETCH_NOT_TRIED
					   : HL_PREFETCH_FAILED,
		    &news->err);
	}
	hl_progress_step(&p->progress, p->progress.done + 1);
}

static void
stop_card(hl_prefetch *p, const hl_prefetch_news *news)
{
	hl_err why = news->err;

	(void)hl_fail(&why, news->rc, WHAT,
	    "see to that card, then run it again: what is in the store by now "
	    "costs nothing",
	    "%s failed before: %s", p->cards[news->card].words, news->err.why);
	for (size_t i = 0; i < p->n; i++) {
		hl_prefetch_item *it = &p->items[i];

		if (it->state == HL_PREFETCH_TO_DO && it->card == news->card)
			hl_prefetch_fail(it, HL_PREFETCH_NOT_TRIED, &why);
	}
}

void
hl_prefetch_hear(hl_prefetch *p, const hl_prefetch_news *news)
{
	if (news->what == HL_PREFETCH_ENDS)
		end_item(p, news);
	else if (news->what == HL_PREFETCH_STOPS)
		stop_card(p, news);
}

/* ---- all of it ---------------------------------------------------------- */

static bool
listen(void *arg, const hl_prefetch_news *news)
{
	hl_prefetch_hear(arg, news);
	return true;
}

/* What nobody came to. */
static void
leave_rest(hl_prefetch *p)
{
	hl_err why = { 0 };

	(void)not_allowed("it was interrupted", &why);
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].state == HL_PREFETCH_TO_DO)
			hl_prefetch_fail(
			    &p->items[i], HL_PREFETCH_NOT_TRIED, &why);
}

hl_rc
hl_prefetch_run(hl_prefetch *p, hl_err *err)
{
	hl_rc rc = HL_OK;

	hl_prefetch_catch_signals(true);
	hl_progress_start(&p->progress, p->cli, "getting licenses", p->need);
	if (p->groups > 1)
		rc = hl_prefetch_workers(p, err);
	else
		hl_prefetch_serve(p, 0, listen, p);
	hl_progress_end(&p->progress);
	leave_rest(p);
	return rc;
}
