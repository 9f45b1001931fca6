# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Fixtures for the end-to-end tests: a pcscd of one's own on a private socket,
# readers in it, cards in them. A .bats file begins with
#
#	load lib
#	setup() { hl_setup; }
#	teardown() { hl_teardown; }
#
# and a test says
#
#	start_pcscd unix vpcd                  # two readers: 0 and 1
#	start_card 0 stranger-card --capacity 3
#	run hsmlic get ... --card "reader:${READER[0]}"
#	stop_card 0
#
# READER[i] is the whole name of reader i. HL_DIR is a short-lived folder with
# a short path, for sockets, logs and whatever the test needs. Programs come
# from HSMLIC_BIN (the bin folder of a build), which is put first in PATH.
#
# Nothing here may be called through `run` or in a subshell: the process IDs
# would be lost.

bats_require_minimum_version 1.5.0 # run -N, --separate-stderr
: "${HSMLIC_BIN:?is to be the bin folder of a build}"

HL_VPCD=${HL_VPCD:-/usr/lib/pcsc/drivers/serial/libifdvpcd.so}
HL_WAIT=${HL_WAIT:-20} # seconds for anything that should be there at once

hl_setup() {
	# sun_path holds 107 bytes; the folders of bats are too deep for it.
	HL_DIR=$(mktemp -d /tmp/hl.XXXXXX)
	HL_PIDS=()     # all that was started and not stopped yet
	PCSCD_PID=     # the pcscd started last
	READER=()      # names
	READER_AT=()   # "--unix PATH" or "--vpcd HOST:PORT"
	READER_SOCK=() # PCSCLITE_CSOCK_NAME of its pcscd
	CARD_PID=()
	HL_COUNT=0 # pcscds started
	HSM_SLOT=() # slot in the stand-in tool's world
	PATH=$HSMLIC_BIN:$PATH
	export PATH HL_DIR
}

# hl_spawn LOG COMMAND...: background, file descriptors of bats closed (one
# that stays open would make bats wait for it). The PID is in HL_PID.
hl_spawn() {
	local log=$1
	shift
	"$@" </dev/null >"$log" 2>&1 3>&- 4>&- &
	HL_PID=$!
	HL_PIDS+=("$HL_PID")
}

# hl_stop PID [SIGNAL]: signals what hl_spawn started, waits for its end, and
# leaves its exit status in HL_STATUS.
hl_stop() {
	local pid=$1 signal=${2:-TERM} kept=() p
	kill -s "$signal" "$pid" 2>/dev/null || true
	HL_STATUS=0
	# shellcheck disable=SC2034 # for the tests
	wait "$pid" 2>/dev/null || HL_STATUS=$?
	for p in "${HL_PIDS[@]}"; do
		[ "$p" = "$pid" ] || kept+=("$p")
	done
	HL_PIDS=("${kept[@]}")
}

hl_logs() {
	local log
	for log in "$HL_DIR"/*.log; do
		[ -s "$log" ] || continue
		echo "--- ${log##*/}"
		tail -n 40 "$log"
	done
}

hl_teardown() {
	local i
	# Only a test that failed has its output shown.
	[ "${BATS_TEST_COMPLETED:-}" = 1 ] || hl_logs
	for ((i = ${#HL_PIDS[@]} - 1; i >= 0; i--)); do
		# A card or a client may hang by design: no polite signal.
		hl_stop "${HL_PIDS[i]}" KILL
	done
	unset PCSCLITE_CSOCK_NAME
	rm -rf -- "$HL_DIR"
}

# An even port whose neighbour is free as well, below the ephemeral ones. It
# may be taken before pcscd binds it: start_pcscd then tries another.
hl_free_port() {
	local port hex next
	while :; do
		port=$((10000 + RANDOM % 11000 * 2))
		printf -v hex ':%04X ' "$port"
		printf -v next ':%04X ' $((port + 1))
		grep -qse "$hex" -e "$next" /proc/net/tcp /proc/net/tcp6 ||
			break
	done
	echo "$port"
}

# hl_reader CONF N KIND: writes one reader's configuration; its address is in
# HL_AT. vpcd keeps the state of its slots in static variables, so each reader
# gets a copy of the library.
hl_reader() {
	local conf=$1 n=$2 kind=$3 port lib
	case $kind in
	unix)
		HL_AT="--unix $HL_DIR/reader$n"
		cat >"$conf/reader$n" <<-EOT
			FRIENDLYNAME "Test $n unix"
			DEVICENAME unix:$HL_DIR/reader$n
			LIBPATH $HSMLIC_BIN/libifd_hsmlic_test.so
		EOT
		;;
	vpcd)
		port=$(hl_free_port)
		lib=$HL_DIR/vpcd$n.so
		cp "$HL_VPCD" "$lib"
		HL_AT="--vpcd 127.0.0.1:$port"
		cat >"$conf/reader$n" <<-EOT
			FRIENDLYNAME "Test $n vpcd"
			DEVICENAME /dev/null:$port
			LIBPATH $lib
			CHANNELID $port
		EOT
		;;
	*)
		echo "start_pcscd: no kind of reader: $kind" >&2
		return 1
		;;
	esac
}

# One attempt: a vpcd port may have been taken meanwhile. $first: number of
# the first of the readers to add.
hl_try_pcscd() {
	local first=$1 conf=$HL_DIR/conf$HL_COUNT n=$1 kind
	local sock=$HL_DIR/pcscd$HL_COUNT
	shift
	rm -rf -- "$conf" "$sock"
	mkdir "$conf"
	for kind in "$@"; do
		hl_reader "$conf" "$n" "$kind" || return
		READER_AT[n]=$HL_AT
		READER_SOCK[n]=$sock
		n=$((n + 1))
	done
	export PCSCLITE_CSOCK_NAME=$sock
	# The options are pcscd's own ones, e.g. --debug --apdu.
	# shellcheck disable=SC2086
	hl_spawn "$HL_DIR/pcscd$HL_COUNT.log" private-pcscd --die-with-parent \
		"$sock" /usr/sbin/pcscd --foreground --config "$conf" \
		${PCSCD_OPTIONS-}
	PCSCD_PID=$HL_PID
	hl_wait_socket "$sock" || return
	for ((n = first; n < first + $#; n++)); do
		READER[n]=$(pcsc-wait "Test $n " listed 2) || return
	done
}

hl_wait_socket() {
	local i
	for ((i = 0; i < 500; i++)); do
		[ -S "$1" ] && return
		kill -0 "$PCSCD_PID" 2>/dev/null || return
		sleep 0.02
	done
	return 1
}

# start_pcscd KIND...: a pcscd with one reader for each KIND (unix, vpcd),
# numbered on from those of earlier calls. Clients use the one started last;
# PCSCLITE_CSOCK_NAME=${READER_SOCK[i]} is that of reader i.
start_pcscd() {
	local first=${#READER[@]} try
	for try in 1 2 3 4 5; do
		HL_COUNT=$((HL_COUNT + 1))
		if hl_try_pcscd "$first" "$@"; then
			return
		fi
		echo "start_pcscd: attempt $try failed" >&2
		hl_stop "$PCSCD_PID"
		READER=("${READER[@]:0:first}")
	done
	return 1
}

# stop_pcscd [SIGNAL]: the one started last.
stop_pcscd() {
	hl_stop "$PCSCD_PID" "${1:-TERM}"
	PCSCD_PID=
}

# wait_reader I present|empty [SECONDS]
wait_reader() {
	PCSCLITE_CSOCK_NAME=${READER_SOCK[$1]} \
		pcsc-wait "${READER[$1]}" "$2" "${3:-$HL_WAIT}" >/dev/null
}

# start_card I COMMAND...: a card program in reader I, e.g.
#	start_card 0 stranger-card --capacity 3
#	start_card 0 hsmlic-sim card serve "$HL_DIR/card" --t0
# The address of the reader is added at the end. Returns when the reader shows
# the card. Output in $HL_DIR/cardI.log.
start_card() {
	local i=$1
	shift
	# shellcheck disable=SC2086
	hl_spawn "$HL_DIR/card$i.log" "$@" ${READER_AT[i]}
	CARD_PID[i]=$HL_PID
	wait_reader "$i" present
}

# stop_card I [SIGNAL]: pulls the card; returns when the reader is empty.
stop_card() {
	hl_stop "${CARD_PID[$1]}" "${2:-TERM}"
	unset "CARD_PID[$1]"
	wait_reader "$1" empty
}

# standin_world [DIR]: the stand-in for ST's command line tool is first in PATH
# from here on, and its world (tests/standin/standin.h) is the folder DIR or
# $HL_DIR/world, which is in WORLD.
standin_world() {
	WORLD=${1:-$HL_DIR/world}
	mkdir -p "$WORLD"
	PATH=$(dirname "$HSMLIC_BIN")/tests/standin:$PATH
	STM32CLI_STANDIN=$WORLD
	export PATH STM32CLI_STANDIN
	# What the user set must not reach the tests.
	unset STM32CLI_SWITCHES STM32CUBEPRG_CLI STM32_CUBE_PROGRAMMER_DIR
	command -v STM32_Programmer_CLI >/dev/null
}

# standin_chip DIR [SN]: that chip (hsmlic-sim chip new) is at the probe now.
standin_chip() {
	ln -sfn "$(realpath "$1")" "$WORLD/chip${2:+-$2}"
}

# standin_card SLOT CARDFILE: the stand-in tool finds that card in that slot.
standin_card() {
	ln -sfn "$(realpath "$2")" "$WORLD/card-$1"
}

# standin_switches [SWITCH...]: those and no others.
standin_switches() {
	printf '%s\n' "$@" >"$WORLD/switches"
}

# start_hsm I CARDFILE [SLOT [OPTIONS]]: what stands in for a genuine card. In
# reader I is a card with the ATR of an STM32HSM-V2AE that understands nothing,
# and the stand-in tool has the software card CARDFILE in SLOT (I + 1). The
# commands that came to the reader's card are lines of $HL_DIR/apdusI.
start_hsm() {
	local i=$1
	HSM_SLOT[i]=${3:-$((i + 1))}
	standin_card "${HSM_SLOT[i]}" "$2"
	start_card "$i" stm32hsm-card --apdus "$HL_DIR/apdus$i" "${@:4}"
}

# stop_hsm I [SIGNAL]: pulls it out of both.
stop_hsm() {
	rm -f "$WORLD/card-${HSM_SLOT[$1]}"
	stop_card "$@"
}
