/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chips at targets. The programs that read them are scripts of this test, which
 * print what the genuine ones were seen to print (samples named beside), and
 * write down how they were called.
 */
#include "tool/stand_in.h"

#include "chip/an5054_fig36.h"
#include "flow/target.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/hex.h"

#define SOON 20000 /* ms; no test takes so long */

/* Each run leaves a line of its arguments in DIR/calls. */
static void
program(const scratch *s, const char *name, const char *body)
{
	char text[4096];

	(void)snprintf(text, sizeof(text), "D=%s\necho \"$*\" >>$D/calls\n%s",
	    s->dir, body);
	stand_in_write(s->dir, name, text);
}

static const char *
in(const scratch *s, const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned n;
	char *p = path[n++ % 4];

	(void)snprintf(p, PATH_MAX, "%s/%s", s->dir, name);
	return p;
}

static void
put_certificate(const char *path)
{
	uint8_t b[HL_CERT_STM32];
	hl_err err = { 0 };
	size_t n;

	assert_true(
	    hl_hex_decode(AN5054_FIG36, 2 * HL_CERT_STM32, b, sizeof(b), &n));
	assert_int_equal(hl_file_write(path, b, sizeof(b), 0600, &err), HL_OK);
}

static void
calls(const scratch *s, char *out, size_t size)
{
	hl_buf b = HL_BUF_INIT;

	out[0] = '\0';
	if (hl_file_read(in(s, "calls"), 65536, &b, NULL) == HL_OK)
		(void)snprintf(out, size, "%s", hl_buf_str(&b));
	hl_buf_free(&b);
	(void)unlink(in(s, "calls"));
}

/* Notes are counted. */
static void
count_note(void *arg, const char *text)
{
	assert_non_null(strstr(text, "STM32MP1"));
	(*(int *)arg)++;
}

static hl_rc
read_chip(const scratch *s, const char *target, const char *tfa, int *notes,
    hl_target_chip *out, hl_err *err)
{
	const hl_target_options opt = { .stm32prog = in(s, HL_TOOL_NAME),
		.openocd = in(s, "openocd"),
		.segger = in(s, "SFI_FC_x64"),
		.tfa = tfa,
		.until = hl_deadline_in(SOON),
		.note = notes != NULL ? count_note : NULL,
		.arg = notes };

	memset(err, 0, sizeof(*err));
	memset(out, 0x5a, sizeof(*out));
	return hl_target_read(target, &opt, out, err);
}

static void
is_fig36(const hl_target_chip *c)
{
	assert_int_equal(c->cert.n, HL_CERT_STM32);
	assert_string_equal(c->cert.product_id, "49701005");
}

/* ---- words of a connection ---------------------------------------------- */

static void
connections(void **state)
{
	static const struct {
		const char *target, *words; /* NULL: refused */
	} rows[] = {
		{ "stm32prog:port=SWD", "port=SWD mode=HOTPLUG " },
		{ "port=swd,sn=0669FF", "port=swd sn=0669FF mode=HOTPLUG " },
		{ "stm32prog:port=JTAG", "port=JTAG mode=HOTPLUG " },
		{ "stm32prog:port=SWD,mode=UR", "port=SWD mode=UR " },
		{ "stm32prog:Mode=normal,PORT=swd", "Mode=normal PORT=swd " },
		{ "stm32prog:port=usb1", "port=usb1 " },
		{ "stm32prog:port=COM1,br=115200", "port=COM1 br=115200 " },
		{ "stm32prog:port=/dev/ttyS4", "port=/dev/ttyS4 " },
		{ "stm32prog:port=SWD,,ap=1,", "port=SWD ap=1 mode=HOTPLUG " },
		{ "stm32prog:", NULL },
		{ "stm32prog:SWD", NULL },
		{ "stm32prog:sn=1", NULL },
		{ "stm32prog:port=SWD,hotplug", NULL },
		{ "stm32prog:port=SWD,-sfi=x", NULL },
		{ "stm32prog:port=SWD sn=7", NULL },
		{ "stm32prog:port=SWD, sn=7", NULL },
		{ "stm32prog:port=SWD,sn=7 ", NULL },
		{ "stm32prog:port=SWD\tsn=7", NULL },
		{ "stm32prog:port=SWD,sn=7,SN=8", NULL },
		{ "stm32prog:port=SWD,Port=JTAG", NULL },
		{ "stm32prog:port=SWD,=7", NULL },
		{ "stm32prog:port=SWD,sn=7,snx=8",
		    "port=SWD sn=7 snx=8 mode=HOTPLUG " },
		{ "stm32prog:port=SWD,a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,"
		  "j=1,k=1,l=1,m=1,n=1,o=1",
		    NULL },
	};
	hl_target_connect c;
	char text[600];
	hl_err err;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_rc rc =
		    hl_target_connect_parse(&c, rows[i].target, &err);
		size_t n = 0;

		assert_int_equal(rc, rows[i].words == NULL ? HL_EUSAGE : HL_OK);
		if (rc != HL_OK)
			continue;
		for (size_t k = 0; k < c.words.n; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s ",
			    c.words.words[k]);
		assert_string_equal(text, rows[i].words);
	}
	memset(text, 'x', sizeof(text));
	memcpy(text, "port=", 5);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(hl_target_connect_parse(&c, text, &err), HL_EUSAGE);
	/* As many words as there is room for. */
	assert_int_equal(hl_target_connect_parse(&c,
			     "port=SWD,a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,"
			     "j=1,k=1,l=1,m=1,n=1",
			     &err),
	    HL_OK);
	assert_int_equal(c.words.n, 16);
}

/* ---- STM32_Programmer_CLI ----------------------------------------------- */

#define BANNER(id)                                                             \
	"echo 'STM32CubeProgrammer v2.21.0'; echo 'Device ID   : " id "'\n"    \
	"echo 'Device name : STM32WLxx'\n"
/* sample 18 */
#define R32 "echo '0x1FFF7590 : 0014008F 32325014 20383543'\n"
#define COMMANDS(gc, r32)                                                      \
	"case \"$*\" in\n"                                                     \
	"*' -gc '*) for f; do [ \"$p\" = -gc ] && break; p=$f; done\n" gc      \
	";;\n"                                                                 \
	"*' -r32 '*) " r32 ";;\n"                                              \
	"*) exit 9;;\nesac\n"

static void
connected_chip(void **state)
{
	static const uint8_t uid[] = { 0x8f, 0x00, 0x14, 0x00, 0x14, 0x50, 0x32,
		0x32, 0x43, 0x35, 0x38, 0x20 };
	const scratch *s = *state;
	hl_target_chip *c = calloc(1, sizeof(*c));
	char text[1024];
	int notes = 0;
	hl_err err;

	assert_non_null(c);
	put_certificate(in(s, "cert"));
	program(s, HL_TOOL_NAME,
	    BANNER("0x497") COMMANDS("cp $D/cert \"$f\"", R32));
	assert_int_equal(
	    read_chip(s, "stm32prog:port=SWD,sn=7", NULL, &notes, c, &err),
	    HL_OK);
	is_fig36(c);
	assert_true(c->has_device_id && c->device_id == 0x497);
	assert_string_equal(c->device_name, "STM32WLxx");
	assert_int_equal(c->uid.n, sizeof(uid));
	assert_memory_equal(c->uid.b, uid, sizeof(uid));
	assert_int_equal(notes, 0);
	calls(s, text, sizeof(text));
	assert_non_null(
	    strstr(text, "-c port=SWD sn=7 mode=HOTPLUG -r32 0x1FFF7590 12\n"));
	assert_non_null(strstr(text, "-c port=SWD sn=7 mode=HOTPLUG -gc /"));
	/* The certificate of an STM32MP1, with a warning before. */
	assert_int_equal(
	    read_chip(s, "stm32prog:port=usb1", "tfa.stm32", &notes, c, &err),
	    HL_OK);
	assert_int_equal(notes, 1);
	calls(s, text, sizeof(text));
	assert_non_null(strstr(text, "certificate.bin tfa.stm32\n"));
	free(c);
}

/* The certificate is what counts. */
static void
a_uid_that_cannot_be_read(void **state)
{
	static const struct {
		const char *banner, *r32;
		bool asked;
	} rows[] = {
		{ BANNER("0x497"), "exit 1", true },
		{ BANNER("0x497"), "echo '0x1FFF7590 : 0014008F 32325014'",
		    true },
		{ BANNER("0x497"), "echo 'Error: no access'", true },
		{ BANNER("0x999"), R32, true }, /* by the certificate */
		{ BANNER("0x497"), R32 "exit 1", true },
		{ "", R32, true },
	};
	const scratch *s = *state;
	hl_target_chip *c = calloc(1, sizeof(*c));
	char body[2048], text[1024];
	hl_err err;

	assert_non_null(c);
	put_certificate(in(s, "cert"));
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const bool whole = strcmp(rows[i].r32, R32) == 0;

		(void)snprintf(body, sizeof(body), "%s" COMMANDS("%s", "%s"),
		    rows[i].banner, "cp $D/cert \"$f\"", rows[i].r32);
		program(s, HL_TOOL_NAME, body);
		assert_int_equal(
		    read_chip(s, "stm32prog:port=SWD", NULL, NULL, c, &err),
		    HL_OK);
		is_fig36(c);
		assert_int_equal(c->uid.n, whole ? 12 : 0);
		calls(s, text, sizeof(text));
		assert_int_equal(strstr(text, "-r32") != NULL, rows[i].asked);
	}
	free(c);
}

static void
no_certificate_no_chip(void **state)
{
	static const struct {
		const char *gc, *why;
		hl_rc rc;
	} rows[] = {
		{ "exit 1", "brought no certificate", HL_ENODEV },
		{ "echo 'Error: made up'", "made up", HL_ENODEV },
		{ ":", "136 bytes", HL_ENODEV },
		{ "head -c 136 /dev/zero >\"$f\"", "", HL_EINPUT },
		{ "cp $D/cert \"$f\"; kill -9 $$", "signal 9", HL_ENODEV },
	};
	const scratch *s = *state;
	hl_target_chip *c = calloc(1, sizeof(*c));
	char body[2048];
	hl_err err;

	assert_non_null(c);
	put_certificate(in(s, "cert"));
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		(void)snprintf(
		    body, sizeof(body), COMMANDS("%s", R32), rows[i].gc);
		program(s, HL_TOOL_NAME, body);
		if (read_chip(s, "stm32prog:port=SWD", NULL, NULL, c, &err) !=
			rows[i].rc ||
		    strstr(err.why, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].gc, err.why);
	}
	free(c);
}

/* ---- OpenOCD ------------------------------------------------------------ */

/* sample 20: lower case, no blank before ':' */
#define MDW(at) "echo '" at ": 0014008f 32325014 20383543' >&2\n"

static void
by_openocd(void **state)
{
	static const struct {
		const char *target, *body;
		hl_rc rc;
		const char *says; /* the call, or why not */
	} rows[] = {
		{ "openocd:interface/stlink.cfg,target/stm32g4x.cfg,"
		  "device=STM32F9",
		    MDW("0x1fff7590"), HL_EUSAGE, "is not known" },
		{ "openocd:interface/stlink.cfg,target/stm32wlx.cfg,"
		  "device=STM32WL",
		    MDW("0x1fff7590"), HL_OK,
		    "-f interface/stlink.cfg -f target/stm32wlx.cfg -c init -c "
		    "mdw 0x1FFF7590 3 -c exit\n" },
		{ "openocd:a.cfg,device=STM32U5", MDW("0x0bfa0700"), HL_OK,
		    "-f a.cfg -c init -c mdw 0x0BFA0700 3 -c exit\n" },
		{ "openocd:a.cfg,uid=0x1FFF7590", MDW("0x1fff7590"), HL_OK,
		    "mdw 0x1FFF7590 3" },
		/* of another place, too few, nothing */
		{ "openocd:a.cfg,uid=0x1FFF7594", MDW("0x1fff7590"), HL_ENODEV,
		    "printed no UID" },
		{ "openocd:a.cfg,uid=0x10",
		    "echo '0x00000010: 0014008f 32325014'", HL_ENODEV,
		    "printed no UID" },
		{ "openocd:a.cfg,uid=0x10", "echo 'Error: open failed'; exit 1",
		    HL_ENODEV, "open failed" },
		{ "openocd:a.cfg,device=STM32H7", "", HL_EUSAGE,
		    "\"STM32H7\" keeps its UID" },
		{ "openocd:a.cfg", "", HL_EUSAGE, "neither device= nor uid=" },
		{ "openocd:uid=0x10", "", HL_EUSAGE, "no configuration file" },
		{ "openocd:a.cfg,uid=x", "", HL_EUSAGE, "is no address" },
		{ "openocd:a.cfg,uid=-1", "", HL_EUSAGE, "is no address" },
		{ "openocd:a.cfg,uid=0x100000000", "", HL_EUSAGE,
		    "is no address" },
		{ "openocd:-c,uid=0x10", "", HL_EUSAGE,
		    "no configuration file" },
		{ "openocd:1,2,3,4,5,6,7,8,9,uid=1", "", HL_EUSAGE,
		    "one too many" },
		{ "openocd:", "", HL_EUSAGE, "no configuration file" },
	};
	const scratch *s = *state;
	hl_target_chip *c = calloc(1, sizeof(*c));
	char text[1024];
	hl_err err;

	assert_non_null(c);
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const char *said = err.why;

		program(s, "openocd", rows[i].body);
		if (read_chip(s, rows[i].target, NULL, NULL, c, &err) !=
		    rows[i].rc)
			fail_msg("%s: %s", rows[i].target, err.why);
		calls(s, text, sizeof(text));
		if (rows[i].rc == HL_OK) {
			said = text;
			assert_int_equal(c->cert.n, 0);
			assert_int_equal(c->uid.n, 12);
			assert_int_equal(c->uid.b[0], 0x8f);
			assert_int_equal(c->uid.b[11], 0x20);
		}
		if (strstr(said, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].target, said);
	}
	free(c);
}

static void
openocd_that_hangs(void **state)
{
	const scratch *s = *state;
	hl_target_options opt = { .openocd = in(s, "openocd") };
	hl_target_chip *c = calloc(1, sizeof(*c));
	hl_err err = { 0 };

	assert_non_null(c);
	program(s, "openocd", "sleep 100");
	opt.until = hl_deadline_in(300);
	assert_int_equal(
	    hl_target_read("openocd:a.cfg,uid=0x10", &opt, c, &err),
	    HL_ETIMEOUT);
	assert_int_equal(unlink(in(s, "openocd")), 0);
	assert_int_equal(
	    read_chip(s, "openocd:a.cfg,uid=0x10", NULL, NULL, c, &err),
	    HL_ENODEV);
	free(c);
}

/* ---- SEGGER ------------------------------------------------------------- */

static void
by_segger(void **state)
{
	static const struct {
		const char *target, *body;
		hl_rc rc;
		const char *says;
	} rows[] = {
		{ "segger:", "cp $D/cert \"$2\"", HL_OK, "/certificate.bin\n" },
		{ "segger:123", "cp $D/cert \"$2\"", HL_OK,
		    "/certificate.bin -SerialNo 123\n" },
		{ "segger:", "cp $D/cert \"$2\"; echo 'Error: no'; exit 3",
		    HL_ENODEV, "ended with 3: Error: no" },
		{ "segger:", "exit 0", HL_ENOTFOUND, "" },
		{ "segger:", "echo x >\"$2\"", HL_EINPUT, "" },
	};
	const scratch *s = *state;
	hl_target_chip *c = calloc(1, sizeof(*c));
	char text[1024];
	hl_err err;

	assert_non_null(c);
	put_certificate(in(s, "cert"));
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		program(s, "SFI_FC_x64", rows[i].body);
		if (read_chip(s, rows[i].target, NULL, NULL, c, &err) !=
		    rows[i].rc)
			fail_msg("%s: %s", rows[i].body, err.why);
		calls(s, text, sizeof(text));
		assert_int_equal(strncmp(text, "-CRT /", 6), 0);
		if (rows[i].rc == HL_OK)
			is_fig36(c);
		assert_non_null(
		    strstr(rows[i].rc == HL_OK ? text : err.why, rows[i].says));
	}
	free(c);
}

/* ---- files -------------------------------------------------------------- */

static void
from_files(void **state)
{
	const scratch *s = *state;
	hl_target_chip *c = calloc(1, sizeof(*c));
	char target[PATH_MAX + 8];
	hl_err err;

	assert_non_null(c);
	(void)snprintf(target, sizeof(target), "file:%s", s->dir);
	assert_int_equal(read_chip(s, target, NULL, NULL, c, &err), HL_ENODEV);
	assert_non_null(strstr(err.why, s->dir));
	put_certificate(in(s, "certificate.bin"));
	assert_int_equal(read_chip(s, target, NULL, NULL, c, &err), HL_OK);
	is_fig36(c);
	assert_int_equal(c->uid.n, 0);
	(void)snprintf(target, sizeof(target), "sim:%s", s->dir);
	assert_int_equal(read_chip(s, target, NULL, NULL, c, &err), HL_OK);
	/* The file itself; one that is no certificate; none. */
	(void)snprintf(
	    target, sizeof(target), "file:%s", in(s, "certificate.bin"));
	assert_int_equal(read_chip(s, target, NULL, NULL, c, &err), HL_OK);
	is_fig36(c);
	stand_in_write(s->dir, "uid.hex", "");
	(void)snprintf(target, sizeof(target), "file:%s", in(s, "uid.hex"));
	assert_int_equal(read_chip(s, target, NULL, NULL, c, &err), HL_EINPUT);
	(void)snprintf(target, sizeof(target), "file:%s", s->dir);
	assert_int_equal(read_chip(s, target, NULL, NULL, c, &err), HL_EINPUT);
	(void)snprintf(target, sizeof(target), "file:%s", in(s, "none"));
	assert_int_equal(read_chip(s, target, NULL, NULL, c, &err), HL_ENODEV);
	(void)snprintf(target, sizeof(target), "sim:%s", in(s, "none"));
	assert_int_equal(read_chip(s, target, NULL, NULL, c, &err), HL_ENODEV);
	free(c);
}

static void
other_words_are_no_target(void **state)
{
	static const char *const rows[] = { "", "stm32prog", "SWD", "Sim:x",
		"stlink:", "segger", ":" };
	hl_target_chip *c = calloc(1, sizeof(*c));
	hl_err err;

	assert_non_null(c);
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		assert_int_equal(
		    read_chip(*state, rows[i], NULL, NULL, c, &err), HL_EUSAGE);
		/* All kinds are named. */
		assert_non_null(strstr(err.hint, "stm32prog:"));
		assert_non_null(strstr(err.hint, "segger:"));
		assert_non_null(strstr(err.hint, "openocd:"));
		assert_non_null(strstr(err.hint, "sim:"));
	}
	free(c);
}

/* What reads a certificate leaves nothing in the temporary folder. */
static int
no_traces(void **state)
{
	const scratch *s = *state;
	const int left = rmdir(in(s, "tmp"));

	return left != 0 ? -1 : scratch_teardown(state);
}

static int
own_tmp(void **state)
{
	const scratch *s;

	if (unsetenv("TMPDIR") != 0 || scratch_setup(state) != 0)
		return -1;
	s = *state;
	return mkdir(in(s, "tmp"), 0700) == 0 &&
		setenv("TMPDIR", in(s, "tmp"), 1) == 0
	    ? 0
	    : -1;
}

#define TMP_TEST(f) cmocka_unit_test_setup_teardown(f, own_tmp, no_traces)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections),
		TMP_TEST(connected_chip),
		TMP_TEST(a_uid_that_cannot_be_read),
		TMP_TEST(no_certificate_no_chip),
		TMP_TEST(by_openocd),
		TMP_TEST(openocd_that_hangs),
		TMP_TEST(by_segger),
		TMP_TEST(from_files),
		TMP_TEST(other_words_are_no_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
