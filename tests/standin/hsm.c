/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that ask the card. The lines of a license request are published
 * (sample: users' logs of an install with hsm=1); that the commands which get a
 * license into a file print the same ones is SYNTHETIC.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "standin.h"
#include "util/uuid.h"

#define CARD_WAIT_MS 30000

/* The software card is what is in the reader, and what the link is to. */
static hl_rc
card_open(struct tool *t, unsigned slot, hl_card **card, hl_err *err)
{
	const hl_card_options opt = { .until = hl_deadline_in(CARD_WAIT_MS) };
	char path[PATH_MAX], name[PATH_MAX];

	*card = NULL;
	world_slow(t, "slow");
	(void)snprintf(path, sizeof(path), "%.3800s/card-%u", t->dir, slot);
	if (realpath(path, name) == NULL)
		return hl_fail(err, HL_ENODEV, "open the card", "", "%s: %s",
		    path, strerror(errno));
	(void)snprintf(path, sizeof(path), "sim:%.3800s", name);
	return hl_card_open(card, path, &opt, err);
}

/* What the genuine tool says when there is no card is not known: SYNTHETIC. */
static int
no_card(struct tool *t, unsigned slot, const hl_err *err)
{
	return say_error(
	    t, "(synthetic) no HSM in slot ID %u: %s", slot, err->why);
}

static bool
card_info(struct tool *t, unsigned slot, hl_card_info *info)
{
	hl_err err = { 0 };
	hl_card *card;
	hl_rc rc;

	rc = card_open(t, slot, &card, &err);
	if (rc == HL_OK)
		rc = hl_card_read(
		    card, info, hl_deadline_in(CARD_WAIT_MS), &err);
	hl_card_close(&card);
	if (rc != HL_OK)
		(void)no_card(t, slot, &err);
	return rc == HL_OK;
}

/* But for HSM FW IDENTIFIER, which ST's scripts look for, all is SYNTHETIC. */
int
hsm_get_info(struct tool *t, const struct words *w)
{
	hl_card_info info;

	if (!card_info(t, words_slot(w), &info))
		return 1;
	if (!world_has(t, "no-state"))
		say(t, "HSM STATE         : %s",
		    hl_card_state_name(info.state));
	if (info.firmware_id[0] != '\0')
		say(t, "HSM FW IDENTIFIER : %s", info.firmware_id);
	if (info.has_counter && !world_has(t, "no-counter") &&
	    !world_has(t, "counter-only-by-command"))
		say(t, "HSM COUNTER       : %" PRIu32, info.counter);
	say(t, "HSM VERSION       : 2");
	if (info.type[0] != '\0')
		say(t, "HSM TYPE          : %s", info.type);
	return 0;
}

/* SYNTHETIC. */
int
hsm_get_counter(struct tool *t, const struct words *w)
{
	hl_card_info info;

	if (!card_info(t, words_slot(w), &info))
		return 1;
	if (!info.has_counter || world_has(t, "no-counter"))
		return say_error(t, "(synthetic) cannot read HSM counter");
	say(t, "HSM COUNTER : %" PRIu32, info.counter);
	return 0;
}

/* SYNTHETIC. */
int
hsm_get_firmware(struct tool *t, const struct words *w)
{
	hl_card_info info;

	if (!card_info(t, words_slot(w), &info))
		return 1;
	if (info.firmware_id[0] == '\0')
		return say_error(t, "(synthetic) HSM is not personalized");
	say(t, "HSM FW IDENTIFIER : %s", info.firmware_id);
	return 0;
}

/* SYNTHETIC. */
int
hsm_get_status(struct tool *t, const struct words *w)
{
	hl_card_info info;

	if (!card_info(t, words_slot(w), &info))
		return 1;
	if (world_has(t, "no-state"))
		return say_error(t, "(synthetic) cannot read HSM state");
	say(t, "HSM STATE : %s", hl_card_state_name(info.state));
	return 0;
}

/* Each request is new to the card: it counts every one. */
static hl_rc
issue(struct tool *t, hl_card *card, const hl_cert *cert, hl_card_answer *out,
    hl_err *err)
{
	hl_exec exec;
	hl_uuid id;
	hl_rc rc;

	if (world_has(t, "hang-before-license"))
		world_hang(t);
	if ((rc = hl_uuid_new(&id, err)) != HL_OK)
		return rc;
	return hl_card_issue(card, cert->b, cert->n, &id, out, &exec,
	    hl_deadline_in(CARD_WAIT_MS), err);
}

bool
hsm_issue(
    struct tool *t, unsigned slot, const hl_cert *cert, hl_card_answer *out)
{
	hl_err err = { 0 };
	hl_card *card;
	hl_rc rc;

	say(t, "requesting license for the current STM32 device");
	say(t, "Init Communication ...");
	say(t, "P11 lib initialization Success!");
	say(t, "Opening session with slot ID %u...", slot);
	if (card_open(t, slot, &card, &err) != HL_OK)
		return no_card(t, slot, &err) == 0;
	say(t, "Succeed to Open session with reader slot ID %u", slot);
	rc = issue(t, card, cert, out, &err);
	hl_card_close(&card);
	/* What it says then is not known: SYNTHETIC. */
	if (rc != HL_OK)
		return say_error(t, "(synthetic) no license: %s", err.why) == 0;
	say(t, "Succeed to generate license for the current STM32 device");
	if (world_has(t, "hang-after-count"))
		world_hang(t);
	world_slow(t, "slow-write");
	say(t, "Closing session with reader slot ID %u...", slot);
	say(t, "Session closed with reader slot ID %u", slot);
	say(t, "Closing communication with HSM...");
	say(t, "Communication closed with HSM");
	say(t, "Succeed to get License for Firmware from HSM slot ID %u", slot);
	return true;
}

/* As plainly as can be, over whatever is there: no safer than it has to be. */
static int
write_license(struct tool *t, const char *path, const hl_card_answer *a)
{
	const bool killed = world_has(t, "kill-mid-write");
	FILE *f;

	if (world_has(t, "no-license-file"))
		return 0;
	if ((f = fopen(path, "wb")) == NULL)
		return say_error(t, "(synthetic) cannot write %s", path);
	(void)fwrite(a->license, 1, killed ? a->n / 2 : a->n, f);
	if (fclose(f) != 0)
		return say_error(t, "(synthetic) cannot write %s", path);
	if (killed)
		(void)raise(SIGKILL);
	if (world_has(t, "error-with-license"))
		return say_error(t, "(synthetic) after the license");
	return 0;
}

static int
license_to_file(struct tool *t, const struct words *w, const hl_cert *cert,
    const char *path)
{
	const char *protocol = words_value(w, "protocol");
	const unsigned slot = words_slot(w);
	hl_card_answer answer;

	if (path == NULL || slot == 0 ||
	    (protocol != NULL && strcmp(protocol, "static") != 0))
		return say_error(t, "(synthetic) wrong parameters");
	if (!hsm_issue(t, slot, cert, &answer))
		return 1;
	return write_license(t, path, &answer);
}

int
hsm_get_license(struct tool *t, const struct words *w)
{
	if (!target_needed(t))
		return 1;
	say(t, "Requesting Chip Certificate from device ...");
	say(t, "Reading chip Certificate finished");
	say(t, "Get Certificate done successfully");
	return license_to_file(t, w, &t->target.cert, words_plain(w, 0));
}

int
hsm_license_from_certificate(struct tool *t, const struct words *w)
{
	const char *path = words_plain(w, 0);
	hl_err err = { 0 };
	hl_cert cert;

	if (path == NULL)
		return say_error(t, "(synthetic) wrong parameters");
	if (hl_cert_read(&cert, path, false, &err) != HL_OK)
		return say_error(t, "(synthetic) %s: %s", path, err.why);
	return license_to_file(t, w, &cert, words_plain(w, 1));
}
