/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcsc-wait READER [listed|present|empty] [SECONDS]
 *
 * Waits until a reader whose name begins with READER is there, and holds a
 * card or none, and prints its whole name. Exit 1: not within that time.
 * `present` means powered up with an ATR, so that a connect succeeds.
 */
#include "pcsc_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
reached(const char *goal, DWORD state)
{
	if (strcmp(goal, "empty") == 0)
		return (state & SCARD_STATE_EMPTY) != 0;
	return (state & SCARD_STATE_PRESENT) != 0 &&
	    (state & SCARD_STATE_MUTE) == 0;
}

static bool
wait_for(SCARDCONTEXT ctx, const char *reader, const char *goal, long long end)
{
	SCARD_READERSTATE state = { .szReader = reader,
		.dwCurrentState = SCARD_STATE_UNAWARE };
	long long left;
	LONG rv;

	for (;;) {
		left = end - client_now_ms();
		rv = SCardGetStatusChange(
		    ctx, left > 0 ? (DWORD)left : 0, &state, 1);
		if (rv == SCARD_E_TIMEOUT)
			return false;
		client_check("SCardGetStatusChange", rv);
		if (reached(goal, state.dwEventState))
			return true;
		if (left <= 0)
			return false;
		state.dwCurrentState = state.dwEventState;
	}
}

int
main(int argc, char **argv)
{
	const char *goal = argc > 2 ? argv[2] : "present";
	unsigned long seconds = argc > 3 ? strtoul(argv[3], NULL, 10) : 10;
	char name[NAME_MAX_LEN];
	SCARDCONTEXT ctx;
	long long end;

	if (argc < 2 || argc > 4 || seconds > 3600 ||
	    (strcmp(goal, "listed") != 0 && strcmp(goal, "present") != 0 &&
		strcmp(goal, "empty") != 0)) {
		fputs("usage: pcsc-wait READER [listed|present|empty] "
		      "[SECONDS]\n",
		    stderr);
		return 2;
	}
	end = client_now_ms() + (long long)seconds * 1000;
	ctx = client_context((unsigned)seconds + 5);
	if (!client_find_reader(ctx, argv[1], (unsigned)seconds * 1000, name)) {
		fprintf(stderr, "pcsc-wait: no reader \"%s\"\n", argv[1]);
		return 1;
	}
	if (strcmp(goal, "listed") != 0 && !wait_for(ctx, name, goal, end)) {
		fprintf(stderr, "pcsc-wait: \"%s\" is not %s\n", name, goal);
		return 1;
	}
	puts(name);
	(void)SCardReleaseContext(ctx);
	return 0;
}
