/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/proof_file.h"

#include "crypto/hash.h"
#include "crypto/hexvec.h"
#include "ledger/keys.h"

#define MAGIC "c2sp.org/tlog-proof@v1\n"
#define HASH "t0Otb2DMH9wbFvAmkBJ7kkmIosz/OvX2CPCxKYSXY8Y=\n"
/* made by another program, verified by Go's tlog package and openssl */
#define TV_PROOF MAGIC "index 2\n" HASH "\n" TV_CHECKPOINT

static hl_hash
hash_of(const char *hex)
{
	vec v = vec_of(hex);
	hl_hash h;

	assert_int_equal(v.n, sizeof(h.b));
	memcpy(h.b, v.p, v.n);
	vec_free(&v);
	return h;
}

/* Leaf hashes of the golden tree. */
static hl_hash
leaf(int i)
{
	static const char *const hex[] = { "1c2d4b20954621a0282645a794354e29"
					   "693b9b8e92a7bef376384c0e9edccf19",
		"ba066a0768fb093639ccaed66f3181a4"
		"344f685bd42357edc19001f0e07ae039",
		"011a6ce0ee2a932d804d18676f6b74e4"
		"8b3d869f2c088a84d4c01293f60e8185" };

	return hash_of(hex[i]);
}

static void
the_golden_proof_is_made_byte_for_byte(void **state)
{
	const hl_hash a = leaf(0), b = leaf(1);
	hl_buf out = HL_BUF_INIT;
	hl_proof p = { .n = 1 };

	(void)state;
	assert_int_equal(hl_node_hash(&a, &b, &p.h[0], NULL), HL_OK);
	assert_int_equal(hl_proof_file_put(&out, 2, &p, TV_CHECKPOINT,
			     strlen(TV_CHECKPOINT), NULL),
	    HL_OK);
	assert_string_equal(hl_buf_str(&out), TV_PROOF);
	hl_buf_free(&out);
}

static void
the_golden_proof_is_read(void **state)
{
	const hl_hash c = leaf(2);
	hl_proof_file f;
	hl_hash root;

	(void)state;
	assert_int_equal(
	    hl_proof_file_parse(TV_PROOF, strlen(TV_PROOF), &f, NULL), HL_OK);
	assert_int_equal(f.index, 2);
	assert_int_equal(f.proof.n, 1);
	assert_int_equal(f.checkpoint.size, 3);
	assert_string_equal(f.checkpoint.origin, TV_ORIGIN);
	assert_int_equal(f.note.sigs_n, 2);
	assert_int_equal(hl_node_hash(&f.proof.h[0], &c, &root, NULL), HL_OK);
	assert_true(hl_hash_equal(&root, &f.checkpoint.root));
}

static const struct {
	const char *why, *text, *says; /* NULL: good */
	size_t hashes;
} files[] = {
	{ "no hash (a tree of one)", MAGIC "index 0\n\n" TV_CHECKPOINT, NULL,
	    0 },
	{ "two hashes", MAGIC "index 2\n" HASH HASH "\n" TV_CHECKPOINT, NULL,
	    2 },
	{ "extra data", MAGIC "extra Zm9v\nindex 2\n\n" TV_CHECKPOINT, NULL,
	    0 },
	{ "no extra data", MAGIC "extra \nindex 2\n\n" TV_CHECKPOINT, NULL,
	    0 },
	{ "extra data twice",
	    MAGIC "extra Zm9v\nextra Zm9v\nindex 2\n\n" TV_CHECKPOINT, "index",
	    0 },
	{ "extra data that is none",
	    MAGIC "extra Zm9\nindex 2\n\n" TV_CHECKPOINT, "index", 0 },
	{ "extra data below", MAGIC "index 2\nextra Zm9v\n\n" TV_CHECKPOINT,
	    "base64", 0 },
	{ "empty", "", "first line", 0 },
	{ "other version", "c2sp.org/tlog-proof@v2\nindex 2\n\n" TV_CHECKPOINT,
	    "first line", 0 },
	{ "blank behind the first line",
	    "c2sp.org/tlog-proof@v1 \nindex 2\n\n" TV_CHECKPOINT, "first line",
	    0 },
	{ "CR LF", "c2sp.org/tlog-proof@v1\r\nindex 2\r\n\r\n", "first line",
	    0 },
	{ "first line alone", MAGIC, "cut off", 0 },
	{ "extra alone", MAGIC "extra Zm9v\n", "cut off", 0 },
	{ "no index", MAGIC HASH "\n" TV_CHECKPOINT, "index", 0 },
	{ "index without number", MAGIC "index\n\n" TV_CHECKPOINT, "index",
	    0 },
	{ "leading zero", MAGIC "index 02\n\n" TV_CHECKPOINT, "index", 0 },
	{ "minus", MAGIC "index -1\n\n" TV_CHECKPOINT, "index", 0 },
	{ "plus", MAGIC "index +1\n\n" TV_CHECKPOINT, "index", 0 },
	{ "two blanks", MAGIC "index  1\n\n" TV_CHECKPOINT, "index", 0 },
	{ "index 2^64", MAGIC "index 18446744073709551616\n\n" TV_CHECKPOINT,
	    "index", 0 },
	{ "index as large as the tree", MAGIC "index 3\n\n" TV_CHECKPOINT,
	    "reach", 0 },
	{ "no blank line", MAGIC "index 2\n" HASH TV_CHECKPOINT, "base64", 0 },
	{ "nothing below the hashes", MAGIC "index 2\n" HASH, "blank line",
	    0 },
	{ "no checkpoint", MAGIC "index 2\n" HASH "\n", "note", 0 },
	{ "two blank lines", MAGIC "index 2\n" HASH "\n\n" TV_CHECKPOINT,
	    "origin", 0 },
	{ "an empty hash between", MAGIC "index 2\n" HASH "\n" HASH, "blank",
	    0 },
	{ "hash of 31 bytes",
	    MAGIC "index 2\nt0Otb2DMH9wbFvAmkBJ7kkmIosz/OvX2CPCxKYSXYw==\n\n"
	    TV_CHECKPOINT, "base64", 0 },
	{ "hash not canonical",
	    MAGIC "index 2\nt0Otb2DMH9wbFvAmkBJ7kkmIosz/OvX2CPCxKYSXY8Z=\n\n"
	    TV_CHECKPOINT, "base64", 0 },
	{ "checkpoint not signed", MAGIC "index 2\n" HASH "\n" TV_BODY,
	    "blank line", 0 },
	{ "no checkpoint but another note", MAGIC "index 2\n\n" FOO_NOTE,
	    "size", 0 },
};

static void
files_are_read_strictly(void **state)
{
	hl_proof_file f, was;

	(void)state;
	memset(&f, 0x5a, sizeof(f));
	was = f;
	for (size_t i = 0; i < HL_COUNT(files); i++) {
		vec v = vec_copy(files[i].text, strlen(files[i].text));
		hl_err err = { 0 };
		hl_rc rc = hl_proof_file_parse(v.p, v.n, &f, &err);

		CHECK(rc == (files[i].says == NULL ? HL_OK : HL_EINPUT),
		    files[i].why);
		if (rc == HL_OK) {
			CHECK(f.proof.n == files[i].hashes, files[i].why);
			f = was;
		} else {
			CHECK(strstr(err.why, files[i].says) != NULL,
			    files[i].why);
			CHECK(memcmp(&f, &was, sizeof(f)) == 0, files[i].why);
		}
		vec_free(&v);
	}
}

static void
at_most_64_hashes(void **state)
{
	hl_buf lines = HL_BUF_INIT, file = HL_BUF_INIT;
	hl_proof_file f;
	hl_proof p;

	(void)state;
	for (size_t i = 0; i < HL_PROOF_MAX; i++)
		hl_buf_printf(&lines, HASH);
	hl_buf_printf(
	    &file, MAGIC "index 2\n%s\n" TV_CHECKPOINT, hl_buf_str(&lines));
	assert_int_equal(hl_proof_lines_parse(lines.p, lines.n, &p, NULL), 0);
	assert_int_equal(p.n, HL_PROOF_MAX);
	assert_int_equal(hl_proof_file_parse(file.p, file.n, &f, NULL), HL_OK);
	assert_int_equal(f.proof.n, HL_PROOF_MAX);
	hl_buf_printf(&lines, HASH);
	hl_buf_reset(&file);
	hl_buf_printf(
	    &file, MAGIC "index 2\n%s\n" TV_CHECKPOINT, hl_buf_str(&lines));
	assert_int_equal(
	    hl_proof_lines_parse(lines.p, lines.n, &p, NULL), HL_EINPUT);
	assert_int_equal(
	    hl_proof_file_parse(file.p, file.n, &f, NULL), HL_EINPUT);
	hl_buf_free(&lines);
	hl_buf_free(&file);
}

static void
writing_refuses(void **state)
{
	hl_buf out = HL_BUF_INIT;
	hl_proof p = { .n = 0 };

	(void)state;
	assert_int_equal(hl_proof_file_put(&out, 3, &p, TV_CHECKPOINT,
			     strlen(TV_CHECKPOINT), NULL),
	    HL_EINPUT);
	assert_int_equal(hl_proof_file_put(&out, 2, &p, TV_CHECKPOINT,
			     strlen(TV_CHECKPOINT) - 1, NULL),
	    HL_EINPUT);
	assert_int_equal(
	    hl_proof_file_put(&out, 0, &p, FOO_NOTE, strlen(FOO_NOTE), NULL),
	    HL_EINPUT);
	assert_int_equal(out.n, 0);
}

static void
lines_of_hashes(void **state)
{
	static const struct {
		const char *why, *text;
		bool good;
		size_t n;
	} rows[] = {
		{ "none", "", true, 0 },
		{ "one", HASH, true, 1 },
		{ "two", HASH HASH, true, 2 },
		{ "blank line", "\n", false, 0 },
		{ "blank line behind", HASH "\n", false, 0 },
		{ "blank line before", "\n" HASH, false, 0 },
		{ "no line feed", "t0Otb2DMH9wbFvAmkBJ7kkmIosz/OvX2CPCxKYSXY8Y=",
		    false, 0 },
		{ "CR LF",
		    "t0Otb2DMH9wbFvAmkBJ7kkmIosz/OvX2CPCxKYSXY8Y=\r\n", false,
		    0 },
		{ "two in a line", "t0Otb2DMH9wbFvAmkBJ7kkmIosz/OvX2CPCxKYSXY8Y="
		    HASH, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		vec v = vec_copy(rows[i].text, strlen(rows[i].text));
		hl_buf again = HL_BUF_INIT;
		hl_proof p = { .n = 77 };

		CHECK(hl_proof_lines_parse(v.p, v.n, &p, NULL) ==
			(rows[i].good ? HL_OK : HL_EINPUT), rows[i].why);
		CHECK(p.n == (rows[i].good ? rows[i].n : 77), rows[i].why);
		if (rows[i].good) {
			CHECK(hl_proof_lines_put(&again, &p, NULL) == HL_OK,
			    rows[i].why);
			CHECK(strcmp(hl_buf_str(&again), rows[i].text) == 0,
			    rows[i].why);
		}
		hl_buf_free(&again);
		vec_free(&v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_golden_proof_is_made_byte_for_byte),
		cmocka_unit_test(the_golden_proof_is_read),
		cmocka_unit_test(files_are_read_strictly),
		cmocka_unit_test(at_most_64_hashes),
		cmocka_unit_test(writing_refuses),
		cmocka_unit_test(lines_of_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
