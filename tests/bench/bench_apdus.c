/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-apdus READER CERTIFICATE [RUNS]
 *
 * The least that any program must do for a license of an Open License Card:
 * connect, and in one transaction SELECT, GET INFO, ISSUE LICENSE, GET INFO.
 * Nothing is recorded: a crash here loses the unit. Each run spends one. With
 * RUNS it connects once and prints a line of samples_print() for the
 * transactions.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pcsc_client.h"
#include "samples.h"

enum { CERT_LEN = 136, ID_LEN = 16, ANSWER_MAX = 4096, RUNS_MAX = 1000000 };

struct apdus {
	SCARDHANDLE card;
	const SCARD_IO_REQUEST *pci;
	BYTE cert[CERT_LEN];
	BYTE answer[ANSWER_MAX + 258];
	size_t n;
};

static void
give_up(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench-apdus: %s: %s\n", what, why);
	exit(1);
}

static unsigned
transmit(struct apdus *a, const BYTE *command, size_t n)
{
	SCARD_IO_REQUEST received = *a->pci;
	DWORD len = sizeof(a->answer) - a->n;
	BYTE *at = a->answer + a->n;

	client_check("SCardTransmit",
	    SCardTransmit(
		a->card, a->pci, command, (DWORD)n, &received, at, &len));
	if (len < 2)
		give_up("answer", "no status word");
	a->n += (size_t)len - 2;
	return (unsigned)at[len - 2] << 8 | at[len - 1];
}

/* One command to its end; what is not 9000 ends the program. */
static void
command(struct apdus *a, const char *name, const BYTE *bytes, size_t n)
{
	BYTE more[5] = { 0x00, 0xC0, 0x00, 0x00, 0x00 };
	char text[32];
	unsigned sw;

	a->n = 0;
	sw = transmit(a, bytes, n);
	while (sw >> 8 == 0x61 && a->n < ANSWER_MAX) {
		more[4] = (BYTE)(sw & 0xff);
		sw = transmit(a, more, sizeof(more));
	}
	if (sw == 0x9000)
		return;
	(void)snprintf(text, sizeof(text), "status word %04X", sw);
	give_up(name, text);
}

static void
issue(struct apdus *a)
{
	static const BYTE head[] = { 0x80, 0x2A, 0x00, 0x00, 0xA0, 0xE1, 0x81,
		0x9D, 0xC9, 0x81, 0x88 };
	BYTE apdu[sizeof(head) + CERT_LEN + 2 + ID_LEN + 1];
	BYTE *at = apdu;

	memcpy(at, head, sizeof(head));
	at += sizeof(head);
	memcpy(at, a->cert, CERT_LEN);
	at += CERT_LEN;
	*at++ = 0xCA;
	*at++ = ID_LEN;
	if (getentropy(at, ID_LEN) != 0)
		give_up("request ID", "no random bytes");
	at[ID_LEN] = 0x00; /* Le */
	command(a, "ISSUE LICENSE", apdu, sizeof(apdu));
	if (a->n < CERT_LEN)
		give_up("ISSUE LICENSE", "the answer has no license");
}

static void
run_transaction(struct apdus *a)
{
	static const BYTE select[] = { 0x00, 0xA4, 0x04, 0x00, 0x08, 0xF0, 0x48,
		0x53, 0x4D, 0x4C, 0x49, 0x43, 0x01, 0x00 };
	static const BYTE info[] = { 0x80, 0xCA, 0x00, 0x00, 0x00 };

	client_check("SCardBeginTransaction", SCardBeginTransaction(a->card));
	command(a, "SELECT", select, sizeof(select));
	command(a, "GET INFO", info, sizeof(info));
	issue(a);
	command(a, "GET INFO", info, sizeof(info));
	client_check("SCardEndTransaction",
	    SCardEndTransaction(a->card, SCARD_LEAVE_CARD));
}

static void
read_cert(struct apdus *a, const char *path)
{
	FILE *f = fopen(path, "rbe");

	if (f == NULL || fread(a->cert, 1, CERT_LEN, f) != CERT_LEN ||
	    fgetc(f) != EOF)
		give_up(path, "it is not a certificate of 136 bytes");
	(void)fclose(f);
}

static void
run_and_print(struct apdus *a, size_t runs)
{
	samples s = samples_new("bare APDUs, connected already", runs);

	for (size_t i = 0; i < runs; i++) {
		const double before = samples_now();

		run_transaction(a);
		samples_add(&s, samples_now() - before);
	}
	samples_print(&s, NULL);
	samples_free(&s);
}

int
main(int argc, char **argv)
{
	static struct apdus a;
	char name[NAME_MAX_LEN];
	SCARDCONTEXT ctx;
	DWORD protocol;

	if (argc != 3 && argc != 4) {
		(void)fputs(
		    "usage: bench-apdus READER CERTIFICATE [RUNS]\n", stderr);
		return 2;
	}
	read_cert(&a, argv[2]);
	ctx = client_context(300);
	if (!client_find_reader(ctx, argv[1], 0, name))
		give_up(argv[1], "no such reader");
	client_check("SCardConnect",
	    SCardConnect(ctx, name, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1,
		&a.card, &protocol));
	a.pci = SCARD_PCI_T1;
	if (argc == 4)
		run_and_print(&a, samples_count(argv[3], RUNS_MAX));
	else
		run_transaction(&a);
	(void)SCardDisconnect(a.card, SCARD_LEAVE_CARD);
	(void)SCardReleaseContext(ctx);
	return 0;
}
