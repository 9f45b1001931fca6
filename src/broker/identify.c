/* SPDX-License-Identifier: Apache-2.0 */
/* Making a card known: which firmware's key does it hold? */
#include <stdio.h>
#include <string.h>

#include "broker/internal.h"

struct same_identifier {
	const char *identifier;
	hl_firmware found;
	unsigned n;
};

static bool
compare_identifier(void *arg, const hl_firmware *f)
{
	struct same_identifier *s = arg;

	if (strcmp(f->identifier, s->identifier) == 0) {
		s->found = *f;
		s->n++;
	}
	return true;
}

static hl_rc
refuse_unidentifiable(const hl_card_info *info, hl_err *err)
{
	char what[HL_ERR_WHAT];

	(void)snprintf(
	    what, sizeof(what), "add the card in \"%s\"", info->reader);
	if (info->driver[0] == '\0')
		return hl_fail(err, HL_ENOLICENSE, what,
		    "insert an Open License Card, or say that it is an "
		    "STM32HSM: hsmlic card add --driver stm32hsm",
		    "no driver knows this card, which cannot issue licenses");
	if (info->state != HL_CARD_OPERATIONAL &&
	    (info->state != HL_CARD_UNKNOWN || (info->can & HL_BY_TOOL) == 0))
		return hl_fail(err, HL_ENOLICENSE, what,
		    "use a personalised card (OPERATIONAL_STATE)",
		    "card %s is in %s and holds no firmware key",
		    hl_broker_name_info(info, NULL),
		    hl_card_state_name(info->state));
	if (info->serial[0] == '\0' &&
	    (!info->has_counter || info->firmware_id[0] == '\0'))
		return hl_fail(err, HL_ENOLICENSE, what,
		    "see what STM32_Programmer_CLI -hsmgetinfo and "
		    "-hsmgetcounter print",
		    "it tells no serial number, and no firmware identifier and "
		    "counter to know it by");
	return HL_OK;
}

static void
fill_card(hl_card_row *c, const hl_card_info *info, const char *label)
{
	(void)hl_text_copy(c->serial, sizeof(c->serial), info->serial);
	(void)hl_text_copy(c->driver, sizeof(c->driver), info->driver);
	(void)hl_text_copy(c->reader, sizeof(c->reader), info->reader);
	(void)hl_text_copy(
	    c->label, sizeof(c->label), label == NULL ? "" : label);
	(void)hl_text_copy(
	    c->state, sizeof(c->state), hl_card_state_name(info->state));
	memcpy(c->atr, info->atr, sizeof(c->atr));
	c->atr_n = info->atr_n;
	c->capacity = info->capacity;
	c->first_counter = c->last_counter = info->counter;
	c->replay = (info->can & HL_CAN_REPLAY) != 0;
}

/* A card without a serial number needs a label: its firmware identifier, with a
 * number behind it where that is taken. */
static hl_rc
make_label(hl_broker *b, hl_card_row *c, const char *identifier, hl_err *err)
{
	hl_card_row other;
	hl_rc rc = HL_OK;

	(void)hl_text_copy(c->label, sizeof(c->label), identifier);
	for (unsigned i = 2; rc == HL_OK; i++) {
		rc = hl_store_card_by_label(b->store, c->label, &other, err);
		if (rc == HL_OK)
			(void)hl_text_format(
			    c->label, sizeof(c->label), "%s-%u", identifier, i);
	}
	return rc == HL_ENOTFOUND ? HL_OK : rc;
}

static hl_rc
new_firmware(
    hl_firmware *f, const hl_card_info *info, const char *name, hl_err *err)
{
	memset(f, 0, sizeof(*f));
	(void)hl_text_copy(f->name, sizeof(f->name), name);
	(void)hl_text_copy(
	    f->identifier, sizeof(f->identifier), info->firmware_id);
	(void)hl_text_copy(f->type, sizeof(f->type), info->type);
	(void)hl_text_copy(
	    f->product_id, sizeof(f->product_id), info->product_id);
	return hl_uuid_new(&f->id, err);
}

static hl_rc
check_belongs(const hl_firmware *f, const hl_card_info *info, hl_err *err)
{
	if (strcmp(f->identifier, info->firmware_id) == 0 &&
	    strcmp(f->type, info->type) == 0)
		return HL_OK;
	return hl_fail(err, HL_ECONFLICT, "add the card",
	    "name the firmware that this card was made for, or --new-firmware",
	    "card %s bears \"%s\" (%s), but firmware \"%s\" is \"%s\" (%s)",
	    hl_broker_name_info(info, NULL), info->firmware_id, info->type,
	    f->name, f->identifier, f->type);
}

/* `label`: a person calls it so, and no known card is called so. */
static hl_rc
refuse_same_weak(const hl_card_info *info, const hl_firmware *same,
    const char *label, const char *name, hl_err *err)
{
	hl_rc rc;

	if (label != NULL)
		rc = hl_fail(err, HL_ECONFLICT, "use a new card", "",
		    "the card in \"%s\" bears the firmware identifier \"%s\", "
		    "which firmware \"%s\" has already; two keys can bear one "
		    "identifier",
		    info->reader, info->firmware_id, same->name);
	else
		rc = hl_fail(err, HL_ECONFLICT, "use a new card", "",
		    "the card in \"%s\" is, by its ATR and its counter (%u "
		    "left), none of the known cards in use with the firmware "
		    "identifier \"%s\", and two keys can bear one identifier",
		    info->reader, info->counter, same->identifier);
	hl_err_hint(err,
	    "say which key it holds: hsmlic card add --label LABEL --firmware "
	    "%s if the same, --new-firmware NAME if another",
	    name);
	return rc;
}

/* A card in a file is not found by its serial number before it is known. */
static hl_rc
refuse_same(const hl_card_info *info, const hl_firmware *same,
    const hl_card_choice *choice, hl_err *err)
{
	const char *typed = choice->typed;
	char card[HL_TEXT_MAX], name[HL_TEXT_MAX];
	hl_rc rc;

	(void)hl_text_word(
	    card, sizeof(card), typed != NULL ? typed : info->serial);
	(void)hl_text_word(name, sizeof(name), same->name);
	if (info->serial[0] == '\0')
		return refuse_same_weak(info, same, choice->label, name, err);
	rc = hl_fail(err, HL_ECONFLICT, "use a new card", "",
	    "card %s bears the firmware identifier \"%s\", which firmware "
	    "\"%s\" has already; two keys can bear one identifier",
	    info->serial, info->firmware_id, same->name);
	hl_err_hint(err,
	    "say which: hsmlic card add %s --firmware %s if it holds the same "
	    "key, --new-firmware NAME if another",
	    card, name);
	return rc;
}

/* Sets *make when the firmware has to be added with the card. */
static hl_rc
choose_firmware(hl_broker *b, const hl_card_info *info,
    const hl_card_choice *choice, hl_firmware *f, bool *make, hl_err *err)
{
	struct same_identifier same = { .identifier = info->firmware_id };
	hl_rc rc;

	*make = false;
	if (choice->firmware != NULL) {
		rc = hl_store_firmware_by_name(
		    b->store, choice->firmware, f, err);
		return rc == HL_OK ? check_belongs(f, info, err) : rc;
	}
	*make = true;
	if (choice->new_firmware != NULL)
		return new_firmware(f, info, choice->new_firmware, err);
	rc = hl_store_firmware_list(b->store, compare_identifier, &same, err);
	if (rc != HL_OK)
		return rc;
	if (same.n > 0)
		return refuse_same(info, &same.found, choice, err);
	return new_firmware(f, info, info->firmware_id, err);
}

hl_rc
hl_broker_card_add(hl_broker *b, const hl_card_info *info,
    const hl_card_choice *choice, const hl_actor *actor, hl_card_row *row,
    hl_err *err)
{
	hl_card_row c = { 0 };
	hl_firmware f;
	bool make;
	hl_rc rc;

	if ((rc = refuse_unidentifiable(info, err)) != HL_OK)
		return rc;
	rc = choice->another ? HL_ENOTFOUND
			     : hl_broker_know(b, info, choice->label, row, err);
	if (rc == HL_OK)
		return hl_fail(err, HL_EEXIST, "add the card",
		    "see: hsmlic card list", "card %s is known already",
		    hl_broker_name(row));
	if (rc != HL_ENOTFOUND)
		return rc;
	if ((rc = choose_firmware(b, info, choice, &f, &make, err)) != HL_OK ||
	    (rc = hl_uuid_new(&c.id, err)) != HL_OK)
		return rc;
	fill_card(&c, info, choice->label);
	if (info->serial[0] == '\0' && choice->label == NULL &&
	    (rc = make_label(b, &c, info->firmware_id, err)) != HL_OK)
		return rc;
	c.firmware = f.id;
	(void)hl_text_copy(c.firmware_name, sizeof(c.firmware_name), f.name);
	if (choice->dry_run) {
		*row = c;
		return HL_OK;
	}
	rc = hl_store_card_add(b->store, &c, make ? &f : NULL, actor, err);
	if (rc != HL_OK)
		return rc;
	if (info->counter < info->capacity)
		hl_broker_note(b,
		    "card %s is new to this store, and %u of its %u units have "
		    "left it already",
		    hl_broker_name(&c), info->capacity - info->counter,
		    info->capacity);
	return hl_store_card_by_id(b->store, &c.id, row, err);
}
