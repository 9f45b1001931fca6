#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check.sh: checks ledgers of hsmlic without hsmlic, with bash, coreutils, xxd
# and openssl. Which bytes it goes by: docs/FORMAT.ledger, RFC 6962 (2.1) and
# RFC 9162 (2.1.3.2, 2.1.4.2), C2SP signed-note, tlog-checkpoint,
# tlog-cosignature and tlog-proof.
set -euo pipefail
export LC_ALL=C # bytes, not characters

usage() {
	cat <<'EOT'
usage: check.sh -k KEY [-k KEY]... COMMAND

  checkpoint FILE...           who signed these checkpoints
  log LOG.jsonl FILE...        the log is the one that these checkpoints speak of
  event PROOF LEAF             this event is in the log
  consistency OLD NEW PROOF    the log of NEW begins with the log of OLD
  bundle DIR                   all of that for an unpacked bundle

KEY, which you must have from somebody you trust and not from the bundle:
  NAME+HEX+BASE64              a key as "hsmlic audit key show" prints it
  a file with such keys, one a line
  a file with a PEM public key (of the log; a witness has a name as well)

Each checkpoint must have a signature of a KEY of its log; each KEY must have
signed something; and no signature of a KEY may be wrong.

Exit code: 0 all is as it must be, 1 refused, 2 usage.
EOT
}

# What is said may have words of those who are checked in it: a terminal is to get
# no control characters of theirs.
refuse() {
	printf 'REFUSED: %s\n' "${1//[[:cntrl:]]/?}" >&2
	exit 1
}

bad_usage() {
	printf 'check.sh: %s\n' "$1" >&2
	usage >&2
	exit 2
}

ok() {
	printf 'ok: %s\n' "${1//[[:cntrl:]]/?}"
}

# ---- bytes, hex and base64 ---------------------------------------------------

# sha256: of standard input, in hex.
sha256() {
	local h
	h=$(sha256sum)
	printf %s "${h%% *}"
}

# bytes HEX: what it stands for.
bytes() {
	printf %s "$1" | xxd -r -p
}

# unbase64 TEXT: in hex; fails where encoding it again gives another text.
unbase64() {
	local hex
	[ -n "$1" ] || return 1
	hex=$(printf %s "$1" | base64 -d 2>/dev/null | xxd -p -c 0) || return 1
	[ "$(bytes "$hex" | base64 -w 0)" = "$1" ] || return 1
	printf %s "$hex"
}

# hash_of TEXT: a base64 hash in hex.
hash_of() {
	local hex
	hex=$(unbase64 "$1") || return 1
	[ ${#hex} -eq 64 ] || return 1
	printf %s "$hex"
}

# read_lines FILE: into LINES. bash cannot hold a byte 0, and would read a log
# with one in it as if it were not there.
read_lines() {
	local n
	[[ -f $1 && -r $1 ]] || refuse "$1: no such file"
	n=$(wc -c <"$1")
	[ "$n" -gt 0 ] || refuse "$1: it is empty"
	[ "$(tr -d '\0' <"$1" | wc -c)" -eq "$n" ] ||
		refuse "$1: there is a byte 0 in it"
	[ "$(tail -c 1 "$1" | xxd -p)" = 0a ] ||
		refuse "$1: its last line has no end"
	mapfile -t LINES <"$1"
}

# is_count TEXT: a decimal number that fits, written in the one way.
is_count() {
	[[ $1 =~ ^(0|[1-9][0-9]{0,14})$ ]]
}

# ---- keys --------------------------------------------------------------------

# One row a key. KEY_NAME is "" for a key out of a PEM file: it is the log's.
# KEY_HEX is what stands behind the algorithm's byte in the base64 part.
KEY_NAME=() KEY_ID=() KEY_ALG=() KEY_HEX=() KEY_USED=()

ED25519_DER=302a300506032b6570032100
P256_DER=3059301306072a8648ce3d020106082a8648ce3d03010703420004

# key_id NAME ALG HEX
key_id() {
	if [ "$2" = 02 ]; then
		bytes "$3" | sha256
	else
		{ printf '%s\n' "$1"; bytes "$2$3"; } | sha256
	fi | head -c 8
}

add_key() {
	KEY_NAME+=("$1") KEY_ID+=("$2") KEY_ALG+=("$3") KEY_HEX+=("$4")
	KEY_USED+=(0)
}

# add_vkey TEXT: NAME+HEX+BASE64; BASE64 may have a + of its own.
add_vkey() {
	local name=${1%%+*} rest=${1#*+} hex
	local id=${rest%%+*}
	hex=$(unbase64 "${rest#*+}") || refuse "key $name: bad base64"
	case ${#hex}:$hex in
	66:01* | 66:04* | 184:02"$P256_DER"*) ;;
	*) refuse "key $name: of no kind that is known here" ;;
	esac
	[ "$(key_id "$name" "${hex:0:2}" "${hex:2}")" = "$id" ] ||
		refuse "key $name: its ID $id is not that of its name and key"
	add_key "$name" "$id" "${hex:0:2}" "${hex:2}"
}

add_pem() {
	local hex
	hex=$(openssl pkey -pubin -in "$1" -outform DER 2>/dev/null |
		xxd -p -c 0) || refuse "$1: no public key"
	case ${#hex}:$hex in
	88:"$ED25519_DER"*) add_key "" "" 01 "${hex#"$ED25519_DER"}" ;;
	182:"$P256_DER"*) add_key "" "" 02 "$hex" ;;
	*) refuse "$1: neither an Ed25519 key nor a P-256 key" ;;
	esac
}

# add_keys KEY
add_keys() {
	local line
	if [ ! -e "$1" ]; then
		[[ $1 == *+*+* ]] || refuse "$1: neither a key nor a file"
		add_vkey "$1"
		return
	fi
	read_lines "$1"
	if [[ ${LINES[0]} == -----BEGIN* ]]; then
		add_pem "$1"
		return
	fi
	for line in "${LINES[@]}"; do
		[[ -z $line || $line == \#* ]] && continue
		[[ $line == *+*+* ]] || refuse "$1: not a key: $line"
		add_vkey "$line"
	done
}

# verify ALG HEX MESSAGE SIGNATURE: the last two are files.
verify() {
	local der=$2
	[ "$1" = 02 ] || der=$ED25519_DER$2
	bytes "$der" >"$T/key"
	if [ "$1" = 02 ]; then
		openssl dgst -sha256 -keyform DER -verify "$T/key" \
			-signature "$4" "$3"
	else
		openssl pkeyutl -verify -rawin -pubin -keyform DER \
			-inkey "$T/key" -in "$3" -sigfile "$4"
	fi >"$T/openssl" 2>&1
}

# ---- checkpoints -------------------------------------------------------------

DASH=$'\xe2\x80\x94 '

# read_checkpoint FILE [NAME]: into ORIGIN, SIZE, ROOT, once its signatures have
# been found right; NAME for messages.
read_checkpoint() {
	local what=${2:-$1} i of_log=0 signers=
	read_lines "$1"
	[[ ${#LINES[@]} -ge 5 && -n ${LINES[0]} && -z ${LINES[3]} ]] ||
		refuse "$what: not a checkpoint: three lines, a blank one, signatures"
	ORIGIN=${LINES[0]} SIZE=${LINES[1]}
	is_count "$SIZE" || refuse "$what: bad tree size: $SIZE"
	ROOT=$(hash_of "${LINES[2]}") || refuse "$what: bad root"
	head -n 3 "$1" >"$T/body"
	for ((i = 4; i < ${#LINES[@]}; i++)); do
		check_line "$what" "${LINES[i]}"
	done
	[ "$of_log" = 1 ] || refuse \
		"$what: none of the keys of its log ($ORIGIN) signed it; it is signed by $signers, the keys given are $(given_keys) (a log that changed its keys needs each of them, with a -k of its own)"
}

# key_id_here KEY: of that row, for the log at hand where it has no name.
key_id_here() {
	printf %s "${KEY_ID[$1]:-$(key_id "$ORIGIN" "${KEY_ALG[$1]}" "${KEY_HEX[$1]}")}"
}

# whose NAME ID: the ID alone where it is the log's.
whose() {
	printf %s "$2"
	[ "$1" = "$ORIGIN" ] || printf ' of %s' "$1"
}

given_keys() {
	local k between=
	for k in "${!KEY_NAME[@]}"; do
		printf %s "$between"
		whose "${KEY_NAME[k]:-$ORIGIN}" "$(key_id_here "$k")"
		between=', '
	done
}

# check_line WHAT LINE: a signature line. Lines of keys that are not ours are
# passed over.
check_line() {
	local what=$1 name hex k id
	[[ $2 == "$DASH"*' '* ]] || refuse "$what: not a signature line: $2"
	name=${2#"$DASH"}
	hex=$(unbase64 "${name##* }") ||
		refuse "$what: bad base64 in a signature line"
	[ ${#hex} -gt 8 ] || refuse "$what: a signature is too short"
	name=${name% *}
	signers+=${signers:+, }$(whose "$name" "${hex:0:8}")
	for k in "${!KEY_NAME[@]}"; do
		id=$(key_id_here "$k")
		[[ $name == "${KEY_NAME[k]:-$ORIGIN}" &&
			${hex:0:8} == "$id" ]] || continue
		check_signature "$what" "$k" "$name" "${hex:8}"
	done
}

# check_signature WHAT KEY NAME HEX
check_signature() {
	local alg=${KEY_ALG[$2]} hex=$4 time=
	cp "$T/body" "$T/message"
	if [ "$alg" = 04 ]; then
		[[ ${#hex} -eq 144 && $hex == [0-7]* ]] ||
			refuse "$1: a cosignature of $3 is malformed"
		time=$((16#${hex:0:16})) hex=${hex:16}
		{ printf 'cosignature/v1\ntime %s\n' "$time"; cat "$T/body"; } \
			>"$T/message"
	fi
	bytes "$hex" >"$T/signature"
	verify "$alg" "${KEY_HEX[$2]}" "$T/message" "$T/signature" ||
		refuse "$1: a signature of $3 is wrong"
	KEY_USED[$2]=1
	if [ "$alg" = 04 ]; then
		time=$(date -u -d "@$time" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null ||
			printf %s "$time")
		ok "$1: witnessed by $3 at $time, size $SIZE"
	else
		[ "$3" != "$ORIGIN" ] || of_log=1
		[ "$alg" = 01 ] && alg=Ed25519 || alg=ECDSA
		ok "$1: signed by $3 ($alg), size $SIZE"
	fi
}

# A key that signed nothing is a key that is not the one it is taken for.
check_keys_used() {
	local k
	for k in "${!KEY_NAME[@]}"; do
		[ "${KEY_USED[k]}" = 1 ] || refuse \
			"a key given with -k (${KEY_NAME[k]:-out of a PEM file}, $(key_id_here "$k")) signed nothing of this"
	done
}

# ---- the tree ----------------------------------------------------------------

# node LEFT RIGHT: the hash above them.
node() {
	bytes "01$1$2" | sha256
}

# sum_files: SHA-256 of each file in $T/f, in order of their names, into SUMS;
# removes the files. One call for all is what makes this fast.
sum_files() {
	local i
	mapfile -t SUMS < <(cd "$T/f" && sha256sum -- *)
	SUMS=("${SUMS[@]%% *}")
	rm -r "$T/f"
}

BATCH=8192

# hash_leaves: of LINES, into LEVEL_0.
hash_leaves() {
	local i j name n=${#LINES[@]}
	LEVEL_0=()
	for ((i = 0; i < n; i += BATCH)); do
		mkdir "$T/f"
		for ((j = i; j < n && j < i + BATCH; j++)); do
			printf -v name '%s/f/%06d' "$T" $((j - i))
			printf '\0%s' "${LINES[j]}" >"$name"
		done
		sum_files
		LEVEL_0+=("${SUMS[@]}")
	done
}

# hash_pairs FROM TO: of the level FROM, into the level TO.
hash_pairs() {
	local -n below=LEVEL_$1 above=LEVEL_$2
	local i n=$((${#below[@]} / 2))
	above=()
	for ((i = 0; i < n; i += BATCH)); do
		mkdir "$T/f"
		printf '01%s%s\n' "${below[@]:2*i:2*(n - i < BATCH ? n - i : BATCH)}" |
			xxd -r -p | split -b 65 -a 6 -d - "$T/f/"
		sum_files
		above+=("${SUMS[@]}")
	done
}

# hash_log FILE: all full subtrees of the log, LEVEL_k those of 2^k leaves; and
# LEAVES, how many there are.
hash_log() {
	local k
	read_lines "$1"
	LEAVES=${#LINES[@]}
	hash_leaves
	for ((k = 0; LEAVES >> (k + 1) > 0; k++)); do
		hash_pairs $k $((k + 1))
	done
	LINES=()
}

# root_at SIZE: of the first SIZE leaves.
root_at() {
	local k root='' name
	if [ "$1" -eq 0 ]; then
		sha256 </dev/null
		return
	fi
	for ((k = 0; $1 >> k > 0; k++)); do
		(($1 >> k & 1)) || continue
		name="LEVEL_${k}[$((($1 >> k) - 1))]"
		root=${root:+$(node "${!name}" "$root")}
		root=${root:-${!name}}
	done
	printf %s "$root"
}

# read_hashes TEXT...: base64 into HASHES.
read_hashes() {
	local line hex
	HASHES=()
	for line in "$@"; do
		hex=$(hash_of "$line") || refuse "$PROOF: not a hash: $line"
		HASHES+=("$hex")
	done
}

# included LEAF-HASH INDEX SIZE ROOT: with HASHES (RFC 9162, 2.1.3.2).
included() {
	local r=$1 fn=$2 sn=$(($3 - 1)) p
	((fn <= sn)) || return 1
	for p in "${HASHES[@]}"; do
		((sn > 0)) || return 1
		if ((fn & 1 || fn == sn)); then
			r=$(node "$p" "$r")
			while ((!(fn & 1) && fn > 0)); do
				((fn >>= 1, sn >>= 1, 1))
			done
		else
			r=$(node "$r" "$p")
		fi
		((fn >>= 1, sn >>= 1, 1))
	done
	((sn == 0)) && [ "$r" = "$4" ]
}

# consistent OLD-SIZE OLD-ROOT SIZE ROOT: with HASHES (RFC 9162, 2.1.4.2).
consistent() {
	local fn=$(($1 - 1)) sn=$(($3 - 1)) fr sr c
	local path=("${HASHES[@]}")
	(($1 <= $3)) || return 1
	if (($1 == $3)) || (($1 == 0)); then
		[ ${#path[@]} -eq 0 ] && { (($1 == 0)) || [ "$2" = "$4" ]; }
		return
	fi
	(($1 & ($1 - 1))) || path=("$2" "${path[@]}")
	[ ${#path[@]} -gt 0 ] || return 1
	while ((fn & 1)); do ((fn >>= 1, sn >>= 1, 1)); done
	fr=${path[0]} sr=${path[0]}
	for c in "${path[@]:1}"; do
		((sn > 0)) || return 1
		if ((fn & 1 || fn == sn)); then
			fr=$(node "$c" "$fr")
			sr=$(node "$c" "$sr")
			while ((!(fn & 1) && fn > 0)); do
				((fn >>= 1, sn >>= 1, 1))
			done
		else
			sr=$(node "$sr" "$c")
		fi
		((fn >>= 1, sn >>= 1, 1))
	done
	((sn == 0)) && [ "$fr" = "$2" ] && [ "$sr" = "$4" ]
}

# ---- commands ----------------------------------------------------------------

do_checkpoint() {
	local file
	for file in "$@"; do
		read_checkpoint "$file"
	done
}

# The log ends where the largest checkpoint ends: what is behind it is vouched
# for by nobody.
do_log() {
	local log=$1 file largest=0 origin=''
	hash_log "$log"
	shift
	for file in "$@"; do
		read_checkpoint "$file"
		[ "${origin:=$ORIGIN}" = "$ORIGIN" ] ||
			refuse "$file: it is of another log: $ORIGIN"
		[ "$SIZE" -le "$LEAVES" ] || refuse \
			"$log: it has $LEAVES events, $file speaks of $SIZE"
		[ "$(root_at "$SIZE")" = "$ROOT" ] || refuse \
			"$log: its first $SIZE events are not those of $file"
		ok "$log: its first $SIZE events are those of $file"
		((SIZE <= largest)) || largest=$SIZE
	done
	[ "$largest" -eq "$LEAVES" ] || refuse \
		"$log: it has $LEAVES events, the newest checkpoint speaks of $largest"
}

# A proof file: two lines, hashes, a blank line, a checkpoint.
do_event() {
	local leaf=$2 index i n
	PROOF=$1
	read_lines "$PROOF"
	[[ ${LINES[0]} == c2sp.org/tlog-proof@v1 &&
		${LINES[1]-} == 'index '* ]] || refuse "$PROOF: not a proof"
	index=${LINES[1]#index }
	is_count "$index" || refuse "$PROOF: bad index: $index"
	for ((n = 2; n < ${#LINES[@]}; n++)); do
		[ -n "${LINES[n]}" ] || break
	done
	read_hashes "${LINES[@]:2:n-2}"
	tail -n +$((n + 2)) "$PROOF" >"$T/checkpoint"
	read_checkpoint "$T/checkpoint" "$PROOF"
	[[ -f $leaf && -r $leaf ]] || refuse "$leaf: no such file"
	i=$({ printf '\0'; cat "$leaf"; } | sha256)
	included "$i" "$index" "$SIZE" "$ROOT" ||
		refuse "$leaf: it is not event $index of $ORIGIN"
	ok "$leaf: it is event $index of $ORIGIN"
}

# A consistency proof: a hash a line; an empty file where none is needed.
do_consistency() {
	local size root origin
	PROOF=$3
	read_checkpoint "$1"
	size=$SIZE root=$ROOT origin=$ORIGIN
	read_checkpoint "$2"
	[ "$origin" = "$ORIGIN" ] || refuse "$2: it is of another log: $ORIGIN"
	LINES=()
	[[ -f $PROOF && ! -s $PROOF ]] || read_lines "$PROOF"
	read_hashes "${LINES[@]}"
	consistent "$size" "$root" "$SIZE" "$ROOT" ||
		refuse "$PROOF: the log of $2 does not begin with that of $1"
	ok "$PROOF: the first $size of $SIZE events are those of $1"
}

# A bundle: log.jsonl, checkpoint-SIZE for one or more sizes, and
# consistency-OLD-NEW for some two of them.
do_bundle() {
	local file size
	local -a checkpoints=("$1"/checkpoint-*)
	for file in "$1"/log-from-*.jsonl; do
		[[ ! -e $file || -e $1/log.jsonl ]] || refuse \
			"$file: not a whole log; put those of earlier bundles before it, as log.jsonl"
	done
	do_log "$1/log.jsonl" "${checkpoints[@]}"
	for file in "$1"/consistency-*; do
		[ -e "$file" ] || continue
		size=${file##*/consistency-}
		do_consistency "$1/checkpoint-${size%%-*}" \
			"$1/checkpoint-${size#*-}" "$file"
	done
}

main() {
	local key command keys=()
	while [ "${1-}" = -k ]; do
		[ $# -ge 2 ] || bad_usage "-k needs a key"
		keys+=("$2")
		shift 2
	done
	case ${1-}:$# in
	-h:* | --help:* | help:*)
		usage
		return
		;;
	checkpoint:[2-9] | checkpoint:??* | log:[3-9] | log:??* | event:3 | \
		consistency:4 | bundle:2) ;;
	*) bad_usage "no such command, or a wrong number of files" ;;
	esac
	[ ${#keys[@]} -gt 0 ] || bad_usage "a key is needed: -k KEY"
	# a file for each event and each node: many times faster in memory
	T=$(mktemp -d -p "${TMPDIR:-/dev/shm}" 2>/dev/null || mktemp -d)
	trap 'rm -rf "$T"' EXIT
	for key in "${keys[@]}"; do add_keys "$key"; done
	command=do_$1
	shift
	"$command" "$@"
	check_keys_used
}

main "$@"
