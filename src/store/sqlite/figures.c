/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/db.h"

static uint64_t
get_count(hl_q *q)
{
	const int64_t v = hl_q_get_int(q);

	return v < 0 ? 0 : (uint64_t)v;
}

#define HL_INSTALLS(outcome)                                                   \
	"(SELECT count(*) FROM installs WHERE at >= ?1 AND at < ?2 "           \
	"AND outcome = '" outcome "')"

/* ?1 <= time < ?2; one statement, so all figures are of one moment. */
/* Units of issues that are in no other row of the same card as well. */
#define HL_SPENT(states)                                                       \
	"(SELECT sum(units) FROM issues AS i WHERE units = 1 "                 \
	"AND closed_at >= ?1 AND closed_at < ?2 AND state IN (" states ") "    \
	"AND NOT EXISTS (SELECT 1 FROM overlaps WHERE issue = i.id))"

static const char figures_sql[] = "SELECT " HL_SPENT("'issued'") ", " HL_SPENT(
    "'lost', 'lost_or_outside'") ", "
				 "(SELECT sum(units_outside) FROM "
				 "card_readings WHERE units_outside > 0 "
				 "AND at >= ?1 AND at < ?2) - coalesce((SELECT "
				 "sum(o.units) FROM overlaps "
				 "AS o JOIN card_readings AS r ON r.id = "
				 "o.reading WHERE r.at >= ?1 "
				 "AND r.at < ?2), 0), " HL_SPENT(
				     "'issued_bad'") ", "
						     "(SELECT count(*) FROM "
						     "uses WHERE how = 'store' "
						     "AND at >= ?1 "
						     "AND at < ?2), "
						     "(SELECT count(*) FROM "
						     "licenses WHERE issue IS "
						     "NULL AND added_at >= ?1 "
						     "AND added_at < "
						     "?2), " HL_INSTALLS("done") ", " HL_INSTALLS("failed") ", " HL_INSTALLS(
							 "unknown") ", "
								    "(SELECT "
								    "count(*) "
								    "FROM "
								    "issues "
								    "INDEXED "
								    "BY "
								    "issues_"
								    "open_card "
								    "WHERE "
								    "state = "
								    "'open'), "
								    "(SELECT "
								    "count(*) "
								    "FROM "
								    "chips), "
								    "(SELECT "
								    "count(*) "
								    "FROM "
								    "licenses "
								    "WHERE "
								    "state = "
								    "'active'),"
								    " "
								    "(SELECT "
								    "count(*) "
								    "FROM "
								    "licenses "
								    "WHERE "
								    "state = "
								    "'suspect'"
								    ")";

hl_rc
hl_store_figures(
    hl_store *store, int64_t from, int64_t to, hl_figures *out, hl_err *err)
{
	hl_figures f = { 0 };
	hl_rc rc;
	hl_q q;

	store->doing = "add up the figures";
	q = hl_q_new(store, figures_sql);
	hl_q_int(&q, from);
	hl_q_int(&q, to);
	if (hl_q_row(&q)) {
		f.issued = get_count(&q);
		f.lost = get_count(&q);
		f.outside = get_count(&q);
		f.bad = get_count(&q);
		f.reused = get_count(&q);
		f.imported = get_count(&q);
		f.installs_done = get_count(&q);
		f.installs_failed = get_count(&q);
		f.installs_unknown = get_count(&q);
		f.open = get_count(&q);
		f.chips = get_count(&q);
		f.licenses = get_count(&q);
		f.suspect = get_count(&q);
	}
	if ((rc = hl_q_end(&q, err)) == HL_OK)
		*out = f;
	return rc;
}

hl_rc
hl_store_last_time(hl_store *store, int64_t *at, hl_err *err)
{
	int64_t last = 0;
	hl_rc rc;
	hl_q q;

	store->doing = "read the newest time";
	q = hl_q_new(store, "SELECT last_time FROM meta");
	if (hl_q_row(&q))
		last = hl_q_get_int(&q);
	if ((rc = hl_q_end(&q, err)) == HL_OK)
		*at = last;
	return rc;
}
