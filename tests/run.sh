#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tests/run.sh: builds with clang, and as for a release (warnings are errors,
# and optimisers see more of them), then builds and passes all tests with gcc
# and sanitizers, then with gcc alone. On Debian 12 it first installs the
# packages that are missing, which needs root; nothing is asked of apt when all
# are there. Everything is built in build/. It stops at the first thing that
# fails, with its exit code.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(
	# to build
	gcc clang cmake ninja-build pkg-config libc6-dev
	libpcsclite-dev libsqlite3-dev libssl-dev libjansson-dev libinih-dev
	libp11-kit-dev
	# to test
	libcmocka-dev libclang-rt-14-dev pcscd vsmartcard-vpcd opensc bats jq
	python3 sqlite3 mandoc shellcheck duktape procps
	opensc-pkcs11 openssl softhsm2 xxd golang-go golang-golang-x-mod-dev
)

say() {
	printf '\n== %s\n' "$1"
}

install_packages() {
	local missing=() p
	for p in "${packages[@]}"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" \
			2>/dev/null)" = installed ] || missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "Installing ${missing[*]}"
	if [ "$(id -u)" -ne 0 ]; then
		echo "run as root, or have these packages installed" >&2
		return 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get update
	apt-get install -y --no-install-recommends "${missing[@]}"
}

build() {
	say "Building: $1"
	cmake --preset "$1"
	cmake --build --preset "$1" --parallel "$(nproc)"
}

pass_tests() {
	say "Testing: $1"
	ctest --preset "$1" --parallel 2
}

install_packages
# What the user set for the program must not reach the tests.
while IFS= read -r name; do unset "$name"; done < <(compgen -v HSMLIC_)
build clang
build release-tests
build asan
pass_tests asan
build dev
pass_tests dev
