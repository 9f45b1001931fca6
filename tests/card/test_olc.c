/* SPDX-License-Identifier: Apache-2.0 */
#include "card/driver.h"

#include "card/script.h"
#include "util/hex.h"
#include "util/tlv.h"

#define SELECT "00A4040008 F048534D4C494301 00"
#define AID "8408F048534D4C494301"
#define FCI AID "A507 C00103 C1020100"
#define GET_INFO "80CA000000"
#define SERIAL "C2080102030405060708"
#define FIRMWARE "C40466772D31"
#define TYPE "C503534649"
#define COUNTERS "C60400000009 C7040000000A"
#define OPERATIONAL SERIAL "C30102" FIRMWARE TYPE COUNTERS

static const hl_uuid request_id = { { 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6,
    0xA7, 0xA8, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF } };
#define REQUEST_ID "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"

static script s;

/* Template around a body, and 9000, as hex; good until the call after next. */
static const char *template(uint8_t tag, const char *body)
{
	static char turns[2][32768];
	static unsigned turn;
	char *hex = turns[turn++ % 2];
	hl_buf in = HL_BUF_INIT, out = HL_BUF_INIT;

	script_hex(&in, body);
	hl_tlv_put(&out, tag, in.p, in.n);
	hl_buf_u16(&out, 0x9000);
	assert_true(2 * out.n < sizeof(turns[0]));
	hl_hex_upper(hex, out.p, out.n);
	hl_buf_free(&in);
	hl_buf_free(&out);
	return hex;
}

static hl_card *
open_card(const char *answer, unsigned protocol, hl_rc want, hl_err *err)
{
	hl_card *card = NULL;

	script_start(&s, protocol);
	script_answer(&s, SELECT, answer);
	assert_int_equal(
	    hl_card_open_channel(&card, &s.ch, NULL, script_later(), err),
	    want);
	assert_int_equal(card != NULL, want == HL_OK);
	assert_int_equal(s.closed, want == HL_OK ? 0 : 1);
	return card;
}

static void
close_card(hl_card **card)
{
	hl_card_close(card);
	assert_null(*card);
	assert_int_equal(s.closed, 1);
	script_end(&s);
}

static const struct {
	const char *why, *fci; /* content of 6F; or the whole answer: */
	const char *answer;
	hl_rc rc;
	const char *driver;
	unsigned can;
	const char *says; /* a word of the error */
} selects[] = {
	{ "ours", FCI, NULL, HL_OK, "olc", 15, "" },
	{ "no replay", AID "A507 C00100 C1020100", NULL, HL_OK, "olc", 7, "" },
	{ "newer minor version, unknown capability", AID "A507 C001FE C1020163",
	    NULL, HL_OK, "olc", 15, "" },
	{ "other order, unknown tags, long forms",
	    "A512 DF0101AA C183000002 0100 500155 C0810102 5F2D820001AA" AID,
	    NULL, HL_OK, "olc", 15, "" },
	{ "unknown major version", AID "A507 C00103 C1020200", NULL, HL_ECARD,
	    "", 0, "version 2.0" },
	{ "version of one byte", AID "A506 C00103 C10101", NULL, HL_ECARD, "",
	    0, "C1" },
	{ "no version", AID "A503 C00103", NULL, HL_ECARD, "", 0, "C1" },
	{ "no capabilities", AID "A504 C1020100", NULL, HL_ECARD, "", 0, "C0" },
	{ "capabilities of no byte", AID "A506 C000 C1020100", NULL, HL_ECARD,
	    "", 0, "C0" },
	{ "capabilities of two bytes", AID "A508 C0020103 C1020100", NULL,
	    HL_ECARD, "", 0, "C0" },
	{ "no proprietary template", AID, NULL, HL_ECARD, "", 0, "C1" },
	{ "says yes to any AID", NULL, "9000", HL_OK, "", 0, "" },
	{ "another AID", "8407A0000000031010", NULL, HL_OK, "", 0, "" },
	{ "our AID cut short", "8407F048534D4C4943", NULL, HL_OK, "", 0, "" },
	{ "FCI cut short", NULL, "6F13 8408F048534D4C4943 9000", HL_OK, "", 0,
	    "" },
	{ "no such application", NULL, "6A82", HL_OK, "", 0, "" },
	{ "function not supported", NULL, "6A81", HL_OK, "", 0, "" },
	{ "no SELECT", NULL, "6D00", HL_OK, "", 0, "" },
	{ "no such class", NULL, "6E00", HL_OK, "", 0, "" },
	{ "wants a PIN first", NULL, "6982", HL_OK, "", 0, "" },
	{ "no status word", NULL, "90", HL_ECARD, "", 0, "status word" },
};

static void
select_finds_our_cards(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(selects); i++) {
		const char *why = selects[i].why;
		bool ours = selects[i].driver[0] != '\0';
		hl_card_info info = { .counter = 77 };
		hl_err err = { 0 };
		hl_card *card = open_card(selects[i].fci != NULL
			? template(0x6F, selects[i].fci)
			: selects[i].answer,
		    1, selects[i].rc, &err);

		CHECK(err.rc == selects[i].rc, why);
		CHECK(strstr(err.why, selects[i].says) != NULL, why);
		if (card == NULL) {
			script_end(&s);
			continue;
		}
		if (ours)
			script_answer(
			    &s, GET_INFO, template(0xE0, OPERATIONAL));
		CHECK(hl_card_read(card, &info, script_later(), NULL) == HL_OK,
		    why);
		CHECK(strcmp(info.driver, selects[i].driver) == 0, why);
		CHECK(info.can == selects[i].can, why);
		CHECK(strcmp(info.reader, "Script 0") == 0, why);
		CHECK(info.atr_n == 2 && info.atr[0] == 0x3B, why);
		CHECK((info.serial[0] != '\0') == ours, why);
		close_card(&card);
	}
}

static hl_rc
read_answer(const char *answer, hl_card_info *info, hl_err *err)
{
	hl_card *card = open_card(template(0x6F, FCI), 1, HL_OK, NULL);
	hl_rc rc;

	script_answer(&s, GET_INFO, answer);
	rc = hl_card_read(card, info, script_later(), err);
	close_card(&card);
	return rc;
}

static void
info_of_an_operational_card(void **state)
{
	hl_card_info i;

	(void)state;
	assert_int_equal(
	    read_answer(
		template(0xE0, OPERATIONAL "C8083439616263646630"), &i, NULL),
	    HL_OK);
	assert_string_equal(i.driver, "olc");
	assert_int_equal(i.state, HL_CARD_OPERATIONAL);
	assert_string_equal(i.serial, "0102030405060708");
	assert_string_equal(i.firmware_id, "fw-1");
	assert_string_equal(i.type, "SFI");
	assert_string_equal(i.product_id, "49ABCDF0");
	assert_true(i.has_counter);
	assert_int_equal(i.counter, 9);
	assert_int_equal(i.capacity, 10);
}

static const struct {
	const char *why, *info; /* content of E0; or the whole answer: */
	const char *answer;
	hl_rc rc;
	const char *says;
} infos[] = {
	{ "operational", OPERATIONAL, NULL, HL_OK, "" },
	{ "fields in another order, unknown ones between",
	    COUNTERS "D00155" TYPE FIRMWARE "DF810101AA C30102" SERIAL, NULL,
	    HL_OK, "" },
	{ "long length forms", NULL,
	    "E08400000030 C281080102030405060708 C382000102 C483000004"
	    "66772D31 C581 03534649 C6820004 00000009 C7830000040000000A 9000",
	    HL_OK, "" },
	{ "blank card", SERIAL "C30101", NULL, HL_OK, "" },
	{ "terminated card", SERIAL "C30103", NULL, HL_OK, "" },
	{ "serial of 16 bytes", "C210 AB*16 C30101", NULL, HL_OK, "" },
	{ "no serial", "C30101", NULL, HL_ECARD, "C2" },
	{ "serial of 7 bytes", "C207 AB*7 C30101", NULL, HL_ECARD, "C2" },
	{ "serial of 17 bytes", "C211 AB*17 C30101", NULL, HL_ECARD, "C2" },
	{ "no state", SERIAL, NULL, HL_ECARD, "C3" },
	{ "state of 2 bytes", SERIAL "C3020002", NULL, HL_ECARD, "C3" },
	{ "state of no byte", SERIAL "C300", NULL, HL_ECARD, "C3" },
	{ "state 0", SERIAL "C30100", NULL, HL_ECARD, "C3" },
	{ "state 4", SERIAL "C30104", NULL, HL_ECARD, "C3" },
	{ "state FF", SERIAL "C301FF", NULL, HL_ECARD, "C3" },
	{ "no firmware", SERIAL "C30102" TYPE COUNTERS, NULL, HL_ECARD, "C4" },
	{ "empty firmware", SERIAL "C30102 C400" TYPE COUNTERS, NULL, HL_ECARD,
	    "C4" },
	{ "firmware of 64 bytes", SERIAL "C30102 C440 61*64" TYPE COUNTERS,
	    NULL, HL_OK, "" },
	{ "firmware of 65 bytes", SERIAL "C30102 C441 61*65" TYPE COUNTERS,
	    NULL, HL_ECARD, "C4" },
	{ "firmware that is no UTF-8", SERIAL "C30102 C402C328" TYPE COUNTERS,
	    NULL, HL_ECARD, "C4" },
	{ "firmware with a line feed", SERIAL "C30102 C403610A62" TYPE COUNTERS,
	    NULL, HL_ECARD, "C4" },
	{ "firmware with a NUL", SERIAL "C30102 C403610062" TYPE COUNTERS, NULL,
	    HL_ECARD, "C4" },
	{ "no type", SERIAL "C30102" FIRMWARE COUNTERS, NULL, HL_ECARD, "C5" },
	{ "type of 2 bytes", SERIAL "C30102" FIRMWARE "C5025346" COUNTERS, NULL,
	    HL_ECARD, "C5" },
	{ "type of 8 bytes", SERIAL "C30102" FIRMWARE "C508 53*8" COUNTERS,
	    NULL, HL_OK, "" },
	{ "type of 9 bytes", SERIAL "C30102" FIRMWARE "C509 53*9" COUNTERS,
	    NULL, HL_ECARD, "C5" },
	{ "type with a space", SERIAL "C30102" FIRMWARE "C503532049" COUNTERS,
	    NULL, HL_ECARD, "C5" },
	{ "type beyond ASCII", SERIAL "C30102" FIRMWARE "C50353C3A9" COUNTERS,
	    NULL, HL_ECARD, "C5" },
	{ "no counter", SERIAL "C30102" FIRMWARE TYPE "C7040000000A", NULL,
	    HL_ECARD, "C6" },
	{ "counter of 3 bytes",
	    SERIAL "C30102" FIRMWARE TYPE "C603000009 C7040000000A", NULL,
	    HL_ECARD, "C6" },
	{ "counter of 5 bytes",
	    SERIAL "C30102" FIRMWARE TYPE "C6050000000009 C7040000000A", NULL,
	    HL_ECARD, "C6" },
	{ "no capacity", SERIAL "C30102" FIRMWARE TYPE "C60400000009", NULL,
	    HL_ECARD, "C7" },
	{ "capacity of 2 bytes",
	    SERIAL "C30102" FIRMWARE TYPE "C60400000009 C702000A", NULL,
	    HL_ECARD, "C7" },
	{ "full card",
	    SERIAL "C30102" FIRMWARE TYPE "C604FFFFFFFF C704FFFFFFFF", NULL,
	    HL_OK, "" },
	{ "more left than there ever were",
	    SERIAL "C30102" FIRMWARE TYPE "C6040000000B C7040000000A", NULL,
	    HL_ECARD, "above its capacity" },
	{ "product of 7 digits", OPERATIONAL "C80734393730313030", NULL,
	    HL_ECARD, "C8" },
	{ "product of 9 digits", OPERATIONAL "C8 09 34*9", NULL, HL_ECARD,
	    "C8" },
	{ "product that is not hex", OPERATIONAL "C80834393730313030 47", NULL,
	    HL_ECARD, "C8" },
	{ "ill-sized field on a blank card", SERIAL "C30101 C602 0001", NULL,
	    HL_ECARD, "C6" },
	{ "field longer than the template", SERIAL "C30101 C4057A", NULL,
	    HL_ECARD, "E0" },
	{ "nothing but 9000", NULL, "9000", HL_ECARD, "E0" },
	{ "answer of another command", NULL, "E203 C10101 9000", HL_ECARD,
	    "E0" },
	{ "template cut short", NULL, "E020" SERIAL "9000", HL_ECARD, "E0" },
	{ "indefinite length", NULL, "E080" SERIAL "C30101 0000 9000", HL_ECARD,
	    "E0" },
	{ "wrong state", NULL, "6985", HL_ECARD, "6985" },
	{ "nothing selected", NULL, "6D00", HL_ECARD, "6D00" },
	{ "no status word", NULL, "", HL_ECARD, "status word" },
};

static void
info_names_the_bad_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(infos); i++) {
		const char *why = infos[i].why;
		hl_card_info info = { .counter = 77 };
		hl_err err = { 0 };

		CHECK(read_answer(infos[i].answer != NULL
			      ? infos[i].answer
			      : template(0xE0, infos[i].info),
			  &info, &err) == infos[i].rc,
		    why);
		CHECK(err.rc == infos[i].rc, why);
		CHECK(strstr(err.why, infos[i].says) != NULL, why);
		if (infos[i].rc == HL_OK)
			continue;
		CHECK(info.counter == 77, why);
		CHECK(strstr(err.what, "\"Script 0\"") != NULL, why);
		CHECK(err.units_spent == 0, why);
	}
}

static void
counters_only_when_the_card_tells(void **state)
{
	hl_card_info i;

	(void)state;
	assert_int_equal(
	    read_answer(template(0xE0, SERIAL "C30101"), &i, NULL), HL_OK);
	assert_int_equal(i.state, HL_CARD_BLANK);
	assert_false(i.has_counter);
	assert_int_equal(
	    read_answer(template(0xE0, SERIAL "C30103 C60400000000"), &i, NULL),
	    HL_OK);
	assert_int_equal(i.state, HL_CARD_TERMINATED);
	assert_true(i.has_counter);
	assert_int_equal(i.counter, 0);
}

/* ISSUE of a 136-byte certificate, one short APDU. */
#define ISSUE136 "802A0000A0 E1819D C98188 5C*136 CA10" REQUEST_ID "00"
#define LICENSE "CB03 112233"
#define GOOD LICENSE "C60400000008 CA10" REQUEST_ID

static const struct {
	const char *why, *body; /* content of E2; or the whole answer: */
	const char *answer;
	hl_rc rc;
	hl_exec exec;
	size_t n;
	bool bound;
	uint16_t sw;
} issues[] = {
	{ "a license", GOOD, NULL, HL_OK, HL_EXEC_YES, 3, true, 0x9000 },
	{ "other order, unknown tags",
	    "CA10" REQUEST_ID "D000 C60400000008 E50150" LICENSE, NULL, HL_OK,
	    HL_EXEC_YES, 3, true, 0x9000 },
	{ "longest license of the protocol",
	    "CB820800 22*2048 C60400000008 CA10" REQUEST_ID, NULL, HL_OK,
	    HL_EXEC_YES, 2048, true, 0x9000 },
	{ "long length forms", NULL,
	    "E283000022 CB8400000003112233 C6810400000008 CA10" REQUEST_ID
	    "9000",
	    HL_OK, HL_EXEC_YES, 3, true, 0x9000 },
	{ "another request's answer",
	    LICENSE "C60400000008 CA10 A0A1A2A3A4A5A6A7A8A9AAABACADAEAE", NULL,
	    HL_OK, HL_EXEC_YES, 3, false, 0x9000 },
	{ "no license", "C60400000008 CA10" REQUEST_ID, NULL, HL_ECARD,
	    HL_EXEC_UNKNOWN, 0, false, 0x9000 },
	{ "empty license", "CB00 C60400000008 CA10" REQUEST_ID, NULL, HL_ECARD,
	    HL_EXEC_UNKNOWN, 0, false, 0x9000 },
	{ "no counter: the license is kept", LICENSE "CA10" REQUEST_ID, NULL,
	    HL_ECARD, HL_EXEC_UNKNOWN, 3, false, 0x9000 },
	{ "counter of 3 bytes", LICENSE "C603000008 CA10" REQUEST_ID, NULL,
	    HL_ECARD, HL_EXEC_UNKNOWN, 3, false, 0x9000 },
	{ "no request ID", LICENSE "C60400000008", NULL, HL_ECARD,
	    HL_EXEC_UNKNOWN, 3, false, 0x9000 },
	{ "request ID of 15 bytes",
	    LICENSE "C60400000008 CA0F A0A1A2A3A4A5A6A7A8A9AAABACADAE", NULL,
	    HL_ECARD, HL_EXEC_UNKNOWN, 3, false, 0x9000 },
	{ "answer of another command", NULL, "E003 C10101 9000", HL_ECARD,
	    HL_EXEC_UNKNOWN, 0, false, 0x9000 },
	{ "answer cut short", NULL, "E220" LICENSE "9000", HL_ECARD,
	    HL_EXEC_UNKNOWN, 0, false, 0x9000 },
	{ "nothing but 9000", NULL, "9000", HL_ECARD, HL_EXEC_UNKNOWN, 0, false,
	    0x9000 },
	{ "no status word", NULL, "", HL_ECARD, HL_EXEC_UNKNOWN, 0, false, 0 },
	{ "wrong state", NULL, "6985", HL_ENOLICENSE, HL_EXEC_NO, 0, false,
	    0x6985 },
	{ "wrong data", NULL, "6A80", HL_ENOLICENSE, HL_EXEC_NO, 0, false,
	    0x6A80 },
	{ "other product", NULL, "6984", HL_ENOLICENSE, HL_EXEC_NO, 0, false,
	    0x6984 },
	{ "counter zero", NULL, "6A84", HL_ENOLICENSE, HL_EXEC_NO, 0, false,
	    0x6A84 },
	{ "wrong P1", NULL, "6A86", HL_ECARD, HL_EXEC_NO, 0, false, 0x6A86 },
	{ "wrong length", NULL, "6700", HL_ECARD, HL_EXEC_NO, 0, false,
	    0x6700 },
	{ "unknown INS", NULL, "6D00", HL_ECARD, HL_EXEC_NO, 0, false, 0x6D00 },
	{ "unknown CLA", NULL, "6E00", HL_ECARD, HL_EXEC_NO, 0, false, 0x6E00 },
	{ "internal: it may have counted", NULL, "6F00", HL_ECARD,
	    HL_EXEC_UNKNOWN, 0, false, 0x6F00 },
	{ "a warning", NULL, "6281", HL_ECARD, HL_EXEC_UNKNOWN, 0, false,
	    0x6281 },
	{ "memory failure", NULL, "6581", HL_ECARD, HL_EXEC_UNKNOWN, 0, false,
	    0x6581 },
	{ "unlisted", NULL, "6FFF", HL_ECARD, HL_EXEC_UNKNOWN, 0, false,
	    0x6FFF },
};

static hl_rc
issue(const char *command, const char *answer, hl_card_answer *out,
    hl_exec *exec, hl_err *err)
{
	hl_card *card = open_card(template(0x6F, FCI), 1, HL_OK, NULL);
	uint8_t cert[136];
	hl_rc rc;

	memset(cert, 0x5C, sizeof(cert));
	script_answer(&s, command, answer);
	rc = hl_card_issue(card, cert, sizeof(cert), &request_id, out, exec,
	    script_later(), err);
	close_card(&card);
	return rc;
}

static void
issue_tells_what_is_known(void **state)
{
	static hl_card_answer a;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(issues); i++) {
		const char *why = issues[i].why;
		hl_exec exec = HL_EXEC_YES;
		hl_err err = { 0 };

		CHECK(issue(ISSUE136,
			  issues[i].answer != NULL
			      ? issues[i].answer
			      : template(0xE2, issues[i].body),
			  &a, &exec, &err) == issues[i].rc,
		    why);
		CHECK(exec == issues[i].exec, why);
		CHECK(err.rc == issues[i].rc, why);
		CHECK(err.units_spent ==
			(exec == HL_EXEC_UNKNOWN ? HL_UNITS_UNKNOWN : 0),
		    why);
		CHECK(a.n == issues[i].n, why);
		CHECK(a.bound == issues[i].bound, why);
		CHECK(a.sw == issues[i].sw, why);
		CHECK(a.n == 0 || a.license[0] == 0x11 || a.license[0] == 0x22,
		    why);
	}
}

static void
issue_fills_the_answer(void **state)
{
	static hl_card_answer a;
	hl_exec exec;

	(void)state;
	assert_int_equal(
	    issue(ISSUE136, template(0xE2, GOOD), &a, &exec, NULL), HL_OK);
	assert_int_equal(a.counter_after, 8);
	assert_memory_equal(a.license, "\x11\x22\x33", 3);
	assert_true(hl_uuid_equal(&a.request_id, &request_id));
}

/* T=0: no Le on data, every answer announced by 61xx. */
static void
issue_over_t0(void **state)
{
	static hl_card_answer a;
	uint8_t cert[136];
	hl_card *card;
	hl_exec exec;

	(void)state;
	memset(cert, 0x5C, sizeof(cert));
	script_start(&s, 0);
	script_answer(&s, "00A4040008 F048534D4C494301", "6115");
	script_answer(&s, "00C0000015", template(0x6F, FCI));
	assert_int_equal(
	    hl_card_open_channel(&card, &s.ch, NULL, script_later(), NULL),
	    HL_OK);
	script_answer(
	    &s, "802A0000A0 E1819D C98188 5C*136 CA10" REQUEST_ID, "611F");
	script_answer(&s, "00C000001F", template(0xE2, GOOD));
	assert_int_equal(hl_card_issue(card, cert, sizeof(cert), &request_id,
			     &a, &exec, script_later(), NULL),
	    HL_OK);
	assert_true(a.bound);
	close_card(&card);
}

/* A long certificate, by chaining or in one extended APDU. */
static void
issue_long(const char *fci, hl_card_answer *a, hl_rc want, hl_exec want_exec)
{
	hl_card *card = open_card(template(0x6F, fci), 1, HL_OK, NULL);
	uint8_t cert[300];
	hl_exec exec;

	memset(cert, 0x5C, sizeof(cert));
	if (strcmp(fci, FCI) == 0)
		script_answer(&s,
		    "802A0000000146 E1820142 C982012C 5C*300 CA10" REQUEST_ID
		    "0000",
		    template(0xE2, GOOD));
	else {
		script_answer(
		    &s, "902A0000FF E1820142 C982012C 5C*247", "9000");
		script_answer(&s, "802A000047 5C*53 CA10" REQUEST_ID "00",
		    want == HL_OK ? template(0xE2, GOOD) : "6F00");
	}
	assert_int_equal(hl_card_issue(card, cert, sizeof(cert), &request_id, a,
			     &exec, script_later(), NULL),
	    want);
	assert_int_equal(exec, want_exec);
	close_card(&card);
}

static void
issue_of_a_long_certificate(void **state)
{
	static hl_card_answer a;

	(void)state;
	issue_long(FCI, &a, HL_OK, HL_EXEC_YES);
	issue_long(AID "A507 C00102 C1020100", &a, HL_OK, HL_EXEC_YES);
	issue_long(AID "A507 C00102 C1020100", &a, HL_ECARD, HL_EXEC_UNKNOWN);
}

/* An unlisted status word leaves doubt, but not before the last block. */
static void
refused_chain_spends_nothing(void **state)
{
	static hl_card_answer a;
	hl_card *card;
	uint8_t cert[300];
	hl_exec exec;

	(void)state;
	memset(cert, 0x5C, sizeof(cert));
	card = open_card(
	    template(0x6F, AID "A507 C00102 C1020100"), 1, HL_OK, NULL);
	script_answer(&s, "902A0000FF E1820142 C982012C 5C*247", "6884");
	assert_int_equal(hl_card_issue(card, cert, sizeof(cert), &request_id,
			     &a, &exec, script_later(), NULL),
	    HL_ECARD);
	assert_int_equal(exec, HL_EXEC_NO);
	assert_int_equal(a.sw, 0x6884);
	close_card(&card);
}

static void
certificates_have_bounds(void **state)
{
	static const size_t sizes[] = { 0, 4097 };
	static hl_card_answer a;
	static uint8_t cert[4097];
	hl_card *card = open_card(template(0x6F, FCI), 1, HL_OK, NULL);

	(void)state;
	for (size_t i = 0; i < HL_COUNT(sizes); i++) {
		hl_exec exec = HL_EXEC_YES;

		assert_int_equal(
		    hl_card_issue(card, cert, sizes[i], &request_id, &a, &exec,
			script_later(), NULL),
		    HL_EINPUT);
		assert_int_equal(exec, HL_EXEC_NO);
	}
	close_card(&card);
}

/* What the channel knows is what issue tells. */
static void
channel_failures_pass_through(void **state)
{
	static const hl_exec execs[] = { HL_EXEC_NO, HL_EXEC_UNKNOWN };
	static hl_card_answer a;
	uint8_t cert[136];

	(void)state;
	memset(cert, 0x5C, sizeof(cert));
	for (size_t i = 0; i < HL_COUNT(execs); i++) {
		hl_card *card = open_card(template(0x6F, FCI), 1, HL_OK, NULL);
		hl_exec exec = HL_EXEC_YES;
		hl_err err = { 0 };

		script_fail(&s, ISSUE136, HL_ETIMEOUT, execs[i]);
		assert_int_equal(
		    hl_card_issue(card, cert, sizeof(cert), &request_id, &a,
			&exec, script_later(), &err),
		    HL_ETIMEOUT);
		assert_int_equal(exec, execs[i]);
		assert_int_equal(a.n, 0);
		assert_int_equal(err.units_spent,
		    execs[i] == HL_EXEC_NO ? 0 : HL_UNITS_UNKNOWN);
		close_card(&card);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(select_finds_our_cards),
		cmocka_unit_test(info_of_an_operational_card),
		cmocka_unit_test(info_names_the_bad_field),
		cmocka_unit_test(counters_only_when_the_card_tells),
		cmocka_unit_test(issue_tells_what_is_known),
		cmocka_unit_test(issue_fills_the_answer),
		cmocka_unit_test(issue_over_t0),
		cmocka_unit_test(issue_of_a_long_certificate),
		cmocka_unit_test(refused_chain_spends_nothing),
		cmocka_unit_test(certificates_have_bounds),
		cmocka_unit_test(channel_failures_pass_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
