/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flow/explain.h"
#include "util/text.h"

#define MAX 64

/* The ids that are found, with a blank behind each. */
static void
ids(const void *text, size_t n, char *out, size_t size)
{
	const hl_explanation *found[MAX];
	const size_t count = hl_explain(text, n, found, MAX);
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		at +=
		    (size_t)snprintf(out + at, size - at, "%s ", found[i]->id);
		assert_true(at < size);
	}
}

static void
lines_are_known(void **state)
{
	static const struct {
		const char *text, *ids;
	} rows[] = {
		/* td-p/635458, 795945 */
		{ "Error: Execution of RSS CMD failed, returned value = 0x1",
		    "rss-cmd-failed-0x1 " },
		{ "Error: Execution of RSS CMD failed, returned value = "
		  "0xF5F5F5F5 \n",
		    "rss-cmd-failed-0xf5f5f5f5 " },
		{ "Error: Execution of RSS CMD failed, returned value = 0x10",
		    "rss-cmd-failed " },
		{ "Error: Execution of RSS CMD failed, returned value = 0x",
		    "rss-cmd-failed " },
		/* td-p/65122 */
		{ "Error: SECURITY State Fail\n"
		  "Error: Invalid state after SFI install !\n"
		  "Error: RSS internal system error or License is invalid !\n",
		    "security-state-fail invalid-state-after-sfi "
		    "rss-error-or-license-invalid " },
		/* td-p/741981 */
		{ "2024-11-10 15:49:30,796 - root - DEBUG - Error: SFI command "
		  "is not supported for the current device configuration "
		  "using STLINK interfaces !\r\n"
		  "2024-11-10 15:49:30,796 - root - DEBUG - Error: Cannot "
		  "launch RSSe...\r\n"
		  "2024-11-10 15:49:30,796 - root - DEBUG - Error: "
		  "C:\\a\\s.sfi "
		  "SFI file Install Operation Failure! Please, try again.\r\n",
		    "sfi-not-supported-stlink cannot-launch-rsse "
		    "sfi-install-failure " },
		{ "17:23:46 : Error: Failed to get RSSe Status!\n"
		  "17:23:46 : Error: Cannot launch RSSe...\n",
		    "rsse-status cannot-launch-rsse " },
		/* td-p/727442 */
		{ "Error: Database: There's no active configuration for this "
		  "device. All the 8 configurations are disabled!",
		    "no-active-configuration " },
		/* td-p/123195 */
		{ "an error occurred while uploading data from the virtual "
		  "partition 0xF1",
		    "virtual-partition-0xf1 " },
		{ "an error occurred while uploading data from the virtual "
		  "partition 0xF12",
		    "" },
		/* AN5054 figure 59 */
		{ "Error: failed to reconnect after reset !",
		    "failed-to-reconnect " },
		/* pcscd */
		{ "SCardEstablishContext: Access denied.",
		    "pcsc-access-denied " },
		{ "pcscd[1353]: 40822797 auth.c:143:IsClientAuthorized() "
		  "Process 6512 (user: 1000) is NOT authorized for action: "
		  "access_pcsc",
		    "pcsc-not-authorized " },
		{ "0x8010006a", "pcsc-security-violation " },
		{ "SCardConnect() Error Reader Exclusive",
		    "reader-exclusive " },
		{ "libcrypto.so.1.0.0: cannot open shared object file",
		    "libcrypto-1.0.0 " },
		/* nothing is made up */
		{ "", "" },
		{ "Error: No card in the reader", "" },
		{ "Access denied", "" },
		{ "SFI Process Finished!", "" },
		/* other shapes */
		{ "\033[31mError: cannot  LAUNCH rsse\033[0m",
		    "cannot-launch-rsse " },
		{ "Cannot launch\nRSSe", "" },
		{ "Error: SECURITY State Fail Error: Cannot launch RSSe... "
		  "Error: SECURITY State Fail",
		    "security-state-fail cannot-launch-rsse " },
		{ "Cannot launch RSSe\nCannot launch RSSe",
		    "cannot-launch-rsse " },
	};
	char got[512];

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		ids(rows[i].text, strlen(rows[i].text), got, sizeof(got));
		if (strcmp(got, rows[i].ids) != 0)
			fail_msg("%s: %s", rows[i].text, got);
	}
	ids("\0\xff\0Cannot launch RSSe\0", 21, got, sizeof(got));
	assert_string_equal(got, "cannot-launch-rsse ");
	ids("Cannot launch RSSe", 17, got, sizeof(got));
	assert_string_equal(got, "");
}

static void
room_is_kept(void **state)
{
	static const char text[] = "SECURITY State Fail\nCannot launch RSSe\n";
	const hl_explanation *found[3] = { NULL };

	(void)state;
	assert_int_equal(hl_explain(text, sizeof(text) - 1, found, 0), 0);
	assert_null(found[0]);
	assert_int_equal(hl_explain(text, sizeof(text) - 1, found, 1), 1);
	assert_string_equal(found[0]->id, "security-state-fail");
	assert_null(found[1]);
	assert_int_equal(hl_explain(text, sizeof(text) - 1, found, 3), 2);
	assert_null(found[2]);
}

static size_t
check_texts(const char *const *texts, size_t max)
{
	size_t n = 0;

	for (; texts[n] != NULL; n++) {
		assert_true(n + 1 < max); /* the last is NULL */
		assert_true(hl_text_valid(texts[n], strlen(texts[n])));
		assert_true(texts[n][0] != '\0');
	}
	return n;
}

/* Nobody's word is nobody's cause. */
static bool
names_its_source(const char *cause)
{
	static const char *const who[] = { "(ST staff", "(reported by ",
		"(deduced from ", "(AN5054 ", "(https://" };

	for (size_t i = 0; i < HL_COUNT(who); i++)
		if (strstr(cause, who[i]) != NULL)
			return true;
	return false;
}

static bool
is_id(const char *id)
{
	return id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0';
}

static void
table_is_sound(void **state)
{
	char got[256];
	size_t n = 0;

	(void)state;
	for (const hl_explanation *e = hl_explanations; e->id != NULL; e++) {
		assert_true(is_id(e->id));
		assert_true(e->means[0] != '\0');
		(void)check_texts(e->causes, HL_COUNT(e->causes));
		assert_true(check_texts(e->next, HL_COUNT(e->next)) > 0);
		assert_true(check_texts(e->sources, HL_COUNT(e->sources)) > 0);
		for (size_t i = 0; e->causes[i] != NULL; i++)
			if (!names_its_source(e->causes[i]))
				fail_msg("%s: %s", e->id, e->causes[i]);
		for (size_t i = 0; i < n; i++)
			assert_string_not_equal(hl_explanations[i].id, e->id);
		/* each is found by its own pattern, and no other is */
		ids(e->pattern, strlen(e->pattern), got, sizeof(got));
		assert_int_equal(strlen(got), strlen(e->id) + 1);
		assert_memory_equal(got, e->id, strlen(e->id));
		n++;
	}
	assert_true(n >= 15 && n < MAX);
}

/* The one line that may mean the license, and no other. */
static void
doubt_is_rare(void **state)
{
	(void)state;
	for (const hl_explanation *e = hl_explanations; e->id != NULL; e++)
		assert_int_equal(e->doubts_license,
		    strcmp(e->id, "rss-error-or-license-invalid") == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_known),
		cmocka_unit_test(room_is_kept),
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(doubt_is_rare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
