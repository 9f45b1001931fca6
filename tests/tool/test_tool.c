/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/stand_in.h"

#include "util/clock.h"

#define SOON 20000 /* ms; no test takes so long */

static hl_rc
run(const hl_tool *t, const char *const *args, hl_buf *text, hl_ended *end,
    uint32_t ms, hl_err *err)
{
	memset(end, 0x5a, sizeof(*end));
	return hl_tool_run(t, args, text, end, hl_deadline_in(ms), err);
}

static void
arguments_go_as_they_are(void **state)
{
	static const char *const args[] = { "-c", "port=SWD mode", "$HOME", "",
		"*", "'", NULL };
	const hl_tool t =
	    stand_in(*state, "echo $#; for a; do echo \"<$a>\"; done; exit 3");
	hl_buf text = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_ended end;

	hl_buf_printf(&text, "before ");
	assert_int_equal(run(&t, args, &text, &end, SOON, &err), HL_OK);
	assert_true(end.exited && end.status == 3 && !end.late);
	assert_string_equal(hl_buf_str(&text),
	    "before 6\n<-c>\n<port=SWD mode>\n<$HOME>\n<>\n<*>\n<'>\n");
	hl_buf_free(&text);
}

static void
both_streams_and_no_input(void **state)
{
	static const char *const args[] = { NULL };
	const hl_tool t = stand_in(
	    *state, "echo out; echo err >&2; read x || echo none; kill -9 $$");
	hl_buf text = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_ended end;

	assert_int_equal(run(&t, args, &text, &end, SOON, &err), HL_OK);
	assert_true(!end.exited && end.signal == 9 && !end.late);
	assert_string_equal(hl_buf_str(&text), "out\nerr\nnone\n");
	hl_buf_free(&text);
}

static void
one_that_hangs_is_ended(void **state)
{
	static const char *const args[] = { "-hsmgetinfo", NULL };
	const hl_tool t = stand_in(*state, "echo begun; sleep 100; echo done");
	const int64_t since = hl_mono_ms();
	hl_buf text = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_ended end;

	assert_int_equal(run(&t, args, &text, &end, 300, &err), HL_ETIMEOUT);
	assert_true(end.late);
	assert_true(hl_mono_ms() - since < SOON);
	assert_non_null(strstr(err.why, "-hsmgetinfo"));
	assert_string_equal(hl_buf_str(&text), "begun\n");
	hl_buf_free(&text);
}

static void
one_that_is_not_there(void **state)
{
	const scratch *s = *state;
	const char *args[100] = { NULL };
	hl_tool t;
	hl_buf text = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_ended end;

	snprintf(t.path, sizeof(t.path), "%s/none", s->dir);
	assert_int_equal(run(&t, args, &text, &end, SOON, &err), HL_ENODEV);
	for (size_t i = 0; i < 99; i++)
		args[i] = "x";
	t = stand_in(s, "echo it was run");
	assert_int_equal(run(&t, args, &text, &end, SOON, &err), HL_EINPUT);
	assert_int_equal(text.n, 0);
	hl_buf_free(&text);
}

/* The form of the help is that of STM32_Programmer_CLI. */
static void
options_of_the_help(void **state)
{
#define HELP                                                                   \
	"[ \"$*\" = --help ] || exit 9\n"                                      \
	"echo '                   STM32CubeProgrammer v2.21.0'\n"              \
	"echo 'HSM related commands:'\n"                                       \
	"echo ' -hsmgetlicense             : Get a license -notone'\n"         \
	"echo '     [slot=<SlotID>]        : Slot ID'\n"                       \
	"printf '\\033[32m -hsmgetlicensefromcertifbin, -hsmglfcb : "          \
	"Get\\r\\n'\n"                                                         \
	"echo ' -sfi, --sfi                  : Program an sfi file'\n"
	static const struct {
		const char *body, *option;
		hl_rc rc;
		bool yes;
	} rows[] = {
		{ HELP, "-hsmglfcb", HL_OK, true },
		{ HELP, "-hsmgetlicensefromcertifbin", HL_OK, true },
		{ HELP, "-hsmgetlicense", HL_OK, true },
		{ HELP, "--sfi", HL_OK, true },
		{ HELP "exit 1", "-sfi", HL_OK, true },
		{ HELP, "-hsmgetlicensefrom", HL_OK, false },
		{ HELP, "-hsmgetinfo", HL_OK, false },
		{ HELP, "-notone", HL_OK, false },
		{ HELP, "-sf", HL_OK, false },
		{ "echo 'Error: no'", "-sfi", HL_ENODEV, false },
		{ "exit 127", "-sfi", HL_ENODEV, false },
		{ "kill -9 $$", "-sfi", HL_ENODEV, false },
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_tool t = stand_in(*state, rows[i].body);
		hl_err err = { 0 };
		bool yes = !rows[i].yes;

		CHECK(hl_tool_offers(&t, rows[i].option, &yes,
			  hl_deadline_in(SOON), &err) == rows[i].rc,
		    rows[i].option);
		CHECK(yes == (rows[i].rc == HL_OK ? rows[i].yes : true),
		    rows[i].option);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(arguments_go_as_they_are),
		SCRATCH_TEST(both_streams_and_no_input),
		SCRATCH_TEST(one_that_hangs_is_ended),
		SCRATCH_TEST(one_that_is_not_there),
		SCRATCH_TEST(options_of_the_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
