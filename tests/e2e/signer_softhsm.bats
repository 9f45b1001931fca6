# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# Signing with a PKCS #11 token of somebody else's: SoftHSM. What is signed is
# verified by openssl, with the public key that we tell.
load lib

MODULE=/usr/lib/softhsm/libsofthsm2.so

setup() {
	hl_setup
	cd "$HL_DIR" || return
	mkdir tokens
	printf '%s\n' "directories.tokendir = $HL_DIR/tokens" \
		"objectstore.backend = file" "log.level = ERROR" >softhsm2.conf
	export SOFTHSM2_CONF=$HL_DIR/softhsm2.conf
	echo "what is signed" >data
	token lab
	p11 lab --keypairgen --key-type EC:prime256v1 --id 01 --label ec
}

teardown() {
	hl_teardown
}

token() { # LABEL
	softhsm2-util --init-token --free --label "$1" --so-pin 12345678 \
		--pin 1234 >/dev/null
}

p11() { # LABEL ARGS...
	local label=$1
	shift
	pkcs11-tool --module "$MODULE" --token-label "$label" --login \
		--pin 1234 "$@" >/dev/null
}

# signs KEY: and openssl accepts the signature.
signs() {
	signer-tool --module "$MODULE" --pin 1234 "$1" public >pub.pem
	signer-tool --module "$MODULE" --pin 1234 "$1" sign data >sig
	openssl dgst -sha256 -verify pub.pem -signature sig data
	! openssl dgst -sha256 -verify pub.pem -signature sig pub.pem
}

# refused STATUS KEY [OPTIONS]: three lines of an error.
refused() {
	local status=$1 key=$2
	shift 2
	run "-$status" --separate-stderr signer-tool --module "$MODULE" "$@" \
		"$key" sign data
	[ -z "$output" ]
}

@test "P-256 of a token, found by token, object, id" {
	signs 'pkcs11:token=lab;object=ec'
	signs 'pkcs11:token=lab;id=%01;type=private'
	signs 'pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project'
	signs 'pkcs11:'
	# it is the key that another program sees
	pkcs11-tool --module "$MODULE" --read-object --type pubkey --id 01 \
		-o pub.der >/dev/null
	openssl pkey -pubin -inform DER -in pub.der -pubout | diff - pub.pem
}

@test "what another program signs with the key verifies with our public key" {
	signer-tool --module "$MODULE" --pin 1234 pkcs11:token=lab public >pub.pem
	openssl dgst -sha256 -binary data >digest
	p11 lab --sign --id 01 -m ECDSA --signature-format openssl -i digest -o sig
	openssl dgst -sha256 -verify pub.pem -signature sig data
}

@test "Ed25519 of a token" {
	p11 lab --keypairgen --key-type EC:edwards25519 --id 02 --label ed
	# SoftHSM 2.6.1 forgets to free the parameters of such keys.
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
	signer-tool --module "$MODULE" --pin 1234 'pkcs11:object=ed' public >pub.pem
	signer-tool --module "$MODULE" --pin 1234 'pkcs11:object=ed' sign data >sig
	[ "$(stat -c %s sig)" -eq 64 ]
	openssl pkeyutl -verify -rawin -pubin -inkey pub.pem -sigfile sig -in data
	refused 2 'pkcs11:token=lab' --pin 1234
	[[ $stderr == *"2 keys fit the URI"*"object=ed"* ]]
	signs 'pkcs11:token=lab;id=%01'
}

@test "a wrong PIN is tried once, and says so" {
	refused 3 'pkcs11:token=lab' --pin 4321
	[[ $stderr == *"PIN is wrong"* ]]
	[ "$(grep -c "asked for" <<<"$stderr")" -eq 1 ]
	[[ $stderr != *4321* ]]
	signs 'pkcs11:token=lab'
}

@test "no PIN to be had, and one in the URI" {
	refused 2 'pkcs11:token=lab'
	[[ $stderr == *'it needs the PIN of token "lab"'* ]]
	refused 2 'pkcs11:token=lab?pin-value=1234'
	[[ $stderr == *"pin-value"* && $stderr != *1234* ]]
	echo 1234 >pin
	chmod 600 pin
	signer-tool --module "$MODULE" "pkcs11:token=lab?pin-source=file:$PWD/pin" \
		sign data >sig
	chmod 640 pin
	refused 3 "pkcs11:token=lab?pin-source=file:$PWD/pin"
	[[ $stderr == *"chmod 600"* ]]
}

@test "two tokens of one label are told apart" {
	local serials
	token lab
	refused 2 'pkcs11:token=lab' --pin 1234
	[[ $stderr == *"2 tokens fit the URI"* ]]
	mapfile -t serials < <(grep -oE 'serial=[0-9a-f]+' <<<"$stderr" | sort -u)
	[ "${#serials[@]}" -eq 2 ]
	# one of them has the key
	local s ok=0 none=0
	for s in "${serials[@]}"; do
		run --separate-stderr signer-tool --module "$MODULE" --pin 1234 \
			"pkcs11:token=lab;$s" public
		[ "$status" -ne 0 ] || ok=$((ok + 1))
		[[ $stderr != *"has no private key"* ]] || none=$((none + 1))
	done
	[ "$ok" -eq 1 ]
	[ "$none" -eq 1 ]
}

@test "no such token, no such key, a key of another kind" {
	p11 lab --keypairgen --key-type EC:secp384r1 --id 03 --label p384
	p11 lab --keypairgen --key-type rsa:2048 --id 04 --label rsa
	refused 3 'pkcs11:token=la' --pin 1234
	[[ $stderr == *"no token fits"*"pkcs11:token=lab;serial="* ]]
	refused 2 'pkcs11:token=lab;object=no' --pin 1234
	[[ $stderr == *"object=ec;id=%01 (fit to sign)"* ]]
	refused 2 'pkcs11:token=lab;id=%03' --pin 1234
	[[ $stderr == *"(another curve)"* ]]
	refused 2 'pkcs11:token=lab;id=%04' --pin 1234
	[[ $stderr == *"(RSA)"* ]]
	signs 'pkcs11:token=lab'
}

@test "the module by name, and by the URI" {
	signer-tool --module softhsm2 --pin 1234 pkcs11:token=lab sign data >sig
	signer-tool --pin 1234 'pkcs11:token=lab?module-name=softhsm2' sign data >sig
	signer-tool --pin 1234 "pkcs11:token=lab?module-path=$MODULE" sign data >sig
	run -3 --separate-stderr signer-tool --pin 1234 \
		'pkcs11:token=lab?module-name=none' sign data
	[[ $stderr == *'"none" is in none of the usual folders'* ]]
}
