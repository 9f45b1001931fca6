/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger as others see it. */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/log.h"

#define CHUNK_EVENTS 64

hl_rc
hl_store_event_put(hl_store *store, const char *kind, const hl_event_fact *facts,
    size_t n, const hl_actor *actor, uint64_t *seq, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_actor_check(actor, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "record an event", err)) != HL_OK)
		return rc;
	rc = hl_log_event(store, kind, actor, facts, n, err);
	rc = hl_tx_end(store, rc, err);
	if (rc == HL_OK && seq != NULL)
		*seq = store->log.tree.size - 1;
	return rc;
}

hl_rc
hl_store_tree(hl_store *store, hl_frontier *out, hl_err *err)
{
	hl_rc rc;

	store->doing = "read the ledger's tree";
	store->log.loaded = false;
	if ((rc = hl_log_load(store, err)) == HL_OK)
		*out = store->log.tree;
	return rc;
}

/* Some events, copied, so that no lock is held while they are looked at. */
typedef struct chunk {
	hl_event_row rows[CHUNK_EVENTS];
	size_t at[CHUNK_EVENTS]; /* where the bytes begin in `bytes` */
	size_t n;
	hl_buf bytes;
} chunk;

bool
hl_log_row_event(hl_q *q, hl_event_row *r)
{
	const void *leaf = sqlite3_column_blob(q->st, 2);
	const bool whole =
	    sqlite3_column_bytes(q->st, 2) == (int)sizeof(r->leaf.b);

	r->seq = (uint64_t)sqlite3_column_int64(q->st, 0);
	memset(&r->leaf, 0, sizeof(r->leaf));
	if (whole && leaf != NULL)
		memcpy(r->leaf.b, leaf, sizeof(r->leaf.b));
	r->bytes = sqlite3_column_blob(q->st, 1);
	r->n = (size_t)sqlite3_column_bytes(q->st, 1);
	/* SQLite had no memory to give it in */
	if ((whole && leaf == NULL) || (r->n > 0 && r->bytes == NULL))
		q->code = SQLITE_NOMEM;
	else if (r->bytes == NULL)
		r->bytes = (const uint8_t *)"";
	return q->code == SQLITE_OK;
}

static void
read_row(hl_q *q, chunk *c)
{
	hl_event_row *r = &c->rows[c->n];

	if (!hl_log_row_event(q, r))
		return;
	c->at[c->n++] = c->bytes.n;
	hl_buf_put(&c->bytes, r->bytes, r->n);
}

/* At most CHUNK_EVENTS of them, as `q` asks for. */
static hl_rc
read_chunk(hl_store *s, hl_q *q, chunk *c, hl_err *err)
{
	hl_rc rc;

	s->doing = "read the ledger";
	c->n = 0;
	hl_buf_reset(&c->bytes);
	while (c->n < CHUNK_EVENTS && hl_q_row(q))
		read_row(q, c);
	rc = hl_q_end(q, err);
	return rc == HL_OK && c->bytes.failed ? hl_nomem(err) : rc;
}

/* False: `row` wants no more. */
static bool
give_chunk(chunk *c, bool (*row)(void *arg, const hl_event_row *e), void *arg)
{
	bool more = true;

	for (size_t i = 0; i < c->n && more; i++) {
		c->rows[i].bytes = c->bytes.p + c->at[i];
		more = row(arg, &c->rows[i]);
	}
	return more;
}

static void
chunk_free(chunk *c)
{
	hl_buf_free(&c->bytes);
	free(c);
}

hl_rc
hl_store_events(hl_store *store, uint64_t from, uint64_t to,
    bool (*row)(void *arg, const hl_event_row *e), void *arg, hl_err *err)
{
	hl_rc rc = HL_OK;
	chunk *c;
	hl_q q;

	if (to > INT64_MAX)
		to = INT64_MAX;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return hl_nomem(err);
	while (from < to) {
		q = hl_q_new(store,
		    "SELECT seq, bytes, leaf FROM events WHERE seq >= ? AND "
		    "seq < ? ORDER BY seq LIMIT 64");
		hl_q_int(&q, (int64_t)from);
		hl_q_int(&q, (int64_t)to);
		if ((rc = read_chunk(store, &q, c, err)) != HL_OK ||
		    c->n == 0 || !give_chunk(c, row, arg))
			break;
		from = c->rows[c->n - 1].seq + 1;
	}
	chunk_free(c);
	return rc;
}

hl_rc
hl_store_checkpoints(hl_store *store,
    bool (*row)(void *arg, const hl_event_row *e), void *arg, hl_err *err)
{
	uint64_t before = INT64_MAX;
	hl_rc rc;
	chunk *c;
	hl_q q;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return hl_nomem(err);
	do {
		/* the words of the index events_checkpoint */
		q = hl_q_new(store,
		    "SELECT seq, bytes, leaf FROM events WHERE instr(bytes, "
		    "CAST('\"kind\":\"checkpoint.made\"' AS BLOB)) > 0 AND "
		    "seq < ? ORDER BY seq DESC LIMIT 64");
		hl_q_int(&q, (int64_t)before);
		if ((rc = read_chunk(store, &q, c, err)) != HL_OK || c->n == 0)
			break;
		before = c->rows[c->n - 1].seq;
	} while (give_chunk(c, row, arg));
	chunk_free(c);
	return rc;
}
