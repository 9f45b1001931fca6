/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fixture.h"

#include <stdio.h>
#include <stdlib.h>

const url_factory *factory;

void
fx_expect(fixture *f, hl_rc want, hl_rc is, const char *call, const char *file,
    int line)
{
	if (is == want)
		return;
	print_error(
	    "%s\n  gives %s, not %s\n", call, hl_rc_name(is), hl_rc_name(want));
	print_error(
	    "  %s: %s\n  hint: %s\n", f->err.what, f->err.why, f->err.hint);
	_fail(file, line);
}

int
fx_setup(void **state)
{
	const hl_store_options opt = { .create = true };
	fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	factory->make(f->url, sizeof(f->url));
	fx_actor(&f->actor, "station-1");
	*state = f;
	return hl_store_open(&f->s, f->url, &opt, &f->err) == HL_OK ? 0 : -1;
}

int
fx_teardown(void **state)
{
	fixture *f = *state;

	hl_store_close(&f->s);
	factory->drop(f->url);
	free(f);
	return 0;
}

void
fx_actor(hl_actor *a, const char *station)
{
	memset(a, 0, sizeof(*a));
	hl_text_copy(a->station, sizeof(a->station), station);
	hl_text_copy(a->operator_, sizeof(a->operator_), "Zo\xc3\xab");
	hl_text_copy(a->lot, sizeof(a->lot), "lot 7");
	hl_text_copy(a->note, sizeof(a->note), "first try");
	hl_text_copy(a->use_class, sizeof(a->use_class), "production");
}

hl_uuid
fx_uuid(void)
{
	hl_uuid u;

	assert_int_equal(hl_uuid_new(&u, NULL), HL_OK);
	return u;
}

hl_uid
fx_uid(unsigned n)
{
	hl_uid u = { .n = HL_UID_STM32 };

	for (size_t i = 0; i < u.n; i++)
		u.b[i] = (uint8_t)(0x30 + i);
	u.b[0] = (uint8_t)n;
	u.b[1] = (uint8_t)(n >> 8);
	return u;
}

hl_cert
fx_cert(unsigned n)
{
	uint8_t b[HL_CERT_STM32];
	hl_cert cert;

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 7 + n);
	b[0] = (uint8_t)(n >> 8);
	assert_int_equal(hl_cert_parse(&cert, b, sizeof(b), true, NULL), HL_OK);
	return cert;
}

hl_chip
fx_chip(fixture *f, unsigned n)
{
	const hl_cert cert = fx_cert(n);
	const hl_uid uid = fx_uid(n);
	hl_chip chip;

	OK(f, hl_store_chip_put(f->s, &cert, &uid, &f->actor, &chip, &f->err));
	return chip;
}

static hl_card_row
card_row(unsigned n, uint32_t counter)
{
	hl_card_row c;

	memset(&c, 0, sizeof(c));
	c.id = fx_uuid();
	snprintf(c.label, sizeof(c.label), "card %u", n);
	snprintf(c.serial, sizeof(c.serial), "8949%08u", n);
	strcpy(c.driver, "olc");
	strcpy(c.reader, "reader A");
	strcpy(c.state, "OPERATIONAL_STATE");
	c.atr[0] = 0x3b;
	c.atr[1] = 0x80;
	c.atr_n = 2;
	c.capacity = counter;
	c.first_counter = counter;
	c.replay = true;
	return c;
}

hl_card_row
fx_card(fixture *f, unsigned n, uint32_t counter)
{
	hl_card_row c = card_row(n, counter);
	hl_firmware fw;

	memset(&fw, 0, sizeof(fw));
	fw.id = fx_uuid();
	snprintf(fw.name, sizeof(fw.name), "firmware %u", n);
	strcpy(fw.identifier, "BLINKY");
	strcpy(fw.type, "SFI");
	c.firmware = fw.id;
	OK(f, hl_store_card_add(f->s, &c, &fw, &f->actor, &f->err));
	return fx_card_now(f, &c);
}

hl_card_row
fx_card_of(fixture *f, const hl_uuid *firmware, unsigned n, uint32_t counter)
{
	hl_card_row c = card_row(n, counter);

	c.firmware = *firmware;
	OK(f, hl_store_card_add(f->s, &c, NULL, &f->actor, &f->err));
	return fx_card_now(f, &c);
}

hl_card_row
fx_card_now(fixture *f, const hl_card_row *c)
{
	hl_card_row now;

	OK(f, hl_store_card_by_id(f->s, &c->id, &now, &f->err));
	return now;
}

hl_issue
fx_issue(const hl_chip *chip, const hl_card_row *card, uint32_t counter)
{
	hl_issue i;

	memset(&i, 0, sizeof(i));
	i.id = fx_uuid();
	i.owner = fx_uuid();
	i.chip = chip->id;
	i.firmware = card->firmware;
	i.card = card->id;
	i.counter_before = counter;
	fx_actor(&i.actor, "station-1");
	return i;
}

hl_issue
fx_open(
    fixture *f, const hl_chip *chip, const hl_card_row *card, uint32_t counter)
{
	const hl_issue in = fx_issue(chip, card, counter);
	hl_intent_result r;
	hl_issue out;

	OK(f,
	    hl_store_intent_open(
		f->s, &in, "OPERATIONAL_STATE", "reader A", &r, &f->err));
	assert_int_equal(r.verdict, HL_INTENT_OPENED);
	OK(f, hl_store_issue_by_id(f->s, &in.id, &out, &f->err));
	return out;
}

const uint8_t *
fx_license_bytes(unsigned n, size_t *len)
{
	static uint8_t b[136];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i ^ (n * 31));
	*len = sizeof(b);
	return b;
}

hl_outcome
fx_outcome(fixture *f, const hl_issue *i, hl_issue_state state,
    uint32_t counter_after, unsigned n)
{
	hl_outcome o;

	memset(&o, 0, sizeof(o));
	o.issue = i->id;
	o.state = state;
	o.counter_known = true;
	o.counter_after = counter_after;
	o.actor = f->actor;
	if (state == HL_ISSUE_ISSUED || state == HL_ISSUE_BAD)
		o.license = fx_license_bytes(n, &o.license_n);
	return o;
}

hl_install
fx_install(fixture *f, const hl_chip *chip, hl_install_outcome outcome)
{
	hl_install i;

	memset(&i, 0, sizeof(i));
	i.id = fx_uuid();
	i.chip = chip->id;
	i.duration_ms = 12345;
	strcpy(i.programmer, "stm32prog");
	strcpy(i.image, "blinky.sfi");
	i.has_image_sha256 = true;
	memset(i.image_sha256, 0xa5, sizeof(i.image_sha256));
	i.outcome = outcome;
	i.exit_status = outcome == HL_INSTALL_DONE ? 0 : 1;
	strcpy(i.detail, "what was seen");
	i.actor = f->actor;
	return i;
}

typedef struct findings {
	char *text;
	size_t size;
} findings;

static void
found(void *arg, const char *text)
{
	const findings *w = arg;
	const size_t n = strlen(w->text);

	snprintf(w->text + n, w->size - n, "%s\n", text);
}

uint64_t
fx_audit(fixture *f, const hl_audit_point *points, size_t n, char *text,
    size_t size, hl_audit_result *out)
{
	findings w = { text, size };
	hl_audit_result r;

	text[0] = '\0';
	OK(f, hl_store_audit(f->s, points, n, found, NULL, &w, &r, &f->err));
	if (out != NULL)
		*out = r;
	return r.findings;
}

int
fx_teardown_audited(void **state)
{
	fixture *f = *state;
	char text[4096] = "";
	findings w = { text, sizeof(text) };
	hl_audit_result r = { .findings = 1 };
	hl_rc rc = HL_OK;

	if (f->s == NULL)
		rc = hl_store_open(&f->s, f->url, NULL, &f->err);
	if (rc == HL_OK)
		rc =
		    hl_store_audit(f->s, NULL, 0, found, NULL, &w, &r, &f->err);
	if (rc != HL_OK)
		print_error("audit: %s: %s\n", f->err.what, f->err.why);
	else if (r.findings > 0)
		print_error("audit: %s", text);
	fx_teardown(state);
	return r.findings == 0 ? 0 : -1;
}

uint64_t
fx_findings(fixture *f, char *text, size_t size)
{
	findings w = { text, size };
	uint64_t n = 99;

	text[0] = '\0';
	OK(f, hl_store_check(f->s, found, &w, &n, &f->err));
	return n;
}

void
fx_check_clean(fixture *f)
{
	char text[2048];

	fx_findings(f, text, sizeof(text));
	assert_string_equal(text, "");
}
