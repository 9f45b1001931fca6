/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcsc-apdu [--pause MS] READER HEX...
 *
 * Sends each command APDU as it stands in one transaction and prints each
 * response: no 61xx or 6Cxx is followed. With --pause it waits after the
 * first. Exit 1: the call that failed is on stderr.
 */
#include "pcsc_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { APDU_MAX = 65548 }; /* what pcscd takes */

static DWORD
from_hex(const char *text, BYTE *to)
{
	size_t len = strlen(text);
	char pair[3] = { 0 };

	if (len % 2 != 0 || len / 2 > APDU_MAX ||
	    strspn(text, "0123456789abcdefABCDEF") != len) {
		fprintf(stderr, "pcsc-apdu: not hex: %.40s\n", text);
		exit(2);
	}
	for (size_t i = 0; i < len; i += 2) {
		memcpy(pair, text + i, 2);
		to[i / 2] = (BYTE)strtoul(pair, NULL, 16);
	}
	return len / 2;
}

static void
exchange(SCARDHANDLE card, const SCARD_IO_REQUEST *pci, const char *hex)
{
	static BYTE in[APDU_MAX], out[APDU_MAX];
	SCARD_IO_REQUEST received = *pci;
	DWORD len = sizeof(out), sent = from_hex(hex, in);

	client_check("SCardTransmit",
	    SCardTransmit(card, pci, in, sent, &received, out, &len));
	for (DWORD i = 0; i < len; i++)
		printf("%02X", out[i]);
	putchar('\n');
	(void)fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct timespec pause = { 0 };
	char name[NAME_MAX_LEN];
	SCARDHANDLE card;
	DWORD protocol;
	SCARDCONTEXT ctx;
	int arg = 1;

	if (argc > 2 && strcmp(argv[1], "--pause") == 0) {
		unsigned long ms = strtoul(argv[2], NULL, 10);

		pause.tv_sec = (time_t)(ms / 1000);
		pause.tv_nsec = (long)(ms % 1000) * 1000000L;
		arg = 3;
	}
	if (argc - arg < 2) {
		fputs("usage: pcsc-apdu [--pause MS] READER HEX...\n", stderr);
		return 2;
	}
	ctx = client_context(60);
	if (!client_find_reader(ctx, argv[arg], 0, name)) {
		fprintf(stderr, "pcsc-apdu: no reader \"%s\"\n", argv[arg]);
		return 1;
	}
	client_check("SCardConnect",
	    SCardConnect(ctx, name, SCARD_SHARE_SHARED,
		SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol));
	client_check("SCardBeginTransaction", SCardBeginTransaction(card));
	while (++arg < argc) {
		exchange(card,
		    protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1,
		    argv[arg]);
		if (pause.tv_sec != 0 || pause.tv_nsec != 0)
			(void)nanosleep(&pause, NULL);
		pause = (struct timespec){ 0 };
	}
	(void)SCardEndTransaction(card, SCARD_LEAVE_CARD);
	(void)SCardDisconnect(card, SCARD_LEAVE_CARD);
	(void)SCardReleaseContext(ctx);
	return 0;
}
