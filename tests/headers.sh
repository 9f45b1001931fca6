#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# headers.sh COMPILER ROOT [FLAG...]: compiles each header of ROOT/include and
# ROOT/src on its own, twice in one file, so that none relies on what happens
# to be included before it or lacks its guard.
set -euo pipefail
export LC_ALL=C

if (($# < 2)); then
	echo "usage: headers.sh COMPILER ROOT [FLAG...]" >&2
	exit 2
fi
compiler=$1
root=$2
flags=(-std=c17 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -fsyntax-only
	"${@:3}")

# compile ROOT HEADER, with the header as it is written in an #include
compile() {
	printf '#include "%s"\n#include "%s"\n' "$2" "$2" |
		"$compiler" "${flags[@]}" -I"$1/src" -I"$1/include" -x c -
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# What has to be found: a missing include, a missing guard.
mkdir -p "$tmp/src" "$tmp/include"
echo 'size_t f(void);' >"$tmp/src/needs.h"
echo 'struct s { int i; };' >"$tmp/src/unguarded.h"
printf '#ifndef G\n#define G\n#include <stddef.h>\nsize_t f(void);\n#endif\n' \
	>"$tmp/src/good.h"
compile "$tmp" good.h
for bad in needs unguarded; do
	if compile "$tmp" "$bad.h" 2>/dev/null; then
		echo "headers.sh does not work: $bad.h is fine to $compiler"
		exit 1
	fi
done

count=0
failed=0
for folder in include src; do
	while IFS= read -r header; do
		count=$((count + 1))
		compile "$root" "$header" || {
			echo "$folder/$header does not compile alone"
			failed=1
		}
	done < <(cd "$root/$folder" && find . -name '*.h' -printf '%P\n' | sort)
done
if ((count == 0)); then
	echo "no header found under $root"
	exit 1
fi
echo "$count headers compiled alone"
exit "$failed"
