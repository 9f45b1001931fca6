/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation with a card that says anything: open, read, issue. The input
 * is a byte of options and then the answers. An answer is its length (00 to FB,
 * or FC and two bytes) and its bytes; FD: the command did not go out; FE:
 * nobody knows what became of it. The oracle keeps its own books on what
 * reached the card.
 */
#include <string.h>

#include "card/apdu.h"
#include "card/driver.h"
#include "fuzz/must.h"
#include "util/rd.h"

#define OPT_T0 1U
#define OPT_LONG 2U	/* a certificate that needs a chain */
#define OPT_STM32HSM 4U /* the ATR of a card that is not talked to */
#define TALK_MAX 1000	/* commands of a conversation that ends by itself */

typedef struct talk {
	hl_channel ch;
	hl_rd in;
	unsigned sent; /* commands */
	/* ISSUE, its last block: */
	unsigned issued;    /* times it may have reached the card */
	uint16_t issue_sw;  /* the last answer to it; 0: none */
	bool announced;	    /* ... it was 61xx */
	bool silent;	    /* ... or none that could be taken */
	bool refused_early; /* a block before was answered otherwise */
} talk;

static const hl_uuid request_id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
    14, 15, 16 } };

/* The next answer of the input. False: a failure, *exec says which. */
static bool
next_answer(talk *t, hl_rd *out, hl_exec *exec)
{
	uint8_t n;
	uint16_t more;
	size_t len;

	*exec = HL_EXEC_NO;
	if (!hl_rd_u8(&t->in, &n) || n == 0xFD)
		return false;
	*exec = HL_EXEC_UNKNOWN;
	if (n == 0xFE)
		return false;
	len = n;
	if (n == 0xFC && hl_rd_u16(&t->in, &more))
		len = more;
	if (len > t->in.n)
		len = t->in.n;
	*exec = HL_EXEC_YES;
	return hl_rd_take(&t->in, len, out);
}

/* An executing block goes out once, and again only after 6Cxx. */
static void
book_issue(talk *t, hl_exec exec, const hl_rd *answer)
{
	MUST(t->issued == 0 || (t->issue_sw >> 8) == 0x6C);
	MUST(!t->refused_early);
	if (exec == HL_EXEC_NO)
		return;
	t->issued++;
	MUST(t->issued <= 2);
	t->silent = exec == HL_EXEC_UNKNOWN || answer->n < 2 ||
	    answer->n > HL_APDU_ANSWER_MAX + 2;
	t->issue_sw = 0;
	if (!t->silent)
		t->issue_sw = (uint16_t)(answer->p[answer->n - 2] << 8 |
		    answer->p[answer->n - 1]);
	t->announced = (t->issue_sw >> 8) == 0x61;
}

static void
book_chain(talk *t, hl_exec exec, const hl_rd *answer)
{
	MUST(!t->refused_early && t->issued == 0);
	t->refused_early = exec != HL_EXEC_YES || answer->n < 2 ||
	    answer->p[answer->n - 2] != 0x90 || answer->p[answer->n - 1] != 0;
}

static hl_rc
talk_transmit(hl_channel *ch, const uint8_t *apdu, size_t n, hl_buf *answer,
    hl_exec *exec, hl_deadline until, hl_err *err)
{
	talk *t = (talk *)(void *)ch;
	hl_rd r = { NULL, 0 };
	bool ok = next_answer(t, &r, exec);

	(void)until;
	MUST(++t->sent <= TALK_MAX);
	MUST(n >= 4 && n <= 4 + 3 + 65535 + 2);
	if (apdu[1] == 0x2A && apdu[0] == 0x80)
		book_issue(t, *exec, &r);
	else if (apdu[1] == 0x2A && apdu[0] == 0x90)
		book_chain(t, *exec, &r);
	else
		MUST(apdu[1] == 0xA4 || apdu[1] == 0xCA || apdu[1] == 0xC0);
	if (!ok)
		return hl_fail(err, HL_ECARD, "talk", "", "as the input says");
	hl_buf_reset(answer);
	if (r.n > 0)
		hl_buf_put(answer, r.p, r.n);
	return HL_OK;
}

static hl_rc
talk_reconnect(hl_channel *ch, hl_deadline until, hl_err *err)
{
	(void)ch;
	(void)until;
	(void)err;
	return HL_OK;
}

static void
talk_close(hl_channel *ch)
{
	((talk *)(void *)ch)->in.n = 0;
}

static void
check_info(const hl_card_info *i)
{
	char canonical[HL_SERIAL_TEXT];

	MUST(strcmp(i->driver, "olc") == 0 ||
	    strcmp(i->driver, "stm32hsm") == 0 || i->driver[0] == '\0');
	if (strcmp(i->driver, "olc") != 0) {
		MUST(i->serial[0] == '\0' && !i->has_counter);
		return;
	}
	MUST(hl_serial_canonical(i->serial, canonical));
	MUST(strcmp(i->serial, canonical) == 0);
	MUST(i->state != HL_CARD_UNKNOWN);
	MUST(i->product_id[0] == '\0' || strlen(i->product_id) == 8);
	if (i->state != HL_CARD_OPERATIONAL)
		return;
	MUST(i->firmware_id[0] != '\0' && strlen(i->type) >= 3);
	MUST(i->has_counter && i->counter <= i->capacity);
}

/* Status words that the protocol lists as a refusal before anything counted. */
static bool
listed(uint16_t sw)
{
	return sw == 0x6985 || sw == 0x6A80 || sw == 0x6984 || sw == 0x6A84 ||
	    sw == 0x6A86 || sw == 0x6700 || sw == 0x6D00 || sw == 0x6E00;
}

static void
check_issue(const talk *t, hl_rc rc, hl_exec exec, const hl_card_answer *a,
    const hl_err *err)
{
	MUST((rc == HL_OK) == (exec == HL_EXEC_YES));
	MUST(err->rc == rc);
	MUST(err->units_spent ==
	    (exec == HL_EXEC_UNKNOWN ? HL_UNITS_UNKNOWN : 0));
	MUST(a->n <= HL_ISSUE_MAX);
	if (rc == HL_OK) {
		MUST(t->issued > 0 && a->n > 0 && a->sw == 0x9000);
		MUST(a->bound == hl_uuid_equal(&a->request_id, &request_id));
		return;
	}
	/* "Not executed" is said only where it is sure, and there always. */
	if (t->issued == 0)
		MUST(exec == HL_EXEC_NO);
	else if (t->silent || t->announced || t->issue_sw == 0x9000)
		MUST(exec == HL_EXEC_UNKNOWN);
	else if ((t->issue_sw >> 8) == 0x6C)
		MUST((exec == HL_EXEC_NO) == (t->issued == 1));
	else
		MUST((exec == HL_EXEC_NO) == listed(t->issue_sw));
}

static void
converse(hl_card *card, talk *t, bool long_cert)
{
	static const uint8_t cert[300];
	static hl_card_answer answer;
	hl_card_info info = { .counter = 0 };
	hl_err err = { 0 };
	hl_exec exec = HL_EXEC_YES;
	hl_rc rc = hl_card_read(card, &info, 0, &err);

	MUST(err.rc == rc && err.units_spent == 0);
	if (rc == HL_OK)
		check_info(&info);
	err = (hl_err){ 0 };
	rc = hl_card_issue(card, cert, long_cert ? sizeof(cert) : 136,
	    &request_id, &answer, &exec, 0, &err);
	check_issue(t, rc, exec, &answer, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hl_channel_ops ops = {
		.transmit = talk_transmit,
		.reconnect = talk_reconnect,
		.park = NULL,
		.close = talk_close,
	};
	static const uint8_t stm32hsm[] = { 0x3B, 0x08, 'H', 'S', 'M', '_', 'S',
		'F', 'I', '_' };
	talk t = { .ch = { .ops = &ops, .reader = "fuzz" },
		.in = { data, size } };
	hl_card *card = NULL;
	hl_err err = { 0 };
	uint8_t options = 0;
	hl_rc rc;

	(void)hl_rd_u8(&t.in, &options);
	t.ch.protocol = (options & OPT_T0) == 0;
	if ((options & OPT_STM32HSM) != 0) {
		memcpy(t.ch.atr, stm32hsm, sizeof(stm32hsm));
		t.ch.atr_n = sizeof(stm32hsm);
	}
	rc = hl_card_open_channel(&card, &t.ch, NULL, 0, &err);
	MUST(err.rc == rc && (card != NULL) == (rc == HL_OK));
	MUST(err.units_spent == 0);
	if (card == NULL)
		return 0;
	converse(card, &t, (options & OPT_LONG) != 0);
	MUST((options & OPT_STM32HSM) == 0 || t.sent == 0);
	hl_card_close(&card);
	return 0;
}
