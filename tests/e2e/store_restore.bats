# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# A store that is set back says what it lacks, and gets it back.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nothing
	unset HSMLIC_CARD HSMLIC_TARGET COLUMNS
	hsmlic-sim card new card --firmware blinky --capacity 20 >/dev/null
	for name in one two three four; do
		hsmlic-sim chip new "$name" >/dev/null
	done
}

teardown() {
	hl_teardown
}

get() { # CHIP
	hsmlic get --yes --card sim:card --target "sim:$1" -q >/dev/null
}

left() {
	hsmlic-sim card show card --json | jq .counter
}

json() { # STATUS COMMAND...
	run "$1" --separate-stderr hsmlic "${@:2}" --json
	[ "${#lines[@]}" = 1 ]
}

events() { # STORE
	sqlite3 -readonly "$1" "SELECT size FROM tree"
}

# The newest event of that kind.
event() { # KIND
	hsmlic audit log --kind "$1" --jsonl | tail -n 1
}

@test "store init --origin: the name that stands in signed statements" {
	json -0 store init --origin lab.example/line-4
	[ "$(jq -r .store.origin <<<"$output")" = lab.example/line-4 ]
	run -0 hsmlic audit log --jsonl
	[ "$(jq -r .body.store_origin <<<"${lines[0]}")" = lab.example/line-4 ]
	local bad
	for bad in "" "a b" "a+b" $'a\tb' $'\xff' "$(printf '%0257d' 1)"; do
		run -2 hsmlic --store new.db store init --origin "$bad"
		run -2 hsmlic --store new.db store init --origin "$bad" --dry-run
		[ ! -e new.db ]
	done
	run -0 hsmlic --store new.db store init --origin "$(printf '%0256d' 1)"
	run -0 hsmlic --store other.db store init
	[[ $output == *"hsmlic.invalid/"* ]]
}

@test "store upgrade brings an older store up to date, and says so" {
	for schema in 1 2; do
		rm -rf s.db s.db.d
		sqlite3 s.db <"$HSMLIC_SOURCE/tests/store/schema$schema.sql"
		before=$(sha256sum <s.db)
		json -0 store upgrade --dry-run
		[ "$(jq -c '[.from_schema, .to_schema, .upgraded]' \
			<<<"$output")" = "[$schema,3,false]" ]
		[ "$(sha256sum <s.db)" = "$before" ]
		json -0 store upgrade
		[ "$(jq -c '[.from_schema, .to_schema, .upgraded]' \
			<<<"$output")" = "[$schema,3,true]" ]
		run -0 hsmlic store upgrade
		[[ $output == *"nothing to do"* ]]
		run -0 hsmlic audit verify
	done
	run -5 hsmlic --store absent.db store upgrade
	[ ! -e absent.db ]
}

@test "store backup says which ledger the copy has" {
	get one
	json -0 store backup copy.db
	[ "$(jq .events <<<"$output")" = "$(events copy.db)" ]
	root=$(jq -r .root <<<"$output")
	[ "${#root}" = 64 ]
	hsmlic audit key new key.pem >/dev/null
	run -0 hsmlic --store copy.db store backup again.db
	[[ $output == *"$root"* ]]
	json -0 store backup third.db --dry-run
	[ "$(jq -c '[.events, .root]' <<<"$output")" = '[null,null]' ]
}

@test "an older copy says what it lacks, and a merge brings it back" {
	get one
	hsmlic store backup copy.db >/dev/null
	get two
	get three
	size=$(events copy.db)
	now=$(events s.db)

	json -0 store restore copy.db --force --yes --dry-run
	dry=$(jq -c .lacks <<<"$output")
	json -0 store restore copy.db --force --yes
	[ "$(jq -c .lacks <<<"$output")" = "$dry" ]
	[ "$(jq -c '.lacks | [.kin, .events, .requests,
		(.licenses | length), (.chips | length)]' <<<"$output")" = \
		"[\"newer\",$((now - size)),2,2,2]" ]
	aside=$(jq -r .put_aside <<<"$output")
	[[ $stderr == *"2 requests (chips "*"$(cat two/uid.hex)"* ]]
	[[ $stderr == *"license of chip $(cat three/uid.hex)"*"not in the copy"* ]]
	[[ $stderr == *"hsmlic store merge $aside"* ]]
	[[ $stderr == *"hsmlic reconcile"* ]]

	run -0 event store.restored
	[ "$(jq -c '.body | [.copy_size, .replaced, .common, .replaced_size]' \
		<<<"$output")" = "[$size,\"newer\",$size,$now]" ]
	[ "$(jq .body.replaced_root <<<"$output")" != null ]

	# the card is a witness of what the copy does not know
	json -1 reconcile --card sim:card
	[ "$(jq -c '.cards[0] | [.difference, (.classes[] | .class)]' \
		<<<"$output")" = '[2,"rolled_back"]' ]
	run -4 hsmlic get --target sim:two --cached
	json -0 store merge "$aside"
	[ "$(jq -c '.stores[0] | [.own, .issues, .licenses, .overlaps]' \
		<<<"$output")" = '[true,2,2,2]' ]
	run -0 hsmlic get --target sim:two --cached
	run -0 hsmlic reconcile --card sim:card
	[ "$(left)" = 17 ]
	json -0 reconcile --card sim:card
	[ "$(jq -c '.cards[0] | [.issued, .left]' <<<"$output")" = '[3,17]' ]
	run -0 hsmlic audit verify
	run -0 hsmlic store check
}

@test "a copy that went its own way is told from an older one" {
	get one
	hsmlic store backup copy.db >/dev/null
	get two
	HSMLIC_STORE=copy.db get three
	json -0 store restore copy.db --force --yes
	[ "$(jq -r .lacks.kin <<<"$output")" = fork ]
	[[ $stderr == *"gone different ways"* ]]
	aside=$(jq -r .put_aside <<<"$output")
	hsmlic store merge "$aside"
	run -0 hsmlic reconcile --card sim:card
	hsmlic --store other.db store init
	hsmlic --store other.db store backup stranger.db >/dev/null
	json -0 store restore stranger.db --force --yes
	[ "$(jq -r .lacks.kin <<<"$output")" = stranger ]
	[[ $stderr == *"another one"* ]]
	[ "$(jq -r .body.replaced <<<"$(event store.restored)")" = stranger ]
}

@test "a newer copy lacks nothing; a store that is gone is not compared" {
	get one
	hsmlic store backup old.db >/dev/null
	get two
	hsmlic store backup new.db >/dev/null
	hsmlic store restore old.db --force --yes -q
	# the restore is an event, so that the two have parted
	json -0 store restore new.db --force --yes
	[ "$(jq -c '.lacks | [.kin, .events, .requests]' <<<"$output")" = \
		'["fork",1,0]' ]
	rm -r s.db s.db.d
	json -0 store restore new.db --yes
	[ "$(jq .lacks <<<"$output")" = null ]
	[ "$(jq -r .body.replaced <<<"$(event store.restored)")" = none ]
	head -c 9000 /dev/urandom >s.db
	json -0 store restore new.db --force --yes
	[ "$(jq .lacks <<<"$output")" = null ]
	[ "$(jq -r .body.replaced <<<"$(event store.restored)")" = unknown ]
}

@test "a checkpoint knows what the copy lacks, and whether it was rewritten" {
	hsmlic store init --origin lab.example/x >/dev/null
	get one
	hsmlic audit key new key.pem >/dev/null
	hsmlic audit checkpoint --key key.pem -o early
	hsmlic store backup copy.db >/dev/null
	get two
	hsmlic audit checkpoint --key key.pem -o late
	before=$(sha256sum <s.db)
	run -0 --separate-stderr hsmlic store restore copy.db --force --yes \
		--dry-run --checkpoint early
	[[ $stderr != *"ends before"* ]]
	run -0 --separate-stderr hsmlic store restore copy.db --force --yes \
		--dry-run --checkpoint early --checkpoint late
	[[ $stderr == *"ends before the checkpoint late"* ]]
	# another history under the same name
	hsmlic --store fake.db store init --origin lab.example/x >/dev/null
	HSMLIC_STORE=fake.db get three
	HSMLIC_STORE=fake.db get four
	HSMLIC_STORE=fake.db get one
	run -9 hsmlic store restore fake.db --force --yes --checkpoint early
	hsmlic --store other.db store init >/dev/null
	run -2 hsmlic store restore other.db --force --yes --checkpoint early
	run -2 hsmlic store restore copy.db --force --yes --checkpoint copy.db
	sqlite3 old.db <"$HSMLIC_SOURCE/tests/store/schema2.sql"
	run -2 hsmlic store restore old.db --force --yes --checkpoint early
	[ "$(sha256sum <s.db)" = "$before" ]
	run -0 hsmlic store restore copy.db --force --yes --checkpoint late
}
