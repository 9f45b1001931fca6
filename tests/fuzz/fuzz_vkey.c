/* SPDX-License-Identifier: Apache-2.0 */
/* A verifier key: what is accepted is written again as it was. So that the key
 * ID, which a fuzzer cannot guess, is no wall, it is also put right. */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "ledger/note.h"
#include "util/hex.h"

#include "fuzz/must.h"

static void
check(const char *s)
{
	hl_buf again = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_vkey k, was;
	hl_rc rc;

	memset(&k, 0x5a, sizeof(k));
	was = k;
	rc = hl_vkey_parse(s, &k, &err);
	if (rc == HL_OK) {
		MUST(hl_key_name_check(k.name, NULL) == HL_OK);
		MUST(hl_vkey_text(&k, &again, NULL) == HL_OK);
		MUST(strcmp(hl_buf_str(&again), s) == 0);
		hl_buf_free(&again);
	} else {
		MUST(rc == HL_EINPUT && err.rc == rc);
		MUST(err.why[0] != '\0' && err.hint[0] != '\0');
		MUST(memcmp(&k, &was, sizeof(k)) == 0);
	}
}

/* Works the ID out in its own way, for Ed25519, and puts it into s. */
static void
put_id(char *s)
{
	char *id = strchr(s, '+'), *key = id == NULL ? NULL : strchr(id + 1, '+');
	hl_buf in = HL_BUF_INIT;
	uint8_t hash[HL_SHA256_LEN];
	char hex[9];

	if (key == NULL || key - id != 9)
		return;
	hl_buf_put(&in, s, (size_t)(id - s));
	hl_buf_u8(&in, '\n');
	if (hl_base64_decode(key + 1, strlen(key + 1), &in)) {
		MUST(hl_sha256(in.p, in.n, hash, NULL) == HL_OK);
		hl_hex_lower(hex, hash, 4);
		memcpy(id + 1, hex, 8);
	}
	hl_buf_free(&in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	MUST(s != NULL);
	if (size > 0)
		memcpy(s, data, size);
	s[size] = '\0';
	check(s);
	put_id(s);
	check(s);
	free(s);
	return 0;
}
