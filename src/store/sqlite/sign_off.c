/* SPDX-License-Identifier: Apache-2.0 */
/* What a person takes for known, and what a reconciliation found. */
#include <string.h>

#include "store/sqlite/balance.h"
#include "store/sqlite/card.h"
#include "store/sqlite/issue.h"
#include "store/sqlite/log.h"

/* A row to book. */
typedef struct variance {
	hl_variance_class class;
	int64_t units;
	uint32_t counter;
	const hl_uuid *license; /* NULL: none */
} variance;

static hl_rc
book(hl_store *s, const hl_sign_off *so, const variance *v, hl_err *err)
{
	hl_uuid id;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_uuid_new(&id, err)) != HL_OK)
		return rc;
	q = hl_q_new(s,
	    "INSERT INTO variances (id, card, at, class, units, counter, "
	    "license, reason, station, operator, lot, note, use_class) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	hl_q_uuid(&q, &id);
	hl_q_uuid(&q, &so->card);
	hl_q_int(&q, s->now);
	hl_q_text(&q, hl_variance_class_name(v->class));
	hl_q_int(&q, v->units);
	hl_q_int(&q, v->counter);
	hl_q_uuid(&q, v->license);
	hl_q_text(&q, so->reason);
	hl_q_actor(&q, so->actor);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	return hl_log_event(s, "variance.signed", so->actor, NULL, 0, err);
}

/* ---- licenses that were imported ---------------------------------------- */

static hl_rc
fail_link(hl_store *s, const hl_uuid *license, const char *why, hl_err *err)
{
	char id[HL_UUID_TEXT];

	hl_uuid_text(license, id);
	return hl_db_fail(s, HL_ECONFLICT, err,
	    "see hsmlic license list --all; nothing was booked",
	    "license %s %s", id, why);
}

static hl_rc
check_linked(hl_store *s, const hl_uuid *license, bool *linked, hl_err *err)
{
	hl_q q = hl_q_new(s, "SELECT 1 FROM variances WHERE license = ?");

	hl_q_uuid(&q, license);
	*linked = hl_q_row(&q);
	return hl_q_end(&q, err);
}

static hl_rc
check_imported(
    hl_store *s, const hl_sign_off *so, const hl_uuid *license, hl_err *err)
{
	static const hl_uuid none;
	hl_card_row card;
	hl_license l;
	bool linked;
	hl_rc rc;

	if ((rc = hl_license_need(s, license, &l, err)) != HL_OK ||
	    (rc = hl_card_need(s, &so->card, &card, err)) != HL_OK ||
	    (rc = check_linked(s, license, &linked, err)) != HL_OK)
		return rc;
	if (!hl_uuid_equal(&l.issue, &none))
		return fail_link(s, license,
		    "was not imported: a request of this store fetched it",
		    err);
	if (!hl_uuid_equal(&l.firmware, &card.firmware))
		return fail_link(
		    s, license, "is of a firmware of other cards", err);
	return linked
	    ? fail_link(s, license, "is linked to a unit already", err)
	    : HL_OK;
}

/* Each takes its unit from what is to be booked. */
static hl_rc
book_imported(hl_store *s, const hl_sign_off *so, uint32_t counter,
    int64_t units[HL_VARIANCE_N], hl_err *err)
{
	variance v = { HL_VARIANCE_IMPORTED, 1, counter, NULL };
	hl_variance_class from;
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < so->n_imported && rc == HL_OK; i++) {
		v.license = &so->imported[i];
		if ((rc = check_imported(s, so, v.license, err)) != HL_OK)
			return rc;
		if (!hl_gap_bought(units, &from))
			return fail_link(s, v.license,
			    "has no unit to be linked to: there are more "
			    "licenses than units to sign off",
			    err);
		units[from]--;
		rc = book(s, so, &v, err);
	}
	return rc;
}

/* ---- one card ----------------------------------------------------------- */

/* Nothing is booked that was not shown to who books it. */
static hl_rc
check_shown(
    hl_store *s, const hl_sign_off *so, const hl_balance *b, hl_err *err)
{
	for (int c = 0; c < HL_VARIANCE_N; c++) {
		const hl_variance_class class = (hl_variance_class)c;
		int64_t open = hl_balance_open(b, class);

		if (class != HL_VARIANCE_REPLACED)
			open -= b->by[c].unrecorded;
		if (open == so->units[c])
			continue;
		return hl_db_fail(s, HL_ECONFLICT, err,
		    "look at it again; nothing was booked",
		    "%lld units of the card are %s by now, not %lld",
		    (long long)open, hl_variance_class_name(class),
		    (long long)so->units[c]);
	}
	return HL_OK;
}

static hl_rc
sign_in_tx(hl_store *s, const hl_sign_off *so, hl_err *err)
{
	const bool read = so->units[HL_VARIANCE_REPLACED] != 0;
	int64_t units[HL_VARIANCE_N];
	hl_balance b;
	hl_rc rc;

	rc = hl_balance_take(s, &so->card, read ? &so->counter : NULL, &b, err);
	if (rc != HL_OK || (rc = check_shown(s, so, &b, err)) != HL_OK)
		return rc;
	memcpy(units, so->units, sizeof(units));
	rc = book_imported(s, so, b.left, units, err);
	for (int c = 0; c < HL_VARIANCE_N && rc == HL_OK; c++) {
		const variance v = { (hl_variance_class)c, units[c],
			c == HL_VARIANCE_REPLACED ? so->counter : b.left,
			NULL };

		if (v.units != 0)
			rc = book(s, so, &v, err);
	}
	return rc;
}

static hl_rc
check_sign_off(const hl_sign_off *so, hl_err *err)
{
	bool any = false;
	hl_rc rc;

	for (int c = 0; c < HL_VARIANCE_N; c++)
		any |= so->units[c] != 0;
	if (!any)
		return hl_fail(err, HL_EINPUT, "sign off units", "",
		    "there are none to sign off");
	rc = hl_text_check("reason", so->reason, false, err);
	return rc == HL_OK ? hl_actor_check(so->actor, err) : rc;
}

hl_rc
hl_store_sign_off(hl_store *store, const hl_sign_off *so, hl_err *err)
{
	hl_rc rc;

	if ((rc = check_sign_off(so, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "sign off units of a card", err)) != HL_OK)
		return rc;
	rc = sign_in_tx(store, so, err);
	return hl_tx_end(store, rc, err);
}

/* ---- what could be linked ----------------------------------------------- */

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
hl_store_license_unlinked(hl_store *store, const hl_uuid *firmware,
    bool (*row)(void *arg, const hl_license *l), void *arg, hl_err *err)
{
	giver g = { row, arg };
	const hl_list l = {
		.sql = HL_LICENSE_SELECT
		"WHERE l.n > ?1 AND l.firmware = ?3 AND l.issue IS NULL "
		"AND NOT EXISTS (SELECT 1 FROM variances AS v "
		"WHERE v.license = l.id) ORDER BY l.n" HL_LIST_LIMIT,
		.read = hl_row_license,
		.size = sizeof(hl_license),
		.a = firmware,
		.give = give,
		.arg = &g,
	};

	store->doing = "list imported licenses";
	return hl_list_run(store, &l, err);
}

/* ---- what was found ----------------------------------------------------- */

/* What a reading now would leave, unless it is of another card. */
static int64_t
left_of(const hl_balance *b)
{
	int64_t left = b->left;

	for (int c = 0; c < HL_VARIANCE_N; c++) {
		if (c != HL_VARIANCE_REPLACED)
			left -= b->by[c].unrecorded;
	}
	return left;
}

static int64_t
units_of(const hl_balance *b, hl_variance_class c)
{
	return b->by[c].units + b->by[c].unrecorded;
}

static int64_t
signed_of(const hl_balance *b)
{
	int64_t sum = 0;

	for (int c = 0; c < HL_VARIANCE_N; c++) {
		if (c != HL_VARIANCE_IMPORTED && c != HL_VARIANCE_REPLACED)
			sum += b->by[c].booked;
	}
	return sum;
}

static hl_rc
tell_one(
    hl_store *s, const hl_reconcile_row *r, const hl_actor *actor, hl_err *err)
{
	const hl_balance *b = &r->balance;
	char card[HL_UUID_TEXT];

	hl_uuid_text(&r->card, card);
	const hl_event_fact facts[] = {
		{ "card", card, 0 },
		{ "provisioned", NULL, b->provisioned },
		{ "left", NULL, left_of(b) },
		{ "issued", NULL, (int64_t)b->issued },
		{ "issued_bad", NULL, (int64_t)b->bad },
		{ "lost", NULL, (int64_t)(b->lost + b->lost_or_outside) },
		{ "in_doubt", NULL, units_of(b, HL_VARIANCE_IN_DOUBT) },
		{ "outside", NULL, units_of(b, HL_VARIANCE_OUTSIDE) },
		{ "jump", NULL, units_of(b, HL_VARIANCE_JUMP) },
		{ "rolled_back", NULL, units_of(b, HL_VARIANCE_ROLLED_BACK) },
		{ "imported", NULL, units_of(b, HL_VARIANCE_IMPORTED) },
		{ "replaced", NULL, hl_balance_above(b) },
		{ "signed", NULL, signed_of(b) },
		{ "difference", NULL, hl_balance_difference(b) },
		{ "counter", NULL, r->counter },
	};

	/* without the last when the card was not there */
	return hl_log_event(s, "reconcile.result", actor, facts,
	    HL_COUNT(facts) - (r->read ? 0 : 1), err);
}

hl_rc
hl_store_reconciled(hl_store *store, const hl_reconcile_row *rows, size_t n,
    const hl_actor *actor, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "record what was found", err)) != HL_OK)
		return rc;
	for (size_t i = 0; i < n && rc == HL_OK; i++)
		rc = tell_one(store, &rows[i], actor, err);
	return hl_tx_end(store, rc, err);
}
