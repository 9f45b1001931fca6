/* SPDX-License-Identifier: Apache-2.0 */
/* The library as others see it: the installed headers and libhsmlic alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hsmlic/hsmlic.h"

static char dir[64];
static uint8_t certificate[200];
static size_t certificate_size;
static char uid[64];

static void
sim(const char *arguments)
{
	char command[1024];

	assert_true(snprintf(command, sizeof(command), "%s %s >/dev/null",
			HSMLIC_SIM, arguments) < (int)sizeof(command));
	assert_int_equal(system(command), 0);
}

static int
set_up(void **state)
{
	FILE *f;

	(void)state;
	assert_true(snprintf(dir, sizeof(dir), "/tmp/hl-client.XXXXXX") > 0);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	sim("card new card --firmware lib --capacity 3");
	sim("chip new chip");
	f = fopen("chip/certificate.bin", "rb");
	assert_non_null(f);
	certificate_size = fread(certificate, 1, sizeof(certificate), f);
	(void)fclose(f);
	f = fopen("chip/uid.hex", "r");
	assert_non_null(f);
	assert_non_null(fgets(uid, sizeof(uid), f));
	uid[strcspn(uid, "\n")] = '\0';
	(void)fclose(f);
	return 0;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return chdir("/") != 0 || system(command) != 0;
}

static hl_client *
open_client(void)
{
	const hl_client_options opt = { .size = sizeof(opt),
		.store = "s.db",
		.create = true,
		.station = "bench" };
	hl_client *c = NULL;
	hl_err err = { 0 };

	if (hl_client_open(&c, &opt, &err) != HL_OK)
		fail_msg("%s: %s", err.what, err.why);
	return c;
}

static void
a_unit_needs_permission(void **state)
{
	const hl_client_request req = { .size = sizeof(req),
		.certificate = certificate,
		.certificate_size = certificate_size,
		.uid = uid,
		.card = "sim:card" };
	hl_client_license *l = (hl_client_license *)-1;
	hl_client *c = open_client();
	hl_err err = { 0 };

	(void)state;
	assert_int_equal(hl_client_get(c, &req, &l, &err), HL_EDENIED);
	assert_null(l);
	assert_int_equal(err.units_spent, 0);
	assert_non_null(strstr(err.hint, "may_spend"));
	hl_client_close(&c);
	assert_null(c);
}

static void
once_for_a_unit_then_for_nothing(void **state)
{
	hl_client_request req = { .size = sizeof(req),
		.certificate = certificate,
		.certificate_size = certificate_size,
		.uid = uid,
		.card = "sim:card",
		.may_spend = true,
		.test = true };
	const hl_client_request again = { .size = sizeof(again),
		.uid = uid,
		.firmware = "lib",
		.cached = true };
	hl_client_license *a = NULL, *b = NULL;
	hl_client *c = open_client();
	hl_err err = { 0 };
	unsigned open;

	(void)state;
	assert_int_equal(hl_client_get(c, &req, &a, &err), HL_OK);
	assert_int_equal(a->source, HL_FROM_CARD);
	assert_int_equal(a->units_spent, 1);
	assert_int_equal(a->counter_after, 2);
	assert_string_equal(a->uid, uid);
	assert_string_equal(a->firmware, "lib");
	assert_int_equal(strlen(a->issue_id), 36);
	assert_int_equal(hl_client_get(c, &again, &b, &err), HL_OK);
	assert_int_equal(b->source, HL_FROM_STORE);
	assert_int_equal(b->units_spent, 0);
	assert_int_equal(a->size, b->size);
	assert_memory_equal(a->bytes, b->bytes, a->size);
	assert_int_equal(hl_client_recover(c, NULL, 0, &open, &err), HL_OK);
	assert_int_equal(open, 0);
	hl_client_license_free(&a);
	hl_client_license_free(&b);
	assert_null(b);
	hl_client_close(&c);
}

static void
callers_mistakes(void **state)
{
	const hl_client_options no_store = { .size = sizeof(no_store) };
	const hl_client_options old = { .size = 8, .store = "s.db" };
	const hl_client_options absent = { .size = sizeof(absent),
		.store = "absent.db" };
	const hl_client_request no_chip = { .size = sizeof(no_chip) };
	hl_client_request cut = { .size = sizeof(cut),
		.certificate = certificate,
		.certificate_size = 135 };
	hl_client_license *l;
	hl_client *c;

	(void)state;
	assert_int_equal(hl_client_open(&c, &no_store, NULL), HL_EUSAGE);
	assert_int_equal(hl_client_open(&c, &old, NULL), HL_EUSAGE);
	assert_int_equal(hl_client_open(&c, &absent, NULL), HL_ENOTFOUND);
	assert_null(c);
	c = open_client();
	assert_int_equal(hl_client_get(c, &no_chip, &l, NULL), HL_EUSAGE);
	assert_int_equal(hl_client_get(c, &cut, &l, NULL), HL_EINPUT);
	cut.size = 1;
	assert_int_equal(hl_client_get(c, &cut, &l, NULL), HL_EUSAGE);
	hl_client_close(&c);
	hl_client_close(&c);
	hl_client_license_free(&l);
	assert_string_equal(hl_rc_name(HL_OK), "ok");
	assert_true(strlen(hl_client_version()) >= 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_needs_permission),
		cmocka_unit_test(once_for_a_unit_then_for_nothing),
		cmocka_unit_test(callers_mistakes),
	};

	return cmocka_run_group_tests_name("client", tests, set_up, tear_down);
}
