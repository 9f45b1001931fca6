/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that argv.h is made of. */
#ifndef HL_FLOW_ARGV_INT_H
#define HL_FLOW_ARGV_INT_H

#include "flow/argv.h"

#define HL_ARGV_WHAT "understand the programmer's command line"
#define HL_ARGV_AS_HELP                                                        \
	"write it as the programmer's --help does, or run it without hsmlic"

/* No file name that begins with '-' can be told from one. */
bool hl_argv_is_option(const char *word);
/* A word without what may stand before its name. */
const char *hl_argv_name(const char *word);
/* What follows "key=", in any letter case; NULL: it is another word. */
const char *hl_argv_value(const char *word, const char *key);
/* Is it the key with nothing, or '=' and then nothing? Such as in "hsm = 1". */
bool hl_argv_torn(const char *word);
/* White space or a control character. */
bool hl_argv_is_gap(char c);
const char *hl_argv_skip_gaps(const char *s);
/* -mcsv, or much like it: its file can make the tool ask a card. */
bool hl_argv_is_modules(const char *name);
/* Is there something behind a gap in the word that would ask a card as a word
 * of its own? `next` is the word behind it, or NULL. */
bool hl_argv_hides(const char *word, const char *next);

/* Fills *u from argv[first..last]. `u->kind` is set. */
HL_CHECK hl_rc hl_argv_use_parse(
    hl_argv_use *u, int first, int last, char *const *argv, hl_err *err);

#endif
