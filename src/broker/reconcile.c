/* SPDX-License-Identifier: Apache-2.0 */
/* Cards as witnesses: what they say now against what is on record. */
#include <stdlib.h>
#include <string.h>

#include "broker/internal.h"
#include "util/text.h"

static const char not_there[] = "it is not there";

/* The cards that are known and meant. */
typedef struct card_list {
	const char *selector; /* a label or a serial number; NULL: all */
	hl_reconciled *p;
	size_t n, cap;
	bool failed;
} card_list;

static bool
is_meant(const char *selector, const hl_card_row *c)
{
	char serial[HL_SERIAL_TEXT];

	if (selector == NULL || strcmp(selector, c->label) == 0)
		return true;
	return hl_serial_canonical(selector, serial) &&
	    strcmp(serial, c->serial) == 0;
}

static bool
add_card(card_list *l, const hl_card_row *c)
{
	hl_reconciled *more;

	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 8 : 2 * l->cap;
		more = reallocarray(l->p, l->cap, sizeof(*more));
		if (more == NULL) {
			l->failed = true;
			return false;
		}
		l->p = more;
	}
	memset(&l->p[l->n], 0, sizeof(*l->p));
	l->p[l->n++].card = *c;
	return true;
}

static bool
on_card(void *arg, const hl_card_row *c)
{
	card_list *l = arg;

	return is_meant(l->selector, c) ? add_card(l, c) : true;
}

/* ---- reading ------------------------------------------------------------ */

/* While it was held, its counter was compared with the records of then. */
static bool
was_above(const hl_present *p)
{
	return p->info.counter > p->row.last_counter;
}

/*
 * Others may have asked the card since it was read, and put that on record:
 * then the records are newer than the reading.
 */
static hl_rc
balance_read(hl_broker *b, const hl_present *p, hl_reconciled *r, hl_err *err)
{
	hl_rc rc;

	r->read = true;
	r->counter = p->info.counter;
	(void)hl_text_copy(r->why, sizeof(r->why), p->warning);
	rc = hl_store_balance(
	    b->store, &r->card.id, &r->counter, &r->balance, err);
	if (rc != HL_OK || was_above(p) || r->balance.left >= r->counter)
		return rc;
	rc = hl_store_balance(b->store, &r->card.id, NULL, &r->balance, err);
	r->counter = r->balance.left;
	return rc;
}

static hl_rc
balance_records(hl_broker *b, const char *why, hl_reconciled *r, hl_err *err)
{
	r->read = false;
	(void)hl_text_format(r->why, sizeof(r->why), "%s", why);
	return hl_store_balance(b->store, &r->card.id, NULL, &r->balance, err);
}

/* Is a request to it open whose process is still there? */
static bool
at_work(hl_broker *b, const hl_uuid *card)
{
	hl_issue i;

	return hl_store_issue_open_on_card(b->store, card, &i, NULL) == HL_OK &&
	    hl_owner_alive(b->side, &i.owner);
}

/* What is in the readers now. */
typedef struct readers {
	hl_present *list;
	size_t n;
	hl_text absent; /* why a card is not among them */
} readers;

/* `p` NULL: the card was not found, `absent` says why. */
static hl_rc
settle_one(hl_broker *b, const hl_present *p, const char *absent,
    hl_reconciled *r, hl_err *err)
{
	hl_rc rc;

	rc = hl_store_card_by_id(b->store, &r->card.id, &r->card, err);
	if (rc != HL_OK)
		return rc;
	r->in_progress = at_work(b, &r->card.id);
	if (r->in_progress)
		return balance_records(
		    b, "a request to it is under way", r, err);
	if (p == NULL)
		return balance_records(b, absent, r, err);
	if (p->rc != HL_OK)
		return balance_records(b, p->err.why, r, err);
	if (!p->info.has_counter)
		return balance_records(b, "its counter cannot be read", r, err);
	return balance_read(b, p, r, err);
}

static const hl_present *
find_present(const hl_present *list, size_t n, const hl_uuid *card)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].known && hl_uuid_equal(&list[i].row.id, card))
			return &list[i];
	}
	return NULL;
}

/* A software card is in no reader: it is where it was seen last. */
static hl_rc
settle_sim(hl_broker *b, const hl_reconcile_request *req, hl_reconciled *r,
    hl_err *err)
{
	hl_present *p = NULL;
	bool mine;
	size_t n = 0;
	hl_rc rc;

	rc = hl_broker_present(
	    b, r->card.reader, req->actor, req->until, &p, &n, NULL);
	mine = rc == HL_OK && n == 1 &&
	    (p->rc != HL_OK || find_present(p, n, &r->card.id) != NULL);
	rc = settle_one(b, mine ? p : NULL, not_there, r, err);
	free(p);
	return rc;
}

static hl_rc
settle_all(hl_broker *b, const hl_reconcile_request *req, const readers *now,
    card_list *l, hl_err *err)
{
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < l->n && rc == HL_OK; i++) {
		hl_reconciled *r = &l->p[i];
		const hl_present *p =
		    find_present(now->list, now->n, &r->card.id);

		rc = p == NULL && hl_text_starts(r->card.reader, "sim:")
		    ? settle_sim(b, req, r, err)
		    : settle_one(b, p, now->absent, r, err);
	}
	return rc;
}

/* ---- which ones --------------------------------------------------------- */

/* Without readers there are the records still. */
static bool
is_device(hl_rc rc)
{
	return rc == HL_ENODEV || rc == HL_EACCESS || rc == HL_EBUSY ||
	    rc == HL_ETIMEOUT;
}

static hl_rc
read_present(
    hl_broker *b, const hl_reconcile_request *req, readers *out, hl_err *err)
{
	hl_err why = { 0 };
	hl_rc rc;

	rc = hl_broker_present(
	    b, req->card, req->actor, req->until, &out->list, &out->n, &why);
	if (rc == HL_OK)
		return HL_OK;
	out->list = NULL;
	out->n = 0;
	if (is_device(rc) && !hl_broker_names_place(req->card)) {
		(void)hl_text_format(out->absent, sizeof(out->absent),
		    "no reader can be asked: %s", why.why);
		return HL_OK;
	}
	if (err != NULL)
		*err = why;
	return rc;
}

/* Of a place: the known cards in it. */
static hl_rc
list_at_place(
    const char *selector, const readers *now, card_list *l, hl_err *err)
{
	const hl_present *present = now->list;
	const size_t n = now->n;

	for (size_t i = 0; i < n && !l->failed; i++) {
		if (present[i].known)
			(void)add_card(l, &present[i].row);
	}
	if (l->failed)
		return hl_nomem(err);
	if (l->n > 0)
		return HL_OK;
	for (size_t i = 0; i < n; i++) {
		if (present[i].rc == HL_OK)
			continue;
		if (err != NULL)
			*err = present[i].err;
		return present[i].rc;
	}
	return hl_fail(err, n == 0 ? HL_ENODEV : HL_ENOTFOUND,
	    "find the card to reconcile", "see hsmlic card list",
	    n == 0 ? "no card is in \"%s\""
		   : "the card in \"%s\" is none that this store knows",
	    selector);
}

static hl_rc
list_known(hl_broker *b, const char *selector, card_list *l, hl_err *err)
{
	hl_rc rc;

	l->selector = selector;
	rc = hl_store_card_list(b->store, on_card, l, err);
	if (rc == HL_OK && l->failed)
		return hl_nomem(err);
	if (rc != HL_OK || l->n > 0 || selector == NULL)
		return rc;
	return hl_fail(err, HL_ENOTFOUND, "find the card to reconcile",
	    "see hsmlic card list",
	    "no known card has the label or serial number \"%s\"", selector);
}

/* ---- what was found
 * ----------------------------------------------------------- */

static hl_rc
record(hl_broker *b, const card_list *l, const hl_actor *actor, hl_err *err)
{
	hl_reconcile_row *rows;
	hl_rc rc;

	if (actor == NULL || l->n == 0)
		return HL_OK;
	if ((rows = calloc(l->n, sizeof(*rows))) == NULL)
		return hl_nomem(err);
	for (size_t i = 0; i < l->n; i++)
		rows[i] = (hl_reconcile_row){ l->p[i].card.id, l->p[i].balance,
			l->p[i].read, l->p[i].counter };
	rc = hl_store_reconciled(b->store, rows, l->n, actor, err);
	free(rows);
	return rc;
}

hl_rc
hl_broker_reconcile(hl_broker *b, const hl_reconcile_request *req,
    hl_reconciled **out, size_t *n, hl_err *err)
{
	const bool place = hl_broker_names_place(req->card);
	card_list l = { .selector = NULL };
	readers now = { .list = NULL };
	hl_rc rc = HL_OK;

	*out = NULL;
	*n = 0;
	(void)hl_text_copy(now.absent, sizeof(now.absent), not_there);
	/* a name that nobody bears is said before any card is waited for */
	if (!place)
		rc = list_known(b, req->card, &l, err);
	if (rc == HL_OK && (place || l.n > 0))
		rc = read_present(b, req, &now, err);
	if (rc == HL_OK && place)
		rc = list_at_place(req->card, &now, &l, err);
	if (rc == HL_OK)
		rc = settle_all(b, req, &now, &l, err);
	if (rc == HL_OK)
		rc = record(b, &l, req->actor, err);
	free(now.list);
	if (rc != HL_OK) {
		free(l.p);
		return rc;
	}
	*out = l.p;
	*n = l.n;
	return HL_OK;
}
