/* SPDX-License-Identifier: Apache-2.0 */
/* A checkpoint: what is accepted has exactly the text that is written of it. */
#include <string.h>

#include "ledger/checkpoint.h"

#include "fuzz/must.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hl_checkpoint c, was;
	hl_buf b = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_note n;
	hl_rc rc;

	memset(&c, 0x5a, sizeof(c));
	was = c;
	rc = hl_checkpoint_read(data, size, &n, &c, &err);
	if (rc == HL_OK) {
		MUST(hl_checkpoint_body(&c, &b, NULL) == HL_OK);
		MUST(b.n == n.text_n && memcmp(b.p, n.text, b.n) == 0);
		hl_buf_free(&b);
	} else {
		MUST(rc == HL_EINPUT && err.rc == rc);
		MUST(err.why[0] != '\0' && err.hint[0] != '\0');
		MUST(memcmp(&c, &was, sizeof(c)) == 0);
	}
	return 0;
}
