/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/note.h"

#include <string.h>

#include "crypto/hash.h"
#include "ledger/note_int.h"

#define WHAT_PARSE "read a signed note"

#define DASH_LEN (sizeof(HL_NOTE_DASH) - 1)

static hl_rc
refuse(hl_err *err, size_t line, const char *why)
{
	return hl_fail(err, HL_EINPUT, WHAT_PARSE,
	    "take the file as it was made; mail and editors may change it",
	    "line %zu %s", line, why);
}

static hl_rc
check_chars(const char *p, size_t n, hl_err *err)
{
	size_t line = 1, len;
	uint32_t cp;

	for (size_t i = 0; i < n; i += len) {
		if ((len = hl_text_rune(p + i, n - i, &cp)) == 0)
			return refuse(err, line, "is not UTF-8");
		if (cp == '\r')
			return refuse(err, line,
			    "has a carriage return: lines end with a line feed "
			    "alone");
		if (cp == '\n')
			line++;
		else if (cp < 0x20)
			return refuse(err, line, "has a control character");
	}
	return HL_OK;
}

/* Where the last blank line's line feed is; 0: there is none. */
static size_t
find_blank(const char *p, size_t n)
{
	for (size_t i = n; i-- > 1;)
		if (p[i] == '\n' && p[i - 1] == '\n')
			return i;
	return 0;
}

static size_t
count_lines(const char *p, size_t n)
{
	size_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}

/* Puts the ID and the signature into *sig. */
bool
hl_note_sig_bytes(const hl_note_sig *line, hl_buf *sig)
{
	return hl_base64_decode(line->base64, line->base64_n, sig) &&
	    sig->n > HL_KEY_ID_LEN;
}

/* One line without its line feed. NULL, or what is wrong with it. */
static const char *
parse_line(const char *p, size_t n, hl_note_sig *out)
{
	const char *blank;
	hl_buf sig = HL_BUF_INIT;
	bool ok;

	if (n >= HL_NOTE_LINE_MAX)
		return "is too long for a signature";
	if (n < DASH_LEN || memcmp(p, HL_NOTE_DASH, DASH_LEN) != 0)
		return "does not begin with an em dash (U+2014) and a blank";
	out->name = p + DASH_LEN;
	blank = memchr(out->name, ' ', n - DASH_LEN);
	if (blank == NULL)
		return "has no signature behind the key name";
	out->name_n = (size_t)(blank - out->name);
	if (!hl_key_name_valid(out->name, out->name_n))
		return "has a bad key name";
	out->base64 = blank + 1;
	out->base64_n = (size_t)(p + n - out->base64);
	ok = hl_note_sig_bytes(out, &sig);
	if (ok)
		memcpy(out->id, sig.p, sizeof(out->id));
	hl_buf_free(&sig);
	return ok ? NULL : "is not in canonical base64, or too short";
}

static bool
same_line(const hl_note_sig *a, const hl_note_sig *b)
{
	return a->name_n == b->name_n && a->base64_n == b->base64_n &&
	    memcmp(a->name, b->name, a->name_n) == 0 &&
	    memcmp(a->base64, b->base64, a->base64_n) == 0;
}

static bool
is_there(const hl_note *n, const hl_note_sig *line)
{
	for (size_t i = 0; i < n->sigs_n; i++)
		if (same_line(&n->sigs[i], line))
			return true;
	return false;
}

static hl_rc
parse_sigs(const char *p, size_t n, size_t line, hl_note *out, hl_err *err)
{
	const char *end, *why;
	hl_note_sig sig;

	for (; n > 0; n -= (size_t)(end + 1 - p), p = end + 1, line++) {
		end = memchr(p, '\n', n);
		why = parse_line(p, (size_t)(end - p), &sig);
		if (why == NULL && is_there(out, &sig))
			why = "is there twice";
		if (why == NULL && out->sigs_n == HL_NOTE_SIGS_MAX)
			why = "is one signature too many: 64 are allowed";
		if (why != NULL)
			return refuse(err, line, why);
		out->sigs[out->sigs_n++] = sig;
	}
	return HL_OK;
}

hl_rc
hl_note_parse(const void *bytes, size_t n, hl_note *out, hl_err *err)
{
	const char *p = bytes;
	hl_note got = { .text = p };
	size_t blank;
	hl_rc rc;

	if (n == 0 || n > HL_NOTE_MAX)
		return hl_fail(err, HL_EINPUT, WHAT_PARSE,
		    "give a signed note, such as a checkpoint",
		    "%zu bytes are no note: it has 1 to %d", n, HL_NOTE_MAX);
	if ((rc = check_chars(p, n, err)) != HL_OK)
		return rc;
	if (p[n - 1] != '\n')
		return refuse(err, count_lines(p, n) + 1,
		    "is not ended by a line feed: the note is cut off");
	if ((blank = find_blank(p, n)) == 0)
		return refuse(err, 1,
		    "and those below it have no blank line between the text "
		    "and the signatures");
	if (blank == n - 1)
		return refuse(err, count_lines(p, n),
		    "is the last one: no signature follows");
	got.text_n = blank;
	rc = parse_sigs(p + blank + 1, n - blank - 1,
	    count_lines(p, blank + 1) + 1, &got, err);
	if (rc == HL_OK)
		*out = got;
	return rc;
}
