# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# The store itself, and what is told about everything: store, status, doctor,
# help, completion.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nothing
	unset HSMLIC_CARD HSMLIC_TARGET COLUMNS
}

teardown() {
	hl_teardown
}

card_and_chips() { # CAPACITY CHIP...
	local name
	hsmlic-sim card new card --firmware blinky --capacity "$1" >/dev/null
	shift
	for name in "$@"; do
		hsmlic-sim chip new "$name" >/dev/null
	done
}

get() { # CHIP [OPTIONS]
	hsmlic get --yes --card sim:card --target "sim:$1" "${@:2}"
}

left() {
	hsmlic-sim card show card --json | jq .counter
}

# json COMMAND...: its object, of one line, in $output; $stderr apart.
json() {
	run "$1" --separate-stderr hsmlic "${@:2}" --json
	[ "${#lines[@]}" = 1 ]
}

# A byte in the middle of the only license changes on the disk.
rot() { # STORE LICENSE
	python3 - "$1" "$2" <<-'EOT'
		import sys
		store, license = (open(f, "r+b") for f in sys.argv[1:])
		at = store.read().index(license.read()[30:])
		store.seek(at)
		store.write(b"\125\252\125")
	EOT
}

# ---- store init ------------------------------------------------------------

@test "store init makes a store once, for its owner only" {
	run -0 hsmlic store init
	[[ $output == *"sqlite:$HL_DIR/s.db"* ]]
	[ "$(stat -c %a s.db)" = 600 ]
	before=$(sha256sum <s.db)
	json -2 store init
	[ "$(jq -r .error.code <<<"$output")" = exists ]
	[ "$(sha256sum <s.db)" = "$before" ]
	HSMLIC_STORE=$HL_DIR/deep/er/s.db json -0 store init
	[ "$(jq -r .schema <<<"$output")" = hsmlic/store-init/1 ]
	[ "$(jq -r .store.url <<<"$output")" = "sqlite:$HL_DIR/deep/er/s.db" ]
	[ "$(jq -r .store.id <<<"$output" | wc -c)" = 37 ]
	[ "$(jq -r .store.origin <<<"$output")" != null ]
}

@test "store init --dry-run makes nothing" {
	run -0 hsmlic store init --dry-run
	[ ! -e s.db ]
	hsmlic store init
	run -2 hsmlic store init --dry-run
}

# ---- store check -----------------------------------------------------------

@test "store check finds a license that rotted on the disk" {
	card_and_chips 3 chip
	get chip -o license
	run -0 hsmlic store check
	json -0 store check
	[ "$(jq -c '[.ok, .findings]' <<<"$output")" = '[true,[]]' ]
	rot s.db license
	run -1 --separate-stderr hsmlic store check
	[ -n "$output" ]
	json -1 store check
	[ "$(jq .ok <<<"$output")" = false ]
	[ "$(jq '.findings | length' <<<"$output")" -ge 1 ]
	[ "$(jq .error <<<"$output")" = null ]
	run -9 hsmlic get --target sim:chip --cached
	[ "$(left)" = 2 ]
}

# ---- store backup, store restore -------------------------------------------

@test "a backup is a store; it never replaces a file" {
	card_and_chips 3 chip
	get chip -o first
	json -0 store backup copy.db
	[ "$(jq -r .path <<<"$output")" = copy.db ]
	[ "$(stat -c %a copy.db)" = 600 ]
	run -2 hsmlic store backup copy.db
	run -0 hsmlic store backup other.db --dry-run
	[ ! -e other.db ]
	HSMLIC_STORE=copy.db run -0 hsmlic get --target sim:chip --cached \
		-o second
	cmp first second
	[ "$(left)" = 2 ]
}

@test "a backup is not made beside a journal that would change it" {
	card_and_chips 3 chip
	get chip
	for suffix in -journal -wal; do
		head -c 600 /dev/urandom >"copy.db$suffix"
		json -2 store backup copy.db
		[[ $output == *"played back"* ]]
		[ ! -e copy.db ]
		: >"copy.db$suffix" # one that is empty says nothing
	done
	run -0 hsmlic store backup copy.db
}

@test "restore puts a copy where nothing is" {
	card_and_chips 3 chip
	get chip -o first
	hsmlic store backup copy.db
	rm -r s.db s.db.d
	json -0 store restore copy.db --yes
	[ "$(jq .put_aside <<<"$output")" = null ]
	[ "$(jq .licenses <<<"$output")" = 1 ]
	[ "$(stat -c %a s.db)" = 600 ]
	run -0 hsmlic get --target sim:chip --cached -o second
	cmp first second
	[ -e copy.db ]
}

@test "a store of an older schema is brought up to date, and told so once" {
	sqlite3 s.db <"$HSMLIC_SOURCE/tests/store/schema1.sql"
	run -0 --separate-stderr hsmlic chip list
	[ "${#lines[@]}" = 9 ]
	[[ $stderr == *"brought from schema 1 to "*"an older hsmlic cannot"* ]]
	run -0 --separate-stderr hsmlic store check
	[ "$stderr" = "" ]
	run -0 --separate-stderr hsmlic license list --all --json
	[ "$(jq '.licenses | length' <<<"$output")" = 5 ]
}

@test "a backup of an older schema is restored, and stays as it is" {
	sqlite3 copy.db <"$HSMLIC_SOURCE/tests/store/schema1.sql"
	before=$(sha256sum copy.db)
	json -0 store restore copy.db --yes
	[ "$(jq .licenses <<<"$output")" = 3 ]
	[ "$(sha256sum copy.db)" = "$before" ]
	[ "$(sqlite3 -readonly copy.db "PRAGMA user_version")" = 1 ]
	run -0 --separate-stderr hsmlic store check
	[ "$stderr" = "" ]
}

@test "restore refuses to replace a store unasked, and keeps what was there" {
	card_and_chips 3 one two
	get one
	hsmlic store backup copy.db
	get two -o second
	before=$(sha256sum <s.db)
	json -2 store restore copy.db --yes
	[ "$(jq -r .error.code <<<"$output")" = exists ]
	run -4 hsmlic store restore copy.db --force
	run -0 hsmlic store restore copy.db --force --dry-run
	run -2 hsmlic store restore s.db --force --yes
	[ "$(sha256sum <s.db)" = "$before" ]

	json -0 store restore copy.db --force --yes
	[[ $stderr == *"will be missing"* ]]
	aside=$(jq -r .put_aside <<<"$output")
	[[ $aside == "$HL_DIR"/s.db.before-restore-2* ]]
	run -4 hsmlic get --target sim:two --cached
	HSMLIC_STORE=$aside run -0 hsmlic get --target sim:two --cached -o again
	cmp second again
	run -0 hsmlic get --target sim:one --cached
	[ "$(left)" = 1 ]
	# The unit that the copy does not know of is noticed, not hidden.
	run -0 --separate-stderr hsmlic status
	[[ $output == *"1 unit left this card outside"* ]]
}

@test "restore takes no copy that is damaged, and none that is no store" {
	card_and_chips 3 chip
	get chip -o license
	hsmlic store backup copy.db
	rot copy.db license
	echo hello >text
	before=$(sha256sum <s.db)
	run -9 hsmlic store restore copy.db --force --yes
	run -5 hsmlic store restore text --force --yes
	run ! hsmlic store restore absent --force --yes
	[ "$(sha256sum <s.db)" = "$before" ]
	[ "$(find . -name '*before-restore*' -o -name '*restored-*')" = "" ]
}

# Past the triggers, which are put back as they were.
tamper() { # STORE SQL
	sqlite3 "$1" "SELECT sql || ';' FROM sqlite_schema
		WHERE type = 'trigger'" >triggers
	sqlite3 "$1" "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_schema
		WHERE type = 'trigger'" | sqlite3 "$1"
	sqlite3 "$1" "$2"
	sqlite3 "$1" <triggers
}

@test "restore calls no copy sound whose ledger was altered" {
	card_and_chips 3 chip
	get chip
	hsmlic store backup copy.db
	cp copy.db good.db
	tamper copy.db "UPDATE events SET bytes = CAST(replace(CAST(bytes
		AS TEXT), ':', ';') AS BLOB) WHERE seq = 1"
	before=$(sha256sum <s.db)
	json -9 store restore copy.db --force --yes
	[[ $output == *"event 1: "* ]]
	[[ $output == *"--damaged"* ]]
	[ "$(sha256sum <s.db)" = "$before" ]
	run -9 hsmlic store restore copy.db --force --dry-run
	# where there is no better one
	json -0 store restore copy.db --force --yes --damaged
	[[ $stderr == *"the copy is damaged"*"event 1: "* ]]
	[ "$(jq '.findings_all > 0' <<<"$output")" = true ]
	run -1 hsmlic audit verify
	[[ $output == *"event 1: "* ]]
	[ "$(sqlite3 s.db "SELECT CAST(bytes AS TEXT) FROM events
		ORDER BY seq DESC LIMIT 1" | jq -c '[.kind, .body.damaged]')" = \
		'["store.restored",1]' ]
	# of a sound one that is not said
	json -0 store restore good.db --force --yes --damaged
	[ "$(jq '.findings_all' <<<"$output")" = 0 ]
	[[ $stderr == *" events, "*" were checked: 0 findings"* ]]
	run -0 hsmlic audit verify
	[ "$(hsmlic audit log --last 1 --jsonl |
		jq -c '[.kind, .body.damaged]')" = '["store.restored",null]' ]
}

@test "restore replaces a store that is damaged, and the journal beside it" {
	card_and_chips 3 chip
	get chip -o first
	hsmlic store backup copy.db
	head -c 9000 /dev/urandom >s.db
	head -c 3000 /dev/urandom >s.db-journal
	json -0 store restore copy.db --force --yes
	[[ $stderr == *"cannot be read"* ]]
	[ "$(stat -c %s "$(jq -r .put_aside <<<"$output")")" = 9000 ]
	[ "$(stat -c %s s.db.before-restore-*-journal)" = 3000 ]
	run -0 hsmlic get --target sim:chip --cached -o second
	cmp first second
	# A journal without its store would be played into the copy.
	rm s.db
	head -c 3000 /dev/urandom >s.db-journal
	json -0 store restore copy.db --yes
	run -0 hsmlic store check
}

@test "restore refuses while others have the store open" {
	card_and_chips 3 one two
	get one
	hsmlic store backup copy.db
	hl_spawn "$HL_DIR/hold.log" bash -c \
		'exec 9<>card.lock && flock 9 && exec sleep 60'
	holder=$HL_PID
	for ((i = 0; i < 200; i++)); do
		flock -n card.lock true || break
		sleep 0.05
	done
	hl_spawn "$HL_DIR/get.log" hsmlic get --yes --card sim:card \
		--target sim:two -o second
	for ((i = 0; i < 200; i++)); do
		[ -n "$(ls s.db.d/open)" ] && break
		sleep 0.05
	done
	json -7 store restore copy.db --force --yes
	[ "$(jq -r .error.code <<<"$output")" = busy ]
	[ ! -e second ]
	hl_stop "$holder" KILL
	for ((i = 0; i < 400; i++)); do
		[ -e second ] && break
		sleep 0.05
	done
	run -0 hsmlic get --target sim:two --cached
}

# A store that is put aside in the middle of a get would take along the request
# whose unit the card counts.
@test "restore refuses while a commit is under way" {
	card_and_chips 3 one
	get one
	hsmlic store backup copy.db
	before=$(sha256sum <s.db)
	hl_spawn "$HL_DIR/hold.log" python3 -c '
import sqlite3, time
d = sqlite3.connect("s.db", isolation_level=None)
d.execute("BEGIN IMMEDIATE")
open("held", "w").close()
time.sleep(60)'
	holder=$HL_PID
	for ((i = 0; i < 400; i++)); do
		[ -e held ] && break
		sleep 0.05
	done
	json -7 store restore copy.db --force --yes
	[ "$(jq -r .error.code <<<"$output")" = busy ]
	[ "$(sha256sum <s.db)" = "$before" ]
	[ "$(find . -name '*before-restore*' -o -name '*restored-*')" = "" ]
	hl_stop "$holder" KILL
	json -0 store restore copy.db --force --yes
}

# What a get leaves that is killed between its license and its end.
spool() { # ISSUE CHIP LICENSE
	python3 - "$@" >"s.db.d/spool/$1.license" <<-'EOT'
		import base64, hashlib, sys, uuid
		cert = open(sys.argv[2] + "/certificate.bin", "rb").read()
		license = open(sys.argv[3], "rb").read()
		raw = (b"HLR1" + uuid.UUID(sys.argv[1]).bytes +
		       hashlib.sha256(cert).digest() + (1).to_bytes(4, "big") +
		       len(license).to_bytes(2, "big") + license)
		raw += hashlib.sha256(raw).digest()
		print("HSMLIC-RESCUE " + base64.b64encode(raw).decode())
	EOT
}

@test "a license that waits in the spool outlives a restore, and none is spent for it" {
	card_and_chips 3 one two
	get one
	hsmlic store backup copy.db
	json -0 get --yes --card sim:card --target sim:two -o second
	spool "$(jq -r .issue_id <<<"$output")" two second
	json -0 store restore copy.db --force --yes
	aside=$(jq -r .put_aside <<<"$output")

	run -6 hsmlic recover
	[[ $output == *"is of a request that this store does not know"* ]]
	[[ $output == *"--import-rescue"*"move away"* ]]
	json -6 recover
	json -6 get --yes --card sim:card --target sim:two
	[[ $output == *"s.db.d/spool/"* ]]
	[ "$(jq .error.units_spent <<<"$output")" = 0 ]
	[ "$(left)" = 1 ]
	[ -n "$(ls s.db.d/spool)" ]
	run -0 get one # of another chip nothing waits

	# As the hint says.
	HSMLIC_STORE=$aside run -0 hsmlic recover \
		--import-rescue s.db.d/spool/*.license
	HSMLIC_STORE=$aside run -0 hsmlic get --target sim:two --cached -o again
	cmp second again
	run -0 hsmlic license import again --target sim:two --firmware blinky
	run -0 hsmlic recover
	[ -z "$(ls s.db.d/spool)" ]
	run -0 get two -o third
	cmp second third
	[ "$(left)" = 1 ]
}

@test "a rescue line is found in a log, too" {
	card_and_chips 3 one
	json -0 get --yes --card sim:card --target sim:one -o first
	spool "$(jq -r .issue_id <<<"$output")" one first
	line=$(cat s.db.d/spool/*.license)
	printf '%s\n' "Nov 25 01:00:00 host hsmlic[7]: $line" "  $line " \
		"hint: keep the line HSMLIC-RESCUE above" >log
	run -0 hsmlic recover --import-rescue log
	[[ $output == "2 licenses taken back"* ]]
	echo "01:00 ${line%????}" >log
	run -2 hsmlic recover --import-rescue log
	[[ $output == *"line 1 is damaged"* ]]
}

# ---- status ----------------------------------------------------------------

@test "status shows cards, figures and how long they last" {
	card_and_chips 5 one two
	get one
	get two
	get one
	hsmlic card label "$(hsmlic-sim card show card --json | jq -r .serial)" L1
	run -0 --separate-stderr hsmlic status
	[[ $output == *'"L1"'* ]]
	[[ $output == *"3 of 5 left"* ]]
	[[ $output == *"sim:card"* || $output == *"sim:$HL_DIR/card"* ]]
	[[ $output == *"about 10 days"* ]]
	[ "$(grep -E '^ *spent' <<<"$output" | tr -s ' ' | cut -d' ' -f3,4)" = "2 2" ]
	[ "$(grep -E '^ *reused' <<<"$output" | tr -s ' ' | cut -d' ' -f3,4)" = "1 1" ]

	json -0 status
	[ "$(jq -r .schema <<<"$output")" = hsmlic/status/1 ]
	[ "$(jq -c '[.today.spent, .week.spent, .week.reused, .week.lost]' \
		<<<"$output")" = '[2,2,1,0]' ]
	[ "$(jq -c '.cards[0] | [.label, .counter, .capacity, .present,
		.expected_counter, .firmware]' <<<"$output")" = \
		'["L1",3,5,true,3,"blinky"]' ]
	[ "$(jq -c '[.open, .warnings]' <<<"$output")" = '[[],[]]' ]
	[ "$(jq -c '.firmwares[0].days_left' <<<"$output")" = 10 ]
	# Without PC/SC it says so, and is no failure.
	[ "$(jq -r .readers_error.code <<<"$output")" = no-device ]
}

@test "status fits a narrow terminal, and breaks no line in a pipe" {
	card_and_chips 5 one
	cd / && (cd "$HL_DIR" && get one)
	cd "$HL_DIR"
	COLUMNS=40 hsmlic status >narrow
	hsmlic status >wide
	# What cannot be broken may stick out: paths.
	run ! grep -vE '/|SCARD' <(grep -E '.{41}' narrow)
	[ "$(wc -l <narrow)" -gt "$(wc -l <wide)" ]
	grep -q 'PC/SC.*SCARD_E_NO_SERVICE' wide
	COLUMNS=3 run -0 hsmlic status
	COLUMNS=nonsense run -0 hsmlic status
}

@test "status warns of units spent elsewhere, of an old card, of an empty one" {
	card_and_chips 2 one two
	cp card early
	get one
	cp card copy
	HSMLIC_STORE=$HL_DIR/elsewhere.db get two
	json -0 status
	[[ $(jq -r '.warnings[]' <<<"$output") == *"outside of this store"* ]]
	[[ $(jq -r '.warnings[]' <<<"$output") == *"no license left"* ]]
	[ "$(jq .week.outside <<<"$output")" = 1 ]
	[ "$(jq '.cards[0].counter' <<<"$output")" = 0 ]
	# also when it was another command that read the card first
	json -0 status
	[[ $(jq -r '.warnings[]' <<<"$output") == *"1 unit left"*"outside"* ]]
	mv early card
	json -0 status
	[[ $(jq -r '.warnings[]' <<<"$output") == *"above"* ]]
	rm card
	json -0 status
	[ "$(jq -c '.cards[0] | [.present, .counter]' <<<"$output")" = \
		'[false,null]' ]
}

@test "status of a card that nobody knows fails as card show does" {
	unset PCSCLITE_CSOCK_NAME
	card_and_chips 3 one
	get one
	start_pcscd unix
	run -3 --separate-stderr hsmlic card show NOPE
	local told=$stderr
	run -3 --separate-stderr hsmlic status --card NOPE
	[ "$stderr" = "$told" ]
	[ -z "$output" ]
	[[ $stderr == *'"NOPE"'* ]]
	run -3 --separate-stderr hsmlic status --card NOPE --json
	[ "$(jq -r .error.code <<<"$output")" = no-device ]
	run -0 hsmlic status
}

@test "status --dry-run records nothing" {
	card_and_chips 3 one two
	get one
	HSMLIC_STORE=$HL_DIR/elsewhere.db get two
	json -0 status --dry-run
	[ "$(jq .week.outside <<<"$output")" = 0 ]
	json -0 status
	[ "$(jq .week.outside <<<"$output")" = 1 ]
}

@test "a request in doubt is on the screen, in the doctor's list, and settled" {
	unset PCSCLITE_CSOCK_NAME
	card_and_chips 3 chip
	start_pcscd unix
	start_card 0 hsmlic-sim card serve card --fault drop-after \
		--fault-stay-away
	run -6 hsmlic get --yes --target sim:chip --timeout 2
	run -0 --separate-stderr hsmlic status
	[[ $output == *"in doubt; run hsmlic recover"* ]]
	json -0 status
	[ "$(jq '.open | length' <<<"$output")" = 1 ]
	[ "$(jq '.open[0].in_progress' <<<"$output")" = false ]
	[ "$(jq -r '.open[0].uid_words' <<<"$output")" != null ]
	[[ $(jq -r '.warnings[]' <<<"$output") == *"hsmlic recover"* ]]
	json -1 doctor
	[ "$(jq -r '.checks[] | select(.name == "open requests") |
		.result + " " + .remedy' <<<"$output")" = "FAILED hsmlic recover" ]

	wait_reader 0 empty
	hl_stop "${CARD_PID[0]}"
	start_card 0 hsmlic-sim card serve card
	run -0 hsmlic recover
	json -0 status
	[ "$(jq -c '[.open, .warnings]' <<<"$output")" = '[[],[]]' ]
	json -0 doctor
	[ "$(jq .ok <<<"$output")" = true ]
	[ "$(jq -r '.checks[] | select(.name == "reader") | .detail' \
		<<<"$output")" = "${READER[0]}" ]
}

@test "recover --dry-run tells what is open, and settles nothing" {
	unset PCSCLITE_CSOCK_NAME
	card_and_chips 3 chip
	start_pcscd unix
	start_card 0 hsmlic-sim card serve card --fault drop-after \
		--fault-stay-away
	run -6 hsmlic get --yes --target sim:chip --timeout 2
	local id
	id=$(sqlite3 "$HSMLIC_STORE" "SELECT lower(hex(id)) FROM issues")
	id=${id:0:8}-${id:8:4}-${id:12:4}-${id:16:4}-${id:20}
	wait_reader 0 empty
	hl_stop "${CARD_PID[0]}"
	start_card 0 hsmlic-sim card serve card

	json -0 recover --dry-run
	[ "$(jq -c '[.dry_run, .issues[0].issue_id, .issues[0].verdict]' \
		<<<"$output")" = "[true,\"$id\",\"open\"]" ]
	run -0 hsmlic recover --dry-run
	[[ $output == *"$id"*"would be settled"* ]]
	# For ever, and so not by chance.
	json -0 recover --dry-run --yes --write-off "$id" --reason gone
	[ "$(jq -c '[.dry_run, .verdict]' <<<"$output")" = '[true,"open"]' ]
	run -0 hsmlic recover --dry-run --write-off "$id" --reason gone
	[[ $output == *"would write off the request for chip"* ]]
	[ "$(sqlite3 "$HSMLIC_STORE" "SELECT state FROM issues")" = open ]

	json -0 recover
	[ "$(jq -c '[.dry_run, .issues[0].verdict]' <<<"$output")" = \
		'[false,"issued"]' ]
	[ "$(jq -r '.issues[0].uid_words' <<<"$output")" = \
		"$(hsmlic chip list --json | jq -r '.chips[0].uid_words')" ]
	json -2 recover --dry-run --write-off "$id" --reason gone
	[ "$(jq -r .error.code <<<"$output")" = conflict ]
}

# ---- the page for auditors -------------------------------------------------

# query WORDS: runs the query of docs/for-auditors.md that has them in it.
query() {
	sed -n 's/^    //p' "$HSMLIC_SOURCE/docs/for-auditors.md" |
		awk -v words="$1" '/^(SELECT|WITH) / && q == "" { q = " " }
			q != "" { q = q $0 "\n" }
			/;$/ { if (index(q, words)) print q; q = "" }' |
		sqlite3 -readonly -separator '|' s.db
}

@test "the page for auditors finds who decided what" {
	local id
	card_and_chips 5 one two
	hsmlic-sim card new twin --firmware blinky --capacity 3 >/dev/null
	get one
	get one
	hsmlic card add sim:twin --firmware blinky --label first \
		--operator ann --station desk >/dev/null
	hsmlic license retire "$(cat one/uid.hex)" --yes --reason "by mistake" \
		--operator bob >/dev/null
	HSMLIC_STORE=$HL_DIR/elsewhere.db get two -o l2
	hsmlic license import l2 --target sim:two --firmware blinky \
		--note "from the old laptop" --operator eve --station cellar
	run -0 query "l.issue IS NULL"
	[[ $output == *"$(cat two/uid.hex)|blinky|active||cellar|eve|from the old laptop" ]]
	run -0 query "WITH decisions"
	[[ $output == *"|card.added|"*"||blinky|"* ]]
	[[ $output == *"|card.added|"*"|first|blinky|desk|ann"* ]]
	[[ $output == *"|license.retired|$(cat one/uid.hex)|by mistake||"*"|bob"* ]]
	hsmlic card label first second --operator joe >/dev/null
	run -0 query "WITH decisions"
	[[ $output == *"|card.added|"*"|first|blinky|desk|ann"* ]]
	[[ $output == *"|card.labelled|"*"|second|"*"|joe"* ]]
	hsmlic license doubt "$(cat two/uid.hex)" --reason "RSS error" \
		>/dev/null
	hsmlic license trust "$(cat two/uid.hex)" --reason "it was TZEN" \
		--yes >/dev/null
	run -0 query "WITH decisions"
	[[ $output == *"|license.suspect|$(cat two/uid.hex)|RSS error|"* ]]
	[[ $output == *"|license.trusted|$(cat two/uid.hex)|it was TZEN|"* ]]
	sqlite3 s.db "INSERT INTO installs SELECT NULL, zeroblob(16), chip,
		firmware, id, added_at, 5, 'stm32prog', 'a.sfi', NULL, 'done',
		0, '', station, operator, lot, note, use_class FROM licenses
		LIMIT 1"
	run -0 query "installs AS s"
	[[ $output == *"|$(cat one/uid.hex)|stm32prog|a.sfi||done||"* ]]
	# The others run, too.
	for id in "AS by_us" "i.recovered" "AS before_us" "hand_outs" \
		"u.how"; do
		run -0 query "$id"
		[ -n "$output" ]
	done
}

# ---- doctor ----------------------------------------------------------------

# result NAME: of that check in $output
result() {
	jq -r --arg name "$1" '.checks[] | select(.name == $name) | .result' \
		<<<"$output"
}

@test "doctor: a software card needs no PC/SC and no store yet" {
	card_and_chips 3 chip
	run -0 hsmlic doctor --card sim:card
	[[ $output == *"ok "*"counter: 3 of 3 left"* ]]
	[[ $output != *FAILED* ]]
	[ ! -e s.db ]
	get chip
	json -0 doctor --card sim:card
	[ "$(jq -r .schema <<<"$output")" = hsmlic/doctor/1 ]
	[ "$(jq .ok <<<"$output")" = true ]
	[ "$(result "expected counter")" = ok ]
	[ "$(result "PC/SC service")" = skipped ]
	# Nothing that only looks may count.
	[ "$(left)" = 2 ]
}

@test "doctor: each thing that is wrong, with its remedy" {
	card_and_chips 3 one two
	hsmlic-sim card new twin --firmware blinky --capacity 3 >/dev/null
	hsmlic-sim card new blank --blank >/dev/null
	hsmlic-sim card new used --firmware used --capacity 1 >/dev/null
	hsmlic get --yes --card sim:used --target sim:one
	get one
	json -1 doctor
	[ "$(result "PC/SC service")" = FAILED ]
	json -1 doctor --card sim:blank
	[ "$(result "card state")" = FAILED ]
	json -1 doctor --card sim:used
	[ "$(result counter)" = FAILED ]
	json -1 doctor --card sim:twin
	[ "$(result "card known")" = FAILED ]
	[[ $(jq -r '.checks[] | select(.name == "card known") | .remedy' \
		<<<"$output") == *"hsmlic card add"*"--firmware blinky "* ]]
	json -1 doctor --card sim:absent
	[ "$(result card)" = FAILED ]
	HSMLIC_STORE=$HL_DIR/elsewhere.db get two
	json -1 doctor --card sim:card
	[ "$(result "expected counter")" = FAILED ]
	chmod 644 s.db
	run -1 hsmlic doctor --card sim:card
	[[ $output == *"FAILED"*"store mode"*"remedy: chmod 600"* ]]
	echo "not a store" >s.db
	json -1 doctor --card sim:card
	[ "$(result store)" = FAILED ]
	[ "$(jq '[.checks[] | select(.result == "FAILED" and .remedy == null)] |
		length' <<<"$output")" = 0 ]
}

@test "doctor: where no store can be made, none is promised" {
	card_and_chips 3 one
	: >file
	export HSMLIC_STORE=$HL_DIR/file/s.db
	json -1 doctor --card sim:card
	[ "$(result "store location")" = FAILED ]
	[ "$(result store)" != ok ]
	if [ "$(id -u)" -eq 0 ]; then
		# Root may write everywhere: as somebody else, in root's folder.
		cp "$HSMLIC_BIN/hsmlic" here
		mkdir closed
		chmod 755 "$HL_DIR" closed here
		run -1 setpriv --reuid 65534 --regid 65534 --clear-groups \
			./here doctor --store closed/s.db --json
		[ "$(result "store location")" = FAILED ]
		[ "$(result store)" = skipped ]
	fi
}

@test "doctor: readers and cards of a real PC/SC" {
	unset PCSCLITE_CSOCK_NAME
	card_and_chips 3 chip
	start_pcscd unix
	json -1 doctor
	[ "$(result "PC/SC service")" = ok ]
	[ "$(result reader)" = ok ]
	[ "$(result card)" = FAILED ]
	start_card 0 hsmlic-sim card serve card
	json -0 doctor
	[ "$(result card)" = ok ]
	[ "$(result counter)" = ok ]
	json -0 doctor --card "reader:Test 0"
	json -1 doctor --card reader:elsewhere
	json -1 doctor --card "a label that nobody knows"
}

# ---- help and completion ---------------------------------------------------

@test "help names every command, and each command its options" {
	run -0 hsmlic help
	whole=$output
	json -0 help
	all=$output
	[ "$(jq '.commands | length' <<<"$all")" -ge 25 ]
	while read -r name; do
		[[ $whole == *"  $name"* ]]
		# shellcheck disable=SC2086
		run -0 hsmlic $name --help
		[[ ${lines[0]} == "Usage: hsmlic $name"* ]]
		while read -r option; do
			[[ $output == *"--$option"* ]]
		done < <(jq -r --arg name "$name" '.commands[] | select(
			([.group, .name] | map(select(. != null)) | join(" "))
			== $name) | .options[].name' <<<"$all")
	done < <(jq -r '.commands[] |
		[.group, .name] | map(select(. != null)) | join(" ")' <<<"$all")
	run -0 hsmlic card --help
	[[ $output == *"card retire CARD"* ]]
	run -0 hsmlic help store
	[[ $output == *"store restore FILE"* ]]
	run -2 hsmlic help nonsense
	run -2 hsmlic help card nonsense
}

# completes WORD...: what the bash function offers for the last word.
completes() {
	COMP_WORDS=(hsmlic "$@")
	COMP_CWORD=$#
	_hsmlic
	echo "${COMPREPLY[*]}"
}

@test "bash completes commands, options, choices and files" {
	hsmlic completion bash >script
	bash -n script
	shellcheck -s bash script
	# shellcheck disable=SC1091
	source ./script
	mkdir folder
	touch image.bin
	[[ " $(completes "") " == *" get "*" card "*" store "* ]]
	[ "$(completes ca)" = card ]
	[ "$(completes --store x card l)" = "list label" ]
	[ "$(completes --store x --json card wa)" = watch ]
	[ "$(completes get --fi)" = --firmware ]
	[[ " $(completes get --) " == *" --cert "*" --store "* ]]
	[[ " $(completes card list --) " != *" --cert "* ]]
	[ "$(completes get --class "")" = "test production" ]
	[ "$(completes get --class = t)" = test ]
	[ "$(completes get --cert im)" = image.bin ]
	[ "$(completes get -o im)" = image.bin ]
	[ "$(completes --store = im)" = image.bin ]
	[ "$(completes license export --dir f)" = folder ]
	[ "$(completes store backup im)" = image.bin ]
	[ "$(completes help st)" = "status store" ]
	[ "$(completes help store ch)" = check ]
	[ "$(completes completion "")" = "bash zsh fish" ]
	[ "$(completes get --uid "")" = "" ]
}

@test "the other shells have scripts, too" {
	hsmlic completion zsh >script.zsh
	hsmlic completion fish >script.fish
	grep -q '^#compdef hsmlic' script.zsh
	grep -q -- '--new-firmware=.*it holds a key of its own' script.zsh
	grep -q -- "-l new-firmware -x -d 'it holds a key of its own'" script.fish
	if command -v zsh; then zsh -n script.zsh; fi
	if command -v fish; then
		[ "$(fish -c 'source script.fish; complete -C "hsmlic card wa"' |
			cut -f1)" = watch ]
		[ "$(fish -c 'source script.fish
			complete -C "hsmlic --store x get --clas"' |
			cut -f1)" = --class ]
	fi
	run -2 hsmlic completion tcsh
	json -0 completion bash
	[ "$(jq -r .script <<<"$output" | head -n 1)" = \
		"$(hsmlic completion bash | head -n 1)" ]
}
