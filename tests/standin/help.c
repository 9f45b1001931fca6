/* SPDX-License-Identifier: Apache-2.0 */
/* --help: names, order and form of what the tool's help lists; the words that
 * explain are ours. */
#include <string.h>

#include "standin.h"

static const struct {
	const char *form, *text;
	bool newer; /* gone with no-hsmglfcb */
} rows[] = {
	{ "-c,       --connect", "connect to a target", false },
	{ "     <port=PortName>", "SWD, JTAG, USB1, COM1, ...", false },
	{ "     [mode=Mode]", "NORMAL, UR, HOTPLUG", false },
	{ "     [sn=SN]", "serial number of the probe", false },
	{ "     [ap=Index]", "access port", false },
	{ "-r32", "read 32-bit words", false },
	{ "     <Address> <Size>", "size in bytes", false },
	{ "-ob,      --optionbytes", "displ, or NAME=VALUE...", false },
	{ "-rst", "reset", false },
	{ "-gc,      --getcertificate", "chip certificate", false },
	{ "     <file_path> [tfa-ssp]", "where to", false },
	{ "-vb -log -q -y", "verbosity, log file, no progress, yes", false },
	{ "-installipmodule, --installipmodule", "install a module", false },
	{ "     <file_path> [hsm=0|1] <lic_path|slot=slotID> [<address>]", "",
	    false },
	{ "-sfi, --sfi", "program an sfi file", false },
	{ "     [<protocol=Ptype>] <file_path> [hsm=0|1] "
	  "<lic_path|slot=slotID>",
	    "", false },
	{ "-ssp, --ssp", "program an ssp file", false },
	{ "     <file_path> <tfa-ssp-path> [hsm=0|1] "
	  "<lic_path|slot=slotID>",
	    "", false },
	{ "-rsse, --rsse", "RSSe file", false },
	{ "-el", "external loader", false },
	{ "-mcsv", "list of modules", false },
	{ "-hsmgetinfo", "card: all", false },
	{ "     [slot=<SlotID>]", "reader, 1 when not given", false },
	{ "-hsmgetcounter", "card: counter", false },
	{ "     [slot=<SlotID>]", "reader, 1 when not given", false },
	{ "-hsmgetfwid", "card: firmware identifier", false },
	{ "     [slot=<SlotID>]", "reader, 1 when not given", false },
	{ "-hsmgetstatus", "card: state", false },
	{ "     [slot=<SlotID>]", "reader, 1 when not given", false },
	{ "-hsmgetlicense", "license for the connected chip", false },
	{ "     <file_path> [slot=<SlotID>] [protocol=<Ptype>] "
	  "<tfa-ssp-path>",
	    "", false },
	{ "-hsmgetlicensefromcertifbin, -hsmglfcb", "license for a certificate",
	    true },
	{ "     <certif_file_path.bin> <license_file_path.bin> "
	  "[slot=<SlotID>] [protocol=<Ptype>]",
	    "", true },
};

void
help_print(struct tool *t)
{
	say(t, "Usage : ");
	say(t,
	    "STM32_Programmer_CLI.exe [command_1] [Arguments_1]"
	    "[[command_2] [Arguments_2]...] ");
	say(t, "%s", "");
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		if (rows[i].newer && world_has(t, "no-hsmglfcb"))
			continue;
		if (rows[i].text[0] == '\0')
			say(t, " %s", rows[i].form);
		else
			say(t, " %-26s : %s", rows[i].form, rows[i].text);
	}
	(void)fflush(stdout);
	fputs("stand-in for tests; not ST's program\n", stderr);
}
