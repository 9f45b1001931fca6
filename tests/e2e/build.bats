# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The presets that others than developers use.

bats_require_minimum_version 1.5.0
: "${HSMLIC_SOURCE:?is to be the folder of the sources}"

# programs PRESET: what a build with it puts into bin/.
programs() {
	local build=$BATS_TEST_TMPDIR/$1
	cmake -S "$HSMLIC_SOURCE" --preset "$1" -B "$build" >&2 || return
	ninja -C "$build" -t targets all |
		sed -n 's,^bin/\([^:]*\): .*LINKER.*,\1,p' | sort
}

@test "a release is made of the programs alone, and its tests are there" {
	run --separate-stderr programs release
	[ "$status" -eq 0 ]
	[ "$output" = $'hsmlic\nhsmlic-sim' ]
	run --separate-stderr programs release-tests
	[ "$status" -eq 0 ]
	[[ $output == *softcard* ]]
	[[ $output == *bench-times* ]]
}
