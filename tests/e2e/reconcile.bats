# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# Where every unit of a card is: what reconcile says against what the card says
# itself.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	export XDG_CONFIG_HOME=$HL_DIR/config
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nothing
	unset HSMLIC_CARD HSMLIC_TARGET COLUMNS
	hsmlic-sim card new card --firmware blinky --capacity 10 >/dev/null
	hsmlic-sim chip new chip1 >/dev/null
}

teardown() {
	hl_teardown
}

left() { # [CARD]: what the card says
	hsmlic-sim card show "${1:-card}" --json | jq .counter
}

serial() {
	hsmlic-sim card show "${1:-card}" --json | jq -r .serial
}

get() { # CHIP [OPTIONS]
	[ -d "$1" ] || hsmlic-sim chip new "$1" >/dev/null
	hsmlic get --yes --card sim:card --target "sim:$1" "${@:2}"
}

elsewhere() { # CHIP...: the same card, by another store
	local chip
	for chip; do
		HSMLIC_STORE=$HL_DIR/other.db get "$chip" >/dev/null
	done
}

# json CODE [OPTION...]: the object in $output. Whatever it says, the sum has to
# close.
json() {
	run "-$1" --separate-stderr hsmlic reconcile "${@:2}" --json
	[ "$(jq -r .schema <<<"$output")" = hsmlic/reconcile/1 ]
	jq -e '[.cards[], .total] | all(.provisioned == .left + .issued +
		.issued_bad + .lost + .imported + .signed_off + .difference)' \
		<<<"$output" >/dev/null || { echo "$output"; return 1; }
	jq -e '.cards | all(.difference == ([.classes[] |
		select(.class != "replaced") | .difference] | add // 0))' \
		<<<"$output" >/dev/null || { echo "$output"; return 1; }
}

# is WANT FILTER: of the object in $output.
is() {
	local have
	have=$(jq -c "$2" <<<"$output")
	[ "$have" = "$1" ] || { echo "$2: $have, not $1"; echo "$output"; return 1; }
}

# The card was read just now, and the figure is its own.
as_the_card_says() { # [CARD]
	is "$(left "${1:-card}")" ".cards[] | select(.serial == \
		\"$(serial "${1:-card}")\") | .left"
	is "$(left "${1:-card}")" ".cards[] | select(.serial == \
		\"$(serial "${1:-card}")\") | .counter"
}

sql() { sqlite3 "$HSMLIC_STORE" "$1"; }

events() { # KIND
	sql "SELECT count(*) FROM events
		WHERE json_extract(CAST(bytes AS TEXT), '$.kind') = '$1'"
}

# query WORDS: runs the query of docs/for-auditors.md that has them in it.
query() {
	sed -n 's/^    //p' "$HSMLIC_SOURCE/docs/for-auditors.md" |
		awk -v words="$1" '/^(SELECT|WITH) / && q == "" { q = " " }
			q != "" { q = q $0 "\n" }
			/;$/ { if (index(q, words)) print q; q = "" }' |
		sqlite3 -readonly -separator '|' "$HSMLIC_STORE"
}

@test "every unit is accounted for, and a reuse is none" {
	get chip1 && get chip2 && get chip1
	run -0 hsmlic reconcile
	[[ ${lines[0]} =~ ^CARD\ +FIRMWARE\ +PROVISIONED\ +LEFT\ +ISSUED ]]
	[[ ${lines[1]} =~ ^$(serial)\ +blinky\ +10\ +$(left)\ +2\ +0\ +0\ +0\ +0\ +0\ +now$ ]]
	[ "${lines[2]}" = "every unit is accounted for" ]
	[ "${#lines[@]}" = 3 ]
	json 0
	as_the_card_says
	is '[10,2,0]' '.cards[0] | [.provisioned, .issued, .difference]'
	is '[true,true,[],0]' '[.ok, .cards[0].ok, .cards[0].classes,
		.units_signed_off]'
	[ "$(events reconcile.result)" = 2 ]
	[ "$(sql "SELECT json_extract(CAST(bytes AS TEXT), '$.body.counter')
		FROM events ORDER BY seq DESC LIMIT 1")" = "$(left)" ]
	hsmlic store check
}

@test "the store is empty, or no such card is known" {
	run -5 hsmlic reconcile
	hsmlic store init >/dev/null
	json 0
	is '[[],true]' '[.cards, .ok]'
	run -2 --separate-stderr hsmlic reconcile nobody
	[[ $stderr == *'"nobody"'*"card list"* ]]
	run -2 --separate-stderr hsmlic reconcile nobody --json
	is '"not-found"' .error.code
	run -2 hsmlic reconcile sim:card
	[ "$(events reconcile.result)" = 0 ]
}

@test "a card that is not there is taken as it was read last" {
	get chip1
	mv card away
	run -0 hsmlic reconcile
	[[ $output == *"card $(serial away): not read now ("*"); last read 20"*Z* ]]
	json 0
	is '[null,9,9]' '.cards[0] | [.counter, .left, .expected_counter]'
	# What it spent meanwhile shows when it is back.
	mv away card
	elsewhere chip2
	mv card away
	json 0
	mv away card
	json 1
	as_the_card_says
	is 1 .total.difference
}

@test "several cards, one retired: a line each, and the total" {
	get chip1
	hsmlic-sim card new card2 --firmware other --capacity 7 >/dev/null
	hsmlic card add sim:card2 --label second
	hsmlic card retire second --yes
	run -0 hsmlic reconcile
	[[ ${lines[2]} =~ ^second\ +other\ +7\ +7\ .*\ 0\ +now$ ]]
	[[ ${lines[3]} =~ ^total\ +17\ +16\ +1\ +0\ +0\ +0\ +0\ +0\ *$ ]]
	json 0
	as_the_card_says card
	as_the_card_says card2
	is '[17,16,1]' '.total | [.provisioned, .left, .issued]'
	is '[null,true]' '[.cards[] | .retired_at] | [.[0], .[1] != null]'
	json 0 second
	is '["second"]' '[.cards[].label]'
	json 0 "$(serial)"
	is 1 '.cards | length'
	json 0 sim:card2
	is '["second"]' '[.cards[].label]'
	HSMLIC_CARD=second json 0
	is 1 '.cards | length'
}

@test "units spent outside: told until somebody signs them off" {
	get chip1
	hsmlic card label "$(serial)" desk
	elsewhere chip2 chip3
	json 1
	as_the_card_says
	is '[[{"class":"outside","units":2,"unrecorded":0,"signed_off":0,"difference":2}],false]' \
		'[.cards[0].classes, .ok]'
	run -1 hsmlic reconcile desk
	[[ $output == *"card \"desk\" ($(serial)): 2 units outside: "* ]]
	[[ $output != *"accounted for"* ]]
	run -0 hsmlic status
	[[ $output == *"2 units are not accounted for, on 1 card: see hsmlic reconcile"* ]]

	[ "$(query "HAVING sum(u) <> 0")" = "desk|2" ]
	[ -z "$(query "v.reason")" ]

	# Nobody signs by chance, or for cards that were not named.
	run -2 --separate-stderr hsmlic reconcile --sign-off "a demo" --yes
	[[ $stderr == *"name the card, or add --all"* ]]
	run -2 hsmlic reconcile desk --all --sign-off "a demo" --yes
	run -2 hsmlic reconcile --all
	run -2 hsmlic reconcile desk --imported x
	run -2 hsmlic reconcile --all --sign-off x --imported x
	run -2 hsmlic reconcile desk --sign-off "" --yes
	run -2 hsmlic reconcile desk --sign-off "$(printf 'x%.0s' {1..257})" --yes
	HSMLIC_SIGN_OFF=x HSMLIC_ALL=true HSMLIC_YES=true run -1 hsmlic reconcile
	run -4 --separate-stderr hsmlic reconcile desk --sign-off "a demo"
	[[ $stderr == *"sign off for ever: card \"desk\" ($(serial)): 2 units outside"* ]]
	json 1 desk --sign-off "a demo" --dry-run
	is '[0,false]' '[.units_signed_off, .recorded]'
	[ "$(sql "SELECT count(*) FROM variances")" = 0 ]

	json 0 desk --sign-off "a demo" --yes --operator eve --station cellar
	is '[2,2,0,true]' '[.units_signed_off, .cards[0].signed_off,
		.cards[0].difference, .ok]'
	as_the_card_says
	[ "$(sql "SELECT class, units, reason, operator, station
		FROM variances")" = "outside|2|a demo|eve|cellar" ]
	[ "$(events variance.signed)" = 1 ]
	[ -z "$(query "HAVING sum(u) <> 0")" ]
	[[ $(query "v.reason") == 20*"Z|desk|outside|2|$(left)||a demo|cellar|eve" ]]
	json 0
	run -0 --separate-stderr hsmlic reconcile desk --sign-off again --yes
	[[ $stderr == *"there is nothing to sign off"* ]]
	run -0 hsmlic status
	[[ $output != *"not accounted for"* ]]
	# The next one wants a signature of its own.
	elsewhere chip4
	json 1
	is '[2,1]' '.cards[0] | [.signed_off, .difference]'
	json 0 --all --sign-off "the demo again" --yes
	as_the_card_says
	is '[3,0]' '.cards[0] | [.signed_off, .difference]'
	hsmlic store check
	hsmlic audit verify
}

@test "a dry run records nothing, and shows what a reading would" {
	get chip1
	elsewhere chip2
	before=$(sql "SELECT count(*) FROM events")
	json 1 --dry-run
	as_the_card_says
	is '[[1,1,1]]' '[.cards[0].classes[] | [.units, .unrecorded, .difference]]'
	is '[9,false]' '[.cards[0].expected_counter, .recorded]'
	[ "$(sql "SELECT count(*) FROM events")" = "$before" ]
	json 1
	is '[[1,0,1]]' '[.cards[0].classes[] | [.units, .unrecorded, .difference]]'
}

@test "whoever may only read reconciles, and records nothing" {
	[ "$(id -u)" -eq 0 ] || skip "needs root, to be somebody else"
	get chip1
	hsmlic reconcile >/dev/null
	cp "$HSMLIC_BIN/hsmlic" here
	chmod 755 "$HL_DIR" here
	chmod 644 s.db
	before=$(sha256sum <s.db)
	reader() {
		setpriv --reuid 65534 --regid 65534 --clear-groups \
			--inh-caps=-all --bounding-set=-all ./here "$@"
	}
	run -0 --separate-stderr reader reconcile --json
	is '[10,9,1,0]' '.cards[0] | [.provisioned, .left, .issued, .difference]'
	is '[false,true]' '[.recorded, .ok]'
	[[ $stderr == *"the store may only be read: nothing is recorded"* ]]
	elsewhere chip2
	hsmlic status >/dev/null
	before=$(sha256sum <s.db)
	run -1 reader reconcile
	[[ $output == *"1 unit outside"* ]]
	run -5 reader reconcile --all --sign-off x --yes
	[ "$(sha256sum <s.db)" = "$before" ]
}

@test "a unit that an imported license bought is linked to it" {
	get chip1
	elsewhere chip2 chip3 chip4
	local chip id
	for chip in chip2 chip3; do
		HSMLIC_STORE=other.db hsmlic license export "$(cat $chip/uid.hex)" \
			-o $chip.lic
		hsmlic license import $chip.lic --target sim:$chip \
			--firmware blinky >/dev/null
	done
	id=$(hsmlic license list --json | jq -r \
		".licenses[] | select(.uid == \"$(cat chip2/uid.hex)\") | .license_id")
	json 1
	is 2 '.cards[0].unlinked_licenses | length'
	is true ".cards[0].unlinked_licenses | any(. == \"$id\")"
	run -1 --separate-stderr hsmlic reconcile
	[[ $stderr == *"hint: 2 imported licenses of firmware \"blinky\""*"$id"*--imported* ]]
	# One that this store fetched itself bought no other unit.
	run -2 --separate-stderr hsmlic reconcile "$(serial)" --sign-off x --yes \
		--imported "$(cat chip1/uid.hex)"
	[[ $stderr == *"was not imported"* ]]
	json 0 "$(serial)" --sign-off "fetched at the desk" --yes \
		--imported "$id" --imported "$(cat chip3/uid.hex)"
	as_the_card_says
	is '[2,1,0]' '.cards[0] | [.imported, .signed_off, .difference]'
	[ "$(sql "SELECT class, units, license IS NOT NULL FROM variances
		ORDER BY n" | tr '\n' ' ')" = "imported|1|1 imported|1|1 outside|1|0 " ]
	elsewhere chip5
	json 1
	is 0 '.cards[0].unlinked_licenses | length'
	run -2 --separate-stderr hsmlic reconcile "$(serial)" --sign-off x --yes \
		--imported "$id"
	[[ $stderr == *"is linked to a unit already"* ]]
	json 1
	hsmlic store check
	hsmlic audit verify
}

@test "a jump: more left the card than the request asked for" {
	unset PCSCLITE_CSOCK_NAME
	start_pcscd unix
	start_card 0 hsmlic-sim card serve card --fault jump
	run -6 hsmlic get --yes --target sim:chip1
	json 1
	as_the_card_says
	is '[["jump",'$((9 - $(left)))']]' \
		'[.cards[0].classes[] | [.class, .difference]]'
	is 1 '.cards[0].issued'
	json 0 --all --sign-off "card sent back" --yes
	as_the_card_says
}

@test "in doubt: recover tells, or the unit of what was given up shows" {
	local id
	unset PCSCLITE_CSOCK_NAME
	start_pcscd unix
	start_card 0 hsmlic-sim card serve card --fault drop-after \
		--fault-stay-away
	run -6 hsmlic get --yes --target sim:chip1 --timeout 2
	wait_reader 0 empty
	hl_stop "${CARD_PID[0]}"
	id=$(hsmlic status --json | jq -r '.open[0].issue_id')
	run -1 hsmlic reconcile
	[[ $output == *"a request is in doubt: run hsmlic recover"* ]]
	start_card 0 hsmlic-sim card serve card
	json 1
	as_the_card_says
	is "[\"$id\",[[\"in_doubt\",1,1]]]" '.cards[0] | [.open_issue,
		[.classes[] | [.class, .unrecorded, .difference]]]'
	# That is not for anybody to sign off.
	run -1 --separate-stderr hsmlic reconcile --all --sign-off x --yes
	[[ $stderr == *"there is nothing to sign off"* ]]
	cp s.db copy.db
	HSMLIC_STORE=copy.db hsmlic recover >/dev/null
	HSMLIC_STORE=copy.db json 0
	as_the_card_says
	is 1 '.cards[0].issued'

	hsmlic recover --write-off "$id" --reason "card lost" --yes >/dev/null
	json 1
	as_the_card_says
	is '[null,[["in_doubt",0,1]]]' '.cards[0] | [.open_issue,
		[.classes[] | [.class, .unrecorded, .difference]]]'
	# What leaves it later is not that request's.
	stop_card 0
	PCSCLITE_CSOCK_NAME=$HL_DIR/nothing elsewhere chip2
	start_card 0 hsmlic-sim card serve card
	json 1
	as_the_card_says
	is '[["in_doubt",1],["outside",1]]' \
		'[.cards[0].classes[] | [.class, .difference]]'
	json 0 --all --sign-off "known" --yes
	as_the_card_says
	hsmlic store check
}

@test "a lost license is accounted for, and told" {
	unset PCSCLITE_CSOCK_NAME
	start_pcscd unix
	start_card 0 stranger-card --capacity 5 --no-replay --no-sw 1
	run -6 hsmlic get --yes --target sim:chip1
	run -0 hsmlic reconcile
	[[ $output == *"1 unit lost, or spent elsewhere while a request was open (accounted for)"* ]]
	[[ $output == *"every unit is accounted for" ]]
	json 0
	is '[5,4,4,1,1,0]' '.cards[0] | [.provisioned, .left, .counter, .lost,
		.lost_or_outside, .difference]'
	run -0 --separate-stderr hsmlic reconcile --all --sign-off x --yes
	[[ $stderr == *"there is nothing to sign off"* ]]
}

@test "an older copy was restored: what it forgot is rolled back" {
	get chip1
	hsmlic store backup copy.db >/dev/null
	get chip2 && get chip3
	hsmlic store restore copy.db --force --yes >/dev/null
	[ "$(events store.restored)" != 0 ] ||
		skip "store restore does not record it yet"
	json 1
	as_the_card_says
	is '[["rolled_back",2]]' '[.cards[0].classes[] | [.class, .difference]]'
	elsewhere chip4
	json 1
	as_the_card_says
	is '[["outside",1],["rolled_back",2]]' \
		'[.cards[0].classes[] | [.class, .difference]]'
}

@test "a card with more units than it can have is not this card" {
	cp card young
	get chip1 && get chip2
	cp card old
	cp young card
	before=$(sql "SELECT count(*) FROM card_readings")
	json 1
	is '[10,8,8,0,2,false,[["replaced",-2,-2]]]' '.cards[0] | [.counter,
		.left, .expected_counter, .difference, .replaced, .ok,
		[.classes[] | [.class, .units, .difference]]]'
	[ "$(sql "SELECT count(*) FROM card_readings")" = "$before" ]
	run -1 hsmlic reconcile
	[[ $output == *"2 units above what can be left"* ]]
	[[ $output == *"the counter (10) is above the expected 8"* ]]
	[[ $output != *"every unit is accounted for"* ]]
	json 0 --all --sign-off "the vendor reset it" --yes
	is '[10,8,0,0,2,[-2]]' '.cards[0] | [.counter, .left, .signed_off,
		.difference, .replaced, [.classes[].signed_off]]'
	json 0
	# The signature makes it no other card.
	run -0 hsmlic reconcile
	[[ $output == *"(10) is above the 8 that can be left, which was signed off"* ]]
	[[ $output != *"every unit is accounted for"* ]]
	# It was signed off for this counter.
	elsewhere chip3
	json 1
	is '[0,1]' '.cards[0] | [.difference, .replaced]'
	cp old card
	json 0
	as_the_card_says
	is '[0,0]' '.cards[0] | [.signed_off, .replaced]'
	run -0 hsmlic reconcile
	[[ $output == *"every unit is accounted for"* ]]
}

@test "units above do not make up for units that left" {
	get chip1
	cp card young
	elsewhere chip2 chip3
	json 1
	is '[2,0]' '.cards[0] | [.difference, .replaced]'
	cp young card
	json 1
	is '[9,7,2,2]' '.cards[0] | [.counter, .left, .difference, .replaced]'
	output=$(sql "SELECT CAST(bytes AS TEXT) FROM events
		ORDER BY seq DESC LIMIT 1")
	is '[7,2,2,0,2,9]' '.body | [.left, .outside, .replaced, .signed,
		.difference, .counter]'
}

@test "records that do not add up: the reading is named" {
	get chip1 && get chip2 && get chip3
	python3 - s.db <<-'EOT'
		import re, sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		t = db.execute("SELECT sql FROM sqlite_schema "
		    "WHERE name = 'card_readings_fixed'").fetchone()[0]
		db.execute("DROP TRIGGER card_readings_fixed")
		db.execute("UPDATE card_readings SET counter = counter - 1, "
		    "units_outside = units_outside + 1 WHERE n = 3")
		db.execute(t)
		db.commit()
	EOT
	run -1 hsmlic reconcile
	[[ $output == *"the records do not add up, first at reading 4 of 20"*"hsmlic store check"* ]] ||
		[[ $output == *"the records do not add up, first at reading 3 of 20"* ]]
	run -1 hsmlic store check
}
