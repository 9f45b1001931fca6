/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HL_BROKER_SWEEP_H
#define HL_BROKER_SWEEP_H

/*
 * Removes what killed processes left beside the store and nobody needs: locks
 * of owners that are gone, and files that were never written to their end.
 */
void hl_sweep(const char *side);

#endif
