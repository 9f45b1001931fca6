/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ossl.h"

#include <openssl/err.h>

hl_rc
hl_ossl_fail(hl_err *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return hl_fail(err, HL_ENOMEM, what,
	    "free some memory; check that OpenSSL 3 is installed whole",
	    "OpenSSL failed: %s", reason != NULL ? reason : "no reason given");
}
