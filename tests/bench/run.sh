#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh [--bin DIR] [--dir DIR] [--runs N] [--sizes "N N ..."] [--events "N ..."]
#
# Prints what a hit and a miss cost beside the least that could do the same:
# the sqlite3 program selecting the same blob, and the bare APDUs over the same
# pcscd. Everything in one table is timed in turns within one run; the ratio is
# the median of the ratios of each turn. See docs/benchmarks.md.
#
# --bin: the bin folder of a build (HSMLIC_BIN, or build/release-tests/bin);
# --dir: where the stores lie (a folder of its own below /var/tmp); --sizes:
# licenses in the store; --events: of a ledger that is verified. Nothing outside of these folders and /tmp is touched, and a
# pcscd that runs already is left alone.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
bin=${HSMLIC_BIN:-$here/../../build/release-tests/bin}
dir=
runs=50
sizes="1000 1000000"
events="100000 1000000"
firmware=bench-firmware

die() {
	printf 'run.sh: %s\n' "$*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	[ $# -gt 1 ] || die "a value is wanted: $1"
	case $1 in
	--bin) bin=$2 ;;
	--dir) dir=$2 ;;
	--runs) runs=$2 ;;
	--sizes) sizes=$2 ;;
	--events) events=$2 ;;
	*) die "no such option: $1" ;;
	esac
	shift 2
done
warm_up=$((runs / 10 + 1))
rounds=$((runs + warm_up))

HSMLIC_BIN=$(cd "$bin" && pwd) || die "no such folder: $bin"
for program in hsmlic hsmlic-sim fill-store bench-store bench-audit \
	bench-times bench-apdus; do
	[ -x "$HSMLIC_BIN/$program" ] || die "$HSMLIC_BIN has no $program"
done
mine=
if [ -z "$dir" ]; then
	dir=$(mktemp -d /var/tmp/hsmlic-bench.XXXXXX)
	mine=$dir
fi
dir=$(cd "$dir" && pwd)

# The private pcscd is the one of the end-to-end tests. Their fixtures ask bats
# for its version; here there is no bats.
bats_require_minimum_version() { :; }
# shellcheck source-path=SCRIPTDIR source=../e2e/lib.bash
. "$here/../e2e/lib.bash"

cleanup() {
	local status=$?
	trap - EXIT
	if [ "$status" -eq 0 ]; then
		export BATS_TEST_COMPLETED=1 # no logs
	elif [ -s "$dir/log" ]; then
		tail -n 20 "$dir/log" >&2
	fi
	hl_teardown >&2
	[ -z "$mine" ] || rm -rf -- "$mine"
	exit "$status"
}

hl_setup
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Neither configuration nor store of whoever measures.
while IFS= read -r name; do
	[ "$name" = HSMLIC_BIN ] || unset "$name"
done < <(compgen -v HSMLIC_)
export HOME=$HL_DIR XDG_CONFIG_HOME=$HL_DIR XDG_STATE_HOME=$HL_DIR

# ---- output ---------------------------------------------------------------------

facts() {
	local cache=$HSMLIC_BIN/../CMakeCache.txt
	printf -- '- processor: %s, %s cores\n' \
		"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
		"$(nproc)"
	printf -- '- system: %s, Linux %s\n' \
		"$(sed -n 's/^PRETTY_NAME="\(.*\)"$/\1/p' /etc/os-release)" "$(uname -r)"
	printf -- '- file system of the stores: %s\n' \
		"$(df --output=fstype "$dir" | tail -n 1)"
	printf -- '- SQLite %s, pcscd %s\n' \
		"$(sqlite3 --version | cut -d ' ' -f 1)" \
		"$(/usr/sbin/pcscd --version | sed -n 's/.*version \([0-9.]*[0-9]\).*/\1/p' | head -n 1)"
	printf -- '- build: %s\n' \
		"$(sed -n 's/^CMAKE_BUILD_TYPE:[^=]*=//p' "$cache" 2>/dev/null)"
	printf -- '- %s runs each, after %s to warm up; load average %s\n' \
		"$runs" "$warm_up" "$(cut -d ' ' -f 1 /proc/loadavg)"
}

# table UNIT DIVISOR <LINES: those of samples_print() as a table.
table() {
	awk -F '\t' -v unit="$1" -v by="$2" '
	function t(us) { return sprintf("%.*f", by == 1 ? 1 : 2, us / by) }
	function r(x) { return x == "-" ? x : sprintf("%.2f", x) }
	BEGIN {
		printf "\n| what | ratio | half of the ratios lie in | " \
			"median, %s | min | max |\n", unit
		print "|---|---|---|---|---|---|"
	}
	{
		printf "| %s | %s | %s | %s | %s | %s |\n", $1, r($8),
			$9 == "-" ? "-" : r($9) " to " r($10),
			t($3), t($6), t($7)
	}'
}

# noise <LINES: from the line of /bin/true.
noise() {
	awk -F '\t' '$1 == "/bin/true" {
		printf "\nNoise: half of the times of /bin/true lie in " \
			"%.2f to %.2f ms (%.0f %% of its median), the worst " \
			"is %.1f times the median; smaller differences " \
			"between two lines mean nothing.\n",
			$4 / 1000, $5 / 1000, ($5 - $4) / $3 * 100, $7 / $3
	}'
}

# ---- a hit -----------------------------------------------------------------------

where="FROM licenses AS l JOIN chips AS c ON c.id = l.chip
	JOIN firmwares AS f ON f.id = l.firmware
	WHERE c.uid = x'{1}' AND f.name = '$firmware' AND l.state = 'active'"
settings="PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = EXTRA;
	PRAGMA foreign_keys = ON"
record="INSERT INTO uses (id, license, at, how, station, operator, lot, note,
	use_class) SELECT randomblob(16), l.id, 1000 * strftime('%s'), 'export',
	'bench', 'bench', '', '', ''"

# What is timed must be right first.
expect_right() {
	local store=$1 uid=$2 sql
	hsmlic --store "$store" store check >"$dir/log" 2>&1 ||
		die "hsmlic store check finds something in the store filled"
	hsmlic --store "$store" get --uid "$uid" --firmware "$firmware" \
		--cached -o - >"$dir/license" 2>>"$dir/log"
	sql="SELECT lower(hex(l.bytes)) ${where//\{1\}/$uid}"
	[ "$(sqlite3 "$store" "$sql")" = \
		"$(od -An -v -tx1 "$dir/license" | tr -d ' \n')" ] ||
		die "hsmlic and sqlite3 give different bytes"
}

hit() {
	local size=$1 store=$dir/hit-$1.db uids=$dir/uids lines=$dir/lines
	fill-store "$store" "$size" "$firmware" "$rounds" >"$uids"
	expect_right "$store" "$(head -n 1 "$uids")"

	printf '\n## A hit, as a whole process, %s licenses (%s MB)\n' "$size" \
		"$(($(stat -c %s "$store") / 1000000))"
	bench-times --runs "$runs" --warm-up "$warm_up" --fields "$uids" \
		--log "$dir/log" \
		"@sqlite3 selects the blob" \
		sqlite3 "$store" "SELECT l.bytes $where" \
		"@hsmlic get --cached" \
		hsmlic --store "$store" get --uid "{1}" \
		--firmware "$firmware" --cached -o - \
		"@hsmlic get --cached --dry-run (use not recorded)" \
		hsmlic --store "$store" get --uid "{1}" \
		--firmware "$firmware" --cached --dry-run \
		"@sqlite3 selects and records the use" \
		sqlite3 -bail "$store" \
		"$settings; SELECT l.bytes $where; $record $where" \
		"@/bin/true" /bin/true >"$lines"
	table ms 1000 <"$lines"
	noise <"$lines"

	printf '\n## A hit, call by call, %s licenses\n' "$size"
	bench-store "$store" "$firmware" <"$uids" | table us 1
	rm -rf -- "$store" "$store"*
}

# ---- a miss ----------------------------------------------------------------------

new_chips() {
	local i
	for ((i = 1; i <= rounds; i++)); do
		hsmlic-sim chip new "$dir/chip$i" >>"$dir/log" 2>&1
		echo "$dir/chip$i/certificate.bin $(<"$dir/chip$i/uid.hex")"
	done
}

left() {
	hsmlic-sim card show "$1" --json |
		sed -n 's/.*"counter": *\([0-9]*\).*/\1/p'
}

miss() {
	local capacity=$((rounds * 2 + runs)) lines=$dir/lines card
	for card in pcsc sim; do
		hsmlic-sim card new "$dir/$card.olc" --firmware "bench-$card" \
			--capacity "$capacity" >>"$dir/log"
	done
	new_chips >"$dir/chips"
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$dir/pcsc.olc"

	printf '\n## A miss, as a whole process\n'
	bench-times --runs "$runs" --warm-up "$warm_up" --fields "$dir/chips" \
		--log "$dir/log" \
		"@bare APDUs over pcscd, nothing recorded" \
		bench-apdus "${READER[0]}" "{1}" \
		"@hsmlic get over pcscd" \
		hsmlic --store "$dir/pcsc.db" get --cert "{1}" --uid "{2}" \
		--card "reader:${READER[0]}" --yes -o - \
		"@hsmlic get from sim: (card in the same process)" \
		hsmlic --store "$dir/sim.db" get --cert "{1}" --uid "{2}" \
		--card "sim:$dir/sim.olc" --yes -o - \
		"@/bin/true" /bin/true >"$lines"
	table ms 1000 <"$lines"
	noise <"$lines"

	printf '\n## The bare APDUs alone: one process, connected once\n'
	bench-apdus "${READER[0]}" "$dir/chip1/certificate.bin" "$runs" |
		table ms 1000
	stop_card 0
	[ "$(left "$dir/pcsc.olc") $(left "$dir/sim.olc")" = \
		"0 $((capacity - rounds))" ] ||
		die "the cards have not spent one unit for each get"
}

# ---- the ledger ------------------------------------------------------------------

ledger() {
	local n
	for n in $events; do
		printf '\n## Verifying a ledger of %s events\n\n' "$n"
		bench-audit fill "$dir/ledger.db" "$n"
		bench-audit verify "$dir/ledger.db" "$dir/events"
		rm -rf -- "$dir/events" "$dir/ledger.db"*
	done
	printf '\n## What events add to the transactions of a hit and a miss\n'
	bench-audit cost "$dir/cost.db" "$rounds" | table us 1
	rm -rf -- "$dir/cost.db"*
}

facts
for size in $sizes; do
	hit "$size"
done
miss
ledger
