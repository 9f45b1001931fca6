/* SPDX-License-Identifier: Apache-2.0 */
/* Signing with tokens that do what they like: tests/standin/p11_module.c. */
#include "crypto/sign.h"

#include "util/file.h"
#include "util/scratch.h"

#define MODULE HSMLIC_P11_STANDIN
#define ANY "pkcs11:token=stand%20in"

typedef struct person {
	const char *pin;
	unsigned asked, last;
	char what[256];
	hl_rc rc;
} person;

static hl_rc
ask(void *arg, const char *what, bool last_try, char *buf, size_t size,
    hl_err *err)
{
	person *p = arg;

	p->asked++;
	p->last += last_try;
	(void)snprintf(p->what, sizeof(p->what), "%s", what);
	(void)snprintf(buf, size, "%s", p->pin);
	return p->rc == HL_OK ? HL_OK : hl_fail(err, p->rc, "ask", "", "no");
}

/* The logins that the token saw, each a line "USER PIN". */
static int
logins(const scratch *sc)
{
	hl_buf b = HL_BUF_INIT;
	int n = 0;

	if (hl_file_read(sc->path, 4096, &b, NULL) != HL_OK)
		return 0;
	for (const char *s = hl_buf_str(&b); (s = strchr(s, '\n')) != NULL; s++)
		n++;
	hl_buf_free(&b);
	return n;
}

static void
habits(const scratch *sc, const char *words)
{
	(void)unlink(sc->path);
	assert_int_equal(setenv("P11_STANDIN", words, 1), 0);
	assert_int_equal(setenv("P11_STANDIN_LOG", sc->path, 1), 0);
}

static hl_rc
open_as(hl_signer **s, const char *uri, const char *pin, person *p,
    bool last_try_ok, hl_err *err)
{
	hl_pin_source source = { ask, p, last_try_ok };

	*p = (person){ .pin = pin };
	*err = (hl_err){ 0 };
	return hl_signer_open(
	    s, uri, MODULE, pin != NULL ? &source : NULL, err);
}

/* Opens, signs, closes. */
static hl_rc
sign_with(const char *uri, hl_err *err)
{
	person p = { .pin = "123456" };
	hl_pin_source source = { ask, &p, false };
	hl_buf sig = HL_BUF_INIT;
	hl_signer *s = NULL;
	hl_rc rc;

	*err = (hl_err){ 0 };
	rc = hl_signer_open(&s, uri, MODULE, &source, err);
	if (rc == HL_OK) {
		assert_true(hl_signer_on_token(s));
		rc = hl_signer_sign(s, "message", 7, &sig, err);
	} else {
		assert_null(s);
	}
	if (rc == HL_OK)
		assert_true(hl_public_verify(
		    hl_signer_public(s), "message", 7, sig.p, sig.n));
	else
		assert_int_equal(sig.n, 0);
	hl_signer_close(&s);
	hl_buf_free(&sig);
	return rc;
}

static void
expect(const scratch *sc, const char *words, const char *uri, hl_rc want,
    const char *why, const char *hint)
{
	hl_err err;
	hl_rc rc;

	habits(sc, words);
	rc = sign_with(uri, &err);
	if (rc != want || strstr(err.why, why) == NULL ||
	    strstr(err.hint, hint) == NULL)
		fail_msg("%s, %s: %s: %s: %s (%s)", words, uri, hl_rc_name(rc),
		    err.what, err.why, err.hint);
}

static void
keys_of_all_habits(void **state)
{
	static const char *const rows[] = { "", "keys=p", "keys=e", "keys=rpk",
		"keys=dpr", "raw-point", "keys=e,raw-point",
		"no-public,certificate", "no-public,private-point",
		"no-public,private-point,raw-point", "no-curve", "no-login",
		"always", "cant-lock", "tries=2", "version=3",
		"keys=e,no-public,certificate", "keys=e,always" };

	for (size_t i = 0; i < HL_COUNT(rows); i++)
		expect(*state, rows[i], ANY, HL_OK, "", "");
}

static void
tokens_by_their_attributes(void **state)
{
	static const char *const good[] = { "pkcs11:",
		"pkcs11:serial=S7;model=m1;manufacturer=maker",
		"pkcs11:token=stand%20in%20%20", "pkcs11:slot-id=7",
		"pkcs11:slot-description=left;slot-manufacturer=slots%20inc",
		("pkcs11:library-description=stand-in;library-version=1.7;"
		 "library-manufacturer=stand-in%20maker"),
		"pkcs11:object=key%20p;id=%01;type=private" };
	static const char *const bad[][2] = {
		{ "pkcs11:token=stand", "no token fits" },
		{ "pkcs11:token=Stand%20in", "no token fits" },
		{ "pkcs11:token=", "no token fits" },
		{ "pkcs11:serial=S8", "no token fits" },
		{ "pkcs11:model=m", "no token fits" },
		{ "pkcs11:manufacturer=x", "no token fits" },
		{ "pkcs11:slot-id=8", "no token fits" },
		{ "pkcs11:slot-description=right", "no token fits" },
		{ "pkcs11:slot-manufacturer=x", "no token fits" },
		{ "pkcs11:library-version=1.8", "another module" },
		{ "pkcs11:library-version=1", "another module" },
		{ "pkcs11:library-description=x", "another module" },
		{ "pkcs11:library-manufacturer=x", "another module" },
	};

	for (size_t i = 0; i < HL_COUNT(good); i++)
		expect(*state, "", good[i], HL_OK, "", "");
	for (size_t i = 0; i < HL_COUNT(bad); i++)
		expect(*state, "", bad[i][0], HL_ENODEV, bad[i][1], "");
	expect(*state, "", "pkcs11:token=x", HL_ENODEV, "no token fits",
	    "pkcs11:token=stand%20in;serial=S7");
	expect(*state, "tokens=0", ANY, HL_ENODEV, "sees no token", "pcscd");
	expect(*state, "tokens=2", ANY, HL_ECONFLICT,
	    "2 tokens fit the URI: pkcs11:token=stand%20in;serial=S7 "
	    "pkcs11:token=stand%20in;serial=S8",
	    "serial=");
	expect(*state, "tokens=2", ANY ";serial=S8", HL_OK, "", "");
	expect(*state, "tokens=2", ANY ";slot-id=8", HL_OK, "", "");
}

static void
keys_by_their_attributes(void **state)
{
	expect(*state, "keys=pq", ANY, HL_ECONFLICT,
	    "2 keys fit the URI: object=key%20p;id=%01 (fit to sign) "
	    "object=key%20q;id=%02",
	    "id=");
	expect(*state, "keys=pq", ANY ";id=%02", HL_OK, "", "");
	expect(*state, "keys=pq", ANY ";object=key%20q", HL_OK, "", "");
	expect(*state, "keys=pq", ANY ";id=%03", HL_ENOTFOUND,
	    "none of its keys", "object=key%20p;id=%01");
	expect(*state, "keys=pq", ANY ";id=", HL_ENOTFOUND, "none of its keys",
	    "");
	expect(*state, "keys=p", ANY ";object=key%20p;id=%02", HL_ENOTFOUND,
	    "none of its keys", "");
	expect(*state, "keys=", ANY, HL_ENOTFOUND, "has no private key",
	    "EC:prime256v1");
	expect(*state, "keys=r", ANY, HL_ENOTFOUND, "none", "(RSA)");
	expect(*state, "keys=k", ANY, HL_ENOTFOUND, "none", "(another curve)");
	expect(
	    *state, "keys=d", ANY, HL_ENOTFOUND, "none", "(not for signing)");
	/* not told by the private object: by the public key then */
	expect(*state, "keys=k,no-curve", ANY, HL_ENOTFOUND,
	    "nothing that tells its public key", "same ID");
	expect(*state, "no-public", ANY, HL_ENOTFOUND,
	    "nothing that tells its public key", "certificate");
	expect(*state, "huge", ANY, HL_ENOTFOUND, "none of its keys", "");
}

static void
uris_that_cannot_be_meant(void **state)
{
	static const char *const types[] = { "public", "cert", "data",
		"secret-key" };
	char uri[64];

	for (size_t i = 0; i < HL_COUNT(types); i++) {
		snprintf(uri, sizeof(uri), "pkcs11:type=%s", types[i]);
		expect(*state, "", uri, HL_EINPUT, "cannot sign", "private");
	}
	expect(*state, "", ANY ";x-color=red", HL_EINPUT, "\"x-color\"",
	    "take it out");
	expect(*state, "", ANY "?x-color=red", HL_OK, "", "");
	expect(*state, "", ANY "?pin-value=123456", HL_EUSAGE, "pin-value", "");
}

static void
signatures_that_are_none(void **state)
{
	expect(*state, "bad-signature", ANY, HL_ECARD, "does not verify", "");
	expect(*state, "wrong-public", ANY, HL_ECARD, "does not verify",
	    "belong together");
	expect(*state, "keys=e,bad-signature", ANY, HL_ECARD, "does not verify",
	    "");
	expect(*state, "short-signature", ANY, HL_ECARD, "63 bytes", "");
	expect(
	    *state, "der-signature", ANY, HL_ECARD, "bytes instead of 64", "");
}

static void
tokens_pulled(void **state)
{
	expect(
	    *state, "gone=login", ANY, HL_ENODEV, "taken out", "put it back");
	expect(*state, "gone=find", ANY, HL_ENODEV, "taken out", "put it back");
	expect(*state, "gone=attribute", ANY, HL_ENODEV, "taken out",
	    "put it back");
	expect(*state, "gone=sign", ANY, HL_ENODEV, "taken out", "put it back");
}

static void
modules_that_are_none(void **state)
{
	const scratch *sc = *state;
	hl_signer *s = NULL;
	hl_err err = { 0 };

	assert_int_equal(
	    hl_signer_open(&s, ANY, "/no/such.so", NULL, &err), HL_ENODEV);
	assert_non_null(strstr(err.what, "/no/such.so"));
	assert_int_equal(
	    hl_signer_open(&s, ANY, "no-such-module", NULL, &err), HL_ENODEV);
	assert_non_null(strstr(err.why, "usual folders"));
	assert_int_equal(hl_file_write(sc->path, "text", 4, 0600, NULL), HL_OK);
	assert_int_equal(
	    hl_signer_open(&s, ANY, sc->path, NULL, &err), HL_ENODEV);
	assert_int_equal(
	    hl_signer_open(&s, ANY, "libcrypto.so.3", NULL, &err), HL_ENODEV);
	assert_non_null(strstr(err.why, "no PKCS #11 module"));
	expect(sc, "version=9", ANY, HL_ENODEV, "version", "");
	assert_null(s);
}

static void
module_of_the_uri(void **state)
{
	const scratch *sc = *state;
	hl_signer *s = NULL;
	hl_err err = { 0 };

	habits(sc, "no-login");
	assert_int_equal(
	    hl_signer_open(&s, ANY "?module-path=" MODULE, NULL, NULL, &err),
	    HL_OK);
	hl_signer_close(&s);
	/* what the caller says goes before it */
	assert_int_equal(hl_signer_open(&s, ANY "?module-path=/no/such.so",
			     MODULE, NULL, &err),
	    HL_OK);
	hl_signer_close(&s);
	assert_int_equal(hl_signer_open(&s, ANY "?module-name=no-such-module",
			     NULL, NULL, &err),
	    HL_ENODEV);
	assert_non_null(strstr(err.why, "no-such-module"));
}

/* ---- PINs --------------------------------------------------------------- */

static void
a_wrong_pin_is_tried_once(void **state)
{
	const scratch *sc = *state;
	hl_signer *s = NULL;
	hl_err err;
	person p;

	habits(sc, "");
	assert_int_equal(
	    open_as(&s, ANY, "654321", &p, false, &err), HL_EACCESS);
	assert_null(s);
	assert_int_equal(p.asked, 1);
	assert_int_equal(p.last, 0);
	assert_string_equal(p.what, "PIN of token \"stand in\"");
	assert_int_equal(logins(sc), 1);
	assert_non_null(strstr(err.what, "\"stand in\""));
	assert_non_null(strstr(err.why, "PIN is wrong; tries are left"));
	assert_null(strstr(err.why, "654321"));
	habits(sc, "tries=2");
	assert_int_equal(
	    open_as(&s, ANY, "654321", &p, false, &err), HL_EACCESS);
	assert_int_equal(logins(sc), 1);
	assert_non_null(strstr(err.why, "one try is left"));
}

static void
the_last_try_is_spent_only_when_told(void **state)
{
	const scratch *sc = *state;
	hl_signer *s = NULL;
	hl_err err;
	person p;

	/* not even with the right PIN: nobody knows that it is */
	habits(sc, "tries=1");
	assert_int_equal(
	    open_as(&s, ANY, "123456", &p, false, &err), HL_EACCESS);
	assert_int_equal(p.asked, 0);
	assert_int_equal(logins(sc), 0);
	assert_non_null(strstr(err.why, "one more wrong PIN locks it"));
	assert_int_equal(open_as(&s, ANY, NULL, &p, false, &err), HL_EACCESS);
	assert_int_equal(logins(sc), 0);

	assert_int_equal(open_as(&s, ANY, "123456", &p, true, &err), HL_OK);
	assert_int_equal(p.asked, 1);
	assert_int_equal(p.last, 1);
	assert_int_equal(logins(sc), 1);
	hl_signer_close(&s);

	habits(sc, "tries=1");
	assert_int_equal(
	    open_as(&s, ANY, "654321", &p, true, &err), HL_EACCESS);
	assert_int_equal(logins(sc), 1);
	assert_non_null(strstr(err.why, "locked now"));

	habits(sc, "tries=0");
	assert_int_equal(
	    open_as(&s, ANY, "123456", &p, true, &err), HL_EACCESS);
	assert_int_equal(p.asked, 0);
	assert_int_equal(logins(sc), 0);
	assert_non_null(strstr(err.why, "the PIN is locked"));
}

/* The last try of a PIN pad is one as well. */
static void
a_pin_pad(void **state)
{
	const scratch *sc = *state;
	hl_signer *s = NULL;
	hl_err err;
	person p;

	habits(sc, "pinpad");
	assert_int_equal(open_as(&s, ANY, NULL, &p, false, &err), HL_OK);
	assert_int_equal(logins(sc), 1);
	hl_signer_close(&s);
	assert_int_equal(open_as(&s, ANY, "123456", &p, false, &err), HL_OK);
	assert_int_equal(p.asked, 0);
	hl_signer_close(&s);
	habits(sc, "pinpad,tries=1");
	assert_int_equal(
	    open_as(&s, ANY, "123456", &p, false, &err), HL_EACCESS);
	assert_int_equal(logins(sc), 0);
}

static void
pins_that_are_not_worth_a_try(void **state)
{
	const scratch *sc = *state;
	hl_signer *s = NULL;
	hl_err err;
	person p;

	habits(sc, "");
	assert_int_equal(open_as(&s, ANY, NULL, &p, false, &err), HL_EUSAGE);
	assert_non_null(strstr(err.why, "PIN of token"));
	assert_int_equal(open_as(&s, ANY, "", &p, false, &err), HL_EINPUT);
	assert_int_equal(open_as(&s, ANY, "123", &p, false, &err), HL_EINPUT);
	assert_non_null(strstr(err.why, "4 to 8 characters"));
	assert_int_equal(
	    open_as(&s, ANY, "123456789", &p, false, &err), HL_EINPUT);
	assert_int_equal(logins(sc), 0);
	p = (person){ .pin = "123456", .rc = HL_EINTEGRITY };
	assert_int_equal(hl_signer_open(&s, ANY, MODULE,
			     &(hl_pin_source){ ask, &p, false }, &err),
	    HL_EINTEGRITY);
	assert_int_equal(logins(sc), 0);
}

static void
a_pin_for_each_signature(void **state)
{
	const scratch *sc = *state;
	hl_pin_source source = { ask, NULL, false };
	hl_buf sig = HL_BUF_INIT, log = HL_BUF_INIT;
	hl_signer *s = NULL;
	hl_err err = { 0 };
	person p = { .pin = "123456" };

	habits(sc, "always");
	source.arg = &p;
	assert_int_equal(hl_signer_open(&s, ANY, MODULE, &source, &err), HL_OK);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(hl_signer_sign(s, "m", 1, &sig, &err), HL_OK);
	assert_int_equal(p.asked, 4);
	p.pin = "654321";
	hl_buf_reset(&sig);
	assert_int_equal(hl_signer_sign(s, "m", 1, &sig, &err), HL_EACCESS);
	assert_int_equal(sig.n, 0);
	assert_int_equal(p.asked, 5);
	assert_int_equal(logins(sc), 5);
	p.pin = "123456";
	assert_int_equal(hl_signer_sign(s, "m", 1, &sig, &err), HL_OK);
	hl_signer_close(&s);
	assert_int_equal(hl_file_read(sc->path, 4096, &log, NULL), HL_OK);
	assert_non_null(strstr(hl_buf_str(&log), "1 123456\n2 123456\n"));
	hl_buf_free(&log);
	hl_buf_free(&sig);
}

static void
pin_file_of_the_uri(void **state)
{
	const scratch *sc = *state;
	char file[100], uri[200];
	hl_signer *s = NULL;
	hl_err err;
	person p;

	habits(sc, "");
	snprintf(file, sizeof(file), "%s/pin", sc->dir);
	snprintf(uri, sizeof(uri), "%s?pin-source=file:%s", ANY, file);
	assert_int_equal(open_as(&s, uri, NULL, &p, false, &err), HL_ENOTFOUND);
	assert_int_equal(hl_file_write(file, "123456\n", 7, 0600, NULL), HL_OK);
	assert_int_equal(open_as(&s, uri, NULL, &p, false, &err), HL_OK);
	hl_signer_close(&s);
	assert_int_equal(open_as(&s, uri, "654321", &p, false, &err), HL_OK);
	assert_int_equal(p.asked, 0);
	hl_signer_close(&s);
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(open_as(&s, uri, NULL, &p, false, &err), HL_EACCESS);
	assert_int_equal(logins(sc), 2);
	habits(sc, "tries=1");
	assert_int_equal(chmod(file, 0600), 0);
	assert_int_equal(open_as(&s, uri, NULL, &p, false, &err), HL_EACCESS);
	assert_int_equal(logins(sc), 0);
	assert_int_equal(open_as(&s, uri, "654321", &p, true, &err), HL_OK);
	hl_signer_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(keys_of_all_habits),
		SCRATCH_TEST(tokens_by_their_attributes),
		SCRATCH_TEST(keys_by_their_attributes),
		SCRATCH_TEST(uris_that_cannot_be_meant),
		SCRATCH_TEST(signatures_that_are_none),
		SCRATCH_TEST(tokens_pulled),
		SCRATCH_TEST(modules_that_are_none),
		SCRATCH_TEST(module_of_the_uri),
		SCRATCH_TEST(a_wrong_pin_is_tried_once),
		SCRATCH_TEST(the_last_try_is_spent_only_when_told),
		SCRATCH_TEST(a_pin_pad),
		SCRATCH_TEST(pins_that_are_not_worth_a_try),
		SCRATCH_TEST(a_pin_for_each_signature),
		SCRATCH_TEST(pin_file_of_the_uri),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
