/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/stand_in.h"

#include "util/clock.h"

#define SOON 20000 /* ms; no test takes so long */

static const hl_connect swd = { { "port=SWD", "mode=HOTPLUG", "sn=1" }, 3 };

/* One of another chip, that was there before. */
static void
put_old_certificate(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fprintf(f, "%136d", 1), 136);
	assert_int_equal(fclose(f), 0);
}

/* Lines as in ST AN5054 figure 30 and community.st.com td-p/795945. */
#define BANNER "echo 'Device ID   : 0x480'; "
#define DONE "echo 'Get Certificate done successfully'; "
/* FILE is the argument behind -gc. */
#define WRITE(n) "head -c " #n " /dev/zero >\"$6\"; "
#define GC                                                                     \
	"[ \"$1 $2 $3 $4 $5\" = '-c port=SWD mode=HOTPLUG sn=1 -gc' ] && "     \
	"[ $# = 6 ] || exit 8; "

static void
certificates(void **state)
{
	static const struct {
		const char *why, *body;
		hl_rc rc;
		const char *want_why;
	} rows[] = {
		{ "good", BANNER WRITE(136) DONE, HL_OK, "" },
		{ "good, and says no word of it", BANNER WRITE(136), HL_OK,
		    "" },
		{ "good, colors and CR LF",
		    "printf '\\033[1mDevice ID:0x480\\033[0m\\r\\n'; " WRITE(
			136),
		    HL_OK, "" },
		{ "nothing written", BANNER DONE, HL_ENODEV, "136 bytes" },
		{ "silence", "exit 0", HL_ENODEV, "136 bytes" },
		{ "too short", BANNER WRITE(135) DONE, HL_ENODEV, "136 bytes" },
		{ "too long", BANNER WRITE(137) DONE, HL_ENODEV, "136 bytes" },
		{ "failing exit", BANNER WRITE(136) DONE "exit 1", HL_ENODEV,
		    "it ended with 1" },
		{ "crash behind it", BANNER WRITE(136) DONE "kill -9 $$",
		    HL_ENODEV, "signal 9" },
		{ "a failure is said, exit 0",
		    BANNER WRITE(136) "echo 'Error: made up'", HL_ENODEV,
		    "it said \"Error: made up\"" },
		{ "STM32MP1 without its TF-A",
		    "echo 'an error occurred while uploading data from the "
		    "virtual partition 0xF1'",
		    HL_ENODEV, "virtual partition 0xF1" },
	};
	const scratch *s = *state;

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		char body[1024];
		hl_err err = { 0 };
		hl_tool_report r;
		hl_tool t;

		snprintf(body, sizeof(body), "%s%s", GC, rows[i].body);
		t = stand_in(s, body);
		put_old_certificate(s->path);
		memset(&r, 0x5a, sizeof(r));
		CHECK(hl_tool_certificate(&t, &swd, s->path, NULL, &r,
			  hl_deadline_in(SOON), &err) == rows[i].rc,
		    rows[i].why);
		CHECK((access(s->path, F_OK) == 0) == (rows[i].rc == HL_OK),
		    rows[i].why);
		if (rows[i].rc == HL_OK)
			CHECK(r.has_device_id && r.device_id == 0x480,
			    rows[i].why);
		else
			CHECK(strstr(err.why, rows[i].want_why) != NULL,
			    rows[i].why);
	}
}

static void
a_certificate_with_tfa(void **state)
{
	const scratch *s = *state;
	const hl_tool t = stand_in(s,
	    "[ \"$*\" = \"-c port=usb1 -gc $4 tfa.stm32\" ] || exit 8; "
	    "head -c 136 /dev/zero >\"$4\"");
	const hl_connect usb = { { "port=usb1" }, 1 };
	hl_err err = { 0 };
	hl_tool_report r;

	assert_int_equal(hl_tool_certificate(&t, &usb, s->path, "tfa.stm32", &r,
			     hl_deadline_in(SOON), &err),
	    HL_OK);
}

static void
chips_that_do_not_answer(void **state)
{
	const scratch *s = *state;
	hl_tool t =
	    stand_in(s, "head -c 136 /dev/zero >\"$6\"; exec sleep 100");
	const hl_connect none = { { NULL }, 0 };
	const hl_connect many = { { NULL }, HL_CONNECT_MAX + 1 };
	uint32_t words[3] = { 1, 2, 3 };
	hl_err err = { 0 };
	hl_tool_report r;

	assert_int_equal(hl_tool_certificate(&t, &swd, s->path, NULL, &r,
			     hl_deadline_in(300), &err),
	    HL_ETIMEOUT);
	assert_int_equal(access(s->path, F_OK), -1);
	t = stand_in(s, "exec sleep 100");
	assert_int_equal(
	    hl_tool_read32(&t, &swd, 0, words, 3, hl_deadline_in(300), &err),
	    HL_ETIMEOUT);
	assert_int_equal(
	    hl_tool_read32(&t, &none, 0, words, 3, hl_deadline_in(300), &err),
	    HL_EINPUT);
	assert_int_equal(
	    hl_tool_read32(&t, &many, 0, words, 3, hl_deadline_in(300), &err),
	    HL_EINPUT);
	assert_int_equal(
	    hl_tool_read32(&t, &swd, 0, words, 0, hl_deadline_in(300), &err),
	    HL_EINPUT);
	assert_true(words[0] == 1 && words[1] == 2 && words[2] == 3);
}

static void
words(void **state)
{
#define R32                                                                    \
	"[ \"$*\" = '-c port=SWD mode=HOTPLUG sn=1 -r32 0x0BFA0700 12' ] || "  \
	"exit 8; "
#define LINE "echo '0x0BFA0700 : 0014008F 32325014 20383543'; "
	static const struct {
		const char *why, *body, *want_why;
	} rows[] = {
		{ "good", R32 LINE, NULL },
		{ "two lines",
		    R32 "echo '0x0BFA0700 : 0014008F'; "
			"echo '0x0BFA0704 : 32325014 20383543'",
		    NULL },
		{ "colors and CR LF",
		    R32 "printf '\\033[39;49m0x0bfa0700:0014008f "
			"32325014\\t20383543\\r\\n'",
		    NULL },
		{ "failing exit", LINE "exit 1", "it ended with 1" },
		{ "another address", "echo '0x0BFA0704 : 1 2 3'", "all words" },
		{ "too few", "echo '0x0BFA0700 : 0014008F 32325014'",
		    "all words" },
		{ "an error", "echo 'Error: made up'",
		    "it said \"Error: made up\"" },
		{ "silence", "exit 0", "all words" },
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_tool t = stand_in(*state, rows[i].body);
		uint32_t w[3] = { 1, 2, 3 };
		hl_err err = { 0 };
		hl_rc rc = hl_tool_read32(
		    &t, &swd, 0x0bfa0700, w, 3, hl_deadline_in(SOON), &err);

		if (rows[i].want_why == NULL) {
			CHECK(rc == HL_OK, rows[i].why);
			CHECK(w[0] == 0x0014008f && w[1] == 0x32325014 &&
				w[2] == 0x20383543,
			    rows[i].why);
			continue;
		}
		CHECK(rc == HL_ENODEV, rows[i].why);
		CHECK(strstr(err.why, rows[i].want_why) != NULL, rows[i].why);
		CHECK(strstr(err.what, "0x0BFA0700") != NULL, rows[i].why);
		CHECK(w[0] == 1 && w[1] == 2 && w[2] == 3, rows[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(certificates),
		SCRATCH_TEST(a_certificate_with_tfa),
		SCRATCH_TEST(chips_that_do_not_answer),
		SCRATCH_TEST(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
