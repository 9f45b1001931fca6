/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for bash: one function, and tables as case statements. */
#include "cli/completion.h"

#include <string.h>

static const char bash_head[] =
    "# bash completion for hsmlic. To use it:\n"
    "#\tsource <(hsmlic completion bash)\n\n"
    "# _hsmlic_node PATH: is this the way to a command?\n"
    "_hsmlic_node()\n{\n\tcase $1 in\n";

static const char bash_words[] =
    "\t\treturn 0 ;;\n\tesac\n\treturn 1\n}\n\n"
    "# _hsmlic_words PATH: sets words, or kind, for what may follow.\n"
    "_hsmlic_words()\n{\n\tcase $1 in\n";

static const char bash_options[] = "\tesac\n}\n\n"
				   "# _hsmlic_options PATH: sets words.\n"
				   "_hsmlic_options()\n{\n\tcase $1 in\n";

static const char bash_values[] =
    "\"\n}\n\n"
    "# _hsmlic_value PATH OPTION: sets kind; leaves it empty for a flag.\n"
    "_hsmlic_value()\n{\n\tcase \"$1 $2\" in\n";

static const char bash_tail[] =
    "\tesac\n}\n\n"
    "_hsmlic_files()\n{\n"
    "\tcompopt -o filenames 2>/dev/null\n"
    "\tmapfile -t COMPREPLY < <(compgen \"$1\" -- \"$2\")\n"
    "}\n\n"
    "# Goes through the words before the cursor: sets path and want.\n"
    "_hsmlic_scan()\n{\n"
    "\tlocal i word ends=\"\" kind\n\n"
    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
    "\t\tword=${COMP_WORDS[i]}\n"
    "\t\tif [[ $want ]]; then\n"
    "\t\t\t[[ $word == = ]] || want=\n"
    "\t\telif [[ $ends || $word == -- ]]; then\n"
    "\t\t\tends=1\n"
    "\t\telif [[ $word == -* ]]; then\n"
    "\t\t\tkind=\n"
    "\t\t\t_hsmlic_value \"$path\" \"$word\"\n"
    "\t\t\twant=$kind\n"
    "\t\telif _hsmlic_node \"${path:+$path }$word\"; then\n"
    "\t\t\tpath=${path:+$path }$word\n"
    "\t\tfi\n"
    "\tdone\n"
    "}\n\n"
    "_hsmlic()\n{\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} path=\"\" want=\"\"\n"
    "\tlocal words=\"\" kind=\"\"\n\n"
    "\tCOMPREPLY=()\n"
    "\t_hsmlic_scan\n"
    "\tif [[ $want ]]; then\n"
    "\t\tkind=$want\n"
    "\t\t[[ $cur != = ]] || cur=\n"
    "\telif [[ $cur == -* ]]; then\n"
    "\t\t_hsmlic_options \"$path\"\n"
    "\telse\n"
    "\t\t_hsmlic_words \"$path\"\n"
    "\tfi\n"
    "\tcase $kind in\n"
    "\tfile) _hsmlic_files -f \"$cur\" ;;\n"
    "\tdir) _hsmlic_files -d \"$cur\" ;;\n"
    "\ttext) ;;\n"
    "\t*) mapfile -t COMPREPLY < <(compgen -W \"$words$kind\" -- \"$cur\") ;;\n"
    "\tesac\n"
    "}\n\n"
    "complete -F _hsmlic hsmlic\n";

static void
bash_nodes(hl_buf *out)
{
	hl_buf_printf(out, "\thelp");
	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		if (hl_command_opens_group(c))
			hl_buf_printf(
			    out, " | %s | \"help %s\"", c->group, c->group);
		if (strcmp(c->name, "help") == 0)
			continue;
		hl_buf_printf(out, " | \\\n\t\t\"");
		hl_completion_path(c, out);
		hl_buf_printf(out, "\"");
	}
	hl_buf_printf(out, ")\n");
}

static void
bash_group_words(const char *group, hl_buf *out)
{
	if (group == NULL)
		hl_buf_printf(out, "\t\"\" | help) words=\"");
	else
		hl_buf_printf(
		    out, "\t%s | \"help %s\") words=\"", group, group);
	hl_completion_words(group, out);
	hl_buf_printf(out, "\" ;;\n");
}

static void
bash_operands(const hl_command *c, hl_buf *out)
{
	const hl_value_kind kind = hl_value_kind_of(c->operands);

	if (kind == HL_VALUE_TEXT)
		return;
	hl_buf_printf(out, "\t\"");
	hl_completion_path(c, out);
	if (kind != HL_VALUE_CHOICE) {
		hl_buf_printf(out, "\") kind=\"%s\" ;;\n",
		    kind == HL_VALUE_DIR ? "dir" : "file");
		return;
	}
	hl_buf_printf(out, "\") words=\"");
	hl_completion_choices(c->operands, out);
	hl_buf_printf(out, "\" ;;\n");
}

static void
bash_option_names(const hl_option *table, hl_buf *out)
{
	for (; table != NULL && table->name != NULL; table++)
		hl_buf_printf(out, " --%s", table->name);
}

/* path NULL: an option that every command has. */
static void
bash_option_value(const hl_command *c, const hl_option *o, hl_buf *out)
{
	static const char *const names[] = { "text", "file", "dir", NULL };
	const hl_value_kind kind = hl_value_kind_of(o->value);

	for (int i = 0; i < (o->letter != 0 ? 2 : 1); i++) {
		hl_buf_printf(out, i == 0 ? "\t" : " | ");
		hl_buf_printf(out, c == NULL ? "*\" " : "\"");
		if (c != NULL) {
			hl_completion_path(c, out);
			hl_buf_printf(out, " ");
		}
		if (i == 0)
			hl_buf_printf(out, "--%s\"", o->name);
		else
			hl_buf_printf(out, "-%c\"", o->letter);
	}
	hl_buf_printf(out, ") kind=");
	if (kind == HL_VALUE_CHOICE) {
		hl_buf_u8(out, '"');
		hl_completion_choices(o->value, out);
		hl_buf_u8(out, '"');
	} else {
		hl_buf_printf(out, "\"%s\"", names[kind]);
	}
	hl_buf_printf(out, " ;;\n");
}

static void
bash_option_values(const hl_command *c, const hl_option *table, hl_buf *out)
{
	for (; table != NULL && table->name != NULL; table++)
		if (table->value != NULL)
			bash_option_value(c, table, out);
}

void
hl_completion_bash(hl_buf *out)
{
	hl_buf_printf(out, "%s", bash_head);
	bash_nodes(out);
	hl_buf_printf(out, "%s", bash_words);
	bash_group_words(NULL, out);
	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		if (hl_command_opens_group(c))
			bash_group_words(c->group, out);
		bash_operands(c, out);
	}
	hl_buf_printf(out, "%s", bash_options);
	for (const hl_command *c = hl_commands; c->name != NULL; c++) {
		if (c->options == NULL)
			continue;
		hl_buf_printf(out, "\t\"");
		hl_completion_path(c, out);
		hl_buf_printf(out, "\") words=\"");
		bash_option_names(c->options, out);
		hl_buf_printf(out, "\" ;;\n");
	}
	hl_buf_printf(out, "\tesac\n\twords+=\"");
	bash_option_names(hl_global_options, out);
	hl_buf_printf(out, "%s", bash_values);
	bash_option_values(NULL, hl_global_options, out);
	for (const hl_command *c = hl_commands; c->name != NULL; c++)
		bash_option_values(c, c->options, out);
	hl_buf_printf(out, "%s", bash_tail);
}
