/* SPDX-License-Identifier: Apache-2.0 */
#include "util/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/text.h"

#undef hl_fail
#undef hl_nomem

/* What a code is called in JSON, and what a program ends with. */
static const struct code {
	hl_rc rc;
	const char *name;
	int exit;
} codes[] = {
	{ HL_OK, "ok", 0 },
	{ HL_EUSAGE, "usage", 2 },
	{ HL_EINPUT, "input", 2 },
	{ HL_EEXIST, "exists", 2 },
	{ HL_ENOTFOUND, "not-found", 2 },
	{ HL_ECONFLICT, "conflict", 2 },
	{ HL_ENODEV, "no-device", 3 },
	{ HL_EACCESS, "access", 3 },
	{ HL_ECARD, "card", 3 },
	{ HL_EBUSY, "busy", 7 },
	{ HL_ETIMEOUT, "timeout", 7 },
	{ HL_ENOLICENSE, "no-license", 4 },
	{ HL_EDENIED, "denied", 4 },
	{ HL_EDOUBT, "in-doubt", 6 },
	{ HL_ESTORE, "store", 5 },
	{ HL_EFULL, "full", 5 },
	{ HL_EIO, "io", 5 },
	{ HL_ENOMEM, "no-memory", 5 },
	{ HL_EINTEGRITY, "integrity", 9 },
	{ HL_EPROGRAMMER, "programmer", 8 },
	{ HL_EFOUND, "finding", 1 },
};

static const struct code *
find_code(hl_rc rc)
{
	for (size_t i = 0; i < HL_COUNT(codes); i++) {
		if (codes[i].rc == rc)
			return &codes[i];
	}
	return NULL;
}

const char *
hl_rc_name(hl_rc rc)
{
	const struct code *c = find_code(rc);

	return c != NULL ? c->name : "unknown";
}

int
hl_rc_exit(hl_rc rc)
{
	const struct code *c = find_code(rc);

	return c != NULL ? c->exit : 5;
}

static void
set_text(char *dst, size_t size, const char *src)
{
	(void)hl_text_format(dst, size, "%s", src == NULL ? "" : src);
	hl_text_clean(dst);
}

HL_PRINTF(3, 0)
static void
format_text(char *dst, size_t size, const char *fmt, va_list ap)
{
	(void)hl_text_vformat(dst, size, fmt, ap);
	hl_text_clean(dst);
}

hl_rc
hl_fail(hl_err *err, hl_rc rc, const char *what, const char *hint,
    const char *why, ...)
{
	hl_err e = { .rc = rc };
	va_list ap;

	if (err == NULL)
		return rc;
	/* put together aside: the texts may point into *err */
	set_text(e.what, sizeof(e.what), what);
	set_text(e.hint, sizeof(e.hint), hint);
	va_start(ap, why);
	format_text(e.why, sizeof(e.why), why, ap);
	va_end(ap);
	*err = e;
	return rc;
}

void
hl_err_what(hl_err *err, const char *what, ...)
{
	char text[HL_ERR_WHAT];
	va_list ap;

	if (err == NULL)
		return;
	va_start(ap, what);
	format_text(text, sizeof(text), what, ap);
	va_end(ap);
	hl_text_copy(err->what, sizeof(err->what), text);
}

void
hl_err_hint(hl_err *err, const char *hint, ...)
{
	char text[HL_ERR_HINT];
	va_list ap;

	if (err == NULL)
		return;
	va_start(ap, hint);
	format_text(text, sizeof(text), hint, ap);
	va_end(ap);
	hl_text_copy(err->hint, sizeof(err->hint), text);
}

void
hl_err_add(hl_err *err, const char *why, ...)
{
	char more[HL_ERR_WHY], text[2 * HL_ERR_WHY];
	va_list ap;

	if (err == NULL)
		return;
	va_start(ap, why);
	format_text(more, sizeof(more), why, ap);
	va_end(ap);
	(void)hl_text_format(text, sizeof(text), "%s%s%s", err->why,
	    err->why[0] == '\0' ? "" : "; ", more);
	set_text(err->why, sizeof(err->why), text);
}

hl_rc
hl_nomem(hl_err *err)
{
	return hl_fail(err, HL_ENOMEM, "get memory",
	    "end other programs, or raise the memory limit",
	    "the system has no memory left for this process");
}
