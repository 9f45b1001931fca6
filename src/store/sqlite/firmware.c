/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/card.h"
#include "store/sqlite/log.h"

static hl_rc
check_firmware(const hl_firmware *f, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_text_check("firmware name", f->name, false, err)) ||
	    (rc = hl_text_check(
		 "firmware identifier", f->identifier, true, err)) ||
	    (rc = hl_text_check("license type", f->type, true, err)))
		return rc;
	if (f->product_id[0] == '\0' ||
	    hl_product_id_valid(f->product_id, strlen(f->product_id)))
		return HL_OK;
	return hl_fail(err, HL_EINPUT, "check a firmware",
	    "a product ID has 8 upper-case hex digits",
	    "\"%s\" is not a product ID", f->product_id);
}

static hl_rc
check_name_free(hl_store *s, const char *name, hl_err *err)
{
	hl_firmware other;
	bool found = false;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(s, HL_FIRMWARE_SELECT "WHERE f.name = ?");
	hl_q_text(&q, name);
	rc =
	    hl_row_get(&q, hl_row_firmware, &other, sizeof(other), &found, err);
	if (rc != HL_OK || !found)
		return rc;
	return hl_db_fail(s, HL_ECONFLICT, err,
	    "choose another name, or use the firmware that bears it",
	    "there is a firmware named \"%s\" already", name);
}

hl_rc
hl_firmware_insert(
    hl_store *s, const hl_firmware *f, const hl_actor *actor, hl_err *err)
{
	hl_rc rc;
	hl_q q;

	if ((rc = check_firmware(f, err)) != HL_OK ||
	    (rc = check_name_free(s, f->name, err)) != HL_OK)
		return rc;
	q = hl_q_new(s,
	    "INSERT INTO firmwares (id, name, identifier, type, product_id, "
	    "added_at, station, operator, lot, note, use_class) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	hl_q_uuid(&q, &f->id);
	hl_q_text(&q, f->name);
	hl_q_text(&q, f->identifier);
	hl_q_text(&q, f->type);
	hl_q_text(&q, f->product_id);
	hl_q_int(&q, s->now);
	hl_q_actor(&q, actor);
	return hl_q_run(&q, err);
}

hl_rc
hl_firmware_need(hl_store *s, const hl_uuid *id, hl_firmware *out, hl_err *err)
{
	hl_q q = hl_q_new(s, HL_FIRMWARE_SELECT "WHERE f.id = ?");

	hl_q_uuid(&q, id);
	return hl_row_need(
	    &q, hl_row_firmware, out, sizeof(*out), "firmware", err);
}

hl_rc
hl_store_firmware_add(
    hl_store *store, const hl_firmware *f, const hl_actor *actor, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "add a firmware", err)) != HL_OK)
		return rc;
	rc = hl_firmware_insert(store, f, actor, err);
	if (rc == HL_OK)
		rc = hl_log_event(store, "firmware.added", actor, NULL, 0, err);
	return hl_tx_end(store, rc, err);
}

hl_rc
hl_store_firmware_by_name(
    hl_store *store, const char *name, hl_firmware *out, hl_err *err)
{
	hl_q q;

	store->doing = "look up a firmware by its name";
	q = hl_q_new(store, HL_FIRMWARE_SELECT "WHERE f.name = ?");
	hl_q_text(&q, name);
	return hl_row_need(
	    &q, hl_row_firmware, out, sizeof(*out), "firmware", err);
}

hl_rc
hl_store_firmware_by_id(
    hl_store *store, const hl_uuid *id, hl_firmware *out, hl_err *err)
{
	store->doing = "look up a firmware";
	return hl_firmware_need(store, id, out, err);
}

typedef struct giver {
	bool (*row)(void *arg, const hl_firmware *f);
	void *arg;
} giver;

static bool
give(void *arg, const void *row)
{
	const giver *g = arg;

	return g->row(g->arg, row);
}

hl_rc
hl_store_firmware_list(hl_store *store,
    bool (*row)(void *arg, const hl_firmware *f), void *arg, hl_err *err)
{
	giver g = { row, arg };
	const hl_list l = {
		.sql = HL_FIRMWARE_SELECT
		"WHERE f.n > ?1 ORDER BY f.n" HL_LIST_LIMIT,
		.read = hl_row_firmware,
		.size = sizeof(hl_firmware),
		.give = give,
		.arg = &g,
	};

	store->doing = "list firmwares";
	return hl_list_run(store, &l, err);
}
