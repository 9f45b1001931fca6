/* SPDX-License-Identifier: Apache-2.0 */
/* prefetch: the licenses of many chips, before the chips are at hand. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/parts.h"
#include "cli/prefetch.h"

/* ---- words -------------------------------------------------------------- */

static const char *
result_name(hl_prefetch_state s)
{
	switch (s) {
	case HL_PREFETCH_KEPT:
		return "kept";
	case HL_PREFETCH_GOT:
		return "got";
	case HL_PREFETCH_WOULD:
		return "would-get";
	case HL_PREFETCH_FAILED:
		return "failed";
	case HL_PREFETCH_TO_DO:
	case HL_PREFETCH_NOT_TRIED:
		break;
	}
	return "not-tried";
}

static const char *
source_name(const hl_prefetch_item *it)
{
	if (!it->has_license)
		return "none";
	if (it->source == HL_SOURCE_STORE)
		return "store";
	if (it->source == HL_SOURCE_CARD)
		return "card";
	return it->source == HL_SOURCE_REPLAY ? "replay" : "none";
}

static size_t
count(const hl_prefetch *p, hl_prefetch_state s)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->items[i].state == s;
	return n;
}

static int
units_spent(const hl_prefetch *p, size_t *in_doubt)
{
	int n = 0;

	*in_doubt = 0;
	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].units == HL_UNITS_UNKNOWN)
			++*in_doubt;
		else
			n += p->items[i].units;
	}
	return n;
}

/* ---- JSON --------------------------------------------------------------- */

/* One that tells no serial number has a label. */
static json_t *
card_name_json(const hl_prefetch_card *c)
{
	const char *serial = c->now.info.serial;

	return hl_json_text(serial[0] != '\0' ? serial : c->now.row.label);
}

static json_t *
item_json(const hl_prefetch *p, const hl_prefetch_item *it)
{
	const bool asked = it->has_license && it->source != HL_SOURCE_STORE;

	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o}",
	    "result", result_name(it->state), "uid", hl_json_uid(&it->uid),
	    "uid_words", hl_json_uid_words(&it->uid), "certificate_sha256",
	    hl_json_hex(it->sha256, it->cert != NULL ? HL_SHA256_LEN : 0),
	    "product_id", hl_json_text(it->product_id), "file",
	    hl_json_any(it->path), "source", source_name(it), "units_spent",
	    it->units == HL_UNITS_UNKNOWN ? json_null()
					  : json_integer(it->units),
	    "license_sha256",
	    hl_json_hex(
		it->license_sha256, it->has_license ? HL_SHA256_LEN : 0),
	    "card", asked ? card_name_json(&p->cards[it->card]) : json_null(),
	    "error", it->err == NULL ? json_null() : hl_json_error(it->err));
}

static json_t *
card_json(const hl_prefetch *p, const hl_prefetch_card *c)
{
	json_t *o;

	o = json_pack("{s:o,s:o,s:o,s:I,s:I,s:I}", "label",
	    hl_json_text(c->now.row.label), "serial",
	    hl_json_text(c->now.info.serial), "reader",
	    hl_json_any(c->now.info.reader), "counter_before",
	    (json_int_t)c->now.info.counter, "counter_after",
	    (json_int_t)c->counter, "units_spent", (json_int_t)c->units);
	if (o != NULL && p->cli->dry_run)
		(void)json_object_set_new(
		    o, "would_spend", json_integer((json_int_t)c->quota));
	return o;
}

/* Takes the parts over. */
static bool
add_to(json_t *list, json_t *o)
{
	return json_array_append_new(list, o) == 0;
}

static hl_rc
print_json(hl_prefetch *p, hl_err *err)
{
	json_t *chips = json_array(), *cards = json_array();
	bool ok = chips != NULL && cards != NULL;
	size_t in_doubt;
	const int units = units_spent(p, &in_doubt);

	for (size_t i = 0; i < p->n && ok; i++)
		ok = add_to(chips, item_json(p, &p->items[i]));
	for (size_t i = 0; i < p->n_cards && ok; i++)
		if (p->cards[i].quota > 0)
			ok = add_to(cards, card_json(p, &p->cards[i]));
	if (!ok) {
		json_decref(chips);
		json_decref(cards);
		return hl_nomem(err);
	}
	return hl_print_json(p->cli,
	    json_pack("{s:o,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:b,s:o,s:o}",
		"firmware", hl_json_text(p->firmware), "units_spent", units,
		"in_doubt", (json_int_t)in_doubt, "got",
		(json_int_t)count(p, HL_PREFETCH_GOT), "kept",
		(json_int_t)count(p, HL_PREFETCH_KEPT), "failed",
		(json_int_t)count(p, HL_PREFETCH_FAILED), "not_tried",
		(json_int_t)count(p, HL_PREFETCH_NOT_TRIED), "passed_over",
		(json_int_t)p->passed_over, "interrupted",
		hl_prefetch_stop_signal() != 0, "dry_run", p->cli->dry_run,
		"cards", cards, "chips", chips),
	    err);
}

/* ---- text --------------------------------------------------------------- */

static void
print_table(const hl_prefetch *p)
{
	static const char *const columns[] = { "RESULT", "CHIP", "FILE",
		"WHY" };
	hl_table *t = hl_table_new(columns, HL_COUNT(columns), 0);
	char chip[HL_CHIP_NAME];

	for (size_t i = 0; i < p->n; i++) {
		const hl_prefetch_item *it = &p->items[i];

		hl_chip_name(&it->uid, it->cert != NULL, it->sha256, chip);
		hl_table_row(t,
		    (const char *[]){ result_name(it->state),
			it->cert != NULL ? chip : "", it->path,
			it->err == NULL ? "" : it->err->why });
	}
	hl_table_print(p->cli, &t);
	hl_table_free(&t);
}

static void
print_text(const hl_prefetch *p)
{
	size_t in_doubt;
	const int units = units_spent(p, &in_doubt);
	char doubt[60] = "";

	print_table(p);
	for (size_t i = 0; i < p->n; i++)
		if (hl_part_error(p->cli, p->items[i].path, p->items[i].err))
			break;
	if (p->cli->dry_run) {
		hl_message(p->cli,
		    "dry run: would spend %zu %s; %zu in the store already",
		    p->need, hl_plural(p->need, "unit", "units"),
		    count(p, HL_PREFETCH_KEPT));
		return;
	}
	if (in_doubt > 0)
		(void)snprintf(
		    doubt, sizeof(doubt), ", %zu in doubt", in_doubt);
	hl_message(p->cli,
	    "%zu got, %zu in the store already, %zu failed, %zu not tried; %d "
	    "%s spent%s",
	    count(p, HL_PREFETCH_GOT), count(p, HL_PREFETCH_KEPT),
	    count(p, HL_PREFETCH_FAILED), count(p, HL_PREFETCH_NOT_TRIED),
	    units, hl_plural((uint64_t)units, "unit", "units"), doubt);
}

/* ---- the whole ---------------------------------------------------------- */

/* What is printed tells more than an exit code can: the worst one. */
static hl_rc
report(hl_prefetch *p, hl_err *err)
{
	size_t in_doubt;

	for (size_t i = 0; i < p->n; i++)
		hl_worse(p->cli, p->items[i].rc);
	p->cli->units_spent = units_spent(p, &in_doubt);
	if (p->cli->json)
		return print_json(p, err);
	print_text(p);
	return HL_OK;
}

/* As the shell expects it of a program that was interrupted. */
static void
end_by_signal(hl_prefetch *p)
{
	const int number = hl_prefetch_stop_signal();

	if (number == 0)
		return;
	(void)hl_out_errno();
	hl_broker_free(&p->cli->broker);
	hl_store_close(&p->cli->store);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static void
mark_would(hl_prefetch *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].state == HL_PREFETCH_TO_DO)
			p->items[i].state = HL_PREFETCH_WOULD;
}

static hl_rc
prefetch(hl_prefetch *p, char **operands, hl_err *err)
{
	hl_err e = { 0 };
	hl_rc rc, ran = HL_OK;

	if ((rc = hl_prefetch_collect(p, operands, err)) != HL_OK ||
	    (rc = hl_prefetch_plan(p, err)) != HL_OK)
		return rc;
	if (p->cli->dry_run) {
		mark_would(p);
	} else if (p->need > 0) {
		if ((rc = hl_prefetch_ask(p, err)) != HL_OK)
			return rc;
		ran = hl_prefetch_run(p, &e);
	}
	rc = report(p, err);
	end_by_signal(p);
	if (rc == HL_OK && ran != HL_OK && err != NULL)
		*err = e;
	return rc == HL_OK ? ran : rc;
}

hl_rc
hl_cmd_prefetch(hl_cli *cli, char **operands, hl_err *err)
{
	hl_prefetch p = { .cli = cli, .started = hl_now_ms() };
	hl_rc rc;

	p.r = calloc(1, sizeof(*p.r));
	p.cert = calloc(1, sizeof(*p.cert));
	rc = p.r == NULL || p.cert == NULL ? hl_nomem(err)
					   : prefetch(&p, operands, err);
	hl_prefetch_free(&p);
	return rc;
}
