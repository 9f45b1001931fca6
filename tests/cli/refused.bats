# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What doctor says where polkit keeps a user from the cards. The pcscd of
# Debian 12 is built without polkit, so its refusals come from a fake.

bats_require_minimum_version 1.5.0
: "${HSMLIC_BIN:?is to be the bin folder of a build}"

setup() {
	PATH=$HSMLIC_BIN:$PATH
	cd "$BATS_TEST_TMPDIR" || return
	export HSMLIC_STORE=$PWD/store.db XDG_CONFIG_HOME=$PWD
	unset SSH_CONNECTION
}

# check NAME: that check of the doctor's answer.
check() {
	jq -r --arg name "$1" '.checks[] | select(.name == $name)' \
		<<<"$output"
}

# remedies NAME: what it says to do has to be what is to be done.
remedies() {
	local remedy
	remedy=$(check "$1" | jq -r .remedy)
	echo "$remedy"
	[[ $remedy == *"/etc/polkit-1/rules.d/"* ]]
	[[ $remedy == *"usermod -aG hsmlic $(id -un);"* ]]
	[[ $remedy == *" $2 "* ]]
	[[ $remedy =~ install\ -m\ 0644\ (/[^ ]*/examples/60-hsmlic\.rules)\  ]]
}

@test "doctor: pcscd refused" {
	REFUSE_AT=SCardEstablishContext run -1 --separate-stderr \
		hsmlic-refused doctor --json
	[ "$(check "PC/SC service" | jq -r .result)" = FAILED ]
	[[ $(check "PC/SC service" | jq -r .detail) == \
		*"polkit refuses org.debian.pcsc-lite.access_pcsc"*"; the user is $(id -un) ($(id -u))" ]]
	remedies "PC/SC service" org.debian.pcsc-lite.access_pcsc
	[[ $output != *access_card* ]]
	[ "$(check card | jq -r .result)" = skipped ]
}

@test "doctor: a card refused" {
	REFUSE_AT=SCardConnect run -1 --separate-stderr \
		hsmlic-refused doctor --json
	[ "$(check "PC/SC service" | jq -r .result)" = ok ]
	[ "$(check card | jq -r .result)" = FAILED ]
	[[ $(check card | jq -r .detail) == \
		*'"Alpha 00"'*"polkit refuses org.debian.pcsc-lite.access_card"* ]]
	remedies card org.debian.pcsc-lite.access_card
	[[ $(check card | jq -r .remedy) == *"list of readers"* ]]
	[[ $output != *access_pcsc* ]]
}

@test "doctor: over SSH it is said that this is why" {
	SSH_CONNECTION='192.0.2.1 50000 192.0.2.2 22' \
		REFUSE_AT=SCardEstablishContext run -1 hsmlic-refused doctor
	[[ $output == *"This session came over SSH"* ]]
	REFUSE_AT=SCardEstablishContext run -1 hsmlic-refused doctor
	[[ $output != *"came over SSH"* ]]
	[[ $output == *"nobody over SSH"* ]]
}

@test "doctor: where nothing is refused, nothing is said of polkit" {
	run hsmlic-refused doctor
	[[ $output == *"PC/SC service: it answers"* ]]
	[[ $output != *polkit* ]]
}

@test "get: both ways, and nothing is spent" {
	hsmlic-sim chip new chip
	for at in SCardEstablishContext SCardConnect; do
		REFUSE_AT=$at run -3 --separate-stderr hsmlic-refused get \
			--target sim:chip --yes --json
		[ "$(jq -r .error.code <<<"$output")" = access ]
		[ "$(jq -r .error.units_spent <<<"$output")" = 0 ]
		[[ $(jq -r .error.hint <<<"$output") == *"hsmlic doctor"* ]]
	done
}
