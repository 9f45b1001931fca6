/* SPDX-License-Identifier: Apache-2.0 */
/* Which tables have events, and which of their columns may change. */
#include <string.h>

#include "store/sqlite/log.h"

#define WHO ", station, operator, lot, note, use_class"

/* Ordered so that what a row refers to comes before it. */
const hl_logged hl_logged_tables[] = {
	{ "meta", "store", "one AS n, id, origin, created_at", NULL },
	{ "certificates", "certificate", "n, sha256, product_id, bytes", NULL },
	{ "chips", "chip", "n, id, uid, cert_sha256, label, first_seen" WHO,
	    "n, id, uid, cert_sha256, label" },
	{ "firmwares", "firmware",
	    "n, id, name, identifier, type, product_id, added_at" WHO, NULL },
	{ "cards", "card",
	    "n, id, firmware, serial, label, driver, atr, capacity, "
	    "first_counter, last_counter, state, reader, replay, added_at, "
	    "seen_at, retired_at, same_as" WHO,
	    "n, id, label, last_counter, state, reader, seen_at, retired_at" },
	{ "issues", "issue",
	    "n, id, chip, firmware, card, attempt, counter_before, opened_at, "
	    "owner" WHO
	    ", state, closed_at, counter_after, counter_read, units, "
	    "recovered, detail, closed_station, closed_operator, closed_note",
	    "n, id, state, closed_at, counter_after, counter_read, units, "
	    "recovered, detail, closed_station, closed_operator, closed_note" },
	{ "card_readings", "reading",
	    "n, id, card, at, kind, issue, expected, counter, units_outside, "
	    "state, reader" WHO,
	    NULL },
	/* the bytes themselves are in no event */
	{ "licenses", "license",
	    "n, id, chip, firmware, issue, state, sha256, added_at, "
	    "retired_at, reason" WHO ", length(bytes) AS size",
	    "n, id, state, retired_at, reason" },
	{ "uses", "use", "n, id, license, at, how" WHO, NULL },
	{ "installs", "install",
	    "n, id, chip, firmware, license, at, duration_ms, programmer, "
	    "image, image_sha256, outcome, exit_status, detail" WHO,
	    NULL },
	{ "slots", "slot", "n, id, station, reader, slot", NULL },
	{ "variances", "variance",
	    "n, id, card, at, class, units, counter, license, reason" WHO,
	    NULL },
	{ "overlaps", "overlap", "n, id, card, reading, issue, units, at",
	    NULL },
	{ "merged_ledgers", "merged", "n, id, origin, size, root, merged_at",
	    "n, id, size, root, merged_at" },
};
const size_t hl_logged_n = HL_COUNT(hl_logged_tables);

const hl_logged *
hl_logged_find(const char *table)
{
	for (size_t i = 0; i < hl_logged_n; i++) {
		if (strcmp(hl_logged_tables[i].table, table) == 0)
			return &hl_logged_tables[i];
	}
	return NULL;
}

bool
hl_logged_by_root(const char *table)
{
	return strcmp(table, "events") == 0 || strcmp(table, "tree") == 0 ||
	    strcmp(table, "merged_events") == 0;
}
