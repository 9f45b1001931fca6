/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of hl_broker_get(), shared by its files get*.c. */
#ifndef HL_BROKER_GET_H
#define HL_BROKER_GET_H

#include "broker/internal.h"

typedef struct hl_get {
	hl_broker *b;
	const hl_get_request *req;
	hl_get_result *out;
	hl_cert *cert; /* of the chip; n 0 until it is needed */
	bool chip_known;
	bool chip_incomplete; /* the store does not know all that was given */
	bool has_allowed;
	hl_card_info allowed; /* card that may_spend said yes to */
	hl_deadline until;
} hl_get;

/* get_chip.c: finds the chip, writes nothing. Sets g->out->chip, and whether
 * the store knows it. */
HL_CHECK hl_rc hl_get_find_chip(hl_get *g, hl_err *err);
/*
 * What was given of the chip is recorded when there is something to record it
 * for: a get that is refused must not tie a UID to a certificate.
 */
HL_CHECK hl_rc hl_get_record_chip(hl_get *g, hl_err *err);
HL_CHECK hl_rc hl_get_load_cert(hl_get *g, hl_err *err);

/*
 * get_store.c: the firmware that options name without asking a card: by
 * --firmware, or by a --card that the store knows. HL_ENOTFOUND: the card has
 * to tell.
 */
HL_CHECK hl_rc hl_get_firmware(hl_get *g, hl_uuid *firmware, hl_err *err);
/* HL_ENOTFOUND: none, or the chip is not known. */
HL_CHECK hl_rc hl_get_find_license(
    hl_get *g, const hl_uuid *firmware, hl_license *l, hl_err *err);
/* The chip's only license, when nothing else says which firmware is meant. */
HL_CHECK hl_rc hl_get_only_license(hl_get *g, hl_license *l, hl_err *err);
/* Fills the result and delivers it. */
HL_CHECK hl_rc hl_get_hand_over(
    hl_get *g, const hl_license *l, hl_source source, int units, hl_err *err);
/* The first look-up, without any card. HL_ENOTFOUND: a card is needed. */
HL_CHECK hl_rc hl_get_look_up(hl_get *g, hl_err *err);

/*
 * get_else.c: what could be used instead of a new license for the firmware of
 * this name, which the store need not know.
 */
HL_CHECK hl_rc hl_get_look_else(
    hl_get *g, const char *firmware, hl_kept_else *out, hl_err *err);

/* get_none.c: why the store alone cannot serve, when no card is to be asked. */
HL_CHECK hl_rc hl_get_none_cached(hl_get *g, hl_err *err);
/*
 * The card could not be asked, or has nothing to give (`rc`). That is "try
 * again", or "use another card", only while no request for this very chip waits
 * to be settled: else HL_EDOUBT.
 */
HL_CHECK hl_rc hl_get_or_in_doubt(hl_get *g, hl_rc rc, hl_err *err);

#endif
