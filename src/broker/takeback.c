/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/takeback.h"

#include <dirent.h>
#include <string.h>

#include "util/file.h"

/* HL_EINPUT: the license was made for another chip. */
static hl_rc
check_chip(hl_broker *b, const hl_rescue *r, const hl_issue *i, hl_err *err)
{
	hl_chip chip;
	hl_rc rc = hl_store_chip_by_id(b->store, &i->chip, &chip, err);

	if (rc != HL_OK)
		return rc;
	if (chip.has_cert &&
	    memcmp(chip.cert_sha256, r->cert_sha256, HL_SHA256_LEN) == 0)
		return HL_OK;
	return hl_fail(err, HL_EINPUT, "import a rescued license",
	    "name the store that it was fetched with: --store",
	    "it was made for another chip than this store's request");
}

hl_rc
hl_take_back_open(hl_broker *b, const hl_rescue *r, const hl_actor *actor,
    const char *where, hl_err *err)
{
	hl_outcome o = { .issue = r->issue,
		.state = HL_ISSUE_ISSUED,
		.counter_after = r->counter_after,
		.recovered = true,
		.license = r->license,
		.license_n = r->n,
		.actor = *actor };
	hl_issue i;
	hl_rc rc;

	if ((rc = hl_store_issue_by_id(b->store, &r->issue, &i, err)) !=
		HL_OK ||
	    (rc = check_chip(b, r, &i, err)) != HL_OK)
		return rc;
	/* Not a count that the card can have reached by itself. */
	o.counter_known = r->counter_after <= i.counter_before;
	(void)hl_text_copy(o.detail, sizeof(o.detail), where);
	return hl_store_intent_close(b->store, &o, NULL, err);
}

/* A person had given the request up; what became of its unit stays as it was
 * decided, but its license serves. */
static hl_rc
take_in(hl_broker *b, const hl_rescue *r, const hl_issue *i,
    const hl_actor *actor, hl_err *err)
{
	hl_uuid id;
	const hl_rc rc = hl_store_license_import(b->store, &i->chip,
	    &i->firmware, r->license, r->n, actor, &id, err);

	return rc == HL_EEXIST ? HL_OK : rc;
}

/* The same for an issue in whatever state; HL_OK also when the store has that
 * license already. HL_EINPUT: it belongs to another chip. */
static hl_rc
take_back(hl_broker *b, const hl_rescue *r, const hl_actor *actor, hl_err *err)
{
	hl_issue i;
	hl_rc rc;

	if ((rc = hl_store_issue_by_id(b->store, &r->issue, &i, err)) !=
		HL_OK ||
	    (rc = check_chip(b, r, &i, err)) != HL_OK)
		return rc;
	if (i.state == HL_ISSUE_OPEN)
		return hl_take_back_open(
		    b, r, actor, "the license was in a rescue file", err);
	if (i.state == HL_ISSUE_WRITTEN_OFF)
		return take_in(b, r, &i, actor, err);
	rc = hl_store_issue_rescue(
	    b->store, &i.id, r->license, r->n, actor, err);
	return rc == HL_EEXIST ? HL_OK : rc;
}

/* ---- rescue lines -------------------------------------------------------- */

static hl_rc
damaged_line(unsigned line, hl_err *err)
{
	return hl_fail(err, HL_EINPUT, "import rescued licenses",
	    "give the line whole, as it was printed",
	    "line %u is damaged (its checksum does not match)", line);
}

/*
 * Where a rescue line begins in this line of text; NULL: it is something else.
 * A log puts the time before what it takes from standard error.
 */
static const char *
find_record(const char *line, size_t n)
{
	/* and the magic, in base64: the hint speaks of the word, too */
	static const char logged[] = HL_RESCUE_WORD "SExS";
	const size_t word = strlen(HL_RESCUE_WORD);

	if (n > word && memcmp(line, HL_RESCUE_WORD, word) == 0)
		return line;
	return memmem(line, n, logged, strlen(logged));
}

hl_rc
hl_broker_import_rescue(hl_broker *b, const char *text, size_t len,
    const hl_actor *actor, unsigned *n, hl_err *err)
{
	unsigned line = 0;
	hl_rescue r;
	hl_rc rc;

	*n = 0;
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		const size_t here = end == NULL ? len : (size_t)(end - text);
		const char *at = find_record(text, here);

		line++;
		if (at != NULL) {
			if (!hl_rescue_parse(
				at, here - (size_t)(at - text), &r))
				return damaged_line(line, err);
			rc = actor == NULL ? HL_OK
					   : take_back(b, &r, actor, err);
			if (rc != HL_OK)
				return rc;
			(*n)++;
		}
		text += here;
		len -= here;
		if (len > 0) {
			text++;
			len--;
		}
	}
	if (*n == 0)
		return hl_fail(err, HL_EINPUT, "import rescued licenses",
		    "give a file with a line that starts with HSMLIC-RESCUE",
		    "there is no such line");
	return HL_OK;
}

/* ---- the spool ---------------------------------------------------------- */

/* Shows what can be read there to `look`, until that returns false. */
static void
each_in_spool(
    hl_broker *b, bool (*look)(void *arg, const hl_rescue *r), void *arg)
{
	char path[PATH_MAX], name[HL_UUID_TEXT];
	const struct dirent *e;
	bool more = true;
	hl_uuid issue;
	hl_rescue r;
	DIR *d;

	if (hl_path(path, sizeof(path), NULL, "%s/spool", b->side) != HL_OK ||
	    (d = opendir(path)) == NULL)
		return;
	while (more && (e = readdir(d)) != NULL) {
		(void)hl_text_copy(name, sizeof(name), e->d_name);
		if (hl_uuid_parse(name, &issue) &&
		    hl_spool_find(b->side, &issue, &r, NULL) == HL_OK)
			more = look(arg, &r);
	}
	(void)closedir(d);
}

/* Each request is in the store before its license is in the spool. */
static bool
is_strange(hl_broker *b, const hl_rescue *r)
{
	hl_issue i;

	return hl_store_issue_by_id(b->store, &r->issue, &i, NULL) ==
	    HL_ENOTFOUND;
}

struct same_bytes {
	uint8_t sha256[HL_SHA256_LEN];
	bool found;
};

static bool
compare_bytes(void *arg, const hl_license *l)
{
	struct same_bytes *s = arg;

	s->found = memcmp(l->sha256, s->sha256, sizeof(s->sha256)) == 0;
	return !s->found;
}

/* A person has imported it meanwhile. */
static bool
is_kept(hl_broker *b, const hl_rescue *r)
{
	struct same_bytes same = { .found = false };
	hl_chip chip;
	const hl_license_filter filter = { &chip.id, NULL, true };

	if (hl_store_chip_by_cert(b->store, r->cert_sha256, &chip, NULL) !=
		HL_OK ||
	    hl_sha256(r->license, r->n, same.sha256, NULL) != HL_OK ||
	    hl_store_license_list(
		b->store, &filter, compare_bytes, &same, NULL) != HL_OK)
		return false;
	return same.found;
}

struct taking {
	hl_broker *b;
	const hl_actor *actor;
	unsigned strange;
};

/*
 * A file of the spool whose issue is closed: what a crash left between the
 * commit and the removal, or a license that came too late for its issue.
 */
static bool
take_back_file(void *arg, const hl_rescue *r)
{
	struct taking *t = arg;
	hl_broker *b = t->b;
	const bool strange = is_strange(b, r);
	char id[HL_UUID_TEXT];
	hl_err err = { 0 };
	hl_issue i;

	hl_uuid_text(&r->issue, id);
	if (strange && !is_kept(b, r)) {
		t->strange++;
		hl_broker_note(b,
		    "the license in %s/spool/%s.license is of a request that "
		    "this store does not know",
		    b->side, id);
		return true;
	}
	if (!strange &&
	    (hl_store_issue_by_id(b->store, &r->issue, &i, NULL) != HL_OK ||
		i.state == HL_ISSUE_OPEN))
		return true;
	if (strange || take_back(b, r, t->actor, &err) == HL_OK)
		hl_spool_drop(b->side, &r->issue);
	else
		hl_broker_note(b,
		    "the license of request %s stays in the spool: %s", id,
		    err.why);
	return true;
}

unsigned
hl_take_back_spool(hl_broker *b, const hl_actor *actor)
{
	struct taking t = { b, actor, 0 };

	each_in_spool(b, take_back_file, &t);
	return t.strange;
}

struct finding {
	hl_broker *b;
	const uint8_t *cert_sha256;
	hl_uuid issue;
	bool found;
};

static bool
is_of_chip(void *arg, const hl_rescue *r)
{
	struct finding *f = arg;

	if (memcmp(r->cert_sha256, f->cert_sha256, HL_SHA256_LEN) == 0 &&
	    is_strange(f->b, r) && !is_kept(f->b, r)) {
		f->issue = r->issue;
		f->found = true;
	}
	return !f->found;
}

hl_rc
hl_refuse_strange(
    hl_broker *b, const uint8_t cert_sha256[HL_SHA256_LEN], hl_err *err)
{
	struct finding f = { .b = b, .cert_sha256 = cert_sha256 };
	char id[HL_UUID_TEXT];
	hl_rc rc;

	each_in_spool(b, is_of_chip, &f);
	if (!f.found)
		return HL_OK;
	hl_uuid_text(&f.issue, id);
	rc = hl_fail(err, HL_EDOUBT, "get a license", "",
	    "a license of this chip is in %s/spool/%s.license, of a request "
	    "that this store does not know: was it restored from an older "
	    "copy?",
	    b->side, id);
	hl_err_hint(err,
	    HL_STRANGE_HINT
	    "; move that file away only to spend another unit (nothing was "
	    "spent now)");
	return rc;
}

/* ---- what came too late ------------------------------------------------- */

/* "ID.tool.license", as card/request_files.h names it. */
static bool
parse_late(const char *name, hl_uuid *issue)
{
	static const char end[] = ".tool.license";
	char id[HL_UUID_TEXT];

	if (strlen(name) != HL_UUID_TEXT - 1 + strlen(end) ||
	    strcmp(name + HL_UUID_TEXT - 1, end) != 0)
		return false;
	(void)hl_text_copy(id, sizeof(id), name);
	return hl_uuid_parse(id, issue);
}

/* Its request, when that is closed and its chip is known. */
static bool
find_closed(hl_broker *b, const hl_uuid *id, hl_chip *chip)
{
	hl_issue issue;

	return hl_store_issue_by_id(b->store, id, &issue, NULL) == HL_OK &&
	    issue.state != HL_ISSUE_OPEN &&
	    hl_store_chip_by_id(b->store, &issue.chip, chip, NULL) == HL_OK;
}

static bool
is_late(hl_broker *b, const char *path, const hl_uuid *id)
{
	hl_rescue r = { .issue = *id };
	hl_buf bytes = HL_BUF_INIT;
	bool late = false;
	hl_chip chip;

	if (find_closed(b, id, &chip) &&
	    hl_file_read(path, HL_LICENSE_MAX, &bytes, NULL) == HL_OK &&
	    bytes.n > 0) {
		memcpy(r.cert_sha256, chip.cert_sha256, sizeof(r.cert_sha256));
		memcpy(r.license, bytes.p, bytes.n);
		r.n = bytes.n;
		late = !is_kept(b, &r);
		if (!late)
			(void)!hl_file_remove(path, NULL);
	}
	hl_buf_free(&bytes);
	return late;
}

unsigned
hl_count_late(hl_broker *b)
{
	const struct dirent *e;
	char path[PATH_MAX];
	unsigned n = 0;
	hl_uuid id;
	DIR *d;

	if ((d = opendir(b->spool_dir)) == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		if (!parse_late(e->d_name, &id) ||
		    hl_path(path, sizeof(path), NULL, "%s/%s", b->spool_dir,
			e->d_name) != HL_OK ||
		    !is_late(b, path, &id))
			continue;
		n++;
		hl_broker_note(b,
		    "%s came when its request was closed, and nobody knows "
		    "whether it is whole",
		    path);
	}
	(void)closedir(d);
	return n;
}
