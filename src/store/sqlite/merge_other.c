/* SPDX-License-Identifier: Apache-2.0 */
/* Uses, installs, slots and variances of another store. */
#include <string.h>

#include "store/sqlite/merge.h"

/* Is it new here? *id is theirs, and ours. */
static hl_rc
is_new(hl_merging *m, const char *table, hl_q *q, bool *yes, hl_err *err)
{
	bool known = true;
	hl_uuid id;
	hl_rc rc;

	hl_q_get_uuid(hl_merge_at(q, "id"), &id);
	rc = hl_merge_known(m, table, &id, &known, err);
	*yes = !known;
	return rc;
}

/* What a column refers to; *there false: NULL. */
static hl_rc
refer(hl_merging *m, hl_q *q, const char *column, hl_uuid *ours, bool *there,
    hl_err *err)
{
	hl_uuid theirs;

	*there = hl_q_get_uuid(hl_merge_at(q, column), &theirs);
	return *there ? hl_merge_map(m, &theirs, ours, err) : HL_OK;
}

static hl_rc
take_use(hl_merging *m, hl_q *q, hl_err *err)
{
	hl_uuid license;
	const hl_merge_set set = { .column = "license", .uuid = &license };
	bool yes, there;
	hl_text how;
	hl_rc rc;

	if ((rc = is_new(m, "uses", q, &yes, err)) != HL_OK || !yes ||
	    (rc = refer(m, q, "license", &license, &there, err)) != HL_OK)
		return rc;
	hl_q_get_text(hl_merge_at(q, "how"), how, sizeof(how));
	if ((rc = hl_merge_insert(m, "uses", q, &set, 1, err)) != HL_OK)
		return rc;
	m->r.n.uses++;
	return hl_merge_tell(m,
	    strcmp(how, "export") == 0 ? "license.exported" : "license.used",
	    NULL, err);
}

static hl_rc
take_install(hl_merging *m, hl_q *q, hl_err *err)
{
	hl_uuid chip, firmware, license;
	hl_merge_set set[] = { { .column = "chip", .uuid = &chip },
		{ .column = "firmware", .uuid = &firmware },
		{ .column = "license", .uuid = &license } };
	bool yes, has_firmware, has_license;
	hl_rc rc;

	if ((rc = is_new(m, "installs", q, &yes, err)) != HL_OK || !yes ||
	    (rc = refer(m, q, "chip", &chip, &yes, err)) != HL_OK ||
	    (rc = refer(m, q, "firmware", &firmware, &has_firmware, err)) !=
		HL_OK ||
	    (rc = refer(m, q, "license", &license, &has_license, err)) != HL_OK)
		return rc;
	if (!has_firmware)
		set[1].uuid = NULL;
	if (!has_license)
		set[2].uuid = NULL;
	rc = hl_merge_insert(m, "installs", q, set, HL_COUNT(set), err);
	if (rc != HL_OK)
		return rc;
	m->r.n.installs++;
	return hl_merge_tell(m, "program.outcome", NULL, err);
}

/* ---- slots -------------------------------------------------------------- */

/* This station knows its own slots best, and others theirs. */
static hl_rc
is_wanted(hl_merging *m, hl_q *q, bool *yes, hl_err *err)
{
	hl_text station;
	hl_uuid id;

	hl_q_get_uuid(hl_merge_at(q, "id"), &id);
	hl_q_get_text(hl_merge_at(q, "station"), station, sizeof(station));
	*yes = false;
	if (strcmp(station, m->actor->station) == 0)
		return HL_OK;
	return hl_merge_touched(m, &id, yes, err);
}

/* What this reader and this slot were mapped to there. */
static hl_rc
clear_slot(hl_merging *m, hl_q *q, hl_err *err)
{
	hl_text station, reader;
	int64_t slot;
	hl_q to;

	hl_q_get_text(hl_merge_at(q, "station"), station, sizeof(station));
	hl_q_get_text(hl_merge_at(q, "reader"), reader, sizeof(reader));
	slot = hl_q_get_int(hl_merge_at(q, "slot"));
	to = hl_q_new(m->s,
	    "DELETE FROM slots WHERE station = ?1 AND (reader = ?2 OR "
	    "slot = ?3)");
	hl_q_text(&to, station);
	hl_q_text(&to, reader);
	hl_q_int(&to, slot);
	return hl_q_run(&to, err);
}

static hl_rc
take_slot(hl_merging *m, hl_q *q, hl_err *err)
{
	bool yes;
	hl_rc rc;

	if ((rc = is_new(m, "slots", q, &yes, err)) != HL_OK || !yes ||
	    (rc = is_wanted(m, q, &yes, err)) != HL_OK || !yes ||
	    (rc = clear_slot(m, q, err)) != HL_OK ||
	    (rc = hl_merge_insert(m, "slots", q, NULL, 0, err)) != HL_OK)
		return rc;
	m->r.n.slots++;
	return hl_merge_tell(m, "config.changed", NULL, err);
}

/* ---- variances ---------------------------------------------------------- */

/* An imported license explains one unit. */
static hl_rc
is_linked(hl_merging *m, const hl_uuid *license, bool *yes, hl_err *err)
{
	hl_q q = hl_q_new(m->s, "SELECT 1 FROM variances WHERE license = ?");

	hl_q_uuid(&q, license);
	*yes = hl_q_row(&q);
	return hl_q_end(&q, err);
}

static hl_rc
take_variance(hl_merging *m, hl_q *q, hl_err *err)
{
	hl_uuid card, license;
	hl_merge_set set[] = { { .column = "card", .uuid = &card },
		{ .column = "license", .uuid = &license } };
	bool yes, has_license, linked = false;
	hl_rc rc;

	if ((rc = is_new(m, "variances", q, &yes, err)) != HL_OK || !yes ||
	    (rc = refer(m, q, "card", &card, &yes, err)) != HL_OK ||
	    (rc = refer(m, q, "license", &license, &has_license, err)) != HL_OK)
		return rc;
	if (has_license && (rc = is_linked(m, &license, &linked, err)) != HL_OK)
		return rc;
	if (!has_license || linked)
		set[1].uuid = NULL;
	rc = hl_merge_insert(m, "variances", q, set, HL_COUNT(set), err);
	if (rc != HL_OK)
		return rc;
	m->r.n.variances++;
	return hl_merge_tell(m, "variance.signed", NULL, err);
}

hl_rc
hl_merge_others(hl_merging *m, hl_err *err)
{
	static const struct {
		const char *sql;
		hl_rc (*take)(hl_merging *m, hl_q *q, hl_err *err);
	} tables[] = {
		{ "SELECT * FROM uses ORDER BY n", take_use },
		{ "SELECT * FROM installs ORDER BY n", take_install },
		{ "SELECT * FROM slots ORDER BY n", take_slot },
		{ "SELECT * FROM variances ORDER BY n", take_variance },
	};
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < HL_COUNT(tables) && rc == HL_OK; i++)
		rc = hl_merge_each(m, tables[i].sql, tables[i].take, err);
	return rc;
}
