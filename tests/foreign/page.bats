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
# programs that are not there; and the commands for the other type of key.
commands() {
	local key other=P-256
	key=$(cat "${1:-$FILES/log.vkey}")
	[[ $key != *+Aj* ]] || other=Ed25519
	block commands | sed "/^<!-- $other -->/,/^<!--/{/^<!-- $other/d;/^<!--/!d}" |
		sed -n "s|^    KEY=.*|    KEY='$key'|; s/^    //p" |
		sed '/^apt-get /d' |
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

# block NAME: of the page, up to its end.
block() {
	sed -n "/^<!-- $1 -->/,/^<!-- end of commands -->/p" "$PAGE"
}

# Nothing of ours is in reach of the auditor.
type_commands() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$PWD" \
		bash -euo pipefail commands.sh
}

# typed: what all commands print; they are run once.
typed() {
	local all=$BATS_FILE_TMPDIR/typed
	[ -e "$all" ] || type_commands >"$all.new" 2>&1 || {
		cat "$all.new"
		return 1
	}
	[ -e "$all" ] || mv "$all.new" "$all"
	cat "$all"
}

@test "the commands of the auditors' page accept what the program signed" {
	[ "$(grep -c . commands.sh)" -ge 20 ]
	run -0 typed
	echo "$output"
	[[ $output == *"ok: bundle/checkpoint-"*": signed by "* ]]
	[[ $output == *"ok: bundle/log.jsonl: its first "* ]]
	[[ $output == *"ok: bundle/consistency-"* ]]
	[[ $output == *"Signature Verified Successfully"* ]]
	[[ $output == *"ok: event.proof.leaf: it is event "* ]]
	[[ $output == *'"kind": "issue.outcome"'* ]]
	[[ $output == *$'\n'"card $(card serial)"$'\n'"chip "* ]]
	run ! grep REFUSED <<<"$output"
}

# card FIELD: of the station's card.
card() { hsmlic-sim card show "$STATION/card" --json | jq -r ".$1"; }

# by_hand KEY: the commands of step 3 alone.
by_hand() {
	commands "$1" | sed -n '/^KEY=/p; /^mkdir /p; /^tar /p
		/^FILE=/,/^openssl/p' >commands.sh
}

@test "the signature is checked by hand with an Ed25519 key and a P-256 key" {
	for it in log:"Signature Verified Successfully" token:"Verified OK"; do
		rm -rf bundle
		by_hand "$FILES/${it%%:*}.vkey"
		run -0 type_commands
		echo "$output"
		[[ $output == *$'\n'"${it#*:}" ]]
		[[ $output == *$'\n'"$(cut -d + -f 2 "$FILES/log.vkey") of h"* ]]
		[[ $output == *$'\n'"$(cut -d + -f 2 "$FILES/token.vkey") of h"* ]]
		[[ $output == *" of witness.example/w1"* ]]
	done
}

@test "the signature is refused by hand when the text or the key is another one" {
	for key in log token; do
		rm -rf bundle
		by_hand "$FILES/$key.vkey"
		sed -i 's|^openssl|sed -i 2s/.*/7/ text; &|' commands.sh
		run -1 type_commands
		[[ $output == *"erification "*ailure* ]]
	done
}

@test "the hashes that the page makes by hand are those of the store" {
	run -0 typed
	for seq in 0 1; do
		leaf=$(sqlite3 "$STATION/s.db" \
			"SELECT lower(hex(leaf)) FROM events WHERE seq = $seq")
		grep -qx "$leaf" <<<"$output"
	done
}

@test "the accounts that the page takes out of the log are the card's own" {
	run -0 typed
	serial=$(card serial) left=$(card counter)
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

# rotate: the station's bundle, with checkpoints of the key of before, of both,
# and of the new one alone.
rotate() {
	cp -r "$STATION" rotated
	(
		cd rotated || return
		export HSMLIC_STORE=$PWD/s.db
		quiet hsmlic audit key new --type p256 new.key
		quiet hsmlic audit checkpoint --key log.key --key new.key \
			--new-key -o both
		quiet hsmlic audit checkpoint --key new.key --new-key -o last
		quiet hsmlic audit bundle --checkpoint older --checkpoint both \
			--checkpoint last -o ../rotated.tar
		vkey new.key >../new.vkey
	)
	mv rotated.tar bundle.tar
}

@test "a log with a new key is refused with the old one alone, and says why" {
	rotate
	run -1 type_commands
	[[ $output == *"REFUSED: "*"it is signed by $(cut -d + -f 2 new.vkey),"* ]]
	[[ $output == *" given are $(cut -d + -f 2 "$FILES/log.vkey") ("* ]]
}

@test "a log with a new key is accepted with both, as the page says" {
	rotate
	{
		sed -n '/^KEY=/p; /^mkdir /p; /^tar /p' commands.sh
		block 'commands after a change of keys' | sed -n 's/^    //p' |
			sed "s|^NEW=.*|NEW='$(cat new.vkey)'|"
	} >some.sh
	mv some.sh commands.sh
	run -0 type_commands
	echo "$output"
	[[ $output == *" key.rotated"$'\n'"$(cat "$FILES/log.vkey")"* ]]
	[[ $output == *" key.retired"$'\n'"$(cat new.vkey)" ]]
	# the keys of before are in the bundle, too
	diff <(sort bundle/vkeys) \
		<(sort new.vkey "$FILES/log.vkey" "$FILES/token.vkey")
}

# prove WORD OPTION...: WORD.proof of the station's ledger.
prove() {
	quiet hsmlic --store "$STATION/s.db" audit prove \
		--checkpoint "$FILES/newer" -o "$1.proof" "${@:2}"
}

# seq KIND: of the first event of this kind.
seq_of() {
	jq -n "[inputs | select(.kind == \"$1\")][0].seq" "$FILES/log.jsonl"
}

@test "four proofs tie a license to the card and the chip, as the page says" {
	id=$(jq -r .body.issue_id "$FILES/leaf")
	prove outcome --issue "$id"
	prove intent --issue "$id" --kind issue.intent
	prove chip --event "$(seq_of chip.seen)"
	prove card --event "$(seq_of card.added)"
	{
		sed -n '/^KEY=/p' commands.sh
		block 'commands with four proofs' | sed -n 's/^    //p'
	} >some.sh
	mv some.sh commands.sh
	cp "$BATS_TEST_DIRNAME/check.sh" .
	run -0 type_commands
	echo "$output"
	uid=$(sqlite3 "$STATION/s.db" \
		"SELECT lower(hex(uid)) FROM chips ORDER BY n LIMIT 1")
	[[ $output == *$'\n'"true"$'\n'"$uid"$'\n'"$(card serial)" ]]
}
