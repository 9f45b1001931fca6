/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/owner.h"
#include "broker/sweep.h"
#include "util/file.h"
#include "util/text.h"

#define ROUNDS 20000

static char dir[64];

static int
make_dir(void **state)
{
	char path[128];

	(void)state;
	assert_true(hl_text_copy(dir, sizeof(dir), "/tmp/hl-sweep.XXXXXX"));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(
	    hl_path(path, sizeof(path), NULL, "%s/owner", dir), HL_OK);
	return hl_dir_make(path, NULL) == HL_OK ? 0 : -1;
}

static int
drop_dir(void **state)
{
	char command[160];

	(void)state;
	assert_int_equal(
	    hl_path(command, sizeof(command), NULL, "rm -rf %s", dir), HL_OK);
	return system(command);
}

/* An owner that passes for dead has its request settled by others. */
static void
an_owner_survives_sweeps(void **state)
{
	unsigned refused = 0, passed_for_dead = 0;
	pid_t sweeper;

	(void)state;
	sweeper = fork();
	assert_true(sweeper >= 0);
	while (sweeper == 0)
		hl_sweep(dir);
	for (unsigned i = 0; i < ROUNDS; i++) {
		hl_owner o = { .lock = NULL };

		if (hl_owner_take(&o, dir, NULL) != HL_OK)
			refused++;
		else if (!hl_owner_alive(dir, &o.id))
			passed_for_dead++;
		hl_owner_free(&o);
	}
	assert_int_equal(kill(sweeper, SIGKILL), 0);
	assert_int_equal(waitpid(sweeper, NULL, 0), sweeper);
	assert_int_equal(refused, 0);
	assert_int_equal(passed_for_dead, 0);
}

static void
a_dead_owner_is_swept_away(void **state)
{
	hl_owner o = { .lock = NULL };
	char path[128], id[HL_UUID_TEXT];
	pid_t pid;

	(void)state;
	assert_int_equal(hl_uuid_new(&o.id, NULL), HL_OK);
	hl_uuid_text(&o.id, id);
	assert_int_equal(
	    hl_path(path, sizeof(path), NULL, "%s/owner/%s.lock", dir, id),
	    HL_OK);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(hl_lock_take(&o.lock, path, hl_deadline_in(0), NULL) ==
			    HL_OK
			? 0
			: 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(access(path, F_OK), 0);
	hl_sweep(dir);
	assert_int_not_equal(access(path, F_OK), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    an_owner_survives_sweeps, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(
		    a_dead_owner_is_swept_away, make_dir, drop_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
