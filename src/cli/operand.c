/* SPDX-License-Identifier: Apache-2.0 */
/* Words of the command line that name a chip, a card or a license. */
#include <string.h>

#include "cli/parts.h"
#include "util/hex.h"

#define HASH_DIGITS ((size_t)2 * HL_SHA256_LEN)
#define PREFIX_MIN 8 /* digits of a certificate's hash */

/* ---- options ------------------------------------------------------------ */

static void
tell(void *arg, const char *text)
{
	hl_print_note(arg, text);
}

void
hl_target_settings(hl_cli *cli, hl_target_options *out)
{
	*out = (hl_target_options){ .stm32prog = hl_opt(cli, "stm32prog"),
		.openocd = hl_opt(cli, "openocd"),
		.segger = hl_opt(cli, "segger"),
		.tfa = hl_opt(cli, "tfa"),
		.until = cli->until,
		.note = tell,
		.arg = cli };
}

static hl_rc
from_target(hl_cli *cli, const char *target, hl_chip_args *out, hl_err *err)
{
	hl_target_options opt;
	hl_target_chip chip;
	hl_rc rc;

	hl_target_settings(cli, &opt);
	if ((rc = hl_target_read(target, &opt, &chip, err)) != HL_OK)
		return rc;
	out->cert = chip.cert;
	out->has_cert = chip.cert.n > 0;
	out->uid = chip.uid;
	out->has_uid = chip.uid.n > 0;
	if (cli->broker == NULL || !hl_target_is_stm32prog(target))
		return HL_OK;
	if ((rc = hl_target_connect_parse(&cli->connect, target, err)) == HL_OK)
		hl_broker_connect(cli->broker, &cli->connect.words, opt.tfa);
	return rc;
}

/* What the target did not tell may be said beside it. */
static hl_rc
take_cert(hl_cli *cli, const char *cert, hl_chip_args *out, hl_err *err)
{
	out->has_cert = true;
	return hl_cert_read(
	    &out->cert, cert, hl_opt_set(cli, "any-certificate"), err);
}

hl_rc
hl_chip_options(hl_cli *cli, hl_chip_args *out, hl_err *err)
{
	const char *cert = hl_opt(cli, "cert"), *uid = hl_opt(cli, "uid");
	const char *target = hl_opt(cli, "target");
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	if (target != NULL &&
	    (rc = from_target(cli, target, out, err)) != HL_OK)
		return rc;
	if ((cert != NULL && out->has_cert) || (uid != NULL && out->has_uid))
		return hl_fail(err, HL_EUSAGE, "find the chip",
		    "give --target alone, or --cert and --uid",
		    "--target already tells %s",
		    out->has_uid ? "certificate and UID" : "the certificate");
	if (uid != NULL) {
		if ((rc = hl_uid_parse(uid, &out->uid, err)) != HL_OK) {
			hl_err_what(err, "read --uid \"%s\"", uid);
			hl_opt_blame(cli, "uid", err);
			return rc;
		}
		out->has_uid = true;
	}
	return cert == NULL ? HL_OK : take_cert(cli, cert, out, err);
}

hl_rc
hl_chip_needed(hl_cli *cli, hl_chip_args *out, hl_err *err)
{
	hl_rc rc = hl_chip_options(cli, out, err);

	if (rc != HL_OK || out->has_cert || out->has_uid)
		return rc;
	return hl_fail(err, HL_EUSAGE, "find the chip",
	    "give --cert FILE, --uid HEX or --target TARGET",
	    "no chip is named");
}

/* What is given against what is known of the same chip. */
static hl_rc
check_same(const hl_chip_args *a, const hl_chip *known, hl_err *err)
{
	char given[HASH_DIGITS + 1], has[HASH_DIGITS + 1];
	char uid[HL_UID_TEXT], other[HL_UID_TEXT];

	if (a->has_cert && known->has_cert &&
	    memcmp(a->cert.sha256, known->cert_sha256, HL_SHA256_LEN) != 0) {
		hl_uid_text(&known->uid, uid);
		hl_hex_lower(given, a->cert.sha256, HL_SHA256_LEN);
		hl_hex_lower(has, known->cert_sha256, HL_SHA256_LEN);
		return hl_fail(err, HL_ECONFLICT, "find the chip",
		    "check that certificate and UID were read from the same "
		    "chip; nothing was changed",
		    "UID %s is known with certificate %s, but certificate %s "
		    "was given",
		    uid, has, given);
	}
	if (a->has_uid && known->uid.n > 0 &&
	    !hl_uid_equal(&a->uid, &known->uid)) {
		hl_hex_lower(has, known->cert_sha256, HL_SHA256_LEN);
		hl_uid_text(&known->uid, uid);
		hl_uid_text(&a->uid, other);
		return hl_fail(err, HL_ECONFLICT, "find the chip",
		    "check which chip this certificate was read from; nothing "
		    "was changed",
		    "certificate %s is known with UID %s, but UID %s was "
		    "given",
		    has, uid, other);
	}
	return HL_OK;
}

hl_rc
hl_chip_known(
    hl_cli *cli, const hl_chip_args *a, hl_chip *out, bool *found, hl_err *err)
{
	hl_err e = { 0 };
	hl_rc rc = HL_ENOTFOUND;
	hl_chip chip;

	if (a->has_cert)
		rc = hl_store_chip_by_cert(
		    cli->store, a->cert.sha256, &chip, &e);
	if (rc == HL_ENOTFOUND && a->has_uid)
		rc = hl_store_chip_by_uid(cli->store, &a->uid, &chip, &e);
	*found = rc == HL_OK;
	if (rc == HL_OK && (rc = check_same(a, &chip, err)) == HL_OK)
		*out = chip;
	if (rc == HL_ENOTFOUND)
		return HL_OK;
	if (rc != HL_OK && !*found && err != NULL)
		*err = e;
	return rc;
}

/* ---- chips -------------------------------------------------------------- */

struct prefix {
	char digits[HASH_DIGITS + 1];
	hl_chip found;
	unsigned n;
};

static bool
compare_prefix(void *arg, const hl_chip *chip)
{
	struct prefix *p = arg;
	char hash[HASH_DIGITS + 1];

	if (!chip->has_cert)
		return true;
	hl_hex_lower(hash, chip->cert_sha256, HL_SHA256_LEN);
	if (strncmp(hash, p->digits, strlen(p->digits)) == 0) {
		p->found = *chip;
		p->n++;
	}
	return p->n < 2;
}

/* The digits of `s` in lower case; false when it is not a part of a hash. */
static bool
read_prefix(const char *s, struct prefix *p)
{
	static const char digits[] = "0123456789abcdef";
	const size_t n = strlen(s);
	int v;

	memset(p, 0, sizeof(*p));
	if (n < PREFIX_MIN || n > HASH_DIGITS)
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((v = hl_hex_digit(s[i])) < 0)
			return false;
		p->digits[i] = digits[v];
	}
	return true;
}

static hl_rc
chip_by_prefix(hl_cli *cli, const char *s, hl_chip *out, hl_err *err)
{
	struct prefix p;
	hl_rc rc;

	if (!read_prefix(s, &p))
		return HL_ENOTFOUND;
	rc = hl_store_chip_list(cli->store, compare_prefix, &p, err);
	if (rc != HL_OK)
		return rc;
	if (p.n > 1)
		return hl_fail(err, HL_EUSAGE, "find the chip",
		    "give more digits, or the UID: hsmlic chip list",
		    "the certificates of several chips begin with %s",
		    p.digits);
	if (p.n == 1)
		*out = p.found;
	return p.n == 1 ? HL_OK : HL_ENOTFOUND;
}

static hl_rc
find_chip(hl_cli *cli, const char *s, hl_chip *out, hl_err *err)
{
	uint8_t hash[HL_SHA256_LEN];
	hl_rc rc = HL_ENOTFOUND;
	hl_uid uid;
	size_t n;

	if (hl_text_starts(s, HL_CHIP_CERT))
		rc = chip_by_prefix(cli, s + strlen(HL_CHIP_CERT), out, err);
	else if (hl_uid_parse(s, &uid, NULL) == HL_OK)
		rc = hl_store_chip_by_uid(cli->store, &uid, out, err);
	if (rc == HL_ENOTFOUND && strlen(s) == HASH_DIGITS &&
	    hl_hex_decode(s, HASH_DIGITS, hash, sizeof(hash), &n))
		rc = hl_store_chip_by_cert(cli->store, hash, out, err);
	if (rc == HL_ENOTFOUND && hl_text_check("label", s, false, NULL) == 0)
		rc = hl_store_chip_by_label(cli->store, s, out, err);
	if (rc == HL_ENOTFOUND)
		rc = chip_by_prefix(cli, s, out, err);
	return rc;
}

hl_rc
hl_chip_operand(hl_cli *cli, const char *s, hl_chip *out, hl_err *err)
{
	hl_err e = { 0 };
	hl_rc rc = find_chip(cli, s, out, &e);

	if (rc == HL_OK)
		return HL_OK;
	if (rc == HL_ENOTFOUND)
		return hl_fail(err, HL_ENOTFOUND, "find the chip",
		    "see: hsmlic chip list",
		    "no chip with UID, certificate hash or label \"%s\" is "
		    "known to this store",
		    s);
	if (err != NULL)
		*err = e;
	return rc;
}

/* ---- cards -------------------------------------------------------------- */

static void
hint_add(const char *typed, hl_err *err)
{
	char word[HL_TEXT_MAX];

	hl_text_word(word, sizeof(word), typed);
	hl_err_hint(err, "make it known: hsmlic card add %s", word);
}

/* By the place where it is now. */
static hl_rc
card_in_place(hl_cli *cli, const char *s, hl_cards *present, hl_card_row *out,
    hl_err *err)
{
	char name[HL_CARD_NAME];
	const hl_card_view *v;
	hl_rc rc;

	if ((rc = hl_cards_gather(cli, s, present, err)) != HL_OK ||
	    (rc = hl_card_choose(present, s, false, &v, err)) != HL_OK)
		return rc;
	if (v->row != NULL) {
		*out = *v->row;
		return HL_OK;
	}
	hl_card_name(v, name, sizeof(name));
	rc = hl_fail(err, HL_ENOTFOUND, "find the card", "",
	    "card %s is not known to this store", name);
	hint_add(s, err);
	return rc;
}

hl_rc
hl_card_operand(hl_cli *cli, const char *s, hl_cards *present, hl_card_row *out,
    hl_err *err)
{
	char serial[HL_SERIAL_TEXT];
	hl_rc rc = HL_ENOTFOUND;
	hl_err e = { 0 };

	memset(present, 0, sizeof(*present));
	if (hl_names_place(s))
		return card_in_place(cli, s, present, out, err);
	if (hl_serial_canonical(s, serial))
		rc = hl_store_card_by_serial(cli->store, serial, out, &e);
	if (rc == HL_ENOTFOUND && hl_text_check("label", s, false, NULL) == 0)
		rc = hl_store_card_by_label(cli->store, s, out, &e);
	if (rc == HL_OK)
		return HL_OK;
	if (rc == HL_ENOTFOUND) {
		rc = hl_fail(err, HL_ENOTFOUND, "find the card",
		    "see: hsmlic card list",
		    "no card with label or serial number \"%s\" is known to "
		    "this store",
		    s);
		if (hl_serial_canonical(s, serial))
			hint_add(s, err);
		return rc;
	}
	if (err != NULL)
		*err = e;
	return rc;
}

/* ---- licenses ----------------------------------------------------------- */

/* The licenses of a chip that may be meant. */
struct matches {
	hl_license_state state;
	hl_license first;
	size_t n;
	bool one_firmware; /* all of them are for one */
	hl_license suspect; /* the last one, when another state is meant */
	size_t suspects;
	hl_buf names; /* of the firmwares */
	hl_buf ids;
};

static bool
note_match(void *arg, const hl_license *l)
{
	struct matches *m = arg;
	char id[HL_UUID_TEXT];

	if (l->state != m->state && l->state == HL_LICENSE_SUSPECT) {
		m->suspect = *l;
		m->suspects++;
	}
	if (l->state != m->state)
		return true;
	if (m->n == 0)
		m->first = *l;
	else if (!hl_uuid_equal(&l->firmware, &m->first.firmware))
		m->one_firmware = false;
	hl_uuid_text(&l->id, id);
	hl_buf_printf(
	    &m->names, "%s\"%s\"", m->n == 0 ? "" : ", ", l->firmware_name);
	hl_buf_printf(&m->ids, "%s%s", m->n == 0 ? "" : ", ", id);
	m->n++;
	return true;
}

static hl_rc
fail_suspect(const char *s, const struct matches *m, hl_err *err)
{
	char id[HL_UUID_TEXT];

	hl_uuid_text(&m->suspect.id, id);
	return hl_fail(err, HL_ENOTFOUND, "find the license",
	    m->suspects == 1
		? "name it by its ID; if it is right after all: "
		  "hsmlic license trust ID --reason TEXT"
		: "name one of them by its ID: hsmlic license list --all",
	    "chip %s has no %s license, but a suspect one for firmware \"%s\": "
	    "%s",
	    s, hl_license_state_name(m->state), m->suspect.firmware_name, id);
}

static hl_rc
fail_none(const char *s, const char *name, const struct matches *m, hl_err *err)
{
	const char *state = hl_license_state_name(m->state);

	if (m->suspects > 0)
		return fail_suspect(s, m, err);
	if (name == NULL)
		return hl_fail(err, HL_ENOTFOUND, "find the license",
		    "see: hsmlic license list --all",
		    "chip %s has no %s license for any firmware", s, state);
	return hl_fail(err, HL_ENOTFOUND, "find the license",
	    "see: hsmlic license list --all",
	    "chip %s has no %s license for firmware \"%s\"", s, state, name);
}

/* Of one firmware only one is active, but any number may be suspect. */
static hl_rc
fail_several(const char *s, struct matches *m, hl_err *err)
{
	if (m->one_firmware)
		return hl_fail(err, HL_EUSAGE, "find the license",
		    "say which by its ID",
		    "chip %s has %zu %s licenses for firmware \"%s\": %s", s,
		    m->n, hl_license_state_name(m->state),
		    m->first.firmware_name, hl_buf_str(&m->ids));
	return hl_fail(err, HL_EUSAGE, "find the license",
	    "say which: --firmware NAME",
	    "chip %s has licenses for several firmwares: %s", s,
	    hl_buf_str(&m->names));
}

static hl_rc
license_of_chip(hl_cli *cli, const char *s, const char *name,
    const hl_license_filter *filter, hl_license_state state, hl_license *out,
    hl_err *err)
{
	struct matches m = { .state = state,
		.one_firmware = true,
		.names = HL_BUF_INIT,
		.ids = HL_BUF_INIT };
	hl_rc rc;

	rc = hl_store_license_list(cli->store, filter, note_match, &m, err);
	if (rc == HL_OK && m.n == 0)
		rc = fail_none(s, name, &m, err);
	else if (rc == HL_OK && m.n > 1)
		rc = fail_several(s, &m, err);
	if (rc == HL_OK)
		*out = m.first;
	hl_buf_free(&m.names);
	hl_buf_free(&m.ids);
	return rc;
}

static hl_rc
license_by_id(hl_cli *cli, const hl_uuid *id, const char *name, hl_license *out,
    hl_err *err)
{
	hl_license l;
	hl_rc rc;

	rc = hl_store_license_by_id(cli->store, id, &l, err);
	if (rc == HL_ENOTFOUND)
		return hl_fail(err, HL_ENOTFOUND, "find the license",
		    "see: hsmlic license list --all",
		    "no license with this ID is known to this store");
	if (rc != HL_OK)
		return rc;
	if (name != NULL && strcmp(name, l.firmware_name) != 0)
		return hl_fail(err, HL_EUSAGE, "find the license",
		    "leave out --firmware",
		    "this license is for firmware \"%s\", not \"%s\"",
		    l.firmware_name, name);
	*out = l;
	return HL_OK;
}

struct id_prefix {
	char digits[HL_UUID_TEXT];
	hl_uuid found;
	unsigned n;
};

static bool
compare_id(void *arg, const hl_license *l)
{
	struct id_prefix *p = arg;
	char id[HL_UUID_TEXT];

	hl_uuid_text(&l->id, id);
	if (strncmp(id, p->digits, strlen(p->digits)) == 0) {
		p->found = l->id;
		p->n++;
	}
	return p->n < 2;
}

/* How an ID begins, as license list shows it. HL_ENOTFOUND: `s` is none. */
static hl_rc
id_by_prefix(hl_cli *cli, const char *s, hl_uuid *out, hl_err *err)
{
	const hl_license_filter all = { .all_states = true };
	struct id_prefix p = { .n = 0 };
	const size_t n = strlen(s);
	hl_rc rc;

	if (n < HL_ID_SHORT || n >= sizeof(p.digits) ||
	    s[strspn(s, "0123456789abcdefABCDEF-")] != '\0')
		return HL_ENOTFOUND;
	for (size_t i = 0; i < n; i++)
		p.digits[i] = s[i] >= 'A' && s[i] <= 'F'
		    ? (char)(s[i] - 'A' + 'a')
		    : s[i];
	rc = hl_store_license_list(cli->store, &all, compare_id, &p, err);
	if (rc != HL_OK)
		return rc;
	if (p.n > 1)
		return hl_fail(err, HL_EUSAGE, "find the license",
		    "give more of it: hsmlic license list --json",
		    "the IDs of several licenses begin with %s", p.digits);
	*out = p.found;
	return p.n == 1 ? HL_OK : HL_ENOTFOUND;
}

/* A chip, or how the ID of a license begins (*is_id). */
static hl_rc
chip_or_id(hl_cli *cli, const char *s, hl_chip *chip, hl_uuid *id, bool *is_id,
    hl_err *err)
{
	hl_err e = { 0 };
	hl_rc rc = hl_chip_operand(cli, s, chip, &e), by_id;

	*is_id = false;
	if (rc == HL_ENOTFOUND) {
		by_id = id_by_prefix(cli, s, id, err);
		*is_id = by_id == HL_OK;
		if (by_id != HL_ENOTFOUND)
			return by_id;
	}
	if (rc != HL_OK && err != NULL)
		*err = e;
	return rc;
}

hl_rc
hl_license_operand_in(hl_cli *cli, const char *s, hl_license_state state,
    hl_license *out, hl_err *err)
{
	const char *name = hl_opt(cli, "firmware");
	hl_license_filter filter = { .all_states = true };
	hl_firmware f;
	hl_chip chip;
	bool is_id = true;
	hl_uuid id;
	hl_rc rc = HL_OK;

	if (!hl_uuid_parse(s, &id) &&
	    (rc = chip_or_id(cli, s, &chip, &id, &is_id, err)) != HL_OK)
		return rc;
	if (is_id)
		return license_by_id(cli, &id,
		    hl_opt_on_line(cli, "firmware") ? name : NULL, out, err);
	filter.chip = &chip.id;
	if (name != NULL) {
		rc = hl_store_firmware_by_name(cli->store, name, &f, err);
		filter.firmware = &f.id;
	}
	if (rc == HL_ENOTFOUND)
		return hl_fail(err, HL_ENOTFOUND, "find the license",
		    "see: hsmlic license list",
		    "no firmware \"%s\" is known to this store", name);
	if (rc != HL_OK)
		return rc;
	return license_of_chip(cli, s, name, &filter, state, out, err);
}

hl_rc
hl_license_operand(hl_cli *cli, const char *s, hl_license *out, hl_err *err)
{
	return hl_license_operand_in(cli, s, HL_LICENSE_ACTIVE, out, err);
}
