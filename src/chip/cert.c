/* SPDX-License-Identifier: Apache-2.0 */
#include "chip/cert.h"

#include <string.h>

#include "crypto/p256.h"
#include "util/buf.h"
#include "util/file.h"

#define PRODUCT_ID_LEN (HL_PRODUCT_ID_TEXT - 1)

static const char what[] = "read a chip certificate";

bool
hl_product_id_valid(const char *s, size_t n)
{
	if (n != PRODUCT_ID_LEN)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!(s[i] >= '0' && s[i] <= '9') &&
		    !(s[i] >= 'A' && s[i] <= 'F'))
			return false;
	return true;
}

/* Is this an STM32 certificate? HL_EINPUT says why not. */
static hl_rc
stm32_check(const uint8_t *p, size_t n, hl_err *err)
{
	char id[HL_PRODUCT_ID_TEXT] = { 0 };

	if (n != HL_CERT_STM32)
		return hl_fail(err, HL_EINPUT, what,
		    "give the certificate file of an STM32 chip, binary and "
		    "unchanged",
		    "%zu bytes, an STM32 certificate has %d", n, HL_CERT_STM32);
	memcpy(id, p, PRODUCT_ID_LEN);
	if (!hl_product_id_valid(id, PRODUCT_ID_LEN))
		return hl_fail(err, HL_EINPUT, what,
		    "read the certificate from the chip again",
		    "the product ID (bytes 0 to 7) is not 8 upper-case hex "
		    "digits: \"%s\"",
		    id);
	if (!hl_p256_on_curve(p + HL_CERT_KEY_AT))
		return hl_fail(err, HL_EINPUT, what,
		    "the file is damaged: read the certificate from the chip "
		    "again",
		    "the public key (bytes 8 to 71) is not a point of the "
		    "curve P-256");
	return HL_OK;
}

hl_rc
hl_cert_parse(hl_cert *out, const uint8_t *p, size_t n, bool any, hl_err *err)
{
	uint8_t hash[HL_SHA256_LEN];
	bool stm32;
	hl_rc rc;

	if (n == 0 || n > HL_CERT_MAX)
		return hl_fail(err, HL_EINPUT, what,
		    "give the certificate file of a chip",
		    "%zu bytes, a certificate has 1 to %d", n, HL_CERT_MAX);
	rc = stm32_check(p, n, any ? NULL : err);
	stm32 = rc == HL_OK;
	if (!stm32 && !any)
		return rc;
	if ((rc = hl_sha256(p, n, hash, err)) != HL_OK)
		return rc;
	*out = (hl_cert){ .n = n };
	memcpy(out->b, p, n);
	memcpy(out->sha256, hash, sizeof(hash));
	if (stm32)
		memcpy(out->product_id, p, PRODUCT_ID_LEN);
	return HL_OK;
}

hl_rc
hl_cert_read(hl_cert *out, const char *path, bool any, hl_err *err)
{
	hl_buf b = HL_BUF_INIT;
	hl_rc rc = hl_file_read(path, HL_CERT_MAX, &b, err);

	if (rc == HL_OK)
		rc = hl_cert_parse(out, b.p, b.n, any, err);
	if (rc != HL_OK)
		hl_err_what(err, "read chip certificate \"%s\"", path);
	hl_buf_free(&b);
	return rc;
}
