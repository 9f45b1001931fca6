/* SPDX-License-Identifier: Apache-2.0 */
/* A software card in the same process, as a channel. */
#include <stdlib.h>
#include <string.h>

#include "card/softcard.h"

#define PREFIX "sim:"

struct soft_channel {
	hl_channel ch; /* first: the channel is the whole */
	hl_softcard *card;
};

static hl_softcard *
card_of(hl_channel *ch)
{
	return ((struct soft_channel *)(void *)ch)->card;
}

static hl_rc
soft_transmit(hl_channel *ch, const uint8_t *apdu, size_t n, hl_buf *answer,
    hl_exec *exec, hl_deadline until, hl_err *err)
{
	*exec = HL_EXEC_NO;
	if (hl_deadline_left(until) == 0)
		return hl_fail(err, HL_ETIMEOUT, "ask the software card",
		    "allow more time with --timeout",
		    "the time was over before the command was sent");
	*exec = HL_EXEC_UNKNOWN;
	hl_buf_reset(answer);
	hl_softcard_apdu(card_of(ch), false, apdu, n, answer);
	if (answer->failed)
		return hl_nomem(err);
	*exec = HL_EXEC_YES;
	return HL_OK;
}

static hl_rc
soft_reconnect(hl_channel *ch, hl_deadline until, hl_err *err)
{
	(void)until;
	(void)err;
	hl_softcard_reset(card_of(ch));
	return HL_OK;
}

static void
soft_close(hl_channel *ch)
{
	struct soft_channel *s = (struct soft_channel *)(void *)ch;

	hl_softcard_close(&s->card);
	free(s);
}

static const struct hl_channel_ops soft_ops = {
	.transmit = soft_transmit,
	.reconnect = soft_reconnect,
	.park = NULL,
	.close = soft_close,
};

/* A long path is known by its end; a UTF-8 character is not cut in two. */
static void
reader_name(char out[HL_READER_NAME_MAX], const char *path)
{
	const size_t room = HL_READER_NAME_MAX - sizeof(PREFIX);
	size_t n = strlen(path);

	if (n > room) {
		path += n - room;
		while (((unsigned char)*path & 0xC0) == 0x80)
			path++;
		n = strlen(path);
	}
	memcpy(out, PREFIX, sizeof(PREFIX) - 1);
	memcpy(out + sizeof(PREFIX) - 1, path, n + 1);
}

hl_rc
hl_softcard_channel(
    hl_channel **out, const char *path, hl_deadline until, hl_err *err)
{
	struct soft_channel *s;
	hl_rc rc;

	*out = NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return hl_nomem(err);
	rc = hl_softcard_open(&s->card, path, until, err);
	if (rc != HL_OK) {
		free(s);
		return rc;
	}
	s->ch.ops = &soft_ops;
	s->ch.protocol = 1;
	s->ch.atr_n = hl_softcard_atr(false, s->ch.atr);
	reader_name(s->ch.reader, path);
	*out = &s->ch;
	return HL_OK;
}
