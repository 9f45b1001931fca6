/* SPDX-License-Identifier: Apache-2.0 */
/* store init, check, backup, upgrade. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/store_parts.h"
#include "ledger/note.h"

hl_rc
hl_store_path(const char *url, const char **path, hl_err *err)
{
	static const char engine[] = "sqlite:";

	*path = url;
	if (strncmp(url, engine, sizeof(engine) - 1) == 0)
		*path = url + sizeof(engine) - 1;
	else if (strstr(url, "://") != NULL)
		return hl_fail(err, HL_EUSAGE, "find the store's file",
		    "name an SQLite store: sqlite:PATH",
		    "%s does not name a file", url);
	return HL_OK;
}

static json_t *
store_json(const hl_store_info *i)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:I, s:o, s:I}", "url",
	    hl_json_any(i->url), "engine", i->engine, "id",
	    hl_json_uuid(&i->id), "origin", hl_json_text(i->origin), "schema",
	    (json_int_t)i->schema, "created_at", hl_json_time(i->created_at),
	    "size", (json_int_t)i->size);
}

void
hl_store_facts(const hl_store_info *i)
{
	char id[HL_UUID_TEXT];

	hl_uuid_text(&i->id, id);
	hl_fact("store", "%s", i->url);
	hl_fact("id", "%s", id);
	hl_fact("origin", "%s", i->origin);
}

/* ---- init --------------------------------------------------------------- */

static hl_rc
pretend_init(hl_cli *cli, hl_err *err)
{
	const char *path;
	struct stat st;
	hl_rc rc = hl_store_path(cli->url, &path, err);

	if (rc != HL_OK)
		return rc;
	if (lstat(path, &st) == 0)
		return hl_fail(err, HL_EEXIST, "make a store",
		    "use it, or choose another path", "%s is there already",
		    path);
	if (cli->json)
		return hl_print_json(cli,
		    json_pack("{s:n, s:b, s:o}", "store", "dry_run", 1, "path",
			hl_json_any(path)),
		    err);
	hl_message(cli, "would make the store %s", path);
	return HL_OK;
}

/* The name is signed, and stands in lines with blanks between words. */
static hl_rc
check_origin(hl_cli *cli, const char *origin, hl_err *err)
{
	hl_rc rc = origin == NULL ? HL_OK : hl_key_name_check(origin, err);

	if (rc != HL_OK) {
		hl_err_what(err, "make a store of this --origin");
		hl_opt_blame(cli, "origin", err);
	}
	return rc;
}

hl_rc
hl_cmd_store_init(hl_cli *cli, char **operands, hl_err *err)
{
	const hl_store_options opt = { .create = true,
		.must_create = true,
		.origin = hl_opt(cli, "origin") };
	hl_store_info info;
	hl_rc rc;

	(void)operands;
	if ((rc = check_origin(cli, opt.origin, err)) != HL_OK)
		return rc;
	if (cli->dry_run)
		return pretend_init(cli, err);
	if ((rc = hl_store_open(&cli->store, cli->url, &opt, err)) != HL_OK ||
	    (rc = hl_store_info_get(cli->store, &info, err)) != HL_OK)
		return rc;
	if (cli->json)
		return hl_print_json(
		    cli, json_pack("{s:o}", "store", store_json(&info)), err);
	hl_store_facts(&info);
	return HL_OK;
}

/* ---- check -------------------------------------------------------------- */

struct findings {
	hl_cli *cli;
	json_t *array; /* NULL: print them */
	bool failed;
};

static void
on_finding(void *arg, const char *text)
{
	struct findings *f = arg;

	if (f->array == NULL)
		(void)printf("%s\n", text);
	else if (json_array_append_new(f->array, hl_json_any(text)) != 0)
		f->failed = true;
}

/* Some seconds' worth. */
#define EVENTS_MAX 100000

hl_rc
hl_store_check_all(hl_store *store, void (*found)(void *arg, const char *text),
    void *arg, uint64_t *n, uint64_t *events, hl_err *err)
{
	hl_audit_result r;
	hl_frontier tree;
	hl_rc rc;

	*events = 0;
	if (hl_store_tree(store, &tree, NULL) == HL_OK &&
	    tree.size > EVENTS_MAX) {
		*events = tree.size;
		return hl_store_check(store, found, arg, n, err);
	}
	rc = hl_store_audit(store, NULL, 0, found, NULL, arg, &r, err);
	if (rc == HL_OK)
		*n = r.findings;
	return rc;
}

/* How far it went, on the standard error. */
static void
tell_extent(const hl_cli *cli, uint64_t events)
{
	if (events > 0)
		hl_message(cli,
		    "the ledger's %" PRIu64 " events were not checked: hsmlic "
		    "audit verify does that",
		    events);
}

hl_rc
hl_cmd_store_check(hl_cli *cli, char **operands, hl_err *err)
{
	struct findings f = { cli, cli->json ? json_array() : NULL, false };
	hl_store_info info;
	uint64_t n = 0, events;
	hl_rc rc;

	(void)operands;
	if ((rc = hl_store_info_get(cli->store, &info, err)) == HL_OK)
		rc = hl_store_check_all(
		    cli->store, on_finding, &f, &n, &events, err);
	if (rc == HL_OK && f.failed)
		rc = hl_nomem(err);
	if (rc != HL_OK) {
		json_decref(f.array);
		return rc;
	}
	cli->exit_code = n > 0 ? 1 : 0;
	tell_extent(cli, events);
	if (cli->json)
		return hl_print_json(cli,
		    json_pack("{s:o, s:o, s:b, s:b}", "store",
			store_json(&info), "findings", f.array, "ledger",
			events == 0, "ok", n == 0),
		    err);
	if (n == 0)
		(void)printf("%s: nothing found\n", info.url);
	else
		hl_message(cli, "%llu %s", (unsigned long long)n,
		    hl_plural(n, "finding", "findings"));
	return HL_OK;
}

/* ---- backup ------------------------------------------------------------- */

/* What a checkpoint of the copy would say, so that the two can be compared. */
static hl_rc
print_backup(
    hl_cli *cli, const char *path, const hl_frontier *tree, hl_err *err)
{
	hl_hash root;
	hl_rc rc;

	if ((rc = hl_frontier_root(tree, &root, err)) != HL_OK)
		return rc;
	if (cli->json)
		return hl_print_json(cli,
		    json_pack("{s:o, s:o, s:o, s:b}", "path", hl_json_any(path),
			"events",
			cli->dry_run ? json_null()
				     : json_integer((json_int_t)tree->size),
			"root",
			cli->dry_run ? json_null()
				     : hl_json_hex(root.b, sizeof(root.b)),
			"dry_run", cli->dry_run),
		    err);
	if (cli->dry_run)
		return HL_OK;
	hl_fact("backup", "%s", path);
	hl_fact("events", "%llu", (unsigned long long)tree->size);
	hl_fact_hex("root", root.b, sizeof(root.b));
	return HL_OK;
}

hl_rc
hl_cmd_store_backup(hl_cli *cli, char **operands, hl_err *err)
{
	const char *path = operands[0];
	hl_frontier tree = { .size = 0 };
	struct stat st;
	hl_rc rc;

	if (cli->dry_run) {
		if (lstat(path, &st) == 0)
			return hl_fail(err, HL_EEXIST, "back up the store",
			    "choose another name", "%s is there already", path);
		hl_message(cli, "would back up the store to %s", path);
	} else {
		rc = hl_store_backup(cli->store, path, &tree, err);
		if (rc != HL_OK)
			return rc;
	}
	return print_backup(cli, path, &tree, err);
}

/* ---- upgrade ------------------------------------------------------------ */

/* Opening it is all that it takes; a dry run looks at a copy. */
hl_rc
hl_cmd_store_upgrade(hl_cli *cli, char **operands, hl_err *err)
{
	const hl_store_options look = { .read_only = true };
	hl_store_info i;
	hl_rc rc;

	(void)operands;
	rc = cli->dry_run ? hl_store_open(&cli->store, cli->url, &look, err)
			  : hl_cli_open_store(cli, false, err);
	if (rc != HL_OK ||
	    (rc = hl_store_info_get(cli->store, &i, err)) != HL_OK)
		return rc;
	if (cli->json)
		return hl_print_json(cli,
		    json_pack("{s:o, s:I, s:I, s:b, s:b}", "store",
			store_json(&i), "from_schema",
			(json_int_t)i.schema_found, "to_schema",
			(json_int_t)i.schema, "upgraded",
			i.schema_found < i.schema && !cli->dry_run, "dry_run",
			cli->dry_run),
		    err);
	if (i.schema_found == i.schema)
		(void)printf(
		    "%s: nothing to do, its schema is %u\n", i.url, i.schema);
	else
		(void)printf("%s: %s from schema %u to %u\n", i.url,
		    cli->dry_run ? "would be brought" : "brought",
		    i.schema_found, i.schema);
	return HL_OK;
}
