/* SPDX-License-Identifier: Apache-2.0 */
/* Every contradiction that a check must find, made by hand. */
#include <stdio.h>
#include <stdlib.h>

#include "store/conform.h"
#include "store/raw.h"

static const char *const healthy = "";

typedef struct filled {
	hl_card_row card;
	hl_chip chip;
	hl_license lic;
} filled;

static void
install(fixture *f, const hl_chip *chip, const hl_license *lic)
{
	hl_install in = fx_install(f, chip, HL_INSTALL_DONE);

	in.license = lic->id;
	in.firmware = lic->firmware;
	OK(f, hl_store_install_add(f->s, &in, &f->err));
}

/* Card 300 -> 295: issued, lost, issued; two outside; one not spent. */
static filled
fill(fixture *f)
{
	static const struct {
		hl_issue_state state;
		uint32_t before, after;
	} steps[] = {
		{ HL_ISSUE_ISSUED, 300, 299 },
		{ HL_ISSUE_LOST, 297, 296 },
		{ HL_ISSUE_NOT_SPENT, 296, 296 },
		{ HL_ISSUE_ISSUED, 296, 295 },
	};
	filled all = { .card = fx_card(f, 1, 300) };

	for (unsigned i = 0; i < HL_COUNT(steps); i++) {
		hl_outcome o;
		hl_issue one;

		all.chip = fx_chip(f, i == 0 ? 0 : 1);
		one = fx_open(f, &all.chip, &all.card, steps[i].before);
		o = fx_outcome(f, &one, steps[i].state, steps[i].after, i);
		OK(f, hl_store_intent_close(f->s, &o, &all.lic, &f->err));
		if (i == 0)
			install(f, &all.chip, &all.lic);
	}
	OK(f, hl_store_slot_put(f->s, "desk", "A", 1, &f->actor, &f->err));
	OK(f, hl_store_slot_put(f->s, "desk", "B", 2, &f->actor, &f->err));
	return all;
}

static const struct {
	const char *sql;
	const char *says; /* each a part of one finding */
} tampered_rows[] = {
	{ "SELECT 1", healthy },
	{ "UPDATE cards SET last_counter = 294",
	    "its counter went down by 6, but its issues spent 3 and "
	    "its readings show 2 outside" },
	{ "UPDATE cards SET last_counter = 294",
	    "leave 295, but 294 is recorded as left" },
	{ "UPDATE cards SET first_counter = 301",
	    "its first reading is missing" },
	{ "UPDATE issues SET units = 0 WHERE state = 'lost'",
	    "its issues spent 2" },
	{ "DELETE FROM issues WHERE state = 'not_spent'", "are not 1 to 2" },
	{ "DELETE FROM issues WHERE state = 'not_spent'",
	    "refers to a row of issues that is not there" },
	{ "DELETE FROM licenses WHERE n = 1",
	    "it is issued, but its license is not there" },
	{ "UPDATE licenses SET issue = (SELECT id FROM issues "
	  "WHERE state = 'lost') WHERE n = 1",
	    "made no license" },
	{ "UPDATE licenses SET chip = (SELECT id FROM chips "
	  "WHERE n = 2), state = 'retired', retired_at = 1 "
	  "WHERE n = 1",
	    "its issue is another chip's" },
	{ "UPDATE licenses SET bytes = zeroblob(136) WHERE n = 2",
	    "its bytes do not match their SHA-256" },
	{ "UPDATE licenses SET sha256 = zeroblob(32) WHERE n = 2",
	    "its bytes do not match their SHA-256" },
	{ "UPDATE certificates SET bytes = x'00' WHERE n = 1", "certificate " },
	{ "UPDATE card_readings SET counter = 298, "
	  "units_outside = 1 WHERE n = 3",
	    "the reading after its request is missing or is not "
	    "299" },
	{ "DELETE FROM card_readings WHERE kind = 'before' AND "
	  "counter = 297",
	    "the reading before its request is missing or is not "
	    "297" },
	{ "UPDATE card_readings SET expected = 300, "
	  "units_outside = 3 WHERE counter = 297 AND "
	  "kind = 'before'",
	    "expects 300, but the ones before it leave 299" },
	{ "DELETE FROM card_readings WHERE kind = 'first'",
	    "its first reading is missing" },
	{ "UPDATE issues SET chip = randomblob(16) WHERE n = 1",
	    "table issues, row 1: refers to a row of chips" },
	{ "UPDATE installs SET chip = (SELECT id FROM chips WHERE n = 2)",
	    "its license is for another chip or firmware" },
	{ "UPDATE installs SET firmware = NULL",
	    "its license is for another chip or firmware" },
	{ "UPDATE installs SET license = randomblob(16)",
	    "table installs, row 1: refers to a row of licenses" },
	{ "DELETE FROM meta", "it has 0 identities, not one" },
};

static void
finds(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(tampered_rows); i++) {
		void *each = NULL;
		char text[4096];
		uint64_t n;
		fixture *f;

		assert_int_equal(fx_setup(&each), 0);
		f = each;
		fill(f);
		raw_tamper(f, tampered_rows[i].sql);
		n = fx_findings(f, text, sizeof(text));
		if (strstr(text, tampered_rows[i].says) == NULL ||
		    (n == 0) != (tampered_rows[i].says == healthy)) {
			fail_msg("%s: %llu findings: %s", tampered_rows[i].sql,
			    (unsigned long long)n, text);
		}
		fx_teardown(&each);
	}
}

/* What the unique indexes keep apart, found when they are damaged too. */
static void
finds_without_the_indexes(void **state)
{
	static const struct {
		const char *sql, *says;
	} tampered[] = {
		{ "DROP INDEX issues_spent; UPDATE issues SET "
		  "counter_before = 300 WHERE state = 'lost'",
		    "counter value 300 was spent by 2 issues" },
		{ "DROP INDEX licenses_active; INSERT INTO licenses SELECT "
		  "NULL, randomblob(16), chip, firmware, NULL, 'active', "
		  "sha256, 1, NULL, '', '', '', '', '', '', bytes FROM "
		  "licenses WHERE n = 1",
		    ": 2 licenses for firmware " },
		{ "DROP INDEX issues_open_card; UPDATE issues SET "
		  "state = 'open' WHERE n < 3",
		    ": 2 issues are open on it" },
	};
	(void)state;
	for (size_t i = 0; i < HL_COUNT(tampered); i++) {
		void *each = NULL;
		char text[4096];
		sqlite3 *db;
		fixture *f;

		assert_int_equal(fx_setup(&each), 0);
		f = each;
		fill(f);
		/* under an open handle: a new one would refuse the schema */
		db = raw_open_unguarded(raw_path(f));
		raw_exec(db, tampered[i].sql);
		sqlite3_close(db);
		fx_findings(f, text, sizeof(text));
		if (strstr(text, tampered[i].says) == NULL)
			fail_msg("%s: %s", tampered[i].sql, text);
		fx_teardown(&each);
	}
}

/* The bytes of the oldest entry end where its page ends. */
static void
finds_an_index_that_lies(void **state)
{
	fixture *f = *state;
	const filled all = fill(f);
	char text[1024];
	long page;

	OK(f,
	    hl_store_license_use(
		f->s, &all.lic.id, "store", &f->actor, &f->err));
	hl_store_close(&f->s);
	page = raw_root_page(raw_path(f), "uses_license");
	raw_poke(raw_path(f), page * 4096 - 8, "X", 1);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	fx_findings(f, text, sizeof(text));
	if (strstr(text, "missing from index uses_license") == NULL)
		fail_msg("%s", text);
}

/* SQLite tells of all of them in one text. */
static void
finds_each_page_that_is_damaged(void **state)
{
	fixture *f = *state;
	char text[8192] = "", sql[128];
	const char *at = text;
	uint64_t n;
	sqlite3 *db;
	long page;
	unsigned damaged = 0;

	fill(f);
	hl_store_close(&f->s);
	for (unsigned i = 0; i < 30; i++) {
		snprintf(sql, sizeof(sql),
		    "SELECT rootpage FROM sqlite_schema WHERE rootpage > 1 "
		    "ORDER BY 1 LIMIT 1 OFFSET %u",
		    i);
		db = raw_open(raw_path(f));
		page = (long)raw_int(db, sql);
		sqlite3_close(db);
		/* sqlite.org/fileformat2.html, 1.6: fragmented free bytes */
		raw_poke(raw_path(f), (page - 1) * 4096 + 7, "\x3b", 1);
	}
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	n = fx_findings(f, text, sizeof(text));
	for (; (at = strstr(at, "file: ")) != NULL; at++)
		damaged++;
	assert_true(strlen(text) > 1024);
	assert_int_equal(damaged, 30);
	assert_true(n >= damaged);
	assert_null(strstr(text, "***"));
}

/* Bytes that changed on the disk are never handed out. */
static void
tampered_license(void **state)
{
	fixture *f = *state;
	const filled all = fill(f);
	uint8_t bytes[HL_LICENSE_MAX] = { 0x77 };
	char text[1024], id[HL_UUID_TEXT];
	size_t n = 5;

	raw_tamper(f,
	    "UPDATE licenses SET bytes = CAST(substr(bytes, 1, 99) || "
	    "x'00' || substr(bytes, 101) AS BLOB) WHERE n = 2");
	EXPECT(f, HL_EINTEGRITY,
	    hl_store_license_bytes(f->s, &all.lic.id, bytes, &n, &f->err));
	assert_int_equal(n, 5);
	assert_int_equal(bytes[0], 0x77);
	assert_int_equal(fx_findings(f, text, sizeof(text)), 1);
	hl_uuid_text(&all.lic.id, id);
	assert_non_null(strstr(text, id));
}

static void
tampered_certificate(void **state)
{
	fixture *f = *state;
	const filled all = fill(f);
	hl_cert cert;

	raw_tamper(f,
	    "UPDATE certificates SET bytes = "
	    "CAST(substr(bytes, 1, 135) || x'00' AS BLOB)");
	EXPECT(f, HL_EINTEGRITY,
	    hl_store_chip_cert(f->s, &all.chip.id, &cert, &f->err));
}

/* Values that cannot be are a damaged store, not a crash. */
static void
impossible_values(void **state)
{
	static const char *const sql[] = {
		"UPDATE licenses SET state = 'lent'",
		"UPDATE licenses SET id = x'00' WHERE n = 2",
		"UPDATE licenses SET bytes = zeroblob(5000)",
		"UPDATE licenses SET bytes = x''",
		"UPDATE licenses SET sha256 = x'00'",
		"UPDATE licenses SET reason = 'a' || char(0) || 'b'",
		"UPDATE chips SET uid = zeroblob(17) WHERE n = 2",
		"UPDATE licenses SET reason = hex(zeroblob(200))",
	};
	(void)state;
	for (size_t i = 0; i < HL_COUNT(sql); i++) {
		const hl_license_filter filter = { .all_states = true };
		void *each = NULL;
		hl_license lic;
		filled all;
		fixture *f;

		assert_int_equal(fx_setup(&each), 0);
		f = each;
		all = fill(f);
		raw_tamper(f, sql[i]);
		if (hl_store_license_find(f->s, &all.chip.id,
			&all.card.firmware, &lic, &f->err) == HL_OK)
			fail_msg("%s: not seen", sql[i]);
		assert_true(hl_store_license_list(f->s, &filter, NULL, NULL,
				&f->err) == HL_ESTORE);
		fx_teardown(&each);
	}
}

static void
take_text(void *arg, const char *text)
{
	char *all = arg;

	strcat(strcat(all, text), "\n");
}

/* Of a size or a range that nothing of ours has: the check goes on. */
static void
values_of_other_sizes(void **state)
{
	static const struct {
		const char *sql, *says;
	} ways[] = {
		{ "UPDATE licenses SET sha256 = x'00' WHERE n = 1",
		    "licenses row 1: its ID, its SHA-256" },
		{ "UPDATE licenses SET id = x'00' WHERE n = 1",
		    "licenses row 1: its ID, its SHA-256" },
		{ "UPDATE licenses SET bytes = zeroblob(5000) WHERE n = 1",
		    "licenses row 1: its ID, its SHA-256" },
		{ "UPDATE certificates SET sha256 = x'00' WHERE n = 1",
		    "certificates row 1: its ID, its SHA-256" },
		{ "UPDATE card_readings SET counter = -5 WHERE n = 2",
		    "table card_readings, row 2: a value in it" },
	};
	(void)state;
	for (size_t i = 0; i < HL_COUNT(ways); i++) {
		static char all[65536];
		void *each = NULL;
		uint64_t n = 0;
		fixture *f;

		assert_int_equal(fx_setup(&each), 0);
		f = each;
		(void)fill(f);
		raw_tamper(f, ways[i].sql);
		all[0] = '\0';
		OK(f, hl_store_check(f->s, take_text, all, &n, &f->err));
		if (strstr(all, ways[i].says) == NULL)
			fail_msg("%s: %s", ways[i].sql, all);
		fx_teardown(&each);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(finds_without_the_indexes),
		RAW_TEST(finds_an_index_that_lies),
		RAW_TEST(finds_each_page_that_is_damaged),
		RAW_TEST(tampered_license),
		RAW_TEST(tampered_certificate),
		cmocka_unit_test(impossible_values),
		cmocka_unit_test(values_of_other_sizes),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
