# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# The main job over a real pcscd: one chip's license is taken from a card once
# and handed out again for nothing ever after.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	unset HSMLIC_CARD HSMLIC_TARGET
	export XDG_CONFIG_HOME=$HL_DIR/config
}

teardown() {
	hl_teardown
}

new_chip() { # NAME...
	local name
	for name in "$@"; do
		hsmlic-sim chip new "$HL_DIR/$name" >/dev/null
	done
}

new_card() { # FILE CAPACITY [OPTIONS]
	hsmlic-sim card new "$HL_DIR/$1" --firmware "${3:-fw-$1}" \
		--capacity "$2" "${@:4}" >/dev/null
}

left() { # FILE: what the card itself says
	hsmlic-sim card show "$HL_DIR/$1" --json | jq .counter
}

get() {
	hsmlic get --yes --json "$@"
}

# judged CARD...: what must hold whatever happened.
judged() {
	invariants "$HL_DIR/s.db" "$@"
}

@test "a miss costs one unit, a hit none, also when the card is gone" {
	new_card card 3
	new_chip chip
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"

	run -0 --separate-stderr get --target sim:chip -o first
	[ "$(jq -r .source <<<"$output")" = card ]
	[ "$(jq .units_spent <<<"$output")" = 1 ]
	[ "$(jq .counter_before <<<"$output")" = 3 ]
	[ "$(jq .counter_after <<<"$output")" = 2 ]
	[ "$(jq -r .path <<<"$output")" = first ]
	[ "$(jq -r .card.reader <<<"$output")" = "${READER[0]}" ]
	[ "$(stat -c %a first)" = 600 ]

	run -0 --separate-stderr get --target sim:chip -o second
	[ "$(jq -r .source <<<"$output")" = store ]
	[ "$(jq .units_spent <<<"$output")" = 0 ]
	cmp first second

	stop_card 0
	run -0 --separate-stderr get --target sim:chip -o third
	[ "$(jq -r .source <<<"$output")" = store ]
	cmp first third
	[ "$(left card)" = 2 ]
	judged card
}

@test "a hit needs no card, wherever one was named" {
	new_card card 3
	new_card other 3
	new_chip chip
	start_pcscd unix unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"
	get --target sim:chip --card "reader:${READER[0]}" -o first
	stop_card 0
	mkdir moved
	run -0 hsmlic get --target sim:chip --card "reader:${READER[0]}" \
		-o second
	cmp first second
	run -0 hsmlic get --cached --uid "$(cat chip/uid.hex)" \
		--card "reader:${READER[0]}" -o second

	# A software card has its place, too, and is not there any more.
	new_card soft 3
	get --target sim:chip --card sim:soft -o soft.license
	mv soft moved
	for card in sim:soft "sim:$HL_DIR/soft" sim:moved/../soft; do
		run -0 --separate-stderr hsmlic get --target sim:chip \
			--card "$card" -o soft.license --json
		[ "$(jq -r '.source + " " + .firmware' <<<"$output")" = \
			"store fw-soft" ]
		run -0 hsmlic get --target sim:chip --card "$card" --cached \
			-o soft.license
	done

	# Where no card ever was, nobody knows which firmware is meant.
	run -3 get --target sim:chip --card "reader:${READER[1]}"
	run -3 get --target sim:chip --card sim:nothing
	run -4 --separate-stderr hsmlic get --target sim:chip --cached \
		--card "reader:${READER[1]}"
	[[ $stderr == *"knows no card"*"--firmware"* ]]
	# The card that is there now counts, not the one that was there before.
	start_card 0 hsmlic-sim card serve "$HL_DIR/other"
	run -4 hsmlic get --target sim:chip --card "reader:${READER[0]}"
	[ "$(left other)" = 3 ]
	[ "$(left card)" = 2 ]
	judged card moved/soft
}

@test "the license works on its chip and on no other" {
	new_card card 3
	new_chip chip other
	head -c 5000 /dev/urandom >firmware
	hsmlic-sim image new image --card card --in firmware
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"
	get --target sim:chip -o license
	run -0 hsmlic-sim install image license --chip chip
	run -8 hsmlic-sim install image license --chip other
}

@test "through a reader driver of somebody else, T=1 and T=0" {
	new_card one 2
	new_card zero 2
	new_chip chip
	start_pcscd vpcd vpcd
	start_card 0 hsmlic-sim card serve "$HL_DIR/one"
	start_card 1 hsmlic-sim card serve "$HL_DIR/zero" --t0
	run -0 --separate-stderr get --target sim:chip --card "reader:${READER[0]}"
	[ "$(jq .units_spent <<<"$output")" = 1 ]
	run -0 --separate-stderr get --target sim:chip --card "reader:${READER[1]}"
	[ "$(jq .units_spent <<<"$output")" = 1 ]
	[ "$(left one)" = 1 ]
	[ "$(left zero)" = 1 ]
	judged one zero
}

@test "fifty processes, one chip: one unit, fifty licenses" {
	local i pids=()
	new_card card 60
	new_chip chip
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"
	for ((i = 0; i < 50; i++)); do
		get --target sim:chip -o "lic$i" >"out$i" 2>"err$i" 3>&- &
		pids+=($!)
	done
	for i in "${!pids[@]}"; do
		wait "${pids[i]}" || { cat "err$i"; false; }
		cmp lic0 "lic$i"
	done
	[ "$(cat out* | jq -s 'map(.units_spent) | add')" = 1 ]
	[ "$(left card)" = 59 ]
	judged card
}

@test "fifty processes, fifty chips: fifty units" {
	local i pids=()
	new_card card 60
	for ((i = 0; i < 50; i++)); do
		new_chip "chip$i"
	done
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"
	for ((i = 0; i < 50; i++)); do
		get --target "sim:chip$i" -o "lic$i" >"out$i" 2>"err$i" 3>&- &
		pids+=($!)
	done
	for i in "${!pids[@]}"; do
		wait "${pids[i]}" || { cat "err$i"; false; }
	done
	[ "$(cat out* | jq -s 'map(.units_spent) | add')" = 50 ]
	[ "$(sha256sum lic* | cut -c1-64 | sort -u | wc -l)" = 50 ]
	[ "$(left card)" = 10 ]
	judged card
}

# ---- cards made by somebody else ------------------------------------------------

# stranger OPTIONS...: a miss and a hit with such a card in reader 0.
stranger() {
	rm -rf "$HL_DIR"/s.db*
	start_card 0 stranger-card --capacity 5 --state "$HL_DIR/stranger" "$@"
	run -0 --separate-stderr get --target sim:chip -o "$HL_DIR/license" --force
	[ "$(jq -r .source <<<"$output")" = card ]
	[ "$(jq .units_spent <<<"$output")" = 1 ]
	run -0 --separate-stderr get --target sim:chip -o "$HL_DIR/license"
	[ "$(jq .units_spent <<<"$output")" = 0 ]
	stop_card 0
	rm -f "$HL_DIR/stranger"
}

@test "a stranger's card: 61xx for every answer" {
	new_chip chip
	start_pcscd unix
	stranger --always-61
	stranger --always-61 --t0
}

@test "a stranger's card: 6Cxx for every Le" {
	new_chip chip
	start_pcscd unix
	stranger --always-6c
	stranger --always-6c --always-61
}

@test "a stranger's card: long-form lengths and unknown tags" {
	new_chip chip
	start_pcscd unix
	stranger --long-lengths
	stranger --unknown-tags
	stranger --long-lengths --unknown-tags --always-61
}

@test "a stranger's card: a license of 2,048 bytes" {
	new_chip chip
	start_pcscd unix vpcd
	stranger --license-size 2048
	[ "$(stat -c %s license)" = 2048 ]
	stranger --license-size 2048 --no-extended --always-61
	[ "$(stat -c %s license)" = 2048 ]
}

@test "a stranger's card: T=1 only, no replay, no extended length" {
	new_chip chip
	start_pcscd unix
	stranger --t1-only
	stranger --no-replay
	stranger --no-extended
	stranger --t1-only --no-replay --no-extended --always-61 --unknown-tags
}

# ---- faults between the request and its record ------------------------------------

# fault SPEC: one get with a card that goes wrong so. Status in $status.
fault() {
	rm -rf "$HL_DIR"/s.db* "$HL_DIR/card"*
	new_card card 10
	start_card 0 hsmlic-sim card serve "$HL_DIR/card" --fault "$1" "${@:2}"
	run --separate-stderr get --target sim:chip --timeout 20
}

@test "a card that drops the connection: the license comes all the same" {
	local spec
	new_chip chip
	start_pcscd unix
	for spec in drop-before drop-after; do
		fault "$spec"
		[ "$status" = 0 ]
		[ "$(jq .units_spent <<<"$output")" = 1 ]
		[ "$(left card)" = 9 ]
		judged card
		stop_card 0
	done
}

@test "the same over vpcd, where a lost answer looks like success" {
	local spec
	new_chip chip
	start_pcscd vpcd
	for spec in drop-before drop-after short; do
		fault "$spec"
		[ "$status" = 0 ]
		[ "$(left card)" = 9 ]
		judged card
		stop_card 0
	done
}

@test "garbage and a foreign request ID: asked again, nothing lost" {
	local spec
	new_chip chip
	start_pcscd unix
	for spec in garbage wrong-id; do
		fault "$spec"
		[ "$status" = 0 ]
		[ "$(left card)" = 9 ]
		judged card
		stop_card 0
	done
}

@test "a slow card is waited for" {
	new_chip chip
	start_pcscd unix
	fault slow:1:1500
	[ "$status" = 0 ]
	[ "$(left card)" = 9 ]
	judged card
}

@test "an interrupt while the card works waits for the license" {
	new_chip chip
	new_card card 10
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card" --fault slow:1:2000
	hsmlic get --yes --target sim:chip >out 2>err 3>&- &
	local pid=$! status=0
	while [ "$(left card)" = 10 ]; do sleep 0.05; done
	kill -INT "$pid"
	kill -TERM "$pid"
	wait "$pid" || status=$?
	# A background job of this shell ignores INT; TERM ends it, afterwards.
	[ "$status" = 143 ]
	[ "$(sqlite3 s.db 'SELECT state FROM issues')" = issued ]
	run -0 --separate-stderr get --target sim:chip
	[ "$(jq -r .source <<<"$output")" = store ]
	[ "$(left card)" = 9 ]
	judged card
}

@test "a mute card ends at --timeout, in doubt; recover brings the license" {
	new_card card 10
	new_chip chip
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card" --fault mute
	run -6 --separate-stderr get --target sim:chip --timeout 2
	[ "$(jq .error.units_spent <<<"$output")" = null ]
	[[ $stderr == *"hsmlic recover"* ]]
	# Still in doubt, not "try again": also while the card cannot be asked.
	run -6 --separate-stderr get --target sim:chip --timeout 1
	[[ $stderr == *"is not resolved"*"hsmlic recover"* ]]
	# The reader stays locked until the card lets go of it.
	stop_card 0 KILL
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"
	run -0 --separate-stderr hsmlic recover --json
	[ "$(jq -r '.issues[0].verdict' <<<"$output")" = "$(
		[ "$(left card)" = 9 ] && echo issued || echo not_spent
	)" ]
	judged card
	run -0 --separate-stderr get --target sim:chip
	[ "$(left card)" = 9 ]
	judged card
}

@test "pcscd dies while the card works: in doubt, settled by the next one" {
	local kind pid status
	for kind in unix vpcd; do
		new_card "$kind" 10
		new_chip "chip-$kind"
		start_pcscd "$kind"
		start_card $((${#READER[@]} - 1)) hsmlic-sim card serve \
			"$HL_DIR/$kind" --fault slow:1:2000
		get --target "sim:chip-$kind" --timeout 4 >out 2>err 3>&- &
		pid=$! status=0
		while [ "$(left "$kind")" = 10 ]; do sleep 0.05; done
		stop_pcscd KILL
		wait "$pid" || status=$?
		[ "$status" = 6 ]
		[ "$(jq .error.units_spent out)" = null ]
		[[ $(cat err) == *"hsmlic recover"* ]]
		hl_stop "${CARD_PID[${#READER[@]} - 1]}"

		start_pcscd "$kind"
		start_card $((${#READER[@]} - 1)) hsmlic-sim card serve \
			"$HL_DIR/$kind"
		run -0 --separate-stderr get --target "sim:chip-$kind"
		[ "$(jq -r .source <<<"$output")" = replay ]
		[ "$(jq .units_spent <<<"$output")" = 0 ]
		[ "$(left "$kind")" = 9 ]
		judged "$kind"
	done
}

@test "a card that is gone for good: in doubt, and settled when it is back" {
	new_card card 10
	new_chip chip
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card" \
		--fault drop-after --fault-stay-away
	run -6 --separate-stderr get --target sim:chip --timeout 2
	[ "$(left card)" = 9 ]
	run -6 --separate-stderr hsmlic recover --timeout 2 --json
	[ "$(jq -r '.issues[0].verdict' <<<"$output")" = open ]
	# Nothing is spent for that chip on another card meanwhile.
	wait_reader 0 empty
	hl_stop "${CARD_PID[0]}"
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"
	run -0 --separate-stderr get --target sim:chip
	[ "$(jq -r .source <<<"$output")" = replay ]
	[ "$(jq .units_spent <<<"$output")" = 0 ]
	[ "$(left card)" = 9 ]
	judged card
}

@test "told to say more, it says what it goes by and what it decides" {
	local file=$HL_DIR/config/hsmlic/config serial
	new_card card 5
	new_card spare 5
	new_chip chip other
	serial=$(hsmlic-sim card show card --json | jq -r .serial)
	mkdir -p config/hsmlic
	echo 'lot = 17' >"$file"
	start_pcscd unix unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"
	run -0 --separate-stderr hsmlic -v get --yes --target sim:chip
	[[ $stderr == *"hsmlic: configuration: $file"$'\n'* ]]
	[[ $stderr == *"hsmlic: lot is \"17\", from $file, line 1"$'\n'* ]]
	[[ $stderr == *"hsmlic: store: $HSMLIC_STORE, from HSMLIC_STORE"$'\n'* ]]
	[[ $stderr == *"card $serial in \"${READER[0]}\" is taken: no other one is there"* ]]
	[[ $stderr == *"request "*", counter 5 before: issued"* ]]
	start_card 1 hsmlic-sim card serve "$HL_DIR/spare"
	run -0 --separate-stderr hsmlic -v get --yes --target sim:other \
		--firmware fw-spare
	[[ $stderr == *"card $serial in "*" is passed over: it holds another"* ]]
	[[ $stderr == *" is taken: no other one fits"* ]]
	run -0 --separate-stderr hsmlic -v get --target sim:chip --card "$serial"
	[[ $stderr != *"a card is needed"* ]]
	run -0 --separate-stderr hsmlic get --target sim:chip --card "$serial"
	[ -z "$stderr" ]
}

@test "a request is written off: what that means for the unit is said" {
	local serial id
	new_card card 10
	new_chip chip
	serial=$(hsmlic-sim card show card --json | jq -r .serial)
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card" \
		--fault drop-after --fault-stay-away
	run -6 --separate-stderr get --target sim:chip --timeout 2
	hsmlic card label "$serial" B
	wait_reader 0 empty
	hl_stop "${CARD_PID[0]}"
	id=$(hsmlic status --json | jq -r '.open[0].issue_id')
	off() {
		hsmlic recover --write-off "$id" --reason "card lost" "$@"
	}
	run -4 --separate-stderr off
	[[ $stderr == *"for chip $(cat chip/uid.hex) on card \"B\" ($serial)"* ]]
	[[ $stderr == *"its unit may be gone"*"outside"* ]]
	run -0 --separate-stderr off --dry-run --json
	[ "$(jq -r '[.verdict, .dry_run] | @json' <<<"$output")" = \
		'["open",true]' ]
	cp "$HSMLIC_STORE" copy.db
	run -0 --separate-stderr off --yes --json
	[ "$(jq -r '[.issue_id, .uid, .card, .verdict, .units, .detail] |
		@json' <<<"$output")" = \
		"[\"$id\",\"$(cat chip/uid.hex)\",\"$serial\",\"written_off\",0,\"card lost\"]" ]
	HSMLIC_STORE=copy.db run -0 --separate-stderr off --yes
	[[ $output == *"chip $(cat chip/uid.hex)  card \"B\" ($serial)"* ]]
	[[ $output == *"written_off: its unit may be gone"*"card lost" ]]
	# It was, and so it shows.
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"
	run -0 --separate-stderr hsmlic status --json
	[ "$(jq .week.outside <<<"$output")" = 1 ]
	judged card
}

@test "a counter that does not move, or moves too far: kept, recorded, exit 6" {
	local spec
	new_chip chip
	start_pcscd unix
	for spec in stuck jump; do
		fault "$spec"
		[ "$status" = 6 ]
		judged card
		run -0 --separate-stderr get --target sim:chip
		[ "$(jq -r .source <<<"$output")" = store ]
		stop_card 0
	done
}

@test "no replay: a lost license is a recorded loss, and said before the next" {
	new_chip chip
	start_pcscd unix
	start_card 0 stranger-card --capacity 5 --no-replay --no-sw 1
	run -6 --separate-stderr get --target sim:chip
	[ "$(jq .error.units_spent <<<"$output")" = 1 ]
	run -0 --separate-stderr get --target sim:chip
	[[ $stderr == *"1 earlier attempt for this chip lost a unit"* ]]
	[ "$(jq .counter_before <<<"$output")" = 4 ]
	[ "$(jq .counter_after <<<"$output")" = 3 ]
}

# spool ISSUE CERTIFICATE LICENSE: such a record as docs/FORMAT.rescue has it.
spool() {
	python3 - "$@" >"$HL_DIR/s.db.d/spool/$1.license" <<-'EOT'
		import base64, hashlib, sys, uuid
		issue, cert, lic = sys.argv[1:]
		lic = open(lic, "rb").read()
		r = b"HLR1" + uuid.UUID(issue).bytes
		r += hashlib.sha256(open(cert, "rb").read()).digest()
		r += (4).to_bytes(4, "big") + len(lic).to_bytes(2, "big") + lic
		r += hashlib.sha256(r).digest()
		print("HSMLIC-RESCUE " + base64.b64encode(r).decode())
	EOT
}

@test "what lies in the spool for a closed request goes where it belongs" {
	new_chip chip
	start_pcscd unix
	start_card 0 stranger-card --capacity 5 --no-replay --no-sw 1
	run -6 --separate-stderr get --target sim:chip
	local issue
	issue=$(sqlite3 s.db "SELECT lower(hex(id)) FROM issues")
	issue=${issue:0:8}-${issue:8:4}-${issue:12:4}-${issue:16:4}-${issue:20}
	head -c 136 /dev/urandom >found
	# The loss was recorded; then the license turns up after all.
	spool "$issue" chip/certificate.bin found
	run -0 hsmlic recover
	[ -z "$(ls s.db.d/spool)" ]
	run -0 --separate-stderr get --target sim:chip -o license
	[ "$(jq -r .source <<<"$output")" = store ]
	cmp found license
	# What a crash left behind the commit is only taken away.
	spool "$issue" chip/certificate.bin found
	run -0 hsmlic recover
	[ -z "$(ls s.db.d/spool)" ]
	# So is what killed processes left.
	: >s.db.d/owner/00000000-0000-4000-8000-000000000000.lock
	: >s.db.d/spool/.hsmlic-0000.tmp
	touch -d "2 hours ago" s.db.d/spool/.hsmlic-0000.tmp
	: >s.db.d/spool/.hsmlic-0001.tmp
	run -0 hsmlic recover
	[ -z "$(ls s.db.d/owner)" ]
	[ "$(ls -A s.db.d/spool)" = .hsmlic-0001.tmp ]
	# Other bytes for it are kept where they are.
	spool "$issue" chip/certificate.bin chip/certificate.bin
	run -0 hsmlic recover
	[ "$(ls s.db.d/spool)" = "$issue.license" ]
	run -0 hsmlic store check
}

@test "units spent elsewhere are noticed, recorded and said" {
	new_card card 10
	new_chip chip other third
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"
	get --target sim:chip
	HSMLIC_STORE=$HL_DIR/elsewhere.db get --target sim:other
	run -0 --separate-stderr get --target sim:third
	[[ $stderr == *"1 unit left card"* ]]
	judged card
}
