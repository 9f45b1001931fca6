/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <winscard.h>

#include "card/pcsc_wire.h"
#include "util/text.h"

#define RETRY_MS 50   /* between tries for a card that others hold */
#define SLICE_MS 1000 /* of waiting: a reader may come in between two calls */
#define PROTOCOLS (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1)
#define PNP "\\\\?PnP?\\Notification"

typedef struct child {
	int fd;
	SCARDCONTEXT ctx;
	SCARDHANDLE card;
	bool has_ctx, has_card;
	DWORD protocol;
	uint8_t atr[HL_ATR_MAX];
	DWORD atr_n;
	hl_pcsc_msg head; /* of the request at work, then of its answer */
	hl_reader readers[HL_PCSC_READERS_MAX];
	size_t readers_n;
	uint8_t in[HL_PCSC_BODY_MAX + 1], out[HL_PCSC_BODY_MAX];
} child;

/* The process serves one connection: its buffers need no heap. */
static child self;

static void
say(child *c, const hl_pcsc_msg *m, const void *body)
{
	struct iovec iov[2] = { { (void *)(uintptr_t)m, sizeof(*m) },
		{ (void *)(uintptr_t)body, m->n } };
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t r;

	do
		r = sendmsg(c->fd, &h, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		_exit(1); /* nobody is there to hear it */
}

static void
answer(child *c, const void *body, size_t n)
{
	c->head.n = (uint32_t)n;
	say(c, &c->head, body);
}

/* Remembers the call and its code for the answer. */
static LONG
note(child *c, hl_pcsc_call call, LONG rv)
{
	c->head.call = (uint32_t)call;
	c->head.code = (uint32_t)rv;
	return rv;
}

/* Tells the parent which call is about to block, for its error message. */
static void
at(child *c, hl_pcsc_call call)
{
	hl_pcsc_msg m = c->head;

	m.op = HL_PCSC_AT;
	m.call = (uint32_t)call;
	m.n = 0;
	say(c, &m, NULL);
}

static LONG
establish(child *c)
{
	LONG rv;

	if (c->has_ctx)
		return note(c, HL_CALL_ESTABLISH, SCARD_S_SUCCESS);
	at(c, HL_CALL_ESTABLISH);
	rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &c->ctx);
	if (rv == SCARD_W_SECURITY_VIOLATION) {
		/* Also what a service that is just ending gives. */
		hl_sleep_ms(RETRY_MS);
		rv = SCardEstablishContext(
		    SCARD_SCOPE_SYSTEM, NULL, NULL, &c->ctx);
	}
	c->has_ctx = rv == SCARD_S_SUCCESS;
	return note(c, HL_CALL_ESTABLISH, rv);
}

static void
disconnect(child *c, DWORD disposition)
{
	if (c->has_card)
		(void)SCardDisconnect(c->card, disposition);
	c->has_card = false;
}

/*
 * Who may use the service was decided when the context was made, who may use a
 * card is decided at the connect. A violation anywhere else is a connection
 * that the service has dropped: it is ending.
 */
static LONG
dropped(LONG rv)
{
	return rv == SCARD_W_SECURITY_VIOLATION ? SCARD_E_NO_SERVICE : rv;
}

/* One at the connect may be either: a service that has refused a card goes on
 * answering. */
static LONG
refused_or_gone(child *c)
{
	DWORD n = 0;
	LONG rv = dropped(SCardListReaders(c->ctx, NULL, NULL, &n));

	return rv == SCARD_E_NO_SERVICE ? rv : SCARD_W_SECURITY_VIOLATION;
}

static LONG
connect_once(child *c, const char *reader)
{
	LONG rv;

	at(c, HL_CALL_CONNECT);
	rv = SCardConnect(c->ctx, reader, SCARD_SHARE_SHARED, PROTOCOLS,
	    &c->card, &c->protocol);
	if (rv == SCARD_W_SECURITY_VIOLATION)
		rv = refused_or_gone(c);
	if (note(c, HL_CALL_CONNECT, rv) != SCARD_S_SUCCESS)
		return rv;
	c->has_card = true;
	at(c, HL_CALL_BEGIN);
	rv = note(c, HL_CALL_BEGIN, SCardBeginTransaction(c->card));
	if (rv == SCARD_S_SUCCESS) {
		c->atr_n = sizeof(c->atr);
		rv = SCardStatus(
		    c->card, NULL, NULL, NULL, &c->protocol, c->atr, &c->atr_n);
		(void)note(c, HL_CALL_STATUS, rv);
	}
	if (rv != SCARD_S_SUCCESS)
		disconnect(c, SCARD_LEAVE_CARD);
	return rv;
}

/*
 * Nothing has been sent to the card yet, so everything that says "not now" may
 * be tried again. A removed card ends at the next connect, with NO_SMARTCARD.
 */
static bool
worth_retrying(const child *c, LONG rv)
{
	return rv == SCARD_E_SHARING_VIOLATION || rv == SCARD_W_RESET_CARD ||
	    (rv == SCARD_W_REMOVED_CARD && c->head.call != HL_CALL_CONNECT);
}

static void
op_open(child *c)
{
	const char *reader = (const char *)c->in; /* serve() put a NUL */
	hl_deadline until = hl_deadline_in(c->head.ms);
	LONG rv = establish(c);

	if (rv == SCARD_S_SUCCESS)
		rv = connect_once(c, reader);
	while (worth_retrying(c, rv) && hl_deadline_left(until) > 0) {
		hl_sleep_ms(RETRY_MS);
		rv = connect_once(c, reader);
	}
	c->head.arg = c->protocol == SCARD_PROTOCOL_T0 ? 0 : 1;
	answer(c, c->atr, rv == SCARD_S_SUCCESS ? c->atr_n : 0);
}

static void
op_transmit(child *c)
{
	const SCARD_IO_REQUEST *pci =
	    c->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
	SCARD_IO_REQUEST got = { c->protocol, sizeof(got) };
	const size_t sent = c->head.n; /* answer() puts its own length there */
	DWORD n = sizeof(c->out);
	LONG rv = SCARD_E_INVALID_HANDLE;

	if (c->has_card)
		rv = SCardTransmit(
		    c->card, pci, c->in, c->head.n, &got, c->out, &n);
	(void)note(c, HL_CALL_TRANSMIT, rv);
	/* On failure n is not to be believed. */
	if (rv != SCARD_S_SUCCESS || n > sizeof(c->out))
		n = 0;
	answer(c, c->out, n);
	explicit_bzero(c->in, sent);
	explicit_bzero(c->out, n > 0 ? n : sizeof(c->out));
}

static void
op_close(child *c)
{
	DWORD how = c->head.arg != 0 ? SCARD_RESET_CARD : SCARD_LEAVE_CARD;

	if (c->has_card)
		(void)SCardEndTransaction(c->card, how);
	disconnect(c, how);
	if (c->has_ctx)
		(void)SCardReleaseContext(c->ctx);
	c->has_ctx = false;
	(void)note(c, HL_CALL_DISCONNECT, SCARD_S_SUCCESS);
	answer(c, NULL, 0);
	_exit(0);
}

/* Fills the table from PC/SC's list of names, which ends with an empty one. */
static LONG
list_names(child *c)
{
	DWORD n = sizeof(c->out);
	const char *s = (const char *)c->out;
	LONG rv = dropped(SCardListReaders(c->ctx, NULL, (char *)c->out, &n));

	c->readers_n = 0;
	if (rv == SCARD_E_NO_READERS_AVAILABLE)
		return note(c, HL_CALL_LIST, SCARD_S_SUCCESS);
	if (note(c, HL_CALL_LIST, rv) != SCARD_S_SUCCESS)
		return rv;
	for (; *s != '\0' && c->readers_n < HL_PCSC_READERS_MAX;
	     s += strlen(s) + 1) {
		hl_reader *r = &c->readers[c->readers_n++];

		*r = (hl_reader){ 0 };
		(void)hl_text_copy(r->name, sizeof(r->name), s);
	}
	return rv;
}

static void
take_state(hl_reader *r, const SCARD_READERSTATE *s)
{
	r->present = (s->dwEventState & SCARD_STATE_PRESENT) != 0;
	r->mute = (s->dwEventState & SCARD_STATE_MUTE) != 0;
	r->exclusive = (s->dwEventState & SCARD_STATE_EXCLUSIVE) != 0;
	r->in_use = (s->dwEventState & SCARD_STATE_INUSE) != 0;
	r->events = (uint32_t)((s->dwEventState >> 16) & 0xFFFFU);
	r->atr_n = s->cbAtr <= HL_ATR_MAX ? s->cbAtr : HL_ATR_MAX;
	memcpy(r->atr, s->rgbAtr, r->atr_n);
}

static size_t
fill_states(const child *c, SCARD_READERSTATE *s)
{
	for (size_t i = 0; i < c->readers_n; i++)
		s[i] = (SCARD_READERSTATE){ .szReader = c->readers[i].name,
			.dwCurrentState = SCARD_STATE_UNAWARE };
	return c->readers_n;
}

/* Readers and their states now; a reader that goes away meanwhile: once more.
 */
static LONG
list(child *c, SCARD_READERSTATE *s)
{
	LONG rv = SCARD_E_UNKNOWN_READER;

	for (int i = 0; i < 3 && rv == SCARD_E_UNKNOWN_READER; i++) {
		size_t n;

		if ((rv = list_names(c)) != SCARD_S_SUCCESS)
			return rv;
		if ((n = fill_states(c, s)) == 0)
			return rv;
		rv = note(c, HL_CALL_CHANGE,
		    dropped(SCardGetStatusChange(c->ctx, 0, s, n)));
	}
	if (rv == SCARD_S_SUCCESS)
		for (size_t i = 0; i < c->readers_n; i++)
			take_state(&c->readers[i], &s[i]);
	return rv;
}

static void
answer_readers(child *c, LONG rv)
{
	answer(c, c->readers,
	    rv == SCARD_S_SUCCESS ? c->readers_n * sizeof(hl_reader) : 0);
}

static void
op_list(child *c)
{
	SCARD_READERSTATE s[HL_PCSC_READERS_MAX + 1];
	LONG rv = establish(c);

	if (rv == SCARD_S_SUCCESS)
		rv = list(c, s);
	answer_readers(c, rv);
}

/* Only readers and cards count: who uses them changes all the time. */
static bool
same(const hl_reader *a, const hl_reader *b)
{
	return strcmp(a->name, b->name) == 0 && a->present == b->present &&
	    a->mute == b->mute && a->events == b->events &&
	    a->atr_n == b->atr_n && memcmp(a->atr, b->atr, a->atr_n) == 0;
}

static bool
as_known(const child *c, const hl_reader *known, size_t n)
{
	if (c->readers_n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!same(&c->readers[i], &known[i]))
			return false;
	return true;
}

/* Sleeps until PC/SC reports any change, at most for a slice. */
static LONG
sleep_on(child *c, SCARD_READERSTATE *s, int ms)
{
	size_t n = c->readers_n;
	LONG rv;

	for (size_t i = 0; i < n; i++)
		s[i].dwCurrentState =
		    s[i].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
	s[n] = (SCARD_READERSTATE){ .szReader = PNP,
		.dwCurrentState = SCARD_STATE_UNAWARE };
	rv = dropped(SCardGetStatusChange(
	    c->ctx, (DWORD)(ms < SLICE_MS ? ms : SLICE_MS), s, n + 1));
	(void)note(c, HL_CALL_CHANGE, rv);
	return rv == SCARD_E_TIMEOUT || rv == SCARD_E_UNKNOWN_READER
	    ? SCARD_S_SUCCESS
	    : rv;
}

static void
op_wait(child *c)
{
	static hl_reader known[HL_PCSC_READERS_MAX];
	SCARD_READERSTATE s[HL_PCSC_READERS_MAX + 1];
	size_t n = c->head.n / sizeof(hl_reader);
	hl_deadline until = hl_deadline_in(c->head.ms);
	LONG rv;
	int left;

	if (n > HL_PCSC_READERS_MAX)
		n = HL_PCSC_READERS_MAX;
	memcpy(known, c->in, n * sizeof(hl_reader));
	rv = establish(c);
	while (rv == SCARD_S_SUCCESS) {
		if ((rv = list(c, s)) != SCARD_S_SUCCESS ||
		    !as_known(c, known, n))
			break;
		if ((left = hl_deadline_left(until)) == 0)
			rv = note(c, HL_CALL_CHANGE, SCARD_E_TIMEOUT);
		else
			rv = sleep_on(c, s, left);
	}
	answer_readers(c, rv);
}

/* False: the parent is gone, or what it said is no message. */
static bool
hear(child *c)
{
	struct iovec iov[2] = { { &c->head, sizeof(c->head) },
		{ c->in, sizeof(c->in) - 1 } };
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t r;

	do
		r = recvmsg(c->fd, &h, 0);
	while (r < 0 && errno == EINTR);
	if (r < (ssize_t)sizeof(c->head) || (h.msg_flags & MSG_TRUNC) != 0 ||
	    (size_t)r != sizeof(c->head) + c->head.n)
		return false;
	c->in[c->head.n] = 0;
	return true;
}

void
hl_pcsc_child(int fd)
{
	static void (*const ops[])(child *) = { [HL_PCSC_OPEN] = op_open,
		[HL_PCSC_TRANSMIT] = op_transmit,
		[HL_PCSC_CLOSE] = op_close,
		[HL_PCSC_LIST] = op_list,
		[HL_PCSC_WAIT] = op_wait };
	child *c = &self;

	c->fd = fd;
	while (hear(c)) {
		uint32_t op = c->head.op;

		if (op >= HL_COUNT(ops) || ops[op] == NULL)
			break;
		ops[op](c);
	}
	_exit(1);
}
