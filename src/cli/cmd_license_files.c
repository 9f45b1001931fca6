/* SPDX-License-Identifier: Apache-2.0 */
/* license export: licenses as files, each hand-out recorded. */
#include <stdlib.h>
#include <string.h>

#include "cli/license_put.h"
#include "cli/parts.h"
#include "util/file.h"

struct batch {
	hl_cli *cli;
	hl_put put;
	hl_put_item *items;
	size_t n, cap;
	bool failed; /* no memory */
};

static const char *const result_names[] = { "not-tried", "written", "unchanged",
	"would-write", "failed" };

/* ---- which ones --------------------------------------------------------- */

static bool
keep_license(void *arg, const hl_license *l)
{
	struct batch *x = arg;
	hl_put_item *grown;

	if (x->n == x->cap) {
		x->cap = x->cap == 0 ? 64 : 2 * x->cap;
		grown = reallocarray(x->items, x->cap, sizeof(*x->items));
		if (grown == NULL) {
			x->failed = true;
			return false;
		}
		x->items = grown;
	}
	x->items[x->n] = (hl_put_item){ .id = l->id,
		.chip = l->chip,
		.firmware = l->firmware,
		.uid = l->uid,
		.has_cert = l->has_cert };
	memcpy(x->items[x->n].cert_sha256, l->cert_sha256, HL_SHA256_LEN);
	memcpy(x->items[x->n].sha256, l->sha256, HL_SHA256_LEN);
	x->n++;
	return true;
}

static int
by_chip(const void *a, const void *b)
{
	const hl_put_item *x = a, *y = b;
	const int c = memcmp(&x->chip, &y->chip, sizeof(x->chip));

	return c != 0 ? c : memcmp(&x->firmware, &y->firmware, sizeof(hl_uuid));
}

static void
mark_several(struct batch *x)
{
	if (x->n > 1)
		qsort(x->items, x->n, sizeof(*x->items), by_chip);
	for (size_t i = 1; i < x->n; i++)
		if (hl_uuid_equal(&x->items[i - 1].chip, &x->items[i].chip))
			x->items[i - 1].several = x->items[i].several = true;
}

/* Of this firmware, or with this ID; NULL: any. */
static void
keep_only(struct batch *x, const hl_uuid *firmware, const hl_uuid *id)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++) {
		const hl_put_item *it = &x->items[i];

		if ((firmware == NULL ||
			hl_uuid_equal(&it->firmware, firmware)) &&
		    (id == NULL || hl_uuid_equal(&it->id, id)))
			x->items[n++] = *it;
	}
	x->n = n;
}

static hl_rc
find_firmware(hl_cli *cli, const char *name, hl_firmware *out, hl_err *err)
{
	hl_rc rc = hl_store_firmware_by_name(cli->store, name, out, err);

	if (rc != HL_ENOTFOUND)
		return rc;
	return hl_fail(err, rc, "export licenses", "see: hsmlic license list",
	    "no firmware \"%s\" is known to this store", name);
}

static hl_rc
check_active(const hl_license *l, hl_err *err)
{
	char id[HL_UUID_TEXT];

	if (l->state == HL_LICENSE_ACTIVE)
		return HL_OK;
	(void)hl_fail(err, HL_ECONFLICT, "export the license",
	    "only active licenses are handed out", "this license is %s%s%s",
	    hl_license_state_name(l->state), l->reason[0] != '\0' ? ": " : "",
	    l->reason);
	hl_uuid_text(&l->id, id);
	if (l->state == HL_LICENSE_SUSPECT)
		hl_err_hint(err,
		    "only active ones are handed out; if it is right after "
		    "all: hsmlic license trust %s --reason TEXT",
		    id);
	return HL_ECONFLICT;
}

/* All active ones, or those of a chip, whichever is wanted of them: the name of
 * a file depends on what its chip has, not on what was asked for. */
static hl_rc
list_all(struct batch *x, const hl_uuid *chip, hl_err *err)
{
	const hl_license_filter filter = { chip, NULL, false };
	hl_rc rc;

	rc =
	    hl_store_license_list(x->cli->store, &filter, keep_license, x, err);
	if (rc == HL_OK && x->failed)
		rc = hl_nomem(err);
	if (rc == HL_OK)
		mark_several(x);
	return rc;
}

static hl_rc
choose_license(struct batch *x, const char *operand, hl_err *err)
{
	hl_license l;
	hl_rc rc;

	if ((rc = hl_license_operand(x->cli, operand, &l, err)) != HL_OK ||
	    (rc = check_active(&l, err)) != HL_OK ||
	    (rc = list_all(x, &l.chip, err)) != HL_OK)
		return rc;
	keep_only(x, NULL, &l.id);
	return HL_OK;
}

/* The operand: a license ID, or a chip with all its licenses; NULL: all. */
static hl_rc
choose(struct batch *x, const char *operand, hl_err *err)
{
	const char *name = hl_opt(x->cli, "firmware");
	hl_firmware f;
	hl_chip chip;
	hl_uuid id;
	hl_rc rc;

	if (operand != NULL && hl_uuid_parse(operand, &id))
		return choose_license(x, operand, err);
	if (operand != NULL &&
	    (rc = hl_chip_operand(x->cli, operand, &chip, err)) != HL_OK)
		return rc;
	if (name != NULL &&
	    (rc = find_firmware(x->cli, name, &f, err)) != HL_OK)
		return rc;
	rc = list_all(x, operand != NULL ? &chip.id : NULL, err);
	if (rc == HL_OK && name != NULL)
		keep_only(x, &f.id, NULL);
	return rc;
}

/* ---- a folder ----------------------------------------------------------- */

static hl_rc
write_all(struct batch *x)
{
	hl_progress p;
	hl_rc rc = HL_OK;

	hl_progress_start(&p, x->cli, "exporting", x->n);
	for (size_t i = 0; i < x->n && !hl_is_general(rc); i++) {
		hl_put_item *it = &x->items[i];
		hl_err e = { 0 };

		rc = hl_put_into_dir(&x->put, it, &e);
		if (rc != HL_OK) {
			it->result = HL_PUT_FAILED;
			hl_worse(x->cli, rc);
			it->err = malloc(sizeof(*it->err));
			if (it->err != NULL)
				*it->err = e;
		}
		hl_progress_step(&p, i + 1);
	}
	hl_progress_end(&p);
	return hl_is_general(rc) ? rc : HL_OK;
}

static size_t
count(const struct batch *x, int result)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++)
		if ((int)x->items[i].result == result)
			n++;
	return n;
}

static json_t *
item_json(const struct batch *x, const hl_put_item *it)
{
	hl_firmware f;

	if (hl_store_firmware_by_id(x->cli->store, &it->firmware, &f, NULL) !=
	    HL_OK)
		f.name[0] = '\0';
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "result",
	    result_names[it->result], "uid", hl_json_uid(&it->uid), "uid_words",
	    hl_json_uid_words(&it->uid), "certificate_sha256",
	    hl_json_hex(it->cert_sha256, it->has_cert ? HL_SHA256_LEN : 0),
	    "firmware", hl_json_text(f.name), "license_id",
	    hl_json_uuid(&it->id), "license_sha256",
	    hl_json_hex(it->sha256, HL_SHA256_LEN), "path",
	    it->path == NULL ? json_null() : hl_json_any(it->path), "error",
	    it->err == NULL ? json_null() : hl_json_error(it->err));
}

static hl_rc
print_json(const struct batch *x, hl_err *err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < x->n; i++)
		if (json_array_append_new(list, item_json(x, &x->items[i])) !=
		    0) {
			json_decref(list);
			return hl_nomem(err);
		}
	return hl_print_json(x->cli,
	    json_pack("{s:o,s:I,s:I,s:I,s:I,s:b,s:o}", "path",
		hl_json_any(x->put.dir), "written",
		(json_int_t)count(x, HL_PUT_WRITTEN), "unchanged",
		(json_int_t)count(x, HL_PUT_UNCHANGED), "failed",
		(json_int_t)count(x, HL_PUT_FAILED), "not_tried",
		(json_int_t)count(x, HL_PUT_NOT_TRIED), "dry_run",
		x->cli->dry_run, "licenses", list),
	    err);
}

static void
print_text(const struct batch *x)
{
	static const char *const columns[] = { "RESULT", "CHIP", "FILE",
		"WHY" };
	hl_table *t = hl_table_new(columns, HL_COUNT(columns), 0);
	char chip[HL_CHIP_NAME];

	for (size_t i = 0; i < x->n; i++) {
		const hl_put_item *it = &x->items[i];

		hl_chip_name(&it->uid, it->has_cert, it->cert_sha256, chip);
		hl_table_row(t,
		    (const char *[]){ result_names[it->result], chip,
			it->path == NULL ? "" : it->path,
			it->err == NULL ? "" : it->err->why });
	}
	hl_table_print(x->cli, &t);
	hl_table_free(&t);
	for (size_t i = 0; i < x->n; i++)
		if (hl_part_error(x->cli, x->items[i].path, x->items[i].err))
			break;
	hl_message(x->cli, "%zu written, %zu there already, %zu failed%s",
	    count(x, HL_PUT_WRITTEN), count(x, HL_PUT_UNCHANGED),
	    count(x, HL_PUT_FAILED), x->cli->dry_run ? " (dry run)" : "");
}

static hl_rc
export_dir(struct batch *x, const char *operand, hl_err *err)
{
	hl_rc rc;

	if ((rc = choose(x, operand, err)) != HL_OK)
		return rc;
	if (!x->cli->dry_run && (rc = hl_dir_make(x->put.dir, err)) != HL_OK)
		return rc;
	if (x->n == 0)
		hl_message(x->cli, "there is no active license to export");
	rc = write_all(x);
	if (rc != HL_OK)
		hl_message(x->cli, "stopped: the next ones would fail, too");
	if (!x->cli->json) {
		print_text(x);
		return HL_OK;
	}
	return print_json(x, err);
}

/* ---- one file ----------------------------------------------------------- */

static hl_rc
to_stdout(struct batch *x, const uint8_t *bytes, size_t n, hl_err *err)
{
	hl_rc rc;

	if (x->cli->json)
		return hl_fail(err, HL_EUSAGE, "export the license",
		    "use -o FILE with --json",
		    "standard output cannot take both JSON and the license");
	if (x->cli->dry_run) {
		hl_message(x->cli, "dry run: would write %zu bytes", n);
		return HL_OK;
	}
	rc = hl_store_license_use(
	    x->cli->store, &x->items[0].id, "export", &x->cli->actor, err);
	if (rc != HL_OK)
		return rc;
	if (fwrite(bytes, 1, n, stdout) == n && hl_out_errno() == 0)
		return HL_OK;
	return hl_fail(err, HL_EIO, "write the license",
	    "the store keeps it: check where the output goes, and ask again",
	    "standard output failed: %s", strerror(hl_out_errno()));
}

static hl_rc
report_one(struct batch *x, const hl_license *l, const char *path, hl_err *err)
{
	const char *result = result_names[x->items[0].result];
	json_t *o;

	if (!x->cli->json) {
		(void)printf("%-11s %s\n", result, path);
		return HL_OK;
	}
	o = hl_json_license(l);
	if (o != NULL &&
	    (json_object_set_new(o, "path", hl_json_any(path)) != 0 ||
		json_object_set_new(o, "result", json_string(result)) != 0)) {
		json_decref(o);
		o = NULL;
	}
	return hl_print_json(x->cli, o, err);
}

static hl_rc
export_one(struct batch *x, const char *operand, const char *path, hl_err *err)
{
	const bool out = strcmp(path, "-") == 0;
	uint8_t bytes[HL_LICENSE_MAX];
	hl_license l;
	size_t n;
	hl_rc rc;

	rc = hl_license_operand(x->cli, operand, &l, err);
	if (rc == HL_OK)
		rc = check_active(&l, err);
	if (rc == HL_OK && !keep_license(x, &l))
		rc = hl_nomem(err);
	if (rc == HL_OK)
		rc = hl_store_license_bytes(
		    x->cli->store, &l.id, bytes, &n, err);
	if (rc == HL_OK)
		rc = out
		    ? to_stdout(x, bytes, n, err)
		    : hl_put_file(&x->put, &x->items[0], path, bytes, n, err);
	explicit_bzero(bytes, sizeof(bytes));
	return rc == HL_OK && !out ? report_one(x, &l, path, err) : rc;
}

static hl_rc
check_options(
    const struct batch *x, const char *operand, const char *file, hl_err *err)
{
	if ((file == NULL) == (x->put.dir == NULL))
		return hl_fail(err, HL_EUSAGE, "export licenses",
		    "one license: -o FILE (- is standard output); several: "
		    "--dir DIR",
		    file == NULL ? "where to was not said"
				 : "-o and --dir exclude each other");
	if (file != NULL && operand == NULL)
		return hl_fail(err, HL_EUSAGE, "export the license",
		    "name a chip or a license, or use --dir DIR",
		    "which license was not said");
	return HL_OK;
}

hl_rc
hl_cmd_license_export(hl_cli *cli, char **operands, hl_err *err)
{
	struct batch x = { .cli = cli };
	const char *file = hl_opt(cli, "output");
	hl_rc rc;

	x.put = (hl_put){ .cli = cli,
		.dir = hl_opt(cli, "dir"),
		.force = hl_opt_set(cli, "force") };
	rc = check_options(&x, operands[0], file, err);
	if (rc == HL_OK)
		rc = file != NULL ? export_one(&x, operands[0], file, err)
				  : export_dir(&x, operands[0], err);
	for (size_t i = 0; i < x.n; i++) {
		free(x.items[i].path);
		free(x.items[i].err);
	}
	free(x.items);
	return rc;
}
