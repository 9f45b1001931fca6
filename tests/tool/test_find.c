/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/stand_in.h"
#include "tool/tool_int.h"
#include "util/text.h"

/* A folder below the test's, with a stand-in in it when `body` is given. */
static const char *
folder(const scratch *s, const char *name, const char *body)
{
	static char path[4][PATH_MAX];
	static int at;
	char *p = path[at++ % 4];
	char command[2 * PATH_MAX];

	snprintf(p, PATH_MAX, "%s/%s", s->dir, name);
	snprintf(command, sizeof(command), "mkdir -p '%s'", p);
	assert_int_equal(system(command), 0);
	if (body != NULL)
		stand_in_write(p, HL_TOOL_NAME, body);
	return p;
}

/* A link to the running program by the tool's name, in a folder of its own. */
static const char *
ourselves(const scratch *s)
{
	const char *dir = folder(s, "own", NULL);
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, HL_TOOL_NAME);
	assert_int_equal(symlink(self, path), 0);
	return dir;
}

static int
setup(void **state)
{
	unsetenv("STM32CUBEPRG_CLI");
	unsetenv("STM32_CUBE_PROGRAMMER_DIR");
	setenv("HOME", "/nonexistent", 1);
	setenv("PATH", "/usr/bin:/bin", 1);
	return scratch_setup(state);
}

static void
set_env(const char *name, const char *folder_path, const char *rest)
{
	char value[2 * PATH_MAX];

	snprintf(value, sizeof(value), "%s%s", folder_path, rest);
	setenv(name, value, 1);
}

static void
found_in(const char *dir, const char *rest, const char *configured)
{
	char want[2 * PATH_MAX];
	hl_err err = { 0 };
	hl_tool t;

	snprintf(want, sizeof(want), "%s/%s%s", dir, rest, HL_TOOL_NAME);
	memset(&t, 0x5a, sizeof(t));
	if (hl_tool_find(&t, configured, &err) != HL_OK)
		fail_msg("%s: %s", err.what, err.why);
	assert_string_equal(t.path, want);
}

static void
not_found(const char *configured, const char *why)
{
	hl_err err = { 0 };
	hl_tool t;

	assert_int_equal(hl_tool_find(&t, configured, &err), HL_ENODEV);
	if (strstr(err.why, why) == NULL)
		fail_msg("not in \"%s\": %s", err.why, why);
	assert_true(err.hint[0] != '\0');
}

/* Each place goes before those that were there before. */
static void
the_order_of_places(void **state)
{
	const scratch *s = *state;
	const char *dir;
	char path[2 * PATH_MAX];

	dir = folder(s,
	    "home/STMicroelectronics/STM32Cube/STM32CubeProgrammer/bin",
	    "exit 0");
	snprintf(path, sizeof(path), "%s/home", s->dir);
	setenv("HOME", path, 1);
	found_in(dir, "", NULL);

	dir = folder(s, "path", "exit 0");
	set_env("PATH", dir, ":/usr/bin");
	found_in(dir, "", NULL);
	found_in(dir, "", "");
	found_in(dir, "", HL_TOOL_NAME);

	(void)folder(s, "root/bin", "exit 0");
	dir = folder(s, "root", NULL);
	setenv("STM32_CUBE_PROGRAMMER_DIR", dir, 1);
	found_in(dir, "bin/", NULL);
	dir = folder(s, "bin", "exit 0");
	setenv("STM32_CUBE_PROGRAMMER_DIR", dir, 1);
	found_in(dir, "", NULL);

	dir = folder(s, "cli", "exit 0");
	set_env("STM32CUBEPRG_CLI", dir, "/" HL_TOOL_NAME);
	found_in(dir, "", NULL);

	dir = folder(s, "configured", "exit 0");
	snprintf(path, sizeof(path), "%s/%s", dir, HL_TOOL_NAME);
	found_in(dir, "", path);
}

static void
what_was_named_has_to_be_there(void **state)
{
	const scratch *s = *state;
	const char *dir = folder(s, "path", "exit 0");
	char path[2 * PATH_MAX];

	set_env("PATH", dir, ":/usr/bin");
	snprintf(path, sizeof(path), "%s/none", s->dir);
	not_found(path, "there is no program");
	not_found(dir, "there is no program"); /* a folder */
	not_found("hsmlic-no-such-program", "not in PATH");

	setenv("STM32_CUBE_PROGRAMMER_DIR", path, 1);
	not_found(NULL, "STM32_CUBE_PROGRAMMER_DIR");
	setenv("STM32CUBEPRG_CLI", path, 1);
	not_found(NULL, "STM32CUBEPRG_CLI");
	setenv("STM32CUBEPRG_CLI", "", 1);
	setenv("STM32_CUBE_PROGRAMMER_DIR", "", 1);
	found_in(dir, "", NULL);

	snprintf(path, sizeof(path), "%s/%s", dir, HL_TOOL_NAME);
	assert_int_equal(chmod(path, 0644), 0);
	not_found(path, "there is no program");
}

static void
never_ourselves(void **state)
{
	const scratch *s = *state;
	const char *own = ourselves(s), *dir = folder(s, "path", "exit 0");
	char path[3 * PATH_MAX];

	snprintf(path, sizeof(path), "%s:%s", own, dir);
	setenv("PATH", path, 1);
	found_in(dir, "", NULL);
	found_in(dir, "", HL_TOOL_NAME);
	setenv("STM32_CUBE_PROGRAMMER_DIR", own, 1);
	found_in(dir, "", NULL);
	set_env("STM32CUBEPRG_CLI", own, "/" HL_TOOL_NAME);
	found_in(dir, "", NULL);
	snprintf(path, sizeof(path), "%s/%s", own, HL_TOOL_NAME);
	not_found(path, "this program itself");
}

static void
only_whole_paths_of_PATH(void **state)
{
	const scratch *s = *state;
	char here[PATH_MAX];
	hl_err err = { 0 };
	hl_tool t;

	(void)folder(s, "bin", "exit 0");
	stand_in_write(s->dir, HL_TOOL_NAME, "exit 0");
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(s->dir), 0);
	setenv("PATH", ":bin::.:/usr/bin:", 1);
	if (hl_tool_find(&t, NULL, &err) == HL_OK) /* where ST's tool is */
		assert_true(hl_text_starts(t.path, "/opt/") ||
		    hl_text_starts(t.path, "/usr/"));
	else {
		assert_int_equal(err.rc, HL_ENODEV);
		assert_non_null(strstr(err.hint, "STM32CUBEPRG_CLI"));
		assert_non_null(strstr(err.hint, "PATH"));
	}
	assert_int_equal(chdir(here), 0);
}

static void
the_newest_of_several(void **state)
{
	const scratch *s = *state;
	char pattern[PATH_MAX];
	const char *dir;
	hl_tool t;

	snprintf(pattern, sizeof(pattern), "%s/clt_*/bin", s->dir);
	assert_false(hl_tool_newest(&t, pattern));
	(void)folder(s, "clt_1.9.0/bin", "exit 0");
	(void)folder(s, "clt_1.21.0/bin", NULL); /* without the tool */
	dir = folder(s, "clt_1.18.0/bin", "exit 0");
	(void)folder(s, "clt_1.2.0/bin", "exit 0");
	assert_true(hl_tool_newest(&t, pattern));
	assert_true(hl_text_starts(t.path, dir));
}

#define FIND_TEST(f) cmocka_unit_test_setup_teardown(f, setup, scratch_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIND_TEST(the_order_of_places),
		FIND_TEST(what_was_named_has_to_be_there),
		FIND_TEST(never_ourselves),
		FIND_TEST(only_whole_paths_of_PATH),
		FIND_TEST(the_newest_of_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
