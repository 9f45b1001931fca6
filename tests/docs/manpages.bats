# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The man pages against what the programs say of themselves: every command, its
# usage line and its options stand in the page, and none that is not there.

setup() {
	: "${HSMLIC_BIN:?is to be the bin folder of a build}"
	PATH=$HSMLIC_BIN:$PATH
	MAN=${HSMLIC_SOURCE:-$BATS_TEST_DIRNAME/../..}/docs/man
	cd "$BATS_TEST_TMPDIR" || return
}

# page_facts PROGRAM <PAGE: one line for each fact, such as
#	usage: hsmlic card add [OPTIONS] [CARD]
#	card add: --label TEXT
#	card add: -h
# Options before the commands are those of every command (*).
page_facts() {
	awk -v program="$1" '
	/^\.Sh / { section = substr($0, 5); command = "*" }
	/^\.Ss / { command = substr($0, 5) }
	section == "COMMANDS" && index($0, ".Dl " program " ") == 1 {
		print "usage: " substr($0, 5)
	}
	(section == "COMMANDS" || section == "DESCRIPTION") &&
	/^\.It Fl / {
		for (i = 2; i <= NF; i++) {
			if ($i != "Fl")
				continue
			value = $(i + 2) == "Ar" ? " " $(i + 3) : ""
			print command ": -" $(i + 1) value
		}
	}'
}

# help_facts PROGRAM COMMAND: the same from its --help.
help_facts() {
	# shellcheck disable=SC2086
	"$1" $2 --help | awk -v command="$2" '
	/^Usage: / { print "usage: " substr($0, 8) }
	/^Options:/ { name = command }
	/^Options of every command:/ { name = "*" }
	/^$/ { if (seen) name = ""; seen = 0 }
	/^ +-/ && name != "" {
		seen = 1
		i = 1
		if ($1 ~ /^-.,$/) {
			print name ": " substr($1, 1, 2)
			i = 2
		}
		value = $(i + 1) ~ /^[A-Z]/ || $(i + 1) ~ /\|/ ? $(i + 1) : ""
		sub(/\[.*/, "", value)
		print name ": " $i (value == "" ? "" : " " value)
	}'
}

# In the page, -o and --output are one item, and only the last has the value.
compare() { # PROGRAM COMMAND...
	local program=$1 command
	shift
	for command in "$@"; do
		help_facts "$program" "$command"
	done | sort -u >by-help
	page_facts "$program" <"$MAN/$program.1" | sort -u >by-page
	[ "$(wc -l <by-help)" -gt 20 ]
	diff by-help by-page
}

@test "the pages are clean" {
	run mandoc -T lint -W warning "$MAN/hsmlic.1" "$MAN/hsmlic-sim.1"
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "hsmlic(1) and hsmlic agree" {
	mapfile -t commands < <(hsmlic help --json | jq -r '.commands[] |
		[.group, .name] | map(select(. != null)) | join(" ")')
	[ "${#commands[@]}" -ge 25 ]
	compare hsmlic "${commands[@]}"
}

@test "hsmlic-sim(1) and hsmlic-sim agree" {
	mapfile -t commands < <(hsmlic-sim --help | awk '
		/^Commands:/ { on = 1; next }
		/^$/ { on = 0 }
		on { print $2 ~ /^[a-z]/ ? $1 " " $2 : $1 }')
	[ "${#commands[@]}" -ge 8 ]
	compare hsmlic-sim "${commands[@]}"
}

@test "the page names the variable of every option" {
	local name
	while read -r name; do
		name=HSMLIC_${name//-/_}
		grep -qE "^\.Ev ${name^^}( |$)" "$MAN/hsmlic.1" || {
			echo "missing: ${name^^}"
			return 1
		}
	done < <(hsmlic help --json | jq -r '[.options, .commands[].options] |
		flatten | .[] | select(.setting) | .name' | sort -u
		echo spend; echo rescue-dir)
}

@test "the comparison sees what is missing, and what is too much" {
	local command
	mapfile -t commands < <(hsmlic help --json | jq -r '.commands[] |
		[.group, .name] | map(select(. != null)) | join(" ")')
	mkdir pages
	grep -v '^\.It Fl -new-firmware Ar' "$MAN/hsmlic.1" >pages/hsmlic.1
	MAN=$PWD/pages run compare hsmlic "${commands[@]}"
	[ "$status" = 1 ]
	[[ $output == *"< card add: --new-firmware NAME"* ]]
	sed 's/^\.It Fl -cached$/&\n.It Fl -uncached/' "$MAN/hsmlic.1" \
		>pages/hsmlic.1
	MAN=$PWD/pages run compare hsmlic "${commands[@]}"
	[ "$status" = 1 ]
	[[ $output == *"> get: --uncached"* ]]
	grep -v '^\.Dl hsmlic store check' "$MAN/hsmlic.1" >pages/hsmlic.1
	MAN=$PWD/pages run compare hsmlic "${commands[@]}"
	[ "$status" = 1 ]
}
