/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "crypto/hash.h"
#include "ledger/note_int.h"
#include "util/hex.h"
#include "util/rd.h"

#define WHAT_SIGN "sign a note"
#define WHAT_VERIFY "verify a signed note"

/* Appends what a witness signs (C2SP tlog-cosignature). */
static void
put_cosigned(hl_buf *out, uint64_t time_s, const void *text, size_t text_n)
{
	hl_buf_printf(out, "cosignature/v1\ntime %" PRIu64 "\n", time_s);
	hl_buf_put(out, text, text_n);
}

static bool
verify_cosignature(const hl_vkey *k, const char *text, size_t text_n, hl_rd sig,
    uint64_t *time_s)
{
	hl_buf msg = HL_BUF_INIT;
	uint32_t high, low;
	uint64_t t;
	bool ok;

	if (sig.n != HL_NOTE_COSIG_SIG || !hl_rd_u32(&sig, &high) ||
	    !hl_rd_u32(&sig, &low))
		return false;
	t = (uint64_t)high << 32 | low;
	if (t > INT64_MAX)
		return false;
	put_cosigned(&msg, t, text, text_n);
	ok = !msg.failed &&
	    hl_public_verify(&k->key, msg.p, msg.n, sig.p, sig.n);
	hl_buf_free(&msg);
	if (ok)
		*time_s = t;
	return ok;
}

/* Verifies what follows the key ID in a line of that key. */
static bool
verify_sig(const hl_vkey *k, const char *text, size_t text_n,
    const uint8_t *sig, size_t sig_n, uint64_t *time_s)
{
	const hl_rd rd = { sig, sig_n };

	*time_s = 0;
	if (k->algorithm == HL_NOTE_COSIGNATURE)
		return verify_cosignature(k, text, text_n, rd, time_s);
	return hl_public_verify(&k->key, text, text_n, sig, sig_n);
}

static bool
is_of(const hl_note_sig *line, const hl_vkey *k)
{
	return memcmp(line->id, k->id, sizeof(k->id)) == 0 &&
	    line->name_n == strlen(k->name) &&
	    memcmp(line->name, k->name, line->name_n) == 0;
}

static hl_rc
verify_line(const hl_note *n, const hl_note_sig *line, const hl_vkey *k,
    uint64_t *time_s, hl_err *err)
{
	char id[2 * HL_KEY_ID_LEN + 1];
	hl_buf sig = HL_BUF_INIT;
	bool ok;

	ok = hl_note_sig_bytes(line, &sig) &&
	    verify_sig(k, n->text, n->text_n, sig.p + HL_KEY_ID_LEN,
		sig.n - HL_KEY_ID_LEN, time_s);
	hl_buf_free(&sig);
	if (ok)
		return HL_OK;
	hl_hex_lower(id, k->id, sizeof(k->id));
	return hl_fail(err, HL_EINTEGRITY, WHAT_VERIFY,
	    "the text, or this signature, was altered after it was made: do "
	    "not trust the file, get it from its source again",
	    "the signature of \"%s\" (key ID %s) does not fit the text", k->name,
	    id);
}

/* All lines of one key. *lines: how many; *latest: the newest time. */
static hl_rc
verify_key(const hl_note *n, const hl_vkey *k, size_t *lines, uint64_t *latest,
    hl_err *err)
{
	uint64_t t;
	hl_rc rc;

	*lines = 0;
	*latest = 0;
	for (size_t i = 0; i < n->sigs_n; i++) {
		if (!is_of(&n->sigs[i], k))
			continue;
		rc = verify_line(n, &n->sigs[i], k, &t, err);
		if (rc != HL_OK)
			return rc;
		++*lines;
		if (t > *latest)
			*latest = t;
	}
	return HL_OK;
}

#define IDS_SHOWN 8

static void
put_id(hl_buf *out, size_t i, const uint8_t id[HL_KEY_ID_LEN])
{
	char hex[2 * HL_KEY_ID_LEN + 1];

	hl_hex_lower(hex, id, HL_KEY_ID_LEN);
	if (i < IDS_SHOWN)
		hl_buf_printf(out, "%s%s", i == 0 ? "" : ", ", hex);
	else if (i == IDS_SHOWN)
		hl_buf_printf(out, ", ...");
}

static hl_rc
fail_unknown(const hl_note *n, const hl_vkey *keys, size_t keys_n, hl_err *err)
{
	hl_buf signers = HL_BUF_INIT, given = HL_BUF_INIT;
	hl_rc rc;

	for (size_t i = 0; i < n->sigs_n; i++)
		put_id(&signers, i, n->sigs[i].id);
	for (size_t i = 0; i < keys_n; i++)
		put_id(&given, i, keys[i].id);
	rc = hl_fail(err, HL_EINTEGRITY, WHAT_VERIFY,
	    "give the key of the log (or witness) that signed it",
	    "none of its %zu signatures is of a key that is known here: signed "
	    "by %s; known is %s",
	    n->sigs_n, hl_buf_str(&signers),
	    keys_n == 0 ? "none" : hl_buf_str(&given));
	hl_buf_free(&signers);
	hl_buf_free(&given);
	return rc;
}

hl_rc
hl_note_verify(const hl_note *n, const hl_vkey *keys, size_t keys_n,
    bool *verified, uint64_t *times, hl_err *err)
{
	size_t found, all = 0;
	uint64_t latest;
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < keys_n && rc == HL_OK; i++) {
		rc = verify_key(n, &keys[i], &found, &latest, err);
		all += found;
		if (verified != NULL)
			verified[i] = found > 0;
		if (times != NULL)
			times[i] = latest;
	}
	if (rc == HL_OK && all == 0)
		rc = fail_unknown(n, keys, keys_n, err);
	for (size_t i = 0; i < keys_n && rc != HL_OK; i++) {
		if (verified != NULL)
			verified[i] = false;
		if (times != NULL)
			times[i] = 0;
	}
	return rc;
}

static hl_rc
check_own(const hl_vkey *k, const void *text, size_t text_n, const hl_buf *sig,
    hl_err *err)
{
	uint64_t t;

	if (verify_sig(k, text, text_n, sig->p + HL_KEY_ID_LEN,
		sig->n - HL_KEY_ID_LEN, &t))
		return HL_OK;
	return hl_fail(err, HL_EINTEGRITY, WHAT_SIGN,
	    "check the token and its key pair; nothing was given out",
	    "the signature that was made does not verify with the public key");
}

/* Appends key ID and signature. */
static hl_rc
make_sig(const hl_vkey *k, const void *text, size_t text_n, uint64_t time_s,
    hl_signer *s, hl_buf *sig, hl_err *err)
{
	hl_buf msg = HL_BUF_INIT;
	hl_rc rc;

	hl_buf_put(sig, k->id, sizeof(k->id));
	if (k->algorithm == HL_NOTE_COSIGNATURE) {
		put_cosigned(&msg, time_s, text, text_n);
		hl_buf_u32(sig, (uint32_t)(time_s >> 32));
		hl_buf_u32(sig, (uint32_t)time_s);
	} else {
		hl_buf_put(&msg, text, text_n);
	}
	rc = msg.failed ? hl_nomem(err)
			: hl_signer_sign(s, msg.p, msg.n, sig, err);
	if (rc == HL_OK && sig->failed)
		rc = hl_nomem(err);
	hl_buf_free(&msg);
	return rc == HL_OK ? check_own(k, text, text_n, sig, err) : rc;
}

static hl_rc
make_line(const hl_vkey *k, const void *text, size_t text_n, uint64_t time_s,
    hl_signer *s, hl_buf *line, hl_err *err)
{
	hl_buf sig = HL_BUF_INIT;
	hl_rc rc;

	rc = make_sig(k, text, text_n, time_s, s, &sig, err);
	if (rc == HL_OK) {
		hl_buf_printf(line, HL_NOTE_DASH "%s ", k->name);
		hl_base64_put(line, sig.p, sig.n);
		hl_buf_u8(line, '\n');
		if (line->failed)
			rc = hl_nomem(err);
	}
	hl_buf_free(&sig);
	return rc;
}

/* Is `line` (with its line feed) one of the signature lines? */
static bool
has_line(const hl_note *n, const char *end, const hl_buf *line)
{
	const char *p = n->text + n->text_n + 1, *lf;

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if ((size_t)(lf + 1 - p) == line->n &&
		    memcmp(p, line->p, line->n) == 0)
			return true;
	}
	return false;
}

/* *done: the line is in the note already. */
static hl_rc
check_there(const hl_buf *note, const void *text, size_t text_n,
    const hl_buf *line, bool *done, hl_err *err)
{
	hl_note n;
	hl_rc rc = hl_note_parse(note->p, note->n, &n, err);

	if (rc != HL_OK)
		return rc;
	if (n.text_n != text_n || memcmp(n.text, text, text_n) != 0)
		return hl_fail(err, HL_ECONFLICT, WHAT_SIGN,
		    "sign the tree that the file is about, or write a new file",
		    "the file is about another tree than the one to be signed");
	*done = has_line(&n, (const char *)note->p + note->n, line);
	return HL_OK;
}

/* Makes *whole what *note is to become. */
static hl_rc
put_together(const hl_buf *note, const void *text, size_t text_n,
    const hl_buf *line, hl_buf *whole, hl_err *err)
{
	bool done = false;
	hl_note n;
	hl_rc rc;

	if (note->n > 0) {
		rc = check_there(note, text, text_n, line, &done, err);
		if (rc != HL_OK)
			return rc;
		hl_buf_put(whole, note->p, note->n);
	} else {
		hl_buf_put(whole, text, text_n);
		hl_buf_u8(whole, '\n');
	}
	if (!done)
		hl_buf_put(whole, line->p, line->n);
	if (whole->failed)
		return hl_nomem(err);
	/* Whatever is given out can be read again: its text, and its room. */
	return hl_note_parse(whole->p, whole->n, &n, err);
}

hl_rc
hl_note_sign(hl_buf *note, const void *text, size_t text_n, const char *name,
    uint8_t algorithm, uint64_t time_s, hl_signer *s, hl_err *err)
{
	hl_buf line = HL_BUF_INIT, whole = HL_BUF_INIT;
	hl_vkey k;
	hl_rc rc;

	rc = hl_vkey_make(&k, name, algorithm, hl_signer_public(s), err);
	if (rc != HL_OK)
		return rc;
	if (time_s > (algorithm == HL_NOTE_COSIGNATURE ? INT64_MAX : 0))
		return hl_fail(err, HL_EINPUT, WHAT_SIGN, "",
		    "%" PRIu64 " is no time for such a signature", time_s);
	rc = make_line(&k, text, text_n, time_s, s, &line, err);
	if (rc == HL_OK)
		rc = put_together(note, text, text_n, &line, &whole, err);
	if (rc == HL_OK) {
		hl_buf_free(note);
		*note = whole;
	} else {
		hl_buf_free(&whole);
	}
	hl_buf_free(&line);
	return rc;
}

/* ---- two notes of one text ---------------------------------------------- */

/* One line of the other note, with its line feed. */
static hl_rc
join_line(hl_buf *note, const hl_note *m, const hl_buf *line, hl_err *err)
{
	hl_buf whole = HL_BUF_INIT;
	hl_rc rc = put_together(note, m->text, m->text_n, line, &whole, err);

	if (rc != HL_OK) {
		hl_buf_free(&whole);
		return rc;
	}
	hl_buf_free(note);
	*note = whole;
	return HL_OK;
}

static hl_rc
join_lines(hl_buf *note, const hl_note *m, const char *end, hl_err *err)
{
	const char *p = m->text + m->text_n + 1, *lf;
	hl_buf line = HL_BUF_INIT;
	hl_rc rc = HL_OK;

	for (; p < end && rc == HL_OK; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		line.n = 0;
		hl_buf_put(&line, p, (size_t)(lf + 1 - p));
		rc = line.failed ? hl_nomem(err)
				 : join_line(note, m, &line, err);
	}
	hl_buf_free(&line);
	return rc;
}

hl_rc
hl_note_join(hl_buf *note, const void *more, size_t more_n, hl_err *err)
{
	hl_buf whole = HL_BUF_INIT;
	hl_note m;
	hl_rc rc = hl_note_parse(more, more_n, &m, err);

	if (rc != HL_OK)
		return rc;
	hl_buf_put(&whole, note->p, note->n);
	rc = whole.failed
	    ? hl_nomem(err)
	    : join_lines(&whole, &m, (const char *)more + more_n, err);
	if (rc != HL_OK) {
		hl_buf_free(&whole);
		return rc;
	}
	hl_buf_free(note);
	*note = whole;
	return HL_OK;
}
