/* SPDX-License-Identifier: Apache-2.0 */
/* One table of options: parsing and help come from it. */
#include <getopt.h>

#include "sim/sim.h"

static const struct option_row {
	const char *name, *value, *help; /* value NULL: a flag */
	char letter;			 /* 0: long form only */
} rows[OPT_COUNT] = {
	[OPT_BLANK] = { "blank", NULL, "do not personalise the card", 0 },
	[OPT_CAPACITY] = { "capacity", "N", "licenses on the card", 0 },
	[OPT_CARD] = { "card", "FILE", "card whose firmware key is used", 0 },
	[OPT_CHIP] = { "chip", "DIR", "chip to install on", 0 },
	[OPT_FAULT] = { "fault", "KIND[:N]",
	    "go wrong in the Nth license request (1), may be repeated:\n"
	    "                          drop-before, drop-after, mute, garbage, "
	    "short, wrong-id,\n"
	    "                          stuck, jump, slow[:N[:MILLISECONDS]]",
	    0 },
	[OPT_FIRMWARE] = { "firmware", "ID", "firmware identifier", 0 },
	[OPT_HELP] = { "help", NULL, "show this", 'h' },
	[OPT_IN] = { "in", "BINARY", "what to encrypt", 0 },
	[OPT_JSON] = { "json", NULL, "print one JSON object", 0 },
	[OPT_KEY] = { "key", "FILE", "16 bytes (made up)", 0 },
	[OPT_NONCE] = { "nonce", "FILE", "12 bytes (made up)", 0 },
	[OPT_OUT] = { "output", "FILE", "write the decrypted binary", 'o' },
	[OPT_PRODUCT] = { "product", "HEX8", "product ID", 0 },
	[OPT_SEED] = { "seed", "N", "always the same chip for the same N", 0 },
	[OPT_SERIAL] = { "serial", "HEX", "8 to 16 bytes (made up)", 0 },
	[OPT_STAY_AWAY] = { "fault-stay-away", NULL,
	    "after drop-*: do not come back", 0 },
	[OPT_T0] = { "t0", NULL, "speak T=0 instead of T=1", 0 },
	[OPT_TYPE] = { "type", "TYPE", "license type (SFI)", 0 },
	[OPT_UNIX] = { "unix", "PATH", "reader on a UNIX socket", 0 },
	[OPT_VPCD] = { "vpcd", "HOST:PORT", "vpcd (127.0.0.1:35963)", 0 },
	[OPT_WAIT] = { "wait", "SECONDS",
	    "how long to try to reach the reader (10)", 0 },
};

void
sim_option_help(FILE *f, unsigned takes)
{
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		const struct option_row *r = &rows[i];
		char left[48];

		if ((takes & BIT(i)) == 0)
			continue;
		(void)snprintf(left, sizeof(left), "%s%.1s%s--%s%s%s",
		    r->letter != 0 ? "-" : "", &r->letter,
		    r->letter != 0 ? ", " : "    ", r->name,
		    r->value != NULL ? " " : "",
		    r->value != NULL ? r->value : "");
		fprintf(f, "  %-23s %s\n", left, r->help);
	}
}

static hl_rc
usage(hl_err *err, const char *before, const char *what, const char *after)
{
	return hl_fail(err, HL_EUSAGE, "understand the command line", "",
	    "%s%s%s", before, what, after);
}

static hl_rc
option_set(struct sim *sim, unsigned o, const char *value, hl_err *err)
{
	if ((sim->cmd->takes & BIT(o)) == 0)
		return usage(
		    err, "this command has no option --", rows[o].name, "");
	if (o == OPT_FAULT) {
		if (sim->n_faults == SIM_FAULTS_MAX)
			return usage(
			    err, "too many times --", rows[o].name, "");
		sim->faults[sim->n_faults++] = value;
	} else if (sim->opt[o] != NULL && rows[o].value != NULL) {
		return usage(err, "--", rows[o].name, " is given twice");
	}
	sim->opt[o] = value != NULL ? value : "";
	return HL_OK;
}

/* getopt_long()'s tables; letters and long forms give the row's number + 1000,
 * or the letter. */
static void
tables(struct option *longs, char *letters)
{
	*letters++ = ':';
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		longs[i] = (struct option){ .name = rows[i].name,
			.has_arg = rows[i].value != NULL,
			.val = 1000 + (int)i };
		if (rows[i].letter == 0)
			continue;
		*letters++ = rows[i].letter;
		if (rows[i].value != NULL)
			*letters++ = ':';
	}
	*letters = '\0';
}

static unsigned
row_of(int c)
{
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		if (c == 1000 + (int)i || c == rows[i].letter)
			return i;
	}
	return OPT_COUNT;
}

static hl_rc
parse(struct sim *sim, int argc, char **argv, hl_err *err)
{
	struct option longs[OPT_COUNT + 1] = { 0 };
	char letters[2 * OPT_COUNT + 2];
	hl_rc rc = HL_OK;
	int c;

	tables(longs, letters);
	opterr = 0;
	while (rc == HL_OK &&
	    (c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (c == ':')
			rc = usage(err, "", argv[optind - 1], " needs a value");
		else if (c == '?')
			rc =
			    usage(err, "unknown option ", argv[optind - 1], "");
		else
			rc = option_set(sim, row_of(c), optarg, err);
	}
	if (rc != HL_OK || sim->opt[OPT_HELP] != NULL)
		return rc;
	sim->operands = argv + optind;
	if (argc - optind != sim->cmd->n_operands)
		return usage(
		    err, "give exactly ", sim->cmd->operands, " as operands");
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		if ((sim->cmd->needs & BIT(i)) != 0 && sim->opt[i] == NULL)
			return usage(err, "--", rows[i].name, " is missing");
	}
	return HL_OK;
}

hl_rc
sim_options(struct sim *sim, int argc, char **argv, hl_err *err)
{
	const struct sim_command *c = sim->cmd;
	const hl_rc rc = parse(sim, argc, argv, err);

	if (rc != HL_OK)
		hl_err_hint(err, "see: " SIM_NAME " %s%s%s --help", c->group,
		    c->name != NULL ? " " : "", c->name != NULL ? c->name : "");
	return rc;
}
