# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2317
# verify.go, with the packages note and tlog of golang-golang-x-mod-dev.

load foreign
load material

GO_SUMDB=/usr/share/gocode/src/golang.org/x/mod/sumdb

is_here() {
	command -v go >/dev/null && [ -d "$GO_SUMDB/tlog" ]
}

setup_file() {
	is_here || return 0
	make_files
	GO111MODULE=off GOPATH=/usr/share/gocode \
		GOCACHE=$BATS_FILE_TMPDIR/cache GOFLAGS='' go build \
		-o "$BATS_FILE_TMPDIR/verify" "$BATS_TEST_DIRNAME/verify.go"
}

setup() {
	is_here || skip "golang-go or golang-golang-x-mod-dev is not here"
	FILES=$BATS_FILE_TMPDIR/files
	keys
}

verify() { "$BATS_FILE_TMPDIR/verify" "${KEYS[@]}" "$@"; }
verify_log() { verify log "$@"; }
verify_event() { verify event "$@"; }
verify_consistency() { verify consistency "$@"; }

@test "Go accepts a log and refuses an altered one" {
	refuses log "${LOG_CASES[@]}"
}

@test "Go accepts an event and refuses an altered one" {
	refuses event "${EVENT_CASES[@]}"
}

@test "Go accepts that a log continues, and refuses what was altered" {
	refuses consistency "${CONSISTENCY_CASES[@]}"
}

@test "Go refuses a log with a bit altered, wherever it is" {
	one_bit_each log.jsonl log 211
}

@test "Go refuses a checkpoint with a bit altered, wherever it is" {
	verify_log() { verify checkpoint newer; }
	one_bit_each newer log 2
}

@test "Go refuses a proof with a bit altered, wherever it is" {
	one_bit_each proof event 11
}
