-- SPDX-License-Identifier: Apache-2.0
-- A store of schema 2, frozen: that of schema1.sql, brought up to date by the
-- program as it was before schema 3, with installs, a slot and doubts added.
-- Never changed again; the way from it to the schema of today is tested with it.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
PRAGMA application_id=1212959043;
PRAGMA user_version=2;
CREATE TABLE meta (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	id BLOB NOT NULL CHECK (length(id) = 16),
	origin TEXT NOT NULL CHECK (length(CAST(origin AS BLOB)) BETWEEN 1 AND 256),
	created_at INTEGER NOT NULL CHECK (created_at >= 0),
	last_time INTEGER NOT NULL CHECK (last_time >= created_at)
) STRICT;
INSERT INTO meta VALUES(1,X'de716f886708475384f0d4305c344939','hsmlic.invalid/de716f88-6708-4753-84f0-d4305c344939',1795597477076,1795611236537);
CREATE TABLE certificates (
	n INTEGER PRIMARY KEY,
	sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
	product_id TEXT NOT NULL CHECK (product_id = '' OR
		length(product_id) = 8 AND product_id NOT GLOB '*[^0-9A-F]*'),
	bytes BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 4096)
) STRICT;
INSERT INTO certificates VALUES(1,X'bd477ebda4f5bdaa410924be761e62c752e6e9c2275179cdbb282b6816088cbb','',X'00080f161d242b323940474e555c636a71787f868d949ba2a9b0b7bec5ccd3dae1e8eff6fd040b121920272e353c434a51585f666d747b828990979ea5acb3bac1c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a11181f262d343b424950575e656c737a81888f969da4abb2');
INSERT INTO certificates VALUES(2,X'a8dec3b71e7039959cbb1c072fe963926cce66bfe0ed4f6229ccd9060a8d827e','',X'000910171e252c333a41484f565d646b727980878e959ca3aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21282f363d444b525960676e757c838a91989fa6adb4bbc2c9d0d7dee5ecf3fa01080f161d242b323940474e555c636a71787f868d949ba2a9b0b7bec5ccd3dae1e8eff6fd040b121920272e353c434a51585f666d747b828990979ea5acb3');
INSERT INTO certificates VALUES(3,X'294354b85080c91c792762904f9360b6e95ecb20aee1c92f68ea5fc713613049','',X'000a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d141b222930373e454c535a61686f767d848b9299a0a7aeb5bcc3cad1d8dfe6edf4fb020910171e252c333a41484f565d646b727980878e959ca3aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21282f363d444b525960676e757c838a91989fa6adb4');
INSERT INTO certificates VALUES(4,X'8fc759e54f659712c522bc6e8d73def1d0c3d4d29fcd625d8b4566b89ce80d20','',X'000b121920272e353c434a51585f666d747b828990979ea5acb3bac1c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d141b222930373e454c535a61686f767d848b9299a0a7aeb5');
INSERT INTO certificates VALUES(5,X'fa0126820ee4be8cc341b6571f9399990459ffc589f9f258ff9f55109affe5a6','',X'000c131a21282f363d444b525960676e757c838a91989fa6adb4bbc2c9d0d7dee5ecf3fa01080f161d242b323940474e555c636a71787f868d949ba2a9b0b7bec5ccd3dae1e8eff6fd040b121920272e353c434a51585f666d747b828990979ea5acb3bac1c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e858c939aa1a8afb6');
INSERT INTO certificates VALUES(6,X'7d4604c61432c98232087409c72e1ff343e9f4b75a6d2856de5306f5021a1ca3','',X'001b222930373e454c535a61686f767d848b9299a0a7aeb5bcc3cad1d8dfe6edf4fb020910171e252c333a41484f565d646b727980878e959ca3aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21282f363d444b525960676e757c838a91989fa6adb4bbc2c9d0d7dee5ecf3fa01080f161d242b323940474e555c636a71787f868d949ba2a9b0b7bec5');
INSERT INTO certificates VALUES(7,X'7f1e378c923053ea431a7dcd983b2b6decc81bbf9d82867ed76eb298a1f47320','',X'001d242b323940474e555c636a71787f868d949ba2a9b0b7bec5ccd3dae1e8eff6fd040b121920272e353c434a51585f666d747b828990979ea5acb3bac1c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7');
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
INSERT INTO chips VALUES(1,X'3a6851c82fa84f6fb246758722209162',X'010032333435363738393a3b',X'bd477ebda4f5bdaa410924be761e62c752e6e9c2275179cdbb282b6816088cbb',NULL,1795597477085,'station-1','Zoë','lot 7','first try','production');
INSERT INTO chips VALUES(2,X'62522dd4f46b4ec2b9dacc57a448ecab',X'020032333435363738393a3b',X'a8dec3b71e7039959cbb1c072fe963926cce66bfe0ed4f6229ccd9060a8d827e',NULL,1795597477188,'station-1','Zoë','lot 7','first try','production');
INSERT INTO chips VALUES(3,X'cb28f59c3baa495890a6aee1feebdb75',X'030032333435363738393a3b',X'294354b85080c91c792762904f9360b6e95ecb20aee1c92f68ea5fc713613049',NULL,1795597477223,'station-1','Zoë','lot 7','first try','production');
INSERT INTO chips VALUES(4,X'85178bdb2b0a4403a29d80230e67fd6f',X'040032333435363738393a3b',X'8fc759e54f659712c522bc6e8d73def1d0c3d4d29fcd625d8b4566b89ce80d20',NULL,1795597477233,'station-1','Zoë','lot 7','first try','production');
INSERT INTO chips VALUES(5,X'33422d2275854265b2d829005f473bbf',X'050032333435363738393a3b',X'fa0126820ee4be8cc341b6571f9399990459ffc589f9f258ff9f55109affe5a6',NULL,1795597477247,'station-1','Zoë','lot 7','first try','production');
INSERT INTO chips VALUES(7,X'4f3511830a424d448bc7a965d4ff3e5b',X'140032333435363738393a3b',X'7d4604c61432c98232087409c72e1ff343e9f4b75a6d2856de5306f5021a1ca3','a board',1795597477392,'station-1','Zoë','lot 7','first try','production');
INSERT INTO chips VALUES(8,X'64f238c590094fa38c4c1ea69b0c1d05',X'150032333435363738393a3b',NULL,NULL,1795597477496,'station-1','Zoë','lot 7','first try','production');
INSERT INTO chips VALUES(9,X'a60cd36389954637a9a4ddf885b4561e',NULL,X'7f1e378c923053ea431a7dcd983b2b6decc81bbf9d82867ed76eb298a1f47320',NULL,1795597477508,'station-1','Zoë','lot 7','first try','production');
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
INSERT INTO firmwares VALUES(1,X'7dba1c82f7dd4d03822afcaed7d4321c','firmware 1','BLINKY','SFI','',1795597477083,'station-1','Zoë','lot 7','first try','production');
INSERT INTO firmwares VALUES(2,X'ea649871e0c64d0e9c37e56d0f1463cd','Bär ''x''','BLINKY','SFI','45002001',1795597477347,'station-1','Zoë','lot 7','first try','production');
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
INSERT INTO cards VALUES(1,X'cb396663393d4019b038428e55cc96de',X'7dba1c82f7dd4d03822afcaed7d4321c','894900000001','card 1','olc',X'3b80',300,300,293,'OPERATIONAL_STATE','reader A',1,1795597477083,1795597477332,NULL,'station-1','Zoë','lot 7','first try','production');
INSERT INTO cards VALUES(2,X'd6441144e62742a3ac95d22dac91c40a',X'ea649871e0c64d0e9c37e56d0f1463cd',NULL,'the weak one','stm32hsm',X'3b80',0,25,25,'OPERATIONAL_STATE','reader A',0,1795597477347,1795597477385,NULL,'station-1','Zoë','lot 7','first try','production');
INSERT INTO cards VALUES(3,X'c0fc4c40b306460bb8c9619e81a2c200',X'ea649871e0c64d0e9c37e56d0f1463cd',NULL,NULL,'stm32hsm',X'3b80',0,25,20,'OPERATIONAL_STATE','reader B',0,1795597477348,1795597477352,1795597477363,'station-1','Zoë','lot 7','first try','production');
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
INSERT INTO issues VALUES(1,X'ece66a7e354e4839b361f78bed456cf3',X'3a6851c82fa84f6fb246758722209162',X'7dba1c82f7dd4d03822afcaed7d4321c',X'cb396663393d4019b038428e55cc96de',1,298,1795597477104,X'bb8b99d905c34fce9d6fccbc4f47f699','station-1','Zoë','lot 7','first try','production','issued',1795597477107,297,1,1,0,'what was seen','station-1','Zoë','first try');
INSERT INTO issues VALUES(2,X'ad7c4165dc5d4eefa9034714805de873',X'62522dd4f46b4ec2b9dacc57a448ecab',X'7dba1c82f7dd4d03822afcaed7d4321c',X'cb396663393d4019b038428e55cc96de',1,297,1795597477212,X'2300d07b3528486595d4a6bae9b6560a','station-1','Zoë','lot 7','first try','production','issued_bad',1795597477215,296,1,1,0,'what was seen','station-1','Zoë','first try');
INSERT INTO issues VALUES(3,X'e11ddb5235b34d32bde2581e1f468e39',X'cb28f59c3baa495890a6aee1feebdb75',X'7dba1c82f7dd4d03822afcaed7d4321c',X'cb396663393d4019b038428e55cc96de',1,296,1795597477227,X'738e40fcbbdd4b70b8fc0e36592e83d5','station-1','Zoë','lot 7','first try','production','lost',1795597477230,295,1,1,0,'what was seen','station-1','Zoë','first try');
INSERT INTO issues VALUES(4,X'514111961a4f4b67b54d51119a63e2f8',X'85178bdb2b0a4403a29d80230e67fd6f',X'7dba1c82f7dd4d03822afcaed7d4321c',X'cb396663393d4019b038428e55cc96de',1,295,1795597477236,X'021ddef45d674742979bd7c5e5654241','station-1','Zoë','lot 7','first try','production','lost_or_outside',1795597477240,294,1,1,1,'what was seen','station-1','Zoë','first try');
INSERT INTO issues VALUES(5,X'29ce4160515c487dbc5d99becb3f54ab',X'33422d2275854265b2d829005f473bbf',X'7dba1c82f7dd4d03822afcaed7d4321c',X'cb396663393d4019b038428e55cc96de',1,294,1795597477248,X'a4109cfe5be64a779a4072dd568ac53f','station-1','Zoë','lot 7','first try','production','not_spent',1795597477264,294,1,0,1,'what was seen','station-1','Zoë','first try');
INSERT INTO issues VALUES(6,X'b9268c08936e4eb3bbb6622b095a5146',X'33422d2275854265b2d829005f473bbf',X'7dba1c82f7dd4d03822afcaed7d4321c',X'cb396663393d4019b038428e55cc96de',2,294,1795597477280,X'af692d3303934ea08ef4641a2e3de414','station-1','Zoë','lot 7','first try','production','written_off',1795597477304,294,1,0,0,'what was seen','station-1','Zoë','first try');
INSERT INTO issues VALUES(7,X'4c9936ccf19f4fafa1791e14633bbc23',X'33422d2275854265b2d829005f473bbf',X'7dba1c82f7dd4d03822afcaed7d4321c',X'cb396663393d4019b038428e55cc96de',3,294,1795597477324,X'6ad63134b3c14542ba9666b15368f74a','station-1','Zoë','lot 7','first try','production','issued',1795597477332,293,1,1,1,'what was seen','station-1','Zoë','first try');
INSERT INTO issues VALUES(8,X'966209c8f85f47a6858b423cc659cb8e',X'3a6851c82fa84f6fb246758722209162',X'ea649871e0c64d0e9c37e56d0f1463cd',X'd6441144e62742a3ac95d22dac91c40a',1,25,1795597477385,X'170fe42b7d154faa8d3ff99573f736d0','station-1','Zoë','lot 7','first try','production','open',NULL,NULL,NULL,NULL,0,'',NULL,NULL,NULL);
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
INSERT INTO card_readings VALUES(1,X'9bd19c084eb84e11939fde0bff2c28c2',X'cb396663393d4019b038428e55cc96de',1795597477083,'first',NULL,300,300,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(2,X'1231c9f041e34b569804afdad4060f4c',X'cb396663393d4019b038428e55cc96de',1795597477104,'before',X'ece66a7e354e4839b361f78bed456cf3',300,298,2,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(3,X'b4aa41c951374866a03b91f1b9c950e5',X'cb396663393d4019b038428e55cc96de',1795597477107,'after',X'ece66a7e354e4839b361f78bed456cf3',297,297,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(4,X'f4e5506024124fa7908a6a3350508ef9',X'cb396663393d4019b038428e55cc96de',1795597477212,'before',X'ad7c4165dc5d4eefa9034714805de873',297,297,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(5,X'03583532e1274387a25e0a5459471ec4',X'cb396663393d4019b038428e55cc96de',1795597477215,'after',X'ad7c4165dc5d4eefa9034714805de873',296,296,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(6,X'00facbcea66a4c96876aaa91d05da75b',X'cb396663393d4019b038428e55cc96de',1795597477227,'before',X'e11ddb5235b34d32bde2581e1f468e39',296,296,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(7,X'5226edfb6a4646a399185e6867ddf96b',X'cb396663393d4019b038428e55cc96de',1795597477230,'after',X'e11ddb5235b34d32bde2581e1f468e39',295,295,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(8,X'29c2888b6de643508cd0da45dfc1dc11',X'cb396663393d4019b038428e55cc96de',1795597477236,'before',X'514111961a4f4b67b54d51119a63e2f8',295,295,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(9,X'0c4f059aaee1449bb6a9117ed01fc464',X'cb396663393d4019b038428e55cc96de',1795597477240,'after',X'514111961a4f4b67b54d51119a63e2f8',294,294,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(10,X'86c24a1bedd84624a24618c91815264e',X'cb396663393d4019b038428e55cc96de',1795597477248,'before',X'29ce4160515c487dbc5d99becb3f54ab',294,294,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(11,X'a3f3013bc5944a2f93970d99e6f47902',X'cb396663393d4019b038428e55cc96de',1795597477264,'after',X'29ce4160515c487dbc5d99becb3f54ab',294,294,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(12,X'c51c7a1075bd4374aeef7dcdcf8ff50c',X'cb396663393d4019b038428e55cc96de',1795597477280,'before',X'b9268c08936e4eb3bbb6622b095a5146',294,294,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(13,X'761ea2dc72e54ad8a8b7425c995609bd',X'cb396663393d4019b038428e55cc96de',1795597477304,'after',X'b9268c08936e4eb3bbb6622b095a5146',294,294,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(14,X'a32548c4351d4af586137e402d61d401',X'cb396663393d4019b038428e55cc96de',1795597477324,'before',X'4c9936ccf19f4fafa1791e14633bbc23',294,294,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(15,X'a0e2548f35d8450c80dbf46f82e64c82',X'cb396663393d4019b038428e55cc96de',1795597477332,'after',X'4c9936ccf19f4fafa1791e14633bbc23',293,293,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(16,X'd9b83df00b5a4f9f817801e766d97594',X'd6441144e62742a3ac95d22dac91c40a',1795597477347,'first',NULL,25,25,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(17,X'6da74cf343ed4c309dee6946814f5511',X'c0fc4c40b306460bb8c9619e81a2c200',1795597477348,'first',NULL,25,25,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(18,X'e38db972a4ee4708bf9b1788d4ceaa93',X'c0fc4c40b306460bb8c9619e81a2c200',1795597477352,'seen',NULL,25,20,5,'OPERATIONAL_STATE','reader B','station-1','Zoë','lot 7','first try','production');
INSERT INTO card_readings VALUES(19,X'eeddcfc346c048e89e9ea68a4e0617bd',X'd6441144e62742a3ac95d22dac91c40a',1795597477385,'before',X'966209c8f85f47a6858b423cc659cb8e',25,25,0,'OPERATIONAL_STATE','reader A','station-1','Zoë','lot 7','first try','production');
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
INSERT INTO licenses VALUES(1,X'8c91a0cdd56d40dfbe5ef529f96b6023',X'3a6851c82fa84f6fb246758722209162',X'7dba1c82f7dd4d03822afcaed7d4321c',X'ece66a7e354e4839b361f78bed456cf3','active',X'b211650236d8932c1be0167122ca27c02446b148d2ea7a82bada9094cfbfcc14',1795597477107,NULL,'it was TZEN','station-1','Zoë','lot 7','first try','production',X'1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a090807060504030201003f3e3d3c3b3a393837363534333231302f2e2d2c2b2a292827262524232221205f5e5d5c5b5a595857565554535251504f4e4d4c4b4a494847464544434241407f7e7d7c7b7a797877767574737271706f6e6d6c6b6a696867666564636261609f9e9d9c9b9a9998');
INSERT INTO licenses VALUES(2,X'142fdb57139746ed947cad7d2eb710f5',X'62522dd4f46b4ec2b9dacc57a448ecab',X'7dba1c82f7dd4d03822afcaed7d4321c',X'ad7c4165dc5d4eefa9034714805de873','suspect',X'f3e15afe3e56dbd265cbcde87bdac7b989d7cb7ba5f8b213c586fac14fa33a53',1795597477215,NULL,'what was seen','station-1','Zoë','lot 7','first try','production',X'3e3f3c3d3a3b383936373435323330312e2f2c2d2a2b282926272425222320211e1f1c1d1a1b181916171415121310110e0f0c0d0a0b080906070405020300017e7f7c7d7a7b787976777475727370716e6f6c6d6a6b686966676465626360615e5f5c5d5a5b585956575455525350514e4f4c4d4a4b48494647444542434041bebfbcbdbabbb8b9');
INSERT INTO licenses VALUES(3,X'6a7192d56c344b7596556c3b0bf1c332',X'33422d2275854265b2d829005f473bbf',X'7dba1c82f7dd4d03822afcaed7d4321c',X'4c9936ccf19f4fafa1791e14633bbc23','active',X'c86eea2f660a4e42a74ce508ec313d1b35e4616ac8da640b65c15e9573c9cd27',1795597477344,NULL,'','station-1','Zoë','lot 7','first try','production',X'babbb8b9bebfbcbdb2b3b0b1b6b7b4b5aaaba8a9aeafacada2a3a0a1a6a7a4a59a9b98999e9f9c9d92939091969794958a8b88898e8f8c8d8283808186878485fafbf8f9fefffcfdf2f3f0f1f6f7f4f5eaebe8e9eeefecede2e3e0e1e6e7e4e5dadbd8d9dedfdcddd2d3d0d1d6d7d4d5cacbc8c9cecfcccdc2c3c0c1c6c7c4c53a3b38393e3f3c3d');
INSERT INTO licenses VALUES(4,X'a8d7103f9a94419c8ea6317ec2631bfb',X'4f3511830a424d448bc7a965d4ff3e5b',X'ea649871e0c64d0e9c37e56d0f1463cd',NULL,'retired',X'53be087fa5f2e7b8c8cf947da4da06390423189b78fa67a833e8d6aad151c411',1795597477428,1795597477452,'wrong key','station-1','Zoë','lot 7','first try','production',X'd9d8dbdadd');
INSERT INTO licenses VALUES(5,X'a75da35bba4c41ec812b6bf6543f05c2',X'4f3511830a424d448bc7a965d4ff3e5b',X'ea649871e0c64d0e9c37e56d0f1463cd',NULL,'active',X'8d9e60443af463f06b34ded84bcf707a663ddfe023f72768a6f33851291b7c4b',1795597477472,NULL,'','station-1','Zoë','lot 7','first try','production',X'd9d8dbdadddcdfded1d0d3d2d5d4d7d6c9c8cbcacdcccfcec1c0c3c2c5c4c7c6f9f8fbfafdfcfffef1f0f3f2f5f4f7f6e9e8ebeaedecefeee1e0e3e2e5e4e7e699989b9a9d9c9f9e919093929594979689888b8a8d8c8f8e8180838285848786b9b8bbbabdbcbfbeb1b0b3b2b5b4b7b6a9a8abaaadacafaea1a0a3a2a5a4a7a659585b5a5d5c5f5e');
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
INSERT INTO uses VALUES(1,X'1086829d337e43d4b731fb8c9a7e7fa1',X'8c91a0cdd56d40dfbe5ef529f96b6023',1795597477109,'store','station-1','Zoë','lot 7','first try','production');
INSERT INTO uses VALUES(2,X'1edb6aebe2ac4ad88d24f8e0741a2abc',X'8c91a0cdd56d40dfbe5ef529f96b6023',1795597477132,'card','station-1','Zoë','lot 7','first try','production');
INSERT INTO uses VALUES(3,X'9de8e5bebb7a43fb89e6f9f467a3647f',X'8c91a0cdd56d40dfbe5ef529f96b6023',1795597477160,'replay','station-1','Zoë','lot 7','first try','production');
INSERT INTO uses VALUES(4,X'903683610c26431eb0a69b0dcdf7264e',X'8c91a0cdd56d40dfbe5ef529f96b6023',1795597477176,'export','station-1','Zoë','lot 7','first try','production');
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
INSERT INTO installs VALUES(1,X'00000000000040008000000000000001',X'3a6851c82fa84f6fb246758722209162',X'7dba1c82f7dd4d03822afcaed7d4321c',X'8c91a0cdd56d40dfbe5ef529f96b6023',1795611235336,1200,'stm32prog','a.sfi',X'0000000000000000000000000000000000000000000000000000000000000000','failed',1,'RSS error','station-1','ann','','','test');
INSERT INTO installs VALUES(2,X'00000000000040008000000000000002',X'3a6851c82fa84f6fb246758722209162',NULL,NULL,1795611236537,0,'segger','',NULL,'unknown',-1,'','station-1','ann','','','test');
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
INSERT INTO slots VALUES(1,X'9600192d1df74c38a4134683a6f5abac','station-1','Virtual PCD 00 01',1);
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
INSERT INTO acts VALUES(1,1795597477083,'card.labelled',X'cb396663393d4019b038428e55cc96de','card 1','station-1','Zoë','lot 7','first try','production');
INSERT INTO acts VALUES(2,1795597477344,'issue.rescued',X'4c9936ccf19f4fafa1791e14633bbc23','lost','station-1','Zoë','lot 7','first try','production');
INSERT INTO acts VALUES(3,1795597477347,'card.labelled',X'd6441144e62742a3ac95d22dac91c40a','weak','station-1','Zoë','lot 7','first try','production');
INSERT INTO acts VALUES(4,1795597477363,'card.retired',X'c0fc4c40b306460bb8c9619e81a2c200','','station-1','Zoë','lot 7','first try','production');
INSERT INTO acts VALUES(5,1795597477367,'card.labelled',X'd6441144e62742a3ac95d22dac91c40a','the weak one','station-1','Zoë','lot 7','first try','production');
INSERT INTO acts VALUES(6,1795597477399,'chip.joined',X'4f3511830a424d448bc7a965d4ff3e5b','2096ba88-e75c-4093-94e5-c4d1b452e675','station-1','Zoë','lot 7','first try','production');
INSERT INTO acts VALUES(7,1795597477399,'chip.completed',X'4f3511830a424d448bc7a965d4ff3e5b','','station-1','Zoë','lot 7','first try','production');
INSERT INTO acts VALUES(8,1795597477400,'chip.labelled',X'4f3511830a424d448bc7a965d4ff3e5b','a board','station-1','Zoë','lot 7','first try','production');
INSERT INTO acts VALUES(9,1795597477452,'license.retired',X'a8d7103f9a94419c8ea6317ec2631bfb','wrong key','station-1','Zoë','lot 7','first try','production');
INSERT INTO acts VALUES(10,1795611236356,'license.doubted',X'8c91a0cdd56d40dfbe5ef529f96b6023','RSS error','s1','ann','','','production');
INSERT INTO acts VALUES(11,1795611236365,'license.trusted',X'8c91a0cdd56d40dfbe5ef529f96b6023','it was TZEN','s1','ann','','','production');
INSERT INTO acts VALUES(12,1795611236533,'slot.mapped',X'd16e9ca129e546979c65824887ed348b','slot 1: Virtual PCD 00 00, at station-1','station-1','ann','','','test');
INSERT INTO acts VALUES(13,1795611236535,'slot.mapped',X'9600192d1df74c38a4134683a6f5abac','slot 1: Virtual PCD 00 01, at station-1','station-1','ann','','','test');
CREATE TRIGGER meta_fixed BEFORE UPDATE ON meta
WHEN NEW.one IS NOT OLD.one OR NEW.id IS NOT OLD.id
	OR NEW.origin IS NOT OLD.origin OR NEW.created_at IS NOT OLD.created_at
	OR NEW.last_time < OLD.last_time
BEGIN SELECT RAISE(ABORT, 'the identity of a store does not change'); END;
CREATE TRIGGER meta_kept BEFORE DELETE ON meta
BEGIN SELECT RAISE(ABORT, 'the identity of a store is kept'); END;
CREATE TRIGGER certificates_fixed BEFORE UPDATE ON certificates
BEGIN SELECT RAISE(ABORT, 'a certificate does not change'); END;
CREATE TRIGGER certificates_kept BEFORE DELETE ON certificates
BEGIN SELECT RAISE(ABORT, 'certificates are kept'); END;
CREATE TRIGGER chips_fixed BEFORE UPDATE ON chips
WHEN NEW.n IS NOT OLD.n OR NEW.id IS NOT OLD.id
	OR NEW.first_seen IS NOT OLD.first_seen
	OR OLD.uid IS NOT NULL AND NEW.uid IS NOT OLD.uid
	OR OLD.cert_sha256 IS NOT NULL AND NEW.cert_sha256 IS NOT OLD.cert_sha256
BEGIN SELECT RAISE(ABORT, 'the identity of a chip does not change'); END;
CREATE TRIGGER firmwares_fixed BEFORE UPDATE ON firmwares
BEGIN SELECT RAISE(ABORT, 'a firmware does not change'); END;
CREATE TRIGGER firmwares_kept BEFORE DELETE ON firmwares
BEGIN SELECT RAISE(ABORT, 'firmwares are kept'); END;
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
CREATE UNIQUE INDEX issues_open_card ON issues (card) WHERE state = 'open';
CREATE UNIQUE INDEX issues_open_chip ON issues (chip, firmware)
	WHERE state = 'open';
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
CREATE INDEX card_readings_card ON card_readings (card);
CREATE UNIQUE INDEX card_readings_first ON card_readings (card)
	WHERE kind = 'first';
CREATE INDEX card_readings_outside ON card_readings (at, units_outside)
	WHERE units_outside > 0;
CREATE TRIGGER card_readings_fixed BEFORE UPDATE ON card_readings
BEGIN SELECT RAISE(ABORT, 'a reading does not change'); END;
CREATE TRIGGER card_readings_kept BEFORE DELETE ON card_readings
BEGIN SELECT RAISE(ABORT, 'readings are kept'); END;
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
CREATE TRIGGER licenses_kept BEFORE DELETE ON licenses
BEGIN SELECT RAISE(ABORT, 'licenses are kept'); END;
CREATE INDEX uses_license ON uses (license);
CREATE INDEX uses_store ON uses (at) WHERE how = 'store';
CREATE TRIGGER uses_fixed BEFORE UPDATE ON uses
BEGIN SELECT RAISE(ABORT, 'a use does not change'); END;
CREATE TRIGGER uses_kept BEFORE DELETE ON uses
BEGIN SELECT RAISE(ABORT, 'uses are kept'); END;
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
CREATE TRIGGER slots_fixed BEFORE UPDATE ON slots
BEGIN SELECT RAISE(ABORT, 'a slot is mapped anew'); END;
CREATE TRIGGER licenses_fixed BEFORE UPDATE ON licenses
WHEN NEW.n IS NOT OLD.n OR NEW.id IS NOT OLD.id OR NEW.chip IS NOT OLD.chip
	OR NEW.firmware IS NOT OLD.firmware OR NEW.issue IS NOT OLD.issue
	OR NEW.sha256 IS NOT OLD.sha256 OR NEW.added_at IS NOT OLD.added_at
	OR NEW.station IS NOT OLD.station OR NEW.operator IS NOT OLD.operator
	OR NEW.lot IS NOT OLD.lot OR NEW.note IS NOT OLD.note
	OR NEW.use_class IS NOT OLD.use_class OR NEW.bytes IS NOT OLD.bytes
	OR OLD.state = 'retired' OR NEW.state = OLD.state
BEGIN SELECT RAISE(ABORT, 'only the state of a license changes, until it is retired'); END;
CREATE TRIGGER acts_fixed BEFORE UPDATE ON acts
BEGIN SELECT RAISE(ABORT, 'an act does not change'); END;
CREATE TRIGGER acts_kept BEFORE DELETE ON acts
BEGIN SELECT RAISE(ABORT, 'acts are kept'); END;
COMMIT;
