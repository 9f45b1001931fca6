/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/checkpoint.h"

#include "crypto/hash.h"
#include "crypto/hexvec.h"
#include "ledger/keys.h"

#define ROOT "NidG7xGmRu0G+OsQsY91Q6QH1JoPJjmNkCYZNryxM3o="

static hl_checkpoint
golden(void)
{
	hl_checkpoint c = { .origin = TV_ORIGIN, .size = 3 };
	vec root = vec_of("362746ef11a646ed06f8eb10b18f7543"
			  "a407d49a0f26398d90261936bcb1337a");

	memcpy(c.root.b, root.p, root.n);
	vec_free(&root);
	return c;
}

static hl_vkey
vkey(const char *text)
{
	hl_vkey k;

	assert_int_equal(hl_vkey_parse(text, &k, NULL), HL_OK);
	return k;
}

static void
the_golden_checkpoint_is_made_byte_for_byte(void **state)
{
	const hl_checkpoint c = golden();
	hl_signer *log = key_rfc8032(1), *witness = key_rfc8032(2);
	hl_buf note = HL_BUF_INIT, body = HL_BUF_INIT;

	(void)state;
	assert_int_equal(hl_checkpoint_body(&c, &body, NULL), HL_OK);
	assert_string_equal(hl_buf_str(&body), TV_BODY);
	assert_int_equal(
	    hl_checkpoint_sign(&note, &c, TV_ORIGIN, log, NULL), HL_OK);
	assert_string_equal(hl_buf_str(&note), TV_BODY "\n" TV_LOG_LINE);
	assert_int_equal(hl_checkpoint_cosign(
			     &note, &c, TV_WITNESS, TV_TIME, witness, NULL),
	    HL_OK);
	assert_string_equal(hl_buf_str(&note), TV_CHECKPOINT);
	/* again: the lines are there already */
	assert_int_equal(
	    hl_checkpoint_sign(&note, &c, TV_ORIGIN, log, NULL), HL_OK);
	assert_int_equal(hl_checkpoint_cosign(
			     &note, &c, TV_WITNESS, TV_TIME, witness, NULL),
	    HL_OK);
	assert_string_equal(hl_buf_str(&note), TV_CHECKPOINT);
	hl_buf_free(&note);
	hl_buf_free(&body);
	hl_signer_close(&log);
	hl_signer_close(&witness);
}

static void
the_golden_checkpoint_is_read(void **state)
{
	const hl_vkey keys[] = { vkey(TV_WITNESS_VKEY), vkey(TV_VKEY),
		vkey(FOO_VKEY) };
	const hl_checkpoint want = golden();
	uint64_t times[3];
	hl_checkpoint c;
	bool verified[3];
	hl_note n;

	(void)state;
	assert_int_equal(hl_checkpoint_read(TV_CHECKPOINT,
			     strlen(TV_CHECKPOINT), &n, &c, NULL),
	    HL_OK);
	assert_string_equal(c.origin, want.origin);
	assert_true(c.size == 3 && hl_hash_equal(&c.root, &want.root));
	assert_int_equal(
	    hl_note_verify(&n, keys, 3, verified, times, NULL), HL_OK);
	assert_true(verified[0] && verified[1] && !verified[2]);
	assert_true(times[0] == TV_TIME && times[1] == 0 && times[2] == 0);
}

/* An origin need not be a key's name, and another name may have signed. */
static void
a_checkpoint_of_rekor(void **state)
{
	const hl_vkey k = vkey(REKOR_VKEY);
	hl_checkpoint c;
	bool verified;
	hl_note n;

	(void)state;
	assert_int_equal(hl_checkpoint_read(REKOR_CHECKPOINT,
			     strlen(REKOR_CHECKPOINT), &n, &c, NULL),
	    HL_OK);
	assert_string_equal(
	    c.origin, "rekor.sigstore.dev - 2605736670972794746");
	assert_int_equal(c.size, 86482791);
	assert_int_equal(
	    hl_note_verify(&n, &k, 1, &verified, NULL, NULL), HL_OK);
}

/* What became of the golden checkpoint: refused, or a line of it is of no known
 * key any more. Then the text is the old one all the same. */
static bool
is_found(const char *p, size_t n)
{
	static hl_vkey keys[2];
	vec v = vec_copy(p, n);
	bool verified[2], found;
	hl_checkpoint c;
	hl_note note;

	if (keys[0].name[0] == '\0') {
		keys[0] = vkey(TV_VKEY);
		keys[1] = vkey(TV_WITNESS_VKEY);
	}
	found = hl_checkpoint_read(v.p, v.n, &note, &c, NULL) != HL_OK ||
	    hl_note_verify(&note, keys, 2, verified, NULL, NULL) != HL_OK;
	if (!found) {
		assert_int_equal(note.text_n, strlen(TV_BODY));
		assert_memory_equal(note.text, TV_BODY, note.text_n);
		found = !verified[0] || !verified[1];
	}
	vec_free(&v);
	return found;
}

static void
every_alteration_is_found(void **state)
{
	char s[sizeof(TV_CHECKPOINT)] = TV_CHECKPOINT;
	const size_t n = sizeof(s) - 1;

	(void)state;
	assert_false(is_found(s, n));
	for (size_t i = 0; i < n; i++) { /* each bit of each byte */
		for (int bit = 0; bit < 8; bit++) {
			s[i] ^= (char)(1 << bit);
			assert_true(is_found(s, n));
			s[i] ^= (char)(1 << bit);
		}
	}
	for (size_t i = 0; i < n; i++) /* cut off */
		assert_true(is_found(s, i));
	for (size_t i = 0; i < n; i++) { /* one byte dropped, and doubled */
		char other[sizeof(s) + 1];

		memcpy(other, s, i);
		memcpy(other + i, s + i + 1, n - i - 1);
		assert_true(is_found(other, n - 1));
		memcpy(other + i + 1, s + i, n - i);
		other[i] = s[i];
		assert_true(is_found(other, n + 1));
	}
	assert_false(is_found(s, n));
}

/* What files are damaged with: line ends, ends of strings, of words, of UTF-8. */
static void
every_byte_replaced(void **state)
{
	static const char by[] = "\0\t\n\r +-/=09AZaz_~\x7f\x80\x94\xc2\xe2\xff";
	char s[sizeof(TV_CHECKPOINT)] = TV_CHECKPOINT;
	const size_t n = sizeof(s) - 1;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const char was = s[i];

		for (size_t v = 0; v < sizeof(by) - 1; v++) {
			s[i] = by[v];
			assert_int_equal(is_found(s, n), s[i] != was);
		}
		s[i] = was;
	}
}

static const struct {
	const char *why, *body, *says; /* NULL: good */
} bodies[] = {
	{ "good", "o\n1\n" ROOT "\n", NULL },
	{ "empty tree", "o\n0\n" ROOT "\n", NULL },
	{ "largest size", "o\n18446744073709551615\n" ROOT "\n", NULL },
	{ "size 2^64", "o\n18446744073709551616\n" ROOT "\n", "size" },
	{ "size of 21 digits", "o\n100000000000000000000\n" ROOT "\n", "size" },
	{ "leading zero", "o\n03\n" ROOT "\n", "size" },
	{ "zeros", "o\n00\n" ROOT "\n", "size" },
	{ "plus", "o\n+3\n" ROOT "\n", "size" },
	{ "minus", "o\n-3\n" ROOT "\n", "size" },
	{ "blank before the size", "o\n 3\n" ROOT "\n", "size" },
	{ "blank behind the size", "o\n3 \n" ROOT "\n", "size" },
	{ "hex", "o\n0x3\n" ROOT "\n", "size" },
	{ "comma", "o\n3,000\n" ROOT "\n", "size" },
	{ "other digits", "o\n\xd9\xa3\n" ROOT "\n", "size" },
	{ "no size", "o\n\n" ROOT "\n", "size" },
	{ "no origin", "\n3\n" ROOT "\n", "origin" },
	{ "delete in the origin", "o\x7f\n3\n" ROOT "\n", "origin" },
	{ "origin with blanks", "o - 1\n3\n" ROOT "\n", NULL },
	{ "31 bytes",
	    "o\n3\nNidG7xGmRu0G+OsQsY91Q6QH1JoPJjmNkCYZNryxMw==\n", "root" },
	{ "33 bytes",
	    "o\n3\nNidG7xGmRu0G+OsQsY91Q6QH1JoPJjmNkCYZNryxM3oA\n", "root" },
	{ "no root", "o\n3\n", "root" },
	{ "empty root", "o\n3\n\n", "root" },
	{ "unused bits set in the root",
	    "o\n3\nNidG7xGmRu0G+OsQsY91Q6QH1JoPJjmNkCYZNryxM3p=\n", "root" },
	{ "no padding",
	    "o\n3\nNidG7xGmRu0G+OsQsY91Q6QH1JoPJjmNkCYZNryxM3o\n", "root" },
	{ "root in two lines",
	    "o\n3\nNidG7xGmRu0G+OsQsY91\nQ6QH1JoPJjmNkCYZNryxM3o=\n", "root" },
	{ "blank behind the root", "o\n3\n" ROOT " \n", "root" },
	{ "root in hex",
	    "o\n3\n362746ef11a646ed06f8eb10b18f7543a407d49a0f26398d90261936bcb1"
	    "337a\n",
	    "root" },
	{ "extension line", "o\n3\n" ROOT "\nTimestamp: 1\n", "extension" },
	{ "blank line", "o\n3\n" ROOT "\n\n", "extension" },
	{ "origin alone", "o\n", "size" },
	{ "two lines swapped", "o\n" ROOT "\n3\n", "size" },
};

static void
bodies_are_read_strictly(void **state)
{
	hl_checkpoint c, was;

	(void)state;
	memset(&c, 0x5a, sizeof(c));
	was = c;
	for (size_t i = 0; i < HL_COUNT(bodies); i++) {
		hl_buf b = HL_BUF_INIT, again = HL_BUF_INIT;
		hl_err err = { 0 };
		hl_note n;
		hl_rc rc;

		hl_buf_printf(
		    &b, "%s\n" DASH "n AAAAAAA=\n", bodies[i].body);
		rc = hl_checkpoint_read(b.p, b.n, &n, &c, &err);
		CHECK(rc == (bodies[i].says == NULL ? HL_OK : HL_EINPUT),
		    bodies[i].why);
		if (rc == HL_OK) {
			CHECK(hl_checkpoint_body(&c, &again, NULL) == HL_OK,
			    bodies[i].why);
			CHECK(strcmp(hl_buf_str(&again), bodies[i].body) == 0,
			    bodies[i].why);
			c = was;
		} else {
			CHECK(strstr(err.why, bodies[i].says) != NULL,
			    bodies[i].why);
			CHECK(memcmp(&c, &was, sizeof(c)) == 0, bodies[i].why);
		}
		hl_buf_free(&again);
		hl_buf_free(&b);
	}
}

static void
origins_have_a_length(void **state)
{
	hl_checkpoint c = golden(), got;
	hl_signer *s = key_rfc8032(1);
	hl_buf note = HL_BUF_INIT;
	hl_note n;

	(void)state;
	memset(c.origin, 'o', HL_ORIGIN_MAX);
	c.origin[HL_ORIGIN_MAX] = '\0';
	assert_int_equal(hl_checkpoint_sign(&note, &c, c.origin, s, NULL), HL_OK);
	assert_int_equal(
	    hl_checkpoint_read(note.p, note.n, &n, &got, NULL), HL_OK);
	assert_string_equal(got.origin, c.origin);
	hl_buf_reset(&note);
	hl_buf_printf(&note, "o%s\n3\n" ROOT "\n\n" TV_LOG_LINE, c.origin);
	assert_int_equal(
	    hl_checkpoint_read(note.p, note.n, &n, &got, NULL), HL_EINPUT);
	hl_buf_free(&note);
	c.origin[HL_ORIGIN_MAX] = 'o'; /* not ended */
	assert_int_equal(hl_checkpoint_body(&c, &note, NULL), HL_EINPUT);
	c.origin[0] = '\0';
	assert_int_equal(hl_checkpoint_body(&c, &note, NULL), HL_EINPUT);
	c.origin[0] = '\n';
	c.origin[1] = '\0';
	assert_int_equal(hl_checkpoint_body(&c, &note, NULL), HL_EINPUT);
	assert_int_equal(note.n, 0);
	hl_signer_close(&s);
}

/* A token's P-256 key beside the file's Ed25519 key: each is enough, both are
 * verified where both are known. */
static void
two_kinds_of_keys_sign_one_checkpoint(void **state)
{
	hl_signer *ed = key_rfc8032(1), *ec = key_p256();
	hl_checkpoint c = golden();
	hl_buf note = HL_BUF_INIT, spki = HL_BUF_INIT;
	uint8_t hash[HL_SHA256_LEN];
	bool verified[2];
	hl_vkey keys[2];
	hl_note n;

	(void)state;
	assert_int_equal(hl_checkpoint_sign(&note, &c, TV_ORIGIN, ed, NULL), 0);
	assert_int_equal(hl_checkpoint_sign(&note, &c, TV_ORIGIN, ec, NULL), 0);
	assert_memory_equal(hl_buf_str(&note), TV_BODY "\n" TV_LOG_LINE,
	    strlen(TV_BODY "\n" TV_LOG_LINE));
	assert_int_equal(hl_note_parse(note.p, note.n, &n, NULL), HL_OK);
	assert_int_equal(n.sigs_n, 2);
	keys[0] = vkey(TV_VKEY);
	assert_int_equal(hl_vkey_make(&keys[1], TV_ORIGIN, HL_NOTE_ECDSA,
			     hl_signer_public(ec), NULL),
	    HL_OK);
	assert_int_equal(
	    hl_public_spki(hl_signer_public(ec), &spki, NULL), HL_OK);
	assert_int_equal(hl_sha256(spki.p, spki.n, hash, NULL), HL_OK);
	assert_memory_equal(n.sigs[1].id, hash, HL_KEY_ID_LEN);
	assert_int_equal(
	    hl_note_verify(&n, keys, 2, verified, NULL, NULL), HL_OK);
	assert_true(verified[0] && verified[1]);
	/* another tree under these signatures */
	note.p[strlen(TV_ORIGIN) + 1] = '4';
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    hl_note_verify(&n, keys + i, 1, verified, NULL, NULL),
		    HL_EINTEGRITY);
	hl_buf_free(&spki);
	hl_buf_free(&note);
	hl_signer_close(&ed);
	hl_signer_close(&ec);
}

static void
a_witness_signs_again_later(void **state)
{
	const hl_vkey k = vkey(TV_WITNESS_VKEY);
	hl_signer *w = key_rfc8032(2);
	hl_checkpoint c = golden();
	hl_buf note = HL_BUF_INIT;
	uint64_t time_s;
	hl_note n;

	(void)state;
	hl_buf_printf(&note, "%s", TV_CHECKPOINT);
	for (uint64_t t = TV_TIME + 2; t >= TV_TIME; t--)
		assert_int_equal(
		    hl_checkpoint_cosign(&note, &c, TV_WITNESS, t, w, NULL), 0);
	assert_int_equal(hl_note_parse(note.p, note.n, &n, NULL), HL_OK);
	assert_int_equal(n.sigs_n, 4);
	assert_int_equal(
	    hl_note_verify(&n, &k, 1, NULL, &time_s, NULL), HL_OK);
	assert_int_equal(time_s, TV_TIME + 2);
	hl_buf_free(&note);
	hl_signer_close(&w);
}

static void
cosigning_refuses(void **state)
{
	hl_signer *w = key_rfc8032(2), *ec = key_p256();
	hl_checkpoint c = golden(), other = c;
	hl_buf note = HL_BUF_INIT;

	(void)state;
	hl_buf_printf(&note, "%s", TV_CHECKPOINT);
	assert_int_equal(hl_checkpoint_cosign(
			     &note, &c, TV_WITNESS, TV_TIME, ec, NULL),
	    HL_EINPUT);
	other.size++;
	assert_int_equal(hl_checkpoint_cosign(
			     &note, &other, TV_WITNESS, TV_TIME, w, NULL),
	    HL_ECONFLICT);
	other = c;
	other.root.b[31] ^= 1;
	assert_int_equal(
	    hl_checkpoint_sign(&note, &other, TV_ORIGIN, w, NULL),
	    HL_ECONFLICT);
	assert_string_equal(hl_buf_str(&note), TV_CHECKPOINT);
	hl_buf_free(&note);
	hl_signer_close(&w);
	hl_signer_close(&ec);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_golden_checkpoint_is_made_byte_for_byte),
		cmocka_unit_test(the_golden_checkpoint_is_read),
		cmocka_unit_test(a_checkpoint_of_rekor),
		cmocka_unit_test(every_alteration_is_found),
		cmocka_unit_test(every_byte_replaced),
		cmocka_unit_test(bodies_are_read_strictly),
		cmocka_unit_test(origins_have_a_length),
		cmocka_unit_test(two_kinds_of_keys_sign_one_checkpoint),
		cmocka_unit_test(a_witness_signs_again_later),
		cmocka_unit_test(cosigning_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
