/* SPDX-License-Identifier: Apache-2.0 */
/* hsmlic-sim: software cards, simulated chips and a stand-in programmer. */
#include <string.h>

#include "sim/sim.h"

#define COMMON (BIT(OPT_HELP) | BIT(OPT_JSON))

static const struct sim_command commands[] = {
	{ "card", "new", "FILE", "make a software card and personalise it", 1,
	    COMMON | BIT(OPT_FIRMWARE) | BIT(OPT_CAPACITY) | BIT(OPT_TYPE) |
		BIT(OPT_PRODUCT) | BIT(OPT_KEY) | BIT(OPT_NONCE) |
		BIT(OPT_SERIAL) | BIT(OPT_BLANK),
	    0, sim_card_new },
	{ "card", "show", "FILE", "what the card would tell a host", 1, COMMON,
	    0, sim_card_show },
	{ "card", "terminate", "FILE",
	    "put the card into TERMINATED_STATE for ever", 1, COMMON, 0,
	    sim_card_terminate },
	{ "card", "serve", "FILE",
	    "put the card into a virtual reader until SIGTERM", 1,
	    BIT(OPT_HELP) | BIT(OPT_VPCD) | BIT(OPT_UNIX) | BIT(OPT_T0) |
		BIT(OPT_FAULT) | BIT(OPT_STAY_AWAY) | BIT(OPT_WAIT),
	    0, sim_card_serve },
	{ "chip", "new", "DIR", "make a simulated chip", 1,
	    COMMON | BIT(OPT_PRODUCT) | BIT(OPT_SEED), 0, sim_chip_new },
	{ "image", "new", "FILE", "encrypt a binary under the card's key", 1,
	    COMMON | BIT(OPT_CARD) | BIT(OPT_IN), BIT(OPT_CARD) | BIT(OPT_IN),
	    sim_image_new },
	{ "image", "show", "FILE", "size and hash of what is in an image", 1,
	    COMMON, 0, sim_image_show },
	{ "install", NULL, "IMAGE LICENSE",
	    "stand-in programmer: decrypt as the chip would", 2,
	    COMMON | BIT(OPT_CHIP) | BIT(OPT_OUT), BIT(OPT_CHIP), sim_install },
};

static void
print_help(void)
{
	puts("Usage: " SIM_NAME " COMMAND [OPTIONS] OPERANDS\n\n"
	     "Software cards, simulated chips and a stand-in programmer, for "
	     "trying hsmlic\nwithout hardware. Nothing in here is a real "
	     "device.\n\nCommands:");
	for (size_t i = 0; i < HL_COUNT(commands); i++) {
		const struct sim_command *c = &commands[i];

		printf("  %-7s %-9s %-13s  %s\n", c->group,
		    c->name != NULL ? c->name : "", c->operands, c->help);
	}
	puts("\n" SIM_NAME " COMMAND --help tells the options of a command.\n"
	     "Exit codes: 0 done, 2 usage or bad input, 3 no such device, "
	     "5 cannot write,\n7 busy, 8 installation refused, 9 stored bytes "
	     "do not match their hash.");
}

static void
print_command_help(const struct sim_command *c)
{
	printf("Usage: " SIM_NAME " %s%s%s [OPTIONS] %s\n\n%s\n\nOptions:\n",
	    c->group, c->name != NULL ? " " : "",
	    c->name != NULL ? c->name : "", c->operands, c->help);
	sim_option_help(stdout, c->takes);
}

/* The command that argv begins with; *used: how many words it took. */
static const struct sim_command *
find_command(int argc, char **argv, int *used)
{
	for (size_t i = 0; i < HL_COUNT(commands); i++) {
		const struct sim_command *c = &commands[i];
		const int words = c->name != NULL ? 2 : 1;

		if (argc > words && strcmp(argv[1], c->group) == 0 &&
		    (c->name == NULL || strcmp(argv[2], c->name) == 0)) {
			*used = words;
			return c;
		}
	}
	return NULL;
}

static hl_rc
run(struct sim *sim, int argc, char **argv, hl_err *err)
{
	int used = 0;
	hl_rc rc;

	sim->cmd = find_command(argc, argv, &used);
	if (sim->cmd == NULL)
		return hl_fail(err, HL_EUSAGE, "understand the command line",
		    "see: " SIM_NAME " --help",
		    "no such command, or it lacks its operands");
	rc = sim_options(sim, argc - used, argv + used, err);
	if (sim->opt[OPT_HELP] != NULL) {
		print_command_help(sim->cmd);
		return sim_flush(err);
	}
	if (rc == HL_OK)
		rc = sim->cmd->run(sim, err);
	return rc;
}

int
main(int argc, char **argv)
{
	struct sim sim = { 0 };
	hl_err err = { 0 };
	hl_rc rc = HL_OK;

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		puts(SIM_NAME " " HSMLIC_VERSION);
	else if (argc == 2 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		print_help();
	else
		rc = run(&sim, argc, argv, &err);
	if (rc == HL_OK)
		rc = sim_flush(&err);
	return rc == HL_OK ? 0 : sim_report(&sim, &err);
}
