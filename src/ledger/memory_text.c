/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "ledger/lines.h"
#include "ledger/memory_int.h"
#include "util/hex.h"
#include "util/text.h"

#define MAGIC "hsmlic signer memory 1"
#define NAME "name "
#define SUM "sha256 "
#define SUM_HEX ((size_t)2 * HL_SHA256_LEN)
#define SUM_LEN (sizeof(SUM) - 1 + SUM_HEX + 1) /* the last line */

hl_remembered *
hl_memory_tree(const hl_memory *m, const char *origin)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->trees[i].origin, origin) == 0)
			return &m->trees[i];
	return NULL;
}

hl_remembered *
hl_memory_add(hl_memory *m, const char *origin)
{
	hl_remembered *p;

	p = realloc(m->trees, (m->n + 1) * sizeof(*p));
	if (p == NULL)
		return NULL;
	m->trees = p;
	p += m->n++;
	memset(p, 0, sizeof(*p));
	hl_text_copy(p->origin, sizeof(p->origin), origin);
	return p;
}

void
hl_memory_clear(hl_memory *m)
{
	free(m->trees);
	m->trees = NULL;
	m->n = 0;
	m->name[0] = '\0';
}

static hl_rc
put_tree(const hl_remembered *t, hl_buf *out, hl_err *err)
{
	hl_hash root;
	hl_rc rc;

	if ((rc = hl_frontier_root(&t->tree, &root, err)) != HL_OK)
		return rc;
	hl_buf_printf(
	    out, "origin %s\nsize %" PRIu64 "\n", t->origin, t->tree.size);
	hl_line_put_hash(out, "root ", &root);
	for (size_t i = 0; i < t->tree.n; i++)
		hl_line_put_hash(out, "edge ", &t->tree.h[i]);
	return HL_OK;
}

/* The last line's hex digits, of the n bytes above it. */
static hl_rc
sum_of(const void *p, size_t n, char hex[SUM_HEX + 1], hl_err *err)
{
	uint8_t hash[HL_SHA256_LEN];
	const hl_rc rc = hl_sha256(p, n, hash, err);

	if (rc == HL_OK)
		hl_hex_lower(hex, hash, sizeof(hash));
	return rc;
}

hl_rc
hl_memory_write(const hl_memory *m, hl_buf *out, hl_err *err)
{
	const size_t start = out->n;
	char hex[SUM_HEX + 1];
	hl_rc rc = HL_OK;

	hl_buf_printf(out, MAGIC "\n");
	if (m->name[0] != '\0')
		hl_buf_printf(out, NAME "%s\n", m->name);
	for (size_t i = 0; i < m->n && rc == HL_OK; i++)
		rc = put_tree(&m->trees[i], out, err);
	if (rc == HL_OK && out->failed)
		rc = hl_nomem(err);
	if (rc == HL_OK)
		rc = sum_of(out->p + start, out->n - start, hex, err);
	if (rc != HL_OK)
		return rc;
	hl_buf_printf(out, SUM "%s\n", hex);
	return out->failed ? hl_nomem(err) : HL_OK;
}

static hl_rc
refuse(hl_err *err, const char *why)
{
	return hl_fail(err, HL_EINTEGRITY, "read a signing key's memory",
	    "find out who changed the file; put back its newest copy, or use a "
	    "new key",
	    "%s", why);
}

/* Takes the last line off if it fits what is above it. */
static hl_rc
check_sum(hl_rd *r, hl_err *err)
{
	char hex[SUM_HEX + 1];
	hl_rd last;
	hl_rc rc;

	if (r->n < SUM_LEN || r->p[r->n - 1] != '\n')
		return refuse(err, "it is cut off");
	r->n -= SUM_LEN;
	last = (hl_rd){ r->p + r->n, SUM_LEN - 1 };
	if ((rc = sum_of(r->p, r->n, hex, err)) != HL_OK)
		return rc;
	if (!hl_line_word(&last, SUM) || !hl_line_is(last, hex))
		return refuse(err,
		    "it is damaged or was edited: its last line does not fit "
		    "the others");
	return HL_OK;
}

static bool
word_line(hl_rd *r, const char *word, hl_rd *line)
{
	return hl_line_take(r, line) && hl_line_word(line, word);
}

/* The rest of a line that begins with `word`, as text. */
static bool
parse_text(hl_rd *r, const char *word, char out[HL_ORIGIN_MAX + 1])
{
	hl_rd line;

	if (!word_line(r, word, &line) || line.n == 0 ||
	    line.n > HL_ORIGIN_MAX ||
	    !hl_text_valid((const char *)line.p, line.n))
		return false;
	memset(out, 0, HL_ORIGIN_MAX + 1);
	memcpy(out, line.p, line.n);
	return true;
}

/* The line may be missing. */
static bool
parse_name(hl_memory *m, hl_rd *r)
{
	return r->n < sizeof(NAME) - 1 ||
	    memcmp(r->p, NAME, sizeof(NAME) - 1) != 0 ||
	    parse_text(r, NAME, m->name);
}

/* Size, root and edge; whether they fit each other. */
static bool
parse_tree(hl_rd *r, hl_frontier *f)
{
	hl_hash root, is;
	hl_rd line;

	if (!word_line(r, "size ", &line) || !hl_line_u64(line, &f->size) ||
	    !word_line(r, "root ", &line) || !hl_line_hash(line, &root))
		return false;
	for (uint64_t bits = f->size; bits != 0; bits &= bits - 1)
		if (!word_line(r, "edge ", &line) ||
		    !hl_line_hash(line, &f->h[f->n++]))
			return false;
	return hl_frontier_root(f, &is, NULL) == HL_OK &&
	    hl_hash_equal(&is, &root);
}

static hl_rc
parse_entry(hl_memory *m, hl_rd *r, hl_err *err)
{
	char origin[HL_ORIGIN_MAX + 1];
	hl_remembered *t;

	if (!parse_text(r, "origin ", origin))
		return refuse(err, "a line that should name an origin does not");
	if (m->n == HL_MEMORY_ORIGINS_MAX ||
	    hl_memory_tree(m, origin) != NULL)
		return refuse(err, "an origin is there twice, or too many are");
	if ((t = hl_memory_add(m, origin)) == NULL)
		return hl_nomem(err);
	if (!parse_tree(r, &t->tree))
		return refuse(err, "size, root and edge of a tree do not fit");
	return HL_OK;
}

hl_rc
hl_memory_parse(hl_memory *m, const void *p, size_t n, hl_err *err)
{
	hl_rd r = { p, n }, line;
	hl_rc rc;

	if ((rc = check_sum(&r, err)) != HL_OK)
		return rc;
	if (!hl_line_take(&r, &line) || !hl_line_is(line, MAGIC))
		return refuse(err,
		    "its first line is not \"" MAGIC "\": a newer version of "
		    "this program may have written it");
	if (!parse_name(m, &r))
		rc =
		    refuse(err, "the line that should name a witness does not");
	while (r.n > 0 && rc == HL_OK)
		rc = parse_entry(m, &r, err);
	if (rc != HL_OK)
		hl_memory_clear(m);
	return rc;
}
