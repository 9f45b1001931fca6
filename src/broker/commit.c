/* SPDX-License-Identifier: Apache-2.0 */
/* The second commit, and where a license goes that the store does not take. */
#include <string.h>

#include "broker/ballast.h"
#include "broker/left.h"
#include "broker/settle.h"

static bool
store_failed(hl_rc rc)
{
	return rc == HL_EFULL || rc == HL_ESTORE || rc == HL_EIO ||
	    rc == HL_ENOMEM;
}

static hl_rc
take_back(hl_broker *b, const hl_outcome *o, hl_license *license, hl_err *err)
{
	hl_issue i;
	hl_rc rc;

	rc = hl_store_issue_rescue(
	    b->store, &o->issue, o->license, o->license_n, &o->actor, err);
	if (rc != HL_OK && rc != HL_EEXIST)
		return rc;
	if (license == NULL)
		return HL_OK;
	if ((rc = hl_store_issue_by_id(b->store, &o->issue, &i, err)) != HL_OK)
		return rc;
	return hl_store_license_find(
	    b->store, &i.chip, &i.firmware, license, err);
}

static hl_rc
close_issue(hl_broker *b, const hl_outcome *o, hl_license *license, hl_err *err)
{
	hl_rc rc = hl_store_intent_close(b->store, o, license, err);

	if (store_failed(rc)) {
		hl_ballast_drop(b->side);
		rc = hl_store_intent_close(b->store, o, license, err);
	}
	/* Closed meanwhile, as lost perhaps, by a person or by a commit whose
	 * failure was its last step only: the license still belongs to it. */
	if (rc == HL_EEXIST && o->state == HL_ISSUE_ISSUED)
		rc = take_back(b, o, license, err);
	return rc;
}

/* The last resort. False: nobody has it. */
static bool
tell_line(hl_broker *b, const hl_rescue *r)
{
	hl_buf line = HL_BUF_INIT;
	bool told = b->opt.rescue != NULL &&
	    hl_rescue_line(r, &line, NULL) == HL_OK &&
	    b->opt.rescue(b->opt.arg, hl_buf_str(&line));

	hl_buf_free(&line);
	return told;
}

/*
 * The store did not take a license that has left the card. Says where it is.
 * The spool is on the store's own disk, which has just failed: so it goes to
 * another place, too.
 */
static hl_rc
save_elsewhere(hl_broker *b, const hl_rescue *r, bool spooled, hl_err *err)
{
	char path[PATH_MAX];
	const hl_err store = *err;
	const bool filed =
	    hl_rescue_file(b->rescue_dir, r, path, sizeof(path), NULL) == HL_OK;

	(void)hl_fail(err, HL_EDOUBT, "record the license in the store", "",
	    "%s; the unit is spent and the license is safe", store.why);
	if (spooled)
		hl_err_hint(err,
		    "it is in the spool beside the store%s%s: mend the store, "
		    "then run hsmlic recover; do not get this chip again "
		    "before",
		    filed ? " and in " : "", filed ? path : "");
	else if (filed)
		hl_err_hint(err,
		    "mend the store, then run hsmlic recover --import-rescue "
		    "%s",
		    path);
	else if (tell_line(b, r))
		hl_err_hint(err,
		    "keep the line HSMLIC-RESCUE above: put it into a file, "
		    "mend the store, then run hsmlic recover --import-rescue "
		    "FILE");
	else
		(void)hl_fail(err, HL_EDOUBT, "keep the license",
		    "leave the card in its reader, mend the store, then run "
		    "hsmlic recover: a card that can replay gives it again",
		    "%s; there is no other place that takes it, and nobody to "
		    "tell it to",
		    store.why);
	err->units_spent = 1;
	return HL_EDOUBT;
}

/* The outcome could not be recorded, so the request stays open. */
static hl_rc
not_recorded(const hl_settled *s, hl_rc rc, hl_err *err)
{
	const hl_err store = *err;

	if (s->state != HL_ISSUE_LOST && s->state != HL_ISSUE_LOST_OR_OUTSIDE &&
	    s->state != HL_ISSUE_BAD)
		return rc;
	(void)hl_fail(err, HL_EDOUBT, "record what became of the request",
	    "mend the store, then run hsmlic recover", "%s; %s", s->detail,
	    store.why);
	err->units_spent = 1;
	return HL_EDOUBT;
}

static void
tell_outcome(hl_broker *b, const hl_issue *issue, const hl_settled *s)
{
	char id[HL_UUID_TEXT];

	hl_uuid_text(&issue->id, id);
	hl_broker_detail(b, "request %s, counter %u before: %s%s%s", id,
	    issue->counter_before, hl_issue_state_name(s->state),
	    s->detail[0] == '\0' ? "" : "; ", s->detail);
}

hl_rc
hl_settle_commit(hl_broker *b, const hl_issue *issue, const hl_cert *cert,
    const hl_settled *s, bool recovered, const hl_actor *actor,
    hl_license *license, hl_err *err)
{
	hl_outcome o = {
		.issue = issue->id,
		.state = s->state,
		.counter_known = s->counter_known,
		.counter_after = s->counter_after,
		.recovered = recovered,
		.license = s->n > 0 ? s->license : NULL,
		.license_n = s->n,
		.actor = *actor,
	};
	const bool precious = s->n > 0 && s->state == HL_ISSUE_ISSUED;
	const bool suspect = s->n > 0 && !precious;
	hl_err e = { 0 };
	hl_rescue r;
	bool spooled = s->spooled;
	hl_rc rc;

	(void)hl_text_copy(o.detail, sizeof(o.detail), s->detail);
	if (s->n > 0)
		hl_settled_rescue(s, issue, cert, &r);
	if (precious)
		spooled = spooled || hl_spool_put(b->side, &r, NULL) == HL_OK;
	if (suspect)
		(void)!hl_suspect_put(b->side, &r, NULL);
	rc = close_issue(b, &o, license, &e);
	if (rc == HL_OK) {
		tell_outcome(b, issue, s);
		if (spooled)
			hl_spool_drop(b->side, &issue->id);
		/* Also what waited there while the request was open. */
		if (s->n > 0)
			hl_suspect_drop(b->side, &issue->id);
		hl_left_settle(b, &issue->id, s->state, s->license, s->n);
		return HL_OK;
	}
	if (err == NULL)
		err = &e;
	*err = e;
	return precious ? save_elsewhere(b, &r, spooled, err)
			: not_recorded(s, rc, err);
}
