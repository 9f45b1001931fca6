/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a ledger before it is signed. */
#include <inttypes.h>

#include "cli/audit.h"

#define NAMED_MAX 3

static const char what[] = "sign the ledger";

/* ---- the whole of it ---------------------------------------------------- */

typedef struct sounding {
	hl_progress progress;
	size_t n;
	char named[NAMED_MAX][HL_ERR_WHY / NAMED_MAX];
} sounding;

static void
on_found(void *arg, const char *text)
{
	sounding *s = arg;

	if (s->n < NAMED_MAX)
		(void)hl_text_format(
		    s->named[s->n++], sizeof(s->named[0]), "%s", text);
}

static void
on_progress(void *arg, uint64_t done, uint64_t of)
{
	sounding *s = arg;

	s->progress.total = of;
	hl_progress_step(&s->progress, done);
}

static hl_rc
refuse(const sounding *s, uint64_t findings, hl_err *err)
{
	(void)hl_fail(err, HL_EINTEGRITY, what,
	    "run hsmlic audit verify: it names all findings; nothing was "
	    "added, nothing was signed",
	    "the ledger has %" PRIu64 " %s", findings,
	    hl_plural(findings, "finding", "findings"));
	for (size_t i = 0; i < s->n; i++)
		hl_err_add(err, "%s", s->named[i]);
	if (findings > s->n)
		hl_err_add(err, "and more");
	return HL_EINTEGRITY;
}

hl_rc
hl_audit_sound(hl_cli *cli, hl_err *err)
{
	hl_audit_result result;
	sounding s = { .n = 0 };
	hl_rc rc;

	hl_progress_start(&s.progress, cli, "verifying", 0);
	rc = hl_store_audit(cli->store, NULL, 0, on_found, on_progress, &s,
	    &result, err);
	hl_progress_end(&s.progress);
	return rc == HL_OK && result.findings > 0
	    ? refuse(&s, result.findings, err)
	    : rc;
}
