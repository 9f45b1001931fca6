# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2154
# Fixtures for what breaks while the vendor's program has the card; lib.bash is
# loaded before.

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
	REAL=$(command -v STM32_Programmer_CLI)
	standin_chip chip
	: >world/journal
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
	0) units="nothing was spent" ;;
	1) units="one unit was spent" ;;
	*) units="a unit may have been spent" ;;
	esac
	error=$(tail -n 2 err | head -n 1)
	hint=$(tail -n 1 err)
	[[ $error == "hsmlic: "*"$3"* ]] || { cat err; return 1; }
	[[ $hint == "hsmlic: hint: "*"${4-}"*"$units"* ]] || { cat err; return 1; }
}

# accounts LEFT STATES [CARD[=LABEL]...]: the card has LEFT units, the requests
# ended as STATES, in their order, and everything agrees.
accounts() {
	local n=$1 states=$2 bad=0 file
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
	for file in store.db.d/spool/*; do
		[[ $file == *.tool.log || ! -e $file ]] ||
			{ echo "left: $file"; bad=1; }
	done
	[ ! -s apdus0 ] || { echo "the card was sent something"; bad=1; }
	return $bad
}

# The license that the store has serves, and costs nothing.
serves_for_nothing() {
	local n
	standin_switches
	rm -f chip/flash.bin
	n=$(left)
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

# Waits until the card is asked for a license; it may have counted already.
issuing() {
	local i
	for ((i = 0; i < 400; i++)); do
		! grep -q "^$ISSUE" world/journal || return 0
		sleep 0.02
	done
	return 1
}

# counted LEFT: waits until the card has so many units.
counted() {
	local i
	for ((i = 0; i < 400; i++)); do
		[ "$(left)" != "$1" ] || return 0
		sleep 0.02
	done
	return 1
}

# The vendor's program that is at work, and the keeper that waits for it.
find_keeper() {
	TOOL_PID=$(pgrep -f "STM32_Programmer_CLI $ISSUE $HL_DIR/")
	KEEPER=$(ps -o ppid= -p "$TOOL_PID" | tr -d ' ')
	[ "$(cat "/proc/$KEEPER/comm")" = hsmlic ]
	[ "$KEEPER" != "$FLASH" ]
}

# ---- the vendor's program is a script ------------------------------------------

# program LINE...: a program that runs LINE... instead of giving a license;
# there, $3 is the file to write.
program() {
	{
		printf '%s\n' "#!/bin/sh" \
			"[ \"\$1\" = $ISSUE ] || exec \"$REAL\" \"\$@\"" "$@"
	} >STM32_Programmer_CLI
	chmod +x STM32_Programmer_CLI
	export STM32CUBEPRG_CLI=$HL_DIR/STM32_Programmer_CLI
}
