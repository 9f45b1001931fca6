/* SPDX-License-Identifier: Apache-2.0 */
/* The software card against the text of docs/open-license-card.md. */
#include "sim/softcard_fixture.h"

#include <stdio.h>
#include <string.h>

#include "chip/license.h"
#include "util/hex.h"

#define FCI "6F138408F048534D4C494301A507C00103C1020100"
#define FCI_T0 "6F138408F048534D4C494301A507C00102C1020100"
#define INFO_BLANK "E00DC2080123456789ABCDEFC30101"
/* E2 { CB license, C6 counter, CA request ID }, 166 bytes */
#define ANSWER_HEAD "E281A3CB8188"

struct row {
	const char *why, *apdu, *answer;
};

static void
check_rows(struct fixture *f, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = ask(f, rows[i].apdu);

		if (strcmp(got, rows[i].answer) != 0)
			fail_msg(
			    "%s: %s, not %s", rows[i].why, got, rows[i].answer);
	}
}

/* An ISSUE answer: 9000, this counter, this request ID. */
static void
check_answer(const char *got, const char *counter_and_id)
{
	char tail[64];

	(void)snprintf(tail, sizeof(tail), "C604%.8sCA10%s9000", counter_and_id,
	    counter_and_id + 9);
	assert_int_equal(strlen(got), 2 * (166 + 2));
	assert_memory_equal(got, ANSWER_HEAD, strlen(ANSWER_HEAD));
	assert_string_equal(got + 2 * (6 + 136), tail);
}

static void
select_tells_the_version_and_what_the_card_can(void **state)
{
	struct fixture *f = *state;

	card_on(f);
	expect(f, SELECT, FCI "9000");
}

static void
commands_that_are_none(void **state)
{
	static const struct row rows[] = {
		{ "not selected", INFO, "6985" },
		{ "not selected, PERSONALIZE", "80DA000001E3", "6985" },
		{ "not selected, ISSUE", "802A000001E1", "6985" },
		{ "another application", "00A4040008F048534D4C49430200",
		    "6A82" },
		{ "a part of the AID", "00A4040007F048534D4C494300", "6A82" },
		{ "the AID and more", "00A4040009F048534D4C4943010100",
		    "6A82" },
		{ "no AID", "00A4040000", "6A82" },
		{ "by path", "00A4080008F048534D4C49430100", "6A86" },
		{ "next occurrence", "00A4040208F048534D4C49430100", "6A86" },
		{ "still not selected", INFO, "6985" },
		{ "selected", SELECT, FCI "9000" },
		{ "unknown class", "84CA000000", "6E00" },
		{ "logical channel 1", "01A4040008F048534D4C49430100", "6E00" },
		{ "class FF", "FFCA000000", "6E00" },
		{ "unknown instruction", "80CB000000", "6D00" },
		{ "VERIFY", "0020000000", "6D00" },
		{ "SELECT in the other class", "80A4040008F048534D4C49430100",
		    "6D00" },
		{ "GET INFO in the other class", "00CA000000", "6D00" },
		{ "GET INFO, P1", "80CA010000", "6A86" },
		{ "GET INFO, P2", "80CA000100", "6A86" },
		{ "PERSONALIZE, P1", "80DA010001E3", "6A86" },
		{ "GET INFO with data", "80CA00000155", "6700" },
		{ "GET RESPONSE, nothing there", "00C0000000", "6985" },
		{ "GET RESPONSE in the other class", "80C0000000", "6D00" },
		{ "nothing", "", "6700" },
		{ "half a header", "80CA", "6700" },
		{ "Lc above the data", "80CA000002AA", "6700" },
		{ "a byte too many", "80CA000001AA0000", "6700" },
		{ "half an extended Lc", "80CA00000000", "6700" },
		{ "extended Lc of zero", "80CA000000000000", "6700" },
		{ "extended Lc above the data", "80CA0000000003AAAA", "6700" },
		{ "half an extended Le", "80CA0000000001AA00", "6700" },
		{ "the card is none the worse", INFO, INFO_BLANK "9000" },
	};
	struct fixture *f = *state;

	card_on(f);
	hl_softcard_reset(f->card);
	check_rows(f, rows, HL_COUNT(rows));
}

static void
get_info_in_each_state(void **state)
{
	struct fixture *f = *state;

	card_on(f);
	expect(f, INFO, INFO_BLANK "9000");
	card_off(f);
	card_ready(f, "45002001", 9);
	expect(f, INFO,
	    "E02CC2080123456789ABCDEFC30102C4026677C503534649C60400000009"
	    "C70400000009C80834353030323030319000");
	(void)ask(f, issue(f->cert, ID1));
	expect(f, INFO,
	    "E02CC2080123456789ABCDEFC30102C4026677C503534649C60400000008"
	    "C70400000009C80834353030323030319000");
	assert_int_equal(hl_softcard_terminate(f->card, NULL), HL_OK);
	expect(f, INFO, "E00DC2080123456789ABCDEFC301039000");
	card_off(f);
	card_on(f);
	expect(f, INFO, "E00DC2080123456789ABCDEFC301039000");
}

static void
personalize_refuses_what_is_not_whole(void **state)
{
#define PROFILE "C503534649C70400000005CC10" KEY "CD0C" NONCE
	static const struct row rows[] = {
		{ "no data", "80DA0000", "6A80" },
		{ "another template", "80DA000004E102C400", "6A80" },
		{ "firmware missing", "80DA00002DE32B" PROFILE, "6A80" },
		{ "firmware twice", "80DA000035E333C4026677C4026677" PROFILE,
		    "6A80" },
		{ "firmware empty", "80DA00002FE32DC400" PROFILE, "6A80" },
		{ "control character in the firmware",
		    "80DA000031E32FC402660A" PROFILE, "6A80" },
		{ "zero byte in the firmware", "80DA000031E32FC4026600" PROFILE,
		    "6A80" },
		{ "firmware not UTF-8", "80DA000031E32FC40266FF" PROFILE,
		    "6A80" },
		{ "type of two letters",
		    "80DA000030E32EC4026677C5025346C70400000005CC10" KEY
		    "CD0C" NONCE,
		    "6A80" },
		{ "capacity of three bytes",
		    "80DA000030E32EC4026677C503534649C703000005CC10" KEY
		    "CD0C" NONCE,
		    "6A80" },
		{ "product ID of seven digits",
		    "80DA00003AE338C4026677C80734353030323030" PROFILE,
		    "6A80" },
		{ "product ID that is not hex",
		    "80DA00003BE339C4026677C8083435303032303047" PROFILE,
		    "6A80" },
		{ "key of 15 bytes",
		    "80DA000030E32EC4026677C503534649C70400000005CC0F"
		    "101112131415161718191A1B1C1D1ECD0C" NONCE,
		    "6A80" },
		{ "nonce missing",
		    "80DA000023E321C4026677C503534649C70400000005CC10" KEY,
		    "6A80" },
		{ "bytes behind the template",
		    "80DA000032E32FC4026677" PROFILE "00", "6A80" },
		{ "template cut short",
		    "80DA000030E32FC4026677C503534649C704"
		    "00000005CC10" KEY "CD0C202122232425262728292A",
		    "6A80" },
		{ "nothing has changed", INFO, INFO_BLANK "9000" },
		{ "whole, with a tag of somebody else",
		    "80DA000034E332C40266775A01AA" PROFILE, "9000" },
		{ "only once", "80DA000031E32FC4026677" PROFILE, "6985" },
		{ "only once, before the data is looked at", "80DA000001E3",
		    "6985" },
	};
	struct fixture *f = *state;

	card_on(f);
	check_rows(f, rows, HL_COUNT(rows));
	assert_int_equal(counter_of(f), 5);
}

static void
a_lower_case_product_id_is_hex_too(void **state)
{
	struct fixture *f = *state;
	char cert[sizeof(f->cert)];

	card_ready(f, "4500200a", 1);
	certificate(f, "4500200A", cert);
	check_answer(ask(f, issue(cert, ID1)), "00000000 " ID1);
}

static void
a_license_opens_on_its_chip_only(void **state)
{
	struct fixture *f = *state;
	hl_firmware_key key;
	uint8_t lic[HL_LICENSE_OLC], other[HL_P256_SCALAR] = { 9 };
	char text[2 * sizeof(key.key) + 1];
	const char *got;
	size_t n;

	card_ready(f, "", 3);
	got = ask(f, issue(f->cert, ID1));
	check_answer(got, "00000002 " ID1);
	assert_true(hl_hex_decode(
	    got + strlen(ANSWER_HEAD), 2 * sizeof(lic), lic, sizeof(lic), &n));
	assert_int_equal(
	    hl_license_open(lic, n, f->chip_priv, &key, NULL), HL_OK);
	hl_hex_upper(text, key.key, sizeof(key.key));
	assert_string_equal(text, KEY);
	hl_hex_upper(text, key.nonce, sizeof(key.nonce));
	assert_string_equal(text, NONCE);
	assert_int_equal(
	    hl_license_open(lic, n, other, &key, NULL), HL_EINTEGRITY);
}

static void
issue_refuses_before_it_counts(void **state)
{
	struct fixture *f = *state;
	char cert[sizeof(f->cert)], bad[600];

	card_ready(f, "", 5);
	expect(f, "802A010001E1", "6A86");
	expect(f, "802A000101E1", "6A86");
	expect(f, "802A0000", "6A80");
	(void)snprintf(bad, sizeof(bad), "E18189C98186%.*s", 268, f->cert);
	expect(f, with_data("802A0000", bad, "00"), "6A80"); /* no CA */
	(void)snprintf(
	    bad, sizeof(bad), "E1819BC98186%.*sCA10" ID1, 268, f->cert);
	expect(f, with_data("802A0000", bad, "00"), "6A80"); /* 134 bytes */
	(void)snprintf(
	    bad, sizeof(bad), "E1819CC98188%sCA0F%.30s", f->cert, ID1);
	expect(f, with_data("802A0000", bad, "00"), "6A80");
	(void)snprintf(
	    bad, sizeof(bad), "E181AFC98188%sCA10" ID1 "CA10" ID1, f->cert);
	expect(f, with_data("802A0000", bad, "00"), "6A80");
	(void)snprintf(bad, sizeof(bad), "%s00", request_data(f->cert, ID1));
	expect(f, with_data("802A0000", bad, "00"), "6A80");
	(void)snprintf(
	    bad, sizeof(bad), "E3%s", request_data(f->cert, ID1) + 2);
	expect(f, with_data("802A0000", bad, "00"), "6A80");
	certificate(f, "4500200a", cert);
	expect(f, issue(cert, ID1), "6A80");
	certificate(f, "4500200G", cert);
	expect(f, issue(cert, ID1), "6A80");
	memcpy(cert, f->cert, sizeof(cert));
	cert[2 * HL_CERT_SIG_AT - 1] ^= 1; /* Y: off the curve */
	expect(f, issue(cert, ID1), "6A80");
	assert_int_equal(counter_of(f), 5);
}

static void
issue_checks_in_the_order_of_the_protocol(void **state)
{
	struct fixture *f = *state;
	char other[sizeof(f->cert)], bad[sizeof(f->cert)];
	char product[sizeof(f->cert)];

	memcpy(bad, f->cert, sizeof(bad));
	bad[2 * HL_CERT_SIG_AT - 1] ^= 1;
	memcpy(other, f->cert, sizeof(other));
	other[2 * HL_CERT_STM32 - 1] ^= 1; /* another signature */
	certificate(f, "45002002", product);

	card_on(f);
	expect(f, issue(bad, ID1), "6985"); /* state before data */
	card_off(f);
	card_ready(f, "45002001", 1);
	check_answer(ask(f, issue(f->cert, ID1)), "00000000 " ID1);
	memcpy(bad, "3435303032303032", 16); /* 45002002, and off the curve */
	expect(f, issue(bad, ID2), "6A80");  /* data before product */
	expect(f, issue(product, ID1), "6984"); /* product before replay */
	expect(f, issue(other, ID1), "6A80");	/* replay before counter */
	check_answer(ask(f, issue(f->cert, ID1)), "00000000 " ID1);
	expect(f, issue(other, ID2), "6A84");
	expect(f, issue(f->cert, ID2), "6A84");
	assert_int_equal(hl_softcard_terminate(f->card, NULL), HL_OK);
	expect(f, issue(f->cert, ID1), "6985");
}

static void
replay_gives_the_same_license_and_spends_nothing(void **state)
{
	struct fixture *f = *state;
	char first[400], second[400];

	card_ready(f, "", 5);
	(void)snprintf(first, sizeof(first), "%s", ask(f, issue(f->cert, ID1)));
	expect(f, issue(f->cert, ID1), first);
	card_off(f);
	card_on(f); /* the request is remembered without power */
	expect(f, issue(f->cert, ID1), first);
	assert_int_equal(counter_of(f), 4);
	(void)snprintf(
	    second, sizeof(second), "%s", ask(f, issue(f->cert, ID2)));
	check_answer(second, "00000003 " ID2);
	assert_memory_not_equal(second, first, 2 * (6 + 136));
	/* Only the last one is remembered. */
	check_answer(ask(f, issue(f->cert, ID1)), "00000002 " ID1);
}

static void
long_lengths_and_other_tags_are_legal_in_a_request(void **state)
{
	struct fixture *f = *state;
	char data[600];

	card_ready(f, "", 5);
	(void)snprintf(data, sizeof(data),
	    "E1830000A69F0101AACA8110" ID1 "C9820088%s5F2D00", f->cert);
	check_answer(
	    ask(f, with_data("802A0000", data, "00")), "00000004 " ID1);
}

/* `text` in two halves. */
static const char *
block(const char *head, const char *text, size_t from, size_t n, const char *le)
{
	char part[512];

	(void)snprintf(
	    part, sizeof(part), "%.*s", (int)(2 * n), text + 2 * from);
	return with_data(head, part, le);
}

static void
chained_blocks_are_one_command(void **state)
{
	struct fixture *f = *state;
	char data[600], text[1200];

	card_ready(f, "", 5);
	(void)snprintf(data, sizeof(data), "%s", request_data(f->cert, ID1));
	expect(f, block("902A0000", data, 0, 100, ""), "9000");
	check_answer(
	    ask(f, block("802A0000", data, 100, 60, "00")), "00000004 " ID1);
	/* 255 and more: an object of 300 bytes that the card ignores. */
	(void)snprintf(text, sizeof(text), "E18201CD5A82012C%0600d%s", 0,
	    request_data(f->cert, ID2) + 6);
	expect(f, block("902A0000", text, 0, 255, ""), "9000");
	check_answer(
	    ask(f, block("802A0000", text, 255, 210, "00")), "00000003 " ID2);
	/* The last block may be empty. */
	(void)snprintf(data, sizeof(data), "%s", request_data(f->cert, ID3));
	expect(f, block("902A0000", data, 0, 160, ""), "9000");
	check_answer(ask(f, "802A000000"), "00000002 " ID3);
}

static void
a_broken_chain_spends_nothing(void **state)
{
	struct fixture *f = *state;
	char data[600];

	card_ready(f, "", 5);
	(void)snprintf(data, sizeof(data), "%s", request_data(f->cert, ID1));
	/* Another command, GET RESPONSE, a reset in between. */
	expect(f, block("902A0000", data, 0, 100, ""), "9000");
	assert_memory_equal(ask(f, INFO), "E0", 2);
	expect(f, block("802A0000", data, 100, 60, "00"), "6A80");
	expect(f, block("902A0000", data, 0, 100, ""), "9000");
	expect(f, "00C0000000", "6985");
	expect(f, block("802A0000", data, 100, 60, "00"), "6A80");
	expect(f, block("902A0000", data, 0, 100, ""), "9000");
	expect(f, "80", "6700");
	expect(f, block("802A0000", data, 100, 60, "00"), "6A80");
	expect(f, block("902A0000", data, 0, 100, ""), "9000");
	hl_softcard_reset(f->card);
	expect(f, SELECT, FCI "9000");
	expect(f, block("802A0000", data, 100, 60, "00"), "6A80");
	/* A new chain of another command takes over. */
	expect(f, block("902A0000", data, 0, 100, ""), "9000");
	expect(f, "90DA00000155", "9000");
	expect(f, block("802A0000", data, 100, 60, "00"), "6A80");
	/* Errors of a block come at once. */
	expect(f, "902A010001E1", "6A86");
	expect(f, "90CB000001E1", "6D00");
	expect(f, "94CA000001E1", "6E00");
	assert_int_equal(counter_of(f), 5);
}

static void
a_chain_has_an_end(void **state)
{
	struct fixture *f = *state;
	char block255[600];

	card_ready(f, "", 5);
	(void)snprintf(block255, sizeof(block255), "902A0000FF%0510d", 0);
	for (int i = 0; i < 65535 / 255; i++)
		expect(f, block255, "9000");
	expect(f, "902A000001AA", "6700");
	check_answer(ask(f, issue(f->cert, ID1)), "00000004 " ID1);
}

static void
extended_length_both_ways(void **state)
{
	struct fixture *f = *state;
	char apdu[600];

	card_ready(f, "", 5);
	(void)snprintf(apdu, sizeof(apdu), "802A00000000A0%s0000",
	    request_data(f->cert, ID1));
	check_answer(ask(f, apdu), "00000004 " ID1);
	(void)snprintf(apdu, sizeof(apdu), "%s", ask(f, INFO));
	expect(f, "80CA0000000000", apdu); /* case 2 */
	(void)snprintf(apdu, sizeof(apdu), "802A00000000A0%s000A",
	    request_data(f->cert, ID2));
	assert_string_equal(ask(f, apdu) + 20, "619C");
	(void)snprintf(apdu, sizeof(apdu), "802A00000000A0%s",
	    request_data(f->cert, ID3)); /* case 3: no Le */
	expect(f, apdu, "61A6");
}

static void
an_answer_that_does_not_fit_is_fetched(void **state)
{
	struct fixture *f = *state;
	char whole[400], got[400];
	size_t n;

	card_ready(f, "", 5);
	(void)snprintf(whole, sizeof(whole), "%s", ask(f, issue(f->cert, ID1)));
	expect(
	    f, with_data("802A0000", request_data(f->cert, ID1), ""), "61A6");
	(void)snprintf(got, sizeof(got), "%s", ask(f, "00C0000064"));
	n = strlen(got) - 4;
	assert_int_equal(n, 2 * 100);
	assert_string_equal(got + n, "6142");
	expect(f, "00C0010042", "6A86");
	expect(f, "00C0000001AA", "6700");
	(void)snprintf(got + n, sizeof(got) - n, "%s", ask(f, "00C0000000"));
	assert_string_equal(got, whole);
	expect(f, "00C0000000", "6985");
	/* Le too small for an answer at once: the rest is announced. */
	assert_string_equal(ask(f, "80CA000004") + 8, "6120");
	expect(f, "80CA0000", "6124");
	(void)ask(f, SELECT); /* another command: the answer is gone */
	expect(f, "00C0000000", "6985");
	assert_int_equal(counter_of(f), 4);
}

static void
t0_answers_as_t0_cards_do(void **state)
{
	struct fixture *f = *state;
	char apdu[600];

	f->t0 = true;
	card_ready(f, "", 5);
	expect(f, SELECT, "6115");
	expect(f, "00C0000020", "6C15");
	expect(f, "00C0000000", "6C15");
	expect(f, "00C0000015", FCI_T0 "9000");
	expect(f, "00C0000015", "6985");
	expect(f, INFO, "6C24");
	expect(f, "80CA0000", "6C24");
	expect(f, "80CA000020", "6C24");
	assert_string_equal(ask(f, "80CA000024") + 2 * 0x24, "9000");
	expect(
	    f, with_data("802A0000", request_data(f->cert, ID1), ""), "61A6");
	assert_string_equal(ask(f, "00C0000060") + 2 * 0x60, "6146");
	assert_string_equal(ask(f, "00C0000046") + 2 * 0x46, "9000");
	/* With Le behind the data, as T=1 would have it, it is the same. */
	expect(f, issue(f->cert, ID1), "61A6");
	check_answer(ask(f, "00C00000A6"), "00000004 " ID1);
	(void)snprintf(apdu, sizeof(apdu), "802A00000000A0%s0000",
	    request_data(f->cert, ID2));
	expect(f, apdu, "6700");
	assert_int_equal(counter_of(f), 4);
}

static void
power_off_forgets_everything_but_the_memory(void **state)
{
	struct fixture *f = *state;

	card_ready(f, "", 5);
	expect(f, "80CA0000", "6124");
	hl_softcard_reset(f->card);
	expect(f, "00C0000000", "6985");
	expect(f, INFO, "6985");
	expect(f, SELECT, FCI "9000");
	assert_memory_equal(ask(f, INFO), "E022", 4);
}

static void
each_misbehaviour_lasts_for_one_request(void **state)
{
	struct fixture *f = *state;

	card_ready(f, "", 9);
	hl_softcard_misbehave(f->card, HL_SOFTCARD_WRONG_ID);
	check_answer(ask(f, issue(f->cert, ID1)),
	    "00000008 FF0102030405060708090A0B0C0D0E0F");
	check_answer(ask(f, issue(f->cert, ID1)), "00000008 " ID1);
	hl_softcard_misbehave(f->card, HL_SOFTCARD_STUCK);
	check_answer(ask(f, issue(f->cert, ID2)), "00000008 " ID2);
	hl_softcard_misbehave(f->card, HL_SOFTCARD_JUMP);
	check_answer(ask(f, issue(f->cert, ID3)), "00000005 " ID3);
	hl_softcard_misbehave(f->card, HL_SOFTCARD_JUMP);
	expect(f, "802A000001E1", "6A80"); /* used up by a refusal as well */
	check_answer(ask(f, issue(f->cert, ID1)), "00000004 " ID1);
	assert_int_equal(counter_of(f), 4);
}

static void
the_atr_tells_the_protocol(void **state)
{
	uint8_t atr[HL_ATR_MAX], sum = 0;
	size_t n;

	(void)state;
	n = hl_softcard_atr(true, atr);
	assert_int_equal(n, 2 + (atr[1] & 15)); /* no TD1: T=0, no TCK */
	assert_int_equal(atr[0], 0x3B);
	assert_int_equal(atr[1] >> 4, 0);
	n = hl_softcard_atr(false, atr);
	assert_int_equal(n, 3 + (atr[1] & 15) + 1);
	assert_int_equal(atr[0], 0x3B);
	assert_int_equal(atr[1] >> 4, 8); /* TD1 alone */
	assert_int_equal(atr[2], 0x01);
	for (size_t i = 1; i < n; i++)
		sum ^= atr[i];
	assert_int_equal(sum, 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(select_tells_the_version_and_what_the_card_can),
		TEST(commands_that_are_none),
		TEST(get_info_in_each_state),
		TEST(personalize_refuses_what_is_not_whole),
		TEST(a_lower_case_product_id_is_hex_too),
		TEST(a_license_opens_on_its_chip_only),
		TEST(issue_refuses_before_it_counts),
		TEST(issue_checks_in_the_order_of_the_protocol),
		TEST(replay_gives_the_same_license_and_spends_nothing),
		TEST(long_lengths_and_other_tags_are_legal_in_a_request),
		TEST(chained_blocks_are_one_command),
		TEST(a_broken_chain_spends_nothing),
		TEST(a_chain_has_an_end),
		TEST(extended_length_both_ways),
		TEST(an_answer_that_does_not_fit_is_fetched),
		TEST(t0_answers_as_t0_cards_do),
		TEST(power_off_forgets_everything_but_the_memory),
		TEST(each_misbehaviour_lasts_for_one_request),
		TEST(the_atr_tells_the_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
