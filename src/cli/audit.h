/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit commands share. */
#ifndef HL_CLI_AUDIT_H
#define HL_CLI_AUDIT_H

#include "cli/parts.h"
#include "ledger/event.h"

#define HL_AUDIT_HINT "run hsmlic audit verify: it names all that was altered"

/*
 * Reads an event of the store, after a look at whether it is what was written:
 * its number, its leaf hash, its canonical form. HL_EINTEGRITY. The caller
 * frees it with hl_event_free().
 */
HL_CHECK hl_rc hl_audit_event(
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
	bool by_card, by_chip, by_issue;
	hl_uuid card, chip, issue;
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

/* ---- in words (audit_words.c) -------------------------------------------- */

/* Appends what happened, in one line for people; the store gives names. */
void hl_event_words(hl_cli *cli, const hl_event *e, hl_buf *out);

#endif
