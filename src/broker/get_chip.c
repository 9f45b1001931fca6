/* SPDX-License-Identifier: Apache-2.0 */
/* Which chip a get is for. */
#include <string.h>

#include "broker/get.h"
#include "util/hex.h"

static hl_rc
unknown_uid(const hl_uid *uid, hl_err *err)
{
	char text[HL_UID_TEXT];

	hl_uid_text(uid, text);
	return hl_fail(err, HL_ENOTFOUND, "find the chip",
	    "give its certificate once: --cert FILE --uid HEX",
	    "no chip with UID %s is known to this store", text);
}

static hl_rc
other_chip(const hl_chip *known, hl_err *err)
{
	char cert[2 * HL_SHA256_LEN + 1], uid[HL_UID_TEXT];

	hl_hex_lower(cert, known->cert_sha256, HL_SHA256_LEN);
	hl_uid_text(&known->uid, uid);
	return hl_fail(err, HL_ECONFLICT, "find the chip",
	    "check that certificate and UID were read from the same chip",
	    "the chip with UID %s is known with certificate %s: not both of "
	    "what was given",
	    uid, cert);
}

static bool
see_license(void *arg, const hl_license *l)
{
	(void)l;
	*(bool *)arg = true;
	return false;
}

static bool
see_issue(void *arg, const hl_issue *i)
{
	(void)i;
	*(bool *)arg = true;
	return false;
}

/* Do licenses or requests refer to it? */
static hl_rc
is_used(hl_store *store, const hl_chip *chip, bool *used, hl_err *err)
{
	const hl_license_filter filter = { &chip->id, NULL, true };
	bool seen = false;
	hl_rc rc;

	rc = hl_store_license_list(store, &filter, see_license, &seen, err);
	if (rc == HL_OK && !seen)
		rc = hl_store_issue_list_chip(
		    store, &chip->id, see_issue, &seen, err);
	if (rc == HL_OK)
		*used = seen;
	return rc;
}

/*
 * The chip was met once by its certificate (*chip) and once by its UID: what is
 * kept for it is kept for one of the two.
 */
static hl_rc
choose_half(hl_store *store, hl_chip *chip, const hl_chip *by_uid, hl_err *err)
{
	bool used = false, other_used = false;
	hl_rc rc = is_used(store, chip, &used, err);

	if (rc == HL_OK && !used)
		rc = is_used(store, by_uid, &other_used, err);
	if (rc == HL_OK && other_used)
		*chip = *by_uid;
	return rc;
}

/*
 * Is it what was given, with nothing to add? Another process may have recorded
 * the same chip between any two looks of ours.
 */
static bool
is_given_chip(const hl_chip *chip, const hl_get_request *r)
{
	return chip->has_cert &&
	    memcmp(chip->cert_sha256, r->cert->sha256, HL_SHA256_LEN) == 0 &&
	    (r->uid == NULL || hl_uid_equal(&chip->uid, r->uid));
}

/* As hl_store_chip_put() would find it, but nothing is completed. */
static hl_rc
find_without_writing(hl_get *g, hl_err *err)
{
	const hl_get_request *r = g->req;
	hl_store *store = g->b->store;
	hl_chip *chip = &g->out->chip, other;
	hl_err e = { 0 };
	hl_rc rc, by_uid = HL_ENOTFOUND;

	rc = hl_store_chip_by_cert(store, r->cert->sha256, chip, &e);
	if (rc == HL_OK && is_given_chip(chip, r))
		return HL_OK;
	if (rc == HL_OK && chip->uid.n > 0)
		return other_chip(chip, err);
	if (r->uid != NULL && (rc == HL_OK || rc == HL_ENOTFOUND))
		by_uid = hl_store_chip_by_uid(store, r->uid, &other, &e);
	if (by_uid == HL_OK && other.has_cert && !is_given_chip(&other, r))
		return other_chip(&other, err);
	if (rc == HL_OK && by_uid == HL_OK)
		rc = choose_half(store, chip, &other, &e);
	else if (rc == HL_ENOTFOUND && (rc = by_uid) == HL_OK)
		*chip = other;
	g->chip_known = rc == HL_OK;
	if (rc == HL_OK || rc == HL_ENOTFOUND)
		return HL_OK;
	if (err != NULL)
		*err = e;
	return rc;
}

/* For showing: a chip that is not recorded yet. */
static void
describe_chip(hl_get *g)
{
	const hl_get_request *r = g->req;
	hl_chip *chip = &g->out->chip;

	chip->has_cert = true;
	memcpy(chip->cert_sha256, r->cert->sha256, sizeof(chip->cert_sha256));
	(void)hl_text_copy(
	    chip->product_id, sizeof(chip->product_id), r->cert->product_id);
	if (r->uid != NULL)
		chip->uid = *r->uid;
}

hl_rc
hl_get_find_chip(hl_get *g, hl_err *err)
{
	const hl_get_request *r = g->req;
	hl_chip *chip = &g->out->chip;
	hl_rc rc;

	g->chip_known = true;
	if (r->chip != NULL)
		return hl_store_chip_by_id(g->b->store, r->chip, chip, err);
	if (r->cert == NULL) {
		rc = hl_store_chip_by_uid(g->b->store, r->uid, chip, err);
		return rc == HL_ENOTFOUND ? unknown_uid(r->uid, err) : rc;
	}
	if ((rc = find_without_writing(g, err)) != HL_OK ||
	    is_given_chip(chip, r))
		return rc;
	g->chip_incomplete = true;
	describe_chip(g);
	return HL_OK;
}

hl_rc
hl_get_record_chip(hl_get *g, hl_err *err)
{
	const hl_get_request *r = g->req;
	hl_rc rc;

	if (!g->chip_incomplete)
		return HL_OK;
	rc = hl_store_chip_put(
	    g->b->store, r->cert, r->uid, r->actor, &g->out->chip, err);
	if (rc == HL_OK) {
		g->chip_known = true;
		g->chip_incomplete = false;
	}
	return rc;
}

hl_rc
hl_get_load_cert(hl_get *g, hl_err *err)
{
	hl_rc rc;

	if (g->cert->n > 0)
		return HL_OK;
	if (g->req->cert != NULL) {
		*g->cert = *g->req->cert;
		return HL_OK;
	}
	rc = hl_store_chip_cert(g->b->store, &g->out->chip.id, g->cert, err);
	if (rc == HL_ENOTFOUND)
		return hl_fail(err, HL_ENOTFOUND, "get a license",
		    "give it once: --cert FILE",
		    "the chip's certificate is not known");
	return rc;
}
