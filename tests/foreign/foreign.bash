# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2034
# What foreign verifiers are tried on: files that the program made, and every
# way in which they are altered. A .bats file defines
#
#	verify_log LOG CHECKPOINT...
#	verify_event PROOF LEAF
#	verify_consistency OLD NEW PROOF
#
# of which those that its verifier has, in the exit codes of check.sh.
# In $FILES, and in a copy of it for each alteration, are
#
#	log.jsonl older newer consistency proof leaf
#	log.vkey token.vkey witness.vkey log.key other.pem
#
# older and newer are checkpoints, each signed by all three keys; the two last
# are private keys: the log's, and one that has nothing to do with it.

bats_require_minimum_version 1.5.0
: "${HSMLIC_BIN:?is to be the bin folder of a build}"
PATH=$HSMLIC_BIN:$PATH

# flip FILE OFFSET: the lowest bit of a byte; offsets below 0 count from the end.
flip() {
	local at=$2 byte
	[ "$at" -ge 0 ] || at=$(($(stat -c %s "$1") + at))
	byte=$(xxd -s "$at" -l 1 -p "$1")
	printf %02x $((16#$byte ^ 1)) | xxd -r -p |
		dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

# forge CHECKPOINT: the signature of the log's key becomes one of another key
# over the same text, with the ID of the right one.
forge() {
	local line
	line=$(sed -n 5p "$1")
	head -n 3 "$1" >text
	openssl pkeyutl -sign -rawin -inkey other.pem -in text -out signature
	{
		head -n 4 "$1"
		printf '%s %s\n' "${line% *}" "$({
			printf %s "${line##* }" | base64 -d | head -c 4
			cat signature
		} | base64 -w 0)"
		tail -n +6 "$1"
	} >forged
	mv forged "$1"
}

# flip_hash FILE N: a bit of the hash in line N.
flip_hash() {
	local hex
	hex=$(sed -n "$2p" "$1" | base64 -d | xxd -p -c 0)
	hex=$(printf '%02x%s' $((16#${hex:0:2} ^ 16)) "${hex:2}" |
		xxd -r -p | base64 -w 0)
	sed -i "$2s|.*|$hex|" "$1"
}

# another_history CHECKPOINT: one of the same size that somebody has signed who
# holds the log's key.
another_history() {
	local name id
	IFS=+ read -r name id _ <log.vkey
	flip_hash "$1" 3
	head -n 3 "$1" >text
	openssl pkeyutl -sign -rawin -inkey log.key -in text -out signature
	{
		cat text
		printf '\n— %s %s\n' "$name" "$({
			printf %s "$id" | xxd -r -p
			cat signature
		} | base64 -w 0)"
	} >"$1"
}

LOG_CASES=(
	'one bit of the first event: flip log.jsonl 30'
	'one bit of an event: flip log.jsonl 2000'
	'one bit of the last event: flip log.jsonl -30'
	'the first event dropped: sed -i 1d log.jsonl'
	'an event dropped: sed -i 5d log.jsonl'
	'the last event dropped: sed -i "\$d" log.jsonl'
	'two events swapped: sed -i "5{h;d};6G" log.jsonl'
	'the first two swapped: sed -i "1{h;d};2G" log.jsonl'
	'an event doubled: sed -i 5p log.jsonl'
	'the last event doubled: sed -i "\$p" log.jsonl'
	'an empty line put in: sed -i "5s/\$/\n/" log.jsonl'
	'a blank put in: sed -i "5s/:/: /" log.jsonl'
	'a byte 0 put in: sed -i "5s/:/:\x00/" log.jsonl'
	'a byte 0 and more behind an event: sed -i "5s/\$/\x00more/" log.jsonl'
	'line ends of Windows: sed -i "s/\$/\r/" log.jsonl'
	'the end of the last line dropped: truncate -s -1 log.jsonl'
	'all dropped: : >log.jsonl'
	'the signature of another key: forge newer'
	'the signature of another key on the older one: forge older'
	'another history, with the right signature: another_history newer'
	'another history of before, with the right signature: another_history older'
	'another size: sed -i "2s/.*/7/" newer'
	'a size written in another way: sed -i "2s/^/0/" newer'
	'another root: flip_hash newer 3'
	'the root of the older one: sed -i "3s|.*|$(sed -n 3p older)|" newer'
	'another origin: sed -i "1s/^h/H/" newer'
	'an added line: sed -i "3s/\$/\nmore/" newer'
	'no signature of the log: sed -i "5,6d" newer'
	'no signature at all: sed -i "5,\$d" newer'
	'the signatures of the older one: { head -n 4 newer; tail -n +5 older; } >x; mv x newer'
)

EVENT_CASES=(
	'one bit of the event: flip leaf 30'
	'its last byte: flip leaf -1'
	'a line end behind it: echo >>leaf'
	'an empty event: : >leaf'
	'another event: sed -n 2p log.jsonl | tr -d "\n" >leaf'
	'another index: sed -i "2s/.*/index 3/" proof'
	'an index that is not there: sed -i "2s/.*/index 100000/" proof'
	'the first hash: flip_hash proof 3'
	'the last hash: flip_hash proof "$(($(sed -n "/^\$/{=;q}" proof) - 1))"'
	'a hash dropped: sed -i 3d proof'
	'a hash doubled: sed -i 3p proof'
	'two hashes swapped: sed -i "3{h;d};4G" proof'
	'no hashes: sed -i "3,/^\$/{/./d}" proof'
	'the older checkpoint: { sed "/^\$/q" proof; cat older; } >x; mv x proof'
	'the signature of another key: cp newer x; forge x; { sed "/^\$/q" proof; cat x; } >y; mv y proof'
	'another root: cp newer x; flip_hash x 3; { sed "/^\$/q" proof; cat x; } >y; mv y proof'
	'another size: cp newer x; sed -i "2s/.*/7/" x; { sed "/^\$/q" proof; cat x; } >y; mv y proof'
	'no checkpoint: sed -i "/^\$/q" proof'
)

CONSISTENCY_CASES=(
	'the first hash: flip_hash consistency 1'
	'the last hash: flip_hash consistency "$(wc -l <consistency)"'
	'a hash dropped: sed -i 1d consistency'
	'the last hash dropped: sed -i "\$d" consistency'
	'a hash doubled: sed -i 1p consistency'
	'two hashes swapped: sed -i "1{h;d};2G" consistency'
	'no hashes: : >consistency'
	'the order of the two: mv older x; mv newer older; mv x newer'
	'another history, with the right signature: another_history newer'
	'another history of before, with the right signature: another_history older'
	'another root of the older one: flip_hash older 3'
	'another root of the newer one: flip_hash newer 3'
	'the signature of another key: forge older'
)

# refuses WORD CASE...: verify_WORD accepts what is in $FILES, and refuses it in
# each CASE.
refuses() {
	local word=$1 it accepted=() status
	shift
	[ $# -gt 0 ]
	cd "$FILES" || return
	"${word}_of_files" >/dev/null || return
	for it in "$@"; do
		rm -rf "$BATS_TEST_TMPDIR/altered"
		cp -r "$FILES" "$BATS_TEST_TMPDIR/altered"
		cd "$BATS_TEST_TMPDIR/altered" || return
		eval "${it#*: }" || return
		! diff -rq "$FILES" . >/dev/null || {
			echo "nothing altered: $it"
			return 1
		}
		status=0
		"${word}_of_files" >out 2>err || status=$?
		if [ $status -ne 1 ] || ! grep -q ^REFUSED: err; then
			accepted+=("$it")
			cat out err
		fi
	done
	[ ${#accepted[@]} -eq 0 ] || printf 'not refused: %s\n' "${accepted[@]}"
	[ ${#accepted[@]} -eq 0 ]
}

log_of_files() { verify_log log.jsonl older newer; }
event_of_files() { verify_event proof leaf; }
consistency_of_files() { verify_consistency older newer consistency; }

# put_byte FILE OFFSET HEX
put_byte() {
	printf %b "\\x$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# one_bit_each FILE WORD [STEP]: no byte of FILE can be altered unseen, of which
# each STEP-th and the last is tried. The file is altered where it is, and mended
# again: a copy for each of so many bits would cost more than the verifier.
one_bit_each() {
	local at byte size status missed=()
	cp -r "$FILES" "$BATS_TEST_TMPDIR/altered"
	cd "$BATS_TEST_TMPDIR/altered" || return
	"${2}_of_files" >/dev/null || return
	size=$(stat -c %s "$1")
	for at in $(seq 0 "${3:-1}" $((size - 1))) $((size - 1)); do
		byte=$(xxd -s "$at" -l 1 -p "$1")
		put_byte "$1" "$at" "$(printf %02x $((16#$byte ^ 1)))"
		status=0
		"${2}_of_files" >out 2>err || status=$?
		if [ $status -ne 1 ] || ! grep -q ^REFUSED: err; then
			missed+=("$at")
			cat out err
		fi
		put_byte "$1" "$at" "$byte"
	done
	cmp "$1" "$FILES/$1"
	[ ${#missed[@]} -eq 0 ] || printf 'not refused: byte %s\n' "${missed[@]}"
	[ ${#missed[@]} -eq 0 ]
}

# KEYS: for verifiers that take them as check.sh does.
keys() {
	KEYS=(-k "$FILES/log.vkey" -k "$FILES/token.vkey" -k "$FILES/witness.vkey")
}
