/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Canonicalization Scheme (RFC 8785): one value, one spelling. Of numbers
 * only integers below 2^53 are known here, which need no rules for fractions.
 */
#ifndef HL_LEDGER_JCS_H
#define HL_LEDGER_JCS_H

#include <jansson.h>

#include "util/buf.h"
#include "util/err.h"

#define HL_JCS_INT_MAX (((int64_t)1 << 53) - 1)

/*
 * Appends the canonical form. HL_EINPUT: a real number, an integer of 2^53 or
 * more, or values nested more than 64 deep; HL_ENOMEM. On failure what was
 * appended is not complete.
 */
HL_CHECK hl_rc hl_jcs_put(hl_buf *out, const json_t *v, hl_err *err);

#endif
