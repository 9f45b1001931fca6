/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the crypto layer only: how a failure of OpenSSL is told. */
#ifndef HL_CRYPTO_OSSL_H
#define HL_CRYPTO_OSSL_H

#include "util/err.h"

/*
 * HL_ENOMEM with OpenSSL's own reason; `what` as in hl_fail(). Empties the
 * thread's error queue.
 */
hl_rc hl_ossl_fail(hl_err *err, const char *what);

#endif
