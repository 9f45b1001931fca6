/* SPDX-License-Identifier: Apache-2.0 */
/* card new, show, terminate: the state file of a software card. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "card/softcard.h"
#include "chip/cert.h"
#include "crypto/hash.h"
#include "sim/sim.h"
#include "util/file.h"
#include "util/hex.h"
#include "util/text.h"

#define LOCK_WAIT_MS 1000
#define HINT_PRODUCT                                                           \
	"give 8 upper-case hex digits to --product, or leave it out"

static hl_rc
bad(hl_err *err, const char *hint, const char *why)
{
	return hl_fail(err, HL_EUSAGE, "make software card", hint, "%s", why);
}

/* `text` is no `what`. */
static hl_rc
bad_value(hl_err *err, const char *hint, const char *text, const char *what)
{
	return hl_fail(err, HL_EUSAGE, "make software card", hint,
	    "\"%s\" is no %s", text, what);
}

/* A file of exactly n bytes; without one, random bytes. */
static hl_rc
secret_read(const char *path, uint8_t *out, size_t n, hl_err *err)
{
	hl_buf b = HL_BUF_INIT;
	hl_rc rc;

	if (path == NULL)
		return hl_random(out, n, err);
	rc = hl_file_read(path, 4096, &b, err);
	if (rc == HL_OK && b.n != n)
		rc = hl_fail(err, HL_EINPUT, "make software card",
		    "give raw bytes, not hex",
		    "%s has %zu bytes instead of %zu", path, b.n, n);
	if (rc == HL_OK)
		memcpy(out, b.p, n);
	hl_buf_free(&b);
	return rc;
}

static hl_rc
profile_check(const hl_softcard_profile *p, hl_err *err)
{
	const size_t type_n = strlen(p->type);

	if (!hl_text_valid(p->firmware_id, strlen(p->firmware_id)) ||
	    p->firmware_id[0] == '\0')
		return bad(err, "give 1 to 64 bytes of UTF-8",
		    "the firmware identifier is empty or not clean text");
	if (type_n < 3 ||
	    strspn(p->type,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz"
		"0123456789+-_.") != type_n)
		return bad(err, "give for example SFI, SFIA, SSP or SMU",
		    "the license type is not 3 to 8 letters and digits");
	if (p->product_id[0] != '\0' &&
	    !hl_product_id_valid(p->product_id, strlen(p->product_id)))
		return bad_value(
		    err, HINT_PRODUCT, p->product_id, "product ID");
	return HL_OK;
}

static hl_rc
profile_text(hl_softcard_profile *p, const struct sim *sim, hl_err *err)
{
	const char *type = sim->opt[OPT_TYPE], *product = sim->opt[OPT_PRODUCT];

	if (!hl_text_copy(
		p->firmware_id, sizeof(p->firmware_id), sim->opt[OPT_FIRMWARE]))
		return bad(err, "give 1 to 64 bytes of UTF-8",
		    "the firmware identifier is longer than 64 bytes");
	if (!hl_text_copy(
		p->type, sizeof(p->type), type != NULL ? type : "SFI"))
		return bad(err, "give for example SFI, SFIA, SSP or SMU",
		    "the license type is longer than 8 characters");
	if (!hl_text_copy(p->product_id, sizeof(p->product_id),
		product != NULL ? product : "") ||
	    (product != NULL && product[0] == '\0'))
		return bad_value(err, HINT_PRODUCT, product, "product ID");
	return profile_check(p, err);
}

static hl_rc
profile_read(hl_softcard_profile *p, const struct sim *sim, hl_err *err)
{
	uint64_t capacity;
	hl_rc rc;

	if (sim->opt[OPT_FIRMWARE] == NULL || sim->opt[OPT_CAPACITY] == NULL)
		return bad(err,
		    "give --firmware ID and --capacity N, or --blank for a "
		    "blank card",
		    sim->opt[OPT_CAPACITY] != NULL ? "--firmware is missing"
			: sim->opt[OPT_FIRMWARE] != NULL
			? "--capacity is missing"
			: "--firmware and "
			  "--capacity are "
			  "missing");
	if ((sim->opt[OPT_KEY] == NULL) != (sim->opt[OPT_NONCE] == NULL))
		return bad(err, "a key goes with its own nonce",
		    "give --key and --nonce, or neither");
	if (!hl_text_u64(sim->opt[OPT_CAPACITY], UINT32_MAX, &capacity))
		return bad_value(err, "give --capacity in digits alone",
		    sim->opt[OPT_CAPACITY], "number from 0 to 4294967295");
	p->capacity = (uint32_t)capacity;
	if ((rc = profile_text(p, sim, err)) != HL_OK)
		return rc;
	rc =
	    secret_read(sim->opt[OPT_KEY], p->key.key, sizeof(p->key.key), err);
	if (rc == HL_OK)
		rc = secret_read(sim->opt[OPT_NONCE], p->key.nonce,
		    sizeof(p->key.nonce), err);
	return rc;
}

static hl_rc
transmit(hl_softcard *card, const uint8_t *apdu, size_t n, hl_err *err)
{
	hl_buf answer = HL_BUF_INIT;
	hl_rc rc = HL_OK;

	hl_softcard_apdu(card, false, apdu, n, &answer);
	if (answer.failed || answer.n < 2)
		rc = hl_nomem(err);
	else if (answer.p[answer.n - 2] != 0x90 || answer.p[answer.n - 1] != 0)
		rc = hl_fail(err, HL_ECARD, "personalise the card",
		    "see whether the file system is full or read-only",
		    "the card refused with %02X%02X", answer.p[answer.n - 2],
		    answer.p[answer.n - 1]);
	hl_buf_free(&answer);
	return rc;
}

/* The way any host would do it: SELECT, PERSONALIZE. */
static hl_rc
personalize(const char *path, const hl_softcard_profile *p, hl_err *err)
{
	static const uint8_t select[] = { 0x00, 0xA4, 0x04, 0x00, 0x08, 0xF0,
		0x48, 0x53, 0x4D, 0x4C, 0x49, 0x43, 0x01, 0x00 };
	hl_buf data = HL_BUF_INIT, apdu = HL_BUF_INIT;
	hl_softcard *card;
	hl_rc rc;

	rc = hl_softcard_open(&card, path, hl_deadline_in(LOCK_WAIT_MS), err);
	if (rc != HL_OK)
		return rc;
	hl_softcard_profile_tlv(p, &data);
	hl_buf_put(&apdu, "\x80\xDA\x00\x00", 4);
	hl_buf_u8(&apdu, (uint8_t)data.n);
	hl_buf_put(&apdu, data.p, data.n);
	if (data.failed || apdu.failed || data.n > 255)
		rc = hl_nomem(err);
	if (rc == HL_OK)
		rc = transmit(card, select, sizeof(select), err);
	if (rc == HL_OK)
		rc = transmit(card, apdu.p, apdu.n, err);
	hl_buf_free(&data);
	hl_buf_free(&apdu);
	hl_softcard_close(&card);
	return rc;
}

static hl_rc
serial_read(const char *text, uint8_t serial[16], size_t *n, hl_err *err)
{
	*n = 0;
	if (text == NULL)
		return HL_OK;
	if (!hl_hex_decode(text, strlen(text), serial, 16, n) || *n < 8)
		return bad_value(err,
		    "give 16 to 32 hex digits to --serial, or leave it out",
		    text, "serial number");
	return HL_OK;
}

static json_t *
info_json(const hl_card_info *info)
{
	json_t *j = json_pack("{s:s,s:s}", "serial", info->serial, "state",
	    hl_card_state_name(info->state));

	if (j == NULL || info->state != HL_CARD_OPERATIONAL)
		return j;
	if (json_object_set_new(
		j, "firmware", json_string(info->firmware_id)) != 0 ||
	    json_object_set_new(j, "type", json_string(info->type)) != 0 ||
	    json_object_set_new(j, "counter", json_integer(info->counter)) !=
		0 ||
	    json_object_set_new(j, "capacity", json_integer(info->capacity)) !=
		0 ||
	    json_object_set_new(j, "product_id",
		info->product_id[0] != '\0' ? json_string(info->product_id)
					    : json_null()) != 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

static void
info_print(const hl_card_info *info)
{
	printf("serial    %s\nstate     %s\n", info->serial,
	    hl_card_state_name(info->state));
	if (info->state != HL_CARD_OPERATIONAL)
		return;
	printf("firmware  %s\ntype      %s\ncounter   %" PRIu32
	       "\ncapacity  %" PRIu32 "\nproduct   %s\n",
	    info->firmware_id, info->type, info->counter, info->capacity,
	    info->product_id[0] != '\0' ? info->product_id : "any");
}

static hl_rc
show(const struct sim *sim, const char *more, hl_err *err)
{
	hl_card_info info;
	hl_rc rc;

	rc = hl_softcard_peek(sim->operands[0], &info, err);
	if (rc != HL_OK)
		return rc;
	if (sim->opt[OPT_JSON] == NULL) {
		info_print(&info);
		fputs(more, stdout);
	}
	return sim_done(sim, info_json(&info), err);
}

static hl_rc
make(const struct sim *sim, const hl_softcard_profile *p, hl_err *err)
{
	const char *path = sim->operands[0];
	uint8_t serial[16];
	size_t n;
	hl_rc rc;

	if ((rc = serial_read(sim->opt[OPT_SERIAL], serial, &n, err)) != HL_OK)
		return rc;
	rc = hl_softcard_create(path, n != 0 ? serial : NULL, n, err);
	if (rc != HL_OK || sim->opt[OPT_BLANK] != NULL)
		return rc;
	/* Half made, and nobody else's yet. */
	if ((rc = personalize(path, p, err)) != HL_OK &&
	    hl_file_remove(path, NULL) != HL_OK)
		hl_err_add(err, "%s is left behind", path);
	return rc;
}

hl_rc
sim_card_new(const struct sim *sim, hl_err *err)
{
	const bool blank = sim->opt[OPT_BLANK] != NULL;
	const bool made_up = !blank && sim->opt[OPT_KEY] == NULL;
	hl_softcard_profile p = { 0 };
	hl_rc rc = HL_OK;

	if (blank &&
	    (sim->opt[OPT_FIRMWARE] != NULL || sim->opt[OPT_CAPACITY] != NULL))
		return bad(err, "leave --blank out to personalise the card",
		    "a blank card has no firmware and no capacity");
	if (!blank)
		rc = profile_read(&p, sim, err);
	if (rc == HL_OK)
		rc = make(sim, &p, err);
	explicit_bzero(&p, sizeof(p));
	if (rc != HL_OK)
		return rc;
	return show(sim, made_up ? "key       made up\n" : "", err);
}

hl_rc
sim_card_show(const struct sim *sim, hl_err *err)
{
	return show(sim, "", err);
}

hl_rc
sim_card_terminate(const struct sim *sim, hl_err *err)
{
	hl_softcard *card;
	hl_rc rc;

	rc = hl_softcard_open(
	    &card, sim->operands[0], hl_deadline_in(LOCK_WAIT_MS), err);
	if (rc != HL_OK)
		return rc;
	rc = hl_softcard_terminate(card, err);
	hl_softcard_close(&card);
	return rc == HL_OK ? show(sim, "", err) : rc;
}
