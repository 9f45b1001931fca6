/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The STM32HSM card. Its commands are not public, so not one is sent to it: it
 * is known by its ATR ("HSM_SFI_" in the historical bytes of the V2AE: list of
 * pcsc-tools, 2025) or by the user's word, and STM32_Programmer_CLI asks it, as
 * ST's help and AN5054 describe that. What that program prints about a card is
 * known for one line only, so nothing here depends on words: what counts are
 * its exit status, a line that says "error", the license file and the counter.
 */
#include <string.h>
#include <unistd.h>

#include "card/atr.h"
#include "card/driver.h"
#include "card/request_files.h"
#include "tool/tool.h"
#include "util/file.h"
#include "util/spawn.h"
#include "util/text.h"

#define MARK "HSM_SFI_"
#define WHAT "get a license from the card"
#define FROM_CERT "-hsmgetlicensefromcertifbin"
#define FROM_CHIP "-hsmgetlicense"
/* Kept back of the time there is, to ask the card what happened. */
#define AFTERWARDS_MS 15000
/* With less, it would be cut short as likely as not, and that costs a unit. */
#define LEAST_MS 3000

bool
hl_card_is_stm32hsm(const uint8_t *atr, size_t n)
{
	hl_rd h;

	return hl_atr_historical(atr, n, &h) &&
	    memmem(h.p, h.n, MARK, sizeof(MARK) - 1) != NULL;
}

static hl_rc
stm32hsm_probe(hl_card_link *link, bool *mine, unsigned *can, hl_deadline until,
    hl_err *err)
{
	const hl_channel *ch = link->ch;
	const hl_card_tool *t = &link->tool;

	(void)until;
	(void)err;
	*can = HL_CAN_INFO | HL_CAN_ISSUE | HL_BY_TOOL;
	*mine = hl_card_is_stm32hsm(ch->atr, ch->atr_n) ||
	    (t->chosen != NULL && t->chosen(t->arg, ch->atr, ch->atr_n));
	return HL_OK;
}

/* Its slot, and the program that asks it. */
static hl_rc
find_tool(const hl_card_link *link, hl_tool *tool, unsigned *slot, hl_err *err)
{
	const hl_card_tool *t = &link->tool;
	hl_rc rc = hl_tool_find(tool, t->program, err);

	if (rc != HL_OK)
		return rc;
	*slot = 1; /* the default of ST's program */
	return t->slot == NULL ? HL_OK
			       : t->slot(t->arg, link->ch->reader, slot, err);
}

static hl_card_state
state_of(const char *name)
{
	static const hl_card_state states[] = { HL_CARD_ST, HL_CARD_BLANK,
		HL_CARD_OPERATIONAL };

	for (size_t i = 0; i < HL_COUNT(states); i++)
		if (strcmp(name, hl_card_state_name(states[i])) == 0)
			return states[i];
	return HL_CARD_UNKNOWN;
}

static hl_rc
stm32hsm_read(
    hl_card_link *link, hl_card_info *out, hl_deadline until, hl_err *err)
{
	hl_buf raw = HL_BUF_INIT;
	hl_tool_report r;
	unsigned slot;
	hl_tool tool;
	hl_rc rc = find_tool(link, &tool, &slot, err);

	if (rc == HL_OK)
		rc = hl_tool_card(&tool, slot, &r, &raw, until, err);
	hl_buf_free(&raw);
	if (rc != HL_OK)
		return rc;
	(void)hl_text_copy(
	    out->firmware_id, sizeof(out->firmware_id), r.firmware_id);
	(void)hl_text_copy(out->type, sizeof(out->type), r.type);
	(void)hl_text_copy(out->version, sizeof(out->version), r.hsm_version);
	out->state = state_of(r.state);
	out->has_counter = r.has_counter;
	out->counter = r.counter;
	return HL_OK;
}

/* ---- one license --------------------------------------------------------- */

typedef struct issue {
	const hl_card_link *link;
	hl_request_files files;
	hl_tool tool;
	unsigned slot;
	bool for_connected; /* the program makes it for the connected chip */
	const uint8_t *cert;
	size_t cert_n;
	hl_deadline until;
} issue;

/* Is the connected chip, whose certificate goes to `path`, that of the request?
 */
static hl_rc
check_target(const issue *i, const char *path, hl_err *err)
{
	const hl_card_tool *t = &i->link->tool;
	hl_buf seen = HL_BUF_INIT;
	hl_tool_report r;
	hl_rc rc;

	rc = hl_tool_certificate(
	    &i->tool, t->connect, path, t->tfa, &r, i->until, err);
	if (rc == HL_OK)
		rc = hl_file_read(path, i->cert_n + 1, &seen, err);
	if (rc == HL_OK &&
	    (seen.n != i->cert_n || memcmp(seen.p, i->cert, seen.n) != 0))
		rc = hl_fail(err, HL_ECONFLICT, WHAT,
		    "connect the chip that the license is for",
		    "another chip is connected, and this "
		    "STM32_Programmer_CLI makes licenses for the connected "
		    "chip only");
	hl_buf_free(&seen);
	return rc;
}

/* That license would be the connected chip's. Until the chip was looked at once
 * more, the check stays there as a doubt for whoever comes after us. */
static hl_rc
check_before(const issue *i, hl_err *err)
{
	hl_rc rc;

	if (i->link->tool.connect == NULL)
		return hl_fail(err, HL_ENOLICENSE, WHAT,
		    "connect the chip: --target stm32prog:port=SWD; or use a "
		    "newer STM32CubeProgrammer",
		    "this STM32_Programmer_CLI has no " FROM_CERT
		    ", and no chip is connected");
	rc = check_target(i, i->files.check, err);
	return rc == HL_OK ? hl_file_sync(i->files.check, err) : rc;
}

/* Was the chip changed meanwhile? */
static hl_rc
check_after(const issue *i, hl_card_answer *out, hl_err *err)
{
	hl_err why = { 0 };
	hl_rc rc = check_target(i, i->files.after, &why);

	if (rc == HL_OK) {
		(void)unlink(i->files.check);
		return HL_OK;
	}
	out->bound = false;
	return hl_fail(err, HL_ECARD, WHAT, "connect one chip, and leave it so",
	    "the license is kept as suspect, since it may be another chip's: "
	    "when it had come, %s",
	    why.why);
}

/* `argv` has room for all words of a target; everything is borrowed. */
static hl_rc
command_line(
    issue *i, const char **argv, char *slot, size_t slot_size, hl_err *err)
{
	const hl_card_tool *t = &i->link->tool;
	size_t n = 0;
	bool offers;
	hl_rc rc;

	rc = hl_tool_offers(&i->tool, FROM_CERT, &offers, i->until, err);
	if (rc == HL_OK && !offers)
		rc = check_before(i, err);
	if (rc != HL_OK)
		return rc;
	(void)hl_text_format(slot, slot_size, "slot=%u", i->slot);
	argv[n++] = i->tool.path;
	if (offers) {
		argv[n++] = FROM_CERT;
		argv[n++] = i->files.cert;
	} else {
		argv[n++] = "-c";
		for (size_t k = 0; k < t->connect->n; k++)
			argv[n++] = t->connect->words[k];
		argv[n++] = FROM_CHIP;
	}
	argv[n++] = i->files.license;
	argv[n++] = slot;
	if (!offers && t->tfa != NULL)
		argv[n++] = t->tfa;
	argv[n] = NULL;
	i->for_connected = !offers;
	return HL_OK;
}

/* Nothing was asked of the card yet when this fails. */
static hl_rc
prepare(issue *i, const hl_uuid *id, hl_err *err)
{
	const hl_card_tool *t = &i->link->tool;
	hl_rc rc;

	if (t->dir == NULL)
		return hl_fail(err, HL_EUSAGE, WHAT, "",
		    "there is no folder for the files of the request");
	if ((rc = hl_request_files_name(&i->files, t->dir, id, err)) != HL_OK ||
	    (rc = find_tool(i->link, &i->tool, &i->slot, err)) != HL_OK)
		return rc;
	/* A second request of this ID: what the first one left is judged. */
	hl_request_files_remove(&i->files, true, NULL, 0);
	if (access(i->files.license, F_OK) == 0)
		return hl_fail(err, HL_ECONFLICT, WHAT,
		    "find out what it is, and move it away",
		    "%s is there before " HL_TOOL_NAME " was asked",
		    i->files.license);
	return hl_file_write(i->files.cert, i->cert, i->cert_n, 0600, err);
}

/* Why there is no license, or none to be relied on. */
static hl_rc
no_license(
    const hl_ended *end, const hl_tool_report *r, size_t kept, hl_err *err)
{
	static const char hint[] = "see what it prints: hsmlic -v; is this the "
				   "right slot?";
	char left[64] = "left no license";
	const char *said = r->error[0] == '\0' ? "" : ": ";

	if (kept > 0)
		(void)hl_text_format(left, sizeof(left),
		    "left %zu bytes, which are kept as suspect", kept);
	if (end->late)
		return hl_fail(err, HL_ETIMEOUT, WHAT,
		    "allow more time with --timeout; see what it prints: "
		    "hsmlic -v",
		    HL_TOOL_NAME " did not end in time, was ended and %s%s%s",
		    left, said, r->error);
	if (end->exited)
		return hl_fail(err, HL_ECARD, WHAT, hint,
		    HL_TOOL_NAME " ended with %d and %s%s%s", end->status, left,
		    said, r->error);
	if (end->signal != 0)
		return hl_fail(err, HL_ECARD, WHAT, hint,
		    HL_TOOL_NAME " was ended by signal %d and %s%s%s",
		    end->signal, left, said, r->error);
	return hl_fail(err, HL_ECARD, WHAT, hint,
	    "nobody knows how " HL_TOOL_NAME " ended: it %s", left);
}

/* The program ran: from now on the card may have counted. */
static hl_rc
take_result(const issue *i, const hl_buf *text, const hl_ended *end,
    hl_card_answer *out, hl_err *err)
{
	bool good = false;
	hl_tool_report r;
	hl_rc rc;

	hl_tool_parse(text->p, text->n, &r);
	rc = hl_request_files_take(&i->files, end, &r, out, &good, err);
	if (rc == HL_ENOTFOUND)
		return no_license(end, &r, 0, err);
	if (rc == HL_EINPUT) {
		const hl_err why = err != NULL ? *err : (hl_err){ 0 };

		return hl_fail(err, HL_ECARD, WHAT, "",
		    "what " HL_TOOL_NAME " wrote to %s is no license: %s",
		    i->files.license, why.why);
	}
	if (rc != HL_OK)
		return rc;
	out->bound = good;
	if (!good)
		return no_license(end, &r, out->n, err);
	return i->for_connected ? check_after(i, out, err) : HL_OK;
}

static hl_rc
time_for_tool(hl_deadline until, hl_deadline *tool, hl_err *err)
{
	const int left = hl_deadline_left(until);
	const int afterwards = left / 3;

	if (left < LEAST_MS)
		return hl_fail(err, HL_ETIMEOUT, WHAT,
		    "allow more time with --timeout",
		    "less than %d seconds are left, and a request that is cut "
		    "short may cost a unit",
		    LEAST_MS / 1000);
	*tool =
	    until - (afterwards < AFTERWARDS_MS ? afterwards : AFTERWARDS_MS);
	return HL_OK;
}

static hl_rc
stm32hsm_issue(hl_card_link *link, const uint8_t *cert, size_t n,
    const hl_uuid *request_id, hl_card_answer *out, hl_exec *exec,
    hl_deadline until, hl_err *err)
{
	const char *argv[sizeof(((hl_connect *)0)->words) / sizeof(char *) + 8];
	issue i = { .link = link, .cert = cert, .cert_n = n, .until = until };
	hl_buf text = HL_BUF_INIT;
	hl_deadline tool_until;
	hl_ended end = { 0 };
	char slot[24];
	hl_rc rc;

	*exec = HL_EXEC_NO;
	if ((rc = prepare(&i, request_id, err)) != HL_OK ||
	    (rc = command_line(&i, argv, slot, sizeof(slot), err)) != HL_OK ||
	    (rc = time_for_tool(until, &tool_until, err)) != HL_OK)
		return rc;
	rc = hl_spawn_kept(argv, i.files.base, i.files.license,
	    HL_REQUEST_TEXT_MAX, &text, &end, tool_until, err);
	/* Else it was not even started. */
	if (rc == HL_OK) {
		rc = take_result(&i, &text, &end, out, err);
		*exec = rc == HL_OK ? HL_EXEC_YES : HL_EXEC_UNKNOWN;
	}
	hl_buf_free(&text);
	return rc;
}

const hl_card_driver hl_driver_stm32hsm = {
	.name = "stm32hsm",
	.probe = stm32hsm_probe,
	.read = stm32hsm_read,
	.issue = stm32hsm_issue,
};
