/* SPDX-License-Identifier: Apache-2.0 */
/* license import: one file, or a folder of pairs. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/carried.h"
#include "cli/license_take.h"
#include "util/file.h"
#include "util/text.h"

#define LICENSE_END ".license.bin"
#define CERT_END ".certificate.bin"
#define UID_END ".uid.hex"

/* A license with what belongs to it, and what became of it. */
struct pair {
	char *license, *cert, *uid; /* paths; NULL: not there */
	const hl_carried_file *alone; /* instead: a part without a license */
	const hl_sidecar *told;	      /* about this license, by its hash */
	bool two_tell;		      /* and another one says otherwise */
	enum { NOT_TRIED, IMPORTED, KNOWN, WOULD_IMPORT, FAILED } result;
	hl_license taken; /* when IMPORTED or KNOWN */
	hl_err *err;	  /* when FAILED */
};

static const char *const result_names[] = { "not-tried", "imported", "known",
	"would-import", "failed" };

struct folder {
	hl_take take;
	const char *dir;
	hl_carried files;
	struct pair *pairs;
	size_t n, cap;
};

/*
 * Who a license is for is told by the JSON file with its hash, wherever in the
 * folder it lies, and by the certificate whose hash stands in there. Only where
 * no JSON file tells do names lead from a license to what lies beside it.
 */

/* ---- finding pairs ------------------------------------------------------ */

static const char *
path_of(const struct pair *p)
{
	return p->license != NULL ? p->license : p->alone->path;
}

static hl_rc
add_pair(struct folder *f, struct pair **out, hl_err *err)
{
	struct pair *grown;

	if (f->n == f->cap) {
		const size_t cap = f->cap == 0 ? 64 : 2 * f->cap;

		grown = reallocarray(f->pairs, cap, sizeof(*f->pairs));
		if (grown == NULL)
			return hl_nomem(err);
		f->pairs = grown;
		f->cap = cap;
	}
	*out = &f->pairs[f->n++];
	**out = (struct pair){ .license = NULL };
	return HL_OK;
}

/* How long the name of a file is without this end; "license.bin" alone has
 * nothing before it. False: it ends otherwise. */
static bool
stem_of(const hl_carried_file *c, const char *end, size_t *stem)
{
	if (strcmp(c->name, end + 1) != 0 && !hl_text_ends(c->name, end))
		return false;
	*stem =
	    strlen(c->name) < strlen(end) ? 0 : strlen(c->name) - strlen(end);
	return true;
}

/* The path of what has the same stem; NULL: not there, or no memory. */
static char *
beside(const hl_carried_file *c, size_t stem, const char *end)
{
	const int n = (int)(c->name - c->path) + (int)stem;
	char path[PATH_MAX];
	struct stat st;

	if (hl_path(path, sizeof(path), NULL, "%.*s%s", n, c->path,
		stem == 0 ? end + 1 : end) != HL_OK ||
	    stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return NULL;
	return strdup(path);
}

static bool
is_told(const struct folder *f, const hl_carried_file *c)
{
	return c->read &&
	    hl_carried_find(
		&f->files, HL_CARRIED_TELLS_LICENSE, c->sha256, 0) != NULL;
}

static bool
same_words(const hl_sidecar *a, const hl_sidecar *b)
{
	return a->has_cert == b->has_cert &&
	    (!a->has_cert ||
		memcmp(a->cert_sha256, b->cert_sha256, HL_SHA256_LEN) == 0) &&
	    hl_uid_equal(&a->uid, &b->uid) &&
	    strcmp(a->firmware, b->firmware) == 0;
}

/* The chip by what the JSON file tells; sets p->cert. */
static hl_rc
find_told(
    struct folder *f, const hl_carried_file *c, struct pair *p, hl_err *err)
{
	const hl_carried_role role = HL_CARRIED_TELLS_LICENSE;
	const hl_carried_file *other, *cert;

	p->told = hl_carried_find(&f->files, role, c->sha256, 0)->side;
	for (size_t i = 1;
	     (other = hl_carried_find(&f->files, role, c->sha256, i)) != NULL;
	     i++)
		if (!same_words(p->told, other->side))
			p->two_tell = true;
	cert = p->told->has_cert
	    ? hl_carried_find(&f->files, HL_CARRIED_IS, p->told->cert_sha256, 0)
	    : NULL;
	if (cert != NULL && (p->cert = strdup(cert->path)) == NULL)
		return hl_nomem(err);
	return HL_OK;
}

static hl_rc
add_license(
    struct folder *f, const hl_carried_file *c, size_t stem, hl_err *err)
{
	struct pair *p;
	hl_rc rc;

	if ((rc = add_pair(f, &p, err)) != HL_OK)
		return rc;
	if ((p->license = strdup(c->path)) == NULL)
		return hl_nomem(err);
	if (is_told(f, c))
		return find_told(f, c, p, err);
	p->cert = beside(c, stem, CERT_END);
	if (stem == 0)
		p->uid = beside(c, stem, UID_END);
	return HL_OK;
}

/* Does this certificate belong to a license of the folder by its hash? */
static bool
cert_is_used(const struct folder *f, const hl_carried_file *c)
{
	const hl_carried_file *j;

	for (size_t i = 0; c->read &&
	     (j = hl_carried_find(
		  &f->files, HL_CARRIED_TELLS_CHIP, c->sha256, i)) != NULL;
	     i++)
		if (j->kind == HL_CARRIED_LICENSE &&
		    hl_carried_find(&f->files, HL_CARRIED_IS,
			j->side->license_sha256, 0) != NULL)
			return true;
	return false;
}

/* A license that is not the told one lies beside it: that tells it already. */
static bool
has_wrong_license(const struct folder *f, const hl_carried_file *c)
{
	const hl_carried_file *l;
	size_t stem;
	char *path;
	bool wrong = false;

	if (!stem_of(c, ".json", &stem))
		return false;
	if ((path = beside(c, stem, LICENSE_END)) == NULL)
		return false;
	for (size_t i = 0; i < f->files.n && !wrong; i++) {
		l = &f->files.files[i];
		wrong = strcmp(l->path, path) == 0 && !is_told(f, l);
	}
	free(path);
	return wrong;
}

/* Is it a part of something whose license is not here? */
static bool
is_alone(const struct folder *f, const hl_carried_file *c)
{
	size_t stem;
	char *twin;

	if (c->kind == HL_CARRIED_LICENSE)
		return hl_carried_find(&f->files, HL_CARRIED_IS,
			   c->side->license_sha256, 0) == NULL &&
		    !has_wrong_license(f, c);
	if (!stem_of(c, CERT_END, &stem))
		return c->err != NULL;
	twin = beside(c, stem, LICENSE_END);
	free(twin);
	return twin == NULL && !cert_is_used(f, c);
}

static hl_rc
find_pairs(struct folder *f, hl_err *err)
{
	struct pair *p = NULL;
	size_t stem = 0;
	hl_rc rc;

	rc = hl_carried_read(&f->files, f->dir, "import licenses", err);
	for (size_t i = 0; i < f->files.n && rc == HL_OK; i++) {
		const hl_carried_file *c = &f->files.files[i];

		if (stem_of(c, LICENSE_END, &stem) || is_told(f, c))
			rc = add_license(f, c, stem, err);
		else if (is_alone(f, c) && (rc = add_pair(f, &p, err)) == HL_OK)
			p->alone = c;
	}
	if (rc == HL_OK && f->files.deeper > 0)
		hl_message(f->take.cli,
		    "%zu %s in subfolders of %s not looked into",
		    f->files.deeper,
		    hl_plural(f->files.deeper, "folder", "folders"), f->dir);
	return rc;
}

/* ---- one pair ----------------------------------------------------------- */

static hl_rc
refuse_alone(const hl_carried_file *c, hl_err *err)
{
	if (c->err != NULL) {
		*err = *c->err;
		return err->rc;
	}
	if (c->kind == HL_CARRIED_LICENSE)
		return hl_fail(err, HL_EINPUT, "import a license",
		    "carry all files over again, or move this one away",
		    "the license that %s is about is not in this folder",
		    c->path);
	return hl_fail(err, HL_EINPUT, "import a license",
	    "put the license beside it, or move it away",
	    "%s has no license beside it", c->path);
}

static hl_rc
take_pair(struct folder *f, struct pair *p, hl_taking *t, hl_err *err)
{
	const bool any = hl_opt_set(f->take.cli, "any-certificate");
	hl_rc rc = HL_OK;

	memset(t, 0, sizeof(*t));
	if (p->license == NULL)
		return refuse_alone(p->alone, err);
	if (p->two_tell)
		return hl_fail(err, HL_ECONFLICT, "import a license",
		    "take the files of one export together; nothing was "
		    "changed",
		    "two JSON files in this folder tell different chips or "
		    "firmwares for %s",
		    p->license);
	t->path = p->license;
	t->told = p->told;
	if (p->cert != NULL) {
		rc = hl_cert_read(&t->chip.cert, p->cert, any, err);
		t->chip.has_cert = rc == HL_OK;
	}
	if (rc == HL_OK && p->uid != NULL) {
		rc = hl_uid_read(&t->chip.uid, p->uid, err);
		t->chip.has_uid = rc == HL_OK;
	}
	if (rc == HL_OK)
		rc = hl_license_take(&f->take, t, err);
	if (rc != HL_OK)
		return rc;
	p->taken = t->license;
	p->result = t->already	   ? KNOWN
	    : f->take.cli->dry_run ? WOULD_IMPORT
				   : IMPORTED;
	return HL_OK;
}

static void
fail_pair(struct folder *f, struct pair *p, const hl_err *why)
{
	p->result = FAILED;
	hl_worse(f->take.cli, why->rc);
	if ((p->err = malloc(sizeof(*p->err))) != NULL)
		*p->err = *why;
}

static hl_rc
take_all(struct folder *f, hl_err *err)
{
	hl_taking *t = calloc(1, sizeof(*t));
	hl_progress p;
	hl_rc rc = HL_OK;

	if (t == NULL)
		return hl_nomem(err);
	hl_progress_start(&p, f->take.cli, "importing", f->n);
	for (size_t i = 0; i < f->n && !hl_is_general(rc); i++) {
		hl_err e = { 0 };

		rc = take_pair(f, &f->pairs[i], t, &e);
		if (rc != HL_OK)
			fail_pair(f, &f->pairs[i], &e);
		hl_progress_step(&p, i + 1);
	}
	hl_progress_end(&p);
	if (hl_is_general(rc))
		hl_message(
		    f->take.cli, "stopped: the next ones would fail, too");
	explicit_bzero(t->bytes, sizeof(t->bytes));
	free(t);
	return HL_OK;
}

/* ---- saying what became of them ----------------------------------------- */

static size_t
count(const struct folder *f, int result)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		if ((int)f->pairs[i].result == result)
			n++;
	return n;
}

static json_t *
pair_json(const struct pair *p)
{
	const bool kept = p->result == IMPORTED || p->result == KNOWN;
	json_t *o, *more;

	o = kept ? hl_json_license(&p->taken) : json_object();
	more = json_pack("{s:s,s:o,s:o}", "result", result_names[p->result],
	    "path", hl_json_any(path_of(p)), "error",
	    p->err == NULL ? json_null() : hl_json_error(p->err));
	if (o == NULL || more == NULL || json_object_update(o, more) != 0) {
		json_decref(o);
		o = NULL;
	}
	json_decref(more);
	return o;
}

static hl_rc
print_json(const struct folder *f, hl_err *err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n; i++)
		if (json_array_append_new(list, pair_json(&f->pairs[i])) != 0) {
			json_decref(list);
			return hl_nomem(err);
		}
	return hl_print_json(f->take.cli,
	    json_pack("{s:o,s:I,s:I,s:I,s:I,s:b,s:o}", "path",
		hl_json_any(f->dir), "imported", (json_int_t)count(f, IMPORTED),
		"known", (json_int_t)count(f, KNOWN), "failed",
		(json_int_t)count(f, FAILED), "not_tried",
		(json_int_t)count(f, NOT_TRIED), "dry_run",
		f->take.cli->dry_run, "licenses", list),
	    err);
}

static void
print_text(const struct folder *f)
{
	static const char *const columns[] = { "RESULT", "FILE", "WHY" };
	hl_table *t = hl_table_new(columns, HL_COUNT(columns), 0);

	for (size_t i = 0; i < f->n; i++) {
		const struct pair *p = &f->pairs[i];

		hl_table_row(t,
		    (const char *[]){ result_names[p->result], path_of(p),
			p->err == NULL ? "" : p->err->why });
	}
	hl_table_print(f->take.cli, &t);
	hl_table_free(&t);
	for (size_t i = 0; i < f->n; i++)
		if (hl_part_error(
			f->take.cli, path_of(&f->pairs[i]), f->pairs[i].err))
			break;
	hl_message(f->take.cli, "%zu imported, %zu there already, %zu failed%s",
	    count(f, IMPORTED), count(f, KNOWN), count(f, FAILED),
	    f->take.cli->dry_run ? " (dry run)" : "");
}

static hl_rc
import_folder(struct folder *f, hl_err *err)
{
	hl_rc rc;

	if ((rc = find_pairs(f, err)) != HL_OK)
		return rc;
	if (f->n == 0)
		return hl_fail(err, HL_ENOTFOUND, "import licenses",
		    "name a folder that hsmlic license export wrote, or one "
		    "with pairs NAME.license.bin and NAME.certificate.bin",
		    "there is no license in %s", f->dir);
	rc = hl_kept_load(&f->take.kept, f->take.cli->store, NULL, err);
	if (rc == HL_OK)
		rc = take_all(f, err);
	if (rc != HL_OK)
		return rc;
	if (f->take.cli->json)
		return print_json(f, err);
	print_text(f);
	return HL_OK;
}

/* ---- one file ----------------------------------------------------------- */

static hl_rc
report_one(hl_cli *cli, const hl_taking *t, hl_err *err)
{
	const char *result = t->already ? "known"
	    : cli->dry_run		? "would-import"
					: "imported";
	char chip[HL_CHIP_NAME];
	json_t *o, *more;

	if (!cli->json) {
		if (t->chip_known || !cli->dry_run)
			hl_chip_name(&t->known.uid, t->known.has_cert,
			    t->known.cert_sha256, chip);
		else
			hl_chip_name(&t->chip.uid, t->chip.has_cert,
			    t->chip.cert.sha256, chip);
		(void)printf("%-12s %s: chip %s, firmware \"%s\"%s\n", result,
		    t->path, chip, t->firmware.name,
		    t->already ? " (it was there already)" : "");
		return HL_OK;
	}
	o = t->already || !cli->dry_run ? hl_json_license(&t->license)
					: json_object();
	more = json_pack("{s:s,s:o,s:b}", "result", result, "path",
	    hl_json_any(t->path), "dry_run", cli->dry_run);
	if (o == NULL || more == NULL || json_object_update(o, more) != 0) {
		json_decref(o);
		o = NULL;
	}
	json_decref(more);
	return hl_print_json(cli, o, err);
}

static hl_rc
import_file(hl_take *take, const char *path, hl_err *err)
{
	hl_taking *t = calloc(1, sizeof(*t));
	hl_rc rc;

	if (t == NULL)
		return hl_nomem(err);
	t->path = path;
	rc = hl_chip_needed(take->cli, &t->chip, err);
	if (rc == HL_OK)
		rc = hl_license_take(take, t, err);
	if (rc == HL_OK)
		rc = report_one(take->cli, t, err);
	explicit_bzero(t->bytes, sizeof(t->bytes));
	free(t);
	return rc;
}

static bool
names_chip(const hl_cli *cli)
{
	return hl_opt_on_line(cli, "cert") || hl_opt_on_line(cli, "uid") ||
	    hl_opt_on_line(cli, "target");
}

static hl_rc
check_options(hl_cli *cli, const char *file, const char *dir, hl_err *err)
{
	if (file == NULL && dir == NULL)
		return hl_fail(err, HL_EUSAGE, "import licenses",
		    "one license: FILE with --cert or --uid; several: DIR",
		    "what to import was not said");
	if (dir != NULL && names_chip(cli))
		return hl_fail(err, HL_EUSAGE, "import licenses",
		    "leave out --cert, --uid and --target",
		    "each license of a folder has a chip of its own");
	return HL_OK;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return path != NULL && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Sorts out the operand and --dir. */
static hl_rc
choose_source(hl_cli *cli, const char **file, const char **dir, hl_err *err)
{
	hl_rc rc;

	if (*file != NULL && *dir != NULL)
		return hl_fail(err, HL_EUSAGE, "import licenses",
		    "name one of them",
		    "a FILE or DIR and --dir exclude each other");
	if (is_folder(*file)) {
		*dir = *file;
		*file = NULL;
	}
	if ((rc = check_options(cli, *file, *dir, err)) != HL_OK)
		return rc;
	/* Before anything is missed that only a file that is there needs. */
	if (*file != NULL && access(*file, F_OK) != 0 && errno == ENOENT)
		return hl_fail(err, HL_EINPUT, "import licenses",
		    "check its name", "there is no file or folder \"%s\"",
		    *file);
	return HL_OK;
}

static void
free_folder(struct folder *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->pairs[i].license);
		free(f->pairs[i].cert);
		free(f->pairs[i].uid);
		free(f->pairs[i].err);
	}
	free(f->pairs);
	hl_carried_free(&f->files);
}

hl_rc
hl_cmd_license_import(hl_cli *cli, char **operands, hl_err *err)
{
	struct folder f = { .dir = hl_opt(cli, "dir") };
	const char *file = operands[0];
	hl_rc rc;

	f.take = (hl_take){ .cli = cli,
		.firmware = hl_opt(cli, "firmware"),
		.firmware_on_line = hl_opt_on_line(cli, "firmware"),
		.new_firmware = hl_opt_set(cli, "new-firmware"),
		.type = hl_opt(cli, "type"),
		.identifier = hl_opt(cli, "identifier") };
	rc = choose_source(cli, &file, &f.dir, err);
	if (rc == HL_OK)
		rc = file != NULL ? import_file(&f.take, file, err)
				  : import_folder(&f, err);
	hl_kept_free(&f.take.kept);
	free_folder(&f);
	return rc;
}
