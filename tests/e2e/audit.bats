# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# The audit commands: looking, verifying, signing, proving, witnessing.
load lib

setup() {
	hl_setup
	cd "$HL_DIR" || return
	export HSMLIC_STORE=$HL_DIR/s.db
	export XDG_CONFIG_HOME=$HL_DIR/config XDG_STATE_HOME=$HL_DIR/state
	export PCSCLITE_CSOCK_NAME=$HL_DIR/nothing
	export HSMLIC_STATION=desk HSMLIC_OPERATOR=ann
	unset HSMLIC_CARD HSMLIC_TARGET HSMLIC_KEY HSMLIC_PIN COLUMNS
	hsmlic store init -q >/dev/null
	ORIGIN=$(sqlite3 s.db 'SELECT origin FROM meta')
}

teardown() {
	hl_teardown
}

# One license from a card, and once more from the store.
spend() { # CHIP...
	local name
	[ -e card ] || hsmlic-sim card new card --firmware blinky --capacity 9 \
		>/dev/null
	for name in "$@"; do
		[ -d "$name" ] || hsmlic-sim chip new "$name" >/dev/null
		hsmlic get --yes -q --card sim:card --target "sim:$name"
	done >/dev/null 2>&1
}

# json -STATUS COMMAND...: its object, of one line, in $output; $stderr apart.
json() {
	run "$1" --separate-stderr hsmlic "${@:2}" --json
	[ "${#lines[@]}" = 1 ]
}

key() { # FILE [OPTIONS]: a new key; its verifier key in FILE.vkey
	hsmlic audit key new "$1" "${@:2}" --json | jq -r .vkey >"$1.vkey"
}

checkpoint() { # FILE [OPTIONS]
	hsmlic audit checkpoint --key k -q -o "$1" "${@:2}" >/dev/null
}

events() {
	sqlite3 s.db 'SELECT count(*) FROM events'
}

issue_id() {
	hsmlic audit log --kind issue.outcome --last 1 --jsonl |
		jq -r .body.issue_id
}

EVE="CAST(replace(CAST(bytes AS TEXT), 'ann', 'eve') AS BLOB)"

# Past the triggers, which are put back as they were.
tamper() { # SQL
	sqlite3 s.db "SELECT sql || ';' FROM sqlite_schema WHERE type = 'trigger'" \
		>triggers
	sqlite3 s.db "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_schema
		WHERE type = 'trigger'" | sqlite3 s.db
	sqlite3 s.db "$1"
	sqlite3 s.db <triggers
}

# ---- audit log -------------------------------------------------------------

@test "log: a table, the very bytes, one object" {
	spend a a
	run -0 --separate-stderr hsmlic audit log
	[[ ${lines[0]} =~ ^SEQ\ +TIME\ +KIND\ +STATION\ +OPERATOR\ +WHAT$ ]]
	[ "${#lines[@]}" = $(($(events) + 1)) ]
	[[ ${lines[1]} == *store.created*"origin $ORIGIN" ]]
	[[ $output == *"issue.outcome "*" desk "*" ann "*"issued: chip "*", card "*", counter 8"* ]]
	[[ $output == *"license.used "*"from the store"* ]]
	hsmlic audit log --jsonl >lines
	sqlite3 s.db "SELECT CAST(bytes AS TEXT) FROM events ORDER BY seq" | cmp lines -
	# the leaf of the 3rd
	leaf=$({ printf '\0'; sed -n 3p lines | tr -d '\n'; } | sha256sum)
	[ "${leaf%% *}" = "$(sqlite3 s.db \
		"SELECT lower(hex(leaf)) FROM events WHERE seq = 2")" ]
	json -0 audit log
	[ "$(jq -r .schema <<<"$output")" = hsmlic/audit-log/1 ]
	[ "$(jq -r .origin <<<"$output")" = "$ORIGIN" ]
	[ "$(jq '[.size, (.events | length)] | unique | .[]' <<<"$output")" = \
		"$(events)" ]
	diff <(jq -cS '.events[]' <<<"$output") <(jq -cS . lines)
}

seqs() { # OPTIONS: numbers of events
	hsmlic audit log --jsonl "$@" | jq -c .seq | paste -sd ' '
}

@test "log: what is chosen" {
	spend a b a
	hsmlic card label "$(hsmlic-sim card show card --json | jq -r .serial)" \
		nine --station bench --operator bob >/dev/null
	n=$(events)
	[ "$(seqs --from 2 --to 4)" = "2 3" ]
	[ "$(seqs --last 2)" = "$((n - 2)) $((n - 1))" ]
	[ "$(seqs --kind issue | wc -w)" = 4 ]
	[ "$(seqs --kind issue.intent --kind license.used | wc -w)" = 3 ]
	[ "$(seqs --kind issue --last 1)" = "$(seqs --kind issue.outcome --last 1)" ]
	[ "$(seqs --operator bob)" = $((n - 1)) ]
	[ "$(seqs --station bench)" = $((n - 1)) ]
	[ "$(seqs --station elsewhere)" = "" ]
	# who acts, by the environment, is no choice
	[ "$(seqs | wc -w)" = "$n" ]
	uid=$(hsmlic chip list --json | jq -r '.chips[0].uid')
	[ "$(seqs --chip "$uid" --kind issue | wc -w)" = 2 ]
	[ "$(seqs --chip "$uid" --kind license | wc -w)" = 1 ]
	id=$(issue_id)
	[ "$(seqs --issue "$id" | wc -w)" = 2 ]
	[ "$(hsmlic audit log --jsonl --issue "$id" | jq -r .kind | paste -sd ' ')" = \
		"issue.intent issue.outcome" ]
	[ "$(seqs --issue "${id:0:8}")" = "$(seqs --issue "$id")" ]
	up=${id^^}
	[ "$(seqs --issue "${up:0:20}")" = "$(seqs --issue "$id")" ]
	[ "$(seqs --issue "00000000")" = "" ]
	[[ $(hsmlic chip show "$(sqlite3 s.db "SELECT hex(uid) FROM chips AS c
		JOIN issues AS i ON i.chip = c.id ORDER BY i.n DESC LIMIT 1")") == *"$id"* ]]
	[ "$(seqs --card nine --kind issue | wc -w)" = 4 ]
	[ "$(seqs --card nine --kind chip)" = "" ]
	at=$(hsmlic audit log --jsonl --from 5 --to 6 | jq -r .at)
	[[ " $(seqs --from "$at") " == *" 5 "* ]]
	[[ " $(seqs --to "$at") " != *" 5 "* ]]
	[ "$(seqs --from 2100-01-01)" = "" ]
	# the same moment, as other places of the world write it
	east=$(TZ=EAST-2 date -d "$at" +%FT%T.%3N)+02:00
	west=$(TZ=WEST+9:30 date -d "$at" +%FT%T.%3N)-09:30
	[ "$(seqs --from "$east")" = "$(seqs --from "$at")" ]
	[ "$(seqs --to "$west")" = "$(seqs --to "$at")" ]
	[ "$(seqs --to 2100-01-01T00:00:00Z | wc -w)" = "$n" ]
	HSMLIC_CARD=nobody HSMLIC_LAST=1 seqs | grep -qw 0
	hsmlic-sim chip new c >/dev/null
	hsmlic get --yes -q --card sim:card --target sim:c --lot L7 >/dev/null 2>&1
	[ "$(seqs --lot L7 --kind issue | wc -w)" = 2 ]
	[ "$(seqs --lot L8)" = "" ]
	run -0 hsmlic audit log --lot L8
	[ "$output" = "hsmlic: none" ]
	json -0 audit log --lot L8
	[ "$(jq -c .events <<<"$output")" = '[]' ]
}

@test "log: words for what is reconciled, restored, merged and rotated" {
	spend a b
	serial=$(sqlite3 s.db 'SELECT serial FROM cards')
	cp -a s.db copy.db
	hsmlic card label "$serial" Anna >/dev/null
	hsmlic reconcile >/dev/null
	[[ $(hsmlic audit log --last 1) == *"reconcile.result "*"card $serial [now \"Anna\"]: 9 = 7 left + 2 issued, difference 0" ]]
	# of a card that is gone, with a unit that left it elsewhere
	hsmlic-sim chip new z >/dev/null
	hsmlic get --yes -q --store other.db --card sim:card --target sim:z \
		>/dev/null 2>&1
	hsmlic status >/dev/null 2>&1
	mv card away
	hsmlic reconcile >/dev/null || true
	mv away card
	[[ $(hsmlic audit log --last 1) == *": 9 = 6 left + 2 issued + 1 outside, difference 1; the card was not there" ]]
	[ "$(seqs --card Anna --kind reconcile | wc -w)" = 2 ]
	# the event that gave the label has it, those of before have not
	hsmlic card label Anna Berta >/dev/null
	run -0 hsmlic audit log --kind card.labelled
	[[ ${lines[1]} == *"card \"Anna\" ($serial) [now \"Berta\"]" ]]
	[[ ${lines[2]} == *"card \"Berta\" ($serial)" ]]
	run -0 hsmlic audit log --kind issue
	[[ $output == *"card $serial [now \"Berta\"]"* ]]
	# keys
	key k
	key n
	checkpoint c
	hsmlic audit checkpoint --key k --key n --new-key -q -o c --force >/dev/null
	[[ $(hsmlic audit log --kind config) == *"key.rotated, and a key of before agreed: signing keys are "*", "* ]]
	# another store, and an older copy
	hsmlic store merge --yes -q other.db >/dev/null 2>&1
	[[ $(hsmlic audit log --kind store.merged) == *"hsmlic.invalid/"*": "*" events, "*"1 license"* ]]
	n=$(events)
	hsmlic store restore copy.db --force --yes -q >/dev/null 2>&1
	was=$(sqlite3 copy.db 'SELECT count(*) FROM events')
	[[ $(hsmlic audit log --kind store.restored) == *"a copy of $was events was put in the place of a newer one, of $n: the last $((n - was)) are not in it" ]]
}

@test "log: what cannot be chosen" {
	for words in "--from x" "--to 2026-13-01" "--kind fly" "--kind issue." \
		"--last -1" "--card nobody" "--chip nobody" "--issue 12" \
		"--json --jsonl" "operand"; do
		# shellcheck disable=SC2086
		run -2 hsmlic audit log $words
		[[ $output == *"hint: "* ]] || [[ $output == *'"hint"'* ]]
	done
	for at in 2026-11-25+02:00 2026-11-25T12:00:00+2:00 \
		2026-11-25T12:00:00+24:00 2026-11-25T12:00:00+02:60 \
		2026-11-25T12:00:00Z+02:00 yesterday; do
		run -2 hsmlic audit log --from "$at"
		[[ $output == *"neither a time nor the number of an event"* ]]
	done
	run -2 hsmlic audit log --kind issue.outcom
	[[ $output == *"there are issue.intent, issue.outcome"* ]]
	run -2 hsmlic audit log --kind zebra
	[[ $output == *"FORMAT.ledger"* ]]
	for words in 1234567 1234567g 123456789 12345678-12345; do
		run -2 hsmlic audit log --issue "$words"
	done
	[[ $(hsmlic completion bash) == *'--kind"'*'store.created '*' checkpoint.made'* ]]
	run -5 hsmlic audit log --store nowhere.db
	[ ! -e nowhere.db ]
}

@test "log: nobody reads on, and nothing is said" {
	spend a
	hsmlic audit log --jsonl 2>err | head -n 1 >/dev/null
	[ ! -s err ]
}

@test "log: an event that was altered ends it" {
	spend a
	tamper "UPDATE events SET bytes = $EVE
		WHERE seq = 3"
	run -9 --separate-stderr hsmlic audit log
	[[ $stderr == *"event 3"*"audit verify"* ]]
	[ "${#lines[@]}" = 4 ]
	run -0 hsmlic audit log --from 4
	run -9 --separate-stderr hsmlic audit log --jsonl
	[ "${#lines[@]}" = 3 ]
}

# ---- audit key -------------------------------------------------------------

@test "key: made once, for its owner alone, and shown" {
	json -0 audit key new k
	[ "$(jq -r .schema <<<"$output")" = hsmlic/audit-key/1 ]
	[ "$(jq -r .name <<<"$output")" = "$ORIGIN" ]
	[ "$(jq -r .type <<<"$output")" = Ed25519 ]
	[ "$(stat -c %a k)" = 600 ]
	openssl pkey -in k -pubout | cmp - <(jq -rj .pem <<<"$output")
	before=$(sha256sum <k)
	run -2 hsmlic audit key new k
	[ "$(sha256sum <k)" = "$before" ]
	run -0 hsmlic audit key show k
	[[ $output == *"$(jq -r .vkey <<<"$(hsmlic audit key show k --json)")"* ]]
	json -0 audit key new p --type p256 --name other.example/log
	[ "$(jq -r '[.type, .name] | join(" ")' <<<"$output")" = \
		"P-256 other.example/log" ]
	json -0 audit key show k --witness --name W
	[[ $(jq -r .vkey <<<"$output") == W+*+B* ]]
	run -0 hsmlic audit key new dry --dry-run
	[ ! -e dry ]
	HSMLIC_STORE=none.db json -0 audit key show k
	[ "$(jq -c '[.name, .vkey]' <<<"$output")" = '[null,null]' ]
	[ ! -e none.db ]
}

@test "key: with a passphrase" {
	export P=secret
	run -0 hsmlic audit key new k --encrypt --pin env:P
	grep -q ENCRYPTED k
	P=wrong run -3 --separate-stderr hsmlic audit key show k --pin env:P
	[ -n "$stderr" ]
	P=wrong run -3 hsmlic audit key show k --pin env:P
	[[ $output == *'"k"'*wrong*"hint: "*--pin* ]]
	P='' run -2 hsmlic audit key show k --pin env:P
	[[ $output == *empty*"hint: "* ]]
	# the file that is at fault is the other one
	echo secret >pass
	chmod 644 pass
	run -3 hsmlic audit key show k --pin file:pass
	[[ $output == *'from "pass"'*"hint: chmod 600 \"pass\""* ]]
	chmod 600 pass
	run -0 hsmlic audit key show k --pin file:pass
	run -0 hsmlic audit key show k --pin env:P
	hsmlic audit checkpoint --key k --pin env:P -o c -q >/dev/null
	run -0 hsmlic audit verify --checkpoint c
}

@test "key: who made one is told what next" {
	run -0 --separate-stderr hsmlic audit key new k
	[[ $stderr == *auditors* ]]
	[[ $stderr == *"k.memory"*backups* ]]
	run -0 --separate-stderr hsmlic audit key show k
	[[ $stderr != *backups* ]]
	# no file of that name, which would not be on the token
	for uri in pkcs11:token=lab PKCS11:token=lab pkcs11:; do
		run -2 hsmlic audit key new "$uri"
		[[ $output == *"hint: "*pkcs11-tool* ]]
		[ ! -e "$uri" ]
	done
	run -0 hsmlic audit key --help
	[[ $output == *"new FILE | show FILE|URI"* ]]
	run -0 hsmlic completion bash
	[[ $output == *"new show"* ]]
	[[ $output != *"show FILE"* ]]
}

@test "key: what is none" {
	run -2 hsmlic audit key make k
	run -2 hsmlic audit key new k --type rsa
	run -2 hsmlic audit key new k --name "a b"
	run -2 hsmlic audit key new k --pin secret
	[ ! -e k ]
	run -2 hsmlic audit key show k
	echo nothing >k
	chmod 600 k
	run -2 hsmlic audit key show k
	hsmlic audit key new j >/dev/null
	chmod 644 j
	run ! hsmlic audit key show j
	[[ $output == *"chmod 600"* ]]
	run -2 hsmlic audit key show "pkcs11:token=x?pin-value=1234"
}

# ---- audit checkpoint ------------------------------------------------------

@test "checkpoint: signed, and openssl agrees" {
	spend a
	key k
	before=$(events)
	json -0 audit checkpoint --key k -o c
	[ "$(jq -r .schema <<<"$output")" = hsmlic/audit-checkpoint/1 ]
	[ "$(jq .size <<<"$output")" = $((before + 1)) ]
	jq -rj .checkpoint <<<"$output" | cmp - c
	[ "$(sed -n 1,2p c)" = "$ORIGIN"$'\n'"$((before + 1))" ]
	head -n 3 c >text
	sed -n 5p c | sed 's/.* //' | base64 -d | tail -c +5 >sig
	openssl pkey -in k -pubout -out pub
	openssl pkeyutl -verify -rawin -pubin -inkey pub -in text -sigfile sig
	# the tree has the event that tells of it
	hsmlic audit log --last 1 --jsonl >event
	[ "$(jq -r .kind event)" = checkpoint.made ]
	[ "$(jq -r .body.keys event)" = "$(<k.vkey)" ]
	# standard output has the checkpoint and nothing else
	hsmlic audit checkpoint --key k >c2 2>err
	[ "$(sed -n 2p c2)" = $((before + 2)) ]
	run -0 hsmlic audit verify --checkpoint c --checkpoint c2 --key k.vkey
}

@test "checkpoint: by two keys, one of them P-256" {
	key k
	key p --type p256
	hsmlic audit checkpoint --key k --key p -o c -q >/dev/null
	[ "$(grep -c "^— $ORIGIN " c)" = 2 ]
	run -0 hsmlic audit verify --checkpoint c --key k.vkey --key p.vkey
	hsmlic audit key show p --json | jq -r .pem >p.pem
	run -0 hsmlic audit verify --checkpoint c --key p.pem
	run -2 hsmlic audit checkpoint --key k --key k -o d
	# either may sign alone from then on
	hsmlic audit checkpoint --key p -o c --force -q >/dev/null
	hsmlic audit checkpoint --key k -o c --force -q >/dev/null
}

@test "checkpoint: another key has to be let in" {
	key k
	key n
	checkpoint c1
	before=$(events)
	run -2 hsmlic audit checkpoint --key n -o c2
	[[ $output == *--new-key* ]]
	[ "$(events)" = "$before" ]
	[ ! -e c2 ]
	json -0 audit checkpoint --key k --key n --new-key -o c2
	[ "$(jq -r .change <<<"$output")" = key.rotated ]
	[ "$(events)" = $((before + 2)) ]
	json -0 audit checkpoint --key n -o c3
	[ "$(jq .change <<<"$output")" = null ]
	json -0 audit checkpoint --key n --new-key -o c3 --force
	[ "$(jq -r .change <<<"$output")" = key.retired ]
	run -2 hsmlic audit checkpoint --key k -o c4
	json -0 audit checkpoint --key k --new-key -o c4
	[ "$(jq -r .change <<<"$output")" = key.replaced ]
	[ "$(hsmlic audit log --kind config --jsonl |
		jq -r .body.change | paste -sd ' ')" = \
		"key.rotated key.retired key.replaced" ]
	[[ $(hsmlic audit log --kind config) == *"key.replaced, and no key of before agreed: signing keys are "* ]]
	run -0 hsmlic audit verify --checkpoint c1 --checkpoint c2 \
		--checkpoint c3 --checkpoint c4
}

@test "checkpoint: a rolled back store gets neither an event nor a signature" {
	spend a
	key k
	checkpoint c1
	cp -a s.db old.db
	spend b
	checkpoint c2
	mv old.db s.db
	before=$(sha256sum <s.db)
	json -9 audit checkpoint --key k -o c3
	[[ $(jq -r .error.why <<<"$output") == *"rolled back"* ]]
	[ "$(sha256sum <s.db)" = "$before" ]
	[ ! -e c3 ]
	run -1 hsmlic audit verify --checkpoint c2
	[[ $output == *"c2"* ]]
	run -0 hsmlic audit verify --checkpoint c1
	# without its memory the key cannot know
	mv k.memory m
	before=$(events)
	run -9 hsmlic audit checkpoint --key k -o c3
	[[ $output == *"cannot be told"*"hint: "*"--new-memory"* ]]
	run -9 hsmlic audit checkpoint --key k -o c3 --dry-run
	# nor with that of another log
	HSMLIC_STORE=t.db hsmlic store init -q >/dev/null
	HSMLIC_STORE=t.db hsmlic audit checkpoint --key k -q >/dev/null
	run -9 hsmlic audit checkpoint --key k -o c3
	[ "$(events)" = "$before" ]
	[ ! -e c3 ]
	run -0 --separate-stderr hsmlic audit checkpoint --key k -o c3 --new-memory
	[[ $stderr == *"note: "*"cannot be told"* ]]
	# grown past the size that was signed, it is another history
	mv m k.memory
	spend c c
	run -9 hsmlic audit checkpoint --key k -o c4
	[[ $output == *rewritten* ]]
}

@test "checkpoint: a rewritten store is refused" {
	spend a
	key k
	checkpoint c1
	# all of it made to fit: bytes, leaf and edge
	python3 - <<-'EOT'
		import hashlib, sqlite3
		db = sqlite3.connect("s.db")
		triggers = db.execute("SELECT name, sql FROM sqlite_schema "
		    "WHERE type = 'trigger'").fetchall()
		for name, sql in triggers:
		    db.execute("DROP TRIGGER " + name)
		rows = db.execute("SELECT seq, bytes FROM events ORDER BY seq")
		frontier = []
		for seq, b in rows.fetchall():
		    b = bytes(b).replace(b'"ann"', b'"eve"')
		    leaf = hashlib.sha256(b"\0" + b).digest()
		    db.execute("UPDATE events SET bytes = ?, leaf = ? WHERE seq = ?",
		        (b, leaf, seq))
		    node, n = leaf, 1
		    while frontier and frontier[-1][0] == n:
		        node = hashlib.sha256(b"\1" + frontier.pop()[1] + node).digest()
		        n *= 2
		    frontier.append((n, node))
		db.execute("UPDATE tree SET frontier = ?",
		    (b"".join(h for _, h in frontier),))
		for table in ("cards", "chips", "firmwares", "issues",
		    "card_readings", "licenses", "uses"):
		    db.execute("UPDATE %s SET operator = 'eve'" % table)
		db.execute("UPDATE issues SET closed_operator = 'eve'")
		for name, sql in triggers:
		    db.execute(sql)
		db.commit()
	EOT
	# it agrees with itself, and not with what was signed
	run -0 hsmlic audit verify
	run -1 --separate-stderr hsmlic audit verify --checkpoint c1
	[[ $output == *c1* ]]
	before=$(events)
	run -9 hsmlic audit checkpoint --key k -o c2
	[[ $output == *rewritten* ]]
	[ "$(events)" = "$before" ]
	[ ! -e c2 ]
}

@test "checkpoint: an altered event is not signed, however old it is" {
	spend a
	key k
	checkpoint c1
	spend b
	tamper "UPDATE events SET bytes = $EVE WHERE seq = 2"
	before=$(events)
	json -9 audit checkpoint --key k -o c2
	[[ $(jq -r .error.why <<<"$output") == *"event 2"* ]]
	run -9 hsmlic audit checkpoint --key k -o c2 --dry-run
	[[ $output == *"event 2"*"audit verify"* ]]
	[ "$(events)" = "$before" ]
	[ ! -e c2 ]
	# whoever will not wait is told what was not looked at
	run -0 --separate-stderr hsmlic audit checkpoint --key k -o c2 --quick
	[[ $stderr == *"older events were not looked at"* ]]
	# among the new ones it is found without the rest
	spend c
	tamper "UPDATE events SET bytes = $EVE WHERE seq = $(($(events) - 1))"
	run -9 hsmlic audit checkpoint --key k -o c3 --quick
}

@test "checkpoint: a dry run looks at all that the run would" {
	spend a
	key k
	json -0 audit checkpoint --key k -o c --dry-run
	[ "$(jq -c '[.dry_run, .root, .size]' <<<"$output")" = \
		"[true,null,$(($(events) + 1))]" ]
	[ ! -e c ] && [ ! -e k.memory ]
	checkpoint c1
	memory=$(<k.memory)
	cp -a s.db old.db
	spend b
	run -0 hsmlic audit checkpoint --key k -o c --dry-run
	[[ $output == *"would have $(($(events) + 1)) events"* ]]
	[ "$(<k.memory)" = "$memory" ]
	checkpoint c2
	mv old.db s.db
	run -9 hsmlic audit checkpoint --key k -o c --dry-run
	[[ $output == *"rolled back"* ]]
}

@test "checkpoint: after a restore for good, a new key goes on" {
	spend a
	key k
	key n
	checkpoint c1
	hsmlic store backup old.db -q >/dev/null
	spend b
	checkpoint c2
	# by whoever says nothing of it
	cp -a s.db new.db
	cp -a old.db s.db
	run -9 hsmlic audit checkpoint --key k -o c3
	[[ $output != *--new-key* ]]
	mv new.db s.db
	hsmlic store restore old.db --force --yes -q >/dev/null
	run -9 hsmlic audit checkpoint --key k -o c3
	[[ $output == *"rolled back"*"hint: "*"new key"*"--new-key"*key.replaced* ]]
	# also when it has grown past what was signed
	spend c d
	run -9 hsmlic audit checkpoint --key k -o c3
	[[ $output == *rewritten*"hint: "*"--new-key"* ]]
	run -9 hsmlic audit checkpoint --key k --key n --new-key -o c3
	json -0 audit checkpoint --key n --new-key -o c3
	[ "$(jq -r .change <<<"$output")" = key.replaced ]
	[[ $stderr == *"note: none of the keys"*key.replaced* ]]
	json -0 audit checkpoint --key n -o c4
	[[ $stderr != *key.replaced* ]]
	run -0 hsmlic audit verify --checkpoint c1 --checkpoint c3
	run -1 hsmlic audit verify --checkpoint c2 --key k.vkey
}

@test "checkpoint: a key on a token, whose PIN comes from elsewhere" {
	local module=/usr/lib/softhsm/libsofthsm2.so
	mkdir tokens
	printf '%s\n' "directories.tokendir = $HL_DIR/tokens" \
		"objectstore.backend = file" "log.level = ERROR" >softhsm2.conf
	export SOFTHSM2_CONF=$HL_DIR/softhsm2.conf P=1234
	softhsm2-util --init-token --free --label lab --so-pin 12345678 \
		--pin 1234 >/dev/null
	pkcs11-tool --module "$module" --token-label lab --login --pin 1234 \
		--keypairgen --key-type EC:prime256v1 --id 01 >/dev/null
	spend a
	key k
	token=(--key "pkcs11:token=lab" --module "$module" --pin env:P)
	hsmlic audit checkpoint --key k "${token[@]}" -o c -q >/dev/null
	[ "$(find state/hsmlic/signers -name '*.memory' | wc -l)" = 1 ]
	json -0 audit key show "${token[@]:1}"
	jq -r .pem <<<"$output" >pem
	head -n 3 c >text
	sed -n 6p c | sed 's/.* //' | base64 -d | tail -c +5 >sig
	openssl dgst -sha256 -verify pem -signature sig text
	run -0 hsmlic audit verify --checkpoint c --key pem --key k.vkey
	# the token remembers, too
	cp -a s.db old.db
	spend b
	hsmlic audit checkpoint "${token[@]}" -o c --force -q >/dev/null
	mv old.db s.db
	before=$(events)
	run -9 hsmlic audit checkpoint "${token[@]}" -o c2
	P=0000 run ! hsmlic audit checkpoint "${token[@]}" -o c2
	run -2 hsmlic audit checkpoint --key pkcs11:token=lab --module "$module" \
		--pin 1234 -o c2
	run -3 hsmlic audit checkpoint --key pkcs11:token=other \
		--module "$module" --pin env:P -o c2
	[ "$(events)" = "$before" ]
	[ ! -e c2 ]
}

@test "checkpoint: every key has its own PIN" {
	local module=/usr/lib/softhsm/libsofthsm2.so
	mkdir tokens
	printf '%s\n' "directories.tokendir = $HL_DIR/tokens" \
		"objectstore.backend = file" "log.level = ERROR" >softhsm2.conf
	export SOFTHSM2_CONF=$HL_DIR/softhsm2.conf P1=1234 P2=5678
	for n in 1 2; do
		pin=P$n
		softhsm2-util --init-token --free --label "lab$n" --so-pin 12345678 \
			--pin "${!pin}" >/dev/null
		pkcs11-tool --module "$module" --token-label "lab$n" --login \
			--pin "${!pin}" --keypairgen --key-type EC:prime256v1 \
			--id 01 >/dev/null
	done
	key k
	P3=secret hsmlic audit key new e --encrypt --pin env:P3 >/dev/null
	export P3=secret
	two=(--key pkcs11:token=lab1 --key k --key pkcs11:token=lab2
		--module "$module")
	before=$(events)
	# too few, or too many, cost no try
	run -2 setsid -w hsmlic audit checkpoint "${two[@]}" --pin env:P1 -o c
	[[ $output == *"nothing was tried"*"hint: "*pin-source* ]]
	run -2 hsmlic audit checkpoint "${two[@]}" --pin env:P1 --pin env:P2 \
		--pin env:P3 -o c
	run -2 hsmlic audit checkpoint "${two[@]}" --pin env:P1 --pin 5678 -o c
	run ! grep -q "count low" <<<"$(pkcs11-tool --module "$module" -L)"
	[ "$(events)" = "$before" ]
	hsmlic audit checkpoint "${two[@]}" --pin env:P1 --pin env:P2 -o c -q \
		>/dev/null
	[ "$(grep -c "^— $ORIGIN " c)" = 3 ]
	hsmlic audit checkpoint --key e "${two[@]}" --pin env:P3 --pin fd:3 \
		--pin fd:3 --new-key -o c2 -q >/dev/null 3<<<"$P1"$'\n'"$P2"
	[ "$(grep -c "^— $ORIGIN " c2)" = 4 ]
	# a URI has its own
	echo "$P2" >pin
	chmod 600 pin
	hsmlic audit checkpoint --key pkcs11:token=lab1 --pin env:P1 \
		--key "pkcs11:token=lab2?pin-source=file:$HL_DIR/pin" \
		--module "$module" -o c3 -q >/dev/null
	[ "$(grep -c "^— $ORIGIN " c3)" = 2 ]
	run -0 hsmlic audit verify --checkpoint c --checkpoint c2 --checkpoint c3
}

@test "checkpoint: what -o may replace" {
	key k
	checkpoint c
	spend a
	cp c same
	before=$(events)
	run -2 hsmlic audit checkpoint --key k -o c
	[[ $output == *"hint: "*--force* ]]
	run -2 hsmlic audit checkpoint --key k -o c --dry-run
	cmp c same
	[ "$(events)" = "$before" ]
	checkpoint c --force
	[ "$(sed -n 2p c)" -gt 2 ]
	before=$(events)
	echo text >other
	run -2 hsmlic audit checkpoint --key k -o other
	run -2 hsmlic audit checkpoint --key k -o other --force
	run -2 hsmlic audit checkpoint --key k -o k --force
	run -2 hsmlic audit checkpoint --key k -o s.db --force
	HSMLIC_STORE=t.db hsmlic store init -q >/dev/null
	HSMLIC_STORE=t.db run -2 hsmlic audit checkpoint --key k -o c
	[[ $output == *"another log"* ]]
	[ "$(events)" = "$before" ]
	[ "$(<other)" = text ]
	run -5 hsmlic audit checkpoint --key k -o no/folder
	run -0 hsmlic audit checkpoint --key k -o dry --dry-run
	[ ! -e dry ]
	[ "$(events)" -le $((before + 1)) ]
	run -2 hsmlic audit checkpoint
	run -2 hsmlic audit checkpoint --key nothing
}

@test "checkpoint: a key's memory is where it is said to be" {
	key k
	checkpoint c
	[ -e k.memory ]
	run -9 hsmlic audit checkpoint --key k --memory elsewhere
	[ ! -e elsewhere ]
	checkpoint c --force --memory elsewhere --new-memory
	[ -e elsewhere ]
	sed -i 's/^size .*/size 1/' elsewhere
	run -9 hsmlic audit checkpoint --key k --memory elsewhere
}

@test "checkpoint: a key has one memory, by whatever name it goes" {
	key k
	checkpoint c1
	cp s.db old.db
	spend a
	checkpoint c2
	cp old.db s.db
	ln -s k alias
	mkdir elsewhere
	ln -s ../k elsewhere/key
	for name in k alias elsewhere/key; do
		run -9 hsmlic audit checkpoint --key "$name" -o c3
		[[ $output == *"rolled back"* ]]
	done
	[ ! -e c3 ]
}

@test "checkpoint: several at once are no rollback" {
	local n pids=()
	key k
	for n in 1 2 3 4 5 6 7 8; do
		hsmlic audit checkpoint -q --key k -o "r$n" 2>"e$n" &
		pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n"; done
	for n in 1 2 3 4 5 6 7 8; do
		run -0 hsmlic audit verify --checkpoint "r$n"
	done
}

@test "checkpoint: what cannot be written leaves no event" {
	local before path
	key k
	mkdir folder
	before=$(events)
	for path in no/folder folder folder/ ""; do
		run ! hsmlic audit checkpoint --key k -o "$path"
	done
	[ "$(events)" = "$before" ]
	[ ! -e k.memory ]
	checkpoint c
	run -2 hsmlic audit bundle --checkpoint c -o -
	[ ! -e ./- ]
	run -0 --separate-stderr hsmlic audit prove --from c -o -
	[ ! -e ./- ]
}

# ---- audit verify ----------------------------------------------------------

@test "verify: a store that is as it was" {
	spend a b a
	run -0 --separate-stderr hsmlic audit verify
	[[ $output == *"nothing found" ]]
	[[ $stderr == *"without --checkpoint"* ]]
	json -0 audit verify
	[ "$(jq -r .schema <<<"$output")" = hsmlic/audit-verify/1 ]
	[ "$(jq -c '[.ok, .findings, .events]' <<<"$output")" = \
		"[true,[],$(events)]" ]
	key k
	checkpoint c
	spend d
	json -0 audit verify --checkpoint c
	[ "$(jq -c '[.ok, .own_keys, .checkpoints[0].size]' <<<"$output")" = \
		"[true,true,$(sed -n 2p c)]" ]
	[[ $stderr == *"own word"* ]]
	json -0 audit verify --checkpoint c --key k.vkey
	[ "$(jq .own_keys <<<"$output")" = false ]
	[[ $stderr != *"own word"* ]]
	[ "$(jq -r '.checkpoints[0].signed_by[0].name' <<<"$output")" = "$ORIGIN" ]
	json -0 audit verify --checkpoint c --key "$(<k.vkey)"
}

@test "verify: whatever is altered is found, and named" {
	spend a b a
	cp -a s.db good.db
	while IFS='|' read -r place sql; do
		cp -a good.db s.db
		tamper "$sql"
		run -1 --separate-stderr hsmlic audit verify
		[[ $output == *"$place"* ]] || {
			echo "$sql: $output"
			return 1
		}
		json -1 audit verify
		[ "$(jq .ok <<<"$output")" = false ]
		[ "$(jq '.findings | length' <<<"$output")" -ge 1 ]
	done <<-'ROWS'
		event 2|UPDATE events SET bytes = CAST(replace(CAST(bytes AS TEXT), 'ann', 'eve') AS BLOB) WHERE seq = 2
		event 4|UPDATE events SET leaf = zeroblob(32) WHERE seq = 4
		event 3|DELETE FROM events WHERE seq = 3
		issues|UPDATE issues SET detail = 'x' WHERE n = 1
		cards|UPDATE cards SET label = 'x'
		license |UPDATE licenses SET bytes = zeroblob(length(bytes)) WHERE n = 1
		uses|DELETE FROM uses
		tree|UPDATE tree SET frontier = zeroblob(length(frontier))
	ROWS
}

# A tamperer who dropped the triggers and did not put them back, and worse: the
# schema's differences are findings, and all else is looked at still.
@test "verify: a schema that was altered is findings, and the rest is verified" {
	spend a b a
	key k
	checkpoint c
	cp -a s.db good.db
	while IFS='|' read -r place also sql; do
		cp -a good.db s.db
		sqlite3 s.db "$sql"
		before=$(sha256sum <s.db)
		run -1 --separate-stderr hsmlic audit verify --checkpoint c --key k.vkey
		[[ $output == *"$place"* && $output == *"$also"* ]] || {
			echo "$sql: $output"
			return 1
		}
		json -1 audit verify --checkpoint c --key k.vkey
		[ "$(jq -c '[.ok, .events]' <<<"$output")" = \
			"[false,$(sqlite3 good.db 'SELECT count(*) FROM events')]" ]
		# nothing else works with it
		run -5 hsmlic audit log
		[[ $output == *"audit verify"* ]]
		run -5 hsmlic get --cached --target sim:a
		[ "$(sha256sum <s.db)" = "$before" ]
	done <<-ROWS
		schema: trigger "$(sqlite3 s.db "SELECT name FROM sqlite_schema
			WHERE type = 'trigger' ORDER BY name LIMIT 1" | tr -d '\n')" is missing|issues row 1|$(
			sqlite3 s.db "SELECT 'DROP TRIGGER ' || name || ';'
			FROM sqlite_schema WHERE type = 'trigger'" | tr -d '\n')UPDATE issues SET detail = 'x' WHERE n = 1
		schema: table "notes" is not ours|schema: table "notes"|CREATE TABLE notes (x)
		schema: table "uses" is missing|uses: not compared|DROP TABLE uses
		schema: table "uses" is missing|schema: view "uses" is not ours|DROP TABLE uses; CREATE VIEW uses AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT n FROM r
		schema: table "meta" is missing|meta: not compared|DROP TABLE meta
		schema: table "slots" is not as we made it|slots: not compared|ALTER TABLE slots RENAME COLUMN reader TO place
		schema: index |is missing|$(sqlite3 s.db "SELECT 'DROP INDEX ' || name
			FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
			ORDER BY name LIMIT 1" | tr -d '\n')
		schema: table "tree" is missing|schema: table "tree" is missing|DROP TABLE tree
	ROWS
	cp -a good.db s.db
	sqlite3 s.db 'DROP TABLE events'
	run -1 --separate-stderr hsmlic audit verify
	[[ $output == *'table "events" is missing'* && $output == *"no row was compared"* ]]
}

@test "verify: checkpoints that are not what they should be" {
	spend a
	key k
	key n
	checkpoint c
	run -2 hsmlic audit verify --checkpoint nowhere
	echo text >other
	run -2 hsmlic audit verify --checkpoint other
	run -2 hsmlic audit verify --key k.vkey
	run -2 hsmlic audit verify --checkpoint c --key nowhere
	run -2 hsmlic audit verify --checkpoint c --key other
	# signed by nobody that is known
	run -9 hsmlic audit verify --checkpoint c --key n.vkey
	id() {
		cut -d+ -f2 "$1"
	}
	[[ $output == *"signed by $(id k.vkey); known is $(id n.vkey)"* ]]
	# one that signed nothing is a finding
	run -1 hsmlic audit verify --checkpoint c --key k.vkey --key n.vkey
	[[ $output == *"signed none of these"* ]]
	# each line of it altered
	sed '2s/.*/3/' c >size
	run -9 hsmlic audit verify --checkpoint size --key k.vkey
	sed '3s/^./A/;3s/^A\(.\)/B\1/' c >root
	run -9 hsmlic audit verify --checkpoint root --key k.vkey
	sed '5s/\(.*\)...=$/\1AAA=/' c >signature
	run ! hsmlic audit verify --checkpoint signature --key k.vkey
	sed '1s/$/x/' c >origin
	run -2 hsmlic audit verify --checkpoint origin --key k.vkey
	[[ $output == *"another log"* ]]
}

# ---- audit prove -----------------------------------------------------------

@test "prove: an event is in a checkpoint" {
	spend a b
	key k
	checkpoint c
	id=$(issue_id)
	json -0 audit prove --issue "$id" --checkpoint c -o proof
	[ "$(jq -r .kind <<<"$output")" = issue.outcome ]
	n=$(jq .event <<<"$output")
	[ "$(head -n 2 proof)" = $'c2sp.org/tlog-proof@v1\nindex '"$n" ]
	[ "$(stat -c %s proof.leaf)" = "$(sqlite3 s.db \
		"SELECT length(bytes) FROM events WHERE seq = $n")" ]
	jq -e --arg id "$id" '.body.issue_id == $id' proof.leaf >/dev/null
	# the checkpoint is in it, as it is
	sed '1,/^$/d' proof | cmp - c
	# once more is the same
	run -0 hsmlic audit prove --issue "$id" --checkpoint c -o proof
	run -0 hsmlic audit prove --issue "$id" --kind issue.intent \
		--checkpoint c -o intent --leaf there --key k.vkey
	[ "$(jq -r .kind there)" = issue.intent ]
	for ((i = 0; i < $(sed -n 2p c); i++)); do
		hsmlic audit prove --event "$i" --checkpoint c -o "p$i" >/dev/null
		[ "$(jq .seq "p$i.leaf")" = "$i" ]
	done
}

@test "prove: what cannot be proven" {
	spend a
	key k
	key n
	checkpoint c
	spend b
	id=$(issue_id)
	last=$(($(events) - 1))
	run -2 hsmlic audit prove --issue "$id" --checkpoint c -o p
	[[ $output == *younger* ]]
	run -2 hsmlic audit prove --event "$last" --checkpoint c -o p
	[[ $output == *younger*"audit checkpoint"* ]]
	run -2 hsmlic audit prove --event $((last + 1)) --checkpoint c -o p
	run -2 hsmlic audit prove --event x --checkpoint c -o p
	run -2 hsmlic audit prove --checkpoint c -o p
	run -2 hsmlic audit prove --event 1 --issue "$id" --checkpoint c -o p
	run -2 hsmlic audit prove --event 1 -o p
	run -2 hsmlic audit prove --event 1 --checkpoint c
	run -2 hsmlic audit prove --issue 12 --checkpoint c -o p
	run -2 hsmlic audit prove --issue "${id%????}0000" --checkpoint c -o p
	run -2 hsmlic audit prove --issue "$id" --kind fly --checkpoint c -o p
	run -2 hsmlic audit prove --event 1 --checkpoint c --from c -o p
	run -9 hsmlic audit prove --event 1 --checkpoint c -o p --key n.vkey
	run -9 hsmlic audit prove --event 1 --checkpoint c -o p --key k.vkey \
		--key n.vkey
	[[ $output == *"has signed none"* ]]
	run -2 hsmlic audit prove --event 1 --checkpoint c -o s.db
	[ ! -e p ] && [ ! -e p.leaf ]
	echo text >p
	run -2 hsmlic audit prove --event 1 --checkpoint c -o p
	[ "$(<p)" = text ]
	[ ! -e p.leaf ] # nothing of what cannot be written whole
	run -2 hsmlic audit prove --event 1 --checkpoint c -o r --leaf p
	[ ! -e r ]
	run -2 hsmlic audit prove --event 1 --checkpoint c -o r --leaf r
	[ ! -e r ]
	tamper "UPDATE events SET bytes = $EVE WHERE seq = 2"
	run -9 hsmlic audit prove --event 2 --checkpoint c -o q
	tamper "UPDATE events SET leaf = zeroblob(32) WHERE seq = 1"
	run -9 hsmlic audit prove --event 0 --checkpoint c -o q
	[ ! -e q ]
	[ "$(hsmlic audit verify --checkpoint c | grep -c 'event [12]')" -ge 2 ]
}

@test "prove: the ledger continues a checkpoint" {
	spend a
	key k
	checkpoint c1
	spend b
	checkpoint c2
	spend c
	hsmlic audit prove --from c1 --to c2 -q >proof
	[ "$(grep -cvE '^[A-Za-z0-9+/]{43}=$' proof)" = 0 ]
	[ -s proof ]
	json -0 audit prove --from c1 --to c2
	[ "$(jq '.hashes | length' <<<"$output")" = "$(wc -l <proof)" ]
	[ "$(jq -c '[.from, .size]' <<<"$output")" = \
		"[$(sed -n 2p c1),$(sed -n 2p c2)]" ]
	run -0 hsmlic audit prove --from c1 -o now
	[ -s now ]
	[[ $output == *"$(events) events"* ]]
	# from one to itself nothing is needed
	run -0 --separate-stderr hsmlic audit prove --from c1 --to c1
	[ -z "$output" ]
	run -2 hsmlic audit prove --from c2 --to c1
	[[ $output == *"swap them"* ]]
	run -2 hsmlic audit prove --from c1 --to nowhere
}

@test "verify: a column of another type is a finding, and the rest is looked at" {
	spend a b
	python3 - s.db <<-'EOT'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1], isolation_level=None)
		own = db.execute("SELECT name, sql FROM sqlite_schema WHERE "
		    "name = 'licenses' OR (type = 'trigger' AND "
		    "tbl_name = 'licenses')").fetchall()
		for name, sql in own:
		    if sql.startswith("CREATE TRIGGER"):
		        db.execute("DROP TRIGGER " + name)
		def strict(sql):
		    db.execute("PRAGMA writable_schema = ON")
		    db.execute("UPDATE sqlite_schema SET sql = ? WHERE "
		        "name = 'licenses'", (sql,))
		    db.execute("PRAGMA writable_schema = RESET")
		table = dict(own)["licenses"]
		strict(table[:table.rindex(")") + 1])
		db.execute("PRAGMA ignore_check_constraints = ON")
		db.execute("UPDATE licenses SET sha256 = 'text' WHERE n = 1")
		strict(table)
		for name, sql in own:
		    if sql.startswith("CREATE TRIGGER"):
		        db.execute(sql)
	EOT
	json -1 audit verify
	jq -e '.findings | any(startswith("licenses row 1")) and
		any(contains("its SHA-256"))' <<<"$output"
	# a NUL says that it is there
	run -1 --separate-stderr hsmlic audit verify
	tamper "UPDATE issues SET operator = operator || char(0) || 'bob' WHERE n = 1"
	run -1 --separate-stderr hsmlic audit verify
	[[ $output == *'operator is "ann", a NUL and 3 more bytes, event '* ]]
}

@test "verify: what was found before it had to stop is told" {
	spend a
	tamper "UPDATE events SET bytes = $EVE WHERE seq = 3"
	python3 - s.db <<-'EOT'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		page = db.execute("SELECT rootpage FROM sqlite_schema "
		    "WHERE name = 'uses'").fetchone()[0]
		size = db.execute("PRAGMA page_size").fetchone()[0]
		db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
		db.close()
		with open(sys.argv[1], "r+b") as f:
		    f.seek((page - 1) * size)
		    f.write(b"\xff" * size)
	EOT
	json -5 audit verify
	[ "$(jq -r .error.code <<<"$output")" = store ]
	jq -e '.ok == false and (.findings | any(startswith("event 3")))' \
		<<<"$output"
}

@test "log: one that is damaged does not look whole" {
	spend a
	n=$(events)
	tamper "UPDATE events SET bytes = x'7878' WHERE seq = 3"
	json -9 audit log
	[ "$(jq -c '[(.events | length), .error.code]' <<<"$output")" = \
		'[3,"integrity"]' ]
	[ "$(seqs --last 2)" = "$((n - 2)) $((n - 1))" ] # begins behind it
	tamper "DELETE FROM events WHERE seq = 3"
	json -9 audit log
	[ "$(jq -r .error.why <<<"$output")" = \
		"event 3 is missing: the ledger was altered" ]
	[ "$(seqs --last 2)" = "$((n - 2)) $((n - 1))" ]
	run -9 hsmlic audit log --from 3 --to 4
}

@test "a FIFO in a bundle's folder is waited for by nobody" {
	key k
	checkpoint c1
	hsmlic audit bundle --checkpoint c1 -q -o b.tar
	mkdir x
	tar xf b.tar -C x
	key w --witness --name W/one
	for name in log.jsonl "$(cd x && echo checkpoint-*)"; do
		rm -rf y
		cp -r x y
		rm "y/$name"
		mkfifo "y/$name"
		run -2 timeout 10 hsmlic audit witness --key w --name W/one \
			--log-key k.vkey y
		[[ $output == *"not a regular file"* ]]
	done
}

@test "a memory is one key's" {
	key k
	key k2
	run -2 timeout 10 hsmlic audit checkpoint --key k --key k2 --memory m \
		--memory m -o c1
	[[ $output == *"is given for two keys"* ]]
	[ ! -e c1 ]
}

@test "a log with more keys than are tried" {
	key k0
	hsmlic audit checkpoint --key k0 -q -o c0 >/dev/null
	for i in $(seq 33); do
		key "k$i"
		hsmlic audit checkpoint --key "k$i" --new-key -q -o "c$i" \
			>/dev/null 2>&1
	done
	hsmlic audit verify --checkpoint c33
	hsmlic audit prove --event 2 --checkpoint c33 -o p
	hsmlic audit bundle --checkpoint c33 -o b.tar
	run -9 hsmlic audit verify --checkpoint c0
	[[ $output == *"give the key of then with --key"* ]]
	hsmlic audit verify --checkpoint c0 --key k0.vkey
}

@test "what is made to be handed on may be read by those whom the umask lets" {
	spend a
	key k
	for mask in 022 027 077; do
		mkdir "m$mask"
		(
			umask "$mask"
			cd "m$mask" || exit
			hsmlic audit checkpoint --key ../k -q -o c
			hsmlic audit prove --event 1 --checkpoint c -o p -q
			hsmlic audit bundle --checkpoint c -o b.tar -q
		) >/dev/null
	done
	[ "$(stat -c %a m022/* | sort -u)" = 644 ]
	[ "$(stat -c %a m027/* | sort -u)" = 640 ]
	[ "$(stat -c %a m077/* | sort -u)" = 600 ]
	[ "$(find m022 -type f | wc -l)" = 4 ]
	[ "$(stat -c %a s.db k k.memory | sort -u)" = 600 ]
}

@test "witness: -o adds to the signatures that are there" {
	spend a
	key k
	export HSMLIC_STORE=$HL_DIR/s.db
	checkpoint c
	hsmlic audit bundle -o b.tar --checkpoint c >/dev/null
	for w in one two; do
		HSMLIC_STORE=none.db key "$w" --witness --name "W/$w"
		run -0 hsmlic audit witness --key "$w" --name "W/$w" \
			--log-key k.vkey b.tar -o c
	done
	[ "$(wc -l <c)" = 7 ]
	run -0 hsmlic audit verify --checkpoint c --key k.vkey --key one.vkey \
		--key two.vkey
	# as many events, but others
	sed -i '3{s/^A/B/;t;s/^./A/}' c
	cp c forked
	run -9 hsmlic audit witness --key one --name W/one --log-key k.vkey \
		b.tar -o c
	[[ $output == *"another tree"* ]]
	cmp c forked
}

# ---- audit bundle, audit witness -------------------------------------------

@test "bundle: everything in it, and the same bytes again" {
	spend a
	key k
	checkpoint c1
	spend b
	checkpoint c2
	spend c
	json -0 audit bundle -o b.tar --checkpoint c2 --checkpoint c1 --key k.vkey
	[ "$(jq -c '[.from, .to]' <<<"$output")" = "[0,$(sed -n 2p c2)]" ]
	mkdir x
	tar -xf b.tar -C x
	s1=$(sed -n 2p c1) s2=$(sed -n 2p c2)
	for f in README vkeys log.jsonl "checkpoint-$s1" "checkpoint-$s2" \
		"consistency-$s1-$s2"; do
		[ -s "x/$f" ]
	done
	cmp x/vkeys k.vkey
	openssl pkey -in k -pubout | cmp - x/key-*.pem
	cmp "x/checkpoint-$s2" c2
	hsmlic audit log --jsonl --to "$s2" | cmp - x/log.jsonl
	hsmlic audit prove --from c1 --to c2 -q | cmp - "x/consistency-$s1-$s2"
	hsmlic audit bundle -o again.tar --checkpoint c1 --checkpoint c2 -q \
		>/dev/null
	cmp b.tar again.tar
	if [ -e x/check.sh ]; then
		run -0 bash x/check.sh -k k.vkey bundle x
	fi
	# the page says what openssl says
	sed -n 1,3p c2 >text
	sed -n 5p c2 | sed 's/.* //' | base64 -d | tail -c +5 >sig
	openssl pkeyutl -verify -rawin -pubin -inkey x/key-*.pem -in text \
		-sigfile sig
}

@test "bundle: what is refused" {
	spend a
	key k
	key n
	checkpoint c1
	spend b
	checkpoint c2
	run -2 hsmlic audit bundle -o b.tar
	run -2 hsmlic audit bundle --checkpoint c1
	run -2 hsmlic audit bundle -o b.tar --checkpoint c1 --checkpoint c1
	run -2 hsmlic audit bundle -o b.tar --checkpoint c1 --from c2
	run -9 hsmlic audit bundle -o b.tar --checkpoint c1 --key n.vkey
	run -9 hsmlic audit bundle -o b.tar --checkpoint c1 --key k.vkey \
		--key n.vkey
	[[ $output == *"has signed none"* ]]
	run -0 hsmlic audit bundle -o b.tar --checkpoint c1 --dry-run
	[ ! -e b.tar ]
	echo text >b.tar
	run -2 hsmlic audit bundle -o b.tar --checkpoint c1
	[ "$(<b.tar)" = text ]
	tamper "UPDATE events SET bytes = $EVE WHERE seq = 2"
	run -9 hsmlic audit bundle -o new.tar --checkpoint c1
	[[ $output == *"not those of c1"* ]]
	[ -z "$(find . -name '*.tar' -newer c2 ! -name b.tar)" ]
	[ -z "$(find . -name '.hsmlic-*')" ]
}

# The auditor's machine has no store.
witness() { # WORDS
	HSMLIC_STORE=$HL_DIR/none.db hsmlic audit witness --key w --name W/one \
		--log-key k.vkey "$@"
}

@test "witness: cosigns what continues, from bundles and folders" {
	spend a
	key k
	HSMLIC_STORE=none.db key w --witness --name W/one
	checkpoint c1
	hsmlic audit bundle -o b1.tar --checkpoint c1 >/dev/null
	witness b1.tar >c1w 2>said
	head -n 5 c1w | cmp - c1
	grep -q "note: W/one has cosigned nothing of .* before" said
	witness b1.tar 2>said >/dev/null
	run ! grep note: said
	# with its memory lost it cannot know any more
	witness b1.tar --memory lost 2>said >/dev/null
	grep -q "no older tree was compared" said
	[ "$(wc -l <c1w)" = 6 ]
	run -0 hsmlic audit verify --checkpoint c1w --key k.vkey --key w.vkey
	[[ $output == *"cosigned by the Ed25519 key"*"W/one at 20"* ]]
	# it comes back into a later bundle, which begins where that one ended
	spend b
	checkpoint c2
	hsmlic audit bundle -o b2.tar --from c1w --checkpoint c2 --key k.vkey \
		--key w.vkey >/dev/null
	tar -tf b2.tar | grep -qx "log-from-$(sed -n 2p c1).jsonl"
	json -0 audit witness --key w --name W/one --log-key k.vkey b2.tar
	[ "$(jq -c '[.size_before, .size]' <<<"$output")" = \
		"[$(sed -n 2p c1),$(sed -n 2p c2)]" ]
	jq -rj .checkpoint <<<"$output" >c2w
	run -0 hsmlic audit verify --checkpoint c2w --key k.vkey --key w.vkey
	mkdir x
	tar -xf b2.tar -C x
	run -0 witness x -o c2x
	run -0 hsmlic audit verify --checkpoint c2x --key w.vkey
	# one that saw nothing yet needs the whole
	run -2 witness b2.tar --memory fresh
	[[ $output == *"begins with event"* ]]
	[ ! -e none.db ]
	# an archive of another tar will do
	tar -cf y.tar -C x .
	run -0 witness y.tar -o c2x
}

@test "witness: one key has one name" {
	spend a
	key k
	key w --witness --name W/one
	checkpoint c1
	hsmlic audit bundle -o b1.tar --checkpoint c1 >/dev/null
	witness b1.tar >w1
	run -2 hsmlic audit witness --key w --name W/two --log-key k.vkey b1.tar \
		-o w2
	[[ $output == *W/one*"hint: "*"another key"* ]]
	[ ! -e w2 ]
	run -0 witness b1.tar
	spend b
	checkpoint c2
	hsmlic audit bundle -o b2.tar --checkpoint c2 >/dev/null
	run -2 hsmlic audit witness --key w --name W/two --log-key k.vkey b2.tar
	run -0 witness b2.tar
	# the name came with the first of them
	[ "$(grep -c '^name W/one$' w.memory)" = 1 ]
}

@test "witness: refuses what was rolled back, rewritten or not signed" {
	spend a
	key k
	key n
	key w --witness --name W/one
	checkpoint c1
	hsmlic audit bundle -o b1.tar --checkpoint c1 >/dev/null
	spend b
	checkpoint c2
	hsmlic audit bundle -o b2.tar --checkpoint c2 >/dev/null
	witness b2.tar -o w2
	run -9 witness b1.tar
	[[ $output == *"rolled back"* ]]
	[[ $output == *"hint: ask for a newer bundle"* ]]
	mkdir x
	tar -xf b2.tar -C x
	sed -i 's/"ann"/"eve"/' x/log.jsonl
	run -9 witness x --memory fresh
	[ ! -e fresh ]
	sed -i '$d' x/log.jsonl
	run -9 witness x --memory fresh
	[[ $output == *"ends before event"* ]]
	# signed by another key
	HSMLIC_STORE=none.db run -9 hsmlic audit witness --key w --name W/one \
		--log-key n.vkey b2.tar
	# every key of the log that was given has to have signed
	HSMLIC_STORE=none.db run -9 hsmlic audit witness --key w --name W/one \
		--log-key k.vkey --log-key n.vkey b2.tar
	[[ $output == *"has signed none"* ]]
	# a witness does not speak for the log, and no other log does
	cp w2 x/checkpoint-"$(sed -n 2p w2)"
	HSMLIC_STORE=none.db run -2 hsmlic audit witness --key w --name W/one \
		--log-key w.vkey x
	[[ $output == *"no key of the log"* ]]
	hsmlic audit key show k --name other.org --json | jq -r .vkey >other.vkey
	HSMLIC_STORE=none.db run -2 hsmlic audit witness --key w --name W/one \
		--log-key k.vkey --log-key other.vkey b2.tar
	[[ $output == *"no key of the log"* ]]
	# usage
	run -2 hsmlic audit witness --name W/one --log-key k.vkey b2.tar
	run -2 hsmlic audit witness --key w --log-key k.vkey b2.tar
	run -2 hsmlic audit witness --key w --name W/one b2.tar
	run -2 hsmlic audit witness --key w --name "W one" --log-key k.vkey b2.tar
	run -2 witness nowhere.tar
	run -2 witness s.db
	mkdir empty
	run -2 witness empty
	head -c 3000 b2.tar >cut.tar
	run -2 witness cut.tar
	key p --type p256
	run -2 hsmlic audit witness --key p --name W/one --log-key k.vkey b2.tar
	[[ $output == *Ed25519* ]]
	[ "$(wc -l <w2)" = 6 ]
}

@test "store check and doctor see that an event was altered" {
	spend a b
	hsmlic store check
	[[ $(hsmlic doctor || true) == *"all sound"* ]]
	cp -a s.db good.db
	tamper "UPDATE events SET bytes = $EVE WHERE seq = 2"
	run -1 --separate-stderr hsmlic store check
	[[ $output == *"event 2: its bytes do not match its leaf hash"* ]]
	json -1 store check
	[ "$(jq -c '[.ok, .ledger]' <<<"$output")" = "[false,true]" ]
	run -1 hsmlic doctor
	[[ $output == *"FAILED   store content: "*"event 2: "* ]]
	# a log too long for that: its size alone is looked at
	cp -a good.db s.db
	tamper "UPDATE tree SET size = 131072, frontier = zeroblob(32)"
	run --separate-stderr hsmlic store check
	[[ $stderr == *"131072 events were not checked: hsmlic audit verify"* ]]
	[[ $(hsmlic doctor || true) == *"was not checked: hsmlic audit verify"* ]]
	json -0 store check
	[ "$(jq .ledger <<<"$output")" = false ]
}

# ---- who may only read -----------------------------------------------------

# as_reader COMMAND...: one who may read the store and write nothing beside it.
as_reader() {
	chmod 555 "$HL_DIR" s.db.d
	chmod 444 s.db k.vkey c
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups \
			--inh-caps=-all --bounding-set=-all \
			env HOME=/nowhere "$@"
	else
		"$@"
	fi
}

@test "a read-only user verifies, reports and proves, and cannot spend" {
	spend a
	key k
	checkpoint c
	mkdir -m 777 out
	cp "$HSMLIC_BIN/hsmlic" here
	chmod 755 here
	before=$(sha256sum <s.db)
	as_reader ./here audit log --jsonl | cmp - <(hsmlic audit log --jsonl)
	run -0 as_reader ./here audit verify --checkpoint c --key k.vkey
	run -0 as_reader ./here audit prove --event 2 --checkpoint c -o out/p
	[ -s out/p.leaf ]
	run -0 as_reader ./here audit bundle --checkpoint c -o out/b.tar
	run -5 as_reader ./here audit checkpoint --key k -o out/c
	run ! as_reader ./here get --yes --card sim:card --target sim:a --force
	run -5 as_reader ./here get --cached --target sim:a
	[[ $output == *"writes to the store, which you may only read"* ]]
	[ "$(sha256sum <s.db)" = "$before" ]
	chmod 755 "$HL_DIR" s.db.d
}

@test "a read-only user looks at all there is to see" {
	spend a b
	card=$(sqlite3 s.db 'SELECT serial FROM cards')
	chip=$(hsmlic chip list --json | jq -r '.chips[0].uid')
	cp "$HSMLIC_BIN/hsmlic" here
	chmod 755 here
	: >card.lock
	chmod 666 card card.lock
	before=$(sha256sum <s.db)
	for words in "status" "card list" "card show $card" "chip list" \
		"chip show $chip" "license list" "license show $chip" \
		"store check"; do
		# shellcheck disable=SC2086
		run --separate-stderr as_reader ./here $words --json
		[ "$status" = 0 ] || {
			echo "$words: $output"
			return 1
		}
		jq -e . <<<"$output" >/dev/null
		[[ $words == chip* || $words == license* || $words == store* ||
			$stderr == *"may only be read: nothing is recorded"* ]]
	done
	for words in "chip label $chip x" "card label $card x" "recover"; do
		# shellcheck disable=SC2086
		run -5 as_reader ./here $words
		[[ $output == *"writes to the store, which you may only read"* ]]
	done
	[ "$(sha256sum <s.db)" = "$before" ]
	chmod 755 "$HL_DIR" s.db.d
}

# ---- an older store ---------------------------------------------------------

@test "a store of an older schema has no ledger to look at" {
	sqlite3 old.db <"${HSMLIC_SOURCE:-$BATS_TEST_DIRNAME/../..}/tests/store/schema2.sql"
	chmod 600 old.db
	before=$(sha256sum <old.db)
	for words in "log" "verify"; do
		# shellcheck disable=SC2086
		run -5 hsmlic audit $words --store old.db
		[[ $output == *"store upgrade"* ]]
	done
	[ "$(sha256sum <old.db)" = "$before" ]
}

# ---- status and doctor ------------------------------------------------------

@test "status and doctor tell of the last checkpoint" {
	spend a
	run -0 hsmlic status
	[[ $output != *checkpoint* ]]
	json -0 status
	[ "$(jq -c '[.ledger.events, .ledger.last_checkpoint, .ledger.events_since,
		.ledger.checkpoint_due]' <<<"$output")" = "[$(events),null,null,false]" ]
	[[ $(hsmlic doctor || true) == *"no checkpoint was ever made"* ]]
	key k
	checkpoint c
	run -0 hsmlic status
	[[ $output == *"last checkpoint "*" 0 events since"* ]]
	spend a
	[[ $(hsmlic doctor || true) == *"1 of them since the last checkpoint"* ]]
	json -0 status
	[ "$(jq -c '[.ledger.events_since, .ledger.checkpoint_due]' \
		<<<"$output")" = "[1,false]" ]
	for ((i = 0; i < 50; i++)); do
		hsmlic chip label "$(hsmlic chip list --json |
			jq -r '.chips[0].uid')" "n$i"
		hsmlic chip label "n$i" ""
	done >/dev/null 2>&1
	json -0 status
	[ "$(jq .ledger.checkpoint_due <<<"$output")" = true ]
	[[ $(jq -r '.warnings[]' <<<"$output") == *"since the last checkpoint"* ]]
	[[ $(hsmlic doctor || true) == *"warning  ledger: "*" since the last checkpoint"* ]]
	[[ $(hsmlic doctor || true) != *"everything that was tried is fine"* ]]
	checkpoint c --force
	json -0 status
	[ "$(jq .ledger.checkpoint_due <<<"$output")" = false ]
}

@test "status and doctor tell that no checkpoint was ever made" {
	spend a
	hsmlic status | grep -c "no checkpoint was ever made" | grep -qx 0
	uid=$(hsmlic chip list --json | jq -r '.chips[0].uid')
	for ((i = 0; i < 50; i++)); do
		hsmlic chip label "$uid" "n$i"
		hsmlic chip label "n$i" ""
	done >/dev/null 2>&1
	n=$(events)
	[[ $(hsmlic status) == *"no checkpoint was ever made: $n events are"* ]]
	json -0 status
	[ "$(jq -c '[.ledger.checkpoint_due, .ledger.last_checkpoint]' \
		<<<"$output")" = "[true,null]" ]
	[[ $(hsmlic doctor || true) == *"warning  ledger: no checkpoint was ever made: $n events"* ]]
}
