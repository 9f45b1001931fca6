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

#define LIST_MS 5000
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

/* Can the card that was read be this one of the store, whatever its counter? */
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

/* Known cards that one which was read may be. */
struct candidates {
	const hl_card_row *one, *two; /* the first of them */
	unsigned n;
	bool mixed; /* they are not all of one firmware */
};

/* What the known cards say about one that was read. */
struct match {
	const hl_card_row *labelled;
	struct candidates exact; /* with that many licenses left */
	struct candidates above; /* with more, when they were seen last */
	const hl_card_row
	    *here; /* of the exact ones: seen last in this reader */
	unsigned heres;
	bool one_key; /* they are all in use, and of one firmware */
};

static void
add_candidate(struct candidates *c, const hl_card_row *row)
{
	if (c->n == 0)
		c->one = row;
	else if (c->n == 1)
		c->two = row;
	c->n++;
	c->mixed |= !hl_uuid_equal(&row->firmware, &c->one->firmware);
}

/* A request of it is open: it must not be settled with another card. */
static bool
is_waited_for(hl_broker *b, const hl_card_row *row)
{
	hl_issue open;

	return hl_store_issue_open_on_card(b->store, &row->id, &open, NULL) ==
	    HL_OK;
}

/* A request that was cut short may have taken a unit. */
static bool
expects(hl_broker *b, const hl_card_row *row, uint32_t counter)
{
	return counter == row->last_counter ||
	    (counter + 1 == row->last_counter && is_waited_for(b, row));
}

static void
add_exact(struct match *m, const hl_card_info *info, const hl_card_row *row)
{
	add_candidate(&m->exact, row);
	if (row->retired_at != 0 || m->exact.mixed)
		m->one_key = false;
	if (strcmp(row->reader, info->reader) == 0) {
		m->here = row;
		m->heres++;
	}
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
		if (expects(b, row, info->counter))
			add_exact(m, info, row);
		else if (info->counter < row->last_counter &&
		    row->retired_at == 0 && !is_waited_for(b, row))
			add_candidate(&m->above, row);
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
	if (m->exact.n > 0)
		return hl_fail(err, HL_ECONFLICT, WHAT,
		    "insert the card that is meant",
		    "the card in \"%s\" has %u licenses left: by its counter "
		    "it is \"%s\", not \"%s\" (%u expected)",
		    info->reader, info->counter, m->exact.one->label,
		    row->label, row->last_counter);
	return HL_OK;
}

static hl_rc
several(const hl_card_info *info, const struct candidates *c, hl_err *err)
{
	char more[40] = "";

	if (c->n > 2)
		(void)hl_text_format(
		    more, sizeof(more), " or %u more", c->n - 2);
	return hl_fail(err, HL_ECONFLICT, WHAT, "say which it is: --card LABEL",
	    "the card in \"%s\" tells no serial number; by its firmware "
	    "identifier and its counter (%u left) it could be \"%s\" or "
	    "\"%s\"%s",
	    info->reader, info->counter, c->one->label, c->two->label, more);
}

/*
 * Two cards that are used in turn have the same counter again and again. Each
 * stays in its reader as a rule, and under one key nothing but the account of
 * the two is at stake.
 */
static bool
is_by_place(const struct match *m)
{
	return m->exact.n > 1 && m->one_key && m->heres == 1;
}

/* Has another known card been in its reader since? */
static bool
is_displaced(const hl_card_row *row, const struct rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->p[i].reader, row->reader) == 0 &&
		    r->p[i].seen_at > row->seen_at)
			return true;
	return false;
}

/*
 * Is a card of its kind in the reader where it was seen last, and may be it?
 * Then the one at hand has hardly come from there.
 */
static bool
is_elsewhere(
    const hl_card_row *row, const hl_card_info *info, const struct rows *r)
{
	hl_reader *readers = NULL;
	bool found = false;
	size_t n = 0;

	if (strcmp(row->reader, info->reader) == 0 || is_displaced(row, r) ||
	    hl_reader_list(&readers, &n, hl_deadline_in(LIST_MS), NULL) !=
		HL_OK)
		return false;
	for (size_t i = 0; i < n; i++)
		found |= readers[i].present &&
		    strcmp(readers[i].name, row->reader) == 0 &&
		    readers[i].atr_n == row->atr_n &&
		    memcmp(readers[i].atr, row->atr, row->atr_n) == 0;
	free(readers);
	return found;
}

hl_rc
hl_broker_twin(const hl_card_info *info, const hl_card_row *row, hl_err *err)
{
	return hl_fail(err, HL_ECONFLICT, WHAT,
	    "say it with --card LABEL if it is, else with hsmlic card add "
	    "--label OTHER --firmware NAME or --new-firmware NAME",
	    "by its firmware identifier and its counter (%u left), the card in "
	    "\"%s\" could be \"%s\", but such a card is in \"%s\", too, "
	    "where that was seen last",
	    info->counter, info->reader, row->label, row->reader);
}

/* `named`: it is another card than the one that a person meant, if it is not
 * sure which one it is. */
static hl_rc
choose_row(hl_broker *b, const hl_card_info *info, const struct rows *r,
    const struct match *m, bool named, hl_card_row *row, hl_err *err)
{
	const struct candidates *c = m->exact.n > 0 ? &m->exact : &m->above;
	const hl_card_row *found = c->one;
	bool one_of_them = false;
	hl_rc rc = HL_OK;

	if (m->labelled != NULL) {
		found = m->labelled;
		rc = judge_labelled(b, info, m, err);
	} else if (is_by_place(m)) {
		found = m->here;
	} else if (c->n == 0) {
		rc = HL_ENOTFOUND;
	} else if (c->n > 1) {
		rc = named ? HL_ENOTFOUND : several(info, c, err);
		one_of_them = rc == HL_ECONFLICT && !c->mixed;
	} else if (is_elsewhere(found, info, r)) {
		rc = named ? HL_ENOTFOUND : hl_broker_twin(info, found, err);
	}
	if (rc == HL_OK || one_of_them)
		*row = *found;
	return rc;
}

static hl_rc
know_weak(hl_broker *b, const hl_card_info *info, const char *label,
    hl_card_row *row, hl_err *err)
{
	struct match m = { .one_key = true };
	struct rows r = { NULL, 0, false };
	hl_rc rc;

	memset(row, 0, sizeof(*row));
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
		rc = choose_row(b, info, &r, &m, label != NULL, row, err);
	free(r.p);
	return rc;
}

/* Nothing but a person's word tells which one it is. */
static hl_rc
know_uncounted(hl_broker *b, const hl_card_info *info, const char *label,
    hl_card_row *row, hl_err *err)
{
	bool yes = false;
	hl_rc rc = HL_ENOTFOUND;

	if (label != NULL)
		rc = hl_store_card_by_label(b->store, label, row, NULL);
	if (rc == HL_OK)
		rc = hl_broker_may_be(b, info, row, &yes, err);
	return rc == HL_OK && !yes ? HL_ENOTFOUND : rc;
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
	if ((info->can & HL_BY_TOOL) == 0)
		return HL_ENOTFOUND;
	if (hl_broker_names_place(selector))
		selector = NULL;
	return info->has_counter ? know_weak(b, info, selector, row, err)
				 : know_uncounted(b, info, selector, row, err);
}
