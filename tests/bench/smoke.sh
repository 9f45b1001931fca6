#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# smoke.sh BIN: runs the benchmarks as small as they go and checks that each
# thing is measured and has its ratio. How large the ratios are is not judged.
set -euo pipefail

out=$("$(dirname "$0")/run.sh" --bin "$1" --runs 2 --sizes 200 \
	--events 2000)
printf '%s\n' "$out"

status=0
has() { # WHAT: a line of a table, with three numbers behind it that are not 0
	local number='[0-9]+\.[0-9]*[1-9][0-9]*|[1-9][0-9]*\.[0-9]+'
	grep -Eq "^\| $1 \| ($number) \| ($number) to ($number) \| " <<<"$out" ||
		{ echo "smoke.sh: no ratio of: $1" >&2; status=1; }
}
for what in "sqlite3 selects the blob" "hsmlic get --cached" \
	"hsmlic get --cached --dry-run \(use not recorded\)" \
	"sqlite3 selects and records the use" "/bin/true" \
	"hl_store_chip_by_uid" "hl_store_license_find" \
	"hl_store_license_bytes" "hl_store_license_use" \
	"bare APDUs over pcscd, nothing recorded" "hsmlic get over pcscd" \
	"hsmlic get from sim: \(card in the same process\)" \
	"a hit's transaction" "a miss's two transactions"; do
	has "$what"
done
[ "$(grep -c '^Noise: ' <<<"$out")" = 2 ] ||
	{ echo "smoke.sh: nothing is said about noise" >&2; status=1; }
grep -Eq '^\| 20[0-9][0-9] \|( [0-9.]+ \|){7}$' <<<"$out" ||
	{ echo "smoke.sh: no ledger was verified" >&2; status=1; }
exit $status
