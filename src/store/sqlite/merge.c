/* SPDX-License-Identifier: Apache-2.0 */
/* Another station's store comes into this one. */
#include "store/sqlite/merge.h"

#include <stdlib.h>
#include <string.h>

#include "store/sqlite/view.h"

#define FINDINGS_SHOWN 3

/* ---- what cannot be merged ---------------------------------------------- */

static hl_rc
check_other(hl_store *s, hl_store *o, hl_err *err)
{
	o->doing = "read what is to be merged";
	if (strcmp(s->path, o->path) == 0) {
		return hl_db_fail(o, HL_EINPUT, err,
		    "name the store of another station", "it is this store");
	}
	if (o->schema_found == HL_SCHEMA_VERSION)
		return HL_OK;
	hl_db_fail(o, HL_EINPUT, err, "",
	    "it has no ledger yet: its schema is %d, not %d", o->schema_found,
	    HL_SCHEMA_VERSION);
	hl_err_hint(err,
	    "bring it up to date first: hsmlic store upgrade --store %s",
	    o->path);
	return HL_EINPUT;
}

static hl_rc
refuse_open(hl_store *o, hl_err *err)
{
	int64_t n = 0;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(o, "SELECT count(*) FROM issues WHERE state = 'open'");
	if (hl_q_row(&q))
		n = hl_q_get_int(&q);
	if ((rc = hl_q_end(&q, err)) != HL_OK || n == 0)
		return rc;
	hl_db_fail(o, HL_EBUSY, err, "",
	    "%lld of its requests %s open: what became of %s units is not "
	    "known yet",
	    (long long)n, n == 1 ? "is" : "are", n == 1 ? "its" : "their");
	hl_err_hint(err,
	    "run hsmlic recover there, with its cards; nothing was merged");
	return HL_EBUSY;
}

typedef struct findings {
	hl_err why;
	uint64_t n;
} findings;

static void
on_finding(void *arg, const char *text)
{
	findings *f = arg;

	if (f->n++ < FINDINGS_SHOWN)
		hl_err_add(&f->why, "%s", text);
}

static hl_rc
refuse_unsound(hl_store *o, hl_err *err)
{
	findings f = { .n = 0 };
	hl_audit_result r;
	hl_rc rc;

	hl_db_fail(o, HL_EINTEGRITY, &f.why,
	    "see hsmlic audit verify there; nothing was merged",
	    "a check of its ledger and rows found something");
	rc = hl_store_audit(o, NULL, 0, on_finding, NULL, &f, &r, err);
	if (rc != HL_OK || r.findings == 0)
		return rc;
	if (err != NULL)
		*err = f.why;
	return HL_EINTEGRITY;
}

/* ---- merging ------------------------------------------------------------ */

static hl_rc
read_names(hl_merging *m, hl_err *err)
{
	hl_store_info ours, theirs;
	hl_rc rc;

	if ((rc = hl_store_info_get(m->s, &ours, err)) != HL_OK ||
	    (rc = hl_store_info_get(m->o, &theirs, err)) != HL_OK)
		return rc;
	m->our_id = ours.id;
	m->r.id = theirs.id;
	m->r.own = hl_uuid_equal(&ours.id, &theirs.id);
	(void)hl_text_copy(m->r.origin, sizeof(m->r.origin), theirs.origin);
	return HL_OK;
}

static hl_rc
merge_rows(hl_merging *m, hl_err *err)
{
	static hl_rc (*const parts[])(hl_merging * m, hl_err * err) = {
		hl_merge_begin, hl_merge_events, hl_merge_firmwares,
		hl_merge_chips, hl_merge_cards, hl_merge_licenses,
		hl_merge_others, hl_merge_units, hl_merge_ledgers, hl_merge_end
	};
	hl_rc rc;

	/* the row of a ledger comes last, with all that was counted */
	rc = hl_db_exec(m->s, "PRAGMA defer_foreign_keys = ON", err);
	for (size_t i = 0; i < HL_COUNT(parts) && rc == HL_OK; i++)
		rc = parts[i](m, err);
	return rc;
}

static hl_rc
merge_in_tx(hl_merging *m, hl_err *err)
{
	hl_rc rc = hl_merge_look(m, err);

	m->o->doing = "read what is to be merged";
	if (rc != HL_OK || m->r.known == m->r.size)
		return rc;
	return merge_rows(m, err);
}

static hl_rc
merge(hl_merging *m, hl_err *err)
{
	hl_rc rc;

	if ((rc = read_names(m, err)) != HL_OK ||
	    (rc = hl_tx_begin(m->s, "record what another store has", err)) !=
		HL_OK)
		return rc;
	rc = merge_in_tx(m, err);
	if (rc != HL_OK || !m->opt->dry_run)
		return hl_tx_end(m->s, rc, err);
	(void)!hl_tx_end(m->s, HL_EDENIED, NULL); /* it did no more than look */
	return HL_OK;
}

hl_rc
hl_store_merge(hl_store *store, hl_store *other, const hl_merge_options *opt,
    const hl_actor *actor, hl_merge_result *out, hl_err *err)
{
	hl_merging *m;
	hl_rc rc;

	if ((rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = check_other(store, other, err)) != HL_OK ||
	    (rc = hl_view_take(other, err)) != HL_OK ||
	    (rc = refuse_open(other, err)) != HL_OK ||
	    (rc = refuse_unsound(other, err)) != HL_OK)
		return rc;
	if ((m = calloc(1, sizeof(*m))) == NULL)
		return hl_nomem(err);
	m->s = store;
	m->o = other;
	m->opt = opt;
	m->actor = actor;
	if ((rc = merge(m, err)) == HL_OK)
		*out = m->r;
	free(m->cards);
	free(m);
	return rc;
}
