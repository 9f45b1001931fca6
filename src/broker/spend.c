/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/spend.h"

#include <stdio.h>
#include <string.h>

#include "broker/ballast.h"
#include "broker/left.h"
#include "broker/recover.h"
#include "broker/settle.h"
#include "broker/takeback.h"
#include "util/file.h"
#include "util/signals.h"

/* The request that the card may get again, with the same ID. */
#define SENDS_AGAIN 2

static hl_rc
refuse(const hl_card_info *info, const hl_card_row *row, const char *hint,
    const char *why, hl_err *err)
{
	return hl_fail(err, HL_ENOLICENSE, "get a license", hint,
	    "card %s in \"%s\" %s", hl_broker_name_info(info, row),
	    info->reader, why);
}

static hl_rc
refuse_driver(const hl_card_info *info, const hl_card_row *row, hl_err *err)
{
	if (info->driver[0] == '\0')
		return refuse(info, row,
		    "insert an Open License Card, or say that it is an "
		    "STM32HSM: hsmlic card add --driver stm32hsm",
		    "is of a kind that no driver knows", err);
	return refuse(info, row,
	    "get the license with the card vendor's own program, then keep it "
	    "with hsmlic license import",
	    "is recognised, but this version cannot ask it for licenses", err);
}

static hl_rc
refuse_state(const hl_card_info *info, const hl_card_row *row, hl_err *err)
{
	if (info->state == HL_CARD_ST)
		return refuse(info, row,
		    "use a card that its OEM has personalised",
		    "is in ST_STATE: it holds no firmware key", err);
	if (info->state == HL_CARD_BLANK)
		return refuse(info, row,
		    "use a card that its OEM has personalised",
		    "is blank (OEM_STATE): it holds no firmware key", err);
	if (info->state == HL_CARD_TERMINATED)
		return refuse(info, row, "use another card",
		    "is at the end of its life (TERMINATED_STATE)", err);
	return refuse(
	    info, row, "use another card", "is in an unknown state", err);
}

/* No account without a counter. */
static hl_rc
refuse_counter(const hl_card_info *info, const hl_card_row *row, hl_err *err)
{
	if ((info->can & HL_BY_TOOL) == 0)
		return refuse(info, row, "use another card, and tell its maker",
		    "does not tell its counter", err);
	return refuse(info, row,
	    "see what STM32_Programmer_CLI -hsmgetinfo and -hsmgetcounter "
	    "print, and report it with your version",
	    "cannot be accounted for: no counter was found in what "
	    "STM32_Programmer_CLI prints",
	    err);
}

hl_rc
hl_spend_possible(const hl_card_info *info, const hl_card_row *row,
    const hl_cert *cert, hl_err *err)
{
	char why[160];

	if (row != NULL && row->retired_at != 0)
		return refuse(info, row,
		    "use another card; licenses already in the store keep "
		    "working",
		    "is retired: it was taken out of use for ever", err);
	if ((info->can & HL_CAN_ISSUE) == 0)
		return refuse_driver(info, row, err);
	/* ST's program may tell the state in words that nobody knows yet. */
	if (info->state != HL_CARD_OPERATIONAL &&
	    (info->state != HL_CARD_UNKNOWN || (info->can & HL_BY_TOOL) == 0))
		return refuse_state(info, row, err);
	if (!info->has_counter)
		return refuse_counter(info, row, err);
	if (info->counter == 0)
		return refuse(info, row,
		    "use another card of this firmware; licenses already in "
		    "the "
		    "store keep working",
		    "has no licenses left (counter is zero)", err);
	if (info->product_id[0] != '\0' &&
	    strcmp(info->product_id, cert->product_id) != 0) {
		(void)snprintf(why, sizeof(why),
		    "serves product %s, the chip's certificate says %s",
		    info->product_id,
		    cert->product_id[0] == '\0' ? "none" : cert->product_id);
		return refuse(
		    info, row, "use the card of this product", why, err);
	}
	return HL_OK;
}

static hl_rc
make_folder(hl_broker *b, const char *name, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc = hl_path(path, sizeof(path), err, "%s/%s", b->side, name);

	return rc == HL_OK ? hl_dir_make(path, err) : rc;
}

hl_rc
hl_spend_folders(hl_broker *b, hl_err *err)
{
	hl_rc rc;

	if ((rc = make_folder(b, "spool", err)) != HL_OK)
		return rc;
	return make_folder(b, "owner", err);
}

static hl_rc
prepare(hl_broker *b, hl_spend *s, hl_err *err)
{
	hl_issue *i = &s->issue;
	hl_rc rc;

	memset(i, 0, sizeof(*i));
	if ((rc = hl_spend_folders(b, err)) != HL_OK ||
	    (rc = hl_refuse_strange(b, s->cert->sha256, err)) != HL_OK ||
	    (rc = hl_ballast_load(b->side, err)) != HL_OK ||
	    (rc = hl_owner_take(&b->owner, b->side, err)) != HL_OK ||
	    (rc = hl_uuid_new(&i->id, err)) != HL_OK)
		return rc;
	i->chip = s->chip->id;
	i->firmware = s->firmware->id;
	i->card = s->row->id;
	i->owner = b->owner.id;
	i->actor = *s->actor;
	return HL_OK;
}

static hl_rc
counter_above(const hl_spend *s, uint32_t expected, hl_err *err)
{
	return hl_fail(err, HL_EINTEGRITY, "get a license",
	    "a person has to decide: is this another card with the same serial "
	    "number, or was its memory restored?",
	    "card %s counts %u, but only %u were left when it was seen last",
	    hl_broker_name(s->row), s->info.counter, expected);
}

hl_rc
hl_spend_unresolved(hl_broker *b, const hl_issue *open, hl_err *err)
{
	hl_card_row card = { 0 };
	char id[HL_UUID_TEXT];
	hl_rc rc;

	rc = hl_store_card_by_id(b->store, &open->card, &card, err);
	if (rc != HL_OK)
		return rc;
	hl_uuid_text(&open->id, id);
	rc = hl_fail(err, HL_EDOUBT, "get a license", "",
	    "an earlier request for this chip (%s) was cut short on card %s "
	    "and is not resolved",
	    id, hl_broker_name(&card));
	hl_err_hint(err,
	    "with card %s in a reader, run hsmlic recover: it tells whether "
	    "that unit is gone",
	    hl_broker_name(&card));
	if (err != NULL)
		err->units_spent = HL_UNITS_UNKNOWN;
	return rc;
}

bool
hl_spend_in_vain(const hl_issue *i)
{
	return i->state == HL_ISSUE_BAD || i->state == HL_ISSUE_LOST ||
	    i->state == HL_ISSUE_LOST_OR_OUTSIDE ||
	    i->state == HL_ISSUE_WRITTEN_OFF;
}

/* An issue is in the way. Sets s->wait, or resolves it, or says why not. */
static hl_rc
clear_the_way(hl_broker *b, hl_spend *s, const hl_issue *other, hl_err *err)
{
	hl_issue now;
	hl_rc rc;

	if (hl_owner_alive(b->side, &other->owner)) {
		s->wait = true;
		s->other = *other;
		return HL_OK;
	}
	/* An owner that is gone may have closed it on the way out. */
	rc = hl_store_issue_by_id(b->store, &other->id, &now, err);
	if (rc == HL_OK && now.state == HL_ISSUE_OPEN) {
		if (!hl_uuid_equal(&other->card, &s->row->id))
			return hl_spend_unresolved(b, other, err);
		s->source = HL_SOURCE_REPLAY;
		rc = hl_recover_one(
		    b, s->card, &s->info, other, s->actor, s->until, err);
		if (rc == HL_OK)
			rc = hl_store_issue_by_id(
			    b->store, &other->id, &now, err);
	}
	/* The permission was given when nobody knew of that loss. */
	s->again = rc == HL_OK && hl_spend_in_vain(&now) &&
	    hl_uuid_equal(&now.chip, &s->issue.chip) &&
	    hl_uuid_equal(&now.firmware, &s->issue.firmware);
	return rc;
}

/*
 * The first commit, with what stands in its way recovered before. *opened: the
 * intent is durable. Else s->license, s->wait or s->again is set.
 */
static hl_rc
open_intent(
    hl_broker *b, hl_spend *s, const hl_cert *cert, bool *opened, hl_err *err)
{
	hl_intent_result r;
	hl_rc rc;

	for (;;) {
		*opened = false;
		if ((rc = hl_spend_possible(&s->info, s->row, cert, err)) !=
		    HL_OK)
			return rc;
		s->issue.counter_before = s->info.counter;
		rc = hl_store_intent_open(b->store, &s->issue,
		    hl_card_state_name(s->info.state), s->info.reader, &r, err);
		if (rc != HL_OK)
			return rc;
		if (r.verdict == HL_INTENT_COUNTER_ABOVE)
			return counter_above(s, r.expected, err);
		if (r.verdict == HL_INTENT_LICENSED) {
			s->license = r.license;
			return HL_OK;
		}
		if (r.verdict == HL_INTENT_OPENED)
			break;
		rc = clear_the_way(b, s, &r.other, err);
		if (rc != HL_OK || s->wait || s->again)
			return rc;
	}
	*opened = true;
	if (r.outside > 0)
		hl_broker_note(b,
		    "%u unit%s left card %s outside of this store since it was "
		    "seen last; recorded",
		    r.outside, r.outside == 1 ? "" : "s",
		    hl_broker_name(s->row));
	return hl_store_issue_by_id(b->store, &s->issue.id, &s->issue, err);
}

static hl_rc
in_doubt(const hl_spend *s, hl_err *err)
{
	char id[HL_UUID_TEXT];
	const hl_rc cause = err->rc;

	hl_uuid_text(&s->issue.id, id);
	err->rc = cause == HL_EINTEGRITY ? HL_EINTEGRITY : HL_EDOUBT;
	err->units_spent = HL_UNITS_UNKNOWN;
	hl_err_add(err, "request %s is in doubt", id);
	hl_err_hint(err,
	    "with the card in its reader, run hsmlic recover: it tells whether "
	    "the unit is gone and brings the license back if the card can");
	return err->rc;
}

/* What to look at before another unit is spent. */
static void
hint_at_loss(hl_broker *b, const hl_spend *s, const hl_settled *o, hl_err *err)
{
	char log[PATH_MAX] = "", printed[HL_ERR_HINT / 2] = "", again[200] = "";
	char chip[HL_UID_TEXT] = "CHIP";

	if (s->chip->uid.n > 0)
		hl_uid_text(&s->chip->uid, chip);
	if (o->state == HL_ISSUE_BAD)
		(void)hl_text_format(again, sizeof(again),
		    "if the license is good all the same, hsmlic license trust "
		    "%s --reason TEXT hands it out; ",
		    chip);
	if (hl_left_log(b, &s->issue.id, log, sizeof(log)) &&
	    strlen(log) < sizeof(printed) - 40)
		(void)hl_text_format(printed, sizeof(printed),
		    "what the program printed is in %s; ", log);
	hl_err_hint(err,
	    "%s%sthe loss is recorded; another attempt costs another unit",
	    again, printed);
}

static int
units_of(const hl_settled *o, const hl_issue *i)
{
	return !o->counter_known || o->counter_after < i->counter_before
	    ? 1
	    : HL_UNITS_UNKNOWN;
}

/* The outcome is known and recorded, but it is no license as it should be. */
static hl_rc
report_failure(
    hl_broker *b, const hl_spend *s, const hl_settled *o, hl_err *err)
{
	switch (o->state) {
	case HL_ISSUE_NOT_SPENT:
		if (err->rc == HL_OK || err->rc == HL_EDOUBT)
			(void)hl_fail(err, HL_EBUSY, "get a license",
			    "try again", "%s", o->detail);
		err->units_spent = 0;
		return err->rc;
	case HL_ISSUE_BAD:
	case HL_ISSUE_LOST:
	case HL_ISSUE_LOST_OR_OUTSIDE:
		(void)hl_fail(
		    err, HL_EDOUBT, "get a license", "", "%s", o->detail);
		hint_at_loss(b, s, o, err);
		err->units_spent = units_of(o, &s->issue);
		return HL_EDOUBT;
	case HL_ISSUE_OPEN:
	case HL_ISSUE_ISSUED:
	case HL_ISSUE_WRITTEN_OFF:
		break;
	}
	return hl_fail(err, HL_EDOUBT, "get a license", "", "%s", o->detail);
}

static bool
counted_right(const hl_settled *o, const hl_issue *i)
{
	return o->counter_known && o->counter_after + 1 == i->counter_before;
}

static hl_rc
strange_count(const hl_settled *o, const hl_issue *i, hl_err *err)
{
	(void)hl_fail(err, HL_EDOUBT, "get a license",
	    "the license is kept and the reading recorded: the next get hands "
	    "it "
	    "out for nothing; find out who else uses this card",
	    "%s", o->detail);
	err->units_spent = HL_UNITS_UNKNOWN;
	if (!o->counter_known)
		hl_err_hint(err,
		    "the license is kept: the next get hands it out for "
		    "nothing; put the card in again and run hsmlic card list: "
		    "it compares the counter");
	if (o->counter_known)
		err->units_spent = o->counter_after < i->counter_before;
	return HL_EDOUBT;
}

/* From the durable intent to the durable outcome. */
static hl_rc
ask_and_record(hl_broker *b, hl_spend *s, hl_err *err)
{
	/* Another program's work is not repeated blindly, and others could use
	 * the card beside it. */
	const bool ours = (s->info.can & HL_BY_TOOL) == 0;
	hl_settle_card c = { s->card, s->info, &s->issue, s->cert, ours,
		ours ? SENDS_AGAIN : 0, s->until };
	hl_settled o;
	hl_rc rc;

	hl_settle_request(b, &c, &o, err);
	s->source = o.replayed ? HL_SOURCE_REPLAY : HL_SOURCE_CARD;
	s->units_spent = 1;
	if (o.open)
		return in_doubt(s, err);
	rc = hl_settle_commit(
	    b, &s->issue, s->cert, &o, o.replayed, s->actor, &s->license, err);
	if (rc != HL_OK)
		return rc;
	if (o.state != HL_ISSUE_ISSUED)
		return report_failure(b, s, &o, err);
	return counted_right(&o, &s->issue) ? HL_OK
					    : strange_count(&o, &s->issue, err);
}

hl_rc
hl_spend_unit(hl_broker *b, hl_spend *s, hl_err *err)
{
	hl_err why = { 0 };
	sigset_t signals;
	bool opened;
	hl_rc rc;

	s->wait = s->again = false;
	s->units_spent = 0;
	s->source = HL_SOURCE_STORE;
	if ((rc = prepare(b, s, err)) != HL_OK)
		return rc;
	/* While a person was asked, nobody held it. */
	if (!hl_card_stayed(s->card, s->until))
		return hl_broker_changed(&s->info, err);
	/* Ctrl-C now would lose the license of a card that cannot replay. The
	 * deadline bounds the wait. */
	hl_signals_hold(&signals);
	rc = open_intent(b, s, s->cert, &opened, &why);
	if (rc == HL_OK && opened)
		rc = ask_and_record(b, s, &why);
	/* What may be open is recovery's: also an intent whose commit failed
	 * in its last step. */
	if (rc != HL_OK)
		hl_owner_free(&b->owner);
	hl_signals_release(&signals);
	if (rc != HL_OK && err != NULL)
		*err = why;
	return rc;
}
