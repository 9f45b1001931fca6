/* SPDX-License-Identifier: Apache-2.0 */
/* license list, show. */
#include <string.h>

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
list_json(struct list *l, const hl_license *license)
{
	json_t *o = hl_json_license(license);

	if (o == NULL ||
	    json_object_set_new(
		o, "uses", json_integer((json_int_t)license->uses)) != 0) {
		json_decref(o);
		o = NULL;
	}
	l->failed = json_array_append_new(l->json, o) != 0;
	return !l->failed;
}

static bool
list_row(void *arg, const hl_license *license)
{
	char chip[HL_CHIP_NAME], hash[2 * SHORT_HASH + 1], at[HL_TIME_TEXT];
	char size[24], uses[16], id[HL_UUID_TEXT];
	struct list *l = arg;

	if (l->json != NULL)
		return list_json(l, license);
	hl_chip_name(
	    &license->uid, license->has_cert, license->cert_sha256, chip);
	hl_hex_lower(hash, license->sha256, SHORT_HASH);
	hl_time_text(license->added_at, at);
	(void)snprintf(size, sizeof(size), "%zu", license->size);
	(void)snprintf(uses, sizeof(uses), "%u", license->uses);
	hl_uuid_text(&license->id, id);
	id[HL_ID_SHORT] = '\0';
	hl_table_row(l->table,
	    (const char *[]){ id, chip, license->firmware_name,
		hl_license_state_name(license->state), size, hash, at, uses });
	return true;
}

/* --chip and --firmware, looked up. */
static hl_rc
read_filter(hl_cli *cli, hl_chip *chip, hl_firmware *f, hl_license_filter *out,
    hl_err *err)
{
	const char *name = hl_opt(cli, "firmware"), *which;
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	out->all_states = hl_opt_set(cli, "all");
	if ((which = hl_opt(cli, "chip")) != NULL) {
		if ((rc = hl_chip_operand(cli, which, chip, err)) != HL_OK)
			return rc;
		out->chip = &chip->id;
	}
	if (name == NULL)
		return HL_OK;
	rc = hl_store_firmware_by_name(cli->store, name, f, err);
	if (rc == HL_ENOTFOUND)
		return hl_fail(err, rc, "list licenses",
		    "see: hsmlic card list",
		    "no firmware \"%s\" is known to this store", name);
	out->firmware = &f->id;
	return rc;
}

hl_rc
hl_cmd_license_list(hl_cli *cli, char **operands, hl_err *err)
{
	static const char *const columns[] = { "ID", "CHIP", "FIRMWARE",
		"STATE", "SIZE", "SHA-256", "ADDED", "USES" };
	hl_license_filter filter;
	struct list l = { NULL, NULL, false };
	hl_firmware f;
	hl_chip chip;
	hl_rc rc;

	(void)operands;
	if ((rc = read_filter(cli, &chip, &f, &filter, err)) != HL_OK)
		return rc;
	if (cli->json)
		l.json = json_array();
	else
		l.table =
		    hl_table_new(columns, HL_COUNT(columns), 1U << 4 | 1U << 7);
	rc = hl_store_license_list(cli->store, &filter, list_row, &l, err);
	if (rc == HL_OK && l.failed)
		rc = hl_nomem(err);
	if (rc == HL_OK && cli->json)
		rc = hl_print_json(
		    cli, json_pack("{s:O}", "licenses", l.json), err);
	else if (rc == HL_OK)
		hl_table_print(cli, &l.table);
	hl_table_free(&l.table);
	json_decref(l.json);
	return rc;
}

/* ---- show --------------------------------------------------------------- */

/* A license with all that belongs to it. */
struct facts {
	hl_license license;
	hl_firmware firmware;
	hl_chip chip;
	bool has_issue, has_card;
	hl_issue issue;
	hl_card_row card;
};

static hl_rc
gather(hl_cli *cli, struct facts *f, hl_err *err)
{
	static const hl_uuid none;
	uint8_t bytes[HL_LICENSE_MAX];
	char name[HL_CHIP_NAME];
	size_t n;
	hl_rc rc;

	rc = hl_store_license_bytes(cli->store, &f->license.id, bytes, &n, err);
	if (rc == HL_EINTEGRITY) {
		hl_chip_name(&f->license.uid, f->license.has_cert,
		    f->license.cert_sha256, name);
		hl_err_what(err, "check the license of chip %s", name);
	}
	if (rc == HL_OK)
		rc = hl_store_firmware_by_id(
		    cli->store, &f->license.firmware, &f->firmware, err);
	if (rc == HL_OK)
		rc = hl_store_chip_by_id(
		    cli->store, &f->license.chip, &f->chip, err);
	if (rc != HL_OK || hl_uuid_equal(&f->license.issue, &none))
		return rc;
	rc =
	    hl_store_issue_by_id(cli->store, &f->license.issue, &f->issue, err);
	if (rc == HL_OK)
		rc = hl_store_card_by_id(
		    cli->store, &f->issue.card, &f->card, err);
	f->has_issue = rc == HL_OK;
	return rc;
}

static hl_rc
show_json(hl_cli *cli, const struct facts *f, hl_err *err)
{
	const hl_actor *a = &f->license.actor;
	json_t *o = hl_json_license(&f->license), *more;

	more = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o}",
	    "operator", hl_json_text(a->operator_), "station",
	    hl_json_text(a->station), "lot", hl_json_text(a->lot), "class",
	    hl_json_text(a->use_class), "note", hl_json_text(a->note),
	    "license_type", hl_json_text(f->firmware.type),
	    "firmware_identifier", hl_json_text(f->firmware.identifier),
	    "product_id", hl_json_text(f->chip.product_id), "chip_label",
	    hl_json_text(f->chip.label), "verified", 1, "issue",
	    f->has_issue ? hl_json_issue(cli, &f->issue) : json_null());
	if (o == NULL || more == NULL || json_object_update(o, more) != 0) {
		json_decref(o);
		o = NULL;
	}
	json_decref(more);
	return hl_print_json(cli, o, err);
}

static void
show_chip(const struct facts *f)
{
	char uid[HL_UID_TEXT] = "not known";

	if (f->chip.uid.n > 0)
		hl_uid_text(&f->chip.uid, uid);
	hl_fact("UID", "%s", uid);
	if (f->chip.has_cert)
		hl_fact_hex("certificate", f->chip.cert_sha256, HL_SHA256_LEN);
	if (f->chip.product_id[0] != '\0')
		hl_fact("product ID", "%s", f->chip.product_id);
	if (f->chip.label[0] != '\0')
		hl_fact("chip label", "%s", f->chip.label);
}

static void
show_actor(const hl_actor *a)
{
	hl_fact("by", "%s on %s", a->operator_, a->station);
	if (a->lot[0] != '\0')
		hl_fact("lot", "%s", a->lot);
	if (a->note[0] != '\0')
		hl_fact("note", "%s", a->note);
}

static void
show_origin(const struct facts *f)
{
	char id[HL_UUID_TEXT], card[HL_CARD_WORDS];

	if (!f->has_issue) {
		hl_fact("origin", "imported");
		show_actor(&f->license.actor);
		return;
	}
	hl_card_words(f->card.label, f->card.serial, card, sizeof(card));
	hl_fact("origin", "card %s", card);
	hl_uuid_text(&f->issue.id, id);
	hl_fact("request", "%s (attempt %u)", id, f->issue.attempt);
	hl_fact("counter", "%u before, %u after", f->issue.counter_before,
	    f->issue.counter_after);
	show_actor(&f->issue.actor);
	if (f->issue.detail[0] != '\0')
		hl_fact("detail", "%s", f->issue.detail);
}

static void
show_text(const struct facts *f)
{
	const hl_license *l = &f->license;
	char id[HL_UUID_TEXT];

	hl_uuid_text(&l->id, id);
	hl_fact("license", "%s", id);
	hl_fact("state", "%s", hl_license_state_name(l->state));
	show_chip(f);
	hl_fact("firmware", "%s (identifier \"%s\", type %s)", f->firmware.name,
	    f->firmware.identifier, f->firmware.type);
	hl_fact("size", "%zu bytes", l->size);
	hl_fact_hex("SHA-256", l->sha256, HL_SHA256_LEN);
	hl_fact("checked", "the bytes match");
	hl_fact_time("added", l->added_at);
	show_origin(f);
	if (l->retired_at != 0)
		hl_fact_time("retired", l->retired_at);
	if (l->reason[0] != '\0')
		hl_fact("reason", "%s", l->reason);
}

hl_rc
hl_cmd_license_show(hl_cli *cli, char **operands, hl_err *err)
{
	struct facts f;
	hl_rc rc;

	memset(&f, 0, sizeof(f));
	rc = hl_license_operand(cli, operands[0], &f.license, err);
	if (rc == HL_OK)
		rc = gather(cli, &f, err);
	if (rc != HL_OK)
		return rc;
	if (cli->json)
		return show_json(cli, &f, err);
	show_text(&f);
	return HL_OK;
}
