/* SPDX-License-Identifier: Apache-2.0 */
/* Files of lines that end with a line feed: inside the ledger layer. */
#ifndef HL_LEDGER_LINES_H
#define HL_LEDGER_LINES_H

#include <stdbool.h>

#include "ledger/tree.h"
#include "util/buf.h"
#include "util/rd.h"

/* Takes a line off; *line is without the line feed. False: none is whole. */
bool hl_line_take(hl_rd *r, hl_rd *line);
/* Takes a word off the front of the line. False: it begins with another. */
bool hl_line_word(hl_rd *line, const char *word);
bool hl_line_is(hl_rd line, const char *text);
/* A decimal without leading zeros, nothing else. */
bool hl_line_u64(hl_rd line, uint64_t *v);
/* The base64 of a hash, nothing else. */
bool hl_line_hash(hl_rd line, hl_hash *out);

/* Appends "<before><base64 of the hash>\n". */
void hl_line_put_hash(hl_buf *out, const char *before, const hl_hash *h);

#endif
