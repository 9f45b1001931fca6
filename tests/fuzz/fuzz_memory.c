/* SPDX-License-Identifier: Apache-2.0 */
/* A signer's memory, as it is and with the last line made to fit: what is
 * accepted is written again byte for byte. */
#include <string.h>

#include "crypto/hash.h"
#include "ledger/memory_int.h"
#include "util/hex.h"

#include "fuzz/must.h"

static void
check_trees(const hl_memory *m)
{
	hl_frontier f;

	for (size_t i = 0; i < m->n; i++) {
		MUST(hl_frontier_valid(&m->trees[i].tree));
		/* found by its name, so no other has it */
		MUST(hl_memory_tree(m, m->trees[i].origin) == &m->trees[i]);
		MUST(hl_memory_find(m, m->trees[i].origin, &f));
		MUST(hl_frontier_equal(&f, &m->trees[i].tree));
	}
}

static hl_rc
check(const uint8_t *p, size_t n)
{
	hl_buf again = HL_BUF_INIT;
	hl_memory m = { 0 };
	hl_err err = { 0 };
	hl_rc rc;

	rc = hl_memory_parse(&m, p, n, &err);
	if (rc == HL_OK) {
		check_trees(&m);
		MUST(hl_memory_write(&m, &again, NULL) == HL_OK);
		MUST(again.n == n && memcmp(again.p, p, n) == 0);
		hl_buf_free(&again);
	} else {
		MUST(rc == HL_EINTEGRITY && err.rc == rc);
		MUST(err.why[0] != '\0' && err.hint[0] != '\0');
		MUST(m.n == 0 && m.trees == NULL);
	}
	hl_memory_clear(&m);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t sum[HL_SHA256_LEN];
	char hex[2 * sizeof(sum) + 1];
	hl_buf b = HL_BUF_INIT;
	hl_rc rc;

	rc = check(data, size);
	MUST(hl_sha256(data, size, sum, NULL) == HL_OK);
	hl_hex_lower(hex, sum, sizeof(sum));
	hl_buf_put(&b, data, size);
	hl_buf_printf(&b, "sha256 %s\n", hex);
	/* one line of that kind, never two */
	MUST(check(b.p, b.n) != HL_OK || rc != HL_OK);
	hl_buf_free(&b);
	return 0;
}
