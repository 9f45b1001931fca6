/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefetch: licenses for many certificates. Its steps, each in a file of its
 * own: what there is to do (items), which cards there are (cards), what it costs
 * and on which card (plan), the permission (ask), asking the cards (run), with
 * several ones a process for each (workers).
 */
#ifndef HL_CLI_PREFETCH_H
#define HL_CLI_PREFETCH_H

#include "cli/cli.h"

#define HL_PREFETCH_NO_CARD SIZE_MAX

typedef enum hl_prefetch_state {
	HL_PREFETCH_TO_DO, /* not in the store as far as is known */
	HL_PREFETCH_KEPT,  /* the store had it */
	HL_PREFETCH_GOT,   /* from a card, now */
	HL_PREFETCH_WOULD, /* dry run: would spend a unit */
	HL_PREFETCH_FAILED,
	HL_PREFETCH_NOT_TRIED
} hl_prefetch_state;

/* One chip. */
typedef struct hl_prefetch_item {
	char *path;    /* owned; where its certificate was found first */
	uint8_t *cert; /* owned; NULL: there is none that can be used */
	size_t cert_n;
	uint8_t sha256[HL_SHA256_LEN];
	char product_id[HL_PRODUCT_ID_TEXT];
	hl_uid uid; /* n 0: no file tells it */
	hl_prefetch_state state;
	size_t card; /* that is to be asked, or was; HL_PREFETCH_NO_CARD */
	hl_source source;
	int units; /* spent now; HL_UNITS_UNKNOWN */
	bool has_license;
	uint8_t license_sha256[HL_SHA256_LEN];
	hl_rc rc;    /* of one that failed or was not tried */
	hl_err *err; /* owned; why; may be NULL for want of memory */
} hl_prefetch_item;

/* A card that may be asked. */
typedef struct hl_prefetch_card {
	hl_present now;	   /* as it was read before anything was spent */
	const char *typed; /* how it was named; NULL: it was found */
	char selector[HL_READER_NAME_MAX + 8]; /* for this one alone */
	size_t group; /* those of a group are asked one after the other */
	char words[HL_CARD_WORDS + HL_READER_NAME_MAX];
	uint32_t quota;	  /* units that may be spent on it */
	uint32_t counter; /* what is known now */
	uint32_t units;	  /* spent now */
} hl_prefetch_card;

typedef struct hl_prefetch {
	hl_cli *cli;
	hl_prefetch_item *items;
	size_t n, cap;
	size_t again;	    /* files with a certificate met before */
	size_t passed_over; /* files that are nothing of ours */
	hl_text firmware;   /* "" until a card tells it */
	bool sure;	    /* the firmware is one that the store knows */
	hl_prefetch_card *cards;
	size_t n_cards;
	size_t groups;	/* with something to do: 0 to groups - 1 */
	hl_err no_card; /* rc not HL_OK: why there is none */
	size_t need;	/* items that are to be got from cards */
	int64_t started;
	hl_progress progress;
	hl_get_result *r; /* scratch */
	hl_cert *cert;	  /* scratch */
} hl_prefetch;

/* ---- prefetch_items.c --------------------------------------------------- */

/*
 * Collects what the operands name, each certificate once. A file that cannot be
 * used becomes a failed item. HL_ENOTFOUND: there is nothing at all.
 */
HL_CHECK hl_rc hl_prefetch_collect(
    hl_prefetch *p, char **operands, hl_err *err);
/* The item failed, or was not tried, for this reason. */
void hl_prefetch_fail(
    hl_prefetch_item *it, hl_prefetch_state state, const hl_err *why);
/* Its certificate, in p->cert. */
HL_CHECK hl_rc hl_prefetch_cert(
    hl_prefetch *p, const hl_prefetch_item *it, hl_err *err);
void hl_prefetch_free(hl_prefetch *p);

/* ---- prefetch_cards.c --------------------------------------------------- */

/* p->firmware, as far as the command line tells it, without any card. */
HL_CHECK hl_rc hl_prefetch_firmware_by_words(hl_prefetch *p, hl_err *err);
/*
 * The cards that may be asked; none is no error yet, since the store may have
 * all that is wanted: p->no_card tells why.
 */
HL_CHECK hl_rc hl_prefetch_find_cards(hl_prefetch *p, hl_err *err);
/* Fails: why no card can be asked for what is left to do. */
hl_rc hl_prefetch_no_card_left(const hl_prefetch *p, hl_err *err);

/* ---- prefetch_plan.c ---------------------------------------------------- */

/*
 * Looks into the store, reads the cards where they are needed, settles what
 * earlier runs left open on them, and divides what is left to do among them:
 * p->need, the items' card and the cards' quota. Spends nothing.
 * HL_ENOLICENSE: they cannot serve all, and --partial was not given.
 */
HL_CHECK hl_rc hl_prefetch_plan(hl_prefetch *p, hl_err *err);
/* Asks the store alone; sets the item's state, and leaves HL_PREFETCH_TO_DO
 * when there is no license. One that is suspect: HL_PREFETCH_NOT_TRIED.
 * *doubt: a request for it is open. */
HL_CHECK hl_rc hl_prefetch_look(
    hl_prefetch *p, hl_prefetch_item *it, bool *doubt, hl_err *err);

/* ---- prefetch_ask.c ----------------------------------------------------- */

/* Says what would be spent, and asks for it. */
HL_CHECK hl_rc hl_prefetch_ask(hl_prefetch *p, hl_err *err);

/* ---- prefetch_run.c ----------------------------------------------------- */

/* What became of one item, on its way from the process that asked. */
typedef struct hl_prefetch_news {
	enum {
		HL_PREFETCH_BEGINS, /* the card is asked now */
		HL_PREFETCH_ENDS,   /* rc and the rest are set */
		HL_PREFETCH_STOPS   /* no more of this card: err says why */
	} what;
	size_t card, item;
	hl_rc rc;
	hl_source source;
	int units;
	bool has_counter;
	uint32_t counter;
	uint8_t license_sha256[HL_SHA256_LEN];
	hl_err err;
} hl_prefetch_news;

/* Asks the cards of a group for their items, one after the other. `tell` is
 * given the news; false: nobody listens any more. */
void hl_prefetch_serve(hl_prefetch *p, size_t group,
    bool (*tell)(void *arg, const hl_prefetch_news *news), void *arg);
/* Takes news into p. */
void hl_prefetch_hear(hl_prefetch *p, const hl_prefetch_news *news);
/* A person or the system wants the program to end: the signal, or 0. */
int hl_prefetch_stop_signal(void);
/* From now on INT, TERM, HUP and QUIT end the work after the request at hand.
 * `once`: a second one ends the process. */
void hl_prefetch_catch_signals(bool once);
/* Gets everything that was planned. What can go wrong is in the items, but for
 * HL_ENOMEM and a store that cannot be opened again. */
HL_CHECK hl_rc hl_prefetch_run(hl_prefetch *p, hl_err *err);

/* ---- prefetch_workers.c ------------------------------------------------- */

/*
 * hl_prefetch_serve() for all groups at once, a process for each. The store is
 * closed meanwhile, since a handle cannot cross fork().
 */
HL_CHECK hl_rc hl_prefetch_workers(hl_prefetch *p, hl_err *err);

#endif
