/* SPDX-License-Identifier: Apache-2.0 */
/* What `hsmlic status` found, and how it is put on a screen. */
#ifndef HL_CLI_STATUS_H
#define HL_CLI_STATUS_H

#include "cli/audit.h"

/* What is left of a firmware, and how fast it goes. */
typedef struct hl_supply {
	hl_firmware firmware;
	uint64_t left;	     /* on its cards that are not retired */
	uint64_t week_units; /* that left them in the last 7 days */
} hl_supply;

typedef struct hl_open_request {
	hl_issue issue;
	bool in_progress; /* its owner is alive */
	hl_chip chip;
	hl_card_row card;
} hl_open_request;

typedef struct hl_status {
	hl_store_info info;
	hl_ledger_state ledger;
	hl_cards cards;
	int64_t now, today_from, week_from;
	hl_figures today, week;
	hl_open_request *open;
	size_t n_open;
	hl_supply *supplies;
	size_t n_supplies;
	char **warnings;
	size_t n_warnings;
	bool failed; /* no memory */
} hl_status;

uint64_t hl_status_spent(const hl_figures *f);
/* Days that the supply lasts at the rate of the last 7; only with use. */
uint64_t hl_supply_days(const hl_supply *s);

void hl_status_screen(hl_cli *cli, const hl_status *s);

#endif
