/* SPDX-License-Identifier: Apache-2.0 */
/* A card as ST's tool sees it. */
#include <stdio.h>
#include <string.h>

#include "tool/tool_int.h"
#include "util/text.h"

/* One command for one slot; the output goes to *text, and behind *raw. */
static hl_rc
ask(const hl_tool *t, const char *command, unsigned slot, hl_buf *text,
    hl_buf *raw, hl_ended *end, hl_deadline until, hl_err *err)
{
	char word[32];
	const char *const args[] = { command, word, NULL };
	hl_rc rc;

	snprintf(word, sizeof(word), "slot=%u", slot);
	hl_buf_reset(text);
	rc = hl_tool_run(t, args, text, end, until, err);
	hl_buf_put(raw, text->p, text->n);
	if (rc == HL_OK && raw->failed)
		rc = hl_nomem(err);
	return rc;
}

/* CubeProgrammer_API.h, getHsmState: without the firmware of an OEM yet. */
static bool
is_blank(const hl_tool_report *r)
{
	return strcmp(r->state, "OEM_STATE") == 0 ||
	    strcmp(r->state, "ST_STATE") == 0;
}

static hl_rc
ask_info(const hl_tool *t, unsigned slot, hl_tool_report *r, hl_buf *text,
    hl_buf *raw, hl_deadline until, hl_err *err)
{
	static const char hint[] =
	    "is the card in the reader of that slot, and the slot right? "
	    "\"" HL_TOOL_NAME " -hsmgetinfo slot=N\" shows all that it says";
	hl_ended end;
	hl_rc rc = ask(t, "-hsmgetinfo", slot, text, raw, &end, until, err);

	if (rc != HL_OK)
		return rc;
	hl_tool_parse(text->p, text->n, r);
	if (r->firmware_id[0] == '\0' && !is_blank(r))
		return hl_tool_complain(HL_ECARD, r, &end,
		    "-hsmgetinfo told no HSM FW IDENTIFIER that could be used",
		    hint, err);
	if (!hl_tool_went_well(&end))
		return hl_tool_complain(
		    HL_ECARD, r, &end, "-hsmgetinfo failed", hint, err);
	return HL_OK;
}

/* The counter stays unknown when that command fails, or does not exist. */
static hl_rc
ask_counter(const hl_tool *t, unsigned slot, hl_tool_report *r, hl_buf *text,
    hl_buf *raw, hl_deadline until, hl_err *err)
{
	hl_ended end;
	hl_rc rc = ask(t, "-hsmgetcounter", slot, text, raw, &end, until, err);

	if (rc == HL_OK && hl_tool_went_well(&end))
		r->has_counter = hl_tool_counter(text->p, text->n, &r->counter);
	return rc;
}

static hl_rc
ask_state(const hl_tool *t, unsigned slot, hl_tool_report *r, hl_buf *text,
    hl_buf *raw, hl_deadline until, hl_err *err)
{
	hl_tool_report again;
	hl_ended end;
	hl_rc rc = ask(t, "-hsmgetstatus", slot, text, raw, &end, until, err);

	if (rc == HL_OK && hl_tool_went_well(&end)) {
		hl_tool_parse(text->p, text->n, &again);
		hl_text_copy(r->state, sizeof(r->state), again.state);
	}
	return rc;
}

hl_rc
hl_tool_card(const hl_tool *t, unsigned slot, hl_tool_report *out, hl_buf *raw,
    hl_deadline until, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_tool_report r;
	hl_rc rc = ask_info(t, slot, &r, &text, raw, until, err);

	if (rc == HL_OK && !r.has_counter)
		rc = ask_counter(t, slot, &r, &text, raw, until, err);
	if (rc == HL_OK && r.state[0] == '\0')
		rc = ask_state(t, slot, &r, &text, raw, until, err);
	if (rc == HL_OK)
		*out = r;
	else
		hl_err_what(err, "read the card in slot %u", slot);
	hl_buf_free(&text);
	return rc;
}
