/* SPDX-License-Identifier: Apache-2.0 */
/* What `hsmlic reconcile` found, and how it is shown. */
#ifndef HL_CLI_RECONCILE_H
#define HL_CLI_RECONCILE_H

#include "cli/parts.h"

typedef struct hl_reconcile {
	hl_cli *cli;
	hl_reconciled *cards;
	size_t n;
	uint64_t booked; /* units that were signed off just now */
	bool read_only;	 /* the store was, so nothing is recorded */
} hl_reconcile;

/* Is there something to explain, or to recover, on this card? */
bool hl_reconcile_finds(const hl_reconciled *r);
/* The units of one class in words: "2 units left while ...". */
void
hl_reconcile_words(int64_t units, hl_variance_class c, char *out, size_t size);

/* A table, then a line for each thing that a person should know. */
HL_CHECK hl_rc hl_reconcile_screen(const hl_reconcile *r, hl_err *err);
HL_CHECK hl_rc hl_reconcile_json(const hl_reconcile *r, hl_err *err);

#endif
