/* SPDX-License-Identifier: Apache-2.0 */
/* Licenses that are retired, doubted, trusted again: what people decide. */
#include "store/sqlite/issue.h"
#include "store/sqlite/log.h"

/* A change of state, and which licenses it is for. */
typedef struct change {
	const char *doing, *kind;
	hl_license_state to;
	hl_rc (*check)(hl_store *s, const hl_license *l, hl_err *err);
} change;

static hl_rc
check_retire(hl_store *s, const hl_license *l, hl_err *err)
{
	if (l->state != HL_LICENSE_RETIRED)
		return HL_OK;
	return hl_db_fail(
	    s, HL_ECONFLICT, err, "", "this license is retired already");
}

static hl_rc
check_doubt(hl_store *s, const hl_license *l, hl_err *err)
{
	if (l->state == HL_LICENSE_ACTIVE)
		return HL_OK;
	return hl_db_fail(s, HL_ECONFLICT, err,
	    "nothing is left to do: only active ones are handed out",
	    "this license is %s, not active", hl_license_state_name(l->state));
}

static hl_rc
check_trust(hl_store *s, const hl_license *l, hl_err *err)
{
	bool found = false;
	hl_license other;
	hl_rc rc;

	if (l->state != HL_LICENSE_SUSPECT) {
		return hl_db_fail(s, HL_ECONFLICT, err,
		    l->state == HL_LICENSE_ACTIVE
			? "nothing is left to do"
			: "what is retired stays so; get or import another one",
		    "this license is %s, not suspect",
		    hl_license_state_name(l->state));
	}
	rc = hl_license_active(s, &l->chip, &l->firmware, &other, &found, err);
	if (rc != HL_OK || !found)
		return rc;
	return hl_db_fail(s, HL_ECONFLICT, err,
	    "use that one; doubt or retire it first if it does not work",
	    "this chip has another active license for that firmware by now");
}

static hl_rc
change_in_tx(hl_store *s, const change *c, const hl_uuid *license,
    const char *reason, const hl_actor *actor, hl_err *err)
{
	hl_license row;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_license_need(s, license, &row, err)) != HL_OK ||
	    (rc = c->check(s, &row, err)) != HL_OK)
		return rc;
	q = hl_q_new(s,
	    "UPDATE licenses SET state = ?, retired_at = ?, reason = ? "
	    "WHERE id = ?");
	hl_q_text(&q, hl_license_state_name(c->to));
	if (c->to == HL_LICENSE_RETIRED)
		hl_q_int(&q, s->now);
	else
		hl_q_null(&q);
	hl_q_text(&q, reason);
	hl_q_uuid(&q, license);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	return hl_log_event(s, c->kind, actor, NULL, 0, err);
}

static hl_rc
change_state(hl_store *s, const change *c, const hl_uuid *license,
    const char *reason, const hl_actor *actor, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_text_check("reason", reason, true, err)) != HL_OK ||
	    (rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(s, c->doing, err)) != HL_OK)
		return rc;
	rc = change_in_tx(s, c, license, reason, actor, err);
	return hl_tx_end(s, rc, err);
}

hl_rc
hl_store_license_retire(hl_store *store, const hl_uuid *license,
    const char *reason, const hl_actor *actor, hl_err *err)
{
	static const change c = { "retire a license", "license.retired",
		HL_LICENSE_RETIRED, check_retire };

	return change_state(store, &c, license, reason, actor, err);
}

hl_rc
hl_store_license_doubt(hl_store *store, const hl_uuid *license,
    const char *reason, const hl_actor *actor, hl_err *err)
{
	static const change c = { "doubt a license", "license.suspect",
		HL_LICENSE_SUSPECT, check_doubt };

	return change_state(store, &c, license, reason, actor, err);
}

hl_rc
hl_store_license_trust(hl_store *store, const hl_uuid *license,
    const char *reason, const hl_actor *actor, hl_err *err)
{
	static const change c = { "trust a license", "license.trusted",
		HL_LICENSE_ACTIVE, check_trust };

	return change_state(store, &c, license, reason, actor, err);
}
