/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "ledger/lines.h"

#define WHAT_PARSE "read a checkpoint"

static bool
origin_valid(const char *s, size_t n)
{
	return n > 0 && n <= HL_ORIGIN_MAX && hl_text_valid(s, n);
}

hl_rc
hl_checkpoint_body(const hl_checkpoint *c, hl_buf *out, hl_err *err)
{
	if (!origin_valid(c->origin, strnlen(c->origin, sizeof(c->origin))))
		return hl_fail(err, HL_EINPUT, "write a checkpoint",
		    "take a name such as example.com/ledger1",
		    "the origin has to be 1 to %d bytes of text",
		    HL_ORIGIN_MAX);
	hl_buf_printf(out, "%s\n%" PRIu64 "\n", c->origin, c->size);
	hl_line_put_hash(out, "", &c->root);
	return out->failed ? hl_nomem(err) : HL_OK;
}

static hl_rc
refuse(hl_err *err, const char *why)
{
	return hl_fail(err, HL_EINPUT, WHAT_PARSE,
	    "a checkpoint has three lines above its signatures: origin, size, "
	    "root",
	    "%s", why);
}

static hl_rc
parse_body(const hl_note *n, hl_checkpoint *out, hl_err *err)
{
	hl_rd r = { (const uint8_t *)n->text, n->text_n }, line;
	hl_checkpoint c = { 0 };

	if (!hl_line_take(&r, &line) ||
	    !origin_valid((const char *)line.p, line.n))
		return refuse(err, "the origin is not 1 to 256 bytes of text");
	memcpy(c.origin, line.p, line.n);
	if (!hl_line_take(&r, &line) || !hl_line_u64(line, &c.size))
		return refuse(err,
		    "the size is no decimal number below 2^64 without leading "
		    "zeros");
	if (!hl_line_take(&r, &line) || !hl_line_hash(line, &c.root))
		return refuse(
		    err, "the root is not the canonical base64 of 32 bytes");
	if (r.n > 0)
		return refuse(err,
		    "it has extension lines, which nobody can audit");
	*out = c;
	return HL_OK;
}

hl_rc
hl_checkpoint_read(
    const void *p, size_t n, hl_note *note, hl_checkpoint *out, hl_err *err)
{
	hl_note got;
	hl_rc rc;

	if ((rc = hl_note_parse(p, n, &got, err)) != HL_OK ||
	    (rc = parse_body(&got, out, err)) != HL_OK)
		return rc;
	*note = got;
	return HL_OK;
}

static hl_rc
sign(hl_buf *note, const hl_checkpoint *c, const char *name, uint8_t algorithm,
    uint64_t time_s, hl_signer *s, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_rc rc;

	rc = hl_checkpoint_body(c, &text, err);
	if (rc == HL_OK)
		rc = hl_note_sign(
		    note, text.p, text.n, name, algorithm, time_s, s, err);
	hl_buf_free(&text);
	return rc;
}

hl_rc
hl_checkpoint_sign(hl_buf *note, const hl_checkpoint *c, const char *name,
    hl_signer *s, hl_err *err)
{
	const bool p256 = hl_signer_public(s)->type == HL_KEY_P256;

	return sign(note, c, name, p256 ? HL_NOTE_ECDSA : HL_NOTE_ED25519, 0, s,
	    err);
}

hl_rc
hl_checkpoint_cosign(hl_buf *note, const hl_checkpoint *c, const char *name,
    uint64_t time_s, hl_signer *s, hl_err *err)
{
	return sign(note, c, name, HL_NOTE_COSIGNATURE, time_s, s, err);
}
