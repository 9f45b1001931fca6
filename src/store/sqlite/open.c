/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/sqlite/mark.h"
#include "store/sqlite/place.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/view.h"
#include "util/file.h"

/* What an open goes through; its findings. */
typedef struct opening {
	hl_store *s;
	const hl_store_options *opt;
	bool unclean; /* the file is checked before it is used */
	int version;
} opening;

/* ---- the connection ----------------------------------------------------- */

static hl_rc
connect_file(hl_store *s, hl_err *err)
{
	const int how =
	    s->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	int code;

	code = sqlite3_open_v2(s->path, &s->db,
	    how | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_EXRESCODE,
	    NULL);
	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(s->db, (int)s->busy_ms);
	if (code != SQLITE_OK) {
		return hl_db_error(s, code,
		    s->db == NULL ? 0 : sqlite3_system_errno(s->db), err);
	}
	/* SQLite falls back to reading when it may not write */
	if (!s->read_only && sqlite3_db_readonly(s->db, "main") != 0)
		return hl_db_error(s, SQLITE_READONLY, 0, err);
	return HL_OK;
}

static hl_rc
set_switches(hl_store *s, hl_err *err)
{
	static const struct {
		int op, value;
	} switches[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 1 },
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
	};

	for (size_t i = 0; i < HL_COUNT(switches); i++) {
		int is = -1;

		if (sqlite3_db_config(s->db, switches[i].op, switches[i].value,
			&is) != SQLITE_OK ||
		    is != switches[i].value) {
			return hl_db_fail(s, HL_ESTORE, err,
			    "use another build of SQLite",
			    "SQLite refuses setting %d", switches[i].op);
		}
	}
	return HL_OK;
}

/* Sets a pragma, reads it back: SQLite ignores what it does not know. */
static hl_rc
set_pragma(hl_store *s, const char *name, const char *value, const char *want,
    hl_err *err)
{
	char sql[128];
	hl_text is = "";
	hl_rc rc;
	hl_q q;

	snprintf(sql, sizeof(sql), "PRAGMA %s = %s", name, value);
	q = hl_q_new(s, sql);
	if ((rc = hl_q_run(&q, err)) != HL_OK)
		return rc;
	snprintf(sql, sizeof(sql), "PRAGMA %s", name);
	q = hl_q_new(s, sql);
	if (hl_q_row(&q))
		hl_q_get_text(&q, is, sizeof(is));
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	if (strcmp(is, want) == 0)
		return HL_OK;
	return hl_db_fail(s, HL_ESTORE, err,
	    "use another build of SQLite, or another file system",
	    "SQLite does not set %s to %s: it is %s", name, value,
	    is[0] == '\0' ? "not known" : is);
}

static hl_rc
set_pragmas(hl_store *s, hl_err *err)
{
	/* Measured by simulated power cuts: of the usual settings only these
	 * lose nothing. WAL is avoided for its reset race (up to 3.51.2). */
	static const struct {
		const char *name, *value, *want;
	} pragmas[] = {
		{ "journal_mode", "TRUNCATE", "truncate" },
		{ "synchronous", "EXTRA", "3" },
		{ "foreign_keys", "ON", "1" },
		{ "trusted_schema", "OFF", "0" },
		{ "cell_size_check", "ON", "1" },
		{ "mmap_size", "0", "0" },
		{ "locking_mode", "NORMAL", "normal" },
	};
	char ms[16];
	hl_rc rc;

	snprintf(ms, sizeof(ms), "%u", s->busy_ms);
	rc = set_pragma(s, "busy_timeout", ms, ms, err);
	for (size_t i = 0; i < HL_COUNT(pragmas) && rc == HL_OK; i++) {
		rc = set_pragma(
		    s, pragmas[i].name, pragmas[i].value, pragmas[i].want, err);
	}
	return rc;
}

/* ---- was it closed? ----------------------------------------------------- */

static bool
journal_is_full(const hl_store *s)
{
	char path[HL_SIDE_MAX + 8];
	struct stat st;

	return hl_path(path, sizeof(path), NULL, "%s-journal", s->path) ==
	    HL_OK &&
	    stat(path, &st) == 0 && st.st_size > 0;
}

/*
 * A journal with content that no writer stands behind was left in the middle
 * of a commit. Asked before the first read, which plays it back.
 */
static bool
journal_is_hot(hl_store *s)
{
	sqlite3_file *f = NULL;
	int reserved = 1;

	if (!journal_is_full(s) ||
	    sqlite3_file_control(
		s->db, "main", SQLITE_FCNTL_FILE_POINTER, &f) != SQLITE_OK ||
	    f == NULL || f->pMethods == NULL ||
	    f->pMethods->xCheckReservedLock(f, &reserved) != SQLITE_OK)
		return false;
	return !reserved && journal_is_full(s);
}

static hl_rc
check_structure(hl_store *s, hl_err *err)
{
	char text[HL_ERR_WHY] = "no answer";
	hl_rc rc;
	hl_q q;

	q = hl_q_new(s, "PRAGMA quick_check(1)");
	if (hl_q_row(&q))
		hl_q_get_text(&q, text, sizeof(text));
	if ((rc = hl_q_end(&q, err)) != HL_OK || strcmp(text, "ok") == 0)
		return rc;
	return hl_db_fail(s, HL_ESTORE, err,
	    "keep this file, and restore the newest backup (hsmlic store "
	    "restore)",
	    "it is damaged: %s", text);
}

static hl_rc
look_after_crash(opening *o, hl_err *err)
{
	bool left = false;
	hl_rc rc;

	if ((rc = hl_mark_left(o->s, false, &left, err)) != HL_OK)
		return rc;
	if (!left && !o->unclean)
		return HL_OK;
	if ((rc = check_structure(o->s, err)) != HL_OK || o->s->read_only)
		return rc;
	return hl_mark_left(o->s, true, &left, err);
}

/* ---- opening ------------------------------------------------------------ */

static hl_rc
find_or_make(opening *o, const char *path, hl_err *err)
{
	const bool create =
	    (o->opt->create || o->opt->must_create) && !o->s->read_only;
	hl_err why = { 0 };
	bool there = false;
	hl_rc rc;

	rc = hl_place_find(o->s, path, create, &there, err);
	if (rc != HL_OK)
		return rc;
	if (there && o->opt->must_create) {
		return hl_db_fail(o->s, HL_EEXIST, err,
		    "use it, or choose another path", "it is there already");
	}
	if (!o->opt->must_create &&
	    (rc = hl_place_not_lost(o->s, err)) != HL_OK)
		return rc;
	if (there)
		return HL_OK;
	rc = hl_place_create(o->s, &why);
	if (rc == HL_EEXIST && !o->opt->must_create)
		return HL_OK; /* another process makes it just now */
	if (rc != HL_OK && err != NULL)
		*err = why;
	return rc;
}

static hl_rc
check_version(opening *o, hl_err *err)
{
	if (o->version == HL_SCHEMA_VERSION)
		return HL_OK;
	if (o->version == 0 && !o->opt->create && !o->opt->must_create) {
		return hl_db_fail(o->s, HL_ESTORE, err,
		    "set it up with hsmlic store init, or check the path",
		    "it is not a store: the file is empty");
	}
	if (o->version > 0 || !o->s->read_only)
		return HL_OK;
	return hl_db_fail(o->s, HL_ESTORE, err, "check the path",
	    "it is not a store: the file is empty");
}

/* A store that is only to be read stays as it is: a copy is brought up. */
static hl_rc
bring_up_copy(hl_store *s, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_view_take(s, err)) != HL_OK ||
	    (rc = set_switches(s, err)) != HL_OK)
		return rc;
	s->read_only = false;
	rc = hl_schema_migrate(s, err);
	s->read_only = true;
	return rc;
}

static hl_rc
bring_up_to_date(opening *o, hl_err *err)
{
	hl_rc rc;

	if (o->version == HL_SCHEMA_VERSION)
		return HL_OK;
	rc = o->s->read_only ? bring_up_copy(o->s, err)
			     : hl_schema_migrate(o->s, err);
	o->s->doing = NULL;
	return rc;
}

static hl_rc
open_steps(opening *o, const char *path, hl_err *err)
{
	hl_store *s = o->s;
	hl_rc rc;

	if ((rc = find_or_make(o, path, err)) != HL_OK ||
	    (rc = connect_file(s, err)) != HL_OK ||
	    (rc = set_switches(s, err)) != HL_OK)
		return rc;
	o->unclean = journal_is_hot(s);
	if ((rc = set_pragmas(s, err)) != HL_OK ||
	    (rc = hl_schema_identify(s, &o->version, err)) != HL_OK ||
	    (rc = check_version(o, err)) != HL_OK)
		return rc;
	s->schema_found = o->version == 0 ? HL_SCHEMA_VERSION : o->version;
	/* it is ours, so there may be a side directory */
	if (!s->read_only && (rc = hl_mark_set(s, err)) != HL_OK)
		return rc;
	if ((rc = look_after_crash(o, err)) != HL_OK ||
	    (rc = bring_up_to_date(o, err)) != HL_OK)
		return rc;
	if (s->read_only && o->opt->altered)
		return HL_OK;
	return hl_schema_check(s, err);
}

hl_rc
hl_sqlite_open(
    hl_store **out, const char *path, const hl_store_options *opt, hl_err *err)
{
	static const hl_store_options none = { .create = false };
	opening o = { .opt = opt == NULL ? &none : opt };
	hl_store *s;
	hl_rc rc;

	*out = NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return hl_nomem(err);
	s->read_only = o.opt->read_only;
	s->origin = o.opt->origin;
	s->busy_ms = o.opt->busy_ms == 0 ? HL_STORE_BUSY_MS : o.opt->busy_ms;
	if (s->busy_ms > INT32_MAX)
		s->busy_ms = INT32_MAX;
	o.s = s;
	rc = open_steps(&o, path, err);
	if (rc != HL_OK)
		hl_store_close(&s);
	else
		s->origin = NULL; /* the caller's */
	*out = s;
	return rc;
}

void
hl_store_close(hl_store **store)
{
	hl_store *s = *store;

	if (s == NULL)
		return;
	sqlite3_close(s->db);
	hl_mark_clear(s, s->suspect);
	free(s);
	*store = NULL;
}

const char *
hl_store_side_dir(const hl_store *store)
{
	return store->side;
}

hl_rc
hl_store_info_get(hl_store *store, hl_store_info *out, hl_err *err)
{
	hl_store_info info = { .engine = "sqlite" };
	struct stat st;
	hl_rc rc;
	hl_q q;

	store->doing = "describe what is";
	q = hl_q_new(store, "SELECT id, origin, created_at FROM meta");
	if (hl_q_row(&q)) {
		hl_q_get_uuid(&q, &info.id);
		hl_q_get_text(&q, info.origin, sizeof(info.origin));
		info.created_at = hl_q_get_int(&q);
	} else {
		hl_q_damaged(&q);
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK)
		return rc;
	rc = hl_path(info.url, sizeof(info.url), err, "sqlite:%s", store->path);
	if (rc != HL_OK)
		return rc;
	info.schema = HL_SCHEMA_VERSION;
	info.schema_found = (uint32_t)store->schema_found;
	if (stat(store->path, &st) == 0)
		info.size = (uint64_t)st.st_size;
	*out = info;
	return HL_OK;
}
