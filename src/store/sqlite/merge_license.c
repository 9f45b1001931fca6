/* SPDX-License-Identifier: Apache-2.0 */
/* Licenses of another store. One that left a card is never dropped. */
#include <string.h>

#include "store/sqlite/issue.h"
#include "store/sqlite/merge.h"

static const hl_uuid none;

/* A license of theirs, in our words. */
typedef struct offered {
	hl_license is;		/* theirs */
	hl_uuid chip, firmware; /* ours */
	bool with_issue;	/* ours has an issue that it belongs to */
} offered;

static hl_rc
find_issue(hl_merging *m, offered *o, hl_uuid *other, hl_err *err)
{
	hl_q q = hl_q_new(m->s,
	    "SELECT i.state IN ('issued', 'issued_bad'), l.id FROM issues AS i "
	    "LEFT JOIN licenses AS l ON l.issue = i.id WHERE i.id = ?");

	*other = none;
	hl_q_uuid(&q, &o->is.issue);
	if (!hl_uuid_equal(&o->is.issue, &none) && hl_q_row(&q)) {
		o->with_issue = hl_q_get_int(&q) != 0;
		hl_q_get_uuid(&q, other);
	}
	return hl_q_end(&q, err);
}

/* Why one that is active there cannot be active here; NULL: it can. */
static hl_rc
why_retired(hl_merging *m, const offered *o, hl_license *active, bool *found,
    hl_text why, hl_err *err)
{
	hl_rc rc;

	*found = false;
	if (o->is.state != HL_LICENSE_ACTIVE)
		return HL_OK;
	rc =
	    hl_license_active(m->s, &o->chip, &o->firmware, active, found, err);
	if (rc != HL_OK || !*found)
		return rc;
	if (memcmp(active->sha256, o->is.sha256, sizeof(active->sha256)) == 0)
		(void)hl_text_format(why, sizeof(hl_text),
		    "the same license was here when it came from %s",
		    m->origin);
	else
		(void)hl_text_format(
		    why, sizeof(hl_text), "also licensed at %s", m->origin);
	return HL_OK;
}

static hl_rc
insert(
    hl_merging *m, hl_q *q, const offered *o, const char *retired, hl_err *err)
{
	const int64_t now = m->s->now;
	const hl_merge_set set[] = { { .column = "chip", .uuid = &o->chip },
		{ .column = "firmware", .uuid = &o->firmware },
		{ .column = o->with_issue ? "" : "issue" },
		{ .column = retired == NULL ? "" : "state", .text = "retired" },
		{ .column = retired == NULL ? "" : "retired_at",
		    .number = &now },
		{ .column = retired == NULL ? "" : "reason",
		    .text = retired } };
	hl_rc rc;

	m->r.n.licenses++;
	rc = hl_merge_insert(m, "licenses", q, set, HL_COUNT(set), err);
	return rc == HL_OK ? hl_merge_tell(m, "license.imported", NULL, err)
			   : rc;
}

/* Two licenses, for a unit each. */
static hl_rc
report_twice(
    hl_merging *m, const offered *o, const hl_license *ours, hl_err *err)
{
	hl_license theirs;
	hl_rc rc;

	if (memcmp(ours->sha256, o->is.sha256, sizeof(ours->sha256)) == 0)
		return HL_OK;
	if ((rc = hl_license_need(m->s, &o->is.id, &theirs, err)) != HL_OK)
		return rc;
	m->r.n.twice++;
	if (m->opt->twice != NULL)
		m->opt->twice(m->opt->arg, ours, &theirs);
	return HL_OK;
}

static hl_rc
bring(hl_merging *m, hl_q *q, offered *o, hl_err *err)
{
	hl_license active, other;
	hl_uuid kept;
	hl_text why = "";
	bool found;
	hl_rc rc;

	if ((rc = hl_merge_map(m, &o->is.chip, &o->chip, err)) != HL_OK ||
	    (rc = hl_merge_map(m, &o->is.firmware, &o->firmware, err)) !=
		HL_OK ||
	    (rc = find_issue(m, o, &kept, err)) != HL_OK)
		return rc;
	if (!hl_uuid_equal(&kept, &none)) {
		/* the same request was settled here, too */
		o->with_issue = false;
		if ((rc = hl_license_need(m->s, &kept, &other, err)) != HL_OK)
			return rc;
		if (memcmp(other.sha256, o->is.sha256, sizeof(other.sha256)) ==
		    0)
			return hl_merge_put_map(m, &o->is.id, &kept, err);
	}
	rc = why_retired(m, o, &active, &found, why, err);
	if (rc != HL_OK ||
	    (rc = insert(m, q, o, found ? why : NULL, err)) != HL_OK)
		return rc;
	return found ? report_twice(m, o, &active, err) : HL_OK;
}

/* ---- here already ------------------------------------------------------- */

static hl_rc
may_become(hl_merging *m, const hl_license *ours, const hl_license *is,
    bool *yes, hl_err *err)
{
	hl_license active;
	bool found = false;
	hl_rc rc = HL_OK;

	*yes = false;
	if (ours->state == is->state || ours->state == HL_LICENSE_RETIRED)
		return HL_OK;
	if (is->state == HL_LICENSE_ACTIVE)
		rc = hl_license_active(
		    m->s, &ours->chip, &ours->firmware, &active, &found, err);
	*yes = !found;
	return rc;
}

static const char *
kind_of(const hl_license *l)
{
	static const char *const kinds[] = { "license.trusted",
		"license.suspect", "license.retired" };

	return kinds[l->state];
}

/* What a person decided there since it came. */
static hl_rc
change(hl_merging *m, const hl_license *is, hl_err *err)
{
	hl_license ours;
	bool yes = false;
	hl_rc rc;
	hl_q q;

	rc = hl_merge_touched(m, &is->id, &yes, err);
	if (rc != HL_OK || !yes)
		return rc;
	if ((rc = hl_license_need(m->s, &is->id, &ours, err)) != HL_OK ||
	    (rc = may_become(m, &ours, is, &yes, err)) != HL_OK || !yes)
		return rc;
	q = hl_q_new(m->s,
	    "UPDATE licenses SET state = ?, retired_at = ?, reason = ? "
	    "WHERE id = ?");
	hl_q_text(&q, hl_license_state_name(is->state));
	if (is->state == HL_LICENSE_RETIRED)
		hl_q_int(&q, is->retired_at);
	else
		hl_q_null(&q);
	hl_q_text(&q, is->reason);
	hl_q_uuid(&q, &is->id);
	m->r.n.changed++;
	rc = hl_q_run(&q, err);
	return rc == HL_OK ? hl_merge_tell(m, kind_of(is), NULL, err) : rc;
}

static hl_rc
take_license(hl_merging *m, hl_q *q, hl_err *err)
{
	offered o = { .with_issue = false };
	bool known = false;
	hl_uuid id;
	hl_rc rc;

	hl_q_get_uuid(hl_merge_at(q, "id"), &id);
	if ((rc = hl_license_need(m->o, &id, &o.is, err)) != HL_OK ||
	    (rc = hl_merge_known(m, "licenses", &id, &known, err)) != HL_OK)
		return rc;
	return known ? change(m, &o.is, err) : bring(m, q, &o, err);
}

hl_rc
hl_merge_licenses(hl_merging *m, hl_err *err)
{
	return hl_merge_each(
	    m, "SELECT * FROM licenses ORDER BY n", take_license, err);
}
