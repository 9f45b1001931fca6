/* SPDX-License-Identifier: Apache-2.0 */
/* Which reader a station means by a slot number. */
#include "store/sqlite/db.h"
#include "store/sqlite/log.h"

static hl_rc
find_slot(hl_store *s, const char *station, const char *reader, bool *found,
    unsigned *slot, hl_err *err)
{
	uint32_t v = 0;
	bool there;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(
	    s, "SELECT slot FROM slots WHERE station = ? AND reader = ?");
	hl_q_text(&q, station);
	hl_q_text(&q, reader);
	if ((there = hl_q_row(&q)))
		v = hl_q_get_u32(&q);
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	*found = there;
	*slot = v;
	return HL_OK;
}

static hl_rc
insert(hl_store *s, const hl_uuid *id, const char *station, const char *reader,
    unsigned slot, hl_err *err)
{
	hl_rc rc;
	hl_q q;

	q = hl_q_new(s,
	    "DELETE FROM slots WHERE station = ?1 AND (reader = ?2 OR "
	    "slot = ?3)");
	hl_q_text(&q, station);
	hl_q_text(&q, reader);
	hl_q_int(&q, slot);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	q = hl_q_new(s,
	    "INSERT INTO slots (id, station, reader, slot) "
	    "VALUES (?, ?, ?, ?)");
	hl_q_uuid(&q, id);
	hl_q_text(&q, station);
	hl_q_text(&q, reader);
	hl_q_int(&q, slot);
	return hl_q_run(&q, err);
}

static hl_rc
put_in_tx(hl_store *s, const char *station, const char *reader, unsigned slot,
    const hl_actor *actor, hl_err *err)
{
	unsigned known = 0;
	bool found = false;
	hl_uuid id;
	hl_rc rc;

	rc = find_slot(s, station, reader, &found, &known, err);
	if (rc != HL_OK || (found && known == slot))
		return rc;
	if ((rc = hl_uuid_new(&id, err)) != HL_OK ||
	    (rc = insert(s, &id, station, reader, slot, err)) != HL_OK)
		return rc;
	return hl_log_event(s, "config.changed", actor, NULL, 0, err);
}

hl_rc
hl_store_slot_put(hl_store *store, const char *station, const char *reader,
    unsigned slot, const hl_actor *actor, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_text_check("station", station, true, err)) != HL_OK ||
	    (rc = hl_text_check("reader name", reader, false, err)) != HL_OK ||
	    (rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "map a slot", err)) != HL_OK)
		return rc;
	rc = put_in_tx(store, station, reader, slot, actor, err);
	return hl_tx_end(store, rc, err);
}

hl_rc
hl_store_slot_of(hl_store *store, const char *station, const char *reader,
    unsigned *slot, hl_err *err)
{
	bool found = false;
	unsigned v = 0;
	hl_rc rc;

	store->doing = "look up a slot";
	rc = find_slot(store, station, reader, &found, &v, err);
	if (rc != HL_OK)
		return rc;
	if (!found) {
		return hl_db_fail(store, HL_ENOTFOUND, err,
		    "say which slot number its programmer gives it",
		    "no slot is known for reader \"%s\" at station \"%s\"",
		    reader, station);
	}
	*slot = v;
	return HL_OK;
}

hl_rc
hl_store_slot_reader(hl_store *store, const char *station, unsigned slot,
    hl_text reader, hl_err *err)
{
	hl_text name = "";
	bool found;
	hl_rc rc;
	hl_q q;

	store->doing = "look up a slot";
	q = hl_q_new(
	    store, "SELECT reader FROM slots WHERE station = ? AND slot = ?");
	hl_q_text(&q, station);
	hl_q_int(&q, slot);
	if ((found = hl_q_row(&q)))
		hl_q_get_text(&q, name, sizeof(name));
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	if (!found) {
		return hl_db_fail(store, HL_ENOTFOUND, err,
		    "say which reader the programmer means by it",
		    "no reader is known for slot %u at station \"%s\"", slot,
		    station);
	}
	(void)hl_text_copy(reader, sizeof(hl_text), name);
	return HL_OK;
}
