-- SPDX-License-Identifier: Apache-2.0
-- Schema 2: what became of licenses (installs), licenses that a person doubts
-- and trusts again, and which reader a station means by a slot number.

-- ---- installs ------------------------------------------------------------

-- One run of a programmer on a chip. license is NULL when the programmer got
-- none of ours, firmware when nobody knew it. exit_status is -1 when the
-- programmer did not end by itself, or nobody saw how it ended.
CREATE TABLE installs (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	chip BLOB NOT NULL REFERENCES chips (id),
	firmware BLOB REFERENCES firmwares (id),
	license BLOB REFERENCES licenses (id),
	at INTEGER NOT NULL CHECK (at >= 0),
	duration_ms INTEGER NOT NULL
		CHECK (duration_ms BETWEEN 0 AND 4294967295),
	programmer TEXT NOT NULL
		CHECK (length(CAST(programmer AS BLOB)) BETWEEN 1 AND 256),
	image TEXT NOT NULL CHECK (length(CAST(image AS BLOB)) <= 256),
	image_sha256 BLOB CHECK (length(image_sha256) = 32),
	outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed', 'unknown')),
	exit_status INTEGER NOT NULL CHECK (exit_status BETWEEN -1 AND 255),
	detail TEXT NOT NULL CHECK (length(CAST(detail AS BLOB)) <= 256),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	operator TEXT NOT NULL CHECK (length(CAST(operator AS BLOB)) <= 256),
	lot TEXT NOT NULL CHECK (length(CAST(lot AS BLOB)) <= 256),
	note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) <= 256),
	use_class TEXT NOT NULL CHECK (use_class IN ('', 'production', 'test')),
	CHECK (license IS NULL OR firmware IS NOT NULL)
) STRICT;

CREATE INDEX installs_chip ON installs (chip);
CREATE INDEX installs_at ON installs (at, outcome);

CREATE TRIGGER installs_of_license BEFORE INSERT ON installs
WHEN NEW.license IS NOT NULL AND NOT EXISTS (SELECT 1 FROM licenses
	WHERE id = NEW.license AND chip = NEW.chip AND firmware = NEW.firmware)
BEGIN SELECT RAISE(ABORT, 'an install has a license of its own chip'); END;

CREATE TRIGGER installs_fixed BEFORE UPDATE ON installs
BEGIN SELECT RAISE(ABORT, 'an install does not change'); END;

CREATE TRIGGER installs_kept BEFORE DELETE ON installs
BEGIN SELECT RAISE(ABORT, 'installs are kept'); END;

-- ---- slots ---------------------------------------------------------------

-- What slot=N means at a station: the reader of that name. A mapping is not
-- changed but replaced; acts has the history.
CREATE TABLE slots (
	n INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	reader TEXT NOT NULL
		CHECK (length(CAST(reader AS BLOB)) BETWEEN 1 AND 256),
	slot INTEGER NOT NULL CHECK (slot BETWEEN 0 AND 4294967295),
	UNIQUE (station, reader),
	UNIQUE (station, slot)
) STRICT;

CREATE TRIGGER slots_fixed BEFORE UPDATE ON slots
BEGIN SELECT RAISE(ABORT, 'a slot is mapped anew'); END;

-- ---- licenses in doubt ---------------------------------------------------

-- A state may change, with its reason: a doubt is no end, but retired is.
DROP TRIGGER licenses_fixed;

CREATE TRIGGER licenses_fixed BEFORE UPDATE ON licenses
WHEN NEW.n IS NOT OLD.n OR NEW.id IS NOT OLD.id OR NEW.chip IS NOT OLD.chip
	OR NEW.firmware IS NOT OLD.firmware OR NEW.issue IS NOT OLD.issue
	OR NEW.sha256 IS NOT OLD.sha256 OR NEW.added_at IS NOT OLD.added_at
	OR NEW.station IS NOT OLD.station OR NEW.operator IS NOT OLD.operator
	OR NEW.lot IS NOT OLD.lot OR NEW.note IS NOT OLD.note
	OR NEW.use_class IS NOT OLD.use_class OR NEW.bytes IS NOT OLD.bytes
	OR OLD.state = 'retired' OR NEW.state = OLD.state
BEGIN SELECT RAISE(ABORT, 'only the state of a license changes, until it is retired'); END;

-- ---- acts: more kinds of them --------------------------------------------

-- A CHECK cannot be altered: the rows go aside, the table is made anew.
CREATE TABLE acts_1 AS SELECT * FROM acts;

DROP TABLE acts;

CREATE TABLE acts (
	n INTEGER PRIMARY KEY,
	at INTEGER NOT NULL CHECK (at >= 0),
	kind TEXT NOT NULL CHECK (kind IN ('chip.completed', 'chip.joined',
		'chip.labelled', 'card.labelled', 'card.retired',
		'issue.rescued', 'license.retired', 'license.doubted',
		'license.trusted', 'slot.mapped')),
	object BLOB NOT NULL CHECK (length(object) = 16),
	detail TEXT NOT NULL CHECK (length(CAST(detail AS BLOB)) <= 256),
	station TEXT NOT NULL CHECK (length(CAST(station AS BLOB)) <= 256),
	operator TEXT NOT NULL CHECK (length(CAST(operator AS BLOB)) <= 256),
	lot TEXT NOT NULL CHECK (length(CAST(lot AS BLOB)) <= 256),
	note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) <= 256),
	use_class TEXT NOT NULL CHECK (use_class IN ('', 'production', 'test'))
) STRICT;

INSERT INTO acts (n, at, kind, object, detail, station, operator, lot, note,
	use_class)
SELECT n, at, kind, object, detail, station, operator, lot, note, use_class
FROM acts_1 ORDER BY n;

DROP TABLE acts_1;

CREATE TRIGGER acts_fixed BEFORE UPDATE ON acts
BEGIN SELECT RAISE(ABORT, 'an act does not change'); END;

CREATE TRIGGER acts_kept BEFORE DELETE ON acts
BEGIN SELECT RAISE(ABORT, 'acts are kept'); END;
