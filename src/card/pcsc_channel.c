/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "card/pcsc.h"
#include "card/pcsc_codes.h"
#include "util/text.h"

/* The child keeps OPEN's time itself, and knows better why it ran out: it gets
 * this much longer to say so. */
#define GRACE_MS 300
#define CLOSE_MS 2000

typedef struct pcsc_channel {
	hl_channel base;
	hl_pcsc_proc proc;
	bool failed; /* nothing more is sent before a reconnect */
} pcsc_channel;

/* Ends the connection in good order if the child still listens. */
static void
hang_up(pcsc_channel *c)
{
	hl_pcsc_msg m = { .op = HL_PCSC_CLOSE, .arg = c->failed };
	hl_buf body = HL_BUF_INIT;

	if (c->proc.pid != 0 &&
	    hl_pcsc_ask(&c->proc, &m, NULL, &body, hl_deadline_in(CLOSE_MS)) ==
		HL_PCSC_ANSWERED)
		hl_pcsc_stop(&c->proc);
	hl_buf_free(&body);
}

/* Why there was no answer to OPEN. */
static hl_rc
open_failed(hl_pcsc_end end, uint32_t call, hl_err *err)
{
	if (end != HL_PCSC_LATE)
		return hl_fail(err, HL_EIO, "", "try again",
		    "the process that talks to PC/SC died (%s)",
		    call == HL_CALL_NONE ? "at its start"
					 : hl_pcsc_call_name(call));
	if (call == HL_CALL_BEGIN)
		return hl_fail(err, HL_EBUSY, "",
		    "close the other program that uses the card, or give it "
		    "more time with --timeout",
		    "another program went on holding the card "
		    "(SCardBeginTransaction)");
	if (call == HL_CALL_CONNECT)
		return hl_fail(err, HL_ETIMEOUT, "",
		    "close other programs that use the card, or take it out "
		    "and put it in again",
		    "another program holds the card, or the card does not "
		    "answer (SCardConnect did not return in time)");
	return hl_fail(err, HL_ETIMEOUT, "",
	    "restart the service (systemctl restart pcscd)",
	    "the PC/SC service did not answer in time (%s)",
	    hl_pcsc_call_name(call));
}

static hl_rc
take_card(pcsc_channel *c, const hl_pcsc_msg *m, const hl_buf *atr, hl_err *err)
{
	if (m->code != 0)
		return hl_pcsc_fail(
		    err, "", hl_pcsc_call_name(m->call), m->code);
	if (atr->failed)
		return hl_nomem(err);
	c->base.atr_n = atr->n <= HL_ATR_MAX ? atr->n : HL_ATR_MAX;
	if (c->base.atr_n > 0)
		memcpy(c->base.atr, atr->p, c->base.atr_n);
	c->base.protocol = m->arg;
	c->failed = false;
	return HL_OK;
}

static hl_rc
dial(pcsc_channel *c, hl_deadline until, hl_err *err)
{
	hl_pcsc_msg m = { .op = HL_PCSC_OPEN,
		.ms = (uint32_t)hl_deadline_left(until),
		.n = (uint32_t)strlen(c->base.reader) };
	hl_buf atr = HL_BUF_INIT;
	hl_pcsc_end end;
	hl_rc rc;

	if ((rc = hl_pcsc_start(&c->proc, err)) != HL_OK)
		return rc;
	end = hl_pcsc_ask(&c->proc, &m, c->base.reader, &atr, until + GRACE_MS);
	rc = end == HL_PCSC_ANSWERED ? take_card(c, &m, &atr, err)
				     : open_failed(end, m.call, err);
	if (rc != HL_OK) {
		hl_err_what(err, "open the card in \"%s\"", c->base.reader);
		hl_pcsc_stop(&c->proc);
		c->failed = true;
	}
	hl_buf_free(&atr);
	return rc;
}

/* Nothing of the APDU reached the child. */
static hl_rc
not_sent(pcsc_channel *c, hl_rc rc, hl_exec *exec, const char *why, hl_err *err)
{
	c->failed = true;
	*exec = HL_EXEC_NO;
	hl_fail(
	    err, rc, "", "nothing was sent to the card; try again", "%s", why);
	hl_err_what(
	    err, "send a command to the card in \"%s\"", c->base.reader);
	return rc;
}

static hl_rc
no_answer(hl_pcsc_end end, hl_err *err)
{
	if (end == HL_PCSC_LATE)
		return hl_fail(err, HL_ETIMEOUT, "",
		    "the reader stays locked until the card lets go: take the "
		    "card out and put it in again",
		    "the card gave no answer in time");
	return hl_fail(err, HL_ECARD, "",
	    "look at the log of pcscd; nothing is sent again blindly",
	    "the process that talks to PC/SC died while the card was at work");
}

static hl_rc
judge(const hl_pcsc_msg *m, const hl_buf *answer, hl_exec *exec, hl_err *err)
{
	*exec = hl_pcsc_code_find(m->code)->exec;
	if (m->code != 0)
		return hl_pcsc_fail(
		    err, "", hl_pcsc_call_name(m->call), m->code);
	if (answer->failed) {
		*exec = HL_EXEC_UNKNOWN;
		return hl_nomem(err);
	}
	if (answer->n >= 2)
		return HL_OK;
	/* What some readers say when the card goes away while answering. */
	*exec = HL_EXEC_UNKNOWN;
	return hl_fail(err, HL_ECARD, "",
	    "put the card in again, firmly; nothing is sent again blindly",
	    "the answer has %zu bytes and no status word", answer->n);
}

static hl_rc
pcsc_transmit(hl_channel *ch, const uint8_t *apdu, size_t n, hl_buf *answer,
    hl_exec *exec, hl_deadline until, hl_err *err)
{
	pcsc_channel *c = (pcsc_channel *)ch;
	hl_pcsc_msg m = { .op = HL_PCSC_TRANSMIT, .n = (uint32_t)n };
	hl_pcsc_end end;
	hl_rc rc;

	if (c->failed)
		return not_sent(c, HL_ECARD, exec,
		    "the connection to the card was given up before", err);
	if (hl_deadline_left(until) == 0)
		return not_sent(c, HL_ETIMEOUT, exec, "the time is up", err);
	if (n > HL_PCSC_BODY_MAX)
		return not_sent(c, HL_EINPUT, exec,
		    "the command is too long for PC/SC", err);
	end = hl_pcsc_ask(&c->proc, &m, apdu, answer, until);
	if (end == HL_PCSC_NOT_SENT)
		return not_sent(c, HL_EIO, exec,
		    "the process that talks to PC/SC is gone", err);
	*exec = HL_EXEC_UNKNOWN;
	rc = end == HL_PCSC_ANSWERED ? judge(&m, answer, exec, err)
				     : no_answer(end, err);
	if (rc != HL_OK) {
		c->failed = true;
		hl_err_what(err, "send a command to the card in \"%s\"",
		    c->base.reader);
	}
	return rc;
}

static hl_rc
pcsc_reconnect(hl_channel *ch, hl_deadline until, hl_err *err)
{
	pcsc_channel *c = (pcsc_channel *)ch;

	hang_up(c);
	return dial(c, until, err);
}

static void
pcsc_park(hl_channel *ch)
{
	pcsc_channel *c = (pcsc_channel *)ch;

	hang_up(c);
	c->failed = true;
}

static void
pcsc_close(hl_channel *ch)
{
	pcsc_channel *c = (pcsc_channel *)ch;

	hang_up(c);
	free(c);
}

hl_rc
hl_pcsc_channel(
    hl_channel **out, const char *reader, hl_deadline until, hl_err *err)
{
	static const struct hl_channel_ops ops = { pcsc_transmit,
		pcsc_reconnect, pcsc_park, pcsc_close };
	pcsc_channel *c = calloc(1, sizeof(*c));
	hl_rc rc;

	*out = NULL;
	if (c == NULL)
		return hl_nomem(err);
	c->base.ops = &ops;
	if (!hl_text_copy(c->base.reader, sizeof(c->base.reader), reader))
		rc = hl_fail(err, HL_EINPUT, "open a card",
		    "`hsmlic card list` shows the readers",
		    "the name of the reader is longer than %d bytes",
		    HL_READER_NAME_MAX - 1);
	else
		rc = dial(c, until, err);
	if (rc != HL_OK) {
		free(c);
		return rc;
	}
	*out = &c->base;
	return HL_OK;
}
