/* SPDX-License-Identifier: Apache-2.0 */
/* The sum of each card for people, and in JSON. */
#include <inttypes.h>
#include <string.h>

#include "cli/reconcile.h"

#define HINTS_MAX 3 /* licenses named in a hint; JSON has all */
#define CELL 24
#define COLUMNS 11

static const hl_uuid no_issue;

bool
hl_reconcile_finds(const hl_reconciled *r)
{
	return !hl_balance_closed(&r->balance) ||
	    (!r->in_progress && !hl_uuid_equal(&r->balance.open, &no_issue));
}

/* A card in a word: its label, or its serial number. */
static const char *
name_of(const hl_card_row *c)
{
	return c->label[0] != '\0' ? c->label : c->serial;
}

void
hl_reconcile_words(int64_t units, hl_variance_class c, char *out, size_t size)
{
	static const char *const words[HL_VARIANCE_N] = {
		[HL_VARIANCE_LOST] = "signed off as lost, and not there",
		[HL_VARIANCE_IN_DOUBT] = "in doubt: a request is open, or was "
					 "given up",
		[HL_VARIANCE_OUTSIDE] = "outside: left the card while no "
					"request of ours was open",
		[HL_VARIANCE_JUMP] = "in a jump: left the card within one of "
				     "our requests, beside its own unit",
		[HL_VARIANCE_REPLACED] = "above what can be left: this is "
					 "another card, or its memory was "
					 "restored",
		[HL_VARIANCE_ROLLED_BACK] = "rolled back: left the card before "
					    "the store was restored to an "
					    "older copy",
		[HL_VARIANCE_IMPORTED] = "linked to imported licenses, and not "
					 "there",
	};
	const uint64_t n = (uint64_t)(units < 0 ? -units : units);

	(void)hl_text_format(out, size, "%" PRIu64 " %s %s%s", n,
	    hl_plural(n, "unit", "units"),
	    units < 0 && c != HL_VARIANCE_REPLACED ? "explained twice, as "
						   : "",
	    words[c]);
}

/* ---- the table
 * --------------------------------------------------------------- */

/* The numbers of a row, in the order of the columns: the first is the sum of
 * the others. */
typedef struct sums {
	int64_t v[8];
} sums;

/* A counter that is too high is another card's, and no figure of this one. */
static int64_t
left_of(const hl_reconciled *r)
{
	return r->read && hl_balance_above(&r->balance) == 0 ? r->counter
							     : r->balance.left;
}

static int64_t
booked_of(const hl_balance *b)
{
	int64_t sum = 0;

	for (int c = 0; c < HL_VARIANCE_N; c++) {
		if (c != HL_VARIANCE_IMPORTED && c != HL_VARIANCE_REPLACED)
			sum += b->by[c].booked;
	}
	return sum;
}

static sums
sums_of(const hl_reconciled *r)
{
	const hl_balance *b = &r->balance;

	return (sums){ { b->provisioned, left_of(r), (int64_t)b->issued,
	    (int64_t)b->bad, (int64_t)(b->lost + b->lost_or_outside),
	    b->by[HL_VARIANCE_IMPORTED].booked, booked_of(b),
	    hl_balance_difference(b) } };
}

static sums
total_of(const hl_reconcile *r)
{
	sums total = { { 0 } };

	for (size_t i = 0; i < r->n; i++) {
		const sums s = sums_of(&r->cards[i]);

		for (size_t k = 0; k < HL_COUNT(s.v); k++)
			total.v[k] += s.v[k];
	}
	return total;
}

static void
add_row(hl_table *t, const char *name, const char *firmware, const sums *s,
    const char *when)
{
	char text[HL_COUNT(s->v)][CELL];
	const char *cells[COLUMNS] = { name, firmware };

	for (size_t i = 0; i < HL_COUNT(s->v); i++) {
		(void)snprintf(text[i], CELL, "%" PRId64, s->v[i]);
		cells[2 + i] = text[i];
	}
	cells[COLUMNS - 1] = when;
	hl_table_row(t, cells);
}

static void
print_table(const hl_reconcile *r)
{
	static const char *const columns[COLUMNS] = { "CARD", "FIRMWARE",
		"PROVISIONED", "LEFT", "ISSUED", "BAD", "LOST", "IMPORTED",
		"SIGNED OFF", "DIFFERENCE", "READ" };
	hl_table *t = hl_table_new(columns, COLUMNS, 0x3fcU);
	const sums total = total_of(r);

	for (size_t i = 0; i < r->n; i++) {
		const hl_reconciled *c = &r->cards[i];
		const sums s = sums_of(c);
		char when[HL_TIME_TEXT] = "now";

		if (!c->read)
			hl_time_text(c->balance.read_at, when);
		add_row(t, name_of(&c->card), c->card.firmware_name, &s, when);
	}
	if (r->n > 1)
		add_row(t, "total", "", &total, "");
	hl_table_print(r->cli, &t);
}

/* ---- what a person should know
 * -------------------------------------------------- */

static void line(const hl_reconciled *r, const char *fmt, ...) HL_PRINTF(2, 3);

static void
line(const hl_reconciled *r, const char *fmt, ...)
{
	char text[2 * HL_ERR_WHY], card[HL_CARD_WORDS];
	va_list ap;

	va_start(ap, fmt);
	(void)hl_text_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	hl_card_words(r->card.label, r->card.serial, card, sizeof(card));
	hl_text_clean(text);
	hl_text_clean(card);
	(void)printf("card %s: %s\n", card, text);
}

static void
tell_losses(const hl_reconciled *r)
{
	const hl_balance *b = &r->balance;

	if (b->lost > 0)
		line(r,
		    "%" PRIu64 " %s lost: spent, and the license never came "
		    "(accounted for)",
		    b->lost, hl_plural(b->lost, "unit", "units"));
	if (b->lost_or_outside > 0)
		line(r,
		    "%" PRIu64 " %s lost, or spent elsewhere while a request "
		    "was open (accounted for)",
		    b->lost_or_outside,
		    hl_plural(b->lost_or_outside, "unit", "units"));
}

static void
tell_differences(const hl_reconciled *r)
{
	char words[HL_ERR_WHY];

	for (int c = 0; c < HL_VARIANCE_N; c++) {
		const hl_variance_class class = (hl_variance_class)c;
		const int64_t open = hl_balance_open(&r->balance, class);

		if (open == 0)
			continue;
		hl_reconcile_words(open, class, words, sizeof(words));
		line(r, "%s", words);
	}
}

/* The signature says that somebody knows; it makes the card no other one. */
static void
tell_above(const hl_reconciled *r)
{
	const hl_balance *b = &r->balance;

	if (hl_balance_above(b) == 0 ||
	    hl_balance_open(b, HL_VARIANCE_REPLACED) != 0)
		return;
	line(r,
	    "its counter (%" PRIu32 ") is above the %" PRIu32 " that can be "
	    "left, which was signed off as replaced: hsmlic get takes no unit "
	    "from it",
	    r->counter, b->left);
}

static void
tell_damage(const hl_reconciled *r)
{
	const hl_balance *b = &r->balance;
	char at[HL_TIME_TEXT];

	if (b->wrong_reading != 0) {
		hl_time_text(b->wrong_at, at);
		line(r,
		    "the records do not add up, first at reading %" PRId64
		    " of %s: run hsmlic store check",
		    b->wrong_reading, at);
	} else if (b->gap != 0) {
		line(r,
		    "the records do not add up by %" PRId64
		    ": run hsmlic store check",
		    b->gap);
	}
}

static bool
has_unrecorded(const hl_balance *b)
{
	for (int c = 0; c < HL_VARIANCE_N; c++) {
		if (b->by[c].unrecorded != 0)
			return true;
	}
	return false;
}

static void
tell_state(const hl_reconciled *r)
{
	char at[HL_TIME_TEXT];

	if (!hl_uuid_equal(&r->balance.open, &no_issue) && !r->in_progress)
		line(r, "a request is in doubt: run hsmlic recover");
	/* of what is recorded by now, the differences tell */
	if (r->read) {
		if (r->why[0] != '\0' && has_unrecorded(&r->balance))
			line(r, "%s", r->why);
		return;
	}
	hl_time_text(r->balance.read_at, at);
	line(r, "not read now (%s); last read %s", r->why, at);
}

/* ---- imported licenses that may explain it
 * ------------------------------------ */

struct unlinked {
	json_t *ids; /* NULL: none are kept */
	char text[HINTS_MAX * HL_UUID_TEXT + 16];
	uint64_t n;
	bool failed;
};

static bool
on_unlinked(void *arg, const hl_license *l)
{
	struct unlinked *u = arg;
	char id[HL_UUID_TEXT];

	hl_uuid_text(&l->id, id);
	if (u->ids != NULL)
		u->failed |=
		    json_array_append_new(u->ids, json_string(id)) != 0;
	else if (u->n < HINTS_MAX) {
		(void)strcat(u->text, u->n > 0 ? " " : "");
		(void)strcat(u->text, id);
	}
	u->n++;
	return !u->failed;
}

/* Only units that are on record can be linked. */
static bool
may_be_bought(const hl_reconciled *r)
{
	for (int c = 0; c < HL_VARIANCE_N; c++) {
		if (c != HL_VARIANCE_REPLACED &&
		    hl_balance_open(&r->balance, (hl_variance_class)c) > 0)
			return true;
	}
	return false;
}

static hl_rc
hint_unlinked(const hl_reconcile *rec, const hl_reconciled *r, hl_err *err)
{
	struct unlinked u = { .ids = NULL };
	hl_rc rc;

	if (!may_be_bought(r))
		return HL_OK;
	rc = hl_store_license_unlinked(
	    rec->cli->store, &r->card.firmware, on_unlinked, &u, err);
	if (rc != HL_OK || u.n == 0)
		return rc;
	hl_message(rec->cli,
	    "hint: %" PRIu64 " imported %s of firmware \"%s\" may have been "
	    "bought with units of card %s: %s%s; if so: hsmlic reconcile %s "
	    "--sign-off REASON --imported ID",
	    u.n, hl_plural(u.n, "license", "licenses"), r->card.firmware_name,
	    name_of(&r->card), u.text, u.n > HINTS_MAX ? " ..." : "",
	    name_of(&r->card));
	return HL_OK;
}

hl_rc
hl_reconcile_screen(const hl_reconcile *rec, hl_err *err)
{
	bool found = false;
	hl_rc rc = HL_OK;

	print_table(rec);
	for (size_t i = 0; i < rec->n; i++) {
		const hl_reconciled *r = &rec->cards[i];

		tell_damage(r);
		tell_differences(r);
		tell_above(r);
		tell_losses(r);
		tell_state(r);
		found |=
		    hl_reconcile_finds(r) || hl_balance_above(&r->balance) != 0;
	}
	if (!found && rec->n > 0)
		(void)printf("every unit is accounted for\n");
	for (size_t i = 0; i < rec->n && rc == HL_OK; i++)
		rc = hint_unlinked(rec, &rec->cards[i], err);
	return rc;
}

/* ---- JSON
 * ------------------------------------------------------------------------ */

static json_t *
sums_json(const sums *s)
{
	static const char *const names[] = { "provisioned", "left", "issued",
		"issued_bad", "lost", "imported", "signed_off", "difference" };
	json_t *j = json_object();

	_Static_assert(HL_COUNT(names) == HL_COUNT(s->v), "one name each");
	for (size_t i = 0; i < HL_COUNT(names) && j != NULL; i++) {
		if (json_object_set_new(j, names[i], json_integer(s->v[i])) !=
		    0) {
			json_decref(j);
			return NULL;
		}
	}
	return j;
}

static json_t *
classes_json(const hl_balance *b)
{
	json_t *list = json_array();

	for (int c = 0; c < HL_VARIANCE_N; c++) {
		const hl_variance_class class = (hl_variance_class)c;
		const hl_variance_sum *s = &b->by[c];

		if (s->units == 0 && s->booked == 0 && s->unrecorded == 0)
			continue;
		if (json_array_append_new(list,
			json_pack("{s:s, s:I, s:I, s:I, s:I}", "class",
			    hl_variance_class_name(class), "units",
			    (json_int_t)(s->units + s->unrecorded),
			    "unrecorded", (json_int_t)s->unrecorded,
			    "signed_off", (json_int_t)s->booked, "difference",
			    (json_int_t)hl_balance_open(b, class))) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static hl_rc
unlinked_json(
    const hl_reconcile *rec, const hl_reconciled *r, json_t **out, hl_err *err)
{
	struct unlinked u = { .ids = json_array() };
	hl_rc rc = HL_OK;

	if (u.ids == NULL)
		return hl_nomem(err);
	if (may_be_bought(r))
		rc = hl_store_license_unlinked(
		    rec->cli->store, &r->card.firmware, on_unlinked, &u, err);
	if (rc == HL_OK && u.failed)
		rc = hl_nomem(err);
	if (rc != HL_OK) {
		json_decref(u.ids);
		return rc;
	}
	*out = u.ids;
	return HL_OK;
}

/* Its name, and what is said of the reading. */
static json_t *
state_json(const hl_reconciled *r)
{
	const hl_balance *b = &r->balance;

	return json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:b, s:o}",
	    "label", hl_json_text(r->card.label), "serial",
	    hl_json_text(r->card.serial), "firmware",
	    hl_json_text(r->card.firmware_name), "retired_at",
	    hl_json_time(r->card.retired_at), "counter",
	    r->read ? json_integer(r->counter) : json_null(),
	    "expected_counter", json_integer(b->left), "read_at",
	    hl_json_time(b->read_at), "note", hl_json_text(r->why),
	    "in_progress", r->in_progress, "open_issue", hl_json_uuid(&b->open),
	    "ok", !hl_reconcile_finds(r), "wrong_reading",
	    b->wrong_reading == 0 ? json_null()
				  : json_integer(b->wrong_reading));
}

static hl_rc
card_json(
    const hl_reconcile *rec, const hl_reconciled *r, json_t **out, hl_err *err)
{
	const sums s = sums_of(r);
	json_t *unlinked, *numbers, *card;
	hl_rc rc;
	int bad;

	if ((rc = unlinked_json(rec, r, &unlinked, err)) != HL_OK)
		return rc;
	card = state_json(r);
	numbers = sums_json(&s);
	bad = json_object_update(card, numbers);
	json_decref(numbers);
	bad |= json_object_set_new(card, "lost_or_outside",
	    json_integer((json_int_t)r->balance.lost_or_outside));
	bad |= json_object_set_new(
	    card, "replaced", json_integer(hl_balance_above(&r->balance)));
	bad |= json_object_set_new(card, "classes", classes_json(&r->balance));
	bad |= json_object_set_new(card, "unlinked_licenses", unlinked);
	if (bad != 0) {
		json_decref(card);
		return hl_nomem(err);
	}
	*out = card;
	return HL_OK;
}

hl_rc
hl_reconcile_json(const hl_reconcile *rec, hl_err *err)
{
	const sums total = total_of(rec);
	json_t *cards = json_array(), *card = NULL;
	bool ok = true;
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < rec->n && rc == HL_OK; i++) {
		rc = card_json(rec, &rec->cards[i], &card, err);
		if (rc == HL_OK && json_array_append_new(cards, card) != 0)
			rc = hl_nomem(err);
		ok &= !hl_reconcile_finds(&rec->cards[i]);
	}
	if (rc != HL_OK) {
		json_decref(cards);
		return rc;
	}
	return hl_print_json(rec->cli,
	    json_pack("{s:o, s:o, s:b, s:I, s:b, s:b}", "cards", cards, "total",
		sums_json(&total), "ok", ok, "units_signed_off",
		(json_int_t)rec->booked, "recorded",
		!rec->read_only && !rec->cli->dry_run, "dry_run",
		rec->cli->dry_run),
	    err);
}
