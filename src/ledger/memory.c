/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/memory.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/memory_int.h"
#include "util/file.h"

#define WHAT_PUT "remember the tree that is to be signed"
#define WAIT_MS 10000
#define MODE 0600

static hl_rc
take_lock(hl_memory *m, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc;

	rc = hl_path(path, sizeof(path), err, "%s.lock", m->path);
	if (rc == HL_OK)
		rc = hl_lock_take(&m->lock, path, hl_deadline_in(WAIT_MS), err);
	return rc;
}

static hl_rc
load(hl_memory *m, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_err why = { 0 };
	hl_rc rc;

	rc = hl_file_read(m->path, HL_MEMORY_MAX, &text, &why);
	if (rc == HL_ENOTFOUND) {
		rc = HL_OK; /* nothing was signed yet */
	} else if (rc == HL_OK) {
		rc = hl_memory_parse(m, text.p, text.n, &why);
		hl_err_what(&why, "read the signing key's memory \"%s\"",
		    m->path);
	}
	if (rc != HL_OK && err != NULL)
		*err = why;
	hl_buf_free(&text);
	return rc;
}

hl_rc
hl_memory_open(hl_memory **out, const char *path, hl_err *err)
{
	hl_memory *m;
	hl_rc rc;

	*out = NULL;
	if ((m = calloc(1, sizeof(*m))) == NULL ||
	    (m->path = strdup(path)) == NULL) {
		free(m);
		return hl_nomem(err);
	}
	if ((rc = take_lock(m, err)) == HL_OK && (rc = load(m, err)) == HL_OK)
		*out = m;
	else
		hl_memory_close(&m);
	return rc;
}

void
hl_memory_close(hl_memory **memory)
{
	hl_memory *m = *memory;

	if (m == NULL)
		return;
	hl_memory_clear(m);
	hl_lock_free(&m->lock, true);
	free(m->path);
	free(m);
	*memory = NULL;
}

bool
hl_memory_find(const hl_memory *m, const char *origin, hl_frontier *out)
{
	const hl_remembered *t = hl_memory_tree(m, origin);

	if (t == NULL)
		memset(out, 0, sizeof(*out));
	else
		*out = t->tree;
	return t != NULL;
}

static hl_rc
save(hl_memory *m, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_rc rc;

	rc = hl_memory_write(m, &text, err);
	if (rc == HL_OK)
		rc = hl_file_write(m->path, text.p, text.n, MODE, err);
	hl_buf_free(&text);
	return rc;
}

const char *
hl_memory_name(const hl_memory *m)
{
	return m->name;
}

hl_rc
hl_memory_put_name(hl_memory *m, const char *name, hl_err *err)
{
	const size_t n = strnlen(name, HL_ORIGIN_MAX + 1);
	hl_rc rc;

	if (strcmp(m->name, name) == 0 && n > 0)
		return HL_OK;
	if (n == 0 || n > HL_ORIGIN_MAX || !hl_text_valid(name, n))
		return hl_fail(err, HL_EINPUT, WHAT_PUT, "",
		    "a name has to be 1 to %d bytes of text", HL_ORIGIN_MAX);
	if (m->name[0] != '\0')
		return hl_fail(err, HL_EINPUT, WHAT_PUT,
		    "cosign under that name, or with another key",
		    "this key cosigns under the name \"%s\"", m->name);
	(void)hl_text_copy(m->name, sizeof(m->name), name);
	if ((rc = save(m, err)) != HL_OK)
		m->name[0] = '\0';
	return rc;
}

static hl_rc
check_origin(const char *origin, hl_err *err)
{
	const size_t n = strnlen(origin, HL_ORIGIN_MAX + 1);

	if (n > 0 && n <= HL_ORIGIN_MAX && hl_text_valid(origin, n))
		return HL_OK;
	return hl_fail(err, HL_EINPUT, WHAT_PUT, "",
	    "the origin has to be 1 to %d bytes of text", HL_ORIGIN_MAX);
}

/* A key never goes back to a smaller tree, or over to another one. */
static hl_rc
check_forward(const hl_frontier *old, const hl_frontier *f, hl_err *err)
{
	if (f->size > old->size || hl_frontier_equal(f, old))
		return HL_OK;
	return hl_fail(err, HL_EINTEGRITY, WHAT_PUT,
	    "find out who changed the ledger; nothing was signed",
	    "this key signed a tree of %" PRIu64 " events already, and this "
	    "one of %" PRIu64 " does not continue it", old->size, f->size);
}

/* Puts the tree into the place, and back if it cannot be saved. */
static hl_rc
replace(hl_memory *m, hl_remembered *t, const hl_frontier *f, hl_err *err)
{
	const hl_frontier old = t->tree;
	hl_rc rc;

	t->tree = *f;
	if ((rc = save(m, err)) != HL_OK)
		t->tree = old;
	return rc;
}

static hl_rc
put_new(
    hl_memory *m, const char *origin, const hl_frontier *f, hl_err *err)
{
	hl_remembered *t;
	hl_rc rc;

	if (m->n == HL_MEMORY_ORIGINS_MAX)
		return hl_fail(err, HL_EINPUT, WHAT_PUT,
		    "use another key for more logs",
		    "it holds %d origins already", HL_MEMORY_ORIGINS_MAX);
	if ((t = hl_memory_add(m, origin)) == NULL)
		return hl_nomem(err);
	if ((rc = replace(m, t, f, err)) != HL_OK)
		m->n--;
	return rc;
}

hl_rc
hl_memory_put(
    hl_memory *m, const char *origin, const hl_frontier *f, hl_err *err)
{
	hl_remembered *t;
	hl_rc rc;

	if ((rc = check_origin(origin, err)) != HL_OK)
		return rc;
	if (!hl_frontier_valid(f))
		return hl_fail(err, HL_EINPUT, WHAT_PUT, "",
		    "a tree of %" PRIu64 " events has no %zu subtrees", f->size,
		    f->n);
	if ((t = hl_memory_tree(m, origin)) == NULL)
		return put_new(m, origin, f, err);
	if ((rc = check_forward(&t->tree, f, err)) != HL_OK)
		return rc;
	if (hl_frontier_equal(&t->tree, f))
		return HL_OK;
	return replace(m, t, f, err);
}
