# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# Licenses on the command line: shown, retired, written to files, taken in
# from files, and refused where they do not belong.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	unset HSMLIC_CARD HSMLIC_TARGET
	hsmlic store init -q >/dev/null
	hsmlic-sim card new card --firmware fw --capacity 9 >/dev/null
	local i
	for i in 1 2 3; do
		hsmlic-sim chip new "c$i" --seed "$i" >/dev/null
	done
	UID1=$(cat c1/uid.hex)
	UID2=$(cat c2/uid.hex)
}

teardown() {
	hl_teardown
}

# fetch CHIP FILE [CARD]: spends a unit
fetch() {
	hsmlic get --target "sim:$1" --card "sim:${3:-card}" --yes -q -o "$2" \
		>/dev/null 2>&1
}

# in_store NAME COMMAND...: with another store
in_store() {
	local name=$1
	shift
	HSMLIC_STORE=$HL_DIR/$name "$@"
}

# refuses CODE WORDS COMMAND...
refuses() {
	local code=$1 words=$2
	shift 2
	run "-$code" --separate-stderr hsmlic "$@"
	[[ $stderr == *"$words"* ]] || { echo "$stderr"; return 1; }
	[ "$(grep -c '^hsmlic: hint:' <<<"$stderr")" = 1 ]
}

# is FILTER VALUE: of the JSON in $output
is() {
	local value
	value=$(jq -r "$1" <<<"$output")
	[ "$value" = "$2" ] || { echo "$1 is $value, not $2"; return 1; }
}

licenses() {
	hsmlic license list --all --json | jq '.licenses | length'
}

sha() {
	sha256sum <"$1" | cut -d' ' -f1
}

uses() {
	hsmlic license list --json | jq "[.licenses[].uses] | add"
}

@test "licenses are listed and shown with all that is known" {
	hsmlic-sim card new other --firmware fw2 --capacity 3 >/dev/null
	fetch c1 l1
	fetch c1 l1b other
	fetch c2 l2
	run -0 --separate-stderr hsmlic license list --json
	is .schema hsmlic/license-list/1
	is '.licenses | length' 3
	is '.licenses[0] | [.uid, .firmware, .license_sha256, .license_size,
		.state, .origin] | @json' \
		"[\"$UID1\",\"fw\",\"$(sha l1)\",136,\"active\",\"card\"]"
	run -0 --separate-stderr hsmlic license list --firmware fw2 --json
	is '[.licenses[].license_sha256] | @json' "[\"$(sha l1b)\"]"
	run -0 --separate-stderr hsmlic license list --chip "$UID2"
	[ "${#lines[@]}" = 2 ]
	refuses 2 nobody license list --firmware nobody
	refuses 2 nobody license list --chip nobody
	refuses 2 '"fw", "fw2"' license show "$UID1"
	run -0 --separate-stderr hsmlic license show "$UID1" --firmware fw2 \
		--json
	is '[.license_sha256, .license_type, .verified, .issue.counter_before,
		.issue.counter_after] | @json' \
		"[\"$(sha l1b)\",\"SFI\",true,3,2]"
	id=$(jq -r .license_id <<<"$output")
	# The UID in its other spelling stands beside it, wherever there is one.
	words=$(hsmlic chip show "$UID1" --json | jq -r .uid_words)
	[[ $words == 0x????????" "0x????????" "0x???????? ]]
	is .uid_words "$words"
	run -0 --separate-stderr hsmlic license show "$id" --json
	is .firmware fw2
	run -0 --separate-stderr hsmlic license export "$UID1" --dir out \
		--dry-run --firmware fw2 --json
	is '.licenses[0].uid_words' "$words"
	run -0 --separate-stderr hsmlic get --cached --uid "$words" \
		--firmware fw2 --json
	is '[.uid, .uid_words] | @json' "[\"$UID1\",\"$words\"]"
	# The table shows how IDs begin, and that is enough.
	run -0 --separate-stderr hsmlic license list --firmware fw2
	[[ ${lines[0]} == ID\ * && ${lines[1]} == "${id:0:8} "* ]]
	run -0 --separate-stderr hsmlic license show "${id:0:8}" --json
	is .license_id "$id"
	id=${id^^}
	run -0 --separate-stderr hsmlic license show "${id:0:13}" --json
	is .license_id "${id,,}"
	id=${id,,}
	refuses 2 "no chip" license show "${id:0:7}"
	refuses 2 '"fw2", not "fw"' license show "$id" --firmware fw
	run -0 --separate-stderr hsmlic license show "$UID2"
	[[ $output == *"$(sha l2)"*"the bytes match"* ]]
	refuses 2 nobody license show nobody
	refuses 2 "no license with this ID" license show \
		00000000-0000-4000-8000-000000000000
}

@test "bytes that do not match their hash are found, and not handed out" {
	fetch c1 l1
	fetch c2 l2
	# Behind the store's back, as a failing disk would.
	python3 - s.db l1 <<-'EOT'
		import sys
		store, license = (open(f, "r+b") for f in sys.argv[1:])
		license = license.read()
		store.seek(store.read().index(license) + 30)
		store.write(bytes([license[30] ^ 0xff]))
	EOT
	refuses 9 "$UID1" license show "$UID1"
	refuses 9 "" license export "$UID1" -o x
	[ ! -e x ]
	run -9 --separate-stderr hsmlic license export --dir out --json
	is '[.written, .failed] | @json' '[1,1]'
	is "[.licenses[] | select(.uid == \"$UID1\") | .error.code] | @json" \
		'["integrity"]'
	cmp "out/$UID2.license.bin" l2
	[ ! -e "out/$UID1.license.bin" ]
}

@test "a license is retired with a reason, when somebody agrees" {
	fetch c1 l1
	refuses 2 "no reason" license retire "$UID1" --yes
	refuses 2 "" license retire "$UID1" --yes --reason $'a\tb'
	refuses 4 "retire the active license of chip $UID1" license retire \
		"$UID1" --reason broken
	run -0 --separate-stderr hsmlic --dry-run license retire "$UID1" \
		--reason broken
	run -0 --separate-stderr hsmlic license retire "$UID1" \
		--reason broken --yes --json
	is '[.state, .reason] | @json' '["retired","broken"]'
	id=$(jq -r .license_id <<<"$output")
	refuses 2 "retired already" license retire "$id" --reason x --yes
	refuses 2 "no active license" license show "$UID1"
	refuses 2 "retired: broken" license export "$id" -o x
	refuses 2 "as retired: broken" license import l1 --target sim:c1 \
		--firmware fw
	run -0 --separate-stderr hsmlic license list --json
	is '.licenses | length' 0
	run -0 --separate-stderr hsmlic license list --all
	[[ ${lines[1]} == *retired* ]]
}

@test "a license is doubted and trusted again, with a reason for each" {
	fetch c1 l1
	id=$(hsmlic license show "$UID1" --json | jq -r .license_id)
	refuses 2 "no reason" license doubt "$UID1"
	refuses 2 "" license doubt "$UID1" --reason $'a\tb'
	refuses 2 "no suspect license" license trust "$UID1" --reason x --yes
	refuses 2 "active, not suspect" license trust "$id" --reason x --yes
	run -0 --separate-stderr hsmlic --dry-run license doubt "$UID1" \
		--reason "RSS error"
	[[ $stderr == *"would doubt the license of chip $UID1"* ]]
	# Nothing is asked: it can be taken back.
	run -0 --separate-stderr hsmlic license doubt "$UID1" \
		--reason "RSS error" --json
	is '[.state, .reason, .retired_at] | @json' \
		'["suspect","RSS error",null]'
	refuses 2 "is suspect" license doubt "$id" --reason again
	refuses 2 "no active license" license show "$UID1"
	refuses 2 "suspect: RSS error" license export "$id" -o x
	[[ $stderr == *"hsmlic license trust $id --reason TEXT"* ]]
	refuses 4 "suspect: RSS error" get --cached --uid "$UID1"
	[[ $stderr == *"hsmlic license trust $id --reason TEXT"* ]]
	refuses 2 "as suspect: RSS error" license import l1 --target sim:c1 \
		--firmware fw
	[[ $stderr == *"hsmlic license trust $id --reason TEXT"* ]]
	# Trust is a decision: somebody has to agree, and sees what to.
	refuses 2 "no reason" license trust "$UID1" --yes
	refuses 4 "it is suspect: RSS error" license trust "$UID1" \
		--reason "TZEN was 0"
	run -0 --separate-stderr hsmlic --dry-run license trust "$UID1" \
		--reason "TZEN was 0"
	run -0 --separate-stderr hsmlic license show "$id" --json
	is .state suspect
	run -0 --separate-stderr hsmlic license trust "$UID1" \
		--reason "TZEN was 0" --yes
	[[ $output == *"somebody decided so, nothing was checked" ]]
	run -0 --separate-stderr hsmlic license show "$UID1" --json
	is '[.state, .reason] | @json' '["active","TZEN was 0"]'
	run -0 hsmlic get --cached --uid "$UID1" -o again
	cmp again l1
	run -0 sqlite3 s.db "SELECT j ->> '$.kind', j ->> '$.body.license_reason'
		FROM (SELECT CAST(bytes AS TEXT) AS j FROM events)
		WHERE j ->> '$.kind' IN ('license.suspect', 'license.trusted')"
	[ "$output" = "license.suspect|RSS error
license.trusted|TZEN was 0" ]
}

@test "a doubted license that has been replaced is not trusted by the way" {
	fetch c1 l1
	hsmlic license doubt "$UID1" --reason one >/dev/null
	one=$(hsmlic license list --all --json | jq -r .licenses[0].license_id)
	refuses 4 "has cost 1 unit" get --card sim:card --target sim:c1
	fetch c1 l2
	refuses 2 "another active license" license trust "$UID1" --reason x \
		--yes
	refuses 2 "another active license" license trust "$one" --reason x \
		--dry-run
	run -0 hsmlic license doubt "$UID1" --reason two
	refuses 2 "$one" license trust "$UID1" --reason x --yes
	refuses 2 "by its ID" license trust "$UID1" --firmware fw --reason x \
		--yes
	run -0 hsmlic license trust "$one" --reason x --yes
	run -0 hsmlic get --cached --uid "$UID1" -o again
	cmp again l1
	hsmlic license retire "$UID1" --reason x --yes >/dev/null
	refuses 2 "retired, not suspect" license trust "$one" --reason x --yes
	run -0 hsmlic license trust "$UID1" --reason x --yes
	run -0 hsmlic store check
}

@test "a get tells what could be used instead of another unit" {
	fetch c1 l1
	hsmlic license doubt "$UID1" --reason "RSS error" >/dev/null
	local -a again=(get --card sim:card --target sim:c1)
	local trust="hsmlic license trust $UID1 --reason TEXT" id
	id=$(hsmlic license list --all --json | jq -r .licenses[0].license_id)
	refuses 2 "but a suspect one for firmware \"fw\": $id" license show \
		"$UID1"
	refuses 2 "but a suspect one" license export "$UID1" -o x
	run -0 hsmlic license show "${id:0:8}"
	refuses 4 "$trust" "${again[@]}"
	run -0 --separate-stderr hsmlic "${again[@]}" --dry-run
	[[ $output == *"would spend one"*"has a suspect license"*"$trust"* ]]
	run -0 --separate-stderr hsmlic "${again[@]}" --dry-run --json
	is '[.would_spend, .suspect_licenses, .other_firmware] | @json' \
		'[1,1,null]'
	run -0 --separate-stderr hsmlic status --json
	is .store.suspect 1
	[[ $(jq -r '.warnings[]' <<<"$output") == \
		*"1 license is suspect and not handed out"* ]]
	run -0 --separate-stderr hsmlic status
	[[ $output == *"0 licenses, 1 suspect"* ]]
	# Nobody is asked, and it is said all the same.
	HSMLIC_SPEND=allow run -0 --separate-stderr hsmlic "${again[@]}"
	[[ $stderr == *"$trust"* ]]
	hsmlic license doubt "$UID1" --reason again >/dev/null
	run -0 --separate-stderr hsmlic "${again[@]}" --yes
	[[ $stderr == *"$trust"* ]]
	# A license under another name may be that of the same key.
	hsmlic-sim card new other --firmware fw2 --capacity 3 >/dev/null
	again=(get --card sim:other --target sim:c1)
	local words='this chip has a license for firmware "fw"'
	run -0 --separate-stderr hsmlic "${again[@]}" --dry-run
	[[ $output == *"$words"* && $output != *suspect* ]]
	run -0 --separate-stderr hsmlic "${again[@]}" --dry-run --json
	is '[.would_spend, .suspect_licenses, .other_firmware] | @json' \
		'[1,0,"fw"]'
	refuses 4 "$words" "${again[@]}"
	# Of a chip without any, nothing is said.
	run -4 --separate-stderr hsmlic get --card sim:other --target sim:c2
	[[ $stderr != *"this chip has"* ]]
}

@test "a dry run makes no store" {
	fetch c1 l1
	hsmlic license export --dir out >/dev/null
	hsmlic chip read --target sim:c2 -o certs/ >/dev/null
	mkdir tmp
	export TMPDIR=$HL_DIR/tmp HSMLIC_STORE=$HL_DIR/new.db
	run -0 --separate-stderr hsmlic get --card sim:card --target sim:c2 \
		--dry-run
	[[ $stderr == *"no store at $HL_DIR/new.db yet; a dry run makes none"* ]]
	[[ $output == *"would spend one of the 8 licenses"* ]]
	run -0 hsmlic prefetch certs --card sim:card --dry-run
	run -0 hsmlic license import out --dry-run
	[[ $output == *would-import* ]]
	run -0 hsmlic card add sim:card --dry-run
	run -0 hsmlic chip read --target sim:c2 --dry-run
	unset HSMLIC_STORE
	run -0 hsmlic get --card sim:card --target sim:c2 --dry-run
	[ ! -e "$HL_DIR/new.db" ] && [ ! -e "$XDG_STATE_HOME" ]
	[ -z "$(ls -A tmp)" ]
	[ "$(hsmlic-sim card show card --json | jq .counter)" = 8 ]
}

@test "a chip is shown with the installs on it" {
	fetch c1 l1
	run -0 --separate-stderr hsmlic chip show "$UID1"
	[[ $output == *"installs: none" ]]
	[ -z "$stderr" ]
	run -0 --separate-stderr hsmlic chip show "$UID1" --json
	is '.installs | @json' '[]'
	sqlite3 s.db "INSERT INTO installs (id, chip, firmware, license, at,
		duration_ms, programmer, image, image_sha256, outcome,
		exit_status, detail, station, operator, lot, note, use_class)
		SELECT randomblob(16), chip, firmware, id, added_at,
		61250, 'stm32prog', 'blinky.sfi', zeroblob(32), 'failed', 1,
		'RSS internal system error', 'desk', 'ann', 'lot 7', '', ''
		FROM licenses UNION ALL
		SELECT randomblob(16), chip, NULL, NULL, added_at + 1, 0,
		'segger', '', NULL, 'unknown', -1, '', '', '', '', '', ''
		FROM licenses"
	run -0 --separate-stderr hsmlic chip show "$UID1"
	[[ $output == *"BEGAN"*"PROGRAMMER"*"IMAGE"*"OUTCOME"*"TOOK"*"DETAIL"* ]]
	[[ $output == *Z*stm32prog*blinky.sfi*"failed (exit 1)"*"61.2 s"*"RSS internal system error"*segger*unknown* ]]
	run -0 --separate-stderr hsmlic chip show "$UID1" --json
	is '.installs | length' 2
	is '.installs[0] | [.outcome, .duration_ms, .programmer, .image,
		(.image_sha256 | length), .firmware, .exit_status, .operator,
		.lot, .detail] | @json' \
		'["failed",61250,"stm32prog","blinky.sfi",64,"fw",1,"ann","lot 7","RSS internal system error"]'
	id=$(jq -r .installs[0].license_id <<<"$output")
	is '.installs[1] | [.outcome, .license_id, .firmware, .image_sha256,
		.exit_status] | @json' '["unknown",null,null,null,null]'
	run -0 --separate-stderr hsmlic license show "$id" --json
	is .uid "$UID1"
	run -0 --separate-stderr hsmlic status --json
	is '.today | [.installs_done, .installs_failed, .installs_unknown] |
		@json' '[0,1,1]'
	run -0 --separate-stderr hsmlic status
	[[ $output =~ installed\ +0\ +0 ]]
	[[ $output =~ failed\ +2\ +2 ]]
	# all that is wrong is that these rows came without events
	run -1 --separate-stderr hsmlic store check
	[ "$(grep -cvE '^installs row [0-9]+: .*no event tells of it$' <<<"$output")" = 0 ]
}

@test "one license leaves for a file or standard output" {
	fetch c1 l1
	run -0 --separate-stderr hsmlic license export "$UID1" -o out --json
	is '[.result, .path, .license_sha256] | @json' \
		"[\"written\",\"out\",\"$(sha l1)\"]"
	cmp out l1
	[ "$(stat -c %a out)" = 600 ]
	[ "$(uses)" = 1 ]
	run -0 --separate-stderr hsmlic license export "$UID1" -o out
	[[ $output == unchanged* ]]
	[ "$(uses)" = 1 ]
	hsmlic license export "$UID1" -o - | cmp - l1
	[ "$(uses)" = 2 ]
	echo precious >out
	refuses 2 "other content" license export "$UID1" -o out
	[ "$(cat out)" = precious ]
	[ "$(uses)" = 2 ]
	run -0 --separate-stderr hsmlic --dry-run license export "$UID1" \
		-o out --force
	[[ $output == would-write* ]]
	[ "$(cat out)" = precious ]
	run -0 --separate-stderr hsmlic license export "$UID1" -o out --force
	cmp out l1
	refuses 2 "JSON and the license" license export "$UID1" -o - --json
	refuses 2 "where to" license export "$UID1"
	refuses 2 "exclude" license export "$UID1" -o x --dir y
	refuses 2 "which license" license export -o x
}

@test "all licenses leave for a folder, each with what it belongs to" {
	hsmlic-sim card new other --firmware "a/b ü" --capacity 3 >/dev/null
	fetch c1 l1
	fetch c2 l2
	fetch c2 l2b other
	run -0 --separate-stderr hsmlic --dry-run license export --dir out
	[ ! -e out ]
	run -0 --separate-stderr hsmlic license export --dir out --json
	is '[.written, .unchanged, .failed, (.licenses | length)] | @json' \
		'[3,0,0,3]'
	cmp "out/$UID1.license.bin" l1
	cmp "out/$UID1.certificate.bin" c1/certificate.bin
	cmp "out/$UID2-fw.license.bin" l2
	cmp "out/$UID2-a%2Fb%20%C3%BC.license.bin" l2b
	[ "$(find out -type f | wc -l)" = 9 ]
	[ "$(find out -type f -perm 600 | wc -l)" = 9 ]
	output=$(cat "out/$UID2-a%2Fb%20%C3%BC.json")
	is '[.schema, .uid, .certificate_sha256, .product_id, .firmware.name,
		.firmware.identifier, .firmware.type, .license_sha256, .size] |
		@json' \
		"[\"hsmlic/license-file/1\",\"$UID2\",\"$(sha c2/certificate.bin)\",\"45002001\",\"a/b ü\",\"a/b ü\",\"SFI\",\"$(sha l2b)\",136]"
	[ "$(uses)" = 3 ]
	# Once more is nothing new; the name does not depend on the filter.
	run -0 --separate-stderr hsmlic license export --dir out --json \
		--firmware fw
	is '[.written, .unchanged] | @json' '[0,2]'
	[ "$(uses)" = 3 ]
	id=$(hsmlic license list --firmware fw --chip "$UID2" --json |
		jq -r '.licenses[0].license_id')
	run -0 --separate-stderr hsmlic license export "$id" --dir out --json
	is '[.written, .unchanged] | @json' '[0,1]'
	run -0 --separate-stderr hsmlic license export "$UID1" --dir one
	[ "$(find one -type f | wc -l)" = 3 ]
	# What cannot be written does not stop the others.
	echo precious >"out/$UID1.license.bin"
	rm "out/$UID2-fw.license.bin"
	run -2 --separate-stderr hsmlic license export --dir out
	[[ $output == *failed*"$UID1.license.bin"*"other content"* ]]
	cmp "out/$UID2-fw.license.bin" l2
	[ "$(cat "out/$UID1.license.bin")" = precious ]
	# In one stream, too, the hint stands behind what it is for.
	hsmlic license export --dir out >all 2>&1 || [ $? -eq 2 ]
	[ "$(grep -n '^RESULT' all)" = "$(head -n 1 all | sed 's/^/1:/')" ]
	[[ $(grep -B 1 '^hsmlic: hint:' all) == \
		"hsmlic: out/$UID1.license.bin: "*"other content"* ]]
	run -0 --separate-stderr hsmlic license export --dir out --force
	cmp "out/$UID1.license.bin" l1
}

@test "a license of which only the hash of the certificate is known" {
	hsmlic get --cert c1/certificate.bin --card sim:card --yes >/dev/null \
		2>&1
	run -0 --separate-stderr hsmlic license export --dir out
	name=$(sha c1/certificate.bin | cut -c1-24)
	[ -s "out/$name.license.bin" ]
	is_null=$(jq .uid "out/$name.json")
	[ "$is_null" = null ]
}

@test "what was exported comes back, and only where it belongs" {
	fetch c1 l1
	fetch c2 l2
	hsmlic license export --dir out >/dev/null
	export HSMLIC_STORE=$HL_DIR/second.db
	hsmlic store init -q >/dev/null
	# A name that the files contradict; one of a configuration does not.
	run -2 --separate-stderr hsmlic license import --dir out \
		--firmware blinky --new-firmware --json
	is '[.imported, .failed] | @json' '[0,2]'
	is '[.licenses[].error.code] | unique | @json' '["conflict"]'
	refuses 2 'for firmware "fw", not "blinky"' license import \
		"out/$UID1.license.bin" --target sim:c1 --firmware blinky
	run -0 --separate-stderr hsmlic --dry-run license import --dir out \
		--json
	is '[.licenses[].result] | unique | @json' '["would-import"]'
	[ "$(grep -c 'would make known firmware "fw"' <<<"$stderr")" = 1 ]
	[ "$(licenses)" = 0 ]
	# The store never met the firmware: the files tell what it is.
	HSMLIC_FIRMWARE=blinky run -0 --separate-stderr hsmlic license import \
		--dir out --json
	is '[.imported, .known, .failed] | @json' '[2,0,0]'
	is '[.licenses[].firmware] | unique | @json' '["fw"]'
	[ "$(grep -c 'firmware "fw" (identifier "fw", type SFI) is known from' \
		<<<"$stderr")" = 1 ]
	run -0 --separate-stderr hsmlic license import --dir out --json
	is '[.imported, .known, .failed] | @json' '[0,2,0]'
	# UID and certificate came along: it is handed out for either.
	run -0 hsmlic get --uid "$UID1" --cached -o a
	cmp a l1
	run -0 hsmlic get --cert c2/certificate.bin --cached -o b
	cmp b l2
	# The firmware that was made serves the card with that identifier.
	run -0 --separate-stderr hsmlic card add sim:card --firmware fw
}

@test "one file is taken in for the chip that is named" {
	fetch c1 l1
	export HSMLIC_STORE=$HL_DIR/second.db
	hsmlic store init -q >/dev/null
	refuses 2 "--firmware" license import l1 --target sim:c1
	refuses 2 '"fw"' license import l1 --target sim:c1 --firmware fw
	refuses 2 "no license type" license import l1 --target sim:c1 \
		--firmware fw --new-firmware --type TOOLONGTYPE
	refuses 2 "no chip is named" license import l1 --firmware fw \
		--new-firmware
	refuses 2 "what to import" license import --firmware fw
	refuses 2 "exclude" license import l1 --dir .
	refuses 2 "chip of its own" license import --dir . --target sim:c1
	run -0 --separate-stderr hsmlic license import l1 --target sim:c1 \
		--firmware fw --new-firmware --type SFIA --identifier "fw 1" \
		--operator ann --station desk --note found --json
	is '[.result, .uid, .firmware, .license_sha256, .origin] | @json' \
		"[\"imported\",\"$UID1\",\"fw\",\"$(sha l1)\",\"import\"]"
	run -0 --separate-stderr hsmlic license show "$UID1" --json
	is '[.license_type, .firmware_identifier] | @json' '["SFIA","fw 1"]'
	is '[.operator, .station, .note] | @json' '["ann","desk","found"]'
	run -0 hsmlic license show "$UID1"
	[[ $output == *"by "*"ann on desk"*"note "*"found"* ]]
	run -0 --separate-stderr hsmlic license import l1 --target sim:c1 \
		--firmware fw --json
	is .result known
	[ "$(licenses)" = 1 ]
	refuses 2 '"fw" has "fw 1" (SFIA)' license import l1 --target sim:c1 \
		--firmware fw --type SFI
}

@test "files that are no licenses" {
	: >empty
	head -c 4097 /dev/zero >big
	head -c 4096 /dev/urandom >most
	mkdir folder
	local to=(--target sim:c1 --firmware fw --new-firmware)
	refuses 2 "empty" license import empty "${to[@]}"
	refuses 2 "4096" license import big "${to[@]}"
	refuses 2 'no file or folder "absent"' license import absent "${to[@]}"
	refuses 2 'no file or folder "absent"' license import absent
	refuses 2 "folder" license import folder "${to[@]}"
	refuses 2 "cannot be read" license import --dir absent
	refuses 2 "no license in" license import --dir folder
	[ "$(licenses)" = 0 ]
	# What fails makes no firmware and no chip known.
	refuses 2 '"fw"' license list --firmware fw
	run -0 --separate-stderr hsmlic license import most "${to[@]}"
}

@test "a license is refused for a chip that it was not made for" {
	fetch c1 l1
	fetch c2 l2
	hsmlic license export --dir out >/dev/null
	# By the JSON file beside it.
	refuses 2 "belongs to the chip with certificate" license import \
		"out/$UID1.license.bin" --target sim:c3
	refuses 2 "belongs to chip $UID1, not 0123456789ABCDEF01234567" \
		license import "out/$UID1.license.bin" \
		--uid 0123456789ABCDEF01234567
	cp l2 "out/$UID1.license.bin"
	refuses 2 "another license" license import "out/$UID1.license.bin" \
		--target sim:c1
	# By what the store keeps.
	refuses 2 "kept for chip $UID1" license import l1 --target sim:c2 \
		--firmware fw
	refuses 2 "kept for chip $UID1" license import l1 --target sim:c3 \
		--firmware fw
	refuses 2 "kept for chip $UID1" license import l1 --target sim:c1 \
		--firmware fw9 --new-firmware
	refuses 2 "another active license" license import c3/uid.hex \
		--target sim:c1 --firmware fw
	[ "$(licenses)" = 2 ]
	# Retired: a card's license belongs to its request all the same.
	hsmlic license retire "$UID1" --reason x --yes >/dev/null
	refuses 2 "kept for chip $UID1" license import l1 --target sim:c3 \
		--firmware fw
	[ "$(licenses)" = 2 ]
}

@test "an import for the wrong chip can be put right" {
	fetch c1 l1
	export HSMLIC_STORE=$HL_DIR/second.db
	hsmlic store init -q >/dev/null
	hsmlic license import l1 --target sim:c2 --firmware fw \
		--new-firmware >/dev/null
	refuses 2 "retire it first" license import l1 --target sim:c1 \
		--firmware fw
	hsmlic license retire "$UID2" --reason "wrong chip" --yes >/dev/null
	run -0 --separate-stderr hsmlic license import l1 --target sim:c1 \
		--firmware fw
	run -0 hsmlic get --target sim:c1 --firmware fw --cached -o again
	cmp again l1
}

@test "a folder of pairs: names are not trusted, and odd ones are told" {
	fetch c1 l1
	fetch c2 l2
	mkdir -p in/one in/two in/three in/nothing
	# Named for chip 2, made for chip 1.
	cp l1 "in/$UID2.license.bin"
	cp c1/certificate.bin "in/$UID2.certificate.bin"
	cp l2 in/one/license.bin
	cp c2/certificate.bin c2/uid.hex in/one
	cp l1 in/two/license.bin
	cp c3/certificate.bin in/two
	cp c3/certificate.bin in/three
	cp l1 in/lonely.license.bin
	cp c3/certificate.bin in/alone.certificate.bin
	: >in/zero.license.bin
	echo "{" >in/broken.json
	cp l1 in/broken.license.bin
	export HSMLIC_STORE=$HL_DIR/second.db
	hsmlic store init -q >/dev/null
	run -2 --separate-stderr hsmlic license import --dir in \
		--firmware fw --new-firmware --json
	is '[.imported, .known, .failed, .not_tried] | @json' '[2,0,6,0]'
	is '[.licenses[] | [.path, .error.code]] | sort | @json' \
		"$(jq -nc --arg u "in/$UID2.license.bin" \
			'[[$u, null],
			["in/alone.certificate.bin", "input"],
			["in/broken.license.bin", "input"],
			["in/lonely.license.bin", "not-found"],
			["in/one/license.bin", null],
			["in/three/certificate.bin", "input"],
			["in/two/license.bin", "conflict"],
			["in/zero.license.bin", "input"]] | sort')"
	run -0 hsmlic get --cert c1/certificate.bin --cached -o a
	cmp a l1
	run -0 hsmlic get --uid "$UID2" --cached -o b
	cmp b l2
	run -2 --separate-stderr hsmlic license import --dir in --firmware fw
	[[ $output == *known*"$UID2.license.bin"* ]]
	[[ $stderr == *"0 imported, 2 there already, 6 failed"* ]]
}

@test "a JSON file of somebody else's is none of ours" {
	fetch c1 l1
	export HSMLIC_STORE=$HL_DIR/second.db
	hsmlic store init -q >/dev/null
	cp l1 x.bin
	echo '{"schema": "other/1", "uid": 5}' >x.json
	run -0 --separate-stderr hsmlic license import x.bin --target sim:c1 \
		--firmware fw --new-firmware
	for field in '"size": 0' '"uid": "12"' '"certificate_sha256": "00"' \
		'"firmware": []' '"license_sha256": null' \
		'"firmware": {"name": "a\u0001"}'; do
		jq -c --argjson more "{$field}" '. + $more' >x.bin.json <<-EOT
			{"schema": "hsmlic/license-file/1", "uid": "$UID1",
			"size": 136, "firmware": {"name": "fw"},
			"license_sha256": "$(sha l1)"}
		EOT
		refuses 2 "malformed" license import x.bin --target sim:c1
	done
	head -c 70000 /dev/zero >x.bin.json
	refuses 2 "x.bin.json" license import x.bin --target sim:c1
}

# shuffle DIR: every file gets another one's name, or one that says nothing.
shuffle() {
	local i=0 f
	mkdir "$1.new"
	for f in "$1"/*; do
		i=$((i + 1))
		cp "$f" "$1.new/$((i * 7 % 10))"
	done
	rm -r "$1"
	mv "$1.new" "$1"
}

@test "a folder whose files were renamed: matched by content" {
	local dir c
	fetch c1 l1
	fetch c2 l2
	fetch c3 l3
	hsmlic license export --dir out >/dev/null
	cp -r out swapped
	mkdir -p apart/json apart/certs apart/licenses
	cp out/*.json apart/json
	cp out/*.certificate.bin apart/certs
	cp out/*.license.bin apart/licenses
	# The license of one chip under the name of the other.
	mv "swapped/$UID1.license.bin" x
	mv "swapped/$UID2.license.bin" "swapped/$UID1.license.bin"
	mv x "swapped/$UID2.license.bin"
	shuffle out
	[ "$(find out -type f | wc -l)" = 9 ]
	for dir in out swapped apart; do
		rm -rf second.db*
		in_store second.db run -0 --separate-stderr hsmlic license \
			import "$dir" --new-firmware --json
		is '[.imported, .known, .failed, .path] | @json' \
			"[3,0,0,\"$dir\"]"
		for c in 1 2 3; do
			in_store second.db run -0 hsmlic get --cached \
				--target "sim:c$c" -o "$dir.l$c"
			cmp "$dir.l$c" "l$c"
		done
	done
	in_store second.db run -0 --separate-stderr hsmlic license import \
		--dir out --json
	is '[.imported, .known, .failed] | @json' '[0,3,0]'
	refuses 2 "exclude" license import out --dir out
	refuses 2 "chip of its own" license import out --target sim:c1
}

@test "what is missing from a folder, and what contradicts itself, is told" {
	fetch c1 l1
	fetch c2 l2
	fetch c3 l3
	local uid3
	uid3=$(cat c3/uid.hex)
	hsmlic license export --dir out >/dev/null
	# Lost on the way: one license, one certificate.
	mv "out/$UID1.license.bin" out/x
	rm "out/$UID2.license.bin" "out/$uid3.certificate.bin"
	# A JSON file that says something else about the same license.
	jq '.uid = "0123456789ABCDEF01234567" | .certificate_sha256 = null' \
		"out/$UID1.json" >out/y.json
	in_store second.db run -2 --separate-stderr hsmlic license import out \
		--new-firmware --json
	is '[.imported, .failed] | @json' '[1,3]'
	is '[.licenses[] | [.path, .error.code]] | sort | @json' "$(
		jq -nc --arg u2 "$UID2" --arg u3 "$uid3" \
			'[["out/\($u2).certificate.bin", "input"],
			["out/\($u2).json", "input"],
			["out/\($u3).license.bin", null],
			["out/x", "conflict"]] | sort'
	)"
	in_store second.db run -0 hsmlic get --cached --uid "$uid3" -o a
	cmp a l3
	# The bytes changed: that is told once, and nothing is taken in.
	rm -r out second.db*
	hsmlic license export "$UID2" --dir out >/dev/null
	printf x >>"out/$UID2.license.bin"
	in_store second.db run -2 --separate-stderr hsmlic license import out \
		--new-firmware --json
	is '[.licenses[] | [.path, .error.code]] | @json' \
		"[[\"out/$UID2.license.bin\",\"conflict\"]]"
}

@test "the chip is matched by its certificate, and by its UID where it is all" {
	local c
	fetch c1 l1
	fetch c2 l2
	fetch c3 l3
	hsmlic license export --dir out >/dev/null
	# The store at the bench knows one by its certificate, one by its UID,
	# and one with all, while the certificate is lost.
	export HSMLIC_STORE=$HL_DIR/bench.db
	hsmlic chip read --cert c1/certificate.bin --label one >/dev/null
	hsmlic chip read --uid "$UID2" --label two >/dev/null
	hsmlic chip read --target sim:c3 --label three >/dev/null
	rm "out/$(cat c3/uid.hex).certificate.bin"
	run -0 --separate-stderr hsmlic license import out --new-firmware --json
	is '.imported' 3
	run -0 --separate-stderr hsmlic chip list --json
	is '[.chips[] | [.label, .license_count, .uid != null,
		.certificate_sha256 != null]] | sort | @json' \
		'[["one",1,true,true],["three",1,true,true],["two",1,true,true]]'
	for c in 1 2 3; do
		run -0 hsmlic get --cached --cert "c$c/certificate.bin" -o "a$c"
		cmp "a$c" "l$c"
		run -0 hsmlic get --cached --uid "$(cat "c$c/uid.hex")" -o "b$c"
		cmp "b$c" "l$c"
	done
	# From where no UID was known to where it is known.
	rm -rf "$HL_DIR"/s.db* "$HL_DIR"/bench.db* out
	HSMLIC_STORE=$HL_DIR/s.db
	hsmlic get --cert c1/certificate.bin --card sim:card --yes -o n \
		>/dev/null 2>&1
	hsmlic license export --dir out >/dev/null
	HSMLIC_STORE=$HL_DIR/bench.db
	hsmlic chip read --target sim:c1 >/dev/null
	run -0 --separate-stderr hsmlic license import out --new-firmware
	run -0 hsmlic get --cached --uid "$UID1" -o a
	cmp a n
}
