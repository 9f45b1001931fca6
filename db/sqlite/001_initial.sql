-- SPDX-License-Identifier: Apache-2.0
-- Schema 1. Tables are STRICT, ordered by rowid (column n), and linked by
-- identities that the client made (16-byte UUIDs). Times are milliseconds
-- since 1970, UTC. NULL means not known or not yet; text has no NULL beside it
-- that means the same, except where a column is unique.
--
-- What accounts for a unit is only ever added to: triggers refuse the rest.
-- They stop accidents. That nobody meant it is shown by other means.

PRAGMA application_id = 1212959043; -- 'HLIC'

CREATE TABLE meta (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	id BLOB NOT NULL CHECK (length(id) = 16),
	origin TEXT NOT NULL CHECK (length(CAST(origin AS BLOB)) BETWEEN 1 AND 256),
	created_at INTEGER NOT NULL CHECK (created_at >= 0),
	last_time INTEGER NOT NULL CHECK (last_time >= created_at)
) STRICT;

CREATE TRIGGER meta_fixed BEFORE UPDATE ON meta
WHEN NEW.one IS NOT OLD.one OR NEW.id IS NOT OLD.id
	OR NEW.origin IS NOT OLD.origin OR NEW.created_at IS NOT OLD.created_at
	OR NEW.last_time < OLD.last_time
BEGIN SELECT RAISE(ABORT, 'the identity of a store does not change'); END;

CREATE TRIGGER meta_kept BEFORE DELETE ON meta
BEGIN SELECT RAISE(ABORT, 'the identity of a store is kept'); END;

-- ---- chips ---------------------------------------------------------------

CREATE TABLE certificates (
	n INTEGER PRIMARY KEY,
	sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
	product_id TEXT NOT NULL CHECK (product_id = '' OR
		length(product_id) = 8 AND product_id NOT GLOB '*[^0-9A-F]*'),
	bytes BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 4096)
) STRICT;

CREATE TRIGGER certificates_fixed BEFORE UPDATE ON certificates
BEGIN SELECT RAISE(ABORT, 'a certificate does not change'); END;

CREATE TRIGGER certificates_kept BEFORE DELETE ON certificates
BEGIN SELECT RAISE(ABORT, 'certificates are kept'); END;

CREATE TABLE chips (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	uid BLOB UNIQUE CHECK (length(uid) BETWEEN 8 AND 16),
	cert_sha256 BLOB UNIQUE REFERENCES certificates (sha256),
	label TEXT UNIQUE CHECK (length(CAST(label AS BLOB)) BETWEEN 1 AND 256),
	first_seen INTEGER NOT NULL CHECK (first_seen >= 0),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	operator TEXT NOT NULL CHECK (length(CAST(operator AS BLOB)) <= 256),
	lot TEXT NOT NULL CHECK (length(CAST(lot AS BLOB)) <= 256),
	note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) <= 256),
	use_class TEXT NOT NULL CHECK (use_class IN ('', 'production', 'test')),
	CHECK (uid IS NOT NULL OR cert_sha256 IS NOT NULL)
) STRICT;

CREATE TRIGGER chips_fixed BEFORE UPDATE ON chips
WHEN NEW.n IS NOT OLD.n OR NEW.id IS NOT OLD.id
	OR NEW.first_seen IS NOT OLD.first_seen
	OR OLD.uid IS NOT NULL AND NEW.uid IS NOT OLD.uid
	OR OLD.cert_sha256 IS NOT NULL AND NEW.cert_sha256 IS NOT OLD.cert_sha256
BEGIN SELECT RAISE(ABORT, 'the identity of a chip does not change'); END;

-- ---- firmwares and cards -------------------------------------------------

CREATE TABLE firmwares (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	name TEXT NOT NULL UNIQUE
		CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 256),
	identifier TEXT NOT NULL CHECK (length(CAST(identifier AS BLOB)) <= 256),
	type TEXT NOT NULL CHECK (length(CAST(type AS BLOB)) <= 256),
	product_id TEXT NOT NULL CHECK (product_id = '' OR
		length(product_id) = 8 AND product_id NOT GLOB '*[^0-9A-F]*'),
	added_at INTEGER NOT NULL CHECK (added_at >= 0),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	operator TEXT NOT NULL CHECK (length(CAST(operator AS BLOB)) <= 256),
	lot TEXT NOT NULL CHECK (length(CAST(lot AS BLOB)) <= 256),
	note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) <= 256),
	use_class TEXT NOT NULL CHECK (use_class IN ('', 'production', 'test'))
) STRICT;

CREATE TRIGGER firmwares_fixed BEFORE UPDATE ON firmwares
BEGIN SELECT RAISE(ABORT, 'a firmware does not change'); END;

CREATE TRIGGER firmwares_kept BEFORE DELETE ON firmwares
BEGIN SELECT RAISE(ABORT, 'firmwares are kept'); END;

CREATE TABLE cards (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	firmware BLOB NOT NULL REFERENCES firmwares (id),
	serial TEXT UNIQUE CHECK (length(CAST(serial AS BLOB)) BETWEEN 1 AND 256),
	label TEXT UNIQUE CHECK (length(CAST(label AS BLOB)) BETWEEN 1 AND 256),
	driver TEXT NOT NULL CHECK (length(CAST(driver AS BLOB)) <= 256),
	atr BLOB NOT NULL CHECK (length(atr) <= 33),
	capacity INTEGER NOT NULL CHECK (capacity BETWEEN 0 AND 4294967295),
	first_counter INTEGER NOT NULL
		CHECK (first_counter BETWEEN 0 AND 4294967295),
	last_counter INTEGER NOT NULL
		CHECK (last_counter BETWEEN 0 AND first_counter),
	state TEXT NOT NULL CHECK (length(CAST(state AS BLOB)) <= 256),
	reader TEXT NOT NULL CHECK (length(CAST(reader AS BLOB)) <= 256),
	replay INTEGER NOT NULL CHECK (replay IN (0, 1)),
	added_at INTEGER NOT NULL CHECK (added_at >= 0),
	seen_at INTEGER NOT NULL CHECK (seen_at >= 0),
	retired_at INTEGER CHECK (retired_at >= 0),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	operator TEXT NOT NULL CHECK (length(CAST(operator AS BLOB)) <= 256),
	lot TEXT NOT NULL CHECK (length(CAST(lot AS BLOB)) <= 256),
	note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) <= 256),
	use_class TEXT NOT NULL CHECK (use_class IN ('', 'production', 'test')),
	UNIQUE (id, firmware)
) STRICT;

CREATE TRIGGER cards_fixed BEFORE UPDATE ON cards
WHEN NEW.n IS NOT OLD.n OR NEW.id IS NOT OLD.id
	OR NEW.firmware IS NOT OLD.firmware OR NEW.serial IS NOT OLD.serial
	OR NEW.driver IS NOT OLD.driver OR NEW.atr IS NOT OLD.atr
	OR NEW.capacity IS NOT OLD.capacity
	OR NEW.first_counter IS NOT OLD.first_counter
	OR NEW.replay IS NOT OLD.replay OR NEW.added_at IS NOT OLD.added_at
	OR OLD.retired_at IS NOT NULL AND NEW.retired_at IS NOT OLD.retired_at
BEGIN SELECT RAISE(ABORT, 'the identity of a card does not change'); END;

CREATE TRIGGER cards_down BEFORE UPDATE OF last_counter ON cards
WHEN NEW.last_counter > OLD.last_counter
BEGIN SELECT RAISE(ABORT, 'the counter of a card never goes up'); END;

CREATE TRIGGER cards_kept BEFORE DELETE ON cards
BEGIN SELECT RAISE(ABORT, 'cards are kept'); END;

-- ---- spending ------------------------------------------------------------

-- Intent and outcome of one attempt in one row. A closed one never changes,
-- but for a lost license that turned up. counter_after is what the card said
-- (counter_read = 1) or what follows from units (counter_read = 0).
CREATE TABLE issues (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	chip BLOB NOT NULL REFERENCES chips (id),
	firmware BLOB NOT NULL,
	card BLOB NOT NULL,
	attempt INTEGER NOT NULL CHECK (attempt BETWEEN 1 AND 4294967295),
	counter_before INTEGER NOT NULL
		CHECK (counter_before BETWEEN 0 AND 4294967295),
	opened_at INTEGER NOT NULL CHECK (opened_at >= 0),
	owner BLOB NOT NULL CHECK (length(owner) = 16),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	operator TEXT NOT NULL CHECK (length(CAST(operator AS BLOB)) <= 256),
	lot TEXT NOT NULL CHECK (length(CAST(lot AS BLOB)) <= 256),
	note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) <= 256),
	use_class TEXT NOT NULL CHECK (use_class IN ('', 'production', 'test')),
	state TEXT NOT NULL CHECK (state IN ('open', 'issued', 'issued_bad',
		'not_spent', 'lost', 'lost_or_outside', 'written_off')),
	closed_at INTEGER CHECK (closed_at >= 0),
	counter_after INTEGER CHECK (counter_after BETWEEN 0 AND 4294967295),
	counter_read INTEGER CHECK (counter_read IN (0, 1)),
	units INTEGER CHECK (units IN (0, 1)),
	recovered INTEGER NOT NULL CHECK (recovered IN (0, 1)),
	detail TEXT NOT NULL CHECK (length(CAST(detail AS BLOB)) <= 256),
	closed_station TEXT CHECK (length(CAST(closed_station AS BLOB)) <= 256),
	closed_operator TEXT CHECK (length(CAST(closed_operator AS BLOB)) <= 256),
	closed_note TEXT CHECK (length(CAST(closed_note AS BLOB)) <= 256),
	UNIQUE (chip, firmware, attempt),
	FOREIGN KEY (card, firmware) REFERENCES cards (id, firmware),
	CHECK ((state = 'open') = (closed_at IS NULL)),
	CHECK ((state = 'open') = (counter_after IS NULL)),
	CHECK ((state = 'open') = (counter_read IS NULL)),
	CHECK ((state = 'open') = (units IS NULL)),
	CHECK ((state = 'open') = (closed_station IS NULL)),
	CHECK ((state = 'open') = (closed_operator IS NULL)),
	CHECK ((state = 'open') = (closed_note IS NULL)),
	CHECK (state NOT IN ('not_spent', 'written_off') OR units = 0),
	CHECK (state NOT IN ('lost', 'lost_or_outside') OR units = 1),
	CHECK (state = 'open' OR counter_after + units <= counter_before)
) STRICT;

CREATE UNIQUE INDEX issues_open_card ON issues (card) WHERE state = 'open';
CREATE UNIQUE INDEX issues_open_chip ON issues (chip, firmware)
	WHERE state = 'open';
-- A value of a card's counter is spent once.
CREATE UNIQUE INDEX issues_spent ON issues (card, counter_before)
	WHERE units = 1;
CREATE INDEX issues_card ON issues (card);
CREATE INDEX issues_closed ON issues (closed_at, state) WHERE units = 1;

CREATE TRIGGER issues_fixed BEFORE UPDATE ON issues
WHEN NEW.n IS NOT OLD.n OR NEW.id IS NOT OLD.id OR NEW.chip IS NOT OLD.chip
	OR NEW.firmware IS NOT OLD.firmware OR NEW.card IS NOT OLD.card
	OR NEW.attempt IS NOT OLD.attempt
	OR NEW.counter_before IS NOT OLD.counter_before
	OR NEW.opened_at IS NOT OLD.opened_at OR NEW.owner IS NOT OLD.owner
	OR NEW.station IS NOT OLD.station OR NEW.operator IS NOT OLD.operator
	OR NEW.lot IS NOT OLD.lot OR NEW.note IS NOT OLD.note
	OR NEW.use_class IS NOT OLD.use_class
BEGIN SELECT RAISE(ABORT, 'an intent does not change'); END;

CREATE TRIGGER issues_closed_fixed BEFORE UPDATE ON issues
WHEN OLD.state <> 'open' AND (NEW.closed_at IS NOT OLD.closed_at
	OR NEW.counter_after IS NOT OLD.counter_after
	OR NEW.counter_read IS NOT OLD.counter_read
	OR NEW.units IS NOT OLD.units OR NEW.detail IS NOT OLD.detail
	OR NEW.closed_station IS NOT OLD.closed_station
	OR NEW.closed_operator IS NOT OLD.closed_operator
	OR NEW.closed_note IS NOT OLD.closed_note
	OR OLD.state NOT IN ('lost', 'lost_or_outside')
	OR NEW.state <> 'issued' OR NEW.recovered <> 1)
BEGIN SELECT RAISE(ABORT, 'a closed issue does not change'); END;

CREATE TRIGGER issues_begin_open BEFORE INSERT ON issues
WHEN NEW.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'an issue begins as an intent'); END;

CREATE TRIGGER issues_kept BEFORE DELETE ON issues
BEGIN SELECT RAISE(ABORT, 'issues are kept'); END;

-- Every reading of a card's counter that told something, in order. kind: the
-- first of the card; one outside of an issue; the one before the request of an
-- issue; the one after it. expected is what the ledger says must be left when
-- the unit of the issue has been taken off.
CREATE TABLE card_readings (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	card BLOB NOT NULL REFERENCES cards (id),
	at INTEGER NOT NULL CHECK (at >= 0),
	kind TEXT NOT NULL CHECK (kind IN ('first', 'seen', 'before', 'after')),
	issue BLOB REFERENCES issues (id),
	expected INTEGER NOT NULL CHECK (expected BETWEEN 0 AND 4294967295),
	counter INTEGER NOT NULL CHECK (counter BETWEEN 0 AND 4294967295),
	units_outside INTEGER NOT NULL CHECK (units_outside >= 0),
	state TEXT NOT NULL CHECK (length(CAST(state AS BLOB)) <= 256),
	reader TEXT NOT NULL CHECK (length(CAST(reader AS BLOB)) <= 256),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	operator TEXT NOT NULL CHECK (length(CAST(operator AS BLOB)) <= 256),
	lot TEXT NOT NULL CHECK (length(CAST(lot AS BLOB)) <= 256),
	note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) <= 256),
	use_class TEXT NOT NULL CHECK (use_class IN ('', 'production', 'test')),
	UNIQUE (issue, kind),
	CHECK (expected = counter + units_outside),
	CHECK ((kind IN ('before', 'after')) = (issue IS NOT NULL)),
	CHECK (kind <> 'first' OR units_outside = 0)
) STRICT;

CREATE INDEX card_readings_card ON card_readings (card);
CREATE UNIQUE INDEX card_readings_first ON card_readings (card)
	WHERE kind = 'first';
CREATE INDEX card_readings_outside ON card_readings (at, units_outside)
	WHERE units_outside > 0;

CREATE TRIGGER card_readings_fixed BEFORE UPDATE ON card_readings
BEGIN SELECT RAISE(ABORT, 'a reading does not change'); END;

CREATE TRIGGER card_readings_kept BEFORE DELETE ON card_readings
BEGIN SELECT RAISE(ABORT, 'readings are kept'); END;

-- ---- licenses ------------------------------------------------------------

CREATE TABLE licenses (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	chip BLOB NOT NULL REFERENCES chips (id),
	firmware BLOB NOT NULL REFERENCES firmwares (id),
	issue BLOB UNIQUE REFERENCES issues (id),
	state TEXT NOT NULL CHECK (state IN ('active', 'suspect', 'retired')),
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
	added_at INTEGER NOT NULL CHECK (added_at >= 0),
	retired_at INTEGER CHECK (retired_at >= 0),
	reason TEXT NOT NULL CHECK (length(CAST(reason AS BLOB)) <= 256),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	operator TEXT NOT NULL CHECK (length(CAST(operator AS BLOB)) <= 256),
	lot TEXT NOT NULL CHECK (length(CAST(lot AS BLOB)) <= 256),
	note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) <= 256),
	use_class TEXT NOT NULL CHECK (use_class IN ('', 'production', 'test')),
	bytes BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 4096),
	CHECK ((state = 'retired') = (retired_at IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX licenses_active ON licenses (chip, firmware)
	WHERE state = 'active';
CREATE INDEX licenses_chip ON licenses (chip);
CREATE INDEX licenses_firmware ON licenses (firmware);
CREATE INDEX licenses_imported ON licenses (added_at) WHERE issue IS NULL;

CREATE TRIGGER licenses_of_issue BEFORE INSERT ON licenses
WHEN NEW.issue IS NOT NULL AND NOT EXISTS (SELECT 1 FROM issues
	WHERE id = NEW.issue AND chip = NEW.chip AND firmware = NEW.firmware
	AND state IN ('issued', 'issued_bad'))
BEGIN SELECT RAISE(ABORT, 'a license belongs to the issue that made it'); END;

CREATE TRIGGER licenses_fixed BEFORE UPDATE ON licenses
WHEN NEW.n IS NOT OLD.n OR NEW.id IS NOT OLD.id OR NEW.chip IS NOT OLD.chip
	OR NEW.firmware IS NOT OLD.firmware OR NEW.issue IS NOT OLD.issue
	OR NEW.sha256 IS NOT OLD.sha256 OR NEW.added_at IS NOT OLD.added_at
	OR NEW.station IS NOT OLD.station OR NEW.operator IS NOT OLD.operator
	OR NEW.lot IS NOT OLD.lot OR NEW.note IS NOT OLD.note
	OR NEW.use_class IS NOT OLD.use_class OR NEW.bytes IS NOT OLD.bytes
	OR OLD.state = 'retired' OR NEW.state <> 'retired'
BEGIN SELECT RAISE(ABORT, 'a license can only be retired'); END;

CREATE TRIGGER licenses_kept BEFORE DELETE ON licenses
BEGIN SELECT RAISE(ABORT, 'licenses are kept'); END;

CREATE TABLE uses (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	license BLOB NOT NULL REFERENCES licenses (id),
	at INTEGER NOT NULL CHECK (at >= 0),
	how TEXT NOT NULL CHECK (how IN ('store', 'card', 'replay', 'export')),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	operator TEXT NOT NULL CHECK (length(CAST(operator AS BLOB)) <= 256),
	lot TEXT NOT NULL CHECK (length(CAST(lot AS BLOB)) <= 256),
	note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) <= 256),
	use_class TEXT NOT NULL CHECK (use_class IN ('', 'production', 'test'))
) STRICT;

CREATE INDEX uses_license ON uses (license);
CREATE INDEX uses_store ON uses (at) WHERE how = 'store';

CREATE TRIGGER uses_fixed BEFORE UPDATE ON uses
BEGIN SELECT RAISE(ABORT, 'a use does not change'); END;

CREATE TRIGGER uses_kept BEFORE DELETE ON uses
BEGIN SELECT RAISE(ABORT, 'uses are kept'); END;

-- ---- who changed what has no row of its own ------------------------------

CREATE TABLE acts (
	n INTEGER PRIMARY KEY,
	at INTEGER NOT NULL CHECK (at >= 0),
	kind TEXT NOT NULL CHECK (kind IN ('chip.completed', 'chip.joined',
		'chip.labelled', 'card.labelled', 'card.retired',
		'issue.rescued', 'license.retired')),
	object BLOB NOT NULL CHECK (length(object) = 16),
	detail TEXT NOT NULL CHECK (length(CAST(detail AS BLOB)) <= 256),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	operator TEXT NOT NULL CHECK (length(CAST(operator AS BLOB)) <= 256),
	lot TEXT NOT NULL CHECK (length(CAST(lot AS BLOB)) <= 256),
	note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) <= 256),
	use_class TEXT NOT NULL CHECK (use_class IN ('', 'production', 'test'))
) STRICT;

CREATE TRIGGER acts_fixed BEFORE UPDATE ON acts
BEGIN SELECT RAISE(ABORT, 'an act does not change'); END;

CREATE TRIGGER acts_kept BEFORE DELETE ON acts
BEGIN SELECT RAISE(ABORT, 'acts are kept'); END;
