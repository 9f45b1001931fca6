/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation of a programmer's error line, for people and for --json. */
#ifndef HL_CLI_EXPLAIN_VIEW_H
#define HL_CLI_EXPLAIN_VIEW_H

#include "cli/cli.h"
#include "flow/explain.h"

/*
 * A paragraph of found[i], one of the `n` that are shown together: what it is
 * about, what it means, causes, next steps, sources; wrapped at 79 columns.
 * Causes and steps that one before it has are left out, and so is to try again
 * where one of them doubts the license.
 */
void hl_explanation_print(
    const hl_explanation *const *found, size_t n, size_t i, FILE *f);
/* id, pattern, means, causes, next, sources, doubts_license; NULL: no memory */
json_t *hl_json_explanation(const hl_explanation *e);

#endif
