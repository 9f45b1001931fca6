/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/carried.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/file.h"

#define CONTENT_MAX ((size_t)64 * 1024) /* no file of ours is larger */

struct walk {
	hl_carried *out;
	const char *what; /* is done with the folder */
	size_t folder;
	bool below; /* in a subfolder */
};

static hl_rc walk_folder(struct walk *w, const char *dir, hl_err *err);

/* ---- one file ----------------------------------------------------------- */

static hl_carried_file *
add_file(hl_carried *c, const char *path, size_t folder)
{
	hl_carried_file *grown, *f;

	if (c->n == c->cap) {
		const size_t cap = c->cap == 0 ? 64 : 2 * c->cap;

		grown = reallocarray(c->files, cap, sizeof(*c->files));
		if (grown == NULL)
			return NULL;
		c->files = grown;
		c->cap = cap;
	}
	f = &c->files[c->n];
	*f = (hl_carried_file){ .path = strdup(path), .folder = folder };
	if (f->path == NULL)
		return NULL;
	f->name = strrchr(f->path, '/');
	f->name = f->name == NULL ? f->path : f->name + 1;
	c->n++;
	return f;
}

static hl_rc
keep_error(hl_carried_file *f, const hl_err *why, hl_err *err)
{
	if ((f->err = malloc(sizeof(*f->err))) == NULL)
		return hl_nomem(err);
	*f->err = *why;
	return HL_OK;
}

static bool
is_json(const hl_buf *b)
{
	size_t at = 0;

	while (at < b->n && strchr(" \t\r\n", b->p[at]) != NULL &&
	    b->p[at] != '\0')
		at++;
	return at < b->n && b->p[at] == '{';
}

/* Of JSON that is no file of ours, or damaged, nothing is kept: who needs it
 * reads it again and says so. */
static hl_rc
take_json(hl_carried_file *f, const hl_buf *b, hl_err *err)
{
	hl_sidecar s;

	f->kind = HL_CARRIED_LICENSE;
	if (hl_sidecar_parse(b->p, b->n, &s, NULL) != HL_OK || !s.there) {
		f->kind = HL_CARRIED_CHIP;
		if (hl_chip_file_parse(b->p, b->n, &s, NULL) != HL_OK ||
		    !s.there) {
			f->kind = HL_CARRIED_OTHER;
			return HL_OK;
		}
	}
	if ((f->side = malloc(sizeof(*f->side))) == NULL)
		return hl_nomem(err);
	*f->side = s;
	return HL_OK;
}

static hl_rc
take_content(hl_carried_file *f, const hl_buf *b, hl_err *err)
{
	hl_cert cert;
	hl_rc rc;

	f->read = true;
	f->n = b->n;
	if ((rc = hl_sha256(b->p, b->n, f->sha256, err)) != HL_OK)
		return rc;
	if (is_json(b))
		return take_json(f, b, err);
	if (hl_cert_parse(&cert, b->p, b->n, false, NULL) == HL_OK)
		f->kind = HL_CARRIED_CERT;
	return HL_OK;
}

static hl_rc
take_file(struct walk *w, const char *path, size_t size, hl_err *err)
{
	hl_carried_file *f = add_file(w->out, path, w->folder);
	hl_buf b = HL_BUF_INIT;
	hl_err e = { 0 };
	hl_rc rc;

	if (f == NULL)
		return hl_nomem(err);
	f->n = size;
	if (size > CONTENT_MAX)
		return HL_OK;
	rc = hl_file_read(path, CONTENT_MAX, &b, &e);
	if (rc == HL_OK)
		rc = take_content(f, &b, err);
	else if (rc != HL_ENOMEM)
		rc = keep_error(f, &e, err);
	else
		rc = hl_nomem(err);
	hl_buf_free(&b);
	return rc;
}

/* ---- folders ------------------------------------------------------------ */

/* A subfolder that cannot be read is one item among others. */
static hl_rc
take_subfolder(struct walk *w, const char *path, hl_err *err)
{
	struct walk below = { w->out, w->what, w->out->folders++, true };
	hl_carried_file *f;
	hl_err e = { 0 };
	hl_rc rc;

	if (w->below) {
		w->out->deeper++;
		return HL_OK;
	}
	rc = walk_folder(&below, path, &e);
	if (rc != HL_EUSAGE) {
		if (rc != HL_OK && err != NULL)
			*err = e;
		return rc;
	}
	f = add_file(w->out, path, below.folder);
	return f == NULL ? hl_nomem(err) : keep_error(f, &e, err);
}

static hl_rc
take_entry(struct walk *w, const char *dir, const char *name, hl_err *err)
{
	char path[PATH_MAX];
	struct stat st;
	hl_rc rc;

	if (name[0] == '.')
		return HL_OK;
	if ((rc = hl_path(path, sizeof(path), err, "%s/%s", dir, name)) !=
	    HL_OK)
		return rc;
	if (stat(path, &st) != 0)
		return HL_OK; /* gone by now, or a link that leads nowhere */
	if (S_ISDIR(st.st_mode))
		return take_subfolder(w, path, err);
	return S_ISREG(st.st_mode) ? take_file(w, path, (size_t)st.st_size, err)
				   : HL_OK;
}

static hl_rc
walk_folder(struct walk *w, const char *dir, hl_err *err)
{
	struct dirent **names = NULL;
	hl_rc rc = HL_OK;
	int n;

	n = scandir(dir, &names, NULL, alphasort);
	if (n < 0) {
		const int e = errno;

		return hl_fail(err, e == ENOMEM ? HL_ENOMEM : HL_EUSAGE,
		    w->what, "name a folder that can be read",
		    "folder %s cannot be read: %s", dir, strerror(e));
	}
	for (int i = 0; i < n; i++) {
		if (rc == HL_OK)
			rc = take_entry(w, dir, names[i]->d_name, err);
		free(names[i]);
	}
	free(names);
	return rc;
}

/* ---- finding by content -------------------------------------------------- */

struct hl_carried_entry {
	hl_carried_role role;
	const uint8_t *key;
	const hl_carried_file *file;
};

static int
compare_key(
    const struct hl_carried_entry *e, hl_carried_role role, const uint8_t *key)
{
	if (e->role != role)
		return e->role < role ? -1 : 1;
	return memcmp(e->key, key, HL_SHA256_LEN);
}

/* Of the same content, in the order of the files. */
static int
compare(const void *a, const void *b)
{
	const struct hl_carried_entry *x = a, *y = b;
	const int c = compare_key(x, y->role, y->key);

	if (c != 0)
		return c;
	return x->file < y->file ? -1 : x->file > y->file;
}

static void
add_entry(hl_carried *c, hl_carried_role role, const uint8_t *key,
    const hl_carried_file *f)
{
	c->index[c->n_index++] = (struct hl_carried_entry){ role, key, f };
}

static hl_rc
make_index(hl_carried *c, hl_err *err)
{
	/* A file has three entries at most. */
	c->index = calloc(3 * c->n + 1, sizeof(*c->index));
	if (c->index == NULL)
		return hl_nomem(err);
	for (size_t i = 0; i < c->n; i++) {
		const hl_carried_file *f = &c->files[i];

		if (f->read)
			add_entry(c, HL_CARRIED_IS, f->sha256, f);
		if (f->kind == HL_CARRIED_LICENSE)
			add_entry(c, HL_CARRIED_TELLS_LICENSE,
			    f->side->license_sha256, f);
		if (f->side != NULL && f->side->has_cert)
			add_entry(
			    c, HL_CARRIED_TELLS_CHIP, f->side->cert_sha256, f);
	}
	if (c->n_index > 1)
		qsort(c->index, c->n_index, sizeof(*c->index), compare);
	return HL_OK;
}

const hl_carried_file *
hl_carried_find(const hl_carried *c, hl_carried_role role,
    const uint8_t sha256[HL_SHA256_LEN], size_t nth)
{
	size_t low = 0, high = c->n_index;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (compare_key(&c->index[mid], role, sha256) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	low += nth;
	if (low >= c->n_index || compare_key(&c->index[low], role, sha256) != 0)
		return NULL;
	return c->index[low].file;
}

/* ---- the whole ---------------------------------------------------------- */

hl_rc
hl_carried_read(hl_carried *out, const char *dir, const char *what, hl_err *err)
{
	struct walk w = { out, what, 0, false };
	hl_rc rc;

	*out = (hl_carried){ .folders = 1 };
	rc = walk_folder(&w, dir, err);
	return rc == HL_OK ? make_index(out, err) : rc;
}

void
hl_carried_free(hl_carried *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->files[i].path);
		free(c->files[i].side);
		free(c->files[i].err);
	}
	free(c->files);
	free(c->index);
	*c = (hl_carried){ .files = NULL };
}
