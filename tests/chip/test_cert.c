/* SPDX-License-Identifier: Apache-2.0 */
#include "chip/cert.h"

#include <stdio.h>
#include <unistd.h>

#include "chip/an5054_fig36.h"
#include "crypto/hexvec.h"

/* For results that must stay as they were. */
static hl_cert untouched;

static int
setup(void **state)
{
	(void)state;
	memset(&untouched, 0x5a, sizeof(untouched));
	return 0;
}

static void
real_certificate(void **state)
{
	vec c = vec_of(AN5054_FIG36), hash = vec_of(AN5054_FIG36_SHA256);
	hl_cert out = untouched;

	(void)state;
	assert_int_equal(c.n, HL_CERT_STM32);
	for (int any = 0; any < 2; any++) {
		out = untouched;
		assert_int_equal(
		    hl_cert_parse(&out, c.p, c.n, any, NULL), HL_OK);
		assert_int_equal(out.n, HL_CERT_STM32);
		assert_memory_equal(out.b, c.p, c.n);
		assert_true(all_bytes(out.b + out.n, sizeof(out.b) - out.n, 0));
		assert_memory_equal(out.sha256, hash.p, hash.n);
		assert_string_equal(out.product_id, "49701005");
	}
	vec_free(&hash);
	vec_free(&c);
}

/* Refused as an STM32 certificate, taken as one of another kind. */
static void
expect_no_stm32(const vec *c, const char *says, const char *why)
{
	hl_cert out = untouched;
	hl_err err = { 0 };

	CHECK(hl_cert_parse(&out, c->p, c->n, false, &err) == HL_EINPUT, why);
	CHECK(memcmp(&out, &untouched, sizeof(out)) == 0, why);
	CHECK(err.rc == HL_EINPUT && err.hint[0] != '\0', why);
	if (strstr(err.why, says) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", why, err.why, says);
	err = (hl_err){ 0 };
	CHECK(hl_cert_parse(&out, c->p, c->n, true, &err) == HL_OK, why);
	CHECK(err.rc == HL_OK, why);
	CHECK(out.product_id[0] == '\0', why);
	CHECK(out.n == c->n && memcmp(out.b, c->p, c->n) == 0, why);
}

static void
every_other_length(void **state)
{
	vec c = vec_of(AN5054_FIG36);
	uint8_t b[160] = { 0 };
	char says[16];

	(void)state;
	memcpy(b, c.p, c.n);
	for (size_t n = 1; n <= sizeof(b); n++) {
		vec part = vec_copy(b, n);

		snprintf(says, sizeof(says), "%zu bytes", n);
		if (n != HL_CERT_STM32)
			expect_no_stm32(&part, says, says);
		vec_free(&part);
	}
	vec_free(&c);
}

static void
limits_of_any_certificate(void **state)
{
	vec most = vec_copy("", 0), over;
	hl_cert out = untouched;
	hl_err err = { 0 };
	uint8_t b[HL_CERT_MAX + 1];

	(void)state;
	vec_free(&most);
	memset(b, 0x30, sizeof(b));
	most = vec_copy(b, HL_CERT_MAX);
	over = vec_copy(b, HL_CERT_MAX + 1);
	for (int any = 0; any < 2; any++) {
		assert_int_equal(
		    hl_cert_parse(&out, b, 0, any, &err), HL_EINPUT);
		assert_int_equal(
		    hl_cert_parse(&out, NULL, 0, any, &err), HL_EINPUT);
		assert_int_equal(
		    hl_cert_parse(&out, over.p, over.n, any, &err), HL_EINPUT);
		assert_non_null(strstr(err.why, "4097 bytes"));
	}
	assert_memory_equal(&out, &untouched, sizeof(out));
	assert_int_equal(
	    hl_cert_parse(&out, most.p, most.n, true, &err), HL_OK);
	assert_int_equal(out.n, HL_CERT_MAX);
	assert_string_equal(out.product_id, "");
	vec_free(&over);
	vec_free(&most);
}

static void
product_id_is_eight_upper_case_hex_digits(void **state)
{
	vec c = vec_of(AN5054_FIG36);
	hl_cert out;

	(void)state;
	for (size_t at = 0; at < 8; at++) {
		uint8_t was = c.p[at];

		for (int ch = 0; ch < 256; ch++) {
			c.p[at] = (uint8_t)ch;
			if ((ch >= '0' && ch <= '9') ||
			    (ch >= 'A' && ch <= 'F'))
				assert_int_equal(
				    hl_cert_parse(&out, c.p, c.n, false, NULL),
				    HL_OK);
			else
				expect_no_stm32(&c, "product ID", "one digit");
		}
		c.p[at] = was;
	}
	vec_free(&c);
}

static void
product_id_valid(void **state)
{
	static const struct {
		const char *s;
		bool ok;
	} rows[] = { { "49701005", true }, { "00000000", true },
		{ "ABCDEF09", true }, { "5000200A", true },
		{ "5000200a", false }, { "4970100", false },
		{ "497010055", false }, { "", false }, { "4970100G", false },
		{ "4970100/", false }, { "4970100:", false },
		{ "4970100@", false }, { " 4970100", false } };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		vec s = vec_copy(rows[i].s, strlen(rows[i].s));

		CHECK(hl_product_id_valid((const char *)s.p, s.n) == rows[i].ok,
		    rows[i].s);
		vec_free(&s);
	}
	assert_false(hl_product_id_valid("497\0001005", 8));
}

static void
every_flipped_bit_of_the_key_is_noticed(void **state)
{
	vec c = vec_of(AN5054_FIG36);

	(void)state;
	for (size_t bit = 8 * HL_CERT_KEY_AT; bit < 8 * HL_CERT_SIG_AT; bit++) {
		c.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		expect_no_stm32(&c, "public key", "one bit of the key");
		c.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	memset(c.p + HL_CERT_KEY_AT, 0, 64);
	expect_no_stm32(&c, "public key", "key all zero");
	memset(c.p, 0xff, c.n);
	expect_no_stm32(&c, "product ID", "erased flash");
	memset(c.p, 0, c.n);
	expect_no_stm32(&c, "product ID", "nothing but zeros");
	vec_free(&c);
}

static void
signature_is_identity_but_not_checked(void **state)
{
	vec c = vec_of(AN5054_FIG36), hash = vec_of(AN5054_FIG36_SHA256);
	hl_cert out;

	(void)state;
	for (size_t at = HL_CERT_SIG_AT; at < HL_CERT_STM32; at++) {
		c.p[at] ^= 1;
		assert_int_equal(
		    hl_cert_parse(&out, c.p, c.n, false, NULL), HL_OK);
		assert_memory_not_equal(out.sha256, hash.p, hash.n);
		c.p[at] ^= 1;
	}
	vec_free(&hash);
	vec_free(&c);
}

static char path[] = "/tmp/hsmlic-test-cert-XXXXXX";

static void
file_with(const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
expect_read(bool any, hl_rc want, const char *says)
{
	hl_cert out = untouched;
	hl_err err = { 0 };

	assert_int_equal(hl_cert_read(&out, path, any, &err), want);
	if (want == HL_OK)
		return;
	assert_memory_equal(&out, &untouched, sizeof(out));
	assert_non_null(strstr(err.what, path));
	if (strstr(err.why, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.why, says);
}

static void
from_files(void **state)
{
	vec c = vec_of(AN5054_FIG36);
	uint8_t b[HL_CERT_MAX + 1] = { 0 };

	(void)state;
	file_with(c.p, c.n);
	expect_read(false, HL_OK, "");
	file_with(c.p, c.n - 1);
	expect_read(false, HL_EINPUT, "135 bytes");
	expect_read(true, HL_OK, "");
	file_with(AN5054_FIG36, strlen(AN5054_FIG36));
	expect_read(false, HL_EINPUT, "272 bytes");
	file_with("", 0);
	expect_read(false, HL_EINPUT, "");
	expect_read(true, HL_EINPUT, "");
	file_with(b, HL_CERT_MAX);
	expect_read(false, HL_EINPUT, "4096 bytes");
	expect_read(true, HL_OK, "");
	file_with(b, HL_CERT_MAX + 1);
	expect_read(true, HL_EINPUT, "");
	assert_int_equal(unlink(path), 0);
	expect_read(false, HL_ENOTFOUND, "");
	vec_free(&c);
}

static void
a_directory_is_no_certificate(void **state)
{
	hl_cert out = untouched;
	hl_err err = { 0 };

	(void)state;
	assert_int_equal(hl_cert_read(&out, "/tmp", true, &err), HL_EINPUT);
	assert_memory_equal(&out, &untouched, sizeof(out));
	assert_int_equal(hl_cert_read(&out, "/tmp", true, NULL), HL_EINPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_certificate),
		cmocka_unit_test(every_other_length),
		cmocka_unit_test(limits_of_any_certificate),
		cmocka_unit_test(product_id_is_eight_upper_case_hex_digits),
		cmocka_unit_test(product_id_valid),
		cmocka_unit_test(every_flipped_bit_of_the_key_is_noticed),
		cmocka_unit_test(signature_is_identity_but_not_checked),
		cmocka_unit_test(from_files),
		cmocka_unit_test(a_directory_is_no_certificate),
	};
	int fd = mkstemp(path);

	if (fd < 0 || close(fd) != 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, NULL);
}
