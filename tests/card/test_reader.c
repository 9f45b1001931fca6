/* SPDX-License-Identifier: Apache-2.0 */
#include "card/reader.h"

#include "card/fake_pcsc.h"
#include "util/clock.h"

#define SHORT_MS 150

static hl_deadline
later(void)
{
	return hl_deadline_in(50000);
}

static void
list_shows_readers_and_cards(void **state)
{
	hl_reader *r = NULL;
	size_t n = 77;

	(void)state;
	fake_reset();
	fake.readers = 2;
	assert_int_equal(hl_reader_list(&r, &n, later(), NULL), HL_OK);
	assert_int_equal(n, 2);
	assert_string_equal(r[0].name, "Alpha 00");
	assert_true(r[0].present && r[0].in_use);
	assert_false(r[0].mute || r[0].exclusive);
	assert_int_equal(r[0].events, 1);
	assert_int_equal(r[0].atr_n, 2);
	assert_memory_equal(r[0].atr, "\x3B\x00", 2);
	assert_string_equal(r[1].name, "Beta 01");
	assert_false(r[1].present);
	assert_int_equal(r[1].atr_n, 0);
	free(r);
	fake_no_child();
}

static void
no_reader_is_no_error(void **state)
{
	hl_reader *r = (hl_reader *)(void *)&fake;
	size_t n = 77;

	(void)state;
	fake_reset();
	fake.readers = 0;
	assert_int_equal(hl_reader_list(&r, &n, later(), NULL), HL_OK);
	assert_int_equal(n, 0);
	assert_null(r);
	fake_no_child();
}

static const struct {
	const char *why;
	fake_call call;
	unsigned n;
	LONG codes[FAKE_PLAN];
	hl_rc rc;
	const char *says;
} rows[] = {
	{ "no service", FAKE_ESTABLISH, 1, { SCARD_E_NO_SERVICE }, HL_ENODEV,
	    "SCARD_E_NO_SERVICE" },
	{ "denied", FAKE_ESTABLISH, 1, { SCARD_W_SECURITY_VIOLATION },
	    HL_EACCESS, "org.debian.pcsc-lite.access_pcsc" },
	{ "service ends between two calls", FAKE_LIST, 1,
	    { SCARD_W_SECURITY_VIOLATION }, HL_ENODEV, "SCARD_E_NO_SERVICE" },
	{ "service ends before the last call", FAKE_CHANGE, 1,
	    { SCARD_W_SECURITY_VIOLATION }, HL_ENODEV, "SCARD_E_NO_SERVICE" },
	{ "service never answers", FAKE_ESTABLISH, 1, { FAKE_HANG },
	    HL_ETIMEOUT, "SCardEstablishContext" },
	{ "library crashes", FAKE_LIST, 1, { FAKE_CRASH }, HL_EIO, "died" },
	{ "reader went away between two calls", FAKE_CHANGE, 2,
	    { SCARD_E_UNKNOWN_READER, SCARD_S_SUCCESS }, HL_OK, "" },
	{ "readers come and go without end", FAKE_CHANGE, 1,
	    { SCARD_E_UNKNOWN_READER }, HL_ENODEV, "no reader" },
};

static void
list_tells_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const char *why = rows[i].why;
		hl_reader *r;
		hl_err err = { 0 };
		size_t n;

		fake_reset();
		fake_codes(rows[i].call, rows[i].n, rows[i].codes);
		CHECK(
		    hl_reader_list(&r, &n,
			rows[i].codes[0] == FAKE_HANG ? hl_deadline_in(SHORT_MS)
						      : later(),
			&err) == rows[i].rc,
		    why);
		CHECK((r != NULL) == (rows[i].rc == HL_OK), why);
		CHECK(err.rc == rows[i].rc, why);
		CHECK(strstr(err.why, rows[i].says) != NULL, why);
		free(r);
		fake_no_child();
	}
}

static void
wait_returns_when_a_card_comes(void **state)
{
	hl_reader *r, *now;
	size_t n, now_n;

	(void)state;
	fake_reset();
	fake.readers = 2;
	assert_int_equal(hl_reader_list(&r, &n, later(), NULL), HL_OK);
	assert_false(r[1].present);
	fake.appear_at = fake_saw->calls[FAKE_CHANGE] + 6;
	assert_int_equal(
	    hl_reader_wait(r, n, &now, &now_n, later(), NULL), HL_OK);
	assert_int_equal(now_n, 2);
	assert_true(now[1].present);
	free(r);
	free(now);
	fake_no_child();
}

/* What changed before the call is news as well. */
static void
wait_returns_when_a_reader_came(void **state)
{
	hl_reader *r, *now;
	size_t n, now_n;

	(void)state;
	fake_reset();
	fake.readers = 0;
	assert_int_equal(hl_reader_list(&r, &n, later(), NULL), HL_OK);
	fake.readers = 1;
	assert_int_equal(
	    hl_reader_wait(r, n, &now, &now_n, later(), NULL), HL_OK);
	assert_int_equal(now_n, 1);
	assert_string_equal(now[0].name, "Alpha 00");
	free(r);
	free(now);
}

static void
wait_ends_at_the_deadline(void **state)
{
	hl_reader *r, *now;
	hl_err err = { 0 };
	size_t n, now_n;

	(void)state;
	fake_reset();
	assert_int_equal(hl_reader_list(&r, &n, later(), NULL), HL_OK);
	assert_int_equal(
	    hl_reader_wait(r, n, &now, &now_n, hl_deadline_in(SHORT_MS), &err),
	    HL_ETIMEOUT);
	assert_null(now);
	assert_string_equal(err.what, "wait for a card");
	free(r);
	fake_no_child();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_shows_readers_and_cards),
		cmocka_unit_test(no_reader_is_no_error),
		cmocka_unit_test(list_tells_what_is_wrong),
		cmocka_unit_test(wait_returns_when_a_card_comes),
		cmocka_unit_test(wait_returns_when_a_reader_came),
		cmocka_unit_test(wait_ends_at_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
