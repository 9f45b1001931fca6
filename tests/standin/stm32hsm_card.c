/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stm32hsm-card (--unix PATH | --vpcd HOST:PORT) [--atr HEX] [--apdus FILE]
 *
 * A STAND-IN, for tests, for the presence of an ST card in a reader: the answer
 * to reset of an STM32HSM-V2AE (public: pcsc-tools, smartcard_list.txt), and
 * nothing else. What the genuine card understands is not public, so this one
 * answers 6D00 to all, and writes each command to FILE, a line of hex for each,
 * by which a test can prove that the card was sent none. FILE is made at the
 * start. Its licenses come from elsewhere: see standin.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/serve.h"
#include "util/hex.h"

#define CONNECT_MS 10000
#define ATR_V2AE "3BFD9600008011FE7148534D5F5346495F32309000ED"

/* Messages of one byte are for the reader's contacts. */
#define GET_ATR 4

static const char usage[] =
    "usage: stm32hsm-card (--unix PATH | --vpcd HOST:PORT) [--atr HEX] "
    "[--apdus FILE]\n";

struct card {
	struct link link;
	const char *unix_path, *vpcd;
	uint8_t atr[HL_ATR_MAX];
	size_t atr_n;
	int apdus; /* -1: not written down */
};

static _Noreturn void
fail(const char *what, const char *why)
{
	fprintf(stderr, "stm32hsm-card: %s: %s\n", what, why);
	exit(1);
}

static _Noreturn void
bad(const char *why)
{
	fprintf(stderr, "stm32hsm-card: %s\n%s", why, usage);
	exit(2);
}

/* Written before the answer: what was answered has been written down. */
static void
write_down(const struct card *c, const hl_buf *apdu)
{
	hl_buf line = HL_BUF_INIT;
	char pair[3];

	if (c->apdus < 0)
		return;
	for (size_t i = 0; i < apdu->n; i++) {
		hl_hex_upper(pair, apdu->p + i, 1);
		hl_buf_put(&line, pair, 2);
	}
	hl_buf_u8(&line, '\n');
	if (line.failed || write(c->apdus, line.p, line.n) != (ssize_t)line.n)
		fail("--apdus", strerror(errno));
	hl_buf_free(&line);
}

static enum link_result
answer(struct card *c, const hl_buf *msg)
{
	if (msg->n == 1 && msg->p[0] == GET_ATR)
		return link_send(&c->link, c->atr, c->atr_n);
	if (msg->n <= 1)
		return LINK_OK;
	write_down(c, msg);
	return link_send(&c->link, "\x6D\x00", 2);
}

/* Until the reader goes, which may come back, or SIGTERM. */
static enum link_result
session(struct card *c)
{
	enum link_result res = LINK_OK;
	hl_buf msg = HL_BUF_INIT;

	while (res == LINK_OK) {
		res = link_receive(&c->link, &msg);
		if (res == LINK_OK)
			res = answer(c, &msg);
	}
	hl_buf_free(&msg);
	link_disconnect(&c->link);
	return res;
}

static void
serve(struct card *c)
{
	hl_err err = { 0 };
	bool stop = false;

	if (link_init(&c->link, c->unix_path, c->vpcd, &err) != HL_OK)
		fail(err.what, err.why);
	do {
		if (link_connect(&c->link, CONNECT_MS, &stop, &err) != HL_OK)
			fail(err.what, err.why);
	} while (!stop && session(c) != LINK_STOP);
	link_free(&c->link);
}

static void
set_atr(struct card *c, const char *hex)
{
	if (!hl_hex_decode(
		hex, strlen(hex), c->atr, sizeof(c->atr), &c->atr_n) ||
	    c->atr_n == 0)
		bad("--atr is not 1 to 33 bytes in hex");
}

static void
option(struct card *c, int letter)
{
	switch (letter) {
	case 'u':
		c->unix_path = optarg;
		break;
	case 'v':
		c->vpcd = optarg;
		break;
	case 'a':
		set_atr(c, optarg);
		break;
	case 'f':
		c->apdus = open(
		    optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (c->apdus < 0)
			fail(optarg, strerror(errno));
		break;
	default:
		bad("there is no such option, or its value is missing");
	}
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "unix", required_argument, NULL, 'u' },
		{ "vpcd", required_argument, NULL, 'v' },
		{ "atr", required_argument, NULL, 'a' },
		{ "apdus", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	struct card c = { .apdus = -1 };
	int letter;

	set_atr(&c, ATR_V2AE);
	opterr = 0;
	while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1)
		option(&c, letter);
	if (optind != argc || (c.unix_path != NULL) == (c.vpcd != NULL))
		bad("give one of --unix and --vpcd");
	serve(&c);
	if (c.apdus >= 0)
		(void)close(c.apdus);
	return 0;
}
