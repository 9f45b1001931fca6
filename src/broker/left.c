/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/left.h"

#include <string.h>
#include <unistd.h>

#include "broker/ballast.h"
#include "broker/rescue.h"
#include "card/request_files.h"
#include "tool/output.h"

#define LINES_MAX 200

static hl_rc
put(hl_broker *b, const hl_rescue *r, bool good, hl_err *err)
{
	return good ? hl_spool_put(b->side, r, err)
		    : hl_suspect_put(b->side, r, err);
}

/* The reserve is there for a license on its way to the store. */
static hl_rc
put_safely(hl_broker *b, const hl_rescue *r, bool good, hl_err *err)
{
	hl_err why = { 0 };
	hl_rc rc = put(b, r, good, NULL);

	if (rc != HL_OK) {
		hl_ballast_drop(b->side);
		rc = put(b, r, good, &why);
	}
	if (rc == HL_OK)
		return HL_OK;
	return hl_fail(err, rc, "keep the license",
	    "mend that, then run hsmlic recover",
	    "the license that the program wrote is in %s, and cannot be taken "
	    "into the spool there: %s",
	    b->spool_dir, why.why);
}

hl_rc
hl_left_adopt(hl_broker *b, const hl_uuid *issue,
    const uint8_t cert_sha256[HL_SHA256_LEN], hl_err *err)
{
	/* The counter behind it was never read. */
	hl_rescue r = { .issue = *issue, .counter_after = UINT32_MAX };
	hl_card_answer a;
	bool good;
	hl_rc rc;

	if (b->spool_dir[0] == '\0')
		return HL_ENOTFOUND;
	rc = hl_card_left_behind(b->spool_dir, issue, &a, &good, err);
	if (rc != HL_OK)
		return rc;
	memcpy(r.cert_sha256, cert_sha256, sizeof(r.cert_sha256));
	memcpy(r.license, a.license, a.n);
	r.n = a.n;
	if ((rc = put_safely(b, &r, good, err)) == HL_OK)
		hl_card_forget(b->spool_dir, issue, false, a.license, a.n);
	return rc;
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

/* A license file that is not what the store took. */
static void
tell_kept(hl_broker *b, const hl_uuid *issue)
{
	hl_request_files f;

	if (hl_request_files_name(&f, b->spool_dir, issue, NULL) == HL_OK &&
	    access(f.license, F_OK) == 0)
		hl_broker_note(b,
		    "%s stays: it is not a license that the store could take",
		    f.license);
}

void
hl_left_settle(hl_broker *b, const hl_uuid *issue, hl_issue_state state,
    const uint8_t *license, size_t n)
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
	hl_card_forget(b->spool_dir, issue, !gone, license, n);
	tell_kept(b, issue);
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
