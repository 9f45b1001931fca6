/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: one interface, in the words of the domain, for every engine.
 * There is no SQL and no transaction in it: each call is one durable commit or
 * none. When a call returns HL_OK, what it recorded survives a crash and a
 * power cut. Correctness rests on unique constraints and conditional updates
 * alone, so that any number of processes may share a store.
 *
 * Errors of every call: HL_ESTORE (cannot be used, damaged, locked too long,
 * read-only), HL_EFULL (no space; nothing was recorded), HL_ENOMEM; of those
 * that open or make one also HL_EIO and HL_EINPUT (a path too long). Results
 * are untouched on failure. A handle is used by one thread at a time and not
 * across fork().
 */
#ifndef HL_STORE_STORE_H
#define HL_STORE_STORE_H

#include "ledger/tree.h"
#include "store/model.h"

typedef struct hl_store hl_store;

#define HL_SCHEMA_VERSION 3
#define HL_STORE_BUSY_MS 10000
#define HL_STORE_URL_MAX 4160

/* ---- the store itself -------------------------------------------------- */

typedef struct hl_store_options {
	bool create;	/* make it when it is not there */
	bool must_create; /* HL_EEXIST when it is there */
	bool read_only;
	/* with read_only: a schema that was altered will do; hl_store_audit()
	 * tells what is wrong with it, other calls may fail */
	bool altered;
	const char *origin; /* of one that is made; NULL: made of its ID */
	uint32_t busy_ms; /* wait for other writers; 0: HL_STORE_BUSY_MS */
} hl_store_options;

typedef struct hl_store_info {
	char url[HL_STORE_URL_MAX]; /* as it would be given again */
	hl_text engine;	  /* "sqlite" */
	hl_uuid id;	  /* of the store */
	hl_text origin;	  /* its name in signed statements */
	uint32_t schema;
	uint32_t schema_found; /* older: opening it brought it up to date */
	int64_t created_at;
	uint64_t size; /* bytes on disk */
} hl_store_info;

/*
 * Opens the store at a URL: "sqlite:PATH" or a plain path. HL_ENOTFOUND: not
 * there (and !create). HL_ESTORE with advice: newer schema, not a store, schema
 * altered, damaged (integrity is checked when the last close was not clean),
 * on a network file system, in a directory that others may write. A missing
 * parent directory is made, mode 0700; the file's mode is 0600. A store of an
 * older schema is brought up to date, in one commit; with read_only it stays as
 * it is, and what is read is a copy that was brought up to date.
 */
HL_CHECK hl_rc hl_store_open(hl_store **out, const char *url,
    const hl_store_options *opt, hl_err *err);
void hl_store_close(hl_store **store);
HL_CHECK hl_rc hl_store_info_get(
    hl_store *store, hl_store_info *out, hl_err *err);
/* Directory beside the store for locks, spool and ballast; it exists, unless
 * the store was opened for reading only. */
const char *hl_store_side_dir(const hl_store *store);

/*
 * Everything that can be checked without a card: the file's structure, foreign
 * keys, every license against its SHA-256, that counters of each card's issues
 * add up. Each finding goes to `found` as one sentence with its place. HL_OK
 * also when there were findings (*n counts them).
 */
HL_CHECK hl_rc hl_store_check(hl_store *store,
    void (*found)(void *arg, const char *text), void *arg, uint64_t *n,
    hl_err *err);
/* A consistent copy at `path`, which must not be there (HL_EEXIST). *tree (may
 * be NULL): the edge of its ledger's tree. */
HL_CHECK hl_rc hl_store_backup(
    hl_store *store, const char *path, hl_frontier *tree, hl_err *err);

/* What another store is to a copy. */
typedef enum hl_kin {
	HL_KIN_NONE,	/* there is no other */
	HL_KIN_UNKNOWN, /* it cannot be read, or one of the two had no ledger */
	HL_KIN_STRANGER, /* another store */
	HL_KIN_SAME,	 /* they have the same events */
	HL_KIN_OLDER,	 /* the copy goes on where it ends */
	HL_KIN_NEWER,	 /* it goes on where the copy ends */
	HL_KIN_FORK	 /* both have events that the other has not */
} hl_kin;

const char *hl_kin_name(hl_kin k); /* "none", "unknown", ... */

typedef struct hl_likeness {
	hl_kin kin;
	uint64_t common; /* events with which both ledgers begin */
	uint64_t size;	 /* of the other's ledger, and: */
	hl_hash root;
	int64_t last_at; /* time of its newest event */
} hl_likeness;

/*
 * Compares the ledgers of two stores that are open, event by event, by the leaf
 * hashes that they have. That these are the hashes of the events is for
 * hl_store_audit(), of each of the two; of one that was not audited, the result
 * is its own word.
 */
HL_CHECK hl_rc hl_store_compare(
    hl_store *copy, hl_store *other, hl_likeness *out, hl_err *err);

/*
 * Makes a copy of the opened store `copy` the one at `path`, with an event
 * store.restored in its ledger that says what it replaces. What is there goes
 * aside, never away: renamed, its new path in *aside ("" when nothing was
 * there). HL_EBUSY: others have it open. Until the last moment, and on failure,
 * everything is as it was. The caller has verified the copy (hl_store_audit());
 * `damaged`: something was found, which the event then tells.
 */
HL_CHECK hl_rc hl_store_restore(hl_store *copy, const char *path, bool damaged,
    const hl_actor *actor, char *aside, size_t size, hl_err *err);

/* ---- chips -------------------------------------------------------------- */

/*
 * Makes a chip known, or completes it: found by certificate or UID, it gets
 * what it lacked. `cert` NULL or `uid` NULL (or uid->n 0): not known, not both.
 * HL_ECONFLICT: the UID is known with another certificate, or the certificate
 * with another UID; both are shown, nothing is changed. Two chips that prove to
 * be one (met by certificate, and by UID) become one if nothing refers to one
 * of them; else HL_ECONFLICT.
 */
HL_CHECK hl_rc hl_store_chip_put(hl_store *store, const hl_cert *cert,
    const hl_uid *uid, const hl_actor *actor, hl_chip *out, hl_err *err);
/* HL_ENOTFOUND. */
HL_CHECK hl_rc hl_store_chip_by_uid(
    hl_store *store, const hl_uid *uid, hl_chip *out, hl_err *err);
HL_CHECK hl_rc hl_store_chip_by_cert(hl_store *store,
    const uint8_t sha256[HL_SHA256_LEN], hl_chip *out, hl_err *err);
HL_CHECK hl_rc hl_store_chip_by_id(
    hl_store *store, const hl_uuid *id, hl_chip *out, hl_err *err);
HL_CHECK hl_rc hl_store_chip_by_label(
    hl_store *store, const char *label, hl_chip *out, hl_err *err);
/* The bytes of a chip's certificate. HL_ENOTFOUND; HL_EINTEGRITY. */
HL_CHECK hl_rc hl_store_chip_cert(
    hl_store *store, const hl_uuid *chip, hl_cert *out, hl_err *err);
/* "" takes the label away. HL_ECONFLICT: another chip bears it. */
HL_CHECK hl_rc hl_store_chip_label(hl_store *store, const hl_uuid *chip,
    const char *label, const hl_actor *actor, hl_err *err);
/* Calls `row` for each, oldest first, until it returns false. */
HL_CHECK hl_rc hl_store_chip_list(hl_store *store,
    bool (*row)(void *arg, const hl_chip *chip), void *arg, hl_err *err);

/* ---- firmwares and cards ------------------------------------------------ */

/* f->id is made by the caller. HL_ECONFLICT: the name is taken. */
HL_CHECK hl_rc hl_store_firmware_add(hl_store *store, const hl_firmware *f,
    const hl_actor *actor, hl_err *err);
HL_CHECK hl_rc hl_store_firmware_by_name(
    hl_store *store, const char *name, hl_firmware *out, hl_err *err);
HL_CHECK hl_rc hl_store_firmware_by_id(
    hl_store *store, const hl_uuid *id, hl_firmware *out, hl_err *err);
HL_CHECK hl_rc hl_store_firmware_list(hl_store *store,
    bool (*row)(void *arg, const hl_firmware *f), void *arg, hl_err *err);

/*
 * c->id is made by the caller; c->first_counter is its first reading. With
 * `new_firmware` not NULL the firmware is added in the same commit.
 * HL_ECONFLICT: serial number or label is known already, or the firmware's
 * name is taken.
 */
HL_CHECK hl_rc hl_store_card_add(hl_store *store, const hl_card_row *c,
    const hl_firmware *new_firmware, const hl_actor *actor, hl_err *err);
HL_CHECK hl_rc hl_store_card_by_serial(
    hl_store *store, const char *serial, hl_card_row *out, hl_err *err);
HL_CHECK hl_rc hl_store_card_by_label(
    hl_store *store, const char *label, hl_card_row *out, hl_err *err);
HL_CHECK hl_rc hl_store_card_by_id(
    hl_store *store, const hl_uuid *id, hl_card_row *out, hl_err *err);
HL_CHECK hl_rc hl_store_card_list(hl_store *store,
    bool (*row)(void *arg, const hl_card_row *c), void *arg, hl_err *err);
HL_CHECK hl_rc hl_store_card_label(hl_store *store, const hl_uuid *card,
    const char *label, const hl_actor *actor, hl_err *err);
/* HL_ECONFLICT: retired already. HL_EBUSY: an issue is open on it. */
HL_CHECK hl_rc hl_store_card_retire(hl_store *store, const hl_uuid *card,
    const hl_actor *actor, hl_err *err);

/*
 * Records that a card was read while no issue of ours is open on it: counter,
 * state, reader. A counter below the expected one is recorded with the units
 * that were spent outside (*outside). HL_ECONFLICT: the counter is above the
 * expected one, nothing is recorded. HL_EBUSY: an issue is open on this card.
 * Nothing is written when nothing changed since the last reading.
 */
HL_CHECK hl_rc hl_store_card_seen(hl_store *store, const hl_uuid *card,
    uint32_t counter, const char *state, const char *reader,
    const hl_actor *actor, uint32_t *outside, hl_err *err);

/* ---- spending a unit ---------------------------------------------------- */

typedef enum hl_intent_verdict {
	HL_INTENT_OPENED,   /* recorded: the request may go to the card */
	HL_INTENT_LICENSED, /* a license is there already: *license is set */
	HL_INTENT_BUSY,	    /* an issue is open for this card or for this chip
			       and firmware: *other is set */
	HL_INTENT_COUNTER_ABOVE /* counter above the expected one: another
				   card, or an old store */
} hl_intent_verdict;

typedef struct hl_intent_result {
	hl_intent_verdict verdict;
	hl_license license; /* HL_INTENT_LICENSED */
	hl_issue other;	    /* HL_INTENT_BUSY */
	uint32_t expected;  /* HL_INTENT_COUNTER_ABOVE: last counter known */
	uint32_t outside;   /* HL_INTENT_OPENED: units found spent outside */
	uint32_t attempt;   /* HL_INTENT_OPENED */
} hl_intent_result;

/*
 * The first commit. `in` has id, chip, firmware, card, counter_before, owner
 * and actor; attempt and opened_at are filled in here. In one commit: looks for
 * an active license and for open issues again, compares the counter, records
 * units spent outside, records the intent. Only HL_INTENT_OPENED records
 * anything; a license goes before an open issue, that before the counter.
 * HL_ENOTFOUND: chip or card; HL_ECONFLICT: the card holds another firmware, or
 * is retired; HL_EEXIST: an issue has this ID already.
 */
HL_CHECK hl_rc hl_store_intent_open(hl_store *store, const hl_issue *in,
    const char *card_state, const char *reader, hl_intent_result *out,
    hl_err *err);

typedef struct hl_outcome {
	hl_uuid issue;
	hl_issue_state state; /* any but HL_ISSUE_OPEN */
	bool counter_known;   /* counter_after was read from the card */
	uint32_t counter_after;
	bool recovered;
	hl_text detail;
	/* HL_ISSUE_ISSUED and HL_ISSUE_BAD: the bytes (kept as active, and as
	 * suspect, respectively) */
	const uint8_t *license;
	size_t license_n;
	hl_actor actor; /* who closes it (recovery may be somebody else) */
} hl_outcome;

/*
 * The second commit: outcome, counters and license at once. With B the counter
 * in the intent and C = counter_after: units of this issue are 1 for issued,
 * issued_bad (0 each when C = B), lost, lost_or_outside; 0 for not_spent and
 * written_off. What went down beyond that, B - C - units, is recorded as units
 * outside. HL_EEXIST: it was closed already (by recovery elsewhere), nothing
 * is changed. HL_ECONFLICT: this counter value of the card is already
 * spent by another issue, C > B, or a unit is said to be lost although C = B.
 * A counter that was not read is taken to be B - units. *license (may be NULL)
 * is all zero when none came. When another license became active meanwhile,
 * this one is kept as retired.
 */
HL_CHECK hl_rc hl_store_intent_close(hl_store *store, const hl_outcome *o,
    hl_license *license, hl_err *err);

/*
 * A license that was believed lost has turned up (rescue file): the closed
 * issue becomes issued, recovered, with this license. Only for issues that are
 * lost or lost_or_outside and whose chip has no active license for that
 * firmware; else HL_ECONFLICT (HL_EEXIST: it is issued with the same bytes).
 */
HL_CHECK hl_rc hl_store_issue_rescue(hl_store *store, const hl_uuid *issue,
    const uint8_t *bytes, size_t n, const hl_actor *actor, hl_err *err);

HL_CHECK hl_rc hl_store_issue_by_id(
    hl_store *store, const hl_uuid *id, hl_issue *out, hl_err *err);
/* The issue open for this card; HL_ENOTFOUND. */
HL_CHECK hl_rc hl_store_issue_open_on_card(
    hl_store *store, const hl_uuid *card, hl_issue *out, hl_err *err);
/* All open issues, oldest first. */
HL_CHECK hl_rc hl_store_issue_list_open(hl_store *store,
    bool (*row)(void *arg, const hl_issue *i), void *arg, hl_err *err);
/* All issues of a chip, oldest first. */
HL_CHECK hl_rc hl_store_issue_list_chip(hl_store *store, const hl_uuid *chip,
    bool (*row)(void *arg, const hl_issue *i), void *arg, hl_err *err);
/* Attempts for this chip and firmware that ended without a license although a
 * unit may have gone (lost, lost_or_outside, issued_bad). */
HL_CHECK hl_rc hl_store_issue_losses(hl_store *store, const hl_uuid *chip,
    const hl_uuid *firmware, uint32_t *n, hl_err *err);

/* ---- licenses ----------------------------------------------------------- */

/* The active license; HL_ENOTFOUND. */
HL_CHECK hl_rc hl_store_license_find(hl_store *store, const hl_uuid *chip,
    const hl_uuid *firmware, hl_license *out, hl_err *err);
HL_CHECK hl_rc hl_store_license_by_id(
    hl_store *store, const hl_uuid *id, hl_license *out, hl_err *err);
/*
 * The bytes, checked against their SHA-256 (HL_EINTEGRITY), at most
 * HL_LICENSE_MAX.
 */
HL_CHECK hl_rc hl_store_license_bytes(hl_store *store, const hl_uuid *license,
    uint8_t out[HL_LICENSE_MAX], size_t *n, hl_err *err);
/* Records that a license was handed out: `how` is "store", "card", "replay",
 * "export". */
HL_CHECK hl_rc hl_store_license_use(hl_store *store, const hl_uuid *license,
    const char *how, const hl_actor *actor, hl_err *err);
/*
 * Takes in a license that came from elsewhere. *id is made here. HL_EEXIST: the
 * same bytes are active for this chip and firmware already (*id is that one's);
 * HL_ECONFLICT: other bytes are.
 */
HL_CHECK hl_rc hl_store_license_import(hl_store *store, const hl_uuid *chip,
    const hl_uuid *firmware, const uint8_t *bytes, size_t n,
    const hl_actor *actor, hl_uuid *id, hl_err *err);
/* HL_ECONFLICT: retired already. */
HL_CHECK hl_rc hl_store_license_retire(hl_store *store, const hl_uuid *license,
    const char *reason, const hl_actor *actor, hl_err *err);
/*
 * From active to suspect: it is kept, and not handed out until it is trusted.
 * HL_ECONFLICT: it is not active.
 */
HL_CHECK hl_rc hl_store_license_doubt(hl_store *store, const hl_uuid *license,
    const char *reason, const hl_actor *actor, hl_err *err);
/*
 * From suspect to active. HL_ECONFLICT: it is not suspect, or another license
 * is active by now for this chip and firmware.
 */
HL_CHECK hl_rc hl_store_license_trust(hl_store *store, const hl_uuid *license,
    const char *reason, const hl_actor *actor, hl_err *err);

typedef struct hl_license_filter {
	const hl_uuid *chip, *firmware; /* NULL: all */
	bool all_states; /* else active ones only */
} hl_license_filter;

HL_CHECK hl_rc hl_store_license_list(hl_store *store,
    const hl_license_filter *filter,
    bool (*row)(void *arg, const hl_license *l), void *arg, hl_err *err);

/* ---- installs and slots ------------------------------------------------- */

/*
 * Records one run of a programmer. i->id is made by the caller; i->at may be 0:
 * it began i->duration_ms ago. HL_EEXIST: that ID is recorded already.
 * HL_ENOTFOUND: chip, firmware or license. HL_ECONFLICT: the license is for
 * another chip or firmware. HL_EINPUT: no programmer, or an exit status that
 * cannot be.
 */
HL_CHECK hl_rc hl_store_install_add(
    hl_store *store, const hl_install *i, hl_err *err);
/* All installs of a chip, in the order in which they were recorded. */
HL_CHECK hl_rc hl_store_install_list_chip(hl_store *store, const hl_uuid *chip,
    bool (*row)(void *arg, const hl_install *i), void *arg, hl_err *err);

/*
 * At this station, slot number `slot` of the programmer is the reader of that
 * name. Replaces what this reader and this slot were mapped to there; nothing
 * is written when that is known already.
 */
HL_CHECK hl_rc hl_store_slot_put(hl_store *store, const char *station,
    const char *reader, unsigned slot, const hl_actor *actor, hl_err *err);
/* HL_ENOTFOUND: not mapped. */
HL_CHECK hl_rc hl_store_slot_of(hl_store *store, const char *station,
    const char *reader, unsigned *slot, hl_err *err);
HL_CHECK hl_rc hl_store_slot_reader(hl_store *store, const char *station,
    unsigned slot, hl_text reader, hl_err *err);

/* ---- the ledger --------------------------------------------------------- */

/* A word about an event: text, or (text NULL) a number. */
typedef struct hl_event_fact {
	const char *key, *text;
	int64_t number;
} hl_event_fact;

/*
 * Records an event that no row stands for, such as checkpoint.made. Its number
 * goes to *seq (may be NULL). HL_EINPUT: the kind is not known, a text is not
 * valid, or it is too long.
 */
HL_CHECK hl_rc hl_store_event_put(hl_store *store, const char *kind,
    const hl_event_fact *facts, size_t n, const hl_actor *actor, uint64_t *seq,
    hl_err *err);

/* The edge of the tree over all events. */
HL_CHECK hl_rc hl_store_tree(hl_store *store, hl_frontier *out, hl_err *err);

typedef struct hl_event_row {
	uint64_t seq;
	const uint8_t *bytes; /* n of them; valid until `row` returns */
	size_t n;
	hl_hash leaf; /* as the store has it; all zero when it has none */
} hl_event_row;

/* Events from <= seq < to, in order, as they are stored: nothing is checked.
 * No lock is held while `row` runs. Stops when it returns false. */
HL_CHECK hl_rc hl_store_events(hl_store *store, uint64_t from, uint64_t to,
    bool (*row)(void *arg, const hl_event_row *e), void *arg, hl_err *err);

/* The same for the events that tell of a checkpoint, the newest first; without
 * reading the others. */
HL_CHECK hl_rc hl_store_checkpoints(hl_store *store,
    bool (*row)(void *arg, const hl_event_row *e), void *arg, hl_err *err);

/* What the tree has to go through: a checkpoint's size and root. */
typedef struct hl_audit_point {
	uint64_t size;
	hl_hash root;
	const char *name; /* of the checkpoint, for findings */
} hl_audit_point;

#define HL_AUDIT_TOLD_MAX 1000

typedef struct hl_audit_result {
	uint64_t events, rows, licenses; /* looked at */
	uint64_t findings; /* all; HL_AUDIT_TOLD_MAX of them were told */
	hl_frontier tree;  /* of the events, worked out anew */
} hl_audit_result;

/*
 * Verifies the ledger and everything that it vouches for: each event (bytes,
 * leaf hash, form, number, time), the tree and the points that it has to go
 * through, each row of each table against the events that tell of it, the
 * ledgers that were merged, and what hl_store_check() checks. Each finding goes
 * to `found` (may be NULL) as one sentence with its place. HL_OK also when
 * there were findings. HL_ESTORE when it cannot go on: the file is damaged, or
 * a read-only store of an older schema, which has no ledger yet. A schema that
 * was altered (hl_store_options.altered) is findings, one for each table, index
 * or trigger; what cannot be compared then is one more, and all else goes on.
 *
 * Reading is enough. Others may write meanwhile: no lock is held for longer
 * than it takes to compare a few rows, but by hl_store_check(). Memory does not
 * grow with the store; a temporary file (SQLITE_TMPDIR, TMPDIR, /var/tmp) does,
 * by about 20 bytes a row; HL_EFULL when there is no room for it. `progress`
 * (may be NULL) is told now and then how many events and rows of all that are
 * known by then are done. `found` and `progress` must not call the store.
 */
HL_CHECK hl_rc hl_store_audit(hl_store *store, const hl_audit_point *points,
    size_t n, void (*found)(void *arg, const char *text),
    void (*progress)(void *arg, uint64_t done, uint64_t of), void *arg,
    hl_audit_result *out, hl_err *err);

/* ---- reconciliation ----------------------------------------------------- */

/* Units of one class. */
typedef struct hl_variance_sum {
	int64_t units;	/* that readings showed; imported: that are linked */
	int64_t booked; /* of them, taken for known by somebody (sign-off) */
	int64_t unrecorded; /* that the counter given shows, and no reading */
} hl_variance_sum;

/*
 * Where the units of a card are. At every reading
 *
 *   provisioned = left + issued + bad + lost + lost_or_outside
 *               + the units of all classes but lost
 *
 * and what of these units is not booked is a difference that nobody has
 * explained. A unit that an imported license bought counts as imported, not as
 * what its reading was classed. Units that are lost have their explanation on
 * record: by[HL_VARIANCE_LOST] has only what is booked without need.
 */
typedef struct hl_balance {
	uint32_t provisioned; /* counter at the first reading, of any store */
	uint32_t left;	      /* counter that the records lead to */
	uint64_t issued, bad, lost, lost_or_outside; /* units, by outcome */
	hl_variance_sum by[HL_VARIANCE_N];
	hl_uuid open;	 /* the issue that is open; all zero: none */
	int64_t read_at; /* newest reading on record */
	/* The first reading at which the sum does not close: its number in the
	 * store and its time. 0: it closes at every one. */
	int64_t wrong_reading, wrong_at;
	int64_t gap; /* units that make it close, now */
} hl_balance;

/*
 * Adds up one card's records, all of one moment, with those that came from
 * other stores. With `counter` also what that
 * one would show if it were recorded now; it replaces `left` in the sum.
 * HL_ENOTFOUND.
 */
HL_CHECK hl_rc hl_store_balance(hl_store *store, const hl_uuid *card,
    const uint32_t *counter, hl_balance *out, hl_err *err);

/* Units of a class that nobody has explained; below 0: explained twice. */
int64_t hl_balance_open(const hl_balance *b, hl_variance_class c);
/* The same of all classes but replaced, whose units are of no sum: they say
 * that this is not the card of the records. A gap of the records counts, too.
 */
int64_t hl_balance_difference(const hl_balance *b);
/* Units by which the counter is above all that can be left, signed off or not;
 * 0: it is not. */
int64_t hl_balance_above(const hl_balance *b);
/* Is everything explained, class by class, at every reading? An issue that is
 * open does not count. */
bool hl_balance_closed(const hl_balance *b);

typedef struct hl_sign_off {
	hl_uuid card;
	const char *reason; /* not "" */
	/* Units of each class that are booked: all that hl_balance_open() has
	 * of them, without those that are not recorded. Of replaced: all. */
	int64_t units[HL_VARIANCE_N];
	uint32_t counter; /* as it was read; for units that are replaced */
	/* Imported licenses that units of these classes bought, one each: they
	 * are booked as imported instead. */
	const hl_uuid *imported;
	size_t n_imported;
	const hl_actor *actor;
} hl_sign_off;

/*
 * Books what nobody has explained, in one commit: one row a class, one a
 * license. HL_ECONFLICT: other units are unexplained by now; a license was not
 * imported, is of another firmware, or is linked to a unit already; there are
 * more licenses than units. HL_ENOTFOUND: card or license. HL_EINPUT: there is
 * nothing to book, or no reason.
 */
HL_CHECK hl_rc hl_store_sign_off(
    hl_store *store, const hl_sign_off *so, hl_err *err);

/* Imported licenses of a firmware that no unit is linked to, oldest first. */
HL_CHECK hl_rc hl_store_license_unlinked(hl_store *store,
    const hl_uuid *firmware, bool (*row)(void *arg, const hl_license *l),
    void *arg, hl_err *err);

/* What a reconciliation found of one card. */
typedef struct hl_reconcile_row {
	hl_uuid card;
	hl_balance balance;
	bool read; /* its counter was read, and is: */
	uint32_t counter;
} hl_reconcile_row;

/* Records a reconciliation: an event reconcile.result for each card, in one
 * commit. */
HL_CHECK hl_rc hl_store_reconciled(hl_store *store,
    const hl_reconcile_row *rows, size_t n, const hl_actor *actor, hl_err *err);

/* On how many cards are units, on record, that nobody has explained? */
HL_CHECK hl_rc hl_store_unexplained(
    hl_store *store, uint64_t *cards, uint64_t *units, hl_err *err);
/* ---- stores of other stations ------------------------------------------- */

typedef struct hl_merge_counts {
	uint64_t events; /* of its ledger */
	/* rows that came */
	uint64_t firmwares, chips, cards, readings, issues, licenses, uses,
	    installs, slots, variances;
	uint64_t changed; /* rows that were here before and know more now */
	/* units that both stores had accounted for and that count once now */
	uint64_t overlaps;
	/* chips with a license in both for one firmware, got for a unit each */
	uint64_t twice;
} hl_merge_counts;

typedef struct hl_merge_result {
	hl_uuid id; /* of the other store */
	hl_text origin;
	uint64_t size; /* of its ledger */
	hl_hash root;
	bool own; /* it is another history of this very store */
	/* How many events of its ledger were known here before, or were those
	 * of this store. All of them: there is nothing new in it. */
	uint64_t known;
	hl_merge_counts n;
} hl_merge_result;

typedef struct hl_merge_options {
	/*
	 * "THEIRS=OURS": their firmware of that name has, or gets, that name
	 * here. Ended by NULL, as the others; NULL: none.
	 */
	const char *const *firmwares;
	/* "THEIRS=OURS", labels or IDs: two cards without serial number are the
	 * same one. */
	const char *const *same_cards;
	/* "THEIRS": a card without serial number that is none of those here. */
	const char *const *new_cards;
	/* Its ledger does not go on from where it was when it was merged last,
	 * since it was restored from an older copy: take it all the same. */
	bool restored;
	bool dry_run; /* find out what would come, and record nothing */
	/* Told of during the work, which may still fail; they must not call the
	 * store. May be NULL. */
	void (*twice)(
	    void *arg, const hl_license *ours, const hl_license *theirs);
	void (*note)(void *arg, const char *text);
	void *arg;
} hl_merge_options;

/*
 * Brings everything that `other` has and this store lacks into it, in one
 * commit: rows by their IDs; chips by certificate and UID, firmwares by name,
 * cards by serial number, and what they refer to with them. The whole ledger
 * of `other` is verified and kept (its origin, size and root, and each event as
 * it is), and each row that came is told in the ledger of this store, with
 * `merged` and `origin` in the event. Again later, only what is new comes.
 *
 * A card that both have asked has a row for each of them from then on; units
 * that both account for are counted once (schema: overlaps). A chip that has an
 * active license in both for one firmware keeps that of this store; the other
 * one is kept as retired.
 *
 * `other` is opened by the caller (read_only will do) and is only to be closed
 * after that. Nothing is recorded on failure. HL_EINPUT: `other` is this store,
 * or of an older schema; an option names what is not there. HL_EINTEGRITY:
 * `other` is damaged, its ledger does not verify, or it does not go on from
 * where it was. HL_EBUSY: issues are open there, or here on a card or chip that
 * is concerned. HL_ECONFLICT: both name one thing differently, or different
 * things alike; a unit of a card was issued twice.
 */
HL_CHECK hl_rc hl_store_merge(hl_store *store, hl_store *other,
    const hl_merge_options *opt, const hl_actor *actor, hl_merge_result *out,
    hl_err *err);

/* ---- figures ------------------------------------------------------------ */

typedef struct hl_figures {
	uint64_t issued, lost, outside, bad; /* units, by what became of them */
	uint64_t reused;		     /* licenses handed out from the store */
	uint64_t imported;
	/* installs, by outcome */
	uint64_t installs_done, installs_failed, installs_unknown;
	uint64_t open;	  /* issues open now; not by period */
	uint64_t chips, licenses; /* known now, active ones; not by period */
	uint64_t suspect;	  /* licenses now; not by period */
} hl_figures;

/* Of everything recorded at `from` <= time < `to`. */
HL_CHECK hl_rc hl_store_figures(hl_store *store, int64_t from, int64_t to,
    hl_figures *out, hl_err *err);
/* Units that left the cards of one firmware in that time, whoever took them. */
HL_CHECK hl_rc hl_store_firmware_units(hl_store *store, const hl_uuid *firmware,
    int64_t from, int64_t to, uint64_t *units, hl_err *err);
/* The newest time in the store's records: a clock before it went back. */
HL_CHECK hl_rc hl_store_last_time(hl_store *store, int64_t *at, hl_err *err);

#endif
