/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The H75x rows are those of AN5054, figure 15. The output of -ob displ has the
 * form that public documentation of bootloaders shows for STM32L5 and STM32H5;
 * its head is of a forum (v2.21.0).
 */
#include "flow/option_bytes.h"

#include "crypto/hexvec.h"
#include "util/buf.h"

#define H75X                                                                   \
	"FOPTSR_PRG, 0x1026AAD0\n"                                             \
	"FPRAR_PRG_A,0x81000200\n"                                             \
	"FPRAR_PRG_B,0x81000200\n"                                             \
	"FSCAR_PRG_A,0x81000200\n"                                             \
	"FSCAR_PRG_B,0x81000200\n"                                             \
	"FWPSN_PRG_A,0xFFFFFFFF\n"                                             \
	"FWPSN_PRG_B,0xFFFFFFFF\n"                                             \
	"FBOOT7_PRG,0x24000800\n"                                              \
	"RESERVED,0x10000810\n"

static hl_option_bytes ob;

/* From the heap, so that a sanitizer sees one byte too many. */
static hl_rc
parse(const void *text, size_t n, hl_err *err)
{
	vec v = vec_copy(text, n);
	const hl_rc rc = hl_option_bytes_parse(&ob, v.p, v.n, err);

	vec_free(&v);
	return rc;
}

static void
displ(const char *text)
{
	vec v = vec_copy(text, strlen(text));

	hl_option_bytes_displ(&ob, v.p, v.n);
	vec_free(&v);
}

static void
an5054_example(void **state)
{
	uint32_t rdp = 0, tzen = 77;

	(void)state;
	assert_int_equal(parse(H75X, strlen(H75X), NULL), HL_OK);
	assert_int_equal(ob.n, 9);
	assert_string_equal(ob.row[0].name, "FOPTSR_PRG");
	assert_int_equal(ob.row[0].value, 0x1026AAD0);
	assert_string_equal(ob.row[8].name, "RESERVED");
	assert_int_equal(ob.row[8].value, 0x10000810);
	assert_int_equal(ob.row[8].line, 9);
	assert_true(hl_option_bytes_h7(&ob));
	assert_int_equal(hl_option_bytes_find(&ob, HL_OB_RDP, 0, &rdp), 0);
	assert_int_equal(rdp, HL_RDP_LEVEL_0);
	assert_int_equal(hl_option_bytes_find(&ob, HL_OB_RDP, 1, &rdp), 9);
	assert_int_equal(hl_option_bytes_find(&ob, HL_OB_TZEN, 0, &tzen), 9);
	assert_int_equal(tzen, 77);
}

/* Each is RDP 0xAA and TZEN 0, in this order. */
static void
spellings(void **state)
{
	static const struct {
		const char *why, *text;
	} rows[] = {
		{ "comma", "RDP,0xAA\nTZEN,0\n" },
		{ "blank behind the comma", "RDP, 0xAA\nTZEN, 0x0\n" },
		{ "semicolon", "RDP;0xAA\nTZEN;0\n" },
		{ "tab", "RDP\t0xAA\nTZEN\t0\n" },
		{ "blanks", "RDP 0xAA\nTZEN     0\n" },
		{ "blanks around", "  RDP  ,  0xAA  \n\tTZEN,0\t\n" },
		{ "no line end at the end", "RDP,0xAA\nTZEN,0" },
		{ "CR LF", "RDP,0xAA\r\nTZEN,0\r\n" },
		{ "CR", "RDP,0xAA\rTZEN,0\r" },
		{ "byte order mark", "\xef\xbb\xbfRDP,0xAA\nTZEN,0\n" },
		{ "quotes", "\"RDP\",\"0xAA\"\n\"TZEN\";\"0\"\n" },
		{ "quotes with blanks", "\" RDP \" , \" 0xAA\"\nTZEN,\"0\"\n" },
		{ "titles", "Register,Value\nRDP,0xAA\nTZEN,0\n" },
		{ "titles with blanks", "Name Value\nRDP 0xAA\nTZEN 0\n" },
		{ "titles in quotes",
		    "\"Register name\";\"Hex\"\nRDP;170\n"
		    "TZEN;0\n" },
		{ "title of one word", "SFI_OB_U5\nRDP,0xAA\nTZEN,0\n" },
		{ "decimal", "RDP,170\nTZEN,0\n" },
		{ "hex without 0x", "RDP,AA\nTZEN,00\n" },
		{ "0X", "RDP,0XaA\nTZEN,0X0\n" },
		{ "leading zeros", "RDP,0x000000AA\nTZEN,0000\n" },
		{ "lower case", "rdp,0xaa\ntzen,0\n" },
		{ "comment lines",
		    "# one\n// two\n;three\nRDP,0xAA\n  # four\n"
		    "TZEN,0\n" },
		{ "empty lines",
		    "\n\n , \n;;\nRDP,0xAA\n,,,\n\"\",\"\"\n"
		    "TZEN,0\n\n" },
		{ "comments behind",
		    "RDP,0xAA # level 0\nTZEN,0 // 1 later\n" },
		{ "words of the tool",
		    "RDP 0xAA (Level 0, no protection)\n"
		    "TZEN 0x0 (off 1 on)\n" },
		{ "a third column", "RDP,0xAA,Level 0\nTZEN,0,be careful,\n" },
		{ "empty columns behind", "RDP,0xAA,,,\nTZEN,0,,,\n" },
		{ "Latin-1 in a comment", "# gr\xfc\xdf\nRDP,0xAA\nTZEN,0\n" },
		{ "with _CUR", "RDP_CUR,0xAA\nTZEN_PRG,0\n" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		uint32_t rdp = 1, tzen = 1;
		hl_err err = { 0 };

		CHECK(parse(rows[i].text, strlen(rows[i].text), &err) == HL_OK,
		    rows[i].why);
		CHECK(err.rc == HL_OK && ob.n == 2, rows[i].why);
		CHECK(hl_option_bytes_find(&ob, HL_OB_RDP, 0, &rdp) == 0,
		    rows[i].why);
		CHECK(hl_option_bytes_find(&ob, HL_OB_TZEN, 0, &tzen) == 1,
		    rows[i].why);
		CHECK(rdp == 0xAA && tzen == 0, rows[i].why);
		CHECK(!hl_option_bytes_h7(&ob), rows[i].why);
	}
}

static void
registers(void **state)
{
	static const struct {
		const char *text;
		uint32_t rdp, tzen; /* 99: not told */
	} rows[] = {
		{ "FLASH_OPTR,0x1FEFF8AA", 0xAA, 0 },
		{ "FLASH_OPTR,0x9FEFF855", 0x55, 1 },
		{ "OPTR,0x80000000", 0, 1 },
		{ "FOPTR_PRG,0x7FFFFFAA", 0xAA, 0 },
		{ "FLASH_OPTR_CUR,0xFFFFFFCC", 0xCC, 1 },
		{ "FOPTSR_CUR,0x00AA00", 0xAA, 99 },
		{ "FLASH_OPTSR_PRG,0xAABB00CC", 0x00, 99 },
		{ "optsr,0x1BF6BBF0", 0xBB, 99 },
		{ "TZEN,0xB4", 99, 0xB4 },
		{ "OPTR2,0xAA", 99, 99 },
		{ "FOPTSR2_PRG,0xAAAAAA", 99, 99 },
		{ "RDPX,0xAA", 99, 99 },
		{ "_PRG_RDP_X,0xAA", 99, 99 },
		{ "nRDP,0xAA", 99, 99 },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		uint32_t rdp = 99, tzen = 99;
		const hl_rc rc =
		    parse(rows[i].text, strlen(rows[i].text), NULL);

		if (rows[i].text[0] == '_') {
			CHECK(rc == HL_EINPUT, rows[i].text);
			continue;
		}
		CHECK(rc == HL_OK && ob.n == 1, rows[i].text);
		(void)hl_option_bytes_find(&ob, HL_OB_RDP, 0, &rdp);
		(void)hl_option_bytes_find(&ob, HL_OB_TZEN, 0, &tzen);
		CHECK(rdp == rows[i].rdp && tzen == rows[i].tzen, rows[i].text);
	}
}

static void
names_that_stand_twice(void **state)
{
	static const char text[] = "A,1\nRDP,0xBB\na,2\nB,3\nrdp,0xAA\nA,4\n";
	uint32_t rdp = 0;

	(void)state;
	assert_int_equal(parse(text, strlen(text), NULL), HL_OK);
	assert_int_equal(ob.n, 6);
	assert_int_equal(ob.row[0].same, 0);
	assert_int_equal(ob.row[1].same, 0);
	assert_int_equal(ob.row[2].same, 1);
	assert_int_equal(ob.row[3].same, 0);
	assert_int_equal(ob.row[4].same, 2);
	assert_int_equal(ob.row[5].same, 1);
	assert_int_equal(hl_option_bytes_find(&ob, HL_OB_RDP, 0, &rdp), 1);
	assert_int_equal(rdp, 0xBB);
	assert_int_equal(hl_option_bytes_find(&ob, HL_OB_RDP, 2, &rdp), 4);
	assert_int_equal(rdp, 0xAA);
}

static void
refused(void **state)
{
	static const struct {
		const char *why, *text, *says;
	} rows[] = {
		{ "empty", "", "no option byte" },
		{ "blanks", " \n\t\n,,\n", "no option byte" },
		{ "comments", "# RDP,0xAA\n", "no option byte" },
		{ "titles alone", "Register,Value\n", "no option byte" },
		{ "two rows of titles", "Register,Value\nName,Hex\nA,1\n",
		    "line 2" },
		{ "a word for a value", "A,1\nRDP,high\n", "line 2" },
		{ "titles below a row", "A,1\nName,Value\n", "line 2" },
		{ "the level in words is no title", "RDP,Level 0\nA,1\n",
		    "line 1" },
		{ "FLASH_OPTR without value", "FLASH_OPTR\nA,1\n", "line 1" },
		{ "a value in the column of the name",
		    "RDP 0xAA, level 0\nA,1\n", "line 1" },
		{ "the same, whatever the name", "A 5 ; x, y\nB 1\n",
		    "line 1" },
		{ "a digit that is none", "RDP,0xAG\nTZEN,0\n", "\"0xAG\"" },
		{ "above 32 bits", "A,1\nRDP,0x100000000\n", "32 bits" },
		{ "far above", "A,1\nB,99999999999999999999999999\n",
		    "32 bits" },
		{ "no digit", "A,1\nRDP,0x\n", "\"0x\"" },
		{ "negative", "A,1\nRDP,-1\n", "\"-1\"" },
		{ "no value", "A,1\nRDP,\n", "line 2 has no value" },
		{ "no value, no separator", "A,1\nRDP\n",
		    "line 2 has no value" },
		{ "no name", "A,1\n,0xAA\n", "line 2 has no register name" },
		{ "a number for a name", "A,1\n7,0xAA\n", "\"7\"" },
		{ "line numbers", "1 FOPTSR_PRG, 0x1026AAD0\n",
		    "\"1 FOPTSR_PRG\"" },
		{ "a quote that is not closed", "A,1\n\"RDP,0xAA\n", "line 2" },
		{ "the same at the beginning", "\"RDP,0xAA\nA,1\n", "line 1" },
		{ "two values", "RDP,0xAA,0xBB\n", "more than one value" },
		{ "two values, blanks", "RDP 0xAA 0xBB\n",
		    "more than one value" },
		{ "two values in a field", "RDP,0xAA 0xBB\n",
		    "more than one value" },
		{ "control character", "RDP,0xAA\n\x1b[31m", "byte 9 is 0x1B" },
		{ "name of Latin-1", "A,1\nR\xdc,2\n", "no name" },
		{ "UTF-16", "\xff\xfeR", "UTF-16" },
		{ "UTF-16, other order", "\xfe\xffR", "UTF-16" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_err err = { 0 };

		CHECK(parse(rows[i].text, strlen(rows[i].text), &err) ==
			HL_EINPUT,
		    rows[i].why);
		CHECK(err.rc == HL_EINPUT && err.hint[0] != '\0', rows[i].why);
		CHECK(strstr(err.why, rows[i].says) != NULL, rows[i].why);
	}
}

static void
refused_for_their_size(void **state)
{
	char name[HL_OB_NAME + 8];
	hl_buf text = HL_BUF_INIT;
	hl_err err = { 0 };

	(void)state;
	assert_int_equal(parse("RDP,0xAA\0", 9, NULL), HL_EINPUT);
	for (int i = 0; i < HL_OB_ROWS; i++)
		hl_buf_printf(&text, "R%d,%d\n", i, i);
	assert_int_equal(parse(text.p, text.n, NULL), HL_OK);
	assert_int_equal(ob.n, HL_OB_ROWS);
	hl_buf_printf(&text, "X,1\n");
	assert_int_equal(parse(text.p, text.n, &err), HL_EINPUT);
	assert_non_null(strstr(err.why, "line 257"));
	hl_buf_reset(&text);
	memset(name, 'R', sizeof(name));
	hl_buf_printf(&text, "%.*s,1\n", HL_OB_NAME - 1, name);
	assert_int_equal(parse(text.p, text.n, NULL), HL_OK);
	hl_buf_reset(&text);
	hl_buf_printf(&text, "%.*s,1\n", HL_OB_NAME, name);
	assert_int_equal(parse(text.p, text.n, NULL), HL_EINPUT);
	hl_buf_free(&text);
}

static void
shown_by_the_tool(void **state)
{
	static const char text[] =
	    "ST-LINK SN  : 50FF6D065052784825260567\n"
	    "Voltage     : 3,26V\n"
	    "Device ID   : 0x478\n"
	    "UPLOADING OPTION BYTES DATA ...\n"
	    "  Bank          : 0x00\n"
	    "  Size          : 8 Bytes\n"
	    "\n"
	    "OPTION BYTES BANK: 0\n"
	    "\n"
	    "   Read Out Protection:\n"
	    "\n"
	    "     RDP          : 0xAA (Level 0, no protection) \r\n"
	    "\x1b[32m     TZEN         : 0x1 (Global TrustZone security "
	    "enabled)\x1b[0m\n"
	    "     IO_VDDIO2_HSLV: 0x0  (0x0)\n"
	    "10:15:42 :      WRP1A_PSTRT  : 0x7F  (0x807F000)\n"
	    "10:15:42:123 : \x1b[0mWRP1A_PEND:0x0(0x8000000)\n"
	    "10:15:42 : WRP1B_PEND : 0x3\n"
	    "     nWRP0 : on\n";
	static const struct {
		const char *name;
		uint32_t value;
		unsigned line;
	} want[] = {
		{ "Bank", 0, 5 },
		{ "RDP", 0xAA, 12 },
		{ "TZEN", 1, 13 },
		{ "IO_VDDIO2_HSLV", 0, 14 },
		{ "WRP1A_PSTRT", 0x7F, 15 },
		{ "WRP1A_PEND", 0, 16 },
		{ "WRP1B_PEND", 3, 17 },
	};

	(void)state;
	displ(text);
	assert_int_equal(ob.n, HL_COUNT(want));
	for (size_t i = 0; i < HL_COUNT(want); i++) {
		CHECK(strcmp(ob.row[i].name, want[i].name) == 0, want[i].name);
		CHECK(ob.row[i].value == want[i].value, want[i].name);
		CHECK(ob.row[i].line == want[i].line, want[i].name);
	}
}

static void
nothing_shown(void **state)
{
	static const char *const texts[] = { "", "\n", "RDP",
		"RDP :", "RDP : ", "RDP : AA", "RDP : 0x", "RDP 0xAA", ": 0xAA",
		"\x1b[", "\x1b", "12:34:56", "12:34:56 :", "12:34:56 : RDP",
		"2 RDP : 0xAA", "RDP : 0xAA00000000", "Device ID : 0x450" };
	hl_buf many = HL_BUF_INIT;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(texts); i++) {
		displ(texts[i]);
		CHECK(ob.n == 0, texts[i]);
	}
	for (int i = 0; i < HL_OB_ROWS + 10; i++)
		hl_buf_printf(&many, "R%d : 0x%x\n", i, (unsigned)i);
	displ(hl_buf_str(&many));
	assert_int_equal(ob.n, HL_OB_ROWS);
	hl_buf_free(&many);
}

static void
levels(void **state)
{
	(void)state;
	assert_string_equal(hl_rdp_words(0xAA), "level 0");
	assert_string_equal(hl_rdp_words(0x55), "level 0.5");
	assert_string_equal(hl_rdp_words(0xCC), "level 2");
	assert_string_equal(hl_rdp_words(0xBB), "level 1");
	assert_string_equal(hl_rdp_words(0), "level 1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an5054_example),
		cmocka_unit_test(spellings),
		cmocka_unit_test(registers),
		cmocka_unit_test(names_that_stand_twice),
		cmocka_unit_test(refused),
		cmocka_unit_test(refused_for_their_size),
		cmocka_unit_test(shown_by_the_tool),
		cmocka_unit_test(nothing_shown),
		cmocka_unit_test(levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
