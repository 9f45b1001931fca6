/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HSMLIC_TEST_PCSC_CLIENT_H
#define HSMLIC_TEST_PCSC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <winscard.h>

enum { NAME_MAX_LEN = 128 };

/*
 * Ends the program by SIGALRM after so many seconds: no PC/SC call but
 * SCardGetStatusChange can be stopped in any other way.
 */
SCARDCONTEXT client_context(unsigned seconds);

/*
 * Waits until a reader whose name begins with `prefix` is listed and puts its
 * whole name into `name`. false: none within that time.
 */
bool client_find_reader(SCARDCONTEXT ctx, const char *prefix,
    unsigned timeout_ms, char name[NAME_MAX_LEN]);

/* Milliseconds of the monotonic clock. */
long long client_now_ms(void);

/* Says on stderr which call failed and exits 1, unless rv is a success. */
void client_check(const char *call, LONG rv);

#endif
