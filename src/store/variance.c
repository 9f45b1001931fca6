/* SPDX-License-Identifier: Apache-2.0 */
#include "store/variance.h"

#include "util/err.h"

hl_variance_class
hl_gap_class(const hl_gap *g)
{
	const struct {
		bool fits;
		hl_variance_class class;
	} rules[] = {
		{ g->above, HL_VARIANCE_REPLACED },
		{ g->open, HL_VARIANCE_IN_DOUBT },
		{ g->given_up, HL_VARIANCE_IN_DOUBT },
		{ g->restored, HL_VARIANCE_ROLLED_BACK },
		{ g->within, HL_VARIANCE_JUMP },
	};

	for (size_t i = 0; i < HL_COUNT(rules); i++) {
		if (rules[i].fits)
			return rules[i].class;
	}
	return HL_VARIANCE_OUTSIDE;
}

void
hl_gap_split(const hl_gap *g, int64_t units, int64_t by[HL_VARIANCE_N])
{
	hl_gap rest = *g;

	if (units == 0)
		return;
	/* a request has one unit at most */
	if (g->given_up && !g->above && !g->open) {
		by[hl_gap_class(g)]++;
		units--;
		rest.given_up = false;
	}
	by[hl_gap_class(&rest)] += units;
}

bool
hl_gap_bought(const int64_t units[HL_VARIANCE_N], hl_variance_class *out)
{
	static const hl_variance_class order[] = { HL_VARIANCE_ROLLED_BACK,
		HL_VARIANCE_OUTSIDE, HL_VARIANCE_JUMP, HL_VARIANCE_IN_DOUBT };

	for (size_t i = 0; i < HL_COUNT(order); i++) {
		if (units[order[i]] > 0) {
			*out = order[i];
			return true;
		}
	}
	return false;
}

/* ---- a balance ----------------------------------------------------------- */

int64_t
hl_balance_open(const hl_balance *b, hl_variance_class c)
{
	const hl_variance_sum *s = &b->by[c];

	return s->units + s->unrecorded - s->booked;
}

int64_t
hl_balance_difference(const hl_balance *b)
{
	int64_t sum = b->gap;

	for (int c = 0; c < HL_VARIANCE_N; c++) {
		if (c != HL_VARIANCE_REPLACED)
			sum += hl_balance_open(b, (hl_variance_class)c);
	}
	return sum;
}

int64_t
hl_balance_above(const hl_balance *b)
{
	return -b->by[HL_VARIANCE_REPLACED].unrecorded;
}

bool
hl_balance_closed(const hl_balance *b)
{
	for (int c = 0; c < HL_VARIANCE_N; c++) {
		if (hl_balance_open(b, (hl_variance_class)c) != 0)
			return false;
	}
	return b->gap == 0 && b->wrong_reading == 0;
}
