/* SPDX-License-Identifier: Apache-2.0 */
/* audit verify: whether the ledger and all it vouches for are what was written.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/audit.h"

typedef struct verifying {
	hl_cli *cli;
	hl_store_info info;
	hl_keys keys;
	hl_checkpoint_files files;
	json_t *findings; /* NULL: they are printed */
	hl_progress progress;
	bool failed; /* no memory */
	uint64_t n;  /* findings of our own */
	hl_audit_result result;
} verifying;

/* ---- findings ----------------------------------------------------------- */

static void
on_found(void *arg, const char *text)
{
	verifying *v = arg;

	if (v->findings == NULL) {
		hl_progress_end(&v->progress);
		(void)printf("%s\n", text);
	} else if (json_array_append_new(v->findings, hl_json_any(text)) != 0) {
		v->failed = true;
	}
}

static void
on_progress(void *arg, uint64_t done, uint64_t of)
{
	verifying *v = arg;

	v->progress.total = of;
	hl_progress_step(&v->progress, done);
}

/* A key that was given and signed nothing: its owner is not among those who
 * vouch, which may be just what the auditor thinks they do. */
static void
find_unused_keys(verifying *v)
{
	char words[HL_KEY_WORDS], text[HL_KEY_WORDS + 80];

	if (v->keys.own_word || v->files.n == 0)
		return;
	for (size_t i = 0; i < v->keys.n; i++) {
		if (hl_key_signed(&v->files, i))
			continue;
		hl_key_words(&v->keys.k[i], words);
		(void)hl_text_format(text, sizeof(text),
		    "the %s has signed none of these checkpoints", words);
		hl_text_clean(text);
		on_found(v, text);
		v->n++;
	}
}

/* ---- the checkpoints ---------------------------------------------------- */

static void
tell_signed(const verifying *v, const hl_checkpoint_file *f)
{
	char words[HL_KEY_WORDS], at[HL_TIME_TEXT];

	for (size_t i = 0; i < v->keys.n; i++) {
		if (!f->verified[i])
			continue;
		hl_key_words(&v->keys.k[i], words);
		hl_time_text((int64_t)(f->times[i] * 1000), at);
		hl_message(v->cli, "%s: %" PRIu64 " events, %s by the %s%s%s",
		    f->path, f->c.size,
		    f->times[i] != 0 ? "cosigned" : "signed", words,
		    f->times[i] != 0 ? " at " : "", f->times[i] != 0 ? at : "");
	}
}

static hl_rc
read_checkpoints(verifying *v, hl_err *err)
{
	hl_cli *cli = v->cli;
	hl_rc rc;

	if (hl_opt(cli, "checkpoint") == NULL && hl_opt(cli, "key") != NULL)
		return hl_fail(err, HL_EUSAGE, "verify the ledger",
		    "add --checkpoint FILE",
		    "a --key says who may have signed a checkpoint, and none "
		    "was given");
	if (hl_opt(cli, "checkpoint") == NULL)
		return HL_OK;
	if ((rc = hl_keys_choose(cli, v->info.origin, &v->keys, err)) != HL_OK)
		return rc;
	rc = hl_checkpoint_files_read(
	    cli, "checkpoint", v->info.origin, &v->keys, &v->files, err);
	if (rc != HL_OK)
		return rc;
	for (size_t i = 0; i < v->files.n; i++)
		tell_signed(v, &v->files.f[i]);
	if (v->keys.own_word)
		hl_print_note(cli,
		    "which keys sign this log is the ledger's own word here: "
		    "whoever wrote another ledger could name other keys. Give "
		    "--key KEY with a key that you had from elsewhere");
	return HL_OK;
}

/* ---- the ledger --------------------------------------------------------- */

static hl_rc
audit(verifying *v, hl_err *err)
{
	hl_audit_point *points;
	hl_rc rc;

	if ((points = calloc(v->files.n + 1, sizeof(*points))) == NULL)
		return hl_nomem(err);
	for (size_t i = 0; i < v->files.n; i++)
		points[i] = (hl_audit_point){ v->files.f[i].c.size,
			v->files.f[i].c.root, v->files.f[i].path };
	rc = hl_store_audit(v->cli->store, points, v->files.n, on_found,
	    on_progress, v, &v->result, err);
	hl_progress_end(&v->progress);
	free(points);
	return rc == HL_OK && v->failed ? hl_nomem(err) : rc;
}

static json_t *
checkpoints_json(const verifying *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->files.n; i++)
		(void)json_array_append_new(
		    list, hl_json_checkpoint(&v->files.f[i], &v->keys));
	return list;
}

static hl_rc
print_result(verifying *v, hl_err *err)
{
	const hl_audit_result *r = &v->result;
	json_t *findings = v->findings;
	hl_hash root;
	hl_rc rc;

	if ((rc = hl_frontier_root(&r->tree, &root, err)) != HL_OK)
		return rc;
	v->cli->exit_code = v->n > 0 ? 1 : 0;
	if (v->cli->json) {
		v->findings = NULL;
		return hl_print_json(v->cli,
		    json_pack("{s:o, s:I, s:o, s:I, s:I, s:o, s:b, s:I, s:o, "
			      "s:b}",
			"origin", hl_json_text(v->info.origin), "events",
			(json_int_t)r->events, "root",
			hl_json_hex(root.b, sizeof(root.b)), "rows",
			(json_int_t)r->rows, "licenses",
			(json_int_t)r->licenses, "checkpoints",
			checkpoints_json(v), "own_keys", v->keys.own_word,
			"findings_all", (json_int_t)v->n, "findings", findings,
			"ok", v->n == 0),
		    err);
	}
	if (v->n > HL_AUDIT_TOLD_MAX)
		hl_message(
		    v->cli, "only the first %d are shown", HL_AUDIT_TOLD_MAX);
	hl_message(v->cli,
	    "%" PRIu64 " %s, %" PRIu64 " %s, %" PRIu64 " %s: %" PRIu64 " %s",
	    r->events, hl_plural(r->events, "event", "events"), r->rows,
	    hl_plural(r->rows, "row", "rows"), r->licenses,
	    hl_plural(r->licenses, "license", "licenses"), v->n,
	    hl_plural(v->n, "finding", "findings"));
	if (v->n == 0)
		(void)printf("%s: nothing found\n", v->info.url);
	if (v->n == 0 && v->files.n == 0)
		hl_message(v->cli,
		    "without --checkpoint FILE this says that the ledger "
		    "agrees "
		    "with itself, not that it is the one of before");
	return HL_OK;
}

/* ---- the store ---------------------------------------------------------- */

static bool
take_origin(void *arg, const hl_event_row *r)
{
	verifying *v = arg;
	const char *origin;
	hl_event e;

	if (hl_audit_read_event(r, &e, NULL) != HL_OK)
		return false;
	if ((origin = hl_event_text(&e, "store_origin")) != NULL)
		(void)hl_text_copy(
		    v->info.origin, sizeof(v->info.origin), origin);
	hl_event_free(&e);
	return false;
}

/* A store that was altered may not even say whose it is; that is a finding like
 * others, and the ledger's first event says so, too. */
static hl_rc
read_info(verifying *v, hl_err *err)
{
	hl_err why = { 0 };
	hl_rc rc = hl_store_info_get(v->cli->store, &v->info, &why);

	if (rc == HL_ESTORE || rc == HL_EINTEGRITY) {
		memset(&v->info, 0, sizeof(v->info));
		if (hl_store_events(
			v->cli->store, 0, 1, take_origin, v, &why) != HL_OK)
			v->info.origin[0] = '\0';
		return HL_OK;
	}
	if (rc != HL_OK && err != NULL)
		*err = why;
	return rc;
}

/* What was found before it had to stop is not lost. */
static hl_rc
print_unfinished(verifying *v, hl_rc rc, const hl_err *err)
{
	json_t *findings = v->findings;

	v->findings = NULL;
	if (findings != NULL && json_array_size(findings) > 0)
		(void)!hl_print_json(v->cli,
		    json_pack("{s:o, s:b, s:o}", "findings", findings, "ok",
			false, "error", hl_json_error(err)),
		    NULL);
	else
		json_decref(findings);
	return rc;
}

static hl_rc
verify(verifying *v, hl_err *err)
{
	hl_rc rc;

	if ((rc = read_info(v, err)) != HL_OK ||
	    (rc = read_checkpoints(v, err)) != HL_OK)
		return rc;
	if (v->cli->json && (v->findings = json_array()) == NULL)
		return hl_nomem(err);
	hl_progress_start(&v->progress, v->cli, "verifying", 0);
	find_unused_keys(v);
	if ((rc = audit(v, err)) != HL_OK)
		return print_unfinished(v, rc, err);
	v->n += v->result.findings;
	return print_result(v, err);
}

hl_rc
hl_cmd_audit_verify(hl_cli *cli, char **operands, hl_err *err)
{
	verifying *v = calloc(1, sizeof(*v));
	hl_rc rc;

	(void)operands;
	if (v == NULL)
		return hl_nomem(err);
	v->cli = cli;
	rc = verify(v, err);
	hl_checkpoint_files_free(&v->files);
	json_decref(v->findings);
	free(v);
	return rc;
}
