/* SPDX-License-Identifier: Apache-2.0 */
/* Answer to reset, ISO/IEC 7816-3 clause 8. */
#ifndef HL_CARD_ATR_H
#define HL_CARD_ATR_H

#include <stdbool.h>

#include "util/rd.h"

/*
 * Finds the historical bytes behind the interface bytes. False when the ATR is
 * cut off or begins with no known TS; the check byte is not looked at.
 */
bool hl_atr_historical(const uint8_t *atr, size_t n, hl_rd *out);

#endif
