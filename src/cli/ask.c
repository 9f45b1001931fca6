/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing irreversible without being said, and agreed to. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cli/parts.h"

static hl_rc
denied(const char *question, const char *why, const char *hint, hl_err *err)
{
	return hl_fail(err, HL_EDENIED, "ask before going on", hint,
	    "%s; not done: %s", why, question);
}

/* True for a line that says yes. False at end of file, and when time is up. */
static bool
read_yes(hl_deadline until)
{
	char line[16] = "";
	size_t n = 0;
	char c;

	while (n < sizeof(line) - 1) {
		struct pollfd p = { STDIN_FILENO, POLLIN, 0 };
		const int k = poll(&p, 1, hl_deadline_left(until));

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0 || read(STDIN_FILENO, &c, 1) != 1)
			break;
		if (c == '\n')
			break;
		line[n++] = c;
	}
	return strcmp(line, "y") == 0 || strcmp(line, "Y") == 0 ||
	    strcmp(line, "yes") == 0;
}

static hl_rc
ask(hl_cli *cli, const char *question, const char *hint, hl_err *err)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return denied(question,
		    "there is no terminal to ask on, and --yes was not given",
		    hint, err);
	(void)fprintf(stderr, "hsmlic: %s? [y/N] ", question);
	(void)fflush(stderr);
	if (read_yes(cli->until))
		return HL_OK;
	return denied(question, "you did not say yes",
	    "to go on, run it again and answer y", err);
}

hl_rc
hl_ask(hl_cli *cli, const char *question, hl_err *err)
{
	if (cli->yes)
		return HL_OK;
	return ask(cli, question, "add --yes", err);
}

void
hl_kept_words(
    const hl_kept_else *kept, const hl_chip *chip, char out[HL_KEPT_WORDS])
{
	char name[HL_CHIP_NAME], suspect[200] = "", other[HL_TEXT_MAX + 100];

	other[0] = '\0';
	hl_chip_name(&chip->uid, chip->has_cert, chip->cert_sha256, name);
	if (kept->suspect > 0)
		(void)snprintf(suspect, sizeof(suspect),
		    "this chip has a suspect license of this firmware: if it "
		    "is good after all, hsmlic license trust %s --reason TEXT "
		    "hands it out for nothing",
		    name);
	if (kept->others > 1)
		(void)snprintf(other, sizeof(other),
		    "this chip has licenses for %u other firmwares, one of "
		    "them \"%s\"",
		    kept->others, kept->other);
	else if (kept->others > 0)
		(void)snprintf(other, sizeof(other),
		    "this chip has a license for firmware \"%s\"", kept->other);
	(void)hl_text_format(out, HL_KEPT_WORDS, "%s%s%s", suspect,
	    suspect[0] != '\0' && other[0] != '\0' ? "; " : "", other);
}

static void
plan_text(const hl_spend_plan *plan, char *out, size_t size)
{
	char uid[HL_UID_TEXT] = "(UID not known)";
	char loss[80] = "", past[80] = "", card[HL_CARD_WORDS];
	char kept[HL_KEPT_WORDS];

	if (plan->chip->uid.n > 0)
		hl_uid_text(&plan->chip->uid, uid);
	if (plan->spent > 0)
		(void)snprintf(past, sizeof(past),
		    "; this chip has cost %u unit%s of this firmware before",
		    plan->spent, plan->spent == 1 ? "" : "s");
	if (plan->losses > 0)
		(void)snprintf(loss, sizeof(loss),
		    "; %u earlier attempt%s for this chip lost a unit",
		    plan->losses, plan->losses == 1 ? "" : "s");
	hl_kept_words(&plan->kept, plan->chip, kept);
	hl_card_words(plan->card_label, plan->card->serial, card, sizeof(card));
	(void)hl_text_format(out, size,
	    "spend 1 of the %u licenses left on card %s in \"%s\" for chip "
	    "%s, firmware \"%s\" (it can never be put back%s%s%s%s)",
	    plan->card->counter, card, plan->card->reader, uid, plan->firmware,
	    past, loss, kept[0] != '\0' ? "; " : "", kept);
}

hl_rc
hl_ask_units(hl_cli *cli, char *text, hl_err *err)
{
	const char *spend = hl_opt(cli, "spend");

	if (cli->yes || (spend != NULL && strcmp(spend, "allow") == 0)) {
		/* Not silenced by -q: it is about units. */
		hl_text_clean(text);
		(void)fprintf(stderr, "hsmlic: %s\n", text);
		return HL_OK;
	}
	return ask(cli, text,
	    "add --yes, or put spend = allow into the configuration", err);
}

hl_rc
hl_ask_spend(void *arg, const hl_spend_plan *plan, hl_err *err)
{
	hl_cli *cli = arg;
	char text[HL_ERR_WHAT + HL_KEPT_WORDS];

	plan_text(plan, text, sizeof(text));
	return hl_ask_units(cli, text, err);
}
