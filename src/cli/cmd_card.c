/* SPDX-License-Identifier: Apache-2.0 */
/* card list, show. */
#include <string.h>

#include "cli/parts.h"

#define GAUGE_WIDTH 20
#define NOT_READ "could not be asked for"

/* ---- list --------------------------------------------------------------- */

static hl_rc
list_json(hl_cli *cli, const hl_cards *c, hl_err *err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n; i++)
		if (json_array_append_new(list, hl_json_card(&c->views[i])) !=
		    0) {
			json_decref(list);
			return hl_nomem(err);
		}
	return hl_print_json(cli,
	    json_pack("{s:o,s:o}", "cards", list, "readers_error",
		c->pcsc.rc == HL_OK ? json_null() : hl_json_error(&c->pcsc)),
	    err);
}

/* Licenses left, as read or as expected; "" when nobody knows. */
static void
left_text(const hl_card_view *v, char *out, size_t size)
{
	const hl_card_info *i = v->present == NULL ? NULL : &v->present->info;
	uint32_t left, of;

	out[0] = '\0';
	if (i != NULL ? !i->has_counter : v->row == NULL)
		return;
	left = i != NULL ? i->counter : v->row->last_counter;
	of = i != NULL ? i->capacity : v->row->capacity;
	if (of > 0)
		(void)snprintf(out, size, "%u/%u", left, of);
	else
		(void)snprintf(out, size, "%u", left);
}

static const char *
state_of(const hl_card_view *v)
{
	const hl_present *p = v->present;

	if (v->row != NULL && v->row->retired_at != 0)
		return "retired";
	if (p != NULL && p->rc != HL_OK)
		return "unreadable";
	if (p != NULL)
		return hl_state_word(hl_card_state_name(p->info.state));
	return hl_state_word(v->row->state);
}

static void
list_row(hl_table *t, const hl_cards *c, const hl_card_view *v)
{
	const char *hidden = hl_card_hidden(c, v);
	const hl_present *p = v->present;
	const hl_card_row *r = v->row;
	char left[32], firmware[HL_TEXT_MAX + 3];
	char place[HL_READER_NAME_MAX + 16] = "(not present)";

	/* The identifier alone, in parentheses: not a firmware of ours. */
	if (r != NULL)
		(void)hl_text_copy(
		    firmware, sizeof(firmware), r->firmware_name);
	else if (p != NULL && p->info.firmware_id[0] != '\0')
		(void)snprintf(
		    firmware, sizeof(firmware), "(%s)", p->info.firmware_id);
	else
		firmware[0] = '\0';
	left_text(v, left, sizeof(left));
	if (p != NULL)
		(void)hl_text_copy(place, sizeof(place), p->info.reader);
	else if (hidden != NULL)
		(void)snprintf(place, sizeof(place), "(perhaps in %s)", hidden);
	hl_table_row(t,
	    (const char *[]){ r != NULL ? r->label : "",
		r != NULL ? r->serial : p->info.serial, firmware,
		p != NULL ? p->info.type : v->firmware.type, state_of(v), left,
		place });
}

static void
list_table(hl_cli *cli, const hl_cards *c)
{
	static const char *const columns[] = { "LABEL", "SERIAL", "FIRMWARE",
		"TYPE", "STATE", "LEFT", "READER" };
	hl_table *t = hl_table_new(columns, HL_COUNT(columns), 1U << 5);

	for (size_t i = 0; i < c->n; i++)
		list_row(t, c, &c->views[i]);
	hl_table_print(cli, &t);
}

/* What could not be read, as messages: the list tells the rest. */
static void
list_troubles(hl_cli *cli, const hl_cards *c)
{
	if (c->pcsc.rc != HL_OK)
		hl_message(cli, "%s: %s; cards are shown as last recorded",
		    c->pcsc.what, c->pcsc.why);
	for (size_t i = 0; i < c->n_present; i++)
		if (c->present[i].rc != HL_OK)
			hl_message(cli, "reader \"%s\": %s: %s",
			    c->present[i].info.reader, c->present[i].err.what,
			    c->present[i].err.why);
	if (c->n == 0)
		hl_message(cli, "no card is present, and none is known");
}

/* What to do about readers that could not be read: each thing once. */
static void
list_hints(hl_cli *cli, const hl_cards *c)
{
	for (size_t i = 0; i < c->n_present; i++) {
		const hl_present *p = &c->present[i];
		bool told = p->rc == HL_OK || p->err.hint[0] == '\0';

		for (size_t k = 0; k < i && !told; k++)
			told = c->present[k].rc != HL_OK &&
			    strcmp(c->present[k].err.hint, p->err.hint) == 0;
		if (!told)
			hl_message(cli, "hint: %s", p->err.hint);
	}
}

hl_rc
hl_cmd_card_list(hl_cli *cli, char **operands, hl_err *err)
{
	const char *selector = hl_card_selector(cli, operands);
	hl_cards c;
	hl_rc rc;

	rc = hl_cards_gather(cli, selector, &c, err);
	if (rc == HL_OK && c.n == 0 && (selector != NULL || c.pcsc.rc != HL_OK))
		rc = hl_card_none(&c, selector, err);
	if (rc != HL_OK)
		goto out;
	list_troubles(cli, &c);
	for (size_t i = 0; selector != NULL && i < c.n; i++)
		if (c.views[i].present != NULL)
			hl_worse(cli, c.views[i].present->rc);
	if (cli->json)
		rc = list_json(cli, &c, err);
	else {
		list_table(cli, &c);
		list_hints(cli, &c);
	}
out:
	hl_cards_free(&c);
	return rc;
}

/* ---- show --------------------------------------------------------------- */

static void
show_firmware(const hl_card_view *v)
{
	const hl_card_info *i = v->present == NULL ? NULL : &v->present->info;

	if (v->row != NULL)
		hl_fact("firmware", "%s (identifier \"%s\", type %s)",
		    v->firmware.name, v->firmware.identifier, v->firmware.type);
	else if (i != NULL && i->firmware_id[0] != '\0')
		hl_fact("firmware",
		    "identifier \"%s\", type %s; not known yet: hsmlic card "
		    "add",
		    i->firmware_id, i->type);
	else if (i != NULL && i->driver[0] != '\0' &&
	    (i->can & HL_CAN_INFO) == 0)
		hl_fact("firmware", NOT_READ);
}

static void
show_counter(const hl_cli *cli, const hl_card_view *v)
{
	const hl_card_info *i = v->present == NULL ? NULL : &v->present->info;
	hl_buf gauge = HL_BUF_INIT;
	uint32_t left, of;

	if (i != NULL && !i->has_counter) {
		if (i->driver[0] != '\0' && (i->can & HL_CAN_INFO) == 0)
			hl_fact("left", NOT_READ);
		return;
	}
	left = i != NULL ? i->counter : v->row->last_counter;
	of = i != NULL ? i->capacity : v->row->capacity;
	if (of > 0 && !cli->plain)
		hl_gauge(left, of, GAUGE_WIDTH, &gauge);
	if (of > 0)
		hl_fact("left", "%s%s%u of %u%s", hl_buf_str(&gauge),
		    gauge.n > 0 ? " " : "", left, of,
		    i == NULL ? " (when seen last)" : "");
	else
		hl_fact(
		    "left", "%u%s", left, i == NULL ? " (when seen last)" : "");
	hl_buf_free(&gauge);
	if (v->row != NULL && i != NULL)
		hl_fact("expected", "%u", v->row->last_counter);
}

static void
show_place(const hl_card_view *v)
{
	const hl_card_info *i = v->present == NULL ? NULL : &v->present->info;

	if (i != NULL)
		hl_fact("reader", "%s", i->reader);
	else
		hl_fact("reader", "not present; seen last in \"%s\"",
		    v->row->reader);
	hl_fact("driver", "%s",
	    i == NULL		       ? v->row->driver
		: i->driver[0] != '\0' ? i->driver
				       : "none: no driver knows this card");
	if (i != NULL)
		hl_fact_hex("ATR", i->atr, i->atr_n);
	else
		hl_fact_hex("ATR", v->row->atr, v->row->atr_n);
}

static void
show_abilities(const hl_card_view *v)
{
	const hl_card_info *i = v->present == NULL ? NULL : &v->present->info;
	const char *product =
	    i != NULL ? i->product_id : v->firmware.product_id;
	bool replay;

	if (i != NULL && (i->can & HL_CAN_INFO) == 0)
		return;
	replay = i != NULL ? (i->can & HL_CAN_REPLAY) != 0 : v->row->replay;
	hl_fact("product ID", "%s", product[0] == '\0' ? "any" : product);
	hl_fact("replay", "%s",
	    replay ? "yes: an answer that was lost is given again for nothing"
		   : "no: a unit whose answer is lost is lost");
}

static void
show_history(const hl_card_view *v, const hl_issue *open)
{
	char id[HL_UUID_TEXT], at[HL_TIME_TEXT];

	if (v->row == NULL)
		return;
	hl_fact_time("known since", v->row->added_at);
	hl_fact("first counter", "%u", v->row->first_counter);
	hl_fact_time("recorded", v->row->seen_at);
	if (v->row->retired_at != 0)
		hl_fact_time("retired", v->row->retired_at);
	if (open == NULL)
		return;
	hl_uuid_text(&open->id, id);
	hl_time_text(open->opened_at, at);
	hl_fact("open request", "%s since %s: hsmlic recover", id, at);
}

static void
show_text(const hl_cli *cli, const hl_card_view *v, const hl_issue *open)
{
	const hl_present *p = v->present;
	const bool tells_none = p != NULL ? (p->info.can & HL_BY_TOOL) != 0
					  : v->row->serial[0] == '\0';

	if (v->row != NULL && v->row->label[0] != '\0')
		hl_fact("label", "%s", v->row->label);
	if (tells_none)
		hl_fact("serial",
		    "it tells none: known by its label, its "
		    "firmware identifier and its counter");
	else if (v->row != NULL || p->info.serial[0] != '\0')
		hl_fact("serial", "%s",
		    v->row != NULL ? v->row->serial : p->info.serial);
	show_place(v);
	hl_fact("state", "%s",
	    p == NULL ? v->row->state
		: (p->info.can & HL_CAN_INFO) != 0
		? hl_card_state_name(p->info.state)
		: NOT_READ);
	if (p != NULL && p->rc != HL_OK)
		hl_fact("error", "%s", p->err.why);
	show_firmware(v);
	show_counter(cli, v);
	show_abilities(v);
	show_history(v, open);
}

static hl_rc
show_json(hl_cli *cli, const hl_card_view *v, const hl_issue *open, hl_err *err)
{
	json_t *card = hl_json_card(v);

	if (card != NULL &&
	    json_object_set_new(card, "open_issue",
		open == NULL ? json_null() : hl_json_issue(cli, open)) != 0) {
		json_decref(card);
		card = NULL;
	}
	return hl_print_json(cli, card, err);
}

static hl_rc
show(hl_cli *cli, const hl_card_view *v, hl_err *err)
{
	const hl_issue *open = NULL;
	hl_rc rc = HL_ENOTFOUND;
	hl_err e = { 0 };
	hl_issue issue;

	if (v->row != NULL)
		rc = hl_store_issue_open_on_card(
		    cli->store, &v->row->id, &issue, &e);
	if (rc == HL_OK)
		open = &issue;
	else if (rc != HL_ENOTFOUND) {
		if (err != NULL)
			*err = e;
		return rc;
	}
	if (cli->json)
		return show_json(cli, v, open, err);
	show_text(cli, v, open);
	return HL_OK;
}

hl_rc
hl_cmd_card_show(hl_cli *cli, char **operands, hl_err *err)
{
	const char *selector = hl_card_selector(cli, operands);
	const hl_card_view *v;
	hl_cards c;
	hl_rc rc;

	rc = hl_cards_gather(cli, selector, &c, err);
	if (rc == HL_OK)
		rc = hl_card_choose(&c, selector, false, &v, err);
	if (rc == HL_OK && c.pcsc.rc != HL_OK)
		hl_message(cli, "%s: %s; the card is shown as last recorded",
		    c.pcsc.what, c.pcsc.why);
	if (rc == HL_OK)
		rc = show(cli, v, err);
	hl_cards_free(&c);
	return rc;
}
