/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/proof_file.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/hash.h"
#include "ledger/lines.h"

#define MAGIC "c2sp.org/tlog-proof@v1"

static hl_rc
refuse(hl_err *err, const char *why)
{
	return hl_fail(err, HL_EINPUT, "read a proof",
	    "take the file as it was made; mail and editors may change it",
	    "%s", why);
}

static void
put_hashes(hl_buf *out, const hl_proof *proof)
{
	for (size_t i = 0; i < proof->n; i++)
		hl_line_put_hash(out, "", &proof->h[i]);
}

hl_rc
hl_proof_file_put(hl_buf *out, uint64_t index, const hl_proof *proof,
    const void *checkpoint, size_t n, hl_err *err)
{
	hl_checkpoint c;
	hl_note note;
	hl_rc rc;

	rc = hl_checkpoint_read(checkpoint, n, &note, &c, err);
	if (rc != HL_OK)
		return rc;
	if (index >= c.size)
		return hl_fail(err, HL_EINPUT, "write a proof",
		    "take a checkpoint that was made after the event",
		    "the checkpoint has %" PRIu64 " events: there is no event "
		    "%" PRIu64, c.size, index);
	hl_buf_printf(out, MAGIC "\nindex %" PRIu64 "\n", index);
	put_hashes(out, proof);
	hl_buf_u8(out, '\n');
	hl_buf_put(out, checkpoint, n);
	return out->failed ? hl_nomem(err) : HL_OK;
}

/* Everything up to the blank line. NULL, or what is wrong. */
static const char *
parse_hashes(hl_rd *r, hl_proof *proof)
{
	hl_rd line;

	for (proof->n = 0; hl_line_take(r, &line); proof->n++) {
		if (line.n == 0)
			return NULL;
		if (proof->n == HL_PROOF_MAX)
			return "it has more than 64 hashes";
		if (!hl_line_hash(line, &proof->h[proof->n]))
			return "a line is not the canonical base64 of 32 bytes";
	}
	return "there is no blank line between the hashes and the checkpoint";
}

static bool
skip_extra(hl_rd line)
{
	hl_buf b = HL_BUF_INIT;
	const bool ok = hl_line_word(&line, "extra ") &&
	    hl_base64_decode((const char *)line.p, line.n, &b);

	hl_buf_free(&b);
	return ok;
}

/* The lines above the hashes. NULL, or what is wrong. */
static const char *
parse_head(hl_rd *r, uint64_t *index)
{
	hl_rd line, l;

	if (!hl_line_take(r, &line) || !hl_line_is(line, MAGIC))
		return "the first line is not \"" MAGIC "\"";
	if (!hl_line_take(r, &line) ||
	    (skip_extra(line) && !hl_line_take(r, &line)))
		return "the file is cut off";
	l = line;
	if (!hl_line_word(&l, "index ") || !hl_line_u64(l, index))
		return "there is no line \"index NUMBER\" below the first one";
	return NULL;
}

hl_rc
hl_proof_file_parse(const void *p, size_t n, hl_proof_file *out, hl_err *err)
{
	hl_proof_file got = { 0 };
	hl_rd r = { p, n };
	const char *why;
	hl_rc rc;

	if (n > HL_PROOF_FILE_MAX)
		return refuse(err, "it is too long for a proof");
	if ((why = parse_head(&r, &got.index)) != NULL ||
	    (why = parse_hashes(&r, &got.proof)) != NULL)
		return refuse(err, why);
	rc = hl_checkpoint_read(r.p, r.n, &got.note, &got.checkpoint, err);
	if (rc != HL_OK)
		return rc;
	if (got.index >= got.checkpoint.size)
		return refuse(
		    err, "the checkpoint's tree does not reach to the event");
	*out = got;
	return HL_OK;
}

hl_rc
hl_proof_lines_put(hl_buf *out, const hl_proof *proof, hl_err *err)
{
	put_hashes(out, proof);
	return out->failed ? hl_nomem(err) : HL_OK;
}

hl_rc
hl_proof_lines_parse(const void *p, size_t n, hl_proof *out, hl_err *err)
{
	hl_proof got = { 0 };
	hl_rd r = { p, n }, line;

	while (hl_line_take(&r, &line)) {
		if (got.n == HL_PROOF_MAX)
			return refuse(err, "it has more than 64 hashes");
		if (!hl_line_hash(line, &got.h[got.n]))
			return refuse(err,
			    "a line is not the canonical base64 of 32 bytes");
		got.n++;
	}
	if (r.n > 0)
		return refuse(err, "the last line has no line feed: cut off");
	*out = got;
	return HL_OK;
}
