/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as PEM: what was read is a key, and is read again as the same. */
#include <stdlib.h>
#include <string.h>

#include "crypto/sign.h"
#include "util/text.h"

#include "fuzz/must.h"

static void
check_key(const hl_public_key *k)
{
	hl_buf pem = HL_BUF_INIT, der = HL_BUF_INIT;
	hl_public_key again;

	MUST(k->type == HL_KEY_ED25519 || k->type == HL_KEY_P256);
	MUST(k->raw_n == (k->type == HL_KEY_ED25519 ? 32 : 65));
	MUST(hl_public_from_raw(k->type, k->raw, k->raw_n, &again, NULL) ==
	    HL_OK);
	MUST(hl_public_equal(k, &again));
	MUST(hl_public_pem(k, &pem, NULL) == HL_OK);
	MUST(hl_public_read_pem((const char *)pem.p, pem.n, &again, NULL) ==
	    HL_OK);
	MUST(hl_public_equal(k, &again));
	MUST(hl_public_spki(k, &der, NULL) == HL_OK);
	MUST(der.n == (k->type == HL_KEY_ED25519 ? 44 : 91));
	MUST(memcmp(der.p + der.n - (k->type == HL_KEY_ED25519 ? 32 : 65),
		 k->raw, k->raw_n) == 0);
	hl_buf_free(&der);
	hl_buf_free(&pem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *s = malloc(size + (size == 0));
	hl_public_key k, was;
	hl_err err = { 0 };
	hl_rc rc;

	MUST(s != NULL);
	if (size > 0)
		memcpy(s, data, size);
	memset(&was, 0x5a, sizeof(was));
	k = was;
	rc = hl_public_read_pem((const char *)s, size, &k, &err);
	if (rc == HL_OK) {
		MUST(memmem(s, size, "-----BEGIN PUBLIC KEY-----", 26) != NULL);
		check_key(&k);
		/* nobody has signed this with it */
		MUST(!hl_public_verify(&k, "m", 1, s, size));
	} else {
		MUST(rc == HL_EINPUT || rc == HL_ENOMEM);
		MUST(err.rc == rc && err.why[0] != '\0');
		MUST(hl_text_valid(err.why, strlen(err.why)));
		MUST(memcmp(&k, &was, sizeof(k)) == 0);
	}
	free(s);
	return 0;
}
