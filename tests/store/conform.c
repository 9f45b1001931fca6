/* SPDX-License-Identifier: Apache-2.0 */
#include "store/conform.h"

int
conform_run(const url_factory *f)
{
	int failed = 0;

	factory = f;
	failed += conform_chips();
	failed += conform_cards();
	failed += conform_intents();
	failed += conform_outcomes();
	failed += conform_licenses();
	failed += conform_installs();
	failed += conform_slots();
	failed += conform_figures();
	failed += conform_balances();
	failed += conform_races();
	failed += conform_merges();
	return failed;
}
