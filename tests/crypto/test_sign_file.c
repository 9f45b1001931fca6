/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include <stdio.h>
#include <sys/stat.h>

#include "crypto/hash.h"
#include "util/file.h"
#include "util/scratch.h"

#include "crypto/hexvec.h" /* behind scratch.h, which has a CHECK as well */

#define ED_PREFIX "302e020100300506032b657004220420" /* RFC 8410, 7 */

/* RFC 8032, 7.1 */
static const char *const rfc8032[][4] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
	    "",
	    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555f"
	    "b8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
	    "72",
	    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da08"
	    "5ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
	    "af82",
	    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18"
	    "ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
};

/* A source that says the words in turn, and counts. */
typedef struct words {
	const char *word[4];
	unsigned asked;
	char what[256];
	hl_rc rc;
} words;

static hl_rc
say(void *arg, const char *what, bool last_try, char *buf, size_t size,
    hl_err *err)
{
	words *w = arg;

	assert_false(last_try);
	assert_true(w->asked < 4);
	assert_true(size == HL_PIN_SIZE);
	(void)snprintf(w->what, sizeof(w->what), "%s", what);
	(void)snprintf(buf, size, "%s", w->word[w->asked++]);
	if (w->rc != HL_OK)
		return hl_fail(err, w->rc, "ask", "", "nobody is here");
	return HL_OK;
}

static void
write_text(const char *path, const char *text, mode_t mode)
{
	(void)unlink(path);
	assert_int_equal(
	    hl_file_write(path, text, strlen(text), mode, NULL), HL_OK);
	assert_int_equal(chmod(path, mode), 0);
}

/* PEM of these bytes. */
static void
write_pem(const char *path, const char *kind, const char *hex, mode_t mode)
{
	hl_buf b = HL_BUF_INIT;
	vec v = vec_of(hex);

	hl_buf_printf(&b, "-----BEGIN %s-----\n", kind);
	for (size_t i = 0; i < v.n; i += 48) {
		hl_base64_put(&b, v.p + i, v.n - i < 48 ? v.n - i : 48);
		hl_buf_u8(&b, '\n');
	}
	hl_buf_printf(&b, "-----END %s-----\n", kind);
	write_text(path, hl_buf_str(&b), mode);
	vec_free(&v);
	hl_buf_free(&b);
}

static void
ed25519_of_rfc8032(void **state)
{
	const scratch *sc = *state;

	for (size_t i = 0; i < HL_COUNT(rfc8032); i++) {
		vec pub = vec_of(rfc8032[i][1]), msg = vec_of(rfc8032[i][2]);
		vec want = vec_of(rfc8032[i][3]);
		hl_buf sig = HL_BUF_INIT;
		hl_signer *s = NULL;
		char der[256];

		snprintf(der, sizeof(der), ED_PREFIX "%s", rfc8032[i][0]);
		write_pem(sc->path, "PRIVATE KEY", der, 0600);
		assert_int_equal(
		    hl_signer_open(&s, sc->path, NULL, NULL, NULL), HL_OK);
		assert_false(hl_signer_on_token(s));
		assert_int_equal(hl_signer_public(s)->raw_n, pub.n);
		assert_memory_equal(hl_signer_public(s)->raw, pub.p, pub.n);
		hl_buf_u8(&sig, 0x5a); /* appended, not put in its place */
		assert_int_equal(
		    hl_signer_sign(s, msg.p, msg.n, &sig, NULL), HL_OK);
		assert_int_equal(sig.n, 1 + want.n);
		assert_memory_equal(sig.p + 1, want.p, want.n);
		hl_signer_close(&s);
		assert_null(s);
		hl_signer_close(&s);
		hl_buf_free(&sig);
		vec_free(&want);
		vec_free(&msg);
		vec_free(&pub);
	}
}

static void
open_and_check(const char *path, const hl_pin_source *pin, hl_key_type type,
    hl_public_key *key)
{
	hl_buf sig = HL_BUF_INIT;
	hl_signer *s = NULL;
	hl_err err = { 0 };

	if (hl_signer_open(&s, path, NULL, pin, &err) != HL_OK)
		fail_msg("%s: %s", err.what, err.why);
	*key = *hl_signer_public(s);
	assert_int_equal(key->type, type);
	for (size_t n = 0; n < 300; n += 37) {
		uint8_t msg[300];

		memset(msg, 'm', sizeof(msg));
		hl_buf_reset(&sig);
		assert_int_equal(hl_signer_sign(s, msg, n, &sig, NULL), HL_OK);
		assert_true(hl_public_verify(key, msg, n, sig.p, sig.n));
		msg[0]++;
		assert_true(
		    n == 0 || !hl_public_verify(key, msg, n, sig.p, sig.n));
	}
	hl_buf_free(&sig);
	hl_signer_close(&s);
}

static void
new_keys(void **state)
{
	const scratch *sc = *state;
	hl_public_key one, two;
	struct stat st;

	for (int i = 0; i < 2; i++) {
		const hl_key_type type = i == 0 ? HL_KEY_ED25519 : HL_KEY_P256;
		mode_t mask = umask(0);

		(void)unlink(sc->path);
		assert_int_equal(
		    hl_signer_generate(sc->path, type, NULL, NULL), HL_OK);
		(void)umask(mask);
		assert_int_equal(stat(sc->path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		open_and_check(sc->path, NULL, type, &one);
		(void)unlink(sc->path);
		assert_int_equal(
		    hl_signer_generate(sc->path, type, NULL, NULL), HL_OK);
		open_and_check(sc->path, NULL, type, &two);
		assert_false(hl_public_equal(&one, &two));
	}
}

static void
a_key_is_never_written_over(void **state)
{
	const scratch *sc = *state;
	hl_buf before = HL_BUF_INIT, after = HL_BUF_INIT;
	hl_err err = { 0 };

	assert_int_equal(
	    hl_signer_generate(sc->path, HL_KEY_ED25519, NULL, NULL), HL_OK);
	assert_int_equal(hl_file_read(sc->path, 4096, &before, NULL), HL_OK);
	assert_int_equal(
	    hl_signer_generate(sc->path, HL_KEY_P256, NULL, &err), HL_EEXIST);
	assert_non_null(strstr(err.why, "there already"));
	assert_int_equal(hl_file_read(sc->path, 4096, &after, NULL), HL_OK);
	assert_int_equal(before.n, after.n);
	assert_memory_equal(before.p, after.p, before.n);
	assert_int_equal(scratch_count(sc), 1);
	hl_buf_free(&before);
	hl_buf_free(&after);
}

static void
a_passphrase(void **state)
{
	const scratch *sc = *state;
	words w = { .word = { "caf\xC3\xA9 au lait", "caf\xC3\xA9 au lait" } };
	const hl_pin_source pin = { say, &w, false };
	hl_buf text = HL_BUF_INIT;
	hl_signer *s = NULL;
	hl_public_key k;
	hl_err err = { 0 };

	assert_int_equal(
	    hl_signer_generate(sc->path, HL_KEY_P256, &pin, NULL), HL_OK);
	assert_int_equal(w.asked, 2);
	assert_int_equal(hl_file_read(sc->path, 4096, &text, NULL), HL_OK);
	assert_non_null(
	    strstr(hl_buf_str(&text), "BEGIN ENCRYPTED PRIVATE KEY"));
	hl_buf_free(&text);

	w.asked = 0;
	open_and_check(sc->path, &pin, HL_KEY_P256, &k);
	assert_int_equal(w.asked, 1);
	assert_non_null(strstr(w.what, "passphrase of the key file"));
	assert_non_null(strstr(w.what, sc->path));

	w = (words){ .word = { "cafe au lait", "never asked for" } };
	assert_int_equal(
	    hl_signer_open(&s, sc->path, NULL, &pin, &err), HL_EACCESS);
	assert_null(s);
	assert_int_equal(w.asked, 1);
	assert_non_null(strstr(err.why, "passphrase is wrong"));
	assert_non_null(strstr(err.what, sc->path));
	assert_null(strstr(err.why, "lait"));

	assert_int_equal(
	    hl_signer_open(&s, sc->path, NULL, NULL, &err), HL_EUSAGE);
	assert_non_null(strstr(err.why, "passphrase of the key file"));

	w = (words){ .word = { "" } };
	assert_int_equal(
	    hl_signer_open(&s, sc->path, NULL, &pin, &err), HL_EINPUT);
	assert_non_null(strstr(err.why, "is empty"));

	w = (words){ .word = { "caf\xC3\xA9 au lait" }, .rc = HL_EINTEGRITY };
	assert_int_equal(
	    hl_signer_open(&s, sc->path, NULL, &pin, &err), HL_EINTEGRITY);
	assert_int_equal(w.asked, 1);
}

static void
passphrases_must_agree(void **state)
{
	const scratch *sc = *state;
	words w = { .word = { "abc", "abd" } };
	const hl_pin_source pin = { say, &w, false };
	hl_err err = { 0 };

	assert_int_equal(
	    hl_signer_generate(sc->path, HL_KEY_P256, &pin, &err), HL_EINPUT);
	assert_non_null(strstr(err.why, "not the same"));
	w = (words){ .word = { "", "" } };
	assert_int_equal(
	    hl_signer_generate(sc->path, HL_KEY_P256, &pin, &err), HL_EINPUT);
	assert_int_equal(scratch_count(sc), 0);
}

static void
a_file_for_others_is_refused(void **state)
{
	const scratch *sc = *state;
	static const mode_t bad[] = { 0604, 0640, 0660, 0666, 0602, 0610, 0601,
		0777, 0440 };
	static const mode_t good[] = { 0600, 0400, 0700, 0500 };
	hl_signer *s = NULL;

	for (size_t i = 0; i < HL_COUNT(good); i++) {
		(void)unlink(sc->path);
		assert_int_equal(
		    hl_signer_generate(sc->path, HL_KEY_ED25519, NULL, NULL),
		    HL_OK);
		assert_int_equal(chmod(sc->path, good[i]), 0);
		assert_int_equal(
		    hl_signer_open(&s, sc->path, NULL, NULL, NULL), HL_OK);
		hl_signer_close(&s);
	}
	for (size_t i = 0; i < HL_COUNT(bad); i++) {
		hl_err err = { 0 };
		char want[PATH_MAX + 20];

		assert_int_equal(chmod(sc->path, bad[i]), 0);
		assert_int_equal(
		    hl_signer_open(&s, sc->path, NULL, NULL, &err), HL_EACCESS);
		assert_null(s);
		snprintf(want, sizeof(want), "chmod 600 \"%s\"", sc->path);
		assert_non_null(strstr(err.hint, want));
		snprintf(want, sizeof(want), "mode is %03o", (unsigned)bad[i]);
		assert_non_null(strstr(err.why, want));
	}
}

/* P-256 with a public half that is another key's: what it signs would tell. */
#define ALIEN                                                                  \
	"308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201"   \
	"010420c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f"   \
	"6721a144034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4"   \
	"a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6"   \
	"406837bf51f5"

static void
files_that_are_no_key(void **state)
{
	const scratch *sc = *state;
	static const struct {
		const char *kind, *hex, *why;
	} rows[] = {
		{ "PUBLIC KEY",
		    "302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c8"
		    "5086aa30b6b6cb0c5c38ad703166e1",
		    "no private key" },
		{ "PRIVATE KEY", "", "no private key" },
		{ "PRIVATE KEY", "302e0201", "damaged" },
		{ "PRIVATE KEY", "302c020100300506032b65700420ffff",
		    "damaged" },
		{ "EC PRIVATE KEY", "3000", "\"EC PRIVATE KEY\"" },
		{ "OPENSSH PRIVATE KEY", "3000", "\"OPENSSH PRIVATE KEY\"" },
		/* X25519 */
		{ "PRIVATE KEY",
		    "302e020100300506032b656e04220420c9afa9d845ba75166b5c215767"
		    "b1d6934e50c3db36e89b127b8a622b120f6721",
		    "X25519" },
	};
	hl_signer *s = NULL;
	hl_err err = { 0 };

	assert_int_equal(
	    hl_signer_open(&s, sc->path, NULL, NULL, &err), HL_ENOTFOUND);
	assert_int_equal(
	    hl_signer_open(&s, sc->dir, NULL, NULL, &err), HL_EINPUT);
	write_text(sc->path, "not a key\n", 0600);
	assert_int_equal(
	    hl_signer_open(&s, sc->path, NULL, NULL, &err), HL_EINPUT);
	assert_non_null(strstr(err.hint, "pkcs11:"));
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		write_pem(sc->path, rows[i].kind, rows[i].hex, 0600);
		CHECK(
		    hl_signer_open(&s, sc->path, NULL, NULL, &err) == HL_EINPUT,
		    rows[i].hex);
		assert_null(s);
		if (strstr(err.why, rows[i].why) == NULL)
			fail_msg("%zu: said: %s", i, err.why);
	}
}

static void
a_signature_that_does_not_verify_is_kept_back(void **state)
{
	const scratch *sc = *state;
	hl_buf sig = HL_BUF_INIT;
	hl_signer *s = NULL;
	hl_err err = { 0 };

	write_pem(sc->path, "PRIVATE KEY", ALIEN, 0600);
	assert_int_equal(hl_signer_open(&s, sc->path, NULL, NULL, NULL), HL_OK);
	assert_int_equal(hl_signer_sign(s, "m", 1, &sig, &err), HL_EINTEGRITY);
	assert_int_equal(sig.n, 0);
	hl_signer_close(&s);
	hl_buf_free(&sig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(ed25519_of_rfc8032),
		SCRATCH_TEST(new_keys),
		SCRATCH_TEST(a_key_is_never_written_over),
		SCRATCH_TEST(a_passphrase),
		SCRATCH_TEST(passphrases_must_agree),
		SCRATCH_TEST(a_file_for_others_is_refused),
		SCRATCH_TEST(files_that_are_no_key),
		SCRATCH_TEST(a_signature_that_does_not_verify_is_kept_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
