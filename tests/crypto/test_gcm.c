/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/gcm.h"

#include "crypto/hexvec.h"

/*
 * Test cases 1 to 4 of McGrew and Viega, "The Galois/Counter Mode of Operation
 * (GCM)", appendix B, as submitted to NIST: those with AES-128 and a 96-bit IV.
 */
static const struct row {
	const char *key, *iv, *aad, *plain, *cipher, *tag;
} rows[] = {
	{ "00000000000000000000000000000000", "000000000000000000000000", "",
	    "", "", "58e2fccefa7e3061367f1d57a4e7455a" },
	{ "00000000000000000000000000000000", "000000000000000000000000", "",
	    "00000000000000000000000000000000",
	    "0388dace60b6a392f328c2b971b2fe78",
	    "ab6e47d42cec13bdf53a67b21257bddf" },
	{ "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
	    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985",
	    "4d5c2af327cd64a62cf35abd2ba6fab4" },
	{ "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
	    "5bc94fbc3221a5db94fae95ae7121a47" },
};

struct gcm_case {
	vec key, iv, aad, plain, cipher, tag, out;
};

static struct gcm_case
case_new(const struct row *r)
{
	struct gcm_case c = { vec_of(r->key), vec_of(r->iv), vec_of(r->aad),
		vec_of(r->plain), vec_of(r->cipher), vec_of(r->tag),
		vec_of(r->cipher) };

	memset(c.out.p, 0x5a, c.out.n);
	return c;
}

static void
case_free(struct gcm_case *c)
{
	vec_free(&c->key);
	vec_free(&c->iv);
	vec_free(&c->aad);
	vec_free(&c->plain);
	vec_free(&c->cipher);
	vec_free(&c->tag);
	vec_free(&c->out);
}

static hl_rc
case_decrypt(struct gcm_case *c, hl_err *err)
{
	return hl_gcm_decrypt(c->key.p, c->iv.p, c->aad.p, c->aad.n,
	    c->cipher.p, c->cipher.n, c->out.p, c->tag.p, err);
}

static void
published_vectors_both_ways(void **state)
{
	uint8_t tag[HL_GCM_TAG];

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		struct gcm_case c = case_new(&rows[i]);

		assert_int_equal(
		    hl_gcm_encrypt(c.key.p, c.iv.p, c.aad.p, c.aad.n, c.plain.p,
			c.plain.n, c.out.p, tag, NULL),
		    HL_OK);
		assert_memory_equal(c.out.p, c.cipher.p, c.cipher.n);
		assert_memory_equal(tag, c.tag.p, sizeof(tag));
		assert_int_equal(case_decrypt(&c, NULL), HL_OK);
		assert_memory_equal(c.out.p, c.plain.p, c.plain.n);
		case_free(&c);
	}
}

static void
in_place(void **state)
{
	struct gcm_case c = case_new(&rows[3]);
	uint8_t tag[HL_GCM_TAG];

	(void)state;
	memcpy(c.out.p, c.plain.p, c.plain.n);
	assert_int_equal(hl_gcm_encrypt(c.key.p, c.iv.p, c.aad.p, c.aad.n,
			     c.out.p, c.out.n, c.out.p, tag, NULL),
	    HL_OK);
	assert_memory_equal(c.out.p, c.cipher.p, c.cipher.n);
	assert_int_equal(hl_gcm_decrypt(c.key.p, c.iv.p, c.aad.p, c.aad.n,
			     c.out.p, c.out.n, c.out.p, tag, NULL),
	    HL_OK);
	assert_memory_equal(c.out.p, c.plain.p, c.plain.n);
	case_free(&c);
}

static void
null_where_there_is_nothing(void **state)
{
	static const uint8_t key[HL_GCM_KEY], iv[HL_GCM_IV];
	struct gcm_case c = case_new(&rows[0]);
	uint8_t tag[HL_GCM_TAG];

	(void)state;
	assert_int_equal(
	    hl_gcm_encrypt(key, iv, NULL, 0, NULL, 0, NULL, tag, NULL), HL_OK);
	assert_memory_equal(tag, c.tag.p, sizeof(tag));
	assert_int_equal(
	    hl_gcm_decrypt(key, iv, NULL, 0, NULL, 0, NULL, tag, NULL), HL_OK);
	tag[15] ^= 1;
	assert_int_equal(
	    hl_gcm_decrypt(key, iv, NULL, 0, NULL, 0, NULL, tag, NULL),
	    HL_EINTEGRITY);
	case_free(&c);
}

/* Flips each bit of one part in turn: each must be noticed, and no plain text
 * may be left. */
static void
refuse_every_flip(struct gcm_case *c, vec *part)
{
	for (size_t bit = 0; bit < 8 * part->n; bit++) {
		hl_err err = { 0 };

		part->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		memset(c->out.p, 0x5a, c->out.n);
		assert_int_equal(case_decrypt(c, &err), HL_EINTEGRITY);
		assert_int_equal(err.rc, HL_EINTEGRITY);
		assert_true(all_bytes(c->out.p, c->out.n, 0));
		part->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(case_decrypt(c, NULL), HL_OK);
}

static void
every_flipped_bit_is_refused_and_wiped(void **state)
{
	struct gcm_case c = case_new(&rows[3]);

	(void)state;
	refuse_every_flip(&c, &c.key);
	refuse_every_flip(&c, &c.iv);
	refuse_every_flip(&c, &c.aad);
	refuse_every_flip(&c, &c.cipher);
	refuse_every_flip(&c, &c.tag);
	case_free(&c);
}

static void
too_long_is_refused_before_anything_is_touched(void **state)
{
	struct gcm_case c = case_new(&rows[3]);
	const size_t huge = (size_t)1 << 31;
	hl_err err = { 0 };
	uint8_t tag[HL_GCM_TAG];

	(void)state;
	assert_int_equal(hl_gcm_encrypt(c.key.p, c.iv.p, c.aad.p, huge,
			     c.plain.p, c.plain.n, c.out.p, tag, &err),
	    HL_EINPUT);
	assert_int_equal(hl_gcm_encrypt(c.key.p, c.iv.p, c.aad.p, c.aad.n,
			     c.plain.p, huge, c.out.p, tag, &err),
	    HL_EINPUT);
	assert_int_equal(hl_gcm_decrypt(c.key.p, c.iv.p, c.aad.p, c.aad.n,
			     c.cipher.p, huge, c.out.p, c.tag.p, &err),
	    HL_EINPUT);
	assert_true(all_bytes(c.out.p, c.out.n, 0x5a));
	case_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors_both_ways),
		cmocka_unit_test(in_place),
		cmocka_unit_test(null_where_there_is_nothing),
		cmocka_unit_test(every_flipped_bit_is_refused_and_wiped),
		cmocka_unit_test(
		    too_long_is_refused_before_anything_is_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
