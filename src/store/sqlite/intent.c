/* SPDX-License-Identifier: Apache-2.0 */
/* The first commit: what must be on disk before a card is asked. */
#include <string.h>

#include "store/sqlite/card.h"
#include "store/sqlite/chip.h"
#include "store/sqlite/issue.h"
#include "store/sqlite/log.h"

typedef struct intent {
	hl_store *s;
	const hl_issue *in;
	const char *state, *reader;
	hl_card_row card;
	bool decided; /* the verdict is not HL_INTENT_OPENED */
	hl_intent_result *out;
} intent;

static hl_rc
check_card(intent *t, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_card_need(t->s, &t->in->card, &t->card, err)) != HL_OK)
		return rc;
	if (hl_uuid_equal(&t->card.firmware, &t->in->firmware))
		return HL_OK;
	return hl_db_fail(t->s, HL_ECONFLICT, err,
	    "choose a card that holds this firmware",
	    "the card holds another firmware: \"%s\"", t->card.firmware_name);
}

static hl_rc
look_for_license(intent *t, hl_err *err)
{
	bool found = false;
	hl_rc rc;

	rc = hl_license_active(t->s, &t->in->chip, &t->in->firmware,
	    &t->out->license, &found, err);
	if (rc == HL_OK && found) {
		t->out->verdict = HL_INTENT_LICENSED;
		t->decided = true;
	}
	return rc;
}

static hl_rc
look_for_open(intent *t, hl_err *err)
{
	bool found = false;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(t->s, HL_ISSUE_SELECT "WHERE card = ? AND state = 'open'");
	hl_q_uuid(&q, &t->in->card);
	rc = hl_row_get(&q, hl_row_issue, &t->out->other, sizeof(t->out->other),
	    &found, err);
	if (rc == HL_OK && !found) {
		q = hl_q_new(t->s,
		    HL_ISSUE_SELECT
		    "WHERE chip = ? AND firmware = ? AND state = 'open'");
		hl_q_uuid(&q, &t->in->chip);
		hl_q_uuid(&q, &t->in->firmware);
		rc = hl_row_get(&q, hl_row_issue, &t->out->other,
		    sizeof(t->out->other), &found, err);
	}
	if (rc == HL_OK && found) {
		t->out->verdict = HL_INTENT_BUSY;
		t->decided = true;
	}
	return rc;
}

static hl_rc
compare_counter(intent *t, hl_err *err)
{
	const uint32_t last = t->card.last_counter;

	if (t->card.retired_at != 0) {
		return hl_db_fail(t->s, HL_ECONFLICT, err,
		    "choose another card; nothing was spent",
		    "this card is retired");
	}
	if (t->in->counter_before > last) {
		t->out->verdict = HL_INTENT_COUNTER_ABOVE;
		t->out->expected = last;
		t->decided = true;
	} else {
		t->out->outside = last - t->in->counter_before;
	}
	return HL_OK;
}

static hl_rc
next_attempt(const intent *t, uint32_t *attempt, hl_err *err)
{
	uint32_t last = 0;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(t->s,
	    "SELECT max(attempt) FROM issues "
	    "WHERE chip = ? AND firmware = ?");
	hl_q_uuid(&q, &t->in->chip);
	hl_q_uuid(&q, &t->in->firmware);
	if (hl_q_row(&q))
		last = hl_q_get_u32(&q);
	if ((rc = hl_q_end(&q, err)) == HL_OK)
		*attempt = last + 1;
	return rc;
}

static hl_rc
check_id_new(const intent *t, hl_err *err)
{
	bool found = false;
	hl_issue other;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(t->s, HL_ISSUE_SELECT "WHERE id = ?");
	hl_q_uuid(&q, &t->in->id);
	rc = hl_row_get(&q, hl_row_issue, &other, sizeof(other), &found, err);
	if (rc != HL_OK || !found)
		return rc;
	return hl_db_fail(t->s, HL_EEXIST, err,
	    "make a new ID for each request", "an issue has this ID already");
}

static hl_rc
insert_issue(const intent *t, hl_err *err)
{
	const hl_issue *in = t->in;
	hl_q q;

	q = hl_q_new(t->s,
	    "INSERT INTO issues (id, chip, firmware, card, attempt, "
	    "counter_before, opened_at, owner, station, operator, lot, note, "
	    "use_class, state, recovered, detail) VALUES (?, ?, ?, ?, ?, ?, ?, "
	    "?, ?, ?, ?, ?, ?, 'open', 0, '')");
	hl_q_uuid(&q, &in->id);
	hl_q_uuid(&q, &in->chip);
	hl_q_uuid(&q, &in->firmware);
	hl_q_uuid(&q, &in->card);
	hl_q_int(&q, t->out->attempt);
	hl_q_int(&q, in->counter_before);
	hl_q_int(&q, t->s->now);
	hl_q_uuid(&q, &in->owner);
	hl_q_actor(&q, &in->actor);
	return hl_q_run(&q, err);
}

static hl_rc
record(intent *t, hl_err *err)
{
	const hl_reading_row before = { &t->in->card, "before", &t->in->id,
		t->card.last_counter, t->in->counter_before, t->state,
		t->reader, &t->in->actor };
	hl_rc rc;

	if ((rc = check_id_new(t, err)) != HL_OK ||
	    (rc = next_attempt(t, &t->out->attempt, err)) != HL_OK ||
	    (rc = insert_issue(t, err)) != HL_OK ||
	    (rc = hl_reading_insert(t->s, &before, err)) != HL_OK)
		return rc;
	rc = hl_card_move(t->s, &t->in->card, t->card.last_counter,
	    t->in->counter_before, t->state, t->reader, err);
	return rc == HL_OK
	    ? hl_log_event(t->s, "issue.intent", &t->in->actor, NULL, 0, err)
	    : rc;
}

static hl_rc
open_in_tx(intent *t, hl_err *err)
{
	hl_chip chip;
	hl_rc rc;

	if ((rc = hl_chip_need(t->s, &t->in->chip, &chip, err)) != HL_OK ||
	    (rc = check_card(t, err)) != HL_OK ||
	    (rc = look_for_license(t, err)) != HL_OK || t->decided ||
	    (rc = look_for_open(t, err)) != HL_OK || t->decided ||
	    (rc = compare_counter(t, err)) != HL_OK || t->decided)
		return rc;
	return record(t, err);
}

hl_rc
hl_store_intent_open(hl_store *store, const hl_issue *in,
    const char *card_state, const char *reader, hl_intent_result *out,
    hl_err *err)
{
	intent t = {
		.s = store, .in = in, .state = card_state, .reader = reader
	};
	hl_intent_result result;
	hl_rc rc;

	memset(&result, 0, sizeof(result));
	t.out = &result;
	if ((rc = hl_text_check("card state", card_state, true, err)) ||
	    (rc = hl_text_check("reader", reader, true, err)) ||
	    (rc = hl_actor_check(&in->actor, err)) ||
	    (rc = hl_tx_begin(store, "record the intent of an issue", err)))
		return rc;
	rc = open_in_tx(&t, err);
	rc = hl_tx_end(store, rc, err);
	if (rc == HL_OK)
		*out = result;
	return rc;
}
