/* SPDX-License-Identifier: Apache-2.0 */
/* Why there is no license, where more is known than that. */
#include "broker/get.h"
#include "broker/spend.h"

struct unresolved {
	const hl_uuid *firmware; /* NULL: any */
	hl_issue open;
	bool found;
};

static bool
keep_unresolved(void *arg, const hl_issue *i)
{
	struct unresolved *u = arg;

	if (i->state != HL_ISSUE_OPEN ||
	    (u->firmware != NULL && !hl_uuid_equal(&i->firmware, u->firmware)))
		return true;
	u->open = *i;
	u->found = true;
	return false;
}

/* An open issue of this chip, for the firmware that is meant where that can be
 * told. */
static bool
find_unresolved(hl_get *g, hl_issue *open)
{
	struct unresolved u = { NULL, { .state = HL_ISSUE_OPEN }, false };
	hl_uuid firmware;

	if (!g->chip_known)
		return false;
	if (hl_get_firmware(g, &firmware, NULL) == HL_OK)
		u.firmware = &firmware;
	if (hl_store_issue_list_chip(g->b->store, &g->out->chip.id,
		keep_unresolved, &u, NULL) != HL_OK)
		return false;
	*open = u.open;
	return u.found;
}

static bool
keep_inactive(void *arg, const hl_license *l)
{
	hl_license *last = arg;

	if (l->state != HL_LICENSE_ACTIVE)
		*last = *l;
	return true;
}

/* What the store has for this chip is not handed out any more. */
static void
add_inactive(hl_get *g, hl_err *err)
{
	hl_license last = { .size = 0 };
	hl_license_filter filter = { &g->out->chip.id, NULL, true };
	char at[HL_TIME_TEXT] = "", id[HL_UUID_TEXT];
	hl_uuid firmware;

	if (hl_get_firmware(g, &firmware, NULL) == HL_OK)
		filter.firmware = &firmware;
	if (!g->chip_known ||
	    hl_store_license_list(
		g->b->store, &filter, keep_inactive, &last, NULL) != HL_OK ||
	    last.size == 0)
		return;
	if (last.retired_at != 0)
		hl_time_text(last.retired_at, at);
	hl_err_add(err, "it has one that is %s%s%s: %s",
	    hl_license_state_name(last.state), at[0] == '\0' ? "" : " since ",
	    at, last.reason);
	hl_uuid_text(&last.id, id);
	if (last.state == HL_LICENSE_SUSPECT)
		hl_err_hint(err,
		    "if it is right after all, hsmlic license trust %s "
		    "--reason TEXT; or leave out --cached to get another one "
		    "from a card: that costs one unit more",
		    id);
	else
		hl_err_hint(err,
		    "leave out --cached to get another one from a card: that "
		    "costs one unit more");
}

hl_rc
hl_get_none_cached(hl_get *g, hl_err *err)
{
	const char *wanted = g->req->firmware;
	hl_uuid firmware;
	hl_issue open;
	hl_firmware f;

	if (wanted != NULL &&
	    hl_store_firmware_by_name(g->b->store, wanted, &f, NULL) ==
		HL_ENOTFOUND)
		return hl_fail(err, HL_ENOLICENSE, "get a license",
		    "see: hsmlic license list, hsmlic card list",
		    "no firmware \"%s\" is known to this store", wanted);
	if (find_unresolved(g, &open))
		return hl_spend_unresolved(g->b, &open, err);
	if (g->req->card != NULL &&
	    hl_get_firmware(g, &firmware, NULL) == HL_ENOTFOUND)
		return hl_fail(err, HL_ENOLICENSE, "get a license",
		    "say --firmware NAME instead; see: hsmlic card list",
		    "the store knows no card \"%s\", or several of different "
		    "firmwares",
		    g->req->card);
	(void)hl_fail(err, HL_ENOLICENSE, "get a license",
	    "leave out --cached to get one from a card",
	    "the store has no active license for this chip and firmware");
	add_inactive(g, err);
	return HL_ENOLICENSE;
}

hl_rc
hl_get_or_in_doubt(hl_get *g, hl_rc rc, hl_err *err)
{
	hl_err doubt = { 0 };
	hl_issue open;

	if (rc != HL_EBUSY && rc != HL_ETIMEOUT && rc != HL_ENODEV &&
	    rc != HL_ECARD && rc != HL_EACCESS && rc != HL_ENOLICENSE)
		return rc;
	if (err == NULL || !find_unresolved(g, &open) ||
	    hl_owner_alive(g->b->side, &open.owner) ||
	    hl_spend_unresolved(g->b, &open, &doubt) != HL_EDOUBT)
		return rc;
	hl_err_add(&doubt, "%s", err->why);
	*err = doubt;
	return HL_EDOUBT;
}
