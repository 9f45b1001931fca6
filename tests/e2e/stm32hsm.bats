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
	hsmlic store init >/dev/null
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
	# What no name is known for is named by its place.
	get 0 1 --dry-run
	[[ $output == *'20 licenses of the card in "Test 0 unix'* ]]
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

@test "a card that a get made known gets its label, and its slot, afterwards" {
	start_pcscd unix
	start_hsm 0 a
	get 0 1
	run -0 --separate-stderr hsmlic card add --slot 1 --label L --dry-run
	[[ $stderr == *'would label it "L"'* ]]
	[ "$(sqlite3 "$HSMLIC_STORE" "SELECT count(*) FROM slots")" = 0 ]
	run -0 --separate-stderr hsmlic card add --slot 1 --label L
	[[ $stderr == *'"FW-A" was known already, and is now "L"'* ]]
	[[ $stderr == *'slot=1 of STM32_Programmer_CLI is "Test 0'* ]]
	run -0 hsmlic card list --json
	[ "$(jq -c '[.cards[] | [.label, .counter]]' <<<"$output")" = \
		'[["L",19]]' ]
	# One that a person chose stays; the slot is recorded all the same.
	sqlite3 "$HSMLIC_STORE" "DELETE FROM slots"
	run -2 --separate-stderr hsmlic card add --slot 1 --label M
	[[ $stderr == *"is known already"*"hsmlic card label"* ]]
	[ "$(sqlite3 "$HSMLIC_STORE" "SELECT slot FROM slots")" = 1 ]
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
	# A look books nothing: it may be another card. By its label it is said.
	outside 1
	run -0 --separate-stderr hsmlic card list
	[[ $stderr == *"1 unit fewer than expected (15 expected, 14 there)"* ]]
	[ "$(known FW-A .expected_counter)" = 15 ]
	run -0 --separate-stderr hsmlic card list --card FW-A
	[[ $stderr == *"1 unit left this card outside of this store"* ]]
	[ "$(known FW-A .expected_counter)" = 14 ]
	[ "$(figure outside)" = 4 ]
	hsmlic store check
}

@test "another card with fewer units is made known without harm to the first" {
	start_pcscd unix
	card b 15
	start_hsm 0 a
	run -0 hsmlic card add --label A
	stop_hsm 0
	start_hsm 0 b
	run -0 --separate-stderr hsmlic card add --label B --firmware FW-A
	[ "$(known A .expected_counter)" = 20 ]
	[ "$(known B .expected_counter)" = 15 ]
	[ "$(figure outside)" = 0 ]
	stop_hsm 0
	start_hsm 0 a
	get 0 1
	[ "$(known A .expected_counter)" = 19 ]
}

@test "a counter above the expected one is another card, and a person says which" {
	start_pcscd unix
	card b 25
	card c 30
	start_hsm 0 a
	get 0 1
	stop_hsm 0
	start_hsm 0 b
	get 2 2
	refused 'its counter (25 left), none of the known cards' \
		"card add --label LABEL --firmware FW-A if the same"
	run -2 --separate-stderr hsmlic card add
	refused "none of the known cards" "--new-firmware NAME if another"
	run -2 --separate-stderr hsmlic card add --label B
	refused "two keys can bear one identifier" "--firmware FW-A"
	run -2 --separate-stderr hsmlic card add --label FW-A --firmware FW-A
	refused '"FW-A" had 19 when it was seen last' "another card"
	[ "$(hsmlic card list --json | jq '[.cards[] | select(.known)] |
		length')" = 1 ]
	[ "$(left b)" = 25 ]
	# The same key.
	run -0 hsmlic card add --label B --firmware FW-A
	get 0 2 --json
	[ "$(jq -c '[.firmware, .card.label, .counter_after]' <<<"$output")" = \
		'["FW-A","B",24]' ]
	# Another key under the same identifier.
	stop_hsm 0
	start_hsm 0 c
	get 2 3
	run -0 hsmlic card add --label C --new-firmware "FW-A of June"
	rm lic1
	get 0 1 --json
	[ "$(jq -c '[.firmware, .source, .card.label]' <<<"$output")" = \
		'["FW-A of June","card","C"]' ]
	[ "$(left a)" = 19 ]
	[ "$(left c)" = 29 ]
	# The first one is known again when it comes back.
	stop_hsm 0
	start_hsm 0 a
	get 0 4 --json
	[ "$(jq -c '[.card.label, .counter_after]' <<<"$output")" = \
		'["FW-A",18]' ]
	[ "$(figure outside)" = 0 ]
	hsmlic store check
}

@test "two that look the same: one has to be named" {
	start_pcscd unix
	card b
	card c
	start_hsm 0 a
	run -0 hsmlic card add --label A
	stop_hsm 0
	start_hsm 0 b
	run -2 --separate-stderr hsmlic card add --label B
	refused 'card "A" is known already' "another one that looks the same"
	run -0 hsmlic card add --label B --firmware FW-A
	get 2 1
	refused 'it could be "A" or "B"' "--card LABEL"
	get 2 1 --firmware FW-A
	get 3 1 --card X
	refused 'answers to "X"' "card list"
	run -0 --separate-stderr hsmlic card list --json
	[ "$(jq -c '[.cards[] | [.label, .present, .known]]' <<<"$output")" = \
		'[[null,true,false],["A",false,true],["B",false,true]]' ]
	[[ $(jq -r '.cards[0].warning' <<<"$output") == *'"A" or "B"'* ]]
	run -0 hsmlic card list
	[[ $output == *"perhaps in ${READER[0]}"* ]]
	# A third one, while it is not sure which of two this is.
	stop_hsm 0
	start_hsm 0 c
	run -0 hsmlic card add --label C --firmware FW-A
	get 2 1
	refused 'could be "A" or "B" or 1 more' "--card LABEL"
	[ "$(left c)" = 20 ]
	# Named, and from then on told by its counter.
	get 0 1 --card C --json
	[ "$(jq -c '[.card.label, .counter_after]' <<<"$output")" = '["C",19]' ]
	get 0 2 --json
	[ "$(jq -c '[.card.label, .counter_after]' <<<"$output")" = '["C",18]' ]
	get 2 3 --card A
	refused 'by its counter it is "C", not "A" (20 expected)' "is meant"
	[ "$(left c)" = 18 ]
	# The label of one that had more: spent elsewhere, as somebody says.
	outside 1 1
	get 2 3
	refused '"A" or "B"' "--card LABEL"
	get 0 3 --card C
	[[ $stderr == *"1 unit left card C outside of this store"* ]]
	[ "$(known C .expected_counter)" = 16 ]
	hsmlic store check
}

@test "a license that is there needs no certainty which card of a key it is" {
	start_pcscd unix
	card b
	card k
	start_hsm 0 a
	get 0 1
	run -0 hsmlic card label FW-A A
	stop_hsm 0
	start_hsm 0 b
	run -0 hsmlic card add --label B --firmware FW-A
	get 0 2
	get 2 3 # both have 19
	refused '"A" or "B"' "--card LABEL"
	get 0 1 --json
	[ "$(jq -c '[.source, .units_spent]' <<<"$output")" = '["store",0]' ]
	cp lic1 before
	# With another key among them it does.
	stop_hsm 0
	start_hsm 0 k
	outside 1
	run -0 hsmlic card add --label K --new-firmware FW-K
	get 2 1
	refused '"A" or "B" or 1 more' "--card LABEL"
	cmp lic1 before
	[ "$(left k)" = 19 ]
}

@test "a retired card is known, and never spent from" {
	start_pcscd unix
	start_hsm 0 a
	get 0 1
	run -0 hsmlic card retire FW-A --yes
	get 4 2
	refused "card FW-A in" "use another card"
	refused "is retired" "licenses already in the store keep working"
	get 0 1 --json
	[ "$(jq -r .source <<<"$output")" = store ]
	# With fewer units it is not taken for it, nor for a new one.
	outside 1
	get 2 2
	refused "none of the known cards in use" "card add --label LABEL"
	get 4 2 --card FW-A
	refused "is retired" "use another card"
	[ "$(left a)" = 18 ]
}

# A in reader 0 (slot 2), its twin B in reader 1 (slot 1).
crosswise() {
	start_pcscd unix vpcd
	card b
	start_hsm 0 a 2
	start_hsm 1 b 1
	run -0 hsmlic card add --label A --slot 2 --card "reader:Test 0"
	run -0 hsmlic card add --label B --slot 1 --firmware FW-A \
		--card "reader:Test 1"
}

@test "several readers and no slot said: refused, with what to do" {
	start_pcscd unix vpcd
	start_hsm 0 a 1
	get 2 1
	refused "which slot=N of STM32_Programmer_CLI this one is was never" \
		"hsmlic card add --slot N"
	run -0 --separate-stderr hsmlic card list --json
	[ "$(jq -c '.cards[] | [.driver, .state, .present]' <<<"$output")" = \
		'["stm32hsm",null,true]' ]
	[[ $(jq -r '.cards[].error.hint' <<<"$output") == *"card slot"* ]]
	run -0 --separate-stderr hsmlic card list
	[ "$(grep -c '^hsmlic: hint: .*card slot' <<<"$stderr")" = 1 ]
	# The slot itself names the only card there is.
	get 0 1 --card slot:1
	card b
	start_hsm 1 b 2
	# Two of them, and one thing to do.
	run -0 --separate-stderr hsmlic card list
	[ "$(grep -c '^hsmlic: reader ' <<<"$stderr")" = 2 ]
	[ "$(grep '^hsmlic: hint: ' <<<"$stderr" | sort | uniq -d)" = "" ]
	[[ $stderr == *"hsmlic: hint: "*"card slot"* ]]
	get 2 2 --card slot:1
	refused "there are cards in several readers" "hsmlic card slot"
	[ "$(left a)" = 19 ]
	[ "$(left b)" = 20 ]
}

@test "no slot said and none needed: what fails is told by its own name" {
	start_pcscd unix
	start_hsm 0 a
	standin_switches -hsmgetlicensefromcertifbin:hang-before-license
	get 7 1 --timeout 4
	[[ ${stderr_lines[1]} == *"did not end in time"* ]]
	[[ $stderr != *"slot"* ]]
	standin_switches
	[ "$(left a)" = 20 ]
	get 0 1
}

@test "slots are not asked while a card makes a license" {
	local i
	start_pcscd unix
	start_hsm 0 a
	hsmlic-sim chip new chip1 --seed 1 >/dev/null
	standin_switches -hsmgetlicensefromcertifbin:slow=4000
	hl_spawn get.log hsmlic get --yes -o lic1 --cert chip1/certificate.bin
	for ((i = 0; i < 400; i++)); do
		! grep -qs "^-hsmgetlicensefrom" world/journal || break
		sleep 0.02
	done
	run -7 --separate-stderr hsmlic card slot --timeout 1
	[[ ${stderr_lines[0]} == *"find out the slots: another process"* ]]
	[[ ${stderr_lines[1]} == *--timeout*"nothing was spent"* ]]
	[[ $(tail -n 1 world/journal) == -hsmgetlicensefrom* ]]
	# With more time, behind it.
	run -0 hsmlic card slot
	[ "$output" = "slot=1 is \"${READER[0]}\"" ]
	hl_stop "$HL_PID" 0
	[ "$HL_STATUS" = 0 ]
	[ "$(left a)" = 19 ]
}

@test "the slot that falls silent is the reader whose card was taken out" {
	local i
	start_pcscd unix unix
	card b
	start_hsm 0 a 2
	start_hsm 1 b 1
	hl_spawn slot.log hsmlic card slot
	for ((i = 0; i < 400; i++)); do
		! grep -q "take one card out" slot.log || break
		sleep 0.02
	done
	stop_hsm 0
	wait "$HL_PID"
	grep -qxF "slot=2 is \"${READER[0]}\"" slot.log
}

@test "slots mapped crosswise: each reader's card is asked at its own" {
	crosswise
	run -0 hsmlic card list --json
	[ "$(jq -c '[.cards[] | [.label, .reader[0:6]]] | sort' <<<"$output")" \
		= '[["A","Test 0"],["B","Test 1"]]' ]
	get 0 1 --card slot:1 --json
	[ "$(jq -r .card.label <<<"$output")" = B ]
	[ "$(left b)" = 19 ]
	get 0 2 --card slot:2 --json
	[ "$(jq -r .card.label <<<"$output")" = A ]
	[ "$(left a)" = 19 ]
	get 0 3 --card A
	[ "$(left a)" = 18 ]
	get 0 4 --card "reader:Test 1" --json
	[ "$(jq -r .card.label <<<"$output")" = B ]
	[ "$(left b)" = 18 ]
	run -0 hsmlic card show slot:1
	[[ $output == *"label "*" B"* ]]
	get 2 5
	refused 'two cards fit: "' "--card LABEL"
	get 2 5 --card slot:3
	get 2 5 --card slot:x
	[ "$(figure outside)" = 0 ]
	# Said anew.
	standin_card 3 a
	run -0 --separate-stderr hsmlic card add --card "reader:Test 0" \
		--slot 3
	[[ $stderr == *'slot=3 of STM32_Programmer_CLI is "Test 0'* ]]
	hsmlic store check
}

@test "a card that looks like one in another reader is not taken for it" {
	start_pcscd unix vpcd
	card b
	start_hsm 0 a 1
	run -0 hsmlic card add --label A --slot 1
	start_hsm 1 b 2
	run -2 --separate-stderr hsmlic card add --slot 2 --card "reader:Test 1"
	[[ $stderr == *'could be "A", but such a card is in "Test 0'* ]]
	get 2 1 --card slot:2
	refused "such a card is in" "card add --label OTHER --firmware NAME"
	run -0 hsmlic card add --slot 2 --card "reader:Test 1" --label B \
		--new-firmware FW-B
	# Two keys, and one of them is used until the counters are the same.
	outside 1
	get 0 1 --card A
	[ "$(left a)" = 18 ]
	get 0 2 --card B --json
	[ "$(jq -r .firmware <<<"$output")" = FW-B ]
	get 0 3 --card B
	[ "$(left b)" = 18 ]
	# Not even the reader says for sure which key it is then.
	get 2 4 --card slot:1
	refused '"A" or "B"' "--card LABEL"
	get 0 4 --card B --json
	[ "$(jq -c '[.firmware, .counter_after]' <<<"$output")" = '["FW-B",17]' ]
	[ "$(left b)" = 17 ]
	[ "$(figure outside)" = 1 ]
}

@test "two of one key that are used in turn are told by their readers" {
	crosswise
	for chip in 1 2 3; do
		get 0 $chip --card slot:1
		get 0 1$chip --card slot:2
	done
	[ "$(left a)" = 17 ]
	[ "$(left b)" = 17 ]
	[ "$(known A .counter)" = 17 ]
	[ "$(figure outside)" = 0 ]
	# Pulled, one is put into the other's reader: the word of a person.
	stop_hsm 0
	stop_hsm 1
	start_hsm 1 a 1
	get 0 4 --card A --json
	[ "$(jq -c '[.card.label, .counter_after]' <<<"$output")" = '["A",16]' ]
	start_hsm 0 b 2
	get 0 5 --card slot:2 --json
	[ "$(jq -c '[.card.label, .counter_after]' <<<"$output")" = '["B",16]' ]
	[ "$(figure outside)" = 0 ]
	hsmlic store check
}

@test "a card that no OEM has personalised" {
	start_pcscd unix
	hsmlic-sim card new blank --blank >/dev/null
	start_hsm 0 blank
	get 4 1
	refused "is blank (OEM_STATE)" "its OEM has personalised"
	run -4 --separate-stderr hsmlic card add
	refused "is in OEM_STATE and holds no firmware key" "personalised"
	run -0 --separate-stderr hsmlic card list --json
	[ "$(jq -c '.cards[] | [.state, .firmware_identifier, .counter]' \
		<<<"$output")" = '["OEM_STATE",null,null]' ]
}

@test "a state that the tool does not tell, or that nobody knows" {
	start_pcscd unix
	start_hsm 0 a
	standin_switches no-state
	get 0 1 --json
	[ "$(jq -c '[.source, .counter_after]' <<<"$output")" = '["card",19]' ]
	[ "$(known FW-A .state)" = unknown ]
	standin_switches
	get 0 2
	[ "$(known FW-A .state)" = OPERATIONAL_STATE ]
	standin_switches counter-only-by-command
	get 0 3
	[ "$(left a)" = 17 ]
}

@test "no counter: nothing is spent" {
	start_pcscd unix
	start_hsm 0 a
	get 0 1
	standin_switches no-counter
	get 4 2
	refused "no counter was found in what STM32_Programmer_CLI prints" \
		"report it with your version"
	get 4 2 --card FW-A
	run -4 --separate-stderr hsmlic card add --label other --firmware FW-A
	refused "it tells no serial number, and no firmware identifier and \
counter" "-hsmgetcounter"
	run -0 --separate-stderr hsmlic card list
	[[ $output == *"perhaps in ${READER[0]}"* ]]
	[ "$(left a)" = 19 ]
	[ "$(known FW-A .expected_counter)" = 19 ]
	run -0 hsmlic recover
}

@test "output that cannot be read: nothing is spent" {
	start_pcscd unix
	start_hsm 0 a
	get 0 1
	standin_switches garbage
	get 3 2
	refused "no HSM FW IDENTIFIER" "and the slot right?"
	run -0 --separate-stderr hsmlic card list --json
	[[ $(jq -r '.cards[0].error.why' <<<"$output") == *IDENTIFIER* ]]
	[ "$(left a)" = 19 ]
	get 0 1 --card FW-A
	run -0 hsmlic recover
}

@test "a card of another ATR: by the user's word, once" {
	start_pcscd unix
	start_card 0 stm32hsm-card --apdus probed --atr 3B8101AABB
	standin_card 1 a
	# Of a kind that nobody knows: asked whether it is an Open License Card.
	get 4 1
	refused "of a kind that no driver knows" \
		"hsmlic card add --driver stm32hsm"
	[ "$(wc -l <probed)" -gt 0 ]
	run -4 --separate-stderr hsmlic card add
	refused "no driver knows this card" "--driver stm32hsm"
	run -2 --separate-stderr hsmlic card add --driver olc
	refused 'no driver "olc" to choose' "only --driver stm32hsm"
	: >probed
	run -0 hsmlic card add --driver stm32hsm --label V1
	[ "$output" = 'card "V1" added: firmware "FW-A", 20 left' ]
	get 0 1 --json
	[ "$(jq -c '[.card.label, .counter_after]' <<<"$output")" = '["V1",19]' ]
	run -0 hsmlic card list
	run -0 hsmlic doctor
	[[ $output == *"ok       driver: stm32hsm"* ]]
	[ ! -s probed ]
	[ "$(left a)" = 19 ]
}

# check STATUS NAME [OPTION...]: doctor's results of that name, in $line
check() {
	local want=$1 name=$2
	shift 2
	run "-$want" --separate-stderr hsmlic doctor --json "$@"
	line=$(jq -r --arg n "$name" '.checks[] | select(.name == $n) |
		.result + ": " + .detail + " | " + .remedy' <<<"$output")
	echo "$line"
}

@test "doctor asks such a card as a get does, and tells which one it is" {
	start_pcscd unix vpcd
	start_hsm 0 a 2
	check 1 card
	[[ $line == "FAILED: "*"never said"*"hsmlic card slot"* ]]
	run -0 hsmlic card add --slot 2 --label A
	check 0 card
	[[ $line == 'ok: one without a serial number in "Test 0'* ]]
	check 0 "card known"
	[ "$line" = 'ok: "A", firmware "FW-A" | ' ]
	for card in A slot:2 "reader:Test 0"; do
		check 0 "expected counter" --card "$card"
		[ "$line" = "ok: 20, as recorded | " ]
	done
	check 1 card --card slot:3
	check 1 card --card B
	[[ $line == 'FAILED: none that is present answers to "B"'* ]]
	outside 2 1
	check 1 "expected counter"
	[[ $line == "FAILED: 19, but 20 is expected: 1 left"* ]]
	# It records nothing.
	check 1 "expected counter"
	stop_hsm 0
	card b
	start_hsm 0 b 2
	run -0 hsmlic card add --label B --firmware FW-A
	stop_hsm 0
	card c
	start_hsm 0 c 2
	check 1 "card known"
	[[ $line == 'FAILED: '*'could be "A" or "B" | say which'* ]]
	check 0 "card known" --card B
	[ "$line" = 'ok: "B", firmware "FW-A" | ' ]
	stop_hsm 0
	card d 30
	start_hsm 0 d 2
	check 1 "card known"
	[[ $line == *"card add --label LABEL --firmware FW-A if"* ]]
}

@test "doctor, where the tool does not tell all of a card" {
	start_pcscd unix
	start_hsm 0 a
	run -0 hsmlic card add
	standin_switches no-state
	check 0 "card state"
	[ "$line" = 'ok: not told, firmware "FW-A", type SFI | ' ]
	standin_switches no-counter
	check 1 counter
	[[ $line == "FAILED: not found in what STM32_Programmer_CLI prints"* ]]
	standin_switches garbage
	check 1 card
	[[ $line == "FAILED: "*"no HSM FW IDENTIFIER"* ]]
}

# journal_has TEXT: waits until the tool was started so.
journal_has() {
	local i
	for ((i = 0; i < 500; i++)); do
		grep -qF -- "$1" "$WORLD/journal" && return
		sleep 0.02
	done
	return 1
}

# changed COMMAND FILE: a get, and while the tool is at work on that command for
# it, FILE's card takes the place of the one in reader 0. Its status is in
# HL_STATUS.
changed() {
	standin_switches "$1:slow=1500"
	: >"$WORLD/journal"
	hsmlic-sim chip new chip1 --seed 1 >/dev/null
	hl_spawn get.log hsmlic get --cert chip1/certificate.bin --yes -o lic1
	local get=$HL_PID
	journal_has "$1"
	stop_hsm 0
	start_hsm 0 "$2"
	HL_STATUS=0
	wait "$get" || HL_STATUS=$?
	standin_switches
}

@test "changed for a card of another firmware while the tool is at work" {
	start_pcscd unix
	card o 20 FW-O
	start_hsm 0 a
	run -0 hsmlic card add
	changed -hsmgetlicensefromcertifbin o
	[ "$HL_STATUS" -eq 6 ]
	grep -q "another card was in .* its license is kept as suspect" get.log
	[ ! -e lic1 ]
	run -0 hsmlic license list --all --json
	[ "$(jq -c '[.licenses[] | .state]' <<<"$output")" = '["suspect"]' ]
	[ "$(left a)" = 20 ]
	[ "$(left o)" = 19 ]
	[ "$(known FW-A .expected_counter)" = 20 ]
	run -0 hsmlic recover
	stop_hsm 0
	start_hsm 0 a
	[ "$(known FW-A '[.present, .counter, .warning]|@json')" = \
		'[true,20,null]' ]
	hsmlic store check
}

# The first one keeps its unit, and is known by its counter when it comes back.
@test "changed for a card of the same identifier while the tool is at work" {
	start_pcscd unix
	card b 25
	start_hsm 0 a
	run -0 hsmlic card add
	changed -hsmgetlicensefromcertifbin b
	[ "$HL_STATUS" -eq 6 ]
	grep -q "another card was in .* its license is kept as suspect" get.log
	[ "$(left a)" = 20 ]
	[ "$(left b)" = 24 ]
	get 2 2
	refused "none of the known cards in use" "--firmware FW-A"
	stop_hsm 0
	start_hsm 0 a
	get 0 2 --json
	[ "$(jq .counter_after <<<"$output")" = 19 ]
	[ "$(figure outside)" = 0 ]
	hsmlic store check
}

@test "taken out and put back while the tool is at work: its counter agrees" {
	start_pcscd unix
	start_hsm 0 a
	run -0 hsmlic card add
	changed -hsmgetlicensefromcertifbin a
	[ "$HL_STATUS" -eq 0 ]
	[ -s lic1 ]
	[ "$(known FW-A '[.counter, .expected_counter]|@json')" = '[19,19]' ]
	hsmlic store check
}

@test "changed before it is asked: nothing is spent, whatever is there now" {
	start_pcscd unix
	card b
	card low 5
	start_hsm 0 a
	run -0 hsmlic card add
	# The reading is b's, and looks as if it was A's.
	changed -hsmgetinfo b
	[ "$HL_STATUS" -eq 3 ]
	grep -q "taken out, or changed for another one, meanwhile" get.log
	grep -q "(nothing was spent)" get.log
	stop_hsm 0
	start_hsm 0 a
	rm -rf chip1
	changed -hsmgetinfo low
	[ "$HL_STATUS" -eq 3 ]
	stop_hsm 0
	[ "$(known FW-A .expected_counter)" = 20 ]
	[ "$(figure outside)" = 0 ]
	for f in a b; do [ "$(left $f)" = 20 ]; done
	[ "$(left low)" = 5 ]
	run -0 hsmlic recover
	hsmlic store check
}

# cut CHIP: a request for it whose process and tool died when the card had
# counted. It stays open.
cut() {
	standin_switches hang-after-count
	hsmlic-sim chip new "chip$1" --seed "$1" >/dev/null
	: >"$WORLD/journal"
	hl_spawn cut.log hsmlic get --cert "chip$1/certificate.bin" --yes \
		--timeout 30 "${@:2}"
	local get=$HL_PID i kids=
	journal_has fromcertifbin
	sleep 0.5
	for ((i = 0; i < 2; i++)); do # its keeper, and the tool
		kids+=" $(pgrep -d ' ' -P "$get" || true)"
	done
	hl_kill_tree "$get"
	standin_switches
}

# hl_kill_tree PID: that and all that it started, at once.
hl_kill_tree() {
	local all=("$1") i
	for ((i = 0; i < ${#all[@]}; i++)); do
		kill -STOP "${all[i]}"
		mapfile -t -O "${#all[@]}" all < <(pgrep -P "${all[i]}")
	done
	kill -KILL "${all[@]}"
	wait "$1" || true
}

# states: of all requests that were ever made, as recover leaves them.
open_requests() {
	hsmlic status --json | jq '.open | length'
}

@test "an open request is judged by its own card, not by one like it" {
	start_pcscd unix
	card b
	start_hsm 0 b
	run -0 hsmlic card add --label B
	stop_hsm 0
	start_hsm 0 a
	run -0 hsmlic card add --label A --firmware FW-A
	cut 1 --card A
	[ "$(left a)" = 19 ]
	[ "$(open_requests)" = 1 ]
	# B, which has as many as A had: nothing can be said with it.
	stop_hsm 0
	start_hsm 0 b
	run -6 --separate-stderr hsmlic recover
	[[ $output$stderr == *"--card LABEL"*'"B" or "A"'* ]]
	run -6 --separate-stderr hsmlic recover --card B
	[[ $output$stderr == *"none of those that answer"* ]]
	[ "$(open_requests)" = 1 ]
	# Nor with a stranger, nor with one that tells no counter.
	stop_hsm 0
	card s 7
	start_hsm 0 s
	run -6 hsmlic recover
	run -6 hsmlic recover --card B
	[ "$(open_requests)" = 1 ]
	stop_hsm 0
	start_hsm 0 a
	standin_switches no-counter
	run -6 hsmlic recover
	run -6 --separate-stderr hsmlic recover --card A
	[[ $output$stderr == *"counter"*"cannot be read"* ]]
	[ "$(open_requests)" = 1 ]
	standin_switches
	run -0 hsmlic recover
	[ "$(open_requests)" = 0 ]
	[ "$(known A .expected_counter)" = 19 ]
	[ "$(known B .expected_counter)" = 20 ]
	[ "$(figure lost)" = 1 ]
	[ "$(figure outside)" = 0 ]
	hsmlic store check
}

@test "an open request, and the cards are in two readers" {
	crosswise
	cut 1 --card A
	[ "$(left a)" = 19 ]
	run -0 hsmlic recover
	[ "$(open_requests)" = 0 ]
	[ "$(known A .expected_counter)" = 19 ]
	[ "$(known B .expected_counter)" = 20 ]
	# One that is met by a get for another chip from that card.
	cut 2 --card slot:1
	[ "$(open_requests)" = 1 ]
	get 0 3 --card slot:1 --json
	[ "$(jq -c '[.card.label, .counter_after]' <<<"$output")" = '["B",18]' ]
	[ "$(open_requests)" = 0 ]
	[ "$(figure lost)" = 2 ]
	[ "$(figure outside)" = 0 ]
	hsmlic store check
}

# slot STATUS [I]: card slot, while the card in reader I is taken out.
slot() {
	local want=$1 i
	hl_spawn slot.log hsmlic card slot --json --timeout 30
	local pid=$HL_PID
	for ((i = 0; i < 500; i++)); do
		grep -q "take one card out of its reader" slot.log && break
		sleep 0.02
	done
	[ "$i" -lt 500 ]
	sleep 0.2 # it looks at the readers by then
	stop_hsm "$2"
	HL_STATUS=0
	wait "$pid" || HL_STATUS=$?
	[ "$HL_STATUS" -eq "$want" ]
}

@test "card slot: one card, and no question" {
	start_pcscd unix vpcd
	start_hsm 0 a 2
	run -0 hsmlic card slot --dry-run
	[ "$output" = "slot=2 is \"${READER[0]}\" (dry run: not recorded)" ]
	run -0 --separate-stderr hsmlic card slot --dry-run --json
	[ "$(jq -c '[.slots[0].slot, .dry_run]' <<<"$output")" = '[2,true]' ]
	[ "$(sqlite3 s.db "SELECT count(*) FROM slots")" = 0 ]
	run -0 hsmlic card slot
	[ "$output" = "slot=2 is \"${READER[0]}\"" ]
	get 0 1 --card slot:2
	get 0 2
	stop_hsm 0
	run -3 --separate-stderr hsmlic card slot
	refused "there is no card in any reader" "insert the cards"
	rm -f "$WORLD"/card-*
	start_card 0 stm32hsm-card
	run -3 --separate-stderr hsmlic card slot
	refused "finds a card at none of the slots 1 to" "-hsmgetinfo slot=1"
}

@test "card slot: of two cards, the one that is taken out tells" {
	start_pcscd unix vpcd
	card b
	start_hsm 0 a 2
	start_hsm 1 b 1
	slot 0 0
	[ "$(tail -n 1 slot.log | jq -c '[.slots[] | [.slot, .reader[0:6]]] |
		sort')" = '[[1,"Test 1"],[2,"Test 0"]]' ]
	get 0 1 --card slot:1
	[ "$(left b)" = 19 ]
	start_hsm 0 a 2
	run -0 hsmlic card add --label A --card slot:2 --firmware FW-A
	get 0 2 --card A
	[ "$(left a)" = 19 ]
}

@test "card slot: what cannot be told" {
	start_pcscd unix vpcd
	card b
	start_hsm 0 a 1
	# A card that is not the tool's.
	start_hsm 1 b 2
	HSM_SLOT[1]=9 # which is not its slot
	[ "${HSM_SLOT[1]}" = 9 ]
	slot 3 1
	grep -q "no slot or more than one fell silent" slot.log
	run -2 --separate-stderr hsmlic card add --slot 0
	refused "--slot is 0" "counts slots from 1"
	run -2 --separate-stderr hsmlic card add --slot 256
	run -7 --separate-stderr hsmlic card slot --timeout 1
}

@test "the label of one of two that look the same: the one in its reader" {
	start_pcscd unix vpcd
	card b
	card o 20 FW-O
	start_hsm 0 a 1
	run -0 hsmlic card add --label A --slot 1
	start_hsm 1 o 2
	run -0 hsmlic card add --label O --slot 2 --card "reader:Test 1"
	stop_hsm 1
	start_hsm 1 b 2
	run -0 --separate-stderr hsmlic card show A --json
	[ "$(jq -r '.reader[0:6]' <<<"$output")" = "Test 0" ]
	run -0 --separate-stderr hsmlic card list --json
	[ "$(jq -c '[.cards[] | select(.present) | [.label, .reader[0:6]]] |
		sort' <<<"$output")" = '[[null,"Test 1"],["A","Test 0"]]' ]
	[ "$(jq -r '.cards[] | select(.label == "A") | .last_reader[0:6]' \
		<<<"$output")" = "Test 0" ]
	get 0 1 --card A
	[ "$(left a)" = 19 ]
	[ "$(left b)" = 20 ]
	# Now its counter tells as well.
	run -0 hsmlic card show A --json
	get 0 2 --card A
	[ "$(left a)" = 18 ]
}

@test "slot:N is a place to all commands" {
	start_pcscd unix vpcd
	start_hsm 0 a 2
	run -0 hsmlic card add --slot 2
	run -0 hsmlic card label slot:2 A
	[ "$output" = 'card "FW-A" is now "A"' ]
	run -0 hsmlic card list --card slot:2 --json
	[ "$(jq -c '[.cards[].label]' <<<"$output")" = '["A"]' ]
	standin_switches garbage
	run -3 --separate-stderr hsmlic card list --card slot:2
	[[ $stderr == *"no HSM FW IDENTIFIER"* ]]
	standin_switches
	run -0 hsmlic card retire slot:2 --yes
	[ "$output" = 'card "A" is retired' ]
}

@test "changed while it is looked at: nothing is shown of either" {
	start_pcscd unix
	card o 20 FW-O
	start_hsm 0 a
	run -0 hsmlic card add
	standin_switches "-hsmgetinfo:slow=1500"
	: >"$WORLD/journal"
	hl_spawn list.log hsmlic card list --json
	local list=$HL_PID
	journal_has -hsmgetinfo
	stop_hsm 0
	start_hsm 0 o
	wait "$list"
	tail -n 1 list.log >list.json
	[[ $(jq -r '.cards[0].error.why' list.json) == *"changed for another"* ]]
	[ "$(jq -c '.cards[0] | [.counter, .firmware_identifier]' list.json)" \
		= '[null,null]' ]
}

@test "changed while a person is asked: that yes was for another card" {
	start_pcscd unix
	card b
	start_hsm 0 a
	run -0 hsmlic card add
	hsmlic-sim chip new chip1 --seed 1 >/dev/null
	mkfifo answer
	hl_spawn get.log sh -c 'exec script -qefc \
		"hsmlic get --cert chip1/certificate.bin" typed <answer'
	local get=$HL_PID i
	exec 8>answer
	for ((i = 0; i < 500; i++)); do
		grep -qs "spend 1 of the 20" typed && break
		sleep 0.02
	done
	stop_hsm 0
	start_hsm 0 b
	echo y >&8
	exec 8>&-
	HL_STATUS=0
	wait "$get" || HL_STATUS=$?
	cat typed
	[ "$HL_STATUS" -eq 3 ]
	grep -q "changed for another one, meanwhile" typed
	[ "$(left a)" = 20 ]
	[ "$(left b)" = 20 ]
	[ "$(sqlite3 s.db "SELECT count(*) FROM issues")" = 0 ]
}
