/* SPDX-License-Identifier: Apache-2.0 */
/* Chips that STM32_Programmer_CLI is connected to. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "chip/device.h"
#include "flow/target_int.h"
#include "util/file.h"
#include "util/text.h"

#define STM32PROG "stm32prog:"
#define UID_WORDS 3
#define WHAT "find the target"

bool
hl_target_is_stm32prog(const char *target)
{
	return hl_text_starts(target, STM32PROG);
}

/* ---- connecting --------------------------------------------------------- */

static bool
starts_any_case(const char *word, const char *prefix)
{
	return strncasecmp(word, prefix, strlen(prefix)) == 0;
}

static bool
has_word(const hl_connect *c, const char *prefix)
{
	for (size_t i = 0; i < c->n; i++)
		if (starts_any_case(c->words[i], prefix))
			return true;
	return false;
}

/* A debug port has to be taken while the chip runs (AN5054 3.3.2, 4.3.6). */
static bool
needs_hotplug(const hl_connect *c)
{
	return (has_word(c, "port=swd") || has_word(c, "port=jtag")) &&
	    !has_word(c, "mode=");
}

static bool
has_blank(const char *s)
{
	return s[strcspn(s, " \t\r\n\v\f")] != '\0';
}

/* Which of two would count is the programmer's affair: another board maybe. */
static bool
has_key_of(const hl_connect *c, const char *word)
{
	const size_t n = strcspn(word, "=") + 1;

	for (size_t i = 0; i < c->n; i++)
		if (strncasecmp(c->words[i], word, n) == 0)
			return true;
	return false;
}

static hl_rc
take_word(hl_target_connect *out, const char *w, hl_err *err)
{
	const size_t max = HL_COUNT(out->words.words) - 1;

	if (strchr(w, '=') == NULL || w[0] == '-' || w[0] == '=' ||
	    out->words.n == max)
		return hl_fail(err, HL_EUSAGE, WHAT,
		    "use stm32prog:port=SWD,sn=SERIAL: the words that "
		    "STM32_Programmer_CLI takes behind -c",
		    "\"%s\" is no NAME=VALUE, or one too many", w);
	if (has_key_of(&out->words, w))
		return hl_fail(err, HL_EUSAGE, WHAT, "say it once",
		    "\"%.*s\" stands in the target twice", (int)strcspn(w, "="),
		    w);
	out->words.words[out->words.n++] = w;
	return HL_OK;
}

hl_rc
hl_target_connect_parse(hl_target_connect *out, const char *target, hl_err *err)
{
	char *save = NULL;
	hl_rc rc;

	if (hl_target_is_stm32prog(target))
		target += strlen(STM32PROG);
	out->words.n = 0;
	if (!hl_text_copy(out->text, sizeof(out->text), target))
		return hl_fail(err, HL_EUSAGE, WHAT,
		    "use stm32prog:port=SWD,sn=SERIAL",
		    "the target is longer than %zu bytes",
		    sizeof(out->text) - 1);
	/* As one word with a blank in it, sn= would not be seen: any board. */
	if (has_blank(out->text))
		return hl_fail(err, HL_EUSAGE, WHAT,
		    "use commas: stm32prog:port=SWD,sn=SERIAL",
		    "there is a blank in \"%s\"", out->text);
	for (char *w = strtok_r(out->text, ",", &save); w != NULL;
	     w = strtok_r(NULL, ",", &save))
		if ((rc = take_word(out, w, err)) != HL_OK)
			return rc;
	if (!has_word(&out->words, "port="))
		return hl_fail(err, HL_EUSAGE, WHAT,
		    "use stm32prog:port=SWD, or port=JTAG, COM1, usb1, ...",
		    "the target says no port");
	if (needs_hotplug(&out->words))
		out->words.words[out->words.n++] = "mode=HOTPLUG";
	return HL_OK;
}

/* ---- reading
 * -----------------------------------------------------------------
 */

hl_rc
hl_target_workplace_make(hl_target_workplace *w, hl_err *err)
{
	hl_rc rc = hl_dir_temporary(w->dir, sizeof(w->dir), err);

	if (rc != HL_OK)
		return rc;
	return hl_path(
	    w->cert, sizeof(w->cert), err, "%s/certificate.bin", w->dir);
}

void
hl_target_workplace_clear(const hl_target_workplace *w)
{
	(void)unlink(w->cert);
	(void)rmdir(w->dir);
}

void
hl_target_uid(const uint32_t words[UID_WORDS], hl_uid *out)
{
	out->n = 0;
	for (size_t i = 0; i < UID_WORDS; i++)
		for (unsigned shift = 0; shift < 32; shift += 8)
			out->b[out->n++] = (uint8_t)(words[i] >> shift);
}

/* The certificate is what counts: a UID that is out of reach is left out. */
static void
read_uid(const hl_tool *t, const hl_connect *c, const hl_target_options *opt,
    hl_target_chip *out)
{
	const hl_device *d = out->has_device_id
	    ? hl_device_by_id(out->device_id)
	    : hl_device_by_name(out->device_name);
	/* Worth half of the time; the rest is for what has to be done. */
	const hl_deadline until =
	    hl_deadline_in((uint32_t)hl_deadline_left(opt->until) / 2);
	uint32_t words[UID_WORDS];

	if (d == NULL)
		d = hl_device_by_product(out->cert.product_id);
	if (d != NULL && d->uid_address != 0 &&
	    hl_tool_read32(
		t, c, d->uid_address, words, UID_WORDS, until, NULL) == HL_OK)
		hl_target_uid(words, &out->uid);
}

/*
 * On an STM32MP1 the firmware that tells the certificate programs the SSP
 * request bit when it runs for the first time (TF-A, ssp_enable_processing).
 */
static void
warn_of_otp(const hl_target_options *opt)
{
	if (opt->tfa != NULL && opt->note != NULL)
		opt->note(opt->arg,
		    "on an STM32MP1, reading the certificate runs the TF-A "
		    "firmware, which probably burns the SSP request bit of the "
		    "chip (OTP) at its first run");
}

static void
take_report(const hl_tool_report *r, hl_target_chip *out)
{
	out->has_device_id = r->has_device_id;
	out->device_id = r->device_id;
	(void)hl_text_copy(
	    out->device_name, sizeof(out->device_name), r->device_name);
}

hl_rc
hl_target_read_connected(const hl_connect *c, const hl_target_options *opt,
    hl_target_chip *out, hl_err *err)
{
	hl_tool_report report;
	hl_target_workplace w;
	hl_tool tool;
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = hl_tool_find(&tool, opt->stm32prog, err)) != HL_OK ||
	    (rc = hl_target_workplace_make(&w, err)) != HL_OK)
		return rc;
	warn_of_otp(opt);
	rc = hl_tool_certificate(
	    &tool, c, w.cert, opt->tfa, &report, opt->until, err);
	if (rc == HL_OK)
		rc = hl_cert_read(&out->cert, w.cert, false, err);
	hl_target_workplace_clear(&w);
	if (rc != HL_OK)
		return rc;
	take_report(&report, out);
	read_uid(&tool, c, opt, out);
	return HL_OK;
}
