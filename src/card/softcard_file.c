/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a software card as a file: magic, version, data objects in DER
 * and in one fixed order, SHA-256 over everything before it. There is exactly
 * one way to write a given card.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "card/softcard_int.h"
#include "util/file.h"
#include "util/hex.h"
#include "util/text.h"
#include "util/tlv.h"

#define MAGIC "HLCARD1\n"
#define MAGIC_LEN 8
#define VERSION 1
#define FILE_MAX 4096

static void
put_u32(hl_buf *b, uint8_t tag, uint32_t v)
{
	const uint8_t be[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
		(uint8_t)(v >> 8), (uint8_t)v };

	hl_tlv_put(b, tag, be, sizeof(be));
}

static void
encode_profile(hl_buf *b, const hl_softcard_mem *m)
{
	const hl_softcard_profile *p = &m->profile;

	hl_tlv_put(b, HL_OLC_FIRMWARE, p->firmware_id, strlen(p->firmware_id));
	hl_tlv_put(b, HL_OLC_TYPE, p->type, strlen(p->type));
	hl_tlv_put(b, HL_OLC_PRODUCT, p->product_id, strlen(p->product_id));
	hl_tlv_put(b, HL_OLC_KEY, p->key.key, sizeof(p->key.key));
	hl_tlv_put(b, HL_OLC_NONCE, p->key.nonce, sizeof(p->key.nonce));
	put_u32(b, HL_OLC_CAPACITY, p->capacity);
	put_u32(b, HL_OLC_COUNTER, m->counter);
}

static void
encode(hl_buf *b, const hl_softcard_mem *m)
{
	const uint8_t state = (uint8_t)m->state;

	hl_buf_put(b, MAGIC, MAGIC_LEN);
	hl_buf_u16(b, VERSION);
	hl_tlv_put(b, HL_OLC_SERIAL, m->serial, m->serial_n);
	hl_tlv_put(b, HL_OLC_STATE, &state, 1);
	if (m->profile.firmware_id[0] != '\0')
		encode_profile(b, m);
	if (m->has_last) {
		hl_tlv_put(
		    b, HL_OLC_REQUEST_ID, m->last_id, sizeof(m->last_id));
		hl_tlv_put(
		    b, HL_OLC_CERT_HASH, m->last_cert, sizeof(m->last_cert));
		hl_tlv_put(b, HL_OLC_LICENSE, m->last_license,
		    sizeof(m->last_license));
	}
}

hl_rc
hl_softcard_store(const char *path, const hl_softcard_mem *mem, hl_err *err)
{
	uint8_t sum[HL_SHA256_LEN];
	hl_buf b = HL_BUF_INIT;
	hl_rc rc;

	encode(&b, mem);
	if (b.failed) {
		rc = hl_nomem(err);
		goto out;
	}
	if ((rc = hl_sha256(b.p, b.n, sum, err)) != HL_OK)
		goto out;
	hl_buf_put(&b, sum, sizeof(sum));
	if (b.failed) {
		rc = hl_nomem(err);
		goto out;
	}
	rc = hl_file_write(path, b.p, b.n, 0600, err);
out:
	hl_buf_free(&b);
	return rc;
}

/* The next object has to be this one, with min to max bytes. */
static bool
take(hl_rd *r, uint8_t want, void *dst, size_t min, size_t max, size_t *n)
{
	hl_rd c = *r, val;
	uint8_t tag;

	if (!hl_tlv_der(&c, &tag, &val) || tag != want || val.n < min ||
	    val.n > max)
		return false;
	if (val.n != 0)
		memcpy(dst, val.p, val.n);
	if (n != NULL)
		*n = val.n;
	*r = c;
	return true;
}

/* Text of at most size - 1 bytes; the destination is all zero before. */
static bool
take_text(hl_rd *r, uint8_t want, char *dst, size_t size)
{
	return take(r, want, dst, 0, size - 1, NULL) &&
	    memchr(dst, '\0', size) != NULL;
}

static bool
take_u32(hl_rd *r, uint8_t want, uint32_t *v)
{
	uint8_t be[4];
	hl_rd in = { be, sizeof(be) };

	return take(r, want, be, 4, 4, NULL) && hl_rd_u32(&in, v);
}

static bool
decode_profile(hl_rd *r, hl_softcard_mem *m)
{
	hl_softcard_profile *p = &m->profile;

	return take_text(r, HL_OLC_FIRMWARE, p->firmware_id,
		   sizeof(p->firmware_id)) &&
	    take_text(r, HL_OLC_TYPE, p->type, sizeof(p->type)) &&
	    take_text(
		r, HL_OLC_PRODUCT, p->product_id, sizeof(p->product_id)) &&
	    take(r, HL_OLC_KEY, p->key.key, HL_GCM_KEY, HL_GCM_KEY, NULL) &&
	    take(r, HL_OLC_NONCE, p->key.nonce, HL_NONCE_LEN, HL_NONCE_LEN,
		NULL) &&
	    take_u32(r, HL_OLC_CAPACITY, &p->capacity) &&
	    take_u32(r, HL_OLC_COUNTER, &m->counter) &&
	    hl_softcard_profile_ok(p) && m->counter <= p->capacity;
}

static bool
decode_last(hl_rd *r, hl_softcard_mem *m)
{
	m->has_last = true;
	return take(r, HL_OLC_REQUEST_ID, m->last_id, 16, 16, NULL) &&
	    take(r, HL_OLC_CERT_HASH, m->last_cert, HL_SHA256_LEN,
		HL_SHA256_LEN, NULL) &&
	    take(r, HL_OLC_LICENSE, m->last_license, HL_LICENSE_OLC,
		HL_LICENSE_OLC, NULL);
}

static bool
decode(hl_rd r, hl_softcard_mem *m)
{
	uint8_t state;

	memset(m, 0, sizeof(*m));
	if (!take(&r, HL_OLC_SERIAL, m->serial, HL_SOFTCARD_SERIAL_MIN,
		HL_SOFTCARD_SERIAL_MAX, &m->serial_n) ||
	    !take(&r, HL_OLC_STATE, &state, 1, 1, NULL) ||
	    state < HL_CARD_BLANK || state > HL_CARD_TERMINATED)
		return false;
	m->state = (hl_card_state)state;
	if (r.n == 0) /* never personalised */
		return m->state != HL_CARD_OPERATIONAL;
	if (m->state == HL_CARD_BLANK || !decode_profile(&r, m))
		return false;
	return r.n == 0 || (decode_last(&r, m) && r.n == 0);
}

static hl_rc
check_frame(const char *path, const hl_buf *b, hl_rd *body, hl_err *err)
{
	hl_rd r = { b->p, b->n };
	uint8_t sum[HL_SHA256_LEN], magic[MAGIC_LEN];
	uint16_t version;
	hl_rc rc;

	if (b->n < MAGIC_LEN + 2 + HL_SHA256_LEN ||
	    !hl_rd_copy(&r, magic, sizeof(magic)) ||
	    memcmp(magic, MAGIC, MAGIC_LEN) != 0 || !hl_rd_u16(&r, &version))
		return hl_fail(err, HL_EINPUT, "open software card",
		    "make one with: hsmlic-sim card new",
		    "%s is not a software card", path);
	if (version != VERSION)
		return hl_fail(err, HL_EINPUT, "open software card",
		    "use the version of this program that made the card",
		    "%s has format %u, this program knows format %d", path,
		    (unsigned)version, VERSION);
	if ((rc = hl_sha256(b->p, b->n - HL_SHA256_LEN, sum, err)) != HL_OK)
		return rc;
	if (!hl_bytes_equal(sum, b->p + b->n - HL_SHA256_LEN, HL_SHA256_LEN))
		return hl_fail(err, HL_EINTEGRITY, "open software card",
		    "the file was changed or damaged: the card is lost, unless "
		    "there is a copy with the same counter",
		    "%s does not match its SHA-256", path);
	*body = (hl_rd){ r.p, r.n - HL_SHA256_LEN };
	return HL_OK;
}

hl_rc
hl_softcard_load(const char *path, hl_softcard_mem *out, hl_err *err)
{
	hl_buf b = HL_BUF_INIT;
	hl_rd body;
	hl_rc rc;

	rc = hl_file_read(path, FILE_MAX, &b, err);
	if (rc == HL_ENOTFOUND)
		rc = hl_fail(err, HL_ENODEV, "open software card",
		    "check the path, or make one with: hsmlic-sim card new",
		    "there is no file %s", path);
	if (rc != HL_OK)
		goto out;
	if ((rc = check_frame(path, &b, &body, err)) != HL_OK)
		goto out;
	if (!decode(body, out)) {
		explicit_bzero(out, sizeof(*out));
		rc = hl_fail(err, HL_EINPUT, "open software card",
		    "make one with: hsmlic-sim card new",
		    "%s holds a card that cannot be", path);
	}
out:
	hl_buf_free(&b);
	return rc;
}

static hl_rc
create_locked(const char *path, const hl_softcard_mem *mem, hl_err *err)
{
	if (access(path, F_OK) == 0)
		return hl_fail(err, HL_EEXIST, "make software card",
		    "choose another name; a card is never written over",
		    "%s is there already", path);
	return hl_softcard_store(path, mem, err);
}

hl_rc
hl_softcard_create(
    const char *path, const uint8_t *serial, size_t n, hl_err *err)
{
	hl_softcard_mem m = { .state = HL_CARD_BLANK };
	hl_lock *lock = NULL;
	hl_buf name = HL_BUF_INIT;
	hl_rc rc;

	if (serial == NULL) {
		m.serial_n = HL_SOFTCARD_SERIAL_MIN;
		if ((rc = hl_random(m.serial, m.serial_n, err)) != HL_OK)
			return rc;
	} else if (n < HL_SOFTCARD_SERIAL_MIN || n > HL_SOFTCARD_SERIAL_MAX) {
		return hl_fail(err, HL_EINPUT, "make software card",
		    "give 16 to 32 hex digits",
		    "a serial number of %zu bytes; 8 to 16 are allowed", n);
	} else {
		memcpy(m.serial, serial, n);
		m.serial_n = n;
	}
	hl_buf_printf(&name, "%s.lock", path);
	if (name.failed)
		return hl_nomem(err);
	rc = hl_lock_take(&lock, hl_buf_str(&name), hl_deadline_in(0), err);
	if (rc == HL_OK)
		rc = create_locked(path, &m, err);
	hl_lock_free(&lock, true);
	hl_buf_free(&name);
	return rc;
}

/*
 * A lock and a memory belong to one name. By another one the same card could
 * be had a second time, and the first write would make two cards of it.
 */
static hl_rc
refuse_names(const char *path, hl_err *err)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink < 2)
		return HL_OK;
	return hl_fail(err, HL_EINPUT, "open software card",
	    "remove the other names: each would become a card of its own",
	    "%s has %lu names (hard links)", path, (unsigned long)st.st_nlink);
}

static hl_rc
open_locked(hl_softcard *card, hl_deadline until, hl_err *err)
{
	hl_buf name = HL_BUF_INIT;
	hl_rc rc;

	hl_buf_printf(&name, "%s.lock", card->path);
	rc = name.failed ? hl_nomem(err) : HL_OK;
	if (rc == HL_OK)
		rc = hl_lock_take(&card->lock, hl_buf_str(&name), until, err);
	if (rc == HL_EBUSY) {
		hl_err_what(err, "open software card %s", card->path);
		hl_err_hint(err,
		    "another process has the card; end it, or "
		    "wait for it (nothing was spent)");
	}
	hl_buf_free(&name);
	if (rc != HL_OK)
		return rc;
	if ((rc = refuse_names(card->path, err)) != HL_OK)
		return rc;
	/* Only now: somebody may have spent from it until a moment ago. */
	return hl_softcard_load(card->path, &card->mem, err);
}

hl_rc
hl_softcard_open(
    hl_softcard **out, const char *path, hl_deadline until, hl_err *err)
{
	hl_softcard *card;
	hl_rc rc;

	*out = NULL;
	if ((card = calloc(1, sizeof(*card))) == NULL)
		return hl_nomem(err);
	card->path = realpath(path, NULL);
	if (card->path == NULL)
		rc = hl_fail(err, HL_ENODEV, "open software card",
		    "check the path, or make one with: hsmlic-sim card new",
		    "%s: %s", path, strerror(errno));
	else
		rc = open_locked(card, until, err);
	if (rc != HL_OK)
		hl_softcard_close(&card);
	*out = card;
	return rc;
}

void
hl_softcard_close(hl_softcard **card)
{
	hl_softcard *c = *card;

	if (c == NULL)
		return;
	hl_lock_free(&c->lock, true);
	hl_buf_free(&c->chain);
	hl_buf_free(&c->pending);
	free(c->path);
	explicit_bzero(c, sizeof(*c));
	free(c);
	*card = NULL;
}

static void
info_fill(const hl_softcard_mem *m, hl_card_info *out)
{
	hl_hex_upper(out->serial, m->serial, m->serial_n);
	out->state = m->state;
	if (m->state != HL_CARD_OPERATIONAL)
		return;
	memcpy(
	    out->firmware_id, m->profile.firmware_id, sizeof(out->firmware_id));
	memcpy(out->type, m->profile.type, sizeof(out->type));
	memcpy(out->product_id, m->profile.product_id, sizeof(out->product_id));
	out->has_counter = true;
	out->counter = m->counter;
	out->capacity = m->profile.capacity;
}

hl_rc
hl_softcard_peek(const char *path, hl_card_info *out, hl_err *err)
{
	hl_softcard_mem m;
	hl_rc rc;

	if ((rc = hl_softcard_load(path, &m, err)) != HL_OK)
		return rc;
	memset(out, 0, sizeof(*out));
	(void)hl_text_copy(out->driver, sizeof(out->driver), "olc");
	out->atr_n = hl_softcard_atr(false, out->atr);
	out->can = HL_CAN_INFO | HL_CAN_ISSUE | HL_CAN_SERIAL | HL_CAN_REPLAY;
	info_fill(&m, out);
	explicit_bzero(&m, sizeof(m));
	return HL_OK;
}

hl_rc
hl_softcard_key(const char *path, hl_firmware_key *out, hl_err *err)
{
	hl_softcard_mem m;
	hl_rc rc;

	if ((rc = hl_softcard_load(path, &m, err)) != HL_OK)
		return rc;
	if (m.state != HL_CARD_OPERATIONAL)
		rc = hl_fail(err, HL_EINPUT, "read the firmware key",
		    "use a card in OPERATIONAL_STATE",
		    "the card in %s is blank or terminated: it holds no key",
		    path);
	else
		*out = m.profile.key;
	explicit_bzero(&m, sizeof(m));
	return rc;
}
