/* SPDX-License-Identifier: Apache-2.0 */
/* Why a card's counter is not where the records lead to. No I/O. */
#ifndef HL_STORE_VARIANCE_H
#define HL_STORE_VARIANCE_H

#include "store/store.h"

/* What is known of a reading whose counter is not the expected one. */
typedef struct hl_gap {
	bool above;    /* the counter is higher than expected, not lower */
	bool open;     /* an issue is open on the card: not recorded yet */
	bool given_up; /* the issue since the reading before was written off */
	bool restored; /* the store was restored since the reading before */
	bool within;   /* the reading belongs to the outcome of an issue */
} hl_gap;

/*
 * The class of the units of such a reading. The first rule that fits decides:
 *
 *   counter is above                         replaced: a counter never goes up
 *   an issue is open                         in_doubt: recovery tells later
 *   the issue before was written off         in_doubt, but one unit only
 *   the store was restored since             rolled_back: what it forgot
 *   it fell between intent and outcome       jump
 *   it fell while none of ours was open      outside
 *
 * A unit of an issue that was lost is in no gap: its outcome has been recorded,
 * and the counter is expected without it (class lost).
 */
hl_variance_class hl_gap_class(const hl_gap *g);
/* Adds the units (below zero: above) of such a reading to their classes. */
void hl_gap_split(const hl_gap *g, int64_t units, int64_t by[HL_VARIANCE_N]);

/*
 * The class whose unit an imported license bought, where nobody knows better:
 * what the store forgot before what it never knew, and doubt last. False: no
 * class has a unit left. `units` are those of each class that are not booked.
 */
bool hl_gap_bought(const int64_t units[HL_VARIANCE_N], hl_variance_class *out);

#endif
