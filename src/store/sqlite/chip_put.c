/* SPDX-License-Identifier: Apache-2.0 */
/* A chip becomes known, or better known. */
#include <string.h>

#include "store/sqlite/chip.h"
#include "store/sqlite/log.h"
#include "util/hex.h"

static const hl_uid no_uid = { .n = 0 };

/* What chip_put() was given, and what is known of it. */
typedef struct put {
	hl_store *s;
	const hl_cert *cert; /* NULL: not given */
	const hl_uid *uid;   /* n = 0: not given */
	const hl_actor *actor;
	const hl_event_fact *facts; /* told with it, n_facts of them */
	size_t n_facts;
	bool has_a, has_b;
	hl_chip a; /* known by the certificate */
	hl_chip b; /* known by the UID */
} put;

static hl_rc
find_by_uid(
    hl_store *s, const hl_uid *uid, hl_chip *out, bool *found, hl_err *err)
{
	hl_q q = hl_q_new(s, HL_CHIP_SELECT "WHERE c.uid = ?");

	hl_q_blob(&q, uid->b, uid->n);
	return hl_row_get(&q, hl_row_chip, out, sizeof(*out), found, err);
}

static hl_rc
find_by_cert(hl_store *s, const uint8_t sha256[HL_SHA256_LEN], hl_chip *out,
    bool *found, hl_err *err)
{
	hl_q q = hl_q_new(s, HL_CHIP_SELECT "WHERE c.cert_sha256 = ?");

	hl_q_blob(&q, sha256, HL_SHA256_LEN);
	return hl_row_get(&q, hl_row_chip, out, sizeof(*out), found, err);
}

static hl_rc
conflict_uid(const put *p, const hl_chip *known, hl_err *err)
{
	char cert[2 * HL_SHA256_LEN + 1], has[HL_UID_TEXT], given[HL_UID_TEXT];

	hl_hex_lower(cert, p->cert->sha256, HL_SHA256_LEN);
	hl_uid_text(&known->uid, has);
	hl_uid_text(p->uid, given);
	return hl_db_fail(p->s, HL_ECONFLICT, err,
	    "check which chip this certificate was read from; nothing was "
	    "changed",
	    "certificate %s is known with UID %s, but UID %s was given", cert,
	    has, given);
}

static hl_rc
conflict_cert(const put *p, const hl_chip *known, hl_err *err)
{
	char has[2 * HL_SHA256_LEN + 1], given[2 * HL_SHA256_LEN + 1];
	char uid[HL_UID_TEXT];

	hl_uid_text(p->uid, uid);
	hl_hex_lower(has, known->cert_sha256, HL_SHA256_LEN);
	hl_hex_lower(given, p->cert->sha256, HL_SHA256_LEN);
	return hl_db_fail(p->s, HL_ECONFLICT, err,
	    "check that certificate and UID were read from the same chip; "
	    "nothing was changed",
	    "UID %s is known with certificate %s, but certificate %s was given",
	    uid, has, given);
}

static hl_rc
check_conflicts(const put *p, hl_err *err)
{
	if (p->cert == NULL || p->uid->n == 0)
		return HL_OK;
	if (p->has_a && p->a.uid.n > 0 && !hl_uid_equal(&p->a.uid, p->uid))
		return conflict_uid(p, &p->a, err);
	if (p->has_b && p->b.has_cert &&
	    memcmp(p->b.cert_sha256, p->cert->sha256, HL_SHA256_LEN) != 0)
		return conflict_cert(p, &p->b, err);
	return HL_OK;
}

static hl_rc
add_cert(const put *p, hl_err *err)
{
	hl_q q = hl_q_new(p->s,
	    "INSERT INTO certificates (sha256, product_id, bytes) "
	    "VALUES (?, ?, ?) ON CONFLICT (sha256) DO NOTHING");

	hl_q_blob(&q, p->cert->sha256, HL_SHA256_LEN);
	hl_q_text(&q, p->cert->product_id);
	hl_q_blob(&q, p->cert->b, p->cert->n);
	return hl_q_run(&q, err);
}

static void
bind_uid(hl_q *q, const hl_uid *uid)
{
	if (uid->n == 0)
		hl_q_null(q);
	else
		hl_q_blob(q, uid->b, uid->n);
}

static void
bind_cert(hl_q *q, const hl_cert *cert)
{
	if (cert == NULL)
		hl_q_null(q);
	else
		hl_q_blob(q, cert->sha256, HL_SHA256_LEN);
}

static hl_rc
add_chip(const put *p, hl_uuid *id, hl_err *err)
{
	hl_rc rc;
	hl_q q;

	if ((rc = hl_uuid_new(id, err)) != HL_OK)
		return rc;
	q = hl_q_new(p->s,
	    "INSERT INTO chips (id, uid, cert_sha256, first_seen, station, "
	    "operator, lot, note, use_class) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
	    "?)");
	hl_q_uuid(&q, id);
	bind_uid(&q, p->uid);
	bind_cert(&q, p->cert);
	hl_q_int(&q, p->s->now);
	hl_q_actor(&q, p->actor);
	return hl_q_run(&q, err);
}

static hl_rc
complete_chip(const put *p, const hl_uuid *id, hl_err *err)
{
	hl_q q;

	q = hl_q_new(p->s,
	    "UPDATE chips SET uid = coalesce(uid, ?), "
	    "cert_sha256 = coalesce(cert_sha256, ?) WHERE id = ?");
	bind_uid(&q, p->uid);
	bind_cert(&q, p->cert);
	hl_q_uuid(&q, id);
	return hl_q_run(&q, err);
}

static hl_rc
is_referred_to(hl_store *s, const hl_uuid *chip, bool *yes, hl_err *err)
{
	hl_q q = hl_q_new(s,
	    "SELECT EXISTS (SELECT 1 FROM issues WHERE chip = ?1) "
	    "OR EXISTS (SELECT 1 FROM licenses WHERE chip = ?1) "
	    "OR EXISTS (SELECT 1 FROM installs WHERE chip = ?1)");

	hl_q_uuid(&q, chip);
	if (hl_q_row(&q))
		*yes = hl_q_get_int(&q) != 0;
	return hl_q_end(&q, err);
}

static hl_rc
fail_two_halves(const put *p, hl_err *err)
{
	char cert[2 * HL_SHA256_LEN + 1], uid[HL_UID_TEXT];

	hl_hex_lower(cert, p->cert->sha256, HL_SHA256_LEN);
	hl_uid_text(p->uid, uid);
	return hl_db_fail(p->s, HL_ECONFLICT, err,
	    "go on naming this chip by its certificate alone, or by its UID "
	    "alone; nothing was changed",
	    "certificate %s and UID %s are known as two chips, and both have "
	    "licenses, issues or installs already",
	    cert, uid);
}

/*
 * The chip was met once by its certificate and once by its UID. The record that
 * nothing refers to goes, the other one gets what it lacked.
 */
static hl_rc
join_halves(const put *p, hl_uuid *id, hl_err *err)
{
	const hl_chip *keep = &p->a, *drop = &p->b;
	bool used_a = true, used_b = true;
	hl_rc rc;
	hl_q q;

	if ((rc = is_referred_to(p->s, &p->a.id, &used_a, err)) != HL_OK ||
	    (rc = is_referred_to(p->s, &p->b.id, &used_b, err)) != HL_OK)
		return rc;
	if (used_a && used_b)
		return fail_two_halves(p, err);
	if (used_b) {
		keep = &p->b;
		drop = &p->a;
	}
	q = hl_q_new(p->s, "DELETE FROM chips WHERE id = ?");
	hl_q_uuid(&q, &drop->id);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	*id = keep->id;
	q = hl_q_new(p->s,
	    "UPDATE chips SET label = coalesce(label, ?) "
	    "WHERE id = ?");
	hl_q_text_or_null(&q, drop->label);
	hl_q_uuid(&q, &keep->id);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	return complete_chip(p, id, err);
}

static bool
are_halves(const put *p)
{
	return p->has_a && p->has_b && !hl_uuid_equal(&p->a.id, &p->b.id);
}

static hl_rc
apply(const put *p, hl_uuid *id, hl_err *err)
{
	const hl_chip *known = p->has_a ? &p->a : &p->b;
	hl_rc rc;

	if (p->cert != NULL && !p->has_a) {
		if ((rc = add_cert(p, err)) != HL_OK)
			return rc;
	}
	if (!p->has_a && !p->has_b)
		return add_chip(p, id, err);
	if (are_halves(p))
		return join_halves(p, id, err);
	*id = known->id;
	if ((known->uid.n == 0 && p->uid->n > 0) ||
	    (!known->has_cert && p->cert != NULL))
		return complete_chip(p, id, err);
	return HL_OK;
}

static hl_rc
put_in_tx(put *p, hl_chip *out, hl_err *err)
{
	hl_uuid id;
	hl_rc rc = HL_OK;

	if (p->cert != NULL) {
		rc = find_by_cert(p->s, p->cert->sha256, &p->a, &p->has_a, err);
	}
	if (rc == HL_OK && p->uid->n > 0)
		rc = find_by_uid(p->s, p->uid, &p->b, &p->has_b, err);
	if (rc == HL_OK)
		rc = check_conflicts(p, err);
	if (rc == HL_OK)
		rc = apply(p, &id, err);
	if (rc == HL_OK) {
		/* facts alone are no event */
		const size_t n = p->s->log.n > 0 ? p->n_facts : 0;

		rc = hl_log_event(p->s,
		    are_halves(p) ? "chip.joined" : "chip.seen", p->actor,
		    p->facts, n, err);
	}
	if (rc == HL_OK)
		rc = hl_chip_need(p->s, &id, out, err);
	return rc;
}

hl_rc
hl_chip_put_row(hl_store *s, const hl_cert *cert, const hl_uid *uid,
    const hl_actor *actor, const hl_event_fact *facts, size_t n, hl_chip *out,
    hl_err *err)
{
	put p = { .s = s,
		.cert = cert,
		.uid = uid,
		.actor = actor,
		.facts = facts,
		.n_facts = n };

	return put_in_tx(&p, out, err);
}

static hl_rc
check_given(const put *p, hl_err *err)
{
	if (p->cert == NULL && p->uid->n == 0) {
		return hl_fail(err, HL_EINPUT, "make a chip known",
		    "give its certificate, its UID, or both",
		    "neither was given");
	}
	if (p->uid->n != 0 &&
	    (p->uid->n < HL_UID_MIN || p->uid->n > HL_UID_MAX)) {
		return hl_fail(err, HL_EINPUT, "make a chip known",
		    "a UID has 8 to 16 bytes", "its UID has %zu bytes",
		    p->uid->n);
	}
	if (p->cert != NULL && (p->cert->n == 0 || p->cert->n > HL_CERT_MAX)) {
		return hl_fail(err, HL_EINPUT, "make a chip known",
		    "a certificate has 1 to 4096 bytes",
		    "its certificate has %zu bytes", p->cert->n);
	}
	return hl_actor_check(p->actor, err);
}

hl_rc
hl_store_chip_put(hl_store *store, const hl_cert *cert, const hl_uid *uid,
    const hl_actor *actor, hl_chip *out, hl_err *err)
{
	put p = { .s = store, .cert = cert, .actor = actor };
	hl_chip row;
	hl_rc rc;

	p.uid = uid == NULL ? &no_uid : uid;
	if ((rc = check_given(&p, err)) != HL_OK)
		return rc;
	rc = hl_tx_begin(store, "make a chip known", err);
	if (rc != HL_OK)
		return rc;
	rc = put_in_tx(&p, &row, err);
	rc = hl_tx_end(store, rc, err);
	if (rc == HL_OK)
		*out = row;
	return rc;
}
