/* SPDX-License-Identifier: Apache-2.0 */
/* audit bundle: all that an auditor or a witness needs, in one archive. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/bundle.h"
#include "ledger/proof_file.h"
#include "util/file.h"
#include "util/hex.h"
#include "util/tar.h"

#define NAME_MAX_BYTES 64
#define PLAIN 0644
#define SCRIPT 0755

static const char what[] = "make the bundle";

typedef struct bundling {
	hl_cli *cli;
	hl_store_info info;
	hl_keys keys;
	/* the one that it continues, if any, and those in it */
	hl_checkpoint_files from, files;
	uint64_t begin, end; /* numbers of events */
	hl_tar tar;
	hl_progress progress;
} bundling;

static hl_rc
need(const char *why, const char *hint, hl_err *err)
{
	return hl_fail(err, HL_EUSAGE, what, hint, "%s", why);
}

/* ---- what goes in ------------------------------------------------------- */

/* Files are named by size: two of one size are two spellings of one thing, or
 * a contradiction. */
static hl_rc
check_sizes(const bundling *b, hl_err *err)
{
	for (size_t i = 1; i < b->files.n; i++) {
		if (b->files.f[i].c.size == b->files.f[i - 1].c.size)
			return hl_fail(err, HL_EUSAGE, what,
			    "give the one that has all signatures",
			    "%s and %s are both of %" PRIu64 " events",
			    b->files.f[i - 1].path, b->files.f[i].path,
			    b->files.f[i].c.size);
	}
	if (b->from.n > 1)
		return need("--from was given twice", "give it once", err);
	if (b->from.n == 1 && b->from.f[0].c.size >= b->files.f[0].c.size)
		return need("--from is not older than every --checkpoint",
		    "give an older one, or leave it out", err);
	return HL_OK;
}

static hl_rc
gather(bundling *b, hl_err *err)
{
	hl_rc rc;

	if (hl_opt(b->cli, "output") == NULL)
		return need("where it goes was not said", "add -o FILE", err);
	if (hl_opt(b->cli, "checkpoint") == NULL)
		return need("a bundle without a signature says nothing",
		    "make one with hsmlic audit checkpoint, and add "
		    "--checkpoint FILE",
		    err);
	if ((rc = hl_store_info_get(b->cli->store, &b->info, err)) != HL_OK ||
	    (rc = hl_keys_choose(b->cli, b->info.origin, &b->keys, err)) !=
		HL_OK ||
	    (rc = hl_checkpoint_files_read(b->cli, "checkpoint", b->info.origin,
		 &b->keys, &b->files, err)) != HL_OK ||
	    (rc = hl_checkpoint_files_read(b->cli, "from", b->info.origin,
		 &b->keys, &b->from, err)) != HL_OK ||
	    (rc = hl_keys_all_signed(&b->keys, &b->files, &b->from, err)) !=
		HL_OK ||
	    (rc = check_sizes(b, err)) != HL_OK)
		return rc;
	b->begin = b->from.n > 0 ? b->from.f[0].c.size : 0;
	b->end = b->files.f[b->files.n - 1].c.size;
	return HL_OK;
}

/* ---- the events --------------------------------------------------------- */

struct writing {
	bundling *b;
	hl_frontier f;
	size_t next; /* checkpoint that the tree has to go through */
	hl_err *err;
	hl_rc rc;
};

static hl_rc
other_tree(const hl_checkpoint_file *f, hl_err *err)
{
	return hl_fail(err, HL_EINTEGRITY, what, HL_AUDIT_HINT,
	    "the first %" PRIu64 " events of the ledger are not those of %s",
	    f->c.size, f->path);
}

static hl_rc
check_point(const hl_frontier *f, const hl_checkpoint_file *c, hl_err *err)
{
	hl_hash root;
	hl_rc rc = hl_frontier_root(f, &root, err);

	if (rc == HL_OK && !hl_hash_equal(&root, &c->c.root))
		rc = other_tree(c, err);
	return rc;
}

static hl_rc
check_points(struct writing *w)
{
	const hl_checkpoint_files *l = &w->b->files;
	hl_rc rc = HL_OK;

	while (
	    rc == HL_OK && w->next < l->n && l->f[w->next].c.size == w->f.size)
		rc = check_point(&w->f, &l->f[w->next++], w->err);
	return rc;
}

static bool
write_event(void *arg, const hl_event_row *r)
{
	struct writing *w = arg;
	hl_hash leaf;

	if (r->seq != w->f.size)
		w->rc = hl_fail(w->err, HL_EINTEGRITY, what, HL_AUDIT_HINT,
		    "event %" PRIu64 " is missing", w->f.size);
	else if ((w->rc = hl_tar_put(&w->b->tar, r->bytes, r->n, w->err)) ==
		HL_OK &&
	    (w->rc = hl_tar_put(&w->b->tar, "\n", 1, w->err)) == HL_OK &&
	    (w->rc = hl_leaf_hash(r->bytes, r->n, &leaf, w->err)) == HL_OK &&
	    (w->rc = hl_frontier_add(&w->f, &leaf, w->err)) == HL_OK)
		w->rc = check_points(w);
	hl_progress_step(&w->b->progress, w->f.size - w->b->begin);
	return w->rc == HL_OK;
}

/* The tree before the first event that goes in. */
static hl_rc
tree_before(bundling *b, hl_frontier *f, hl_err *err)
{
	hl_rc rc;

	*f = (hl_frontier){ .size = 0 };
	if (b->from.n == 0)
		return HL_OK;
	rc = hl_audit_leaves(b->cli->store, 0, b->begin, f, err);
	return rc == HL_OK ? check_point(f, &b->from.f[0], err) : rc;
}

static hl_rc
put_events(bundling *b, hl_err *err)
{
	struct writing w = { .b = b, .err = err };
	char name[NAME_MAX_BYTES] = HL_BUNDLE_LOG;
	hl_rc rc;

	if (b->from.n > 0)
		(void)snprintf(name, sizeof(name), HL_BUNDLE_LOG_FROM,
		    (unsigned long long)b->begin);
	if ((rc = tree_before(b, &w.f, err)) != HL_OK ||
	    (rc = hl_tar_begin(&b->tar, name, PLAIN, err)) != HL_OK)
		return rc;
	hl_progress_start(&b->progress, b->cli, "bundling", b->end - b->begin);
	rc = hl_store_events(
	    b->cli->store, b->begin, b->end, write_event, &w, err);
	hl_progress_end(&b->progress);
	if (rc == HL_OK)
		rc = w.rc;
	if (rc == HL_OK && w.next < b->files.n)
		rc = other_tree(&b->files.f[w.next], err);
	return rc == HL_OK ? hl_tar_end(&b->tar, err) : rc;
}

/* ---- the other files ---------------------------------------------------- */

static hl_rc
put(bundling *b, const char *name, const hl_buf *text, hl_err *err)
{
	if (text->failed)
		return hl_nomem(err);
	return hl_tar_add(&b->tar, name, PLAIN, text->p, text->n, err);
}

static hl_rc
put_checkpoint(bundling *b, const hl_checkpoint_file *f, hl_err *err)
{
	char name[NAME_MAX_BYTES];

	(void)snprintf(
	    name, sizeof(name), HL_BUNDLE_CHECKPOINT "%" PRIu64, f->c.size);
	return put(b, name, &f->bytes, err);
}

static hl_rc
put_consistency(bundling *b, const hl_checkpoint_file *older,
    const hl_checkpoint_file *newer, hl_err *err)
{
	const hl_leaves leaves = hl_audit_proof_leaves(b->cli->store);
	const hl_checkpoint *o = &older->c, *n = &newer->c;
	char name[NAME_MAX_BYTES];
	hl_buf text = HL_BUF_INIT;
	hl_proof p;
	hl_rc rc;

	(void)snprintf(name, sizeof(name), "consistency-%" PRIu64 "-%" PRIu64,
	    o->size, n->size);
	if ((rc = hl_prove_consistency(&leaves, o->size, n->size, &p, err)) !=
		HL_OK ||
	    (rc = hl_check_consistency(
		 o->size, &o->root, n->size, &n->root, &p, err)) != HL_OK ||
	    (rc = hl_proof_lines_put(&text, &p, err)) != HL_OK)
		return rc;
	rc = put(b, name, &text, err);
	hl_buf_free(&text);
	return rc;
}

static hl_rc
put_checkpoints(bundling *b, hl_err *err)
{
	const hl_checkpoint_file *before = b->from.n > 0 ? &b->from.f[0] : NULL;
	hl_rc rc = before == NULL ? HL_OK : put_checkpoint(b, before, err);

	for (size_t i = 0; i < b->files.n && rc == HL_OK; i++) {
		const hl_checkpoint_file *f = &b->files.f[i];

		rc = put_checkpoint(b, f, err);
		if (rc == HL_OK && before != NULL)
			rc = put_consistency(b, before, f, err);
		before = f;
	}
	return rc;
}

static hl_rc
put_pem(bundling *b, const hl_vkey *k, hl_err *err)
{
	char name[NAME_MAX_BYTES], id[2 * HL_KEY_ID_LEN + 1];
	hl_buf pem = HL_BUF_INIT;
	hl_rc rc = hl_public_pem(&k->key, &pem, err);

	hl_hex_lower(id, k->id, sizeof(k->id));
	(void)snprintf(name, sizeof(name), "key-%s.pem", id);
	if (rc == HL_OK)
		rc = put(b, name, &pem, err);
	hl_buf_free(&pem);
	return rc;
}

static hl_rc
put_keys(bundling *b, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_rc rc = hl_keys_text(&b->keys, "\n", &text, err);

	hl_buf_u8(&text, '\n');
	if (rc == HL_OK)
		rc = put(b, "vkeys", &text, err);
	hl_buf_free(&text);
	for (size_t i = 0; i < b->keys.n && rc == HL_OK; i++)
		rc = put_pem(b, &b->keys.k[i], err);
	return rc;
}

static hl_rc
put_own(bundling *b, const char *name, mode_t mode, const hl_text_file *t,
    hl_err *err)
{
	return t->n == 0 ? HL_OK
			 : hl_tar_add(&b->tar, name, mode, t->p, t->n, err);
}

/* ---- the archive -------------------------------------------------------- */

static hl_rc
put_all(bundling *b, hl_err *err)
{
	hl_rc rc;

	if ((rc = put_own(b, "README", PLAIN, &hl_bundle_readme, err)) !=
		HL_OK ||
	    (rc = put_own(b, "check.sh", SCRIPT, &hl_bundle_check, err)) !=
		HL_OK ||
	    (rc = put_keys(b, err)) != HL_OK ||
	    (rc = put_events(b, err)) != HL_OK ||
	    (rc = put_checkpoints(b, err)) != HL_OK)
		return rc;
	return hl_tar_finish(&b->tar, err);
}

static hl_rc
fill(void *arg, int fd, hl_err *err)
{
	bundling *b = arg;
	const int copy = dup(fd);
	FILE *f = copy < 0 ? NULL : fdopen(copy, "w");
	hl_rc rc;

	if (f == NULL) {
		if (copy >= 0)
			(void)close(copy);
		return hl_fail(err, HL_EIO, what, "", "%s", strerror(errno));
	}
	hl_tar_start(&b->tar, f);
	rc = put_all(b, err);
	if (fclose(f) != 0 && rc == HL_OK)
		rc = hl_fail(err, HL_EIO, what, "", "%s", strerror(errno));
	return rc;
}

static hl_rc
make_file(bundling *b, const char *path, hl_err *err)
{
	hl_rc rc = hl_audit_output_check(b->cli, path, err);
	mode_t ours;

	if (rc != HL_OK)
		return rc;
	ours = umask(b->cli->mask);
	rc = hl_file_create_by(path, HL_HANDED_ON, fill, b, err);
	(void)umask(ours);
	return rc;
}

static hl_rc
print_made(bundling *b, const char *path, hl_err *err)
{
	json_t *list;

	if (b->cli->json) {
		list = json_array();
		for (size_t i = 0; i < b->files.n; i++)
			(void)json_array_append_new(
			    list, hl_json_checkpoint(&b->files.f[i], &b->keys));
		return hl_print_json(b->cli,
		    json_pack("{s:o, s:o, s:I, s:I, s:o, s:b}", "path",
			hl_json_any(path), "origin",
			hl_json_text(b->info.origin), "from",
			(json_int_t)b->begin, "to", (json_int_t)b->end,
			"checkpoints", list, "dry_run", b->cli->dry_run),
		    err);
	}
	if (b->cli->dry_run)
		hl_message(b->cli,
		    "would put events %" PRIu64 " to %" PRIu64 " into %s",
		    b->begin, b->end - 1, path);
	else
		(void)printf("%s\n", path);
	return HL_OK;
}

static hl_rc
bundle(bundling *b, hl_err *err)
{
	const char *path = hl_opt(b->cli, "output");
	hl_rc rc;

	if (path != NULL && strcmp(path, "-") == 0)
		return hl_fail(err, HL_EUSAGE, "make a bundle",
		    "name a file: add -o FILE",
		    "a bundle does not go to standard output");
	if ((rc = gather(b, err)) != HL_OK)
		return rc;
	if (!b->cli->dry_run && (rc = make_file(b, path, err)) != HL_OK)
		return rc;
	return print_made(b, path, err);
}

hl_rc
hl_cmd_audit_bundle(hl_cli *cli, char **operands, hl_err *err)
{
	bundling *b = calloc(1, sizeof(*b));
	hl_rc rc;

	(void)operands;
	if (b == NULL)
		return hl_nomem(err);
	b->cli = cli;
	rc = bundle(b, err);
	hl_checkpoint_files_free(&b->from);
	hl_checkpoint_files_free(&b->files);
	free(b);
	return rc;
}
