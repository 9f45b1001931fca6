# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2154
# The stand-ins for ST's tool and card: they have to spend as the genuine ones
# do, and each switch has to do what it says, or tests with them prove nothing.
load lib

CLI=STM32_Programmer_CLI
CONNECT=(-c port=swd mode=HOTPLUG)

setup() {
	hl_setup
	cd "$HL_DIR" || return
	hsmlic-sim card new card --firmware "fw 1" --capacity 25 >/dev/null
	hsmlic-sim chip new one --seed 1 >/dev/null
	head -c 1000 /dev/urandom >plain
	hsmlic-sim image new out.sfi --card card --in plain >/dev/null
	standin_world
	standin_card 1 card
	standin_chip one
}

teardown() {
	hl_teardown
}

left() { # what the card itself says
	hsmlic-sim card show "${1:-card}" --json | jq .counter
}

# says LINE: it is one of the output's, whole.
says() {
	grep -qxF -- "$1" <<<"$output"
}

says_not() {
	! grep -qF -- "$1" <<<"$output"
}

# The line after which one unit is gone.
generated() {
	says "Succeed to generate license for the current STM32 device"
}

# wait_for_line FILE TEXT
wait_for_line() {
	local i
	for ((i = 0; i < 500; i++)); do
		grep -qF -- "$2" "$1" 2>/dev/null && return
		sleep 0.02
	done
	return 1
}

# license STATUS [OPTION...]: of chip one, from the certificate, to lic.
license() {
	local want=$1
	shift
	run "-$want" $CLI "$@" -hsmglfcb one/certificate.bin lic slot=1
}

sfi() { # STATUS [WORD...]
	local want=$1
	shift
	run "-$want" $CLI "${CONNECT[@]}" -sfi protocol=static out.sfi "$@"
}

@test "ST's script of three lines, ten times on one chip: ten units" {
	cat >script <<-'EOT'
		set -e
		STM32_Programmer_CLI -hsmgetinfo slot=1
		STM32_Programmer_CLI -c port=swd mode=HOTPLUG -ob displ
		STM32_Programmer_CLI -c port=swd mode=HOTPLUG -sfi protocol=static out.sfi hsm=1 slot=1 -rsse x
	EOT
	for nth in 1 2 3 4 5 6 7 8 9 10; do
		rm -f one/flash.bin
		run -0 bash script
		says "SFI Process Finished!"
		says "Time elapsed during SFI install operation: 00:00:00.123"
		cmp one/flash.bin plain
		[ "$(left)" = $((25 - nth)) ]
	done
	[ "$(wc -l <world/journal)" -eq 30 ]
	[ "$(tail -n 1 world/journal)" = "-c port=swd mode=HOTPLUG -sfi \
protocol=static out.sfi hsm=1 slot=1 -rsse x" ]
}

@test "the lines of a license request, in their order" {
	sfi 0 hsm=1 slot=1
	run -0 grep -nxF -f - <(echo "$output") <<-'EOT'
		Requesting Chip Certificate from device ...
		Reading chip Certificate finished
		Get Certificate done successfully
		requesting license for the current STM32 device
		Init Communication ...
		P11 lib initialization Success!
		Opening session with slot ID 1...
		Succeed to Open session with reader slot ID 1
		Succeed to generate license for the current STM32 device
		Closing session with reader slot ID 1...
		Session closed with reader slot ID 1
		Closing communication with HSM...
		Communication closed with HSM
		Succeed to get License for Firmware from HSM slot ID 1
		Starting Firmware Install operation...
	EOT
	[ "${#lines[@]}" -eq 15 ]
	[[ ${lines[0]} == *"Requesting Chip"* ]]
	[ $((${lines[14]%%:*} - ${lines[0]%%:*})) -eq 14 ]
}

@test "a license from a certificate costs one unit a call, and needs no chip" {
	rm world/chip
	license 0
	cp lic first
	[ "$(left)" = 24 ]
	license 0
	[ "$(left)" = 23 ]
	run ! cmp first lic
	run -0 $CLI -hsmgetlicensefromcertifbin one/certificate.bin other.bin
	[ "$(left)" = 22 ]
	[ "$(stat -c %s other.bin)" -eq 136 ]
}

@test "a license for the connected chip costs one unit a call" {
	run -0 $CLI "${CONNECT[@]}" -hsmgetlicense lic slot=1
	generated
	[ "$(left)" = 24 ]
	run -1 $CLI -hsmgetlicense lic slot=1
	[ "$(left)" = 24 ]
	sfi 0 hsm=0 lic
	cmp one/flash.bin plain
}

@test "an install with a license from a file costs nothing" {
	license 0
	for way in "hsm=0 lic" lic; do
		rm -f one/flash.bin
		# shellcheck disable=SC2086 # several words
		sfi 0 $way -rsse x
		says_not HSM
		cmp one/flash.bin plain
	done
	[ "$(left)" = 24 ]
	run -0 $CLI "${CONNECT[@]}" -ssp out.sfi tfa.stm32 hsm=0 lic
	run -0 $CLI "${CONNECT[@]}" -installipmodule out.sfi hsm=0 lic 0x8000000
	[ "$(left)" = 24 ]
	run -0 $CLI "${CONNECT[@]}" -ssp out.sfi tfa.stm32 hsm=1 slot=1
	run -0 $CLI "${CONNECT[@]}" -installipmodule out.sfi hsm=1 slot=1
	[ "$(left)" = 22 ]
}

@test "a license of another chip or another firmware installs nothing" {
	license 0
	hsmlic-sim chip new two --seed 2 >/dev/null
	standin_chip two
	sfi 1 hsm=0 lic
	says "Error: RSS internal system error or License is invalid !"
	says "Error: out.sfi SFI file Install Operation Failure! Please, try again."
	[ ! -e two/flash.bin ]
	hsmlic-sim card new card2 --firmware "fw 2" --capacity 3 >/dev/null
	standin_chip one
	standin_card 2 card2
	sfi 1 hsm=1 slot=2
	generated
	says_not Finished
	[ "$(left card2)" = 2 ]
	[ "$(left)" = 24 ]
}

@test "an empty card, no card, a blank card: no license" {
	hsmlic-sim card new empty --firmware f --capacity 0 >/dev/null
	hsmlic-sim card new blank --blank >/dev/null
	standin_card 2 empty
	standin_card 3 blank
	for slot in 2 3 4; do
		run -1 $CLI -hsmglfcb one/certificate.bin lic slot=$slot
		says_not "Succeed to generate"
		[ ! -e lic ]
	done
	sfi 1 hsm=1 slot=2
	[ ! -e one/flash.bin ]
	run -1 $CLI -hsmgetinfo slot=4
	run -0 $CLI -hsmgetinfo slot=3
	says_not "HSM FW IDENTIFIER"
}

@test "the card's figures" {
	run -0 $CLI -hsmgetinfo
	says "HSM FW IDENTIFIER : fw 1"
	says "HSM COUNTER       : 25"
	says "HSM STATE         : OPERATIONAL_STATE"
	says_not "ST-LINK"
	run -0 $CLI -hsmgetcounter slot=1
	says "HSM COUNTER : 25"
	run -0 $CLI -hsmgetfwid
	says "HSM FW IDENTIFIER : fw 1"
	run -0 $CLI -hsmgetstatus
	says "HSM STATE : OPERATIONAL_STATE"
	[ "$(left)" = 25 ]
}

@test "certificate and UID of the chip at the probe that is named" {
	hsmlic-sim chip new two --seed 2 --product 48002001 >/dev/null
	standin_chip two 50FF6D
	run -0 $CLI "${CONNECT[@]}" -gc c1
	says "writing chip certificate to file c1 finished successfully"
	cmp c1 one/certificate.bin
	run -0 $CLI "${CONNECT[@]}" sn=50FF6D -gc c1
	says "File already exist. It will be overwritten."
	says "ST-LINK SN : 50FF6D"
	says "Device ID : 0x480"
	says "Device name : STM32H7A/B"
	cmp c1 two/certificate.bin
	run -1 $CLI "${CONNECT[@]}" sn=none -gc c2
	run -1 $CLI -gc c2
	[ ! -e c2 ]

	# Words are little-endian in memory.
	words=$(sed -E 's/(..)(..)(..)(..)/\4\3\2\1 /g; s/ *$//' two/uid.hex)
	run -0 $CLI "${CONNECT[@]}" sn=50FF6D -r32 0x08FFF800 12
	says "0x08FFF800 : $words"
	run -1 $CLI "${CONNECT[@]}" sn=50FF6D -r32 0x1FF1E800 12
	echo "uid none" >two/device
	run -1 $CLI "${CONNECT[@]}" sn=50FF6D -r32 0x08FFF800 12
	printf '%s\n' "id 0x455" "name STM32U535/545" "uid 0x0BFA0700" >two/device
	run -0 $CLI "${CONNECT[@]}" sn=50FF6D -r32 0x0BFA0700 12
	says "Device ID : 0x455"
	says "Device name : STM32U535/545"
	says "0x0BFA0700 : $words"
}

@test "option bytes are shown and set" {
	run -0 $CLI "${CONNECT[@]}" -ob displ
	says "UPLOADING OPTION BYTES DATA ..."
	says "     RDP : 0xAA (Level 0, no protection)"
	printf '%s\n' "RDP : 0xAA" "TZEN : 0x0" >one/option-bytes
	run -0 $CLI "${CONNECT[@]}" -ob TZEN=1 -rst
	run -0 $CLI "${CONNECT[@]}" -ob displ
	says "     RDP : 0xAA"
	says "     TZEN : 1"
	says_not "TZEN : 0x0"
}

@test "help goes to stdout as the tool's, and says on stderr whose it is" {
	run -0 --separate-stderr $CLI --help
	says_not stand-in
	[ "${stderr_lines[-1]}" = "stand-in for tests; not ST's program" ]
	for option in -sfi -rsse -installipmodule -hsmgetinfo -hsmgetcounter \
		-hsmgetfwid -hsmgetstatus -hsmgetlicense -hsmglfcb \
		-hsmgetlicensefromcertifbin; do
		grep -qE -- "(^|[ ,])$option([ ,]|\$)" <<<"$output"
	done
	run -0 --separate-stderr $CLI --version
	[ "$stderr" = "stand-in for tests; not ST's program" ]
	[[ $output == *"STM32CubeProgrammer v2.21.0"* ]]
}

@test "a world that is not there is no failure of the tool" {
	STM32CLI_STANDIN='' run -99 $CLI -hsmgetinfo
	STM32CLI_STANDIN=$HL_DIR/none run -99 $CLI -hsmgetinfo
}

@test "switches version and the forms of lines" {
	run -0 $CLI "${CONNECT[@]}"
	says "STM32CubeProgrammer v2.21.0"
	says "Connect mode : Hot Plug"
	says "Voltage : 3.30V"
	says "SFSP Version: v1.2.0"
	standin_switches version=2.10.0 comma
	run -0 $CLI "${CONNECT[@]}"
	says "                        STM32CubeProgrammer v2.10.0                  "
	says "Connect mode: Hot Plug"
	says "Device ID   : 0x450"
	says "Voltage     : 3,30V"
	says_not SFSP
	standin_switches colors
	run -0 $CLI -hsmgetinfo
	says $'\e[39;49m\e[0mHSM FW IDENTIFIER : fw 1'
	standin_switches crlf
	run -0 $CLI -hsmgetinfo
	says $'HSM FW IDENTIFIER : fw 1\r'
	standin_switches clock
	run -0 $CLI -hsmgetinfo
	grep -qE '^[0-2][0-9]:[0-5][0-9]:[0-5][0-9] : HSM FW IDENTIFIER : fw 1$' \
		<<<"$output"
	standin_switches
	run -0 $CLI -c port=usb1
	says "Device ID : 0x0450"
	run -0 $CLI -c port=COM1 br=115200
	says "Chip ID: 0x450"
}

@test "switches come from the environment too, and for one command alone" {
	standin_switches "-hsmgetinfo:exit1-on-success"
	run -1 $CLI -hsmgetinfo
	run -0 $CLI -hsmgetcounter
	standin_switches version=2.9.0
	export STM32CLI_SWITCHES=clock,version=2.10.0
	run -0 $CLI -hsmgetinfo
	[[ $output == *" : "*"v2.10.0"* ]]
}

@test "switch stderr" {
	standin_switches stderr
	run -1 --separate-stderr $CLI -hsmgetinfo slot=9
	says_not Error
	[[ $stderr == Error:* ]]
	standin_switches
	run -1 --separate-stderr $CLI -hsmgetinfo slot=9
	says_not Succeed
	[[ $output == *Error:* ]]
	[ -z "$stderr" ]
}

@test "switch h7rs: an error line in a good run" {
	standin_switches h7rs
	sfi 0 hsm=1 slot=1
	says "Error: failed to reconnect after reset !"
	says "Succeed to write Areas"
	says "Time elapsed during SFI install operation: 00:00:07.059"
	says_not Finished
	cmp one/flash.bin plain
}

@test "switch license-then-fail: the unit is gone, nothing is installed" {
	standin_switches license-then-fail
	sfi 1 hsm=1 slot=1
	generated
	says "Error: Execution of RSS CMD failed, returned value = 0x1"
	[ "$(left)" = 24 ]
	[ ! -e one/flash.bin ]
	standin_switches "license-then-fail=Error: Cannot launch RSSe..."
	sfi 1 hsm=1 slot=1
	says "Error: Cannot launch RSSe..."
	says_not "RSS CMD"
	[ "$(left)" = 23 ]
	[ ! -e one/flash.bin ]
}

@test "switch bad-license" {
	license 0
	standin_switches bad-license
	sfi 1 hsm=0 lic
	says "Error: SECURITY State Fail"
	says "Error: Invalid state after SFI install !"
	says "Error: RSS internal system error or License is invalid !"
	[ ! -e one/flash.bin ]
	[ "$(left)" = 24 ]
}

@test "switches exit0-on-failure and exit1-on-success" {
	standin_switches exit0-on-failure license-then-fail
	sfi 0 hsm=1 slot=1
	says "Error: Execution of RSS CMD failed, returned value = 0x1"
	[ ! -e one/flash.bin ]
	standin_switches exit1-on-success
	sfi 1 hsm=1 slot=1
	says "SFI Process Finished!"
	cmp one/flash.bin plain
	standin_switches exit1-on-success
	license 1
	[ -s lic ]
	[ "$(left)" = 22 ]
}

@test "switch hang-before-license: nothing is counted" {
	standin_switches hang-before-license
	hl_spawn out.log $CLI -hsmglfcb one/certificate.bin lic slot=1
	wait_for_line out.log "Succeed to Open session"
	sleep 0.3
	kill -0 "$HL_PID"
	[ "$(left)" = 25 ]
	hl_stop "$HL_PID"
	[ "$HL_STATUS" -eq 143 ]
	[ "$(left)" = 25 ]
	[ ! -e lic ]
}

@test "switch hang-after-count: counted, no license" {
	standin_switches hang-after-count
	hl_spawn out.log $CLI -hsmglfcb one/certificate.bin lic slot=1
	wait_for_line out.log "Succeed to generate license"
	sleep 0.3
	kill -0 "$HL_PID"
	[ "$(left)" = 24 ]
	[ ! -e lic ]
	# Another request is not held up: the session with the card is over.
	standin_switches
	license 0
	[ "$(left)" = 23 ]
}

@test "switch stubborn: only SIGKILL ends it" {
	standin_switches hang-after-count stubborn
	hl_spawn out.log $CLI -hsmglfcb one/certificate.bin lic slot=1
	wait_for_line out.log "Succeed to generate license"
	kill -TERM "$HL_PID"
	kill -INT "$HL_PID"
	sleep 0.3
	kill -0 "$HL_PID"
	hl_stop "$HL_PID" KILL
	[ "$HL_STATUS" -eq 137 ]
}

@test "switch kill-mid-write: counted, half of the license is there" {
	standin_switches kill-mid-write
	license 137
	[ "$(left)" = 24 ]
	[ "$(stat -c %s lic)" -eq 68 ]
}

@test "switch no-license-file: counted, no file, exit 0" {
	standin_switches no-license-file
	license 0
	generated
	[ "$(left)" = 24 ]
	[ ! -e lic ]
}

@test "switch error-with-license: the file is there all the same" {
	standin_switches error-with-license
	license 1
	[[ $output == *Error:* ]]
	[ "$(left)" = 24 ]
	standin_switches
	sfi 0 hsm=0 lic
}

@test "switch no-hsmglfcb: neither known nor in the help" {
	standin_switches no-hsmglfcb
	license 1
	run -1 $CLI -hsmgetlicensefromcertifbin one/certificate.bin lic
	[ "$(left)" = 25 ]
	run -0 $CLI --help
	says_not hsmglfcb
	says_not fromcertifbin
	run -0 $CLI "${CONNECT[@]}" -hsmgetlicense lic
	[ "$(left)" = 24 ]
}

@test "switch slow" {
	standin_switches slow=400
	start=$(date +%s%N)
	license 0
	[ $(($(date +%s%N) - start)) -ge 400000000 ]
	standin_switches slow=60000
	run -0 timeout 30 $CLI --help
}

@test "switches counter-only-by-command, no-counter, no-state" {
	standin_switches counter-only-by-command
	run -0 $CLI -hsmgetinfo
	says_not COUNTER
	says "HSM FW IDENTIFIER : fw 1"
	run -0 $CLI -hsmgetcounter
	says "HSM COUNTER : 25"
	standin_switches no-counter no-state
	run -0 $CLI -hsmgetinfo
	says_not 25
	says_not STATE
	says "HSM FW IDENTIFIER : fw 1"
	run -1 $CLI -hsmgetcounter
	says_not 25
	run -1 $CLI -hsmgetstatus
	says_not OPERATIONAL
}

@test "switch garbage: no line can be read, the work is done" {
	standin_switches garbage
	$CLI -hsmglfcb one/certificate.bin lic >out
	[ "$(wc -c <out)" -gt 500 ]
	run ! grep -aqi -e succeed -e license out
	[ "$(left)" = 24 ]
	[ "$(stat -c %s lic)" -eq 136 ]
}

@test "switch spawn-child: somebody holds stdout after the end" {
	for how in spawn-child spawn-child=session; do
		standin_switches $how
		rm -f world/children pipe
		mkfifo pipe
		cat pipe >out 3>&- 4>&- &
		cat_pid=$!
		$CLI -hsmgetinfo >pipe
		grep -qF "HSM FW IDENTIFIER" <(wait_for_line out IDENTIFIER; cat out)
		sleep 0.2
		kill -0 "$cat_pid"
		child=$(cat world/children)
		sid=$(ps -o sid= -p "$child")
		if [ $how = spawn-child ]; then
			[ "$sid" -ne "$child" ]
		else
			[ "$sid" -eq "$child" ]
		fi
		kill "$child"
		wait "$cat_pid"
	done
}

@test "-log takes the lines into a file, and nothing else changes" {
	run -0 $CLI -log trace.log -hsmgetinfo
	grep -qxF "HSM FW IDENTIFIER : fw 1" trace.log
	run -0 $CLI -hsmgetinfo -log -vb 3 -q -y
	says "HSM FW IDENTIFIER : fw 1"
}

@test "the card in the reader is only seen; its licenses come from the tool" {
	rm world/card-1
	start_pcscd unix vpcd
	start_hsm 0 card
	start_hsm 1 card 4
	for nr in 0 1; do
		[ ! -s "apdus$nr" ]
		[ -e "apdus$nr" ]
	done
	run -0 $CLI -hsmglfcb one/certificate.bin lic slot=1
	run -0 $CLI -hsmglfcb one/certificate.bin lic slot=4
	run -1 $CLI -hsmglfcb one/certificate.bin lic slot=2
	[ "$(left)" = 23 ]
	for nr in 0 1; do
		[ ! -s "apdus$nr" ]
		run -0 pcsc-apdu "${READER[nr]}" 80CA000000 00A40400
		[ "$output" = "6D00"$'\n'"6D00" ]
		[ "$(cat "apdus$nr")" = "80CA000000"$'\n'"00A40400" ]
	done
	stop_hsm 0
	run -1 $CLI -hsmgetinfo slot=1
	run -0 $CLI -hsmgetinfo slot=4
}

@test "the reader shows the ATR of an STM32HSM-V2AE, or another one" {
	start_pcscd unix vpcd
	start_hsm 0 card
	start_hsm 1 card 2 --atr 3B80800101
	run -0 opensc-tool --reader "${READER[0]}" --atr
	[ "$output" = "3b:fd:96:00:00:80:11:fe:71:48:53:4d:5f:53:46:49:5f:\
32:30:90:00:ed" ]
	run -0 opensc-tool --reader "${READER[1]}" --atr
	[ "$output" = "3b:80:80:01:01" ]
	run -2 stm32hsm-card --unix reader0 --atr 3B0
	run -2 stm32hsm-card
}
