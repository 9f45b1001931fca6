/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/left.h"

#include <string.h>

#include "broker/rescue.h"
#include "tool/output.h"

#define LINES_MAX 200

void
hl_left_adopt(hl_broker *b, const hl_uuid *issue,
    const uint8_t cert_sha256[HL_SHA256_LEN])
{
	/* The counter behind it was never read. */
	hl_rescue r = { .issue = *issue, .counter_after = UINT32_MAX };
	hl_card_answer a;
	bool good;
	hl_rc rc;

	if (hl_card_left_behind(b->spool_dir, issue, &a, &good, NULL) != HL_OK)
		return;
	memcpy(r.cert_sha256, cert_sha256, sizeof(r.cert_sha256));
	memcpy(r.license, a.license, a.n);
	r.n = a.n;
	rc = good ? hl_spool_put(b->side, &r, NULL)
		  : hl_suspect_put(b->side, &r, NULL);
	if (rc == HL_OK)
		hl_card_forget(b->spool_dir, issue, false);
}

struct saying {
	hl_broker *b;
	unsigned lines_left;
};

static bool
say_line(void *arg, const char *line)
{
	struct saying *s = arg;

	if (line[0] != '\0')
		hl_broker_detail(s->b, "it printed: %s", line);
	return --s->lines_left > 0;
}

void
hl_left_settle(hl_broker *b, const hl_uuid *issue, hl_issue_state state)
{
	struct saying s = { b, LINES_MAX };
	const bool gone =
	    state != HL_ISSUE_ISSUED && state != HL_ISSUE_NOT_SPENT;
	hl_buf text = HL_BUF_INIT;
	char path[PATH_MAX];

	if (state != HL_ISSUE_ISSUED &&
	    hl_card_printed(
		b->spool_dir, issue, path, sizeof(path), &text, NULL) == HL_OK)
		hl_tool_lines(text.p, text.n, say_line, &s);
	hl_buf_free(&text);
	hl_card_forget(b->spool_dir, issue, !gone);
}

bool
hl_left_log(hl_broker *b, const hl_uuid *issue, char *path, size_t size)
{
	hl_buf text = HL_BUF_INIT;
	const hl_rc rc =
	    hl_card_printed(b->spool_dir, issue, path, size, &text, NULL);

	hl_buf_free(&text);
	return rc == HL_OK;
}
