/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process and its PC/SC child say to each other: one request at a
 * time over a SOCK_SEQPACKET pair, each message a head and `n` bytes of body.
 * Both ends are the same program image, so structs travel as they are.
 *
 *	request        body              answer's body
 *	OPEN           reader name       ATR
 *	TRANSMIT       command APDU      answer APDU
 *	CLOSE          -                 -
 *	LIST           -                 hl_reader[]
 *	WAIT           hl_reader[]       hl_reader[]
 *
 * While OPEN works, the child says AT before each call that can block.
 */
#ifndef HL_CARD_PCSC_WIRE_H
#define HL_CARD_PCSC_WIRE_H

#include <stdint.h>

#include "card/channel.h"
#include "card/reader.h"

#define HL_PCSC_BODY_MAX 65548 /* MAX_BUFFER_SIZE_EXTENDED of pcsclite.h */
#define HL_PCSC_READERS_MAX 64 /* pcscd has 16 */

_Static_assert(HL_PCSC_READERS_MAX * sizeof(hl_reader) <= HL_PCSC_BODY_MAX,
    "a list of readers fits into a message");

typedef enum hl_pcsc_op {
	HL_PCSC_OPEN = 1,
	HL_PCSC_TRANSMIT,
	HL_PCSC_CLOSE,
	HL_PCSC_LIST,
	HL_PCSC_WAIT,
	HL_PCSC_AT, /* from the child only */
} hl_pcsc_op;

/* The PC/SC function that gave a code, or is at work. */
typedef enum hl_pcsc_call {
	HL_CALL_NONE,
	HL_CALL_ESTABLISH,
	HL_CALL_CONNECT,
	HL_CALL_BEGIN,
	HL_CALL_STATUS,
	HL_CALL_TRANSMIT,
	HL_CALL_LIST,
	HL_CALL_CHANGE,
	HL_CALL_DISCONNECT,
} hl_pcsc_call;

typedef struct hl_pcsc_msg {
	uint32_t seq;  /* of the request, repeated by its answer */
	uint32_t op;   /* hl_pcsc_op */
	uint32_t call; /* answer: hl_pcsc_call */
	uint32_t code; /* answer: PC/SC code */
	uint32_t ms;   /* OPEN, WAIT: how long to go on trying */
	uint32_t arg;  /* OPEN's answer: protocol, 0 or 1; CLOSE: reset */
	uint32_t n;    /* bytes of body that follow */
} hl_pcsc_msg;

/* Serves requests on `fd` until it is closed; never returns. */
_Noreturn void hl_pcsc_child(int fd);

#endif
