/* SPDX-License-Identifier: Apache-2.0 */
/* license import: one file, or a folder of pairs. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/license_take.h"
#include "util/file.h"
#include "util/text.h"

#define LICENSE_END ".license.bin"
#define CERT_END ".certificate.bin"

/* A license with what lies beside it, and what became of it. Names only lead
 * to files: who a license is for is read from what is in them. */
struct pair {
	char *license, *cert, *uid; /* paths; NULL: not there */
	enum { NOT_TRIED, IMPORTED, KNOWN, WOULD_IMPORT, FAILED } result;
	hl_license taken; /* when IMPORTED or KNOWN */
	hl_err *err;	  /* when FAILED */
};

static const char *const result_names[] = { "not-tried", "imported", "known",
	"would-import", "failed" };

struct folder {
	hl_take take;
	const char *dir;
	struct pair *pairs;
	size_t n, cap;
};

/* ---- finding pairs ------------------------------------------------------ */

/* The path if a file is there; NULL when not, or when there is no memory. */
static char *
file_at(const char *fmt_dir, const char *stem, size_t stem_n, const char *end)
{
	char path[PATH_MAX];
	struct stat st;

	if (hl_path(path, sizeof(path), NULL, "%s/%.*s%s", fmt_dir, (int)stem_n,
		stem, end) != HL_OK ||
	    stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return NULL;
	return strdup(path);
}

/* Takes the paths over. Nothing to do when both are NULL. */
static hl_rc
add_pair(struct folder *f, char *license, char *cert, char *uid, hl_err *err)
{
	struct pair *grown;

	if (license == NULL && cert == NULL) {
		free(uid);
		return HL_OK;
	}
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 64 : 2 * f->cap;
		grown = reallocarray(f->pairs, f->cap, sizeof(*f->pairs));
		if (grown == NULL) {
			f->cap = f->n;
			free(license);
			free(cert);
			free(uid);
			return hl_nomem(err);
		}
		f->pairs = grown;
	}
	f->pairs[f->n++] =
	    (struct pair){ .license = license, .cert = cert, .uid = uid };
	return HL_OK;
}

/* license.bin, certificate.bin, uid.hex. */
static hl_rc
add_subfolder(struct folder *f, const char *dir, hl_err *err)
{
	return add_pair(f, file_at(dir, "", 0, "license.bin"),
	    file_at(dir, "", 0, "certificate.bin"),
	    file_at(dir, "", 0, "uid.hex"), err);
}

static hl_rc
add_entry(struct folder *f, const char *name, hl_err *err)
{
	const size_t n = strlen(name);
	char path[PATH_MAX];
	struct stat st;
	size_t stem;
	char *twin;
	hl_rc rc;

	if (name[0] == '.')
		return HL_OK;
	if (hl_text_ends(name, LICENSE_END)) {
		stem = n - strlen(LICENSE_END);
		return add_pair(f, file_at(f->dir, name, n, ""),
		    file_at(f->dir, name, stem, CERT_END), NULL, err);
	}
	if (hl_text_ends(name, CERT_END)) {
		stem = n - strlen(CERT_END);
		twin = file_at(f->dir, name, stem, LICENSE_END);
		if (twin == NULL)
			return add_pair(
			    f, NULL, file_at(f->dir, name, n, ""), NULL, err);
		free(twin);
		return HL_OK;
	}
	if ((rc = hl_path(path, sizeof(path), err, "%s/%s", f->dir, name)) !=
	    HL_OK)
		return rc;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return add_subfolder(f, path, err);
	return HL_OK;
}

static hl_rc
find_pairs(struct folder *f, hl_err *err)
{
	struct dirent **names = NULL;
	hl_rc rc;
	int n;

	n = scandir(f->dir, &names, NULL, alphasort);
	if (n < 0) {
		const int e = errno;

		return hl_fail(err, e == ENOMEM ? HL_ENOMEM : HL_EUSAGE,
		    "import licenses", "name a folder that can be read",
		    "folder %s cannot be read: %s", f->dir, strerror(e));
	}
	rc = add_subfolder(f, f->dir, err);
	for (int i = 0; i < n; i++) {
		if (rc == HL_OK)
			rc = add_entry(f, names[i]->d_name, err);
		free(names[i]);
	}
	free(names);
	return rc;
}

/* ---- one pair ----------------------------------------------------------- */

static hl_rc
take_pair(struct folder *f, struct pair *p, hl_taking *t, hl_err *err)
{
	const bool any = hl_opt_set(f->take.cli, "any-certificate");
	hl_rc rc = HL_OK;

	memset(t, 0, sizeof(*t));
	if (p->license == NULL)
		return hl_fail(err, HL_EINPUT, "import a license",
		    "put the license beside it, or move it away",
		    "%s has no license beside it", p->cert);
	t->path = p->license;
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
	    "path", hl_json_any(p->license != NULL ? p->license : p->cert),
	    "error", p->err == NULL ? json_null() : hl_json_error(p->err));
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
		    (const char *[]){ result_names[p->result],
			p->license != NULL ? p->license : p->cert,
			p->err == NULL ? "" : p->err->why });
	}
	hl_table_print(f->take.cli, &t);
	hl_table_free(&t);
	for (size_t i = 0; i < f->n; i++)
		if (hl_part_error(f->take.cli,
			f->pairs[i].license != NULL ? f->pairs[i].license
						    : f->pairs[i].cert,
			f->pairs[i].err))
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
		    "name a folder with pairs NAME.license.bin and "
		    "NAME.certificate.bin, or subfolders with license.bin and "
		    "certificate.bin",
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
	if ((file == NULL) == (dir == NULL))
		return hl_fail(err, HL_EUSAGE, "import licenses",
		    "one license: FILE with --cert or --uid; several: --dir "
		    "DIR",
		    file == NULL ? "what to import was not said"
				 : "FILE and --dir exclude each other");
	if (dir != NULL && names_chip(cli))
		return hl_fail(err, HL_EUSAGE, "import licenses",
		    "leave out --cert, --uid and --target",
		    "each license of a folder has a chip of its own");
	return HL_OK;
}

hl_rc
hl_cmd_license_import(hl_cli *cli, char **operands, hl_err *err)
{
	struct folder f = { .dir = hl_opt(cli, "dir") };
	hl_rc rc;

	f.take = (hl_take){ .cli = cli,
		.firmware = hl_opt(cli, "firmware"),
		.new_firmware = hl_opt_set(cli, "new-firmware"),
		.type = hl_opt(cli, "type"),
		.identifier = hl_opt(cli, "identifier") };
	rc = check_options(cli, operands[0], f.dir, err);
	if (rc == HL_OK)
		rc = operands[0] != NULL
		    ? import_file(&f.take, operands[0], err)
		    : import_folder(&f, err);
	hl_kept_free(&f.take.kept);
	for (size_t i = 0; i < f.n; i++) {
		free(f.pairs[i].license);
		free(f.pairs[i].cert);
		free(f.pairs[i].uid);
		free(f.pairs[i].err);
	}
	free(f.pairs);
	return rc;
}
