/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of the conformance suite; each returns the number of failures. */
#ifndef TEST_STORE_CONFORM_H
#define TEST_STORE_CONFORM_H

#include "store/fixture.h"

/* What a test leaves behind must pass an audit. */
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown_audited)

int conform_chips(void);
int conform_cards(void);
int conform_intents(void);
int conform_outcomes(void);
int conform_licenses(void);
int conform_installs(void);
int conform_slots(void);
int conform_figures(void);
int conform_balances(void);
int conform_races(void);
int conform_merges(void);

/* All of them, on stores of this factory. */
int conform_run(const url_factory *f);

#endif
