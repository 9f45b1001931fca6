# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# Desk without chip, bench without card: certificates are carried to where the
# cards are, licenses are got for all of them, and carried back.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	unset HSMLIC_CARD HSMLIC_TARGET
	hsmlic store init -q >/dev/null
}

teardown() {
	hl_teardown
}

chips() { # DIR FIRST LAST
	local n
	mkdir -p "$1"
	for ((n = $2; n <= $3; n++)); do
		hsmlic-sim chip new "$1/c$n" --seed "$n" >/dev/null
	done
}

card() { # FILE CAPACITY [FIRMWARE]
	hsmlic-sim card new "$1" --firmware "${3:-fw}" --capacity "$2" >/dev/null
}

# Two cards with the key of one firmware, both known.
twins() { # FILE FILE CAPACITY
	hsmlic-sim card new "$1" --firmware fw --capacity "$3" --key key \
		--nonce nonce >/dev/null
	hsmlic-sim card new "$2" --firmware fw --capacity "$3" --key key \
		--nonce nonce >/dev/null
	hsmlic card add "sim:$1" -q >/dev/null
	hsmlic card add "sim:$2" --firmware fw -q >/dev/null
}

left() {
	hsmlic-sim card show "$1" --json | jq .counter
}

serial() {
	hsmlic-sim card show "$1" --json | jq -r .serial
}

kept() {
	hsmlic license list --json | jq '.licenses | length'
}

prefetch() {
	hsmlic prefetch --yes --json "$@"
}

# refuses CODE WORDS COMMAND...
refuses() {
	local code=$1 words=$2
	shift 2
	run "-$code" --separate-stderr hsmlic "$@"
	[[ $stderr == *"$words"* ]] || { echo "$stderr"; return 1; }
	[ "$(grep -c '^hsmlic: hint:' <<<"$stderr")" = 1 ]
}

# is FILTER VALUE: of the last line of JSON in $output
is() {
	local value
	value=$(tail -n 1 <<<"$output" | jq -r "$1")
	[ "$value" = "$2" ] || { echo "$1 is $value, not $2"; return 1; }
}

# judged CARD...: what must hold whatever happened.
judged() {
	invariants "$HL_DIR/s.db" "$@"
	hsmlic store check
}

@test "a certificate is read at the bench, into a file or a folder" {
	local uid
	chips . 1 2
	uid=$(cat c1/uid.hex)
	run -0 --separate-stderr hsmlic chip read --target sim:c1 -o cert --json
	is '[.path, .uid, .added] | @json' "[\"cert\",\"$uid\",true]"
	cmp cert c1/certificate.bin
	# Known by its UID: the store has the certificate.
	run -0 hsmlic chip read --uid "$uid" -o again
	cmp again c1/certificate.bin
	run -0 hsmlic chip read --uid "$uid" -o again
	echo precious >again
	refuses 2 "other content" chip read --uid "$uid" -o again
	[ "$(cat again)" = precious ]
	run -0 hsmlic chip read --uid "$uid" -o again --force
	cmp again c1/certificate.bin
	run -0 hsmlic chip read --target sim:c2 -o none --dry-run
	[ ! -e none ]
	refuses 2 "certificate is not known" chip read -o none \
		--uid 0123456789ABCDEF01234567
	refuses 2 "file of the store" chip read --uid "$uid" -o s.db --force
	refuses 2 "no -o -" chip read --uid "$uid" -o -

	mkdir there
	run -0 --separate-stderr hsmlic chip read --target sim:c1 -o there --json
	is .path "there/$uid.certificate.bin"
	cmp "there/$uid.certificate.bin" c1/certificate.bin
	output=$(jq -c . "there/$uid.chip.json")
	is '[.schema, .uid, .certificate_sha256, .product_id] | @json' \
		"[\"hsmlic/chip-file/1\",\"$uid\",\"$(
			sha256sum <cert | cut -d' ' -f1
		)\",\"45002001\"]"
	# Without a UID it is called by the hash.
	run -0 hsmlic chip read --cert c2/certificate.bin -o made/
	[ -s "made/$(sha256sum <c2/certificate.bin | cut -c1-24).certificate.bin" ]
}

@test "from the bench to the desk and back: one unit a chip, none at the bench" {
	local c desk=$HL_DIR/desk.db bench=$HL_DIR/bench.db
	chips . 1 3
	card card 9
	HSMLIC_STORE=$bench
	for c in 1 2; do
		hsmlic chip read --target "sim:c$c" -o carry/ >/dev/null
	done
	# Of one only the certificate is at hand.
	hsmlic chip read --cert c3/certificate.bin -o carry/ >/dev/null

	HSMLIC_STORE=$desk
	run -0 --separate-stderr prefetch carry --card sim:card
	is '[.units_spent, .got, .kept, .failed, .passed_over] | @json' \
		'[3,3,0,0,0]'
	[ "$(left card)" = 6 ]
	# The UID came along with the certificate.
	run -0 hsmlic get --cached --uid "$(cat c1/uid.hex)" -o l1
	# Exported into the same folder as into one of its own.
	hsmlic license export --dir carry >/dev/null
	hsmlic license export --dir back >/dev/null
	[ "$(find back -name '*.license.bin' | wc -l)" = 3 ]

	HSMLIC_STORE=$bench
	for c in carry back; do
		run -0 --separate-stderr hsmlic license import "$c" \
			--new-firmware --json
		is .failed 0
	done
	for c in 1 2 3; do
		run -0 --separate-stderr hsmlic get --cached \
			--target "sim:c$c" -o "bench$c" --json
		is '[.source, .units_spent] | @json' '["store",0]'
		HSMLIC_STORE=$desk hsmlic get --cached -o "desk$c" \
			--cert "c$c/certificate.bin" >/dev/null
		cmp "bench$c" "desk$c"
	done
	[ "$(left card)" = 6 ]
	HSMLIC_STORE=$desk hsmlic store check
	hsmlic store check
	invariants "$desk" card
}

@test "what is in the store costs nothing, and needs no card" {
	chips in 1 3
	card card 9
	prefetch in/c1 --card sim:card 2>/dev/null >/dev/null
	run -0 --separate-stderr prefetch in --card sim:card
	is '[.units_spent, .got, .kept] | @json' '[2,2,1]'
	is '[.chips[] | [.file, .source, .units_spent]] | @json' \
		'[["in/c1/certificate.bin","store",0],["in/c2/certificate.bin","card",1],["in/c3/certificate.bin","card",1]]'
	is '.cards | @json' "[{\"label\":null,\"serial\":\"$(serial card)\",\"reader\":\"sim:$HL_DIR/card\",\"counter_before\":8,\"counter_after\":6,\"units_spent\":2}]"
	mv card away
	run -0 --separate-stderr hsmlic prefetch in --json
	is '[.units_spent, .kept] | @json' '[0,3]'
	run -0 --separate-stderr hsmlic prefetch in --firmware fw
	[[ $output == *kept*in/c3/certificate.bin* ]]
	[[ $stderr == *"0 got, 3 in the store already"* ]]
	run -0 --separate-stderr hsmlic prefetch in --card "$(serial away)" \
		--json
	# That it was asked for again is no use of a license.
	[ "$(hsmlic status --json | jq .today.reused)" = 0 ]
	[ "$(left away)" = 6 ]
	judged away
}

@test "it is asked once, with all that it costs" {
	chips in 1 3
	card card 9
	refuses 4 'spend 3 units for 3 of 3 chips, firmware "fw"' prefetch in \
		--card sim:card
	[[ $stderr == *"card $(serial card) in \"sim:$HL_DIR/card\": 3 of its 9 licenses, 6 left after that"* ]]
	[[ $stderr == *"can never be put back"*"--yes"* ]]
	[ "$(left card)" = 9 ]
	run -0 --separate-stderr hsmlic prefetch in --card sim:card --dry-run \
		--json
	is '[.units_spent, .dry_run, .cards[0].would_spend] | @json' \
		'[0,true,3]'
	is '[.chips[].result] | unique | @json' '["would-get"]'
	[ "$(left card)" = 9 ]
	[ "$(kept)" = 0 ]
	mkdir -p config/hsmlic
	echo 'spend = allow' >config/hsmlic/config
	run -0 --separate-stderr hsmlic prefetch in/c1 --card sim:card -q
	[[ $stderr == *"1 of its 9 licenses, 8 left"*"spend 1 unit for"* ]]
	rm config/hsmlic/config
	# On a terminal one answer goes for all of them.
	run -0 script -qec "hsmlic prefetch in --card sim:card" /dev/null <<<y
	[[ $output == *"spend 2 units for 2 of 3 chips"*"2 got, 1 in the store"* ]]
	[ "$(left card)" = 6 ]
	# A chip that has cost one already is said to.
	hsmlic license retire "$(cat in/c2/uid.hex)" --reason x --yes >/dev/null
	run -4 --separate-stderr hsmlic prefetch in --card sim:card
	[[ $stderr == *"1 of these chips has cost units before"* ]]
	judged card
}

@test "too few units: nothing is spent, unless a part is wanted" {
	chips in 1 5
	card card 3
	refuses 4 "5 chips need a unit, and the card present can serve 3" \
		prefetch in --card sim:card --yes
	refuses 4 "can serve 3" prefetch in --card sim:card --dry-run
	[ "$(left card)" = 3 ]
	run -4 --separate-stderr prefetch in --card sim:card --partial
	is '[.units_spent, .got, .not_tried] | @json' '[3,3,2]'
	is '[.chips[3,4].error.code] | @json' '["no-license","no-license"]'
	[ "$(left card)" = 0 ]
	refuses 4 "2 chips need a unit, and the card present can serve 0" \
		prefetch in --card sim:card --yes
	# The rest comes from another card of the same firmware.
	card other 9
	refuses 2 "say which: hsmlic card add" prefetch in --card sim:other --yes
	hsmlic card add sim:other --firmware fw >/dev/null
	run -0 --separate-stderr prefetch in --card sim:card --card sim:other
	is '[.units_spent, .kept, .cards[0].serial] | @json' \
		"[2,3,\"$(serial other)\"]"
	judged card other
}

@test "files that are no certificates, the same ones twice, two UIDs" {
	local uid
	chips in 1 3
	uid=$(cat in/c1/uid.hex)
	card card 9
	cp in/c1/certificate.bin in/copy.certificate.bin
	cp in/c2/certificate.bin in/anything
	echo note >in/readme.txt
	head -c 100 in/c3/certificate.bin >in/cut.certificate.bin
	mkdir -p in/c1/deep
	run -2 --separate-stderr prefetch in nothing in/c3/certificate.bin \
		--card sim:card
	[[ $stderr == *"1 other file passed over"* ]]
	[[ $stderr == *"3 files with a certificate met before"* ]]
	[[ $stderr == *"1 folder in subfolders of in not looked into"* ]]
	is '[.units_spent, .got, .failed, .passed_over] | @json' '[3,3,2,1]'
	is '[.chips[] | select(.result == "failed") | [.file, .error.code]] |
		@json' \
		'[["in/cut.certificate.bin","input"],["nothing","not-found"]]'
	[ "$(left card)" = 6 ]
	# The UID of the folder counts for the copy that was met first.
	is '[.chips[] | select(.uid != null)] | length' 3
	refuses 2 "there is no certificate" prefetch in/c1/deep --card sim:card
	# Two UIDs for one certificate, or one that the store knows otherwise.
	mkdir two
	hsmlic-sim chip new two/c9 --seed 9 >/dev/null
	cp -r two/c9 two/same
	echo 0123456789ABCDEF01234567 >two/same/uid.hex
	run -2 --separate-stderr prefetch two --card sim:card
	is '[.chips[] | [.result, .error.code]] | @json' '[["failed","conflict"]]'
	echo 0123456789ABCDEF01234567 >in/c1/uid.hex
	run -2 --separate-stderr prefetch in/c1 --card sim:card
	is '[.chips[] | [.result, .error.code]] | @json' '[["failed","conflict"]]'
	[ "$(left card)" = 6 ]
	# A certificate of another make has to be wanted.
	head -c 200 /dev/urandom >other.cert
	run -2 --separate-stderr prefetch other.cert --card sim:card
	# This card gives none for it, and goes on with the next.
	chips next 4 4
	run -4 --separate-stderr prefetch other.cert next --card sim:card \
		--any-certificate
	is '[.chips[] | [.result, .error.code]] | @json' \
		'[["failed","no-license"],["got",null]]'
	[[ $output == *"refuses the certificate"* ]]
	judged card
}

@test "cards of two firmwares, of another product, or none at all" {
	chips in 1 2
	card a 9
	card b 9 other
	refuses 2 '"fw" and "other"' prefetch in --card sim:a --card sim:b --yes
	run -0 --separate-stderr prefetch in --card sim:a --card sim:b \
		--firmware other
	[ "$(left a) $(left b)" = "9 7" ]
	chips more 3 3
	refuses 3 "No such file" prefetch more --card sim:none --yes
	refuses 4 'serves firmware "fw9"' prefetch in --card sim:a --yes \
		--firmware fw9
	hsmlic-sim card new c --firmware wrong --capacity 9 \
		--product 46201002 >/dev/null
	refuses 4 "serves product 46201002" prefetch in --card sim:c --yes
	[ "$(left c)" = 9 ]
	judged a b
}

@test "several cards at once, a process for each" {
	chips in 1 12
	head -c 16 /dev/urandom >key
	head -c 12 /dev/urandom >nonce
	twins a b 9
	run -0 --separate-stderr prefetch in --card sim:a --card sim:b \
		--lot 17 --class test
	is '[.units_spent, .got] | @json' '[12,12]'
	is '[.cards[] | [.counter_before, .counter_after, .units_spent]] | @json' \
		'[[9,3,6],[9,3,6]]'
	is '[.chips[].license_sha256] | unique | length' 12
	[ "$(left a) $(left b)" = "3 3" ]
	[ "$(kept)" = 12 ]
	[ "$(sqlite3 s.db "SELECT count(*) FROM issues")" = 12 ]
	judged a b
	# Divided by what they have left, and not more than was agreed to.
	chips more 13 17
	prefetch more/c13 more/c14 --card sim:a >/dev/null 2>&1
	chips most 18 18
	run -0 --separate-stderr prefetch more most --card sim:a --card sim:b
	[ "$(left a) $(left b)" = "0 0" ]
	judged a b
}

@test "through two readers of a pcscd, with a bar on a terminal" {
	local n
	chips in 1 8
	hsmlic-sim card new one --firmware fw --capacity 9 >/dev/null
	hsmlic-sim card new two --firmware fw --capacity 9 >/dev/null
	start_pcscd unix vpcd
	start_card 0 hsmlic-sim card serve "$HL_DIR/one"
	hsmlic card add -q >/dev/null
	start_card 1 hsmlic-sim card serve "$HL_DIR/two"
	hsmlic card add "reader:${READER[1]}" --firmware fw -q >/dev/null
	run -0 --separate-stderr prefetch in
	is '[.units_spent, .got] | @json' '[8,8]'
	is '[.cards[] | [.reader, .units_spent]] | sort | @json' \
		"[[\"${READER[0]}\",4],[\"${READER[1]}\",4]]"
	judged one two
	# A card that is taken away ends what is its, and nothing else.
	stop_card 0
	start_card 0 hsmlic-sim card serve "$HL_DIR/one" --fault \
		drop-after:2 --fault-stay-away
	chips more 11 16
	run -6 --separate-stderr prefetch more --timeout 4
	is '[.got, .failed, .not_tried] | @json' '[4,1,1]'
	is '.in_doubt' 1
	wait_reader 0 empty
	hl_stop "${CARD_PID[0]}"
	start_card 0 hsmlic-sim card serve "$HL_DIR/one"
	n=$(left one)
	run -0 --separate-stderr prefetch more
	[[ $stderr == *"a request of before"*"is settled: issued"* ]]
	is '[.units_spent, .got, .kept] | @json' '[1,1,5]'
	[ "$(left one)/$(left two)" = "$n/1" ] ||
		[ "$(left one)/$(left two)" = "$((n - 1))/2" ]
	[ "$(kept)" = 14 ]
	judged one two
}

# licenses: as kept() does, but fast, and without a word to the store.
licenses() {
	sqlite3 -readonly s.db 'SELECT count(*) FROM licenses' 2>/dev/null ||
		echo 0
}

# ended: nobody has the store open any more. Workers whose parent was killed
# end behind the request at hand.
ended() {
	local n
	for ((n = 0; n < 200; n++)); do
		[ -n "$(find s.db.d/open -type f ! -exec flock -n {} true \; \
			-print)" ] || return 0
		sleep 0.05
	done
	return 1
}

@test "killed in the middle, again and again: a unit for each license" {
	local n pid cards round killed=0
	chips in 1 80
	head -c 16 /dev/urandom >key
	head -c 12 /dev/urandom >nonce
	twins a b 90
	for round in 1 2 3 4 5 6; do
		# Every other time with two processes at two cards.
		cards=(--card sim:a)
		[ $((round % 2)) = 1 ] || cards+=(--card sim:b)
		n=$(kept) # which mends what the kill left half-written
		hsmlic prefetch in --yes "${cards[@]}" >out 2>err 3>&- &
		pid=$!
		while [ "$(licenses)" -le "$n" ]; do
			kill -0 "$pid"
		done
		kill -KILL "$pid" && killed=$((killed + 1))
		wait "$pid" 2>/dev/null || true
		ended
	done
	[ "$killed" = 6 ]
	[ "$(kept)" -ge 6 ]
	[ "$(kept)" -lt 80 ]
	run -0 --separate-stderr prefetch in --card sim:a --card sim:b
	is '.chips | length' 80
	is '[.failed, .not_tried, .in_doubt] | @json' '[0,0,0]'
	[ "$(kept)" = 80 ]
	[ $((180 - $(left a) - $(left b))) = 80 ]
	[ "$(sqlite3 s.db 'SELECT sum(units) FROM issues')" = 80 ]
	[ "$(sqlite3 s.db "SELECT count(*) FROM issues
		WHERE state <> 'issued' AND state <> 'not_spent'")" = 0 ]
	judged a b
}

@test "a worker that dies costs nothing but time; the others go on" {
	local pid worker n=0
	chips in 1 80
	head -c 16 /dev/urandom >key
	head -c 12 /dev/urandom >nonce
	twins a b 50
	hsmlic prefetch in --yes --json --card sim:a --card sim:b >out \
		2>err 3>&- &
	pid=$!
	while [ "$(licenses)" -lt 2 ]; do
		kill -0 "$pid"
	done
	worker=$(pgrep -P "$pid" | head -n 1)
	kill -KILL "$worker"
	wait "$pid" || n=$?
	output=$(cat out)
	is '.got + .failed + .not_tried' 80
	[ "$(tail -n 1 out | jq .not_tried)" -gt 0 ]
	[[ $n == 6 || $n == 7 ]]
	grep -q "its process ended too early" out
	# One card did all of its part.
	is '[.cards[].units_spent] | max' 40
	is .got "$(kept)"
	is .in_doubt "$(sqlite3 s.db \
		"SELECT count(*) FROM issues WHERE state = 'open'")"
	run -0 --separate-stderr prefetch in --card sim:a --card sim:b
	is '[.failed, .not_tried] | @json' '[0,0]'
	[ "$(kept)" = 80 ]
	[ $((100 - $(left a) - $(left b))) = 80 ]
	judged a b
}

@test "an interrupt ends it behind the request at hand, with what was done" {
	local pid n cards
	chips in 1 80
	head -c 16 /dev/urandom >key
	head -c 12 /dev/urandom >nonce
	twins a b 90
	for cards in "--card sim:a" "--card sim:a --card sim:b"; do
		# shellcheck disable=SC2086
		hsmlic prefetch in --yes --json $cards >out 2>err 3>&- &
		pid=$!
		n=$(licenses)
		while [ "$(licenses)" -lt $((n + 2)) ]; do
			kill -0 "$pid"
		done
		kill -TERM "$pid"
		n=0
		wait "$pid" || n=$?
		[ "$n" = 143 ]
		output=$(cat out)
		is .interrupted true
		is .failed 0
		[ "$(tail -n 1 out | jq '.got + .kept')" = "$(kept)" ]
		[ "$(tail -n 1 out | jq .not_tried)" = $((80 - $(kept))) ]
		[ "$(tail -n 1 out | jq .not_tried)" -gt 0 ]
		[ $((180 - $(left a) - $(left b))) = "$(kept)" ]
		hsmlic status --json | jq -e '.open == []'
		judged a b
	done
}

@test "a card that fails is not asked again, and it goes on from there" {
	chips in 1 6
	card card 20
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card" --fault mute:3
	run -6 --separate-stderr prefetch in --timeout 2
	is '[.got, .failed, .not_tried, .in_doubt] | @json' '[2,1,3,1]'
	is '[.chips[] | .units_spent] | @json' '[1,1,null,0,0,0]'
	is '.chips[3].error.why | test("failed before")' true
	stop_card 0 KILL
	start_card 0 hsmlic-sim card serve "$HL_DIR/card"
	run -0 --separate-stderr prefetch in
	is '[.failed, .not_tried] | @json' '[0,0]'
	[ "$(kept)" = 6 ]
	[ "$(left card)" = 14 ]
	judged card
}

@test "long work says how far it is" {
	chips in 1 4
	card card 20
	start_pcscd unix
	start_card 0 hsmlic-sim card serve "$HL_DIR/card" --fault slow:1:3500
	run -0 --separate-stderr prefetch in
	[ "$(head -n 1 <<<"$output" | jq -c '[.event, .what, .total]')" = \
		'["progress","getting licenses",4]' ]
	is .got 4
	stop_card 0
	start_card 0 hsmlic-sim card serve "$HL_DIR/card" --fault slow:1:3500
	chips more 5 8
	run -0 --separate-stderr hsmlic prefetch more --yes
	[[ $stderr == *"hsmlic: getting licenses "*" of 4, "*"/s, "*" s left"* ]]
}

@test "the station's configuration and the environment name the card" {
	chips in 1 2
	card card 9
	HSMLIC_CARD=sim:card run -0 --separate-stderr prefetch in/c1
	mkdir -p config/hsmlic
	printf '[prefetch]\ncard = sim:%s\n' "$HL_DIR/card" \
		>config/hsmlic/config
	run -0 --separate-stderr prefetch in
	is '[.units_spent, .kept] | @json' '[1,1]'
	refuses 2 "needs a value" prefetch in --card
	refuses 2 "operand is missing" prefetch --card sim:card
	refuses 2 "given twice" prefetch in --firmware a --firmware b
}

@test "cards that ST's program asks: one after the other, weak as they are" {
	chips in 1 5
	card one 9
	cp one two
	start_pcscd unix unix
	standin_world
	start_hsm 0 one
	hsmlic card add "reader:${READER[0]}" --slot 1 --label A >/dev/null
	prefetch in/c1 --card A >/dev/null 2>&1
	[ "$(left one)" = 8 ]
	start_hsm 1 two
	hsmlic card add "reader:${READER[1]}" --slot 2 --label B \
		--firmware fw >/dev/null
	run -0 --separate-stderr prefetch in
	is '[.units_spent, .got, .kept] | @json' '[4,4,1]'
	# The lower one is used up first: counters tell which is which.
	is '[.cards[] | [.label, .serial, .counter_after]] | @json' \
		'[["A",null,4]]'
	chips more 6 10
	run -0 --separate-stderr prefetch more
	is '[.cards[] | [.label, .units_spent]] | @json' '[["A",4],["B",1]]'
	is '[.chips[] | .card] | unique | @json' '["A","B"]'
	[ "$(left one) $(left two)" = "0 8" ]
	[ "$(kept)" = 10 ]
	hsmlic store check
}

@test "a license that is doubted is not replaced by the way" {
	chips in 1 3
	card one 9
	echo fw >fw.bin
	hsmlic-sim image new out.sfi --card one --in fw.bin >/dev/null
	standin_world
	standin_chip in/c1
	standin_switches bad-license
	run -8 hsmlic program --target stm32prog:port=SWD --card sim:one \
		--yes out.sfi
	standin_switches
	[ "$(left one)" = 8 ]
	# Its neighbours are served, with or without a word of the firmware.
	run -0 --separate-stderr hsmlic prefetch in/c2 --card sim:one --yes
	for words in "--firmware fw" "--firmware fw --dry-run" ""; do
		# shellcheck disable=SC2086
		run -4 --separate-stderr prefetch in/c1 in/c2 --card sim:one \
			$words
		is '[.units_spent, .kept, .not_tried] | @json' '[0,1,1]'
		is '[.chips[] | .result] | @json' '["not-tried","kept"]'
		is '.chips[0].error.code' denied
		is '.chips[0].error.why | test("suspect")' true
		is '.chips[0].error.hint | test("license trust")' true
		[ "$(left one)" = 7 ]
	done
	run -4 --separate-stderr hsmlic prefetch in --card sim:one --yes
	[[ $output == *not-tried*"suspect: an installation ended"* ]]
	[[ $stderr == *"1 got, 1 in the store already, 0 failed, 1 not tried"* ]]
	[ "$(left one)" = 6 ]
	# Decided on, by the same means as for program and run.
	hsmlic license trust "$(cat in/c1/uid.hex)" --yes \
		--reason "RSSe was missing" >/dev/null
	run -0 --separate-stderr prefetch in --card sim:one
	is '[.units_spent, .kept] | @json' '[0,3]'
	judged one
}

# recipe FILE WORDS: the commands of the block that has them, as a user who
# copies them has them: no prompts, no comments.
recipe() {
	awk -v words="$2" 'BEGIN { RS = ""; } index($0, words)' "$1" |
		sed -nE 's/^ *((bench|desk)\$ +)?(hsmlic .*)$/\3/p' |
		sed -E 's/ +#.*//'
}

@test "the pages' recipes for a bench without a card do as printed" {
	local page line bench=$HL_DIR/bench.db
	standin_world
	hsmlic-sim chip new chip --seed 7 >/dev/null
	standin_chip chip
	card card 9
	for page in for-factories.md man/hsmlic.1; do
		rm -rf s.db* bench.db* carry
		recipe "$HSMLIC_SOURCE/docs/$page" "import carry" >lines
		[ "$(grep -c . lines)" -ge 4 ]
		hsmlic store init -q >/dev/null
		hsmlic card add sim:card -q >/dev/null
		while read -r line; do
			echo "$page: $line"
			case $line in
			*" prefetch "*)
				HSMLIC_CARD=sim:card bash -c "$line --yes" ;;
			*" export "*) bash -c "$line" ;;
			*) HSMLIC_STORE=$bench bash -c "$line" ;;
			esac </dev/null
		done <lines
		HSMLIC_STORE=$bench run -0 hsmlic get --cached --uid \
			"$(cat chip/uid.hex)" -o license
		[ -s license ]
		rm -f license license.bin
	done
	recipe "$HSMLIC_SOURCE/docs/deployment.md" "import --dir carried" >lines
	[ "$(grep -c . lines)" = 2 ]
	rm -rf bench.db*
	bash -c "$(sed -n 1p lines)"
	HSMLIC_STORE=$bench bash -c "$(sed -n 2p lines)"
	HSMLIC_STORE=$bench run -0 hsmlic get --cached --uid \
		"$(cat chip/uid.hex)"
}
