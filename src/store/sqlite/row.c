/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/row.h"

#include <stdlib.h>
#include <string.h>

typedef union any_row {
	hl_chip chip;
	hl_firmware firmware;
	hl_card_row card;
	hl_issue issue;
	hl_license license;
	hl_install install;
} any_row;

static void
get_uid(hl_q *q, hl_uid *uid)
{
	uid->n = hl_q_get_blob(q, uid->b, HL_UID_MIN, HL_UID_MAX);
}

static bool
get_sha256(hl_q *q, uint8_t sha256[HL_SHA256_LEN])
{
	return hl_q_get_blob(q, sha256, HL_SHA256_LEN, HL_SHA256_LEN) > 0;
}

void
hl_row_chip(hl_q *q, void *row)
{
	hl_chip *c = row;

	q->key = hl_q_get_int(q);
	hl_q_get_uuid(q, &c->id);
	get_uid(q, &c->uid);
	c->has_cert = get_sha256(q, c->cert_sha256);
	hl_q_get_text(q, c->product_id, sizeof(c->product_id));
	hl_q_get_text(q, c->label, sizeof(c->label));
	c->first_seen = hl_q_get_int(q);
	c->licenses = hl_q_get_u32(q);
}

void
hl_row_firmware(hl_q *q, void *row)
{
	hl_firmware *f = row;

	q->key = hl_q_get_int(q);
	hl_q_get_uuid(q, &f->id);
	hl_q_get_text(q, f->name, sizeof(f->name));
	hl_q_get_text(q, f->identifier, sizeof(f->identifier));
	hl_q_get_text(q, f->type, sizeof(f->type));
	hl_q_get_text(q, f->product_id, sizeof(f->product_id));
	f->added_at = hl_q_get_int(q);
}

void
hl_row_card(hl_q *q, void *row)
{
	hl_card_row *c = row;

	q->key = hl_q_get_int(q);
	hl_q_get_uuid(q, &c->id);
	hl_q_get_uuid(q, &c->firmware);
	hl_q_get_text(q, c->firmware_name, sizeof(c->firmware_name));
	hl_q_get_text(q, c->label, sizeof(c->label));
	hl_q_get_text(q, c->serial, sizeof(c->serial));
	hl_q_get_text(q, c->driver, sizeof(c->driver));
	hl_q_get_text(q, c->reader, sizeof(c->reader));
	c->atr_n = hl_q_get_blob(q, c->atr, 0, sizeof(c->atr));
	c->capacity = hl_q_get_u32(q);
	c->first_counter = hl_q_get_u32(q);
	c->last_counter = hl_q_get_u32(q);
	hl_q_get_text(q, c->state, sizeof(c->state));
	c->replay = hl_q_get_int(q) != 0;
	c->added_at = hl_q_get_int(q);
	c->seen_at = hl_q_get_int(q);
	c->retired_at = hl_q_get_int(q);
	hl_q_get_uuid(q, &c->same_as);
}

void
hl_row_issue(hl_q *q, void *row)
{
	hl_issue *i = row;
	hl_text state;

	q->key = hl_q_get_int(q);
	hl_q_get_uuid(q, &i->id);
	hl_q_get_uuid(q, &i->chip);
	hl_q_get_uuid(q, &i->firmware);
	hl_q_get_uuid(q, &i->card);
	i->attempt = hl_q_get_u32(q);
	i->counter_before = hl_q_get_u32(q);
	i->opened_at = hl_q_get_int(q);
	hl_q_get_uuid(q, &i->owner);
	hl_q_get_actor(q, &i->actor);
	hl_q_get_text(q, state, sizeof(state));
	if (!hl_issue_state_parse(state, &i->state))
		hl_q_damaged(q);
	i->closed_at = hl_q_get_int(q);
	i->counter_after = hl_q_get_u32(q);
	i->units = hl_q_get_u32(q);
	i->recovered = hl_q_get_int(q) != 0;
	hl_q_get_text(q, i->detail, sizeof(i->detail));
}

static void
get_license_state(hl_q *q, hl_license_state *out)
{
	hl_text name;

	hl_q_get_text(q, name, sizeof(name));
	for (int i = HL_LICENSE_ACTIVE; i <= HL_LICENSE_RETIRED; i++) {
		const hl_license_state s = (hl_license_state)i;

		if (strcmp(name, hl_license_state_name(s)) == 0) {
			*out = s;
			return;
		}
	}
	hl_q_damaged(q);
}

void
hl_row_license(hl_q *q, void *row)
{
	hl_license *l = row;

	q->key = hl_q_get_int(q);
	hl_q_get_uuid(q, &l->id);
	hl_q_get_uuid(q, &l->chip);
	hl_q_get_uuid(q, &l->firmware);
	hl_q_get_uuid(q, &l->issue);
	get_license_state(q, &l->state);
	get_sha256(q, l->sha256);
	l->size = hl_q_get_u32(q);
	if (l->size == 0 || l->size > HL_LICENSE_MAX)
		hl_q_damaged(q);
	l->added_at = hl_q_get_int(q);
	l->retired_at = hl_q_get_int(q);
	hl_q_get_actor(q, &l->actor);
	hl_q_get_text(q, l->reason, sizeof(l->reason));
	l->uses = hl_q_get_u32(q);
	hl_q_get_text(q, l->firmware_name, sizeof(l->firmware_name));
	get_uid(q, &l->uid);
	l->has_cert = get_sha256(q, l->cert_sha256);
}

void
hl_row_install(hl_q *q, void *row)
{
	hl_install *i = row;
	hl_text outcome;

	q->key = hl_q_get_int(q);
	hl_q_get_uuid(q, &i->id);
	hl_q_get_uuid(q, &i->license);
	hl_q_get_uuid(q, &i->chip);
	hl_q_get_uuid(q, &i->firmware);
	i->at = hl_q_get_int(q);
	i->duration_ms = hl_q_get_u32(q);
	hl_q_get_text(q, i->programmer, sizeof(i->programmer));
	hl_q_get_text(q, i->image, sizeof(i->image));
	i->has_image_sha256 = get_sha256(q, i->image_sha256);
	hl_q_get_text(q, outcome, sizeof(outcome));
	if (!hl_install_outcome_parse(outcome, &i->outcome))
		hl_q_damaged(q);
	i->exit_status = (int)hl_q_get_int(q);
	hl_q_get_text(q, i->detail, sizeof(i->detail));
	hl_q_get_actor(q, &i->actor);
}

hl_rc
hl_row_get(
    hl_q *q, hl_row_fn *read, void *out, size_t size, bool *found, hl_err *err)
{
	any_row row;
	bool there;
	hl_rc rc;

	memset(&row, 0, sizeof(row));
	there = hl_q_row(q);
	if (there)
		read(q, &row);
	rc = hl_q_end(q, err);
	if (rc != HL_OK)
		return rc;
	*found = there;
	if (there)
		memcpy(out, &row, size);
	return HL_OK;
}

hl_rc
hl_row_need(hl_q *q, hl_row_fn *read, void *out, size_t size, const char *thing,
    hl_err *err)
{
	bool found = false;
	hl_rc rc;

	rc = hl_row_get(q, read, out, size, &found, err);
	if (rc != HL_OK || found)
		return rc;
	return hl_db_fail(q->s, HL_ENOTFOUND, err,
	    "check the spelling, and that this is the right store",
	    "no such %s is known there", thing);
}

/* Reads up to a chunk behind *key, and moves *key. */
static hl_rc
read_chunk(hl_store *s, const hl_list *l, int64_t *key, uint8_t *rows,
    size_t *n, hl_err *err)
{
	hl_q q = hl_q_new(s, l->sql);

	hl_q_int(&q, *key);
	hl_q_int(&q, HL_LIST_CHUNK);
	if (l->a != NULL)
		hl_q_uuid(&q, l->a);
	if (l->b != NULL)
		hl_q_uuid(&q, l->b);
	q.key = *key;
	memset(rows, 0, HL_LIST_CHUNK * l->size);
	for (*n = 0; *n < HL_LIST_CHUNK && hl_q_row(&q); ++*n)
		l->read(&q, rows + *n * l->size);
	*key = q.key;
	return hl_q_end(&q, err);
}

hl_rc
hl_list_run(hl_store *s, const hl_list *l, hl_err *err)
{
	const char *doing = s->doing;
	size_t n = HL_LIST_CHUNK;
	bool more = true;
	int64_t key = 0;
	uint8_t *rows;
	hl_rc rc = HL_OK;

	if ((rows = calloc(HL_LIST_CHUNK, l->size)) == NULL)
		return hl_nomem(err);
	while (more && n == HL_LIST_CHUNK) {
		s->doing = doing; /* `give` may have called the store */
		rc = read_chunk(s, l, &key, rows, &n, err);
		if (rc != HL_OK)
			break;
		for (size_t i = 0; i < n && more; i++)
			more = l->give(l->arg, rows + i * l->size);
	}
	free(rows);
	return rc;
}
