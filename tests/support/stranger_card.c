/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stranger-card (--unix PATH | --vpcd HOST:PORT) [OPTIONS]
 *
 * Serves the card of stranger.h in a virtual reader until the reader goes.
 */
#include "stranger.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const char usage[] =
    "usage: stranger-card (--unix PATH | --vpcd HOST:PORT) [OPTIONS]\n"
    "card:  --serial HEX --firmware ID --type TYPE --product HEX8\n"
    "       --capacity N --license-size N --state FILE\n"
    "       --state-byte blank|operational|terminated\n"
    "       --history TEXT (historical bytes of the ATR)\n"
    "habit: --t0 --t1-only --no-replay --no-extended --always-61\n"
    "       --always-6c --long-lengths --unknown-tags\n"
    "fault: --wrong-id N --no-sw N --too-long N --stuck N --jump N\n"
    "       (at the Nth ISSUE)\n"
    "also:  --trace (APDUs to stderr)\n";

static void
bad(const char *option, const char *value)
{
	fprintf(
	    stderr, "stranger-card: --%s: bad value \"%s\"\n", option, value);
	exit(2);
}

static uint32_t
number(const char *option, const char *text, uint32_t max)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || v > max)
		bad(option, text);
	return (uint32_t)v;
}

static void
text(const char *option, const char *value, char *to, size_t min, size_t max)
{
	size_t len = strlen(value);

	if (len < min || len > max)
		bad(option, value);
	memcpy(to, value, len + 1);
}

static void
hex(const char *option, const char *value, struct memory *m)
{
	char pair[3] = { 0 };
	size_t len = strlen(value);

	if (len % 2 != 0 || len < 16 || len > 32 ||
	    strspn(value, "0123456789abcdefABCDEF") != len)
		bad(option, value);
	for (size_t i = 0; i < len; i += 2) {
		memcpy(pair, value + i, 2);
		m->serial[i / 2] = (uint8_t)strtoul(pair, NULL, 16);
	}
	m->serial_len = len / 2;
}

static void
life(const char *option, const char *value, struct memory *m)
{
	if (strcmp(value, "blank") == 0)
		m->life = BLANK;
	else if (strcmp(value, "operational") == 0)
		m->life = OPERATIONAL;
	else if (strcmp(value, "terminated") == 0)
		m->life = TERMINATED;
	else
		bad(option, value);
}

struct options {
	struct card *card;
	const char *unix_path, *vpcd;
	bool trace;
};

enum {
	O_UNIX = 1,
	O_VPCD,
	O_SERIAL,
	O_FIRMWARE,
	O_TYPE,
	O_PRODUCT,
	O_CAPACITY,
	O_LICENSE_SIZE,
	O_STATE,
	O_STATE_BYTE,
	O_HISTORY,
	O_T0,
	O_T1_ONLY,
	O_NO_REPLAY,
	O_NO_EXTENDED,
	O_ALWAYS_61,
	O_ALWAYS_6C,
	O_LONG_LENGTHS,
	O_UNKNOWN_TAGS,
	O_WRONG_ID,
	O_NO_SW,
	O_TOO_LONG,
	O_STUCK,
	O_JUMP,
	O_TRACE,
};

static const struct option table[] = {
	{ "unix", required_argument, NULL, O_UNIX },
	{ "vpcd", required_argument, NULL, O_VPCD },
	{ "serial", required_argument, NULL, O_SERIAL },
	{ "firmware", required_argument, NULL, O_FIRMWARE },
	{ "type", required_argument, NULL, O_TYPE },
	{ "product", required_argument, NULL, O_PRODUCT },
	{ "capacity", required_argument, NULL, O_CAPACITY },
	{ "license-size", required_argument, NULL, O_LICENSE_SIZE },
	{ "state", required_argument, NULL, O_STATE },
	{ "state-byte", required_argument, NULL, O_STATE_BYTE },
	{ "history", required_argument, NULL, O_HISTORY },
	{ "t0", no_argument, NULL, O_T0 },
	{ "t1-only", no_argument, NULL, O_T1_ONLY },
	{ "no-replay", no_argument, NULL, O_NO_REPLAY },
	{ "no-extended", no_argument, NULL, O_NO_EXTENDED },
	{ "always-61", no_argument, NULL, O_ALWAYS_61 },
	{ "always-6c", no_argument, NULL, O_ALWAYS_6C },
	{ "long-lengths", no_argument, NULL, O_LONG_LENGTHS },
	{ "unknown-tags", no_argument, NULL, O_UNKNOWN_TAGS },
	{ "wrong-id", required_argument, NULL, O_WRONG_ID },
	{ "no-sw", required_argument, NULL, O_NO_SW },
	{ "too-long", required_argument, NULL, O_TOO_LONG },
	{ "stuck", required_argument, NULL, O_STUCK },
	{ "jump", required_argument, NULL, O_JUMP },
	{ "trace", no_argument, NULL, O_TRACE },
	{ NULL, 0, NULL, 0 },
};

static bool /* what the card is; false: not one of these options */
set_identity(struct card *c, int which, const char *name, const char *value)
{
	struct memory *m = &c->mem;

	switch (which) {
	case O_SERIAL:
		hex(name, value, m);
		return true;
	case O_FIRMWARE:
		text(name, value, m->firmware, 1, sizeof(m->firmware) - 1);
		return true;
	case O_TYPE:
		text(name, value, m->type, 3, sizeof(m->type) - 1);
		return true;
	case O_PRODUCT:
		text(name, value, m->product, 8, 8);
		return true;
	case O_CAPACITY:
		m->counter = m->capacity = number(name, value, UINT32_MAX);
		return true;
	case O_LICENSE_SIZE:
		c->habits.license_size = number(name, value, LICENSE_MAX);
		if (c->habits.license_size == 0)
			bad(name, value);
		return true;
	case O_STATE:
		c->state_file = value;
		return true;
	case O_STATE_BYTE:
		life(name, value, m);
		return true;
	case O_HISTORY:
		text(name, value, c->history, 1, sizeof(c->history) - 1);
		return true;
	default:
		return false;
	}
}

static void
set_habit(struct habits *h, int which, const char *name, const char *value)
{
	bool *const flags[] = {
		[O_T0] = &h->t0,
		[O_T1_ONLY] = &h->t1_only,
		[O_NO_REPLAY] = &h->no_replay,
		[O_NO_EXTENDED] = &h->no_extended,
		[O_ALWAYS_61] = &h->always_61,
		[O_ALWAYS_6C] = &h->always_6c,
		[O_LONG_LENGTHS] = &h->long_lengths,
		[O_UNKNOWN_TAGS] = &h->unknown_tags,
	};
	unsigned *const faults[] = {
		[O_WRONG_ID] = &h->wrong_id,
		[O_NO_SW] = &h->no_sw,
		[O_TOO_LONG] = &h->too_long,
		[O_STUCK] = &h->stuck,
		[O_JUMP] = &h->jump,
	};

	if (value == NULL)
		*flags[which] = true;
	else
		*faults[which] = number(name, value, 1000000);
}

static void
parse(int argc, char **argv, struct options *o)
{
	int which, index = 0;

	while ((which = getopt_long(argc, argv, "", table, &index)) != -1) {
		if (which == '?') {
			fputs(usage, stderr);
			exit(2);
		}
		if (which == O_UNIX)
			o->unix_path = optarg;
		else if (which == O_VPCD)
			o->vpcd = optarg;
		else if (which == O_TRACE)
			o->trace = true;
		else if (!set_identity(
			     o->card, which, table[index].name, optarg))
			set_habit(
			    &o->card->habits, which, table[index].name, optarg);
	}
	if (optind != argc || (o->unix_path == NULL) == (o->vpcd == NULL)) {
		fputs(usage, stderr);
		exit(2);
	}
}

static void
print_hex(FILE *to, const char *mark, const uint8_t *b, size_t n)
{
	fputs(mark, to);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%02X", b[i]);
	fputc('\n', to);
	(void)fflush(to);
}

/* TCK only where the standard has one. */
static void
atr(const struct card *card, struct blob *out)
{
	const struct habits *h = &card->habits;
	const size_t len = strlen(card->history);
	uint8_t tck = 0;

	out->n = 0;
	out->b[out->n++] = 0x3b;
	out->b[out->n++] = (uint8_t)((h->t0 ? 0x00 : 0x80) | len);
	if (!h->t0 && !h->t1_only)
		out->b[out->n++] = 0x80; /* TD1: T=0, TD2 follows */
	if (!h->t0)
		out->b[out->n++] = 0x01; /* T=1 */
	memcpy(out->b + out->n, card->history, len);
	out->n += len;
	for (size_t i = 1; i < out->n; i++)
		tck ^= out->b[i];
	if (!h->t0)
		out->b[out->n++] = tck;
}

static void
serve(struct card *card, int fd, bool trace)
{
	static struct blob in, out;

	while (wire_read(fd, &in)) {
		if (in.n == 1 && in.b[0] != 0x04) {
			apdu_reset(card); /* off, on, reset */
			continue;
		}
		if (in.n == 1) {
			atr(card, &out);
		} else {
			if (trace)
				print_hex(stderr, "> ", in.b, in.n);
			apdu_serve(card, in.b, in.n, &out);
			if (trace)
				print_hex(stderr, "< ", out.b, out.n);
		}
		if (!wire_write(fd, &out))
			break;
	}
}

static void
defaults(struct card *card)
{
	struct memory *m = &card->mem;

	card->habits.license_size = 136;
	m->life = OPERATIONAL;
	m->serial_len = 8;
	if (getrandom(m->serial, m->serial_len, 0) != (ssize_t)m->serial_len)
		abort();
	text("firmware", "stranger-fw", m->firmware, 1, 64);
	text("type", "SFI", m->type, 3, 8);
	text("history", "STRANGER", card->history, 1, 15);
	m->counter = m->capacity = 10;
}

int
main(int argc, char **argv)
{
	static struct card card;
	struct options o = { .card = &card };
	int fd;

	defaults(&card);
	parse(argc, argv, &o);
	if (card.habits.t0)
		card.habits.no_extended = true; /* T=0 has no such thing */
	if (card.state_file != NULL && !state_load(card.state_file, &card.mem))
		state_save(&card);
	fd = o.vpcd != NULL ? wire_tcp(o.vpcd) : wire_unix(o.unix_path);
	if (fd < 0) {
		fprintf(stderr, "stranger-card: no reader at %s\n",
		    o.vpcd != NULL ? o.vpcd : o.unix_path);
		return 1;
	}
	print_hex(stdout, "ready ", card.mem.serial, card.mem.serial_len);
	serve(&card, fd, o.trace);
	(void)close(fd);
	return 0;
}
