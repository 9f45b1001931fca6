/* SPDX-License-Identifier: Apache-2.0 */
#include "card/pcsc_codes.h"

#include <winscard.h>

#include "util/rows.h"

/* Every code of pcsclite.h, taken from there when this test is configured. */
#define CODE(c) { (uint32_t)(c), #c },
static const struct {
	uint32_t code;
	const char *name;
} codes[] = {
#include "pcsc_codes.inc"
};

/* Measured: pcscd gives these before it talks to the card. Whoever adds a row
 * must have a measurement for it: one unit hangs on each. */
static const uint32_t not_executed[] = {
	(uint32_t)SCARD_W_RESET_CARD,
	(uint32_t)SCARD_W_REMOVED_CARD,
	(uint32_t)SCARD_E_SHARING_VIOLATION,
	(uint32_t)SCARD_E_PROTO_MISMATCH,
	(uint32_t)SCARD_E_INVALID_HANDLE,
	(uint32_t)SCARD_E_NO_SERVICE,
};

static hl_exec
expected(uint32_t code)
{
	if (code == SCARD_S_SUCCESS)
		return HL_EXEC_YES;
	for (size_t i = 0; i < HL_COUNT(not_executed); i++)
		if (not_executed[i] == code)
			return HL_EXEC_NO;
	return HL_EXEC_UNKNOWN;
}

static void
every_code_of_the_header_is_known(void **state)
{
	(void)state;
	assert_true(HL_COUNT(codes) >= 60);
	for (size_t i = 0; i < HL_COUNT(codes); i++) {
		const char *name = codes[i].name;
		const hl_pcsc_code *c = hl_pcsc_code_find(codes[i].code);

		CHECK(c->code == codes[i].code, name);
		/* SCARD_E_UNEXPECTED has the value of another one. */
		CHECK(strcmp(c->name, name) == 0 ||
			codes[i].code == (uint32_t)SCARD_E_UNSUPPORTED_FEATURE,
		    name);
		CHECK(c->exec == expected(c->code), name);
		CHECK((c->rc == HL_OK) == (c->code == SCARD_S_SUCCESS), name);
		CHECK(c->why[0] != '\0', name);
		CHECK(c->code == SCARD_S_SUCCESS || c->hint[0] != '\0', name);
	}
}

static void
every_other_code_is_unknown(void **state)
{
	static const uint32_t others[] = { 0x80100022U, 1U, 0x80100032U,
		0x80100064U, 0x80100070U, 0x8010FFFFU, 0xFFFFFFFFU,
		0x80000000U };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(others); i++) {
		const hl_pcsc_code *c = hl_pcsc_code_find(others[i]);
		hl_err err = { 0 };

		assert_int_equal(c->exec, HL_EXEC_UNKNOWN);
		assert_int_equal(
		    hl_pcsc_fail(&err, "w", "SCardX", others[i]), HL_ECARD);
		assert_non_null(strstr(err.why, "SCardX"));
	}
}

static void
errors_name_call_and_code(void **state)
{
	hl_err err = { 0 };

	(void)state;
	assert_int_equal(hl_pcsc_fail(&err, "open", "SCardConnect",
			     (uint32_t)SCARD_E_NO_SMARTCARD),
	    HL_ENODEV);
	assert_string_equal(err.what, "open");
	assert_string_equal(err.why,
	    "no card is in the reader (SCardConnect: SCARD_E_NO_SMARTCARD, "
	    "0x8010000C)");
	assert_string_equal(err.hint, "put the card into the reader");
}

/* What polkit was asked is told from the call that it was asked for. */
static void
refusals_name_the_action(void **state)
{
	static const struct {
		const char *call;
		LONG code;
		const char *action;
	} rows[] = {
		{ "SCardEstablishContext", SCARD_W_SECURITY_VIOLATION,
		    "org.debian.pcsc-lite.access_pcsc" },
		{ "SCardConnect", SCARD_W_SECURITY_VIOLATION,
		    "org.debian.pcsc-lite.access_card" },
		{ "SCardTransmit", SCARD_W_SECURITY_VIOLATION, NULL },
		{ "SCardEstablishContext", SCARD_E_NO_ACCESS, NULL },
		{ "SCardConnect", SCARD_E_NO_SMARTCARD, NULL },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const char *action = rows[i].action, *is;
		hl_err err = { 0 };

		(void)hl_pcsc_fail(
		    &err, "w", rows[i].call, (uint32_t)rows[i].code);
		is = hl_pcsc_refused(&err);
		CHECK((is == NULL) == (action == NULL), rows[i].call);
		CHECK(action == NULL || strcmp(is, action) == 0, rows[i].call);
		CHECK(action == NULL || strstr(err.why, action) != NULL,
		    rows[i].call);
		CHECK(action == NULL || strstr(err.hint, "doctor") != NULL,
		    rows[i].call);
	}
}

/* The words alone are not it: a card may say anything. */
static void
only_a_refusal_is_one(void **state)
{
	hl_err err = { 0 };

	(void)state;
	(void)hl_fail(&err, HL_ECARD, "w", "", "%s", HL_POLKIT_CARD);
	assert_null(hl_pcsc_refused(&err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_name_the_action),
		cmocka_unit_test(only_a_refusal_is_one),
		cmocka_unit_test(every_code_of_the_header_is_known),
		cmocka_unit_test(every_other_code_is_unknown),
		cmocka_unit_test(errors_name_call_and_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
