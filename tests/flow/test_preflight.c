/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each finding, and next to it the same input mended. The rows of -ob displ are
 * as public documentation shows them for STM32L5 and STM32H5; those of H7 and
 * L4 are put together from the reference manuals' names.
 */
#include <stdlib.h>
#include <unistd.h>

#include "flow/preflight.h"

#include "crypto/hexvec.h"
#include "util/buf.h"
#include "util/text.h"

#define U5_BAD "RDP,0xAA\nTZEN,0\n"
#define U5_GOOD "RDP,0x55\nTZEN,1\n"
#define H75X "FOPTSR_PRG, 0x1026AAD0\nFPRAR_PRG_A,0x81000200\n"

/* Names in the order in which they came, notes in parentheses. */
struct seen {
	hl_buf ids;
	unsigned n;
	hl_finding last;
};

static void
see(void *arg, const hl_finding *f)
{
	struct seen *s = arg;
	const char *const texts[] = { f->what, f->why, f->mend };

	hl_buf_printf(&s->ids, f->note ? "%s(%s)" : "%s%s",
	    s->ids.n > 0 ? " " : "", f->id);
	s->n += !f->note;
	s->last = *f;
	for (size_t i = 0; i < HL_COUNT(texts); i++) {
		const size_t n = strlen(texts[i]);

		CHECK(n > 10 && n < HL_FINDING_TEXT - 1, f->id);
		CHECK(hl_text_valid(texts[i], n), f->id);
		CHECK(texts[i][n - 1] != '.', f->id);
	}
	CHECK(f->source != NULL && (f->note || f->source[0] != '\0'), f->id);
	CHECK(hl_finding_known(f->id) == !f->note, f->id);
}

/* Runs it; the last finding is in *last when that is not NULL. */
static void
expect(
    const char *why, const hl_preflight *in, const char *ids, hl_finding *last)
{
	struct seen s = { .ids = HL_BUF_INIT };
	hl_err err = { 0 };
	unsigned n = 99;

	CHECK(hl_preflight_run(in, see, &s, &n, &err) == HL_OK, why);
	if (strcmp(hl_buf_str(&s.ids), ids) != 0)
		fail_msg("%s: found \"%s\", not \"%s\"", why,
		    hl_buf_str(&s.ids), ids);
	CHECK(n == s.n && err.rc == HL_OK, why);
	if (last != NULL)
		*last = s.last;
	hl_buf_free(&s.ids);
}

static hl_preflight
with_csv(const char *csv)
{
	return (hl_preflight){ .csv = csv, .csv_n = strlen(csv) };
}

static void
nothing_to_find(void **state)
{
	const hl_preflight none = { .image = NULL };

	(void)state;
	expect("nothing is known", &none, "", NULL);
}

static void
csv_of_stm32u5(void **state)
{
	static const struct {
		const char *csv, *ids;
	} rows[] = {
		{ U5_BAD, "rdp-level-0 tzen-0" },
		{ U5_GOOD, "" },
		{ "RDP,0xAA\nTZEN,1\n", "rdp-level-0" },
		{ "RDP,0x55\nTZEN,0\n", "tzen-0" },
		{ "RDP,0xBB\nTZEN,1\n", "" },
		{ "RDP,0xCC\nTZEN,1\n", "" },
		{ "FLASH_OPTR,0x1FEFF8AA\n", "rdp-level-0 tzen-0" },
		{ "FLASH_OPTR,0x9FEFF855\n", "" },
		{ "RDP,0x55\n", "(csv-not-told)" },
		{ "TZEN,0\n", "tzen-0 (csv-not-told)" },
		{ "SECWM1_PSTRT,0\n", "(csv-not-told)" },
		/* the second one may be the one that counts */
		{ "RDP,0x55\nTZEN,1\nRDP,0xAA\n", "csv-duplicate rdp-level-0" },
	};
	static const char *const names[] = { "STM32U535", "STM32U535/545",
		"u5" };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_preflight in = with_csv(rows[i].csv);

		for (size_t j = 0; j < HL_COUNT(names); j++) {
			in.device = names[j];
			expect(rows[i].csv, &in, rows[i].ids, NULL);
		}
		in.device = NULL;
		in.device_id = 0x481;
		expect("by device ID", &in, rows[i].ids, NULL);
		in.device_id = 0;
		in.chip_product = "48100000";
		expect("by product ID", &in, rows[i].ids, NULL);
		in.chip_product = NULL;
		in.card_product = "48100000";
		expect("by the card's", &in, rows[i].ids, NULL);
	}
}

static void
csv_of_others(void **state)
{
	static const struct {
		const char *device, *csv, *ids;
	} rows[] = {
		{ NULL, U5_BAD, "device-unknown" },
		{ NULL, "RDP,0xAA\nTZEN,1\n", "device-unknown" },
		{ NULL, "TZEN,0\n", "device-unknown" },
		{ NULL, U5_GOOD, "" },
		{ NULL, "SECWM1_PSTRT,0\n", "" },
		/* AN5054's own example, also when nobody says H7 */
		{ NULL, H75X, "" },
		{ "STM32H753", H75X, "" },
		{ "STM32H7B3", H75X, "" },
		{ "STM32H753", U5_BAD, "" },
		{ "STM32H7", U5_BAD, "(device-not-known) device-unknown" },
		{ "STM32N6", U5_GOOD, "(device-not-known)" },
		{ "STM32L562", U5_BAD, "(csv-not-judged)" },
		{ "STM32L562", U5_GOOD, "" },
		{ "STM32WBA52", "TZEN,0\n", "(csv-not-judged)" },
		{ "STM32L4R9", "RDP,0xAA\n", "" },
		/* product states in the place of RDP levels */
		{ "STM32H573", U5_BAD, "" },
		{ "STM32H7S3", U5_BAD, "" },
		{ "STM32H7S3", "FOPTSR_PRG,0x0000AA00\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_preflight in = with_csv(rows[i].csv);

		in.device = rows[i].device;
		expect(rows[i].csv, &in, rows[i].ids, NULL);
	}
}

static void
csv_says_where(void **state)
{
	hl_preflight in = with_csv("A,1\nFLASH_OPTR,0x800000AA\n");
	hl_finding f;

	(void)state;
	in.device = "U5";
	expect("where", &in, "rdp-level-0", &f);
	assert_non_null(strstr(f.what, "line 2"));
	assert_non_null(
	    strstr(f.what, "RDP in FLASH_OPTR 0x800000AA is 0xAA (level 0)"));
	assert_non_null(strstr(f.why, "STM32U5"));
	assert_non_null(strstr(f.mend, "0x55"));
	assert_non_null(strstr(f.source, "td-p/635458"));
	in = with_csv("A,1\n\nB,2\na,3\nRESERVED,1\nRESERVED,1\n");
	expect("twice", &in, "csv-duplicate", &f);
	assert_non_null(strstr(f.what, "lines 1 and 4"));
}

static void
csv_that_cannot_be_read(void **state)
{
	hl_preflight in = with_csv("RDP,0xZZ\n");
	struct seen s = { .ids = HL_BUF_INIT };
	hl_err err = { 0 };
	unsigned n = 99;

	(void)state;
	/* nothing is said of the rest either */
	in.device = "STM32U5";
	in.has_counter = true;
	in.need = 1;
	assert_int_equal(hl_preflight_run(&in, see, &s, &n, &err), HL_EINPUT);
	assert_int_equal(s.ids.n, 0);
	assert_int_equal(n, 99);
	assert_non_null(strstr(err.why, "line 1"));
	in = with_csv("");
	assert_int_equal(hl_preflight_run(&in, see, &s, &n, NULL), HL_EINPUT);
}

static void
images(void **state)
{
	static const struct {
		const char *path;
		hl_image_kind kind;
	} rows[] = {
		{ "out.sfi", HL_IMAGE_SFI },
		{ "/a/b.c/out.SFIX", HL_IMAGE_SFI },
		{ "x.ssp", HL_IMAGE_SSP },
		{ "x.smu", HL_IMAGE_SMU },
		{ "SFI_OB_U5_4M.csv", HL_IMAGE_CSV },
		{ "x.bin", HL_IMAGE_UNKNOWN },
		{ "sfi", HL_IMAGE_UNKNOWN },
		{ "x.sfi.old", HL_IMAGE_UNKNOWN },
		{ "", HL_IMAGE_UNKNOWN },
		{ "/", HL_IMAGE_UNKNOWN },
	};
	char path[] = "/tmp/hl-preflight-XXXXXX.sfi";
	const int fd = mkstemps(path, 4);

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		CHECK(hl_image_kind_of(rows[i].path) == rows[i].kind,
		    rows[i].path);
	assert_true(fd >= 0);
	assert_int_equal(hl_image_kind_of(path), HL_IMAGE_SFI);
	assert_int_equal(write(fd, "HLIMG1\0", 7), 7);
	assert_int_equal(hl_image_kind_of(path), HL_IMAGE_SFI);
	assert_int_equal(write(fd, "\0", 1), 1);
	assert_int_equal(hl_image_kind_of(path), HL_IMAGE_SIM);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
}

static void
license_types(void **state)
{
	static const struct {
		const char *image, *type;
		bool differs;
	} rows[] = {
		{ "a.sfi", "SFI", false },
		{ "a.sfix", "SFI", false },
		{ "a.sfi", "SFIA", false },
		{ "a.sfi", "SFIG", false },
		{ "a.sfi", "SSP", true },
		{ "a.sfix", "SMU", true },
		{ "a.sfi", "SMUG", true },
		{ "a.ssp", "SSP", false },
		{ "a.ssp", "SFI", true },
		{ "a.ssp", "SFIA", true },
		{ "a.smu", "SMU", false },
		{ "a.smu", "SFI", true },
		{ "a.smu", "ssp", true },
		{ "a.csv", "SSP", false },
		{ "a.ssp", "SSP-SFI", false }, /* of STM32MP2: not known */
		{ "a.ssp", "", false },
		{ "a.ssp", NULL, false },
		{ NULL, "SSP", false },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		/* a series for which nothing else is to be said */
		const hl_preflight in = { .image = rows[i].image,
			.license_type = rows[i].type,
			.device_id = 0x450 };

		expect(rows[i].image, &in,
		    rows[i].differs ? "type-mismatch" : "", NULL);
	}
}

static void
image_of_no_kind(void **state)
{
	hl_preflight in = { .image = "ob.txt",
		.license_type = "SSP",
		.device = "STM32H573",
		.rsse_none = true };

	(void)state;
	expect("no kind", &in, "(image-not-known) rsse-missing", NULL);
	in.rsse_none = false;
	expect("no kind", &in, "(image-not-known)", NULL);
	in.image = "ob.csv";
	expect("a kind", &in, "", NULL);
}

static void
product_ids(void **state)
{
	static const struct {
		const char *chip, *card, *ids, *says;
	} rows[] = {
		{ "45002001", "45002001", "", NULL },
		{ "45002001", "", "", NULL },
		{ "", "45002001", "", NULL },
		{ "45002001", NULL, "", NULL },
		{ "5000200A", "5000200a", "", NULL },
		{ "5000200A", "5000300A", "product-mismatch", "of one series" },
		{ "45002001", "46201002", "product-mismatch",
		    "another series" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_preflight in = { .chip_product = rows[i].chip,
			.card_product = rows[i].card };
		hl_finding f;

		expect(rows[i].chip, &in, rows[i].ids, &f);
		if (rows[i].says == NULL)
			continue;
		CHECK(strstr(f.why, rows[i].says) != NULL, rows[i].chip);
		CHECK(strstr(f.what, rows[i].chip) != NULL, rows[i].chip);
		CHECK(strstr(f.what, rows[i].card) != NULL, rows[i].chip);
	}
}

static void
device_against_certificate(void **state)
{
	static const struct {
		const char *product, *device;
		uint32_t id;
		const char *ids;
	} rows[] = {
		{ "45002001", NULL, 0x450, "" },
		{ "45502001", NULL, 0x455, "" }, /* of no known series */
		{ "45002001", NULL, 0x480, "device-mismatch" },
		{ "45502001", NULL, 0x481, "device-mismatch" },
		{ "45002001", "STM32H753", 0, "" },
		{ "45002001", "STM32H753", 0x450, "" },
		{ "49202013", "STM32WBA", 0, "" },
		{ "5000200A", "STM32MP157", 0, "" },
		{ "45002001", "STM32H735", 0, "device-mismatch" },
		{ "45002001", "STM32U535", 0, "device-mismatch" },
		{ "45002001", "STM32U535", 0x481, "device-mismatch" },
		{ "45502001", "STM32U535", 0, "" },
		{ "", "STM32U535", 0x481, "" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_preflight in = { .chip_product = rows[i].product,
			.device = rows[i].device,
			.device_id = rows[i].id };

		expect(rows[i].product, &in, rows[i].ids, NULL);
	}
}

/* What the certificate says counts, whatever the user calls the chip. */
static void
certificate_counts_first(void **state)
{
	hl_preflight in = with_csv(U5_BAD);

	(void)state;
	in.chip_product = "45002001";
	in.device = "STM32U535";
	expect("H7", &in, "device-mismatch", NULL);
	in.chip_product = "48100000";
	in.device = "STM32H753";
	expect("U5", &in, "device-mismatch rdp-level-0 tzen-0", NULL);
}

static void
firmwares(void **state)
{
	hl_preflight in = { .license_firmware = "blinky-1.2" };

	(void)state;
	expect("not said", &in, "", NULL);
	in.wanted_firmware = "blinky-1.2";
	expect("the same", &in, "", NULL);
	in.wanted_firmware = "blinky-1.3";
	expect("another", &in, "firmware-mismatch", NULL);
	in.license_firmware = "";
	expect("not known", &in, "", NULL);
}

static void
counters(void **state)
{
	static const struct {
		bool has;
		uint32_t counter;
		uint64_t need;
		const char *ids;
	} rows[] = {
		{ true, 10, 10, "" },
		{ true, 9, 10, "counter-low" },
		{ true, 0, 1, "counter-low" },
		{ true, 1, 1, "" },
		{ true, 0, 0, "" },
		{ false, 0, 1, "" },
		{ true, UINT32_MAX, (uint64_t)UINT32_MAX + 1, "counter-low" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_preflight in = { .has_counter = rows[i].has,
			.counter = rows[i].counter,
			.need = rows[i].need };

		expect("counter", &in, rows[i].ids, NULL);
	}
}

static void
rsse_files(void **state)
{
	static const struct {
		const char *device;
		bool needed;
	} rows[] = {
		{ "STM32L5", true },
		{ "STM32WL55", true },
		{ "STM32U5", true },
		{ "STM32WBA52", true },
		{ "STM32H573", true },
		{ "STM32H7S3", true },
		{ "STM32H753", false },
		{ "STM32H7B3", false },
		{ "STM32L4", false },
		{ NULL, false },
	};
	hl_preflight in;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const char *ids = rows[i].needed ? "rsse-missing" : "";

		/* the CSV keeps the notes on it away */
		in = with_csv(U5_GOOD);
		in.device = rows[i].device;
		expect("no image, nothing said", &in, "", NULL);
		in.rsse_none = true;
		expect("said that there is none", &in, ids, NULL);
		in.rsse_none = false;
		in.image = "out.sfix";
		expect("an SFI image", &in, ids, NULL);
		in.rsse_given = true;
		expect("given", &in, "", NULL);
		in.rsse_given = false;
		in.image = "out.smu";
		expect("another image", &in, "", NULL);
	}
}

static void
csv_not_given(void **state)
{
	hl_preflight in = { .image = "out.sfi", .rsse_given = true };

	(void)state;
	expect("series not known", &in, "(csv-not-given)", NULL);
	in.device = "STM32U585";
	expect("STM32U5", &in, "(csv-not-given)", NULL);
	in.device = "STM32H753";
	expect("STM32H7", &in, "", NULL);
	in.device = "STM32U585";
	in.image = "out.ssp";
	expect("no SFI", &in, "", NULL);
}

/* ---- the connected chip ------------------------------------------------- */

#define L5_OPEN                                                                \
	"OPTION BYTES BANK: 0\n\n   Read Out Protection:\n\n"                  \
	"     RDP          : 0xAA (Level 0, no protection)\n"                  \
	"     TZEN         : 0x0 (Global TrustZone security disabled)\n"       \
	"     SECWM1_PSTRT : 0x0  (0x8000000)\n"                               \
	"     SECWM1_PEND  : 0x39  (0x8039000)\n"                              \
	"     WRP1A_PSTRT  : 0x7F  (0x807F000)\n"                              \
	"     WRP1A_PEND   : 0x0  (0x8000000)\n"                               \
	"OPTION BYTES BANK: 1\n"                                               \
	"     WRP2A_PSTRT  : 0x7F  (0x80BF000)\n"                              \
	"     WRP2A_PEND   : 0x0  (0x8040000)\n"
#define H5_OPEN                                                                \
	"     PRODUCT_STATE: 0xED (Open)\n"                                    \
	"     TZEN         : 0xB4 (Trust zone enabled)\n"                      \
	"     SECWM1_STRT  : 0x0  (0x8000000)\n"                               \
	"     SECWM1_END   : 0x1F  (0x803E000)\n"                              \
	"     WRPSGn1      : 0xFFFFFFFF  (0x0)\n"                              \
	"     HDP1_STRT    : 0x1  (0x2000)\n"                                  \
	"     HDP1_END     : 0x0  (0x0)\n"

static void
connected_chip(void **state)
{
	static const struct {
		const char *why, *device, *displ, *ids;
	} rows[] = {
		{ "L5", "STM32L562", L5_OPEN, "" },
		{ "L5 of unknown series", NULL, L5_OPEN, "" },
		{ "H5", "STM32H573", H5_OPEN, "" },
		{ "H5 of unknown series", NULL, H5_OPEN, "" },
		{ "nothing", "STM32L562", "", "(displ-not-told)" },
		{ "no option bytes", "STM32L562", "Error: no target\n",
		    "(displ-not-told)" },
		{ "level 1", "STM32U5", "RDP : 0xBB (Level 1)\n", "rdp-live" },
		{ "level 0.5", "STM32U5", "RDP : 0x55\n", "(rdp-live-0.5)" },
		{ "level 0.5 of unknown series", NULL, "RDP : 0x55\n",
		    "(rdp-live-0.5)" },
		{ "no level 0.5", "STM32H573", "RDP : 0x55\n", "" },
		{ "level 2", NULL, "RDP : 0xCC\n", "rdp-live" },
		{ "no levels", "STM32H573", "RDP : 0xBB\n", "" },
		{ "TZEN on L5", "STM32L562", "TZEN : 0x1\n", "tzen-live-l5" },
		{ "TZEN on U5", "STM32U585", "TZEN : 0x1\n", "" },
		{ "TZEN of unknown series", NULL, "TZEN : 0x1\n", "" },
		{ "WRP of pages", NULL,
		    "WRP1A_PSTRT : 0x0\nWRP1A_PEND : 0x3D\n", "wrp-active" },
		{ "WRP of one page", NULL,
		    "WRP1A_STRT : 0x5\nWRP1A_END : 0x5\n", "wrp-active" },
		{ "WRP of the second bank", NULL,
		    L5_OPEN "WRP2B_PSTRT : 0x1\nWRP2B_PEND : 0x2\n",
		    "wrp-active" },
		{ "WRP, end first", NULL, "WRP1A_END : 0x6\nWRP1A_STRT : 0x5\n",
		    "wrp-active" },
		{ "WRP, ends of others", NULL,
		    "WRP1A_STRT : 0x5\nWRP1B_END : 0x6\n", "" },
		{ "sector on", NULL, "nWRP0 : 0x1\nnWRP1 : 0x0 (active)\n",
		    "wrp-active" },
		{ "sectors off", NULL, "nWRP0 : 0x1\nnWRP1 : 0x1\n", "" },
		{ "groups, a bit on", NULL, "WRPSGn1 : 0xFFFFFFF0\n",
		    "wrp-active" },
		{ "groups, all on", NULL, "WRPSGn2 : 0x0\n", "wrp-active" },
		{ "groups of a small chip", NULL, "WRPSGn1 : 0xFF\n", "" },
		{ "PCROP", NULL, "PCROP1A_STRT : 0x1\nPCROP1A_END : 0x9\n",
		    "pcrop-active" },
		{ "PCROP, start is end: not known", NULL,
		    "PCROP1A_STRT : 0x9\nPCROP1A_END : 0x9\n", "" },
		{ "PCROP off", NULL,
		    "PCROP1A_STRT : 0x1FF\nPCROP1A_END : 0x0\n", "" },
		{ "PCROP of H7", NULL,
		    "PROT_AREA_START1 : 0x0\nPROT_AREA_END1 : 0xFF\n",
		    "pcrop-active" },
		{ "PCROP of a whole bank of H7", NULL,
		    "PROT_AREA_START2 : 0x0\nPROT_AREA_END2 : 0x0\n",
		    "pcrop-active" },
		{ "PCROP of H7 off", NULL,
		    "PROT_AREA_START1 : 0xFF\nPROT_AREA_END1 : 0x0\n", "" },
		{ "all of it", "STM32L562",
		    "RDP : 0xBB\nTZEN : 0x1\nWRP1A_STRT : 0x0\n"
		    "WRP1A_END : 0x1\nPCROP1_STRT : 0x0\nPCROP1_END : 0x1\n",
		    "rdp-live wrp-active pcrop-active tzen-live-l5" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_preflight in = { .device = rows[i].device,
			.displ = rows[i].displ,
			.displ_n = strlen(rows[i].displ) };

		expect(rows[i].why, &in, rows[i].ids, NULL);
	}
}

/* As many as there are: the text stays in its bounds, and names the first. */
static void
many_protected_areas(void **state)
{
	hl_buf text = HL_BUF_INIT;
	hl_preflight in = { .image = NULL };
	hl_finding f;

	(void)state;
	for (int i = 0; i < 100; i++)
		hl_buf_printf(&text, "nWRP%d : 0x0\n", i);
	in.displ = hl_buf_str(&text);
	in.displ_n = text.n;
	expect("many", &in, "wrp-active", &f);
	assert_non_null(strstr(f.what, "nWRP0 0x0, nWRP1 0x0"));
	hl_buf_free(&text);
}

static void
text_from_outside_is_cleaned(void **state)
{
	const hl_preflight in = { .license_firmware = "a\x1b[31m\xff",
		.wanted_firmware = "b" };
	hl_finding f;

	(void)state;
	expect("escape", &in, "firmware-mismatch", &f);
	assert_non_null(strstr(f.what, "\"a?[31m?\""));
}

static void
names_of_findings(void **state)
{
	(void)state;
	assert_true(hl_finding_known("rdp-level-0"));
	assert_false(hl_finding_known("rdp-level-1"));
	assert_false(hl_finding_known("csv-not-told"));
	assert_false(hl_finding_known(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_find),
		cmocka_unit_test(csv_of_stm32u5),
		cmocka_unit_test(csv_of_others),
		cmocka_unit_test(csv_says_where),
		cmocka_unit_test(csv_that_cannot_be_read),
		cmocka_unit_test(images),
		cmocka_unit_test(license_types),
		cmocka_unit_test(image_of_no_kind),
		cmocka_unit_test(product_ids),
		cmocka_unit_test(device_against_certificate),
		cmocka_unit_test(certificate_counts_first),
		cmocka_unit_test(firmwares),
		cmocka_unit_test(counters),
		cmocka_unit_test(rsse_files),
		cmocka_unit_test(csv_not_given),
		cmocka_unit_test(connected_chip),
		cmocka_unit_test(many_protected_areas),
		cmocka_unit_test(text_from_outside_is_cleaned),
		cmocka_unit_test(names_of_findings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
