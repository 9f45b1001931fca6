# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# The programming flow: what becomes of a license once it is got.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nothing
	unset HSMLIC_STORE HSMLIC_CARD HSMLIC_TARGET
}

teardown() {
	hl_teardown
}

# ---- explain -----------------------------------------------------------------

RSS='Error: Execution of RSS CMD failed, returned value = 0x1'

@test "explain: a line as an operand, in quotes and without" {
	run -0 --separate-stderr hsmlic explain "$RSS"
	[[ $output == *"[rss-cmd-failed-0x1]"* ]]
	[[ $output == *"RDP level 0"* && $output == *"ST staff"* ]]
	[[ $output == *"source: https://community.st.com/"*"td-p/635458"* ]]
	[ -z "$stderr" ]
	first=$output
	# shellcheck disable=SC2086
	run -0 --separate-stderr hsmlic explain $RSS
	[ "$output" = "$first" ]
	[ ! -e state ]
}

@test "explain: a whole log on standard input" {
	printf '%s\r\n' '17:23:40 : Download in Progress:' \
		'17:23:46 : Error: Failed to get RSSe Status!' \
		'17:23:46 : Error: Cannot launch RSSe...' >log
	run -0 --separate-stderr hsmlic explain <log
	[ "$(grep -c '^"' <<<"$output")" = 2 ]
	first=$output
	run -0 --separate-stderr hsmlic explain - <log
	[ "$output" = "$first" ]
	run -0 --separate-stderr hsmlic explain --json <log
	[ "${#lines[@]}" = 1 ]
	jq -e '.schema == "hsmlic/explain/1" and
		(.explanations | map(.id)) ==
			["rsse-status", "cannot-launch-rsse"] and
		(.explanations | all(.next != [] and .sources != [] and
			.doubts_license == false))' <<<"$output"
}

@test "explain: a log that is named as an operand is read" {
	printf '%s\n' 'Download in Progress:' "$RSS" >programmer.log
	run -0 --separate-stderr hsmlic explain programmer.log
	[[ $output == *"[rss-cmd-failed-0x1]"* ]]
	# Any other word is text.
	run -1 --separate-stderr hsmlic explain nothere.log
	[[ $output == "nothing is known"* ]]
	run -0 hsmlic explain programmer.log "$RSS"
}

@test "explain: what several lines have in common is said once" {
	printf '%s\n' 'Error: SECURITY State Fail' \
		'Error: Invalid state after SFI install' >log
	run -0 hsmlic explain <log
	[ "$(grep -c '^"' <<<"$output")" = 2 ]
	[ "$(grep -c 'next:   try again with the license' <<<"$output")" = 1 ]
	[ "$(grep -c 'next:   before an install' <<<"$output")" = 1 ]
	[ "$(grep -c 'cause:  none is known' <<<"$output")" = 2 ]
	# To use the license again is no advice where it is doubted.
	echo 'RSS internal system error or License is invalid' >>log
	run -0 hsmlic explain <log
	[ "$(grep -c '^"' <<<"$output")" = 3 ]
	[[ $output != *"try again"* ]]
	# In a list each is read for itself.
	run -0 hsmlic explain --list
	[ "$(grep -c 'next:   try again with the license' <<<"$output")" -gt 5 ]
}

@test "explain: what nobody knows is not made up" {
	run -1 --separate-stderr hsmlic explain 'Error: HSM counter is zero'
	[[ $output == "nothing is known"* ]]
	[ "${#lines[@]}" = 1 ]
	[ -z "$stderr" ]
	run -1 --separate-stderr hsmlic explain --json </dev/null
	[ "$(jq -c . <<<"$output")" = \
		'{"schema":"hsmlic/explain/1","explanations":[]}' ]
}

@test "explain: one message that may mean the license says so" {
	run -0 hsmlic explain --json \
		'Error: RSS internal system error or License is invalid !'
	jq -e '.explanations | length == 1 and .[0].doubts_license' \
		<<<"$output"
	run -0 hsmlic explain \
		'Error: RSS internal system error or License is invalid !'
	[[ $output == *"keep the license"* ]]
}

@test "explain: --list shows all, each with its sources" {
	run -0 --separate-stderr hsmlic explain --list --json
	jq -e '.explanations | length >= 15 and
		all(.sources != []) and
		(map(.id) | unique | length) == length' <<<"$output"
	run -0 hsmlic explain --list
	[[ $output == *"[failed-to-reconnect]"*"[libcrypto-1.0.0]"* ]]
	run -2 --separate-stderr hsmlic explain --list text
	[[ $stderr == *"--list"* ]]
}

@test "explain: a text that cannot be read is an error" {
	run -5 --separate-stderr hsmlic explain <.
	[[ $stderr == *"read standard input"* ]]
}
