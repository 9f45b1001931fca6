/* SPDX-License-Identifier: Apache-2.0 */
/* A proof's file, or bare lines of hashes: what is accepted is written again as
 * it was, but for a line of extra data. */
#include <string.h>

#include "ledger/proof_file.h"

#include "fuzz/must.h"

static void
check_file(const uint8_t *data, size_t size, const hl_proof_file *f)
{
	const char *note = f->note.text;
	const size_t note_n = size - (size_t)((const uint8_t *)note - data);
	const char *first = memchr(data, '\n', size);
	size_t head, extra = 0;
	hl_buf b = HL_BUF_INIT;

	MUST(f->index < f->checkpoint.size && f->proof.n <= HL_PROOF_MAX);
	MUST(hl_proof_file_put(
		 &b, f->index, &f->proof, note, note_n, NULL) == HL_OK);
	head = (size_t)(first + 1 - (const char *)data);
	if (memcmp(first + 1, "extra ", 6) == 0)
		extra = (size_t)((const char *)memchr(
				     first + 1, '\n', size - head) - first);
	MUST(b.n + extra == size && memcmp(b.p, data, head) == 0);
	MUST(memcmp(b.p + head, data + head + extra, b.n - head) == 0);
	hl_buf_free(&b);
}

static void
check_lines(const uint8_t *data, size_t size)
{
	hl_buf b = HL_BUF_INIT;
	hl_err err = { 0 };
	hl_proof p;
	hl_rc rc;

	rc = hl_proof_lines_parse(data, size, &p, &err);
	if (rc == HL_OK) {
		MUST(hl_proof_lines_put(&b, &p, NULL) == HL_OK);
		MUST(b.n == size && (size == 0 || !memcmp(b.p, data, size)));
		hl_buf_free(&b);
	} else {
		MUST(rc == HL_EINPUT && err.rc == rc && err.why[0] != '\0');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hl_proof_file f, was;
	hl_err err = { 0 };
	hl_rc rc;

	memset(&f, 0x5a, sizeof(f));
	was = f;
	rc = hl_proof_file_parse(data, size, &f, &err);
	if (rc == HL_OK) {
		check_file(data, size, &f);
	} else {
		MUST(rc == HL_EINPUT && err.rc == rc);
		MUST(err.why[0] != '\0' && err.hint[0] != '\0');
		MUST(memcmp(&f, &was, sizeof(f)) == 0);
	}
	check_lines(data, size);
	return 0;
}
