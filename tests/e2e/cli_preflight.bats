# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# What would make an installation fail, found before a unit is spent.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nobody
	unset HSMLIC_CARD HSMLIC_TARGET HSMLIC_DEVICE
	# The founding case: an STM32U535, RDP level 0 and TrustZone off.
	printf 'RDP,0xAA\nTZEN,0\n' >bad.csv
	printf 'RDP,0x55\nTZEN,1\n' >good.csv
	printf 'an image' >out.sfi
	printf 'an extension' >rsse.bin
}

teardown() {
	hl_teardown
}

# finds IDS OPERANDS...: the findings, in their order; none: exit code 0
finds() {
	local ids=$1 code=1
	shift
	[ -n "$ids" ] || code=0
	run "-$code" --separate-stderr hsmlic preflight "$@" --json
	[ "$(jq -r .schema <<<"$output")" = hsmlic/preflight/1 ]
	[ "$(jq -r '[.findings[].id] | join(" ")' <<<"$output")" = "$ids" ] || {
		echo "$output"
		return 1
	}
	[ "$(jq -r .ok <<<"$output")" = "$([ -z "$ids" ] && echo true ||
		echo false)" ]
}

# notes IDS: of the same output
notes() {
	[ "$(jq -r '[.notes[].id] | join(" ")' <<<"$output")" = "$1" ]
}

# refuses CODE WORDS OPERANDS...: two lines, nothing else
refuses() {
	local code=$1 words=$2
	shift 2
	run "-$code" --separate-stderr hsmlic preflight "$@"
	[[ $stderr == *"$words"* ]] || { echo "$stderr"; return 1; }
	[ "$(wc -l <<<"$stderr")" = 2 ]
	[[ $stderr == *$'\nhsmlic: hint: '* ]]
	[ -z "$output" ]
}

@test "RDP level 0 and TrustZone off stop an STM32U5, mended they do not" {
	hsmlic-sim chip new u5 --product 48102001 >/dev/null
	for chip in "--device STM32U535" "--device STM32U535/545" \
		"--product 48102001" "--target sim:u5"; do
		# shellcheck disable=SC2086
		finds "rdp-level-0 tzen-0" bad.csv $chip
		# shellcheck disable=SC2086
		finds "" good.csv $chip
	done
	finds "rdp-level-0 tzen-0" out.sfi --csv bad.csv --rsse rsse.bin \
		--device STM32U535
	finds "" out.sfi --csv good.csv --rsse rsse.bin --device STM32U535
	notes ""
}

@test "a finding says what, why, how to mend it, and who says so" {
	run -1 --separate-stderr hsmlic preflight bad.csv --device STM32U535
	[ -z "$stderr" ]
	[ "${lines[0]}" = "rdp-level-0: option bytes, line 1: RDP is 0xAA (level 0)" ]
	[[ ${lines[1]} == "    why:    on STM32U5 "*"level 0.5"* ]]
	[[ ${lines[2]} == "    mend:   "*0x55* ]]
	[[ ${lines[3]} == "    source: "*td-p/635458 ]]
	[[ ${lines[4]} == "tzen-0: "*"line 2"* ]]
	[ "${lines[8]}" = "2 findings" ]
	[ "${#lines[@]}" = 9 ]
	run -1 --separate-stderr hsmlic preflight bad.csv --device STM32U535 \
		--json
	[ "$(jq -r '.findings[0] | keys | join(" ")' <<<"$output")" = \
		"id mend source what why" ]
	[ "$(jq -r '.findings[] | select(.source == null)' <<<"$output")" = "" ]
	run -0 --separate-stderr hsmlic preflight good.csv --device STM32U535
	[ "$output" = "nothing was found that would make the installation fail" ]
}

@test "without the series there is a finding that says so, and no silence" {
	finds device-unknown bad.csv
	finds "" good.csv
	finds device-unknown bad.csv --device STM32H7
	notes device-not-known
	finds "" bad.csv --device STM32H753
	finds "" bad.csv --device STM32L562
	notes csv-not-judged
	finds rsse-missing out.sfi --device STM32U535
	notes csv-not-given
	# AN5054's own example has RDP level 0
	printf 'FOPTSR_PRG, 0x1026AAD0\nRESERVED,0x10000810\n' >h75x.csv
	finds "" h75x.csv
	finds "" h75x.csv --device STM32H753
}

@test "the RSSe file" {
	finds rsse-missing good.csv --device STM32U535 --no-rsse
	finds rsse-missing out.sfi --csv good.csv --device STM32U535
	finds "" out.sfi --device STM32H753
	refuses 2 "none.bin" out.sfi --rsse none.bin
	refuses 2 "both are given" out.sfi --rsse rsse.bin --no-rsse
}

@test "card against chip, image, firmware and lot: nothing is spent" {
	hsmlic-sim card new a --firmware fw-a --capacity 5 --type SSP \
		--product 45002001 >/dev/null
	hsmlic-sim chip new chip --product 45002001 >/dev/null
	hsmlic-sim chip new other --product 46201002 >/dev/null
	cp out.sfi out.ssp
	sha256sum a >before
	finds "" out.ssp --card sim:a --target sim:chip --firmware fw-a --need 5
	finds type-mismatch out.sfi --card sim:a --target sim:chip
	finds product-mismatch out.ssp --card sim:a --target sim:other
	finds product-mismatch out.ssp --card sim:a --product 45003001
	finds firmware-mismatch out.ssp --card sim:a --firmware fw-b
	finds counter-low out.ssp --card sim:a --need 6
	cp out.sfi out.smu
	finds "product-mismatch type-mismatch firmware-mismatch counter-low" \
		out.smu --card sim:a --target sim:other --firmware x --need 6
	[ "$(hsmlic-sim card show a --json | jq .counter)" = 5 ]
	sha256sum -c before
	# No store was made for a look.
	run ! ls s.db
}

@test "a card that is known, by its label and the name of its firmware" {
	hsmlic-sim card new a --firmware ident --capacity 5 >/dev/null
	hsmlic store init -q >/dev/null
	hsmlic card add sim:a --new-firmware fw-1.2 --label line-1 >/dev/null
	sha256sum s.db >before
	finds "" out.sfi --card line-1 --firmware fw-1.2 --device STM32H753
	finds firmware-mismatch out.sfi --card sim:a --firmware ident \
		--device STM32H753
	finds counter-low out.sfi --card line-1 --need 6 --device STM32H753
	sha256sum -c before # no reading was recorded
}

@test "an image of the simulator is of no kind" {
	hsmlic-sim card new a --firmware fw-a --capacity 5 --type SSP >/dev/null
	hsmlic-sim image new sim.sfi --card a --in rsse.bin >/dev/null
	finds "" sim.sfi --card sim:a --device STM32U535 --csv good.csv
	finds "" sim.sfi --type SMU
	finds type-mismatch out.sfi --type SMU --device STM32H753
	finds "" out.sfi --type SFIA --device STM32H753
}

@test "the option bytes of the connected chip" {
	cat >displ.txt <<-'EOT'
		Device ID   : 0x472

		OPTION BYTES BANK: 0

		   Read Out Protection:

		     RDP          : 0xAA (Level 0, no protection)
		     TZEN         : 0x0 (Global TrustZone security disabled)
		     WRP1A_PSTRT  : 0x7F  (0x807F000)
		     WRP1A_PEND   : 0x0  (0x8000000)
	EOT
	finds "" good.csv --device STM32L562 --ob-displ displ.txt
	sed -i 's/0xAA (.*/0xBB (Level 1)/; s/TZEN  .*/TZEN : 0x1/
		s/PSTRT.*/PSTRT  : 0x0/' displ.txt
	finds "rdp-live wrp-active tzen-live-l5" good.csv --device STM32L562 \
		--ob-displ displ.txt
	finds "rdp-live wrp-active" good.csv --device STM32U585 \
		--ob-displ displ.txt
	refuses 2 nowhere good.csv --ob-displ nowhere
}

@test "a CSV that cannot be understood is an error, not a finding" {
	head -c 4096 /bin/sh >garbage.csv
	refuses 2 "garbage.csv: it is no text" garbage.csv --device STM32U535
	refuses 2 "garbage.csv: it is no text" out.sfi --csv garbage.csv
	printf 'RDP,0x5S\nTZEN,1\n' >typo.csv
	refuses 2 "line 1" typo.csv --device STM32U535
	: >empty.csv
	refuses 2 "no option byte" empty.csv
	refuses 2 nowhere.csv nowhere.csv
	refuses 2 nowhere.sfi nowhere.sfi
	refuses 2 nowhere.csv out.sfi --csv nowhere.csv
	refuses 2 "regular file" out.sfi --csv .
	refuses 2 "regular file" .
	refuses 2 "two files" good.csv --csv bad.csv
	run -2 --separate-stderr hsmlic preflight typo.csv --json
	[ "$(jq -r .error.code <<<"$output")" = input ]
	[ "$(jq -r .schema <<<"$output")" = hsmlic/preflight/1 ]
}

@test "another file is never given the all-clear" {
	cp bad.csv ob.txt
	cp bad.csv optionbytes
	finds "rdp-level-0 tzen-0" ob.txt --device STM32U535
	finds "rdp-level-0 tzen-0" optionbytes --device STM32U535
	notes ""
	printf 'dear all,\nthe boards are here\n' >mail.txt
	printf 'boards,12\n' >count
	for file in mail.txt count; do
		run -0 --separate-stderr hsmlic preflight $file \
			--device STM32U535
		[[ ${lines[0]} == "note image-not-known: nothing was checked"* ]]
		[ "${lines[-1]}" = "nothing was checked of $file" ]
		[[ $output != *"nothing was found"* ]]
		run -0 --separate-stderr hsmlic preflight $file --json
		jq -e '.ok == false and .notes[0].id == "image-not-known"' \
			<<<"$output"
	done
	finds "" good.csv --device STM32U535 --ob-displ mail.txt
	notes displ-not-told
}

@test "what contradicts itself or is malformed is refused" {
	hsmlic-sim chip new chip --product 45002001 >/dev/null
	refuses 2 "product ID" good.csv --product 4500200
	refuses 2 "product ID" good.csv --product 4500200a
	refuses 2 45002001 good.csv --target sim:chip --product 46201002
	refuses 3 "no chip" good.csv --target sim:nowhere
	refuses 2 "--need" good.csv --need 3
	refuses 2 "--need" good.csv --card sim:a --need x
	run -3 --separate-stderr hsmlic preflight good.csv --card sim:nowhere
	[[ $stderr == *nowhere* ]]
	hsmlic store init -q >/dev/null
	refuses 3 "PC/SC" good.csv --card nobody
	start_pcscd unix
	refuses 3 'answers to "nobody"' good.csv --card nobody
	finds device-mismatch good.csv --target sim:chip --device STM32U535
}

@test "options come from environment and configuration, too" {
	mkdir -p "$XDG_CONFIG_HOME/hsmlic"
	cat >"$XDG_CONFIG_HOME/hsmlic/config" <<-EOT
		[preflight]
		device = STM32U535
		csv = $HL_DIR/bad.csv
		rsse = $HL_DIR/rsse.bin
	EOT
	finds "rdp-level-0 tzen-0" out.sfi
	finds "" out.sfi --csv good.csv
	HSMLIC_CSV=good.csv finds "" out.sfi
	HSMLIC_CSV=good.csv HSMLIC_NO_RSSE=1 refuses 2 "both are given" out.sfi
}
