/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "card/driver.h"

static hl_rc
nothing_sent(hl_exec *exec, hl_err *err)
{
	*exec = HL_EXEC_NO;
	return hl_fail(err, HL_EBUSY, "model", "", "another program reset it");
}

static void
put_counter(hl_buf *out, const model *m)
{
	hl_buf_put(out, "\xC6\x04", 2);
	hl_buf_u32(out, m->counter);
}

static void
answer_select(const model *m, hl_buf *out)
{
	static const uint8_t head[] = { 0x6F, 0x13, 0x84, 0x08, 0xF0, 'H', 'S',
		'M', 'L', 'I', 'C', 0x01, 0xA5, 0x07, 0xC0, 0x01 };

	hl_buf_put(out, head, sizeof(head));
	hl_buf_u8(out, m->replay ? 2 : 0);
	hl_buf_put(out, "\xC1\x02\x01\x00\x90\x00", 6);
}

static void
answer_info(const model *m, hl_buf *out)
{
	static const uint8_t head[] = { 0xE0, 0x21, 0xC2, 0x08, 1, 2, 3, 4, 5,
		6, 7, 8, 0xC3, 0x01, 0x02, 0xC4, 0x01, 'F', 0xC5, 0x03, 'S',
		'F', 'I' };

	hl_buf_put(out, head, sizeof(head));
	if (m->swapped)
		out->p[out->n - sizeof(head) + 4] ^= 0xFF; /* the serial */
	put_counter(out, m);
	hl_buf_put(out, "\xC7\x04\x00\x00\x00\x64\x90\x00", 8);
}

static void
answer_issue(const model *m, hl_buf *out)
{
	hl_buf_put(out, "\xE2\x21\xCB\x07" MODEL_LICENSE, 11);
	put_counter(out, m);
	hl_buf_put(out, "\xCA\x10", 2);
	hl_buf_put(out, m->last, sizeof(m->last));
	hl_buf_put(out, "\x90\x00", 2);
}

/* The request ID is the last object of a short APDU, before its Le. */
static void
execute(model *m, const uint8_t *apdu, size_t n, bool count)
{
	const uint8_t *id = apdu + n - 1 - sizeof(m->last);

	if (m->replay && m->has_last &&
	    memcmp(id, m->last, sizeof(m->last)) == 0)
		return;
	memcpy(m->last, id, sizeof(m->last));
	m->has_last = true;
	m->counter -= count;
}

static hl_rc
issue(model *m, const uint8_t *apdu, size_t n, hl_buf *out, hl_exec *exec,
    hl_err *err)
{
	const model_act act = m->at < m->n ? m->acts[m->at] : MODEL_HONEST;

	m->at++;
	if (act == MODEL_RESET) {
		m->broken = true;
		return nothing_sent(exec, err);
	}
	if (act == MODEL_REFUSES) {
		hl_buf_put(out, "\x6A\x84", 2);
		return HL_OK;
	}
	execute(m, apdu, n, act != MODEL_STUCK);
	if (act == MODEL_COUNTS) {
		hl_buf_put(out, "\x69\x85", 2);
		return HL_OK;
	}
	m->swapped = m->swapped || act == MODEL_SWAPPED;
	if (act == MODEL_ANSWER_LOST) {
		m->broken = true;
		*exec = HL_EXEC_UNKNOWN;
		return hl_fail(err, HL_ECARD, "model", "", "it is lost");
	}
	answer_issue(m, out);
	if (act == MODEL_STRAY_GONE)
		out->p[out->n - 3] ^= 0xFF; /* before the status word */
	m->broken = m->gone =
	    act == MODEL_GONE_AFTER || act == MODEL_STRAY_GONE;
	return HL_OK;
}

static hl_rc
model_transmit(hl_channel *ch, const uint8_t *apdu, size_t n, hl_buf *out,
    hl_exec *exec, hl_deadline until, hl_err *err)
{
	model *m = (model *)(void *)ch;

	(void)until;
	hl_buf_reset(out);
	if (m->broken)
		return nothing_sent(exec, err);
	*exec = HL_EXEC_YES;
	if (apdu[1] == 0xA4)
		answer_select(m, out);
	else if (apdu[1] == 0xCA) {
		if (m->on_info != NULL)
			m->on_info(m->arg);
		answer_info(m, out);
	} else
		return issue(m, apdu, n, out, exec, err);
	return HL_OK;
}

static hl_rc
model_reconnect(hl_channel *ch, hl_deadline until, hl_err *err)
{
	model *m = (model *)(void *)ch;

	(void)until;
	if (m->gone)
		return hl_fail(err, HL_ENODEV, "model", "", "it is not there");
	m->broken = false;
	return HL_OK;
}

static void
model_close(hl_channel *ch)
{
	(void)ch;
}

hl_card *
model_open(
    model *m, uint32_t counter, bool replay, const model_act *acts, size_t n)
{
	static const struct hl_channel_ops ops = {
		.transmit = model_transmit,
		.reconnect = model_reconnect,
		.park = NULL,
		.close = model_close,
	};
	hl_card *card = NULL;

	*m = (model){
		.counter = counter, .replay = replay, .acts = acts, .n = n
	};
	m->ch.ops = &ops;
	m->ch.protocol = 1;
	strcpy(m->ch.reader, "Model 0");
	assert_int_equal(hl_card_open_channel(
			     &card, &m->ch, NULL, hl_deadline_in(50000), NULL),
	    HL_OK);
	return card;
}
