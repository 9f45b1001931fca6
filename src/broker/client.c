/* SPDX-License-Identifier: Apache-2.0 */
/* The public C API: a thin cover over store and broker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/broker.h"
#include "hsmlic/hsmlic.h"
#include "util/hex.h"

#define TIMEOUT_MS 60000

struct hl_client {
	hl_store *store;
	hl_broker *broker;
	hl_text operator_, station;
	hl_client_options options;
};

static hl_rc
wrong_size(const char *what, hl_err *err)
{
	return hl_fail(err, HL_EUSAGE, what,
	    "set the field size to sizeof its struct",
	    "the caller was built for another version of the library");
}

static void
pass_note(void *arg, const char *text)
{
	const hl_client *c = arg;

	if (c->options.note != NULL)
		c->options.note(c->options.arg, text);
}

static bool
pass_rescue(void *arg, const char *line)
{
	const hl_client *c = arg;

	if (c->options.rescue == NULL)
		return fprintf(stderr, "%s\n", line) > 0;
	c->options.rescue(c->options.arg, line);
	return true;
}

static hl_rc
copy_text(const char *name, const char *from, char *to, hl_err *err)
{
	const char *text = from == NULL ? "" : from;
	hl_rc rc = hl_text_check(name, text, true, err);

	if (rc == HL_OK)
		(void)hl_text_copy(to, HL_TEXT_MAX + 1, text);
	return rc;
}

static hl_rc
open_parts(hl_client *c, const hl_client_options *o, hl_err *err)
{
	const hl_store_options store = { .create = o->create };
	const hl_broker_options broker = { .rescue_dir = o->rescue_dir,
		.note = pass_note,
		.rescue = pass_rescue,
		.arg = c,
		.station = c->station };
	hl_rc rc;

	c->options = *o;
	if ((rc = copy_text("operator", o->operator_, c->operator_, err)) !=
		HL_OK ||
	    (rc = copy_text("station", o->station, c->station, err)) != HL_OK ||
	    (rc = hl_store_open(&c->store, o->store, &store, err)) != HL_OK)
		return rc;
	return hl_broker_new(&c->broker, c->store, &broker, err);
}

hl_rc
hl_client_open(hl_client **out, const hl_client_options *options, hl_err *err)
{
	hl_client *c;
	hl_rc rc;

	*out = NULL;
	if (options->size != sizeof(*options))
		return wrong_size("open the store", err);
	if (options->store == NULL)
		return hl_fail(err, HL_EUSAGE, "open the store",
		    "set the field store", "no store was named");
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return hl_nomem(err);
	if ((rc = open_parts(c, options, err)) != HL_OK) {
		hl_client_close(&c);
		return rc;
	}
	*out = c;
	return HL_OK;
}

void
hl_client_close(hl_client **client)
{
	if (*client == NULL)
		return;
	hl_broker_free(&(*client)->broker);
	hl_store_close(&(*client)->store);
	free(*client);
	*client = NULL;
}

/* ---- get ----------------------------------------------------------------- */

struct request {
	const hl_client_request *given;
	hl_cert cert;
	hl_uid uid;
	hl_actor actor;
	hl_get_result result;
};

static hl_rc
set_actor(const hl_client *c, const hl_client_request *given, hl_actor *a,
    hl_err *err)
{
	hl_rc rc;

	(void)hl_text_copy(a->operator_, sizeof(a->operator_), c->operator_);
	(void)hl_text_copy(a->station, sizeof(a->station), c->station);
	(void)hl_text_copy(a->use_class, sizeof(a->use_class),
	    given->test ? "test" : "production");
	if ((rc = copy_text("lot", given->lot, a->lot, err)) != HL_OK)
		return rc;
	return copy_text("note", given->note, a->note, err);
}

static hl_rc
read_request(const hl_client *c, struct request *r, hl_err *err)
{
	const hl_client_request *given = r->given;
	hl_rc rc = HL_OK;

	if (given->certificate == NULL && given->uid == NULL)
		return hl_fail(err, HL_EUSAGE, "get a license",
		    "set the field certificate or uid", "no chip was named");
	if (given->certificate != NULL)
		rc = hl_cert_parse(&r->cert, given->certificate,
		    given->certificate_size, false, err);
	if (rc == HL_OK && given->uid != NULL)
		rc = hl_uid_parse(given->uid, &r->uid, err);
	return rc == HL_OK ? set_actor(c, given, &r->actor, err) : rc;
}

static hl_rc
may_spend(void *arg, const hl_spend_plan *plan, hl_err *err)
{
	const struct request *r = arg;

	if (r->given->may_spend)
		return HL_OK;
	return hl_fail(err, HL_EDENIED, "get a license",
	    "set the field may_spend: a unit can never be put back",
	    "the store has none, and spending one of the %u units of card %s "
	    "was not allowed",
	    plan->card->counter,
	    plan->card->serial[0] != '\0' ? plan->card->serial
					  : plan->card_label);
}

static void
fill_license(const hl_get_result *r, hl_client_license *l)
{
	static const hl_client_source sources[] = {
		[HL_SOURCE_STORE] = HL_FROM_STORE,
		[HL_SOURCE_CARD] = HL_FROM_CARD,
		[HL_SOURCE_REPLAY] = HL_FROM_REPLAY,
		[HL_SOURCE_NONE] = HL_FROM_STORE,
	};

	memcpy(l->bytes, r->bytes, r->n);
	l->size = r->n;
	l->source = sources[r->source];
	l->units_spent = r->units_spent;
	if (r->chip.uid.n > 0)
		hl_uid_text(&r->chip.uid, l->uid);
	hl_hex_lower(l->license_sha256, r->license.sha256, HL_SHA256_LEN);
	if (r->chip.has_cert)
		hl_hex_lower(
		    l->certificate_sha256, r->chip.cert_sha256, HL_SHA256_LEN);
	(void)hl_text_copy(l->firmware, sizeof(l->firmware), r->firmware.name);
	if (r->has_card)
		(void)hl_text_copy(
		    l->card_serial, sizeof(l->card_serial), r->card.serial);
	if (r->has_issue) {
		hl_uuid_text(&r->issue.id, l->issue_id);
		l->counter_after = r->issue.counter_after;
	}
}

static hl_rc
get(hl_client *c, struct request *r, hl_err *err)
{
	const hl_client_request *g = r->given;
	const hl_get_request req = {
		.cert = g->certificate != NULL ? &r->cert : NULL,
		.uid = g->uid != NULL ? &r->uid : NULL,
		.firmware = g->firmware,
		.card = g->card,
		.cached = g->cached,
		.actor = &r->actor,
		.until = hl_deadline_in(
		    g->timeout_ms == 0 ? TIMEOUT_MS : g->timeout_ms),
		.may_spend = may_spend,
		.arg = r,
	};
	hl_rc rc = read_request(c, r, err);

	return rc == HL_OK ? hl_broker_get(c->broker, &req, &r->result, err)
			   : rc;
}

hl_rc
hl_client_get(hl_client *client, const hl_client_request *request,
    hl_client_license **out, hl_err *err)
{
	struct request *r;
	hl_client_license *l = NULL;
	hl_rc rc;

	*out = NULL;
	if (request->size != sizeof(*request))
		return wrong_size("get a license", err);
	/* All memory is there before a unit may go. */
	r = calloc(1, sizeof(*r));
	l = calloc(1, sizeof(*l));
	if (r == NULL || l == NULL) {
		rc = hl_nomem(err);
		goto out;
	}
	r->given = request;
	if ((rc = get(client, r, err)) == HL_OK) {
		fill_license(&r->result, l);
		*out = l;
		l = NULL; /* the caller's now */
	}
out:
	free(l);
	free(r);
	return rc;
}

void
hl_client_license_free(hl_client_license **license)
{
	if (*license == NULL)
		return;
	explicit_bzero(*license, sizeof(**license));
	free(*license);
	*license = NULL;
}

/* ---- recover ------------------------------------------------------------- */

static void
count_open(void *arg, const hl_recovered *r)
{
	unsigned *n = arg;

	*n += r->after.state == HL_ISSUE_OPEN;
}

hl_rc
hl_client_recover(hl_client *client, const char *card, uint32_t timeout_ms,
    unsigned *open, hl_err *err)
{
	hl_actor actor = { .use_class = "production" };
	const hl_recover_request req = { card, &actor,
		hl_deadline_in(timeout_ms == 0 ? TIMEOUT_MS : timeout_ms),
		count_open, open };

	*open = 0;
	(void)hl_text_copy(
	    actor.operator_, sizeof(actor.operator_), client->operator_);
	(void)hl_text_copy(
	    actor.station, sizeof(actor.station), client->station);
	return hl_broker_recover(client->broker, &req, err);
}

const char *
hl_client_version(void)
{
	return HSMLIC_VERSION;
}
