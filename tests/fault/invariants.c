/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges a store and its software cards, with none of the product's code for
 * the store: what must hold after anything that can happen.
 *
 *   invariants [--open-ok] STORE CARD[=LABEL]...
 *
 * A card whose serial number the store does not know, because its vendor's
 * program does not tell it, is the one without a serial number that has LABEL,
 * or its firmware identifier for a label.
 *
 * Every sentence on stdout is a breach; exit 1 when there is one.
 */
#include <inttypes.h>
#include <openssl/sha.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card/softcard.h"

static unsigned breaches;

static void HL_PRINTF(1, 2) breach(const char *fmt, ...)
{
	va_list ap;

	breaches++;
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
}

static sqlite3_stmt *
prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) {
		(void)fprintf(stderr, "invariants: %s\n", sqlite3_errmsg(db));
		exit(2);
	}
	return s;
}

/* The query lists what is wrong, one sentence a row. */
static void
none(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s = prepare(db, sql);
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		breach("%s", (const char *)sqlite3_column_text(s, 0));
	if (rc != SQLITE_DONE)
		breach("query failed: %s", sqlite3_errmsg(db));
	(void)sqlite3_finalize(s);
}

static void
check_integrity(sqlite3 *db)
{
	none(db,
	    "SELECT 'integrity: ' || integrity_check"
	    " FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
	none(db,
	    "SELECT 'foreign key broken in ' || \"table\""
	    " FROM pragma_foreign_key_check");
}

static void
check_licenses(sqlite3 *db)
{
	sqlite3_stmt *s = prepare(db,
	    "SELECT hex(id), bytes, sha256"
	    " FROM licenses");
	unsigned char hash[SHA256_DIGEST_LENGTH];

	while (sqlite3_step(s) == SQLITE_ROW) {
		(void)SHA256(sqlite3_column_blob(s, 1),
		    (size_t)sqlite3_column_bytes(s, 1), hash);
		if (sqlite3_column_bytes(s, 2) != sizeof(hash) ||
		    memcmp(hash, sqlite3_column_blob(s, 2), sizeof(hash)) != 0)
			breach("license %s does not match its hash",
			    (const char *)sqlite3_column_text(s, 0));
	}
	(void)sqlite3_finalize(s);
	none(db,
	    "SELECT 'two active licenses for chip ' || hex(chip)"
	    " FROM licenses WHERE state = 'active'"
	    " GROUP BY chip, firmware HAVING count(*) > 1");
	none(db,
	    "SELECT 'issue ' || hex(id) || ' is issued without a license'"
	    " FROM issues WHERE state = 'issued' AND NOT EXISTS"
	    " (SELECT 1 FROM licenses WHERE issue = issues.id)");
	/* Two units for one chip and firmware, and neither loss nor retirement
	 * that accounts for the first. */
	none(db,
	    "SELECT 'chip ' || hex(chip) || ' was issued twice'"
	    " FROM issues WHERE state = 'issued' AND NOT EXISTS"
	    " (SELECT 1 FROM licenses l WHERE l.issue = issues.id"
	    "  AND l.state = 'retired')"
	    " GROUP BY chip, firmware HAVING count(*) > 1");
}

static void
check_open(sqlite3 *db)
{
	none(db,
	    "SELECT 'issue ' || hex(id) || ' is open' FROM issues"
	    " WHERE state = 'open'");
}

/* provisioned = left + issued + lost + outside, by the card's own word. */
static void
check_card(sqlite3 *db, char *path)
{
	char *label = strchr(path, '=');
	hl_card_info info;
	hl_err err = { 0 };
	sqlite3_stmt *s;
	int64_t first, units, outside;

	if (label != NULL)
		*label++ = '\0';
	if (hl_softcard_peek(path, &info, &err) != HL_OK) {
		breach("card %s: %s", path, err.why);
		return;
	}
	s = prepare(db,
	    "SELECT first_counter, (SELECT ifnull(sum(units), 0) FROM issues"
	    " WHERE card = c.id), (SELECT ifnull(sum(units_outside), 0)"
	    " FROM card_readings WHERE card = c.id)"
	    " FROM cards c WHERE serial = ?1"
	    " OR (serial IS NULL AND label = ?2)");
	(void)sqlite3_bind_text(s, 1, info.serial, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(
	    s, 2, label != NULL ? label : info.firmware_id, -1, SQLITE_STATIC);
	if (sqlite3_step(s) != SQLITE_ROW) {
		if (info.counter != info.capacity)
			breach("card %s is not known, but %" PRIu32
			       " units left it",
			    info.serial, info.capacity - info.counter);
	} else {
		first = sqlite3_column_int64(s, 0);
		units = sqlite3_column_int64(s, 1);
		outside = sqlite3_column_int64(s, 2);
		if (first != info.capacity ||
		    first - info.counter != units + outside)
			breach("card %s: %" PRId64 " provisioned, %" PRIu32
			       " left, but %" PRId64
			       " issued or lost and %" PRId64 " outside",
			    info.serial, first, info.counter, units, outside);
	}
	(void)sqlite3_finalize(s);
}

int
main(int argc, char **argv)
{
	bool open_ok = argc > 1 && strcmp(argv[1], "--open-ok") == 0;
	sqlite3 *db;

	argv += open_ok ? 2 : 1;
	if (argv[0] == NULL) {
		(void)fprintf(stderr, "usage: invariants STORE CARD...\n");
		return 2;
	}
	if (sqlite3_open_v2(argv[0], &db, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK) {
		(void)fprintf(stderr, "invariants: %s: %s\n", argv[0],
		    sqlite3_errmsg(db));
		return 2;
	}
	(void)sqlite3_busy_timeout(db, 10000);
	check_integrity(db);
	check_licenses(db);
	if (!open_ok)
		check_open(db);
	while (*++argv != NULL)
		check_card(db, *argv);
	(void)sqlite3_close(db);
	return breaches == 0 ? 0 : 1;
}
