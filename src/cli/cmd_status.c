/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/owner.h"
#include "cli/status.h"

#define WEEK_MS ((int64_t)7 * 24 * 60 * 60 * 1000)
#define NAME_SIZE (HL_TEXT_MAX + HL_SERIAL_TEXT + 8)

/* ---- finding it all out ------------------------------------------------- */

static void warn(hl_status *s, const char *fmt, ...) HL_PRINTF(2, 3);

static void
warn(hl_status *s, const char *fmt, ...)
{
	char **more;
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	more =
	    reallocarray(s->warnings, s->n_warnings + 1, sizeof(*s->warnings));
	if (more != NULL)
		s->warnings = more;
	if (more == NULL || text == NULL) {
		free(text);
		s->failed = true;
		return;
	}
	s->warnings[s->n_warnings++] = text;
}

/* The day of the person who looks. */
static int64_t
start_of_day(int64_t now)
{
	const time_t t = (time_t)(now / 1000);
	struct tm tm;
	time_t midnight;

	if (localtime_r(&t, &tm) == NULL)
		return now - WEEK_MS / 7;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	midnight = mktime(&tm);
	return (int64_t)midnight * 1000;
}

static hl_rc
gather_cards(hl_cli *cli, hl_status *s, hl_err *err)
{
	const char *selector = hl_opt(cli, "card");
	const bool quiet = cli->quiet;
	hl_rc rc;

	cli->quiet = true; /* the screen has a place for warnings */
	rc = hl_cards_gather(cli, selector, &s->cards, err);
	cli->quiet = quiet;
	if (rc == HL_OK && selector != NULL && s->cards.n == 0)
		rc = hl_card_none(&s->cards, selector, err);
	return rc;
}

static bool
take_firmware(void *arg, const hl_firmware *f)
{
	hl_status *s = arg;
	hl_supply *more;

	more =
	    reallocarray(s->supplies, s->n_supplies + 1, sizeof(*s->supplies));
	if (more == NULL) {
		s->failed = true;
		return false;
	}
	s->supplies = more;
	s->supplies[s->n_supplies++] = (hl_supply){ .firmware = *f };
	return true;
}

/* What the store expects: readings were recorded a moment ago. */
static bool
count_left(void *arg, const hl_card_row *c)
{
	hl_status *s = arg;

	for (size_t i = 0; i < s->n_supplies; i++) {
		hl_supply *p = &s->supplies[i];

		if (c->retired_at == 0 &&
		    hl_uuid_equal(&c->firmware, &p->firmware.id))
			p->left += c->last_counter;
	}
	return true;
}

static hl_rc
gather_supplies(hl_cli *cli, hl_status *s, hl_err *err)
{
	hl_rc rc = hl_store_firmware_list(cli->store, take_firmware, s, err);

	if (rc == HL_OK)
		rc = hl_store_card_list(cli->store, count_left, s, err);
	for (size_t i = 0; i < s->n_supplies && rc == HL_OK; i++) {
		hl_supply *p = &s->supplies[i];

		rc = hl_store_firmware_units(cli->store, &p->firmware.id,
		    s->week_from, INT64_MAX, &p->week_units, err);
	}
	return rc;
}

static bool
take_open(void *arg, const hl_issue *i)
{
	hl_status *s = arg;
	hl_open_request *more;

	more = reallocarray(s->open, s->n_open + 1, sizeof(*s->open));
	if (more == NULL) {
		s->failed = true;
		return false;
	}
	s->open = more;
	s->open[s->n_open++] = (hl_open_request){ .issue = *i };
	return true;
}

static hl_rc
gather_open(hl_cli *cli, hl_status *s, hl_err *err)
{
	hl_rc rc = hl_store_issue_list_open(cli->store, take_open, s, err);

	for (size_t i = 0; i < s->n_open && rc == HL_OK; i++) {
		hl_open_request *o = &s->open[i];

		o->in_progress = hl_owner_alive(
		    hl_store_side_dir(cli->store), &o->issue.owner);
		rc = hl_store_chip_by_id(
		    cli->store, &o->issue.chip, &o->chip, err);
		if (rc == HL_OK)
			rc = hl_store_card_by_id(
			    cli->store, &o->issue.card, &o->card, err);
	}
	return rc;
}

/* ---- warnings ----------------------------------------------------------- */

static void
warn_of_card(hl_status *s, const hl_card_view *v)
{
	const hl_present *p = v->present;
	char name[NAME_SIZE];

	if (v->row != NULL && v->row->retired_at != 0)
		return;
	hl_card_name(v, name, sizeof(name));
	if (p != NULL && p->rc != HL_OK)
		warn(s, "card %s cannot be read: %s", name, p->err.why);
	if (p != NULL && p->warning[0] != '\0')
		warn(s, "card %s: %s", name, p->warning);
	if (p != NULL && p->info.has_counter && p->info.counter == 0)
		warn(s, "card %s has no license left", name);
	else if (p == NULL && v->row != NULL && v->row->last_counter == 0)
		warn(s, "card %s had no license left when it was seen last",
		    name);
}

static hl_rc
warn_of_units(hl_cli *cli, hl_status *s, hl_err *err)
{
	uint64_t cards, units;
	hl_rc rc = hl_store_unexplained(cli->store, &cards, &units, err);

	if (rc == HL_OK && cards > 0)
		warn(s,
		    "%" PRIu64 " %s not accounted for, on %" PRIu64
		    " %s: see hsmlic reconcile",
		    units, hl_plural(units, "unit is", "units are"), cards,
		    hl_plural(cards, "card", "cards"));
	return rc;
}

static hl_rc
gather_ledger(hl_cli *cli, hl_status *s, hl_err *err)
{
	hl_rc rc = hl_ledger_state_get(cli->store, s->now, &s->ledger, err);
	char at[HL_TIME_TEXT];

	/* that none was ever made is a hint beside the store */
	if (rc != HL_OK || !s->ledger.due || !s->ledger.has_checkpoint)
		return rc;
	hl_time_text(s->ledger.at, at);
	warn(s,
	    "%" PRIu64 " %s since the last checkpoint, of %s: what no "
	    "checkpoint vouches for can be rewritten; make one with hsmlic "
	    "audit checkpoint, and keep it elsewhere",
	    s->ledger.since,
	    hl_plural(s->ledger.since, "event was added", "events were added"),
	    at);
	return HL_OK;
}

static hl_rc
gather_warnings(hl_cli *cli, hl_status *s, hl_err *err)
{
	char newest[HL_TIME_TEXT];
	size_t in_doubt = 0;
	int64_t last;
	hl_rc rc;

	for (size_t i = 0; i < s->cards.n; i++)
		warn_of_card(s, &s->cards.views[i]);
	/* Whoever reads a card first is told at once; the others here. */
	if (s->week.outside > 0)
		warn(s,
		    "%" PRIu64 " %s cards outside of this store in the last 7 "
		    "days",
		    s->week.outside,
		    hl_plural(s->week.outside, "unit left", "units left"));
	for (size_t i = 0; i < s->n_open; i++)
		in_doubt += !s->open[i].in_progress;
	if (in_doubt > 0)
		warn(s, "%zu %s in doubt: run hsmlic recover", in_doubt,
		    hl_plural(in_doubt, "request is", "requests are"));
	if (s->week.suspect > 0)
		warn(s,
		    "%" PRIu64 " %s suspect and not handed out: see hsmlic "
		    "license list --all; for one that is right after all, "
		    "hsmlic license trust ID --reason TEXT",
		    s->week.suspect,
		    hl_plural(s->week.suspect, "license is", "licenses are"));
	if ((rc = warn_of_units(cli, s, err)) != HL_OK ||
	    (rc = hl_store_last_time(cli->store, &last, err)) != HL_OK)
		return rc;
	if (last > hl_now_ms()) {
		hl_time_text(last, newest);
		warn(s, "the clock went back: the newest record is of %s",
		    newest);
	}
	return HL_OK;
}

static hl_rc
gather(hl_cli *cli, hl_status *s, hl_err *err)
{
	hl_rc rc;

	s->now = hl_now_ms();
	s->today_from = start_of_day(s->now);
	s->week_from = s->now - WEEK_MS;
	/* Cards first: reading them records what left them elsewhere. */
	if ((rc = gather_cards(cli, s, err)) != HL_OK ||
	    (rc = hl_store_info_get(cli->store, &s->info, err)) != HL_OK ||
	    (rc = hl_store_figures(cli->store, s->today_from, INT64_MAX,
		 &s->today, err)) != HL_OK ||
	    (rc = hl_store_figures(cli->store, s->week_from, INT64_MAX,
		 &s->week, err)) != HL_OK ||
	    (rc = gather_supplies(cli, s, err)) != HL_OK ||
	    (rc = gather_open(cli, s, err)) != HL_OK ||
	    (rc = gather_ledger(cli, s, err)) != HL_OK ||
	    (rc = gather_warnings(cli, s, err)) != HL_OK)
		return rc;
	return s->failed ? hl_nomem(err) : HL_OK;
}

static void
status_free(hl_status *s)
{
	for (size_t i = 0; i < s->n_warnings; i++)
		free(s->warnings[i]);
	free(s->warnings);
	free(s->open);
	free(s->supplies);
	hl_cards_free(&s->cards);
	free(s);
}

/* ---- figures ------------------------------------------------------------ */

uint64_t
hl_status_spent(const hl_figures *f)
{
	return f->issued + f->bad + f->lost;
}

uint64_t
hl_supply_days(const hl_supply *s)
{
	return s->week_units == 0 ? 0 : s->left * 7 / s->week_units;
}

/* ---- JSON --------------------------------------------------------------- */

static json_t *
store_json(const hl_status *s)
{
	const hl_store_info *i = &s->info;

	return json_pack("{s:o, s:s, s:o, s:o, s:I, s:o, s:I, s:I, s:I, s:I}",
	    "url", hl_json_any(i->url), "engine", i->engine, "id",
	    hl_json_uuid(&i->id), "origin", hl_json_text(i->origin), "schema",
	    (json_int_t)i->schema, "created_at", hl_json_time(i->created_at),
	    "size", (json_int_t)i->size, "chips", (json_int_t)s->week.chips,
	    "licenses", (json_int_t)s->week.licenses, "suspect",
	    (json_int_t)s->week.suspect);
}

static json_t *
figures_json(int64_t from, const hl_figures *f)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "from", hl_json_time(from), "spent", (json_int_t)hl_status_spent(f),
	    "reused", (json_int_t)f->reused, "lost", (json_int_t)f->lost,
	    "outside", (json_int_t)f->outside, "bad", (json_int_t)f->bad,
	    "imported", (json_int_t)f->imported, "installs_done",
	    (json_int_t)f->installs_done, "installs_failed",
	    (json_int_t)f->installs_failed, "installs_unknown",
	    (json_int_t)f->installs_unknown);
}

static json_t *
supply_json(const hl_supply *s)
{
	return json_pack("{s:s, s:I, s:I, s:o}", "name", s->firmware.name,
	    "left", (json_int_t)s->left, "week_units",
	    (json_int_t)s->week_units, "days_left",
	    s->week_units == 0 ? json_null()
			       : json_integer((json_int_t)hl_supply_days(s)));
}

static json_t *
open_json(const hl_cli *cli, const hl_open_request *o)
{
	json_t *j = hl_json_issue(cli, &o->issue);

	(void)json_object_set_new(j, "uid", hl_json_uid(&o->chip.uid));
	(void)json_object_set_new(
	    j, "uid_words", hl_json_uid_words(&o->chip.uid));
	(void)json_object_set_new(
	    j, "in_progress", json_boolean(o->in_progress));
	return j;
}

static json_t *
ledger_json(const hl_ledger_state *l)
{
	return json_pack("{s:I, s:o, s:o, s:b}", "events",
	    (json_int_t)l->events, "last_checkpoint", hl_json_time(l->at),
	    "events_since",
	    l->has_checkpoint ? json_integer((json_int_t)l->since)
			      : json_null(),
	    "checkpoint_due", l->due);
}

/* Each set of a list fails, as the whole then does, when memory is short. */
static hl_rc
print_json(hl_cli *cli, const hl_status *s, hl_err *err)
{
	json_t *cards = json_array(), *open = json_array();
	json_t *firmwares = json_array(), *warnings = json_array();
	int bad = 0;

	for (size_t i = 0; i < s->cards.n; i++)
		bad |= json_array_append_new(
		    cards, hl_json_card(&s->cards.views[i]));
	for (size_t i = 0; i < s->n_open; i++)
		bad |= json_array_append_new(open, open_json(cli, &s->open[i]));
	for (size_t i = 0; i < s->n_supplies; i++)
		bad |= json_array_append_new(
		    firmwares, supply_json(&s->supplies[i]));
	for (size_t i = 0; i < s->n_warnings; i++)
		bad |= json_array_append_new(
		    warnings, hl_json_any(s->warnings[i]));
	if (bad != 0) {
		json_decref(cards);
		json_decref(open);
		json_decref(firmwares);
		json_decref(warnings);
		return hl_nomem(err);
	}
	return hl_print_json(cli,
	    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "store",
		store_json(s), "ledger", ledger_json(&s->ledger), "cards",
		cards, "readers_error",
		s->cards.pcsc.rc == HL_OK ? json_null()
					  : hl_json_error(&s->cards.pcsc),
		"today", figures_json(s->today_from, &s->today), "week",
		figures_json(s->week_from, &s->week), "firmwares", firmwares,
		"open", open, "warnings", warnings),
	    err);
}

hl_rc
hl_cmd_status(hl_cli *cli, char **operands, hl_err *err)
{
	hl_status *s = calloc(1, sizeof(*s));
	hl_rc rc;

	(void)operands;
	if (s == NULL)
		return hl_nomem(err);
	rc = gather(cli, s, err);
	if (rc == HL_OK && cli->json)
		rc = print_json(cli, s, err);
	else if (rc == HL_OK)
		hl_status_screen(cli, s);
	status_free(s);
	return rc;
}
