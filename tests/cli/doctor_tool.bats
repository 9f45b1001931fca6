# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2016,SC2030,SC2031
# What doctor says of ST's command line tool. The tool is stood in for by a
# script that prints a help text and nothing else.

bats_require_minimum_version 1.5.0
: "${HSMLIC_BIN:?is to be the bin folder of a build}"

setup() {
	PATH=$HSMLIC_BIN:$PATH
	cd "$BATS_TEST_TMPDIR" || return
	export HSMLIC_STORE=$PWD/store.db XDG_CONFIG_HOME=$PWD HOME=$PWD
	unset STM32CUBEPRG_CLI STM32_CUBE_PROGRAMMER_DIR
	hsmlic-sim card new card --firmware f --capacity 3
	mkdir -p st/bin
	TOOL=$PWD/st/bin/STM32_Programmer_CLI
}

# tool LINE...: one whose --help prints these.
tool() {
	{
		echo '#!/bin/sh'
		echo '[ "$1" = --help ] || [ "$1" = -h ] || exit 1'
		printf "echo '%s'\n" "$@"
	} >"$TOOL"
	chmod +x "$TOOL"
}

# doctor EXIT: its line about the tool is in $line, as "RESULT: DETAIL"
doctor() {
	run "-$1" --separate-stderr hsmlic doctor --card sim:card --json
	line=$(jq -r '.checks[] | select(.name == "STM32_Programmer_CLI") |
		.result + ": " + .detail' <<<"$output")
	echo "$line"
}

@test "doctor: where there is no tool, it is said for what it would be needed" {
	[ ! -e /opt/st ] && [ ! -e /opt/STMicroelectronics ] &&
		[ ! -e /usr/local/STMicroelectronics ] || skip "there is one"
	doctor 0
	[[ $line == "skipped: "*"none of the usual places"*"genuine STM32HSM"* ]]
}

@test "doctor: a tool, and whether it needs the chip for a license" {
	tool ' -hsmgetlicensefromcertifbin, -hsmglfcb : Get a license'
	export STM32_CUBE_PROGRAMMER_DIR=$PWD/st
	doctor 0
	[[ $line == "ok: found at $TOOL; its help names "* ]]
	tool ' -hsmgetlicense             : Get a license for the current chip'
	doctor 0
	[[ $line == "ok: found at $TOOL; its help does not name "*connected* ]]
}

@test "doctor: a tool that does not start is a failure" {
	tool ''
	echo 'echo "libcrypto.so.1.0.0: cannot open" >&2; exit 127' >"$TOOL.s"
	{ echo '#!/bin/sh'; cat "$TOOL.s"; } >"$TOOL"
	export STM32CUBEPRG_CLI=$TOOL
	doctor 1
	[[ $line == "FAILED: found at $TOOL, but: "* ]]
}

@test "doctor: a tool that somebody named has to be there" {
	export STM32CUBEPRG_CLI=$PWD/elsewhere
	doctor 1
	[[ $line == "FAILED: "*"$PWD/elsewhere"* ]]
}

@test "doctor: a tool that hangs does not hold it up" {
	printf '#!/bin/sh\nexec sleep 60\n' >"$TOOL"
	chmod +x "$TOOL"
	export STM32CUBEPRG_CLI=$TOOL HSMLIC_TIMEOUT=2
	SECONDS=0
	doctor 1
	[[ $line == "FAILED: "* ]]
	[ "$SECONDS" -lt 10 ]
}
