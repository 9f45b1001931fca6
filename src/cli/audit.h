/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit commands share. */
#ifndef HL_CLI_AUDIT_H
#define HL_CLI_AUDIT_H

#include "cli/parts.h"
#include "ledger/checkpoint.h"
#include "ledger/event.h"
#include "ledger/tree_proof.h"

#define HL_AUDIT_HINT "run hsmlic audit verify: it names all that was altered"

/*
 * Reads an event of the store, after a look at whether it is what was written:
 * its number, its leaf hash, its canonical form. HL_EINTEGRITY. The caller
 * frees it with hl_event_free().
 */
HL_CHECK hl_rc hl_audit_read_event(
    const hl_event_row *row, hl_event *out, hl_err *err);

/* ---- which events (audit_filter.c) ------------------------------------- */

/* Of --from and --to: events from this number on, or from this time on. */
typedef struct hl_event_bound {
	bool given, by_time;
	uint64_t seq;
	int64_t at;
} hl_event_bound;

typedef struct hl_event_filter {
	hl_cli *cli;
	hl_event_bound from, to;	       /* without `to` itself */
	const char *station, *operator_, *lot; /* NULL: any */
	bool by_card, by_chip;
	hl_uuid card, chip;
	char issue[HL_UUID_TEXT]; /* how the ID begins; "": any */
} hl_event_filter;

/* From the options of the running command. */
HL_CHECK hl_rc hl_event_filter_set(
    hl_cli *cli, hl_event_filter *out, hl_err *err);
/* The numbers that can match at all, of a ledger of `size` events. */
void hl_event_filter_range(
    const hl_event_filter *f, uint64_t size, uint64_t *from, uint64_t *to);
/* Also by what the store knows of an event's request or license: whose chip and
 * card that is. */
bool hl_event_matches(const hl_event_filter *f, const hl_event *e);

/* ---- keys (audit_keys.c) ------------------------------------------------- */

#define HL_KEYS_MAX 32
#define HL_KEY_WORDS (HL_KEY_NAME_MAX + 40)

/* Keys that verify. */
typedef struct hl_keys {
	size_t n;
	hl_vkey k[HL_KEYS_MAX];
	bool cut;      /* there were more of them, which signed earlier */
	bool own_word; /* nobody but the ledger itself says that these are it */
} hl_keys;

/* "Ed25519 key 1234abcd of NAME" */
void hl_key_words(const hl_vkey *k, char out[HL_KEY_WORDS]);
/* A log's own key signs as its kind says: 0x01 or 0x02. */
uint8_t hl_key_log_algorithm(hl_key_type type);
/* No second time. HL_EINPUT: too many. */
HL_CHECK hl_rc hl_keys_add(hl_keys *keys, const hl_vkey *k, hl_err *err);
bool hl_keys_have(const hl_keys *keys, const hl_vkey *k);
/* The keys as a text, with `between` between them. */
HL_CHECK hl_rc hl_keys_text(
    const hl_keys *keys, const char *between, hl_buf *out, hl_err *err);
json_t *hl_json_vkey(const hl_vkey *k);
/*
 * Appends the keys of one word of a command line: a key as "NAME+HEX+BASE64", a
 * file of such keys, or one with a public key in PEM, which is then the key of
 * the log `origin`. HL_EUSAGE, HL_EINPUT.
 */
HL_CHECK hl_rc hl_keys_word(
    hl_keys *keys, const char *word, const char *origin, hl_err *err);
/*
 * Those of every --key; without any, all that the ledger names as its own
 * (own_word). HL_EUSAGE: it names none either.
 */
HL_CHECK hl_rc hl_keys_choose(
    hl_cli *cli, const char *origin, hl_keys *out, hl_err *err);
/* The keys that are in use since the newest checkpoint; none: there is no
 * checkpoint yet. */
HL_CHECK hl_rc hl_keys_known(hl_cli *cli, hl_keys *out, hl_err *err);
/* Events in the newest tree that this key has signed, as the ledger tells; 0:
 * none. */
HL_CHECK hl_rc hl_key_last_signed(
    hl_cli *cli, const hl_vkey *k, uint64_t *size, hl_err *err);

/* ---- checkpoints (audit_checkpoints.c) ----------------------------------- */

typedef struct hl_checkpoint_file {
	const char *path;
	hl_buf bytes;
	hl_note note; /* borrows the bytes */
	hl_checkpoint c;
	/* by key, as hl_checkpoint_file_verify() found */
	bool verified[HL_KEYS_MAX];
	uint64_t times[HL_KEYS_MAX];
} hl_checkpoint_file;

/* HL_EINPUT: it is none. */
HL_CHECK hl_rc hl_checkpoint_file_read(
    const char *path, hl_checkpoint_file *out, hl_err *err);
void hl_checkpoint_file_free(hl_checkpoint_file *f);
/* The same from bytes, which are taken over, also on failure. */
HL_CHECK hl_rc hl_checkpoint_file_take(
    const char *path, hl_buf *bytes, hl_checkpoint_file *out, hl_err *err);
/* HL_EINPUT: of another log than `origin`. HL_EINTEGRITY: a signature of one of
 * the keys is wrong, or none has signed. */
HL_CHECK hl_rc hl_checkpoint_file_verify(hl_checkpoint_file *f,
    const char *origin, const hl_keys *keys, hl_err *err);

typedef struct hl_checkpoint_files {
	hl_checkpoint_file *f;
	size_t n;
} hl_checkpoint_files;

/*
 * Each key that was given has to have signed one of `a` or `b` (or NULL):
 * whoever names it takes its owner for one of those who vouch. HL_EINTEGRITY;
 * HL_OK for keys that are the ledger's own word.
 */
HL_CHECK hl_rc hl_keys_all_signed(const hl_keys *keys,
    const hl_checkpoint_files *a, const hl_checkpoint_files *b, hl_err *err);
/* Have they the signature of the key of that index? */
bool hl_key_signed(const hl_checkpoint_files *l, size_t key);
/* Of every such option, read and verified, in the order of their sizes. Free
 * also on failure. */
HL_CHECK hl_rc hl_checkpoint_files_read(hl_cli *cli, const char *option,
    const char *origin, const hl_keys *keys, hl_checkpoint_files *out,
    hl_err *err);
void hl_checkpoint_files_free(hl_checkpoint_files *l);
/* Who signed it, by the keys that were asked; {name, key_id, type, time}. */
json_t *hl_json_checkpoint(const hl_checkpoint_file *f, const hl_keys *keys);

/* ---- the tree (audit_tree.c) --------------------------------------------- */

/*
 * Adds the leaves of events `from` to `to` - 1, made of their bytes anew; `arg`
 * is the hl_store. As hl_sign_tree() wants it. HL_EINTEGRITY: one is missing.
 */
HL_CHECK hl_rc hl_audit_leaves(
    void *arg, uint64_t from, uint64_t to, hl_frontier *add_to, hl_err *err);
/* Leaves for a proof, as the store has them. */
hl_leaves hl_audit_proof_leaves(hl_store *store);

/* ---- what is not signed (audit_due.c) ------------------------------------ */

typedef struct hl_ledger_state {
	uint64_t events;
	bool has_checkpoint; /* one was made at all */
	int64_t at;	     /* when, the newest */
	uint64_t since;	     /* events after it */
	/* they are many, or one of them is old; or many, and none was made */
	bool due;
} hl_ledger_state;

HL_CHECK hl_rc hl_ledger_state_get(
    hl_store *store, int64_t now, hl_ledger_state *out, hl_err *err);

/* ---- is it fit to be signed? (audit_sound.c) ------------------------------
 */

/* Verifies the whole ledger, as hsmlic audit verify does. HL_EINTEGRITY, with
 * the first findings: it is not what was written. */
HL_CHECK hl_rc hl_audit_sound(hl_cli *cli, hl_err *err);
/* Does an event from number `from` on tell that the store was put back from a
 * copy? */
HL_CHECK hl_rc hl_audit_restored(
    hl_store *store, uint64_t from, bool *yes, hl_err *err);

/* ---- signing (audit_sign.c) ---------------------------------------------- */

#define HL_SIGNERS_MAX 8

/* Where a key remembers what it signed last: what --memory says; else beside
 * its file, or for a key on a token among the user's state. */
HL_CHECK hl_rc hl_signer_memory(const char *key, const char *given,
    const hl_signer *s, char *out, size_t size, hl_err *err);
/* HL_EINPUT: it is a file of the store. */
HL_CHECK hl_rc hl_audit_output_check(
    hl_cli *cli, const char *path, hl_err *err);
/* Mode of what is made to be handed on, as far as the user's own umask lets. */
#define HL_HANDED_ON 0644

/*
 * To a new file, or one that is an older checkpoint of this log, or for NULL to
 * standard output. To one of the same tree the signatures are added. HL_EEXIST:
 * something else is there; HL_EINTEGRITY: a checkpoint of as many events that
 * are others.
 */
HL_CHECK hl_rc hl_checkpoint_write(const hl_cli *cli, const char *path,
    const hl_buf *note, const hl_checkpoint *c, hl_err *err);
/* Would that do? */
HL_CHECK hl_rc hl_checkpoint_may_write(
    const char *path, const hl_checkpoint *c, hl_err *err);

/* ---- in words (audit_words.c) -------------------------------------------- */

/* Appends what happened, in one line for people; the store gives names. */
void hl_event_words(hl_cli *cli, const hl_event *e, hl_buf *out);

#endif
