/* SPDX-License-Identifier: Apache-2.0 */
/* A connected chip: its certificate, its memory. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chip/cert.h"
#include "tool/tool_int.h"
#include "util/file.h"

#define MORE_ARGS 4 /* behind the connection */
#define WORDS_MAX 64

static const char hint[] =
    "is the chip powered and connected, and the connection right? ST asks for "
    "mode=HOTPLUG over SWD and JTAG";

/* -c WORDS..., the rest, and the NULL. */
static hl_rc
connect_args(const char *args[1 + HL_CONNECT_MAX + MORE_ARGS],
    const hl_connect *c, const char *const more[MORE_ARGS], hl_err *err)
{
	size_t n = 0;

	if (c->n == 0 || c->n > HL_CONNECT_MAX)
		return hl_fail(err, HL_EINPUT, "connect to a chip",
		    "give 1 to 16 words such as port=SWD",
		    "%zu words of a connection", c->n);
	args[n++] = "-c";
	for (size_t i = 0; i < c->n; i++)
		args[n++] = c->words[i];
	for (size_t i = 0; i < MORE_ARGS; i++)
		args[n++] = more[i];
	return HL_OK;
}

static bool
is_certificate_size(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size == HL_CERT_STM32;
}

static hl_rc
certificate_judge(
    const char *path, const hl_tool_report *r, const hl_ended *end, hl_err *err)
{
	if (!hl_tool_went_well(end) || r->failure)
		return hl_tool_complain(
		    HL_ENODEV, r, end, "-gc brought no certificate", hint, err);
	if (!is_certificate_size(path))
		return hl_tool_complain(HL_ENODEV, r, end,
		    "-gc wrote no file of 136 bytes", hint, err);
	return HL_OK;
}

hl_rc
hl_tool_certificate(const hl_tool *t, const hl_connect *c, const char *path,
    const char *tfa, hl_tool_report *out, hl_deadline until, hl_err *err)
{
	const char *const more[MORE_ARGS] = { "-gc", path, tfa, NULL };
	const char *args[1 + HL_CONNECT_MAX + MORE_ARGS];
	hl_buf text = HL_BUF_INIT;
	hl_tool_report r;
	hl_ended end;
	hl_rc rc;

	if ((rc = connect_args(args, c, more, err)) != HL_OK ||
	    (rc = hl_file_remove(path, err)) != HL_OK)
		return rc;
	rc = hl_tool_run(t, args, &text, &end, until, err);
	if (rc == HL_OK) {
		hl_tool_parse(text.p, text.n, &r);
		rc = certificate_judge(path, &r, &end, err);
	}
	hl_buf_free(&text);
	if (rc != HL_OK) {
		hl_err_what(err, "read the certificate of the chip");
		(void)unlink(path);
		return rc;
	}
	*out = r;
	return HL_OK;
}

hl_rc
hl_tool_read32(const hl_tool *t, const hl_connect *c, uint32_t address,
    uint32_t *words, size_t count, hl_deadline until, hl_err *err)
{
	char where[16], size[16];
	const char *const more[MORE_ARGS] = { "-r32", where, size, NULL };
	const char *args[1 + HL_CONNECT_MAX + MORE_ARGS];
	uint32_t got[WORDS_MAX];
	hl_buf text = HL_BUF_INIT;
	hl_tool_report r;
	hl_ended end;
	hl_rc rc;

	if (count == 0 || count > WORDS_MAX)
		return hl_fail(err, HL_EINPUT, "read memory of the chip",
		    "give 1 to 64", "%zu words are wanted", count);
	snprintf(where, sizeof(where), "0x%08X", address);
	snprintf(size, sizeof(size), "%zu", 4 * count); /* bytes */
	if ((rc = connect_args(args, c, more, err)) != HL_OK)
		return rc;
	rc = hl_tool_run(t, args, &text, &end, until, err);
	if (rc == HL_OK &&
	    (!hl_tool_went_well(&end) ||
		!hl_tool_words(text.p, text.n, address, got, count))) {
		hl_tool_parse(text.p, text.n, &r);
		rc = hl_tool_complain(HL_ENODEV, &r, &end,
		    "-r32 did not bring all words", hint, err);
	}
	hl_buf_free(&text);
	if (rc == HL_OK)
		memcpy(words, got, count * sizeof(*words));
	else
		hl_err_what(err, "read memory of the chip at %s", where);
	return rc;
}
