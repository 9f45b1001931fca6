/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PINs and passphrases from where --pin says; never from the command line
 * itself, which every user of the machine can read.
 */
#ifndef HL_CLI_SECRET_H
#define HL_CLI_SECRET_H

#include <stdbool.h>

#include "crypto/sign.h"

typedef enum hl_secret_kind {
	HL_SECRET_PROMPT, /* the terminal, echo off */
	HL_SECRET_ENV,
	HL_SECRET_FILE,
	HL_SECRET_FD
} hl_secret_kind;

/*
 * `source` is for hl_signer_open(): it borrows this object, which therefore
 * stays where it is.
 */
typedef struct hl_secret {
	hl_pin_source source;
	hl_secret_kind kind;
	const char *where; /* name or path; borrowed from the word */
	int fd;
	bool has_line;		/* of fd: what was read, since it comes once */
	char line[HL_PIN_SIZE]; /* secret */
} hl_secret;

/*
 * `word`: "env:NAME" (a variable), "file:PATH" (its first line; the file must
 * be its owner's alone), "fd:N" (a descriptor, read to the first line's end) or
 * NULL: ask on /dev/tty. HL_EUSAGE: none of these. Nothing is asked for yet.
 *
 * What asking may say: HL_EUSAGE: no terminal, or no such variable. HL_EINPUT:
 * empty, longer than HL_PIN_SIZE - 1 bytes, or with a NUL. HL_EACCESS: a file
 * that others can read. HL_EDENIED: a signal came. HL_EIO, HL_ENOTFOUND.
 */
HL_CHECK hl_rc hl_secret_init(
    hl_secret *s, const char *word, bool last_try_ok, hl_err *err);
/* Wipes it. */
void hl_secret_free(hl_secret *s);

/*
 * secret_tty.c: asks on the controlling terminal, without echo, and puts the
 * terminal back as it was, also when a signal comes: that is then delivered. A
 * stop (Ctrl-Z) is one, too, and behind it the question is asked again. `what`
 * is cleaned for the terminal. Buffer as of hl_pin_source.
 */
bool hl_secret_may_prompt(void); /* is there a terminal to ask on? */
HL_CHECK hl_rc hl_secret_prompt(
    const char *what, bool last_try, char *buf, size_t size, hl_err *err);

#endif
