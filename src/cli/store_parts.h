/* SPDX-License-Identifier: Apache-2.0 */
/* What the store commands share. */
#ifndef HL_CLI_STORE_PARTS_H
#define HL_CLI_STORE_PARTS_H

#include "cli/parts.h"

/* Of the store that a URL names; what is no file has no path: HL_EUSAGE. */
HL_CHECK hl_rc hl_store_path(const char *url, const char **path, hl_err *err);
void hl_store_facts(const hl_store_info *i);

/* ---- what a copy lacks (store_lack.c) ------------------------------------ */

/* What a store has that a copy of it has not. */
typedef struct hl_lack {
	hl_likeness like;
	uint64_t events;  /* of its ledger that are not in the copy */
	int64_t from, to; /* their times; 0: none */
	uint64_t issues;  /* requests that they tell of */
	json_t *chips;	  /* names of the chips of these requests */
	json_t *licenses; /* as hl_json_license(), in every state */
} hl_lack;

/* Free also on failure. */
HL_CHECK hl_rc hl_lack_find(
    hl_store *copy, hl_store *present, hl_lack *out, hl_err *err);
void hl_lack_free(hl_lack *l);
/* Says it in notes. */
void hl_lack_tell(const hl_cli *cli, const hl_lack *l);
json_t *hl_json_lack(const hl_lack *l); /* null: nothing was compared */

/*
 * All that can be checked in a short time: hsmlic audit verify's part too, but
 * of a ledger that is long; *events are then those that were passed over, else
 * 0. Findings as for hl_store_check().
 */
HL_CHECK hl_rc hl_store_check_all(hl_store *store,
    void (*found)(void *arg, const char *text), void *arg, uint64_t *n,
    uint64_t *events, hl_err *err);

#endif
