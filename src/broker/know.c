/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which known card is in hand? A genuine STM32HSM tells no serial number: two
 * with the same firmware identifier differ by their label, which only people
 * know, and by their counters, which only go down.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/internal.h"
#include "util/text.h"

#define ROWS_MAX 256 /* cards without serial numbers in one store */

const char *
hl_broker_name(const hl_card_row *row)
{
	return row->serial[0] != '\0' ? row->serial : row->label;
}

const char *
hl_broker_name_info(const hl_card_info *info, const hl_card_row *row)
{
	if (info->serial[0] != '\0')
		return info->serial;
	return row != NULL && row->label[0] != '\0' ? row->label
						    : "(no serial number)";
}

hl_rc
hl_broker_may_be(hl_broker *b, const hl_card_info *info, const hl_card_row *row,
    bool *yes, hl_err *err)
{
	hl_firmware f;
	hl_rc rc;

	*yes = false;
	if (info->serial[0] != '\0' || row->serial[0] != '\0') {
		*yes = strcmp(info->serial, row->serial) == 0;
		return HL_OK;
	}
	if (strcmp(info->driver, row->driver) != 0 ||
	    info->atr_n != row->atr_n ||
	    memcmp(info->atr, row->atr, info->atr_n) != 0)
		return HL_OK;
	rc = hl_store_firmware_by_id(b->store, &row->firmware, &f, err);
	*yes = rc == HL_OK && strcmp(f.identifier, info->firmware_id) == 0;
	return rc;
}

struct rows {
	hl_card_row *p;
	size_t n;
	bool full;
};

static bool
keep_weak(void *arg, const hl_card_row *c)
{
	struct rows *r = arg;

	if (c->serial[0] != '\0')
		return true;
	r->full = r->n == ROWS_MAX;
	if (!r->full)
		r->p[r->n++] = *c;
	return !r->full;
}

/* What the known cards say about one that was read. */
struct match {
	const hl_card_row *exact, *above, *labelled;
	unsigned exacts, aboves;
};

/* A request that was cut short may have taken a unit. */
static bool
expects(hl_broker *b, const hl_card_row *row, uint32_t counter)
{
	hl_issue open;

	return counter == row->last_counter ||
	    (counter + 1 == row->last_counter &&
		hl_store_issue_open_on_card(b->store, &row->id, &open, NULL) ==
		    HL_OK);
}

static hl_rc
match_rows(hl_broker *b, const hl_card_info *info, const char *label,
    const struct rows *r, struct match *m, hl_err *err)
{
	hl_rc rc;
	bool yes;

	for (size_t i = 0; i < r->n; i++) {
		const hl_card_row *row = &r->p[i];

		rc = hl_broker_may_be(b, info, row, &yes, err);
		if (rc != HL_OK)
			return rc;
		if (!yes)
			continue;
		if (label != NULL && strcmp(label, row->label) == 0)
			m->labelled = row;
		if (expects(b, row, info->counter)) {
			m->exact = row;
			m->exacts++;
		} else if (info->counter < row->last_counter &&
		    row->retired_at == 0) {
			m->above = row;
			m->aboves++;
		}
	}
	return HL_OK;
}

#define WHAT "tell which card it is"

/* A person said which one it is. */
static hl_rc
judge_labelled(
    hl_broker *b, const hl_card_info *info, const struct match *m, hl_err *err)
{
	const hl_card_row *row = m->labelled;

	if (expects(b, row, info->counter))
		return HL_OK;
	if (info->counter > row->last_counter)
		return hl_fail(err, HL_ECONFLICT, WHAT,
		    "it is another card with the same firmware identifier: "
		    "make it known with hsmlic card add --label OTHER "
		    "--firmware NAME",
		    "the card in \"%s\" has %u licenses left, but \"%s\" had "
		    "%u when it was seen last, and a counter never goes up",
		    info->reader, info->counter, row->label, row->last_counter);
	if (m->exacts > 0)
		return hl_fail(err, HL_ECONFLICT, WHAT,
		    "insert the card that is meant",
		    "the card in \"%s\" has %u licenses left: by its counter "
		    "it is \"%s\", not \"%s\" (%u expected)",
		    info->reader, info->counter, m->exact->label, row->label,
		    row->last_counter);
	return HL_OK;
}

static hl_rc
several(
    const hl_card_info *info, unsigned n, const hl_card_row *one, hl_err *err)
{
	return hl_fail(err, HL_ECONFLICT, WHAT, "say which it is: --card LABEL",
	    "the card in \"%s\" tells no serial number, and %u known cards "
	    "with this firmware identifier could be it, \"%s\" among them",
	    info->reader, n, one->label);
}

static hl_rc
choose_row(hl_broker *b, const hl_card_info *info, const struct match *m,
    hl_card_row *row, hl_err *err)
{
	const hl_card_row *found = NULL;
	hl_rc rc = HL_OK;

	if (m->labelled != NULL) {
		found = m->labelled;
		rc = judge_labelled(b, info, m, err);
	} else if (m->exacts > 1) {
		rc = several(info, m->exacts, m->exact, err);
	} else if (m->exacts == 1) {
		found = m->exact;
	} else if (m->aboves > 1) {
		rc = several(info, m->aboves, m->above, err);
	} else if (m->aboves == 1) {
		found = m->above;
	} else {
		rc = HL_ENOTFOUND;
	}
	if (rc == HL_OK)
		*row = *found;
	return rc;
}

static hl_rc
know_weak(hl_broker *b, const hl_card_info *info, const char *label,
    hl_card_row *row, hl_err *err)
{
	struct match m = { NULL, NULL, NULL, 0, 0 };
	struct rows r = { NULL, 0, false };
	hl_rc rc;

	if ((r.p = calloc(ROWS_MAX, sizeof(*r.p))) == NULL)
		return hl_nomem(err);
	rc = hl_store_card_list(b->store, keep_weak, &r, err);
	if (rc == HL_OK && r.full)
		rc = hl_fail(err, HL_ESTORE, WHAT,
		    "start a store of its own for the next cards",
		    "more than %d cards without a serial number are known",
		    ROWS_MAX);
	if (rc == HL_OK)
		rc = match_rows(b, info, label, &r, &m, err);
	if (rc == HL_OK)
		rc = choose_row(b, info, &m, row, err);
	free(r.p);
	return rc;
}

hl_rc
hl_broker_know(hl_broker *b, const hl_card_info *info, const char *selector,
    hl_card_row *row, hl_err *err)
{
	hl_rc rc;

	if (info->serial[0] != '\0') {
		rc = hl_store_card_by_serial(b->store, info->serial, row, NULL);
		return rc == HL_OK ? HL_OK : HL_ENOTFOUND;
	}
	if ((info->can & HL_BY_TOOL) == 0 || !info->has_counter)
		return HL_ENOTFOUND;
	return know_weak(b, info, selector, row, err);
}
