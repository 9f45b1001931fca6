/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks that die with their owner: an open file description lock (flock) on a
 * file of its own. The kernel frees it when the process ends, however it ends.
 */
#ifndef HL_UTIL_LOCK_H
#define HL_UTIL_LOCK_H

#include <stdbool.h>

#include "util/clock.h"
#include "util/err.h"

typedef struct hl_lock hl_lock;

/*
 * Takes the exclusive lock on `path` (made with mode 0600 when it is not
 * there), waiting until `until`; a deadline in the past tries once. HL_EBUSY
 * when somebody else went on holding it. Waits by trying again every few
 * milliseconds, so the order among waiters is not kept. A holder may remove
 * the lock file: a lock counts only while the path still names the locked file.
 */
HL_CHECK hl_rc hl_lock_take(
    hl_lock **out, const char *path, hl_deadline until, hl_err *err);
/* Frees the lock, removes the file when `remove`, sets *lock to NULL. A child
 * that was forked with the lock only gives up its share: the owner keeps it. */
void hl_lock_free(hl_lock **lock, bool remove);
/* True when some process holds the lock now (or it cannot be told). */
bool hl_lock_held(const char *path);

#endif
