# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2119,SC2154,SC2317
# A card that its vendor's program asks, and the command lines of that program.
# The card in the reader is a stand-in with the ATR of an STM32HSM and nothing
# behind it; the STM32_Programmer_CLI is the stand-in of tests/standin, which
# takes its licenses from a software card. Nothing here is a genuine one.

load lib

setup() {
	hl_setup
	WORLD=$HL_DIR/world
	cd "$HL_DIR" || return
	export STM32CLI_STANDIN=$WORLD HSMLIC_STORE=$HL_DIR/store.db
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nobody TMPDIR=$HL_DIR/tmp
	unset HSMLIC_CARD HSMLIC_TARGET HSMLIC_YES HSMLIC_STM32PROG
	mkdir tmp
	TOOL=$HSMLIC_BIN/../tests/standin
	unset STM32CLI_SWITCHES STM32CUBEPRG_CLI STM32_CUBE_PROGRAMMER_DIR
	mkdir "$WORLD"
	hsmlic-sim card new "$HL_DIR/card" --firmware FW-A --capacity 20 \
		>/dev/null
	hsmlic-sim chip new "$WORLD/chip" >/dev/null
	ln -s "$HL_DIR/card" "$WORLD/card-1"
	echo firmware >"$HL_DIR/fw.bin"
	hsmlic-sim image new "$HL_DIR/out.sfi" --card "$HL_DIR/card" \
		--in "$HL_DIR/fw.bin" >/dev/null
	PATH=$TOOL:$PATH
	CLI=$TOOL/STM32_Programmer_CLI
}

teardown() { hl_teardown; }

# What the card has left; no other program may have it meanwhile.
left() { hsmlic-sim card show "$HL_DIR/${1:-card}" --json | jq .counter; }

# lic CODE WORDS...: hsmlic run with the card as a file, no PC/SC
lic() {
	local code=$1
	shift
	run "-$code" --separate-stderr hsmlic run --card sim:card -- "$@"
	[ -z "$(ls tmp)" ]
}

C=(STM32_Programmer_CLI -c port=swd mode=HOTPLUG)

# The tool was never told to ask a card.
no_card_asked() {
	! grep -i 'hsm=1\|-hsmgetlic\|-hsmglfcb' world/journal
}

installs() {
	sqlite3 -separator ' ' store.db \
		'SELECT outcome, exit_status FROM installs ORDER BY rowid'
}

# The user's script, as ST's documents write it. $1: what stands before.
script() {
	cat >"$HL_DIR/flash.sh" <<END
#!/bin/sh
cd "$HL_DIR" || exit
$1STM32_Programmer_CLI -c port=swd mode=HOTPLUG -sfi protocol=static out.sfi hsm=1 slot=1 -rsse rsse.bin
END
	chmod +x "$HL_DIR/flash.sh"
	touch "$HL_DIR/rsse.bin"
}

with_card() {
	start_pcscd unix
	start_card 0 stranger-card --history HSM_SFI_20
}

@test "ten runs of a script on one chip cost one unit, and ten without" {
	with_card
	script ""
	for _ in 1 2 3 4 5 6 7 8 9 10; do "$HL_DIR/flash.sh"; done
	[ "$(left)" = 10 ]
	script "hsmlic run -- "
	for _ in 1 2 3 4 5 6 7 8 9 10; do "$HL_DIR/flash.sh"; done
	[ "$(left)" = 9 ]
	run -0 hsmlic status --json
	hsmlic store check
}

@test "hsm=1 is taken out wherever it stands, and goes on record" {
	lic 0 "${C[@]}" -vb 1 -sfi protocol=static out.sfi hsm=1 slot=1 -rsse out.sfi
	[[ $stderr == *"license from the card, one unit spent"* ]]
	cmp world/chip/flash.bin fw.bin
	lic 0 "${C[@]}" -sfi HSM=1 out.sfi
	[[ $stderr == *"license from the store, nothing spent"* ]]
	[ "$(left)" = 19 ]
	no_card_asked
	[ "$(installs)" = $'done 0\ndone 0' ]
	[ "$(sqlite3 store.db 'SELECT lower(hex(image_sha256)) FROM installs
		LIMIT 1')" = "$(sha256sum out.sfi | cut -d' ' -f1)" ]
}

# ---- what the user sees is the program's own ----------------------------------

# A programmer that says all there is to say, and ends as it is told.
talker() {
	cat >talker <<-'EOT'
		#!/bin/bash
		printf '%s\n' "$@" >args
		for b in {0..255}; do
			printf "\\x$(printf %02x $b)"
			[ $((b % 16)) != 15 ] || printf "\\x$(printf %02x $b)" >&2
		done
		printf '\033[32mgreen\033[0m\r\n50%%\r100%%\r\n'
		printf 'Error: on the other stream\r\n' >&2
		cat
		[ -t 1 ] && echo terminal
		umask
		exit "${CODE:-0}"
	EOT
	chmod +x talker
}

@test "output and exit code are the program's, byte for byte" {
	talker
	for code in 0 1 77; do
		export CODE=$code
		# First what asks no card, then what asks one.
		for words in "-c port=swd -w f.hex" \
			"-c port=swd mode=HOTPLUG -sfi out.sfi hsm=1"; do
			want=0 is=0
			# shellcheck disable=SC2086
			echo in | ./talker $words >out1 2>err1 || want=$?
			# shellcheck disable=SC2086
			echo in | HSMLIC_QUIET=1 hsmlic run --card sim:card \
				--target sim:world/chip -- ./talker $words \
				>out2 2>err2 || is=$?
			[ "$is" = "$want" ]
			cmp out1 out2
			grep -av '^hsmlic: ' err2 | cmp - err1
		done
	done
	[ "$(left)" = 19 ]
	# Nothing of ours is there, once the unit is spent.
	CODE=0 HSMLIC_QUIET=1 hsmlic run --card sim:card \
		--target sim:world/chip -- ./talker -c port=swd -sfi out.sfi \
		hsm=1 </dev/null 2>err2
	CODE=0 ./talker -c port=swd </dev/null 2>err1 >out1
	cmp err1 err2
}

@test "what the stand-in prints comes through as it is" {
	hsmlic get --target sim:world/chip --card sim:card --yes -q
	printf '%s\n' colors crlf clock stderr >world/switches
	for words in "-c port=swd mode=HOTPLUG -ob displ" "-hsmgetinfo slot=1" \
		"-c port=usb9" "-c port=swd -w" "-?" ""; do
		want=0 is=0
		# shellcheck disable=SC2086
		"$CLI" $words >out1 2>err1 || want=$?
		# shellcheck disable=SC2086
		hsmlic run -- STM32_Programmer_CLI $words >out2 2>err2 || is=$?
		[ "$is" = "$want" ] || { echo "$words: $is"; return 1; }
		for f in out1 out2 err1 err2; do
			sed -i 's/[0-9][0-9]:[0-9][0-9]:[0-9][0-9] :/TIME :/' $f
		done
		cmp out1 out2
		cmp err1 err2
	done
}

@test "a command line that asks no card becomes the program itself" {
	cat >whoami.sh <<-'EOT'
		#!/bin/sh
		echo $$
		umask
		printf '%s\n' "$@"
		grep "^Sig[IBC]" /proc/self/status
		ls /proc/$$/fd
		[ "$KILL" = "" ] || kill -s "$KILL" $$
	EOT
	chmod +x whoami.sh
	umask 0027
	(exec ./whoami.sh -w "a b" '' '*' 'a\b' >out1)
	(exec hsmlic run -- ./whoami.sh -w "a b" '' '*' 'a\b' >out2)
	diff <(tail -n +2 out1) <(tail -n +2 out2)
	(trap '' PIPE TERM; exec ./whoami.sh >out1)
	(trap '' PIPE TERM; exec hsmlic run -- ./whoami.sh >out2)
	diff <(tail -n +2 out1) <(tail -n +2 out2)
	hsmlic run -- ./whoami.sh -w x >out2 &
	pid=$!
	wait $pid
	[ "$(head -n 1 out2)" = "$pid" ]
	KILL=TERM run -143 hsmlic run -- ./whoami.sh -w x
	run -3 --separate-stderr hsmlic run -- ./nowhere -w x
	run -3 --separate-stderr hsmlic run -- no-such-program -w x
	[[ $stderr == *no-such-program* ]]
	[ ! -e store.db ]
}

@test "a signal reaches the programmer, and its end is told as a shell would" {
	echo '-sfi:slow=60000' >world/switches
	hl_spawn "$HL_DIR/out.log" hsmlic run --card sim:card -- "${C[@]}" \
		-sfi out.sfi hsm=1
	for ((i = 0; i < 500; i++)); do
		grep -q -- -sfi world/journal 2>/dev/null && break
		sleep 0.02
	done
	hl_stop "$HL_PID" TERM
	[ "$HL_STATUS" = 143 ]
	[ "$(installs)" = "unknown 143" ]
	[ -z "$(ls tmp)" ]
	rm world/switches
	lic 0 "${C[@]}" -sfi out.sfi hsm=1
	[ "$(left)" = 19 ]
}

# ---- licenses into files -------------------------------------------------------

@test "-hsmgetlicense and -hsmgetlicensefromcertifbin are served" {
	lic 0 "${C[@]}" -hsmgetlicense one.bin slot=1
	[[ $stderr == *"license from the card, one unit spent: one.bin"* ]]
	[ -z "$output" ]
	cp world/chip/certificate.bin c.bin
	for option in -hsmgetlicensefromcertifbin -hsmglfcb; do
		rm -f two.bin
		lic 0 STM32_Programmer_CLI $option c.bin two.bin slot=1
		[[ $stderr == *"nothing spent: two.bin"* ]]
		cmp one.bin two.bin
	done
	[ "$(left)" = 19 ]
	no_card_asked
	# It is a license: the bare tool takes it.
	"${C[@]}" -sfi out.sfi hsm=0 two.bin >/dev/null
	cmp world/chip/flash.bin fw.bin
	# In one line with its use.
	rm one.bin world/chip/flash.bin
	lic 0 "${C[@]}" -hsmgetlicense one.bin -sfi out.sfi hsm=0 one.bin
	cmp world/chip/flash.bin fw.bin
	[ "$(tail -n 1 world/journal)" = \
		"-c port=swd mode=HOTPLUG -sfi out.sfi hsm=0 one.bin" ]
	[ "$(left)" = 19 ]
}

@test "a certificate that the very line reads is that of the connected chip" {
	# One of another chip lies there from yesterday.
	hsmlic-sim chip new other >/dev/null
	cp other/certificate.bin c.bin
	lic 0 "${C[@]}" -gc ./c.bin -hsmglfcb c.bin l.bin slot=1
	cmp c.bin world/chip/certificate.bin
	rm c.bin
	lic 0 "${C[@]}" -gc c.bin -hsmglfcb c.bin l.bin slot=1
	cmp c.bin world/chip/certificate.bin
	"${C[@]}" -sfi out.sfi hsm=0 l.bin >/dev/null
	cmp world/chip/flash.bin fw.bin
	[ "$(left)" = 19 ]
	[ "$(grep -c -- '-gc c.bin$' world/journal)" = 1 ]
	no_card_asked
	lic 2 STM32_Programmer_CLI -hsmglfcb nowhere.bin l.bin slot=1
	lic 2 STM32_Programmer_CLI -gc c2.bin -hsmglfcb c2.bin l.bin slot=1
	[[ $stderr == *"-c"* ]]
	[ "$(left)" = 19 ]
}

@test "two uses in one line, each on record with its own license" {
	hsmlic-sim card new modules --firmware MOD-B --capacity 5 >/dev/null
	hsmlic-sim image new m.smu --card modules --in fw.bin >/dev/null
	ln -s "$HL_DIR/modules" world/card-2
	hsmlic get --target sim:world/chip --card sim:modules --yes -q
	hsmlic get --target sim:world/chip --card sim:card --yes -q
	lic 0 "${C[@]}" -sfi out.sfi hsm=1 -hsmgetlicense l.bin
	run -0 --separate-stderr hsmlic run --card sim:card --dry-run -- \
		"${C[@]}" -sfi out.sfi hsm=1 slot=1 -installipmodule m.smu \
		hsm=1 slot=1 0x08010000
	[ "$(grep -c "would spend nothing" <<<"$stderr")" = 2 ]
	[ "$output" = "$CLI -c port=swd mode=HOTPLUG -sfi out.sfi hsm=0 \
LICENSE -installipmodule m.smu hsm=0 LICENSE 0x08010000" ]
	cp out.sfi copy.sfi
	rm -r store.db*
	lic 0 "${C[@]}" -sfi out.sfi hsm=1 -installipmodule copy.sfi hsm=1
	[ "$(sqlite3 store.db 'SELECT group_concat(image) FROM
		(SELECT image FROM installs ORDER BY rowid)')" = \
		out.sfi,copy.sfi ]
	[ "$(left modules)" = 4 ]
}

@test "a module on which the programmer has no word: on record as unknown" {
	printf '#!/bin/sh\nexit 0\n' >quiet
	chmod +x quiet
	cp out.sfi m.smu
	run -0 --separate-stderr hsmlic run --card sim:card \
		--target sim:world/chip -- ./quiet -c port=swd \
		-installipmodule m.smu hsm=1
	[[ $stderr == *"the programmer ended with 0; no line of success"* ]]
	# Of an SFI there is such a line, and it is not there.
	run -0 --separate-stderr hsmlic run --card sim:card \
		--target sim:world/chip -- ./quiet -c port=swd -sfi out.sfi \
		hsm=1
	[ "$(installs)" = $'unknown 0\nfailed 0' ]
	[ "$(left)" = 19 ]
}

# ---- refused ----------------------------------------------------------------------

@test "what could spend and is not understood is refused" {
	for words in "-sfi out.sfi hsm=1 hsm=1" "-sfi out.sfi hsm=2" \
		"-sfi out.sfi hsm=1 slot=x" "-sfi hsm=1 slot=1" \
		"-sfi out.sfi hsm=1 slot=1 slot=2" "-sfi out.sfi hsm = 1" \
		"-sfi out.sfi protocol=live hsm=1" "-hsmgetlicense" \
		"-hsmgetlicense x y z" "-hsmglfcb c.bin" "-hsmgetlicenses x" \
		"-w f.hex hsm=1" "-c port=usb1 -sfi out.sfi hsm=1" \
		"-sfi out.sfi hsm=1 a b"; do
		# shellcheck disable=SC2086
		lic 2 "${C[@]}" $words
		[[ $stderr == *$'\nhsmlic: hint: '* ]]
		[ -z "$output" ]
	done
	[ "$(left)" = 20 ]
	[ ! -e world/journal ]
	run -2 --separate-stderr hsmlic run --json -- "${C[@]}" -w x
	jq -e '.error.code == "usage"' <<<"$output"
	lic 2 STM32_Programmer_CLI -sfi out.sfi hsm=1
	[[ $stderr == *"says no chip to connect to (-c)"* ]]
}

@test "a file of the line that is not there is found before a unit is spent" {
	touch rsse.bin
	mkdir folder
	for words in "-sfi none.sfi hsm=1" "-sfi folder hsm=1" \
		"-ssp none.ssp rsse.bin hsm=1" "-ssp out.sfi none.tfa hsm=1" \
		"-installipmodule none.smu hsm=1 0x08010000" \
		"-hsmgetlicense l.bin slot=1 none.tfa" \
		"-sfi out.sfi hsm=1 -rsse none.bin" "-rsse folder -sfi out.sfi hsm=1" \
		"-sfi out.sfi hsm=1 --RSSE none.bin" "-sfi out.sfi hsm=1 -rsse" \
		"-rsse -sfi out.sfi hsm=1" "-sfi out.sfi hsm=1 -el none.stldr" \
		"-sfi out.sfi hsm=1 -sfi none.sfi hsm=0 l"; do
		# shellcheck disable=SC2086
		lic 2 "${C[@]}" $words
		[[ $stderr == *none.* || $stderr == *folder* ||
			$stderr == *"-rsse has no file behind it"* ]]
		[[ $stderr == *"nothing was spent"* ]]
	done
	[ "$(left)" = 20 ]
	[ ! -e world/journal ]
	# Where nothing can be spent it is the programmer's affair.
	lic 0 "${C[@]}" -w rsse.bin 0x08000000 -rsse none.bin
}

@test "without the card, a hint says to insert it" {
	start_pcscd unix
	run -3 --separate-stderr hsmlic run -- "${C[@]}" -sfi out.sfi hsm=1
	[[ $stderr == *'answers to "slot:1"'*"hint: insert the card"* ]]
	[[ $stderr == *"nothing was spent"* ]]
}

@test "a station that wants JSON of all commands can run a programmer" {
	for words in "-sfi out.sfi hsm=1" "-vb 1"; do
		# shellcheck disable=SC2086
		HSMLIC_JSON=1 lic 0 "${C[@]}" $words
		[[ $output != *'"schema"'* ]]
	done
	mkdir -p config/hsmlic
	printf 'json = yes\ncard = sim:card\n' >config/hsmlic/config
	lic 0 "${C[@]}" -sfi out.sfi hsm=1
	ln -s "$HSMLIC_BIN/hsmlic" STM32_Programmer_CLI
	run -0 --separate-stderr ./STM32_Programmer_CLI "${C[@]:1}" -sfi out.sfi \
		hsm=1 slot=1
	[[ $stderr == *"from the store, nothing spent"* ]]
	# Its errors are in words, too, also about the settings; other commands go by the setting.
	lic 2 "${C[@]}" -sfi out.sfi hsm=2
	[ -z "$output" ]
	HSMLIC_JSON=1 HSMLIC_TIMEOUT=x lic 2 "${C[@]}" -vb 1
	[ -z "$output" ]
	run -0 hsmlic chip list
	jq -e .schema <<<"$output"
	[ "$(left)" = 19 ]
}

@test "the programmer's words without -- before them are refused with a hint" {
	run -2 --separate-stderr hsmlic run "${C[@]}" -sfi out.sfi hsm=1
	[[ $stderr == *"there is no option -c"* ]]
	[[ $stderr == *"hint: put -- before the programmer's words: hsmlic run "* ]]
	run -2 --separate-stderr hsmlic program out.sfi --target sim:x -rsse r
	[[ $stderr == *"put -- before"*"hsmlic program [OPTIONS] IMAGE [-- ARGS]"* ]]
	# An option of ours that is mistyped stands before them.
	run -2 --separate-stderr hsmlic run --crad x -- "${C[@]}"
	[[ $stderr == *"hint: see: hsmlic run --help"* ]]
}

@test "a module file that could ask the card is refused without --yes" {
	printf 'm.smu, MY_FW, 0x08010000\n' >ask.csv
	printf 'm.smu, license.bin, 0x08010000\n' >fine.csv
	for words in "-sfi out.sfi hsm=1" "-sfi out.sfi hsm=0 l" "-w f.hex"; do
		# shellcheck disable=SC2086
		lic 4 "${C[@]}" $words -mcsv ask.csv
		[[ $stderr == *"a row of ask.csv names no license file"* ]]
		[[ $stderr == *"--yes"* ]]
	done
	[ "$(left)" = 20 ]
	[ ! -e world/journal ]
	run -0 --separate-stderr hsmlic run --yes --card sim:card -- "${C[@]}" \
		-sfi out.sfi hsm=1 -mcsv ask.csv
	[[ $stderr == *"note: "*"not accounted for here"* ]]
	lic 0 "${C[@]}" -sfi out.sfi hsm=1 -mcsv fine.csv
	[[ $stderr != *"note: "* ]]
	lic 2 "${C[@]}" -sfi out.sfi hsm=1 -mcsv nowhere.csv
}

@test "a second unit for one chip is not spent without --yes" {
	lic 0 "${C[@]}" -sfi out.sfi hsm=1
	hsmlic license retire --yes --reason test \
		"$(cat world/chip/uid.hex)" >/dev/null
	lic 4 "${C[@]}" -sfi out.sfi hsm=1
	[[ $stderr == *"has cost 1 unit"*"hsmlic run --yes -- "* ]]
	[ "$(left)" = 19 ]
	run -0 --separate-stderr hsmlic run --yes --card sim:card -- \
		"${C[@]}" -sfi out.sfi hsm=1
	[ "$(left)" = 18 ]
}

@test "after a failure nothing more is spent, and what is known is told" {
	echo license-then-fail >world/switches
	lic 1 "${C[@]}" -sfi out.sfi hsm=1
	[[ $output == *"Error: Execution of RSS CMD failed"* ]]
	[[ $output != *"[rss-cmd-failed-0x1]"* ]]
	[[ $stderr == *"[rss-cmd-failed-0x1]"* ]]
	[[ $stderr == *"the license is kept: the next try spends nothing" ]]
	printf '%s\n' license-then-fail exit0-on-failure >world/switches
	lic 0 "${C[@]}" -sfi out.sfi hsm=1
	[[ $stderr == *"ended with 0: Error: Execution"* ]]
	rm world/switches
	lic 0 "${C[@]}" -sfi out.sfi hsm=1
	[ "$(left)" = 19 ]
	[ "$(installs)" = $'failed 1\nfailed 0\ndone 0' ]
	echo bad-license >world/switches
	lic 1 "${C[@]}" -sfi out.sfi hsm=1
	[[ $stderr == *"suspect now"*"hsmlic license trust "* ]]
	rm world/switches
	lic 4 "${C[@]}" -sfi out.sfi hsm=1
	[[ $stderr == *"suspect: an installation ended"*"license trust "* ]]
	run -4 hsmlic run --yes --card sim:card -- "${C[@]}" -sfi out.sfi hsm=1
	run -4 hsmlic run --dry-run --card sim:card -- "${C[@]}" \
		-sfi out.sfi hsm=1
	[ "$(left)" = 19 ]
	hsmlic store check
}

# ---- cards -----------------------------------------------------------------------

@test "no card in the reader, but a license in the store" {
	with_card
	script "hsmlic run -- "
	./flash.sh
	[ "$(left)" = 19 ]
	rm world/card-1
	stop_card 0
	./flash.sh
	# Nor a reader, nor a service.
	stop_pcscd
	./flash.sh
	[ "$(installs)" = $'done 0\ndone 0\ndone 0' ]
	hsmlic-sim chip new other >/dev/null
	rm -r world/chip
	mv other world/chip
	run -3 ./flash.sh
	[ "$(left)" = 19 ]
}

@test "an imported license, and never a card" {
	"${C[@]}" -hsmglfcb world/chip/certificate.bin l.bin slot=1 >/dev/null
	rm world/card-1
	mv card elsewhere
	hsmlic license import l.bin --cert world/chip/certificate.bin \
		--firmware FW-A --new-firmware >/dev/null
	script "hsmlic run -- "
	./flash.sh
	cmp world/chip/flash.bin fw.bin
	[ "$(installs)" = "done 0" ]
}

@test "an Open License Card in the place of slot=N" {
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"
	script "hsmlic run -- "
	./flash.sh
	./flash.sh
	no_card_asked
	stop_card 0
	[ "$(left)" = 19 ]
	[ "$(installs)" = $'done 0\ndone 0' ]
}

# ---- under the tool's own name --------------------------------------------------

@test "earlier in PATH under the tool's name, by link and by hard link" {
	with_card
	script ""
	mkdir bin
	for how in "ln -s" "cp -l" cp; do
		rm -f bin/STM32_Programmer_CLI world/chip/flash.bin
		$how "$HSMLIC_BIN/hsmlic" bin/STM32_Programmer_CLI ||
			$how "$(realpath "$HSMLIC_BIN/hsmlic")" \
				bin/STM32_Programmer_CLI || skip "no hard link"
		PATH=$HL_DIR/bin:$PATH ./flash.sh
		cmp world/chip/flash.bin fw.bin
		[ "$(left)" = 19 ]
	done
	run ! grep -i hsm=1 world/journal
	PATH=$HL_DIR/bin:$PATH
	# Its own options come by the environment; the rest is the tool's.
	HSMLIC_DRY_RUN=1 run -0 --separate-stderr ./flash.sh
	[ "$output" = "$CLI -c port=swd mode=HOTPLUG -sfi protocol=static \
out.sfi hsm=0 LICENSE -rsse rsse.bin" ]
	for words in --version --help "-c port=swd -w x"; do
		want=0 is=0
		# shellcheck disable=SC2086
		"$CLI" $words >out1 2>err1 || want=$?
		# shellcheck disable=SC2086
		STM32_Programmer_CLI $words >out2 2>err2 || is=$?
		[ "$is" = "$want" ]
		cmp out1 out2
		cmp err1 err2
	done
}

@test "copies under the tool's name are not taken for it" {
	with_card
	script ""
	mkdir a b
	cp "$HSMLIC_BIN/hsmlic" a/STM32_Programmer_CLI
	cp "$HSMLIC_BIN/hsmlic" b/STM32_Programmer_CLI
	PATH=$HL_DIR/a:$HL_DIR/b:$PATH
	./flash.sh
	run -0 hsmlic run -- "${C[@]}" -ob displ
	run -0 hsmlic get --cert world/chip/certificate.bin -o l.bin
	[ "$(left)" = 19 ]
	HSMLIC_STM32PROG=$HL_DIR/a/STM32_Programmer_CLI run -3 \
		--separate-stderr hsmlic run -- "${C[@]}" -ob displ
	[[ $stderr == *"is this program itself"* ]]
	PATH=$HL_DIR/a:$HL_DIR/b:/usr/bin:/bin HOME=$HL_DIR run -3 \
		--separate-stderr timeout 30 STM32_Programmer_CLI -w x
	# A script of the user's own may run it again.
	rm -r b world/journal
	printf '#!/bin/sh\nSTM32_Programmer_CLI "$@"\n' >s
	chmod +x s
	run -0 hsmlic run -- ./s -c port=swd -ob displ
	[ "$(cat world/journal)" = "-c port=swd -ob displ" ]
	run -0 hsmlic run -- ./s "${C[@]:1}" -sfi out.sfi hsm=1
	[ "$(left)" = 19 ]
	run ! grep -i hsm=1 world/journal
}

# The error is two lines, it came at once, and it says what to do.
runs_itself() {
	echo "$stderr"
	[ "$SECONDS" -lt "$1" ]
	[[ $stderr == *"hsmlic"*"runs "*$'\nhsmlic: hint: '*HSMLIC_STM32PROG* ]]
	[[ $stderr == *"take "*" out of PATH"* ]]
	[ "$(grep -c '^hsmlic: ' <<<"$stderr")" = 2 ]
	[ "$(left)" = 20 ]
}

@test "a script under the tool's name that comes back to hsmlic fails at once" {
	local words
	with_card
	hsmlic store init -q
	mkdir a
	printf '#!/bin/sh\nexec hsmlic run -- STM32_Programmer_CLI "$@"\n' \
		>a/STM32_Programmer_CLI
	chmod +x a/STM32_Programmer_CLI
	PATH=$HL_DIR/a:$PATH
	for words in "-w x" "${C[*]:1} -ob displ" "-hsmgetinfo slot=1" \
		"${C[*]:1} -sfi out.sfi hsm=1 slot=1"; do
		SECONDS=0
		# shellcheck disable=SC2086
		run ! --separate-stderr timeout 30 STM32_Programmer_CLI $words
		runs_itself 8
	done
	SECONDS=0
	run -3 --separate-stderr timeout 30 hsmlic get --yes -o l.bin \
		--cert world/chip/certificate.bin
	runs_itself 8
	# One that ends at the tool comes back all the same when that is looked
	# for in PATH.
	printf '#!/bin/sh\nexec hsmlic run -- "%s" "$@"\n' "$CLI" \
		>a/STM32_Programmer_CLI
	run -0 STM32_Programmer_CLI "${C[@]:1}" -ob displ
	SECONDS=0
	run -3 --separate-stderr timeout 30 STM32_Programmer_CLI "${C[@]:1}" \
		-sfi out.sfi hsm=1 slot=1
	runs_itself 8
	# As it is told to.
	export HSMLIC_STM32PROG=$CLI
	run -0 STM32_Programmer_CLI "${C[@]:1}" -sfi out.sfi hsm=1 slot=1
	[ "$(left)" = 19 ]
	# Anything else that runs itself.
	printf '#!/bin/sh\nexec hsmlic run -- ./s "$@"\n' >s
	chmod +x s
	run -2 --separate-stderr timeout 30 ./s -w x
	[[ $stderr == *"hsmlic runs itself, again and again"* ]]
}

@test "a dry run prints the line, spends nothing, makes nothing" {
	cp out.sfi "a b.sfi"
	run -0 --separate-stderr hsmlic run --dry-run --card sim:card -- \
		"${C[@]}" -sfi "a b.sfi" hsm=1 slot=1 -rsse fw.bin
	[ "$output" = "$CLI -c port=swd mode=HOTPLUG -sfi 'a b.sfi' \
hsm=0 LICENSE -rsse fw.bin" ]
	[[ $stderr == *"would spend 1 unit for a b.sfi"* ]]
	run -0 --separate-stderr hsmlic run --dry-run -- "${C[@]}" -w f.hex
	[ "$output" = "$CLI -c port=swd mode=HOTPLUG -w f.hex" ]
	run -0 --separate-stderr hsmlic run --dry-run --card sim:card -- \
		"${C[@]}" -hsmgetlicense l.bin
	[ -z "$output" ]
	[ ! -e l.bin ]
	[ "$(left)" = 20 ]
	run ! grep -- -sfi world/journal
}

@test "a license that is got never goes over the store" {
	with_card
	hsmlic store init >/dev/null
	run -2 --separate-stderr hsmlic run -- STM32_Programmer_CLI \
		-hsmglfcb world/chip/certificate.bin store.db slot=1
	[[ $stderr == *"store.db is a file of the store or of the card"* ]]
	[ "$(left)" = 20 ]
	hsmlic store check
}

@test "two -gc beside a certificate that a license is got for are refused" {
	hsmlic-sim chip new old >/dev/null
	cp old/certificate.bin cert.bin
	lic 2 "${C[@]}" -gc cert.bin -gc copy.bin -hsmglfcb cert.bin l.bin
	[[ $stderr == *"-gc stands in it 2 times"* ]]
	[ "$(left)" = 20 ]
	[ ! -e world/journal ]
	[ ! -e l.bin ]
	cmp cert.bin old/certificate.bin
}

@test "no module file passes unseen beside another one" {
	printf 'm.smu, MY_FW, 0x08010000\n' >ask.csv
	printf 'm.smu, license.bin, 0x08010000\n' >fine.csv
	for words in "-mcsv ask.csv -mcsv fine.csv" "-mcsv fine.csv ask.csv" \
		"-mcsv=ask.csv" "--MCSV=ask.csv -mcsv fine.csv"; do
		# shellcheck disable=SC2086
		lic 2 "${C[@]}" $words
		# shellcheck disable=SC2086
		run -2 --separate-stderr hsmlic program out.sfi --yes \
			--target stm32prog:port=swd --card sim:card -- $words
		[[ $stderr == *-mcsv* ]]
	done
	[ "$(left)" = 20 ]
	run ! grep -e -mcsv world/journal
}

@test "no word with blanks becomes hsm=1 behind a script" {
	mkdir script
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nexec "%s" $*\n' "$CLI" >script/STM32_Programmer_CLI
	chmod +x script/STM32_Programmer_CLI
	export STM32CUBEPRG_CLI=$HL_DIR/script/STM32_Programmer_CLI
	for words in "out.sfi hsm=1 slot=1" $'out.sfi\nhsm=1' \
		$'out.sfi\vhsm=1' $'\nhsm=1' "x -hsmglfcb cert l2"; do
		lic 2 "${C[@]}" -sfi "$words"
		lic 2 "${C[@]}" -sfi out.sfi -rsse "$words"
	done
	[ "$(left)" = 20 ]
	[ ! -e world/journal ]
	unset STM32CUBEPRG_CLI
	cp out.sfi "our hsm image.sfi"
	lic 0 "${C[@]}" -sfi "our hsm image.sfi" hsm=1
	[ "$(left)" = 19 ]
}
