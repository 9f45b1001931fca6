/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_FLOW_TARGET_INT_H
#define HL_FLOW_TARGET_INT_H

#include <limits.h>

#include "flow/target.h"

/* `text`: what stands behind "openocd:". Only the UID is read. */
HL_CHECK hl_rc hl_target_openocd(const char *text, const hl_target_options *opt,
    hl_target_chip *out, hl_err *err);

/* `serial` of the probe, or "". */
HL_CHECK hl_rc hl_target_segger(const char *serial,
    const hl_target_options *opt, hl_target_chip *out, hl_err *err);

/* A folder for a certificate that a program writes; nobody else can write
 * there, and it is gone again in the end. */
typedef struct hl_target_workplace {
	char dir[PATH_MAX], cert[PATH_MAX];
} hl_target_workplace;

HL_CHECK hl_rc hl_target_workplace_make(hl_target_workplace *w, hl_err *err);
void hl_target_workplace_clear(const hl_target_workplace *w);

/* From the three 32-bit words at the UID's address: each in memory order. */
void hl_target_uid(const uint32_t words[3], hl_uid *out);

#endif
