/* SPDX-License-Identifier: Apache-2.0 */
/* A row of a table as it stands in an event. */
#include <stdio.h>
#include <string.h>

#include "store/sqlite/log.h"
#include "util/hex.h"

#define HEX_MAX (2 * HL_CERT_MAX + 1) /* of the longest blob in an event */

/* These hold UUIDs and are told as people write them. */
static bool
is_uuid(const char *column)
{
	static const char *const names[] = { "id", "chip", "firmware", "card",
		"issue", "license", "owner", "reading", "same_as" };

	for (size_t i = 0; i < HL_COUNT(names); i++) {
		if (strcmp(column, names[i]) == 0)
			return true;
	}
	return false;
}

static json_t *
blob_value(const char *column, const uint8_t *p, size_t n)
{
	char text[HEX_MAX];
	hl_uuid u;

	if (is_uuid(column) && n == sizeof(u.b)) {
		memcpy(u.b, p, n);
		hl_uuid_text(&u, text);
	} else if (n <= HL_CERT_MAX) {
		hl_hex_lower(text, p, n);
	} else {
		return NULL;
	}
	return json_string(text);
}

json_t *
hl_log_value(sqlite3_stmt *st, int i)
{
	const size_t n = (size_t)sqlite3_column_bytes(st, i);

	switch (sqlite3_column_type(st, i)) {
	case SQLITE_INTEGER:
		return json_integer(sqlite3_column_int64(st, i));
	case SQLITE_TEXT:
		return json_stringn(
		    (const char *)sqlite3_column_text(st, i), n);
	case SQLITE_BLOB:
		return n == 0 ? json_string("")
			      : blob_value(sqlite3_column_name(st, i),
				    sqlite3_column_blob(st, i), n);
	case SQLITE_NULL:
		return json_null();
	default:
		return NULL;
	}
}

static bool
add_columns(const hl_q *q, const char *thing, json_t *body)
{
	char key[64];

	for (int i = 0; i < sqlite3_column_count(q->st); i++) {
		snprintf(key, sizeof(key), "%s_%s", thing,
		    sqlite3_column_name(q->st, i));
		if (json_object_set_new(body, key, hl_log_value(q->st, i)) != 0)
			return false;
	}
	return true;
}

hl_rc
hl_log_row(hl_store *s, const hl_logged *table, int64_t n, bool fresh,
    json_t *body, bool *found, hl_err *err)
{
	char sql[512];
	bool added = true;
	hl_rc rc;
	hl_q q;

	snprintf(sql, sizeof(sql), "SELECT %s FROM %s WHERE rowid = ?",
	    fresh || table->changing == NULL ? table->all : table->changing,
	    table->table);
	q = hl_q_new(s, sql);
	hl_q_int(&q, n);
	*found = hl_q_row(&q);
	if (*found)
		added = add_columns(&q, table->thing, body);
	rc = hl_q_end(&q, err);
	return rc == HL_OK && !added ? hl_nomem(err) : rc;
}
