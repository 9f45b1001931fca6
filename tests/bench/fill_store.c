/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill-store STORE N FIRMWARE SAMPLE
 *
 * Makes a store with one firmware and N chips, each with an imported license.
 * The calls of the store layer are durable one by one, which is too slow for a
 * million, so the rows go in through its own transactions, many in each, with
 * their events, and every constraint and trigger in force. Prints the UIDs of
 * SAMPLE chips drawn at random. A crash while filling leaves a useless file.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "samples.h"
#include "store/sqlite/log.h"
#include "util/clock.h"

enum { ROWS_A_COMMIT = 50000, ROWS_MAX = 100000000, SAMPLE_MAX = 1000000 };

/* The base point of P-256 (FIPS 186-4, D.1.2.3): a key that is on the curve. */
static const uint8_t base_point[64] = { 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c,
	0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03,
	0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98,
	0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7,
	0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
	0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5 };

static const char product_id[] = "45001000";

enum { PUT_CERT, PUT_CHIP, PUT_LICENSE, PUTS };

static const char *const put_sql[PUTS] = {
	"INSERT INTO certificates (sha256, product_id, bytes) "
	"VALUES (?1, ?2, ?3)",

	"INSERT INTO chips (id, uid, cert_sha256, first_seen, station, "
	"operator, lot, note, use_class) "
	"VALUES (?1, ?2, ?3, ?4, 'bench', 'bench', '', '', '')",

	"INSERT INTO licenses (id, chip, firmware, issue, state, sha256, "
	"added_at, reason, station, operator, lot, note, use_class, bytes) "
	"VALUES (?1, ?2, ?3, NULL, 'active', ?4, ?5, '', 'bench', 'bench', "
	"'', '', '', ?6)",
};

struct fill {
	const char *path;
	hl_firmware firmware;
	hl_store *store;
	sqlite3 *db; /* of the store */
	sqlite3_stmt *put[PUTS];
};

static const hl_actor actor = { .station = "bench", .operator_ = "bench" };

static void
give_up(const char *what, const char *why)
{
	(void)fprintf(stderr, "fill-store: %s: %s\n", what, why);
	exit(1);
}

static void
need(hl_rc rc, const hl_err *err)
{
	if (rc != HL_OK)
		give_up(err->what, err->why);
}

static void
need_sql(const struct fill *f, int code)
{
	if (code != SQLITE_OK && code != SQLITE_DONE)
		give_up(f->path, sqlite3_errmsg(f->db));
}

/* ---- contents ------------------------------------------------------------ */

/* splitmix64 (Steele, Lea, Flood): one to one, so no value comes twice. */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/* The same for the same row and field, and unlike those of all others. */
static void
fill_bytes(uint8_t *to, size_t n, uint64_t row, uint64_t field)
{
	for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
		const uint64_t v = mix(mix(row) ^ mix(field << 32 | i));
		const size_t left = n - i;

		memcpy(to + i, &v, left < sizeof(v) ? left : sizeof(v));
	}
}

static hl_uid
uid_of(uint64_t row)
{
	hl_uid uid = { .n = HL_UID_STM32 };
	const uint64_t first = mix(row);

	memcpy(uid.b, &first, sizeof(first)); /* unique by itself */
	fill_bytes(uid.b + sizeof(first), uid.n - sizeof(first), row, 1);
	return uid;
}

static hl_uuid
uuid_of(uint64_t row, uint64_t field)
{
	hl_uuid u;

	fill_bytes(u.b, sizeof(u.b), row, field);
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x40); /* RFC 9562, version 4 */
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
	return u;
}

/* ---- rows ---------------------------------------------------------------- */

static void
put_blob(struct fill *f, int put, int at, const void *p, size_t n)
{
	need_sql(f, sqlite3_bind_blob64(f->put[put], at, p, n, SQLITE_STATIC));
}

static void
put_row(struct fill *f, int put)
{
	need_sql(f, sqlite3_step(f->put[put]));
	need_sql(f, sqlite3_reset(f->put[put]));
}

static void
tell(struct fill *f, const char *kind)
{
	hl_err err = { 0 };

	need(hl_log_event(f->store, kind, &actor, NULL, 0, &err), &err);
}

static void
put_cert(struct fill *f, uint64_t row, uint8_t sha256[HL_SHA256_LEN])
{
	uint8_t cert[HL_CERT_STM32];
	hl_err err = { 0 };

	memcpy(cert, product_id, HL_CERT_KEY_AT);
	memcpy(cert + HL_CERT_KEY_AT, base_point, sizeof(base_point));
	fill_bytes(
	    cert + HL_CERT_SIG_AT, HL_CERT_STM32 - HL_CERT_SIG_AT, row, 2);
	need(hl_sha256(cert, sizeof(cert), sha256, &err), &err);
	put_blob(f, PUT_CERT, 1, sha256, HL_SHA256_LEN);
	need_sql(f,
	    sqlite3_bind_text(
		f->put[PUT_CERT], 2, product_id, -1, SQLITE_STATIC));
	put_blob(f, PUT_CERT, 3, cert, sizeof(cert));
	put_row(f, PUT_CERT);
}

static void
put_license(struct fill *f, uint64_t row, const hl_uuid *chip)
{
	uint8_t bytes[HL_LICENSE_OLC], sha256[HL_SHA256_LEN];
	const hl_uuid id = uuid_of(row, 4);
	hl_err err = { 0 };

	fill_bytes(bytes, sizeof(bytes), row, 5);
	need(hl_sha256(bytes, sizeof(bytes), sha256, &err), &err);
	put_blob(f, PUT_LICENSE, 1, id.b, sizeof(id.b));
	put_blob(f, PUT_LICENSE, 2, chip->b, sizeof(chip->b));
	put_blob(f, PUT_LICENSE, 3, f->firmware.id.b, sizeof(hl_uuid));
	put_blob(f, PUT_LICENSE, 4, sha256, sizeof(sha256));
	need_sql(f, sqlite3_bind_int64(f->put[PUT_LICENSE], 5, f->store->now));
	put_blob(f, PUT_LICENSE, 6, bytes, sizeof(bytes));
	put_row(f, PUT_LICENSE);
	tell(f, "license.imported");
}

static void
put_chip(struct fill *f, uint64_t row)
{
	const hl_uuid id = uuid_of(row, 3);
	const hl_uid uid = uid_of(row);
	uint8_t sha256[HL_SHA256_LEN];

	put_cert(f, row, sha256);
	put_blob(f, PUT_CHIP, 1, id.b, sizeof(id.b));
	put_blob(f, PUT_CHIP, 2, uid.b, uid.n);
	put_blob(f, PUT_CHIP, 3, sha256, sizeof(sha256));
	need_sql(f, sqlite3_bind_int64(f->put[PUT_CHIP], 4, f->store->now));
	put_row(f, PUT_CHIP);
	tell(f, "chip.seen");
	put_license(f, row, &id);
}

/* ---- the store ----------------------------------------------------------- */

static void
make_store(struct fill *f, const char *firmware)
{
	const hl_store_options opt = { .create = true, .must_create = true };
	hl_err err = { 0 };

	need(hl_store_open(&f->store, f->path, &opt, &err), &err);
	f->db = f->store->db;
	need(hl_uuid_new(&f->firmware.id, &err), &err);
	(void)hl_text_copy(
	    f->firmware.name, sizeof(f->firmware.name), firmware);
	(void)hl_text_copy(
	    f->firmware.identifier, sizeof(f->firmware.identifier), firmware);
	(void)hl_text_copy(f->firmware.type, sizeof(f->firmware.type), "SFI");
	need(hl_store_firmware_add(f->store, &f->firmware, &actor, &err), &err);
}

static void
fill_rows(struct fill *f, uint64_t n)
{
	hl_err err = { 0 };

	for (uint64_t row = 0; row < n; row++) {
		if (row % ROWS_A_COMMIT == 0)
			need(hl_tx_begin(f->store, "fill it", &err), &err);
		put_chip(f, row);
		if (row + 1 == n || (row + 1) % ROWS_A_COMMIT == 0)
			need(hl_tx_end(f->store, HL_OK, &err), &err);
	}
}

static void
fill_through_sqlite(struct fill *f, uint64_t n)
{
	need_sql(f,
	    sqlite3_exec(f->db,
		"PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; "
		"PRAGMA cache_size = -2000000",
		NULL, NULL, NULL));
	for (int i = 0; i < PUTS; i++) {
		need_sql(f,
		    sqlite3_prepare_v2(
			f->db, put_sql[i], -1, &f->put[i], NULL));
	}
	fill_rows(f, n);
	for (int i = 0; i < PUTS; i++)
		(void)sqlite3_finalize(f->put[i]);
	hl_store_close(&f->store);
}

/* Else the first measured commit would pay for the filling. */
static void
sync_file(const char *path)
{
	const int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		give_up(path, "cannot be synced");
	(void)close(fd);
}

int
main(int argc, char **argv)
{
	static struct fill f;
	char text[HL_UID_TEXT];
	size_t n, sample;

	if (argc != 5) {
		(void)fputs(
		    "usage: fill-store STORE N FIRMWARE SAMPLE\n", stderr);
		return 2;
	}
	f.path = argv[1];
	n = samples_count(argv[2], ROWS_MAX);
	sample = samples_count(argv[4], SAMPLE_MAX);
	make_store(&f, argv[3]);
	fill_through_sqlite(&f, n);
	sync_file(f.path);
	for (size_t i = 0; i < sample; i++) {
		const hl_uid uid = uid_of(mix(~(uint64_t)i) % n);

		hl_uid_text(&uid, text);
		(void)puts(text);
	}
	return 0;
}
