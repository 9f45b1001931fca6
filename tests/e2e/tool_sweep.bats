# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# A get killed at system calls, while the vendor's program (a stand-in) asks the
# card; see tests/fault/kill_sweep.c. EVERY=1 takes them all, which lasts long.

load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export XDG_CONFIG_HOME=$HL_DIR/config HSMLIC_RESCUE_DIR=$HL_DIR/rescue
	# The search for leaks does not work in a process that is traced.
	export ASAN_OPTIONS=detect_leaks=0
	mkdir work
	standin_world "$HL_DIR/work/world"
	standin_switches -hsmgetlicensefromcertifbin:slow-write=15
	start_pcscd unix
	start_card 0 stm32hsm-card --apdus "$HL_DIR/apdus0"
}

teardown() { hl_teardown; }

@test "killed at system calls, but the program goes on: no unit is lost" {
	run -0 kill-sweep "$HSMLIC_BIN" work tool "${EVERY:-97}"
	[[ $output == *" 0 units lost, 0 breaches" ]]
	[ ! -s apdus0 ]
}

@test "killed with all that it has started: the accounts agree" {
	standin_switches -hsmgetlicensefromcertifbin:slow-write=15
	run -0 kill-sweep "$HSMLIC_BIN" work tool-all
	[[ $output == *" 0 breaches" ]]
	[ ! -s apdus0 ]
}
