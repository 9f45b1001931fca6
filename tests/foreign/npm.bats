# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2317
# verify.js, with @sigstore/verify: the copy that npm itself has, or the one in
# the folder HSMLIC_SIGSTORE (npm install @sigstore/verify@3.1.1). Nothing is
# fetched here.

load foreign
load material

VERSION=3.1.1

# The package's folder.
package() {
	local dir
	for dir in "${HSMLIC_SIGSTORE:-}" /usr/lib/node_modules/npm/node_modules \
		/usr/share/nodejs; do
		[ -f "$dir/@sigstore/verify/package.json" ] || continue
		[ "$(jq -r .version "$dir/@sigstore/verify/package.json")" = \
			"$VERSION" ] || continue
		echo "$dir/@sigstore/verify"
		return
	done
	return 1
}

is_here() {
	command -v node >/dev/null && package >/dev/null
}

setup_file() {
	is_here || return 0
	make_files
}

setup() {
	is_here || skip "node, or @sigstore/verify $VERSION, is not here"
	FILES=$BATS_FILE_TMPDIR/files
	PACKAGE=$(package)
	KEYS=(-k "$FILES/log.vkey" -k "$FILES/token.vkey")
}

verify() { node "$BATS_TEST_DIRNAME/verify.js" "$PACKAGE" "${KEYS[@]}" "$@"; }
verify_event() { verify event "$@"; }

@test "@sigstore/verify accepts an event and refuses an altered one" {
	refuses event "${EVENT_CASES[@]}"
}

@test "@sigstore/verify accepts either key alone" {
	cd "$FILES"
	KEYS=(-k log.vkey)
	run -0 verify event proof leaf
	KEYS=(-k token.vkey)
	run -0 verify event proof leaf
}
