# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031
# The test bed itself: pcscd, both reader drivers, the stranger's card. Needs
# nothing of the product, so that a red test here means the bed is broken.
load lib

# Loops here count with n: `run` of bats 1.8 changes the caller's i.
SELECT=00A4040008F048534D4C49430100
INFO=80CA000000

setup() {
	hl_setup
}

teardown() {
	hl_teardown
}

# make_certificate [PRODUCT]: into CERT, in hex: product ID, a point of P-256
# (the generator is one), any signature.
make_certificate() {
	local x=6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
	local y=4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
	CERT=$(printf '%s' "${1:-4820A000}" | od -An -tx1 | tr -d ' \n')
	CERT=${CERT^^}$x$y$(printf '%0128d' 0)
}

# issue_apdu ID LE: ISSUE LICENSE for $CERT; E1 { C9 certificate, CA id }.
issue_apdu() {
	echo "802A0000A0E1819DC98188${CERT}CA10$1$2"
}

apdu() {
	run -0 --separate-stderr pcsc-apdu "${READER[$1]}" "${@:2}"
}

counter_of() {
	apdu "$1" "$SELECT" "$INFO"
	[[ ${lines[1]} =~ C604([0-9A-F]{8}) ]]
	echo "$((16#${BASH_REMATCH[1]}))"
}

ID1=00112233445566778899AABBCCDDEEFF
ID2=0F112233445566778899AABBCCDDEEFF

@test "a reader of each kind is listed, empty" {
	start_pcscd unix vpcd
	[[ ${READER[0]} == "Test 0 unix 00 00" ]]
	[[ ${READER[1]} == "Test 1 vpcd 00 00" ]]
	wait_reader 0 empty
	wait_reader 1 empty
}

@test "a card is inserted, answers APDUs and is removed, over both drivers" {
	local n
	start_pcscd unix vpcd
	for n in 0 1; do
		start_card "$n" stranger-card --serial 0102030405060708 \
			--capacity 7
		grep -qx 'ready 0102030405060708' "$HL_DIR/card$n.log"
		apdu "$n" "$SELECT" "$INFO"
		[[ ${lines[0]} == 6F*84*9000 ]]
		[[ ${lines[1]} == E0*C2080102030405060708*C604000000079000 ]] ||
			[[ ${lines[1]} == E0*C60400000007*9000 ]]
		stop_card "$n"
		run -1 pcsc-apdu "${READER[n]}" "$SELECT"
		[[ $output == *8010000C* ]]
	done
}

@test "an own reader shows a card removed and put back as another card" {
	start_pcscd unix
	for _ in 1 2 3 4 5; do
		start_card 0 stranger-card
		apdu 0 "$SELECT"
		stop_card 0
	done
}

@test "a client holding a card that is pulled is told, even when another comes" {
	start_pcscd unix
	start_card 0 stranger-card
	hl_spawn "$HL_DIR/client.log" pcsc-apdu --pause 1500 "${READER[0]}" \
		"$SELECT" "$INFO"
	local client=$HL_PID
	until grep -q 9000 "$HL_DIR/client.log"; do sleep 0.02; done
	stop_card 0
	start_card 0 stranger-card
	wait "$client" || true
	run -0 cat "$HL_DIR/client.log"
	[[ $output == *80100069* ]]
	[[ ${#lines[@]} -eq 2 ]]
}

@test "many readers of one driver keep their cards apart" {
	local n
	start_pcscd unix unix unix unix
	for n in 3 1 0 2; do
		start_card "$n" stranger-card --serial "010203040506070$n"
	done
	for n in 0 1 2 3; do
		apdu "$n" "$SELECT" "$INFO"
		[[ ${lines[1]} == *C208010203040506070$n* ]]
	done
	stop_card 1
	apdu 2 "$SELECT"
}

@test "two readers of the stranger's driver keep their cards apart" {
	local n
	start_pcscd vpcd vpcd
	for n in 0 1; do
		start_card "$n" stranger-card --serial "010203040506070$n"
	done
	for n in 0 1; do
		apdu "$n" "$SELECT" "$INFO"
		[[ ${lines[1]} == *C208010203040506070$n* ]]
	done
}

@test "two pcscd at once do not disturb each other" {
	local first
	start_pcscd unix vpcd
	first=$PCSCD_PID
	start_pcscd unix vpcd
	start_card 0 stranger-card --serial AAAAAAAAAAAAAAAA
	start_card 3 stranger-card --serial BBBBBBBBBBBBBBBB
	wait_reader 1 empty
	wait_reader 2 empty
	run -1 pcsc-wait "${READER[0]}" listed 0
	PCSCLITE_CSOCK_NAME=${READER_SOCK[0]} apdu 0 "$SELECT" "$INFO"
	[[ ${lines[1]} == *C208AAAAAAAAAAAAAAAA* ]]
	hl_stop "$first"
	[ "$HL_STATUS" -eq 0 ]
	apdu 3 "$SELECT" "$INFO"
	[[ ${lines[1]} == *C208BBBBBBBBBBBBBBBB* ]]
}

# What the system's own pcscd owns, as it is: kind, inode, times, content.
default_socket() {
	stat -c '%n %F %i %Y %Z %s' /run/pcscd /run/pcscd/* 2>&1 || true
	cat /run/pcscd/pcscd.pid 2>&1 || true
}

@test "the default socket and its folder are not touched" {
	local before after
	before=$(default_socket)
	start_pcscd unix vpcd
	start_card 0 stranger-card
	after=$(default_socket)
	[ "$before" = "$after" ]
	stop_pcscd
	[ "$HL_STATUS" -eq 0 ]
	after=$(default_socket)
	[ "$before" = "$after" ]
}

@test "pcscd and the card die with the process that started them" {
	local ids pid
	# The inner shell starts them and is killed without a chance to clean.
	# shellcheck disable=SC2016
	run bash -c '
		BATS_TEST_COMPLETED=1
		. "$1"
		hl_setup
		start_pcscd unix && start_card 0 stranger-card || exit
		echo "$HL_DIR" "$PCSCD_PID" "${CARD_PID[0]}"
		kill -KILL $$' _ "$BATS_TEST_DIRNAME/lib.bash"
	[ "$status" -eq 137 ]
	read -ra ids <<<"${lines[-1]}"
	[ "${#ids[@]}" -eq 3 ]
	for pid in "${ids[@]:1}"; do
		for _ in {1..500}; do
			[ -e "/proc/$pid/exe" ] || break
			sleep 0.02
		done
		[ ! -e "/proc/$pid/exe" ]
	done
	rm -rf -- "${ids[0]}"
}

@test "a mute card makes the own reader give up at its deadline" {
	export IFD_HSMLIC_TIMEOUT_MS=300
	start_pcscd unix
	start_card 0 stranger-card
	kill -STOP "${CARD_PID[0]}"
	run -1 pcsc-apdu "${READER[0]}" "$SELECT"
	[[ $output == *80100016* ]]
	kill -CONT "${CARD_PID[0]}"
	wait_reader 0 empty
}

@test "a card issues once for each request and counts down" {
	start_pcscd unix
	make_certificate
	start_card 0 stranger-card --capacity 2 --state "$HL_DIR/state"
	apdu 0 "$SELECT" "$(issue_apdu $ID1 00)" "$(issue_apdu $ID1 00)" "$INFO"
	[[ ${lines[1]} == E281A3CB8188* ]]
	[[ ${lines[1]} == *C60400000001CA10${ID1}9000 ]]
	[ "${lines[1]}" = "${lines[2]}" ]
	[[ ${lines[3]} == *C604000000019000 || ${lines[3]} == *C60400000001* ]]
	# Counter and last answer survive the card's sudden death.
	stop_card 0 KILL
	start_card 0 stranger-card --state "$HL_DIR/state"
	local first=${lines[1]}
	apdu 0 "$SELECT" "$(issue_apdu $ID1 00)" "$(issue_apdu $ID2 00)" \
		"$(issue_apdu $ID1 00)" "$(issue_apdu $ID2 00)"
	[ "${lines[1]}" = "$first" ]
	[[ ${lines[2]} == *C60400000000CA10${ID2}9000 ]]
	[ "${lines[3]}" = 6A84 ]
	[ "${lines[4]}" = "${lines[2]}" ]
}

@test "a card without replay spends one for each request" {
	start_pcscd unix
	make_certificate
	start_card 0 stranger-card --capacity 3 --no-replay
	apdu 0 "$SELECT" "$(issue_apdu $ID1 00)" "$(issue_apdu $ID1 00)"
	[[ ${lines[0]} == *C00101* ]]
	[[ ${lines[1]} == *C60400000002CA10* ]]
	[[ ${lines[2]} == *C60400000001CA10* ]]
	[ "${lines[1]:0:200}" != "${lines[2]:0:200}" ]
}

@test "a card refuses what the protocol says, and nothing is spent" {
	start_pcscd unix
	start_card 0 stranger-card --capacity 2 --product 4820A000
	make_certificate 4830A000
	apdu 0 "$INFO" "$SELECT" "$(issue_apdu $ID1 00)"
	[ "${lines[0]}" = 6E00 ]
	[ "${lines[2]}" = 6984 ]
	make_certificate 4820a000
	apdu 0 "$SELECT" "$(issue_apdu $ID1 00)"
	[ "${lines[1]}" = 6A80 ]
	make_certificate
	CERT=${CERT:0:142}7${CERT:143}
	apdu 0 "$SELECT" "$(issue_apdu $ID1 00)" 00A4040002F04800 80CB000000 \
		"80CA010000" 80CA
	[ "${lines[1]}" = 6A80 ]
	[ "${lines[2]}" = 6A82 ]
	[ "${lines[3]}" = 6D00 ]
	[ "${lines[4]}" = 6A86 ]
	[ "${lines[5]}" = 6700 ]
	[ "$(counter_of 0)" -eq 2 ]
}

@test "a blank card is personalised once; a terminated one does nothing" {
	local body
	start_pcscd unix
	make_certificate
	start_card 0 stranger-card --state-byte blank
	body=C4026677C503534649C70400000005C8083438323041303030
	body+=CC10000102030405060708090A0B0C0D0E0FCD0C000102030405060708090A0B
	apdu 0 "$SELECT" "$INFO" "$(issue_apdu $ID1 00)" "80DA00003BE339$body" \
		"80DA00003BE339$body" "$(issue_apdu $ID1 00)"
	[[ ${lines[1]} == *C301019000 ]]
	[ "${lines[2]}" = 6985 ]
	[ "${lines[3]}" = 9000 ]
	[ "${lines[4]}" = 6985 ]
	[[ ${lines[5]} == *C60400000004CA10* ]]
	stop_card 0
	start_card 0 stranger-card --state-byte terminated
	apdu 0 "$SELECT" "$INFO" "$(issue_apdu $ID1 00)"
	[[ ${lines[1]} == *C301039000 ]]
	[ "${lines[2]}" = 6985 ]
}

@test "61xx: all of an answer comes by GET RESPONSE" {
	local whole part
	start_pcscd unix
	make_certificate
	start_card 0 stranger-card --always-61 --license-size 600
	apdu 0 "$SELECT" 00C0000000 "$(issue_apdu $ID1 00)" 00C0000000 \
		00C0000000 00C0000000 00C0000000
	[[ ${lines[0]} =~ ^61[0-9A-F]{2}$ ]]
	[[ ${lines[1]} == 6F*9000 ]]
	[ "${lines[2]}" = 6100 ]
	[ "${#lines[3]}" -eq $((2 * 256 + 4)) ]
	[[ ${lines[3]} == *6100 ]]
	[[ ${lines[4]} =~ 61[0-9A-F]{2}$ ]]
	[[ ${lines[5]} == *9000 ]]
	[ "${lines[6]}" = 6985 ]
	whole=
	for part in "${lines[@]:3:3}"; do whole+=${part:0:-4}; done
	[[ $whole == E2820274CB820258*CA10$ID1 ]]
}

@test "6Cxx: a Le that is not exact is refused before a unit is spent" {
	local le
	start_pcscd unix
	make_certificate
	start_card 0 stranger-card --always-6c --no-replay --capacity 2
	apdu 0 "${SELECT}" "$(issue_apdu $ID1 00)"
	[[ ${lines[0]} =~ ^6C[0-9A-F]{2}$ ]]
	apdu 0 "${SELECT%00}${lines[0]:2}" "$(issue_apdu $ID1 00)" 80CA000000
	[[ ${lines[0]} == *9000 ]]
	[[ ${lines[1]} =~ ^6C[0-9A-F]{2}$ ]]
	[[ ${lines[2]} =~ ^6C[0-9A-F]{2}$ ]]
	le=${lines[1]:2}
	apdu 0 "80CA0000${lines[2]:2}" "$(issue_apdu $ID1 "$le")"
	[[ ${lines[0]} == *C60400000002* ]]
	[[ ${lines[1]} == *C60400000001*9000 ]]
}

@test "long lengths and unknown tags are where they are asked for" {
	start_pcscd unix
	start_card 0 stranger-card --long-lengths --unknown-tags
	apdu 0 "$SELECT" "$INFO"
	[[ ${lines[0]} == DF7A03010203* ]] || [[ ${lines[0]} == *6F83* ]]
	[[ ${lines[1]} == *E083* || ${lines[1]} == *E084* ||
		${lines[1]} == *E082* ]]
	[[ ${lines[1]} == *C28[234]00* ]]
	[[ ${lines[1]} == *FF2110C604FFFFFFFF* ]]
	[[ ${lines[1]} == *9F81010100* ]]
}

@test "extended length works unless it is switched off" {
	local long
	start_pcscd unix
	make_certificate
	long="802A00000000A0$(issue_apdu $ID1 '' | cut -c11-)0000"
	start_card 0 stranger-card --license-size 2048
	apdu 0 "$SELECT" "$long"
	[[ ${lines[0]} == *C00103* ]]
	[[ ${lines[1]} == E282081CCB820800*9000 ]]
	stop_card 0
	start_card 0 stranger-card --no-extended
	apdu 0 "$SELECT" "$long"
	[[ ${lines[0]} == *C00102* ]]
	[ "${lines[1]}" = 6700 ]
}

@test "command chaining puts the blocks together" {
	local data
	start_pcscd unix
	make_certificate
	start_card 0 stranger-card
	data=$(issue_apdu $ID1 '' | cut -c11-)
	apdu 0 "$SELECT" "902A000064${data:0:200}" \
		"802A00003C${data:200}00" "$INFO"
	[ "${lines[1]}" = 9000 ]
	[[ ${lines[2]} == E2*CA10${ID1}9000 ]]
	[[ ${lines[3]} == *C60400000009* ]]
}

@test "T=0: case 4 is answered by 61xx, the protocol is the only one" {
	start_pcscd unix
	make_certificate
	start_card 0 stranger-card --t0
	apdu 0 "$SELECT" 00C0000000 "$(issue_apdu $ID1 '')" 00C00000A6
	[[ ${lines[0]} =~ ^61[0-9A-F]{2}$ ]]
	[[ ${lines[1]} == *C00102* ]]
	[ "${lines[2]}" = 61A6 ]
	[[ ${lines[3]} == E2*CA10${ID1}9000 ]]
}

@test "each misbehaviour happens at the issue it was asked for" {
	local option
	start_pcscd unix vpcd
	make_certificate
	for option in wrong-id no-sw too-long stuck jump; do
		start_card 1 stranger-card --capacity 9 --$option 2
		apdu 1 "$SELECT" "$(issue_apdu ${ID1%?}1 00)" \
			"$(issue_apdu ${ID1%?}2 00)" "$INFO" \
			"$(issue_apdu ${ID1%?}3 00)"
		[[ ${lines[1]} == *C60400000008CA10${ID1%?}19000 ]]
		case $option in
		wrong-id) [[ ${lines[2]} == *C60400000007CA10${ID1%?}39000 ]] ;;
		no-sw) [[ ${lines[2]} == E2 ]] ;;
		too-long) [[ ${lines[2]} == 6100 ]] ;;
		stuck) [[ ${lines[2]} == *C60400000008CA10${ID1%?}29000 ]] ;;
		jump) [[ ${lines[2]} == *C60400000006CA10${ID1%?}29000 ]] ;;
		esac
		[[ ${lines[4]} == *CA10${ID1%?}39000 ]]
		stop_card 1
	done
}
