/* SPDX-License-Identifier: Apache-2.0 */
/* audit prove: that an event is in a signed tree, or that one tree continues
 * another. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/audit.h"
#include "ledger/proof_file.h"
#include "util/file.h"

#define LEAF_SUFFIX ".leaf"

static const char what[] = "prove it";

typedef struct proving {
	hl_cli *cli;
	hl_store_info info;
	hl_keys keys;
	hl_checkpoint_files older, newer;
	hl_leaves leaves;
	const char *path; /* of the proof */
	char leaf_path[PATH_MAX];
	uint64_t seq;
	hl_event event; /* of that number */
	hl_buf bytes;	/* of the same */
	hl_proof proof;
	hl_buf file;
} proving;

static hl_rc
need(const char *why, const char *hint, hl_err *err)
{
	return hl_fail(err, HL_EUSAGE, what, hint, "%s", why);
}

/* The one checkpoint of an option, verified. */
static hl_rc
one_checkpoint(
    proving *p, const char *option, hl_checkpoint_files *out, hl_err *err)
{
	hl_rc rc = hl_checkpoint_files_read(
	    p->cli, option, p->info.origin, &p->keys, out, err);

	if (rc == HL_OK && out->n > 1)
		return need("a proof is about one checkpoint",
		    "run it once for each", err);
	return rc;
}

/* Would put_file() do? A file with the same bytes may be there. */
static hl_rc
may_put(proving *p, const char *path, const hl_buf *b, hl_err *err)
{
	hl_buf is = HL_BUF_INIT;
	hl_rc rc;

	if (b->failed)
		return hl_nomem(err);
	if (path == NULL)
		return HL_OK;
	if ((rc = hl_audit_output_check(p->cli, path, err)) != HL_OK)
		return rc;
	rc = hl_file_read(path, b->n, &is, NULL);
	if (rc == HL_EINPUT ||
	    (rc == HL_OK && (is.n != b->n || memcmp(is.p, b->p, b->n) != 0)))
		rc = hl_fail(err, HL_EEXIST, what, "choose another name",
		    "%s is there with other content", path);
	else
		rc = HL_OK; /* what else is wrong turns up when it is written */
	hl_buf_free(&is);
	return rc;
}

/* A proof may go to standard output; its leaf may not. */
static hl_rc
put_file(proving *p, const char *path, const hl_buf *b, hl_err *err)
{
	mode_t ours;
	hl_rc rc;

	if (p->cli->dry_run)
		return HL_OK;
	if (path == NULL) {
		if (!p->cli->json && b->n > 0)
			(void)fwrite(b->p, 1, b->n, stdout);
		return HL_OK;
	}
	ours = umask(p->cli->mask);
	rc = hl_file_put(path, b->p, b->n, HL_HANDED_ON, false, err);
	(void)umask(ours);
	if (rc == HL_EEXIST)
		hl_err_hint(err, "choose another name");
	return rc;
}

static json_t *
hashes_json(const hl_proof *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++)
		(void)json_array_append_new(
		    list, hl_json_hex(p->h[i].b, sizeof(p->h[i].b)));
	return list;
}

/* ---- which event -------------------------------------------------------- */

struct searching {
	proving *p;
	const char *id, *kind;
	bool found;
	hl_err *err;
	hl_rc rc;
};

static bool
is_about(const hl_event *e, const char *id, const char *kind)
{
	const char *is = hl_event_text(e, "issue_id");

	return strcmp(e->kind, kind) == 0 && is != NULL && strcmp(is, id) == 0;
}

/* Only what has the ID in it is looked at closely. */
static bool
look_for_issue(void *arg, const hl_event_row *r)
{
	struct searching *s = arg;
	hl_event e;

	if (memmem(r->bytes, r->n, s->id, strlen(s->id)) == NULL)
		return true;
	if ((s->rc = hl_audit_read_event(r, &e, s->err)) != HL_OK)
		return false;
	if (is_about(&e, s->id, s->kind)) {
		s->p->seq = r->seq;
		s->found = true;
	}
	hl_event_free(&e);
	return true;
}

/* The newest one of that kind about the request. */
static hl_rc
find_by_issue(proving *p, const char *issue, hl_err *err)
{
	const char *kind = hl_opt(p->cli, "kind");
	char id[HL_UUID_TEXT];
	struct searching s = { p, id, kind == NULL ? "issue.outcome" : kind,
		false, err, HL_OK };
	hl_uuid u;
	hl_rc rc;

	if (!hl_uuid_parse(issue, &u))
		return hl_fail(err, HL_EUSAGE, what,
		    "hsmlic audit log --kind issue and chip show tell the IDs",
		    "\"%s\" is no ID of a request", issue);
	if (!hl_event_kind_known(s.kind))
		return hl_fail(err, HL_EUSAGE, what,
		    "write issue.intent or issue.outcome",
		    "there is no kind of event \"%s\"", s.kind);
	hl_uuid_text(&u, id);
	rc = hl_store_events(
	    p->cli->store, 0, UINT64_MAX, look_for_issue, &s, err);
	if (rc == HL_OK)
		rc = s.rc;
	if (rc != HL_OK || s.found)
		return rc;
	return hl_fail(err, HL_ENOTFOUND, what,
	    "hsmlic audit log --issue ID shows what there is",
	    "the ledger has no event %s about the request %s", s.kind, id);
}

static hl_rc
find_event(proving *p, hl_err *err)
{
	const char *issue = hl_opt(p->cli, "issue");
	const char *event = hl_opt(p->cli, "event");

	if ((issue != NULL) == (event != NULL))
		return need("which event was not said, or was said twice",
		    "give --issue ID, --event SEQ or --from CHECKPOINT", err);
	if (issue != NULL)
		return find_by_issue(p, issue, err);
	return hl_opt_number(p->cli, "event", INT64_MAX, 0, &p->seq, err);
}

static hl_rc
check_age(const proving *p, hl_err *err)
{
	const hl_checkpoint_file *f = &p->newer.f[0];
	hl_frontier tree;
	hl_rc rc = hl_store_tree(p->cli->store, &tree, err);

	if (rc != HL_OK)
		return rc;
	if (p->seq >= tree.size)
		return hl_fail(err, HL_ENOTFOUND, what, "",
		    "there is no event %" PRIu64 ": the ledger has %" PRIu64
		    " events",
		    p->seq, tree.size);
	if (p->seq < f->c.size)
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, what,
	    "make a checkpoint that has it: hsmlic audit checkpoint",
	    "event %" PRIu64 " is younger than %s, which is of the first "
	    "%" PRIu64 " events",
	    p->seq, f->path, f->c.size);
}

struct taking {
	proving *p;
	hl_err *err;
	hl_rc rc;
	bool found;
};

static bool
take_event(void *arg, const hl_event_row *r)
{
	struct taking *t = arg;

	t->found = r->seq == t->p->seq;
	if (t->found)
		t->rc = hl_audit_read_event(r, &t->p->event, t->err);
	hl_buf_put(&t->p->bytes, r->bytes, r->n);
	return false;
}

static hl_rc
read_event(proving *p, hl_err *err)
{
	struct taking t = { p, err, HL_OK, false };
	hl_rc rc = hl_store_events(
	    p->cli->store, p->seq, p->seq + 1, take_event, &t, err);

	if (rc != HL_OK || t.rc != HL_OK)
		return rc != HL_OK ? rc : t.rc;
	return t.found ? HL_OK
		       : hl_fail(err, HL_EINTEGRITY, what, HL_AUDIT_HINT,
			     "event %" PRIu64 " is missing", p->seq);
}

/* ---- its proof ---------------------------------------------------------- */

/* The proof is made of what the store has now; the checkpoint decides. */
static hl_rc
prove_inclusion(proving *p, hl_err *err)
{
	const hl_checkpoint_file *f = &p->newer.f[0];
	hl_hash leaf;
	hl_rc rc;

	if ((rc = hl_prove_inclusion(
		 &p->leaves, p->seq, f->c.size, &p->proof, err)) != HL_OK ||
	    (rc = hl_leaf_hash(p->bytes.p, p->bytes.n, &leaf, err)) != HL_OK)
		return rc;
	rc = hl_check_inclusion(
	    &leaf, p->seq, f->c.size, &p->proof, &f->c.root, err);
	if (rc != HL_OK)
		return hl_fail(err, HL_EINTEGRITY, what, HL_AUDIT_HINT,
		    "the first %" PRIu64 " events of the ledger are not those "
		    "of %s",
		    f->c.size, f->path);
	return hl_proof_file_put(
	    &p->file, p->seq, &p->proof, f->bytes.p, f->bytes.n, err);
}

static hl_rc
print_event(proving *p, hl_err *err)
{
	const hl_checkpoint_file *f = &p->newer.f[0];
	hl_buf words = HL_BUF_INIT;

	if (p->cli->json)
		return hl_print_json(p->cli,
		    json_pack("{s:I, s:s, s:I, s:o, s:o, s:o, s:o, s:b}",
			"event", (json_int_t)p->seq, "kind", p->event.kind,
			"size", (json_int_t)f->c.size, "hashes",
			hashes_json(&p->proof), "path", hl_json_any(p->path),
			"leaf_path", hl_json_any(p->leaf_path), "checkpoint",
			hl_json_checkpoint(f, &p->keys), "dry_run",
			p->cli->dry_run),
		    err);
	hl_event_words(p->cli, &p->event, &words);
	hl_fact("event", "%" PRIu64 ", %s: %s", p->seq, p->event.kind,
	    hl_buf_str(&words));
	hl_fact("tree", "%" PRIu64 " events, of %s", f->c.size, f->path);
	if (!p->cli->dry_run) {
		hl_fact("proof", "%s", p->path);
		hl_fact("leaf", "%s", p->leaf_path);
	}
	hl_buf_free(&words);
	return HL_OK;
}

static hl_rc
leaf_path(proving *p, hl_err *err)
{
	const char *given = hl_opt(p->cli, "leaf");

	if (p->path == NULL)
		return need("where the proof goes was not said, and its event "
			    "beside it",
		    "add -o FILE", err);
	if (given != NULL &&
	    (strcmp(given, p->path) == 0 || hl_file_same(given, p->path)))
		return need("the event cannot go into the file of the proof",
		    "give --leaf another name", err);
	return hl_path(p->leaf_path, sizeof(p->leaf_path), err, "%s%s",
	    given != NULL ? given : p->path, given != NULL ? "" : LEAF_SUFFIX);
}

static hl_rc
prove_event(proving *p, hl_err *err)
{
	hl_rc rc;

	if ((rc = leaf_path(p, err)) != HL_OK ||
	    (rc = find_event(p, err)) != HL_OK ||
	    (rc = check_age(p, err)) != HL_OK ||
	    (rc = read_event(p, err)) != HL_OK ||
	    (rc = prove_inclusion(p, err)) != HL_OK ||
	    (rc = may_put(p, p->path, &p->file, err)) != HL_OK ||
	    (rc = may_put(p, p->leaf_path, &p->bytes, err)) != HL_OK ||
	    (rc = put_file(p, p->leaf_path, &p->bytes, err)) != HL_OK ||
	    (rc = put_file(p, p->path, &p->file, err)) != HL_OK)
		return rc;
	return print_event(p, err);
}

/* ---- that one tree continues another ------------------------------------ */

/* Without --to, the ledger as it is now, which nobody has signed. */
static hl_rc
newer_tree(proving *p, uint64_t *size, hl_hash *root, hl_err *err)
{
	hl_frontier tree;
	hl_rc rc;

	if (p->newer.n > 0) {
		*size = p->newer.f[0].c.size;
		*root = p->newer.f[0].c.root;
		return HL_OK;
	}
	if ((rc = hl_store_tree(p->cli->store, &tree, err)) != HL_OK)
		return rc;
	*size = tree.size;
	return hl_frontier_root(&tree, root, err);
}

static hl_rc
print_consistency(proving *p, uint64_t size, const hl_hash *root, hl_err *err)
{
	const hl_checkpoint_file *f = &p->older.f[0];

	if (p->cli->json)
		return hl_print_json(p->cli,
		    json_pack("{s:I, s:I, s:o, s:o, s:o, s:b}", "from",
			(json_int_t)f->c.size, "size", (json_int_t)size, "root",
			hl_json_hex(root->b, sizeof(root->b)), "hashes",
			hashes_json(&p->proof), "path",
			hl_json_any(p->path == NULL ? "" : p->path), "dry_run",
			p->cli->dry_run),
		    err);
	hl_message(p->cli,
	    "the ledger's %" PRIu64 " events begin with the %" PRIu64
	    " of %s%s",
	    size, f->c.size, f->path,
	    p->newer.n > 0 ? "" : "; nobody has signed them all yet");
	return HL_OK;
}

static hl_rc
prove_consistency(proving *p, hl_err *err)
{
	const hl_checkpoint_file *f = &p->older.f[0];
	hl_hash root;
	uint64_t size;
	hl_rc rc;

	if ((rc = newer_tree(p, &size, &root, err)) != HL_OK)
		return rc;
	if (p->newer.n > 0 && size < f->c.size)
		return hl_fail(err, HL_EUSAGE, what,
		    "swap them: --from is the older one",
		    "--from %s is of %" PRIu64 " events, --to %s of %" PRIu64,
		    f->path, f->c.size, p->newer.f[0].path, size);
	if (size < f->c.size)
		return hl_fail(err, HL_EINTEGRITY, what, HL_AUDIT_HINT,
		    "%s is of %" PRIu64 " events, and there are only %" PRIu64,
		    f->path, f->c.size, size);
	if ((rc = hl_prove_consistency(
		 &p->leaves, f->c.size, size, &p->proof, err)) != HL_OK)
		return rc;
	rc = hl_check_consistency(
	    f->c.size, &f->c.root, size, &root, &p->proof, err);
	if (rc != HL_OK)
		return hl_fail(err, HL_EINTEGRITY, what, HL_AUDIT_HINT,
		    "the ledger's %" PRIu64 " events do not begin with the "
		    "%" PRIu64 " of %s",
		    size, f->c.size, f->path);
	if ((rc = hl_proof_lines_put(&p->file, &p->proof, err)) != HL_OK ||
	    (rc = may_put(p, p->path, &p->file, err)) != HL_OK ||
	    (rc = put_file(p, p->path, &p->file, err)) != HL_OK)
		return rc;
	return print_consistency(p, size, &root, err);
}

/* ---- the command -------------------------------------------------------- */

static hl_rc
prove(proving *p, hl_err *err)
{
	const bool from = hl_opt(p->cli, "from") != NULL;
	const char *newer = from ? "to" : "checkpoint";
	hl_rc rc;

	if (from &&
	    (hl_opt(p->cli, "issue") != NULL ||
		hl_opt(p->cli, "event") != NULL ||
		hl_opt(p->cli, "checkpoint") != NULL))
		return need("a proof is about one event, or about two trees",
		    "give --from and --to, or --checkpoint and --issue or "
		    "--event",
		    err);
	if (!from && hl_opt(p->cli, "checkpoint") == NULL)
		return need("which signed tree it is in was not said",
		    "add --checkpoint FILE", err);
	if ((rc = hl_store_info_get(p->cli->store, &p->info, err)) != HL_OK ||
	    (rc = hl_keys_choose(p->cli, p->info.origin, &p->keys, err)) !=
		HL_OK ||
	    (rc = one_checkpoint(p, newer, &p->newer, err)) != HL_OK)
		return rc;
	if (from && (rc = one_checkpoint(p, "from", &p->older, err)) != HL_OK)
		return rc;
	if ((rc = hl_keys_all_signed(&p->keys, &p->newer, &p->older, err)) !=
	    HL_OK)
		return rc;
	return from ? prove_consistency(p, err) : prove_event(p, err);
}

hl_rc
hl_cmd_audit_prove(hl_cli *cli, char **operands, hl_err *err)
{
	proving *p = calloc(1, sizeof(*p));
	hl_rc rc;

	(void)operands;
	if (p == NULL)
		return hl_nomem(err);
	p->cli = cli;
	p->leaves = hl_audit_proof_leaves(cli->store);
	p->path = hl_opt(cli, "output");
	if (p->path != NULL && strcmp(p->path, "-") == 0)
		p->path = NULL;
	rc = prove(p, err);
	hl_checkpoint_files_free(&p->older);
	hl_checkpoint_files_free(&p->newer);
	hl_event_free(&p->event);
	hl_buf_free(&p->bytes);
	hl_buf_free(&p->file);
	free(p);
	return rc;
}
