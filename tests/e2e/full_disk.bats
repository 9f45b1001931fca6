# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# A disk that fills up at the worst moment: the card is counting, and the
# license that it is about to give has no place to go.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export XDG_CONFIG_HOME=$HL_DIR/config
	export HSMLIC_STORE=$HL_DIR/small/s.db
	export HSMLIC_RESCUE_DIR=$HL_DIR/rescue
	mkdir small
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a small file system"
	mount -t tmpfs -o size=4m none small || skip "no mount here"
	hsmlic-sim card new card --firmware fw --capacity 9 >/dev/null
	hsmlic-sim chip new chip >/dev/null
	hsmlic store init >/dev/null
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card" --fault slow:1:2000
}

teardown() {
	umount -l "$HL_DIR/small" 2>/dev/null || true
	hl_teardown
}

left() { # what the card itself says
	hsmlic-sim card show card --json | jq .counter
}

# One get; the disk is full from before the card's answer comes. $STATUS, and
# what it said in out and err.
get_on_a_full_disk() {
	hsmlic get --yes --json --target sim:chip >out 2>err 3>&- &
	local pid=$!
	while [ "$(left)" = 9 ]; do sleep 0.05; done
	"$@"
	head -c 8m /dev/zero >small/filler 2>/dev/null || true
	STATUS=0
	wait "$pid" || STATUS=$?
	[ "$(left)" = 8 ]
}

# The license is back: the store hands it out, and everything adds up.
is_back() {
	run -0 --separate-stderr hsmlic get --json --target sim:chip
	[ "$(jq -r .source <<<"$output")" = store ]
	[ "$(left)" = 8 ]
	invariants "$HSMLIC_STORE" card
}

@test "the reserve beside the store makes room for the license" {
	get_on_a_full_disk true
	[ "$STATUS" = 0 ]
	[ "$(jq -r .source out)" = card ]
	[ ! -e small/s.db.d/ballast ]
	rm small/filler
	is_back
}

@test "no reserve either: a rescue file, and recover takes it back" {
	get_on_a_full_disk rm small/s.db.d/ballast
	[ "$STATUS" = 6 ]
	[ "$(jq .error.units_spent out)" = 1 ]
	file=$(echo rescue/*.rescue)
	[ "$(stat -c %a "$file")" = 600 ]
	[[ $(tail -n 1 err) == *"--import-rescue $HL_DIR/$file"* ]]
	rm small/filler
	run -0 hsmlic recover --import-rescue "$file" --dry-run
	[ "$output" = "1 license would be taken back" ]
	[ "$(sqlite3 small/s.db "SELECT state FROM issues")" = open ]
	run -0 hsmlic recover --import-rescue "$file"
	is_back
}

@test "a rescue file is found by recover itself" {
	get_on_a_full_disk rm small/s.db.d/ballast
	[ "$STATUS" = 6 ]
	rm small/filler
	stop_card 0
	run -0 --separate-stderr hsmlic recover --json
	[ "$(jq -r '.issues[0].verdict' <<<"$output")" = issued ]
	is_back
}

@test "no place at all: the license is a line on the terminal" {
	echo "in the way" >rescue
	get_on_a_full_disk rm small/s.db.d/ballast
	[ "$STATUS" = 6 ]
	[ "$(grep -c '^HSMLIC-RESCUE ' err)" = 1 ]
	[[ $(tail -n 1 err) == "hsmlic: hint: keep the line HSMLIC-RESCUE"* ]]
	rm small/filler
	run -0 hsmlic recover --import-rescue - <err
	[ "$output" = "1 license taken back into the store" ]
	is_back
}
