/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/schema.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/hash.h"
#include "store/sqlite/log.h"
#include "store/sqlite/migrations.h"
#include "util/buf.h"

/*
 * Of the text that the migrations leave behind. It saves running them at every
 * open; when it does not match, they are run and decide. A test compares.
 */
const uint8_t hl_schema_sha256[HL_SHA256_LEN] = { 0xd3, 0x16, 0xbf, 0xf8, 0x62,
	0xec, 0x5a, 0xf4, 0x4c, 0x82, 0x71, 0x85, 0x21, 0x04, 0x4a, 0x44, 0xd4,
	0xd0, 0xcf, 0xd4, 0x8a, 0x66, 0xe4, 0x6f, 0x36, 0x29, 0xee, 0xc7, 0x50,
	0xc8, 0x17, 0xf8 };

#define SCHEMA_SELECT                                                          \
	"SELECT type, name, coalesce(sql, '') FROM sqlite_schema "             \
	"WHERE NOT " HL_SCHEMA_STATISTICS " ORDER BY type, name"

/* ---- what it is --------------------------------------------------------- */

static hl_rc
pragma_int(hl_store *s, const char *sql, int64_t *v, hl_err *err)
{
	hl_q q = hl_q_new(s, sql);

	if (hl_q_row(&q))
		*v = hl_q_get_int(&q);
	return hl_q_end(&q, err);
}

/* SQLite takes a file of a few bytes for an empty one; it is somebody's. */
static bool
has_bytes(const hl_store *s)
{
	struct stat st;

	return stat(s->path, &st) != 0 || st.st_size > 0;
}

static hl_rc
judge(hl_store *s, int64_t app, int64_t version, int64_t objects, hl_err *err)
{
	if (app == 0 && version == 0 && objects == 0 && !has_bytes(s))
		return HL_OK;
	if (app != HL_APPLICATION_ID) {
		return hl_db_fail(s, HL_ESTORE, err, "check the path",
		    "it is not a store: a file of another program "
		    "(application ID %08llx)",
		    (unsigned long long)app & UINT32_MAX);
	}
	if (version > HL_SCHEMA_VERSION) {
		return hl_db_fail(s, HL_ESTORE, err,
		    "use that version of hsmlic, or a newer one",
		    "it was made by a newer hsmlic: its schema is %lld, this "
		    "program knows up to %d",
		    (long long)version, HL_SCHEMA_VERSION);
	}
	if (version < 1) {
		return hl_db_fail(s, HL_ESTORE, err,
		    "keep this file, and restore the newest backup",
		    "it is damaged: its schema version is %lld",
		    (long long)version);
	}
	return HL_OK;
}

static hl_rc
identify(hl_store *s, int *version, hl_err *err)
{
	int64_t app = 0, v = 0, objects = 0;
	hl_rc rc;

	rc = pragma_int(s, "PRAGMA application_id", &app, err);
	if (rc == HL_OK)
		rc = pragma_int(s, "PRAGMA user_version", &v, err);
	if (rc == HL_OK) {
		rc = pragma_int(
		    s, "SELECT count(*) FROM sqlite_schema", &objects, err);
	}
	if (rc == HL_OK)
		rc = judge(s, app, v, objects, err);
	if (rc == HL_OK)
		*version = (int)v;
	return rc;
}

hl_rc
hl_schema_identify(hl_store *s, int *version, hl_err *err)
{
	hl_rc rc, rc2;

	/* one moment for all: somebody may be making it just now (and writes
	 * not a byte of the file while this lock is held) */
	if ((rc = hl_db_exec(s, "BEGIN", err)) != HL_OK)
		return rc;
	rc = identify(s, version, err);
	rc2 = hl_db_exec(s, "COMMIT", rc == HL_OK ? err : NULL);
	return rc != HL_OK ? rc : rc2;
}

/* ---- migrations --------------------------------------------------------- */

static hl_rc
insert_meta(hl_store *s, hl_err *err)
{
	char text[HL_UUID_TEXT];
	hl_text origin;
	hl_uuid id;
	hl_rc rc;
	hl_q q;

	if ((rc = hl_uuid_new(&id, err)) != HL_OK)
		return rc;
	hl_uuid_text(&id, text);
	if (s->origin == NULL)
		snprintf(origin, sizeof(origin), "hsmlic.invalid/%s", text);
	else
		hl_text_copy(origin, sizeof(origin), s->origin);
	q = hl_q_new(s,
	    "INSERT INTO meta (one, id, origin, created_at, last_time) "
	    "VALUES (1, ?1, ?2, ?3, ?3)");
	hl_q_uuid(&q, &id);
	hl_q_text(&q, origin);
	hl_q_int(&q, s->now);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	return hl_log_event(s, "store.created", NULL, NULL, 0, err);
}

static hl_rc compare_with_model(hl_store *s, int version, hl_err *err);

static hl_rc
migrate_in_tx(hl_store *s, hl_err *err)
{
	char sql[64];
	int version;
	hl_rc rc;

	if ((rc = identify(s, &version, err)) != HL_OK)
		return rc;
	if (version == HL_SCHEMA_VERSION)
		return HL_OK; /* somebody was faster */
	/* what somebody changed must not get lost among our changes */
	if (version > 0 && (rc = compare_with_model(s, version, err)) != HL_OK)
		return rc;
	for (size_t i = 0; i < hl_migrations_n; i++) {
		if (hl_migrations[i].version <= version)
			continue;
		rc = hl_db_exec(s, hl_migrations[i].sql, err);
		if (rc != HL_OK)
			return rc;
	}
	snprintf(
	    sql, sizeof(sql), "PRAGMA user_version = %d", HL_SCHEMA_VERSION);
	if ((rc = hl_db_exec(s, sql, err)) != HL_OK)
		return rc;
	hl_log_forget(s); /* tables of older schemas, too */
	return version == 0 ? insert_meta(s, err)
			    : hl_log_upgrade(s, version, err);
}

hl_rc
hl_schema_migrate(hl_store *s, hl_err *err)
{
	hl_rc rc;

	rc = hl_tx_begin(s,
	    s->schema_found == HL_SCHEMA_VERSION
		? "make the tables"
		: "bring the tables up to date",
	    err);
	if (rc != HL_OK)
		return rc;
	rc = migrate_in_tx(s, err);
	return hl_tx_end(s, rc, err);
}

/* ---- the schema's text -------------------------------------------------- */

static void
get_object(hl_q *q, hl_buf *b)
{
	for (int i = 0; i < 3; i++) {
		const unsigned char *p = sqlite3_column_text(q->st, i);
		const int n = sqlite3_column_bytes(q->st, i);

		if (p == NULL)
			b->failed = true;
		else
			hl_buf_put(b, p, (size_t)n + 1); /* with its NUL */
	}
}

hl_rc
hl_schema_hash(hl_store *s, uint8_t sha256[HL_SHA256_LEN], hl_err *err)
{
	hl_buf b = HL_BUF_INIT;
	hl_q q = hl_q_new(s, SCHEMA_SELECT);
	hl_rc rc;

	while (hl_q_row(&q))
		get_object(&q, &b);
	rc = hl_q_end(&q, err);
	if (rc == HL_OK && b.failed)
		rc = hl_nomem(err);
	if (rc == HL_OK)
		rc = hl_sha256(b.p, b.n, sha256, err);
	hl_buf_free(&b);
	return rc;
}

/* Runs the migrations up to this version in memory. */
static hl_rc
make_model(hl_store *m, int version, hl_err *err)
{
	hl_rc rc = HL_OK;

	if (sqlite3_open_v2(":memory:", &m->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE |
		    SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK)
		return hl_nomem(err);
	for (size_t i = 0; i < hl_migrations_n && rc == HL_OK; i++) {
		if (hl_migrations[i].version <= version)
			rc = hl_db_exec(m, hl_migrations[i].sql, err);
	}
	return rc;
}

static int
compare(hl_q *a, hl_q *b)
{
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		const unsigned char *x = sqlite3_column_text(a->st, i);
		const unsigned char *y = sqlite3_column_text(b->st, i);

		r = x == NULL || y == NULL
		    ? 0
		    : strcmp((const char *)x, (const char *)y);
	}
	return r;
}

/* Who hears of each difference, as "trigger \"x\" is missing". */
typedef struct hearer {
	void (*found)(void *arg, const char *text);
	void *arg;
} hearer;

static void
tell(const hearer *h, hl_q *q, const char *how)
{
	const unsigned char *type = sqlite3_column_text(q->st, 0);
	const unsigned char *name = sqlite3_column_text(q->st, 1);
	char text[HL_ERR_WHY];

	(void)hl_text_format(text, sizeof(text), "%s \"%s\" %s",
	    type == NULL ? "?" : (const char *)type,
	    name == NULL ? "?" : (const char *)name, how);
	h->found(h->arg, text);
}

static hl_rc
compare_text(const hearer *h, hl_q *is, hl_q *ours, hl_err *err)
{
	const unsigned char *x = sqlite3_column_text(is->st, 2);
	const unsigned char *y = sqlite3_column_text(ours->st, 2);

	if (x == NULL || y == NULL)
		return hl_nomem(err);
	/* with what stands behind a NUL, which SQLite itself passes over */
	if (sqlite3_column_bytes(is->st, 2) !=
		sqlite3_column_bytes(ours->st, 2) ||
	    strcmp((const char *)x, (const char *)y) != 0)
		tell(h, is, "is not as we made it");
	return HL_OK;
}

/* Both are ordered alike. */
static hl_rc
walk(const hearer *h, hl_q *is, hl_q *ours, hl_err *err)
{
	bool a = hl_q_row(is), b = hl_q_row(ours);
	hl_rc rc = HL_OK;

	while (rc == HL_OK && (a || b)) {
		const int r = !a ? 1 : !b ? -1 : compare(is, ours);

		if (is->code != SQLITE_OK || ours->code != SQLITE_OK)
			return HL_OK; /* reported when they are ended */
		if (r < 0)
			tell(h, is, "is not ours");
		else if (r > 0)
			tell(h, ours, "is missing");
		else
			rc = compare_text(h, is, ours, err);
		if (r <= 0)
			a = hl_q_row(is);
		if (r >= 0)
			b = hl_q_row(ours);
	}
	return rc;
}

static hl_rc
tell_differences(hl_store *s, int version, const hearer *h, hl_err *err)
{
	hl_store model = { 0 };
	hl_q is, ours;
	hl_rc rc, rc2;

	hl_text_copy(model.path, sizeof(model.path), s->path);
	if ((rc = make_model(&model, version, err)) == HL_OK) {
		is = hl_q_new(s, SCHEMA_SELECT);
		ours = hl_q_new(&model, SCHEMA_SELECT);
		rc = walk(h, &is, &ours, err);
		rc2 = hl_q_end(&is, rc == HL_OK ? err : NULL);
		rc = rc != HL_OK ? rc : rc2;
		rc2 = hl_q_end(&ours, rc == HL_OK ? err : NULL);
		rc = rc != HL_OK ? rc : rc2;
	}
	sqlite3_close(model.db);
	return rc;
}

static void
keep_first(void *arg, const char *text)
{
	char *first = arg;

	if (first[0] == '\0')
		(void)hl_text_copy(first, HL_ERR_WHY, text);
}

static hl_rc
compare_with_model(hl_store *s, int version, hl_err *err)
{
	char first[HL_ERR_WHY] = "";
	const hearer h = { keep_first, first };
	hl_rc rc = tell_differences(s, version, &h, err);

	if (rc != HL_OK || first[0] == '\0')
		return rc;
	return hl_db_fail(s, HL_ESTORE, err,
	    "somebody changed it with another program: hsmlic audit verify "
	    "names all that was altered; keep this file, and restore the "
	    "newest backup",
	    "its schema was altered: %s", first);
}

static hl_rc
is_ours(hl_store *s, bool *ours, hl_err *err)
{
	uint8_t sha256[HL_SHA256_LEN];
	hl_rc rc = hl_schema_hash(s, sha256, err);

	*ours = rc == HL_OK &&
	    memcmp(sha256, hl_schema_sha256, sizeof(sha256)) == 0;
	return rc;
}

hl_rc
hl_schema_check(hl_store *s, hl_err *err)
{
	bool ours;
	hl_rc rc = is_ours(s, &ours, err);

	return rc != HL_OK || ours
	    ? rc
	    : compare_with_model(s, HL_SCHEMA_VERSION, err);
}

hl_rc
hl_schema_differences(hl_store *s, void (*found)(void *arg, const char *text),
    void *arg, hl_err *err)
{
	const hearer h = { found, arg };
	bool ours;
	hl_rc rc = is_ours(s, &ours, err);

	return rc != HL_OK || ours
	    ? rc
	    : tell_differences(s, HL_SCHEMA_VERSION, &h, err);
}
