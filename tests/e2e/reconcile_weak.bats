# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2034,SC2153,SC2154
# reconcile of cards that tell no serial number, asked by the vendor's program.

load lib
load faults

# json CODE [OPTION...]
json() {
	run "-$1" --separate-stderr hsmlic reconcile "${@:2}" --json
	jq -e '[.cards[], .total] | all(.provisioned == .left + .issued +
		.issued_bad + .lost + .imported + .signed_off + .difference)' \
		<<<"$output" >/dev/null || { echo "$output"; return 1; }
}

is() {
	local have
	have=$(jq -c "$2" <<<"$output")
	[ "$have" = "$1" ] || { echo "$2: $have, not $1"; echo "$output"; return 1; }
}

@test "lost in a crash: in doubt, then accounted for as lost" {
	while_issuing slow-write=2000
	flash_in_background
	counted 19
	find_keeper
	kill -KILL "$KEEPER" "$TOOL_PID"
	hl_stop "$FLASH" KILL
	all_quiet
	standin_switches
	json 1
	is '[[["in_doubt",1]],false]' '[[.cards[0].classes[] |
		[.class, .difference]], .ok]'
	is true '.cards[0].open_issue != null'
	run -1 hsmlic reconcile
	[[ $output == *"a request is in doubt: run hsmlic recover"* ]]
	hsmlic recover >/dev/null
	json 0
	is "[20,$(left),$(left),0,1,0]" '.cards[0] | [.provisioned, .left,
		.counter, .issued, .lost, .difference]'
	flash --yes
	[ "$STATUS" = 0 ]
	json 0
	is "[$(left),1,1]" '.cards[0] | [.counter, .issued, .lost]'
}

@test "while a request is at work, its card is not judged" {
	while_issuing slow=4000
	flash_in_background
	issuing
	json 0 --timeout 1
	is '[true,null,0,true]' '[.cards[0].in_progress, .cards[0].counter,
		.cards[0].difference, .ok]'
	hl_stop "$FLASH" 0
	[ "$HL_STATUS" = 0 ]
	standin_switches
	json 0
	is "[$(left),1,0]" '.cards[0] | [.counter, .issued, .difference]'
}

@test "fewer units than expected: it may be another card, unless it is named" {
	flash --yes
	[ "$STATUS" = 0 ]
	hsmlic card list --json | jq -e '.cards[0].known' >/dev/null
	label=$(hsmlic card list --json | jq -r '.cards[0].label')
	HSMLIC_STORE=$HL_DIR/other.db STM32CLI_STANDIN=$WORLD hsmlic get --yes \
		--target stm32prog:port=swd -o other.lic >/dev/null
	[ "$(left)" = 18 ]
	json 1
	is "[18,19,[[\"outside\",1]]]" '.cards[0] | [.counter, .expected_counter,
		[.classes[] | [.class, .unrecorded]]]'
	# So nobody can sign it off yet.
	run -1 --separate-stderr hsmlic reconcile --all --sign-off x --yes
	[[ $stderr == *"there is nothing to sign off"* ]]
	json 0 "$label" --sign-off "the other desk" --yes
	is '[18,18,1,0]' '.cards[0] | [.counter, .expected_counter, .signed_off,
		.difference]'
	hsmlic store check
}
