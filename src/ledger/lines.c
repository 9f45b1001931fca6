/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/lines.h"

#include <string.h>

#include "util/text.h"

#define U64_DIGITS 20

bool
hl_line_take(hl_rd *r, hl_rd *line)
{
	const uint8_t *lf = r->n == 0 ? NULL : memchr(r->p, '\n', r->n);

	if (lf == NULL)
		return false;
	*line = (hl_rd){ r->p, (size_t)(lf - r->p) };
	r->n -= line->n + 1;
	r->p = lf + 1;
	return true;
}

bool
hl_line_word(hl_rd *line, const char *word)
{
	const size_t n = strlen(word);

	if (line->n < n || memcmp(line->p, word, n) != 0)
		return false;
	line->p += n;
	line->n -= n;
	return true;
}

bool
hl_line_is(hl_rd line, const char *text)
{
	return hl_line_word(&line, text) && line.n == 0;
}

bool
hl_line_u64(hl_rd line, uint64_t *v)
{
	char digits[U64_DIGITS + 1] = { 0 };

	if (line.n == 0 || line.n > U64_DIGITS ||
	    (line.n > 1 && line.p[0] == '0'))
		return false;
	memcpy(digits, line.p, line.n);
	return strlen(digits) == line.n && hl_text_u64(digits, UINT64_MAX, v);
}

bool
hl_line_hash(hl_rd line, hl_hash *out)
{
	hl_buf b = HL_BUF_INIT;
	const bool ok =
	    hl_base64_decode((const char *)line.p, line.n, &b) &&
	    b.n == sizeof(out->b);

	if (ok)
		memcpy(out->b, b.p, sizeof(out->b));
	hl_buf_free(&b);
	return ok;
}

void
hl_line_put_hash(hl_buf *out, const char *before, const hl_hash *h)
{
	hl_buf_put(out, before, strlen(before));
	hl_base64_put(out, h->b, sizeof(h->b));
	hl_buf_u8(out, '\n');
}
