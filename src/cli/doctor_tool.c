/* SPDX-License-Identifier: Apache-2.0 */
/* ST's command line tool: is it there, does it start, what can it do? */
#include <stdlib.h>

#include "cli/doctor.h"
#include "tool/tool.h"

#define HELP_MS 15000 /* it has to load its libraries; cards wait for this */
#define FROM_CERTIFICATE "-hsmgetlicensefromcertifbin"

static const char needed_for[] =
    "it is needed for genuine STM32HSM cards and stm32prog: targets alone";

static bool
is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

static void
not_found(hl_doctor *d, const char *configured, hl_err *err)
{
	/* Where somebody says that it is, it has to be. */
	if (configured != NULL || is_set("STM32CUBEPRG_CLI") ||
	    is_set("STM32_CUBE_PROGRAMMER_DIR"))
		hl_doctor_error(d, HL_TOOL_NAME, err);
	else
		hl_doctor_skip(d, HL_TOOL_NAME, "%s; %s", err->why, needed_for);
}

void
hl_doctor_tool(hl_doctor *d)
{
	const char *configured = hl_opt(d->cli, "stm32prog");
	hl_deadline until = hl_deadline_in(HELP_MS);
	hl_tool tool;
	hl_err err = { 0 };
	bool yes;

	if (hl_tool_find(&tool, configured, &err) != HL_OK) {
		not_found(d, configured, &err);
		return;
	}
	if (d->cli->until < until)
		until = d->cli->until;
	if (hl_tool_offers(&tool, FROM_CERTIFICATE, &yes, until, &err) != HL_OK)
		hl_doctor_fail(d, HL_TOOL_NAME, err.hint,
		    "found at %s, but: %s; %s", tool.path, err.why, needed_for);
	else
		hl_doctor_ok(d, HL_TOOL_NAME, "found at %s; %s", tool.path,
		    yes ? "its help names " FROM_CERTIFICATE
			: "its help does not name " FROM_CERTIFICATE
			  ", so the chip has to be connected for a license");
}
