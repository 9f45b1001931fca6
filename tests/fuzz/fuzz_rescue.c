/* SPDX-License-Identifier: Apache-2.0 */
/* Rescue lines: whatever is accepted can be written again, and reads the same.
 */
#include <string.h>

#include "broker/rescue.h"
#include "fuzz/must.h"

static void
same_again(const hl_rescue *r)
{
	hl_buf line = HL_BUF_INIT;
	hl_rescue again;

	MUST(r->n >= 1 && r->n <= HL_LICENSE_MAX);
	MUST(hl_rescue_line(r, &line, NULL) == HL_OK);
	MUST(hl_rescue_parse(hl_buf_str(&line), line.n, &again));
	MUST(memcmp(&again, r, sizeof(again)) == 0);
	hl_buf_free(&line);
}

/* The hash would keep a fuzzer out: give it records whose hash is right. */
static void
with_right_hash(const uint8_t *data, size_t size)
{
	hl_buf raw = HL_BUF_INIT;
	uint8_t hash[HL_SHA256_LEN];
	hl_rescue r;

	hl_buf_put(&raw, data, size);
	MUST(hl_sha256(data, size, hash, NULL) == HL_OK);
	hl_buf_put(&raw, hash, sizeof(hash));
	MUST(!raw.failed);
	if (hl_rescue_decode(raw.p, raw.n, &r))
		same_again(&r);
	hl_buf_free(&raw);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hl_rescue r;

	if (size > 65536)
		return 0;
	if (hl_rescue_parse((const char *)data, size, &r))
		same_again(&r);
	with_right_hash(data, size);
	return 0;
}
