# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# While the vendor's program asks a card, PC/SC keeps nobody off it: processes of
# ours wait for each other, even when they know nothing of each other's store.

load lib

setup() { hl_setup; }
teardown() { hl_teardown; }

left() { hsmlic-sim card show "$HL_DIR/card" --json | jq .counter; }

@test "two stores at one card: no request of one falls into another's" {
	standin_world
	hsmlic-sim card new "$HL_DIR/card" --firmware FW-A --capacity 20 \
		>/dev/null
	start_pcscd unix
	start_hsm 0 "$HL_DIR/card"
	standin_switches slow=300
	for n in 1 2 3 4; do
		hsmlic-sim chip new "$HL_DIR/chip$n" >/dev/null
		standin_chip "$HL_DIR/chip$n" "$n"
		hl_spawn "$HL_DIR/get$n.log" hsmlic get --store "$HL_DIR/store$n" \
			--target "stm32prog:port=SWD,sn=$n" --yes --json
		pids[n]=$HL_PID
	done
	for n in 1 2 3 4; do
		hl_stop "${pids[n]}" 0
		[ "$HL_STATUS" = 0 ]
		# One that waited saw the card as it was after the others.
		run -0 bash -c "grep -h '^{' $HL_DIR/get$n.log |
			jq '.counter_before - .counter_after'"
		[ "$output" = 1 ]
	done
	[ "$(left)" = 16 ]
}
