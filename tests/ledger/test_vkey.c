/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/note.h"

#include "crypto/hash.h"
#include "crypto/hexvec.h"
#include "ledger/keys.h"

#define PIXEL_VKEY                                                             \
	"pixel6_transparency_log+91c16e30+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0I" \
	"ABN+4x0Jk1yTwvLFI9A4NDdGZcX0aiWVdWM5XJVy0M4VWD3AvyW5Q6Hs9A0mcDkpUoY" \
	"gn+KKPNzFC0H3nN3q6JQ8="

static const struct {
	const char *text, *name, *id;
	uint8_t algorithm;
	hl_key_type type;
} published[] = {
	{ FOO_VKEY, "example.com/foo", "530d903a", 0x01, HL_KEY_ED25519 },
	{ REKOR_VKEY, "rekor.sigstore.dev", "c0d23d6a", 0x02, HL_KEY_P256 },
	{ PIXEL_VKEY, "pixel6_transparency_log", "91c16e30", 0x02,
	    HL_KEY_P256 },
	{ TV_VKEY, TV_ORIGIN, "bb54a107", 0x01, HL_KEY_ED25519 },
	{ TV_WITNESS_VKEY, TV_WITNESS, "319c93ee", 0x04, HL_KEY_ED25519 },
};

static void
published_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(published); i++) {
		vec exact = vec_copy(
		    published[i].text, strlen(published[i].text) + 1);
		vec id = vec_of(published[i].id);
		hl_buf text = HL_BUF_INIT;
		hl_vkey k, again;

		assert_int_equal(
		    hl_vkey_parse((const char *)exact.p, &k, NULL), HL_OK);
		assert_string_equal(k.name, published[i].name);
		assert_memory_equal(k.id, id.p, sizeof(k.id));
		assert_int_equal(k.algorithm, published[i].algorithm);
		assert_int_equal(k.key.type, published[i].type);
		/* the same key made of its parts */
		assert_int_equal(
		    hl_vkey_make(&again, k.name, k.algorithm, &k.key, NULL),
		    HL_OK);
		assert_memory_equal(again.id, id.p, sizeof(again.id));
		hl_buf_put(&text, "x", 1);
		assert_int_equal(hl_vkey_text(&again, &text, NULL), HL_OK);
		assert_string_equal(hl_buf_str(&text) + 1, published[i].text);
		hl_buf_free(&text);
		vec_free(&id);
		vec_free(&exact);
	}
}

/* One key is two, as a log's and as a witness's. */
static void
id_depends_on_algorithm_and_name(void **state)
{
	hl_vkey log, k;

	(void)state;
	assert_int_equal(hl_vkey_parse(FOO_VKEY, &log, NULL), HL_OK);
	assert_int_equal(
	    hl_vkey_make(&k, log.name, HL_NOTE_COSIGNATURE, &log.key, NULL),
	    HL_OK);
	assert_memory_not_equal(k.id, log.id, sizeof(k.id));
	assert_int_equal(hl_vkey_make(&k, "example.com/fop", HL_NOTE_ED25519,
			     &log.key, NULL),
	    HL_OK);
	assert_memory_not_equal(k.id, log.id, sizeof(k.id));
	/* but not with ECDSA: @sigstore/verify looks for it by the ID alone */
	assert_int_equal(hl_vkey_parse(REKOR_VKEY, &log, NULL), HL_OK);
	assert_int_equal(
	    hl_vkey_make(&k, "example.com/x", HL_NOTE_ECDSA, &log.key, NULL),
	    HL_OK);
	assert_memory_equal(k.id, log.id, sizeof(k.id));
}

static void
algorithm_has_to_go_with_the_key(void **state)
{
	hl_vkey ed, ec, k, was;

	(void)state;
	assert_int_equal(hl_vkey_parse(FOO_VKEY, &ed, NULL), HL_OK);
	assert_int_equal(hl_vkey_parse(REKOR_VKEY, &ec, NULL), HL_OK);
	memset(&k, 0x5a, sizeof(k));
	was = k;
	for (int a = 0; a < 256; a++) {
		const uint8_t alg = (uint8_t)a;

		if (a != 1 && a != 4)
			assert_int_equal(
			    hl_vkey_make(&k, "x", alg, &ed.key, NULL),
			    HL_EINPUT);
		if (a != 2)
			assert_int_equal(
			    hl_vkey_make(&k, "x", alg, &ec.key, NULL),
			    HL_EINPUT);
	}
	assert_memory_equal(&k, &was, sizeof(k));
}

#define KEY64 "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define EC_HEAD "x+c0d23d6a+"

static const struct {
	const char *why, *text;
} refused[] = {
	{ "empty", "" },
	{ "a name alone", "example.com/foo" },
	{ "two parts", "example.com/foo+530d903a" },
	{ "no key", "example.com/foo+530d903a+" },
	{ "no name", "+530d903a+" KEY64 },
	{ "another ID", "example.com/foo+530d903b+" KEY64 },
	{ "another name", "example.com/fop+530d903a+" KEY64 },
	{ "ID in upper case", "example.com/foo+530D903A+" KEY64 },
	{ "short ID", "example.com/foo+530d903+" KEY64 },
	{ "long ID", "example.com/foo+0530d903a+" KEY64 },
	{ "ID with a sign", "example.com/foo++530d903a+" KEY64 },
	{ "blank before", " " FOO_VKEY },
	{ "line feed behind", FOO_VKEY "\n" },
	{ "carriage return behind", FOO_VKEY "\r" },
	{ "padding behind", FOO_VKEY "====" },
	{ "name with a blank", "example.com /foo+530d903a+" KEY64 },
	{ "name with a no-break space",
	    "example.com\xc2\xa0/foo+530d903a+" KEY64 },
	{ "name with a tab", "example.com\t/foo+530d903a+" KEY64 },
	{ "name that is not UTF-8", "example.com\xff/foo+530d903a+" KEY64 },
	{ "no base64", "example.com/foo+530d903a+" KEY64 "-_" },
	{ "an algorithm alone", "example.com/foo+530d903a+AQ==" },
	{ "31 bytes",
	    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv"
	    "3U0=" },
	{ "type 0x06, ML-DSA",
	    "example.com/foo+530d903a+BukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv"
	    "3U2k" },
	{ "P-256, cut off", EC_HEAD "AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNht" },
	{ "P-256, the point alone",
	    EC_HEAD "AgTYbZj7a1pt1NXkFwaIEjHRr18AXCuQFuYtIa2SzgvepfrJhjTO58GeE"
		    "LxSv+LLnkaFY//0D9tjYuELfQz35Fi3" },
	{ "P-256, a byte behind",
	    EC_HEAD "AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogSM"
		    "dGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Q"
		    "t9DPfkWLcA" },
	{ "P-256, not on the curve",
	    EC_HEAD "AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogSM"
		    "dGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Q"
		    "t9DPfkWLg=" },
	{ "another object identifier",
	    EC_HEAD "AjBZMBMGByqGSM49AgEGCCqGSM49AwEIA0IABNhtmPtrWm3U1eQXBogSM"
		    "dGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Q"
		    "t9DPfkWLc=" },
};

static void
refusals_change_nothing(void **state)
{
	hl_vkey k, was;

	(void)state;
	memset(&k, 0x5a, sizeof(k));
	was = k;
	for (size_t i = 0; i < HL_COUNT(refused); i++) {
		hl_err err = { 0 };

		CHECK(hl_vkey_parse(refused[i].text, &k, &err) == HL_EINPUT,
		    refused[i].why);
		CHECK(err.rc == HL_EINPUT && err.what[0] != '\0' &&
			err.why[0] != '\0' && err.hint[0] != '\0',
		    refused[i].why);
		CHECK(memcmp(&k, &was, sizeof(k)) == 0, refused[i].why);
	}
}

/* Neither a key nor a name can be changed behind the ID's back. */
static void
every_character_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(published); i++) {
		vec s = vec_copy(
		    published[i].text, strlen(published[i].text) + 1);
		/* an ECDSA key's ID does not speak of its name */
		const size_t from = published[i].algorithm == 0x02 ?
		    strlen(published[i].name) : 0;

		for (size_t at = from; at + 1 < s.n; at++) {
			for (int bit = 0; bit < 8; bit++) {
				hl_vkey k;

				s.p[at] ^= (uint8_t)(1 << bit);
				assert_int_equal(
				    hl_vkey_parse((const char *)s.p, &k, NULL),
				    HL_EINPUT);
				s.p[at] ^= (uint8_t)(1 << bit);
			}
		}
		vec_free(&s);
	}
}

static void
names(void **state)
{
	char longest[HL_KEY_NAME_MAX + 2];
	hl_buf text = HL_BUF_INIT;
	hl_vkey k, again;

	(void)state;
	memset(longest, 'n', sizeof(longest));
	longest[HL_KEY_NAME_MAX + 1] = '\0';
	assert_int_equal(hl_key_name_check(longest, NULL), HL_EINPUT);
	longest[HL_KEY_NAME_MAX] = '\0';
	assert_int_equal(hl_key_name_check(longest, NULL), HL_OK);
	assert_int_equal(hl_key_name_check("a", NULL), HL_OK);
	assert_int_equal(hl_key_name_check("\xc3\xa4.example/1", NULL), HL_OK);
	assert_int_equal(hl_key_name_check("", NULL), HL_EINPUT);
	assert_int_equal(hl_key_name_check(NULL, NULL), HL_EINPUT);
	assert_int_equal(hl_key_name_check("a+b", NULL), HL_EINPUT);
	assert_int_equal(hl_key_name_check("a b", NULL), HL_EINPUT);
	assert_int_equal(hl_key_name_check("a\x7f", NULL), HL_EINPUT);
	assert_int_equal(hl_key_name_check("a\n", NULL), HL_EINPUT);
	assert_int_equal(hl_key_name_check("\xe3\x80\x80", NULL), HL_EINPUT);
	assert_int_equal(hl_key_name_check("\xe2\x80\xa8", NULL), HL_EINPUT);
	/* the longest text there is */
	assert_int_equal(hl_vkey_parse(REKOR_VKEY, &k, NULL), HL_OK);
	assert_int_equal(
	    hl_vkey_make(&k, longest, HL_NOTE_ECDSA, &k.key, NULL), HL_OK);
	assert_int_equal(hl_vkey_text(&k, &text, NULL), HL_OK);
	assert_int_equal(hl_vkey_parse(hl_buf_str(&text), &again, NULL), HL_OK);
	assert_memory_equal(&k, &again, sizeof(k));
	hl_buf_put(&text, "A", 1);
	assert_int_equal(
	    hl_vkey_parse(hl_buf_str(&text), &again, NULL), HL_EINPUT);
	hl_buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_keys),
		cmocka_unit_test(id_depends_on_algorithm_and_name),
		cmocka_unit_test(algorithm_has_to_go_with_the_key),
		cmocka_unit_test(refusals_change_nothing),
		cmocka_unit_test(every_character_counts),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
