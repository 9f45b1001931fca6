/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PC/SC with a deadline. PC/SC has no timeouts and its calls cannot be
 * interrupted, so they run in a child process, which is killed when the
 * deadline passes. A killed child ends its transaction: pcscd resets the card.
 */
#ifndef HL_CARD_PCSC_H
#define HL_CARD_PCSC_H

#include <sys/types.h>

#include "card/pcsc_wire.h"

/* A child at work. The thread that starts it must outlive it: the kernel ends
 * the child with the thread. */
typedef struct hl_pcsc_proc {
	pid_t pid; /* 0: none */
	int fd;
	uint32_t seq;
} hl_pcsc_proc;

typedef enum hl_pcsc_end {
	HL_PCSC_ANSWERED,
	HL_PCSC_NOT_SENT, /* the child never got the request */
	HL_PCSC_LATE,	  /* the deadline passed; the child is gone */
	HL_PCSC_LOST,	  /* the child died, or spoke against the protocol */
} hl_pcsc_end;

/* HL_EIO when there is no process or socket to be had. */
HL_CHECK hl_rc hl_pcsc_start(hl_pcsc_proc *p, hl_err *err);

/*
 * Sends *m with its body and waits for the answer, which replaces *m and
 * *body. With LATE, m->call says what the child was at. After anything but
 * ANSWERED the child has been killed and reaped.
 */
HL_CHECK hl_pcsc_end hl_pcsc_ask(hl_pcsc_proc *p, hl_pcsc_msg *m,
    const void *req, hl_buf *body, hl_deadline until);

/* Kills and reaps the child; fine when there is none. */
void hl_pcsc_stop(hl_pcsc_proc *p);

/* "SCardConnect", ...; "" for none. */
const char *hl_pcsc_call_name(uint32_t call);

/*
 * Connects to the card in this reader and begins a transaction; errors as
 * hl_card_open().
 */
HL_CHECK hl_rc hl_pcsc_channel(
    hl_channel **out, const char *reader, hl_deadline until, hl_err *err);

#endif
