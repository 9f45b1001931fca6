# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# What breaks while the vendor's program has the card: it is killed, hangs,
# lies; this program is killed, the card is pulled, the disk is full. After each
# of them the accounts have to agree with the card, a license that was obtained
# has to serve, and no unit may go twice. Card and STM32_Programmer_CLI are
# stand-ins (tests/standin).

load lib

# The command that spends. Switches with this in front touch it alone.
ISSUE=-hsmgetlicensefromcertifbin

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/store.db XDG_CONFIG_HOME=$HL_DIR/config
	export HSMLIC_RESCUE_DIR=$HL_DIR/rescue
	hsmlic-sim card new card --firmware FW-A --capacity 20 >/dev/null
	hsmlic-sim chip new chip >/dev/null
	head -c 500 /dev/urandom >fw.bin
	hsmlic-sim image new out.sfi --card card --in fw.bin >/dev/null
	standin_world
	standin_chip chip
	hsmlic store init >/dev/null
	start_pcscd unix
	start_hsm 0 card
}

teardown() {
	local pid
	for pid in $(at_work); do kill -KILL "$pid" 2>/dev/null || true; done
	hl_teardown
}

# ---- what is run -------------------------------------------------------------

SCRIPT=(STM32_Programmer_CLI -c port=swd mode=HOTPLUG -sfi protocol=static
	out.sfi hsm=1 slot=1)

# flash [GLOBAL OPTION...]: the user's command. $STATUS; files out and err.
flash() {
	STATUS=0
	hsmlic "$@" run -- "${SCRIPT[@]}" >out 2>err 3>&- || STATUS=$?
}

# The same in the background: $FLASH is its process.
flash_in_background() {
	hl_spawn flash.log hsmlic "$@" run -- "${SCRIPT[@]}"
	FLASH=$HL_PID
}

# Only while it asks the card for a license.
while_issuing() {

	standin_switches "${@/#/$ISSUE:}"
}

# ---- what is seen ------------------------------------------------------------

# left [CARD]: what the card itself says.
left() { hsmlic-sim card show "${1:-card}" --json | jq .counter; }

sql() { sqlite3 "$HSMLIC_STORE" "$1"; }

# Processes of this test: hsmlic, its keepers, the vendor's program.
at_work() {
	local dir
	for dir in /proc/[0-9]*; do
		case $(cat "$dir/comm" 2>/dev/null) in
		hsmlic | STM32_Programme) ;;
		*) continue ;;
		esac
		if tr "\0" "\n" 2>/dev/null < <(cat "$dir/environ" 2>/dev/null) |
			grep -qxF "HL_DIR=$HL_DIR"; then
			echo "${dir#/proc/}"
		fi
	done
}

# Waits until nobody is at work any more. Bounded.
all_quiet() {
	local i
	for ((i = 0; i < 300; i++)); do
		[ -n "$(at_work)" ] || return 0
		sleep 0.05
	done
	echo "still at work: $(at_work)"
	return 1
}

# An error as the user reads it: exit code, the sentence, what was spent.
# failed_with CODE UNITS TEXT [HINT]
failed_with() {
	local units error hint
	[ "$STATUS" = "$1" ] || { cat err; echo "status $STATUS"; return 1; }
	case $2 in
	0) units="(nothing was spent)" ;;
	1) units="(one unit was spent)" ;;
	*) units="(it is not known whether a unit was spent)" ;;
	esac
	error=$(tail -n 2 err | head -n 1)
	hint=$(tail -n 1 err)
	[[ $error == "hsmlic: "*"$3"* ]] || { cat err; return 1; }
	[[ $hint == "hsmlic: hint: "*"${4-}"*"$units" ]] || { cat err; return 1; }
}

# accounts LEFT STATES [CARD[=LABEL]...]: the card has LEFT units, the requests
# ended as STATES, in their order, and everything agrees.
accounts() {
	local n=$1 states=$2 bad=0
	shift 2
	[ $# -gt 0 ] || set -- card
	all_quiet || bad=1
	[ "$(left "${1%%=*}")" = "$n" ] || { echo "card: $(left)"; bad=1; }
	invariants "$HSMLIC_STORE" "$@" || bad=1
	hsmlic store check || bad=1
	[ "$(sql "SELECT group_concat(state, ' ') FROM issues")" = "$states" ] || {
		sql "SELECT state, units, counter_before, detail FROM issues"
		bad=1
	}
	# Nothing was taken for another program's doing.
	[ "$(sql "SELECT ifnull(sum(units_outside), 0) FROM card_readings")" = \
		"${OUTSIDE:-0}" ] || { echo "units outside"; bad=1; }
	# A unit is in a license of the store, or said to be lost.
	[ "$(sql "SELECT count(*) FROM issues WHERE units = 1 AND state NOT IN
		('lost', 'lost_or_outside') AND NOT EXISTS
		(SELECT 1 FROM licenses WHERE issue = issues.id)")" = 0 ] ||
		{ echo "a unit without license"; bad=1; }
	[ -z "$(ls store.db.d/spool 2>/dev/null | grep -v '\.tool\.log$')" ] ||
		{ ls store.db.d/spool; bad=1; }
	[ ! -s apdus0 ] || { echo "the card was sent something"; bad=1; }
	return $bad
}

# The license that the store has serves, and costs nothing.
serves_for_nothing() {
	local n asked
	standin_switches
	rm -f chip/flash.bin
	n=$(left)
	asked=$(grep -c -e '^-hsmget' world/journal) || true
	flash
	[ "$STATUS" = 0 ] || { cat err; return 1; }
	grep -qxF "hsmlic: license from the store, nothing spent" err
	cmp chip/flash.bin fw.bin
	[ "$(left)" = "$n" ]
	[ "$(grep -c "^$ISSUE" world/journal)" = "${1:-1}" ]
}

# Neither does the next run spend without being told to, when a unit is gone.
asks_before_more() {
	local n
	standin_switches
	n=$(left)
	flash
	failed_with 4 0 "this chip has cost 1 unit of firmware \"FW-A\" already"
	[ "$(left)" = "$n" ]
}

nothing_to_recover() {
	run -0 hsmlic recover
	[ "$output" = "nothing to recover" ]
}

# ---- the vendor's program fails ----------------------------------------------

@test "all is well: the accounts agree" {
	flash
	[ "$STATUS" = 0 ]
	accounts 19 issued
	serves_for_nothing
}

@test "killed while it writes the license: half of it is kept as suspect" {
	while_issuing kill-mid-write
	flash
	failed_with 6 1 "ended by signal 9"
	nothing_to_recover
	accounts 19 issued_bad
	[ "$(sql "SELECT state, length(bytes) FROM licenses")" = "suspect|68" ]
	asks_before_more
	accounts 19 issued_bad
}

@test "no license file, though it says that all is well: the unit is lost" {
	while_issuing no-license-file
	flash
	failed_with 6 1 "ended with 0 and left no license"
	accounts 19 lost_or_outside
	asks_before_more
}

@test "an error and status 1, and the license is there: suspect, then trusted" {
	for how in error-with-license exit1-on-success \
		"error-with-license exit0-on-failure"; do
		# shellcheck disable=SC2086 # several
		while_issuing $how
		rm -rf store.db* card card.* out.sfi
		hsmlic-sim card new card --firmware FW-A --capacity 20 >/dev/null
		hsmlic-sim image new out.sfi --card card --in fw.bin >/dev/null
		hsmlic store init >/dev/null
		: >world/journal
		flash
		failed_with 6 1 "left 136 bytes, which are kept as suspect" "license trust"
		accounts 19 issued_bad
		asks_before_more
		id=$(hsmlic license list --all --json |
			jq -r '.licenses[0].license_id')
		run -0 hsmlic license trust "$id" --reason "looked at it" --yes
		serves_for_nothing
		accounts 19 issued_bad
	done
}

@test "it hangs before the card has counted: timed out, nothing is spent" {
	while_issuing hang-before-license
	flash --timeout 6
	failed_with 7 0 "did not end in time" "--timeout"
	nothing_to_recover
	accounts 20 not_spent
	standin_switches
	flash
	[ "$STATUS" = 0 ]
	accounts 19 "not_spent issued"
	serves_for_nothing 2
}

@test "it hangs after the card has counted, and wants no end: in doubt" {
	while_issuing hang-after-count stubborn
	flash --timeout 9
	failed_with 6 1 "did not end in time"
	accounts 19 lost_or_outside
	asks_before_more
}

@test "a child of it lives on and holds its output: nothing waits for that" {
	standin_switches spawn-child=session
	flash
	[ "$STATUS" = 0 ]
	kill $(cat world/children)
	accounts 19 issued
	serves_for_nothing
}

@test "the installation fails after the license came: the next one is free" {
	for how in license-then-fail "license-then-fail exit0-on-failure"; do
		# shellcheck disable=SC2086 # several
		standin_switches $how
		flash
		[ "$STATUS" = "$([[ $how == *exit0* ]] && echo 0 || echo 1)" ]
		grep -q "the license is kept: the next run spends nothing" err
		accounts 19 issued
	done
	serves_for_nothing
	[ "$(sql "SELECT group_concat(outcome) FROM installs")" = \
		failed,failed,done ]
}
