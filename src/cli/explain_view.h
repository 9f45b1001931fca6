/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation of a programmer's error line, for people and for --json. */
#ifndef HL_CLI_EXPLAIN_VIEW_H
#define HL_CLI_EXPLAIN_VIEW_H

#include "cli/cli.h"
#include "flow/explain.h"

/* A paragraph of it: what it is about, what it means, causes, next steps,
 * sources; wrapped at 79 columns. */
void hl_explanation_print(const hl_explanation *e, FILE *f);
/* id, pattern, means, causes, next, sources, doubts_license; NULL: no memory */
json_t *hl_json_explanation(const hl_explanation *e);

#endif
