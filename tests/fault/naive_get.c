/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Negative control: gets a license in the order that must not be, card first
 * and store second. A fault harness that finds nothing wrong with this program
 * finds nothing at all.
 *
 *   naive-get STORE CARD CERTIFICATE UID
 */
#include <stdio.h>
#include <string.h>

#include "card/card.h"
#include "store/store.h"

struct naive {
	hl_store *store;
	hl_card *card;
	hl_card_info info;
	hl_card_row row;
	hl_cert cert;
	hl_chip chip;
	hl_actor actor;
};

static hl_rc
look_up(struct naive *n, const char *uid_text, hl_err *err)
{
	hl_license l;
	hl_uid uid;
	hl_rc rc;

	if ((rc = hl_uid_parse(uid_text, &uid, err)) != HL_OK ||
	    (rc = hl_store_chip_put(n->store, &n->cert, &uid, &n->actor,
		 &n->chip, err)) != HL_OK ||
	    (rc = hl_store_card_by_serial(
		 n->store, n->info.serial, &n->row, err)) != HL_OK)
		return rc;
	return hl_store_license_find(
	    n->store, &n->chip.id, &n->row.firmware, &l, err);
}

static hl_rc
card_first(struct naive *n, hl_err *err)
{
	const hl_deadline until = hl_deadline_in(10000);
	hl_issue issue = { .chip = n->chip.id,
		.firmware = n->row.firmware,
		.card = n->row.id,
		.counter_before = n->info.counter,
		.actor = n->actor };
	hl_intent_result opened;
	hl_outcome o = { .state = HL_ISSUE_ISSUED, .counter_known = true };
	hl_card_answer a;
	hl_exec exec;
	hl_rc rc;

	if ((rc = hl_uuid_new(&issue.id, err)) != HL_OK ||
	    (rc = hl_card_issue(n->card, n->cert.b, n->cert.n, &issue.id, &a,
		 &exec, until, err)) != HL_OK ||
	    (rc = hl_store_intent_open(n->store, &issue, "OPERATIONAL_STATE",
		 n->info.reader, &opened, err)) != HL_OK)
		return rc;
	o.issue = issue.id;
	o.counter_after = a.counter_after;
	o.license = a.license;
	o.license_n = a.n;
	return hl_store_intent_close(n->store, &o, NULL, err);
}

int
main(int argc, char **argv)
{
	static struct naive n;
	const hl_store_options opt = { .create = true };
	hl_card_options card_opt = { .until = 0 };
	char reader[300];
	hl_err err = { 0 };
	hl_rc rc;

	if (argc != 5)
		return 2;
	card_opt.until = hl_deadline_in(10000);
	(void)snprintf(reader, sizeof(reader), "sim:%s", argv[2]);
	if ((rc = hl_cert_read(&n.cert, argv[3], false, &err)) == HL_OK &&
	    (rc = hl_store_open(&n.store, argv[1], &opt, &err)) == HL_OK &&
	    (rc = hl_card_open(&n.card, reader, &card_opt, &err)) == HL_OK &&
	    (rc = hl_card_read(n.card, &n.info, card_opt.until, &err)) ==
		HL_OK &&
	    (rc = look_up(&n, argv[4], &err)) == HL_ENOTFOUND)
		rc = card_first(&n, &err);
	hl_card_close(&n.card);
	hl_store_close(&n.store);
	if (rc != HL_OK)
		(void)fprintf(stderr, "naive-get: %s: %s\n", err.what, err.why);
	return rc == HL_OK ? 0 : 1;
}
