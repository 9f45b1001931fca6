/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/chip.h"
#include "store/sqlite/log.h"

#include <string.h>

hl_rc
hl_chip_need(hl_store *s, const hl_uuid *id, hl_chip *out, hl_err *err)
{
	hl_q q = hl_q_new(s, HL_CHIP_SELECT "WHERE c.id = ?");

	hl_q_uuid(&q, id);
	return hl_row_need(&q, hl_row_chip, out, sizeof(*out), "chip", err);
}

hl_rc
hl_store_chip_by_uid(
    hl_store *store, const hl_uid *uid, hl_chip *out, hl_err *err)
{
	hl_q q;

	store->doing = "look up a chip by its UID";
	q = hl_q_new(store, HL_CHIP_SELECT "WHERE c.uid = ?");
	hl_q_blob(&q, uid->b, uid->n);
	return hl_row_need(&q, hl_row_chip, out, sizeof(*out), "chip", err);
}

hl_rc
hl_store_chip_by_cert(hl_store *store, const uint8_t sha256[HL_SHA256_LEN],
    hl_chip *out, hl_err *err)
{
	hl_q q;

	store->doing = "look up a chip by its certificate";
	q = hl_q_new(store, HL_CHIP_SELECT "WHERE c.cert_sha256 = ?");
	hl_q_blob(&q, sha256, HL_SHA256_LEN);
	return hl_row_need(&q, hl_row_chip, out, sizeof(*out), "chip", err);
}

hl_rc
hl_store_chip_by_id(
    hl_store *store, const hl_uuid *id, hl_chip *out, hl_err *err)
{
	store->doing = "look up a chip";
	return hl_chip_need(store, id, out, err);
}

hl_rc
hl_store_chip_by_label(
    hl_store *store, const char *label, hl_chip *out, hl_err *err)
{
	hl_q q;

	store->doing = "look up a chip by its label";
	q = hl_q_new(store, HL_CHIP_SELECT "WHERE c.label = ?");
	hl_q_text(&q, label);
	return hl_row_need(&q, hl_row_chip, out, sizeof(*out), "chip", err);
}

hl_rc
hl_store_chip_cert(
    hl_store *store, const hl_uuid *chip, hl_cert *out, hl_err *err)
{
	uint8_t sha256[HL_SHA256_LEN], bytes[HL_CERT_MAX];
	bool found = false;
	size_t n = 0;
	hl_cert cert;
	hl_rc rc;
	hl_q q;

	store->doing = "read a certificate";
	q = hl_q_new(store,
	    "SELECT e.sha256, e.bytes FROM chips AS c "
	    "JOIN certificates AS e ON e.sha256 = c.cert_sha256 WHERE c.id = "
	    "?");
	hl_q_uuid(&q, chip);
	if ((found = hl_q_row(&q))) {
		hl_q_get_blob(&q, sha256, sizeof(sha256), sizeof(sha256));
		n = hl_q_get_blob(&q, bytes, 1, sizeof(bytes));
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	if (!found) {
		return hl_db_fail(store, HL_ENOTFOUND, err,
		    "read the chip, or give its certificate",
		    "the certificate of this chip is not known there");
	}
	if ((rc = hl_cert_parse(&cert, bytes, n, true, err)) != HL_OK)
		return rc;
	if (memcmp(cert.sha256, sha256, sizeof(sha256)) != 0) {
		return hl_db_fail(store, HL_EINTEGRITY, err,
		    "run hsmlic store check; restore a backup",
		    "the bytes do not match their SHA-256");
	}
	*out = cert;
	return HL_OK;
}

static hl_rc
check_label(hl_store *s, const hl_uuid *chip, const char *label, hl_err *err)
{
	hl_chip other;
	bool found = false;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_chip_need(s, chip, &other, err)) != HL_OK)
		return rc;
	q = hl_q_new(s, HL_CHIP_SELECT "WHERE c.label = ? AND c.id IS NOT ?");
	hl_q_text(&q, label);
	hl_q_uuid(&q, chip);
	rc = hl_row_get(&q, hl_row_chip, &other, sizeof(other), &found, err);
	if (rc != HL_OK || !found)
		return rc;
	return hl_db_fail(s, HL_ECONFLICT, err, "choose another label",
	    "another chip bears the label \"%s\"", label);
}

hl_rc
hl_store_chip_label(hl_store *store, const hl_uuid *chip, const char *label,
    const hl_actor *actor, hl_err *err)
{
	hl_rc rc;
	hl_q q;

	if ((rc = hl_text_check("label", label, true, err)) != HL_OK ||
	    (rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "label a chip", err)) != HL_OK)
		return rc;
	if ((rc = check_label(store, chip, label, err)) != HL_OK)
		goto out;
	q = hl_q_new(store, "UPDATE chips SET label = ? WHERE id = ?");
	hl_q_text_or_null(&q, label);
	hl_q_uuid(&q, chip);
	if ((rc = hl_q_run(&q, err)) == HL_OK)
		rc = hl_log_event(store, "chip.labelled", actor, NULL, 0, err);
out:
	return hl_tx_end(store, rc, err);
}

typedef struct giver {
	bool (*row)(void *arg, const hl_chip *chip);
	void *arg;
} giver;

static bool
give(void *arg, const void *row)
{
	const giver *g = arg;

	return g->row(g->arg, row);
}

hl_rc
hl_store_chip_list(hl_store *store, bool (*row)(void *arg, const hl_chip *chip),
    void *arg, hl_err *err)
{
	giver g = { row, arg };
	const hl_list l = {
		.sql =
		    HL_CHIP_SELECT "WHERE c.n > ?1 ORDER BY c.n" HL_LIST_LIMIT,
		.read = hl_row_chip,
		.size = sizeof(hl_chip),
		.give = give,
		.arg = &g,
	};

	store->doing = "list chips";
	return hl_list_run(store, &l, err);
}
