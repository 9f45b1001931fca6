# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The pages: each link within the project leads somewhere, and each command
# that is shown is one, with options that it has.

setup() {
	: "${HSMLIC_BIN:?is to be the bin folder of a build}"
	PATH=$HSMLIC_BIN:$PATH
	ROOT=$(realpath "${HSMLIC_SOURCE:-$BATS_TEST_DIRNAME/../..}")
	cd "$BATS_TEST_TMPDIR" || return
}

# links PAGE...: those that lead nowhere, as "PAGE: LINK".
links() {
	local page link file anchor
	for page in "$@"; do
		while IFS= read -r link; do
			case $link in *://* | mailto:*) continue ;; esac
			file=${link%%#*} anchor=${link#*#}
			[ -n "$file" ] && file=$(dirname "$page")/$file ||
				file=$page
			[ "$anchor" != "$link" ] || anchor=
			if [ ! -e "$file" ] || { [ -n "$anchor" ] &&
				! anchors "$file" | grep -qxF "$anchor"; }; then
				echo "${page##*/}: $link"
			fi
		done < <(grep -o ']([^) ]*)' "$page" | sed 's/^](//; s/)$//')
	done
}

# anchors PAGE: as GitHub makes them of headings.
anchors() {
	sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' |
		sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

@test "links within the project lead somewhere" {
	run links "$ROOT"/*.md "$ROOT"/docs/*.md
	echo "$output"
	[ -z "$output" ]
	[ "$(grep -ho '](' "$ROOT"/docs/*.md | wc -l)" -gt 10 ]
}

@test "a link that leads nowhere is noticed" {
	printf '# Here it is\n[a](#here-it-is) [b](#there) [c](none.md)\n' >page.md
	run links page.md
	[ "$output" = $'page.md: #there\npage.md: none.md' ]
}
