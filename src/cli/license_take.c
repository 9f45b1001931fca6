/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/license_take.h"

#include <stdlib.h>
#include <string.h>

#include "util/file.h"
#include "util/hex.h"

#define WHAT "import the license"
#define TYPE_MIN 3
#define TYPE_MAX 8

/* ---- the file and what lies beside it ----------------------------------- */

static hl_rc
read_license(hl_taking *t, hl_err *err)
{
	hl_buf b = HL_BUF_INIT;
	hl_rc rc;

	rc = hl_file_read(t->path, HL_LICENSE_MAX, &b, err);
	if (rc == HL_OK && b.n == 0)
		rc = hl_fail(err, HL_EINPUT, WHAT,
		    "a license has 1 to 4096 bytes", "the file is empty");
	if (rc == HL_OK) {
		memcpy(t->bytes, b.p, b.n);
		t->n = b.n;
		rc = hl_sha256(t->bytes, t->n, t->sha256, err);
	}
	hl_buf_free(&b);
	if (rc != HL_OK)
		hl_err_what(err, "read license \"%s\"", t->path);
	return rc;
}

static hl_rc
other_license(const hl_taking *t, hl_err *err)
{
	return hl_fail(err, HL_ECONFLICT, WHAT,
	    "take the files of one export together; nothing was changed",
	    "the JSON file beside %s is about another license (%llu bytes or "
	    "another SHA-256)",
	    t->path, (unsigned long long)t->side.size);
}

static hl_rc
other_cert(const hl_taking *t, const uint8_t *cert_sha256, hl_err *err)
{
	char told[2 * HL_SHA256_LEN + 1], given[2 * HL_SHA256_LEN + 1];

	hl_hex_lower(told, t->side.cert_sha256, HL_SHA256_LEN);
	hl_hex_lower(given, cert_sha256, HL_SHA256_LEN);
	return hl_fail(err, HL_ECONFLICT, WHAT,
	    "give the certificate of the chip that it was made for; nothing "
	    "was changed",
	    "the JSON file beside it says that it belongs to the chip with "
	    "certificate %s, not %s",
	    told, given);
}

static hl_rc
other_uid(const hl_taking *t, const hl_uid *uid, hl_err *err)
{
	char told[HL_UID_TEXT], given[HL_UID_TEXT];

	hl_uid_text(&t->side.uid, told);
	hl_uid_text(uid, given);
	return hl_fail(err, HL_ECONFLICT, WHAT,
	    "name the chip that it was made for; nothing was changed",
	    "the JSON file beside it says that it belongs to chip %s, not %s",
	    told, given);
}

/* What lies beside the license in the same folder, taken by mistake. */
static hl_rc
refuse_certificate(const hl_taking *t, hl_err *err)
{
	if (!t->chip.has_cert ||
	    memcmp(t->chip.cert.sha256, t->sha256, HL_SHA256_LEN) != 0)
		return HL_OK;
	return hl_fail(err, HL_EINPUT, WHAT,
	    "name the license file; nothing was changed",
	    "%s is the chip's certificate", t->path);
}

/* Does the sidecar speak against this chip? */
static hl_rc
check_side(const hl_taking *t, hl_err *err)
{
	const uint8_t *cert = t->chip.has_cert	 ? t->chip.cert.sha256
	    : t->chip_known && t->known.has_cert ? t->known.cert_sha256
						 : NULL;
	const hl_uid *uid = t->chip.has_uid	  ? &t->chip.uid
	    : t->chip_known && t->known.uid.n > 0 ? &t->known.uid
						  : NULL;

	hl_rc rc = refuse_certificate(t, err);

	if (rc != HL_OK || !t->side.there)
		return rc;
	if (t->side.has_cert && cert != NULL &&
	    memcmp(t->side.cert_sha256, cert, HL_SHA256_LEN) != 0)
		return other_cert(t, cert, err);
	if (t->side.uid.n > 0 && uid != NULL &&
	    !hl_uid_equal(&t->side.uid, uid))
		return other_uid(t, uid, err);
	return HL_OK;
}

static hl_rc
read_side(hl_taking *t, hl_err *err)
{
	hl_rc rc = HL_OK;

	if (t->told != NULL)
		t->side = *t->told;
	else
		rc = hl_sidecar_read(t->path, &t->side, err);
	if (rc != HL_OK || !t->side.there)
		return rc;
	if (t->side.size != t->n ||
	    memcmp(t->side.license_sha256, t->sha256, HL_SHA256_LEN) != 0)
		return other_license(t, err);
	return HL_OK;
}

/* ---- the chip ----------------------------------------------------------- */

/* What the sidecar adds to what was given: it is bound to these very bytes by
 * their hash, and does not contradict what was given. */
static hl_rc
complete_from_side(hl_take *take, hl_taking *t, hl_err *err)
{
	hl_store *s = take->cli->store;
	hl_err e = { 0 };
	hl_rc rc = HL_OK;
	hl_chip chip;

	if (!t->side.there)
		return HL_OK;
	if (!t->chip.has_cert && t->side.has_cert) {
		rc = hl_store_chip_by_cert(s, t->side.cert_sha256, &chip, &e);
		if (rc == HL_OK)
			rc = hl_store_chip_cert(s, &chip.id, &t->chip.cert, &e);
		t->chip.has_cert = rc == HL_OK;
		/* An unknown certificate cannot be told from its hash, but
		 * the UID beside it can be known. */
		if (rc == HL_ENOTFOUND)
			rc = HL_OK;
	}
	if (rc == HL_OK && !t->chip.has_uid && t->side.uid.n > 0) {
		t->chip.uid = t->side.uid;
		t->chip.has_uid = true;
	}
	if (rc != HL_OK && err != NULL)
		*err = e;
	return rc;
}

static hl_rc
look_up_chip(hl_take *take, hl_taking *t, hl_err *err)
{
	hl_rc rc;

	rc = hl_chip_known(take->cli, &t->chip, &t->known, &t->chip_known, err);
	return rc == HL_OK ? check_side(t, err) : rc;
}

static hl_rc
find_chip(hl_take *take, hl_taking *t, hl_err *err)
{
	hl_rc rc;

	/* First by what was given alone, so that the sidecar is measured
	 * against it, then by all that is known. */
	if ((rc = look_up_chip(take, t, err)) != HL_OK ||
	    (rc = complete_from_side(take, t, err)) != HL_OK)
		return rc;
	if (!t->chip.has_cert && !t->chip.has_uid)
		return hl_fail(err, HL_ENOTFOUND, WHAT,
		    "put its certificate beside it, or name the chip: --cert "
		    "FILE",
		    "nothing tells which chip \"%s\" is for", t->path);
	return look_up_chip(take, t, err);
}

/* ---- the firmware ------------------------------------------------------- */

static hl_rc
check_type(const char *type, hl_err *err)
{
	const size_t n = strlen(type);
	bool ok = n >= TYPE_MIN && n <= TYPE_MAX;

	for (size_t i = 0; i < n; i++)
		ok = ok && type[i] > ' ' && type[i] <= '~';
	if (ok)
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, WHAT,
	    "give 3 to 8 letters or digits, such as SFI",
	    "\"%s\" is no license type", type);
}

/* Words that come first: what was said, else what the sidecar says. */
static const char *
first_of(const char *given, const char *side, const char *dflt)
{
	if (given != NULL)
		return given;
	return side[0] != '\0' ? side : dflt;
}

/* What a store wrote about a firmware is enough to make it known here. */
static bool
side_tells_firmware(const hl_taking *t, const char *name)
{
	return t->side.there && strcmp(t->side.firmware, name) == 0 &&
	    t->side.identifier[0] != '\0' && t->side.type[0] != '\0';
}

static hl_rc
plan_firmware(const hl_take *take, hl_taking *t, const char *name, hl_err *err)
{
	const char *type = first_of(take->type, t->side.type, "SFI");
	const char *identifier =
	    first_of(take->identifier, t->side.identifier, name);
	hl_firmware *f = &t->firmware;
	hl_rc rc;

	if (!take->new_firmware && !side_tells_firmware(t, name))
		return hl_fail(err, HL_ENOTFOUND, WHAT,
		    "check its name, or make it known: add --new-firmware",
		    "no firmware \"%s\" is known to this store", name);
	if ((rc = hl_text_check("firmware name", name, false, err)) != HL_OK ||
	    (rc = hl_text_check("identifier", identifier, false, err)) !=
		HL_OK ||
	    (rc = check_type(type, err)) != HL_OK)
		return rc;
	memset(f, 0, sizeof(*f));
	(void)hl_text_copy(f->name, sizeof(f->name), name);
	(void)hl_text_copy(f->identifier, sizeof(f->identifier), identifier);
	(void)hl_text_copy(f->type, sizeof(f->type), type);
	t->make_firmware = true;
	return hl_uuid_new(&f->id, err);
}

/* Two keys can bear one name in two stores: what both know has to agree. */
static hl_rc
check_firmware(const hl_take *take, const hl_taking *t, hl_err *err)
{
	const hl_firmware *f = &t->firmware;
	const char *type = first_of(take->type, t->side.type, f->type);
	const char *identifier =
	    first_of(take->identifier, t->side.identifier, f->identifier);

	if (strcmp(type, f->type) == 0 &&
	    strcmp(identifier, f->identifier) == 0)
		return HL_OK;
	return hl_fail(err, HL_ECONFLICT, WHAT,
	    "name the firmware that it was made for; nothing was changed",
	    "it is for identifier \"%s\" (%s), but firmware \"%s\" has "
	    "\"%s\" (%s)",
	    identifier, type, f->name, f->identifier, f->type);
}

static hl_rc
other_firmware(const hl_take *take, const hl_taking *t, hl_err *err)
{
	return hl_fail(err, HL_ECONFLICT, WHAT,
	    "leave out --firmware to take it as the file says; nothing was "
	    "changed",
	    "the JSON file beside it says that it is for firmware \"%s\", not "
	    "\"%s\"",
	    t->side.firmware, take->firmware);
}

static hl_rc
find_firmware(const hl_take *take, hl_taking *t, hl_err *err)
{
	const char *name, *side = t->side.firmware;
	hl_err e = { 0 };
	hl_rc rc;

	if (take->firmware != NULL && take->firmware_on_line &&
	    side[0] != '\0' && strcmp(take->firmware, side) != 0)
		return other_firmware(take, t, err);
	/* What a configuration says is of no license in particular. */
	name = side[0] != '\0' ? side : take->firmware;

	if (name == NULL)
		return hl_fail(err, HL_EUSAGE, WHAT, "add --firmware NAME",
		    "nothing tells which firmware \"%s\" is for", t->path);
	rc =
	    hl_store_firmware_by_name(take->cli->store, name, &t->firmware, &e);
	if (rc == HL_ENOTFOUND)
		return plan_firmware(take, t, name, err);
	if (rc == HL_OK)
		return check_firmware(take, t, err);
	if (err != NULL)
		*err = e;
	return rc;
}

static hl_rc
check_product(const hl_taking *t, hl_err *err)
{
	const char *has = t->chip.has_cert ? t->chip.cert.product_id
	    : t->chip_known		   ? t->known.product_id
					   : "";
	const char *serves = t->firmware.product_id;

	if (has[0] == '\0' || serves[0] == '\0' || strcmp(has, serves) == 0)
		return HL_OK;
	return hl_fail(err, HL_ECONFLICT, WHAT,
	    "name the firmware that it was made for; nothing was changed",
	    "the chip has product ID %s, but firmware \"%s\" serves %s", has,
	    t->firmware.name, serves);
}

/* ---- what is there already ---------------------------------------------- */

static hl_rc
elsewhere(
    hl_take *take, const hl_taking *t, const hl_kept_row *row, hl_err *err)
{
	char chip[HL_CHIP_NAME];
	hl_license l;
	hl_rc rc;

	rc = hl_store_license_by_id(take->cli->store, &row->id, &l, err);
	if (rc != HL_OK)
		return rc;
	hl_chip_name(&l.uid, l.has_cert, l.cert_sha256, chip);
	return hl_fail(err, HL_ECONFLICT, WHAT,
	    row->from_card
		? "give the certificate of the chip that it was made for"
		: "give the chip that it was made for, or, when it is that "
		  "record that is wrong, retire it first: hsmlic license "
		  "retire",
	    "the same license (\"%s\") is kept for chip %s, firmware \"%s\"; "
	    "a license is for one chip and one firmware",
	    t->path, chip, l.firmware_name);
}

static hl_rc
was_retired(hl_take *take, const hl_kept_row *row, hl_err *err)
{
	char id[HL_UUID_TEXT];
	hl_license l;
	hl_rc rc;

	rc = hl_store_license_by_id(take->cli->store, &row->id, &l, err);
	if (rc != HL_OK)
		return rc;
	(void)hl_fail(err, HL_ECONFLICT, WHAT,
	    "a license that was retired does not come back",
	    "this license is kept for this chip as %s%s%s",
	    hl_license_state_name(l.state), l.reason[0] != '\0' ? ": " : "",
	    l.reason);
	hl_uuid_text(&l.id, id);
	if (l.state == HL_LICENSE_SUSPECT)
		hl_err_hint(err,
		    "if it is right after all: hsmlic license trust %s "
		    "--reason TEXT",
		    id);
	return HL_ECONFLICT;
}

/*
 * A license that came from a card belongs to that card's request for ever. One
 * that was imported may have been recorded wrongly, and be retired for that.
 */
static hl_rc
check_row(hl_take *take, hl_taking *t, const hl_kept_row *row, hl_err *err)
{
	const bool same = t->chip_known &&
	    hl_uuid_equal(&row->chip, &t->known.id) &&
	    hl_uuid_equal(&row->firmware, &t->firmware.id);

	if (same && row->state != HL_LICENSE_ACTIVE)
		return was_retired(take, row, err);
	if (!same && (row->from_card || row->state != HL_LICENSE_RETIRED))
		return elsewhere(take, t, row, err);
	t->already = t->already || same;
	return HL_OK;
}

static hl_rc
check_kept(hl_take *take, hl_taking *t, hl_err *err)
{
	hl_kept *kept = take->kept;
	const hl_kept_row *row;
	hl_rc rc = HL_OK;

	if (kept == NULL)
		rc = hl_kept_load(&kept, take->cli->store, t->sha256, err);
	if (rc != HL_OK)
		return rc;
	row = hl_kept_find(kept, t->sha256);
	for (; row != NULL && rc == HL_OK; row = hl_kept_next(kept, row))
		rc = check_row(take, t, row, err);
	if (take->kept == NULL)
		hl_kept_free(&kept);
	return rc;
}

static hl_rc
check_active(hl_take *take, hl_taking *t, hl_err *err)
{
	char hash[2 * HL_SHA256_LEN + 1];
	hl_err e = { 0 };
	hl_rc rc;

	if (!t->chip_known || t->make_firmware)
		return HL_OK;
	rc = hl_store_license_find(
	    take->cli->store, &t->known.id, &t->firmware.id, &t->license, &e);
	if (rc == HL_ENOTFOUND || (rc == HL_OK && t->already))
		return HL_OK;
	if (rc == HL_OK) {
		hl_hex_lower(hash, t->license.sha256, HL_SHA256_LEN);
		return hl_fail(err, HL_ECONFLICT, WHAT,
		    "if the new one is right, retire the other first: hsmlic "
		    "license retire; nothing was changed",
		    "the chip has another active license for firmware \"%s\" "
		    "(SHA-256 %s)",
		    t->firmware.name, hash);
	}
	if (err != NULL)
		*err = e;
	return rc;
}

/* ---- taking it in ------------------------------------------------------- */

static void
tell_firmware(hl_take *take, const hl_firmware *f)
{
	const bool dry = take->cli->dry_run;

	/* With many licenses a dry run comes here for each of them. */
	if (dry && strcmp(take->told_firmware, f->name) == 0)
		return;
	(void)hl_text_copy(
	    take->told_firmware, sizeof(take->told_firmware), f->name);
	hl_message(take->cli,
	    "%sfirmware \"%s\" (identifier \"%s\", type %s)%s",
	    dry ? "dry run: would make known " : "", f->name, f->identifier,
	    f->type, dry ? "" : " is known from now on");
}

static hl_rc
add_firmware(hl_take *take, hl_taking *t, hl_err *err)
{
	hl_store *s = take->cli->store;
	hl_err e = { 0 };
	hl_firmware f;
	hl_rc rc;

	rc = hl_store_firmware_add(s, &t->firmware, &take->cli->actor, &e);
	/* Somebody else was as fast, with the same in mind? */
	if (rc == HL_ECONFLICT &&
	    hl_store_firmware_by_name(s, t->firmware.name, &f, NULL) == HL_OK) {
		t->firmware = f;
		return check_firmware(take, t, err);
	}
	if (rc == HL_OK)
		tell_firmware(take, &t->firmware);
	else if (err != NULL)
		*err = e;
	return rc;
}

static hl_rc
record(hl_take *take, hl_taking *t, hl_err *err)
{
	hl_store *s = take->cli->store;
	const hl_actor *actor = &take->cli->actor;
	hl_err e = { 0 };
	hl_uuid id;
	hl_rc rc = HL_OK;

	if (t->make_firmware)
		rc = add_firmware(take, t, err);
	if (rc == HL_OK && (t->chip.has_cert || t->chip.has_uid))
		rc = hl_store_chip_put(s,
		    t->chip.has_cert ? &t->chip.cert : NULL,
		    t->chip.has_uid ? &t->chip.uid : NULL, actor, &t->known,
		    err);
	if (rc != HL_OK)
		return rc;
	/* HL_EEXIST: known before, or somebody else was as fast. */
	rc = hl_store_license_import(
	    s, &t->known.id, &t->firmware.id, t->bytes, t->n, actor, &id, &e);
	t->already = rc == HL_EEXIST;
	if (rc != HL_OK && rc != HL_EEXIST) {
		if (err != NULL)
			*err = e;
		return rc;
	}
	return hl_store_license_by_id(s, &id, &t->license, err);
}

static hl_rc
check_all(hl_take *take, hl_taking *t, hl_err *err)
{
	hl_rc rc;

	if ((rc = read_license(t, err)) != HL_OK ||
	    (rc = read_side(t, err)) != HL_OK ||
	    (rc = find_firmware(take, t, err)) != HL_OK ||
	    (rc = find_chip(take, t, err)) != HL_OK ||
	    (rc = check_product(t, err)) != HL_OK ||
	    (rc = check_kept(take, t, err)) != HL_OK)
		return rc;
	return check_active(take, t, err);
}

hl_rc
hl_license_take(hl_take *take, hl_taking *t, hl_err *err)
{
	hl_rc rc;

	if ((rc = check_all(take, t, err)) != HL_OK)
		return rc;
	if (take->cli->dry_run) {
		if (t->make_firmware)
			tell_firmware(take, &t->firmware);
		return HL_OK;
	}
	rc = record(take, t, err);
	if (rc != HL_OK || take->kept == NULL || t->already)
		return rc;
	return hl_kept_add(take->kept, &t->license, err);
}
