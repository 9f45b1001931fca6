/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/output.h"

#include "crypto/hexvec.h"
#include "tool/samples.h"
#include "tool/variants.h"
#include "util/err.h"

static hl_tool_report
parse(const char *text, size_t n)
{
	vec v = vec_copy(text, n);
	hl_tool_report r;

	memset(&r, 0x5a, sizeof(r));
	hl_tool_parse(v.p, v.n, &r);
	vec_free(&v);
	return r;
}

static bool
same(const hl_tool_report *a, const hl_tool_report *b)
{
	return strcmp(a->version, b->version) == 0 &&
	    a->has_device_id == b->has_device_id &&
	    a->device_id == b->device_id &&
	    strcmp(a->device_name, b->device_name) == 0 &&
	    strcmp(a->probe_sn, b->probe_sn) == 0 &&
	    strcmp(a->firmware_id, b->firmware_id) == 0 &&
	    a->has_counter == b->has_counter && a->counter == b->counter &&
	    strcmp(a->state, b->state) == 0 && strcmp(a->type, b->type) == 0 &&
	    strcmp(a->hsm_version, b->hsm_version) == 0 &&
	    a->license_generated == b->license_generated &&
	    a->license_got == b->license_got &&
	    a->certificate_done == b->certificate_done &&
	    a->success == b->success && a->failure == b->failure &&
	    strcmp(a->error, b->error) == 0;
}

static const struct {
	const char *why, *text;
	hl_tool_report want;
} samples[] = {
	{ "-gc over UART", sample_gc_uart,
	    { .has_device_id = true,
		.device_id = 0x450,
		.certificate_done = true } },
	{ "SFI on H7RS: an error within", sample_sfi_h7rs,
	    { .probe_sn = "003300184741500820383733",
		.success = true,
		.error = "Error: failed to reconnect after reset !" } },
	{ "SFIx on H7B3", sample_sfix_h7b3,
	    { .has_device_id = true, .device_id = 0x480, .success = true } },
	{ "license out, then RSS fails", sample_rss_failed,
	    { .license_generated = true,
		.license_got = true,
		.certificate_done = true,
		.failure = true,
		.error = "Error: Execution of RSS CMD failed, returned value "
			 "= 0xF5F5F5F5" } },
	{ "banner of v2.10.0", sample_banner_h7ab,
	    { .version = "2.10.0",
		.has_device_id = true,
		.device_id = 0x480,
		.device_name = "STM32H7A/B",
		.probe_sn = "002F003F3137510539383538" } },
	{ "license invalid", sample_license_invalid,
	    { .failure = true, .error = "Error: SECURITY State Fail" } },
	{ "the window of v2.20.0", sample_window_h753,
	    { .version = "2.20.0",
		.has_device_id = true,
		.device_id = 0x450 } },
	{ "RSSe cannot be launched", sample_rsse_log,
	    { .failure = true,
		.error = "Error: SFI command is not supported for the current "
			 "device configuration using STLINK interfaces !" } },
	{ "banner of v2.21.0", sample_banner_h523,
	    { .version = "2.21.0",
		.has_device_id = true,
		.device_id = 0x478,
		.device_name = "STM32H533/523",
		.probe_sn = "50FF6D065052784825260567" } },
	{ "four digits of a device ID", sample_r32_dfu,
	    { .version = "2.3.0",
		.has_device_id = true,
		.device_id = 0x495,
		.device_name = "STM32WBxx" } },
	{ "-gc on MP1", sample_mp1_gc,
	    { .failure = true,
		.error = "an error occurred while uploading data from the "
			 "virtual partition 0xF1" } },
	{ "a card", sample_hsm_info,
	    { .version = "2.21.0",
		.firmware_id = "Blinky 1.0",
		.has_counter = true,
		.counter = 291,
		.state = "OPERATIONAL_STATE",
		.type = "SFI",
		.hsm_version = "2" } },
	{ "nothing", "", { .success = false } },
};

static void
samples_as_they_came(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(samples); i++) {
		const hl_tool_report r =
		    parse(samples[i].text, strlen(samples[i].text));

		CHECK(same(&r, &samples[i].want), samples[i].why);
	}
}

/* `error` is quoted, and has the blanks that the line had. */
static void
samples_in_other_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(samples); i++) {
		for (int v = 0; v < VARIANT_COUNT; v++) {
			hl_buf text = HL_BUF_INIT;
			hl_tool_report r, want = samples[i].want;

			variant_write(samples[i].text, (variant)v, &text);
			r = parse((const char *)text.p, text.n);
			if (v == VARIANT_TIGHT || v == VARIANT_WIDE) {
				CHECK((r.error[0] == '\0') ==
					(want.error[0] == '\0'),
				    variant_name[v]);
				memcpy(r.error, want.error, sizeof(r.error));
			}
			if (!same(&r, &want))
				fail_msg(
				    "%s, %s", samples[i].why, variant_name[v]);
			hl_buf_free(&text);
		}
	}
}

/* A text of two lines: the first is the row's, the second is harmless. */
static void
counters(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: unknown */
	} rows[] = {
		{ "HSM COUNTER : 25", 25 },
		{ "License counter:0", 0 },
		{ "hsm counter value : 4294967295", 4294967295 },
		{ "counter : 7 licenses left", 7 },
		{ "Counter : 7.", 7 },
		{ "HSM counter of slot 1 : 25", 25 },
		{ "HSM COUNTER : 25\nlicense counter : 25 ", 25 },
		{ "HSM MAX COUNTER : 300\nHSM COUNTER : 25", 25 },
		{ "HSM COUNTER : 25\nCOUNTER read : OK", 25 },
		{ "HSM COUNTER : 25\nSecurity counter : 1", 25 },
		{ "HSM COUNTER : 25\n"
		  "Time elapsed during counter reading: 00:00:01.100",
		    25 },
		/* not a plain number, or it could be another one */
		{ "HSM COUNTER : 0x19", -1 },
		{ "HSM COUNTER : 019", -1 },
		{ "HSM COUNTER : 00000019", -1 },
		{ "HSM COUNTER : 1,000", -1 },
		{ "HSM COUNTER : 1.000", -1 },
		{ "HSM COUNTER : 25/300", -1 },
		{ "HSM COUNTER : 25 of 300", -1 },
		{ "HSM COUNTER : 25 (0x19)", -1 },
		{ "HSM COUNTER : 25h", -1 },
		{ "HSM COUNTER : -1", -1 },
		{ "HSM COUNTER : 4294967296", -1 },
		{ "HSM COUNTER : 99999999999", -1 },
		{ "HSM COUNTER :", -1 },
		{ "HSM COUNTER : 25\nHSM COUNTER : 24", -1 },
		{ "HSM COUNTER : 25\nlicense counter : 0x18", -1 },
		{ "HSM COUNTER : 4\x1b[C2", -1 },
		{ "HSM COUNTER : 4\x01"
		  "2",
		    -1 },
		/* a number from elsewhere */
		{ "Reading HSM counter from slot : 1", -1 },
		{ "Reading counter : slot ID 1", -1 },
		{ "STM32 counter of reader : 1", -1 },
		{ "Maximum counter : 300", -1 },
		{ "Counter size : 4 Bytes", -1 },
		{ "Security counter : 1", -1 },
		{ "Licenses left : 25", -1 },
		{ "HSM COUNTER\n25", -1 },
		{ "25", -1 },
		{ "The HSM counter has come: 25", 25 },
		{ "HSM FW IDENTIFIER : counter : 25", -1 },
		{ "Error: HSM counter : 25", -1 },
		/* -hsmgetcounter alone may say it so, -hsmgetinfo may not */
		{ "HSM counter = 25", -1 },
		{ "The counter is 25", -1 },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_tool_report r = parse(rows[i].text, strlen(rows[i].text));

		CHECK(r.has_counter == (rows[i].want >= 0), rows[i].text);
		CHECK(r.counter == (rows[i].want < 0 ? 0 : rows[i].want),
		    rows[i].text);
	}
}

static void
counters_of_hsmgetcounter(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: unknown */
	} rows[] = {
		{ "HSM COUNTER : 25", 25 },
		{ "HSM counter = 25", 25 },
		{ "License counter=25", 25 },
		{ "The current value of the license counter is 25 .", 25 },
		{ "The license counter of slot 2 is 25 licenses", 25 },
		{ "17:13:15 : HSM counter = 25\r\n", 25 },
		{ "Opening session with slot ID 1...\ncounter = 0\n", 0 },
		{ "HSM counter = 25\nHSM COUNTER : 25", 25 },
		{ "HSM counter = 25\nHSM COUNTER : 24", -1 },
		{ "HSM counter = 25\nHSM counter is 24", -1 },
		{ "HSM counter = 0x19", -1 },
		{ "slot 1 : the counter = 25", -1 },
		{ "Error: the counter is 25", -1 },
		{ "HSM counter is unknown", -1 },
		{ "HSM counter is 25 of 300", -1 },
		{ "Maximum counter is 300", -1 },
		{ "Security counter = 1", -1 },
		{ "Read the counter, slot = 1", -1 },
		{ "slot = 1, counter", -1 },
		{ "./STM32_Programmer_CLI -hsmgetcounter slot=1", -1 },
		{ "counter 25", -1 },
		{ "25", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		vec v = vec_copy(rows[i].text, strlen(rows[i].text));
		uint32_t n = 4711;

		CHECK(hl_tool_counter(v.p, v.n, &n) == (rows[i].want >= 0),
		    rows[i].text);
		CHECK(n == (rows[i].want < 0 ? 4711 : rows[i].want),
		    rows[i].text);
		vec_free(&v);
	}
}

static void
other_figures_of_a_card(void **state)
{
#define X16 "0123456789abcdef"
#define X64 X16 X16 X16 X16
	static const struct {
		const char *text, *firmware, *state, *type, *version;
	} rows[] = {
		{ "HSM FW IDENTIFIER : a:b : c", "a:b : c", "", "", "" },
		{ "hsm fw identifier:x", "x", "", "", "" },
		{ "  HSM  FW\tIDENTIFIER   :\t x  y  ", "x  y", "", "", "" },
		{ "HSM FW IDENTIFIER : \xc3\xa4", "\xc3\xa4", "", "", "" },
		{ "HSM FW IDENTIFIER : \xe4", "?", "", "", "" },
		{ "HSM FW IDENTIFIER : " X64, X64, "", "", "" },
		{ "HSM FW IDENTIFIER : " X64 "0", "", "", "", "" },
		{ "HSM FW IDENTIFIER :", "", "", "", "" },
		{ "HSM FW IDENTIFIER x", "", "", "", "" },
		{ "FW IDENTIFIER : x", "", "", "", "" },
		{ "HSM FW IDENTIFIER : x\nHSM FW IDENTIFIER : x", "x", "", "",
		    "" },
		{ "HSM FW IDENTIFIER : x\nHSM FW IDENTIFIER : y", "", "", "",
		    "" },
		/* an identifier is text of its owner, whatever it says */
		{ "HSM FW IDENTIFIER : OEM_STATE", "OEM_STATE", "", "", "" },
		{ "HSM FW IDENTIFIER : Error: x", "Error: x", "", "", "" },
		{ "HSM STATE : OEM_STATE", "", "OEM_STATE", "", "" },
		{ "card in OPERATIONAL STATE.", "", "OPERATIONAL_STATE", "",
		    "" },
		{ "ST_STATE", "", "ST_STATE", "", "" },
		{ "TEST_STATE", "", "", "", "" },
		{ "OEM_STATES", "", "", "", "" },
		{ "OEM_STATE_X", "", "", "", "" },
		{ "OEM_STATE\nOPERATIONAL_STATE", "", "", "", "" },
		{ "Warning: not in OPERATIONAL_STATE", "", "", "", "" },
		{ "HSM TYPE : SFI.", "", "", "SFI", "" },
		{ "license type : SSP (static)", "", "", "SSP", "" },
		{ "Type : SMU", "", "", "SMU", "" },
		{ "HSM TYPE : SFIA", "", "", "SFIA", "" },
		{ "HSM TYPE : V2", "", "", "", "" },
		{ "HSM TYPE : SFI\nHSM TYPE : SSP", "", "", "", "" },
		{ "Area type : SFI", "", "", "", "" },
		{ "Device type : MCU", "", "", "", "" },
		{ "HSM version : 2.0", "", "", "", "2.0" },
		{ "Version:V1.1", "", "", "", "V1.1" },
		{ "BootLoader version: 3.1", "", "", "", "" },
		{ "SFI image version : 2", "", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_tool_report r = parse(rows[i].text, strlen(rows[i].text));

		CHECK(
		    strcmp(r.firmware_id, rows[i].firmware) == 0, rows[i].text);
		CHECK(strcmp(r.state, rows[i].state) == 0, rows[i].text);
		CHECK(strcmp(r.type, rows[i].type) == 0, rows[i].text);
		CHECK(
		    strcmp(r.hsm_version, rows[i].version) == 0, rows[i].text);
		CHECK(!r.failure && !r.success, rows[i].text);
	}
}

static void
outcomes(void **state)
{
	static const struct {
		const char *text;
		bool success, failure;
		const char *error;
	} rows[] = {
		{ "SFI Process Finished!", true, false, "" },
		{ "sfi process finished !", true, false, "" },
		{ "Time elapsed during SFI install operation : 00:00:44,321",
		    true, false, "" },
		{ "  Time elapsed during SFI install operation: 00:00:07.059",
		    true, false, "" },
		{ "Succeed to write Areas", false, false, "" },
		{ "Time elapsed during download operation: 00:00:00.069", false,
		    false, "" },
		{ "File : SFI Process Finished!.sfi", false, false, "" },
		{ "HSM FW IDENTIFIER : SFI Process Finished!", false, false,
		    "" },
		{ "P11 lib initialization Success!", false, false, "" },
		{ "Parsed File SUCCESS", false, false, "" },
		{ "SFI Process Finished!\nError: x", true, true, "Error: x" },
		{ "Error: x\nError: y", false, true, "Error: x" },
		{ "error : x", false, true, "error : x" },
		{ "Reconnecting...Error: x", false, true,
		    "Reconnecting...Error: x" },
		{ "0 Errors", false, false, "" },
		{ "ioError: x", false, false, "" },
		{ "Error: failed to reconnect after reset!", false, false,
		    "Error: failed to reconnect after reset!" },
		{ "Error: failed to reconnect after reset ! No target", false,
		    true,
		    "Error: failed to reconnect after reset ! No target" },
		{ "Error: failed to reconnect after reset !\nError: x", false,
		    true, "Error: x" },
		{ "Failed to get RSSe Status!", false, true,
		    "Failed to get RSSe Status!" },
		{ "RSS internal system error or License is invalid !", false,
		    true, "RSS internal system error or License is invalid !" },
		{ "Error: C:\\x.sfi SFI file Install Operation Failure! "
		  "Please, try again.",
		    false, true,
		    "Error: C:\\x.sfi SFI file Install Operation Failure! "
		    "Please, try again." },
		{ "Error: Database: There's no active configuration for this "
		  "device. All the 8 configurations are disabled!",
		    false, true,
		    "Error: Database: There's no active configuration for "
		    "this device. All the 8 configurations are disabled!" },
		{ "Warning: Could not verify security state after last chunk "
		  "programming",
		    false, false, "" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_tool_report r = parse(rows[i].text, strlen(rows[i].text));

		CHECK(r.success == rows[i].success, rows[i].text);
		CHECK(r.failure == rows[i].failure, rows[i].text);
		CHECK(strcmp(r.error, rows[i].error) == 0, rows[i].text);
	}
}

static void
banners(void **state)
{
	static const struct {
		const char *text, *version;
		int64_t id; /* -1: none */
	} rows[] = {
		{ "STM32CubeProgrammer v2.18.0-RC1", "2.18.0-RC1", -1 },
		{ "STM32 Trusted Package Creator v2.14.0", "", -1 },
		{ "C:\\STM32CubeProgrammer\\bin>v2.1", "", -1 },
		{ "STM32CubeProgrammer v", "", -1 },
		{ "STM32CubeProgrammer v2.1\nSTM32CubeProgrammer v2.2", "2.1",
		    -1 },
		{ "DeviceID:0X450", "", 0x450 },
		{ "Device ID : 450", "", -1 },
		{ "Device ID : 0x", "", -1 },
		{ "Device ID : 0x45G", "", -1 },
		{ "Device ID : 0x123456789", "", -1 },
		{ "Device ID : --\nDevice ID : 0x450 (H7)", "", 0x450 },
		{ "Device ID : 0x450\nDevice ID : 0x480", "", 0x450 },
		{ "Revision ID : 0x450", "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_tool_report r = parse(rows[i].text, strlen(rows[i].text));

		CHECK(strcmp(r.version, rows[i].version) == 0, rows[i].text);
		CHECK(r.has_device_id == (rows[i].id >= 0), rows[i].text);
		CHECK(r.device_id == (rows[i].id < 0 ? 0 : rows[i].id),
		    rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_as_they_came),
		cmocka_unit_test(samples_in_other_forms),
		cmocka_unit_test(counters),
		cmocka_unit_test(counters_of_hsmgetcounter),
		cmocka_unit_test(other_figures_of_a_card),
		cmocka_unit_test(outcomes),
		cmocka_unit_test(banners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
