/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card that takes APDUs: behind it PC/SC, or the software card in the same
 * process. Drivers see nothing else of the transport.
 */
#ifndef HL_CARD_CHANNEL_H
#define HL_CARD_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "card/exec.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"

#define HL_ATR_MAX 33	      /* ISO/IEC 7816-3 */
/* Bytes with NUL. PC/SC lite has 128 (MAX_READERNAME); "sim:FILE" needs more,
 * and the store keeps texts of up to 256. */
#define HL_READER_NAME_MAX 257

typedef struct hl_channel hl_channel;

struct hl_channel_ops {
	/*
	 * Sends one APDU, waits for its answer until the deadline. On HL_OK the
	 * answer (at least the two bytes of the status word) is in *answer and
	 * *exec is HL_EXEC_YES. Otherwise *exec says what is known: one table
	 * decides that (pcsc_codes.c).
	 */
	hl_rc (*transmit)(hl_channel *ch, const uint8_t *apdu, size_t n,
	    hl_buf *answer, hl_exec *exec, hl_deadline until, hl_err *err);
	/*
	 * Throws the connection away and makes a new one to whatever card is in
	 * the same reader, with exclusive use taken again. The application has
	 * to be selected anew.
	 */
	hl_rc (*reconnect)(hl_channel *ch, hl_deadline until, hl_err *err);
	/*
	 * Lets go of the card for another program to use it. Only reconnect and
	 * close are called after that. NULL: nobody else can use it.
	 */
	void (*park)(hl_channel *ch);
	/* Ends exclusive use, disconnects, frees ch. */
	void (*close)(hl_channel *ch);
};

struct hl_channel {
	const struct hl_channel_ops *ops;
	char reader[HL_READER_NAME_MAX]; /* "sim:FILE" for a software card */
	uint8_t atr[HL_ATR_MAX];
	size_t atr_n;
	unsigned protocol; /* 0: T=0, 1: T=1 */
};

#endif
