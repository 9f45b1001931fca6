/* SPDX-License-Identifier: Apache-2.0 */
#include "stranger.h"

#include <string.h>

/* A command APDU taken apart (ISO/IEC 7816-3, 12.1). */
struct command {
	uint8_t head[4];
	const uint8_t *data;
	size_t nc, ne; /* ne: 256 or 65536 for a Le of zero */
	bool has_le, extended;
};

enum {
	SW_OK = 0x9000,
	SW_MORE = 0x6100,
	SW_LENGTH = 0x6700,
	SW_LE = 0x6c00,
	SW_STATE = 0x6985,
	SW_P1P2 = 0x6a86,
};

static bool
parse_short(const uint8_t *in, size_t len, struct command *c)
{
	if (len == 4)
		return true;
	if (len > 5) {
		c->nc = in[4];
		c->data = in + 5;
	}
	if (len > 5 && (c->nc == 0 || len < 5 + c->nc || len > 6 + c->nc))
		return false;
	c->has_le = len == 5 || len == 6 + c->nc;
	if (c->has_le)
		c->ne = in[len - 1] == 0 ? 256 : in[len - 1];
	return true;
}

static bool
parse_extended(const uint8_t *in, size_t len, struct command *c)
{
	size_t first = (size_t)in[5] << 8 | in[6], last;

	c->extended = true;
	if (len > 7) {
		c->nc = first;
		c->data = in + 7;
	}
	if (len > 7 && (c->nc == 0 || len < 7 + c->nc))
		return false;
	if (len > 7 && len != 7 + c->nc && len != 9 + c->nc)
		return false;
	c->has_le = len == 7 || len == 9 + c->nc;
	last = (size_t)in[len - 2] << 8 | in[len - 1];
	if (c->has_le)
		c->ne = last == 0 ? 65536 : last;
	return true;
}

static bool
parse(const uint8_t *in, size_t len, struct command *c)
{
	memset(c, 0, sizeof(*c));
	if (len < 4)
		return false;
	memcpy(c->head, in, 4);
	if (len >= 7 && in[4] == 0)
		return parse_extended(in, len, c);
	return parse_short(in, len, c);
}

static void
add_sw(struct blob *out, unsigned sw)
{
	out->b[out->n++] = (uint8_t)(sw >> 8);
	out->b[out->n++] = (uint8_t)sw;
}

static unsigned /* xx of 61xx and 6Cxx; 00 is 256 */
length_byte(size_t n)
{
	return n < 256 ? (unsigned)n : 0;
}

/* 6Cxx can only name what one byte says; larger ones go through. */
static bool
le_refused(const struct card *card, const struct command *c, size_t n)
{
	const size_t cap = n < 256 ? n : 256;

	if (!card->habits.always_6c || !c->has_le || n == 0)
		return false;
	return c->extended ? n < 256 && c->ne != n : c->ne != cap;
}

static void /* sends the next part of what is pending */
send_pending(struct card *card, size_t ne, struct blob *out)
{
	size_t left = card->pending.n - card->pending_at;
	size_t part = left < ne ? left : ne;

	memcpy(out->b, card->pending.b + card->pending_at, part);
	out->n = part;
	card->pending_at += part;
	left -= part;
	add_sw(out, left == 0 ? SW_OK : SW_MORE | length_byte(left));
}

static void
get_response(struct card *card, const struct command *c, struct blob *out)
{
	size_t left = card->pending.n - card->pending_at;

	if (c->head[2] != 0 || c->head[3] != 0)
		add_sw(out, SW_P1P2);
	else if (left == 0)
		add_sw(out, SW_STATE);
	else if (!c->has_le)
		add_sw(out, SW_LENGTH);
	else if (le_refused(card, c, left))
		add_sw(out, SW_LE | length_byte(left));
	else
		send_pending(card, c->ne, out);
}

static bool
answers_by_61(const struct card *card, const struct command *c)
{
	const struct habits *h = &card->habits;

	if (card->issues != 0 && h->too_long == card->issues &&
	    c->head[1] == 0x2a)
		return true;
	return h->always_61 || !c->has_le || (h->t0 && c->nc > 0);
}

/*
 * A card that refuses a Le must not have spent anything yet: the command is
 * tried on a copy first, which knows no file.
 */
static bool
refused_before(const struct card *card, const struct command *c,
    const uint8_t *data, size_t len, struct blob *out)
{
	static struct card trial;
	struct blob answer = { .n = 0 };

	trial = *card;
	trial.state_file = NULL;
	if (olc_run(&trial, c->head, data, len, &answer) != SW_OK ||
	    answers_by_61(&trial, c) || !le_refused(card, c, answer.n))
		return false;
	add_sw(out, SW_LE | length_byte(answer.n));
	return true;
}

static void
run(struct card *card, const struct command *c, const uint8_t *data, size_t len,
    struct blob *out)
{
	const bool issuing = c->head[0] == 0x80 && c->head[1] == 0x2a;
	const unsigned before = card->issues;
	uint16_t sw;

	if (card->habits.always_6c && refused_before(card, c, data, len, out))
		return;
	sw = olc_run(card, c->head, data, len, &card->pending);
	if (sw != SW_OK || card->pending.n == 0) {
		card->pending.n = 0;
		add_sw(out, sw);
	} else if (issuing && card->issues != before &&
	    card->habits.no_sw == card->issues) {
		out->b[out->n++] = card->pending.b[0];
		card->pending.n = 0;
	} else if (answers_by_61(card, c)) {
		add_sw(out, SW_MORE | length_byte(card->pending.n));
	} else {
		send_pending(card, c->ne, out);
	}
}

/* Command chaining: CLA bit 0x10 on all blocks but the last. */
static void
chain(struct card *card, struct command *c, struct blob *out)
{
	const bool more = (c->head[0] & 0x10) != 0;
	struct blob *to = &card->chained;

	c->head[0] &= 0xef;
	if (memcmp(card->chain_head, c->head, sizeof(c->head)) != 0 ||
	    (card->rerun && more))
		to->n = 0; /* another command: the unfinished one is void */
	card->rerun = false;
	memcpy(card->chain_head, c->head, sizeof(c->head));
	if (c->nc > sizeof(to->b) / 2 - to->n) {
		to->n = 0;
		add_sw(out, SW_LENGTH);
		return;
	}
	if (c->nc > 0)
		memcpy(to->b + to->n, c->data, c->nc);
	to->n += c->nc;
	if (more) {
		add_sw(out, SW_OK);
		return;
	}
	run(card, c, to->b, to->n, out);
	/* After 6Cxx the host may send the last block again, or them all. */
	card->rerun = out->n == 2 && out->b[0] == SW_LE >> 8;
	to->n = card->rerun ? to->n - c->nc : 0;
}

void
apdu_serve(struct card *card, const uint8_t *in, size_t len, struct blob *out)
{
	struct command c;

	out->n = 0;
	if (!parse(in, len, &c) || (c.extended && card->habits.no_extended)) {
		add_sw(out, SW_LENGTH);
		return;
	}
	if (c.head[0] == 0x00 && c.head[1] == 0xc0) {
		get_response(card, &c, out);
		return;
	}
	card->pending.n = card->pending_at = 0;
	chain(card, &c, out);
}

void
apdu_reset(struct card *card)
{
	card->selected = false;
	card->pending.n = card->pending_at = 0;
	card->chained.n = 0;
}
