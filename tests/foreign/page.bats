# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# docs/for-auditors.md, "Check this without our program": the commands, in order,
# as an auditor types them who has a bundle, a proof, and the key.

load foreign
load material

setup_file() { make_files; }

setup() {
	FILES=$BATS_FILE_TMPDIR/files
	STATION=$BATS_FILE_TMPDIR/station
	PAGE=$HSMLIC_SOURCE/docs/for-auditors.md
	cd "$BATS_TEST_TMPDIR" || return
	cp "$STATION/bundle.tar" .
	cp "$FILES/proof" event.proof
	cp "$FILES/leaf" event.proof.leaf
	cp "$BATS_TEST_DIRNAME"/verify.* .
	commands >commands.sh
}

# What cannot be tried here is left out: packages that would be installed, and
# programs that are not there.
commands() {
	local key
	key=$(cat "$FILES/log.vkey")
	sed -n '/^<!-- commands -->/,/^<!-- end of commands -->/s/^    //p' \
		"$PAGE" | sed "s|^KEY=.*|KEY='$key'|; /^apt-get /d" |
		if command -v go >/dev/null &&
			[ -d /usr/share/gocode/src/golang.org/x/mod ]; then
			cat
		else
			sed '/^GO111MODULE=/d; /^\.\/verify /d'
		fi |
		if [ -d /usr/lib/node_modules/npm/node_modules/@sigstore/verify ]; then
			cat
		else
			sed '/^node /d'
		fi
}

# Nothing of ours is in reach of the auditor.
type_commands() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$PWD" \
		bash -euo pipefail commands.sh
}

@test "the commands of the auditors' page accept what the program signed" {
	[ "$(grep -c . commands.sh)" -ge 20 ]
	run -0 type_commands
	echo "$output"
	[[ $output == *"ok: bundle/checkpoint-"*": signed by "* ]]
	[[ $output == *"ok: bundle/log.jsonl: its first "* ]]
	[[ $output == *"ok: bundle/consistency-"* ]]
	[[ $output == *"Signature Verified Successfully"* ]]
	[[ $output == *"ok: event.proof.leaf: it is event "* ]]
	[[ $output == *'"kind": "issue.outcome"'* ]]
	run ! grep REFUSED <<<"$output"
}

@test "the hashes that the page makes by hand are those of the store" {
	run -0 type_commands
	for seq in 0 1; do
		leaf=$(sqlite3 "$STATION/s.db" \
			"SELECT lower(hex(leaf)) FROM events WHERE seq = $seq")
		grep -qx "$leaf" <<<"$output"
	done
}

@test "the accounts that the page takes out of the log are the card's own" {
	run -0 type_commands
	serial=$(hsmlic-sim card show "$STATION/card" --json | jq -r .serial)
	left=$(hsmlic-sim card show "$STATION/card" --json | jq -r .counter)
	[ "$left" -eq 13 ]
	grep -qx "$serial"$'\t'"20"$'\t'"$left"$'\t'"7"$'\t'"0" <<<"$output"
}

@test "the commands of the auditors' page refuse a bundle that was altered" {
	mkdir x
	tar -xf bundle.tar -C x
	flip x/log.jsonl 3000
	tar -cf bundle.tar -C x .
	run -1 type_commands
	[[ $output == *"REFUSED: bundle/log.jsonl: "* ]]
}

@test "the commands of the auditors' page refuse a log with a key of its own" {
	mkdir other
	(
		cd other
		make_ledger
	)
	cp other/bundle.tar .
	run -1 type_commands
	[[ $output == *"REFUSED: "*"none of the keys of its log"* ]]
}
