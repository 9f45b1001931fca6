/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event of the ledger: an object in canonical JSON (RFC 8785) without the
 * newline. These bytes are a leaf of the tree; they are made once, and never
 * again from what they say. docs/FORMAT.ledger has the fields.
 */
#ifndef HL_LEDGER_EVENT_H
#define HL_LEDGER_EVENT_H

#include <jansson.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/text.h"

#define HL_EVENT_VERSION 1
#define HL_EVENT_MAX 65535 /* bytes; C2SP tlog-tiles has two for a length */
#define HL_EVENT_KIND_MAX 64

typedef struct hl_event {
	uint64_t seq;
	int64_t at; /* milliseconds since 1970, UTC; never used for order */
	char kind[HL_EVENT_KIND_MAX + 1];
	char station[HL_TEXT_MAX + 1], operator_[HL_TEXT_MAX + 1];
	/* What happened, by kind: a flat object of strings, integers below
	 * 2^53, booleans and null. Owned by whoever made the event. */
	json_t *body;
} hl_event;

/*
 * Appends the event's bytes. HL_EINPUT: a field that cannot be, or more than
 * HL_EVENT_MAX bytes; HL_ENOMEM.
 */
HL_CHECK hl_rc hl_event_put(hl_buf *out, const hl_event *e, hl_err *err);

/*
 * Reads an event. Strict: every field there, none besides, and the bytes are
 * just those that hl_event_put() makes. HL_EINPUT with what is wrong. The
 * caller frees it with hl_event_free().
 */
HL_CHECK hl_rc hl_event_parse(
    const void *p, size_t n, hl_event *out, hl_err *err);
void hl_event_free(hl_event *e);

/* A text or integer of the body; NULL, false when it is not there or other. */
const char *hl_event_text(const hl_event *e, const char *key);
bool hl_event_int(const hl_event *e, const char *key, int64_t *v);

/* Is this one of the kinds that docs/FORMAT.ledger lists? */
bool hl_event_kind_known(const char *kind);
/* The kinds, one by one; NULL behind the last. */
const char *hl_event_kind(size_t i);

#endif
