/* SPDX-License-Identifier: Apache-2.0 */
/* Cards that are present and cards that are known, put together. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/parts.h"
#include "util/text.h"

bool
hl_names_place(const char *selector)
{
	return selector != NULL &&
	    (hl_text_starts(selector, "sim:") ||
		hl_text_starts(selector, "reader:") ||
		hl_text_starts(selector, "slot:"));
}

/* ---- gathering ---------------------------------------------------------- */

/* Is it the device side that failed? What is recorded can be shown then. */
static bool
is_device(hl_rc rc)
{
	return rc == HL_ENODEV || rc == HL_EACCESS || rc == HL_EBUSY ||
	    rc == HL_ETIMEOUT;
}

static hl_rc
ask_readers(hl_cli *cli, const char *selector, hl_cards *c, hl_err *err)
{
	const hl_actor *actor =
	    cli->dry_run || cli->read_only ? NULL : &cli->actor;
	hl_err e = { 0 };
	hl_rc rc;

	rc = hl_broker_present(cli->broker, selector, actor, cli->until,
	    &c->present, &c->n_present, &e);
	if (rc == HL_OK)
		return HL_OK;
	if (is_device(rc) && !hl_names_place(selector)) {
		c->pcsc = e;
		return HL_OK;
	}
	if (err != NULL)
		*err = e;
	return rc;
}

static bool
keep_card(void *arg, const hl_card_row *row)
{
	hl_cards *c = arg;
	hl_card_row *grown;

	if (c->n_known == c->cap_known) {
		c->cap_known = c->cap_known == 0 ? 16 : 2 * c->cap_known;
		grown = reallocarray(c->known, c->cap_known, sizeof(*c->known));
		if (grown == NULL) {
			c->cap_known = 0;
			return false;
		}
		c->known = grown;
	}
	c->known[c->n_known++] = *row;
	return true;
}

static bool
selects_known(const char *selector, const hl_card_row *row)
{
	char serial[HL_SERIAL_TEXT];

	if (selector == NULL || strcmp(selector, row->label) == 0)
		return true;
	return hl_serial_canonical(selector, serial) &&
	    strcmp(serial, row->serial) == 0;
}

static bool
is_present(const hl_cards *c, const hl_card_row *row)
{
	for (size_t i = 0; i < c->n_present; i++)
		if (c->present[i].known &&
		    hl_uuid_equal(&c->present[i].row.id, &row->id))
			return true;
	return false;
}

hl_rc
hl_card_view_known(
    hl_cli *cli, const hl_card_row *row, hl_card_view *out, hl_err *err)
{
	hl_card_view v = { .row = row };
	hl_rc rc;

	rc = hl_store_firmware_by_id(
	    cli->store, &row->firmware, &v.firmware, err);
	if (rc == HL_OK)
		*out = v;
	return rc;
}

static hl_rc
view_present(hl_cli *cli, const char *selector, hl_cards *c, hl_err *err)
{
	/* By label or serial number, a card that does not tell who it is
	 * cannot be the one. */
	const bool by_identity = selector != NULL && !hl_names_place(selector);
	hl_rc rc;

	for (size_t i = 0; i < c->n_present; i++) {
		const hl_present *p = &c->present[i];
		hl_card_view *v = &c->views[c->n];

		if (p->rc != HL_OK && by_identity)
			continue;
		if (p->known &&
		    (rc = hl_card_view_known(cli, &p->row, v, err)) != HL_OK)
			return rc;
		v->present = p;
		c->n++;
	}
	return HL_OK;
}

static hl_rc
view_absent(hl_cli *cli, const char *selector, hl_cards *c, hl_err *err)
{
	hl_rc rc;

	for (size_t i = 0; i < c->n_known; i++) {
		const hl_card_row *row = &c->known[i];

		if (is_present(c, row) || !selects_known(selector, row))
			continue;
		rc = hl_card_view_known(cli, row, &c->views[c->n], err);
		if (rc != HL_OK)
			return rc;
		c->n++;
	}
	return HL_OK;
}

/* A software card is no reader's: it is where it was seen last. */
static hl_rc
look_at_sim(hl_cli *cli, hl_cards *c, hl_card_view *v, hl_err *err)
{
	const hl_actor *actor =
	    cli->dry_run || cli->read_only ? NULL : &cli->actor;
	hl_present *p = NULL;
	size_t n;
	hl_rc rc;

	rc = hl_broker_present(
	    cli->broker, v->row->reader, actor, cli->until, &p, &n, err);
	if (rc != HL_OK)
		return rc;
	if (n == 0 ||
	    (p->rc == HL_OK &&
		(!p->known || !hl_uuid_equal(&p->row.id, &v->row->id)))) {
		free(p); /* another card by now */
		return HL_OK;
	}
	c->sims[c->n_sims++] = p;
	v->present = p;
	if (p->known)
		v->row = &p->row;
	return HL_OK;
}

static hl_rc
look_at_sims(hl_cli *cli, hl_cards *c, hl_err *err)
{
	hl_rc rc = HL_OK;

	c->sims = calloc(c->n + 1, sizeof(hl_present *));
	if (c->sims == NULL)
		return hl_nomem(err);
	for (size_t i = 0; i < c->n && rc == HL_OK; i++) {
		hl_card_view *v = &c->views[i];

		if (v->present == NULL && v->row != NULL &&
		    v->row->retired_at == 0 &&
		    hl_text_starts(v->row->reader, "sim:") &&
		    access(v->row->reader + strlen("sim:"), F_OK) == 0)
			rc = look_at_sim(cli, c, v, err);
	}
	return rc;
}

static void
print_warnings(hl_cli *cli, const hl_cards *c)
{
	char name[HL_CARD_NAME];

	for (size_t i = 0; i < c->n; i++) {
		const hl_present *p = c->views[i].present;

		if (p == NULL || p->warning[0] == '\0')
			continue;
		hl_card_name(&c->views[i], name, sizeof(name));
		hl_message(cli, "card %s: %s", name, p->warning);
	}
}

hl_rc
hl_cards_gather(hl_cli *cli, const char *selector, hl_cards *out, hl_err *err)
{
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = ask_readers(cli, selector, out, err)) != HL_OK)
		return rc;
	if (cli->store != NULL && !hl_names_place(selector)) {
		rc = hl_store_card_list(cli->store, keep_card, out, err);
		if (rc == HL_OK && out->n_known > 0 && out->cap_known == 0)
			rc = hl_nomem(err);
		if (rc != HL_OK)
			return rc;
	}
	out->views =
	    calloc(out->n_present + out->n_known + 1, sizeof(*out->views));
	if (out->views == NULL)
		return hl_nomem(err);
	rc = view_present(cli, selector, out, err);
	if (rc == HL_OK && !hl_names_place(selector))
		rc = view_absent(cli, selector, out, err);
	if (rc == HL_OK)
		rc = look_at_sims(cli, out, err);
	if (rc == HL_OK)
		print_warnings(cli, out);
	return rc;
}

void
hl_cards_free(hl_cards *c)
{
	for (size_t i = 0; i < c->n_sims; i++)
		free(c->sims[i]);
	free(c->sims);
	free(c->present);
	free(c->known);
	free(c->views);
	memset(c, 0, sizeof(*c));
}

/* ---- choosing ---------------------------------------------------------- */

const char *
hl_card_selector(hl_cli *cli, char **operands)
{
	return operands[0] != NULL ? operands[0] : hl_opt(cli, "card");
}

hl_rc
hl_card_none(const hl_cards *c, const char *selector, hl_err *err)
{
	if (c->pcsc.rc != HL_OK) {
		if (err != NULL)
			*err = c->pcsc;
		return c->pcsc.rc;
	}
	if (selector != NULL)
		return hl_fail(err, HL_ENODEV, "find the card",
		    "see what is there: hsmlic card list",
		    "no card that is present or known answers to \"%s\"",
		    selector);
	return hl_fail(err, HL_ENODEV, "find a card",
	    "insert the card, or name one: hsmlic card list",
	    "there is no card in any reader");
}

static hl_rc
two_fit(const hl_card_view *a, const hl_card_view *b, hl_err *err)
{
	char first[HL_CARD_NAME], second[HL_CARD_NAME];

	hl_card_name(a, first, sizeof(first));
	hl_card_name(b, second, sizeof(second));
	return hl_fail(err, HL_EUSAGE, "choose a card",
	    "say which: a label, a serial number, or reader:TEXT",
	    "two cards fit: %s and %s", first, second);
}

hl_rc
hl_card_choose(const hl_cards *c, const char *selector, bool fresh,
    const hl_card_view **out, hl_err *err)
{
	const bool present_only = fresh || selector == NULL;
	const hl_card_view *one = NULL, *two = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const hl_card_view *v = &c->views[i];

		if (v->present == NULL && present_only)
			continue;
		if (fresh && one != NULL && one->row == NULL && v->row != NULL)
			continue;
		if (one == NULL ||
		    (fresh && one->row != NULL && v->row == NULL)) {
			one = v;
			two = NULL;
		} else if (two == NULL)
			two = v;
	}
	if (one == NULL)
		return hl_card_none(c, selector, err);
	if (two != NULL)
		return two_fit(one, two, err);
	if (one->present != NULL && one->present->rc != HL_OK &&
	    (fresh || one->present->info.driver[0] == '\0')) {
		if (err != NULL)
			*err = one->present->err;
		return one->present->rc;
	}
	*out = one;
	return HL_OK;
}

/* ---- showing ------------------------------------------------------------ */

void
hl_card_name(const hl_card_view *v, char *out, size_t size)
{
	const char *serial = v->row != NULL ? v->row->serial
	    : v->present != NULL	    ? v->present->info.serial
					    : "";

	if (serial[0] != '\0' || v->row != NULL)
		hl_card_words(
		    v->row != NULL ? v->row->label : "", serial, out, size);
	else
		(void)hl_text_format(out, size, "in \"%s\"",
		    v->present != NULL ? v->present->info.reader : "");
}

/* Without a serial number, and not told from other cards. */
static bool
may_be(const hl_present *p, const hl_card_view *v)
{
	return v->row->serial[0] == '\0' && !p->known &&
	    (p->unsure || !p->info.has_counter) &&
	    strcmp(p->info.firmware_id, v->firmware.identifier) == 0;
}

const char *
hl_card_hidden(const hl_cards *c, const hl_card_view *v)
{
	const char *mute = NULL;

	if (v->present != NULL || v->row == NULL)
		return NULL;
	for (size_t i = 0; i < c->n_present; i++) {
		const hl_present *p = &c->present[i];

		if (p->rc == HL_OK && !may_be(p, v))
			continue;
		if (strcmp(p->info.reader, v->row->reader) == 0)
			return p->info.reader;
		if (mute == NULL && !hl_text_starts(v->row->reader, "sim:"))
			mute = p->info.reader;
	}
	return mute;
}

/* What the card itself tells, or told when it was seen last. */
static json_t *
told_json(const hl_card_view *v)
{
	const hl_card_info *i = v->present == NULL ? NULL : &v->present->info;
	const hl_card_row *r = v->row;
	const bool tells = i != NULL && (i->can & HL_CAN_INFO) != 0;

	if (i == NULL)
		return json_pack("{s:o,s:o,s:o,s:o,s:o,s:n,s:o,s:b}", "serial",
		    hl_json_text(r->serial), "atr",
		    hl_json_hex(r->atr, r->atr_n), "driver",
		    hl_json_text(r->driver), "state", hl_json_text(r->state),
		    "type", hl_json_text(v->firmware.type), "counter",
		    "capacity",
		    r->capacity > 0 ? json_integer((json_int_t)r->capacity)
				    : json_null(),
		    "replay", r->replay);
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "serial",
	    hl_json_text(i->serial), "atr", hl_json_hex(i->atr, i->atr_n),
	    "driver", hl_json_text(i->driver), "state",
	    tells ? hl_json_text(hl_card_state_name(i->state)) : json_null(),
	    "type", hl_json_text(i->type), "counter",
	    i->has_counter ? json_integer((json_int_t)i->counter) : json_null(),
	    "capacity",
	    i->capacity > 0 ? json_integer((json_int_t)i->capacity)
			    : json_null(),
	    "replay",
	    tells ? json_boolean((i->can & HL_CAN_REPLAY) != 0) : json_null());
}

/* What this store says about it. */
static json_t *
known_json(const hl_card_view *v)
{
	const hl_card_row *r = v->row;

	if (r == NULL)
		return json_pack("{s:b,s:n,s:n,s:o,s:o,s:n,s:n,s:n,s:n,s:n}",
		    "known", 0, "label", "firmware", "firmware_identifier",
		    hl_json_text(v->present->info.firmware_id), "product_id",
		    hl_json_text(v->present->info.product_id),
		    "expected_counter", "added_at", "seen_at", "retired_at",
		    "last_reader");
	return json_pack("{s:b,s:o,s:o,s:o,s:o,s:I,s:o,s:o,s:o,s:o}", "known",
	    1, "label", hl_json_text(r->label), "firmware",
	    hl_json_text(r->firmware_name), "firmware_identifier",
	    hl_json_text(v->firmware.identifier), "product_id",
	    hl_json_text(v->firmware.product_id), "expected_counter",
	    (json_int_t)r->last_counter, "added_at", hl_json_time(r->added_at),
	    "seen_at", hl_json_time(r->seen_at), "retired_at",
	    hl_json_time(r->retired_at), "last_reader",
	    hl_json_text(r->reader));
}

json_t *
hl_json_card(const hl_card_view *v)
{
	const hl_present *p = v->present;
	json_t *told = told_json(v), *known = known_json(v), *card;

	/* What is promised comes first, and in this order. */
	card = json_pack("{s:n,s:n,s:o,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:b,"
			 "s:n,s:o,s:o}",
	    "label", "serial", "reader",
	    p == NULL ? json_null() : hl_json_any(p->info.reader), "atr",
	    "driver", "state", "type", "firmware", "product_id", "counter",
	    "capacity", "present", p != NULL, "expected_counter", "warning",
	    p == NULL ? json_null() : hl_json_text(p->warning), "error",
	    p == NULL || p->rc == HL_OK ? json_null() : hl_json_error(&p->err));
	if (card == NULL || known == NULL || told == NULL ||
	    json_object_update(card, known) != 0 ||
	    json_object_update(card, told) != 0) {
		json_decref(card);
		card = NULL;
	}
	json_decref(known);
	json_decref(told);
	return card;
}
