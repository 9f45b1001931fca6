/* SPDX-License-Identifier: Apache-2.0 */
/* What the schema itself refuses, and how its own text is watched over. */
#include <stdio.h>
#include <stdlib.h>

#include "store/conform.h"
#include "store/raw.h"
#include "store/sqlite/migrations.h"
#include "store/sqlite/schema.h"
#include "util/hex.h"

/* When this fails after a migration was added, the message has the new one. */
static void
constant_is_up_to_date(void **state)
{
	char is[2 * HL_SHA256_LEN + 1], ours[2 * HL_SHA256_LEN + 1];
	uint8_t sha256[HL_SHA256_LEN];
	fixture *f = *state;

	OK(f, hl_schema_hash(f->s, sha256, &f->err));
	hl_hex_lower(is, sha256, sizeof(sha256));
	hl_hex_lower(ours, hl_schema_sha256, sizeof(sha256));
	assert_string_equal(ours, is);
	assert_int_equal(
	    hl_migrations[hl_migrations_n - 1].version, HL_SCHEMA_VERSION);
}

static void
every_table_is_strict(void **state)
{
	fixture *f = *state;
	sqlite3 *db = raw_open(raw_path(f));

	assert_true(raw_int(db,
			"SELECT count(*) FROM pragma_table_list WHERE "
			"type = 'table' AND schema = 'main'") > 9);
	assert_int_equal(
	    raw_int(db,
		"SELECT count(*) FROM pragma_table_list WHERE "
		"type = 'table' AND schema = 'main' AND "
		"name NOT GLOB 'sqlite_*' AND (strict = 0 OR wr = 1)"),
	    0);
	sqlite3_close(db);
}

/* Installs, slots, and a license that was retired behind them. */
static void
fill_installs(fixture *f, const hl_card_row *card)
{
	const hl_chip chip = fx_chip(f, 40);
	size_t n;
	const uint8_t *bytes = fx_license_bytes(40, &n);
	hl_install in;
	hl_uuid id;

	OK(f,
	    hl_store_license_import(f->s, &chip.id, &card->firmware, bytes, n,
		&f->actor, &id, &f->err));
	in = fx_install(f, &chip, HL_INSTALL_FAILED);
	in.license = id;
	in.firmware = card->firmware;
	OK(f, hl_store_install_add(f->s, &in, &f->err));
	OK(f, hl_store_license_retire(f->s, &id, "bad", &f->actor, &f->err));
	OK(f,
	    hl_store_slot_put(
		f->s, "station-1", "reader A", 1, &f->actor, &f->err));
}

/* A store with something of every kind in it. */
static void
fill(fixture *f)
{
	static const hl_issue_state states[] = { HL_ISSUE_ISSUED, HL_ISSUE_BAD,
		HL_ISSUE_LOST, HL_ISSUE_NOT_SPENT };
	const hl_card_row card = fx_card(f, 1, 300);
	uint32_t c = 299;
	hl_license lic;
	hl_chip chip;
	hl_issue one;

	for (unsigned i = 0; i < HL_COUNT(states); i++) {
		hl_outcome o;

		chip = fx_chip(f, i);
		one = fx_open(f, &chip, &card, c);
		c -= states[i] != HL_ISSUE_NOT_SPENT;
		o = fx_outcome(f, &one, states[i], c, i);
		OK(f, hl_store_intent_close(f->s, &o, &lic, &f->err));
		if (i == 0) {
			OK(f,
			    hl_store_license_use(
				f->s, &lic.id, "store", &f->actor, &f->err));
		}
	}
	OK(f,
	    hl_store_chip_label(f->s, &chip.id, "a board", &f->actor, &f->err));
	fill_installs(f, &card);
	chip = fx_chip(f, 50);
	fx_open(f, &chip, &card, c);
}

static const char *const never[] = {
	"DELETE FROM meta",
	"UPDATE meta SET origin = 'x'",
	"UPDATE meta SET last_time = last_time - 1",
	"DELETE FROM certificates",
	"UPDATE certificates SET bytes = x'00'",
	"DELETE FROM chips",
	"UPDATE chips SET uid = x'0011223344556677' WHERE n = 1",
	"UPDATE chips SET uid = NULL",
	"UPDATE chips SET cert_sha256 = NULL",
	"UPDATE chips SET first_seen = 0",
	"DELETE FROM firmwares",
	"UPDATE firmwares SET name = 'x'",
	"DELETE FROM cards",
	"UPDATE cards SET last_counter = last_counter + 1",
	"UPDATE cards SET first_counter = 999",
	"UPDATE cards SET serial = 'x'",
	"DELETE FROM card_readings",
	"UPDATE card_readings SET at = 0",
	"DELETE FROM issues",
	"DELETE FROM issues WHERE state = 'open'",
	"UPDATE issues SET counter_before = 1 WHERE state = 'open'",
	"UPDATE issues SET attempt = 9 WHERE state = 'open'",
	"UPDATE issues SET owner = zeroblob(16) WHERE state = 'open'",
	"UPDATE issues SET closed_at = 5 WHERE state <> 'open'",
	"UPDATE issues SET detail = 'x' WHERE state <> 'open'",
	"UPDATE issues SET state = 'not_spent', units = 0 "
	"WHERE state = 'lost'",
	"UPDATE issues SET state = 'lost_or_outside' "
	"WHERE state = 'lost'",
	"UPDATE issues SET state = 'issued' WHERE state = 'lost'",
	"UPDATE issues SET state = 'issued', recovered = 1 "
	"WHERE state = 'not_spent'",
	"UPDATE issues SET state = 'lost' WHERE state = 'issued'",
	"UPDATE issues SET state = 'lost' WHERE state = 'open'",
	"UPDATE issues SET state = 'open' WHERE state = 'lost'",
	"DELETE FROM licenses",
	"UPDATE licenses SET bytes = x'00'",
	"UPDATE licenses SET sha256 = zeroblob(32)",
	"UPDATE licenses SET state = 'active', retired_at = NULL "
	"WHERE state = 'retired'",
	"UPDATE licenses SET state = 'suspect', retired_at = NULL "
	"WHERE state = 'retired'",
	"UPDATE licenses SET reason = 'x' WHERE state = 'active'",
	"UPDATE licenses SET reason = 'x' WHERE state = 'retired'",
	"UPDATE licenses SET state = 'suspect', bytes = x'00' "
	"WHERE state = 'active'",
	"UPDATE licenses SET state = 'suspect', retired_at = 1 "
	"WHERE state = 'active'",
	"UPDATE licenses SET state = 'retired' WHERE state = 'active'",
	"DELETE FROM installs",
	"UPDATE installs SET outcome = 'done'",
	"UPDATE installs SET at = 0",
	"UPDATE slots SET slot = 9",
	"UPDATE slots SET reader = 'x'",
	"DELETE FROM uses",
	"UPDATE uses SET at = 0",
	"DELETE FROM events",
	"UPDATE events SET bytes = x'7b7d'",
	"UPDATE events SET leaf = zeroblob(32)",
	"INSERT INTO events (seq, bytes, leaf) "
	"SELECT max(seq) + 2, bytes, leaf FROM events",
	"DELETE FROM tree",
	"UPDATE tree SET size = size - 1",
};

/* Each must be refused although whoever sends it has the file in hand. */
static void
accounts_are_append_only(void **state)
{
	fixture *f = *state;
	sqlite3 *db;

	fill(f);
	db = raw_open(raw_path(f));
	for (size_t i = 0; i < HL_COUNT(never); i++) {
		const int code = raw_try(db, never[i]);

		if ((code & 0xff) != SQLITE_CONSTRAINT)
			fail_msg("%s: gives %d", never[i], code);
	}
	sqlite3_close(db);
	fx_check_clean(f);
}

#define INSERT_ISSUE(card, chip, attempt, counter)                             \
	"INSERT INTO issues SELECT NULL, randomblob(16), " chip                \
	", firmware, " card ", " attempt ", " counter                          \
	", opened_at, owner, station, operator, lot, note, use_class, "        \
	"'open', NULL, NULL, NULL, NULL, 0, '', NULL, NULL, NULL "             \
	"FROM issues WHERE state = 'open'"

#define INSERT_INSTALL(chip, firmware, license, status, outcome)               \
	"INSERT INTO installs SELECT NULL, randomblob(16), " chip              \
	", " firmware ", " license                                             \
	", at, duration_ms, programmer, image, image_sha256, " outcome         \
	", " status                                                            \
	", detail, station, operator, lot, note, use_class FROM installs"

static const struct {
	const char *why, *sql;
	int code;
} refused[] = {
	{ "one open issue a card",
	    INSERT_ISSUE(
		"card", "(SELECT id FROM chips WHERE n = 1)", "7", "5"),
	    SQLITE_CONSTRAINT_UNIQUE },
	{ "one open issue a chip and firmware",
	    INSERT_ISSUE(
		"(SELECT id FROM cards WHERE n = 2)", "chip", "7", "5"),
	    SQLITE_CONSTRAINT_UNIQUE },
	{ "each attempt once",
	    INSERT_ISSUE("(SELECT id FROM cards WHERE n = 2)",
		"(SELECT id FROM chips WHERE n = 1)", "1", "5"),
	    SQLITE_CONSTRAINT_UNIQUE },
	{ "attempts begin at 1",
	    INSERT_ISSUE("(SELECT id FROM cards WHERE n = 2)",
		"(SELECT id FROM chips WHERE n = 1)", "0", "5"),
	    SQLITE_CONSTRAINT_CHECK },
	{ "a card of that firmware",
	    INSERT_ISSUE("(SELECT id FROM cards WHERE n = 3)",
		"(SELECT id FROM chips WHERE n = 1)", "7", "5"),
	    SQLITE_CONSTRAINT_FOREIGNKEY },
	{ "a value of the counter once",
	    "UPDATE issues SET state = 'lost', closed_at = 1, "
	    "counter_after = 0, counter_read = 1, units = 1, "
	    "closed_station = '', closed_operator = '', "
	    "closed_note = '' WHERE state = 'open'; ",
	    SQLITE_CONSTRAINT_UNIQUE },
	{ "an outcome has its units",
	    "UPDATE issues SET state = 'lost', closed_at = 1, "
	    "counter_after = 0, counter_read = 1, "
	    "closed_station = '', closed_operator = '', "
	    "closed_note = '' WHERE state = 'open'",
	    SQLITE_CONSTRAINT_CHECK },
	{ "not below what was there",
	    "UPDATE issues SET state = 'lost', closed_at = 1, "
	    "counter_after = counter_before, counter_read = 1, "
	    "units = 1, closed_station = '', closed_operator = '', "
	    "closed_note = '' WHERE state = 'open'",
	    SQLITE_CONSTRAINT_CHECK },
	{ "an issue begins open",
	    "INSERT INTO issues SELECT NULL, randomblob(16), chip, "
	    "firmware, card, 9, counter_before, opened_at, owner, "
	    "station, operator, lot, note, use_class, state, "
	    "closed_at, "
	    "counter_after, counter_read, units, recovered, detail, "
	    "closed_station, closed_operator, closed_note FROM issues "
	    "WHERE state = 'not_spent'",
	    SQLITE_CONSTRAINT_TRIGGER },
	{ "a license of its own issue",
	    "INSERT INTO licenses SELECT NULL, randomblob(16), chip, "
	    "firmware, (SELECT id FROM issues WHERE state = 'lost'), "
	    "'retired', sha256, 1, 1, '', '', '', '', '', '', bytes "
	    "FROM licenses WHERE state = 'active'",
	    SQLITE_CONSTRAINT_TRIGGER },
	{ "one active license",
	    "INSERT INTO licenses SELECT NULL, randomblob(16), chip, "
	    "firmware, NULL, 'active', sha256, 1, NULL, '', '', '', "
	    "'', '', '', bytes FROM licenses WHERE state = 'active'",
	    SQLITE_CONSTRAINT_UNIQUE },
	{ "an install has a license of its own chip",
	    INSERT_INSTALL("(SELECT id FROM chips WHERE n = 1)", "firmware",
		"license", "0", "'done'"),
	    SQLITE_CONSTRAINT_TRIGGER },
	{ "and of its own firmware",
	    INSERT_INSTALL("chip", "NULL", "license", "0", "'done'"),
	    SQLITE_CONSTRAINT_TRIGGER },
	{ "its chip is known",
	    INSERT_INSTALL("randomblob(16)", "firmware", "NULL", "0", "'done'"),
	    SQLITE_CONSTRAINT_FOREIGNKEY },
	{ "its firmware is known",
	    INSERT_INSTALL("chip", "randomblob(16)", "NULL", "0", "'done'"),
	    SQLITE_CONSTRAINT_FOREIGNKEY },
	{ "an exit status",
	    INSERT_INSTALL("chip", "firmware", "license", "256", "'done'"),
	    SQLITE_CONSTRAINT_CHECK },
	{ "an outcome",
	    INSERT_INSTALL("chip", "firmware", "license", "0", "'perhaps'"),
	    SQLITE_CONSTRAINT_CHECK },
	{ "a slot has one reader",
	    "INSERT INTO slots SELECT NULL, randomblob(16), station, 'x', slot "
	    "FROM slots",
	    SQLITE_CONSTRAINT_UNIQUE },
	{ "a reader has one slot",
	    "INSERT INTO slots SELECT NULL, randomblob(16), station, reader, 2 "
	    "FROM slots",
	    SQLITE_CONSTRAINT_UNIQUE },
	{ "a variance has a class",
	    "INSERT INTO variances SELECT NULL, randomblob(16), id, 0, "
	    "'painted', 1, 0, NULL, 'x', '', '', '', '', '' FROM cards",
	    SQLITE_CONSTRAINT_CHECK },
	{ "and a reason",
	    "INSERT INTO variances SELECT NULL, randomblob(16), id, 0, "
	    "'outside', 1, 0, NULL, '', '', '', '', '', '' FROM cards",
	    SQLITE_CONSTRAINT_CHECK },
	{ "a chip has a name",
	    "INSERT INTO chips (id, first_seen, station, operator, "
	    "lot, note, use_class) VALUES (randomblob(16), 0, '', '', "
	    "'', '', '')",
	    SQLITE_CONSTRAINT_CHECK },
	{ "its certificate is there",
	    "INSERT INTO chips (id, cert_sha256, first_seen, station, "
	    "operator, lot, note, use_class) VALUES (randomblob(16), "
	    "randomblob(32), 0, '', '', '', '', '')",
	    SQLITE_CONSTRAINT_FOREIGNKEY },
	{ "text is short",
	    "UPDATE chips SET label = hex(zeroblob(129)) WHERE n = 1",
	    SQLITE_CONSTRAINT_CHECK },
	{ "types are strict", "UPDATE cards SET seen_at = 'noon'",
	    SQLITE_CONSTRAINT_DATATYPE },
};

/* The constraints that every race is decided by, and the ranges. */
static void
constraints(void **state)
{
	fixture *f = *state;
	hl_card_row card;
	sqlite3 *db;

	fill(f);
	OK(f, hl_store_card_by_label(f->s, "card 1", &card, &f->err));
	fx_card_of(f, &card.firmware, 2, 10);
	fx_card(f, 3, 10);
	db = raw_open_unguarded(raw_path(f));
	/* as if another handle had left the counter where it was */
	raw_exec(
	    db, "UPDATE issues SET counter_before = 299 WHERE state = 'open'");
	sqlite3_close(db);
	db = raw_open(raw_path(f));
	for (size_t i = 0; i < HL_COUNT(refused); i++) {
		const int code = raw_try(db, refused[i].sql);

		if (code != refused[i].code) {
			fail_msg("%s: gives %d: %s", refused[i].why, code,
			    sqlite3_errmsg(db));
		}
	}
	sqlite3_close(db);
}

/* ---- migrations --------------------------------------------------------- */

static void
from_every_version(void **state)
{
	(void)state;
	for (int v = 0; v < HL_SCHEMA_VERSION; v++) {
		const hl_store_options create = { .create = true };
		char url[256], sql[64];
		uint8_t sha256[HL_SHA256_LEN];
		hl_store_info info;
		fixture f = { .s = NULL };
		sqlite3 *db;

		factory->make(url, sizeof(url));
		db = raw_open(url + strlen("sqlite:"));
		for (int i = 0; i < v; i++)
			raw_exec(db, hl_migrations[i].sql);
		snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", v);
		if (v > 0) { /* else the file stays empty */
			raw_exec(db, sql);
			raw_exec(db,
			    "INSERT INTO meta (one, id, origin, "
			    "created_at, last_time) VALUES (1, "
			    "randomblob(16), 'x', 0, 0)");
		}
		sqlite3_close(db);
		OK(&f, hl_store_open(&f.s, url, &create, &f.err));
		OK(&f, hl_store_info_get(f.s, &info, &f.err));
		assert_int_equal(info.schema, HL_SCHEMA_VERSION);
		OK(&f, hl_schema_hash(f.s, sha256, &f.err));
		assert_memory_equal(sha256, hl_schema_sha256, sizeof(sha256));
		fx_check_clean(&f);
		hl_store_close(&f.s);
		factory->drop(url);
	}
}

/* ---- somebody was at it ------------------------------------------------- */

/* Objects of names that SQLite keeps for itself. */
#define HIDDEN(type, name, on, sql)                                            \
	"PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES "       \
	"('" type "', '" name "', '" on "', 0, '" sql "')"
#define RENAMED(from, to, sql)                                                 \
	"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET name = '" to    \
	"', tbl_name = '" to "', sql = '" sql "' WHERE name = '" from "'"

static void
altered_schema(void **state)
{
	static const struct {
		const char *sql, *says;
	} altered[] = {
		{ "CREATE TRIGGER evil AFTER INSERT ON uses BEGIN "
		  "DELETE FROM slots; END",
		    "trigger \"evil\" is not ours" },
		{ "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = "
		  "sql || char(0) || 'kept here' WHERE name = 'uses_kept'",
		    "trigger \"uses_kept\" is not as we made it" },
		{ "CREATE VIEW zz AS SELECT 1", "view \"zz\" is not ours" },
		{ "CREATE TABLE mine (a)", "table \"mine\" is not ours" },
		{ "DROP TRIGGER issues_kept",
		    "trigger \"issues_kept\" is missing" },
		{ "DROP INDEX issues_spent",
		    "index \"issues_spent\" is missing" },
		{ "DROP INDEX issues_spent; CREATE INDEX issues_spent ON "
		  "issues (card, counter_before) WHERE units = 1",
		    "index \"issues_spent\" is not as we made it" },
		{ "ALTER TABLE uses ADD COLUMN more INTEGER",
		    "table \"uses\" is not as we made it" },
		{ HIDDEN("trigger", "sqlite_stat1", "uses",
		      "CREATE TRIGGER sqlite_stat1 BEFORE INSERT ON uses "
		      "BEGIN SELECT RAISE(IGNORE); END"),
		    "trigger \"sqlite_stat1\" is not ours" },
		{ HIDDEN("trigger", "sqlite_stat9", "uses",
		      "CREATE TRIGGER sqlite_stat9 AFTER INSERT ON uses "
		      "BEGIN UPDATE chips SET label = x; END"),
		    "trigger \"sqlite_stat9\" is not ours" },
		{ HIDDEN("view", "sqlite_stat4", "sqlite_stat4",
		      "CREATE VIEW sqlite_stat4 AS SELECT * FROM uses"),
		    "view \"sqlite_stat4\" is not ours" },
		{ "CREATE TABLE more (x); " RENAMED(
		      "more", "sqlite_stat2", "CREATE TABLE sqlite_stat2 (x)"),
		    "table \"sqlite_stat2\" is not ours" },
		{ "CREATE TABLE more (x); " RENAMED(
		      "more", "sqlite_stat1", "CREATE TABLE sqlite_stat1 (x)"),
		    "table \"sqlite_stat1\" is not ours" },
	};
	(void)state;
	for (size_t i = 0; i < HL_COUNT(altered); i++) {
		void *each = NULL;
		sqlite3 *db;
		fixture *f;

		assert_int_equal(fx_setup(&each), 0);
		f = each;
		hl_store_close(&f->s);
		db = raw_open(raw_path(f));
		raw_exec(db, altered[i].sql);
		sqlite3_close(db);
		assert_int_equal(
		    hl_store_open(&f->s, f->url, NULL, &f->err), HL_ESTORE);
		assert_null(f->s);
		if (strstr(f->err.why, altered[i].says) == NULL)
			fail_msg("%s: %s", altered[i].sql, f->err.why);
		fx_teardown(&each);
	}
}

/* Statistics are nobody's harm. */
static void
analyzed_store_opens(void **state)
{
	fixture *f = *state;

	fill(f);
	raw_tamper(f, "ANALYZE");
	fx_check_clean(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RAW_TEST(constant_is_up_to_date),
		RAW_TEST(every_table_is_strict),
		RAW_TEST(accounts_are_append_only),
		RAW_TEST(constraints),
		cmocka_unit_test(from_every_version),
		cmocka_unit_test(altered_schema),
		RAW_TEST(analyzed_store_opens),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
