/* SPDX-License-Identifier: Apache-2.0 */
/* Where a card of another store goes: which of ours is it? */
#include <stdio.h>
#include <string.h>

#include "store/sqlite/card.h"
#include "store/sqlite/merge.h"

static const hl_uuid none;

/* A card of theirs. */
typedef struct found {
	hl_uuid id, firmware, same_as;
	hl_text label, serial, driver;
	uint8_t atr[33];
	size_t atr_n;
} found;

static void
read_card(hl_q *q, found *c)
{
	hl_q_get_uuid(hl_merge_at(q, "id"), &c->id);
	hl_q_get_uuid(hl_merge_at(q, "firmware"), &c->firmware);
	hl_q_get_uuid(hl_merge_at(q, "same_as"), &c->same_as);
	hl_q_get_text(hl_merge_at(q, "label"), c->label, sizeof(c->label));
	hl_q_get_text(hl_merge_at(q, "serial"), c->serial, sizeof(c->serial));
	hl_q_get_text(hl_merge_at(q, "driver"), c->driver, sizeof(c->driver));
	c->atr_n =
	    hl_q_get_blob(hl_merge_at(q, "atr"), c->atr, 0, sizeof(c->atr));
}

hl_merge_card *
hl_merge_card_find(hl_merging *m, const hl_uuid *theirs)
{
	for (size_t i = 0; i < m->n_cards; i++) {
		if (hl_uuid_equal(&m->cards[i].id, theirs))
			return &m->cards[i];
	}
	return NULL;
}

/* ---- cards without a serial number -------------------------------------- */

/* Behind "NAME" in an option; NULL: it begins otherwise. */
static const char *
behind(const char *option, const char *name)
{
	const size_t n = strlen(name);

	return n > 0 && strncmp(option, name, n) == 0 ? option + n : NULL;
}

/* Names it that card? *rest is what follows. */
static bool
names(
    const char *option, const char *label, const hl_uuid *id, const char **rest)
{
	char text[HL_UUID_TEXT];

	hl_uuid_text(id, text);
	if ((*rest = behind(option, text)) != NULL ||
	    (*rest = behind(option, label)) != NULL)
		return **rest == '\0' || **rest == '=';
	return false;
}

static bool
is_new_card(const hl_merging *m, const found *c)
{
	const char *const *o = m->opt->new_cards;
	const char *rest;

	for (; o != NULL && *o != NULL; o++) {
		if (names(*o, c->label, &c->id, &rest) && *rest == '\0')
			return true;
	}
	return false;
}

static const char *
same_card(const hl_merging *m, const found *c)
{
	const char *const *o = m->opt->same_cards;
	const char *rest;

	for (; o != NULL && *o != NULL; o++) {
		if (names(*o, c->label, &c->id, &rest) && *rest == '=')
			return rest + 1;
	}
	return NULL;
}

/* Of this store, by label or ID. */
static hl_rc
find_ours(hl_merging *m, const char *name, hl_uuid *root, hl_err *err)
{
	hl_card_row row;
	hl_uuid id;
	hl_rc rc;
	hl_q q;

	if (!hl_uuid_parse(name, &id))
		id = none;
	q = hl_q_new(m->s,
	    HL_CARD_SELECT "WHERE (c.label = ?1 OR c.id = ?2) "
			   "AND c.same_as IS NULL");
	hl_q_text(&q, name);
	hl_q_uuid(&q, &id);
	rc = hl_row_need(&q, hl_row_card, &row, sizeof(row), "card", err);
	if (rc == HL_OK)
		*root = row.id;
	return rc;
}

/* A counter value for which both have issued a license is that of two cards. */
static hl_rc
are_two(
    hl_merging *m, const found *c, const hl_uuid *ours, bool *yes, hl_err *err)
{
	hl_rc rc = HL_OK;
	uint32_t value;
	hl_q q, own;

	*yes = false;
	q = hl_q_new(m->o,
	    "SELECT counter_before FROM issues WHERE card = ? AND units = 1 "
	    "AND state = 'issued' AND counter_after = counter_before - 1");
	hl_q_uuid(&q, &c->id);
	while (rc == HL_OK && !*yes && hl_q_row(&q)) {
		value = hl_q_get_u32(&q);
		own = hl_q_new(m->s,
		    "SELECT 1 FROM issues WHERE counter_before = ?1 AND units "
		    "= 1 AND state = 'issued' AND counter_after = ?1 - 1 "
		    "AND card IN (SELECT id FROM "
		    "cards WHERE id = ?2 OR same_as = ?2)");
		hl_q_int(&own, value);
		hl_q_uuid(&own, ours);
		*yes = hl_q_row(&own);
		rc = hl_q_end(&own, err);
	}
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

static void
put_name(char *out, size_t size, const char *label, const hl_uuid *id)
{
	if (label[0] != '\0')
		(void)hl_text_copy(out, size, label);
	else
		hl_uuid_text(id, out);
}

static hl_rc
fail_undecided(
    hl_merging *m, const found *c, const hl_card_row *ours, hl_err *err)
{
	hl_text a, b;
	hl_rc rc;

	put_name(a, sizeof(a), c->label, &c->id);
	put_name(b, sizeof(b), ours->label, &ours->id);
	rc = hl_db_fail(m->s, HL_ECONFLICT, err, "",
	    "their card \"%s\" and \"%s\" here have no serial number, and may "
	    "be one card or two",
	    a, b);
	hl_err_hint(err,
	    "say --same-card \"%s=%s\", or --new-card \"%s\" when it is "
	    "another one; nothing was merged",
	    a, b, a);
	return rc;
}

/* None of ours may be it, or a person has to say so. */
static hl_rc
refuse_undecided(
    hl_merging *m, const found *c, const hl_uuid *firmware, hl_err *err)
{
	hl_card_row row;
	hl_rc rc = HL_OK;
	bool two;
	hl_q q;

	q = hl_q_new(m->s,
	    HL_CARD_SELECT "WHERE c.serial IS NULL AND c.same_as IS NULL "
			   "AND c.firmware = ? AND c.driver = ? AND c.atr = ?");
	hl_q_uuid(&q, firmware);
	hl_q_text(&q, c->driver);
	hl_q_blob(&q, c->atr, c->atr_n);
	while (rc == HL_OK && hl_q_row(&q)) {
		memset(&row, 0, sizeof(row));
		hl_row_card(&q, &row);
		if (hl_merge_card_find(m, &row.id) != NULL)
			continue; /* another one of theirs */
		rc = are_two(m, c, &row.id, &two, err);
		if (rc == HL_OK && !two)
			rc = fail_undecided(m, c, &row, err);
	}
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

static hl_rc
find_weak(hl_merging *m, const found *c, const hl_uuid *firmware, hl_uuid *root,
    hl_err *err)
{
	const char *ours = same_card(m, c);

	if (ours != NULL)
		return find_ours(m, ours, root, err);
	return is_new_card(m, c) ? HL_OK
				 : refuse_undecided(m, c, firmware, err);
}

static hl_rc
check_named(hl_merging *m, const char *o, bool pair, hl_err *err)
{
	bool there = false;
	const char *rest;
	found c;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(m->o,
	    "SELECT * FROM cards WHERE serial IS NULL AND same_as IS NULL");
	while (!there && hl_q_row(&q)) {
		read_card(&q, &c);
		there = names(o, c.label, &c.id, &rest) &&
		    (pair ? rest[0] == '=' && rest[1] != '\0' : *rest == '\0');
	}
	if ((rc = hl_q_end(&q, err)) != HL_OK || there)
		return rc;
	return hl_db_fail(m->o, HL_EINPUT, err,
	    "say --same-card THEIRS=OURS or --new-card THEIRS, with labels or "
	    "IDs; cards with a serial number are known by that",
	    "\"%s\" does not name a card without serial number that it knows",
	    o);
}

hl_rc
hl_merge_check_cards(hl_merging *m, hl_err *err)
{
	const char *const *same = m->opt->same_cards;
	const char *const *fresh = m->opt->new_cards;
	hl_rc rc = HL_OK;

	for (; rc == HL_OK && same != NULL && *same != NULL; same++)
		rc = check_named(m, *same, true, err);
	for (; rc == HL_OK && fresh != NULL && *fresh != NULL; fresh++)
		rc = check_named(m, *fresh, false, err);
	return rc;
}

/* ---- which one is it ---------------------------------------------------- */

static hl_rc
find_strong(hl_merging *m, const char *serial, hl_uuid *root, hl_err *err)
{
	hl_q q = hl_q_new(m->s, "SELECT id FROM cards WHERE serial = ?");

	hl_q_text(&q, serial);
	if (hl_q_row(&q))
		hl_q_get_uuid(&q, root);
	return hl_q_end(&q, err);
}

/* *root stays all zero when it is none of ours. */
static hl_rc
find_card(hl_merging *m, const found *c, const hl_uuid *firmware, hl_uuid *root,
    hl_err *err)
{
	const hl_merge_card *other;

	if (!hl_uuid_equal(&c->same_as, &none)) {
		other = hl_merge_card_find(m, &c->same_as);
		if (other != NULL)
			*root = other->root;
		return HL_OK;
	}
	if (c->serial[0] != '\0')
		return find_strong(m, c->serial, root, err);
	return find_weak(m, c, firmware, root, err);
}

static hl_rc
check_firmware(hl_merging *m, const found *c, const hl_uuid *firmware,
    const hl_uuid *root, hl_err *err)
{
	hl_firmware theirs;
	hl_card_row ours;
	hl_rc rc;

	if ((rc = hl_card_need(m->s, root, &ours, err)) != HL_OK ||
	    hl_uuid_equal(&ours.firmware, firmware))
		return rc;
	rc = hl_firmware_need(m->o, &c->firmware, &theirs, err);
	if (rc != HL_OK)
		return rc;
	rc = hl_db_fail(m->s, HL_ECONFLICT, err, "",
	    "card %s holds firmware \"%s\" here, and \"%s\" there",
	    c->serial[0] != '\0' ? c->serial : c->label, ours.firmware_name,
	    theirs.name);
	hl_err_hint(err,
	    "if both names mean one key, say --firmware \"%s=%s\"; nothing was "
	    "merged",
	    theirs.name, ours.firmware_name);
	return rc;
}

static hl_rc
label_is_free(hl_merging *m, const found *c, bool *is, hl_err *err)
{
	hl_q q = hl_q_new(m->s, "SELECT 1 FROM cards WHERE label = ?");
	hl_rc rc;

	hl_q_text(&q, c->label);
	*is = !hl_q_row(&q);
	if ((rc = hl_q_end(&q, err)) == HL_OK && !*is)
		hl_merge_note(m,
		    "the label \"%s\" of card %s was left out: another card "
		    "bears it here",
		    c->label, c->serial);
	return rc;
}

/* ---- its row here ------------------------------------------------------- */

typedef struct row {
	hl_uuid id, firmware, root; /* root all zero: none, it is one itself */
	int64_t counter;	    /* first and last, to begin with */
	bool label;
} row;

static hl_rc
insert_card(hl_merging *m, const hl_merge_card *c, const row *r, hl_err *err)
{
	const bool own = hl_uuid_equal(&r->root, &none);
	const hl_merge_set set[] = { { .column = "id", .uuid = &r->id },
		{ .column = "firmware", .uuid = &r->firmware },
		{ .column = "first_counter", .number = &r->counter },
		{ .column = "last_counter", .number = &r->counter },
		{ .column = "same_as", .uuid = own ? NULL : &r->root },
		{ .column = "retired_at" },
		{ .column = r->label ? "" : "label" },
		{ .column = own ? "" : "serial" } };
	hl_rc rc = HL_OK;
	hl_q q;

	q = hl_q_new(m->o, "SELECT * FROM cards WHERE id = ?");
	hl_q_uuid(&q, &c->id);
	if (!hl_q_row(&q))
		hl_q_damaged(&q);
	else
		rc = hl_merge_insert(m, "cards", &q, set, HL_COUNT(set), err);
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

static hl_rc
load(hl_merging *m, const hl_uuid *id, found *c, hl_err *err)
{
	hl_q q = hl_q_new(m->o, "SELECT * FROM cards WHERE id = ?");

	memset(c, 0, sizeof(*c));
	hl_q_uuid(&q, id);
	if (hl_q_row(&q))
		read_card(&q, c);
	else
		hl_q_damaged(&q);
	return hl_q_end(&q, err);
}

/* Finds out what it is here, and what its row will be. */
static hl_rc
decide(
    hl_merging *m, const found *c, const hl_uuid *reading, row *r, hl_err *err)
{
	bool taken = false;
	hl_rc rc;

	r->root = none;
	if ((rc = hl_merge_map(m, &c->firmware, &r->firmware, err)) != HL_OK ||
	    (rc = find_card(m, c, &r->firmware, &r->root, err)) != HL_OK)
		return rc;
	if (!hl_uuid_equal(&r->root, &none))
		rc = check_firmware(m, c, &r->firmware, &r->root, err);
	else if (c->label[0] != '\0')
		rc = label_is_free(m, c, &r->label, err);
	if (rc != HL_OK ||
	    (rc = hl_merge_known(m, "cards", &c->id, &taken, err)) != HL_OK)
		return rc;
	r->id = c->id;
	return taken
	    ? hl_merge_derive("card", reading, sizeof(*reading), &r->id, err)
	    : HL_OK;
}

hl_rc
hl_merge_place(hl_merging *m, hl_merge_card *c, hl_q *first, hl_err *err)
{
	const hl_merge_set set = { .column = "card", .uuid = &c->row };
	row r = { .label = false };
	hl_uuid reading;
	found card;
	hl_rc rc;

	hl_q_get_uuid(hl_merge_at(first, "id"), &reading);
	r.counter = hl_q_get_int(hl_merge_at(first, "counter"));
	if ((rc = load(m, &c->id, &card, err)) != HL_OK ||
	    (rc = decide(m, &card, &reading, &r, err)) != HL_OK ||
	    (rc = insert_card(m, c, &r, err)) != HL_OK)
		return rc;
	c->root = hl_uuid_equal(&r.root, &none) ? r.id : r.root;
	c->row = r.id;
	c->last = reading;
	c->placed = true;
	m->r.n.cards += hl_uuid_equal(&r.root, &none) ? 1 : 0;
	rc = hl_merge_insert(m, "card_readings", first, &set, 1, err);
	return rc == HL_OK ? hl_merge_tell(m, "card.added", NULL, err) : rc;
}

hl_rc
hl_merge_branch(hl_merging *m, hl_merge_card *c, hl_q *next, hl_err *err)
{
	static const hl_event_fact branch = { "branch", NULL, 1 };
	static const int64_t zero;
	row r = { .root = c->root };
	const hl_merge_set set[] = { { .column = "id", .uuid = &c->last },
		{ .column = "card", .uuid = &c->row },
		{ .column = "kind", .text = "first" }, { .column = "issue" },
		{ .column = "expected", .number = &r.counter },
		{ .column = "counter", .number = &r.counter },
		{ .column = "units_outside", .number = &zero } };
	hl_uuid reading;
	found card;
	hl_rc rc;

	hl_q_get_uuid(hl_merge_at(next, "id"), &reading);
	r.counter = hl_q_get_int(hl_merge_at(next, "expected"));
	if ((rc = load(m, &c->id, &card, err)) != HL_OK ||
	    (rc = hl_merge_map(m, &card.firmware, &r.firmware, err)) != HL_OK ||
	    (rc = hl_merge_derive(
		 "branch", &reading, sizeof(reading), &r.id, err)) != HL_OK ||
	    (rc = hl_merge_derive(
		 "first", &reading, sizeof(reading), &c->last, err)) != HL_OK ||
	    (rc = insert_card(m, c, &r, err)) != HL_OK)
		return rc;
	c->row = r.id;
	rc = hl_merge_insert(m, "card_readings", next, set, HL_COUNT(set), err);
	return rc == HL_OK ? hl_merge_tell(m, "card.added", &branch, err) : rc;
}
