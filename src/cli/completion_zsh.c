/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for zsh: a call of _arguments for each command. */
#include "cli/completion.h"

#include <string.h>

/* What completes a value, in the words of _arguments. */
static void
zsh_action(const char *value, hl_buf *out)
{
	switch (hl_value_kind_of(value)) {
	case HL_VALUE_FILE:
		hl_buf_printf(out, "_files");
		break;
	case HL_VALUE_DIR:
		hl_buf_printf(out, "_files -/");
		break;
	case HL_VALUE_CHOICE:
		hl_buf_printf(out, "(");
		hl_completion_choices(value, out);
		hl_buf_printf(out, ")");
		break;
	case HL_VALUE_TEXT:
		hl_buf_printf(out, " ");
		break;
	}
}

static void
zsh_option(const hl_option *o, hl_buf *out)
{
	if (o->letter != 0 && (o->flags & HL_OPT_REPEAT) != 0)
		hl_buf_printf(out, "'*'{-%c,--%s}", o->letter, o->name);
	else if (o->letter != 0)
		hl_buf_printf(out, "'(-%c --%s)'{-%c,--%s%s}", o->letter,
		    o->name, o->letter, o->name, o->value != NULL ? "=" : "");
	else
		hl_buf_printf(out, "%s--%s%s",
		    (o->flags & HL_OPT_MANY) != 0 ? "'*'" : "", o->name,
		    o->value != NULL ? "=" : "");
	hl_buf_printf(out, "'[");
	hl_completion_quoted(o->help, "[]", out);
	hl_buf_printf(out, "]");
	if (o->value != NULL) {
		hl_buf_printf(out, ":");
		hl_completion_quoted(o->value, "[]:", out);
		hl_buf_printf(out, ":");
		zsh_action(o->value, out);
	}
	hl_buf_printf(out, "' \\\n\t\t");
}

static void
zsh_options(const hl_option *table, hl_buf *out)
{
	for (; table != NULL && table->name != NULL; table++)
		zsh_option(table, out);
}

/* A function for a group, or for the program: a word, then what it takes. */
static void
zsh_open(const char *group, hl_buf *out)
{
	hl_buf_printf(out,
	    "_hsmlic%s%s() {\n"
	    "\tlocal curcontext=\"$curcontext\" state line\n"
	    "\tlocal -a words_here\n\twords_here=(\n",
	    group == NULL ? "" : "_", group == NULL ? "" : group);
	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		if (group == NULL && hl_command_opens_group(c)) {
			hl_buf_printf(out, "\t\t'%s:", c->group);
			hl_completion_words(c->group, out);
			hl_buf_printf(out, "'\n");
		}
		if (!hl_command_in(c, group))
			continue;
		hl_buf_printf(out, "\t\t'%s:", c->name);
		hl_completion_quoted(c->help, ":", out);
		hl_buf_printf(out, "'\n");
	}
	hl_buf_printf(out,
	    "\t)\n"
	    "\t_arguments -C -S -s $hsmlic_global \\\n"
	    "\t\t'1: :->word' '*:: :->rest' && return\n"
	    "\tif [[ $state == word ]]; then\n"
	    "\t\t_describe -t commands command words_here\n"
	    "\t\treturn\n"
	    "\tfi\n"
	    "\tcase $line[1] in\n");
}

static void
zsh_command(const hl_command *c, hl_buf *out)
{
	hl_buf_printf(
	    out, "\t%s) _arguments -S -s $hsmlic_global \\\n\t\t", c->name);
	zsh_options(c->options, out);
	if (strcmp(c->name, "help") == 0)
		hl_buf_printf(out,
		    "'*: :->word' && return\n\t\t"
		    "_describe -t commands command words_here");
	else {
		hl_buf_printf(out, "'*:");
		hl_completion_quoted(
		    c->operands[0] == '\0' ? " " : c->operands, "[]:", out);
		hl_buf_printf(out, ":");
		zsh_action(c->operands, out);
		hl_buf_printf(out, "'");
	}
	hl_buf_printf(out, " ;;\n");
}

static void
zsh_function(const char *group, hl_buf *out)
{
	zsh_open(group, out);
	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		if (group == NULL && hl_command_opens_group(c))
			hl_buf_printf(
			    out, "\t%s) _hsmlic_%s ;;\n", c->group, c->group);
		if (hl_command_in(c, group))
			zsh_command(c, out);
	}
	hl_buf_printf(out, "\tesac\n}\n\n");
}

void
hl_completion_zsh(hl_buf *out)
{
	hl_buf_printf(out,
	    "#compdef hsmlic\n"
	    "# zsh completion for hsmlic. To use it, write this to a file "
	    "_hsmlic in a\n# directory of $fpath, or:\n"
	    "#\tsource <(hsmlic completion zsh)\n\n"
	    "typeset -ga hsmlic_global\nhsmlic_global=(\n\t\t");
	zsh_options(hl_global_options, out);
	/* The line goes on after the last option. */
	hl_buf_printf(out, "\n)\n\n");
	for (const hl_command *c = hl_commands; c->name != NULL; c++)
		if (hl_command_opens_group(c))
			zsh_function(c->group, out);
	zsh_function(NULL, out);
	hl_buf_printf(out,
	    "if [[ $funcstack[1] == _hsmlic ]]; then\n"
	    "\t_hsmlic \"$@\"\nelse\n\tcompdef _hsmlic hsmlic\nfi\n");
}
