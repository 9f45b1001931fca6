/* SPDX-License-Identifier: Apache-2.0 */
/* Which events are asked for. */
#include <ctype.h>
#include <string.h>

#include "cli/audit.h"

#define ID_DIGITS_MIN 8
#define MINUTE_MS ((int64_t)60 * 1000)

static const char what[] = "choose events";

/* ---- options ------------------------------------------------------------ */

/* Takes "+02:00" from the end of a time; *minutes is what it says. */
static bool
take_offset(char *s, int *minutes)
{
	const size_t n = strlen(s);
	char *o = n < 7 ? NULL : s + n - 6;
	int h, m;

	*minutes = 0;
	if (o == NULL || strchr(s, 'T') == NULL || (*o != '+' && *o != '-'))
		return true;
	if (!isdigit((unsigned char)o[1]) || !isdigit((unsigned char)o[2]) ||
	    o[3] != ':' || !isdigit((unsigned char)o[4]) ||
	    !isdigit((unsigned char)o[5]))
		return false;
	h = (o[1] - '0') * 10 + o[2] - '0';
	m = (o[4] - '0') * 10 + o[5] - '0';
	*minutes = (*o == '-' ? -1 : 1) * (60 * h + m);
	o[0] = 'Z';
	o[1] = '\0';
	return h < 24 && m < 60;
}

/* "2026-11-25", "2026-11-25T12:30:00Z", or with milliseconds. */
static bool
parse_utc(const char *s, int64_t *at)
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

/* RFC 3339, also with an offset instead of the Z. */
static bool
parse_time(const char *s, int64_t *at)
{
	char copy[HL_TIME_TEXT + 8];
	int minutes;

	if (!hl_text_copy(copy, sizeof(copy), s) ||
	    !take_offset(copy, &minutes) || !parse_utc(copy, at))
		return false;
	*at -= minutes * MINUTE_MS;
	return true;
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
	    "write such as 2026-11-25 (UTC), 2026-11-25T12:30:00Z or "
	    "2026-11-25T14:30:00+02:00, or the number of an event",
	    "--%s \"%s\" is neither a time nor the number of an event", option,
	    s);
}

/* Names those that begin with the same letters, if any do. */
static hl_rc
no_kind(const char *kind, hl_err *err)
{
	const char *known;
	char near[HL_ERR_HINT] = "";
	size_t n = strcspn(kind, ".");

	for (; n > 0 && near[0] == '\0'; n--) {
		for (size_t i = 0; (known = hl_event_kind(i)) != NULL; i++) {
			const size_t used = strlen(near);

			if (strncmp(known, kind, n) == 0)
				(void)hl_text_format(near + used,
				    sizeof(near) - used, "%s%s",
				    used == 0 ? "there are " : ", ", known);
		}
	}
	return hl_fail(err, HL_EUSAGE, what,
	    near[0] != '\0' ? near
			    : "write one such as issue.outcome, or issue for "
			      "all that begin so; FORMAT.ledger lists them",
	    "there is no kind of event \"%s\"", kind);
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
			return no_kind(kind, err);
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

/* At least 8 digits, and hyphens where an ID has them. */
static bool
begins_id(const char *s)
{
	const size_t n = strnlen(s, HL_UUID_TEXT);

	if (n < ID_DIGITS_MIN || n >= HL_UUID_TEXT)
		return false;
	for (size_t i = 0; i < n; i++) {
		const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	}
	return true;
}

static hl_rc
set_issue(hl_cli *cli, hl_event_filter *f, hl_err *err)
{
	const char *s = hl_opt(cli, "issue");
	hl_uuid whole;

	if (s == NULL)
		return HL_OK;
	if (hl_uuid_parse(s, &whole)) {
		hl_uuid_text(&whole, f->issue);
		return HL_OK;
	}
	for (size_t i = 0; i < sizeof(f->issue) && s[i] != '\0'; i++)
		f->issue[i] = (char)tolower((unsigned char)s[i]);
	if (begins_id(f->issue))
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, what,
	    "write the ID of a request as hsmlic chip show does, or its first "
	    "8 digits or more",
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
	const size_t n = strlen(f->issue);
	char id[HL_UUID_TEXT];
	const char *text;
	hl_license l;

	for (size_t i = 0; issue_keys[i] != NULL; i++) {
		text = hl_event_text(e, issue_keys[i]);
		if (text != NULL && strncmp(text, f->issue, n) == 0)
			return true;
	}
	if (!license_of(f, e, &l))
		return false;
	hl_uuid_text(&l.issue, id);
	return strncmp(id, f->issue, n) == 0;
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
	    (f->issue[0] == '\0' || issue_matches(f, e)) &&
	    (!f->by_card || card_matches(f, e)) &&
	    (!f->by_chip || chip_matches(f, e)) &&
	    (f->lot == NULL || lot_matches(f, e));
}
