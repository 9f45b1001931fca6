/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes of hsmlic the program hsmlic-refused, whose PC/SC library is the fake
 * of tests/card: REFUSE_AT names the call that pcscd answers as it does when
 * polkit refuses; without it, nothing is refused.
 */
#include "card/fake_pcsc.h"

#include <string.h>

__attribute__((constructor)) static void
plan(void)
{
	const char *at = getenv("REFUSE_AT");

	fake_reset();
	if (at == NULL)
		return;
	if (strcmp(at, "SCardEstablishContext") == 0)
		fake_code(FAKE_ESTABLISH, SCARD_W_SECURITY_VIOLATION);
	if (strcmp(at, "SCardConnect") == 0)
		fake_code(FAKE_CONNECT, SCARD_W_SECURITY_VIOLATION);
}
