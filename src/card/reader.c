/* SPDX-License-Identifier: Apache-2.0 */
#include "card/reader.h"

#include <stdlib.h>
#include <string.h>

#include "card/pcsc.h"
#include "card/pcsc_codes.h"

/* The child keeps the time of a wait itself, and answers so much later. */
#define GRACE_MS 300

static hl_rc
no_list(hl_pcsc_end end, const char *what, uint32_t call, hl_err *err)
{
	if (end == HL_PCSC_LATE)
		return hl_fail(err, HL_ETIMEOUT, what,
		    "restart the service (systemctl restart pcscd); nothing "
		    "was spent",
		    "the PC/SC service did not answer in time (%s)",
		    hl_pcsc_call_name(call));
	return hl_fail(err, HL_EIO, what, "try again",
	    "the process that talks to PC/SC died (%s)",
	    hl_pcsc_call_name(call));
}

static hl_rc
hand_over(const hl_buf *body, hl_reader **out, size_t *n, hl_err *err)
{
	if (body->failed)
		return hl_nomem(err);
	if (body->n < sizeof(hl_reader))
		return HL_OK;
	if ((*out = malloc(body->n)) == NULL)
		return hl_nomem(err);
	memcpy(*out, body->p, body->n);
	*n = body->n / sizeof(hl_reader);
	return HL_OK;
}

/* A child for this one question. */
static hl_rc
ask(hl_pcsc_msg *m, const void *req, hl_reader **out, size_t *n,
    hl_deadline until, hl_err *err)
{
	const char *what =
	    m->op == HL_PCSC_LIST ? "list the readers" : "wait for a card";
	hl_buf body = HL_BUF_INIT;
	hl_pcsc_proc p;
	hl_pcsc_end end;
	hl_rc rc;

	*out = NULL;
	*n = 0;
	if ((rc = hl_pcsc_start(&p, err)) != HL_OK)
		return rc;
	end = hl_pcsc_ask(&p, m, req, &body, until);
	if (end != HL_PCSC_ANSWERED)
		rc = no_list(end, what, m->call, err);
	else if (m->code != 0)
		rc = hl_pcsc_fail(
		    err, what, hl_pcsc_call_name(m->call), m->code);
	else
		rc = hand_over(&body, out, n, err);
	hl_pcsc_stop(&p);
	hl_buf_free(&body);
	return rc;
}

hl_rc
hl_reader_list(hl_reader **out, size_t *n, hl_deadline until, hl_err *err)
{
	hl_pcsc_msg m = { .op = HL_PCSC_LIST };

	return ask(&m, NULL, out, n, until, err);
}

hl_rc
hl_reader_wait(const hl_reader *known, size_t known_n, hl_reader **out,
    size_t *n, hl_deadline until, hl_err *err)
{
	hl_pcsc_msg m = { .op = HL_PCSC_WAIT,
		.ms = (uint32_t)hl_deadline_left(until) };

	if (known_n > HL_PCSC_READERS_MAX)
		known_n = HL_PCSC_READERS_MAX;
	m.n = (uint32_t)(known_n * sizeof(hl_reader));
	return ask(&m, known, out, n, until + GRACE_MS, err);
}
