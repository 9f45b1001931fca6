/* SPDX-License-Identifier: Apache-2.0 */
/* What an event tells of rows, and whether that may follow on what came
 * before. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/audit.h"

/* ---- keys ---------------------------------------------------------------- */

/* The name that an expression of a list of columns goes by: its last word. */
static const char *
next_name(const char *s, char *name, size_t size)
{
	const size_t n = strcspn(s, ",");
	size_t from = n;

	while (from > 0 && s[from - 1] != ' ')
		from--;
	snprintf(name, size, "%.*s", (int)(n - from), s + from);
	return s[n] == ',' ? s + n + 1 : s + n;
}

static bool
is_listed(const char *list, const char *name)
{
	char one[HL_AUDIT_KEY / 2];

	while (list != NULL && *list != '\0') {
		list = next_name(list, one, sizeof(one));
		if (strcmp(one, name) == 0)
			return true;
	}
	return false;
}

hl_rc
hl_audit_columns_make(hl_audit *a, hl_err *err)
{
	char name[HL_AUDIT_KEY / 2];

	a->columns = calloc(hl_logged_n, sizeof(a->columns[0]));
	if (a->columns == NULL)
		return hl_nomem(err);
	for (size_t i = 0; i < hl_logged_n; i++) {
		const hl_logged *t = &hl_logged_tables[i];
		hl_audit_columns *c = &a->columns[i];

		for (const char *s = t->all;
		     *s != '\0' && c->n < HL_AUDIT_COLUMNS; c->n++) {
			s = next_name(s, name, sizeof(name));
			(void)hl_text_format(c->key[c->n], HL_AUDIT_KEY,
			    "%s_%s", t->thing, name);
			c->changes[c->n] = is_listed(t->changing, name);
		}
		snprintf(
		    c->removed, sizeof(c->removed), "%s_removed", t->thing);
	}
	return HL_OK;
}

/* Is each of the columns in the body, or each of those that may change? */
static bool
has_columns(const hl_audit_columns *c, const json_t *body, bool all)
{
	bool any = false;

	for (size_t i = 0; i < c->n; i++) {
		if (!all && !c->changes[i])
			continue;
		any = true;
		if (json_object_get(body, c->key[i]) == NULL)
			return false;
	}
	return any;
}

/* ---- what may follow on what --------------------------------------------- */

/* A state or a counter, as a number. -1: none that is known. */
static int64_t
mark_of(const char *table, const hl_event *e)
{
	const char *state;
	hl_issue_state issue;
	int64_t v = -1;

	if (strcmp(table, "cards") == 0) {
		(void)hl_event_int(e, "card_last_counter", &v);
	} else if (strcmp(table, "issues") == 0) {
		state = hl_event_text(e, "issue_state");
		if (state != NULL && hl_issue_state_parse(state, &issue))
			v = (int64_t)issue;
	} else if (strcmp(table, "licenses") == 0) {
		state = hl_event_text(e, "license_state");
		if (state != NULL && strcmp(state, "retired") == 0)
			v = HL_LICENSE_RETIRED;
	}
	return v;
}

static const char *
state_name(int64_t mark)
{
	return mark < 0 ? "?" : hl_issue_state_name((hl_issue_state)mark);
}

/* A closed issue stays as it is, but for a lost license that turned up. */
static void
check_issue(hl_audit *a, const hl_event *e, const hl_told *was, int64_t now)
{
	const bool lost =
	    was->mark == HL_ISSUE_LOST || was->mark == HL_ISSUE_LOST_OR_OUTSIDE;

	if (was->mark == HL_ISSUE_OPEN || (lost && now == HL_ISSUE_ISSUED))
		return;
	hl_audit_found(a,
	    "event %" PRIu64 ": issues row %" PRId64
	    " becomes %s, but it was closed as %s by event %" PRIu64,
	    e->seq, was->n, state_name(now), state_name(was->mark), was->part);
}

static void
check_change(hl_audit *a, const hl_logged *t, const hl_event *e,
    const hl_told *was, int64_t now)
{
	if (strcmp(t->table, "issues") == 0)
		check_issue(a, e, was, now);
	else if (strcmp(t->table, "cards") == 0 && now > was->mark)
		hl_audit_found(a,
		    "event %" PRIu64 ": the counter of cards row %" PRId64
		    " goes up, from %" PRId64 " in event %" PRIu64
		    " to %" PRId64,
		    e->seq, was->n, was->mark, was->part, now);
	else if (strcmp(t->table, "licenses") == 0 &&
	    was->mark == HL_LICENSE_RETIRED)
		hl_audit_found(a,
		    "event %" PRIu64 ": licenses row %" PRId64
		    " changes, but it was retired by event %" PRIu64,
		    e->seq, was->n, was->part);
}

/* Readings of one card in their order; those of a merged ledger come among
 * ours in no order. */
static hl_rc
check_reading(hl_audit *a, const hl_event *e, hl_err *err)
{
	const char *card = hl_event_text(e, "reading_card");
	int64_t now, was = 0;
	bool found = false;
	hl_rc rc;

	if (card == NULL || !hl_event_int(e, "reading_counter", &now) ||
	    json_object_get(e->body, "merged") != NULL)
		return HL_OK;
	rc = hl_index_counter(a->index, card, &was, &found, err);
	if (rc != HL_OK)
		return rc;
	if (found && now > was)
		hl_audit_found(a,
		    "event %" PRIu64 ": the counter of card %s goes up, from "
		    "%" PRId64 " to %" PRId64,
		    e->seq, card, was, now);
	return hl_index_set_counter(a->index, card, now, err);
}

/* ---- merged ledgers ------------------------------------------------------ */

static hl_rc
take_merged(hl_audit *a, const hl_event *e, hl_err *err)
{
	const char *id = hl_event_text(e, "merged_id");
	hl_span s = { 0, 0, a->merged_rows };
	int64_t size = -1;
	bool found;
	hl_rc rc;

	if (id == NULL || !hl_event_int(e, "merged_size", &size) || size < 0)
		return HL_OK;
	rc = hl_index_span(a->index, id, INT64_MAX, &s, &found, err);
	if (rc != HL_OK)
		return rc;
	if ((uint64_t)size < s.end)
		hl_audit_found(a,
		    "event %" PRIu64 ": merged ledger %s shrinks, from %" PRIu64
		    " to %" PRId64 " events",
		    e->seq, id, s.end, size);
	if ((uint64_t)size <= s.end)
		return HL_OK;
	s = (hl_span){ s.end, (uint64_t)size, a->merged_rows };
	a->merged_rows += s.end - s.first;
	return hl_index_add_span(a->index, id, &s, err);
}

/* ---- rows ---------------------------------------------------------------- */

/* A row that is told whole and was told before: only one in the place of
 * another, in a table whose rows are replaced, has another ID. */
static hl_rc
check_again(hl_audit *a, size_t table, const hl_event *e, const hl_told *was,
    hl_err *err)
{
	const hl_logged *t = &hl_logged_tables[table];
	json_t *body = NULL;
	bool other = false;
	char key[HL_AUDIT_KEY];
	hl_rc rc;

	if (t->changing == NULL) {
		snprintf(key, sizeof(key), "%s_id", t->thing);
		rc = hl_audit_body(a, was->whole, &body, err);
		if (rc != HL_OK)
			return rc;
		other = !json_equal(
		    json_object_get(body, key), json_object_get(e->body, key));
		json_decref(body);
	}
	if (!other)
		hl_audit_found(a,
		    "event %" PRIu64 ": it tells of %s row %" PRId64
		    " as new, but event %" PRIu64 " did before",
		    e->seq, t->table, was->n, was->whole);
	return HL_OK;
}

static hl_rc
take_whole(hl_audit *a, size_t table, const hl_event *e, int64_t n, hl_err *err)
{
	const hl_logged *t = &hl_logged_tables[table];
	const hl_told now = { n, e->seq, e->seq, mark_of(t->table, e) };
	bool added, found;
	hl_told was;
	hl_rc rc;

	if ((rc = hl_index_add(a->index, table, &now, &added, err)) != HL_OK)
		return rc;
	if (added) {
		a->told_rows++;
		return HL_OK;
	}
	rc = hl_index_next(a->index, table, n, &was, &found, err);
	if (rc == HL_OK)
		rc = check_again(a, table, e, &was, err);
	return rc == HL_OK ? hl_index_put(a->index, table, &now, err) : rc;
}

static hl_rc
take_part(hl_audit *a, size_t table, const hl_event *e, int64_t n, hl_err *err)
{
	const hl_logged *t = &hl_logged_tables[table];
	hl_told told;
	bool found;
	hl_rc rc;

	rc = hl_index_next(a->index, table, n, &told, &found, err);
	if (rc != HL_OK)
		return rc;
	if (!found || told.n != n) {
		hl_audit_found(a,
		    "event %" PRIu64 ": it tells of a change of %s row %" PRId64
		    ", but none before it tells of that row",
		    e->seq, t->table, n);
		return HL_OK;
	}
	check_change(a, t, e, &told, mark_of(t->table, e));
	told.part = e->seq;
	told.mark = mark_of(t->table, e);
	return hl_index_put(a->index, table, &told, err);
}

static hl_rc
take_row(hl_audit *a, size_t table, const hl_event *e, int64_t n, hl_err *err)
{
	const hl_audit_columns *c = &a->columns[table];
	const hl_logged *t = &hl_logged_tables[table];
	hl_rc rc = HL_OK;

	if (has_columns(c, e->body, true))
		rc = take_whole(a, table, e, n, err);
	else if (has_columns(c, e->body, false))
		rc = take_part(a, table, e, n, err);
	else
		hl_audit_found(a,
		    "event %" PRIu64 ": what it tells of %s row %" PRId64
		    " is not complete",
		    e->seq, t->table, n);
	if (rc == HL_OK && strcmp(t->table, "card_readings") == 0)
		rc = check_reading(a, e, err);
	if (rc == HL_OK && strcmp(t->table, "merged_ledgers") == 0)
		rc = take_merged(a, e, err);
	return rc;
}

static hl_rc
take_removed(
    hl_audit *a, size_t table, const hl_event *e, int64_t n, hl_err *err)
{
	hl_told told;
	bool found;
	hl_rc rc;

	rc = hl_index_next(a->index, table, n, &told, &found, err);
	if (rc != HL_OK)
		return rc;
	if (found && told.n == n) {
		a->told_rows--;
		return hl_index_drop(a->index, table, n, err);
	}
	hl_audit_found(a,
	    "event %" PRIu64 ": it tells that %s row %" PRId64
	    " went away, but none before it tells of that row",
	    e->seq, hl_logged_tables[table].table, n);
	return HL_OK;
}

hl_rc
hl_audit_tell(hl_audit *a, const hl_event *e, hl_err *err)
{
	hl_rc rc = HL_OK;
	int64_t n;

	for (size_t i = 0; i < hl_logged_n && rc == HL_OK; i++) {
		const hl_audit_columns *c = &a->columns[i];

		if (hl_event_int(e, c->removed, &n))
			rc = take_removed(a, i, e, n, err);
		if (rc == HL_OK && hl_event_int(e, c->key[0], &n))
			rc = take_row(a, i, e, n, err);
	}
	return rc;
}
