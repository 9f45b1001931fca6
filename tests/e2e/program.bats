# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154,SC2317
# hsmlic program: what would fail is found before a unit is spent for it, and
# what fails all the same costs no second one. The STM32_Programmer_CLI is the
# stand-in of tests/standin, chips and cards are simulated.
load lib

CARD=sim:card
SWD=stm32prog:port=SWD

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/store.db
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nobody TMPDIR=$HL_DIR/tmp
	unset HSMLIC_CARD HSMLIC_TARGET HSMLIC_YES
	mkdir tmp
	hsmlic-sim card new card --firmware fw-a --capacity 10 \
		--product 48102001 >/dev/null
	hsmlic-sim chip new u5 --product 48102001 >/dev/null
	printf 'name STM32U535/545\n' >u5/device
	head -c 3000 /dev/urandom >plain
	hsmlic-sim image new out.sfi --card card --in plain >/dev/null
	echo 'an extension' >rsse.bin
	# The founding case: RDP level 0 and TrustZone off.
	printf 'RDP,0xAA\nTZEN,0\n' >bad.csv
	printf 'RDP,0x55\nTZEN,1\n' >good.csv
	standin_world
	standin_chip u5
}

teardown() { hl_teardown; }

left() { # what the card itself says
	hsmlic-sim card show "${1:-card}" --json | jq .counter
}

# program CODE WORDS...: on the chip at the probe, with the card
program() {
	local code=$1
	shift
	run "-$code" --separate-stderr hsmlic program --card $CARD \
		--target $SWD --yes "$@"
	# Of licenses and certificates nothing is left behind.
	[ -z "$(ls tmp)" ]
}

# installs: OUTCOME EXIT-STATUS of each that is on record, oldest first
installs() {
	sqlite3 -separator ' ' store.db \
		'SELECT outcome, exit_status FROM installs ORDER BY rowid'
}

# The tool was never told to ask a card, and installed N times.
installed() {
	if grep -i 'hsm=1\|-hsmget\|-hsmglfcb' world/journal; then
		return 1
	fi
	[ "$(grep -c ' -sfi ' world/journal)" = "$1" ]
}

# fails WORDS: the error is two lines behind what else is said
fails() {
	[[ $stderr == *"$1"* ]] || { echo "$stderr"; return 1; }
	[[ ${stderr##*$'\n'} == "hsmlic: hint: "* ]]
}

@test "the founding case is stopped, and goes through when it is mended" {
	program 1 out.sfi --csv bad.csv -- -rsse rsse.bin
	[[ $stderr == *"finding rdp-level-0:"*"0xAA"*"finding tzen-0:"* ]]
	[[ $stderr == *"  why "*"  mend "*"  source "*"td-p/635458"* ]]
	fails "preflight found what would make it fail: rdp-level-0, tzen-0"
	[[ $stderr == *"nothing was spent"* ]]
	[ "$(left)" = 10 ]
	installed 0
	program 0 out.sfi --csv good.csv -- -rsse rsse.bin
	cmp u5/flash.bin plain
	[ "$(left)" = 9 ]
	installed 1
	[[ ${lines[-1]} == "installed out.sfi in "*"; one unit was spent" ]]
	program 0 out.sfi --csv good.csv -- -rsse rsse.bin
	[[ ${lines[-1]} == *"; nothing was spent" ]]
	[ "$(left)" = 9 ]
	hsmlic store check
}

@test "a finding is overridden by its name, and by no other" {
	program 1 out.sfi --csv bad.csv --force rdp-level-0
	fails "would make it fail: tzen-0"
	[[ $stderr == *"overridden finding rdp-level-0:"* ]]
	program 2 out.sfi --csv bad.csv --force rdp-level-0,tzen
	fails 'no finding "tzen"'
	program 2 out.sfi --csv bad.csv --force csv-not-given
	fails 'no finding "csv-not-given"'
	[ "$(left)" = 10 ]
	program 0 out.sfi --csv bad.csv --force tzen-0,rdp-level-0
	[ "$(left)" = 9 ]
}

@test "no word of the user's own brings the card back" {
	for words in "hsm=1 slot=1" "hsm=1" "-hsmgetlicense x.bin slot=1" \
		"-hsmglfcb u5/certificate.bin x.bin" "-sfi out.sfi hsm=1" \
		"--SFI out.sfi hsm=1 slot=1" "-c port=SWD -hsmgetlic x" \
		"slot=1 hsm=1" "HSM=1" "-rsse rsse.bin hsm=1"; do
		# shellcheck disable=SC2086
		program 2 out.sfi -- $words
		[[ $stderr == *"hsmlic: hint: "* ]]
	done
	[ "$(left)" = 10 ]
	[ ! -e world/journal ]
	program 0 out.sfi -- -rsse rsse.bin -vb 3 -el "an el"
	[[ $(tail -n 1 world/journal) == \
		*" hsm=0 "*/license-1.bin" -rsse rsse.bin -vb 3 -el "*"an"*"el"* ]]
	installed 1
}

@test "a module that would ask the card itself is refused" {
	printf '# modules\nm.smu, license.bin, 0x08010000\n' >files.csv
	printf 'm.smu, MY_FW_ID, 0x08010000\n' >card.csv
	program 4 out.sfi -- -mcsv card.csv
	fails "card.csv names no license file"
	program 2 out.sfi -- -mcsv nowhere.csv
	fails "nowhere.csv"
	mkfifo pipe
	program 2 out.sfi -- -mcsv pipe
	[ ! -e world/journal ]
	program 0 out.sfi -- -mcsv files.csv
	installed 1
	[[ $(tail -n 1 world/journal) == *" -mcsv files.csv" ]]
}
