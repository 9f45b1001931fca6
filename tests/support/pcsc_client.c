/* SPDX-License-Identifier: Apache-2.0 */
#include "pcsc_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void
client_check(const char *call, LONG rv)
{
	if (rv == SCARD_S_SUCCESS)
		return;
	fprintf(stderr, "%s: %08lX %s\n", call, (unsigned long)rv & 0xffffffff,
	    pcsc_stringify_error(rv));
	exit(1);
}

SCARDCONTEXT
client_context(unsigned seconds)
{
	SCARDCONTEXT ctx;

	(void)alarm(seconds);
	client_check("SCardEstablishContext",
	    SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &ctx));
	return ctx;
}

long long
client_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool
list_has(SCARDCONTEXT ctx, const char *prefix, char name[NAME_MAX_LEN])
{
	char list[4096];
	DWORD len = sizeof(list);

	if (SCardListReaders(ctx, NULL, list, &len) != SCARD_S_SUCCESS)
		return false;
	for (const char *at = list; *at != '\0'; at += strlen(at) + 1) {
		if (strncmp(at, prefix, strlen(prefix)) == 0 &&
		    strlen(at) < NAME_MAX_LEN) {
			memcpy(name, at, strlen(at) + 1);
			return true;
		}
	}
	return false;
}

bool
client_find_reader(SCARDCONTEXT ctx, const char *prefix, unsigned timeout_ms,
    char name[NAME_MAX_LEN])
{
	const struct timespec pause = { .tv_nsec = 10 * 1000000L };
	const long long end = client_now_ms() + timeout_ms;

	while (!list_has(ctx, prefix, name)) {
		if (client_now_ms() >= end)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}
