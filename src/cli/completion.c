/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts for three shells, made from the tables. */
#include "cli/completion.h"
#include "ledger/event.h"

#include <ctype.h>
#include <string.h>

#define EVENT_KIND "KIND" /* as the tables spell it */

hl_value_kind
hl_value_kind_of(const char *value)
{
	value += value[0] == '[';
	if (strncmp(value, "FILE", 4) == 0 || strcmp(value, "URL") == 0)
		return HL_VALUE_FILE;
	if (strcmp(value, "DIR") == 0)
		return HL_VALUE_DIR;
	if (strcmp(value, EVENT_KIND) == 0)
		return HL_VALUE_CHOICE;
	if (islower((unsigned char)value[0]) && strchr(value, '|') != NULL)
		return HL_VALUE_CHOICE;
	return HL_VALUE_TEXT;
}

static void
put_kinds(hl_buf *out)
{
	const char *kind;

	for (size_t i = 0; (kind = hl_event_kind(i)) != NULL; i++)
		hl_buf_printf(out, "%s%s", i == 0 ? "" : " ", kind);
}

/* Words in capitals stand for something else, and are none to type. */
void
hl_completion_choices(const char *value, hl_buf *out)
{
	const char *sep = "";
	size_t n;

	if (strcmp(value, EVENT_KIND) == 0) {
		put_kinds(out);
		return;
	}
	for (; *(value += strspn(value, "| ")) != '\0'; value += n) {
		n = strcspn(value, "| ");
		if (isupper((unsigned char)value[0]))
			continue;
		hl_buf_printf(out, "%s%.*s", sep, (int)n, value);
		sep = " ";
	}
}

void
hl_completion_words(const char *group, hl_buf *out)
{
	const char *sep = "";

	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		const char *word = c->name;

		if (group == NULL && hl_command_opens_group(c))
			word = c->group;
		else if (!hl_command_in(c, group))
			continue;
		hl_buf_printf(out, "%s%s", sep, word);
		sep = " ";
	}
}

void
hl_completion_path(const hl_command *c, hl_buf *out)
{
	hl_buf_printf(out, "%s%s%s", c->group == NULL ? "" : c->group,
	    c->group == NULL ? "" : " ", c->name);
}

void
hl_completion_quoted(const char *s, const char *also, hl_buf *out)
{
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			hl_buf_printf(out, "'\\'");
		else if (strchr(also, *s) != NULL)
			hl_buf_u8(out, '\\');
		hl_buf_u8(out, (uint8_t)*s);
	}
}

static void (*script_for(const char *shell))(hl_buf *out)
{
	if (strcmp(shell, "bash") == 0)
		return hl_completion_bash;
	if (strcmp(shell, "zsh") == 0)
		return hl_completion_zsh;
	return strcmp(shell, "fish") == 0 ? hl_completion_fish : NULL;
}

hl_rc
hl_cmd_completion(hl_cli *cli, char **operands, hl_err *err)
{
	void (*script)(hl_buf *) = script_for(operands[0]);
	hl_buf out = HL_BUF_INIT;
	hl_rc rc = HL_OK;

	if (script == NULL)
		return hl_fail(err, HL_EUSAGE, "print a completion script",
		    "give bash, zsh or fish", "there is none for \"%s\"",
		    operands[0]);
	script(&out);
	if (out.failed)
		rc = hl_nomem(err);
	else if (cli->json)
		rc = hl_print_json(cli,
		    json_pack("{s:s, s:s}", "shell", operands[0], "script",
			hl_buf_str(&out)),
		    err);
	else
		(void)fputs(hl_buf_str(&out), stdout);
	hl_buf_free(&out);
	return rc;
}
