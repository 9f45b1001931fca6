/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "store/sqlite/card.h"
#include "store/sqlite/chip.h"
#include "store/sqlite/issue.h"
#include "store/sqlite/log.h"

hl_rc
hl_license_check(const uint8_t *bytes, size_t n, hl_err *err)
{
	if (bytes != NULL && n > 0 && n <= HL_LICENSE_MAX)
		return HL_OK;
	return hl_fail(err, HL_EINPUT, "check a license",
	    "a license has 1 to 4096 bytes", "it has %zu bytes", n);
}

hl_rc
hl_license_active(hl_store *s, const hl_uuid *chip, const hl_uuid *firmware,
    hl_license *out, bool *found, hl_err *err)
{
	hl_q q = hl_q_new(s,
	    HL_LICENSE_SELECT "WHERE l.chip = ? AND l.firmware = ? "
			      "AND l.state = 'active'");

	hl_q_uuid(&q, chip);
	hl_q_uuid(&q, firmware);
	return hl_row_get(&q, hl_row_license, out, sizeof(*out), found, err);
}

hl_rc
hl_license_need(hl_store *s, const hl_uuid *id, hl_license *out, hl_err *err)
{
	hl_q q = hl_q_new(s, HL_LICENSE_SELECT "WHERE l.id = ?");

	hl_q_uuid(&q, id);
	return hl_row_need(
	    &q, hl_row_license, out, sizeof(*out), "license", err);
}

hl_rc
hl_license_insert(
    hl_store *s, const hl_license_row *l, hl_uuid *id, hl_err *err)
{
	uint8_t sha256[HL_SHA256_LEN];
	hl_rc rc;
	hl_q q;

	if ((rc = hl_sha256(l->bytes, l->n, sha256, err)) != HL_OK ||
	    (rc = hl_uuid_new(id, err)) != HL_OK)
		return rc;
	q = hl_q_new(s,
	    "INSERT INTO licenses (id, chip, firmware, issue, state, sha256, "
	    "added_at, retired_at, reason, station, operator, lot, note, "
	    "use_class, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
	    "?, ?)");
	hl_q_uuid(&q, id);
	hl_q_uuid(&q, l->chip);
	hl_q_uuid(&q, l->firmware);
	hl_q_uuid(&q, l->issue);
	hl_q_text(&q, hl_license_state_name(l->state));
	hl_q_blob(&q, sha256, sizeof(sha256));
	hl_q_int(&q, s->now);
	if (l->state == HL_LICENSE_RETIRED)
		hl_q_int(&q, s->now);
	else
		hl_q_null(&q);
	hl_q_text(&q, l->reason);
	hl_q_actor(&q, l->actor);
	hl_q_blob(&q, l->bytes, l->n);
	return hl_q_run(&q, err);
}

hl_rc
hl_store_license_find(hl_store *store, const hl_uuid *chip,
    const hl_uuid *firmware, hl_license *out, hl_err *err)
{
	bool found = false;
	hl_rc rc;

	store->doing = "look up a license";
	rc = hl_license_active(store, chip, firmware, out, &found, err);
	if (rc != HL_OK || found)
		return rc;
	return hl_db_fail(store, HL_ENOTFOUND, err,
	    "get one from a card, or import it",
	    "this chip has no active license for that firmware");
}

hl_rc
hl_store_license_by_id(
    hl_store *store, const hl_uuid *id, hl_license *out, hl_err *err)
{
	store->doing = "look up a license";
	return hl_license_need(store, id, out, err);
}

hl_rc
hl_store_license_bytes(hl_store *store, const hl_uuid *license,
    uint8_t out[HL_LICENSE_MAX], size_t *n, hl_err *err)
{
	uint8_t bytes[HL_LICENSE_MAX], kept[HL_SHA256_LEN];
	uint8_t sha256[HL_SHA256_LEN];
	size_t len = 0;
	bool found;
	hl_rc rc;
	hl_q q;

	store->doing = "read a license";
	q = hl_q_new(store, "SELECT sha256, bytes FROM licenses WHERE id = ?");
	hl_q_uuid(&q, license);
	if ((found = hl_q_row(&q))) {
		hl_q_get_blob(&q, kept, sizeof(kept), sizeof(kept));
		len = hl_q_get_blob(&q, bytes, 0, sizeof(bytes));
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	if (!found) {
		return hl_db_fail(store, HL_ENOTFOUND, err,
		    "see hsmlic license list", "no such license is known");
	}
	if ((rc = hl_sha256(bytes, len, sha256, err)) != HL_OK)
		return rc;
	if (memcmp(kept, sha256, sizeof(kept)) != 0) {
		return hl_db_fail(store, HL_EINTEGRITY, err,
		    "it is not handed out: run hsmlic store check, and restore "
		    "a backup",
		    "the bytes do not match their SHA-256");
	}
	memcpy(out, bytes, len);
	*n = len;
	return HL_OK;
}

static hl_rc
use_in_tx(hl_store *s, const hl_uuid *license, const char *how,
    const hl_actor *actor, hl_err *err)
{
	hl_license row;
	hl_uuid id;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_license_need(s, license, &row, err)) != HL_OK ||
	    (rc = hl_uuid_new(&id, err)) != HL_OK)
		return rc;
	q = hl_q_new(s,
	    "INSERT INTO uses (id, license, at, how, station, operator, lot, "
	    "note, use_class) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
	hl_q_uuid(&q, &id);
	hl_q_uuid(&q, license);
	hl_q_int(&q, s->now);
	hl_q_text(&q, how);
	hl_q_actor(&q, actor);
	return hl_q_run(&q, err);
}

hl_rc
hl_store_license_use(hl_store *store, const hl_uuid *license, const char *how,
    const hl_actor *actor, hl_err *err)
{
	hl_rc rc;

	if (strcmp(how, "store") != 0 && strcmp(how, "card") != 0 &&
	    strcmp(how, "replay") != 0 && strcmp(how, "export") != 0) {
		return hl_fail(err, HL_EINPUT, "record the use of a license",
		    "say store, card, replay or export",
		    "\"%s\" is not a way to hand out a license", how);
	}
	if ((rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "record the use of a license", err)))
		return rc;
	rc = use_in_tx(store, license, how, actor, err);
	if (rc == HL_OK) {
		rc = hl_log_event(store,
		    strcmp(how, "export") == 0 ? "license.exported"
					       : "license.used",
		    actor, NULL, 0, err);
	}
	return hl_tx_end(store, rc, err);
}

/* HL_EEXIST and HL_ECONFLICT; *id is that of the active license. */
static hl_rc
check_none_active(
    hl_store *s, const hl_license_row *l, hl_uuid *id, hl_err *err)
{
	uint8_t sha256[HL_SHA256_LEN];
	bool found = false;
	hl_license other;
	hl_rc rc;

	rc = hl_license_active(s, l->chip, l->firmware, &other, &found, err);
	if (rc != HL_OK || !found)
		return rc;
	if ((rc = hl_sha256(l->bytes, l->n, sha256, err)) != HL_OK)
		return rc;
	if (memcmp(sha256, other.sha256, sizeof(sha256)) == 0) {
		*id = other.id;
		return hl_db_fail(
		    s, HL_EEXIST, err, "", "this license is recorded already");
	}
	return hl_db_fail(s, HL_ECONFLICT, err,
	    "retire the other one first (hsmlic license retire); nothing was "
	    "changed",
	    "this chip has another active license for that firmware");
}

static hl_rc
import_in_tx(hl_store *s, const hl_license_row *l, hl_uuid *id, hl_err *err)
{
	hl_firmware firmware;
	hl_chip chip;
	hl_rc rc;

	rc = hl_chip_need(s, l->chip, &chip, err);
	if (rc == HL_OK)
		rc = hl_firmware_need(s, l->firmware, &firmware, err);
	if (rc == HL_OK)
		rc = check_none_active(s, l, id, err);
	if (rc == HL_OK)
		rc = hl_license_insert(s, l, id, err);
	return rc == HL_OK
	    ? hl_log_event(s, "license.imported", l->actor, NULL, 0, err)
	    : rc;
}

hl_rc
hl_store_license_import(hl_store *store, const hl_uuid *chip,
    const hl_uuid *firmware, const uint8_t *bytes, size_t n,
    const hl_actor *actor, hl_uuid *id, hl_err *err)
{
	const hl_license_row l = { .chip = chip,
		.firmware = firmware,
		.state = HL_LICENSE_ACTIVE,
		.reason = "",
		.bytes = bytes,
		.n = n,
		.actor = actor };
	hl_uuid made;
	hl_rc rc;

	if ((rc = hl_license_check(bytes, n, err)) != HL_OK ||
	    (rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "import a license", err)) != HL_OK)
		return rc;
	rc = import_in_tx(store, &l, &made, err);
	rc = hl_tx_end(store, rc, err);
	if (rc == HL_OK || rc == HL_EEXIST)
		*id = made;
	return rc;
}

typedef struct giver {
	bool (*row)(void *arg, const hl_license *l);
	void *arg;
} giver;

static bool
give(void *arg, const void *row)
{
	const giver *g = arg;

	return g->row(g->arg, row);
}

hl_rc
hl_store_license_list(hl_store *store, const hl_license_filter *filter,
    bool (*row)(void *arg, const hl_license *l), void *arg, hl_err *err)
{
	const bool both = filter->chip != NULL && filter->firmware != NULL;
	giver g = { row, arg };
	hl_list l = {
		.read = hl_row_license,
		.size = sizeof(hl_license),
		.a = filter->chip != NULL ? filter->chip : filter->firmware,
		.b = both ? filter->firmware : NULL,
		.give = give,
		.arg = &g,
	};
	char sql[1024];

	snprintf(sql, sizeof(sql), "%s WHERE l.n > ?1%s%s%s ORDER BY l.n%s",
	    HL_LICENSE_SELECT_WITH(HL_LICENSE_USES),
	    filter->chip != NULL ? " AND l.chip = ?3" : "",
	    filter->firmware == NULL ? ""
		: both		     ? " AND l.firmware = ?4"
				     : " AND l.firmware = ?3",
	    filter->all_states ? "" : " AND l.state = 'active'", HL_LIST_LIMIT);
	l.sql = sql;
	store->doing = "list licenses";
	return hl_list_run(store, &l, err);
}
