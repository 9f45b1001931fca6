/* SPDX-License-Identifier: Apache-2.0 */
/* A chip certificate from anywhere: each verdict is derived once more from its
 * parts, and a refusal changes nothing. */
#include <string.h>

#include "chip/cert.h"
#include "crypto/p256.h"
#include "util/text.h"

#include "fuzz/must.h"

/* Byte by byte, because the product's own test is what is tested here. */
static bool
is_stm32(const uint8_t *data, size_t size)
{
	if (size != 136)
		return false;
	for (size_t i = 0; i < 8; i++)
		if (data[i] == '\0' ||
		    strchr("0123456789ABCDEF", data[i]) == NULL)
			return false;
	return hl_p256_on_curve(data + 8);
}

static void
check_taken(const hl_cert *c, const uint8_t *data, size_t size, bool stm32)
{
	uint8_t hash[HL_SHA256_LEN];

	MUST(c->n == size && size >= 1 && size <= HL_CERT_MAX);
	MUST(memcmp(c->b, data, size) == 0);
	MUST(hl_sha256(data, size, hash, NULL) == HL_OK);
	MUST(memcmp(c->sha256, hash, sizeof(hash)) == 0);
	MUST(strlen(c->product_id) == (stm32 ? 8 : 0));
	MUST(memcmp(c->product_id, data, strlen(c->product_id)) == 0);
}

static void
check(const uint8_t *data, size_t size, bool any, bool stm32)
{
	const bool good = stm32 || (any && size >= 1 && size <= HL_CERT_MAX);
	static hl_cert out, was;
	hl_err err = { 0 };
	hl_rc rc;

	memset(&was, 0x5a, sizeof(was));
	out = was;
	rc = hl_cert_parse(&out, data, size, any, &err);
	MUST(rc == (good ? HL_OK : HL_EINPUT));
	MUST(err.rc == rc);
	if (good) {
		check_taken(&out, data, size, stm32);
		return;
	}
	MUST(memcmp(&out, &was, sizeof(out)) == 0);
	MUST(err.why[0] != '\0' && err.hint[0] != '\0');
	MUST(hl_text_valid(err.why, strlen(err.why)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const bool stm32 = is_stm32(data, size);

	check(data, size, false, stm32);
	check(data, size, true, stm32);
	return 0;
}
