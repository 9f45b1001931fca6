/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock that all processes of this machine see, whoever runs them and whatever
 * folders they may write: a name of the abstract socket namespace (unix(7)),
 * which is one for each network namespace (network_namespaces(7)): processes in
 * another one, such as a container or a service with PrivateNetwork=yes, do not
 * see it. The kernel frees it with the last process that has it, so a forked
 * child that lives on keeps it.
 */
#ifndef HL_UTIL_NAME_LOCK_H
#define HL_UTIL_NAME_LOCK_H

#include "util/clock.h"
#include "util/err.h"

/* Free with hl_name_lock_free(). */
typedef struct hl_name_lock {
	int fd; /* -1: not taken */
} hl_name_lock;

/*
 * Takes the lock `name` (at most 100 bytes), waiting until `until`; a deadline in
 * the past tries once. HL_EBUSY when somebody else went on holding it; HL_EINPUT,
 * HL_EIO.
 */
HL_CHECK hl_rc hl_name_lock_take(
    hl_name_lock *lock, const char *name, hl_deadline until, hl_err *err);
void hl_name_lock_free(hl_name_lock *lock);

#endif
