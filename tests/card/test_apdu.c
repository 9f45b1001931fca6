/* SPDX-License-Identifier: Apache-2.0 */
#include "card/apdu.h"

#include <fcntl.h>
#include <unistd.h>

#include "card/script.h"

#define MORE 4 /* exchanges of a row at most */

static uint8_t payload[UINT16_MAX + 1];

/* One command and what comes of it. A row's answer "NO" or "UNKNOWN" is a
 * failure of the channel. */
static const struct {
	const char *why;
	unsigned protocol;
	hl_apdu cmd; /* data: 5A bytes */
	struct {
		const char *cmd, *answer;
	} talk[MORE];
	hl_rc rc;
	hl_exec exec;
	uint16_t sw;
	const char *data; /* collected */
} rows[] = {
	{ "case 1", 1, { .cla = 0x80, .ins = 1, .no_answer_data = true },
	    { { "80010000", "9000" } }, HL_OK, HL_EXEC_YES, 0x9000, "" },
	{ "case 2", 1, { .cla = 0x80, .ins = 1, .p1 = 2, .p2 = 3 },
	    { { "8001020300", "AABB9000" } }, HL_OK, HL_EXEC_YES, 0x9000,
	    "AABB" },
	{ "case 3", 1, { .ins = 1, .n = 1, .no_answer_data = true },
	    { { "00010000015A", "6985" } }, HL_OK, HL_EXEC_YES, 0x6985, "" },
	{ "case 4 on T=1 has Le", 1, { .ins = 1, .n = 2 },
	    { { "00010000025A5A00", "CC9000" } }, HL_OK, HL_EXEC_YES, 0x9000,
	    "CC" },
	{ "case 4 on T=0 has no Le", 0, { .ins = 1, .n = 2 },
	    { { "00010000025A5A", "6101" }, { "00C0000001", "CC9000" } }, HL_OK,
	    HL_EXEC_YES, 0x9000, "CC" },
	{ "255 bytes are one short block", 1, { .ins = 1, .n = 255 },
	    { { "00010000FF 5A*255 00", "9000" } }, HL_OK, HL_EXEC_YES, 0x9000,
	    "" },
	{ "256 bytes are a chain", 1, { .cla = 0x80, .ins = 1, .n = 256 },
	    { { "90010000FF 5A*255", "9000" }, { "80010000015A00", "9000" } },
	    HL_OK, HL_EXEC_YES, 0x9000, "" },
	{ "510 bytes are two full blocks", 1, { .ins = 1, .n = 510 },
	    { { "10010000FF 5A*255", "9000" },
		{ "00010000FF 5A*255 00", "BB9000" } },
	    HL_OK, HL_EXEC_YES, 0x9000, "BB" },
	{ "extended length takes 256 at once", 1,
	    { .ins = 1, .n = 256, .extended = true },
	    { { "00010000000100 5A*256 0000", "BB9000" } }, HL_OK, HL_EXEC_YES,
	    0x9000, "BB" },
	{ "extended without answer data", 1,
	    { .ins = 1, .n = 256, .extended = true, .no_answer_data = true },
	    { { "00010000000100 5A*256", "9000" } }, HL_OK, HL_EXEC_YES, 0x9000,
	    "" },
	{ "short data stays short on an extended card", 1,
	    { .ins = 1, .n = 255, .extended = true },
	    { { "00010000FF 5A*255 00", "9000" } }, HL_OK, HL_EXEC_YES, 0x9000,
	    "" },
	{ "T=0 cannot carry extended length", 0,
	    { .ins = 1, .n = 256, .extended = true },
	    { { "10010000FF 5A*255", "9000" }, { "00010000015A", "9000" } },
	    HL_OK, HL_EXEC_YES, 0x9000, "" },
	{ "early block refused: nothing executed", 1, { .ins = 1, .n = 600 },
	    { { "10010000FF 5A*255", "9000" },
		{ "10010000FF 5A*255", "6884" } },
	    HL_OK, HL_EXEC_NO, 0x6884, "" },
	{ "early block lost: nothing executed", 1, { .ins = 1, .n = 600 },
	    { { "10010000FF 5A*255", "UNKNOWN" } }, HL_ECARD, HL_EXEC_NO, 0,
	    "" },
	{ "61xx in the middle of a chain", 1, { .ins = 1, .n = 600 },
	    { { "10010000FF 5A*255", "6105" } }, HL_ECARD, HL_EXEC_NO, 0, "" },
	{ "6Cxx in the middle of a chain", 1, { .ins = 1, .n = 600 },
	    { { "10010000FF 5A*255", "6C05" } }, HL_ECARD, HL_EXEC_NO, 0, "" },
	{ "early block without status word", 1, { .ins = 1, .n = 600 },
	    { { "10010000FF 5A*255", "" } }, HL_ECARD, HL_EXEC_NO, 0, "" },
	{ "last block lost: the channel knows", 1, { .ins = 1, .n = 256 },
	    { { "10010000FF 5A*255", "9000" },
		{ "00010000015A00", "UNKNOWN" } },
	    HL_ECARD, HL_EXEC_UNKNOWN, 0, "" },
	{ "last block not sent: the channel knows", 1, { .ins = 1, .n = 256 },
	    { { "10010000FF 5A*255", "9000" }, { "00010000015A00", "NO" } },
	    HL_ECARD, HL_EXEC_NO, 0, "" },
	{ "data before 61xx is kept", 1, { .ins = 1 },
	    { { "0001000000", "AA6102" }, { "00C0000002", "BBCC9000" } }, HL_OK,
	    HL_EXEC_YES, 0x9000, "AABBCC" },
	{ "6100: 256 or more", 1, { .ins = 1 },
	    { { "0001000000", "6100" }, { "00C0000000", "5A*256 6110" },
		{ "00C0000010", "A5*16 9000" } },
	    HL_OK, HL_EXEC_YES, 0x9000, "5A*256 A5*16" },
	{ "GET RESPONSE with the wrong Le", 1, { .ins = 1 },
	    { { "0001000000", "61FF" }, { "00C00000FF", "6C02" },
		{ "00C0000002", "AABB9000" } },
	    HL_OK, HL_EXEC_YES, 0x9000, "AABB" },
	{ "GET RESPONSE not sent: yet the card has executed", 1, { .ins = 1 },
	    { { "0001000000", "6102" }, { "00C0000002", "NO" } }, HL_ECARD,
	    HL_EXEC_UNKNOWN, 0, "" },
	{ "GET RESPONSE refused: yet the card has executed", 1, { .ins = 1 },
	    { { "0001000000", "6102" }, { "00C0000002", "6985" } }, HL_ECARD,
	    HL_EXEC_UNKNOWN, 0, "" },
	{ "GET RESPONSE corrected without end", 1, { .ins = 1 },
	    { { "0001000000", "6102" }, { "00C0000002", "6C03" },
		{ "00C0000003", "6C02" } },
	    HL_ECARD, HL_EXEC_UNKNOWN, 0, "" },
	{ "61xx without data, without end", 1, { .ins = 1 },
	    { { "0001000000", "6102" }, { "00C0000002", "6102" } }, HL_ECARD,
	    HL_EXEC_UNKNOWN, 0, "" },
	{ "6Cxx is sent again with that Le", 1, { .ins = 1 },
	    { { "0001000000", "6C02" }, { "0001000002", "AABB9000" } }, HL_OK,
	    HL_EXEC_YES, 0x9000, "AABB" },
	{ "6Cxx on data: only the last block again", 1,
	    { .cla = 0x80, .ins = 1, .n = 256 },
	    { { "90010000FF 5A*255", "9000" }, { "80010000015A00", "6C01" },
		{ "80010000015A01", "BB9000" } },
	    HL_OK, HL_EXEC_YES, 0x9000, "BB" },
	{ "6C00 in extended length is 256", 1,
	    { .ins = 1, .n = 256, .extended = true },
	    { { "00010000000100 5A*256 0000", "6C00" },
		{ "00010000000100 5A*256 0100", "5A*256 9000" } },
	    HL_OK, HL_EXEC_YES, 0x9000, "5A*256" },
	{ "6Cxx, then 61xx", 0, { .ins = 1 },
	    { { "0001000000", "6C02" }, { "0001000002", "6101" },
		{ "00C0000001", "AA9000" } },
	    HL_OK, HL_EXEC_YES, 0x9000, "AA" },
	{ "6Cxx without end", 1, { .ins = 1 },
	    { { "0001000000", "6C02" }, { "0001000002", "6C03" } }, HL_ECARD,
	    HL_EXEC_UNKNOWN, 0, "" },
	{ "6Cxx, second try not sent", 1, { .ins = 1 },
	    { { "0001000000", "6C02" }, { "0001000002", "NO" } }, HL_ECARD,
	    HL_EXEC_NO, 0, "" },
	{ "6Cxx, second try lost", 1, { .ins = 1 },
	    { { "0001000000", "6C02" }, { "0001000002", "UNKNOWN" } }, HL_ECARD,
	    HL_EXEC_UNKNOWN, 0, "" },
	{ "no bytes at all", 1, { .ins = 1 }, { { "0001000000", "" } },
	    HL_ECARD, HL_EXEC_UNKNOWN, 0, "" },
	{ "half a status word", 1, { .ins = 1 }, { { "0001000000", "90" } },
	    HL_ECARD, HL_EXEC_UNKNOWN, 0, "" },
	{ "the longest answer", 1, { .ins = 1 },
	    { { "0001000000", "5A*4096 9000" } }, HL_OK, HL_EXEC_YES, 0x9000,
	    "5A*4096" },
	{ "an answer one byte longer", 1, { .ins = 1 },
	    { { "0001000000", "5A*4097 9000" } }, HL_ECARD, HL_EXEC_UNKNOWN, 0,
	    "" },
	{ "collected data one byte too long", 1, { .ins = 1 },
	    { { "0001000000", "5A*4096 6101" }, { "00C0000001", "5A 9000" } },
	    HL_ECARD, HL_EXEC_UNKNOWN, 0, "" },
};

static void
write_script(script *s, size_t row)
{
	script_start(s, rows[row].protocol);
	for (size_t i = 0; i < MORE && rows[row].talk[i].cmd != NULL; i++) {
		const char *cmd = rows[row].talk[i].cmd;
		const char *answer = rows[row].talk[i].answer;

		if (strcmp(answer, "NO") == 0)
			script_fail(s, cmd, HL_ECARD, HL_EXEC_NO);
		else if (strcmp(answer, "UNKNOWN") == 0)
			script_fail(s, cmd, HL_ECARD, HL_EXEC_UNKNOWN);
		else
			script_answer(s, cmd, answer);
	}
}

static void
exchanges_follow_iso_7816_4(void **state)
{
	static script s;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const char *why = rows[i].why;
		hl_apdu cmd = rows[i].cmd;
		hl_buf data = HL_BUF_INIT, want = HL_BUF_INIT;
		hl_exec exec = HL_EXEC_YES;
		hl_err err = { 0 };
		uint16_t sw = 0;

		cmd.data = exact_copy(payload, cmd.n);
		write_script(&s, i);
		CHECK(hl_apdu_exchange(&s.ch, &cmd, &data, &sw, &exec,
			  script_later(), &err) == rows[i].rc,
		    why);
		CHECK(s.at == s.n, why);
		CHECK(exec == rows[i].exec, why);
		CHECK(sw == rows[i].sw, why);
		CHECK(err.rc == rows[i].rc, why);
		script_hex(&want, rows[i].data);
		if (rows[i].rc == HL_OK) {
			CHECK(data.n == want.n, why);
			CHECK(
			    want.n == 0 || memcmp(data.p, want.p, want.n) == 0,
			    why);
		}
		script_end(&s);
		hl_buf_free(&data);
		hl_buf_free(&want);
		free((void *)(uintptr_t)cmd.data);
	}
}

static void
what_was_in_the_buffer_is_replaced(void **state)
{
	static script s;
	const hl_apdu cmd = { .ins = 1 };
	hl_buf data = HL_BUF_INIT;
	hl_exec exec;
	uint16_t sw;

	(void)state;
	script_start(&s, 1);
	script_answer(&s, "0001000000", "BB9000");
	hl_buf_put(&data, "old", 3);
	assert_int_equal(hl_apdu_exchange(&s.ch, &cmd, &data, &sw, &exec,
			     script_later(), NULL),
	    HL_OK);
	assert_int_equal(data.n, 1);
	assert_int_equal(data.p[0], 0xBB);
	script_end(&s);
	hl_buf_free(&data);
}

static void
commands_above_64k_are_not_sent(void **state)
{
	static script s;
	const hl_apdu cmd = { .ins = 1,
		.data = payload,
		.n = sizeof(payload),
		.extended = true };
	hl_buf data = HL_BUF_INIT;
	hl_exec exec = HL_EXEC_YES;
	uint16_t sw;

	(void)state;
	script_start(&s, 1);
	assert_int_equal(hl_apdu_exchange(&s.ch, &cmd, &data, &sw, &exec,
			     script_later(), NULL),
	    HL_EINPUT);
	assert_int_equal(exec, HL_EXEC_NO);
	script_end(&s);
}

/* A card that always has one byte more is stopped by the bound. */
static void
endless_answers_end(void **state)
{
	static script s;
	const hl_apdu cmd = { .ins = 1 };
	hl_buf data = HL_BUF_INIT;
	hl_exec exec = HL_EXEC_YES;
	uint16_t sw;

	(void)state;
	script_start(&s, 1);
	script_answer(&s, "0001000000", "6100");
	for (int i = 0; i < 17; i++)
		script_answer(&s, "00C0000000", "5A*255 6100");
	assert_int_equal(hl_apdu_exchange(&s.ch, &cmd, &data, &sw, &exec,
			     script_later(), NULL),
	    HL_ECARD);
	assert_int_equal(exec, HL_EXEC_UNKNOWN);
	script_end(&s);
	hl_buf_free(&data);
}

/* What goes to stderr while one command of each kind is traced. */
static void
trace_into(char *out, size_t size)
{
	static script s;
	const hl_apdu cmds[] = { { .ins = 0xCA },
		{ .ins = 0x20, .data = payload, .n = 2 },
		{ .cla = 0x80, .ins = 0xDA, .data = payload, .n = 2 } };
	int p[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(p), 0);
	script_start(&s, 1);
	script_answer(&s, "00CA000000", "AB9000");
	script_answer(&s, "00200000025A5A00", "9000");
	script_answer(&s, "80DA0000025A5A00", "6985");
	(void)dup2(p[1], STDERR_FILENO);
	hl_apdu_trace(true);
	for (size_t i = 0; i < HL_COUNT(cmds); i++) {
		hl_buf data = HL_BUF_INIT;
		hl_exec exec;
		uint16_t sw;
		hl_rc rc = hl_apdu_exchange(
		    &s.ch, &cmds[i], &data, &sw, &exec, script_later(), NULL);

		hl_buf_free(&data);
		assert_int_equal(rc, HL_OK);
	}
	hl_apdu_trace(false);
	(void)dup2(saved, STDERR_FILENO);
	n = read(p[0], out, size - 1);
	assert_true(n >= 0);
	out[n] = '\0';
	(void)close(p[0]);
	(void)close(p[1]);
	(void)close(saved);
	script_end(&s);
}

static void
traces_mask_pins_and_keys(void **state)
{
	char text[1024];

	(void)state;
	trace_into(text, sizeof(text));
	assert_string_equal(text,
	    "apdu > 00CA000000\n"
	    "apdu < AB9000\n"
	    "apdu > 00200000 (4 bytes masked)\n"
	    "apdu < 9000\n"
	    "apdu > 80DA0000 (4 bytes masked)\n"
	    "apdu < 6985\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchanges_follow_iso_7816_4),
		cmocka_unit_test(what_was_in_the_buffer_is_replaced),
		cmocka_unit_test(commands_above_64k_are_not_sent),
		cmocka_unit_test(endless_answers_end),
		cmocka_unit_test(traces_mask_pins_and_keys),
	};

	memset(payload, 0x5A, sizeof(payload));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
