/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: chips that are connected now, and can tell who they are.
 *
 *   sim:DIR   a simulated chip (hsmlic-sim chip new DIR)
 */
#ifndef HL_FLOW_TARGET_H
#define HL_FLOW_TARGET_H

#include "chip/cert.h"
#include "chip/uid.h"

typedef struct hl_target_chip {
	hl_cert cert;
	hl_uid uid; /* n 0: it could not be read */
} hl_target_chip;

/* Reads the chip at a target. HL_EUSAGE: no such kind of target; HL_ENODEV:
 * nothing there; HL_EINPUT: what it says is malformed. */
HL_CHECK hl_rc hl_target_read(
    const char *target, hl_target_chip *out, hl_err *err);

#endif
