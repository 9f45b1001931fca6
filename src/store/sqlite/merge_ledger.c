/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of another store: verified, compared with what is known of it, and
 * kept as it is. */
#include <stdio.h>
#include <string.h>

#include "store/sqlite/merge.h"

/* Events of a store's own ledger (id NULL), or of one that was merged. */
typedef struct source {
	hl_store *s;
	const hl_uuid *id;
} source;

static hl_q
read_events(const source *src, uint64_t from)
{
	hl_q q = hl_q_new(src->s,
	    src->id == NULL ? "SELECT seq, bytes, leaf FROM events "
			      "WHERE seq >= ? ORDER BY seq"
			    : "SELECT seq, bytes, leaf FROM merged_events "
			      "WHERE seq >= ? AND ledger = ? ORDER BY seq");

	hl_q_int(&q, (int64_t)from);
	if (src->id != NULL)
		hl_q_uuid(&q, src->id);
	return q;
}

static void
get_leaf(hl_q *q, hl_hash *leaf)
{
	q->column = 2;
	hl_q_get_hash(q, leaf);
}

/* ---- does it verify? ---------------------------------------------------- */

static hl_rc
fail_event(hl_merging *m, uint64_t seq, const char *why, hl_err *err)
{
	return hl_db_fail(m->o, HL_EINTEGRITY, err,
	    "run hsmlic audit verify there; nothing was merged",
	    "its ledger does not verify: event %llu %s",
	    (unsigned long long)seq, why);
}

static hl_rc
verify_event(hl_merging *m, hl_q *q, hl_frontier *f, hl_err *err)
{
	const int64_t seq = hl_q_get_int(q);
	hl_hash leaf, is;
	hl_rc rc;

	get_leaf(q, &leaf);
	if (q->code != SQLITE_OK)
		return HL_OK; /* reported when it is ended */
	if (seq < 0 || (uint64_t)seq != f->size)
		return fail_event(m, f->size, "is missing", err);
	rc = hl_leaf_hash(sqlite3_column_blob(q->st, 1),
	    (size_t)sqlite3_column_bytes(q->st, 1), &is, err);
	if (rc != HL_OK)
		return rc;
	if (!hl_hash_equal(&leaf, &is))
		return fail_event(m, f->size, "is not what was hashed", err);
	return hl_frontier_add(f, &is, err);
}

/* Works out the tree over all of them. */
static hl_rc
verify(hl_merging *m, const source *src, hl_frontier *f, hl_err *err)
{
	hl_q q = read_events(src, 0);
	hl_rc rc = HL_OK;

	memset(f, 0, sizeof(*f));
	while (rc == HL_OK && hl_q_row(&q))
		rc = verify_event(m, &q, f, err);
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

static hl_rc
fail_tree(hl_merging *m, hl_err *err)
{
	return hl_db_fail(m->o, HL_EINTEGRITY, err,
	    "run hsmlic audit verify there; nothing was merged",
	    "its ledger does not verify: the root over its events is not the "
	    "one on record");
}

static hl_rc
verify_theirs(hl_merging *m, hl_err *err)
{
	const source src = { m->o, NULL };
	hl_frontier is, told;
	hl_rc rc;

	if ((rc = hl_store_tree(m->o, &told, err)) != HL_OK ||
	    (rc = verify(m, &src, &is, err)) != HL_OK)
		return rc;
	if (!hl_frontier_equal(&is, &told))
		return fail_tree(m, err);
	m->r.size = is.size;
	return hl_frontier_root(&is, &m->r.root, err);
}

/* ---- how much of it is known? ------------------------------------------- */

typedef struct likeness {
	uint64_t common;	 /* events with which both begin */
	bool longer_a, longer_b; /* there is one behind these */
	hl_hash next;		 /* of a, when there is one */
} likeness;

static hl_rc
compare(const source *a, const source *b, likeness *l, hl_err *err)
{
	hl_q qa = read_events(a, 0), qb = read_events(b, 0);
	hl_hash y;
	hl_rc rc, rc2;

	memset(l, 0, sizeof(*l));
	for (;;) {
		if ((l->longer_a = hl_q_row(&qa)))
			get_leaf(&qa, &l->next);
		if ((l->longer_b = hl_q_row(&qb)))
			get_leaf(&qb, &y);
		if (!l->longer_a || !l->longer_b ||
		    !hl_hash_equal(&l->next, &y) || qa.code != SQLITE_OK ||
		    qb.code != SQLITE_OK)
			break;
		l->common++;
	}
	rc = hl_q_end(&qa, err);
	rc2 = hl_q_end(&qb, rc == HL_OK ? err : NULL);
	return rc != HL_OK ? rc : rc2;
}

/* Where a ledger of theirs belongs here. */
typedef struct place {
	source src;
	hl_uuid id;	/* in our merged_ledgers */
	uint64_t known; /* events that we have, there or in our own ledger */
	uint64_t kept;	/* events that are under this ID already */
	bool all;	/* all are known: nothing comes */
	bool forked;	/* it leaves the one that bears its store's ID */
} place;

/*
 * A ledger goes on where it was, or it leaves what is known of it at some
 * event, since its store was restored from an older copy. Then it is another
 * one, with an ID made of that event, so that it is found again.
 */
static hl_rc
find_place(hl_merging *m, place *p, bool own, hl_err *err)
{
	likeness l;
	hl_rc rc;

	for (;;) {
		const source here = { m->s, own ? NULL : &p->id };

		if ((rc = compare(&p->src, &here, &l, err)) != HL_OK)
			return rc;
		if (l.common > p->known)
			p->known = l.common;
		p->kept = own ? 0 : l.common;
		p->all = !l.longer_a;
		if (p->all || (!own && !l.longer_b))
			return HL_OK;
		rc = hl_merge_derive(
		    "ledger", &l.next, sizeof(l.next), &p->id, err);
		if (rc != HL_OK)
			return rc;
		own = false;
		p->forked = true;
	}
}

static hl_rc
is_taken(hl_merging *m, const char *origin, bool *yes, hl_err *err)
{
	hl_q q = hl_q_new(m->s,
	    "SELECT 1 FROM merged_ledgers WHERE origin = ?1 UNION ALL "
	    "SELECT 1 FROM meta WHERE origin = ?1");

	hl_q_text(&q, origin);
	*yes = hl_q_row(&q);
	return hl_q_end(&q, err);
}

/* What it is called here: by its origin, unless that means another one. */
static hl_rc
name_place(
    hl_merging *m, const place *p, const char *origin, hl_text out, hl_err *err)
{
	char id[HL_UUID_TEXT];
	bool taken = p->forked;
	hl_rc rc;
	hl_q q;

	(void)hl_text_copy(out, sizeof(hl_text), origin);
	if (p->kept > 0) {
		q = hl_q_new(
		    m->s, "SELECT origin FROM merged_ledgers WHERE id = ?");
		hl_q_uuid(&q, &p->id);
		if (hl_q_row(&q))
			hl_q_get_text(&q, out, sizeof(hl_text));
		return hl_q_end(&q, err);
	}
	if (!taken && (rc = is_taken(m, origin, &taken, err)) != HL_OK)
		return rc;
	hl_uuid_text(&p->id, id);
	if (taken &&
	    !hl_text_format(out, sizeof(hl_text), "%s (%.8s)", origin, id))
		(void)hl_text_copy(out, sizeof(hl_text), id);
	return HL_OK;
}

static hl_rc
fail_forked(hl_merging *m, const place *p, hl_err *err)
{
	return hl_db_fail(m->o, HL_EINTEGRITY, err,
	    "find out why. If it was restored from an older copy, say "
	    "--restored; nothing was merged",
	    "its ledger does not go on from where it was when it was merged "
	    "last: it is the same up to event %llu",
	    (unsigned long long)p->known);
}

hl_rc
hl_merge_look(hl_merging *m, hl_err *err)
{
	place p = { .src = { m->o, NULL }, .id = m->r.id };
	hl_rc rc;

	if ((rc = verify_theirs(m, err)) != HL_OK ||
	    (rc = find_place(m, &p, m->r.own, err)) != HL_OK)
		return rc;
	if (p.forked && !m->r.own && !p.all && p.kept == 0 && !m->opt->restored)
		return fail_forked(m, &p, err);
	m->ledger = p.id;
	m->r.known = p.known;
	m->kept = p.kept;
	m->r.n.events = m->r.size - p.known;
	return name_place(m, &p, m->r.origin, m->origin, err);
}

/* ---- keeping it --------------------------------------------------------- */

static hl_rc
keep_event(hl_merging *m, const hl_uuid *ledger, hl_q *from, hl_err *err)
{
	hl_q q = hl_q_new(m->s,
	    "INSERT INTO merged_events (ledger, seq, bytes, leaf) "
	    "VALUES (?, ?, ?, ?)");

	hl_q_uuid(&q, ledger);
	for (int i = 0; i < 3; i++) {
		if (q.code == SQLITE_OK)
			q.code = sqlite3_bind_value(
			    q.st, ++q.param, sqlite3_column_value(from->st, i));
	}
	return hl_q_run(&q, err);
}

/* Every "<thing>_id" of an event names a row that it tells of. That the event
 * is one has been verified. */
static hl_rc
touch_rows(hl_merging *m, const hl_q *q, hl_err *err)
{
	json_t *e = json_loadb(sqlite3_column_blob(q->st, 1),
	    (size_t)sqlite3_column_bytes(q->st, 1), 0, NULL);
	json_t *v, *body = json_object_get(e, "body");
	const char *key;
	hl_rc rc = HL_OK;
	hl_uuid id;

	if (e == NULL)
		return hl_nomem(err);
	json_object_foreach(body, key, v)
	{
		if (rc == HL_OK && hl_text_ends(key, "_id") &&
		    json_is_string(v) &&
		    hl_uuid_parse(json_string_value(v), &id))
			rc = hl_merge_touch(m, &id, err);
	}
	json_decref(e);
	return rc;
}

static hl_rc
take_event(hl_merging *m, hl_q *q, hl_err *err)
{
	const uint64_t seq = (uint64_t)sqlite3_column_int64(q->st, 0);
	hl_rc rc;

	if (seq >= m->kept && (rc = keep_event(m, &m->ledger, q, err)) != HL_OK)
		return rc;
	return seq >= m->r.known ? touch_rows(m, q, err) : HL_OK;
}

hl_rc
hl_merge_events(hl_merging *m, hl_err *err)
{
	return hl_merge_each(m,
	    "SELECT seq, bytes, leaf FROM events ORDER BY seq", take_event,
	    err);
}

static hl_rc
put_ledger(hl_merging *m, const place *p, const char *origin, uint64_t size,
    const hl_hash *root, hl_err *err)
{
	hl_q q = hl_q_new(m->s,
	    "INSERT INTO merged_ledgers (id, origin, size, root, merged_at) "
	    "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET "
	    "size = ?3, root = ?4, merged_at = ?5");

	hl_q_uuid(&q, &p->id);
	hl_q_text(&q, origin);
	hl_q_int(&q, (int64_t)size);
	hl_q_blob(&q, root->b, sizeof(root->b));
	hl_q_int(&q, m->s->now);
	return hl_q_run(&q, err);
}

static hl_rc
tell_merged(hl_merging *m, hl_err *err)
{
	const hl_merge_counts *n = &m->r.n;
	const hl_event_fact facts[] = { { "merged", NULL, 1 },
		{ "origin", m->origin, 0 },
		{ "events", NULL, (int64_t)n->events },
		{ "firmwares", NULL, (int64_t)n->firmwares },
		{ "chips", NULL, (int64_t)n->chips },
		{ "cards", NULL, (int64_t)n->cards },
		{ "readings", NULL, (int64_t)n->readings },
		{ "issues", NULL, (int64_t)n->issues },
		{ "licenses", NULL, (int64_t)n->licenses },
		{ "uses", NULL, (int64_t)n->uses },
		{ "installs", NULL, (int64_t)n->installs },
		{ "slots", NULL, (int64_t)n->slots },
		{ "variances", NULL, (int64_t)n->variances },
		{ "changed", NULL, (int64_t)n->changed },
		{ "overlaps", NULL, (int64_t)n->overlaps },
		{ "twice", NULL, (int64_t)n->twice } };

	return hl_log_event(
	    m->s, "store.merged", m->actor, facts, HL_COUNT(facts), err);
}

/* ---- ledgers that they had merged --------------------------------------- */

static hl_rc
keep_all(hl_merging *m, const place *p, hl_err *err)
{
	hl_q q = read_events(&p->src, p->kept);
	hl_rc rc = HL_OK;

	while (rc == HL_OK && hl_q_row(&q))
		rc = keep_event(m, &p->id, &q, err);
	if (rc == HL_OK)
		return hl_q_end(&q, err);
	(void)!hl_q_end(&q, NULL);
	return rc;
}

/* They know of events of this very store that are not in it. */
static void
note_ours(hl_merging *m, const place *p, uint64_t size)
{
	hl_merge_note(m,
	    "%s has merged %llu %s of this store before that %s not in its "
	    "ledger: this store was restored from an older copy",
	    m->origin, (unsigned long long)(size - p->known),
	    size - p->known == 1 ? "event" : "events",
	    size - p->known == 1 ? "is" : "are");
}

static hl_rc
take_place(hl_merging *m, place *p, const char *origin, const hl_frontier *f,
    const hl_hash *root, hl_err *err)
{
	const hl_event_fact via = { "via", m->origin, 0 };
	hl_text name;
	hl_rc rc;

	if ((rc = name_place(m, p, origin, name, err)) != HL_OK ||
	    (rc = keep_all(m, p, err)) != HL_OK ||
	    (rc = put_ledger(m, p, name, f->size, root, err)) != HL_OK)
		return rc;
	return hl_merge_tell(m, "store.merged", &via, err);
}

static hl_rc
take_ledger(hl_merging *m, hl_q *q, hl_err *err)
{
	place p = { .src = { m->o, NULL } };
	hl_hash root, told;
	hl_frontier f;
	hl_text origin;
	int64_t size;
	hl_uuid id;
	bool own;
	hl_rc rc;

	hl_q_get_uuid(hl_merge_at(q, "id"), &id);
	hl_q_get_text(hl_merge_at(q, "origin"), origin, sizeof(origin));
	size = hl_q_get_int(hl_merge_at(q, "size"));
	hl_q_get_blob(
	    hl_merge_at(q, "root"), told.b, sizeof(told.b), sizeof(told.b));
	p.src.id = &id;
	p.id = id;
	own = hl_uuid_equal(&id, &m->our_id);
	if ((rc = verify(m, &p.src, &f, err)) != HL_OK ||
	    (rc = hl_frontier_root(&f, &root, err)) != HL_OK)
		return rc;
	if (q->code == SQLITE_OK &&
	    ((uint64_t)size != f.size || !hl_hash_equal(&root, &told)))
		return fail_tree(m, err);
	if ((rc = find_place(m, &p, own, err)) != HL_OK || p.all)
		return rc;
	if (own)
		note_ours(m, &p, f.size);
	return take_place(m, &p, origin, &f, &root, err);
}

hl_rc
hl_merge_ledgers(hl_merging *m, hl_err *err)
{
	const place p = { .id = m->ledger };
	hl_rc rc;

	rc = put_ledger(m, &p, m->origin, m->r.size, &m->r.root, err);
	if (rc == HL_OK)
		rc = tell_merged(m, err);
	if (rc != HL_OK)
		return rc;
	return hl_merge_each(
	    m, "SELECT * FROM merged_ledgers ORDER BY n", take_ledger, err);
}
