/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UID of a chip by OpenOCD's `mdw`. OpenOCD cannot read a certificate, so
 * the chip has to be known by its UID, or --cert says it.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "chip/device.h"
#include "flow/programmer.h"
#include "flow/target_int.h"
#include "tool/output.h"
#include "util/spawn.h"
#include "util/text.h"

#define WHAT "read the chip's UID"
#define UID_WORDS 3
#define CONFIGS_MAX 8
#define TEXT_MAX ((size_t)64 * 1024)
#define HINT                                                                   \
	"use openocd:interface/stlink.cfg,target/stm32u5x.cfg,device=STM32U5"

typedef struct request {
	char text[512];
	const char *configs[CONFIGS_MAX];
	size_t n;
	uint32_t address; /* of the UID */
} request;

static bool
parse_address(const char *s, uint32_t *out)
{
	char *end;
	const unsigned long v = strtoul(s, &end, 0);

	*out = (uint32_t)v;
	return s[0] >= '0' && s[0] <= '9' && *end == '\0' && v > 0 &&
	    v <= UINT32_MAX;
}

static hl_rc
take_device(request *r, const char *name, hl_err *err)
{
	const hl_device *d = hl_device_by_name(name);

	if (d == NULL || d->uid_address == 0)
		return hl_fail(err, HL_EUSAGE, WHAT,
		    "say the address instead: uid=0x...",
		    "where \"%s\" keeps its UID is not known", name);
	r->address = d->uid_address;
	return HL_OK;
}

static hl_rc
take_word(request *r, const char *w, hl_err *err)
{
	if (hl_text_starts(w, "device="))
		return take_device(r, w + strlen("device="), err);
	if (hl_text_starts(w, "uid="))
		return parse_address(w + strlen("uid="), &r->address)
		    ? HL_OK
		    : hl_fail(err, HL_EUSAGE, WHAT, HINT,
			  "\"%s\" is no address", w);
	if (r->n == CONFIGS_MAX || w[0] == '-')
		return hl_fail(err, HL_EUSAGE, WHAT, HINT,
		    "\"%s\" is no configuration file, or one too many", w);
	r->configs[r->n++] = w;
	return HL_OK;
}

static hl_rc
parse(request *r, const char *text, hl_err *err)
{
	char *save = NULL;
	hl_rc rc;

	memset(r, 0, sizeof(*r));
	if (!hl_text_copy(r->text, sizeof(r->text), text))
		return hl_fail(
		    err, HL_EUSAGE, WHAT, HINT, "the target is too long");
	for (const char *w = strtok_r(r->text, ",", &save); w != NULL;
	     w = strtok_r(NULL, ",", &save))
		if ((rc = take_word(r, w, err)) != HL_OK)
			return rc;
	if (r->n > 0 && r->address != 0)
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, WHAT, HINT, "%s",
	    r->n == 0 ? "no configuration file of OpenOCD was named"
		      : "neither device= nor uid= says where the UID is");
}

static hl_rc
run(const request *r, const char *program, hl_buf *text,
    const hl_target_options *opt, hl_err *err)
{
	const char *argv[2 * CONFIGS_MAX + 8] = { program };
	char command[40];
	hl_ended end;
	size_t n = 1;
	hl_rc rc;

	for (size_t i = 0; i < r->n; i++) {
		argv[n++] = "-f";
		argv[n++] = r->configs[i];
	}
	(void)hl_text_format(command, sizeof(command), "mdw 0x%08X %d",
	    (unsigned)r->address, UID_WORDS);
	argv[n++] = "-c";
	argv[n++] = "init";
	argv[n++] = "-c";
	argv[n++] = command;
	argv[n++] = "-c";
	argv[n++] = "exit";
	argv[n] = NULL;
	rc = hl_spawn_read(argv, TEXT_MAX, text, &end, opt->until, err);
	if (rc == HL_OK && end.late)
		rc = hl_fail(err, HL_ETIMEOUT, WHAT,
		    "is the probe connected, the board powered?",
		    "OpenOCD did not end in time, and was ended");
	return rc;
}

struct last_error {
	char line[160];
};

static bool
keep_error(void *arg, const char *line)
{
	struct last_error *e = arg;

	if (hl_text_starts(line, "Error:"))
		(void)hl_text_copy(e->line, sizeof(e->line), line);
	return true;
}

hl_rc
hl_target_openocd(const char *text, const hl_target_options *opt,
    hl_target_chip *out, hl_err *err)
{
	struct last_error e = { "" };
	hl_buf printed = HL_BUF_INIT;
	uint32_t words[UID_WORDS];
	char program[PATH_MAX];
	request r;
	hl_rc rc;

	if ((rc = parse(&r, text, err)) != HL_OK ||
	    (rc = hl_program_find(
		 opt->openocd != NULL ? opt->openocd : "openocd", program,
		 sizeof(program), err)) != HL_OK)
		return rc;
	rc = run(&r, program, &printed, opt, err);
	if (rc == HL_OK &&
	    hl_tool_words(printed.p, printed.n, r.address, words, UID_WORDS)) {
		hl_target_uid(words, &out->uid);
	} else if (rc == HL_OK) {
		hl_tool_lines(printed.p, printed.n, keep_error, &e);
		rc = hl_fail(err, HL_ENODEV, WHAT,
		    "is the board connected and powered, and are the "
		    "configuration files its own?",
		    "OpenOCD printed no UID%s%s", e.line[0] == '\0' ? "" : ": ",
		    e.line);
	}
	hl_buf_free(&printed);
	return rc;
}
