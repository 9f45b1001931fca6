/* SPDX-License-Identifier: Apache-2.0 */
/* card serve: a software card in a virtual reader. */
#include <string.h>

#include "crypto/hash.h"
#include "sim/serve.h"
#include "util/text.h"

#define CONNECT_SECONDS 10
#define CONNECT_SECONDS_MAX 86400
#define LOCK_WAIT_MS 1000
#define REINSERT_MS 500
#define GARBAGE_LEN 32

/* Messages of one byte are for the reader's contacts, not for the card. */
enum control { POWER_OFF = 0, POWER_ON = 1, RESET = 2, GET_ATR = 4 };

struct server {
	struct link link;
	hl_softcard *card;
	bool t0, stay_away;
	uint32_t connect_ms;
	struct fault faults[SIM_FAULTS_MAX];
	size_t n_faults;
	unsigned requests; /* license requests so far */
	char serial[HL_SERIAL_TEXT];
};

/* What comes after a message. */
enum next { NEXT_MESSAGE, NEXT_CARD_GONE, NEXT_READER_GONE, NEXT_STOP };

static enum next
next_of(enum link_result res)
{
	if (res == LINK_STOP)
		return NEXT_STOP;
	return res == LINK_OK ? NEXT_MESSAGE : NEXT_READER_GONE;
}

static enum next
control(struct server *s, uint8_t code)
{
	uint8_t atr[HL_ATR_MAX];

	switch (code) {
	case GET_ATR:
		return next_of(
		    link_send(&s->link, atr, hl_softcard_atr(s->t0, atr)));
	case POWER_OFF:
	case POWER_ON:
	case RESET:
		hl_softcard_reset(s->card);
		return NEXT_MESSAGE;
	default:
		return NEXT_MESSAGE; /* vpcd knows no other, and none answer */
	}
}

/* The last (or only) block of an ISSUE LICENSE. */
static bool
is_request(const hl_buf *apdu)
{
	return apdu->n >= 4 && apdu->p[0] == 0x80 && apdu->p[1] == 0x2A;
}

static struct fault
fault_now(struct server *s, const hl_buf *apdu)
{
	if (!is_request(apdu))
		return (struct fault){ FAULT_NONE, 0, 0 };
	s->requests++;
	for (size_t i = 0; i < s->n_faults; i++) {
		if (s->faults[i].nth == s->requests)
			return s->faults[i];
	}
	return (struct fault){ FAULT_NONE, 0, 0 };
}

static void
misbehave(struct server *s, enum fault_kind kind)
{
	hl_softcard_fault f = HL_SOFTCARD_HONEST;

	if (kind == FAULT_WRONG_ID)
		f = HL_SOFTCARD_WRONG_ID;
	else if (kind == FAULT_STUCK)
		f = HL_SOFTCARD_STUCK;
	else if (kind == FAULT_JUMP)
		f = HL_SOFTCARD_JUMP;
	hl_softcard_misbehave(s->card, f);
}

static enum next
answer_garbage(struct server *s)
{
	uint8_t b[GARBAGE_LEN + 2];

	if (hl_random(b, GARBAGE_LEN, NULL) != HL_OK)
		return NEXT_CARD_GONE;
	b[GARBAGE_LEN] = 0x90;
	b[GARBAGE_LEN + 1] = 0x00;
	return next_of(link_send(&s->link, b, sizeof(b)));
}

static enum next
answer(struct server *s, const struct fault *f, const hl_buf *b)
{
	switch (f->kind) {
	case FAULT_DROP_BEFORE:
	case FAULT_DROP_AFTER:
		return NEXT_CARD_GONE;
	case FAULT_MUTE:
		return NEXT_MESSAGE;
	case FAULT_GARBAGE:
		return answer_garbage(s);
	case FAULT_SHORT:
		return next_of(link_send(&s->link, "\x90", 1));
	case FAULT_SLOW:
		if (link_pause(&s->link, (int)f->ms))
			return NEXT_STOP;
		break;
	case FAULT_NONE:
	case FAULT_WRONG_ID:
	case FAULT_STUCK:
	case FAULT_JUMP:
		break;
	}
	return next_of(link_send(&s->link, b->p, b->n));
}

static enum next
command(struct server *s, const hl_buf *apdu)
{
	const struct fault f = fault_now(s, apdu);
	hl_buf b = HL_BUF_INIT;
	enum next next;

	if (f.kind == FAULT_DROP_BEFORE)
		return NEXT_CARD_GONE;
	misbehave(s, f.kind);
	hl_softcard_apdu(s->card, s->t0, apdu->p, apdu->n, &b);
	next = b.failed ? NEXT_CARD_GONE : answer(s, &f, &b);
	hl_buf_free(&b);
	return next;
}

/* Until the card or the reader goes, or the program has to end. */
static enum next
session(struct server *s)
{
	hl_buf msg = HL_BUF_INIT;
	enum next next = NEXT_MESSAGE;

	hl_softcard_reset(s->card);
	while (next == NEXT_MESSAGE) {
		next = next_of(link_receive(&s->link, &msg));
		if (next != NEXT_MESSAGE)
			break;
		if (msg.n == 1)
			next = control(s, msg.p[0]);
		else if (msg.n > 1)
			next = command(s, &msg);
	}
	hl_buf_free(&msg);
	link_disconnect(&s->link);
	return next;
}

static hl_rc
announce(const struct server *s, hl_err *err)
{
	const struct link *l = &s->link;

	if (l->unix_path != NULL)
		printf("serving %s at %s\n", s->serial, l->unix_path);
	else
		printf("serving %s at %s:%s\n", s->serial, l->host, l->port);
	return sim_flush(err);
}

/* A card that was dropped comes back as if somebody put it in again. */
static bool
away(const struct server *s, enum next next)
{
	if (next == NEXT_CARD_GONE)
		return link_pause(&s->link, s->stay_away ? -1 : REINSERT_MS);
	return next == NEXT_STOP;
}

static hl_rc
serve(struct server *s, hl_err *err)
{
	bool stop, announced = false;
	hl_rc rc;

	for (;;) {
		rc = link_connect(&s->link, s->connect_ms, &stop, err);
		if (rc != HL_OK || stop)
			return rc;
		if (!announced && (rc = announce(s, err)) != HL_OK)
			return rc;
		announced = true;
		if (away(s, session(s)))
			return HL_OK;
	}
}

static hl_rc
options(struct server *s, const struct sim *sim, hl_err *err)
{
	uint64_t seconds = CONNECT_SECONDS;
	hl_rc rc = HL_OK;

	if (sim->opt[OPT_VPCD] != NULL && sim->opt[OPT_UNIX] != NULL)
		return hl_fail(err, HL_EUSAGE, "understand the command line",
		    "a card is in one reader at a time",
		    "--vpcd and --unix exclude each other");
	if (sim->opt[OPT_WAIT] != NULL &&
	    !hl_text_u64(sim->opt[OPT_WAIT], CONNECT_SECONDS_MAX, &seconds))
		return hl_fail(err, HL_EUSAGE, "understand the command line",
		    "give --wait in digits alone",
		    "\"%s\" is no number of seconds from 0 to %u",
		    sim->opt[OPT_WAIT], (unsigned)CONNECT_SECONDS_MAX);
	s->connect_ms = (uint32_t)seconds * 1000;
	for (; rc == HL_OK && s->n_faults < sim->n_faults; s->n_faults++)
		rc = fault_parse(
		    &s->faults[s->n_faults], sim->faults[s->n_faults], err);
	return rc;
}

static hl_rc
server_init(struct server *s, const struct sim *sim, hl_err *err)
{
	const char *where = sim->opt[OPT_VPCD];
	const char *path = sim->operands[0];
	hl_card_info info;
	hl_rc rc;

	*s = (struct server){ .link = { .fd = -1, .signal = -1 },
		.t0 = sim->opt[OPT_T0] != NULL,
		.stay_away = sim->opt[OPT_STAY_AWAY] != NULL };
	rc = options(s, sim, err);
	/* Before the card is locked: from then on SIGTERM has to unlock it. */
	if (rc == HL_OK)
		rc = link_init(&s->link, sim->opt[OPT_UNIX],
		    where != NULL ? where : "127.0.0.1:35963", err);
	if (rc == HL_OK)
		rc = hl_softcard_open(
		    &s->card, path, hl_deadline_in(LOCK_WAIT_MS), err);
	if (rc == HL_OK)
		rc = hl_softcard_peek(path, &info, err);
	if (rc == HL_OK)
		memcpy(s->serial, info.serial, sizeof(s->serial));
	return rc;
}

hl_rc
sim_card_serve(const struct sim *sim, hl_err *err)
{
	struct server s;
	hl_rc rc;

	if ((rc = server_init(&s, sim, err)) == HL_OK)
		rc = serve(&s, err);
	link_free(&s.link);
	hl_softcard_close(&s.card);
	return rc;
}
