/* SPDX-License-Identifier: Apache-2.0 */
/* The second commit: what became of an issue. */
#include <string.h>

#include "crypto/hash.h"
#include "store/sqlite/card.h"
#include "store/sqlite/issue.h"
#include "store/sqlite/log.h"

static const char two_licenses[] =
    "another license of this chip was active when this one came";

typedef struct closing {
	hl_store *s;
	const hl_outcome *o;
	hl_issue issue;
	uint32_t units, after;
} closing;

static hl_rc
check_outcome(const hl_outcome *o, hl_err *err)
{
	hl_rc rc;

	if (o->state == HL_ISSUE_OPEN) {
		return hl_fail(err, HL_EINPUT, "close an issue",
		    "say what became of it", "\"open\" is not an outcome");
	}
	if ((rc = hl_text_check("detail", o->detail, true, err)) != HL_OK)
		return rc;
	if (o->state == HL_ISSUE_ISSUED ||
	    (o->state == HL_ISSUE_BAD && o->license_n > 0)) {
		rc = hl_license_check(o->license, o->license_n, err);
		if (rc != HL_OK)
			return rc;
	}
	return hl_actor_check(&o->actor, err);
}

/* The units of this issue by its state and the counters B and C. */
static hl_rc
count_units(closing *c, hl_err *err)
{
	const uint32_t before = c->issue.counter_before;
	const bool moved =
	    c->o->counter_known ? c->o->counter_after < before : before > 0;
	const bool lost = c->o->state == HL_ISSUE_LOST ||
	    c->o->state == HL_ISSUE_LOST_OR_OUTSIDE;

	if (c->o->counter_known && c->o->counter_after > before) {
		return hl_db_fail(c->s, HL_ECONFLICT, err,
		    "this is another card, or the store is an old copy; "
		    "nothing was recorded",
		    "the counter is %u, above the %u before the request",
		    c->o->counter_after, before);
	}
	if (lost && !moved) {
		return hl_db_fail(c->s, HL_ECONFLICT, err,
		    "close it as not spent; nothing was recorded",
		    "no unit can be lost: the counter did not move from %u",
		    before);
	}
	c->units = c->o->state == HL_ISSUE_NOT_SPENT ||
		c->o->state == HL_ISSUE_WRITTEN_OFF || !moved
	    ? 0
	    : 1;
	c->after =
	    c->o->counter_known ? c->o->counter_after : before - c->units;
	return HL_OK;
}

static hl_rc
check_spent_once(const closing *c, hl_err *err)
{
	char text[HL_UUID_TEXT] = "";
	hl_uuid other;
	bool found;
	hl_rc rc;
	hl_q q;

	if (c->units == 0)
		return HL_OK;
	q = hl_q_new(c->s,
	    "SELECT id FROM issues WHERE card = ? "
	    "AND counter_before = ? AND units = 1");
	hl_q_uuid(&q, &c->issue.card);
	hl_q_int(&q, c->issue.counter_before);
	if ((found = hl_q_row(&q))) {
		hl_q_get_uuid(&q, &other);
		hl_uuid_text(&other, text);
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK || !found)
		return rc;
	return hl_db_fail(c->s, HL_ECONFLICT, err,
	    "run hsmlic store check; nothing was recorded",
	    "the card's counter value %u was spent by issue %s already",
	    c->issue.counter_before, text);
}

static hl_rc
update_issue(const closing *c, hl_err *err)
{
	hl_rc rc;
	hl_q q;

	q = hl_q_new(c->s,
	    "UPDATE issues SET state = ?, closed_at = ?, counter_after = ?, "
	    "counter_read = ?, units = ?, recovered = ?, detail = ?, "
	    "closed_station = ?, closed_operator = ?, closed_note = ? "
	    "WHERE id = ? AND state = 'open'");
	hl_q_text(&q, hl_issue_state_name(c->o->state));
	hl_q_int(&q, c->s->now);
	hl_q_int(&q, c->after);
	hl_q_int(&q, c->o->counter_known);
	hl_q_int(&q, c->units);
	hl_q_int(&q, c->o->recovered);
	hl_q_text(&q, c->o->detail);
	hl_q_text(&q, c->o->actor.station);
	hl_q_text(&q, c->o->actor.operator_);
	hl_q_text(&q, c->o->actor.note);
	hl_q_uuid(&q, &c->issue.id);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	if (sqlite3_changes64(c->s->db) == 1)
		return HL_OK;
	return hl_db_fail(c->s, HL_EEXIST, err, "", "it is closed already");
}

/* Nothing is read from a card that did not answer, only worked out. */
static hl_rc
record_reading(const closing *c, hl_err *err)
{
	const uint32_t before = c->issue.counter_before;
	hl_reading_row r = { &c->issue.card, "after", &c->issue.id,
		before - c->units, c->after, "", "", &c->o->actor };
	hl_card_row card;
	hl_rc rc;

	if (!c->o->counter_known) {
		return hl_card_move(
		    c->s, r.card, before, c->after, NULL, NULL, err);
	}
	if ((rc = hl_card_need(c->s, r.card, &card, err)) != HL_OK)
		return rc;
	r.state = card.state;
	r.reader = card.reader;
	if ((rc = hl_reading_insert(c->s, &r, err)) != HL_OK)
		return rc;
	return hl_card_move(
	    c->s, r.card, before, c->after, r.state, r.reader, err);
}

/*
 * A license that left the card is always kept. When another one became active
 * meanwhile (imported), this one is kept behind it.
 */
static hl_rc
record_license(const closing *c, hl_license *out, hl_err *err)
{
	hl_license_row l = { .chip = &c->issue.chip,
		.firmware = &c->issue.firmware,
		.issue = &c->issue.id,
		.state = HL_LICENSE_ACTIVE,
		.reason = "",
		.bytes = c->o->license,
		.n = c->o->license_n,
		.actor = &c->o->actor };
	bool taken = false;
	hl_license other;
	hl_uuid id;
	hl_rc rc;

	if (c->o->state == HL_ISSUE_BAD) {
		l.state = HL_LICENSE_SUSPECT;
		l.reason = c->o->detail;
	} else {
		rc = hl_license_active(
		    c->s, l.chip, l.firmware, &other, &taken, err);
		if (rc != HL_OK)
			return rc;
	}
	if (taken) {
		l.state = HL_LICENSE_RETIRED;
		l.reason = two_licenses;
	}
	if ((rc = hl_license_insert(c->s, &l, &id, err)) != HL_OK)
		return rc;
	return hl_license_need(c->s, &id, out, err);
}

static hl_rc
close_in_tx(closing *c, hl_license *license, hl_err *err)
{
	hl_rc rc;

	rc = hl_issue_need(c->s, &c->o->issue, &c->issue, err);
	if (rc != HL_OK)
		return rc;
	if (c->issue.state != HL_ISSUE_OPEN) {
		return hl_db_fail(c->s, HL_EEXIST, err,
		    "see what it was closed as; nothing was changed",
		    "this issue is closed already, as %s",
		    hl_issue_state_name(c->issue.state));
	}
	if ((rc = count_units(c, err)) != HL_OK ||
	    (rc = check_spent_once(c, err)) != HL_OK ||
	    (rc = update_issue(c, err)) != HL_OK ||
	    (rc = record_reading(c, err)) != HL_OK)
		return rc;
	if (c->o->license_n > 0 &&
	    (c->o->state == HL_ISSUE_ISSUED || c->o->state == HL_ISSUE_BAD))
		rc = record_license(c, license, err);
	return rc == HL_OK
	    ? hl_log_event(c->s, "issue.outcome", &c->o->actor, NULL, 0, err)
	    : rc;
}

hl_rc
hl_store_intent_close(
    hl_store *store, const hl_outcome *o, hl_license *license, hl_err *err)
{
	closing c = { .s = store, .o = o };
	hl_license row;
	hl_rc rc;

	memset(&row, 0, sizeof(row));
	if ((rc = check_outcome(o, err)) != HL_OK)
		return rc;
	rc = hl_tx_begin(store, "record the outcome of an issue", err);
	if (rc != HL_OK)
		return rc;
	rc = close_in_tx(&c, &row, err);
	rc = hl_tx_end(store, rc, err);
	if (rc == HL_OK && license != NULL)
		*license = row;
	return rc;
}

/* ---- a lost license turns up -------------------------------------------- */

static hl_rc
same_as_issued(hl_store *s, const hl_uuid *issue, const uint8_t *bytes,
    size_t n, bool *same, hl_err *err)
{
	uint8_t kept[HL_SHA256_LEN], given[HL_SHA256_LEN];
	bool found;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_sha256(bytes, n, given, err)) != HL_OK)
		return rc;
	q = hl_q_new(s, "SELECT sha256 FROM licenses WHERE issue = ?");
	hl_q_uuid(&q, issue);
	if ((found = hl_q_row(&q)))
		hl_q_get_blob(&q, kept, sizeof(kept), sizeof(kept));
	if ((rc = hl_q_end(&q, err)) == HL_OK)
		*same = found && memcmp(kept, given, sizeof(kept)) == 0;
	return rc;
}

static hl_rc
check_rescue(
    hl_store *s, const hl_issue *i, const uint8_t *bytes, size_t n, hl_err *err)
{
	hl_license other;
	bool is = false;
	hl_rc rc;

	if (i->state == HL_ISSUE_ISSUED) {
		rc = same_as_issued(s, &i->id, bytes, n, &is, err);
		if (rc != HL_OK)
			return rc;
		if (is) {
			return hl_db_fail(s, HL_EEXIST, err, "",
			    "this license is recorded already");
		}
	}
	if (i->state != HL_ISSUE_LOST && i->state != HL_ISSUE_LOST_OR_OUTSIDE) {
		return hl_db_fail(s, HL_ECONFLICT, err,
		    "nothing was changed; keep the file",
		    "this issue is %s, its license is not missing",
		    hl_issue_state_name(i->state));
	}
	rc = hl_license_active(s, &i->chip, &i->firmware, &other, &is, err);
	if (rc != HL_OK || !is)
		return rc;
	return hl_db_fail(s, HL_ECONFLICT, err,
	    "nothing was changed; keep the file",
	    "this chip has another active license by now");
}

static hl_rc
rescue_in_tx(hl_store *s, const hl_license_row *given, hl_err *err)
{
	hl_event_fact was = { .key = "issue_state_before" };
	hl_license_row l = *given;
	hl_issue issue;
	hl_uuid id;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_issue_need(s, l.issue, &issue, err)) != HL_OK ||
	    (rc = check_rescue(s, &issue, l.bytes, l.n, err)) != HL_OK)
		return rc;
	q = hl_q_new(s,
	    "UPDATE issues SET state = 'issued', recovered = 1 "
	    "WHERE id = ?");
	hl_q_uuid(&q, l.issue);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	l.chip = &issue.chip;
	l.firmware = &issue.firmware;
	if ((rc = hl_license_insert(s, &l, &id, err)) != HL_OK)
		return rc;
	was.text = hl_issue_state_name(issue.state);
	return hl_log_event(s, "issue.outcome", l.actor, &was, 1, err);
}

hl_rc
hl_store_issue_rescue(hl_store *store, const hl_uuid *issue,
    const uint8_t *bytes, size_t n, const hl_actor *actor, hl_err *err)
{
	const hl_license_row l = { .issue = issue,
		.state = HL_LICENSE_ACTIVE,
		.reason = "",
		.bytes = bytes,
		.n = n,
		.actor = actor };
	hl_rc rc;

	if ((rc = hl_license_check(bytes, n, err)) != HL_OK ||
	    (rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "take back a lost license", err)))
		return rc;
	rc = rescue_in_tx(store, &l, err);
	return hl_tx_end(store, rc, err);
}
