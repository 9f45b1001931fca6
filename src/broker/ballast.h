/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Space kept for the worst moment: a file that is deleted when the disk is full
 * just when a license has left the card.
 */
#ifndef HL_BROKER_BALLAST_H
#define HL_BROKER_BALLAST_H

#include <stdint.h>

#include "util/err.h"

#define HL_BALLAST_SIZE ((uint64_t)1024 * 1024)

/* Makes sure that the ballast is there, and as much again is free: HL_EFULL. */
HL_CHECK hl_rc hl_ballast_load(const char *side, hl_err *err);
/* Frees it. */
void hl_ballast_drop(const char *side);

#endif
