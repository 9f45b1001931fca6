/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for fish: a line for each word and option. */
#include "cli/completion.h"

#include <string.h>

static void
fish_head(hl_buf *out)
{
	hl_buf_printf(out,
	    "# fish completion for hsmlic. To use it:\n"
	    "#\thsmlic completion fish | source\n\n"
	    "# The words of the command so far, without options.\n"
	    "function __hsmlic_path\n"
	    "\tset -l skip 0\n"
	    "\tfor word in (commandline -opc)[2..-1]\n"
	    "\t\tif test $skip = 1\n\t\t\tset skip 0\n"
	    "\t\telse if contains -- $word");
	for (const hl_option *o = hl_global_options; o->name != NULL; o++)
		if (o->value != NULL)
			hl_buf_printf(out, " --%s", o->name);
	hl_buf_printf(out,
	    "\n\t\t\tset skip 1\n"
	    "\t\telse if not string match -q -- '-*' $word\n"
	    "\t\t\techo $word\n"
	    "\t\tend\n\tend\nend\n\n"
	    "# __hsmlic_at WORD...: does the command begin with these words?\n"
	    "function __hsmlic_at\n"
	    "\tset -l path (__hsmlic_path)\n"
	    "\ttest \"$path[1..\"(count $argv)\"]\" = \"$argv\"\n"
	    "end\n\n"
	    "# __hsmlic_end WORD...: does it consist of these words?\n"
	    "function __hsmlic_end\n"
	    "\tset -l path (__hsmlic_path)\n"
	    "\ttest \"$path\" = \"$argv\"\n"
	    "end\n\n"
	    "complete -c hsmlic -f\n");
}

static void
fish_word(const char *behind, const char *word, const char *help, hl_buf *out)
{
	hl_buf_printf(out,
	    "complete -c hsmlic -n '__hsmlic_end%s%s' -a %s -d '",
	    behind[0] == '\0' ? "" : " ", behind, word);
	hl_completion_quoted(help, "\\", out);
	hl_buf_printf(out, "'\n");
}

static void
fish_option(const hl_command *c, const hl_option *o, hl_buf *out)
{
	hl_buf_printf(out, "complete -c hsmlic");
	if (c != NULL) {
		hl_buf_printf(out, " -n '__hsmlic_at ");
		hl_completion_path(c, out);
		hl_buf_printf(out, "'");
	}
	if (o->letter != 0)
		hl_buf_printf(out, " -s %c", o->letter);
	hl_buf_printf(out, " -l %s", o->name);
	if (o->value != NULL && hl_value_kind_of(o->value) == HL_VALUE_TEXT)
		hl_buf_printf(out, " -x");
	else if (o->value != NULL &&
	    hl_value_kind_of(o->value) == HL_VALUE_FILE)
		hl_buf_printf(out, " -r -F");
	else if (o->value != NULL && hl_value_kind_of(o->value) == HL_VALUE_DIR)
		hl_buf_printf(out, " -x -a '(__fish_complete_directories)'");
	else if (o->value != NULL) {
		hl_buf_printf(out, " -x -a '");
		hl_completion_choices(o->value, out);
		hl_buf_printf(out, "'");
	}
	hl_buf_printf(out, " -d '");
	hl_completion_quoted(o->help, "\\", out);
	hl_buf_printf(out, "'\n");
}

static void
fish_operands(const hl_command *c, hl_buf *out)
{
	const hl_value_kind kind = hl_value_kind_of(c->operands);

	if (kind == HL_VALUE_TEXT)
		return;
	hl_buf_printf(out, "complete -c hsmlic -n '__hsmlic_at ");
	hl_completion_path(c, out);
	if (kind == HL_VALUE_CHOICE) {
		hl_buf_printf(out, "' -a '");
		hl_completion_choices(c->operands, out);
		hl_buf_printf(out, "'\n");
	} else {
		hl_buf_printf(out, "' -F\n");
	}
}

static void
fish_command(const hl_command *c, hl_buf *out)
{
	hl_text help_of;

	if (hl_command_opens_group(c)) {
		hl_buf words = HL_BUF_INIT;

		hl_completion_words(c->group, &words);
		fish_word("", c->group, hl_buf_str(&words), out);
		fish_word("help", c->group, hl_buf_str(&words), out);
		hl_buf_free(&words);
	}
	fish_word(c->group == NULL ? "" : c->group, c->name, c->help, out);
	(void)snprintf(help_of, sizeof(help_of), "help%s%s",
	    c->group == NULL ? "" : " ", c->group == NULL ? "" : c->group);
	fish_word(help_of, c->name, c->help, out);
	for (const hl_option *o = c->options; o != NULL && o->name != NULL; o++)
		fish_option(c, o, out);
	fish_operands(c, out);
}

void
hl_completion_fish(hl_buf *out)
{
	fish_head(out);
	for (const hl_option *o = hl_global_options; o->name != NULL; o++)
		fish_option(NULL, o, out);
	for (const hl_command *c = hl_commands; c->name != NULL; c++)
		fish_command(c, out);
}
