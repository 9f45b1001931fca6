# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# A card that tells no serial number: which one it is, in which slot, and what
# is said where that is not sure. Cards and tool are stand-ins (tests/standin).
load lib

CLI=STM32_Programmer_CLI

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	card a
	standin_world
}

# Whatever was done: not one command was sent to a card in a reader.
teardown() {
	local f
	for f in "$HL_DIR"/apdus*; do
		[ ! -s "$f" ] || {
			echo "commands reached a card: $f"
			cat "$f"
			HL_SENT=1
		}
	done
	hl_teardown
	[ -z "${HL_SENT:-}" ]
}

# card FILE [CAPACITY [IDENTIFIER]]: the card behind the tool.
card() {
	hsmlic-sim card new "$1" --firmware "${3:-FW-A}" \
		--capacity "${2:-20}" >/dev/null
}

left() { # what the card itself says
	hsmlic-sim card show "$1" --json | jq .counter
}

# get STATUS CHIP [OPTION...]: of the chip with that number.
get() {
	local want=$1 chip=$2
	shift 2
	[ -e "chip$chip" ] ||
		hsmlic-sim chip new "chip$chip" --seed "$chip" >/dev/null
	run "-$want" --separate-stderr hsmlic get --yes -o "lic$chip" \
		--cert "chip$chip/certificate.bin" "$@"
}

# outside SLOT [TIMES]: somebody uses the tool without us.
outside() {
	local i
	[ -e other ] || hsmlic-sim chip new other --seed 999 >/dev/null
	for ((i = 0; i < ${2:-1}; i++)); do
		$CLI -hsmglfcb other/certificate.bin other.lic slot="$1" \
			>/dev/null
	done
}

# known LABEL JQ: what the store says of that card, wherever it is.
known() {
	hsmlic card list --json 2>/dev/null | jq -r --arg l "$1" \
		".cards[] | select(.label == \$l) | $2"
}

# refused WHY HINT: an error is two lines, and nothing was spent.
refused() {
	[ "${#stderr_lines[@]}" -eq 2 ]
	[[ ${stderr_lines[0]} == "hsmlic: "*"$1"* ]]
	[[ ${stderr_lines[1]} == "hsmlic: hint: "*"$2"*"(nothing was spent)" ]]
}

# figure NAME: of this week.
figure() {
	hsmlic status --json | jq ".week.$1"
}

@test "the first get makes the card known, by its identifier as its label" {
	start_pcscd unix
	start_hsm 0 a
	get 0 1 --json
	[ "$(jq -c '[.source, .units_spent, .counter_before, .counter_after,
		.card.label, .card.serial, .firmware]' <<<"$output")" = \
		'["card",1,20,19,"FW-A",null,"FW-A"]' ]
	[ "$(left a)" = 19 ]
	cp lic1 first
	# The same card again.
	get 0 2 --json
	[ "$(jq -c '[.card.label, .counter_after]' <<<"$output")" = \
		'["FW-A",18]' ]
	get 0 1 --json
	[ "$(jq -c '[.source, .units_spent]' <<<"$output")" = '["store",0]' ]
	cmp lic1 first
	[ "$(left a)" = 18 ]
	hsmlic store check
}

@test "what is shown of a card without a serial number" {
	start_pcscd unix
	start_hsm 0 a
	run -0 --separate-stderr hsmlic card add --label "card of shelf 3"
	[ "$output" = 'card "card of shelf 3" added: firmware "FW-A", 20 left' ]
	run -0 hsmlic card list --json
	want='["card of shelf 3",null,"stm32hsm","OPERATIONAL_STATE","SFI",20,20,
		null,true,true,null]'
	what='[.label, .serial, .driver, .state, .type, .counter,
		.expected_counter, .capacity, .present, .known, .warning]'
	[ "$(jq -c ".cards[] | $what" <<<"$output")" = "$(jq -c . <<<"$want")" ]
	run -0 hsmlic card show "card of shelf 3" --json
	[ "$(jq -c "$what" <<<"$output")" = "$(jq -c . <<<"$want")" ]
	run -0 hsmlic card show
	[[ $output == *"it tells none: known by its label"* ]]
	get 0 1 --card "card of shelf 3" --json
	[ "$(jq -c .card.serial <<<"$output")" = null ]
	run -0 hsmlic status
	[[ $output == *'"card of shelf 3"'*"19 left"* ]]
	run -0 hsmlic status --json
	[ "$(jq -c '.cards[] | [.label, .serial]' <<<"$output")" = \
		'["card of shelf 3",null]' ]
	# Without the card: as it was seen last.
	stop_hsm 0
	run -0 hsmlic card show "card of shelf 3"
	[[ $output == *"it tells none"* ]]
	[[ $output == *"19 (when seen last)"* ]]
}

@test "its label is what it is known by: it can be changed, not taken away" {
	start_pcscd unix
	start_hsm 0 a
	run -0 hsmlic card add
	run -2 --separate-stderr hsmlic card label FW-A ""
	refused "its label is what it is known by" "another label"
	run -0 hsmlic card label FW-A A
	[ "$output" = 'card "FW-A" is now "A"' ]
	[ "$(known A .counter)" = 20 ]
	for label in slot:1 reader:x sim:y 0102030405060708; do
		run -2 --separate-stderr hsmlic card label A $label
		refused "would be taken for another card" "choose a label"
	done
}

@test "units that left it elsewhere are noted and recorded" {
	start_pcscd unix
	start_hsm 0 a
	get 0 1
	outside 1 3
	get 0 2
	[[ $stderr == *"note: 3 units left card FW-A outside of this store"* ]]
	[ "$(known FW-A .expected_counter)" = 15 ]
	[ "$(figure outside)" = 3 ]
	[ "$(figure spent)" = 2 ]
	# Seen by a look at it, too.
	outside 1
	run -0 --separate-stderr hsmlic card list
	[[ $stderr == *"1 unit left this card outside of this store"* ]]
	[ "$(known FW-A .expected_counter)" = 14 ]
	[ "$(figure outside)" = 4 ]
	hsmlic store check
}
