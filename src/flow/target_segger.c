/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEGGER's STM32-SFI Flasher Commander exports a chip's certificate with CRT
 * (https://kb.segger.com/STM32-SFI_Flasher_Commander). Never run here. Its page
 * calls RSSe and SFI mandatory options without saying that an export can do
 * without them, and shows no dash in front of any: that there is one, and that
 * CRT works alone, are inferences.
 */
#include <limits.h>
#include <string.h>

#include "flow/programmer.h"
#include "flow/target_int.h"
#include "tool/output.h"
#include "util/text.h"

#define SEGGER "segger:"
#define WHAT "read the chip's certificate"
#define TEXT_MAX ((size_t)64 * 1024)

const char *
hl_target_is_segger(const char *target)
{
	return hl_text_starts(target, SEGGER) ? target + strlen(SEGGER) : NULL;
}

static hl_rc
judge(const hl_ended *end, const hl_buf *text, hl_err *err)
{
	hl_tool_report r;

	hl_tool_parse(text->p, text->n, &r);
	if (end->late)
		return hl_fail(err, HL_ETIMEOUT, WHAT,
		    "is the probe connected, the board powered?",
		    "SEGGER's program did not end in time, and was ended");
	if (end->exited && end->status == 0)
		return HL_OK;
	return hl_fail(err, HL_ENODEV, WHAT,
	    "is the probe connected, the board powered?",
	    "SEGGER's program ended with %d%s%s", hl_ended_code(end),
	    r.error[0] == '\0' ? "" : ": ", r.error);
}

hl_rc
hl_target_segger(const char *serial, const hl_target_options *opt,
    hl_target_chip *out, hl_err *err)
{
	const char *argv[8] = { NULL };
	hl_buf text = HL_BUF_INIT;
	char program[PATH_MAX];
	hl_target_workplace w;
	hl_ended end;
	size_t n = 0;
	hl_rc rc;

	rc = hl_program_find(
	    opt->segger != NULL ? opt->segger : HL_SEGGER_PROGRAM, program,
	    sizeof(program), err);
	if (rc != HL_OK || (rc = hl_target_workplace_make(&w, err)) != HL_OK)
		return rc;
	argv[n++] = program;
	argv[n++] = "-CRT";
	argv[n++] = w.cert;
	if (serial[0] != '\0') {
		argv[n++] = "-SerialNo";
		argv[n++] = serial;
	}
	rc = hl_spawn_read(argv, TEXT_MAX, &text, &end, opt->until, err);
	if (rc == HL_OK)
		rc = judge(&end, &text, err);
	if (rc == HL_OK)
		rc = hl_cert_read(&out->cert, w.cert, false, err);
	hl_target_workplace_clear(&w);
	hl_buf_free(&text);
	return rc;
}
