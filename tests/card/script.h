/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel that plays a script: it expects commands in their order and gives
 * the answers written beside them. Bytes are hex; spaces are skipped, and
 * "5A*255" is 255 bytes of 5A.
 */
#ifndef HL_TEST_CARD_SCRIPT_H
#define HL_TEST_CARD_SCRIPT_H

#include "util/rows.h"

#include "card/channel.h"

#define SCRIPT_STEPS 300

typedef struct script_step {
	hl_buf cmd, answer;
	hl_rc rc;     /* HL_OK: the answer; otherwise this failure */
	hl_exec exec; /* ... with this */
} script_step;

typedef struct script {
	hl_channel ch;
	script_step steps[SCRIPT_STEPS];
	size_t n, at;
	unsigned closed, reconnected;
	hl_rc reconnect_rc;
} script;

void script_start(script *s, unsigned protocol);
void script_answer(script *s, const char *cmd, const char *answer);
void script_fail(script *s, const char *cmd, hl_rc rc, hl_exec exec);
/* All steps were played; frees them. */
void script_end(script *s);

void script_hex(hl_buf *out, const char *hex);
/* hl_deadline far enough away for any test. */
hl_deadline script_later(void);

#endif
