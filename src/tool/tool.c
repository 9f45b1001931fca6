/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

#include "tool/match.h"
#include "tool/tool_int.h"
#include "util/text.h"

#define ARGS_MAX 64 /* with argv[0] and the NULL */

/* A script under the tool's name that runs us again, as scripts do that stand
 * in its place: that run ended at once. */
static bool
runs_us(const hl_ended *end, const hl_buf *text)
{
	return end->exited && end->status != 0 && text->n > 0 &&
	    memmem(text->p, text->n, HL_TOOL_RUNS_US,
		strlen(HL_TOOL_RUNS_US)) != NULL;
}

hl_rc
hl_tool_run(const hl_tool *t, const char *const *args, hl_buf *text,
    hl_ended *end, hl_deadline until, hl_err *err)
{
	const char *argv[ARGS_MAX] = { t->path };
	hl_rc rc;

	for (size_t i = 0; args[i] != NULL; i++) {
		if (i + 2 == ARGS_MAX)
			return hl_fail(err, HL_EINPUT, "run " HL_TOOL_NAME, "",
			    "more than %d arguments", ARGS_MAX - 2);
		argv[i + 1] = args[i];
	}
	rc = hl_spawn_read(argv, HL_TOOL_TEXT_MAX, text, end, until, err);
	if (rc != HL_OK)
		return rc;
	if (text->failed)
		return hl_nomem(err);
	if (end->late)
		return hl_fail(err, HL_ETIMEOUT, "run " HL_TOOL_NAME,
		    "try again with a longer --timeout",
		    "\"%s %s\" had not ended in time and was stopped", t->path,
		    args[0] == NULL ? "" : args[0]);
	if (runs_us(end, text))
		return hl_fail(err, HL_ENODEV, "run " HL_TOOL_NAME,
		    "name ST's own program: HSMLIC_STM32PROG=PATH, or "
		    "stm32prog = PATH in the configuration; or take the script "
		    "out of PATH",
		    "%s is a script that runs hsmlic again", t->path);
	return HL_OK;
}

bool
hl_tool_went_well(const hl_ended *end)
{
	return end->exited && end->status == 0;
}

hl_rc
hl_tool_complain(hl_rc rc, const hl_tool_report *r, const hl_ended *end,
    const char *missing, const char *hint, hl_err *err)
{
	char how[64] = "";

	if (!end->exited)
		snprintf(how, sizeof(how), "; signal %d ended it", end->signal);
	else if (end->status != 0)
		snprintf(how, sizeof(how), "; it ended with %d", end->status);
	if (r->error[0] != '\0')
		return hl_fail(err, rc, "run " HL_TOOL_NAME, hint,
		    "%s; it said \"%s\"%s", missing, r->error, how);
	return hl_fail(
	    err, rc, "run " HL_TOOL_NAME, hint, "%s%s", missing, how);
}

typedef struct option_wanted {
	const char *option;
	bool any; /* some option was there */
	bool yes;
} option_wanted;

/* " -hsmgetlicensefromcertifbin, -hsmglfcb : Get a license ..." */
static bool
option_line(void *arg, const char *line)
{
	static const char ends[] = " ,:|=[<";
	option_wanted *w = arg;
	const char *s = hl_tool_skip_blanks(line);
	const size_t n = strlen(w->option);

	while (*s == '-') {
		w->any = true;
		if (strncmp(s, w->option, n) == 0 &&
		    (s[n] == '\0' || strchr(ends, s[n]) != NULL))
			w->yes = true;
		s += strcspn(s, " ,");
		s += strspn(s, " ,");
	}
	return !w->yes;
}

hl_rc
hl_tool_offers(const hl_tool *t, const char *option, bool *yes,
    hl_deadline until, hl_err *err)
{
	static const char *const args[] = { "--help", NULL };
	option_wanted w = { option, false, false };
	hl_buf text = HL_BUF_INIT;
	hl_tool_report r;
	hl_ended end;
	hl_rc rc = hl_tool_run(t, args, &text, &end, until, err);

	if (rc == HL_OK) {
		hl_tool_lines(text.p, text.n, option_line, &w);
		if (w.any)
			*yes = w.yes;
		else {
			hl_tool_parse(text.p, text.n, &r);
			rc = hl_tool_complain(HL_ENODEV, &r, &end,
			    "its --help shows no options",
			    "is it ST's program? Run it with --help by hand",
			    err);
		}
	}
	if (rc != HL_OK)
		hl_err_what(err, "read the help of \"%s\"", t->path);
	hl_buf_free(&text);
	return rc;
}
