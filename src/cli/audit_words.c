/* SPDX-License-Identifier: Apache-2.0 */
/* Events in one line for people. What the store says of a chip or a card only
 * gives it the name that people know. */
#include <inttypes.h>
#include <string.h>

#include "cli/audit.h"

#define WORDS_MAX 200 /* bytes of facts that have no words of their own */

typedef struct telling {
	hl_cli *cli;
	const hl_event *e;
	hl_buf *out;
} telling;

/* "" when it is not there. */
static const char *
text(const telling *t, const char *key)
{
	const char *s = hl_event_text(t->e, key);

	return s == NULL ? "" : s;
}

static int64_t
number(const telling *t, const char *key)
{
	int64_t v = 0;

	return hl_event_int(t->e, key, &v) ? v : 0;
}

static bool
id_of(const telling *t, const char *key, hl_uuid *out)
{
	return hl_uuid_parse(text(t, key), out);
}

/* " NAME" and a text, if there is one. */
static void
put_note(const telling *t, const char *before, const char *key)
{
	const char *s = text(t, key);

	if (s[0] != '\0')
		hl_buf_printf(t->out, "%s%s", before, s);
}

/* ---- names ------------------------------------------------------------- */

static void
put_chip(const telling *t, const hl_uuid *id)
{
	char name[HL_CHIP_NAME] = "that the store does not know";
	hl_chip c;

	if (hl_store_chip_by_id(t->cli->store, id, &c, NULL) == HL_OK)
		hl_chip_name(&c.uid, c.has_cert, c.cert_sha256, name);
	hl_buf_printf(t->out, "chip %s", name);
}

/* The label that the event itself gives the card; that of today, which it did
 * not know, is told apart. */
static void
put_card(const telling *t, const hl_uuid *id)
{
	const char *said = text(t, "card_label");
	char name[HL_CARD_WORDS] = "that the store does not know";
	hl_card_row c;

	if (hl_store_card_by_id(t->cli->store, id, &c, NULL) != HL_OK) {
		hl_buf_printf(t->out, "card %s", name);
		return;
	}
	if (said[0] != '\0' || c.serial[0] != '\0')
		hl_card_words(said, c.serial, name, sizeof(name));
	else
		(void)hl_text_copy(name, sizeof(name), "without serial number");
	hl_buf_printf(t->out, "card %s", name);
	if (c.label[0] != '\0' && strcmp(c.label, said) != 0)
		hl_buf_printf(t->out, " [now \"%s\"]", c.label);
}

static void
put_firmware(const telling *t, const char *key)
{
	hl_firmware f;
	hl_uuid id;

	if (id_of(t, key, &id) &&
	    hl_store_firmware_by_id(t->cli->store, &id, &f, NULL) == HL_OK)
		hl_buf_printf(t->out, ", firmware %s", f.name);
}

/* ---- by kind ----------------------------------------------------------- */

static void
tell_created(const telling *t)
{
	hl_buf_printf(t->out, "origin %s", text(t, "store_origin"));
}

static void
tell_upgraded(const telling *t)
{
	hl_buf_printf(t->out, "from schema %" PRId64 " to %" PRId64,
	    number(t, "from_schema"), number(t, "to_schema"));
}

static void
tell_chip(const telling *t)
{
	hl_uuid id;

	if (id_of(t, "chip_id", &id))
		put_chip(t, &id);
	else
		put_note(t, "certificate ", "certificate_sha256");
	put_note(t, ", label ", "chip_label");
}

static void
tell_firmware(const telling *t)
{
	hl_buf_printf(t->out, "%s", text(t, "firmware_name"));
	put_note(t, ", type ", "firmware_type");
	put_note(t, ", identifier ", "firmware_identifier");
}

static void
put_counter(const telling *t)
{
	const int64_t outside = number(t, "reading_units_outside");
	int64_t counter;

	if (hl_event_int(t->e, "reading_counter", &counter))
		hl_buf_printf(t->out, ", counter %" PRId64, counter);
	if (outside > 0)
		hl_buf_printf(t->out, ", %" PRId64 " %s elsewhere", outside,
		    hl_plural(
			(uint64_t)outside, "unit left it", "units left it"));
}

static void
tell_card(const telling *t)
{
	hl_uuid id;

	if (id_of(t, "card_id", &id) || id_of(t, "reading_card", &id))
		put_card(t, &id);
	put_firmware(t, "card_firmware");
	put_counter(t);
}

static void
tell_issue(const telling *t)
{
	hl_issue i;
	hl_uuid id;

	hl_buf_printf(t->out, "%s", text(t, "issue_state"));
	if (number(t, "issue_recovered") != 0)
		hl_buf_printf(t->out, ", recovered");
	if (id_of(t, "issue_id", &id) &&
	    hl_store_issue_by_id(t->cli->store, &id, &i, NULL) == HL_OK) {
		hl_buf_printf(t->out, ": ");
		put_chip(t, &i.chip);
		hl_buf_printf(t->out, ", ");
		put_card(t, &i.card);
	}
	put_counter(t);
	put_note(t, "; ", "issue_detail");
}

static void
put_license(const telling *t, const char *key)
{
	hl_license l;
	hl_uuid id;

	if (!id_of(t, key, &id) ||
	    hl_store_license_by_id(t->cli->store, &id, &l, NULL) != HL_OK)
		return;
	put_chip(t, &l.chip);
	hl_buf_printf(t->out, ", firmware %s", l.firmware_name);
}

static void
tell_license(const telling *t)
{
	put_license(t, "license_id");
	put_note(t, ", ", "license_state");
	put_note(t, ": ", "license_reason");
}

static void
tell_used(const telling *t)
{
	put_license(t, "use_license");
	put_note(t, ", from the ", "use_how");
}

static void
tell_install(const telling *t)
{
	hl_uuid id;

	hl_buf_printf(t->out, "%s: ", text(t, "install_outcome"));
	if (id_of(t, "install_chip", &id))
		put_chip(t, &id);
	put_note(t, ", image ", "install_image");
	put_note(t, ", by ", "install_programmer");
}

static void
tell_variance(const telling *t)
{
	hl_uuid id;

	if (id_of(t, "variance_card", &id))
		put_card(t, &id);
	hl_buf_printf(t->out, ": %" PRId64 " %s", number(t, "variance_units"),
	    text(t, "variance_class"));
	put_note(t, ": ", "variance_reason");
}

/* "10 = 7 left + 2 issued + 1 outside, difference 1" */
static void
tell_reconciled(const telling *t)
{
	static const struct {
		const char *key, *word;
	} parts[] = {
		{ "issued", "issued" },
		{ "issued_bad", "issued but bad" },
		{ "lost", "lost" },
		{ "outside", "outside" },
		{ "imported", "imported" },
	};
	int64_t sum = number(t, "left");
	hl_buf terms = HL_BUF_INIT;
	hl_uuid id;

	if (id_of(t, "card", &id))
		put_card(t, &id);
	for (size_t i = 0; i < HL_COUNT(parts); i++) {
		const int64_t n = number(t, parts[i].key);

		sum += n;
		if (n != 0)
			hl_buf_printf(
			    &terms, " + %" PRId64 " %s", n, parts[i].word);
	}
	hl_buf_printf(t->out,
	    ": %" PRId64 " %s %" PRId64 " left%s, difference %" PRId64,
	    number(t, "provisioned"),
	    sum == number(t, "provisioned") ? "=" : "is not", number(t, "left"),
	    terms.n > 0 ? hl_buf_str(&terms) : "", number(t, "difference"));
	if (number(t, "signed") != 0)
		hl_buf_printf(
		    t->out, ", %" PRId64 " signed off", number(t, "signed"));
	if (json_object_get(t->e->body, "counter") == NULL)
		hl_buf_printf(t->out, "; the card was not there");
	hl_buf_free(&terms);
}

static void
tell_restored(const telling *t)
{
	const char *kin = text(t, "replaced");
	const int64_t common = number(t, "common");
	const int64_t size = number(t, "replaced_size");

	hl_buf_printf(t->out,
	    "a copy of %" PRId64 " events was put in the place of ",
	    number(t, "copy_size"));
	if (strcmp(kin, "none") == 0)
		hl_buf_printf(t->out, "no store");
	else if (strcmp(kin, "unknown") == 0)
		hl_buf_printf(t->out, "one that could not be compared");
	else if (strcmp(kin, "stranger") == 0)
		hl_buf_printf(
		    t->out, "another store, of %" PRId64 " events", size);
	else if (strcmp(kin, "newer") == 0)
		hl_buf_printf(t->out,
		    "a newer one, of %" PRId64 ": the last %" PRId64
		    " are not in it",
		    size, size - common);
	else if (strcmp(kin, "fork") == 0)
		hl_buf_printf(t->out,
		    "one of %" PRId64
		    " that only begins with the same %" PRId64,
		    size, common);
	else
		hl_buf_printf(t->out, "one of %" PRId64 " (%s)", size, kin);
}

/* What a merge brought: its events, rows that are not 0. */
static void
tell_merged(const telling *t)
{
	static const char *const rows[] = { "firmwares", "chips", "cards",
		"issues", "licenses", "uses", "installs", "variances" };

	hl_buf_printf(t->out, "%s: %" PRId64 " events", text(t, "origin"),
	    number(t, "events"));
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const int64_t n = number(t, rows[i]);

		/* of one, without its plural's s */
		if (n != 0)
			hl_buf_printf(t->out, ", %" PRId64 " %.*s", n,
			    (int)strlen(rows[i]) - (n == 1), rows[i]);
	}
	if (number(t, "overlaps") != 0)
		hl_buf_printf(t->out,
		    "; %" PRId64 " units that both accounted for",
		    number(t, "overlaps"));
	if (number(t, "twice") != 0)
		hl_buf_printf(t->out, "; %" PRId64 " chips licensed by both",
		    number(t, "twice"));
}

/* A ledger that the other store had merged before. */
static void
tell_via(const telling *t)
{
	hl_buf_printf(t->out, "%s: %" PRId64 " events, by way of %s",
	    text(t, "merged_origin"), number(t, "merged_size"), text(t, "via"));
}

static void
tell_overlap(const telling *t)
{
	hl_uuid id;

	if (id_of(t, "overlap_card", &id))
		put_card(t, &id);
	hl_buf_printf(t->out, ": %" PRId64 " %s that %s accounted for, too",
	    number(t, "overlap_units"),
	    hl_plural((uint64_t)number(t, "overlap_units"), "unit", "units"),
	    text(t, "origin"));
}

static void
tell_clock(const telling *t)
{
	char from[HL_TIME_TEXT], to[HL_TIME_TEXT];

	hl_time_text(number(t, "last_at"), from);
	hl_time_text(number(t, "now"), to);
	hl_buf_printf(t->out, "from %s to %s", from, to);
}

static void
tell_slot(const telling *t)
{
	hl_buf_printf(t->out, "slot %" PRId64 " is reader %s",
	    number(t, "slot_slot"), text(t, "slot_reader"));
	put_note(t, ", at station ", "slot_station");
}

/* Keys are long; their IDs tell them apart. */
static void
put_keys(const telling *t, const char *before, const char *keys)
{
	hl_buf_printf(t->out, "%s", before);
	for (size_t i = 0, n; *keys != '\0';
	     keys += n + (keys[n] == ' '), i++) {
		const char *plus;

		n = strcspn(keys, " ");
		plus = memchr(keys, '+', n);
		if (plus != NULL && (size_t)(plus - keys) + 9 <= n)
			hl_buf_printf(
			    t->out, "%s%.8s", i == 0 ? " " : ", ", plus + 1);
	}
}

static void
tell_checkpoint(const telling *t)
{
	put_keys(t, "signed by key", text(t, "keys"));
}

static void
tell_keys(const telling *t)
{
	static const struct {
		const char *change, *words;
	} changes[] = {
		{ "key.rotated", ", and a key of before agreed" },
		{ "key.replaced", ", and no key of before agreed" },
		{ "key.retired", ", others sign no more" },
	};
	const char *change = text(t, "change");

	hl_buf_printf(t->out, "%s", change);
	for (size_t i = 0; i < HL_COUNT(changes); i++) {
		if (strcmp(changes[i].change, change) == 0)
			hl_buf_printf(t->out, "%s", changes[i].words);
	}
	put_keys(t, ": signing keys are", text(t, "known_keys"));
}

/* Whatever it says, but what is long. */
static void
tell_facts(const telling *t)
{
	const size_t before = t->out->n;
	const char *key;
	json_t *v;

	json_object_foreach(t->e->body, key, v)
	{
		if (t->out->n - before > WORDS_MAX) {
			hl_buf_printf(t->out, ", ...");
			return;
		}
		hl_buf_printf(
		    t->out, "%s%s ", t->out->n > before ? ", " : "", key);
		if (json_is_string(v))
			hl_buf_printf(t->out, "%.80s", json_string_value(v));
		else if (json_is_integer(v))
			hl_buf_printf(t->out, "%" JSON_INTEGER_FORMAT,
			    json_integer_value(v));
		else
			hl_buf_printf(
			    t->out, "%s", json_is_true(v) ? "yes" : "no");
	}
}

static const struct {
	const char *kind;
	const char *key; /* that it has to have */
	void (*tell)(const telling *t);
} tellers[] = {
	{ "store.created", "store_origin", tell_created },
	{ "store.upgraded", "from_schema", tell_upgraded },
	{ "chip.seen", "chip_id", tell_chip },
	{ "chip.seen", "certificate_sha256", tell_chip },
	{ "chip.joined", "chip_id", tell_chip },
	{ "chip.labelled", "chip_id", tell_chip },
	{ "firmware.added", "firmware_name", tell_firmware },
	{ "card.added", "card_id", tell_card },
	{ "card.seen", "card_id", tell_card },
	{ "card.seen", "reading_card", tell_card },
	{ "card.labelled", "card_id", tell_card },
	{ "card.retired", "card_id", tell_card },
	{ "issue.intent", "issue_id", tell_issue },
	{ "issue.outcome", "issue_id", tell_issue },
	{ "license.imported", "license_id", tell_license },
	{ "license.used", "use_license", tell_used },
	{ "license.exported", "use_license", tell_used },
	{ "license.retired", "license_id", tell_license },
	{ "license.suspect", "license_id", tell_license },
	{ "license.trusted", "license_id", tell_license },
	{ "program.outcome", "install_id", tell_install },
	{ "variance.signed", "variance_card", tell_variance },
	{ "reconcile.result", "provisioned", tell_reconciled },
	{ "store.restored", "copy_size", tell_restored },
	{ "store.merged", "events", tell_merged },
	{ "store.merged", "via", tell_via },
	{ "store.merged", "overlap_units", tell_overlap },
	{ "clock.back", "now", tell_clock },
	{ "config.changed", "slot_reader", tell_slot },
	{ "config.changed", "known_keys", tell_keys },
	{ "checkpoint.made", "keys", tell_checkpoint },
};

static void
tell_by_kind(const telling *t)
{
	for (size_t i = 0; i < HL_COUNT(tellers); i++) {
		if (strcmp(tellers[i].kind, t->e->kind) == 0 &&
		    json_object_get(t->e->body, tellers[i].key) != NULL) {
			tellers[i].tell(t);
			return;
		}
	}
	tell_facts(t);
}

void
hl_event_words(hl_cli *cli, const hl_event *e, hl_buf *out)
{
	const telling t = { cli, e, out };

	tell_by_kind(&t);
	if (json_object_get(e->body, "merged") != NULL &&
	    strcmp(e->kind, "store.merged") != 0)
		put_note(&t, "; merged from ", "origin");
}
