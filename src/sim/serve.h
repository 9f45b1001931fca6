/* SPDX-License-Identifier: Apache-2.0 */
/* card serve: what its files share. */
#ifndef HL_SIM_SERVE_H
#define HL_SIM_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/softcard.h"
#include "sim/sim.h"
#include "util/buf.h"

/* What goes wrong, in one license request. */
enum fault_kind {
	FAULT_NONE,
	FAULT_DROP_BEFORE, /* connection dropped, nothing counted */
	FAULT_DROP_AFTER,  /* counted, dropped before the answer */
	FAULT_MUTE,	   /* counted, never answered, connection stays */
	FAULT_GARBAGE,	   /* counted, random bytes and 9000 for an answer */
	FAULT_SHORT,	   /* counted, one byte for an answer */
	FAULT_SLOW,	   /* counted, answered late */
	FAULT_WRONG_ID,	   /* answered with another request ID */
	FAULT_STUCK,	   /* answered, not counted */
	FAULT_JUMP	   /* answered, counted three times */
};

struct fault {
	enum fault_kind kind;
	unsigned nth; /* 1: the first request */
	uint32_t ms;
};

/* KIND[:N], slow[:N[:MS]]. HL_EUSAGE. */
hl_rc fault_parse(struct fault *out, const char *spec, hl_err *err);

/*
 * The virtual reader at the other end of a socket. Messages in both directions
 * are a 16-bit big-endian length and so many bytes.
 */
struct link {
	const char *unix_path; /* NULL: TCP */
	char host[256], port[8];
	int fd;	    /* -1: not connected */
	int signal; /* becomes readable when the program has to end */
};

enum link_result { LINK_OK, LINK_LOST, LINK_STOP };

/* Blocks SIGTERM and SIGINT, and watches for them. `where` is HOST:PORT. */
hl_rc link_init(
    struct link *l, const char *unix_path, const char *where, hl_err *err);
/* Tries for `ms` milliseconds. HL_OK with *stop: told to end. HL_ENODEV. */
hl_rc link_connect(struct link *l, uint32_t ms, bool *stop, hl_err *err);
void link_disconnect(struct link *l);
/* One message; *msg is replaced. */
enum link_result link_receive(struct link *l, hl_buf *msg);
/* In one write, so that no reader waits for the other half. */
enum link_result link_send(struct link *l, const void *p, size_t n);
/* Waits; true when told to end. `ms` < 0: for ever. */
bool link_pause(const struct link *l, int ms);
void link_free(struct link *l);

#endif
