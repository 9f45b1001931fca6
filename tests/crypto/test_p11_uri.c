/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p11_uri.h"

#include "crypto/hexvec.h"
#include "util/text.h"

static hl_p11_uri
parsed(const char *text)
{
	hl_p11_uri u;
	hl_err err = { 0 };

	memset(&u, 0x5a, sizeof(u));
	if (hl_p11_uri_parse(text, &u, &err) != HL_OK)
		fail_msg("%s: %s", text, err.why);
	return u;
}

static void
is(const hl_p11_value *v, const char *want)
{
	if (want == NULL) {
		assert_false(v->given);
		return;
	}
	assert_true(v->given);
	assert_string_equal(v->s, want);
	assert_int_equal(v->n, strlen(want));
}

/* The examples of RFC 7512, section 3, in their order. */
static void
examples_of_rfc7512(void **state)
{
	hl_p11_uri u = parsed("pkcs11:");
	const hl_p11_uri none = { .type = HL_P11_ANY };

	(void)state;
	assert_memory_equal(&u, &none, sizeof(u));

	u = parsed("pkcs11:object=my-pubkey;type=public");
	is(&u.object, "my-pubkey");
	assert_int_equal(u.type, HL_P11_PUBLIC);
	is(&u.token, NULL);

	u = parsed(
	    "pkcs11:object=my-key;type=private?pin-source=file:/etc/token");
	is(&u.object, "my-key");
	assert_int_equal(u.type, HL_P11_PRIVATE);
	assert_string_equal(u.pin_file, "/etc/token");

	u = parsed("pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;"
		   "manufacturer=Snake%20Oil,%20Inc.;"
		   "model=1.0;"
		   "object=my-certificate;"
		   "type=cert;"
		   "id=%69%95%3E%5C%F4%BD%EC%91;"
		   "serial="
		   "?pin-source=file:/etc/token_pin");
	is(&u.token, "The Software PKCS#11 Softtoken");
	is(&u.manufacturer, "Snake Oil, Inc.");
	is(&u.model, "1.0");
	is(&u.object, "my-certificate");
	assert_int_equal(u.type, HL_P11_CERT);
	is(&u.serial, "");
	assert_true(u.id.given);
	assert_int_equal(u.id.n, 8);
	assert_memory_equal(u.id.s, "\x69\x95\x3E\x5C\xF4\xBD\xEC\x91", 8);
	assert_string_equal(u.pin_file, "/etc/token_pin");

	u = parsed("pkcs11:object=my-sign-key;type=private"
		   "?module-name=mypkcs11");
	assert_string_equal(u.module_name, "mypkcs11");
	assert_string_equal(u.module_path, "");

	u = parsed("pkcs11:object=my-sign-key;type=private"
		   "?module-path=/mnt/libmypkcs11.so.1");
	assert_string_equal(u.module_path, "/mnt/libmypkcs11.so.1");

	u = parsed("pkcs11:slot-description=Sun%20Metaslot");
	is(&u.slot_description, "Sun Metaslot");

	u = parsed("pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;"
		   "library-description=Soft%20Token%20Library;"
		   "library-version=1.23");
	is(&u.library_manufacturer, "Snake Oil, Inc.");
	is(&u.library_description, "Soft Token Library");
	assert_true(u.has_library_version);
	assert_int_equal(u.library_major, 1);
	assert_int_equal(u.library_minor, 23);

	u = parsed("pkcs11:token=My%20token%25%20created%20by%20Joe;"
		   "library-version=3;"
		   "id=%01%02%03%Ba%dd%Ca%fe%04%05%06");
	is(&u.token, "My token% created by Joe");
	assert_int_equal(u.library_major, 3);
	assert_int_equal(u.library_minor, 0);
	assert_int_equal(u.id.n, 10);
	assert_memory_equal(
	    u.id.s, "\x01\x02\x03\xBA\xDD\xCA\xFE\x04\x05\x06", 10);

	u = parsed("pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;"
		   "object=my-certificate;"
		   "type=cert");
	is(&u.token, "A name with a substring %;");

	u = parsed("pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:"
		   "%20%C3%A1;object=my-certificate;type=cert");
	is(&u.token, "Name with a small A with acute: \xC3\xA1");

	u = parsed("pkcs11:token=my-token;object=my-certificate;type=cert;"
		   "vendor-aaa=value-a"
		   "?pin-source=file:/etc/token_pin&vendor-bbb=value-b");
	is(&u.token, "my-token");
	assert_string_equal(u.unknown, "vendor-aaa");
	assert_string_equal(u.pin_file, "/etc/token_pin");
}

/* That of section 3 with its PIN in it. */
static void
a_pin_is_refused_and_never_told(void **state)
{
	static const char *const rows[] = {
		("pkcs11:token=Software%20PKCS%2311%20softtoken;"
		 "manufacturer=Snake%20Oil,%20Inc.?pin-value=SeCrEt"),
		"pkcs11:?pin-value=SeCrEt",
		"pkcs11:?pin-value=",
		"pkcs11:?module-name=m&pin-value=SeCrEt&x=y",
		"pkcs11:;pin-value=SeCrEt",
		"pkcs11:pin-value=SeCrEt",
		"pkcs11:?pin-value=SeCrEt%",
		"pkcs11:?pin-vale=SeCrEt#",
		"pkcs11:?pinSeCrEt",
		"pkcs11:slot-id=SeCrEt",
		"pkcs11:type=SeCrEt",
		"pkcs11:library-version=SeCrEt",
		"pkcs11:?pin-source=SeCrEt",
	};
	hl_p11_uri u;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_err err = { 0 };
		hl_rc rc = hl_p11_uri_parse(rows[i], &u, &err);

		CHECK(rc == HL_EINPUT || rc == HL_EUSAGE, rows[i]);
		CHECK(i >= 4 || rc == HL_EUSAGE, rows[i]);
		CHECK(i >= 4 || strstr(err.why, "pin-value") != NULL, rows[i]);
		CHECK(strstr(err.what, "SeCrEt") == NULL, rows[i]);
		CHECK(strstr(err.why, "SeCrEt") == NULL, rows[i]);
		CHECK(strstr(err.hint, "SeCrEt") == NULL, rows[i]);
	}
}

static void
more_that_is_read(void **state)
{
	hl_p11_uri u = parsed("PKCS11:slot-id=18446744073709551615;"
			      "slot-manufacturer=a&b;type=secret-key");
	char longest[512];

	(void)state;
	assert_true(u.has_slot_id);
	assert_true(u.slot_id == ULONG_MAX);
	is(&u.slot_manufacturer, "a&b");
	assert_int_equal(u.type, HL_P11_SECRET_KEY);
	u = parsed("pkcs11:type=data?pin-source=file:///a%20b/c");
	assert_int_equal(u.type, HL_P11_DATA);
	assert_string_equal(u.pin_file, "/a b/c");
	u = parsed("pkcs11:?x=1&x=2&pin-source=file:/a");
	assert_string_equal(u.unknown, "");
	u = parsed("pkcs11:id=%00;object=");
	assert_int_equal(u.id.n, 1);
	is(&u.object, "");
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "pkcs11:object=", 14);
	longest[14 + HL_P11_VALUE_MAX] = '\0';
	u = parsed(longest);
	assert_int_equal(u.object.n, HL_P11_VALUE_MAX);
}

static void
refused(void **state)
{
	static const char *const rows[][2] = {
		{ "", "does not begin" },
		{ "pkcs11", "does not begin" },
		{ "pkcs12:token=x", "does not begin" },
		{ " pkcs11:", "does not begin" },
		{ "pkcs11:token", "begin with NAME=" },
		{ "pkcs11:=x", "begin with NAME=" },
		{ "pkcs11:;", "begin with NAME=" },
		{ "pkcs11:token=x;", "begin with NAME=" },
		{ "pkcs11:;token=x", "begin with NAME=" },
		{ "pkcs11:token=x;;object=y", "begin with NAME=" },
		{ "pkcs11:?module-name=m&", "begin with NAME=" },
		{ "pkcs11:to.ken=x", "begin with NAME=" },
		{ "pkcs11:token =x", "begin with NAME=" },
		{ "pkcs11:token=x;token=x", "twice" },
		{ "pkcs11:?module-name=m&module-name=m", "twice" },
		{ "pkcs11:token=a b", "%XX" },
		{ "pkcs11:token=a/b", "%XX" },
		{ "pkcs11:token=a#b", "%XX" },
		{ "pkcs11:token=\"a\"", "%XX" },
		{ "pkcs11:token=\xC3\xA1", "%XX" },
		{ "pkcs11:token=a?module-name=b?c#", "%XX" },
		{ "pkcs11:x=a b", "%XX" },
		{ "pkcs11:?x=a b", "%XX" },
		{ "pkcs11:token=%", "two hex digits" },
		{ "pkcs11:token=%4", "two hex digits" },
		{ "pkcs11:token=%4;object=1", "two hex digits" },
		{ "pkcs11:token=%4g", "two hex digits" },
		{ "pkcs11:token=%C3", "no text" },
		{ "pkcs11:token=%00", "no text" },
		{ "pkcs11:token=a%0A", "no text" },
		{ "pkcs11:object=%ff", "no text" },
		{ "pkcs11:type=key", "names no type" },
		{ "pkcs11:type=", "names no type" },
		{ "pkcs11:type=private-and-more", "too long" },
		{ "pkcs11:slot-id=", "no number" },
		{ "pkcs11:slot-id=-1", "no number" },
		{ "pkcs11:slot-id=0x1", "no number" },
		{ "pkcs11:slot-id=18446744073709551616", "no number" },
		{ "pkcs11:library-version=", "no version" },
		{ "pkcs11:library-version=1.", "no version" },
		{ "pkcs11:library-version=1.2.3", "no version" },
		{ "pkcs11:library-version=256", "no version" },
		{ "pkcs11:module-path=/x", "behind a ?" },
		{ "pkcs11:?token=x", "in front of the ?" },
		{ "pkcs11:?module-path=x.so", "absolute" },
		{ "pkcs11:?module-path=", "absolute" },
		{ "pkcs11:?module-name=", "no name" },
		{ "pkcs11:?module-name=a/b", "no name" },
		{ "pkcs11:?pin-source=", "no file" },
		{ "pkcs11:?pin-source=/etc/pin", "no file" },
		{ "pkcs11:?pin-source=file:pin", "no file" },
		{ "pkcs11:?pin-source=file:", "no file" },
		{ "pkcs11:?pin-source=file://host/pin", "no file" },
		{ "pkcs11:?pin-source=file:////pin", "no file" },
		/* RFC 7512 knows programs; they are not run */
		{ "pkcs11:?pin-source=|/usr/lib/pinomatic", "no file" },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_p11_uri u, was;
		hl_err err = { 0 };
		hl_rc rc;

		memset(&u, 0x5a, sizeof(u));
		was = u;
		rc = hl_p11_uri_parse(rows[i][0], &u, &err);
		CHECK(rc == HL_EINPUT || rc == HL_EUSAGE, rows[i][0]);
		CHECK(memcmp(&u, &was, sizeof(u)) == 0, rows[i][0]);
		if (strstr(err.why, rows[i][1]) == NULL)
			fail_msg("%s: said: %s", rows[i][0], err.why);
	}
}

static void
too_long(void **state)
{
	char text[HL_P11_URI_MAX + 16];
	hl_p11_uri u;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "pkcs11:object=", 14);
	text[14 + HL_P11_VALUE_MAX + 1] = '\0';
	assert_int_equal(hl_p11_uri_parse(text, &u, NULL), HL_EINPUT);
	memset(text, 'x', sizeof(text));
	memcpy(text, "pkcs11:?x=", 10);
	text[7 + HL_P11_URI_MAX] = '\0';
	assert_int_equal(hl_p11_uri_parse(text, &u, NULL), HL_OK);
	text[7 + HL_P11_URI_MAX] = 'x';
	text[7 + HL_P11_URI_MAX + 1] = '\0';
	assert_int_equal(hl_p11_uri_parse(text, &u, NULL), HL_EINPUT);
}

static void
values_are_written_so_that_they_are_read_again(void **state)
{
	hl_buf b = HL_BUF_INIT;
	uint8_t all[256];
	hl_p11_uri u;

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	hl_buf_printf(&b, "pkcs11:");
	hl_p11_uri_put(&b, "id", all, 255);
	hl_buf_u8(&b, ';');
	hl_p11_uri_put(&b, "token", "a b;c=d%?\xC3\xA1", 11);
	assert_null(strpbrk(hl_buf_str(&b), " '\"()&$*?[]!"));
	u = parsed(hl_buf_str(&b));
	assert_int_equal(u.id.n, 255);
	assert_memory_equal(u.id.s, all, 255);
	is(&u.token, "a b;c=d%?\xC3\xA1");
	hl_buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_of_rfc7512),
		cmocka_unit_test(a_pin_is_refused_and_never_told),
		cmocka_unit_test(more_that_is_read),
		cmocka_unit_test(refused),
		cmocka_unit_test(too_long),
		cmocka_unit_test(
		    values_are_written_so_that_they_are_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
