/* SPDX-License-Identifier: Apache-2.0 */
/* The Open License Card application: commands in, answers out. */
#include <string.h>

#include "card/softcard_int.h"
#include "chip/cert.h"
#include "util/tlv.h"

#define CLA_CHAIN 0x10U /* ISO/IEC 7816-4, 5.4.1 */
#define CHAIN_MAX 65535U
#define CAN_EXTENDED 1U
#define CAN_REPLAY 2U

enum sw {
	SW_DONE = 0x9000,
	SW_MORE = 0x6100,
	SW_LENGTH = 0x6700,
	SW_PRODUCT = 0x6984,
	SW_STATE = 0x6985,
	SW_DATA = 0x6A80,
	SW_NO_APPLICATION = 0x6A82,
	SW_COUNTER = 0x6A84,
	SW_P1P2 = 0x6A86,
	SW_LE = 0x6C00,
	SW_INS = 0x6D00,
	SW_CLA = 0x6E00,
	SW_INTERNAL = 0x6F00
};

static const uint8_t aid[] = { 0xF0, 'H', 'S', 'M', 'L', 'I', 'C', 0x01 };

/* A command APDU taken apart. */
struct command {
	uint8_t cla, ins, p1, p2;
	hl_rd data;
	size_t le; /* 0: none; 256 and 65,536 are spelled 00 and 0000 */
	bool extended;
};

/* ISO/IEC 7816-3, 12.1.3: cases 2S to 4S, after the header. */
static bool
parse_short(struct command *c, hl_rd r)
{
	uint8_t len, le;

	if (!hl_rd_u8(&r, &len))
		return false;
	if (r.n == 0) {
		c->le = len == 0 ? 256 : len;
		return true;
	}
	if (len == 0 || !hl_rd_take(&r, len, &c->data))
		return false;
	if (r.n == 0)
		return true;
	if (!hl_rd_u8(&r, &le) || r.n != 0)
		return false;
	c->le = le == 0 ? 256 : le;
	return true;
}

/* Cases 2E to 4E: a zero byte, then lengths of two bytes. */
static bool
parse_extended(struct command *c, hl_rd r)
{
	uint16_t len, le;
	uint8_t zero;

	c->extended = true;
	if (!hl_rd_u8(&r, &zero) || !hl_rd_u16(&r, &len))
		return false;
	if (r.n == 0) {
		c->le = len == 0 ? 65536 : len;
		return true;
	}
	if (len == 0 || !hl_rd_take(&r, len, &c->data))
		return false;
	if (r.n == 0)
		return true;
	if (!hl_rd_u16(&r, &le) || r.n != 0)
		return false;
	c->le = le == 0 ? 65536 : le;
	return true;
}

static bool
parse(struct command *c, const uint8_t *apdu, size_t n)
{
	hl_rd r = { apdu, n };

	memset(c, 0, sizeof(*c));
	if (!hl_rd_u8(&r, &c->cla) || !hl_rd_u8(&r, &c->ins) ||
	    !hl_rd_u8(&r, &c->p1) || !hl_rd_u8(&r, &c->p2))
		return false;
	if (r.n == 0)
		return true;
	if (r.n > 1 && r.p[0] == 0)
		return parse_extended(c, r);
	return parse_short(c, r);
}

/* Wraps what is in `body` into a template. */
static enum sw
wrap(hl_buf *out, uint8_t tag, hl_buf *body)
{
	if (body->failed)
		out->failed = true;
	else
		hl_tlv_put(out, tag, body->p, body->n);
	hl_buf_free(body);
	return out->failed ? SW_INTERNAL : SW_DONE;
}

static void
put_u32(hl_buf *b, uint8_t tag, uint32_t v)
{
	const uint8_t be[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
		(uint8_t)(v >> 8), (uint8_t)v };

	hl_tlv_put(b, tag, be, sizeof(be));
}

/*
 * Writes the new memory, and only then believes it. When that fails the file
 * may hold either one (the rename can have happened), so it is asked.
 */
static bool
commit(hl_softcard *card, const hl_softcard_mem *next)
{
	hl_softcard_mem now;

	if (hl_softcard_store(card->path, next, NULL) == HL_OK) {
		card->mem = *next;
		return true;
	}
	if (hl_softcard_load(card->path, &now, NULL) == HL_OK)
		card->mem = now;
	else
		card->dead = true;
	explicit_bzero(&now, sizeof(now));
	return false;
}

static enum sw
do_select(hl_softcard *card, bool t0, const struct command *c, hl_buf *out)
{
	const uint8_t can = (uint8_t)(CAN_REPLAY | (t0 ? 0 : CAN_EXTENDED));
	const uint8_t version[2] = { 1, 0 };
	hl_buf prop = HL_BUF_INIT, fci = HL_BUF_INIT;

	if (c->data.n != sizeof(aid) ||
	    memcmp(c->data.p, aid, sizeof(aid)) != 0)
		return SW_NO_APPLICATION;
	hl_tlv_put(&prop, HL_OLC_CAPABILITIES, &can, 1);
	hl_tlv_put(&prop, HL_OLC_VERSION, version, sizeof(version));
	hl_tlv_put(&fci, 0x84, aid, sizeof(aid));
	if (wrap(&fci, 0xA5, &prop) != SW_DONE) {
		hl_buf_free(&fci);
		return SW_INTERNAL;
	}
	card->selected = true;
	return wrap(out, 0x6F, &fci);
}

static enum sw
do_info(hl_softcard *card, bool t0, const struct command *c, hl_buf *out)
{
	const hl_softcard_mem *m = &card->mem;
	const hl_softcard_profile *p = &m->profile;
	const uint8_t state = (uint8_t)m->state;
	hl_buf b = HL_BUF_INIT;

	(void)t0;
	if (c->data.n != 0)
		return SW_LENGTH;
	hl_tlv_put(&b, HL_OLC_SERIAL, m->serial, m->serial_n);
	hl_tlv_put(&b, HL_OLC_STATE, &state, 1);
	if (m->state != HL_CARD_OPERATIONAL)
		return wrap(out, HL_OLC_INFO, &b);
	hl_tlv_put(&b, HL_OLC_FIRMWARE, p->firmware_id, strlen(p->firmware_id));
	hl_tlv_put(&b, HL_OLC_TYPE, p->type, strlen(p->type));
	put_u32(&b, HL_OLC_COUNTER, m->counter);
	put_u32(&b, HL_OLC_CAPACITY, p->capacity);
	if (p->product_id[0] != '\0')
		hl_tlv_put(
		    &b, HL_OLC_PRODUCT, p->product_id, strlen(p->product_id));
	return wrap(out, HL_OLC_INFO, &b);
}

static enum sw
do_personalize(hl_softcard *card, bool t0, const struct command *c, hl_buf *out)
{
	hl_softcard_mem next = card->mem;
	enum sw sw = SW_DONE;

	(void)t0;
	(void)out;
	if (next.state != HL_CARD_BLANK)
		sw = SW_STATE;
	else if (!hl_softcard_profile_parse(c->data, &next.profile))
		sw = SW_DATA;
	if (sw == SW_DONE) {
		next.state = HL_CARD_OPERATIONAL;
		next.counter = next.profile.capacity;
		sw = commit(card, &next) ? SW_DONE : SW_INTERNAL;
	}
	explicit_bzero(&next, sizeof(next));
	return sw;
}

static enum sw
issue_answer(const hl_softcard *card, hl_buf *out)
{
	const hl_softcard_mem *m = &card->mem;
	uint8_t id[sizeof(m->last_id)];
	hl_buf b = HL_BUF_INIT;

	memcpy(id, m->last_id, sizeof(id));
	if (card->fault == HL_SOFTCARD_WRONG_ID)
		id[0] ^= 0xFF;
	hl_tlv_put(
	    &b, HL_OLC_LICENSE, m->last_license, sizeof(m->last_license));
	put_u32(&b, HL_OLC_COUNTER, m->counter);
	hl_tlv_put(&b, HL_OLC_REQUEST_ID, id, sizeof(id));
	return wrap(out, HL_OLC_ANSWER, &b);
}

static uint32_t
counted(const hl_softcard *card)
{
	const uint32_t n = card->mem.counter;

	switch (card->fault) {
	case HL_SOFTCARD_STUCK:
		return n;
	case HL_SOFTCARD_JUMP:
		return n < 3 ? 0 : n - 3;
	case HL_SOFTCARD_HONEST:
	case HL_SOFTCARD_WRONG_ID:
		break;
	}
	return n - 1;
}

/* The counter is above zero. License, counter and request go down together. */
static enum sw
issue_new(
    hl_softcard *card, const hl_cert *cert, const uint8_t *id, hl_buf *out)
{
	hl_softcard_mem next = card->mem;
	enum sw sw = SW_INTERNAL;

	if (hl_license_make(&next.profile.key, cert->b + HL_CERT_KEY_AT,
		next.profile.type, NULL, next.last_license, NULL) == HL_OK) {
		next.counter = counted(card);
		next.has_last = true;
		memcpy(next.last_id, id, sizeof(next.last_id));
		memcpy(next.last_cert, cert->sha256, sizeof(next.last_cert));
		if (commit(card, &next))
			sw = issue_answer(card, out);
	}
	explicit_bzero(&next, sizeof(next));
	return sw;
}

static enum sw
issue_certified(
    hl_softcard *card, const hl_cert *cert, const uint8_t *id, hl_buf *out)
{
	const hl_softcard_mem *m = &card->mem;

	if (m->profile.product_id[0] != '\0' &&
	    strcmp(m->profile.product_id, cert->product_id) != 0)
		return SW_PRODUCT;
	if (m->has_last && memcmp(m->last_id, id, sizeof(m->last_id)) == 0) {
		if (memcmp(m->last_cert, cert->sha256, sizeof(m->last_cert)) !=
		    0)
			return SW_DATA;
		return issue_answer(card, out);
	}
	if (m->counter == 0)
		return SW_COUNTER;
	return issue_new(card, cert, id, out);
}

static enum sw
issue_checked(hl_softcard *card, const struct command *c, hl_buf *out)
{
	hl_softcard_field f[] = {
		{ .tag = HL_OLC_CERTIFICATE,
		    .min = HL_CERT_STM32,
		    .max = HL_CERT_STM32 },
		{ .tag = HL_OLC_REQUEST_ID, .min = 16, .max = 16 },
	};
	hl_cert cert;
	hl_rc rc;

	if (card->mem.state != HL_CARD_OPERATIONAL)
		return SW_STATE;
	if (!hl_softcard_fields(c->data, HL_OLC_REQUEST, f, HL_COUNT(f)))
		return SW_DATA;
	rc = hl_cert_parse(&cert, f[0].val.p, f[0].val.n, false, NULL);
	if (rc != HL_OK)
		return rc == HL_EINPUT ? SW_DATA : SW_INTERNAL;
	return issue_certified(card, &cert, f[1].val.p, out);
}

static enum sw
do_issue(hl_softcard *card, bool t0, const struct command *c, hl_buf *out)
{
	enum sw sw;

	(void)t0;
	sw = issue_checked(card, c, out);
	card->fault = HL_SOFTCARD_HONEST;
	return sw;
}

static const struct handler {
	uint8_t cla, ins, p1, p2;
	bool application; /* belongs to the application, not to the card */
	enum sw (*run)(
	    hl_softcard *card, bool t0, const struct command *c, hl_buf *out);
} handlers[] = {
	{ 0x00, 0xA4, 0x04, 0x00, false, do_select },
	{ 0x80, 0xCA, 0x00, 0x00, true, do_info },
	{ 0x80, 0xDA, 0x00, 0x00, true, do_personalize },
	{ 0x80, 0x2A, 0x00, 0x00, true, do_issue },
};

static enum sw
find(const hl_softcard *card, const struct command *c, const struct handler **h)
{
	const uint8_t cla = (uint8_t)(c->cla & ~CLA_CHAIN);

	*h = NULL;
	if (cla != 0x00 && cla != 0x80)
		return SW_CLA;
	for (size_t i = 0; i < HL_COUNT(handlers); i++) {
		if (handlers[i].cla == cla && handlers[i].ins == c->ins)
			*h = &handlers[i];
	}
	if (*h == NULL)
		return SW_INS;
	if ((*h)->application && !card->selected)
		return SW_STATE;
	if (c->p1 != (*h)->p1 || c->p2 != (*h)->p2)
		return SW_P1P2;
	return SW_DONE;
}

static void
chain_forget(hl_softcard *card)
{
	hl_buf_reset(&card->chain);
	card->chaining = false;
}

/*
 * Collects the blocks of a chain; a block with another header abandons the one
 * before it. With the last block *c gets the data of all of them.
 */
static enum sw
chain_add(hl_softcard *card, struct command *c)
{
	const uint8_t head[4] = { (uint8_t)(c->cla & ~CLA_CHAIN), c->ins, c->p1,
		c->p2 };
	const bool more = (c->cla & CLA_CHAIN) != 0;

	if (card->chaining && memcmp(head, card->chain_head, sizeof(head)) != 0)
		chain_forget(card);
	if (!more && !card->chaining)
		return SW_DONE;
	if (card->chain.n + c->data.n > CHAIN_MAX)
		return SW_LENGTH;
	hl_buf_put(&card->chain, c->data.p, c->data.n);
	if (card->chain.failed)
		return SW_INTERNAL;
	memcpy(card->chain_head, head, sizeof(head));
	card->chaining = true;
	c->data = (hl_rd){ card->chain.p, card->chain.n };
	return SW_DONE;
}

static void
put_sw(hl_buf *answer, unsigned sw)
{
	hl_buf_u16(answer, (uint16_t)sw);
}

static void
put_more(hl_buf *answer, unsigned sw, size_t left)
{
	put_sw(answer, sw | (left > 255 ? 0U : (unsigned)left));
}

/*
 * Answers with what is pending, as far as Le goes. T=0 (ISO/IEC 7816-3, 12.2):
 * no data after a command that brought data, and Le has to be exact.
 */
static void
deliver(hl_softcard *card, bool t0, const struct command *c, hl_buf *answer)
{
	const size_t left = card->pending.n - card->pending_at;
	size_t n = c->le < left ? c->le : left;

	if (t0 && c->data.n == 0) {
		n = left > 256 ? 256 : left;
		if (c->ins == 0xC0 && c->le != 0 && c->le < n)
			n = c->le;
		if (c->le != n) {
			put_more(answer, SW_LE, n);
			return;
		}
	} else if (t0) {
		n = 0;
	}
	hl_buf_put(answer, card->pending.p + card->pending_at, n);
	card->pending_at += n;
	if (n == left)
		put_sw(answer, SW_DONE);
	else
		put_more(answer, SW_MORE, left - n);
}

static void
get_response(
    hl_softcard *card, bool t0, const struct command *c, hl_buf *answer)
{
	if (c->p1 != 0 || c->p2 != 0)
		put_sw(answer, SW_P1P2);
	else if (c->data.n != 0)
		put_sw(answer, SW_LENGTH);
	else if (card->pending_at == card->pending.n)
		put_sw(answer, SW_STATE);
	else
		deliver(card, t0, c, answer);
}

static void
execute(hl_softcard *card, bool t0, struct command *c, hl_buf *answer)
{
	const struct handler *h;
	enum sw sw;

	hl_buf_reset(&card->pending);
	card->pending_at = 0;
	sw = find(card, c, &h);
	if (sw == SW_DONE)
		sw = chain_add(card, c);
	if (sw == SW_DONE && (c->cla & CLA_CHAIN) != 0) {
		put_sw(answer, SW_DONE);
		return;
	}
	if (sw == SW_DONE)
		sw = h->run(card, t0, c, &card->pending);
	if (sw != SW_DONE) {
		hl_buf_reset(&card->pending);
		put_sw(answer, sw);
	} else {
		deliver(card, t0, c, answer);
	}
	chain_forget(card);
}

void
hl_softcard_apdu(
    hl_softcard *card, bool t0, const uint8_t *apdu, size_t n, hl_buf *answer)
{
	struct command c;

	if (card->dead) {
		put_sw(answer, SW_INTERNAL);
	} else if (!parse(&c, apdu, n) || (t0 && c.extended)) {
		chain_forget(card);
		put_sw(answer, SW_LENGTH);
	} else if (c.cla == 0x00 && c.ins == 0xC0) {
		chain_forget(card);
		get_response(card, t0, &c, answer);
	} else {
		execute(card, t0, &c, answer);
	}
}

void
hl_softcard_reset(hl_softcard *card)
{
	card->selected = false;
	chain_forget(card);
	hl_buf_reset(&card->pending);
	card->pending_at = 0;
}

void
hl_softcard_misbehave(hl_softcard *card, hl_softcard_fault fault)
{
	card->fault = fault;
}

hl_rc
hl_softcard_terminate(hl_softcard *card, hl_err *err)
{
	hl_softcard_mem next = card->mem;
	hl_rc rc;

	next.state = HL_CARD_TERMINATED;
	explicit_bzero(&next.profile.key, sizeof(next.profile.key));
	rc = hl_softcard_store(card->path, &next, err);
	if (rc == HL_OK)
		card->mem = next;
	explicit_bzero(&next, sizeof(next));
	return rc;
}

/* ISO/IEC 7816-3, 8.2: six historical bytes; T=1 is told by TD1, and then the
 * check byte TCK makes the sum of all but TS zero. */
size_t
hl_softcard_atr(bool t0, uint8_t out[HL_ATR_MAX])
{
	static const uint8_t name[] = { 'H', 'S', 'M', 'L', 'I', 'C' };
	size_t n = 0;
	uint8_t tck = 0;

	out[n++] = 0x3B;
	out[n++] = (uint8_t)((t0 ? 0x00 : 0x80) | sizeof(name));
	if (!t0)
		out[n++] = 0x01;
	memcpy(out + n, name, sizeof(name));
	n += sizeof(name);
	if (t0)
		return n;
	for (size_t i = 1; i < n; i++)
		tck ^= out[i];
	out[n++] = tck;
	return n;
}
