# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What is installed beside the programs for whoever sets up a station: the
# polkit rule, run as polkit runs it (duktape is the engine of Debian 12's
# polkit), the systemd unit, and the path that doctor tells.

bats_require_minimum_version 1.5.0

setup() {
	: "${HSMLIC_BIN:?is to be the bin folder of a build}"
	PATH=$HSMLIC_BIN:$PATH
	DOCS=${HSMLIC_SOURCE:-$BATS_TEST_DIRNAME/../..}/docs
	RULE=$DOCS/examples/60-hsmlic.rules
	cd "$BATS_TEST_TMPDIR" || return
}

# decide RULE: what it decides, as lines "GROUP ACTION READER VERDICT". The
# names are those that polkit(8) has.
decide() {
	cat - "$1" <<-'EOT' >program.js
		var rules = [];
		var polkit = {
			Result: { NO: "no", YES: "yes", NOT_HANDLED: null },
			addRule: function(f) { rules.push(f); },
			log: function() {}
		};
	EOT
	cat <<-'EOT' >>program.js
		function subject(group) {
			return { user: "u", groups: [group], local: false,
				isInGroup: function(g) { return g === group; } };
		}
		function action(id, reader) {
			return { id: "org.debian." + id,
				lookup: function(key) {
					return key === "reader" ? reader : undefined;
				} };
		}
		["hsmlic", "users"].forEach(function(group) {
			[["pcsc-lite.access_pcsc"],
			["pcsc-lite.access_card", "ACS ACR39U 00 00"],
			["pcsc-lite.access_card", "Yubico YubiKey 01 00"],
			["pcsc-lite.access_card"],
			["apt.install-file"]].forEach(function(a) {
				var verdict = rules[0](action(a[0], a[1]),
					subject(group));
				print([group].concat(a, String(verdict)).join(" "));
			});
		});
		if (rules.length !== 1)
			throw new Error("there is to be one rule");
	EOT
	duk program.js
}

@test "the polkit rule lets its group do both actions, and nothing else" {
	decide "$RULE" >is
	diff is - <<-'EOT'
		hsmlic pcsc-lite.access_pcsc yes
		hsmlic pcsc-lite.access_card ACS ACR39U 00 00 yes
		hsmlic pcsc-lite.access_card Yubico YubiKey 01 00 yes
		hsmlic pcsc-lite.access_card yes
		hsmlic apt.install-file null
		users pcsc-lite.access_pcsc null
		users pcsc-lite.access_card ACS ACR39U 00 00 null
		users pcsc-lite.access_card Yubico YubiKey 01 00 null
		users pcsc-lite.access_card null
		users apt.install-file null
	EOT
}

@test "with readers named, it lets the group use these alone" {
	sed 's/var readers = \[\];/var readers = ["ACS ACR39U"];/' "$RULE" >rule
	run ! cmp -s rule "$RULE"
	decide rule | grep '^hsmlic' >is
	diff is - <<-'EOT'
		hsmlic pcsc-lite.access_pcsc yes
		hsmlic pcsc-lite.access_card ACS ACR39U 00 00 yes
		hsmlic pcsc-lite.access_card Yubico YubiKey 01 00 null
		hsmlic pcsc-lite.access_card null
		hsmlic apt.install-file null
	EOT
}

@test "a rule that is no JavaScript is noticed" {
	sed 's/^});/}/' "$RULE" >rule
	run decide rule
	[ "$status" != 0 ]
}

@test "systemd takes every line of the unit" {
	command -v systemd-analyze || skip "there is no systemd-analyze"
	sed "s,^ExecStart=[^ ]*,ExecStart=$HSMLIC_BIN/hsmlic," \
		"$DOCS/examples/hsmlic-recover.service" >hsmlic-recover.service
	run -0 systemd-analyze verify --man=no ./hsmlic-recover.service
	echo "$output"
	[ -z "$output" ]
	sed -i 's/^PrivateTmp/PrivateTemp/' hsmlic-recover.service
	run systemd-analyze verify --man=no ./hsmlic-recover.service
	[ -n "$output" ]
}

@test "the unit stays where the lock of a reader is seen" {
	run ! grep -i '^PrivateNetwork\|^NetworkNamespacePath' \
		"$DOCS/examples/hsmlic-recover.service"
}

@test "the command of the unit is one" {
	local -a words
	read -ra words < <(sed -n 's/^ExecStart=[^ ]* //p' \
		"$DOCS/examples/hsmlic-recover.service")
	[ "${#words[@]}" -gt 0 ]
	run -0 hsmlic --store "$PWD/none.db" "${words[@]}" --help
	[[ $output == "Usage: hsmlic recover"* ]]
}

@test "cmake --install puts the rule where doctor says it is" {
	local path
	DESTDIR=$PWD/root cmake --install "$(dirname "$HSMLIC_BIN")" >log
	path=$(REFUSE_AT=SCardEstablishContext hsmlic-refused doctor --json \
		--store "$PWD/s.db" | jq -r '.checks[].remedy // empty' |
		grep -o '/[^ ]*/60-hsmlic\.rules')
	cmp "$RULE" "root$path"
	[ -f "root${path%/*}/hsmlic-recover.service" ]
	[ -f "root${path%/*}/../deployment.md" ]
	[ -f "root${path%/*}/../FORMAT.rescue" ]
	[ ! -e "root${path%/*}/../man" ]
}
