/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PC/SC library of these tests: linked with --wrap, so that the child
 * process under test calls it. What it is to do is set before the child is
 * forked; what was done to it is in memory that both share.
 */
#ifndef HL_TEST_CARD_FAKE_PCSC_H
#define HL_TEST_CARD_FAKE_PCSC_H

#include "util/rows.h"

#include <stdbool.h>
#include <sys/types.h>
#include <winscard.h>

#define FAKE_HANG 1L  /* instead of a code: never return */
#define FAKE_CRASH 2L /* the process dies */
#define FAKE_PLAN 4   /* codes in a row; the last one stays */
#define FAKE_READERS 3
#define FAKE_FDS 64

typedef enum fake_call {
	FAKE_ESTABLISH,
	FAKE_RELEASE,
	FAKE_CONNECT,
	FAKE_DISCONNECT,
	FAKE_BEGIN,
	FAKE_END,
	FAKE_STATUS,
	FAKE_TRANSMIT,
	FAKE_LIST,
	FAKE_CHANGE,
	FAKE_CALLS,
} fake_call;

typedef struct fake_plan {
	LONG code[FAKE_CALLS][FAKE_PLAN];
	unsigned codes[FAKE_CALLS]; /* 0: success */
	DWORD protocol;
	uint8_t answer[16];
	DWORD answer_n;	    /* also left in the length when a call fails */
	unsigned readers;   /* that are listed */
	unsigned cards;	    /* how many of them have a card */
	unsigned appear_at; /* one card more from this GetStatusChange on */
} fake_plan;

typedef struct fake_seen {
	unsigned calls[FAKE_CALLS];
	pid_t pid;
	DWORD share, protocols, end, disconnect;
	char reader[64];
	uint8_t apdu[64];
	DWORD apdu_n;
	const SCARD_IO_REQUEST *pci;
	bool wiped; /* nothing of the last Transmit was left at its end */
	bool fds[FAKE_FDS]; /* open at the last Transmit */
	bool int_ignored, usr1_default, usr2_blocked;
} fake_seen;

extern fake_plan fake;
extern fake_seen *fake_saw;

/* Everything succeeds; nothing was seen. */
void fake_reset(void);
/* The codes that a call returns, one after the other. */
void fake_codes(fake_call call, unsigned n, const LONG *codes);
void fake_code(fake_call call, LONG code);
/* This process has no child, dead or alive. */
void fake_no_child(void);

#endif
