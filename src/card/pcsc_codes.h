/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a PC/SC code means: the only place where it is decided whether a card
 * may have executed a request whose answer did not come.
 */
#ifndef HL_CARD_PCSC_CODES_H
#define HL_CARD_PCSC_CODES_H

#include <stdint.h>

#include "card/exec.h"
#include "util/err.h"

typedef struct hl_pcsc_code {
	uint32_t code;
	const char *name; /* as in pcsclite.h */
	hl_exec exec;	  /* of the APDU, when SCardTransmit returns this */
	hl_rc rc;
	const char *why;
	const char *hint;
} hl_pcsc_code;

/*
 * The polkit actions that pcscd asks for, where it is built with polkit
 * (pcsc-lite, doc/README.polkit): the first for SCardEstablishContext, the
 * second for SCardConnect, with the reader's name as the detail "reader".
 */
#define HL_POLKIT_PCSC "org.debian.pcsc-lite.access_pcsc"
#define HL_POLKIT_CARD "org.debian.pcsc-lite.access_card"

/* Never NULL: a code that is not in the table is HL_EXEC_UNKNOWN. */
const hl_pcsc_code *hl_pcsc_code_find(uint32_t code);

/*
 * hl_fail() in the words of the table; `call` is the PC/SC function that
 * returned the code. Returns the code's hl_rc.
 */
hl_rc
hl_pcsc_fail(hl_err *err, const char *what, const char *call, uint32_t code);

/* The polkit action that an error of hl_pcsc_fail() is about; NULL: none. */
const char *hl_pcsc_refused(const hl_err *err);

#endif
