# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2154
# The pages: each link within the project leads somewhere, each command that is
# shown is one, with options that it has, and what preflight is said to print it
# prints.

bats_require_minimum_version 1.5.0

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

# block PAGE N COMMAND: the indented block behind the N-th block that is COMMAND.
block() {
	awk -v n="$2" -v command="    $3" '
	on && (/^    / || /^$/) { print substr($0, 5); next }
	on { exit }
	$0 == command && ++seen == n { getline; on = 1 }' "$1" |
		sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

@test "preflight says what the page about the NUCLEO-U5 shows" {
	local command="hsmlic preflight ob.csv --device STM32U5"
	local -a words
	read -ra words <<<"$command"
	local page=$ROOT/docs/nucleo-u5.md
	grep -qF '    RDP,0xAA' "$page"
	printf 'RDP,0xAA\nTZEN,0x0\n' >ob.csv
	run -1 "${words[@]}"
	diff <(echo "$output") <(block "$page" 1 "$command")
	printf 'RDP,0x55\nTZEN,0x1\n' >ob.csv
	run -0 "${words[@]}"
	diff <(echo "$output") <(block "$page" 2 "$command")
	echo FLASH_OPTR,0x1FEFF8AA >ob.csv
	run -1 "${words[@]}"
	[[ $output == *rdp-level-0:*tzen-0:*"2 findings" ]]
}

@test "commands and options that the pages show are there" {
	hsmlic help --json >help.json
	python3 "$ROOT/tests/docs/commands.py" help.json "$ROOT"/*.md \
		"$ROOT"/docs/*.md >unknown || true
	diff unknown /dev/null
}

@test "a command or an option that is not there is noticed" {
	hsmlic help --json >help.json
	cat >page.md <<-'EOT'
		Say `hsmlic status --plain`, never `hsmlic get
		--gratis`, and

		    runuser -u x -- hsmlic card lost --label X | less
		    hsmlic --store s.db chip read --target T -- --other
		    hsmlic card add --label A --slop 1    # --not-this
		    hsmlic fly
	EOT
	run -0 python3 "$ROOT/tests/docs/commands.py" help.json page.md
	[ "$output" = $'card add --slop\ncard lost\nfly\nget --gratis' ]
}

# told FILE...: what hints of the sources say behind "hsmlic license trust".
told() {
	cat "$@" | tr -d '\n' | sed -E 's/"[[:space:]]+"//g' |
		grep -oE 'hsmlic license trust[^"]{0,20}'
}

@test "a hint to trust a license can be typed as it is printed" {
	run told "$ROOT"/src/*/*.c
	echo "$output"
	[ "${#lines[@]}" -ge 7 ]
	for line in "${lines[@]}"; do
		[[ $line =~ ^'hsmlic license trust '(ID|%s)' --reason TEXT' ]]
	done
}

@test "what to do with a suspect license stands where an install fails" {
	run sed -n '/^## When it fails/,$p' "$ROOT/docs/nucleo-u5.md"
	[[ $output == *"hsmlic license trust ID --reason "* ]]
	[[ $output == *"step 7"*"exit code 4"* ]]
}

@test "the page about the NUCLEO-U5 shows what chip read prints" {
	hsmlic-sim chip new chip >/dev/null
	HSMLIC_STORE=$PWD/s.db run -0 --separate-stderr hsmlic chip read --target sim:chip \
		--label nucleo
	labels() { sed -n 's/^    //; s/  .*//; s/^\(..*\)$/\1/p'; }
	[ "$(block "$ROOT/docs/nucleo-u5.md" 1 \
		"hsmlic chip read --target stm32prog:port=SWD --label nucleo" |
		labels)" = "$(labels <<<"$output")" ]
}

@test "each exit code of the manual is told to the station's people" {
	for code in 0 1 2 3 4 5 6 7 8 9; do
		grep -q "^| $code | " "$ROOT/docs/for-factories.md"
		grep -qx ".It $code" "$ROOT/docs/man/hsmlic.1"
	done
	grep -q '^| 1 | .*`program`' "$ROOT/docs/for-factories.md"
	grep -q '^| 8 | .*`program`' "$ROOT/docs/for-factories.md"
	run ! grep "cannot be asked for licenses" "$ROOT/docs/man/hsmlic.1"
	grep -qx ".It Ic card slot" "$ROOT/docs/man/hsmlic.1"
}

@test "each kind of event is described" {
	run sed -n '/kinds\[\] = {/,/};/p' "$ROOT/src/ledger/event.c"
	kinds=$(grep -o '"[a-z.]*"' <<<"$output" | tr -d '"')
	[ "$(wc -l <<<"$kinds")" -gt 20 ]
	for kind in $kinds; do
		grep -q "^	$(printf %s "$kind" | sed 's/\./\\./')	" \
			"$ROOT/docs/FORMAT.ledger"
	done
}

# shown SECTION N: the N-th indented block of a section of the page for factories, for
# the folders of this test; what is sent away is kept.
shown() {
	awk -v head="## $1" -v n="$2" '
	/^## / { on = $0 == head }
	on && /^  *[^ ]/ && match($0, /^ *hsmlic |^ *#!|^ *file=|^ *scp /) {
		if (!in_block) k++
		in_block = 1
		if (k == n) print
		next
	}
	{ in_block = 0 }' "$ROOT/docs/for-factories.md" |
		sed "s|/var/lib/hsmlic|$PWD/station|g; s|/backup/hsmlic-[^.]*\.db|$PWD/backup.db|
			s|^ *||; s|^scp .*|cp \"\$file\" newest.checkpoint|
			s|%SZ|%SZ%N|; s|before-restore-TIME|before-restore-*|; s|KEY|\"\$KEY\"|"
}

type_shown() {
	local commands
	commands=$(shown "$@")
	[[ $commands == *hsmlic* ]] || return 99
	bash -euo pipefail -c "$commands"
}

@test "the commands of the factories' page sign, and go on after a restore" {
	mkdir -p station/checkpoints
	export HSMLIC_STORE=$PWD/station/store.db
	hsmlic store init --origin factory.example/line-4
	run -0 type_shown "The ledger" 1
	KEY=$(grep -m 1 '^factory.example/line-4+' <<<"$output")
	export KEY
	run -0 type_shown "The ledger" 2
	run -0 type_shown "The ledger" 3
	run -0 type_shown Backup 1
	hsmlic-sim card new card --firmware blinky --capacity 5 >/dev/null
	hsmlic-sim chip new chip >/dev/null
	hsmlic get --target sim:chip --card sim:card --yes -o license
	run -0 type_shown "The ledger" 3
	hsmlic audit key new witness.pem
	run -0 type_shown "The ledger" 4
	grep -q '^— customer.example ' witnessed.checkpoint

	run -0 bash -euo pipefail -c "$(shown Backup 2 | sed 's/--force/& --yes/; s/merge/& --yes/')"
	[ "$(hsmlic license list --json | jq '.licenses | length')" -eq 1 ]
	run -9 type_shown "The ledger" 3
	run -0 type_shown Backup 3
	hsmlic audit verify --checkpoint new.checkpoint
	hsmlic audit log --kind config.changed | grep -q key.replaced
}
