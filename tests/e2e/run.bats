# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# A card that its vendor's program asks, and the command lines of that program.
# The card in the reader is a stand-in with the ATR of an STM32HSM and nothing
# behind it; the STM32_Programmer_CLI is the stand-in of tests/standin, which
# takes its licenses from a software card. Nothing here is a genuine one.

load lib

setup() {
	hl_setup
	WORLD=$HL_DIR/world
	export STM32CLI_STANDIN=$WORLD HSMLIC_STORE=$HL_DIR/store.db
	TOOL=$HSMLIC_BIN/../tests/standin
	unset STM32CLI_SWITCHES STM32CUBEPRG_CLI STM32_CUBE_PROGRAMMER_DIR
	mkdir "$WORLD"
	hsmlic-sim card new "$HL_DIR/card" --firmware FW-A --capacity 20 \
		>/dev/null
	hsmlic-sim chip new "$WORLD/chip" >/dev/null
	ln -s "$HL_DIR/card" "$WORLD/card-1"
	echo firmware >"$HL_DIR/fw.bin"
	hsmlic-sim image new "$HL_DIR/out.sfi" --card "$HL_DIR/card" \
		--in "$HL_DIR/fw.bin" >/dev/null
	PATH=$TOOL:$PATH
}

teardown() { hl_teardown; }

# What the card has left; no other program may have it meanwhile.
left() { hsmlic-sim card show "$HL_DIR/card" --json | jq .counter; }

# The user's script, as ST's documents write it. $1: what stands before.
script() {
	cat >"$HL_DIR/flash.sh" <<END
#!/bin/sh
cd "$HL_DIR" || exit
$1STM32_Programmer_CLI -c port=swd mode=HOTPLUG -sfi protocol=static out.sfi hsm=1 slot=1 -rsse rsse.bin
END
	chmod +x "$HL_DIR/flash.sh"
	touch "$HL_DIR/rsse.bin"
}

with_card() {
	start_pcscd unix
	start_card 0 stranger-card --history HSM_SFI_20
}

@test "ten runs of a script on one chip cost one unit, and ten without" {
	with_card
	script ""
	for _ in 1 2 3 4 5 6 7 8 9 10; do "$HL_DIR/flash.sh"; done
	[ "$(left)" = 10 ]
	script "hsmlic run -- "
	for _ in 1 2 3 4 5 6 7 8 9 10; do "$HL_DIR/flash.sh"; done
	[ "$(left)" = 9 ]
	run -0 hsmlic status --json
	hsmlic store check
}

