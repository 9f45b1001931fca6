# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What foreign verifiers are tried on, made by the program: two cards' worth of
# gets, a checkpoint in the middle and one at the end, each signed by an Ed25519
# key and a P-256 key, and witnessed.

WITNESS=witness.example/w1

# quiet COMMAND...: its output only when it fails.
quiet() {
	"$@" >said 2>&1 || {
		cat said
		return 1
	}
}

# get_some CHIP...: a license for each.
get_some() {
	local chip
	for chip in "$@"; do
		quiet hsmlic-sim chip new "chip-$chip"
		quiet hsmlic get --target "sim:chip-$chip" --card sim:card \
			--yes --lot 2026-117 -o "$chip.license"
	done
}

# vkey KEY [OPTION]...: its line.
vkey() {
	hsmlic audit key show --json "$@" | jq -r .vkey
}

# sign_and_witness FILE: a checkpoint, signed and cosigned.
sign_and_witness() {
	quiet hsmlic audit checkpoint --key log.key --key token.key -o signed
	rm -f bundle.tar
	quiet hsmlic audit bundle --checkpoint signed -o bundle.tar
	quiet hsmlic audit witness --key witness.key --name "$WITNESS" \
		--log-key "$(vkey log.key)" bundle.tar -o "$1"
	rm signed
}

# make_ledger: a store and its keys, checkpoints, proofs and bundle, in the
# current folder.
make_ledger() {
	export HSMLIC_STORE=$PWD/s.db
	quiet hsmlic audit key new log.key
	quiet hsmlic audit key new --type p256 token.key
	quiet hsmlic audit key new witness.key
	quiet hsmlic-sim card new card --firmware blinky --capacity 20
	get_some a b c
	sign_and_witness older
	get_some d e f g
	sign_and_witness newer
	hsmlic audit log --jsonl >log.jsonl
	quiet hsmlic audit prove --from older --to newer -o consistency
	quiet hsmlic audit prove --issue "$(issue_of_first_license)" \
		--checkpoint newer -o proof --leaf leaf
	rm bundle.tar
	quiet hsmlic audit bundle --checkpoint older --checkpoint newer \
		-o bundle.tar
}

issue_of_first_license() {
	jq -r 'select(.kind == "issue.outcome") | .body.issue_id' log.jsonl |
		head -n 1
}

# make_files: $BATS_FILE_TMPDIR/files is as foreign.bash says.
make_files() {
	local files=$BATS_FILE_TMPDIR/files
	mkdir -p "$files" "$BATS_FILE_TMPDIR/station"
	cd "$BATS_FILE_TMPDIR/station" || return
	make_ledger || return
	cp log.jsonl older newer consistency proof leaf log.key "$files"
	vkey log.key >"$files/log.vkey"
	vkey token.key >"$files/token.vkey"
	vkey witness.key --witness --name "$WITNESS" >"$files/witness.vkey"
	hsmlic audit key show log.key --json | jq -r .pem >"$files/log.pem"
	hsmlic audit key show token.key --json | jq -r .pem >"$files/token.pem"
	openssl genpkey -algorithm ed25519 -out "$files/other.pem"
}
