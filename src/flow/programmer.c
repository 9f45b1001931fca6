/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/programmer.h"

#include <string.h>
#include <strings.h>

#include "tool/output.h"
#include "util/file.h"
#include "util/text.h"

#define WHAT "install the image"

static const char *const names[] = {
	[HL_PROGRAMMER_STM32PROG] = "stm32prog",
	[HL_PROGRAMMER_SEGGER] = "segger",
	[HL_PROGRAMMER_SIM] = "sim",
};

const char *
hl_programmer_name(hl_programmer p)
{
	return names[p];
}

bool
hl_programmer_parse(const char *name, hl_programmer *out)
{
	for (size_t i = 0; i < HL_COUNT(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*out = (hl_programmer)i;
			return true;
		}
	return false;
}

hl_programmer
hl_programmer_for(const char *target)
{
	if (hl_target_is_sim(target))
		return HL_PROGRAMMER_SIM;
	return hl_target_is_segger(target) ? HL_PROGRAMMER_SEGGER
					   : HL_PROGRAMMER_STM32PROG;
}

/* ---- command lines
 * -----------------------------------------------------------
 */

static void
put(hl_job_line *l, const char *word)
{
	if (l->n < HL_JOB_WORDS)
		l->argv[l->n++] = word;
}

static bool
has_ending(const char *image, const char *ending)
{
	const size_t n = strlen(image), k = strlen(ending);

	return n >= k && strcasecmp(image + n - k, ending) == 0;
}

hl_argv_kind
hl_job_kind(const char *image)
{
	if (has_ending(image, ".ssp"))
		return HL_ARGV_SSP;
	return has_ending(image, ".smu") ? HL_ARGV_MODULE : HL_ARGV_SFI;
}

static hl_rc
put_image(hl_job_line *l, const hl_job *job, hl_err *err)
{
	const hl_argv_kind kind = hl_job_kind(job->image);

	if (kind == HL_ARGV_MODULE) {
		put(l, "-installipmodule");
		put(l, job->image);
	} else if (kind == HL_ARGV_SFI) {
		put(l, "-sfi");
		put(l, "protocol=static");
		put(l, job->image);
	} else if (job->tfa != NULL) {
		put(l, "-ssp");
		put(l, job->image);
		put(l, job->tfa);
	} else {
		return hl_fail(err, HL_EUSAGE, WHAT,
		    "name the signed TF-A firmware: --tfa FILE",
		    "an SSP image goes with a TF-A firmware that receives it");
	}
	put(l, "hsm=0");
	put(l, job->license);
	return HL_OK;
}

static hl_rc
stm32prog_line(hl_job_line *l, const hl_job *job, hl_err *err)
{
	hl_tool tool;
	hl_rc rc;

	if (!hl_target_is_stm32prog(job->target))
		return hl_fail(err, HL_EUSAGE, WHAT,
		    "use --target stm32prog:port=SWD",
		    "STM32_Programmer_CLI cannot reach \"%s\"", job->target);
	if ((rc = hl_target_connect_parse(&l->connect, job->target, err)) !=
		HL_OK ||
	    (rc = hl_tool_find(&tool, job->program, err)) != HL_OK)
		return rc;
	(void)hl_text_copy(l->program, sizeof(l->program), tool.path);
	put(l, "-c");
	for (size_t i = 0; i < l->connect.words.n; i++)
		put(l, l->connect.words.words[i]);
	return put_image(l, job, err);
}

static hl_rc
segger_line(hl_job_line *l, const hl_job *job, hl_err *err)
{
	const char *serial = hl_target_is_segger(job->target);
	hl_rc rc;

	if (serial == NULL)
		return hl_fail(err, HL_EUSAGE, WHAT, "use --target segger:",
		    "SEGGER's program cannot reach \"%s\"", job->target);
	rc = hl_program_find(
	    job->program != NULL ? job->program : HL_SEGGER_PROGRAM, l->program,
	    sizeof(l->program), err);
	if (rc != HL_OK)
		return rc;
	put(l, "-SFI");
	put(l, job->image);
	put(l, "-License");
	put(l, job->license);
	if (serial[0] != '\0') {
		put(l, "-SerialNo");
		put(l, serial);
	}
	return HL_OK;
}

static hl_rc
sim_line(hl_job_line *l, const hl_job *job, hl_err *err)
{
	hl_rc rc;

	if (!hl_target_is_sim(job->target))
		return hl_fail(err, HL_EUSAGE, WHAT, "use --target sim:DIR",
		    "hsmlic-sim cannot reach \"%s\"", job->target);
	rc = hl_program_find(job->program != NULL ? job->program : "hsmlic-sim",
	    l->program, sizeof(l->program), err);
	if (rc != HL_OK)
		return rc;
	put(l, "install");
	put(l, job->image);
	put(l, job->license);
	put(l, "--chip");
	put(l, job->target + strlen("sim:"));
	return HL_OK;
}

/* Words of the user's own stand behind ours: none may bring the card back. */
static hl_rc
refuse_card(hl_job_line *l, hl_err *err)
{
	hl_argv parsed;
	hl_rc rc = hl_argv_parse(
	    &parsed, (int)l->n, (char *const *)(uintptr_t)l->argv, err);

	if (rc != HL_OK)
		return rc;
	for (size_t i = 0; i < parsed.n; i++)
		if (parsed.use[i].hsm)
			return hl_fail(err, HL_EUSAGE, WHAT,
			    "leave it out, or use hsmlic run for a command "
			    "line of your own",
			    "\"%s\" would ask a card, which hsmlic program "
			    "does itself",
			    l->argv[parsed.use[i].first]);
	l->modules = parsed.mcsv;
	return HL_OK;
}

hl_rc
hl_job_line_make(hl_job_line *out, const hl_job *job, hl_err *err)
{
	static hl_rc (*const makers[])(
	    hl_job_line * l, const hl_job *job, hl_err *err) = {
		[HL_PROGRAMMER_STM32PROG] = stm32prog_line,
		[HL_PROGRAMMER_SEGGER] = segger_line,
		[HL_PROGRAMMER_SIM] = sim_line,
	};
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	put(out, out->program);
	if ((rc = makers[job->programmer](out, job, err)) != HL_OK)
		return rc;
	for (char *const *w = job->extra; w != NULL && *w != NULL; w++)
		put(out, *w);
	if (out->n == HL_JOB_WORDS)
		return hl_fail(err, HL_EUSAGE, WHAT, "use fewer words",
		    "the command line has more than %d words",
		    HL_JOB_WORDS - 1);
	out->argv[out->n] = NULL;
	return job->programmer == HL_PROGRAMMER_STM32PROG
	    ? refuse_card(out, err)
	    : HL_OK;
}

/* ---- how it went -------------------------------------------------------- */

static void HL_PRINTF(2, 3) say(hl_text detail, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)hl_text_vformat(detail, sizeof(hl_text), fmt, ap);
	va_end(ap);
	hl_text_clean(detail);
}

hl_install_outcome
hl_job_judge(hl_programmer p, bool sfi, const hl_ended *end, const void *text,
    size_t n, hl_text detail)
{
	const bool line_known = p == HL_PROGRAMMER_STM32PROG && sfi;
	hl_tool_report r;

	hl_tool_parse(text, n, &r);
	detail[0] = '\0';
	if (!end->exited) {
		if (end->signal == 0)
			say(detail, "ended, and nobody saw how");
		else
			say(detail, "ended by signal %d", end->signal);
		return HL_INSTALL_UNKNOWN;
	}
	if (r.failure || end->status != 0) {
		say(detail, "ended with %d%s%s", end->status,
		    r.error[0] == '\0' ? "" : ": ", r.error);
		return HL_INSTALL_FAILED;
	}
	if (r.success)
		return HL_INSTALL_DONE;
	if (line_known) {
		say(detail, "ended with 0, but no line says that it succeeded");
		return HL_INSTALL_FAILED;
	}
	if (p == HL_PROGRAMMER_SIM)
		return HL_INSTALL_DONE;
	say(detail,
	    "ended with 0; no line of success is known for this, so nobody can "
	    "say");
	return HL_INSTALL_UNKNOWN;
}
