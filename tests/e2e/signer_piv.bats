# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# Signing with a card through OpenSC's module, which is the default one: pcscd,
# reader driver and module are what a station has; the card is a stand-in
# (tests/standin/piv_card.c) with real keys.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	# Nothing is kept from one card for the next.
	printf 'app default { framework pkcs15 { use_file_caching = false; } }\n' \
		>opensc.conf
	export OPENSC_CONF=$HL_DIR/opensc.conf HOME=$HL_DIR
	echo "what is signed" >data
	start_pcscd vpcd
	echo 3 >tries
	start_card 0 piv-card --tries "$HL_DIR/tries"
}

teardown() {
	hl_teardown
}

signs() { # ID [COUNT]: openssl accepts it, with what the card's owner can read
	local id=$1
	signer-tool --pin 123456 "pkcs11:id=%$id" public >pub.pem
	signer-tool --pin 123456 "pkcs11:id=%$id" sign data >sig 2>log
	openssl dgst -sha256 -verify pub.pem -signature sig data
	pkcs11-tool --module opensc-pkcs11.so --read-object --type cert \
		--id "$id" -o cert.der >/dev/null
	openssl x509 -inform DER -in cert.der -pubkey -noout | diff - pub.pem
}

refused() { # STATUS KEY [OPTIONS]
	local status=$1 key=$2
	shift 2
	run "-$status" --separate-stderr signer-tool "$@" "$key" sign data
	[ -z "$output" ]
}

@test "a key that wants the PIN once" {
	signs 01
	[ "$(grep -c "asked for PIN" log)" -eq 1 ]
}

@test "a key that wants the PIN for each signature" {
	signs 02
	[ "$(grep -c "asked for PIN" log)" -eq 2 ]
}

@test "two keys, and none named" {
	refused 2 pkcs11: --pin 123456
	[[ $stderr == *"2 keys fit the URI"*"id=%01"* ]]
}

@test "wrong PINs: the last try is not spent without being told to" {
	refused 3 'pkcs11:id=%01' --pin 654321
	[[ $stderr == *"PIN is wrong"* ]]
	[ "$(cat tries)" -eq 2 ]
	refused 3 'pkcs11:id=%01' --pin 654321
	[[ $stderr == *"one try is left"* ]]
	[ "$(cat tries)" -eq 1 ]
	refused 3 'pkcs11:id=%01' --pin 123456
	[[ $stderr == *"one more wrong PIN locks it"* ]]
	[[ $stderr != *"asked for"* ]]
	[ "$(cat tries)" -eq 1 ]
	signer-tool --last-try --pin 123456 'pkcs11:id=%01' sign data >sig
	[ "$(cat tries)" -eq 3 ]
	signs 01
}

@test "the last try, spent on a wrong one" {
	echo 1 >tries
	stop_card 0
	start_card 0 piv-card --tries "$HL_DIR/tries"
	refused 3 'pkcs11:id=%01' --last-try --pin 654321
	[[ $stderr == *"last try"*"locked"* ]]
	[ "$(cat tries)" -eq 0 ]
	refused 3 'pkcs11:id=%01' --last-try --pin 123456
	[[ $stderr == *"PIN is locked"* ]]
	[[ $stderr != *"asked for"* ]]
}

@test "no card, no pcscd" {
	stop_card 0
	refused 3 'pkcs11:id=%01' --pin 123456
	[[ $stderr == *"sees no token"*"pcscd"* ]]
	stop_pcscd
	refused 3 'pkcs11:id=%01' --pin 123456
	[[ $stderr == *"sees no token"*"pcscd"* ]]
}

# starts_signing: in the background, logged in, not yet signed.
starts_signing() {
	mkfifo pause
	hl_spawn out.log signer-tool --pause pause --pin 123456 \
		'pkcs11:id=%01' sign data
	SIGNER=$HL_PID
	timeout "$HL_WAIT" cat pause
}

# ends_signing STATUS: goes on, and ends so.
ends_signing() {
	timeout "$HL_WAIT" tee pause </dev/null
	HL_STATUS=0
	wait "$SIGNER" || HL_STATUS=$?
	cat out.log
	[ "$HL_STATUS" -eq "$1" ]
}

@test "a card that stays in its reader" {
	starts_signing
	ends_signing 0
}

@test "a card pulled between login and signature" {
	starts_signing
	stop_card 0
	ends_signing 3
	grep -q "the token was taken out" out.log
}

@test "another card in its place is not signed with" {
	starts_signing
	stop_card 0
	start_card 0 piv-card --tries "$HL_DIR/tries"
	ends_signing 3
	grep -qE "the token was taken out|forgotten the login" out.log
}
