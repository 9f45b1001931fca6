/* SPDX-License-Identifier: Apache-2.0 */
/* store init, check, backup, restore. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/parts.h"

#define FINDINGS_SHOWN 3

/* Of the store that --store names; what is no file has no path. */
static hl_rc
path_of_url(const char *url, const char **path, hl_err *err)
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
info_json(const hl_store_info *i)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:I, s:o, s:I}", "url",
	    hl_json_any(i->url), "engine", i->engine, "id",
	    hl_json_uuid(&i->id), "origin", hl_json_text(i->origin), "schema",
	    (json_int_t)i->schema, "created_at", hl_json_time(i->created_at),
	    "size", (json_int_t)i->size);
}

static void
print_info(const hl_store_info *i)
{
	char id[HL_UUID_TEXT];

	hl_uuid_text(&i->id, id);
	hl_fact("store", "%s", i->url);
	hl_fact("id", "%s", id);
	hl_fact("origin", "%s", i->origin);
}

/* ---- init ------------------------------------------------------------------
 */

static hl_rc
pretend_init(hl_cli *cli, hl_err *err)
{
	const char *path;
	struct stat st;
	hl_rc rc = path_of_url(cli->url, &path, err);

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

hl_rc
hl_cmd_store_init(hl_cli *cli, char **operands, hl_err *err)
{
	const hl_store_options opt = { .create = true, .must_create = true };
	hl_store_info info;
	hl_rc rc;

	(void)operands;
	if (cli->dry_run)
		return pretend_init(cli, err);
	if ((rc = hl_store_open(&cli->store, cli->url, &opt, err)) != HL_OK ||
	    (rc = hl_store_info_get(cli->store, &info, err)) != HL_OK)
		return rc;
	if (cli->json)
		return hl_print_json(
		    cli, json_pack("{s:o}", "store", info_json(&info)), err);
	print_info(&info);
	return HL_OK;
}

/* ---- check -----------------------------------------------------------------
 */

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

hl_rc
hl_cmd_store_check(hl_cli *cli, char **operands, hl_err *err)
{
	struct findings f = { cli, cli->json ? json_array() : NULL, false };
	hl_store_info info;
	uint64_t n = 0;
	hl_rc rc;

	(void)operands;
	if ((rc = hl_store_info_get(cli->store, &info, err)) == HL_OK)
		rc = hl_store_check(cli->store, on_finding, &f, &n, err);
	if (rc == HL_OK && f.failed)
		rc = hl_nomem(err);
	if (rc != HL_OK) {
		json_decref(f.array);
		return rc;
	}
	cli->exit_code = n > 0 ? 1 : 0;
	if (cli->json)
		return hl_print_json(cli,
		    json_pack("{s:o, s:o, s:b}", "store", info_json(&info),
			"findings", f.array, "ok", n == 0),
		    err);
	if (n == 0)
		(void)printf("%s: nothing found\n", info.url);
	else
		hl_message(cli, "%llu %s", (unsigned long long)n,
		    hl_plural(n, "finding", "findings"));
	return HL_OK;
}

/* ---- backup ----------------------------------------------------------------
 */

hl_rc
hl_cmd_store_backup(hl_cli *cli, char **operands, hl_err *err)
{
	const char *path = operands[0];
	struct stat st;
	hl_rc rc;

	if (cli->dry_run) {
		if (lstat(path, &st) == 0)
			return hl_fail(err, HL_EEXIST, "back up the store",
			    "choose another name", "%s is there already", path);
		hl_message(cli, "would back up the store to %s", path);
	} else {
		rc = hl_store_backup(cli->store, path, err);
		if (rc != HL_OK)
			return rc;
	}
	if (cli->json)
		return hl_print_json(cli,
		    json_pack("{s:o, s:b}", "path", hl_json_any(path),
			"dry_run", cli->dry_run),
		    err);
	if (!cli->dry_run)
		(void)printf("%s\n", path);
	return HL_OK;
}

/* ---- restore ---------------------------------------------------------------
 */

typedef struct hl_restoring {
	hl_cli *cli;
	const char *from, *to; /* paths */
	bool there;	       /* something is at `to` */
	hl_store *copy;
	hl_store_info info; /* of the copy */
	hl_figures figures; /* of the copy */
	uint64_t open_now;  /* requests open in the store that is there */
	bool open_known;
	char aside[PATH_MAX + 64];
} hl_restoring;

struct first_findings {
	hl_err *err;
	uint64_t n;
};

static void
on_bad_copy(void *arg, const char *text)
{
	struct first_findings *f = arg;

	if (f->n++ < FINDINGS_SHOWN)
		hl_err_add(f->err, "%s", text);
}

static hl_rc
check_copy(hl_restoring *r, hl_err *err)
{
	struct first_findings f = { err, 0 };
	hl_err bad = { 0 };
	uint64_t n;
	hl_rc rc;

	(void)hl_fail(&bad, HL_EINTEGRITY, "", "use another copy",
	    "a check of this copy found something");
	hl_err_what(&bad, "restore from %s", r->from);
	f.err = &bad;
	rc = hl_store_check(r->copy, on_bad_copy, &f, &n, err);
	if (rc != HL_OK || n == 0)
		return rc;
	if (err != NULL)
		*err = bad;
	return HL_EINTEGRITY;
}

static hl_rc
open_copy(hl_restoring *r, hl_err *err)
{
	const hl_store_options opt = { .read_only = true };
	hl_rc rc;

	rc = hl_store_open(&r->copy, r->from, &opt, err);
	if (rc == HL_ENOTFOUND)
		hl_err_hint(err, "check the path of the copy");
	if (rc != HL_OK || (rc = check_copy(r, err)) != HL_OK ||
	    (rc = hl_store_info_get(r->copy, &r->info, err)) != HL_OK)
		return rc;
	return hl_store_figures(r->copy, 0, INT64_MAX, &r->figures, err);
}

/* The store that is there may be damaged: that is why one restores. */
static hl_rc
look_at_present(hl_restoring *r, hl_err *err)
{
	const hl_store_options opt = { .read_only = true };
	struct stat a, b;
	hl_store *s = NULL;
	hl_figures f;

	r->there = lstat(r->to, &a) == 0;
	if (!r->there)
		return HL_OK;
	if (stat(r->to, &a) == 0 && stat(r->from, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return hl_fail(err, HL_EUSAGE, "restore the store",
		    "name a copy", "%s is the store itself", r->from);
	if (!hl_opt_set(r->cli, "force"))
		return hl_fail(err, HL_EEXIST, "restore the store",
		    "add --force: it is renamed, not removed",
		    "there is a store at %s", r->to);
	if (hl_store_open(&s, r->to, &opt, NULL) == HL_OK &&
	    hl_store_figures(s, 0, INT64_MAX, &f, NULL) == HL_OK) {
		r->open_known = true;
		r->open_now = f.open;
	}
	hl_store_close(&s);
	return HL_OK;
}

/* What a person has to know before, and cannot undo by asking again. */
static void
tell_consequences(const hl_restoring *r)
{
	const hl_cli *cli = r->cli;
	const uint64_t n = r->figures.licenses;

	hl_message(cli, "the copy holds %llu %s and is sound",
	    (unsigned long long)n, hl_plural(n, "license", "licenses"));
	hl_message(cli,
	    "what was recorded after the copy was made will be missing: a "
	    "license fetched since costs another unit, unless it is taken "
	    "from the store that is put aside");
	if (r->there && !r->open_known)
		hl_message(cli,
		    "the store that is there cannot be read; it may hold "
		    "requests in doubt");
	else if (r->open_now > 0)
		hl_message(cli,
		    "the store that is there has %llu open %s, which this "
		    "puts aside with it: run hsmlic recover first",
		    (unsigned long long)r->open_now,
		    hl_plural(r->open_now, "request", "requests"));
}

/* It is opened as the next command will open it. */
static hl_rc
restore_and_open(hl_restoring *r, hl_err *err)
{
	const hl_store_options opt = { .read_only = false };
	hl_rc rc;

	rc = hl_store_restore(r->copy, r->to, r->aside, sizeof(r->aside), err);
	if (rc == HL_OK)
		rc = hl_store_open(&r->cli->store, r->to, &opt, err);
	if (rc != HL_OK && r->aside[0] != '\0')
		hl_err_add(err, "the store that was there is %s", r->aside);
	return rc;
}

static hl_rc
do_restore(hl_restoring *r, hl_err *err)
{
	hl_buf question = HL_BUF_INIT;
	hl_rc rc;

	tell_consequences(r);
	if (r->cli->dry_run) {
		hl_message(r->cli, "would restore %s from %s", r->to, r->from);
		return HL_OK;
	}
	hl_buf_printf(&question, "restore %s from %s%s", r->to, r->from,
	    r->there ? " and put the present store aside" : "");
	rc = hl_ask(r->cli, hl_buf_str(&question), err);
	hl_buf_free(&question);
	return rc == HL_OK ? restore_and_open(r, err) : rc;
}

static hl_rc
print_restored(const hl_restoring *r, hl_err *err)
{
	hl_cli *cli = r->cli;

	if (cli->json)
		return hl_print_json(cli,
		    json_pack("{s:o, s:o, s:o, s:I, s:I, s:b}", "path",
			hl_json_any(r->to), "from", hl_json_any(r->from),
			"put_aside", hl_json_any(r->aside), "licenses",
			(json_int_t)r->figures.licenses, "open_put_aside",
			(json_int_t)r->open_now, "dry_run", cli->dry_run),
		    err);
	if (cli->dry_run)
		return HL_OK;
	print_info(&r->info);
	hl_fact("restored to", "%s", r->to);
	if (r->aside[0] != '\0')
		hl_fact("put aside", "%s", r->aside);
	return HL_OK;
}

hl_rc
hl_cmd_store_restore(hl_cli *cli, char **operands, hl_err *err)
{
	hl_restoring *r = calloc(1, sizeof(*r));
	hl_rc rc;

	if (r == NULL)
		return hl_nomem(err);
	r->cli = cli;
	r->from = operands[0];
	if ((rc = path_of_url(cli->url, &r->to, err)) == HL_OK &&
	    (rc = look_at_present(r, err)) == HL_OK &&
	    (rc = open_copy(r, err)) == HL_OK &&
	    (rc = do_restore(r, err)) == HL_OK)
		rc = print_restored(r, err);
	hl_store_close(&r->copy);
	free(r);
	return rc;
}
