/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/note.h"

#include <stdio.h>

#include "crypto/hash.h"
#include "crypto/hexvec.h"
#include "ledger/keys.h"

static hl_vkey
vkey(const char *text)
{
	hl_vkey k;

	assert_int_equal(hl_vkey_parse(text, &k, NULL), HL_OK);
	return k;
}

/* Parses and verifies with one key. */
static hl_rc
open_note(const char *text, const char *key, hl_err *err)
{
	const hl_vkey k = vkey(key);
	vec v = vec_copy(text, strlen(text));
	bool verified = false;
	hl_note n;
	hl_rc rc;

	rc = hl_note_parse(v.p, v.n, &n, err);
	if (rc == HL_OK)
		rc = hl_note_verify(&n, &k, 1, &verified, NULL, err);
	assert_int_equal(verified, rc == HL_OK);
	vec_free(&v);
	return rc;
}

#define REKOR_TEXT "Rekor\n798034\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n"
#define REKOR_LINE                                                             \
	DASH "rekor.sigstore.dev wNI9ajBEAiARInWIWyCdyG27CO6LPnPekyw20qO0YJfoa" \
	     "PaowGp/XgIgc+qEHS3+GKVClgqq20uDLet7MCoTURUCRdxwWBHHufk=\n"

static void
published_notes(void **state)
{
	(void)state;
	assert_int_equal(open_note(FOO_NOTE, FOO_VKEY, NULL), HL_OK);
	assert_int_equal(
	    open_note(REKOR_TEXT "\n" REKOR_LINE, REKOR_VKEY, NULL), HL_OK);
	assert_int_equal(open_note(REKOR_CHECKPOINT, REKOR_VKEY, NULL), HL_OK);
	assert_int_equal(open_note(TV_CHECKPOINT, TV_VKEY, NULL), HL_OK);
	assert_int_equal(
	    open_note(TV_CHECKPOINT, TV_WITNESS_VKEY, NULL), HL_OK);
}

static void
parts_of_a_note(void **state)
{
	/* the note of C2SP's page: blank lines in the text, letters beyond
	 * ASCII */
	static const char text[] =
	    "Ognuno sta solo sul cuor della terra\n"
	    "trafitto da un raggio di sole:\n\n\xc3\xa8 subito sera.\n";
	static const char line[] = DASH
	    "quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5d"
	    "dnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
	char whole[sizeof(text) + sizeof(line)];
	hl_note n;

	(void)state;
	snprintf(whole, sizeof(whole), "%s\n%s", text, line);
	assert_int_equal(hl_note_parse(whole, strlen(whole), &n, NULL), HL_OK);
	assert_ptr_equal(n.text, whole);
	assert_int_equal(n.text_n, strlen(text));
	assert_int_equal(n.sigs_n, 1);
	assert_int_equal(n.sigs[0].name_n, strlen("quasimodo.example/salvatore"));
	assert_memory_equal(n.sigs[0].name, "quasimodo.example/salvatore", 27);
	assert_memory_equal(n.sigs[0].id, "\x36\x7b\xa0\x4b", 4);
	assert_int_equal(n.sigs[0].base64_n, 92);
}

#define A64 "AAAAAAA=" /* five bytes: an ID and one of a signature */

static const struct {
	const char *why, *text, *says;
} refused[] = {
	{ "nothing but a line feed", "\n", "no blank line" },
	{ "CR LF",
	    "This is an example message.\r\n\r\n" DASH "example.com/foo " A64
	    "\r\n",
	    "carriage return" },
	{ "CR in a signature line", "t\n\n" DASH "n " A64 "\r\n",
	    "line 3 has a carriage return" },
	{ "no blank line", FOO_TEXT FOO_LINE, "blank line" },
	{ "no last line feed", "t\n\n" DASH "n " A64, "line 3 is not ended" },
	{ "no signature", FOO_TEXT "\n", "no signature" },
	{ "no text", "\n" FOO_LINE, "blank line" },
	{ "a blank line at the end", FOO_NOTE "\n", "no signature" },
	{ "a blank line between signatures", FOO_NOTE "\n" FOO_LINE,
	    NULL /* fine: the upper line is text */ },
	{ "hyphen", "t\n\n- n " A64 "\n", "line 3 does not begin with an em" },
	{ "two hyphens", "t\n\n-- n " A64 "\n", "em dash" },
	{ "en dash", "t\n\n\xe2\x80\x93 n " A64 "\n", "em dash" },
	{ "horizontal bar", "t\n\n\xe2\x80\x95 n " A64 "\n", "em dash" },
	{ "no blank behind the dash", "t\n\n\xe2\x80\x94n " A64 "\n",
	    "em dash" },
	{ "two blanks behind the dash", "t\n\n" DASH " n " A64 "\n",
	    "key name" },
	{ "blank before the dash", "t\n\n " DASH "n " A64 "\n", "em dash" },
	{ "text below the signatures", FOO_NOTE "x\n", "line 4" },
	{ "dash alone", "t\n\n" DASH "\n", "no signature behind" },
	{ "name alone", "t\n\n" DASH "n\n", "no signature behind" },
	{ "name and blank", "t\n\n" DASH "n \n", "base64" },
	{ "two blanks", "t\n\n" DASH "n  " A64 "\n", "base64" },
	{ "blank behind", "t\n\n" DASH "n " A64 " \n", "base64" },
	{ "'+' in the name", "t\n\n" DASH "n+m " A64 "\n", "key name" },
	{ "no-break space in the name", "t\n\n" DASH "n\xc2\xa0m " A64 "\n",
	    "key name" },
	{ "next line in the name", "t\n\n" DASH "n\xc2\x85m " A64 "\n",
	    "key name" },
	{ "ideographic space", "t\n\n" DASH "n\xe3\x80\x80m " A64 "\n",
	    "key name" },
	{ "an ID alone", "t\n\n" DASH "n AAAAAA==\n", "too short" },
	{ "no padding", "t\n\n" DASH "n AAAAAAA\n", "base64" },
	{ "unused bits set", "t\n\n" DASH "n AAAAAAB=\n", "base64" },
	{ "URL alphabet", "t\n\n" DASH "n AAAAAA-_\n", "base64" },
	{ "base64 with a line break", "t\n\n" DASH "n AAAA\nAAA=\n", "line 3" },
	{ "a tab in the text", "t\tt\n\n" DASH "n " A64 "\n",
	    "line 1 has a control" },
	{ "an escape in the text", "t\x1b[1m\n\n" DASH "n " A64 "\n",
	    "control" },
	{ "not UTF-8", "t\n\xff\n\n" DASH "n " A64 "\n", "line 2 is not UTF" },
	{ "overlong", "\xc0\xaf\n\n" DASH "n " A64 "\n", "not UTF-8" },
	{ "surrogate", "\xed\xa0\x80\n\n" DASH "n " A64 "\n", "not UTF-8" },
	{ "byte order mark is text", "\xef\xbb\xbft\n\n" DASH "n " A64 "\n",
	    NULL },
	{ "delete is no ASCII control below 0x20",
	    "\x7f\n\n" DASH "n " A64 "\n", NULL },
	{ "a line twice", FOO_NOTE FOO_LINE, "line 4 is there twice" },
	{ "a line twice, another between",
	    "t\n\n" DASH "n " A64 "\n" FOO_LINE DASH "n " A64 "\n",
	    "line 5 is there twice" },
	{ "other signatures of one name",
	    "t\n\n" DASH "n " A64 "\n" DASH "n AAAAAAE=\n" DASH "n AAAAAQA=\n",
	    NULL },
};

static void
refusals_change_nothing(void **state)
{
	hl_note n, was;

	(void)state;
	memset(&n, 0x5a, sizeof(n));
	was = n;
	for (size_t i = 0; i < HL_COUNT(refused); i++) {
		vec v = vec_copy(refused[i].text, strlen(refused[i].text));
		const bool good = refused[i].says == NULL;
		hl_err err = { 0 };
		hl_rc rc = hl_note_parse(v.p, v.n, &n, &err);

		CHECK(rc == (good ? HL_OK : HL_EINPUT), refused[i].why);
		if (!good) {
			CHECK(strstr(err.why, refused[i].says) != NULL,
			    refused[i].why);
			CHECK(err.hint[0] != '\0', refused[i].why);
			CHECK(memcmp(&n, &was, sizeof(n)) == 0, refused[i].why);
		}
		n = was;
		vec_free(&v);
	}
	assert_int_equal(hl_note_parse("", 0, &n, NULL), HL_EINPUT);
	assert_int_equal(hl_note_parse("t\n\n\0\n", 5, &n, NULL), HL_EINPUT);
	assert_int_equal(hl_note_parse("t\0t\n\n", 5, &n, NULL), HL_EINPUT);
}

/* The example with `more` lines of unknown keys behind it, each of a signature
 * of `bytes` bytes. */
static hl_buf
with_strangers(size_t more, size_t bytes)
{
	hl_buf b = HL_BUF_INIT;
	uint8_t *sig = calloc(1, bytes + HL_KEY_ID_LEN);

	assert_non_null(sig);
	hl_buf_printf(&b, "%s", FOO_NOTE);
	for (size_t i = 0; i < more; i++) {
		sig[3] = (uint8_t)i;
		hl_buf_printf(&b, DASH "stranger.example ");
		hl_base64_put(&b, sig, bytes + HL_KEY_ID_LEN);
		hl_buf_u8(&b, '\n');
	}
	free(sig);
	return b;
}

static hl_rc
open_with_strangers(size_t more, size_t bytes)
{
	hl_buf b = with_strangers(more, bytes);
	const hl_rc rc = open_note(hl_buf_str(&b), FOO_VKEY, NULL);

	hl_buf_free(&b);
	return rc;
}

static void
limits(void **state)
{
	/* 4 bytes of ID, 8 of time, 2420 of ML-DSA-44: C2SP type 0x06 */
	const size_t ml_dsa = 8 + 2420;

	(void)state;
	assert_int_equal(open_with_strangers(63, 64), HL_OK);
	assert_int_equal(open_with_strangers(64, 64), HL_EINPUT);
	assert_int_equal(open_with_strangers(16, ml_dsa), HL_OK);
	/* lines of 8,190 and 8,194 bytes, in steps of base64 */
	assert_int_equal(open_with_strangers(1, 6122), HL_OK);
	assert_int_equal(open_with_strangers(1, 6123), HL_EINPUT);
	/* notes of 64,382 and 65,630 bytes */
	assert_int_equal(open_with_strangers(8, 6000), HL_OK);
	assert_int_equal(open_with_strangers(8, 6119), HL_EINPUT);
}

static void
unknown_keys_are_ignored(void **state)
{
	hl_vkey k = vkey(FOO_VKEY), stranger;
	const bool no = false;
	bool verified[2] = { true, true };
	uint64_t times[2] = { 7, 7 };
	hl_err err = { 0 };
	hl_note n;

	(void)state;
	assert_int_equal(
	    hl_note_parse(FOO_NOTE, strlen(FOO_NOTE), &n, NULL), HL_OK);
	/* the same name, another ID; the same ID, another name */
	stranger = k;
	stranger.id[3] ^= 1;
	assert_int_equal(
	    hl_note_verify(&n, &stranger, 1, verified, NULL, &err),
	    HL_EINTEGRITY);
	assert_non_null(strstr(err.why, "known"));
	assert_int_equal(verified[0], no);
	stranger = k;
	stranger.name[0] ^= 1;
	assert_int_equal(hl_note_verify(&n, &stranger, 1, verified, NULL, NULL),
	    HL_EINTEGRITY);
	hl_text_copy(stranger.name, sizeof(stranger.name), "example.com/fo");
	assert_int_equal(hl_note_verify(&n, &stranger, 1, verified, NULL, NULL),
	    HL_EINTEGRITY);
	/* beside a known key they do no harm, and are not verified */
	assert_int_equal(
	    hl_note_verify(&n, (hl_vkey[]){ stranger, k }, 2, verified, times,
		NULL),
	    HL_OK);
	assert_false(verified[0]);
	assert_true(verified[1]);
	assert_true(times[0] == 0 && times[1] == 0);
	assert_int_equal(
	    hl_note_verify(&n, NULL, 0, NULL, NULL, NULL), HL_EINTEGRITY);
}

/* A bad signature of a known key spoils the note, wherever it stands, also
 * beside a good one. */
static void
all_lines_of_a_key_have_to_verify(void **state)
{
	hl_buf b = HL_BUF_INIT;
	hl_vkey keys[2] = { vkey(FOO_VKEY), vkey(FOO_VKEY) };
	bool verified[2] = { true, true };
	uint64_t times[2] = { 7, 7 };
	uint8_t sig[HL_KEY_ID_LEN + 64] = { 0 };
	hl_err err = { 0 };
	hl_note n;

	(void)state;
	memcpy(sig, keys[0].id, HL_KEY_ID_LEN);
	for (int first = 0; first < 2; first++) {
		hl_buf_printf(&b, "%s\n%s", FOO_TEXT, first ? "" : FOO_LINE);
		hl_buf_printf(&b, DASH "example.com/foo ");
		hl_base64_put(&b, sig, sizeof(sig));
		hl_buf_printf(&b, "\n%s", first ? FOO_LINE : "");
		assert_int_equal(hl_note_parse(b.p, b.n, &n, NULL), HL_OK);
		assert_int_equal(n.sigs_n, 2);
		assert_int_equal(
		    hl_note_verify(&n, keys, 2, verified, times, &err),
		    HL_EINTEGRITY);
		assert_non_null(strstr(err.why, "example.com/foo"));
		assert_false(verified[0] || verified[1]);
		assert_true(times[0] == 0 && times[1] == 0);
		hl_buf_reset(&b);
		verified[0] = verified[1] = true;
	}
	hl_buf_free(&b);
}

/* What the signature consists of, one byte more and one less. */
static void
signatures_of_a_wrong_length(void **state)
{
	static const char *const keys[] = { FOO_VKEY, REKOR_VKEY,
		TV_WITNESS_VKEY };
	uint8_t sig[HL_KEY_ID_LEN + 80] = { 0 };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(keys); i++) {
		const hl_vkey k = vkey(keys[i]);

		memcpy(sig, k.id, HL_KEY_ID_LEN);
		for (size_t len = 1; len <= 80; len++) {
			hl_buf b = HL_BUF_INIT;

			hl_buf_printf(&b, "t\n\n" DASH "%s ", k.name);
			hl_base64_put(&b, sig, HL_KEY_ID_LEN + len);
			hl_buf_u8(&b, '\n');
			assert_int_equal(
			    open_note(hl_buf_str(&b), keys[i], NULL),
			    HL_EINTEGRITY);
			hl_buf_free(&b);
		}
	}
}

static void
every_bit_of_a_note(void **state)
{
	static const char *const notes[][2] = { { FOO_NOTE, FOO_VKEY },
		{ REKOR_CHECKPOINT, REKOR_VKEY } };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(notes); i++) {
		char note[1000];

		hl_text_copy(note, sizeof(note), notes[i][0]);
		for (size_t bit = 0; bit < 8 * strlen(notes[i][0]); bit++) {
			note[bit / 8] ^= (char)(1 << bit % 8);
			assert_int_not_equal(
			    open_note(note, notes[i][1], NULL), HL_OK);
			note[bit / 8] ^= (char)(1 << bit % 8);
		}
		assert_int_equal(open_note(note, notes[i][1], NULL), HL_OK);
	}
}

/* Notes that are no checkpoints can be signed, too. */
static void
signing(void **state)
{
	hl_signer *s = key_rfc8032(1);
	hl_buf b = HL_BUF_INIT, key = HL_BUF_INIT;
	hl_vkey k;

	(void)state;
	assert_int_equal(hl_vkey_make(&k, "a.example", HL_NOTE_ED25519,
			     hl_signer_public(s), NULL),
	    HL_OK);
	assert_int_equal(hl_vkey_text(&k, &key, NULL), HL_OK);
	assert_int_equal(hl_note_sign(&b, "a\n\nb\n", 5, "a.example",
			     HL_NOTE_ED25519, 0, s, NULL),
	    HL_OK);
	assert_int_equal(
	    open_note(hl_buf_str(&b), hl_buf_str(&key), NULL), HL_OK);
	hl_buf_free(&key);
	hl_buf_free(&b);
	hl_signer_close(&s);
}

static void
signing_refuses(void **state)
{
	static const struct {
		const char *why, *text, *name;
		uint8_t algorithm;
		uint64_t time_s;
		hl_rc rc;
	} rows[] = {
		{ "another text", "other\n", "a", 1, 0, HL_ECONFLICT },
		{ "a part of it", "This is an example message.", "a", 1, 0,
		    HL_ECONFLICT },
		{ "bad name", FOO_TEXT, "a b", 1, 0, HL_EINPUT },
		{ "P-256's algorithm", FOO_TEXT, "a", 2, 0, HL_EINPUT },
		{ "no algorithm", FOO_TEXT, "a", 3, 0, HL_EINPUT },
		{ "a time that is not signed", FOO_TEXT, "a", 1, 1, HL_EINPUT },
		{ "a time of 2^63", FOO_TEXT, "a", 4, (uint64_t)1 << 63,
		    HL_EINPUT },
	};
	hl_signer *s = key_rfc8032(1);
	hl_buf b = HL_BUF_INIT;

	(void)state;
	hl_buf_printf(&b, "%s", FOO_NOTE);
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		CHECK(hl_note_sign(&b, rows[i].text, strlen(rows[i].text),
			  rows[i].name, rows[i].algorithm, rows[i].time_s, s,
			  NULL) == rows[i].rc,
		    rows[i].why);
		CHECK(strcmp(hl_buf_str(&b), FOO_NOTE) == 0, rows[i].why);
	}
	/* a text that could not be read again */
	hl_buf_reset(&b);
	assert_int_equal(
	    hl_note_sign(&b, "t", 1, "a", 1, 0, s, NULL), HL_EINPUT);
	assert_int_equal(
	    hl_note_sign(&b, "t\r\n", 3, "a", 1, 0, s, NULL), HL_EINPUT);
	assert_int_equal(b.n, 0);
	hl_buf_free(&b);
	/* no room */
	b = with_strangers(63, 64);
	assert_int_equal(hl_note_sign(&b, FOO_TEXT, strlen(FOO_TEXT), "a", 1, 0,
			     s, NULL),
	    HL_EINPUT);
	hl_buf_free(&b);
	hl_signer_close(&s);
}

static bool break_signatures;

hl_rc __real_hl_signer_sign(
    hl_signer *s, const void *msg, size_t n, hl_buf *sig, hl_err *err);
hl_rc __wrap_hl_signer_sign(
    hl_signer *s, const void *msg, size_t n, hl_buf *sig, hl_err *err);

hl_rc
__wrap_hl_signer_sign(
    hl_signer *s, const void *msg, size_t n, hl_buf *sig, hl_err *err)
{
	const hl_rc rc = __real_hl_signer_sign(s, msg, n, sig, err);

	if (break_signatures)
		sig->p[sig->n - 1] ^= 1;
	return rc;
}

/* A token with a fault, or with another key than its public one. */
static void
a_signature_that_does_not_verify_is_kept_back(void **state)
{
	hl_signer *s = key_rfc8032(1);
	hl_buf b = HL_BUF_INIT;

	(void)state;
	for (uint8_t algorithm = 1; algorithm <= 4; algorithm += 3) {
		break_signatures = true;
		assert_int_equal(
		    hl_note_sign(&b, "t\n", 2, "a", algorithm, 0, s, NULL),
		    HL_EINTEGRITY);
		assert_int_equal(b.n, 0);
		break_signatures = false;
		assert_int_equal(
		    hl_note_sign(&b, "t\n", 2, "a", algorithm, 0, s, NULL),
		    HL_OK);
		hl_buf_reset(&b);
	}
	hl_buf_free(&b);
	hl_signer_close(&s);
}

/* tlog-cosignature: a time is at most 2^63 - 1, also where it was signed. */
static void
times_have_an_end(void **state)
{
	hl_signer *w = key_rfc8032(2);
	const hl_vkey k = vkey(TV_WITNESS_VKEY);

	(void)state;
	for (int over = 0; over < 2; over++) {
		const uint64_t t = (uint64_t)INT64_MAX + (uint64_t)over;
		hl_buf m = HL_BUF_INIT, sig = HL_BUF_INIT, b = HL_BUF_INIT;

		hl_buf_printf(&m, "cosignature/v1\ntime %llu\nt\n",
		    (unsigned long long)t);
		hl_buf_put(&sig, k.id, sizeof(k.id));
		hl_buf_u32(&sig, (uint32_t)(t >> 32));
		hl_buf_u32(&sig, (uint32_t)t);
		assert_int_equal(
		    hl_signer_sign(w, m.p, m.n, &sig, NULL), HL_OK);
		hl_buf_printf(&b, "t\n\n" DASH "%s ", k.name);
		hl_base64_put(&b, sig.p, sig.n);
		hl_buf_u8(&b, '\n');
		assert_int_equal(
		    open_note(hl_buf_str(&b), TV_WITNESS_VKEY, NULL),
		    over ? HL_EINTEGRITY : HL_OK);
		hl_buf_free(&m);
		hl_buf_free(&sig);
		hl_buf_free(&b);
	}
	hl_signer_close(&w);
}

/* Both notes' lines, each once, those that were there first. */
static void
joining(void **state)
{
	hl_signer *a = key_rfc8032(1), *b = key_rfc8032(2);
	hl_buf x = HL_BUF_INIT, y = HL_BUF_INIT, both = HL_BUF_INIT,
	       other = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_note n;

	(void)state;
	assert_int_equal(
	    hl_note_sign(&x, "t\n", 2, "a", HL_NOTE_ED25519, 0, a, NULL), 0);
	assert_int_equal(
	    hl_note_sign(&y, "t\n", 2, "b", HL_NOTE_ED25519, 0, b, NULL), 0);
	assert_int_equal(
	    hl_note_sign(&other, "u\n", 2, "b", HL_NOTE_ED25519, 0, b, NULL),
	    0);
	assert_int_equal(hl_note_join(&both, x.p, x.n, &err), HL_OK);
	assert_int_equal(both.n, x.n);
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(hl_note_join(&both, y.p, y.n, &err), HL_OK);
		assert_int_equal(both.n, x.n + y.n - 3);
		assert_memory_equal(both.p, x.p, x.n);
		assert_memory_equal(
		    (const char *)both.p + x.n, (const char *)y.p + 3, y.n - 3);
	}
	assert_int_equal(hl_note_join(&x, both.p, both.n, &err), HL_OK);
	assert_int_equal(x.n, both.n);
	assert_int_equal(hl_note_parse(x.p, x.n, &n, &err), HL_OK);
	assert_int_equal(n.sigs_n, 2);

	assert_int_equal(
	    hl_note_join(&x, other.p, other.n, &err), HL_ECONFLICT);
	assert_int_equal(hl_note_join(&x, other.p, 3, &err), HL_EINPUT);
	assert_int_equal(x.n, both.n);
	hl_buf_free(&x);
	hl_buf_free(&y);
	hl_buf_free(&both);
	hl_buf_free(&other);
	hl_signer_close(&a);
	hl_signer_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_notes),
		cmocka_unit_test(parts_of_a_note),
		cmocka_unit_test(refusals_change_nothing),
		cmocka_unit_test(limits),
		cmocka_unit_test(unknown_keys_are_ignored),
		cmocka_unit_test(all_lines_of_a_key_have_to_verify),
		cmocka_unit_test(signatures_of_a_wrong_length),
		cmocka_unit_test(every_bit_of_a_note),
		cmocka_unit_test(signing),
		cmocka_unit_test(signing_refuses),
		cmocka_unit_test(a_signature_that_does_not_verify_is_kept_back),
		cmocka_unit_test(times_have_an_end),
		cmocka_unit_test(joining),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
