/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards through the tool. Of -hsmgetinfo's output only the line HSM FW
 * IDENTIFIER is known (STM32CubeH5, provisioning.bat); all else that the
 * stand-in prints is made up.
 */
#include "tool/stand_in.h"

#include "util/clock.h"

#define SOON 20000 /* ms; no test takes so long */

/* A stand-in that does `info`, `counter` or `status`, each for slot 3 only, and
 * notes what it was asked. */
static hl_tool
card(
    const scratch *s, const char *info, const char *counter, const char *status)
{
	char body[2048];

	snprintf(body, sizeof(body),
	    "echo \"$*\" >>'%s/asked'\n"
	    "case \"$*\" in\n"
	    "'-hsmgetinfo slot=3') %s ;;\n"
	    "'-hsmgetcounter slot=3') %s ;;\n"
	    "'-hsmgetstatus slot=3') %s ;;\n"
	    "*) echo 'Error: unknown command' ; exit 1 ;;\n"
	    "esac\n",
	    s->dir, info, counter, status);
	return stand_in(s, body);
}

static void
asked(const scratch *s, const char *want, const char *why)
{
	char path[PATH_MAX], text[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/asked", s->dir);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	CHECK(strcmp(text, want) == 0, why);
	assert_int_equal(remove(path), 0);
}

#define ID "echo 'HSM FW IDENTIFIER : Blinky 1.0'; "
#define COUNTER "echo 'HSM COUNTER : 25'; "
#define STATE "echo 'HSM STATE : OPERATIONAL_STATE'; "
#define INFO "-hsmgetinfo slot=3\n"
#define BOTH INFO "-hsmgetcounter slot=3\n-hsmgetstatus slot=3\n"

static void
cards(void **state)
{
	static const struct {
		const char *why, *info, *counter, *status;
		const char *want_asked;
		int64_t want_counter; /* -1: unknown */
		const char *want_state;
	} rows[] = {
		{ "all in one", ID COUNTER STATE, "exit 9", "exit 9", INFO, 25,
		    "OPERATIONAL_STATE" },
		{ "each on its own", ID, COUNTER, STATE, BOTH, 25,
		    "OPERATIONAL_STATE" },
		{ "no counter in the first", ID STATE, COUNTER, "exit 9",
		    INFO "-hsmgetcounter slot=3\n", 25, "OPERATIONAL_STATE" },
		{ "no state in the first", ID COUNTER, "exit 9", STATE,
		    INFO "-hsmgetstatus slot=3\n", 25, "OPERATIONAL_STATE" },
		{ "a sentence", ID, "echo 'The license counter is 7'", STATE,
		    BOTH, 7, "OPERATIONAL_STATE" },
		{ "a sentence where it could be anything",
		    ID STATE "echo 'The license counter is 7'", "exit 0", "",
		    INFO "-hsmgetcounter slot=3\n", -1, "OPERATIONAL_STATE" },
		{ "two counters, and one by itself",
		    ID STATE COUNTER "echo 'license counter : 24'", COUNTER, "",
		    INFO "-hsmgetcounter slot=3\n", 25, "OPERATIONAL_STATE" },
		{ "nothing more is told", ID, "exit 0", "exit 0", BOTH, -1,
		    "" },
		{ "nothing more is offered", ID, "echo 'Error: x'; exit 1",
		    "echo 'Error: x'; exit 1", BOTH, -1, "" },
		{ "failing with figures", ID, COUNTER "exit 1", STATE "exit 1",
		    BOTH, -1, "" },
		{ "the command comes back", ID STATE "echo \"$0 $*\"",
		    "echo \"$0 $*\"", "", INFO "-hsmgetcounter slot=3\n", -1,
		    "OPERATIONAL_STATE" },
		{ "colors, CR LF, clock",
		    "printf '\\033[39;49m17:13:15 : HSM FW IDENTIFIER:Blinky "
		    "1.0\\033[0m\\r\\n17:13:15 : HSM COUNTER  :  25\\r\\n'; "
		    "printf 'state:OPERATIONAL_STATE'",
		    "exit 9", "exit 9", INFO, 25, "OPERATIONAL_STATE" },
	};
	const scratch *s = *state;

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_tool t =
		    card(s, rows[i].info, rows[i].counter, rows[i].status);
		hl_buf raw = HL_BUF_INIT;
		hl_err err = { 0 };
		hl_tool_report r;

		memset(&r, 0x5a, sizeof(r));
		CHECK(hl_tool_card(
			  &t, 3, &r, &raw, hl_deadline_in(SOON), &err) == HL_OK,
		    rows[i].why);
		CHECK(strcmp(r.firmware_id, "Blinky 1.0") == 0, rows[i].why);
		CHECK(
		    r.has_counter == (rows[i].want_counter >= 0), rows[i].why);
		if (r.has_counter)
			CHECK(r.counter == rows[i].want_counter, rows[i].why);
		CHECK(strcmp(r.state, rows[i].want_state) == 0, rows[i].why);
		CHECK(strstr(hl_buf_str(&raw), "Blinky") != NULL, rows[i].why);
		asked(s, rows[i].want_asked, rows[i].why);
		hl_buf_free(&raw);
	}
}

static void
no_card(void **state)
{
	static const struct {
		const char *why, *info, *want_why, *want_raw;
	} rows[] = {
		{ "an error", "echo 'Error: made up'; exit 1",
		    "it said \"Error: made up\"; it ended with 1",
		    "Error: made up\n" },
		{ "an error, exit 0", "echo 'Error: made up'",
		    "it said \"Error: made up\"", "Error: made up\n" },
		{ "silence", "exit 0", "no HSM FW IDENTIFIER", "" },
		{ "silence, exit 1", "exit 1", "it ended with 1", "" },
		{ "a crash", "kill -11 $$", "signal 11", "" },
		{ "no value", "echo 'HSM FW IDENTIFIER :'",
		    "no HSM FW IDENTIFIER", "HSM FW IDENTIFIER :\n" },
		{ "two values", ID "echo 'HSM FW IDENTIFIER : x'",
		    "no HSM FW IDENTIFIER",
		    "HSM FW IDENTIFIER : Blinky 1.0\nHSM FW IDENTIFIER : "
		    "x\n" },
		{ "figures without it", COUNTER STATE, "no HSM FW IDENTIFIER",
		    "HSM COUNTER : 25\nHSM STATE : OPERATIONAL_STATE\n" },
		{ "garbage", "printf '\\377\\0\\033[\\200'",
		    "no HSM FW IDENTIFIER", NULL },
		{ "a card, and a failing exit", ID COUNTER STATE "exit 2",
		    "it ended with 2", NULL },
	};
	const scratch *s = *state;

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_tool t = card(s, rows[i].info, COUNTER, STATE);
		hl_buf raw = HL_BUF_INIT;
		hl_err err = { 0 };
		hl_tool_report r, was;

		memset(&was, 0x5a, sizeof(was));
		r = was;
		CHECK(hl_tool_card(&t, 3, &r, &raw, hl_deadline_in(SOON),
			  &err) == HL_ECARD,
		    rows[i].why);
		CHECK(memcmp(&r, &was, sizeof(r)) == 0, rows[i].why);
		CHECK(strstr(err.why, rows[i].want_why) != NULL, rows[i].why);
		CHECK(strstr(err.what, "slot 3") != NULL, rows[i].why);
		if (rows[i].want_raw != NULL)
			CHECK(strcmp(hl_buf_str(&raw), rows[i].want_raw) == 0,
			    rows[i].why);
		asked(s, INFO, rows[i].why);
		hl_buf_free(&raw);
	}
}

static void
a_card_without_firmware(void **state)
{
	static const struct {
		const char *info;
		const char *want; /* its state; NULL: refused */
	} rows[] = {
		{ "echo 'HSM STATE : OEM_STATE'; ", "OEM_STATE" },
		{ "echo 'HSM STATE : ST_STATE'; ", "ST_STATE" },
		{ "echo 'HSM STATE : UNKNOWN_STATE'; ", NULL },
		{ "echo 'HSM STATE : OEM_STATE'; exit 1", NULL },
		{ "echo 'Error: not in OEM_STATE'; ", NULL },
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_tool t = card(*state, rows[i].info, "exit 1", STATE);
		hl_buf raw = HL_BUF_INIT;
		hl_tool_report r = { .firmware_id = "?" };
		const hl_rc rc =
		    hl_tool_card(&t, 3, &r, &raw, hl_deadline_in(SOON), NULL);

		CHECK(rc == (rows[i].want == NULL ? HL_ECARD : HL_OK),
		    rows[i].info);
		if (rc == HL_OK) {
			CHECK(strcmp(r.state, rows[i].want) == 0, rows[i].info);
			CHECK(r.firmware_id[0] == '\0', rows[i].info);
			CHECK(!r.has_counter, rows[i].info);
		}
		hl_buf_free(&raw);
	}
}

static void
a_card_that_hangs(void **state)
{
	static const struct {
		const char *info, *counter;
	} rows[] = {
		{ "echo begun; exec sleep 100", "" },
		{ ID, "exec sleep 100" },
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_tool t =
		    card(*state, rows[i].info, rows[i].counter, STATE);
		hl_buf raw = HL_BUF_INIT;
		hl_err err = { 0 };
		hl_tool_report r;

		assert_int_equal(
		    hl_tool_card(&t, 3, &r, &raw, hl_deadline_in(500), &err),
		    HL_ETIMEOUT);
		assert_non_null(strstr(err.what, "slot 3"));
		assert_true(raw.n > 0);
		hl_buf_free(&raw);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(cards),
		SCRATCH_TEST(no_card),
		SCRATCH_TEST(a_card_without_firmware),
		SCRATCH_TEST(a_card_that_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
