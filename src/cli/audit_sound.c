/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a ledger before it is signed. */
#include <inttypes.h>
#include <string.h>

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

/* ---- was it put back? --------------------------------------------------- */

struct seeking {
	hl_err *err;
	hl_rc rc;
	bool found;
};

static bool
seek_restored(void *arg, const hl_event_row *r)
{
	struct seeking *s = arg;
	hl_event e;

	if ((s->rc = hl_audit_read_event(r, &e, s->err)) != HL_OK)
		return false;
	s->found = strcmp(e.kind, "store.restored") == 0;
	hl_event_free(&e);
	return !s->found;
}

hl_rc
hl_audit_restored(hl_store *store, uint64_t from, bool *yes, hl_err *err)
{
	struct seeking s = { err, HL_OK, false };
	hl_frontier tree;
	hl_rc rc;

	*yes = false;
	if ((rc = hl_store_tree(store, &tree, err)) != HL_OK ||
	    (rc = hl_store_events(
		 store, from, tree.size, seek_restored, &s, err)) != HL_OK)
		return rc;
	*yes = s.found;
	return s.rc;
}
