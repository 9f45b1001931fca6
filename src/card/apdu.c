/* SPDX-License-Identifier: Apache-2.0 */
#include "card/apdu.h"

#include <stdatomic.h>
#include <stdio.h>

#include "util/hex.h"

#define WHAT "talk to the card"
#define HINT                                                                   \
	"this card does not keep to its protocol: use another one, tell its "  \
	"maker"
#define BLOCK_MAX 255	/* bytes of data in a short APDU */
#define LE_NONE (-1)	/* no answer data is asked for */
#define CLA_CHAIN 0x10U /* ISO 7816-4, 5.4.1: more blocks follow */

/* One APDU to be sent. */
typedef struct block {
	uint8_t cla, ins, p1, p2;
	const uint8_t *data;
	size_t n;
	bool extended; /* only with data */
	int le;	       /* LE_NONE, or as it is coded: 0 is the maximum */
} block;

/* One exchange, from the first block to the last byte of the answer. */
typedef struct talk {
	hl_channel *ch;
	hl_buf *data; /* what has been collected */
	uint16_t sw;
	hl_exec *exec;
	hl_deadline until;
	hl_err *err;
} talk;

static atomic_bool tracing;

void
hl_apdu_trace(bool on)
{
	atomic_store(&tracing, on);
}

/* VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, PERSONALIZE. */
static bool
is_secret(const uint8_t *apdu, size_t n)
{
	return n >= 2 &&
	    (apdu[1] == 0x20 || apdu[1] == 0x24 || apdu[1] == 0x2C ||
		apdu[1] == 0xDA);
}

/* One line, written at once: several processes may share stderr. */
static void
trace(const char *mark, const uint8_t *p, size_t n, bool secret)
{
	hl_buf line = HL_BUF_INIT;
	size_t shown = secret && n > 4 ? 4 : n;

	if (!atomic_load(&tracing))
		return;
	hl_buf_printf(&line, "apdu %s ", mark);
	for (size_t i = 0; i < shown; i++)
		hl_buf_printf(&line, "%02X", (unsigned)p[i]);
	if (shown < n)
		hl_buf_printf(&line, " (%zu bytes masked)", n - shown);
	hl_buf_put(&line, "\n", 1);
	(void)fputs(hl_buf_str(&line), stderr);
	hl_buf_free(&line);
}

static void
build(const block *b, hl_buf *out)
{
	const uint8_t head[] = { b->cla, b->ins, b->p1, b->p2 };

	hl_buf_put(out, head, sizeof(head));
	if (b->extended) {
		hl_buf_u8(out, 0);
		hl_buf_u16(out, (uint16_t)b->n);
	} else if (b->n > 0) {
		hl_buf_u8(out, (uint8_t)b->n);
	}
	if (b->n > 0)
		hl_buf_put(out, b->data, b->n);
	if (b->le == LE_NONE)
		return;
	if (b->extended)
		hl_buf_u16(out, (uint16_t)b->le);
	else
		hl_buf_u8(out, (uint8_t)b->le);
}

static bool
wants_other_le(uint16_t sw)
{
	return sw >> 8 == 0x6C;
}

static bool
has_more(uint16_t sw)
{
	return sw >> 8 == 0x61;
}

/* Takes an answer apart: status word to t->sw, data behind what is there. */
static hl_rc
take(talk *t, const hl_buf *answer)
{
	size_t n = answer->n;

	if (n < 2)
		return hl_fail(t->err, HL_ECARD, WHAT,
		    "take the card out and put it in again",
		    "the answer has %zu bytes and no status word", n);
	t->sw = (uint16_t)(answer->p[n - 2] << 8 | answer->p[n - 1]);
	n -= 2;
	if (wants_other_le(t->sw))
		return HL_OK;
	if (t->data->n + n > HL_APDU_ANSWER_MAX)
		return hl_fail(t->err, HL_ECARD, WHAT, HINT,
		    "the answer is longer than %d bytes", HL_APDU_ANSWER_MAX);
	if (n > 0)
		hl_buf_put(t->data, answer->p, n);
	return t->data->failed ? hl_nomem(t->err) : HL_OK;
}

static hl_rc
send_apdu(talk *t, const hl_buf *apdu)
{
	hl_buf answer = HL_BUF_INIT;
	hl_rc rc;

	trace(">", apdu->p, apdu->n, is_secret(apdu->p, apdu->n));
	*t->exec = HL_EXEC_UNKNOWN;
	rc = t->ch->ops->transmit(
	    t->ch, apdu->p, apdu->n, &answer, t->exec, t->until, t->err);
	if (rc == HL_OK) {
		trace("<", answer.p, answer.n, false);
		if ((rc = take(t, &answer)) != HL_OK)
			*t->exec = HL_EXEC_UNKNOWN;
	}
	hl_buf_free(&answer);
	return rc;
}

static hl_rc
send_block(talk *t, const block *b)
{
	hl_buf apdu = HL_BUF_INIT;
	hl_rc rc;

	build(b, &apdu);
	if (apdu.failed) {
		*t->exec = HL_EXEC_NO;
		rc = hl_nomem(t->err);
	} else {
		rc = send_apdu(t, &apdu);
	}
	hl_buf_free(&apdu);
	return rc;
}

/*
 * Sends a block, and once more when the card says 6Cxx: it then has executed
 * nothing and tells the Le that it wants (ISO 7816-4, 5.3.4).
 */
static hl_rc
send_with_le(talk *t, block b)
{
	hl_rc rc = send_block(t, &b);

	if (rc != HL_OK || !wants_other_le(t->sw))
		return rc;
	b.le = t->sw & 0xFF;
	if (b.extended && b.le == 0)
		b.le = 256;
	rc = send_block(t, &b);
	if (rc == HL_OK && wants_other_le(t->sw)) {
		*t->exec = HL_EXEC_UNKNOWN;
		return hl_fail(t->err, HL_ECARD, WHAT, HINT,
		    "the card corrects the expected length again and again "
		    "(status word %04X)",
		    (unsigned)t->sw);
	}
	return rc;
}

/*
 * All blocks of a chain but the last. They execute nothing, whatever happens
 * to them. A status word other than 9000 ends the command.
 */
static hl_rc
send_chain(talk *t, const hl_apdu *cmd, size_t *sent)
{
	hl_rc rc = HL_OK;

	t->sw = 0x9000;
	while (rc == HL_OK && t->sw == 0x9000 && cmd->n - *sent > BLOCK_MAX) {
		block b = { (uint8_t)(cmd->cla | CLA_CHAIN), cmd->ins, cmd->p1,
			cmd->p2, cmd->data + *sent, BLOCK_MAX, false, LE_NONE };

		rc = send_block(t, &b);
		*sent += BLOCK_MAX;
		hl_buf_reset(t->data);
	}
	*t->exec = HL_EXEC_NO;
	if (rc == HL_OK && (wants_other_le(t->sw) || has_more(t->sw)))
		return hl_fail(t->err, HL_ECARD, WHAT, HINT,
		    "the card answers %04X in the middle of a chain",
		    (unsigned)t->sw);
	return rc;
}

/* GET RESPONSE until nothing is left. The card has executed the command. */
static hl_rc
collect(talk *t)
{
	size_t before;
	hl_rc rc;

	while (has_more(t->sw)) {
		block b = { 0x00, 0xC0, 0x00, 0x00, NULL, 0, false,
			t->sw & 0xFF };

		before = t->data->n;
		rc = send_with_le(t, b);
		*t->exec = HL_EXEC_UNKNOWN;
		if (rc != HL_OK)
			return rc;
		if (has_more(t->sw) && t->data->n == before)
			return hl_fail(t->err, HL_ECARD, WHAT, HINT,
			    "the card announces more data and gives none");
	}
	if (t->sw != 0x9000)
		return hl_fail(t->err, HL_ECARD, WHAT, HINT,
		    "the card announced an answer and then gave status word "
		    "%04X instead",
		    (unsigned)t->sw);
	*t->exec = HL_EXEC_YES;
	return HL_OK;
}

static hl_rc
send_last(talk *t, const hl_apdu *cmd, size_t sent, bool extended)
{
	block b = { cmd->cla, cmd->ins, cmd->p1, cmd->p2, NULL, cmd->n - sent,
		extended, 0 };
	hl_rc rc;

	if (b.n > 0)
		b.data = cmd->data + sent;
	/* A T=0 command has data or an expected length, not both. */
	if (cmd->no_answer_data || (t->ch->protocol == 0 && b.n > 0))
		b.le = LE_NONE;
	rc = send_with_le(t, b);
	if (rc == HL_OK && has_more(t->sw))
		rc = collect(t);
	return rc;
}

hl_rc
hl_apdu_exchange(hl_channel *ch, const hl_apdu *cmd, hl_buf *data, uint16_t *sw,
    hl_exec *exec, hl_deadline until, hl_err *err)
{
	/* T=0 has no extended length of its own. */
	const bool extended =
	    cmd->extended && ch->protocol != 0 && cmd->n > BLOCK_MAX;
	talk t = { ch, data, 0x9000, exec, until, err };
	size_t sent = 0;
	hl_rc rc = HL_OK;

	*exec = HL_EXEC_NO;
	hl_buf_reset(data);
	if (cmd->n > UINT16_MAX)
		return hl_fail(err, HL_EINPUT, WHAT, "",
		    "the command is longer than %d bytes", UINT16_MAX);
	if (!extended)
		rc = send_chain(&t, cmd, &sent);
	if (rc == HL_OK && t.sw == 0x9000)
		rc = send_last(&t, cmd, sent, extended);
	if (rc == HL_OK)
		*sw = t.sw;
	return rc;
}
