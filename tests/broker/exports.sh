#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What libhsmlic exports is what its headers promise, no more and no less.
#
#	exports.sh LIBRARY INCLUDE-FOLDER
set -euo pipefail

exported=$(nm -D --defined-only "$1" | awk '$2 == "T" { print $3 }' |
	sed 's/@.*//' | sort)
promised=$(cat "$2"/hsmlic/*.h | tr '\n' ' ' |
	grep -oE 'HL_API[^;{]*\(' | grep -oE 'hl_[a-z_]+ ?\($' |
	tr -d ' (' | sort)
[ -n "$promised" ]
diff <(echo "$promised") <(echo "$exported")
