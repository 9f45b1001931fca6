/* SPDX-License-Identifier: Apache-2.0 */
/* The license that the store has, and handing it over. */
#include <stdio.h>
#include <string.h>

#include "broker/get.h"
#include "broker/seen.h"

/* It costs nothing, so a store that cannot write is no reason to fail. */
static void
record_use(hl_get *g)
{
	hl_err e = { 0 };
	hl_rc rc = hl_get_record_chip(g, &e);

	if (rc == HL_OK)
		rc = hl_store_license_use(g->b->store, &g->out->license.id,
		    "store", g->req->actor, &e);
	if (rc != HL_OK)
		hl_broker_note(
		    g->b, "this use could not be recorded: %s", e.why);
}

hl_rc
hl_get_hand_over(
    hl_get *g, const hl_license *l, hl_source source, int units, hl_err *err)
{
	hl_store *store = g->b->store;
	hl_get_result *out = g->out;
	hl_rc rc;

	out->license = *l;
	out->source = source;
	out->units_spent = units;
	rc = hl_store_license_bytes(store, &l->id, out->bytes, &out->n, err);
	if (rc != HL_OK)
		return rc;
	rc = hl_store_firmware_by_id(store, &l->firmware, &out->firmware, err);
	if (rc != HL_OK)
		return rc;
	out->has_issue =
	    hl_store_issue_by_id(store, &l->issue, &out->issue, NULL) == HL_OK;
	out->has_card = out->has_issue &&
	    hl_store_card_by_id(store, &out->issue.card, &out->card, NULL) ==
		HL_OK;
	if (g->req->dry_run)
		return HL_OK;
	if (g->req->deliver != NULL &&
	    (rc = g->req->deliver(g->req->arg, out, err)) != HL_OK)
		return rc;
	if (source == HL_SOURCE_STORE)
		record_use(g);
	return HL_OK;
}

hl_rc
hl_get_find_license(
    hl_get *g, const hl_uuid *firmware, hl_license *l, hl_err *err)
{
	if (!g->chip_known)
		return HL_ENOTFOUND;
	return hl_store_license_find(
	    g->b->store, &g->out->chip.id, firmware, l, err);
}

struct only_license {
	hl_license found;
	unsigned n;
	hl_text names;
};

static bool
count_license(void *arg, const hl_license *l)
{
	struct only_license *o = arg;
	const size_t used = strlen(o->names);

	o->found = *l;
	o->n++;
	(void)snprintf(o->names + used, sizeof(o->names) - used, "%s\"%s\"",
	    used == 0 ? "" : ", ", l->firmware_name);
	return true;
}

hl_rc
hl_get_only_license(hl_get *g, hl_license *l, hl_err *err)
{
	const hl_license_filter filter = { &g->out->chip.id, NULL, false };
	struct only_license only = { .n = 0 };
	hl_rc rc;

	if (!g->chip_known)
		return HL_ENOTFOUND;
	rc = hl_store_license_list(
	    g->b->store, &filter, count_license, &only, err);
	if (rc != HL_OK)
		return rc;
	if (only.n == 0)
		return HL_ENOTFOUND;
	if (only.n > 1)
		return hl_fail(err, HL_EUSAGE, "get a license",
		    "say which: --firmware NAME",
		    "this chip has licenses of several firmwares: %s",
		    only.names);
	*l = only.found;
	return HL_OK;
}

hl_rc
hl_get_firmware(hl_get *g, hl_uuid *firmware, hl_err *err)
{
	const hl_get_request *r = g->req;
	char serial[HL_SERIAL_TEXT];
	hl_firmware f;
	hl_card_row c;
	hl_rc rc = HL_ENOTFOUND;

	if (r->firmware != NULL) {
		rc = hl_store_firmware_by_name(
		    g->b->store, r->firmware, &f, err);
		if (rc == HL_OK)
			*firmware = f.id;
		return rc;
	}
	if (r->card == NULL)
		return rc;
	rc = hl_store_card_by_label(g->b->store, r->card, &c, NULL);
	if (rc != HL_OK && hl_serial_canonical(r->card, serial))
		rc = hl_store_card_by_serial(g->b->store, serial, &c, NULL);
	if (rc == HL_OK)
		*firmware = c.firmware;
	/* Else the card itself would be asked what it is. */
	else if (r->cached)
		return hl_seen_firmware(g->b, r->card, firmware, err);
	return rc == HL_OK ? HL_OK : HL_ENOTFOUND;
}

hl_rc
hl_get_look_up(hl_get *g, hl_err *err)
{
	hl_uuid firmware;
	hl_license l;
	hl_rc rc;

	rc = hl_get_firmware(g, &firmware, err);
	if (rc == HL_OK)
		rc = hl_get_find_license(g, &firmware, &l, err);
	else if (rc == HL_ENOTFOUND && g->req->cached &&
	    g->req->firmware == NULL && g->req->card == NULL)
		rc = hl_get_only_license(g, &l, err);
	return rc == HL_OK ? hl_get_hand_over(g, &l, HL_SOURCE_STORE, 0, err)
			   : rc;
}
