/* SPDX-License-Identifier: Apache-2.0 */
/* audit witness: cosigns somebody else's ledger, without its store. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bundle.h"
#include "cli/secret.h"
#include "ledger/signing.h"

static const char what[] = "cosign the ledger";

typedef struct watching {
	hl_cli *cli;
	const char *name, *path; /* path NULL: standard output */
	hl_secret secret;
	hl_signer *signer;
	hl_memory *memory;
	hl_bundle bundle;
	hl_checkpoint_file file;
	hl_keys keys;
	uint64_t was; /* events when this key signed last */
	hl_buf note;
} watching;

static hl_rc
need(const char *why, const char *hint, hl_err *err)
{
	return hl_fail(err, HL_EUSAGE, what, hint, "%s", why);
}

static hl_rc
open_key(watching *w, hl_err *err)
{
	const char *key = hl_opt(w->cli, "key");
	const bool last_try = hl_opt_set(w->cli, "last-pin-try");
	hl_rc rc;

	if (key == NULL)
		return need("which key signs was not said",
		    "add --key FILE; hsmlic audit key new FILE makes one", err);
	if (w->name == NULL)
		return need("what this witness is called was not said",
		    "add --name NAME, always the same with one key", err);
	if ((rc = hl_key_name_check(w->name, err)) != HL_OK ||
	    (rc = hl_secret_init(
		 &w->secret, hl_opt(w->cli, "pin"), last_try, err)) != HL_OK)
		return rc;
	rc = hl_signer_open(
	    &w->signer, key, hl_opt(w->cli, "module"), &w->secret.source, err);
	if (rc == HL_OK && hl_signer_public(w->signer)->type != HL_KEY_ED25519)
		return need("witnesses sign with Ed25519 alone",
		    "make such a key: hsmlic audit key new FILE", err);
	return rc;
}

/* Anybody can be a witness, and says no more of a log than what was shown to
 * it: only a key of the log's name and kind speaks for the log. */
static hl_rc
check_log_key(const watching *w, const hl_vkey *k, hl_err *err)
{
	char words[HL_KEY_WORDS];

	if (k->algorithm == hl_key_log_algorithm(k->key.type) &&
	    strcmp(k->name, w->file.c.origin) == 0)
		return HL_OK;
	hl_key_words(k, words);
	return hl_fail(err, HL_EUSAGE, what,
	    "give the log's own key, as hsmlic audit key show prints it "
	    "there; not a witness's, and not of another log",
	    "the %s is no key of the log %s", words, w->file.c.origin);
}

static hl_rc
read_log_keys(watching *w, hl_err *err)
{
	const char *key;
	hl_rc rc;

	for (size_t i = 0; (key = hl_opt_nth(w->cli, "log-key", i)) != NULL;
	     i++) {
		rc = hl_keys_word(&w->keys, key, w->file.c.origin, err);
		if (rc != HL_OK)
			return rc;
	}
	for (size_t i = 0; i < w->keys.n; i++) {
		if ((rc = check_log_key(w, &w->keys.k[i], err)) != HL_OK)
			return rc;
	}
	return HL_OK;
}

/* Each of them has to have signed: two keys of one log are two people who are
 * to agree. */
static hl_rc
verify_log(watching *w, hl_err *err)
{
	const hl_checkpoint_files all = { &w->file, 1 };
	hl_rc rc;

	if ((rc = read_log_keys(w, err)) != HL_OK ||
	    (rc = hl_checkpoint_file_verify(
		 &w->file, w->file.c.origin, &w->keys, err)) != HL_OK)
		return rc;
	return hl_keys_all_signed(&w->keys, &all, NULL, err);
}

/* The log's key comes from elsewhere: with one out of the bundle, anybody's
 * ledger of that name would be cosigned. */
static hl_rc
read_bundle(watching *w, const char *path, hl_err *err)
{
	hl_rc rc;

	if (hl_opt(w->cli, "log-key") == NULL)
		return need("which key the log signs with was not said",
		    "add --log-key KEY; have it from its owner, not from the "
		    "bundle",
		    err);
	if ((rc = hl_bundle_open(&w->bundle, path, err)) != HL_OK ||
	    (rc = hl_bundle_checkpoint(&w->bundle, &w->file, err)) != HL_OK)
		return rc;
	return verify_log(w, err);
}

/* With one key under two names, one witness would count as two. */
static hl_rc
check_name(const watching *w, hl_err *err)
{
	const char *was = hl_memory_name(w->memory);

	if (was[0] == '\0' || strcmp(was, w->name) == 0)
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, what,
	    "give that --name, or make another key for the other witness",
	    "this key cosigns under the name \"%s\", not \"%s\"", was, w->name);
}

/* Only a tree that continues the last one that this key signed. */
static hl_rc
check_tree(watching *w, hl_err *err)
{
	const hl_checkpoint *c = &w->file.c;
	char path[PATH_MAX];
	hl_frontier last;
	hl_rc rc;

	rc = hl_signer_memory(hl_opt(w->cli, "key"), hl_opt(w->cli, "memory"),
	    w->signer, path, sizeof(path), err);
	if (rc != HL_OK ||
	    (rc = hl_memory_open(&w->memory, path, err)) != HL_OK ||
	    (rc = check_name(w, err)) != HL_OK)
		return rc;
	(void)hl_memory_find(w->memory, c->origin, &last);
	w->was = last.size;
	rc = hl_sign_tree(w->memory, c->origin, c->size, &c->root,
	    hl_bundle_leaves, &w->bundle, err);
	if (rc == HL_EINTEGRITY && c->size < w->was)
		hl_err_hint(err,
		    "ask for a newer bundle; if there is none, the log was "
		    "rolled back");
	return rc == HL_OK ? hl_memory_put_name(w->memory, w->name, err) : rc;
}

static hl_rc
cosign(watching *w, hl_err *err)
{
	const uint64_t now = (uint64_t)(hl_now_ms() / 1000);
	hl_rc rc;

	hl_buf_put(&w->note, w->file.bytes.p, w->file.bytes.n);
	if (w->note.failed)
		return hl_nomem(err);
	rc = hl_checkpoint_cosign(
	    &w->note, &w->file.c, w->name, now, w->signer, err);
	if (rc == HL_OK && (w->path != NULL || !w->cli->json))
		rc = hl_checkpoint_write(
		    w->cli, w->path, &w->note, &w->file.c, err);
	return rc;
}

/* A witness that has lost its memory would cosign any history. */
static void
tell_first(const watching *w)
{
	char text[HL_ERR_WHY];

	if (w->was > 0 || w->cli->dry_run)
		return;
	(void)hl_text_format(text, sizeof(text),
	    "%s has cosigned nothing of %s before, as far as its memory tells: "
	    "no older tree was compared with this one",
	    w->name, w->file.c.origin);
	hl_print_note(w->cli, text);
}

static hl_rc
print_cosigned(watching *w, hl_err *err)
{
	const hl_checkpoint *c = &w->file.c;

	tell_first(w);
	if (w->cli->json)
		return hl_print_json(w->cli,
		    json_pack("{s:o, s:s, s:o, s:I, s:o, s:I, s:o, s:b}",
			"path", hl_json_any(w->path == NULL ? "" : w->path),
			"name", w->name, "origin", hl_json_text(c->origin),
			"size", (json_int_t)c->size, "root",
			hl_json_hex(c->root.b, sizeof(c->root.b)),
			"size_before", (json_int_t)w->was, "checkpoint",
			hl_json_text(hl_buf_str(&w->note)), "dry_run",
			w->cli->dry_run),
		    err);
	hl_message(w->cli,
	    "%s the %" PRIu64 " events of %s, %" PRIu64 " of them new to %s",
	    w->cli->dry_run ? "would cosign" : "cosigned", c->size, c->origin,
	    c->size - w->was, w->name);
	return HL_OK;
}

/* In a dry run the memory, which may stand for this key alone, stays shut. */
static hl_rc
witness(watching *w, const char *path, hl_err *err)
{
	hl_rc rc;

	if ((rc = open_key(w, err)) != HL_OK ||
	    (rc = read_bundle(w, path, err)) != HL_OK ||
	    (rc = hl_checkpoint_may_write(w->path, &w->file.c, err)) != HL_OK)
		return rc;
	if (!w->cli->dry_run &&
	    ((rc = check_tree(w, err)) != HL_OK ||
		(rc = cosign(w, err)) != HL_OK))
		return rc;
	return print_cosigned(w, err);
}

hl_rc
hl_cmd_audit_witness(hl_cli *cli, char **operands, hl_err *err)
{
	watching *w = calloc(1, sizeof(*w));
	hl_rc rc;

	if (w == NULL)
		return hl_nomem(err);
	w->cli = cli;
	w->name = hl_opt(cli, "name");
	w->path = hl_opt(cli, "output");
	if (w->path != NULL && strcmp(w->path, "-") == 0)
		w->path = NULL;
	rc = witness(w, operands[0], err);
	hl_memory_close(&w->memory);
	hl_signer_close(&w->signer);
	hl_secret_free(&w->secret);
	hl_checkpoint_file_free(&w->file);
	hl_bundle_close(&w->bundle);
	hl_buf_free(&w->note);
	free(w);
	return rc;
}
