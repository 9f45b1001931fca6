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
	hsmlic-sim card show card --json | jq .counter
}

# program CODE WORDS...: on the chip at the probe, with the card
program() {
	local code=$1
	shift
	run "-$code" --separate-stderr hsmlic program --card "$CARD" \
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

# ---- what the card, the chip and the files tell ------------------------------

@test "RSSe, license type and firmware are looked at before anything is spent" {
	echo 'no image of the simulator' >real.sfi
	cp real.sfi real.ssp
	program 1 real.sfi
	fails "would make it fail: rsse-missing"
	program 1 real.ssp --tfa rsse.bin
	fails "would make it fail: type-mismatch"
	program 4 real.sfi --firmware fw-b -- -rsse rsse.bin
	[ "$(left)" = 10 ]
	installed 0
	# A license that is there is looked at as well.
	program 0 out.sfi
	program 1 real.ssp --tfa rsse.bin
	fails "would make it fail: type-mismatch"
	program 1 real.ssp --tfa rsse.bin --dry-run
	fails "would make it fail: type-mismatch"
	[ "$(left)" = 9 ]
}

@test "a card of another product, and one that is empty" {
	hsmlic-sim chip new h7 --product 45002001 >/dev/null
	standin_chip h7
	program 4 out.sfi
	fails "serves product 48102001"
	standin_chip u5
	hsmlic-sim card new empty --firmware fw-a --capacity 1 >/dev/null
	hsmlic get --target sim:h7 --card sim:empty --yes -q
	CARD=sim:empty program 4 out.sfi
	fails "counter is zero"
	[ "$(left)" = 10 ]
	[ ! -e u5/flash.bin ]
}

@test "what the connected chip says of its option bytes" {
	printf 'RDP : 0xBB (Level 1)\nWRP1A_PSTRT : 0x0\nWRP1A_PEND : 0x3\n' \
		>u5/option-bytes
	program 1 out.sfi
	fails "would make it fail: rdp-live, wrp-active"
	[ "$(left)" = 10 ]
	run -1 --separate-stderr hsmlic preflight good.csv --target $SWD --json
	[ "$(jq -r '[.findings[].id] | join(" ")' <<<"$output")" = \
		"rdp-live wrp-active" ]
	rm u5/option-bytes
	run -0 --separate-stderr hsmlic preflight good.csv --target $SWD
	program 0 out.sfi
}

@test "preflight knows the connected chip by what its banner says" {
	# No series is known of this product ID.
	hsmlic-sim chip new strange --product 9FF02001 >/dev/null
	standin_chip strange
	run -1 hsmlic preflight bad.csv --target $SWD --json
	[ "$(jq -r '[.findings[].id] | join(" ")' <<<"$output")" = \
		device-unknown ]
	printf 'name STM32U535/545\n' >strange/device
	run -1 hsmlic preflight bad.csv --target $SWD --json
	[ "$(jq -r '[.findings[].id] | join(" ")' <<<"$output")" = \
		"rdp-level-0 tzen-0" ]
	# Certificate and chip that do not belong together.
	printf 'id 0x472\n' >u5/device
	standin_chip u5
	run -1 hsmlic preflight good.csv --target $SWD --json
	[ "$(jq -r '[.findings[].id] | join(" ")' <<<"$output")" = \
		device-mismatch ]
}

@test "a chip that does not tell its option bytes is no reason to stop" {
	standin_switches '-ob:garbage'
	program 0 out.sfi
	standin_switches '-ob:slow=3000'
	program 0 out.sfi --timeout 2
}

# ---- failures ----------------------------------------------------------------

@test "an install that fails costs nothing the next time" {
	standin_switches license-then-fail
	program 8 out.sfi
	[ "$(left)" = 9 ]
	[[ $stderr == *"[rss-cmd-failed-0x1]"*"RDP level 0"*"source:"* ]]
	fails "stm32prog ended with 1: Error: Execution of RSS CMD failed"
	fails "the license is kept: the next try spends nothing"
	fails "(one unit was spent)"
	standin_switches
	program 0 out.sfi
	[ "$(left)" = 9 ]
	[ "$(installs)" = $'failed 1\ndone 0' ]
	[ "$(sqlite3 store.db 'SELECT detail FROM installs LIMIT 1')" = \
		"ended with 1: Error: Execution of RSS CMD failed, returned value = 0x1" ]
	hsmlic store check
}

@test "exit code and words are both looked at" {
	standin_switches license-then-fail exit0-on-failure
	program 8 out.sfi
	fails "ended with 0: Error:"
	standin_switches -sfi:exit1-on-success
	program 8 out.sfi
	fails "ended with 1"
	standin_switches -sfi:garbage
	program 8 out.sfi
	fails "no line says that it succeeded"
	standin_switches h7rs colors crlf clock comma
	program 0 out.sfi
	[ "$(installs)" = $'failed 0\nfailed 1\nfailed 0\ndone 0' ]
	[ "$(left)" = 9 ]
}

@test "the line that may mean the license: kept, suspect, and nothing spent" {
	standin_switches bad-license
	program 8 out.sfi
	[ "$(left)" = 9 ]
	[[ $stderr == *"[rss-error-or-license-invalid]"*"keep the license"* ]]
	fails "suspect now"
	id=$(hsmlic license list --all --json | jq -r '.licenses[0].license_id')
	fails "hsmlic license trust $id"
	[ "$(hsmlic license list --all --json |
		jq -r '.licenses[] | .state')" = suspect ]
	standin_switches
	rm world/journal
	# Whatever is tried next: no unit, and no install.
	for how in "" "--dry-run" "--cached" "--firmware fw-a"; do
		# shellcheck disable=SC2086
		program 4 out.sfi $how
		fails "license $id, which is suspect: an installation ended"
		fails "RSSe"
		fails "hsmlic license trust $id"
		[[ $stderr == *"nothing was spent"* ]]
	done
	CARD=sim:nowhere program 4 out.sfi
	fails "hsmlic license trust $id"
	[ "$(left)" = 9 ]
	installed 0
	# Another one is a decision of its own.
	hsmlic get --target sim:u5 --card $CARD --yes -q
	program 0 out.sfi
	[ "$(left)" = 8 ]
	hsmlic store check
}
