/* SPDX-License-Identifier: Apache-2.0 */
#include "util/name_lock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char name[64];

static int
set_name(void **state)
{
	(void)state;
	(void)snprintf(name, sizeof(name), "hsmlic-test/%ld", (long)getpid());
	return 0;
}

static void
one_at_a_time(void **state)
{
	hl_name_lock a, b;
	hl_err err = { 0 };

	(void)state;
	assert_int_equal(hl_name_lock_take(&a, name, 0, NULL), HL_OK);
	assert_int_equal(hl_name_lock_take(&b, name, 0, &err), HL_EBUSY);
	assert_int_equal(b.fd, -1);
	assert_non_null(strstr(err.why, "another process"));
	hl_name_lock_free(&a);
	assert_int_equal(hl_name_lock_take(&b, name, 0, NULL), HL_OK);
	hl_name_lock_free(&b);
	hl_name_lock_free(&b);
}

static void
other_names_are_free(void **state)
{
	char other[80];
	hl_name_lock a, b;

	(void)state;
	(void)snprintf(other, sizeof(other), "%s/", name);
	assert_int_equal(hl_name_lock_take(&a, name, 0, NULL), HL_OK);
	assert_int_equal(hl_name_lock_take(&b, other, 0, NULL), HL_OK);
	hl_name_lock_free(&a);
	hl_name_lock_free(&b);
}

static void
a_child_that_lives_on_keeps_it(void **state)
{
	hl_name_lock a, b;
	pid_t child;

	(void)state;
	assert_int_equal(hl_name_lock_take(&a, name, 0, NULL), HL_OK);
	if ((child = fork()) == 0) {
		for (;;)
			(void)pause();
	}
	assert_true(child > 0);
	hl_name_lock_free(&a);
	assert_int_equal(hl_name_lock_take(&b, name, 0, NULL), HL_EBUSY);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(
	    hl_name_lock_take(&b, name, hl_deadline_in(5000), NULL), HL_OK);
	hl_name_lock_free(&b);
}

static void
a_name_that_does_not_fit_is_refused(void **state)
{
	char longest[200];
	hl_name_lock a;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(hl_name_lock_take(&a, longest, 0, NULL), HL_EINPUT);
	assert_int_equal(a.fd, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(other_names_are_free),
		cmocka_unit_test(a_child_that_lives_on_keeps_it),
		cmocka_unit_test(a_name_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, set_name, NULL);
}
