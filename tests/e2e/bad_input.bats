# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# Everything that can be wrong with what a person or a machine gives: a clear
# error of two lines, the right exit code, and nothing spent.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	hsmlic-sim card new card --firmware fw --capacity 9 >/dev/null
	hsmlic-sim chip new chip --seed 1 >/dev/null
	hsmlic-sim chip new other --seed 2 >/dev/null
	UID1=$(cat chip/uid.hex)
	UID2=$(cat other/uid.hex)
}

teardown() {
	hl_teardown
}

# refuses CODE WORDS COMMAND...: ends so, says the words, in two lines, and
# the card keeps its nine units.
refuses() {
	local code=$1 words=$2
	shift 2
	run "-$code" --separate-stderr "$@"
	[[ $stderr == *"$words"* ]] || { echo "$stderr"; return 1; }
	[ "$(grep -c '^hsmlic: hint:' <<<"$stderr")" = 1 ]
	[ "$(tail -n 1 <<<"$stderr" | cut -c1-13)" = "hsmlic: hint:" ]
	[ "$(hsmlic-sim card show card --json | jq .counter)" = "${LEFT:-9}" ]
}

get() {
	hsmlic get --yes --card sim:card "$@"
}

@test "a certificate that is none" {
	head -c 135 chip/certificate.bin >short
	cat chip/certificate.bin - <<<x >long
	printf 'zzzz2001' >nohex
	tail -c +9 chip/certificate.bin >>nohex
	printf '4500a001' >lower
	tail -c +9 chip/certificate.bin >>lower
	head -c 8 chip/certificate.bin >off
	head -c 128 /dev/zero | tr '\0' '\1' >>off
	: >empty
	refuses 2 135 get --cert short
	refuses 2 138 get --cert long
	refuses 2 "product ID" get --cert nohex
	refuses 2 "product ID" get --cert lower
	refuses 2 "curve" get --cert off
	refuses 2 "" get --cert empty
	refuses 2 "absent" get --cert absent
	refuses 2 "" get --cert .
}

@test "a UID that is none, or another chip's" {
	refuses 2 "--uid" get --cert chip/certificate.bin --uid 1234
	refuses 2 "--uid" get --cert chip/certificate.bin --uid "${UID1}0"
	refuses 2 "--uid" get --cert chip/certificate.bin --uid "xx${UID1:2}"
	refuses 2 "" get --cert chip/certificate.bin \
		--uid 000000000000000000000000
	refuses 2 "" get --cert chip/certificate.bin \
		--uid FFFFFFFFFFFFFFFFFFFFFFFF
	get --target sim:chip
	LEFT=8
	refuses 2 "$UID1" get --cert other/certificate.bin --uid "$UID1"
	refuses 2 "$UID1" get --cert chip/certificate.bin --uid "$UID2"
	refuses 2 "$UID2" get --uid "$UID2"
	# The same UID as a debugger prints its words is the same chip.
	local b=$UID1 words
	words="0x${b:6:2}${b:4:2}${b:2:2}${b:0:2}"
	words+=" 0x${b:14:2}${b:12:2}${b:10:2}${b:8:2}"
	words+=" ${b:22:2}${b:20:2}${b:18:2}${b:16:2}"
	run -0 --separate-stderr hsmlic get --uid "$words" --cached --json
	[ "$(jq -r .uid <<<"$output")" = "$UID1" ]
}

@test "a card that cannot serve" {
	hsmlic-sim card new blank --blank >/dev/null
	hsmlic-sim card new dead --firmware fw --capacity 5 >/dev/null
	hsmlic-sim card terminate dead >/dev/null
	hsmlic-sim card new h5 --firmware fw5 --capacity 5 \
		--product 48400000 >/dev/null
	hsmlic-sim card new used --firmware used --capacity 1 >/dev/null
	hsmlic get --yes --card sim:used --target sim:other
	local c=(hsmlic get --yes --target sim:chip --card)
	refuses 4 "OEM_STATE" "${c[@]}" sim:blank
	refuses 4 "TERMINATED_STATE" "${c[@]}" sim:dead
	refuses 4 "48400000" "${c[@]}" sim:h5
	refuses 4 "zero" "${c[@]}" sim:used
	refuses 3 "absent" "${c[@]}" sim:absent
	refuses 2 "" "${c[@]}" sim:chip/uid.hex
	refuses 4 "fw2" get --target sim:chip --firmware fw2
}

@test "a card that was taken out of use" {
	get --target sim:chip -o a
	LEFT=8
	run -0 hsmlic card retire --yes "$(hsmlic-sim card show card --json |
		jq -r .serial)"
	refuses 4 "retired" get --target sim:other
	run -0 get --target sim:chip -o a
}

@test "the identifier that two keys bear" {
	hsmlic-sim card new twin --firmware fw --capacity 5 >/dev/null
	get --target sim:chip
	LEFT=8
	refuses 2 "two keys" hsmlic get --yes --target sim:other --card sim:twin
	[[ $stderr == *"card add"* ]]
	run -0 hsmlic card add sim:twin --new-firmware fw-twin --label twin
	run -0 hsmlic get --yes --target sim:other --card sim:twin
	[ "$(hsmlic-sim card show twin --json | jq .counter)" = 4 ]
}

@test "spending is not allowed" {
	refuses 4 "no terminal" hsmlic get --target sim:chip --card sim:card
	mkdir -p config/hsmlic
	echo 'spend = allow' >config/hsmlic/config
	run -0 hsmlic get --target sim:chip --card sim:card
}

@test "an output that must not be replaced, or cannot be written" {
	echo precious >file
	refuses 2 "file exists" get --target sim:chip -o file
	refuses 2 "" get --target sim:chip -o nowhere/file
	[ "$(cat file)" = precious ]
	get --target sim:chip
	LEFT=8
	refuses 2 "" get --target sim:chip -o file
	[ "$(cat file)" = precious ]
	run -0 get --target sim:chip -o file --force
	run -0 get --target sim:chip -o file
	refuses 2 "" get --target sim:chip -o - --json
}

@test "a store that cannot be used" {
	local s
	echo "no database" >text.db
	sqlite3 other.db 'CREATE TABLE t (x)'
	mkdir folder.db
	get --target sim:other
	LEFT=8
	cp s.db future.db
	sqlite3 future.db 'PRAGMA user_version = 9999'
	cp s.db planted.db
	sqlite3 planted.db 'CREATE TRIGGER t AFTER INSERT ON uses BEGIN SELECT 1; END'
	for s in text other folder future planted; do
		refuses 5 "" get --target sim:chip --store "$s.db"
	done
	refuses 5 "newer" get --target sim:chip --store future.db
	refuses 5 "" hsmlic chip list --store absent.db
	refuses 2 "" get --target sim:chip --store postgresql://host/db
	mkdir -m 777 open
	refuses 5 "" get --target sim:chip --store open/s.db
}

@test "a store that is named is not made just anywhere" {
	refuses 5 "there is no store" get --target sim:chip \
		--store nowhere/s.db
	[ ! -e nowhere ]
	mkdir -p config/hsmlic
	echo "store = $HL_DIR/station.db" >config/hsmlic/config
	unset HSMLIC_STORE
	refuses 5 "there is no store" get --target sim:chip
	run -0 hsmlic store init
	run -0 get --target sim:chip
	LEFT=8
	refuses 6 "not resolved" open_request
}

# A request for other's license whose process died, then --cached.
open_request() {
	hsmlic-sim card new mute --firmware mute --capacity 3 >/dev/null
	hsmlic get --yes --card sim:mute --target sim:other >/dev/null 2>&1
	sqlite3 station.db <<-'EOT'
		INSERT INTO issues (id, chip, firmware, card, attempt,
			counter_before, opened_at, owner, station, operator, lot,
			note, use_class, state, recovered, detail)
		SELECT randomblob(16), chip, firmware, card, 2, 1, opened_at,
			randomblob(16), '', '', '', '', '', 'open', 0, ''
		FROM issues ORDER BY n DESC LIMIT 1;
	EOT
	hsmlic license retire "$UID2" --yes --reason test >/dev/null
	hsmlic get --cached --uid "$UID2"
}

@test "a store that is gone is not made anew in silence" {
	get --target sim:other
	LEFT=8
	mv s.db kept
	refuses 5 "it has spent units" get --target sim:chip
	# Nor does anybody advise to make it anew.
	refuses 5 "it has spent units" hsmlic license list
	: >s.db
	refuses 5 "remove the file and run" get --target sim:chip
	rm s.db
	run -0 hsmlic store restore kept --yes
	run -0 get --target sim:chip
	rm s.db
	run -0 hsmlic store init
}

@test "a store that is locked for too long" {
	get --target sim:other
	sqlite3 s.db <<-'EOT' &
		BEGIN EXCLUSIVE;
		.shell touch locked; sleep 25
	EOT
	while [ ! -e locked ]; do sleep 0.05; done
	LEFT=8
	refuses 5 "more than 1000 ms" get --target sim:chip --timeout 1
	kill $!
}

@test "a configuration that is wrong" {
	mkdir -p config/hsmlic
	echo 'sped = allow' >config/hsmlic/config
	refuses 2 'unknown key "sped"' get --target sim:chip
	printf '[get]\nlabel = x\n' >config/hsmlic/config
	refuses 2 '"label" is no option of [get]' get --target sim:chip
	printf '[get]\nspend = allow\n' >config/hsmlic/config
	refuses 2 "before the first section" get --target sim:chip
	printf '[git]\ncard = x\n' >config/hsmlic/config
	refuses 2 "no section [git]" get --target sim:chip
	echo 'spend = sure' >config/hsmlic/config
	refuses 2 "spend" get --target sim:chip
	echo 'quiet = perhaps' >config/hsmlic/config
	refuses 2 "quiet" get --target sim:chip
	rm config/hsmlic/config
	refuses 2 "absent" get --target sim:chip --config absent
	HSMLIC_TIMEOUT=soon refuses 2 "timeout" get --target sim:chip
}

@test "a value that is wrong is told with its place" {
	local file=$HL_DIR/config/hsmlic/config
	mkdir -p config/hsmlic
	printf '; a comment\n\nspend = sometimes\n' >"$file"
	refuses 2 "spend is \"sometimes\"; it comes from $file, line 3" \
		hsmlic status
	printf 'lot = a\n\n[status]\n\ntimeout = soon\n' >"$file"
	refuses 2 "\"soon\"; it comes from $file, line 5" hsmlic status
	echo 'quiet = perhaps' >"$file"
	refuses 2 "$file, line 1: quiet is \"perhaps\"" hsmlic status
	printf '\nsped = allow\n' >"$file"
	refuses 2 "$file, line 2: unknown key \"sped\"" hsmlic status
	echo 'class = rework' >"$file"
	refuses 2 "it comes from $file, line 1" get --target sim:chip
	: >"$file"
	HSMLIC_SPEND=sometimes refuses 2 "it comes from HSMLIC_SPEND" \
		hsmlic status
	HSMLIC_TIMEOUT=soon refuses 2 "it comes from HSMLIC_TIMEOUT" \
		hsmlic status
	HSMLIC_QUIET=perhaps refuses 2 'HSMLIC_QUIET: quiet is "perhaps"' hsmlic status
	HSMLIC_NOTE=$'\xff' refuses 2 "it comes from HSMLIC_NOTE" \
		get --target sim:chip
	HSMLIC_UID=12 refuses 2 "it comes from HSMLIC_UID" get
	refuses 2 "whole number" hsmlic status --timeout soon
	[[ $stderr != *"comes from"* ]]
}

@test "the order: command line, environment, section, defaults" {
	mkdir -p config/hsmlic
	printf 'note = default\n[get]\nnote = section\n' >config/hsmlic/config
	note() {
		sqlite3 s.db 'SELECT note FROM issues ORDER BY n DESC LIMIT 1'
	}
	get --target sim:chip
	[ "$(note)" = section ]
	HSMLIC_NOTE=environment get --target sim:other
	[ "$(note)" = environment ]
	hsmlic-sim chip new third >/dev/null
	HSMLIC_NOTE=environment get --target sim:third --note line
	[ "$(note)" = line ]
}

@test "options and operands" {
	refuses 2 "--target" get --target sim:chip --target sim:other
	refuses 2 "" get --target sim:chip --cert chip/certificate.bin
	refuses 2 "which chip" get
	refuses 2 "--nonsense" get --nonsense
	refuses 2 "needs a value" get --cert
	refuses 2 "class" get --target sim:chip --class rework
	refuses 2 "one operand too many" get --target sim:chip extra
	refuses 2 "frobnicate" hsmlic frobnicate
	refuses 2 "subcommand" hsmlic card
	refuses 2 "" hsmlic
	refuses 2 "timeout" get --target sim:chip --timeout -1
	refuses 2 "kind" get --target usb:chip
	refuses 3 "" get --target sim:nowhere
	refuses 2 "note" get --target sim:chip --note "$(printf 'a\001b')"
	refuses 2 "note" get --target sim:chip --note "$(printf '\377')"
	refuses 2 "note" get --target sim:chip \
		--note "$(head -c 257 /dev/zero | tr '\0' x)"
}

@test "a mistake on the command line leads to the help that fits" {
	local line hint
	while IFS='|' read -r line hint; do
		# shellcheck disable=SC2086
		refuses 2 "hint: $hint (nothing was spent)" hsmlic $line
	done <<-'EOT'
		get --nonsense|see: hsmlic get --help
		get --cert|see: hsmlic get --help
		get --json=x|see: hsmlic get --help
		card add --nonsense|see: hsmlic card add --help
		card|see: hsmlic card --help
		card frobnicate|see: hsmlic card --help
		card ad|did you mean: hsmlic card add
		statsu|did you mean: hsmlic status
		licence|did you mean: hsmlic license
		help sttaus|did you mean: hsmlic status
		help card lst|did you mean: hsmlic card list
		help get x|see: hsmlic get --help
		help frobnicate x|see: hsmlic help
		frobnicate|see: hsmlic help
		x|see: hsmlic help
		--nonsense|see: hsmlic help
		chip show|usage: hsmlic chip show CHIP
	EOT
}

@test "whatever is refused, there is a word on what to do" {
	local id
	# told: the hint is more than what became of the unit.
	told() {
		[[ $stderr == *"hint: "?*" (nothing was spent)"* ]] ||
			{ echo "$stderr"; return 1; }
	}
	get --target sim:chip >/dev/null
	LEFT=8
	refuses 2 "timeout" get --target sim:chip --timeout abc
	told
	id=$(hsmlic chip show "$UID1" --json | jq -r '.attempts[0].issue_id')
	refuses 2 "not open but issued" hsmlic recover --write-off "$id" \
		--reason x --yes
	told
	refuses 2 "no request with this ID" hsmlic recover --reason x \
		--write-off 00112233-4455-4677-8899-aabbccddeeff --yes
	told
	hsmlic license retire "$UID1" --yes --reason x >/dev/null
	id=$(hsmlic license list --all --json |
		jq -r '.licenses[0].license_id')
	refuses 2 "retired already" hsmlic license retire "$id" --reason x --yes
	told
	hsmlic card retire sim:card --yes >/dev/null
	refuses 2 "retired already" hsmlic card retire sim:card --yes
	told
	mkdir -p config/hsmlic
	printf 'a\0b' >config/hsmlic/config
	refuses 2 "no text file" hsmlic status
	told
	printf 'note = %0200d\n' 0 >config/hsmlic/config
	refuses 2 "longer than" hsmlic status
	told
}

@test "somebody says no" {
	script -qec "hsmlic get --target sim:chip --card sim:card" typed \
		<<<n || [ $? -eq 4 ]
	grep -q "you did not say yes" typed
	grep -q "hint: .*answer y (nothing was spent)" typed
	[ "$(hsmlic-sim card show card --json | jq .counter)" = 9 ]
}

@test "labels that are no text" {
	get --target sim:chip
	LEFT=8
	refuses 2 "no chip" hsmlic get --cached --chip "board 7"
	refuses 2 "--chip" hsmlic get --cached --chip "$UID1" --uid "$UID1"
	refuses 2 "label" hsmlic chip label "$UID1" "$(printf '\303\050')"
	refuses 2 "label" hsmlic chip label "$UID1" "$(printf 'a\033[31m')"
	run -0 hsmlic chip label "$UID1" "Prüfling 7"
	run -0 --separate-stderr hsmlic get --cached --uid "$UID1" --json
	run -0 --separate-stderr hsmlic get --cached --chip "Prüfling 7"
	run -0 --separate-stderr hsmlic chip show "Prüfling 7" --json
	[ "$(jq -r .uid <<<"$output")" = "$UID1" ]
}

@test "an output that could never hold a license is not paid for" {
	mkdir folder
	ln -s elsewhere link
	refuses 2 "no regular file" get --target sim:chip -o folder --force
	refuses 2 "no regular file" get --target sim:chip -o link --force
	refuses 2 "no regular file" get --target sim:chip -o folder/
	refuses 2 "no regular file" get --target sim:chip -o ""
}

@test "what could not be handed over is no use of a license" {
	get --target sim:chip
	LEFT=8
	echo other >file
	refuses 2 "" hsmlic get --cached --uid "$UID1" -o file
	refuses 2 "no folder" hsmlic get --cached --uid "$UID1" -o /nowhere/f
	run -0 --separate-stderr hsmlic license list --json
	[ "$(jq '.licenses[0].uses' <<<"$output")" = 0 ]
	run -0 --separate-stderr hsmlic get --cached --uid "$UID1" -o new
	run -0 --separate-stderr hsmlic license list --json
	[ "$(jq '.licenses[0].uses' <<<"$output")" = 1 ]
}

@test "a get that is refused makes no chip known, and says which it was" {
	refuses 4 "not done" hsmlic get --card sim:card --target sim:chip
	run -0 --separate-stderr get --target sim:chip --dry-run --json
	[ "$(jq -r .uid <<<"$output")" = "$UID1" ]
	[ "$(jq -r .product_id <<<"$output")" = 45002001 ]
	[ "$(jq -r '.certificate_sha256 | length' <<<"$output")" = 64 ]
	run -0 --separate-stderr hsmlic chip list --json
	[ "$(jq '.chips | length' <<<"$output")" = 0 ]
	# The right pair is not blocked by a wrong one that was refused.
	refuses 4 "not done" hsmlic get --card sim:card \
		--cert other/certificate.bin --uid "$UID1"
	get --target sim:chip
}

@test "a license that was retired is spoken of before another is paid for" {
	get --target sim:chip
	run -0 hsmlic license retire "$UID1" --reason "key leaked" --yes
	LEFT=8
	refuses 4 "key leaked" hsmlic get --cached --uid "$UID1"
	refuses 4 "has cost 1 unit" hsmlic get --card sim:card --uid "$UID1"
}

@test "a license is never written over the store or the card" {
	get --target sim:chip -o license
	LEFT=8
	before=$(cat s.db card | sha256sum)
	ln -s . here
	for name in s.db ./here/s.db s.db-journal s.db.d/ballast s.db.d/new \
		card; do
		refuses 2 "of the store or of the card" \
			get --target sim:chip -o "$name" --force
	done
	refuses 2 "of the store or of the card" \
		hsmlic license export "$UID1" -o s.db --force
	# however the card is named, and where none is named
	refuses 2 "of the store or of the card" \
		hsmlic license export "$UID1" -o card --force
	hsmlic card label sim:card line-4
	before=$(cat s.db card | sha256sum)
	refuses 2 "of the store or of the card" hsmlic get --yes \
		--card line-4 --target sim:chip -o card --force
	[ "$(cat s.db card | sha256sum)" = "$before" ]
	run -0 get --target sim:chip -o license
}

@test "a standard output that is closed takes no license" {
	LEFT=8 refuses 5 "standard output failed" \
		bash -c 'hsmlic get --yes --card sim:card --target sim:chip \
			-o - >&-'
}

@test "a limit on the size of files is an error, not an end by a signal" {
	hsmlic store init >/dev/null
	refuses 5 "" bash -c 'ulimit -f 8 && exec hsmlic get --yes \
		--card sim:card --target sim:chip'
}

@test "a file name that is no UTF-8, in JSON" {
	local name=$'bad\377.bin'
	run -0 --separate-stderr get --target sim:chip -o "$name" --json
	[ "$(jq -r .path <<<"$output")" = "bad?.bin" ]
	[ "$(jq .units_spent <<<"$output")" = 1 ]
	[ "$(stat -c %s "$name")" = 136 ]
}

@test "a result that nobody could read" {
	get --target sim:chip >/dev/null
	run -5 bash -c 'hsmlic chip list --json >/dev/full'
	run -5 bash -c 'hsmlic chip list >/dev/full'
	for words in "chip list" "chip list --json" "help" "completion bash"; do
		LEFT=8 refuses 5 "No space left on device" \
			bash -c "hsmlic $words >/dev/full"
		[[ $stderr == *"nothing was spent"* ]]
	done
	LEFT=7 refuses 5 "No space left on device" bash -c \
		'hsmlic get --yes --card sim:card --target sim:other >/dev/full'
	[[ $stderr == *"costs nothing (one unit was spent)"* ]]
	hsmlic license retire "$UID2" --yes --reason test >/dev/null
	LEFT=6 refuses 5 "No space left on device" bash -c \
		'hsmlic get --yes --card sim:card --target sim:other --json \
			>/dev/full'
	[[ $stderr == *"(one unit was spent)"* ]]
	LEFT=6 refuses 5 "No space left on device" bash -c \
		"hsmlic license export $UID1 -o - >/dev/full"
}

@test "a result that is not read to its end is no error worth words" {
	local words
	get --target sim:chip >/dev/null
	mkfifo pipe
	for words in "--help" "get --help" "help" "completion bash" \
		"chip list" "chip list --json"; do
		# The reader has gone before the first word is written.
		run -5 bash -c "exec 3<>pipe 4>pipe 3>&-; exec hsmlic $words >&4"
		[ -z "$output" ]
	done
	run -5 bash -c "exec 3<>pipe 4>pipe 3>&-; exec hsmlic get --yes \
		--card sim:card --target sim:other >&4"
	[[ $output == *"Broken pipe"*"(one unit was spent)" ]]
}

@test "an error in JSON" {
	run -2 --separate-stderr get --json --cert absent
	[ "$(jq -r .schema <<<"$output")" = hsmlic/get/1 ]
	[ "$(jq -r '.error | keys | join(" ")' <<<"$output")" = \
		"code hint units_spent what why" ]
	[ "$(jq .error.units_spent <<<"$output")" = 0 ]
	# Also of the command line itself, when the environment asks for it.
	HSMLIC_JSON=true run -2 --separate-stderr hsmlic get --bogus
	[ "$(jq -r '.schema + " " + .error.code' <<<"$output")" = \
		"hsmlic/get/1 usage" ]
	HSMLIC_JSON=false run -2 --separate-stderr hsmlic get --bogus
	[ -z "$output" ]
}

@test "a license for another chip is not taken in" {
	get --target sim:chip -o a.bin
	LEFT=8
	refuses 2 "" hsmlic license import a.bin --target sim:other --firmware fw
	run -0 hsmlic license export "$UID1" --dir out
	LEFT=8
	rm -rf s.db*
	refuses 2 "" hsmlic license import "out/$UID1.license.bin" \
		--target sim:other --firmware fw --new-firmware
	run -0 hsmlic license import "out/$UID1.license.bin" \
		--target sim:chip --firmware fw --new-firmware
	refuses 2 "" hsmlic license import absent.bin --target sim:chip \
		--firmware fw
	refuses 2 "certificate" hsmlic license import chip/certificate.bin \
		--target sim:chip --firmware fw
	: >empty.bin
	refuses 2 "" hsmlic license import empty.bin --target sim:other \
		--firmware fw
	head -c 4097 /dev/zero >big.bin
	refuses 2 "" hsmlic license import big.bin --target sim:other \
		--firmware fw
}

@test "a full disk: nothing is spent" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a small file system"
	mkdir small
	mount -t tmpfs -o size=2m none small || skip "no mount here"
	run hsmlic store init --store small/s.db
	head -c 2m /dev/zero >small/filler 2>/dev/null || true
	run -5 --separate-stderr get --target sim:chip --store small/s.db
	umount -l small
	[ "$(hsmlic-sim card show card --json | jq .counter)" = 9 ]
}

@test "bytes that rotted in the store are not handed out" {
	get --target sim:chip
	sqlite3 s.db <<-'EOT'
		DROP TRIGGER licenses_fixed;
		UPDATE licenses SET bytes = zeroblob(136);
	EOT
	LEFT=8
	refuses 5 "" hsmlic get --cached --uid "$UID1"
}

# ---- PC/SC ---------------------------------------------------------------------

@test "no PC/SC service, no reader, no card, a card that nobody knows" {
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nothing
	refuses 3 "pcscd" hsmlic get --yes --target sim:chip
	unset PCSCLITE_CSOCK_NAME
	start_pcscd unix
	refuses 3 "no card" hsmlic get --yes --target sim:chip
	refuses 3 "elsewhere" hsmlic get --yes --target sim:chip \
		--card reader:elsewhere
	stop_pcscd
	refuses 3 "" hsmlic get --yes --target sim:chip
}

@test "two cards that fit are an error that names both" {
	hsmlic-sim card new twin --firmware fw --capacity 5 >/dev/null
	start_pcscd unix unix
	start_card 0 hsmlic-sim card serve card
	start_card 1 hsmlic-sim card serve twin
	local one two
	one=$(hsmlic-sim card show card --json | jq -r .serial)
	two=$(hsmlic-sim card show twin --json | jq -r .serial)
	refuses 2 "$one" hsmlic get --yes --target sim:chip
	[[ $stderr == *"$two"* ]]
	run -0 hsmlic get --yes --target sim:chip --card "$one"
	run -0 hsmlic card add --card "$two" --firmware fw --label spare
	LEFT=8
	run -0 hsmlic get --yes --target sim:other --card spare
	[ "$(hsmlic-sim card show twin --json | jq .counter)" = 4 ]
	refuses 3 "" hsmlic get --yes --target sim:chip --card nobody --firmware x
}

@test "a card that another program holds for too long" {
	start_pcscd unix
	start_card 0 hsmlic-sim card serve card --fault slow:1:4000
	HSMLIC_STORE=$HL_DIR/b.db hsmlic get --yes --target sim:other >/dev/null 2>&1 3>&- &
	local slow=$!
	sleep 1
	refuses 7 "" hsmlic get --yes --target sim:chip --timeout 1 || {
		LEFT=8 refuses 7 "" hsmlic get --yes --target sim:chip --timeout 1
	}
	wait "$slow"
}
