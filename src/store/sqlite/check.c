/* SPDX-License-Identifier: Apache-2.0 */
/* What can be checked without a card. */
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "store/sqlite/row.h"
#include "util/hex.h"

typedef struct checking {
	hl_store *s;
	void (*found)(void *arg, const char *text);
	void *arg;
	uint64_t n;
	const char *hashed; /* the table whose hashes are checked */
	hl_rc rc; /* a check itself failed inside of a list */
	hl_err *err;
} checking;

static void
report(checking *c, const char *text)
{
	c->n++;
	if (c->found != NULL)
		c->found(c->arg, text);
}

/*
 * SQLite tells all that is wrong with the file's structure, up to a hundred
 * lines, in one text under a heading. Each line is a finding of its own, behind
 * the place that stands in front of the heading.
 */
static void
report_lines(checking *c, const char *text)
{
	const char *heading = strstr(text, ": *** ");
	const char *line = heading == NULL ? NULL : strchr(heading, '\n');
	char one[1024];
	int n;

	if (line == NULL) {
		report(c, text);
		return;
	}
	while (*line != '\0' && *++line != '\0') {
		n = (int)strcspn(line, "\n");
		(void)hl_text_format(one, sizeof(one), "%.*s: %.*s",
		    (int)(heading - text), text, n, line);
		report(c, one);
		line += n;
	}
}

/* Each row of the statement is a finding. */
static hl_rc
run_sentences(checking *c, const char *sql, hl_err *err)
{
	hl_q q = hl_q_new(c->s, sql);

	while (hl_q_row(&q)) {
		const unsigned char *text = sqlite3_column_text(q.st, 0);

		if (text == NULL)
			hl_q_damaged(&q);
		else
			report_lines(c, (const char *)text);
	}
	return hl_q_end(&q, err);
}

/* A UUID as people know it. */
#define U(x)                                                                   \
	"lower(substr(hex(" x "), 1, 8) || '-' || substr(hex(" x               \
	"), 9, 4) || '-' || substr(hex(" x "), 13, 4) || '-' || "              \
	"substr(hex(" x "), 17, 4) || '-' || substr(hex(" x "), 21))"

static const char *const sentences[] = {
	"SELECT 'file: ' || quick_check FROM pragma_quick_check "
	"WHERE quick_check <> 'ok'",

	"SELECT 'table ' || \"table\" || ', row ' || coalesce(rowid, '?') || "
	"': refers to a row of ' || parent || ' that is not there' "
	"FROM pragma_foreign_key_check",

	"SELECT 'store: it has ' || count(*) || ' identities, not one' "
	"FROM meta HAVING count(*) <> 1",

	"SELECT 'card ' || " U(
	    "c.id") " || ': its counter went down by ' || "
		    "(c.first_counter - c.last_counter) || ', but its issues "
		    "spent ' || "
		    "c.spent || ' and its readings show ' || c.outside || ' "
		    "outside' "
		    "FROM (SELECT *, (SELECT coalesce(sum(units), 0) FROM "
		    "issues AS i "
		    "WHERE i.card = cards.id) AS spent, (SELECT "
		    "coalesce(sum(units_outside), 0) FROM card_readings AS r "
		    "WHERE r.card = cards.id) AS outside FROM cards) AS c "
		    "WHERE c.first_counter - c.last_counter <> c.spent + "
		    "c.outside",

	"SELECT 'card ' || " U("id") " || ': its first reading is missing or "
				     "is not its first counter' FROM cards AS "
				     "c WHERE NOT EXISTS (SELECT 1 "
				     "FROM card_readings AS r WHERE r.card = "
				     "c.id AND r.kind = 'first' "
				     "AND r.counter = c.first_counter)",

	"SELECT 'card ' || " U(
	    "card") " || ': counter value ' || "
		    "counter_before || ' was spent by ' || count(*) || ' "
		    "issues' "
		    "FROM issues NOT INDEXED WHERE units = 1 "
		    "GROUP BY card, counter_before HAVING count(*) > 1",

	"SELECT 'card ' || " U(
	    "card") " || ': ' || count(*) || ' issues are "
		    "open on it' FROM issues NOT INDEXED WHERE state = 'open' "
		    "GROUP BY card HAVING count(*) > 1",

	"SELECT 'chip ' || " U("chip") " || ': its attempts for firmware ' "
				       "|| " U(
					   "firmware") " || ' are not 1 to ' "
						       "|| count(*) FROM "
						       "issues "
						       "GROUP BY chip, "
						       "firmware "
						       "HAVING min(attempt) <> "
						       "1 OR max(attempt) <> "
						       "count(*)",

	"SELECT 'issue ' || " U(
	    "id") " || ': it is issued, but its license is "
		  "not there' FROM issues AS i WHERE state = 'issued' AND NOT "
		  "EXISTS "
		  "(SELECT 1 FROM licenses AS l WHERE l.issue = i.id)",

	"SELECT 'issue ' || " U(
	    "id") " || ': the reading before its request "
		  "is missing or is not ' || counter_before FROM issues AS i "
		  "WHERE NOT EXISTS (SELECT 1 FROM card_readings AS r WHERE "
		  "r.issue = "
		  "i.id AND r.kind = 'before' AND r.card = i.card "
		  "AND r.counter = i.counter_before)",

	"SELECT 'issue ' || " U(
	    "id") " || ': the reading after its request "
		  "is missing or is not ' || counter_after FROM issues AS i "
		  "WHERE counter_read = 1 AND NOT EXISTS (SELECT 1 FROM "
		  "card_readings "
		  "AS r WHERE r.issue = i.id AND r.kind = 'after' AND r.card = "
		  "i.card "
		  "AND r.counter = i.counter_after)",

	"SELECT 'chip ' || " U(
	    "chip") " || ': ' || count(*) || ' licenses for "
		    "firmware ' || " U(
			"firmware") " || ' are active' FROM licenses "
				    "NOT INDEXED WHERE state = 'active' GROUP "
				    "BY chip, firmware "
				    "HAVING count(*) > 1",

	"SELECT 'license ' || " U(
	    "l.id") " || ': its issue is another chip''s, "
		    "or made no license' FROM licenses AS l JOIN issues AS i "
		    "ON i.id = l.issue WHERE i.chip <> l.chip OR i.firmware <> "
		    "l.firmware "
		    "OR i.state NOT IN ('issued', 'issued_bad')",

	"SELECT 'install ' || " U(
	    "i.id") " || ': its license is for another chip "
		    "or firmware' FROM installs AS i JOIN licenses AS l "
		    "ON l.id = i.license WHERE l.chip <> i.chip "
		    "OR l.firmware IS NOT i.firmware",

	/* rows of one card, each of which adds up by itself */
	"SELECT 'card ' || " U(
	    "id") " || ': its counter went down by ' || down || ', but the "
		  "stores that asked it account for ' || told FROM (SELECT "
		  "p.id, (SELECT max(first_counter) - min(last_counter) FROM "
		  "cards WHERE id = p.id OR same_as = p.id) AS down, (SELECT "
		  "sum((SELECT coalesce(sum(units), 0) FROM issues WHERE card "
		  "= v.id) + (SELECT coalesce(sum(units_outside), 0) FROM "
		  "card_readings WHERE card = v.id) - (SELECT "
		  "coalesce(sum(units), 0) FROM overlaps WHERE card = v.id)) "
		  "FROM cards AS v WHERE v.id = p.id OR v.same_as = p.id) AS "
		  "told FROM cards AS p WHERE p.id IN (SELECT same_as FROM "
		  "cards)) WHERE down <> told",

	"SELECT 'station ' || station || ': slot ' || slot || ' is mapped to ' "
	"|| count(*) || ' readers' FROM slots NOT INDEXED "
	"GROUP BY station, slot HAVING count(*) > 1",
};

/*
 * Every index against its table. One table at a time, so that writers get
 * their turn in between: a big store takes longer than they wait.
 */
static hl_rc
check_indexes(checking *c, hl_err *err)
{
	static const char *const tables[] = { "meta", "certificates", "chips",
		"firmwares", "cards", "issues", "card_readings", "licenses",
		"uses", "installs", "slots", "events", "tree", "variances",
		"merged_ledgers", "merged_events", "overlaps" };
	char sql[256];
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < HL_COUNT(tables) && rc == HL_OK; i++) {
		snprintf(sql, sizeof(sql),
		    "SELECT 'table %s: ' || integrity_check "
		    "FROM pragma_integrity_check('%s') "
		    "WHERE integrity_check <> 'ok'",
		    tables[i], tables[i]);
		rc = run_sentences(c, sql, err);
	}
	return rc;
}

/* ---- bytes against their hash ------------------------------------------- */

typedef struct hashed {
	hl_uuid id; /* of a license; a certificate has none */
	int64_t row;
	bool sized; /* sha256 and bytes have lengths that they can have */
	uint8_t sha256[HL_SHA256_LEN];
	uint8_t bytes[HL_LICENSE_MAX];
	size_t n;
} hashed;

static bool
has_size(const hl_q *q, int column, int min, int max)
{
	const int n = sqlite3_column_bytes(q->st, column);

	return n >= min && n <= max;
}

static void
row_hashed(hl_q *q, void *row)
{
	hashed *h = row;

	q->key = h->row = hl_q_get_int(q);
	/* what SQLite can read is no reason to stop, whatever it is */
	h->sized = has_size(q, 1, 0, 0) || has_size(q, 1, 16, 16);
	h->sized = h->sized && has_size(q, 2, HL_SHA256_LEN, HL_SHA256_LEN) &&
	    has_size(q, 3, 0, sizeof(h->bytes));
	if (!h->sized)
		return;
	hl_q_get_uuid(q, &h->id);
	hl_q_get_blob(q, h->sha256, sizeof(h->sha256), sizeof(h->sha256));
	h->n = hl_q_get_blob(q, h->bytes, 0, sizeof(h->bytes));
}

static bool
give_hashed(void *arg, const void *row)
{
	char name[2 * HL_SHA256_LEN + 1], text[256];
	uint8_t sha256[HL_SHA256_LEN];
	const hashed *h = row;
	checking *c = arg;
	const bool license =
	    memcmp(h->id.b, (const uint8_t[16]){ 0 }, sizeof(h->id.b)) != 0;

	if (!h->sized) {
		snprintf(text, sizeof(text),
		    "%s row %lld: its ID, its SHA-256 or its bytes are not as "
		    "long as they can be",
		    c->hashed, (long long)h->row);
		report(c, text);
		return true;
	}
	c->rc = hl_sha256(h->bytes, h->n, sha256, c->err);
	if (c->rc != HL_OK)
		return false;
	if (memcmp(sha256, h->sha256, sizeof(sha256)) == 0)
		return true;
	if (license)
		hl_uuid_text(&h->id, name);
	else
		hl_hex_lower(name, h->sha256, sizeof(h->sha256));
	snprintf(text, sizeof(text),
	    "%s %s: its bytes do not match their SHA-256",
	    license ? "license" : "certificate", name);
	report(c, text);
	return true;
}

static hl_rc
check_hashes(checking *c, const char *table, const char *sql, hl_err *err)
{
	const hl_list l = {
		.sql = sql,
		.read = row_hashed,
		.size = sizeof(hashed),
		.give = give_hashed,
		.arg = c,
	};
	hl_rc rc;

	c->rc = HL_OK;
	c->err = err;
	c->hashed = table;
	rc = hl_list_run(c->s, &l, err);
	return rc != HL_OK ? rc : c->rc;
}

/* ---- the readings of each card, in order -------------------------------- */

typedef struct walk {
	hl_uuid card;
	bool started;
	uint32_t counter; /* at the last reading */
	uint32_t pending; /* unit of the issue that was opened since */
	uint32_t last;	  /* what the card's row says */
} walk;

static void
report_card(checking *c, const hl_uuid *card, const char *why)
{
	char id[HL_UUID_TEXT], text[256];

	hl_uuid_text(card, id);
	snprintf(text, sizeof(text), "card %s: %s", id, why);
	report(c, text);
}

static void
end_card(checking *c, const walk *w)
{
	char why[128];

	if (!w->started || w->counter - w->pending == w->last)
		return;
	snprintf(why, sizeof(why),
	    "its readings and issues leave %u, but %u is recorded as left",
	    w->counter - w->pending, w->last);
	report_card(c, &w->card, why);
}

/* Values that somebody put there may be of any type and size. */
static bool
is_readable(const hl_q *q)
{
	if (!has_size(q, 1, sizeof(hl_uuid), sizeof(hl_uuid)))
		return false;
	for (int i = 3; i < 7; i++) {
		const int64_t v = sqlite3_column_int64(q->st, i);

		if (v < 0 || v > UINT32_MAX)
			return false;
	}
	return true;
}

static void
step_reading(checking *c, walk *w, hl_q *q)
{
	uint32_t expected, counter, units, last;
	char why[160];
	int64_t n, opens;
	hl_uuid card;

	n = hl_q_get_int(q);
	if (!is_readable(q)) {
		snprintf(why, sizeof(why),
		    "table card_readings, row %lld: a value in it, or in its "
		    "card or request, is none that can be",
		    (long long)n);
		report(c, why);
		return;
	}
	hl_q_get_uuid(q, &card);
	opens = hl_q_get_int(q);
	expected = hl_q_get_u32(q);
	counter = hl_q_get_u32(q);
	units = hl_q_get_u32(q);
	last = hl_q_get_u32(q);
	if (q->code != SQLITE_OK)
		return;
	if (!w->started || !hl_uuid_equal(&w->card, &card)) {
		end_card(c, w);
		*w = (walk){ card, true, expected, 0, last };
	}
	if (w->counter - w->pending != expected) {
		snprintf(why, sizeof(why),
		    "reading %lld expects %u, but the ones before it leave %u",
		    (long long)n, expected, w->counter - w->pending);
		report_card(c, &card, why);
	}
	w->counter = counter;
	w->pending = opens != 0 ? units : 0;
}

static hl_rc
check_readings(checking *c, hl_err *err)
{
	walk w = { .started = false };
	hl_rc rc;
	hl_q q;

	q = hl_q_new(c->s,
	    "SELECT r.n, r.card, r.kind = 'before', r.expected, r.counter, "
	    "coalesce(i.units, 0), c.last_counter FROM card_readings AS r "
	    "JOIN cards AS c ON c.id = r.card "
	    "LEFT JOIN issues AS i ON i.id = r.issue ORDER BY r.card, r.n");
	while (hl_q_row(&q))
		step_reading(c, &w, &q);
	if ((rc = hl_q_end(&q, err)) == HL_OK)
		end_card(c, &w);
	return rc;
}

hl_rc
hl_store_check(hl_store *store, void (*found)(void *arg, const char *text),
    void *arg, uint64_t *n, hl_err *err)
{
	checking c = { .s = store, .found = found, .arg = arg };
	hl_rc rc = HL_OK;

	store->doing = "check what is recorded";
	for (size_t i = 0; i < HL_COUNT(sentences) && rc == HL_OK; i++)
		rc = run_sentences(&c, sentences[i], err);
	if (rc == HL_OK)
		rc = check_indexes(&c, err);
	if (rc == HL_OK) {
		rc = check_hashes(&c, "licenses",
		    "SELECT n, id, sha256, bytes FROM licenses "
		    "WHERE n > ?1 ORDER BY n" HL_LIST_LIMIT,
		    err);
	}
	if (rc == HL_OK) {
		rc = check_hashes(&c, "certificates",
		    "SELECT n, NULL, sha256, bytes FROM certificates "
		    "WHERE n > ?1 ORDER BY n" HL_LIST_LIMIT,
		    err);
	}
	if (rc == HL_OK)
		rc = check_readings(&c, err);
	if (rc == HL_OK)
		*n = c.n;
	return rc;
}
