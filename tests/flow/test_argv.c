/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "flow/argv.h"

#define WORDS_MAX 48

/* A line of words between single blanks, taken apart; "_" is a blank in one. */
struct line {
	char text[1024];
	char *argv[WORDS_MAX + 1];
	int argc;
};

static void
split(struct line *l, const char *text)
{
	l->argc = 0;
	assert_true(strlen(text) < sizeof(l->text));
	memcpy(l->text, text, strlen(text) + 1);
	for (char *p = l->text; *p != '\0'; p++) {
		if (*p == ' ')
			*p = '\0';
		else if (*p == '_')
			*p = ' ';
		if (p == l->text || p[-1] == '\0') {
			assert_true(l->argc < WORDS_MAX);
			l->argv[l->argc++] = p;
		}
	}
	l->argv[l->argc] = NULL;
}

static void
parse(hl_argv *a, struct line *l, const char *text)
{
	hl_err err = { 0 };

	split(l, text);
	memset(a, 0x5a, sizeof(*a));
	if (hl_argv_parse(a, l->argc, l->argv, &err) != HL_OK)
		fail_msg("%s: %s", text, err.why);
	assert_int_equal(err.rc, HL_OK);
}

static void
join(const char *const *argv, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; argv[i] != NULL; i++) {
		n += (size_t)snprintf(
		    out + n, size - n, "%s%s", i > 0 ? " " : "", argv[i]);
		assert_true(n < size);
	}
}

#define C "P -c port=SWD mode=HOTPLUG "

/* What becomes of a vector when the license of use i lies in /Li. */
static void
rewritten(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		/* AN5054 3.2.1, 3.3.2, 13.3.4 */
		{ "P -c port=COM1 br=115200 -sfi data.sfi hsm=1 slot=1",
		    "P -c port=COM1 br=115200 -sfi data.sfi hsm=0 /L0" },
		{ C "-sfi protocol=static p/out.sfi hsm=1 slot=2 -rsse R -el E",
		    C "-sfi protocol=static p/out.sfi hsm=0 /L0 -rsse R -el "
		      "E" },
		{ C "-sfi out.sfix hsm=1 slot=1 -rsse R -el E -mcsv M",
		    C "-sfi out.sfix hsm=0 /L0 -rsse R -el E -mcsv M" },
		/* td-p/900465 */
		{ "P -vb 1 -c port=SWD mode=HOTPLUG -sfi xxx.sfi hsm=1 slot=1",
		    "P -vb 1 -c port=SWD mode=HOTPLUG -sfi xxx.sfi hsm=0 /L0" },
		/* AN5054 3.2.2 */
		{ "P -c port=usb1 -ssp out.ssp tf-a.stm32 hsm=1 slot=1",
		    "P -c port=usb1 -ssp out.ssp tf-a.stm32 hsm=0 /L0" },
		/* the help */
		{ C "-installipmodule m.smu hsm=1 slot=1 0x08010000",
		    C "-installipmodule m.smu hsm=0 /L0 0x08010000" },
		/* spellings */
		{ C "--sfi a.sfi hsm=1 slot=1", C "--sfi a.sfi hsm=0 /L0" },
		{ C "-SFI a.sfi HSM=1 Slot=3", C "-SFI a.sfi hsm=0 /L0" },
		{ C "-sfi a.sfi hsm=1", C "-sfi a.sfi hsm=0 /L0" },
		{ C "---sfi a.sfi hsm=1", C "---sfi a.sfi hsm=0 /L0" },
		/* other orders */
		{ C "-sfi a.sfi slot=1 hsm=1 -q", C "-sfi a.sfi hsm=0 /L0 -q" },
		{ C "-sfi hsm=1 slot=1 a.sfi -q", C "-sfi a.sfi hsm=0 /L0 -q" },
		{ C "-sfi slot=1 a.sfi protocol=static hsm=1",
		    C "-sfi a.sfi protocol=static hsm=0 /L0" },
		{ C "-sfi a.sfi hsm=1 protocol=STATIC slot=1",
		    C "-sfi a.sfi hsm=0 /L0 protocol=STATIC" },
		{ C "-installipmodule m.smu 0x08010000 hsm=1 slot=1",
		    C "-installipmodule m.smu hsm=0 /L0 0x08010000" },
		{ C "-ssp hsm=1 out.ssp slot=1 tf-a.stm32",
		    C "-ssp out.ssp tf-a.stm32 hsm=0 /L0" },
		{ C "-ssp out.ssp hsm=1 slot=1", C "-ssp out.ssp hsm=0 /L0" },
		/* what gets a license is served */
		{ C "-hsmgetlicense l.bin slot=1 -sfi a.sfi hsm=0 l.bin",
		    C "-sfi a.sfi hsm=0 l.bin" },
		{ C "-hsmgetlicense l.bin slot=1 protocol=static tfa -q",
		    C "-q" },
		{ "P -hsmglfcb c.bin l.bin slot=1", "P" },
		{ "P --HSMGetLicenseFromCertifBin c.bin l.bin -hsmgetinfo",
		    "P -hsmgetinfo" },
		/* several */
		{ C "-sfi a hsm=1 slot=1 -w f.hex -installipmodule m hsm=1",
		    C "-sfi a hsm=0 /L0 -w f.hex -installipmodule m hsm=0 "
		      "/L1" },
		{ C "-sfi a hsm=0 l -hsmgetlicense g -ssp s t hsm=1 slot=2",
		    C "-sfi a hsm=0 l -ssp s t hsm=0 /L2" },
		/* no card in it: nothing changes */
		{ "P", "P" },
		{ "P --help", "P --help" },
		{ "P stray words -l", "P stray words -l" },
		{ C "-gc c -gc d -sfi a hsm=1",
		    C "-gc c -gc d -sfi a hsm=0 "
		      "/L0" },
		{ C "-gc c -hsmglfcb c l", C "-gc c" },
		{ C "-sfi my_image.sfi hsm=1",
		    C "-sfi my image.sfi hsm=0 /L0" },
		{ C "-sfi our_hsm_-_hsm.sfi hsm=1 -log a_hsm",
		    C "-sfi our hsm - hsm.sfi hsm=0 /L0 -log a hsm" },
		{ C "-w fw.hex -v -rst", C "-w fw.hex -v -rst" },
		{ C "-sfi a.sfi hsm=0 lic.bin -rsse R",
		    C "-sfi a.sfi hsm=0 lic.bin -rsse R" },
		{ C "-sfi a.sfi lic.bin -rsse R",
		    C "-sfi a.sfi lic.bin -rsse R" },
		{ C "-sfi a.sfi hsm=0 slot=x l.bin protocol=live",
		    C "-sfi a.sfi hsm=0 slot=x l.bin protocol=live" },
		{ C "-sfi a.sfi -rsse R hsm=0 l.bin",
		    C "-sfi a.sfi -rsse R hsm=0 l.bin" },
		{ C "-ssfi sm.sfi -rsse R", C "-ssfi sm.sfi -rsse R" },
		{ "P -hsmgetinfo slot=1 -hsmgetcounter -hsmgetfwid "
		  "-hsmgetstatus slot=2",
		    "P -hsmgetinfo slot=1 -hsmgetcounter -hsmgetfwid "
		    "-hsmgetstatus slot=2" },
		{ "P -c port=swd -c port=usb1 -log hsm.log",
		    "P -c port=swd -c port=usb1 -log hsm.log" },
		/* AN5054 3.2.1 prints a second --sfi; no card is in it */
		{ C "-sfi protocol=static a.sfi --sfi hsm=0 lic.bin",
		    C "-sfi protocol=static a.sfi --sfi hsm=0 lic.bin" },
	};
	static const char *const license[] = { "/L0", "/L1", "/L2" };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		char text[1024];
		struct line l;
		const char **out;
		hl_err err = { 0 };
		hl_argv a;

		parse(&a, &l, rows[i].from);
		assert_int_equal(
		    hl_argv_rewrite(&a, l.argc, l.argv, license, &out, &err),
		    HL_OK);
		join(out, text, sizeof(text));
		assert_string_equal(text, rows[i].to);
		free(out);
	}
}

/* What could spend and is not understood must not reach the tool. */
static void
refused(void **state)
{
	static const struct {
		const char *line, *why;
	} rows[] = {
		{ C "-sfi a hsm=2 slot=1", "\"hsm=2\" is neither" },
		{ C "-sfi a hsm=01", "\"hsm=01\" is neither" },
		{ C "-sfi a hsm=", "\"hsm=\" is neither" },
		{ C "-sfi a hsm=1_slot=1", "\"hsm=1 slot=1\" is neither" },
		{ C "-sfi a hsm=1_", "\"hsm=1 \" is neither" },
		{ C "-sfi a _hsm=1", "not understood" },
		{ C "-sfi a \vhsm=1", "not understood" },
		{ C "-sfi a hsm\v=1", "not understood" },
		{ C "-sfi a hsm_=_1", "not understood" },
		{ C "-sfi a hsm = 1", "\"hsm\" is not understood" },
		{ C "-sfi a hsm =1", "not understood" },
		{ C "-sfi a hsm= 1", "neither" },
		{ C "-sfi a slot = 1 hsm=1", "not understood" },
		{ C "-sfi a 'hsm=1'", "not understood" },
		{ C "-sfi a hsm=1 hsm=1", "said twice" },
		{ C "-sfi a hsm=0 hsm=1", "said twice" },
		{ C "-sfi a hsm=1 slot=1 slot=1", "slot= is said twice" },
		{ C "-sfi a hsm=1 slot=x", "\"slot=x\" names no slot" },
		{ C "-sfi a hsm=1 slot=", "names no slot" },
		{ C "-sfi a hsm=1 slot=-1", "names no slot" },
		{ C "-sfi a hsm=1 slot=99999999999999999999", "no slot" },
		{ C "-sfi a slot=1", "without hsm=1" },
		{ C "-sfi a hsm=1 l.bin", "one word too many" },
		{ C "-sfi a hsm=1 1", "one word too many" },
		{ C "-sfi", "no file is named behind -sfi" },
		{ C "-sfi hsm=1 slot=1", "no file" },
		{ C "-sfi protocol=static a --sfi hsm=1 slot=1",
		    "no file is named behind --sfi" },
		{ C "-sfi a protocol=live hsm=1", "one session" },
		{ C "-sfi a protocol=LIVE hsm=1", "one session" },
		{ C "-sfi a protocol=other hsm=1", "no protocol" },
		{ C "-sfi a protocol=live protocol=static hsm=1", "twice" },
		{ C "-ssp a t x hsm=1", "one word too many" },
		{ C "-installipmodule m l.bin hsm=1", "no address" },
		{ C "-installipmodule m 0x1 0x2 hsm=1", "too many" },
		{ C "-hsmgetlicense", "no file" },
		{ C "-hsmgetlicense l hsm=0", "takes no hsm=" },
		{ C "-hsmgetlicense l protocol=live", "one session" },
		{ C "-hsmgetlicense l tfa more", "one word too many" },
		{ C "-hsmgetlicense l slot=x", "names no slot" },
		{ "P -hsmglfcb c", "no file is named behind -hsmglfcb" },
		{ "P -hsmglfcb c l x", "one word too many" },
		/* not of a known use */
		{ C "-smi a hsm=1 slot=1", "\"hsm=1\" belongs to no option" },
		{ C "-sfi a -rsse R hsm=1 slot=1", "belongs to no option" },
		{ C "-sfi a -rsse R hsm=0_", "belongs to no option" },
		{ C "-ssfi a HSM=1", "belongs to no option" },
		{ C "-ssfi a hsm = 1", "belongs to no option" },
		{ C "-ssfi a 'hsm=1", "belongs to no option" },
		{ "P -c port=swd hsm=1", "belongs to no option" },
		{ C "-sfi - hsm=1", "no file" },
		{ "P hsm=1", "belongs to no option" },
		{ "P -c port=swd \xe2\x80\x93sfi a hsm=1", "none" },
		{ "P -c port=swd \xe2\x80\x93hsmgetlicense l", "none" },
		{ C "-hsmgetlic l", "whether \"-hsmgetlic\" spends" },
		{ C "-hsmgetlicense=l", "spends" },
		{ C "-hsm=1", "spends" },
		{ C "-sfi=a", "spends" },
		{ C "-sfi_a", "spends" },
		{ "P -c port=swd -c port=usb1 -sfi a hsm=1",
		    "-c stands in it 2 times" },
		{ C "-gc c -gc d -hsmglfcb c l", "-gc stands in it 2 times" },
		{ C "-hsmglfcb c l -gc c --GC c", "-gc stands in it 2 times" },
		{ C "-gc=c -gc d -hsmglfcb c l", "-gc stands in it 2 times" },
		{ C "-gc=c -hsmglfcb c l", "which file -gc writes" },
		{ C "-gc -hsmglfcb c l", "which file -gc writes" },
		{ C "-mcsv a -mcsv b", "-mcsv stands in it more than once" },
		{ C "-mcsv a -q --MCSV a", "more than once" },
		{ C "-mcsv a b", "which file \"-mcsv\" names" },
		{ C "-mcsv", "which file \"-mcsv\" names" },
		{ C "-mcsv=a", "which file \"-mcsv=a\" names" },
		{ C "-mcsv=a b", "which file \"-mcsv=a\" names" },
		{ C "-mcsv_ a", "which file \"-mcsv \" names" },
		{ "P -c port=swd \xe2\x80\x93mcsv a", "none" },
		/* of several words, for a script with an unquoted $* */
		{ C "-sfi out.sfi_hsm=1_slot=1", "taken apart" },
		{ C "-sfi out.sfi_hsm=0_l", "taken apart" },
		{ C "-sfi a\nhsm=1", "taken apart" },
		{ C "-sfi a\vHSM\t=1", "taken apart" },
		{ C "-sfi a\x01__hsm_=1", "taken apart" },
		{ C "-sfi a_hsm =1", "taken apart" },
		{ C "-sfi a_\"hsm=1\"", "taken apart" },
		{ C "-log x_-hsmglfcb_cert_l2", "taken apart" },
		{ C "-log x\n--HSMgetlicense", "taken apart" },
		{ C "stray_-mcsv_ask.csv", "taken apart" },
		{ C "-log x_-mcsv=ask.csv", "taken apart" },
		{ "P -c port=swd_hsm=1", "taken apart" },
		{ "P -c port=swd \n-hsmgetlic", "taken apart" },
		{ "P -c port=swd \n-sfi a", "none" },
		{ "P -c port=swd -q \x01-mcsv a", "taken apart" },
		{ C "-ssfi a hsm\v=1", "belongs to no option" },
		{ "P -c 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 -sfi a hsm=1",
		    "more than 16 words" },
		{ "P -sfi a -sfi a -sfi a -sfi a -sfi a -sfi a -sfi a -sfi a "
		  "-sfi a",
		    "more than 8 licenses" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_err err = { 0 };
		hl_argv a, was;
		struct line l;

		split(&l, rows[i].line);
		memset(&was, 0x5a, sizeof(was));
		a = was;
		if (hl_argv_parse(&a, l.argc, l.argv, &err) != HL_EUSAGE)
			fail_msg("taken: %s", rows[i].line);
		assert_int_equal(err.rc, HL_EUSAGE);
		if (strstr(err.why, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].line, err.why);
		assert_true(err.hint[0] != '\0');
		assert_int_equal(err.units_spent, 0);
		assert_memory_equal(&a, &was, sizeof(a));
	}
}

static void
misprint_is_named(void **state)
{
	hl_err err = { 0 };
	struct line l;
	hl_argv a;

	(void)state;
	split(&l, C "-sfi a --sfi hsm=1 slot=1");
	assert_int_equal(hl_argv_parse(&a, l.argc, l.argv, &err), HL_EUSAGE);
	assert_non_null(strstr(err.hint, "misprint"));
}

static void
sfi_fields(void **state)
{
	struct line l;
	hl_argv a;

	(void)state;
	parse(&a, &l,
	    "P -vb 1 -c port=SWD sn=0042 -gc c.bin -sfi protocol=static a.sfi "
	    "hsm=1 slot=2 -rsse R -mcsv M");
	assert_int_equal(a.connect_at, 3);
	assert_int_equal(a.connect.n, 2);
	assert_string_equal(a.connect.words[1], "sn=0042");
	assert_string_equal(a.gc, "c.bin");
	assert_string_equal(a.rsse, "R");
	assert_string_equal(a.mcsv, "M");
	assert_true(a.other);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.use[0].kind, HL_ARGV_SFI);
	assert_int_equal(a.use[0].first, 8);
	assert_int_equal(a.use[0].last, 12);
	assert_true(a.use[0].hsm);
	assert_int_equal(a.use[0].protocol_at, 9);
	assert_int_equal(a.use[0].file_at, 10);
	assert_int_equal(a.use[0].hsm_at, 11);
	assert_int_equal(a.use[0].slot_at, 12);
	assert_int_equal(a.use[0].slot, 2);
	assert_ptr_equal(a.use[0].file, l.argv[10]);
	assert_null(a.use[0].tfa);
	assert_null(a.use[0].license);
	assert_null(a.use[0].certificate);
	assert_int_equal(a.use[0].license_at, -1);
	assert_int_equal(a.use[0].address_at, -1);
}

/* file, tfa, license, certificate of the one use; "" for none */
static void
operands_are_named(void **state)
{
	static const struct {
		const char *line;
		hl_argv_kind kind;
		bool hsm;
		const char *file, *tfa, *license, *certificate;
		int address_at;
	} rows[] = {
		{ "P -sfi a l", HL_ARGV_SFI, false, "a", "", "l", "", -1 },
		{ "P -sfi a hsm=0 l", HL_ARGV_SFI, false, "a", "", "l", "",
		    -1 },
		{ "P -sfi a hsm=1", HL_ARGV_SFI, true, "a", "", "", "", -1 },
		{ "P -ssp a t hsm=1", HL_ARGV_SSP, true, "a", "t", "", "", -1 },
		{ "P -ssp a t hsm=0 l", HL_ARGV_SSP, false, "a", "t", "l", "",
		    -1 },
		{ "P -ssp a t l", HL_ARGV_SSP, false, "a", "t", "l", "", -1 },
		{ "P -ssp a t", HL_ARGV_SSP, false, "a", "t", "", "", -1 },
		{ "P -ssp a t hsm=0", HL_ARGV_SSP, false, "a", "t", "", "",
		    -1 },
		{ "P -ssp a hsm=0 l", HL_ARGV_SSP, false, "a", "", "l", "",
		    -1 },
		{ "P -ssp a hsm=1", HL_ARGV_SSP, true, "a", "", "", "", -1 },
		{ "P -installipmodule m l 0x1", HL_ARGV_MODULE, false, "m", "",
		    "l", "", 4 },
		{ "P -installipmodule m hsm=1 slot=1 0x1", HL_ARGV_MODULE, true,
		    "m", "", "", "", 5 },
		{ "P -hsmgetlicense l slot=1 t", HL_ARGV_GET_LICENSE, true, "l",
		    "t", "", "", -1 },
		{ "P -hsmglfcb c l", HL_ARGV_LICENSE_FROM_CERT, true, "l", "",
		    "", "c", -1 },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_argv_use *u;
		struct line l;
		hl_argv a;

		parse(&a, &l, rows[i].line);
		u = &a.use[0];
		assert_int_equal(a.n, 1);
		assert_int_equal(u->kind, rows[i].kind);
		assert_int_equal(u->hsm, rows[i].hsm);
		assert_int_equal(u->slot, 1);
		assert_string_equal(u->file, rows[i].file);
		assert_string_equal(u->tfa ? u->tfa : "", rows[i].tfa);
		assert_string_equal(
		    u->license ? u->license : "", rows[i].license);
		assert_string_equal(
		    u->certificate ? u->certificate : "", rows[i].certificate);
		assert_int_equal(u->address_at, rows[i].address_at);
	}
}

static void
what_is_left(void **state)
{
	static const struct {
		const char *line;
		bool other, tool;
	} rows[] = {
		{ "P", false, false },
		{ C "-hsmgetlicense l", false, false },
		{ C "-hsmgetlicense l -vb 3 -q -log f -y", false, false },
		{ C "-hsmgetlicense l -rst", true, true },
		{ "P -hsmglfcb c l", false, false },
		{ "P word -hsmglfcb c l", true, true },
		{ C "-sfi a hsm=1 -rsse R -el E", false, true },
		{ C "-sfi a l", false, true },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		struct line l;
		hl_argv a;

		parse(&a, &l, rows[i].line);
		assert_int_equal(a.other, rows[i].other);
		assert_int_equal(hl_argv_needs_tool(&a), rows[i].tool);
	}
}

static void
license_paths(void **state)
{
	static const char *const bad[] = { NULL, "", "-l", "hsm=1", "slot=1",
		"PROTOCOL=live", "hsm", "=1", "/a hsm=1/l" };
	struct line l;
	hl_argv a;

	(void)state;
	parse(&a, &l, C "-sfi a hsm=1");
	for (size_t i = 0; i < HL_COUNT(bad); i++) {
		const char *none = NULL, **out = &none;
		hl_err err = { 0 };

		assert_int_equal(
		    hl_argv_rewrite(&a, l.argc, l.argv, &bad[i], &out, &err),
		    HL_EUSAGE);
		assert_null(out);
		assert_true(err.why[0] != '\0');
	}
}

static void
module_rows(void **state)
{
	static const struct {
		const char *text;
		bool asks;
	} rows[] = {
		{ "", false },
		{ "# Module path, LicensePath.bin or HSM FW ID, Address\n",
		    false },
		{ "# x\n./m.smu, lic.bin, 0x8172000\n", false },
		{ "# x\r\n./m.smu,lic.BIN,0x8172000\r\n\r\n", false },
		{ "a.smu, l.bin , 0x1\nb.smu,\tk.bin, 0x2", false },
		{ "./m.smu, H5_FWID, 0x8172000\n", true },
		{ "a.smu, l.bin, 0x1\nb.smu, FW, 0x2\n", true },
		{ "a.smu, l.bin, 0x1\rb.smu, FW, 0x2\n", true },
		{ "  a.bin, FW, l.bin\n", true },
		{ "a.smu, FW #.bin, 0x1", false },
		{ "a.smu, .bin, 0x1", true },
		{ "a.smu, , 0x1", true },
		{ "a.smu", true },
		{ "\"a,b.bin\", FW, 0x1", true },
		{ "'a,b.bin', FW, 0x1", true },
		{ "a.smu; l.bin; 0x1", true },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		if (hl_argv_mcsv_asks(rows[i].text, strlen(rows[i].text)) !=
		    rows[i].asks)
			fail_msg("%s", rows[i].text);
	assert_true(hl_argv_mcsv_asks("a\0b, l.bin, 1", 14));
	assert_true(hl_argv_mcsv_asks("\0", 1));
}

/* The shell itself says whether the line means the same words. */
static void
quoted(void **state)
{
	static const char *const words[] = { "printf", "%s\\n", "plain", "",
		"a b", "it's", "$HOME", "`id`", "a\"b", "\\", "*", "~", "#x",
		"x=1", "a;b", "\t", "e\033[31mvil", "\xff", "\xc3\xa9t\xc3\xa9",
		"!1", "a'\n'b", "-sfi", "hsm=0", "=x", NULL };
	char got[4096], want[4096], path[] = "/tmp/hl-argv-XXXXXX";
	char command[sizeof(path) + 8];
	hl_buf line = HL_BUF_INIT;
	size_t n = 0;
	FILE *f;

	(void)state;
	hl_argv_quote(words, &line);
	assert_false(line.failed);
	for (size_t i = 0; i < line.n; i++)
		assert_true(line.p[i] >= 0x20 && line.p[i] != 0xff);
	for (size_t i = 2; words[i] != NULL; i++)
		n += (size_t)snprintf(
		    want + n, sizeof(want) - n, "%s\n", words[i]);
	assert_non_null(f = fdopen(mkstemp(path), "w"));
	assert_true(fprintf(f, "%s\n", hl_buf_str(&line)) > 0);
	assert_int_equal(fclose(f), 0);
	(void)snprintf(command, sizeof(command), "bash %s", path);
	assert_non_null(f = popen(command, "r"));
	got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
	assert_int_equal(pclose(f), 0);
	assert_string_equal(got, want);
	(void)unlink(path);
	hl_buf_free(&line);
}

/* VAR=x as a first word would be no program. */
static void
quoted_program(void **state)
{
	static const char *const words[] = { "a=b", "a=b", NULL };
	hl_buf line = HL_BUF_INIT;

	(void)state;
	hl_argv_quote(words, &line);
	assert_string_equal(hl_buf_str(&line), "'a=b' a=b");
	hl_buf_free(&line);
}

static void
quoted_plainly(void **state)
{
	static const char *const words[] = { "/opt/st/bin/STM32_Programmer_CLI",
		"-c", "port=SWD", "-sfi", "my image.sfi", "hsm=0", "/l/1.bin",
		NULL };
	hl_buf line = HL_BUF_INIT;

	(void)state;
	hl_argv_quote(words, &line);
	assert_string_equal(hl_buf_str(&line),
	    "/opt/st/bin/STM32_Programmer_CLI -c port=SWD -sfi 'my image.sfi' "
	    "hsm=0 /l/1.bin");
	hl_buf_free(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rewritten),
		cmocka_unit_test(refused),
		cmocka_unit_test(misprint_is_named),
		cmocka_unit_test(sfi_fields),
		cmocka_unit_test(operands_are_named),
		cmocka_unit_test(what_is_left),
		cmocka_unit_test(license_paths),
		cmocka_unit_test(module_rows),
		cmocka_unit_test(quoted),
		cmocka_unit_test(quoted_program),
		cmocka_unit_test(quoted_plainly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
