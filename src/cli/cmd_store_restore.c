/* SPDX-License-Identifier: Apache-2.0 */
/* store restore: a copy takes the store's place. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/audit.h"
#include "cli/store_parts.h"

#define FINDINGS_SHOWN 3

typedef struct hl_restoring {
	hl_cli *cli;
	const char *from, *to; /* paths */
	bool there;	       /* something is at `to` */
	hl_store *copy;
	hl_store_info info; /* of the copy */
	hl_figures figures; /* of the copy */
	hl_audit_result audit; /* of the copy; of an older one the findings */
	hl_store *present;  /* what is there; NULL: nothing that can be read */
	uint64_t open_now;  /* requests open in it */
	hl_lack lack;
	hl_checkpoint_file *checkpoints;
	size_t n_checkpoints;
	char aside[PATH_MAX + 64];
} hl_restoring;

/* ---- is it sound? ------------------------------------------------------- */

typedef struct checking {
	hl_progress progress;
	hl_err bad; /* what is said of a copy that is not */
	uint64_t n;
} checking;

static void
on_bad_copy(void *arg, const char *text)
{
	checking *k = arg;

	if (k->n++ < FINDINGS_SHOWN)
		hl_err_add(&k->bad, "%s", text);
}

static void
on_progress(void *arg, uint64_t done, uint64_t of)
{
	checking *k = arg;

	k->progress.total = of;
	hl_progress_step(&k->progress, done);
}

/* The ledger of an older schema is yet to be made: of the rows. */
static hl_rc
find_faults(hl_restoring *r, checking *k, hl_err *err)
{
	hl_rc rc;

	if (r->info.schema_found < r->info.schema)
		return hl_store_check(
		    r->copy, on_bad_copy, k, &r->audit.findings, err);
	hl_progress_start(&k->progress, r->cli, "verifying", 0);
	rc = hl_store_audit(
	    r->copy, NULL, 0, on_bad_copy, on_progress, k, &r->audit, err);
	hl_progress_end(&k->progress);
	return rc;
}

static void
tell_damaged(const hl_restoring *r, const hl_err *bad)
{
	hl_buf b = HL_BUF_INIT;

	hl_buf_printf(&b,
	    "the copy is damaged, and is restored as it is, as --damaged says: "
	    "%s",
	    bad->why);
	hl_print_note(r->cli, hl_buf_str(&b));
	hl_buf_free(&b);
}

/* The whole of it: a copy whose events were altered would never be signed
 * again, and nobody would find out before. */
static hl_rc
check_copy(hl_restoring *r, hl_err *err)
{
	checking k = { .n = 0 };
	hl_rc rc;

	(void)hl_fail(&k.bad, HL_EINTEGRITY, "",
	    "use another copy; hsmlic audit verify --store COPY names all; if "
	    "there is none, --damaged takes this one as it is",
	    "a check of this copy found something");
	hl_err_what(&k.bad, "restore from %s", r->from);
	rc = find_faults(r, &k, err);
	if (rc != HL_OK || r->audit.findings == 0)
		return rc;
	if (hl_opt_set(r->cli, "damaged")) {
		tell_damaged(r, &k.bad);
		return HL_OK;
	}
	if (err != NULL)
		*err = k.bad;
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
	if (rc != HL_OK ||
	    (rc = hl_store_info_get(r->copy, &r->info, err)) != HL_OK ||
	    (rc = check_copy(r, err)) != HL_OK)
		return rc;
	return hl_store_figures(r->copy, 0, INT64_MAX, &r->figures, err);
}

/* The store that is there may be damaged: that is why one restores. */
static hl_rc
look_at_present(hl_restoring *r, hl_err *err)
{
	const hl_store_options opt = { .read_only = true };
	struct stat a, b;
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
	if (hl_store_open(&r->present, r->to, &opt, NULL) == HL_OK &&
	    hl_store_figures(r->present, 0, INT64_MAX, &f, NULL) == HL_OK)
		r->open_now = f.open;
	else
		hl_store_close(&r->present);
	return HL_OK;
}

/* ---- what the copy lacks ------------------------------------------------ */

/* A store that is damaged further on is one that cannot be read, too. */
static void
compare_present(hl_restoring *r)
{
	if (r->present == NULL ||
	    hl_lack_find(r->copy, r->present, &r->lack, NULL) == HL_OK)
		return;
	hl_lack_free(&r->lack);
	hl_store_close(&r->present);
}

static hl_rc
fail_checkpoint(const hl_restoring *r, const hl_checkpoint_file *f, hl_err *err)
{
	hl_fail(err, HL_EINTEGRITY, "",
	    "find out which of the two was altered: hsmlic audit verify "
	    "--checkpoint FILE --store COPY; nothing was restored",
	    "its first %llu events do not make the root that %s says",
	    (unsigned long long)f->c.size, f->path);
	hl_err_what(err, "restore from %s", r->from);
	return HL_EINTEGRITY;
}

static hl_rc
fail_origin(const hl_restoring *r, const hl_checkpoint_file *f, hl_err *err)
{
	hl_fail(err, HL_EINPUT, "", "name a checkpoint of this store",
	    "it is one of \"%s\", and the copy calls itself \"%s\"",
	    f->c.origin, r->info.origin);
	hl_err_what(err, "compare with the checkpoint %s", f->path);
	return HL_EINPUT;
}

static void
tell_behind(const hl_restoring *r, const hl_checkpoint_file *f, uint64_t size)
{
	hl_buf b = HL_BUF_INIT;

	hl_buf_printf(&b,
	    "the copy ends before the checkpoint %s: it has %llu events, not "
	    "%llu",
	    f->path, (unsigned long long)size, (unsigned long long)f->c.size);
	hl_print_note(r->cli, hl_buf_str(&b));
	hl_buf_free(&b);
}

/* A checkpoint knows how long the ledger was, and what was in it. */
static hl_rc
compare_checkpoint(
    const hl_restoring *r, const hl_checkpoint_file *f, hl_err *err)
{
	hl_frontier tree, at = { .size = 0 };
	hl_hash root;
	hl_rc rc;

	if (strcmp(f->c.origin, r->info.origin) != 0)
		return fail_origin(r, f, err);
	if ((rc = hl_store_tree(r->copy, &tree, err)) != HL_OK)
		return rc;
	if (f->c.size > tree.size) {
		tell_behind(r, f, tree.size);
		return HL_OK;
	}
	if ((rc = hl_audit_leaves(r->copy, 0, f->c.size, &at, err)) != HL_OK ||
	    (rc = hl_frontier_root(&at, &root, err)) != HL_OK)
		return rc;
	return hl_hash_equal(&root, &f->c.root) ? HL_OK
						: fail_checkpoint(r, f, err);
}

static hl_rc
read_checkpoints(hl_restoring *r, hl_err *err)
{
	size_t n = 0;
	hl_rc rc;

	while (hl_opt_nth(r->cli, "checkpoint", n) != NULL)
		n++;
	r->checkpoints = calloc(n + 1, sizeof(*r->checkpoints));
	if (r->checkpoints == NULL)
		return hl_nomem(err);
	for (; r->n_checkpoints < n; r->n_checkpoints++) {
		rc = hl_checkpoint_file_read(
		    hl_opt_nth(r->cli, "checkpoint", r->n_checkpoints),
		    &r->checkpoints[r->n_checkpoints], err);
		if (rc != HL_OK)
			return rc;
	}
	return HL_OK;
}

static hl_rc
compare_checkpoints(hl_restoring *r, hl_err *err)
{
	hl_rc rc = HL_OK;

	if (r->n_checkpoints > 0 && r->info.schema_found < r->info.schema)
		return hl_fail(err, HL_EINPUT, "compare with a checkpoint",
		    "leave out --checkpoint",
		    "the copy has no ledger yet: an older hsmlic made it");
	for (size_t i = 0; i < r->n_checkpoints && rc == HL_OK; i++)
		rc = compare_checkpoint(r, &r->checkpoints[i], err);
	if (rc == HL_OK && r->n_checkpoints > 0)
		hl_print_note(r->cli,
		    "who signed the checkpoint was not looked at, only which "
		    "events it is of: hsmlic audit verify --checkpoint FILE "
		    "--key KEY --store COPY verifies the signature");
	return rc;
}

/* ---- doing it ----------------------------------------------------------- */

/* What was looked at, and what was not. */
static void
tell_checked(const hl_restoring *r)
{
	const uint64_t n = r->figures.licenses;
	const hl_audit_result *a = &r->audit;

	hl_message(r->cli, "the copy holds %llu %s", (unsigned long long)n,
	    hl_plural(n, "license", "licenses"));
	if (r->info.schema_found < r->info.schema)
		hl_message(r->cli,
		    "its rows and licenses were checked: %llu %s; an older "
		    "hsmlic made it, without a ledger",
		    (unsigned long long)a->findings,
		    hl_plural(a->findings, "finding", "findings"));
	else
		hl_message(r->cli,
		    "its %llu events, %llu rows and their licenses were "
		    "checked: %llu %s; that it agrees with itself does not "
		    "say that it is the store of before: --checkpoint does",
		    (unsigned long long)a->events, (unsigned long long)a->rows,
		    (unsigned long long)a->findings,
		    hl_plural(a->findings, "finding", "findings"));
}

/* What a person has to know before, and cannot undo by asking again. */
static void
tell_consequences(const hl_restoring *r)
{
	const hl_cli *cli = r->cli;

	tell_checked(r);
	hl_message(cli,
	    "what was recorded after the copy was made will be missing: a "
	    "license fetched since costs another unit, unless it is taken "
	    "from the store that is put aside");
	if (r->there && r->present == NULL)
		hl_message(cli,
		    "the store that is there cannot be read; it may hold "
		    "requests in doubt");
	else if (r->open_now > 0)
		hl_message(cli,
		    "the store that is there has %llu open %s, which this "
		    "puts aside with it: run hsmlic recover first",
		    (unsigned long long)r->open_now,
		    hl_plural(r->open_now, "request", "requests"));
	if (r->present != NULL)
		hl_lack_tell(cli, &r->lack);
}

/* How it comes back, and how to find out what else is missing. */
static void
tell_ways_back(const hl_restoring *r)
{
	hl_buf b = HL_BUF_INIT;
	char word[PATH_MAX + 80];

	if (r->lack.events > 0 || json_array_size(r->lack.licenses) > 0) {
		(void)hl_text_word(word, sizeof(word), r->aside);
		hl_buf_printf(&b,
		    "to bring back what the copy lacks: hsmlic store merge %s",
		    word);
		hl_print_note(r->cli, hl_buf_str(&b));
	}
	hl_buf_free(&b);
	hl_message(r->cli,
	    "run hsmlic reconcile with the cards: a counter below the one that "
	    "this store expects tells how many units it does not know of");
}

/* It is opened as the next command will open it. */
static hl_rc
restore_and_open(hl_restoring *r, hl_err *err)
{
	const hl_store_options opt = { .read_only = false };
	hl_rc rc;

	rc = hl_store_restore(r->copy, r->to, r->audit.findings > 0,
	    &r->cli->actor, r->aside, sizeof(r->aside), err);
	if (rc == HL_OK)
		tell_ways_back(r);
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
	hl_store_close(&r->present);
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
		    json_pack("{s:o, s:o, s:o, s:I, s:I, s:o, s:I, s:b}",
			"path", hl_json_any(r->to), "from",
			hl_json_any(r->from), "put_aside",
			hl_json_any(r->aside), "licenses",
			(json_int_t)r->figures.licenses, "open_put_aside",
			(json_int_t)r->open_now, "lacks",
			hl_json_lack(&r->lack), "findings_all",
			(json_int_t)r->audit.findings, "dry_run", cli->dry_run),
		    err);
	if (cli->dry_run)
		return HL_OK;
	hl_store_facts(&r->info);
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
	if ((rc = hl_store_path(cli->url, &r->to, err)) == HL_OK &&
	    (rc = read_checkpoints(r, err)) == HL_OK &&
	    (rc = look_at_present(r, err)) == HL_OK &&
	    (rc = open_copy(r, err)) == HL_OK)
		rc = compare_checkpoints(r, err);
	if (rc == HL_OK) {
		compare_present(r);
		rc = do_restore(r, err);
	}
	if (rc == HL_OK)
		rc = print_restored(r, err);
	for (size_t i = 0; i < r->n_checkpoints; i++)
		hl_checkpoint_file_free(&r->checkpoints[i]);
	free(r->checkpoints);
	hl_lack_free(&r->lack);
	hl_store_close(&r->present);
	hl_store_close(&r->copy);
	free(r);
	return rc;
}
