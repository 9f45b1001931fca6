/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker: gets one chip's license, from the store for nothing, or from a
 * card for one unit. The only code that holds a card and a store at once.
 *
 *   look up ──hit──────────────────────────────────────▶ hand over (a use)
 *      │ miss
 *   take the card, read it (C1), refuse what cannot work
 *      │
 *   FIRST COMMIT: look up again, units outside, intent   [issue: open]
 *      │                    │ busy: recover it (owner dead) or wait
 *   request to the card     ▼ counter above: stop
 *      │
 *      ├─ answered ─────────────▶ spool ─▶ read C2 ─▶ SECOND COMMIT
 *      ├─ surely not executed ──▶ [not_spent]          [issued] or
 *      └─ unknown ─▶ reconnect, read C:                [issued_bad]
 *             license in the spool ─▶ [issued]
 *             C = B ────────────────▶ same request once more, or [not_spent]
 *             C = B-1, card replays ▶ same request again ─▶ [issued]
 *             C = B-1, else ────────▶ [lost] or [lost_or_outside]
 *             C < B-1 ──────────────▶ [lost_or_outside], the rest outside
 *             C > B ────────────────▶ stop, a person decides
 *             cannot be read ───────▶ stays [open]: in doubt
 *
 * The same request means the same request ID: a card without replay capability
 * gets it a second time only when its counter proves that the first one was not
 * executed. Recovery of what a dead process left open is the lower half.
 * One thread at a time may use a handle; not across fork().
 */
#ifndef HL_BROKER_BROKER_H
#define HL_BROKER_BROKER_H

#include "card/card.h"
#include "store/store.h"

typedef struct hl_broker hl_broker;

typedef struct hl_broker_options {
	/* Where a license goes when the store cannot take it; NULL: a directory
	 * of this user's in /var/tmp. Better on another file system. */
	const char *rescue_dir;
	/* Something that a person should know, one sentence; may be NULL. */
	void (*note)(void *arg, const char *text);
	/* Last resort: one line HSMLIC-RESCUE, to be kept at all costs. False:
	 * it could not be shown to anybody. May be NULL. */
	bool (*rescue)(void *arg, const char *line);
	void *arg;
	/* What was looked at and decided on the way, one sentence each; may be
	 * NULL. */
	void (*detail)(void *arg, const char *text);
	/* For cards that ST's program asks: where that is (NULL: it is looked
	 * for), and the station for which slots are recorded. */
	const char *program;
	const char *station;
	/* Cards of an unknown kind are asked by that program, too: the user
	 * says that they are such cards. */
	bool stm32hsm;
	unsigned slot; /* of the reader at hand, as ST's program counts; 0: as
			  recorded */
} hl_broker_options;

/* `store` is borrowed and outlives the broker. NULL: there is none, and only
 * hl_broker_present() may be called, to which every card is new. */
HL_CHECK hl_rc hl_broker_new(hl_broker **out, hl_store *store,
    const hl_broker_options *opt, hl_err *err);
void hl_broker_free(hl_broker **b);
/* The chip that is connected to ST's program, with the TF-A that an STM32MP1
 * needs (else NULL); both are borrowed until the next call. Where that program
 * is too old, it makes licenses for this chip only. */
void hl_broker_connect(hl_broker *b, const hl_connect *target, const char *tfa);

/* ---- cards -------------------------------------------------------------- */

/*
 * A card that is present now. `rc` and `err` tell why it could not be read;
 * then only reader and ATR are known. `known`: it is in the store (`row`).
 * `unsure`: it may be one of several that are, or is not the one that it was
 * said to be; `err` tells.
 */
typedef struct hl_present {
	hl_card_info info;
	bool known, unsure;
	hl_card_row row;
	hl_text warning; /* units spent outside, a counter too high; or "" */
	hl_rc rc;
	hl_err err;
} hl_present;

/*
 * Reads the cards that `selector` names: NULL for all in PC/SC readers,
 * "reader:TEXT", "slot:N", "sim:FILE", a label or a serial number. With
 * `actor`, readings of known cards are recorded. *out is the caller's (free()).
 * HL_OK with none
 * (*n 0), too. HL_ENODEV: no PC/SC service.
 */
HL_CHECK hl_rc hl_broker_present(hl_broker *b, const char *selector,
    const hl_actor *actor, hl_deadline until, hl_present **out, size_t *n,
    hl_err *err);

typedef struct hl_card_choice {
	const char *firmware;	  /* belongs to this known firmware */
	const char *new_firmware; /* or makes one of this name */
	const char *label;	  /* or NULL */
	const char *typed; /* how the card was named, for hints; NULL: not */
	bool another; /* one without a serial number: it is not the known one
			 that it looks like */
	bool dry_run; /* record nothing */
} hl_card_choice;

/*
 * Makes a card known. Without a choice of firmware it becomes a firmware of its
 * own, named as its identifier, unless that identifier is known already: then
 * HL_ECONFLICT, since two keys can bear one identifier. HL_EEXIST: the card is
 * known (*row is set). HL_ENOLICENSE: blank, or cannot be told from others. In
 * a dry run *row is what would be recorded.
 */
HL_CHECK hl_rc hl_broker_card_add(hl_broker *b, const hl_card_info *info,
    const hl_card_choice *choice, const hl_actor *actor, hl_card_row *row,
    hl_err *err);

/* ---- get ---------------------------------------------------------------- */

/* What the store keeps for a chip that could be used instead of a new license.
 */
typedef struct hl_kept_else {
	unsigned suspect; /* suspect licenses for the firmware that is meant */
	unsigned others;  /* firmwares that it has active licenses for */
	hl_text other;	  /* the last of them; "" */
} hl_kept_else;

/* What would be spent, shown before it is. */
typedef struct hl_spend_plan {
	const hl_chip *chip;
	const hl_card_info *card;
	const char *card_label;
	const char *firmware;
	uint32_t losses; /* earlier attempts for this chip that lost a unit */
	uint32_t spent; /* units that this chip and firmware have cost so far */
	hl_kept_else kept;
} hl_spend_plan;

typedef struct hl_get_result hl_get_result;

typedef struct hl_get_request {
	const hl_cert *cert;  /* NULL: the chip is known to the store */
	const hl_uid *uid;    /* NULL: not given */
	const hl_uuid *chip;  /* a chip of the store; instead of both */
	const char *firmware; /* name, or NULL */
	const char *card;     /* selector, or NULL */
	bool cached;	      /* never touch a card */
	bool dry_run; /* stop where a unit would be spent, record nothing */
	const hl_actor *actor;
	hl_deadline until;
	/* May this unit be spent? HL_OK, or HL_EDENIED with its reason in err.
	 */
	hl_rc (*may_spend)(void *arg, const hl_spend_plan *plan, hl_err *err);
	/*
	 * Hands the license over, unless it is a dry run: HL_OK when whoever
	 * asked has it. What was spent is on record by then; the use of a
	 * license that was there before is recorded only behind it. May be
	 * NULL: that the call returns is enough.
	 */
	hl_rc (*deliver)(void *arg, const hl_get_result *r, hl_err *err);
	void *arg;
} hl_get_request;

typedef enum hl_source {
	HL_SOURCE_STORE,
	HL_SOURCE_CARD,
	HL_SOURCE_REPLAY, /* from a card that had issued it before */
	HL_SOURCE_NONE	  /* dry run that found no license */
} hl_source;

struct hl_get_result {
	hl_source source;
	int units_spent; /* by this call */
	hl_chip chip;
	hl_firmware firmware;
	hl_license license;
	uint8_t bytes[HL_LICENSE_MAX];
	size_t n;
	bool has_issue; /* false: the license was imported */
	hl_issue issue;
	bool has_card; /* the card that issued it is known */
	hl_card_row card;
	hl_kept_else kept; /* of a dry run that found no license */
};

/*
 * HL_OK: the license is in *out, and the store keeps it. Otherwise
 * err->units_spent says what is known; HL_EDOUBT: hl_broker_recover() decides
 * later, or the license came but the card counted strangely, and is kept.
 */
HL_CHECK hl_rc hl_broker_get(
    hl_broker *b, const hl_get_request *req, hl_get_result *out, hl_err *err);

/* ---- recovery ------------------------------------------------------------ */

typedef struct hl_recovered {
	hl_issue before, after; /* equal when it stays open */
	bool in_progress;	/* its owner is alive: left alone */
	hl_card_row card;
	hl_chip chip;
	hl_text why; /* why it stays open, or what was decided on */
} hl_recovered;

typedef struct hl_recover_request {
	const char *card; /* selector, or NULL for every card that is present */
	const hl_actor *actor; /* NULL: only tell which ones are open */
	hl_deadline until;
	void (*row)(void *arg, const hl_recovered *r);
	void *arg;
} hl_recover_request;

/*
 * Resolves open issues, each reported to `row`. HL_OK: none is left open, but
 * for those in progress, or nothing was to be done. HL_EDOUBT: some are, or the
 * spool holds licenses of requests that this store does not know.
 */
HL_CHECK hl_rc hl_broker_recover(
    hl_broker *b, const hl_recover_request *req, hl_err *err);

/*
 * A person gives up an open issue whose card cannot be read any more.
 * HL_ECONFLICT: it is not open, or its license is in the spool. HL_EBUSY: its
 * owner is alive. HL_EINPUT, HL_EIO: what is in the spool cannot be read.
 * Without an actor nothing is changed: could it be done?
 */
HL_CHECK hl_rc hl_broker_write_off(hl_broker *b, const hl_uuid *issue,
    const char *reason, const hl_actor *actor, hl_err *err);

/*
 * Takes in the HSMLIC-RESCUE lines of a text (other lines are passed over);
 * each license goes back to its issue. *n counts them. HL_EINPUT: a line is
 * damaged, or there is none. Without an actor they are counted only.
 */
HL_CHECK hl_rc hl_broker_import_rescue(hl_broker *b, const char *text,
    size_t len, const hl_actor *actor, unsigned *n, hl_err *err);

/* ---- reconciliation ----------------------------------------------------- */

/* Where the units of one card are. */
typedef struct hl_reconciled {
	hl_card_row card; /* as it stands after the reading */
	hl_balance balance;
	bool read; /* its counter was read just now, and is: */
	uint32_t counter;
	bool in_progress; /* an issue is open, and its owner is at work */
	hl_text why;	  /* why it was not read, or what is not sure; or "" */
} hl_reconciled;

typedef struct hl_reconcile_request {
	const char *card;      /* selector; NULL: all that are known */
	const hl_actor *actor; /* NULL: nothing is recorded */
	hl_deadline until;
} hl_reconcile_request;

/*
 * Adds up the records of the known cards that are meant, and reads those that
 * are there: with an actor the readings are recorded first, and what was found
 * afterwards (reconcile.result). A card that is not there is taken as it was
 * read last. *out is the caller's (free()). HL_OK also when there are
 * differences: hl_balance_closed() tells. HL_ENOTFOUND: no known card is meant.
 * HL_ENODEV: nothing is at the place that the selector names.
 */
HL_CHECK hl_rc hl_broker_reconcile(hl_broker *b,
    const hl_reconcile_request *req, hl_reconciled **out, size_t *n,
    hl_err *err);

#endif
