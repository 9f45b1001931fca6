#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# hsmlic in one go, on a Debian 12 without any hardware:
#
#	docs/demo.sh
#
# installs what is missing (as root), builds into build/demo, starts a pcscd
# of its own with a virtual reader, puts a software card into it and gets a
# license over PC/SC: once for a unit, then for nothing. Every step's exit
# code and the card's counter are checked; the last line says what was shown,
# and the exit code is 0 only when all of it held.
#
# A pcscd that runs already is left alone, and so are your store and your
# configuration: all that the demo keeps is build/demo.
set -uo pipefail

source_dir=$(cd "$(dirname "$0")/.." && pwd)
build=$source_dir/build/demo
packages=(cmake ninja-build gcc pkg-config libpcsclite-dev libsqlite3-dev
	libssl-dev libjansson-dev libinih-dev libp11-kit-dev
	pcscd vsmartcard-vpcd sqlite3)
vpcd=/usr/lib/pcsc/drivers/serial/libifdvpcd.so
capacity=5
dir=
pids=()

die() {
	printf '\ndemo: FAILED: %s\n' "$1" >&2
	exit 1
}

cleanup() {
	local status=$? i
	for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
		kill "${pids[i]}" 2>/dev/null
		wait "${pids[i]}" 2>/dev/null
	done
	if [ "$status" -ne 0 ] && [ -n "$dir" ]; then
		tail -n 40 "$dir"/*.log >&2
	fi
	[ -z "$dir" ] || rm -rf -- "$dir"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
	printf '\n== %s\n' "$1"
}

# The command as one would type it.
echo_command() {
	local word line='$'
	for word in "$@"; do
		case $word in
		*[[:space:]]*) line+=" \"$word\"" ;;
		*) line+=" $word" ;;
		esac
	done
	printf '%s\n' "$line"
}

# show EXPECTED-STATUS COMMAND...: the command, what it prints, and whether it
# ended as it should.
show() {
	local expected=$1 status=0
	shift
	echo_command "$@"
	"$@" || status=$?
	[ "$expected" -eq 0 ] || printf '(exit code %d)\n' "$status"
	[ "$status" -eq "$expected" ] ||
		die "exit code $status instead of $expected: $*"
}

# quietly LOG COMMAND...: the log is shown only when the demo fails.
quietly() {
	local log=$1
	shift
	"$@" >"$log" 2>&1 || die "$*"
}

install_packages() {
	local missing=() p
	for p in "${packages[@]}"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" \
			2>/dev/null)" = installed ] || missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "Installing ${missing[*]}"
	[ "$(id -u)" -eq 0 ] ||
		die "run as root, or install yourself: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	quietly "$dir/apt.log" apt-get update
	quietly "$dir/apt.log" apt-get install -y --no-install-recommends \
		"${missing[@]}"
}

build_programs() {
	local tests=$source_dir/tests/support flags
	say "Building in build/demo"
	quietly "$dir/build.log" cmake -S "$source_dir" -B "$build" -G Ninja \
		-DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF
	quietly "$dir/build.log" cmake --build "$build" \
		--target hsmlic hsmlic-sim
	# Two small helpers of the tests: a private pcscd, and waiting.
	flags=$(pkg-config --cflags --libs libpcsclite) || die pkg-config
	quietly "$dir/build.log" cc -std=c17 -D_GNU_SOURCE -O2 \
		-o "$build/bin/private-pcscd" "$tests/private_pcscd.c"
	# shellcheck disable=SC2086
	quietly "$dir/build.log" cc -std=c17 -D_GNU_SOURCE -O2 \
		-o "$build/bin/pcsc-wait" "$tests/pcsc_wait.c" \
		"$tests/pcsc_client.c" $flags
	PATH=$build/bin:$PATH
}

# vpcd takes the port and the next one; both are checked, then tried.
free_port() {
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

try_reader() {
	port=$(free_port)
	rm -f "$PCSCLITE_CSOCK_NAME"
	cat >"$dir/readers/virtual" <<-EOT
		FRIENDLYNAME "Virtual reader"
		DEVICENAME /dev/null:$port
		LIBPATH $vpcd
		CHANNELID $port
	EOT
	private-pcscd --die-with-parent "$PCSCLITE_CSOCK_NAME" \
		/usr/sbin/pcscd --foreground --config "$dir/readers" \
		>"$dir/pcscd.log" 2>&1 &
	pids+=($!)
	until [ -S "$PCSCLITE_CSOCK_NAME" ]; do
		kill -0 "${pids[-1]}" 2>/dev/null || return 1
		sleep 0.05
	done
	reader=$(pcsc-wait "Virtual reader" listed 5 2>>"$dir/pcscd.log")
}

start_reader() {
	local try
	export PCSCLITE_CSOCK_NAME=$dir/pcscd.sock
	mkdir "$dir/readers"
	for try in 1 2 3 4 5; do
		try_reader && break
		kill "${pids[-1]}" 2>/dev/null
		wait "${pids[-1]}" 2>/dev/null
		unset 'pids[-1]'
		[ "$try" -lt 5 ] || die "no virtual reader"
	done
	echo "pcscd on $PCSCLITE_CSOCK_NAME with the reader \"$reader\""
}

insert_card() {
	echo_command hsmlic-sim card serve card.olc --vpcd "127.0.0.1:$port" '&'
	hsmlic-sim card serve card.olc --vpcd "127.0.0.1:$port" \
		>"$dir/card.log" 2>&1 &
	pids+=($!)
	pcsc-wait "$reader" present 20 >"$dir/wait.log" 2>&1 ||
		die "the card does not show up in the reader"
}

# The counter as the card itself tells it, without hsmlic or PC/SC.
expect_counter() {
	local shown
	shown=$(hsmlic-sim card show card.olc --json |
		grep -o '"counter": *[0-9]*' | grep -o '[0-9]*$')
	[ "$shown" = "$1" ] ||
		die "the card's counter is ${shown:-unreadable}, not $1"
	echo "The card itself says: $1 of $capacity left."
}

expect_same() {
	cmp -s "$1" "$2" || die "$1 and $2 differ"
}

get_license() {
	local chip=$1 out=$2
	show 0 hsmlic get --cert "$chip/certificate.bin" \
		--uid "$(cat "$chip/uid.hex")" --yes -o "$out"
	[ -s "$out" ] || die "$out is missing"
}

dir=$(mktemp -d /tmp/hsmlic-demo.XXXXXX) || die "no temporary folder"
install_packages
build_programs

# Nothing of the user's own is read or written from here on.
mkdir "$dir/work" "$dir/config" "$dir/state"
cd "$dir/work" || die "no folder to work in"
while IFS= read -r name; do unset "$name"; done < <(compgen -v HSMLIC_)
export XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state

say "A pcscd of our own, with a virtual reader"
start_reader

say "A software card with $capacity licenses, put into the reader"
show 0 hsmlic-sim card new card.olc --firmware demo-firmware \
	--capacity "$capacity"
insert_card

say "Two chips, and a firmware image under the card's key"
show 0 hsmlic-sim chip new chip
show 0 hsmlic-sim chip new other-chip
seq 1 2000 >firmware.bin
show 0 hsmlic-sim image new image.bin --card card.olc --in firmware.bin

say "Get the chip's license: the card is asked, one unit is spent"
expect_counter "$capacity"
get_license chip license.bin
cp license.bin first.bin
expect_counter $((capacity - 1))

say "Get it again: it comes out of the store, nothing is spent"
get_license chip license.bin
expect_same first.bin license.bin
expect_counter $((capacity - 1))

say "And again without the card in the reader"
kill "${pids[-1]}" && wait "${pids[-1]}"
unset 'pids[-1]'
pcsc-wait "$reader" empty 20 >"$dir/wait.log" 2>&1 ||
	die "the card does not leave the reader"
get_license chip again.bin
expect_same first.bin again.bin
insert_card

say "Install the image with the license: the chip accepts it"
show 0 hsmlic-sim install image.bin license.bin --chip chip
expect_same firmware.bin chip/flash.bin

say "The same license on the other chip: refused"
show 8 hsmlic-sim install image.bin license.bin --chip other-chip
[ ! -e other-chip/flash.bin ] || die "the other chip was written"

say "The store is an SQLite file: any program can read what is kept"
store=$XDG_STATE_HOME/hsmlic/store.db
show 0 sqlite3 -readonly "$store" \
	"SELECT state, length(bytes) || ' bytes', lower(hex(sha256)) FROM licenses"
kept=$(sqlite3 -readonly "$store" "SELECT lower(hex(sha256)) FROM licenses")
[ "$kept" = "$(sha256sum <license.bin | cut -d ' ' -f 1)" ] ||
	die "the store keeps another license"

say "Every step is an event of the ledger; a checkpoint signs all of them"
show 0 hsmlic audit log
quietly "$dir/key.log" hsmlic audit key new signing.pem
show 0 hsmlic audit checkpoint --key signing.pem -o ledger.checkpoint
show 0 hsmlic audit verify --checkpoint ledger.checkpoint

say "The card is the witness: its counter and the accounts agree"
show 0 hsmlic reconcile

say "Where things stand"
show 0 hsmlic status
expect_counter $((capacity - 1))

printf '\ndemo: all shown: 1 unit spent of %d, 3 licenses handed out, %s\n' \
	"$capacity" "1 installation done, 1 refused"
