/* SPDX-License-Identifier: Apache-2.0 */
/* What the completion scripts of the shells have in common. */
#ifndef HL_CLI_COMPLETION_H
#define HL_CLI_COMPLETION_H

#include "cli/cli.h"

typedef enum hl_value_kind {
	HL_VALUE_TEXT, /* nothing to complete */
	HL_VALUE_FILE,
	HL_VALUE_DIR,
	HL_VALUE_CHOICE
} hl_value_kind;

/* `value` as the tables spell it: FILE, DIR, test|production, [FILE], ... */
hl_value_kind hl_value_kind_of(const char *value);
/* "test|production" as "test production" */
void hl_completion_choices(const char *value, hl_buf *out);
/* Words that may stand first (group NULL), or behind a group's name. */
void hl_completion_words(const char *group, hl_buf *out);
/* "card add" */
void hl_completion_path(const hl_command *c, hl_buf *out);
/* Text inside of single quotes. `also` are characters to put \ before. */
void hl_completion_quoted(const char *s, const char *also, hl_buf *out);

void hl_completion_bash(hl_buf *out);
void hl_completion_zsh(hl_buf *out);
void hl_completion_fish(hl_buf *out);

#endif
