/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `hsmlic doctor`. */
#ifndef HL_CLI_DOCTOR_H
#define HL_CLI_DOCTOR_H

#include "cli/parts.h"

typedef struct hl_doctor {
	hl_cli *cli;
	json_t *checks; /* with --json */
	unsigned failed, warned;
	const char *path; /* the store's file; NULL: it is none */
} hl_doctor;

/* One line each; what was found is a printf format. */
void hl_doctor_ok(hl_doctor *d, const char *name, const char *fmt, ...)
    HL_PRINTF(3, 4);
void hl_doctor_skip(hl_doctor *d, const char *name, const char *fmt, ...)
    HL_PRINTF(3, 4);
/* Nothing is broken, but somebody should know; no failure. */
void hl_doctor_warn(hl_doctor *d, const char *name, const char *remedy,
    const char *fmt, ...) HL_PRINTF(4, 5);
void hl_doctor_fail(hl_doctor *d, const char *name, const char *remedy,
    const char *fmt, ...) HL_PRINTF(4, 5);
/* A failure with the words of an error. */
void hl_doctor_error(hl_doctor *d, const char *name, const hl_err *err);
/* The same; when polkit refused an action: to whom, and the way to allow it. */
void hl_doctor_refused(hl_doctor *d, const char *name, const hl_err *err);

/* Can a file be made there, if need be with directories? *at is what decides:
 * the directory, or the nearest one above that exists. */
bool hl_doctor_writable(const char *dir, char *at, size_t size);

/* Opens the store when it is there; it stays in cli->store. */
void hl_doctor_store(hl_doctor *d);
void hl_doctor_tool(hl_doctor *d);
void hl_doctor_cards(hl_doctor *d);

#endif
