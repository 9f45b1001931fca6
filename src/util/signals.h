/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_UTIL_SIGNALS_H
#define HL_UTIL_SIGNALS_H

#include <signal.h>

/*
 * Holds back what a person sends to end a program (INT, TERM, HUP, QUIT) from
 * the calling thread; it is delivered when they are released.
 */
void hl_signals_hold(sigset_t *was);
void hl_signals_release(const sigset_t *was);

#endif
