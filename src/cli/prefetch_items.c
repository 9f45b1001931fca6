/* SPDX-License-Identifier: Apache-2.0 */
/* Which chips: certificates from files and folders, each once. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/carried.h"
#include "cli/prefetch.h"
#include "util/file.h"

#define CERT "certificate.bin"
#define CERT_END "." CERT
#define WHAT "prefetch licenses"

/* ---- items -------------------------------------------------------------- */

/* NULL: no memory. */
static hl_prefetch_item *
add_item(hl_prefetch *p, const char *path)
{
	hl_prefetch_item *grown, *it;

	if (p->n == p->cap) {
		const size_t cap = p->cap == 0 ? 64 : 2 * p->cap;

		grown = reallocarray(p->items, cap, sizeof(*p->items));
		if (grown == NULL)
			return NULL;
		p->items = grown;
		p->cap = cap;
	}
	it = &p->items[p->n];
	*it = (hl_prefetch_item){ .path = strdup(path),
		.card = HL_PREFETCH_NO_CARD };
	if (it->path == NULL)
		return NULL;
	p->n++;
	return it;
}

void
hl_prefetch_fail(
    hl_prefetch_item *it, hl_prefetch_state state, const hl_err *why)
{
	it->state = state;
	it->rc = why->rc;
	if (it->err == NULL)
		it->err = malloc(sizeof(*it->err));
	if (it->err != NULL)
		*it->err = *why;
}

static hl_rc
add_failed(hl_prefetch *p, const char *path, const hl_err *why, hl_err *err)
{
	hl_prefetch_item *it = add_item(p, path);

	if (it == NULL)
		return hl_nomem(err);
	hl_prefetch_fail(it, HL_PREFETCH_FAILED, why);
	return HL_OK;
}

hl_rc
hl_prefetch_cert(hl_prefetch *p, const hl_prefetch_item *it, hl_err *err)
{
	return hl_cert_parse(p->cert, it->cert, it->cert_n, true, err);
}

/* Of p->cert. */
static hl_rc
add_cert(hl_prefetch *p, const char *path, const hl_uid *uid, hl_err *err)
{
	const hl_cert *c = p->cert;
	hl_prefetch_item *it = add_item(p, path);

	if (it == NULL || (it->cert = malloc(c->n)) == NULL)
		return hl_nomem(err);
	memcpy(it->cert, c->b, c->n);
	it->cert_n = c->n;
	memcpy(it->sha256, c->sha256, sizeof(it->sha256));
	memcpy(it->product_id, c->product_id, sizeof(it->product_id));
	it->uid = *uid;
	return HL_OK;
}

/* ---- the UID ------------------------------------------------------------ */

static hl_rc
two_uids(const hl_uid *a, const hl_uid *b, hl_err *err)
{
	char first[HL_UID_TEXT], second[HL_UID_TEXT];

	hl_uid_text(a, first);
	hl_uid_text(b, second);
	return hl_fail(err, HL_ECONFLICT, "find the chip",
	    "find out which chip this certificate was read from, and move the "
	    "other file away",
	    "two UIDs are told for one certificate: %s and %s", first, second);
}

/* What is known and what is told now: the same, or only one of them. */
static hl_rc
merge_uid(hl_uid *known, const hl_uid *told, hl_err *err)
{
	if (told->n == 0 || hl_uid_equal(known, told))
		return HL_OK;
	if (known->n > 0)
		return two_uids(known, told, err);
	*known = *told;
	return HL_OK;
}

/* uid.hex beside a simulated chip's certificate.bin. */
static hl_rc
uid_beside(const char *path, hl_uid *uid, hl_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char other[PATH_MAX];
	hl_err e = { 0 };
	hl_uid told;
	hl_rc rc;

	if (strcmp(name, CERT) != 0)
		return HL_OK;
	rc = hl_path(
	    other, sizeof(other), err, "%.*suid.hex", (int)(name - path), path);
	if (rc != HL_OK)
		return rc;
	rc = hl_uid_read(&told, other, &e);
	if (rc == HL_ENOTFOUND)
		return HL_OK;
	if (rc == HL_OK)
		return merge_uid(uid, &told, err);
	if (err != NULL)
		*err = e;
	return rc;
}

/* The JSON file that export or `chip read` put beside a certificate. */
static hl_rc
uid_in_json(const char *path, const uint8_t *sha256, const char *end,
    hl_uid *uid, hl_err *err)
{
	const size_t n = strlen(path) - strlen(CERT_END);
	hl_buf text = HL_BUF_INIT;
	char other[PATH_MAX];
	hl_sidecar s;
	hl_rc rc;

	rc = hl_path(other, sizeof(other), err, "%.*s%s", (int)n, path, end);
	if (rc != HL_OK)
		return rc;
	if (hl_file_read(other, (size_t)64 * 1024, &text, NULL) == HL_OK &&
	    hl_chip_file_parse(text.p, text.n, &s, NULL) == HL_OK && s.there &&
	    s.has_cert && memcmp(s.cert_sha256, sha256, HL_SHA256_LEN) == 0)
		rc = merge_uid(uid, &s.uid, err);
	hl_buf_free(&text);
	return rc;
}

/* ---- files and folders -------------------------------------------------- */

/* A file that was named: it has to be a certificate. */
static hl_rc
collect_file(hl_prefetch *p, const char *path, hl_err *err)
{
	const bool any = hl_opt_set(p->cli, "any-certificate");
	hl_uid uid = { .n = 0 };
	hl_err e = { 0 };
	hl_rc rc;

	rc = hl_cert_read(p->cert, path, any, &e);
	if (rc == HL_OK)
		rc = uid_beside(path, &uid, &e);
	if (rc == HL_OK && hl_text_ends(path, CERT_END) &&
	    (rc = uid_in_json(path, p->cert->sha256, ".chip.json", &uid, &e)) ==
		HL_OK)
		rc = uid_in_json(path, p->cert->sha256, ".json", &uid, &e);
	if (rc == HL_OK)
		return add_cert(p, path, &uid, err);
	return rc == HL_ENOMEM ? hl_nomem(err) : add_failed(p, path, &e, err);
}

/* Is a certificate what its name promises? */
static bool
promises_cert(const char *name)
{
	static const char *const ends[] = { ".bin", ".cert", ".crt", ".cer",
		".dat" };

	if (strcasestr(name, "cert") == NULL)
		return false;
	for (size_t i = 0; i < HL_COUNT(ends); i++)
		if (hl_text_ends(name, ends[i]))
			return true;
	return strchr(name, '.') == NULL;
}

/* What lies beside certificates where this program or the simulator wrote. */
static bool
is_companion(const hl_carried_file *f)
{
	return f->side != NULL || strcmp(f->name, "uid.hex") == 0 ||
	    strcmp(f->name, "license.bin") == 0 ||
	    hl_text_ends(f->name, ".license.bin") ||
	    hl_text_ends(f->name, ".key");
}

static hl_rc
collect_cert(
    hl_prefetch *p, const hl_carried *c, const hl_carried_file *f, hl_err *err)
{
	const hl_carried_file *j;
	hl_uid uid = { .n = 0 };
	hl_err e = { 0 };
	hl_rc rc;

	rc = hl_cert_read(
	    p->cert, f->path, hl_opt_set(p->cli, "any-certificate"), &e);
	if (rc == HL_OK)
		rc = uid_beside(f->path, &uid, &e);
	for (size_t i = 0; rc == HL_OK &&
	     (j = hl_carried_find(
		  c, HL_CARRIED_TELLS_CHIP, p->cert->sha256, i)) != NULL;
	     i++)
		rc = merge_uid(&uid, &j->side->uid, &e);
	if (rc == HL_OK)
		return add_cert(p, f->path, &uid, err);
	return rc == HL_ENOMEM ? hl_nomem(err)
			       : add_failed(p, f->path, &e, err);
}

static hl_rc
collect_folder(hl_prefetch *p, const char *dir, hl_err *err)
{
	const size_t before = p->n;
	hl_carried c;
	hl_err e = { 0 };
	hl_rc rc = hl_carried_read(&c, dir, WHAT, &e);

	if (rc == HL_EUSAGE)
		rc = add_failed(p, dir, &e, err);
	else if (rc != HL_OK && err != NULL)
		*err = e;
	for (size_t i = 0; i < c.n && rc == HL_OK; i++) {
		const hl_carried_file *f = &c.files[i];

		if (f->err != NULL)
			rc = add_failed(p, f->path, f->err, err);
		else if (f->kind == HL_CARRIED_CERT || promises_cert(f->name))
			rc = collect_cert(p, &c, f, err);
		else if (!is_companion(f))
			p->passed_over++;
	}
	if (rc == HL_OK && c.deeper > 0)
		hl_message(p->cli, "%zu %s in subfolders of %s not looked into",
		    c.deeper, hl_plural(c.deeper, "folder", "folders"), dir);
	hl_carried_free(&c);
	if (rc == HL_OK && p->n == before)
		hl_message(p->cli, "there is no certificate in %s", dir);
	return rc;
}

/* ---- each certificate once ---------------------------------------------- */

struct by_hash {
	const hl_prefetch_item *it;
	size_t at;
};

static int
compare(const void *a, const void *b)
{
	const struct by_hash *x = a, *y = b;
	const int c = memcmp(x->it->sha256, y->it->sha256, HL_SHA256_LEN);

	if (c != 0)
		return c;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void
free_item(hl_prefetch_item *it)
{
	free(it->path);
	free(it->cert);
	free(it->err);
}

/* The second of two goes into the first. */
static void
merge_item(hl_prefetch *p, size_t first, size_t second)
{
	hl_prefetch_item *a = &p->items[first], *b = &p->items[second];
	hl_err e = { 0 };

	p->again++;
	free(b->cert);
	b->cert = NULL;
	b->state = HL_PREFETCH_NOT_TRIED; /* taken out below */
	if (merge_uid(&a->uid, &b->uid, &e) != HL_OK)
		hl_prefetch_fail(a, HL_PREFETCH_FAILED, &e);
}

static void
take_out_merged(hl_prefetch *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (p->items[i].state == HL_PREFETCH_NOT_TRIED)
			free_item(&p->items[i]);
		else
			p->items[n++] = p->items[i];
	}
	p->n = n;
}

static hl_rc
merge_same(hl_prefetch *p, hl_err *err)
{
	struct by_hash *list = calloc(p->n + 1, sizeof(*list));
	size_t n = 0;

	if (list == NULL)
		return hl_nomem(err);
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].cert != NULL)
			list[n++] = (struct by_hash){ &p->items[i], i };
	if (n > 1)
		qsort(list, n, sizeof(*list), compare);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (memcmp(list[first].it->sha256, list[i].it->sha256,
			HL_SHA256_LEN) != 0)
			first = i;
		else
			merge_item(p, list[first].at, list[i].at);
	}
	free(list);
	take_out_merged(p);
	return HL_OK;
}

/* ---- the whole ---------------------------------------------------------- */

static hl_rc
collect(hl_prefetch *p, const char *operand, hl_err *err)
{
	struct stat st;

	if (stat(operand, &st) == 0 && S_ISDIR(st.st_mode))
		return collect_folder(p, operand, err);
	return collect_file(p, operand, err);
}

hl_rc
hl_prefetch_collect(hl_prefetch *p, char **operands, hl_err *err)
{
	hl_rc rc = HL_OK;

	for (; *operands != NULL && rc == HL_OK; operands++)
		rc = collect(p, *operands, err);
	if (rc == HL_OK)
		rc = merge_same(p, err);
	if (rc != HL_OK)
		return rc;
	if (p->n == 0)
		return hl_fail(err, HL_ENOTFOUND, WHAT,
		    "name certificates, or folders that hold some: hsmlic chip "
		    "read -o writes them",
		    "there is no certificate");
	if (p->passed_over > 0)
		hl_message(p->cli, "%zu other %s passed over", p->passed_over,
		    hl_plural(p->passed_over, "file", "files"));
	if (p->again > 0)
		hl_message(p->cli, "%zu %s with a certificate met before",
		    p->again, hl_plural(p->again, "file", "files"));
	return HL_OK;
}

void
hl_prefetch_free(hl_prefetch *p)
{
	for (size_t i = 0; i < p->n; i++)
		free_item(&p->items[i]);
	free(p->items);
	free(p->cards);
	if (p->r != NULL)
		explicit_bzero(p->r, sizeof(*p->r));
	free(p->r);
	free(p->cert);
}
