# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# Cards and chips on the command line: shown, made known, named, retired,
# watched.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	# No service answers there, until a test starts one.
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nobody
	unset HSMLIC_CARD HSMLIC_TARGET
	hsmlic-sim card new a --firmware fw-a --capacity 5 >/dev/null
	hsmlic-sim card new b --firmware fw-b --capacity 9 >/dev/null
	SERIAL=$(hsmlic-sim card show a --json | jq -r .serial)
	OTHER=$(hsmlic-sim card show b --json | jq -r .serial)
	hsmlic store init -q >/dev/null
}

teardown() {
	hl_teardown
}

# refuses CODE WORDS COMMAND...
refuses() {
	local code=$1 words=$2
	shift 2
	run "-$code" --separate-stderr hsmlic "$@"
	[[ $stderr == *"$words"* ]] || { echo "$stderr"; return 1; }
	[ "$(grep -c '^hsmlic: hint:' <<<"$stderr")" = 1 ]
}

# is FILTER VALUE: of the JSON in $output
is() {
	local value
	value=$(jq -r "$1" <<<"$output")
	[ "$value" = "$2" ] || { echo "$1 is $value, not $2"; return 1; }
}

@test "a card that is not known is listed with what it tells" {
	run -0 --separate-stderr hsmlic card list --card "sim:$HL_DIR/a" --json
	is .schema hsmlic/card-list/1
	is '.cards | length' 1
	is '.cards[0] | [.label, .serial, .reader, .driver, .state, .type,
		.firmware, .product_id, .counter, .capacity, .present,
		.expected_counter] | @json' \
		"[null,\"$SERIAL\",\"sim:$HL_DIR/a\",\"olc\",\"OPERATIONAL_STATE\",\"SFI\",null,null,5,5,true,null]"
	is '.cards[0].atr | test("^3b[0-9a-f]+$")' true
	is '.cards[0].firmware_identifier' fw-a
	run -0 --separate-stderr hsmlic card list --card sim:a
	[[ ${lines[1]} == *"$SERIAL"*"(fw-a)"*operational*5/5*sim:*a ]]
	run -0 --separate-stderr hsmlic card show sim:a
	[[ $output == *"not known yet: hsmlic card add"* ]]
	[[ $output == *"5 of 5"* ]]
}

@test "cards that are present are shown before there is a store" {
	export HSMLIC_STORE=$HL_DIR/none.db
	run -0 --separate-stderr hsmlic card list -q --card sim:a --json
	is '.cards[0] | [.serial, .counter, .known] | @json' \
		"[\"$SERIAL\",5,false]"
	[[ $stderr == *"there is no store at $HSMLIC_STORE yet"* ]]
	run -0 --separate-stderr hsmlic card show sim:a
	[[ $output == *"5 of 5"* ]]
	refuses 3 "PC/SC service is not running" card list
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/a"
	run -0 --separate-stderr hsmlic card list
	[[ $output == *"$SERIAL"*"(fw-a)"*5/5*"Test 0"* ]]
	run -0 --separate-stderr hsmlic card show "$SERIAL"
	refuses 3 '"NOPE"' card show NOPE
	unset HSMLIC_STORE
	run -0 --separate-stderr hsmlic card list
	[[ $stderr == *"there is no store at $XDG_STATE_HOME/"* ]]
	run ! ls none.db none.db.d "$XDG_STATE_HOME"
}

@test "a store that is lost is not taken for none yet" {
	run -0 hsmlic card add sim:a
	refuses 5 "there is no store" card list --store nowhere/s.db
	refuses 5 "there is no store" card show sim:a --store nowhere/s.db
	hsmlic-sim chip new chip >/dev/null
	run -0 hsmlic get --target sim:chip --card sim:a --yes
	rm s.db
	refuses 5 "it has spent units" card list --card sim:a
	echo "no database" >s.db
	refuses 5 "" card list --card sim:a
}

@test "a card is made known, named, and shown while it is away" {
	run -0 --separate-stderr hsmlic card add sim:a --label "line 1" --json
	is .added true
	is .label "line 1"
	is .firmware fw-a
	is .expected_counter 5
	run -0 --separate-stderr hsmlic card show "line 1" --json
	is '[.present, .counter, .expected_counter] | @json' '[true,5,5]'
	mv a away
	run -0 --separate-stderr hsmlic card show "line 1" --json
	is '[.present, .counter, .expected_counter, .reader, .open_issue] |
		@json' '[false,null,5,null,null]'
	[[ $stderr == *"PC/SC service is not running"* ]]
	run -0 --separate-stderr hsmlic card label "line 1" Ünit
	run -0 --separate-stderr hsmlic card show "${SERIAL,,}" --json
	is .label Ünit
	run -0 --separate-stderr hsmlic card label "$SERIAL" ""
	run -0 --separate-stderr hsmlic card show "$SERIAL" --json
	is .label null
	refuses 2 nobody card label nobody x
}

@test "no PC/SC service: an error only when nothing is known" {
	refuses 3 "PC/SC service is not running" card list
	hsmlic card add sim:a >/dev/null
	mv a away
	run -0 --separate-stderr hsmlic card list --json
	is '.cards | length' 1
	is '.cards[0].present' false
	is .readers_error.code no-device
	[[ $stderr == *"PC/SC service is not running"* ]]
	refuses 3 "PC/SC service is not running" card show
	refuses 3 "PC/SC service is not running" card list --card reader:x
}

@test "a software card is found by its name, from any folder" {
	hsmlic-sim chip new chip >/dev/null
	hsmlic card add sim:a --label soft >/dev/null
	cd /
	run -0 --separate-stderr hsmlic card list --json
	is '.cards[0] | [.present, .counter] | @json' '[true,5]'
	run -0 --separate-stderr hsmlic get --target "sim:$HL_DIR/chip" \
		--card soft --yes --json
	is .source card
	run -0 --separate-stderr hsmlic card show soft --json
	is .counter 4
}

@test "a card is labelled and retired where it lies, too" {
	hsmlic card add sim:a >/dev/null
	run -0 --separate-stderr hsmlic card label sim:a one
	run -0 --separate-stderr hsmlic card label "sim:$HL_DIR/a" two --json
	is '[.label, .present, .counter] | @json' '["two",true,5]'
	refuses 2 "card $OTHER is not known to this store" card label sim:b x
	[[ $stderr == *"hsmlic card add sim:b "* ]]
	refuses 2 "$OTHER is not known" card retire sim:b --yes
	refuses 2 "is known to this store" card retire "$OTHER" --yes
	[[ $stderr == *"hsmlic card add $OTHER "* ]]
	refuses 3 absent card label sim:absent x
	cp b "b 2"
	refuses 2 "not known" card label "sim:b 2" x
	[[ $stderr == *'hsmlic card add "sim:b 2" '* ]]
	run -0 --separate-stderr hsmlic card retire sim:a --yes --json
	is '[.label, .present, .retired, .retired_at != null] | @json' \
		'["two",true,true,true]'
	refuses 2 "retired already" card retire sim:a --yes
}

@test "adding a card once more" {
	hsmlic card add sim:a --label one >/dev/null
	run -0 --separate-stderr hsmlic card add sim:a
	[[ $stderr == *"known already"* ]]
	run -0 --separate-stderr hsmlic card add sim:a --label one --json
	is .added false
	refuses 2 "known already" card add sim:a --label two
	refuses 2 'with firmware "fw-a"' card add sim:a --new-firmware other
	run -0 --separate-stderr hsmlic card show one --json
	is .firmware fw-a
}

@test "two keys may bear one identifier: the person decides" {
	hsmlic-sim card new a2 --firmware fw-a --capacity 3 >/dev/null
	hsmlic-sim card new a3 --firmware fw-a --capacity 4 >/dev/null
	hsmlic card add sim:a >/dev/null
	refuses 2 "two keys can bear one identifier" card add sim:a2
	[[ $stderr == *"hsmlic card add sim:a2 --firmware fw-a "* ]]
	hsmlic-sim chip new chip >/dev/null
	refuses 2 "two keys can bear one identifier" get --target sim:chip \
		--card sim:a2 --yes
	[[ $stderr == *"hsmlic card add sim:a2 --firmware fw-a "* ]]
	run -1 --separate-stderr hsmlic doctor --card sim:a2
	[[ $output == *"remedy: hsmlic card add sim:a2 --firmware fw-a "* ]]
	refuses 2 "two keys can bear one identifier" card add sim:a2 --dry-run
	refuses 2 "contradict" card add sim:a2 --firmware fw-a \
		--new-firmware fw-c
	refuses 2 "" card add sim:a2 --firmware nobody
	refuses 2 '"fw-a" (SFI)' card add sim:b --firmware fw-a
	run -0 --separate-stderr hsmlic card add sim:a2 --firmware fw-a --json
	is .firmware fw-a
	run -0 --separate-stderr hsmlic card add sim:a3 --new-firmware fw-c \
		--json
	is .firmware fw-c
	is .firmware_identifier fw-a
}

@test "labels that cannot be" {
	hsmlic card add sim:a --label one >/dev/null
	refuses 2 "another card" card label one "$OTHER"
	refuses 2 "another card" card label one sim:a
	refuses 2 "another card" card label one reader:x
	refuses 2 "" card label one $'a\nb'
	refuses 2 "" card label one $'\xff'
	refuses 2 "" card label one "$(printf 'x%.0s' {1..257})"
	refuses 2 '"one"' card add sim:b --label one
	run -0 --separate-stderr hsmlic card list --json
	is '[.cards[].label] | @json' '["one"]'
}

@test "cards that cannot be added" {
	hsmlic-sim card new blank --blank >/dev/null
	hsmlic-sim card new dead --firmware x --capacity 1 >/dev/null
	hsmlic-sim card terminate dead >/dev/null
	refuses 4 OEM_STATE card add sim:blank
	refuses 4 TERMINATED_STATE card add sim:dead
	refuses 3 absent card add sim:absent
	refuses 3 absent card show sim:absent
	run -0 --separate-stderr hsmlic card show sim:blank
	[[ $output == *OEM_STATE* ]]
	run -3 --separate-stderr hsmlic card list --card sim:absent --json
	is '.cards[0].error.code' no-device
}

@test "a dry run changes nothing" {
	run -0 --separate-stderr hsmlic --dry-run card add sim:a --label x
	[[ $stderr == *"would add card"*"$SERIAL"* ]]
	run -0 --separate-stderr hsmlic --dry-run card add sim:a --label x \
		--json
	is '[.label, .known, .added, .dry_run] | @json' \
		'["x",false,false,true]'
	refuses 3 "" card list
	hsmlic card add sim:a --label x >/dev/null
	run -0 --separate-stderr hsmlic --dry-run card label x y
	run -0 --separate-stderr hsmlic --dry-run card retire x
	run -0 --separate-stderr hsmlic card show x --json
	is .retired_at null
}

@test "a card is retired for ever, when somebody agrees" {
	hsmlic-sim chip new chip >/dev/null
	hsmlic card add sim:a --label one >/dev/null
	hsmlic get --target sim:chip --card sim:a --yes >/dev/null 2>&1
	refuses 4 "retire card" card retire one
	run -0 --separate-stderr hsmlic card retire one --yes --json
	is .retired true
	is '.retired_at | length' 24
	refuses 2 "retired already" card retire one --yes
	run -0 --separate-stderr hsmlic card list
	[[ ${lines[1]} == *retired* ]]
	# Its licenses stay.
	run -0 --separate-stderr hsmlic license list --json
	is '.licenses | length' 1
}

@test "units that left elsewhere are told, and recorded once" {
	hsmlic-sim chip new chip >/dev/null
	hsmlic card add sim:a --label one >/dev/null
	HSMLIC_STORE=$HL_DIR/other.db hsmlic store init -q >/dev/null
	HSMLIC_STORE=$HL_DIR/other.db hsmlic get --target sim:chip \
		--card sim:a --yes >/dev/null 2>&1
	run -0 --separate-stderr hsmlic --dry-run card list --card sim:a --json
	is '.cards[0].warning' null
	run -0 --separate-stderr hsmlic card list --card sim:a --json
	is '.cards[0] | [.counter, .expected_counter] | @json' '[4,5]'
	is '.cards[0].warning | test("1 unit left this card")' true
	[[ $stderr == *"1 unit left this card"* ]]
	run -0 --separate-stderr hsmlic card list --card sim:a --json
	is '.cards[0] | [.expected_counter, .warning] | @json' '[4,null]'
}

@test "a request that is open is shown with its card" {
	hsmlic-sim chip new chip --seed 3 >/dev/null
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/a" --fault mute
	run -6 --separate-stderr hsmlic get --target sim:chip --yes --timeout 3
	# It would be waited for.
	stop_card 0 KILL
	run -0 --separate-stderr hsmlic card show "$SERIAL" --json
	is '.open_issue | [.state, .attempt, .counter_before, .closed_at] |
		@json' '["open",1,5,null]'
	run -0 --separate-stderr hsmlic card show "$SERIAL"
	[[ $output == *"hsmlic recover"* ]]
	run -0 --separate-stderr hsmlic chip show "$(cat chip/uid.hex)" --json
	is '.attempts | length' 1
	is '.attempts[0] | [.state, .units, .card.serial] | @json' \
		"[\"open\",null,\"$SERIAL\"]"
	run -0 --separate-stderr hsmlic chip show "$(cat chip/uid.hex)"
	[[ $output == *open*5*"$SERIAL"* ]]
}

@test "cards in readers: two that fit are named, the only one needs no name" {
	start_pcscd unix unix
	run -0 --separate-stderr hsmlic card list
	[ "$output" = "" ]
	refuses 3 "no card in any reader" card show
	start_card 0 hsmlic-sim card serve "$HL_DIR/a"
	run -0 --separate-stderr hsmlic card show --json
	is .serial "$SERIAL"
	is .reader "${READER[0]}"
	run -0 --separate-stderr hsmlic card add --label one
	start_card 1 hsmlic-sim card serve "$HL_DIR/b"
	run -0 --separate-stderr hsmlic card list --json
	is '[.cards | sort_by(.label // "z") | .[] |
		[.label, .serial, .present]] | @json' \
		"[[\"one\",\"$SERIAL\",true],[null,\"$OTHER\",true]]"
	refuses 2 "$OTHER" card show
	[[ $stderr == *"\"one\" ($SERIAL)"* ]]
	refuses 2 "two cards fit" card show reader:Test
	run -0 --separate-stderr hsmlic card show "reader:${READER[1]}" --json
	is .serial "$OTHER"
	# One of the two is new.
	run -0 --separate-stderr hsmlic card add --json
	is .serial "$OTHER"
	refuses 3 nobody card show nobody
	stop_card 0
	run -0 --separate-stderr hsmlic card show one --json
	is '[.present, .last_reader] | @json' "[false,\"${READER[0]}\"]"
}

@test "a card is labelled and retired by its reader" {
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/a"
	refuses 2 "is not known" card label "reader:Test 0" one
	[[ $stderr == *'hsmlic card add "reader:Test 0" '* ]]
	hsmlic card add >/dev/null
	run -0 --separate-stderr hsmlic card label "reader:Test 0" one
	run -0 --separate-stderr hsmlic card retire "reader:Test 0" --yes
	[[ $output == *'"one"'*retired* ]]
}

@test "a card is called the same everywhere" {
	local name="\"Station B\" ($SERIAL)"
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/a"
	hsmlic-sim chip new chip >/dev/null
	hsmlic card add --label "Station B" >/dev/null
	run -0 --separate-stderr hsmlic get --target sim:chip --yes
	[[ $stderr == *"left on card $name in \"${READER[0]}\" for chip"* ]]
	run -0 --separate-stderr hsmlic license show "$(cat chip/uid.hex)"
	[[ $output == *"card $name"* ]]
	run -0 --separate-stderr hsmlic status
	[[ $output == *"$name  fw-a"*"in \"${READER[0]}\""* ]]
	run -0 --separate-stderr hsmlic doctor
	[[ $output == *"card: $SERIAL in \"${READER[0]}\""* ]]
	[[ $output == *"card known: $name, firmware \"fw-a\""* ]]
}

@test "a known card that has gone mute is not simply absent" {
	start_pcscd unix unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/a"
	hsmlic card add --label one >/dev/null
	stop_card 0
	run -0 --separate-stderr hsmlic status
	[[ $output == *"5 of 5 left, not present"* ]]
	# It answers nothing any more.
	start_card 0 hsmlic-sim card serve "$HL_DIR/a"
	kill -s STOP "${CARD_PID[0]}"
	run -0 --separate-stderr hsmlic status --timeout 3
	[[ $output == *"cannot be read"*"in \"${READER[0]}\""* ]]
	[[ $output != *"not present"* ]]
	[[ $output == *"perhaps the card in \"${READER[0]}\", which cannot"* ]]
	run -0 --separate-stderr hsmlic card list --timeout 3
	[[ $output == *one*"(perhaps in ${READER[0]})"* ]]
}

@test "a card of another kind is shown as far as it can be" {
	start_pcscd unix
	start_card 0 stranger-card --history HSM_SFI_20 --trace
	run -0 --separate-stderr hsmlic card show --json
	is '[.driver, .serial, .state, .counter, .firmware] | @json' \
		'["stm32hsm",null,null,null,null]'
	is '.error.what | test("STM32_Programmer_CLI|read the card")' true
	is '.atr | test("48534d5f5346495f3230")' true
	run -0 --separate-stderr hsmlic card show
	[ "$(grep -c "could not be asked for" <<<"$output")" = 3 ]
	run -0 --separate-stderr hsmlic card list
	[[ ${lines[1]} == *unreadable*"${READER[0]}" ]]
	refuses 3 "STM32_Programmer_CLI" card add
	# It is not asked what it may not understand.
	! grep '^> 80' card0.log || return 1
}

# watched FILE WORDS...: waits until the file has a line with these words
watched() {
	local file=$1 i
	shift
	for ((i = 0; i < HL_WAIT * 50; i++)); do
		grep -q -- "$*" "$file" && return
		sleep 0.02
	done
	echo "no line with: $*"
	cat "$file"
	return 1
}

@test "watch reports cards and readers, and outlives the service" {
	hl_spawn watch.log hsmlic card watch --json
	watch=$HL_PID
	watched watch.log "PC/SC service is not running"
	# The watch asks for this socket: the first pcscd is to open it.
	hl_stop "$watch"
	[ "$HL_STATUS" = 0 ]

	start_pcscd unix
	hl_spawn watch.log hsmlic card watch --json
	watch=$HL_PID
	watched watch.log reader-added
	start_card 0 hsmlic-sim card serve "$HL_DIR/a"
	watched watch.log '"inserted"'
	stop_card 0
	watched watch.log '"removed"'
	output=$(jq -s . watch.log)
	is '[.[].event] | @json' '["reader-added","inserted","removed"]'
	is '.[1].reader' "${READER[0]}"
	is '.[1].atr' "$(jq -r '.[2].atr' <<<"$output")"
	is '.[1].at | length' 24
	stop_pcscd
	watched watch.log reader-removed
	hl_stop "$watch"
	[ "$HL_STATUS" = 0 ]
}

@test "watch begins with what is there, and ends at an explicit timeout" {
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/a"
	run -0 --separate-stderr hsmlic card watch --timeout 1
	[[ ${lines[0]} == *"reader-added"*"${READER[0]}" ]]
	[[ ${lines[1]} == *"inserted"*"${READER[0]}  3b"* ]]
	[ "${#lines[@]}" = 2 ]
}

@test "watch goes on when the service comes back" {
	start_pcscd unix
	hl_spawn watch.log hsmlic card watch
	watch=$HL_PID
	watched watch.log reader-added
	stop_pcscd
	watched watch.log "waiting for it"
	rm -f "${READER_SOCK[0]}"
	hl_spawn pcscd-again.log private-pcscd --die-with-parent \
		"${READER_SOCK[0]}" /usr/sbin/pcscd --foreground \
		--config "$HL_DIR/conf$HL_COUNT"
	watched watch.log "there again"
	[ "$(grep -c reader-added watch.log)" = 2 ]
	hl_stop "$watch" INT
	[ "$HL_STATUS" = 0 ]
}

@test "chips are recorded, named and found by what names them" {
	hsmlic-sim chip new c1 --seed 1 >/dev/null
	hsmlic-sim chip new c2 --seed 2 >/dev/null
	uid=$(cat c1/uid.hex)
	hash=$(sha256sum <c1/certificate.bin | cut -d' ' -f1)
	run -0 --separate-stderr hsmlic --dry-run chip read --target sim:c1
	run -0 --separate-stderr hsmlic chip list --json
	is '.chips | length' 0
	run -0 --separate-stderr hsmlic chip read --cert c1/certificate.bin \
		--label "board 1" --json
	is '[.added, .uid, .certificate_sha256, .label] | @json' \
		"[true,null,\"$hash\",\"board 1\"]"
	run -0 --separate-stderr hsmlic chip read --target sim:c1 --json
	is '[.added, .uid, .label] | @json' "[false,\"$uid\",\"board 1\"]"
	words=$(jq -r .uid_words <<<"$output")
	for name in "$uid" "${uid,,}" "$words" "${words//0x/}" "$hash" \
		"${hash:0:8}" "${hash:0:24}" "${hash^^}" "cert:${hash:0:24}" \
		"cert:$hash" "board 1"; do
		run -0 --separate-stderr hsmlic chip show "$name" --json
		is .uid "$uid"
		is '[.licenses, .attempts] | @json' '[[],[]]'
	done
	refuses 2 nobody chip show nobody
	refuses 2 "${hash:0:7}" chip show "${hash:0:7}"
	refuses 2 "cert:$uid" chip show "cert:$uid"
	refuses 2 "taken for another" chip label "$uid" cert:board
	# as it is printed for a chip of which no UID is known
	hsmlic chip read --cert c2/certificate.bin >/dev/null
	name=$(hsmlic audit log --last 1 | grep -o 'cert:[0-9a-f]*' | head -n 1)
	[ -n "$name" ]
	run -0 --separate-stderr hsmlic audit log --chip "$name" --jsonl
	[ "${#lines[@]}" = 1 ]
	refuses 2 "known with UID" chip read --cert c1/certificate.bin \
		--uid "$(cat c2/uid.hex)"
	refuses 2 "known with UID" --dry-run chip read \
		--cert c1/certificate.bin --uid "$(cat c2/uid.hex)"
	refuses 2 "known with certificate" chip read \
		--cert c2/certificate.bin --uid "$uid"
	refuses 2 "no chip is named" chip read
	refuses 2 "--target already tells" chip read --target sim:c1 \
		--uid "$uid"
	refuses 2 "--uid" chip read --uid 12
	refuses 3 "there is no chip" chip read --target sim:nowhere
	hsmlic chip read --target sim:c2 >/dev/null
	refuses 2 '"board 1"' chip label "$(cat c2/uid.hex)" "board 1"
	refuses 2 "another chip" chip label "board 1" "$(cat c2/uid.hex)"
	run -0 --separate-stderr hsmlic chip label "board 1" ""
	run -0 --separate-stderr hsmlic chip list --json
	is '[.chips[].label] | @json' '[null,null]'
}
