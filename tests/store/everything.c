/* SPDX-License-Identifier: Apache-2.0 */
#include "store/everything.h"

#include <stdio.h>

#include "store/sqlite/log.h"

const char *const everything_kinds[] = { "store.created", "store.restored",
	"store.upgraded", "store.merged", "chip.seen", "chip.joined",
	"chip.labelled", "firmware.added", "card.added", "card.seen",
	"card.labelled", "card.retired", "issue.intent", "issue.outcome",
	"license.imported", "license.used", "license.retired",
	"license.exported", "license.suspect", "license.trusted",
	"program.outcome", "lot.opened", "lot.closed", "reconcile.result",
	"variance.signed", "clock.back", "config.changed", "checkpoint.made",
	NULL };

/* ---- through the store --------------------------------------------------- */

static void
make_chips(fixture *f)
{
	const hl_uid uid = fx_uid(60);
	const hl_cert cert = fx_cert(60), other = fx_cert(61);
	const hl_uid uid2 = fx_uid(61);
	hl_chip a, b;

	/* completed */
	OK(f, hl_store_chip_put(f->s, NULL, &uid, &f->actor, &a, &f->err));
	OK(f, hl_store_chip_put(f->s, &cert, &uid, &f->actor, &a, &f->err));
	/* two that prove to be one */
	OK(f, hl_store_chip_put(f->s, &other, NULL, &f->actor, &b, &f->err));
	OK(f, hl_store_chip_put(f->s, NULL, &uid2, &f->actor, &b, &f->err));
	OK(f, hl_store_chip_put(f->s, &other, &uid2, &f->actor, &b, &f->err));
	OK(f, hl_store_chip_label(f->s, &a.id, "board 1", &f->actor, &f->err));
	OK(f, hl_store_chip_label(f->s, &b.id, "board 2", &f->actor, &f->err));
	OK(f, hl_store_chip_label(f->s, &b.id, "", &f->actor, &f->err));
}

static void
make_cards(fixture *f)
{
	hl_card_row c = fx_card(f, 2, 50);
	const hl_card_row gone = fx_card_of(f, &c.firmware, 3, 7);
	uint32_t outside;

	OK(f, hl_store_card_label(f->s, &c.id, "spare", &f->actor, &f->err));
	OK(f,
	    hl_store_card_seen(f->s, &c.id, 48, "OPERATIONAL_STATE", "reader B",
		&f->actor, &outside, &f->err));
	assert_int_equal(outside, 2);
	OK(f, hl_store_card_retire(f->s, &gone.id, &f->actor, &f->err));
}

/* One of each outcome, each for a chip of its own. */
static void
make_issues(fixture *f, hl_card_row *card)
{
	static const struct {
		hl_issue_state state;
		uint32_t before, after;
	} steps[] = {
		{ HL_ISSUE_ISSUED, 300, 299 },
		{ HL_ISSUE_BAD, 299, 298 },
		{ HL_ISSUE_NOT_SPENT, 298, 298 },
		{ HL_ISSUE_LOST, 297, 296 },
		{ HL_ISSUE_LOST, 296, 295 },
		{ HL_ISSUE_LOST_OR_OUTSIDE, 295, 293 },
		{ HL_ISSUE_WRITTEN_OFF, 293, 293 },
		{ HL_ISSUE_ISSUED, 293, 292 },
	};
	hl_issue one;

	*card = fx_card(f, 1, 300);
	for (unsigned i = 0; i < HL_COUNT(steps); i++) {
		const hl_chip chip = fx_chip(f, 1 + i);
		hl_outcome o;
		hl_license l;

		one = fx_open(f, &chip, card, steps[i].before);
		o = fx_outcome(f, &one, steps[i].state, steps[i].after, i);
		OK(f, hl_store_intent_close(f->s, &o, &l, &f->err));
		if (i == 4)
			OK(f,
			    hl_store_issue_rescue(f->s, &one.id,
				(const uint8_t *)"found", 5, &f->actor,
				&f->err));
	}
	{
		const hl_chip open = fx_chip(f, 20);

		fx_open(f, &open, card, 292);
	}
}

static void
make_licenses(fixture *f, const hl_card_row *card)
{
	static const char *const hows[] = { "store", "card", "replay",
		"export" };
	const hl_chip chip = fx_chip(f, 30), other = fx_chip(f, 31);
	hl_uuid id, old;

	OK(f,
	    hl_store_license_import(f->s, &chip.id, &card->firmware,
		(const uint8_t *)"bought", 6, &f->actor, &id, &f->err));
	OK(f,
	    hl_store_license_import(f->s, &other.id, &card->firmware,
		(const uint8_t *)"old one", 7, &f->actor, &old, &f->err));
	for (size_t i = 0; i < HL_COUNT(hows); i++)
		OK(f,
		    hl_store_license_use(
			f->s, &id, hows[i], &f->actor, &f->err));
	OK(f, hl_store_license_doubt(f->s, &id, "odd", &f->actor, &f->err));
	OK(f, hl_store_license_trust(f->s, &id, "fine", &f->actor, &f->err));
	OK(f, hl_store_license_retire(f->s, &old, "gone", &f->actor, &f->err));
	for (int i = 0; i < 3; i++) {
		hl_install in = fx_install(f, &chip, (hl_install_outcome)i);

		in.license = i == 0 ? id : (hl_uuid){ { 0 } };
		in.firmware = card->firmware;
		OK(f, hl_store_install_add(f->s, &in, &f->err));
	}
}

static void
make_slots(fixture *f)
{
	OK(f, hl_store_slot_put(f->s, "desk", "A", 1, &f->actor, &f->err));
	OK(f, hl_store_slot_put(f->s, "desk", "B", 2, &f->actor, &f->err));
	OK(f, hl_store_slot_put(f->s, "desk", "C", 3, &f->actor, &f->err));
	OK(f, hl_store_slot_put(f->s, "desk", "B", 1, &f->actor, &f->err));
	/* the newest row goes, and its number comes again */
	OK(f, hl_store_slot_put(f->s, "desk", "B", 4, &f->actor, &f->err));
}

/* ---- below the store ----------------------------------------------------- */

static void
begin(fixture *f)
{
	OK(f, hl_tx_begin(f->s, "fill", &f->err));
}

static void
end(fixture *f, const char *kind)
{
	OK(f,
	    hl_tx_end(f->s,
		hl_log_event(f->s, kind, &f->actor, NULL, 0, &f->err),
		&f->err));
}

static void
make_variance(fixture *f, const hl_card_row *card)
{
	const hl_uuid id = fx_uuid();
	hl_q q;

	begin(f);
	q = hl_q_new(f->s,
	    "INSERT INTO variances (id, card, at, class, units, counter, "
	    "license, reason, station, operator, lot, note, use_class) "
	    "VALUES (?, ?, 1700000000000, 'outside', -2, 297, NULL, "
	    "'demonstration', ?, ?, ?, ?, ?)");
	hl_q_uuid(&q, &id);
	hl_q_uuid(&q, &card->id);
	hl_q_actor(&q, &f->actor);
	OK(f, hl_q_run(&q, &f->err));
	end(f, "variance.signed");
}

static void
make_overlap(fixture *f, const hl_card_row *card)
{
	const hl_uuid id = fx_uuid();
	hl_q q;

	begin(f);
	q = hl_q_new(f->s,
	    "INSERT INTO overlaps (id, card, reading, units, at) "
	    "SELECT ?, card, id, 1, 1700000000000 FROM card_readings "
	    "WHERE card = ? ORDER BY n LIMIT 1");
	hl_q_uuid(&q, &id);
	hl_q_uuid(&q, &card->id);
	OK(f, hl_q_run(&q, &f->err));
	end(f, "store.merged");
}

static void
put_merged_event(
    fixture *f, const hl_uuid *ledger, hl_frontier *tree, const char *text)
{
	hl_event e = { .seq = tree->size,
		.at = 1700000000000 + (int64_t)tree->size };
	hl_buf bytes = HL_BUF_INIT;
	hl_hash leaf;
	hl_q q;

	strcpy(e.kind, "store.created");
	strcpy(e.station, text);
	e.body = json_object();
	OK(f, hl_event_put(&bytes, &e, &f->err));
	json_decref(e.body);
	OK(f, hl_leaf_hash(bytes.p, bytes.n, &leaf, &f->err));
	OK(f, hl_frontier_add(tree, &leaf, &f->err));
	q = hl_q_new(f->s,
	    "INSERT INTO merged_events (ledger, seq, bytes, leaf) "
	    "VALUES (?, ?, ?, ?)");
	hl_q_uuid(&q, ledger);
	hl_q_int(&q, (int64_t)e.seq);
	hl_q_blob(&q, bytes.p, bytes.n);
	hl_q_blob(&q, leaf.b, sizeof(leaf.b));
	OK(f, hl_q_run(&q, &f->err));
	hl_buf_free(&bytes);
}

/* Adds events of another ledger, as a merge does. */
static void
merge(fixture *f, const hl_uuid *id, const char *origin, hl_frontier *tree,
    unsigned n)
{
	const bool first = tree->size == 0;
	hl_hash root;
	hl_q q;

	begin(f);
	if (first) {
		q = hl_q_new(f->s,
		    "INSERT INTO merged_ledgers (id, origin, size, root, "
		    "merged_at) VALUES (?, ?, 0, zeroblob(32), 1)");
		hl_q_uuid(&q, id);
		hl_q_text(&q, origin);
		OK(f, hl_q_run(&q, &f->err));
	}
	for (unsigned i = 0; i < n; i++)
		put_merged_event(f, id, tree, origin);
	OK(f, hl_frontier_root(tree, &root, &f->err));
	q = hl_q_new(f->s,
	    "UPDATE merged_ledgers SET size = ?, root = ?, merged_at = "
	    "merged_at + 1 WHERE id = ?");
	hl_q_int(&q, (int64_t)tree->size);
	hl_q_blob(&q, root.b, sizeof(root.b));
	hl_q_uuid(&q, id);
	OK(f, hl_q_run(&q, &f->err));
	end(f, "store.merged");
}

static void
make_merged(fixture *f)
{
	const hl_uuid a = fx_uuid(), b = fx_uuid();
	hl_frontier one = { .size = 0 }, two = { .size = 0 };

	merge(f, &a, "station a", &one, 3);
	merge(f, &b, "station b", &two, 2);
	merge(f, &a, "station a", &one, 2);
}

/* A clock that was an hour ahead goes back. */
static void
make_clock_back(fixture *f)
{
	const hl_event_fact fact = { "ahead", NULL, 1 };

	begin(f);
	f->s->now += 3600000;
	OK(f,
	    hl_tx_end(f->s,
		hl_log_event(
		    f->s, "config.changed", &f->actor, &fact, 1, &f->err),
		&f->err));
}

static void
make_events(fixture *f)
{
	static const char *const kinds[] = { "store.restored", "store.upgraded",
		"lot.opened", "lot.closed", "reconcile.result",
		"checkpoint.made" };
	const hl_event_fact fact = { "why", "to have one", 0 };

	for (size_t i = 0; i < HL_COUNT(kinds); i++)
		OK(f,
		    hl_store_event_put(
			f->s, kinds[i], &fact, 1, &f->actor, NULL, &f->err));
}

void
everything_make(fixture *f)
{
	hl_card_row card;

	make_chips(f);
	make_cards(f);
	make_issues(f, &card);
	make_licenses(f, &card);
	make_slots(f);
	make_variance(f, &card);
	make_overlap(f, &card);
	make_merged(f);
	make_clock_back(f);
	make_events(f);
}
