/* SPDX-License-Identifier: Apache-2.0 */
/* How things of the store look, in words and in JSON. */
#include "cli/parts.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"

#define SHORT_HASH 12 /* bytes */
#define FACT_COLUMN 14

void
hl_chip_name(const hl_uid *uid, bool has_cert,
    const uint8_t cert_sha256[HL_SHA256_LEN], char out[HL_CHIP_NAME])
{
	if (uid->n > 0) {
		hl_uid_text(uid, out);
	} else if (has_cert) {
		(void)hl_text_copy(out, HL_CHIP_NAME, HL_CHIP_CERT);
		hl_hex_lower(
		    out + strlen(HL_CHIP_CERT), cert_sha256, SHORT_HASH);
	} else {
		(void)hl_text_copy(out, HL_CHIP_NAME, "unknown");
	}
}

void
hl_chip_file_name(const hl_uid *uid, bool has_cert,
    const uint8_t cert_sha256[HL_SHA256_LEN], char out[HL_CHIP_NAME])
{
	char name[HL_CHIP_NAME];
	size_t skip = 0;

	hl_chip_name(uid, has_cert, cert_sha256, name);
	if (hl_text_starts(name, HL_CHIP_CERT))
		skip = strlen(HL_CHIP_CERT);
	(void)hl_text_copy(out, HL_CHIP_NAME, name + skip);
}

const char *
hl_state_word(const char *state)
{
	if (strcmp(state, hl_card_state_name(HL_CARD_OPERATIONAL)) == 0)
		return "operational";
	if (strcmp(state, hl_card_state_name(HL_CARD_BLANK)) == 0)
		return "blank";
	if (strcmp(state, hl_card_state_name(HL_CARD_ST)) == 0)
		return "factory";
	if (strcmp(state, hl_card_state_name(HL_CARD_TERMINATED)) == 0)
		return "terminated";
	return "unknown";
}

/* ---- facts -------------------------------------------------------------- */

void
hl_fact(const char *name, const char *fmt, ...)
{
	char text[2 * HL_ERR_WHY];
	va_list ap;

	va_start(ap, fmt);
	(void)hl_text_vformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	hl_text_clean(text);
	(void)printf("%-*s %s\n", FACT_COLUMN, name, text);
}

void
hl_fact_time(const char *name, int64_t ms)
{
	char text[HL_TIME_TEXT];

	hl_time_text(ms, text);
	hl_fact(name, "%s", text);
}

void
hl_fact_hex(const char *name, const uint8_t *p, size_t n)
{
	char text[2 * 64 + 1];

	if (n > 64)
		n = 64;
	hl_hex_lower(text, p, n);
	hl_fact(name, "%s", text);
}

/* ---- JSON --------------------------------------------------------------- */

json_t *
hl_json_any(const char *s)
{
	char *text = strdup(s);
	json_t *j = NULL;

	if (text != NULL) {
		hl_text_clean(text);
		j = hl_json_text(text);
	}
	free(text);
	return j;
}

static json_t *
uid_json(const hl_uid *uid)
{
	return uid->n == 0 ? json_null() : hl_json_uid(uid);
}

static json_t *
hash_json(const uint8_t sha256[HL_SHA256_LEN], bool known)
{
	return hl_json_hex(sha256, known ? HL_SHA256_LEN : 0);
}

json_t *
hl_json_uid_words(const hl_uid *uid)
{
	char text[HL_UID_MAX / 4 * 11 + 1];
	size_t at = 0;

	if (uid->n == 0 || uid->n % 4 != 0)
		return json_null();
	for (size_t i = 0; i < uid->n; i += 4) {
		const uint8_t word[4] = { uid->b[i + 3], uid->b[i + 2],
			uid->b[i + 1], uid->b[i] };

		at += (size_t)snprintf(
		    text + at, sizeof(text) - at, "%s0x", i == 0 ? "" : " ");
		hl_hex_upper(text + at, word, sizeof(word));
		at += 2 * sizeof(word);
	}
	return json_string(text);
}

json_t *
hl_json_chip(const hl_chip *c)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "uid",
	    uid_json(&c->uid), "uid_words", hl_json_uid_words(&c->uid),
	    "certificate_sha256", hash_json(c->cert_sha256, c->has_cert),
	    "product_id", hl_json_text(c->product_id), "label",
	    hl_json_text(c->label), "first_seen", hl_json_time(c->first_seen),
	    "chip_id", hl_json_uuid(&c->id));
}

static bool
from_card(const hl_license *l)
{
	static const hl_uuid none;

	return !hl_uuid_equal(&l->issue, &none);
}

json_t *
hl_json_license(const hl_license *l)
{
	return json_pack(
	    "{s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:s,s:s,s:o,s:o,s:o,s:o}",
	    "license_id", hl_json_uuid(&l->id), "uid", uid_json(&l->uid),
	    "uid_words", hl_json_uid_words(&l->uid), "certificate_sha256",
	    hash_json(l->cert_sha256, l->has_cert), "firmware",
	    hl_json_text(l->firmware_name), "license_sha256",
	    hash_json(l->sha256, true), "license_size", (json_int_t)l->size,
	    "state", hl_license_state_name(l->state), "origin",
	    from_card(l) ? "card" : "import", "issue_id",
	    hl_json_uuid(&l->issue), "added_at", hl_json_time(l->added_at),
	    "retired_at", hl_json_time(l->retired_at), "reason",
	    hl_json_text(l->reason));
}

/* What is known only since the outcome. */
static json_t *
after_json(const hl_issue *i, uint32_t value)
{
	return i->state == HL_ISSUE_OPEN ? json_null()
					 : json_integer((json_int_t)value);
}

json_t *
hl_json_issue(const hl_cli *cli, const hl_issue *i)
{
	hl_firmware f = { .name = "" };
	hl_card_row c = { .serial = "" };

	if (hl_store_firmware_by_id(cli->store, &i->firmware, &f, NULL) !=
	    HL_OK)
		f.name[0] = '\0';
	if (hl_store_card_by_id(cli->store, &i->card, &c, NULL) != HL_OK)
		c.serial[0] = c.label[0] = '\0';
	return json_pack("{s:o,s:s,s:I,s:o,s:{s:o,s:o},s:I,s:o,s:o,s:b,s:o,s:o,"
			 "s:o,s:o,s:o,s:o,s:o,s:o}",
	    "issue_id", hl_json_uuid(&i->id), "state",
	    hl_issue_state_name(i->state), "attempt", (json_int_t)i->attempt,
	    "firmware", hl_json_text(f.name), "card", "label",
	    hl_json_text(c.label), "serial", hl_json_text(c.serial),
	    "counter_before", (json_int_t)i->counter_before, "counter_after",
	    after_json(i, i->counter_after), "units", after_json(i, i->units),
	    "recovered", i->recovered, "opened_at", hl_json_time(i->opened_at),
	    "closed_at", hl_json_time(i->closed_at), "operator",
	    hl_json_text(i->actor.operator_), "station",
	    hl_json_text(i->actor.station), "lot", hl_json_text(i->actor.lot),
	    "class", hl_json_text(i->actor.use_class), "note",
	    hl_json_text(i->actor.note), "detail", hl_json_text(i->detail));
}

json_t *
hl_json_install(const hl_cli *cli, const hl_install *i)
{
	const bool ended = i->exit_status != HL_EXIT_UNKNOWN;
	hl_firmware f = { .name = "" };

	if (hl_store_firmware_by_id(cli->store, &i->firmware, &f, NULL) !=
	    HL_OK)
		f.name[0] = '\0';
	return json_pack("{s:o,s:s,s:o,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,"
			 "s:o,s:o,s:o}",
	    "install_id", hl_json_uuid(&i->id), "outcome",
	    hl_install_outcome_name(i->outcome), "at", hl_json_time(i->at),
	    "duration_ms", (json_int_t)i->duration_ms, "programmer",
	    hl_json_text(i->programmer), "image", hl_json_text(i->image),
	    "image_sha256", hash_json(i->image_sha256, i->has_image_sha256),
	    "license_id", hl_json_uuid(&i->license), "firmware",
	    hl_json_text(f.name), "exit_status",
	    ended ? json_integer(i->exit_status) : json_null(), "operator",
	    hl_json_text(i->actor.operator_), "station",
	    hl_json_text(i->actor.station), "lot", hl_json_text(i->actor.lot),
	    "class", hl_json_text(i->actor.use_class), "note",
	    hl_json_text(i->actor.note), "detail", hl_json_text(i->detail));
}

/* ---- results ------------------------------------------------------------ */

void
hl_worse(hl_cli *cli, hl_rc rc)
{
	const int code = hl_rc_exit(rc);

	if (code > cli->exit_code)
		cli->exit_code = code;
}

bool
hl_part_error(const hl_cli *cli, const char *path, const hl_err *err)
{
	if (err == NULL || err->hint[0] == '\0')
		return false;
	hl_message(cli, "%s%s%s", path == NULL ? "" : path,
	    path == NULL ? "" : ": ", err->why);
	hl_message(cli, "hint: %s", err->hint);
	return true;
}

bool
hl_is_general(hl_rc rc)
{
	return rc == HL_ESTORE || rc == HL_EFULL || rc == HL_ENOMEM;
}
