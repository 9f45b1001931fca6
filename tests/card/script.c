/* SPDX-License-Identifier: Apache-2.0 */
#include "card/script.h"

hl_deadline
script_later(void)
{
	return hl_deadline_in(50000);
}

void
script_hex(hl_buf *out, const char *hex)
{
	while (*hex != '\0') {
		unsigned v, count = 1;
		int used = 0;

		if (*hex == ' ') {
			hex++;
			continue;
		}
		assert_int_equal(sscanf(hex, "%2x%n", &v, &used), 1);
		assert_int_equal(used, 2);
		hex += used;
		if (*hex == '*') {
			assert_int_equal(
			    sscanf(hex, "*%u%n", &count, &used), 1);
			hex += used;
		}
		while (count-- > 0)
			hl_buf_u8(out, (uint8_t)v);
	}
}

static hl_rc
script_transmit(hl_channel *ch, const uint8_t *apdu, size_t n, hl_buf *answer,
    hl_exec *exec, hl_deadline until, hl_err *err)
{
	script *s = (script *)(void *)ch;
	script_step *step = &s->steps[s->at];

	(void)until;
	if (s->at >= s->n)
		fail_msg("command %zu was not expected: %02x%02x...", s->at,
		    (unsigned)apdu[0], (unsigned)apdu[1]);
	s->at++;
	if (n != step->cmd.n || memcmp(apdu, step->cmd.p, n) != 0)
		fail_msg("command %zu differs: %zu bytes, expected %zu",
		    s->at - 1, n, step->cmd.n);
	*exec = step->exec;
	if (step->rc != HL_OK)
		return hl_fail(err, step->rc, "script", "", "as written");
	hl_buf_reset(answer);
	if (step->answer.n > 0)
		hl_buf_put(answer, step->answer.p, step->answer.n);
	return HL_OK;
}

static hl_rc
script_reconnect(hl_channel *ch, hl_deadline until, hl_err *err)
{
	script *s = (script *)(void *)ch;

	(void)until;
	s->reconnected++;
	if (s->reconnect_rc != HL_OK)
		return hl_fail(err, s->reconnect_rc, "script", "", "as set");
	return HL_OK;
}

static void
script_close(hl_channel *ch)
{
	((script *)(void *)ch)->closed++;
}

void
script_start(script *s, unsigned protocol)
{
	static const struct hl_channel_ops ops = {
		.transmit = script_transmit,
		.reconnect = script_reconnect,
		.park = NULL,
		.close = script_close,
	};

	*s = (script){ .n = 0 };
	s->ch.ops = &ops;
	s->ch.protocol = protocol;
	snprintf(s->ch.reader, sizeof(s->ch.reader), "Script 0");
	s->ch.atr_n = 2;
	memcpy(s->ch.atr, "\x3B\x00", 2);
}

static script_step *
add(script *s, const char *cmd)
{
	script_step *step = &s->steps[s->n++];

	assert_true(s->n <= SCRIPT_STEPS);
	*step = (script_step){ .exec = HL_EXEC_YES };
	script_hex(&step->cmd, cmd);
	return step;
}

void
script_answer(script *s, const char *cmd, const char *answer)
{
	script_hex(&add(s, cmd)->answer, answer);
}

void
script_fail(script *s, const char *cmd, hl_rc rc, hl_exec exec)
{
	script_step *step = add(s, cmd);

	step->rc = rc;
	step->exec = exec;
}

void
script_end(script *s)
{
	assert_int_equal(s->at, s->n);
	for (size_t i = 0; i < s->n; i++) {
		hl_buf_free(&s->steps[i].cmd);
		hl_buf_free(&s->steps[i].answer);
	}
}
