/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/event.h"

#include <string.h>

#include "ledger/jcs.h"
#include "util/clock.h"

#define FIELDS 7

static const char what_write[] = "write an event of the ledger";
static const char what_read[] = "read an event of the ledger";

static const char *const kinds[] = { "store.created", "store.restored",
	"store.upgraded", "store.merged", "chip.seen", "chip.joined",
	"chip.labelled", "firmware.added", "card.added", "card.seen",
	"card.labelled", "card.retired", "issue.intent", "issue.outcome",
	"license.imported", "license.used", "license.retired",
	"license.exported", "license.suspect", "license.trusted",
	"program.outcome", "lot.opened", "lot.closed", "reconcile.result",
	"variance.signed", "clock.back", "config.changed", "checkpoint.made" };

bool
hl_event_kind_known(const char *kind)
{
	for (size_t i = 0; i < HL_COUNT(kinds); i++) {
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	}
	return false;
}

const char *
hl_event_kind(size_t i)
{
	return i < HL_COUNT(kinds) ? kinds[i] : NULL;
}

/* ---- writing ------------------------------------------------------------- */

/* Of a body: nothing that holds other values, no broken number. */
static const char *
why_not_flat(const json_t *body)
{
	json_t *o = (json_t *)(uintptr_t)body; /* jansson's macro, no change */
	const char *key;
	json_t *v;

	if (!json_is_object(body))
		return "its body is no object";
	json_object_foreach(o, key, v)
	{
		if (json_is_object(v) || json_is_array(v))
			return "its body is not flat";
		if (json_is_real(v))
			return "its body has a number that is no integer";
	}
	return NULL;
}

static hl_rc
check(const hl_event *e, const char *what, hl_err *err)
{
	const char *why = why_not_flat(e->body);

	if (why == NULL && e->seq > (uint64_t)HL_JCS_INT_MAX)
		why = "its number is 2^53 or more";
	if (why == NULL && (e->at < 0 || e->at > HL_JCS_INT_MAX))
		why = "its time cannot be";
	if (why == NULL && !hl_event_kind_known(e->kind))
		why = "its kind is not known";
	if (why == NULL &&
	    (!hl_text_valid(e->station, strlen(e->station)) ||
		!hl_text_valid(e->operator_, strlen(e->operator_))))
		why = "its station or operator is no text";
	return why == NULL ? HL_OK
			   : hl_fail(err, HL_EINPUT, what, "", "%s", why);
}

static json_t *
to_json(const hl_event *e)
{
	char at[HL_TIME_TEXT];

	hl_time_text(e->at, at);
	return json_pack("{s:i, s:I, s:s, s:s, s:s, s:s, s:O}", "v",
	    HL_EVENT_VERSION, "seq", (json_int_t)e->seq, "at", at, "kind",
	    e->kind, "station", e->station, "operator", e->operator_, "body",
	    e->body);
}

hl_rc
hl_event_put(hl_buf *out, const hl_event *e, hl_err *err)
{
	const size_t before = out->n;
	json_t *v;
	hl_rc rc;

	if ((rc = check(e, what_write, err)) != HL_OK)
		return rc;
	v = to_json(e);
	rc = hl_jcs_put(out, v, err);
	json_decref(v);
	if (rc == HL_OK && out->n - before > HL_EVENT_MAX) {
		return hl_fail(err, HL_EINPUT, what_write, "",
		    "it has %zu bytes, more than %d", out->n - before,
		    HL_EVENT_MAX);
	}
	return rc;
}

/* ---- reading ------------------------------------------------------------- */

static hl_rc
fail_read(hl_err *err, const char *why)
{
	return hl_fail(err, HL_EINPUT, what_read, "", "%s", why);
}

static bool
get_text(const json_t *v, const char *key, char *dst, size_t size)
{
	const json_t *t = json_object_get(v, key);

	return json_is_string(t) &&
	    strlen(json_string_value(t)) == json_string_length(t) &&
	    hl_text_copy(dst, size, json_string_value(t));
}

static bool
get_fields(const json_t *v, hl_event *e)
{
	const json_t *seq = json_object_get(v, "seq");
	const json_t *version = json_object_get(v, "v");
	char at[HL_TIME_TEXT];

	if (json_object_size(v) != FIELDS || !json_is_integer(version) ||
	    json_integer_value(version) != HL_EVENT_VERSION ||
	    !json_is_integer(seq) || json_integer_value(seq) < 0 ||
	    !get_text(v, "at", at, sizeof(at)) || !hl_time_parse(at, &e->at) ||
	    !get_text(v, "kind", e->kind, sizeof(e->kind)) ||
	    !get_text(v, "station", e->station, sizeof(e->station)) ||
	    !get_text(v, "operator", e->operator_, sizeof(e->operator_)))
		return false;
	e->seq = (uint64_t)json_integer_value(seq);
	e->body = json_object_get(v, "body");
	return e->body != NULL;
}

/* Two spellings of one value would be two leaves for it. */
static hl_rc
check_bytes(const void *p, size_t n, const hl_event *e, hl_err *err)
{
	hl_buf again = HL_BUF_INIT;
	hl_rc rc;

	rc = hl_event_put(&again, e, err);
	if (rc == HL_OK && (again.n != n || memcmp(again.p, p, n) != 0))
		rc = fail_read(err, "it is not in canonical form (RFC 8785)");
	hl_buf_free(&again);
	return rc;
}

hl_rc
hl_event_parse(const void *p, size_t n, hl_event *out, hl_err *err)
{
	hl_event e = { .seq = 0 };
	json_error_t why;
	json_t *v;
	hl_rc rc;

	if (n > HL_EVENT_MAX)
		return fail_read(err, "it is too long");
	v = json_loadb(p, n, JSON_REJECT_DUPLICATES, &why);
	if (v == NULL) {
		return hl_fail(err, HL_EINPUT, what_read, "",
		    "it is no JSON: %s", why.text);
	}
	if (!get_fields(v, &e))
		rc = fail_read(
		    err, "a field is missing, or is not as it must be");
	else if ((rc = check(&e, what_read, err)) == HL_OK)
		rc = check_bytes(p, n, &e, err);
	if (rc == HL_OK) {
		json_incref(e.body);
		*out = e;
	}
	json_decref(v);
	return rc;
}

void
hl_event_free(hl_event *e)
{
	json_decref(e->body);
	e->body = NULL;
}

const char *
hl_event_text(const hl_event *e, const char *key)
{
	return json_string_value(json_object_get(e->body, key));
}

bool
hl_event_int(const hl_event *e, const char *key, int64_t *v)
{
	const json_t *i = json_object_get(e->body, key);

	if (!json_is_integer(i))
		return false;
	*v = json_integer_value(i);
	return true;
}
