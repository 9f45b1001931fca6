# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# Where the ledger cannot tell of it, no unit is spent.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nothing
	unset HSMLIC_CARD HSMLIC_TARGET
	hsmlic-sim card new card --firmware blinky --capacity 5 >/dev/null
	for chip in one two; do
		hsmlic-sim chip new $chip >/dev/null
	done
	hsmlic get --yes --card sim:card --target sim:one -o l1 >/dev/null
}

teardown() {
	hl_teardown
}

left() {
	hsmlic-sim card show card --json | jq .counter
}

events() {
	sqlite3 s.db "SELECT count(*) FROM events"
}

# tamper TRIGGER SQL: as somebody does who puts the trigger back in its place.
tamper() {
	python3 - s.db "$@" <<-'EOT'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1], isolation_level=None)
		text, = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?",
		    (sys.argv[2],)).fetchone()
		db.execute("BEGIN")
		db.execute("DROP TRIGGER " + sys.argv[2])
		db.execute(sys.argv[3])
		db.execute(text)
		db.execute("COMMIT")
	EOT
}

refused() { # CODE WORDS
	local events
	events=$(events)
	run "-$1" --separate-stderr hsmlic get --yes --card sim:card \
		--target sim:two -o l2
	[[ $stderr == *"$2"* ]]
	[ "$(left)" = 4 ]
	[ ! -e l2 ]
	[ "$(events)" = "$events" ]
	[ "$(sqlite3 s.db "SELECT count(*) FROM issues")" = 1 ]
}

@test "a tree whose edge is not whole: nothing is spent" {
	tamper tree_grows "UPDATE tree SET frontier = x''"
	refused 5 "edge of the ledger's tree is damaged"
}

@test "a tree that is behind its events: nothing is spent" {
	tamper tree_grows "UPDATE tree SET size = 1, frontier =
		(SELECT leaf FROM events WHERE seq = 0)"
	refused 5 "does not fit its events"
}

@test "no tree at all: nothing is spent" {
	tamper tree_kept "DELETE FROM tree"
	refused 5 "ledger's tree is damaged"
}

@test "events that were cut off: nothing is spent" {
	tamper events_kept "DELETE FROM events WHERE seq > 2"
	refused 5 "does not fit its events"
}

@test "a hit spends nothing, and says that its use is not recorded" {
	tamper tree_grows "UPDATE tree SET frontier = x''"
	run -0 --separate-stderr hsmlic get --yes --card sim:card \
		--target sim:one -o again
	cmp again l1
	[[ $stderr == *"this use could not be recorded"* ]]
	[ "$(left)" = 4 ]
}
