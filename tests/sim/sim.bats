# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# hsmlic-sim as a person and a script see it, and its cards in real readers.
bats_require_minimum_version 1.5.0
load ../e2e/lib

SELECT=00A4040008F048534D4C49430100
INFO=80CA000000
ID1=00112233445566778899AABBCCDDEEFF
ID2=0F112233445566778899AABBCCDDEEFF
ID3=1F112233445566778899AABBCCDDEEFF

setup() {
	hl_setup
	cd "$HL_DIR" || return
}

teardown() {
	cd /
	hl_teardown
}

sim() {
	local want=$1
	shift
	run "-$want" --separate-stderr hsmlic-sim "$@"
}

# The two lines of an error, and nothing on stdout.
refused() {
	sim "$@"
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 2 ]
	[[ ${stderr_lines[0]} == "hsmlic-sim: "?*": "?* ]]
	[[ ${stderr_lines[1]} == "hsmlic-sim: hint: "?* ]]
}

json() { # PATH: the value in $output
	python3 -c 'import json, sys
v = json.loads(sys.argv[1])
for key in sys.argv[2].split("."):
    v = v[key]
print(json.dumps(v) if v is None or isinstance(v, bool) else v)' \
		"$output" "$1"
}

apdu() {
	run -0 --separate-stderr pcsc-apdu "${READER[$1]}" "${@:2}"
}

# issue ID: ISSUE LICENSE for the chip in ./chip.
issue() {
	local cert
	cert=$(od -An -v -tx1 chip/certificate.bin | tr -d ' \n')
	echo "802A0000A0E1819DC98188${cert^^}CA10${1}00"
}

counter() {
	sim 0 card show card --json
	json counter
}

new_card() { # CAPACITY, options
	sim 0 card new card --firmware "fw 1" --capacity "$@"
	sim 0 chip new chip --seed 1
}

# take ID FILE: a license over PC/SC from the card in reader 0, to a file.
take() {
	apdu 0 $SELECT "$(issue "$1")"
	[[ ${lines[1]} == E281A3CB8188*9000 ]]
	printf '%b' "$(cut -c13-284 <<<"${lines[1]}" | sed 's/../\\x&/g')" >"$2"
	[ "$(stat -c %s "$2")" -eq 136 ]
}

@test "help and version" {
	sim 0 --version
	[[ $output == "hsmlic-sim "[0-9]* ]]
	sim 0 --help
	[[ $output == *"card    serve"* ]]
	sim 0 card serve --help
	[[ $output == *--vpcd* && $output == *drop-before* ]]
	[[ $output != *--capacity* ]]
	sim 0 install x -h
	[[ $output == *--chip* ]]
	sim 0 card --help
	[[ $output == *serve* && $output != *install* ]]
}

@test "a command line that is none: exit 2 and two lines" {
	refused 2
	refused 2 card
	refused 2 card fly x
	refused 2 card show
	refused 2 card show a b
	refused 2 card show a --capacity 3
	refused 2 card show a --nonsense
	refused 2 card new a --firmware x
	refused 2 card new a --capacity 4
	refused 2 card new a --firmware x --capacity
	refused 2 card new a --firmware x --capacity -1
	refused 2 card new a --firmware x --capacity 4294967296
	refused 2 card new a --firmware x --capacity 4 --capacity 5
	refused 2 card new a --firmware "" --capacity 4
	refused 2 card new a --firmware $'a\nb' --capacity 4
	refused 2 card new a --firmware $'\xff' --capacity 4
	refused 2 card new a --firmware "$(printf '%065d' 0)" --capacity 4
	refused 2 card new a --firmware x --capacity 4 --type SF
	refused 2 card new a --firmware x --capacity 4 --type ABCDEFGHI
	refused 2 card new a --firmware x --capacity 4 --product 4500200
	refused 2 card new a --firmware x --capacity 4 --product ""
	refused 2 card new a --firmware x --capacity 4 --product 4500200g
	refused 2 card new a --firmware x --capacity 4 --serial 0011
	refused 2 card new a --firmware x --capacity 4 --serial 00112233445566zz
	refused 2 card new a --firmware x --capacity 4 --key b
	refused 2 card new a --blank --capacity 4
	refused 2 chip new c --product 4500200a
	refused 2 chip new c --seed x
	refused 2 image new i --card a
	refused 2 install i l
	[ -z "$(ls)" ]
}

@test "a mistake on the command line leads to the help that fits" {
	refused 2 card
	[[ $stderr == *'"card" needs a subcommand'* ]]
	[[ $stderr == *"subcommands: new, show, terminate, serve" ]]
	refused 2 card fly x
	[[ $stderr == *'"card fly"'*"subcommands: new, show"* ]]
	refused 2 fly
	[[ $stderr == *'"fly"'*"commands: card, chip, image, install" ]]
	refused 2
	[[ $stderr == *"a command is missing"*"card, chip"* ]]
	refused 2 card show a --nonsense
	[[ $stderr == *"see: hsmlic-sim card show --help" ]]
	refused 2 install i
	[[ $stderr == *"see: hsmlic-sim install --help" ]]
}

@test "what is wrong with a value is said with the value" {
	local new="card new c --firmware x"
	# shellcheck disable=SC2086
	wrong() {
		refused 2 $2
		[[ $stderr == *"$1"* ]] || { echo "$stderr"; return 1; }
	}
	wrong ': --capacity is missing' "$new"
	wrong ': --firmware is missing' "card new c --capacity 1"
	wrong ': --firmware and --capacity are missing' "card new c"
	wrong '"-1" is no number from 0 to 4294967295' "$new --capacity -1"
	wrong '"zz" is no product ID' "$new --capacity 1 --product zz"
	wrong '"450020011" is no product ID' \
		"$new --capacity 1 --product 450020011"
	wrong '"12" is no serial number' "$new --capacity 1 --serial 12"
	wrong '"zz" is no product ID' "chip new c --product zz"
	wrong '"x" is no number' "chip new c --seed x"
	wrong '"x" is no number of seconds' "card serve c --wait x"
}

@test "a card is made and shown, for people and for scripts" {
	sim 0 card new card --firmware "fw 1" --capacity 7 --type SSP \
		--product 45002001 --serial 00112233445566778899aabbccddeeff
	[[ $output == *"made up"* ]]
	[ "$(stat -c %a card)" = 600 ]
	sim 0 card show card
	[[ $output == *00112233445566778899AABBCCDDEEFF* ]]
	[[ $output == *OPERATIONAL_STATE* && $output == *"fw 1"* ]]
	sim 0 card show card --json
	[ "$(json schema)" = hsmlic-sim/card-show/1 ]
	[ "$(json serial)" = 00112233445566778899AABBCCDDEEFF ]
	[ "$(json state)" = OPERATIONAL_STATE ]
	[ "$(json firmware)" = "fw 1" ]
	[ "$(json type)" = SSP ]
	[ "$(json counter)" = 7 ]
	[ "$(json capacity)" = 7 ]
	[ "$(json product_id)" = 45002001 ]
	sim 0 card new any --firmware x --capacity 0 --json
	[ "$(json type)" = SFI ]
	[ "$(json product_id)" = null ]
	[ "$(ls)" = $'any\ncard' ] # no lock, no half file
}

@test "a card goes from blank to terminated" {
	sim 0 card new card --blank
	sim 0 card show card --json
	[ "$(json state)" = OEM_STATE ]
	sim 0 card terminate card --json
	[ "$(json state)" = TERMINATED_STATE ]
	printf x >b
	refused 2 image new i --card card --in b
}

@test "the firmware key comes from files and is never printed" {
	local key=k3y-0123456789ab nonce=n0nce-012345
	printf %s $key >key
	printf %s $nonce >nonce
	printf binary >b
	sim 0 card new card --firmware x --capacity 1 --key key --nonce nonce
	[[ $output$stderr != *"made up"* ]]
	[[ $output$stderr != *k3y* && $output$stderr != *n0nce* ]]
	sim 0 card new same --firmware x --capacity 1 --key key --nonce nonce
	sim 0 image new i1 --card card --in b
	sim 0 image new i2 --card same --in b
	cmp i1 i2
	refused 2 card new other --firmware x --capacity 1 --key nonce --nonce key
	refused 3 card new other --firmware x --capacity 1 --key no --nonce nonce
	[ ! -e other ]
}

@test "what is there is never written over, what is not is said" {
	new_card 3
	cp card copy
	refused 2 card new card --firmware x --capacity 9
	cmp card copy
	refused 2 chip new chip
	refused 3 card show nothing
	refused 3 image new i --card nothing --in card
	refused 3 image new i --card card --in nothing
	printf a >a
	printf b >b
	sim 0 image new i --card card --in a
	sim 0 image new i --card card --in a
	cp i before
	refused 2 image new i --card card --in b
	[[ $stderr == *"choose another name"* && $stderr != *--force* ]]
	cmp i before
	refused 5 card new no/such/folder --firmware x --capacity 1
	run -3 --separate-stderr hsmlic-sim card show nothing --json
	[ "$(json error.code)" = no-device ]
	[ "$(json error.units_spent)" = 0 ]
	[ "$(json schema)" = hsmlic-sim/card-show/1 ]
}

@test "a damaged card is told from a file that is none" {
	new_card 3
	printf '\xff' | dd of=card bs=1 seek=40 conv=notrunc status=none
	refused 9 card show card
	printf 'just a text' >text
	refused 2 card show text
}

@test "a chip is made as asked, the same again with a seed" {
	sim 0 chip new a --seed 42 --json
	[ "$(json product_id)" = 45002001 ]
	local uid
	uid=$(json uid)
	[[ $uid =~ ^[0-9A-F]{24}$ ]]
	[ "$(cat a/uid.hex)" = "$uid" ]
	[ "$(stat -c %s a/uid.hex a/certificate.bin a/private.key)" = $'25\n136\n32' ]
	[ "$(stat -c %a a/private.key)" = 600 ]
	[ "$(head -c 8 a/certificate.bin)" = 45002001 ]
	sim 0 chip new b --seed 42
	diff -r a b
	sim 0 chip new c --seed 43 --product 4820A000
	[ "$(head -c 8 c/certificate.bin)" = 4820A000 ]
	sim 0 chip new d
	sim 0 chip new e
	[ "$(sort -u ./*/uid.hex | wc -l)" -eq 4 ]
	run -1 cmp d/private.key e/private.key
}

@test "an image installs with the license of this chip, and no other way" {
	start_pcscd unix
	head -c 100000 /dev/urandom >binary
	new_card 3
	sim 0 card new card2 --firmware "fw 1" --capacity 3
	sim 0 chip new other --seed 2
	sim 0 image new image --card card --in binary
	sim 0 image new image2 --card card2 --in binary
	sim 0 image show image --json
	[ "$(json bytes)" = 100000 ]
	[ "$(json sha256)" = "$(sha256sum <binary | cut -c1-64)" ]
	start_card 0 hsmlic-sim card serve card
	take $ID1 license

	sim 0 install image license --chip chip -o out
	[[ $output == *simulated* && $output == *"$(cat chip/uid.hex)"* ]]
	cmp out binary
	cmp chip/flash.bin binary
	refused 8 install image license --chip other
	[[ ${stderr_lines[0]} == *"$(cat other/uid.hex)"* ]]
	[ ! -e other/flash.bin ]
	rm chip/flash.bin
	refused 8 install image2 license --chip chip
	cp license bad
	printf '\xff\xff' | dd of=bad bs=1 seek=100 conv=notrunc status=none
	refused 8 install image bad --chip chip
	cp image bad
	printf 'xx' | dd of=bad bs=1 seek=5000 conv=notrunc status=none
	refused 8 install bad license --chip chip
	head -c 99999 image >bad
	refused 2 install bad license --chip chip
	refused 2 install binary license --chip chip
	refused 2 install image binary --chip chip
	refused 3 install image nothing --chip chip
	refused 3 install image license --chip nothing
	[ ! -e chip/flash.bin ]
	sim 0 install image license --chip chip --json
	[ "$(json uid)" = "$(cat chip/uid.hex)" ]
	[ "$(json bytes)" = 100000 ]
	[ "$(json simulated)" = true ]
}

@test "a served card counts down in both kinds of reader, in T=1 and T=0" {
	local at left=8
	start_pcscd unix vpcd
	new_card 8 --serial 0123456789ABCDEF
	for at in 0 1; do
		start_card $at hsmlic-sim card serve card
		grep -qx "serving 0123456789ABCDEF at .*" "$HL_DIR/card$at.log"
		[[ ${READER_AT[at]} == *" $(cut -d' ' -f4 "$HL_DIR/card$at.log")" ]]
		apdu $at $SELECT $INFO "$(issue ${ID1%?}$at)" \
			"$(issue ${ID1%?}$at)" $INFO
		left=$((left - 1))
		[[ ${lines[0]} == 6F*C00103*9000 ]]
		[[ ${lines[2]} == E281A3*C604*CA10${ID1%?}${at}9000 ]]
		[ "${lines[2]}" = "${lines[3]}" ]
		[[ ${lines[4]} == *"C6040000000$left"* ]]
		[ "$(counter)" -eq $left ]
		stop_card $at
		[ "$HL_STATUS" -eq 0 ]

		start_card $at hsmlic-sim card serve card --t0
		apdu $at $SELECT 00C0000015 $INFO 80CA000026 \
			"$(issue ${ID2%?}$at)" 00C00000A6
		left=$((left - 1))
		[ "${lines[0]}" = 6115 ]
		[[ ${lines[1]} == 6F*C00102*9000 ]]
		[ "${lines[2]}" = 6C26 ]
		[[ ${lines[3]} == E024*9000 ]]
		[ "${lines[4]}" = 61A6 ]
		[[ ${lines[5]} == E281A3*CA10${ID2%?}${at}9000 ]]
		[ "$(counter)" -eq $left ]
		stop_card $at
	done
	[ ! -e card.lock ]
}

@test "a card is in one reader at a time, and without a reader it says so" {
	start_pcscd unix unix
	new_card 3
	start_card 0 hsmlic-sim card serve card
	# shellcheck disable=SC2086
	refused 7 card serve card ${READER_AT[1]}
	refused 7 card terminate card
	stop_card 0
	refused 3 card serve card --unix "$HL_DIR/no" --wait 0
	refused 3 card serve card --vpcd 127.0.0.1:1 --wait 0
	refused 3 card serve nothing
	refused 2 card serve card --vpcd nonsense
	refused 2 card serve card --vpcd 127.0.0.1:99999
	refused 2 card serve card --vpcd 127.0.0.1:1 --unix "$HL_DIR/no"
	refused 2 card serve card --wait soon
	refused 2 card serve card --fault
	refused 2 card serve card --fault nonsense
	refused 2 card serve card --fault mute:0
	refused 2 card serve card --fault mute:1:1
	refused 2 card serve card --fault slow:1:x
	refused 2 card serve card --fault slow:1:1:1
	refused 2 card serve card --fault mute:
	refused 2 card serve card --unix "$(printf '%0200d' 0)"
}

@test "SIGTERM ends a card that waits for its reader" {
	new_card 3
	hl_spawn "$HL_DIR/card.log" hsmlic-sim card serve card --unix "$HL_DIR/no"
	until [ -e card.lock ]; do sleep 0.02; done
	hl_stop "$HL_PID"
	[ "$HL_STATUS" -eq 0 ]
	[ ! -e card.lock ]
}

@test "a card waits for its reader, and comes back when pcscd was restarted" {
	new_card 3
	start_pcscd unix
	start_card 0 hsmlic-sim card serve card
	stop_pcscd
	rm -f "$PCSCLITE_CSOCK_NAME"
	hl_spawn "$HL_DIR/pcscd.log" private-pcscd --die-with-parent \
		"$PCSCLITE_CSOCK_NAME" /usr/sbin/pcscd --foreground \
		--config "$HL_DIR/conf$HL_COUNT"
	# shellcheck disable=SC2034 # the functions of lib.bash look at it
	PCSCD_PID=$HL_PID
	hl_wait_socket "$PCSCLITE_CSOCK_NAME"
	wait_reader 0 present
	apdu 0 $SELECT $INFO
	[[ ${lines[1]} == *C60400000003* ]]
	[ "$(wc -l <"$HL_DIR/card0.log")" -eq 1 ] # one line, once
}

# fault SPEC OPTIONS: a card in reader 0 with that fault; its second request,
# ID2, fails for the client.
failing() {
	start_pcscd unix
	new_card 9
	start_card 0 hsmlic-sim card serve card --fault "$@"
	run -1 pcsc-apdu "${READER[0]}" $SELECT "$(issue $ID1)" "$(issue $ID2)"
	[[ ${lines[1]} == *CA10${ID1}9000 ]]
}

# The license of ID2 is still to be had, and the counter then is this.
recovers() {
	wait_reader 0 present
	apdu 0 $SELECT "$(issue $ID2)" "$(issue $ID3)"
	[[ ${lines[1]} == *C6040000000$1*CA10${ID2}9000 ]]
	[[ ${lines[2]} == *C6040000000$(($1 - 1))*CA10${ID3}9000 ]]
}

@test "fault drop-before: nothing was counted, the card comes back" {
	failing drop-before:2
	[ "$(counter)" -eq 8 ]
	recovers 7
}

@test "fault drop-after: it was counted, the card comes back" {
	failing drop-after:2
	[ "$(counter)" -eq 7 ]
	recovers 7
}

@test "fault drop-after over vpcd: success without an answer" {
	start_pcscd vpcd
	new_card 9
	start_card 0 hsmlic-sim card serve card --fault drop-after
	run pcsc-apdu "${READER[0]}" $SELECT "$(issue $ID1)"
	[[ $output != *CA10$ID1* ]]
	[ "$(counter)" -eq 8 ]
}

@test "fault stay-away: the card does not come back, and ends when told" {
	failing drop-after:2 --fault-stay-away
	wait_reader 0 empty
	run -1 wait_reader 0 present 1
	stop_card 0
	[ "$HL_STATUS" -eq 0 ]
	start_card 0 hsmlic-sim card serve card
	recovers 7
}

@test "fault mute: it was counted, no answer ever comes" {
	export IFD_HSMLIC_TIMEOUT_MS=300
	failing mute:2
	[ "$(counter)" -eq 7 ]
	recovers 7 # the reader threw the card out, it is put in again
}

@test "fault short: one byte instead of a status word" {
	failing short:2
	[ "$(counter)" -eq 7 ]
	stop_card 0
	start_card 0 hsmlic-sim card serve card
	recovers 7
}

@test "fault garbage: an answer that is none, with 9000" {
	start_pcscd unix
	new_card 9
	start_card 0 hsmlic-sim card serve card --fault garbage
	apdu 0 $SELECT "$(issue $ID1)"
	[[ ${lines[1]} == *9000 && ${#lines[1]} -eq 68 ]]
	[ "$(counter)" -eq 8 ]
}

@test "fault slow: counted at once, answered late, and so over SIGKILL" {
	start_pcscd unix
	new_card 9
	start_card 0 hsmlic-sim card serve card --fault slow:1:200 \
		--fault slow:2:600000
	apdu 0 $SELECT "$(issue $ID1)"
	[[ ${lines[1]} == *CA10${ID1}9000 ]]
	hl_spawn "$HL_DIR/client.log" pcsc-apdu "${READER[0]}" $SELECT \
		"$(issue $ID2)"
	local client=$HL_PID
	until [ "$(counter)" -eq 7 ]; do sleep 0.02; done
	stop_card 0 KILL
	run -1 wait "$client"
	start_card 0 hsmlic-sim card serve card
	recovers 7
}

@test "faults wrong-id, stuck, jump: each once, at its request" {
	start_pcscd unix
	new_card 9
	start_card 0 hsmlic-sim card serve card --fault wrong-id:1 \
		--fault stuck:2 --fault jump:3
	apdu 0 $SELECT "$(issue $ID1)" "$(issue $ID2)" "$(issue $ID3)" \
		"$(issue $ID1)"
	[[ ${lines[1]} == *C60400000008CA10FF112233* ]]
	[[ ${lines[2]} == *C60400000008CA10${ID2}9000 ]]
	[[ ${lines[3]} == *C60400000005CA10${ID3}9000 ]]
	[[ ${lines[4]} == *C60400000004CA10${ID1}9000 ]]
}
