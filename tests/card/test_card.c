/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the driver of a card, and what cards without one do. */
#include "card/atr.h"
#include "card/driver.h"

#include "card/script.h"

#define SELECT "00A4040008 F048534D4C494301 00"
#define FCI "6F13 8408F048534D4C494301 A507 C00103 C1020100 9000"
/* STM32HSM-V2AE, as published in pcsc-tools' list. */
#define STM32HSM "3BFD96000080 11FE 71 48534D5F5346495F3230 9000 ED"

static script s;

static const struct {
	const char *why, *atr;
	bool ok;
	const char *historical;
} atrs[] = {
	{ "STM32HSM", STM32HSM, true, "71 48534D5F5346495F3230 9000" },
	{ "no interface bytes", "3B02 1450", true, "1450" },
	{ "no historical bytes", "3B00", true, "" },
	{ "inverse convention", "3F02 1450", true, "1450" },
	{ "TA1 TB1 TC1", "3B71 110203 AA", true, "AA" },
	{ "TD1 says T=0, T=1 follows", "3B80 80 01", true, "" },
	{ "TD1 with nothing but TD2", "3BF1 11223380 44 F1 55", true, "55" },
	{ "TD1 and TD2, each with bytes", "3BF2 11223381 D1 AABB71 CCDDEE 5051",
	    true, "5051" },
	{ "chain of TD, last without", "3B82 80 80 01 A1A2 FF", true, "A1A2" },
	{ "check byte is not looked at", "3B80 01 00", true, "" },
	{ "nothing", "", false, "" },
	{ "TS alone", "3B", false, "" },
	{ "wrong TS", "3A00", false, "" },
	{ "historical bytes cut off", "3B03 1450", false, "" },
	{ "interface bytes cut off", "3B70 1122", false, "" },
	{ "TD cut off", "3B80", false, "" },
	{ "TD without end", "3B80 80*31", false, "" },
};

static void
historical_bytes_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(atrs); i++) {
		hl_buf atr = HL_BUF_INIT, want = HL_BUF_INIT;
		uint8_t *exact;
		hl_rd h = { NULL, 77 };

		script_hex(&atr, atrs[i].atr);
		script_hex(&want, atrs[i].historical);
		exact = exact_copy(atr.p, atr.n);
		CHECK(hl_atr_historical(exact, atr.n, &h) == atrs[i].ok,
		    atrs[i].why);
		CHECK(h.n == (atrs[i].ok ? want.n : 77), atrs[i].why);
		if (atrs[i].ok && want.n > 0)
			CHECK(memcmp(h.p, want.p, want.n) == 0, atrs[i].why);
		free(exact);
		hl_buf_free(&atr);
		hl_buf_free(&want);
	}
}

static hl_card *
open_atr(const char *atr)
{
	hl_buf b = HL_BUF_INIT;
	hl_card *card = NULL;

	script_start(&s, 1);
	script_hex(&b, atr);
	assert_true(b.n <= HL_ATR_MAX);
	memcpy(s.ch.atr, b.p, b.n);
	s.ch.atr_n = b.n;
	hl_buf_free(&b);
	assert_int_equal(
	    hl_card_open_channel(&card, &s.ch, NULL, script_later(), NULL),
	    HL_OK);
	return card;
}

static void
refuses_to_issue(hl_card *card, const char *says)
{
	static hl_card_answer a;
	const uint8_t cert[136] = { 0 };
	const hl_uuid id = { { 0 } };
	hl_exec exec = HL_EXEC_YES;
	hl_err err = { 0 };

	assert_int_equal(hl_card_issue(card, cert, sizeof(cert), &id, &a, &exec,
			     script_later(), &err),
	    HL_ENOLICENSE);
	assert_int_equal(exec, HL_EXEC_NO);
	assert_int_equal(err.units_spent, 0);
	assert_non_null(strstr(err.why, says));
	assert_true(err.hint[0] != '\0');
}

/* Known by its ATR alone: the script has no command. Without its vendor's
 * program no more is known. */
static void
stm32hsm_is_shown_and_left_alone(void **state)
{
	hl_card *card = open_atr(STM32HSM);
	hl_card_info info = { .counter = 77 };

	(void)state;
	assert_int_equal(
	    hl_card_read(card, &info, script_later(), NULL), HL_ENODEV);
	assert_string_equal(info.driver, "stm32hsm");
	assert_string_equal(info.reader, "Script 0");
	assert_int_equal(info.atr_n, 22);
	assert_int_equal(info.can, HL_CAN_ISSUE | HL_BY_TOOL);
	assert_int_equal(info.state, HL_CARD_UNKNOWN);
	assert_false(info.has_counter);
	assert_string_equal(info.serial, "");
	hl_card_close(&card);
	script_end(&s);
}

/* The mark in interface bytes, or only a part of it, is not that card. */
static void
only_historical_bytes_count(void **state)
{
	static const char *const others[] = {
		"3B78 48534D 5F5346495F323000", /* begins in TB1 */
		"3B87 80 48534D5F534649",	/* cut off */
		"3B88 80 48534D5F5346492D",	/* one character differs */
	};
	hl_card_info info;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(others); i++) {
		hl_buf atr = HL_BUF_INIT;
		hl_card *card = NULL;

		script_start(&s, 1);
		script_hex(&atr, others[i]);
		memcpy(s.ch.atr, atr.p, atr.n);
		s.ch.atr_n = atr.n;
		script_answer(&s, SELECT, "6A82");
		assert_int_equal(hl_card_open_channel(
				     &card, &s.ch, NULL, script_later(), NULL),
		    HL_OK);
		assert_int_equal(
		    hl_card_read(card, &info, script_later(), NULL), HL_OK);
		assert_string_equal(info.driver, "");
		refuses_to_issue(card, "no driver");
		hl_card_close(&card);
		script_end(&s);
		hl_buf_free(&atr);
	}
}

/* A card that was reset just now is asked once more, on a new connection. */
static void
open_tries_again_after_a_reset(void **state)
{
	hl_card *card = NULL;
	hl_card_info info;

	(void)state;
	script_start(&s, 1);
	script_fail(&s, SELECT, HL_EBUSY, HL_EXEC_NO);
	script_answer(&s, SELECT, FCI);
	assert_int_equal(
	    hl_card_open_channel(&card, &s.ch, NULL, script_later(), NULL),
	    HL_OK);
	assert_int_equal(s.reconnected, 1);
	script_answer(
	    &s, "80CA000000", "E00D C2080102030405060708 C30101 9000");
	assert_int_equal(
	    hl_card_read(card, &info, script_later(), NULL), HL_OK);
	assert_string_equal(info.driver, "olc");
	hl_card_close(&card);
	script_end(&s);
}

static void
open_gives_up_and_closes(void **state)
{
	hl_card *card = (hl_card *)(void *)&s;
	hl_err err = { 0 };

	(void)state;
	script_start(&s, 1);
	script_fail(&s, SELECT, HL_EBUSY, HL_EXEC_NO);
	script_fail(&s, SELECT, HL_EBUSY, HL_EXEC_NO);
	assert_int_equal(
	    hl_card_open_channel(&card, &s.ch, NULL, script_later(), &err),
	    HL_EBUSY);
	assert_null(card);
	assert_int_equal(s.closed, 1);
	assert_string_equal(err.what, "open the card in \"Script 0\"");
	script_end(&s);
}

/* Another card may be there: its driver is found anew. */
static void
reconnect_asks_who_is_there(void **state)
{
	hl_card *card = open_atr(STM32HSM);
	hl_card_info info;

	(void)state;
	s.ch.atr_n = 2;
	memcpy(s.ch.atr, "\x3B\x00", 2);
	script_answer(&s, SELECT, "6A82");
	assert_int_equal(hl_card_reconnect(card, script_later(), NULL), HL_OK);
	assert_int_equal(
	    hl_card_read(card, &info, script_later(), NULL), HL_OK);
	assert_string_equal(info.driver, "");
	s.reconnect_rc = HL_ENODEV;
	assert_int_equal(
	    hl_card_reconnect(card, script_later(), NULL), HL_ENODEV);
	hl_card_close(&card);
	hl_card_close(&card);
	assert_int_equal(s.closed, 1);
	script_end(&s);
}

static void
serials_have_one_form(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: not a serial */
	} rows[] = {
		{ "0102030405060708", "0102030405060708" },
		{ "a1b2c3d4e5f60718", "A1B2C3D4E5F60718" },
		{ "00112233445566778899AABBCCDDEEFF",
		    "00112233445566778899AABBCCDDEEFF" },
		{ "01020304050607", NULL },
		{ "010203040506070", NULL },
		{ "00112233445566778899AABBCCDDEEFF00", NULL },
		{ "010203040506070G", NULL },
		{ "0102030405060708 ", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		char out[HL_SERIAL_TEXT] = "";

		CHECK(hl_serial_canonical(rows[i].in, out) ==
			(rows[i].out != NULL),
		    rows[i].in);
		if (rows[i].out != NULL)
			assert_string_equal(out, rows[i].out);
	}
}

static void
states_have_their_names(void **state)
{
	(void)state;
	assert_string_equal(hl_card_state_name(HL_CARD_BLANK), "OEM_STATE");
	assert_string_equal(
	    hl_card_state_name(HL_CARD_OPERATIONAL), "OPERATIONAL_STATE");
	assert_string_equal(
	    hl_card_state_name(HL_CARD_TERMINATED), "TERMINATED_STATE");
	assert_string_equal(hl_card_state_name(HL_CARD_UNKNOWN), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(historical_bytes_are_found),
		cmocka_unit_test(stm32hsm_is_shown_and_left_alone),
		cmocka_unit_test(only_historical_bytes_count),
		cmocka_unit_test(open_tries_again_after_a_reset),
		cmocka_unit_test(open_gives_up_and_closes),
		cmocka_unit_test(reconnect_asks_who_is_there),
		cmocka_unit_test(serials_have_one_form),
		cmocka_unit_test(states_have_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
