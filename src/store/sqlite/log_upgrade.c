/* SPDX-License-Identifier: Apache-2.0 */
/* A store made before there were events: each of its rows gets one now. */
#include <stdio.h>
#include <string.h>

#include "store/sqlite/log.h"

/* What a row of that table would have been told as, had there been events. */
static const char *
kind_of(const hl_logged *t)
{
	static const struct {
		const char *table, *kind;
	} kinds[] = {
		{ "certificates", "chip.seen" },
		{ "chips", "chip.seen" },
		{ "firmwares", "firmware.added" },
		{ "cards", "card.added" },
		{ "issues", "issue.outcome" },
		{ "card_readings", "card.seen" },
		{ "licenses", "license.imported" },
		{ "uses", "license.used" },
		{ "installs", "program.outcome" },
		{ "slots", "config.changed" },
	};

	for (size_t i = 0; i < HL_COUNT(kinds); i++) {
		if (strcmp(kinds[i].table, t->table) == 0)
			return kinds[i].kind;
	}
	return "store.created";
}

static hl_rc
tell_table(hl_store *s, const hl_logged *t, hl_err *err)
{
	static const hl_event_fact upgraded = { "upgraded", NULL, 1 };
	int64_t n = -1;
	char sql[128];
	hl_rc rc;
	hl_q q;

	snprintf(sql, sizeof(sql),
	    "SELECT rowid FROM %s WHERE rowid > ? ORDER BY rowid LIMIT 1",
	    t->table);
	for (;;) {
		q = hl_q_new(s, sql);
		hl_q_int(&q, n);
		if (!hl_q_row(&q))
			return hl_q_end(&q, err);
		n = hl_q_get_int(&q);
		if ((rc = hl_q_end(&q, err)) != HL_OK ||
		    (rc = hl_log_note(s, t, n, err)) != HL_OK ||
		    (rc = hl_log_event(
			 s, kind_of(t), NULL, &upgraded, 1, err)) != HL_OK)
			return rc;
	}
}

/* ---- acts ---------------------------------------------------------------- */

/* Kinds of acts that are no kinds of events. */
static const char *
kind_of_act(const char *act)
{
	if (strcmp(act, "issue.rescued") == 0)
		return "issue.outcome";
	if (strcmp(act, "license.doubted") == 0)
		return "license.suspect";
	if (strcmp(act, "slot.mapped") == 0)
		return "config.changed";
	if (strcmp(act, "chip.completed") == 0)
		return "chip.seen";
	return act;
}

typedef struct act {
	int64_t n, at;
	hl_text kind, detail;
	hl_uuid object;
	hl_actor actor;
} act;

static hl_rc
next_act(hl_store *s, act *a, bool *found, hl_err *err)
{
	hl_q q = hl_q_new(s,
	    "SELECT n, at, kind, object, detail, station, operator, lot, note, "
	    "use_class FROM temp.acts_2 WHERE n > ? ORDER BY n LIMIT 1");

	hl_q_int(&q, a->n);
	if ((*found = hl_q_row(&q))) {
		a->n = hl_q_get_int(&q);
		a->at = hl_q_get_int(&q);
		hl_q_get_text(&q, a->kind, sizeof(a->kind));
		hl_q_get_uuid(&q, &a->object);
		hl_q_get_text(&q, a->detail, sizeof(a->detail));
		hl_q_get_actor(&q, &a->actor);
	}
	return hl_q_end(&q, err);
}

static hl_rc
tell_act(hl_store *s, const act *a, hl_err *err)
{
	char object[HL_UUID_TEXT];
	const hl_event_fact facts[] = {
		{ "upgraded", NULL, 1 },
		{ "act", a->kind, 0 },
		{ "act_at", NULL, a->at },
		{ "act_object", object, 0 },
		{ "act_detail", a->detail, 0 },
		{ "act_lot", a->actor.lot, 0 },
		{ "act_note", a->actor.note, 0 },
		{ "act_use_class", a->actor.use_class, 0 },
	};

	hl_uuid_text(&a->object, object);
	return hl_log_event(
	    s, kind_of_act(a->kind), &a->actor, facts, HL_COUNT(facts), err);
}

static hl_rc
tell_acts(hl_store *s, hl_err *err)
{
	act a = { .n = -1 };
	bool found = true;
	hl_rc rc;

	while ((rc = next_act(s, &a, &found, err)) == HL_OK && found) {
		if ((rc = tell_act(s, &a, err)) != HL_OK)
			return rc;
	}
	return rc == HL_OK ? hl_db_exec(s, "DROP TABLE temp.acts_2", err) : rc;
}

hl_rc
hl_log_upgrade(hl_store *s, int from, hl_err *err)
{
	hl_event_fact facts[] = { { "from_schema", NULL, from },
		{ "to_schema", NULL, HL_SCHEMA_VERSION },
		{ "last_time", NULL, 0 } }; /* no other event has it */
	const char *doing = s->doing;
	hl_rc rc;

	if ((rc = hl_store_last_time(s, &facts[2].number, err)) != HL_OK)
		return rc;
	s->doing = doing;
	rc = hl_log_event(
	    s, "store.upgraded", NULL, facts, HL_COUNT(facts), err);
	for (size_t i = 0; i < hl_logged_n && rc == HL_OK; i++)
		rc = tell_table(s, &hl_logged_tables[i], err);
	return rc == HL_OK ? tell_acts(s, err) : rc;
}
