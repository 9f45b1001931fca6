/* SPDX-License-Identifier: Apache-2.0 */
/* What a store has that a copy of it has not. */
#include <stdlib.h>
#include <string.h>

#include "cli/audit.h"
#include "cli/store_parts.h"

#define NAMES_SHOWN 5

typedef struct looking {
	hl_store *copy, *present;
	hl_lack *out;
	hl_uuid *issues; /* of events, each as often as it is told */
	size_t n_issues;
	hl_err *err;
	hl_rc rc;
} looking;

/* ---- events ------------------------------------------------------------- */

static hl_rc
add_issue(looking *l, const hl_event *e)
{
	const char *text = hl_event_text(e, "issue_id");
	hl_uuid *more;
	hl_uuid id;

	if (text == NULL || !hl_uuid_parse(text, &id))
		return HL_OK;
	if ((l->n_issues & (l->n_issues - 1)) == 0) {
		more = reallocarray(l->issues,
		    l->n_issues == 0 ? 1 : 2 * l->n_issues, sizeof(*more));
		if (more == NULL)
			return hl_nomem(l->err);
		l->issues = more;
	}
	l->issues[l->n_issues++] = id;
	return HL_OK;
}

/* The chip of a request that is told for the first time. */
static hl_rc
add_chip(looking *l, const hl_event *e)
{
	const char *text = hl_event_text(e, "issue_chip");
	char name[HL_CHIP_NAME];
	hl_chip chip;
	hl_uuid id;

	if (text == NULL || !hl_uuid_parse(text, &id) ||
	    hl_store_chip_by_id(l->present, &id, &chip, NULL) != HL_OK)
		return HL_OK;
	hl_chip_name(&chip.uid, chip.has_cert, chip.cert_sha256, name);
	return json_array_append_new(l->out->chips, json_string(name)) == 0
	    ? HL_OK
	    : hl_nomem(l->err);
}

static bool
on_event(void *arg, const hl_event_row *row)
{
	looking *l = arg;
	hl_event e;

	l->rc = hl_audit_read_event(row, &e, l->err);
	if (l->rc != HL_OK)
		return false;
	if (l->out->from == 0)
		l->out->from = e.at;
	l->out->to = e.at;
	if ((l->rc = add_issue(l, &e)) == HL_OK)
		l->rc = add_chip(l, &e);
	hl_event_free(&e);
	return l->rc == HL_OK;
}

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(hl_uuid));
}

static void
count_issues(looking *l)
{
	if (l->n_issues > 0)
		qsort(l->issues, l->n_issues, sizeof(l->issues[0]), by_bytes);
	for (size_t i = 0; i < l->n_issues; i++) {
		if (i == 0 || !hl_uuid_equal(&l->issues[i], &l->issues[i - 1]))
			l->out->issues++;
	}
}

static hl_rc
look_at_events(looking *l)
{
	hl_lack *o = l->out;
	hl_rc rc;

	if (o->like.kin != HL_KIN_NEWER && o->like.kin != HL_KIN_FORK)
		return HL_OK;
	o->events = o->like.size - o->like.common;
	rc = hl_store_events(
	    l->present, o->like.common, o->like.size, on_event, l, l->err);
	if (rc == HL_OK)
		rc = l->rc;
	count_issues(l);
	free(l->issues);
	return rc;
}

/* ---- licenses ----------------------------------------------------------- */

static bool
on_license(void *arg, const hl_license *lic)
{
	looking *l = arg;
	hl_license there;
	hl_err why = { 0 };
	json_t *j;

	l->rc = hl_store_license_by_id(l->copy, &lic->id, &there, &why);
	if (l->rc == HL_OK)
		return true;
	if (l->rc != HL_ENOTFOUND) {
		if (l->err != NULL)
			*l->err = why;
		return false;
	}
	l->rc = HL_OK;
	j = hl_json_license(lic);
	if (j == NULL || json_array_append_new(l->out->licenses, j) != 0)
		l->rc = hl_nomem(l->err);
	return l->rc == HL_OK;
}

static hl_rc
look_at_licenses(looking *l)
{
	const hl_license_filter all = { .all_states = true };
	hl_rc rc;

	if (l->out->like.kin == HL_KIN_STRANGER)
		return HL_OK;
	rc = hl_store_license_list(l->present, &all, on_license, l, l->err);
	return rc == HL_OK ? l->rc : rc;
}

hl_rc
hl_lack_find(hl_store *copy, hl_store *present, hl_lack *out, hl_err *err)
{
	looking l = {
		.copy = copy, .present = present, .out = out, .err = err
	};
	hl_rc rc;

	out->licenses = json_array();
	out->chips = json_array();
	if (out->licenses == NULL || out->chips == NULL)
		return hl_nomem(err);
	if ((rc = hl_store_compare(copy, present, &out->like, err)) != HL_OK ||
	    (rc = look_at_events(&l)) != HL_OK)
		return rc;
	return look_at_licenses(&l);
}

void
hl_lack_free(hl_lack *l)
{
	json_decref(l->licenses);
	json_decref(l->chips);
	memset(l, 0, sizeof(*l));
}

/* ---- in words ----------------------------------------------------------- */

static void
put_names(hl_buf *b, const json_t *chips)
{
	const size_t n = json_array_size(chips);

	if (n == 0)
		return;
	hl_buf_printf(b, " (%s ", hl_plural(n, "chip", "chips"));
	for (size_t i = 0; i < n && i < NAMES_SHOWN; i++)
		hl_buf_printf(b, "%s%s", i == 0 ? "" : ", ",
		    json_string_value(json_array_get(chips, i)));
	hl_buf_printf(b, n > NAMES_SHOWN ? ", ...)" : ")");
}

static void
put_events(hl_buf *b, const hl_lack *l)
{
	const size_t licenses = json_array_size(l->licenses);
	char from[HL_TIME_TEXT], to[HL_TIME_TEXT];

	hl_time_text(l->from, from);
	hl_time_text(l->to, to);
	hl_buf_printf(b, "%llu %s from %s to %s %s not in it: %llu %s",
	    (unsigned long long)l->events,
	    hl_plural(l->events, "event", "events"), from, to,
	    hl_plural(l->events, "is", "are"), (unsigned long long)l->issues,
	    hl_plural(l->issues, "request", "requests"));
	put_names(b, l->chips);
	hl_buf_printf(b, ", %zu %s", licenses,
	    hl_plural(licenses, "license", "licenses"));
}

/* Each license costs a unit when it has to be fetched again. */
static void
tell_licenses(const hl_cli *cli, const hl_lack *l)
{
	const size_t n = json_array_size(l->licenses);
	hl_buf b = HL_BUF_INIT;

	for (size_t i = 0; i < n && i < NAMES_SHOWN; i++) {
		const json_t *j = json_array_get(l->licenses, i);
		const char *uid = json_string_value(json_object_get(j, "uid"));
		const char *cert =
		    json_string_value(json_object_get(j, "certificate_sha256"));

		hl_buf_reset(&b);
		hl_buf_printf(&b,
		    "the license of chip %s%.24s for firmware \"%s\" (%s) is "
		    "not in the copy",
		    uid == NULL ? HL_CHIP_CERT : "", uid == NULL ? cert : uid,
		    json_string_value(json_object_get(j, "firmware")),
		    json_string_value(json_object_get(j, "state")));
		hl_print_note(cli, hl_buf_str(&b));
	}
	if (n > NAMES_SHOWN) {
		hl_buf_reset(&b);
		hl_buf_printf(&b, "and %zu more; --json names all of them",
		    n - NAMES_SHOWN);
		hl_print_note(cli, hl_buf_str(&b));
	}
	hl_buf_free(&b);
}

void
hl_lack_tell(const hl_cli *cli, const hl_lack *l)
{
	hl_buf b = HL_BUF_INIT;

	if (l->like.kin == HL_KIN_STRANGER)
		hl_buf_printf(&b,
		    "the store that is there is another one, not an earlier or "
		    "later state of the copy");
	else if (l->like.kin == HL_KIN_NEWER)
		hl_buf_printf(
		    &b, "the copy is older than the store that is there: ");
	else if (l->like.kin == HL_KIN_FORK)
		hl_buf_printf(&b,
		    "the copy and the store that is there have gone different "
		    "ways after event %llu, so the copy has what is not there, "
		    "too: ",
		    (unsigned long long)l->like.common);
	if (l->events > 0)
		put_events(&b, l);
	if (b.n > 0)
		hl_print_note(cli, hl_buf_str(&b));
	hl_buf_free(&b);
	tell_licenses(cli, l);
}

json_t *
hl_json_lack(const hl_lack *l)
{
	if (l->licenses == NULL)
		return json_null();
	return json_pack("{s:s, s:I, s:o, s:o, s:I, s:O, s:O}", "kin",
	    hl_kin_name(l->like.kin), "events", (json_int_t)l->events, "from",
	    hl_json_time(l->from), "to", hl_json_time(l->to), "requests",
	    (json_int_t)l->issues, "chips", l->chips, "licenses", l->licenses);
}
