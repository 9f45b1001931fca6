/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/left.h"
#include "broker/rescue.h"
#include "broker/settle.h"
#include "broker/spend.h"
#include "broker/sweep.h"
#include "broker/takeback.h"

hl_rc
hl_recover_one(hl_broker *b, hl_card *card, hl_card_info *info,
    const hl_issue *issue, const hl_actor *actor, hl_deadline until,
    hl_err *err)
{
	hl_settle_card c = { card, *info, issue, NULL, false, 1, until };
	hl_err why = { 0 };
	hl_settled o;
	hl_cert *cert;
	hl_rc rc;

	if ((cert = calloc(1, sizeof(*cert))) == NULL)
		return hl_nomem(err);
	rc = hl_store_chip_cert(b->store, &issue->chip, cert, err);
	if (rc != HL_OK)
		goto out;
	c.cert = cert;
	hl_settle_recover(b, &c, &o, &why);
	*info = c.info;
	if (o.open) {
		rc = why.rc == HL_EINTEGRITY ? HL_EINTEGRITY : HL_EDOUBT;
		why.rc = rc;
		why.units_spent = HL_UNITS_UNKNOWN;
	} else {
		rc = hl_settle_commit(
		    b, issue, cert, &o, true, actor, NULL, &why);
	}
	if (rc == HL_OK)
		hl_owner_forget(b->side, &issue->owner);
	else if (err != NULL)
		*err = why;
out:
	free(cert);
	return rc;
}

/* ---- all open issues ----------------------------------------------------- */

struct open_list {
	hl_issue *p;
	size_t n, cap;
	bool failed;
};

static bool
collect(void *arg, const hl_issue *i)
{
	struct open_list *l = arg;
	hl_issue *bigger;

	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 16 : l->cap * 2;
		bigger = reallocarray(l->p, l->cap, sizeof(*bigger));
		if (bigger == NULL) {
			l->failed = true;
			return false;
		}
		l->p = bigger;
	}
	l->p[l->n++] = *i;
	return true;
}

static hl_rc
no_such_card(size_t present, const hl_card_row *row, hl_err *err)
{
	return hl_fail(err, HL_ENODEV, "find the card", "",
	    present == 0 ? "card %s is in no reader"
			 : "card %s is none of those that answer",
	    hl_broker_name(row));
}

/* One of its firmware identifier that has another counter. */
static void
tell_alike(
    hl_broker *b, const hl_present *p, const hl_card_row *row, hl_err *err)
{
	bool alike = false;

	if (!p->known &&
	    hl_broker_may_be(b, &p->info, row, &alike, NULL) == HL_OK && alike)
		hl_err_add(err,
		    "the card in \"%s\" has its firmware identifier, but %u "
		    "left where %u or %u are expected: another card? if it is "
		    "this one, say --card %s",
		    p->info.reader, p->info.counter, row->last_counter,
		    row->last_counter - 1, row->label);
}

/*
 * A card without a serial number: the broker's judgement which of the cards
 * that are there it is, for which all of them are read. Its counter decides
 * what became of the request, so nothing is taken for it that may be another.
 */
static hl_rc
pick_weak(hl_broker *b, const hl_present *list, size_t n,
    const hl_card_row *row, const hl_present **out, hl_err *err)
{
	hl_rc rc = no_such_card(n, row, err);

	*out = NULL;
	for (size_t i = 0; i < n; i++) {
		const hl_present *p = &list[i];

		if (p->unsure)
			rc = hl_fail(err, HL_ECONFLICT, "find the card", "",
			    "say which one with --card LABEL: %s", p->err.why);
		else if (p->rc != HL_OK)
			hl_err_add(err,
			    "the card in \"%s\" cannot be asked: %s",
			    p->info.reader, p->err.why);
		else if (!p->known || !hl_uuid_equal(&p->row.id, &row->id))
			tell_alike(b, p, row, err);
		else if (!p->info.has_counter)
			hl_err_add(err,
			    "the counter of the card in \"%s\" cannot be read",
			    p->info.reader);
		else if (*out != NULL)
			return hl_fail(err, HL_EUSAGE, "find the card",
			    "leave only the one that is meant in a reader",
			    "the cards in \"%s\" and \"%s\" could both be "
			    "card %s: leave only that one in a reader",
			    (*out)->info.reader, p->info.reader,
			    hl_broker_name(row));
		else
			*out = p;
	}
	return *out != NULL ? HL_OK : rc;
}

static hl_rc
find_weak(hl_broker *b, const hl_recover_request *req, const hl_card_row *row,
    hl_card **card, hl_card_info *info, hl_err *err)
{
	const hl_present *p;
	hl_present *list;
	size_t n;
	hl_rc rc;

	rc = hl_broker_present(b, req->card, NULL, req->until, &list, &n, err);
	if (rc != HL_OK)
		return rc;
	rc = pick_weak(b, list, n, row, &p, err);
	if (rc == HL_OK)
		rc = hl_broker_open_card(
		    b, p->info.reader, req->until, card, info, err);
	if (rc == HL_OK &&
	    (!hl_card_same(info, &p->info) ||
		info->counter != p->info.counter)) {
		hl_card_close(card);
		rc = hl_fail(err, HL_EBUSY, "find the card", "try again",
		    "the card in \"%s\" was changed or used just now",
		    p->info.reader);
	}
	free(list);
	return rc;
}

/* Opens the reader where the card of this issue is now. */
static hl_rc
find_card(hl_broker *b, const hl_recover_request *req, const hl_card_row *row,
    hl_card **card, hl_card_info *info, hl_err *err)
{
	const char *selector = req->card;
	hl_place_of_card *places;
	size_t n;
	hl_rc rc;

	*card = NULL;
	if (row->serial[0] == '\0')
		return find_weak(b, req, row, card, info, err);
	/* A software card is in no reader: look where it was seen last. */
	if (selector == NULL && strncmp(row->reader, "sim:", 4) == 0)
		selector = row->reader;
	rc = hl_broker_places(b, selector, req->until, &places, &n, err);
	if (rc != HL_OK)
		return rc;
	rc = no_such_card(n, row, err);
	for (size_t i = 0; i < n && *card == NULL; i++) {
		hl_err e = { 0 };

		if (hl_broker_open_card(b, places[i].reader,
			hl_broker_patience(&places[i], n, req->until), card,
			info, &e) != HL_OK)
			hl_err_add(err,
			    "the card in \"%s\" cannot be asked: %s",
			    places[i].reader, e.why);
		else if (strcmp(info->serial, row->serial) != 0)
			hl_card_close(card);
	}
	free(places);
	return *card != NULL ? HL_OK : rc;
}

/* The license is in the spool or a rescue file: that needs no card. */
static bool
recover_kept(hl_broker *b, const hl_recover_request *req, const hl_issue *issue)
{
	hl_chip chip;
	hl_rescue r;

	/* What cannot be adopted stays, and so does the request. */
	if (hl_store_chip_by_id(b->store, &issue->chip, &chip, NULL) == HL_OK)
		(void)!hl_left_adopt(b, &issue->id, chip.cert_sha256, NULL);
	if (hl_rescue_find(b->side, b->rescue_dir, &issue->id, &r, NULL) !=
		HL_OK ||
	    hl_take_back_open(b, &r, req->actor,
		"the license was in the spool or a rescue file", NULL) != HL_OK)
		return false;
	hl_spool_drop(b->side, &issue->id);
	hl_owner_forget(b->side, &issue->owner);
	return true;
}

/* What the store says of the issue now. */
static hl_rc
look_again(hl_broker *b, hl_recovered *r, hl_err *err)
{
	hl_issue now;
	hl_rc rc = hl_store_issue_by_id(b->store, &r->before.id, &now, err);

	if (rc == HL_OK)
		r->after = now;
	return rc;
}

static hl_rc
recover_with_card(
    hl_broker *b, const hl_recover_request *req, hl_recovered *r, hl_err *err)
{
	hl_card_info info;
	hl_card *card;
	hl_rc rc;

	rc = find_card(b, req, &r->card, &card, &info, err);
	if (rc != HL_OK)
		return rc;
	/* Between the listing and the lock somebody may have closed it. */
	rc = look_again(b, r, err);
	if (rc == HL_OK && r->after.state == HL_ISSUE_OPEN)
		rc = hl_recover_one(
		    b, card, &info, &r->before, req->actor, req->until, err);
	hl_card_close(&card);
	return rc;
}

static void
recover_each(hl_broker *b, const hl_recover_request *req, hl_recovered *r)
{
	const hl_issue *i = &r->before;
	hl_err err = { 0 };
	hl_rc rc;

	if ((rc = hl_store_card_by_id(b->store, &i->card, &r->card, &err)) ==
		HL_OK &&
	    (rc = hl_store_chip_by_id(b->store, &i->chip, &r->chip, &err)) ==
		HL_OK) {
		rc = recover_with_card(b, req, r, &err);
		if (rc != HL_OK && recover_kept(b, req, i))
			rc = HL_OK;
	}
	if (rc == HL_OK)
		rc = look_again(b, r, &err);
	/* While the card was waited for, its holder may have closed it. */
	else if (look_again(b, r, NULL) == HL_OK &&
	    r->after.state != HL_ISSUE_OPEN)
		rc = HL_OK;
	if (rc != HL_OK)
		(void)hl_text_format(r->why, sizeof(r->why), "%s", err.why);
}

/* Which one it is, and no more. */
static void
describe(hl_broker *b, hl_recovered *r, const char *why)
{
	if (hl_store_card_by_id(b->store, &r->before.card, &r->card, NULL) !=
	    HL_OK)
		memset(&r->card, 0, sizeof(r->card));
	if (hl_store_chip_by_id(b->store, &r->before.chip, &r->chip, NULL) !=
	    HL_OK)
		memset(&r->chip, 0, sizeof(r->chip));
	(void)hl_text_copy(r->why, sizeof(r->why), why);
}

static void
report_each(hl_broker *b, const hl_recover_request *req, const hl_issue *issue,
    hl_recovered *r)
{
	memset(r, 0, sizeof(*r));
	r->before = r->after = *issue;
	r->in_progress = hl_owner_alive(b->side, &issue->owner);
	if (r->in_progress)
		describe(b, r,
		    "the process that asked for it, or what it started, is "
		    "still at work");
	else if (req->actor == NULL)
		describe(
		    b, r, "would be settled with its card, or by the spool");
	else
		recover_each(b, req, r);
	req->row(req->arg, r);
}

/* What recovery could not resolve. */
static hl_rc
judge_rest(unsigned left, unsigned strange, unsigned late, hl_err *err)
{
	if (left > 0) {
		(void)hl_fail(err, HL_EDOUBT, "recover",
		    "insert the cards that are missing, take out and insert "
		    "those that do not answer, and run it again",
		    "%u request%s stay%s open", left, left == 1 ? "" : "s",
		    left == 1 ? "s" : "");
		if (err != NULL)
			err->units_spent = HL_UNITS_UNKNOWN;
		return HL_EDOUBT;
	}
	if (strange == 0 && late == 0)
		return HL_OK;
	if (strange == 0)
		return hl_fail(err, HL_EDOUBT, "recover",
		    "if it is a license after all: hsmlic license import FILE "
		    "--uid UID --firmware NAME; else move the file away",
		    "ST's program wrote %u license%s too late for %s request",
		    late, late == 1 ? "" : "s", late == 1 ? "its" : "their");
	return hl_fail(err, HL_EDOUBT, "recover",
	    HL_STRANGE_HINT "; move away a file that is of no use",
	    "the spool holds %u license%s that this store does not know: was "
	    "it restored from an older copy?",
	    strange, strange == 1 ? "" : "s");
}

hl_rc
hl_broker_recover(hl_broker *b, const hl_recover_request *req, hl_err *err)
{
	struct open_list list = { NULL, 0, 0, false };
	const bool dry_run = req->actor == NULL;
	unsigned left = 0, strange = 0, late = 0;
	hl_recovered *r;
	hl_rc rc;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return hl_nomem(err);
	if (!dry_run && (rc = hl_spend_folders(b, err)) != HL_OK)
		goto out;
	rc = hl_store_issue_list_open(b->store, collect, &list, err);
	if (rc == HL_OK && list.failed)
		rc = hl_nomem(err);
	for (size_t i = 0; rc == HL_OK && i < list.n; i++) {
		report_each(b, req, &list.p[i], r);
		left += !dry_run && !r->in_progress &&
		    r->after.state == HL_ISSUE_OPEN;
	}
	if (rc == HL_OK && !dry_run) {
		strange = hl_take_back_spool(b, req->actor);
		late = hl_count_late(b);
		hl_sweep(b->side);
	}
	if (rc == HL_OK)
		rc = judge_rest(left, strange, late, err);
out:
	free(list.p);
	free(r);
	return rc;
}

/* A license that left a card is not dropped, and this one is, or may be, at
 * hand. */
static hl_rc
refuse_spooled(hl_broker *b, const hl_issue *issue, hl_err *err)
{
	hl_err why = { 0 };
	hl_chip chip;
	hl_rescue r;
	hl_rc rc;

	if ((rc = hl_store_chip_by_id(b->store, &issue->chip, &chip, err)) !=
	    HL_OK)
		return rc;
	rc = hl_left_adopt(b, &issue->id, chip.cert_sha256, err);
	if (rc != HL_OK && rc != HL_ENOTFOUND)
		return rc;
	rc = hl_suspect_find(b->side, &issue->id, &r, err);
	if (rc != HL_OK && rc != HL_ENOTFOUND)
		return rc;
	rc = hl_rescue_find(b->side, b->rescue_dir, &issue->id, &r, &why);
	if (rc == HL_ENOTFOUND || rc == HL_EACCESS)
		return HL_OK;
	if (rc != HL_OK) {
		hl_err_hint(&why,
		    "it may hold the license of this request: make it "
		    "readable, then run hsmlic recover");
		if (err != NULL)
			*err = why;
		return rc;
	}
	return hl_fail(err, HL_ECONFLICT, "write off a request",
	    "take it back: hsmlic recover",
	    "its license is in the spool or a rescue file");
}

static hl_rc
may_write_off(
    hl_broker *b, const hl_uuid *issue, const char *reason, hl_err *err)
{
	hl_issue i;
	hl_rc rc;

	if ((rc = hl_text_check("reason", reason, false, err)) != HL_OK ||
	    (rc = hl_store_issue_by_id(b->store, issue, &i, err)) != HL_OK)
		return rc;
	if (i.state != HL_ISSUE_OPEN)
		return hl_fail(err, HL_ECONFLICT, "write off a request", "",
		    "it is not open but %s", hl_issue_state_name(i.state));
	if (hl_owner_alive(b->side, &i.owner))
		return hl_fail(err, HL_EBUSY, "write off a request",
		    "wait for it",
		    "the process that asked for it is still at work");
	return refuse_spooled(b, &i, err);
}

hl_rc
hl_broker_write_off(hl_broker *b, const hl_uuid *issue, const char *reason,
    const hl_actor *actor, hl_err *err)
{
	hl_outcome o = { .issue = *issue,
		.state = HL_ISSUE_WRITTEN_OFF,
		.recovered = true };
	hl_rc rc = may_write_off(b, issue, reason, err);
	hl_rescue suspect;

	if (rc != HL_OK || actor == NULL)
		return rc;
	o.actor = *actor;
	(void)hl_text_copy(o.detail, sizeof(o.detail), reason);
	/* Bytes came, if perhaps not all of them: they go along, and a unit
	 * went for them. */
	if (hl_suspect_find(b->side, issue, &suspect, NULL) == HL_OK) {
		o.state = HL_ISSUE_BAD;
		o.license = suspect.license;
		o.license_n = suspect.n;
	}
	rc = hl_store_intent_close(b->store, &o, NULL, err);
	if (rc == HL_OK)
		hl_suspect_drop(b->side, issue);
	return rc;
}
