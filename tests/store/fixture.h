/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every test of a store starts from: an empty store of its own, and short
 * ways to fill it. Speaks to store.h alone.
 */
#ifndef TEST_STORE_FIXTURE_H
#define TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"

/* Where stores come from. `make` writes the URL of one that is not there. */
typedef struct url_factory {
	void (*make)(char *url, size_t size);
	void (*drop)(const char *url);
} url_factory;

extern const url_factory *factory;

typedef struct fixture {
	char url[256];
	hl_store *s;
	hl_actor actor;
	hl_err err;
} fixture;

int fx_setup(void **state);
int fx_teardown(void **state);
/* Audits the store before; a finding is a failure. */
int fx_teardown_audited(void **state);

/* Stops the test with the error's words when rc is another one. */
#define EXPECT(f, want, call)                                                  \
	fx_expect(f, want, call, #call, __FILE__, __LINE__)
#define OK(f, call) EXPECT(f, HL_OK, call)
void fx_expect(fixture *f, hl_rc want, hl_rc is, const char *call,
    const char *file, int line);

void fx_actor(hl_actor *a, const char *station);
hl_uuid fx_uuid(void);
hl_uid fx_uid(unsigned n); /* the same n gives the same one */
hl_cert fx_cert(unsigned n);
hl_chip fx_chip(fixture *f, unsigned n); /* certificate n and UID n */
/* A firmware and its card, names by n. */
hl_card_row fx_card(fixture *f, unsigned n, uint32_t counter);
/* Another card of a firmware. */
hl_card_row
fx_card_of(fixture *f, const hl_uuid *firmware, unsigned n, uint32_t counter);
hl_card_row fx_card_now(fixture *f, const hl_card_row *c);
hl_issue
fx_issue(const hl_chip *chip, const hl_card_row *card, uint32_t counter);
/* Opens one that must be HL_INTENT_OPENED. */
hl_issue fx_open(
    fixture *f, const hl_chip *chip, const hl_card_row *card, uint32_t counter);
/* An outcome with license bytes made from n where the state has some. */
hl_outcome fx_outcome(fixture *f, const hl_issue *i, hl_issue_state state,
    uint32_t counter_after, unsigned n);
/* One of this chip with a programmer and an image, and no license. */
hl_install
fx_install(fixture *f, const hl_chip *chip, hl_install_outcome outcome);
const uint8_t *fx_license_bytes(unsigned n, size_t *len);
/* The same of hl_store_audit(), with points that the tree has to go through. */
uint64_t fx_audit(fixture *f, const hl_audit_point *points, size_t n,
    char *text, size_t size, hl_audit_result *out);
/* No finding, and the counters of the card add up. */
void fx_check_clean(fixture *f);
uint64_t fx_findings(fixture *f, char *text, size_t size);

#endif
