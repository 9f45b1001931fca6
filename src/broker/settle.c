/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/settle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/left.h"
#include "broker/rescue.h"
#include "broker/verdict.h"

/* How long a card that may have counted is waited for, should it be gone; and
 * one that surely did not get the request. */
#define PATIENCE_MS 15000
#define SHORT_PATIENCE_MS 2000
#define POLL_MS 100

/* What came of the requests that were sent. */
typedef struct exchange {
	hl_card_answer
	    stray;    /* bytes that answer no request of ours; n 0: none */
	hl_exec exec; /* of the newest request */
	bool refused; /* the newest one, by the card's own status word */
	char why[200]; /* what its vendor's program did instead; "" */
} exchange;

static void HL_PRINTF(2, 3) detail(hl_settled *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)hl_text_vformat(s->detail, sizeof(s->detail), fmt, ap);
	va_end(ap);
	/* A character that was cut in two is no text for the store. */
	hl_text_clean(s->detail);
}

static void
finish(hl_settled *s, hl_issue_state state, uint32_t counter)
{
	s->open = false;
	s->state = state;
	s->counter_known = true;
	s->counter_after = counter;
}

static void
keep(hl_settled *s, const uint8_t *license, size_t n)
{
	memcpy(s->license, license, n);
	s->n = n;
}

/* True when the card that was read is still the one of the intent. */
static bool
same_card(const hl_settle_card *c, const hl_card_info *now)
{
	return hl_card_same(now, &c->info) && now->has_counter;
}

/*
 * A card without a serial number that was out of the reader is known by its
 * counter alone: then it has to be what it can be after one request.
 */
static bool
may_be_that_card(const hl_settle_card *c, const hl_card_info *now)
{
	const uint32_t before = c->issue->counter_before;

	return now->counter == before || now->counter + 1 == before ||
	    hl_card_stayed(c->card, c->until);
}

/*
 * Gets back to the card after a failure and reads it. The transaction was given
 * up on the way, so the card is no longer known to have been ours alone.
 */
static hl_rc
come_back(hl_settle_card *c, uint32_t patience_ms, hl_err *err)
{
	const hl_deadline patience = hl_deadline_in(patience_ms);
	const hl_deadline until = c->until < patience ? c->until : patience;
	hl_card_info now;
	hl_rc rc;

	c->exclusive = false;
	for (;;) {
		rc = hl_card_reconnect(c->card, until, err);
		if (rc == HL_OK)
			rc = hl_card_read(c->card, &now, until, err);
		if (rc == HL_OK || hl_deadline_left(until) == 0)
			break;
		hl_sleep_ms(POLL_MS);
	}
	if (rc != HL_OK)
		return rc;
	if (!same_card(c, &now))
		return hl_fail(err, HL_EDOUBT, "ask the card what happened", "",
		    "another card is in \"%s\" now", now.reader);
	if (!may_be_that_card(c, &now))
		return hl_fail(err, HL_EDOUBT, "ask the card what happened", "",
		    "the card was taken out of \"%s\" meanwhile, and one that "
		    "counts %u is there now",
		    now.reader, now.counter);
	c->info = now;
	return HL_OK;
}

/* Reads the counter under the same lock; else comes back to the card. */
static hl_rc
read_again(hl_settle_card *c, hl_err *err)
{
	hl_card_info now;

	if (hl_card_read(c->card, &now, c->until, NULL) == HL_OK &&
	    same_card(c, &now) && may_be_that_card(c, &now)) {
		c->info = now;
		return HL_OK;
	}
	return come_back(c, PATIENCE_MS, err);
}

void
hl_settled_rescue(const hl_settled *s, const hl_issue *issue,
    const hl_cert *cert, hl_rescue *r)
{
	memset(r, 0, sizeof(*r));
	r->issue = issue->id;
	memcpy(r->cert_sha256, cert->sha256, sizeof(r->cert_sha256));
	r->counter_after =
	    s->counter_known ? s->counter_after : issue->counter_before - 1;
	memcpy(r->license, s->license, s->n);
	r->n = s->n;
}

/*
 * Reading the counter again may take long, should the card be gone: the license
 * must not be in this process alone for so long.
 */
static void
spool(hl_broker *b, const hl_settle_card *c, hl_settled *out)
{
	hl_rescue r;

	hl_settled_rescue(out, c->issue, c->cert, &r);
	out->spooled = hl_spool_put(b->side, &r, NULL) == HL_OK;
}

/*
 * The counter behind an answer; it stays as it is (*known, too) when the card
 * is out of reach. False: another card has taken this one's place, without a
 * word from the reader or while a program asked it, so nobody knows whose unit
 * the license cost.
 */
static bool
read_after(hl_settle_card *c, uint32_t *counter, bool *known)
{
	hl_card_info now;
	hl_rc rc;

	if (hl_card_read(c->card, &now, c->until, NULL) == HL_OK) {
		if (!hl_card_same(&now, &c->info))
			return false;
		if (now.has_counter && !may_be_that_card(c, &now))
			return false;
		if (now.has_counter) {
			c->info = now;
			*counter = now.counter;
			*known = true;
			return true;
		}
	}
	rc = come_back(c, PATIENCE_MS, NULL);
	if (rc == HL_OK) {
		*counter = c->info.counter;
		*known = true;
	}
	return rc != HL_EDOUBT || hl_card_stayed(c->card, c->until);
}

/*
 * The license may come from another key, so it is not handed out; the card that
 * was asked is taken to have kept its unit, and its next reading tells.
 */
static void
take_from_stranger(hl_broker *b, const hl_settle_card *c, hl_settled *out)
{
	/* Recovery would hand out what is in the spool. */
	hl_spool_drop(b->side, &c->issue->id);
	out->spooled = false;
	finish(out, HL_ISSUE_BAD, c->issue->counter_before);
	detail(out,
	    "another card was in \"%.120s\" when the answer came; its license "
	    "is kept as suspect",
	    c->info.reader);
}

/* A license came that answers our request: what does the counter say? */
static void
take_answer(hl_broker *b, hl_settle_card *c, const hl_card_answer *a,
    bool again, hl_settled *out)
{
	const uint32_t before = c->issue->counter_before;
	uint32_t counter = a->counted ? a->counter_after : before - 1;
	bool known = a->counted;

	keep(out, a->license, a->n);
	out->replayed = again;
	finish(out, HL_ISSUE_ISSUED, counter);
	spool(b, c, out);
	if (!read_after(c, &counter, &known)) {
		take_from_stranger(b, c, out);
		return;
	}
	finish(out, HL_ISSUE_ISSUED, counter);
	out->counter_known = known;
	if (!known) {
		detail(out,
		    "the license came, but the card could not be asked for its "
		    "counter after it");
	} else if (counter > before) {
		/* Not a count that this card can have reached by itself. */
		out->counter_known = false;
		detail(out,
		    "the counter went up from %u to %u while the license was "
		    "issued",
		    before, counter);
	} else if (counter == before) {
		detail(out, "a license came, but the counter stayed at %u",
		    before);
	} else if (before - counter > 1) {
		detail(out, "the counter fell from %u to %u for one license",
		    before, counter);
	}
}

static void
stay_open(hl_settled *out, const hl_err *why)
{
	out->open = true;
	out->n = 0;
	detail(out, "%.200s", why->why);
}

static void
detail_stray(const hl_settle_card *c, const exchange *x, hl_settled *out)
{
	if ((c->info.can & HL_BY_TOOL) == 0)
		detail(out,
		    "the card answered with another request ID; its bytes are "
		    "kept as suspect");
	else if (x->why[0] != '\0')
		detail(out, "%s", x->why);
	else
		detail(out,
		    "nobody knows whether the license that was left is whole; "
		    "it is kept as suspect");
}

/*
 * What a program wrote is kept whatever the counter says: it may have asked
 * another card than the one that it tells of.
 */
static bool
may_be_license(const hl_settle_card *c, const hl_settled *out)
{
	return out->state == HL_ISSUE_LOST ||
	    out->state == HL_ISSUE_LOST_OR_OUTSIDE ||
	    (out->state == HL_ISSUE_NOT_SPENT &&
		(c->info.can & HL_BY_TOOL) != 0);
}

/*
 * Bytes that answer no request of ours are kept, but never handed out. While
 * the request stays open they wait in the spool for whoever settles it.
 */
static void
keep_stray(
    hl_broker *b, const hl_settle_card *c, hl_settled *out, const exchange *x)
{
	const hl_card_answer *stray = &x->stray;
	hl_rescue r;

	if (stray->n == 0 || out->n != 0)
		return;
	if (out->open) {
		keep(out, stray->license, stray->n);
		hl_settled_rescue(out, c->issue, c->cert, &r);
		out->n = 0;
		(void)!hl_suspect_put(b->side, &r, NULL);
		return;
	}
	if (!may_be_license(c, out))
		return;
	out->state = HL_ISSUE_BAD;
	keep(out, stray->license, stray->n);
	detail_stray(c, x, out);
}

/* Fails when a file is there that cannot be read, since it may be the license,
 * or one that is another chip's. */
static hl_rc
judge(hl_broker *b, const hl_settle_card *c, hl_rescue *spooled, hl_verdict *v,
    hl_err *err)
{
	hl_err why = { 0 };
	const hl_rc rc = hl_rescue_find(
	    b->side, b->rescue_dir, &c->issue->id, spooled, &why);
	const hl_evidence e = {
		.before = c->issue->counter_before,
		.now = c->info.counter,
		.spooled = rc == HL_OK,
		.replay = (c->info.can & HL_CAN_REPLAY) != 0,
		.exclusive = c->exclusive,
	};

	if (rc != HL_OK && rc != HL_ENOTFOUND && rc != HL_EACCESS) {
		*err = why;
		return rc;
	}
	if (rc == HL_OK &&
	    memcmp(spooled->cert_sha256, c->cert->sha256, HL_SHA256_LEN) != 0)
		return hl_fail(err, HL_EINPUT, "settle the open issue",
		    "find out who put it there, and move it away",
		    "what is in the spool or the rescue directory under its "
		    "name is another chip's license");
	*v = hl_judge(&e);
	return HL_OK;
}

/*
 * What the card vendor's program left is evidence as the counter is. Fails when
 * something may be there that is out of reach: then nobody decides.
 */
static hl_rc
take_left(hl_broker *b, const hl_settle_card *c, exchange *x, hl_err *err)
{
	hl_err why = { 0 };
	hl_rescue suspect;
	hl_rc rc = hl_left_adopt(b, &c->issue->id, c->cert->sha256, &why);

	if (rc == HL_OK || rc == HL_ENOTFOUND)
		rc = hl_suspect_find(b->side, &c->issue->id, &suspect, &why);
	if (rc == HL_OK) {
		memcpy(x->stray.license, suspect.license, suspect.n);
		x->stray.n = suspect.n;
	} else if (rc != HL_ENOTFOUND) {
		*err = why;
		return rc;
	}
	return HL_OK;
}

/* Sends the request; true when the outcome is settled by it. */
static bool
send_request(
    hl_broker *b, hl_settle_card *c, exchange *x, hl_settled *out, hl_err *err)
{
	/* A counter that has moved says that the card has issued it before. */
	const bool again = c->info.counter != c->issue->counter_before;
	hl_card_answer a = { 0 };
	hl_rc rc;

	rc = hl_card_issue(c->card, c->cert->b, c->cert->n, &c->issue->id, &a,
	    &x->exec, c->until, err);
	x->refused = rc != HL_OK && x->exec == HL_EXEC_NO && a.sw != 0;
	if (rc != HL_OK && (c->info.can & HL_BY_TOOL) != 0)
		(void)hl_text_format(x->why, sizeof(x->why), "%s", err->why);
	if (rc == HL_OK && a.bound) {
		take_answer(b, c, &a, again, out);
		return true;
	}
	/* Also a license in an answer that is malformed otherwise. */
	if (a.n > 0)
		x->stray = a;
	if (rc == HL_OK) {
		x->exec = HL_EXEC_UNKNOWN;
		(void)hl_fail(err, HL_EDOUBT, "get a license from the card", "",
		    "the answer bears another request ID");
	}
	return false;
}

/* One verdict applied. True: ask the card with the same request once more. */
static bool
apply(hl_settle_card *c, hl_verdict v, const hl_rescue *spooled,
    const exchange *x, hl_settled *out, hl_err *err)
{
	const uint32_t before = c->issue->counter_before;
	const uint32_t now = c->info.counter;

	switch (v) {
	case HL_VERDICT_SPOOLED:
		keep(out, spooled->license, spooled->n);
		out->spooled = true;
		finish(out, HL_ISSUE_ISSUED, now);
		detail(out, "the license was in the spool or a rescue file");
		return false;
	case HL_VERDICT_NOT_SPENT:
		if (c->sends_left > 0)
			return true;
		finish(out, HL_ISSUE_NOT_SPENT, now);
		detail(out, "the counter did not move (%u)", now);
		return false;
	case HL_VERDICT_ASK_AGAIN:
		if (c->sends_left > 0)
			return true;
		(void)hl_fail(err, HL_EDOUBT, "get the license again", "",
		    "the card did not answer the repeated request");
		stay_open(out, err);
		return false;
	case HL_VERDICT_LOST:
	case HL_VERDICT_LOST_OR_OUTSIDE:
		finish(out,
		    v == HL_VERDICT_LOST ? HL_ISSUE_LOST
					 : HL_ISSUE_LOST_OR_OUTSIDE,
		    now);
		detail(out,
		    "the counter fell from %u to %u, no license came%s%s",
		    before, now, x->why[0] == '\0' ? "" : "; ", x->why);
		return false;
	case HL_VERDICT_ABOVE:
		(void)hl_fail(err, HL_EINTEGRITY, "settle the open issue",
		    "a person has to decide: is this another card, or is the "
		    "store an old copy?",
		    "the card's counter is %u, above the %u of the intent", now,
		    before);
		stay_open(out, err);
		return false;
	}
	return false;
}

/*
 * The card refused the same request that it should have replayed: the unit that
 * is gone was not ours, or its license is gone.
 */
static void
refused_replay(const hl_settle_card *c, hl_settled *out)
{
	const uint32_t before = c->issue->counter_before;

	if (c->info.counter == before) {
		finish(out, HL_ISSUE_NOT_SPENT, before);
		detail(out, "the card refused, its counter did not move (%u)",
		    before);
		return;
	}
	finish(out, HL_ISSUE_LOST_OR_OUTSIDE, c->info.counter);
	detail(out,
	    "the counter fell from %u to %u, and the card does not give "
	    "the license again",
	    before, c->info.counter);
}

/* Judges, and asks again as long as that is safe. `c->info` is fresh. */
static void
judge_until_settled(
    hl_broker *b, hl_settle_card *c, exchange *x, hl_settled *out, hl_err *err)
{
	hl_rescue spooled;
	hl_verdict v = HL_VERDICT_ABOVE; /* nobody decides */

	for (;;) {
		if (judge(b, c, &spooled, &v, err) != HL_OK) {
			stay_open(out, err);
			break;
		}
		if (!apply(c, v, &spooled, x, out, err))
			break;
		c->sends_left--;
		if (send_request(b, c, x, out, err))
			break;
		if ((x->exec == HL_EXEC_NO
			    ? read_again(c, err)
			    : come_back(c, PATIENCE_MS, err)) != HL_OK) {
			stay_open(out, err);
			break;
		}
		/* A request that did not reach the card says nothing. */
		if (x->refused) {
			refused_replay(c, out);
			break;
		}
	}
	keep_stray(b, c, out, x);
}

/* The card said no, or never got the request: that costs nothing. */
static void
settle_refusal(
    const hl_settle_card *c, const hl_err *why, bool fresh, hl_settled *out)
{
	detail(out, "%.200s", why->why);
	out->open = false;
	out->state = HL_ISSUE_NOT_SPENT;
	out->counter_known =
	    fresh && c->info.counter <= c->issue->counter_before;
	out->counter_after = c->info.counter;
}

/*
 * The request surely did not reach the card: was it the card's own refusal, or
 * a connection that was reset by others? The latter gets a second try.
 */
static void
settle_not_executed(
    hl_broker *b, hl_settle_card *c, hl_settled *out, hl_err *err)
{
	const hl_err why = *err;
	const bool refused = why.rc == HL_ENOLICENSE || why.rc == HL_ECARD;
	exchange x = { .exec = HL_EXEC_NO };
	hl_card_info now;

	if (refused || why.rc == HL_ENODEV) {
		const bool fresh =
		    hl_card_read(c->card, &now, c->until, NULL) == HL_OK &&
		    same_card(c, &now) && hl_card_stayed(c->card, c->until);
		if (fresh)
			c->info = now;
		/* A card that says no and counts all the same: judged by what
		 * it did. */
		if (fresh && now.counter < c->issue->counter_before)
			judge_until_settled(b, c, &x, out, err);
		else
			settle_refusal(c, &why, fresh, out);
		return;
	}
	if (come_back(c, SHORT_PATIENCE_MS, NULL) != HL_OK) {
		settle_refusal(c, &why, false, out);
		return;
	}
	judge_until_settled(b, c, &x, out, err);
	if (!out->open && out->state == HL_ISSUE_NOT_SPENT)
		*err = why;
}

void
hl_settle_request(hl_broker *b, hl_settle_card *c, hl_settled *out, hl_err *err)
{
	exchange x = { .exec = HL_EXEC_NO };
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	if (send_request(b, c, &x, out, err))
		return;
	if (x.exec == HL_EXEC_NO) {
		settle_not_executed(b, c, out, err);
		return;
	}
	/* Its file could not be read when the program had ended. */
	if (x.stray.n == 0 && (c->info.can & HL_BY_TOOL) != 0 &&
	    take_left(b, c, &x, err) != HL_OK) {
		stay_open(out, err);
		return;
	}
	/* A stray answer leaves the connection as it was; anything else needs a
	 * new one. */
	rc =
	    x.stray.n > 0 ? read_again(c, err) : come_back(c, PATIENCE_MS, err);
	if (rc != HL_OK) {
		stay_open(out, err);
		keep_stray(b, c, out, &x);
	} else {
		judge_until_settled(b, c, &x, out, err);
	}
}

void
hl_settle_recover(hl_broker *b, hl_settle_card *c, hl_settled *out, hl_err *err)
{
	exchange x = { .exec = HL_EXEC_NO };

	memset(out, 0, sizeof(*out));
	c->exclusive = false;
	if (take_left(b, c, &x, err) != HL_OK) {
		stay_open(out, err);
		return;
	}
	/* A request that was not executed is not made up for here: whoever
	 * wants the license asks for it. */
	if (c->info.counter == c->issue->counter_before)
		c->sends_left = 0;
	judge_until_settled(b, c, &x, out, err);
}
