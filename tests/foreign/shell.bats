# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2034,SC2317
# check.sh, with nothing but bash, coreutils, xxd and openssl.

load foreign
load material

setup_file() { make_files; }

setup() {
	FILES=$BATS_FILE_TMPDIR/files
	keys
}

check() { "$BATS_TEST_DIRNAME/check.sh" "${KEYS[@]}" "$@"; }
verify_log() { check log "$@"; }
verify_event() { check event "$@"; }
verify_consistency() { check consistency "$@"; }

@test "check.sh accepts a log and refuses an altered one" {
	refuses log "${LOG_CASES[@]}"
}

@test "check.sh accepts an event and refuses an altered one" {
	refuses event "${EVENT_CASES[@]}"
}

@test "check.sh accepts that a log continues, and refuses what was altered" {
	refuses consistency "${CONSISTENCY_CASES[@]}"
}

@test "check.sh refuses a checkpoint with a bit altered, wherever it is" {
	verify_log() { check checkpoint newer; }
	one_bit_each newer log 13
}

@test "check.sh says who signed what" {
	cd "$FILES"
	run -0 check log log.jsonl older newer
	[[ $output == *"older: signed by "*" (Ed25519), size "* ]]
	[[ $output == *"newer: signed by "*" (ECDSA), size "* ]]
	[[ $output == *"newer: witnessed by "*" at 20"*Z,* ]]
	[[ $output == *"log.jsonl: its first "*" events are those of newer" ]]
}

@test "check.sh takes keys as text, from files, and the log's as PEM" {
	cd "$FILES"
	KEYS=(-k "$(cat log.vkey)")
	run -0 check checkpoint newer
	cat log.vkey token.vkey witness.vkey >all
	KEYS=(-k all)
	run -0 check checkpoint older newer
	KEYS=(-k log.pem -k token.pem)
	run -0 check event proof leaf
	[[ $output == *"(Ed25519)"*"(ECDSA)"* ]]
}

# id KEY: of one in $FILES.
id() { cut -d + -f 2 "$FILES/$1.vkey"; }

@test "check.sh refuses keys that are not those of the log" {
	cd "$FILES"
	KEYS=(-k "$(sed 's/^h/H/' log.vkey)")
	run -1 check checkpoint newer
	[[ $output == "REFUSED: key H"*"its ID "* ]]
	openssl pkey -in other.pem -pubout -out other.pub
	KEYS=(-k other.pub)
	run -1 check checkpoint newer
	[[ $output == *"none of the keys of its log"* ]]
	[[ $output == *"it is signed by $(id log), $(id token), $(id witness) of witness.example/w1, the keys given are "[0-9a-f]*" ("* ]]
	KEYS=(-k witness.vkey)
	run -1 check checkpoint newer
	[[ $output == *"none of the keys of its log"*"given are $(id witness) of witness.example/w1 ("* ]]
	KEYS=(-k log.vkey -k other.pub)
	run -1 check checkpoint newer
	[[ $output == *"signed nothing of this"* ]]
	KEYS=(-k no/such/file)
	run -1 check checkpoint newer
	KEYS=(-k proof)
	run -1 check checkpoint newer
}

@test "check.sh prints no control characters of those whom it checks" {
	cd "$BATS_TEST_TMPDIR"
	sed $'1s/^/\x1b[1A\x1b[2K/' "$FILES/newer" >newer
	KEYS=(-k "$FILES/log.pem")
	run -1 check checkpoint newer
	[[ $output == "REFUSED: newer: "*"?[1A?[2K"* ]]
}

@test "check.sh with wrong words says how it is used, and exits with 2" {
	cd "$FILES"
	for words in "" "log" "log log.jsonl" "event proof" "fly" "bundle"; do
		# shellcheck disable=SC2086
		run -2 check $words
		[[ $output == *"usage: check.sh"* ]]
	done
	KEYS=()
	run -2 check checkpoint newer
	[[ $output == *"a key is needed"* ]]
	run -0 check --help
	[[ $output == "usage: check.sh"* ]]
}

# numbered N: a log of so many events.
numbered() {
	local i
	for ((i = 0; i < $1; i++)); do
		printf '{"seq":%d,"some":"event with a text that is as long as others"}\n' "$i"
	done
}

@test "check.sh takes 2,000 events in under 12 seconds" {
	cd "$BATS_TEST_TMPDIR"
	numbered 2000 >log.jsonl
	cp "$FILES/newer" newer
	SECONDS=0
	run -1 check log log.jsonl newer
	[[ $output == *"its first "*" events are not those of newer" ]]
	echo "$SECONDS seconds"
	[ "$SECONDS" -lt 12 ]
}

# It hashes in batches of some thousands; smaller ones show that nothing is lost
# where one ends.
@test "check.sh makes the same root in batches of any size" {
	cd "$FILES"
	for n in 1 2 5; do
		sed "s/^BATCH=.*/BATCH=$n/" "$BATS_TEST_DIRNAME/check.sh" \
			>"$BATS_TEST_TMPDIR/small.sh"
		grep -qx "BATCH=$n" "$BATS_TEST_TMPDIR/small.sh"
		run -0 bash "$BATS_TEST_TMPDIR/small.sh" "${KEYS[@]}" \
			log log.jsonl older newer
	done
}

# example LABEL: a block of the worked example in docs/FORMAT.ledger. A line
# behind two tabs goes on where the one before it ends; an empty one is kept when
# the block goes on behind it.
example() {
	awk -v label="   $1:" '
	$0 == label { on = 1; getline; next }
	on && /^\t\t/ { text = text substr($0, 3); next }
	on && /^\t/ { text = text (text == "" ? "" : "\n") empty substr($0, 2)
		empty = ""; next }
	on && /^$/ && empty == "" { empty = "\n"; next }
	on { exit }
	END { print text }' "$HSMLIC_SOURCE/docs/FORMAT.ledger"
}

@test "check.sh accepts the worked example of docs/FORMAT.ledger" {
	cd "$BATS_TEST_TMPDIR"
	grep -o '^   Event [0-9]*, [0-9]* bytes' \
		"$HSMLIC_SOURCE/docs/FORMAT.ledger" |
		while read -r label; do
			example "$label"
		done >log.jsonl
	example Checkpoint >checkpoint
	example "Proof of event 1" >proof
	sed -n 2p log.jsonl | tr -d '\n' >leaf
	KEYS=(-k "$(example "The log's key")"
		-k "$(example "The log's second key, P-256 (RFC 6979, A.2.5)")"
		-k "$(example "The witness's key")")
	run -0 check log log.jsonl checkpoint
	[[ $output == *"(Ed25519)"*"(ECDSA)"*"at 2026-11-24T06:00:00Z"* ]]
	run -0 check event proof leaf
}
