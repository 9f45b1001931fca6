/* SPDX-License-Identifier: Apache-2.0 */
/* Chips of another store: which of ours are they? */
#include <string.h>

#include "store/sqlite/chip.h"
#include "store/sqlite/merge.h"

typedef struct met {
	hl_uuid id; /* theirs */
	hl_uid uid; /* n 0: not known */
	bool has_cert;
	hl_cert cert;
	hl_text label;
} met;

static hl_rc
read_chip(hl_merging *m, hl_q *q, met *c, hl_err *err)
{
	uint8_t sha256[HL_SHA256_LEN];

	memset(c, 0, sizeof(*c));
	hl_q_get_uuid(hl_merge_at(q, "id"), &c->id);
	c->uid.n =
	    hl_q_get_blob(hl_merge_at(q, "uid"), c->uid.b, 0, sizeof(c->uid.b));
	c->has_cert = hl_q_get_blob(hl_merge_at(q, "cert_sha256"), sha256,
			  sizeof(sha256), sizeof(sha256)) > 0;
	hl_q_get_text(hl_merge_at(q, "label"), c->label, sizeof(c->label));
	return c->has_cert ? hl_store_chip_cert(m->o, &c->id, &c->cert, err)
			   : HL_OK;
}

/* Ours, found as hl_store_chip_put() finds it. */
static hl_rc
is_here(hl_merging *m, const met *c, bool *here, hl_err *err)
{
	hl_q q = hl_q_new(
	    m->s, "SELECT 1 FROM chips WHERE uid = ?1 OR cert_sha256 = ?2");

	if (c->uid.n > 0)
		hl_q_blob(&q, c->uid.b, c->uid.n);
	else
		hl_q_null(&q);
	if (c->has_cert)
		hl_q_blob(&q, c->cert.sha256, sizeof(c->cert.sha256));
	*here = hl_q_row(&q);
	return hl_q_end(&q, err);
}

static hl_rc
label_is_free(hl_merging *m, const char *label, bool *is, hl_err *err)
{
	hl_q q = hl_q_new(m->s, "SELECT 1 FROM chips WHERE label = ?");

	hl_q_text(&q, label);
	*is = !hl_q_row(&q);
	return hl_q_end(&q, err);
}

static void
note_label(hl_merging *m, const char *label)
{
	hl_merge_note(m,
	    "the label \"%s\" was left out: another chip bears it here", label);
}

static hl_rc
add_cert(hl_merging *m, const met *c, hl_err *err)
{
	bool known = false;
	hl_rc rc;
	hl_q q;

	if (!c->has_cert)
		return HL_OK;
	q = hl_q_new(m->s, "SELECT 1 FROM certificates WHERE sha256 = ?");
	hl_q_blob(&q, c->cert.sha256, sizeof(c->cert.sha256));
	known = hl_q_row(&q);
	if ((rc = hl_q_end(&q, err)) != HL_OK || known)
		return rc;
	q = hl_q_new(m->s,
	    "INSERT INTO certificates (sha256, product_id, bytes) "
	    "VALUES (?, ?, ?)");
	hl_q_blob(&q, c->cert.sha256, sizeof(c->cert.sha256));
	hl_q_text(&q, c->cert.product_id);
	hl_q_blob(&q, c->cert.b, c->cert.n);
	return hl_q_run(&q, err);
}

static hl_rc
add_chip(hl_merging *m, hl_q *q, const met *c, hl_err *err)
{
	const hl_merge_set no_label = { .column = "label" };
	bool keeps = true;
	hl_rc rc;

	if (c->label[0] != '\0' &&
	    (rc = label_is_free(m, c->label, &keeps, err)) != HL_OK)
		return rc;
	if (!keeps)
		note_label(m, c->label);
	if ((rc = add_cert(m, c, err)) != HL_OK ||
	    (rc = hl_merge_insert(
		 m, "chips", q, &no_label, keeps ? 0 : 1, err)) != HL_OK)
		return rc;
	m->r.n.chips++;
	return hl_merge_tell(m, "chip.seen", NULL, err);
}

/* Theirs has a name now, ours has none. */
static hl_rc
take_label(hl_merging *m, const met *c, const hl_chip *ours, hl_err *err)
{
	bool touched = false, is_free = false;
	hl_rc rc;
	hl_q q;

	if (c->label[0] == '\0' || strcmp(c->label, ours->label) == 0)
		return HL_OK;
	rc = hl_merge_touched(m, &c->id, &touched, err);
	if (rc != HL_OK || !touched)
		return rc;
	if (ours->label[0] != '\0') {
		hl_merge_note(m,
		    "the chip \"%s\" is called \"%s\" there; it keeps its "
		    "label",
		    ours->label, c->label);
		return HL_OK;
	}
	if ((rc = label_is_free(m, c->label, &is_free, err)) != HL_OK)
		return rc;
	if (!is_free) {
		note_label(m, c->label);
		return HL_OK;
	}
	q = hl_q_new(m->s, "UPDATE chips SET label = ? WHERE id = ?");
	hl_q_text(&q, c->label);
	hl_q_uuid(&q, &ours->id);
	m->r.n.changed++;
	rc = hl_q_run(&q, err);
	return rc == HL_OK ? hl_merge_tell(m, "chip.labelled", NULL, err) : rc;
}

static hl_rc
complete_chip(hl_merging *m, const met *c, hl_err *err)
{
	const hl_event_fact facts[] = { { "merged", NULL, 1 },
		{ "origin", m->origin, 0 } };
	const uint64_t before = m->s->log.tree.size;
	hl_chip ours;
	hl_rc rc;

	rc = hl_chip_put_row(m->s, c->has_cert ? &c->cert : NULL, &c->uid,
	    m->actor, facts, HL_COUNT(facts), &ours, err);
	if (rc != HL_OK)
		return rc;
	if (m->s->log.tree.size > before)
		m->r.n.changed++;
	if ((rc = hl_merge_put_map(m, &c->id, &ours.id, err)) != HL_OK)
		return rc;
	return take_label(m, c, &ours, err);
}

static hl_rc
take_chip(hl_merging *m, hl_q *q, hl_err *err)
{
	bool here = false;
	hl_rc rc;
	met c;

	if ((rc = read_chip(m, q, &c, err)) != HL_OK ||
	    (rc = is_here(m, &c, &here, err)) != HL_OK)
		return rc;
	return here ? complete_chip(m, &c, err) : add_chip(m, q, &c, err);
}

hl_rc
hl_merge_chips(hl_merging *m, hl_err *err)
{
	return hl_merge_each(
	    m, "SELECT * FROM chips ORDER BY n", take_chip, err);
}
