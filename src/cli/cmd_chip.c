/* SPDX-License-Identifier: Apache-2.0 */
/* chip list, show, read, label. */
#include <stdlib.h>
#include <string.h>

#include "cli/chip_put.h"
#include "cli/parts.h"
#include "util/hex.h"

#define SHORT_HASH 8 /* bytes shown in tables */

/* ---- list --------------------------------------------------------------- */

struct list {
	json_t *json; /* NULL: a table */
	hl_table *table;
	bool failed;
};

static bool
list_json(struct list *l, const hl_chip *chip)
{
	json_t *o = hl_json_chip(chip);

	if (o == NULL ||
	    json_object_set_new(o, "license_count",
		json_integer((json_int_t)chip->licenses)) != 0) {
		json_decref(o);
		o = NULL;
	}
	l->failed = json_array_append_new(l->json, o) != 0;
	return !l->failed;
}

static bool
list_row(void *arg, const hl_chip *chip)
{
	char uid[HL_UID_TEXT] = "", hash[2 * SHORT_HASH + 1] = "", n[16];
	char at[HL_TIME_TEXT];
	struct list *l = arg;

	if (l->json != NULL)
		return list_json(l, chip);
	if (chip->uid.n > 0)
		hl_uid_text(&chip->uid, uid);
	if (chip->has_cert)
		hl_hex_lower(hash, chip->cert_sha256, SHORT_HASH);
	(void)snprintf(n, sizeof(n), "%u", chip->licenses);
	hl_time_text(chip->first_seen, at);
	hl_table_row(l->table,
	    (const char *[]){
		uid, hash, chip->product_id, n, at, chip->label });
	return true;
}

hl_rc
hl_cmd_chip_list(hl_cli *cli, char **operands, hl_err *err)
{
	static const char *const columns[] = { "UID", "CERTIFICATE", "PRODUCT",
		"LICENSES", "FIRST SEEN", "LABEL" };
	struct list l = { .json = cli->json ? json_array() : NULL };
	hl_rc rc;

	(void)operands;
	if (!cli->json)
		l.table = hl_table_new(columns, HL_COUNT(columns), 1U << 3);
	rc = hl_store_chip_list(cli->store, list_row, &l, err);
	if (rc == HL_OK && l.failed)
		rc = hl_nomem(err);
	if (rc == HL_OK && cli->json)
		rc = hl_print_json(
		    cli, json_pack("{s:O}", "chips", l.json), err);
	else if (rc == HL_OK)
		hl_table_print(cli, &l.table);
	hl_table_free(&l.table);
	json_decref(l.json);
	return rc;
}

/* ---- show --------------------------------------------------------------- */

struct parts {
	hl_cli *cli;
	json_t *json; /* array; NULL: a table */
	hl_table *table;
	bool failed;
};

static bool
license_row(void *arg, const hl_license *l)
{
	char hash[2 * SHORT_HASH + 1], at[HL_TIME_TEXT], size[24];
	struct parts *p = arg;

	if (p->json != NULL) {
		p->failed =
		    json_array_append_new(p->json, hl_json_license(l)) != 0;
		return !p->failed;
	}
	hl_hex_lower(hash, l->sha256, SHORT_HASH);
	hl_time_text(l->added_at, at);
	(void)snprintf(size, sizeof(size), "%zu", l->size);
	hl_table_row(p->table,
	    (const char *[]){ l->firmware_name, hl_license_state_name(l->state),
		size, hash, at, l->reason });
	return true;
}

static bool
attempt_row(void *arg, const hl_issue *i)
{
	char at[HL_TIME_TEXT], no[16], counters[40], units[16] = "?";
	char id[HL_UUID_TEXT];
	struct parts *p = arg;
	hl_card_row card;

	if (p->json != NULL) {
		p->failed = json_array_append_new(
				p->json, hl_json_issue(p->cli, i)) != 0;
		return !p->failed;
	}
	if (hl_store_card_by_id(p->cli->store, &i->card, &card, NULL) != HL_OK)
		(void)hl_text_copy(card.serial, sizeof(card.serial), "?");
	/* A card without one is known by its label. */
	else if (card.serial[0] == '\0')
		(void)hl_text_copy(
		    card.serial, sizeof(card.serial), card.label);
	hl_uuid_text(&i->id, id);
	hl_time_text(i->opened_at, at);
	(void)snprintf(no, sizeof(no), "%u", i->attempt);
	(void)snprintf(counters, sizeof(counters), "%u", i->counter_before);
	if (i->state != HL_ISSUE_OPEN) {
		(void)snprintf(counters, sizeof(counters), "%u to %u",
		    i->counter_before, i->counter_after);
		(void)snprintf(units, sizeof(units), "%u", i->units);
	}
	hl_table_row(p->table,
	    (const char *[]){ at, no, hl_issue_state_name(i->state), units,
		counters, card.serial, id, i->detail });
	return true;
}

static bool
install_row(void *arg, const hl_install *i)
{
	char at[HL_TIME_TEXT], took[24], outcome[32];
	struct parts *p = arg;

	if (p->json != NULL) {
		p->failed = json_array_append_new(
				p->json, hl_json_install(p->cli, i)) != 0;
		return !p->failed;
	}
	hl_time_text(i->at, at);
	(void)snprintf(took, sizeof(took), "%u.%u s", i->duration_ms / 1000,
	    i->duration_ms % 1000 / 100);
	if (i->outcome == HL_INSTALL_FAILED && i->exit_status > 0)
		(void)snprintf(outcome, sizeof(outcome), "%s (exit %d)",
		    hl_install_outcome_name(i->outcome), i->exit_status);
	else
		(void)hl_text_copy(outcome, sizeof(outcome),
		    hl_install_outcome_name(i->outcome));
	hl_table_row(p->table,
	    (const char *[]){
		at, i->programmer, i->image, outcome, took, i->detail });
	return true;
}

/* What belongs to one chip. */
struct chip_parts {
	struct parts licenses, attempts, installs;
};

static hl_rc
show_parts(hl_cli *cli, const hl_chip *chip, struct chip_parts *p, hl_err *err)
{
	const hl_license_filter filter = { .chip = &chip->id,
		.all_states = true };
	hl_rc rc;

	rc = hl_store_license_list(
	    cli->store, &filter, license_row, &p->licenses, err);
	if (rc == HL_OK)
		rc = hl_store_issue_list_chip(
		    cli->store, &chip->id, attempt_row, &p->attempts, err);
	if (rc == HL_OK)
		rc = hl_store_install_list_chip(
		    cli->store, &chip->id, install_row, &p->installs, err);
	if (rc == HL_OK &&
	    (p->licenses.failed || p->attempts.failed || p->installs.failed))
		rc = hl_nomem(err);
	return rc;
}

static hl_rc
show_json(hl_cli *cli, const hl_chip *chip, hl_err *err)
{
	struct chip_parts p = {
		.licenses = { .cli = cli, .json = json_array() },
		.attempts = { .cli = cli, .json = json_array() },
		.installs = { .cli = cli, .json = json_array() },
	};
	json_t *o = hl_json_chip(chip);
	hl_rc rc;

	rc = show_parts(cli, chip, &p, err);
	if (rc == HL_OK &&
	    (o == NULL ||
		json_object_set(o, "licenses", p.licenses.json) != 0 ||
		json_object_set(o, "attempts", p.attempts.json) != 0 ||
		json_object_set(o, "installs", p.installs.json) != 0))
		rc = hl_nomem(err);
	json_decref(p.licenses.json);
	json_decref(p.attempts.json);
	json_decref(p.installs.json);
	if (rc == HL_OK)
		return hl_print_json(cli, o, err);
	json_decref(o);
	return rc;
}

static void
show_facts(const hl_chip *chip)
{
	char uid[HL_UID_TEXT];

	if (chip->label[0] != '\0')
		hl_fact("label", "%s", chip->label);
	if (chip->uid.n > 0) {
		hl_uid_text(&chip->uid, uid);
		hl_fact("UID", "%s", uid);
	} else
		hl_fact("UID", "not known");
	if (chip->has_cert)
		hl_fact_hex("certificate", chip->cert_sha256, HL_SHA256_LEN);
	else
		hl_fact("certificate", "not known");
	if (chip->product_id[0] != '\0')
		hl_fact("product ID", "%s", chip->product_id);
	hl_fact_time("first seen", chip->first_seen);
}

static void
print_part(hl_cli *cli, const char *heading, hl_table **t)
{
	if (hl_table_is_empty(*t)) {
		(void)printf("\n%s: none\n", heading);
		return;
	}
	(void)printf("\n%s\n", heading);
	hl_table_print(cli, t);
}

static hl_rc
show_text(hl_cli *cli, const hl_chip *chip, hl_err *err)
{
	static const char *const license_columns[] = { "FIRMWARE", "STATE",
		"SIZE", "SHA-256", "ADDED", "REASON" };
	static const char *const attempt_columns[] = { "REQUESTED", "ATTEMPT",
		"OUTCOME", "UNITS", "COUNTER", "CARD", "REQUEST", "DETAIL" };
	static const char *const install_columns[] = { "BEGAN", "PROGRAMMER",
		"IMAGE", "OUTCOME", "TOOK", "DETAIL" };
	struct chip_parts p = { .licenses = { .cli = cli },
		.attempts = { .cli = cli },
		.installs = { .cli = cli } };
	hl_rc rc;

	p.licenses.table =
	    hl_table_new(license_columns, HL_COUNT(license_columns), 1U << 2);
	p.attempts.table = hl_table_new(
	    attempt_columns, HL_COUNT(attempt_columns), 1U << 1 | 1U << 3);
	p.installs.table =
	    hl_table_new(install_columns, HL_COUNT(install_columns), 1U << 4);
	rc = show_parts(cli, chip, &p, err);
	if (rc == HL_OK) {
		show_facts(chip);
		print_part(cli, "licenses", &p.licenses.table);
		print_part(cli, "requests to cards", &p.attempts.table);
		print_part(cli, "installs", &p.installs.table);
	}
	hl_table_free(&p.licenses.table);
	hl_table_free(&p.attempts.table);
	hl_table_free(&p.installs.table);
	return rc;
}

hl_rc
hl_cmd_chip_show(hl_cli *cli, char **operands, hl_err *err)
{
	hl_chip chip;
	hl_rc rc;

	if ((rc = hl_chip_operand(cli, operands[0], &chip, err)) != HL_OK)
		return rc;
	return cli->json ? show_json(cli, &chip, err)
			 : show_text(cli, &chip, err);
}

/* ---- read, label -------------------------------------------------------- */

/* A label must not be taken for another way to name a chip. */
static hl_rc
check_label(const char *label, bool empty_ok, hl_err *err)
{
	const size_t digits = strspn(label, "0123456789abcdefABCDEF");
	hl_uid uid;
	hl_rc rc;

	if ((rc = hl_text_check("label", label, empty_ok, err)) != HL_OK)
		return rc;
	if (hl_uid_parse(label, &uid, NULL) != HL_OK &&
	    !hl_text_starts(label, HL_CHIP_CERT) &&
	    (label[digits] != '\0' || digits != (size_t)2 * HL_SHA256_LEN))
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, "label the chip",
	    "choose a label that is no UID and no certificate hash",
	    "\"%s\" would be taken for another chip", label);
}

/* `path` may be NULL: nothing is said about a file. */
static hl_rc
print_changed(hl_cli *cli, const hl_chip *chip, const char *flag, bool done,
    const char *path, hl_err *err)
{
	json_t *o = hl_json_chip(chip);

	if (o != NULL && path != NULL &&
	    json_object_set_new(o, "path", hl_json_any(path)) != 0) {
		json_decref(o);
		o = NULL;
	}

	if (o != NULL &&
	    (json_object_set_new(o, flag, json_boolean(done)) != 0 ||
		json_object_set_new(o, "dry_run", json_boolean(cli->dry_run)) !=
		    0)) {
		json_decref(o);
		o = NULL;
	}
	return hl_print_json(cli, o, err);
}

/* The chip as its certificate and UID tell it, before the store knows it. */
static void
describe(const hl_chip_args *a, hl_chip *out)
{
	memset(out, 0, sizeof(*out));
	if (a->has_uid)
		out->uid = a->uid;
	out->has_cert = a->has_cert;
	memcpy(out->cert_sha256, a->cert.sha256, sizeof(out->cert_sha256));
	(void)hl_text_copy(
	    out->product_id, sizeof(out->product_id), a->cert.product_id);
}

static hl_rc
record(hl_cli *cli, const hl_chip_args *a, const char *label, hl_chip *out,
    hl_err *err)
{
	hl_rc rc;

	rc = hl_store_chip_put(cli->store, a->has_cert ? &a->cert : NULL,
	    a->has_uid ? &a->uid : NULL, &cli->actor, out, err);
	if (rc != HL_OK || label == NULL)
		return rc;
	rc = hl_store_chip_label(cli->store, &out->id, label, &cli->actor, err);
	if (rc == HL_OK)
		rc = hl_store_chip_by_id(cli->store, &out->id, out, err);
	return rc;
}

static hl_rc
report_read(
    hl_cli *cli, const hl_chip *chip, bool known, const char *path, hl_err *err)
{
	char name[HL_CHIP_NAME];

	hl_chip_name(&chip->uid, chip->has_cert, chip->cert_sha256, name);
	if (known)
		hl_message(cli, "chip %s is known already", name);
	else if (cli->dry_run)
		hl_message(cli, "dry run: would record chip %s", name);
	if (cli->json)
		return print_changed(
		    cli, chip, "added", !known && !cli->dry_run, path, err);
	show_facts(chip);
	if (path != NULL)
		hl_fact("written", "%s%s", path,
		    cli->dry_run ? " (not in a dry run)" : "");
	return HL_OK;
}

/* The certificate that -o needs: as it was given, else the store's. */
static hl_rc
complete_cert(
    hl_cli *cli, hl_chip_args *a, const hl_chip *chip, bool known, hl_err *err)
{
	if (a->has_cert || hl_opt(cli, "output") == NULL)
		return HL_OK;
	if (known && chip->has_cert)
		return hl_store_chip_cert(cli->store, &chip->id, &a->cert, err);
	return hl_fail(err, HL_ENOTFOUND, "write the certificate",
	    "give it: --cert FILE, or --target TARGET",
	    "the chip's certificate is not known");
}

static hl_rc
read_chip(hl_cli *cli, hl_chip_args *a, hl_err *err)
{
	const char *label = hl_opt(cli, "label"), *to = hl_opt(cli, "output");
	hl_chip chip = { .licenses = 0 };
	char *path = NULL;
	bool known;
	hl_rc rc;

	if (label != NULL && (rc = check_label(label, false, err)) != HL_OK)
		return rc;
	if ((rc = hl_chip_known(cli, a, &chip, &known, err)) != HL_OK ||
	    (rc = complete_cert(cli, a, &chip, known, err)) != HL_OK)
		return rc;
	if (!cli->dry_run)
		rc = record(cli, a, label, &chip, err);
	else if (!known)
		describe(a, &chip);
	if (rc == HL_OK && to != NULL)
		rc = hl_chip_put(cli, to, &a->cert,
		    chip.uid.n > 0 ? &chip.uid : &a->uid, &path, err);
	if (rc == HL_OK)
		rc = report_read(cli, &chip, known, path, err);
	free(path);
	return rc;
}

hl_rc
hl_cmd_chip_read(hl_cli *cli, char **operands, hl_err *err)
{
	hl_chip_args *a = calloc(1, sizeof(*a));
	hl_rc rc;

	(void)operands;
	if (a == NULL)
		return hl_nomem(err);
	rc = hl_chip_needed(cli, a, err);
	if (rc == HL_OK)
		rc = read_chip(cli, a, err);
	free(a);
	return rc;
}

hl_rc
hl_cmd_chip_label(hl_cli *cli, char **operands, hl_err *err)
{
	const char *label = operands[1];
	char name[HL_CHIP_NAME];
	hl_chip chip;
	hl_rc rc;

	if ((rc = check_label(label, true, err)) != HL_OK ||
	    (rc = hl_chip_operand(cli, operands[0], &chip, err)) != HL_OK)
		return rc;
	hl_chip_name(&chip.uid, chip.has_cert, chip.cert_sha256, name);
	if (cli->dry_run)
		hl_message(
		    cli, "dry run: would label chip %s \"%s\"", name, label);
	else if ((rc = hl_store_chip_label(cli->store, &chip.id, label,
		      &cli->actor, err)) != HL_OK ||
	    (rc = hl_store_chip_by_id(cli->store, &chip.id, &chip, err)) !=
		HL_OK)
		return rc;
	if (cli->json)
		return print_changed(
		    cli, &chip, "labelled", !cli->dry_run, NULL, err);
	if (!cli->dry_run && label[0] != '\0')
		(void)printf("chip %s is now \"%s\"\n", name, label);
	else if (!cli->dry_run)
		(void)printf("chip %s has no label now\n", name);
	return HL_OK;
}
