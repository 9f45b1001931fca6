/* SPDX-License-Identifier: Apache-2.0 */
/* Error object: how the layers fill an hl_err (include/hsmlic/error.h). */
#ifndef HL_UTIL_ERR_H
#define HL_UTIL_ERR_H

#include "hsmlic/error.h"

#define HL_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define HL_CHECK __attribute__((warn_unused_result))
#define HL_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The exit code of a program whose work ended so: hsmlic(1), EXIT STATUS. */
int hl_rc_exit(hl_rc rc);

/*
 * Fills *err (unless NULL) and returns rc, so that `return hl_fail(...)` is
 * the whole error path. `what` and `hint` are copied as they are; `why` is a
 * printf format. units_spent becomes 0. Control characters are replaced by
 * '?', because text from cards and files ends up on terminals.
 */
hl_rc hl_fail(hl_err *err, hl_rc rc, const char *what, const char *hint,
    const char *why, ...) HL_PRINTF(5, 6);

/* Replaces `what` by words of the caller, who knows the object's name. */
void hl_err_what(hl_err *err, const char *what, ...) HL_PRINTF(2, 3);
/* Replaces `hint`. */
void hl_err_hint(hl_err *err, const char *hint, ...) HL_PRINTF(2, 3);
/* Appends to `why`, after "; ". */
void hl_err_add(hl_err *err, const char *why, ...) HL_PRINTF(2, 3);

/* hl_fail() for out of memory. */
hl_rc hl_nomem(hl_err *err);

#ifdef __clang_analyzer__
/* clang-tidy sees one file at a time and would take HL_OK for possible. */
static inline hl_rc
hl_err_is(hl_rc rc)
{
	return rc;
}
#define hl_fail(err, rc, ...) (hl_fail(err, rc, __VA_ARGS__), hl_err_is(rc))
#define hl_nomem(err) (hl_nomem(err), hl_err_is(HL_ENOMEM))
#endif

#endif
