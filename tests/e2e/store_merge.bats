# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# Stations with a store each that asked the same cards: what all of them have
# together is what the cards themselves say.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nothing
	unset HSMLIC_CARD HSMLIC_TARGET HSMLIC_STORE COLUMNS
	hsmlic-sim card new card --firmware blinky --capacity 20 >/dev/null
	for name in one two three four five six; do
		hsmlic-sim chip new "$name" >/dev/null
	done
}

teardown() {
	hl_teardown
}

at() { # STATION COMMAND...
	hsmlic --store "$1.db" --station "$1" --yes "${@:2}"
}

get() { # STATION CHIP [CARD]
	at "$1" get --card "sim:${3:-card}" --target "sim:$2" -q >/dev/null
}

left() { # [CARD]: what the card itself says
	hsmlic-sim card show "${1:-card}" --json | jq .counter
}

# json STATUS STATION COMMAND...: its object, of one line, in $output.
json() {
	run "$1" --separate-stderr at "$2" "${@:3}" --json
	[ "${#lines[@]}" = 1 ]
}

# The sums of a store's records of the only card are those of the card.
adds_up() { # STATION ISSUED OUTSIDE
	json -0 "$1" status --card sim:card
	[ "$(jq -c '[.week.spent, .week.outside]' <<<"$output")" = "[$2,$3]" ]
	[ "$(jq '.cards[0].counter' <<<"$output")" = "$(left)" ]
	run --separate-stderr at "$1" reconcile --card sim:card --json
	[ "$(jq -c '.cards[0] | [.provisioned - .left, .issued, .difference]' \
		<<<"$output")" = "[$((20 - $(left))),$2,$3]" ]
	run -0 at "$1" store check
	run -0 at "$1" audit verify
}

@test "two stations: each unit is counted once, and as its card counts" {
	get a one
	get b two
	get a three
	get b four
	get b five
	json -0 a store merge b.db
	[ "$(jq -r .schema <<<"$output")" = hsmlic/store-merge/1 ]
	[ "$(jq -c '.stores[0] | [.path, .own, .chips, .cards, .issues,
		.licenses, .overlaps, .twice, .licensed_twice, .notes]' \
		<<<"$output")" = '["b.db",false,3,0,3,3,2,0,[],[]]' ]
	adds_up a 5 0
	# what they had, they still have
	json -0 b status --card sim:card
	[ "$(jq -c '[.week.spent, .week.outside]' <<<"$output")" = '[3,1]' ]
	# and their chips cost nothing here
	run -0 --separate-stderr at a get --card sim:card --target sim:four \
		--json
	[ "$(jq -r .source <<<"$output")" = store ]
	[ "$(left)" = 15 ]
}

@test "a merge again brings what is new, and both ways ends in one state" {
	get a one
	get b two
	at a store merge b.db
	before=$(sqlite3 -readonly a.db 'SELECT size FROM tree')
	run -0 --separate-stderr at a store merge b.db
	[[ $stderr == *"nothing is in it that is not here"* ]]
	[ "$(sqlite3 -readonly a.db 'SELECT size FROM tree')" = "$before" ]
	get b three
	get a four
	json -0 a store merge b.db
	[ "$(jq -c '.stores[0] | [.chips, .issues, .licenses]' \
		<<<"$output")" = '[1,1,1]' ]
	at b store merge a.db
	at a store merge b.db
	at b store merge a.db
	adds_up a 4 0
	adds_up b 4 0
	for chip in one two three four; do
		for station in a b; do
			run -0 at "$station" get --cached --target \
				"sim:$chip" -o "$station.$chip"
		done
		cmp "a.$chip" "b.$chip"
	done
	[ "$(left)" = 16 ]
}

@test "several stores at once, and one that has merged another" {
	hsmlic-sim card new second --firmware other --capacity 5 >/dev/null
	get a one
	get b two
	get c three
	get c four second
	at c store merge b.db
	get d five
	json -0 a store merge c.db d.db
	[ "$(jq -c '[.stores[].issues]' <<<"$output")" = '[3,1]' ]
	[ "$(jq '.stores[0].firmwares' <<<"$output")" = 1 ]
	json -0 a reconcile
	[ "$(jq -c '[.cards[] | [.issued, .left]] | sort' <<<"$output")" = \
		"[[1,$(left second)],[4,$(left)]]" ]
	run -0 at a audit verify
	json -0 a store merge b.db
	[ "$(jq '.stores[0].issues' <<<"$output")" = 0 ]
	run -0 --separate-stderr at a card list --json
	[ "$(jq -c '[.cards[].expected_counter] | sort' <<<"$output")" = \
		"[$(left second),$(left)]" ]
}

@test "units that are nobody's are counted once, whoever saw them go" {
	get a one
	get b two
	get elsewhere three
	get elsewhere four
	get a five
	get b six
	at a store merge b.db
	adds_up a 4 2
}

@test "a chip that was licensed twice is two units, and is said" {
	get a one
	get b one
	run -0 --separate-stderr at a store merge b.db
	[[ $stderr == *"chip $(cat one/uid.hex) was licensed twice"* ]]
	[[ ${lines[1]} =~ ^b\.db\ .*\ 1$ ]]
	adds_up a 2 0
	run -0 at a get --cached --target sim:one -o after
	json -0 a license list --all
	[ "$(jq -c '[.licenses[] | .state] | sort' <<<"$output")" = \
		'["active","retired"]' ]
	[[ $(jq -r '.licenses[] | select(.state == "retired") | .reason' \
		<<<"$output") == "also licensed at hsmlic.invalid/"* ]]
}

@test "store merge --dry-run says what would come, and records nothing" {
	get a one
	get b two
	before=$(sha256sum <a.db)
	json -0 a store merge b.db --dry-run
	[ "$(jq -c '[.dry_run, .stores[0].issues]' <<<"$output")" = \
		'[true,1]' ]
	run -0 --separate-stderr at a store merge b.db --dry-run
	[[ $stderr == *"would be merged"* ]]
	[ "$(sha256sum <a.db)" = "$before" ]
}

@test "what cannot be merged is refused, with the way out" {
	get a one
	get b two
	before=$(sha256sum <a.db)
	json -2 a store merge a.db
	[[ $(jq -r .error.why <<<"$output") == *"this store"* ]]
	json -2 a store merge absent.db
	sqlite3 old.db <"$HSMLIC_SOURCE/tests/store/schema2.sql"
	json -2 a store merge old.db
	[[ $(jq -r .error.hint <<<"$output") == *"store upgrade --store"* ]]
	run -2 at a store merge
	json -2 a store merge b.db --firmware "nothing=x"
	json -2 a store merge b.db --new-card "nothing"
	cp b.db bad.db
	sqlite3 bad.db "DROP TRIGGER uses_fixed; UPDATE uses SET operator = 'x'"
	run -5 at a store merge bad.db
	# a card in doubt
	cp b.db doubt.db
	sqlite3 doubt.db "PRAGMA user_version" >/dev/null
	[ "$(sha256sum <a.db)" = "$before" ]
	# what came before it has come
	run -2 --separate-stderr at a store merge b.db absent.db
	[[ $stderr == *"has been merged"* ]]
	adds_up a 2 0
}

@test "a request in doubt over there is settled over there" {
	unset PCSCLITE_CSOCK_NAME
	start_pcscd unix
	start_card 0 hsmlic-sim card serve card --fault drop-after \
		--fault-stay-away
	run -6 at b get --target sim:one --timeout 2
	json -5 a store merge b.db
	[ ! -e a.db ] # not made by the way
	at a store init
	json -7 a store merge b.db
	[[ $(jq -r .error.hint <<<"$output") == *"hsmlic recover"* ]]
	wait_reader 0 empty
	hl_stop "${CARD_PID[0]}"
	start_card 0 hsmlic-sim card serve card
	run -0 at b recover
	json -0 a store merge b.db
	[ "$(jq '.stores[0].issues' <<<"$output")" = 1 ]
}

@test "a request that was cut short, and another station in between" {
	# a finds the counter one lower, asks the card again, and gets one
	unset PCSCLITE_CSOCK_NAME
	get b one
	at a card add sim:card >/dev/null
	start_pcscd unix
	start_card 0 hsmlic-sim card serve card --fault drop-before \
		--fault-stay-away
	run -6 at a get --target sim:two --timeout 2
	wait_reader 0 empty
	hl_stop "${CARD_PID[0]}"
	get b three
	start_card 0 hsmlic-sim card serve card
	run -0 at a recover
	hl_stop "${CARD_PID[0]}"
	at a store merge b.db
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nothing
	json -0 a status --card sim:card
	[ "$(jq -c '[.week.spent, .week.lost, .week.outside]' \
		<<<"$output")" = '[3,0,0]' ]
	run -0 at a reconcile --card sim:card
}
