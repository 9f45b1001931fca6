# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2153,SC2154
# What breaks while the vendor's program has the card: it is killed, hangs,
# lies; this program is killed, the card is pulled, the disk is full. After each
# of them the accounts have to agree with the card, a license that was obtained
# has to serve, and no unit may go twice. Card and STM32_Programmer_CLI are
# stand-ins (tests/standin).

load lib
load faults

@test "all is well: the accounts agree" {
	flash
	[ "$STATUS" = 0 ]
	accounts 19 issued
	serves_for_nothing
}

@test "killed while it writes the license: half of it is kept as suspect" {
	while_issuing kill-mid-write
	flash
	failed_with 6 1 "ended by signal 9"
	nothing_to_recover
	accounts 19 issued_bad
	[ "$(sql "SELECT state, length(bytes) FROM licenses")" = "suspect|68" ]
	asks_before_more
	accounts 19 issued_bad
}

@test "no license file, though it says that all is well: the unit is lost" {
	while_issuing no-license-file
	flash
	failed_with 6 1 "ended with 0 and left no license"
	accounts 19 lost_or_outside
	asks_before_more
}

@test "an error and status 1, and the license is there: suspect, then trusted" {
	for how in error-with-license exit1-on-success \
		"error-with-license exit0-on-failure"; do
		# shellcheck disable=SC2086 # several
		while_issuing $how
		rm -rf store.db* card card.* out.sfi
		hsmlic-sim card new card --firmware FW-A --capacity 20 >/dev/null
		hsmlic-sim image new out.sfi --card card --in fw.bin >/dev/null
		hsmlic store init >/dev/null
		: >world/journal
		flash
		failed_with 6 1 "left 136 bytes, which are kept as suspect" "license trust"
		accounts 19 issued_bad
		asks_before_more
		id=$(hsmlic license list --all --json |
			jq -r '.licenses[0].license_id')
		run -0 hsmlic license trust "$id" --reason "looked at it" --yes
		serves_for_nothing
		accounts 19 issued_bad
	done
}

@test "it hangs before the card has counted: timed out, nothing is spent" {
	while_issuing hang-before-license
	flash --timeout 6
	failed_with 7 0 "did not end in time" "--timeout"
	nothing_to_recover
	accounts 20 not_spent
	standin_switches
	flash
	[ "$STATUS" = 0 ]
	accounts 19 "not_spent issued"
	serves_for_nothing 2
}

@test "it hangs after the card has counted, and wants no end: in doubt" {
	while_issuing hang-after-count stubborn
	flash --timeout 9
	failed_with 6 1 "did not end in time"
	accounts 19 lost_or_outside
	asks_before_more
}

@test "a child of it lives on and holds its output: nothing waits for that" {
	standin_switches spawn-child=session
	flash
	[ "$STATUS" = 0 ]
	xargs kill <world/children
	accounts 19 issued
	serves_for_nothing
}

@test "the installation fails after the license came: the next one is free" {
	for how in license-then-fail "license-then-fail exit0-on-failure"; do
		# shellcheck disable=SC2086 # several
		standin_switches $how
		flash
		[ "$STATUS" = "$([[ $how == *exit0* ]] && echo 0 || echo 1)" ]
		grep -q "the license is kept: the next try spends nothing" err
		accounts 19 issued
	done
	serves_for_nothing
	[ "$(sql "SELECT group_concat(outcome) FROM installs")" = \
		failed,failed,done ]
}

# ---- this program is killed --------------------------------------------------

@test "killed while the card is asked: the keeper goes on, nothing is lost" {
	while_issuing slow=1000 slow-write=300
	flash_in_background
	issuing
	hl_stop "$FLASH" KILL
	run -0 hsmlic recover
	[[ $output == *'card "FW-A"'*"in progress, left alone"* ]]
	# Nobody decides over its head, and nobody asks the card beside it.
	flash --timeout 1
	failed_with 7 0 "another process holds it" "wait for the other hsmlic"
	[ "$(grep -c "^$ISSUE" world/journal)" = 1 ]
	all_quiet
	run -0 hsmlic recover
	[[ $output == *"issued: the license is back in the store"* ]]
	accounts 19 issued
	serves_for_nothing
}

@test "killed when the card has counted: the next run takes the license" {
	while_issuing slow-write=700
	flash_in_background
	counted 19
	hl_stop "$FLASH" KILL
	# It waits for the keeper, and then needs no card.
	rm -f chip/flash.bin
	standin_switches
	flash
	[ "$STATUS" = 0 ]
	grep -q "^hsmlic: license from the" err
	accounts 19 issued
	serves_for_nothing
}

@test "killed, and the program hangs: its keeper ends it in time" {
	while_issuing hang-before-license
	flash_in_background --timeout 4
	issuing
	hl_stop "$FLASH" KILL
	all_quiet
	run -0 hsmlic recover
	[[ $output == *"not_spent: the counter did not move"* ]]
	accounts 20 not_spent
}

@test "killed with keeper and program, before and after the card counted" {
	while_issuing slow=2000
	flash_in_background
	issuing
	find_keeper
	kill -KILL "$KEEPER" "$TOOL_PID"
	hl_stop "$FLASH" KILL
	all_quiet
	run -0 hsmlic recover
	[[ $output == *"not_spent: the counter did not move"* ]]
	while_issuing slow-write=2000
	flash_in_background
	counted 19
	find_keeper
	kill -KILL "$KEEPER" "$TOOL_PID"
	hl_stop "$FLASH" KILL
	all_quiet
	run -0 hsmlic recover
	[[ $output == *"lost_or_outside: a unit is gone"* ]]
	accounts 19 "not_spent lost_or_outside"
	asks_before_more
}

@test "nobody knows how the program ended: its license is suspect" {
	while_issuing slow-write=500
	flash_in_background
	counted 19
	find_keeper
	kill -STOP "$KEEPER"
	hl_stop "$FLASH" KILL
	for ((i = 0; i < 100; i++)); do
		[[ $(ps -o stat= -p "$TOOL_PID") != Z* ]] || break
		sleep 0.05
	done
	kill -KILL "$KEEPER"
	all_quiet
	run -0 hsmlic recover
	[[ $output == *"issued_bad: a unit is gone, its bytes are kept"* ]]
	accounts 19 issued_bad
	asks_before_more
	uid=$(cat chip/uid.hex)
	run -0 hsmlic license trust "${uid^^}" --reason "its size is right" --yes
	serves_for_nothing
}

@test "the keeper alone is killed: the program with it, and we go on" {
	while_issuing slow=1000
	flash_in_background
	issuing
	find_keeper
	kill -KILL "$KEEPER"
	hl_stop "$FLASH" 0
	[ "$HL_STATUS" = 3 ]
	cp flash.log err
	STATUS=3 failed_with 3 0 "nobody knows how STM32_Programmer_CLI ended"
	accounts 20 not_spent
}

@test "a half license, and nobody to judge it but recover" {
	while_issuing slow=300 kill-mid-write
	flash_in_background
	issuing
	hl_stop "$FLASH" KILL
	all_quiet
	run -0 hsmlic recover
	[[ $output == *"issued_bad: a unit is gone, its bytes are kept"* ]]
	[ "$(sql "SELECT state, length(bytes) FROM licenses")" = "suspect|68" ]
	accounts 19 issued_bad
}

@test "Ctrl-C, a closed terminal, an end of service: the license is kept" {
	local n=20
	for signal in INT TERM HUP; do
		rm -rf chip
		hsmlic-sim chip new chip >/dev/null
		while_issuing slow=400 slow-write=300
		: >world/journal
		# bash has background jobs ignore INT.
		hl_spawn flash.log setsid env --default-signal hsmlic run -- \
			"${SCRIPT[@]}"
		issuing
		n=$((n - 1))
		# All of the terminal's, again and again.
		for _ in 1 2 3; do
			kill -s $signal -- "-$HL_PID"
			sleep 0.1
		done
		hl_stop "$HL_PID" 0
		[ "$HL_STATUS" = $((128 + $(kill -l $signal))) ]
		[ "$(left)" = $n ]
		serves_for_nothing
	done
	accounts 17 "issued issued issued"
}

# ---- time and cards run out --------------------------------------------------

@test "little time: the card is not asked, rather than cut short" {
	for seconds in 1 2 3; do
		standin_switches slow=250
		flash --timeout $seconds
		[ "$STATUS" = 7 ]
		failed_with 7 0 "" "--timeout"
		run ! grep "^$ISSUE" world/journal
		accounts 20 "$(sql "SELECT group_concat(state, ' ') FROM issues")"
	done
	while_issuing slow=60000
	flash --timeout 5
	failed_with 7 0 "did not end in time" "--timeout"
	[ "$(sql "SELECT group_concat(DISTINCT state) FROM issues")" = not_spent ]
	[ "$(left)" = 20 ]
}

@test "the card is pulled before it is asked: in doubt until it is back" {
	while_issuing slow=700
	flash_in_background --timeout 6
	issuing
	stop_hsm 0
	hl_stop "$FLASH" 0
	[ "$HL_STATUS" = 6 ]
	cp flash.log err
	STATUS=6 failed_with 6 unknown "is in doubt" "run hsmlic recover"
	run -6 hsmlic recover
	[[ $output == *"stays open"*"is in no reader"* ]]
	standin_switches
	start_hsm 0 card
	run -0 hsmlic recover
	[[ $output == *"not_spent: the counter did not move"* ]]
	accounts 20 not_spent
}

@test "the card is pulled when it has counted: its license is kept" {
	while_issuing slow-write=700
	flash_in_background --timeout 6
	counted 19
	stop_hsm 0
	hl_stop "$FLASH" 0
	cp flash.log err
	STATUS=$HL_STATUS
	failed_with 6 unknown "could not be asked for its counter" "the next"
	standin_switches
	flash
	[ "$STATUS" = 0 ]
	start_hsm 0 card
	run -0 hsmlic card list
	accounts 19 issued
	serves_for_nothing
}

# Which of the two made the license, and under which key, nobody can tell.
@test "another card of that firmware is put in: its counter is not taken" {
	hsmlic-sim card new card2 --firmware FW-A --capacity 9 >/dev/null
	while_issuing slow-write=900
	flash_in_background --timeout 9
	counted 19
	stop_hsm 0
	start_hsm 0 card2
	hl_stop "$FLASH" 0
	cp flash.log err
	STATUS=$HL_STATUS
	failed_with 6 unknown "its license is kept as suspect" "license trust"
	stop_hsm 0
	start_hsm 0 card
	run -0 --separate-stderr hsmlic card list --card FW-A
	[[ $stderr == *"1 unit left this card outside"* ]]
	OUTSIDE=1 accounts 19 issued_bad
	id=$(hsmlic license list --all --json |
		jq -r '.licenses[0].license_id')
	run -0 hsmlic license trust "$id" --reason "made before that" --yes
	serves_for_nothing
	# And with no license, nobody decides by it.
	rm -rf chip
	hsmlic-sim chip new chip >/dev/null
	: >world/journal
	while_issuing slow-write=900 no-license-file
	flash_in_background --timeout 9
	counted 18
	stop_hsm 0
	start_hsm 0 card2
	hl_stop "$FLASH" 0
	cp flash.log err
	STATUS=$HL_STATUS
	failed_with 6 unknown "one that counts 9 is there now" "recover"
	stop_hsm 0
	start_hsm 0 card
	run -0 hsmlic recover
	[[ $output == *"lost_or_outside: a unit is gone"* ]]
	OUTSIDE=1 accounts 18 "issued_bad lost_or_outside"
}

# ---- programs that cannot make it from the certificate -----------------------

@test "no such command: from the connected chip, when it is the right one" {
	standin_switches no-hsmglfcb
	flash
	[ "$STATUS" = 0 ]
	run -1 grep -c "^$ISSUE" world/journal
	[ "$(grep -c -e "^-c .* -hsmgetlicense " world/journal)" = 1 ]
	accounts 19 issued
	hsmlic-sim chip new other >/dev/null
	STATUS=0
	hsmlic run --cert other/certificate.bin -- "${SCRIPT[@]}" \
		>out 2>err || STATUS=$?
	failed_with 2 0 "another chip is connected" "connect the chip"
	hsmlic get --yes --cert other/certificate.bin -o lic >out 2>err ||
		STATUS=$?
	failed_with 4 0 "no chip is connected" "--target"
	accounts 19 "issued not_spent not_spent"
	rm -rf chip/flash.bin
	flash
	[ "$STATUS" = 0 ]
	grep -qxF "hsmlic: license from the store, nothing spent" err
	accounts 19 "issued not_spent not_spent"
}

# when_connected LINE...: a program that runs LINE... when it has made a license
# for the connected chip, which is all that it can do.
when_connected() {
	standin_switches no-hsmglfcb
	{
		printf '%s\n' "#!/bin/sh" "\"$REAL\" \"\$@\" || exit" \
			"case \" \$* \" in *' -hsmgetlicense '*) ;; *) exit 0 ;; esac" \
			"$@"
	} >STM32_Programmer_CLI
	chmod +x STM32_Programmer_CLI
	export STM32CUBEPRG_CLI=$HL_DIR/STM32_Programmer_CLI
}

@test "another chip is connected when its license came: suspect" {
	hsmlic-sim chip new other >/dev/null
	when_connected "ln -sfn $HL_DIR/other $HL_DIR/world/chip"
	flash
	failed_with 6 1 "another chip is connected" "license trust"
	accounts 19 issued_bad
	[ "$(sql "SELECT state, length(bytes) FROM licenses")" = "suspect|136" ]
	# Nor is one trusted whose chip has gone.
	standin_chip chip
	when_connected "rm $HL_DIR/world/chip"
	flash --yes
	failed_with 6 1 "it may be another chip's"
	accounts 18 "issued_bad issued_bad"
}

@test "killed, and nobody has looked at the chip again: suspect" {
	when_connected "sleep 0.7"
	flash_in_background
	counted 19
	hl_stop "$FLASH" KILL
	all_quiet
	[ "$(cat store.db.d/spool/*.tool.end)" = "exit 0" ]
	run -0 hsmlic recover
	[[ $output == *"issued_bad: a unit is gone, its bytes are kept"* ]]
	accounts 19 issued_bad
}

@test "its TF-A goes along with each command for the connected chip" {
	standin_switches no-hsmglfcb
	: >tfa.stm32
	: >other.stm32
	run -0 hsmlic get --yes --target stm32prog:port=SWD --tfa tfa.stm32 -o lic
	cat world/journal
	[ "$(grep -c -e "-gc $HL_DIR/.*\.tool\.check tfa\.stm32" world/journal)" = 1 ]
	[ "$(grep -c -e "-gc $HL_DIR/.*\.tool\.after tfa\.stm32" world/journal)" = 1 ]
	[ "$(grep -c -e "-hsmgetlicense .* slot=1 tfa\.stm32" world/journal)" = 1 ]
	accounts 19 issued
	# As the user's own command has it.
	rm -rf chip
	hsmlic-sim chip new chip >/dev/null
	: >world/journal
	cp out.sfi out.ssp
	hsmlic run -- STM32_Programmer_CLI -c port=usb1 -ssp out.ssp other.stm32 \
		hsm=1 slot=1 >out 2>err || true
	[ "$(grep -c -e "-hsmgetlicense .* slot=1 other\.stm32" world/journal)" = 1 ]
	accounts 18 "issued issued"
}

# ---- what it writes is no license --------------------------------------------

@test "what it writes is too long, or nothing" {
	local count
	count="\"$REAL\" -hsmglfcb \"\$2\" $HL_DIR/real slot=1"
	program "$count" "head -c 5000 /dev/zero >\"\$3\""
	flash
	failed_with 6 1 "no license came; what STM32_Programmer_CLI wrote to $HL_DIR"
	[ "$(stat -c %s store.db.d/spool/*.tool.license)" = 5000 ]
	rm store.db.d/spool/*.tool.license
	accounts 19 lost_or_outside
	program ": >\"\$3\""
	flash --yes
	failed_with 3 0 "left no license"
	accounts 19 "lost_or_outside not_spent"
	# It is kept whatever the counter says.
	program "head -c 5000 /dev/zero >\"\$3\""
	flash --yes
	failed_with 3 0 "is no license: it is longer than 4096 bytes"
	grep "^hsmlic: note: $HL_DIR.*\.tool\.license stays" err
	[ "$(stat -c %s store.db.d/spool/*.tool.license)" = 5000 ]
	rm store.db.d/spool/*.tool.license
	accounts 19 "lost_or_outside not_spent not_spent"
}

@test "too long, and nobody to judge it but recover: it is kept" {
	program "\"$REAL\" -hsmglfcb \"\$2\" $HL_DIR/real slot=1" \
		"head -c 5000 /dev/zero >\"\$3\"" "sleep 0.7"
	flash_in_background
	counted 19
	hl_stop "$FLASH" KILL
	all_quiet
	run -0 hsmlic recover
	[[ $output == *"lost_or_outside: a unit is gone"* ]]
	[ "$(stat -c %s store.db.d/spool/*.tool.license)" = 5000 ]
	rm store.db.d/spool/*.tool.license
	accounts 19 lost_or_outside
}

# as_nobody COMMAND...: one whom file modes stop, unlike root.
as_nobody() {
	[ "$(id -u)" -eq 0 ] || { "$@"; return; }
	chmod 711 "$HL_DIR"
	chown -R nobody "$HL_DIR"
	setpriv --reuid nobody --regid nogroup --clear-groups \
		--inh-caps=-all --bounding-set=-all "$@"
}

@test "the license cannot be read: it stays, and the request stays open" {
	program "\"$REAL\" -hsmglfcb \"\$2\" \"\$3\" \"\$4\" && chmod 0 \"\$3\""
	STATUS=0
	as_nobody hsmlic run -- "${SCRIPT[@]}" >out 2>err 3>&- || STATUS=$?
	failed_with 6 unknown ".tool.license may be the license, and cannot be read: Permission denied"
	[ "$(sql "SELECT state FROM issues")" = open ]
	# Whoever judges it without its bytes would throw them away.
	run -6 as_nobody hsmlic recover
	[[ $output == *".tool.license may be the license"* ]]
	id=$(basename store.db.d/spool/*.tool.license .tool.license)
	run -3 as_nobody hsmlic recover --write-off "$id" --reason gone --yes
	[[ $output == *".tool.license may be the license"* ]]
	[ "$(stat -c %s "store.db.d/spool/$id.tool.license")" = 136 ]
	[ "$(sql "SELECT state FROM issues")" = open ]
	chmod 600 store.db.d/spool/*.tool.license
	run -0 as_nobody hsmlic recover
	[[ $output == *"issued: the license is back in the store"* ]]
	accounts 19 issued
	unset STM32CUBEPRG_CLI
	serves_for_nothing 0
}

@test "it says 0 when it is made to end: what it wrote is no license" {
	local count
	count="\"$REAL\" -hsmglfcb \"\$2\" $HL_DIR/real slot=1"
	program "$count" "head -c 60 $HL_DIR/real >\"\$3\"" \
		"trap 'exit 0' TERM" "sleep 60 & wait"
	flash --timeout 6
	failed_with 6 1 "did not end in time, was ended and left 60 bytes"
	accounts 19 issued_bad
	asks_before_more
}

@test "it writes something, fails, and the card did not count" {
	program "echo half >\"\$3\"" "echo Error: no card" "exit 1"
	flash
	failed_with 6 unknown "left 5 bytes, which are kept as suspect: Error: no"
	[ "$(sql "SELECT state, length(bytes) FROM licenses")" = "suspect|5" ]
	accounts 20 issued_bad
	unset STM32CUBEPRG_CLI
	flash
	[ "$STATUS" = 0 ]
	accounts 19 "issued_bad issued"
	serves_for_nothing
}

# ---- many at once ------------------------------------------------------------

@test "four processes for one chip: one unit" {
	local pids=() pid
	while_issuing slow=300
	for _ in 1 2 3 4; do
		flash_in_background
		pids+=("$HL_PID")
	done
	for pid in "${pids[@]}"; do
		hl_stop "$pid" 0
		[ "$HL_STATUS" = 0 ]
	done
	accounts 19 issued
	serves_for_nothing
}

@test "three chips for one card at once: each waits for its turn" {
	local pids=() pid n
	for n in 1 2 3; do
		hsmlic-sim chip new "chip-$n" >/dev/null
		standin_chip "chip-$n" "SN$n"
	done
	while_issuing slow=200 slow-write=100
	for n in 1 2 3; do
		hl_spawn "flash$n.log" hsmlic run -- STM32_Programmer_CLI \
			-c port=swd mode=HOTPLUG "sn=SN$n" -sfi out.sfi hsm=1
		pids+=("$HL_PID")
	done
	for pid in "${pids[@]}"; do
		hl_stop "$pid" 0
		[ "$HL_STATUS" = 0 ]
	done
	for n in 1 2 3; do cmp "chip-$n/flash.bin" fw.bin; done
	accounts 17 "issued issued issued"
}

# ---- the disk is full --------------------------------------------------------

small_disk() {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a small file system"
	mkdir small
	mount -t tmpfs -o size=5m none small || skip "no mount here"
	export HSMLIC_STORE=$HL_DIR/small/store.db
	rm -rf store.db*
	ln -s small/store.db.d store.db.d
	hsmlic store init >/dev/null
}

@test "the disk is full when the program has written the license" {
	small_disk
	program "\"$REAL\" -hsmglfcb \"\$2\" \"\$3\" \"\$4\" && sleep 0.8"
	flash_in_background
	counted 19
	sleep 0.2
	head -c 9m /dev/zero >small/filler 2>/dev/null || true
	hl_stop "$FLASH" 0
	[ "$HL_STATUS" = 0 ]
	rm small/filler
	accounts 19 issued
	serves_for_nothing 0
	umount -l small
}

@test "the disk is full when the program writes it: the unit is accounted for" {
	small_disk
	while_issuing slow-write=800
	flash_in_background
	counted 19
	head -c 9m /dev/zero >small/filler 2>/dev/null || true
	hl_stop "$FLASH" 0
	cp flash.log err
	STATUS=$HL_STATUS
	failed_with 6 1 "no license came; STM32_Programmer_CLI ended with 1"
	rm small/filler
	accounts 19 lost_or_outside
	asks_before_more
	umount -l small
}

@test "killed, and the disk is full when it is recovered" {
	small_disk
	for reserve in yes no; do
		rm -rf chip
		hsmlic-sim chip new chip >/dev/null
		n=$(left)
		while_issuing slow-write=700
		flash_in_background
		counted $((n - 1))
		hl_stop "$FLASH" KILL
		all_quiet
		[ -e store.db.d/ballast ]
		[ $reserve = yes ] || rm store.db.d/ballast
		head -c 9m /dev/zero >small/filler 2>/dev/null || true
		if [ $reserve = no ]; then
			run -6 hsmlic recover
			[[ $output == *"stays open"*"No space left on device"* ]]
			[ "$(stat -c %s store.db.d/spool/*.tool.license)" = 136 ]
			rm small/filler
		fi
		run -0 hsmlic recover
		[[ $output == *"issued: the license is back in the store"* ]]
		rm -f small/filler
		: >world/journal
		serves_for_nothing 0
	done
	accounts 18 "issued issued"
	umount -l small
}

# ---- the accounts are looked at ----------------------------------------------

@test "these tests notice: a unit that nobody accounts for, and what is left" {
	flash
	accounts 19 issued
	STM32_Programmer_CLI -hsmglfcb chip/certificate.bin lic slot=1 >/dev/null
	run ! accounts 18 issued
	[[ $output == *"20 provisioned, 18 left, but 1 issued or lost"* ]]
	hsmlic card list --card FW-A >/dev/null
	run ! accounts 18 issued
	OUTSIDE=1 accounts 18 issued
	touch store.db.d/spool/x.license
	OUTSIDE=1 run ! accounts 18 issued
	[[ $output == *"left: "*"x.license" ]]
	rm store.db.d/spool/x.license
	OUTSIDE=1 run ! accounts 18 "issued lost"
	OUTSIDE=1 run ! accounts 17 issued
	# Two units for one chip: its user said so, but this is to be noticed.
	standin_switches bad-license
	flash
	[ "$STATUS" = 1 ]
	standin_switches
	hsmlic get --cert chip/certificate.bin --card slot:1 --yes -q
	flash
	[ "$STATUS" = 0 ]
	OUTSIDE=1 run ! accounts 17 "issued issued"
	[[ $output == *"was issued twice"* ]]
}
