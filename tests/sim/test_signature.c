/* SPDX-License-Identifier: Apache-2.0 */
/* A derived nonce: real signatures, and always the same one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crypto/p256.h"

static void
signatures_are_real_and_repeat(void **state)
{
	uint8_t seed[32] = { 0 }, priv[HL_P256_SCALAR], pub[HL_P256_POINT];
	uint8_t a[HL_P256_SIG], b[HL_P256_SIG];
	char msg[8] = "message";

	(void)state;
	for (uint8_t i = 0; i < 50; i++) {
		seed[0] = i;
		assert_int_equal(
		    hl_p256_generate(seed, priv, pub, NULL), HL_OK);
		msg[0] = (char)i;
		assert_int_equal(
		    hl_p256_sign_seeded(priv, seed, msg, sizeof(msg), a, NULL),
		    HL_OK);
		assert_true(hl_p256_verify(pub, msg, sizeof(msg), a));
		assert_int_equal(
		    hl_p256_sign_seeded(priv, seed, msg, sizeof(msg), b, NULL),
		    HL_OK);
		assert_memory_equal(a, b, sizeof(a));
		msg[1] ^= 1;
		assert_false(hl_p256_verify(pub, msg, sizeof(msg), a));
		/* Another message, another nonce: r alone tells. */
		assert_int_equal(
		    hl_p256_sign_seeded(priv, seed, msg, sizeof(msg), b, NULL),
		    HL_OK);
		assert_memory_not_equal(a, b, HL_P256_SIG / 2);
		seed[1] = 1;
		msg[1] ^= 1;
		assert_int_equal(
		    hl_p256_sign_seeded(priv, seed, msg, sizeof(msg), b, NULL),
		    HL_OK);
		assert_memory_not_equal(a, b, HL_P256_SIG / 2);
		seed[1] = 0;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_are_real_and_repeat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
