/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines of programmers, and what is made of their output. */
#include "tool/stand_in.h"

#include "flow/programmer.h"

#define LICENSE "/tmp/l.bin"

static void
names(void **state)
{
	static const hl_programmer all[] = { HL_PROGRAMMER_STM32PROG,
		HL_PROGRAMMER_SEGGER, HL_PROGRAMMER_SIM };
	hl_programmer p;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(all); i++) {
		assert_true(
		    hl_programmer_parse(hl_programmer_name(all[i]), &p));
		assert_int_equal(p, all[i]);
	}
	assert_false(hl_programmer_parse("STM32PROG", &p));
	assert_false(hl_programmer_parse("", &p));
	assert_int_equal(hl_programmer_for("sim:x"), HL_PROGRAMMER_SIM);
	assert_int_equal(hl_programmer_for("segger:1"), HL_PROGRAMMER_SEGGER);
	assert_int_equal(
	    hl_programmer_for("stm32prog:port=SWD"), HL_PROGRAMMER_STM32PROG);
	assert_int_equal(hl_programmer_for("file:x"), HL_PROGRAMMER_STM32PROG);
}

/* ---- command lines ------------------------------------------------------ */

static void
join(const hl_job_line *l, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	assert_null(l->argv[l->n]);
	for (size_t i = 1; i < l->n; i++) {
		n += (size_t)snprintf(
		    out + n, size - n, "%s%s", i > 1 ? " " : "", l->argv[i]);
		assert_true(n < size);
	}
}

/* Words between single blanks. */
static char **
split(char *text, char *words[16])
{
	size_t n = 0;
	char *save = NULL;

	for (char *w = strtok_r(text, " ", &save); w != NULL && n < 15;
	     w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	words[n] = NULL;
	return words;
}

static hl_rc
make(const scratch *s, hl_programmer p, const char *target, const char *image,
    const char *tfa, const char *extra, hl_job_line *l, hl_err *err)
{
	static char text[256];
	static char *words[16];
	static char program[PATH_MAX];
	hl_job job = { .programmer = p,
		.program = program,
		.image = image,
		.license = LICENSE,
		.target = target,
		.tfa = tfa };

	(void)stand_in(s, "exit 0");
	(void)snprintf(program, sizeof(program), "%s/" HL_TOOL_NAME, s->dir);
	(void)snprintf(text, sizeof(text), "%s", extra);
	job.extra = split(text, words);
	memset(err, 0, sizeof(*err));
	return hl_job_line_make(l, &job, err);
}

static void
command_lines(void **state)
{
	static const struct {
		hl_programmer p;
		const char *target, *image, *tfa, *extra, *line;
	} rows[] = {
		/* HELP; AN5054 3.2.1, 3.3.2, 3.4 */
		{ HL_PROGRAMMER_STM32PROG, "stm32prog:port=SWD", "a.sfi", NULL,
		    "-rsse r.bin -el e.stldr",
		    "-c port=SWD mode=HOTPLUG -sfi protocol=static a.sfi "
		    "hsm=0 " LICENSE " -rsse r.bin -el e.stldr" },
		{ HL_PROGRAMMER_STM32PROG, "stm32prog:port=usb1", "b.SFIX",
		    NULL, "",
		    "-c port=usb1 -sfi protocol=static b.SFIX hsm=0 " LICENSE },
		{ HL_PROGRAMMER_STM32PROG, "stm32prog:port=COM1,br=115200",
		    "image", NULL, "-mcsv m.csv",
		    "-c port=COM1 br=115200 -sfi protocol=static image "
		    "hsm=0 " LICENSE " -mcsv m.csv" },
		/* AN5054 3.2.2 */
		{ HL_PROGRAMMER_STM32PROG, "stm32prog:port=usb1", "a.ssp",
		    "tf-a.stm32", "",
		    "-c port=usb1 -ssp a.ssp tf-a.stm32 hsm=0 " LICENSE },
		/* HELP: the address stands behind the license */
		{ HL_PROGRAMMER_STM32PROG, "stm32prog:port=JTAG,mode=ur,sn=7",
		    "a.smu", NULL, "0x08010000",
		    "-c port=JTAG mode=ur sn=7 -installipmodule a.smu "
		    "hsm=0 " LICENSE " 0x08010000" },
		/* kb.segger.com, STM32-SFI Flasher Commander */
		{ HL_PROGRAMMER_SEGGER, "segger:", "a.sfi", NULL, "-RSSe r",
		    "-SFI a.sfi -License " LICENSE " -RSSe r" },
		{ HL_PROGRAMMER_SEGGER, "segger:1234", "a.sfi", NULL, "",
		    "-SFI a.sfi -License " LICENSE " -SerialNo 1234" },
		{ HL_PROGRAMMER_SIM, "sim:dir", "a.sfi", NULL, "",
		    "install a.sfi " LICENSE " --chip dir" },
	};
	char text[1024];
	hl_job_line *l = calloc(1, sizeof(*l));
	hl_err err;

	assert_non_null(l);
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		if (make(*state, rows[i].p, rows[i].target, rows[i].image,
			rows[i].tfa, rows[i].extra, l, &err) != HL_OK)
			fail_msg("%s: %s", rows[i].line, err.why);
		join(l, text, sizeof(text));
		assert_string_equal(text, rows[i].line);
		assert_true(strstr(l->argv[0], "/" HL_TOOL_NAME) != NULL);
	}
	assert_null(l->modules);
	assert_int_equal(
	    make(*state, HL_PROGRAMMER_STM32PROG, "stm32prog:port=SWD", "a.sfi",
		NULL, "-mcsv m.csv", l, &err),
	    HL_OK);
	assert_string_equal(l->modules, "m.csv");
	free(l);
}

static void
refused_lines(void **state)
{
#define SWD "stm32prog:port=SWD"
	static const struct {
		hl_programmer p;
		const char *target, *image, *tfa, *extra, *why;
	} rows[] = {
		/* what would ask a card */
		{ HL_PROGRAMMER_STM32PROG, SWD, "a.sfi", NULL, "hsm=1",
		    "hsm= is said twice" },
		{ HL_PROGRAMMER_STM32PROG, SWD, "a.sfi", NULL, "HSM=1 slot=1",
		    "hsm= is said twice" },
		{ HL_PROGRAMMER_STM32PROG, SWD, "a.sfi", NULL,
		    "-rsse r -hsmgetlicense l", "would ask a card" },
		{ HL_PROGRAMMER_STM32PROG, SWD, "a.sfi", NULL,
		    "-hsmglfcb c l slot=2", "would ask a card" },
		{ HL_PROGRAMMER_STM32PROG, SWD, "a.sfi", NULL,
		    "-installipmodule m hsm=1", "would ask a card" },
		{ HL_PROGRAMMER_STM32PROG, SWD, "a.smu", NULL, "-rsse hsm=1",
		    "belongs to no option" },
		{ HL_PROGRAMMER_STM32PROG, SWD, "a.sfi", NULL, "-hsmgetlic l",
		    "not known whether" },
		/* what does not go together */
		{ HL_PROGRAMMER_STM32PROG, SWD, "a.ssp", NULL, "", "TF-A" },
		{ HL_PROGRAMMER_STM32PROG, "sim:x", "a.sfi", NULL, "",
		    "cannot reach \"sim:x\"" },
		{ HL_PROGRAMMER_STM32PROG, "segger:", "a.sfi", NULL, "",
		    "cannot reach" },
		{ HL_PROGRAMMER_SEGGER, SWD, "a.sfi", NULL, "",
		    "cannot reach" },
		{ HL_PROGRAMMER_SIM, SWD, "a.sfi", NULL, "", "cannot reach" },
	};
	hl_job_line *l = calloc(1, sizeof(*l));
	hl_err err;

	assert_non_null(l);
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		if (make(*state, rows[i].p, rows[i].target, rows[i].image,
			rows[i].tfa, rows[i].extra, l, &err) != HL_EUSAGE ||
		    strstr(err.why, rows[i].why) == NULL)
			fail_msg("%s %s: \"%s\"", rows[i].target, rows[i].extra,
			    err.why);
	}
	free(l);
}

static void
too_many_words(void **state)
{
	char x[] = "-x", *extra[HL_JOB_WORDS + 1];
	hl_job job = { .programmer = HL_PROGRAMMER_SIM,
		.program = "/p",
		.image = "i",
		.license = "l",
		.target = "sim:d",
		.extra = extra };
	hl_job_line *l = calloc(1, sizeof(*l));
	hl_err err = { 0 };
	const size_t ours = 6, most = HL_JOB_WORDS - 1 - ours;

	(void)state;
	assert_non_null(l);
	for (size_t i = 0; i < HL_JOB_WORDS; i++)
		extra[i] = x;
	extra[most] = NULL;
	assert_int_equal(hl_job_line_make(l, &job, &err), HL_OK);
	assert_int_equal(l->n, HL_JOB_WORDS - 1);
	extra[most] = x;
	for (size_t n = most + 1; n <= HL_JOB_WORDS; n++) {
		extra[n] = NULL;
		assert_int_equal(hl_job_line_make(l, &job, &err), HL_EUSAGE);
		extra[n] = x;
	}
	free(l);
}

static void
programs_are_found(void **state)
{
	const scratch *s = *state;
	char path[PATH_MAX], want[PATH_MAX];
	hl_err err = { 0 };

	assert_int_equal(
	    hl_program_find("/a/b", path, sizeof(path), &err), HL_OK);
	assert_string_equal(path, "/a/b");
	assert_int_equal(
	    hl_program_find("/proc/self/exe", path, sizeof(path), &err),
	    HL_EUSAGE);
	stand_in_write(s->dir, "a-programmer", "exit 0");
	(void)snprintf(want, sizeof(want), "::/nowhere:%s:/bin", s->dir);
	assert_int_equal(setenv("PATH", want, 1), 0);
	assert_int_equal(
	    hl_program_find("a-programmer", path, sizeof(path), &err), HL_OK);
	(void)snprintf(want, sizeof(want), "%s/a-programmer", s->dir);
	assert_string_equal(path, want);
	assert_int_equal(chmod(want, 0600), 0);
	assert_int_equal(
	    hl_program_find("a-programmer", path, sizeof(path), &err),
	    HL_ENODEV);
	assert_int_equal(setenv("PATH", "", 1), 0);
	assert_int_equal(
	    hl_program_find("sh", path, sizeof(path), &err), HL_ENODEV);
	assert_non_null(strstr(err.why, "\"sh\""));
}

/* ---- how it went -------------------------------------------------------- */

#define EXIT(n)                                                                \
	{                                                                      \
		.exited = true, .status = (n)                                  \
	}
#define DONE "SFI Process Finished!\n"
#define TIME "Time elapsed during SFI install operation: 00:00:07.059\n"

/* STM32_Programmer_CLI with an SFI image: lines of domain reports. */
static void
sfi_is_judged(void **state)
{
	static const struct {
		const char *text;
		int status;
		hl_install_outcome outcome;
		const char *detail;
	} rows[] = {
		/* AN5054 figure 65; figure 59 */
		{ DONE "SFI file C:\\x\n" TIME, 0, HL_INSTALL_DONE, "" },
		{ "License Install\nSucceed to write Areas\n"
		  "Error: failed to reconnect after reset !\n" TIME,
		    0, HL_INSTALL_DONE, "" },
		{ "\033[32m17:13:20 : " DONE "\033[0m\r\n", 0, HL_INSTALL_DONE,
		    "" },
		/* success has to be seen */
		{ "", 0, HL_INSTALL_FAILED, "no line says" },
		{ "License Install\nSucceed to write Areas\n", 0,
		    HL_INSTALL_FAILED, "no line says" },
		{ "Time elapsed during option Bytes configuration: "
		  "00:00:02.139\n",
		    0, HL_INSTALL_FAILED, "no line says" },
		{ "RSS command execution OK\n", 0, HL_INSTALL_FAILED,
		    "no line says" },
		/* and neither line nor exit code of a failure */
		{ DONE TIME, 1, HL_INSTALL_FAILED, "ended with 1" },
		{ DONE TIME, 255, HL_INSTALL_FAILED, "ended with 255" },
		/* td-p/65122, 855142 */
		{ "Error: SECURITY State Fail\n" DONE, 0, HL_INSTALL_FAILED,
		    "ended with 0: Error: SECURITY State Fail" },
		{ TIME "Error: Invalid state after SFI install !\n", 0,
		    HL_INSTALL_FAILED, "Invalid state after SFI install" },
		{ DONE "Error: RSS internal system error or License is invalid "
		       "!\n",
		    1, HL_INSTALL_FAILED, "License is invalid" },
		/* td-p/635458, 795945 */
		{ DONE "Error: Execution of RSS CMD failed, returned value = "
		       "0x1\n",
		    0, HL_INSTALL_FAILED, "returned value = 0x1" },
		{ DONE
		    "17:20:01 : Error: Execution of RSS CMD failed, returned "
		    "value = 0xF5F5F5F5\r\n",
		    0, HL_INSTALL_FAILED, "0xF5F5F5F5" },
		/* td-p/741981 */
		{ DONE "Error: Cannot launch RSSe...\n", 0, HL_INSTALL_FAILED,
		    "Cannot launch RSSe" },
		{ DONE "Error: Failed to get RSSe Status!\n", 0,
		    HL_INSTALL_FAILED, "Failed to get RSSe" },
		{ DONE "Error: SFI command is not supported for the current "
		       "device configuration using STLINK interfaces !\n",
		    0, HL_INSTALL_FAILED, "not supported" },
		{ DONE "Error: a.sfi SFI file Install Operation Failure! "
		       "Please, try again.\n",
		    0, HL_INSTALL_FAILED, "Operation Failure" },
		/* qa-community 140703 */
		{ DONE "Error: Database: There's no active configuration for "
		       "this device. All the 8 configurations are disabled!\n",
		    0, HL_INSTALL_FAILED, "no active configuration" },
		{ DONE "Error: what nobody has ever seen\n", 0,
		    HL_INSTALL_FAILED, "nobody has ever seen" },
	};
	hl_text detail;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_ended end = EXIT(rows[i].status);

		if (hl_job_judge(HL_PROGRAMMER_STM32PROG, true, &end,
			rows[i].text, strlen(rows[i].text),
			detail) != rows[i].outcome ||
		    strstr(detail, rows[i].detail) == NULL ||
		    (rows[i].detail[0] == '\0' && detail[0] != '\0'))
			fail_msg("%s: \"%s\"", rows[i].text, detail);
	}
}

static void
others_are_judged(void **state)
{
	static const struct {
		hl_programmer p;
		bool sfi;
		hl_ended end;
		const char *text;
		hl_install_outcome outcome;
		const char *detail;
	} rows[] = {
		/* no line of success is known of SSP, modules and SEGGER */
		{ HL_PROGRAMMER_STM32PROG, false, EXIT(0), "",
		    HL_INSTALL_UNKNOWN, "nobody can say" },
		{ HL_PROGRAMMER_STM32PROG, false, EXIT(0), DONE,
		    HL_INSTALL_DONE, "" },
		{ HL_PROGRAMMER_STM32PROG, false, EXIT(1), "",
		    HL_INSTALL_FAILED, "ended with 1" },
		{ HL_PROGRAMMER_STM32PROG, false, EXIT(0), "Error: x\n",
		    HL_INSTALL_FAILED, "Error: x" },
		{ HL_PROGRAMMER_SEGGER, true, EXIT(0), "", HL_INSTALL_UNKNOWN,
		    "no line of success is known for this" },
		{ HL_PROGRAMMER_SEGGER, true, EXIT(3), "", HL_INSTALL_FAILED,
		    "ended with 3" },
		{ HL_PROGRAMMER_SEGGER, true, EXIT(0), "Error: x\n",
		    HL_INSTALL_FAILED, "Error: x" },
		{ HL_PROGRAMMER_SIM, true, EXIT(0), "", HL_INSTALL_DONE, "" },
		{ HL_PROGRAMMER_SIM, true, EXIT(8), "", HL_INSTALL_FAILED,
		    "ended with 8" },
		/* ended from outside: also where all seemed well */
		{ HL_PROGRAMMER_STM32PROG, true, { .signal = 9 }, DONE,
		    HL_INSTALL_UNKNOWN, "ended by signal 9" },
		{ HL_PROGRAMMER_STM32PROG, true, { .signal = 15 },
		    "Error: SECURITY State Fail\n", HL_INSTALL_UNKNOWN,
		    "ended by signal 15" },
		{ HL_PROGRAMMER_SIM, true, { .signal = 0 }, "",
		    HL_INSTALL_UNKNOWN, "nobody saw how" },
	};
	hl_text detail;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		if (hl_job_judge(rows[i].p, rows[i].sfi, &rows[i].end,
			rows[i].text, strlen(rows[i].text),
			detail) != rows[i].outcome ||
		    strstr(detail, rows[i].detail) == NULL)
			fail_msg("row %zu: \"%s\"", i, detail);
	}
}

static void
detail_is_fit_for_a_record(void **state)
{
	const hl_ended end = EXIT(1);
	char text[4096] = "Error: \a";
	hl_text detail;

	(void)state;
	memset(text + 8, 'x', sizeof(text) - 8);
	assert_int_equal(hl_job_judge(HL_PROGRAMMER_STM32PROG, true, &end, text,
			     sizeof(text), detail),
	    HL_INSTALL_FAILED);
	assert_null(strchr(detail, '\a'));
	assert_true(strlen(detail) < sizeof(hl_text));
	assert_int_equal(hl_text_check("detail", detail, true, NULL), HL_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		SCRATCH_TEST(command_lines),
		SCRATCH_TEST(refused_lines),
		cmocka_unit_test(too_many_words),
		SCRATCH_TEST(programs_are_found),
		cmocka_unit_test(sfi_is_judged),
		cmocka_unit_test(others_are_judged),
		cmocka_unit_test(detail_is_fit_for_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
