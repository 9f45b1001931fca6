/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/db.h"

static const char units_sql[] =
    "SELECT (SELECT count(*) FROM issues AS i WHERE units = 1 "
    "AND closed_at >= ?1 AND closed_at < ?2 AND firmware = ?3 "
    "AND NOT EXISTS (SELECT 1 FROM overlaps WHERE issue = i.id)) + (SELECT "
    "coalesce(sum(r.units_outside - (SELECT coalesce(sum(o.units), 0) "
    "FROM overlaps AS o WHERE o.reading = r.id)), 0) FROM card_readings AS r "
    "JOIN cards AS c ON c.id = r.card WHERE r.units_outside > 0 "
    "AND r.at >= ?1 AND r.at < ?2 AND c.firmware = ?3)";

hl_rc
hl_store_firmware_units(hl_store *store, const hl_uuid *firmware, int64_t from,
    int64_t to, uint64_t *units, hl_err *err)
{
	int64_t v = 0;
	hl_rc rc;
	hl_q q;

	store->doing = "count the units of a firmware";
	q = hl_q_new(store, units_sql);
	hl_q_int(&q, from);
	hl_q_int(&q, to);
	hl_q_uuid(&q, firmware);
	if (hl_q_row(&q))
		v = hl_q_get_int(&q);
	if ((rc = hl_q_end(&q, err)) == HL_OK)
		*units = v < 0 ? 0 : (uint64_t)v;
	return rc;
}
