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

/* group NULL: all of them. */
static void
print_commands(const char *group)
{
	for (size_t i = 0; i < HL_COUNT(commands); i++) {
		const struct sim_command *c = &commands[i];

		if (group != NULL && strcmp(c->group, group) != 0)
			continue;
		printf("  %-7s %-9s %-13s  %s\n", c->group,
		    c->name != NULL ? c->name : "", c->operands, c->help);
	}
}

static void
print_help(void)
{
	puts("Usage: " SIM_NAME " COMMAND [OPTIONS] OPERANDS\n\n"
	     "Software cards, simulated chips and a stand-in programmer, for "
	     "trying hsmlic\nwithout hardware. Nothing in here is a real "
	     "device.\n\nCommands:");
	print_commands(NULL);
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

static bool
asks_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool
is_group(const char *word)
{
	for (size_t i = 0; i < HL_COUNT(commands); i++)
		if (commands[i].name != NULL &&
		    strcmp(commands[i].group, word) == 0)
			return true;
	return false;
}

/* The words that may stand behind `group`, or first of all (NULL). */
static void
list_words(const char *group, hl_buf *out)
{
	const char *last = "";

	for (size_t i = 0; i < HL_COUNT(commands); i++) {
		const struct sim_command *c = &commands[i];
		const char *word = group == NULL ? c->group : c->name;

		if ((group != NULL && strcmp(c->group, group) != 0) ||
		    strcmp(word, last) == 0)
			continue;
		hl_buf_printf(out, "%s%s", out->n == 0 ? "" : ", ", word);
		last = word;
	}
}

/* What the words are that could have been meant is said in the hint. */
static hl_rc
no_command(int argc, char **argv, hl_err *err)
{
	const bool in_group = argc > 1 && is_group(argv[1]);
	const char *group = in_group ? argv[1] : NULL;
	const int at = in_group ? 2 : 1;
	hl_buf words = HL_BUF_INIT;
	hl_rc rc;

	list_words(group, &words);
	if (argc <= at && in_group)
		rc = hl_fail(err, HL_EUSAGE, "understand the command line", "",
		    "\"%s\" needs a subcommand", group);
	else if (argc <= at)
		rc = hl_fail(err, HL_EUSAGE, "understand the command line", "",
		    "a command is missing");
	else
		rc = hl_fail(err, HL_EUSAGE, "understand the command line", "",
		    "there is no command \"%s%s%s\"", in_group ? group : "",
		    in_group ? " " : "", argv[at]);
	hl_err_hint(err, "%s: %s", in_group ? "subcommands" : "commands",
	    hl_buf_str(&words));
	hl_buf_free(&words);
	return rc;
}

static hl_rc
run(struct sim *sim, int argc, char **argv, hl_err *err)
{
	int used = 0;
	hl_rc rc;

	if (argc == 3 && is_group(argv[1]) && asks_help(argv[2])) {
		print_commands(argv[1]);
		return HL_OK;
	}
	sim->cmd = find_command(argc, argv, &used);
	if (sim->cmd == NULL)
		return no_command(argc, argv, err);
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
	else if (argc == 2 && asks_help(argv[1]))
		print_help();
	else
		rc = run(&sim, argc, argv, &err);
	if (rc == HL_OK)
		rc = sim_flush(&err);
	return rc == HL_OK ? 0 : sim_report(&sim, &err);
}
