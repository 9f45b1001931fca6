/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns an open issue: a process that holds the lock on a file named by the
 * issue's owner ID. The lock dies with the process, and then the issue is
 * anybody's to recover.
 */
#ifndef HL_BROKER_OWNER_H
#define HL_BROKER_OWNER_H

#include "util/lock.h"
#include "util/uuid.h"

typedef struct hl_owner {
	hl_uuid id;
	hl_lock *lock; /* NULL: not taken yet */
} hl_owner;

/* Takes an ID and its lock, unless that was done. */
HL_CHECK hl_rc hl_owner_take(hl_owner *o, const char *side, hl_err *err);
void hl_owner_free(hl_owner *o);
/* Is the process that took this ID still there? */
bool hl_owner_alive(const char *side, const hl_uuid *id);
/* Removes what a dead owner left. */
void hl_owner_forget(const char *side, const hl_uuid *id);

#endif
