-- SPDX-License-Identifier: Apache-2.0
-- Schema 3: the ledger. Every change of a row is told by an event, in the same
-- transaction; the events are the leaves of a Merkle tree (docs/FORMAT.ledger).

-- ---- events --------------------------------------------------------------

-- seq is the leaf's index: 0, 1, 2, ... without gap. bytes are the event as it
-- was written, leaf is SHA-256(0x00 || bytes).
CREATE TABLE events (
	seq INTEGER PRIMARY KEY CHECK (seq >= 0),
	bytes BLOB NOT NULL CHECK (length(bytes) BETWEEN 2 AND 65535),
	leaf BLOB NOT NULL CHECK (length(leaf) = 32)
) STRICT;

-- A reading of a card after one of these may show what the store forgot.
CREATE INDEX events_restored ON events (seq)
	WHERE instr(bytes, CAST('"kind":"store.restored"' AS BLOB)) > 0;

CREATE TRIGGER events_next BEFORE INSERT ON events
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM events)
BEGIN SELECT RAISE(ABORT, 'events follow one another'); END;

CREATE TRIGGER events_fixed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'an event does not change'); END;

CREATE TRIGGER events_kept BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are kept'); END;

-- Those that tell of a checkpoint, which every status looks for. In a text such
-- quotes would be escaped, so nothing else has these bytes.
CREATE INDEX events_checkpoint ON events (seq)
	WHERE instr(bytes, CAST('"kind":"checkpoint.made"' AS BLOB)) > 0;

-- The right edge of the tree: roots of its full subtrees, the largest first;
-- and the time of the newest event.
CREATE TABLE tree (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	size INTEGER NOT NULL CHECK (size >= 0),
	frontier BLOB NOT NULL CHECK (length(frontier) % 32 = 0
		AND length(frontier) <= 2048),
	last_at INTEGER NOT NULL CHECK (last_at >= 0)
) STRICT;

INSERT INTO tree (one, size, frontier, last_at) VALUES (1, 0, x'', 0);

CREATE TRIGGER tree_grows BEFORE UPDATE ON tree
WHEN NEW.one IS NOT OLD.one OR NEW.size < OLD.size
BEGIN SELECT RAISE(ABORT, 'the tree only grows'); END;

CREATE TRIGGER tree_kept BEFORE DELETE ON tree
BEGIN SELECT RAISE(ABORT, 'the tree is kept'); END;

-- ---- acts become events --------------------------------------------------

-- The program reads them from here, and drops this table, in the same commit.
CREATE TEMP TABLE acts_2 AS SELECT * FROM acts ORDER BY n;

DROP TABLE acts;

-- ---- differences that a person has explained -----------------------------

-- Units of a card that its issues do not explain, taken for known by somebody
-- with a reason. license: the imported license that such a unit bought.
CREATE TABLE variances (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	card BLOB NOT NULL REFERENCES cards (id),
	at INTEGER NOT NULL CHECK (at >= 0),
	class TEXT NOT NULL CHECK (class IN ('lost', 'in_doubt', 'outside',
		'jump', 'replaced', 'rolled_back', 'imported')),
	units INTEGER NOT NULL CHECK (units <> 0
		AND units BETWEEN -4294967295 AND 4294967295),
	counter INTEGER NOT NULL CHECK (counter BETWEEN 0 AND 4294967295),
	license BLOB UNIQUE REFERENCES licenses (id),
	reason TEXT NOT NULL
		CHECK (length(CAST(reason AS BLOB)) BETWEEN 1 AND 256),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	operator TEXT NOT NULL CHECK (length(CAST(operator AS BLOB)) <= 256),
	lot TEXT NOT NULL CHECK (length(CAST(lot AS BLOB)) <= 256),
	note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) <= 256),
	use_class TEXT NOT NULL CHECK (use_class IN ('', 'production', 'test'))
) STRICT;

CREATE INDEX variances_card ON variances (card);

CREATE TRIGGER variances_fixed BEFORE UPDATE ON variances
BEGIN SELECT RAISE(ABORT, 'a variance does not change'); END;

CREATE TRIGGER variances_kept BEFORE DELETE ON variances
BEGIN SELECT RAISE(ABORT, 'variances are kept'); END;

-- ---- ledgers of other stores that were merged into this one --------------

-- As far as they were merged: the tree's size and root then.
CREATE TABLE merged_ledgers (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	origin TEXT NOT NULL UNIQUE
		CHECK (length(CAST(origin AS BLOB)) BETWEEN 1 AND 256),
	size INTEGER NOT NULL CHECK (size >= 0),
	root BLOB NOT NULL CHECK (length(root) = 32),
	merged_at INTEGER NOT NULL CHECK (merged_at >= 0)
) STRICT;

CREATE TRIGGER merged_ledgers_grow BEFORE UPDATE ON merged_ledgers
WHEN NEW.n IS NOT OLD.n OR NEW.id IS NOT OLD.id
	OR NEW.origin IS NOT OLD.origin OR NEW.size < OLD.size
BEGIN SELECT RAISE(ABORT, 'a merged ledger only grows'); END;

CREATE TRIGGER merged_ledgers_kept BEFORE DELETE ON merged_ledgers
BEGIN SELECT RAISE(ABORT, 'merged ledgers are kept'); END;

-- Their events, as they were written there. The root above vouches for them.
CREATE TABLE merged_events (
	n INTEGER PRIMARY KEY,
	ledger BLOB NOT NULL REFERENCES merged_ledgers (id),
	seq INTEGER NOT NULL CHECK (seq >= 0),
	bytes BLOB NOT NULL CHECK (length(bytes) BETWEEN 2 AND 65535),
	leaf BLOB NOT NULL CHECK (length(leaf) = 32),
	UNIQUE (ledger, seq)
) STRICT;

CREATE TRIGGER merged_events_fixed BEFORE UPDATE ON merged_events
BEGIN SELECT RAISE(ABORT, 'an event does not change'); END;

CREATE TRIGGER merged_events_kept BEFORE DELETE ON merged_events
BEGIN SELECT RAISE(ABORT, 'events are kept'); END;

-- ---- a card that several stores have asked --------------------------------

-- Each of them has a row of it here, with the readings and issues of its own.
-- same_as: the row of this store, which bears serial number and label; NULL in
-- that one.
ALTER TABLE cards ADD COLUMN same_as BLOB REFERENCES cards (id)
	CHECK (same_as IS NULL OR serial IS NULL AND label IS NULL);

CREATE INDEX cards_same ON cards (same_as) WHERE same_as IS NOT NULL;

CREATE TRIGGER cards_same_one BEFORE INSERT ON cards
WHEN NEW.same_as IS NOT NULL AND NOT EXISTS (SELECT 1 FROM cards
	WHERE id = NEW.same_as AND firmware = NEW.firmware AND same_as IS NULL)
BEGIN SELECT RAISE(ABORT, 'a card is the same as one of this store'); END;

CREATE TRIGGER cards_same_fixed BEFORE UPDATE ON cards
WHEN NEW.same_as IS NOT OLD.same_as
BEGIN SELECT RAISE(ABORT, 'the identity of a card does not change'); END;

-- Units that two of these rows account for, as it turned out when their stores
-- were merged: what one had seen leaving outside, or had lost, was issued by
-- the other. They are counted there, and no more in this reading or issue. Of
-- a reading the sum counts; units below 0 take some of it back.
CREATE TABLE overlaps (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	card BLOB NOT NULL REFERENCES cards (id),
	reading BLOB REFERENCES card_readings (id),
	issue BLOB UNIQUE REFERENCES issues (id),
	units INTEGER NOT NULL CHECK (units <> 0
		AND units BETWEEN -4294967295 AND 4294967295),
	at INTEGER NOT NULL CHECK (at >= 0),
	CHECK ((reading IS NULL) <> (issue IS NULL)),
	CHECK (issue IS NULL OR units = 1)
) STRICT;

CREATE INDEX overlaps_card ON overlaps (card);
CREATE INDEX overlaps_reading ON overlaps (reading) WHERE reading IS NOT NULL;

CREATE TRIGGER overlaps_fixed BEFORE UPDATE ON overlaps
BEGIN SELECT RAISE(ABORT, 'an overlap does not change'); END;

CREATE TRIGGER overlaps_kept BEFORE DELETE ON overlaps
BEGIN SELECT RAISE(ABORT, 'overlaps are kept'); END;
