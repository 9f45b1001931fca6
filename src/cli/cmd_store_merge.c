/* SPDX-License-Identifier: Apache-2.0 */
/* store merge: stores of other stations come into this one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/store_parts.h"

/* One store that comes, or the whole of it. */
typedef struct merging {
	hl_cli *cli;
	hl_merge_options opt;
	json_t *stores;	       /* results, for --json */
	json_t *twice, *notes; /* of the store at hand */
	hl_table *table;       /* results, for people */
	bool failed;	       /* no memory in the midst of it */
} merging;

/* ---- options ------------------------------------------------------------ */

/* All values of an option, ended by NULL; to be freed. */
static hl_rc
take_values(
    hl_cli *cli, const char *option, const char *const **out, hl_err *err)
{
	const char **list;
	size_t n = 0;

	while (hl_opt_nth(cli, option, n) != NULL)
		n++;
	if ((list = calloc(n + 1, sizeof(*list))) == NULL)
		return hl_nomem(err);
	for (size_t i = 0; i < n; i++)
		list[i] = hl_opt_nth(cli, option, i);
	*out = list;
	return HL_OK;
}

static hl_rc
take_options(merging *m, hl_err *err)
{
	hl_merge_options *o = &m->opt;
	hl_rc rc;

	o->restored = hl_opt_set(m->cli, "restored");
	o->dry_run = m->cli->dry_run;
	if ((rc = take_values(m->cli, "firmware", &o->firmwares, err)) !=
		HL_OK ||
	    (rc = take_values(m->cli, "same-card", &o->same_cards, err)) !=
		HL_OK)
		return rc;
	return take_values(m->cli, "new-card", &o->new_cards, err);
}

static void
free_options(merging *m)
{
	free((void *)(uintptr_t)m->opt.firmwares);
	free((void *)(uintptr_t)m->opt.same_cards);
	free((void *)(uintptr_t)m->opt.new_cards);
}

/* ---- what comes up ------------------------------------------------------ */

static void
on_twice(void *arg, const hl_license *ours, const hl_license *theirs)
{
	merging *m = arg;
	json_t *j = json_pack("{s:o, s:o}", "kept", hl_json_license(ours),
	    "retired", hl_json_license(theirs));

	if (j == NULL || json_array_append_new(m->twice, j) != 0)
		m->failed = true;
}

static void
on_note(void *arg, const char *text)
{
	merging *m = arg;

	if (json_array_append_new(m->notes, hl_json_any(text)) != 0)
		m->failed = true;
}

static void
tell_twice(const merging *m, const json_t *pair)
{
	const json_t *l = json_object_get(pair, "kept");
	const char *uid = json_string_value(json_object_get(l, "uid"));
	const char *cert =
	    json_string_value(json_object_get(l, "certificate_sha256"));
	hl_buf b = HL_BUF_INIT;

	hl_buf_printf(&b,
	    "chip %s%.24s was licensed twice for firmware \"%s\", here and "
	    "there: two units; the license of this store stays the active one",
	    uid == NULL ? HL_CHIP_CERT : "", uid == NULL ? cert : uid,
	    json_string_value(json_object_get(l, "firmware")));
	hl_print_note(m->cli, hl_buf_str(&b));
	hl_buf_free(&b);
}

static void
tell_notes(const merging *m)
{
	const json_t *v;
	size_t i;

	json_array_foreach(m->twice, i, v) tell_twice(m, v);
	json_array_foreach(m->notes, i, v)
	    hl_print_note(m->cli, json_string_value(v));
}

/* ---- results ------------------------------------------------------------ */

/* In the order of the columns. */
static const struct {
	const char *name, *key;
	size_t at;
} counts[] = {
#define COUNT(name, field)                                                     \
	{                                                                      \
		name, #field, offsetof(hl_merge_counts, field)                 \
	}
	COUNT("EVENTS", events),
	COUNT("CHIPS", chips),
	COUNT("CARDS", cards),
	COUNT("REQUESTS", issues),
	COUNT("LICENSES", licenses),
	COUNT("CHANGED", changed),
	COUNT("UNITS IN BOTH", overlaps),
	COUNT("LICENSED TWICE", twice),
	/* in JSON alone */
	COUNT(NULL, firmwares),
	COUNT(NULL, readings),
	COUNT(NULL, uses),
	COUNT(NULL, installs),
	COUNT(NULL, slots),
	COUNT(NULL, variances),
#undef COUNT
};
#define COLUMNS 8

static uint64_t
count_at(const hl_merge_counts *n, size_t i)
{
	uint64_t v;

	memcpy(&v, (const uint8_t *)n + counts[i].at, sizeof(v));
	return v;
}

static json_t *
result_json(const merging *m, const char *path, const hl_merge_result *r)
{
	json_t *j = json_pack("{s:o, s:o, s:o, s:I, s:o, s:I, s:b, s:O, s:O}",
	    "path", hl_json_any(path), "id", hl_json_uuid(&r->id), "origin",
	    hl_json_text(r->origin), "size", (json_int_t)r->size, "root",
	    hl_json_hex(r->root.b, sizeof(r->root.b)), "known",
	    (json_int_t)r->known, "own", r->own, "licensed_twice", m->twice,
	    "notes", m->notes);

	for (size_t i = 0; j != NULL && i < HL_COUNT(counts); i++) {
		if (json_object_set_new(j, counts[i].key,
			json_integer((json_int_t)count_at(&r->n, i))) != 0) {
			json_decref(j);
			return NULL;
		}
	}
	return j;
}

static void
add_row(merging *m, const char *path, const hl_merge_counts *n)
{
	char text[COLUMNS][24];
	const char *cells[COLUMNS + 1] = { path };

	for (size_t i = 0; i < COLUMNS; i++) {
		snprintf(text[i], sizeof(text[i]), "%llu",
		    (unsigned long long)count_at(n, i));
		cells[i + 1] = text[i];
	}
	hl_table_row(m->table, cells);
}

static void
tell_nothing_new(const merging *m, const char *path, const hl_merge_result *r)
{
	if (r->known < r->size)
		return;
	hl_message(m->cli,
	    r->own ? "%s is this store at an earlier time: nothing is in it "
		     "that is not here"
		   : "%s: nothing is in it that is not here",
	    path);
}

static hl_rc
keep_result(merging *m, const char *path, const hl_merge_result *r, hl_err *err)
{
	json_t *j;

	tell_notes(m);
	tell_nothing_new(m, path, r);
	if (!m->cli->json) {
		add_row(m, path, &r->n);
		return m->failed ? hl_nomem(err) : HL_OK;
	}
	j = result_json(m, path, r);
	return !m->failed && j != NULL &&
		json_array_append_new(m->stores, j) == 0
	    ? HL_OK
	    : hl_nomem(err);
}

/* ---- the command -------------------------------------------------------- */

static hl_rc
merge_one(merging *m, const char *path, hl_err *err)
{
	const hl_store_options look = { .read_only = true };
	hl_store *other = NULL;
	hl_merge_result r;
	hl_rc rc;

	(void)json_array_clear(m->twice);
	(void)json_array_clear(m->notes);
	rc = hl_store_open(&other, path, &look, err);
	if (rc == HL_ENOTFOUND)
		hl_err_hint(err, "check the path of the other store");
	if (rc == HL_OK)
		rc = hl_store_merge(
		    m->cli->store, other, &m->opt, &m->cli->actor, &r, err);
	hl_store_close(&other);
	if (rc != HL_OK)
		return rc;
	rc = keep_result(m, path, &r, err);
	/* the next one's are not these */
	json_decref(m->twice);
	json_decref(m->notes);
	m->twice = json_array();
	m->notes = json_array();
	return rc == HL_OK && (m->twice == NULL || m->notes == NULL)
	    ? hl_nomem(err)
	    : rc;
}

/* Those that came before one that cannot be merged have come. */
static hl_rc
merge_all(merging *m, char **paths, hl_err *err)
{
	size_t n = 0;
	hl_rc rc = HL_OK;

	for (; *paths != NULL && rc == HL_OK; paths++) {
		rc = merge_one(m, *paths, err);
		n += rc == HL_OK;
	}
	if (rc != HL_OK && n > 0 && !m->cli->dry_run)
		hl_err_add(err, "the %s before it %s been merged",
		    hl_plural(n, "one", "ones"), hl_plural(n, "has", "have"));
	return rc;
}

static hl_rc
make_outputs(merging *m, hl_err *err)
{
	const char *columns[COLUMNS + 1] = { "STORE" };

	for (size_t i = 0; i < COLUMNS; i++)
		columns[i + 1] = counts[i].name;
	m->opt.twice = on_twice;
	m->opt.note = on_note;
	m->opt.arg = m;
	m->stores = json_array();
	m->twice = json_array();
	m->notes = json_array();
	m->table = hl_table_new(columns, COLUMNS + 1, 0x1fe);
	return m->stores == NULL || m->twice == NULL || m->notes == NULL
	    ? hl_nomem(err)
	    : HL_OK;
}

static hl_rc
print_all(merging *m, hl_err *err)
{
	if (m->cli->json)
		return hl_print_json(m->cli,
		    json_pack("{s:O, s:b}", "stores", m->stores, "dry_run",
			m->cli->dry_run),
		    err);
	hl_table_print(m->cli, &m->table);
	if (m->cli->dry_run)
		hl_message(m->cli, "would be merged; nothing was recorded");
	return HL_OK;
}

hl_rc
hl_cmd_store_merge(hl_cli *cli, char **operands, hl_err *err)
{
	merging m = { .cli = cli };
	hl_rc rc;

	if ((rc = make_outputs(&m, err)) == HL_OK &&
	    (rc = take_options(&m, err)) == HL_OK &&
	    (rc = merge_all(&m, operands, err)) == HL_OK)
		rc = print_all(&m, err);
	hl_table_free(&m.table);
	json_decref(m.stores);
	json_decref(m.twice);
	json_decref(m.notes);
	free_options(&m);
	return rc;
}
