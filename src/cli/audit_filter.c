/* SPDX-License-Identifier: Apache-2.0 */
/* Which events are asked for. */
#include <ctype.h>
#include <string.h>

#include "cli/audit.h"

static const char what[] = "choose events";

/* ---- options ------------------------------------------------------------ */

/* "2026-11-25", "2026-11-25T12:30:00Z", or with milliseconds. */
static bool
parse_time(const char *s, int64_t *at)
{
	static const char *const rests[] = { "", "T00:00:00.000Z", ".000Z" };
	char whole[2 * HL_TIME_TEXT];
	size_t n = strlen(s);

	for (size_t i = 0; i < HL_COUNT(rests); i++) {
		/* ".000Z" replaces a 'Z' */
		const size_t keep =
		    i == 2 && n > 0 && s[n - 1] == 'Z' ? n - 1 : n;

		if (keep >= HL_TIME_TEXT)
			continue;
		(void)snprintf(
		    whole, sizeof(whole), "%.*s%s", (int)keep, s, rests[i]);
		if (hl_time_parse(whole, at))
			return true;
	}
	return false;
}

static hl_rc
set_bound(hl_cli *cli, const char *option, hl_event_bound *b, hl_err *err)
{
	const char *s = hl_opt(cli, option);

	*b = (hl_event_bound){ .given = s != NULL };
	if (s == NULL || hl_text_u64(s, INT64_MAX, &b->seq))
		return HL_OK;
	b->by_time = true;
	if (parse_time(s, &b->at))
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, what,
	    "write the number of an event, or a time in UTC such as "
	    "2026-11-25 or 2026-11-25T12:30:00Z",
	    "--%s \"%s\" is neither", option, s);
}

static hl_rc
check_kinds(hl_cli *cli, hl_err *err)
{
	const char *kind, *known;
	size_t i, k;

	for (i = 0; (kind = hl_opt_nth(cli, "kind", i)) != NULL; i++) {
		const size_t n = strlen(kind);

		for (k = 0; (known = hl_event_kind(k)) != NULL; k++) {
			if (strcmp(known, kind) == 0 ||
			    (strncmp(known, kind, n) == 0 && known[n] == '.'))
				break;
		}
		if (known == NULL)
			return hl_fail(err, HL_EUSAGE, what,
			    "write one such as issue.outcome, or issue for all "
			    "that begin so; hsmlic(1) lists them",
			    "there is no kind of event \"%s\"", kind);
	}
	return HL_OK;
}

static hl_rc
set_card(hl_cli *cli, hl_event_filter *f, hl_err *err)
{
	const char *s = hl_opt(cli, "card");
	hl_card_row c;
	hl_rc rc;

	if (s == NULL)
		return HL_OK;
	rc = hl_store_card_by_label(cli->store, s, &c, err);
	if (rc == HL_ENOTFOUND)
		rc = hl_store_card_by_serial(cli->store, s, &c, err);
	if (rc == HL_ENOTFOUND)
		return hl_fail(err, HL_ENOTFOUND, what,
		    "name it by its label or serial number; see hsmlic card "
		    "list",
		    "the store knows no card \"%s\"", s);
	f->by_card = rc == HL_OK;
	f->card = c.id;
	return rc;
}

static hl_rc
set_chip(hl_cli *cli, hl_event_filter *f, hl_err *err)
{
	const char *s = hl_opt(cli, "chip");
	hl_chip c;
	hl_rc rc;

	if (s == NULL)
		return HL_OK;
	if ((rc = hl_chip_operand(cli, s, &c, err)) != HL_OK)
		return rc;
	f->by_chip = true;
	f->chip = c.id;
	return HL_OK;
}

static hl_rc
set_issue(hl_cli *cli, hl_event_filter *f, hl_err *err)
{
	const char *s = hl_opt(cli, "issue");

	if (s == NULL)
		return HL_OK;
	f->by_issue = true;
	if (hl_uuid_parse(s, &f->issue))
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, what,
	    "write the whole ID of a request, as hsmlic chip show does",
	    "\"%s\" is no ID of a request", s);
}

hl_rc
hl_event_filter_set(hl_cli *cli, hl_event_filter *out, hl_err *err)
{
	hl_event_filter f = { .cli = cli, .lot = hl_opt(cli, "lot") };
	hl_rc rc;

	/* elsewhere these say who acts; here nobody does */
	if (hl_opt_on_line(cli, "station"))
		f.station = hl_opt(cli, "station");
	if (hl_opt_on_line(cli, "operator"))
		f.operator_ = hl_opt(cli, "operator");
	if ((rc = set_bound(cli, "from", &f.from, err)) != HL_OK ||
	    (rc = set_bound(cli, "to", &f.to, err)) != HL_OK ||
	    (rc = check_kinds(cli, err)) != HL_OK ||
	    (rc = set_card(cli, &f, err)) != HL_OK ||
	    (rc = set_chip(cli, &f, err)) != HL_OK ||
	    (rc = set_issue(cli, &f, err)) != HL_OK)
		return rc;
	*out = f;
	return HL_OK;
}

void
hl_event_filter_range(
    const hl_event_filter *f, uint64_t size, uint64_t *from, uint64_t *to)
{
	*from = f->from.given && !f->from.by_time ? f->from.seq : 0;
	*to = size;
	if (f->to.given && !f->to.by_time && f->to.seq < size)
		*to = f->to.seq;
}

/* ---- one event ---------------------------------------------------------- */

static bool
kind_matches(hl_cli *cli, const char *is)
{
	const char *kind;
	size_t i;

	for (i = 0; (kind = hl_opt_nth(cli, "kind", i)) != NULL; i++) {
		const size_t n = strlen(kind);

		if (strncmp(is, kind, n) == 0 &&
		    (is[n] == '\0' || is[n] == '.'))
			return true;
	}
	return i == 0;
}

/* Has one of the body's texts of these keys the ID? */
static bool
any_is(const hl_event *e, const char *const *keys, const hl_uuid *want)
{
	const char *text;
	hl_uuid u;

	for (; *keys != NULL; keys++) {
		text = hl_event_text(e, *keys);
		if (text != NULL && hl_uuid_parse(text, &u) &&
		    hl_uuid_equal(&u, want))
			return true;
	}
	return false;
}

/* The first of these keys that has an ID. */
static bool
first_id(const hl_event *e, const char *const *keys, hl_uuid *out)
{
	for (; *keys != NULL; keys++) {
		const char *text = hl_event_text(e, *keys);

		if (text != NULL && hl_uuid_parse(text, out))
			return true;
	}
	return false;
}

static bool
license_of(const hl_event_filter *f, const hl_event *e, hl_license *out)
{
	static const char *const keys[] = { "license_id", "use_license",
		"install_license", "variance_license", NULL };
	hl_uuid id;

	return first_id(e, keys, &id) &&
	    hl_store_license_by_id(f->cli->store, &id, out, NULL) == HL_OK;
}

static const char *const issue_keys[] = { "issue_id", "reading_issue",
	"license_issue", NULL };

static bool
issue_of(const hl_event_filter *f, const hl_event *e, hl_issue *out)
{
	hl_uuid id;

	return first_id(e, issue_keys, &id) &&
	    hl_store_issue_by_id(f->cli->store, &id, out, NULL) == HL_OK;
}

static bool
card_matches(const hl_event_filter *f, const hl_event *e)
{
	static const char *const keys[] = { "card_id", "issue_card",
		"reading_card", "variance_card", "overlap_card", "card", NULL };
	hl_issue i;

	return any_is(e, keys, &f->card) ||
	    (issue_of(f, e, &i) && hl_uuid_equal(&i.card, &f->card));
}

static bool
chip_matches(const hl_event_filter *f, const hl_event *e)
{
	static const char *const keys[] = { "chip_id", "issue_chip",
		"license_chip", "install_chip", NULL };
	hl_license l;
	hl_issue i;

	return any_is(e, keys, &f->chip) ||
	    (issue_of(f, e, &i) && hl_uuid_equal(&i.chip, &f->chip)) ||
	    (license_of(f, e, &l) && hl_uuid_equal(&l.chip, &f->chip));
}

static bool
issue_matches(const hl_event_filter *f, const hl_event *e)
{
	hl_license l;

	return any_is(e, issue_keys, &f->issue) ||
	    (license_of(f, e, &l) && hl_uuid_equal(&l.issue, &f->issue));
}

static bool
lot_matches(const hl_event_filter *f, const hl_event *e)
{
	const char *key;
	hl_issue i;
	json_t *v;

	json_object_foreach(e->body, key, v)
	{
		if (hl_text_ends(key, "_lot") && json_is_string(v) &&
		    strcmp(json_string_value(v), f->lot) == 0)
			return true;
	}
	return issue_of(f, e, &i) && strcmp(i.actor.lot, f->lot) == 0;
}

bool
hl_event_matches(const hl_event_filter *f, const hl_event *e)
{
	if ((f->from.by_time && e->at < f->from.at) ||
	    (f->to.by_time && e->at >= f->to.at) ||
	    (f->station != NULL && strcmp(e->station, f->station) != 0) ||
	    (f->operator_ != NULL && strcmp(e->operator_, f->operator_) != 0))
		return false;
	return kind_matches(f->cli, e->kind) &&
	    (!f->by_issue || issue_matches(f, e)) &&
	    (!f->by_card || card_matches(f, e)) &&
	    (!f->by_chip || chip_matches(f, e)) &&
	    (f->lot == NULL || lot_matches(f, e));
}
