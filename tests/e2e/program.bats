# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2119,SC2154,SC2317
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
	HSMLIC_STANDIN=$(command -v STM32_Programmer_CLI)
}

teardown() { hl_teardown; }

left() { # what the card itself says
	hsmlic-sim card show "${1:-card}" --json | jq .counter
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

@test "a file among ARGS that is not there is found before a unit is spent" {
	for words in "-rsse none.bin" "-rsse" "-rsse -vb 1" "-el none.stldr"; do
		# shellcheck disable=SC2086
		program 2 out.sfi -- $words
		[[ $stderr == *"none."* || $stderr == *"-rsse has no file"* ]]
		[[ $stderr == *"nothing was spent"* ]]
	done
	program 2 out.sfi --dry-run -- -rsse none.bin
	[ "$(left)" = 10 ]
	[ ! -e world/journal ]
}

@test "findings that stop it are in its JSON, too" {
	program 1 out.sfi --csv bad.csv --json -- -rsse rsse.bin
	[ "${#lines[@]}" = 1 ]
	jq -e '.schema == "hsmlic/program/1" and .error.code == "finding" and
		(.findings | map(.id)) == ["rdp-level-0", "tzen-0"] and
		(.findings[0] | keys) ==
			["id", "mend", "source", "what", "why"]' <<<"$output"
	# Those that are overridden did not stop it; other errors have none.
	program 1 out.sfi --csv bad.csv --force tzen-0 --json -- -rsse rsse.bin
	jq -e '(.findings | map(.id)) == ["rdp-level-0"]' <<<"$output"
	program 2 none.sfi --json
	jq -e 'has("findings") | not' <<<"$output"
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
	cp rsse.bin "an el"
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
	# Where an SFI leaves it: the same chip can be installed anew.
	printf 'RDP : 0x55\n' >u5/option-bytes
	run -0 --separate-stderr hsmlic preflight good.csv --target $SWD --json
	[ "$(jq -c '[.findings, (.notes | map(.id))]' <<<"$output")" = \
		'[[],["rdp-live-0.5"]]' ]
	program 0 out.sfi
	[[ $stderr == *"note rdp-live-0.5:"* ]]
	[ "$(left)" = 9 ]
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
	[[ $stderr != *"try again with the license"* ]]
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
	# A person decides that it is good.
	hsmlic license trust "$id" --yes --reason "option bytes were wrong" \
		>/dev/null
	program 0 out.sfi
	[ "$(left)" = 9 ]
	hsmlic chip show "$(cat u5/uid.hex)" --json |
		jq -e '.installs | map(.outcome) == ["failed", "done"]'
	standin_switches bad-license
	program 8 out.sfi
	standin_switches
	# Another one is a decision of its own.
	hsmlic get --target sim:u5 --card $CARD --yes -q
	program 0 out.sfi
	[ "$(left)" = 8 ]
	hsmlic store check
}

# ---- the rest of the command -------------------------------------------------

@test "--json prints one object, and the programmer's output goes elsewhere" {
	program 0 out.sfi --json
	[ "${#lines[@]}" = 1 ]
	[[ $stderr == *"SFI Process Finished!"* ]]
	jq -e --arg image "$(sha256sum out.sfi | cut -d' ' -f1)" \
		--arg cert "$(sha256sum u5/certificate.bin | cut -d' ' -f1)" '
		.schema == "hsmlic/program/1" and .source == "card" and
		.units_spent == 1 and .outcome == "done" and
		.exit_status == 0 and .programmer == "stm32prog" and
		.image_sha256 == $image and .certificate_sha256 == $cert and
		(.duration_ms | type) == "number"' <<<"$output"
	standin_switches license-then-fail
	program 8 out.sfi --json
	[ "${#lines[@]}" = 1 ]
	[[ $stderr == *"Error: Execution of RSS CMD failed"* ]]
	jq -e '.schema == "hsmlic/program/1" and
		.error.code == "programmer" and .error.units_spent == 0 and
		(.error.why | test("Execution of RSS CMD failed")) and
		(.error.hint | test("kept"))' <<<"$output"
	program 1 out.sfi --csv bad.csv --json
	[ "${#lines[@]}" = 1 ]
	jq -e '.error.code == "finding" and .error.units_spent == 0 and
		(.error.why | test("rdp-level-0, tzen-0"))' <<<"$output"
	program 2 out.sfi --json -- hsm=1
	[ "${#lines[@]}" = 1 ]
	jq -e '.error.code == "usage"' <<<"$output"
}

@test "--json gives an installation all the time that it takes" {
	standin_switches -sfi:slow=1000
	program 0 out.sfi --json --timeout 1
	[ "$(sqlite3 store.db 'SELECT duration_ms >= 1000 FROM installs')" = 1 ]
}

@test "what is recorded: image, programmer, outcome, duration, who" {
	program 0 "$PWD/out.sfi" --operator mia --station line-3
	run -0 sqlite3 store.db "SELECT lower(hex(image_sha256)), image,
		programmer, outcome, exit_status, duration_ms < 60000, operator,
		station FROM installs"
	[ "$output" = "$(sha256sum out.sfi | cut -d' ' -f1)\
|out.sfi|stm32prog|done|0|1|mia|line-3" ]
	[ "$(sqlite3 store.db 'SELECT count(*) FROM installs JOIN licenses ON
		licenses.id = installs.license AND
		licenses.chip = installs.chip')" = 1 ]
}

@test "--dry-run shows the command, and nothing is done" {
	cp rsse.bin "a file"
	program 0 out.sfi --dry-run -- -rsse "a file" -vb 1
	[ "$output" = "$HSMLIC_STANDIN -c port=SWD mode=HOTPLUG -sfi \
protocol=static out.sfi hsm=0 LICENSE -rsse 'a file' -vb 1" ]
	[[ $stderr == *"dry run: would spend 1 unit, then run"* ]]
	program 0 out.sfi --dry-run --json
	jq -e '.units_spent == 0 and .would_spend == 1 and
		(.command | test(" hsm=0 LICENSE$"))' <<<"$output"
	program 1 out.sfi --dry-run --csv bad.csv
	[ "$(left)" = 10 ]
	[ -z "$(installs)" ]
	installed 0
	program 0 out.sfi
	program 0 out.sfi --dry-run
	[[ $stderr == *"dry run: would spend nothing, then run"* ]]
	[ "$(left)" = 9 ]
}

@test "what is not there: image, target, programmer, chip" {
	program 2 nowhere.sfi
	fails "nowhere.sfi"
	program 2 .
	run -2 --separate-stderr hsmlic program out.sfi --card $CARD --yes
	fails "--target stm32prog:port=SWD"
	program 2 out.sfi --programmer openocd
	fails 'no programmer "openocd"'
	program 2 out.sfi --programmer sim
	program 2 out.sfi --programmer segger
	HSMLIC_STM32PROG=./nowhere program 3 out.sfi
	fails "nowhere"
	run -3 --separate-stderr hsmlic program out.sfi --card $CARD --yes \
		--target segger:
	fails 'no program "SFI_FC_x64"'
	run -2 --separate-stderr hsmlic program out.sfi --card $CARD --yes \
		--target stm32prog:sn=1
	fails "no port"
	run -2 --separate-stderr hsmlic program out.sfi --card $CARD --yes \
		--target file:u5
	fails 'cannot reach "file:u5"'
	run -2 --separate-stderr hsmlic program out.sfi --card $CARD --yes \
		--target usb:
	rm world/chip
	program 3 out.sfi
	[ "$(left)" = 10 ]
	[ ! -e u5/flash.bin ]
}

@test "ST's program is found where the environment says" {
	export PATH=${PATH#*:} # without the stand-in
	run ! command -v STM32_Programmer_CLI
	HOME=$HL_DIR program 3 out.sfi
	HSMLIC_STM32PROG=$HSMLIC_STANDIN program 0 out.sfi
	STM32CUBEPRG_CLI=$HSMLIC_STANDIN program 0 out.sfi
	STM32_CUBE_PROGRAMMER_DIR=${HSMLIC_STANDIN%/*} program 0 out.sfi
	installed 3
	[ "$(left)" = 9 ]
}

@test "probes are told apart by their serial numbers" {
	hsmlic-sim chip new other --product 48102001 >/dev/null
	rm world/chip
	standin_chip u5 AAA
	standin_chip other BBB
	program 3 out.sfi
	for sn in AAA BBB AAA; do
		run -0 hsmlic program out.sfi --card $CARD --yes \
			--target stm32prog:port=SWD,sn=$sn,freq=4000
	done
	[ "$(left)" = 8 ]
	cmp u5/flash.bin plain
	cmp other/flash.bin plain
	grep -q -- "-c port=SWD sn=BBB freq=4000 mode=HOTPLUG -sfi" world/journal
}

@test "ports and modes are as they are said" {
	for target in port=COM1,br=115200 port=usb1 port=JTAG \
		port=swd,mode=UR; do
		run -0 hsmlic program out.sfi --card $CARD --yes \
			--target "stm32prog:$target"
	done
	run -0 grep -c -- '-c port=COM1 br=115200 -sfi\|-c port=usb1 -sfi\|'\
'-c port=JTAG mode=HOTPLUG -sfi\|-c port=swd mode=UR -sfi' world/journal
	[ "$output" = 4 ]
}

@test "an SSP image goes with its TF-A firmware, and there is a warning" {
	hsmlic-sim card new mp1card --firmware mp1 --capacity 5 --type SSP \
		--product 5000200A >/dev/null
	hsmlic-sim chip new mp1 --product 5000200A >/dev/null
	hsmlic-sim image new sim.ssp --card mp1card --in plain >/dev/null
	echo tfa >tf-a-ssp.stm32
	standin_chip mp1
	CARD=sim:mp1card program 2 sim.ssp
	fails "--tfa FILE"
	[ ! -e world/journal ]
	run -0 --separate-stderr hsmlic program sim.ssp --card sim:mp1card \
		--yes --target stm32prog:port=usb1 --tfa tf-a-ssp.stm32
	# No line of success is known of SSP.
	[[ $stderr == *"note: "*"nobody can say whether sim.ssp is installed"* ]]
	[[ ${lines[-1]} == "perhaps installed sim.ssp in "*"one unit was spent" ]]
	[[ $stderr == *"note: on an STM32MP1, reading the certificate"*OTP* ]]
	grep -q -- '-c port=usb1 -gc [^ ]* tf-a-ssp.stm32$' world/journal
	grep -q -- '-c port=usb1 -ssp sim.ssp tf-a-ssp.stm32 hsm=0 [^ ]*$' \
		world/journal
	run ! grep -- '-ob displ' world/journal
	cmp mp1/flash.bin plain
	[ "$(left mp1card)" = 4 ]
	[ "$(installs)" = "unknown 0" ]
}

@test "SEGGER's program ends with 0: on record as unknown, and said so" {
	# A stand-in for it: the genuine one was never run.
	cat >segger <<-'EOT'
		#!/bin/sh
		[ "$1" != -CRT ] || exec cp u5/certificate.bin "$2"
		printf '%s\n' "$*" >>segger.args
		exit "${CODE:-0}"
	EOT
	chmod +x segger
	export HSMLIC_SEGGER=$HL_DIR/segger
	run -0 --separate-stderr hsmlic program out.sfi --card $CARD --yes \
		--target segger: --json -- -RSSe rsse.bin
	jq -e '.outcome == "unknown" and .exit_status == 0 and
		.programmer == "segger" and .units_spent == 1' <<<"$output"
	[[ $stderr == *"note: segger ended with 0; no line of success"* ]]
	grep -qx -- '-SFI out.sfi -License [^ ]* -RSSe rsse.bin' segger.args
	CODE=3 run -8 --separate-stderr hsmlic program out.sfi --card $CARD \
		--target segger: -- -RSSe rsse.bin
	[ "$(installs)" = $'unknown 0\nfailed 3' ]
	[ "$(left)" = 9 ]
}

@test "a simulated chip, with the programmer of the simulator" {
	run -0 --separate-stderr hsmlic program out.sfi --card $CARD --yes \
		--target sim:u5
	[[ ${lines[-1]} == "installed out.sfi in "*"one unit was spent" ]]
	cmp u5/flash.bin plain
	hsmlic-sim card new b --firmware fw-a --capacity 10 >/dev/null
	hsmlic-sim image new b.sfi --card b --in plain >/dev/null
	run -8 --separate-stderr hsmlic program b.sfi --card $CARD --yes \
		--target sim:u5
	fails "sim ended with 8"
	[ "$(installs)" = $'done 0\nfailed 8' ]
	[ "$(left)" = 9 ]
	[ ! -e world/journal ]
}

@test "an installation that is ended from outside is on record as unknown" {
	standin_switches -sfi:slow=60000
	hl_spawn "$HL_DIR/out.log" hsmlic program out.sfi --card $CARD --yes \
		--target $SWD
	for ((i = 0; i < 500; i++)); do
		grep -q -- -sfi world/journal 2>/dev/null && break
		sleep 0.02
	done
	hl_stop "$HL_PID" TERM
	[ "$HL_STATUS" = 8 ]
	[ "$(installs)" = "unknown 143" ]
	grep -q "ended by signal 15" out.log
	[ -z "$(ls tmp)" ]
	standin_switches
	program 0 out.sfi
	[ "$(left)" = 9 ]
}
