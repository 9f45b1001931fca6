#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# layers.sh ROOT: checks every #include of ROOT/src and ROOT/include against
# the order of the layers (docs/architecture.md). Each breach is a line of
# output; any is exit 1. First it checks itself on trees with planted breaches.
set -euo pipefail
export LC_ALL=C

# A layer may include those of a lower rank, and itself.
declare -A rank=([hsmlic]=0 [util]=1 [crypto]=2 [chip]=3 [tool]=4 [card]=5
	[ledger]=6 [store]=7 [broker]=8 [flow]=9 [report]=10 [cli]=11 [sim]=11)

# Only the broker and what stands on it may know cards and stores at once.
forbidden=' store:card ledger:card '

# The functions below leave their answer in a variable, since a subshell for
# each include would take seconds.

# home: the one folder whose files may include this header of a library.
find_home() {
	case $1 in
	PCSC/* | winscard.h | wintypes.h | pcsclite.h) home=src/card/ ;;
	sqlite3.h | sqlite3ext.h) home=src/store/sqlite/ ;;
	openssl/* | p11-kit/* | pkcs11.h) home=src/crypto/ ;;
	libpq-fe.h | libpq/* | postgres_ext.h) home=src/store/postgres/ ;;
	*) home= ;;
	esac
}

# why: the reason FILE may not include HEADER, written as TEXT; or empty.
judge() {
	local file=$1 header=$2 text=$3 from to
	from=${file#src/}
	from=${from#include/}
	from=${from%%/*} # src/store/sqlite/db.c is of store
	to=${header%%/*}
	why=
	find_home "$header"
	if [[ -z ${rank[$from]-} ]]; then
		why="the folder $from is no layer"
	elif [[ -z $header ]]; then
		why="an include has to name a file"
	elif [[ /$header/ == */../* || /$header/ == */./* ]]; then
		why="includes are written from src/"
	elif [[ -n $home && $file != "$home"* ]]; then
		why="only $home may include it"
	elif [[ $text == \"* && -z ${rank[$to]-} ]]; then
		why="includes are written from src/"
	elif [[ -n ${tainted[src/$header]-} &&
		$file != "${tainted[src/$header]}"* ]]; then
		why="it shows types that only ${tainted[src/$header]} may see"
	elif [[ -z ${rank[$to]-} || $header != */* ]]; then
		return 0
	elif [[ $from != "$to" && ${rank[$to]} -ge ${rank[$from]} ]]; then
		why="$to does not lie below $from"
	elif [[ $forbidden == *" $from:$to "* ]]; then
		why="$from must not know $to"
	fi
}

# Headers that bring a foreign library along, directly or by another one.
find_tainted() {
	local more=1 i
	tainted=()
	while ((more)); do
		more=0
		for i in "${!files[@]}"; do
			[[ ${files[i]} == *.h ]] || continue
			[[ -z ${tainted[${files[i]}]-} ]] || continue
			find_home "${headers[i]}"
			home=${home:-${tainted[src/${headers[i]}]-}}
			if [[ -n $home ]]; then
				tainted[${files[i]}]=$home
				more=1
			fi
		done
	done
}

# Checks the tree in $1; 0 when it is clean.
check() {
	local line rest text bad=0 i
	local -a files=() headers=() texts=() numbers=()
	local -A tainted=()
	while IFS= read -r line; do
		files+=("${line%%:*}")
		rest=${line#*:}
		numbers+=("${rest%%:*}")
		text=${rest#*include}
		text=${text#_next}
		text=${text#"${text%%[![:space:]]*}"}
		texts+=("$text")
		if [[ $text =~ ^\"([^\"]+)\" || $text =~ ^\<([^\>]+)\> ]]; then
			headers+=("${BASH_REMATCH[1]}")
		else
			headers+=("")
		fi
	done < <(cd "$1" && find src include -name '*.[ch]' -exec grep -nHE \
		'^[[:space:]]*(#|%:)[[:space:]]*include' {} + | sort)
	if ((${#files[@]} == 0)); then
		echo "no include found under $1"
		return 1
	fi
	find_tainted
	for i in "${!files[@]}"; do
		judge "${files[i]}" "${headers[i]}" "${texts[i]}"
		if [[ -n $why ]]; then
			echo "${files[i]}:${numbers[i]}: ${texts[i]}: $why"
			bad=1
		fi
	done
	checked=${#files[@]}
	return "$bad"
}

# plant FILE LINE WANTED: a small clean tree with one more line in FILE.
plant() {
	local file=$1 line=$2 wanted=$3 said=0
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/include/hsmlic" \
		"$tmp/tree/$(dirname "$file")" "$tmp"/tree/src/{card,util,crypto}
	echo '#include <stddef.h>' >"$tmp/tree/include/hsmlic/error.h"
	echo '#include "hsmlic/error.h"' >"$tmp/tree/src/util/err.h"
	echo '#include <winscard.h>' >"$tmp/tree/src/card/pcsc.h"
	echo '#include "card/pcsc.h"' >"$tmp/tree/src/card/wire.h"
	echo '#include <openssl/evp.h>' >"$tmp/tree/src/crypto/ossl.h"
	printf '%s\n' "$line" >>"$tmp/tree/$file"
	check "$tmp/tree" >"$tmp/said" || said=1
	if [[ $said != "$wanted" ]] ||
		{ [[ $said == 1 ]] && ! grep -qF "$file:" "$tmp/said"; }; then
		echo "layers.sh does not work: '$line' in $file: $said"
		cat "$tmp/said"
		exit 1
	fi
}

self_check() {
	local f line wanted
	while read -r wanted f line; do
		plant "$f" "$line" "$wanted"
	done <<-'ROWS'
		0 src/util/a.c #include <stdio.h>
		0 src/util/a.c #include "util/err.h"
		0 src/card/a.c #include "tool/tool.h"
		0 src/broker/a.c #include "card/card.h"
		0 src/broker/a.c #include "store/store.h"
		0 src/cli/a.c #include "report/table.h"
		0 src/sim/a.c #include "flow/flow.h"
		0 src/card/a.c #include <winscard.h>
		0 src/card/a.c #include "card/wire.h"
		0 src/crypto/a.c #include "crypto/ossl.h"
		0 src/store/sqlite/a.c #include <sqlite3.h>
		0 src/store/postgres/a.c #include <libpq-fe.h>
		1 src/util/a.c #include "crypto/hash.h"
		1 src/util/a.c # include "crypto/hash.h"
		1 src/util/a.c %:include "crypto/hash.h"
		1 src/util/a.c #include <crypto/hash.h>
		1 src/util/a.h #include "card/card.h"
		1 src/chip/a.c #include "card/card.h"
		1 src/tool/a.c #include "card/card.h"
		1 src/chip/a.c #include "tool/tool.h"
		1 src/card/a.c #include "store/store.h"
		1 src/store/a.c #include "card/card.h"
		1 src/store/sqlite/a.c #include "card/card.h"
		1 src/ledger/a.c #include "card/card.h"
		1 src/ledger/a.c #include "broker/broker.h"
		1 src/broker/a.c #include "flow/flow.h"
		1 src/flow/a.c #include "report/table.h"
		1 src/report/a.c #include "cli/cli.h"
		1 src/cli/a.c #include "sim/sim.h"
		1 src/sim/a.c #include "cli/cli.h"
		1 src/broker/a.c #include <winscard.h>
		1 src/broker/a.c #include <PCSC/winscard.h>
		1 src/cli/a.c #include "card/pcsc.h"
		1 src/cli/a.c #include "card/wire.h"
		1 src/chip/a.c #include "crypto/ossl.h"
		1 src/chip/a.c #include <openssl/sha.h>
		1 src/cli/a.c #include <p11-kit/pkcs11.h>
		1 src/store/a.c #include <sqlite3.h>
		1 src/cli/a.c #include "sqlite3.h"
		1 src/store/sqlite/a.c #include <libpq-fe.h>
		1 src/util/a.c #include "err.h"
		1 src/util/a.c #include "../card/card.h"
		1 src/util/a.c #include "util/../card/card.h"
		1 src/util/a.c #include HEADER
		1 src/misc/a.c #include <stdio.h>
		1 include/hsmlic/a.h #include "util/err.h"
	ROWS
	rm -rf "$tmp/tree"
	mkdir -p "$tmp"/tree/{src,include}
	if check "$tmp/tree" >/dev/null; then
		echo "layers.sh does not work: an empty tree is fine to it"
		exit 1
	fi
}

if (($# != 1)); then
	echo "usage: layers.sh ROOT" >&2
	exit 2
fi
checked=0
home=
why=
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
self_check
check "$1"
echo "$checked includes checked"
