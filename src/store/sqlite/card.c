/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/card.h"
#include "store/sqlite/log.h"

hl_rc
hl_card_need(hl_store *s, const hl_uuid *id, hl_card_row *out, hl_err *err)
{
	hl_q q = hl_q_new(s, HL_CARD_SELECT "WHERE c.id = ?");

	hl_q_uuid(&q, id);
	return hl_row_need(&q, hl_row_card, out, sizeof(*out), "card", err);
}

/* HL_ECONFLICT when a card other than `id` has `text` in that column. */
static hl_rc
check_free(hl_store *s, const char *sql, const char *thing, const char *text,
    const hl_uuid *id, hl_err *err)
{
	hl_card_row other;
	bool found = false;
	hl_rc rc;
	hl_q q;

	if (text[0] == '\0')
		return HL_OK;
	q = hl_q_new(s, sql);
	hl_q_text(&q, text);
	hl_q_uuid(&q, id);
	rc = hl_row_get(&q, hl_row_card, &other, sizeof(other), &found, err);
	if (rc != HL_OK || !found)
		return rc;
	return hl_db_fail(s, HL_ECONFLICT, err,
	    "see hsmlic card list; nothing was changed",
	    "a card with %s \"%s\" is known already", thing, text);
}

static hl_rc
check_label_free(hl_store *s, const char *label, const hl_uuid *id, hl_err *err)
{
	return check_free(s,
	    HL_CARD_SELECT "WHERE c.label = ? AND c.id IS NOT ?", "label",
	    label, id, err);
}

static hl_rc
check_card(const hl_card_row *c, const hl_firmware *fw, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_text_check("card label", c->label, true, err)) ||
	    (rc = hl_text_check("card serial", c->serial, true, err)) ||
	    (rc = hl_text_check("card driver", c->driver, true, err)) ||
	    (rc = hl_text_check("reader", c->reader, true, err)) ||
	    (rc = hl_text_check("card state", c->state, true, err)))
		return rc;
	if (c->atr_n > sizeof(c->atr)) {
		return hl_fail(err, HL_EINPUT, "add a card",
		    "an ATR has at most 33 bytes", "its ATR has %zu bytes",
		    c->atr_n);
	}
	if (fw != NULL && !hl_uuid_equal(&c->firmware, &fw->id)) {
		return hl_fail(err, HL_EINPUT, "add a card",
		    "give the card the firmware that is added with it",
		    "card and firmware do not belong together");
	}
	return HL_OK;
}

static hl_rc
insert_card(
    hl_store *s, const hl_card_row *c, const hl_actor *actor, hl_err *err)
{
	hl_q q = hl_q_new(s,
	    "INSERT INTO cards (id, firmware, serial, label, driver, atr, "
	    "capacity, first_counter, last_counter, state, reader, replay, "
	    "added_at, seen_at, station, operator, lot, note, use_class) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
	    "?)");

	hl_q_uuid(&q, &c->id);
	hl_q_uuid(&q, &c->firmware);
	hl_q_text_or_null(&q, c->serial);
	hl_q_text_or_null(&q, c->label);
	hl_q_text(&q, c->driver);
	hl_q_blob(&q, c->atr, c->atr_n);
	hl_q_int(&q, c->capacity);
	hl_q_int(&q, c->first_counter);
	hl_q_int(&q, c->first_counter);
	hl_q_text(&q, c->state);
	hl_q_text(&q, c->reader);
	hl_q_int(&q, c->replay);
	hl_q_int(&q, s->now);
	hl_q_int(&q, s->now);
	hl_q_actor(&q, actor);
	return hl_q_run(&q, err);
}

hl_rc
hl_reading_insert(hl_store *s, const hl_reading_row *r, hl_err *err)
{
	hl_uuid id;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_uuid_new(&id, err)) != HL_OK)
		return rc;
	q = hl_q_new(s,
	    "INSERT INTO card_readings (id, card, at, kind, issue, expected, "
	    "counter, units_outside, state, reader, station, operator, lot, "
	    "note, use_class) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
	    "?, ?)");
	hl_q_uuid(&q, &id);
	hl_q_uuid(&q, r->card);
	hl_q_int(&q, s->now);
	hl_q_text(&q, r->kind);
	hl_q_uuid(&q, r->issue);
	hl_q_int(&q, r->expected);
	hl_q_int(&q, r->counter);
	hl_q_int(&q, (int64_t)r->expected - r->counter);
	hl_q_text(&q, r->state);
	hl_q_text(&q, r->reader);
	hl_q_actor(&q, r->actor);
	return hl_q_run(&q, err);
}

hl_rc
hl_card_move(hl_store *s, const hl_uuid *card, uint32_t from, uint32_t to,
    const char *state, const char *reader, hl_err *err)
{
	hl_rc rc;
	hl_q q;

	q = hl_q_new(s,
	    "UPDATE cards SET last_counter = ?2, state = coalesce(?3, state), "
	    "reader = coalesce(?4, reader), "
	    "seen_at = iif(?3 IS NULL, seen_at, ?5) "
	    "WHERE id = ?6 AND last_counter = ?1");
	hl_q_int(&q, from);
	hl_q_int(&q, to);
	if (state == NULL) {
		hl_q_null(&q);
		hl_q_null(&q);
	} else {
		hl_q_text(&q, state);
		hl_q_text(&q, reader);
	}
	hl_q_int(&q, s->now);
	hl_q_uuid(&q, card);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	if (sqlite3_changes64(s->db) == 1)
		return HL_OK;
	return hl_db_fail(s, HL_ESTORE, err, "run hsmlic store check",
	    "the card's last counter is not %u, as its records say", from);
}

static hl_rc
add_in_tx(hl_store *s, const hl_card_row *c, const hl_firmware *fw,
    const hl_actor *actor, hl_err *err)
{
	const hl_reading_row first = { &c->id, "first", NULL, c->first_counter,
		c->first_counter, c->state, c->reader, actor };
	hl_firmware known;
	hl_rc rc;

	rc =
	    check_free(s, HL_CARD_SELECT "WHERE c.serial = ? AND c.id IS NOT ?",
		"serial number", c->serial, NULL, err);
	if (rc == HL_OK)
		rc = check_label_free(s, c->label, NULL, err);
	if (rc == HL_OK && fw != NULL)
		rc = hl_firmware_insert(s, fw, actor, err);
	if (rc == HL_OK)
		rc = hl_log_event(s, "firmware.added", actor, NULL, 0, err);
	if (rc == HL_OK)
		rc = hl_firmware_need(s, &c->firmware, &known, err);
	if (rc == HL_OK)
		rc = insert_card(s, c, actor, err);
	if (rc == HL_OK)
		rc = hl_reading_insert(s, &first, err);
	return rc == HL_OK ? hl_log_event(s, "card.added", actor, NULL, 0, err)
			   : rc;
}

hl_rc
hl_store_card_add(hl_store *store, const hl_card_row *c,
    const hl_firmware *new_firmware, const hl_actor *actor, hl_err *err)
{
	hl_rc rc;

	if ((rc = check_card(c, new_firmware, err)) != HL_OK ||
	    (rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "add a card", err)) != HL_OK)
		return rc;
	rc = add_in_tx(store, c, new_firmware, actor, err);
	return hl_tx_end(store, rc, err);
}

hl_rc
hl_store_card_by_serial(
    hl_store *store, const char *serial, hl_card_row *out, hl_err *err)
{
	hl_q q;

	store->doing = "look up a card by its serial number";
	q = hl_q_new(store, HL_CARD_SELECT "WHERE c.serial = ?");
	hl_q_text(&q, serial);
	return hl_row_need(&q, hl_row_card, out, sizeof(*out), "card", err);
}

hl_rc
hl_store_card_by_label(
    hl_store *store, const char *label, hl_card_row *out, hl_err *err)
{
	hl_q q;

	store->doing = "look up a card by its label";
	q = hl_q_new(store, HL_CARD_SELECT "WHERE c.label = ?");
	hl_q_text(&q, label);
	return hl_row_need(&q, hl_row_card, out, sizeof(*out), "card", err);
}

hl_rc
hl_store_card_by_id(
    hl_store *store, const hl_uuid *id, hl_card_row *out, hl_err *err)
{
	store->doing = "look up a card";
	return hl_card_need(store, id, out, err);
}

typedef struct giver {
	bool (*row)(void *arg, const hl_card_row *c);
	void *arg;
} giver;

static bool
give(void *arg, const void *row)
{
	const giver *g = arg;

	return g->row(g->arg, row);
}

hl_rc
hl_store_card_list(hl_store *store,
    bool (*row)(void *arg, const hl_card_row *c), void *arg, hl_err *err)
{
	giver g = { row, arg };
	const hl_list l = {
		.sql = HL_CARD_SELECT "WHERE c.same_as IS NULL AND c.n > ?1 "
				      "ORDER BY c.n" HL_LIST_LIMIT,
		.read = hl_row_card,
		.size = sizeof(hl_card_row),
		.give = give,
		.arg = &g,
	};

	store->doing = "list cards";
	return hl_list_run(store, &l, err);
}

static hl_rc
label_in_tx(hl_store *s, const hl_uuid *card, const char *label,
    const hl_actor *actor, hl_err *err)
{
	hl_card_row row;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_card_need(s, card, &row, err)) != HL_OK ||
	    (rc = check_label_free(s, label, card, err)) != HL_OK)
		return rc;
	q = hl_q_new(s, "UPDATE cards SET label = ? WHERE id = ?");
	hl_q_text_or_null(&q, label);
	hl_q_uuid(&q, card);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	return hl_log_event(s, "card.labelled", actor, NULL, 0, err);
}

hl_rc
hl_store_card_label(hl_store *store, const hl_uuid *card, const char *label,
    const hl_actor *actor, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_text_check("card label", label, true, err)) != HL_OK ||
	    (rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "label a card", err)) != HL_OK)
		return rc;
	rc = label_in_tx(store, card, label, actor, err);
	return hl_tx_end(store, rc, err);
}

static hl_rc
check_no_open_issue(hl_store *s, const hl_uuid *card, hl_err *err)
{
	bool open = false;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(
	    s, "SELECT 1 FROM issues WHERE card = ? AND state = 'open'");
	hl_q_uuid(&q, card);
	open = hl_q_row(&q);
	if ((rc = hl_q_end(&q, err)) != HL_OK || !open)
		return rc;
	return hl_db_fail(s, HL_EBUSY, err,
	    "wait for it, or run hsmlic recover with the card in a reader",
	    "an issue is open on this card");
}

static hl_rc
retire_in_tx(
    hl_store *s, const hl_uuid *card, const hl_actor *actor, hl_err *err)
{
	hl_card_row row;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_card_need(s, card, &row, err)) != HL_OK)
		return rc;
	if (row.retired_at != 0) {
		return hl_db_fail(
		    s, HL_ECONFLICT, err, "", "this card is retired already");
	}
	if ((rc = check_no_open_issue(s, card, err)) != HL_OK)
		return rc;
	q = hl_q_new(s, "UPDATE cards SET retired_at = ? WHERE id = ?");
	hl_q_int(&q, s->now > 0 ? s->now : 1);
	hl_q_uuid(&q, card);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	return hl_log_event(s, "card.retired", actor, NULL, 0, err);
}

hl_rc
hl_store_card_retire(
    hl_store *store, const hl_uuid *card, const hl_actor *actor, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "retire a card", err)) != HL_OK)
		return rc;
	rc = retire_in_tx(store, card, actor, err);
	return hl_tx_end(store, rc, err);
}

static hl_rc
seen_in_tx(
    hl_store *s, const hl_reading_row *given, uint32_t *outside, hl_err *err)
{
	hl_reading_row r = *given;
	hl_card_row c;
	hl_rc rc;

	if ((rc = hl_card_need(s, r.card, &c, err)) != HL_OK ||
	    (rc = check_no_open_issue(s, r.card, err)) != HL_OK)
		return rc;
	if (r.counter > c.last_counter) {
		return hl_db_fail(s, HL_ECONFLICT, err,
		    "this is another card, or the store is an old copy: see "
		    "hsmlic card show; nothing was recorded",
		    "the counter is %u, above the %u that must be left",
		    r.counter, c.last_counter);
	}
	*outside = c.last_counter - r.counter;
	if (*outside == 0 && strcmp(c.state, r.state) == 0 &&
	    strcmp(c.reader, r.reader) == 0)
		return HL_OK;
	r.expected = c.last_counter;
	if ((rc = hl_reading_insert(s, &r, err)) != HL_OK)
		return rc;
	rc = hl_card_move(
	    s, r.card, c.last_counter, r.counter, r.state, r.reader, err);
	return rc == HL_OK ? hl_log_event(s, "card.seen", r.actor, NULL, 0, err)
			   : rc;
}

hl_rc
hl_store_card_seen(hl_store *store, const hl_uuid *card, uint32_t counter,
    const char *state, const char *reader, const hl_actor *actor,
    uint32_t *outside, hl_err *err)
{
	const hl_reading_row r = { card, "seen", NULL, 0, counter, state,
		reader, actor };
	uint32_t units = 0;
	hl_rc rc;

	if ((rc = hl_text_check("card state", state, true, err)) != HL_OK ||
	    (rc = hl_text_check("reader", reader, true, err)) != HL_OK ||
	    (rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "record a card's counter", err)) != HL_OK)
		return rc;
	rc = seen_in_tx(store, &r, &units, err);
	rc = hl_tx_end(store, rc, err);
	if (rc == HL_OK)
		*outside = units;
	return rc;
}
