/* SPDX-License-Identifier: Apache-2.0 */
/* audit checkpoint: signs the ledger as it is. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/audit.h"
#include "cli/secret.h"
#include "ledger/signing.h"
#include "util/file.h"

static const char what[] = "sign the ledger";

typedef struct making {
	hl_cli *cli;
	hl_text origin;
	hl_secret secrets[HL_SIGNERS_MAX];
	size_t n;
	hl_signer *signers[HL_SIGNERS_MAX];
	hl_memory *memories[HL_SIGNERS_MAX];
	hl_keys keys;	    /* that sign, in the order of `signers` */
	hl_keys known;	    /* before */
	bool first;	    /* no checkpoint was made before */
	const char *change; /* of the known ones; NULL: none */
	const char *path;   /* NULL: standard output */
	hl_frontier tree;
	hl_checkpoint c;
	uint64_t seq; /* of the event that tells of it */
	hl_buf note;
} making;

/* ---- the keys that sign ------------------------------------------------- */

static hl_rc
open_signer(making *m, const char *key, hl_err *err)
{
	hl_signer **s = &m->signers[m->n];
	const hl_public_key *p;
	hl_vkey k;
	hl_rc rc;

	rc = hl_signer_open(
	    s, key, hl_opt(m->cli, "module"), &m->secrets[m->n].source, err);
	if (rc != HL_OK)
		return rc;
	m->n++;
	p = hl_signer_public(*s);
	rc = hl_vkey_make(&k, m->origin, hl_key_log_algorithm(p->type), p, err);
	if (rc == HL_OK && hl_keys_have(&m->keys, &k))
		rc = hl_fail(err, HL_EUSAGE, what, "give each key once",
		    "%s is a key that was given already", key);
	return rc == HL_OK ? hl_keys_add(&m->keys, &k, err) : rc;
}

/* ---- their PINs ---------------------------------------------------------- */

static size_t
count(const hl_cli *cli, const char *option)
{
	size_t n = 0;

	while (hl_opt_nth(cli, option, n) != NULL)
		n++;
	return n;
}

/* One that is too few must not be tried with a key that it is not for. */
static hl_rc
check_pins(size_t given, size_t needed, hl_err *err)
{
	static const char hint[] =
	    "give --pin once for each key that needs one, in the order of the "
	    "keys; a URI may have its own: ?pin-source=file:/PATH";

	if (given > 1 && given > needed)
		return hl_fail(err, HL_EUSAGE, what, hint,
		    "--pin was given %zu times, and of the keys %zu %s one",
		    given, needed, hl_plural(needed, "needs", "need"));
	if (given == 0 || given >= needed || hl_secret_may_prompt())
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, what, hint,
	    "%zu keys need a PIN or passphrase, and %zu --pin %s given; "
	    "nothing was tried",
	    needed, given, hl_plural(given, "was", "were"));
}

/* The nth --pin is that of the nth key which needs one. */
static hl_rc
find_pins(making *m, size_t keys, hl_err *err)
{
	const bool last_try = hl_opt_set(m->cli, "last-pin-try");
	size_t needed = 0;
	const char *pin;
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < keys && rc == HL_OK; i++) {
		pin = NULL;
		if (hl_signer_needs_pin(hl_opt_nth(m->cli, "key", i)))
			pin = hl_opt_nth(m->cli, "pin", needed++);
		rc = hl_secret_init(&m->secrets[i], pin, last_try, err);
	}
	return rc == HL_OK ? check_pins(count(m->cli, "pin"), needed, err) : rc;
}

static hl_rc
check_pin_words(making *m, hl_err *err)
{
	const char *word;
	hl_secret s;
	hl_rc rc = HL_OK;

	for (size_t i = 0; rc == HL_OK; i++) {
		if ((word = hl_opt_nth(m->cli, "pin", i)) == NULL)
			break;
		rc = hl_secret_init(&s, word, false, err);
	}
	return rc;
}

/* One that is open cannot be opened again: the second key would wait for it. */
static hl_rc
check_memories(const hl_cli *cli, hl_err *err)
{
	const char *a, *b;

	for (size_t i = 1; (a = hl_opt_nth(cli, "memory", i)) != NULL; i++) {
		for (size_t k = 0; k < i; k++) {
			b = hl_opt_nth(cli, "memory", k);
			if (strcmp(a, b) != 0 && !hl_file_same(a, b))
				continue;
			return hl_fail(err, HL_EUSAGE, what,
			    "each key has a memory of its own",
			    "--memory %s is given for two keys", a);
		}
	}
	return HL_OK;
}

static hl_rc
open_signers(making *m, hl_err *err)
{
	const size_t keys = count(m->cli, "key");
	hl_rc rc;

	if ((rc = check_memories(m->cli, err)) != HL_OK)
		return rc;
	if (keys == 0)
		return hl_fail(err, HL_EUSAGE, what,
		    "add --key FILE or --key pkcs11:URI; hsmlic audit key new "
		    "FILE makes one",
		    "which key signs was not said");
	if (keys > HL_SIGNERS_MAX)
		return hl_fail(err, HL_EUSAGE, what, "give fewer keys",
		    "more than %d cannot sign at once", HL_SIGNERS_MAX);
	if ((rc = check_pin_words(m, err)) != HL_OK ||
	    (rc = find_pins(m, keys, err)) != HL_OK)
		return rc;
	for (size_t i = 0; i < keys && rc == HL_OK; i++)
		rc = open_signer(m, hl_opt_nth(m->cli, "key", i), err);
	return rc;
}

/* ---- which of them are known -------------------------------------------- */

static size_t
count_known(const making *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->keys.n; i++)
		n += hl_keys_have(&m->known, &m->keys.k[i]);
	return n;
}

static hl_rc
refuse_unknown(const making *m, hl_err *err)
{
	char words[HL_KEY_WORDS] = "";

	for (size_t i = 0; i < m->keys.n; i++) {
		if (!hl_keys_have(&m->known, &m->keys.k[i])) {
			hl_key_words(&m->keys.k[i], words);
			break;
		}
	}
	return hl_fail(err, HL_EUSAGE, what,
	    "with --new-key the keys that sign now are the log's keys from now "
	    "on; a key of before that signs, too, shows that it agrees",
	    "the %s has not signed this log before", words);
}

/*
 * With --new-key the keys that sign are the log's keys from now on. An auditor
 * sees in m->change whether a key of before agreed.
 */
static hl_rc
judge_keys(making *m, hl_err *err)
{
	const bool may = hl_opt_set(m->cli, "new-key");
	size_t known;
	hl_rc rc;

	if ((rc = hl_keys_known(m->cli, &m->known, err)) != HL_OK)
		return rc;
	known = count_known(m);
	m->first = m->known.n == 0;
	if (m->first || known == m->keys.n)
		m->change = m->known.n > known && may ? "key.retired" : NULL;
	else if (!may)
		return refuse_unknown(m, err);
	else
		m->change = known > 0 ? "key.rotated" : "key.replaced";
	if (m->first || m->change != NULL)
		m->known = m->keys;
	return HL_OK;
}

/* ---- what the keys remember --------------------------------------------- */

static const char forgotten[] =
    "the %s signed this log before, and its memory %s knows nothing of it: "
    "whether the ledger was rolled back since cannot be told";

static void
tell_forgotten(const making *m, const char *words, const char *path)
{
	char text[PATH_MAX + HL_KEY_WORDS + sizeof(forgotten)];

	(void)hl_text_format(text, sizeof(text), forgotten, words, path);
	hl_text_clean(text);
	hl_print_note(m->cli, text);
}

/* A key that has signed and remembers nothing cannot see a rollback. */
static hl_rc
check_remembers(making *m, size_t i, const char *path, hl_err *err)
{
	char words[HL_KEY_WORDS];
	hl_frontier last;
	uint64_t size;
	hl_rc rc;

	if (hl_memory_find(m->memories[i], m->origin, &last))
		return HL_OK;
	rc = hl_key_last_signed(m->cli, &m->keys.k[i], &size, err);
	if (rc != HL_OK || size == 0)
		return rc;
	hl_key_words(&m->keys.k[i], words);
	if (!hl_opt_set(m->cli, "new-memory"))
		return hl_fail(err, HL_EINTEGRITY, what,
		    "bring the memory's newest copy, or say with --memory "
		    "where it is; if it is lost: hsmlic audit verify "
		    "--checkpoint with the last checkpoint that left here, "
		    "then --new-memory",
		    forgotten, words, path);
	tell_forgotten(m, words, path);
	return HL_OK;
}

static hl_rc
open_memory(making *m, size_t i, hl_err *err)
{
	const char *key = hl_opt_nth(m->cli, "key", i);
	char path[PATH_MAX];
	hl_rc rc;

	rc = hl_signer_memory(key, hl_opt_nth(m->cli, "memory", i),
	    m->signers[i], path, sizeof(path), err);
	if (rc == HL_OK)
		rc = hl_memory_open(&m->memories[i], path, err);
	return rc == HL_OK ? check_remembers(m, i, path, err) : rc;
}

/* Whoever had to restore an older copy for good is told how to go on. */
static void
hint_restored(making *m, size_t i, hl_err *err)
{
	uint64_t size;
	bool yes;

	if (hl_key_last_signed(m->cli, &m->keys.k[i], &size, NULL) == HL_OK &&
	    hl_audit_restored(m->cli->store, size, &yes, NULL) == HL_OK && yes)
		hl_err_hint(err,
		    "this store was restored from a copy since: if there is no "
		    "newer copy, make a new key (hsmlic audit key new FILE) "
		    "and sign with it and --new-key; auditors will see "
		    "key.replaced");
}

/* May this key sign the tree? If it is to, it remembers the tree. */
static hl_rc
check_memory(making *m, size_t i, hl_err *err)
{
	const hl_checkpoint *c = &m->c;
	hl_store *store = m->cli->store;
	hl_rc rc;

	rc = m->cli->dry_run ? hl_sign_check(m->memories[i], m->origin, c->size,
				   &c->root, hl_audit_leaves, store, NULL, err)
			     : hl_sign_tree(m->memories[i], m->origin, c->size,
				   &c->root, hl_audit_leaves, store, err);
	if (rc == HL_EINTEGRITY)
		hint_restored(m, i, err);
	return rc;
}

/* The checkpoint of the tree as it is now. */
static hl_rc
read_tree(making *m, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_store_tree(m->cli->store, &m->tree, err)) != HL_OK)
		return rc;
	(void)hl_text_copy(m->c.origin, sizeof(m->c.origin), m->origin);
	m->c.size = m->tree.size;
	return hl_frontier_root(&m->tree, &m->c.root, err);
}

/* May each key sign it? */
static hl_rc
check_tree(making *m, hl_err *err)
{
	hl_rc rc = read_tree(m, err);

	for (size_t i = 0; i < m->n && rc == HL_OK; i++)
		rc = check_memory(m, i, err);
	return rc;
}

/* Before the tree is read: behind their locks nobody signs a larger one. */
static hl_rc
open_memories(making *m, hl_err *err)
{
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < m->n && rc == HL_OK; i++)
		rc = open_memory(m, i, err);
	return rc;
}

/* What the keys remember ends where the last tree ended that they signed: of
 * what is older, they would sign whatever the store has for it now. */
static hl_rc
check_ledger(making *m, hl_err *err)
{
	if (!hl_opt_set(m->cli, "quick"))
		return hl_audit_sound(m->cli, err);
	hl_print_note(m->cli,
	    "older events were not looked at, only those that are new to the "
	    "keys");
	return HL_OK;
}

/* ---- the events --------------------------------------------------------- */

static hl_rc
tell_change(making *m, const char *known, hl_err *err)
{
	const hl_event_fact facts[] = { { "change", m->change, 0 },
		{ "known_keys", known, 0 } };

	if (m->change == NULL)
		return HL_OK;
	return hl_store_event_put(m->cli->store, "config.changed", facts,
	    HL_COUNT(facts), &m->cli->actor, NULL, err);
}

static hl_rc
tell_made(making *m, const char *keys, const char *known, hl_err *err)
{
	const hl_event_fact facts[] = { { "keys", keys, 0 },
		{ "known_keys", known, 0 } };

	return hl_store_event_put(m->cli->store, "checkpoint.made", facts,
	    HL_COUNT(facts), &m->cli->actor, &m->seq, err);
}

static hl_rc
tell(making *m, hl_err *err)
{
	hl_buf keys = HL_BUF_INIT, known = HL_BUF_INIT;
	hl_rc rc;

	if ((rc = hl_keys_text(&m->keys, " ", &keys, err)) == HL_OK &&
	    (rc = hl_keys_text(&m->known, " ", &known, err)) == HL_OK &&
	    (rc = tell_change(m, hl_buf_str(&known), err)) == HL_OK)
		rc = tell_made(m, hl_buf_str(&keys), hl_buf_str(&known), err);
	hl_buf_free(&keys);
	hl_buf_free(&known);
	return rc;
}

/* ---- signing ------------------------------------------------------------ */

/* Else the ledger would call itself vouched for up to there. */
static void
tell_failed(making *m, hl_err *err)
{
	const hl_event_fact facts[] = { { "change", "checkpoint.failed", 0 },
		{ "seq", NULL, (int64_t)m->seq } };

	if (hl_store_event_put(m->cli->store, "config.changed", facts,
		HL_COUNT(facts), &m->cli->actor, NULL, NULL) == HL_OK)
		hl_err_add(err,
		    "the ledger has an event that tells of this checkpoint, "
		    "and one that tells that it was not made");
	else
		hl_err_add(err,
		    "the ledger has an event that tells of this checkpoint, "
		    "which was not made");
}

static hl_rc
sign_and_write(making *m, hl_err *err)
{
	hl_rc rc = check_tree(m, err);

	for (size_t i = 0; i < m->n && rc == HL_OK; i++)
		rc = hl_checkpoint_sign(
		    &m->note, &m->c, m->origin, m->signers[i], err);
	if (rc == HL_OK && (m->path != NULL || !m->cli->json))
		rc = hl_checkpoint_write(m->cli, m->path, &m->note, &m->c, err);
	if (rc != HL_OK)
		tell_failed(m, err);
	return rc;
}

/* Whoever reads the new key alone could take it for an intruder's. */
static void
tell_replaced(const making *m)
{
	if (m->change != NULL && strcmp(m->change, "key.replaced") == 0)
		hl_print_note(m->cli,
		    "none of the keys that signed this log before agreed: the "
		    "ledger says key.replaced, and auditors will ask why");
}

static hl_rc
print_made(making *m, hl_err *err)
{
	json_t *keys;

	tell_replaced(m);
	if (m->cli->json) {
		keys = json_array();
		for (size_t i = 0; i < m->keys.n; i++)
			(void)json_array_append_new(
			    keys, hl_json_vkey(&m->keys.k[i]));
		return hl_print_json(m->cli,
		    json_pack("{s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:b}",
			"path", hl_json_any(m->path == NULL ? "" : m->path),
			"origin", hl_json_text(m->origin), "size",
			(json_int_t)m->c.size, "root",
			hl_json_hex(m->c.root.b,
			    m->cli->dry_run ? 0 : sizeof(m->c.root.b)),
			"keys", keys, "change",
			hl_json_text(m->change == NULL ? "" : m->change),
			"checkpoint", hl_json_text(hl_buf_str(&m->note)),
			"dry_run", m->cli->dry_run),
		    err);
	}
	if (m->path != NULL && !m->cli->dry_run) {
		hl_fact("checkpoint", "%s", m->path);
		hl_fact("origin", "%s", m->origin);
		hl_fact("events", "%" PRIu64, m->c.size);
		hl_fact_hex("root", m->c.root.b, sizeof(m->c.root.b));
	}
	if (m->cli->dry_run)
		hl_message(m->cli, "the tree would have %" PRIu64 " events",
		    m->c.size);
	for (size_t i = 0; i < m->keys.n; i++) {
		char words[HL_KEY_WORDS];

		hl_key_words(&m->keys.k[i], words);
		hl_message(m->cli, "%s by the %s",
		    m->cli->dry_run ? "would be signed" : "signed", words);
	}
	return HL_OK;
}

static void
making_free(making *m)
{
	for (size_t i = 0; i < HL_SIGNERS_MAX; i++) {
		hl_memory_close(&m->memories[i]);
		hl_signer_close(&m->signers[i]);
		hl_secret_free(&m->secrets[i]);
	}
	hl_buf_free(&m->note);
	free(m);
}

/* Known before anything is verified, and before there is an event. */
static hl_rc
check_output(making *m, hl_err *err)
{
	hl_rc rc;

	if (m->path == NULL)
		return HL_OK;
	if ((rc = hl_audit_output_check(m->cli, m->path, err)) != HL_OK ||
	    (rc = hl_checkpoint_may_write(m->path, &m->c, err)) != HL_OK)
		return rc;
	if (hl_opt_set(m->cli, "force") || access(m->path, F_OK) != 0)
		return HL_OK;
	return hl_fail(err, HL_EEXIST, "write the checkpoint",
	    "name another file, or add --force to replace the older checkpoint",
	    "%s is there already", m->path);
}

static hl_rc
make(making *m, hl_err *err)
{
	hl_store_info info;
	hl_rc rc;

	if ((rc = hl_store_info_get(m->cli->store, &info, err)) != HL_OK)
		return rc;
	(void)hl_text_copy(m->origin, sizeof(m->origin), info.origin);
	if ((rc = read_tree(m, err)) != HL_OK ||
	    (rc = check_output(m, err)) != HL_OK)
		return rc;
	if ((rc = open_signers(m, err)) != HL_OK ||
	    (rc = judge_keys(m, err)) != HL_OK)
		return rc;
	/* before anything is added: to a ledger that was rolled back or
	 * rewritten, nothing should be */
	if ((rc = open_memories(m, err)) != HL_OK ||
	    (rc = check_ledger(m, err)) != HL_OK ||
	    (rc = check_tree(m, err)) != HL_OK)
		return rc;
	if (m->cli->dry_run) {
		m->c.size += m->change != NULL ? 2 : 1; /* events to be told */
		return HL_OK;
	}
	return (rc = tell(m, err)) == HL_OK ? sign_and_write(m, err) : rc;
}

hl_rc
hl_cmd_audit_checkpoint(hl_cli *cli, char **operands, hl_err *err)
{
	making *m = calloc(1, sizeof(*m));
	hl_rc rc;

	(void)operands;
	if (m == NULL)
		return hl_nomem(err);
	m->cli = cli;
	m->path = hl_opt(cli, "output");
	if (m->path != NULL && strcmp(m->path, "-") == 0)
		m->path = NULL;
	if ((rc = make(m, err)) == HL_OK)
		rc = print_made(m, err);
	making_free(m);
	return rc;
}
