# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2034,SC2153,SC2154
# hsm=1 is the permission to spend once a chip: a unit that is found lost on the
# way to a new request, without recover in between, is not made up for unasked.
# And what a card says is never taken for what another one says.

load lib
load faults

# Killed with keeper and program when the card has counted: the unit is lost.
lose_a_unit() {
	while_issuing slow-write=2000
	flash_in_background
	counted 19
	find_keeper
	kill -KILL "$KEEPER" "$TOOL_PID"
	hl_stop "$FLASH" KILL
	all_quiet
	standin_switches
}

# Killed when the program had written half of the license.
half_a_license() {
	while_issuing slow=300 kill-mid-write
	flash_in_background
	issuing
	hl_stop "$FLASH" KILL
	all_quiet
	standin_switches
}

issues() {
	sql "SELECT state || ' ' || ifnull(units, '-') FROM issues ORDER BY n"
}

@test "a lost unit is found on the way to the next run: it asks first" {
	lose_a_unit
	flash
	failed_with 4 0 "has cost 1 unit" "hsmlic run --yes"
	[ "$(left)" = 19 ]
	[ "$(issues)" = "lost_or_outside 1" ]
	# Said once more, it may.
	flash --yes
	[ "$STATUS" = 0 ]
	[ "$(left)" = 18 ]
}

@test "half a license is found on the way to the next run: it asks first" {
	half_a_license
	flash
	[ "$STATUS" = 4 ]
	[ "$(left)" = 19 ]
	[ "$(issues)" = "issued_bad 1" ]
	[ "$(sql "SELECT state FROM licenses")" = suspect ]
}

@test "a yes that waited does not count when the unit waited for is lost" {
	stop_hsm 0
	stop_pcscd
	READER=() READER_AT=() READER_SOCK=() CARD_PID=()
	hsmlic-sim card new cardB --firmware FW-A --capacity 15 >/dev/null
	start_pcscd unix unix
	start_hsm 0 card 1
	start_hsm 1 cardB 2
	hsmlic card add --slot 1 --label A "reader:${READER[0]}" >/dev/null
	hsmlic card add --slot 2 --label B --firmware FW-A \
		"reader:${READER[1]}" >/dev/null
	while_issuing slow=1500 no-license-file
	hl_spawn one.log hsmlic run --card A -- "${SCRIPT[@]}"
	one=$HL_PID
	issuing
	standin_switches
	hl_spawn two.log hsmlic run --card B -- "${SCRIPT[@]}"
	two=$HL_PID
	hl_stop "$one" 0
	[ "$HL_STATUS" != 0 ]
	hl_stop "$two" 0
	[ "$HL_STATUS" = 4 ]
	[ "$(left card)" = 19 ]
	[ "$(left cardB)" = 15 ]
}

@test "an open request is not settled with another card of its kind" {
	hsmlic-sim card new cardB --firmware FW-A --capacity 15 >/dev/null
	hsmlic card add --label A >/dev/null
	while_issuing hang-before-license
	flash_in_background --timeout 5
	issuing
	hl_stop "$FLASH" KILL
	all_quiet
	standin_switches
	stop_hsm 0
	start_hsm 0 cardB
	run -6 --separate-stderr hsmlic recover
	[[ $output == *"stays open"*"another card"* ]]
	flash
	[ "$STATUS" != 0 ]
	[ "$(left cardB)" = 15 ]
	[ "$(sql "SELECT last_counter FROM cards WHERE label = 'A'")" = 20 ]
	stop_hsm 0
	start_hsm 0 card
	flash
	[ "$STATUS" = 0 ]
	[ "$(left)" = 19 ]
	[ "$(issues | tr '\n' ,)" = "not_spent 0,issued 1," ]
}

@test "taken back without its card, a license says nothing of the counter" {
	while_issuing slow-write=700
	flash_in_background
	counted 19
	hl_stop "$FLASH" KILL
	all_quiet
	standin_switches
	stop_hsm 0
	run -0 hsmlic recover
	[[ $output == *"issued: the license is back"* ]]
	[ "$(sql "SELECT last_counter FROM cards")" = 19 ]
	start_hsm 0 card
	flash
	[ "$STATUS" = 0 ]
	[ "$(left)" = 19 ]
}

@test "what is written off takes its bytes along, and costs a question" {
	half_a_license
	stop_hsm 0
	hsmlic recover || true
	id=$(basename "$(echo store.db.d/spool/*.suspect)" .suspect)
	run -0 hsmlic recover --write-off "$id" --reason gone --yes
	[ "$(issues)" = "issued_bad 1" ]
	[ "$(sql "SELECT state FROM licenses")" = suspect ]
	[ ! -e "store.db.d/spool/$id.suspect" ]
	start_hsm 0 card
	flash
	[ "$STATUS" = 4 ]
	[ "$(left)" = 19 ]
}

# The card counts; its license is in the file "real".
count() {
	echo "\"$REAL\" -hsmglfcb \"\$2\" $HL_DIR/real \"\$4\" >/dev/null"
}

@test "another card was there when the answer came: the next run asks first" {
	hsmlic-sim card new card2 --firmware FW-A --capacity 9 >/dev/null
	while_issuing slow-write=900
	flash_in_background --timeout 9
	counted 19
	stop_hsm 0
	start_hsm 0 card2
	hl_stop "$FLASH" 0
	[ "$HL_STATUS" = 6 ]
	standin_switches
	stop_hsm 0
	start_hsm 0 card
	flash
	[ "$STATUS" = 4 ]
	[ "$(left)" = 19 ]
}

@test "words of failure behind all that is kept: half a license is suspect" {
	for bytes in 400000 5000000; do
		program "$(count)" "head -c 60 $HL_DIR/real >\"\$3\"" \
			"yes progress | head -c $bytes" \
			'echo; echo "Error: could not be written"' "exit 0"
		flash
		[ "$STATUS" = 6 ]
		[ "$(issues)" = "issued_bad 1" ]
		[ "$(sql "SELECT state FROM licenses")" = suspect ]
		[ "$bytes" = 400000 ] || break
		rm -rf store.db* chip
		hsmlic-sim chip new chip >/dev/null
		hsmlic store init >/dev/null
	done
	[ "$(left)" = 18 ]
}

@test "a license that comes when all is over is told of, and can be taken in" {
	program "$(count)" "setsid sh -c 'sleep 1; cp $HL_DIR/real '\"\$3\" \
		>/dev/null 2>&1 &" "sleep 0.3"
	flash
	[ "$STATUS" = 6 ]
	[ "$(issues)" = "lost_or_outside 1" ]
	for ((n = 0; n < 100; n++)); do
		cmp -s real store.db.d/spool/*.tool.license && break
		sleep 0.1
	done
	run -6 --separate-stderr hsmlic recover
	[[ $stderr == *"wrote 1 license too late"*"hsmlic license import"* ]]
	cp store.db.d/spool/*.tool.license late.bin
	hsmlic license import late.bin --cert chip/certificate.bin \
		--firmware FW-A
	run -0 hsmlic recover
	[ -z "$(ls store.db.d/spool/*.tool.license 2>/dev/null)" ]
	unset STM32CUBEPRG_CLI
	flash
	[ "$STATUS" = 0 ]
	[ "$(left)" = 19 ]
}

@test "a license is paid for only where it can be written" {
	mkdir folder
	run -2 --separate-stderr hsmlic run -- STM32_Programmer_CLI \
		-hsmglfcb chip/certificate.bin folder slot=1
	[[ $stderr == *"no regular file"* ]]
	cp chip/certificate.bin c
	run -2 --separate-stderr hsmlic run -- STM32_Programmer_CLI \
		-hsmglfcb c c slot=1
	[[ $stderr == *"would replace the certificate"* ]]
	[ "$(left)" = 20 ]
}

@test "a counter that is read lower once is not believed" {
	flash
	rm -rf chip
	hsmlic-sim chip new chip >/dev/null
	cat >once <<-END
		#!/bin/sh
		[ "\$1" = -hsmgetinfo ] && [ ! -e seen ] || exec "$REAL" "\$@"
		: >seen
		"$REAL" "\$@" | sed 's/: 19\$/: 3/'
	END
	chmod +x once
	cp once STM32_Programmer_CLI
	export STM32CUBEPRG_CLI=$HL_DIR/STM32_Programmer_CLI
	run -3 --separate-stderr hsmlic get --cert chip/certificate.bin --yes
	[[ $stderr == *"was read as 3, and then not again"* ]]
	[ "$(sql "SELECT last_counter FROM cards")" = 19 ]
	unset STM32CUBEPRG_CLI
	flash
	[ "$STATUS" = 0 ]
	[ "$(left)" = 18 ]
}
